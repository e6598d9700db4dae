/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-tuning.h"

#include "hr-message.h"

/*
 * What PEFT takes where no targets are named: TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING of PEFT 0.21
 * (peft/utils/constants.py). Of other types it asks for names.
 */
static const struct
{
  const char *model_type;
  const char *targets;
} default_targets[] = {
  { "bart", "q_proj,v_proj" },
  { "bert", "query,value" },
  { "bloom", "query_key_value" },
  { "chatglm", "query_key_value" },
  { "codegen", "qkv_proj" },
  { "deberta", "in_proj" },
  { "deberta-v2", "query_proj,value_proj" },
  { "electra", "query,value" },
  { "falcon", "query_key_value" },
  { "gemma", "q_proj,v_proj" },
  { "gemma2", "q_proj,v_proj" },
  { "gemma3_text", "q_proj,v_proj" },
  { "gpt2", "c_attn" },
  { "gpt_bigcode", "c_attn" },
  { "gpt_neo", "q_proj,v_proj" },
  { "gpt_neox", "query_key_value" },
  { "gptj", "q_proj,v_proj" },
  { "llama", "q_proj,v_proj" },
  { "llama4", "q_proj,v_proj" },
  { "mistral", "q_proj,v_proj" },
  { "mixtral", "q_proj,v_proj" },
  { "mpt", "Wqkv" },
  { "mt5", "q,v" },
  { "nemotron_h", "q_proj,k_proj,v_proj,o_proj" },
  { "opt", "q_proj,v_proj" },
  { "phi", "q_proj,v_proj,fc1,fc2" },
  { "qwen2", "q_proj,v_proj" },
  { "qwen3", "q_proj,v_proj" },
  { "roberta", "query,value" },
  { "stablelm", "q_proj,v_proj" },
  { "t5", "q,v" },
  { "xlm-roberta", "query,value" },
};

#define ALL_LINEAR "all-linear"

static const char *
resolve_targets (HrInferencePlan *pass,
                 HrFineTuningJob *job)
{
  const char *targets = hr_fine_tuning_job_get_lora_targets (job);
  const char *model_type = hr_model_get_model_type (pass->model);

  if (targets != NULL && !g_str_equal (targets, "auto"))
    return targets;

  for (guint i = 0; i < G_N_ELEMENTS (default_targets); i++)
    {
      if (g_strcmp0 (default_targets[i].model_type, model_type) == 0)
        return default_targets[i].targets;
    }

  hr_inference_plan_warn (pass, N_("PEFT names no targets for models of this type: every linear layer is assumed to "
                                   "get an adapter"));

  return ALL_LINEAR;
}

/*
 * PEFT makes adapters like the matrix that they are added to, and then holds those of 16 bits in fp32
 * (autocast_adapter_dtype of peft/tuners/tuners_utils.py).
 */
static gboolean
resolve_element (const HrInferencePlan  *pass,
                 HrFineTuningJob        *job,
                 HrElement              *element,
                 GError                **error)
{
  HrDtype dtype = hr_fine_tuning_job_get_adapter_dtype (job);

  switch (dtype)
    {
    case HR_DTYPE_AUTO:
      *element = pass->element == HR_ELEMENT_FLOAT64 ? HR_ELEMENT_FLOAT64 : HR_ELEMENT_FLOAT32;
      return TRUE;

    case HR_DTYPE_FLOAT64:
      *element = HR_ELEMENT_FLOAT64;
      return TRUE;

    case HR_DTYPE_FLOAT32:
      *element = HR_ELEMENT_FLOAT32;
      return TRUE;

    case HR_DTYPE_FLOAT16:
      *element = HR_ELEMENT_FLOAT16;
      return TRUE;

    case HR_DTYPE_BFLOAT16:
      *element = HR_ELEMENT_BFLOAT16;
      return TRUE;

    case HR_DTYPE_FLOAT8:
    case HR_DTYPE_INT8:
    case HR_DTYPE_INT4:
    default:
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("adapter-dtype: expected auto, float64, float32, float16 or bfloat16, in which "
                               "parameters can be trained; found %s"),
                            hr_dtype_get_name (dtype));
      return FALSE;
    }
}

/*
 * hr_training_tuning_resolve:
 * @pass: the plan of the forward pass
 * @job: a job
 * @tuning: (out) (nullable): what its method does to the model, or %NULL if all of it is trained
 * @error: return location for an error
 *
 * Resolves which parameters a job trains.
 *
 * Returns: whether the method can be followed on this model
 */
gboolean
hr_training_tuning_resolve (HrInferencePlan  *pass,
                            HrFineTuningJob  *job,
                            HrTuning        **tuning,
                            GError          **error)
{
  g_autoptr (HrAdapter) adapter = NULL;
  HrElement element;

  *tuning = NULL;
  if (hr_fine_tuning_job_get_fine_tuning_method (job) == HR_FINE_TUNING_METHOD_FULL)
    return TRUE;
  if (!resolve_element (pass, job, &element, error))
    return FALSE;

  adapter = hr_adapter_new_lora (hr_fine_tuning_job_get_lora_rank (job), resolve_targets (pass, job));
  *tuning = hr_tuning_new_for_adapter (adapter, pass->model, element, error);
  if (*tuning == NULL)
    {
      g_prefix_error (error, "lora-targets: ");
      return FALSE;
    }
  hr_tuning_set_dropout (*tuning, hr_fine_tuning_job_get_lora_dropout (job) > 0);

  return TRUE;
}
