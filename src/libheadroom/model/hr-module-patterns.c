/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-module-patterns.h"

#include <string.h>

/* A file may hold any number of them; the names of real modules are shorter than this. */
#define MAX_PATTERNS 16384
#define MAX_NAMES 262144
#define MAX_REGEXES 256
#define MAX_LENGTH 1024

typedef struct
{
  char *text;
  gsize length;
  GRegex *regex;      /* NULL if the text means itself */
} Pattern;

struct _HrModulePatterns
{
  HrPatternStyle style;
  GArray *patterns;   /* of Pattern; but for names in full, which are in: */
  GHashTable *names;
  guint n_regexes;
};

static void
clear_pattern (gpointer data)
{
  Pattern *pattern = data;

  g_free (pattern->text);
  g_clear_pointer (&pattern->regex, g_regex_unref);
}

HrModulePatterns *
hr_module_patterns_new (HrPatternStyle style)
{
  HrModulePatterns *self = g_new0 (HrModulePatterns, 1);

  self->style = style;
  self->patterns = g_array_new (FALSE, FALSE, sizeof (Pattern));
  g_array_set_clear_func (self->patterns, clear_pattern);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  return self;
}

void
hr_module_patterns_free (HrModulePatterns *self)
{
  g_return_if_fail (self != NULL);

  g_array_unref (self->patterns);
  g_hash_table_unref (self->names);
  g_free (self);
}

/* Whether a regular expression is a name: its dots stand for dots. */
static gboolean
is_plain (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    {
      if (!g_ascii_isalnum (*c) && strchr ("_.-/", *c) == NULL)
        return FALSE;
    }

  return TRUE;
}

/* "*" and "?" of a glob as a regular expression. */
static char *
glob_to_regex (const char *glob)
{
  GString *regex = g_string_new (NULL);

  for (const char *c = glob; *c != '\0'; c++)
    {
      g_autofree char *escaped = g_regex_escape_string (c, 1);

      if (*c == '*')
        g_string_append (regex, ".*");
      else if (*c == '?')
        g_string_append_c (regex, '.');
      else
        g_string_append (regex, escaped);
    }
  g_string_append_c (regex, '$');

  return g_string_free (regex, FALSE);
}

/* What is to be compiled; %NULL for a text that means itself. */
static char *
dup_regex (HrModulePatterns  *self,
           const char       **text)
{
  switch (self->style)
    {
    case HR_PATTERN_NAME:
    case HR_PATTERN_REGEX:
      return is_plain (*text) ? NULL : g_strdup (*text);

    case HR_PATTERN_EXACT:
      if (!g_str_has_prefix (*text, "re:"))
        return NULL;
      *text += strlen ("re:");
      return g_strdup (*text);

    case HR_PATTERN_GLOB:
      return is_plain (*text) ? NULL : glob_to_regex (*text);

    case HR_PATTERN_TAG:
    case HR_PATTERN_PART:
    default:
      return NULL;
    }
}

/*
 * hr_module_patterns_add:
 * @self: patterns
 * @text: one more
 *
 * Adds a pattern.
 *
 * Returns: whether it can be used: its regular expression is one, and there are not too many
 */
gboolean
hr_module_patterns_add (HrModulePatterns *self,
                        const char       *text)
{
  Pattern pattern = { 0 };
  g_autofree char *regex = NULL;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (text != NULL, FALSE);

  /* Nothing is in every name. */
  if (text[0] == '\0')
    return TRUE;
  if (self->patterns->len >= MAX_PATTERNS || strlen (text) > MAX_LENGTH || !g_utf8_validate (text, -1, NULL))
    return FALSE;

  /* What NemotronH's files call "backbone" is "model" in its class (transformers 5.12, conversion_mapping.py). */
  if (self->style == HR_PATTERN_GLOB && g_str_has_prefix (text, "backbone."))
    {
      g_autofree char *renamed = g_strconcat ("model.", text + strlen ("backbone."), NULL);

      if (!hr_module_patterns_add (self, renamed))
        return FALSE;
    }

  regex = dup_regex (self, &text);
  if (regex != NULL)
    {
      if (self->n_regexes++ >= MAX_REGEXES)
        return FALSE;
      pattern.regex = g_regex_new (regex, G_REGEX_ANCHORED | G_REGEX_OPTIMIZE, 0, NULL);
      if (pattern.regex == NULL)
        return FALSE;
    }
  else if (self->style == HR_PATTERN_GLOB || self->style == HR_PATTERN_EXACT)
    {
      if (g_hash_table_size (self->names) >= MAX_NAMES)
        return FALSE;
      g_hash_table_add (self->names, g_strdup (text));
      return TRUE;
    }
  pattern.text = g_strdup (text);
  pattern.length = strlen (text);
  /* Some name the parameter rather than its module. */
  if (self->style == HR_PATTERN_PART && g_str_has_suffix (text, ".weight"))
    {
      pattern.length -= strlen (".weight");
      pattern.text[pattern.length] = '\0';
    }
  g_array_append_val (self->patterns, pattern);

  return TRUE;
}

/* "model.layers.3.mlp.up_proj" is "mlp.up_proj" for HQQ (name_to_linear_tag in transformers/integrations/hqq.py). */
static char *
dup_tag (const char *module)
{
  g_auto (GStrv) words = g_strsplit (module, ".", -1);
  g_autoptr (GString) tag = g_string_new (NULL);

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (g_str_equal (words[i], "model") || g_str_equal (words[i], "layers") || g_ascii_isdigit (words[i][0]))
        continue;
      if (tag->len > 0)
        g_string_append_c (tag, '.');
      g_string_append (tag, words[i]);
    }

  return g_string_free (g_steal_pointer (&tag), FALSE);
}

static gboolean
matches_text (HrPatternStyle  style,
              const Pattern  *pattern,
              const char     *module,
              gsize           length)
{
  switch (style)
    {
    case HR_PATTERN_NAME:
      return strncmp (module, pattern->text, pattern->length) == 0 ||
             (length > pattern->length && strcmp (module + length - pattern->length, pattern->text) == 0);

    case HR_PATTERN_REGEX:
      return strncmp (module, pattern->text, pattern->length) == 0;

    case HR_PATTERN_PART:
      return strstr (module, pattern->text) != NULL;

    case HR_PATTERN_TAG:
    case HR_PATTERN_GLOB:
    case HR_PATTERN_EXACT:
    default:
      return strcmp (module, pattern->text) == 0;
    }
}

/* Whether a module is among the names; a glob names the modules inside of it as well. */
static gboolean
is_named (HrModulePatterns *self,
          const char       *module)
{
  g_autofree char *name = NULL;
  char *dot;

  if (g_hash_table_size (self->names) == 0)
    return FALSE;
  if (g_hash_table_contains (self->names, module))
    return TRUE;
  if (self->style != HR_PATTERN_GLOB)
    return FALSE;

  name = g_strdup (module);
  while ((dot = strrchr (name, '.')) != NULL)
    {
      *dot = '\0';
      if (g_hash_table_contains (self->names, name))
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_module_patterns_match:
 * @self: patterns
 * @module: the name of a module
 *
 * Looks for a pattern that names a module. A regular expression that takes too long to say so does not.
 *
 * Returns: whether there is one
 */
gboolean
hr_module_patterns_match (HrModulePatterns *self,
                          const char       *module)
{
  g_autofree char *tag = NULL;
  gsize length;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (module != NULL, FALSE);

  if (self->style == HR_PATTERN_TAG)
    module = tag = dup_tag (module);
  if (is_named (self, module))
    return TRUE;

  length = strlen (module);

  for (guint i = 0; i < self->patterns->len; i++)
    {
      Pattern *pattern = &g_array_index (self->patterns, Pattern, i);
      g_autoptr (GError) error = NULL;

      if (pattern->regex == NULL ? matches_text (self->style, pattern, module, length)
                                 : g_regex_match_full (pattern->regex, module, length, 0, 0, NULL, &error))
        return TRUE;
      /* One that exhausts the limits of the matcher would do so again for the next name. */
      if (error != NULL)
        g_array_remove_index (self->patterns, i--);
    }

  return FALSE;
}

static gboolean
names_an_expert (const char *text)
{
  const char *word = strstr (text, "experts");

  if (word == NULL)
    return FALSE;
  word += strlen ("experts");
  word += strspn (word, "\\.(");

  return g_ascii_isdigit (*word) || *word == '[';
}

/* Whether a pattern may tell one expert from another, so that each has to be looked at. */
gboolean
hr_module_patterns_name_experts (HrModulePatterns *self)
{
  GHashTableIter iter;
  gpointer name;

  g_return_val_if_fail (self != NULL, FALSE);

  g_hash_table_iter_init (&iter, self->names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      if (names_an_expert (name))
        return TRUE;
    }
  for (guint i = 0; i < self->patterns->len; i++)
    {
      if (names_an_expert (g_array_index (self->patterns, Pattern, i).text))
        return TRUE;
    }

  return FALSE;
}

gboolean
hr_module_patterns_is_empty (HrModulePatterns *self)
{
  g_return_val_if_fail (self != NULL, TRUE);

  return self->patterns->len == 0 && g_hash_table_size (self->names) == 0;
}
