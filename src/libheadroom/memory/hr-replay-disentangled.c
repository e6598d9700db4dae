/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-select.h"
#include "hr-replay-attention-private.h"

/*
 * The attention of DeBERTa (transformers/models/deberta_v2/modeling_deberta_v2.py, DisentangledSelfAttention), which is
 * computed in operations of its own whatever was asked for: what tokens say and how far they are apart have queries and
 * keys of their own. All layers share the rows of distances, and put them through the same matrices as the tokens, or
 * through others.
 */

typedef HrAttentionVariables Variables;

/* x.view (…).permute (0, 2, 1, 3).contiguous (): transpose_for_scores. */
static HrValue
transpose_for_scores (HrReplay   *replay,
                      HrValue     x,
                      HrModule    module,
                      const char *name)
{
  HrValue projected = hr_op_linear (replay, x, module, name, HR_SYMBOL_QUERY, 1, TRUE);
  HrValue shape = hr_value_detach (projected);
  HrValue result;

  shape.heads_first = TRUE;
  result = hr_op_copy (replay, name, projected, shape);
  hr_replay_drop (replay, projected);

  return result;
}

/* The queries or keys of all distances, once for each sequence. */
static HrValue
project_distances (HrReplay   *replay,
                   HrValue     distances,
                   HrModule    module,
                   const char *name)
{
  HrValue heads = transpose_for_scores (replay, distances, module, name);
  HrValue shape = HR_SHAPE (heads.element, HR_SYMBOL_BATCH, HR_SYMBOL_BUCKETS, HR_SYMBOL_QUERY);
  HrValue result;

  shape.heads_first = TRUE;
  result = hr_op_repeat (replay, name, heads, shape);
  hr_replay_drop (replay, heads);

  return result;
}

/* clamp (relative_pos + span), or of its negative. */
static HrValue
clamp_ids (HrReplay *replay,
           HrValue   ids,
           gboolean  is_negative)
{
  HrValue negative = is_negative ? hr_op_like (replay, "neg", "−r_pos", ids) : HR_NO_VALUE;
  HrValue sum = hr_op_like (replay, "add", "relative_pos + att_span", ids);
  HrValue result;

  hr_replay_drop (replay, negative);
  result = hr_op_like (replay, "clamp", is_negative ? "p2c_pos" : "c2p_pos", ids);
  hr_replay_drop (replay, sum);

  return result;
}

/*
 * The scores of each token with each distance, of which those of its distances from the others are picked and divided.
 * Variables hold what was picked, and by which numbers, until the function returns.
 */
static HrValue
score_distances (HrReplay   *replay,
                 Variables  *variables,
                 HrValue     contents,
                 HrValue     positions,
                 HrValue     ids,
                 gboolean    is_reverse)
{
  const char *name = is_reverse ? "p2c_att" : "c2p_att";
  HrValue shape = HR_SHAPE (contents.element, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE, HR_SYMBOL_BUCKETS);
  HrValue pairs = hr_attention_get_scores_shape (replay);
  HrValue scores, clamped;

  shape.heads_first = TRUE;
  clamped = is_reverse ? clamp_ids (replay, ids, TRUE) : HR_NO_VALUE;
  scores = hr_op_matmul (replay, name, contents, positions, shape);
  if (!is_reverse)
    clamped = clamp_ids (replay, ids, FALSE);
  pairs.element = HR_ELEMENT_INT64;
  pairs.storage = clamped.storage;
  hr_replay_assign (replay, &scores, hr_op_gather (replay, name, scores, pairs));
  hr_attention_keep_local (variables, clamped);
  hr_attention_keep_local (variables, scores);

  return hr_op_unary (replay, HR_UNARY_DIV, "score", scores);
}

/* DisentangledSelfAttention.disentangled_attention_bias: the first scores are added to the number 0. */
static HrValue
add_distances (HrReplay          *replay,
               const Variables   *contents,
               HrValue            distances,
               HrValue            ids,
               const HrAttention *attention)
{
  gboolean own = attention->own_position_projections;
  HrModule key_module = own ? HR_MODULE_POSITION_KEY : HR_MODULE_KEY;
  HrModule query_module = own ? HR_MODULE_POSITION_QUERY : HR_MODULE_QUERY;
  Variables variables = { .gate = HR_NO_VALUE, .query = HR_NO_VALUE, .key = HR_NO_VALUE, .value = HR_NO_VALUE };
  HrValue sum = HR_NO_VALUE;
  HrValue scaled;

  if (own && attention->content_to_position)
    variables.key = project_distances (replay, distances, key_module, "pos_key_layer");
  if (!own || attention->position_to_content)
    variables.query = project_distances (replay, distances, query_module, "pos_query_layer");
  if (!own)
    variables.key = project_distances (replay, distances, key_module, "pos_key_layer");

  if (attention->content_to_position)
    {
      scaled = score_distances (replay, &variables, contents->query, variables.key, ids, FALSE);
      sum = hr_op_unary (replay, HR_UNARY_ADD, "score", scaled);
      hr_replay_drop (replay, scaled);
    }
  if (attention->position_to_content)
    {
      scaled = score_distances (replay, &variables, contents->key, variables.query, ids, TRUE);
      if (sum.storage >= 0)
        hr_op_add_to (replay, &sum, scaled);
      else
        sum = hr_op_unary (replay, HR_UNARY_ADD, "score", scaled);
      hr_replay_drop (replay, scaled);
    }
  hr_attention_drop_variables (replay, &variables);

  return sum;
}

/* ~attention_mask.bool () hides pairs of which one is padding. */
static void
hide_padding (HrReplay  *replay,
              Variables *variables,
              HrValue    mask,
              HrValue   *scores)
{
  HrValue shape = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue hidden;

  if (mask.storage < 0)
    return;

  hr_attention_keep_local (variables, hr_op_like (replay, "_to_copy", "attention_mask", shape));
  hidden = hr_op_like (replay, "bitwise_not", "~attention_mask", shape);
  hr_replay_assign (replay, scores, hr_op_masked_fill (replay, "attention_scores", *scores, hidden));
  hr_replay_drop (replay, hidden);
}

/* What each token takes of the others. */
static HrValue
attend (HrReplay          *replay,
        const HrForward   *forward,
        Variables         *variables,
        const HrAttention *attention)
{
  HrValue scaled = hr_op_unary (replay, HR_UNARY_DIV, "key_layer/scale", variables->key);
  HrValue scores = hr_op_matmul (replay, "attention_scores", variables->query, scaled,
                                 hr_attention_get_scores_shape (replay));
  HrValue shape = hr_value_detach (variables->query);
  HrValue weights, output;

  hr_replay_drop (replay, scaled);
  if (attention->relative_span > 0)
    {
      HrValue distances = hr_replay_hold (replay, forward->distances);
      HrValue added;

      hr_op_dropout (replay, &distances, attention->has_output_dropout);
      added = add_distances (replay, variables, distances, forward->distance_ids, attention);
      hr_replay_assign (replay, &scores, hr_op_binary (replay, HR_BINARY_ADD, "attention_scores", scores, added));
      hr_attention_keep_local (variables, distances);
      hr_attention_keep_local (variables, added);
    }
  hide_padding (replay, variables, forward->mask, &scores);
  hr_attention_keep_local (variables, scores);

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  weights = hr_op_softmax (replay, "attention_probs", scores, scores.element);
  hr_op_dropout (replay, &weights, attention->has_dropout);
  hr_attention_keep_local (variables, weights);
  shape.heads_first = TRUE;
  output = hr_op_matmul (replay, "context_layer", weights, variables->value, shape);
  if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_assign (replay, &output, hr_op_contiguous (replay, output));

  return output;
}

/*
 * hr_replay_disentangled:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @attention: the block
 *
 * A module of attention that tells what tokens say from how far they are apart.
 *
 * Returns: what the module returns
 */
HrAttentionResult
hr_replay_disentangled (HrReplay          *replay,
                        const HrForward   *forward,
                        HrValue            x,
                        const HrAttention *attention)
{
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  Variables variables = { .gate = HR_NO_VALUE };
  HrSharedUses uses = { 0 };

  replay->sentence = N_("in the attention, while queries, keys and values are projected");
  replay->shared_uses = &uses;
  variables.query = transpose_for_scores (replay, x, HR_MODULE_QUERY, "query_layer");
  variables.key = transpose_for_scores (replay, x, HR_MODULE_KEY, "key_layer");
  variables.value = transpose_for_scores (replay, x, HR_MODULE_VALUE, "value_layer");
  result.output = attend (replay, forward, &variables, attention);
  replay->shared_uses = NULL;
  hr_attention_drop_variables (replay, &variables);

  replay->sentence = N_("in the attention, in its output projection");
  result.joined = hr_replay_hold (replay, result.output);
  hr_replay_assign (replay, &result.output,
                    hr_op_linear (replay, result.output, HR_MODULE_OUTPUT, "dense(…)", HR_SYMBOL_HIDDEN, 1, TRUE));
  hr_op_dropout (replay, &result.output, attention->has_output_dropout);

  return result;
}
