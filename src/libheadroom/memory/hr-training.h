/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-sharding.h"
#include "hr-checkpointing.h"
#include "hr-inference.h"
#include "hr-job-types.h"
#include "hr-live-parameters.h"
#include "hr-optimizer.h"
#include "hr-reduction.h"
#include "hr-tuning.h"

G_BEGIN_DECLS

/**
 * HrPolicyCode:
 * @HR_POLICY_CODE_TRL: TRL's trainers
 * @HR_POLICY_CODE_VERL: the actor of verl
 * @HR_POLICY_CODE_OPENRLHF: that of OpenRLHF
 * @HR_POLICY_CODE_COLOSSALAI: the trainers of ColossalChat, also without answers
 *
 * Whose loss on answers is replayed.
 */
typedef enum
{
  HR_POLICY_CODE_TRL,
  HR_POLICY_CODE_VERL,
  HR_POLICY_CODE_OPENRLHF,
  HR_POLICY_CODE_COLOSSALAI,
} HrPolicyCode;

/**
 * HrBetweenSteps:
 * @heap: a device's memory
 * @user_data: what the caller handed over
 *
 * Does what happens once between the first two steps.
 */
typedef void (*HrBetweenSteps) (HrHeap   *heap,
                                gpointer  user_data);

/**
 * HrTrainingPipeline:
 * @schedule: in which order ranks run micro-batches
 * @is_deepspeed: whether DeepSpeed’s PipelineEngine runs them, and not torch.distributed.pipelining
 * @n_ranks: how many ranks there are
 * @n_parts: how many parts of the layers each of them has
 * @rank: which of them this is
 * @deals_layers: whether torchtitan deals layers out to stages, which may have different numbers of them
 * @n_layers: how many the model has
 * @first_weight: as how many of them the embedding counts
 * @last_weight: as how many the head does
 *
 * A rank of a pipeline that torch.distributed.pipelining or DeepSpeed runs.
 */
typedef struct
{
  HrPipelineSchedule schedule;
  gboolean is_deepspeed;
  guint64 n_ranks;
  guint64 n_parts;
  guint64 rank;
  gboolean deals_layers;
  guint64 n_layers;
  guint64 first_weight;
  guint64 last_weight;
} HrTrainingPipeline;

/**
 * HrTrainingParts:
 * @n: how many parts the stage has
 * @group: how many micro-batches each runs before the next has its turn
 * @n_layers: how many layers a part has
 * @outer: the part that is the first or the last of all stages; @n where there is none
 * @n_outer: how many layers that has
 * @running: the part that runs while others keep what their backward passes need
 * @are_alike: whether all layers do the same
 *
 * The parts of a stage that Megatron-LM’s interleaved schedule runs.
 */
typedef struct
{
  guint n;
  guint64 group;
  guint n_layers;
  guint outer;
  guint n_outer;
  guint running;
  gboolean are_alike;
} HrTrainingParts;

/**
 * HrTraining:
 * @pass: the forward pass; its prompt is the length of the sequences, virtual tokens included
 * @tuning: (nullable): what a method of fine-tuning does to the model, or %NULL if all of it is trained
 * @optimizer: what the optimizer takes
 * @caches: whether keys and values are kept, though nothing is generated
 * @sharding: how parameters are gathered and gradients reduced
 * @reference_sharding: how those of the reference model are gathered, where it is sharded by itself
 * @reduction: the buckets that gradients go through
 * @live: how parameters are gathered module by module
 * @held_gradient_bytes: what gradients are copied into that stays
 * @persistent_bytes: parameters that are there whole between steps beside the parts of all, as ZeRO has them
 * @stepped: what is stepped at once of what the optimizer has states for, if that is not all
 * @steps_part: whether that is so
 * @bucket_bytes: buckets that all gradients are copied into, which stay
 * @buffer_bytes: what the layers have beside their parameters
 * @checkpointing: what is computed anew in the backward pass
 * @clipping: whether the norm of all gradients is limited before the optimizer uses them
 * @fp32_outputs: whether what the model returns is cast to fp32, as accelerate does under autocast
 * @keep_outputs: whether a variable holds what the model returned until the gradients are there
 * @n_gradients: how many parameters are trained
 * @n_alike: how many of them all ranks that share layers have, whose norms are divided among the ranks before they are
 *   added up (_NormPartial of torch/distributed/tensor/_ops/_math_ops.py)
 * @master_bytes: copies of the parameters in fp32, which the optimizer works on
 * @main_gradient_bytes: a buffer in fp32 that gradients are added into as soon as they come
 * @widened_gradient_bytes: copies in fp32 of those gradients that the optimizer steps, while it does
 * @copied_gradient_bytes: gradients in fp32 that are made of those of 16 bits when the optimizer steps
 * @flattens_gradients: whether these are put into one piece before those of 16 bits go
 * @summed_gradient_bytes: a buffer in fp32 that gradients of 16 bits are added to when the backward pass is over
 * @largest_gradient_bytes: the largest of these in fp32
 * @scaler_bytes: what scales the loss
 * @logits_upcast: where logits are cast to fp32
 * @layer_code: whose layers and loss are replayed
 * @context_ring: how many ranks that share each sequence hand keys and values round
 * @context_exchange: among how many, beside, tokens are exchanged for heads
 * @experts: how mixtures of experts are divided
 * @divides_layers: whether ranks share each layer
 * @sequence_share: how many tokens of a sequence a rank has between the matrices of a layer; 0: all of them
 * @loss_implementation: what computes the cross entropy
 * @liger: (nullable): what Liger-Kernel puts in the place of the layers' functions
 * @float8: (nullable): which linear layers cast the factors of their products to fp8, and how
 * @offloads: whether what is kept for the backward pass waits on the host
 * @offloads_inputs: whether what goes into layers that are computed anew does
 * @reloads: whether it comes back into buffers that stay, but for what is small and what goes into the last layer
 * @expanded: elements of the largest matrix that is expanded into a buffer that stays, or 0
 * @compiles: whether torch.compile runs the forward and backward pass
 * @logs_metrics: whether the entropy of the logits, and what they predict, is computed for a log
 * @trl_release: how, where it is
 * @zero_grad: when the loop lets go of gradients
 * @gradient_bytes: what the gradients of a step before take, where they are kept until then
 * @accumulation_steps: micro-batches of a step
 * @n_in_flight: of how many of them what the backward pass needs is kept at once
 * @n_deferred: of how many micro-batches the head's input and the gradient of its output wait until all have gone back
 * @pipelines: whether torch.distributed.pipelining or DeepSpeed runs the stage
 * @pipeline: how it does
 * @parts: which parts the stage has, between those of others
 * @algorithm: what the model is trained by
 * @policy_code: whose trainer that is
 * @n_answers: how many answers lie in a row without padding
 * @completion: tokens of each sequence whose probabilities the loss is made of, where it is not that of the next token
 * @has_reference: whether the answers are read by the model as it was at the start
 * @reference_bytes: what that takes, where it is a model of its own
 * @rollout: where answers are generated
 * @generation_steps: for how many micro-batches at once
 * @rollout_towers: (nullable) (element-type HrTower): what sees their images, where the trainer answers itself
 * @generation_interval: after how many micro-batches new ones are
 * @reads_own_answers: whether the policy that has answered reads the answers, beside the reference model
 * @engine_bytes: what an engine on the same device takes to generate them
 * @engine_weight_bytes: what of that are weights, at least
 * @engine_sleeps: whether it gives that up while the trainer works
 * @critic: (nullable): the value model that is trained beside the model
 * @critic_tuning: (nullable): what a method of fine-tuning does to it
 * @critic_bytes: what its weights take beside those of the model
 * @critic_shares: whether its layers are those of the model
 * @trains_critic_head: whether its head is trained, whatever else is
 * @element: what the model is loaded in
 * @critic_element: what the value model is
 * @reward_element: what the reward model is
 * @quantization: how the weights of linear layers of the model are stored, of which no other is quantized
 * @upcast: what of it is in fp32 beside these
 * @reward: (nullable): the model that scores answers
 * @reward_bytes: what its weights take
 * @n_largest: of a model whose parameters are handed to another program one by one, how many the largest has
 * @rollout_batch: how many answers are read at once by models that are not trained on them
 * @n_mini_batches: in how many parts the answers of a rollout are trained on
 * @n_epochs: how many times
 *
 * A step of training that is to be replayed on one device.
 */
typedef struct
{
  HrInference pass;
  const HrTuning *tuning;
  HrOptimizer optimizer;
  gboolean caches;
  HrSharding sharding;
  HrSharding reference_sharding;
  HrReduction reduction;
  HrLiveSettings live;
  guint64 held_gradient_bytes;
  guint64 persistent_bytes;
  HrOptimizer stepped;
  gboolean steps_part;
  guint64 bucket_bytes;
  guint64 buffer_bytes;
  HrCheckpointing checkpointing;
  gboolean clipping;
  gboolean fp32_outputs;
  gboolean keep_outputs;
  guint64 n_gradients;
  guint64 n_alike;
  guint64 master_bytes;
  guint64 main_gradient_bytes;
  guint64 widened_gradient_bytes;
  guint64 copied_gradient_bytes;
  gboolean flattens_gradients;
  guint64 summed_gradient_bytes;
  guint64 largest_gradient_bytes;
  guint64 scaler_bytes;
  HrLogitsUpcast logits_upcast;
  HrLayerCode layer_code;
  guint context_ring;
  guint context_exchange;
  HrExpertRanks experts;
  gboolean divides_layers;
  guint64 sequence_share;
  HrLossImplementation loss_implementation;
  const HrLiger *liger;
  const HrFloat8 *float8;
  gboolean offloads;
  gboolean offloads_inputs;
  gboolean reloads;
  guint64 expanded;
  gboolean compiles;
  gboolean logs_metrics;
  HrTrlRelease trl_release;
  HrZeroGrad zero_grad;
  guint64 gradient_bytes;
  guint64 accumulation_steps;
  guint64 n_in_flight;
  guint64 n_deferred;
  gboolean pipelines;
  HrTrainingPipeline pipeline;
  HrTrainingParts parts;
  HrAlgorithm algorithm;
  HrPolicyCode policy_code;
  guint64 n_answers;
  guint64 completion;
  gboolean has_reference;
  guint64 reference_bytes;
  HrRollout rollout;
  guint64 generation_steps;
  GArray *rollout_towers;
  guint64 generation_interval;
  gboolean reads_own_answers;
  guint64 engine_bytes;
  guint64 engine_weight_bytes;
  gboolean engine_sleeps;
  const HrInference *critic;
  const HrTuning *critic_tuning;
  guint64 critic_bytes;
  gboolean critic_shares;
  gboolean trains_critic_head;
  HrElement element;
  HrElement critic_element;
  HrElement reward_element;
  HrQuantization quantization;
  HrUpcast upcast;
  const HrInference *reward;
  guint64 reward_bytes;
  guint64 n_largest;
  guint64 rollout_batch;
  guint64 n_mini_batches;
  guint64 n_epochs;
} HrTraining;

/* The levels that are reached between the phases. */
typedef struct
{
  HrLevel step_start;
  HrLevel loss_computed;
  HrLevel end_forward;
  HrLevel end_backward;
  HrLevel end_optimizer;
  HrLevel end;
} HrTrainingLevels;

typedef struct _HrMicroBatch HrMicroBatch;

HrMicroBatch *hr_micro_batch_run_forward (const HrTraining *training,
                                          HrReplay         *replay,
                                          HrTrainingLevels *levels) G_GNUC_WARN_UNUSED_RESULT;
void hr_micro_batch_run_backward (HrMicroBatch *self);
void hr_micro_batch_run_weights (HrMicroBatch *self);
void hr_micro_batch_free (HrMicroBatch *self);
void hr_training_replay (const HrTraining *self,
                         HrReplay         *replay,
                         HrTrainingLevels *levels);
guint64 hr_training_count_layers (const HrTraining *self);
void hr_training_choose_part (HrTraining     *self,
                              const HrReplay *replay);
guint64 hr_training_count_traced (const HrTraining *self,
                                  const HrReplay   *replay);
void hr_training_replay_heap (const HrTraining *self,
                              HrReplay         *replay,
                              guint             n_steps,
                              HrBetweenSteps    between,
                              gpointer          user_data);

G_END_DECLS
