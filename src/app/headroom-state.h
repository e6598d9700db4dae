/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-gpu.h>
#include <hr-job.h>
#include <hr-model.h>

G_BEGIN_DECLS

/*
 * What a window is about, as a value: undo steps back to one.
 *
 * The job is a copy of its own. @file is the file that the model was read from, or NULL for one of the catalogue.
 */
typedef struct
{
  HrModel *model;
  GFile *file;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
} HeadroomState;

HeadroomState *headroom_state_new   (HrModel             *model,
                                     GFile               *file,
                                     HrJob               *job,
                                     HrGpu               *gpu,
                                     guint                n_gpus) G_GNUC_WARN_UNUSED_RESULT;
void           headroom_state_free  (HeadroomState       *self);
gboolean       headroom_state_equal (const HeadroomState *self,
                                     const HeadroomState *other);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HeadroomState, headroom_state_free)

G_END_DECLS
