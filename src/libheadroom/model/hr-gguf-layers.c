/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gguf-layers.h"

#include <math.h>

#include "hr-gguf-words.h"

/* The array that a word names; %NULL if the file has none of that name. */
static const GArray *
get_numbers (HrGguf     *gguf,
             const char *name,
             HrJson     *word)
{
  g_autofree char *key = hr_gguf_words_fill_in (hr_gguf_words_get_string (word), name);

  return hr_gguf_get_numbers (gguf, key);
}

/* The kind of a layer: the first whose number is not 0 for it. */
static const char *
get_layer_kind (HrGguf     *gguf,
                const char *name,
                HrJson     *kinds,
                guint       layer)
{
  for (guint i = 0; i < hr_json_get_length (kinds); i++)
    {
      HrJson *kind = hr_json_get_element (kinds, i);
      const GArray *numbers;

      if (hr_json_get_node_type (kind) == HR_JSON_STRING)
        return hr_gguf_words_get_string (kind);
      numbers = get_numbers (gguf, name, hr_json_get_element (kind, 0));
      if (numbers != NULL && layer < numbers->len && g_array_index (numbers, double, layer) != 0)
        return hr_gguf_words_get_string (hr_json_get_element (kind, 1));
    }

  return NULL;
}

/* Lists of the kinds of layers, which a file tells by what each has a number of. */
static void
add_kinds (HrGguf     *gguf,
           const char *name,
           HrJson     *layers,
           GHashTable *config)
{
  for (guint i = 0; layers != NULL && i < hr_json_get_length (layers); i++)
    {
      HrJson *node = hr_json_get_element (layers, i);
      const GArray *numbers = get_numbers (gguf, name, hr_json_get_element (hr_json_get_element (node, 0), 0));
      g_autoptr (GString) list = g_string_new ("[");

      if (numbers == NULL)
        continue;
      for (guint layer = 0; layer < numbers->len; layer++)
        g_string_append_printf (list, "%s\"%s\"", layer > 0 ? ", " : "", get_layer_kind (gguf, name, node, layer));
      g_string_append_c (list, ']');
      g_hash_table_insert (config, g_strdup (hr_json_get_key (node)), g_strdup (list->str));
    }
}

/* The first layer whose number in an array is 0, or is not; the first of all where a word names no array. */
static guint
find_layer (HrGguf     *gguf,
            const char *name,
            HrJson     *word)
{
  const GArray *numbers;
  double wanted = 0;

  if (hr_json_get_length (word) < 3)
    return 0;

  numbers = get_numbers (gguf, name, hr_json_get_element (word, 1));
  hr_json_read_double (hr_json_get_element (word, 2), &wanted, NULL);
  for (guint layer = 0; numbers != NULL && layer < numbers->len; layer++)
    {
      if ((g_array_index (numbers, double, layer) != 0) == (wanted != 0))
        return layer;
    }

  return 0;
}

/* Numbers that differ between kinds of layers: a file may have one for each, or the same for all. */
static void
add_of_layers (HrGguf     *gguf,
               const char *name,
               HrJson     *of_layers,
               GHashTable *config)
{
  for (guint i = 0; of_layers != NULL && i < hr_json_get_length (of_layers); i++)
    {
      HrJson *node = hr_json_get_element (of_layers, i);
      HrJson *word = hr_json_get_element (node, 0);
      g_autofree char *key = hr_gguf_words_fill_in (hr_gguf_words_get_string (word), name);
      const GArray *numbers = hr_gguf_get_numbers (gguf, key);
      guint layer = find_layer (gguf, name, node);
      double number = NAN;

      if (numbers == NULL)
        hr_gguf_get_number (gguf, key, &number);
      else if (layer < numbers->len)
        number = g_array_index (numbers, double, layer);
      if (isfinite (number))
        hr_gguf_words_set_number (config, hr_json_get_key (node), number);
    }
}

/* Keys that are true if an array's numbers are not all the same. */
static void
add_differences (HrGguf     *gguf,
                 const char *name,
                 HrJson     *differs,
                 GHashTable *config)
{
  for (guint i = 0; differs != NULL && i < hr_json_get_length (differs); i++)
    {
      HrJson *node = hr_json_get_element (differs, i);
      const GArray *numbers = get_numbers (gguf, name, node);
      gboolean differ = FALSE;

      for (guint layer = 1; numbers != NULL && layer < numbers->len; layer++)
        differ = differ || g_array_index (numbers, double, layer) != g_array_index (numbers, double, 0);
      hr_gguf_words_set_boolean (config, hr_json_get_key (node), differ);
    }
}

/*
 * hr_gguf_layers_add:
 * @gguf: a file
 * @name: its architecture
 * @section: words for it
 * @config: (element-type utf8 utf8): keys of a config and their values, where it is added
 *
 * Adds what differs between layers.
 */
void
hr_gguf_layers_add (HrGguf     *gguf,
                    const char *name,
                    HrJson     *section,
                    GHashTable *config)
{
  g_return_if_fail (gguf != NULL);
  g_return_if_fail (name != NULL);
  g_return_if_fail (section != NULL);
  g_return_if_fail (config != NULL);

  add_kinds (gguf, name, hr_json_get_member (section, "layers"), config);
  add_of_layers (gguf, name, hr_json_get_member (section, "of-layers"), config);
  add_differences (gguf, name, hr_json_get_member (section, "differs"), config);
}
