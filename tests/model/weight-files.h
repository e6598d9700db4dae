/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Writers of tiny files of weights. */

/* A safetensors file with this header and so many bytes of zeros behind it. */
GBytes *safetensors_new          (const char *header,
                                  guint64     n_data_bytes);

typedef struct
{
  GByteArray *values;
  GByteArray *tensors;
  guint64 n_values;
  guint64 n_tensors;
  guint64 data_bytes;
  guint64 alignment;
} GgufWriter;

void    gguf_writer_init         (GgufWriter *self);
void    gguf_writer_clear        (GgufWriter *self);
void    gguf_writer_add_key      (GgufWriter *self,
                                  const char *key,
                                  guint32     type);
void    gguf_writer_add_raw      (GgufWriter *self,
                                  gconstpointer bytes,
                                  gsize         length);
void    gguf_writer_add_uint     (GgufWriter *self,
                                  const char *key,
                                  guint32     value);
void    gguf_writer_add_string   (GgufWriter *self,
                                  const char *key,
                                  const char *value);
void    gguf_writer_add_tensor   (GgufWriter *self,
                                  const char *name,
                                  guint32     type,
                                  guint64     rows,
                                  guint64     columns);
void    gguf_writer_add_tensor_at (GgufWriter *self,
                                   const char *name,
                                   guint32     type,
                                   guint64     rows,
                                   guint64     columns,
                                   guint64     offset);
GBytes *gguf_writer_finish       (GgufWriter *self,
                                  guint32     version,
                                  gboolean    with_data);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GgufWriter, gguf_writer_clear)

/* A model of the architecture of Llama with two layers, in Q4_K and Q6_K. */
GBytes *gguf_new_llama           (void);

/* A folder of its own for a test; what is in it is removed with it. */
char   *test_folder_new          (void);
void    test_folder_free         (char       *path);
GFile  *test_folder_write        (const char *folder,
                                  const char *name,
                                  GBytes     *bytes);
GFile  *test_folder_write_text   (const char *folder,
                                  const char *name,
                                  const char *text);

G_END_DECLS
