/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-modelfile.h"

#include <string.h>

/*
 * What starts a model with Ollama: a Modelfile (parser/parser.go), the variables of the environment that its server
 * reads (envconfig/config.go), and the command that runs the model, in any order. Each instruction that is a parameter
 * and each variable becomes a pair: "PARAMETER num_ctx" and "OLLAMA_NUM_PARALLEL=" with their values.
 */

#define QUOTES "\"\"\""

static const char * const instructions[] = {
  "TEMPLATE", "SYSTEM", "LICENSE", "MESSAGE", "RENDERER", "PARSER", "REQUIRES", NULL,
};

/* Those that bring further weights. */
static const char * const weights[] = { "ADAPTER", "DRAFT", NULL };

static const char * const verbs[] = { "run", "serve", "start", "create", NULL };

/*
 * hr_modelfile_is_ollama:
 * @text: what somebody has pasted
 *
 * Finds out whether a text is what starts a model with Ollama.
 *
 * Returns: whether it is
 */
gboolean
hr_modelfile_is_ollama (const char *text)
{
  return g_regex_match_simple ("^[ \\t]*FROM[ \\t]+\\S|(?:^|[\\s/])ollama[ \\t]+(?:run|serve|start|create)(?:\\s|$)|"
                               "\\bOLLAMA_[A-Z_]+=", text, G_REGEX_MULTILINE, 0);
}

static void
add_pair (GPtrArray  *pairs,
          const char *name,
          const char *value)
{
  g_ptr_array_add (pairs, g_strdup (name));
  g_ptr_array_add (pairs, g_strdup (value));
}

static char *
dup_unquoted (const char *text)
{
  char *value = g_strstrip (g_strdup (text));
  gsize length = strlen (value);

  if (length >= 2 && value[0] == '"' && value[length - 1] == '"')
    {
      value[length - 1] = '\0';
      memmove (value, value + 1, length - 1);
    }

  return value;
}

/*
 * A variable may stand before a command, or behind what sets it: export, -e of Docker, Environment= of systemd. Those
 * of llama.cpp's server reach it.
 */
static void
take_word (GPtrArray  *pairs,
           const char *word)
{
  const char *name = g_str_has_prefix (word, "Environment=") ? word + strlen ("Environment=") : word;
  const char *equals = strchr (name, '=');
  g_autofree char *variable = equals != NULL ? g_strndup (name, equals - name + 1) : NULL;

  if (variable != NULL && (g_str_has_prefix (variable, "OLLAMA_") || g_str_has_prefix (variable, "LLAMA_ARG_")))
    add_pair (pairs, variable, equals + 1);
}

/* What "ollama run" names is a model, unless a Modelfile says what it is made of. */
static void
take_command (GPtrArray   *pairs,
              const char  *line,
              char       **runs)
{
  g_auto (GStrv) words = NULL;
  gboolean is_run = FALSE;

  if (!g_shell_parse_argv (line, NULL, &words, NULL))
    return;

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_autofree char *name = g_path_get_basename (words[i]);

      take_word (pairs, words[i]);
      if (is_run && words[i][0] != '-')
        {
          g_free (*runs);
          *runs = g_strdup (words[i]);
          return;
        }
      if (g_str_equal (name, "ollama") && words[i + 1] != NULL && g_strv_contains (verbs, words[i + 1]))
        is_run = g_str_equal (words[++i], verbs[0]);
    }
}

static void
take_parameter (GPtrArray  *pairs,
                const char *text)
{
  g_auto (GStrv) parts = g_strsplit_set (text, " \t", 2);
  g_autofree char *lower = g_ascii_strdown (parts[0] != NULL ? parts[0] : "", -1);
  g_autofree char *name = g_strconcat ("PARAMETER ", lower, NULL);
  g_autofree char *value = lower[0] != '\0' && parts[1] != NULL ? dup_unquoted (parts[1]) : NULL;

  if (value != NULL)
    add_pair (pairs, name, value);
}

/* Texts in three quotes may go over several lines. Returns the line that the instruction ends in. */
static guint
skip_text (char  **lines,
           guint   at)
{
  const char *quotes = strstr (lines[at], QUOTES);

  if (quotes == NULL || strstr (quotes + strlen (QUOTES), QUOTES) != NULL)
    return at;
  while (lines[at + 1] != NULL && strstr (lines[at + 1], QUOTES) == NULL)
    at++;

  return lines[at + 1] != NULL ? at + 1 : at;
}

/*
 * hr_modelfile_split:
 * @text: what starts a model with Ollama
 * @model: (out) (nullable): the model that is named
 *
 * Takes apart what starts a model with Ollama.
 *
 * Returns: (transfer full) (element-type utf8): names and values, one after the other
 */
GPtrArray *
hr_modelfile_split (const char  *text,
                    char       **model)
{
  g_autoptr (GRegex) wrapped = g_regex_new ("\\\\\r?\n", G_REGEX_OPTIMIZE, 0, NULL);
  g_autofree char *joined = g_regex_replace_literal (wrapped, text, -1, 0, " ", 0, NULL);
  g_auto (GStrv) lines = g_strsplit (joined != NULL ? joined : text, "\n", -1);
  g_autofree char *from = NULL, *runs = NULL;
  GPtrArray *pairs = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit_set (g_strstrip (lines[i]), " \t", 2);
      g_autofree char *word = parts[0] != NULL ? g_ascii_strup (parts[0], -1) : g_strdup ("");
      const char *rest = parts[0] != NULL && parts[1] != NULL ? g_strstrip (parts[1]) : "";

      if (g_str_equal (word, "FROM"))
        {
          g_free (from);
          from = dup_unquoted (rest);
        }
      else if (g_str_equal (word, "PARAMETER"))
        take_parameter (pairs, rest);
      else if (g_strv_contains (weights, word))
        add_pair (pairs, word, rest);
      else if (g_strv_contains (instructions, word))
        i = skip_text (lines, i);
      else if (word[0] != '#')
        take_command (pairs, lines[i], &runs);
    }
  *model = from != NULL && from[0] != '\0' ? g_steal_pointer (&from) : g_steal_pointer (&runs);

  return pairs;
}
