/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-job.h"

G_BEGIN_DECLS

/**
 * HR_SCENARIO_MAX_GPUS:
 *
 * The largest number of GPUs that can be named; larger than any cluster.
 */
#define HR_SCENARIO_MAX_GPUS 1048576

/**
 * HR_SCENARIO_MAX_PINS:
 *
 * As many configurations as are kept beside the one that is being worked on.
 */
#define HR_SCENARIO_MAX_PINS 6

#define HR_TYPE_SCENARIO (hr_scenario_get_type ())

G_DECLARE_FINAL_TYPE (HrScenario, hr_scenario, HR, SCENARIO, GObject)

HrScenario *hr_scenario_new              (const char  *model,
                                          HrJob       *job) G_GNUC_WARN_UNUSED_RESULT;
gboolean    hr_scenario_probe            (GFile       *file);
HrScenario *hr_scenario_new_from_file    (GFile       *file,
                                          GError     **error) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_scenario_to_json          (HrScenario  *self) G_GNUC_WARN_UNUSED_RESULT;
gboolean    hr_scenario_save             (HrScenario  *self,
                                          GFile       *file,
                                          GError     **error);
char       *hr_scenario_dup_command_line (HrScenario  *self) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_scenario_get_model        (HrScenario  *self);
HrJob      *hr_scenario_get_job          (HrScenario  *self);
const char *hr_scenario_get_gpu          (HrScenario  *self);
guint       hr_scenario_get_n_gpus       (HrScenario  *self);
void        hr_scenario_set_gpu          (HrScenario  *self,
                                          const char  *gpu,
                                          guint        n_gpus);
const char *hr_scenario_get_label        (HrScenario  *self);
void        hr_scenario_add_pin          (HrScenario  *self,
                                          const char  *label,
                                          HrScenario  *pin);
guint       hr_scenario_get_n_pins       (HrScenario  *self);
HrScenario *hr_scenario_get_pin          (HrScenario  *self,
                                          guint        index);
void        hr_scenario_add_job          (HrScenario  *self,
                                          HrJob       *job);
HrJob      *hr_scenario_get_job_of_mode  (HrScenario  *self,
                                          HrMode       mode);

G_END_DECLS
