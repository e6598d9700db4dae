/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-export.h"

G_BEGIN_DECLS

GBytes *hr_export_add_scenario (GBytes         *contents,
                                HrExportFormat  format,
                                HrScenario     *scenario) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
