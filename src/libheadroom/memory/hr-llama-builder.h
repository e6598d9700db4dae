/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-ggml-graph.h"
#include "hr-llama-plan.h"

G_BEGIN_DECLS

/* A graph that is built, and what all of its layers read. */
typedef struct
{
  const HrLlamaPlan *plan;
  HrGgmlGraph *graph;
  gboolean is_old;       /* b4500 */
  guint64 n_tokens;
  guint64 n_outputs;
  guint64 n_rows;        /* tokens that go on: those that logits are asked of, in the last layer */
  guint layer;
  gint place;            /* of the layer */
  const HrSublayer *sublayer; /* of the layer; NULL outside of layers */
  gboolean pins_norms;   /* to the place of their layer, which would else go with what was before it */
  gint positions;
  gint rope_factors[HR_GGML_MAX_PLACES];
  gint output_ids;
  gint key_ids[2];       /* of all layers but those with a window, and of these */
  gint value_ids[2];
  gint masks[2];
  gint key_rotations[2]; /* of quantized caches, HR_GGML_NONE otherwise */
  gint value_rotations[2];
  gint state_ids;        /* which of the states belongs to each sequence */
  gint used_state_ids;   /* those of them whose sequences are computed, which are all */
  gint other_state_ids;  /* all but the first, of which those of sequences that are not computed are seen */
  gboolean is_alone;     /* a layer is one block behind a norm */
} HrLlamaBuilder;

guint hr_llama_find_type   (const HrLlamaBuilder *b,
                            const HrBlock        *block,
                            HrModule              module);
gint  hr_llama_add_matrix  (HrLlamaBuilder *b,
                            const HrBlock  *block,
                            HrModule        module,
                            guint64         in,
                            guint64         out);
gint  hr_llama_add_vector  (HrLlamaBuilder *b,
                            const char     *name,
                            HrGgmlOp        op,
                            gint            input,
                            guint64         size);
gint  hr_llama_add_product (HrLlamaBuilder *b,
                            const HrBlock  *block,
                            HrModule        module,
                            gint            input,
                            guint64         in,
                            guint64         out,
                            gboolean        has_bias);
gint  hr_llama_normalize   (HrLlamaBuilder *b,
                            HrNormKind      kind,
                            gint            input,
                            gboolean        is_scaled);
gint  hr_llama_add_norm    (HrLlamaBuilder *b,
                            const char     *name,
                            HrNormKind      kind,
                            gint            input,
                            gboolean        has_weight,
                            gboolean        has_bias);

G_END_DECLS
