/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-colossalai.h"

#include "hr-inference-pass.h"
#include "hr-low-level-zero.h"
#include "hr-message.h"
#include "hr-operator-select.h"
#include "hr-training-check.h"
#include "hr-training-loss.h"
#include "hr-training-policy.h"
#include "hr-training-rollout.h"
#include "hr-training-zero.h"

/*
 * ColossalChat (ColossalAI 4f9953be): the trainers of applications/ColossalChat/coati/trainer for SFT, DPO, SimPO, ORPO
 * and KTO, as the scripts of examples/training_scripts start them with the plugins zero2 and zero2_cpu: the model in 16
 * bits, LowLevelZeroOptimizer around HybridAdam, and a reference model beside it. Trainers hold logits in variables
 * that are bound to others when the next micro-batch brings them.
 */

#define SOURCE_OPTIMIZER \
  "colossalai/nn/optimizer/hybrid_adam.py: exp_avg and exp_avg_sq of the part that a rank has of each parameter, " \
  "stepped in one kernel"

/* Settings that ColossalChat decides itself, or of which no more is known. */
static const char * const values[][HR_TRAINING_MAX_VALUES] = {
  { "dtype", "auto", "bfloat16", "float16" },
  { "autocast", "none" },
  { "precision-recipe", "custom", "mixed-16" },
  { "gradient-dtype", "same" },
  { "zero-stage", "0", "2" },
  { "optimizer-offload", "none", "cpu" },
  { "optimizer", "adamw", "adam" },
  { "zero-grad", "after-step" },
  { "fine-tuning-method", "full" },
  { "quantization", "auto", "none" },
  { "packing", "none" },
  { "fp8-recipe", "none" },
  { "torch-compile", "false" },
  { "fused-kernels", "none" },
  { "loss-implementation", "auto", "cross-entropy" },
  { "algorithm", "sft", "dpo", "simpo", "orpo", "kto" },
};

static gboolean
is_used (HrTrainingJob *job)
{
  return hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_COLOSSALAI &&
         hr_job_get_method_of_estimate (HR_JOB (job)) != HR_ESTIMATE_METHOD_RULE_OF_THUMB;
}

/*
 * hr_training_colossalai_prepare:
 * @plan: a plan, of which nothing is resolved yet but its job
 * @error: return location for an error
 *
 * Sets what ColossalChat decides itself.
 *
 * Returns: whether the settings are such as are known, or the job is for another framework
 */
gboolean
hr_training_colossalai_prepare (HrTrainingPlan  *plan,
                                GError         **error)
{
  if (!is_used (plan->job))
    return TRUE;
  if (!hr_training_check_values (plan, "ColossalChat", values, G_N_ELEMENTS (values), error))
    return FALSE;

  g_object_set (plan->job, "zero-stage", G_GUINT64_CONSTANT (2), NULL);
  plan->training.policy_code = HR_POLICY_CODE_COLOSSALAI;
  plan->training.caches = TRUE;

  return TRUE;
}

static void
note_parameter (const HrTrainingPlan *plan,
                const HrTrainable    *parameter,
                gpointer              user_data)
{
  hr_low_level_zero_note (user_data, parameter->n_elements);
}

/*
 * hr_training_colossalai_resolve:
 * @plan: a plan, of which everything else is resolved
 *
 * Has gradients divided among the ranks, and the optimizer step on the host where it is to.
 */
void
hr_training_colossalai_resolve (HrTrainingPlan *plan)
{
  HrTraining *training = &plan->training;
  gboolean is_offloaded = hr_training_job_get_optimizer_offload (plan->job) != HR_OFFLOAD_NONE;

  if (training->policy_code != HR_POLICY_CODE_COLOSSALAI)
    return;

  hr_low_level_zero_init (&training->reduction, plan->layout.data, is_offloaded);
  hr_training_zero_foreach_parameter (plan, note_parameter, &training->reduction);
  training->keep_outputs = TRUE;
  training->optimizer.source = SOURCE_OPTIMIZER;
  if (is_offloaded)
    {
      training->optimizer.state_bytes = training->optimizer.step_bytes = training->master_bytes = 0;
      training->copied_gradient_bytes = 0;
    }
  hr_inference_plan_warn (&plan->pass,
                          N_("ColossalChat is counted as its scripts have it with the plugins zero2 and zero2_cpu: "
                             "parameters in 16 bits on each GPU, of their copies in fp32, the states of HybridAdam and "
                             "the gradients a part of each, buckets of 12·2²⁰ gradients, and logits that variables "
                             "hold until those of the next micro-batch are there. What NCCL takes is not known, and "
                             "not counted"));
}

/*
 * hr_training_colossalai_add_inputs:
 * @training: a step
 * @replay: a tape
 *
 * The collators of applications/ColossalChat/coati/dataset/loader.py: ids, and masks of a byte each for the attention
 * and the loss; of KTO the mask of the loss is of whole numbers, and there are answers to other prompts, and which are
 * good.
 */
void
hr_training_colossalai_add_inputs (const HrTraining *training,
                                   HrReplay         *replay)
{
  guint64 tokens = training->pass.batch * training->pass.prompt;

  if (training->algorithm == HR_ALGORITHM_KTO)
    {
      hr_replay_add_inputs (replay, 4, tokens * sizeof (gint64));
      hr_replay_add_inputs (replay, 2, tokens);
      hr_replay_add_inputs (replay, 1, training->pass.batch);
      return;
    }

  hr_replay_add_inputs (replay, 2, tokens / 2 * sizeof (gint64));
  hr_replay_add_inputs (replay, 4, tokens / 2);
}

static gboolean
is_in_fp32 (const HrTraining *training,
            const HrReplay   *replay)
{
  return training->logits_upcast == HR_LOGITS_UPCAST_FORWARD ||
         hr_element_get_bytes (replay->dtype) >= sizeof (float);
}

static gboolean
has_variable (const HrTraining *training,
              const HrReplay   *replay,
              HrCoatiVariable   variable)
{
  gboolean is_kto = training->algorithm == HR_ALGORITHM_KTO;

  switch (variable)
    {
    case HR_COATI_POLICY:
      return TRUE;

    case HR_COATI_POLICY_IN_FP32:
      return training->algorithm == HR_ALGORITHM_ORPO && !is_in_fp32 (training, replay);

    case HR_COATI_OTHER_ANSWERS:
      return is_kto;

    case HR_COATI_REFERENCE:
      return training->has_reference;

    case HR_COATI_REFERENCE_OTHER_ANSWERS:
    case HR_N_COATI_VARIABLES:
    default:
      return is_kto && training->has_reference;
    }
}

static const char * const names[] = {
  [HR_COATI_POLICY] = "actor_all_logits",
  [HR_COATI_POLICY_IN_FP32] = "actor_all_logits",
  [HR_COATI_OTHER_ANSWERS] = "kl_logits",
  [HR_COATI_REFERENCE_OTHER_ANSWERS] = "ref_kl_logits",
  [HR_COATI_REFERENCE] = "ref_all_logits",
};

/*
 * hr_coati_variables_init:
 * @self: (out): the variables of a trainer
 * @training: a step
 * @replay: a tape
 *
 * Begins a micro-batch, in which they hold the logits of the one before.
 */
void
hr_coati_variables_init (HrCoatiVariables *self,
                         const HrTraining *training,
                         HrReplay         *replay)
{
  HrValue logits = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_VOCABULARY);

  for (guint i = 0; i < HR_N_COATI_VARIABLES; i++)
    self->before[i] = self->now[i] = HR_NO_VALUE;
  if (training->policy_code != HR_POLICY_CODE_COLOSSALAI)
    return;

  replay->symbols[HR_SYMBOL_SEQUENCE] = training->pass.prompt;
  for (guint i = 0; i < HR_N_COATI_VARIABLES; i++)
    {
      logits.element = i == HR_COATI_POLICY_IN_FP32 || is_in_fp32 (training, replay) ? HR_ELEMENT_FLOAT32
                                                                                     : replay->dtype;
      if (has_variable (training, replay, i))
        self->before[i] = hr_replay_make (replay, "linear", names[i], HR_COMPONENT_LOGITS, logits);
    }
}

/*
 * hr_coati_variables_return:
 * @self: the variables of a trainer
 * @replay: a tape
 *
 * What the policy has returned takes the place of what it returned before.
 */
void
hr_coati_variables_return (HrCoatiVariables *self,
                           HrReplay         *replay)
{
  hr_replay_assign (replay, &self->before[HR_COATI_POLICY], HR_NO_VALUE);
}

static void
take (HrCoatiVariables *self,
      HrReplay         *replay,
      HrCoatiVariable   variable,
      HrValue           logits)
{
  hr_replay_assign (replay, &self->before[variable], HR_NO_VALUE);
  self->now[variable] = logits;
}

/* A model reads answers without gradients; what it returns beside the logits, keys and values, is let go of. */
static HrValue
read_answers (const HrTraining *training,
              HrReplay         *replay,
              HrPhaseId         phase,
              gboolean          caches)
{
  HrInference pass = hr_training_init_reading (&training->pass, replay);
  guint64 cached = replay->ledger.live.by_component[HR_COMPONENT_KV_CACHE];
  HrTapeSettings before = hr_training_enter_inference (replay);
  HrValue logits;
  HrPass variables;

  pass.use_cache = caches;
  hr_ledger_enter_phase (&replay->ledger, phase);
  hr_inference_run_layers (&pass, replay, 0, pass.prompt, &variables);
  logits = hr_pass_run_head (&pass, replay, &variables, TRUE);
  hr_inference_end_pass (&pass, replay, &variables);
  if (training->logits_upcast == HR_LOGITS_UPCAST_FORWARD)
    hr_training_upcast_logits (replay, &logits);
  hr_replay_remove (replay, HR_COMPONENT_KV_CACHE,
                    replay->ledger.live.by_component[HR_COMPONENT_KV_CACHE] - cached);
  hr_training_leave_inference (training, replay, &before);

  return logits;
}

/*
 * hr_coati_variables_read_others:
 * @self: the variables of a trainer
 * @training: a step
 * @replay: a tape
 *
 * KTOTrainer._train of kto.py begins with answers to other prompts, which the policy reads without gradients.
 */
void
hr_coati_variables_read_others (HrCoatiVariables *self,
                                const HrTraining *training,
                                HrReplay         *replay)
{
  gboolean recomputes = hr_checkpointing_recomputes_layers (&training->checkpointing);

  if (training->policy_code != HR_POLICY_CODE_COLOSSALAI || training->algorithm != HR_ALGORITHM_KTO)
    return;

  take (self, replay, HR_COATI_OTHER_ANSWERS,
        read_answers (training, replay, HR_PHASE_OLD_POLICY, training->caches && !recomputes));
}

/*
 * calc_masked_log_probs of coati/models/utils.py: the log-softmax of all but the last token, for which the kernel makes
 * them contiguous, and that of what follows each.
 */
static HrValue
score (HrReplay *replay,
       HrValue   logits,
       HrSymbol  rows)
{
  HrValue whole = HR_SHAPE (logits.element, rows, HR_SYMBOL_SEQUENCE, HR_SYMBOL_VOCABULARY);
  HrValue earlier = HR_SHAPE (logits.element, rows, HR_SYMBOL_COMPLETION, HR_SYMBOL_VOCABULARY);
  HrValue ids = HR_SHAPE (HR_ELEMENT_INT64, rows, HR_SYMBOL_COMPLETION);
  HrValue mask = HR_SHAPE (HR_ELEMENT_BOOL, rows, HR_SYMBOL_COMPLETION);
  HrValue copy = HR_NO_VALUE;
  HrValue part, shifted, all, selected, masked;

  part = hr_op_slice (replay, logits, whole);
  shifted = hr_op_slice (replay, part, earlier);
  if (replay->symbols[rows] > 1)
    copy = hr_op_like (replay, "contiguous", "logits[:, :-1, :]", earlier);
  all = hr_op_log_softmax (replay, shifted);
  hr_replay_drop (replay, copy);
  selected = hr_op_gather (replay, "per_label_logps", all, ids);
  hr_replay_drop (replay, all);
  ids.element = selected.element;
  masked = hr_op_binary_as (replay, HR_BINARY_MUL, "log_probs * mask", selected, mask, ids);
  hr_replay_drop (replay, selected);
  hr_replay_drop (replay, shifted);
  hr_replay_drop (replay, part);

  return masked;
}

/* What has no gradients is a number for each token when all is done. */
static void
score_for_itself (HrReplay *replay,
                  HrValue   logits,
                  HrSymbol  rows)
{
  HrGraph *graph = replay->graph;
  HrStretch stretch;

  replay->graph = NULL;
  hr_training_loss_begin (replay, &stretch);
  hr_replay_drop (replay, score (replay, hr_value_detach (logits), rows));
  if (rows == HR_SYMBOL_PAIRS)
    hr_replay_drop (replay, score (replay, hr_value_detach (logits), rows));
  hr_training_loss_end (replay);
  replay->graph = graph;
}

static void
read_reference (HrCoatiVariables *self,
                const HrTraining *training,
                HrReplay         *replay,
                HrSymbol          rows)
{
  static const HrCoatiVariable readings[] = { HR_COATI_REFERENCE_OTHER_ANSWERS, HR_COATI_REFERENCE };

  for (guint i = 0; i < G_N_ELEMENTS (readings); i++)
    {
      if (has_variable (training, replay, readings[i]))
        take (self, replay, readings[i], read_answers (training, replay, HR_PHASE_REFERENCE, training->caches));
    }
  for (guint i = 0; i < G_N_ELEMENTS (readings); i++)
    {
      if (self->now[readings[i]].storage >= 0)
        score_for_itself (replay, self->now[readings[i]], rows);
    }
}

/* `(chosen_odds * mask).sum ()` of OddsRatioLoss: log (1.0001 - exp (logp)) is subtracted from each logp. */
static HrValue
compute_odds (HrReplay *replay,
              HrValue   answers)
{
  HrValue exponential = hr_op_unary (replay, HR_UNARY_EXP, "torch.exp (logp)", answers);
  HrValue rest = hr_op_unary (replay, HR_UNARY_NEG, "-torch.exp (logp)", exponential);
  HrValue logarithm, odds;

  hr_replay_drop (replay, exponential);
  hr_replay_assign (replay, &rest, hr_op_unary (replay, HR_UNARY_ADD, "-torch.exp (logp) + 1.0001", rest));
  logarithm = hr_op_like (replay, "log", "torch.log", rest);
  if (hr_op_record (replay, &logarithm, HR_GRADIENT_LIKE_INPUT, "div", &rest, 1))
    hr_autograd_save (replay, logarithm, rest);
  hr_replay_drop (replay, rest);
  odds = hr_op_binary (replay, HR_BINARY_SUB, "odds", answers, logarithm);
  hr_replay_drop (replay, logarithm);

  return odds;
}

/* A number for each answer, or each pair, of numbers for each token. */
static HrValue
add_up (HrReplay *replay,
        HrValue   answers,
        HrSymbol  rows)
{
  HrValue sum = hr_op_like (replay, "sum", "logprob", HR_SHAPE (answers.element, rows));

  hr_op_record (replay, &sum, HR_GRADIENT_HELD, NULL, &answers, 1);

  return sum;
}

/* The scores of both answers of each pair, which go, compared. */
static HrValue
compare_pairs (const HrTraining *training,
               HrReplay         *replay,
               HrValue           chosen,
               HrValue           rejected)
{
  HrValue answers[] = { chosen, rejected };
  HrValue difference;

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      if (training->algorithm == HR_ALGORITHM_ORPO)
        hr_replay_assign (replay, &answers[i], compute_odds (replay, answers[i]));
      hr_replay_assign (replay, &answers[i], add_up (replay, answers[i], HR_SYMBOL_PAIRS));
    }
  difference = hr_op_binary (replay, HR_BINARY_SUB, "logratios", answers[0], answers[1]);
  hr_replay_drop (replay, answers[1]);
  hr_replay_drop (replay, answers[0]);

  return difference;
}

/*
 * hr_coati_variables_compute_loss:
 * @self: the variables of a trainer
 * @training: a step
 * @replay: a tape
 * @logits: what the policy has returned, which the caller holds
 * @addend: (transfer full): what the model has made of labels, or none
 *
 * DPOTrainer._train of dpo.py, which is SimPO's without a reference model, ORPOTrainer._train of orpo.py and
 * KTOTrainer._train of kto.py, from where the policy returns.
 *
 * Returns: the loss
 */
HrValue
hr_coati_variables_compute_loss (HrCoatiVariables *self,
                                 const HrTraining *training,
                                 HrReplay         *replay,
                                 HrValue           logits,
                                 HrValue           addend)
{
  HrSymbol rows = training->algorithm == HR_ALGORITHM_KTO ? HR_SYMBOL_BATCH : HR_SYMBOL_PAIRS;
  HrValue scores, mean, rejected = HR_NO_VALUE;
  HrStretch stretch;

  replay->symbols[HR_SYMBOL_PAIRS] = replay->symbols[HR_SYMBOL_BATCH] / 2;
  hr_training_loss_begin (replay, &stretch);
  replay->sentence = N_("in the loss, while the logits of the answers and their log-softmax are alive");
  logits = hr_replay_hold (replay, logits);
  if (has_variable (training, replay, HR_COATI_POLICY_IN_FP32))
    {
      hr_replay_assign (replay, &logits, hr_op_cast (replay, logits, HR_ELEMENT_FLOAT32));
      take (self, replay, HR_COATI_POLICY_IN_FP32, hr_value_detach (hr_replay_hold (replay, logits)));
    }
  scores = score (replay, logits, rows);
  if (rows == HR_SYMBOL_PAIRS)
    rejected = score (replay, logits, rows);
  hr_replay_drop (replay, logits);
  hr_training_loss_end (replay);
  if (self->now[HR_COATI_OTHER_ANSWERS].storage >= 0)
    score_for_itself (replay, self->now[HR_COATI_OTHER_ANSWERS], rows);

  read_reference (self, training, replay, rows);
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_LOSS);
  hr_training_loss_begin (replay, &stretch);
  if (rows == HR_SYMBOL_PAIRS)
    scores = compare_pairs (training, replay, scores, rejected);
  else
    hr_replay_assign (replay, &scores, add_up (replay, scores, rows));
  mean = hr_op_like (replay, "mean", "loss", HR_SHAPE (scores.element));
  hr_op_record (replay, &mean, HR_GRADIENT_LIKE_INPUT, "div", &scores, 1);
  hr_replay_drop (replay, scores);
  if (addend.storage >= 0)
    hr_replay_assign (replay, &mean, hr_op_binary (replay, HR_BINARY_ADD, "loss", addend, mean));
  hr_replay_drop (replay, addend);
  hr_training_loss_end (replay);

  return mean;
}

/*
 * hr_coati_variables_clear:
 * @self: the variables of a trainer
 * @replay: a tape
 *
 * Lets go of what they hold, which in the replay of a step is when it ends.
 */
void
hr_coati_variables_clear (HrCoatiVariables *self,
                          HrReplay         *replay)
{
  for (guint i = 0; i < HR_N_COATI_VARIABLES; i++)
    {
      hr_replay_assign (replay, &self->before[i], HR_NO_VALUE);
      hr_replay_assign (replay, &self->now[i], HR_NO_VALUE);
    }
}
