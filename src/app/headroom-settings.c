/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-settings.h"

/*
 * Opens what the application remembers from one start to the next.
 */
GSettings *
headroom_settings_new (void)
{
  return g_settings_new (APPLICATION_ID);
}

/*
 * Gets the units that the user wants to see memory in.
 */
HrUnitSystem
headroom_settings_get_unit_system (GSettings *settings)
{
  g_return_val_if_fail (G_IS_SETTINGS (settings), HR_UNIT_SYSTEM_BINARY);

  return g_settings_get_enum (settings, "unit-system");
}

/*
 * Gets whether the user wants to go on where they were, and does not begin with nothing.
 */
gboolean
headroom_settings_get_restore_session (GSettings *settings)
{
  g_return_val_if_fail (G_IS_SETTINGS (settings), FALSE);

  return g_settings_get_boolean (settings, "restore-session");
}
