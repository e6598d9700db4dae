/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-checkpoint.h"

/* What a file says, for a message: valid UTF-8 in one line, and not endless. */
char *
hr_checkpoint_dup_shown (const char *text)
{
  g_autofree char *valid = NULL;
  char *shown;

  g_return_val_if_fail (text != NULL, NULL);

  valid = g_utf8_make_valid (text, -1);
  shown = g_utf8_strlen (valid, -1) > 200 ? g_utf8_substring (valid, 0, 200) : g_strdup (valid);
  for (char *c = shown; *c != '\0'; c++)
    {
      if (g_ascii_iscntrl (*c))
        *c = ' ';
    }

  return shown;
}

void
hr_stored_tensor_free (HrStoredTensor *self)
{
  g_return_if_fail (self != NULL);

  g_free (self->name);
  g_free (self);
}

/* The sizes as people write them: [4096, 1024]. */
char *
hr_stored_tensor_dup_shape (const HrStoredTensor *self)
{
  GString *text;

  g_return_val_if_fail (self != NULL, NULL);

  text = g_string_new ("[");
  for (guint i = 0; i < self->n_dimensions; i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "", self->shape[i]);
  g_string_append_c (text, ']');

  return g_string_free (text, FALSE);
}

HrCheckpoint *
hr_checkpoint_new (void)
{
  HrCheckpoint *self = g_new0 (HrCheckpoint, 1);

  self->tensors = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_stored_tensor_free);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->warnings = g_ptr_array_new_with_free_func (g_free);

  return self;
}

/*
 * hr_checkpoint_new_from_index:
 * @index: the index of files that cannot be looked into, such as pytorch_model.bin.index.json
 * @error: return location for an error
 *
 * Makes a checkpoint of the names that an index lists, and of the size that it states.
 *
 * Returns: (transfer full): the checkpoint, or %NULL with @error set
 */
HrCheckpoint *
hr_checkpoint_new_from_index (HrJson  *index,
                              GError **error)
{
  g_autoptr (HrCheckpoint) self = hr_checkpoint_new ();
  HrJson *weight_map = NULL;
  HrJson *metadata = NULL;

  g_return_val_if_fail (index != NULL, NULL);

  if (!hr_json_check_type (index, HR_JSON_OBJECT, error))
    return NULL;
  weight_map = hr_json_require_member (index, "weight_map", error);
  if (weight_map == NULL || !hr_json_check_type (weight_map, HR_JSON_OBJECT, error) ||
      !hr_json_get_object (index, "metadata", &metadata, error))
    return NULL;

  self->has_names_only = TRUE;
  for (guint i = 0; i < hr_json_get_length (weight_map); i++)
    {
      HrStoredTensor *tensor = g_new0 (HrStoredTensor, 1);

      tensor->name = g_strdup (hr_json_get_key (hr_json_get_element (weight_map, i)));
      tensor->type = "";
      hr_checkpoint_add (self, tensor);
    }
  /* A size that is written as a fraction, or not at all, is no fault of the model. */
  if (metadata != NULL)
    hr_json_get_uint (metadata, "total_size", 0, G_MAXINT64, &self->n_bytes, NULL);

  return g_steal_pointer (&self);
}

void
hr_checkpoint_free (HrCheckpoint *self)
{
  g_return_if_fail (self != NULL);

  g_hash_table_unref (self->by_name);
  g_ptr_array_unref (self->tensors);
  g_ptr_array_unref (self->warnings);
  g_free (self);
}

/*
 * hr_checkpoint_add:
 * @self: a checkpoint
 * @tensor: (transfer full): a tensor
 *
 * Adds a tensor.
 *
 * Returns: whether it was added: its name is not there yet, and the size of all can be counted
 */
gboolean
hr_checkpoint_add (HrCheckpoint   *self,
                   HrStoredTensor *tensor)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (tensor != NULL, FALSE);

  if (g_hash_table_contains (self->by_name, tensor->name) ||
      !g_uint64_checked_add (&self->n_bytes, self->n_bytes, tensor->n_bytes))
    {
      hr_stored_tensor_free (tensor);
      return FALSE;
    }

  g_ptr_array_add (self->tensors, tensor);
  g_hash_table_insert (self->by_name, tensor->name, tensor);

  return TRUE;
}

const HrStoredTensor *
hr_checkpoint_find (HrCheckpoint *self,
                    const char   *name)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return g_hash_table_lookup (self->by_name, name);
}

/* The dtype of most elements that are plain numbers; %HR_DTYPE_AUTO if there are none. */
HrDtype
hr_checkpoint_get_dtype (HrCheckpoint *self)
{
  guint64 n_elements[HR_DTYPE_INT4 + 1] = { 0 };
  HrDtype most = HR_DTYPE_AUTO;

  g_return_val_if_fail (self != NULL, HR_DTYPE_AUTO);

  for (guint i = 0; i < self->tensors->len; i++)
    {
      const HrStoredTensor *tensor = g_ptr_array_index (self->tensors, i);

      if (!tensor->is_float || tensor->dtype == HR_DTYPE_AUTO)
        continue;
      n_elements[tensor->dtype] += tensor->n_elements;
      if (n_elements[tensor->dtype] > n_elements[most])
        most = tensor->dtype;
    }

  return most;
}

/* The type of most elements, by its name in the file; %NULL of no tensors. */
const char *
hr_checkpoint_get_main_type (HrCheckpoint *self)
{
  g_autoptr (GHashTable) n_elements = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  const char *most = NULL;
  guint64 n_most = 0;

  g_return_val_if_fail (self != NULL, NULL);

  for (guint i = 0; i < self->tensors->len; i++)
    {
      const HrStoredTensor *tensor = g_ptr_array_index (self->tensors, i);
      guint64 *n = tensor->type != NULL ? g_hash_table_lookup (n_elements, tensor->type) : NULL;

      if (tensor->type == NULL)
        continue;
      if (n == NULL)
        {
          n = g_new0 (guint64, 1);
          g_hash_table_insert (n_elements, (gpointer) tensor->type, n);
        }
      *n += tensor->n_elements;
      if (*n > n_most)
        {
          n_most = *n;
          most = tensor->type;
        }
    }

  return most;
}
