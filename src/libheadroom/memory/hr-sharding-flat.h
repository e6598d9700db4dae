/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-sharding.h"
#include "hr-weight-storage.h"

G_BEGIN_DECLS

/**
 * HrFlatSharding:
 * @element: what parameters are held in
 * @gathered_element: what is computed in
 * @reduced_element: what gradients are reduced in
 * @n_ranks: how many ranks share them
 * @is_aligned: whether views of the parameters stay what is trained (use_orig_params)
 * @stays_gathered: whether they are gathered once a step (SHARD_GRAD_OP)
 * @is_offloaded: whether they wait on the host
 * @gathers_ahead: when the group that comes next in the backward pass is gathered
 * @is_mixed: whether a policy says what is computed and reduced in, whatever parameters are held in
 * @has_units: whether matrices that a method of fine-tuning adds are what is trained
 * @frozen_element: what all others are held in then
 * @reduces_each: whether the gradients of each micro-batch are reduced, where others wait for the last (no_sync)
 *
 * How FullyShardedDataParallel is set up.
 */
typedef struct
{
  HrElement element;
  HrElement gathered_element;
  HrElement reduced_element;
  guint64 n_ranks;
  gboolean is_aligned;
  gboolean stays_gathered;
  gboolean is_offloaded;
  HrBackwardPrefetch gathers_ahead;
  gboolean is_mixed;
  gboolean has_units;
  HrElement frozen_element;
  gboolean reduces_each;
} HrFlatSharding;

/**
 * HrStepped:
 * @reach: what a batch has
 * @tuning: (nullable): what of the model is frozen
 *
 * What of parameters an optimizer steps.
 */
typedef struct
{
  HrReach reach;
  const HrTuning *tuning;
} HrStepped;

void          hr_sharding_init_flat      (HrSharding           *self,
                                          const HrWeightStorage *storage,
                                          const HrFlatSharding  *settings);
HrTrainables *hr_sharding_list_flat      (const HrSharding     *self,
                                          HrModel              *model,
                                          const HrStepped      *stepped);
guint64       hr_sharding_round          (const HrSharding     *self,
                                          guint64               n_elements);
HrElement     hr_sharding_get_buffer_element (const HrReplay   *replay);
guint64       hr_sharding_get_part_bytes (const HrSharding     *self);
void          hr_sharding_gather_flat    (HrReplay             *replay,
                                          HrShardedGroup        group);
HrValue       hr_sharding_gather_anew    (HrReplay             *replay,
                                          HrShardedGroup        group);
void          hr_sharding_gather_ahead   (HrReplay             *replay,
                                          gboolean              is_first,
                                          gboolean              awaits_units,
                                          HrShardedUnits        units);
void          hr_sharding_leave          (HrReplay             *replay,
                                          HrValue              *output);
void          hr_sharding_leave_reading  (HrReplay             *replay);
void          hr_sharding_summon         (HrReplay             *replay);
void          hr_sharding_show_around    (HrReplay             *replay,
                                          gboolean              is_around);
guint64       hr_sharding_get_left_bytes (const HrSharding     *self,
                                          gboolean              has_rest);
void          hr_sharding_push           (HrReplay             *replay);
guint64       hr_sharding_get_rest_bytes (const HrSharding     *self);
void          hr_sharding_begin_backward (HrReplay             *replay);
void          hr_sharding_reduce_flat    (HrReplay             *replay,
                                          HrShardedGroup        group);

G_END_DECLS
