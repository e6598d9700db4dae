/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-inference-job.h"
#include "hr-job-enums.h"
#include "hr-replay-blocks.h"

#include "estimates.h"

/* What is alive at once in the code of each family, counted by hand from its modelling file. */

#define PROMPT 8192
#define HEADS 8
#define HIDDEN 512
#define TOKENS (BATCH * SEQUENCE)
#define BATCH 2
#define SEQUENCE 1024

typedef struct
{
  const char *name;
  const char *config;   /* ' stands for " */
  guint bytes;          /* of each attention score */
} ScoreCase;

#define SIZES "'vocab_size': 400, 'hidden_size': 512, 'num_hidden_layers': 3, 'num_attention_heads': 8, "

static const ScoreCase score_cases[] = {
  /* Scores, their copy in fp32, the softmax of it. */
  { "llama", "{ 'model_type': 'llama', " SIZES "'intermediate_size': 512, 'torch_dtype': 'bfloat16' }", 2 + 4 + 4 },
  { "olmo", "{ 'model_type': 'olmo', " SIZES "'intermediate_size': 512, 'torch_dtype': 'bfloat16' }", 2 + 4 + 4 },
  { "cohere", "{ 'model_type': 'cohere', " SIZES "'intermediate_size': 512, 'torch_dtype': 'bfloat16' }", 2 + 4 + 4 },
  /* In float16 the softmax reads one type and writes the other. */
  { "phi", "{ 'model_type': 'phi', " SIZES "'intermediate_size': 512, 'torch_dtype': 'float16' }", 2 + 4 + 2 },
  /* A softmax in the dtype of the model. */
  { "gpt2", "{ 'model_type': 'gpt2', " SIZES "'n_positions': 8192, 'torch_dtype': 'bfloat16' }", 2 + 2 },
  /* The scores, with the mask, in fp32, their softmax; the weights of the layer before. */
  { "bloom", "{ 'model_type': 'bloom', " SIZES "'torch_dtype': 'bfloat16' }", 2 + 2 + 4 + 4 + 2 },
  /* The scores, with the mask, their softmax; the weights of the layer before. */
  { "falcon", "{ 'model_type': 'falcon', " SIZES "'torch_dtype': 'bfloat16' }", 2 + 2 + 2 + 2 },
  /* The scores, in fp32, with the biases, with the mask, cast, their softmax; the joined mask; the layer before. */
  { "falcon-with-alibi",
    "{ 'model_type': 'falcon', " SIZES "'alibi': true, 'multi_query': false, 'torch_dtype': 'bfloat16' }",
    2 + 4 + 4 + 4 + 2 + 2 + 2 + 2 },
};

static HrModel *
load_model (const char *config)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strdelimit (g_strdup (config), "'", '"');
  HrModel *model = hr_model_new_from_data (text, -1, "test", &error);

  g_assert_no_error (error);

  return model;
}

static guint64
get_activations (HrModel                   *model,
                 HrAttentionImplementation  attention,
                 guint64                    batch,
                 guint64                    prompt)
{
  g_autoptr (HrJob) job = HR_JOB (hr_inference_job_new ());
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (job, "batch-size", batch, "prompt-length", prompt, "output-length", (guint64) 1, "attention", attention,
                NULL);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);

  return get_component_bytes (estimate, HR_COMPONENT_ACTIVATIONS);
}

/* With a prompt so long, everything that is not a score is less than a byte of each: a mask, a quarter. */
static void
test_scores (gconstpointer data)
{
  const ScoreCase *test = data;
  g_autoptr (HrModel) model = load_model (test->config);
  guint64 scores = (guint64) HEADS * PROMPT * PROMPT;

  g_assert_cmpuint (get_activations (model, HR_ATTENTION_IMPLEMENTATION_EAGER, 1, PROMPT) / scores, ==, test->bytes);
}

/* Falcon computes both of its norms before the attention, and its variables hold them to the end of the layer. */
static void
test_two_norms (void)
{
  static const char * const configs[] = {
    "{ 'model_type': 'falcon', " SIZES "'num_kv_heads': 2, 'new_decoder_architecture': true, "
    "'num_ln_in_parallel_attn': 1, 'torch_dtype': 'bfloat16' }",
    "{ 'model_type': 'falcon', " SIZES "'num_kv_heads': 2, 'new_decoder_architecture': true, "
    "'num_ln_in_parallel_attn': 2, 'torch_dtype': 'bfloat16' }",
  };
  guint64 bytes[2];

  for (guint i = 0; i < G_N_ELEMENTS (configs); i++)
    {
      g_autoptr (HrModel) model = load_model (configs[i]);

      bytes[i] = get_activations (model, HR_ATTENTION_IMPLEMENTATION_SDPA, BATCH, SEQUENCE);
    }

  g_assert_cmpuint (bytes[1] - bytes[0], ==, 2 * TOKENS * HIDDEN);
}

/* Bloom has one code path, and always a mask. */
static void
test_bloom_is_always_eager (void)
{
  g_autoptr (HrModel) model = load_model (score_cases[5].config);
  guint64 eager = get_activations (model, HR_ATTENTION_IMPLEMENTATION_EAGER, BATCH, SEQUENCE);

  g_assert_cmpuint (get_activations (model, HR_ATTENTION_IMPLEMENTATION_SDPA, BATCH, SEQUENCE), ==, eager);
  g_assert_cmpuint (get_activations (model, HR_ATTENTION_IMPLEMENTATION_FLASH, BATCH, SEQUENCE), ==, eager);
}

static void
set_up (HrReplay *replay,
        guint64   batch,
        guint64   sequence,
        guint64   context,
        guint     key_heads)
{
  hr_replay_init (replay, HR_ELEMENT_BFLOAT16, HR_QUANTIZATION_NONE);
  replay->symbols[HR_SYMBOL_BATCH] = batch;
  replay->symbols[HR_SYMBOL_SEQUENCE] = sequence;
  replay->symbols[HR_SYMBOL_CONTEXT] = replay->symbols[HR_SYMBOL_CONTEXT_PADDED] = context;
  replay->symbols[HR_SYMBOL_HIDDEN] = replay->symbols[HR_SYMBOL_QUERY] = HIDDEN;
  replay->symbols[HR_SYMBOL_HEADS] = HEADS;
  replay->symbols[HR_SYMBOL_KEY_HEADS] = key_heads;
  replay->symbols[HR_SYMBOL_HEAD] = HIDDEN / HEADS;
  replay->symbols[HR_SYMBOL_KEY] = replay->symbols[HR_SYMBOL_CACHED] = HIDDEN / HEADS * key_heads;
}

/* Runs an attention module. Returns the most that was alive, its input included. */
static guint64
run_attention (HrReplay          *replay,
               HrForward         *forward,
               const HrAttention *attention)
{
  HrAttentionResult result;
  HrValue x = hr_op_like (replay, "norm", "x",
                          HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));

  forward->cos = forward->sin =
    HR_SHAPE (attention->position == HR_POSITION_ROTARY_FP32 ? HR_ELEMENT_FLOAT32 : replay->dtype,
              HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);
  result = hr_replay_attention (replay, forward, x, attention);
  hr_replay_drop (replay, result.output);
  hr_replay_drop (replay, result.weights);
  hr_replay_drop (replay, x);
  hr_replay_drop (replay, forward->old_keys);
  hr_replay_drop (replay, forward->old_values);
  g_assert_cmpuint (replay->ledger.live.total, ==, 0);

  return replay->ledger.peak.total;
}

static HrForward
make_forward (HrAttentionImplementation  attention,
              gboolean                   use_cache)
{
  return (HrForward) {
    .attention = attention, .use_cache = use_cache, .first = TRUE, .mask = HR_NO_VALUE,
    .old_keys = HR_NO_VALUE, .old_values = HR_NO_VALUE,
    .quantized_keys = HR_NO_VALUE, .quantized_values = HR_NO_VALUE,
  };
}

/* Input, three projections, and of both rotations what is alive while the key's is added up. */
static void
test_rotation_in_fp32 (void)
{
  HrAttention attention = {
    .num_attention_heads = HEADS, .num_key_value_heads = HEADS, .cached_heads = HEADS, .head_dim = HIDDEN / HEADS,
    .rotary_dim = HIDDEN / HEADS, .position = HR_POSITION_ROTARY,
  };
  HrForward forward = make_forward (HR_ATTENTION_IMPLEMENTATION_SDPA, FALSE);
  HrReplay replay;

  set_up (&replay, BATCH, SEQUENCE, SEQUENCE, HEADS);
  g_assert_cmpuint (run_attention (&replay, &forward, &attention), ==,
                    (2 + 3 * 2 + 2 + 3 * 2) * TOKENS * HIDDEN);

  attention.position = HR_POSITION_ROTARY_FP32;
  set_up (&replay, BATCH, SEQUENCE, SEQUENCE, HEADS);
  g_assert_cmpuint (run_attention (&replay, &forward, &attention), ==,
                    (2 + 3 * 2 + 4 + 3 * 4) * TOKENS * HIDDEN);
}

/* A head that is shown as many has a stride of 0, by which the product cannot step from sequence to sequence. */
static void
test_single_key_head (void)
{
  static const HrAttentionPath paths[] = { HR_ATTENTION_INTERFACE, HR_ATTENTION_FALCON };
  const guint64 context = 4096;

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      HrAttention attention = {
        .num_attention_heads = HEADS, .num_key_value_heads = 1, .cached_heads = 1, .head_dim = HIDDEN / HEADS,
        .position = HR_POSITION_NONE, .path = paths[i],
      };

      for (guint64 batch = 1; batch <= 2; batch++)
        {
          HrForward forward = make_forward (HR_ATTENTION_IMPLEMENTATION_EAGER, TRUE);
          guint64 cache = 2 * 2 * batch * context * HIDDEN / HEADS;
          guint64 scores = 2 * batch * HEADS * context;
          guint64 copy = batch > 1 ? 2 * batch * context * HIDDEN : 0;
          guint64 peak;
          HrReplay replay;

          set_up (&replay, batch, 1, context, 1);
          peak = run_attention (&replay, &forward, &attention);
          g_assert_cmpuint (peak, >=, cache + copy);
          g_assert_cmpuint (peak, <, cache + copy + 8 * scores);
        }
    }
}

/* Scores of a batch are those of each sequence, side by side: nothing has to be copied for them. */
static void
test_scores_of_a_batch (void)
{
  HrAttention attention = {
    .num_attention_heads = HEADS, .num_key_value_heads = HEADS, .cached_heads = HEADS, .head_dim = HIDDEN / HEADS,
    .position = HR_POSITION_NONE,
  };
  guint64 peaks[2];

  for (guint i = 0; i < G_N_ELEMENTS (peaks); i++)
    {
      HrForward forward = make_forward (HR_ATTENTION_IMPLEMENTATION_EAGER, FALSE);
      HrReplay replay;

      set_up (&replay, i + 1, SEQUENCE, SEQUENCE, HEADS);
      replay.dtype = HR_ELEMENT_FLOAT32;
      peaks[i] = run_attention (&replay, &forward, &attention);
    }

  g_assert_cmpuint (peaks[1], ==, 2 * peaks[0]);
}

/* What was not counted is said, and what was, where it comes from. */
static void
test_sources (void)
{
  g_autoptr (HrModel) model = load_model (score_cases[5].config);
  g_autoptr (HrJob) job = HR_JOB (hr_inference_job_new ());
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  const char * const *warnings;
  GListModel *components;
  guint n_sources = 0;
  gboolean warned = FALSE;

  g_assert_no_error (error);
  warnings = hr_estimate_get_warnings (estimate);
  for (guint i = 0; warnings != NULL && warnings[i] != NULL; i++)
    warned |= strstr (warnings[i], "CUDA context") != NULL;
  g_assert_true (warned);

  components = hr_estimate_get_components (estimate);
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);

      n_sources += strstr (hr_component_get_source (component), "src/transformers/models/bloom") != NULL;
    }
  g_assert_cmpuint (n_sources, >, 0);
}

/* The sines that CTRL adds are fp32 whatever its weights are. */
static void
test_positions_in_fp32 (void)
{
  g_autoptr (HrModel) model = load_model ("{ 'model_type': 'ctrl', 'n_layer': 2, 'torch_dtype': 'float32' }");
  g_autoptr (HrJob) job = HR_JOB (hr_inference_job_new ());
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;

  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  g_assert_nonnull (estimate);
  g_clear_object (&estimate);

  g_object_set (job, "dtype", HR_DTYPE_BFLOAT16, NULL);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_null (estimate);
  g_assert_nonnull (strstr (error->message, "bfloat16"));
}

#define BAICHUAN \
  "'model_type': 'baichuan', 'architectures': ['BaichuanForCausalLM'], 'vocab_size': 400, 'intermediate_size': 512, " \
  "'num_hidden_layers': 2, 'torch_dtype': 'bfloat16', "

typedef struct
{
  const char *config;
  gboolean rotates;
} BaichuanCase;

/* The classes of 7B and 13B have one name; those of 13B do not rotate, and their backward pass is not known. */
static const BaichuanCase baichuan_cases[] = {
  { "{ " BAICHUAN "'hidden_size': 4096, 'num_attention_heads': 32, 'max_position_embeddings': 4096 }", TRUE },
  { "{ " BAICHUAN "'hidden_size': 4096, 'num_attention_heads': 32, 'max_position_embeddings': 4096, "
    "'model_max_length': 4096 }", TRUE },
  { "{ " BAICHUAN "'hidden_size': 5120, 'num_attention_heads': 40, 'model_max_length': 4096 }", FALSE },
  { "{ " BAICHUAN "'hidden_size': 5120, 'num_attention_heads': 40, 'max_position_embeddings': 4096 }", FALSE },
  { "{ " BAICHUAN "'hidden_size': 512, 'num_attention_heads': 8, 'model_max_length': 4096 }", FALSE },
};

static void
test_biases_of_baichuan (void)
{
  static const HrMode modes[] = { HR_MODE_INFERENCE, HR_MODE_FINE_TUNING, HR_MODE_TRAINING };

  for (guint i = 0; i < G_N_ELEMENTS (baichuan_cases); i++)
    {
      g_autoptr (HrModel) model = load_model (baichuan_cases[i].config);

      for (guint j = 0; j < G_N_ELEMENTS (modes); j++)
        {
          g_autoptr (HrJob) job = hr_job_new (modes[j]);
          g_autoptr (GError) error = NULL;
          g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);

          g_test_message ("%s: %s", baichuan_cases[i].config, error != NULL ? error->message : "estimated");
          if (baichuan_cases[i].rotates || modes[j] == HR_MODE_INFERENCE)
            g_assert_no_error (error);
          else
            g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
          g_assert_true ((estimate != NULL) == (error == NULL));
        }
    }
}

typedef struct
{
  const char *name;
  const char *setting;
  const char *value;
  gboolean is_known;
} BaichuanSetting;

/* The biases are for 4,096 positions, those of what is generated included; its own code keeps the cache. */
static const BaichuanSetting baichuan_settings[] = {
  { "all-positions", "prompt-length", "4095", TRUE },
  { "a-position-more", "prompt-length", "4096", FALSE },
  { "beams", "beams", "2", FALSE },
  { "a-quantized-cache", "kv-cache-dtype", "int8", FALSE },
};

static void
test_setting_of_baichuan (gconstpointer data)
{
  const BaichuanSetting *self = data;
  g_autoptr (HrModel) model = load_model (baichuan_cases[2].config);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  g_object_set (job, "output-length", (guint64) 1, NULL);
  hr_job_set_from_string (job, self->setting, self->value, &error);
  g_assert_no_error (error);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  if (self->is_known)
    g_assert_no_error (error);
  else
    g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (score_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/memory/architectures/scores/%s", score_cases[i].name);

      g_test_add_data_func (path, &score_cases[i], test_scores);
    }
  for (guint i = 0; i < G_N_ELEMENTS (baichuan_settings); i++)
    {
      g_autofree char *path = g_strdup_printf ("/memory/architectures/baichuan/%s", baichuan_settings[i].name);

      g_test_add_data_func (path, &baichuan_settings[i], test_setting_of_baichuan);
    }
  g_test_add_func ("/memory/architectures/two_norms_are_held_through_the_layer", test_two_norms);
  g_test_add_func ("/memory/architectures/bloom_has_one_way_to_attend", test_bloom_is_always_eager);
  g_test_add_func ("/memory/architectures/cosines_in_fp32_make_products_in_fp32", test_rotation_in_fp32);
  g_test_add_func ("/memory/architectures/scores_of_a_batch_are_not_copied", test_scores_of_a_batch);
  g_test_add_func ("/memory/architectures/a_single_key_head_is_copied_for_each_of_a_batch", test_single_key_head);
  g_test_add_func ("/memory/architectures/the_code_of_the_model_is_named", test_sources);
  g_test_add_func ("/memory/architectures/ctrl_is_computed_in_fp32_only", test_positions_in_fp32);
  g_test_add_func ("/memory/architectures/baichuan_of_13b_is_not_taken_for_that_of_7b", test_biases_of_baichuan);

  return g_test_run ();
}
