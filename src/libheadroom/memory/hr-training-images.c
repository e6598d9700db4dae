/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-images.h"

#include "hr-grpo-job.h"
#include "hr-message.h"
#include "hr-pass.h"
#include "hr-tower.h"

/*
 * Images under answers. Trainers of TRL hand a batch to the model with the pixels that the processor has made: of each
 * sequence those of its prompt, of a pair and of a group as often as there are answers (DataCollatorForVisionPreference
 * of trl/trainer/dpo_trainer.py; GRPOTrainer._generate_and_score_completions and
 * GRPOTrainer._get_per_token_logps_and_entropies of trl/trainer/grpo_trainer.py, and likewise RLOOTrainer). KTO has the
 * pixels of a prompt once, for its own answer and for that of another prompt, which policy and reference read as well
 * (DataCollatorForVisionUnpairedPreference and KTOTrainer._compute_kl_logps of trl/trainer/kto_trainer.py).
 */

static gboolean
reads_images (HrAlgorithm algorithm)
{
  return hr_algorithm_is_policy (algorithm) || algorithm == HR_ALGORITHM_DPO || algorithm == HR_ALGORITHM_IPO ||
         algorithm == HR_ALGORITHM_KTO || algorithm == HR_ALGORITHM_ONLINE_DPO;
}

/*
 * Trainers that make ids of texts with a tokenizer alone: RewardTrainer of trl/trainer/reward_trainer.py, ORPOTrainer,
 * CPOTrainer and PPOTrainer of trl/experimental. No batch of theirs has pixels.
 */
static const struct
{
  HrAlgorithm algorithm;
  const char *name;
} text_trainers[] = {
  { HR_ALGORITHM_ORPO, "ORPOTrainer" },
  { HR_ALGORITHM_SIMPO, "CPOTrainer" },
  { HR_ALGORITHM_REWARD, "RewardTrainer" },
  { HR_ALGORITHM_PPO, "PPOTrainer" },
};

static const char *
get_text_trainer (HrAlgorithm algorithm)
{
  for (guint i = 0; i < G_N_ELEMENTS (text_trainers); i++)
    {
      if (text_trainers[i].algorithm == algorithm)
        return text_trainers[i].name;
    }

  return NULL;
}

/*
 * LLaVA-OneVision's processor says how many images each sequence has (batch_num_images), which stays among what
 * _generate_and_score_completions hands to _get_per_token_logps_and_entropies, and that takes no such argument. The
 * policy itself is given arguments by name (GRPOTrainer._compute_loss).
 */
static gboolean
check_reading (const HrTrainingPlan  *self,
               GError               **error)
{
  const HrTraining *training = &self->training;
  const char *type = hr_model_get_model_type (self->pass.model);

  if (g_strcmp0 (type, "llava_onevision") != 0 || !hr_algorithm_is_policy (training->algorithm) ||
      !(training->has_reference || training->reads_own_answers || training->algorithm == HR_ALGORITHM_RLOO))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("images: expected a model whose images TRL’s trainer can hand to the reading of answers "
                           "without gradients; found a model of the type llava_onevision, at whose batch_num_images "
                           "it fails"));

  return FALSE;
}

/*
 * GRPOTrainer takes a row of the pixels for each answer, unless the processor says beside them which are of which image
 * (split_pixel_values_by_grid and shuffle_sequence_dict of trl/trainer/utils.py).
 */
static gboolean
check_rows (const HrTrainingPlan  *self,
            GError               **error)
{
  guint64 rows = hr_media_count_rows (self->pass.media);
  g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT, rows);

  if (!hr_algorithm_is_policy (self->training.algorithm) || rows <= 1)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("images: expected one for each prompt, in one piece, as TRL’s trainer hands a single row of "
                           "this model’s pixels on for each answer; found %s rows"), found);

  return FALSE;
}

/*
 * Types of models whose images OnlineDPOTrainer of trl/experimental/online_dpo/online_dpo_trainer.py hands on as their
 * classes take them. It repeats `pixel_values` in four dimensions, at which tiles in a fifth one fail; it has the
 * processor make them of images beside an empty text, which several refuse; and it hands on image_sizes,
 * image_grid_thw and pixel_attention_mask alone, where others ask for mm_token_type_ids or target_sizes.
 */
static const char * const online_types[] = {
  "llava", "mistral3", "aya_vision", "paligemma", "qwen2_5_vl", NULL
};

static gboolean
check_online (const HrTrainingPlan  *self,
              GError               **error)
{
  const char *type = hr_model_get_model_type (self->pass.model);
  g_autofree char *rollout = hr_job_get_as_string (HR_JOB (self->job), "rollout");
  g_autofree char *types = NULL;

  if (self->training.algorithm != HR_ALGORITHM_ONLINE_DPO)
    return TRUE;

  if (self->training.rollout == HR_ROLLOUT_VLLM_COLOCATED || self->training.rollout == HR_ROLLOUT_VLLM_SERVER)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("rollout: expected none or transformers, as OnlineDPOTrainer of TRL shows images to "
                               "vLLM alone, and not to the model that is trained; found %s"), rollout);
      return FALSE;
    }
  if (type != NULL && g_strv_contains (online_types, type))
    return TRUE;

  types = g_strjoinv (", ", (char **) online_types);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a list of types of models, such as llava, and another one. */
                        N_("images: expected a model of a type whose images OnlineDPOTrainer of TRL hands on as its "
                           "class takes them, %s; found %s"), types, type);

  return FALSE;
}

static gboolean
check_algorithm (const HrTrainingPlan  *self,
                 GError               **error)
{
  g_autofree char *algorithm = hr_job_get_as_string (HR_JOB (self->job), "algorithm");
  g_autofree char *framework = hr_job_get_as_string (HR_JOB (self->job), "framework");
  g_autofree char *loss = hr_job_get_as_string (HR_JOB (self->job), "loss-implementation");
  const char *trainer = get_text_trainer (self->training.algorithm);

  if (trainer != NULL)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          /* Translators: a class of TRL, and an algorithm */
                          N_("images: expected none, as %s of TRL takes no images; found them with the algorithm %s"),
                          trainer, algorithm);
  else if (!reads_images (self->training.algorithm))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("algorithm: expected one with images that is known, sft, dpo, ipo, kto, online-dpo, grpo, "
                             "dr-grpo, dapo, gspo or rloo; found %s"), algorithm);
  else if (self->training.policy_code != HR_POLICY_CODE_TRL)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("framework: expected one whose training on answers with images is known; found %s"),
                          framework);
  else if (g_str_equal (loss, "liger-grpo"))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("loss-implementation: expected one that is known with images; found %s"), loss);
  else
    return TRUE;

  return FALSE;
}

/*
 * hr_training_images_check:
 * @self: a plan whose algorithm is known
 * @media: what each sequence has beside its text
 * @error: return location for an error
 *
 * Returns: whether a trainer is known that hands it on to the model
 */
gboolean
hr_training_images_check (const HrTrainingPlan  *self,
                          const HrMedia         *media,
                          GError               **error)
{
  g_autofree char *inputs = NULL;

  if (self->training.algorithm == HR_ALGORITHM_SFT)
    return TRUE;
  if (!check_algorithm (self, error) || !check_online (self, error))
    return FALSE;
  if (hr_media_is_of_images (media))
    return TRUE;

  inputs = hr_job_get_as_string (HR_JOB (self->job), "further-inputs");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("further-inputs: expected images alone, as trainers on answers hand no sounds and videos "
                           "on; found %s"), inputs);

  return FALSE;
}

/* `images = inputs["image"]`: a column of one for each prompt (OnlineDPOTrainer.training_step). */
static gboolean
check_single (const HrTrainingPlan  *self,
              GError               **error)
{
  guint n_images = self->pass.media->items->len;
  g_autofree char *found = g_strdup_printf ("%u", n_images);

  if (self->training.algorithm != HR_ALGORITHM_ONLINE_DPO || n_images == 1)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("images: expected 1, as OnlineDPOTrainer of TRL shows one image for each prompt; found %s"),
                        found);

  return FALSE;
}

/*
 * OnlineDPOTrainer.training_step casts pixels to the dtype of the model, and says of no token what it is of: tokens of
 * an image do not see those behind them, and positions have one axis.
 */
static void
hand_pixels_on (HrTrainingPlan *self)
{
  hr_media_cast_pixels (self->pass.media);
  self->pass.inference.has_type_ids = FALSE;
  self->pass.inference.has_block_mask = FALSE;
  self->pass.inference.counts_as_text = TRUE;
  if (hr_pass_has_axes (&self->pass.inference))
    hr_inference_plan_warn (&self->pass, N_("OnlineDPOTrainer of TRL hands no mm_token_type_ids on: the model runs, "
                                            "with the positions of text for its images"));
}

/* MiniCPMV.forward takes a dictionary that its own collator makes, and no trainer on answers. */
static gboolean
check_data (const HrTrainingPlan  *self,
            GError               **error)
{
  g_autofree char *algorithm = NULL;

  if (self->training.algorithm == HR_ALGORITHM_SFT)
    return TRUE;

  algorithm = hr_job_get_as_string (HR_JOB (self->job), "algorithm");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and an algorithm. */
                        N_("“%s”: algorithm: expected sft, as TRL’s trainers hand images to no class that asks for a "
                           "dictionary of its own; found %s"), hr_model_get_name (self->pass.model), algorithm);

  return FALSE;
}

/* The tower sees so many pictures at once (vision_batch_size), and keeps what it needs of each call. */
static gboolean
check_calls (const HrTrainingPlan  *self,
             GError               **error)
{
  const GArray *towers = self->pass.inference.towers;

  for (guint i = 0; i < towers->len; i++)
    {
      const HrTower *tower = &g_array_index (towers, HrTower, i);
      g_autofree char *expected = g_strdup_printf ("%" G_GUINT64_FORMAT, tower->batch);
      g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT, tower->given);

      if (tower->given <= tower->batch)
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are the name of a model and two numbers. */
                            N_("“%s”: images: expected at most %s parts of images in the batch, which its tower sees "
                               "at once, as it is not known what further calls of it take in training; found %s"),
                            hr_model_get_name (self->pass.model), expected, found);
      return FALSE;
    }

  return TRUE;
}

/*
 * hr_training_images_resolve:
 * @self: a plan whose pass has taken images, and whose algorithm is known
 * @error: return location for an error
 *
 * Finds out what images beside answers come to.
 *
 * Returns: whether the trainer takes them
 */
gboolean
hr_training_images_resolve (HrTrainingPlan  *self,
                            GError         **error)
{
  HrTraining *training = &self->training;
  HrInference *inference = &self->pass.inference;

  if (hr_pass_joins_in_place (inference))
    {
      if (!check_data (self, error) || !check_calls (self, error))
        return FALSE;
      /* data_collator of finetune/dataset.py makes position_ids, which MiniCPMV.forward asks for. */
      inference->has_positions = inference->collates_positions = TRUE;
      inference->positions = HR_NO_VALUE;
    }
  if (training->algorithm == HR_ALGORITHM_SFT || inference->towers == NULL)
    return TRUE;
  if (!check_reading (self, error) || !check_rows (self, error) || !check_single (self, error))
    return FALSE;

  if (training->algorithm == HR_ALGORITHM_ONLINE_DPO)
    hand_pixels_on (self);
  if (hr_algorithm_is_policy (training->algorithm))
    hr_inference_plan_warn (&self->pass, N_("Each answer brings the images of its prompt along: the tower sees them as "
                                            "often as there are answers, in every model that reads these"));
  if (training->rollout != HR_ROLLOUT_TRANSFORMERS)
    return TRUE;

  self->rollout_media = hr_media_copy (self->pass.media);
  if (!hr_media_add_towers (self->rollout_media, self->pass.model,
                            self->pass.inference.batch * training->generation_steps, error))
    return FALSE;

  if (training->algorithm == HR_ALGORITHM_ONLINE_DPO)
    hr_media_cast_pixels (self->rollout_media);
  training->rollout_towers = self->rollout_media->towers;

  return TRUE;
}

static gboolean
trains_tokens (const HrTrainingPlan *self)
{
  for (guint i = 0; i < hr_trainables_get_n_items (self->parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (self->parameters, i);

      if (parameter->role == HR_TENSOR_ROLE_EMBEDDING && parameter->stack == HR_STACK_DECODER)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_training_images_check_leaf:
 * @self: a plan whose trained parameters and checkpointing are known
 * @error: return location for an error
 *
 * Refuses what torch does: "a view of a leaf Variable that requires grad is being used in an in-place operation". Where
 * layers are computed anew, enable_input_require_grads() makes such a leaf of what a frozen embedding makes, and
 * MiniCPMV.get_vllm_embedding writes into it. finetune/finetune.py of OpenBMB/MiniCPM-V trains the embedding for that.
 *
 * Returns: whether images can be written into the embeddings
 */
gboolean
hr_training_images_check_leaf (const HrTrainingPlan  *self,
                               GError               **error)
{
  if (!hr_pass_joins_in_place (&self->pass.inference) ||
      !hr_checkpointing_recomputes_layers (&self->training.checkpointing) || trains_tokens (self))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model; what follows are settings and their values. */
                        N_("“%s”: modules-to-save: expected embed_tokens, or gradient-checkpointing none, as its class "
                           "writes images into the embeddings in place, which torch refuses where these are frozen and "
                           "a hook lets gradients flow to them"),
                        hr_model_get_name (self->pass.model));

  return FALSE;
}

/*
 * hr_training_images_make:
 * @pass: how sequences are read
 * @replay: a tape
 * @count: how many batches of them
 * @divisor: how many sequences share what is made of one
 *
 * Returns: what a processor has made of their images, as a variable holds it
 */
HrValue
hr_training_images_make (const HrInference *pass,
                         HrReplay          *replay,
                         guint64            count,
                         guint              divisor)
{
  guint64 bytes = hr_inference_get_media_bytes (pass, pass->prompt, replay->parameter_dtype);

  if (pass->towers == NULL)
    return HR_NO_VALUE;

  replay->symbols[HR_SYMBOL_KEPT] = count * bytes / divisor;

  return hr_replay_make (replay, "_to_copy", "pixel_values", HR_COMPONENT_INPUTS,
                         HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
}
