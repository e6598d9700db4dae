/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-json-private.h"
#include "hr-message.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/*
 * A parser of its own, because json-glib 1.6 accepts repeated keys in silence, turns large integers into negative ones,
 * forgets where a value stood and recurses without a limit.
 */

#define MAX_DEPTH 128

typedef struct
{
  HrJsonDocument *document;
  HrJsonMode mode;
  char *position;
  char *end;
  guint depth;
  GPtrArray *pending;   /* children of the objects and arrays that are still open */
  gboolean warned_of_comment;
  gboolean warned_of_comma;
  gboolean warned_of_number;
  GError **error;
} HrJsonParser;

static gboolean parse_value (HrJsonParser *self,
                             HrJson       *node);

static gsize
get_offset (HrJsonParser *self,
            const char   *position)
{
  return position - self->document->text;
}

/* What stands at @position, cut short, for a message. */
static char *
describe_text (HrJsonParser *self,
               const char   *position)
{
  const char *source = self->document->source + get_offset (self, position);
  gsize available = self->end - position;
  gsize length = 0;

  if (available == 0)
    return g_strdup (_("the end of the file"));

  while (length < MIN (available, 24) && source[length] != '\0' &&
         (g_ascii_isalnum (source[length]) || strchr ("_-+.", source[length]) != NULL))
    length++;

  if (length == 0)
    {
      gunichar character = g_utf8_get_char_validated (source, available);

      if (character >= (gunichar) -2 || !g_unichar_isprint (character))
        return g_strdup_printf (_("the byte 0x%02X"), (guint8) source[0]);

      length = g_utf8_next_char (source) - source;
    }

  /* Translators: quotation marks around what stands in a file. */
  return g_strdup_printf (_("“%.*s”"), (int) length, source);
}

static gboolean
set_syntax_error (HrJsonParser *self,
                  const char   *position,
                  const char   *expected)
{
  g_autofree char *found = describe_text (self, position);
  guint line, column;

  hr_json_document_get_position (self->document, get_offset (self, position), &line, &column);
  /* Translators: a file's name, where in it, what should stand there, what stands there. */
  g_set_error (self->error, HR_ERROR, HR_ERROR_SYNTAX, _("“%s”, line %u, column %u: expected %s, found %s"),
               self->document->origin, line, column, expected, found);

  return FALSE;
}

/* Lets something that JSON does not have through with a warning, or, in our own data, not at all. */
static gboolean
tolerate (HrJsonParser *self,
          const char   *position,
          gboolean     *warned,
          const char   *expected,
          const char   *message)
{
  guint line, column;

  if (self->mode == HR_JSON_STRICT)
    return set_syntax_error (self, position, expected);

  if (!*warned)
    {
      hr_json_document_get_position (self->document, get_offset (self, position), &line, &column);
      /* Translators: a file's name, the number of a line, what was let through there. */
      g_ptr_array_add (self->document->warnings,
                       g_strdup_printf (_("“%s”, line %u: %s"), self->document->origin, line, message));
      *warned = TRUE;
    }

  return TRUE;
}

static gboolean
skip_comment (HrJsonParser *self)
{
  char *start = self->position;

  if (!tolerate (self, start, &self->warned_of_comment, _("a JSON value"),
                 _("comments are not part of JSON; they were ignored")))
    return FALSE;

  if (start[0] == '/' && start[1] == '*')
    {
      char *close = g_strstr_len (start + 2, self->end - start - 2, "*/");

      if (close == NULL)
        {
          self->position = self->end;
          return set_syntax_error (self, self->end, _("“*/” at the end of the comment"));
        }
      self->position = close + 2;
    }
  else
    {
      while (self->position < self->end && *self->position != '\n')
        self->position++;
    }

  return TRUE;
}

static gboolean
skip_space (HrJsonParser *self)
{
  while (self->position < self->end)
    {
      char c = self->position[0];

      if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        self->position++;
      else if (c == '#' || (c == '/' && (self->position[1] == '/' || self->position[1] == '*')))
        {
          if (!skip_comment (self))
            return FALSE;
        }
      else
        break;
    }

  return TRUE;
}

static int
parse_hex4 (const char *text)
{
  int value = 0;

  for (guint i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (text[i]);

      if (digit < 0)
        return -1;
      value = value * 16 + digit;
    }

  return value;
}

/* @position is behind the "\u"; a lone half of a surrogate pair becomes U+FFFD, and so does U+0000. */
static gboolean
parse_unicode_escape (HrJsonParser *self,
                      gunichar     *character)
{
  int first, second;

  if (self->end - self->position < 4 || (first = parse_hex4 (self->position)) < 0)
    return set_syntax_error (self, self->position, _("four hexadecimal digits"));
  self->position += 4;

  *character = first;
  if (first >= 0xd800 && first < 0xdc00 && self->end - self->position >= 6 && self->position[0] == '\\' &&
      self->position[1] == 'u' && (second = parse_hex4 (self->position + 2)) >= 0xdc00 && second < 0xe000)
    {
      self->position += 6;
      *character = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    }
  else if (first == 0 || (first >= 0xd800 && first < 0xe000))
    *character = 0xfffd;

  return TRUE;
}

/* Unescapes in place: what is written is never longer than what was read. */
static gboolean
parse_string (HrJsonParser  *self,
              const char   **value)
{
  static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  char *written;

  if (self->position >= self->end || *self->position != '"')
    return set_syntax_error (self, self->position, _("a string in double quotes"));

  self->position++;
  *value = written = self->position;

  while (self->position < self->end && *self->position != '"')
    {
      const char *escape;
      gunichar character = 0;

      if ((guchar) *self->position < 0x20)
        return set_syntax_error (self, self->position, _("the end of the string"));

      if (*self->position != '\\')
        {
          *written++ = *self->position++;
          continue;
        }

      self->position++;
      if (self->position < self->end && *self->position == 'u')
        {
          self->position++;
          if (!parse_unicode_escape (self, &character))
            return FALSE;
          written += g_unichar_to_utf8 (character, written);
          continue;
        }

      escape = escapes;
      while (*escape != '\0' && (self->position >= self->end || *escape != *self->position))
        escape += 2;
      if (*escape == '\0')
        return set_syntax_error (self, self->position, _("a character that may follow a backslash"));
      *written++ = escape[1];
      self->position++;
    }

  if (self->position >= self->end)
    return set_syntax_error (self, self->end, _("the end of the string"));

  self->position++;
  *written = '\0';

  return TRUE;
}

static gboolean
scan_digits (HrJsonParser *self)
{
  const char *start = self->position;

  while (self->position < self->end && g_ascii_isdigit (*self->position))
    self->position++;

  return self->position > start || set_syntax_error (self, self->position, _("a digit"));
}

static gboolean
parse_number (HrJsonParser *self,
              HrJson       *node)
{
  const char *start = self->position;
  gboolean is_integer = TRUE;
  char saved;

  if (*self->position == '-')
    self->position++;
  if (self->end - self->position >= 2 && self->position[0] == '0' && g_ascii_isdigit (self->position[1]))
    return set_syntax_error (self, self->position, _("a number without a leading zero"));
  if (!scan_digits (self))
    return FALSE;

  if (self->position < self->end && *self->position == '.')
    {
      is_integer = FALSE;
      self->position++;
      if (!scan_digits (self))
        return FALSE;
    }
  if (self->position < self->end && (*self->position == 'e' || *self->position == 'E'))
    {
      is_integer = FALSE;
      self->position++;
      if (self->position < self->end && (*self->position == '+' || *self->position == '-'))
        self->position++;
      if (!scan_digits (self))
        return FALSE;
    }

  node->text_length = self->position - start;
  saved = *self->position;
  *self->position = '\0';

  errno = 0;
  node->type = HR_JSON_INTEGER;
  if (is_integer)
    node->integer = g_ascii_strtoll (start, NULL, 10);
  if (!is_integer || errno == ERANGE)
    {
      node->type = HR_JSON_REAL;
      node->real = g_ascii_strtod (start, NULL);
    }

  *self->position = saved;

  return TRUE;
}

static gboolean
take_word (HrJsonParser *self,
           HrJson       *node,
           const char   *word)
{
  gsize length = strlen (word);

  if ((gsize) (self->end - self->position) < length || memcmp (self->position, word, length) != 0 ||
      g_ascii_isalnum (self->position[length]) || self->position[length] == '_')
    return FALSE;

  self->position += length;
  node->text_length = length;

  return TRUE;
}

static gboolean
parse_word (HrJsonParser *self,
            HrJson       *node)
{
  const char *start = self->position;

  if (take_word (self, node, "true") || take_word (self, node, "false"))
    {
      node->type = HR_JSON_BOOLEAN;
      node->boolean = *start == 't';
      return TRUE;
    }
  if (take_word (self, node, "null"))
    {
      node->type = HR_JSON_NULL;
      return TRUE;
    }

  /* Python's json module writes these. */
  node->type = HR_JSON_REAL;
  if (take_word (self, node, "NaN"))
    node->real = NAN;
  else if (take_word (self, node, "Infinity"))
    node->real = INFINITY;
  else if (take_word (self, node, "-Infinity"))
    node->real = -INFINITY;
  else
    return set_syntax_error (self, start, _("a JSON value"));

  return tolerate (self, start, &self->warned_of_number, _("a number"), _("NaN and Infinity are not part of JSON"));
}

/* Moves what was gathered since @first into @node. */
static void
close_children (HrJsonParser *self,
                HrJson       *node,
                guint         first)
{
  guint n_nodes = self->pending->len - first;

  node->children.n_nodes = n_nodes;
  if (n_nodes > 0)
    {
      node->children.nodes = hr_json_document_allocate (self->document, n_nodes * sizeof (HrJson *));
      memcpy (node->children.nodes, self->pending->pdata + first, n_nodes * sizeof (HrJson *));
    }
  g_ptr_array_set_size (self->pending, first);
}

static HrJson *
add_child (HrJsonParser *self,
           HrJson       *parent,
           guint         first,
           const char   *key)
{
  HrJson *node = hr_json_document_allocate (self->document, sizeof (HrJson));

  node->parent = parent;
  node->key = key;
  node->index = self->pending->len - first;
  g_ptr_array_add (self->pending, node);

  return node;
}

/* After a value in brackets: a comma and something to follow, or the closing bracket. Sets @more accordingly. */
static gboolean
parse_separator (HrJsonParser *self,
                 char          close,
                 gboolean     *more)
{
  const char *comma = self->position;

  if (self->position < self->end && *self->position == close)
    {
      self->position++;
      *more = FALSE;
      return TRUE;
    }
  if (self->position >= self->end || *self->position != ',')
    return set_syntax_error (self, self->position, close == '}' ? _("“,” or “}”") : _("“,” or “]”"));

  self->position++;
  *more = TRUE;
  if (!skip_space (self))
    return FALSE;
  if (self->position < self->end && *self->position == close)
    {
      self->position++;
      *more = FALSE;
      return tolerate (self, comma, &self->warned_of_comma, close == '}' ? _("“}”") : _("“]”"),
                       _("a comma before a closing bracket is not JSON; it was ignored"));
    }

  return TRUE;
}

static gboolean
parse_array (HrJsonParser *self,
             HrJson       *node)
{
  guint first = self->pending->len;
  gboolean more;

  node->type = HR_JSON_ARRAY;
  self->position++;
  if (!skip_space (self))
    return FALSE;

  more = self->position >= self->end || *self->position != ']';
  if (!more)
    self->position++;

  while (more)
    {
      if (!parse_value (self, add_child (self, node, first, NULL)) || !skip_space (self) ||
          !parse_separator (self, ']', &more))
        return FALSE;
    }

  close_children (self, node, first);

  return TRUE;
}

static int
compare_keys_then_index (gconstpointer a,
                         gconstpointer b)
{
  const HrJson *first = *(const HrJson * const *) a;
  const HrJson *second = *(const HrJson * const *) b;
  int order = strcmp (first->key, second->key);

  return order != 0 ? order : (first->index > second->index) - (first->index < second->index);
}

/* Sorts the members for look-up, and drops all but the last of those with the same key. */
static gboolean
index_members (HrJsonParser *self,
               HrJson       *node)
{
  guint n_nodes = node->children.n_nodes;
  guint n_kept = 0;
  HrJson **sorted;

  if (n_nodes == 0)
    return TRUE;

  sorted = hr_json_document_allocate (self->document, n_nodes * sizeof (HrJson *));
  memcpy (sorted, node->children.nodes, n_nodes * sizeof (HrJson *));
  qsort (sorted, n_nodes, sizeof (HrJson *), compare_keys_then_index);

  for (guint i = 0; i < n_nodes; i++)
    {
      HrJson *member = sorted[i];

      if (i + 1 < n_nodes && g_str_equal (member->key, sorted[i + 1]->key))
        {
          g_autofree char *message = g_strdup_printf (_("“%s” is given more than once; the last one holds"),
                                                      member->key);
          gboolean warned = FALSE;

          hr_message_make_line (message);
          if (!tolerate (self, self->document->text + sorted[i + 1]->offset, &warned, _("each key once"), message))
            return FALSE;
          member->key = NULL;
          continue;
        }
      sorted[n_kept++] = member;
    }

  node->children.sorted = sorted;
  if (n_kept == n_nodes)
    return TRUE;

  node->children.n_nodes = 0;
  for (guint i = 0; i < n_nodes; i++)
    {
      HrJson *member = node->children.nodes[i];

      if (member->key != NULL)
        {
          member->index = node->children.n_nodes;
          node->children.nodes[node->children.n_nodes++] = member;
        }
    }

  return TRUE;
}

static gboolean
parse_object (HrJsonParser *self,
              HrJson       *node)
{
  guint first = self->pending->len;
  gboolean more;

  node->type = HR_JSON_OBJECT;
  self->position++;
  if (!skip_space (self))
    return FALSE;

  more = self->position >= self->end || *self->position != '}';
  if (!more)
    self->position++;

  while (more)
    {
      const char *key;

      if (!parse_string (self, &key) || !skip_space (self))
        return FALSE;
      if (self->position >= self->end || *self->position != ':')
        return set_syntax_error (self, self->position, _("“:”"));
      self->position++;

      if (!parse_value (self, add_child (self, node, first, key)) || !skip_space (self) ||
          !parse_separator (self, '}', &more))
        return FALSE;
    }

  close_children (self, node, first);

  return index_members (self, node);
}

static gboolean
parse_value (HrJsonParser *self,
             HrJson       *node)
{
  gboolean success;

  if (!skip_space (self))
    return FALSE;

  node->offset = get_offset (self, self->position);

  if (self->position >= self->end)
    return set_syntax_error (self, self->position, _("a JSON value"));

  switch (*self->position)
    {
    case '{':
    case '[':
      if (self->depth >= MAX_DEPTH)
        return set_syntax_error (self, self->position, _("objects and arrays nested less deeply"));
      self->depth++;
      success = *self->position == '{' ? parse_object (self, node) : parse_array (self, node);
      self->depth--;
      node->text_length = get_offset (self, self->position) - node->offset;
      return success;

    case '"':
      node->type = HR_JSON_STRING;
      success = parse_string (self, &node->string);
      node->text_length = get_offset (self, self->position) - node->offset;
      return success;

    case '-':
      return self->position[1] == 'I' ? parse_word (self, node) : parse_number (self, node);

    default:
      return g_ascii_isdigit (*self->position) ? parse_number (self, node) : parse_word (self, node);
    }
}

static gboolean
check_encoding (HrJsonParser *self)
{
  const guint8 *bytes = (const guint8 *) self->document->source;
  const char *invalid;
  guint line, column;

  if (self->document->length >= 2 && ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff)))
    {
      g_set_error (self->error, HR_ERROR, HR_ERROR_SYNTAX, _("“%s”: expected text in UTF-8, found UTF-16"),
                   self->document->origin);
      return FALSE;
    }

  if (g_utf8_validate_len (self->document->source, self->document->length, &invalid))
    return TRUE;

  hr_json_document_get_position (self->document, invalid - self->document->source, &line, &column);
  g_set_error (self->error, HR_ERROR, HR_ERROR_SYNTAX,
               _("“%s”, line %u, column %u: expected text in UTF-8, found the byte 0x%02X"),
               self->document->origin, line, column, (guint8) *invalid);

  return FALSE;
}

gboolean
hr_json_document_parse (HrJsonDocument  *self,
                        HrJsonMode       mode,
                        GError         **error)
{
  g_autoptr (GPtrArray) pending = g_ptr_array_new ();
  HrJsonParser parser = {
    .document = self,
    .mode = mode,
    .position = self->text,
    .end = self->text + self->length,
    .pending = pending,
    .error = error,
  };

  if (!check_encoding (&parser))
    return FALSE;

  if (g_str_has_prefix (self->text, "\xef\xbb\xbf"))
    parser.position += 3;

  if (!parse_value (&parser, &self->root) || !skip_space (&parser))
    return FALSE;

  return parser.position == parser.end || set_syntax_error (&parser, parser.position, _("the end of the file"));
}
