/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-adapter.h"
#include "hr-trainable.h"

G_BEGIN_DECLS

/**
 * HrTunedBy:
 * @HR_TUNED_WHOLE: a copy of the module is trained in its place
 * @HR_TUNED_BY_LORA: two factors whose product is added to the matrix
 * @HR_TUNED_BY_LORA_FA: the same, the first factor frozen
 * @HR_TUNED_BY_DORA: the same, and the length of each row of the sum is trained
 * @HR_TUNED_BY_VERA: two frozen factors that all modules share are added, each scaled by a trained vector
 * @HR_TUNED_BY_ADALORA: two factors with singular values between them
 * @HR_TUNED_BY_LOHA: the elementwise product of two products of factors is added to the matrix
 * @HR_TUNED_BY_LOKR: a Kronecker product of two factors, either of which may be a product itself
 * @HR_TUNED_BY_IA3: the output is multiplied by a trained vector
 * @HR_TUNED_BY_IA3_INPUT: the input is
 *
 * What a method of fine-tuning does to a module.
 */
typedef enum
{
  HR_TUNED_WHOLE,
  HR_TUNED_BY_LORA,
  HR_TUNED_BY_LORA_FA,
  HR_TUNED_BY_DORA,
  HR_TUNED_BY_VERA,
  HR_TUNED_BY_ADALORA,
  HR_TUNED_BY_LOHA,
  HR_TUNED_BY_LOKR,
  HR_TUNED_BY_IA3,
  HR_TUNED_BY_IA3_INPUT,
} HrTunedBy;

/**
 * HrPromptKind:
 * @HR_PROMPT_NONE: there are no virtual tokens
 * @HR_PROMPT_EMBEDDED: their embeddings are trained
 * @HR_PROMPT_ENCODED: their embeddings are, and a perceptron that they go through
 * @HR_PROMPT_PREFIX: their keys and values are, of each layer, which finds them in its cache
 *
 * How tokens are made that come before each sequence.
 */
typedef enum
{
  HR_PROMPT_NONE,
  HR_PROMPT_EMBEDDED,
  HR_PROMPT_ENCODED,
  HR_PROMPT_PREFIX,
} HrPromptKind;

/**
 * HrKronecker:
 * @rows: the rows of the first factor, and of the second
 * @columns: their columns
 * @is_product: whether a factor is a product itself
 *
 * The factors of a Kronecker product, in symbols.
 */
typedef struct
{
  HrSymbol rows[2];
  HrSymbol columns[2];
  gboolean is_product[2];
} HrKronecker;

/**
 * HrTunedModule:
 * @block: the path of its block: the very string that the block has
 * @module: which of the block's modules it is
 * @group: the group of layers that it is about, -1 for all layers that have the block
 * @by: what is done to it
 * @rank: what stands for the inner width of what is added to it
 * @kronecker: the factors of what is added to it, with %HR_TUNED_BY_LOKR
 *
 * A module of the model that a method of fine-tuning changes.
 */
typedef struct
{
  const char *block;
  HrModule module;
  int group;
  HrTunedBy by;
  HrSymbol rank;
  HrKronecker kronecker;
} HrTunedModule;

/**
 * HrLayeredFunc:
 * @model: a model
 * @tensor: one of its rows
 *
 * Returns: whether it is of layers
 */
typedef gboolean (*HrLayeredFunc) (HrModel        *model,
                                   const HrTensor *tensor);

HrTuning            *hr_tuning_new_for_adapter  (HrAdapter       *adapter,
                                                 HrTunedBy        by,
                                                 HrModel         *model,
                                                 HrElement        model_element,
                                                 HrElement        element,
                                                 GError         **error) G_GNUC_WARN_UNUSED_RESULT;
HrTuning            *hr_tuning_new_for_kronecker (HrAdapter      *adapter,
                                                 guint64          factor,
                                                 gboolean         decomposes_both,
                                                 HrModel         *model,
                                                 HrElement        model_element,
                                                 HrElement        element,
                                                 GError         **error) G_GNUC_WARN_UNUSED_RESULT;
HrTuning            *hr_tuning_new_for_ia3      (HrAdapter       *adapter,
                                                 const char      *feedforward,
                                                 HrModel         *model,
                                                 HrElement        model_element,
                                                 HrElement        element,
                                                 GError         **error) G_GNUC_WARN_UNUSED_RESULT;
HrTuning            *hr_tuning_new_for_layers   (HrModel         *model,
                                                 HrElement        element,
                                                 guint64          n_layers) G_GNUC_WARN_UNUSED_RESULT;
HrTuning            *hr_tuning_new_for_parts    (HrModel         *model,
                                                 HrElement        element,
                                                 HrFrozenParts    parts) G_GNUC_WARN_UNUSED_RESULT;
void                 hr_tuning_differentiate_root (HrTuning      *self,
                                                 HrLayeredFunc    is_layered,
                                                 HrModel         *model);
gboolean             hr_tuning_freezes_any      (const HrTuning  *self);
gboolean             hr_tuning_steps            (const HrTuning  *self,
                                                 const char      *block);
HrTrainables        *hr_tuning_list_frozen      (const HrTuning  *self,
                                                 HrModel         *model,
                                                 HrElement        element) G_GNUC_WARN_UNUSED_RESULT;
HrTuning            *hr_tuning_new_for_biases   (HrModel         *model,
                                                 HrElement        element) G_GNUC_WARN_UNUSED_RESULT;
HrTuning            *hr_tuning_new_for_prompt   (HrModel         *model,
                                                 HrElement        element,
                                                 HrPromptKind     kind,
                                                 guint64          n_tokens) G_GNUC_WARN_UNUSED_RESULT;
HrTuning            *hr_tuning_new_for_prefix   (HrModel         *model,
                                                 HrElement        element,
                                                 guint64          n_tokens) G_GNUC_WARN_UNUSED_RESULT;
HrTuning            *hr_tuning_new_for_bottlenecks (HrModel       *model,
                                                 HrElement        element,
                                                 guint64          reduction_factor) G_GNUC_WARN_UNUSED_RESULT;
HrSymbol             hr_tuning_get_bottleneck   (const HrTuning  *self);
HrPromptKind         hr_tuning_get_prompt       (const HrTuning  *self);
guint64              hr_tuning_get_n_virtual    (const HrTuning  *self);
guint64              hr_tuning_get_n_embedded   (const HrTuning  *self);
guint64              hr_tuning_get_n_cached     (const HrTuning  *self);
void                 hr_tuning_free             (HrTuning        *self);
const HrTrainables  *hr_tuning_get_trainables   (const HrTuning  *self);
HrElement            hr_tuning_get_element      (const HrTuning  *self);
gboolean             hr_tuning_has_dropout      (const HrTuning  *self);
gboolean             hr_tuning_has_parameters   (const HrTuning  *self);
void                 hr_tuning_set_dropout      (HrTuning        *self,
                                                 gboolean         has_dropout);
void                 hr_tuning_hold_importance  (HrTuning        *self);
guint64              hr_tuning_get_kept_by_loss (const HrTuning  *self,
                                                 HrElement        autocast);
guint64              hr_tuning_get_waiting_bytes (const HrTuning *self);
guint                hr_tuning_get_group        (const HrTuning  *self,
                                                 int              layer);
guint64              hr_tuning_get_added_bytes  (const HrTuning  *self);
gboolean             hr_tuning_trains_layer     (const HrTuning  *self,
                                                 int              layer);
gboolean             hr_tuning_trains_biases    (const HrTuning  *self);
gboolean             hr_tuning_freezes          (const HrTuning  *self,
                                                 const char      *block);
guint64              hr_tuning_get_size         (const HrTuning  *self,
                                                 HrSymbol         symbol);
void                 hr_tuning_choose_trained   (const HrTuning  *self,
                                                 HrReplay        *replay,
                                                 int              layer);
void                 hr_tuning_set_symbols      (const HrTuning  *self,
                                                 HrReplay        *replay);
const HrTunedModule *hr_tuning_find             (const HrTuning  *self,
                                                 const char      *block,
                                                 HrModule         module,
                                                 int              layer);
guint64              hr_tuning_get_n_copied     (const HrTuning  *self);
gboolean             hr_tuning_is_whole         (const HrTuning  *self,
                                                 const char      *block,
                                                 HrModule         module,
                                                 int              layer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrTuning, hr_tuning_free)

G_END_DECLS
