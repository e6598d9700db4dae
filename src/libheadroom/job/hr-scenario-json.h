/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <json-glib/json-glib.h>

#include "hr-json.h"
#include "hr-scenario.h"

G_BEGIN_DECLS

gboolean    hr_scenario_json_probe (HrJson       *root);
HrScenario *hr_scenario_json_read  (HrJson       *root,
                                    GFile        *file,
                                    GError      **error) G_GNUC_WARN_UNUSED_RESULT;
void        hr_scenario_json_build (HrScenario   *self,
                                    GFile        *file,
                                    JsonBuilder  *builder);

G_END_DECLS
