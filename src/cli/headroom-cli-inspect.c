/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>

#include "headroom-output.h"

HeadroomStatus
headroom_cli_inspect (HeadroomArguments  *arguments,
                      GError            **error)
{
  static const char * const options[] = { "tensors", "format", "units", NULL };
  g_autoptr (HrModel) model = NULL;
  g_autofree char *text = NULL;
  gboolean as_json;
  HrUnitSystem units;

  if (!headroom_arguments_check (arguments, options, 1, error)
      || !headroom_cli_read_format (arguments, &as_json, error)
      || !headroom_cli_read_units (arguments, &units, error))
    return HEADROOM_STATUS_FAILED;

  if (arguments->words->len == 0)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("“%s”: expected the path or the id of a model, found none; see “headroom-cli %s --help”"),
                   "inspect", "inspect");
      return HEADROOM_STATUS_FAILED;
    }

  model = headroom_cli_load_model (g_ptr_array_index (arguments->words, 0), error);
  if (model == NULL)
    return HEADROOM_STATUS_FAILED;

  text = as_json ? hr_model_to_json (model)
                 : hr_model_to_text (model, headroom_arguments_has (arguments, "tensors"), units,
                                     headroom_output_get_style ());

  return headroom_output_print (text, error) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_FAILED;
}
