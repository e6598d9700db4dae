/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu-catalogue.h"
#include "hr-json.h"

G_BEGIN_DECLS

gboolean _hr_gpu_catalogue_load (HrJson      *document,
                                 GListStore  *gpus,
                                 GError     **error);

G_END_DECLS
