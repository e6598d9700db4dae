/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-llama-layers.h"

G_BEGIN_DECLS

gboolean     hr_llama_graph_check (HrModel             *model,
                                   const HrStack       *stack,
                                   HrLlamaRelease       release,
                                   GError             **error);
HrGgmlGraph *hr_llama_graph_new   (const HrLlamaPlan   *plan,
                                   const HrLlamaLayers *layers,
                                   guint64              n_tokens,
                                   guint64              n_outputs) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
