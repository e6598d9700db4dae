/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-arguments.h"
#include "headroom.h"

G_BEGIN_DECLS

/*
 * HeadroomQuestion:
 * @name: what the model is called on the command line
 * @model: the model, once it is loaded
 * @job: what to do with it
 * @gpu: (nullable): the GPU that it shall fit on
 * @n_gpus: how many of them there are
 *
 * What is asked about.
 */
typedef struct
{
  char *name;
  HrModel *model;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
} HeadroomQuestion;

gboolean    headroom_question_read            (HeadroomQuestion    *self,
                                               HeadroomArguments   *arguments,
                                               const char          *verb,
                                               const char          *word,
                                               const char * const  *own_options,
                                               GError             **error);
gboolean    headroom_question_load            (HeadroomQuestion    *self,
                                               GError             **error);
HrScenario *headroom_question_create_scenario (HeadroomQuestion    *self) G_GNUC_WARN_UNUSED_RESULT;
void        headroom_question_clear           (HeadroomQuestion    *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HeadroomQuestion, headroom_question_clear)

G_END_DECLS
