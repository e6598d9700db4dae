/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>

#include "headroom-output.h"
#include "headroom-question.h"
#include "hr-export-sweep.h"

/* The options of the verb that are no settings of a job. */
static const char * const own_options[] = {
  "over", "by", "capacity", "component", "mode", "gpu", "gpus", "format", "output", "scenario", "units", NULL,
};

/* What is asked for: questions side by side, and where the answer goes. */
typedef struct
{
  HeadroomQuestion questions[HR_SWEEP_MAX_LINES];
  guint n_questions;
  HrUnitSystem units;
  HrExportFormat format;
  GFile *output;
} SweepRequest;

static void
sweep_request_clear (SweepRequest *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->questions); i++)
    headroom_question_clear (&self->questions[i]);
  g_clear_object (&self->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SweepRequest, sweep_request_clear)

static gboolean
read_questions (SweepRequest       *request,
                HeadroomArguments  *arguments,
                GError            **error)
{
  if (!headroom_arguments_check_words (arguments, HR_SWEEP_MAX_LINES, error))
    return FALSE;

  request->n_questions = MAX (arguments->words->len, 1);
  for (guint i = 0; i < request->n_questions; i++)
    {
      const char *word = arguments->words->len == 0 ? NULL : g_ptr_array_index (arguments->words, i);

      if (!headroom_question_read (&request->questions[i], arguments, "sweep", word, own_options, error)
          || !headroom_question_load (&request->questions[i], error))
        return FALSE;
    }

  return TRUE;
}

/* GPUs that are named beside those of the questions. */
static gboolean
add_capacities (HrSweep            *sweep,
                HeadroomArguments  *arguments,
                GError            **error)
{
  const char *names = headroom_arguments_get (arguments, "capacity");
  g_auto (GStrv) parts = g_strsplit (names != NULL ? names : "", ",", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (parts[i], error);

      if (gpu == NULL)
        {
          g_prefix_error (error, "--capacity: ");
          return FALSE;
        }
      hr_sweep_add_gpu (sweep, gpu);
    }

  return TRUE;
}

/* A part of the peak that is looked at alone. */
static gboolean
read_component (HrSweep            *sweep,
                HeadroomArguments  *arguments,
                GError            **error)
{
  const char *name = headroom_arguments_get (arguments, "component");
  g_autoptr (GString) names = g_string_new (NULL);

  if (name == NULL)
    return TRUE;

  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    {
      if (g_str_equal (hr_component_id_get_name (id), name))
        {
          hr_sweep_set_component (sweep, id);
          return TRUE;
        }
      g_string_append_printf (names, "%s%s", id > 0 ? ", " : "", hr_component_id_get_name (id));
    }

  g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“%s”: expected one of %s, found “%s”"), "--component",
               names->str, name);
  return FALSE;
}

/* The first question decides what the usual range is. */
static HrSweep *
read_sweep (SweepRequest       *request,
            HeadroomArguments  *arguments,
            GError            **error)
{
  const HeadroomQuestion *question = &request->questions[0];
  const char *over = headroom_arguments_get (arguments, "over");
  g_auto (GStrv) parts = g_strsplit (over != NULL ? over : "", "=", 2);
  g_autoptr (GArray) values = NULL;
  HrSweepRange range;

  if (over == NULL || *over == '\0')
    {
      g_auto (GStrv) names = hr_sweep_list_settings (question->job);
      g_autofree char *list = g_strjoinv (", ", names);

      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected “--over” with one of %s, found none"), "sweep",
                   list);
      return NULL;
    }

  if (!hr_sweep_has_setting (question->job, parts[0], error))
    {
      g_prefix_error (error, "--over: ");
      return NULL;
    }

  if (parts[1] != NULL)
    values = hr_sweep_values_parse (question->job, parts[0], parts[1], error);
  else
    {
      hr_sweep_range_init (&range, question->job, question->model, parts[0]);
      values = hr_sweep_range_list (&range, hr_sweep_setting_is_whole (question->job, parts[0]));
    }
  if (values == NULL)
    {
      g_prefix_error (error, "--over: ");
      return NULL;
    }

  return hr_sweep_new (parts[0], (const double *) values->data, values->len);
}

/* What a configuration is called: the model, and the value that tells it from the others. */
static char *
dup_label (const HeadroomQuestion *question,
           const char             *value)
{
  const char *name = hr_model_get_name (question->model);

  /* Translators: the name of a configuration: 1 that of a model, 2 what tells it from others, such as “sdpa” */
  return value != NULL ? g_strdup_printf (_("%1$s, %2$s"), name, value) : g_strdup (name);
}

/* Whether one more line has room; seven are as many as can be told apart. */
static gboolean
check_room (HrSweep  *sweep,
            GError  **error)
{
  if (hr_sweep_get_n_lines (sweep) < HR_SWEEP_MAX_LINES)
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE, _("“%s”: expected at most %d configurations, found more"), "sweep",
               HR_SWEEP_MAX_LINES);
  return FALSE;
}

static gboolean
add_varied_lines (HrSweep                 *sweep,
                  const HeadroomQuestion  *question,
                  const char              *by,
                  GError                 **error)
{
  g_auto (GStrv) parts = g_strsplit (by, "=", 2);
  g_auto (GStrv) values = NULL;

  if (g_strv_length (parts) != 2)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected SETTING=VALUE,VALUE…, found “%s”"), "--by", by);
      return FALSE;
    }

  values = g_strsplit (parts[1], ",", -1);
  for (guint i = 0; values[i] != NULL; i++)
    {
      g_autoptr (HrJob) job = hr_job_copy (question->job);
      g_autofree char *label = dup_label (question, values[i]);

      if (!check_room (sweep, error) || !hr_job_set_from_string (job, parts[0], values[i], error)
          || !hr_job_load_models (job, error))
        return FALSE;
      hr_sweep_add_line (sweep, label, question->model, job, question->gpu, question->n_gpus);
    }

  return TRUE;
}

static gboolean
add_lines (HrSweep            *sweep,
           SweepRequest       *request,
           HeadroomArguments  *arguments,
           GError            **error)
{
  const char *by = headroom_arguments_get (arguments, "by");

  for (guint i = 0; i < request->n_questions; i++)
    {
      const HeadroomQuestion *question = &request->questions[i];
      g_autofree char *label = dup_label (question, NULL);

      if (by != NULL ? !add_varied_lines (sweep, question, by, error) : !check_room (sweep, error))
        return FALSE;
      if (by == NULL)
        hr_sweep_add_line (sweep, label, question->model, question->job, question->gpu, question->n_gpus);
    }

  return TRUE;
}

/* Where there is no estimate at all, the first reason says why. */
static gboolean
check_points (HrSweep  *sweep,
              GError  **error)
{
  const char *reason = NULL;
  guint n_values;

  hr_sweep_get_values (sweep, &n_values);
  for (guint i = 0; i < hr_sweep_get_n_lines (sweep); i++)
    {
      for (guint j = 0; j < n_values; j++)
        {
          const HrSweepPoint *point = &hr_sweep_get_line (sweep, i)->points[j];

          if (point->refusal == NULL)
            return TRUE;
          if (reason == NULL)
            reason = point->refusal;
        }
    }

  g_set_error_literal (error, HR_ERROR, HR_ERROR_UNSUPPORTED, reason);
  return FALSE;
}

static HeadroomStatus
get_status (HrSweep *sweep)
{
  gboolean has_gpu = FALSE;

  for (guint i = 0; i < hr_sweep_get_n_lines (sweep); i++)
    {
      const HrSweepLine *line = hr_sweep_get_line (sweep, i);
      HrSweepFit fit;
      double value;
      guint gpu;

      if (line->gpu == NULL || !g_ptr_array_find (hr_sweep_get_gpus (sweep), line->gpu, &gpu))
        continue;
      has_gpu = TRUE;
      fit = hr_sweep_find_fit (sweep, i, gpu, &value);
      if (fit != HR_SWEEP_FIT_NEVER && fit != HR_SWEEP_FIT_UNKNOWN)
        return HEADROOM_STATUS_FITS;
    }

  return has_gpu ? HEADROOM_STATUS_DOES_NOT_FIT : HEADROOM_STATUS_FITS;
}

static gboolean
write_sweep (SweepRequest  *request,
             HrSweep       *sweep,
             GError       **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (request->format == HR_EXPORT_FORMAT_TEXT && request->output == NULL)
    {
      g_autofree char *text = hr_sweep_to_text (sweep, request->units, headroom_output_get_style ());

      return headroom_output_print (text, error);
    }

  bytes = hr_export_sweep_to_bytes (sweep, request->units, request->format, error);

  return bytes != NULL &&
         headroom_output_put (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), request->output, error);
}

HeadroomStatus
headroom_cli_sweep (HeadroomArguments  *arguments,
                    GError            **error)
{
  g_auto (SweepRequest) request = { 0 };
  g_autoptr (HrSweep) sweep = NULL;

  if (!headroom_output_read (arguments, HR_EXPORT_SWEEP_FORMATS, &request.format, &request.output, error)
      || !headroom_cli_read_units (arguments, &request.units, error)
      || !read_questions (&request, arguments, error))
    return HEADROOM_STATUS_FAILED;

  sweep = read_sweep (&request, arguments, error);
  if (sweep == NULL || !add_lines (sweep, &request, arguments, error) || !add_capacities (sweep, arguments, error)
      || !read_component (sweep, arguments, error))
    return HEADROOM_STATUS_FAILED;

  hr_sweep_run (sweep);
  if (!check_points (sweep, error))
    return HEADROOM_STATUS_FAILED;

  if (!write_sweep (&request, sweep, error))
    return HEADROOM_STATUS_FAILED;

  return get_status (sweep);
}
