/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-settings-file.h"

#include <string.h>

#include "hr-file.h"

/*
 * Files of settings that a command names, such as those that trtllm-serve adds to its arguments: what a script of a
 * shell writes into one (cat > FILE << EOF), or what is there. As much of YAML 1.2 is read as these are written in:
 * mappings in blocks, and values of one line.
 */

/* What somebody writes by hand is shorter. */
#define MAX_BYTES (64 * 1024)

/* The word that ends a document which a line of a shell begins; NULL if it begins none. */
static char *
dup_end (const char *line)
{
  const char *at = strstr (line, "<<");
  gsize length;

  if (at == NULL)
    return NULL;

  at += strspn (at, "<-");
  at += strspn (at, " \t\"'\\");
  length = strcspn (at, " \t\r\"';>|&");

  return length > 0 ? g_strndup (at, length) : NULL;
}

/* Whether a line is a word alone, which may be set off. */
static gboolean
is_word (const char *line,
         const char *word)
{
  gsize length = strlen (word);

  line += strspn (line, " \t");

  return g_str_has_prefix (line, word) && line[length + strspn (line + length, " \t\r")] == '\0';
}

/* The document that a script writes into a file, or the only one that it has. */
static char *
dup_written (const char *script,
             const char *file)
{
  g_auto (GStrv) lines = g_strsplit (script, "\n", -1);
  g_autofree char *name = g_path_get_basename (file);
  g_autofree char *only = NULL;
  guint n_documents = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *end = dup_end (lines[i]);
      guint first = i + 1, n = 0;
      g_auto (GStrv) document = NULL;

      if (end == NULL)
        continue;
      while (lines[first + n] != NULL && !is_word (lines[first + n], end))
        n++;
      document = g_new0 (char *, n + 1);
      for (guint j = 0; j < n; j++)
        document[j] = g_strdup (lines[first + j]);
      n_documents++;
      g_free (only);
      only = g_strjoinv ("\n", document);
      if (strstr (lines[i], name) != NULL)
        return g_steal_pointer (&only);
      i = first + n - (lines[first + n] == NULL);
    }

  return n_documents == 1 ? g_steal_pointer (&only) : NULL;
}

static char *
dup_stored (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GBytes) bytes = hr_file_load (file, MAX_BYTES, NULL);

  return bytes != NULL ? g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes)) : NULL;
}

/* What stands behind a key, without quotes and a comment. */
static char *
dup_value (const char *value)
{
  char quote = value[0];
  const char *end = quote == '"' || quote == '\'' ? strchr (value + 1, quote) : NULL;
  g_autofree char *plain = NULL;

  if (end != NULL)
    return g_strndup (value + 1, end - value - 1);

  end = quote == '#' ? value : strstr (value, " #");
  plain = end != NULL ? g_strndup (value, end - value) : g_strdup (value);

  return g_strdup (g_strstrip (plain));
}

/* A key of a mapping, and how far it is set off. */
typedef struct
{
  gsize indent;
  gsize length;    /* of the path up to it */
} Level;

/* Takes a line: a key that has a value is a pair, one without is what those below it belong to. */
static void
take_line (const char *line,
           GString    *path,
           GArray     *levels,
           GPtrArray  *pairs)
{
  gsize indent = strspn (line, " ");
  const char *key = line + indent;
  const char *colon = strchr (key, ':');
  g_autofree char *value = NULL;
  Level level;

  if (key[0] == '#' || key[0] == '-' || colon == NULL || strchr (" \t\r", colon[1]) == NULL)
    return;

  while (levels->len > 1 && g_array_index (levels, Level, levels->len - 1).indent >= indent)
    g_array_set_size (levels, levels->len - 1);
  level = g_array_index (levels, Level, levels->len - 1);
  g_string_truncate (path, level.length);
  g_string_append_printf (path, ".%.*s", (int) (colon - key), key);
  value = dup_value (colon + 1 + strspn (colon + 1, " \t"));
  if (value[0] == '\0')
    {
      level = (Level) { indent, path->len };
      g_array_append_val (levels, level);
      return;
    }

  g_ptr_array_add (pairs, g_strdup (path->str));
  g_ptr_array_add (pairs, g_steal_pointer (&value));
}

/*
 * hr_settings_file_read:
 * @file: the name of a file, as a command has it
 * @script: the text that the command is in
 * @prefix: what paths begin with
 *
 * Reads the settings of a file: the path of each, with dots between its keys, and its value.
 *
 * Returns: (transfer full) (nullable) (element-type utf8): paths and values by turns; %NULL if there is no such file
 */
GPtrArray *
hr_settings_file_read (const char *file,
                       const char *script,
                       const char *prefix)
{
  g_autofree char *written = dup_written (script, file);
  g_autofree char *text = written != NULL ? g_steal_pointer (&written) : dup_stored (file);
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) path = g_string_new (prefix);
  g_autoptr (GArray) levels = g_array_new (FALSE, FALSE, sizeof (Level));
  g_autoptr (GPtrArray) pairs = NULL;
  const Level whole = { 0, path->len };

  if (text == NULL)
    return NULL;

  pairs = g_ptr_array_new_with_free_func (g_free);
  g_array_append_val (levels, whole);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    take_line (lines[i], path, levels, pairs);

  return g_steal_pointer (&pairs);
}
