/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_PREFERENCES (headroom_preferences_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPreferences, headroom_preferences, HEADROOM, PREFERENCES, AdwPreferencesWindow)

GtkWidget *headroom_preferences_new     (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_preferences_rebuild (HeadroomPreferences *self);

G_END_DECLS
