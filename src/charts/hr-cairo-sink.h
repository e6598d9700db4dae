/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <cairo.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * HrCairoSink:
 * @stream: where the bytes go
 * @cancellable: (nullable): what stops them
 * @error: why they stopped
 *
 * Leads what a cairo surface writes into a stream, and keeps the stream's error, which cairo cannot carry.
 */
typedef struct
{
  GOutputStream *stream;
  GCancellable *cancellable;
  GError *error;
} HrCairoSink;

cairo_status_t hr_cairo_sink_write  (void                *sink,
                                     const unsigned char *data,
                                     unsigned int         length);
gboolean       hr_cairo_sink_finish (HrCairoSink         *sink,
                                     cairo_status_t       status,
                                     GError             **error);

G_END_DECLS
