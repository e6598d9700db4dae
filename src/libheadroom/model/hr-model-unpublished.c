/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-model-unpublished.h"

/* Chowdhery et al., PaLM, arXiv:2204.02311, table 1. */
static const HrModelUnpublished palm[] = {
  { "PaLM 8B", "8.63B" },
  { "PaLM 62B", "62.5B" },
  { "PaLM 540B", "540.35B" },
};

/**
 * hr_model_unpublished_find: (skip)
 * @text: what somebody typed
 * @n_found: (out): how many there are
 *
 * Finds the models that a text names and that are in no catalogue, as not every tensor of them is known. They are found
 * by their whole name, in any case and behind an organisation, for others begin alike.
 *
 * Returns: (transfer none) (nullable) (array length=n_found): the models, or %NULL
 */
const HrModelUnpublished *
hr_model_unpublished_find (const char *text,
                           guint      *n_found)
{
  g_auto (GStrv) words = NULL;

  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (n_found != NULL, NULL);

  words = g_strsplit_set (text, " -_/", -1);
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (g_ascii_strcasecmp (words[i], "palm") == 0)
        {
          *n_found = G_N_ELEMENTS (palm);
          return palm;
        }
    }
  *n_found = 0;

  return NULL;
}

/**
 * hr_model_unpublished_get_reason: (skip)
 *
 * Returns: why there are models that are in no catalogue, in the user’s language
 */
const char *
hr_model_unpublished_get_reason (void)
{
  return _("Neither weights nor code of PaLM were published, and its paper (arXiv:2204.02311) has widths and sums, but "
           "not every tensor: only its size can be taken, such as “540.35B”");
}
