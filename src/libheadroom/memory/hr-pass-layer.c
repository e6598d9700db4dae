/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"
#include "hr-operator.h"
#include "hr-pass.h"
#include "hr-replay-bottleneck.h"
#include "hr-replay-megatron.h"
#include "hr-replay-torchtitan.h"
#include "hr-sharding.h"
#include "hr-tower.h"
#include "hr-unsloth.h"

/* A layer: its sublayers, one after the other, each with its branches and its residual connection. */

/* As many variables of a layer as there is room for; no known layer comes near. */
#define MAX_KEPT 1536

/* The variables of a layer's function. */
typedef struct
{
  HrValue hidden;
  HrValue kept[MAX_KEPT];
  guint n_kept;
  guint attention;        /* which of these holds the weights of the attention, counted from one */
  HrValue weights;
  HrValue joined;
} Layer;

/* There is room for much, of which little is used: it is not cleared. */
static void
layer_init (Layer   *self,
            HrValue  hidden)
{
  self->hidden = hidden;
  self->n_kept = self->attention = 0;
  self->weights = self->joined = HR_NO_VALUE;
}

/* Lets a variable of the layer hold @value until the layer ends. */
static void
keep (HrReplay *replay,
      Layer    *layer,
      HrValue   value)
{
  if (value.storage < 0)
    return;

  if (layer->n_kept < G_N_ELEMENTS (layer->kept))
    {
      layer->kept[layer->n_kept++] = value;
      return;
    }

  hr_replay_drop (replay, value);
  replay->ledger.overflowed = TRUE;
}

/*
 * `hidden_states = torch.concat ([context, latents], dim=-2)`, of which keys and values are projected
 * (Idefics2PerceiverAttention).
 */
static HrAttentionResult
attend_to_both (HrReplay          *replay,
                HrForward         *forward,
                HrValue            x,
                const HrAttention *attention)
{
  HrForward joining = *forward;
  HrValue parts[] = { forward->own_source, x };
  HrAttentionResult result;

  hr_pass_set_attention_symbols (replay, attention);
  hr_pass_set_context (replay, forward->source_length + replay->symbols[HR_SYMBOL_SEQUENCE]);
  joining.source = hr_op_cat (replay, "hidden_states", parts, G_N_ELEMENTS (parts),
                              HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_HIDDEN));
  result = hr_replay_attention (replay, &joining, x, attention);
  hr_replay_drop (replay, joining.source);

  return result;
}

/* What attends to the encoder's output has other sizes than what attends to the tokens so far. */
static HrAttentionResult
run_attention (HrReplay          *replay,
               HrForward         *forward,
               HrValue            x,
               const HrAttention *attention)
{
  HrForward crossing = *forward;
  HrAttentionResult result;

  if (replay->layer_code == HR_LAYER_CODE_TORCHTITAN)
    return hr_torchtitan_attention (replay, forward, x, attention);
  if (replay->layer_code == HR_LAYER_CODE_UNSLOTH)
    return hr_unsloth_attention (replay, forward, x, attention);
  if (replay->layer_code != HR_LAYER_CODE_TRANSFORMERS)
    return hr_megatron_attention (replay, forward, x, attention);
  if (attention->joins_source)
    return attend_to_both (replay, forward, x, attention);
  if (!attention->is_cross)
    return hr_replay_attention (replay, forward, x, attention);

  hr_pass_set_attention_symbols (replay, attention);
  hr_pass_set_context (replay, forward->source_length);
  crossing.mask = forward->source_mask;
  crossing.bidirectional = TRUE;
  result = hr_replay_attention (replay, &crossing, x, attention);
  forward->cross_keys = crossing.cross_keys;
  forward->cross_values = crossing.cross_values;
  forward->source_bias = crossing.source_bias;

  return result;
}

/* `self.lambda_1 * attention_output` (InternVLVisionLayer). */
static void
scale (HrReplay *replay,
       HrValue  *x)
{
  HrValue weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));

  hr_replay_assign (replay, x, hr_op_product (replay, "lambda·x", weight, *x, hr_value_detach (*x)));
}

/*
 * `self.gate.tanh () * hidden_states` (MllamaVisionEncoderLayer); in one expression with the residual, so that what is
 * multiplied stays until the sum is there, and zeros before it in rows that see nothing
 * (MllamaCrossAttentionDecoderLayer).
 */
static void
gate (HrReplay        *replay,
      const HrForward *forward,
      Layer           *layer,
      HrValue         *x,
      HrParameterUse   use)
{
  HrValue weight, opened;

  if (use == HR_PARAMETER_GATE_ROWS && forward->source_rows.storage >= 0)
    hr_replay_assign (replay, x, hr_op_product (replay, "hidden_states", forward->source_rows, *x,
                                                hr_value_detach (*x)));
  if (use != HR_PARAMETER_GATE)
    layer->joined = hr_replay_hold (replay, *x);
  weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_ONE));
  opened = hr_op_unary (replay, HR_UNARY_TANH, "gate.tanh()", weight);
  hr_replay_assign (replay, x, hr_op_product (replay, "gate.tanh()·hidden_states", opened, *x, hr_value_detach (*x)));
  hr_replay_drop (replay, opened);
}

static gboolean
is_gate (HrParameterUse use)
{
  return use == HR_PARAMETER_GATE || use == HR_PARAMETER_GATE_INLINE || use == HR_PARAMETER_GATE_ROWS;
}

static void
run_block (HrReplay      *replay,
           HrForward     *forward,
           Layer         *layer,
           HrValue       *x,
           const HrBlock *block)
{
  HrAttentionResult attention;

  replay->block = block->path;
  switch (block->kind)
    {
    case HR_BLOCK_NORM:
      replay->sentence = N_("in a norm, in single precision");
      if (block->norm.is_of_source)
        {
          forward->own_source = hr_replay_norm (replay, forward->source, &block->norm);
          keep (replay, layer, forward->own_source);
          break;
        }
      hr_replay_assign (replay, x, hr_replay_norm (replay, *x, &block->norm));
      hr_replay_rename (replay, *x, "norm(x)");
      break;

    case HR_BLOCK_ATTENTION:
      hr_live_parameters_enter (replay, NULL, block->attention.has_sinks
                                                ? HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HEADS)
                                                : HR_NO_VALUE, HR_NO_VALUE);
      attention = run_attention (replay, forward, *x, &block->attention);
      hr_live_parameters_leave (replay, &attention.output);
      hr_replay_assign (replay, x, attention.output);
      layer->joined = attention.joined;
      if (block->attention.path == HR_ATTENTION_INTERFACE || block->attention.path == HR_ATTENTION_REPEATING ||
          block->attention.path == HR_ATTENTION_XGLM || block->attention.path == HR_ATTENTION_UMT5)
        {
          keep (replay, layer, attention.weights);
          layer->attention = attention.weights.storage >= 0 ? layer->n_kept : 0;
        }
      else
        layer->weights = attention.weights;
      if (attention.chosen_keys.storage >= 0)
        layer->weights = attention.chosen_keys;
      hr_replay_bottleneck (replay, x);
      break;

    case HR_BLOCK_MLP:
      {
        HrValue inner = HR_NO_VALUE;
        HrValue result;

        if (!block->mlp.inlined)
          hr_live_parameters_call (replay);
        if (replay->layer_code == HR_LAYER_CODE_UNSLOTH)
          result = hr_unsloth_mlp (replay, x, &block->mlp);
        else if (replay->layer_code == HR_LAYER_CODE_TORCHTITAN)
          result = hr_torchtitan_mlp (replay, *x, &block->mlp);
        else if (hr_megatron_runs (replay))
          result = hr_megatron_mlp (replay, *x, &block->mlp);
        else
          result = hr_replay_mlp_holding (replay, x, &block->mlp, &inner);
        if (!block->mlp.inlined)
          hr_live_parameters_leave (replay, &result);
        if (inner.storage >= 0)
          layer->joined = inner;

        hr_replay_assign (replay, x, result);
        hr_replay_bottleneck (replay, x);
      }
      break;

    case HR_BLOCK_MIXTURE:
      hr_replay_assign (replay, x, hr_megatron_runs (replay) ? hr_megatron_mixture (replay, *x, &block->mixture)
                                                             : hr_replay_mixture (replay, *x, &block->mixture));
      break;

    case HR_BLOCK_MAMBA:
      hr_replay_assign (replay, x, hr_replay_mamba (replay, forward, *x, &block->mamba));
      break;

    case HR_BLOCK_LIGHTNING_ATTENTION:
      hr_replay_assign (replay, x, hr_replay_lightning_attention (replay, forward, *x, &block->lightning_attention));
      break;

    case HR_BLOCK_RG_LRU:
      hr_replay_assign (replay, x, hr_replay_rg_lru (replay, forward, *x, &block->rg_lru));
      break;

    case HR_BLOCK_SHORT_CONVOLUTION:
      hr_replay_assign (replay, x, hr_replay_short_convolution (replay, forward, *x, &block->short_convolution));
      break;

    case HR_BLOCK_GATED_DELTA:
      hr_replay_assign (replay, x, hr_replay_gated_delta (replay, forward, *x, &block->gated_delta));
      break;

    case HR_BLOCK_MAMBA2:
      hr_replay_assign (replay, x, hr_replay_mamba2 (replay, forward, *x, &block->mamba2));
      break;

    case HR_BLOCK_PARAMETER:
      if (block->parameter.use == HR_PARAMETER_SCALE)
        scale (replay, x);
      else if (is_gate (block->parameter.use))
        gate (replay, forward, layer, x, block->parameter.use);
      break;

    case HR_BLOCK_LINEAR:
    case HR_BLOCK_CONVOLUTION:
    case HR_BLOCK_ACTIVATION:
    case HR_BLOCK_REGROUPING:
    case HR_BLOCK_STATE:
    case HR_BLOCK_COMPRESSED_ATTENTION:
    case HR_BLOCK_TOKEN_EMBEDDING:
    case HR_BLOCK_POSITION_EMBEDDING:
    case HR_BLOCK_TYPE_EMBEDDING:
    case HR_BLOCK_HEAD:
    default:
      break;
    }
}

static void
run_chain (HrReplay      *replay,
           HrForward     *forward,
           Layer         *layer,
           HrValue       *x,
           const HrChain *chain,
           gboolean       keeps_input)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (keeps_input && chain->blocks[i].kind != HR_BLOCK_NORM)
        keep (replay, layer, hr_replay_hold (replay, *x));

      run_block (replay, forward, layer, x, &chain->blocks[i]);
    }
}

/*
 * What the layers of a tower add to is laid out as its convolution has left it, channels first. Gradients are as well
 * where they come from averages of squares: linear layers copy them, to see them as rows.
 */
static void
turn_gradient (HrReplay *replay,
               HrValue  *branch)
{
  HrValue turned;

  if (replay->tower == NULL || replay->tower->stack->tower != HR_TOWER_CROPS)
    return;

  turned = hr_op_view (replay, *branch, *branch);
  hr_op_record (replay, &turned, HR_GRADIENT_LIKE_RESULT, "clone", branch, 1);
  hr_replay_assign (replay, branch, turned);
}

static void
add_residual (HrReplay         *replay,
              HrValue          *x,
              HrValue           residual,
              const HrSublayer *sublayer)
{
  HrValue branch = sublayer->residual_scaled ? hr_op_unary (replay, HR_UNARY_MUL, "hidden_states·multiplier", *x)
                                             : hr_replay_hold (replay, *x);

  turn_gradient (replay, &branch);
  if (sublayer->residual)
    hr_replay_assign (replay, x, hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", residual, branch));
  else
    hr_replay_assign (replay, x, hr_replay_hold (replay, branch));
  hr_replay_drop (replay, branch);
}

static gboolean
begins_with_norm (const HrChain *chain)
{
  return chain->n_blocks > 0 && chain->blocks[0].kind == HR_BLOCK_NORM;
}

/* One branch: each step is bound to the variable that held its input. */
static void
run_single (HrReplay         *replay,
            HrForward        *forward,
            Layer            *layer,
            const HrSublayer *sublayer)
{
  HrValue residual = hr_replay_hold (replay, layer->hidden);

  HrChain rest = sublayer->n_branches > 0 ? sublayer->branches[0] : (HrChain) { 0 };
  HrValue norm = HR_NO_VALUE;
  HrValue branch = HR_NO_VALUE;

  run_chain (replay, forward, layer, &layer->hidden, &sublayer->shared, FALSE);
  if (rest.n_blocks > 0 && sublayer->keeps_norm && begins_with_norm (&rest))
    {
      run_block (replay, forward, layer, &layer->hidden, &rest.blocks[0]);
      norm = hr_replay_hold (replay, layer->hidden);
      rest.blocks++;
      rest.n_blocks--;
    }
  run_chain (replay, forward, layer, &layer->hidden, &rest, sublayer->keeps_input);
  if (sublayer->keeps_output)
    keep (replay, layer, hr_replay_hold (replay, layer->hidden));
  if (sublayer->keeps_branch)
    branch = hr_replay_hold (replay, layer->hidden);
  add_residual (replay, &layer->hidden, residual, sublayer);
  hr_replay_drop (replay, norm);
  run_chain (replay, forward, layer, &layer->hidden, &sublayer->after, FALSE);
  hr_replay_drop (replay, branch);
  hr_replay_drop (replay, layer->joined);
  layer->joined = HR_NO_VALUE;
  if (sublayer->keeps_sum)
    keep (replay, layer, hr_replay_hold (replay, layer->hidden));
  hr_replay_drop (replay, residual);
}

/* The norm that each branch begins with; variables of the layer hold them until it ends. */
static void
run_first_norms (HrReplay         *replay,
                 Layer            *layer,
                 const HrSublayer *sublayer)
{
  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      HrValue x = hr_replay_hold (replay, layer->hidden);

      if (begins_with_norm (&sublayer->branches[i]))
        run_block (replay, NULL, layer, &x, &sublayer->branches[i].blocks[0]);
      keep (replay, layer, x);
    }
}

/* A branch; if the norms came first, @input is what its own made. */
static HrValue
run_branch (HrReplay      *replay,
            HrForward     *forward,
            Layer         *layer,
            const HrChain *branch,
            gboolean       skips_norm,
            HrValue        input)
{
  HrChain rest = *branch;
  HrValue x = hr_replay_hold (replay, input);

  if (skips_norm && begins_with_norm (branch))
    {
      rest.blocks++;
      rest.n_blocks--;
    }
  run_chain (replay, forward, layer, &x, &rest, FALSE);

  return x;
}

/*
 * What is added to is fp32: the norm gets a copy in the dtype of the model, what is added to is cast after the norm
 * (MambaBlock.forward).
 */
static void
run_fp32 (HrReplay         *replay,
          HrForward        *forward,
          Layer            *layer,
          const HrSublayer *sublayer)
{
  HrValue residual = hr_replay_hold (replay, layer->hidden);
  const HrChain *chain = &sublayer->branches[0];

  hr_replay_assign (replay, &layer->hidden, hr_op_cast (replay, layer->hidden, replay->dtype));
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      run_block (replay, forward, layer, &layer->hidden, &chain->blocks[i]);
      if (i == 0)
        hr_replay_assign (replay, &residual, hr_op_cast (replay, residual, HR_ELEMENT_FLOAT32));
    }
  add_residual (replay, &layer->hidden, residual, sublayer);
  hr_replay_drop (replay, residual);
}

/* `mlp_output += attention_output` (FalconDecoderLayer): the sum takes the place of what it is added to. */
static gboolean
adds_in_place (const HrSublayer *sublayer)
{
  const HrBlock *attention = hr_chain_find_block (&sublayer->branches[0], HR_BLOCK_ATTENTION);

  return attention != NULL && attention->attention.path == HR_ATTENTION_FALCON;
}

/* Branches side by side: each has a variable of its own for its result. */
static void
run_parallel (HrReplay         *replay,
              HrForward        *forward,
              Layer            *layer,
              const HrSublayer *sublayer)
{
  HrValue residual = hr_replay_hold (replay, layer->hidden);
  HrValue sum = HR_NO_VALUE;
  guint first = layer->n_kept;

  run_chain (replay, forward, layer, &layer->hidden, &sublayer->shared, FALSE);
  if (sublayer->norms_first)
    run_first_norms (replay, layer, sublayer);

  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      gboolean normed = sublayer->norms_first && first + i < layer->n_kept;
      HrValue x = run_branch (replay, forward, layer, &sublayer->branches[i], normed,
                              normed ? layer->kept[first + i] : layer->hidden);

      if (i == 0)
        {
          sum = x;
          continue;
        }

      keep (replay, layer, hr_replay_hold (replay, sum));
      hr_replay_assign (replay, &sum, hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", sum, x));
      if (adds_in_place (sublayer))
        hr_replay_drop (replay, x);
      else
        keep (replay, layer, x);
    }

  add_residual (replay, &sum, residual, sublayer);
  hr_replay_assign (replay, &layer->hidden, sum);
  hr_replay_drop (replay, residual);
}

/*
 * A block that several layers share reads the hidden states beside the embeddings; what it makes goes through a linear
 * layer of this layer's own, and is added to what the mixer reads, but not to the residual (Zamba2HybridLayer.forward
 * and Zamba2MambaDecoderLayer.forward in transformers/models/zamba2/modeling_zamba2.py).
 */
static void
run_beside_embeddings (HrReplay         *replay,
                       HrForward        *forward,
                       Layer            *layer,
                       const HrSublayer *sublayer)
{
  const HrChain *shared = &sublayer->branches[0];
  const HrBlock *linear = &shared->blocks[shared->n_blocks - 1];
  HrValue residual = hr_replay_hold (replay, layer->hidden);
  HrValue joined = hr_value_detach (layer->hidden);
  guint n_kept = layer->n_kept;
  HrValue x;

  replay->sentence = N_("in a layer that reads the embeddings again, while they are put beside the hidden states");
  joined.count = 2;
  x = hr_op_cat (replay, "hidden_states", (const HrValue[]) { layer->hidden, forward->embeds }, 2, joined);
  run_chain (replay, forward, layer, &x, shared, FALSE);
  while (layer->n_kept > n_kept)
    hr_replay_drop (replay, layer->kept[--layer->n_kept]);
  replay->block = linear->path;
  hr_replay_assign (replay, &x, hr_op_linear (replay, x, HR_MODULE_SELF, "transformer_hidden_states", HR_SYMBOL_HIDDEN,
                                              1, linear->linear.has_bias));
  hr_replay_assign (replay, &layer->hidden, hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", layer->hidden, x));
  run_chain (replay, forward, layer, &layer->hidden, &sublayer->branches[1], FALSE);
  add_residual (replay, &layer->hidden, residual, sublayer);
  hr_replay_drop (replay, x);
  hr_replay_drop (replay, residual);
}

/*
 * A perceptron, and beside it a mixture whose router reads what the layer adds to; each has norms of its own, and so
 * has their sum (Gemma4TextDecoderLayer.forward in transformers/models/gemma4/modeling_gemma4.py).
 */
static void
run_routed (HrReplay         *replay,
            HrForward        *forward,
            Layer            *layer,
            const HrSublayer *sublayer)
{
  const HrBlock *mixture = sublayer->branches[1].blocks;
  HrChain perceptron = sublayer->branches[0];
  HrValue residual = hr_replay_hold (replay, layer->hidden);
  HrValue first, second, weighted;
  HrRouting routing;

  perceptron.n_blocks--;
  run_chain (replay, forward, layer, &layer->hidden, &perceptron, FALSE);
  first = hr_replay_hold (replay, layer->hidden);
  run_block (replay, forward, layer, &first, &perceptron.blocks[perceptron.n_blocks]);

  replay->block = mixture[1].path;
  routing = hr_replay_route (replay, residual, &mixture[1].mixture);
  /* `_` held the weights of the attention, and holds what the router returns first. */
  if (layer->attention > 0)
    hr_replay_assign (replay, &layer->kept[layer->attention - 1], HR_NO_VALUE);
  keep (replay, layer, routing.logits);
  keep (replay, layer, routing.weights);
  keep (replay, layer, routing.indices);
  second = hr_replay_hold (replay, residual);
  run_block (replay, forward, layer, &second, &mixture[0]);
  replay->block = mixture[1].path;
  hr_replay_assign (replay, &second, hr_replay_experts (replay, second, &routing, &mixture[1].mixture, &weighted));
  hr_replay_drop (replay, weighted);
  run_block (replay, forward, layer, &second, &mixture[2]);

  hr_replay_assign (replay, &layer->hidden, hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", first, second));
  keep (replay, layer, first);
  keep (replay, layer, second);
  run_chain (replay, forward, layer, &layer->hidden, &sublayer->branches[2], FALSE);
  add_residual (replay, &layer->hidden, residual, sublayer);
  hr_replay_drop (replay, residual);
}

/* What a layer has read stays, whether or not autograd holds it as well. */
static void
leave_input (HrReplay *replay,
             HrPass   *pass)
{
  if (replay->storages[pass->hidden.storage].references > 1)
    return;

  hr_replay_leave (replay, pass->hidden);
  pass->hidden = HR_NO_VALUE;
  pass->n_left++;
}

/*
 * hr_pass_passes_by:
 * @pass: a pass
 * @klass: the class of a layer
 *
 * Checks whether the pass is of text alone, which passes layers by that attend to what was seen.
 *
 * Returns: whether the layer is not called
 */
gboolean
hr_pass_passes_by (const HrPass       *pass,
                   const HrLayerClass *klass)
{
  return klass->skipped && pass->forward.source_length == 0;
}

/*
 * hr_pass_run_layer:
 * @replay: a tape
 * @pass: the pass
 * @klass: the class of the layer
 *
 * Replays a layer.
 */
void
hr_pass_run_layer (HrReplay           *replay,
                   HrPass             *pass,
                   const HrLayerClass *klass)
{
  HrValue cos = pass->forward.cos, sin = pass->forward.sin;
  Layer layer;

  if (replay->tower != NULL && replay->tower->stack->tower == HR_TOWER_CONFORMER)
    {
      hr_tower_run_conformer (replay, pass, klass);
      return;
    }

  pass->forward.cos = hr_sharding_cast_input (replay, cos);
  pass->forward.sin = hr_sharding_cast_input (replay, sin);

  layer_init (&layer, hr_replay_hold (replay, pass->hidden));
  pass->forward.chosen_keys = pass->weights;
  for (guint i = 0; !hr_pass_passes_by (pass, klass) && i < klass->n_sublayers; i++)
    {
      replay->sentence = NULL;
      if (i > 0)
        hr_replay_rename (replay, layer.hidden, "residual");
      if (klass->sublayers[i].joins_embeddings)
        run_beside_embeddings (replay, &pass->forward, &layer, &klass->sublayers[i]);
      else if (klass->sublayers[i].routes_input)
        run_routed (replay, &pass->forward, &layer, &klass->sublayers[i]);
      else if (klass->sublayers[i].n_branches == 1 && klass->sublayers[i].residual_fp32)
        run_fp32 (replay, &pass->forward, &layer, &klass->sublayers[i]);
      else if (klass->sublayers[i].n_branches <= 1)
        run_single (replay, &pass->forward, &layer, &klass->sublayers[i]);
      else
        run_parallel (replay, &pass->forward, &layer, &klass->sublayers[i]);
      if (klass->sublayers[i].scaled_in_place)
        hr_op_divide_in_place (replay, &layer.hidden, HR_NO_VALUE);
    }

  for (guint i = 0; i < layer.n_kept; i++)
    hr_replay_drop (replay, layer.kept[i]);

  hr_replay_rename (replay, layer.hidden, "hidden_states");
  if (pass->keeps_layers && pass->hidden.storage != pass->inputs_embeds.storage)
    leave_input (replay, pass);
  hr_replay_assign (replay, &pass->hidden, layer.hidden);

  /*
   * The loop over the layers holds the tuple of the last one (`outputs = block (…)` in BloomModel and FalconModel), or
   * the keys that it has chosen (`hidden_states, topk_indices = decoder_layer (…)` in GlmMoeDsaModel).
   */
  hr_replay_rename (replay, layer.weights, "outputs[1]");
  hr_replay_assign (replay, &pass->weights, layer.weights);
  hr_replay_drop (replay, pass->forward.sin);
  hr_replay_drop (replay, pass->forward.cos);
  pass->forward.cos = cos;
  pass->forward.sin = sin;
}
