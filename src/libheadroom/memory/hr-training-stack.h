/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-pass.h"
#include "hr-tuning.h"

G_BEGIN_DECLS

/* What layers share beside what goes from one to the next: the encoder's output, both biases of positions (T5). */
typedef enum
{
  HR_SHARED_SOURCE,
  HR_SHARED_BIAS,
  HR_SHARED_SOURCE_BIAS,
  HR_N_SHARED,
} HrShared;

/* Whether layers are computed anew in the backward pass, or in one of their own within it. */
typedef enum
{
  HR_CHECKPOINTING_NONE,
  HR_CHECKPOINTING_FULL,
  HR_CHECKPOINTING_REENTRANT,
} HrCheckpointing;

/* What is held for layers, and the first of them that uses it. */
typedef struct
{
  HrValue value;
  guint layer;
} HrHeldValue;

/* The first layer makes what the others share; the last is the first whose gradients of it come. */
typedef enum
{
  HR_PLACE_FIRST,
  HR_PLACE_LAST,
  HR_PLACE_BETWEEN,
} HrPlace;

/**
 * HrLayerRecord:
 * @layer: the index of the layer
 * @klass: its class
 * @group: which layers are tuned alike
 * @place: where it stands
 * @needs_gradient: whether a gradient flows to its input
 * @recorded: whether the forward pass has been recorded
 * @backward_recorded: whether the backward pass has
 * @n_needed: how many tensors are made until the last that autograd needs
 * @forward: what the forward pass does
 * @backward: what the backward pass does
 * @graph: (nullable): what autograd keeps
 * @input: the input, a boundary of @graph
 * @output: the output
 * @shared: what layers share, boundaries of @graph, or none
 * @made: what the layer made of it for all, or none
 * @past: keys and values of virtual tokens, boundaries of @graph, or none
 * @past_bytes: what their gradients take, which are in the books
 * @cache: what the cache of keys and values holds of the layer, as long as the outputs are held
 *
 * A layer, which stands for all others that do the same.
 */
typedef struct
{
  guint layer;
  guint klass;
  guint group;
  HrPlace place;
  gboolean needs_gradient;
  gboolean recorded;
  gboolean backward_recorded;
  guint n_needed;
  HrStretch forward;
  HrStretch backward;
  HrGraph *graph;
  HrValue input;
  HrValue output;
  HrValue shared[HR_N_SHARED];
  HrValue made[HR_N_SHARED];
  HrValue past[2];
  guint64 past_bytes[2];
  HrValue cache[4];
} HrLayerRecord;

/**
 * HrTrainingStack:
 * @pass: the stack and how it runs
 * @tuning: (nullable): what a method of fine-tuning does to the model
 * @replay: a tape
 * @checkpointing: whether the layers are computed anew in the backward pass, and how
 * @keeps_cache: whether what the cache holds stays until the outputs go
 * @variables: those of the model's function
 * @output: what the stack makes
 * @gradients: the gradients of what layers share, as far as they have come
 *
 * A stack of layers, in a step of training.
 */
typedef struct
{
  HrInference pass;
  const HrTuning *tuning;
  HrReplay *replay;
  HrCheckpointing checkpointing;
  gboolean keeps_cache;
  HrPass variables;
  HrValue output;
  HrValue gradients[HR_N_SHARED];

  /*< private >*/
  HrGraph *embeddings;
  HrGraph *final;
  HrValue embedded;
  HrValue final_input;
  HrValue shared[HR_N_SHARED];
  gboolean needs_gradient[HR_N_SHARED];
  HrHeldValue held[12];
  guint n_held;
  GArray *records;       /* of HrLayerRecord */
  guint *record_of;      /* for each layer the index of its record */
} HrTrainingStack;

void    hr_training_stack_init         (HrTrainingStack   *self,
                                        const HrInference *pass,
                                        const HrTuning    *tuning,
                                        HrReplay          *replay,
                                        HrCheckpointing    checkpointing,
                                        gboolean           keeps_cache);
void    hr_training_stack_clear        (HrTrainingStack   *self);
HrValue hr_training_enter_graph        (HrReplay          *replay,
                                        HrValue            value,
                                        gboolean           needs_gradient);
void    hr_training_stack_run_forward  (HrTrainingStack   *self);
void    hr_training_stack_run_backward (HrTrainingStack   *self,
                                        HrValue            gradient,
                                        HrValue           *table_gradient,
                                        gboolean           hands_table_on);
void    hr_training_stack_drop_cache   (HrTrainingStack   *self);

G_END_DECLS
