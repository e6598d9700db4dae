/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-model.h"

G_BEGIN_DECLS

/**
 * HR_SWEEP_GPUS:
 *
 * What a sweep over the number of GPUs has in the place of the name of a setting.
 */
#define HR_SWEEP_GPUS "gpus"

/**
 * HR_SWEEP_MAX_VALUES:
 *
 * As many values as a sweep has at most.
 */
#define HR_SWEEP_MAX_VALUES 1000

/**
 * HrSweepRange: (skip)
 * @from: the first value
 * @to: the last value
 * @step: what is added to a value for the next one, or what it is multiplied by
 * @is_geometric: whether values are multiplied
 *
 * The values of a sweep, as a person sets them.
 */
typedef struct
{
  double from;
  double to;
  double step;
  gboolean is_geometric;
} HrSweepRange;

char    **hr_sweep_list_settings     (HrJob               *job) G_GNUC_WARN_UNUSED_RESULT;
gboolean  hr_sweep_has_setting       (HrJob               *job,
                                      const char          *setting,
                                      GError             **error);
char     *hr_sweep_dup_setting_label (HrJob               *job,
                                      const char          *setting) G_GNUC_WARN_UNUSED_RESULT;
gboolean  hr_sweep_setting_is_whole  (HrJob               *job,
                                      const char          *setting);
void      hr_sweep_range_init        (HrSweepRange        *self,
                                      HrJob               *job,
                                      HrModel             *model,
                                      const char          *setting);
gboolean  hr_sweep_range_check       (const HrSweepRange  *self,
                                      HrJob               *job,
                                      const char          *setting,
                                      GError             **error);
GArray   *hr_sweep_range_list        (const HrSweepRange  *self,
                                      gboolean             is_whole) G_GNUC_WARN_UNUSED_RESULT;
GArray   *hr_sweep_values_parse      (HrJob               *job,
                                      const char          *setting,
                                      const char          *text,
                                      GError             **error) G_GNUC_WARN_UNUSED_RESULT;
char     *hr_sweep_format_value      (double               value) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
