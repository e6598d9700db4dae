/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-job.h>

#include "headroom-state.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_JOBS (headroom_jobs_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomJobs, headroom_jobs, HEADROOM, JOBS, GObject)

HeadroomJobs *headroom_jobs_new        (void) G_GNUC_WARN_UNUSED_RESULT;
HrJob        *headroom_jobs_get        (HeadroomJobs        *self,
                                        HrMode               mode);
HrJob        *headroom_jobs_peek       (HeadroomJobs        *self,
                                        HrMode               mode);
void          headroom_jobs_set        (HeadroomJobs        *self,
                                        HrJob               *settings);
void          headroom_jobs_save_to    (HeadroomJobs        *self,
                                        HeadroomState       *state,
                                        const HeadroomState *before);
void          headroom_jobs_restore    (HeadroomJobs        *self,
                                        const HeadroomState *state);

G_END_DECLS
