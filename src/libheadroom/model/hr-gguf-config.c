/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gguf-config.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-gguf-layers.h"
#include "hr-gguf-words.h"

#define WORDS "/io/github/headroom/Headroom/data/formats/gguf.json"

/* What the layers of most models do not have. */
static const char * const foreign_names[] = {
  N_("a mixture of experts"), N_("multi-head latent attention"), N_("state-space layers"),
};

struct _HrGgufConfig
{
  HrJson *words;
  HrJson *architecture;   /* in @words */
  const char *name;       /* of the architecture, of the file's */
};

/*
 * A number of the metadata; an array whose numbers are all equal stands for one, where 0 says of a layer that it has
 * nothing of the kind.
 */
static gboolean
get_number (HrGguf      *gguf,
            const char  *key,
            double      *number,
            GError     **error)
{
  const GArray *numbers = hr_gguf_get_numbers (gguf, key);

  if (numbers == NULL || numbers->len == 0)
    {
      *number = NAN;
      hr_gguf_get_number (gguf, key, number);
      return TRUE;
    }

  *number = 0;
  for (guint i = 0; i < numbers->len; i++)
    {
      if (*number == 0)
        *number = g_array_index (numbers, double, i);
      if (g_array_index (numbers, double, i) == *number || g_array_index (numbers, double, i) == 0)
        continue;
      g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                   _("“%s”, key “%s”: expected the same number for all layers, found different ones"),
                   hr_gguf_get_name (gguf), key);
      return FALSE;
    }

  return TRUE;
}

/* Whether the architecture has a key by layers, which the words for all of them have as one number. */
static gboolean
is_of_layers (HrGgufConfig *self,
              const char   *name)
{
  HrJson *of_layers = hr_json_get_member (self->architecture, "of-layers");

  return of_layers != NULL && hr_json_get_member (of_layers, name) != NULL;
}

/* The value of one key; whether there is one is in @found. */
static gboolean
add_key (HrGgufConfig  *self,
         HrGguf        *gguf,
         HrJson        *word,
         const char    *name,
         GHashTable    *config,
         gboolean      *found,
         GError       **error)
{
  g_autofree char *key = NULL;
  gboolean boolean;
  double number;

  *found = !is_of_layers (self, name);
  if (!*found)
    return TRUE;

  if (hr_json_get_node_type (word) == HR_JSON_INTEGER)
    {
      if (!hr_json_read_double (word, &number, error))
        return FALSE;
      hr_gguf_words_set_number (config, name, number);
      return TRUE;
    }

  key = hr_gguf_words_fill_in (hr_gguf_words_get_string (word), self->name);
  if (hr_gguf_get_boolean (gguf, key, &boolean))
    {
      hr_gguf_words_set_boolean (config, name, boolean);
      return TRUE;
    }
  if (!get_number (gguf, key, &number, error))
    return FALSE;

  *found = isfinite (number);
  if (*found)
    hr_gguf_words_set_number (config, name, number);

  return TRUE;
}

/* Of several keys the first that is there counts; a number stands for itself. */
static gboolean
add_keys (HrGgufConfig  *self,
          HrGguf        *gguf,
          HrJson        *keys,
          GHashTable    *config,
          GError       **error)
{
  for (guint i = 0; keys != NULL && i < hr_json_get_length (keys); i++)
    {
      HrJson *node = hr_json_get_element (keys, i);
      gboolean is_list = hr_json_get_node_type (node) == HR_JSON_ARRAY;
      guint n_words = is_list ? hr_json_get_length (node) : 1;
      gboolean found = FALSE;

      for (guint j = 0; j < n_words && !found; j++)
        {
          if (!add_key (self, gguf, is_list ? hr_json_get_element (node, j) : node, hr_json_get_key (node), config,
                        &found, error))
            return FALSE;
        }
    }

  return TRUE;
}

/* A size that the file has as a part of another: that of a head, of the heads together. */
static gboolean
add_quotients (HrGgufConfig  *self,
               HrGguf        *gguf,
               HrJson        *quotients,
               GHashTable    *config,
               GError       **error)
{
  for (guint i = 0; quotients != NULL && i < hr_json_get_length (quotients); i++)
    {
      HrJson *node = hr_json_get_element (quotients, i);
      const char *whole_word = hr_gguf_words_get_string (hr_json_get_element (node, 0));
      const char *part_word = hr_gguf_words_get_string (hr_json_get_element (node, 1));
      g_autofree char *whole_key = hr_gguf_words_fill_in (whole_word, self->name);
      g_autofree char *part_key = hr_gguf_words_fill_in (part_word, self->name);
      double whole, part;

      if (!get_number (gguf, whole_key, &whole, error) || !get_number (gguf, part_key, &part, error))
        return FALSE;
      if (isfinite (whole) && isfinite (part) && part > 0)
        hr_gguf_words_set_number (config, hr_json_get_key (node), whole / part);
    }

  return TRUE;
}

/* What a file counts and a config does not, such as the layers that predict further tokens. */
static gboolean
take_away (HrGgufConfig  *self,
           HrGguf        *gguf,
           HrJson        *less,
           GHashTable    *config,
           GError       **error)
{
  for (guint i = 0; less != NULL && i < hr_json_get_length (less); i++)
    {
      HrJson *node = hr_json_get_element (less, i);
      g_autofree char *key = hr_gguf_words_fill_in (hr_gguf_words_get_string (node), self->name);
      const char *whole = g_hash_table_lookup (config, hr_json_get_key (node));
      double part;

      if (!get_number (gguf, key, &part, error))
        return FALSE;
      if (whole != NULL && isfinite (part))
        hr_gguf_words_set_number (config, hr_json_get_key (node), g_ascii_strtod (whole, NULL) - part);
    }

  return TRUE;
}

/* How much of a head is rotated: the file has the part in numbers of elements, a config as a fraction. */
static gboolean
add_ratios (HrGgufConfig  *self,
            HrGguf        *gguf,
            HrJson        *ratios,
            GHashTable    *config,
            GError       **error)
{
  for (guint i = 0; ratios != NULL && i < hr_json_get_length (ratios); i++)
    {
      HrJson *node = hr_json_get_element (ratios, i);
      g_autofree char *key = hr_gguf_words_fill_in (hr_gguf_words_get_string (node), self->name);
      g_autofree char *key_length = hr_gguf_words_fill_in ("{}.attention.key_length", self->name);
      g_autofree char *embedding_length = hr_gguf_words_fill_in ("{}.embedding_length", self->name);
      g_autofree char *head_count = hr_gguf_words_fill_in ("{}.attention.head_count", self->name);
      double part, head_dim, hidden_size, n_heads;

      if (!get_number (gguf, key, &part, error) || !get_number (gguf, key_length, &head_dim, error) ||
          !get_number (gguf, embedding_length, &hidden_size, error) || !get_number (gguf, head_count, &n_heads, error))
        return FALSE;
      if (!isfinite (head_dim))
        head_dim = hidden_size / n_heads;
      if (isfinite (part / head_dim))
        hr_gguf_words_set_number (config, hr_json_get_key (node), part / head_dim);
    }

  return TRUE;
}

static void
add_rows (HrGguf     *gguf,
          HrJson     *rows,
          GHashTable *config)
{
  for (guint i = 0; rows != NULL && i < hr_json_get_length (rows); i++)
    {
      HrJson *node = hr_json_get_element (rows, i);
      const char *name = hr_gguf_words_get_string (node);
      const HrStoredTensor *tensor = hr_checkpoint_find (hr_gguf_get_checkpoint (gguf), name);

      if (tensor != NULL && tensor->n_dimensions > 0)
        hr_gguf_words_set_number (config, hr_json_get_key (node), tensor->shape[0]);
    }
}

/* Keys that are true if a tensor is there, or if it is not. */
static void
add_presence (HrGguf     *gguf,
              HrJson     *names,
              gboolean    if_present,
              GHashTable *config)
{
  for (guint i = 0; names != NULL && i < hr_json_get_length (names); i++)
    {
      HrJson *node = hr_json_get_element (names, i);
      gboolean is_present = hr_checkpoint_find (hr_gguf_get_checkpoint (gguf), hr_gguf_words_get_string (node)) != NULL;

      hr_gguf_words_set_boolean (config, hr_json_get_key (node), is_present == if_present);
    }
}

static void
add_values (HrJson     *values,
            GHashTable *config)
{
  for (guint i = 0; values != NULL && i < hr_json_get_length (values); i++)
    {
      HrJson *node = hr_json_get_element (values, i);
      gboolean value = FALSE;

      hr_json_read_boolean (node, &value, NULL);
      hr_gguf_words_set_boolean (config, hr_json_get_key (node), value);
    }
}

static gboolean
add_section (HrGgufConfig  *self,
             HrGguf        *gguf,
             HrJson        *section,
             GHashTable    *config,
             GError       **error)
{
  if (!add_keys (self, gguf, hr_json_get_member (section, "keys"), config, error) ||
      !take_away (self, gguf, hr_json_get_member (section, "less"), config, error) ||
      !add_quotients (self, gguf, hr_json_get_member (section, "quotients"), config, error) ||
      !add_ratios (self, gguf, hr_json_get_member (section, "ratios"), config, error))
    return FALSE;

  hr_gguf_layers_add (gguf, self->name, section, config);
  add_rows (gguf, hr_json_get_member (section, "rows"), config);
  add_presence (gguf, hr_json_get_member (section, "present"), TRUE, config);
  add_presence (gguf, hr_json_get_member (section, "absent"), FALSE, config);
  add_values (hr_json_get_member (section, "values"), config);

  return TRUE;
}

static gboolean
check_foreign (HrGgufConfig  *self,
               HrGguf        *gguf,
               GError       **error)
{
  HrJson *foreign = hr_json_get_member (self->words, "foreign");
  HrJson *known = hr_json_get_member (self->architecture, "known");

  for (guint i = 0; foreign != NULL && i < hr_json_get_length (foreign); i++)
    {
      HrJson *node = hr_json_get_element (foreign, i);
      g_autofree char *key = hr_gguf_words_fill_in (hr_json_get_key (node), self->name);
      const char *what = hr_gguf_words_get_string (node);
      double number = 0;

      if (known != NULL && hr_json_get_member (known, hr_json_get_key (node)) != NULL)
        continue;
      if (!hr_gguf_get_number (gguf, key, &number) || number == 0)
        continue;

      for (guint j = 0; j < G_N_ELEMENTS (foreign_names); j++)
        {
          if (g_str_equal (foreign_names[j], what))
            what = _(foreign_names[j]);
        }
      g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                   _("“%s”, key “%s”: the model has %s; its architecture “%s” is not known with it, "
                     "so it cannot be estimated"),
                   hr_gguf_get_name (gguf), key, what, self->name);
      return FALSE;
    }

  return TRUE;
}

/* llama.cpp's number for scores of experts that are sigmoids: llama_expert_gating_func_type. */
#define GATING_BY_SIGMOID 2

/* One name may stand for a model and for its mixture of experts, and for one that scores them otherwise. */
static HrJson *
find_architecture (HrGgufConfig *self,
                   HrGguf       *gguf,
                   HrJson       *architectures)
{
  g_autofree char *key = g_strconcat (self->name, ".expert_count", NULL);
  g_autofree char *gating_key = g_strconcat (self->name, ".expert_gating_func", NULL);
  g_autofree char *name = g_strconcat (self->name, " with experts", NULL);
  g_autofree char *gating_name = g_strconcat (self->name, " with sigmoid scores", NULL);
  double n_experts = 0;
  double gating = 0;
  HrJson *architecture = NULL;

  if (hr_gguf_get_number (gguf, gating_key, &gating) && gating == GATING_BY_SIGMOID)
    architecture = hr_json_get_member (architectures, gating_name);
  if (architecture == NULL && hr_gguf_get_number (gguf, key, &n_experts) && n_experts > 0)
    architecture = hr_json_get_member (architectures, name);

  return architecture != NULL ? architecture : hr_json_get_member (architectures, self->name);
}

/*
 * hr_gguf_config_new:
 * @gguf: a file; has to outlive the result
 * @error: return location for an error
 *
 * Finds the words for a file's architecture.
 *
 * Returns: (transfer full) (nullable): the words, or %NULL with @error set to %HR_ERROR_UNSUPPORTED if the architecture
 *   is not known, or to %HR_ERROR_NOT_A_MODEL if the file states none
 */
HrGgufConfig *
hr_gguf_config_new (HrGguf  *gguf,
                    GError **error)
{
  g_autoptr (HrGgufConfig) self = NULL;
  HrJson *architectures;

  g_return_val_if_fail (gguf != NULL, NULL);

  self = g_new0 (HrGgufConfig, 1);
  self->words = hr_json_new_from_resource (WORDS, error);
  if (self->words == NULL)
    return NULL;

  self->name = hr_gguf_get_string (gguf, "general.architecture");
  if (self->name == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL, _("“%s”: expected the key “%s”, found none"),
                   hr_gguf_get_name (gguf), "general.architecture");
      return NULL;
    }

  architectures = hr_json_get_member (self->words, "architectures");
  self->architecture = architectures != NULL ? find_architecture (self, gguf, architectures) : NULL;
  if (self->architecture == NULL)
    {
      g_autofree char *shown = hr_checkpoint_dup_shown (self->name);

      g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                   _("“%s”, key “%s”: the architecture “%s” is not known, so it cannot be estimated"),
                   hr_gguf_get_name (gguf), "general.architecture", shown);
      return NULL;
    }
  if (!check_foreign (self, gguf, error))
    return NULL;

  return g_steal_pointer (&self);
}

void
hr_gguf_config_free (HrGgufConfig *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->words, hr_json_free);
  g_free (self);
}

static int
compare_keys (gconstpointer a,
              gconstpointer b)
{
  return strcmp (a, b);
}

/*
 * hr_gguf_config_build:
 * @self: the words for @gguf
 * @gguf: a file
 * @error: return location for an error
 *
 * Writes down what the metadata says as a config; messages about it name the file.
 *
 * Returns: (transfer full) (nullable): the config, or %NULL with @error set
 */
HrJson *
hr_gguf_config_build (HrGgufConfig  *self,
                      HrGguf        *gguf,
                      GError       **error)
{
  g_autoptr (GHashTable) config = NULL;
  g_autoptr (GList) keys = NULL;
  g_autoptr (GString) text = NULL;
  const char *model_type = NULL;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (gguf != NULL, NULL);

  config = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!hr_json_get_string (self->architecture, "model-type", &model_type, error) ||
      !add_section (self, gguf, self->words, config, error) ||
      !add_section (self, gguf, self->architecture, config, error))
    return NULL;

  text = g_string_new (NULL);
  g_string_append_printf (text, "{\n  \"model_type\": \"%s\"", model_type);
  keys = g_list_sort (g_hash_table_get_keys (config), compare_keys);
  for (GList *l = keys; l != NULL; l = l->next)
    g_string_append_printf (text, ",\n  \"%s\": %s", (char *) l->data,
                            (char *) g_hash_table_lookup (config, l->data));
  g_string_append (text, "\n}\n");

  return hr_json_new_from_data (text->str, text->len, hr_gguf_get_name (gguf), HR_JSON_STRICT, error);
}

/* The word for a key in a section of the architecture, or else in that of all. */
static HrJson *
find_word (HrGgufConfig *self,
           const char   *section,
           const char   *key)
{
  HrJson *sections[] = {
    hr_json_get_member (self->architecture, section), hr_json_get_member (self->words, section),
  };

  for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
    {
      HrJson *word = sections[i] != NULL ? hr_json_get_member (sections[i], key) : NULL;

      if (word != NULL)
        return word;
    }

  return NULL;
}

/*
 * hr_gguf_config_list_stored_names:
 * @self: the words for a file
 * @pattern: the name of a model's tensor, with `{}` where the index of its layer stands
 * @layer: (nullable): that index
 *
 * Gets what the file calls a tensor, or the tensors that it is divided into.
 *
 * Returns: (transfer full) (element-type utf8): the names; none if there is no word for it
 */
GPtrArray *
hr_gguf_config_list_stored_names (HrGgufConfig *self,
                                  const char   *pattern,
                                  const guint  *layer)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *index = NULL;
  HrJson *word;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (pattern != NULL, NULL);

  index = layer != NULL ? g_strdup_printf ("%u", *layer) : g_strdup ("");
  word = find_word (self, "tensors", pattern);
  for (guint i = 0; word != NULL && i < hr_json_get_length (word); i++)
    g_ptr_array_add (names, hr_gguf_words_fill_in (hr_gguf_words_get_string (hr_json_get_element (word, i)), index));

  if (word == NULL)
    {
      char *name = hr_gguf_config_dup_module_name (self, pattern, layer);

      if (name != NULL)
        g_ptr_array_add (names, name);
    }

  return g_steal_pointer (&names);
}

/* What a file calls a tensor after its module, which older files do where newer ones divide it; %NULL if no word is. */
char *
hr_gguf_config_dup_module_name (HrGgufConfig *self,
                                const char   *pattern,
                                const guint  *layer)
{
  g_autofree char *index = NULL;
  g_autofree char *module = NULL;
  g_autofree char *name = NULL;
  const char *dot;
  HrJson *word;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (pattern != NULL, NULL);

  dot = strrchr (pattern, '.');
  if (dot == NULL)
    return NULL;

  module = g_strndup (pattern, dot - pattern);
  word = find_word (self, "modules", module);
  if (word == NULL)
    return NULL;

  index = layer != NULL ? g_strdup_printf ("%u", *layer) : g_strdup ("");
  name = hr_gguf_words_fill_in (hr_gguf_words_get_string (word), index);

  return g_strconcat (name, dot, NULL);
}

/* "blk.{}.exp_probs_b.bias" of "blk.7.exp_probs_b.bias" */
static char *
dup_pattern (const char *stored_name)
{
  const char *rest;

  if (!g_str_has_prefix (stored_name, "blk."))
    return g_strdup (stored_name);

  rest = strchr (stored_name + strlen ("blk."), '.');

  return g_strconcat ("blk.{}", rest, NULL);
}

/* Whether a tensor of the file is learnt; a few are factors that were computed beforehand. */
gboolean
hr_gguf_config_is_parameter (HrGgufConfig *self,
                             const char   *stored_name)
{
  HrJson *sections[2];
  g_autofree char *pattern = NULL;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (stored_name != NULL, FALSE);

  sections[0] = hr_json_get_member (self->architecture, "not-parameters");
  sections[1] = hr_json_get_member (self->words, "not-parameters");
  pattern = dup_pattern (stored_name);
  for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
    {
      for (guint j = 0; sections[i] != NULL && j < hr_json_get_length (sections[i]); j++)
        {
          if (g_strcmp0 (hr_gguf_words_get_string (hr_json_get_element (sections[i], j)), pattern) == 0)
            return FALSE;
        }
    }

  return TRUE;
}
