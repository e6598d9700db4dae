/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-export-document.h"

#include <string.h>

#include "hr-export-pdf.h"

/* Twice the pixels of the drawing, so that the picture is sharp on dense screens. */
#define PNG_SCALE 2

/* @text: (transfer full) */
GBytes *
hr_export_take_text (char *text)
{
  return g_bytes_new_take (text, strlen (text));
}

/* Writes a picture as a string. */
char *
hr_export_picture_to_svg (HrChartPicture  *picture,
                          GError         **error)
{
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();

  /* A zero byte makes it a string. */
  if (!hr_chart_picture_write_svg (picture, stream, NULL, error) ||
      !g_output_stream_write_all (stream, "", 1, NULL, NULL, error) ||
      !g_output_stream_close (stream, NULL, error))
    return NULL;

  return g_memory_output_stream_steal_data (G_MEMORY_OUTPUT_STREAM (stream));
}

static GBytes *
export_html (HrDocument      *document,
             HrChartPicture  *picture,
             HrChartPicture  *timeline,
             GError         **error)
{
  g_autofree char *picture_svg = NULL;
  g_autofree char *timeline_svg = NULL;

  if ((picture != NULL && (picture_svg = hr_export_picture_to_svg (picture, error)) == NULL) ||
      (timeline != NULL && (timeline_svg = hr_export_picture_to_svg (timeline, error)) == NULL))
    return NULL;

  return hr_export_take_text (hr_document_to_html (document, picture_svg, timeline_svg));
}

/*
 * hr_export_document_to_bytes:
 * @document: a document
 * @format: what to write it as: a page, or the format of a picture, which then is all that is written
 * @picture: (nullable): the picture of its chart
 * @timeline: (nullable): the picture of its timeline
 * @error: return location for a #GError
 *
 * Writes a document with the pictures that there are where it has them.
 *
 * Returns: (transfer full): the contents of a file, or %NULL with @error set
 */
GBytes *
hr_export_document_to_bytes (HrDocument      *document,
                             HrExportFormat   format,
                             HrChartPicture  *picture,
                             HrChartPicture  *timeline,
                             GError         **error)
{
  g_autoptr (GOutputStream) stream = NULL;
  HrChartPicture *only = picture != NULL ? picture : timeline;
  gboolean written;

  if (format == HR_EXPORT_FORMAT_HTML)
    return export_html (document, picture, timeline, error);

  stream = g_memory_output_stream_new_resizable ();
  if (format == HR_EXPORT_FORMAT_PDF)
    written = hr_export_document_to_pdf (document, picture, timeline, stream, error);
  else if (format == HR_EXPORT_FORMAT_SVG)
    written = hr_chart_picture_write_svg (only, stream, NULL, error);
  else
    written = hr_chart_picture_write_png (only, PNG_SCALE, stream, NULL, error);

  if (!written || !g_output_stream_close (stream, NULL, error))
    return NULL;

  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (stream));
}
