/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <json-glib/json-glib.h>

#include "hr-job.h"
#include "hr-json.h"

G_BEGIN_DECLS

void     hr_job_mark_setting  (GParamSpec   *pspec,
                               guint         position,
                               gboolean      expert);
guint    hr_job_setting_get_position (GParamSpec *pspec);
void     hr_job_set_text      (char        **text,
                               const GValue *value,
                               GParamSpec   *pspec);
void     hr_job_mark_model    (GParamSpec   *pspec);
void     hr_job_mark_patterns (GParamSpec   *pspec);
void     hr_job_mark_left_open (GParamSpec  *pspec);
gboolean hr_job_is_line       (const char   *text);
const GPtrArray *hr_job_get_model_settings (HrJob *self);
void     hr_job_copy_models   (HrJob        *self,
                               HrJob        *copy);
gboolean hr_job_real_uses_setting (HrJob       *self,
                                   GParamSpec  *setting,
                                   GParamSpec **because);
gboolean hr_job_read_mode     (HrJson       *node,
                               HrMode       *mode,
                               GError      **error);
gboolean hr_job_set_from_json (HrJob        *self,
                               HrJson       *node,
                               GError      **error);
char    *hr_job_suggest_settings (HrJob     *self,
                               const char   *name);
void     hr_job_build_json    (HrJob        *self,
                               JsonBuilder  *builder);

G_END_DECLS
