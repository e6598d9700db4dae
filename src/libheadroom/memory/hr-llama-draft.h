/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-llama-plan.h"

G_BEGIN_DECLS

/**
 * HrLlamaDraft:
 * @job: (nullable): what the draft model is asked to do, or %NULL where there is none
 * @pass: the draft model and how it is stored
 * @plan: where its layers are, and what it has room for
 *
 * The model that guesses tokens ahead for another one.
 */
typedef struct
{
  HrJob *job;
  HrInferencePlan pass;
  HrLlamaPlan plan;
} HrLlamaDraft;

gboolean hr_llama_draft_init  (HrLlamaDraft       *self,
                               const HrLlamaPlan  *plan,
                               HrInferenceJob     *job,
                               HrGpu              *gpu,
                               GError            **error);
void     hr_llama_draft_clear (HrLlamaDraft       *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrLlamaDraft, hr_llama_draft_clear)

G_END_DECLS
