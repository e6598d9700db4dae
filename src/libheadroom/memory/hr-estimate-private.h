/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"

G_BEGIN_DECLS

/**
 * HrEstimateDetail:
 * @HR_ESTIMATE_DETAIL_SIZES: how much, and when
 * @HR_ESTIMATE_DETAIL_FORMULAS: that, with formulas and the rule of thumb
 * @HR_ESTIMATE_DETAIL_TIMELINE: that, with what is held over the course of the job
 *
 * What somebody wants to know of an estimate.
 */
typedef enum
{
  HR_ESTIMATE_DETAIL_SIZES,
  HR_ESTIMATE_DETAIL_FORMULAS,
  HR_ESTIMATE_DETAIL_TIMELINE,
} HrEstimateDetail;

/**
 * HrHeapFunc:
 * @data: what it works on
 *
 * Replays the requests of a job, one by one.
 *
 * Returns: what the allocator of the only device has taken from the driver for what it hands out to the job
 */
typedef guint64 (*HrHeapFunc) (gpointer data);

HrEstimate *_hr_estimate_new               (HrMode            mode,
                                            HrEstimateMethod  method,
                                            HrModel          *model);
void        _hr_estimate_set_n_trainable_parameters (HrEstimate *self,
                                                     guint64     n_parameters);
guint       _hr_estimate_add_device        (HrEstimate    *self);
guint64     _hr_estimate_get_known_bytes   (HrEstimate    *self);
void        _hr_estimate_doubt_reserved    (HrEstimate    *self);
void        _hr_estimate_join_ranks        (HrEstimate         *self,
                                            HrEstimate * const *all,
                                            guint               n,
                                            guint64             n_ranks);
void        _hr_estimate_set_n_stages      (HrEstimate    *self,
                                            guint          n_stages);
void        _hr_estimate_set_n_ranks       (HrEstimate    *self,
                                            guint64        n_ranks);
void        _hr_estimate_set_device_bytes  (HrEstimate    *self,
                                            guint          device,
                                            guint64        bytes);
void        _hr_estimate_add_component     (HrEstimate    *self,
                                            guint          device,
                                            HrComponentId  id,
                                            guint64        bytes,
                                            const char    *formula,
                                            const char    *substitution,
                                            const char    *source);
void        _hr_estimate_add_reserve       (HrEstimate    *self,
                                            guint64        bytes);
void        _hr_estimate_set_heap          (HrEstimate    *self,
                                            HrHeapFunc     func,
                                            gpointer       data,
                                            GDestroyNotify destroy);
void        _hr_estimate_set_spread        (HrEstimate    *self,
                                            guint          below,
                                            guint          above);
void        _hr_estimate_set_no_margin     (HrEstimate    *self,
                                            const char    *reason);
void        _hr_estimate_set_margin        (HrEstimate    *self,
                                            guint64        bytes,
                                            const char    *reason);
void        _hr_estimate_set_context       (HrEstimate    *self,
                                            guint64        bytes);
void        _hr_estimate_add_phase         (HrEstimate    *self,
                                            HrPhaseId      id,
                                            guint64        peak_bytes);
void        _hr_estimate_set_growth        (HrEstimate    *self,
                                            guint64        linear,
                                            guint64        square);
void        _hr_estimate_set_room          (HrEstimate    *self,
                                            guint64        tokens,
                                            guint64        requests);
void        _hr_estimate_set_host_layers   (HrEstimate    *self,
                                            guint          n_layers,
                                            guint          n_host_layers,
                                            guint          n_host_experts);
void        _hr_estimate_set_peak          (HrEstimate    *self,
                                            guint          device,
                                            HrPhaseId      phase,
                                            const char    *moment,
                                            char          *operation);
void        _hr_estimate_take_timeline     (HrEstimate    *self,
                                            HrTimeline    *timeline);
void        _hr_estimate_set_rule_of_thumb (HrEstimate    *self,
                                            HrEstimate    *rule_of_thumb);
void        _hr_estimate_take_media        (HrEstimate    *self,
                                            HrMode         mode,
                                            GArray        *media,
                                            guint64        text_tokens);
void        _hr_estimate_take_warning      (HrEstimate    *self,
                                            char          *warning);

G_END_DECLS
