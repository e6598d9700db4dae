/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-select.h"
#include "hr-replay-attention-private.h"

/*
 * The attention modules of transformers that know no other implementation than their own: MPT, GPT-J, CodeGen, GPT-Neo,
 * XGLM, MVP, CTRL, Baichuan. All of them compute the scores of every head, with a mask.
 */

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
  HrValue part = attention->rotary_join == HR_ROTARY_WHOLE
                   ? hr_replay_hold (replay, x)
                   : hr_op_slice (replay, x, get_with_features (x, features));
  HrValue result = hr_replay_rotate (replay, part, cos, sin, name);

  hr_replay_drop (replay, part);
  hr_replay_drop (replay, cos);
  hr_replay_drop (replay, sin);

  return result;
}

/* What was rotated, and the rest of the tensor, which a variable keeps. */
static HrValue
join_rest (HrReplay             *replay,
           HrAttentionVariables *variables,
           HrValue               rotated,
           HrValue               whole,
           const char           *name)
{
  HrValue rest = hr_op_slice (replay, whole, whole);
  HrValue shape = hr_value_detach (whole);

  shape.element = rotated.element;
  hr_attention_keep_local (variables, rotated);
  hr_attention_keep_local (variables, rest);

  return hr_op_cat (replay, name, (HrValue[]) { rotated, rest }, 2, shape);
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
 * @forward: the pass
 * @variables: the function's variables
 * @attention: the block
 *
 * Rotates queries and keys in pairs by sines and cosines from a table that each layer has (GPTJAttention.forward,
 * CodeGenAttention.forward). Where the rows of the table stay in fp32, so does what is rotated by them.
 */
void
hr_replay_rotate_by_table (HrReplay             *replay,
                           const HrForward      *forward,
                           HrAttentionVariables *variables,
                           const HrAttention    *attention)
{
  gboolean is_wide = attention->path == HR_ATTENTION_CODEGEN;
  HrElement element = is_wide ? hr_element_widen (variables->key.element) : variables->key.element;
  HrValue key, query;

  look_up_table (replay, variables, attention);
  key = rotate_part (replay, variables->key, attention, HR_SYMBOL_KEY_ROTARY, element, "k_rot");
  query = rotate_part (replay, variables->query, attention, HR_SYMBOL_QUERY_ROTARY, element, "q_rot");
  if (attention->rotary_join != HR_ROTARY_WHOLE)
    {
      key = join_rest (replay, variables, key, variables->key, "key");
      query = join_rest (replay, variables, query, variables->query, "query");
    }
  hr_replay_assign (replay, &variables->key, key);
  hr_replay_assign (replay, &variables->query, query);

  /* The cache is given keys of the model's dtype. */
  if (is_wide && forward->use_cache)
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
    hr_replay_assign (replay, held[i], hr_op_copy (replay, "reshaped", *held[i], hr_value_detach (*held[i])));
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
  HrUnary second = attention->path == HR_ATTENTION_GPT_NEO ? HR_UNARY_WHERE : HR_UNARY_DIV;
  HrElement element = hr_element_widen (replay->dtype);
  HrValue query = hr_op_cast (replay, variables->query, element);
  HrValue key = hr_op_cast (replay, variables->key, element);
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue mask_value = HR_NO_VALUE;
  HrValue weights;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  shape.element = element;
  weights = hr_attention_multiply (replay, query, key, "attn_weights", shape);
  if (attention->path == HR_ATTENTION_GPT_NEO)
    mask_value = hr_op_like (replay, "_to_copy", "mask_value", HR_SHAPE (element));
  if (attention->path != HR_ATTENTION_CODEGEN)
    hr_replay_assign (replay, &weights, hr_op_unary (replay, second, "attn_weights", weights));
  if (forward->mask.storage >= 0)
    hr_replay_assign (replay, &weights,
                      hr_op_binary (replay, HR_BINARY_ADD, "attn_weights", weights, forward->mask));
  if (attention->path == HR_ATTENTION_CODEGEN)
    hr_replay_assign (replay, &weights, hr_op_unary (replay, second, "attn_weights", weights));
  hr_replay_assign (replay, &weights, hr_attention_softmax (replay, weights));
  hr_replay_assign (replay, &weights, hr_op_cast (replay, weights, variables->value.element));
  hr_op_dropout (replay, &weights, attention->has_dropout);

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
 * @attention: the block
 *
 * MptAttention.forward: the biases of the positions are fp32, and so are the scores that they are added to.
 *
 * Returns: the output and the weights
 */
HrAttentionResult
hr_replay_attention_mpt (HrReplay             *replay,
                         HrForward            *forward,
                         HrAttentionVariables *variables,
                         const HrAttention    *attention)
{
  HrValue shape = hr_attention_get_scores_shape (replay);
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue scores;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  scores = hr_attention_multiply (replay, variables->query, variables->key, "attention_scores", shape);
  hr_replay_assign (replay, &scores, hr_op_unary (replay, HR_UNARY_MUL, "attention_scores", scores));
  hr_replay_assign (replay, &scores,
                    hr_op_binary (replay, HR_BINARY_ADD, "attention_scores", scores,
                                  HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_HEADS, HR_SYMBOL_CONTEXT)));
  if (forward->mask.storage >= 0)
    hr_replay_assign (replay, &scores, hr_op_masked_fill (replay, "attention_scores", scores, forward->mask));
  hr_attention_keep_local (variables, scores);
  result.weights = hr_attention_softmax (replay, scores);
  hr_replay_assign (replay, &result.weights, hr_op_cast (replay, result.weights, variables->value.element));
  hr_op_dropout (replay, &result.weights, attention->has_dropout);
  result.output = weigh_values (replay, variables, result.weights);
  merge_heads (replay, &result);

  return result;
}

/*
 * hr_replay_attention_xglm:
 * @replay: a tape
 * @forward: the pass
 * @variables: the function's variables
 * @attention: the block
 *
 * XGLMAttention.forward: the mask is added, the sums are kept above the least number; a softmax in the model's dtype,
 * but for float16, where it is fp32.
 *
 * Returns: the output and the weights
 */
HrAttentionResult
hr_replay_attention_xglm (HrReplay             *replay,
                          HrForward            *forward,
                          HrAttentionVariables *variables,
                          const HrAttention    *attention)
{
  HrValue shape = hr_attention_get_scores_shape (replay);
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue weights, floor;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  hr_replay_assign (replay, &variables->query, hr_attention_flatten_batch (replay, variables->query, "query_states"));
  weights = hr_attention_multiply (replay, variables->query, variables->key, "attn_weights", shape);
  if (forward->mask.storage >= 0)
    {
      hr_replay_assign (replay, &weights,
                        hr_op_binary (replay, HR_BINARY_ADD, "attn_weights", weights, forward->mask));
      floor = hr_op_like (replay, "_to_copy", "finfo.min", HR_SHAPE (weights.element));
      hr_replay_assign (replay, &weights, hr_op_maximum (replay, "attn_weights", weights, floor));
      hr_replay_drop (replay, floor);
    }
  hr_replay_assign (replay, &weights,
                    hr_op_softmax (replay, "attn_weights", weights,
                                   weights.element == HR_ELEMENT_FLOAT16 ? HR_ELEMENT_FLOAT32 : weights.element));
  if (replay->autocast == HR_ELEMENT_NONE)
    hr_replay_assign (replay, &weights, hr_op_cast (replay, weights, replay->dtype));
  result.weights = hr_replay_hold (replay, weights);
  hr_op_dropout (replay, &weights, attention->has_dropout);
  result.output = weigh_values (replay, variables, weights);
  hr_replay_drop (replay, weights);
  merge_heads (replay, &result);

  return result;
}

/* `x = x.reshape (bsz * num_heads, -1, head_dim)` */
static void
flatten (HrReplay   *replay,
         HrValue    *x,
         const char *name)
{
  hr_replay_assign (replay, x, hr_attention_flatten_batch (replay, *x, name));
}

/*
 * hr_replay_attention_mvp:
 * @replay: a tape
 * @forward: the pass
 * @variables: the function's variables
 * @attention: the block
 *
 * MvpAttention.forward: variables hold queries, keys and values with the heads first, and the weights before and after
 * dropout.
 *
 * Returns: the output
 */
HrAttentionResult
hr_replay_attention_mvp (HrReplay             *replay,
                         HrForward            *forward,
                         HrAttentionVariables *variables,
                         const HrAttention    *attention)
{
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue weights, probabilities;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  flatten (replay, &variables->query, "query_states");
  flatten (replay, &variables->key, "key_states");
  flatten (replay, &variables->value, "value_states");
  weights = hr_op_matmul (replay, "attn_weights", variables->query, variables->key,
                          hr_attention_get_scores_shape (replay));
  if (forward->mask.storage >= 0)
    hr_replay_assign (replay, &weights, hr_op_binary (replay, HR_BINARY_ADD, "attn_weights", weights, forward->mask));
  hr_replay_assign (replay, &weights, hr_attention_softmax (replay, weights));
  hr_attention_keep_local (variables, weights);
  probabilities = hr_replay_hold (replay, weights);
  hr_op_dropout (replay, &probabilities, attention->has_dropout);
  hr_attention_keep_local (variables, probabilities);
  result.output = weigh_values (replay, variables, probabilities);
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
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue product, scaled, mask;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  product = hr_attention_multiply (replay, variables->query, variables->key, "matmul_qk", shape);
  scaled = hr_op_unary (replay, HR_UNARY_DIV, "scaled_attention_logits", product);
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

/*
 * hr_replay_attention_baichuan:
 * @replay: a tape
 * @variables: the function's variables
 *
 * BaichuanAttention.forward of Baichuan 13B: the biases, which hide what is not to be seen, are added, the sums are
 * kept above the least number, which waits on the host; a softmax in the dtype of the model.
 *
 * Returns: the output and the weights
 */
HrAttentionResult
hr_replay_attention_baichuan (HrReplay             *replay,
                              HrAttentionVariables *variables)
{
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue weights;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  weights = hr_attention_multiply (replay, variables->query, variables->key, "attn_weights",
                                   hr_attention_get_scores_shape (replay));
  hr_replay_assign (replay, &weights, hr_op_unary (replay, HR_UNARY_DIV, "attn_weights", weights));
  hr_replay_assign (replay, &weights, hr_op_unary (replay, HR_UNARY_ADD, "attn_weights", weights));
  hr_replay_assign (replay, &weights, hr_op_unary (replay, HR_UNARY_CLAMP_ONE, "attn_weights", weights));
  hr_replay_assign (replay, &weights, hr_attention_softmax (replay, weights));
  result.output = weigh_values (replay, variables, weights);
  hr_attention_keep_local (variables, weights);
  merge_heads (replay, &result);

  return result;
}
