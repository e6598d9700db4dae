/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-low-level-zero.h"

#include "hr-operator.h"

/*
 * LowLevelZeroOptimizer of colossalai/zero/low_level/low_level_optim.py (ColossalAI 4f9953be) in its second stage: all
 * ranks have all parameters in 16 bits, and of each parameter an equal part in fp32, with its states and its gradient.
 */

/* reduce_bucket_size_in_m of LowLevelZeroPlugin (colossalai/booster/plugin/low_level_zero_plugin.py) */
#define BUCKET_ELEMENTS (12 * 1024 * 1024)

/*
 * hr_low_level_zero_init:
 * @self: (out): the buckets
 * @n_ranks: how many ranks there are
 * @is_offloaded: whether the optimizer steps on the host (cpu_offload)
 *
 * Has gradients divided among ranks.
 */
void
hr_low_level_zero_init (HrReduction *self,
                        guint64      n_ranks,
                        gboolean     is_offloaded)
{
  *self = (HrReduction) {
    .is_bucketed = TRUE, .divides = TRUE, .has_ranks = TRUE, .n_ranks = n_ranks, .bucket_elements = BUCKET_ELEMENTS,
    .is_offloaded = is_offloaded,
  };
}

static guint64
get_part (const HrReduction *self,
          guint64            n_elements)
{
  return (n_elements + self->n_ranks - 1) / self->n_ranks;
}

/* The part of a parameter in 16 bits, beside what that is cast from on its way from the host. */
static guint64
get_moved_bytes (const HrReduction *self,
                 guint64            n_part)
{
  return n_part * (sizeof (guint16) + (self->is_offloaded ? sizeof (float) : 0));
}

/*
 * TensorBucket.all_gather of bookkeeping/tensor_bucket.py: the parts in a bucket, one piece of them, those of all
 * ranks, and a parameter that is put together of them.
 */
static guint64
get_bucket_bytes (const HrReduction *self)
{
  guint64 n = self->n_in_bucket;

  return sizeof (guint16) * (n + n + n * self->n_ranks + self->n_largest_in_bucket);
}

/*
 * hr_low_level_zero_note:
 * @self: the buckets
 * @n_elements: how many elements the next of the parameters has that are stepped
 *
 * Notes what a parameter is gathered through: its part waits in a bucket for others, unless it is larger than that.
 */
void
hr_low_level_zero_note (HrReduction *self,
                        guint64      n_elements)
{
  guint64 n_part = get_part (self, n_elements);
  guint64 held = sizeof (guint16) * self->n_in_bucket + get_moved_bytes (self, n_part);

  self->n_largest = MAX (self->n_largest, n_part);
  self->gathered_bytes = MAX (self->gathered_bytes, held);
  if (n_part > self->bucket_elements)
    return;

  if (self->n_in_bucket + n_part > self->bucket_elements)
    {
      self->gathered_bytes = MAX (self->gathered_bytes, get_bucket_bytes (self) + sizeof (guint16) * n_part);
      self->n_in_bucket = self->n_largest_in_bucket = 0;
    }
  self->n_in_bucket += n_part;
  self->n_largest_in_bucket = MAX (self->n_largest_in_bucket, n_elements);
  self->gathered_bytes = MAX (self->gathered_bytes, get_bucket_bytes (self));
}

/*
 * hr_low_level_zero_empty:
 * @replay: a tape
 *
 * _run_reduction: the gradients of a bucket are put into one piece, rank by rank, of which each rank gets its part.
 */
void
hr_low_level_zero_empty (HrReplay *replay)
{
  HrReduction *self = replay->reduction;
  const char *sentence = replay->sentence;
  HrValue flat, part;

  if (self->held == NULL)
    return;

  replay->sentence = N_("in the backward pass, while the gradients of a bucket are put into one piece and reduced");
  replay->symbols[HR_SYMBOL_KEPT] = self->n_padded;
  flat = hr_replay_make (replay, "cat", "flat_grads", HR_COMPONENT_COMMUNICATION,
                         HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_KEPT));
  replay->symbols[HR_SYMBOL_KEPT] = self->n_padded / self->n_ranks;
  part = hr_replay_make (replay, "empty_like", "received_grad", HR_COMPONENT_GRADIENTS,
                         HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_KEPT));
  for (guint i = 0; i < self->held->len; i++)
    hr_replay_drop (replay, g_array_index (self->held, HrValue, i));
  hr_replay_drop (replay, flat);
  g_clear_pointer (&self->held, g_array_unref);
  self->n_in_bucket = self->n_padded = 0;
  /* That of a micro-batch before is added to (GradientStore.add_gradients_by_param_id). */
  if (replay->has_gradients)
    hr_replay_drop (replay, part);
  else
    hr_replay_leave (replay, part);
  replay->sentence = sentence;
}

/*
 * hr_low_level_zero_take:
 * @replay: a tape
 * @gradient: (transfer full): the gradient of a parameter
 *
 * _add_to_bucket: what a bucket has no room for empties it first.
 */
void
hr_low_level_zero_take (HrReplay *replay,
                        HrValue   gradient)
{
  HrReduction *self = replay->reduction;
  guint64 n = hr_value_get_elements (gradient, replay->symbols);
  guint64 n_padded = get_part (self, n) * self->n_ranks;

  if (self->n_in_bucket + n > self->bucket_elements)
    hr_low_level_zero_empty (replay);
  if (self->held == NULL)
    self->held = g_array_new (FALSE, FALSE, sizeof (HrValue));
  hr_replay_reassign_component (replay, gradient, HR_COMPONENT_GRADIENTS);
  g_array_append_val (self->held, gradient);
  self->n_in_bucket += n_padded;
  self->n_padded += n_padded;
}

static void
widen_on_heap (const HrTrainable *parameter,
               gpointer           user_data)
{
  guint64 bytes = hr_trainable_get_bytes (parameter);

  hr_heap_leave (user_data, hr_heap_take (user_data, bytes), HR_COMPONENT_MASTER_WEIGHTS, bytes);
}

static void
cast_largest (const HrReduction *self,
              HrReplay          *replay,
              HrElement          element)
{
  replay->symbols[HR_SYMBOL_KEPT] = self->n_largest;
  hr_replay_drop (replay, hr_replay_make (replay, "_to_copy", "grad", HR_COMPONENT_TEMPORARY,
                                          HR_SHAPE (element, HR_SYMBOL_KEPT)));
}

/*
 * hr_low_level_zero_widen:
 * @self: the buckets
 * @masters: what the optimizer steps
 * @replay: a tape
 *
 * LowLevelZeroOptimizer.step: each part of a gradient is cast to fp32, and goes to the host where the optimizer steps
 * there; the norm of each is that of a copy in fp64 (_compute_grad_norm). Those of 16 bits stay.
 *
 * Returns: the gradients in fp32, if they are on the device
 */
HrValue
hr_low_level_zero_widen (const HrReduction  *self,
                         const HrTrainables *masters,
                         HrReplay           *replay)
{
  HrValue wide = HR_NO_VALUE;

  if (self->is_offloaded)
    {
      replay->sentence = N_("in the optimizer’s step, while gradients are copied to the host");
      cast_largest (self, replay, HR_ELEMENT_FLOAT32);
    }
  else if (replay->heap != NULL)
    {
      hr_trainables_foreach (masters, widen_on_heap, replay->heap);
    }
  else
    {
      replay->symbols[HR_SYMBOL_KEPT] = hr_trainables_get_bytes (masters, FALSE);
      wide = hr_replay_make (replay, "_to_copy", "master_param.grad", HR_COMPONENT_GRADIENTS,
                             HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
    }
  replay->sentence = N_("in the optimizer’s step, while the norm of a gradient is computed in fp64");
  cast_largest (self, replay, HR_ELEMENT_FLOAT64);
  replay->sentence = N_("in the optimizer’s step");

  return wide;
}

/*
 * hr_low_level_zero_gather:
 * @self: the buckets
 * @replay: a tape
 * @wide: (transfer full): what hr_low_level_zero_widen() has made
 *
 * The end of LowLevelZeroOptimizer.step: gradients in fp32 go, and all ranks get the parameters that the others have
 * stepped.
 */
void
hr_low_level_zero_gather (const HrReduction *self,
                          HrReplay          *replay,
                          HrValue            wide)
{
  hr_replay_drop (replay, wide);
  if (replay->heap != NULL)
    hr_heap_give_left (replay->heap, HR_COMPONENT_MASTER_WEIGHTS);
  replay->sentence = N_("in the optimizer’s step, while the parameters that the ranks have stepped are gathered");
  replay->symbols[HR_SYMBOL_KEPT] = self->gathered_bytes;
  hr_replay_drop (replay, hr_replay_make (replay, "empty", "buffer", HR_COMPONENT_COMMUNICATION,
                                          HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT)));
}
