/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-estimator.h"

#include <glib/gi18n-lib.h>

#include "hr-cuda-context.h"
#include "hr-estimate-parts.h"
#include "hr-estimate-private.h"
#include "hr-exact-estimate.h"
#include "hr-framework.h"
#include "hr-grpo-job.h"
#include "hr-inference-ranks.h"
#include "hr-job-adapt.h"
#include "hr-media-rule-estimate.h"
#include "hr-media.h"
#include "hr-message.h"
#include "hr-model-head.h"
#include "hr-multimodal-job.h"
#include "hr-rule-estimate.h"
#include "hr-serving-plan.h"
#include "hr-training-check.h"
#include "hr-training-estimate.h"
#include "hr-training-heap.h"
#include "hr-training-rule-estimate.h"
#include "hr-training-shard.h"
#include "hr-vllm-plan.h"

/* Below this nobody has to ask where the memory went. */
#define MANY_VIDEO_TOKENS 8192

static HrEstimate *
run_stage (HrModel           *model,
           HrTrainingJob     *job,
           HrMedia           *media,
           HrGpu             *gpu,
           guint              n_gpus,
           guint              stage,
           HrEstimateDetail   detail,
           HrLayout          *layout,
           GError           **error)
{
  g_autoptr (HrTrainingPlan) plan = g_new0 (HrTrainingPlan, 1);
  HrEstimate *estimate;

  if (!hr_training_plan_init (plan, model, job, n_gpus, stage, media, error))
    return NULL;

  *layout = plan->layout;
  if (hr_job_get_method_of_estimate (HR_JOB (job)) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    estimate = hr_training_rule_estimate_new (plan);
  else
    estimate = hr_training_estimate_new (plan, gpu, detail, error);
  if (estimate == NULL)
    return NULL;

  hr_estimate_add_warnings (estimate, &plan->pass);
  if (hr_estimate_get_method (estimate) != HR_ESTIMATE_METHOD_EXACT)
    return estimate;
  if (hr_training_heap_can_run (plan))
    hr_training_heap_attach (estimate, g_steal_pointer (&plan), gpu);
  else
    _hr_estimate_doubt_reserved (estimate);

  return estimate;
}

/* The formulas that people know are of whole models, which are divided afterwards. */
static void
add_rule_of_thumb (HrEstimate     *estimate,
                   HrModel        *model,
                   HrTrainingJob  *job,
                   HrMedia        *media,
                   guint           n_gpus)
{
  g_autoptr (HrJob) copy = hr_job_copy (HR_JOB (job));
  g_autoptr (HrEstimate) rule = NULL;
  HrLayout layout;

  g_object_set (copy, "method-of-estimate", HR_ESTIMATE_METHOD_RULE_OF_THUMB, NULL);
  rule = run_stage (model, HR_TRAINING_JOB (copy), media, NULL, n_gpus, 0, HR_ESTIMATE_DETAIL_FORMULAS, &layout, NULL);
  _hr_estimate_set_rule_of_thumb (estimate, rule);
}

/* What each stage of a pipeline takes; the estimate is that of the one that takes most. */
static HrEstimate *
run_training (HrModel           *model,
              HrTrainingJob     *job,
              HrMedia           *media,
              HrGpu             *gpu,
              guint              n_gpus,
              HrEstimateDetail   detail,
              GError           **error)
{
  g_autoptr (GPtrArray) stages = g_ptr_array_new_with_free_func (g_object_unref);
  HrEstimate *worst = NULL;
  HrLayout layout = { .pipeline = 1 };
  guint n_stages = 1;

  for (guint i = 0; i < n_stages; i++)
    {
      HrEstimate *estimate = run_stage (model, job, media, gpu, n_gpus, i, detail, &layout, error);

      if (estimate == NULL)
        return NULL;

      g_ptr_array_add (stages, estimate);
      if (hr_estimate_get_method (estimate) == HR_ESTIMATE_METHOD_EXACT)
        n_stages = layout.pipeline;
      if (worst == NULL || _hr_estimate_get_known_bytes (estimate) > _hr_estimate_get_known_bytes (worst))
        worst = estimate;
    }
  if (hr_estimate_get_method (worst) == HR_ESTIMATE_METHOD_EXACT)
    {
      _hr_estimate_join_ranks (worst, (HrEstimate * const *) stages->pdata, stages->len, layout.n_ranks);
      if (layout.pipeline > 1)
        _hr_estimate_set_n_stages (worst, layout.pipeline);
      if (detail != HR_ESTIMATE_DETAIL_SIZES && hr_layout_divides_model (&layout))
        add_rule_of_thumb (worst, model, job, media, n_gpus);
    }

  return g_object_ref (worst);
}

static HrEstimate *
run_task (HrModel           *model,
          HrJob             *job,
          HrMedia           *media,
          HrGpu             *gpu,
          guint              n_gpus,
          HrEstimateDetail   detail,
          GError           **error)
{
  if (HR_IS_TRAINING_JOB (job))
    return run_training (model, HR_TRAINING_JOB (job), media, gpu, n_gpus, detail, error);

  return hr_inference_ranks_run (model, HR_INFERENCE_JOB (job), media, gpu, n_gpus, detail, error);
}

/* What pictures, sounds and videos come to by the formulas that people know, whatever the model's processor does. */
static HrEstimate *
run_media_rule (HrModel  *model,
                HrJob    *job,
                GError  **error)
{
  g_autoptr (GArray) media = hr_job_list_media (job, error);
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (HrMediumTokens));
  g_auto (HrInferencePlan) plan = { 0 };
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (HrJob) task = NULL;
  guint64 tokens;

  if (media == NULL)
    return NULL;

  tokens = hr_job_count_text_tokens (job) + hr_media_rule_estimate_list_tokens (media, items);
  if (!hr_media_check_tokens (tokens, error))
    return NULL;

  task = hr_job_dup_reading (job, tokens);
  g_object_set (task, "method-of-estimate", HR_ESTIMATE_METHOD_RULE_OF_THUMB, NULL);
  if (HR_IS_TRAINING_JOB (task))
    {
      estimate = run_training (model, HR_TRAINING_JOB (task), NULL, NULL, 1, HR_ESTIMATE_DETAIL_FORMULAS, error);
    }
  else if (hr_inference_plan_init (&plan, model, HR_INFERENCE_JOB (task), error))
    {
      estimate = hr_media_rule_estimate_new (&plan, items);
      hr_estimate_add_warnings (estimate, &plan);
    }
  if (estimate != NULL)
    _hr_estimate_take_media (estimate, hr_job_get_mode (job), g_steal_pointer (&items),
                             hr_job_count_text_tokens (job));

  return g_steal_pointer (&estimate);
}

static void
warn (HrEstimate *estimate,
      const char *msgid,
      ...)
{
  va_list arguments;

  va_start (arguments, msgid);
  _hr_estimate_take_warning (estimate, hr_message_format (msgid, arguments));
  va_end (arguments);
}

static guint64
count_tokens (const HrMedia *media,
              HrMediumKind   kind)
{
  guint64 tokens = 0;

  for (guint i = 0; i < media->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (media->items, HrMediumTokens, i);

      tokens += item->kind == kind ? item->tokens : 0;
    }

  return tokens;
}

/* A video is soon more than all else, and more than the model was made for. */
static void
warn_of_length (HrEstimate    *estimate,
                HrModel       *model,
                const HrMedia *media)
{
  guint64 videos = count_tokens (media, HR_MEDIUM_VIDEO);
  g_autofree char *all_text = g_strdup_printf ("%" G_GUINT64_FORMAT, media->tokens);
  g_autofree char *videos_text = g_strdup_printf ("%" G_GUINT64_FORMAT, videos);
  g_autofree char *longest_text = NULL;
  guint64 longest = 0;

  hr_model_get_hyper_parameter (model, "max_position_embeddings", &longest);
  longest_text = g_strdup_printf ("%" G_GUINT64_FORMAT, longest);
  if (longest > 0 && media->tokens > longest)
    warn (estimate,
          N_("Each sequence has %s tokens, and the model is made for %s: images, sounds and videos make it too long"),
          all_text, longest_text);
  if (videos > media->tokens / 2 && videos > MANY_VIDEO_TOKENS)
    warn (estimate,
          N_("Videos are %s of the %s tokens of each sequence: their number grows with length, frame rate and area of "
             "the picture, and memory with it"),
          videos_text, all_text);
}

/*
 * Of training each rank has a whole tower, or parts of its parameters, and sees the images of its own sequences, and of
 * inference each copy of the model; where a copy is divided, that is what transformers does with its layers.
 */
static gboolean
check_division (HrJob          *task,
                const HrMedia  *media,
                guint           n_gpus,
                GError        **error)
{
  g_autofree char *found = NULL;

  if (HR_IS_TRAINING_JOB (task) || media->items->len == 0 || n_gpus == 1 ||
      n_gpus == hr_job_get_data_parallel (task) ||
      hr_inference_job_get_engine (HR_INFERENCE_JOB (task)) != HR_ENGINE_TRANSFORMERS)
    return TRUE;

  found = g_strdup_printf ("%u", n_gpus);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("gpus: expected 1, or as many as there are copies of the model (data-parallel), as it is "
                           "not known how a model with a tower is divided; found %s"), found);

  return FALSE;
}

static HrEstimate *
run_with_media (HrModel           *model,
                HrJob             *job,
                HrGpu             *gpu,
                guint              n_gpus,
                HrEstimateDetail   detail,
                GError           **error)
{
  g_autoptr (HrMedia) media = NULL;
  g_autoptr (HrEstimate) rule = NULL;
  g_autoptr (HrJob) task = NULL;
  HrEstimate *estimate;

  if (hr_job_get_method_of_estimate (job) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    return run_media_rule (model, job, error);

  media = hr_media_new (model, job, error);
  if (media == NULL)
    return NULL;

  task = hr_job_dup_reading (job, media->tokens);
  if (!check_division (task, media, n_gpus, error))
    return NULL;

  estimate = run_task (model, task, media, gpu, n_gpus, detail, error);
  if (estimate == NULL)
    return NULL;

  if (detail != HR_ESTIMATE_DETAIL_SIZES)
    {
      rule = run_media_rule (model, job, NULL);
      _hr_estimate_set_rule_of_thumb (estimate, rule);
    }
  _hr_estimate_take_media (estimate, hr_job_get_mode (job), g_array_ref (media->items), media->text_tokens);
  warn_of_length (estimate, model, media);

  return estimate;
}

/* What is to stay free is so whatever an estimate is made by; an engine may leave more than that by itself. */
static void
add_reserve (HrEstimate *estimate,
             guint64     mebibytes)
{
  HrEstimate *rule = hr_estimate_get_rule_of_thumb (estimate);

  if (hr_estimate_get_component_bytes (estimate, HR_COMPONENT_RESERVE) == 0)
    _hr_estimate_add_reserve (estimate, mebibytes << 20);
  if (rule != NULL)
    _hr_estimate_add_reserve (rule, mebibytes << 20);
}

static gboolean
is_other (HrJob      *a,
          HrJob      *b,
          const char *setting)
{
  g_autofree char *one = hr_job_get_as_string (a, setting);
  g_autofree char *other = hr_job_get_as_string (b, setting);

  return !g_str_equal (one, other);
}

static void
warn_of_adapted_training (HrEstimate *estimate,
                          HrJob      *job,
                          HrJob      *adapted)
{
  g_autofree char *n_micro_batches = hr_job_get_as_string (adapted, "gradient-accumulation-steps");

  if (is_other (job, adapted, "sequence-parallel"))
    warn (estimate, N_("sequence-parallel is counted as true: without it Megatron-LM trains no experts beside "
                       "tensor-parallel"));
  if (is_other (job, adapted, "virtual-pipeline-parallel"))
    warn (estimate, N_("virtual-pipeline-parallel is counted as 2, the stages that torchtitan makes for each rank of "
                       "this schedule by itself"));
  if (is_other (job, adapted, "gradient-accumulation-steps"))
    warn (estimate, N_("gradient-accumulation-steps is counted as %s, the fewest micro-batches that this schedule is "
                       "run with on so many ranks: torchtitan’s own default of one (num_pp_microbatches) does not "
                       "run"), n_micro_batches);
}

/* What is counted with another value than the job has is said: nobody has changed the default. */
static void
warn_of_adapted (HrEstimate *estimate,
                 HrJob      *job,
                 HrJob      *adapted,
                 HrModel    *model)
{
  g_autofree char *prompt = NULL;
  g_autofree char *output = NULL;
  g_autofree char *share = NULL;

  if (!HR_IS_INFERENCE_JOB (adapted))
    {
      warn_of_adapted_training (estimate, job, adapted);
      return;
    }

  share = hr_job_get_as_string (adapted, "gpu-memory-utilization");
  if (is_other (job, adapted, "gpu-memory-utilization"))
    warn (estimate, N_("gpu-memory-utilization is counted as %s, which this release of vLLM takes by itself"), share);
  if (!is_other (job, adapted, "prompt-length") && !is_other (job, adapted, "output-length"))
    return;

  prompt = hr_job_get_as_string (adapted, "prompt-length");
  output = hr_job_get_as_string (adapted, "output-length");
  if (hr_model_writes_text (model) && hr_model_find_stack (model, HR_STACK_DECODER) != NULL)
    /* Translators: two numbers of tokens */
    warn (estimate, N_("Prompt and output are counted with %s and %s tokens: by default they are no longer than the "
                       "context"), prompt, output);
  else
    warn (estimate, N_("The text is counted with %s tokens: by default it is no longer than what the model reads"),
          prompt);
}

static HrEstimate *
run (HrModel           *model,
     HrJob             *job,
     HrGpu             *gpu,
     guint              n_gpus,
     HrEstimateDetail   detail,
     GError           **error)
{
  g_autoptr (GArray) media = NULL;
  g_autoptr (HrJob) adapted = NULL;
  HrEstimate *estimate;

  if (!hr_model_check_can_be_estimated (model, error))
    return NULL;

  media = hr_job_list_media (job, error);
  if (media == NULL)
    return NULL;
  if (HR_IS_MULTIMODAL_JOB (job) || media->len > 0)
    estimate = run_with_media (model, job, gpu, n_gpus, detail, error);
  else
    {
      adapted = hr_job_dup_adapted (job, model);
      estimate = run_task (model, adapted, NULL, gpu, n_gpus, detail, error);
    }
  if (estimate == NULL)
    return NULL;

  if (adapted != NULL && adapted != job)
    warn_of_adapted (estimate, job, adapted, model);
  add_reserve (estimate, hr_job_get_memory_reserve (job));

  return estimate;
}

/**
 * hr_estimator_run:
 * @model: a model
 * @job: what to do with it
 * @gpu: (nullable): the GPU to do it on, or %NULL to leave out what depends on it
 * @n_gpus: how many of them; layers are spread over them as accelerate does
 * @error: return location for an error
 *
 * Estimates the memory that a job takes. It reads nothing but its arguments, and can be called from any thread.
 *
 * A job that is understood and cannot be done fails with %HR_ERROR_UNSUPPORTED; one whose sizes are beyond counting
 * with %HR_ERROR_TOO_LARGE.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_estimator_run (HrModel  *model,
                  HrJob    *job,
                  HrGpu    *gpu,
                  guint     n_gpus,
                  GError  **error)
{
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return run (model, job, gpu, n_gpus, HR_ESTIMATE_DETAIL_FORMULAS, error);
}

/**
 * hr_estimator_run_for_sizes:
 * @model: a model
 * @job: what to do with it
 * @gpu: (nullable): the GPU to do it on, or %NULL to leave out what depends on it
 * @n_gpus: how many of them
 * @error: return location for an error
 *
 * Estimates as [func@estimator_run] does, to the byte, for who compares many jobs and explains none: components have
 * their sizes alone, and there is no rule of thumb beside them.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_estimator_run_for_sizes (HrModel  *model,
                            HrJob    *job,
                            HrGpu    *gpu,
                            guint     n_gpus,
                            GError  **error)
{
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return run (model, job, gpu, n_gpus, HR_ESTIMATE_DETAIL_SIZES, error);
}

/**
 * hr_estimator_run_with_timeline:
 * @model: a model
 * @job: what to do with it
 * @gpu: (nullable): the GPU to do it on, or %NULL to leave out what depends on it
 * @n_gpus: how many of them
 * @error: return location for an error
 *
 * Estimates as [func@estimator_run] does, and writes down what is held over the course of the job.
 *
 * Returns: (transfer full): an estimate with a timeline, if the method knows moments, or %NULL with @error set
 */
HrEstimate *
hr_estimator_run_with_timeline (HrModel  *model,
                                HrJob    *job,
                                HrGpu    *gpu,
                                guint     n_gpus,
                                GError  **error)
{
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return run (model, job, gpu, n_gpus, HR_ESTIMATE_DETAIL_TIMELINE, error);
}

/**
 * hr_estimator_knows_choice:
 * @job: a job
 * @setting: a setting of it that is an enumeration
 * @choice: one of its values
 *
 * Checks whether jobs with a value can be estimated at all, so that it can be offered. Whether this job can be
 * estimated with it depends on the model and on the other settings.
 *
 * Returns: whether the value is known
 */
gboolean
hr_estimator_knows_choice (HrJob      *job,
                           GParamSpec *setting,
                           int         choice)
{
  const GEnumValue *value;

  g_return_val_if_fail (HR_IS_JOB (job), FALSE);
  g_return_val_if_fail (G_IS_PARAM_SPEC_ENUM (setting), FALSE);

  value = g_enum_get_value (G_PARAM_SPEC_ENUM (setting)->enum_class, choice);
  if (value == NULL || !HR_IS_TRAINING_JOB (job))
    return value != NULL;

  return hr_training_knows_value (setting->name, value->value_nick);
}

/* accelerate and llama.cpp for Ollama fill devices as far as they go, and engines that serve take a share of one. */
static gboolean
depends_on_memory (HrJob *job,
                   guint  n_gpus)
{
  if (HR_IS_INFERENCE_JOB (job) && (hr_inference_job_runs_server (HR_INFERENCE_JOB (job)) ||
                                    hr_inference_job_get_engine (HR_INFERENCE_JOB (job)) == HR_ENGINE_OLLAMA ||
                                    hr_inference_job_get_fit (HR_INFERENCE_JOB (job))))
    return TRUE;
  if (HR_IS_GRPO_JOB (job) && hr_grpo_job_get_rollout (HR_GRPO_JOB (job)) == HR_ROLLOUT_VLLM_COLOCATED)
    return TRUE;

  return !HR_IS_TRAINING_JOB (job) && n_gpus > 1;
}

static gboolean
runs_ggml (HrJob *job)
{
  HrEngine engine = HR_IS_INFERENCE_JOB (job) ? hr_inference_job_get_engine (HR_INFERENCE_JOB (job))
                                              : HR_ENGINE_TRANSFORMERS;

  return engine == HR_ENGINE_LLAMA_CPP || engine == HR_ENGINE_OLLAMA;
}

/* What the driver holds, of a framework that may be unknown. */
static gint64
get_context_bytes (HrJob *job,
                   HrGpu *gpu)
{
  HrFramework framework = { 0 };
  gboolean trains = HR_IS_TRAINING_JOB (job) ||
                    (HR_IS_MULTIMODAL_JOB (job) &&
                     hr_multimodal_job_get_task (HR_MULTIMODAL_JOB (job)) == HR_MULTIMODAL_TASK_FINE_TUNING);

  if (runs_ggml (job))
    hr_cuda_context_init_for_ggml (&framework, gpu);
  else
    hr_framework_init_for_gpu (&framework, gpu);

  return framework.context_bytes + (trains ? framework.backward_bytes : 0);
}

/**
 * hr_estimator_compare_gpus:
 * @job: a job
 * @gpu: a GPU
 * @other: another one
 * @n_gpus: how many of them
 * @difference: (out): how much more each device needs where they are of the other kind, in bytes
 *
 * Checks whether an estimate of a job on GPUs of one kind says what one on those of another kind would say, but for
 * what the driver holds and for sentences about the GPUs: then one of the two is enough.
 *
 * Returns: whether it does
 */
gboolean
hr_estimator_compare_gpus (HrJob  *job,
                           HrGpu  *gpu,
                           HrGpu  *other,
                           guint   n_gpus,
                           gint64 *difference)
{
  g_return_val_if_fail (HR_IS_JOB (job), FALSE);
  g_return_val_if_fail (HR_IS_GPU (gpu), FALSE);
  g_return_val_if_fail (HR_IS_GPU (other), FALSE);
  g_return_val_if_fail (difference != NULL, FALSE);

  if (depends_on_memory (job, n_gpus) && (hr_gpu_get_memory (gpu) != hr_gpu_get_memory (other) ||
                                          hr_gpu_get_usable_memory (gpu) != hr_gpu_get_usable_memory (other)))
    return FALSE;
  if (!hr_framework_is_alike (gpu, other))
    return FALSE;
  if (runs_ggml (job) && !hr_cuda_context_is_alike (gpu, other))
    return FALSE;

  *difference = get_context_bytes (job, other) - get_context_bytes (job, gpu);

  /* Of what is left to a cache that takes a share of the memory, what the driver holds is a part. */
  return !HR_IS_INFERENCE_JOB (job) || !hr_inference_job_runs_server (HR_INFERENCE_JOB (job)) ||
         (*difference == 0 && hr_vllm_plan_has_large_gpu (gpu) == hr_vllm_plan_has_large_gpu (other) &&
          (n_gpus == 1 || hr_serving_plan_has_links (gpu) == hr_serving_plan_has_links (other)));
}
