/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-plan.h"

#include "hr-grpo-job-private.h"
#include "hr-inference-cache.h"
#include "hr-job-enums.h"
#include "hr-layer-wise.h"
#include "hr-message.h"
#include "hr-pass.h"
#include "hr-pipeline-schedule.h"
#include "hr-precision-recipe.h"
#include "hr-replay-torchtitan.h"
#include "hr-sharding-flat.h"
#include "hr-sharding-stacks.h"
#include "hr-sharding-stage.h"
#include "hr-sharding-unit.h"
#include "hr-training-actor.h"
#include "hr-training-check.h"
#include "hr-training-colossalai.h"
#include "hr-training-critic.h"
#include "hr-training-float8.h"
#include "hr-training-images.h"
#include "hr-training-loss.h"
#include "hr-training-openrlhf.h"
#include "hr-training-packing.h"
#include "hr-training-profile.h"
#include "hr-training-quantized.h"
#include "hr-training-savers.h"
#include "hr-training-shard.h"
#include "hr-training-tensor.h"
#include "hr-training-tuning.h"
#include "hr-training-ulysses.h"
#include "hr-training-unsloth.h"
#include "hr-training-verl.h"
#include "hr-training-zero.h"
#include "hr-tower.h"

/* What an optimizer keeps where the figures of a device do not show it, and what of it is not known. */
static void
warn_of_optimizer (HrTrainingPlan  *self,
                   HrOptimizerKind  kind)
{
  if (self->training.optimizer.paged_bytes > 0)
    {
      g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, self->training.optimizer.paged_bytes >> 20);

      hr_inference_plan_warn (&self->pass,
                              N_("%s MiB of the optimizer’s states are in paged memory, which the driver moves "
                                 "between the device and the host: they are not counted"),
                              size);
    }
  if (kind == HR_OPTIMIZER_KIND_ADAMW_4BIT)
    hr_inference_plan_warn (&self->pass,
                            N_("torchao compiles the step of its optimizers: what the compiled kernels make for a "
                               "while is not known, and not counted"));
}

/* A hook steps a parameter as soon as it has a gradient, so that none can be added up. */
static gboolean
check_fused (HrTrainingPlan  *self,
             GError         **error)
{
  g_autofree char *number = NULL;

  if (self->training.optimizer.fused == NULL || self->training.accumulation_steps == 1)
    return TRUE;

  number = g_strdup_printf ("%" G_GUINT64_FORMAT, self->training.accumulation_steps);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("gradient-accumulation-steps: expected 1, as this optimizer uses each gradient in the "
                           "backward pass; found %s"), number);

  return FALSE;
}

static guint64
count_heads (const HrStack *stack)
{
  const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[0]);

  return attention != NULL ? attention->num_attention_heads : 0;
}

/* torch/amp/grad_scaler.py: the scale and how many steps it has stood, both on the device. */
#define SCALER_BYTES (2 * hr_ledger_round (sizeof (float)))

static gboolean
has_16_bits (const HrTrainables *parameters)
{
  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      if (hr_element_get_bytes (hr_trainables_get_item (parameters, i)->element) < sizeof (float))
        return TRUE;
    }

  return FALSE;
}

/* The largest tensor of those that are trained, in fp32. */
static guint64
get_largest_bytes (const HrTrainables *parameters)
{
  guint64 n_largest = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    n_largest = MAX (n_largest, hr_trainables_get_item (parameters, i)->n_elements);

  return hr_ledger_round (n_largest * sizeof (float));
}

static void
resolve_gradients (HrTrainingPlan  *self,
                   HrGradientDtype  dtype,
                   guint64          n_elements)
{
  HrTraining *training = &self->training;
  guint64 bytes = hr_ledger_round (n_elements * sizeof (float));

  switch (dtype)
    {
    case HR_GRADIENT_DTYPE_FLOAT32:
      training->main_gradient_bytes = bytes;
      break;

    case HR_GRADIENT_DTYPE_BOTH:
      training->summed_gradient_bytes = bytes;
      training->largest_gradient_bytes = get_largest_bytes (self->parameters);
      break;

    case HR_GRADIENT_DTYPE_SAME:
    default:
      training->copied_gradient_bytes = hr_trainables_get_bytes (self->masters, FALSE);
      break;
    }
}

/*
 * DeepSpeed adds no gradients up in fp32 but beside those of bfloat16 (BF16_Optimizer of
 * deepspeed/runtime/bf16_optimizer.py, DeepSpeedEngine._do_optimizer_sanity_check).
 */
static gboolean
check_gradients_of_framework (const HrTrainingPlan     *self,
                              const HrTrainingProfile  *profile,
                              GError                  **error)
{
  gboolean is_bfloat16 = self->pass.element == HR_ELEMENT_BFLOAT16;
  HrGradientDtype dtype = hr_training_job_get_gradient_dtype (self->job);
  g_autofree char *found = NULL;

  if (!profile->flattens_gradients || dtype == HR_GRADIENT_DTYPE_SAME ||
      (dtype == HR_GRADIENT_DTYPE_BOTH && is_bfloat16))
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (self->job), "gradient-dtype");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a framework, values of a setting, and another value */
                        N_("gradient-dtype: expected what %s has for parameters of this data type, %s; found %s"),
                        profile->name, is_bfloat16 ? "same, both" : "same", found);

  return FALSE;
}

/*
 * Lists what a rank of a distributed optimizer steps. That of Muon deals out matrices whole
 * (_get_megatron_emerging_optimizer of megatron/core/optimizer/__init__.py).
 */
static HrTrainables *
share (const HrTrainingPlan      *self,
       const HrOptimizerSettings *settings,
       const HrTrainables        *parameters,
       guint64                   *n_padding)
{
  guint64 n_ranks = hr_layout_count_sharers (&self->layout);
  guint64 n_expert_ranks = hr_layout_count_expert_sharers (&self->layout);

  if (settings->kind == HR_OPTIMIZER_KIND_MUON)
    return hr_layer_wise_list (settings, parameters, n_ranks, n_expert_ranks, n_padding);

  *n_padding = 0;

  return hr_trainables_new_shared (parameters, n_ranks, n_expert_ranks);
}

/*
 * Copies in fp32 beside parameters of 16 bits, and gradients in fp32 for them, as Megatron-LM has both. All that needs
 * a gradient has a copy, and a place in the buffer of gradients: that is zero where none comes, and is stepped all the
 * same. Without the buffer, what has no gradient is not stepped (Float16OptimizerWithFloat16Params in
 * megatron/core/optimizer/optimizer.py).
 */
static gboolean
resolve_masters (HrTrainingPlan             *self,
                 const HrTrainingProfile    *profile,
                 const HrOptimizerSettings  *settings,
                 GError                    **error)
{
  HrGradientDtype dtype = hr_training_job_get_gradient_dtype (self->job);
  HrTraining *training = &self->training;
  guint64 n;

  if (hr_training_job_get_master_dtype (self->job) == HR_MASTER_DTYPE_NONE)
    {
      g_autofree char *found = hr_job_get_as_string (HR_JOB (self->job), "gradient-dtype");

      if (dtype == HR_GRADIENT_DTYPE_SAME || !has_16_bits (self->parameters))
        return TRUE;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("gradient-dtype: expected same, as gradients in float32 are kept for master weights "
                               "only (master-dtype float32); found %s"), found);
      return FALSE;
    }

  if ((!has_16_bits (self->parameters) && !hr_training_zero_is_used (self)) ||
      self->autocast != HR_ELEMENT_NONE)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("master-dtype: expected none, as the parameters that are trained are in float32 "
                               "themselves; found float32"));
      return FALSE;
    }

  if (!check_gradients_of_framework (self, profile, error))
    return FALSE;

  self->masters = hr_trainables_new_in_fp32 (dtype != HR_GRADIENT_DTYPE_SAME || hr_training_zero_is_used (self)
                                               ? self->parameters : self->reached);
  n = hr_training_zero_is_used (self) ? hr_trainables_get_n_elements (self->parameters)
                                      : hr_trainables_get_n_16_bit_elements (self->parameters);
  training->master_bytes = hr_ledger_round (n * sizeof (float));
  if (hr_training_zero_divides_parameters (self))
    {
      hr_trainables_free (self->masters);
      self->masters = hr_training_zero_list_parts (self);
      training->master_bytes = hr_trainables_get_bytes (self->masters, FALSE);
    }
  else if ((self->layout.zero_stage > 0 || hr_training_zero_is_bf16_optimizer (self)) && self->layout.n_ranks > 1)
    {
      HrTrainables *all = g_steal_pointer (&self->masters);
      guint64 n_padding;

      self->masters = share (self, settings, all, &n_padding);
      training->buffer_bytes += n_padding * hr_element_get_bytes (self->pass.element);
      n += n_padding;
      training->master_bytes = hr_trainables_get_bytes (self->masters, FALSE);
      hr_trainables_free (all);
    }
  training->flattens_gradients = profile->flattens_gradients;
  resolve_gradients (self, dtype, n);

  return TRUE;
}

/*
 * DistributedOptimizer of megatron/core/optimizer/distrib_optimizer.py steps parameters that are in fp32 themselves as
 * they are (shard_fp32_groups): of the states each rank has a part, of the parameters no copy.
 */
static gboolean
shares_wide_parameters (const HrTrainingPlan *self)
{
  return hr_training_job_get_framework (self->job) == HR_TRAINING_FRAMEWORK_MEGATRON_LM &&
         self->layout.zero_stage > 0 && self->layout.n_ranks > 1 && !has_16_bits (self->parameters);
}

static gboolean
resolve_optimizer (HrTrainingPlan           *self,
                   const HrTrainingProfile  *profile,
                   GError                  **error)
{
  HrOptimizerSettings settings = {
    .kind = hr_training_job_get_optimizer (self->job), .rank = hr_training_job_get_optimizer_rank (self->job),
    .fp32_embeddings = profile->fp32_embeddings,
    .is_megatron = hr_training_job_get_framework (self->job) == HR_TRAINING_FRAMEWORK_MEGATRON_LM,
  };
  const HrTrainables *stepped;
  guint64 n_padding;

  settings.implementation =
    hr_training_profile_get_implementation (profile, settings.kind,
                                            hr_training_job_get_optimizer_implementation (self->job));
  self->implementation = settings.implementation;
  settings.n_heads = count_heads (self->pass.stack);
  if (!resolve_masters (self, profile, &settings, error))
    return FALSE;

  if (self->training.sharding.has_units)
    stepped = self->flat = hr_sharding_list_units (&self->training.sharding, self->reached);
  else if (self->training.sharding.is_flat)
    stepped = self->flat = hr_sharding_list_flat (&self->training.sharding, self->pass.model,
                                                  &(HrStepped) { hr_training_plan_get_reach (self), self->tuning });
  else if (self->training.sharding.n_ranks > 1)
    stepped = self->flat = hr_sharding_list_parts (&self->training.sharding, self->reached);
  else if (self->training.policy_code == HR_POLICY_CODE_OPENRLHF && !hr_training_zero_is_used (self))
    stepped = self->flat = hr_training_openrlhf_list_flat (self->reached);
  else if (self->masters == NULL && shares_wide_parameters (self))
    stepped = self->flat = share (self, &settings, self->reached, &n_padding);
  else
    stepped = self->masters != NULL ? self->masters : self->reached;
  if (!hr_optimizer_check (&settings, stepped, error))
    return FALSE;

  hr_optimizer_init (&self->training.optimizer, &settings, stepped);
  if (self->training.sharding.is_flat)
    self->training.n_gradients = hr_trainables_get_n_parameters (stepped);
  if (self->training.sharding.is_offloaded)
    self->training.optimizer.state_bytes = self->training.optimizer.step_bytes = self->training.n_gradients = 0;
  warn_of_optimizer (self, settings.kind);

  return check_fused (self, error);
}

static HrElement
get_autocast (HrAutocast autocast)
{
  switch (autocast)
    {
    case HR_AUTOCAST_BFLOAT16:
      return HR_ELEMENT_BFLOAT16;

    case HR_AUTOCAST_FLOAT16:
      return HR_ELEMENT_FLOAT16;

    case HR_AUTOCAST_NONE:
    default:
      return HR_ELEMENT_NONE;
    }
}

/* What the attention of the flash-attn package casts queries of fp32 to (get_target_dtype). */
static HrElement
get_cast (const HrTrainingPlan *self)
{
  if (self->autocast != HR_ELEMENT_NONE || self->pass.quantization == HR_QUANTIZATION_NONE)
    return self->autocast;

  return self->quantized_element;
}

/*
 * Where answers come from, and how often: GRPOTrainer._generate_and_score_completions of trl/trainer/grpo_trainer.py
 * has the policy read its own answers where they are used after it was trained, and whatever vLLM has written
 * (vllm_importance_sampling_correction).
 */
static void
resolve_rollout (HrTrainingPlan *self,
                 HrGrpoJob      *job)
{
  HrTraining *training = &self->training;
  guint64 accumulation_steps = hr_training_job_get_gradient_accumulation_steps (self->job);

  training->rollout = hr_grpo_job_get_rollout (job);
  training->generation_steps = hr_grpo_job_get_steps_per_generation (job);
  if (training->generation_steps == 0)
    training->generation_steps = accumulation_steps;
  training->generation_interval = training->generation_steps * hr_grpo_job_get_num_iterations (job);
  training->reads_own_answers = accumulation_steps % training->generation_interval != 0 ||
                                training->rollout == HR_ROLLOUT_VLLM_COLOCATED ||
                                training->rollout == HR_ROLLOUT_VLLM_SERVER;
  /* PPOTrainer answers all prompts of a step itself (batch_generation of trl/experimental/ppo/ppo_trainer.py). */
  if (training->algorithm == HR_ALGORITHM_PPO)
    {
      training->rollout = HR_ROLLOUT_TRANSFORMERS;
      training->generation_steps = training->generation_interval = accumulation_steps;
      training->reads_own_answers = FALSE;
    }
  /* OnlineDPOTrainer.training_step of trl/experimental/online_dpo: each micro-batch is answered when it comes. */
  if (training->algorithm == HR_ALGORITHM_ONLINE_DPO)
    {
      training->generation_steps = training->generation_interval = 1;
      training->reads_own_answers = FALSE;
    }
  training->engine_sleeps = training->rollout == HR_ROLLOUT_VLLM_COLOCATED &&
                            hr_grpo_job_get_rollout_sleep (job) != HR_ROLLOUT_SLEEP_NONE;
  if (training->rollout == HR_ROLLOUT_NONE)
    hr_inference_plan_warn (&self->pass, N_("The answers are assumed to be generated on another device, so that "
                                            "nothing of that is counted here"));
  if (training->rollout == HR_ROLLOUT_VLLM_SERVER)
    hr_inference_plan_warn (&self->pass, N_("The vLLM server is on other GPUs: what the trainer and it exchange "
                                            "weights through (NCCL) is not known, and not counted"));
}

/*
 * Of pairs there are twice as many sequences. Answers stand behind their prompts, whose tokens have no loss; the first
 * token of a sequence has none either.
 */
static gboolean
resolve_answers (HrTrainingPlan  *self,
                 GError         **error)
{
  HrInference *inference = &self->pass.inference;
  HrGrpoJob *job = HR_GRPO_JOB (self->job);

  self->training.algorithm = hr_grpo_job_get_algorithm (job);
  if (self->training.algorithm == HR_ALGORITHM_SFT)
    return TRUE;

  if (inference->encoder != NULL ||
      (self->pass.stack->role != HR_STACK_DECODER && self->training.algorithm != HR_ALGORITHM_REWARD))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a model. */
                            N_("“%s”: expected a model that writes on what it has read, with a decoder alone"),
                            hr_model_get_name (self->pass.model));
      return FALSE;
    }

  self->training.has_reference = hr_grpo_job_get_reference_model (job) &&
                                 hr_algorithm_has_reference (self->training.algorithm);
  inference->batch *= hr_algorithm_is_preference (self->training.algorithm) ? 2 : 1;
  if (!hr_algorithm_generates (self->training.algorithm))
    {
      self->training.completion = MAX (inference->prompt, 2) - 1;
      return TRUE;
    }

  resolve_rollout (self, job);
  self->training.completion = hr_grpo_job_get_completion_length (job);
  inference->prompt = hr_grpo_job_get_prompt_length (job) + self->training.completion;

  return TRUE;
}

/* Every position has a loss. A model of two stacks reads and writes texts of the same length. */
static gboolean
resolve_pass (HrTrainingPlan  *self,
              GError         **error)
{
  HrInference *inference = &self->pass.inference;

  inference->batch = hr_training_job_get_micro_batch_size (self->job);
  inference->prompt = hr_training_job_get_sequence_length (self->job) / self->layout.context;
  inference->all_logits = TRUE;
  if (HR_IS_GRPO_JOB (self->job) && !resolve_answers (self, error))
    return FALSE;
  if (inference->encoder != NULL)
    hr_inference_plan_resolve_source (&self->pass, inference->prompt, "sequence-length");

  return hr_inference_plan_resolve_attention (&self->pass, HR_JOB (self->job), get_cast (self), error);
}

static gboolean
take_media (HrTrainingPlan  *self,
            HrMedia         *media,
            GError         **error)
{
  /* Trainers that compare answers ask for no cache. */
  self->training.caches = self->training.algorithm == HR_ALGORITHM_SFT;

  if (!hr_training_images_check (self, media, error) || !hr_inference_plan_take_media (&self->pass, media, error))
    return FALSE;

  if (hr_training_zero_casts_inputs (self))
    hr_media_cast_pixels (self->pass.media);

  return hr_training_images_resolve (self, error);
}

/*
 * hr_training_plan_get_reach:
 * @self: a plan
 *
 * Returns: what the batch has, and so which towers it passes
 */
HrReach
hr_training_plan_get_reach (const HrTrainingPlan *self)
{
  const HrMedia *media = self->pass.media;
  HrReach reach = HR_REACH_TEXT;

  for (guint i = 0; media != NULL && i < media->items->len; i++)
    {
      HrMediumKind kind = g_array_index (media->items, HrMediumTokens, i).kind;

      reach |= kind == HR_MEDIUM_AUDIO ? HR_REACH_SOUNDS : HR_REACH_IMAGES;
      if (kind == HR_MEDIUM_IMAGE)
        reach |= HR_REACH_STILL_IMAGES;
    }

  return reach;
}

static void
warn_of_unreached (HrTrainingPlan *self)
{
  gboolean has_router = FALSE, has_others = FALSE, has_cross = FALSE, has_passed_by = FALSE;

  for (guint i = 0; i < hr_trainables_get_n_items (self->parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (self->parameters, i);

      has_router |= parameter->is_unreached && parameter->role == HR_TENSOR_ROLE_ROUTER && parameter->is_added;
      has_cross |= parameter->is_unreached && parameter->role != HR_TENSOR_ROLE_ROUTER &&
                   parameter->stack == HR_STACK_DECODER;
      has_others |= !hr_trainable_gets_gradient (parameter, hr_training_plan_get_reach (self)) &&
                    parameter->stack != HR_STACK_DECODER;
      has_passed_by |= parameter->is_of_images && parameter->stack == HR_STACK_DECODER &&
                       !hr_trainable_gets_gradient (parameter, hr_training_plan_get_reach (self));
    }

  if (has_router)
    hr_inference_plan_warn (&self->pass, N_("The layers read the router’s matrix and do not call its module: what PEFT "
                                            "adds to it gets no gradient, and the optimizer keeps nothing for it"));
  if (has_cross)
    hr_inference_plan_warn (&self->pass, N_("The class is a decoder alone, and the batch brings no encoder’s output: "
                                            "the attention to it is loaded and is not computed, its parameters get "
                                            "no gradient, and the optimizer keeps nothing for them"));
  if (has_passed_by)
    hr_inference_plan_warn (&self->pass, N_("Text alone passes by the layers that attend to images: what of them is "
                                            "trained gets no gradient, and the optimizer keeps nothing for it"));
  if (has_others)
    hr_inference_plan_warn (&self->pass, N_("The batch is assumed to be of text: what of the vision and audio towers "
                                            "is trained gets no gradient, and the optimizer keeps nothing for it"));
}

/* Images and sounds are not part of the batch. A loss that depends on nothing that is trained has no backward pass. */
static gboolean
check_reached (HrTrainingPlan  *self,
               GError         **error)
{
  guint n_reached = hr_trainables_get_n_items (self->reached);

  if (n_reached == hr_trainables_get_n_items (self->parameters))
    return TRUE;

  if (n_reached == 0)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a model. */
                            N_("“%s”: expected something to train in what a batch of text passes; found only "
                               "parameters of its vision or audio towers"),
                            hr_model_get_name (self->pass.model));
      return FALSE;
    }

  warn_of_unreached (self);

  return TRUE;
}

/* Virtual tokens before a text whose tokens are counted by others: by a processor, or by a trainer of answers. */
static gboolean
check_virtual_tokens (HrTrainingPlan  *self,
                      GError         **error)
{
  g_autofree char *method = NULL;

  if (hr_tuning_get_n_virtual (self->tuning) == 0 ||
      (self->pass.media == NULL && self->training.algorithm == HR_ALGORITHM_SFT))
    return TRUE;

  method = hr_job_get_as_string (HR_JOB (self->job), "fine-tuning-method");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("fine-tuning-method: expected one without virtual tokens, as the batch has images, sounds "
                           "or answers; found %s"), method);

  return FALSE;
}

static gboolean
resolve_parameters (HrTrainingPlan  *self,
                    GError         **error)
{
  if (HR_IS_FINE_TUNING_JOB (self->job) &&
      !hr_training_tuning_resolve (&self->pass, HR_FINE_TUNING_JOB (self->job), &self->tuning, error))
    return FALSE;

  if (self->training.layer_code == HR_LAYER_CODE_TORCHTITAN)
    self->all = hr_torchtitan_list_parameters (self->pass.model, self->training.sharding.element);
  else if (self->tuning == NULL)
    self->all = hr_trainables_new_for_model (self->pass.model, self->training.sharding.is_sharded
                                                                 ? self->training.sharding.element
                                                                 : self->pass.element);
  self->parameters = self->tuning != NULL ? hr_tuning_get_trainables (self->tuning) : self->all;
  if (!hr_training_critic_resolve (self, error))
    return FALSE;

  self->reached = hr_trainables_new_reached (self->parameters, hr_training_plan_get_reach (self));
  self->training.tuning = self->tuning;
  self->pass.inference.prompt += hr_tuning_get_n_embedded (self->tuning);

  return check_virtual_tokens (self, error) && check_reached (self, error);
}

/* TRL has a class for each algorithm. */
static const char *
get_trainer_name (const HrTrainingPlan    *self,
                  const HrTrainingProfile *profile)
{
  if (hr_training_job_get_framework (self->job) == HR_TRAINING_FRAMEWORK_TRL &&
      self->training.algorithm != HR_ALGORITHM_SFT)
    return "TRL";

  return profile->name;
}

/* What PPOTrainer of TRL does that nobody would expect. */
static void
warn_of_ppo (HrTrainingPlan *self)
{
  hr_inference_plan_warn (&self->pass,
                          N_("PPO is counted as TRL’s PPOTrainer runs it: the scores of all answers over the whole "
                             "vocabulary stay from their generation until the next step’s are there, and all models "
                             "return the hidden states of all layers"));
  if (hr_training_job_get_gradient_checkpointing (self->job) != HR_GRADIENT_CHECKPOINTING_NONE)
    hr_inference_plan_warn (&self->pass,
                            N_("PPOTrainer does not turn gradient checkpointing on: the policy and the value model are "
                               "assumed to have it on before they are handed over"));
}

/* What of the answers is not said where KTOTrainer of TRL reads them. */
static void
warn_of_kto (HrTrainingPlan *self)
{
  if (self->training.algorithm != HR_ALGORITHM_KTO || !self->training.logs_metrics)
    return;

  if (self->training.trl_release >= HR_TRL_RELEASE_1_6)
    hr_inference_plan_warn (&self->pass, N_("KTO is counted as TRL’s KTOTrainer runs it from 1.9 on: its log copies "
                                            "the logits of good and of bad answers, of which there are assumed to be "
                                            "as many"));
}

/* What the framework does without being asked to. */
static void
apply_profile (HrTrainingPlan          *self,
               const HrTrainingProfile *profile)
{
  /* PPOTrainer.train steps without accelerator.clip_grad_norm_. */
  if (profile->clips_gradients && self->training.algorithm != HR_ALGORITHM_PPO)
    self->training.clipping = TRUE;
  if (profile->fp32_outputs && self->autocast != HR_ELEMENT_NONE)
    self->training.fp32_outputs = TRUE;
  if ((profile->passes_mask || self->training.algorithm != HR_ALGORITHM_SFT) &&
      self->pass.inference.mask == HR_ATTENTION_MASK_NONE && self->pass.inference.examples == 0)
    self->pass.inference.mask = HR_ATTENTION_MASK_ONES;
  self->training.logs_metrics = profile->logs_metrics;
  self->training.trl_release = hr_training_job_get_trl_release (self->job);
  warn_of_kto (self);
  if (self->training.algorithm == HR_ALGORITHM_PPO)
    warn_of_ppo (self);
  else if (profile->passes_mask && profile->clips_gradients && profile->fp32_outputs)
    /* Translators: the place is the name of a class, such as transformers.Trainer */
    hr_inference_plan_warn (&self->pass,
                            N_("%s passes the mask of the batch on, limits the norm of the gradients, and casts what "
                               "the model returns to fp32 under autocast: all of it is counted"),
                            get_trainer_name (self, profile));
}

/* The recipe of a framework that trains parameters of 16 bits in no other way. */
static void
warn_of_recipe (HrTrainingPlan          *self,
                const HrTrainingProfile *profile,
                gboolean                 is_chosen)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (HR_TYPE_PRECISION_RECIPE);

  if (is_chosen || hr_training_job_get_master_dtype (self->job) == HR_MASTER_DTYPE_NONE)
    return;

  hr_inference_plan_warn (&self->pass,
                          /* Translators: the places are a framework and the name of a recipe, such as mixed-16. */
                          N_("%s keeps master weights in fp32 beside parameters of 16 bits: the precision recipe %s is "
                             "counted"),
                          profile->name, g_enum_get_value (enum_class, profile->recipe)->value_nick);
}

/* SFTConfig has defaults of its own (trl/trainer/sft_config.py, from 0.22 on), which a job does not take by itself. */
static void
warn_of_defaults (HrTrainingPlan *self)
{
  if (hr_training_job_get_framework (self->job) != HR_TRAINING_FRAMEWORK_TRL ||
      hr_training_job_get_trl_release (self->job) < HR_TRL_RELEASE_0_22 ||
      self->training.algorithm != HR_ALGORITHM_SFT)
    return;

  if (hr_training_job_get_gradient_checkpointing (self->job) == HR_GRADIENT_CHECKPOINTING_NONE)
    hr_inference_plan_warn (&self->pass, N_("SFTConfig turns gradient checkpointing on where nothing else is said: the "
                                            "estimate is without it, as gradient-checkpointing is none"));
  if (self->autocast == HR_ELEMENT_NONE && !hr_training_zero_is_used (self))
    hr_inference_plan_warn (&self->pass, N_("SFTConfig turns bf16 on where nothing else is said: the estimate is "
                                            "without it, as autocast is none"));
  if (hr_training_job_get_trl_release (self->job) >= HR_TRL_RELEASE_1_6 && self->training.liger == NULL &&
      !hr_loss_implementation_reads_head (self->training.loss_implementation))
    hr_inference_plan_warn (&self->pass, N_("SFTConfig computes the loss of 256 tokens at a time (chunked_nll) where "
                                            "nothing else is said: the estimate is for loss_type nll, as "
                                            "loss-implementation is not chunked-nll"));
}

/* What the framework would not start: the memory is that of the job as it is set all the same. */
static void
warn_of_refusal (HrTrainingPlan *self)
{
  char *refusal = HR_IS_GRPO_JOB (self->job) ? hr_grpo_job_dup_refusal (HR_GRPO_JOB (self->job), self->layout.n_ranks)
                                             : NULL;

  if (refusal != NULL)
    g_ptr_array_add (self->pass.warnings, refusal);
}

/* Gradients that are used in the backward pass, or added into a buffer there, are not there when it is over. */
static void
resolve_zero_grad (HrTrainingPlan *self)
{
  self->training.zero_grad = hr_training_job_get_zero_grad (self->job);
  self->training.gradient_bytes = hr_trainables_get_bytes (self->flat != NULL ? self->flat : self->parameters, FALSE);
  if (self->training.optimizer.fused != NULL || self->training.main_gradient_bytes > 0)
    self->training.zero_grad = HR_ZERO_GRAD_AFTER_STEP;
}

/* The table of tokens and the head have rows for tokens that never come (vocab_size_with_padding). */
static void
warn_of_padding (HrTrainingPlan *self)
{
  const HrBlock *token = hr_chain_find_block (&hr_model_get_stack (self->model, 0)->embeddings,
                                              HR_BLOCK_TOKEN_EMBEDDING);
  guint64 n_added = token != NULL ? hr_layout_count_padding (&self->layout, token->token_embedding.vocab_size) : 0;
  g_autofree char *rows = NULL;

  if (n_added == 0)
    return;

  rows = g_strdup_printf ("%" G_GUINT64_FORMAT, n_added);
  hr_inference_plan_warn (&self->pass, N_("Megatron-LM pads the vocabulary to a multiple of 128 for each rank that has "
                                          "a part of it: %s rows more of the embedding and of the logits are counted"),
                          rows);
}

/*
 * Parameters are held in fp32 (training.dtype of torchtitan/config/configs.py) unless the job says otherwise, and
 * computed with in bfloat16 (mixed_precision_param).
 */
static void
shard (HrTrainingPlan *self)
{
  HrInferencePlan *pass = &self->pass;
  gboolean is_narrow = hr_job_get_dtype (HR_JOB (self->job)) == HR_DTYPE_BFLOAT16;

  pass->storage.dtype = is_narrow ? HR_DTYPE_BFLOAT16 : HR_DTYPE_FLOAT32;
  pass->element = HR_ELEMENT_BFLOAT16;
  hr_sharding_init (&self->training.sharding, pass->model, is_narrow ? HR_ELEMENT_BFLOAT16 : HR_ELEMENT_FLOAT32,
                    HR_ELEMENT_BFLOAT16,
                    hr_layout_count_sharers (&self->layout) /
                    hr_training_job_get_data_parallel_replicas (self->job));
  self->training.sharding.has_replicas = hr_training_job_get_data_parallel_replicas (self->job) > 1;
  self->training.sharding.n_layers = pass->stack->n_layers;
  self->training.sharding.is_staged = self->layout.is_torch;
  self->training.sharding.stays_gathered = !self->layout.is_torch && self->training.sharding.n_ranks > 1 &&
                                           hr_training_job_get_fsdp (self->job) == HR_FSDP_SHARD_GRAD_OP;
  hr_sharding_list_sizes (&self->training.sharding, pass->model);
  self->training.buffer_bytes = hr_torchtitan_get_buffer_bytes (pass->stack,
                                                                 hr_training_job_get_sequence_length (self->job));
  hr_inference_plan_warn (pass, N_("torchtitan: fully_shard, VarlenAttention by torch’s flash kernel "
                                   "and CrossEntropyLoss over all logits at once are counted, without CUDA graphs and "
                                   "without torch.compile; its configurations compute the loss in 8 chunks and capture "
                                   "CUDA graphs where nothing else is said"));
  if (self->layout.context > 1)
    hr_inference_plan_warn (pass, N_("torchtitan: ranks that share a sequence are counted with FlexAttention, which it "
                                     "compiles, as it refuses VarlenAttention there: each gathers the keys and values "
                                     "of all tokens, layer by layer, and has a mask of blocks of 128 tokens; what "
                                     "making that mask takes before the forward pass is not counted"));
  if (self->layout.tensor > 1)
    hr_inference_plan_warn (pass, N_("torchtitan: ranks that share a layer are counted with spmd_types, the backend "
                                     "that it takes by itself, where what they hold is plain tensors, and each "
                                     "computes the loss of its part of the vocabulary"));
  if (self->layout.tensor > 1 && !self->layout.divides_sequence)
    hr_inference_plan_warn (pass, N_("torchtitan divides what stands between the matrices of a layer by tokens "
                                     "unless it is told not to (parallelism.enable_sequence_parallel): set "
                                     "sequence-parallel, which is off here, to count that"));
}

/* Each rank has as many tokens. */
static gboolean
share_tokens (HrTrainingPlan  *self,
              GError         **error)
{
  guint64 length = self->pass.inference.prompt;
  guint64 n_ranks = self->layout.tensor * self->layout.context;
  g_autofree char *ranks = NULL;
  g_autofree char *found = NULL;

  self->training.sequence_share = length / self->layout.tensor;
  if (length % self->layout.tensor == 0)
    return TRUE;

  ranks = g_strdup_printf ("%" G_GUINT64_FORMAT, n_ranks);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, length * self->layout.context);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("sequence-length: expected a multiple of %s, as the tokens of a sequence are divided among "
                           "as many GPUs; found %s"), ranks, found);

  return FALSE;
}

/*
 * Megatron-LM's attention makes its causal mask itself: eager stands for its local specification (--transformer-impl
 * local), sdpa for that of Transformer Engine, sdpa-math for its attention without a kernel (--attention-backend
 * unfused).
 */
static gboolean
check_layers (HrTrainingPlan  *self,
              GError         **error)
{
  HrInference *inference = &self->pass.inference;

  if (hr_training_job_get_framework (self->job) == HR_TRAINING_FRAMEWORK_MEGATRON_LM)
    self->training.layer_code = inference->attention == HR_ATTENTION_IMPLEMENTATION_EAGER
                                ? HR_LAYER_CODE_MEGATRON_LOCAL
                                : HR_LAYER_CODE_MEGATRON_TE;
  if (hr_training_job_get_framework (self->job) == HR_TRAINING_FRAMEWORK_TORCHTITAN)
    self->training.layer_code = HR_LAYER_CODE_TORCHTITAN;
  if (!hr_training_check_layers (self, error) || (self->layout.divides_sequence && !share_tokens (self, error)))
    return FALSE;

  if (hr_training_job_get_framework (self->job) == HR_TRAINING_FRAMEWORK_UNSLOTH)
    return hr_training_unsloth_take_model (self, error);
  if (self->training.layer_code == HR_LAYER_CODE_TRANSFORMERS)
    return hr_training_verl_shard (self, error) && hr_training_shard_resolve (self, error);

  if (inference->attention != HR_ATTENTION_IMPLEMENTATION_SDPA_MATH)
    inference->attention = HR_ATTENTION_IMPLEMENTATION_SDPA;
  inference->mask = HR_ATTENTION_MASK_NONE;
  if (self->training.layer_code == HR_LAYER_CODE_TORCHTITAN)
    shard (self);
  else
    warn_of_padding (self);

  return TRUE;
}

/* Checkpoints within checkpoints, and values that some operators keep, need the one that is not reentrant. */
static gboolean
check_reentrant (const HrCheckpointing  *checkpointing,
                 GError                **error)
{
  if (checkpointing->kind != HR_CHECKPOINTING_OPERATORS && checkpointing->kind != HR_CHECKPOINTING_ATTENTION)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("reentrant-checkpointing: expected false, as checkpointing of operators or of the attention "
                           "needs use_reentrant=False; found true"));

  return FALSE;
}

static gboolean
has_attention_function (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      if (attention != NULL && attention->path != HR_ATTENTION_INTERFACE && attention->path != HR_ATTENTION_REPEATING)
        return FALSE;
    }

  return TRUE;
}

/* What is called with the encoder's output, or has no function for its attention alone, is computed anew whole. */
static gboolean
check_selective (const HrTrainingPlan  *self,
                 GError               **error)
{
  const HrInferencePlan *pass = &self->pass;
  HrCheckpointingKind kind = self->training.checkpointing.kind;
  gboolean whole = kind != HR_CHECKPOINTING_ATTENTION && kind != HR_CHECKPOINTING_OPERATORS;
  g_autofree char *selective = hr_job_get_as_string (HR_JOB (self->job), "selective-checkpointing");

  if (pass->inference.encoder == NULL && pass->inference.towers == NULL &&
      (whole || self->training.layer_code == HR_LAYER_CODE_TRANSFORMERS ||
       (self->training.layer_code == HR_LAYER_CODE_TORCHTITAN) == (kind == HR_CHECKPOINTING_OPERATORS)) &&
      (kind != HR_CHECKPOINTING_ATTENTION || has_attention_function (pass->stack)))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the first place is the name of a model, the second one of a choice. */
                        N_("“%s”: selective checkpointing of its layers is not known well enough to estimate its "
                           "memory; expected gradient-checkpointing none or full, found selective (%s)"),
                        hr_model_get_name (pass->model), selective);

  return FALSE;
}

/*
 * `--recompute-num-layers` and `--distribute-saved-activations` of Megatron-LM: what is kept of a layer is divided by
 * its elements, and is so already with sequence parallelism (TransformerConfig.__post_init__).
 */
static gboolean
resolve_groups (HrTrainingPlan  *self,
                GError         **error)
{
  HrCheckpointing *checkpointing = &self->training.checkpointing;

  checkpointing->group = hr_training_job_get_layers_per_checkpoint (self->job);
  checkpointing->is_divided = hr_training_job_get_distribute_checkpoints (self->job) && self->layout.tensor > 1;
  if (!checkpointing->is_divided)
    return TRUE;

  if (self->layout.divides_sequence)
    {
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("distribute-checkpoints: expected false, as sequence parallelism divides what is kept "
                               "of layers that are computed again; found true"));
      return FALSE;
    }

  return share_tokens (self, error);
}

static gboolean
resolve_checkpointing (HrTrainingPlan  *self,
                       GError         **error)
{
  HrCheckpointing *checkpointing = &self->training.checkpointing;
  gboolean reentrant = hr_training_job_get_reentrant_checkpointing (self->job);
  gboolean is_megatron = hr_training_job_get_framework (self->job) == HR_TRAINING_FRAMEWORK_MEGATRON_LM;

  if (hr_training_job_get_gradient_checkpointing (self->job) == HR_GRADIENT_CHECKPOINTING_NONE)
    return TRUE;

  /* CheckpointFunction of megatron/core/tensor_parallel/random.py */
  checkpointing->kind = reentrant || is_megatron ? HR_CHECKPOINTING_REENTRANT : HR_CHECKPOINTING_FULL;
  if (hr_training_job_get_gradient_checkpointing (self->job) == HR_GRADIENT_CHECKPOINTING_FULL)
    return !is_megatron || resolve_groups (self, error);

  switch (hr_training_job_get_selective_checkpointing (self->job))
    {
    case HR_SELECTIVE_CHECKPOINTING_ATTENTION:
      checkpointing->kind = HR_CHECKPOINTING_ATTENTION;
      break;

    case HR_SELECTIVE_CHECKPOINTING_EVERY_NTH:
      checkpointing->every = hr_training_job_get_checkpointing_layers (self->job);
      break;

    case HR_SELECTIVE_CHECKPOINTING_FIRST:
      checkpointing->first = hr_training_job_get_checkpointing_layers (self->job);
      break;

    case HR_SELECTIVE_CHECKPOINTING_OPERATORS:
    default:
      checkpointing->kind = HR_CHECKPOINTING_OPERATORS;
      break;
    }

  return (!reentrant || check_reentrant (checkpointing, error)) && check_selective (self, error);
}

static gboolean
is_reward_model (HrTrainingJob *job)
{
  return HR_IS_GRPO_JOB (job) && hr_grpo_job_get_algorithm (HR_GRPO_JOB (job)) == HR_ALGORITHM_REWARD;
}

/*
 * PEFT trains a copy of the head beside what it adds to the layers of a classifier (classifier_module_names of
 * PeftModelForSequenceClassification in peft/peft_model.py).
 */
static HrModel *
prepare_scorer (HrTrainingJob  *job,
                HrModel        *model,
                GError        **error)
{
  HrModel *scorer = hr_model_get_scorer (model, error);
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), "modules-to-save");
  const char *saved = hr_fine_tuning_job_get_modules_to_save (HR_FINE_TUNING_JOB (job));
  const HrBlock *head = scorer != NULL ? hr_chain_find_block (hr_model_get_head (scorer), HR_BLOCK_HEAD) : NULL;
  g_autofree char *all = NULL;

  if (head == NULL || !hr_job_uses_setting (HR_JOB (job), setting, NULL) || strstr (saved, head->path) != NULL)
    return scorer;

  all = !g_str_equal (saved, "none") ? g_strdup_printf ("%s,%s", saved, head->path) : g_strdup (head->path);
  g_object_set (job, "modules-to-save", all, NULL);

  return scorer;
}

/* What is not counted of a job that is divided. */
static void
warn_of_layout (HrTrainingPlan *self)
{
  if (self->layout.deals_layers)
    hr_inference_plan_warn (&self->pass,
                            N_("The pipeline is counted as torchtitan runs it, with as many micro-batches "
                               "(num_pp_microbatches) as there are gradient accumulation steps, of which each rank has "
                               "the whole batch: parameters stay gathered from when a stage first runs "
                               "(fsdp_reshard_after_forward is default), and gradients stay whole, in fp32, until the "
                               "last micro-batch is back; what the allocator reserves beside is not known"));
  else if (self->layout.is_deepspeed)
    hr_inference_plan_warn (&self->pass,
                            N_("The pipeline is counted as DeepSpeed’s PipelineEngine runs it, with as many "
                               "micro-batches as there are gradient accumulation steps, of a PipelineModule that is "
                               "made for as many stages as pipeline-parallel (num_stages), each with as many of the "
                               "layers (partition_method type:), which hand one tensor over; what the allocator "
                               "reserves beside is not known"));
  else if (self->layout.is_torch)
    hr_inference_plan_warn (&self->pass,
                            N_("The pipeline is counted as torch.distributed.pipelining runs it, with as many "
                               "micro-batches as there are gradient accumulation steps and return_outputs=False: each "
                               "stage is the model with fewer layers, the loss is that of transformers; what the "
                               "allocator reserves beside is not known"));
  else if (self->layout.pipeline > 1)
    hr_inference_plan_warn (&self->pass,
                            N_("The pipeline is counted as Megatron-LM’s schedule of one forward and one backward pass "
                               "in turn runs it (1F1B, interleaved where a stage has several parts), with as many "
                               "micro-batches as there are gradient accumulation steps; what the allocator reserves "
                               "beside is not known"));
  if (self->layout.is_deepspeed &&
      hr_training_job_get_gradient_checkpointing (self->job) != HR_GRADIENT_CHECKPOINTING_NONE)
    hr_inference_plan_warn (&self->pass,
                            N_("Gradient checkpointing is counted as transformers’ layers have it themselves "
                               "(gradient_checkpointing_enable), with activation_checkpoint_interval 0 of DeepSpeed’s "
                               "pipeline"));
  if (hr_training_tensor_is_used (self))
    hr_training_tensor_warn (self);
  if (hr_layout_divides_model (&self->layout))
    hr_inference_plan_warn (&self->pass,
                            N_("Buffers of NCCL, which it takes beside PyTorch’s allocator, are not counted"));
}

/* What a rank of Megatron-LM has is another model, though it may be the only one. */
static gboolean
pads_vocabulary (const HrTrainingPlan *self)
{
  return hr_training_job_get_framework (self->job) == HR_TRAINING_FRAMEWORK_MEGATRON_LM &&
         hr_model_get_n_stacks (self->model) == 1;
}

/*
 * The gradients of each weight are a backward pass of their own where they wait (stage_backward_weight of
 * torch/distributed/pipelining/_backward.py), and each backward pass computes anew what it needs
 * (_CheckpointFrame.recomputed of torch/utils/checkpoint.py).
 */
static gboolean
check_checkpointing_of_pipeline (const HrTrainingPlan  *self,
                                 GError               **error)
{
  static const char * const selections[][HR_TRAINING_MAX_VALUES] = { { "selective-checkpointing", "operators" } };
  HrGradientCheckpointing checkpointing = hr_training_job_get_gradient_checkpointing (self->job);
  g_autofree char *schedule = NULL;
  g_autofree char *found = NULL;

  if (checkpointing == HR_GRADIENT_CHECKPOINTING_SELECTIVE &&
      !hr_training_check_values (self, "torch.distributed.pipelining", selections, G_N_ELEMENTS (selections), error))
    return FALSE;
  if (checkpointing == HR_GRADIENT_CHECKPOINTING_NONE || !hr_pipeline_schedule_splits (self->layout.schedule))
    return TRUE;

  schedule = hr_job_get_as_string (HR_JOB (self->job), "pipeline-schedule");
  found = hr_job_get_as_string (HR_JOB (self->job), "gradient-checkpointing");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the value of a setting and that of another */
                        N_("gradient-checkpointing: expected none beside the schedule %s, which would compute a layer "
                           "anew for each of its weights; found %s"), schedule, found);

  return FALSE;
}

/* Decoder.Config.update_from_config of torchtitan/models/common/decoder.py refuses a head that shares the table. */
static gboolean
check_torchtitan_pipeline (const HrTrainingPlan  *self,
                           GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "activation-offload", "none" },
    { "fused-kernels", "none" },
    { "fp8-recipe", "none" },
    { "loss-implementation", "auto", "cross-entropy" },
    { "torch-compile", "false" },
    { "zero-grad", "after-step" },
    { "packing", "none" },
  };

  for (guint i = 0; i < hr_model_get_n_tensors (self->model); i++)
    {
      if (hr_model_get_tensor (self->model, i)->tied_to == NULL)
        continue;

      hr_message_set_error (error, HR_ERROR_VALUE,
                            /* Translators: the place is the name of a model. */
                            N_("“%s”: expected a head of its own, as torchtitan makes no stages of a model whose head "
                               "shares the table of tokens"), hr_model_get_name (self->model));
      return FALSE;
    }

  return hr_training_check_values (self, "torchtitan", values, G_N_ELEMENTS (values), error);
}

/* What is followed together with a pipeline of torch. */
static gboolean
check_pipeline (const HrTrainingPlan  *self,
                GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "algorithm", "sft" },
    { "fine-tuning-method", "full" },
    { "autocast", "none" },
    { "attention-mask", "none" },
    { "gradient-checkpointing", "none", "full", "selective" },
    { "reentrant-checkpointing", "false" },
    { "activation-offload", "none" },
    { "fused-kernels", "none" },
    { "loss-implementation", "auto", "cross-entropy" },
    { "torch-compile", "false" },
    { "zero-grad", "after-step" },
    { "gradient-clipping", "false" },
  };

  return check_checkpointing_of_pipeline (self, error) &&
         (self->layout.deals_layers
            ? check_torchtitan_pipeline (self, error)
            : hr_training_check_values (self, "torch.distributed.pipelining", values, G_N_ELEMENTS (values), error));
}

/*
 * What is followed together with a pipeline of DeepSpeed, whose stages are one part each, and whose ranks share no
 * sequences (PipelineEngine of deepspeed/runtime/pipe/engine.py).
 */
static gboolean
check_deepspeed_pipeline (const HrTrainingPlan  *self,
                          GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "virtual-pipeline-parallel", "1" },
    { "first-stage-layers", "0" },
    { "last-stage-layers", "0" },
    { "context-parallel", "1" },
    { "algorithm", "sft" },
    { "fine-tuning-method", "full" },
    { "autocast", "none" },
    { "attention-mask", "none" },
    { "gradient-checkpointing", "none", "full" },
    { "reentrant-checkpointing", "false" },
    { "activation-offload", "none" },
    { "optimizer-offload", "none" },
    { "parameter-offload", "none" },
    { "fused-kernels", "none" },
    { "fp8-recipe", "none" },
    { "loss-implementation", "auto", "cross-entropy" },
    { "torch-compile", "false" },
    { "zero-grad", "after-step" },
    { "packing", "none" },
    { "gradient-clipping", "false" },
  };

  return hr_training_check_values (self, "DeepSpeed’s PipelineEngine", values, G_N_ELEMENTS (values), error);
}

/* The formulas that people know are of whole models. */
static gboolean
divide_model (HrTrainingPlan  *self,
              GError         **error)
{
  if (hr_job_get_method_of_estimate (HR_JOB (self->job)) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    return TRUE;
  if (!hr_layout_check (&self->layout, self->job, error) ||
      (self->layout.is_torch && !check_pipeline (self, error)) ||
      (self->layout.is_deepspeed && !check_deepspeed_pipeline (self, error)))
    return FALSE;
  if (!hr_layout_divides_model (&self->layout) && !pads_vocabulary (self))
    return TRUE;

  if (hr_training_tensor_is_used (self) && !hr_training_tensor_check (self, error))
    return FALSE;

  self->part = hr_training_tensor_is_used (self)
                 ? hr_layout_share_model (&self->layout, self->model, 0, error)
                 : hr_layout_divide_model (&self->layout, self->model, self->stage, error);

  return self->part != NULL;
}

static void
resolve_experts (HrTrainingPlan *self)
{
  HrTrainingJob *job = self->job;

  self->training.experts = (HrExpertRanks) {
    .expert = self->layout.expert, .tensor = self->layout.expert_tensor,
    .capacity_factor = hr_training_job_get_expert_capacity_factor (job),
    .pads_to_capacity = hr_training_job_get_pad_to_capacity (job),
    .groups_products = hr_training_job_get_moe_grouped_gemm (job) && hr_layout_has_experts (self->pass.stack),
    .gathers = hr_training_job_get_moe_dispatcher (job) == HR_MOE_DISPATCHER_ALLGATHER &&
               hr_layout_has_experts (self->pass.stack),
  };
  if (self->training.layer_code != HR_LAYER_CODE_TRANSFORMERS && hr_layout_has_experts (self->pass.stack))
    hr_inference_plan_warn (&self->pass,
                            N_("Megatron-LM’s experts are counted as if each were chosen as often as any other, "
                               "without a loss that balances them, with tokens put in order without a fused kernel, "
                               "and with norms in one kernel"));
}

static void
resolve_parts (HrTrainingPlan *self)
{
  guint64 n_layers = hr_model_get_stack (self->model, 0)->n_layers;
  gboolean is_first = self->stage == 0;
  gboolean is_last = self->stage + 1 == self->layout.pipeline;
  guint last = self->layout.parts - 1;
  guint outer = is_last ? last : is_first ? 0 : self->layout.parts;
  guint other = outer == 0 ? last : 0;

  if (self->layout.is_torch)
    return;

  self->training.parts = (HrTrainingParts) {
    .n = self->layout.parts, .group = hr_layout_get_group (&self->layout),
    .n_layers = hr_layout_count_layers (&self->layout, n_layers, self->stage, other), .outer = outer,
    .n_outer = hr_layout_count_layers (&self->layout, n_layers, self->stage, MIN (outer, last)) +
               (is_last ? self->layout.n_predictions : 0),
    .running = outer == self->layout.parts ? 0 : outer, .are_alike = self->pass.stack->n_layer_classes == 1,
  };
}

/*
 * fwd_cache of torch/distributed/pipelining/stage.py holds what a stage returns until its backward pass is over, and so
 * does pipe_buffers of deepspeed/runtime/pipe/engine.py.
 */
static void
resolve_pipeline (HrTrainingPlan *self)
{
  HrTraining *training = &self->training;

  training->pipelines = self->layout.is_torch || self->layout.is_deepspeed;
  if (!training->pipelines)
    return;

  training->keep_outputs = TRUE;
  training->pipeline = (HrTrainingPipeline) {
    self->layout.schedule, self->layout.is_deepspeed, self->layout.pipeline, self->layout.parts, self->stage,
    self->layout.deals_layers, hr_model_get_stack (self->model, 0)->n_layers, self->layout.counts_embedding,
    self->layout.counts_loss,
  };
}

/*
 * hr_training_plan_init:
 * @self: (out): a plan
 * @model: a model, which has to live as long as the plan
 * @job: a job
 * @n_gpus: how many GPUs there are
 * @stage: a stage of the pipeline, 0 where there is none
 * @media: (nullable): images, sounds and videos of each sequence
 * @error: return location for an error
 *
 * Resolves a job. The plan is to be cleared in either case.
 *
 * Returns: whether the framework can do it, as far as the replay knows
 */
gboolean
hr_training_plan_init (HrTrainingPlan  *self,
                       HrModel         *model,
                       HrTrainingJob   *job,
                       guint            n_gpus,
                       guint            stage,
                       HrMedia         *media,
                       GError         **error)
{
  const HrTrainingProfile *profile = hr_training_profile_get (hr_training_job_get_framework (job));
  gboolean is_chosen;

  *self = (HrTrainingPlan) { .job = HR_TRAINING_JOB (hr_job_copy (HR_JOB (job))), .stage = stage };
  job = self->job;
  if (is_reward_model (job))
    model = prepare_scorer (job, model, error);
  if (model == NULL)
    return FALSE;

  self->model = model;
  if (!hr_training_zero_prepare (job, model, error) || !hr_training_colossalai_prepare (self, error))
    return FALSE;

  is_chosen = hr_training_job_get_master_dtype (job) != HR_MASTER_DTYPE_NONE ||
              hr_training_job_get_precision_recipe (job) != HR_PRECISION_RECIPE_CUSTOM;
  if (!hr_layout_init (&self->layout, job, n_gpus, error) || !divide_model (self, error) ||
      !hr_training_check_job (job, error) ||
      !hr_precision_recipe_apply (job, model, error))
    return FALSE;

  if (!hr_training_shard_check (self, error) || !hr_training_zero_check (self, error) ||
      !hr_training_actor_prepare (self, error))
    return FALSE;

  self->autocast = get_autocast (hr_training_job_get_autocast (job));
  if (!hr_inference_plan_init_pass (&self->pass, self->part != NULL ? self->part : model, HR_JOB (job), error) ||
      !hr_training_prepare_quantized (self, error) || !resolve_pass (self, error) ||
      (media != NULL && !take_media (self, media, error)) ||
      !check_layers (self, error) || !resolve_parameters (self, error))
    return FALSE;

  if (!hr_training_shard_take_trained (self, error) || !hr_training_packing_resolve (self, error) ||
      !hr_training_ulysses_resolve (self, error))
    return FALSE;

  self->training.scaler_bytes = self->autocast == HR_ELEMENT_FLOAT16 ? SCALER_BYTES : 0;
  if (!resolve_checkpointing (self, error) || !hr_training_images_check_leaf (self, error) ||
      !hr_training_savers_resolve (self, error) || !hr_training_float8_resolve (self, error))
    return FALSE;

  resolve_experts (self);
  self->training.divides_layers = self->layout.tensor > 1;
  if (self->layout.tensor > 1 && self->training.layer_code == HR_LAYER_CODE_TORCHTITAN)
    self->training.n_alike = hr_torchtitan_count_alike (self->reached);
  self->training.context_exchange = self->layout.exchange;
  self->training.context_ring = self->layout.context / self->layout.exchange;
  self->training.clipping = hr_training_job_get_gradient_clipping (job);
  self->training.n_gradients = hr_trainables_get_n_parameters (self->reached);
  self->training.fp32_outputs = hr_training_job_get_fp32_outputs (job);
  self->training.keep_outputs = hr_training_job_get_keep_outputs (job);
  self->training.accumulation_steps = hr_training_job_get_gradient_accumulation_steps (job);
  self->training.logits_upcast = hr_training_job_get_logits_upcast (job);
  self->training.n_in_flight = hr_layout_count_in_flight (&self->layout, stage, self->training.accumulation_steps);
  /* ModelParallelConfig.__post_init__ of megatron/core/model_parallel_config.py: without a pipeline nothing waits. */
  if (self->layout.pipeline > 1)
    self->training.n_deferred = hr_training_job_get_deferred_head_gradients (job);
  resolve_parts (self);
  resolve_pipeline (self);
  apply_profile (self, profile);
  warn_of_layout (self);
  warn_of_refusal (self);
  hr_training_packing_warn (self);
  warn_of_defaults (self);
  warn_of_recipe (self, profile, is_chosen);
  if (!resolve_optimizer (self, profile, error))
    return FALSE;

  hr_training_openrlhf_resolve (self);
  hr_training_colossalai_resolve (self);
  if (!hr_training_zero_resolve (self, error) || !hr_training_shard_finish (self, error))
    return FALSE;

  resolve_zero_grad (self);
  hr_training_critic_finish (self);

  return TRUE;
}

/* Whether the model is what it was at the start if what the method has added is switched off. */
static gboolean
adds_parameters (const HrTrainingPlan *self)
{
  return hr_tuning_get_added_bytes (self->tuning) > 0;
}

/* What classes of transformers have beside parameters, where the layers are another framework's. */
static void
leave_buffers_out (HrWeights *weights)
{
  weights->bytes -= weights->buffer_bytes;
  weights->buffer_bytes = 0;
}

/*
 * hr_training_plan_take_weights:
 * @self: a plan
 * @weights: (out): what the model's weights take
 *
 * Works out what is on the device before a step, which every replay of it begins with.
 */
void
hr_training_plan_take_weights (HrTrainingPlan *self,
                               HrWeights      *weights)
{
  HrTraining *training = &self->training;

  hr_weights_init_model (weights, &self->pass.storage);
  training->pass = self->pass.inference;
  training->pass.n_layers = self->pass.stack->n_layers;
  training->pass.has_inputs = self->stage == 0;
  training->pass.has_norm = training->pass.has_head = hr_layout_has_head (&self->layout, self->stage);
  training->pass.n_predictions = training->pass.has_head ? self->layout.n_predictions : 0;
  training->pass.n_tensor_ranks = self->layout.tensor;
  if (training->layer_code == HR_LAYER_CODE_TORCHTITAN)
    leave_buffers_out (weights);
  training->pass.weight_bytes = weights->bytes;
  weights->buffer_bytes += training->buffer_bytes;
  weights->bytes += training->buffer_bytes;
  if (hr_training_shard_is_divided (self))
    {
      weights->bytes = hr_training_shard_get_bytes (self) + weights->buffer_bytes;
      training->pass.weight_bytes = weights->bytes - training->buffer_bytes;
    }
  if (training->live.is_used)
    {
      weights->bytes = hr_training_zero_get_bytes (self) + weights->buffer_bytes;
      training->pass.weight_bytes = weights->bytes - training->buffer_bytes;
    }
  /* That of verl waits on the host. */
  if (training->has_reference && !adds_parameters (self) && training->policy_code != HR_POLICY_CODE_VERL)
    training->reference_bytes = training->reference_sharding.is_sharded
                                  ? hr_training_shard_get_reference_bytes (self) + weights->buffer_bytes
                                : training->live.is_used
                                  ? hr_training_zero_get_reference_bytes (self) + weights->buffer_bytes
                                  : weights->bytes;
  hr_training_critic_measure (self);
}

/*
 * hr_training_plan_init_replay:
 * @self: a plan
 * @replay: (out): a tape
 *
 * Begins a replay of a step.
 */
void
hr_training_plan_init_replay (const HrTrainingPlan *self,
                              HrReplay             *replay)
{
  hr_inference_plan_init_replay (&self->pass, replay);
  replay->quantized_dtype = self->quantized_element;
  replay->expands_anew = HR_IS_FINE_TUNING_JOB (self->job) &&
                         hr_fine_tuning_job_get_gptq_kernel (HR_FINE_TUNING_JOB (self->job)) ==
                           HR_GPTQ_KERNEL_TRITON;
  replay->upcast = self->pass.storage.upcast;
  replay->autocast = self->autocast;
}

/*
 * hr_training_plan_clear:
 * @self: a plan
 *
 * Frees what a plan holds.
 */
void
hr_training_plan_clear (HrTrainingPlan *self)
{
  hr_sharding_clear (&self->training.sharding);
  hr_sharding_clear (&self->training.reference_sharding);
  g_clear_pointer (&self->with_critic, hr_trainables_free);
  g_clear_pointer (&self->critic_tuning, hr_tuning_free);
  hr_inference_plan_clear (&self->critic);
  hr_inference_plan_clear (&self->reward);
  g_clear_pointer (&self->rollout_media, hr_media_unref);
  g_clear_pointer (&self->flat, hr_trainables_free);
  g_clear_pointer (&self->most_kept, g_free);
  g_clear_pointer (&self->group, hr_trainables_free);
  g_clear_pointer (&self->masters, hr_trainables_free);
  g_clear_pointer (&self->reached, hr_trainables_free);
  g_clear_pointer (&self->float8, hr_float8_free);
  g_clear_pointer (&self->tuning, hr_tuning_free);
  g_clear_pointer (&self->all, hr_trainables_free);
  hr_inference_plan_clear (&self->pass);
  g_clear_object (&self->part);
  g_clear_object (&self->job);
}

void
hr_training_plan_free (HrTrainingPlan *self)
{
  hr_training_plan_clear (self);
  g_free (self);
}
