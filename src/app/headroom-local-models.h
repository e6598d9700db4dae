/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_LOCAL_MODELS (headroom_local_models_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomLocalModels, headroom_local_models, HEADROOM, LOCAL_MODELS, GObject)

HeadroomLocalModels *headroom_local_models_get_default (void);
void                 headroom_local_models_scan        (HeadroomLocalModels *self);
GPtrArray           *headroom_local_models_list        (HeadroomLocalModels *self);

G_END_DECLS
