/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-unsloth.h"

#include <string.h>

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-training-packing.h"
#include "hr-unsloth.h"

/* What Unsloth decides itself, and what of it is known. */

/* The values that it has, or that are known, of the settings of which it has not all. */
static const struct
{
  const char *property;
  const char *values[8];
} known[] = {
  { "fine-tuning-method", { "lora", "qlora", "rslora", "pissa", "lora-plus", "dora" } },
  { "modules-to-save", { "none" } },
  { "attention", { "sdpa", "flash" } },
  { "packing", { "none", "padding-free", "bfd" } },
  { "gradient-checkpointing", { "none", "full" } },
  { "fused-kernels", { "none" } },
  { "loss-implementation", { "auto", "unsloth-fused" } },
  { "activation-offload", { "none", "layer-inputs" } },
  { "torch-compile", { "false" } },
  { "algorithm", { "sft", "grpo", "dr-grpo", "dapo", "gspo" } },
  { "rollout", { "none", "vllm-colocated", "vllm-server" } },
};

static gboolean
check_setting (HrJob        *job,
               guint         setting,
               GError      **error)
{
  const char *property = known[setting].property;
  g_autofree char *found = NULL;
  g_autofree char *expected = NULL;

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (job), property) == NULL)
    return TRUE;

  found = hr_job_get_as_string (job, property);
  if (g_strv_contains (known[setting].values, found))
    return TRUE;

  expected = g_strjoinv (", ", (char **) known[setting].values);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the name of a setting, a list of its values, and another value */
                        N_("%s: expected one of what Unsloth has and is known, %s; found %s"), property, expected,
                        found);

  return FALSE;
}

static gboolean
check_model (const HrTrainingPlan  *plan,
             GError               **error)
{
  const HrInference *pass = &plan->pass.inference;
  const char *type = hr_model_get_model_type (plan->pass.model);
  g_autofree char *names = NULL;

  if (hr_unsloth_knows (type) && pass->encoder == NULL && pass->towers == NULL)
    return TRUE;

  names = hr_unsloth_dup_model_types ();
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: a list of types of models, and another type */
                        N_("framework: what Unsloth does is known for models whose layers it has written by hand, of "
                           "the types %s; found a model of the type %s"), names, type != NULL ? type : "?");

  return FALSE;
}

/* FastLanguageModel.from_pretrained loads matrices of 16 bits, or NF4 with scales that are quantized as well. */
static gboolean
check_storage (const HrTrainingPlan  *plan,
               GError               **error)
{
  HrQuantization quantization = plan->pass.quantization;

  if (hr_element_get_bytes (plan->quantized_element) != 2)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("dtype: expected bfloat16 or float16, in which Unsloth’s layers written by hand compute; "
                             "found %s"), hr_dtype_get_name (plan->pass.dtype));
  else if (quantization != HR_QUANTIZATION_NONE && quantization != HR_QUANTIZATION_BNB_NF4_DQ)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("quantization: expected none or bnb-nf4-dq, which is what Unsloth’s layers written by "
                             "hand read; found %s"), hr_quantization_get_name (quantization));
  else
    return TRUE;

  return FALSE;
}

/* torch's function has no window of its own, and is given a mask of all pairs of tokens (_windowed_causal_mask). */
static gboolean
check_window (const HrTrainingPlan  *plan,
              GError               **error)
{
  const HrInference *pass = &plan->pass.inference;
  const HrAttention *attention = hr_layer_class_get_attention (&pass->stack->layer_classes[0]);
  const char *type = hr_model_get_model_type (plan->pass.model);

  if (attention->sliding_window == 0 || attention->sliding_window >= pass->prompt ||
      !g_str_equal (type, "mistral") || pass->attention == HR_ATTENTION_IMPLEMENTATION_FLASH)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("attention: expected flash, as what Unsloth’s attention takes is not known where a window "
                           "is shorter than the sequences and the flash-attn package is missing; found sdpa"));

  return FALSE;
}

/* Without the package, torch's function is given a mask of all pairs of tokens (build_sdpa_packed_attention_mask). */
static gboolean
check_packing (const HrTrainingPlan  *plan,
               GError               **error)
{
  if ((hr_training_job_get_packing (plan->job) == HR_EXAMPLE_PACKING_NONE &&
       plan->training.algorithm == HR_ALGORITHM_SFT) ||
      plan->pass.inference.attention == HR_ATTENTION_IMPLEMENTATION_FLASH)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("attention: expected flash, as what Unsloth’s attention takes of several examples in a row "
                           "is not known where the flash-attn package is missing; found sdpa"));

  return FALSE;
}

/*
 * On several GPUs each has a copy, which the trainer has in DistributedDataParallel (prepare_device_map of
 * unsloth/models/loader_utils.py). That of vLLM has its weights in common with it, on one GPU.
 */
static gboolean
check_copies (const HrTrainingPlan  *plan,
              GError               **error)
{
  g_autofree char *found = NULL;

  if (plan->layout.data == 1 || plan->training.algorithm == HR_ALGORITHM_SFT)
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, plan->layout.data);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("gpus: expected 1, as what each GPU holds where Unsloth trains on answers on several is not "
                           "known; found %s"), found);

  return FALSE;
}

/*
 * Answers of vLLM are read by the policy in any case (grpo_trainer__generate_and_score_completions of
 * unsloth/models/rl_replacements.py), and all of a micro-batch are one row.
 */
static void
pack_answers (HrTrainingPlan *plan)
{
  HrInference *pass = &plan->pass.inference;

  plan->training.n_answers = pass->batch;
  plan->training.reads_own_answers = TRUE;
  hr_training_pack (pass, pass->batch * pass->prompt, pass->batch);
}

/*
 * hr_training_unsloth_take_model:
 * @plan: a plan whose model is known
 * @error: return location for an error
 *
 * Puts Unsloth's layers in the place of those of transformers, where they are known. Masks of the batch are ignored in
 * training (LlamaModel_fast_forward); the trainer computes under autocast (unsloth/models/rl.py).
 *
 * Returns: whether they are
 */
gboolean
hr_training_unsloth_take_model (HrTrainingPlan  *plan,
                                GError         **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      if (!check_setting (HR_JOB (plan->job), i, error))
        return FALSE;
    }
  if (!check_model (plan, error) || !check_storage (plan, error) || !check_window (plan, error) ||
      !check_packing (plan, error) || !check_copies (plan, error))
    return FALSE;

  plan->training.layer_code = HR_LAYER_CODE_UNSLOTH;
  plan->autocast = plan->pass.element;
  plan->pass.inference.mask = HR_ATTENTION_MASK_NONE;
  if (plan->training.algorithm != HR_ALGORITHM_SFT)
    pack_answers (plan);

  return TRUE;
}

/* What FastLanguageModel and its trainer do where nothing else is said, which a job does not take by itself. */
static void
warn_of_defaults (HrTrainingPlan *plan)
{
  HrInferencePlan *pass = &plan->pass;

  if (plan->training.checkpointing.kind == HR_CHECKPOINTING_NONE)
    hr_inference_plan_warn (pass, N_("get_peft_model of Unsloth checkpoints all layers and moves what goes into them "
                                     "to the host where nothing else is said: the estimate is without it, as "
                                     "gradient-checkpointing is none"));
  else if (hr_training_job_get_activation_offload (plan->job) == HR_ACTIVATION_OFFLOAD_NONE)
    hr_inference_plan_warn (pass, N_("get_peft_model of Unsloth moves what goes into layers to the host where nothing "
                                     "else is said: the estimate is without it, as activation-offload is none"));
  if (hr_training_job_get_autocast (plan->job) == HR_AUTOCAST_NONE)
    hr_inference_plan_warn (pass, N_("Unsloth’s trainer computes under autocast, in the data type of the model: that "
                                     "is counted, though autocast is none"));
  if (pass->quantization == HR_QUANTIZATION_NONE)
    hr_inference_plan_warn (pass, N_("from_pretrained of Unsloth loads matrices in four bits where nothing else is "
                                     "said: the estimate is with matrices of 16 bits"));
  if (plan->pass.inference.examples == 0)
    hr_inference_plan_warn (pass, N_("Unsloth’s trainer makes one row of the examples of a batch where it can: the "
                                     "estimate is for rows that are padded to one length"));
  if (plan->training.algorithm != HR_ALGORITHM_SFT)
    {
      hr_inference_plan_warn (pass, N_("GRPO of Unsloth is counted as it is with vLLM (fast_inference) and flash-attn, "
                                       "once it has found that all answers of a micro-batch can be read in one row; "
                                       "those of a generation are taken to fit one reading, and what is reserved is "
                                       "an approximation, as the logits that are kept are one request there"));
      return;
    }

  hr_inference_plan_warn (pass, N_("Unsloth cuts the loss into chunks by what is free when the first is computed: at "
                                   "least 8 GiB are assumed to be"));
}

/*
 * hr_training_unsloth_resolve:
 * @plan: a plan, whose parameters and checkpointing are known
 * @error: return location for an error
 *
 * Resolves what is kept in Unsloth's layers and loss. Checkpoints are reentrant (unsloth_checkpoint of
 * unsloth_zoo/gradient_checkpointing.py), and what goes into layers comes back from the host into one of two buffers,
 * so that one can be filled while the other is read.
 *
 * Returns: whether it is known
 */
gboolean
hr_training_unsloth_resolve (HrTrainingPlan  *plan,
                             GError         **error)
{
  HrTraining *training = &plan->training;
  const HrInference *pass = &plan->pass.inference;
  guint64 longest = pass->prompt * (training->algorithm != HR_ALGORITHM_SFT ? training->generation_steps : 1);
  guint64 positions = 0;
  gboolean offloads = hr_training_job_get_activation_offload (plan->job) == HR_ACTIVATION_OFFLOAD_LAYER_INPUTS;

  if (offloads && training->checkpointing.kind == HR_CHECKPOINTING_NONE)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("activation-offload: expected none where gradient-checkpointing is, as Unsloth moves "
                               "the inputs of layers that are computed anew; found layer-inputs"));
      return FALSE;
    }

  hr_model_get_hyper_parameter (plan->pass.model, "max_position_embeddings", &positions);
  training->buffer_bytes = hr_unsloth_get_table_bytes (pass->stack, positions, longest,
                                                       hr_element_get_bytes (plan->pass.element));
  if (training->checkpointing.kind == HR_CHECKPOINTING_FULL)
    training->checkpointing.kind = HR_CHECKPOINTING_REENTRANT;
  /* What goes into the last layer stays, which may be the only one. */
  training->offloads_inputs = training->reloads = offloads && plan->pass.stack->n_layers > 1;
  training->loss_implementation = HR_LOSS_IMPLEMENTATION_UNSLOTH_FUSED;
  if (plan->pass.quantization != HR_QUANTIZATION_NONE)
    training->expanded = hr_unsloth_get_largest (pass->stack, plan->tuning);
  warn_of_defaults (plan);

  return TRUE;
}
