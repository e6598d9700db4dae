/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model-entry.h"

G_BEGIN_DECLS

HrModelEntry *hr_model_copy_find      (const char  *id,
                                       const char **settings) G_GNUC_WARN_UNUSED_RESULT;
HrModelEntry *hr_model_copy_find_gguf (const char  *id) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
