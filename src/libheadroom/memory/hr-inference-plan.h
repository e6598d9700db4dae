/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-framework.h"
#include "hr-inference-job.h"
#include "hr-inference.h"
#include "hr-weights.h"

G_BEGIN_DECLS

/**
 * HrInferencePlan:
 * @model: the model, or what a rank has of it
 * @whole: (nullable): the model that @model is a part of, which the plan owns then
 * @job: (nullable): what is to be done, if it is inference
 * @stack: its decoder, or its encoder if it has no decoder
 * @dtype: what the weights are loaded in
 * @element: what is computed in
 * @quantization: how matrices of linear layers are stored
 * @splits_outliers: whether LLM.int8() holds features of large values apart
 * @storage: how all tensors are stored
 * @inference: what is to be replayed, but for what depends on the device
 * @media: (nullable): what is seen and heard beside the text
 * @warnings: (element-type utf8): what was assumed
 *
 * A job in which everything that was left to the model or to the framework is filled in; of other modes than inference
 * it is the forward pass.
 */
typedef struct
{
  HrModel *model;
  HrModel *whole;
  HrInferenceJob *job;
  const HrStack *stack;
  HrDtype dtype;
  HrElement element;
  HrQuantization quantization;
  gboolean splits_outliers;
  HrWeightStorage storage;
  HrInference inference;
  struct _HrMedia *media;
  GPtrArray *warnings;
} HrInferencePlan;

gboolean       hr_inference_plan_init                    (HrInferencePlan        *self,
                                                          HrModel                *model,
                                                          HrInferenceJob         *job,
                                                          GError                **error);
gboolean       hr_inference_plan_init_pass               (HrInferencePlan        *self,
                                                          HrModel                *model,
                                                          HrJob                  *job,
                                                          GError                **error);
gboolean       hr_inference_plan_take_media              (HrInferencePlan        *self,
                                                          struct _HrMedia        *media,
                                                          GError                **error);
void           hr_inference_plan_clear                   (HrInferencePlan        *self);
void           hr_inference_plan_free                    (HrInferencePlan        *self);
gboolean       hr_inference_plan_resolve_attention       (HrInferencePlan        *plan,
                                                          HrJob                  *job,
                                                          HrElement               cast,
                                                          GError                **error);
void           hr_inference_plan_resolve_source          (HrInferencePlan        *self,
                                                          guint64                 tokens,
                                                          const char             *setting);
gboolean       hr_inference_plan_adapt_to_gpu            (HrInferencePlan        *self,
                                                          HrGpu                  *gpu,
                                                          GError                **error);
const char    *hr_inference_plan_find_foreign            (HrInferenceJob         *job);
gboolean       hr_inference_plan_find_framework          (HrInferencePlan        *self,
                                                          HrGpu                  *gpu,
                                                          HrFramework            *framework);
HrQuantization hr_inference_plan_get_linear_quantization (const HrInferencePlan  *self);
void           hr_inference_plan_init_replay             (const HrInferencePlan  *self,
                                                          HrReplay               *replay);
void           hr_inference_plan_quantize                (HrInferencePlan        *self,
                                                          HrQuantization          quantization);
void           hr_inference_plan_expand_weights          (HrInferencePlan        *self);
void           hr_inference_plan_warn                    (HrInferencePlan        *self,
                                                          const char             *msgid,
                                                          ...) G_GNUC_PRINTF (2, 3);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrInferencePlan, hr_inference_plan_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrInferencePlan, hr_inference_plan_free)

G_END_DECLS
