/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-llama-placement.h"

G_BEGIN_DECLS

/**
 * HrLlamaTensor:
 * @tensor: the row of the model's tensors that it is of
 * @layer: the layer that it is in, or the number of layers if it is in none
 * @type: what a file has it as, a number of enum ggml_type
 * @host_bytes: what a buffer of the host gives to it
 * @device_bytes: what one of a GPU gives to it
 * @n_elements: how many elements it has
 * @rules: (array length=n_rules): what moves it, or each of the tensors that a file has it divided into
 * @n_rules: the length of @rules
 *
 * A tensor of a layer, those of all its experts being one.
 */
typedef struct
{
  const HrTensor *tensor;
  guint layer;
  guint type;
  guint64 host_bytes;
  guint64 device_bytes;
  guint64 n_elements;
  HrLlamaRule rules[HR_GGUF_MAX_NAMES];
  guint n_rules;
} HrLlamaTensor;

/**
 * HrLlamaTensors:
 * @rows: (element-type HrLlamaTensor): the tensors, layer by layer, and behind them those that are in none
 * @starts: (array): for each layer where its own begin, for what is in none as well, and where that ends
 * @n_layers: how many layers there are
 * @kinds: (array): for each layer a number that others have whose tensors are of the same types
 *
 * The tensors of a model, wherever they are: what of them does not change while layers are moved.
 */
struct _HrLlamaTensors
{
  GArray *rows;
  guint *starts;
  guint n_layers;
  guint *kinds;
};

HrLlamaTensors      *hr_llama_tensors_new  (const HrLlamaPlan    *plan) G_GNUC_WARN_UNUSED_RESULT;
void                 hr_llama_tensors_free (HrLlamaTensors       *self);
const HrLlamaTensor *hr_llama_tensors_find (const HrLlamaTensors *self,
                                            guint                 layer,
                                            const HrBlock        *block,
                                            HrModule              module);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLlamaTensors, hr_llama_tensors_free)

G_END_DECLS
