/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

/**
 * HrReduction:
 * @is_bucketed: whether gradients go through buckets at all
 * @bucket_elements: how many gradients a bucket has room for
 * @n_buckets: how many buckets there are
 * @n_elements: how many gradients a rank keeps
 * @n_kept: for how many it has room
 * @most_kept: (nullable): for each rank, for how many it or any behind it has room at the most
 * @n_all: how many there are
 * @n_largest: how many the largest tensor of those has that a rank keeps, of the rank that holds most when each of its
 *   tensors is looked at before a step
 * @n_kept_by_checked: for how many that rank has room
 * @has_ranks: whether those of a bucket are copied once more to be reduced
 * @stays_whole: whether all are kept until the last micro-batch of a step has been differentiated
 * @scatters: whether each rank gets its part of each gradient (stage 3), which are copied into a buffer that is in the
 *   books: what a bucket holds goes through one piece of it
 * @is_contiguous: whether gradients are copied into a buffer that stays (contiguous_gradients), and not held as they
 *   come
 * @divides: whether each rank gets its part of each gradient (stage 2 of ColossalAI), in pieces that come as buckets
 *   are reduced; until then gradients are held as they come
 * @waits: whether the first gradient of all comes from within the last layer, which finds no bucket
 * @is_at_end: whether gradients stay as they are until all of a step are there, and are reduced then (DeepSpeed without
 *   ZeRO)
 * @is_wide: whether what is in a bucket is cast to fp32 to be reduced (seq_parallel_communication_data_type)
 * @n_ranks: how many ranks there are
 * @n_local_ranks: how many of them are in one machine, where gradients are sent as integers of four bits, first within
 *   it (zero_quantized_gradients); 0: they are not
 * @is_offloaded: whether the optimizer steps on the host: gradients are copied there by way of one more copy
 * @is_swapped: whether it goes on to a disk, and all of a bucket wait for that
 * @checks_overflow: whether gradients are looked through for infinities and NaN before a step
 * @gathered_bytes: what the parts of parameters that all ranks have stepped are gathered through
 * @is_one_group: whether the optimizer steps all at once, so that those of 16 bits go before
 *
 * Gradients that DeepSpeedZeroOptimizer copies into a bucket as soon as they come, and from there into the part of them
 * that a rank keeps, which is all of them on one device.
 */
struct _HrReduction
{
  gboolean is_bucketed;
  guint64 bucket_elements;
  guint n_buckets;
  guint64 n_elements;
  guint64 n_kept;
  const guint64 *most_kept;
  guint64 n_all;
  guint64 n_largest;
  guint64 n_kept_by_checked;
  gboolean has_ranks;
  gboolean stays_whole;
  gboolean scatters;
  gboolean is_contiguous;
  gboolean divides;
  gboolean waits;
  gboolean is_at_end;
  gboolean is_wide;
  guint64 n_ranks;
  guint64 n_local_ranks;
  gboolean is_offloaded;
  gboolean is_swapped;
  gboolean checks_overflow;
  guint64 gathered_bytes;
  gboolean is_one_group;

  /*< private >*/
  gboolean is_last;    /* of the micro-batches of a step */
  HrValue bucket;
  guint64 partition_bytes;  /* of what the rank keeps */
  guint64 n_in_bucket;
  guint64 n_padded;       /* the same, with what pads each to the number of ranks */
  guint64 n_largest_in_bucket;
  guint n_tensors;
  guint64 held_bytes;     /* of gradients that are not copied into the bucket */
  guint64 n_held;         /* how many these are */
  guint64 n_reduced;      /* of earlier buckets */
  GArray *held;           /* of HrValue: gradients that wait to be put into one piece */
  GArray *matrices;       /* of HrValue: the shapes of those in the bucket, where they are sent as integers */
};

void    hr_reduction_init    (HrReduction *self,
                              guint64      n_elements);
void    hr_reduction_make_bucket (const HrReduction *self,
                                  HrReplay          *replay);
void    hr_reduction_begin   (HrReduction *self,
                              HrReplay    *replay,
                              gboolean     is_last);
gboolean hr_reduction_follows_layers (const HrReduction *self);
void    hr_reduction_take    (HrReplay    *replay,
                              HrValue      gradient);
gboolean hr_reduction_waits   (const HrReduction *self);
void    hr_reduction_enter_layers (HrReplay *replay);
void    hr_reduction_leave_last   (HrReplay *replay);
void    hr_reduction_end     (HrReplay    *replay);
void    hr_reduction_run_after (HrReduction *self,
                                HrReplay    *replay);
void    hr_reduction_run_at_end (const HrReduction *self,
                                 HrReplay          *replay);
HrValue hr_reduction_flatten (const HrReduction *self,
                              HrReplay          *replay);

G_END_DECLS
