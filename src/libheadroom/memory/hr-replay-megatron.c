/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-megatron.h"

#include <string.h>

#include "hr-operator-sequence.h"
#include "hr-replay-collective.h"
#include "hr-replay-context.h"

/*
 * A layer of megatron/core/transformer/transformer_layer.py, for models like GPT and Llama: norms in one kernel, one
 * matrix for queries, keys and values, one for gate and up, and activations that keep what goes into them
 * (megatron/core/fusions). The local specification computes the attention step by step
 * (megatron/core/transformer/dot_product_attention.py); that of Transformer Engine has it in one kernel, and norms and
 * matrices that keep the same.
 */

/* A norm in one kernel keeps its input and the reciprocal deviation of each row in fp32 (aten::_fused_rms_norm). */
static HrValue
replay_rms_norm (HrReplay *replay,
                 HrValue   x)
{
  HrValue weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype,
                                                            x.symbols[x.n_symbols - 1]));
  const HrValue inputs[] = { x, weight };
  HrValue rows = x;
  HrValue result, deviation;

  rows.n_symbols--;
  rows.element = HR_ELEMENT_FLOAT32;
  result = hr_op_like (replay, "_fused_rms_norm", "hidden_states", x);
  deviation = hr_op_like (replay, "_fused_rms_norm", "rstd", rows);
  if (hr_op_record (replay, &result, HR_GRADIENT_TYPED_AS_INPUT, "_fused_rms_norm_backward", inputs, 2))
    {
      hr_autograd_save (replay, result, x);
      hr_autograd_save (replay, result, weight);
      hr_autograd_save (replay, result, deviation);
    }
  hr_replay_drop (replay, deviation);

  return result;
}

/*
 * hr_megatron_norm:
 * @replay: a tape
 * @x: what is normalised
 * @norm: a norm
 *
 * WrappedTorchNorm (megatron/core/transformer/torch_norm.py), or the norm of TELayerNormColumnParallelLinear.
 *
 * Returns: the result
 */
HrValue
hr_megatron_norm (HrReplay     *replay,
                  HrValue       x,
                  const HrNorm *norm)
{
  return norm->kind == HR_NORM_RMS ? replay_rms_norm (replay, x)
                                   : hr_op_layer_norm (replay, x, norm->has_weight, norm->has_bias);
}

/* fused_apply_rotary_pos_emb: what is rotated is a new tensor, and nothing but the angles is kept. */
static void
rotate (HrReplay *replay,
        HrValue  *x)
{
  HrValue result = hr_op_like (replay, "fused_apply_rotary_pos_emb", "rotated", *x);

  hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "fused_apply_rotary_pos_emb_backward", x, 1);
  hr_replay_assign (replay, x, result);
}

/* key.repeat_interleave (…, dim=2): a new tensor with keys or values for each head of the queries. */
static void
repeat (HrReplay *replay,
        HrValue  *x)
{
  HrValue result = hr_op_like (replay, "repeat_interleave", "repeated",
                               HR_SHAPE (x->element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_QUERY));

  hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "sum", x, 1);
  hr_replay_assign (replay, x, result);
}

/* FusedScaleMaskSoftmax keeps the probabilities, in the type of the scores. */
static HrValue
attend (HrReplay          *replay,
        HrValue           *parts,
        const HrAttention *attention)
{
  HrValue shape = HR_SHAPE (parts[0].element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE,
                            attention->value_head_dim > 0 ? HR_SYMBOL_VALUE : HR_SYMBOL_QUERY);
  HrValue scores, context;

  for (guint i = 1; i < 3 && attention->num_attention_heads > attention->num_key_value_heads; i++)
    repeat (replay, &parts[i]);
  scores = hr_op_matmul (replay, "matmul_result", parts[0], parts[1],
                         HR_SHAPE (parts[0].element, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE,
                                   HR_SYMBOL_SEQUENCE));
  hr_replay_assign (replay, &scores, hr_op_softmax (replay, "attention_probs", scores, scores.element));
  hr_op_dropout (replay, &scores, attention->has_dropout);
  shape.heads_first = TRUE;
  context = hr_op_matmul (replay, "context", scores, parts[2], shape);
  hr_replay_assign (replay, &context, hr_op_contiguous (replay, context));
  hr_replay_drop (replay, scores);

  return context;
}

/*
 * The attention by one of both specifications; @parts are let go of by the caller. UnfusedDotProductAttention of
 * transformer_engine/pytorch/attention/dot_product_attention/backends.py takes the same steps as the local one.
 */
static HrValue
run_core (HrReplay          *replay,
          const HrForward   *forward,
          HrValue           *parts,
          const HrAttention *attention)
{
  if (hr_context_is_divided (replay))
    return hr_context_attention (replay, parts);

  return replay->layer_code == HR_LAYER_CODE_MEGATRON_LOCAL ||
             forward->attention == HR_ATTENTION_IMPLEMENTATION_SDPA_MATH
           ? attend (replay, parts, attention)
           : hr_replay_sdpa (replay, forward, parts[0], parts[1], parts[2]);
}

/* What the attention is computed anew from, and what comes of it, which stays until it is differentiated. */
typedef struct
{
  HrForward forward;
  HrValue parts[3];
  HrValue output;
  const HrAttention *attention;
  guint64 symbols[HR_N_SYMBOLS];
} CheckpointedCore;

static void
release_core (HrReplay *replay,
              gpointer  data)
{
  CheckpointedCore *self = data;

  hr_replay_drop (replay, self->output);
  for (guint i = 0; i < G_N_ELEMENTS (self->parts); i++)
    hr_replay_drop (replay, self->parts[i]);
  g_free (self);
}

static void
recompute_core (HrReplay *replay,
                gpointer  data)
{
  CheckpointedCore *self = data;
  const char *sentence = replay->sentence;
  guint64 symbols[HR_N_SYMBOLS];
  HrValue parts[3];

  memcpy (symbols, replay->symbols, sizeof symbols);
  memcpy (replay->symbols, self->symbols, sizeof symbols);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      parts[i] = hr_replay_hold (replay, self->parts[i]);
      if (hr_value_needs_gradient (parts[i]))
        parts[i] = hr_autograd_boundary (replay, parts[i]);
    }
  replay->sentence = N_("in the backward pass, while an attention is computed anew");
  self->output = run_core (replay, &self->forward, parts, self->attention);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_drop (replay, parts[i]);
  replay->sentence = sentence;
  memcpy (replay->symbols, symbols, sizeof symbols);
}

/*
 * `--recompute-granularity selective`: _checkpointed_attention_forward of megatron/core/transformer/attention.py keeps
 * queries, keys and values alone. CheckpointFunction of megatron/core/tensor_parallel/random.py runs all of it again.
 */
static HrValue
checkpoint_core (HrReplay          *replay,
                 const HrForward   *forward,
                 HrValue           *parts,
                 const HrAttention *attention)
{
  HrRegion *region = forward->checkpoints_attention ? hr_autograd_begin_region (replay) : NULL;
  CheckpointedCore *data;
  HrValue output;

  if (region == NULL)
    return run_core (replay, forward, parts, attention);

  data = g_new (CheckpointedCore, 1);
  data->forward = *forward;
  data->output = HR_NO_VALUE;
  data->attention = attention;
  memcpy (data->symbols, replay->symbols, sizeof data->symbols);
  for (guint i = 0; i < G_N_ELEMENTS (data->parts); i++)
    data->parts[i] = hr_replay_hold (replay, parts[i]);
  output = run_core (replay, forward, parts, attention);
  hr_autograd_end_region (replay, region, recompute_core, release_core, data);

  return output;
}

/* A norm of each head, for which they are copied out of the matrix of all three. */
static void
normalize_heads (HrReplay          *replay,
                 HrValue           *x,
                 HrSymbol           heads,
                 const HrAttention *attention)
{
  const HrNorm norm = {
    .kind = attention->qk_norm_kind, .has_weight = TRUE, .has_bias = attention->qk_norm_has_bias,
  };
  HrValue shape = hr_value_detach (*x);
  HrValue copy = hr_op_copy (replay, "contiguous", *x,
                             HR_SHAPE (x->element, x->symbols[0], x->symbols[1], heads, HR_SYMBOL_HEAD));
  HrValue result = hr_megatron_norm (replay, copy, &norm);

  hr_replay_drop (replay, copy);
  hr_replay_assign (replay, x, hr_op_view (replay, result, shape));
  hr_replay_drop (replay, result);
}

/* Queries, keys and values of one matrix. */
static void
project (HrReplay          *replay,
         HrValue            x,
         const HrAttention *attention,
         HrValue           *parts)
{
  const HrValue shapes[] = {
    HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_QUERY),
    HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_KEY),
    HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_KEY),
  };
  HrValue mixed = hr_op_linear (replay, x, HR_MODULE_QUERY_KEY_VALUE, "mixed_qkv", HR_SYMBOL_FUSED, 1,
                                attention->has_query_bias);

  hr_op_split (replay, mixed, shapes, G_N_ELEMENTS (shapes), parts);
  hr_replay_drop (replay, mixed);
  for (guint i = 0; i < 2 && attention->qk_norm != HR_QK_NORM_NONE; i++)
    normalize_heads (replay, &parts[i], i == 0 ? HR_SYMBOL_HEADS : HR_SYMBOL_KEY_HEADS, attention);
  for (guint i = 0; i < 2 && attention->position == HR_POSITION_ROTARY; i++)
    rotate (replay, &parts[i]);
}

/* A matrix that each rank has whole, for the tokens of its own (TELinear with parallel_mode duplicated). */
static HrValue
project_own (HrReplay   *replay,
             HrValue     x,
             const char *name,
             HrSymbol    features)
{
  HrValue weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, features, HR_SYMBOL_HIDDEN));

  return hr_op_linear_by (replay, x, name, weight, HR_NO_VALUE,
                          HR_SHAPE (x.element, x.symbols[0], x.symbols[1], features));
}

static HrValue
project_query (HrReplay          *replay,
               HrValue            x,
               const HrAttention *attention)
{
  const HrNorm norm = { .kind = HR_NORM_RMS, .has_weight = TRUE };
  HrValue latent, query;

  if (attention->query_latent_size == 0)
    return hr_op_linear (replay, x, HR_MODULE_QUERY, "q", HR_SYMBOL_QUERY, 1, FALSE);

  latent = project_own (replay, x, "q_compressed", HR_SYMBOL_QUERY_LATENT);
  hr_replay_assign (replay, &latent, hr_megatron_norm (replay, latent, &norm));
  query = hr_op_linear (replay, latent, HR_MODULE_QUERY_EXPANSION, "q", HR_SYMBOL_QUERY, 1, FALSE);
  hr_replay_drop (replay, latent);

  return query;
}

/* ApplyMLARotaryEmbKV of megatron/core/fusions/fused_mla_yarn_rope_apply.py */
static void
backward_latent_keys (HrReplay     *replay,
                      const HrNode *node,
                      HrValue       gradient,
                      HrValue      *gradients)
{
  for (guint i = 0; i < node->n_inputs; i++)
    gradients[i] = hr_op_make_gradient (replay, "rotary_bwd_kv_kernel", node->inputs[i]);
}

/* Keys of all heads, the rotated part of each of which is the same, and values. */
static void
rotate_latent (HrReplay *replay,
               HrValue   expanded,
               HrValue   rotary,
               HrValue  *parts)
{
  const HrValue inputs[] = { expanded, rotary };

  parts[1] = hr_op_like (replay, "rotary_fwd_kv_kernel", "key",
                         HR_SHAPE (expanded.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_QUERY));
  parts[2] = hr_op_like (replay, "rotary_fwd_kv_kernel", "value",
                         HR_SHAPE (expanded.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_VALUE));
  if (!hr_autograd_record (replay, &parts[1], backward_latent_keys, inputs, G_N_ELEMENTS (inputs)))
    return;

  parts[2].node = parts[1].node;
  parts[2].result = 1;
}

/*
 * MLASelfAttention.get_query_key_value_tensors of megatron/core/transformer/multi_latent_attention.py, with norms of
 * latents (--qk-layernorm) and the fused kernels of rotation, which turns queries in place.
 */
static void
project_latent (HrReplay          *replay,
                HrValue            x,
                const HrAttention *attention,
                HrValue           *parts)
{
  const HrNorm norm = { .kind = HR_NORM_RMS, .has_weight = TRUE };
  HrValue joined, shapes[2], halves[2], latent, expanded;

  joined = project_own (replay, x, "kv_combined", HR_SYMBOL_LATENT_JOINED);
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    shapes[i] = HR_SHAPE (x.element, joined.symbols[0], joined.symbols[1],
                          i == 0 ? HR_SYMBOL_LATENT : HR_SYMBOL_ROTARY);
  hr_op_split (replay, joined, shapes, G_N_ELEMENTS (shapes), halves);
  hr_replay_drop (replay, joined);
  if (replay->divides_sequence)
    hr_collective_gather (replay, &halves[1]);
  parts[0] = project_query (replay, x, attention);
  latent = hr_megatron_norm (replay, halves[0], &norm);
  hr_replay_drop (replay, halves[0]);
  expanded = hr_op_linear (replay, latent, HR_MODULE_EXPANSION, "kv", HR_SYMBOL_EXPANDED, 1, FALSE);
  hr_replay_drop (replay, latent);
  rotate_latent (replay, expanded, halves[1], parts);
  hr_replay_drop (replay, expanded);
  hr_replay_drop (replay, halves[1]);
}

/*
 * hr_megatron_attention:
 * @replay: a tape
 * @forward: the pass
 * @x: what goes into the attention
 * @attention: its sizes
 *
 * SelfAttention of megatron/core/transformer/attention.py.
 *
 * Returns: what comes out of it
 */
HrAttentionResult
hr_megatron_attention (HrReplay          *replay,
                       const HrForward   *forward,
                       HrValue            x,
                       const HrAttention *attention)
{
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue parts[3];

  replay->sentence = N_("in the attention");
  if (attention->latent_size > 0)
    project_latent (replay, x, attention, parts);
  else
    project (replay, x, attention, parts);
  result.output = checkpoint_core (replay, forward, parts, attention);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_drop (replay, parts[i]);
  hr_replay_assign (replay, &result.output,
                    hr_op_linear (replay, result.output, HR_MODULE_OUTPUT, "output", HR_SYMBOL_HIDDEN, 1,
                                  attention->has_output_bias));
  if (replay->divides_sequence)
    hr_collective_scatter (replay, &result.output);
  hr_op_dropout (replay, &result.output, attention->has_output_dropout);

  return result;
}

/* GeLUFunction and SwiGLUFunction keep what goes into them, both halves of it. */
static HrValue
activate (HrReplay *replay,
          HrValue   x)
{
  HrValue result = hr_op_like (replay, "bias_activation", "intermediate_parallel",
                               HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_INTERMEDIATE));

  if (hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "bias_activation_back", &x, 1))
    hr_autograd_save (replay, result, x);

  return result;
}

/*
 * hr_megatron_mlp:
 * @replay: a tape
 * @x: what goes into the perceptron
 * @mlp: its sizes
 *
 * MLP of megatron/core/transformer/mlp.py, with bias_activation_fusion.
 *
 * Returns: what comes out of it
 */
HrValue
hr_megatron_mlp (HrReplay    *replay,
                 HrValue      x,
                 const HrMlp *mlp)
{
  HrValue inner;

  replay->sentence = N_("in the feed-forward layer");
  inner = hr_op_linear (replay, x, mlp->gated ? HR_MODULE_GATE_UP : HR_MODULE_UP, "intermediate_parallel",
                        HR_SYMBOL_INTERMEDIATE, mlp->gated ? 2 : 1, mlp->has_bias);
  hr_replay_assign (replay, &inner, activate (replay, inner));
  hr_replay_assign (replay, &inner,
                    hr_op_linear (replay, inner, HR_MODULE_DOWN, "output", HR_SYMBOL_HIDDEN, 1, mlp->has_bias));
  if (replay->divides_sequence)
    hr_collective_scatter (replay, &inner);
  hr_op_dropout (replay, &inner, mlp->has_output_dropout);

  return inner;
}

/*
 * calculate_gradients of megatron/core/fusions/fused_cross_entropy.py: what torch compiles writes none of its arguments
 * before it has all it needs of them, so that the gradient in fp32 is made beside the probabilities (the buffer of
 * index_put in the code of torch._inductor), and the one in the type of the logits beside both.
 */
static void
backward_compiled_loss (HrReplay     *replay,
                        const HrNode *node,
                        HrValue       gradient,
                        HrValue      *gradients)
{
  HrValue wide = node->inputs[0];
  HrValue updated;

  wide.element = hr_element_widen (wide.element);
  updated = hr_op_make_gradient (replay, "index_put", wide);
  gradients[0] = hr_op_make_gradient (replay, "_to_copy", node->inputs[0]);
  hr_replay_drop (replay, updated);
}

/*
 * hr_megatron_loss:
 * @replay: a tape
 * @logits: the logits, which the caller holds
 * @compiles: whether its pieces are compiled (--cross-entropy-loss-fusion, by its own kernels)
 *
 * _VocabParallelCrossEntropy of megatron/core/tensor_parallel/cross_entropy.py: logits in fp32 become probabilities in
 * place, and these the gradient, which the engine casts to the type of the logits. Compiled, the forward pass takes
 * the same.
 *
 * Returns: the loss
 */
HrValue
hr_megatron_loss (HrReplay *replay,
                  HrValue   logits,
                  gboolean  compiles)
{
  HrStretch stretch;
  HrValue shape = logits;
  HrValue softmax, loss;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->component = HR_COMPONENT_LOGITS;
  replay->sentence = N_("in the loss, while the logits and their copy in fp32 are alive");
  shape.storage = -1;
  shape.node = HR_NO_NODE;
  shape.is_view = FALSE;
  shape.element = hr_element_widen (logits.element);
  softmax = hr_op_like (replay, "_to_copy", "exp_logits", shape);
  loss = hr_op_like (replay, "sub", "loss",
                     HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  if (compiles ? hr_autograd_record (replay, &loss, backward_compiled_loss, &logits, 1)
               : hr_op_record (replay, &loss, HR_GRADIENT_TYPED_AS_INPUT, "_to_copy", &logits, 1))
    hr_autograd_save (replay, loss, softmax);
  hr_replay_drop (replay, softmax);
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_end (replay);

  return loss;
}

static gboolean
knows_norm (const HrAttention *attention)
{
  return attention->qk_norm == HR_QK_NORM_NONE ||
         (attention->qk_norm == HR_QK_NORM_HEAD && attention->qk_norm_place != HR_QK_NORM_AFTER_ROTATION &&
          (attention->qk_norm_kind == HR_NORM_RMS || attention->qk_norm_kind == HR_NORM_LAYER));
}

static gboolean
knows_latent (const HrAttention *attention)
{
  gboolean is_rotary = attention->position == HR_POSITION_ROTARY ||
                       attention->position == HR_POSITION_ROTARY_COMPLEX;

  return attention->latent_size == 0 ? attention->value_head_dim == 0
                                     : attention->index_topk == 0 && is_rotary;
}

static gboolean
knows_attention (const HrAttention *attention)
{
  return attention->path == HR_ATTENTION_INTERFACE && knows_norm (attention) &&
         attention->sliding_window == 0 && !attention->softcap && !attention->clip_qkv && !attention->has_sinks &&
         knows_latent (attention) && attention->output_gate == HR_OUTPUT_GATE_NONE && !attention->is_cross &&
         !attention->has_output_norm &&
         attention->has_query_bias == attention->has_key_bias && attention->has_key_bias == attention->has_value_bias &&
         (attention->position == HR_POSITION_LEARNED || attention->latent_size > 0 ||
          (attention->position == HR_POSITION_ROTARY && attention->rotary_dim == attention->head_dim));
}

static gboolean
knows_mlp (const HrMlp *mlp)
{
  gboolean is_gelu = mlp->activation == HR_ACTIVATION_GELU || mlp->activation == HR_ACTIVATION_GELU_NEW;

  return !mlp->has_inner_norm && !mlp->has_inner_dropout && !mlp->has_down_bias &&
         (mlp->gated ? mlp->activation == HR_ACTIVATION_SILU : is_gelu);
}

static gboolean
knows_mixture (const HrMixture *mixture)
{
  gboolean is_gelu = mixture->activation == HR_ACTIVATION_GELU || mixture->activation == HR_ACTIVATION_GELU_NEW;

  return mixture->latent_size == 0 && mixture->num_zero_experts == 0 && mixture->num_jitters == 0 &&
         !mixture->has_bias && !mixture->has_output_bias && !mixture->output_scaled && !mixture->sum_scaled &&
         mixture->path != HR_EXPERTS_DENSE && mixture->scores_norm != HR_ROUTER_NORM_CLAMPED &&
         ((mixture->gate == HR_EXPERT_GATE_PLAIN && mixture->activation == HR_ACTIVATION_SILU) ||
          (mixture->gate == HR_EXPERT_GATE_NONE && is_gelu));
}

static gboolean
knows_block (const HrBlock *block)
{
  switch ((guint) block->kind)
    {
    case HR_BLOCK_NORM:
      return (block->norm.kind == HR_NORM_RMS || block->norm.kind == HR_NORM_LAYER) && block->norm.has_weight;

    case HR_BLOCK_ATTENTION:
      return knows_attention (&block->attention);

    case HR_BLOCK_MLP:
      return knows_mlp (&block->mlp);

    case HR_BLOCK_MIXTURE:
      return knows_mixture (&block->mixture);

    default:
      return FALSE;
    }
}

/* A norm, then what it is for. */
static gboolean
knows_sublayer (const HrSublayer *sublayer)
{
  if (sublayer->n_branches != 1 || sublayer->residual_fp32 || sublayer->branches[0].n_blocks != 2 ||
      sublayer->branches[0].blocks[0].kind != HR_BLOCK_NORM)
    return FALSE;

  return knows_block (&sublayer->branches[0].blocks[0]) && knows_block (&sublayer->branches[0].blocks[1]);
}

/*
 * hr_megatron_knows:
 * @stack: a stack
 *
 * Checks whether Megatron-LM's layers are like those of a stack: a norm and the attention, a norm and a
 * perceptron or a mixture of experts.
 *
 * Returns: whether they are
 */
gboolean
hr_megatron_knows (const HrStack *stack)
{
  if (stack->role != HR_STACK_DECODER)
    return FALSE;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];

      if (klass->skipped || klass->n_sublayers != 2 || !knows_sublayer (&klass->sublayers[0]) ||
          !knows_sublayer (&klass->sublayers[1]) ||
          klass->sublayers[0].branches[0].blocks[1].kind != HR_BLOCK_ATTENTION ||
          klass->sublayers[1].branches[0].blocks[1].kind == HR_BLOCK_ATTENTION)
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_megatron_runs:
 * @replay: a tape
 *
 * Returns: whether Megatron-LM's layers are replayed
 */
gboolean
hr_megatron_runs (const HrReplay *replay)
{
  return replay->layer_code == HR_LAYER_CODE_MEGATRON_LOCAL || replay->layer_code == HR_LAYER_CODE_MEGATRON_TE;
}
