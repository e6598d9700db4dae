/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-estimate.h>
#include <hr-gpu.h>
#include <hr-job.h>
#include <hr-model.h>
#include <hr-report.h>
#include <hr-scenario.h>

#include "headroom-opener.h"
#include "headroom-pin.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_SESSION (headroom_session_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomSession, headroom_session, HEADROOM, SESSION, GObject)

HeadroomSession *headroom_session_new                  (void) G_GNUC_WARN_UNUSED_RESULT;
HrModel         *headroom_session_get_model            (HeadroomSession      *self);
void             headroom_session_set_model            (HeadroomSession      *self,
                                                        HrModel              *model,
                                                        GFile                *file);
GFile           *headroom_session_get_file             (HeadroomSession      *self);
gboolean         headroom_session_choose_model         (HeadroomSession      *self,
                                                        const char           *id,
                                                        GError              **error);
gboolean         headroom_session_choose_job           (HeadroomSession      *self,
                                                        const char           *id,
                                                        HrJob                *job,
                                                        GError              **error);
gboolean         headroom_session_change_job           (HeadroomSession      *self,
                                                        const char           *change,
                                                        GError              **error);
void             headroom_session_take_job             (HeadroomSession      *self,
                                                        HrJob                *job);
HeadroomOpener  *headroom_session_get_opener           (HeadroomSession      *self);
void             headroom_session_reload_model         (HeadroomSession      *self);
HrMode           headroom_session_get_mode             (HeadroomSession      *self);
void             headroom_session_set_mode             (HeadroomSession      *self,
                                                        HrMode                mode);
GListStore      *headroom_session_get_pins             (HeadroomSession      *self);
GListStore      *headroom_session_get_capacities       (HeadroomSession      *self);
HrJob           *headroom_session_get_job              (HeadroomSession      *self);
HrJob           *headroom_session_get_job_of_mode      (HeadroomSession      *self,
                                                        HrMode                mode);
HrJob           *headroom_session_peek_job_of_mode     (HeadroomSession      *self,
                                                        HrMode                mode);
void             headroom_session_set_settings         (HeadroomSession      *self,
                                                        HrJob                *settings);
void             headroom_session_reset_job            (HeadroomSession      *self);
HrGpu           *headroom_session_get_gpu              (HeadroomSession      *self);
void             headroom_session_set_gpu              (HeadroomSession      *self,
                                                        HrGpu                *gpu);
guint            headroom_session_get_n_gpus           (HeadroomSession      *self);
void             headroom_session_set_n_gpus           (HeadroomSession      *self,
                                                        guint                 n_gpus);
void             headroom_session_remember_gpus        (HeadroomSession      *self,
                                                        HrGpu                *gpu,
                                                        guint                 n_gpus);
HrEstimate      *headroom_session_get_estimate         (HeadroomSession      *self);
HrJob           *headroom_session_get_estimated_job    (HeadroomSession      *self);
const char      *headroom_session_get_problem          (HeadroomSession      *self);
void             headroom_session_update               (HeadroomSession      *self);
void             headroom_session_begin_step           (HeadroomSession      *self);
void             headroom_session_end_step             (HeadroomSession      *self);
void             headroom_session_forget_steps         (HeadroomSession      *self);
gboolean         headroom_session_get_can_undo         (HeadroomSession      *self);
gboolean         headroom_session_get_can_redo         (HeadroomSession      *self);
void             headroom_session_undo                 (HeadroomSession      *self);
void             headroom_session_redo                 (HeadroomSession      *self);

G_END_DECLS
