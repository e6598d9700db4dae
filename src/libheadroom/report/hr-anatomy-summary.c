/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-anatomy-private.h"

#include <glib/gi18n-lib.h>

static HrAnatomyRow *
add_row (HrAnatomyTable *table,
         const char     *id,
         const char     *label,
         HrAnatomyUnit   unit,
         guint64         number)
{
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, id, label);

  hr_anatomy_row_set (row, 0, unit, number);

  return row;
}

/* The forms in which people write a number of parameters: in millions, in binary millions, in billions. */
static char *
describe_count (guint64 count)
{
  return g_strdup_printf ("%.1f M · %.1f Mi · %.2f B", count / 1e6, count / 1048576.0, count / 1e9);
}

static void
add_parameters (HrAnatomy      *self,
                HrAnatomyTable *table)
{
  HrModel *model = hr_anatomy_get_model (self);
  guint64 n_parameters = hr_model_get_n_parameters (model);
  guint64 n_active = hr_model_get_n_active_parameters (model);

  add_row (table, "parameters", _("Parameters"), HR_ANATOMY_UNIT_PARAMETERS, n_parameters)->note =
    describe_count (n_parameters);
  if (n_active < n_parameters)
    add_row (table, "active-parameters", _("Active parameters"), HR_ANATOMY_UNIT_PARAMETERS, n_active)->note =
      describe_count (n_active);
  add_row (table, "tensors", _("Tensors"), HR_ANATOMY_UNIT_COUNT, hr_anatomy_get_n_all_tensors (self));
}

/* The formats of the model's matrices: a mixture has several. */
static char *
dup_formats (HrAnatomy *self)
{
  HrModel *model = hr_anatomy_get_model (self);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      for (guint copy = 0; copy < hr_tensor_get_copies (hr_model_get_tensor (model, i)); copy++)
        {
          const char *type;

          if (hr_anatomy_list_pieces (self, i, copy, pieces) == 0)
            continue;
          hr_anatomy_get_tensor_bytes (self, i, copy, &type);
          if (!g_ptr_array_find (names, type, NULL))
            g_ptr_array_add (names, (gpointer) type);
        }
    }
  if (names->len < 2)
    return g_strdup (hr_quantization_get_name (hr_anatomy_get_quantization (self)));

  g_ptr_array_add (names, NULL);

  return g_strjoinv (C_("between names in a list", ", "), (char **) names->pdata);
}

static void
add_bytes (HrAnatomy      *self,
           HrAnatomyTable *table)
{
  HrQuantization quantization = hr_anatomy_get_quantization (self);
  const char *dtype = hr_dtype_get_name (hr_anatomy_get_dtype (self));
  guint64 buffers = hr_model_get_buffer_bytes (hr_anatomy_get_model (self));
  HrAnatomyRow *row = add_row (table, "bytes", _("Weights"), HR_ANATOMY_UNIT_BYTES, hr_anatomy_get_n_bytes (self));

  if (hr_anatomy_is_as_stored (self))
    row->note = g_strdup (_("as they are stored"));
  else if (quantization == HR_QUANTIZATION_NONE)
    row->note = g_strdup (dtype);
  else
    {
      g_autofree char *formats = dup_formats (self);

      /* Translators: a quantization, such as “bnb-nf4”, or several, and a data type, such as “bfloat16”. */
      row->note = g_strdup_printf (_("%s, the rest in %s"), formats, dtype);
    }

  if (buffers > 0)
    add_row (table, "buffers", _("Buffers"), HR_ANATOMY_UNIT_BYTES, buffers)->note =
      g_strdup (_("not trained, but on the device as well: the frequencies of rotary positions, masks and the like"));
}

static void
add_kept (HrAnatomy      *self,
          HrAnatomyTable *table)
{
  HrModel *model = hr_anatomy_get_model (self);
  HrDtype dtype = hr_anatomy_get_cache_dtype (self);
  guint64 cache = hr_model_get_cache_elements_per_token (model);
  guint64 latent = hr_model_get_latent_cache_elements_per_token (model);
  guint64 state = hr_model_get_state_elements_per_sequence (model);

  if (!hr_model_check_can_be_estimated (model, NULL))
    return;

  if (cache > 0 || state == 0)
    add_row (table, "kv-cache-bytes-per-token", _("KV cache per token"), HR_ANATOMY_UNIT_BYTES,
             hr_dtype_get_bytes (dtype, cache))->note = g_strdup (hr_dtype_get_name (dtype));
  if (latent != cache)
    add_row (table, "latent-cache-bytes-per-token", _("Latent cache per token, in serving engines"),
             HR_ANATOMY_UNIT_BYTES, hr_dtype_get_bytes (dtype, latent))->note = g_strdup (hr_dtype_get_name (dtype));
  if (state > 0)
    add_row (table, "state-bytes-per-sequence", _("State per sequence"), HR_ANATOMY_UNIT_BYTES,
             hr_dtype_get_bytes (hr_anatomy_get_dtype (self), state))->note =
      g_strdup (_("however long the sequence is"));
}

HrAnatomyTable *
hr_anatomy_create_summary (HrAnatomy *self)
{
  HrAnatomyTable *table = hr_anatomy_table_new ("summary", _("Summary"), NULL, _("Figure"));

  hr_anatomy_table_add_column (table, "value", _("Value"));
  add_parameters (self, table);
  add_bytes (self, table);
  add_kept (self, table);

  return table;
}
