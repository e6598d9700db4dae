/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_SWEEP_GPUS (headroom_sweep_gpus_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomSweepGpus, headroom_sweep_gpus, HEADROOM, SWEEP_GPUS, AdwBin)

void headroom_sweep_gpus_set_gpus (HeadroomSweepGpus *self,
                                   GListStore        *gpus);

G_END_DECLS
