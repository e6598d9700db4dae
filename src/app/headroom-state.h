/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-gpu.h>
#include <hr-job.h>
#include <hr-model.h>

G_BEGIN_DECLS

#define HEADROOM_N_MODES (HR_MODE_MULTIMODAL + 1)

/*
 * What a window is about, as a value: undo steps back to one.
 *
 * @jobs are copies of the job of each mode, or NULL for a mode that nobody has come to; states that follow each other
 * share those that did not change. @file is the file that the model was read from, or NULL for one of the catalogue.
 */
typedef struct
{
  HrModel *model;
  GFile *file;
  HrMode mode;
  HrJob *jobs[HEADROOM_N_MODES];
  HrGpu *gpu;
  guint n_gpus;
} HeadroomState;

HeadroomState *headroom_state_new      (HrModel             *model,
                                        GFile               *file,
                                        HrMode               mode,
                                        HrGpu               *gpu,
                                        guint                n_gpus) G_GNUC_WARN_UNUSED_RESULT;
void           headroom_state_take_job (HeadroomState       *self,
                                        HrJob               *job,
                                        const HeadroomState *before);
void           headroom_state_free     (HeadroomState       *self);
gboolean       headroom_state_equal    (const HeadroomState *self,
                                        const HeadroomState *other);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HeadroomState, headroom_state_free)

G_END_DECLS
