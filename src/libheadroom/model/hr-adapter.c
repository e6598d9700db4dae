/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-adapter-private.h"

#include <glib/gi18n-lib.h>

#define MAX_RANK 65536

static void
module_set_clear (HrModuleSet *self)
{
  g_clear_pointer (&self->names, g_strfreev);
  g_clear_pointer (&self->regex, g_regex_unref);
}

static void
rank_pattern_free (HrRankPattern *self)
{
  g_clear_pointer (&self->regex, g_regex_unref);
  g_free (self);
}

static void
token_rows_free (HrTokenRows *self)
{
  g_free (self->module);
  g_free (self);
}

void
hr_adapter_free (HrAdapter *self)
{
  g_return_if_fail (self != NULL);

  g_free (self->origin);
  g_free (self->kind);
  g_free (self->base);
  g_free (self->bias);
  g_free (self->uncounted);
  module_set_clear (&self->targets);
  module_set_clear (&self->excluded);
  module_set_clear (&self->saved);
  module_set_clear (&self->parameters);
  g_ptr_array_unref (self->token_rows);
  g_ptr_array_unref (self->rank_patterns);
  g_ptr_array_unref (self->layer_regexes);
  g_clear_pointer (&self->layers, g_array_unref);
  g_free (self);
}

/* Python's expressions are read as PCRE's, which have all that names of modules need. The whole text has to match. */
static GRegex *
compile (HrJson      *node,
         const char  *before,
         const char  *pattern,
         const char  *after,
         GError     **error)
{
  g_autofree char *whole = g_strconcat ("\\A(?:", before, pattern, after, ")\\z", NULL);
  GRegex *regex = g_regex_new (whole, 0, 0, NULL);

  if (regex == NULL)
    hr_json_set_error (node, HR_ERROR_VALUE, _("a regular expression"), error);

  return regex;
}

static gboolean
read_modules (HrJson       *json,
              const char   *key,
              HrModuleSet  *set,
              GError      **error)
{
  HrJson *node = hr_json_get_member (json, key);
  const char *text;

  if (node == NULL)
    return TRUE;

  set->is_given = TRUE;
  if (hr_json_get_node_type (node) == HR_JSON_ARRAY)
    return hr_json_get_strings (json, key, &set->names, error);

  if (!hr_json_read_string (node, &text, error))
    return FALSE;
  if (g_str_equal (text, "all-linear"))
    {
      set->all_linear = TRUE;
      return TRUE;
    }
  set->regex = compile (node, "", text, "", error);

  return set->regex != NULL;
}

/* A key matches the end of a module's name, from a dot on. */
static gboolean
read_rank_patterns (HrAdapter  *self,
                    HrJson     *json,
                    GError    **error)
{
  HrJson *patterns = NULL;

  if (!hr_json_get_object (json, "rank_pattern", &patterns, error))
    return FALSE;

  for (guint i = 0; patterns != NULL && i < hr_json_get_length (patterns); i++)
    {
      HrJson *node = hr_json_get_element (patterns, i);
      HrRankPattern *pattern = g_new0 (HrRankPattern, 1);

      g_ptr_array_add (self->rank_patterns, pattern);
      pattern->regex = compile (node, "(?:.*\\.)?(?:", hr_json_get_key (node), ")", error);
      if (pattern->regex == NULL || !hr_json_read_uint (node, 1, MAX_RANK, &pattern->rank, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
add_layer (HrAdapter  *self,
           HrJson     *node,
           GError    **error)
{
  guint64 layer;

  if (!hr_json_read_uint (node, 0, G_MAXUINT16, &layer, error))
    return FALSE;

  g_array_append_val (self->layers, layer);

  return TRUE;
}

static gboolean
add_layer_pattern (HrAdapter   *self,
                   HrJson      *node,
                   GError     **error)
{
  const char *pattern;
  GRegex *regex;

  if (!hr_json_read_string (node, &pattern, error))
    return FALSE;

  regex = compile (node, "(?:.*?\\.)?", pattern, "\\.(\\d+)\\..*", error);
  if (regex != NULL)
    g_ptr_array_add (self->layer_regexes, regex);

  return regex != NULL;
}

/* Some settings are one thing or a list of them. */
static gboolean
read_one_or_more (HrAdapter   *self,
                  HrJson      *node,
                  gboolean   (*add) (HrAdapter *, HrJson *, GError **),
                  GError     **error)
{
  if (hr_json_get_node_type (node) != HR_JSON_ARRAY)
    return add (self, node, error);

  for (guint i = 0; i < hr_json_get_length (node); i++)
    {
      if (!add (self, hr_json_get_element (node, i), error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
read_layers (HrAdapter  *self,
             HrJson     *json,
             GError    **error)
{
  HrJson *layers = hr_json_get_member (json, "layers_to_transform");
  HrJson *pattern = hr_json_get_member (json, "layers_pattern");

  if (layers == NULL)
    return TRUE;

  if (self->targets.all_linear || self->targets.regex != NULL)
    {
      hr_json_set_error (layers, HR_ERROR_VALUE, _("target_modules to be a list of names"), error);
      return FALSE;
    }

  self->layers = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (!read_one_or_more (self, layers, add_layer, error) ||
      (pattern != NULL && !read_one_or_more (self, pattern, add_layer_pattern, error)))
    return FALSE;

  if (self->layer_regexes->len == 0)
    g_ptr_array_add (self->layer_regexes, g_regex_new ("\\A.*?\\.[^.]*\\.(\\d+)\\.", 0, 0, NULL));

  return TRUE;
}

/* A list of rows of the input embedding, or a list for each embedding that is named. */
static gboolean
read_tokens (HrAdapter  *self,
             HrJson     *json,
             GError    **error)
{
  HrJson *node = hr_json_get_member (json, "trainable_token_indices");

  if (node == NULL)
    return TRUE;

  if (hr_json_get_node_type (node) == HR_JSON_ARRAY)
    {
      self->n_tokens = hr_json_get_length (node);
      return TRUE;
    }

  if (!hr_json_check_type (node, HR_JSON_OBJECT, error))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (node); i++)
    {
      HrJson *list = hr_json_get_element (node, i);
      HrTokenRows *rows;

      if (!hr_json_check_type (list, HR_JSON_ARRAY, error))
        return FALSE;
      rows = g_new0 (HrTokenRows, 1);
      rows->module = g_strdup (hr_json_get_key (list));
      rows->n_rows = hr_json_get_length (list);
      g_ptr_array_add (self->token_rows, rows);
    }

  return TRUE;
}

/* Layers that stand several times in the adapted model are not counted. */
static void
find_uncounted (HrAdapter *self,
                HrJson    *json)
{
  HrJson *node = hr_json_get_member (json, "layer_replication");

  if (node != NULL && hr_json_get_length (node) > 0)
    self->uncounted = g_strdup ("layer_replication");
}

static HrAdapter *
adapter_new (const char *origin)
{
  HrAdapter *self = g_new0 (HrAdapter, 1);

  self->rank_patterns = g_ptr_array_new_with_free_func ((GDestroyNotify) rank_pattern_free);
  self->layer_regexes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_regex_unref);
  self->token_rows = g_ptr_array_new_with_free_func ((GDestroyNotify) token_rows_free);
  self->origin = g_strdup (origin);

  return self;
}

/* Names with commas between them; spaces do not count. */
static char **
split_names (const char *text)
{
  char **names = g_strsplit (text, ",", -1);

  for (guint i = 0; names[i] != NULL; i++)
    g_strstrip (names[i]);

  return names;
}

/*
 * hr_adapter_new_lora:
 * @rank: the rank, at least 1
 * @targets: names of modules, separated by commas, or `all-linear`
 *
 * Makes the LoRA that `LoraConfig (r=rank, target_modules=targets)` describes.
 *
 * Returns: (transfer full): the adapter
 */
HrAdapter *
hr_adapter_new_lora (guint64     rank,
                     const char *targets)
{
  HrAdapter *self = adapter_new (NULL);

  g_return_val_if_fail (rank > 0, self);
  g_return_val_if_fail (targets != NULL, self);

  self->kind = g_strdup ("LORA");
  self->is_converted = TRUE;
  self->bias = g_strdup ("none");
  self->rank = rank;
  self->targets.is_given = targets[0] != '\0';
  self->targets.all_linear = g_str_equal (targets, "all-linear");
  if (!self->targets.all_linear)
    self->targets.names = split_names (targets);

  return self;
}

/*
 * hr_adapter_set_other_method:
 * @self: an adapter
 *
 * Says that only its targets are those of a LoRA: PEFT finds names that have become those of parameters for LoRA alone
 * (convert_peft_config_for_transformers in peft/utils/transformers_weight_conversion.py).
 */
void
hr_adapter_set_other_method (HrAdapter *self)
{
  g_return_if_fail (self != NULL);

  self->is_converted = FALSE;
}

/*
 * hr_adapter_leave_others:
 * @self: an adapter
 *
 * Says that of all that `all-linear` names, experts, routers and modules that PEFT refuses get no adapter, as somebody
 * does who names the others (`LoraConfig (exclude_modules=…)`).
 */
void
hr_adapter_leave_others (HrAdapter *self)
{
  g_return_if_fail (self != NULL);

  self->leaves_others = TRUE;
}

/*
 * hr_adapter_set_saved:
 * @self: an adapter
 * @names: names of modules, separated by commas, or `none`
 *
 * Says which modules are trained whole, in a copy (`LoraConfig (modules_to_save=names)`).
 */
void
hr_adapter_set_saved (HrAdapter  *self,
                      const char *names)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (names != NULL);

  module_set_clear (&self->saved);
  self->saved.is_given = !g_str_equal (names, "none");
  if (self->saved.is_given)
    self->saved.names = split_names (names);
}

/* Whether a file that may be a model's config is an adapter's. */
gboolean
hr_adapter_is_config (HrJson *json)
{
  g_return_val_if_fail (json != NULL, FALSE);

  return hr_json_get_node_type (json) == HR_JSON_OBJECT && hr_json_get_member (json, "peft_type") != NULL &&
         hr_json_get_member (json, "model_type") == NULL;
}

/*
 * hr_adapter_new_from_json:
 * @json: an `adapter_config.json`
 * @error: return location for an error
 *
 * Reads an adapter's config (peft/tuners/lora/config.py, class LoraConfig).
 *
 * Returns: (transfer full) (nullable): the adapter, or %NULL with @error set
 */
HrAdapter *
hr_adapter_new_from_json (HrJson  *json,
                          GError **error)
{
  g_autoptr (HrAdapter) self = NULL;
  const char *kind = NULL;
  const char *base = NULL;
  const char *bias = "none";

  g_return_val_if_fail (json != NULL, NULL);

  self = adapter_new (hr_json_get_origin (json));

  if (!hr_json_check_type (json, HR_JSON_OBJECT, error) ||
      hr_json_require_member (json, "peft_type", error) == NULL ||
      !hr_json_get_string (json, "peft_type", &kind, error) ||
      !hr_json_get_string (json, "base_model_name_or_path", &base, error))
    return NULL;

  self->kind = g_strdup (kind);
  self->base = base != NULL && base[0] != '\0' ? g_strdup (base) : NULL;
  if (!g_str_equal (kind, "LORA"))
    return g_steal_pointer (&self);

  self->is_converted = TRUE;

  self->rank = 8;
  self->has_alpha = hr_json_get_member (json, "lora_alpha") != NULL;
  if (!hr_json_get_uint (json, "r", 1, MAX_RANK, &self->rank, error) ||
      !hr_json_get_double (json, "lora_alpha", &self->alpha, error) ||
      !hr_json_get_boolean (json, "use_dora", &self->use_dora, error) ||
      !hr_json_get_boolean (json, "lora_bias", &self->lora_bias, error) ||
      !hr_json_get_string (json, "bias", &bias, error) ||
      !read_modules (json, "target_modules", &self->targets, error) ||
      !read_modules (json, "exclude_modules", &self->excluded, error) ||
      !read_modules (json, "modules_to_save", &self->saved, error) ||
      !read_modules (json, "target_parameters", &self->parameters, error) ||
      !read_rank_patterns (self, json, error) || !read_tokens (self, json, error) || !read_layers (self, json, error))
    return NULL;

  if (!g_str_equal (bias, "none") && !g_str_equal (bias, "all") && !g_str_equal (bias, "lora_only"))
    {
      hr_json_set_error (hr_json_get_member (json, "bias"), HR_ERROR_VALUE, "none, all, lora_only", error);
      return NULL;
    }
  self->bias = g_strdup (bias);
  find_uncounted (self, json);

  return g_steal_pointer (&self);
}

/* What PEFT calls the method, such as `LORA`. */
const char *
hr_adapter_get_kind (HrAdapter *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->kind;
}

/* The folder or the id of the model that the adapter belongs to; %NULL if it is not stated. */
const char *
hr_adapter_get_base (HrAdapter *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->base;
}

/* The rank of a LoRA; 0 for another method. */
guint64
hr_adapter_get_rank (HrAdapter *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->rank;
}

gboolean
hr_adapter_get_alpha (HrAdapter *self,
                      double    *alpha)
{
  g_return_val_if_fail (self != NULL, FALSE);

  *alpha = self->alpha;

  return self->has_alpha;
}
