/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"

G_BEGIN_DECLS

/* Types that tensors of a file have by their names, whatever its file type says. */
typedef struct _HrGgufTypes HrGgufTypes;

gboolean hr_gguf_types_read      (const char         *text,
                                  HrGgufTypes       **types,
                                  GError            **error);
void     hr_gguf_types_free      (HrGgufTypes        *self);
gboolean hr_gguf_types_find      (const HrGgufTypes  *self,
                                  HrModel            *model,
                                  const HrTensor     *tensor,
                                  guint               layer,
                                  guint              *type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGgufTypes, hr_gguf_types_free)

G_END_DECLS
