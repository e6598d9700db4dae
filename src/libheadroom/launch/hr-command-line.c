/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-command-line-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-command-model.h"
#include "hr-logged-options.h"
#include "hr-modelfile.h"
#include "hr-printed-arguments.h"

/*
 * Takes a command apart, by the data that commands are written from (data/launch/command.json): "calls" are the words
 * that a program is called with, "aliases" the other names of its options, "also" options that are read alone, and
 * "ignored" those that say nothing about memory; what a Modelfile of Ollama can say is in ollama.json. "prints" is what
 * stands before the arguments where a program prints them, "logs" what single lines of its log say, and "variables"
 * what the names of variables look like that stand for options.
 */

#define COMMANDS_PATH "/io/github/headroom/Headroom/data/launch/command.json"
#define MODELFILE_PATH "/io/github/headroom/Headroom/data/launch/ollama.json"

/* What the block for Ollama is called by. */
#define OLLAMA "ollama"

static void
given_clear (gpointer data)
{
  HrGivenOption *self = data;

  g_free (self->word);
  g_free (self->value);
}

/**
 * hr_command_line_free: (skip)
 * @self: (transfer full): a command
 *
 * Frees a command.
 */
void
hr_command_line_free (HrCommandLine *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->data, hr_json_free);
  g_clear_pointer (&self->modelfile, hr_json_free);
  g_clear_pointer (&self->given, g_array_unref);
  g_clear_pointer (&self->unread, g_ptr_array_unref);
  g_free (self->model);
  g_free (self->quantization);
  g_free (self);
}

/* A program may be called with its folder; a pattern holds for the whole word as well, such as that of an image. */
static gboolean
matches_word (const char *pattern,
              const char *word)
{
  g_autofree char *name = g_path_get_basename (word);

  return g_pattern_match_simple (pattern, name) || g_pattern_match_simple (pattern, word);
}

static gboolean
matches_call (HrJson             *call,
              const char * const *words,
              guint              *n_words,
              gboolean           *matches,
              GError            **error)
{
  *n_words = hr_json_get_length (call);
  *matches = *n_words > 0;
  for (guint i = 0; *matches && i < *n_words; i++)
    {
      const char *pattern;

      if (!hr_json_read_string (hr_json_get_element (call, i), &pattern, error))
        return FALSE;
      *matches = words[i] != NULL && matches_word (pattern, words[i]);
    }

  return TRUE;
}

/* Finds what is called at @words. Returns how many words the call has, 0 if it is none. */
static gboolean
find_block (HrCommandLine      *self,
            HrJson             *blocks,
            const char * const *words,
            guint              *n_words,
            GError            **error)
{
  for (guint i = 0; i < hr_json_get_length (blocks); i++)
    {
      HrJson *block = hr_json_get_element (blocks, i);
      HrJson *calls = NULL;

      if (!hr_json_get_array (block, "calls", &calls, error))
        return FALSE;
      for (guint j = 0; calls != NULL && j < hr_json_get_length (calls); j++)
        {
          gboolean matches;

          if (!matches_call (hr_json_get_element (calls, j), words, n_words, &matches, error))
            return FALSE;
          if (matches)
            {
              self->block = block;
              return TRUE;
            }
        }
    }

  *n_words = 0;

  return TRUE;
}

/* Programs take dashes and underscores alike. */
static gboolean
is_name (const char *name,
         const char *word)
{
  gsize i = 0;

  for (; name[i] != '\0' && word[i] != '\0'; i++)
    {
      if (name[i] != word[i] && !(name[i] == '-' && word[i] == '_' && i > 1))
        return FALSE;
    }

  return name[i] == word[i];
}

static gboolean
has_name (HrJson      *option,
          const char  *word,
          gboolean    *has,
          GError     **error)
{
  const char *name = NULL;
  HrJson *aliases = NULL;

  if (!hr_json_get_string (option, "name", &name, error) || !hr_json_get_array (option, "aliases", &aliases, error))
    return FALSE;

  *has = name != NULL && name[0] != '\0' && is_name (name, word);
  for (guint i = 0; !*has && aliases != NULL && i < hr_json_get_length (aliases); i++)
    {
      if (!hr_json_read_string (hr_json_get_element (aliases, i), &name, error))
        return FALSE;
      *has = is_name (name, word);
    }

  return TRUE;
}

static gboolean
find_in_list (HrJson      *options,
              const char  *word,
              HrJson     **option,
              GError     **error)
{
  for (guint i = 0; options != NULL && *option == NULL && i < hr_json_get_length (options); i++)
    {
      gboolean has;

      if (!has_name (hr_json_get_element (options, i), word, &has, error))
        return FALSE;
      if (has)
        *option = hr_json_get_element (options, i);
    }

  return TRUE;
}

static gboolean
find_option (HrCommandLine  *self,
             const char     *word,
             HrJson        **option,
             GError        **error)
{
  *option = NULL;

  return find_in_list (hr_json_get_member (self->block, "also"), word, option, error) &&
         find_in_list (hr_json_get_member (self->block, "options"), word, option, error) &&
         (self->instructions == NULL ||
          find_in_list (hr_json_get_member (self->instructions, "options"), word, option, error));
}

/* Options that say nothing about memory: by their names, with an equals sign behind where they take a value. */
static gboolean
is_ignored (HrJson         *block,
            const char     *word,
            gboolean       *is_there,
            gboolean       *takes_value,
            GError        **error)
{
  HrJson *ignored = NULL;

  *is_there = FALSE;
  if (!hr_json_get_array (block, "ignored", &ignored, error))
    return FALSE;

  for (guint i = 0; ignored != NULL && !*is_there && i < hr_json_get_length (ignored); i++)
    {
      g_autofree char *name = NULL;
      const char *text;

      if (!hr_json_read_string (hr_json_get_element (ignored, i), &text, error))
        return FALSE;
      *takes_value = g_str_has_suffix (text, "=");
      name = g_strndup (text, strlen (text) - *takes_value);
      *is_there = is_name (name, word);
    }

  return TRUE;
}

static gboolean
is_option (const char *word)
{
  return word[0] == '-' && word[1] != '\0' && !g_ascii_isdigit (word[1]) && word[1] != '.';
}

/* Where a command ends, in a line of a shell. */
static gboolean
ends_command (const char *word)
{
  static const char * const ends[] = { "&&", "||", "|", ";", "&", ">", ">>", "2>&1", "2>", "&>", "&>>", NULL };

  return g_strv_contains (ends, word);
}

/* Whether an option is said by its name alone. */
gboolean
_hr_command_line_is_flag (HrJson *option)
{
  HrJson *value = hr_json_get_member (option, "value");

  return value != NULL && hr_json_get_node_type (value) == HR_JSON_BOOLEAN;
}

/* An option whose value may be left out takes the next word if that is one of its values. */
static gboolean
takes_word (HrJson     *option,
            const char *next)
{
  HrJson *bare = hr_json_get_member (option, "bare");
  HrJson *words = hr_json_get_member (option, "words");

  if (next == NULL)
    return FALSE;

  return bare == NULL || (words != NULL && hr_json_get_member (words, next) != NULL);
}

static void
add_unread (HrCommandLine *self,
            const char    *word,
            const char    *value)
{
  const char *between = g_str_has_suffix (word, "=") ? "" : " ";

  g_ptr_array_add (self->unread, value != NULL ? g_strconcat (word, between, value, NULL) : g_strdup (word));
}

static void
take_given (HrCommandLine *self,
            HrJson        *option,
            const char    *word,
            const char    *value)
{
  HrGivenOption given = { option, g_strdup (word), g_strdup (value) };

  g_array_append_val (self->given, given);
}

/* A word by itself is the model where the program takes it so. */
static gboolean
take_word (HrCommandLine  *self,
           const char     *word,
           GError        **error)
{
  gboolean is_model = FALSE;

  if (!hr_json_get_boolean (self->block, "model-is-a-word", &is_model, error))
    return FALSE;

  if (is_model && self->model == NULL)
    self->model = g_strdup (word);
  else
    add_unread (self, word, NULL);

  return TRUE;
}

/* Takes an option, with its value from the words that follow. Returns how many of these it has taken. */
static gboolean
take_option (HrCommandLine      *self,
             const char * const *words,
             guint              *n_taken,
             GError            **error)
{
  const char *equals = strchr (words[0], '=');
  g_autofree char *name = equals != NULL ? g_strndup (words[0], equals - words[0]) : g_strdup (words[0]);
  const char *next = equals != NULL ? equals + 1 : words[1];
  gboolean ignored, takes_value = FALSE;
  HrJson *option;

  if (!find_option (self, name, &option, error) || !is_ignored (self->block, name, &ignored, &takes_value, error))
    return FALSE;

  if (option != NULL)
    takes_value = !_hr_command_line_is_flag (option) && takes_word (option, next);
  else if (!ignored)
    takes_value = next != NULL && (equals != NULL || (!is_option (next) && !ends_command (next)));

  *n_taken = takes_value && equals == NULL && next != NULL ? 2 : 1;
  if (option != NULL)
    take_given (self, option, name, takes_value ? next : NULL);
  else if (!ignored)
    add_unread (self, name, takes_value ? next : NULL);

  return TRUE;
}

static gboolean
take_words (HrCommandLine      *self,
            const char * const *words,
            GError            **error)
{
  for (guint i = 0; words[i] != NULL && !ends_command (words[i]); )
    {
      guint n = 1;

      if (is_option (words[i]) ? !take_option (self, words + i, &n, error) : !take_word (self, words[i], error))
        return FALSE;
      i += n;
    }

  return TRUE;
}

/* The options that name the model, and its file. */
static gboolean
take_model (HrCommandLine  *self,
            GError        **error)
{
  g_autofree char *file = NULL;

  for (guint i = 0; i < self->given->len; i++)
    {
      const HrGivenOption *given = &g_array_index (self->given, HrGivenOption, i);
      gboolean is_model = FALSE, is_file = FALSE;

      if (!hr_json_get_boolean (given->option, "model", &is_model, error) ||
          !hr_json_get_boolean (given->option, "file", &is_file, error))
        return FALSE;
      if (is_model)
        {
          g_free (self->model);
          self->model = g_strdup (given->value);
        }
      if (is_file && given->value != NULL)
        {
          g_free (file);
          file = g_strdup (given->value);
        }
    }
  if (self->model != NULL)
    hr_command_model_find (&self->model, &self->quantization);
  if (file != NULL)
    hr_command_model_read_file (file, &self->quantization);

  return TRUE;
}

static char **
split (const char  *text,
       GError     **error)
{
  g_autoptr (GError) local_error = NULL;
  char **words = NULL;

  if (strlen (text) > HR_COMMAND_LINE_MAX_BYTES)
    g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE, _("the command: expected at most %d bytes, found more"),
                 HR_COMMAND_LINE_MAX_BYTES);
  else if (!g_shell_parse_argv (text, NULL, &words, &local_error))
    g_set_error (error, HR_ERROR, HR_ERROR_SYNTAX, _("the command: %s"), local_error->message);

  return words;
}

/* Looks for what a program prints before its arguments; the last start counts. Returns what stands behind it. */
static gboolean
find_printed (HrCommandLine  *self,
              HrJson         *block,
              const char     *text,
              const char    **arguments,
              gboolean       *is_all,
              GError        **error)
{
  HrJson *prints = NULL;

  if (!hr_json_get_array (block, "prints", &prints, error))
    return FALSE;

  for (guint i = 0; prints != NULL && *arguments == NULL && i < hr_json_get_length (prints); i++)
    {
      HrJson *print = hr_json_get_element (prints, i);
      const char *mark, *found;

      *is_all = FALSE;
      if (!hr_json_require_text (print, "text", &mark, error) || !hr_json_get_boolean (print, "all", is_all, error))
        return FALSE;
      found = g_strrstr (text, mark);
      if (found == NULL)
        continue;
      *arguments = found + strlen (mark);
      self->block = block;
    }

  return TRUE;
}

/* Reads the arguments that a log tells. Where all are printed, those that are not known are as they are by default. */
static gboolean
read_log (HrCommandLine  *self,
          HrJson         *blocks,
          const char     *text,
          GError        **error)
{
  g_auto (GStrv) words = NULL;
  const char *arguments = NULL;
  gboolean is_all = FALSE;

  for (guint i = 0; arguments == NULL && i < hr_json_get_length (blocks); i++)
    {
      if (!find_printed (self, hr_json_get_element (blocks, i), text, &arguments, &is_all, error))
        return FALSE;
    }
  if (arguments == NULL)
    return TRUE;

  words = hr_printed_arguments_parse (arguments);
  if (!take_words (self, (const char * const *) words, error))
    return FALSE;
  if (is_all)
    g_ptr_array_set_size (self->unread, 0);

  return TRUE;
}

/* Reads the options that lines of a log tell. */
static gboolean
read_lines (HrCommandLine  *self,
            HrJson         *blocks,
            const char     *text,
            GError        **error)
{
  for (guint i = 0; self->block == NULL && i < hr_json_get_length (blocks); i++)
    {
      HrJson *block = hr_json_get_element (blocks, i);
      HrJson *lines = NULL;
      g_auto (GStrv) words = NULL;

      if (!hr_json_get_array (block, "logs", &lines, error) ||
          (lines != NULL && !hr_logged_options_parse (lines, text, &words, &self->quantization, error)))
        return FALSE;
      if (words == NULL)
        continue;

      self->block = block;
      if (!take_words (self, (const char * const *) words, error))
        return FALSE;
    }

  return TRUE;
}

/* Variables of the environment that stand for options, before the call; options of the call count more. */
static gboolean
take_variables (HrCommandLine      *self,
                const char * const *words,
                guint               n_words,
                GError            **error)
{
  const char *pattern = NULL;

  if (!hr_json_get_string (self->block, "variables", &pattern, error))
    return FALSE;

  for (guint i = 0; pattern != NULL && i < n_words; i++)
    {
      guint n;

      if (strchr (words[i], '=') != NULL && g_pattern_match_simple (pattern, words[i]) &&
          !take_option (self, words + i, &n, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
read_call (HrCommandLine  *self,
           HrJson         *blocks,
           const char     *text,
           GError        **error)
{
  g_auto (GStrv) words = split (text, error);
  guint first = 0, n_words = 0;

  if (words == NULL)
    return FALSE;

  for (; self->block == NULL && words[first] != NULL; first += MAX (n_words, 1))
    {
      if (!find_block (self, blocks, (const char * const *) words + first, &n_words, error))
        return FALSE;
    }

  return self->block == NULL ||
         (take_variables (self, (const char * const *) words, first - n_words, error) &&
          take_words (self, (const char * const *) words + first, error));
}

/* Instructions of a Modelfile and variables of the environment, each with a value. */
static gboolean
take_pair (HrCommandLine  *self,
           const char     *name,
           const char     *value,
           GError        **error)
{
  g_autofree char *variable = g_strdup (name);
  gboolean is_instruction = FALSE, is_variable = FALSE, takes_value;
  HrJson *option;

  if (g_str_has_suffix (variable, "="))
    variable[strlen (variable) - 1] = '\0';
  if (!find_option (self, name, &option, error) ||
      !is_ignored (self->instructions, name, &is_instruction, &takes_value, error) ||
      !is_ignored (self->block, variable, &is_variable, &takes_value, error))
    return FALSE;

  if (option != NULL)
    take_given (self, option, name, value);
  else if (!is_instruction && !is_variable)
    add_unread (self, name, value);

  return TRUE;
}

static gboolean
is_block_of_ollama (HrJson *block)
{
  HrJson *calls = hr_json_get_member (block, "calls");
  HrJson *call = calls != NULL ? hr_json_get_element (calls, 0) : NULL;
  const char *word = "";

  return call != NULL && hr_json_read_string (hr_json_get_element (call, 0), &word, NULL) && g_str_equal (word, OLLAMA);
}

static gboolean
read_ollama (HrCommandLine  *self,
             HrJson         *blocks,
             const char     *text,
             GError        **error)
{
  g_autoptr (GPtrArray) pairs = NULL;
  HrJson *list;

  self->modelfile = hr_json_new_from_resource (MODELFILE_PATH, error);
  list = self->modelfile != NULL ? hr_json_require_member (self->modelfile, "blocks", error) : NULL;
  if (list == NULL)
    return FALSE;

  self->instructions = hr_json_get_element (list, 0);
  for (guint i = 0; self->block == NULL && i < hr_json_get_length (blocks); i++)
    {
      if (is_block_of_ollama (hr_json_get_element (blocks, i)))
        self->block = hr_json_get_element (blocks, i);
    }

  /* What the Modelfile says counts more than what the server is told. */
  pairs = hr_modelfile_split (text, &self->model);
  for (guint i = 0; i + 1 < 2 * pairs->len; i += 2)
    {
      guint at = i % pairs->len;
      const char *name = g_ptr_array_index (pairs, at);

      if (g_str_has_suffix (name, "=") == (i < pairs->len) &&
          !take_pair (self, name, g_ptr_array_index (pairs, at + 1), error))
        return FALSE;
    }

  if (self->model != NULL)
    hr_command_model_read_ollama (&self->model, &self->quantization);

  return TRUE;
}

static gboolean
read_any (HrCommandLine  *self,
          HrJson         *blocks,
          const char     *text,
          GError        **error)
{
  if (strlen (text) <= HR_COMMAND_LINE_MAX_BYTES && hr_modelfile_is_ollama (text))
    return read_ollama (self, blocks, text, error);

  return read_log (self, blocks, text, error) &&
         (self->block != NULL || read_lines (self, blocks, text, error)) &&
         (self->block != NULL || read_call (self, blocks, text, error));
}

/* Reads the command. Leaves it without a block if it calls nothing that is known. */
static HrCommandLine *
read_command (const char  *text,
              GError     **error)
{
  g_autoptr (HrCommandLine) self = g_new0 (HrCommandLine, 1);
  HrJson *blocks;

  self->data = hr_json_new_from_resource (COMMANDS_PATH, error);
  blocks = self->data != NULL ? hr_json_require_member (self->data, "blocks", error) : NULL;
  if (blocks == NULL)
    return NULL;

  self->given = g_array_new (FALSE, FALSE, sizeof (HrGivenOption));
  g_array_set_clear_func (self->given, given_clear);
  self->unread = g_ptr_array_new_with_free_func (g_free);
  if (!read_any (self, blocks, text, error) ||
      (self->block != NULL && !take_model (self, error)))
    return NULL;

  g_ptr_array_add (self->unread, NULL);

  return g_steal_pointer (&self);
}

/* What can be called, for a message. */
static char *
list_calls (HrCommandLine *self)
{
  HrJson *blocks = hr_json_get_member (self->data, "blocks");
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < hr_json_get_length (blocks); i++)
    {
      HrJson *calls = hr_json_get_member (hr_json_get_element (blocks, i), "calls");
      HrJson *call = calls != NULL ? hr_json_get_element (calls, 0) : NULL;
      g_autoptr (GString) name = g_string_new (NULL);

      for (guint j = 0; call != NULL && j < hr_json_get_length (call); j++)
        {
          const char *word = "";

          hr_json_read_string (hr_json_get_element (call, j), &word, NULL);
          g_string_append_printf (name, "%s%s", j == 0 ? "" : " ", word);
        }
      if (name->len > 0)
        g_ptr_array_add (names, g_strdup (name->str));
    }
  g_ptr_array_add (names, NULL);

  return g_strjoinv (C_("between names in a list", ", "), (char **) names->pdata);
}

/**
 * hr_command_line_new: (skip)
 * @text: a command as it is typed into a shell, which may be wrapped, and have other words before it, the log of a
 *   program that prints its arguments when it starts, or a Modelfile of Ollama
 * @error: return location for a #GError
 *
 * Reads a command.
 *
 * Fails with %HR_ERROR_SYNTAX if it is none of a shell, with %HR_ERROR_TOO_LARGE if it is longer than
 * %HR_COMMAND_LINE_MAX_BYTES, and with %HR_ERROR_UNKNOWN_NAME if it calls no program that is known.
 *
 * Returns: (transfer full): the command
 */
HrCommandLine *
hr_command_line_new (const char  *text,
                     GError     **error)
{
  g_autoptr (HrCommandLine) self = read_command (text, error);
  g_autofree char *calls = NULL;

  if (self == NULL || self->block != NULL)
    return g_steal_pointer (&self);

  calls = list_calls (self);
  g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME,
               /* Translators: %s is a list of programs */
               _("the command: expected a call of one of %s, found none"), calls);

  return NULL;
}

/**
 * hr_command_line_get_model: (skip)
 * @self: a command
 *
 * Returns: (nullable): the path or the id of the model
 */
const char *
hr_command_line_get_model (const HrCommandLine *self)
{
  return self->model;
}

/**
 * hr_command_line_get_unread: (skip)
 * @self: a command
 *
 * Returns: (array zero-terminated=1): what of the command may take memory and is not known here, an option each
 */
const char * const *
hr_command_line_get_unread (const HrCommandLine *self)
{
  return (const char * const *) self->unread->pdata;
}
