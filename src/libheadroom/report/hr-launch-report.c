/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-launch-report.h"

#include <glib/gi18n-lib.h>

#include "hr-document.h"
#include "hr-report-private.h"

/**
 * hr_launch_to_text: (skip)
 * @launch: launch settings
 * @job: the job that they are of
 *
 * Writes the files one below the other, each with its name, and what none of them says.
 *
 * Returns: (transfer full): the text
 */
char *
hr_launch_to_text (const HrLaunch *launch,
                   HrJob          *job)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *unsaid = NULL;

  g_return_val_if_fail (launch != NULL, NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);

  for (guint i = 0; i < launch->files->len; i++)
    {
      const HrLaunchFile *file = g_ptr_array_index (launch->files, i);

      /* Translators: the name of a file, and what it is. */
      g_string_append_printf (text, _("%1$s (%2$s)"), file->name, file->title);
      g_string_append_printf (text, "\n\n%s\n", file->text);
    }

  if (launch->refusal != NULL)
    hr_document_append_wrapped (text, launch->refusal, 0);
  unsaid = hr_launch_dup_unsaid (launch, job);
  if (unsaid != NULL)
    hr_document_append_wrapped (text, unsaid, 0);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
build_strings (JsonBuilder  *builder,
               const char   *name,
               char        **strings)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; strings[i] != NULL; i++)
    json_builder_add_string_value (builder, strings[i]);
  json_builder_end_array (builder);
}

/**
 * hr_launch_to_json: (skip)
 * @launch: launch settings
 *
 * Writes launch settings for programs.
 *
 * Returns: (transfer full): an object of JSON, `headroom-launch/1`
 */
char *
hr_launch_to_json (const HrLaunch *launch)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  g_return_val_if_fail (launch != NULL, NULL);

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "schema", "headroom-launch/1");
  json_builder_set_member_name (builder, "files");
  json_builder_begin_array (builder);
  for (guint i = 0; i < launch->files->len; i++)
    {
      const HrLaunchFile *file = g_ptr_array_index (launch->files, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", file->id);
      hr_json_build_string (builder, "name", file->name);
      build_strings (builder, "programs", file->programs);
      build_strings (builder, "sources", file->sources);
      hr_json_build_string (builder, "text", file->text);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  build_strings (builder, "unsaid", launch->unsaid);
  build_strings (builder, "warnings", (char *[]) { launch->refusal, NULL });
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}
