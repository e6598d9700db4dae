/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-safetensors.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-json.h"

/* The length of the header comes first, in so many bytes. */
#define PREFIX_BYTES 8
#define INDEX_SUFFIX ".safetensors.index.json"
#define SUFFIX ".safetensors"

/* How many names a message lists. */
#define MAX_SHOWN 3

/* Whole numbers up to here are exact in JSON, whoever reads it. */
#define MAX_NUMBER G_GUINT64_CONSTANT (9007199254740992)

/* The types of safetensors 0.7 (safetensors/src/tensor.rs, enum Dtype). */
static const struct
{
  const char *name;
  guint bits;
  HrDtype dtype;
  gboolean is_float;
} types[] = {
  { "BOOL", 8, HR_DTYPE_AUTO, FALSE },         { "F4", 4, HR_DTYPE_AUTO, TRUE },
  { "F6_E2M3", 6, HR_DTYPE_AUTO, TRUE },       { "F6_E3M2", 6, HR_DTYPE_AUTO, TRUE },
  { "U8", 8, HR_DTYPE_AUTO, FALSE },           { "I8", 8, HR_DTYPE_INT8, FALSE },
  { "F8_E5M2", 8, HR_DTYPE_FLOAT8, TRUE },     { "F8_E4M3", 8, HR_DTYPE_FLOAT8, TRUE },
  { "F8_E8M0", 8, HR_DTYPE_AUTO, TRUE },       { "F8_E4M3FNUZ", 8, HR_DTYPE_FLOAT8, TRUE },
  { "F8_E5M2FNUZ", 8, HR_DTYPE_FLOAT8, TRUE }, { "I16", 16, HR_DTYPE_AUTO, FALSE },
  { "U16", 16, HR_DTYPE_AUTO, FALSE },         { "F16", 16, HR_DTYPE_FLOAT16, TRUE },
  { "BF16", 16, HR_DTYPE_BFLOAT16, TRUE },     { "I32", 32, HR_DTYPE_AUTO, FALSE },
  { "U32", 32, HR_DTYPE_AUTO, FALSE },         { "F32", 32, HR_DTYPE_FLOAT32, TRUE },
  { "C64", 64, HR_DTYPE_AUTO, TRUE },          { "F64", 64, HR_DTYPE_FLOAT64, TRUE },
  { "I64", 64, HR_DTYPE_AUTO, FALSE },         { "U64", 64, HR_DTYPE_AUTO, FALSE },
};

/* Where the data of a tensor lies. */
typedef struct
{
  HrStoredTensor *tensor;
  guint64 begin;
  guint64 end;
} HrRange;

static char *
format_number (guint64 number)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

static gboolean
set_tensor_error (HrFileReader  *reader,
                  const char    *name,
                  const char    *expected,
                  guint64        found,
                  GError       **error)
{
  g_autofree char *shown = hr_checkpoint_dup_shown (name);
  g_autofree char *number = format_number (found);

  /* Translators: a file's name, the name of a tensor, what was expected, a number. */
  g_set_error (error, HR_ERROR, HR_ERROR_SYNTAX, _("“%s”, tensor “%s”: expected %s, found %s"),
               hr_file_reader_get_name (reader), shown, expected, number);

  return FALSE;
}

static gboolean
read_type (HrJson          *description,
           HrStoredTensor  *tensor,
           guint           *bits,
           GError         **error)
{
  HrJson *node = hr_json_require_member (description, "dtype", error);
  const char *name;

  if (node == NULL || !hr_json_read_string (node, &name, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      if (!g_str_equal (types[i].name, name))
        continue;
      tensor->type = types[i].name;
      tensor->dtype = types[i].dtype;
      tensor->is_float = types[i].is_float;
      *bits = types[i].bits;
      return TRUE;
    }

  hr_json_set_error (node, HR_ERROR_UNKNOWN_NAME, _("a data type of safetensors, such as BF16"), error);

  return FALSE;
}

static gboolean
read_shape (HrJson          *description,
            HrStoredTensor  *tensor,
            GError         **error)
{
  HrJson *node = hr_json_require_member (description, "shape", error);

  if (node == NULL || !hr_json_check_type (node, HR_JSON_ARRAY, error))
    return FALSE;

  if (hr_json_get_length (node) > HR_STORED_TENSOR_MAX_DIMENSIONS)
    {
      hr_json_set_error (node, HR_ERROR_TOO_LARGE, _("at most 8 dimensions"), error);
      return FALSE;
    }

  tensor->n_elements = 1;
  for (guint i = 0; i < hr_json_get_length (node); i++)
    {
      HrJson *element = hr_json_get_element (node, i);
      guint64 *size = &tensor->shape[tensor->n_dimensions++];

      if (!hr_json_read_uint (element, 0, MAX_NUMBER, size, error))
        return FALSE;
      if (!g_uint64_checked_mul (&tensor->n_elements, tensor->n_elements, *size))
        {
          hr_json_set_error (element, HR_ERROR_TOO_LARGE, _("sizes whose product can be counted"), error);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
read_offsets (HrJson   *description,
              HrRange  *range,
              GError  **error)
{
  HrJson *node = hr_json_require_member (description, "data_offsets", error);

  if (node == NULL || !hr_json_check_type (node, HR_JSON_ARRAY, error))
    return FALSE;
  if (hr_json_get_length (node) != 2)
    {
      hr_json_set_error (node, HR_ERROR_SCHEMA, _("the two ends of the tensor’s data"), error);
      return FALSE;
    }

  return hr_json_read_uint (hr_json_get_element (node, 0), 0, MAX_NUMBER, &range->begin, error) &&
         hr_json_read_uint (hr_json_get_element (node, 1), range->begin, MAX_NUMBER, &range->end, error);
}

static gboolean
read_tensor (HrFileReader  *reader,
             HrJson        *description,
             HrRange       *range,
             GError       **error)
{
  HrStoredTensor *tensor = range->tensor;
  g_autofree char *expected = NULL;
  g_autofree char *shape = NULL;
  guint bits;
  guint64 n_bits;

  tensor->name = g_strdup (hr_json_get_key (description));
  if (!hr_json_check_type (description, HR_JSON_OBJECT, error) || !read_type (description, tensor, &bits, error) ||
      !read_shape (description, tensor, error) || !read_offsets (description, range, error))
    return FALSE;

  tensor->n_bytes = range->end - range->begin;
  if (g_uint64_checked_mul (&n_bits, tensor->n_elements, bits) && n_bits % 8 == 0 && n_bits / 8 == tensor->n_bytes)
    return TRUE;

  shape = hr_stored_tensor_dup_shape (tensor);
  /* Translators: a data type and a shape, such as BF16 and [4096, 1024]. */
  expected = g_strdup_printf (_("as many bytes as %s of the shape %s takes"), tensor->type, shape);

  return set_tensor_error (reader, tensor->name, expected, tensor->n_bytes, error);
}

static int
compare_ranges (gconstpointer a,
                gconstpointer b)
{
  const HrRange *first = a;
  const HrRange *second = b;

  if (first->begin != second->begin)
    return first->begin < second->begin ? -1 : 1;

  return (first->end > second->end) - (first->end < second->end);
}

/* The format has neither holes nor overlaps, and nothing behind the last tensor. */
static gboolean
check_ranges (HrFileReader  *reader,
              GArray        *ranges,
              guint64        n_data_bytes,
              GError       **error)
{
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;
  guint64 position = 0;

  g_array_sort (ranges, compare_ranges);

  for (guint i = 0; i < ranges->len; i++)
    {
      const HrRange *range = &g_array_index (ranges, HrRange, i);

      if (range->begin != position)
        {
          g_autofree char *place = format_number (position);

          /* Translators: a position in a file. */
          expected = g_strdup_printf (_("data that begins at byte %s, where the tensor before it ends"), place);
          return set_tensor_error (reader, range->tensor->name, expected, range->begin, error);
        }
      position = range->end;
    }

  if (position == n_data_bytes)
    return TRUE;

  expected = format_number (position);
  found = format_number (n_data_bytes);
  if (n_data_bytes < position)
    /* Translators: a file's name, two numbers. */
    g_set_error (error, HR_ERROR, HR_ERROR_SYNTAX,
                 _("“%s”: expected %s bytes of data behind the header, found %s; the file is not complete"),
                 hr_file_reader_get_name (reader), expected, found);
  else
    g_set_error (error, HR_ERROR, HR_ERROR_SYNTAX, _("“%s”: expected %s bytes of data behind the header, found %s"),
                 hr_file_reader_get_name (reader), expected, found);

  return FALSE;
}

static gboolean
add_tensors (HrFileReader  *reader,
             HrJson        *header,
             HrCheckpoint  *checkpoint,
             guint64        n_data_bytes,
             GError       **error)
{
  g_autoptr (GArray) ranges = g_array_new (FALSE, TRUE, sizeof (HrRange));

  for (guint i = 0; i < hr_json_get_length (header); i++)
    {
      HrJson *member = hr_json_get_element (header, i);
      g_autoptr (HrStoredTensor) tensor = NULL;
      HrRange range = { 0 };

      if (g_str_equal (hr_json_get_key (member), "__metadata__"))
        {
          if (!hr_json_check_type (member, HR_JSON_OBJECT, error))
            return FALSE;
          continue;
        }

      range.tensor = tensor = g_new0 (HrStoredTensor, 1);
      if (!read_tensor (reader, member, &range, error))
        return FALSE;
      g_array_append_val (ranges, range);

      if (!hr_checkpoint_add (checkpoint, g_steal_pointer (&tensor)))
        {
          g_autofree char *shown = hr_checkpoint_dup_shown (hr_json_get_key (member));

          g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                       _("“%s”, tensor “%s”: expected each tensor in one file only, found it in a second one"),
                       hr_file_reader_get_name (reader), shown);
          return FALSE;
        }
    }

  return check_ranges (reader, ranges, n_data_bytes, error);
}

static gboolean
set_not_safetensors_error (HrFileReader  *reader,
                           const char    *found,
                           GError       **error)
{
  g_set_error (error, HR_ERROR, HR_ERROR_SYNTAX, _("“%s”, byte 0: expected the header of a safetensors file, found %s"),
               hr_file_reader_get_name (reader), found);

  return FALSE;
}

/*
 * hr_safetensors_read:
 * @reader: a safetensors file
 * @checkpoint: where its tensors are added
 * @error: return location for an error
 *
 * Reads the header of a file; the weights are not read. Format: https://github.com/huggingface/safetensors#format.
 *
 * Returns: whether the header is valid; otherwise @error is %HR_ERROR_SYNTAX, %HR_ERROR_TOO_LARGE, %HR_ERROR_SCHEMA,
 *   %HR_ERROR_VALUE or %HR_ERROR_UNKNOWN_NAME
 */
gboolean
hr_safetensors_read (HrFileReader  *reader,
                     HrCheckpoint  *checkpoint,
                     GError       **error)
{
  guint8 prefix[PREFIX_BYTES];
  g_autofree char *data = NULL;
  g_autoptr (HrJson) header = NULL;
  guint64 size, n_header_bytes;

  g_return_val_if_fail (reader != NULL, FALSE);
  g_return_val_if_fail (checkpoint != NULL, FALSE);

  size = hr_file_reader_get_size (reader);
  if (size < PREFIX_BYTES)
    return set_not_safetensors_error (reader, _("the end of the file"), error);
  if (!hr_file_reader_read (reader, 0, prefix, sizeof prefix, error))
    return FALSE;
  if (memcmp (prefix, "version ", sizeof prefix) == 0)
    return set_not_safetensors_error (reader, _("a Git LFS pointer: the weights were not downloaded"), error);

  memcpy (&n_header_bytes, prefix, sizeof prefix);
  n_header_bytes = GUINT64_FROM_LE (n_header_bytes);
  if (n_header_bytes > HR_SAFETENSORS_MAX_HEADER_BYTES)
    {
      g_autofree char *limit = g_format_size_full (HR_SAFETENSORS_MAX_HEADER_BYTES, G_FORMAT_SIZE_IEC_UNITS);
      g_autofree char *found = format_number (n_header_bytes);

      g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE,
                   _("“%s”, byte 0: expected the header of a safetensors file, of at most %s, found one of %s bytes"),
                   hr_file_reader_get_name (reader), limit, found);
      return FALSE;
    }

  if (n_header_bytes > size - PREFIX_BYTES)
    {
      g_autofree char *expected = format_number (n_header_bytes);
      g_autofree char *found = format_number (size - PREFIX_BYTES);

      g_set_error (error, HR_ERROR, HR_ERROR_SYNTAX,
                   _("“%s”, byte 8: expected a header of %s bytes, found %s bytes and the end of the file"),
                   hr_file_reader_get_name (reader), expected, found);
      return FALSE;
    }

  data = g_malloc (n_header_bytes + 1);
  if (!hr_file_reader_read (reader, PREFIX_BYTES, data, n_header_bytes, error))
    return FALSE;

  header = hr_json_new_from_data (data, n_header_bytes, hr_file_reader_get_name (reader), HR_JSON_STRICT, error);

  return header != NULL && hr_json_check_type (header, HR_JSON_OBJECT, error) &&
         add_tensors (reader, header, checkpoint, size - PREFIX_BYTES - n_header_bytes, error);
}

static gboolean
read_file (GFile         *file,
           HrCheckpoint  *checkpoint,
           GError       **error)
{
  g_autoptr (HrFileReader) reader = hr_file_reader_new (file, error);

  return reader != NULL && hr_safetensors_read (reader, checkpoint, error);
}

/* "a, b, c and 4 more" */
static char *
list_names (GPtrArray *names)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < MIN (names->len, MAX_SHOWN); i++)
    {
      g_autofree char *shown = hr_checkpoint_dup_shown (g_ptr_array_index (names, i));

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", shown);
    }
  if (names->len > MAX_SHOWN)
    g_string_append (text, ", …");

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
check_missing (GPtrArray   *missing,
               guint        n_files,
               const char  *origin,
               GError     **error)
{
  g_autofree char *names = NULL;

  if (missing->len == 0)
    return TRUE;

  names = list_names (missing);
  /* Translators: a file's name, two numbers, the names of files. */
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               _("“%s”: expected all files of the weights beside it, did not find %u of %u: %s"),
               origin, missing->len, n_files, names);

  return FALSE;
}

/* Reads the files of @names, which stand in @folder. */
static gboolean
read_files (GFile         *folder,
            GPtrArray     *names,
            const char    *origin,
            HrCheckpoint  *checkpoint,
            GError       **error)
{
  g_autoptr (GPtrArray) missing = g_ptr_array_new ();

  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GFile) child = g_file_get_child (folder, g_ptr_array_index (names, i));

      if (!g_file_query_exists (child, NULL))
        g_ptr_array_add (missing, g_ptr_array_index (names, i));
    }
  if (!check_missing (missing, names->len, origin, error))
    return FALSE;

  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GFile) child = g_file_get_child (folder, g_ptr_array_index (names, i));

      if (!read_file (child, checkpoint, error))
        return FALSE;
    }

  return TRUE;
}

/* The files that an index names, in its order, each once. They stand beside it: a name with a folder is refused. */
static gboolean
collect_files (HrJson     *weight_map,
               GPtrArray  *names,
               GError    **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < hr_json_get_length (weight_map); i++)
    {
      HrJson *node = hr_json_get_element (weight_map, i);
      const char *name;

      if (!hr_json_read_string (node, &name, error))
        return FALSE;
      if (!g_str_has_suffix (name, SUFFIX) || strchr (name, '/') != NULL || strchr (name, '\\') != NULL)
        {
          hr_json_set_error (node, HR_ERROR_VALUE, _("the name of a .safetensors file beside the index"), error);
          return FALSE;
        }
      if (g_hash_table_add (seen, (gpointer) name))
        g_ptr_array_add (names, (gpointer) name);
    }

  return TRUE;
}

static void
compare_with_index (HrJson       *index,
                    HrJson       *weight_map,
                    HrCheckpoint *checkpoint)
{
  g_autoptr (GPtrArray) unlisted = g_ptr_array_new ();
  g_autoptr (GPtrArray) absent = g_ptr_array_new ();
  HrJson *metadata = hr_json_get_member (index, "metadata");
  guint64 total_size = checkpoint->n_bytes;

  for (guint i = 0; i < checkpoint->tensors->len; i++)
    {
      const HrStoredTensor *tensor = g_ptr_array_index (checkpoint->tensors, i);

      if (hr_json_get_member (weight_map, tensor->name) == NULL)
        g_ptr_array_add (unlisted, tensor->name);
    }
  for (guint i = 0; i < hr_json_get_length (weight_map); i++)
    {
      const char *name = hr_json_get_key (hr_json_get_element (weight_map, i));

      if (hr_checkpoint_find (checkpoint, name) == NULL)
        g_ptr_array_add (absent, (gpointer) name);
    }

  if (unlisted->len > 0)
    {
      g_autofree char *names = list_names (unlisted);

      g_ptr_array_add (checkpoint->warnings,
                       g_strdup_printf (_("The weights hold %u tensors that their index does not list: %s."),
                                        unlisted->len, names));
    }
  if (absent->len > 0)
    {
      g_autofree char *names = list_names (absent);

      g_ptr_array_add (checkpoint->warnings,
                       g_strdup_printf (_("The index of the weights lists %u tensors that no file holds: %s."),
                                        absent->len, names));
    }
  if (metadata != NULL && hr_json_get_uint (metadata, "total_size", 0, G_MAXINT64, &total_size, NULL) &&
      total_size != checkpoint->n_bytes)
    {
      g_autofree char *stated = format_number (total_size);
      g_autofree char *found = format_number (checkpoint->n_bytes);

      g_ptr_array_add (checkpoint->warnings,
                       g_strdup_printf (_("The index of the weights states %s bytes; the files hold %s."),
                                        stated, found));
    }
}

static gboolean
read_index (GFile         *file,
            HrCheckpoint  *checkpoint,
            GError       **error)
{
  g_autoptr (HrJson) index = hr_json_new_from_file (file, HR_JSON_STRICT, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GFile) folder = g_file_get_parent (file);
  HrJson *weight_map;

  if (index == NULL)
    return FALSE;

  weight_map = hr_json_require_member (index, "weight_map", error);
  if (weight_map == NULL || !hr_json_check_type (weight_map, HR_JSON_OBJECT, error) ||
      !collect_files (weight_map, names, error) ||
      !read_files (folder, names, hr_json_get_origin (index), checkpoint, error))
    return FALSE;

  compare_with_index (index, weight_map, checkpoint);

  return TRUE;
}

/* "model-00002-of-00005.safetensors": all five. An index beside them, which says more, is preferred. */
static gboolean
read_shards (GFile         *file,
             const char    *prefix,
             guint          n_files,
             HrCheckpoint  *checkpoint,
             GError       **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GFile) folder = g_file_get_parent (file);
  g_autofree char *index_name = g_strconcat (prefix, INDEX_SUFFIX, NULL);
  g_autoptr (GFile) index = g_file_get_child (folder, index_name);
  g_autofree char *origin = g_file_get_parse_name (file);

  if (g_file_query_exists (index, NULL))
    return read_index (index, checkpoint, error);

  for (guint i = 1; i <= n_files; i++)
    g_ptr_array_add (names, g_strdup_printf ("%s-%05u-of-%05u%s", prefix, i, n_files, SUFFIX));

  return read_files (folder, names, origin, checkpoint, error);
}

/*
 * hr_safetensors_load:
 * @file: a `.safetensors` file, one of several that belong together, or their index
 * @error: return location for an error
 *
 * Reads the headers of all files of a checkpoint.
 *
 * Returns: (transfer full) (nullable): the checkpoint, or %NULL with @error set to a #GIOErrorEnum or an #HrError
 */
HrCheckpoint *
hr_safetensors_load (GFile   *file,
                     GError **error)
{
  g_autoptr (HrCheckpoint) checkpoint = hr_checkpoint_new ();
  g_autoptr (GRegex) shard = NULL;
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *name = NULL;
  gboolean success;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  name = g_file_get_basename (file);
  shard = g_regex_new ("^(.+)-[0-9]{5}-of-([0-9]{5})\\.safetensors$", G_REGEX_RAW, 0, NULL);

  if (g_str_has_suffix (name, ".index.json"))
    success = read_index (file, checkpoint, error);
  else if (g_regex_match (shard, name, 0, &match))
    {
      g_autofree char *prefix = g_match_info_fetch (match, 1);
      g_autofree char *n_files = g_match_info_fetch (match, 2);

      success = read_shards (file, prefix, g_ascii_strtoull (n_files, NULL, 10), checkpoint, error);
    }
  else
    success = read_file (file, checkpoint, error);

  return success ? g_steal_pointer (&checkpoint) : NULL;
}
