/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-plan.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-serving-draft.h"
#include "hr-pass.h"
#include "hr-serving-run.h"

/* A job of an engine whose layers are made after vLLM's (vllm/model_executor/layers). */

/*
 * Layers whose parts read the same are those of vLLM; SGLang has Cohere's (sglang/srt/models/commandr.py), and runs
 * other models as transformers has them.
 */
static gboolean
has_branches (const HrServingPlan *self)
{
  static const char * const types[] = { "cohere", "cohere2", "cohere2_moe", NULL };

  return g_str_equal (self->engine, "vllm") ||
         (g_str_equal (self->engine, "sglang") && g_strv_contains (types, hr_model_get_model_type (self->pass->model)));
}

static gboolean
check_model (const HrServingPlan  *self,
             GError              **error)
{
  const HrStack *stack = self->pass->stack;

  if (stack->role == HR_STACK_DECODER && self->pass->inference.encoder == NULL && hr_serving_run_knows (stack) &&
      (!hr_serving_run_has_branches (stack) || has_branches (self)))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a program, the name of a model, and the program again. */
                        N_("engine: expected transformers, as it is not known here how %s computes the layers of "
                           "“%s”; found %s"),
                        self->program, hr_model_get_name (self->pass->model), self->engine);

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
check_quantization (const HrServingPlan  *self,
                    GError              **error)
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
check_settings (const HrServingPlan  *self,
                HrInferenceJob       *job,
                GError              **error)
{
  static const char * const foreign[] = {
    "beams", "context-parallel", NULL
  };
  const char *name = hr_job_find_changed (HR_JOB (job), foreign);

  if (name == NULL)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("engine: expected transformers beside %s, which is not known here of %s; found %s"),
                        name, self->program, self->engine);

  return FALSE;
}

static guint64
get_vocabulary (HrModel *model)
{
  const HrBlock *head = hr_chain_find_block (hr_model_get_head (model), HR_BLOCK_HEAD);

  return head != NULL ? head->head.vocab_size : 0;
}

/*
 * hr_serving_plan_has_links:
 * @gpu: (nullable): a GPU
 *
 * Tells whether GPUs of a kind are joined by links of their own such as NVLink, and not by a bus.
 *
 * Returns: whether they are
 */
gboolean
hr_serving_plan_has_links (HrGpu *gpu)
{
  const char *kind = gpu != NULL ? hr_gpu_get_interconnect (gpu, NULL) : NULL;

  return kind != NULL && !g_str_has_prefix (kind, "PCIe");
}

/*
 * hr_serving_plan_init:
 * @self: (out): a plan
 * @pass: a plan of the model, or of what a rank has of it, which @self does not own
 * @whole: the model
 * @gpu: (nullable): the GPU to run on
 * @profile: what the engine does
 *
 * Says what is so for all engines whose layers are vLLM's.
 */
void
hr_serving_plan_init (HrServingPlan          *self,
                      HrInferencePlan        *pass,
                      HrModel                *whole,
                      HrGpu                  *gpu,
                      const HrServingProfile *profile)
{
  HrFramework framework = { 0 };

  *self = (HrServingPlan) {
    .pass = pass,
    .engine = "vllm",
    .program = "vLLM",
    .profile = profile,
    .rotary = profile->rotary,
    .generation = hr_gpu_get_cuda_capability (gpu) / 10,
    .memory = gpu != NULL ? hr_gpu_get_usable_memory (gpu) : 0,
    .has_links = hr_serving_plan_has_links (gpu),
    .whole_times = 1,
    .window_times = 1,
    .n_tensor = 1,
    .n_data = 1,
    .n_ranks = 1,
    .vocabulary = get_vocabulary (whole),
    .has_sampler = TRUE,
  };
  if (gpu != NULL && !hr_gpu_get_multiprocessors (gpu, &self->multiprocessors))
    self->multiprocessors = 0;
  if (gpu != NULL && hr_framework_init_for_gpu (&framework, gpu))
    self->workspace_bytes = framework.workspace_bytes;
}

/*
 * hr_serving_plan_check:
 * @self: a plan
 * @job: a job
 * @error: return location for an error
 *
 * Checks whether it is known what the engine makes of a model and of the settings.
 *
 * Returns: whether it is
 */
gboolean
hr_serving_plan_check (const HrServingPlan  *self,
                       HrInferenceJob       *job,
                       GError              **error)
{
  return check_model (self, error) && check_settings (self, job, error) && check_quantization (self, error);
}

/*
 * hr_serving_plan_set_rank:
 * @self: a plan of what a rank has of a model
 * @layout: how the model is divided
 * @rank: the rank
 *
 * Says which part of a model it is.
 */
void
hr_serving_plan_set_rank (HrServingPlan         *self,
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
 * hr_serving_plan_has_fp8:
 * @self: a plan
 *
 * Checks whether matrices are multiplied in eight-bit floats.
 *
 * Returns: whether they are
 */
gboolean
hr_serving_plan_has_fp8 (const HrServingPlan *self)
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
 * hr_serving_plan_get_index_topk:
 * @self: a plan
 *
 * Gets how many tokens an indexer chooses for each to attend to.
 *
 * Returns: how many; 0 where all are attended to
 */
guint64
hr_serving_plan_get_index_topk (const HrServingPlan *self)
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
 * hr_serving_plan_find_guessing:
 * @self: a plan
 *
 * Finds the layer that one which guesses tokens ahead is made like: the last one that attends
 * (DeepSeekMultiTokenPredictor, Qwen3_5MultiTokenPredictor).
 *
 * Returns: its place
 */
guint
hr_serving_plan_find_guessing (const HrServingPlan *self)
{
  const HrStack *stack = self->pass->stack;
  guint i = stack->n_layers - 1;

  while (i > 0 && hr_layer_class_get_attention (&stack->layer_classes[stack->layer_class_of[i]]) == NULL)
    i--;

  return i;
}

/* Models that are published with a layer that guesses tokens ahead. */
static gboolean
guesses_by_itself (const HrServingPlan *self)
{
  static const char * const types[] = {
    "deepseek_v3", "kimi_k2", "deepseek_v32", "deepseek_v4",
    "glm4_moe", "glm_moe_dsa", "qwen3_next", "qwen3_5", "qwen3_5_text",
    "qwen3_5_moe", "qwen3_5_moe_text", NULL
  };

  return g_strv_contains (types, hr_model_get_model_type (self->pass->model));
}

/*
 * hr_serving_plan_resolve_guessing:
 * @self: a plan
 * @job: a job
 * @can_guess: whether the release of the engine is known to guess tokens ahead
 * @error: return location for an error
 *
 * Finds out what guesses tokens ahead, where something is to: a draft model, or a layer that the model was published
 * with (the draft models of vllm/config/speculative.py, and of sglang/srt/configs/model_config.py).
 *
 * Returns: whether it is known, or nothing is to
 */
gboolean
hr_serving_plan_resolve_guessing (HrServingPlan   *self,
                                  HrInferenceJob  *job,
                                  gboolean         can_guess,
                                  GError         **error)
{
  gboolean has_draft = hr_draft_kind_of_job (job) != HR_DRAFT_NONE;
  g_autofree char *found = NULL;

  self->n_guessed = hr_inference_job_get_num_speculative_tokens (job);
  self->checks_guesses = self->n_guessed > 0;
  if (self->n_guessed == 0 && has_draft)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("num-speculative-tokens: expected 1 or more beside a draft model; found 0"));
      return FALSE;
    }
  /* What guesses from the text itself runs on the host, and has no weights. */
  if (hr_inference_job_get_ngram_speculation (job))
    {
      self->n_guessed = 0;
      return TRUE;
    }
  if (self->n_guessed > 0 && can_guess && has_draft)
    return hr_serving_draft_resolve (self, job, error);
  if (self->n_guessed == 0 || (can_guess && guesses_by_itself (self)))
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, self->n_guessed);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model, a program and a number. */
                        N_("num-speculative-tokens: expected 0, as it is not known of “%s” that this release of %s "
                           "has it guess tokens ahead by itself; found %s"),
                        hr_model_get_name (self->pass->model), self->program, found);

  return FALSE;
}
