/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-calibration.h"
#include "hr-compute.h"
#include "hr-estimate.h"
#include "hr-gpu.h"
#include "hr-job.h"
#include "hr-log.h"
#include "hr-scenario.h"
#include "hr-units.h"

G_BEGIN_DECLS

/**
 * HrReportTextStyle:
 * @HR_REPORT_TEXT_STYLE_PLAIN: for a file or a pipe
 * @HR_REPORT_TEXT_STYLE_BARS: for a terminal
 * @HR_REPORT_TEXT_STYLE_COLORS: for a terminal that shows colours
 *
 * What a text is written for.
 */
typedef enum
{
  HR_REPORT_TEXT_STYLE_PLAIN,
  HR_REPORT_TEXT_STYLE_BARS,
  HR_REPORT_TEXT_STYLE_COLORS,
} HrReportTextStyle;

#define HR_TYPE_REPORT (hr_report_get_type ())

G_DECLARE_FINAL_TYPE (HrReport, hr_report, HR, REPORT, GObject)

HrReport     *hr_report_new               (HrEstimate        *estimate,
                                           HrJob             *job,
                                           HrGpu             *gpu,
                                           guint              n_gpus,
                                           HrUnitSystem       unit_system) G_GNUC_WARN_UNUSED_RESULT;
guint64         hr_report_get_measured_bytes (HrReport *self);
HrEstimate   *hr_report_get_estimate      (HrReport          *self);
HrModel      *hr_report_get_model         (HrReport          *self);
HrJob        *hr_report_get_job           (HrReport          *self);
HrJob        *hr_report_get_asked_job     (HrReport          *self);
HrGpu        *hr_report_get_gpu           (HrReport          *self);
guint         hr_report_get_n_gpus        (HrReport          *self);
HrUnitSystem  hr_report_get_unit_system   (HrReport          *self);
GDateTime    *hr_report_get_date          (HrReport          *self);
HrScenario   *hr_report_get_scenario      (HrReport          *self);
void          hr_report_set_scenario      (HrReport          *self,
                                           HrScenario        *scenario);
HrLog        *hr_report_get_log           (HrReport          *self);
void          hr_report_set_log           (HrReport          *self,
                                           HrLog             *log);
void          hr_report_set_calibration   (HrReport          *self,
                                           HrCalibration     *calibration);
HrCalibration *hr_report_get_calibration  (HrReport          *self);
gboolean      hr_report_get_fits          (HrReport          *self);
guint64       hr_report_get_free_bytes    (HrReport          *self);
guint64       hr_report_get_missing_bytes (HrReport          *self);
const HrCompute *hr_report_get_compute    (HrReport          *self,
                                           const char       **reason);
GPtrArray    *hr_report_list_advice       (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray    *hr_report_list_gpus         (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray    *hr_report_list_largest      (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray    *hr_report_list_capacities   (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray    *hr_report_list_formats      (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
GStrv         hr_report_dup_warnings      (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_report_dup_verdict       (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_report_dup_file_name     (HrReport          *self,
                                           const char        *extension) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_report_to_text           (HrReport          *self,
                                           HrReportTextStyle  style) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_report_to_json           (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_report_to_csv            (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_report_to_markdown       (HrReport          *self) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_report_to_html           (HrReport          *self,
                                           const char        *chart,
                                           const char        *timeline) G_GNUC_WARN_UNUSED_RESULT;

char         *hr_report_dup_device_name     (HrReport *self,
                                             guint     device) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_report_dup_device_parts    (HrReport *self,
                                             guint     device) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
