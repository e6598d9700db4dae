/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

char     *hr_scenario_seal       (const char  *text) G_GNUC_WARN_UNUSED_RESULT;
gboolean  hr_scenario_seal_is_in (GBytes      *bytes);
char     *hr_scenario_unseal     (GBytes      *bytes,
                                  const char  *origin,
                                  GError     **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
