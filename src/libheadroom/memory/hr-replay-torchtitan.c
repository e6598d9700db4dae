/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-torchtitan.h"

#include "hr-operator-sequence.h"
#include "hr-inference-cache.h"
#include "hr-replay-context.h"
#include "hr-torchtitan-context.h"
#include "hr-torchtitan-parallel.h"

/*
 * A layer of torchtitan (commit b5bcd76c), for models like Llama and Qwen3: norms in one kernel (torch.nn.RMSNorm), one
 * matrix for queries, keys and values, rotations in fp32 by a table that each layer has, and flash attention over all
 * tokens in a row. Ranks may share what comes out of a matrix, or goes into it (hr-torchtitan-parallel.c).
 */

/* The norm of each head, over the tensor as [B, S, H, d]. */
static void
norm_heads (HrReplay *replay,
            HrValue  *x,
            HrSymbol  heads)
{
  static const HrNorm norm = { .kind = HR_NORM_RMS, .has_weight = TRUE };
  HrValue view = *x;
  HrValue result;

  view.symbols[view.n_symbols - 1] = heads;
  view.symbols[view.n_symbols++] = HR_SYMBOL_HEAD;
  result = hr_replay_norm (replay, view, &norm);
  result.n_symbols = x->n_symbols;
  result.symbols[result.n_symbols - 1] = x->symbols[x->n_symbols - 1];
  hr_replay_assign (replay, x, result);
}

/*
 * RoPE.forward of torchtitan/models/common/rope.py: the rows of the table for the positions of the batch. Pairs are
 * complex numbers there (ComplexRoPE), or halves that are turned (CosSinRoPE).
 */
static void
rotate (HrReplay *replay,
        HrValue  *query,
        HrValue  *key,
        gboolean  by_halves)
{
  HrValue row = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HEAD);
  HrValue *variables[] = { query, key };
  HrValue wide[2], turned[2], result[2];
  HrValue shape = row;
  HrValue table;

  shape.count = by_halves ? 2 : 1;
  table = hr_op_like (replay, "index", "rope_cache", shape);
  for (guint i = 0; i < 2; i++)
    wide[i] = hr_op_cast (replay, *variables[i], HR_ELEMENT_FLOAT32);
  for (guint i = 0; i < 2; i++)
    {
      HrValue cos = hr_op_view (replay, table, row);

      turned[i] = by_halves ? hr_replay_rotate (replay, wide[i], cos, cos, "x_out")
                            : hr_op_binary_as (replay, HR_BINARY_MUL, "x_out", wide[i], cos, wide[i]);
      hr_replay_drop (replay, cos);
    }
  for (guint i = 0; i < 2; i++)
    result[i] = hr_op_cast (replay, turned[i], variables[i]->element);
  for (guint i = 0; i < 2; i++)
    {
      hr_replay_drop (replay, wide[i]);
      hr_replay_drop (replay, turned[i]);
    }
  hr_replay_drop (replay, table);
  for (guint i = 0; i < 2; i++)
    hr_replay_assign (replay, variables[i], result[i]);
}

/*
 * hr_torchtitan_attention:
 * @replay: a tape
 * @forward: the pass
 * @x: what goes into the attention
 * @attention: its sizes
 *
 * GQAttention of torchtitan/models/common/attention.py, with FusedQKVLinear, and with VarlenAttention, or with
 * FlexAttention where ranks share sequences.
 *
 * Returns: what comes out of it
 */
HrAttentionResult
hr_torchtitan_attention (HrReplay          *replay,
                         const HrForward   *forward,
                         HrValue            x,
                         const HrAttention *attention)
{
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  const HrValue shapes[] = {
    HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_QUERY),
    HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_KEY),
    HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_KEY),
  };
  gboolean has_norms = attention->qk_norm == HR_QK_NORM_HEAD;
  HrValue all = hr_replay_hold (replay, x);
  HrValue parts[3];
  HrValue mixed, inner;

  replay->sentence = N_("in the attention");
  hr_torchtitan_gather (replay, &all);
  mixed = hr_op_linear (replay, all, HR_MODULE_QUERY_KEY_VALUE, "qkv", HR_SYMBOL_FUSED, 1, FALSE);
  hr_op_split (replay, mixed, shapes, G_N_ELEMENTS (shapes), parts);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_assign (replay, &parts[i], hr_op_copy (replay, "contiguous", parts[i], shapes[i]));
  hr_replay_drop (replay, mixed);
  if (has_norms)
    {
      norm_heads (replay, &parts[0], HR_SYMBOL_HEADS);
      norm_heads (replay, &parts[1], HR_SYMBOL_KEY_HEADS);
    }
  rotate (replay, &parts[0], &parts[1], has_norms);
  inner = hr_context_is_divided (replay)
            ? hr_torchtitan_attend_context (replay, parts[0], parts[1], parts[2])
            : hr_replay_sdpa (replay, forward, parts[0], parts[1], parts[2]);
  result.output = hr_op_linear (replay, inner, HR_MODULE_OUTPUT, "output", HR_SYMBOL_HIDDEN, 1, FALSE);
  hr_torchtitan_reduce (replay, &result.output);
  hr_replay_drop (replay, inner);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_drop (replay, parts[i]);
  hr_replay_drop (replay, all);

  return result;
}

/*
 * hr_torchtitan_mlp:
 * @replay: a tape
 * @x: what goes into the perceptron
 * @mlp: its sizes
 *
 * FeedForward of torchtitan/models/common/feed_forward.py: w2 (silu (w1 (x)) * w3 (x)).
 *
 * Returns: what comes out of it
 */
HrValue
hr_torchtitan_mlp (HrReplay    *replay,
                   HrValue      x,
                   const HrMlp *mlp)
{
  HrValue all = hr_replay_hold (replay, x);
  HrValue gate, up, product, result;

  replay->sentence = N_("in the MLP, in its first matrix");
  hr_torchtitan_gather (replay, &all);
  gate = hr_op_linear (replay, all, HR_MODULE_GATE, "w1(x)", HR_SYMBOL_INTERMEDIATE, 1, FALSE);
  replay->sentence = N_("in the MLP, while gate, up and their product are alive");
  hr_replay_assign (replay, &gate, hr_replay_activation (replay, gate, mlp->activation));
  up = hr_op_linear (replay, all, HR_MODULE_UP, "w3(x)", HR_SYMBOL_INTERMEDIATE, 1, FALSE);
  product = hr_op_binary (replay, HR_BINARY_MUL, "silu(w1(x))·w3(x)", gate, up);
  hr_replay_drop (replay, up);
  hr_replay_drop (replay, gate);
  result = hr_op_linear (replay, product, HR_MODULE_DOWN, "w2(…)", HR_SYMBOL_HIDDEN, 1, FALSE);
  hr_torchtitan_reduce (replay, &result);
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, all);

  return result;
}

/*
 * hr_torchtitan_get_buffer_bytes:
 * @stack: a stack
 * @n_tokens: how many tokens a sequence has at most
 *
 * Returns: what the tables of rotations of all layers take
 */
guint64
hr_torchtitan_get_buffer_bytes (const HrStack *stack,
                                guint64        n_tokens)
{
  const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[0]);
  guint64 n = attention->qk_norm == HR_QK_NORM_HEAD ? 2 : 1;

  return stack->n_layers * hr_ledger_round (n * attention->head_dim * n_tokens * sizeof (float));
}

static gboolean
is_projection (const HrTrainable *parameter)
{
  return parameter->n_dimensions == 2 && (parameter->module == HR_MODULE_QUERY ||
                                          parameter->module == HR_MODULE_KEY || parameter->module == HR_MODULE_VALUE);
}

/*
 * hr_torchtitan_list_parameters:
 * @model: a model that torchtitan knows
 * @element: what its parameters are held in
 *
 * Lists all parameters, of which those of queries, keys and values are one (FusedQKVLinear).
 *
 * Returns: (transfer full): the list
 */
HrTrainables *
hr_torchtitan_list_parameters (HrModel   *model,
                               HrElement  element)
{
  g_autoptr (HrTrainables) apart = hr_trainables_new_for_model (model, element);
  HrTrainables *list = hr_trainables_new ();
  HrTrainable joined = { 0 };

  for (guint i = 0; i < hr_trainables_get_n_items (apart); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (apart, i);

      if (!is_projection (parameter))
        {
          hr_trainables_add (list, parameter);
          continue;
        }
      if (parameter->module == HR_MODULE_QUERY)
        {
          joined = *parameter;
          continue;
        }
      joined.shape[0] += parameter->shape[0];
      joined.n_elements += parameter->n_elements;
      if (parameter->module == HR_MODULE_VALUE)
        hr_trainables_add (list, &joined);
    }

  return list;
}

/*
 * hr_torchtitan_count_alike:
 * @parameters: parameters as torchtitan has them
 *
 * Counts those that all ranks which share layers have whole: norms.
 *
 * Returns: how many
 */
guint64
hr_torchtitan_count_alike (const HrTrainables *parameters)
{
  guint64 n = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      n += parameter->role == HR_TENSOR_ROLE_NORM ? parameter->copies : 0;
    }

  return n;
}

static gboolean
knows_attention (const HrAttention *attention)
{
  gboolean has_biases = attention->has_query_bias || attention->has_key_bias || attention->has_value_bias ||
                        attention->has_output_bias;

  return attention->path == HR_ATTENTION_INTERFACE && attention->sliding_window == 0 && !has_biases &&
         !attention->softcap && !attention->clip_qkv && !attention->has_sinks && attention->latent_size == 0 &&
         attention->value_head_dim == 0 && attention->output_gate == HR_OUTPUT_GATE_NONE && !attention->is_cross &&
         !attention->has_output_norm && attention->position == HR_POSITION_ROTARY &&
         attention->rotary_dim == attention->head_dim && attention->qk_norm_kind == HR_NORM_RMS &&
         (attention->qk_norm == HR_QK_NORM_NONE || attention->qk_norm == HR_QK_NORM_HEAD);
}

static gboolean
knows_sublayer (const HrSublayer *sublayer)
{
  const HrBlock *blocks;

  if (sublayer->n_branches != 1 || sublayer->residual_fp32 || sublayer->branches[0].n_blocks != 2)
    return FALSE;

  blocks = sublayer->branches[0].blocks;
  if (blocks[0].kind != HR_BLOCK_NORM || blocks[0].norm.kind != HR_NORM_RMS)
    return FALSE;

  return blocks[1].kind == HR_BLOCK_ATTENTION
           ? knows_attention (&blocks[1].attention)
           : blocks[1].kind == HR_BLOCK_MLP && blocks[1].mlp.gated && !blocks[1].mlp.has_bias &&
               blocks[1].mlp.activation == HR_ACTIVATION_SILU && !blocks[1].mlp.has_inner_norm;
}

/*
 * hr_torchtitan_knows:
 * @stack: a stack
 *
 * Checks whether torchtitan's layers for Llama or dense Qwen3 models are like those of a stack, which are all alike.
 *
 * Returns: whether they are
 */
gboolean
hr_torchtitan_knows (const HrStack *stack)
{
  const HrLayerClass *klass = &stack->layer_classes[0];

  return stack->role == HR_STACK_DECODER && stack->n_layer_classes == 1 && !klass->skipped &&
         klass->n_sublayers == 2 && knows_sublayer (&klass->sublayers[0]) && knows_sublayer (&klass->sublayers[1]) &&
         klass->sublayers[0].branches[0].blocks[1].kind == HR_BLOCK_ATTENTION &&
         klass->sublayers[1].branches[0].blocks[1].kind == HR_BLOCK_MLP;
}
