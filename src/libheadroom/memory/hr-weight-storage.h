/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gguf-mixture.h"
#include "hr-quantizer.h"
#include "hr-replay.h"

G_BEGIN_DECLS

/**
 * HrWeightStorage:
 * @model: a model, which has to live as long
 * @dtype: what is loaded that is not quantized
 * @quantization: how matrices of linear layers are stored
 * @is_as_read: whether that is how the model's checkpoint has them
 * @quantizer: (nullable): what is quantized how; %NULL if nothing is, or a file of llama.cpp
 * @mixture: (nullable): the types of a file of llama.cpp
 * @upcast: what of 16 bits has been cast to fp32
 *
 * How the tensors of a model are stored.
 */
typedef struct
{
  HrModel *model;
  HrDtype dtype;
  HrQuantization quantization;
  gboolean is_as_read;
  HrQuantizer *quantizer;
  HrGgufMixture *mixture;
  HrUpcast upcast;
} HrWeightStorage;

void                  hr_weight_storage_init           (HrWeightStorage       *self,
                                                        HrModel               *model,
                                                        HrDtype                dtype,
                                                        HrQuantization         quantization,
                                                        HrGgufTypes           *types);
void                  hr_weight_storage_clear          (HrWeightStorage       *self);
const HrQuantizer    *hr_weight_storage_get_quantizer  (const HrWeightStorage *self);
const HrMatrixFormat *hr_weight_storage_get_format     (const HrWeightStorage *self);
gboolean              hr_weight_storage_leaves_experts (const HrWeightStorage *self);
gboolean              hr_weight_storage_leaves_all     (const HrWeightStorage *self);
HrDtype               hr_weight_storage_get_dtype      (const HrWeightStorage *self,
                                                        guint                  index);
guint                 hr_weight_storage_list_pieces    (const HrWeightStorage *self,
                                                        guint                  index,
                                                        guint                  copy,
                                                        HrMatrixPiece         *pieces);
gboolean              hr_weight_storage_find_head      (const HrWeightStorage *self,
                                                        guint                 *index);
const char           *hr_weight_storage_get_type       (const HrWeightStorage *self,
                                                        guint                  index,
                                                        guint                  copy);
gboolean              hr_weight_storage_get_bytes      (const HrWeightStorage *self,
                                                        guint                  index,
                                                        guint                  copy,
                                                        guint64               *bytes);
guint64               hr_weight_storage_get_layer_bytes (const HrWeightStorage *self,
                                                        guint                  index,
                                                        guint                  nth);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrWeightStorage, hr_weight_storage_clear)

guint64     hr_weight_storage_count_alike (const HrWeightStorage *self,
                                           guint                  index,
                                           guint                  copy,
                                           guint                  n_copies);

G_END_DECLS
