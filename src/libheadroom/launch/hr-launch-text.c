/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-launch-text.h"

#define INDENT 4

static void
append_indent (GString *text,
               guint    depth)
{
  for (guint i = 0; i < depth * INDENT; i++)
    g_string_append_c (text, ' ');
}

/* As JSON has it: Python, YAML and TOML read it as well. */
static void
append_string (GString  *text,
               JsonNode *node)
{
  g_autofree char *json = json_to_string (node, FALSE);

  g_string_append (text, json);
}

static void
append_scalar (GString        *text,
               JsonNode       *node,
               HrLaunchSyntax  syntax)
{
  gboolean is_python = syntax == HR_LAUNCH_SYNTAX_PYTHON;
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_BOOLEAN:
      g_string_append (text, json_node_get_boolean (node) ? (is_python ? "True" : "true")
                                                          : (is_python ? "False" : "false"));
      break;
    case G_TYPE_INT64:
      g_string_append_printf (text, "%" G_GINT64_FORMAT, json_node_get_int (node));
      break;
    case G_TYPE_DOUBLE:
      g_string_append (text, g_ascii_formatd (buffer, sizeof buffer, "%.10g", json_node_get_double (node)));
      break;
    default:
      append_string (text, node);
    }
}

static void append_value (GString        *text,
                          JsonNode       *node,
                          HrLaunchSyntax  syntax,
                          guint           depth);

static void
append_array (GString        *text,
              JsonArray      *array,
              HrLaunchSyntax  syntax,
              guint           depth)
{
  g_string_append_c (text, '[');
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_string_append (text, i > 0 ? ", " : "");
      append_value (text, json_array_get_element (array, i), syntax, depth);
    }
  g_string_append_c (text, ']');
}

/* Over several lines in a file of JSON, on one as an argument in Python. */
static void
append_object (GString        *text,
               JsonObject     *object,
               HrLaunchSyntax  syntax,
               guint           depth)
{
  g_autoptr (GList) names = json_object_get_members (object);
  gboolean in_lines = syntax == HR_LAUNCH_SYNTAX_JSON;

  g_string_append (text, in_lines ? "{\n" : "{");
  for (GList *name = names; name != NULL; name = name->next)
    {
      if (in_lines)
        append_indent (text, depth + 1);
      g_string_append_printf (text, "\"%s\": ", (const char *) name->data);
      append_value (text, json_object_get_member (object, name->data), syntax, depth + 1);
      g_string_append (text, name->next == NULL ? "" : in_lines ? "," : ", ");
      if (in_lines)
        g_string_append_c (text, '\n');
    }
  if (in_lines)
    append_indent (text, depth);
  g_string_append_c (text, '}');
}

static void
append_value (GString        *text,
              JsonNode       *node,
              HrLaunchSyntax  syntax,
              guint           depth)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    append_object (text, json_node_get_object (node), syntax, depth);
  else if (JSON_NODE_HOLDS_ARRAY (node))
    append_array (text, json_node_get_array (node), syntax, depth);
  else
    append_scalar (text, node, syntax);
}

/* The programs that the settings are for, once each, as comments. */
static void
append_programs (GString   *text,
                 GPtrArray *blocks)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < blocks->len; i++)
    {
      HrLaunchBlock *block = g_ptr_array_index (blocks, i);

      if (g_hash_table_add (known, block->program))
        g_string_append_printf (text, "# %s\n", block->program);
    }
}

static void
append_import (gpointer key,
               gpointer value,
               gpointer user_data)
{
  GPtrArray *names = value;
  GString *text = user_data;

  g_string_append_printf (text, "from %s import ", (const char *) key);
  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (const char *) g_ptr_array_index (names, i));
  g_string_append_c (text, '\n');
}

/* What is called may be a method of what is imported. */
static void
append_imports (GString   *text,
                GPtrArray *blocks)
{
  g_autoptr (GPtrArray) modules = g_ptr_array_new ();
  g_autoptr (GHashTable) imports = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                                          (GDestroyNotify) g_ptr_array_unref);

  for (guint i = 0; i < blocks->len; i++)
    {
      HrLaunchBlock *block = g_ptr_array_index (blocks, i);
      g_auto (GStrv) path = g_strsplit (block->call, ".", 2);
      GPtrArray *names = block->from == NULL ? NULL : g_hash_table_lookup (imports, block->from);

      if (block->from == NULL)
        continue;
      if (names == NULL)
        {
          names = g_ptr_array_new_with_free_func (g_free);
          g_hash_table_insert (imports, block->from, names);
          g_ptr_array_add (modules, block->from);
        }
      if (!g_ptr_array_find_with_equal_func (names, path[0], g_str_equal, NULL))
        g_ptr_array_add (names, g_strdup (path[0]));
    }

  for (guint i = 0; i < modules->len; i++)
    {
      gpointer module = g_ptr_array_index (modules, i);

      append_import (module, g_hash_table_lookup (imports, module), text);
    }
}

/* An argument without a name is one of position. */
static void
append_call (GString       *text,
             HrLaunchBlock *block)
{
  g_autoptr (GList) names = json_object_get_members (block->arguments);

  g_string_append_c (text, '\n');
  if (block->variable != NULL)
    g_string_append_printf (text, "%s = ", block->variable);
  g_string_append_printf (text, "%s(\n", block->call);

  for (GList *name = names; name != NULL; name = name->next)
    {
      JsonNode *node = json_object_get_member (block->arguments, name->data);
      gboolean is_positional = ((const char *) name->data)[0] == '\0';

      append_indent (text, 1);
      if (!is_positional)
        g_string_append_printf (text, "%s=", (const char *) name->data);
      if (g_hash_table_contains (block->references, name->data))
        g_string_append (text, json_node_get_string (node));
      else
        append_value (text, node, HR_LAUNCH_SYNTAX_PYTHON, 1);
      g_string_append (text, ",\n");
    }

  g_string_append (text, ")\n");
}

static void
append_python (GString   *text,
               GPtrArray *blocks)
{
  append_programs (text, blocks);
  append_imports (text, blocks);
  for (guint i = 0; i < blocks->len; i++)
    append_call (text, g_ptr_array_index (blocks, i));
}

static void
append_yaml (GString    *text,
             JsonObject *object,
             guint       depth)
{
  g_autoptr (GList) names = json_object_get_members (object);

  for (GList *name = names; name != NULL; name = name->next)
    {
      JsonNode *node = json_object_get_member (object, name->data);

      for (guint i = 0; i < depth; i++)
        g_string_append (text, "  ");
      g_string_append_printf (text, "%s:", (const char *) name->data);
      if (JSON_NODE_HOLDS_OBJECT (node))
        {
          g_string_append_c (text, '\n');
          append_yaml (text, json_node_get_object (node), depth + 1);
        }
      else
        {
          g_string_append_c (text, ' ');
          append_value (text, node, HR_LAUNCH_SYNTAX_YAML, 0);
          g_string_append_c (text, '\n');
        }
    }
}

/* The values of a table of TOML stand before the tables in it. */
static void
append_toml (GString    *text,
             JsonObject *object,
             const char *path)
{
  g_autoptr (GList) names = json_object_get_members (object);
  gboolean has_header = FALSE;

  for (GList *name = names; name != NULL; name = name->next)
    {
      JsonNode *node = json_object_get_member (object, name->data);

      if (JSON_NODE_HOLDS_OBJECT (node))
        continue;
      if (!has_header && path != NULL)
        g_string_append_printf (text, "\n[%s]\n", path);
      has_header = TRUE;
      g_string_append_printf (text, "%s = ", (const char *) name->data);
      append_value (text, node, HR_LAUNCH_SYNTAX_TOML, 0);
      g_string_append_c (text, '\n');
    }

  for (GList *name = names; name != NULL; name = name->next)
    {
      JsonNode *node = json_object_get_member (object, name->data);
      g_autofree char *inner = path != NULL ? g_strjoin (".", path, name->data, NULL) : g_strdup (name->data);

      if (JSON_NODE_HOLDS_OBJECT (node))
        append_toml (text, json_node_get_object (node), inner);
    }
}

static void
append_word (GString    *text,
             const char *word)
{
  g_autofree char *quoted = g_shell_quote (word);
  gboolean is_plain = word[0] != '\0' && strspn (word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                                       "_-./=+:,@") == strlen (word);

  g_string_append (text, is_plain ? word : quoted);
}

/* A scalar is written as it is, with what a shell would read otherwise in quotes. */
static void
append_argument (GString  *text,
                 JsonNode *node)
{
  g_autoptr (GString) word = g_string_new (NULL);

  if (json_node_get_value_type (node) == G_TYPE_STRING)
    g_string_append (word, json_node_get_string (node));
  else
    append_scalar (word, node, HR_LAUNCH_SYNTAX_COMMAND_LINE);

  append_word (text, word->str);
}

/*
 * What is true is said by its name alone, what is false by its absence; what has no name is a word of its own. The
 * value of a variable of the environment follows its equals sign.
 */
static void
append_option (GString    *text,
               const char *name,
               JsonNode   *node)
{
  gboolean is_flag = json_node_get_value_type (node) == G_TYPE_BOOLEAN;

  if (is_flag && !json_node_get_boolean (node))
    return;

  g_string_append_printf (text, " \\\n    %s%s", name,
                          is_flag || name[0] == '\0' || g_str_has_suffix (name, "=") ? "" : " ");
  if (!is_flag)
    append_argument (text, node);
}

static void
append_command (GString       *text,
                HrLaunchBlock *block)
{
  g_autoptr (GList) names = json_object_get_members (block->arguments);

  g_string_append (text, block->command);
  for (GList *name = names; name != NULL; name = name->next)
    append_option (text, name->data, json_object_get_member (block->arguments, name->data));
  g_string_append_c (text, '\n');
}

/* Instructions of a Modelfile, a line each. */
static void
append_instructions (GString       *text,
                     HrLaunchBlock *block)
{
  g_autoptr (GList) names = json_object_get_members (block->arguments);

  for (GList *name = names; name != NULL; name = name->next)
    {
      g_string_append_printf (text, "%s ", (const char *) name->data);
      append_argument (text, json_object_get_member (block->arguments, name->data));
      g_string_append_c (text, '\n');
    }
}

static void
append_block (GString        *text,
              HrLaunchBlock  *block,
              HrLaunchSyntax  syntax)
{
  switch (syntax)
    {
    case HR_LAUNCH_SYNTAX_JSON:
      append_object (text, block->arguments, syntax, 0);
      g_string_append_c (text, '\n');
      break;
    case HR_LAUNCH_SYNTAX_YAML:
      append_yaml (text, block->arguments, 0);
      break;
    case HR_LAUNCH_SYNTAX_TOML:
      append_toml (text, block->arguments, NULL);
      break;
    case HR_LAUNCH_SYNTAX_COMMAND_LINE:
      append_command (text, block);
      break;
    case HR_LAUNCH_SYNTAX_MODELFILE:
      append_instructions (text, block);
      break;
    case HR_LAUNCH_SYNTAX_PYTHON:
      g_assert_not_reached ();
    }
}

/* Writes blocks as one file. */
char *
hr_launch_text_write (GPtrArray      *blocks,
                      HrLaunchSyntax  syntax)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (syntax == HR_LAUNCH_SYNTAX_PYTHON)
    {
      append_python (text, blocks);
      return g_string_free (g_steal_pointer (&text), FALSE);
    }

  if (syntax != HR_LAUNCH_SYNTAX_JSON)
    append_programs (text, blocks);
  for (guint i = 0; i < blocks->len; i++)
    append_block (text, g_ptr_array_index (blocks, i), syntax);

  return g_string_free (g_steal_pointer (&text), FALSE);
}
