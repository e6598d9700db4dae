/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-verl.h"

#include "hr-grpo-job.h"
#include "hr-inference-pass.h"
#include "hr-message.h"
#include "hr-operator-select.h"
#include "hr-sharding-flat.h"
#include "hr-sharding-stacks.h"
#include "hr-training-check.h"
#include "hr-training-packing.h"
#include "hr-training-policy.h"
#include "hr-training-rollout.h"
#include "hr-training-shard.h"

/*
 * The actor of verl (git b178a3cd): DataParallelPPOActor of verl/workers/actor/dp_actor.py around a model of
 * transformers in FullyShardedDataParallel (strategy fsdp), as ActorRolloutRefWorker of verl/workers/fsdp_workers.py
 * builds it and verl/trainer/config has it where nothing else is said: parameters in fp32 that are computed with in
 * bfloat16 under autocast, rows without padding (use_remove_padding), the cross entropy of flash-attn, an entropy that
 * torch.compile fuses, a reference model whose parameters wait on the host. Several ranks share parameters, gradients
 * and states (get_sharding_strategy, fsdp_size -1), and reduce the gradients of each micro-batch, as update_policy has
 * no no_sync.
 */

/* Settings that verl decides itself. */
static gboolean
check_settings (const HrTrainingPlan  *plan,
                GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "dtype", "auto", "float32" },
    { "autocast", "none", "bfloat16" },
    { "master-dtype", "none" },
    { "packing", "none", "padding-free" },
  };

  return hr_training_check_values (plan, "verl", values, G_N_ELEMENTS (values), error);
}

/*
 * hr_training_verl_prepare:
 * @plan: a plan, of which nothing is resolved yet but its job
 * @error: return location for an error
 *
 * Sets what verl decides itself.
 *
 * Returns: whether the settings are such as are known
 */
gboolean
hr_training_verl_prepare (HrTrainingPlan  *plan,
                          GError         **error)
{
  if (!check_settings (plan, error))
    return FALSE;

  g_object_set (plan->job, "attention", HR_ATTENTION_IMPLEMENTATION_FLASH, "autocast", HR_AUTOCAST_BFLOAT16,
                "packing", HR_EXAMPLE_PACKING_NONE, NULL);

  return TRUE;
}

static void
warn (HrTrainingPlan *plan)
{
  hr_inference_plan_warn (&plan->pass,
                          N_("verl is counted as its configuration has it: FSDP over all GPUs with parameters in "
                             "fp32 that are computed with in bfloat16, rows without padding (use_remove_padding), the "
                             "attention and the cross entropy of flash-attn, no entropy in the loss"));
  if (plan->layout.data > 1 && plan->training.rollout == HR_ROLLOUT_VLLM_COLOCATED)
    hr_inference_plan_warn (&plan->pass,
                            N_("Each GPU is assumed to have a vLLM of its own (rollout.tensor_model_parallel_size 1)"));
  if (plan->training.has_reference)
    hr_inference_plan_warn (&plan->pass,
                            N_("The reference model of verl waits on the host: of its parameters only those of a "
                               "layer, or those around the layers, are on the device at once"));
  if (hr_training_job_get_gradient_checkpointing (plan->job) == HR_GRADIENT_CHECKPOINTING_NONE)
    hr_inference_plan_warn (&plan->pass,
                            N_("verl turns gradient checkpointing on where nothing else is said: the estimate is "
                               "without it, as gradient-checkpointing is none"));
}

/* How many elements the largest parameter has. */
static guint64
get_largest (HrModel *model)
{
  guint64 n_largest = 0;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    n_largest = MAX (n_largest, hr_model_get_tensor (model, i)->n_elements);

  return n_largest;
}

/*
 * hr_training_verl_shard:
 * @plan: a plan, whose forward pass is resolved
 * @error: return location for an error
 *
 * Has the rows of the batch packed, and parameters gathered layer by layer.
 *
 * Returns: whether the model can be followed, or the job is for another framework
 */
gboolean
hr_training_verl_shard (HrTrainingPlan  *plan,
                        GError         **error)
{
  const HrFlatSharding settings = {
    .element = HR_ELEMENT_FLOAT32, .gathered_element = HR_ELEMENT_BFLOAT16, .reduced_element = HR_ELEMENT_FLOAT32,
    .n_ranks = plan->layout.data, .gathers_ahead = HR_BACKWARD_PREFETCH_BACKWARD_PRE, .reduces_each = TRUE,
  };
  HrInference *inference = &plan->pass.inference;
  HrTraining *training = &plan->training;
  HrGrpoJob *job;

  if (training->policy_code != HR_POLICY_CODE_VERL)
    return TRUE;
  if (!hr_training_packing_check_model (plan, error))
    return FALSE;

  job = HR_GRPO_JOB (plan->job);
  training->n_answers = inference->batch;
  training->rollout_batch = hr_grpo_job_get_log_prob_micro_batch_size (job);
  if (training->rollout_batch == 0)
    training->rollout_batch = training->n_answers;
  hr_training_pack (inference, inference->batch * inference->prompt, inference->batch);
  training->reads_own_answers = TRUE;
  training->n_largest = get_largest (plan->pass.model);

  plan->pass.storage.dtype = HR_DTYPE_FLOAT32;
  plan->pass.element = HR_ELEMENT_BFLOAT16;
  warn (plan);

  hr_sharding_init_flat (&plan->training.sharding, &plan->pass.storage, &settings);

  return TRUE;
}

/* The rows of a micro-batch that come to the device: numbers of tokens, masks, positions; and what is known of each. */
static guint64
get_batch_bytes (const HrTraining *training,
                 guint64           n_answers,
                 gboolean          is_update)
{
  guint64 completion = n_answers * training->completion;
  guint64 tokens = n_answers * (training->pass.prompt / training->n_answers);

  if (!is_update)
    return hr_ledger_round (completion * sizeof (gint64)) + 3 * hr_ledger_round (tokens * sizeof (gint64));

  return 2 * hr_ledger_round (completion * sizeof (gint64)) + 3 * hr_ledger_round (tokens * sizeof (gint64)) +
         (training->has_reference ? 3 : 2) * hr_ledger_round (completion * sizeof (float));
}

/*
 * hr_training_verl_add_inputs:
 * @training: a step
 * @replay: a tape
 *
 * Answers wait on the host, and come to the device micro-batch by micro-batch; variables hold those of the one before
 * until the next are there.
 */
void
hr_training_verl_add_inputs (const HrTraining *training,
                             HrReplay         *replay)
{
  hr_replay_add_inputs (replay, 1, get_batch_bytes (training, training->n_answers, TRUE));
}

/* update_weights_bucket_megabytes of verl/trainer/config */
#define BUCKET_BYTES (G_GUINT64_CONSTANT (2048) << 20)

/*
 * FSDP's state dict of sharded parameters (_sharded_pre_state_dict_hook of torch/distributed/fsdp/_state_dict_utils.py)
 * gathers in fp32 what is around the layers, and layer by layer beside it; _ext_chunk_dtensor copies a parameter, and
 * then what of it is this rank's.
 */
static void
list_parts (const HrTraining *training,
            HrReplay         *replay)
{
  const HrSharding *sharding = &training->sharding;
  HrValue root, layer, clone;

  root = hr_replay_make_bytes (replay, "all_gather", "_full_prec_full_param_padded", HR_COMPONENT_COMMUNICATION,
                               hr_sharding_round (sharding, sharding->n_elements[HR_SHARDED_HEAD]) * sizeof (float));
  layer = hr_replay_make_bytes (replay, "all_gather", "_full_prec_full_param_padded", HR_COMPONENT_COMMUNICATION,
                                hr_sharding_round (sharding, hr_sharding_count_largest (sharding)) * sizeof (float));
  hr_replay_drop (replay, layer);
  clone = hr_replay_make_bytes (replay, "clone", "tensor", HR_COMPONENT_TEMPORARY,
                                training->n_largest * sizeof (float));
  hr_replay_drop (replay, clone);
  hr_replay_drop (replay, root);
}

/*
 * hr_training_verl_hand_over:
 * @training: a step
 * @replay: a tape
 *
 * ActorRolloutRefWorker.rollout_mode: the state dict of FSDP is a copy of all parameters that a rank has, in what they
 * are held in; vLLM, which has slept, takes the memory for its own, and they go to it through a bucket
 * (ServerAdapter.update_weights of verl/workers/rollout/vllm_rollout/vllm_rollout.py), one after the other as they are
 * whole (DTensor.full_tensor).
 */
void
hr_training_verl_hand_over (const HrTraining *training,
                            HrReplay         *replay)
{
  gboolean is_divided = training->sharding.n_ranks > 1;
  HrStretch stretch;
  HrValue copies, engine, bucket, whole;

  if (training->rollout == HR_ROLLOUT_NONE || training->rollout == HR_ROLLOUT_TRANSFORMERS || replay->heap != NULL)
    return;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_GENERATION);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("while a copy of all parameters is handed to vLLM");
  copies = hr_replay_make_bytes (replay, "clone", "state_dict ()", HR_COMPONENT_TEMPORARY, training->pass.weight_bytes);
  if (is_divided)
    list_parts (training, replay);
  engine = hr_replay_make_bytes (replay, "wake_up", "vLLM", HR_COMPONENT_ROLLOUT_ENGINE,
                                 training->engine_sleeps ? training->engine_weight_bytes : 0);
  bucket = hr_replay_make_bytes (replay, "empty", "buffer", HR_COMPONENT_TEMPORARY, BUCKET_BYTES);
  whole = hr_replay_make_bytes (replay, "full_tensor", "param", HR_COMPONENT_COMMUNICATION,
                                is_divided ? training->n_largest * sizeof (float) : 0);
  hr_replay_drop (replay, whole);
  hr_replay_drop (replay, bucket);
  hr_replay_drop (replay, engine);
  hr_replay_drop (replay, copies);
  hr_replay_end (replay);
}

static HrValue
get_tokens (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
}

/* Where each sequence ends, whether any has tokens at all, and how many there are. */
#define N_NUMBERS 3

/*
 * hr_unpadded_init:
 * @self: (out): a row
 * @replay: a tape
 *
 * unpad_input of flash_attn/bert_padding.py: which tokens are no padding; these and their positions, in one row, and
 * what follows each.
 */
void
hr_unpadded_init (HrUnpadded *self,
                  HrReplay   *replay)
{
  self->indices = hr_op_like (replay, "nonzero", "indices", get_tokens (HR_ELEMENT_INT64));
  self->ids = hr_op_like (replay, "gather", "input_ids_rmpad", get_tokens (HR_ELEMENT_INT64));
  self->positions = hr_op_like (replay, "gather", "position_ids_rmpad", get_tokens (HR_ELEMENT_INT64));
  self->labels = hr_op_like (replay, "roll", "input_ids_rmpad_rolled", get_tokens (HR_ELEMENT_INT64));
  hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS, N_NUMBERS * hr_ledger_round (sizeof (gint32)));
}

/* DataParallelPPOActor._forward_micro_batch ends; layers that are computed anew are called with the positions. */
static void
forget (HrUnpadded *self,
        HrReplay   *replay)
{
  hr_replay_assign (replay, &self->indices, HR_NO_VALUE);
  hr_replay_assign (replay, &self->labels, HR_NO_VALUE);
  if (!replay->recomputes)
    hr_replay_assign (replay, &self->positions, HR_NO_VALUE);
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_INPUTS, N_NUMBERS * hr_ledger_round (sizeof (gint32)));
}

/*
 * hr_unpadded_clear:
 * @self: a row
 * @replay: a tape
 *
 * Lets go of what the backward pass has needed.
 */
void
hr_unpadded_clear (HrUnpadded *self,
                   HrReplay   *replay)
{
  hr_replay_assign (replay, &self->ids, HR_NO_VALUE);
  hr_replay_assign (replay, &self->positions, HR_NO_VALUE);
}

static HrValue
get_answers (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_ANSWERS, HR_SYMBOL_COMPLETION);
}

/*
 * CrossEntropyLoss.backward of flash_attn/ops/triton/cross_entropy.py: the gradient takes the place of the logits
 * (inplace_backward); zeros stand for that of the second result, which nothing uses.
 */
static void
backward_log_probabilities (HrReplay     *replay,
                            const HrNode *node,
                            HrValue       gradient,
                            HrValue      *gradients)
{
  HrValue losses = hr_op_make_gradient (replay, "neg", get_tokens (HR_ELEMENT_FLOAT32));
  HrValue zeros = hr_op_make_gradient (replay, "zeros", get_tokens (HR_ELEMENT_FLOAT32));

  gradients[0] = hr_value_detach (hr_replay_hold (replay, node->saved[0]));
  hr_replay_drop (replay, zeros);
  hr_replay_drop (replay, losses);
}

/* logprobs_from_logits_flash_attn of verl/utils/torch_functional.py. */
static HrValue
compute_log_probabilities (HrReplay *replay,
                           HrValue   logits,
                           HrValue   labels)
{
  HrValue losses = hr_op_like (replay, "empty", "losses", get_tokens (HR_ELEMENT_FLOAT32));
  HrValue sums = hr_op_like (replay, "empty", "lse", get_tokens (HR_ELEMENT_FLOAT32));
  HrValue squares = hr_op_like (replay, "empty", "z_losses", get_tokens (HR_ELEMENT_FLOAT32));
  HrValue result = hr_op_like (replay, "neg", "log_probs", get_tokens (HR_ELEMENT_FLOAT32));

  if (hr_autograd_record (replay, &result, backward_log_probabilities, &logits, 1))
    {
      hr_autograd_save (replay, result, logits);
      hr_autograd_save (replay, result, sums);
      hr_autograd_save (replay, result, labels);
    }
  hr_replay_drop (replay, squares);
  hr_replay_drop (replay, sums);
  hr_replay_drop (replay, losses);

  return result;
}

/* pad_input of flash_attn/bert_padding.py: the rows as they were, of which the answers are a view. */
static HrValue
put_back (HrReplay *replay,
          HrValue  *log_probabilities,
          HrValue   indices)
{
  HrValue rows = hr_op_like (replay, "zeros", "full_log_probs", get_tokens (HR_ELEMENT_FLOAT32));
  HrValue answers;

  if (hr_op_record (replay, &rows, HR_GRADIENT_LIKE_INPUT, "index", log_probabilities, 1))
    hr_autograd_save (replay, rows, indices);
  hr_replay_assign (replay, log_probabilities, HR_NO_VALUE);
  answers = hr_op_slice (replay, rows, get_answers (HR_ELEMENT_FLOAT32));
  hr_replay_drop (replay, rows);

  return answers;
}

/* logits.div_ (temperature) on a view of what the model has returned (CopySlices of torch/csrc/autograd). */
static void
backward_divide (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  HrValue copy, quotient;

  gradients[0] = hr_op_make_gradient (replay, "new_empty_strided", gradient);
  copy = hr_op_make_gradient (replay, "clone", gradient);
  quotient = hr_op_make_gradient (replay, "div", gradient);
  hr_replay_drop (replay, copy);
  hr_replay_drop (replay, quotient);
}

static HrValue
divide_by_temperature (HrReplay *replay,
                       HrValue   logits)
{
  HrValue divided = hr_replay_hold (replay, logits);

  hr_autograd_record (replay, &divided, backward_divide, &logits, 1);

  return divided;
}

static HrValue
compute_answers (HrReplay           *replay,
                 HrValue             logits,
                 const HrUnpadded   *rows)
{
  HrValue divided = divide_by_temperature (replay, logits);
  HrValue log_probabilities = compute_log_probabilities (replay, divided, rows->labels);
  HrValue answers = put_back (replay, &log_probabilities, rows->indices);

  hr_replay_drop (replay, divided);

  return answers;
}

/* masked_sum of verl/utils/torch_functional.py, over the number of tokens. */
static HrValue
reduce (HrReplay *replay,
        HrValue   losses)
{
  HrValue masked = hr_op_unary (replay, HR_UNARY_WHERE, "valid_values", losses);
  HrValue loss = hr_op_like (replay, "sum", "loss", HR_SHAPE (HR_ELEMENT_FLOAT32));

  hr_op_record (replay, &loss, HR_GRADIENT_LIKE_INPUT, "mul", &masked, 1);
  hr_replay_drop (replay, masked);

  return loss;
}

/* compute_policy_loss_vanilla of verl/trainer/ppo/core_algos.py: clipped on both sides. */
static HrValue
compute_policy_loss (HrReplay *replay,
                     HrValue   log_probabilities)
{
  HrValue shape = get_answers (HR_ELEMENT_FLOAT32);
  HrValue difference, bounded, ratio, negated, first, clipped, second, most, third, least, loss;

  difference = hr_op_binary (replay, HR_BINARY_SUB, "negative_approx_kl", log_probabilities,
                             hr_value_detach (log_probabilities));
  bounded = hr_op_unary (replay, HR_UNARY_CLAMP, "negative_approx_kl", difference);
  ratio = hr_op_unary (replay, HR_UNARY_EXP, "ratio", bounded);
  negated = hr_op_like (replay, "neg", "-advantages", shape);
  first = hr_op_binary (replay, HR_BINARY_MUL, "pg_losses1", ratio, negated);
  hr_replay_drop (replay, negated);
  negated = hr_op_like (replay, "neg", "-advantages", shape);
  clipped = hr_op_unary (replay, HR_UNARY_CLAMP, "ratio", ratio);
  second = hr_op_binary (replay, HR_BINARY_MUL, "pg_losses2", clipped, negated);
  hr_replay_drop (replay, clipped);
  hr_replay_drop (replay, negated);
  most = hr_op_binary (replay, HR_BINARY_MIN, "clip_pg_losses1", first, second);
  third = hr_op_like (replay, "mul", "pg_losses3", shape);
  least = hr_op_binary (replay, HR_BINARY_MIN, "clip_pg_losses2", most, third);
  loss = reduce (replay, least);
  hr_replay_drop (replay, least);
  hr_replay_drop (replay, third);
  hr_replay_drop (replay, most);
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);
  hr_replay_drop (replay, ratio);
  hr_replay_drop (replay, bounded);
  hr_replay_drop (replay, difference);

  return loss;
}

/* kl_penalty_forward of core_algos.py, for low_var_kl. */
static HrValue
compute_divergence (HrReplay *replay,
                    HrValue   log_probabilities)
{
  HrValue difference = hr_op_binary (replay, HR_BINARY_SUB, "kl", hr_value_detach (log_probabilities),
                                     log_probabilities);
  HrValue bounded = hr_op_unary (replay, HR_UNARY_CLAMP, "kl", difference);
  HrValue ratio = hr_op_unary (replay, HR_UNARY_EXP, "ratio", bounded);
  HrValue rest = hr_op_binary (replay, HR_BINARY_SUB, "kld", ratio, bounded);
  HrValue divergence = hr_op_unary (replay, HR_UNARY_CLAMP, "kld", rest);
  HrValue loss = reduce (replay, divergence);

  hr_replay_drop (replay, divergence);
  hr_replay_drop (replay, rest);
  hr_replay_drop (replay, ratio);
  hr_replay_drop (replay, bounded);
  hr_replay_drop (replay, difference);

  return loss;
}

/* The losses, what becomes of them, and the norm of the gradients. */
#define N_VARIABLES 4

/* Variables of update_policy hold the log-probabilities of a micro-batch, in rows, and numbers, until it ends. */
static guint64
get_variable_bytes (const HrTraining *training)
{
  return hr_ledger_round (training->pass.prompt * sizeof (float)) + N_VARIABLES * hr_ledger_round (sizeof (float));
}

/*
 * hr_training_verl_end_step:
 * @training: a step
 * @replay: a tape
 *
 * Ends DataParallelPPOActor.update_policy.
 */
void
hr_training_verl_end_step (const HrTraining *training,
                           HrReplay         *replay)
{
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_INPUTS, get_variable_bytes (training));
}

/*
 * hr_training_verl_loss:
 * @training: a step
 * @replay: a tape
 * @rows: the row that was read
 * @logits: (transfer full): the logits of all tokens
 *
 * DataParallelPPOActor._forward_micro_batch, behind the model, and update_policy, which has a loss of the divergence
 * from the reference model (use_kl_loss).
 *
 * Returns: the loss
 */
HrValue
hr_training_verl_loss (const HrTraining *training,
                       HrReplay         *replay,
                       HrUnpadded       *rows,
                       HrValue           logits)
{
  HrStretch stretch;
  HrValue answers, loss, divergence;

  replay->symbols[HR_SYMBOL_ANSWERS] = training->n_answers;
  hr_training_loss_begin (replay, &stretch);
  answers = compute_answers (replay, logits, rows);
  hr_replay_drop (replay, logits);
  forget (rows, replay);
  if (!replay->has_gradients)
    hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS, get_variable_bytes (training));
  loss = compute_policy_loss (replay, answers);
  if (training->has_reference)
    {
      divergence = compute_divergence (replay, answers);
      hr_replay_assign (replay, &loss, hr_op_binary (replay, HR_BINARY_ADD, "policy_loss", loss, divergence));
      hr_replay_drop (replay, divergence);
    }
  hr_replay_drop (replay, answers);
  hr_training_loss_end (replay);

  return loss;
}

/*
 * hr_training_verl_read:
 * @training: a step
 * @replay: a tape
 * @phase: the phase, which says who reads
 *
 * DataParallelPPOActor.compute_log_prob, by the policy, with entropies that a compiled kernel computes, or by the
 * reference model.
 */
void
hr_training_verl_read (const HrTraining *training,
                       HrReplay         *replay,
                       HrPhaseId         phase)
{
  HrInference pass = hr_training_init_reading (&training->pass, replay);
  HrTapeSettings before = hr_training_enter_inference (replay);
  HrSharding sharding = training->sharding;
  guint64 inputs = get_batch_bytes (training, training->rollout_batch, FALSE);
  guint64 others = get_batch_bytes (training, training->n_answers, TRUE);
  HrValue logits, answers;
  HrStretch stretch;
  HrUnpadded rows;
  HrPass variables;

  hr_training_pack (&pass, training->rollout_batch * (training->pass.prompt / training->n_answers),
                    training->rollout_batch);
  replay->symbols[HR_SYMBOL_BATCH] = pass.batch;
  replay->symbols[HR_SYMBOL_ANSWERS] = training->rollout_batch;
  hr_ledger_enter_phase (&replay->ledger, phase);
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_INPUTS, others);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS, inputs);
  sharding.is_offloaded = phase == HR_PHASE_REFERENCE;
  hr_sharding_begin (&sharding, replay, TRUE);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->symbols[HR_SYMBOL_SEQUENCE] = pass.prompt;
  hr_unpadded_init (&rows, replay);
  hr_sharding_gather (replay, HR_SHARDED_HEAD);
  hr_replay_end (replay);
  hr_inference_run_layers (&pass, replay, 0, pass.prompt, &variables);
  logits = hr_pass_run_head (&pass, replay, &variables, TRUE);
  hr_sharding_leave (replay, &logits);
  hr_training_loss_begin (replay, &stretch);
  answers = compute_answers (replay, logits, &rows);
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_drop (replay, answers);
  forget (&rows, replay);
  hr_unpadded_clear (&rows, replay);
  hr_replay_drop (replay, logits);
  hr_sharding_leave_reading (replay);
  hr_replay_end (replay);
  replay->sharding = NULL;
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_INPUTS, inputs);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS, others);
  hr_training_leave_inference (training, replay, &before);
}
