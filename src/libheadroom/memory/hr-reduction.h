/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

/**
 * HrReduction:
 * @is_bucketed: whether gradients go through buckets at all
 * @bucket_elements: how many gradients a bucket has room for
 * @n_elements: how many there are
 *
 * Gradients that DeepSpeedZeroOptimizer copies into a bucket as soon as they come, and from there into the part of them
 * that a rank keeps, which is all of them on one device.
 */
struct _HrReduction
{
  gboolean is_bucketed;
  guint64 bucket_elements;
  guint64 n_elements;

  /*< private >*/
  HrValue bucket;
  HrValue partition;
};

void    hr_reduction_init    (HrReduction *self,
                              guint64      n_elements);
void    hr_reduction_begin   (HrReduction *self,
                              HrReplay    *replay);
void    hr_reduction_take    (HrReplay    *replay,
                              HrValue      gradient);
void    hr_reduction_empty   (HrReplay    *replay);
void    hr_reduction_end     (HrReplay    *replay);
HrValue hr_reduction_flatten (const HrReduction *self,
                              HrReplay          *replay);

G_END_DECLS
