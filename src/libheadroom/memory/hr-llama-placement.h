/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-llama-plan.h"

G_BEGIN_DECLS

/* The most tensors that a file has one of a model's divided into, in layers. */
#define HR_LLAMA_MAX_PIECES 2

gboolean    hr_llama_placement_read        (HrLlamaPlan        *plan,
                                            const char         *overrides,
                                            GError            **error);
gint        hr_llama_placement_find        (const HrLlamaPlan  *plan,
                                            guint               layer,
                                            const char         *name,
                                            gint                place);
gint        hr_llama_placement_find_module (const HrLlamaPlan  *plan,
                                            guint               layer,
                                            const HrBlock      *block,
                                            HrModule            module,
                                            const char         *ending,
                                            gint                place);
guint       hr_llama_placement_find_pieces (const HrLlamaPlan  *plan,
                                            const HrTensor     *tensor,
                                            guint               layer,
                                            gint                place,
                                            gint               *places);
const char *hr_llama_placement_name_norm   (const HrLlamaPlan  *plan,
                                            const HrSublayer   *sublayer,
                                            const HrBlock      *norm);

G_END_DECLS
