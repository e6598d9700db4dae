/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-tuning.h"

#include "hr-message.h"

/* The modules that get an adapter, as names with commas between them or `all-linear`. */
static char *
dup_targets (HrInferencePlan *pass,
             HrFineTuningJob *job)
{
  const char *targets = hr_fine_tuning_job_get_lora_targets (job);
  const char * const *names;

  if (targets != NULL && !g_str_equal (targets, "auto"))
    return g_strdup (targets);

  names = hr_adapter_find_default_targets (pass->model);
  if (names != NULL)
    return g_strjoinv (",", (char **) names);

  hr_inference_plan_warn (pass, N_("PEFT names no targets for models of this type: every linear layer is assumed to "
                                   "get an adapter"));

  return g_strdup ("all-linear");
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
  g_autofree char *targets = NULL;
  HrElement element;

  *tuning = NULL;
  if (hr_fine_tuning_job_get_fine_tuning_method (job) == HR_FINE_TUNING_METHOD_FULL)
    return TRUE;
  if (!resolve_element (pass, job, &element, error))
    return FALSE;

  targets = dup_targets (pass, job);
  adapter = hr_adapter_new_lora (hr_fine_tuning_job_get_lora_rank (job), targets);
  *tuning = hr_tuning_new_for_adapter (adapter, pass->model, element, error);
  if (*tuning == NULL)
    {
      g_prefix_error (error, "lora-targets: ");
      return FALSE;
    }
  hr_tuning_set_dropout (*tuning, hr_fine_tuning_job_get_lora_dropout (job) > 0);

  return TRUE;
}
