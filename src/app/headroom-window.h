/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-export.h>
#include <hr-report.h>

#include "headroom-content.h"
#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_WINDOW (headroom_window_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomWindow, headroom_window, HEADROOM, WINDOW, AdwApplicationWindow)

GtkWidget       *headroom_window_new             (GtkApplication *application,
                                                  GListModel     *local_gpus) G_GNUC_WARN_UNUSED_RESULT;
HeadroomSession *headroom_window_get_session     (HeadroomWindow *self);
HeadroomContent *headroom_window_get_content     (HeadroomWindow *self);
void             headroom_window_open            (HeadroomWindow *self,
                                                  GFile          *file);
void             headroom_window_keep_session    (HeadroomWindow *self);
void             headroom_window_save_session    (HeadroomWindow *self);
gboolean         headroom_window_restore_session (HeadroomWindow *self);
void             headroom_window_export          (HeadroomWindow *self,
                                                  HrReport       *report,
                                                  HrExportFormat  format,
                                                  GFile          *file);
void             headroom_window_rebuild         (HeadroomWindow *self);
void             headroom_window_reload_models   (void);

G_END_DECLS
