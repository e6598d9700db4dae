/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-reduction.h"

#include "hr-low-level-zero.h"

/*
 * DeepSpeedZeroOptimizer of deepspeed/runtime/zero/stage_1_and_2.py (git edaa7221): what is trained is one piece in 16
 * bits, of which the optimizer has a copy in fp32, or of a part of it.
 */

/* reduce_bucket_size of deepspeed/runtime/zero/config.py, where it is "auto" as well */
#define BUCKET_ELEMENTS G_GUINT64_CONSTANT (500000000)

/* buffer_size of _constant_buffered_norm2 in deepspeed/runtime/zero/stage3.py */
#define NORM_ELEMENTS G_GUINT64_CONSTANT (250000000)

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
  *self = (HrReduction) {
    .is_bucketed = TRUE, .bucket_elements = BUCKET_ELEMENTS, .n_buckets = 1, .n_elements = n_elements,
    .n_kept = n_elements, .n_all = n_elements,
  };
}

static HrElement
get_reduced_element (const HrReduction *self,
                     const HrReplay    *replay)
{
  return self->is_wide ? HR_ELEMENT_FLOAT32 : replay->parameter_dtype;
}

/*
 * hr_reduction_make_bucket:
 * @self: buckets
 * @replay: a tape
 *
 * The third stage makes its bucket once (_setup_for_real_optimizer of deepspeed/runtime/zero/stage3.py).
 */
void
hr_reduction_make_bucket (const HrReduction *self,
                          HrReplay          *replay)
{
  if (!self->scatters || !self->is_contiguous)
    return;

  replay->symbols[HR_SYMBOL_KEPT] = self->bucket_elements;
  hr_replay_make (replay, "empty", "ipg_buckets.buffer", HR_COMPONENT_COMMUNICATION,
                  HR_SHAPE (get_reduced_element (self, replay), HR_SYMBOL_KEPT));
}

static gboolean
sends_integers (const HrReduction *self)
{
  return self->n_local_ranks > 0 && self->n_ranks > self->n_local_ranks;
}

/*
 * hr_reduction_begin:
 * @self: the buckets
 * @replay: a tape
 * @is_last: whether it is the last of its step
 *
 * Begins a micro-batch.
 */
void
hr_reduction_begin (HrReduction *self,
                    HrReplay    *replay,
                    gboolean     is_last)
{
  self->bucket = HR_NO_VALUE;
  self->partition_bytes = 0;
  self->is_last = is_last;
  self->n_in_bucket = self->n_padded = self->n_largest_in_bucket = self->held_bytes = self->n_held = 0;
  self->n_reduced = 0;
  self->n_tensors = 0;
  self->matrices = sends_integers (self) ? g_array_new (FALSE, FALSE, sizeof (HrValue)) : NULL;
  replay->reduction = self->is_bucketed ? self : NULL;
}

/* setup_buckets; where gradients stay whole, the buckets are there until a step has reduced them. */
static void
make_buckets (HrReplay *replay)
{
  HrReduction *self = replay->reduction;

  if (self->bucket.storage >= 0 || (self->stays_whole && replay->has_gradients))
    return;

  self->bucket = hr_replay_make_elements (replay, "empty", "ipg_buffer", HR_COMPONENT_COMMUNICATION,
                                          replay->parameter_dtype, self->bucket_elements * self->n_buckets);
}

/* Gradients come from the last to the first: whether all of a bucket are of one rank's part. */
static gboolean
is_of_one_rank (const HrReduction *self,
                guint64            n_elements)
{
  guint64 end = self->n_all - MIN (self->n_all, self->n_reduced);
  guint64 start = end - MIN (end, n_elements);

  return end > start && start / self->n_elements == (end - 1) / self->n_elements;
}

/*
 * allreduce_bucket: what is in a bucket is put into one piece where it is of several ranks, for each of which there is
 * a view of it (average_tensor); that is reduced, or its copy, and copied back.
 */
static void
reduce_bucket (HrReplay *replay,
               guint64   n_elements)
{
  HrReduction *self = replay->reduction;
  HrValue flat = HR_NO_VALUE, wide = HR_NO_VALUE;

  if (!self->has_ranks)
    return;

  replay->symbols[HR_SYMBOL_KEPT] = n_elements;
  if (!is_of_one_rank (self, n_elements))
    flat = hr_replay_make (replay, "cat", "tensor", HR_COMPONENT_COMMUNICATION,
                           HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_KEPT));
  self->n_reduced += n_elements;
  if (get_reduced_element (self, replay) != replay->parameter_dtype)
    wide = hr_replay_make (replay, "_to_copy", "tensor_to_allreduce", HR_COMPONENT_COMMUNICATION,
                           HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_KEPT));
  hr_replay_drop (replay, wide);
  hr_replay_drop (replay, flat);
}

static gboolean
is_overfull (const HrReduction *self)
{
  return self->n_all > self->bucket_elements;
}

/*
 * partition_grads of stage3.py: what is copied to the host is copied on the device once more, where its norm is that of
 * a copy in fp64, before it is cast to fp32 for the optimizer; where that is on a disk, all of a bucket wait for it.
 */
static void
hand_to_host (HrReplay *replay)
{
  HrReduction *self = replay->reduction;
  guint64 n_part = (self->n_largest_in_bucket + self->n_ranks - 1) / self->n_ranks;
  HrValue copy, wide = HR_NO_VALUE;

  if (!self->is_offloaded)
    return;

  replay->sentence = N_("in the backward pass, while gradients are copied to the host");
  if (self->is_swapped)
    {
      replay->symbols[HR_SYMBOL_KEPT] = self->n_padded / self->n_ranks;
      wide = hr_replay_make (replay, "_to_copy", "offload_fp32_gradients", HR_COMPONENT_COMMUNICATION,
                             HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_KEPT));
    }
  replay->symbols[HR_SYMBOL_KEPT] = n_part;
  copy = hr_replay_make (replay, "_to_copy", "grad_buffer", HR_COMPONENT_COMMUNICATION,
                         HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_KEPT));
  replay->symbols[HR_SYMBOL_KEPT] = MIN (n_part, NORM_ELEMENTS);
  hr_replay_drop (replay, hr_replay_make (replay, "_to_copy", "part.double()", HR_COMPONENT_TEMPORARY,
                                          HR_SHAPE (HR_ELEMENT_FLOAT64, HR_SYMBOL_KEPT)));
  replay->symbols[HR_SYMBOL_KEPT] = n_part;
  if (!self->is_swapped)
    hr_replay_drop (replay, hr_replay_make (replay, "_to_copy", "grad_buffer.to (float32)", HR_COMPONENT_TEMPORARY,
                                            HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_KEPT)));
  hr_replay_drop (replay, copy);
  hr_replay_drop (replay, wide);
}

/* What all_to_all_quant_reduce of deepspeed/runtime/comm/coalesced_collectives.py holds of a gradient at a time. */
enum
{
  SENT, SENT_SCALES, RECEIVED, RECEIVED_SCALES, SUMMED, SUMMED_SCALES, GATHERED, GATHERED_SCALES, WIDE, N_VARIABLES
};

static HrValue
make_sent (HrReplay   *replay,
           const char *operation,
           const char *name,
           HrElement   element,
           guint64     n_elements)
{
  replay->symbols[HR_SYMBOL_KEPT] = n_elements;

  return hr_replay_make (replay, operation, name, HR_COMPONENT_COMMUNICATION, HR_SHAPE (element, HR_SYMBOL_KEPT));
}

/* What a variable held before goes when it holds the next. */
static void
assign (HrReplay *replay,
        HrValue  *variable,
        HrValue   value)
{
  hr_replay_drop (replay, *variable);
  *variable = value;
}

/* Integers and the scales of their groups, which the kernels of csrc/quantization/pt_binding.cpp make first. */
static void
assign_integers (HrReplay   *replay,
                 HrValue    *variables,
                 guint       index,
                 const char *operation,
                 guint64     n_bytes,
                 guint64     n_groups)
{
  HrValue scales = make_sent (replay, operation, "scales", HR_ELEMENT_FLOAT32, n_groups);
  HrValue integers = make_sent (replay, operation, "int4", HR_ELEMENT_INT8, n_bytes);

  assign (replay, &variables[index], integers);
  assign (replay, &variables[index + 1], scales);
}

/* Two of four bits lie in a byte: sent within a machine, added up there, and sent among machines. */
static HrValue
send_matrix (HrReplay *replay,
             HrValue   shape,
             HrValue  *variables)
{
  const HrReduction *self = replay->reduction;
  guint64 n = hr_value_get_elements (shape, replay->symbols);
  guint64 n_outer = replay->symbols[shape.symbols[0]];
  guint64 n_groups = MAX (MAX (n_outer, n / n_outer), self->n_ranks);
  guint64 n_inner_groups = n_groups / self->n_local_ranks;
  guint64 n_nodes = self->n_ranks / self->n_local_ranks;
  guint64 n_local = n / self->n_local_ranks;
  HrValue sum = HR_NO_VALUE;

  assign_integers (replay, variables, SENT, "swizzle_quant", n / 2, n_groups);
  assign (replay, &variables[RECEIVED], make_sent (replay, "empty", "local_output", HR_ELEMENT_INT8, n / 2));
  assign (replay, &variables[RECEIVED_SCALES], make_sent (replay, "empty", "scale_output", HR_ELEMENT_FLOAT32,
                                                          n_groups));
  assign_integers (replay, variables, SUMMED, "quantized_reduction", n_local / 2, n_inner_groups);
  assign (replay, &variables[GATHERED], make_sent (replay, "empty", "global_output", HR_ELEMENT_INT8, n_local / 2));
  assign (replay, &variables[GATHERED_SCALES], make_sent (replay, "empty", "global_scale_output", HR_ELEMENT_FLOAT32,
                                                          n_inner_groups));
  assign (replay, &variables[WIDE], make_sent (replay, "dequantize", "final_output", HR_ELEMENT_FLOAT16, n_local));
  for (guint64 i = 0; i < n_nodes + 1; i++)
    assign (replay, &sum, make_sent (replay, i < n_nodes ? "add" : "div", "output", HR_ELEMENT_FLOAT16,
                                     n / self->n_ranks));

  return sum;
}

/* What is no matrix, or does not come out even, is padded, where it has to be, and reduced as it is. */
static HrValue
send_whole (HrReplay *replay,
            guint64   n)
{
  const HrReduction *self = replay->reduction;
  guint64 n_padded = (n + self->n_ranks - 1) / self->n_ranks * self->n_ranks;

  return n_padded > n ? make_sent (replay, "cat", "tensor_partition_flat_buffer", replay->parameter_dtype, n_padded)
                      : HR_NO_VALUE;
}

/* Gradients of a bucket one after the other; what comes of them stays until all are there. */
static void
scatter_integers (HrReplay *replay,
                  GArray   *outputs)
{
  HrReduction *self = replay->reduction;
  HrValue variables[N_VARIABLES];

  for (guint i = 0; i < N_VARIABLES; i++)
    variables[i] = HR_NO_VALUE;
  for (guint i = 0; i < self->matrices->len; i++)
    {
      HrValue shape = g_array_index (self->matrices, HrValue, i);
      guint64 n = hr_value_get_elements (shape, replay->symbols);
      gboolean is_sent = shape.n_symbols > 1 && n % (2 * self->n_ranks) == 0;
      HrValue output = is_sent ? send_matrix (replay, shape, variables) : send_whole (replay, n);

      g_array_append_val (outputs, output);
    }
  for (guint i = 0; i < N_VARIABLES; i++)
    hr_replay_drop (replay, variables[i]);
  g_array_set_size (self->matrices, 0);
}

/*
 * reduce_scatter_coalesced of deepspeed/runtime/comm/coalesced_collectives.py: all that is in a bucket is put into one
 * piece, rank by rank, but a single gradient that needs no padding.
 */
static void
scatter_bucket (HrReplay *replay)
{
  HrReduction *self = replay->reduction;
  const char *sentence = replay->sentence;
  g_autoptr (GArray) outputs = g_array_new (FALSE, FALSE, sizeof (HrValue));
  HrElement element = get_reduced_element (self, replay);
  HrValue flat = HR_NO_VALUE, wide = HR_NO_VALUE;

  if (self->n_in_bucket == 0)
    return;

  replay->sentence = N_("in the backward pass, while the gradients of a bucket are put into one piece and reduced");
  if (self->is_wide && self->n_held > 0)
    wide = make_sent (replay, "_to_copy", "full_grads_for_rank", element, self->n_held);
  if (sends_integers (self))
    {
      replay->sentence = N_("in the backward pass, while the gradients of a bucket are sent as integers and added up");
      scatter_integers (replay, outputs);
    }
  else if (self->n_tensors > 1 || self->n_padded > self->n_in_bucket)
    {
      flat = make_sent (replay, "cat", "tensor_partition_flat_buffer", element, self->n_padded);
    }
  if (self->is_wide)
    {
      HrValue parts = make_sent (replay, "_to_copy", "grad_partitions_for_rank", replay->parameter_dtype,
                                 self->n_padded / self->n_ranks);

      hr_replay_drop (replay, wide);
      hr_replay_assign (replay, &flat, parts);
    }
  hand_to_host (replay);
  hr_replay_drop (replay, flat);
  for (guint i = 0; i < outputs->len; i++)
    hr_replay_drop (replay, g_array_index (outputs, HrValue, i));
  if (self->held_bytes > 0)
    hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, self->held_bytes);
  self->n_in_bucket = self->n_padded = self->n_largest_in_bucket = self->held_bytes = self->n_held = 0;
  self->n_tensors = 0;
  replay->sentence = sentence;
}

/* reduce_independent_p_g_buckets_and_remove_grads of stage3.py: what a bucket has no room for empties it. */
static void
take_scattered (HrReplay *replay,
                HrValue   gradient)
{
  HrReduction *self = replay->reduction;
  guint64 n = hr_value_get_elements (gradient, replay->symbols);

  if (self->n_in_bucket + n > self->bucket_elements)
    scatter_bucket (replay);
  if (sends_integers (self))
    g_array_append_val (self->matrices, gradient);
  if (self->is_contiguous && self->n_in_bucket + n <= self->bucket_elements)
    {
      hr_replay_drop (replay, gradient);
    }
  else
    {
      self->held_bytes += hr_replay_get_bytes (replay, gradient);
      self->n_held += n;
      hr_replay_reassign_component (replay, gradient, HR_COMPONENT_GRADIENTS);
      hr_replay_leave (replay, gradient);
    }
  self->n_in_bucket += n;
  self->n_padded += (n + self->n_ranks - 1) / self->n_ranks * self->n_ranks;
  self->n_largest_in_bucket = MAX (self->n_largest_in_bucket, n);
  self->n_tensors++;
}

/* copy_grads_in_partition of stage_1_and_2.py: room for so many gradients, into which those of a bucket are copied. */
static void
make_partition (HrReplay *replay,
                guint64   n_elements)
{
  HrReduction *self = replay->reduction;
  guint64 bytes = hr_ledger_round (n_elements * hr_element_get_bytes (replay->parameter_dtype));

  if (bytes <= self->partition_bytes)
    return;

  hr_replay_leave (replay, hr_replay_make_bytes (replay, "empty", "grads_in_partition", HR_COMPONENT_GRADIENTS,
                                                 bytes - self->partition_bytes));
  self->partition_bytes = bytes;
}

/*
 * A rank makes room for all that it keeps when the first gradient of that has been reduced: of those whose part has
 * begun, the one counts that keeps most.
 */
static guint64
count_room (const HrReduction *self)
{
  if (self->most_kept == NULL)
    return self->n_kept;

  return self->most_kept[(self->n_all - MIN (self->n_all, self->n_reduced)) / self->n_elements];
}

/* reduce_ipg_grads of stage_1_and_2.py */
static void
empty_bucket (HrReplay *replay)
{
  HrReduction *self = replay->reduction;
  const char *sentence = replay->sentence;

  if (self->n_in_bucket == 0)
    return;

  replay->sentence = N_("in the backward pass, while gradients are copied from a bucket to where they stay");
  reduce_bucket (replay, self->n_in_bucket);
  make_partition (replay, count_room (self));
  if (self->held_bytes > 0)
    hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, self->held_bytes);
  self->n_in_bucket = self->held_bytes = 0;
  replay->sentence = sentence;
}

/* What a bucket has no room for empties it; a gradient that no bucket has room for stays as it is until then. */
static void
take_into_bucket (HrReplay *replay,
                  HrValue   gradient)
{
  HrReduction *self = replay->reduction;
  guint64 n = hr_value_get_elements (gradient, replay->symbols);

  if (self->n_in_bucket + n > self->bucket_elements)
    empty_bucket (replay);
  self->n_in_bucket += n;
  if (n <= self->bucket_elements)
    {
      hr_replay_drop (replay, gradient);
      return;
    }

  self->held_bytes += hr_replay_get_bytes (replay, gradient);
  hr_replay_reassign_component (replay, gradient, HR_COMPONENT_GRADIENTS);
  hr_replay_leave (replay, gradient);
}

/*
 * hr_reduction_follows_layers:
 * @self: (nullable): buckets
 *
 * Returns: whether each layer is to be replayed, as buckets are emptied in some of them
 */
gboolean
hr_reduction_follows_layers (const HrReduction *self)
{
  return self != NULL &&
         (self->divides || (self->has_ranks && !self->stays_whole && !self->scatters && is_overfull (self)));
}

/*
 * hr_reduction_take:
 * @replay: a tape
 * @gradient: (transfer full): the gradient of a parameter
 *
 * The first one finds the bucket; each is copied into it, and goes (reduce_independent_p_g_buckets_and_remove_grads).
 */
void
hr_reduction_take (HrReplay *replay,
                   HrValue   gradient)
{
  HrReduction *self = replay->reduction;

  if (self->divides)
    {
      hr_low_level_zero_take (replay, gradient);
      return;
    }
  if (self->scatters)
    {
      take_scattered (replay, gradient);
      return;
    }

  make_buckets (replay);
  if (self->stays_whole && !replay->has_gradients)
    {
      hr_replay_reassign_component (replay, gradient, HR_COMPONENT_GRADIENTS);
      hr_replay_leave (replay, gradient);
      return;
    }

  if (self->has_ranks && !self->stays_whole)
    take_into_bucket (replay, gradient);
  else
    hr_replay_drop (replay, gradient);
}

/*
 * hr_reduction_enter_layers:
 * @replay: a tape
 *
 * Begins the backward pass of the layers, in which buckets are emptied in which not all gradients have room. The last
 * rank counts, whose gradients come first.
 */
void
hr_reduction_enter_layers (HrReplay *replay)
{
  HrReduction *self = replay->reduction;
  HrStretch stretch;

  if (self == NULL || self->scatters || self->divides)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass, while gradients are copied from a bucket to where they stay");
  if (!self->waits)
    make_buckets (replay);
  if (!self->stays_whole && !self->has_ranks && is_overfull (self))
    make_partition (replay, self->n_kept);
  hr_replay_end (replay);
}

/*
 * reduce_gradients, for stage 1: those that fill a bucket have gone into it when it is reduced, and so on; all go but
 * for those that the rank keeps.
 */
static void
reduce_whole (HrReplay *replay)
{
  HrReduction *self = replay->reduction;
  guint64 whole = replay->ledger.live.by_component[HR_COMPONENT_GRADIENTS];
  guint64 first = MIN (whole, MIN (self->n_all, self->bucket_elements) *
                              hr_element_get_bytes (replay->parameter_dtype));

  first = first / HR_LEDGER_BLOCK_BYTES * HR_LEDGER_BLOCK_BYTES;
  hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, first);
  reduce_bucket (replay, MIN (self->n_all, self->bucket_elements));
  make_partition (replay, self->n_kept);
  hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, whole - first);
}

/*
 * hr_reduction_waits:
 * @self: (nullable): buckets
 *
 * Returns: whether the last layer is like no other, as no gradient has found a bucket before it
 */
gboolean
hr_reduction_waits (const HrReduction *self)
{
  return self != NULL && self->waits;
}

/*
 * hr_reduction_leave_last:
 * @replay: a tape, on which the last layer has been differentiated
 *
 * All other layers have a bucket, be it that nothing of the last one is trained.
 */
void
hr_reduction_leave_last (HrReplay *replay)
{
  HrStretch stretch;

  if (!hr_reduction_waits (replay->reduction))
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  make_buckets (replay);
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
  guint64 bucket_bytes = hr_ledger_round (self != NULL ? self->bucket_elements * self->n_buckets *
                                                         hr_element_get_bytes (replay->parameter_dtype)
                                                       : 0);
  HrStretch stretch;

  if (self == NULL)
    return;

  if (self->scatters || self->divides)
    {
      hr_replay_begin (replay, &stretch, NULL, -1);
      if (self->divides)
        hr_low_level_zero_empty (replay);
      else
        scatter_bucket (replay);
      hr_replay_end (replay);
      g_clear_pointer (&self->matrices, g_array_unref);
      replay->reduction = NULL;
      return;
    }

  if (self->stays_whole && !self->is_last)
    {
      if (self->bucket.storage >= 0)
        hr_replay_leave (replay, self->bucket);
      replay->reduction = NULL;
      return;
    }

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass, while gradients are copied from a bucket to where they stay");
  if (self->stays_whole)
    {
      reduce_whole (replay);
    }
  else
    {
      /* Where layers are alike, not all of what they have put into the bucket was counted. */
      if (!hr_reduction_follows_layers (self))
        self->n_in_bucket = MIN (self->n_all, self->bucket_elements);
      empty_bucket (replay);
      make_partition (replay, self->n_kept);
    }
  if (self->bucket.storage >= 0)
    hr_replay_drop (replay, self->bucket);
  else
    hr_replay_remove (replay, HR_COMPONENT_COMMUNICATION, bucket_bytes);
  hr_replay_end (replay);
  if (replay->has_gradients && !self->stays_whole)
    hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, self->partition_bytes);
  replay->reduction = NULL;
}

/*
 * hr_reduction_run_after:
 * @self: (not nullable): buckets of gradients that stay whole
 * @replay: a tape, on which all micro-batches of a step have been differentiated
 *
 * reduce_gradients, for stage 1 beside a pipeline: a second bucket is made though there is one since the first gradient
 * came, and both go when the gradients have gone through the first. Neither is in the books.
 */
void
hr_reduction_run_after (HrReduction *self,
                        HrReplay    *replay)
{
  HrStretch stretch;
  HrValue buckets = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_KEPT);

  hr_reduction_begin (self, replay, TRUE);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("when all micro-batches of a pipeline are back, while gradients are copied from a bucket to "
                        "where they stay");
  replay->symbols[HR_SYMBOL_KEPT] = self->bucket_elements;
  buckets.count = 2;
  buckets = hr_replay_make (replay, "empty", "ipg_buckets.buffer", HR_COMPONENT_COMMUNICATION, buckets);
  reduce_whole (replay);
  hr_replay_drop (replay, buckets);
  hr_replay_end (replay);
  replay->reduction = NULL;
}

/*
 * hr_reduction_run_at_end:
 * @self: the buckets
 * @replay: a tape, on which a micro-batch has been differentiated
 *
 * buffered_allreduce_fallback of deepspeed/runtime/engine.py: so many gradients at a time are put into one piece, which
 * is reduced, or its copy, and copied back (allreduce_bucket).
 */
void
hr_reduction_run_at_end (const HrReduction *self,
                         HrReplay          *replay)
{
  HrStretch stretch;
  HrValue flat, wide = HR_NO_VALUE;

  if (!self->is_at_end || !self->is_last)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass, while the gradients of a bucket are put into one piece and reduced");
  flat = make_sent (replay, "cat", "tensor", replay->parameter_dtype, MIN (self->n_all, BUCKET_ELEMENTS));
  if (self->is_wide)
    wide = make_sent (replay, "_to_copy", "tensor_to_allreduce", HR_ELEMENT_FLOAT32,
                      MIN (self->n_all, BUCKET_ELEMENTS));
  hr_replay_drop (replay, wide);
  hr_replay_drop (replay, flat);
  hr_replay_end (replay);
}

static HrValue
make_mask (HrReplay   *replay,
           const char *operation,
           HrElement   element,
           guint64     n_elements)
{
  replay->symbols[HR_SYMBOL_KEPT] = n_elements;

  return hr_replay_make (replay, operation, "inf_or_nan", HR_COMPONENT_TEMPORARY, HR_SHAPE (element, HR_SYMBOL_KEPT));
}

/* _has_inf_or_nan of stage_1_and_2.py: a copy in fp32, what of it is NaN or infinite, and that as numbers. */
static void
check_each (const HrReduction *self,
            HrReplay          *replay)
{
  HrValue copy = make_mask (replay, "_to_copy", HR_ELEMENT_FLOAT32, self->n_largest);
  HrValue nan = make_mask (replay, "isnan", HR_ELEMENT_BOOL, self->n_largest);
  HrValue inf = make_mask (replay, "isinf", HR_ELEMENT_BOOL, self->n_largest);
  HrValue either = make_mask (replay, "logical_or", HR_ELEMENT_BOOL, self->n_largest);

  hr_replay_drop (replay, make_mask (replay, "_to_copy", HR_ELEMENT_FLOAT32, self->n_largest));
  hr_replay_drop (replay, either);
  hr_replay_drop (replay, inf);
  hr_replay_drop (replay, nan);
  hr_replay_drop (replay, copy);
}

/* has_overflow of stage3.py: all that a rank keeps at once; isinf() compares what abs() has made. */
static void
check_parts (const HrReduction *self,
             HrReplay          *replay)
{
  HrValue absolute = make_mask (replay, "abs", replay->parameter_dtype, self->n_kept);

  hr_replay_drop (replay, make_mask (replay, "isinf", HR_ELEMENT_BOOL, self->n_kept));
  hr_replay_drop (replay, absolute);
}

static void
check_overflow (const HrReduction *self,
                HrReplay          *replay)
{
  if (!self->checks_overflow)
    return;

  replay->sentence = N_("in the optimizer’s step, while gradients are looked through for infinities and NaN");
  if (self->scatters)
    check_parts (self, replay);
  else
    check_each (self, replay);
}

static void
compute_norm (const HrReduction *self,
              HrReplay          *replay)
{
  if (self->n_largest == 0)
    return;

  replay->sentence = N_("in the optimizer’s step, while the norm of a gradient is computed in fp64");
  hr_replay_drop (replay, make_mask (replay, "_to_copy", HR_ELEMENT_FLOAT64, self->n_largest));
}

/* The rank that keeps most is not always the one that has the largest tensor. */
static void
look_at_gradients (const HrReduction *self,
                   HrReplay          *replay)
{
  guint64 n_others = self->n_kept_by_checked > 0 ? self->n_kept - self->n_kept_by_checked : 0;
  guint64 bytes = n_others * hr_element_get_bytes (replay->parameter_dtype);

  bytes = bytes / HR_LEDGER_BLOCK_BYTES * HR_LEDGER_BLOCK_BYTES;
  if (bytes > 0)
    hr_ledger_remove (&replay->ledger, HR_COMPONENT_GRADIENTS, bytes);
  check_overflow (self, replay);
  compute_norm (self, replay);
  if (bytes > 0)
    hr_ledger_add (&replay->ledger, HR_COMPONENT_GRADIENTS, bytes);
}

/*
 * hr_reduction_flatten:
 * @self: the buckets
 * @replay: a tape
 *
 * DeepSpeedZeroOptimizer.step: the norm of each gradient is that of a copy in fp64 (get_grad_norm_direct); they are put
 * into one piece, and that into fp32. Those of 16 bits stay where parameters without weight decay are a group of their
 * own, which is stepped later and has its gradients in the same piece.
 *
 * Returns: the gradients in fp32
 */
HrValue
hr_reduction_flatten (const HrReduction *self,
                      HrReplay          *replay)
{
  guint64 kept = hr_ledger_round (self->n_kept * hr_element_get_bytes (replay->parameter_dtype));
  HrValue flat;

  if (self->is_offloaded)
    return HR_NO_VALUE;

  look_at_gradients (self, replay);
  replay->sentence = N_("in the optimizer’s step, while gradients of 16 bits, one piece of all of them and its copy "
                        "in fp32 are alive");
  flat = hr_replay_make_elements (replay, "cat", "flat_grad_partition", HR_COMPONENT_GRADIENTS,
                                  replay->parameter_dtype, self->n_elements);
  if (replay->parameter_dtype != HR_ELEMENT_FLOAT32)
    hr_replay_assign (replay, &flat, hr_replay_make_elements (replay, "_to_copy", "single_grad_partition",
                                                              HR_COMPONENT_GRADIENTS, HR_ELEMENT_FLOAT32,
                                                              self->n_elements));
  if (self->is_one_group)
    hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, kept);
  replay->sentence = N_("in the optimizer’s step");

  return flat;
}
