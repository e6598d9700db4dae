/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"
#include "hr-matrix-format.h"
#include "hr-module-patterns.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

/**
 * HrQuantizerRule:
 * @targets: (nullable): the modules that it is for; %NULL for all
 * @is_exclusion: whether these stay as they are
 * @format: how their matrices are stored
 *
 * What a quantizer does with some modules.
 */
typedef struct
{
  HrModulePatterns *targets;
  gboolean is_exclusion;
  HrMatrixFormat format;
} HrQuantizerRule;

/**
 * HrQuantizer:
 * @quantization: the format that a setting names
 * @rules: (element-type HrQuantizerRule): what it does, the first that fits
 * @skipped: (nullable): modules that stay as they are
 * @takes_head: whether an output head that is not tied is quantized
 * @takes_conv1d: whether transformers' Conv1D counts as a linear layer
 * @takes_experts: whether experts do
 * @takes_linear: whether anything else than experts does
 * @takes_routers: whether the gates of mixtures do
 * @takes_embeddings: whether tables that are looked up do
 * @whole_group: elements of a group, where a matrix whose rows are no whole groups stays as it is; 0: it does not
 * @router_rule: the rule that the gates of mixtures have of their own, and 1 more; 0: those of all
 * @bits_per_weight: bits of an element on the average, where matrices have different ones (EXL3); 0: they have not
 * @head_bits: those of the head, which is not among them; 16: it stays as it is
 * @only_in_layers: whether only the layers of the text model are looked at
 * @decisions: (nullable) (element-type GByteArray): for each tensor the rule that holds, and 1 more; 0 for none
 *
 * What a quantizer makes of the tensors of a model.
 */
typedef struct
{
  HrQuantization quantization;
  GArray *rules;
  HrModulePatterns *skipped;
  gboolean takes_head;
  gboolean takes_conv1d;
  gboolean takes_experts;
  gboolean takes_linear;
  gboolean takes_routers;
  gboolean takes_embeddings;
  guint8 router_rule;
  guint64 whole_group;
  double bits_per_weight;
  guint head_bits;
  gboolean only_in_layers;
  GPtrArray *decisions;
} HrQuantizer;

HrQuantizer          *hr_quantizer_new        (HrQuantization      quantization) G_GNUC_WARN_UNUSED_RESULT;
void                  hr_quantizer_free       (HrQuantizer        *self);
HrQuantizer          *hr_quantizer_new_part   (const HrQuantizer  *self) G_GNUC_WARN_UNUSED_RESULT;
void                  hr_quantizer_add_part_row (HrQuantizer      *self,
                                               const HrQuantizer  *whole,
                                               guint               row,
                                               const guint        *copies,
                                               guint               n_copies);
void                  hr_quantizer_add_rule   (HrQuantizer        *self,
                                               HrModulePatterns   *targets,
                                               const HrMatrixFormat *format);
void                  hr_quantizer_adapt      (HrQuantizer        *self,
                                               const char         *model_type);
void                  hr_quantizer_apply      (HrQuantizer        *self,
                                               GPtrArray          *tensors);
const HrMatrixFormat *hr_quantizer_get_format (const HrQuantizer  *self,
                                               const HrTensor     *tensor,
                                               guint               row,
                                               guint               copy);
guint                 hr_quantizer_count_alike  (const HrQuantizer *self,
                                                 guint              row,
                                                 guint              copy,
                                                 guint              n_copies);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrQuantizer, hr_quantizer_free)

G_END_DECLS
