/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-export.h"
#include "hr-line-data.h"
#include "hr-sweep-report.h"

G_BEGIN_DECLS

/**
 * HR_EXPORT_SWEEP_FORMATS:
 *
 * What a sweep can be written as, as a mask of bits of #HrExportFormat.
 */
#define HR_EXPORT_SWEEP_FORMATS ((1u << HR_N_EXPORT_FORMATS) - 1)

HrLineData *hr_export_create_sweep_data (HrSweep          *sweep,
                                         HrUnitSystem      unit_system,
                                         HrPaletteScheme   scheme) G_GNUC_WARN_UNUSED_RESULT;
GBytes     *hr_export_sweep_to_bytes    (HrSweep          *sweep,
                                         HrUnitSystem      unit_system,
                                         HrExportFormat    format,
                                         GError          **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
