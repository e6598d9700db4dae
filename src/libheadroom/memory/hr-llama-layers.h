/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-llama-plan.h"

G_BEGIN_DECLS

/**
 * HrLlamaLikeness:
 * @HR_LLAMA_LIKENESS_PLACES: layers of a class are alike whose tensors are at the same places
 * @HR_LLAMA_LIKENESS_COPIES: those as well that GPUs may copy are of the same types
 * @HR_LLAMA_LIKENESS_TYPES: all are of the same types
 *
 * Which layers are alike.
 */
typedef enum
{
  HR_LLAMA_LIKENESS_PLACES,
  HR_LLAMA_LIKENESS_COPIES,
  HR_LLAMA_LIKENESS_TYPES,
} HrLlamaLikeness;

/**
 * HrLlamaRepeat:
 * @first: the first of the layers of a period, among those that are kept
 * @second: the first of those of the next one
 *
 * Two periods between which others are left out that are like the first.
 */
typedef struct
{
  guint first;
  guint second;
} HrLlamaRepeat;

/**
 * HrLlamaLayers:
 * @layers: (element-type guint): layers of the decoder that stand for all
 * @repeats: (element-type HrLlamaRepeat): where others are left out
 * @likeness: how far those that are left out are like these
 * @looks: what is known of each
 *
 * Layers of which a graph is built.
 */
typedef struct
{
  GArray *layers;
  GArray *repeats;
  HrLlamaLikeness likeness;
  GByteArray *looks;
} HrLlamaLayers;

HrLlamaLayers *hr_llama_layers_new        (const HrLlamaPlan   *plan,
                                           HrLlamaLikeness      likeness,
                                           guint                n_turns) G_GNUC_WARN_UNUSED_RESULT;
HrLlamaLayers *hr_llama_layers_new_all    (const HrLlamaPlan   *plan) G_GNUC_WARN_UNUSED_RESULT;
void           hr_llama_layers_free       (HrLlamaLayers       *self);
void           hr_llama_layers_add_to_key (const HrLlamaLayers *self,
                                           GByteArray          *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLlamaLayers, hr_llama_layers_free)

G_END_DECLS
