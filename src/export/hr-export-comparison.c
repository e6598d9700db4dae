/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-export-comparison.h"

#include "hr-estimate-comparison.h"
#include "hr-export-document.h"

/**
 * hr_export_comparison_to_bytes:
 * @first: a report
 * @second: another one
 * @format: what to write, one of %HR_EXPORT_COMPARISON_FORMATS
 * @error: return location for a #GError
 *
 * Writes two estimates side by side into memory, in the user's language.
 *
 * Returns: (transfer full): the contents of a file, or %NULL with @error set
 */
GBytes *
hr_export_comparison_to_bytes (HrReport        *first,
                               HrReport        *second,
                               HrExportFormat   format,
                               GError         **error)
{
  g_autoptr (HrDocument) document = NULL;

  g_return_val_if_fail (HR_IS_REPORT (first), NULL);
  g_return_val_if_fail (HR_IS_REPORT (second), NULL);
  g_return_val_if_fail ((HR_EXPORT_COMPARISON_FORMATS & 1u << format) != 0, NULL);

  switch (format)
    {
    case HR_EXPORT_FORMAT_TEXT:
      return hr_export_take_text (hr_report_comparison_to_text (first, second, HR_REPORT_TEXT_STYLE_PLAIN));

    case HR_EXPORT_FORMAT_JSON:
      return hr_export_take_text (hr_report_comparison_to_json (first, second));

    case HR_EXPORT_FORMAT_CSV:
      return hr_export_take_text (hr_report_comparison_to_csv (first, second));

    case HR_EXPORT_FORMAT_MARKDOWN:
      return hr_export_take_text (hr_report_comparison_to_markdown (first, second));

    case HR_EXPORT_FORMAT_HTML:
    case HR_EXPORT_FORMAT_PDF:
      document = hr_report_create_comparison (first, second);

      return hr_export_document_to_bytes (document, format, NULL, NULL, error);

    case HR_EXPORT_FORMAT_SVG:
    case HR_EXPORT_FORMAT_PNG:
    case HR_N_EXPORT_FORMATS:
    default:
      g_return_val_if_reached (NULL);
    }
}
