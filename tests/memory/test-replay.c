/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-component-text.h"
#include "hr-replay-blocks.h"

#include <string.h>

#define BATCH 2
#define SEQUENCE 1024
#define HIDDEN 256
#define INTERMEDIATE 1024

#define TOKENS (BATCH * SEQUENCE)

static void
set_up (HrReplay  *replay,
        HrElement  dtype)
{
  hr_replay_init (replay, dtype, HR_QUANTIZATION_NONE);
  replay->symbols[HR_SYMBOL_BATCH] = BATCH;
  replay->symbols[HR_SYMBOL_SEQUENCE] = SEQUENCE;
  replay->symbols[HR_SYMBOL_CONTEXT] = replay->symbols[HR_SYMBOL_CONTEXT_PADDED] = SEQUENCE;
  replay->symbols[HR_SYMBOL_HIDDEN] = replay->symbols[HR_SYMBOL_QUERY] = HIDDEN;
  replay->symbols[HR_SYMBOL_KEY] = replay->symbols[HR_SYMBOL_CACHED] = HIDDEN / 4;
  replay->symbols[HR_SYMBOL_HEADS] = 8;
  replay->symbols[HR_SYMBOL_KEY_HEADS] = 2;
  replay->symbols[HR_SYMBOL_HEAD] = HIDDEN / 8;
  replay->symbols[HR_SYMBOL_ROTARY] = HIDDEN / 8;
  replay->symbols[HR_SYMBOL_INTERMEDIATE] = INTERMEDIATE;
}

static HrValue
make_input (HrReplay *replay)
{
  return hr_op_like (replay, "embedding", "x",
                     HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));
}

/* A tape begins on the stack as well, where anything may have been. */
static void
test_beginning (void)
{
  g_autofree HrReplay *replay = g_new (HrReplay, 1);

  memset (replay, 0x5a, sizeof *replay);
  set_up (replay, HR_ELEMENT_BFLOAT16);
  g_assert_null (replay->switched_off);
  g_assert_null (replay->heap);
  g_assert_false (replay->offloads_inputs);
  g_assert_false (replay->expands_anew);
  g_assert_false (replay->splits_outliers);
  g_assert_false (replay->sorts_no_rows);
}

/*
 * The moment has the names, the purposes and the tensors that there were, whatever becomes of them: a name that changes
 * afterwards, a tensor that goes, one that comes below the peak.
 */
static void
test_moment (void)
{
  HrReplay replay;
  HrStretch stretch;
  HrValue x, y, small;

  set_up (&replay, HR_ELEMENT_BFLOAT16);
  hr_replay_begin (&replay, &stretch, "model.layers.{}", 0);
  x = make_input (&replay);
  y = hr_op_like (&replay, "mul", "y", x);
  hr_replay_rename (&replay, x, "residual");
  hr_replay_reassign_component (&replay, y, HR_COMPONENT_TEMPORARY);
  hr_replay_drop (&replay, y);
  small = hr_op_like (&replay, "sum", "small", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH));
  hr_replay_drop (&replay, small);
  hr_replay_end (&replay);

  g_assert_cmpuint (stretch.moment.n_storages, ==, 2);
  g_assert_cmpstr (stretch.moment.storages[0].name, ==, "x");
  g_assert_cmpstr (stretch.moment.storages[1].name, ==, "y");
  g_assert_cmpint (stretch.moment.storages[1].component, ==, HR_COMPONENT_ACTIVATIONS);
  g_assert_cmpuint (stretch.moment.level.total, ==, 2 * 2 * TOKENS * HIDDEN);
  g_assert_cmpstr (stretch.moment.operation, ==, "mul");
}

/* A view keeps the storage; the last variable gives it back. */
static void
test_references (void)
{
  HrReplay replay;
  HrValue x, view;

  set_up (&replay, HR_ELEMENT_BFLOAT16);
  x = make_input (&replay);
  view = hr_replay_hold (&replay, x);
  hr_replay_drop (&replay, x);
  g_assert_cmpuint (replay.ledger.live.total, ==, 2 * TOKENS * HIDDEN);
  hr_replay_drop (&replay, view);
  g_assert_cmpuint (replay.ledger.live.total, ==, 0);
}

/* `x = f (x)`: the old tensor goes after the new one has come. */
static void
test_assignment (void)
{
  HrReplay replay;
  HrValue x;

  set_up (&replay, HR_ELEMENT_BFLOAT16);
  x = make_input (&replay);
  hr_replay_assign (&replay, &x, hr_op_like (&replay, "mul", "x", x));
  g_assert_cmpuint (replay.ledger.live.total, ==, 2 * TOKENS * HIDDEN);
  g_assert_cmpuint (replay.ledger.peak.total, ==, 2 * 2 * TOKENS * HIDDEN);
}

/* x.to (dtype) makes nothing if x has the dtype. */
static void
test_cast (void)
{
  HrReplay replay;
  HrValue x, same, other;

  set_up (&replay, HR_ELEMENT_BFLOAT16);
  x = make_input (&replay);
  same = hr_op_cast (&replay, x, HR_ELEMENT_BFLOAT16);
  g_assert_cmpuint (replay.ledger.live.total, ==, 2 * TOKENS * HIDDEN);
  other = hr_op_cast (&replay, x, HR_ELEMENT_FLOAT32);
  g_assert_cmpuint (replay.ledger.live.total, ==, 6 * TOKENS * HIDDEN);
  g_assert_cmpint (same.storage, ==, x.storage);
  g_assert_cmpint (other.storage, !=, x.storage);
}

typedef struct
{
  const char *name;
  HrNormKind kind;
  HrElement dtype;
  guint bytes;          /* a token and a hidden element, beside the input, at the worst */
} NormCase;

static const NormCase norm_cases[] = {
  { "rms", HR_NORM_RMS, HR_ELEMENT_BFLOAT16, 8 },
  { "rms-fp32", HR_NORM_RMS, HR_ELEMENT_FLOAT32, 8 },
  { "rms-scaled-in-fp32", HR_NORM_RMS_FP32_WEIGHT, HR_ELEMENT_BFLOAT16, 10 },
  { "rms-scaled-by-one-plus-weight", HR_NORM_RMS_FP32_SCALE, HR_ELEMENT_BFLOAT16, 8 },
  { "layer", HR_NORM_LAYER, HR_ELEMENT_BFLOAT16, 2 },
  { "layer-in-fp32", HR_NORM_LAYER_FP32, HR_ELEMENT_BFLOAT16, 8 },
  { "layer-spelt-out", HR_NORM_LAYER_COMPOSITE, HR_ELEMENT_BFLOAT16, 12 },
};

static void
test_norm (gconstpointer data)
{
  const NormCase *test = data;
  const HrNorm norm = { .kind = test->kind, .has_weight = TRUE };
  HrReplay replay;
  HrValue x, result;
  guint64 before, beside;

  set_up (&replay, test->dtype);
  x = make_input (&replay);
  before = replay.ledger.live.total;
  result = hr_replay_norm (&replay, x, &norm);
  beside = replay.ledger.peak.total - before;

  /* What a row has, means and deviations, is small beside what an element has. */
  g_assert_cmpuint (beside, >=, test->bytes * TOKENS * HIDDEN);
  g_assert_cmpuint (beside, <, test->bytes * TOKENS * HIDDEN + 32 * TOKENS + 16 * HIDDEN);
  g_assert_cmpuint (replay.ledger.live.total, ==, 2 * before);

  hr_replay_drop (&replay, result);
  hr_replay_drop (&replay, x);
  g_assert_cmpuint (replay.ledger.live.total, ==, 0);
}

typedef struct
{
  const char *name;
  HrMlp mlp;
  guint bytes;          /* a token and an intermediate element at the worst, beside input and output */
} MlpCase;

static const MlpCase mlp_cases[] = {
  { "gated", { .gated = TRUE }, 6 },
  { "gated-in-one-matrix", { .gated = TRUE, .fused_gate_up = TRUE }, 8 },
  { "plain", { .activation = HR_ACTIVATION_GELU }, 4 },
  { "gelu-spelt-out", { .activation = HR_ACTIVATION_GELU_NEW }, 8 },
  { "gelu-of-bloom", { .activation = HR_ACTIVATION_GELU_BLOOM }, 10 },
  { "relu-squared", { .activation = HR_ACTIVATION_RELU2 }, 6 },
};

static void
test_mlp (gconstpointer data)
{
  const MlpCase *test = data;
  HrReplay replay;
  HrValue x, result;

  set_up (&replay, HR_ELEMENT_BFLOAT16);
  x = make_input (&replay);
  result = hr_replay_mlp (&replay, &x, &test->mlp);

  g_assert_cmpuint (replay.ledger.peak.total, ==, 2 * TOKENS * HIDDEN + test->bytes * TOKENS * INTERMEDIATE);

  hr_replay_drop (&replay, result);
  hr_replay_drop (&replay, x);
  g_assert_cmpuint (replay.ledger.live.total, ==, 0);
}

/* A layer's own function lets the input go, a module's caller holds it. */
static void
test_inlined_mlp (void)
{
  HrMlp mlp = { .activation = HR_ACTIVATION_RELU, .inlined = TRUE };
  HrReplay replay;
  HrValue x, result;

  set_up (&replay, HR_ELEMENT_BFLOAT16);
  x = make_input (&replay);
  result = hr_replay_mlp (&replay, &x, &mlp);
  g_assert_cmpint (x.storage, ==, -1);
  g_assert_cmpuint (replay.ledger.peak.total, ==, 4 * TOKENS * INTERMEDIATE);
  hr_replay_drop (&replay, result);
}

typedef struct
{
  const char *name;
  HrElement dtype;
  HrAttentionImplementation attention;
  gboolean masked;
  guint head_dim;
  const char *operation;   /* what makes the output */
} KernelCase;

static const KernelCase kernel_cases[] = {
  { "half-precision-takes-flash", HR_ELEMENT_FLOAT16, HR_ATTENTION_IMPLEMENTATION_SDPA, FALSE, 128,
    "_scaled_dot_product_flash_attention" },
  { "a-mask-takes-efficient", HR_ELEMENT_BFLOAT16, HR_ATTENTION_IMPLEMENTATION_SDPA, TRUE, 128,
    "_scaled_dot_product_efficient_attention" },
  { "single-precision-takes-efficient", HR_ELEMENT_FLOAT32, HR_ATTENTION_IMPLEMENTATION_SDPA, FALSE, 128,
    "_scaled_dot_product_efficient_attention" },
  { "a-wide-head-takes-efficient", HR_ELEMENT_BFLOAT16, HR_ATTENTION_IMPLEMENTATION_SDPA, FALSE, 512,
    "_scaled_dot_product_efficient_attention" },
  { "efficient-is-obeyed", HR_ELEMENT_BFLOAT16, HR_ATTENTION_IMPLEMENTATION_SDPA_EFFICIENT, FALSE, 128,
    "_scaled_dot_product_efficient_attention" },
  { "math-is-obeyed", HR_ELEMENT_BFLOAT16, HR_ATTENTION_IMPLEMENTATION_SDPA_MATH, FALSE, 128, "all" },
  { "double-precision-takes-math", HR_ELEMENT_FLOAT64, HR_ATTENTION_IMPLEMENTATION_SDPA, FALSE, 128, "all" },
};

static void
test_kernel (gconstpointer data)
{
  const KernelCase *test = data;
  HrForward forward = { .attention = test->attention, .mask = HR_NO_VALUE };
  HrReplay replay;
  HrStretch stretch;
  HrValue query, key, value, output;

  set_up (&replay, test->dtype);
  replay.symbols[HR_SYMBOL_HEAD] = test->head_dim;
  replay.symbols[HR_SYMBOL_QUERY] = test->head_dim * 8;
  replay.symbols[HR_SYMBOL_KEY] = replay.symbols[HR_SYMBOL_CACHED] = test->head_dim * 8;
  query = hr_op_like (&replay, "mm", "q", HR_SHAPE (test->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_QUERY));
  key = hr_op_like (&replay, "mm", "k", query);
  value = hr_op_like (&replay, "mm", "v", query);
  if (test->masked)
    forward.mask = hr_replay_mask (&replay, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE);

  hr_replay_begin (&replay, &stretch, "attention", 0);
  output = hr_replay_sdpa (&replay, &forward, query, key, value);
  hr_replay_end (&replay);
  g_assert_cmpstr (stretch.moment.operation, ==, test->operation);

  hr_replay_drop (&replay, output);
  hr_replay_drop (&replay, forward.mask);
  hr_replay_drop (&replay, value);
  hr_replay_drop (&replay, key);
  hr_replay_drop (&replay, query);
  g_assert_cmpuint (replay.ledger.live.total, ==, 0);
}

/* A stretch that is repeated does to the books what it did when it was replayed. */
static void
test_repetition (void)
{
  HrMlp mlp = { .gated = TRUE };
  HrReplay replayed, repeated;
  HrStretch stretch;

  set_up (&replayed, HR_ELEMENT_BFLOAT16);
  set_up (&repeated, HR_ELEMENT_BFLOAT16);
  for (guint i = 0; i < 3; i++)
    {
      HrReplay *replays[] = { &replayed, &repeated };

      for (guint j = 0; j < G_N_ELEMENTS (replays); j++)
        {
          HrValue x;

          if (j == 1 && i > 0)
            {
              if (i == 1)
                hr_replay_repeat (replays[j], &stretch, i, 1, 2);
              continue;
            }

          hr_replay_begin (replays[j], &stretch, "layer.{}", i);
          x = make_input (replays[j]);
          hr_replay_leave (replays[j], hr_replay_mlp (replays[j], &x, &mlp));
          hr_replay_drop (replays[j], x);
          hr_replay_end (replays[j]);
        }
    }

  g_assert_cmpuint (repeated.ledger.live.total, ==, replayed.ledger.live.total);
  g_assert_cmpuint (repeated.ledger.peak.total, ==, replayed.ledger.peak.total);
  g_assert_cmpuint (repeated.peak.level.total, ==, replayed.peak.level.total);
  g_assert_cmpint (repeated.peak.layer, ==, 2);
  g_assert_cmpint (replayed.peak.layer, ==, 2);
}

/* Formula and numbers come from the same symbols as the bytes. */
static void
test_text (void)
{
  HrMlp mlp = { .gated = TRUE };
  HrReplay replay;
  HrStretch stretch;
  HrValue x, result;
  g_autofree char *formula = NULL;
  g_autofree char *substitution = NULL;
  g_autofree char *operation = NULL;

  set_up (&replay, HR_ELEMENT_BFLOAT16);
  x = make_input (&replay);
  hr_replay_begin (&replay, &stretch, "layers.{}.mlp", 7);
  result = hr_replay_mlp (&replay, &x, &mlp);
  hr_replay_end (&replay);

  formula = hr_component_text_new_formula (&replay.peak, HR_COMPONENT_ACTIVATIONS);
  substitution = hr_component_text_new_substitution (&replay.peak, HR_COMPONENT_ACTIVATIONS);
  operation = hr_component_text_new_operation (&replay.peak);
  g_assert_true (g_str_has_prefix (formula, "3·2·B·S·i ("));
  g_assert_true (g_str_has_suffix (formula, " + 2·B·S·h (x)"));
  g_assert_cmpstr (substitution, ==, "3·2·2·1024·1024 + 2·2·1024·256");
  g_assert_cmpstr (operation, ==, "layers.7.mlp, mul");
  hr_replay_drop (&replay, result);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory/replay/a_tape_begins_empty_wherever_it_lies", test_beginning);
  g_test_add_func ("/memory/replay/a_moment_is_what_there_was_then", test_moment);
  g_test_add_func ("/memory/replay/a_view_keeps_its_storage", test_references);
  g_test_add_func ("/memory/replay/a_variable_lets_go_after_the_new_value_has_come", test_assignment);
  g_test_add_func ("/memory/replay/a_cast_to_the_same_dtype_makes_nothing", test_cast);
  g_test_add_func ("/memory/replay/a_layer_lets_the_input_of_its_own_mlp_go", test_inlined_mlp);
  g_test_add_func ("/memory/replay/a_repeated_stretch_equals_a_replayed_one", test_repetition);
  g_test_add_func ("/memory/replay/the_formula_has_the_symbols_of_what_is_alive", test_text);

  for (guint i = 0; i < G_N_ELEMENTS (norm_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/memory/replay/norm/%s", norm_cases[i].name);

      g_test_add_data_func (path, &norm_cases[i], test_norm);
    }
  for (guint i = 0; i < G_N_ELEMENTS (mlp_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/memory/replay/mlp/%s", mlp_cases[i].name);

      g_test_add_data_func (path, &mlp_cases[i], test_mlp);
    }
  for (guint i = 0; i < G_N_ELEMENTS (kernel_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/memory/replay/kernel/%s", kernel_cases[i].name);

      g_test_add_data_func (path, &kernel_cases[i], test_kernel);
    }

  return g_test_run ();
}
