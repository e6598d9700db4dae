/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-cairo-sink.h"

#include <glib/gi18n-lib.h>

/**
 * hr_cairo_sink_write:
 * @sink: a `HrCairoSink`
 * @data: (array length=length): bytes
 * @length: how many
 *
 * A `cairo_write_func_t`. After the first error nothing more is written.
 *
 * cairo is not told: where a write fails in the middle of a PDF, cairo 1.16 finishes the fonts without what it has not
 * written, and reads from NULL. hr_cairo_sink_finish() tells.
 *
 * Returns: that all is well
 */
cairo_status_t
hr_cairo_sink_write (void                *sink,
                     const unsigned char *data,
                     unsigned int         length)
{
  HrCairoSink *self = sink;

  /* Not every stream asks for itself. */
  if (self->error == NULL && !g_cancellable_set_error_if_cancelled (self->cancellable, &self->error))
    g_output_stream_write_all (self->stream, data, length, NULL, self->cancellable, &self->error);

  return CAIRO_STATUS_SUCCESS;
}

/**
 * hr_cairo_sink_finish:
 * @sink: a sink
 * @status: what cairo says about the surface or the call that wrote to @sink
 * @error: return location for an error
 *
 * Tells whether everything arrived.
 *
 * Returns: whether it did; if not, @error is the stream's own error, or cairo's as %G_IO_ERROR_FAILED
 */
gboolean
hr_cairo_sink_finish (HrCairoSink     *sink,
                      cairo_status_t   status,
                      GError         **error)
{
  g_return_val_if_fail (sink != NULL, FALSE);

  if (sink->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&sink->error));
      return FALSE;
    }

  if (status != CAIRO_STATUS_SUCCESS)
    {
      /* Translators: %s is a message of the drawing library cairo, in English */
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("Could not draw the picture: %s"),
                   cairo_status_to_string (status));
      return FALSE;
    }

  return TRUE;
}
