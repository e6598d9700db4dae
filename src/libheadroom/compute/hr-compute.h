/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-flops.h"
#include "hr-gpu.h"
#include "hr-job.h"
#include "hr-model.h"

G_BEGIN_DECLS

/**
 * HrComputePhaseId:
 * @HR_COMPUTE_PHASE_PREFILL: the prompt is read
 * @HR_COMPUTE_PHASE_DECODE: a token of each sequence is generated
 * @HR_COMPUTE_PHASE_TRAINING_STEP: a step of training: forward and backward passes, the optimizer
 * @HR_COMPUTE_PHASE_GENERATION: the answers that a model is trained on are written
 * @HR_COMPUTE_PHASE_OLD_POLICY: they are read by the model that has written them
 * @HR_COMPUTE_PHASE_REFERENCE: by the model as it was at the start
 * @HR_COMPUTE_PHASE_VALUE: by the value model
 * @HR_COMPUTE_PHASE_REWARD: by the reward model
 * @HR_COMPUTE_PHASE_VALUE_UPDATE: the value model is trained
 *
 * What takes time.
 */
typedef enum
{
  HR_COMPUTE_PHASE_PREFILL,
  HR_COMPUTE_PHASE_DECODE,
  HR_COMPUTE_PHASE_TRAINING_STEP,
  HR_COMPUTE_PHASE_GENERATION,
  HR_COMPUTE_PHASE_OLD_POLICY,
  HR_COMPUTE_PHASE_REFERENCE,
  HR_COMPUTE_PHASE_VALUE,
  HR_COMPUTE_PHASE_REWARD,
  HR_COMPUTE_PHASE_VALUE_UPDATE,
  HR_N_COMPUTE_PHASES, /*< skip >*/
} HrComputePhaseId;

/**
 * HrBound:
 * @HR_BOUND_COMPUTE: how fast it multiplies
 * @HR_BOUND_MEMORY: how fast its memory is read
 * @HR_BOUND_INTERCONNECT: how fast GPUs exchange what the others need
 * @HR_BOUND_LAUNCH: how fast the processor starts kernels
 *
 * What of a GPU limits how fast something is done.
 */
typedef enum
{
  HR_BOUND_COMPUTE,
  HR_BOUND_MEMORY,
  HR_BOUND_INTERCONNECT,
  HR_BOUND_LAUNCH,
} HrBound;

/**
 * HrTraffic: (skip)
 * @weights: weights, each once for a pass; of experts those that are expected to be chosen by some token
 * @cache: keys, values and states, read and written
 * @activations: what matrices read and write
 * @optimizer: gradients, states of the optimizer and the parameters that it steps
 * @kernels: what kernels that multiply no matrices read and write, where each operator is one; 0 where they are fused
 * @total: all of it
 * @exchanged: what goes from one GPU to the next, by their interconnect
 *
 * Bytes that are moved between a GPU and its memory.
 */
typedef struct
{
  guint64 weights;
  guint64 cache;
  guint64 activations;
  guint64 optimizer;
  guint64 kernels;
  guint64 total;
  guint64 exchanged;
} HrTraffic;

/**
 * HrComputeTime: (skip)
 * @compute: seconds for the operations at the peak of the data sheet
 * @memory: seconds for the bytes at the bandwidth of the data sheet
 * @streaming: of these seconds those of kernels that multiply no matrices; 0 where they are fused
 * @interconnect: seconds for what is exchanged; 0 where nothing is
 * @launch: seconds that a processor needs to start the kernels one by one; 0 where they are not counted
 * @least: the longest of these: no program is faster
 * @typical: seconds at the efficiency that measurements have
 * @fast: seconds at the efficiency of the better ones among them
 * @slow: and of the others
 * @bound: what @least is due to
 * @mfu: model FLOPs utilization of @typical: the operations that the model needs, by what the GPU could do
 *
 * How long something takes, by the roofline model.
 */
typedef struct
{
  double compute;
  double memory;
  double streaming;
  double interconnect;
  double launch;
  double least;
  double typical;
  double fast;
  double slow;
  HrBound bound;
  double mfu;
} HrComputeTime;

/**
 * HrComputePhase: (skip)
 * @id: which phase
 * @tokens: tokens that go through the model
 * @context: tokens that the last of a sequence attends to
 * @n_layers: layers that run one after the other
 * @per_step: how often there is such a phase for each step of the optimizer, or for each rollout of PPO
 * @n_kernels: kernels that the processor starts one by one, which counts in @time; 0 where they are recorded or fused
 * @count: operations of each part
 * @total: of all parts
 * @traffic: what is moved
 * @has_time: whether @time is known
 * @time: how long it takes as the job's own program runs it
 * @fused: how long it takes where kernels are fused, and started together
 *
 * A stretch of a job, and what it computes.
 */
typedef struct
{
  HrComputePhaseId id;
  guint64 tokens;
  guint64 context;
  guint64 n_layers;
  double per_step;
  guint64 n_kernels;
  HrFlopCount *count;
  HrFlops total;
  HrTraffic traffic;
  gboolean has_time;
  HrComputeTime time;
  HrComputeTime fused;
} HrComputePhase;

/**
 * HrCompute: (skip)
 *
 * What a job computes, what it moves and, for a GPU whose figures are known, how long that takes.
 */
typedef struct _HrCompute HrCompute;

HrCompute            *hr_compute_new              (HrModel           *model,
                                                   HrJob             *job,
                                                   HrGpu             *gpu,
                                                   guint              n_gpus,
                                                   GError           **error) G_GNUC_WARN_UNUSED_RESULT;
HrCompute            *hr_compute_new_for_rank     (HrModel           *model,
                                                   HrJob             *job,
                                                   HrGpu             *gpu,
                                                   guint64            n_senders,
                                                   GError           **error) G_GNUC_WARN_UNUSED_RESULT;
void                  hr_compute_free             (HrCompute         *self);
guint                 hr_compute_get_n_phases     (const HrCompute   *self);
const HrComputePhase *hr_compute_get_phase        (const HrCompute   *self,
                                                   guint              index);
const HrComputePhase *hr_compute_find_phase       (const HrCompute   *self,
                                                   HrComputePhaseId   id);
guint64               hr_compute_get_n_sequences  (const HrCompute   *self);
const char           *hr_compute_get_missing      (const HrCompute   *self);
const char           *hr_compute_phase_id_get_name (HrComputePhaseId  id);
gboolean              hr_compute_phase_id_trains  (HrComputePhaseId   id);
gboolean              hr_compute_get_step_time    (const HrCompute   *self,
                                                   double            *seconds);
const char           *hr_bound_get_name           (HrBound            bound);
double                hr_compute_phase_get_intensity (const HrComputePhase *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrCompute, hr_compute_free)

G_END_DECLS
