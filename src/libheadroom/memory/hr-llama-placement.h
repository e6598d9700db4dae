/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gguf-names.h"
#include "hr-llama-plan.h"

G_BEGIN_DECLS

/**
 * HrLlamaRule:
 * @override: where the first pattern that its name has says that it is, or %HR_GGML_NONE
 * @moves: flags of HrLlamaMove, each of which moves it with its layer's
 *
 * What moves a tensor.
 */
typedef struct
{
  gint override;
  guint moves;
} HrLlamaRule;

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
guint       hr_llama_placement_find_rules  (const HrLlamaPlan  *plan,
                                            const HrTensor     *tensor,
                                            guint               layer,
                                            HrLlamaRule        *rules);
gint        hr_llama_placement_apply       (const HrLlamaPlan  *plan,
                                            guint               layer,
                                            const HrLlamaRule  *rule,
                                            gint                place);
const char *hr_llama_placement_name_norm   (const HrLlamaPlan  *plan,
                                            const HrSublayer   *sublayer,
                                            const HrBlock      *norm);

G_END_DECLS
