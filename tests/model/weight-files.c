/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "weight-files.h"

#include <glib/gstdio.h>
#include <string.h>

#include "hr-ggml-type.h"

static void
append_uint32 (GByteArray *bytes,
               guint32     value)
{
  value = GUINT32_TO_LE (value);
  g_byte_array_append (bytes, (const guint8 *) &value, sizeof value);
}

static void
append_uint64 (GByteArray *bytes,
               guint64     value)
{
  value = GUINT64_TO_LE (value);
  g_byte_array_append (bytes, (const guint8 *) &value, sizeof value);
}

static void
append_string (GByteArray *bytes,
               const char *text)
{
  append_uint64 (bytes, strlen (text));
  g_byte_array_append (bytes, (const guint8 *) text, strlen (text));
}

GBytes *
safetensors_new (const char *header,
                 guint64     n_data_bytes)
{
  GByteArray *bytes = g_byte_array_new ();
  gsize start;

  append_string (bytes, header);
  start = bytes->len;
  g_byte_array_set_size (bytes, start + n_data_bytes);
  memset (bytes->data + start, 0, n_data_bytes);

  return g_byte_array_free_to_bytes (bytes);
}

void
gguf_writer_init (GgufWriter *self)
{
  *self = (GgufWriter) { .values = g_byte_array_new (), .tensors = g_byte_array_new (), .alignment = 32 };
}

void
gguf_writer_clear (GgufWriter *self)
{
  g_clear_pointer (&self->values, g_byte_array_unref);
  g_clear_pointer (&self->tensors, g_byte_array_unref);
}

void
gguf_writer_add_key (GgufWriter *self,
                     const char *key,
                     guint32     type)
{
  append_string (self->values, key);
  append_uint32 (self->values, type);
  self->n_values++;
}

void
gguf_writer_add_raw (GgufWriter    *self,
                     gconstpointer  bytes,
                     gsize          length)
{
  g_byte_array_append (self->values, bytes, length);
}

void
gguf_writer_add_uint (GgufWriter *self,
                      const char *key,
                      guint32     value)
{
  gguf_writer_add_key (self, key, 4);
  append_uint32 (self->values, value);
}

void
gguf_writer_add_string (GgufWriter *self,
                        const char *key,
                        const char *value)
{
  gguf_writer_add_key (self, key, 8);
  append_string (self->values, value);
}

/* A vector if @columns is 0. */
void
gguf_writer_add_tensor_at (GgufWriter *self,
                           const char *name,
                           guint32     type,
                           guint64     rows,
                           guint64     columns,
                           guint64     offset)
{
  append_string (self->tensors, name);
  append_uint32 (self->tensors, columns > 0 ? 2 : 1);
  if (columns > 0)
    append_uint64 (self->tensors, columns);
  append_uint64 (self->tensors, rows);
  append_uint32 (self->tensors, type);
  append_uint64 (self->tensors, offset);
  self->n_tensors++;
}

void
gguf_writer_add_tensor (GgufWriter *self,
                        const char *name,
                        guint32     type,
                        guint64     rows,
                        guint64     columns)
{
  const HrGgmlType *ggml_type = hr_ggml_type_get (type);
  guint64 n_bytes;

  gguf_writer_add_tensor_at (self, name, type, rows, columns, self->data_bytes);
  g_assert_true (hr_ggml_type_get_bytes (ggml_type, columns > 0 ? columns : rows, rows * MAX (columns, 1), &n_bytes));
  self->data_bytes += (n_bytes + self->alignment - 1) / self->alignment * self->alignment;
}

GBytes *
gguf_writer_finish (GgufWriter *self,
                    guint32     version,
                    gboolean    with_data)
{
  GByteArray *bytes = g_byte_array_new ();
  gsize start;

  g_byte_array_append (bytes, (const guint8 *) "GGUF", 4);
  append_uint32 (bytes, version);
  append_uint64 (bytes, self->n_tensors);
  append_uint64 (bytes, self->n_values);
  g_byte_array_append (bytes, self->values->data, self->values->len);
  g_byte_array_append (bytes, self->tensors->data, self->tensors->len);

  start = bytes->len;
  g_byte_array_set_size (bytes, (start + self->alignment - 1) / self->alignment * self->alignment +
                                (with_data ? self->data_bytes : 0));
  memset (bytes->data + start, 0, bytes->len - start);

  return g_byte_array_free_to_bytes (bytes);
}

GBytes *
gguf_new_llama (void)
{
  static const char tokens[] = "\x08\0\0\0" "\x02\0\0\0\0\0\0\0" "\x03\0\0\0\0\0\0\0" "<s>" "\x01\0\0\0\0\0\0\0" "a";
  g_auto (GgufWriter) writer;

  gguf_writer_init (&writer);
  gguf_writer_add_string (&writer, "general.architecture", "llama");
  gguf_writer_add_string (&writer, "general.name", "Tiny");
  gguf_writer_add_uint (&writer, "general.file_type", 15);
  gguf_writer_add_uint (&writer, "llama.block_count", 2);
  gguf_writer_add_uint (&writer, "llama.context_length", 2048);
  gguf_writer_add_uint (&writer, "llama.embedding_length", 256);
  gguf_writer_add_uint (&writer, "llama.feed_forward_length", 512);
  gguf_writer_add_uint (&writer, "llama.attention.head_count", 8);
  gguf_writer_add_uint (&writer, "llama.attention.head_count_kv", 4);
  gguf_writer_add_key (&writer, "tokenizer.ggml.tokens", 9);
  gguf_writer_add_raw (&writer, tokens, sizeof tokens - 1);

  gguf_writer_add_tensor (&writer, "token_embd.weight", 12, 1000, 256);
  for (guint i = 0; i < 2; i++)
    {
      static const struct
      {
        const char *name;
        guint32 type;
        guint64 rows;
        guint64 columns;
      } tensors[] = {
        { "attn_norm", 0, 256, 0 },    { "attn_q", 12, 256, 256 }, { "attn_k", 12, 128, 256 },
        { "attn_v", 14, 128, 256 },    { "attn_output", 12, 256, 256 }, { "ffn_norm", 0, 256, 0 },
        { "ffn_gate", 12, 512, 256 },  { "ffn_up", 12, 512, 256 }, { "ffn_down", 14, 256, 512 },
      };

      for (guint j = 0; j < G_N_ELEMENTS (tensors); j++)
        {
          g_autofree char *name = g_strdup_printf ("blk.%u.%s.weight", i, tensors[j].name);

          gguf_writer_add_tensor (&writer, name, tensors[j].type, tensors[j].rows, tensors[j].columns);
        }
    }
  gguf_writer_add_tensor (&writer, "output_norm.weight", 0, 256, 0);
  gguf_writer_add_tensor (&writer, "rope_freqs.weight", 0, 16, 0);

  return gguf_writer_finish (&writer, 3, TRUE);
}

char *
test_folder_new (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("headroom-weights-XXXXXX", &error);

  g_assert_no_error (error);

  return path;
}

void
test_folder_free (char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        test_folder_free (g_steal_pointer (&child));
      else
        g_unlink (child);
    }

  g_rmdir (path);
  g_free (path);
}

GFile *
test_folder_write (const char *folder,
                   const char *name,
                   GBytes     *bytes)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  g_mkdir_with_parents (parent, 0700);
  g_file_set_contents (path, data, length, &error);
  g_assert_no_error (error);

  return g_file_new_for_path (path);
}

GFile *
test_folder_write_text (const char *folder,
                        const char *name,
                        const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return test_folder_write (folder, name, bytes);
}
