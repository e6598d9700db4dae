/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-tensor.h"

#include <string.h>

static const char * const part_ids[] = {
  [HR_PART_EMBEDDING] = "embedding",
  [HR_PART_ATTENTION] = "attention",
  [HR_PART_MLP] = "mlp",
  [HR_PART_STATE_SPACE] = "state-space",
  [HR_PART_NORM] = "norm",
  [HR_PART_OUTPUT] = "output",
  [HR_PART_VISION] = "vision",
  [HR_PART_AUDIO] = "audio",
  [HR_PART_PROJECTOR] = "projector",
  [HR_PART_SPEECH] = "speech",
  [HR_PART_OTHER] = "other",
};

/**
 * hr_part_get_id:
 * @part: a part of a model
 *
 * Gets the key of a part in the JSON result.
 *
 * Returns: (transfer none): the id, such as `attention`
 */
const char *
hr_part_get_id (HrPart part)
{
  g_return_val_if_fail (part < HR_N_PARTS, NULL);

  return part_ids[part];
}

/**
 * hr_part_is_text:
 * @part: a part of a model
 *
 * Tells whether a part is of a language model, and not of what a model sees, hears or speaks with.
 *
 * Returns: whether it is
 */
gboolean
hr_part_is_text (HrPart part)
{
  g_return_val_if_fail (part < HR_N_PARTS, FALSE);

  return part != HR_PART_VISION && part != HR_PART_AUDIO && part != HR_PART_PROJECTOR && part != HR_PART_SPEECH;
}

/**
 * hr_tensor_get_copies: (skip)
 * @self: a row
 *
 * Gets the number of tensors that a row stands for.
 *
 * Returns: the number of layers that have it, or 1, times what hr_tensor_get_copies_of_layer() gives
 */
guint64
hr_tensor_get_copies (const HrTensor *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return MAX (self->n_layers, 1) * hr_tensor_get_copies_of_layer (self);
}

/**
 * hr_tensor_get_copies_of_layer: (skip)
 * @self: a row
 *
 * Gets the number of tensors that a row stands for in one layer.
 *
 * Returns: the number of experts that have one each, or 1
 */
guint64
hr_tensor_get_copies_of_layer (const HrTensor *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return MAX (self->n_items, 1);
}

/**
 * hr_tensor_get_name: (skip)
 * @self: a row
 * @copy: which tensor of the row, below hr_tensor_get_copies()
 *
 * Gets the name of one tensor, with the index of its layer, and of its expert.
 *
 * Returns: (transfer full): the name
 */
char *
hr_tensor_get_name (const HrTensor *self,
                    guint           copy)
{
  const char *place, *second;
  guint layer;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (copy < hr_tensor_get_copies (self), NULL);

  place = strstr (self->pattern, "{}");
  if (place == NULL || self->n_layers == 0)
    return g_strdup (self->pattern);

  layer = self->layers[copy / hr_tensor_get_copies_of_layer (self)];
  second = self->n_items > 0 ? strstr (place + 2, "{}") : NULL;
  if (second == NULL)
    return g_strdup_printf ("%.*s%u%s", (int) (place - self->pattern), self->pattern, layer, place + 2);

  return g_strdup_printf ("%.*s%u%.*s%u%s", (int) (place - self->pattern), self->pattern, layer,
                          (int) (second - place - 2), place + 2, copy % self->n_items, second + 2);
}

/**
 * hr_tensor_get_matrix: (skip)
 * @self: a tensor of two dimensions or more
 * @n_matrices: (out): how many matrices it holds
 * @out_features: (out): the rows of each
 * @in_features: (out): the columns of each
 *
 * Gets a tensor as the matrices of linear layers, whichever way round it holds them.
 */
void
hr_tensor_get_matrix (const HrTensor *self,
                      guint64        *n_matrices,
                      guint64        *out_features,
                      guint64        *in_features)
{
  guint64 first, second;

  g_return_if_fail (self != NULL);
  g_return_if_fail (self->n_dimensions >= 2);

  first = self->shape[self->n_dimensions - 2];
  second = self->shape[self->n_dimensions - 1];
  *n_matrices = self->n_elements / (first * second);
  *out_features = self->is_transposed ? second : first;
  *in_features = self->is_transposed ? first : second;
}

void
hr_tensor_free (HrTensor *self)
{
  g_return_if_fail (self != NULL);

  g_free (self->pattern);
  g_free (self->layers);
  g_free (self->tied_to);
  g_free (self);
}
