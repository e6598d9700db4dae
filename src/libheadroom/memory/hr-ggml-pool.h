/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-ggml-graph.h"

G_BEGIN_DECLS

guint64 hr_ggml_pool_get_bytes (const HrGgmlGraph *graph,
                                gint               node,
                                gboolean           has_tiles);

G_END_DECLS
