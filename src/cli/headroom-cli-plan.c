/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>
#include <string.h>

#include "headroom-output.h"
#include "headroom-question.h"
#include "hr-plan-report.h"

#define FORMATS \
  (1u << HR_EXPORT_FORMAT_TEXT | 1u << HR_EXPORT_FORMAT_JSON | 1u << HR_EXPORT_FORMAT_CSV | \
   1u << HR_EXPORT_FORMAT_MARKDOWN)

#define DEFAULT_TOP 20

/* So many GPUs as the largest training runs that were told of had (Llama 3, arXiv:2407.21783: 16,384). */
#define MOST_GPUS 16384

/* The options of the verb that are no settings of a job. */
static const char * const own_options[] = {
  "mode", "gpu", "gpus", "per-node", "network", "bridged", "sequences", "top", "least", "format", "output", "scenario",
  "units", NULL,
};

/* What is asked for, and where the answer goes. */
typedef struct
{
  HeadroomQuestion question;
  HrCluster cluster;
  guint64 n_sequences;
  guint64 top;
  gboolean wants_least;
  char **fixed;
  HrUnitSystem units;
  HrExportFormat format;
  GFile *output;
  GArray *least;
  HrPlanner *planner;
} PlanRequest;

static void
plan_request_clear (PlanRequest *self)
{
  headroom_question_clear (&self->question);
  g_strfreev (self->fixed);
  g_clear_object (&self->output);
  g_clear_pointer (&self->least, g_array_unref);
  g_clear_pointer (&self->planner, hr_planner_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PlanRequest, plan_request_clear)

static gboolean
read_number (HeadroomArguments  *arguments,
             const char         *option,
             guint64             most,
             guint64            *number,
             GError            **error)
{
  const char *text = headroom_arguments_get (arguments, option);

  if (text == NULL || g_ascii_string_to_unsigned (text, 10, 1, most, number, NULL))
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“--%s”: expected a whole number from 1 to %d, found “%s”"), option,
               (int) most, text);

  return FALSE;
}

static gboolean
read_network (PlanRequest        *self,
              HeadroomArguments  *arguments,
              GError            **error)
{
  const char *text = headroom_arguments_get (arguments, "network");

  if (text == NULL || hr_cluster_parse_network (text, &self->cluster.network))
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
               _("“%s”: expected what each GPU can send to other machines, such as 400Gb/s or 50GB/s; found “%s”"),
               "--network", text);

  return FALSE;
}

/* What is said of a layout stays as it is. */
static void
read_fixed (PlanRequest       *self,
            HeadroomArguments *arguments)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < arguments->options->len; i++)
    {
      const HeadroomOption *option = g_ptr_array_index (arguments->options, i);

      if (!g_strv_contains (own_options, option->name))
        g_strv_builder_add (builder, option->name);
    }
  self->fixed = g_strv_builder_end (builder);
}

/* Without a number, a sequence for each GPU, or the requests of the job. */
static gboolean
read_sequences (PlanRequest        *self,
                HeadroomArguments  *arguments,
                GError            **error)
{
  self->n_sequences = self->wants_least && headroom_arguments_get (arguments, "gpus") == NULL
                        ? MOST_GPUS : self->question.n_gpus;

  if (!hr_planner_uses_formulas (self->question.job) && hr_planner_check_job (self->question.job, NULL))
    self->n_sequences = hr_planner_count_sequences (self->question.job, self->question.n_gpus);

  return read_number (arguments, "sequences", G_MAXINT, &self->n_sequences, error);
}

static gboolean
read_request (PlanRequest        *self,
              HeadroomArguments  *arguments,
              GError            **error)
{
  guint64 per_node = HR_CLUSTER_DEFAULT_PER_NODE;

  self->top = DEFAULT_TOP;
  self->wants_least = headroom_arguments_has (arguments, "least");
  if (!headroom_output_read (arguments, FORMATS, &self->format, &self->output, error)
      || !headroom_cli_read_units (arguments, &self->units, error)
      || !headroom_arguments_check_words (arguments, 1, error)
      || !headroom_question_read (&self->question, arguments, "plan",
                                  arguments->words->len > 0 ? g_ptr_array_index (arguments->words, 0) : NULL,
                                  own_options, error)
      || !read_sequences (self, arguments, error)
      || !read_number (arguments, "per-node", HR_SCENARIO_MAX_GPUS, &per_node, error)
      || !read_number (arguments, "top", HR_PLANNER_MAX_CHOICES, &self->top, error)
      || !read_network (self, arguments, error))
    return FALSE;

  if (self->question.gpu == NULL && !self->wants_least)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected “--gpu” with the name of a GPU, or “--least”, "
                                                      "found none"), "plan");
      return FALSE;
    }

  read_fixed (self, arguments);
  self->cluster.gpu = self->question.gpu;
  self->cluster.n_gpus = self->question.n_gpus;
  self->cluster.n_per_node = per_node;
  self->cluster.bridged = headroom_arguments_has (arguments, "bridged");

  return headroom_question_load (&self->question, error);
}

static gboolean
plan (PlanRequest  *self,
      GError      **error)
{
  self->planner = hr_planner_new (self->question.model, self->question.job, &self->cluster, self->n_sequences,
                                  (const char * const *) self->fixed, error);
  if (self->planner == NULL)
    return FALSE;

  hr_planner_run (self->planner, NULL);
  self->top = MIN (self->top, hr_planner_get_n_choices (self->planner));
  hr_planner_check (self->planner, self->top);

  return TRUE;
}

/* Of the GPU that is named, or of all. */
static gboolean
find_least (PlanRequest  *self,
            GError      **error)
{
  GListModel *all = hr_gpu_catalogue_get_default ();
  g_autoptr (GPtrArray) gpus = g_ptr_array_new_with_free_func (g_object_unref);

  if (self->question.gpu != NULL)
    g_ptr_array_add (gpus, g_object_ref (self->question.gpu));
  for (guint i = 0; self->question.gpu == NULL && i < g_list_model_get_n_items (all); i++)
    g_ptr_array_add (gpus, g_list_model_get_item (all, i));
  self->least = hr_least_gpus_list (self->question.model, self->question.job, gpus, self->n_sequences, MOST_GPUS,
                                    (const char * const *) self->fixed, NULL, error);

  if (self->least != NULL && self->least->len > self->top)
    g_array_set_size (self->least, self->top);

  return self->least != NULL;
}

static gboolean
write_report (PlanRequest  *self,
              GError      **error)
{
  const HrPlanReport report = {
    .model = self->question.model, .job = self->question.job, .n_sequences = self->n_sequences,
    .planner = self->planner, .n_choices = self->planner != NULL ? self->top : 0, .least = self->least,
    .max_gpus = MOST_GPUS,
  };
  g_autoptr (HrDocument) document = hr_plan_report_create_document (&report, self->units);
  gboolean is_plain = self->output != NULL;
  g_autofree char *text = NULL;

  switch ((guint) self->format)
    {
    case HR_EXPORT_FORMAT_JSON:
      text = hr_plan_report_to_json (&report);
      break;

    case HR_EXPORT_FORMAT_CSV:
      text = hr_plan_report_to_csv (&report);
      break;

    case HR_EXPORT_FORMAT_MARKDOWN:
      text = hr_document_to_markdown (document);
      break;

    default:
      text = hr_document_to_text (document, is_plain ? HR_REPORT_TEXT_STYLE_PLAIN : headroom_output_get_style ());
      break;
    }

  return headroom_output_put (text, strlen (text), self->output, error);
}

static HeadroomStatus
get_status (const PlanRequest *self)
{
  if (self->planner != NULL)
    return hr_planner_get_n_fitting (self->planner) > 0 ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_DOES_NOT_FIT;

  return g_array_index (self->least, HrLeastGpus, 0).n_gpus > 0 ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_DOES_NOT_FIT;
}

HeadroomStatus
headroom_cli_plan (HeadroomArguments  *arguments,
                   GError            **error)
{
  g_auto (PlanRequest) request = { 0 };

  if (!read_request (&request, arguments, error)
      || (request.wants_least ? !find_least (&request, error) : !plan (&request, error))
      || !write_report (&request, error))
    return HEADROOM_STATUS_FAILED;

  return get_status (&request);
}
