/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>

#include "headroom-log-file.h"
#include "headroom-output.h"
#include "headroom-question.h"
#include "hr-report-calibration.h"

/* The options of the verb that are no settings of a job. */
static const char * const own_options[] = {
  "mode", "gpu", "gpus", "format", "chart", "output", "scenario", "command", "units", "measured", "log",
  "calibration", "calibrate", NULL,
};

/* What is asked for, and where the answer goes. */
typedef struct
{
  HeadroomQuestion question;
  HrUnitSystem units;
  guint64 measured;
  HrLog *log;
  HrCalibration *calibration;
  HrExportFormat format;
  HrExportChart chart;
  GFile *output;
} HeadroomRequest;

static void
headroom_request_clear (HeadroomRequest *self)
{
  headroom_question_clear (&self->question);
  g_clear_object (&self->log);
  g_clear_object (&self->calibration);
  g_clear_object (&self->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HeadroomRequest, headroom_request_clear)

/* The chart of the formats that have any. */
static gboolean
read_chart (HeadroomRequest    *request,
            HeadroomArguments  *arguments,
            GError            **error)
{
  const char *name = headroom_arguments_get (arguments, "chart");

  request->chart = HR_EXPORT_CHART_USUAL;
  if (name == NULL)
    return TRUE;

  if (!hr_export_chart_from_name (name, &request->chart))
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected one of %s, found “%s”"),
                   "--chart", "pie, timeline", name);
      return FALSE;
    }

  if (!hr_export_format_has_charts (request->format))
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected “--format” with one of %s, found “%s”"),
                   "--chart", "html, pdf, svg, png", hr_export_format_get_name (request->format));
      return FALSE;
    }

  return TRUE;
}

/* What somebody has measured, if it is given. */
static gboolean
read_measured (HeadroomRequest    *request,
               HeadroomArguments  *arguments,
               GError            **error)
{
  const char *text = headroom_arguments_get (arguments, "measured");

  if (text == NULL || hr_parse_bytes (text, &request->measured, error))
    return TRUE;

  /* Translators: the name of an option, before what is wrong with its value */
  g_prefix_error (error, _("“%s”: "), "--measured");

  return FALSE;
}

/* What a program has written that did the job, if it is given. */
static gboolean
read_log (HeadroomRequest    *request,
          HeadroomArguments  *arguments,
          GError            **error)
{
  const char *path = headroom_arguments_get (arguments, "log");

  if (path == NULL)
    return TRUE;

  request->log = headroom_log_file_read (path, error);

  return request->log != NULL;
}

/* What is known of the machine, if it is asked for, or to be kept. */
static gboolean
read_calibration (HeadroomRequest    *request,
                  HeadroomArguments  *arguments,
                  GError            **error)
{
  const char *kept = headroom_arguments_get (arguments, "calibrate");
  const char *path = kept != NULL ? kept : headroom_arguments_get (arguments, "calibration");
  g_autoptr (GFile) file = NULL;

  if (path == NULL)
    return TRUE;

  if (kept != NULL && request->log == NULL && request->measured == 0)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected “--log” or “--measured” as well, found neither"),
                   "--calibrate");
      return FALSE;
    }

  file = g_file_new_for_commandline_arg (path);
  request->calibration = hr_calibration_new_from_file (file, error);

  return request->calibration != NULL;
}

/* Before the report is written, so that it tells what was found. */
static gboolean
keep_calibration (HeadroomRequest    *request,
                  HrReport           *report,
                  HeadroomArguments  *arguments,
                  GError            **error)
{
  const char *path = headroom_arguments_get (arguments, "calibrate");
  g_autoptr (GFile) file = NULL;

  if (path == NULL)
    return TRUE;

  file = g_file_new_for_commandline_arg (path);

  return hr_report_calibrate (report, request->log, request->measured, request->calibration, error) &&
         hr_calibration_save (request->calibration, file, error);
}

static gboolean
write_report (HeadroomRequest  *request,
              HrReport         *report,
              GError          **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (request->output != NULL)
    return hr_export_to_file (report, request->format, request->chart, request->output, error);

  if (request->format == HR_EXPORT_FORMAT_TEXT)
    {
      g_autofree char *text = hr_report_to_text (report, headroom_output_get_style ());

      return headroom_output_print (text, error);
    }

  bytes = hr_export_to_bytes (report, request->format, request->chart, error);

  return bytes != NULL && headroom_output_write (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), error);
}

HeadroomStatus
headroom_cli_estimate (HeadroomArguments  *arguments,
                       GError            **error)
{
  g_auto (HeadroomRequest) request = { 0 };
  HeadroomQuestion *question = &request.question;
  g_autoptr (HrScenario) scenario = NULL;
  const char *word = arguments->words->len == 0 ? NULL : g_ptr_array_index (arguments->words, 0);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (HrReport) report = NULL;

  if (!headroom_arguments_check_words (arguments, 1, error)
      || !headroom_question_read (question, arguments, "estimate", word, own_options, error)
      || !headroom_output_read (arguments, HEADROOM_OUTPUT_ALL, &request.format, &request.output, error)
      || !read_chart (&request, arguments, error)
      || !headroom_cli_read_units (arguments, &request.units, error)
      || !read_measured (&request, arguments, error)
      || !read_log (&request, arguments, error)
      || !read_calibration (&request, arguments, error)
      || !headroom_question_load (question, error))
    return HEADROOM_STATUS_FAILED;

  if (hr_export_format_has_charts (request.format))
    estimate = hr_estimator_run_with_timeline (question->model, question->job, question->gpu, question->n_gpus, error);
  else
    estimate = hr_estimator_run (question->model, question->job, question->gpu, question->n_gpus, error);
  if (estimate == NULL)
    return HEADROOM_STATUS_FAILED;

  report = g_object_new (HR_TYPE_REPORT, "estimate", estimate, "job", question->job, "gpu", question->gpu, "n-gpus",
                         question->n_gpus, "unit-system", request.units, "measured-bytes", request.measured, NULL);
  scenario = headroom_question_create_scenario (question);
  hr_report_set_scenario (report, scenario);
  hr_report_set_log (report, request.log);
  hr_report_set_calibration (report, request.calibration);
  if (!keep_calibration (&request, report, arguments, error) || !write_report (&request, report, error))
    return HEADROOM_STATUS_FAILED;

  return hr_report_get_fits (report) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_DOES_NOT_FIT;
}
