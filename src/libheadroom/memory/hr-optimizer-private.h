/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-ledger.h"
#include "hr-optimizer.h"

G_BEGIN_DECLS

/*
 * A step of an optimizer, statement by statement: what its code makes and lets go, and what its variables hold from one
 * parameter to the next, as a variable of Python keeps its value until it is bound to another.
 */

#define HR_TAPE_MAX_VARIABLES 8

/* A tensor on the heap, of what the tape knows by its size alone. */
typedef struct
{
  guint64 bytes;
  guint64 handle;       /* the size that it is let go of by; 0 if that is with the next */
  HrHeapBlock block;
} HrTapeBlock;

/**
 * HrOptimizerTape:
 * @settings: which optimizer it is
 * @live: what the step holds now
 * @peak: the most that it has held
 * @variables: what its variables hold
 * @heap: (nullable): the heap that its tensors lie on
 * @blocks: (nullable): their blocks
 *
 * The books of a step.
 */
typedef struct
{
  const HrOptimizerSettings *settings;
  guint64 live;
  guint64 peak;
  guint64 variables[HR_TAPE_MAX_VARIABLES];
  HrHeap *heap;
  GArray *blocks;
} HrOptimizerTape;

typedef void (*HrOptimizerStep) (HrOptimizerTape   *tape,
                                 const HrTrainable *parameter);
typedef gboolean (*HrOptimizerFilter) (const HrOptimizerSettings *settings,
                                       const HrTrainable         *parameter);

/**
 * HrOptimizerAlgorithm:
 * @count_states: what it keeps for a parameter
 * @count_shared: (nullable): what it keeps once
 * @count_paged: (nullable): what of a parameter's states is in paged memory, beside @count_states
 * @step_all: (nullable): a step over all parameters at once
 * @step: (nullable): a step over one parameter, of a loop
 * @fused: (nullable): a step over one parameter, whose gradient has just come
 * @second: (nullable): those that the loop comes to after all others
 * @operation: what makes most
 * @variable: what that is
 * @source: where this was read
 *
 * An optimizer.
 */
typedef struct
{
  guint64 (*count_states) (const HrOptimizerSettings *settings,
                           const HrTrainable         *parameter);
  guint64 (*count_shared) (const HrTrainables        *parameters);
  guint64 (*count_paged)  (const HrOptimizerSettings *settings,
                           const HrTrainable         *parameter);
  void (*step_all) (HrOptimizerTape    *tape,
                    const HrTrainables *parameters);
  HrOptimizerStep step;
  HrFusedStep fused;
  HrOptimizerFilter second;
  const char *operation;
  const char *variable;
  const char *source;
} HrOptimizerAlgorithm;

guint64  hr_tape_take          (HrOptimizerTape   *self,
                                guint64            bytes);
guint64  hr_tape_take_list     (HrOptimizerTape   *self,
                                guint64            bytes,
                                guint64            count,
                                guint64            list);
void     hr_tape_give          (HrOptimizerTape   *self,
                                guint64            bytes);
void     hr_tape_assign        (HrOptimizerTape   *self,
                                guint              variable,
                                guint64            bytes);
void     hr_tape_clear         (HrOptimizerTape   *self);
void     hr_tape_run           (HrOptimizerTape    *self,
                                const HrTrainables *parameters,
                                HrOptimizerFilter   filter,
                                gboolean            chosen,
                                HrOptimizerStep     step);

guint64  hr_trainable_get_bytes_as (const HrTrainable *self,
                                    guint              size);
gboolean hr_trainable_is_matrix    (const HrTrainable *self);
guint64  hr_trainable_get_n_rows   (const HrTrainable *self);
guint64  hr_trainable_get_n_columns (const HrTrainable *self);

void     hr_optimizer_fuse_lomo    (HrReplay          *replay,
                                    HrValue            gradient);
void     hr_optimizer_fuse_adalomo (HrReplay          *replay,
                                    HrValue            gradient);

gboolean hr_optimizer_muon_takes   (const HrOptimizerSettings *settings,
                                    const HrTrainable         *parameter);

/* Those that are stepped one by one or all at once, as torch.optim has it. */
const HrOptimizerAlgorithm *hr_optimizer_adam      (HrOptimizerImplementation implementation);
const HrOptimizerAlgorithm *hr_optimizer_sgd       (gboolean                  has_momentum);
const HrOptimizerAlgorithm *hr_optimizer_torch_adafactor (HrOptimizerImplementation implementation);
void                        hr_optimizer_adam_step_foreach (HrOptimizerTape    *tape,
                                                            const HrTrainables *parameters,
                                                            HrOptimizerFilter   filter);

extern const HrOptimizerAlgorithm hr_optimizer_lion;
extern const HrOptimizerAlgorithm hr_optimizer_sophia;
extern const HrOptimizerAlgorithm hr_optimizer_adam_mini;

extern const HrOptimizerAlgorithm hr_optimizer_adafactor;
extern const HrOptimizerAlgorithm hr_optimizer_lomo;
extern const HrOptimizerAlgorithm hr_optimizer_adalomo;

extern const HrOptimizerAlgorithm hr_optimizer_adamw_8bit;
extern const HrOptimizerAlgorithm hr_optimizer_paged_adamw_8bit;
extern const HrOptimizerAlgorithm hr_optimizer_paged_adamw;
extern const HrOptimizerAlgorithm hr_optimizer_lion_8bit;
extern const HrOptimizerAlgorithm hr_optimizer_adamw_4bit;

extern const HrOptimizerAlgorithm hr_optimizer_muon;
extern const HrOptimizerAlgorithm hr_optimizer_galore;
extern const HrOptimizerAlgorithm hr_optimizer_apollo;

extern const HrOptimizerAlgorithm hr_optimizer_shampoo;
extern const HrOptimizerAlgorithm hr_optimizer_soap;

G_END_DECLS
