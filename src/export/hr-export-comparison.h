/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-export.h"

G_BEGIN_DECLS

/**
 * HR_EXPORT_COMPARISON_FORMATS:
 *
 * What a comparison can be written as, as a mask of bits of #HrExportFormat: all but pictures.
 */
#define HR_EXPORT_COMPARISON_FORMATS (1u << HR_EXPORT_FORMAT_TEXT | 1u << HR_EXPORT_FORMAT_JSON | \
                                      1u << HR_EXPORT_FORMAT_CSV | 1u << HR_EXPORT_FORMAT_MARKDOWN | \
                                      1u << HR_EXPORT_FORMAT_HTML | 1u << HR_EXPORT_FORMAT_PDF)

GBytes *hr_export_comparison_to_bytes (HrReport        *first,
                                       HrReport        *second,
                                       HrExportFormat   format,
                                       GError         **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
