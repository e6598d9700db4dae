/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-command-line-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-command-model.h"
#include "hr-compose.h"
#include "hr-logged-options.h"
#include "hr-modelfile.h"
#include "hr-printed-arguments.h"
#include "hr-settings-file.h"
#include "hr-shell-words.h"

/*
 * Takes a command apart, by the data that commands are written from (data/launch/command.json): "calls" are the words
 * that a program is called with, "aliases" the other names of its options, "also" options that are read alone, and
 * "ignored" those that say nothing about memory; what a Modelfile of Ollama can say is in ollama.json. "prints" is what
 * stands before the arguments where a program prints them, "logs" what single lines of its log say, and "variables"
 * what the names of variables look like that stand for options. "objects" are options whose value may be an object of
 * JSON, or that have members as options of their own (--config.member), each with the name that its members are listed
 * by; where "abbreviations" are taken, an option may be called by the beginning of its name, if no other begins so.
 * The value of an option with "settings" is a file, whose settings are options that begin with that.
 * "read" has expressions of settings, in which $value is what was given, and $given.NAME what was given for another
 * option.
 */

#define COMMANDS_PATH "/io/github/headroom/Headroom/data/launch/command.json"
#define MODELFILE_PATH "/io/github/headroom/Headroom/data/launch/ollama.json"

/* What the names of flags begin with that say no. */
#define NO "--no-"

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
  g_free (self->tensor_types);
  g_free (self);
}

/* A program may be called with its folder; a pattern holds for the whole word as well, such as that of an image. */
static gboolean
matches_word (const char *pattern,
              const char *word)
{
  g_autofree char *name = hr_shell_words_dup_name (word);

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

/* An image is named by a pattern: what is called in it may be said behind it. */
static gboolean
is_image (HrJson *call)
{
  const char *pattern = "";

  return hr_json_read_string (hr_json_get_element (call, 0), &pattern, NULL) && g_str_has_suffix (pattern, "*");
}

/* Finds what is called at @words. Returns how many words the call has, 0 if it is none. */
static gboolean
find_block (HrCommandLine      *self,
            HrJson             *blocks,
            const char * const *words,
            guint              *n_words,
            gboolean           *is_in_image,
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
              *is_in_image = is_image (hr_json_get_element (calls, j));
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

/* How many words an option takes as its value. */
typedef enum
{
  TAKES_NONE,
  TAKES_ONE,
  TAKES_SEVERAL,
} Takes;

/* The name of an option that says nothing about memory, without the sign behind it that says what it takes. */
static char *
dup_ignored (const char *text,
             Takes      *takes)
{
  gsize length = strlen (text);

  *takes = g_str_has_suffix (text, "=") ? TAKES_ONE : g_str_has_suffix (text, "+") ? TAKES_SEVERAL : TAKES_NONE;

  return g_strndup (text, length - (*takes != TAKES_NONE));
}

/* Options that say nothing about memory: by their names, with = or + behind where they take a value or several. */
static gboolean
is_listed_ignored (HrJson         *block,
            const char     *word,
            gboolean       *is_there,
            Takes          *takes,
            GError        **error)
{
  HrJson *ignored = NULL;

  *is_there = FALSE;
  *takes = TAKES_NONE;
  if (!hr_json_get_array (block, "ignored", &ignored, error))
    return FALSE;

  for (guint i = 0; ignored != NULL && !*is_there && i < hr_json_get_length (ignored); i++)
    {
      g_autofree char *name = NULL;
      const char *text;

      if (!hr_json_read_string (hr_json_get_element (ignored, i), &text, error))
        return FALSE;
      name = dup_ignored (text, takes);
      *is_there = is_name (name, word);
    }

  return TRUE;
}

/* Whether an option is one of those; where it is a flag, argparse of Python has one beside it that says no. */
static gboolean
is_ignored (HrJson         *block,
            const char     *word,
            gboolean       *is_there,
            Takes          *takes,
            GError        **error)
{
  g_autofree char *flag = g_str_has_prefix (word, NO) ? g_strconcat ("--", word + strlen (NO), NULL) : NULL;

  if (!is_listed_ignored (block, word, is_there, takes, error))
    return FALSE;
  if (*is_there || flag == NULL)
    return TRUE;
  if (!is_listed_ignored (block, flag, is_there, takes, error))
    return FALSE;
  *is_there = *is_there && *takes == TAKES_NONE;

  return TRUE;
}

/* Whether a name begins with what is given of it. */
static gboolean
begins_with (const char *name,
             const char *word)
{
  g_autofree char *beginning = g_strndup (name, strlen (word));

  return is_name (beginning, word);
}

/* Takes a name down that begins with a word, unless it is the one that has been found; two are one too many. */
static void
note_beginning (const char  *name,
                const char  *word,
                char       **found,
                gboolean    *is_only)
{
  if (!begins_with (name, word) || (*found != NULL && is_name (*found, name)))
    return;

  *is_only = *found == NULL;
  if (*found == NULL)
    *found = g_strdup (name);
}

/* The options of a list that have a name which begins with a word; an option that has several counts once. */
static gboolean
note_beginnings (HrJson      *options,
                 const char  *word,
                 char       **found,
                 gboolean    *is_only,
                 GError     **error)
{
  for (guint i = 0; options != NULL && i < hr_json_get_length (options); i++)
    {
      HrJson *option = hr_json_get_element (options, i);
      const char *name = "";
      HrJson *aliases = NULL;
      gboolean is_found;

      if (!hr_json_get_string (option, "name", &name, error) || !hr_json_get_array (option, "aliases", &aliases, error))
        return FALSE;
      is_found = begins_with (name, word);
      if (is_found)
        note_beginning (name, word, found, is_only);
      for (guint j = 0; !is_found && aliases != NULL && j < hr_json_get_length (aliases); j++)
        {
          const char *alias;

          if (!hr_json_read_string (hr_json_get_element (aliases, j), &alias, error))
            return FALSE;
          is_found = begins_with (alias, word);
          if (is_found)
            note_beginning (name, word, found, is_only);
        }
    }

  return TRUE;
}

/*
 * An option may be called by the beginning of its name, as argparse of Python has it. Returns the name, or the word as
 * it is where none begins so, or several do.
 */
static char *
complete_name (HrCommandLine  *self,
               const char     *word,
               GError        **error)
{
  HrJson *ignored = hr_json_get_member (self->block, "ignored");
  gboolean takes_abbreviations = FALSE, is_only = FALSE;
  g_autofree char *found = NULL;

  if (!hr_json_get_boolean (self->block, "abbreviations", &takes_abbreviations, error))
    return NULL;
  if (!takes_abbreviations || !g_str_has_prefix (word, "--"))
    return g_strdup (word);

  if (!note_beginnings (hr_json_get_member (self->block, "also"), word, &found, &is_only, error) ||
      !note_beginnings (hr_json_get_member (self->block, "options"), word, &found, &is_only, error))
    return NULL;
  for (guint i = 0; ignored != NULL && i < hr_json_get_length (ignored); i++)
    {
      g_autofree char *name = NULL;
      const char *text;
      Takes takes;

      if (!hr_json_read_string (hr_json_get_element (ignored, i), &text, error))
        return NULL;
      name = dup_ignored (text, &takes);
      note_beginning (name, word, &found, &is_only);
    }

  return is_only ? g_steal_pointer (&found) : g_strdup (word);
}

static gboolean
is_option (const char *word)
{
  return word[0] == '-' && word[1] != '\0' && !g_ascii_isdigit (word[1]) && word[1] != '.';
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

/* Whether a file's name does not say which of the values of a "filed" option it has. */
static gboolean
is_unknown_file (HrJson     *option,
                 const char *file)
{
  HrJson *names = hr_json_get_member (option, "names");
  g_autofree char *type = NULL;

  hr_command_model_read_file (file, &type);

  return type == NULL || names == NULL || hr_json_get_member (names, type) == NULL;
}

/* Whether a program knows values of an option that nothing is known of here: "closed" ones have no others. */
static gboolean
is_unknown_value (HrJson     *option,
                  const char *value)
{
  HrJson *words = hr_json_get_member (option, "words");

  if (value != NULL && hr_json_get_member (option, "filed") != NULL)
    return is_unknown_file (option, value);

  return value != NULL && hr_json_get_member (option, "closed") != NULL && words != NULL &&
         hr_json_get_member (words, value) == NULL;
}

static void
add_unread (HrCommandLine *self,
            const char    *word,
            const char    *value)
{
  const char *between = g_str_has_suffix (word, "=") ? "" : " ";

  g_ptr_array_add (self->unread, value != NULL ? g_strconcat (word, between, value, NULL) : g_strdup (word));
}

/* Whether an option is there already whose values a program puts together: this one is put behind. */
static gboolean
join_given (HrCommandLine *self,
            HrJson        *option,
            const char    *value)
{
  HrJson *joins = hr_json_get_member (option, "joins");
  const char *between = NULL;

  if (joins == NULL || value == NULL || !hr_json_read_string (joins, &between, NULL))
    return FALSE;

  for (guint i = 0; i < self->given->len; i++)
    {
      HrGivenOption *given = &g_array_index (self->given, HrGivenOption, i);
      g_autofree char *before = NULL;

      if (given->option != option || given->value == NULL)
        continue;
      before = g_steal_pointer (&given->value);
      given->value = g_strconcat (before, between, value, NULL);
      return TRUE;
    }

  return FALSE;
}

static void
take_given (HrCommandLine *self,
            HrJson        *option,
            const char    *word,
            const char    *value)
{
  HrGivenOption given = { option, NULL, NULL };

  if (join_given (self, option, value))
    return;

  given.word = g_strdup (word);
  given.value = g_strdup (value);
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

/* Finds what an option is: one that is read, one that says nothing about memory, or one that is not known. */
static gboolean
find_kind (HrCommandLine  *self,
           char          **name,
           HrJson        **option,
           gboolean       *ignored,
           Takes          *takes,
           GError        **error)
{
  char *whole;

  for (guint i = 0; i < 2; i++)
    {
      if (!find_option (self, *name, option, error) || !is_ignored (self->block, *name, ignored, takes, error))
        return FALSE;
      if (*option != NULL || *ignored || i > 0)
        break;

      whole = complete_name (self, *name, error);
      if (whole == NULL)
        return FALSE;
      g_free (*name);
      *name = whole;
    }

  return TRUE;
}

/* What programs of Python take for a value that is not true. */
static gboolean
is_false (const char *value)
{
  return g_ascii_strcasecmp (value, "false") == 0 || g_ascii_strcasecmp (value, "no") == 0 || g_str_equal (value, "0");
}

/* Takes an option whose value is known. */
static gboolean
take_value (HrCommandLine  *self,
            char          **name,
            const char     *value,
            GError        **error)
{
  HrJson *option;
  gboolean ignored;
  Takes takes;

  if (!find_kind (self, name, &option, &ignored, &takes, error))
    return FALSE;

  if (option != NULL ? is_unknown_value (option, value) : !ignored)
    add_unread (self, *name, value);
  else if (option != NULL && !_hr_command_line_is_flag (option))
    take_given (self, option, *name, value);
  else if (option != NULL && !is_false (value))
    take_given (self, option, *name, NULL);

  return TRUE;
}

/* The name that the members of an option are listed by; NULL if it has none. */
static gboolean
find_object (HrCommandLine  *self,
             const char     *word,
             const char    **name,
             GError        **error)
{
  HrJson *objects = NULL;

  *name = NULL;
  if (!hr_json_get_object (self->block, "objects", &objects, error))
    return FALSE;

  for (guint i = 0; objects != NULL && *name == NULL && i < hr_json_get_length (objects); i++)
    {
      HrJson *object = hr_json_get_element (objects, i);

      if (is_name (hr_json_get_key (object), word) && !hr_json_read_string (object, name, error))
        return FALSE;
    }

  return TRUE;
}

/* A value of JSON, as it would be written behind an option; NULL for null. */
static char *
dup_json_value (HrJson  *value,
                GError **error)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  gboolean boolean;
  gint64 integer;
  double real;
  const char *string;

  switch (hr_json_get_node_type (value))
    {
    case HR_JSON_BOOLEAN:
      return hr_json_read_boolean (value, &boolean, error) ? g_strdup (boolean ? "true" : "false") : NULL;

    case HR_JSON_INTEGER:
      return hr_json_read_int (value, &integer, error) ? g_strdup_printf ("%" G_GINT64_FORMAT, integer) : NULL;

    case HR_JSON_REAL:
      return hr_json_read_double (value, &real, error) ? g_strdup (g_ascii_dtostr (number, sizeof number, real)) : NULL;

    case HR_JSON_STRING:
      return hr_json_read_string (value, &string, error) ? g_strdup (string) : NULL;

    case HR_JSON_ARRAY:
    case HR_JSON_OBJECT:
      return hr_json_dup_text (value);

    case HR_JSON_NULL:
    default:
      return NULL;
    }
}

static gboolean
take_member (HrCommandLine  *self,
             const char     *object,
             HrJson         *member,
             GError        **error)
{
  g_autofree char *name = g_strconcat (object, ".", hr_json_get_key (member), NULL);
  g_autofree char *value = NULL;

  if (hr_json_get_node_type (member) == HR_JSON_NULL)
    return TRUE;

  for (guint i = 0; hr_json_get_node_type (member) == HR_JSON_OBJECT && i < hr_json_get_length (member); i++)
    {
      if (!take_member (self, name, hr_json_get_element (member, i), error))
        return FALSE;
    }
  if (hr_json_get_node_type (member) == HR_JSON_OBJECT)
    return TRUE;

  value = dup_json_value (member, error);

  return value != NULL && take_value (self, &name, value, error);
}

/* Takes an option whose value is an object, member by member; what is none is left to be read otherwise. */
static gboolean
take_object (HrCommandLine  *self,
             const char     *name,
             const char     *value,
             gboolean       *is_object,
             GError        **error)
{
  g_autoptr (HrJson) json = NULL;
  const char *listed;

  *is_object = FALSE;
  if (value == NULL || value[0] != '{')
    return TRUE;
  if (!find_object (self, name, &listed, error))
    return FALSE;
  json = listed != NULL ? hr_json_new_from_data (value, -1, name, HR_JSON_TOLERANT, NULL) : NULL;
  if (json == NULL)
    return TRUE;

  *is_object = TRUE;
  for (guint i = 0; i < hr_json_get_length (json); i++)
    {
      if (!take_member (self, listed, hr_json_get_element (json, i), error))
        return FALSE;
    }

  return TRUE;
}

/* The name of an option: that of a member begins with the name that the members of its object are listed by. */
static char *
dup_name (HrCommandLine  *self,
          const char     *word,
          GError        **error)
{
  const char *equals = strchr (word, '=');
  g_autofree char *name = equals != NULL ? g_strndup (word, equals - word) : g_strdup (word);
  const char *point = strchr (name, '.');
  g_autofree char *object = point != NULL ? g_strndup (name, point - name) : NULL;
  const char *listed = NULL;

  if (object != NULL && !find_object (self, object, &listed, error))
    return NULL;

  return listed != NULL ? g_strconcat (listed, point, NULL) : g_steal_pointer (&name);
}

/* How many of the words that follow an option are its values, where it takes several. */
static guint
count_values (const char * const *words)
{
  guint n = 0;

  while (words[n] != NULL && !is_option (words[n]) && !hr_shell_words_end_command (words[n]))
    n++;

  return n;
}

/* Takes an option, with its value from the words that follow. Returns how many of these it has taken. */
static gboolean
take_option (HrCommandLine      *self,
             const char * const *words,
             guint              *n_taken,
             GError            **error)
{
  const char *equals = strchr (words[0], '=');
  g_autofree char *name = dup_name (self, words[0], error);
  const char *next = equals != NULL ? equals + 1 : words[1];
  gboolean ignored, is_object, takes_value;
  HrJson *option;
  Takes takes;

  if (name == NULL || !take_object (self, name, next, &is_object, error) ||
      !find_kind (self, &name, &option, &ignored, &takes, error))
    return FALSE;

  takes_value = takes == TAKES_ONE;
  if (option != NULL)
    takes_value = !_hr_command_line_is_flag (option) && takes_word (option, next);
  else if (!ignored)
    takes_value = next != NULL && (equals != NULL || (!is_option (next) && !hr_shell_words_end_command (next)));

  *n_taken = (takes_value || is_object) && equals == NULL && next != NULL ? 2 : 1;
  if (takes == TAKES_SEVERAL || (option != NULL && hr_json_get_member (option, "several") != NULL && equals == NULL))
    *n_taken = 1 + count_values (words + 1);
  if (is_object)
    return TRUE;

  if (option != NULL ? is_unknown_value (option, takes_value ? next : NULL) : !ignored)
    add_unread (self, name, takes_value ? next : NULL);
  else if (option != NULL && (takes_value || equals == NULL || !is_false (next)))
    take_given (self, option, name, takes_value ? next : NULL);

  return TRUE;
}

static gboolean
take_words (HrCommandLine      *self,
            const char * const *words,
            GError            **error)
{
  for (guint i = 0; words[i] != NULL && !hr_shell_words_end_command (words[i]); )
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
  gboolean chooses = FALSE;

  for (guint i = 0; i < self->given->len; i++)
    {
      const HrGivenOption *given = &g_array_index (self->given, HrGivenOption, i);
      gboolean is_model = FALSE, is_file = FALSE, is_repository = FALSE;

      if (!hr_json_get_boolean (given->option, "model", &is_model, error) ||
          !hr_json_get_boolean (given->option, "file", &is_file, error) ||
          !hr_json_get_boolean (given->option, "chooses", &is_repository, error))
        return FALSE;
      if (is_model)
        {
          chooses = is_repository;
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
  else if (chooses && self->model != NULL)
    hr_command_model_assume (self->model, &self->quantization);

  return TRUE;
}

/* Whether a shell is called that runs a script which is the next word but one: sh -c 'script'. */
static gboolean
calls_shell (const char * const *words)
{
  static const char * const shells[] = { "sh", "bash", "dash", "zsh", NULL };
  g_autofree char *name = hr_shell_words_dup_name (words[0]);
  const char *option = words[1];

  return g_strv_contains (shells, name) && option != NULL && option[0] == '-' && option[1] != '-' &&
         g_str_has_suffix (option, "c") && words[2] != NULL;
}

/* Adds the words of a script; what is behind its name, up to the end of the command, are its arguments. */
static void
add_script (GPtrArray          *words,
            GStrv               script,
            const char * const *arguments)
{
  guint n = 0;

  while (arguments[n] != NULL && !hr_shell_words_end_command (arguments[n]))
    n++;

  for (guint i = 0; script[i] != NULL; i++)
    {
      if (!g_str_equal (script[i], "$@"))
        g_ptr_array_add (words, g_strdup (script[i]));
      for (guint j = 1; g_str_equal (script[i], "$@") && j < n; j++)
        g_ptr_array_add (words, g_strdup (arguments[j]));
    }
}

/* The words of a script that a shell is called with take the place of the call, behind what variables are set to. */
static char **
unfold_script (GStrv    words,
               GError **error)
{
  g_autoptr (GPtrArray) unfolded = g_ptr_array_new_null_terminated (8, g_free, TRUE);

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_auto (GStrv) script = NULL;

      if (!calls_shell ((const char * const *) words + i))
        {
          if (strchr (words[i], '=') != NULL)
            g_ptr_array_add (unfolded, g_strdup (words[i]));
          continue;
        }
      script = hr_shell_words_split (words[i + 2], error);
      if (script == NULL)
        return NULL;
      add_script (unfolded, script, (const char * const *) words + i + 3);
      return (char **) g_ptr_array_free (g_steal_pointer (&unfolded), FALSE);
    }

  return g_strdupv (words);
}

static char **
split (const char  *text,
       GError     **error)
{
  g_autofree char *command = NULL;
  g_auto (GStrv) words = NULL;

  if (strlen (text) > HR_COMMAND_LINE_MAX_BYTES)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE, _("the command: expected at most %d bytes, found more"),
                   HR_COMMAND_LINE_MAX_BYTES);
      return NULL;
    }

  command = hr_compose_dup_command (text);
  words = hr_shell_words_split (command != NULL ? command : text, error);

  return words != NULL ? unfold_script (words, error) : NULL;
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

/* Options that lines of a log tell, of which variables of the environment have = behind their name. */
static gboolean
take_logged (HrCommandLine      *self,
             const char * const *words,
             GError            **error)
{
  g_autoptr (GPtrArray) others = g_ptr_array_new ();

  for (guint i = 0; words[i] != NULL; i++)
    {
      HrJson *option = NULL;

      if (!g_str_has_suffix (words[i], "=") || words[i + 1] == NULL)
        {
          g_ptr_array_add (others, (gpointer) words[i]);
          continue;
        }
      if (!find_option (self, words[i], &option, error))
        return FALSE;
      if (option != NULL)
        take_given (self, option, words[i], words[i + 1]);
      i++;
    }
  g_ptr_array_add (others, NULL);

  return take_words (self, (const char * const *) others->pdata, error);
}

/*
 * Reads the options that lines of a log tell. A program that starts another one, whose lines are there as well, is
 * behind it in the list.
 */
static gboolean
read_lines (HrCommandLine  *self,
            HrJson         *blocks,
            const char     *text,
            GError        **error)
{
  g_auto (GStrv) words = NULL;

  for (guint i = 0; i < hr_json_get_length (blocks); i++)
    {
      HrJson *block = hr_json_get_element (blocks, i);
      HrJson *lines = NULL;
      g_auto (GStrv) own = NULL;

      if (!hr_json_get_array (block, "logs", &lines, error) ||
          (lines != NULL && !hr_logged_options_parse (lines, text, &own, &self->quantization, error)))
        return FALSE;
      if (own == NULL)
        continue;

      self->block = block;
      g_strfreev (words);
      words = g_steal_pointer (&own);
    }

  return words == NULL || take_logged (self, (const char * const *) words, error);
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

/* Finds the call; what an image is told to run counts more than what it runs by itself. Returns the words behind it. */
static gboolean
find_call (HrCommandLine  *self,
           HrJson         *blocks,
           GStrv           words,
           guint          *first,
           guint          *n_words,
           GError        **error)
{
  gboolean is_in_image = FALSE;
  guint n;

  for (guint i = 0; words[i] != NULL; i += MAX (n, 1))
    {
      if (is_in_image && hr_shell_words_end_command (words[i]))
        return TRUE;
      if (!find_block (self, blocks, (const char * const *) words + i, &n, &is_in_image, error))
        return FALSE;
      if (n == 0)
        continue;
      *first = i + n;
      *n_words = n;
      if (!is_in_image)
        return TRUE;
    }

  return TRUE;
}

/* Takes the settings of files that options name; a file that is not there is named itself. */
static gboolean
take_files (HrCommandLine  *self,
            const char     *text,
            GError        **error)
{
  guint n_given = self->given->len;

  for (guint i = 0; i < n_given; i++)
    {
      HrJson *option = g_array_index (self->given, HrGivenOption, i).option;
      g_autofree char *word = g_strdup (g_array_index (self->given, HrGivenOption, i).word);
      g_autofree char *file = g_strdup (g_array_index (self->given, HrGivenOption, i).value);
      g_autoptr (GPtrArray) pairs = NULL;
      const char *prefix = NULL;

      if (!hr_json_get_string (option, "settings", &prefix, error))
        return FALSE;
      if (prefix == NULL || file == NULL)
        continue;
      pairs = hr_settings_file_read (file, text, prefix);
      if (pairs == NULL)
        add_unread (self, word, file);
      for (guint j = 0; pairs != NULL && j < pairs->len; j += 2)
        {
          g_autofree char *name = g_strdup (g_ptr_array_index (pairs, j));

          if (!take_value (self, &name, g_ptr_array_index (pairs, j + 1), error))
            return FALSE;
        }
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

  if (words == NULL || !find_call (self, blocks, words, &first, &n_words, error))
    return FALSE;

  return self->block == NULL ||
         (take_variables (self, (const char * const *) words, first - n_words, error) &&
          take_words (self, (const char * const *) words + first, error) && take_files (self, text, error));
}

/* Instructions of a Modelfile and variables of the environment, each with a value. */
static gboolean
take_pair (HrCommandLine  *self,
           const char     *name,
           const char     *value,
           GError        **error)
{
  g_autofree char *variable = g_strdup (name);
  gboolean is_instruction = FALSE, is_variable = FALSE;
  HrJson *option;
  Takes takes;

  if (g_str_has_suffix (variable, "="))
    variable[strlen (variable) - 1] = '\0';
  if (!find_option (self, name, &option, error) ||
      !is_ignored (self->instructions, name, &is_instruction, &takes, error) ||
      !is_ignored (self->block, variable, &is_variable, &takes, error))
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
    hr_command_model_read_ollama (&self->model, &self->quantization, &self->tensor_types);

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
