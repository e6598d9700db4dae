/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gguf-types.h"

G_BEGIN_DECLS

/* Which type of ggml each tensor of a model has in a file of llama.cpp. */
typedef struct _HrGgufMixture HrGgufMixture;

HrGgufMixture  *hr_gguf_mixture_new           (HrModel        *model,
                                               HrQuantization  quantization,
                                               HrGgufTypes    *types) G_GNUC_WARN_UNUSED_RESULT;
void            hr_gguf_mixture_free          (HrGgufMixture  *self);
guint64         hr_gguf_mixture_get_bytes     (HrGgufMixture  *self,
                                               guint           row,
                                               guint           copy);
gboolean        hr_gguf_mixture_find_head     (HrGgufMixture  *self,
                                               guint          *row);
const char     *hr_gguf_mixture_get_type      (HrGgufMixture  *self,
                                               guint           row,
                                               guint           copy);
double          hr_gguf_mixture_get_bits      (HrQuantization  quantization);
gboolean        hr_gguf_mixture_from_file_type (double         file_type,
                                               HrQuantization *quantization);
gboolean        hr_gguf_mixture_from_type     (const char     *type,
                                               HrQuantization *quantization);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGgufMixture, hr_gguf_mixture_free)

G_END_DECLS
