/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference-job.h"
#include "hr-model.h"

G_BEGIN_DECLS

/**
 * HrClipKind:
 *
 * Which of the graphs of llama.cpp's towers computes what a picture is to the decoder (tools/mtmd/models).
 */
typedef enum
{
  HR_CLIP_NONE,
  HR_CLIP_GEMMA3,
  HR_CLIP_IDEFICS3,
  HR_CLIP_INTERNVL,
  HR_CLIP_PIXTRAL,
  HR_CLIP_QWEN2VL,
  HR_CLIP_QWEN25VL,
  HR_CLIP_QWEN3VL,
} HrClipKind;

/**
 * HrProjectorFamily:
 * @model_type: the model_type of the models
 * @kind: the graph
 * @start_tokens: tokens of the picture that buffers are reserved for at first (set_warmup_n_tokens of clip-model.h);
 *   0: the picture of the tower's own size
 * @most_tokens: those of the largest picture (set_limit_image_tokens); 0: there are no others
 * @earliest: the earliest release that is known to compute them so
 *
 * Models whose projectors llama.cpp computes alike.
 */
typedef struct
{
  const char *model_type;
  HrClipKind kind;
  guint64 start_tokens;
  guint64 most_tokens;
  HrLlamaRelease earliest;
} HrProjectorFamily;

const HrProjectorFamily *hr_projector_family_find        (HrModel        *model);
HrProjectorFile          hr_projector_family_choose_file (HrModel        *model,
                                                          HrInferenceJob *job);

G_END_DECLS
