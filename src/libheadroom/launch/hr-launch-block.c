/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-launch-block.h"

#include <string.h>

/* How a condition names what a value must not be, and that it may be anything. */
#define NOT '!'
#define ANYTHING "*"

static const char * const block_members[] = {
  "program", "source", "when", "from", "call", "variable", "command", "include", "options", "says",
  "calls", "also", "ignored", "model-is-a-word", "gpus", "prints", "logs", "variables", "objects",
  "abbreviations", NULL,
};
static const char * const option_members[] = {
  "name", "value", "when", "names", "split", "text", "reference",
  "aliases", "model", "words", "bare", "read", "absent", "suffixes", "quantization", "closed", "filed", "several",
  "joins", NULL,
};

void
hr_launch_block_free (HrLaunchBlock *self)
{
  g_free (self->program);
  g_free (self->source);
  g_free (self->from);
  g_free (self->call);
  g_free (self->variable);
  g_free (self->command);
  g_clear_pointer (&self->arguments, json_object_unref);
  g_clear_pointer (&self->references, g_hash_table_unref);
  g_free (self);
}

/* As a word: nothing is an empty one. */
static char *
dup_word (const HrValue *value)
{
  return value->type == HR_VALUE_NOTHING  ? g_strdup ("")
         : value->type == HR_VALUE_STRING ? g_strdup (value->string)
                                          : hr_value_to_string (value);
}

static char *
dup_value (HrLaunchScope  *scope,
           const char     *name,
           GError        **error)
{
  HrValue value = { HR_VALUE_NOTHING };

  if (hr_launch_scope_lookup (name, scope, &value, error) == HR_LOOKUP_FAILED)
    return NULL;

  return dup_word (&value);
}

static gboolean
matches_one (HrJson      *expected,
             const char  *found,
             gboolean    *matches,
             gboolean    *excludes,
             GError     **error)
{
  const char *text = NULL;

  if (!hr_json_read_string (expected, &text, error))
    return FALSE;

  *excludes = text[0] == NOT;
  *matches = g_str_equal (text, ANYTHING) || g_str_equal (text + *excludes, found);

  return TRUE;
}

/* A condition is a value or a list of them, of which one must hold; or of those that must not be, of which none may. */
static gboolean
holds (HrJson         *condition,
       HrLaunchScope  *scope,
       gboolean       *result,
       GError        **error)
{
  gboolean is_list = hr_json_get_node_type (condition) == HR_JSON_ARRAY;
  guint n = is_list ? hr_json_get_length (condition) : 1;
  g_autofree char *found = dup_value (scope, hr_json_get_key (condition), error);

  if (found == NULL)
    return FALSE;

  *result = FALSE;
  for (guint i = 0; i < n; i++)
    {
      gboolean matches, excludes;

      if (!matches_one (is_list ? hr_json_get_element (condition, i) : condition, found, &matches, &excludes, error))
        return FALSE;
      if (matches || excludes)
        *result = matches != excludes;
      if (matches)
        break;
    }

  return TRUE;
}

/* Whether all conditions hold that a block or an option has. */
gboolean
hr_launch_block_applies (HrJson         *data,
                         HrLaunchScope  *scope,
                         gboolean       *applies,
                         GError        **error)
{
  HrJson *conditions = NULL;

  *applies = TRUE;
  if (!hr_json_get_object (data, "when", &conditions, error))
    return FALSE;

  for (guint i = 0; conditions != NULL && *applies && i < hr_json_get_length (conditions); i++)
    {
      if (!holds (hr_json_get_element (conditions, i), scope, applies, error))
        return FALSE;
    }

  return TRUE;
}

static JsonNode *
create_node (const HrValue *value)
{
  switch (value->type)
    {
    case HR_VALUE_BOOLEAN:
      return json_node_init_boolean (json_node_alloc (), value->boolean);
    case HR_VALUE_INTEGER:
      return json_node_init_int (json_node_alloc (), value->integer);
    case HR_VALUE_REAL:
      return json_node_init_double (json_node_alloc (), value->real);
    case HR_VALUE_STRING:
      return json_node_init_string (json_node_alloc (), value->string);
    case HR_VALUE_JSON:
    case HR_VALUE_NOTHING:
      break;
    }

  return NULL;
}

static JsonNode *
create_list (const char *text,
             const char *separator)
{
  g_auto (GStrv) parts = g_strsplit (text, separator, -1);
  JsonArray *array = json_array_new ();

  for (guint i = 0; parts[i] != NULL; i++)
    json_array_add_string_element (array, g_strstrip (parts[i]));

  return json_node_init_array (json_node_alloc (), array);
}

/* A value of a setting by the name that the program has for it; one that has none cannot be said. */
static gboolean
replace_name (HrJson   *names,
              HrValue  *value,
              GError  **error)
{
  g_autofree char *text = dup_word (value);
  HrJson *name = hr_json_get_member (names, text);

  *value = (HrValue) { HR_VALUE_NOTHING };

  return name == NULL || hr_value_from_json (name, value, error);
}

/* The value of an option, or nothing, which is no error, where it has none. */
static gboolean
evaluate_option (HrJson         *option,
                 HrLaunchScope  *scope,
                 JsonNode      **node,
                 GError        **error)
{
  HrJson *expression = hr_json_require_member (option, "value", error);
  HrJson *names = NULL;
  gboolean is_text = FALSE;
  const char *separator = NULL;
  HrValue value;

  *node = NULL;
  if (expression == NULL ||
      !hr_expression_evaluate (expression, hr_launch_scope_lookup, scope, &value, error) ||
      !hr_json_get_object (option, "names", &names, error) ||
      !hr_json_get_string (option, "split", &separator, error) ||
      !hr_json_get_boolean (option, "text", &is_text, error) ||
      (names != NULL && value.type != HR_VALUE_NOTHING && !replace_name (names, &value, error)))
    return FALSE;

  if (value.type == HR_VALUE_NOTHING)
    return TRUE;

  if (separator != NULL && value.type == HR_VALUE_STRING)
    *node = create_list (value.string, separator);
  else if (is_text)
    *node = json_node_init_string (json_node_alloc (), hr_launch_scope_keep (scope, dup_word (&value)));
  else
    *node = create_node (&value);

  return TRUE;
}

/* Puts a value under a name with dots, each of which leads into an object. */
static void
put (JsonObject *object,
     const char *name,
     JsonNode   *node)
{
  const char *dot;

  /* An option of a command line, such as --job.config_file, is one word. */
  if (name[0] == '-')
    {
      json_object_set_member (object, name, node);
      return;
    }

  while ((dot = strchr (name, '.')) != NULL)
    {
      g_autofree char *outer = g_strndup (name, dot - name);

      if (!json_object_has_member (object, outer))
        json_object_set_object_member (object, outer, json_object_new ());
      object = json_object_get_object_member (object, outer);
      name = dot + 1;
    }

  json_object_set_member (object, name, node);
}

static void
take_asked (HrLaunchScope *scope,
            GHashTable    *said)
{
  GHashTableIter iter;
  gpointer setting;

  g_hash_table_iter_init (&iter, scope->asked);
  while (g_hash_table_iter_next (&iter, &setting, NULL))
    g_hash_table_add (said, setting);
}

static gboolean
add_option (HrLaunchBlock  *self,
            HrJson         *option,
            HrLaunchScope  *scope,
            GHashTable     *said,
            GError        **error)
{
  g_autoptr (GHashTable) asked = g_hash_table_new (g_str_hash, g_str_equal);
  gboolean applies, evaluated, is_reference = FALSE;
  const char *name = NULL;
  JsonNode *node = NULL;

  if (!hr_json_check_members (option, option_members, error) ||
      !hr_json_get_string (option, "name", &name, error) ||
      !hr_json_get_boolean (option, "reference", &is_reference, error))
    return FALSE;

  scope->asked = asked;
  evaluated = hr_launch_block_applies (option, scope, &applies, error) &&
              (!applies || evaluate_option (option, scope, &node, error));
  if (node != NULL)
    {
      take_asked (scope, said);
      put (self->arguments, name, node);
      if (is_reference)
        g_hash_table_add (self->references, g_strdup (name));
    }
  scope->asked = NULL;

  return evaluated;
}

/* Settings that the program does as they are, without an option. */
static gboolean
add_said (HrJson         *data,
          HrLaunchScope  *scope,
          GHashTable     *said,
          GError        **error)
{
  HrJson *says = NULL;

  if (!hr_json_get_object (data, "says", &says, error))
    return FALSE;

  for (guint i = 0; says != NULL && i < hr_json_get_length (says); i++)
    {
      HrJson *condition = hr_json_get_element (says, i);
      gboolean is_so;

      if (!holds (condition, scope, &is_so, error))
        return FALSE;
      if (is_so)
        g_hash_table_add (said, (gpointer) g_intern_string (hr_json_get_key (condition)));
    }

  return TRUE;
}

/* Values one after another, as words or as one. */
static gboolean
join (HrJson         *data,
      const char     *key,
      const char     *separator,
      HrLaunchScope  *scope,
      char          **joined,
      GError        **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  HrJson *words = NULL;

  if (!hr_json_get_array (data, key, &words, error))
    return FALSE;

  for (guint i = 0; words != NULL && i < hr_json_get_length (words); i++)
    {
      g_autofree char *word = NULL;
      HrValue value;

      if (!hr_expression_evaluate (hr_json_get_element (words, i), hr_launch_scope_lookup, scope, &value, error))
        return FALSE;
      word = dup_word (&value);
      g_string_append_printf (text, "%s%s", i == 0 ? "" : separator, word);
    }

  if (words != NULL)
    *joined = g_string_free (g_steal_pointer (&text), FALSE);

  return TRUE;
}

static gboolean
read_string (HrJson      *data,
             const char  *key,
             char       **string,
             GError     **error)
{
  const char *text = NULL;

  if (!hr_json_get_string (data, key, &text, error))
    return FALSE;

  *string = g_strdup (text);

  return TRUE;
}

static gboolean
add_options (HrLaunchBlock  *self,
             HrJson         *options,
             HrLaunchScope  *scope,
             GHashTable     *said,
             GError        **error)
{
  if (options == NULL || !hr_json_check_type (options, HR_JSON_ARRAY, error))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (options); i++)
    {
      if (!add_option (self, hr_json_get_element (options, i), scope, said, error))
        return FALSE;
    }

  return TRUE;
}

/* Options that several blocks have in common. */
static gboolean
add_included (HrLaunchBlock  *self,
              HrJson         *data,
              HrJson         *shared,
              HrLaunchScope  *scope,
              GHashTable     *said,
              GError        **error)
{
  HrJson *names = NULL;

  if (!hr_json_get_array (data, "include", &names, error))
    return FALSE;

  for (guint i = 0; names != NULL && i < hr_json_get_length (names); i++)
    {
      const char *name = NULL;

      if (!hr_json_read_string (hr_json_get_element (names, i), &name, error) ||
          !add_options (self, hr_json_require_member (shared, name, error), scope, said, error))
        return FALSE;
    }

  return TRUE;
}

/* Evaluates a block; adds the settings that it says to @said. */
HrLaunchBlock *
hr_launch_block_new (HrJson         *data,
                     HrJson         *shared,
                     HrLaunchScope  *scope,
                     GHashTable     *said,
                     GError        **error)
{
  g_autoptr (HrLaunchBlock) self = g_new0 (HrLaunchBlock, 1);

  self->arguments = json_object_new ();
  self->references = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (!hr_json_check_members (data, block_members, error) ||
      !read_string (data, "program", &self->program, error) ||
      !read_string (data, "source", &self->source, error) ||
      !read_string (data, "from", &self->from, error) ||
      !read_string (data, "variable", &self->variable, error) ||
      !join (data, "call", "", scope, &self->call, error) ||
      !join (data, "command", " ", scope, &self->command, error) ||
      !add_said (data, scope, said, error) ||
      !add_included (self, data, shared, scope, said, error) ||
      !add_options (self, hr_json_require_member (data, "options", error), scope, said, error))
    return NULL;

  return g_steal_pointer (&self);
}
