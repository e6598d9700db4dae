/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

HrKeptLayers *hr_kept_layers_new              (guint               n_layers) G_GNUC_WARN_UNUSED_RESULT;
void          hr_kept_layers_free             (HrKeptLayers       *self);
void          hr_kept_layers_add              (HrKeptLayers       *self,
                                               HrReplay           *replay,
                                               const HrStretch    *stretch,
                                               guint               layer,
                                               HrValue             input,
                                               HrValue             output);
void          hr_kept_layers_repeat           (HrKeptLayers       *self,
                                               guint               layer,
                                               guint               like);
gboolean      hr_kept_layers_find             (const HrKeptLayers *self,
                                               HrComponentId       component,
                                               guint64             bytes,
                                               guint              *n_layers);
char         *hr_kept_layers_new_formula      (const HrKeptLayers *self,
                                               HrComponentId       component,
                                               guint               n_layers) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_kept_layers_new_substitution (const HrKeptLayers *self,
                                               HrComponentId       component,
                                               guint               n_layers) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrKeptLayers, hr_kept_layers_free)

G_END_DECLS
