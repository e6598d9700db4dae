/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-dtype.h"
#include "hr-json.h"
#include "hr-model-entry.h"

G_BEGIN_DECLS

HrModelEntry *_hr_model_entry_new              (HrJson              *row,
                                                const char          *family,
                                                const char * const  *keywords,
                                                GListModel          *rows_above,
                                                GError             **error) G_GNUC_WARN_UNUSED_RESULT;
char         *_hr_model_entry_dup_config       (HrModelEntry        *self) G_GNUC_WARN_UNUSED_RESULT;
HrDtype       _hr_model_entry_get_stored_dtype (HrModelEntry        *self);

G_END_DECLS
