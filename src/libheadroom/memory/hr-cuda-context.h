/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-framework.h"

G_BEGIN_DECLS

gboolean hr_cuda_context_get_bytes       (HrGpu       *gpu,
                                          guint64     *bytes);
gboolean hr_cuda_context_get_stack_bytes (guint        capability,
                                          guint        n_multiprocessors,
                                          guint64     *bytes);
guint64  hr_cuda_context_get_page_bytes  (guint64      pinned);
gboolean hr_cuda_context_init_for_ggml   (HrFramework *framework,
                                          HrGpu       *gpu);
gboolean hr_cuda_context_has_tiles       (HrGpu       *gpu);
gboolean hr_cuda_context_is_alike        (HrGpu       *gpu,
                                          HrGpu       *other);

G_END_DECLS
