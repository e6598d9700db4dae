/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>

#include "headroom-output.h"
#include "hr-export.h"

/* The options of the verb that are no settings of a job. */
static const char * const own_options[] = {
  "mode", "gpu", "gpus", "format", "chart", "output", "scenario", "units", NULL,
};

/* What is asked for: a scenario, and where the answer goes. */
typedef struct
{
  char *model;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
  HrUnitSystem units;
  HrExportFormat format;
  HrExportChart chart;
  GFile *output;
} HeadroomRequest;

static void
headroom_request_clear (HeadroomRequest *self)
{
  g_clear_pointer (&self->model, g_free);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
  g_clear_object (&self->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HeadroomRequest, headroom_request_clear)

static gboolean
read_scenario (HeadroomArguments  *arguments,
               HrScenario        **scenario,
               GError            **error)
{
  const char *path = headroom_arguments_get (arguments, "scenario");
  const char *word = arguments->words->len == 0 ? NULL : g_ptr_array_index (arguments->words, 0);
  g_autoptr (GFile) file = NULL;

  *scenario = NULL;

  if (path == NULL && word != NULL && g_str_has_suffix (word, ".headroom"))
    path = word;

  if (path == NULL)
    return TRUE;

  file = g_file_new_for_path (path);
  *scenario = hr_scenario_new_from_file (file, error);

  return *scenario != NULL;
}

static gboolean
read_model (HeadroomRequest    *request,
            HeadroomArguments  *arguments,
            HrScenario         *scenario,
            GError            **error)
{
  const char *word = arguments->words->len == 0 ? NULL : g_ptr_array_index (arguments->words, 0);

  if (word != NULL && (scenario == NULL || headroom_arguments_has (arguments, "scenario")))
    request->model = g_strdup (word);
  else if (scenario != NULL)
    request->model = g_strdup (hr_scenario_get_model (scenario));

  if (request->model != NULL)
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
               _("“%s”: expected the path or the id of a model, found none; see “headroom-cli %s --help”"),
               "estimate", "estimate");
  return FALSE;
}

/* Settings that the mode of the scenario and another mode have in common are kept. */
static HrJob *
create_job (HrMode      mode,
            HrScenario *scenario)
{
  HrJob *job;
  HrJob *old;
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  if (scenario == NULL)
    return hr_job_new (mode);

  old = hr_scenario_get_job (scenario);
  if (hr_job_get_mode (old) == mode)
    return g_object_ref (old);

  job = hr_job_new (mode);
  settings = hr_job_list_settings (old, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *value = hr_job_get_as_string (old, settings[i]->name);

      hr_job_set_from_string (job, settings[i]->name, value, NULL);
    }

  return job;
}

static gboolean
read_job (HeadroomRequest    *request,
          HeadroomArguments  *arguments,
          HrScenario         *scenario,
          GError            **error)
{
  const char *mode_name = headroom_arguments_get (arguments, "mode");
  HrMode mode = scenario != NULL ? hr_job_get_mode (hr_scenario_get_job (scenario)) : HR_MODE_INFERENCE;

  if (mode_name != NULL && !hr_mode_from_name (mode_name, &mode, error))
    return FALSE;

  request->job = create_job (mode, scenario);

  for (guint i = 0; i < arguments->options->len; i++)
    {
      const HeadroomOption *option = g_ptr_array_index (arguments->options, i);

      if (g_strv_contains (own_options, option->name))
        continue;

      if (option->value == NULL)
        {
          g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“--%s”: there is no such option"), option->name);
          return FALSE;
        }

      if (!hr_job_set_from_string (request->job, option->name, option->value, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
read_gpus (HeadroomRequest    *request,
           HeadroomArguments  *arguments,
           HrScenario         *scenario,
           GError            **error)
{
  const char *name = headroom_arguments_get (arguments, "gpu");
  const char *number = headroom_arguments_get (arguments, "gpus");
  guint64 n_gpus = scenario != NULL ? hr_scenario_get_n_gpus (scenario) : 1;

  if (name == NULL && scenario != NULL)
    name = hr_scenario_get_gpu (scenario);

  if (number != NULL && !g_ascii_string_to_unsigned (number, 10, 1, HR_SCENARIO_MAX_GPUS, &n_gpus, NULL))
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected a whole number from 1 to %d, found “%s”"),
                   "--gpus", HR_SCENARIO_MAX_GPUS, number);
      return FALSE;
    }

  request->n_gpus = n_gpus;
  if (name == NULL)
    return TRUE;

  request->gpu = hr_gpu_catalogue_lookup (name, error);
  if (request->gpu == NULL)
    g_prefix_error (error, "--gpu: ");

  return request->gpu != NULL;
}

static char *
list_formats (void)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (HrExportFormat format = 0; format < HR_N_EXPORT_FORMATS; format++)
    g_string_append_printf (names, "%s%s", format == 0 ? "" : ", ", hr_export_format_get_name (format));

  return g_string_free (g_steal_pointer (&names), FALSE);
}

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

static gboolean
read_output (HeadroomRequest    *request,
             HeadroomArguments  *arguments,
             GError            **error)
{
  const char *name = headroom_arguments_get (arguments, "format");
  const char *path = headroom_arguments_get (arguments, "output");
  g_autofree char *names = list_formats ();

  request->format = HR_EXPORT_FORMAT_TEXT;
  if (path != NULL && !g_str_equal (path, "-"))
    request->output = g_file_new_for_path (path);

  if (name != NULL)
    {
      if (!hr_export_format_from_name (name, &request->format))
        {
          g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected one of %s, found “%s”"),
                       "--format", names, name);
          return FALSE;
        }
    }
  else if (request->output != NULL && !hr_export_format_from_file (request->output, &request->format))
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("“%s”: expected a file name with the extension of a format, or “--format” with one of %s; "
                     "found “%s”"),
                   "--output", names, path);
      return FALSE;
    }

  if (!read_chart (request, arguments, error))
    return FALSE;

  if (request->output == NULL && hr_export_format_is_binary (request->format) && headroom_output_is_terminal ())
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("“--format %s”: expected “--output FILE”, as this is no text for a terminal"),
                   hr_export_format_get_name (request->format));
      return FALSE;
    }

  return TRUE;
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
  g_auto (HeadroomRequest) request = { NULL, };
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (HrModel) model = NULL;
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (HrReport) report = NULL;

  if (!headroom_arguments_check_words (arguments, 1, error)
      || !read_scenario (arguments, &scenario, error)
      || !read_model (&request, arguments, scenario, error)
      || !read_job (&request, arguments, scenario, error)
      || !read_gpus (&request, arguments, scenario, error)
      || !read_output (&request, arguments, error)
      || !headroom_cli_read_units (arguments, &request.units, error))
    return HEADROOM_STATUS_FAILED;

  model = hr_model_new_from_name (request.model, error);
  if (model == NULL || !hr_job_load_models (request.job, error))
    return HEADROOM_STATUS_FAILED;

  if (hr_export_format_has_charts (request.format))
    estimate = hr_estimator_run_with_timeline (model, request.job, request.gpu, request.n_gpus, error);
  else
    estimate = hr_estimator_run (model, request.job, request.gpu, request.n_gpus, error);
  if (estimate == NULL)
    return HEADROOM_STATUS_FAILED;

  report = hr_report_new (estimate, request.job, request.gpu, request.n_gpus, request.units);
  if (!write_report (&request, report, error))
    return HEADROOM_STATUS_FAILED;

  return hr_report_get_fits (report) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_DOES_NOT_FIT;
}
