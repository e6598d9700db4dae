/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A layer as Megatron-LM has it (megatron/core/transformer), written in the operators of the replay, keeps what
 * Korthikanti et al. count in “Reducing Activation Recomputation in Large Transformer Models” (2022), section 4:
 * sbh (34 + 5as/h) bytes, and 34sbh where the inside of the attention is computed anew. The paper leaves out the
 * statistics of the norms, two numbers a token in fp32 for each.
 */

#include "hr-operator.h"

#define BATCH G_GUINT64_CONSTANT (2)
#define SEQUENCE G_GUINT64_CONSTANT (1024)
#define HIDDEN G_GUINT64_CONSTANT (2048)
#define HEADS G_GUINT64_CONSTANT (16)
#define SBH (SEQUENCE * BATCH * HIDDEN)
#define SCORES (HEADS * SEQUENCE * SEQUENCE * BATCH)
#define N_NORMS 2
#define STATISTICS (N_NORMS * 2 * sizeof (float) * SEQUENCE * BATCH)

typedef enum
{
  KEEP_ALL,
  RECOMPUTE_ATTENTION,
} Policy;

static const HrValue hidden_shape = {
  .storage = -1, .node = HR_NO_NODE, .element = HR_ELEMENT_BFLOAT16, .count = 1, .divisor = 1, .n_symbols = 3,
  .symbols = { HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN },
};

static const HrValue score_shape = {
  .storage = -1, .node = HR_NO_NODE, .element = HR_ELEMENT_BFLOAT16, .count = 1, .divisor = 1, .n_symbols = 4,
  .symbols = { HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE, HR_SYMBOL_SEQUENCE },
};

/* Products, a softmax in the dtype of the scores, dropout: what is between the two linear layers of the attention. */
static HrValue
attend (HrReplay      *replay,
        const HrValue *parts)
{
  HrValue scores = hr_op_matmul (replay, "scores", parts[0], parts[1], score_shape);
  HrValue context;

  hr_replay_assign (replay, &scores, hr_op_softmax (replay, "softmax", scores, HR_ELEMENT_BFLOAT16));
  hr_op_dropout (replay, &scores, TRUE);
  context = hr_op_matmul (replay, "context", scores, parts[2], hidden_shape);
  hr_replay_drop (replay, scores);

  return context;
}

/* Where it is computed anew, its inputs are what is kept of it. */
static HrValue
attend_with (HrReplay      *replay,
             const HrValue *parts,
             Policy         policy)
{
  HrGraph *graph = replay->graph;
  HrValue context;

  if (policy == KEEP_ALL)
    return attend (replay, parts);

  replay->graph = NULL;
  for (guint i = 0; i < 3; i++)
    hr_replay_hold (replay, parts[i]);
  context = attend (replay, parts);
  replay->graph = graph;

  return hr_autograd_boundary (replay, context);
}

static HrValue
run_attention (HrReplay *replay,
               HrValue   x,
               Policy    policy)
{
  HrValue hidden = hr_op_layer_norm (replay, x, TRUE, TRUE);
  HrValue parts[3];

  hr_replay_assign (replay, &hidden,
                    hr_op_linear (replay, hidden, HR_MODULE_QUERY_KEY_VALUE, "qkv", HR_SYMBOL_HIDDEN, 3, TRUE));
  hr_op_chunk (replay, hidden, 3, parts);
  hr_replay_assign (replay, &hidden, attend_with (replay, parts, policy));
  for (guint i = 0; i < 3; i++)
    hr_replay_drop (replay, parts[i]);
  hr_replay_assign (replay, &hidden,
                    hr_op_linear (replay, hidden, HR_MODULE_OUTPUT, "proj", HR_SYMBOL_HIDDEN, 1, TRUE));
  hr_op_dropout (replay, &hidden, TRUE);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_ADD, "residual", hidden, x));

  return hidden;
}

static HrValue
run_perceptron (HrReplay *replay,
                HrValue   x)
{
  HrValue hidden = hr_op_layer_norm (replay, x, TRUE, TRUE);

  hr_replay_assign (replay, &hidden, hr_op_linear (replay, hidden, HR_MODULE_UP, "fc1", HR_SYMBOL_HIDDEN, 4, TRUE));
  hr_replay_assign (replay, &hidden, hr_op_unary (replay, HR_UNARY_GELU, "gelu", hidden));
  hr_replay_assign (replay, &hidden, hr_op_linear (replay, hidden, HR_MODULE_DOWN, "fc2", HR_SYMBOL_HIDDEN, 1, TRUE));
  hr_op_dropout (replay, &hidden, TRUE);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_ADD, "residual", hidden, x));

  return hidden;
}

/* What is alive after a layer, but for what comes out of it, which is the input of the next. */
static guint64
count_kept (Policy policy)
{
  g_autofree HrReplay *replay = g_new0 (HrReplay, 1);
  g_autoptr (HrGraph) graph = hr_graph_new ();
  HrValue input, middle, output;
  guint64 kept;

  hr_replay_init (replay, HR_ELEMENT_BFLOAT16, HR_QUANTIZATION_NONE);
  replay->symbols[HR_SYMBOL_BATCH] = BATCH;
  replay->symbols[HR_SYMBOL_SEQUENCE] = SEQUENCE;
  replay->symbols[HR_SYMBOL_HIDDEN] = HIDDEN;
  replay->symbols[HR_SYMBOL_HEADS] = HEADS;
  replay->training = TRUE;
  replay->trains_weights = TRUE;
  replay->graph = graph;

  input = hr_replay_make (replay, "embedding", "hidden_states", HR_COMPONENT_ACTIVATIONS, hidden_shape);
  input = hr_autograd_boundary (replay, input);
  middle = run_attention (replay, input, policy);
  output = run_perceptron (replay, middle);
  hr_replay_drop (replay, input);
  hr_replay_drop (replay, middle);
  hr_replay_drop (replay, output);
  kept = replay->ledger.live.total;
  hr_graph_clear (graph, replay);

  return kept;
}

static void
test_all (void)
{
  g_assert_cmpuint (count_kept (KEEP_ALL), ==, 34 * SBH + 5 * SCORES + STATISTICS);
}

static void
test_selective (void)
{
  g_assert_cmpuint (count_kept (RECOMPUTE_ATTENTION), ==, 34 * SBH + STATISTICS);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/memory/megatron/a_layer_keeps_sbh_times_34_and_5_as_over_h", test_all);
  g_test_add_func ("/memory/megatron/without_the_attention_it_keeps_34_sbh", test_selective);

  return g_test_run ();
}
