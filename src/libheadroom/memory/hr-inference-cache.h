/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference.h"

G_BEGIN_DECLS

const HrBlock *    hr_layer_class_find_block      (const HrLayerClass *klass,
                                                   HrBlockKind         kind);
const HrAttention *hr_layer_class_get_attention   (const HrLayerClass *klass);
const HrAttention *hr_layer_class_get_cross_attention (const HrLayerClass *klass);
gboolean           hr_layer_class_get_state       (const HrLayerClass *klass,
                                                   HrBlockState       *state);
guint64            hr_inference_get_state_bytes   (const HrInference  *self,
                                                   guint64             elements,
                                                   HrElement           element);
guint64            hr_inference_get_context       (const HrInference  *self,
                                                   const HrAttention  *attention,
                                                   guint64             past,
                                                   guint64             sequence);
guint64            hr_inference_get_stored_tokens (const HrInference  *self,
                                                   const HrAttention  *attention,
                                                   guint64             past);
guint64            hr_inference_get_cached_bytes  (const HrInference  *self,
                                                   const HrAttention  *attention,
                                                   guint64             tokens,
                                                   HrElement           element);
guint64            hr_inference_get_cached_value_bytes (const HrInference *self,
                                                        const HrAttention *attention,
                                                        guint64            tokens,
                                                        HrElement          element);
guint64            hr_inference_get_cached_index_bytes (const HrInference *self,
                                                        const HrAttention *attention,
                                                        guint64            tokens,
                                                        HrElement          element);
guint64            hr_inference_get_cache_level   (const HrInference  *self,
                                                   guint64             past,
                                                   HrElement           element);

G_END_DECLS
