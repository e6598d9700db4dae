/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * HrFlopPart:
 * @HR_FLOP_PART_EMBEDDING: look-ups, which compute nothing
 * @HR_FLOP_PART_PROJECTIONS: the matrices of attentions
 * @HR_FLOP_PART_SCORES: products of queries, keys and values
 * @HR_FLOP_PART_MLP: the matrices of perceptrons, and of experts that all tokens pass
 * @HR_FLOP_PART_ROUTER: what chooses experts
 * @HR_FLOP_PART_EXPERTS: the matrices of the experts that tokens are sent to
 * @HR_FLOP_PART_MIXER: the matrices and convolutions of state spaces and linear attentions
 * @HR_FLOP_PART_STATE: what these do to their states
 * @HR_FLOP_PART_HEAD: what makes logits
 * @HR_FLOP_PART_ADAPTERS: what a method of fine-tuning adds
 * @HR_FLOP_PART_VISION: towers that see, and what hands on what they see
 * @HR_FLOP_PART_AUDIO: towers that hear, likewise
 * @HR_FLOP_PART_OTHER: all else
 *
 * What computes. The ids are keys of the JSON result.
 */
typedef enum
{
  HR_FLOP_PART_EMBEDDING,
  HR_FLOP_PART_PROJECTIONS,
  HR_FLOP_PART_SCORES,
  HR_FLOP_PART_MLP,
  HR_FLOP_PART_ROUTER,
  HR_FLOP_PART_EXPERTS,
  HR_FLOP_PART_MIXER,
  HR_FLOP_PART_STATE,
  HR_FLOP_PART_HEAD,
  HR_FLOP_PART_ADAPTERS,
  HR_FLOP_PART_VISION,
  HR_FLOP_PART_AUDIO,
  HR_FLOP_PART_OTHER,
  HR_N_FLOP_PARTS, /*< skip >*/
} HrFlopPart;

/**
 * HrFlops: (skip)
 * @forward: of the forward pass
 * @hidden: of these, those whose results a mask hides or a weight of 0 drops
 * @left_out: of these again, those that the kernel does not compute, though the formula counts them
 * @recomputed: what the backward pass computes a second time
 * @input_gradients: gradients of what matrices read
 * @weight_gradients: gradients of matrices
 * @elements: numbers that the products of the forward pass read and write, weights and caches left out
 *
 * Floating point operations; a multiplication and an addition are two.
 */
typedef struct
{
  guint64 forward;
  guint64 hidden;
  guint64 left_out;
  guint64 recomputed;
  guint64 input_gradients;
  guint64 weight_gradients;
  guint64 elements;
} HrFlops;

/**
 * HrFlopTerm: (skip)
 * @rows: rows that are multiplied: tokens, or tokens times heads
 * @size: multiplications for each
 * @times: how often
 *
 * Products that a part is made of: 2 · rows · size · times operations.
 */
typedef struct
{
  guint64 rows;
  guint64 size;
  guint64 times;
} HrFlopTerm;

/**
 * HrFlopCount: (skip)
 * @parts: what each part computes
 * @terms: (element-type HrFlopTerm): the products of the forward pass of each part
 * @is_too_large: whether a number was beyond counting
 *
 * The operations of a pass through a model.
 */
typedef struct
{
  HrFlops parts[HR_N_FLOP_PARTS];
  GArray *terms[HR_N_FLOP_PARTS];
  gboolean is_too_large;
} HrFlopCount;

const char  *hr_flop_part_get_id          (HrFlopPart         part);
HrFlopCount *hr_flop_count_new            (void) G_GNUC_WARN_UNUSED_RESULT;
void         hr_flop_count_free           (HrFlopCount       *self);
guint64      hr_flop_count_add            (HrFlopCount       *self,
                                           HrFlopPart         part,
                                           guint64            rows,
                                           guint64            size);
void         hr_flop_count_move           (HrFlopCount       *self,
                                           HrFlopPart         part,
                                           guint64            rows,
                                           guint64            width);
void         hr_flop_count_sum            (HrFlopCount       *self,
                                           guint64           *sum,
                                           guint64            addend);
void         hr_flop_count_merge          (HrFlopCount       *self,
                                           const HrFlopCount *other,
                                           guint64            times);
HrFlops      hr_flop_count_get_total      (const HrFlopCount *self);
guint64      hr_flops_get_training        (const HrFlops     *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrFlopCount, hr_flop_count_free)

G_END_DECLS
