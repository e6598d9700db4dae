/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-zero.h"

#include "hr-message.h"
#include "hr-training-check.h"

/*
 * DeepSpeed's ZeRO of stages 1 and 2 (git edaa7221): each rank has all parameters in 16 bits, and of the copy in
 * fp32 that the optimizer steps, its states and the gradients that are kept an equal part
 * (deepspeed/runtime/zero/stage_1_and_2.py).
 */

/*
 * hr_training_zero_is_used:
 * @plan: a plan, of which the job and its layout are known
 *
 * Returns: whether ranks share by ZeRO
 */
gboolean
hr_training_zero_is_used (const HrTrainingPlan *plan)
{
  return hr_training_job_get_framework (plan->job) == HR_TRAINING_FRAMEWORK_DEEPSPEED && plan->layout.zero_stage > 0;
}

/*
 * hr_training_zero_check:
 * @plan: a plan, of which the job and its layout are known
 * @error: return location for an error
 *
 * Checks whether a job that DeepSpeed is to divide so can be followed.
 *
 * Returns: whether it can
 */
gboolean
hr_training_zero_check (const HrTrainingPlan  *plan,
                        GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "precision-recipe", "custom", "mixed-16" },
    { "gradient-dtype", "same" },
    { "autocast", "none" },
    { "fp8-recipe", "none" },
    { "torch-compile", "false" },
    { "zero-grad", "after-step" },
    { "optimizer", "adamw", "adam", "sgd", "sgd-momentum", "lion" },
    { "algorithm", "sft" },
  };

  if (!hr_training_zero_is_used (plan))
    return TRUE;

  if (plan->layout.zero_stage == 1 && hr_training_job_get_overlap_comm (plan->job))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("overlap-comm: expected false, as it is known for zero-stage 2, not for 1; found true"));
      return FALSE;
    }

  return hr_training_check_values (plan, "ZeRO", values, G_N_ELEMENTS (values), error);
}

static guint64
count_largest (const HrTrainables *parameters,
               guint64             n_part)
{
  guint64 n_largest = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    n_largest = MAX (n_largest, hr_trainables_get_item (parameters, i)->n_elements);

  return MIN (n_largest, n_part);
}

/*
 * hr_training_zero_resolve:
 * @plan: a plan, of which everything else is resolved
 *
 * Has gradients go through ZeRO’s buckets. All that is trained is one group of the optimizer, as DeepSpeed makes it of
 * the parameters of a model (DeepSpeedEngine._configure_basic_optimizer).
 */
void
hr_training_zero_resolve (HrTrainingPlan *plan)
{
  HrTraining *training = &plan->training;
  HrReduction *reduction = &training->reduction;
  guint64 n_all = hr_trainables_get_n_elements (plan->reached);
  guint64 n_part = (n_all + plan->layout.data - 1) / plan->layout.data;

  if (!hr_training_zero_is_used (plan) || training->master_bytes == 0)
    return;

  training->flattens_gradients = FALSE;
  training->copied_gradient_bytes = 0;
  hr_reduction_init (reduction, n_part);
  reduction->bucket_elements = hr_training_job_get_reduce_bucket_size (plan->job);
  reduction->n_buckets = hr_training_job_get_overlap_comm (plan->job) ? 2 : 1;
  reduction->n_all = n_all;
  reduction->n_largest = count_largest (plan->reached, n_part);
  reduction->has_ranks = TRUE;
  reduction->stays_whole = plan->layout.zero_stage == 1;
  reduction->is_one_group = TRUE;
  hr_inference_plan_warn (&plan->pass,
                          N_("ZeRO is counted from DeepSpeed’s code alone (contiguous_gradients and reduce_scatter "
                             "true, nothing offloaded), for the rank whose gradients come first; a bucket that not all "
                             "gradients have room in counts as full in each layer. What NCCL takes is not known, and "
                             "not counted"));
}
