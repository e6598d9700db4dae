/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>
#include <string.h>

#include "headroom-output.h"
#include "headroom-question.h"
#include "hr-launch-report.h"

#define FORMATS (1u << HR_EXPORT_FORMAT_TEXT | 1u << HR_EXPORT_FORMAT_JSON)

/* The options of the verb that are no settings of a job. */
static const char * const own_options[] = {
  "file", "mode", "gpu", "gpus", "format", "output", "scenario", "command", NULL,
};

static const HrLaunchFile *
find_file (const HrLaunch  *launch,
           const char      *id,
           GError         **error)
{
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 0; i < launch->files->len; i++)
    {
      const HrLaunchFile *file = g_ptr_array_index (launch->files, i);

      if (g_str_equal (file->id, id))
        return file;
      g_string_append_printf (ids, "%s%s", i > 0 ? ", " : "", file->id);
    }

  g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected one of %s, found “%s”"), "--file", ids->str, id);

  return NULL;
}

/* One file is written as it is, whatever it is called. */
static gboolean
read_output (HeadroomArguments  *arguments,
             const char         *id,
             HrExportFormat     *format,
             GFile             **output,
             GError            **error)
{
  const char *path = headroom_arguments_get (arguments, "output");

  if (id == NULL)
    return headroom_output_read (arguments, FORMATS, format, output, error);

  if (headroom_arguments_get (arguments, "format") != NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s” and “%s” cannot be given together"), "--file", "--format");
      return FALSE;
    }
  if (path != NULL && !g_str_equal (path, "-"))
    *output = g_file_new_for_path (path);

  return TRUE;
}

HeadroomStatus
headroom_cli_launch (HeadroomArguments  *arguments,
                     GError            **error)
{
  const char *id = headroom_arguments_get (arguments, "file");
  g_auto (HeadroomQuestion) question = { 0 };
  g_autoptr (HrLaunch) launch = NULL;
  g_autoptr (GFile) output = NULL;
  g_autofree char *text = NULL;
  const HrLaunchFile *file = NULL;
  HrExportFormat format = HR_EXPORT_FORMAT_TEXT;

  if (!read_output (arguments, id, &format, &output, error)
      || !headroom_arguments_check_words (arguments, 1, error)
      || !headroom_question_read (&question, arguments, "launch",
                                  arguments->words->len > 0 ? g_ptr_array_index (arguments->words, 0) : NULL,
                                  own_options, error)
      || !headroom_question_load (&question, error))
    return HEADROOM_STATUS_FAILED;

  launch = hr_launch_new (question.model, question.job, question.n_gpus, error);
  if (launch == NULL)
    return HEADROOM_STATUS_FAILED;

  file = id != NULL ? find_file (launch, id, error) : NULL;
  if (id != NULL && file == NULL)
    return HEADROOM_STATUS_FAILED;

  text = file != NULL                      ? g_strdup (file->text)
         : format == HR_EXPORT_FORMAT_JSON ? hr_launch_to_json (launch)
                                           : hr_launch_to_text (launch, question.job);

  return headroom_output_put (text, strlen (text), output, error) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_FAILED;
}
