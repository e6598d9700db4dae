/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-ranks.h"

#include "hr-estimate-parts.h"
#include "hr-estimate-private.h"
#include "hr-exact-estimate.h"
#include "hr-inference-heap.h"
#include "hr-layout.h"
#include "hr-llama-estimate.h"
#include "hr-block-estimate.h"
#include "hr-exllama-estimate.h"
#include "hr-media.h"
#include "hr-message.h"
#include "hr-mlx-estimate.h"
#include "hr-rule-estimate.h"
#include "hr-sglang-estimate.h"
#include "hr-vllm-estimate.h"

/* A job, and what it runs on. */
typedef struct
{
  HrModel *model;
  HrInferenceJob *job;
  HrMedia *media;
  HrGpu *gpu;
  HrEstimateDetail detail;
} Run;

/* How a model that is stored in another format is divided is up to the code of the format. */
static gboolean
check_quantization (const HrInferencePlan  *plan,
                    GError                **error)
{
  if (plan->quantization == HR_QUANTIZATION_NONE)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("quantization: expected none beside tensor-parallel and expert-parallel, as it is not known "
                           "how its tensors are divided; found %s"),
                        hr_quantization_get_name (plan->quantization));

  return FALSE;
}

/*
 * An estimate of a rank that has a part of the model, or of all devices that the layers of the whole are spread over;
 * takes @part.
 */
static HrEstimate *
run_part (const Run  *run,
          HrModel    *part,
          guint       n_devices,
          GError    **error)
{
  g_autoptr (HrModel) owned = part;
  g_autoptr (HrInferencePlan) plan = g_new0 (HrInferencePlan, 1);
  HrModel *model = part != NULL ? part : run->model;
  guint64 least_bytes = 0;
  HrEstimate *estimate;

  if (!hr_inference_plan_init (plan, model, run->job, error) ||
      (run->media != NULL && !hr_inference_plan_take_media (plan, run->media, error)))
    return NULL;
  if (part != NULL)
    {
      plan->whole = run->model;
      g_steal_pointer (&owned);
      if (!check_quantization (plan, error))
        return NULL;
      hr_inference_plan_warn (plan, N_("Buffers of NCCL, which it takes beside PyTorch’s allocator, are not counted"));
    }

  if (hr_job_get_method_of_estimate (HR_JOB (run->job)) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    estimate = hr_rule_estimate_new (plan);
  else
    estimate = hr_exact_estimate_new (plan, run->gpu, n_devices, run->detail, &least_bytes, error);

  if (estimate == NULL)
    return NULL;

  hr_estimate_add_warnings (estimate, plan);
  if (least_bytes > 0)
    hr_inference_heap_attach (estimate, g_steal_pointer (&plan), least_bytes, run->gpu);

  return estimate;
}

/* The formulas that people know are of whole models. */
static void
add_rule_of_thumb (HrEstimate *estimate,
                   const Run  *run)
{
  g_auto (HrInferencePlan) plan = { 0 };
  g_autoptr (HrEstimate) rule = NULL;

  if (hr_inference_plan_init (&plan, run->model, run->job, NULL))
    rule = hr_rule_estimate_new (&plan);
  _hr_estimate_set_rule_of_thumb (estimate, rule);
}

/*
 * What stands beside an estimate of whole models, or is asked for, is of a GPU where the job says how many share a
 * model.
 */
static HrEstimate *
share_rule (const Run  *run,
            HrEstimate *estimate)
{
  HrEstimate *rule = hr_estimate_get_rule_of_thumb (estimate);
  guint64 n_ranks = hr_estimate_get_n_ranks (estimate);
  g_autoptr (HrEstimate) shared = NULL;

  if (hr_job_get_tensor_parallel (HR_JOB (run->job)) * hr_job_get_pipeline_parallel (HR_JOB (run->job)) == 1 ||
      run->media != NULL)
    return estimate;

  if (hr_estimate_get_method (estimate) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    {
      shared = estimate;
      return hr_rule_estimate_divide (estimate, HR_JOB (run->job), n_ranks);
    }
  if (rule != NULL)
    {
      shared = hr_rule_estimate_divide (rule, HR_JOB (run->job), n_ranks);
      _hr_estimate_set_rule_of_thumb (estimate, shared);
    }

  return estimate;
}

/* Ranks differ where the width of perceptrons is not a multiple of their number: the last has less than the first. */
static guint64
count_distinct (const HrLayout  *layout,
                HrModel         *model,
                GError         **error)
{
  guint64 n_ranks = layout->tensor * layout->expert;
  g_autoptr (HrModel) first = hr_layout_share_model (layout, model, 0, error);
  g_autoptr (HrModel) last = first != NULL ? hr_layout_share_model (layout, model, n_ranks - 1, error) : NULL;

  if (last == NULL)
    return 0;

  return hr_model_get_n_parameters (first) == hr_model_get_n_parameters (last) ? 1 : n_ranks;
}

/* What each rank takes; the estimate is that of the one that takes most. */
static HrEstimate *
run_shares (const Run       *run,
            const HrLayout  *layout,
            GError         **error)
{
  g_autoptr (GPtrArray) ranks = g_ptr_array_new_with_free_func (g_object_unref);
  guint64 n_distinct = count_distinct (layout, run->model, error);
  HrEstimate *worst = NULL;

  if (n_distinct == 0)
    return NULL;

  for (guint64 i = 0; i < n_distinct; i++)
    {
      HrModel *part = hr_layout_share_model (layout, run->model, i, error);
      HrEstimate *estimate = part != NULL ? run_part (run, part, 1, error) : NULL;

      if (estimate == NULL)
        return NULL;

      g_ptr_array_add (ranks, estimate);
      if (worst == NULL || _hr_estimate_get_known_bytes (estimate) > _hr_estimate_get_known_bytes (worst))
        worst = estimate;
    }

  if (ranks->len > 1)
    _hr_estimate_doubt_reserved (worst);
  _hr_estimate_join_ranks (worst, (HrEstimate * const *) ranks->pdata, ranks->len, layout->n_ranks);
  add_rule_of_thumb (worst, run);

  return g_object_ref (worst);
}

/* What llama.cpp makes of images and sounds is a program of its own (tools/mtmd). */
static HrEstimate *
run_llama (const Run  *run,
           guint       n_gpus,
           GError    **error)
{
  if (run->media == NULL || run->media->items->len == 0)
    return hr_llama_estimate_new (run->model, run->job, run->gpu, n_gpus, run->detail, error);

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("engine: expected transformers beside images, sounds and videos, as it is not known here "
                           "what llama.cpp takes for them; found llama.cpp"));

  return NULL;
}

/* An engine other than transformers and llama.cpp. */
typedef struct
{
  HrEngine engine;
  const char *name;
  const char *program;
  HrEstimate *(*create) (HrModel *, HrInferenceJob *, HrGpu *, guint, HrEstimateDetail, GError **);
} ServingEngine;

static const ServingEngine engines[] = {
  { HR_ENGINE_VLLM, "vllm", "vLLM", hr_vllm_estimate_new },
  { HR_ENGINE_SGLANG, "sglang", "SGLang", hr_sglang_estimate_new },
  { HR_ENGINE_LMDEPLOY, "lmdeploy", "LMDeploy", hr_block_estimate_new },
  { HR_ENGINE_TENSORRT_LLM, "tensorrt-llm", "TensorRT-LLM", hr_block_estimate_new },
  { HR_ENGINE_MLX, "mlx", "MLX", hr_mlx_estimate_new },
  { HR_ENGINE_EXLLAMA, "exllama", "ExLlamaV3", hr_exllama_estimate_new },
};

static const ServingEngine *
find_engine (HrEngine engine)
{
  for (guint i = 0; i < G_N_ELEMENTS (engines); i++)
    {
      if (engines[i].engine == engine)
        return &engines[i];
    }

  return NULL;
}

/* How such engines see and hear is code of its own as well. */
static HrEstimate *
run_engine (const Run            *run,
            const ServingEngine  *row,
            guint                 n_gpus,
            GError              **error)
{
  if (run->media == NULL || run->media->items->len == 0)
    return row->create (run->model, run->job, run->gpu, n_gpus, run->detail, error);

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("engine: expected transformers beside images, sounds and videos, as it is not known here "
                           "what %s takes for them; found %s"),
                        row->program, row->name);

  return NULL;
}

/*
 * hr_inference_ranks_run:
 * @model: a model
 * @job: a job
 * @media: (nullable): what is seen and heard
 * @gpu: (nullable): the GPU to run on
 * @n_gpus: how many of them
 * @detail: what of the estimate is asked for
 * @error: return location for an error
 *
 * Estimates what the ranks of a job of inference take.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_inference_ranks_run (HrModel         *model,
                        HrInferenceJob  *job,
                        HrMedia         *media,
                        HrGpu           *gpu,
                        guint            n_gpus,
                        HrEstimateDetail detail,
                        GError         **error)
{
  const Run run = { model, job, media, gpu, detail };
  const ServingEngine *engine;
  HrEstimate *estimate;
  HrLayout layout;

  if (hr_inference_job_runs_llama (job))
    return run_llama (&run, n_gpus, error);
  engine = find_engine (hr_inference_job_get_engine (job));
  if (engine != NULL)
    return run_engine (&run, engine, n_gpus, error);
  if (!hr_layout_init_inference (&layout, HR_JOB (job), n_gpus, error))
    return NULL;

  if (layout.tensor * layout.expert > 1 &&
      hr_job_get_method_of_estimate (HR_JOB (job)) == HR_ESTIMATE_METHOD_EXACT)
    estimate = run_shares (&run, &layout, error);
  else
    estimate = run_part (&run, NULL, layout.pipeline, error);
  if (estimate == NULL)
    return NULL;

  _hr_estimate_set_n_ranks (estimate, layout.n_ranks);

  return share_rule (&run, estimate);
}
