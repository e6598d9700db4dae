/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <json-glib/json-glib.h>

#include "hr-job.h"

G_BEGIN_DECLS

void     hr_job_mark_setting  (GParamSpec  *pspec,
                               guint        position,
                               gboolean     expert);
gboolean hr_job_set_from_json (HrJob       *self,
                               const char  *property,
                               JsonNode    *node,
                               GError     **error);

G_END_DECLS
