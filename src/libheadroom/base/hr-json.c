/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-json-private.h"
#include "hr-message.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-file.h"

#define BLOCK_SIZE 16000

/* Whole numbers up to here are exact as a double. */
#define MAX_EXACT_REAL 9007199254740992.0

/* Zeroed memory that lives as long as the document. */
gpointer
hr_json_document_allocate (HrJsonDocument *self,
                           gsize           size)
{
  gpointer memory;

  size = (size + 7) & ~(gsize) 7;
  if (size > self->n_free)
    {
      self->n_free = MAX (size, BLOCK_SIZE);
      self->free_space = g_malloc0 (self->n_free);
      g_ptr_array_add (self->blocks, self->free_space);
    }

  memory = self->free_space;
  self->free_space += size;
  self->n_free -= size;

  return memory;
}

/* Lines and columns count from 1; columns are characters. */
void
hr_json_document_get_position (HrJsonDocument *self,
                               gsize           offset,
                               guint          *line,
                               guint          *column)
{
  *line = 1;
  *column = 1;
  for (gsize i = 0; i < MIN (offset, self->length); i++)
    {
      if (self->source[i] == '\n')
        {
          *line += 1;
          *column = 1;
        }
      else if ((self->source[i] & 0xc0) != 0x80)
        *column += 1;
    }
}

static HrJsonDocument *
get_document (HrJson *self)
{
  while (self->parent != NULL)
    self = self->parent;

  return (HrJsonDocument *) self;
}

static void
hr_json_document_free (HrJsonDocument *self)
{
  g_free (self->origin);
  g_free (self->text);
  g_bytes_unref (self->bytes);
  g_ptr_array_unref (self->warnings);
  g_ptr_array_unref (self->blocks);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrJsonDocument, hr_json_document_free)

static HrJson *
hr_json_new_from_bytes (GBytes      *bytes,
                        const char  *origin,
                        HrJsonMode   mode,
                        GError     **error)
{
  g_autoptr (HrJsonDocument) document = g_new0 (HrJsonDocument, 1);

  document->origin = g_strdup (origin);
  document->bytes = g_bytes_ref (bytes);
  document->source = g_bytes_get_data (bytes, &document->length);
  document->text = g_malloc (document->length + 2);
  if (document->length > 0)
    memcpy (document->text, document->source, document->length);
  /* The parser may look one character ahead of the end. */
  document->text[document->length] = '\0';
  document->text[document->length + 1] = '\0';
  document->warnings = g_ptr_array_new_null_terminated (0, g_free, TRUE);
  document->blocks = g_ptr_array_new_with_free_func (g_free);

  if (!hr_json_document_parse (document, mode, error))
    return NULL;

  return &g_steal_pointer (&document)->root;
}

/*
 * hr_json_new_from_data:
 * @data: (array length=length): JSON text in UTF-8, with or without a byte-order mark
 * @length: the length of @data, or -1 if it ends with a zero byte
 * @origin: what to call it in messages: a file's name
 * @mode: what is let through
 * @error: return location for an error
 *
 * Parses a text.
 *
 * Returns: (transfer full) (nullable): the root, to be freed with hr_json_free(), or %NULL with @error set to
 *   %HR_ERROR_SYNTAX or %HR_ERROR_TOO_LARGE
 */
HrJson *
hr_json_new_from_data (const char  *data,
                       gssize       length,
                       const char  *origin,
                       HrJsonMode   mode,
                       GError     **error)
{
  g_autoptr (GBytes) bytes = NULL;
  gsize size;

  g_return_val_if_fail (data != NULL || length == 0, NULL);
  g_return_val_if_fail (origin != NULL, NULL);

  size = length < 0 ? strlen (data) : (gsize) length;
  if (size > HR_JSON_MAX_BYTES)
    {
      g_autofree char *limit = g_format_size_full (HR_JSON_MAX_BYTES, G_FORMAT_SIZE_IEC_UNITS);
      g_autofree char *found = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);

      g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE, _("“%s”: expected a file of at most %s, found one of %s"),
                   origin, limit, found);
      return NULL;
    }

  bytes = g_bytes_new (data, size);

  return hr_json_new_from_bytes (bytes, origin, mode, error);
}

/*
 * hr_json_new_from_file:
 * @file: a file
 * @mode: what is let through
 * @error: return location for an error
 *
 * Reads and parses a file of at most %HR_JSON_MAX_BYTES.
 *
 * Returns: (transfer full) (nullable): the root, or %NULL with @error set to a #GIOErrorEnum, %HR_ERROR_SYNTAX or
 *   %HR_ERROR_TOO_LARGE
 */
HrJson *
hr_json_new_from_file (GFile       *file,
                       HrJsonMode   mode,
                       GError     **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *name = NULL;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  bytes = hr_file_load (file, HR_JSON_MAX_BYTES, error);
  if (bytes == NULL)
    return NULL;

  name = g_file_get_parse_name (file);

  return hr_json_new_from_bytes (bytes, name, mode, error);
}

/*
 * hr_json_new_from_resource:
 * @path: the path of a resource
 * @error: return location for an error
 *
 * Parses a file of Headroom's own data, strictly.
 *
 * Returns: (transfer full) (nullable): the root, or %NULL with @error set to a #GResourceError or %HR_ERROR_SYNTAX
 */
HrJson *
hr_json_new_from_resource (const char  *path,
                           GError     **error)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (path != NULL, NULL);

  bytes = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  if (bytes == NULL)
    return NULL;

  return hr_json_new_from_bytes (bytes, path, HR_JSON_STRICT, error);
}

/* Frees a document, given its root. */
void
hr_json_free (HrJson *self)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (self->parent == NULL);

  hr_json_document_free (get_document (self));
}

/* The name of the file that a node is in. */
const char *
hr_json_get_origin (HrJson *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return get_document (self)->origin;
}

/* What the parser let through, as translated sentences. */
const char * const *
hr_json_get_warnings (HrJson *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return (const char * const *) get_document (self)->warnings->pdata;
}

HrJsonType
hr_json_get_node_type (HrJson *self)
{
  g_return_val_if_fail (self != NULL, HR_JSON_NULL);

  return self->type;
}

/* The key of a member; %NULL for the root and for elements of arrays. */
const char *
hr_json_get_key (HrJson *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->key;
}

static void
append_path (HrJson  *self,
             GString *path)
{
  if (self->parent == NULL)
    return;

  append_path (self->parent, path);
  if (self->key != NULL)
    g_string_append_printf (path, "%s%s", path->len > 0 ? "." : "", self->key);
  else
    g_string_append_printf (path, "[%u]", self->index);
}

/* Where a node is in its file, such as `text_config.layer_types[3]`; empty for the root. */
char *
hr_json_dup_path (HrJson *self)
{
  GString *path;

  g_return_val_if_fail (self != NULL, NULL);

  path = g_string_new (NULL);
  append_path (self, path);
  hr_message_make_line (path->str);

  return g_string_free (path, FALSE);
}

static gboolean
has_children (HrJson *self)
{
  return self->type == HR_JSON_OBJECT || self->type == HR_JSON_ARRAY;
}

/*
 * hr_json_dup_text:
 * @self: a node
 *
 * Gets what stands in the file: of an object or an array from bracket to bracket, of a string with its quotes.
 */
char *
hr_json_dup_text (HrJson *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_strndup (get_document (self)->source + self->offset, self->text_length);
}

/*
 * hr_json_dup_text_with:
 * @self: an object
 * @keys: (array zero-terminated=1): keys of members
 * @texts: (array zero-terminated=1): the values that they have instead, as they are written
 *
 * Gets what stands in the file, with other values of some members; those that it does not have are added.
 */
char *
hr_json_dup_text_with (HrJson             *self,
                       const char * const *keys,
                       const char * const *texts)
{
  const char *source = get_document (self)->source;
  GString *text = g_string_new ("{");
  gsize done = self->offset + 1;

  g_return_val_if_fail (self->type == HR_JSON_OBJECT, NULL);

  for (guint i = 0; keys[i] != NULL; i++)
    {
      if (hr_json_get_member (self, keys[i]) == NULL)
        g_string_append_printf (text, "\"%s\": %s, ", keys[i], texts[i]);
    }
  for (guint i = 0; i < self->children.n_nodes; i++)
    {
      const HrJson *member = self->children.nodes[i];

      for (guint j = 0; keys[j] != NULL; j++)
        {
          if (!g_str_equal (member->key, keys[j]))
            continue;
          g_string_append_len (text, source + done, member->offset - done);
          g_string_append (text, texts[j]);
          done = member->offset + member->text_length;
        }
    }
  g_string_append_len (text, source + done, self->offset + self->text_length - done);

  return g_string_free (text, FALSE);
}

/* The number of elements or members; 0 for anything else. */
guint
hr_json_get_length (HrJson *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return has_children (self) ? self->children.n_nodes : 0;
}

/* An element of an array, or a member of an object, in the order of the file. */
HrJson *
hr_json_get_element (HrJson *self,
                     guint   index)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < hr_json_get_length (self), NULL);

  return self->children.nodes[index];
}

static int
compare_keys (gconstpointer a,
              gconstpointer b)
{
  const char *key = a;
  const HrJson *node = *(const HrJson * const *) b;

  return strcmp (key, node->key);
}

static HrJson *
find_member (HrJson     *self,
             const char *key)
{
  HrJson **found;

  if (self->type != HR_JSON_OBJECT || self->children.n_nodes == 0)
    return NULL;

  found = bsearch (key, self->children.sorted, self->children.n_nodes, sizeof (HrJson *), compare_keys);

  return found != NULL ? *found : NULL;
}

/* A member of an object; %NULL if it is absent or null, or if @self is no object. */
HrJson *
hr_json_get_member (HrJson     *self,
                    const char *key)
{
  HrJson *member;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (key != NULL, NULL);

  member = find_member (self, key);

  return member != NULL && member->type != HR_JSON_NULL ? member : NULL;
}

/* Whether a member is there and is null, for the few keys where that differs from being absent. */
gboolean
hr_json_has_null_member (HrJson     *self,
                         const char *key)
{
  HrJson *member;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (key != NULL, FALSE);

  member = find_member (self, key);

  return member != NULL && member->type == HR_JSON_NULL;
}

/* A member of an object that has to be there: %NULL with @error set to %HR_ERROR_SCHEMA if it is not. */
HrJson *
hr_json_require_member (HrJson      *self,
                        const char  *key,
                        GError     **error)
{
  g_autofree char *path = NULL;
  g_autofree char *place = NULL;
  HrJson *member;

  if (!hr_json_check_type (self, HR_JSON_OBJECT, error))
    return NULL;

  member = hr_json_get_member (self, key);
  if (member != NULL)
    return member;

  path = hr_json_dup_path (self);
  place = path[0] != '\0' ? g_strconcat (path, ".", key, NULL) : g_strdup (key);
  g_set_error (error, HR_ERROR, HR_ERROR_SCHEMA, _("“%s”: expected the key “%s”, found none"),
               hr_json_get_origin (self), place);

  return NULL;
}

static char *
describe_value (HrJson *self)
{
  const char *source = get_document (self)->source + self->offset;

  switch (self->type)
    {
    case HR_JSON_NULL:
    case HR_JSON_BOOLEAN:
    case HR_JSON_INTEGER:
    case HR_JSON_REAL:
      return g_strndup (source, MIN (self->text_length, 40));

    case HR_JSON_STRING:
      {
        gboolean is_long = g_utf8_strlen (self->string, -1) > 40;
        g_autofree char *shown = is_long ? g_utf8_substring (self->string, 0, 40) : g_strdup (self->string);

        hr_message_make_line (shown);

        return g_strdup_printf (is_long ? _("the string “%s…”") : _("the string “%s”"), shown);
      }

    case HR_JSON_ARRAY:
      return g_strdup (_("an array"));

    case HR_JSON_OBJECT:
      return g_strdup (_("an object"));

    default:
      g_assert_not_reached ();
    }
}

/*
 * hr_json_set_error:
 * @self: the node that is wrong
 * @code: how it is wrong
 * @expected: what should stand there, translated, as a noun
 * @error: return location for the error
 *
 * Sets an error that names the file, the place, what was expected and what was found.
 */
void
hr_json_set_error (HrJson      *self,
                   HrError      code,
                   const char  *expected,
                   GError     **error)
{
  g_autofree char *path = NULL;
  g_autofree char *found = NULL;
  guint line, column;

  g_return_if_fail (self != NULL);
  g_return_if_fail (expected != NULL);

  path = hr_json_dup_path (self);
  found = describe_value (self);

  if (path[0] == '\0')
    {
      /* Translators: a file's name, what it should hold, what it holds. */
      g_set_error (error, HR_ERROR, code, _("“%s”: expected %s, found %s"), hr_json_get_origin (self), expected, found);
      return;
    }

  hr_json_document_get_position (get_document (self), self->offset, &line, &column);
  /* Translators: a file's name, a key in it, the number of the line, what should stand there, what stands there. */
  g_set_error (error, HR_ERROR, code, _("“%s”, %s (line %u): expected %s, found %s"),
               hr_json_get_origin (self), path, line, expected, found);
}

static const char *
describe_type (HrJsonType type)
{
  switch (type)
    {
    case HR_JSON_NULL:
      return _("null");

    case HR_JSON_BOOLEAN:
      return _("true or false");

    case HR_JSON_INTEGER:
      return _("a whole number");

    case HR_JSON_REAL:
      return _("a number");

    case HR_JSON_STRING:
      return _("a string");

    case HR_JSON_ARRAY:
      return _("an array");

    case HR_JSON_OBJECT:
      return _("an object");

    default:
      g_assert_not_reached ();
    }
}

gboolean
hr_json_check_type (HrJson      *self,
                    HrJsonType   type,
                    GError     **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (self->type == type)
    return TRUE;

  hr_json_set_error (self, HR_ERROR_SCHEMA, describe_type (type), error);

  return FALSE;
}

gboolean
hr_json_read_boolean (HrJson    *self,
                      gboolean  *value,
                      GError   **error)
{
  if (!hr_json_check_type (self, HR_JSON_BOOLEAN, error))
    return FALSE;

  *value = self->boolean;

  return TRUE;
}

/* Reads a whole number, of either sign, that is written as one. */
gboolean
hr_json_read_int (HrJson  *self,
                  gint64  *value,
                  GError **error)
{
  if (!hr_json_check_type (self, HR_JSON_INTEGER, error))
    return FALSE;

  *value = self->integer;

  return TRUE;
}

static char *
describe_range (guint64 minimum,
                guint64 maximum)
{
  g_autofree char *lowest = g_strdup_printf ("%" G_GUINT64_FORMAT, minimum);
  g_autofree char *highest = g_strdup_printf ("%" G_GUINT64_FORMAT, maximum);

  if (maximum == G_MAXUINT64)
    return g_strdup_printf (_("a whole number of at least %s"), lowest);

  return g_strdup_printf (_("a whole number from %s to %s"), lowest, highest);
}

/*
 * hr_json_read_uint:
 * @self: a node
 * @minimum: the smallest value that makes sense
 * @maximum: the largest value that makes sense
 * @value: (out): the value
 * @error: return location for an error
 *
 * Reads a whole number. `4096.0` and `1e3` are whole numbers; `true` and `"4096"` are not.
 *
 * Returns: whether there is one in the range; otherwise @error is %HR_ERROR_SCHEMA (no whole number) or
 *   %HR_ERROR_VALUE (out of the range)
 */
gboolean
hr_json_read_uint (HrJson    *self,
                   guint64    minimum,
                   guint64    maximum,
                   guint64   *value,
                   GError   **error)
{
  g_autofree char *expected = NULL;
  gboolean is_number, is_whole;

  g_return_val_if_fail (self != NULL, FALSE);

  is_number = self->type == HR_JSON_INTEGER || self->type == HR_JSON_REAL;
  is_whole = self->type == HR_JSON_INTEGER || (is_number && isfinite (self->real) && floor (self->real) == self->real);

  if (self->type == HR_JSON_INTEGER && self->integer >= 0 && (guint64) self->integer >= minimum &&
      (guint64) self->integer <= maximum)
    {
      *value = self->integer;
      return TRUE;
    }
  if (self->type == HR_JSON_REAL && is_whole && self->real >= 0 && self->real <= MAX_EXACT_REAL &&
      (guint64) self->real >= minimum && (guint64) self->real <= maximum)
    {
      *value = self->real;
      return TRUE;
    }

  expected = describe_range (minimum, maximum);
  hr_json_set_error (self, is_whole ? HR_ERROR_VALUE : HR_ERROR_SCHEMA, expected, error);

  return FALSE;
}

/* Reads a number, which NaN and infinity are not. */
gboolean
hr_json_read_double (HrJson  *self,
                     double  *value,
                     GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (self->type == HR_JSON_INTEGER)
    *value = self->integer;
  else if (self->type == HR_JSON_REAL && isfinite (self->real))
    *value = self->real;
  else
    {
      hr_json_set_error (self, HR_ERROR_SCHEMA, describe_type (HR_JSON_REAL), error);
      return FALSE;
    }

  return TRUE;
}

/* Reads a string, which lives as long as the document. */
gboolean
hr_json_read_string (HrJson      *self,
                     const char **value,
                     GError     **error)
{
  if (!hr_json_check_type (self, HR_JSON_STRING, error))
    return FALSE;

  *value = self->string;

  return TRUE;
}

gboolean
hr_json_get_boolean (HrJson      *self,
                     const char  *key,
                     gboolean    *value,
                     GError     **error)
{
  HrJson *member = hr_json_get_member (self, key);

  return member == NULL || hr_json_read_boolean (member, value, error);
}

gboolean
hr_json_get_uint (HrJson      *self,
                  const char  *key,
                  guint64      minimum,
                  guint64      maximum,
                  guint64     *value,
                  GError     **error)
{
  HrJson *member = hr_json_get_member (self, key);

  return member == NULL || hr_json_read_uint (member, minimum, maximum, value, error);
}

gboolean
hr_json_get_double (HrJson      *self,
                    const char  *key,
                    double      *value,
                    GError     **error)
{
  HrJson *member = hr_json_get_member (self, key);

  return member == NULL || hr_json_read_double (member, value, error);
}

gboolean
hr_json_get_string (HrJson      *self,
                    const char  *key,
                    const char **value,
                    GError     **error)
{
  HrJson *member = hr_json_get_member (self, key);

  return member == NULL || hr_json_read_string (member, value, error);
}

/* The text of a member that has to be there, which lives as long as the program. */
gboolean
hr_json_require_text (HrJson      *self,
                      const char  *key,
                      const char **text,
                      GError     **error)
{
  const char *value = NULL;

  g_return_val_if_fail (text != NULL, FALSE);

  if (hr_json_require_member (self, key, error) == NULL || !hr_json_get_string (self, key, &value, error))
    return FALSE;

  *text = g_intern_string (value);

  return TRUE;
}

static gboolean
get_typed (HrJson      *self,
           const char  *key,
           HrJsonType   type,
           HrJson     **value,
           GError     **error)
{
  HrJson *member = hr_json_get_member (self, key);

  if (member == NULL)
    return TRUE;
  if (!hr_json_check_type (member, type, error))
    return FALSE;

  *value = member;

  return TRUE;
}

gboolean
hr_json_get_array (HrJson      *self,
                   const char  *key,
                   HrJson     **value,
                   GError     **error)
{
  return get_typed (self, key, HR_JSON_ARRAY, value, error);
}

/* A list of strings, which ends with %NULL. */
gboolean
hr_json_get_strings (HrJson       *self,
                     const char   *key,
                     char       ***values,
                     GError      **error)
{
  g_autoptr (GStrvBuilder) list = NULL;
  HrJson *array = NULL;

  if (!hr_json_get_array (self, key, &array, error))
    return FALSE;
  if (array == NULL)
    return TRUE;

  list = g_strv_builder_new ();
  for (guint i = 0; i < hr_json_get_length (array); i++)
    {
      const char *value;

      if (!hr_json_read_string (hr_json_get_element (array, i), &value, error))
        return FALSE;
      g_strv_builder_add (list, value);
    }
  *values = g_strv_builder_end (list);

  return TRUE;
}

gboolean
hr_json_get_object (HrJson      *self,
                    const char  *key,
                    HrJson     **value,
                    GError     **error)
{
  return get_typed (self, key, HR_JSON_OBJECT, value, error);
}

/* Checks that @self is an object whose keys are all among @known (null-terminated). */
gboolean
hr_json_check_members (HrJson              *self,
                       const char * const  *known,
                       GError             **error)
{
  if (!hr_json_check_type (self, HR_JSON_OBJECT, error))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (self); i++)
    {
      HrJson *member = hr_json_get_element (self, i);

      if (!g_strv_contains (known, member->key))
        {
          g_autofree char *names = g_strjoinv (", ", (char **) known);
          g_autofree char *path = hr_json_dup_path (member);
          guint line, column;

          hr_json_document_get_position (get_document (self), member->offset, &line, &column);
          g_set_error (error, HR_ERROR, HR_ERROR_SCHEMA, _("“%s”, line %u: expected one of the keys %s, found “%s”"),
                       hr_json_get_origin (self), line, names, path);
          return FALSE;
        }
    }

  return TRUE;
}
