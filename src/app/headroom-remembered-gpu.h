/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>
#include <hr-gpu.h>

G_BEGIN_DECLS

HrGpu *headroom_remembered_gpu_find (GSettings  *settings,
                                     GListModel *local_gpus,
                                     guint      *n_gpus) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
