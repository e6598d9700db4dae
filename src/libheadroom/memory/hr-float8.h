/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"
#include "hr-model.h"

G_BEGIN_DECLS

typedef struct _HrFloat8 HrFloat8;

HrFloat8   *hr_float8_new             (HrModel        *model,
                                       HrFp8Recipe     recipe,
                                       gboolean        skips_first,
                                       gboolean        pads) G_GNUC_WARN_UNUSED_RESULT;
HrFloat8   *hr_float8_new_for_engine  (HrModel        *model,
                                       HrFp8Recipe     recipe) G_GNUC_WARN_UNUSED_RESULT;
void        hr_float8_free            (HrFloat8       *self);
gboolean    hr_float8_is_by_engine    (const HrFloat8 *self);
guint64     hr_float8_get_state_bytes (const HrFloat8 *self);
HrFp8Recipe hr_float8_get_recipe      (const HrFloat8 *self);
gboolean    hr_float8_get_pads        (const HrFloat8 *self);
guint64     hr_float8_get_n_converted (const HrFloat8 *self);
guint64     hr_float8_get_n_others    (const HrFloat8 *self);
gboolean    hr_float8_converts        (const HrFloat8 *self,
                                       const char     *block,
                                       HrModule        module,
                                       int             layer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrFloat8, hr_float8_free)

G_END_DECLS
