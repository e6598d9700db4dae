/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-openrlhf.h"

#include "hr-grpo-job.h"
#include "hr-inference-pass.h"
#include "hr-message.h"
#include "hr-operator.h"
#include "hr-training-check.h"
#include "hr-training-policy.h"
#include "hr-training-rollout.h"
#include "hr-training-zero.h"

/*
 * The actor of OpenRLHF (git 3c3be623): Actor of openrlhf/models/actor.py in DeepSpeed's ZeRO-2, as
 * openrlhf/cli/train_ppo_ray.py has it where nothing else is said, and ActorPPOTrainer.training_step of
 * openrlhf/trainer/ray/ppo_actor.py. The logits of all tokens are cast to fp32, and the output that holds them is a
 * variable of the step until it ends, behind the optimizer. What DeepSpeed does is from its code alone.
 */

/* Settings that OpenRLHF decides itself. */
static gboolean
check_settings (const HrTrainingPlan  *plan,
                GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "dtype", "auto", "bfloat16" },
    { "autocast", "none" },
    { "precision-recipe", "custom", "mixed-16" },
    { "packing", "none" },
    { "optimizer", "adamw", "adam" },
  };

  return hr_training_check_values (plan, "OpenRLHF", values, G_N_ELEMENTS (values), error);
}

/*
 * hr_training_openrlhf_prepare:
 * @plan: a plan, of which nothing is resolved yet but its job
 * @error: return location for an error
 *
 * Sets what OpenRLHF decides itself.
 *
 * Returns: whether the settings are such as are known
 */
gboolean
hr_training_openrlhf_prepare (HrTrainingPlan  *plan,
                              GError         **error)
{
  if (!check_settings (plan, error))
    return FALSE;

  g_object_set (plan->job, "dtype", HR_DTYPE_BFLOAT16, "attention", HR_ATTENTION_IMPLEMENTATION_FLASH,
                "precision-recipe", HR_PRECISION_RECIPE_MIXED_16, NULL);

  return TRUE;
}

/*
 * hr_training_openrlhf_list_flat:
 * @parameters: what is trained
 *
 * Returns: (transfer full): what DeepSpeed’s FusedAdam steps, the copies in fp32 in one piece
 */
HrTrainables *
hr_training_openrlhf_list_flat (const HrTrainables *parameters)
{
  guint64 n = hr_trainables_get_n_elements (parameters);
  HrTrainable flat = {
    .shape = { n }, .n_dimensions = 1, .n_elements = n, .copies = 1, .element = HR_ELEMENT_FLOAT32,
    .role = HR_TENSOR_ROLE_LINEAR,
  };
  HrTrainables *list = hr_trainables_new ();

  hr_trainables_add (list, &flat);

  return list;
}

/*
 * hr_training_openrlhf_resolve:
 * @plan: a plan, of which everything else is resolved
 *
 * Has gradients go through ZeRO’s buckets, and answers read in micro-batches.
 */
void
hr_training_openrlhf_resolve (HrTrainingPlan *plan)
{
  HrTraining *training = &plan->training;
  HrGrpoJob *job;

  if (training->policy_code != HR_POLICY_CODE_OPENRLHF)
    return;

  job = HR_GRPO_JOB (plan->job);
  training->n_answers = plan->pass.inference.batch;
  training->rollout_batch = hr_grpo_job_get_log_prob_micro_batch_size (job);
  if (training->rollout_batch == 0)
    training->rollout_batch = training->n_answers;
  training->reads_own_answers = TRUE;
  if (!hr_training_zero_is_used (plan))
    {
      training->flattens_gradients = FALSE;
      training->copied_gradient_bytes = 0;
      hr_reduction_init (&training->reduction, hr_trainables_get_n_elements (plan->reached));
    }
  hr_inference_plan_warn (&plan->pass,
                          N_("OpenRLHF is counted as its options are where nothing else is said: DeepSpeed’s ZeRO-2 "
                             "with buckets of 500 million gradients, as its code has it, rows with padding, "
                             "flash-attn, the logits of all tokens in fp32 until the step ends"));
}

/*
 * hr_training_openrlhf_add_inputs:
 * @training: a step
 * @replay: a tape
 *
 * Experience of openrlhf/trainer/ppo_utils/experience.py waits on the host, and comes micro-batch by micro-batch: ids
 * and their mask, the mask of the answers, log-probabilities and advantages.
 */
void
hr_training_openrlhf_add_inputs (const HrTraining *training,
                                 HrReplay         *replay)
{
  guint64 tokens = training->pass.batch * training->pass.prompt;
  guint64 answers = training->pass.batch * training->completion;

  hr_replay_add_inputs (replay, 2, tokens * sizeof (gint64));
  hr_replay_add_inputs (replay, 1, answers * sizeof (gint64));
  hr_replay_add_inputs (replay, training->has_reference ? 4 : 3, answers * sizeof (float));
}

/*
 * hr_training_openrlhf_hand_over:
 * @training: a step
 * @replay: a tape
 *
 * PolicyModelActor.broadcast_to_vllm: beside the share of vLLM a copy of one parameter after the other
 * (_handle_cuda_ipc).
 */
void
hr_training_openrlhf_hand_over (const HrTraining *training,
                                HrReplay         *replay)
{
  HrStretch stretch;
  HrValue engine, copy;

  if (training->rollout != HR_ROLLOUT_VLLM_COLOCATED || replay->heap != NULL)
    return;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_GENERATION);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("while parameters are handed to vLLM one by one");
  replay->symbols[HR_SYMBOL_KEPT] = training->engine_sleeps ? training->engine_weight_bytes : 0;
  engine = hr_replay_make (replay, "wake_up", "vLLM", HR_COMPONENT_ROLLOUT_ENGINE,
                           HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
  copy = hr_replay_make (replay, "clone", "weight", HR_COMPONENT_TEMPORARY,
                         HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_VOCABULARY, HR_SYMBOL_HIDDEN));
  hr_replay_drop (replay, copy);
  hr_replay_drop (replay, engine);
  hr_replay_end (replay);
}

static HrValue
get_tokens (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
}

/*
 * CrossEntropyLoss.backward of flash_attn/ops/triton/cross_entropy.py: a gradient beside the logits, and zeros for that
 * of the second result, which nothing uses.
 */
static void
backward_log_probabilities (HrReplay     *replay,
                            const HrNode *node,
                            HrValue       gradient,
                            HrValue      *gradients)
{
  HrValue losses = hr_op_make_gradient (replay, "neg", get_tokens (HR_ELEMENT_FLOAT32));
  HrValue zeros = hr_op_make_gradient (replay, "zeros", get_tokens (HR_ELEMENT_FLOAT32));

  gradients[0] = hr_op_make_gradient (replay, "empty_like", node->inputs[0]);
  hr_replay_drop (replay, zeros);
  hr_replay_drop (replay, losses);
}

/* log_probs_from_logits of openrlhf/models/utils.py, where the temperature is 1. */
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

/* Actor.forward, behind the model: the logits of all tokens in fp32, and of the answers the log-probabilities. */
static HrValue
score_answers (HrReplay *replay,
               HrValue  *logits,
               HrValue   labels)
{
  HrValue shape = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_COMPLETION);
  HrValue all, part, masked;

  replay->sentence = N_("in the loss, while the logits and their copy in fp32 are alive");
  hr_replay_assign (replay, logits, hr_op_cast (replay, *logits, HR_ELEMENT_FLOAT32));
  all = compute_log_probabilities (replay, *logits, labels);
  part = hr_op_slice (replay, all, shape);
  masked = hr_op_binary_as (replay, HR_BINARY_MUL, "action_log_probs", part, shape, shape);
  hr_replay_drop (replay, part);
  hr_replay_drop (replay, all);

  return masked;
}

/*
 * hr_training_openrlhf_loss:
 * @replay: a tape
 * @logits: (inout): the logits of all tokens, which become fp32 and are the caller's
 * @labels: the tokens that follow each, which the caller holds
 *
 * PolicyLoss of openrlhf/models/loss.py.
 *
 * Returns: the loss
 */
HrValue
hr_training_openrlhf_loss (HrReplay *replay,
                           HrValue  *logits,
                           HrValue   labels)
{
  HrStretch stretch;
  HrValue answers, loss;

  hr_training_loss_begin (replay, &stretch);
  answers = score_answers (replay, logits, labels);
  loss = hr_training_loss_clipped (replay, answers);
  hr_replay_drop (replay, answers);
  hr_training_loss_end (replay);

  return loss;
}

/*
 * hr_training_openrlhf_read:
 * @training: a step
 * @replay: a tape
 * @phase: the phase, which says who reads
 *
 * RemoteExperienceMaker.make_experience of openrlhf/trainer/ppo_utils/experience_maker.py: the policy and the reference
 * model read a micro-batch of answers.
 */
void
hr_training_openrlhf_read (const HrTraining *training,
                           HrReplay         *replay,
                           HrPhaseId         phase)
{
  HrInference pass = hr_training_init_reading (&training->pass, replay);
  HrTapeSettings before = hr_training_enter_inference (replay);
  HrValue logits, labels;
  HrStretch stretch;
  HrPass variables;

  pass.batch = training->rollout_batch;
  replay->symbols[HR_SYMBOL_BATCH] = pass.batch;
  replay->symbols[HR_SYMBOL_SEQUENCE] = pass.prompt;
  hr_ledger_enter_phase (&replay->ledger, phase);
  labels = hr_op_like (replay, "roll", "rolled_sequences", get_tokens (HR_ELEMENT_INT64));
  pass.has_positions = TRUE;
  pass.positions = hr_op_like (replay, "sub", "position_ids", get_tokens (HR_ELEMENT_INT64));
  hr_inference_run_layers (&pass, replay, 0, pass.prompt, &variables);
  logits = hr_pass_run_head (&pass, replay, &variables, TRUE);
  hr_training_loss_begin (replay, &stretch);
  hr_replay_drop (replay, score_answers (replay, &logits, labels));
  hr_replay_drop (replay, logits);
  hr_training_loss_end (replay);
  hr_replay_drop (replay, pass.positions);
  hr_replay_drop (replay, labels);
  hr_training_leave_inference (training, replay, &before);
}
