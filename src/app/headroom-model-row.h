/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-job.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_MODEL_ROW (headroom_model_row_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomModelRow, headroom_model_row, HEADROOM, MODEL_ROW, AdwPreferencesRow)

GtkWidget *headroom_model_row_new        (HrJob            *job,
                                          GParamSpec       *setting) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_model_row_add_suffix (HeadroomModelRow *self,
                                          GtkWidget        *widget);

G_END_DECLS
