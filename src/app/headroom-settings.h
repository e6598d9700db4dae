/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>
#include <hr-units.h>

G_BEGIN_DECLS

/* What the key "gpu" holds when the user wants none. */
#define HEADROOM_SETTINGS_NO_GPU "none"

GSettings    *headroom_settings_new                 (void) G_GNUC_WARN_UNUSED_RESULT;
HrUnitSystem  headroom_settings_get_unit_system     (GSettings *settings);
gboolean      headroom_settings_get_restore_session (GSettings *settings);

G_END_DECLS
