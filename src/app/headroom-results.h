/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-estimate.h>
#include <hr-job.h>

G_BEGIN_DECLS

/*
 * The latest estimate of each mode, and the settings that it was made for.
 */
typedef struct _HeadroomResults HeadroomResults;

HeadroomResults *headroom_results_new          (void) G_GNUC_WARN_UNUSED_RESULT;
void             headroom_results_free         (HeadroomResults *self);
void             headroom_results_take         (HeadroomResults *self,
                                                HrEstimate      *estimate,
                                                HrJob           *job);
HrEstimate      *headroom_results_get_estimate (HeadroomResults *self,
                                                HrMode           mode);
HrJob           *headroom_results_get_job      (HeadroomResults *self,
                                                HrMode           mode);
void             headroom_results_keep_only    (HeadroomResults *self,
                                                HrMode           mode);
void             headroom_results_clear        (HeadroomResults *self);

G_END_DECLS
