/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-reduction.h"

/*
 * DeepSpeedZeroOptimizer of deepspeed/runtime/zero/stage_1_and_2.py (git edaa7221), stage 2, of one rank: what is
 * trained is one piece in 16 bits, of which the optimizer has a copy in fp32. From the code alone; it has not been run.
 */

/* reduce_bucket_size of deepspeed/runtime/zero/config.py, where it is "auto" as well */
#define BUCKET_ELEMENTS G_GUINT64_CONSTANT (500000000)

/*
 * hr_reduction_init:
 * @self: (out): the buckets
 * @n_elements: how many gradients there are
 *
 * Has gradients go through buckets of the usual size.
 */
void
hr_reduction_init (HrReduction *self,
                   guint64      n_elements)
{
  *self = (HrReduction) { .is_bucketed = TRUE, .bucket_elements = BUCKET_ELEMENTS, .n_elements = n_elements };
}

/*
 * hr_reduction_begin:
 * @self: the buckets
 * @replay: a tape
 *
 * Begins a micro-batch.
 */
void
hr_reduction_begin (HrReduction *self,
                    HrReplay    *replay)
{
  self->bucket = self->partition = HR_NO_VALUE;
  replay->reduction = self->is_bucketed ? self : NULL;
}

static HrValue
make_gradients (HrReplay   *replay,
                const char *operation,
                const char *name,
                HrElement   element,
                guint64     n_elements)
{
  replay->symbols[HR_SYMBOL_KEPT] = n_elements;

  return hr_replay_make (replay, operation, name, HR_COMPONENT_GRADIENTS, HR_SHAPE (element, HR_SYMBOL_KEPT));
}

/*
 * hr_reduction_take:
 * @replay: a tape
 * @gradient: (transfer full): the gradient of a parameter
 *
 * The first one finds the bucket (setup_buckets); each is copied into it, and goes
 * (reduce_independent_p_g_buckets_and_remove_grads).
 */
void
hr_reduction_take (HrReplay *replay,
                   HrValue   gradient)
{
  HrReduction *self = replay->reduction;

  if (self->bucket.storage < 0)
    {
      replay->symbols[HR_SYMBOL_KEPT] = self->bucket_elements;
      self->bucket = hr_replay_make (replay, "empty", "ipg_buffer", HR_COMPONENT_COMMUNICATION,
                                     HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_KEPT));
    }
  hr_replay_drop (replay, gradient);
}

/*
 * hr_reduction_empty:
 * @replay: a tape
 *
 * Makes room for all gradients, into which those of a full bucket are copied (copy_grads_in_partition). A bucket that
 * all have room in is emptied when the last is there.
 */
void
hr_reduction_empty (HrReplay *replay)
{
  HrReduction *self = replay->reduction;
  HrStretch stretch;

  if (self == NULL || self->partition.storage >= 0)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass, while gradients are copied from a bucket to where they stay");
  self->partition = make_gradients (replay, "empty", "grads_in_partition", replay->parameter_dtype, self->n_elements);
  hr_replay_end (replay);
}

/*
 * hr_reduction_end:
 * @replay: a tape
 *
 * independent_gradient_partition_epilogue: the bucket goes; gradients are added to those of the micro-batches before.
 */
void
hr_reduction_end (HrReplay *replay)
{
  HrReduction *self = replay->reduction;

  if (self == NULL)
    return;

  hr_reduction_empty (replay);
  if (self->bucket.storage >= 0)
    hr_replay_drop (replay, self->bucket);
  if (replay->has_gradients)
    hr_replay_drop (replay, self->partition);
  else
    hr_replay_leave (replay, self->partition);
  replay->reduction = NULL;
}

/*
 * hr_reduction_flatten:
 * @self: the buckets
 * @replay: a tape
 *
 * DeepSpeedZeroOptimizer.step: gradients are put into one piece, and that into fp32. Those of 16 bits stay, as the
 * parameters without weight decay are a group of their own, which is stepped later and has its gradients in the same
 * piece.
 *
 * Returns: the gradients in fp32
 */
HrValue
hr_reduction_flatten (const HrReduction *self,
                      HrReplay          *replay)
{
  HrValue flat, wide;

  replay->sentence = N_("in the optimizer’s step, while gradients of 16 bits, one piece of all of them and its copy "
                        "in fp32 are alive");
  flat = make_gradients (replay, "cat", "flat_grad_partition", replay->parameter_dtype, self->n_elements);
  wide = make_gradients (replay, "_to_copy", "single_grad_partition", HR_ELEMENT_FLOAT32, self->n_elements);
  hr_replay_drop (replay, flat);
  replay->sentence = N_("in the optimizer’s step");

  return wide;
}
