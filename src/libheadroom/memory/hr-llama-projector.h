/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-llama-plan.h"
#include "hr-projector-family.h"

G_BEGIN_DECLS

/**
 * HrLlamaProjector:
 * @plan: the plan of the model that reads what is seen
 * @kind: the graph, or %HR_CLIP_NONE where no projector is loaded
 * @tower: the stack that sees
 * @type: the type of its matrices, a number of enum ggml_type
 * @is_on_host: whether the host holds and computes it
 * @flash: whether flash attention computes its attention
 * @patch: pixels of a patch's side
 * @merge: patches of the side of a square that becomes one token
 * @start: (array fixed-size=2): patches of a row and of a column of the picture that buffers are reserved for at first
 * @largest: (array fixed-size=2): likewise, of the largest picture there can be
 *
 * A multimodal projector (mmproj): the tower of a model and what follows it, which llama.cpp loads from a file of its
 * own.
 */
typedef struct
{
  const HrLlamaPlan *plan;
  HrClipKind kind;
  const HrStack *tower;
  guint type;
  gboolean is_on_host;
  gboolean flash;
  guint64 patch;
  guint64 merge;
  guint64 start[2];
  guint64 largest[2];
} HrLlamaProjector;

gboolean hr_llama_projector_init     (HrLlamaProjector       *self,
                                      const HrLlamaPlan      *plan,
                                      HrInferenceJob         *job,
                                      GError                **error);
guint    hr_llama_projector_get_type (const HrLlamaProjector *self,
                                      const HrTensor         *tensor);
void     hr_llama_projector_measure  (const HrLlamaProjector *self,
                                      const guint64          *patches,
                                      HrLlamaBuffers         *buffers);

G_END_DECLS
