/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-checkpoint.h"
#include "hr-file-reader.h"

G_BEGIN_DECLS

/* The header of a GGUF file: metadata and tensors. */
typedef struct _HrGguf HrGguf;

HrGguf       *hr_gguf_load               (GFile         *file,
                                          GError       **error) G_GNUC_WARN_UNUSED_RESULT;
HrGguf       *hr_gguf_new_from_reader    (HrFileReader  *reader,
                                          GError       **error) G_GNUC_WARN_UNUSED_RESULT;
void          hr_gguf_free               (HrGguf        *self);
gboolean      hr_gguf_probe              (GFile         *file);
const char   *hr_gguf_get_name           (HrGguf        *self);
HrCheckpoint *hr_gguf_get_checkpoint     (HrGguf        *self);
const char   *hr_gguf_get_string         (HrGguf        *self,
                                          const char    *key);
gboolean      hr_gguf_get_number         (HrGguf        *self,
                                          const char    *key,
                                          double        *value);
gboolean      hr_gguf_get_boolean        (HrGguf        *self,
                                          const char    *key,
                                          gboolean      *value);
const GArray *hr_gguf_get_numbers        (HrGguf        *self,
                                          const char    *key);
gboolean      hr_gguf_get_array_length   (HrGguf        *self,
                                          const char    *key,
                                          guint64       *length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGguf, hr_gguf_free)

G_END_DECLS
