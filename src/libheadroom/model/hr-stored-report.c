/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-stored-weights-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-stored-names.h"

/* How many names a warning lists. */
#define MAX_SHOWN 3

static char *
list_names (GPtrArray *names)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GString *shown;

  for (guint i = 0; i < MIN (names->len, MAX_SHOWN); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (char *) g_ptr_array_index (names, i));
  if (names->len > MAX_SHOWN)
    g_string_append (text, ", …");

  /* A warning is one line, and not endless. */
  shown = g_string_new (NULL);
  for (const char *c = text->str; *c != '\0' && shown->len < 400; c = g_utf8_next_char (c))
    g_string_append_unichar (shown, g_unichar_iscntrl (g_utf8_get_char (c)) ? ' ' : g_utf8_get_char (c));

  return g_string_free (shown, FALSE);
}

static void
warn (GPtrArray  *warnings,
      const char *sentence,
      GPtrArray  *names,
      const char *class_name)
{
  g_autofree char *count = g_strdup_printf ("%u", names->len);
  g_autofree char *list = list_names (names);
  GString *text;

  if (names->len == 0)
    return;

  text = g_string_new (sentence);
  g_string_replace (text, "{count}", count, 1);
  g_string_replace (text, "{class}", class_name, 1);
  g_string_replace (text, "{names}", list, 1);
  g_ptr_array_add (warnings, g_string_free (text, FALSE));
}

/* How many layers the model has below each name: "model.layers." */
static GHashTable *
count_layers (HrStoredMatcher *self)
{
  GHashTable *counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < self->tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (self->tensors, i);
      const char *place = strstr (tensor->pattern, "{}");
      g_autofree char *prefix = NULL;
      guint count;

      if (place == NULL || tensor->n_layers == 0)
        continue;
      prefix = self->words != NULL ? g_strdup ("blk.") : g_strndup (tensor->pattern, place - tensor->pattern);
      count = MAX (tensor->layers[tensor->n_layers - 1] + 1, GPOINTER_TO_UINT (g_hash_table_lookup (counts, prefix)));
      g_hash_table_insert (counts, g_steal_pointer (&prefix), GUINT_TO_POINTER (count));
    }

  return counts;
}

/* Whether a tensor is of a layer behind the last one of the class, or of a module that predicts further tokens. */
static gboolean
is_behind_the_last (GHashTable *counts,
                    const char *name)
{
  g_autofree char *prefix = NULL;
  gsize length;
  guint layer, count;

  if (hr_stored_name_is_next_token (name))
    return TRUE;
  if (!hr_stored_name_get_layer (name, &length, &layer))
    return FALSE;

  prefix = g_strndup (name, length);
  count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, prefix));

  return count > 0 && layer >= count;
}

/* Some tools store a bias of zeros with each quantised matrix. */
static gboolean
is_bias_of_quantized (HrStoredMatcher *self,
                      const char      *name)
{
  g_autofree char *module = NULL;

  if (!g_str_has_suffix (name, ".bias"))
    return FALSE;

  module = g_strndup (name, strlen (name) - strlen (".bias"));

  return g_hash_table_contains (self->pieces, module);
}

/*
 * hr_stored_weights_report:
 * @self: what was found
 * @class_name: what to call the model
 * @warnings: (element-type utf8): where it is added
 *
 * Says how the stored tensors differ from the model's.
 */
void
hr_stored_weights_report (HrStoredMatcher *self,
                          const char      *class_name,
                          GPtrArray       *warnings)
{
  g_autoptr (GPtrArray) extra = g_ptr_array_new ();
  g_autoptr (GPtrArray) biases = g_ptr_array_new ();
  g_autoptr (GPtrArray) behind = g_ptr_array_new ();
  g_autoptr (GHashTable) counts = count_layers (self);

  for (guint i = 0; i < self->checkpoint->tensors->len; i++)
    {
      const HrStoredTensor *tensor = g_ptr_array_index (self->checkpoint->tensors, i);

      if (g_hash_table_contains (self->claimed, tensor) ||
          (self->words != NULL && !hr_gguf_config_is_parameter (self->words, tensor->name)) ||
          (self->words == NULL && hr_stored_name_is_buffer (tensor->name)))
        continue;
      if (is_behind_the_last (counts, tensor->name))
        g_ptr_array_add (behind, tensor->name);
      else if (is_bias_of_quantized (self, tensor->name))
        g_ptr_array_add (biases, tensor->name);
      else
        g_ptr_array_add (extra, tensor->name);
    }

  /* Translators: leave {count}, {class} and {names} as they are. */
  warn (warnings,
        ngettext ("The weights hold a tensor for predicting further tokens, which {class} does not load, and which is "
                  "not counted: {names}.",
                  "The weights hold {count} tensors for predicting further tokens, which {class} does not load, and "
                  "which are not counted: {names}.", behind->len),
        behind, class_name);
  /* Translators: leave {count}, {class} and {names} as they are. */
  warn (warnings,
        ngettext ("The weights hold a bias of a quantized matrix that {class} does not have, which is not counted: "
                  "{names}.",
                  "The weights hold {count} biases of quantized matrices that {class} does not have, which are not "
                  "counted: {names}.", biases->len),
        biases, class_name);
  /* Translators: leave {count} and {names} as they are. */
  warn (warnings,
        ngettext ("A tensor of the weights is quantized, which the config does not say: {names}.",
                  "{count} tensors of the weights are quantized, which the config does not say: {names}.",
                  self->packed->len),
        self->packed, class_name);
  /* Translators: leave {count} and {names} as they are. */
  warn (warnings,
        ngettext ("A tensor of the weights is not quantized, though the config says so: {names}.",
                  "{count} tensors of the weights are not quantized, though the config says so: {names}.",
                  self->plain->len),
        self->plain, class_name);

  /* Translators: leave {count}, {class} and {names} as they are. A class is a program's class, as LlamaForCausalLM. */
  warn (warnings,
        ngettext ("The weights lack a tensor that {class} has: {names}.",
                  "The weights lack {count} tensors that {class} has: {names}.", self->missing->len),
        self->missing, class_name);
  /* Translators: leave {count}, {class} and {names} as they are. */
  warn (warnings,
        ngettext ("The weights hold a tensor that {class} does not have, which is not counted: {names}.",
                  "The weights hold {count} tensors that {class} does not have, which are not counted: {names}.",
                  extra->len),
        extra, class_name);
  /* Translators: leave {count}, {class} and {names} as they are; a name is followed by two shapes. */
  warn (warnings,
        ngettext ("A tensor of the weights has another shape than {class} gives it: {names}.",
                  "{count} tensors of the weights have another shape than {class} gives them: {names}.",
                  self->different->len),
        self->different, class_name);
  /* Translators: leave {count} and {names} as they are. */
  warn (warnings,
        ngettext ("The weights hold a tied tensor a second time, which is counted once: {names}.",
                  "The weights hold {count} tied tensors a second time, which are counted once: {names}.",
                  self->repeated->len),
        self->repeated, class_name);
}
