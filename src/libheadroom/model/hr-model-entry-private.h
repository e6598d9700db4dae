/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"
#include "hr-model-entry.h"

G_BEGIN_DECLS

HrModelEntry *_hr_model_entry_new        (HrJson              *row,
                                          const char          *family,
                                          const char * const  *keywords,
                                          GError             **error) G_GNUC_WARN_UNUSED_RESULT;
const char   *_hr_model_entry_get_config (HrModelEntry        *self);

G_END_DECLS
