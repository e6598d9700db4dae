/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-quantized.h"

#include "hr-fine-tuning-job.h"
#include "hr-message.h"
#include "hr-quantization-format.h"
#include "hr-training-check.h"
#include "hr-training-zero.h"

/* What is done to a model with quantized matrices before it is trained. */

/* What of it is cast to fp32. */
typedef enum
{
  PREPARATION_NONE,
  PREPARATION_ALL,
  PREPARATION_REST,
  PREPARATION_NORMS,
} Preparation;

/*
 * SFTTrainer prepares no quantized models from 0.26 on (SFTTrainer.__init__ of trl/trainer/sft_trainer.py). In 0.25 it
 * casts norms alone (prepare_model_for_kbit_training of trl/models/utils.py); before that it has PEFT cast everything,
 * and casts embeddings and head back where it was asked for bf16 (peft_module_casting_to_bf16 of trl/trainer/utils.py,
 * later trl/models/utils.py, which 0.9 has as well).
 */
static Preparation
find_trl_preparation (HrTrainingJob *job)
{
  HrTrlRelease release = hr_training_job_get_trl_release (job);

  if (release >= HR_TRL_RELEASE_0_26)
    return PREPARATION_NONE;
  if (release >= HR_TRL_RELEASE_0_25)
    return PREPARATION_NORMS;

  return hr_training_job_get_autocast (job) == HR_AUTOCAST_BFLOAT16 ? PREPARATION_REST : PREPARATION_ALL;
}

/*
 * PEFT prepares models of bitsandbytes and AWQ, TRL those of bitsandbytes alone. Under FSDP, which takes one dtype,
 * nobody does (is_sharded_qlora of trl/trainer/sft_trainer.py), and DeepSpeed casts back what was prepared.
 */
static Preparation
find_preparation (HrTrainingJob  *job,
                  HrQuantization  quantization)
{
  gboolean is_trl = hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_TRL;

  /* prepare_model_for_training of unsloth_zoo/training_utils.py casts what is trained alone. */
  if (hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_UNSLOTH ||
      hr_training_job_get_fsdp (job) != HR_FSDP_NONE || hr_training_zero_casts_module (job) ||
      !hr_fine_tuning_job_get_upcast_unquantized (HR_FINE_TUNING_JOB (job)) ||
      hr_quantization_format_needs_16_bits (quantization) ||
      (is_trl && quantization == HR_QUANTIZATION_AWQ_INT4))
    return PREPARATION_NONE;

  return is_trl ? find_trl_preparation (job) : PREPARATION_ALL;
}

/* Whether the model has parameters beside matrices, embeddings, a head and norms that the layers compute with. */
static gboolean
has_other_parameters (HrModel *model)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      switch ((guint) hr_model_get_tensor (model, i)->role)
        {
        case HR_TENSOR_ROLE_CONVOLUTION:
        case HR_TENSOR_ROLE_EXPERT:
        case HR_TENSOR_ROLE_ROUTER:
        case HR_TENSOR_ROLE_PARAMETER:
          return TRUE;

        default:
          break;
        }
    }

  return FALSE;
}

/* Linear layers cast what the norms make; the head of 16 bits does not, without autocast. */
static gboolean
check_norms (HrTrainingPlan  *self,
             GError         **error)
{
  if (self->autocast != HR_ELEMENT_NONE)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("autocast: expected bfloat16 or float16, as TRL 0.25 holds norms of a quantized model in "
                           "fp32 and its head in 16 bits; found none"));

  return FALSE;
}

static gboolean
prepare (HrTrainingPlan  *self,
         Preparation      preparation,
         GError         **error)
{
  HrInferencePlan *pass = &self->pass;

  switch (preparation)
    {
    case PREPARATION_ALL:
      pass->storage.dtype = HR_DTYPE_FLOAT32;
      pass->element = HR_ELEMENT_FLOAT32;
      return TRUE;

    case PREPARATION_REST:
    case PREPARATION_NORMS:
      pass->storage.upcast = preparation == PREPARATION_REST ? HR_UPCAST_REST : HR_UPCAST_NORMS;
      if (preparation == PREPARATION_REST && has_other_parameters (pass->model))
        hr_inference_plan_warn (pass, N_("SFTTrainer before 0.25 holds what is neither quantized nor in embeddings and "
                                         "head in fp32: layers are assumed to compute with parameters of 16 bits but "
                                         "for the norms"));
      return preparation == PREPARATION_REST || check_norms (self, error);

    case PREPARATION_NONE:
    default:
      return TRUE;
    }
}

/* Formats whose code for training has been read and not run. */
static void
warn_of_kernels (HrTrainingPlan *self)
{
  HrQuantization quantization = self->pass.quantization;

  if (quantization == HR_QUANTIZATION_AWQ_INT4 || hr_quantization_format_needs_16_bits (quantization))
    hr_inference_plan_warn (&self->pass, N_("Adapters beside GPTQ and AWQ are estimated from GPTQModel’s code (backend "
                                            "auto_trainable, as its fastest kernels have no derivative), and have not "
                                            "been checked against a run"));
}

/*
 * Where a checkpoint cannot be trained as it is stored: from_pretrained of transformers expands it with dequantize=True
 * in Mxfp4Config or FineGrainedFP8Config, or run_compressed=False in CompressedTensorsConfig.
 */
static void
warn_of_checkpoint (HrInferencePlan *pass)
{
  HrQuantization stored = hr_model_get_quantization (pass->model);

  if (stored > HR_QUANTIZATION_NONE && stored != pass->quantization)
    hr_inference_plan_warn (pass, N_("The checkpoint is quantized in %s: it is taken to be expanded to %s as it is "
                                     "loaded (dequantize=True in its quantization config), or to be a copy that is "
                                     "not quantized"),
                            hr_quantization_get_name (stored), hr_dtype_get_name (pass->dtype));
}

/*
 * hr_training_prepare_quantized:
 * @self: a plan whose model is known
 * @error: return location for an error
 *
 * A model whose matrices are quantized by bitsandbytes has all else cast to fp32 before it is trained
 * (prepare_model_for_kbit_training in peft/utils/other.py), unless the job leaves that out as fms-acceleration does, or
 * the framework does otherwise; its linear layers compute in what it was loaded in (bnb_4bit_compute_dtype).
 *
 * Returns: whether the model can be trained
 */
gboolean
hr_training_prepare_quantized (HrTrainingPlan  *self,
                               GError         **error)
{
  HrInferencePlan *pass = &self->pass;
  gboolean is_qlora = HR_IS_FINE_TUNING_JOB (self->job) &&
                      hr_fine_tuning_job_get_fine_tuning_method (HR_FINE_TUNING_JOB (self->job)) ==
                        HR_FINE_TUNING_METHOD_QLORA;

  warn_of_checkpoint (pass);
  if (is_qlora && pass->quantization == HR_QUANTIZATION_NONE)
    {
      hr_inference_plan_quantize (pass, HR_QLORA_QUANTIZATION);
      hr_inference_plan_warn (pass, N_("QLoRA: the matrices of linear layers are assumed to be quantized to NF4, with "
                                       "quantized scales (bnb-nf4-dq)"));
    }
  self->quantized_element = pass->element;
  if (!hr_training_check_model (self, error))
    return FALSE;

  warn_of_kernels (self);
  if (pass->quantization == HR_QUANTIZATION_NONE || hr_element_get_bytes (pass->element) >= sizeof (float))
    return TRUE;

  return prepare (self, find_preparation (self->job, pass->quantization), error);
}
