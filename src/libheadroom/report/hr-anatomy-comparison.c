/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-anatomy-private.h"

#include <glib/gi18n-lib.h>

#include "hr-labels.h"
#include "hr-report-private.h"

static void
add_numbers (HrAnatomyTable *table,
             const char     *id,
             const char     *label,
             HrAnatomyUnit   unit,
             HrPart          part,
             const guint64  *first,
             const guint64  *second)
{
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, id, label);

  row->part = part;
  if (first != NULL)
    hr_anatomy_row_set (row, 0, unit, *first);
  if (second != NULL)
    hr_anatomy_row_set (row, 1, unit, *second);
  if (first != NULL && second != NULL)
    hr_anatomy_row_set (row, 2,
                        unit == HR_ANATOMY_UNIT_BYTES ? HR_ANATOMY_UNIT_BYTES_DIFFERENCE : HR_ANATOMY_UNIT_DIFFERENCE,
                        *second - *first);
}

static void
add_parts (HrAnatomyTable *table,
           HrModel        *first,
           HrModel        *second)
{
  for (HrPart part = 0; part < HR_N_PARTS; part++)
    {
      guint64 a = hr_model_get_n_parameters_of_part (first, part);
      guint64 b = hr_model_get_n_parameters_of_part (second, part);

      if (a > 0 || b > 0)
        add_numbers (table, hr_part_get_id (part), hr_part_get_label (part), HR_ANATOMY_UNIT_PARAMETERS, part, &a, &b);
    }
}

static void
add_hyper_parameter (HrAnatomyTable *table,
                     const char     *name,
                     HrModel        *first,
                     HrModel        *second)
{
  guint64 a, b;
  gboolean has_a = hr_model_get_fact (first, name, &a);
  gboolean has_b = hr_model_get_fact (second, name, &b);

  if (has_a || has_b)
    add_numbers (table, name, name, HR_ANATOMY_UNIT_COUNT, HR_N_PARTS, has_a ? &a : NULL, has_b ? &b : NULL);
}

/* What is kept of tokens and sequences, where it is known. */
static void
add_cache (HrAnatomyTable *table,
           HrAnatomy      *first,
           HrAnatomy      *second)
{
  static const struct
  {
    const char *id;
    const char *label;
    guint64 (* get_elements) (HrModel *model);
  } caches[] = {
    { "kv-cache-bytes-per-token", N_("KV cache per token"), hr_model_get_cache_elements_per_token },
    { "latent-cache-bytes-per-token", N_("Latent cache per token, in serving engines"),
      hr_model_get_latent_cache_elements_per_token },
    { "state-bytes-per-sequence", N_("State per sequence"), hr_model_get_state_elements_per_sequence },
  };
  HrModel *models[] = { hr_anatomy_get_model (first), hr_anatomy_get_model (second) };
  gboolean has_latent = hr_model_get_latent_cache_elements_per_token (models[0]) !=
                        hr_model_get_cache_elements_per_token (models[0]) ||
                        hr_model_get_latent_cache_elements_per_token (models[1]) !=
                        hr_model_get_cache_elements_per_token (models[1]);

  for (guint i = 0; i < G_N_ELEMENTS (caches); i++)
    {
      gboolean known[] = {
        hr_model_check_can_be_estimated (models[0], NULL), hr_model_check_can_be_estimated (models[1], NULL),
      };
      guint64 a = hr_dtype_get_bytes (hr_anatomy_get_cache_dtype (first), caches[i].get_elements (models[0]));
      guint64 b = hr_dtype_get_bytes (hr_anatomy_get_cache_dtype (second), caches[i].get_elements (models[1]));

      if ((i == 1 && !has_latent) || (a == 0 && b == 0))
        continue;
      add_numbers (table, caches[i].id, _(caches[i].label), HR_ANATOMY_UNIT_BYTES, HR_N_PARTS, known[0] ? &a : NULL,
                   known[1] ? &b : NULL);
    }
}

/**
 * hr_anatomy_compare: (skip)
 * @self: an anatomy
 * @other: another one
 *
 * Sets two models side by side.
 *
 * Returns: (transfer full): a table with a column for each and their difference
 */
HrAnatomyTable *
hr_anatomy_compare (HrAnatomy *self,
                    HrAnatomy *other)
{
  static const char * const hyper_parameters[] = {
    "num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim",
    "num_experts", "num_experts_per_tok", "moe_intermediate_size", "vocab_size", "max_position_embeddings",
    "sliding_window",
  };
  HrModel *first, *second;
  HrAnatomyTable *table;
  guint64 a, b;

  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);
  g_return_val_if_fail (HR_IS_ANATOMY (other), NULL);

  first = hr_anatomy_get_model (self);
  second = hr_anatomy_get_model (other);
  table = hr_anatomy_table_new ("comparison", _("Side by Side"), NULL, _("Figure"));
  hr_anatomy_table_add_column (table, "first", hr_model_get_name (first));
  hr_anatomy_table_add_column (table, "second", hr_model_get_name (second));
  hr_anatomy_table_add_column (table, "difference", _("Difference"));

  a = hr_model_get_n_parameters (first);
  b = hr_model_get_n_parameters (second);
  add_numbers (table, "parameters", _("Parameters"), HR_ANATOMY_UNIT_PARAMETERS, HR_N_PARTS, &a, &b);
  a = hr_model_get_n_active_parameters (first);
  b = hr_model_get_n_active_parameters (second);
  add_numbers (table, "active-parameters", _("Active parameters"), HR_ANATOMY_UNIT_PARAMETERS, HR_N_PARTS, &a, &b);
  a = hr_anatomy_get_n_bytes (self);
  b = hr_anatomy_get_n_bytes (other);
  add_numbers (table, "bytes", _("Size"), HR_ANATOMY_UNIT_BYTES, HR_N_PARTS, &a, &b);

  add_parts (table, first, second);
  add_cache (table, self, other);
  for (guint i = 0; i < G_N_ELEMENTS (hyper_parameters); i++)
    add_hyper_parameter (table, hyper_parameters[i], first, second);

  return table;
}
