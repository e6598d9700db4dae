/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu-price.h"
#include "hr-json.h"

G_BEGIN_DECLS

gboolean _hr_gpu_price_load (HrJson   *document,
                             GArray   *prices,
                             GError  **error);

G_END_DECLS
