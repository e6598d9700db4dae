/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-model-entry.h"

G_BEGIN_DECLS

GListModel   *hr_model_catalogue_get_default (void);
HrModelEntry *hr_model_catalogue_lookup      (const char  *id,
                                              GError     **error) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_model_catalogue_dup_config  (const char  *id,
                                              char       **source,
                                              GError     **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
