/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"
#include "hr-model-catalogue.h"

G_BEGIN_DECLS

gboolean _hr_model_catalogue_load (HrJson      *document,
                                   GListStore  *entries,
                                   GError     **error);

G_END_DECLS
