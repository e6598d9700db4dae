/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-unsloth.h"

#include "hr-inference-cache.h"
#include "hr-quantization-format.h"
#include "hr-replay-attention-private.h"

/*
 * A layer of the models that Unsloth has written by hand (unsloth 2026.8.19): norms and rotations of one kernel each,
 * and functions for all matrices with adapters that stand together, with derivatives of their own that write over what
 * they read (unsloth/kernels). What no such function is for is left to PEFT and transformers.
 */

/* The types of models that FastLanguageModel.from_pretrained of unsloth/models/loader.py does not compile. */
static const char * const known[] = { "llama", "mistral", "qwen2", "qwen3", NULL };

/*
 * hr_unsloth_knows:
 * @model_type: (nullable): a type of models
 *
 * Returns: whether its layers are written by hand
 */
gboolean
hr_unsloth_knows (const char *model_type)
{
  return model_type != NULL && g_strv_contains (known, model_type);
}

/*
 * hr_unsloth_dup_model_types:
 *
 * Returns: (transfer full): the names of those that are, with commas between them
 */
char *
hr_unsloth_dup_model_types (void)
{
  return g_strjoinv (", ", (char **) known);
}

/* The rows of the table when the model is made, and those by which it grows (LlamaRotaryEmbedding of llama.py). */
#define FIRST_TABLE_ROWS 32768
#define MORE_TABLE_ROWS  8192

/*
 * hr_unsloth_get_table_bytes:
 * @stack: a stack
 * @max_positions: how many positions the model knows
 * @longest: tokens of the longest row
 * @element_bytes: what an element takes in which the model is loaded
 *
 * The tables of cosines and sines, one for all layers, which the first pass makes long enough for all positions
 * (LlamaModel_fast_forward), and a row that is longer still longer; beside each a tensor of one element. Of the angles
 * that they are made from there is one copy, where the class of transformers has two.
 *
 * Returns: what they take more than the buffers of that class
 */
guint64
hr_unsloth_get_table_bytes (const HrStack *stack,
                            guint64        max_positions,
                            guint64        longest,
                            guint64        element_bytes)
{
  const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[0]);
  guint64 rows = max_positions <= FIRST_TABLE_ROWS
                   ? max_positions
                   : (max_positions + MORE_TABLE_ROWS - 1) / MORE_TABLE_ROWS * MORE_TABLE_ROWS;

  if (longest > rows)
    rows = (longest + MORE_TABLE_ROWS - 1) / MORE_TABLE_ROWS * MORE_TABLE_ROWS;

  return 2 * (hr_ledger_round (rows * attention->head_dim * element_bytes) + hr_ledger_round (element_bytes)) -
         hr_ledger_round (attention->head_dim / 2 * sizeof (float));
}

/* Whether modules of a block have two trained factors each, without a dropout before them. */
static gboolean
are_tuned (const HrTuning *tuning,
           const char     *block,
           const HrModule *modules,
           guint           n_modules,
           int             layer)
{
  for (guint i = 0; i < n_modules; i++)
    {
      const HrTunedModule *tuned = hr_tuning_find (tuning, block, modules[i], layer);

      if (tuned == NULL || tuned->by != HR_TUNED_BY_LORA)
        return FALSE;
    }

  return n_modules > 0 && !hr_tuning_has_dropout (tuning);
}

static const HrModule projections[] = { HR_MODULE_QUERY, HR_MODULE_KEY, HR_MODULE_VALUE };
static const HrModule output[] = { HR_MODULE_OUTPUT };
static const HrModule perceptron[] = { HR_MODULE_GATE, HR_MODULE_UP, HR_MODULE_DOWN };

/* Those of FastLlamaModel.patch_peft_model; modules with a bias are left to PEFT. */
static gboolean
joins_projections (const HrTuning    *tuning,
                   const char        *block,
                   const HrAttention *attention,
                   int                layer)
{
  return !attention->has_query_bias && !attention->has_key_bias && !attention->has_value_bias &&
         are_tuned (tuning, block, projections, G_N_ELEMENTS (projections), layer);
}

static gboolean
joins_output (const HrTuning    *tuning,
              const char        *block,
              const HrAttention *attention,
              int                layer)
{
  return !attention->has_output_bias && are_tuned (tuning, block, output, G_N_ELEMENTS (output), layer);
}

static gboolean
joins_perceptron (const HrTuning *tuning,
                  const char     *block,
                  const HrMlp    *mlp,
                  int             layer)
{
  return mlp->gated && !mlp->fused_gate_up && !mlp->has_bias && !mlp->has_down_bias &&
         are_tuned (tuning, block, perceptron, G_N_ELEMENTS (perceptron), layer);
}

/* The elements of the largest matrix that a function of the block expands. */
static guint64
get_largest (const HrTuning *tuning,
             const HrBlock  *block,
             int             layer)
{
  const HrAttention *attention = &block->attention;
  guint64 largest = 0;

  if (block->kind == HR_BLOCK_MLP)
    return joins_perceptron (tuning, block->path, &block->mlp, layer)
             ? block->mlp.hidden_size * block->mlp.intermediate_size
             : 0;
  if (block->kind != HR_BLOCK_ATTENTION)
    return 0;

  if (joins_projections (tuning, block->path, attention, layer))
    largest = MAX (attention->num_attention_heads, attention->num_key_value_heads);
  else if (joins_output (tuning, block->path, attention, layer))
    largest = attention->num_attention_heads;

  return largest * attention->head_dim * attention->hidden_size;
}

static guint64
get_largest_of_layer (const HrTuning     *tuning,
                      const HrLayerClass *klass,
                      int                 layer)
{
  guint64 largest = 0;

  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      const HrChain *chain = &klass->sublayers[i].branches[0];

      for (guint j = 0; j < chain->n_blocks; j++)
        largest = MAX (largest, get_largest (tuning, &chain->blocks[j], layer));
    }

  return largest;
}

/*
 * hr_unsloth_get_largest:
 * @stack: a stack
 * @tuning: what is added to its matrices
 *
 * Finds the largest matrix that a function expands for a product.
 *
 * Returns: its elements
 */
guint64
hr_unsloth_get_largest (const HrStack  *stack,
                        const HrTuning *tuning)
{
  guint64 largest = 0;

  for (guint i = 0; i < stack->n_layers; i++)
    largest = MAX (largest, get_largest_of_layer (tuning, &stack->layer_classes[stack->layer_class_of[i]], i));

  return largest;
}

/* _rms_layernorm_backward of kernels/rms_layernorm.py writes over the gradient that comes. */
static void
backward_norm (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  (void) node;

  gradients[0] = hr_op_view_gradient (replay, gradient, gradient);
}

/*
 * hr_unsloth_norm:
 * @replay: a tape
 * @x: the input, which the caller holds
 *
 * Fast_RMS_Layernorm of kernels/rms_layernorm.py keeps its input and the reciprocal deviation of each row, in fp32. It
 * has no derivative for its weight.
 *
 * Returns: the result
 */
HrValue
hr_unsloth_norm (HrReplay *replay,
                 HrValue   x)
{
  HrValue rows = x;
  HrValue result, deviation;

  rows.n_symbols--;
  rows.element = HR_ELEMENT_FLOAT32;
  result = hr_op_like (replay, "_rms_layernorm_forward", "hidden_states", x);
  deviation = hr_op_like (replay, "_rms_layernorm_forward", "r", rows);
  if (hr_autograd_record (replay, &result, backward_norm, &x, 1))
    {
      hr_autograd_save (replay, result, x);
      hr_autograd_save (replay, result, deviation);
    }
  hr_replay_drop (replay, deviation);

  return result;
}

/* The inputs of a function: what is multiplied, then both factors of each matrix. */
#define FACTOR_A(i) (1 + 2 * (i))
#define FACTOR_B(i) (2 + 2 * (i))

/* Unsloth’s functions stand in the place of modules where adapters are switched off as well. */
static const HrTuning *
get_functions (const HrReplay *replay)
{
  return replay->tuning != NULL ? replay->tuning : replay->switched_off;
}

/* The factors of what is added to a matrix that takes the last dimension of @x to that of @out. */
static void
use_factors (HrReplay *replay,
             HrModule  module,
             HrValue   x,
             HrValue   out,
             HrValue  *factors)
{
  const HrTunedModule *tuned = hr_tuning_find (get_functions (replay), replay->block, module, replay->layer);
  HrElement element = hr_tuning_get_element (get_functions (replay));

  factors[0] = factors[1] = HR_NO_VALUE;
  if (replay->tuning == NULL)
    return;

  factors[0] = hr_autograd_added (replay, HR_SHAPE (element, x.symbols[x.n_symbols - 1], tuned->rank));
  factors[1] = hr_autograd_added (replay, HR_SHAPE (element, tuned->rank, out.symbols[out.n_symbols - 1]));
}

/* @x, its last dimension replaced. */
static HrValue
get_row_shape (HrValue  x,
               HrSymbol last)
{
  HrValue shape = hr_value_detach (x);

  shape.storage = -1;
  shape.symbols[shape.n_symbols - 1] = last;
  shape.heads_first = FALSE;
  shape.is_view = FALSE;

  return shape;
}

static HrValue
cast_factor (HrReplay *replay,
             HrValue   factor,
             HrElement element)
{
  return hr_op_cast (replay, hr_value_detach (factor), element);
}

/*
 * matmul_lora of kernels/utils.py: the product with the matrix, which is expanded into a buffer that stays, to which
 * that with both factors is added in place.
 */
static HrValue
multiply (HrReplay      *replay,
          HrValue        x,
          const HrValue *factors,
          HrValue        shape,
          const char    *name)
{
  HrValue result = hr_op_like (replay, "mm", name, shape);
  HrValue copy, inner;

  if (replay->tuning == NULL)
    return result;

  copy = cast_factor (replay, factors[0], x.element);
  inner = hr_op_like (replay, "mm", "XA", get_row_shape (x, factors[1].symbols[0]));
  hr_replay_drop (replay, copy);
  copy = cast_factor (replay, factors[1], x.element);
  hr_replay_drop (replay, copy);
  hr_replay_drop (replay, inner);

  return result;
}

/* The factors in the type of what they are multiplied with. */
static void
cast_factors (HrReplay     *replay,
              const HrNode *node,
              HrElement     element,
              HrValue      *copies)
{
  for (guint i = 1; i < node->n_inputs; i++)
    copies[i] = cast_factor (replay, node->inputs[i], element);
}

static void
drop_factors (HrReplay     *replay,
              const HrNode *node,
              HrValue      *copies)
{
  for (guint i = 1; i < node->n_inputs; i++)
    hr_replay_drop (replay, copies[i]);
}

/* Their gradients, in the same type. */
static void
make_gradients (HrReplay     *replay,
                const HrNode *node,
                HrElement     element,
                HrValue      *gradients)
{
  for (guint i = 1; i < node->n_inputs; i++)
    {
      HrValue shape = hr_value_detach (node->inputs[i]);

      shape.element = element;
      gradients[i] = hr_op_make_gradient (replay, "empty_like", shape);
    }
}

/* A product of rows with a factor, which is added to something. */
static void
multiply_rows (HrReplay *replay,
               HrValue   x,
               HrSymbol  rank)
{
  hr_replay_drop (replay, hr_op_make_gradient (replay, "mm", get_row_shape (x, rank)));
}

/* d_A and d_B of the i-th matrix. */
static void
differentiate_factors (HrReplay     *replay,
                       const HrNode *node,
                       guint         i,
                       HrValue       x)
{
  HrSymbol rank = node->inputs[FACTOR_B (i)].symbols[0];

  multiply_rows (replay, x, rank);
  multiply_rows (replay, x, rank);
}

/* fast_dequantize without a buffer that stays. */
static HrValue
expand (HrReplay     *replay,
        const HrNode *node,
        guint         i,
        HrElement     element)
{
  return hr_quantization_format_expand (replay, HR_SHAPE (element, node->inputs[FACTOR_A (i)].symbols[0],
                                                          node->inputs[FACTOR_B (i)].symbols[1]));
}

/* What comes of the i-th matrix is added to the gradient of the input. */
static void
add_to_input (HrReplay     *replay,
              const HrNode *node,
              guint         i,
              HrValue       x)
{
  HrValue weight = expand (replay, node, i, x.element);

  hr_replay_drop (replay, weight);
  multiply_rows (replay, x, node->inputs[FACTOR_B (i)].symbols[0]);
}

/* LoRA_QKV.backward of kernels/fast_lora.py: the gradient of the input is written over it. */
static void
backward_projections (HrReplay     *replay,
                      const HrNode *node,
                      HrValue       gradient,
                      HrValue      *gradients)
{
  HrValue x = node->saved[0];
  HrValue copies[HR_NODE_MAX_INPUTS];

  (void) gradient;

  cast_factors (replay, node, x.element, copies);
  make_gradients (replay, node, x.element, gradients);
  for (guint i = 0; i < G_N_ELEMENTS (projections); i++)
    differentiate_factors (replay, node, i, x);
  for (guint i = 0; i < G_N_ELEMENTS (projections); i++)
    add_to_input (replay, node, i, x);
  gradients[0] = hr_op_view_gradient (replay, x, node->inputs[0]);
  drop_factors (replay, node, copies);
}

/* LoRA_QKV.forward */
static void
project_jointly (HrReplay *replay,
                 HrValue   x,
                 HrValue  *parts)
{
  static const HrSymbol features[] = { HR_SYMBOL_QUERY, HR_SYMBOL_KEY, HR_SYMBOL_KEY };
  static const char * const names[] = { "Q", "K", "V" };
  HrValue inputs[7] = { x };
  HrValue shapes[3];

  for (guint i = 0; i < G_N_ELEMENTS (projections); i++)
    {
      shapes[i] = get_row_shape (x, features[i]);
      use_factors (replay, projections[i], x, shapes[i], &inputs[FACTOR_A (i)]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (projections); i++)
    parts[i] = multiply (replay, x, &inputs[FACTOR_A (i)], shapes[i], names[i]);
  if (!hr_autograd_record (replay, &parts[0], backward_projections, inputs, G_N_ELEMENTS (inputs)))
    return;

  hr_autograd_save (replay, parts[0], x);
  for (guint i = 1; i < G_N_ELEMENTS (projections); i++)
    {
      parts[i].node = parts[0].node;
      parts[i].result = i;
    }
}

/* LoRA_W.backward */
static void
backward_output (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  HrValue x = node->saved[0];
  HrValue copies[HR_NODE_MAX_INPUTS];
  HrValue weight;

  (void) gradient;

  cast_factors (replay, node, x.element, copies);
  make_gradients (replay, node, x.element, gradients);
  differentiate_factors (replay, node, 0, x);
  weight = expand (replay, node, 0, x.element);
  gradients[0] = hr_op_make_gradient (replay, "mm", get_row_shape (x, x.symbols[x.n_symbols - 1]));
  gradients[0].is_view = TRUE;
  hr_replay_drop (replay, weight);
  multiply_rows (replay, x, node->inputs[FACTOR_B (0)].symbols[0]);
  drop_factors (replay, node, copies);
}

/* LoRA_W.forward */
static HrValue
project_output (HrReplay *replay,
                HrValue   x)
{
  HrValue inputs[3] = { x };
  HrValue shape = get_row_shape (x, HR_SYMBOL_HIDDEN);
  HrValue result;

  use_factors (replay, HR_MODULE_OUTPUT, x, shape, &inputs[FACTOR_A (0)]);
  result = multiply (replay, x, &inputs[FACTOR_A (0)], shape, "attn_output");
  if (hr_autograd_record (replay, &result, backward_output, inputs, G_N_ELEMENTS (inputs)))
    hr_autograd_save (replay, result, x);

  return result;
}

/* LoRA_MLP.backward: what comes of the activation and its derivatives is written over what was kept. */
static void
backward_perceptron (HrReplay     *replay,
                     const HrNode *node,
                     HrValue       gradient,
                     HrValue      *gradients)
{
  HrValue x = node->saved[0];
  HrValue gate = node->saved[1];
  HrSymbol rank = node->inputs[FACTOR_B (2)].symbols[0];
  HrValue copies[HR_NODE_MAX_INPUTS];
  HrValue product;

  cast_factors (replay, node, x.element, copies);
  product = hr_op_make_gradient (replay, "mm", get_row_shape (gate, gate.symbols[gate.n_symbols - 1]));
  multiply_rows (replay, gradient, rank);
  make_gradients (replay, node, x.element, gradients);
  for (guint i = G_N_ELEMENTS (perceptron); i-- > 0; )
    differentiate_factors (replay, node, i, x);
  add_to_input (replay, node, 1, x);
  add_to_input (replay, node, 0, x);
  gradients[0] = hr_op_view_gradient (replay, x, node->inputs[0]);
  hr_replay_drop (replay, product);
  drop_factors (replay, node, copies);
}

/* LoRA_MLP.forward */
static HrValue
run_perceptron (HrReplay *replay,
                HrValue   x)
{
  HrValue wide = get_row_shape (x, HR_SYMBOL_INTERMEDIATE);
  HrValue inputs[7] = { x };
  HrValue gate, up, product, result;

  use_factors (replay, HR_MODULE_GATE, x, wide, &inputs[FACTOR_A (0)]);
  use_factors (replay, HR_MODULE_UP, x, wide, &inputs[FACTOR_A (1)]);
  use_factors (replay, HR_MODULE_DOWN, wide, x, &inputs[FACTOR_A (2)]);
  gate = multiply (replay, x, &inputs[FACTOR_A (0)], wide, "e");
  up = multiply (replay, x, &inputs[FACTOR_A (1)], wide, "g");
  replay->sentence = N_("in the MLP, while gate, up and their product are alive");
  product = hr_op_like (replay, "_fg_kernel", "h", wide);
  result = multiply (replay, product, &inputs[FACTOR_A (2)], get_row_shape (x, HR_SYMBOL_HIDDEN), "i");
  if (hr_autograd_record (replay, &result, backward_perceptron, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (replay, result, x);
      hr_autograd_save (replay, result, gate);
      hr_autograd_save (replay, result, up);
    }
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, up);
  hr_replay_drop (replay, gate);

  return result;
}

/*
 * hr_unsloth_mlp:
 * @replay: a tape
 * @x: (inout): the variable that holds the input
 * @mlp: the block
 *
 * apply_lora_mlp_swiglu of kernels/fast_lora.py, or LlamaMLP of transformers with what PEFT adds to its modules.
 *
 * Returns: the result
 */
HrValue
hr_unsloth_mlp (HrReplay    *replay,
                HrValue     *x,
                const HrMlp *mlp)
{
  if (!joins_perceptron (get_functions (replay), replay->block, mlp, replay->layer))
    return hr_replay_mlp (replay, x, mlp);

  replay->sentence = N_("in the MLP, in its first matrix");

  return run_perceptron (replay, *x);
}

/* Fast_RoPE_Embedding.backward of kernels/rope_embedding.py: in place, where heads do not come before tokens. */
static void
backward_rotate (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  if (gradient.heads_first)
    gradients[0] = hr_op_make_gradient (replay, "clone", node->inputs[0]);
  else
    gradients[0] = hr_op_view_gradient (replay, gradient, node->inputs[0]);
  gradients[0].is_view = TRUE;
}

static void
rotate (HrReplay *replay,
        HrValue  *x)
{
  HrValue result = hr_replay_hold (replay, *x);

  hr_autograd_record (replay, &result, backward_rotate, x, 1);
  hr_replay_assign (replay, x, result);
}

/* Fast_RoPE_Embedding_QK.backward: both gradients are copied, as heads lie between their tokens. */
static void
backward_rotate_by_position (HrReplay     *replay,
                             const HrNode *node,
                             HrValue       gradient,
                             HrValue      *gradients)
{
  (void) gradient;

  for (guint i = 0; i < node->n_inputs; i++)
    gradients[i] = hr_op_make_gradient (replay, "clone", node->inputs[i]);
}

/* Fast_RoPE_Embedding_QK of kernels/rope_embedding.py, where the batch says which place each token has: copies. */
static void
rotate_by_position (HrReplay *replay,
                    HrValue  *query,
                    HrValue  *key)
{
  const HrValue inputs[] = { *query, *key };
  HrValue turned[] = {
    hr_op_like (replay, "clone", "Q", hr_value_detach (*query)),
    hr_op_like (replay, "clone", "K", hr_value_detach (*key)),
  };

  if (hr_autograd_record (replay, &turned[0], backward_rotate_by_position, inputs, G_N_ELEMENTS (inputs)))
    {
      turned[1].node = turned[0].node;
      turned[1].result = 1;
    }
  hr_replay_assign (replay, query, turned[0]);
  hr_replay_assign (replay, key, turned[1]);
}

/* The norm of each head, over the tensor as [B, S, H, d]. */
static void
norm_heads (HrReplay *replay,
            HrValue  *x,
            HrSymbol  heads)
{
  HrValue view = *x;
  HrValue result;

  view.symbols[view.n_symbols - 1] = heads;
  view.symbols[view.n_symbols++] = HR_SYMBOL_HEAD;
  result = hr_unsloth_norm (replay, view);
  result.n_symbols = x->n_symbols;
  result.symbols[result.n_symbols - 1] = x->symbols[x->n_symbols - 1];
  hr_replay_assign (replay, x, result);
}

/*
 * run_attention of unsloth/utils/attention_dispatch.py. Where no heads share keys, torch's function is given copies
 * with heads before tokens, and what it makes is copied.
 */
static HrValue
attend (HrReplay             *replay,
        const HrForward      *forward,
        HrAttentionVariables *variables)
{
  HrValue *parts[] = { &variables->query, &variables->key, &variables->value };
  HrValue copies[G_N_ELEMENTS (parts)];
  HrForward causal = *forward;
  HrValue result;

  causal.mask = HR_NO_VALUE;
  if (forward->attention == HR_ATTENTION_IMPLEMENTATION_FLASH)
    return hr_replay_flash_package (replay, &causal, variables);
  if (replay->symbols[HR_SYMBOL_KEY_HEADS] != replay->symbols[HR_SYMBOL_HEADS])
    return hr_replay_sdpa (replay, &causal, variables->query, variables->key, variables->value);

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      HrValue shape = hr_value_detach (*parts[i]);

      shape.heads_first = TRUE;
      copies[i] = hr_op_copy (replay, "contiguous", *parts[i], shape);
    }
  result = hr_replay_sdpa (replay, &causal, copies[0], copies[1], copies[2]);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_drop (replay, copies[i]);
  hr_replay_assign (replay, &result, hr_op_contiguous (replay, result));

  return result;
}

static void
project (HrReplay             *replay,
         HrValue               x,
         const HrAttention    *attention,
         HrAttentionVariables *variables)
{
  HrValue parts[G_N_ELEMENTS (projections)];

  if (joins_projections (get_functions (replay), replay->block, attention, replay->layer))
    {
      project_jointly (replay, x, parts);
      variables->query = parts[0];
      variables->key = parts[1];
      variables->value = parts[2];
      return;
    }

  variables->query = hr_op_linear (replay, x, HR_MODULE_QUERY, "Q", HR_SYMBOL_QUERY, 1, attention->has_query_bias);
  variables->key = hr_op_linear (replay, x, HR_MODULE_KEY, "K", HR_SYMBOL_KEY, 1, attention->has_key_bias);
  variables->value = hr_op_linear (replay, x, HR_MODULE_VALUE, "V", HR_SYMBOL_KEY, 1, attention->has_value_bias);
}

/*
 * hr_unsloth_attention:
 * @replay: a tape
 * @forward: the pass
 * @x: what goes into the attention
 * @attention: its sizes
 *
 * LlamaAttention_fast_forward of unsloth/models/llama.py, Qwen3Attention_fast_forward of qwen3.py.
 *
 * Returns: what comes out of it
 */
HrAttentionResult
hr_unsloth_attention (HrReplay          *replay,
                      HrForward         *forward,
                      HrValue            x,
                      const HrAttention *attention)
{
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrAttentionVariables variables = { .query = HR_NO_VALUE, .key = HR_NO_VALUE, .value = HR_NO_VALUE,
                                     .gate = HR_NO_VALUE };
  HrValue attended;

  replay->sentence = N_("in the attention");
  project (replay, x, attention, &variables);
  if (attention->qk_norm == HR_QK_NORM_HEAD)
    {
      norm_heads (replay, &variables.query, HR_SYMBOL_HEADS);
      norm_heads (replay, &variables.key, HR_SYMBOL_KEY_HEADS);
    }
  if (forward->examples > 0)
    rotate_by_position (replay, &variables.query, &variables.key);
  else
    {
      rotate (replay, &variables.query);
      rotate (replay, &variables.key);
    }
  attended = attend (replay, forward, &variables);
  result.output = joins_output (get_functions (replay), replay->block, attention, replay->layer)
                    ? project_output (replay, attended)
                    : hr_op_linear (replay, attended, HR_MODULE_OUTPUT, "attn_output", HR_SYMBOL_HIDDEN, 1,
                                    attention->has_output_bias);
  hr_replay_drop (replay, attended);
  hr_attention_drop_variables (replay, &variables);

  return result;
}
