/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <json-glib/json-glib.h>

#include "hr-job.h"
#include "hr-model.h"

/* Returns by how many percent a case of a file is off. */
typedef double (*OracleRun) (JsonNode   *root,
                             JsonObject *test);

JsonNode      *oracle_load_file        (const char *name);
HrModel       *oracle_parse_model      (JsonNode    *config,
                                        const char  *name,
                                        GError     **error);
HrModel       *oracle_load_model       (JsonNode   *root,
                                        const char *name);
HrModel       *oracle_load_model_of    (JsonObject *row,
                                        const char *name);
HrJob         *oracle_make_job         (HrMode      mode,
                                        JsonObject *settings);
int            oracle_get_enum         (JsonObject *object,
                                        const char *key,
                                        GType       type);
HrQuantization oracle_get_quantization (const char *name);
double         oracle_get_percent      (guint64 found,
                                        gint64  expected);
gboolean       oracle_get_figure       (JsonObject *row,
                                        const char *key,
                                        double     *figure);
double         oracle_note_figure      (JsonObject *row,
                                        const char *term,
                                        double      found,
                                        double      expected);
GArray        *oracle_errors_new       (void);
void           oracle_errors_add       (GArray *errors,
                                        double  percent);
void           oracle_errors_judge     (GArray     *errors,
                                        const char *what,
                                        double      max_median,
                                        double      max_worst);
double         oracle_compare_peak     (HrMode      mode,
                                        JsonNode   *root,
                                        JsonObject *test);
void           oracle_judge_cases      (const char *name,
                                        OracleRun   run,
                                        double      max_median,
                                        double      max_worst);
