/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-gpu.h>
#include <hr-job.h>
#include <hr-model.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_PIN (headroom_pin_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPin, headroom_pin, HEADROOM, PIN, GObject)

HeadroomPin *headroom_pin_new        (const char  *label,
                                      HrModel     *model,
                                      HrJob       *job,
                                      HrGpu       *gpu,
                                      guint        n_gpus) G_GNUC_WARN_UNUSED_RESULT;
const char  *headroom_pin_get_label  (HeadroomPin *self);
void         headroom_pin_set_label  (HeadroomPin *self,
                                      const char  *label);
HrModel     *headroom_pin_get_model  (HeadroomPin *self);
HrJob       *headroom_pin_get_job    (HeadroomPin *self);
HrGpu       *headroom_pin_get_gpu    (HeadroomPin *self);
guint        headroom_pin_get_n_gpus (HeadroomPin *self);

G_END_DECLS
