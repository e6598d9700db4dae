/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>

#include "headroom-output.h"
#include "hr-export-anatomy.h"
#include "hr-token-report.h"

/* The options of the verb that are no settings of a job. */
static const char * const own_options[] = {
  "tensors", "compare", "architecture", "inputs", "format", "units", NULL,
};

static const char * const formats[] = { "text", "json", "csv", "markdown", "html", NULL };

static gboolean
check_format (const char  *name,
              GError     **error)
{
  g_autofree char *names = g_strjoinv (", ", (char **) formats);

  if (g_strv_contains (formats, name))
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected one of %s, found “%s”"), "--format", names, name);
  return FALSE;
}

/* Sizes depend on what the model is loaded in, those of the cache on batch and lengths. */
static HrJob *
read_job (HeadroomArguments  *arguments,
          GError            **error)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);

  return headroom_arguments_set_job (arguments, job, own_options, error) ? g_steal_pointer (&job) : NULL;
}

/* @architecture is the path of a file to read the model with, or %NULL. */
static HrModel *
open_model (const char  *name,
            const char  *architecture,
            GError     **error)
{
  g_autoptr (GFile) architecture_file = NULL;
  g_autoptr (GFile) file = NULL;

  if (architecture == NULL)
    return hr_model_new_from_name (name, error);

  file = g_file_new_for_path (name);
  architecture_file = g_file_new_for_path (architecture);

  return hr_model_new_from_file_with (file, architecture_file, error);
}

static HrAnatomy *
open_anatomy (const char  *name,
              const char  *architecture,
              HrJob       *job,
              GError     **error)
{
  g_autoptr (HrModel) model = open_model (name, architecture, error);

  return model != NULL ? hr_anatomy_new (model, job) : NULL;
}

static gboolean
write_anatomy (HrAnatomy     *anatomy,
               HrAnatomy     *other,
               const char    *format,
               gboolean       with_tensors,
               HrUnitSystem   units,
               GError       **error)
{
  g_autoptr (GBytes) bytes = NULL;
  HrAnatomyFormat file_format;

  if (!hr_anatomy_format_from_name (format, &file_format))
    {
      g_autofree char *text = hr_anatomy_to_text (anatomy, other, with_tensors, units, headroom_output_get_style ());

      return headroom_output_print (text, error);
    }

  if (file_format == HR_ANATOMY_FORMAT_CSV && with_tensors)
    file_format = HR_ANATOMY_FORMAT_TENSORS;
  bytes = hr_export_anatomy_to_bytes (anatomy, other, file_format, with_tensors, units, error);

  return bytes != NULL && headroom_output_write (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), error);
}

/* The tokens of images, sounds and videos alone. */
static HeadroomStatus
write_tokens (HrModel     *model,
              const char  *inputs,
              const char  *format,
              GError     **error)
{
  g_autofree char *text = NULL;

  if (g_str_equal (format, "json"))
    text = hr_token_report_to_json (model, inputs, error);
  else if (g_str_equal (format, "text"))
    text = hr_token_report_to_text (model, inputs, headroom_output_get_style (), error);
  else
    g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected one of %s, found “%s”"), "--format", "text, json",
                 format);

  return text != NULL && headroom_output_print (text, error) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_FAILED;
}

HeadroomStatus
headroom_cli_inspect (HeadroomArguments  *arguments,
                      GError            **error)
{
  const char *format = headroom_arguments_get (arguments, "format");
  const char *compared = headroom_arguments_get (arguments, "compare");
  g_autoptr (HrJob) job = NULL;
  g_autoptr (HrAnatomy) anatomy = NULL;
  g_autoptr (HrAnatomy) other = NULL;
  HrUnitSystem units;

  if (format == NULL)
    format = formats[0];

  if (!headroom_arguments_check_words (arguments, 1, error)
      || !check_format (format, error)
      || !headroom_cli_read_units (arguments, &units, error))
    return HEADROOM_STATUS_FAILED;

  job = read_job (arguments, error);
  if (job == NULL)
    return HEADROOM_STATUS_FAILED;

  if (arguments->words->len == 0)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("“%s”: expected the path or the id of a model, found none; see “headroom-cli %s --help”"),
                   "inspect", "inspect");
      return HEADROOM_STATUS_FAILED;
    }

  if (headroom_arguments_get (arguments, "inputs") != NULL)
    {
      g_autoptr (HrModel) model = open_model (g_ptr_array_index (arguments->words, 0),
                                              headroom_arguments_get (arguments, "architecture"), error);

      return model != NULL ? write_tokens (model, headroom_arguments_get (arguments, "inputs"), format, error)
                           : HEADROOM_STATUS_FAILED;
    }

  anatomy = open_anatomy (g_ptr_array_index (arguments->words, 0), headroom_arguments_get (arguments, "architecture"),
                          job, error);
  if (anatomy == NULL)
    return HEADROOM_STATUS_FAILED;
  if (compared != NULL)
    {
      other = open_anatomy (compared, NULL, job, error);
      if (other == NULL)
        return HEADROOM_STATUS_FAILED;
    }

  return write_anatomy (anatomy, other, format, headroom_arguments_has (arguments, "tensors"), units, error)
         ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_FAILED;
}
