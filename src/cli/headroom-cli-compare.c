/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>
#include <string.h>

#include "headroom-output.h"
#include "headroom-question.h"
#include "hr-estimate-comparison.h"
#include "hr-export-comparison.h"

/* The options of the verb that are no settings of a job. */
static const char * const own_options[] = {
  "with", "mode", "gpu", "gpus", "format", "output", "scenario", "units", NULL,
};

/* The second question is the second word, or the first one, with what is to be different. */
static gboolean
read_questions (HeadroomQuestion   *first,
                HeadroomQuestion   *second,
                HeadroomArguments  *arguments,
                GError            **error)
{
  const char *with = headroom_arguments_get (arguments, "with");
  guint n_words = arguments->words->len;
  const char *words[] = { n_words > 0 ? g_ptr_array_index (arguments->words, 0) : NULL,
                          n_words > 1 ? g_ptr_array_index (arguments->words, 1) : NULL };

  if (n_words == 1 && with == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("“%s”: expected a second model or scenario, or “--with” and what is different; found none"),
                   "compare");
      return FALSE;
    }

  if (!headroom_arguments_check_words (arguments, 2, error)
      || !headroom_question_read (first, arguments, "compare", words[0], own_options, error)
      || !headroom_question_read (second, arguments, "compare", words[1] != NULL ? words[1] : words[0], own_options,
                                  error))
    return FALSE;

  if (with != NULL && !hr_job_set_all_from_string (second->job, with, error))
    {
      g_prefix_error (error, "--with: ");
      return FALSE;
    }

  return headroom_question_load (first, error) && headroom_question_load (second, error);
}

static HrReport *
create_report (const HeadroomQuestion  *question,
               HrUnitSystem             units,
               GError                 **error)
{
  g_autoptr (HrEstimate) estimate = hr_estimator_run (question->model, question->job, question->gpu, question->n_gpus,
                                                      error);

  if (estimate == NULL)
    return NULL;

  return hr_report_new (estimate, question->job, question->gpu, question->n_gpus, units);
}

/* In a terminal text may have colours. */
static GBytes *
create_contents (HrReport        *first,
                 HrReport        *second,
                 HrExportFormat   format,
                 gboolean         is_file,
                 GError         **error)
{
  char *text;

  if (format != HR_EXPORT_FORMAT_TEXT || is_file)
    return hr_export_comparison_to_bytes (first, second, format, error);

  text = hr_report_comparison_to_text (first, second, headroom_output_get_style ());

  return g_bytes_new_take (text, strlen (text));
}

HeadroomStatus
headroom_cli_compare (HeadroomArguments  *arguments,
                      GError            **error)
{
  g_auto (HeadroomQuestion) first_question = { 0 };
  g_auto (HeadroomQuestion) second_question = { 0 };
  g_autoptr (HrReport) first = NULL;
  g_autoptr (HrReport) second = NULL;
  g_autoptr (GFile) output = NULL;
  g_autoptr (GBytes) contents = NULL;
  HrExportFormat format;
  HrUnitSystem units;

  if (!headroom_output_read (arguments, HR_EXPORT_COMPARISON_FORMATS, &format, &output, error)
      || !headroom_cli_read_units (arguments, &units, error)
      || !read_questions (&first_question, &second_question, arguments, error))
    return HEADROOM_STATUS_FAILED;

  first = create_report (&first_question, units, error);
  second = first != NULL ? create_report (&second_question, units, error) : NULL;
  if (second == NULL)
    return HEADROOM_STATUS_FAILED;

  contents = create_contents (first, second, format, output != NULL, error);
  if (contents == NULL
      || !headroom_output_put (g_bytes_get_data (contents, NULL), g_bytes_get_size (contents), output, error))
    return HEADROOM_STATUS_FAILED;

  return hr_report_get_fits (first) && hr_report_get_fits (second) ? HEADROOM_STATUS_FITS
                                                                   : HEADROOM_STATUS_DOES_NOT_FIT;
}
