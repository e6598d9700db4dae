/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"
#include "hr-model.h"

G_BEGIN_DECLS

/* An adapter_config.json, as PEFT writes it. */
typedef struct _HrAdapter HrAdapter;

gboolean    hr_adapter_is_config        (HrJson      *json);
HrAdapter  *hr_adapter_new_from_json    (HrJson      *json,
                                         GError     **error) G_GNUC_WARN_UNUSED_RESULT;
void        hr_adapter_free             (HrAdapter   *self);
const char *hr_adapter_get_kind         (HrAdapter   *self);
const char *hr_adapter_get_base         (HrAdapter   *self);
guint64     hr_adapter_get_rank         (HrAdapter   *self);
gboolean    hr_adapter_get_alpha        (HrAdapter   *self,
                                         double      *alpha);
gboolean    hr_adapter_count_parameters (HrAdapter   *self,
                                         HrModel     *model,
                                         guint64     *n_parameters,
                                         guint       *n_modules,
                                         GError     **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrAdapter, hr_adapter_free)

G_END_DECLS
