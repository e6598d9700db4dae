/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * HrModelSize:
 * @n_parameters: the size that is known
 * @reference: the id of the model whose shape was taken
 * @hidden_size: the width, in the proportion of the sizes' third root
 * @intermediate_size: likewise
 * @num_attention_heads: likewise
 * @num_key_value_heads: as the reference has
 * @num_hidden_layers: as many as come nearest to the size
 * @vocab_size: as the reference has, but not so many that the embeddings take more than a third
 * @tied: whether the output shares the embeddings' matrix
 *
 * The shape of a decoder of which only the size is known.
 */
typedef struct
{
  guint64 n_parameters;
  const char *reference;
  guint64 hidden_size;
  guint64 intermediate_size;
  guint64 num_attention_heads;
  guint64 num_key_value_heads;
  guint64 num_hidden_layers;
  guint64 vocab_size;
  gboolean tied;
} HrModelSize;

gboolean  hr_model_size_init         (HrModelSize        *self,
                                      guint64             n_parameters,
                                      GError            **error);
char     *hr_model_size_dup_config   (const HrModelSize  *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
