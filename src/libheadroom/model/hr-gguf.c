/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gguf.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-error.h"
#include "hr-ggml-type.h"

/*
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. A key has at most 65535 bytes; the other limits
 * are ours, far above anything that is written: they bound what a damaged or hostile file can make us do.
 */
#define MAGIC "GGUF"
#define MAX_KEY_BYTES 65535
#define MAX_NAME_BYTES 1024
#define MAX_KEPT_STRING_BYTES 4096
#define MAX_KEPT_NUMBERS 65536
#define MAX_NESTING 4
#define MAX_KEYS 65536
#define MAX_TENSORS 1000000
#define MAX_DIMENSIONS 4
#define MAX_SPLITS 9999
#define MAX_ALIGNMENT (1u << 30)
#define DEFAULT_ALIGNMENT 32
#define WINDOW_BYTES 65536
#define MAX_HEADER_BYTES (G_GUINT64_CONSTANT (256) * 1024 * 1024)

/* How many names a message lists. */
#define MAX_SHOWN 3

typedef enum
{
  TYPE_UINT8,
  TYPE_INT8,
  TYPE_UINT16,
  TYPE_INT16,
  TYPE_UINT32,
  TYPE_INT32,
  TYPE_FLOAT32,
  TYPE_BOOLEAN,
  TYPE_STRING,
  TYPE_ARRAY,
  TYPE_UINT64,
  TYPE_INT64,
  TYPE_FLOAT64,
  N_TYPES,
} HrGgufType;

/* 0 for those that say their size themselves. */
static const guint type_bytes[N_TYPES] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

typedef struct
{
  HrGgufType type;
  gboolean boolean;
  double number;
  char *string;           /* NULL if it is longer than what is kept */
  guint64 length;         /* of an array */
  GArray *numbers;        /* of double; NULL unless it is a short array of numbers */
} HrGgufValue;

struct _HrGguf
{
  char *name;
  GHashTable *values;     /* key, HrGgufValue */
  HrCheckpoint *checkpoint;
};

/* Reads a file from its beginning on, in pieces, and never beyond its end. */
typedef struct
{
  HrFileReader *reader;
  guint64 position;
  guint64 window_start;
  gsize window_length;
  guint8 window[WINDOW_BYTES];
} HrCursor;

/* Where the data of a tensor lies. */
typedef struct
{
  const HrStoredTensor *tensor;
  guint64 offset;
} HrPlace;

static char *
format_number (guint64 number)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

static void
value_free (HrGgufValue *self)
{
  g_free (self->string);
  g_clear_pointer (&self->numbers, g_array_unref);
  g_free (self);
}

static gboolean
set_error (HrCursor    *cursor,
           guint64      position,
           HrError      code,
           const char  *expected,
           const char  *found,
           GError     **error)
{
  g_autofree char *place = format_number (position);

  /* Translators: a file's name, a position in it, what should stand there, what stands there. */
  g_set_error (error, HR_ERROR, code, _("“%s”, byte %s: expected %s, found %s"),
               hr_file_reader_get_name (cursor->reader), place, expected, found);

  return FALSE;
}

static gboolean
set_number_error (HrCursor    *cursor,
                  guint64      position,
                  HrError      code,
                  const char  *expected,
                  guint64      number,
                  GError     **error)
{
  g_autofree char *found = format_number (number);

  return set_error (cursor, position, code, expected, found, error);
}

static gboolean
set_key_error (HrCursor    *cursor,
               const char  *key,
               const char  *expected,
               const char  *found,
               GError     **error)
{
  g_autofree char *shown = hr_checkpoint_dup_shown (key);

  /* Translators: a file's name, the name of a key, what was expected, what was found. */
  g_set_error (error, HR_ERROR, HR_ERROR_SCHEMA, _("“%s”, key “%s”: expected %s, found %s"),
               hr_file_reader_get_name (cursor->reader), shown, expected, found);

  return FALSE;
}

static gboolean
set_tensor_error (HrCursor    *cursor,
                  const char  *name,
                  HrError      code,
                  const char  *expected,
                  const char  *found,
                  GError     **error)
{
  g_autofree char *shown = hr_checkpoint_dup_shown (name);

  g_set_error (error, HR_ERROR, code, _("“%s”, tensor “%s”: expected %s, found %s"),
               hr_file_reader_get_name (cursor->reader), shown, expected, found);

  return FALSE;
}

static guint64
get_remaining (HrCursor *cursor)
{
  return hr_file_reader_get_size (cursor->reader) - cursor->position;
}

/* That so many bytes follow in the file, and still belong to what may be a header. */
static gboolean
require_bytes (HrCursor  *cursor,
               guint64    n_bytes,
               GError   **error)
{
  g_autofree char *number = NULL;
  g_autofree char *expected = NULL;

  if (n_bytes > get_remaining (cursor))
    {
      number = format_number (n_bytes);
      expected = g_strdup_printf (_("%s more bytes"), number);
      return set_error (cursor, cursor->position, HR_ERROR_SYNTAX, expected, _("the end of the file"), error);
    }
  if (n_bytes > MAX_HEADER_BYTES - cursor->position)
    {
      number = g_format_size_full (MAX_HEADER_BYTES, G_FORMAT_SIZE_IEC_UNITS);
      expected = g_strdup_printf (_("a header of at most %s"), number);
      return set_error (cursor, cursor->position, HR_ERROR_TOO_LARGE, expected, _("a larger one"), error);
    }

  return TRUE;
}

static gboolean
read_bytes (HrCursor  *cursor,
            gpointer   buffer,
            gsize      length,
            GError   **error)
{
  if (!require_bytes (cursor, length, error))
    return FALSE;

  if (length > WINDOW_BYTES)
    {
      if (!hr_file_reader_read (cursor->reader, cursor->position, buffer, length, error))
        return FALSE;
      cursor->position += length;
      return TRUE;
    }

  if (cursor->position < cursor->window_start ||
      cursor->position + length > cursor->window_start + cursor->window_length)
    {
      cursor->window_start = cursor->position;
      cursor->window_length = MIN (WINDOW_BYTES, get_remaining (cursor));
      if (!hr_file_reader_read (cursor->reader, cursor->window_start, cursor->window, cursor->window_length, error))
        return FALSE;
    }

  memcpy (buffer, cursor->window + (cursor->position - cursor->window_start), length);
  cursor->position += length;

  return TRUE;
}

static gboolean
skip_bytes (HrCursor  *cursor,
            guint64    n_bytes,
            GError   **error)
{
  if (!require_bytes (cursor, n_bytes, error))
    return FALSE;

  cursor->position += n_bytes;

  return TRUE;
}

static gboolean
read_uint32 (HrCursor  *cursor,
             guint32   *value,
             GError   **error)
{
  if (!read_bytes (cursor, value, sizeof *value, error))
    return FALSE;

  *value = GUINT32_FROM_LE (*value);

  return TRUE;
}

static gboolean
read_uint64 (HrCursor  *cursor,
             guint64   *value,
             GError   **error)
{
  if (!read_bytes (cursor, value, sizeof *value, error))
    return FALSE;

  *value = GUINT64_FROM_LE (*value);

  return TRUE;
}

/* A name: short, and text. */
static gboolean
read_name (HrCursor    *cursor,
           gsize        max_bytes,
           char       **name,
           GError     **error)
{
  guint64 start = cursor->position;
  guint64 length;
  g_autofree char *text = NULL;

  if (!read_uint64 (cursor, &length, error))
    return FALSE;
  if (length == 0 || length > max_bytes)
    {
      g_autofree char *expected = g_strdup_printf (_("a name of 1 to %u bytes"), (guint) max_bytes);

      return set_number_error (cursor, start, HR_ERROR_SYNTAX, expected, length, error);
    }

  if (!require_bytes (cursor, length, error))
    return FALSE;
  text = g_malloc0 (length + 1);
  if (!read_bytes (cursor, text, length, error))
    return FALSE;
  if (strlen (text) != length || !g_utf8_validate (text, length, NULL))
    return set_error (cursor, start + sizeof length, HR_ERROR_SYNTAX, _("a name in UTF-8"), _("other bytes"), error);

  *name = g_steal_pointer (&text);

  return TRUE;
}

/* A string is kept if it is short; a chat template is not needed. */
static gboolean
read_string (HrCursor     *cursor,
             HrGgufValue  *value,
             GError      **error)
{
  g_autofree char *text = NULL;
  guint64 length;

  if (!read_uint64 (cursor, &length, error))
    return FALSE;
  if (length > MAX_KEPT_STRING_BYTES)
    return skip_bytes (cursor, length, error);

  if (!require_bytes (cursor, length, error))
    return FALSE;
  text = g_malloc0 (length + 1);
  if (!read_bytes (cursor, text, length, error))
    return FALSE;
  value->string = g_utf8_make_valid (text, -1);

  return TRUE;
}

static double
get_number (HrGgufType    type,
            const guint8 *bytes)
{
  guint64 number = 0;

  /* Only as many bytes as the type has, the lowest first. */
  for (guint i = 0; i < type_bytes[type]; i++)
    number |= (guint64) bytes[i] << (8 * i);

  switch (type)
    {
    case TYPE_UINT8:
    case TYPE_UINT16:
    case TYPE_UINT32:
    case TYPE_UINT64:
    case TYPE_BOOLEAN:
      return number;

    case TYPE_INT8:
      return (gint8) number;

    case TYPE_INT16:
      return (gint16) number;

    case TYPE_INT32:
      return (gint32) number;

    case TYPE_INT64:
      return (gint64) number;

    case TYPE_FLOAT32:
      {
        guint32 bits = number;
        float real;

        memcpy (&real, &bits, sizeof real);
        return real;
      }

    case TYPE_FLOAT64:
      {
        double real;

        memcpy (&real, &number, sizeof real);
        return real;
      }

    case TYPE_STRING:
    case TYPE_ARRAY:
    case N_TYPES:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
read_type (HrCursor    *cursor,
           HrGgufType  *type,
           GError     **error)
{
  guint64 start = cursor->position;
  guint32 number;

  if (!read_uint32 (cursor, &number, error))
    return FALSE;
  if (number >= N_TYPES)
    return set_number_error (cursor, start, HR_ERROR_SYNTAX, _("the type of a value, from 0 to 12"), number, error);

  *type = number;

  return TRUE;
}

static gboolean
read_array (HrCursor     *cursor,
            HrGgufValue  *value,
            guint         depth,
            GError      **error)
{
  guint64 start = cursor->position;
  HrGgufType type;
  guint64 n_bytes;

  if (depth > MAX_NESTING)
    return set_error (cursor, start, HR_ERROR_TOO_LARGE, _("arrays in arrays four deep at most"), _("a deeper one"),
                      error);
  if (!read_type (cursor, &type, error) || !read_uint64 (cursor, &value->length, error))
    return FALSE;

  if (type == TYPE_STRING || type == TYPE_ARRAY)
    {
      /* Each takes some bytes of the file, which bounds the loop. */
      for (guint64 i = 0; i < value->length; i++)
        {
          HrGgufValue inner = { 0 };
          guint64 length;

          if (type == TYPE_ARRAY)
            {
              gboolean success = read_array (cursor, &inner, depth + 1, error);

              g_clear_pointer (&inner.numbers, g_array_unref);
              if (!success)
                return FALSE;
            }
          else if (!read_uint64 (cursor, &length, error) || !skip_bytes (cursor, length, error))
            return FALSE;
        }
      return TRUE;
    }

  if (!g_uint64_checked_mul (&n_bytes, value->length, type_bytes[type]))
    return set_number_error (cursor, start, HR_ERROR_TOO_LARGE, _("an array whose size can be counted"),
                             value->length, error);
  if (!require_bytes (cursor, n_bytes, error))
    return FALSE;
  if (value->length > MAX_KEPT_NUMBERS)
    return skip_bytes (cursor, n_bytes, error);

  value->numbers = g_array_sized_new (FALSE, FALSE, sizeof (double), value->length);
  for (guint64 i = 0; i < value->length; i++)
    {
      guint8 bytes[8];
      double number;

      if (!read_bytes (cursor, bytes, type_bytes[type], error))
        return FALSE;
      number = get_number (type, bytes);
      g_array_append_val (value->numbers, number);
    }

  return TRUE;
}

static gboolean
read_value (HrCursor     *cursor,
            HrGgufValue  *value,
            GError      **error)
{
  guint8 bytes[8];

  if (!read_type (cursor, &value->type, error))
    return FALSE;

  if (value->type == TYPE_STRING)
    return read_string (cursor, value, error);
  if (value->type == TYPE_ARRAY)
    return read_array (cursor, value, 1, error);

  if (!read_bytes (cursor, bytes, type_bytes[value->type], error))
    return FALSE;
  value->number = get_number (value->type, bytes);
  value->boolean = value->number != 0;

  return TRUE;
}

static gboolean
read_values (HrGguf    *self,
             HrCursor  *cursor,
             guint64    n_values,
             GError   **error)
{
  for (guint64 i = 0; i < n_values; i++)
    {
      guint64 start = cursor->position;
      g_autofree char *key = NULL;
      HrGgufValue *value;

      if (!read_name (cursor, MAX_KEY_BYTES, &key, error))
        return FALSE;
      if (g_hash_table_contains (self->values, key))
        {
          g_autofree char *shown = hr_checkpoint_dup_shown (key);
          g_autofree char *found = g_strdup_printf (_("“%s” once more"), shown);

          return set_error (cursor, start, HR_ERROR_SYNTAX, _("each key once"), found, error);
        }

      value = g_new0 (HrGgufValue, 1);
      g_hash_table_insert (self->values, g_steal_pointer (&key), value);
      if (!read_value (cursor, value, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
read_shape (HrCursor        *cursor,
            HrStoredTensor  *tensor,
            GError         **error)
{
  guint32 n_dimensions;

  if (!read_uint32 (cursor, &n_dimensions, error))
    return FALSE;
  if (n_dimensions > MAX_DIMENSIONS)
    {
      g_autofree char *found = format_number (n_dimensions);

      return set_tensor_error (cursor, tensor->name, HR_ERROR_TOO_LARGE, _("at most 4 dimensions"), found, error);
    }

  tensor->n_dimensions = n_dimensions;
  tensor->n_elements = 1;

  /* GGUF has the fastest dimension first, torch has it last. */
  for (guint i = 0; i < n_dimensions; i++)
    {
      guint64 *size = &tensor->shape[n_dimensions - 1 - i];

      if (!read_uint64 (cursor, size, error))
        return FALSE;
      if (*size > G_MAXINT64 || !g_uint64_checked_mul (&tensor->n_elements, tensor->n_elements, *size))
        {
          g_autofree char *found = format_number (*size);

          return set_tensor_error (cursor, tensor->name, HR_ERROR_TOO_LARGE, _("sizes whose product can be counted"),
                                   found, error);
        }
    }

  return TRUE;
}

static gboolean
read_tensor_type (HrCursor        *cursor,
                  HrStoredTensor  *tensor,
                  GError         **error)
{
  const HrGgmlType *type;
  guint32 id;
  guint64 row_elements = tensor->n_dimensions > 0 ? tensor->shape[tensor->n_dimensions - 1] : 1;
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (!read_uint32 (cursor, &id, error))
    return FALSE;

  type = hr_ggml_type_get (id);
  if (type == NULL)
    {
      const char *withdrawn = hr_ggml_type_get_withdrawn (id);

      if (withdrawn != NULL)
        /* Translators: the number and the name of a type, such as 31 and Q4_0_4_4. */
        found = g_strdup_printf (_("the type %u (%s), which was withdrawn"), id, withdrawn);
      else
        found = g_strdup_printf (_("the type %u"), id);

      return set_tensor_error (cursor, tensor->name, HR_ERROR_UNKNOWN_NAME, _("a type of ggml that is known"), found,
                               error);
    }

  tensor->type = type->name;
  tensor->dtype = type->dtype;
  tensor->is_float = type->id < 24 || type->id > 27;
  if (hr_ggml_type_get_bytes (type, row_elements, tensor->n_elements, &tensor->n_bytes))
    return TRUE;

  /* Translators: a number of elements, the name of a type. */
  expected = g_strdup_printf (_("rows of whole blocks of %u elements, as %s has them"), type->block_size, type->name);
  found = hr_stored_tensor_dup_shape (tensor);

  return set_tensor_error (cursor, tensor->name, HR_ERROR_VALUE, expected, found, error);
}

static gboolean
read_tensor (HrGguf    *self,
             HrCursor  *cursor,
             guint64    alignment,
             HrPlace   *place,
             GError   **error)
{
  g_autoptr (HrStoredTensor) tensor = g_new0 (HrStoredTensor, 1);
  HrStoredTensor *added = tensor;
  g_autofree char *name = NULL;

  if (!read_name (cursor, MAX_NAME_BYTES, &tensor->name, error) || !read_shape (cursor, tensor, error) ||
      !read_tensor_type (cursor, tensor, error) || !read_uint64 (cursor, &place->offset, error))
    return FALSE;

  if (place->offset % alignment != 0)
    {
      g_autofree char *number = format_number (alignment);
      g_autofree char *expected = g_strdup_printf (_("an offset that is a multiple of %s"), number);
      g_autofree char *found = format_number (place->offset);

      return set_tensor_error (cursor, tensor->name, HR_ERROR_VALUE, expected, found, error);
    }

  name = g_strdup (tensor->name);
  if (!hr_checkpoint_add (self->checkpoint, g_steal_pointer (&tensor)))
    return set_tensor_error (cursor, name, HR_ERROR_SYNTAX, _("each tensor once"), _("a second one"), error);
  place->tensor = added;

  return TRUE;
}

static int
compare_places (gconstpointer a,
                gconstpointer b)
{
  const HrPlace *first = a;
  const HrPlace *second = b;

  if (first->offset != second->offset)
    return first->offset < second->offset ? -1 : 1;

  /* An empty tensor lies before the one that begins where it does. */
  return (first->tensor->n_bytes > second->tensor->n_bytes) - (first->tensor->n_bytes < second->tensor->n_bytes);
}

/* The data of each tensor is in the file, and nobody else's. */
static gboolean
check_places (HrCursor  *cursor,
              GArray    *places,
              guint64    alignment,
              GError   **error)
{
  guint64 padding = (alignment - cursor->position % alignment) % alignment;
  guint64 n_data_bytes = get_remaining (cursor) - MIN (padding, get_remaining (cursor));
  guint64 position = 0;

  g_array_sort (places, compare_places);

  for (guint i = 0; i < places->len; i++)
    {
      const HrPlace *place = &g_array_index (places, HrPlace, i);
      g_autofree char *number = NULL;
      g_autofree char *expected = NULL;
      g_autofree char *found = NULL;

      if (place->offset < position)
        {
          number = format_number (position);
          expected = g_strdup_printf (_("data from byte %s on, where the tensor before it ends"), number);
          found = format_number (place->offset);
          return set_tensor_error (cursor, place->tensor->name, HR_ERROR_SYNTAX, expected, found, error);
        }
      if (!g_uint64_checked_add (&position, place->offset, place->tensor->n_bytes) || position > n_data_bytes)
        {
          number = format_number (place->tensor->n_bytes);
          expected = g_strdup_printf (_("%s bytes of data"), number);
          return set_tensor_error (cursor, place->tensor->name, HR_ERROR_SYNTAX, expected,
                                   _("the end of the file; it is not complete"), error);
        }
    }

  return TRUE;
}

static gboolean
read_alignment (HrGguf    *self,
                HrCursor  *cursor,
                guint64   *alignment,
                GError   **error)
{
  HrGgufValue *value = g_hash_table_lookup (self->values, "general.alignment");
  g_autofree char *found = NULL;

  *alignment = DEFAULT_ALIGNMENT;
  if (value == NULL)
    return TRUE;

  /* ggml takes powers of two only. */
  if (value->type == TYPE_UINT32 && value->number >= 1 && value->number <= MAX_ALIGNMENT)
    {
      *alignment = value->number;
      if ((*alignment & (*alignment - 1)) == 0)
        return TRUE;
    }

  found = g_strdup_printf ("%.0f", value->number);

  return set_key_error (cursor, "general.alignment", _("a power of two"), found, error);
}

static gboolean
read_prefix (HrCursor  *cursor,
             guint64   *n_tensors,
             guint64   *n_values,
             GError   **error)
{
  char magic[4];
  guint32 version;

  if (!read_bytes (cursor, magic, sizeof magic, error))
    return FALSE;
  if (memcmp (magic, MAGIC, sizeof magic) != 0)
    {
      g_autofree char *found = g_strdup_printf (_("the bytes %02X %02X %02X %02X"), (guint8) magic[0],
                                                (guint8) magic[1], (guint8) magic[2], (guint8) magic[3]);
      gboolean is_pointer = memcmp (magic, "vers", sizeof magic) == 0;

      return set_error (cursor, 0, HR_ERROR_SYNTAX, _("“GGUF”, with which a GGUF file begins"),
                        is_pointer ? _("a Git LFS pointer: the weights were not downloaded") : found, error);
    }

  if (!read_uint32 (cursor, &version, error))
    return FALSE;
  if (version != 2 && version != 3)
    {
      gboolean is_big_endian = (version & 0xffff) == 0 && version != 0;
      g_autofree char *number = format_number (version);

      return set_error (cursor, 4, HR_ERROR_UNSUPPORTED, _("version 2 or 3 of GGUF, little-endian"),
                        is_big_endian ? _("a big-endian file") : number, error);
    }

  if (!read_uint64 (cursor, n_tensors, error) || !read_uint64 (cursor, n_values, error))
    return FALSE;
  if (*n_tensors > MAX_TENSORS)
    return set_number_error (cursor, 8, HR_ERROR_TOO_LARGE, _("at most 1000000 tensors"), *n_tensors, error);
  if (*n_values > MAX_KEYS)
    return set_number_error (cursor, 16, HR_ERROR_TOO_LARGE, _("at most 65536 keys"), *n_values, error);

  return TRUE;
}

static gboolean
read_file (HrGguf        *self,
           HrFileReader  *reader,
           GError       **error)
{
  g_autofree HrCursor *cursor = g_new0 (HrCursor, 1);
  g_autoptr (GArray) places = g_array_new (FALSE, TRUE, sizeof (HrPlace));
  guint64 n_tensors, n_values, alignment;

  cursor->reader = reader;
  if (!read_prefix (cursor, &n_tensors, &n_values, error) || !read_values (self, cursor, n_values, error) ||
      !read_alignment (self, cursor, &alignment, error))
    return FALSE;

  for (guint64 i = 0; i < n_tensors; i++)
    {
      HrPlace place = { 0 };

      if (!read_tensor (self, cursor, alignment, &place, error))
        return FALSE;
      g_array_append_val (places, place);
    }

  return check_places (cursor, places, alignment, error);
}

static HrGguf *
hr_gguf_new (const char *name)
{
  HrGguf *self = g_new0 (HrGguf, 1);

  self->name = g_strdup (name);
  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) value_free);
  self->checkpoint = hr_checkpoint_new ();

  return self;
}

void
hr_gguf_free (HrGguf *self)
{
  g_return_if_fail (self != NULL);

  hr_checkpoint_free (self->checkpoint);
  g_hash_table_unref (self->values);
  g_free (self->name);
  g_free (self);
}

/*
 * hr_gguf_new_from_reader:
 * @reader: a GGUF file
 * @error: return location for an error
 *
 * Reads the header of one file; the weights are not read.
 *
 * Returns: (transfer full) (nullable): the header, or %NULL with @error set
 */
HrGguf *
hr_gguf_new_from_reader (HrFileReader  *reader,
                         GError       **error)
{
  g_autoptr (HrGguf) self = NULL;

  g_return_val_if_fail (reader != NULL, NULL);

  self = hr_gguf_new (hr_file_reader_get_name (reader));

  return read_file (self, reader, error) ? g_steal_pointer (&self) : NULL;
}

static HrGguf *
load_one (GFile   *file,
          GError **error)
{
  g_autoptr (HrFileReader) reader = hr_file_reader_new (file, error);

  return reader != NULL ? hr_gguf_new_from_reader (reader, error) : NULL;
}

/* Moves the tensors of another file of the same model over. */
static gboolean
take_tensors (HrGguf  *self,
              HrGguf  *other,
              GError **error)
{
  g_autofree gpointer *tensors = NULL;
  g_autofree char *second = NULL;
  gsize n_tensors;

  g_hash_table_remove_all (other->checkpoint->by_name);
  tensors = g_ptr_array_steal (other->checkpoint->tensors, &n_tensors);
  for (gsize i = 0; i < n_tensors; i++)
    {
      g_autofree char *shown = hr_checkpoint_dup_shown (((HrStoredTensor *) tensors[i])->name);

      if (!hr_checkpoint_add (self->checkpoint, tensors[i]) && second == NULL)
        second = g_steal_pointer (&shown);
    }
  if (second == NULL)
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
               _("“%s”, tensor “%s”: expected each tensor in one file only, found it in a second one"),
               other->name, second);

  return FALSE;
}

static HrGguf *
load_splits (GFile       *file,
             const char  *prefix,
             const char  *suffix,
             guint        n_files,
             GError     **error)
{
  g_autoptr (GFile) folder = g_file_get_parent (file);
  g_autoptr (GString) missing = g_string_new (NULL);
  g_autoptr (HrGguf) self = NULL;
  guint n_missing = 0;

  for (guint i = 1; i <= n_files; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s-%05u-of-%05u%s", prefix, i, n_files, suffix);
      g_autoptr (GFile) child = g_file_get_child (folder, name);

      if (g_file_query_exists (child, NULL))
        continue;
      if (n_missing < MAX_SHOWN)
        g_string_append_printf (missing, "%s%s", n_missing > 0 ? ", " : "", name);
      n_missing++;
    }
  if (n_missing > 0)
    {
      g_autofree char *origin = g_file_get_parse_name (file);

      if (n_missing > MAX_SHOWN)
        g_string_append (missing, ", …");
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   _("“%s”: expected all files of the weights beside it, did not find %u of %u: %s"),
                   origin, n_missing, n_files, missing->str);
      return NULL;
    }

  for (guint i = 1; i <= n_files; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s-%05u-of-%05u%s", prefix, i, n_files, suffix);
      g_autoptr (GFile) child = g_file_get_child (folder, name);
      g_autoptr (HrGguf) part = load_one (child, error);

      if (part == NULL || (self != NULL && !take_tensors (self, part, error)))
        return NULL;
      if (self == NULL)
        self = g_steal_pointer (&part);
    }

  return g_steal_pointer (&self);
}

/*
 * hr_gguf_load:
 * @file: a GGUF file, or one of several that a model was split into
 * @error: return location for an error
 *
 * Reads the headers of a model: the metadata of its first file, the tensors of all.
 *
 * Returns: (transfer full) (nullable): the header, or %NULL with @error set to a #GIOErrorEnum or an #HrError
 */
HrGguf *
hr_gguf_load (GFile   *file,
              GError **error)
{
  g_autoptr (GRegex) split = NULL;
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *name = NULL;
  guint n_files = 0;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  name = g_file_get_basename (file);
  split = g_regex_new ("^(.+)-[0-9]{5}-of-([0-9]{5})(\\.gguf)$", G_REGEX_RAW | G_REGEX_CASELESS, 0, NULL);
  if (g_regex_match (split, name, 0, &match))
    {
      g_autofree char *number = g_match_info_fetch (match, 2);

      n_files = g_ascii_strtoull (number, NULL, 10);
    }

  if (n_files > 0 && n_files <= MAX_SPLITS)
    {
      g_autofree char *prefix = g_match_info_fetch (match, 1);
      g_autofree char *suffix = g_match_info_fetch (match, 3);

      return load_splits (file, prefix, suffix, n_files, error);
    }

  return load_one (file, error);
}

/* Whether a regular file begins like a GGUF file, whatever it is called. */
gboolean
hr_gguf_probe (GFile *file)
{
  g_autoptr (HrFileReader) reader = hr_file_reader_new (file, NULL);
  char magic[4];

  return reader != NULL && hr_file_reader_get_size (reader) >= sizeof magic &&
         hr_file_reader_read (reader, 0, magic, sizeof magic, NULL) && memcmp (magic, MAGIC, sizeof magic) == 0;
}

const char *
hr_gguf_get_name (HrGguf *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->name;
}

HrCheckpoint *
hr_gguf_get_checkpoint (HrGguf *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->checkpoint;
}

/* A string of the metadata; %NULL if there is none, or a very long one. */
const char *
hr_gguf_get_string (HrGguf     *self,
                    const char *key)
{
  const HrGgufValue *value;

  g_return_val_if_fail (self != NULL, NULL);

  value = g_hash_table_lookup (self->values, key);

  return value != NULL && value->type == TYPE_STRING ? value->string : NULL;
}

gboolean
hr_gguf_get_number (HrGguf     *self,
                    const char *key,
                    double     *number)
{
  const HrGgufValue *value;

  g_return_val_if_fail (self != NULL, FALSE);

  value = g_hash_table_lookup (self->values, key);
  if (value == NULL || value->type == TYPE_STRING || value->type == TYPE_ARRAY || value->type == TYPE_BOOLEAN)
    return FALSE;

  *number = value->number;

  return TRUE;
}

gboolean
hr_gguf_get_boolean (HrGguf     *self,
                     const char *key,
                     gboolean   *boolean)
{
  const HrGgufValue *value;

  g_return_val_if_fail (self != NULL, FALSE);

  value = g_hash_table_lookup (self->values, key);
  if (value == NULL || value->type != TYPE_BOOLEAN)
    return FALSE;

  *boolean = value->boolean;

  return TRUE;
}

/* The numbers (double) of an array that is not very long; %NULL if there is none. */
const GArray *
hr_gguf_get_numbers (HrGguf     *self,
                     const char *key)
{
  const HrGgufValue *value;

  g_return_val_if_fail (self != NULL, NULL);

  value = g_hash_table_lookup (self->values, key);

  return value != NULL ? value->numbers : NULL;
}

gboolean
hr_gguf_get_array_length (HrGguf     *self,
                          const char *key,
                          guint64    *length)
{
  const HrGgufValue *value;

  g_return_val_if_fail (self != NULL, FALSE);

  value = g_hash_table_lookup (self->values, key);
  if (value == NULL || value->type != TYPE_ARRAY)
    return FALSE;

  *length = value->length;

  return TRUE;
}
