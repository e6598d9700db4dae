/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-layout.h"

#include "hr-message.h"
#include "hr-training-profile.h"

#define MAX_FRAMEWORKS 8

/* Who divides a job in a way that is followed. */
static const struct
{
  const char *property;
  HrTrainingFramework frameworks[MAX_FRAMEWORKS];
  guint n_frameworks;
} known[] = {
  { "data-parallel", { HR_TRAINING_FRAMEWORK_PYTORCH, HR_TRAINING_FRAMEWORK_TRANSFORMERS,
                       HR_TRAINING_FRAMEWORK_TRL }, 3 },
  { "tensor-parallel", { 0 }, 0 },
  { "pipeline-parallel", { 0 }, 0 },
  { "context-parallel", { 0 }, 0 },
  { "expert-parallel", { 0 }, 0 },
};

static gboolean
is_known (guint                degree,
          HrTrainingFramework  framework)
{
  for (guint i = 0; i < known[degree].n_frameworks; i++)
    {
      if (known[degree].frameworks[i] == framework)
        return TRUE;
    }

  return FALSE;
}

/* As many copies as the GPUs allow, at least one. */
static gboolean
resolve_data (HrLayout  *self,
              guint      n_gpus,
              GError   **error)
{
  guint64 n_inner = self->tensor * self->pipeline * self->context;
  g_autofree char *inner = NULL;
  g_autofree char *found = NULL;

  if (self->data == 0 && n_gpus > n_inner && n_gpus % n_inner != 0)
    {
      inner = g_strdup_printf ("%" G_GUINT64_FORMAT, n_inner);
      found = g_strdup_printf ("%u", n_gpus);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("gpus: expected a multiple of %s, which is tensor-parallel × pipeline-parallel × "
                               "context-parallel; found %s"), inner, found);
      return FALSE;
    }

  if (self->data == 0)
    self->data = MAX (1, n_gpus / n_inner);
  self->n_ranks = n_inner * self->data;

  return TRUE;
}

/*
 * initialize_model_parallel of megatron/core/parallel_state.py: experts are divided among all ranks of a stage.
 */
static gboolean
check_experts (const HrLayout  *self,
               GError         **error)
{
  guint64 n_stage = self->n_ranks / self->pipeline;
  g_autofree char *ranks = NULL;
  g_autofree char *found = NULL;

  if (n_stage % self->expert == 0)
    return TRUE;

  ranks = g_strdup_printf ("%" G_GUINT64_FORMAT, n_stage);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, self->expert);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("expert-parallel: expected a divisor of %s, the ranks of a stage of the pipeline; found %s"),
                        ranks, found);

  return FALSE;
}

/*
 * hr_layout_init:
 * @self: (out): a layout
 * @job: a job
 * @n_gpus: how many GPUs there are
 * @error: return location for an error
 *
 * Works out how a job is divided among GPUs.
 *
 * Returns: whether its settings go together
 */
gboolean
hr_layout_init (HrLayout       *self,
                HrTrainingJob  *job,
                guint           n_gpus,
                GError        **error)
{
  *self = (HrLayout) {
    .data = hr_training_job_get_data_parallel (job),
    .tensor = hr_training_job_get_tensor_parallel (job),
    .pipeline = hr_training_job_get_pipeline_parallel (job),
    .context = hr_training_job_get_context_parallel (job),
    .expert = hr_training_job_get_expert_parallel (job),
  };
  self->divides_sequence = hr_training_job_get_sequence_parallel (job) && self->tensor > 1;

  return resolve_data (self, n_gpus, error) && check_experts (self, error);
}

/*
 * hr_layout_divides_data:
 * @self: a layout
 * @job: the job that it is of
 *
 * Returns: whether ranks read different data, in a way that is followed of the framework
 */
gboolean
hr_layout_divides_data (const HrLayout *self,
                        HrTrainingJob  *job)
{
  return self->data > 1 && is_known (0, hr_training_job_get_framework (job));
}

/*
 * hr_layout_check:
 * @self: a layout
 * @job: the job that it is of
 * @error: return location for an error
 *
 * Checks that what each GPU holds is known for a layout of a framework.
 *
 * Returns: whether it is
 */
gboolean
hr_layout_check (const HrLayout  *self,
                 HrTrainingJob   *job,
                 GError         **error)
{
  const guint64 degrees[] = { self->data, self->tensor, self->pipeline, self->context, self->expert };
  HrTrainingFramework framework = hr_training_job_get_framework (job);
  const HrTrainingProfile *profile = hr_training_profile_get (framework);
  gboolean from_gpus = hr_training_job_get_data_parallel (job) == 0;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      g_autofree char *number = NULL;

      if (degrees[i] == 1 || is_known (i, framework))
        continue;

      number = g_strdup_printf ("%" G_GUINT64_FORMAT, degrees[i]);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are the name of a setting, of a framework, and a number */
                            N_("%s: expected 1, as what each GPU holds where %s divides a job so is not known; "
                               "found %s"),
                            i == 0 && from_gpus ? "gpus" : known[i].property, profile != NULL ? profile->name : "",
                            number);
      return FALSE;
    }

  return TRUE;
}
