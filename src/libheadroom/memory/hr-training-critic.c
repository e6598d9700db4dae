/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-critic.h"

#include "hr-estimate-parts.h"
#include "hr-grpo-job.h"
#include "hr-message.h"
#include "hr-training-tuning.h"

/*
 * The models beside a policy that is trained by PPO: one that foresees rewards, which is trained as well, and one that
 * scores answers. Both give each token a number (…ForSequenceClassification with one label).
 */

static gboolean
has_critic (const HrTrainingPlan *plan)
{
  return plan->training.algorithm == HR_ALGORITHM_PPO;
}

static guint
choose_head (const HrTensor *tensor,
             gpointer        user_data)
{
  return tensor->role == HR_TENSOR_ROLE_OUTPUT ? 1 : 0;
}

/* The head of a model alone. */
static HrTrainables *
list_head (const HrInferencePlan *scorer)
{
  HrTrainables *head = hr_trainables_new ();

  hr_trainables_add_model (head, scorer->model, scorer->element, choose_head, NULL);

  return head;
}

static void
append (HrTrainables       *list,
        const HrTrainables *more)
{
  for (guint i = 0; i < hr_trainables_get_n_items (more); i++)
    hr_trainables_add (list, hr_trainables_get_item (more, i));
}

/*
 * As PEFT tunes the policy; of a class for sequences a copy of the head is trained as well
 * (PeftModelForSequenceClassification).
 */
static gboolean
tune_likewise (HrTrainingPlan  *plan,
               GError         **error)
{
  const HrBlock *head = hr_chain_find_block (plan->critic.inference.head, HR_BLOCK_HEAD);
  g_autoptr (HrJob) job = hr_job_copy (HR_JOB (plan->job));
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), "modules-to-save");

  if (head != NULL && hr_job_uses_setting (job, setting, NULL))
    g_object_set (job, "modules-to-save", head->path, NULL);

  return hr_training_tuning_resolve (&plan->critic, HR_FINE_TUNING_JOB (job), &plan->critic_tuning, error);
}

static gboolean
resolve_value_model (HrTrainingPlan  *plan,
                     GError         **error)
{
  HrTraining *training = &plan->training;
  g_autoptr (HrTrainables) own = NULL;

  switch (hr_grpo_job_get_value_model (HR_GRPO_JOB (plan->job)))
    {
    case HR_VALUE_MODEL_LORA:
      if (!tune_likewise (plan, error))
        return FALSE;
      training->trains_critic_head = plan->critic_tuning == NULL;
      break;

    case HR_VALUE_MODEL_HEAD:
      plan->critic_tuning = hr_tuning_new_for_layers (plan->critic.model, plan->critic.element, 0);
      training->trains_critic_head = TRUE;
      own = list_head (&plan->critic);
      break;

    case HR_VALUE_MODEL_SHARED:
      plan->critic.inference.stack = plan->pass.stack;
      training->critic_shares = training->trains_critic_head = TRUE;
      own = list_head (&plan->critic);
      break;

    case HR_VALUE_MODEL_FULL:
    default:
      training->trains_critic_head = TRUE;
      break;
    }

  if (own == NULL && plan->critic_tuning == NULL)
    own = hr_trainables_new_for_model (plan->critic.model, plan->critic.element);
  plan->with_critic = hr_trainables_new ();
  append (plan->with_critic, plan->parameters);
  append (plan->with_critic, own != NULL ? own : hr_tuning_get_trainables (plan->critic_tuning));
  plan->parameters = plan->with_critic;

  return TRUE;
}

static gboolean
resolve_reward_model (HrTrainingPlan  *plan,
                      GError         **error)
{
  if (hr_grpo_job_get_reward_model (HR_GRPO_JOB (plan->job)) != HR_REWARD_MODEL_SHARED ||
      plan->training.has_reference)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("reward-model: expected own or elsewhere, as there is no reference model whose layers it "
                           "could be on; found shared"));

  return FALSE;
}

/*
 * `exact_div (args.local_batch_size, args.num_mini_batches)` of PPOTrainer.__init__; a mini-batch that is no multiple
 * of micro-batches has a smaller one, which is not followed.
 */
static gboolean
check_mini_batches (const HrTrainingPlan  *plan,
                    GError               **error)
{
  guint64 n = hr_grpo_job_get_num_mini_batches (HR_GRPO_JOB (plan->job));
  guint64 steps = hr_training_job_get_gradient_accumulation_steps (plan->job);
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (steps % n == 0)
    return TRUE;

  expected = g_strdup_printf ("%" G_GUINT64_FORMAT, steps);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, n);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("num-mini-batches: expected a divisor of the gradient accumulation steps (%s), so that each "
                           "has whole micro-batches; found %s"), expected, found);

  return FALSE;
}

/* The model that a setting names, or the one that is trained. */
static HrModel *
find_model (const HrTrainingPlan  *plan,
            const char            *setting,
            GError               **error)
{
  HrJob *job = HR_JOB (plan->job);
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (job), setting);
  g_autofree char *name = hr_job_get_as_string (job, setting);

  if (g_str_equal (name, G_PARAM_SPEC_STRING (pspec)->default_value) || !hr_job_uses_setting (job, pspec, NULL))
    return plan->pass.model;

  return hr_job_get_model_to_estimate (job, setting, error);
}

/* Neither model is quantized. */
static gboolean
resolve_scorer (const HrTrainingPlan  *plan,
                HrModel               *model,
                HrInferencePlan       *scorer,
                GError               **error)
{
  HrModel *counted = model != NULL ? hr_model_get_scorer (model, error) : NULL;
  g_autoptr (HrJob) job = NULL;

  if (counted == NULL)
    return FALSE;

  job = hr_job_copy (HR_JOB (plan->job));
  g_object_set (job, "quantization", HR_QUANTIZATION_NONE, NULL);
  if (!hr_inference_plan_init_pass (scorer, counted, job, error))
    return FALSE;

  scorer->inference.attention = plan->pass.inference.attention;
  scorer->inference.batch = plan->pass.inference.batch;
  scorer->inference.prompt = plan->pass.inference.prompt;
  scorer->inference.all_logits = TRUE;

  return TRUE;
}

/*
 * All models read what the policy has written, token for token: PPOTrainer decodes nothing in between (get_reward and
 * forward of trl/experimental/ppo/ppo_trainer.py are given its input_ids).
 */
static void
warn_of_vocabulary (HrTrainingPlan  *plan,
                    HrModel         *model,
                    const char      *setting)
{
  guint64 size = 0, own = 0;
  g_autofree char *size_text = NULL;
  g_autofree char *own_text = NULL;

  if (!hr_model_get_hyper_parameter (model, "vocab_size", &size) ||
      !hr_model_get_hyper_parameter (plan->pass.model, "vocab_size", &own) || size == own)
    return;

  size_text = g_strdup_printf ("%" G_GUINT64_FORMAT, size);
  own_text = g_strdup_printf ("%" G_GUINT64_FORMAT, own);
  hr_inference_plan_warn (&plan->pass,
                          N_("%s: that model knows %s tokens and the policy %s, though it reads the policy’s tokens as "
                             "they are: the two are assumed to share a tokenizer"),
                          setting, size_text, own_text);
}

/*
 * hr_training_critic_resolve:
 * @plan: a plan, whose own parameters are known
 * @error: return location for an error
 *
 * Resolves the models beside a policy: like it, or of another size.
 *
 * Returns: whether they can be built, or there are none
 */
gboolean
hr_training_critic_resolve (HrTrainingPlan  *plan,
                            GError         **error)
{
  HrModel *value, *reward;

  if (!has_critic (plan))
    return TRUE;
  if (!check_mini_batches (plan, error))
    return FALSE;

  value = find_model (plan, "value-model-path", error);
  if (!resolve_scorer (plan, value, &plan->critic, error))
    return FALSE;

  reward = find_model (plan, "reward-model-path", error);
  if (!resolve_scorer (plan, reward, &plan->reward, error))
    return FALSE;

  warn_of_vocabulary (plan, value, "value-model-path");
  warn_of_vocabulary (plan, reward, "reward-model-path");

  return resolve_value_model (plan, error) && resolve_reward_model (plan, error);
}

static void
fill_in (const HrTrainingPlan *plan,
         HrInference          *pass)
{
  pass->mask = plan->pass.inference.mask;
  pass->n_layers = pass->stack->n_layers;
  pass->has_inputs = pass->has_norm = pass->has_head = TRUE;
}

/*
 * hr_training_critic_finish:
 * @plan: a plan, of which everything else is resolved
 *
 * Hands the models beside a policy to the step.
 */
void
hr_training_critic_finish (HrTrainingPlan *plan)
{
  HrGrpoJob *job;
  HrTraining *training = &plan->training;

  if (!has_critic (plan))
    return;

  job = HR_GRPO_JOB (plan->job);
  fill_in (plan, &plan->critic.inference);
  fill_in (plan, &plan->reward.inference);
  training->element = plan->pass.element;
  training->critic_element = plan->critic.element;
  training->reward_element = plan->reward.element;
  training->quantization = plan->pass.quantization;
  training->upcast = plan->pass.storage.upcast;
  training->critic = &plan->critic.inference;
  training->critic_tuning = training->critic_shares ? plan->tuning : plan->critic_tuning;
  if (hr_grpo_job_get_reward_model (job) != HR_REWARD_MODEL_ELSEWHERE)
    training->reward = &plan->reward.inference;
  training->rollout_batch = hr_grpo_job_get_rollout_batch_size (job);
  training->n_mini_batches = hr_grpo_job_get_num_mini_batches (job);
  training->n_epochs = hr_grpo_job_get_num_iterations (job);
  training->caches = TRUE;
}

/* What a head alone takes. */
static guint64
get_head_bytes (const HrInferencePlan *scorer)
{
  g_autoptr (HrTrainables) head = list_head (scorer);

  return hr_trainables_get_bytes (head, FALSE);
}

static gboolean
has_own_reward (const HrTrainingPlan *plan)
{
  return hr_grpo_job_get_reward_model (HR_GRPO_JOB (plan->job)) == HR_REWARD_MODEL_OWN;
}

/*
 * hr_training_critic_measure:
 * @plan: a plan
 *
 * Finds out what the weights of the models beside a policy take.
 */
void
hr_training_critic_measure (HrTrainingPlan *plan)
{
  HrTraining *training = &plan->training;
  HrWeights weights;

  if (!has_critic (plan))
    return;

  hr_weights_init_model (&weights, &plan->critic.storage);
  training->critic_bytes = training->critic_shares ? get_head_bytes (&plan->critic) : weights.bytes;
  if (training->reward == NULL)
    return;

  hr_weights_init_model (&weights, &plan->reward.storage);
  training->reward_bytes = has_own_reward (plan) ? weights.bytes : get_head_bytes (&plan->reward);
}

/*
 * hr_training_critic_add_all:
 * @plan: a plan
 * @parameters: the parameters of the policy
 *
 * Appends all parameters that the value model has of its own.
 */
void
hr_training_critic_add_all (const HrTrainingPlan *plan,
                            HrTrainables         *parameters)
{
  g_autoptr (HrTrainables) own = NULL;

  if (!has_critic (plan))
    return;

  own = plan->training.critic_shares ? list_head (&plan->critic)
                                     : hr_trainables_new_for_model (plan->critic.model, plan->critic.element);
  append (parameters, own);
}

/*
 * hr_training_critic_load:
 * @plan: a plan
 * @heap: a heap
 *
 * Puts the weights of the models beside a policy on a heap.
 */
void
hr_training_critic_load (const HrTrainingPlan *plan,
                         HrHeap               *heap)
{
  if (!has_critic (plan))
    return;

  if (plan->training.critic_shares)
    hr_heap_take (heap, plan->training.critic_bytes);
  else
    hr_weights_load (&plan->critic.storage, heap);
  if (plan->training.reward != NULL && has_own_reward (plan))
    hr_weights_load (&plan->reward.storage, heap);
  else
    hr_heap_take (heap, plan->training.reward_bytes);
}

/*
 * hr_training_critic_add_component:
 * @plan: a plan
 * @estimate: an estimate
 * @id: whose weights they are
 * @bytes: what they take
 *
 * Adds the part of the peak that the weights of a model beside the policy take.
 */
void
hr_training_critic_add_component (const HrTrainingPlan *plan,
                                  HrEstimate           *estimate,
                                  HrComponentId         id,
                                  guint64               bytes)
{
  gboolean is_value = id == HR_COMPONENT_VALUE_MODEL;
  gboolean is_head = is_value ? plan->training.critic_shares : !has_own_reward (plan);
  const HrInferencePlan *scorer = is_value ? &plan->critic : &plan->reward;
  HrWeights weights;

  hr_weights_init_model (&weights, &scorer->storage);
  if (is_head)
    weights = (HrWeights) { .bytes = bytes, .other_elements = bytes / hr_element_get_bytes (scorer->element) };
  hr_estimate_add_weights (estimate, 0, id, &scorer->storage, &weights, bytes);
}
