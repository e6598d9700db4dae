/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "headroom.h"

G_BEGIN_DECLS

HrReportTextStyle headroom_output_get_style   (void);
gboolean          headroom_output_is_terminal (void);
gboolean          headroom_output_write       (const void   *data,
                                               gsize         length,
                                               GError      **error);
gboolean          headroom_output_print       (const char   *text,
                                               GError      **error);
void              headroom_output_print_error (const GError *error);

G_END_DECLS
