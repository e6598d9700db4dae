/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-expression.h"
#include "hr-job.h"

G_BEGIN_DECLS

/*
 * HrLaunchScope:
 * @model: the model
 * @job: the job, without "auto"
 * @n_gpus: how many GPUs there are
 * @data_parallel: how many ranks read different data
 * @n_ranks: how many ranks there are
 * @texts: values that names have been given, kept as long as the scope
 * @asked: (nullable): settings that have been asked for
 *
 * What the names in files of launch settings stand for: a setting of the job by its name; `config.` and the canonical
 * name of a hyper-parameter; `mode`, `model`, `model-type`, `auto-class`, `tied` and `gpus`. What a job or a model does
 * not have is nothing.
 */
typedef struct
{
  HrModel *model;
  HrJob *job;
  guint n_gpus;
  guint64 data_parallel;
  guint64 n_ranks;
  GPtrArray *texts;
  GHashTable *asked;
} HrLaunchScope;

gboolean hr_launch_scope_init   (HrLaunchScope  *self,
                                 HrModel        *model,
                                 HrJob          *job,
                                 guint           n_gpus,
                                 GError        **error);
void     hr_launch_scope_clear  (HrLaunchScope  *self);
const char *hr_launch_scope_keep (HrLaunchScope *self,
                                  char          *text);
HrLookup hr_launch_scope_lookup (const char     *name,
                                 gpointer        scope,
                                 HrValue        *value,
                                 GError        **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrLaunchScope, hr_launch_scope_clear)

G_END_DECLS
