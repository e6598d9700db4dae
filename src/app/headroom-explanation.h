/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-report.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_EXPLANATION (headroom_explanation_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomExplanation, headroom_explanation, HEADROOM, EXPLANATION, AdwBin)

GtkWidget *headroom_explanation_new  (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_explanation_show (HeadroomExplanation *self,
                                      HrReport            *report,
                                      HrComponent         *component,
                                      HrComponent         *rule);

G_END_DECLS
