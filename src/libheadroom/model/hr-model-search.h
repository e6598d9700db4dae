/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-model-entry.h"

G_BEGIN_DECLS

GListModel *hr_model_search       (const char   *query) G_GNUC_WARN_UNUSED_RESULT;
guint       hr_model_search_score (HrModelEntry *entry,
                                   const char   *query);

G_END_DECLS
