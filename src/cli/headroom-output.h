/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "headroom-arguments.h"
#include "hr-export.h"

G_BEGIN_DECLS

/* Every format that there is, as a mask of bits. */
#define HEADROOM_OUTPUT_ALL ((1u << HR_N_EXPORT_FORMATS) - 1)

HrReportTextStyle headroom_output_get_style   (void);
gboolean          headroom_output_is_terminal (void);
gboolean          headroom_output_write       (const void   *data,
                                               gsize         length,
                                               GError      **error);
gboolean          headroom_output_print       (const char   *text,
                                               GError      **error);
void              headroom_output_print_error (const GError *error);
gboolean          headroom_output_read        (HeadroomArguments  *arguments,
                                               guint               formats,
                                               HrExportFormat     *format,
                                               GFile             **file,
                                               GError            **error);
gboolean          headroom_output_put         (const void         *data,
                                               gsize               length,
                                               GFile              *file,
                                               GError            **error);

G_END_DECLS
