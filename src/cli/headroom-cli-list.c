/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>

#include "headroom-output.h"

static char *
join_names (void)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (HrListing listing = 0; listing < HR_N_LISTINGS; listing++)
    g_string_append_printf (names, "%s%s", listing == 0 ? "" : ", ", hr_listing_get_name (listing));

  return g_string_free (g_steal_pointer (&names), FALSE);
}

static gboolean
read_listing (HeadroomArguments  *arguments,
              HrListing          *listing,
              GError            **error)
{
  const char *name = arguments->words->len == 0 ? NULL : g_ptr_array_index (arguments->words, 0);
  g_autofree char *names = join_names ();

  if (name == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected one of %s, found none"), "list", names);
      return FALSE;
    }

  if (hr_listing_from_name (name, listing))
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“%s”: expected one of %s, found “%s”"), "list", names, name);
  return FALSE;
}

HeadroomStatus
headroom_cli_list (HeadroomArguments  *arguments,
                   GError            **error)
{
  static const char * const options[] = { "format", NULL };
  g_autofree char *text = NULL;
  HrListing listing;
  gboolean as_json;

  if (!headroom_arguments_check (arguments, options, 1, error)
      || !headroom_cli_read_format (arguments, &as_json, error)
      || !read_listing (arguments, &listing, error))
    return HEADROOM_STATUS_FAILED;

  text = as_json ? hr_listing_to_json (listing, error)
                 : hr_listing_to_text (listing, headroom_output_get_style (), error);

  return text != NULL && headroom_output_print (text, error) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_FAILED;
}
