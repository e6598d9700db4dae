/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-ollama.h"

#include "hr-inference-cache.h"

/*
 * How Ollama 0.30 to 0.33 fills in what it is not told before it starts llama.cpp's server: the context by the memory
 * of all GPUs (server/routes.go, Serve), one sequence (envconfig/config.go, OLLAMA_NUM_PARALLEL), one GPU where its own
 * rough guess of the model fits there (server/sched.go, selectLlamaServerPlacement), and the batch by the context and
 * by what the guess leaves free (automaticGenerationBatch). Which layers a GPU takes it leaves to the server.
 */

#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* Contexts, and from which memory of all GPUs on they are taken. */
static const struct
{
  guint64 memory;
  guint64 context;
} tiers[] = {
  { 47 * GIB, 262144 },
  { 23 * GIB, 32768 },
  { 0, 4096 },
};

/*
 * Batches, beyond which context they are wanted, which percentage of the memory the guess may take beside them, and
 * what they are thought to take.
 */
static const struct
{
  guint64 batch;
  guint64 context;
  guint64 percent;
  guint64 bytes;
} batches[] = {
  { 2048, 32768, 60, 2 * GIB },
  { 1024, 4096, 75, 768 * MIB },
  { 512, 0, 100, 0 },
};

/* What Ollama lets a guess take of a memory. */
#define USABLE_PERCENT 80

/* Without flash attention, small GPUs of NVIDIA get smaller batches. */
#define CONSTRAINED_MEMORY (8 * GIB)
#define CONSTRAINED_CONTEXT 4096
#define CONSTRAINED_BATCH 256

/* Scheduler.load: these are never given more than one sequence, by the names of transformers. */
static const char * const lone_types[] = {
  "mllama", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "qwen3_next", "lfm2", "lfm2_moe", "nemotron_h", NULL,
};

static guint64
get_model_context (HrModel *model)
{
  guint64 positions = 0;

  hr_model_get_hyper_parameter (model, "max_position_embeddings", &positions);

  return positions;
}

static guint64
get_default_context (guint64 memory)
{
  guint i = 0;

  while (memory < tiers[i].memory)
    i++;

  return tiers[i].context;
}

/* Models whose towers and projectors are in a file of their own; others have them with their other tensors. */
static const char * const apart_types[] = { "llava", "llava_next", "minicpmv", "minicpmv4_6", "mllama", NULL };

/* The tensors of the file; what it says beside them is small. */
static guint64
get_file_bytes (const HrInferencePlan *pass)
{
  gboolean is_apart = g_strv_contains (apart_types, hr_model_get_model_type (pass->model));
  guint64 sum = 0;
  guint head;

  for (guint i = 0; i < hr_model_get_n_tensors (pass->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (pass->model, i);
      guint n_items = hr_tensor_get_copies_of_layer (tensor) * MAX (tensor->n_layers, 1);
      gboolean is_own = tensor->tied_to == NULL || (hr_weight_storage_find_head (&pass->storage, &head) && head == i);

      if (!is_own || (is_apart && !hr_part_is_text (tensor->part)))
        continue;
      for (guint j = 0; j < n_items; j++)
        {
          guint64 bytes = 0;

          hr_weight_storage_get_bytes (&pass->storage, i, j, &bytes);
          sum += bytes;
        }
    }

  return sum;
}

/* PredictServerVRAM of llm/llama_server.go: the file, and keys and values as if all layers had the fewest heads. */
static guint64
guess (const HrInferencePlan *pass,
       guint64                context)
{
  const HrStack *stack = pass->stack;
  guint64 hidden = 0, n_heads = 1, n_key_value_heads = G_MAXUINT64;

  hr_model_get_hyper_parameter (pass->model, "hidden_size", &hidden);
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      if (attention == NULL)
        continue;
      n_heads = MAX (n_heads, attention->num_attention_heads);
      n_key_value_heads = MIN (n_key_value_heads, attention->num_key_value_heads);
    }

  return get_file_bytes (pass) + 4 * stack->n_layers * MAX (n_key_value_heads, 1) * (hidden / n_heads) * context;
}

/* FlashAttentionSupported of ml/device.go. */
static gboolean
supports_flash (HrGpu *gpu)
{
  guint capability = hr_gpu_get_cuda_capability (gpu);

  return capability == 0 || (capability >= 60 && capability != 72);
}

static guint64
choose_batch (guint64   context,
              guint64   guessed,
              guint64   available,
              gboolean  flash,
              HrGpu    *gpu)
{
  guint64 usable = available / 100 * USABLE_PERCENT;
  guint i = 0;

  if (!flash && g_strcmp0 (hr_gpu_get_vendor (gpu), "NVIDIA") == 0)
    return context > CONSTRAINED_CONTEXT && hr_gpu_get_memory (gpu) <= CONSTRAINED_MEMORY
             ? CONSTRAINED_BATCH : batches[G_N_ELEMENTS (batches) - 1].batch;

  while (context <= batches[i].context)
    i++;
  while (batches[i].bytes > 0 && (guessed > available / 100 * batches[i].percent || guessed > usable ||
                                  batches[i].bytes > usable - guessed))
    i++;

  return batches[i].batch;
}

static void
resolve_context (HrInferenceJob  *job,
                 HrInferencePlan *pass,
                 HrGpu           *gpu,
                 guint            n_gpus)
{
  guint64 overhead = hr_inference_job_get_gpu_overhead (job) * MIB;
  guint64 memory = gpu != NULL ? n_gpus * (hr_gpu_get_memory (gpu) - MIN (overhead, hr_gpu_get_memory (gpu))) : 0;
  guint64 positions = get_model_context (pass->model);
  guint64 context = hr_inference_job_get_max_model_len (job);
  g_autofree char *number = NULL;

  if (context == 0)
    {
      context = get_default_context (memory);
      context = positions > 0 ? MIN (context, positions) : context;
      number = g_strdup_printf ("%" G_GUINT64_FORMAT, context);
      if (gpu != NULL)
        hr_inference_plan_warn (pass, N_("Ollama gives the model a context of %s tokens by itself, by the memory of "
                                         "the GPUs and by what the model knows"), number);
      else
        hr_inference_plan_warn (pass, N_("Ollama chooses the context by the memory of the GPUs; as no GPU is named, "
                                         "%s tokens are taken, as on small ones"), number);
    }

  g_object_set (job, "max-model-len", positions > 0 ? MIN (context, positions) : context, NULL);
}

static void
resolve_slots (HrInferenceJob  *job,
               HrInferencePlan *pass)
{
  guint64 n_slots = MAX (hr_inference_job_get_max_num_seqs (HR_INFERENCE_JOB (pass->job)), 1);

  if (n_slots > 1 && g_strv_contains (lone_types, hr_model_get_model_type (pass->model)))
    {
      hr_inference_plan_warn (pass, N_("Ollama gives models of this kind one sequence at a time, whatever it is told"));
      n_slots = 1;
    }

  g_object_set (job, "max-num-seqs", n_slots, NULL);
}

/*
 * hasMTPDraft of llm/llama_server.go: files of Qwen3.5 and later have the layer that predicts further tokens, as their
 * sizes in the library show.
 */
static void
warn_of_guesses (HrInferencePlan *pass)
{
  if (g_str_has_prefix (hr_model_get_model_type (pass->model), "qwen3_5"))
    hr_inference_plan_warn (pass, N_("Ollama has the layer of the file that predicts further tokens (MTP) guess ahead; "
                                     "what that takes, about a layer with its keys and values, is not counted here"));
}

/*
 * hr_ollama_resolve:
 * @job: a job that is resolved, and is changed
 * @pass: a plan of the model, whose job is as it was set
 * @gpu: (nullable): the GPU to run on
 * @n_devices: (inout): how many GPUs there are, and are used
 *
 * Fills in what Ollama would tell llama.cpp's server.
 */
void
hr_ollama_resolve (HrInferenceJob  *job,
                   HrInferencePlan *pass,
                   HrGpu           *gpu,
                   guint           *n_devices)
{
  guint64 available = gpu != NULL ? hr_gpu_get_usable_memory (gpu) : 0;
  guint64 context, guessed, batch = hr_inference_job_get_max_num_batched_tokens (job);
  gboolean flash = hr_inference_job_get_flash_attention (HR_INFERENCE_JOB (pass->job)) != HR_FLASH_ATTENTION_OFF;

  resolve_context (job, pass, gpu, *n_devices);
  resolve_slots (job, pass);
  warn_of_guesses (pass);
  context = hr_inference_job_get_max_model_len (job) * hr_inference_job_get_max_num_seqs (job);
  guessed = guess (pass, context);

  if (gpu != NULL && !supports_flash (gpu) &&
      hr_inference_job_get_flash_attention (HR_INFERENCE_JOB (pass->job)) == HR_FLASH_ATTENTION_AUTO)
    {
      flash = FALSE;
      g_object_set (job, "flash-attention", HR_FLASH_ATTENTION_OFF, NULL);
    }

  if (*n_devices > 1 && gpu != NULL && !hr_inference_job_get_sched_spread (job) &&
      guessed <= available / 100 * USABLE_PERCENT)
    {
      hr_inference_plan_warn (pass, N_("Ollama takes one GPU of several, as it guesses that the model fits there"));
      *n_devices = 1;
    }
  available *= *n_devices;

  if (batch == 0)
    batch = gpu != NULL ? choose_batch (context, guessed, available, flash, gpu)
                        : batches[G_N_ELEMENTS (batches) - 1].batch;
  g_object_set (job, "max-num-batched-tokens", batch, NULL);
}
