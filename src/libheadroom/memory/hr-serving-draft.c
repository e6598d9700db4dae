/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-draft.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-serving-cache.h"
#include "hr-serving-layout.h"
#include "hr-serving-weights.h"

/*
 * A model that guesses tokens ahead for another one: a smaller model, or a head of EAGLE that reads what the model
 * makes (vllm/v1/spec_decode, sglang/srt/speculative). It is divided among the ranks as the model is.
 */

#define SETTING "draft-model"

/* What a rank has of it. */
static HrModel *
divide (HrModel        *model,
        HrInferenceJob *job,
        GError        **error)
{
  HrServingLayout layout;
  g_autoptr (GArray) ranks = NULL;

  if (!hr_serving_layout_init (&layout, HR_JOB (job), 1, error))
    return NULL;
  if (layout.tensor == 1)
    return g_object_ref (model);

  layout = (HrServingLayout) { layout.tensor, 1, 1, 1, 1, layout.tensor, FALSE };
  ranks = hr_serving_layout_list_ranks (&layout, model);

  return hr_serving_layout_divide_model (&layout, model, &g_array_index (ranks, HrServingRank, 0), error);
}

/* It computes in what the model computes in, and is quantized as it says itself. */
static HrJob *
make_job (const HrServingPlan *self,
          HrInferenceJob      *job)
{
  HrJob *draft = hr_job_copy (HR_JOB (job));

  g_object_set (draft,
                SETTING, "none",
                "quantization", hr_inference_job_get_draft_quantization (job),
                "dtype", self->pass->dtype,
                "max-loras", (guint64) 0,
                "num-speculative-tokens", (guint64) 0,
                NULL);

  return draft;
}

/* What its layers keep of a token, which is one size, as blocks have. */
static gboolean
resolve_cache (HrServingPlan        *self,
               const HrServingPlan  *draft,
               GError              **error)
{
  const HrStack *stack = draft->pass->stack;

  self->draft_layers = stack->n_layers;
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);
      guint64 elements = attention != NULL ? hr_serving_cache_get_token_elements (draft, attention) : 0;

      if (elements > 0 && attention->sliding_window == 0 && (i == 0 || elements == self->draft_elements))
        {
          self->draft_elements = elements;
          continue;
        }

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are a program and the name of a model. */
                            N_("draft-model: expected a model whose layers all attend to all of the text, as it is not "
                               "known here what else %s keeps; found “%s”"),
                            self->program, hr_model_get_name (draft->pass->model));
      return FALSE;
    }

  return TRUE;
}

static void
measure (HrServingPlan       *self,
         const HrServingPlan *draft,
         HrModel             *whole)
{
  guint64 hidden = 0, words;
  HrWeights weights;

  if (self->draft_kind == HR_DRAFT_MODEL)
    {
      self->draft_weight_bytes = hr_serving_weights_get_bytes (draft, &weights);
      return;
    }

  hr_model_get_hyper_parameter (self->pass->model, "hidden_size", &hidden);
  if (!hr_model_get_hyper_parameter (whole, "draft_vocab_size", &words))
    words = draft->vocabulary;
  self->draft_weight_bytes = hr_serving_weights_get_eagle_bytes (draft, self->draft_kind, hidden, words);
}

/*
 * hr_serving_draft_resolve:
 * @self: a plan
 * @job: a job with a draft model
 * @error: return location for an error
 *
 * Resolves what a draft model takes: its weights, and what its layers keep of a token.
 *
 * Returns: whether the engine can run it
 */
gboolean
hr_serving_draft_resolve (HrServingPlan   *self,
                          HrInferenceJob  *job,
                          GError         **error)
{
  g_auto (HrInferencePlan) pass = { 0 };
  g_autoptr (HrJob) own_job = make_job (self, job);
  HrModel *whole = hr_job_get_model_to_estimate (HR_JOB (job), SETTING, error);
  g_autoptr (HrModel) part = whole != NULL ? divide (whole, job, error) : NULL;
  HrServingLayout layout;
  HrServingPlan draft;

  if (part == NULL || !hr_serving_layout_init (&layout, HR_JOB (job), 1, error))
    return FALSE;
  if (!hr_inference_plan_init_pass (&pass, part, own_job, error))
    {
      g_prefix_error (error, SETTING ": ");
      return FALSE;
    }

  hr_serving_plan_init (&draft, &pass, whole, NULL, self->profile);
  draft.engine = self->engine;
  draft.program = self->program;
  draft.n_tensor = layout.tensor;
  draft.is_part = layout.tensor > 1;
  draft.max_model_len = hr_inference_job_get_max_model_len (job);
  if (!hr_serving_plan_check (&draft, HR_INFERENCE_JOB (own_job), error))
    {
      g_prefix_error (error, SETTING ": ");
      return FALSE;
    }

  self->draft_kind = hr_draft_kind_of_job (job);
  if (!resolve_cache (self, &draft, error))
    return FALSE;
  measure (self, &draft, whole);

  return TRUE;
}
