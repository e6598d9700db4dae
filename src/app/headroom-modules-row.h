/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-job.h>
#include <hr-model.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_MODULES_ROW (headroom_modules_row_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomModulesRow, headroom_modules_row, HEADROOM, MODULES_ROW, AdwPreferencesRow)

GtkWidget *headroom_modules_row_new        (HrJob              *job,
                                            GParamSpec         *setting) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_modules_row_set_model  (HeadroomModulesRow *self,
                                            HrModel            *model);
void       headroom_modules_row_add_suffix (HeadroomModulesRow *self,
                                            GtkWidget          *widget);

G_END_DECLS
