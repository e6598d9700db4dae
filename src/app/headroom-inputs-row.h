/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include <hr-job.h>
#include <hr-model.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_INPUTS_ROW (headroom_inputs_row_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomInputsRow, headroom_inputs_row, HEADROOM, INPUTS_ROW, AdwPreferencesRow)

GtkWidget *headroom_inputs_row_new        (HrJob             *job,
                                           GParamSpec        *setting);
void       headroom_inputs_row_set_model  (HeadroomInputsRow *self,
                                           HrModel           *model);
void       headroom_inputs_row_add_suffix (HeadroomInputsRow *self,
                                           GtkWidget         *widget);

G_END_DECLS
