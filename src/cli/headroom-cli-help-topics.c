/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include "headroom-output.h"

static char *
join_words (GPtrArray *words)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) list = NULL;

  if (words->len == 0)
    return NULL;

  for (guint i = 0; i < words->len; i++)
    g_strv_builder_add (builder, g_ptr_array_index (words, i));
  list = g_strv_builder_end (builder);

  return g_strjoinv (" ", list);
}

/* Tells what the help of the program says of a term, a setting, a part or a symbol. */
HeadroomStatus
headroom_cli_help (HeadroomArguments  *arguments,
                   GError            **error)
{
  static const char * const options[] = { "format", NULL };
  g_autofree char *query = join_words (arguments->words);
  g_autofree char *text = NULL;
  gboolean as_json;

  if (!headroom_arguments_check (arguments, options, G_MAXUINT, error) ||
      !headroom_cli_read_format (arguments, &as_json, error))
    return HEADROOM_STATUS_FAILED;

  text = as_json ? hr_help_to_json (query, error) : hr_help_to_text (query, headroom_output_get_style (), error);

  return text != NULL && headroom_output_print (text, error) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_FAILED;
}
