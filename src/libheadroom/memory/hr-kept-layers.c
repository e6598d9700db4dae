/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-kept-layers.h"

#include "hr-component-text.h"

/*
 * What each layer keeps for the backward pass, tensor by tensor: the books have only the sum for layers that repeat
 * another.
 */

struct _HrKeptLayers
{
  GPtrArray *records;  /* of HrMoment: what a layer that was replayed keeps, as if it were a moment */
  guint *record_of;    /* for each layer one more than the index of its record; 0 if there is none */
  guint n_layers;
};

static void
moment_free (gpointer data)
{
  HrMoment *self = data;

  g_free (self->storages);
  g_free (self);
}

/*
 * hr_kept_layers_new:
 * @n_layers: how many layers there are
 *
 * Makes an empty list.
 *
 * Returns: (transfer full): the list
 */
HrKeptLayers *
hr_kept_layers_new (guint n_layers)
{
  HrKeptLayers *self = g_new (HrKeptLayers, 1);

  self->records = g_ptr_array_new_with_free_func (moment_free);
  self->record_of = g_new0 (guint, n_layers);
  self->n_layers = n_layers;

  return self;
}

void
hr_kept_layers_free (HrKeptLayers *self)
{
  g_return_if_fail (self != NULL);

  g_ptr_array_unref (self->records);
  g_free (self->record_of);
  g_free (self);
}

static guint64
get_sum (const HrMoment *moment,
         HrComponentId   component)
{
  guint64 bytes = 0;

  for (guint i = 0; i < moment->n_storages; i++)
    {
      if (moment->storages[i].component == component)
        bytes += moment->storages[i].bytes;
    }

  return bytes;
}

/*
 * hr_kept_layers_add:
 * @self: a list
 * @replay: a tape
 * @stretch: the forward pass of a layer, which has just ended
 * @layer: the index of the layer
 * @input: what it was given, which the variable of the embeddings holds as well if it is the first
 * @output: what it hands on
 *
 * Writes down what a layer keeps, and marks it on the tape: what it has made and is still there but for its output, and
 * its input if that is still there.
 */
void
hr_kept_layers_add (HrKeptLayers    *self,
                    HrReplay        *replay,
                    const HrStretch *stretch,
                    guint            layer,
                    HrValue          input,
                    HrValue          output)
{
  guint n_variables = layer == 0 ? 1 : 0;
  HrMoment *moment;

  g_return_if_fail (layer < self->n_layers);

  if (self->record_of[layer] > 0)
    return;

  moment = g_new (HrMoment, 1);
  memcpy (moment->symbols, replay->symbols, sizeof replay->symbols);
  moment->storages = g_new (HrStorage, replay->n_storages);
  moment->n_storages = 0;
  for (guint i = 0; i < replay->n_storages; i++)
    {
      HrStorage *storage = &replay->storages[i];
      gboolean is_input = (int) i == input.storage;

      if ((int) i == output.storage || storage->references <= (is_input ? n_variables : 0) ||
          (storage->n_before < stretch->n_made && !is_input))
        continue;
      storage->kept_by = layer + 1;
      moment->storages[moment->n_storages++] = *storage;
    }
  moment->storages = g_renew (HrStorage, moment->storages, moment->n_storages);
  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    moment->level.by_component[i] = get_sum (moment, i);

  g_ptr_array_add (self->records, moment);
  self->record_of[layer] = self->records->len;
}

/*
 * hr_kept_layers_repeat:
 * @self: a list
 * @layer: the index of a layer
 * @like: the index of a layer that was replayed
 *
 * Writes down that a layer keeps the same as another.
 */
void
hr_kept_layers_repeat (HrKeptLayers *self,
                       guint         layer,
                       guint         like)
{
  g_return_if_fail (layer < self->n_layers && like < self->n_layers);

  self->record_of[layer] = self->record_of[like];
}

static const HrMoment *
get_record (const HrKeptLayers *self,
            guint               layer)
{
  return self->record_of[layer] > 0 ? g_ptr_array_index (self->records, self->record_of[layer] - 1) : NULL;
}

/*
 * hr_kept_layers_find:
 * @self: a list
 * @component: a component
 * @bytes: what layers hold of it
 * @n_layers: (out): how many layers from the first on hold what they keep
 *
 * Finds the layers that hold what they keep: the backward pass comes to the last layer first.
 *
 * Returns: whether some layers hold just as much
 */
gboolean
hr_kept_layers_find (const HrKeptLayers *self,
                     HrComponentId       component,
                     guint64             bytes,
                     guint              *n_layers)
{
  guint64 sum = 0;

  *n_layers = 0;
  while (sum < bytes && *n_layers < self->n_layers)
    {
      const HrMoment *record = get_record (self, *n_layers);

      if (record == NULL)
        return FALSE;
      sum += record->level.by_component[component];
      *n_layers += 1;
    }

  return sum == bytes;
}

/* Layers that keep the same, though they were replayed apart, are written once. */
static char *
write_layers (const HrKeptLayers  *self,
              HrComponentId        component,
              guint                n_layers,
              char              *(*write) (const HrMoment *moment,
                                           HrComponentId   component))
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autofree guint *counts = g_new0 (guint, self->records->len);
  GString *result = g_string_new (NULL);

  for (guint i = 0; i < self->records->len; i++)
    {
      const HrMoment *record = g_ptr_array_index (self->records, i);
      g_autofree char *text = write (record, component);
      guint n = 0;
      guint index;

      for (guint j = 0; j < n_layers; j++)
        n += self->record_of[j] == i + 1;
      if (n == 0 || record->level.by_component[component] == 0)
        continue;

      if (!g_ptr_array_find_with_equal_func (texts, text, g_str_equal, &index))
        {
          index = texts->len;
          g_ptr_array_add (texts, g_steal_pointer (&text));
        }
      counts[index] += n;
    }

  for (guint i = 0; i < texts->len; i++)
    g_string_append_printf (result, "%s%u·(%s)", i > 0 ? " + " : "", counts[i],
                            (const char *) g_ptr_array_index (texts, i));

  return g_string_free (result, FALSE);
}

/*
 * hr_kept_layers_new_formula:
 * @self: a list
 * @component: a component
 * @n_layers: how many layers from the first on
 *
 * Writes down what layers keep, in symbols: the number of layers that keep the same, and the tensors of one of them.
 *
 * Returns: (transfer full): the formula
 */
char *
hr_kept_layers_new_formula (const HrKeptLayers *self,
                            HrComponentId       component,
                            guint               n_layers)
{
  return write_layers (self, component, n_layers, hr_component_text_new_formula);
}

/*
 * hr_kept_layers_new_substitution:
 * @self: a list
 * @component: a component
 * @n_layers: how many layers from the first on
 *
 * Writes down what layers keep, in numbers.
 *
 * Returns: (transfer full): the formula in numbers
 */
char *
hr_kept_layers_new_substitution (const HrKeptLayers *self,
                                 HrComponentId       component,
                                 guint               n_layers)
{
  return write_layers (self, component, n_layers, hr_component_text_new_substitution);
}
