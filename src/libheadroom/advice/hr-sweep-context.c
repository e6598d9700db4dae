/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-sweep-context.h"

/**
 * hr_sweep_find_longest_context: (skip)
 * @self: a sweep
 * @line: the index of a line
 * @tokens: (out) (optional): the most tokens that the line's model is made for, its `max_position_embeddings`
 * @value: (out) (optional): the value of the setting with which a sequence has as many
 *
 * Finds where a sequence has all the tokens that a model is made for. Other settings may add tokens of their own, such
 * as the output to a prompt, so that the value can be below the number of tokens.
 *
 * Returns: whether that is among the values of the sweep; it is not where the setting does not lengthen sequences token
 *   by token, or the model does not say how many it is made for
 */
gboolean
hr_sweep_find_longest_context (HrSweep *self,
                               guint    line,
                               guint64 *tokens,
                               double  *value)
{
  guint64 longest = 0;
  guint n_values;
  const HrSweepPoint *points;
  const double *values;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (line < hr_sweep_get_n_lines (self), FALSE);

  points = hr_sweep_get_line (self, line)->points;
  values = hr_sweep_get_values (self, &n_values);
  if (!hr_model_get_hyper_parameter (hr_sweep_get_line (self, line)->model, "max_position_embeddings", &longest) ||
      longest == 0)
    return FALSE;

  /* An encoder's input is of no account until it is longer than the decoder's: from the longest sequences on down. */
  for (guint i = n_values; i-- > 1;)
    {
      double end = values[i] + (double) longest - (double) points[i].context_tokens;

      if (points[i - 1].context_tokens == 0 || points[i].context_tokens == 0 ||
          (double) points[i].context_tokens - (double) points[i - 1].context_tokens != values[i] - values[i - 1])
        continue;

      if (tokens != NULL)
        *tokens = longest;
      if (value != NULL)
        *value = end;

      return end >= values[0] && end <= values[n_values - 1];
    }

  return FALSE;
}
