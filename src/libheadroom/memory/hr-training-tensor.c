/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-tensor.h"

#include "hr-message.h"
#include "hr-training-check.h"

/*
 * Training of a model that transformers has divided by a plan (tp_plan="auto"), in a plain loop or by its Trainer,
 * whose accelerate wraps nothing around it (Accelerator.prepare_model of accelerate/accelerator.py): parameters are
 * plain tensors, of which each rank has its part, and hooks stand around modules (distribute_model of
 * transformers/integrations/tensor_parallel.py).
 */

/*
 * hr_training_tensor_is_used:
 * @plan: a plan, of which the job and its layout are known
 *
 * Returns: whether transformers divides the modules of the model
 */
gboolean
hr_training_tensor_is_used (const HrTrainingPlan *plan)
{
  HrTrainingFramework framework = hr_training_job_get_framework (plan->job);

  return plan->layout.tensor > 1 &&
         (framework == HR_TRAINING_FRAMEWORK_PYTORCH || framework == HR_TRAINING_FRAMEWORK_TRANSFORMERS);
}

/* What is followed beside parts of matrices. */
static gboolean
check_settings (const HrTrainingPlan  *plan,
                GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "pipeline-parallel", "1" },
    { "sequence-parallel", "false" },
    { "zero-stage", "0" },
    { "fine-tuning-method", "full" },
    { "algorithm", "sft" },
    { "optimizer", "adamw", "adam", "sgd", "sgd-momentum" },
    { "loss-implementation", "auto", "cross-entropy" },
    { "fused-kernels", "none" },
    { "torch-compile", "false" },
    { "fp8-recipe", "none" },
    { "parameter-offload", "none" },
    { "reentrant-checkpointing", "false" },
  };

  return hr_training_check_values (plan, "tp_plan", values, G_N_ELEMENTS (values), error);
}

/*
 * Accelerator._prepare_tp of accelerate/accelerator.py leaves plain tensors alone, which fully_shard then divides by
 * rows among the ranks that read different data (dp_shard_size of accelerate/parallelism_config.py).
 */
static gboolean
check_copies (const HrTrainingPlan  *plan,
              GError               **error)
{
  HrFsdp fsdp = hr_training_job_get_fsdp (plan->job);
  gboolean is_sharded = (fsdp == HR_FSDP_FULL_SHARD || fsdp == HR_FSDP_SHARD_GRAD_OP) &&
                        hr_training_job_get_fsdp_version (plan->job) == HR_FSDP_VERSION_2;
  g_autofree char *found = NULL;

  if (plan->layout.data == 1 || is_sharded)
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, plan->layout.data);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("data-parallel: expected 1 beside tensor-parallel, or fsdp full-shard or shard-grad-op of "
                           "version 2, as accelerate copies no model that transformers has divided; found %s"), found);

  return FALSE;
}

/* A head that is tied has the whole table, of which the hooks put the logits of all ranks together nonetheless. */
static gboolean
check_table (const HrTrainingPlan  *plan,
             GError               **error)
{
  for (guint i = 0; i < hr_model_get_n_tensors (plan->model); i++)
    {
      if (hr_model_get_tensor (plan->model, i)->tied_to == NULL)
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a model. */
                            N_("tensor-parallel: expected 1, as transformers puts the logits of all ranks together "
                               "though each has all of them where the head is tied to the table of tokens, as that of "
                               "“%s” is"), hr_model_get_name (plan->model));
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_experts (const HrTrainingPlan  *plan,
               GError               **error)
{
  if (!hr_layout_has_experts (hr_model_get_stack (plan->model, 0)))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("tensor-parallel: expected 1, as what the backward pass of experts that transformers "
                           "divides takes is not known, such as those of “%s”"), hr_model_get_name (plan->model));

  return FALSE;
}

/*
 * hr_training_tensor_check:
 * @plan: a plan whose model transformers divides
 * @error: return location for an error
 *
 * Checks whether training of what ranks have of a model is known.
 *
 * Returns: whether it is
 */
gboolean
hr_training_tensor_check (const HrTrainingPlan  *plan,
                          GError               **error)
{
  return check_settings (plan, error) && check_copies (plan, error) && check_table (plan, error) &&
         check_experts (plan, error);
}

/*
 * hr_training_tensor_warn:
 * @plan: a plan whose model transformers divides
 *
 * Says what is counted.
 */
void
hr_training_tensor_warn (HrTrainingPlan *plan)
{
  hr_inference_plan_warn (&plan->pass,
                          N_("Tensor parallelism is counted as transformers divides a model with tp_plan=\"auto\": the "
                             "table of tokens is whole on each GPU, and so is what stands between the matrices of a "
                             "layer; the logits of all GPUs are put together on each"));
}
