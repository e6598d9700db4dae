/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"
#include "hr-export.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_COMPARE_WINDOW (headroom_compare_window_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomCompareWindow, headroom_compare_window, HEADROOM, COMPARE_WINDOW, AdwWindow)

GtkWidget *headroom_compare_window_new        (HeadroomSession        *session) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_compare_window_open       (HeadroomCompareWindow  *self,
                                               GFile                  *file);
GBytes    *headroom_compare_window_dup_export (HeadroomCompareWindow  *self,
                                               HrExportFormat          format,
                                               GError                **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
