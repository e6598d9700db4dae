/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-stored-names.h"

#include <string.h>

/* Modules that hold a whole model, which versions of transformers put in another order or leave out. */
static const char * const holders[] = { "model.", "language_model.", "transformer." };

/* What classes save beside their parameters: causal masks, frequencies, positions, statistics, biases of a choice. */
static const char * const buffers[] = {
  ".attn.bias", ".attention.bias", ".masked_bias", ".rotary_emb.inv_freq", ".inv_freq", ".position_ids",
  ".e_score_correction_bias", ".num_batches_tracked", ".running_mean", ".running_var", ".embed_positions.weights",
  ".k_scale", ".v_scale", ".q_scale", ".prob_scale", ".kv_scale", ".tokens_per_expert", ".relative_position_index",
  ".encoder_embedding.global_mean", ".encoder_embedding.global_invstd",
};

/* The name without the modules that hold the whole model. */
const char *
hr_stored_name_get_canonical (const char *name)
{
  gboolean is_stripped = TRUE;

  g_return_val_if_fail (name != NULL, NULL);

  while (is_stripped)
    {
      is_stripped = FALSE;
      for (guint i = 0; i < G_N_ELEMENTS (holders); i++)
        {
          if (!g_str_has_prefix (name, holders[i]))
            continue;
          name += strlen (holders[i]);
          is_stripped = TRUE;
        }
    }

  return name;
}

/* Whether a stored tensor is no parameter of any class. */
gboolean
hr_stored_name_is_buffer (const char *name)
{
  g_return_val_if_fail (name != NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (buffers); i++)
    {
      if (g_str_has_suffix (name, buffers[i]))
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_stored_name_get_layer:
 * @name: the name of a tensor
 * @prefix_length: (out): the length of what stands before the index of the layer
 * @layer: (out): the index
 *
 * Finds the index of a layer: the first word that is a number.
 *
 * Returns: whether there is one
 */
gboolean
hr_stored_name_get_layer (const char *name,
                          gsize      *prefix_length,
                          guint      *layer)
{
  g_return_val_if_fail (name != NULL, FALSE);

  for (const char *dot = strchr (name, '.'); dot != NULL; dot = strchr (dot + 1, '.'))
    {
      guint64 number = 0;
      char *end;

      if (!g_ascii_isdigit (dot[1]))
        continue;
      number = g_ascii_strtoull (dot + 1, &end, 10);
      if (*end != '.' || number > G_MAXUINT16)
        continue;

      *prefix_length = dot + 1 - name;
      *layer = number;
      return TRUE;
    }

  return FALSE;
}

/* Whether a tensor is of a module that predicts further tokens, which classes leave to serving engines. */
gboolean
hr_stored_name_is_next_token (const char *name)
{
  g_return_val_if_fail (name != NULL, FALSE);

  return g_str_has_prefix (hr_stored_name_get_canonical (name), "mtp.") || strstr (name, ".mtp.") != NULL ||
         strstr (name, "mtp_layers.") != NULL;
}

/* Whether what stands behind the experts' module in a name is the matrix of a projection: "down_proj.weight". */
gboolean
hr_stored_name_is_projection (const char *leaf,
                              const char *projection)
{
  gsize length;

  g_return_val_if_fail (leaf != NULL, FALSE);
  g_return_val_if_fail (projection != NULL, FALSE);

  length = strlen (projection);

  return g_str_has_prefix (leaf, projection) && (leaf[length] == '\0' || g_str_equal (leaf + length, ".weight"));
}
