/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-document.h"
#include "hr-report.h"

G_BEGIN_DECLS

/**
 * HrEstimateFigure: (skip)
 * @section: what the figure is one of: `component`, `phase` or `total`
 * @id: a key that does not depend on the language
 * @label: what it is, in the user's language
 * @is_there: for each estimate whether it has the figure
 * @bytes: for each estimate the figure
 *
 * A figure of two estimates. One that an estimate has not is not there, which is not zero.
 */
typedef struct
{
  const char *section;
  const char *id;
  const char *label;
  gboolean is_there[2];
  guint64 bytes[2];
} HrEstimateFigure;

/**
 * HrSettingDifference: (skip)
 * @name: the name of a setting, or `model`, `mode`, `gpu` or `gpus`
 * @label: what a person calls it
 * @values: for each estimate its value as a program writes it, or %NULL where it has no such setting
 * @texts: for each estimate what a person calls the value, or %NULL as in @values
 *
 * A setting in which two estimates differ.
 */
typedef struct
{
  char *name;
  char *label;
  char *values[2];
  char *texts[2];
} HrSettingDifference;

GArray     *hr_estimate_compare              (HrEstimate        *first,
                                              HrEstimate        *second) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray  *hr_report_compare_settings       (HrReport          *first,
                                              HrReport          *second) G_GNUC_WARN_UNUSED_RESULT;
HrDocument *hr_report_create_comparison      (HrReport          *first,
                                              HrReport          *second) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_report_comparison_to_text     (HrReport          *first,
                                              HrReport          *second,
                                              HrReportTextStyle  style) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_report_comparison_to_markdown (HrReport          *first,
                                              HrReport          *second) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_report_comparison_to_csv      (HrReport          *first,
                                              HrReport          *second) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_report_comparison_to_json     (HrReport          *first,
                                              HrReport          *second) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
