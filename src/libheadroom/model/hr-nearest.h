/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-architecture.h"

G_BEGIN_DECLS

HrArchitecture *hr_nearest_load (HrJson      *config,
                                 const char  *model_type,
                                 gboolean    *is_generic,
                                 GPtrArray   *warnings,
                                 GError     **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
