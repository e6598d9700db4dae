/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-change-list.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_GPU_LIST (headroom_gpu_list_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomGpuList, headroom_gpu_list, HEADROOM, GPU_LIST, HeadroomChangeList)

GtkWidget *headroom_gpu_list_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
