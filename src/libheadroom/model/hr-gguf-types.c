/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gguf-types.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "hr-ggml-type.h"
#include "hr-gguf-names.h"
#include "hr-message.h"

/*
 * Types that single tensors of a file are given, as --tensor-type of llama-quantize takes them: a pattern that is found
 * in the name of a tensor, and a type of ggml; the first pattern that is found counts
 * (tools/quantize/quantize.cpp, parse_tensor_type; src/llama-quant.cpp).
 */

typedef struct
{
  GRegex *pattern;
  guint type;
} Rule;

struct _HrGgufTypes
{
  GArray *rules;
};

static void
clear_rule (gpointer data)
{
  g_regex_unref (((Rule *) data)->pattern);
}

static gboolean
read_type (const char *name,
           guint      *type)
{
  for (guint i = 0; i < hr_ggml_type_get_n_types (); i++)
    {
      const HrGgmlType *known = hr_ggml_type_get_nth (i);

      if (g_ascii_strcasecmp (known->name, name) != 0)
        continue;
      *type = known->id;
      return TRUE;
    }

  return FALSE;
}

static gboolean
read_rule (HrGgufTypes *self,
           const char  *text)
{
  const char *sign = strrchr (text, '=');
  g_autofree char *pattern = NULL;
  Rule rule;

  if (sign == NULL || sign == text || !read_type (sign + 1, &rule.type))
    return FALSE;

  pattern = g_strndup (text, sign - text);
  rule.pattern = g_regex_new (pattern, G_REGEX_OPTIMIZE, 0, NULL);
  if (rule.pattern == NULL)
    return FALSE;

  g_array_append_val (self->rules, rule);

  return TRUE;
}

/*
 * hr_gguf_types_read:
 * @text: patterns of names, each with `=` and a type behind, and commas between them; or `none`
 * @types: (out) (nullable): what they say, or %NULL where that is nothing
 * @error: return location for an error
 *
 * Reads which types tensors are given by their names.
 *
 * Fails with %HR_ERROR_UNSUPPORTED where a pattern is none, or a type is not known.
 *
 * Returns: whether all is known
 */
gboolean
hr_gguf_types_read (const char   *text,
                    HrGgufTypes **types,
                    GError      **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  g_autoptr (HrGgufTypes) self = NULL;

  *types = NULL;
  if (g_str_equal (text, "none"))
    return TRUE;

  self = g_new0 (HrGgufTypes, 1);
  self->rules = g_array_new (FALSE, FALSE, sizeof (Rule));
  g_array_set_clear_func (self->rules, clear_rule);
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (read_rule (self, words[i]))
        continue;
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("tensor-types: expected a pattern of names and a type of ggml, such as attn_v=f16 or "
                               "^output\\.=q6_K; found %s"), words[i]);
      return FALSE;
    }
  *types = g_steal_pointer (&self);

  return TRUE;
}

void
hr_gguf_types_free (HrGgufTypes *self)
{
  g_return_if_fail (self != NULL);

  g_array_unref (self->rules);
  g_free (self);
}

static gboolean
find_by_name (const HrGgufTypes *self,
              const char        *name,
              guint             *type)
{
  for (guint i = 0; i < self->rules->len; i++)
    {
      const Rule *rule = &g_array_index (self->rules, Rule, i);

      if (!g_regex_match (rule->pattern, name, 0, NULL))
        continue;
      *type = rule->type;
      return TRUE;
    }

  return FALSE;
}

/*
 * hr_gguf_types_find:
 * @self: types by names
 * @model: a model
 * @tensor: a matrix of it
 * @layer: which layer's, where it is in one
 * @type: (out): a number of enum ggml_type
 *
 * Finds the type that a matrix is given by its name: where a file has it divided, by the first of the names that has
 * one.
 *
 * Returns: whether it is given one
 */
gboolean
hr_gguf_types_find (const HrGgufTypes *self,
                    HrModel           *model,
                    const HrTensor    *tensor,
                    guint              layer,
                    guint             *type)
{
  const HrSublayer *sublayer;
  const HrBlock *block;
  const char * const *names;

  if (tensor->n_layers == 0)
    {
      const char *name = hr_gguf_names_find_outside (tensor);

      return name != NULL && find_by_name (self, name, type);
    }

  block = hr_gguf_names_find_block (hr_model_get_stack (model, tensor->stack), tensor, layer, &sublayer);
  names = block != NULL ? hr_gguf_names_find (block, tensor->module) : NULL;
  for (guint i = 0; names != NULL && i < HR_GGUF_MAX_NAMES && names[i] != NULL; i++)
    {
      g_autofree char *name = g_strdup_printf ("blk.%u.%s.weight", layer, names[i]);

      if (find_by_name (self, name, type))
        return TRUE;
    }

  return FALSE;
}
