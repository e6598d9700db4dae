/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-scenario.h>

G_BEGIN_DECLS

GFile      *headroom_last_session_get_file  (void) G_GNUC_WARN_UNUSED_RESULT;
gboolean    headroom_last_session_read      (HrScenario **scenario,
                                             GError     **error);
GFile      *headroom_last_session_put_aside (void) G_GNUC_WARN_UNUSED_RESULT;
gboolean    headroom_last_session_write     (HrScenario  *scenario,
                                             GError     **error);

G_END_DECLS
