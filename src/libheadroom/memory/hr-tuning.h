/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-adapter.h"
#include "hr-trainable.h"

G_BEGIN_DECLS

/**
 * HrTunedBy:
 * @HR_TUNED_WHOLE: the module's own parameters are trained
 * @HR_TUNED_BY_LORA: two factors whose product is added to the matrix
 *
 * What a method of fine-tuning does to a module.
 */
typedef enum
{
  HR_TUNED_WHOLE,
  HR_TUNED_BY_LORA,
} HrTunedBy;

/**
 * HrTunedModule:
 * @block: the path of its block: the very string that the block has
 * @module: which of the block's modules it is
 * @group: the group of layers that it is about, -1 for all layers that have the block
 * @by: what is done to it
 * @rank: what stands for the inner width of what is added to it
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
} HrTunedModule;

HrTuning            *hr_tuning_new_for_adapter  (HrAdapter       *adapter,
                                                 HrModel         *model,
                                                 HrElement        element,
                                                 GError         **error) G_GNUC_WARN_UNUSED_RESULT;
void                 hr_tuning_free             (HrTuning        *self);
const HrTrainables  *hr_tuning_get_trainables   (const HrTuning  *self);
HrElement            hr_tuning_get_element      (const HrTuning  *self);
gboolean             hr_tuning_has_dropout      (const HrTuning  *self);
void                 hr_tuning_set_dropout      (HrTuning        *self,
                                                 gboolean         has_dropout);
guint                hr_tuning_get_group        (const HrTuning  *self,
                                                 int              layer);
void                 hr_tuning_set_symbols      (const HrTuning  *self,
                                                 HrReplay        *replay);
const HrTunedModule *hr_tuning_find             (const HrTuning  *self,
                                                 const char      *block,
                                                 HrModule         module,
                                                 int              layer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrTuning, hr_tuning_free)

G_END_DECLS
