/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimator.h"

G_BEGIN_DECLS

/**
 * HrCapacity: (skip)
 * @requests: how many requests are served at once
 * @tokens: the longest prompt and output that each of them may have; 0 where not even short ones fit
 * @is_longest: whether it is not memory that bounds them, but what the model or the engine is made for
 * @keeps_layers: whether all layers are on GPUs, which the engine may not insist on
 * @change: the settings that this takes, as on the command line
 *
 * How long the requests may be that are served at once on given GPUs.
 */
typedef struct
{
  guint64 requests;
  guint64 tokens;
  gboolean is_longest;
  gboolean keeps_layers;
  char *change;
} HrCapacity;

char *hr_capacity_dup_title  (const HrCapacity *self) G_GNUC_WARN_UNUSED_RESULT;
char *hr_capacity_dup_length (const HrCapacity *self) G_GNUC_WARN_UNUSED_RESULT;

/**
 * HrCapacitySearch: (skip)
 *
 * A search for capacities, an estimate at a time, so that a window can go on meanwhile.
 */
typedef struct _HrCapacitySearch HrCapacitySearch;

HrCapacitySearch *hr_capacity_search_new            (HrEstimate       *estimate,
                                                     HrJob            *job,
                                                     HrGpu            *gpu,
                                                     guint             n_gpus) G_GNUC_WARN_UNUSED_RESULT;
void              hr_capacity_search_free           (HrCapacitySearch *self);
gboolean          hr_capacity_search_step           (HrCapacitySearch *self);
GPtrArray        *hr_capacity_search_get_capacities (HrCapacitySearch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrCapacitySearch, hr_capacity_search_free)

GPtrArray *hr_capacity_list (HrEstimate *estimate,
                             HrJob      *job,
                             HrGpu      *gpu,
                             guint       n_gpus) G_GNUC_WARN_UNUSED_RESULT;

GPtrArray *hr_capacity_pick (GPtrArray  *capacities) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
