/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-attention-private.h"

/*
 * The attention modules of transformers that know no other implementation than their own: MPT, GPT-J, CodeGen, GPT-Neo,
 * XGLM, CTRL. All of them compute the scores of every head, with a mask.
 */

static HrElement
get_wide (HrElement element)
{
  return element == HR_ELEMENT_FLOAT64 ? HR_ELEMENT_FLOAT64 : HR_ELEMENT_FLOAT32;
}

static HrValue
get_with_features (HrValue  x,
                   HrSymbol features)
{
  x.symbols[x.n_symbols - 1] = features;

  return x;
}

/* The part of a tensor that is rotated, with the sines and cosines spread to the pairs. */
static HrValue
rotate_part (HrReplay          *replay,
             HrValue            x,
             const HrAttention *attention,
             HrSymbol           features,
             HrElement          element,
             const char        *name)
{
  HrValue table = HR_SHAPE (element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);
  HrValue sin = hr_op_like (replay, "repeat_interleave", "sin", table);
  HrValue cos = hr_op_like (replay, "repeat_interleave", "cos", table);
  HrValue part = attention->rotary_join == HR_ROTARY_WHOLE ? x : get_with_features (x, features);
  HrValue result = hr_replay_rotate (replay, part, cos, sin, name);

  hr_replay_drop (replay, cos);
  hr_replay_drop (replay, sin);

  return result;
}

/* The rows of the table that belong to the positions: GPT-J gathers and casts them, CodeGen takes them as they are. */
static void
look_up_table (HrReplay             *replay,
               HrAttentionVariables *variables,
               const HrAttention    *attention)
{
  HrValue rows = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);
  HrValue ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);
  HrValue gathered;

  if (attention->path == HR_ATTENTION_CODEGEN)
    {
      hr_attention_keep_local (variables, hr_op_like (replay, "index", "sincos", rows));
      return;
    }

  hr_attention_keep_local (variables, hr_op_like (replay, "repeat", "embed_positions",
                                                  HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_TABLE, HR_SYMBOL_ROTARY)));
  hr_attention_keep_local (variables, hr_op_like (replay, "repeat", "repeated_position_ids", ids));
  gathered = hr_op_like (replay, "gather", "sincos", rows);
  hr_attention_keep_local (variables, hr_op_cast (replay, gathered, variables->key.element));
  hr_replay_drop (replay, gathered);
}

/*
 * hr_replay_rotate_by_table:
 * @replay: a tape
 * @variables: the function's variables
 * @attention: the block
 *
 * Rotates queries and keys in pairs by sines and cosines from a table that each layer has (GPTJAttention.forward,
 * CodeGenAttention.forward). Where the rows of the table stay in fp32, so does what is rotated by them.
 */
void
hr_replay_rotate_by_table (HrReplay             *replay,
                           HrAttentionVariables *variables,
                           const HrAttention    *attention)
{
  gboolean is_wide = attention->path == HR_ATTENTION_CODEGEN;
  HrElement element = is_wide ? get_wide (variables->key.element) : variables->key.element;
  HrValue key, query, shape;

  look_up_table (replay, variables, attention);
  key = rotate_part (replay, variables->key, attention, HR_SYMBOL_KEY_ROTARY, element, "k_rot");
  query = rotate_part (replay, variables->query, attention, HR_SYMBOL_QUERY_ROTARY, element, "q_rot");
  if (attention->rotary_join != HR_ROTARY_WHOLE)
    {
      hr_attention_keep_local (variables, key);
      hr_attention_keep_local (variables, query);
      hr_attention_keep_local (variables, hr_replay_hold (replay, variables->key));
      hr_attention_keep_local (variables, hr_replay_hold (replay, variables->query));
      shape = variables->key;
      shape.element = element;
      key = hr_op_like (replay, "cat", "key", shape);
      query = hr_op_like (replay, "cat", "query", shape);
    }
  hr_replay_assign (replay, &variables->key, key);
  hr_replay_assign (replay, &variables->query, query);

  /* The cache is given keys of the model's dtype. */
  if (is_wide)
    hr_replay_assign (replay, &variables->key, hr_op_cast (replay, variables->key, replay->dtype));
}

/*
 * hr_replay_split_codegen:
 * @replay: a tape
 * @variables: the function's variables
 *
 * The matrix was cut for four devices: what belongs together does not lie together, and is copied.
 */
void
hr_replay_split_codegen (HrReplay             *replay,
                         HrAttentionVariables *variables)
{
  HrValue *held[] = { &variables->query, &variables->key, &variables->value };

  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    hr_replay_assign (replay, held[i], hr_op_like (replay, "clone", "reshaped", *held[i]));
}

/* What the weights make of the values. */
static HrValue
weigh_values (HrReplay             *replay,
              HrAttentionVariables *variables,
              HrValue               weights)
{
  HrValue shape = variables->value;

  shape.symbols[1] = HR_SYMBOL_SEQUENCE;
  shape.symbols[shape.n_symbols - 1] = HR_SYMBOL_QUERY;
  shape.heads_first = TRUE;

  return hr_attention_multiply (replay, weights, variables->value, "attn_output", shape);
}

/* With the tokens first again. */
static void
merge_heads (HrReplay          *replay,
             HrAttentionResult *result)
{
  if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_assign (replay, &result->output, hr_op_contiguous (replay, result->output));
}

/*
 * hr_replay_attention_gpt_j:
 * @replay: a tape
 * @forward: the pass
 * @variables: the function's variables
 * @attention: the block
 *
 * GPTJAttention._attn, CodeGenAttention._attn, GPTNeoSelfAttention._attn: all in fp32, each step bound to one variable.
 *
 * Returns: the output and the weights
 */
HrAttentionResult
hr_replay_attention_gpt_j (HrReplay             *replay,
                           HrForward            *forward,
                           HrAttentionVariables *variables,
                           const HrAttention    *attention)
{
  HrValue shape = hr_attention_get_scores_shape (replay);
  HrElement element = get_wide (replay->dtype);
  const char *second = attention->path == HR_ATTENTION_GPT_NEO ? "where" : "div";
  HrValue query = hr_op_cast (replay, variables->query, element);
  HrValue key = hr_op_cast (replay, variables->key, element);
  HrAttentionResult result = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE };
  HrValue mask_value = HR_NO_VALUE;
  HrValue weights;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  shape.element = element;
  weights = hr_attention_multiply (replay, query, key, "attn_weights", shape);
  if (attention->path == HR_ATTENTION_GPT_NEO)
    mask_value = hr_op_like (replay, "_to_copy", "mask_value", HR_SHAPE (element));
  if (attention->path != HR_ATTENTION_CODEGEN)
    hr_replay_assign (replay, &weights, hr_op_like (replay, second, "attn_weights", shape));
  if (forward->mask.storage >= 0)
    hr_replay_assign (replay, &weights, hr_op_like (replay, "add", "attn_weights", shape));
  if (attention->path == HR_ATTENTION_CODEGEN)
    hr_replay_assign (replay, &weights, hr_op_like (replay, second, "attn_weights", shape));
  hr_replay_assign (replay, &weights, hr_attention_softmax (replay, weights));
  hr_replay_assign (replay, &weights, hr_op_cast (replay, weights, replay->dtype));

  result.output = weigh_values (replay, variables, weights);
  result.weights = weights;
  hr_replay_drop (replay, mask_value);
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, query);
  merge_heads (replay, &result);

  return result;
}

/*
 * hr_replay_attention_mpt:
 * @replay: a tape
 * @forward: the pass
 * @variables: the function's variables
 *
 * MptAttention.forward: the biases of the positions are fp32, and so are the scores that they are added to.
 *
 * Returns: the output and the weights
 */
HrAttentionResult
hr_replay_attention_mpt (HrReplay             *replay,
                         HrForward            *forward,
                         HrAttentionVariables *variables)
{
  HrValue shape = hr_attention_get_scores_shape (replay);
  HrAttentionResult result = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE };
  HrValue scores;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  scores = hr_attention_multiply (replay, variables->query, variables->key, "attention_scores", shape);
  hr_replay_assign (replay, &scores, hr_op_like (replay, "mul", "attention_scores", shape));
  shape.element = get_wide (replay->dtype);
  hr_replay_assign (replay, &scores, hr_op_like (replay, "add", "attention_scores", shape));
  if (forward->mask.storage >= 0)
    hr_replay_assign (replay, &scores, hr_op_like (replay, "masked_fill", "attention_scores", shape));
  hr_attention_keep_local (variables, scores);
  result.weights = hr_attention_softmax (replay, scores);
  hr_replay_assign (replay, &result.weights, hr_op_cast (replay, result.weights, replay->dtype));
  result.output = weigh_values (replay, variables, result.weights);
  merge_heads (replay, &result);

  return result;
}

/*
 * hr_replay_attention_xglm:
 * @replay: a tape
 * @forward: the pass
 * @variables: the function's variables
 *
 * XGLMAttention.forward: the mask is added, the sums are kept above the least number; a softmax in the model's dtype,
 * but for float16, where it is fp32.
 *
 * Returns: the output and the weights
 */
HrAttentionResult
hr_replay_attention_xglm (HrReplay             *replay,
                          HrForward            *forward,
                          HrAttentionVariables *variables)
{
  HrValue shape = hr_attention_get_scores_shape (replay);
  HrAttentionResult result = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE };
  HrValue weights, floor;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  hr_replay_assign (replay, &variables->query, hr_attention_flatten_batch (replay, variables->query, "query_states"));
  weights = hr_attention_multiply (replay, variables->query, variables->key, "attn_weights", shape);
  if (forward->mask.storage >= 0)
    {
      hr_replay_assign (replay, &weights, hr_op_like (replay, "add", "attn_weights", shape));
      floor = hr_op_like (replay, "_to_copy", "finfo.min", HR_SHAPE (shape.element));
      hr_replay_assign (replay, &weights, hr_op_like (replay, "maximum", "attn_weights", shape));
      hr_replay_drop (replay, floor);
    }
  if (replay->dtype == HR_ELEMENT_FLOAT16)
    shape.element = HR_ELEMENT_FLOAT32;
  hr_replay_assign (replay, &weights, hr_op_like (replay, "_softmax", "attn_weights", shape));
  hr_replay_assign (replay, &weights, hr_op_cast (replay, weights, replay->dtype));

  result.output = weigh_values (replay, variables, weights);
  result.weights = weights;
  merge_heads (replay, &result);

  return result;
}

/*
 * hr_replay_attention_ctrl:
 * @replay: a tape
 * @variables: the function's variables
 *
 * MultiHeadAttention.forward of CTRL: each step has a variable of its own; the mask, of all positions, is multiplied by
 * a large number for each layer.
 *
 * Returns: the output and the weights
 */
HrAttentionResult
hr_replay_attention_ctrl (HrReplay             *replay,
                          HrAttentionVariables *variables)
{
  HrValue shape = hr_attention_get_scores_shape (replay);
  HrAttentionResult result = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE };
  HrValue product, scaled, mask;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  product = hr_attention_multiply (replay, variables->query, variables->key, "matmul_qk", shape);
  scaled = hr_op_like (replay, "div", "scaled_attention_logits", shape);
  mask = hr_op_like (replay, "mul", "mask·−10000",
                     HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT));
  hr_replay_drop (replay, mask);
  result.weights = hr_attention_softmax (replay, scaled);
  result.output = weigh_values (replay, variables, result.weights);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, product);
  merge_heads (replay, &result);

  return result;
}
