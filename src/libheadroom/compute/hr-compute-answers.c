/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-compute-private.h"

#include "hr-grpo-job.h"
#include "hr-roofline.h"
#include "hr-traffic.h"
#include "hr-training-policy-unsloth.h"

/*
 * What a step of training on answers computes beside the update: the answers are written, and read by models that are
 * not trained on them (hr-training-rollout and hr-training-ppo in memory have what that takes).
 */

/* Tokens of each sequence that the loss needs logits of: logits_to_keep of GRPOTrainer; 0 stands for all. */
guint64
_hr_compute_count_logits (const HrTrainingPlan *plan)
{
  const HrTraining *training = &plan->training;

  if (hr_training_packs_answers (training))
    return training->n_answers * training->completion;

  return hr_algorithm_is_policy (training->algorithm) && training->policy_code == HR_POLICY_CODE_TRL
           ? training->completion + 1
           : 0;
}

/* How often answers come in a step of the optimizer: several steps may use the same ones. */
static double
get_n_generations (const HrTraining *training)
{
  if (training->algorithm == HR_ALGORITHM_PPO)
    return 1;

  return (double) training->accumulation_steps / training->generation_interval;
}

/* How many answers are written or read at a time, and how often for all of them. */
static void
get_reading (const HrTrainingPlan *plan,
             guint64              *batch,
             guint64              *times)
{
  const HrTraining *training = &plan->training;
  guint64 n_answers = plan->pass.inference.batch * training->accumulation_steps;

  *batch = plan->pass.inference.batch;
  if (training->algorithm == HR_ALGORITHM_PPO)
    {
      *batch = MIN (training->rollout_batch, n_answers);
      *times = (n_answers + *batch - 1) / *batch;
    }
  else if (hr_algorithm_generates (training->algorithm))
    *times = training->generation_steps;
  else
    *times = training->accumulation_steps;
}

static HrInference
create_pass (const HrInference *of,
             guint64            batch)
{
  HrInference inference = *of;

  inference.batch = batch;
  inference.beams = 1;
  inference.first_layer = 0;
  inference.n_layers = inference.stack->n_layers;
  inference.has_inputs = inference.has_norm = inference.has_head = TRUE;
  inference.use_cache = FALSE;

  return inference;
}

/* A model reads prompts and answers, without gradients. */
static void
add_reading (HrCompute            *self,
             const HrTrainingPlan *plan,
             HrInferencePlan      *reader,
             HrComputePhaseId      id,
             const HrTuning       *tuning,
             guint64               n_logits,
             guint64               more)
{
  HrFlopPass pass = { .model = reader->model, .is_first = TRUE, .all_logits = TRUE, .is_adapted = TRUE };
  HrInference inference;
  HrComputePhase *phase;
  guint64 batch, times;

  get_reading (plan, &batch, &times);
  inference = create_pass (&reader->inference, batch);
  pass.inference = &inference;
  pass.sequence = plan->pass.inference.prompt;
  pass.past = hr_tuning_get_n_cached (tuning);
  pass.tuning = tuning;
  pass.n_logits = n_logits;
  phase = _hr_compute_add_phase (self, id, &pass, times * more);
  if (hr_algorithm_generates (plan->training.algorithm))
    phase->per_step = get_n_generations (&plan->training);
  hr_traffic_init_pass (&phase->traffic, reader, &pass, &phase->total);
  hr_traffic_repeat_weights (&phase->traffic, times * more);
  phase->n_layers *= times * more;
  _hr_compute_estimate_time (self, phase);
}

/* Adds what the tokens of answers compute, of which each reads a longer cache: half of them the mean, rounded down. */
static void
add_tokens (HrComputePhase  *phase,
            HrInferencePlan *plan,
            HrFlopPass      *pass,
            guint64          prompt,
            guint64          n_tokens)
{
  guint64 mean = prompt + (n_tokens - 1) / 2;
  guint64 later = n_tokens % 2 == 0 ? n_tokens / 2 : 0;
  const guint64 counts[] = { n_tokens - later, later };

  pass->sequence = 1;
  pass->is_first = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autoptr (HrFlopCount) once = NULL;
      HrTraffic traffic;
      HrFlops total;

      if (counts[i] == 0)
        continue;

      pass->past = mean + i;
      once = hr_flop_pass_count (pass);
      total = hr_flop_count_get_total (once);
      hr_traffic_init_pass (&traffic, plan, pass, &total);
      hr_traffic_add (&phase->traffic, &traffic, counts[i]);
      hr_flop_count_merge (phase->count, once, counts[i]);
    }
}

/* Each operator of the trainer's own model is a kernel, for the prompts and for all tokens but the last. */
static void
add_kernels (HrComputePhase       *phase,
             const HrTrainingPlan *plan,
             const HrInference    *inference)
{
  HrInference generation = *inference;
  HrKernels prompt, token;

  generation.output = plan->training.completion - 1;
  _hr_compute_count_generation (&plan->pass, &generation, &prompt, &token);
  prompt.n_kernels += generation.output * token.n_kernels;
  prompt.bytes += generation.output * token.bytes;
  phase->n_kernels = prompt.n_kernels;
  hr_traffic_add_kernels (&phase->traffic, &prompt);
}

/* The same so many times. */
static void
repeat (HrComputePhase *phase,
        guint64         times)
{
  g_autoptr (HrFlopCount) once = phase->count;
  HrTraffic traffic = phase->traffic;

  phase->count = hr_flop_count_new ();
  hr_flop_count_merge (phase->count, once, times);
  phase->traffic = (HrTraffic) { 0 };
  phase->n_kernels *= times;
  hr_traffic_add (&phase->traffic, &traffic, times);
}

/*
 * The prompts are read, and all tokens of the answers but the last go through the model as well: by the trainer's own
 * model (GenerationMixin.generate), which starts each kernel by itself, or by an engine on the same device.
 */
static void
add_generation (HrCompute      *self,
                HrTrainingPlan *plan)
{
  const HrTraining *training = &plan->training;
  guint64 prompt = plan->pass.inference.prompt - training->completion;
  gboolean is_engine = training->rollout == HR_ROLLOUT_VLLM_COLOCATED;
  HrFlopPass pass = { .model = plan->pass.model, .is_first = TRUE, .is_adapted = !is_engine, .tuning = plan->tuning };
  HrInference inference;
  HrComputePhase *phase;
  guint64 batch, times, n_layers;

  if (training->rollout != HR_ROLLOUT_TRANSFORMERS && !is_engine)
    return;

  get_reading (plan, &batch, &times);
  if (training->algorithm != HR_ALGORITHM_PPO)
    {
      batch *= times;
      times = 1;
    }
  inference = create_pass (&plan->pass.inference, batch);
  inference.prompt = prompt;
  inference.towers = training->rollout_towers != NULL ? training->rollout_towers : plan->pass.inference.towers;
  inference.use_cache = TRUE;
  pass.inference = &inference;
  pass.sequence = prompt;
  phase = _hr_compute_add_phase (self, HR_COMPUTE_PHASE_GENERATION, &pass, 1);
  phase->per_step = get_n_generations (training);
  phase->context = plan->pass.inference.prompt;
  n_layers = phase->n_layers;
  hr_traffic_init_pass (&phase->traffic, &plan->pass, &pass, &phase->total);
  if (training->completion > 1)
    add_tokens (phase, &plan->pass, &pass, prompt, training->completion - 1);
  if (!is_engine)
    add_kernels (phase, plan, &inference);
  repeat (phase, times);
  phase->tokens = batch * times * training->completion;
  phase->n_layers = n_layers * training->completion * times;
  phase->total = hr_flop_count_get_total (phase->count);
  _hr_compute_estimate_time (self, phase);
}

/*
 * KTO reads answers to other prompts as well, by the policy and by the reference (_compute_kl_logps of
 * trl/trainer/kto_trainer.py).
 */
static guint
count_readings (const HrTraining *training)
{
  return training->algorithm == HR_ALGORITHM_KTO ? 2 : 1;
}

/* What goes before an update. */
void
_hr_compute_add_before (HrCompute      *self,
                        HrTrainingPlan *plan)
{
  const HrTraining *training = &plan->training;
  guint64 n_logits = _hr_compute_count_logits (plan);

  /* What the trainers around the actors of verl and OpenRLHF, and Unsloth’s, compute beside the update is not known. */
  if ((training->policy_code != HR_POLICY_CODE_TRL && training->policy_code != HR_POLICY_CODE_COLOSSALAI) ||
      training->algorithm == HR_ALGORITHM_SFT ||
      hr_training_packs_answers (training))
    return;

  if (hr_algorithm_generates (training->algorithm))
    add_generation (self, plan);
  if (training->reads_own_answers || training->algorithm == HR_ALGORITHM_KTO)
    add_reading (self, plan, &plan->pass, HR_COMPUTE_PHASE_OLD_POLICY, plan->tuning, n_logits, 1);
  if (training->has_reference)
    add_reading (self, plan, &plan->pass, HR_COMPUTE_PHASE_REFERENCE, NULL, n_logits, count_readings (training));
  if (training->critic != NULL)
    add_reading (self, plan, &plan->critic, HR_COMPUTE_PHASE_VALUE, training->critic_tuning, 0, 1);
  if (training->reward != NULL)
    add_reading (self, plan, &plan->reward, HR_COMPUTE_PHASE_REWARD, NULL, 0, 1);
}

/* The value model of PPO is trained beside the policy. */
void
_hr_compute_add_critic (HrCompute      *self,
                        HrTrainingPlan *plan)
{
  const HrTraining *training = &plan->training;
  HrFlopPass pass = { .model = plan->critic.model, .is_first = TRUE, .all_logits = TRUE, .trains = TRUE };
  guint64 times = training->accumulation_steps * training->n_epochs;
  HrInference inference;
  HrComputePhase *phase;
  HrTraffic back;

  if (training->critic == NULL)
    return;

  inference = create_pass (&plan->critic.inference, plan->pass.inference.batch);
  pass.inference = &inference;
  pass.sequence = plan->pass.inference.prompt;
  pass.tuning = training->critic_tuning;
  pass.checkpointing = training->checkpointing;
  phase = _hr_compute_add_phase (self, HR_COMPUTE_PHASE_VALUE_UPDATE, &pass, times);
  /* The weights forwards and backwards, what products read and write twice as much on the way back. */
  hr_traffic_init_pass (&phase->traffic, &plan->critic, &pass, &phase->total);
  back = phase->traffic;
  phase->traffic.weights = 2 * back.weights * times;
  phase->traffic.activations = 3 * back.activations;
  phase->traffic.cache = 0;
  phase->traffic.total = phase->traffic.weights + phase->traffic.activations;
  phase->traffic.exchanged = 0;
  _hr_compute_estimate_time (self, phase);
}
