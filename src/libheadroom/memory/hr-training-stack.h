/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-checkpointing.h"
#include "hr-pass.h"
#include "hr-tuning.h"

G_BEGIN_DECLS

/* What layers share beside what goes from one to the next: the encoder's output, both biases of positions (T5). */
typedef enum
{
  HR_SHARED_SOURCE,
  HR_SHARED_DISTANCES, /* made before the layers, as that is; the others are made by the first layer */
  HR_SHARED_BIAS,
  HR_SHARED_SOURCE_BIAS,
  HR_N_SHARED,
} HrShared;

/* What is held for layers, the first of them that uses it, and whether that one's graph holds it as well. */
typedef struct
{
  HrValue value;
  guint layer;
  gboolean is_kept;
} HrHeldValue;

/**
 * HrHandedOver:
 * @graph: (nullable): where it is recorded
 * @input: what a layer has made
 * @feature: what goes on from a tower, or comes to a decoder
 * @output: of a decoder what goes into the next layer
 * @gradient: of a tower's feature, once it has come, or none
 *
 * What is handed over behind a layer.
 */
typedef struct
{
  HrGraph *graph;
  HrValue input;
  HrValue feature;
  HrValue output;
  HrValue gradient;
} HrHandedOver;

typedef struct _HrTrainingStack HrTrainingStack;

/**
 * HrTrainingStack:
 * @pass: the stack and how it runs
 * @tuning: (nullable): what a method of fine-tuning does to the model
 * @replay: a tape
 * @checkpointing: what is computed anew in the backward pass
 * @recomputed: what is, of stacks that checkpointing does not pass by
 * @keeps_cache: whether what the cache holds stays until the outputs go
 * @returns_layers: whether what goes into each layer stays until hr_training_stack_drop_returned()
 * @variables: those of the model's function
 * @output: what the stack makes
 * @shared: what layers share
 * @needs_gradient: whether a gradient flows to it
 * @gradients: its gradients, as far as they have come
 * @towers: what sees or hears before the stack reads
 *
 * A stack of layers, in a step of training.
 */
struct _HrTrainingStack
{
  HrInference pass;
  const HrTuning *tuning;
  HrReplay *replay;
  HrCheckpointing checkpointing;
  HrCheckpointing recomputed;
  gboolean keeps_cache;
  gboolean returns_layers;
  HrPass variables;
  HrValue output;
  HrValue shared[HR_N_SHARED];
  gboolean needs_gradient[HR_N_SHARED];
  HrValue gradients[HR_N_SHARED];

  struct _HrTrainingStack *towers[HR_PASS_MAX_TOWERS];

  /*< private >*/
  struct _HrTrainingStack *before;  /* that has run before: of a decoder the last of its towers */
  guint64 *symbols;
  HrGraph *embeddings;
  HrGraph *final;
  HrValue embedded;
  HrValue final_input;
  HrHeldValue held[15];
  guint n_held;
  GArray *retained;      /* (nullable) (element-type HrValue): what is kept for keys and values that were stored anew */
  guint first_recomputed; /* of the layers that are computed anew */
  HrValue stacked[HR_PASS_MAX_FEATURES]; /* of a tower: what layers of the one before have made beside the last */
  guint n_stacked;
  HrHandedOver handed_over[HR_PASS_MAX_FEATURES];
  guint n_handed_over;
  guint n_features;      /* of a decoder: what it gets of inner layers of a tower */
  GPtrArray *records;    /* of HrLayerRecord */
  guint *record_of;      /* for each layer the index of its record */
};

void                hr_training_stack_init         (HrTrainingStack   *self,
                                                    const HrInference *pass,
                                                    const HrTuning    *tuning,
                                                    HrReplay          *replay,
                                                    HrCheckpointing    checkpointing,
                                                    gboolean           keeps_cache);
void                hr_training_stack_clear        (HrTrainingStack   *self);
const HrLayerClass *hr_training_stack_get_class    (HrTrainingStack   *self,
                                                    guint              layer);
HrValue             hr_training_enter_graph        (HrReplay          *replay,
                                                    HrValue            value,
                                                    gboolean           needs_gradient);
void                hr_training_stack_run_forward  (HrTrainingStack   *self);
void                hr_training_stack_run_backward (HrTrainingStack   *self,
                                                    HrValue            gradient,
                                                    HrValue           *table_gradient,
                                                    gboolean           hands_table_on);
void                hr_training_stack_run_weights  (HrTrainingStack   *self);
void                hr_training_stack_release_unreached (HrTrainingStack *self);
void                hr_training_stack_note_symbols (HrTrainingStack   *self);
void                hr_training_stack_drop_cache   (HrTrainingStack   *self);
void                hr_training_stack_drop_returned (HrTrainingStack  *self);
void                hr_training_stack_drop_held    (HrTrainingStack   *self);

G_END_DECLS
