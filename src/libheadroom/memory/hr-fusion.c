/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-fusion.h"

/*
 * What torch.compile keeps for the backward pass: min_cut_rematerialization_partition of
 * torch/_functorch/partitioners.py, in its default mode. The forward and the backward pass are one graph, which is cut
 * where the least has to be kept. What a product or an attention kernel reads is kept (ban_if_materialized_backward),
 * and so is what they make; what elementwise operators make is computed anew, in the kernel of what needs it, from the
 * nearest tensors that are smaller or kept anyway; what a reduction leaves of each row is kept (ban_if_reduction). The
 * cut is not searched for in the whole graph but decided operator by operator, which comes to the same where layers are
 * norms, products and activations.
 */

/* The node of what is recorded, if an operator made it. */
static HrNode *
get_node (HrReplay *replay,
          HrValue   value)
{
  HrNode *node;

  if (replay->graph == NULL || !hr_value_needs_gradient (value))
    return NULL;

  node = &replay->graph->nodes[value.node];

  return node->kind == HR_NODE_OPERATOR ? node : NULL;
}

static gboolean
holds (const HrValue *values,
       guint          n_values,
       gint16         storage)
{
  for (guint i = 0; i < n_values; i++)
    {
      if (values[i].storage == storage)
        return TRUE;
    }

  return FALSE;
}

/* Whether a derivative needs it anyway. */
static gboolean
is_kept (const HrGraph *graph,
         HrValue        value)
{
  for (guint i = 0; i < graph->n_nodes; i++)
    {
      const HrNode *node = &graph->nodes[i];

      if (holds (node->saved, node->n_saved, value.storage) ||
          (node->n_kept > 0 && holds (node->roots->kept, node->n_kept, value.storage)))
        return TRUE;
    }

  return FALSE;
}

static gboolean
is_there (HrReplay *replay,
          HrValue   root,
          guint     n_before)
{
  return replay->storages[root.storage].references > 0 && replay->storages[root.storage].n_before == n_before;
}

static gboolean
has_all_roots (HrReplay     *replay,
               const HrNode *node)
{
  for (guint i = 0; i < node->n_roots; i++)
    {
      if (!is_there (replay, node->roots->values[i], node->roots->n_before[i]))
        return FALSE;
    }

  return node->n_roots > 0;
}

/*
 * hr_fusion_join:
 * @replay: a tape
 * @result: what an operator made, which was recorded
 *
 * Says that a compiled kernel runs the operator and its derivative together with others.
 */
void
hr_fusion_join (HrReplay *replay,
                HrValue   result)
{
  HrNode *node = get_node (replay, result);

  if (node != NULL)
    node->is_fused = TRUE;
}

static gboolean
add_root (HrReplay *replay,
          HrNode   *node,
          HrValue   root)
{
  if (root.storage < 0 || holds (node->roots->values, node->n_roots, root.storage))
    return TRUE;
  if (node->n_roots == HR_NODE_MAX_ROOTS)
    return FALSE;

  node->roots->n_before[node->n_roots] = replay->storages[root.storage].n_before;
  node->roots->values[node->n_roots++] = root;

  return TRUE;
}

static gboolean
add_roots (HrReplay *replay,
           HrNode   *node,
           HrValue   input)
{
  const HrNode *source = get_node (replay, input);

  if (source == NULL || source->n_roots == 0)
    return add_root (replay, node, input);
  if (!has_all_roots (replay, source))
    return add_root (replay, node, input);

  for (guint i = 0; i < source->n_roots; i++)
    {
      if (!add_root (replay, node, source->roots->values[i]))
        return FALSE;
    }

  return TRUE;
}

/* What has to be kept for the result beyond what is kept anyway. */
static guint64
get_cost (HrReplay     *replay,
          const HrNode *node)
{
  guint64 bytes = 0;

  for (guint i = 0; i < node->n_roots; i++)
    {
      if (!is_kept (replay->graph, node->roots->values[i]))
        bytes += hr_replay_get_bytes (replay, node->roots->values[i]);
    }

  return bytes;
}

/*
 * Whether a product or an attention kernel has run between this use of a tensor and an earlier one, as in a residual
 * connection (ban_recompute_used_far_apart).
 */
static gboolean
is_used_far_apart (const HrGraph *graph,
                   HrValue        result,
                   HrValue        input)
{
  if (!hr_value_needs_gradient (input) || graph->nodes[input.node].pending < 2)
    return FALSE;

  for (gint16 i = input.node + 1; i < result.node; i++)
    {
      if (graph->nodes[i].needs_saved && !graph->nodes[i].is_fused)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_fusion_trace:
 * @replay: a tape
 * @result: what an elementwise operator made, which was recorded
 * @inputs: (array length=n_inputs): what it read
 * @n_inputs: how many
 *
 * Finds what @result is to be computed from, should a derivative need it.
 */
void
hr_fusion_trace (HrReplay      *replay,
                 HrValue        result,
                 const HrValue *inputs,
                 guint          n_inputs)
{
  HrNode *node = get_node (replay, result);
  gboolean is_traced = TRUE;
  guint64 cost, bytes;

  if (!replay->compiles || node == NULL || replay->graph->only_counts)
    return;

  for (guint i = 0; i < n_inputs && is_traced; i++)
    is_traced = (n_inputs == 1 || !is_used_far_apart (replay->graph, result, inputs[i])) &&
                add_roots (replay, node, inputs[i]);

  /* Where it comes to the same, a single root is taken: what else is computed from it may need it as well. */
  cost = get_cost (replay, node);
  bytes = hr_replay_get_bytes (replay, result);
  if (!is_traced || cost > bytes || (cost == bytes && node->n_roots > 1))
    node->n_roots = 0;
}

/* Whether both were cast from the same tensor to the same type: the compiler makes one of them. */
static gboolean
is_same_cast (HrReplay *replay,
              HrValue   a,
              HrValue   b)
{
  const HrNode *node = get_node (replay, a);
  const HrNode *other = get_node (replay, b);

  return node != NULL && other != NULL && node != other && a.element == b.element && node->n_inputs == 1 &&
         other->n_inputs == 1 && node->backward == other->backward && node->n_roots > 0 && other->n_roots > 0 &&
         node->inputs[0].storage == other->inputs[0].storage && node->inputs[0].element == other->inputs[0].element &&
         node->inputs[0].element != a.element && node->inputs[0].node == other->inputs[0].node;
}

static gboolean
has_twin (HrReplay *replay,
          HrValue   saved)
{
  const HrGraph *graph = replay->graph;

  for (guint i = 0; i < graph->n_nodes; i++)
    {
      for (guint j = 0; j < graph->nodes[i].n_saved; j++)
        {
          if (graph->nodes[i].saved[j].storage >= 0 && is_same_cast (replay, saved, graph->nodes[i].saved[j]))
            return TRUE;
        }
    }

  return FALSE;
}

/*
 * hr_fusion_keep:
 * @replay: a tape
 * @node: an operator, which was recorded
 * @saved: what its derivative needs
 *
 * Keeps what @saved is computed from.
 *
 * Returns: whether @saved itself need not be kept
 */
gboolean
hr_fusion_keep (HrReplay *replay,
                HrNode   *node,
                HrValue   saved)
{
  const HrNode *source = get_node (replay, saved);

  if (saved.storage < 0 || source == NULL)
    return FALSE;
  if (!node->is_fused)
    return has_twin (replay, saved);
  if (!has_all_roots (replay, source))
    return FALSE;

  for (guint i = 0; i < source->n_roots; i++)
    {
      if (is_kept (replay->graph, source->roots->values[i]))
        continue;
      if (node->n_kept == HR_NODE_MAX_ROOTS)
        return FALSE;
      node->roots->kept[node->n_kept++] = hr_replay_hold (replay, source->roots->values[i]);
    }

  return TRUE;
}
