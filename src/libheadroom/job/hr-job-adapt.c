/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-job-adapt.h"

#include "hr-inference-job.h"
#include "hr-job-private.h"
#include "hr-model-head.h"
#include "hr-training-job.h"

/*
 * Settings whose default gives way to what a model asks for, unless somebody has said what they are to be: as text, as
 * on a command line, or by another value than the default.
 */
static const char * const names[] = {
  "prompt-length", "output-length", "sequence-parallel", "gpu-memory-utilization", "gradient-accumulation-steps",
  "virtual-pipeline-parallel"
};

/* What vLLM took of a GPU's memory up to 0.20 (CacheConfig.gpu_memory_utilization of vllm/config/cache.py). */
#define EARLIER_SHARE 0.9

static GQuark
get_quark (const char *name)
{
  g_autofree char *key = g_strdup_printf ("hr-job-given-%s", name);

  return g_quark_from_string (key);
}

/*
 * hr_job_give:
 * @self: a job
 * @name: a setting of it
 *
 * Notes that somebody has said what a setting is to be, even if that is the default.
 */
void
hr_job_give (HrJob      *self,
             const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_str_equal (name, names[i]))
        g_object_set_qdata (G_OBJECT (self), get_quark (name), GINT_TO_POINTER (TRUE));
    }
}

/*
 * hr_job_vary:
 * @self: a job
 * @name: a setting of it
 *
 * Notes that a setting is varied by a search or a sweep: what stands beside it stays as it is.
 */
void
hr_job_vary (HrJob      *self,
             const char *name)
{
  hr_job_give (self, name);
  if (g_str_equal (name, "prompt-length"))
    hr_job_give (self, "output-length");
  if (g_str_equal (name, "output-length"))
    hr_job_give (self, "prompt-length");
}

/* Copies what has been given with the settings themselves. */
void
hr_job_copy_given (HrJob *self,
                   HrJob *copy)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_object_get_qdata (G_OBJECT (self), get_quark (names[i])) != NULL)
        hr_job_give (copy, names[i]);
    }
}

static gboolean
is_free (HrJob      *self,
         const char *name)
{
  return g_object_get_qdata (G_OBJECT (self), get_quark (name)) == NULL &&
         hr_job_find_changed (self, (const char * const []) { name, NULL }) == NULL;
}

/* How many tokens there may be: what the job says, or else what the model is made for; 0 if that is not known. */
static guint64
get_longest (HrInferenceJob *self,
             HrModel        *model)
{
  guint64 longest = hr_inference_job_get_max_model_len (self);

  if (longest > 0 && (hr_inference_job_runs_server (self) || hr_inference_job_runs_llama (self)))
    return longest;

  return hr_model_get_hyper_parameter (model, "max_position_embeddings", &longest) ? longest : 0;
}

/* Where prompt and output stand in one row, the output has no more than half of it. */
static void
fit_row (HrJob   *self,
         guint64  longest,
         guint64 *prompt,
         guint64 *output)
{
  gboolean has_prompt = !is_free (self, "prompt-length");
  gboolean has_output = !is_free (self, "output-length");
  guint64 least_prompt = has_prompt ? *prompt : MIN (*prompt, longest / 2);
  guint64 least_output = has_output ? *output : MIN (*output, 1);

  if (*prompt + *output <= longest || least_prompt + least_output > longest)
    return;

  if (!has_output)
    *output = MIN (*output, longest - least_prompt);
  if (!has_prompt)
    *prompt = MIN (*prompt, longest - *output);
}

static void
fit_lengths (HrJob   *self,
             HrModel *model,
             guint64 *prompt,
             guint64 *output)
{
  guint64 longest = get_longest (HR_INFERENCE_JOB (self), model);
  gboolean writes = hr_model_writes_text (model) && hr_model_find_stack (model, HR_STACK_DECODER) != NULL;

  *prompt = hr_inference_job_get_prompt_length (HR_INFERENCE_JOB (self));
  *output = hr_inference_job_get_output_length (HR_INFERENCE_JOB (self));
  if (longest == 0)
    return;

  if (hr_model_find_stack (model, HR_STACK_ENCODER) == NULL)
    {
      fit_row (self, longest, prompt, output);
      return;
    }

  if (is_free (self, "prompt-length"))
    *prompt = MIN (*prompt, longest);
  if (writes && is_free (self, "output-length"))
    *output = MIN (*output, longest);
}

/* Releases of vLLM that take less of the memory by themselves than is the default. */
static gboolean
takes_earlier_share (HrJob *self)
{
  HrInferenceJob *inference = HR_INFERENCE_JOB (self);

  if (hr_inference_job_get_engine (inference) != HR_ENGINE_VLLM || !is_free (self, "gpu-memory-utilization"))
    return FALSE;

  switch (hr_inference_job_get_vllm_release (inference))
    {
    case HR_VLLM_RELEASE_0_28:
    case HR_VLLM_RELEASE_0_22:
      return FALSE;

    case HR_VLLM_RELEASE_0_20:
    case HR_VLLM_RELEASE_0_11:
    case HR_VLLM_RELEASE_0_8:
    case HR_VLLM_RELEASE_0_7:
    default:
      return TRUE;
    }
}

static gboolean
inference_has_to_adapt (HrJob   *self,
                        HrModel *model)
{
  guint64 prompt, output;

  if (takes_earlier_share (self))
    return TRUE;

  fit_lengths (self, model, &prompt, &output);

  return prompt != hr_inference_job_get_prompt_length (HR_INFERENCE_JOB (self)) ||
         output != hr_inference_job_get_output_length (HR_INFERENCE_JOB (self));
}

/* MoELayer.forward of megatron/core/transformer/moe/moe_layer.py asks for it beside tensor parallelism. */
static gboolean
needs_sequences (HrJob   *self,
                 HrModel *model)
{
  HrTrainingJob *training = HR_TRAINING_JOB (self);

  return hr_training_job_get_framework (training) == HR_TRAINING_FRAMEWORK_MEGATRON_LM &&
         hr_job_get_tensor_parallel (self) > 1 && !hr_training_job_get_sequence_parallel (training) &&
         hr_model_has_experts (model) && is_free (self, "sequence-parallel");
}

static gboolean
has_torchtitan_pipeline (HrJob *self)
{
  return hr_training_job_get_framework (HR_TRAINING_JOB (self)) == HR_TRAINING_FRAMEWORK_TORCHTITAN &&
         hr_job_get_pipeline_parallel (self) > 1;
}

/*
 * _get_pipeline_metadata of torchtitan/distributed/pipeline_parallel.py has two stages on each rank by itself, where a
 * schedule is made for several; 1F1B and GPipe are others by name where they have.
 */
static guint64
get_parts (HrJob *self)
{
  HrTrainingJob *training = HR_TRAINING_JOB (self);
  HrPipelineSchedule schedule = hr_training_job_get_pipeline_schedule (training);

  if (has_torchtitan_pipeline (self) && schedule != HR_PIPELINE_SCHEDULE_1F1B &&
      schedule != HR_PIPELINE_SCHEDULE_GPIPE && is_free (self, "virtual-pipeline-parallel"))
    return 2;

  return hr_training_job_get_virtual_pipeline_parallel (training);
}

/*
 * num_pp_microbatches of torchtitan/config/configs.py is 1, with which most schedules do not run: Schedule1F1B of
 * torch/distributed/pipelining/schedules.py asks for as many as there are stages, ScheduleDualPipeV for as many as
 * there are on all ranks, and gradients whose parts come apart are of two data types where there is one alone.
 */
static guint64
get_micro_batches (HrJob *self)
{
  HrTrainingJob *training = HR_TRAINING_JOB (self);
  HrPipelineSchedule schedule = hr_training_job_get_pipeline_schedule (training);
  guint64 n = hr_training_job_get_gradient_accumulation_steps (training);

  if (!has_torchtitan_pipeline (self) || !is_free (self, "gradient-accumulation-steps") ||
      schedule == HR_PIPELINE_SCHEDULE_GPIPE ||
      (schedule == HR_PIPELINE_SCHEDULE_1F1B && hr_training_job_get_virtual_pipeline_parallel (training) > 1))
    return n;

  return hr_job_get_pipeline_parallel (self) * (schedule == HR_PIPELINE_SCHEDULE_DUALPIPE_V ? 2 : 1);
}

static gboolean
training_has_to_adapt (HrJob   *self,
                       HrModel *model)
{
  HrTrainingJob *training = HR_TRAINING_JOB (self);

  return needs_sequences (self, model) ||
         get_parts (self) != hr_training_job_get_virtual_pipeline_parallel (training) ||
         get_micro_batches (self) != hr_training_job_get_gradient_accumulation_steps (training);
}

static gboolean
has_to_adapt (HrJob   *self,
              HrModel *model)
{
  if (HR_IS_INFERENCE_JOB (self))
    return inference_has_to_adapt (self, model);

  return HR_IS_TRAINING_JOB (self) && training_has_to_adapt (self, model);
}

static void
adapt_training (HrJob   *self,
                HrModel *model)
{
  g_object_set (self, "virtual-pipeline-parallel", get_parts (self), "gradient-accumulation-steps",
                get_micro_batches (self), NULL);
  if (needs_sequences (self, model))
    g_object_set (self, "sequence-parallel", TRUE, NULL);
}

/*
 * hr_job_adapt:
 * @self: a job
 * @model: the model that it is for
 *
 * Has defaults that nobody has changed give way to what the model asks for: prompt and output are no longer than what
 * it is made for, sequences are divided where Megatron-LM divides tensors of a mixture of experts, and pipelines of
 * torchtitan have as many parts and micro-batches as their schedule runs with. Earlier releases of vLLM take the share
 * of the memory that was theirs.
 */
void
hr_job_adapt (HrJob   *self,
              HrModel *model)
{
  guint64 prompt, output;

  if (!has_to_adapt (self, model))
    return;

  if (!HR_IS_INFERENCE_JOB (self))
    {
      adapt_training (self, model);
      return;
    }

  fit_lengths (self, model, &prompt, &output);
  g_object_set (self, "prompt-length", prompt, "output-length", output, NULL);
  if (takes_earlier_share (self))
    g_object_set (self, "gpu-memory-utilization", EARLIER_SHARE, NULL);
  hr_job_give (self, "prompt-length");
  hr_job_give (self, "output-length");
}

/*
 * hr_job_dup_adapted:
 * @self: a job
 * @model: the model that it is for
 *
 * Creates what hr_job_adapt() makes of a job.
 *
 * Returns: (transfer full): the job itself if it stays as it is, or an adapted copy
 */
HrJob *
hr_job_dup_adapted (HrJob   *self,
                    HrModel *model)
{
  HrJob *copy;

  if (!has_to_adapt (self, model))
    return g_object_ref (self);

  copy = hr_job_copy (self);
  hr_job_adapt (copy, model);

  return copy;
}
