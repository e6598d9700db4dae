/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-report.h"

G_BEGIN_DECLS

/**
 * HrAdvice: (skip)
 * @change: the settings to change, each as a setting=value, with blanks between
 * @saves_bytes: by how much the peak falls, as another estimate has it
 * @text: what to do, in the user’s language
 *
 * A change to a job that saves memory.
 */
typedef struct
{
  char *change;
  guint64 saves_bytes;
  char *text;
} HrAdvice;

GPtrArray *hr_advice_list        (HrEstimate *estimate,
                                  HrJob      *job,
                                  HrGpu      *gpu,
                                  guint       n_gpus) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *hr_report_list_advice (HrReport   *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
