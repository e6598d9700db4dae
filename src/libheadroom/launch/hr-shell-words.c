/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-shell-words.h"

#include <string.h>

#include "hr-error.h"

/*
 * The words of commands as people paste them: a script of a POSIX shell ("Shell Command Language" of POSIX.1), with
 * what differs on Windows, lines that go on with ^ or ` and paths with backslashes. A variable that the text sets
 * before is what it is set to, or, of ${NAME:-word}, the word; so are arrays of bash, NAME=(word …) and ${NAME[@]}. A
 * line that begins with an option goes on with the command before, as no command begins so.
 */

static const char * const ends[] = { "&&", "||", "|", ";", "&", ">", NULL };

#define BLANKS " \t\r"
#define NAME_CHARACTERS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_"

/* How much of values of variables is taken at the most: each may have the ones before it, twice. */
#define MAX_EXPANDED_BYTES (64 * 1024)

/* How many variables may stand for each other: ${A:-${B:-word}} has two. */
#define MAX_DEPTH 8

typedef struct
{
  const char *at;
  GPtrArray *words;
  GString *word;          /* NULL between two words */
  GHashTable *variables;
  GHashTable *arrays;
  char *array;            /* the one that words are put into, and the first of them */
  guint first;
  gsize expanded_bytes;
  guint depth;
  gboolean is_in_case;
} Splitter;

static void take_variable (Splitter *self,
                           gboolean  is_quoted);

static void
begin_word (Splitter *self)
{
  if (self->word == NULL)
    self->word = g_string_new (NULL);
}

/* NAME=value before a command or behind export or -e of Docker; within case, what is set is one of several. */
static void
note_variable (Splitter   *self,
               const char *word)
{
  gsize length = strspn (word, NAME_CHARACTERS);

  if (g_str_equal (word, self->is_in_case ? "esac" : "case"))
    self->is_in_case = !self->is_in_case;
  if (!self->is_in_case && length > 0 && word[length] == '=' && !g_ascii_isdigit (word[0]))
    g_hash_table_insert (self->variables, g_strndup (word, length), g_strdup (word + length + 1));
}

static void
end_word (Splitter *self)
{
  char *word;

  if (self->word == NULL)
    return;

  word = g_string_free (g_steal_pointer (&self->word), FALSE);
  note_variable (self, word);
  g_ptr_array_add (self->words, word);
}

static void
end_command (Splitter   *self,
             const char *operator)
{
  end_word (self);
  g_ptr_array_add (self->words, g_strdup (operator));
}

/* NAME=( begins an array. */
static gboolean
begin_array (Splitter *self)
{
  gsize length = self->word != NULL ? self->word->len : 0;

  if (length < 2 || self->array != NULL || self->word->str[length - 1] != '=' ||
      strspn (self->word->str, NAME_CHARACTERS) != length - 1)
    return FALSE;

  self->array = g_strndup (self->word->str, length - 1);
  g_string_free (g_steal_pointer (&self->word), TRUE);
  self->first = self->words->len;
  self->at++;

  return TRUE;
}

static gboolean
end_array (Splitter *self)
{
  g_autoptr (GPtrArray) words = NULL;

  if (self->array == NULL)
    return FALSE;

  end_word (self);
  words = g_ptr_array_new_null_terminated (8, g_free, TRUE);
  for (guint i = self->first; i < self->words->len; i++)
    g_ptr_array_add (words, g_strdup (g_ptr_array_index (self->words, i)));
  g_ptr_array_set_size (self->words, self->first);
  g_hash_table_insert (self->arrays, g_steal_pointer (&self->array),
                       g_ptr_array_free (g_steal_pointer (&words), FALSE));
  self->at++;

  return TRUE;
}

/* What a variable stands for; outside of quotes, blanks part words. */
static void
append_value (Splitter   *self,
              const char *value,
              gboolean    is_quoted)
{
  self->expanded_bytes += strlen (value);
  if (is_quoted || *value != '\0')
    begin_word (self);
  for (; *value != '\0'; value++)
    {
      if (!is_quoted && strchr (BLANKS "\n", *value) != NULL)
        {
          end_word (self);
          continue;
        }
      begin_word (self);
      g_string_append_c (self->word, *value);
    }
}

/* What stands for a variable that is not set, with variables of its own. */
static void
append_word (Splitter   *self,
             const char *word,
             gboolean    is_quoted)
{
  const char *behind = self->at;

  self->depth++;
  for (self->at = word; *self->at != '\0'; )
    {
      const char part[] = { *self->at, '\0' };

      if (*self->at == '$' && self->depth < MAX_DEPTH)
        {
          take_variable (self, is_quoted);
          continue;
        }
      append_value (self, part, is_quoted);
      self->at++;
    }
  self->depth--;
  self->at = behind;
}

/* Where the name of a variable, with what stands for it where it is not set, ends: at the brace that belongs to it. */
static const char *
find_brace (const char *at)
{
  guint depth = 0;

  for (; *at != '\0' && *at != '\n'; at++)
    {
      if (*at == '{')
        depth++;
      else if (*at == '}' && depth-- == 0)
        return at;
    }

  return NULL;
}

/* Takes ${NAME[@]}, the words of an array. Returns whether it is one that is known. */
static gboolean
take_array (Splitter   *self,
            const char *name,
            gsize       length)
{
  GStrv words = g_hash_table_lookup (self->arrays, name);
  const char *behind = self->at + length;

  if (words == NULL || (!g_str_has_prefix (behind, "[@]}") && !g_str_has_prefix (behind, "[*]}")))
    return FALSE;

  self->at = behind + strlen ("[@]}");
  for (guint i = 0; words[i] != NULL && self->expanded_bytes <= MAX_EXPANDED_BYTES; i++)
    {
      if (i > 0)
        end_word (self);
      append_value (self, words[i], TRUE);
    }

  return TRUE;
}

/* Takes $NAME, ${NAME} and ${NAME:-word}; files of Docker Compose double the dollar. What is not known stays. */
static void
take_variable (Splitter *self,
               gboolean  is_quoted)
{
  const char *start = self->at++;
  gboolean has_brace;
  gsize length;
  g_autofree char *name = NULL;
  const char *value, *end;

  if (*self->at == '$')
    start = self->at++;
  has_brace = *self->at == '{';
  self->at += has_brace;
  length = strspn (self->at, NAME_CHARACTERS);
  name = g_strndup (self->at, length);
  if (has_brace && take_array (self, name, length))
    return;
  value = g_hash_table_lookup (self->variables, name);
  if (value != NULL && self->expanded_bytes + strlen (value) > MAX_EXPANDED_BYTES)
    value = NULL;
  if (value != NULL && value[0] == '\0' && has_brace && self->at[length] == ':')
    value = NULL;
  end = has_brace ? find_brace (self->at + length) : self->at + length;

  if (end == NULL || (value == NULL && (!has_brace || self->at[length] != ':' || self->at[length + 1] != '-')))
    {
      begin_word (self);
      end = end != NULL ? end + has_brace : self->at;
      g_string_append_len (self->word, start, end - start);
      self->at = end;
    }
  else if (value != NULL)
    {
      self->at = end + has_brace;
      append_value (self, value, is_quoted);
    }
  else
    {
      g_autofree char *word = g_strndup (self->at + length + 2, end - self->at - length - 2);

      self->at = end + 1;
      append_word (self, word, is_quoted);
    }
}

/* Takes what stands in double quotes at a place. */
static void
take_double_quoted (Splitter *self)
{
  gboolean is_escaped = *self->at == '\\' && self->at[1] != '\0' && strchr ("$`\"\\\n", self->at[1]) != NULL;

  if (*self->at == '$')
    {
      take_variable (self, TRUE);
      return;
    }

  self->at += is_escaped;
  if (!is_escaped || *self->at != '\n')
    g_string_append_c (self->word, *self->at);
  self->at++;
}

static gboolean
take_quoted (Splitter  *self,
             GError   **error)
{
  char quote = *self->at++;

  begin_word (self);
  while (*self->at != '\0' && *self->at != quote)
    {
      if (quote == '"')
        take_double_quoted (self);
      else
        g_string_append_c (self->word, *self->at++);
    }
  if (*self->at == quote)
    {
      self->at++;
      return TRUE;
    }

  g_set_error (error, HR_ERROR, HR_ERROR_SYNTAX,
               /* Translators: the place is a quotation mark. */
               _("the command: expected a second %c, found the end"), quote);

  return FALSE;
}

/* Where a line ends, behind blanks; NULL if something else stands there. */
static const char *
find_line_end (const char *at)
{
  at += strspn (at, BLANKS);

  return *at == '\n' || *at == '\0' ? at : NULL;
}

/* A backslash takes away what the next character means. Before a letter there is nothing to take: it is of a path. */
static void
take_backslash (Splitter *self)
{
  const char *end = find_line_end (self->at + 1);

  if (end != NULL)
    {
      end_word (self);
      self->at = *end == '\n' ? end + 1 : end;
      return;
    }

  begin_word (self);
  if (g_ascii_isalnum (self->at[1]) || self->at[1] == '.')
    g_string_append_c (self->word, '\\');
  g_string_append_c (self->word, self->at[1]);
  self->at += 2;
}

static void
skip_line (Splitter *self)
{
  self->at += strcspn (self->at, "\n");
}

/* The line after this one that says something. */
static const char *
find_next_line (const char *at)
{
  do
    {
      at++;
      at += strspn (at, BLANKS "\n");
      if (*at == '#')
        at += strcspn (at, "\n");
    }
  while (*at == '\n');

  return at;
}

static void
take_line_end (Splitter *self)
{
  const char *next = find_next_line (self->at);

  if (self->array != NULL || (next[0] == '-' && g_ascii_isalpha (next[next[1] == '-' ? 2 : 1])))
    end_word (self);
  else
    end_command (self, ";");
  self->at = next;
}

static gboolean
is_number (const GString *word)
{
  return word != NULL && word->str[strspn (word->str, G_CSET_DIGITS)] == '\0';
}

/* Takes what parts two commands, and where output goes to, with the number of the file before it. */
static gboolean
take_operator (Splitter *self)
{
  static const char * const operators[] = { "&&", "||", "&>", "|", ";", "&", ">" };

  /* A placeholder such as <model>. */
  if (*self->at == '>' && self->word != NULL && strchr (self->word->str, '<') != NULL)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (operators); i++)
    {
      if (!g_str_has_prefix (self->at, operators[i]))
        continue;
      self->at += strlen (operators[i]);
      if (*operators[i] == '>' && is_number (self->word))
        {
          g_string_free (self->word, TRUE);
          self->word = NULL;
        }
      end_command (self, g_str_equal (operators[i], "&>") ? ">" : operators[i]);
      return TRUE;
    }

  return FALSE;
}

/* The last character of a line that goes on, on Windows. */
static gboolean
goes_on (const Splitter *self)
{
  return (*self->at == '^' || *self->at == '`') && self->word == NULL && self->at[1] != '\0' &&
         find_line_end (self->at + 1) != NULL;
}

static gboolean
take_character (Splitter  *self,
                GError   **error)
{
  if (*self->at == '\'' || *self->at == '"')
    return take_quoted (self, error);

  if (*self->at == '$')
    take_variable (self, FALSE);
  else if (*self->at == '\\')
    take_backslash (self);
  else if (*self->at == '\n')
    take_line_end (self);
  else if (goes_on (self))
    self->at = find_line_end (self->at + 1) + 1;
  else if (*self->at == '#' && self->word == NULL)
    skip_line (self);
  else if ((*self->at == '(' && begin_array (self)) || (*self->at == ')' && end_array (self)))
    return TRUE;
  else if (strchr (BLANKS, *self->at) != NULL)
    {
      end_word (self);
      self->at++;
    }
  else if (!take_operator (self))
    {
      begin_word (self);
      g_string_append_c (self->word, *self->at++);
    }

  return TRUE;
}

/*
 * hr_shell_words_split:
 * @text: one command or several
 * @error: return location for an error
 *
 * Splits a text into words, with what parts two commands as words of their own.
 *
 * Fails with %HR_ERROR_SYNTAX if a quotation mark has no second one.
 *
 * Returns: (transfer full) (array zero-terminated=1): the words
 */
char **
hr_shell_words_split (const char  *text,
                      GError     **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_null_terminated (8, g_free, TRUE);
  g_autoptr (GHashTable) variables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) arrays = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_strfreev);
  Splitter self = { .at = text, .words = words, .variables = variables, .arrays = arrays };
  gboolean is_read = TRUE;

  while (is_read && *self.at != '\0')
    is_read = take_character (&self, error);
  end_word (&self);
  g_free (self.array);

  return is_read ? (char **) g_ptr_array_free (g_steal_pointer (&words), FALSE) : NULL;
}

/*
 * hr_shell_words_end_command:
 * @word: a word
 *
 * Checks whether a command ends before a word.
 *
 * Returns: whether it does
 */
gboolean
hr_shell_words_end_command (const char *word)
{
  return g_strv_contains (ends, word);
}

/*
 * hr_shell_words_dup_name:
 * @path: a path, of Windows maybe
 *
 * Gets the last part of a path.
 *
 * Returns: (transfer full): a name
 */
char *
hr_shell_words_dup_name (const char *path)
{
  g_autofree char *slashes = g_strdelimit (g_strdup (path), "\\", '/');

  return g_path_get_basename (slashes);
}
