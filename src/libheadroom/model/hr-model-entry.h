/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define HR_TYPE_MODEL_ENTRY (hr_model_entry_get_type ())

G_DECLARE_FINAL_TYPE (HrModelEntry, hr_model_entry, HR, MODEL_ENTRY, GObject)

const char         *hr_model_entry_get_id           (HrModelEntry  *self);
const char         *hr_model_entry_get_name         (HrModelEntry  *self);
const char         *hr_model_entry_get_family       (HrModelEntry  *self);
const char         *hr_model_entry_get_source       (HrModelEntry  *self);
const char         *hr_model_entry_get_checked      (HrModelEntry  *self);
const char * const *hr_model_entry_get_keywords     (HrModelEntry  *self);
GPtrArray          *hr_model_entry_get_aliases      (HrModelEntry  *self);
gboolean            hr_model_entry_get_n_parameters (HrModelEntry  *self,
                                                     guint64       *n_parameters);

G_END_DECLS
