/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-vllm-plan.h"

#include <math.h>
#include <string.h>

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-pass.h"
#include "hr-vllm-cache.h"
#include "hr-vllm-run.h"

/*
 * How vLLM resolves a job: EngineArgs._set_default_args of vllm/engine/arg_utils.py, and
 * SchedulerConfig.__post_init__ of vllm/config.
 */

#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* Which GPUs get larger batches, and what V1 takes by default for a server. */
#define LARGE_MEMORY (70 * GIB)
#define LARGE_BATCHED_TOKENS 8192
#define LARGE_NUM_SEQS 1024
#define DEFAULT_BATCHED_TOKENS 2048
#define DEFAULT_NUM_SEQS 256

/* Beyond this length V0 computes prompts by chunks (EngineArgs.create_engine_config). */
#define LONG_CONTEXT (32 * 1024)

static gboolean
has_large_gpu (const HrVllmPlan *self,
               HrGpu            *gpu)
{
  g_autofree char *name = gpu != NULL ? g_ascii_strdown (hr_gpu_get_name (gpu), -1) : NULL;

  return self->memory >= LARGE_MEMORY && strstr (name, "a100") == NULL;
}

static gboolean
has_windows (const HrVllmPlan *self)
{
  for (guint i = 0; i < self->pass->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->pass->stack->layer_classes[i]);

      if (attention != NULL && attention->sliding_window > 0)
        return TRUE;
    }

  return FALSE;
}

/* The engine V0 computes whole prompts at once, but for those of models with a long context. */
static guint64
get_v0_batched_tokens (const HrVllmPlan *self)
{
  if (self->max_model_len > LONG_CONTEXT && !has_windows (self))
    return DEFAULT_BATCHED_TOKENS;

  return MAX (self->max_model_len, DEFAULT_BATCHED_TOKENS);
}

static void
resolve_sizes (HrVllmPlan     *self,
               HrInferenceJob *job,
               HrGpu          *gpu)
{
  gboolean chunks = self->profile->has_large_batches;
  gboolean is_large = chunks && has_large_gpu (self, gpu);

  self->max_loras = hr_inference_job_get_max_loras (job);
  self->max_lora_rank = hr_inference_job_get_max_lora_rank (job);
  self->n_guessed = hr_inference_job_get_num_speculative_tokens (job);
  self->max_model_len = hr_inference_job_get_max_model_len (job);
  self->max_num_seqs = hr_inference_job_get_max_num_seqs (job);
  self->max_num_batched_tokens = hr_inference_job_get_max_num_batched_tokens (job);

  if (self->max_num_seqs == 0)
    self->max_num_seqs = is_large ? LARGE_NUM_SEQS : DEFAULT_NUM_SEQS;
  if (self->max_num_batched_tokens == 0 && !chunks)
    self->max_num_batched_tokens = get_v0_batched_tokens (self);
  if (self->max_num_batched_tokens == 0)
    self->max_num_batched_tokens = MIN (is_large ? LARGE_BATCHED_TOKENS : DEFAULT_BATCHED_TOKENS,
                                        self->max_num_seqs * self->max_model_len);
}

static gboolean
check_model (const HrVllmPlan  *self,
             GError           **error)
{
  if (self->pass->stack->role == HR_STACK_DECODER && self->pass->inference.encoder == NULL &&
      hr_vllm_run_knows (self->pass->stack))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a program, the name of a model, and the program again. */
                        N_("engine: expected transformers, as it is not known here how %s computes the layers of "
                           "“%s”; found %s"),
                        self->program, hr_model_get_name (self->pass->model), self->engine);

  return FALSE;
}

static gboolean
has_states (const HrVllmPlan *self)
{
  for (guint i = 0; i < self->pass->stack->n_layer_classes; i++)
    {
      if (hr_vllm_run_find_state (&self->pass->stack->layer_classes[i]) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* States are in blocks of the cache, and indexers choose tokens, in newer releases alone. */
static gboolean
check_release (const HrVllmPlan  *self,
               GError           **error)
{
  if (self->profile->state_blocks > 0 || (!has_states (self) && hr_vllm_plan_get_index_topk (self) == 0))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("vllm-release: expected 0.11 or a later one, as it is not known here how those before run "
                           "“%s”; found an earlier one"),
                        hr_model_get_name (self->pass->model));

  return FALSE;
}

/* Models that are published with a layer that guesses tokens ahead (the draft models of vllm/config/speculative.py). */
static gboolean
check_guessing (const HrVllmPlan  *self,
                HrInferenceJob    *job,
                GError           **error)
{
  static const char * const types[] = {
    "deepseek_v3", "kimi_k2", "deepseek_v32", "glm4_moe", "glm_moe_dsa", "qwen3_next", "qwen3_5", "qwen3_5_text",
    "qwen3_5_moe", "qwen3_5_moe_text", NULL
  };
  g_autofree char *found = NULL;

  if (hr_inference_job_get_num_speculative_tokens (job) == 0 ||
      (self->profile->state_blocks > 0 && g_strv_contains (types, hr_model_get_model_type (self->pass->model))))
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, hr_inference_job_get_num_speculative_tokens (job));
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and a number. */
                        N_("num-speculative-tokens: expected 0, as it is not known of “%s” that this release of vLLM "
                           "has it guess tokens ahead by itself; found %s"),
                        hr_model_get_name (self->pass->model), found);

  return FALSE;
}

/* Formats whose tensors vLLM's kernels read as a checkpoint has them, or in another order. */
static gboolean
knows_format (HrQuantization quantization)
{
  switch ((guint) quantization)
    {
    case HR_QUANTIZATION_NONE:
    case HR_QUANTIZATION_GPTQ_INT8:
    case HR_QUANTIZATION_GPTQ_INT4:
    case HR_QUANTIZATION_AWQ_INT4:
    case HR_QUANTIZATION_FP8:
    case HR_QUANTIZATION_FP8_CHANNEL:
    case HR_QUANTIZATION_FP8_TENSOR:
    case HR_QUANTIZATION_W8A8_INT8:
    case HR_QUANTIZATION_W8A16_INT8:
    case HR_QUANTIZATION_W4A16_INT4:
    case HR_QUANTIZATION_BNB_NF4:
    case HR_QUANTIZATION_BNB_NF4_DQ:
    case HR_QUANTIZATION_BNB_FP4:
    case HR_QUANTIZATION_BNB_FP4_DQ:
    case HR_QUANTIZATION_MXFP4:
    case HR_QUANTIZATION_NVFP4:
      return TRUE;

    default:
      return hr_quantization_is_gguf (quantization);
    }
}

/* How the layers of a model that is stored in another format are laid out in memory depends on its kernels. */
static gboolean
check_quantization (const HrVllmPlan  *self,
                    GError           **error)
{
  if (knows_format (self->pass->quantization))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("quantization: expected none, gptq-int4, gptq-int8, awq-int4, a format in eight bits, "
                           "bnb-nf4, bnb-fp4, mxfp4, nvfp4 or a file type of llama.cpp beside %s, as it is not known "
                           "here how it lays out the weights of others; found %s"),
                        self->program, hr_quantization_get_name (self->pass->quantization));

  return FALSE;
}

static gboolean
check_settings (const HrVllmPlan  *self,
                HrInferenceJob    *job,
                GError           **error)
{
  static const char * const foreign[] = {
    "beams", "context-parallel",
  };

  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), foreign[i]);
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (job), foreign[i], &value);
      if (g_param_value_defaults (setting, &value))
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("engine: expected transformers beside %s, which is not known here of %s; found %s"),
                            foreign[i], self->program, self->engine);
      return FALSE;
    }

  return TRUE;
}

static guint
get_generation (HrGpu *gpu)
{
  const char *capability = gpu != NULL ? hr_gpu_get_compute_capability (gpu) : NULL;

  return capability != NULL ? g_ascii_strtoull (capability, NULL, 10) : 0;
}

static guint64
get_vocabulary (HrModel *model)
{
  const HrBlock *head = hr_chain_find_block (hr_model_get_head (model), HR_BLOCK_HEAD);

  return head != NULL ? head->head.vocab_size : 0;
}

/*
 * hr_vllm_plan_init_base:
 * @self: (out): a plan
 * @pass: a plan of the model, or of what a rank has of it, which @self does not own
 * @whole: the model
 * @gpu: (nullable): the GPU to run on
 * @profile: what the engine does
 *
 * Says what is so for all engines whose layers are vLLM's.
 */
void
hr_vllm_plan_init_base (HrVllmPlan          *self,
                        HrInferencePlan     *pass,
                        HrModel             *whole,
                        HrGpu               *gpu,
                        const HrVllmProfile *profile)
{
  HrFramework framework = { 0 };

  *self = (HrVllmPlan) {
    .pass = pass,
    .engine = "vllm",
    .program = "vLLM",
    .profile = profile,
    .generation = get_generation (gpu),
    .memory = gpu != NULL ? hr_gpu_get_memory (gpu) : 0,
    .n_tensor = 1,
    .n_data = 1,
    .n_ranks = 1,
    .vocabulary = get_vocabulary (whole),
    .has_sampler = TRUE,
  };
  if (gpu != NULL && hr_framework_init_for_gpu (&framework, gpu))
    self->workspace_bytes = framework.workspace_bytes;
}

/*
 * hr_vllm_plan_check:
 * @self: a plan
 * @job: a job
 * @error: return location for an error
 *
 * Checks whether it is known what the engine makes of a model and of the settings.
 *
 * Returns: whether it is
 */
gboolean
hr_vllm_plan_check (const HrVllmPlan  *self,
                    HrInferenceJob    *job,
                    GError           **error)
{
  return check_model (self, error) && check_settings (self, job, error) && check_quantization (self, error);
}

/*
 * hr_vllm_plan_init:
 * @self: (out): a plan
 * @pass: a plan of the model, or of what a rank has of it, which @self does not own
 * @whole: the model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @error: return location for an error
 *
 * Resolves a job for vLLM.
 *
 * Returns: whether it can do it
 */
gboolean
hr_vllm_plan_init (HrVllmPlan       *self,
                   HrInferencePlan  *pass,
                   HrModel          *whole,
                   HrInferenceJob   *job,
                   HrGpu            *gpu,
                   GError          **error)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (HR_JOB (job), whole);

  hr_vllm_plan_init_base (self, pass, whole, gpu, hr_vllm_profile_get (hr_inference_job_get_vllm_release (job)));
  self->eager = hr_inference_job_get_enforce_eager (job) || self->profile->is_eager;
  self->requested = ceil (hr_inference_job_get_gpu_memory_utilization (job) * self->memory);
  if (!hr_vllm_plan_check (self, job, error) || !check_release (self, error) || !check_guessing (self, job, error))
    return FALSE;

  resolve_sizes (self, HR_INFERENCE_JOB (resolved), gpu);

  return hr_vllm_cache_resolve (self, job, error);
}

/*
 * hr_vllm_plan_set_rank:
 * @self: a plan of what a rank has of a model
 * @layout: how the model is divided
 * @rank: the rank
 *
 * Says which part of a model it is.
 */
void
hr_vllm_plan_set_rank (HrVllmPlan            *self,
                       const HrServingLayout *layout,
                       const HrServingRank   *rank)
{
  self->is_part = TRUE;
  self->n_tensor = layout->tensor;
  self->n_data = layout->data;
  self->n_ranks = layout->n_ranks;
  self->has_sampler = rank->stage + 1 == layout->pipeline;
}

/*
 * hr_vllm_plan_has_fp8:
 * @self: a plan
 *
 * Checks whether matrices are multiplied in eight-bit floats.
 *
 * Returns: whether they are
 */
gboolean
hr_vllm_plan_has_fp8 (const HrVllmPlan *self)
{
  switch ((guint) self->pass->quantization)
    {
    case HR_QUANTIZATION_FP8:
    case HR_QUANTIZATION_FP8_CHANNEL:
    case HR_QUANTIZATION_FP8_TENSOR:
      return TRUE;

    default:
      return FALSE;
    }
}

/*
 * hr_vllm_plan_get_index_topk:
 * @self: a plan
 *
 * Gets how many tokens an indexer chooses for each to attend to.
 *
 * Returns: how many; 0 where all are attended to
 */
guint64
hr_vllm_plan_get_index_topk (const HrVllmPlan *self)
{
  guint64 chosen = 0;

  for (guint i = 0; i < self->pass->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->pass->stack->layer_classes[i]);

      if (attention != NULL)
        chosen = MAX (chosen, attention->index_topk);
    }

  return chosen;
}

/*
 * hr_vllm_plan_find_guessing:
 * @self: a plan
 *
 * Finds the layer that one which guesses tokens ahead is made like: the last one that attends
 * (DeepSeekMultiTokenPredictor, Qwen3_5MultiTokenPredictor).
 *
 * Returns: its place
 */
guint
hr_vllm_plan_find_guessing (const HrVllmPlan *self)
{
  const HrStack *stack = self->pass->stack;
  guint i = stack->n_layers - 1;

  while (i > 0 && hr_layer_class_get_attention (&stack->layer_classes[stack->layer_class_of[i]]) == NULL)
    i--;

  return i;
}
