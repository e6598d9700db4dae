/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_SETTINGS_PANE (headroom_settings_pane_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomSettingsPane, headroom_settings_pane, HEADROOM, SETTINGS_PANE, AdwBin)

GtkWidget    *headroom_settings_pane_new        (HeadroomSession      *session,
                                                 GListModel           *local_gpus) G_GNUC_WARN_UNUSED_RESULT;
AdwViewStack *headroom_settings_pane_get_modes  (HeadroomSettingsPane *self);
void          headroom_settings_pane_choose_gpu (HeadroomSettingsPane *self);
double        headroom_settings_pane_get_scroll (HeadroomSettingsPane *self);
void          headroom_settings_pane_set_scroll (HeadroomSettingsPane *self,
                                                 double                scroll);

G_END_DECLS
