/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <json-glib/json-glib.h>

#include "hr-anatomy.h"
#include "hr-document.h"
#include "hr-report.h"

G_BEGIN_DECLS

char        *hr_json_builder_to_text     (JsonBuilder  *builder) G_GNUC_WARN_UNUSED_RESULT;
void         hr_json_build_string       (JsonBuilder  *builder,
                                         const char   *name,
                                         const char   *value);
void         hr_json_build_integer      (JsonBuilder  *builder,
                                         const char   *name,
                                         gint64        value);
void         hr_medium_tokens_build_json (const HrMediumTokens *item,
                                          JsonBuilder          *builder);
void         hr_csv_append_field        (GString      *string,
                                         const char   *text);
char        *hr_report_describe_setting (HrJob        *job,
                                         GParamSpec   *setting) G_GNUC_WARN_UNUSED_RESULT;
HrDtype      hr_report_get_kv_cache_dtype (HrReport    *self);
HrJob       *hr_report_dup_reading      (HrReport     *self) G_GNUC_WARN_UNUSED_RESULT;
HrAnatomy   *hr_report_get_anatomy      (HrReport     *self);
void         hr_anatomy_table_add_to    (HrAnatomyTable *self,
                                         HrUnitSystem    unit_system,
                                         HrDocument     *document);
void         hr_report_build_compute    (HrReport     *self,
                                         JsonBuilder  *builder);
void         hr_report_add_compute      (HrReport     *self,
                                         HrDocument   *document);
char        *hr_report_dup_footer       (GDateTime    *date) G_GNUC_WARN_UNUSED_RESULT;

const char  *hr_model_get_class_label   (HrModel      *self);
gboolean     hr_model_uses_window       (HrModel      *self);
gboolean     hr_model_get_fact          (HrModel      *self,
                                         const char   *name,
                                         guint64      *value);
char        *hr_model_dup_file_name     (HrModel      *self) G_GNUC_WARN_UNUSED_RESULT;
void         hr_model_build_json        (HrModel      *self,
                                         HrDtype       kv_cache_dtype,
                                         guint64       n_trainable,
                                         JsonBuilder  *builder);
void         hr_model_add_facts         (HrModel      *self,
                                         HrDtype       kv_cache_dtype,
                                         HrUnitSystem  unit_system,
                                         HrDocument   *document);

G_END_DECLS
