/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-llama-draft.h"

#include "hr-message.h"

/*
 * What llama.cpp's server has beside the model for another one that guesses tokens ahead (common/speculative.cpp,
 * common_base_params_to_speculative and common_speculative_init_result, at b11669): its own weights, and a context of
 * the same length and the same sequences with its own caches and buffers, whether or not --spec-type has it guess. How
 * many tokens it guesses changes none of them.
 */

/* SPEC_VOCAB_MAX_SIZE_DIFFERENCE of common/speculative.cpp. */
#define MAX_VOCABULARY_DIFFERENCE 128

#define SETTING "draft-model"

static gboolean
is_asked_for (HrInferenceJob *job)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (job), SETTING);
  g_autofree char *name = hr_job_get_as_string (HR_JOB (job), SETTING);

  return hr_job_uses_setting (HR_JOB (job), pspec, NULL) &&
         !g_str_equal (name, G_PARAM_SPEC_STRING (pspec)->default_value);
}

/* Before, each slot had a context of its own for it. */
static gboolean
check_release (const HrLlamaPlan  *plan,
               GError            **error)
{
  if (plan->release == HR_LLAMA_RELEASE_B11669)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("draft-model: expected none, as it is known of b11669 alone what a draft model takes; found "
                           "another release of llama.cpp"));

  return FALSE;
}

/* It has what the model has, but for what is said of it alone. Left open, its caches hold 16-bit floats. */
static HrJob *
make_job (HrInferenceJob *job)
{
  HrJob *draft = hr_job_copy (HR_JOB (job));
  guint64 n_tokens = hr_inference_job_get_draft_batched_tokens (job);

  g_object_set (draft,
                "draft-model", "none",
                "quantization", hr_inference_job_get_draft_quantization (job),
                "dtype", HR_DTYPE_AUTO,
                "gpu-layers", hr_inference_job_get_draft_gpu_layers (job),
                "fit", FALSE,
                "n-cpu-moe", (guint64) 0,
                "n-cpu-ffn", (guint64) 0,
                "override-tensor", "none",
                "tensor-types", "none",
                "kv-cache-dtype", HR_DTYPE_AUTO,
                "cache-type-k", hr_inference_job_get_draft_cache_type_k (job),
                "cache-type-v", hr_inference_job_get_draft_cache_type_v (job),
                NULL);
  if (n_tokens > 0)
    g_object_set (draft, "max-num-batched-tokens", n_tokens, NULL);

  return draft;
}

static void
warn_of_vocabulary (const HrLlamaPlan *plan,
                    HrModel           *model)
{
  guint64 size = 0, own = 0;
  g_autofree char *size_text = NULL;
  g_autofree char *own_text = NULL;

  if (!hr_model_get_hyper_parameter (model, "vocab_size", &size) ||
      !hr_model_get_hyper_parameter (plan->pass->model, "vocab_size", &own) ||
      MAX (size, own) - MIN (size, own) <= MAX_VOCABULARY_DIFFERENCE)
    return;

  size_text = g_strdup_printf ("%" G_GUINT64_FORMAT, size);
  own_text = g_strdup_printf ("%" G_GUINT64_FORMAT, own);
  hr_inference_plan_warn (plan->pass,
                          N_("draft-model: that model knows %s tokens and the model %s; llama.cpp does not start with "
                             "models whose vocabularies differ by more than 128 tokens"),
                          size_text, own_text);
}

/*
 * hr_llama_draft_init:
 * @self: (out): a draft model, which is to be cleared in either case
 * @plan: the plan of the model that it guesses for
 * @job: the job of that
 * @gpu: (nullable): the GPU to run on
 * @error: return location for an error
 *
 * Resolves the draft model of a job, if it has one.
 *
 * Returns: whether there is none, or llama.cpp can run it
 */
gboolean
hr_llama_draft_init (HrLlamaDraft       *self,
                     const HrLlamaPlan  *plan,
                     HrInferenceJob     *job,
                     HrGpu              *gpu,
                     GError            **error)
{
  HrModel *model;

  *self = (HrLlamaDraft) { 0 };
  if (!is_asked_for (job))
    return TRUE;

  model = check_release (plan, error) ? hr_job_get_model_to_estimate (HR_JOB (job), SETTING, error) : NULL;
  if (model == NULL)
    return FALSE;

  self->job = make_job (job);
  if (!hr_inference_plan_init_pass (&self->pass, model, self->job, error) ||
      !hr_llama_plan_init (&self->plan, &self->pass, HR_INFERENCE_JOB (self->job), gpu, plan->n_devices, error))
    {
      g_prefix_error (error, SETTING ": ");
      return FALSE;
    }
  hr_llama_plan_set_context (&self->plan, plan->context);
  hr_llama_plan_resolve_flash (&self->plan);
  warn_of_vocabulary (plan, model);

  return TRUE;
}

void
hr_llama_draft_clear (HrLlamaDraft *self)
{
  hr_llama_plan_clear (&self->plan);
  hr_inference_plan_clear (&self->pass);
  g_clear_object (&self->job);
}
