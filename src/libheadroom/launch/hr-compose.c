/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-compose.h"

#include <string.h>

/*
 * The commands that containers are started with, as files of Docker Compose (services) and of Kubernetes (containers)
 * say them: the image, what is run in it, and with which arguments. As much of YAML 1.2 is read as these are written
 * in: sequences in blocks and in brackets, scalars in quotes, plain ones, and blocks of text.
 */

/* What is read of a container, in the order of its command. */
typedef enum
{
  PART_ENVIRONMENT,
  PART_IMAGE,
  PART_ENTRYPOINT,
  PART_COMMAND,
  PART_ARGS,
  N_PARTS,
} Part;

static const char * const keys[N_PARTS] = { "environment", "image", "entrypoint", "command", "args" };

typedef struct
{
  GStrv lines;
  guint line;
  gsize indent;             /* of the keys of the container */
  GString *parts[N_PARTS];
  GString *commands;
  gboolean has_command;
} Reader;

static gsize
get_indent (const char *line)
{
  return strspn (line, " ");
}

static gboolean
is_blank (const char *line)
{
  line += strspn (line, " \t\r");

  return *line == '\0' || *line == '#';
}

/* Where the key of a line begins: behind the dashes of the items of which it is the first. */
static gsize
get_key_indent (const char *line)
{
  gsize indent = get_indent (line);

  while (line[indent] == '-' && line[indent + 1] == ' ')
    indent += 1 + strspn (line + indent + 1, " ");

  return indent;
}

/* Finds the value of a key; NULL if the line has another. */
static const char *
find_value (const char *line,
            const char *key)
{
  const char *start = line + get_key_indent (line);
  gsize length = strlen (key);

  if (!g_str_has_prefix (start, key) || start[length] != ':' || strchr (" \t\r", start[length + 1]) == NULL)
    return NULL;

  start += length + 1;

  return start + strspn (start, " \t\r");
}

/* One word of a shell, in which variables stand for their values. */
static void
append_word (GString    *text,
             const char *word)
{
  g_string_append (text, " \"");
  for (; *word != '\0'; word++)
    {
      if (strchr ("\\\"`", *word) != NULL)
        g_string_append_c (text, '\\');
      g_string_append_c (text, *word);
    }
  g_string_append_c (text, '"');
}

/* Takes a scalar in quotes, and moves behind it. */
static char *
take_quoted (const char **at)
{
  GString *scalar = g_string_new (NULL);
  char quote = *(*at)++;

  for (; **at != '\0'; (*at)++)
    {
      if (quote == '"' && **at == '\\' && (*at)[1] != '\0')
        (*at)++;
      else if (**at == quote && (quote == '"' || (*at)[1] != quote))
        break;
      else if (**at == quote)
        (*at)++;
      g_string_append_c (scalar, **at);
    }
  *at += **at == quote;

  return g_string_free (scalar, FALSE);
}

/* A scalar of one line: a comment begins behind a blank. */
static char *
dup_scalar (const char *value)
{
  const char *comment;

  if (*value == '"' || *value == '\'')
    return take_quoted (&value);

  comment = strstr (value, " #");

  return g_strstrip (comment != NULL ? g_strndup (value, comment - value) : g_strdup (value));
}

static gboolean
is_block_scalar (const char *value)
{
  return (*value == '|' || *value == '>') && strchr ("+- \t\r", value[1]) != NULL;
}

/* The lines that are set off farther than @indent: a block of text, or what goes on with a plain scalar. */
static char *
take_lines (Reader *self,
            gsize   indent,
            char    separator)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (; self->lines[self->line] != NULL; self->line++)
    {
      const char *line = self->lines[self->line];

      if (!is_blank (line) && get_indent (line) <= indent)
        break;
      if (separator == ' ' && is_blank (line))
        continue;
      g_string_append (text, line);
      g_string_append_c (text, separator);
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* A scalar that begins in a line, at @indent, and may go on in those that follow. */
static char *
take_scalar (Reader     *self,
             const char *value,
             gsize       indent)
{
  g_autofree char *first = is_block_scalar (value) ? NULL : dup_scalar (value);
  g_autofree char *rest = take_lines (self, indent, first == NULL && *value == '|' ? '\n' : ' ');

  return first != NULL ? g_strstrip (g_strconcat (first, " ", rest, NULL)) : g_steal_pointer (&rest);
}

/* Whether a sequence in brackets is closed. */
static gboolean
is_closed (const char *flow)
{
  while (*flow != '\0' && *flow != ']')
    {
      if (*flow == '"' || *flow == '\'')
        g_free (take_quoted (&flow));
      else
        flow++;
    }

  return *flow == ']';
}

/* A sequence in brackets, over as many lines as it takes. */
static void
take_flow (Reader     *self,
           const char *value,
           GString    *text)
{
  g_autoptr (GString) flow = g_string_new (value + 1);
  const char *at;

  while (!is_closed (flow->str) && self->lines[self->line] != NULL)
    g_string_append (flow, self->lines[self->line++]);

  for (at = flow->str; *at != '\0' && *at != ']'; )
    {
      g_autofree char *item = NULL;
      gsize length;

      at += strspn (at, " \t\r,");
      length = strcspn (at, ",]");
      if (*at == '"' || *at == '\'')
        item = take_quoted (&at);
      else if (length > 0)
        {
          item = g_strstrip (g_strndup (at, length));
          at += length;
        }
      if (item != NULL)
        append_word (text, item);
    }
}

/* Items of a sequence, a line each with those that it goes on in; those of a key may stand as far left as the key. */
static void
take_items (Reader  *self,
            gsize    indent,
            GString *text)
{
  while (self->lines[self->line] != NULL)
    {
      const char *line = self->lines[self->line];
      gsize own = get_indent (line);
      g_autofree char *item = NULL;

      if (!is_blank (line) && (own < indent || line[own] != '-' || (line[own + 1] != ' ' && line[own + 1] != '\0')))
        return;

      self->line++;
      if (is_blank (line))
        continue;
      item = take_scalar (self, line + own + 1 + strspn (line + own + 1, " "), own);
      append_word (text, item);
    }
}

/* Variables by their names, `NAME: value`. */
static void
take_pairs (Reader  *self,
            gsize    indent,
            GString *text)
{
  for (; self->lines[self->line] != NULL; self->line++)
    {
      const char *line = self->lines[self->line];
      const char *colon = strstr (line, ": ");
      g_autofree char *name = NULL, *value = NULL, *pair = NULL;

      if (!is_blank (line) && get_indent (line) <= indent)
        return;
      if (is_blank (line) || colon == NULL)
        continue;
      name = g_strndup (line + get_indent (line), colon - line - get_indent (line));
      value = dup_scalar (colon + 1 + strspn (colon + 1, " "));
      pair = g_strconcat (name, "=", value, NULL);
      append_word (text, pair);
    }
}

static gboolean
begins_item (const char *line)
{
  gsize indent = get_indent (line);

  return line[indent] == '-' && (line[indent + 1] == ' ' || line[indent + 1] == '\0');
}

static void
take_nested (Reader  *self,
             Part     part,
             GString *text)
{
  while (self->lines[self->line] != NULL && is_blank (self->lines[self->line]))
    self->line++;
  if (self->lines[self->line] == NULL)
    return;

  if (begins_item (self->lines[self->line]))
    take_items (self, self->indent, text);
  else if (part == PART_ENVIRONMENT)
    take_pairs (self, self->indent, text);
  else
    {
      g_autofree char *scalar = take_lines (self, self->indent, ' ');

      g_string_append_printf (text, " %s", scalar);
    }
}

/* What a key says: a sequence has words, a scalar is taken apart as a shell does it. */
static void
take_value (Reader     *self,
            Part        part,
            const char *value)
{
  GString *text = self->parts[part];
  g_autofree char *scalar = NULL;

  g_string_truncate (text, 0);
  self->line++;
  if (*value == '[')
    take_flow (self, value, text);
  else if (*value == '\0' || *value == '#')
    take_nested (self, part, text);
  else
    {
      scalar = take_scalar (self, value, self->indent);
      g_string_append_printf (text, " %s", scalar);
    }
}

/* A container ends: its command is one of several. */
static void
end_container (Reader *self)
{
  if (self->parts[PART_ENTRYPOINT]->len + self->parts[PART_COMMAND]->len + self->parts[PART_ARGS]->len > 0)
    self->has_command = TRUE;
  for (guint i = 0; i < N_PARTS; i++)
    {
      g_string_append (self->commands, self->parts[i]->str);
      g_string_truncate (self->parts[i], 0);
    }
  g_string_append (self->commands, "\n");
}

static void
take_line (Reader *self)
{
  const char *line = self->lines[self->line];
  gsize indent = get_key_indent (line);

  if (!is_blank (line) && (indent < self->indent || (indent == self->indent && begins_item (line))))
    end_container (self);

  for (guint i = 0; !is_blank (line) && i < N_PARTS; i++)
    {
      const char *value = find_value (line, keys[i]);

      if (value == NULL)
        continue;
      if (indent != self->indent)
        end_container (self);
      self->indent = indent;
      take_value (self, i, value);
      return;
    }
  self->line++;
}

/*
 * hr_compose_dup_command:
 * @text: what somebody has pasted
 *
 * Reads the commands of containers in a file of Docker Compose or Kubernetes.
 *
 * Returns: (transfer full) (nullable): what would be typed into a shell instead, a command a line; %NULL if there is no
 *   container with a command
 */
char *
hr_compose_dup_command (const char *text)
{
  Reader self = { 0 };
  char *command;

  if (!g_regex_match_simple ("^ *(?:- )?(?:command|args|entrypoint):(?:\\s|$)", text, G_REGEX_MULTILINE, 0))
    return NULL;

  self.lines = g_strsplit (text, "\n", -1);
  self.commands = g_string_new (NULL);
  for (guint i = 0; i < N_PARTS; i++)
    self.parts[i] = g_string_new (NULL);

  while (self.lines[self.line] != NULL)
    take_line (&self);
  end_container (&self);

  for (guint i = 0; i < N_PARTS; i++)
    g_string_free (self.parts[i], TRUE);
  g_strfreev (self.lines);
  command = g_string_free (self.commands, FALSE);
  if (self.has_command)
    return command;

  g_free (command);

  return NULL;
}
