/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-sharding.h"
#include "hr-weight-storage.h"

G_BEGIN_DECLS

/**
 * HrRowSharding:
 * @element: what parameters are held in that are trained
 * @frozen_element: what all others are held in
 * @gathered_element: what all are gathered in
 * @n_ranks: how many ranks share them
 * @is_mixed: whether gradients are reduced in what is computed in, beside parameters in fp32
 * @hands_norms_to_root: whether the last norm is gathered with all that is around the layers, and not with the head
 * @scores_sequences: whether the head scores sequences, and is no output embedding of the class
 *
 * How accelerate has fully_shard divide parameters by rows.
 */
typedef struct
{
  HrElement element;
  HrElement frozen_element;
  HrElement gathered_element;
  guint64 n_ranks;
  gboolean is_mixed;
  gboolean hands_norms_to_root;
  gboolean scores_sequences;
} HrRowSharding;

void hr_sharding_init_rows (HrSharding            *self,
                            const HrWeightStorage *storage,
                            const HrRowSharding   *settings);
void hr_sharding_join_rows (HrSharding            *self,
                            const HrWeightStorage *storage);
void hr_sharding_take_rows (HrSharding            *self,
                            const HrWeightStorage *storage,
                            const HrTuning        *tuning,
                            HrReach                reach,
                            const HrTrainables    *reached);
void hr_sharding_add_rows  (HrSharding            *self,
                            HrModel               *model,
                            const HrTrainables    *added);

G_END_DECLS
