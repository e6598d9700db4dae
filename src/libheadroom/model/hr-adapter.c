/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-adapter.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_RANK 65536

/* Which modules a setting means: all linear ones, those with one of several names, or those that a text matches. */
typedef struct
{
  gboolean is_given;
  gboolean all_linear;
  char **names;
  GRegex *regex;
} HrModuleSet;

typedef struct
{
  GRegex *regex;
  guint64 rank;
} HrRankPattern;

struct _HrAdapter
{
  char *origin;
  char *kind;             /* "LORA" */
  char *base;
  char *bias;             /* "none", "all" or "lora_only" */
  char *uncounted;        /* a setting that adds parameters which are not counted; NULL if there is none */
  guint64 rank;
  double alpha;
  gboolean has_alpha;
  gboolean use_dora;
  gboolean lora_bias;
  HrModuleSet targets;
  HrModuleSet excluded;
  HrModuleSet saved;
  GPtrArray *rank_patterns;   /* of HrRankPattern */
  GArray *layers;             /* of guint64; NULL for all of them */
  GPtrArray *layer_regexes;   /* of GRegex */
};

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
read_names (HrJson   *node,
            char   ***names,
            GError  **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_null_terminated (0, g_free, TRUE);

  for (guint i = 0; i < hr_json_get_length (node); i++)
    {
      const char *name;

      if (!hr_json_read_string (hr_json_get_element (node, i), &name, error))
        return FALSE;
      g_ptr_array_add (list, g_strdup (name));
    }

  *names = list->len > 0 ? (char **) g_ptr_array_free (g_steal_pointer (&list), FALSE) : g_new0 (char *, 1);

  return TRUE;
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
    return read_names (node, &set->names, error);

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

  regex = compile (node, ".*\\.", pattern, "\\.(\\d+)\\..*", error);
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

  self->layers = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (!read_one_or_more (self, layers, add_layer, error) ||
      (pattern != NULL && !read_one_or_more (self, pattern, add_layer_pattern, error)))
    return FALSE;

  if (self->layer_regexes->len == 0)
    g_ptr_array_add (self->layer_regexes, g_regex_new ("\\A.*\\.[^.]*\\.(\\d+)\\.", 0, 0, NULL));

  return TRUE;
}

/* Parameters that this does not count yet. */
static void
find_uncounted (HrAdapter *self,
                HrJson    *json)
{
  static const char * const keys[] = { "target_parameters", "trainable_token_indices" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      HrJson *node = hr_json_get_member (json, keys[i]);

      if (node != NULL && hr_json_get_length (node) > 0)
        self->uncounted = g_strdup (keys[i]);
    }
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

  self = g_new0 (HrAdapter, 1);
  self->rank_patterns = g_ptr_array_new_with_free_func ((GDestroyNotify) rank_pattern_free);
  self->layer_regexes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_regex_unref);
  self->origin = g_strdup (hr_json_get_origin (json));

  if (!hr_json_check_type (json, HR_JSON_OBJECT, error) ||
      hr_json_require_member (json, "peft_type", error) == NULL ||
      !hr_json_get_string (json, "peft_type", &kind, error) ||
      !hr_json_get_string (json, "base_model_name_or_path", &base, error))
    return NULL;

  self->kind = g_strdup (kind);
  self->base = base != NULL && base[0] != '\0' ? g_strdup (base) : NULL;
  if (!g_str_equal (kind, "LORA"))
    return g_steal_pointer (&self);

  self->rank = 8;
  self->has_alpha = hr_json_get_member (json, "lora_alpha") != NULL;
  if (!hr_json_get_uint (json, "r", 1, MAX_RANK, &self->rank, error) ||
      !hr_json_get_double (json, "lora_alpha", &self->alpha, error) ||
      !hr_json_get_boolean (json, "use_dora", &self->use_dora, error) ||
      !hr_json_get_boolean (json, "lora_bias", &self->lora_bias, error) ||
      !hr_json_get_string (json, "bias", &bias, error) ||
      !read_modules (json, "target_modules", &self->targets, error) ||
      !read_modules (json, "exclude_modules", &self->excluded, error) ||
      !read_modules (json, "modules_to_save", &self->saved, error) || !read_rank_patterns (self, json, error) ||
      !read_layers (self, json, error))
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

/* A name of a list is that of the module, or the end of it from a dot on. */
static gboolean
is_listed (const HrModuleSet *set,
           const char        *module)
{
  if (set->regex != NULL)
    return g_regex_match (set->regex, module, 0, NULL);

  for (guint i = 0; set->names != NULL && set->names[i] != NULL; i++)
    {
      gsize length = strlen (module);
      gsize name_length = strlen (set->names[i]);

      if (name_length > 0 && g_str_has_suffix (module, set->names[i]) &&
          (length == name_length || module[length - name_length - 1] == '.'))
        return TRUE;
    }

  return FALSE;
}

/* Limits what a list of names matches; an expression limits itself. */
static gboolean
is_in_layers (HrAdapter  *self,
              const char *module)
{
  if (self->layers == NULL || self->targets.names == NULL ||
      g_strv_contains ((const char * const *) self->targets.names, module))
    return TRUE;

  for (guint i = 0; i < self->layer_regexes->len; i++)
    {
      g_autoptr (GMatchInfo) match = NULL;
      g_autofree char *number = NULL;
      guint64 layer;

      if (!g_regex_match (g_ptr_array_index (self->layer_regexes, i), module, 0, &match))
        continue;
      number = g_match_info_fetch (match, 1);
      layer = g_ascii_strtoull (number, NULL, 10);
      for (guint j = 0; j < self->layers->len; j++)
        {
          if (g_array_index (self->layers, guint64, j) == layer)
            return TRUE;
        }
      return FALSE;
    }

  return FALSE;
}

static gboolean
is_target (HrAdapter      *self,
           const HrTensor *tensor,
           const char     *module)
{
  gboolean is_matrix = tensor->role == HR_TENSOR_ROLE_LINEAR || tensor->role == HR_TENSOR_ROLE_ROUTER;

  if (is_listed (&self->excluded, module))
    return FALSE;
  if (self->targets.all_linear)
    return is_matrix;

  return (is_matrix || tensor->role == HR_TENSOR_ROLE_EMBEDDING || tensor->role == HR_TENSOR_ROLE_OUTPUT) &&
         is_listed (&self->targets, module) && is_in_layers (self, module);
}

static guint64
get_rank_of (HrAdapter  *self,
             const char *module)
{
  for (guint i = 0; i < self->rank_patterns->len; i++)
    {
      const HrRankPattern *pattern = g_ptr_array_index (self->rank_patterns, i);

      if (g_regex_match (pattern->regex, module, 0, NULL))
        return pattern->rank;
    }

  return self->rank;
}

/* A module is copied whole if the name of it, or of one that it is in, ends with one of the list. */
static gboolean
is_saved (HrAdapter  *self,
          const char *name)
{
  g_autofree char *module = g_strdup (name);
  char *dot;

  while ((dot = strrchr (module, '.')) != NULL)
    {
      *dot = '\0';
      for (guint i = 0; self->saved.names != NULL && self->saved.names[i] != NULL; i++)
        {
          if (g_str_has_suffix (module, self->saved.names[i]))
            return TRUE;
        }
    }

  return FALSE;
}

static char *
dup_module (const char *name)
{
  const char *dot = strrchr (name, '.');

  return dot != NULL ? g_strndup (name, dot - name) : g_strdup ("");
}

/* The two factors of a matrix, and what DoRA and a bias add. */
static guint64
count_factors (HrAdapter      *self,
               const HrTensor *tensor,
               const char     *module)
{
  guint64 out_features = tensor->shape[0];
  guint64 n_parameters = get_rank_of (self, module) * (tensor->shape[0] + tensor->shape[1]);

  /* DoRA keeps the length of each column of the matrix, one for each output; an embedding has them the other way. */
  if (tensor->role == HR_TENSOR_ROLE_EMBEDDING)
    out_features = tensor->shape[1];
  if (self->use_dora)
    n_parameters += out_features;
  if (self->lora_bias)
    n_parameters += out_features;

  return n_parameters;
}

/*
 * hr_adapter_count_parameters:
 * @self: an adapter
 * @model: the model that it belongs to
 * @n_parameters: (out): how many parameters the adapter trains, as PEFT's print_trainable_parameters() counts them
 * @n_modules: (out): how many modules have a LoRA
 * @error: return location for an error
 *
 * Counts the parameters of a LoRA: r · (in + out) for each target (Hu et al., arXiv:2106.09685, 4.1; the choice of the
 * targets follows peft/tuners/tuners_utils.py, check_target_module_exists), and the modules that are trained whole.
 *
 * Returns: whether they can be counted; otherwise @error is %HR_ERROR_UNSUPPORTED
 */
gboolean
hr_adapter_count_parameters (HrAdapter  *self,
                             HrModel    *model,
                             guint64    *n_parameters,
                             guint      *n_modules,
                             GError    **error)
{
  g_autoptr (GHashTable) targets = NULL;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (HR_IS_MODEL (model), FALSE);

  if (self->rank == 0 || self->uncounted != NULL || !self->targets.is_given)
    {
      const char *what = self->uncounted != NULL ? self->uncounted : "target_modules";

      if (self->rank == 0)
        what = "peft_type";
      /* Translators: a file's name, then a setting of it. */
      g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                   _("“%s”, %s: the parameters of the adapter cannot be counted"),
                   self->origin, what);
      return FALSE;
    }

  *n_parameters = 0;
  *n_modules = 0;
  targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        {
          g_autofree char *name = hr_tensor_get_name (tensor, copy);
          g_autofree char *module = dup_module (name);

          if (is_saved (self, name))
            {
              *n_parameters += tensor->n_elements;
              continue;
            }
          if (tensor->role == HR_TENSOR_ROLE_BIAS ||
              (tensor->role == HR_TENSOR_ROLE_NORM && g_str_has_suffix (name, ".bias")))
            {
              if (g_str_equal (self->bias, "all") ||
                  (g_str_equal (self->bias, "lora_only") && g_hash_table_contains (targets, module)))
                *n_parameters += tensor->n_elements;
              continue;
            }
          if (tensor->n_dimensions != 2 || !is_target (self, tensor, module))
            continue;
          *n_parameters += count_factors (self, tensor, module);
          *n_modules += 1;
          g_hash_table_add (targets, g_steal_pointer (&module));
        }
    }

  return TRUE;
}
