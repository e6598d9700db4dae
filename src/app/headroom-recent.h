/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void       headroom_recent_add       (GSettings *settings,
                                      GFile     *file);
void       headroom_recent_remove    (GSettings *settings,
                                      GFile     *file);
GPtrArray *headroom_recent_list      (GSettings *settings) G_GNUC_WARN_UNUSED_RESULT;
char      *headroom_recent_get_name  (GFile     *file) G_GNUC_WARN_UNUSED_RESULT;
char      *headroom_recent_get_place (GFile     *file) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
