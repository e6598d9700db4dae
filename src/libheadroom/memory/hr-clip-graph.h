/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-ggml-graph.h"
#include "hr-llama-projector.h"

G_BEGIN_DECLS

HrGgmlGraph *hr_clip_graph_new (const HrLlamaProjector *projector,
                                const guint64          *patches) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
