/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference-job.h"

G_BEGIN_DECLS

/**
 * HrDraftKind:
 * @HR_DRAFT_NONE: none; the layer that the model was trained with guesses, if one does
 * @HR_DRAFT_MODEL: a smaller model
 * @HR_DRAFT_EAGLE: a head that reads the last hidden state, and has the model's tables of tokens
 * @HR_DRAFT_EAGLE3: a head that reads three hidden states, and predicts words of a list of its own
 *
 * What guesses tokens ahead beside the model.
 */
typedef enum
{
  HR_DRAFT_NONE,
  HR_DRAFT_MODEL,
  HR_DRAFT_EAGLE,
  HR_DRAFT_EAGLE3,
} HrDraftKind;

HrDraftKind hr_draft_kind_of_job (HrInferenceJob *job);

G_END_DECLS
