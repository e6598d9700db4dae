/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-cluster.h"
#include "hr-layout-parts.h"

G_BEGIN_DECLS

/**
 * HrLayoutTime: (skip)
 * @compute: seconds for the products of the slowest stage, those that are computed anew included
 * @layer: seconds for what ranks exchange that share each layer
 * @sequence: for keys and values that ranks exchange which share a sequence, as far as attention does not hide it
 * @experts: for tokens that are sent to experts of other ranks, and back
 * @pipeline: for stages that wait for each other, and what they hand on
 * @data: for gradients that are added up and parameters that are gathered, as far as products do not hide it
 * @optimizer: for the optimizer, which reads and writes its states
 * @total: all of it
 * @utilization: model FLOPs utilization: the operations that the model needs, by what all GPUs could do meanwhile
 *
 * How long a step takes, by a roofline of its products and what is exchanged beside them.
 */
typedef struct
{
  double compute;
  double layer;
  double sequence;
  double experts;
  double pipeline;
  double data;
  double optimizer;
  double total;
  double utilization;
} HrLayoutTime;

void hr_layout_time_init (HrLayoutTime        *self,
                          const HrLayoutParts *parts,
                          const HrCluster     *cluster,
                          const HrLayoutStep  *step,
                          const HrDivision    *division);

G_END_DECLS
