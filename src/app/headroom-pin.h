/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-gpu.h>
#include <hr-job.h>
#include <hr-model.h>
#include <hr-report.h>
#include <hr-scenario.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_PIN (headroom_pin_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPin, headroom_pin, HEADROOM, PIN, GObject)

HeadroomPin *headroom_pin_new               (const char    *label,
                                             HrModel       *model,
                                             GFile         *file,
                                             HrJob         *job,
                                             HrGpu         *gpu,
                                             guint          n_gpus) G_GNUC_WARN_UNUSED_RESULT;
HeadroomPin *headroom_pin_new_with_model    (const char    *label,
                                             HrScenario    *scenario,
                                             HrModel       *model,
                                             GError       **error) G_GNUC_WARN_UNUSED_RESULT;
HeadroomPin *headroom_pin_new_from_scenario (const char    *label,
                                             HrScenario    *scenario,
                                             GError       **error) G_GNUC_WARN_UNUSED_RESULT;
HrScenario  *headroom_pin_create_scenario   (HeadroomPin   *self) G_GNUC_WARN_UNUSED_RESULT;
gboolean     headroom_pin_equal             (HeadroomPin   *self,
                                             HeadroomPin   *other);
HrReport    *headroom_pin_create_report     (HeadroomPin   *self,
                                             HrUnitSystem   unit_system,
                                             GError       **error) G_GNUC_WARN_UNUSED_RESULT;
const char  *headroom_pin_get_label         (HeadroomPin   *self);
void         headroom_pin_set_label         (HeadroomPin   *self,
                                             const char    *label);
HrModel     *headroom_pin_get_model         (HeadroomPin   *self);
GFile       *headroom_pin_get_file          (HeadroomPin   *self);
void         headroom_pin_set_file          (HeadroomPin   *self,
                                             GFile         *file);
HrJob       *headroom_pin_get_job           (HeadroomPin   *self);
HrGpu       *headroom_pin_get_gpu           (HeadroomPin   *self);
guint        headroom_pin_get_n_gpus        (HeadroomPin   *self);

G_END_DECLS
