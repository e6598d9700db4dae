/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-component.h"
#include "hr-fit.h"
#include "hr-job.h"
#include "hr-medium.h"
#include "hr-model.h"

G_BEGIN_DECLS

/**
 * HrPhaseId:
 *
 * A stretch of a job's timeline. Inference: load, prefill (the layers), head (the logits), decode. Training: load,
 * forward, loss, backward through loss and head, backward through the layers, optimizer.
 */
typedef enum
{
  HR_PHASE_LOAD,
  HR_PHASE_PREFILL,
  HR_PHASE_HEAD,
  HR_PHASE_DECODE,
  HR_PHASE_GENERATION,
  HR_PHASE_OLD_POLICY,
  HR_PHASE_REFERENCE,
  HR_PHASE_VALUE,
  HR_PHASE_REWARD,
  HR_PHASE_FORWARD,
  HR_PHASE_LOSS,
  HR_PHASE_BACKWARD_LOSS,
  HR_PHASE_BACKWARD,
  HR_PHASE_OPTIMIZER,
  HR_PHASE_STATISTICS,
  HR_N_PHASES, /*< skip >*/
} HrPhaseId;

/**
 * HrPhase:
 * @id: which phase
 * @peak_bytes: the most that is held during it
 */
typedef struct
{
  HrPhaseId id;
  guint64 peak_bytes;
} HrPhase;

const char *hr_phase_id_get_name (HrPhaseId id);

typedef struct _HrTimeline HrTimeline;

#define HR_TYPE_ESTIMATE (hr_estimate_get_type ())

G_DECLARE_FINAL_TYPE (HrEstimate, hr_estimate, HR, ESTIMATE, GObject)

HrMode         hr_estimate_get_mode           (HrEstimate *self);
HrEstimateMethod hr_estimate_get_method       (HrEstimate *self);
HrModel       *hr_estimate_get_model          (HrEstimate *self);
guint64        hr_estimate_get_n_trainable_parameters (HrEstimate *self);
guint64        hr_estimate_get_total_bytes    (HrEstimate *self);
guint64        hr_estimate_get_component_bytes (HrEstimate    *self,
                                                HrComponentId  id);
guint64        hr_estimate_count_component_bytes (HrEstimate    *self,
                                                  HrComponentId  id);
HrComponent   *hr_estimate_find_component     (HrEstimate    *self,
                                               HrComponentId  id);
guint64        hr_estimate_get_allocated_bytes (HrEstimate *self);
guint64        hr_estimate_get_least_bytes    (HrEstimate *self);
guint64        hr_estimate_get_reserved_bytes (HrEstimate *self);
gboolean       hr_estimate_knows_reserved     (HrEstimate *self);
gboolean       hr_estimate_get_host_layers    (HrEstimate *self,
                                               guint      *n_layers,
                                               guint      *n_host_layers,
                                               guint      *n_host_experts);
gboolean       hr_estimate_get_room           (HrEstimate *self,
                                               guint64    *tokens,
                                               guint64    *requests);
gboolean       hr_estimate_get_growth         (HrEstimate *self,
                                               guint64    *linear,
                                               guint64    *square);
gboolean       hr_estimate_get_safe_bytes (HrEstimate *self,
                                           guint64    *bytes);
const char    *hr_estimate_get_safe_reason (HrEstimate *self);
guint64        hr_estimate_get_non_torch_bytes (HrEstimate *self);
gboolean       hr_estimate_get_reserved_range (HrEstimate *self,
                                               guint64    *low,
                                               guint64    *high);
guint64        hr_estimate_get_missed_bytes   (HrEstimate *self);
HrPhaseId      hr_estimate_get_peak_phase     (HrEstimate *self);
const char    *hr_estimate_get_peak_moment    (HrEstimate *self);
const char    *hr_estimate_get_peak_operation (HrEstimate *self);
GListModel    *hr_estimate_get_components     (HrEstimate *self);
const HrPhase *hr_estimate_get_phases         (HrEstimate *self,
                                               guint      *n_phases);
guint          hr_estimate_get_n_devices      (HrEstimate *self);
guint64        hr_estimate_get_n_ranks        (HrEstimate *self);
guint          hr_estimate_get_worst_device   (HrEstimate *self);
guint          hr_estimate_get_n_stages       (HrEstimate *self);
guint64        hr_estimate_get_device_bytes   (HrEstimate *self,
                                               guint       device);
void           hr_estimate_compare_with_gpu   (HrEstimate *self,
                                               HrGpu      *gpu,
                                               guint       n_gpus,
                                               HrFit      *fit);
GListModel    *hr_estimate_get_device_components (HrEstimate *self,
                                                  guint       device);
const HrTimeline *hr_estimate_get_timeline      (HrEstimate *self);
HrEstimate    *hr_estimate_get_rule_of_thumb  (HrEstimate *self);
const HrMediumTokens *hr_estimate_get_media   (HrEstimate *self,
                                               guint      *n_media);
guint64        hr_estimate_get_text_tokens    (HrEstimate *self);
const char * const *hr_estimate_get_warnings  (HrEstimate *self);

G_END_DECLS
