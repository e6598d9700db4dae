/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-gpu.h>
#include <hr-model.h>
#include <hr-scenario.h>

G_BEGIN_DECLS

/*
 * What a file turned out to hold: a model alone, or a scenario with its model, its GPU and what is pinned beside it. Or
 * what a command turned out to start: a @job, with its model if that could be had, on @n_gpus, 0 if it does not say.
 *
 * @file is the file that the model was read from, or NULL for one of the catalogue. What could not be had of a scenario
 * that need not be whole is left out, and @problems has a sentence for each. @pins are HeadroomPin.
 */
typedef struct
{
  HrScenario *scenario;
  HrModel *model;
  GFile *file;
  HrGpu *gpu;
  HrJob *job;
  guint n_gpus;
  GPtrArray *pins;
  GPtrArray *problems;
} HeadroomOpened;

HeadroomOpened *headroom_opened_new_from_file     (GFile           *file,
                                                   GError         **error) G_GNUC_WARN_UNUSED_RESULT;
HeadroomOpened *headroom_opened_new_from_scenario (HrScenario      *scenario) G_GNUC_WARN_UNUSED_RESULT;
HeadroomOpened *headroom_opened_new_from_command  (const char      *text,
                                                   HrModel         *model,
                                                   GError         **error) G_GNUC_WARN_UNUSED_RESULT;
void            headroom_opened_free              (HeadroomOpened  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HeadroomOpened, headroom_opened_free)

G_END_DECLS
