/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-flop-pass.h"

#include "hr-inference-cache.h"
#include "hr-replay-blocks.h"
#include "hr-tower.h"

/* Attentions: their matrices, and the products of queries, keys and values. */

/* Whether a gradient flows to what the projections have made. */
typedef struct
{
  gboolean query;
  gboolean key;
  gboolean value;
} Flows;

static Flows
run_projections (HrFlopWalk    *self,
                 const HrBlock *block,
                 guint64        rows,
                 guint64        source_rows,
                 gboolean       flow)
{
  const HrFlopPart part = HR_FLOP_PART_PROJECTIONS;
  const HrAttention *attention = &block->attention;
  gboolean reuses = attention->reuses_cache || attention->has_shared_key_value;
  guint64 key_rows = attention->is_cross ? source_rows : reuses ? 0 : rows;
  gboolean has_tower = attention->is_cross && self->pass->inference->encoder == NULL;
  gboolean key_flow = has_tower ? self->source_flow : flow || (attention->joins_source && self->source_flow);
  /* Where an encoder is trained, gradients flow to what it has made as they do to the decoder's own. */
  Flows flows = { 0 };
  gboolean latent, both;

  if (attention->joins_source)
    key_rows = rows + self->batch * self->source;

  flows.query = hr_flop_walk_run_module (self, part, block, HR_MODULE_QUERY, rows, flow);
  latent = hr_flop_walk_run_module (self, part, block, HR_MODULE_QUERY_LATENT, rows, flow);
  flows.query |= hr_flop_walk_run_module (self, part, block, HR_MODULE_QUERY_EXPANSION, rows, latent);
  both = hr_flop_walk_run_module (self, part, block, HR_MODULE_QUERY_KEY_VALUE, rows, flow);
  flows.query |= both;
  flows.key = hr_flop_walk_run_module (self, part, block, HR_MODULE_KEY, key_rows, key_flow) || both;
  flows.value = hr_flop_walk_run_module (self, part, block, HR_MODULE_VALUE, key_rows, key_flow) || both;
  both = hr_flop_walk_run_module (self, part, block, HR_MODULE_KEY_VALUE, key_rows, flow);
  latent = hr_flop_walk_run_module (self, part, block, HR_MODULE_LATENT, rows, flow);
  both |= hr_flop_walk_run_module (self, part, block, HR_MODULE_EXPANSION, rows, latent);
  both |= hr_tuning_get_n_cached (self->pass->tuning) > 0 && self->pass->trains && !attention->is_cross;
  flows.key |= both;
  flows.value |= both || (attention->value_is_key && flows.key);
  for (guint i = 0; i < 3; i++)
    hr_flop_walk_run_own_adapter (self, part, block, attention->adapter_rank, attention->hidden_size,
                                  attention->head_dim * (i == 0 ? attention->num_attention_heads
                                                                : attention->num_key_value_heads));
  flows.query |= attention->qk_norm != HR_QK_NORM_NONE && hr_flop_walk_trains (self, block, HR_MODULE_SELF);

  return flows;
}

/* Which of torch's kernels do not compute what the causal mask hides: those that are told so, and get no mask. */
static gboolean
leaves_out (const HrFlopWalk  *self,
            const HrAttention *attention,
            guint64            context)
{
  HrAttentionImplementation implementation = self->pass->inference->attention;
  gboolean has_window = attention->sliding_window > 0 && context > attention->sliding_window;

  if (hr_attention_is_always_eager (attention))
    return FALSE;
  if (implementation == HR_ATTENTION_IMPLEMENTATION_FLASH)
    return TRUE;

  return (implementation == HR_ATTENTION_IMPLEMENTATION_SDPA ||
          implementation == HR_ATTENTION_IMPLEMENTATION_SDPA_EFFICIENT) && !has_window &&
         self->pass->inference->mask != HR_ATTENTION_MASK_PADDED && attention->path == HR_ATTENTION_INTERFACE;
}

static gboolean
is_eager (const HrFlopWalk  *self,
          const HrAttention *attention)
{
  HrAttentionImplementation implementation = self->pass->inference->attention;

  return hr_attention_is_always_eager (attention) || implementation == HR_ATTENTION_IMPLEMENTATION_EAGER ||
         implementation == HR_ATTENTION_IMPLEMENTATION_SDPA_MATH;
}

/* Pairs of a query and a key that it sees, of each head of each sequence. */
static guint64
count_visible_pairs (const HrFlopWalk  *self,
                     const HrAttention *attention,
                     guint64            context)
{
  guint64 past = context - self->sequence;
  guint64 window = attention->sliding_window > 0 ? attention->sliding_window : context;
  guint64 whole = window > past ? MIN (window - past, self->sequence) : 0;

  /* The first queries see all that is before them, the others a window. */
  return whole * past + whole * (whole + 1) / 2 + (self->sequence - whole) * window;
}

static guint64
count_tower_pairs (const HrTower     *tower,
                   const HrAttention *attention)
{
  const GArray *chunks = attention->sliding_window > 0 && tower->windows != NULL ? tower->windows : tower->chunks;
  guint64 pairs = 0;

  if (chunks == NULL || chunks->len == 0)
    return tower->sequence * tower->sequence;

  for (guint i = 0; i < chunks->len; i++)
    {
      const HrChunk *chunk = &g_array_index (chunks, HrChunk, i);

      pairs += chunk->length * chunk->length * chunk->count;
    }

  return pairs;
}

/*
 * What the derivatives of scores S = Q·Kᵀ and outputs O = P·V multiply (sdpa_backward_flop_count of
 * torch/utils/flop_counter.py): a fused kernel keeps no scores and computes them anew, and all gradients whether they
 * are needed or not.
 */
static void
derive (HrFlopWalk *self,
        gboolean    is_eager,
        Flows       flows,
        guint64     n_scores,
        guint64     n_values)
{
  HrFlops *flops = &self->count->parts[hr_flop_walk_get_part (self, HR_FLOP_PART_SCORES)];
  gboolean any = flows.query || flows.key || flows.value;

  if (!any)
    return;

  if (!is_eager)
    {
      hr_flop_count_sum (self->count, &flops->recomputed, n_scores);
      flows = (Flows) { TRUE, TRUE, TRUE };
    }
  hr_flop_count_sum (self->count, &flops->input_gradients, flows.query || flows.key ? n_values : 0);
  hr_flop_count_sum (self->count, &flops->input_gradients, flows.value ? n_values : 0);
  hr_flop_count_sum (self->count, &flops->input_gradients, flows.query ? n_scores : 0);
  hr_flop_count_sum (self->count, &flops->input_gradients, flows.key ? n_scores : 0);
}

static void
hide (HrFlopWalk        *self,
      const HrAttention *attention,
      guint64            heads,
      guint64            context,
      guint64            size)
{
  HrFlops *flops = &self->count->parts[hr_flop_walk_get_part (self, HR_FLOP_PART_SCORES)];
  guint64 pairs = self->sequence * context - count_visible_pairs (self, attention, context);
  guint64 hidden = 2 * heads * pairs * size;

  hr_flop_count_sum (self->count, &flops->hidden, hidden);
  if (leaves_out (self, attention, context))
    hr_flop_count_sum (self->count, &flops->left_out, hidden);
}

/* flash-attn’s function is told where examples of a row begin, and tokens of one meet none of the others. */
static guint64
count_examples (const HrFlopWalk *self)
{
  const HrInference *inference = self->pass->inference;

  return self->tower == NULL && inference->attention == HR_ATTENTION_IMPLEMENTATION_FLASH ? MAX (inference->examples, 1)
                                                                                           : 1;
}

static gboolean
run_scores (HrFlopWalk    *self,
            const HrBlock *block,
            guint64        context,
            Flows          flows)
{
  const HrAttention *attention = &block->attention;
  guint64 value_size = attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;
  guint64 heads = self->batch * attention->num_attention_heads;
  gboolean is_alone = self->tower != NULL && !attention->joins_source;
  guint64 pairs = is_alone ? count_tower_pairs (self->tower, attention) : self->sequence * context;
  HrFlopPart part = hr_flop_walk_get_part (self, HR_FLOP_PART_SCORES);
  gboolean eager = is_eager (self, attention) && attention->path != HR_ATTENTION_VISION;
  guint64 n_scores = hr_flop_walk_multiply (self, HR_FLOP_PART_SCORES, heads * pairs, attention->head_dim);
  guint64 n_values = hr_flop_walk_multiply (self, HR_FLOP_PART_SCORES, heads * pairs, value_size);

  hr_flop_count_move (self->count, part, heads * self->sequence, attention->head_dim + value_size);
  /* Scores are written, read and written by the softmax, and read again. */
  hr_flop_count_move (self->count, part, heads * pairs, eager ? 4 : 0);
  derive (self, eager, flows, n_scores, n_values);
  if (self->stack->role == HR_STACK_DECODER && !attention->is_cross)
    hide (self, attention, heads, context, attention->head_dim + value_size);

  return flows.query || flows.key || flows.value;
}

static gboolean
run_scores_of_examples (HrFlopWalk    *self,
                        const HrBlock *block,
                        guint64        context,
                        Flows          flows)
{
  guint64 n = count_examples (self);
  guint64 batch = self->batch;
  guint64 sequence = self->sequence;
  gboolean flow;

  self->batch *= n;
  self->sequence /= n;
  flow = run_scores (self, block, context / n, flows);
  self->batch = batch;
  self->sequence = sequence;

  return flow;
}

/* DeBERTa's scores of contents with distances, whose tables have as many rows as there are distances. */
static void
run_distances (HrFlopWalk    *self,
               const HrBlock *block,
               gboolean       flow)
{
  const HrAttention *attention = &block->attention;
  guint64 rows = 2 * attention->relative_span;
  guint64 size = attention->num_attention_heads * attention->head_dim;
  guint n_terms = attention->content_to_position + attention->position_to_content;

  if (attention->relative_span == 0)
    return;

  hr_flop_walk_run_module (self, HR_FLOP_PART_PROJECTIONS, block, HR_MODULE_POSITION_KEY, rows, flow);
  hr_flop_walk_run_module (self, HR_FLOP_PART_PROJECTIONS, block, HR_MODULE_POSITION_QUERY, rows, flow);
  for (guint i = 0; i < n_terms; i++)
    {
      HrFlops *flops = &self->count->parts[HR_FLOP_PART_SCORES];
      guint64 n;

      if (!attention->own_position_projections)
        {
          HrModule module = i == 0 && attention->content_to_position ? HR_MODULE_KEY : HR_MODULE_QUERY;

          hr_flop_walk_run_module (self, HR_FLOP_PART_PROJECTIONS, block, module, rows, flow);
        }
      n = hr_flop_walk_multiply (self, HR_FLOP_PART_SCORES, self->batch * self->sequence, rows * size);
      hr_flop_count_sum (self->count, &flops->input_gradients, flow ? 2 * n : 0);
    }
}

/* The scores by which an indexer chooses keys (DeepseekV32Indexer); no gradient flows through the choice. */
static void
run_indexer (HrFlopWalk    *self,
             const HrBlock *block,
             guint64        rows,
             guint64        context)
{
  const HrAttention *attention = &block->attention;
  HrFlops *flops = &self->count->parts[HR_FLOP_PART_PROJECTIONS];
  guint64 input_gradients = flops->input_gradients, weight_gradients = flops->weight_gradients;

  if (attention->index_num_heads == 0)
    return;

  hr_flop_walk_run_module (self, HR_FLOP_PART_PROJECTIONS, block, HR_MODULE_INDEX_QUERY, rows, FALSE);
  hr_flop_walk_run_module (self, HR_FLOP_PART_PROJECTIONS, block, HR_MODULE_INDEX_KEY, rows, FALSE);
  hr_flop_walk_run_module (self, HR_FLOP_PART_PROJECTIONS, block, HR_MODULE_INDEX_WEIGHTS, rows, FALSE);
  flops->input_gradients = input_gradients;
  flops->weight_gradients = weight_gradients;
  hr_flop_walk_multiply (self, HR_FLOP_PART_SCORES, rows * attention->index_num_heads,
                         context * attention->index_head_dim);
  /* The scores of all its heads are weighted and added up. */
  hr_flop_walk_multiply (self, HR_FLOP_PART_SCORES, rows, context * attention->index_num_heads);
}

/*
 * hr_flop_walk_run_attention:
 * @self: a walk
 * @block: an attention
 * @flow: whether a gradient flows to what it reads
 *
 * Runs an attention. The keys and values of what an encoder has made are projected once.
 *
 * Returns: whether a gradient flows to what it makes
 */
gboolean
hr_flop_walk_run_attention (HrFlopWalk    *self,
                            const HrBlock *block,
                            gboolean       flow)
{
  const HrAttention *attention = &block->attention;
  guint64 rows = self->batch * self->sequence;
  guint64 source_rows = self->pass->is_first ? self->batch * self->source : 0;
  gboolean is_decoder = self->stack->role == HR_STACK_DECODER && self->tower == NULL;
  guint64 context = self->sequence;
  gboolean gate;
  Flows flows;

  if (attention->is_cross)
    context = self->source;
  else if (attention->joins_source)
    context = self->source + self->sequence;
  else if (is_decoder)
    context = hr_inference_get_context (self->pass->inference, attention, self->past, self->sequence);

  flows = run_projections (self, block, rows, source_rows, flow);
  run_indexer (self, block, rows, context);
  flow = run_scores_of_examples (self, block, context, flows);
  run_distances (self, block, flow);
  gate = hr_flop_walk_run_module (self, HR_FLOP_PART_PROJECTIONS, block, HR_MODULE_OUTPUT_GATE, rows, flow);
  flow |= attention->has_output_norm && hr_flop_walk_trains (self, block, HR_MODULE_SELF);

  return hr_flop_walk_run_module (self, HR_FLOP_PART_PROJECTIONS, block, HR_MODULE_OUTPUT, rows, flow || gate);
}
