/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-operator-cache.h"

/*
 * Selective checkpointing by operators: create_selective_checkpoint_contexts of torch/utils/checkpoint.py keeps what
 * some operators make (_CachingTorchDispatchMode), and hands it out in the same order when the layer is computed anew
 * (_CachedTorchDispatchMode).
 */

/*
 * What is kept: SelectiveAC of torchtitan/distributed/activation_checkpoint.py, whose list is that of operators with
 * much to compute in torch/_functorch/partitioners.py (compute_intensive_ops of get_default_op_list) and a few more. Of
 * these `topk` is left out: the routers of transformers divide its values in place, so that torch refuses to keep them.
 */
static const char * const kept_operations[] = {
  "mm", "addmm", "bmm", "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention", "convolution",
  NULL
};

/*
 * hr_operator_cache_begin:
 * @self: a cache
 * @is_recomputing: whether the layer is computed anew
 *
 * Begins to run a layer.
 */
void
hr_operator_cache_begin (HrOperatorCache *self,
                         gboolean         is_recomputing)
{
  self->is_recomputing = is_recomputing;
  self->n_products = 0;
  self->n_taken = 0;
  if (!is_recomputing)
    self->n_values = 0;
}

/*
 * hr_operator_cache_keeps:
 * @self: a cache
 * @operation: the operator that runs
 *
 * Finds out whether what an operator makes is kept: of products by a matrix alone every second is not
 * (_get_custom_policy).
 *
 * Returns: whether it is
 */
gboolean
hr_operator_cache_keeps (HrOperatorCache *self,
                         const char      *operation)
{
  if (!g_strv_contains (kept_operations, operation))
    return FALSE;

  return !g_str_equal (operation, "mm") || ++self->n_products % 2 != 0;
}

/*
 * hr_operator_cache_add:
 * @self: a cache
 * @replay: a tape
 * @value: what an operator has made
 *
 * Keeps it.
 */
void
hr_operator_cache_add (HrOperatorCache *self,
                       HrReplay        *replay,
                       HrValue          value)
{
  if (self->n_values == HR_OPERATOR_CACHE_MAX_VALUES)
    {
      replay->ledger.overflowed = TRUE;
      return;
    }

  self->values[self->n_values++] = hr_replay_hold (replay, value);
}

/*
 * hr_operator_cache_take:
 * @self: a cache
 *
 * Hands out what an operator made before.
 *
 * Returns: (transfer full): it
 */
HrValue
hr_operator_cache_take (HrOperatorCache *self)
{
  g_return_val_if_fail (self->n_taken < self->n_values, HR_NO_VALUE);

  return self->values[self->n_taken++];
}

/*
 * hr_operator_cache_clear:
 * @self: a cache
 * @replay: a tape
 *
 * Lets go of what was not asked for.
 */
void
hr_operator_cache_clear (HrOperatorCache *self,
                         HrReplay        *replay)
{
  for (guint i = self->n_taken; i < self->n_values; i++)
    hr_replay_drop (replay, self->values[i]);
  self->n_values = self->n_taken = 0;
}
