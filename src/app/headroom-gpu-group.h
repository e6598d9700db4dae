/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_GPU_GROUP (headroom_gpu_group_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomGpuGroup, headroom_gpu_group, HEADROOM, GPU_GROUP, AdwBin)

void headroom_gpu_group_set_session (HeadroomGpuGroup *self,
                                     HeadroomSession  *session,
                                     GListModel       *local_gpus);
void headroom_gpu_group_choose      (HeadroomGpuGroup *self);

G_END_DECLS
