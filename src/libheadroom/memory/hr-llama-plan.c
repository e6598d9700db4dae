/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "hr-llama-plan.h"

#include "hr-cuda-context.h"
#include "hr-ggml-type.h"
#include "hr-inference-cache.h"
#include "hr-llama-graph.h"
#include "hr-llama-layers.h"
#include "hr-llama-placement.h"
#include "hr-llama-tensors.h"
#include "hr-message.h"
#include "hr-model-private.h"
#include "hr-ollama.h"

/*
 * How llama.cpp resolves a job: layers to devices (llama_model::load_tensors), positions of the caches (llama_context's
 * constructor, llama_kv_cache_iswa's constructor). At b4500 that is src/llama.cpp (llama_new_context_with_model,
 * llama_kv_cache_get_padding): one cache for all sequences, which windows do not make smaller, flash attention where it
 * is asked for, and the head behind the layers.
 */

/* GGML_PAD in llama_context's constructor and llama_kv_cache_iswa's. */
#define CELLS_PADDING 256
#define OLD_CELLS_PADDING 32

/* llama_context_default_params, and common_params::n_batch: what a server puts into one call. */
#define DEFAULT_BATCH 2048

#define MAX_SLOTS 256

/* Of the proportions of GPUs, which are megabytes to some. */
#define MAX_SHARE 1e9

/* pipeline_parallel in llama_context's constructor, GGML_SCHED_MAX_COPIES. */
#define PIPELINE_COPIES 4

/* Buffers of CUDA, and rows of quantized matrices in them (ggml-cuda.cu, ggml-cuda/common.cuh). */
#define DEVICE_ALIGNMENT 128
#define HOST_ALIGNMENT 32
#define ROW_PADDING 512

/* So many places values of one layer after the other may take in turns, those that are found most often first. */
static const guint turns[] = { 1, 3, 2 };

/* Elements of states are of fp32, whatever those of keys and values are (llama_model::create_memory). */
#define STATE_BYTES 4

/* What a graph is built for. */
typedef enum
{
  PURPOSE_BUFFERS,
  PURPOSE_POOLS,
  PURPOSE_FLASH,
} Purpose;

typedef struct
{
  gboolean holds;     /* of buffers whether they are those of all layers, of flash attention whether it can be had */
  guint64 bytes[HR_GGML_MAX_PLACES];
} Finding;

static const struct
{
  HrLlamaCacheType setting;
  guint type;
} cache_types[] = {
  { HR_LLAMA_CACHE_TYPE_F32, 0 }, { HR_LLAMA_CACHE_TYPE_F16, 1 }, { HR_LLAMA_CACHE_TYPE_BF16, 30 },
  { HR_LLAMA_CACHE_TYPE_Q8_0, 8 }, { HR_LLAMA_CACHE_TYPE_Q5_1, 7 }, { HR_LLAMA_CACHE_TYPE_Q5_0, 6 },
  { HR_LLAMA_CACHE_TYPE_IQ4_NL, 20 }, { HR_LLAMA_CACHE_TYPE_Q4_1, 3 }, { HR_LLAMA_CACHE_TYPE_Q4_0, 2 },
};

static guint64
pad (guint64 value,
     guint64 multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

static guint64
get_value_dim (const HrAttention *attention)
{
  return attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;
}

/*
 * hr_llama_plan_get_attention:
 * @self: a plan
 * @layer: a layer of the decoder
 *
 * Gets the attention of a layer.
 *
 * Returns: (nullable): the attention, or %NULL if the layer keeps a state instead
 */
const HrAttention *
hr_llama_plan_get_attention (const HrLlamaPlan *self,
                             guint              layer)
{
  const HrStack *stack = self->pass->stack;

  return hr_layer_class_get_attention (&stack->layer_classes[stack->layer_class_of[layer]]);
}

/*
 * hr_llama_plan_find_state_block:
 * @layer_class: layers
 *
 * Finds what keeps a state of each sequence in layers that llama.cpp runs.
 *
 * Returns: (nullable): a block, or %NULL if there is none
 */
const HrBlock *
hr_llama_plan_find_state_block (const HrLayerClass *layer_class)
{
  for (guint i = 0; i < layer_class->n_sublayers; i++)
    {
      const HrSublayer *sublayer = &layer_class->sublayers[i];

      for (guint j = 0; j < sublayer->n_branches; j++)
        {
          for (guint k = 0; k < sublayer->branches[j].n_blocks; k++)
            {
              const HrBlock *block = &sublayer->branches[j].blocks[k];

              if (block->kind == HR_BLOCK_SHORT_CONVOLUTION || block->kind == HR_BLOCK_MAMBA ||
                  block->kind == HR_BLOCK_MAMBA2 || block->kind == HR_BLOCK_GATED_DELTA)
                return block;
            }
        }
    }

  return NULL;
}

/*
 * hr_llama_plan_get_state:
 * @self: a plan
 * @layer: a layer of the decoder
 * @state: (out): the elements of both tensors
 *
 * Gets what a layer keeps of each sequence beside keys and values, in fp32: of a convolution all tokens but one that it
 * sees, and a state that stands for all of them (llama_hparams::n_embd_r and n_embd_s, llama_memory_recurrent's
 * constructor).
 *
 * Returns: whether it keeps anything
 */
gboolean
hr_llama_plan_get_state (const HrLlamaPlan *self,
                         guint              layer,
                         HrBlockState      *state)
{
  const HrStack *stack = self->pass->stack;
  const HrBlock *block = hr_llama_plan_find_state_block (&stack->layer_classes[stack->layer_class_of[layer]]);
  guint64 kernel;

  *state = (HrBlockState) { 0 };
  if (block == NULL)
    return FALSE;

  switch ((guint) block->kind)
    {
    case HR_BLOCK_SHORT_CONVOLUTION:
      kernel = block->short_convolution.conv_kernel;
      break;

    case HR_BLOCK_MAMBA:
      kernel = block->mamba.conv_kernel;
      break;

    case HR_BLOCK_MAMBA2:
      kernel = block->mamba2.conv_kernel;
      break;

    case HR_BLOCK_GATED_DELTA:
    default:
      kernel = block->gated_delta.conv_kernel;
      break;
    }

  /* What transformers keeps is as wide as the kernel. */
  hr_block_get_state (block, state);
  state->conv = state->conv / kernel * (kernel - 1);

  return TRUE;
}

/* The elements of a token's keys: of latent attention the latent and the rotated key. */
guint64
hr_llama_plan_get_key_width (const HrAttention *attention)
{
  if (attention->latent_size > 0)
    return attention->latent_size + attention->rotary_dim;

  return attention->head_dim * attention->num_key_value_heads;
}

/* The elements of a token's values; of latent attention they are part of the keys. */
guint64
hr_llama_plan_get_value_width (const HrAttention *attention)
{
  return attention->latent_size > 0 ? 0 : get_value_dim (attention) * attention->num_key_value_heads;
}

/* The device that holds the keys and values of a layer. */
gint
hr_llama_plan_get_cache_place (const HrLlamaPlan *self,
                               guint              layer)
{
  return self->has_host_cache ? (gint) self->n_devices : self->layer_places[layer];
}

/* The file that is loaded of a checkpoint that is quantized itself. What somebody has set is taken as it is. */
static void
convert_checkpoint (HrInferencePlan *pass,
                    HrInferenceJob  *job)
{
  HrQuantization stored = hr_model_get_quantization (pass->model);
  HrQuantization file = hr_inference_job_get_llama_file (stored);

  if (hr_job_get_quantization (HR_JOB (job)) != HR_QUANTIZATION_AUTO || file == stored)
    return;

  hr_inference_plan_quantize (pass, file);
  if (file == HR_QUANTIZATION_MXFP4_MOE)
    hr_inference_plan_warn (pass, N_("The checkpoint is in MXFP4: its experts are taken as they are, the rest in "
                                     "Q8_0, as in the GGUF file that llama.cpp’s authors publish (mxfp4_moe)"));
  else
    hr_inference_plan_warn (pass, N_("The checkpoint is in %s, which the converter of llama.cpp expands: an "
                                     "unquantized file is taken; a file type such as q4_k_m is smaller"),
                            hr_quantization_get_name (stored));
}

/* The file that convert_hf_to_gguf.py makes of a model in its own dtype. */
static gboolean
resolve_file_type (HrInferencePlan  *pass,
                   HrInferenceJob   *job,
                   GError          **error)
{
  static const struct
  {
    HrDtype dtype;
    HrQuantization quantization;
  } plain[] = {
    { HR_DTYPE_FLOAT32, HR_QUANTIZATION_F32 },
    { HR_DTYPE_FLOAT16, HR_QUANTIZATION_F16 },
    { HR_DTYPE_BFLOAT16, HR_QUANTIZATION_BF16 },
  };

  g_ptr_array_set_size (pass->warnings, 0);
  convert_checkpoint (pass, job);
  if (hr_quantization_is_gguf (pass->quantization))
    return TRUE;

  for (guint i = 0; pass->quantization == HR_QUANTIZATION_NONE && i < G_N_ELEMENTS (plain); i++)
    {
      if (plain[i].dtype != pass->dtype)
        continue;
      hr_inference_plan_quantize (pass, plain[i].quantization);
      return TRUE;
    }

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("quantization: expected a file type of llama.cpp such as q4_k_m, or none beside float32, "
                           "float16 or bfloat16; found %s"),
                        hr_quantization_get_name (pass->quantization));

  return FALSE;
}

/* Since June 2026 the server has room for the logits of one token of each sequence. */
static gboolean
has_few_outputs (HrLlamaRelease release)
{
  return release == HR_LLAMA_RELEASE_B11669 || release == HR_LLAMA_RELEASE_B10488;
}

/*
 * hr_llama_plan_count_contexts:
 * @self: a plan
 *
 * Counts how often a context that is left to llama.cpp is taken (n_streams of common/fit.cpp).
 *
 * Returns: the number
 */
guint64
hr_llama_plan_count_contexts (const HrLlamaPlan *self)
{
  return self->release == HR_LLAMA_RELEASE_B11669 ? self->n_streams : 1;
}

static void
resolve_window_cells (HrLlamaPlan *self)
{
  guint64 least = self->window * (self->n_streams == 1 ? self->n_slots : 1) + self->ubatch;

  if (self->window == 0)
    return;

  self->window_cells = self->has_whole_windows ? self->cells : pad (MIN (self->cells, least), CELLS_PADDING);
}

/*
 * hr_llama_plan_set_context:
 * @self: a plan
 * @context: positions of all caches
 *
 * Sizes the caches, and how many tokens are computed at once.
 */
void
hr_llama_plan_set_context (HrLlamaPlan *self,
                           guint64      context)
{
  gboolean is_old = self->release == HR_LLAMA_RELEASE_B4500;
  guint64 multiple = is_old && !self->flash ? OLD_CELLS_PADDING : CELLS_PADDING;

  self->context = pad (context, multiple);
  self->cells = self->n_streams == 1 ? self->context : pad (self->context / self->n_slots, multiple);
  self->context = self->cells * self->n_streams;
  self->ubatch = MIN (MIN (self->context, MAX (DEFAULT_BATCH, self->batch)), self->batch);
  self->n_outputs = has_few_outputs (self->release) ? MIN (self->n_slots, self->ubatch) : self->ubatch;
  resolve_window_cells (self);
}

/* Left to llama.cpp, the context is what the model knows, which each cache has since b11669. */
static guint64
find_context (HrLlamaPlan    *self,
              HrInferenceJob *job)
{
  guint64 length = hr_inference_job_get_max_model_len (job);

  if (!self->is_context_left)
    return length * self->n_slots;

  if (!hr_model_get_hyper_parameter (self->pass->model, "max_position_embeddings", &length) || length == 0)
    {
      self->is_context_left = FALSE;
      return (hr_inference_job_get_prompt_length (job) + hr_inference_job_get_output_length (job)) * self->n_slots;
    }

  return length * hr_llama_plan_count_contexts (self);
}

static void
resolve_length (HrLlamaPlan    *self,
                HrInferenceJob *job)
{
  gboolean is_unified = hr_inference_job_get_kv_unified (job) || self->release == HR_LLAMA_RELEASE_B4500;

  self->n_slots = hr_inference_job_get_max_num_seqs (job);
  self->n_streams = is_unified ? 1 : self->n_slots;
  self->batch = hr_inference_job_get_max_num_batched_tokens (job);
  hr_llama_plan_set_context (self, find_context (self, job));
}

/*
 * A model has caches for windows where some of its layers have one and others do not; where all have one it is not used
 * (llama_model::load_hparams: Mistral, Phi-3).
 */
static void
resolve_window (HrLlamaPlan    *self,
                HrInferenceJob *job)
{
  gboolean has_whole = FALSE;
  guint64 window = 0;

  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      const HrAttention *attention = hr_llama_plan_get_attention (self, i);

      if (attention == NULL)
        continue;
      has_whole = has_whole || attention->sliding_window == 0;
      window = MAX (window, attention->sliding_window);
    }
  if (!has_whole || window == 0)
    return;

  self->window = window;
  self->has_whole_windows = hr_inference_job_get_swa_full (job) || self->release == HR_LLAMA_RELEASE_B4500;
  resolve_window_cells (self);
}

static guint
find_cache_type (HrLlamaCacheType setting)
{
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (cache_types) && cache_types[i].setting != setting)
    i++;

  return cache_types[i].type;
}

static gboolean
resolve_cache_types (HrLlamaPlan     *self,
                     HrInferenceJob  *job,
                     GError         **error)
{
  HrDtype dtype = hr_inference_job_get_kv_cache_dtype (job);

  if (dtype != HR_DTYPE_AUTO && dtype != HR_DTYPE_FLOAT32 && dtype != HR_DTYPE_FLOAT16 && dtype != HR_DTYPE_BFLOAT16)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("kv-cache-dtype: expected auto, float32, float16 or bfloat16, as the quantized types of "
                               "llama.cpp are values of cache-type-k and cache-type-v; found %s"),
                            hr_dtype_get_name (dtype));
      return FALSE;
    }

  self->key_type = find_cache_type (hr_inference_job_get_cache_type_k (job));
  self->value_type = find_cache_type (hr_inference_job_get_cache_type_v (job));

  return TRUE;
}

static gboolean
check_flash (const HrLlamaPlan  *self,
             GError            **error)
{
  if (self->flash || hr_ggml_type_get (self->value_type)->block_size == 1)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("cache-type-v: expected auto, f32, f16 or bf16, as llama.cpp quantizes values beside flash "
                           "attention alone, which CUDA has for keys and values of one type; found %s"),
                        hr_ggml_type_get (self->value_type)->name);

  return FALSE;
}

/* A row of keys or values is whole blocks. */
static gboolean
check_blocks (const HrLlamaPlan  *self,
              GError            **error)
{
  const HrGgmlType *keys = hr_ggml_type_get (self->key_type);
  const HrGgmlType *values = hr_ggml_type_get (self->value_type);

  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      const HrAttention *a = hr_llama_plan_get_attention (self, i);
      guint64 key_dim, value_dim;
      g_autofree char *size = NULL;
      gboolean fits;

      if (a == NULL)
        continue;
      key_dim = a->latent_size > 0 ? hr_llama_plan_get_key_width (a) : a->head_dim;
      value_dim = a->latent_size > 0 ? 0 : get_value_dim (a);
      fits = key_dim % keys->block_size == 0;
      if (fits && value_dim % values->block_size == 0)
        continue;

      size = g_strdup_printf ("%" G_GUINT64_FORMAT, fits ? value_dim : key_dim);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("%s: expected f32, f16 or bf16, as heads of %s elements are no whole blocks of the "
                               "type; found %s"),
                            fits ? "cache-type-v" : "cache-type-k", size, fits ? values->name : keys->name);
      return FALSE;
    }

  return TRUE;
}

/*
 * The first GPU whose share, with those before it, reaches beyond a layer (std::upper_bound of the sums of
 * --tensor-split in llama_model::load_tensors, in fp32), of which the head is the last one.
 */
static gint
find_device (const HrLlamaPlan *self,
             guint              layer,
             guint              n_offloaded)
{
  float position = (float) layer / n_offloaded;
  float all = 0, sum = 0;

  for (guint i = 0; i < self->n_devices; i++)
    all += self->shares[i];
  for (guint i = 0; i < self->n_devices; i++)
    {
      sum += self->shares[i];
      if (sum / all > position)
        return i;
    }

  return self->n_devices - 1;
}

/* The last layers are on GPUs, and the head is one of them. */
static void
place_layers (HrLlamaPlan *self,
              guint        first,
              guint        n_offloaded)
{
  guint n_layers = self->pass->stack->n_layers;

  for (guint i = 0; i <= n_layers; i++)
    {
      gboolean is_on_host = i < first || i - first >= n_offloaded;
      gint place = is_on_host ? (gint) self->n_devices : find_device (self, i - first, n_offloaded);

      if (i < n_layers)
        self->layer_places[i] = place;
      else
        self->output_place = place;
    }
}

static gboolean
read_share (const char *text,
            float      *share)
{
  char *end;
  double number = g_ascii_strtod (text, &end);

  *share = number;

  return g_ascii_isdigit (text[0]) && *end == '\0' && number <= MAX_SHARE;
}

/* Shares that are not given are none, and as many as there are GPUs where none is. */
static gboolean
resolve_shares (HrLlamaPlan     *self,
                HrInferenceJob  *job,
                GError         **error)
{
  const char *text = hr_inference_job_get_tensor_split (job);
  gboolean is_even = g_str_equal (text, "even");
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  g_autofree char *number = g_strdup_printf ("%u", self->n_devices);
  guint n = g_strv_length (words);
  float sum = 0;

  for (guint i = 0; i < self->n_devices; i++)
    self->shares[i] = is_even ? 1 : 0;
  for (guint i = 0; !is_even && i < n; i++)
    {
      float share = 0;

      if (!read_share (words[i], &share) || (i >= self->n_devices && share > 0))
        {
          hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                                N_("tensor-split: expected “even”, or at most %s numbers with commas between them, one "
                                   "for each GPU; found %s"),
                                number, text);
          return FALSE;
        }
      if (i < self->n_devices)
        self->shares[i] = share;
      sum += share;
    }
  for (guint i = 0; !is_even && sum <= 0 && i < self->n_devices; i++)
    self->shares[i] = 1;

  return TRUE;
}

static HrGgmlSchedule
make_schedule (const HrLlamaPlan *self)
{
  gboolean is_pipeline = self->n_devices > 1 && !self->has_host_cache && !self->has_overrides &&
                         self->layer_places[0] != (gint) self->n_devices;

  return (HrGgmlSchedule) {
    .backend = self->backend,
    .n_devices = self->n_devices,
    .offloads = self->has_offload,
    .n_copies = is_pipeline ? PIPELINE_COPIES : 1,
    .kernels = self->kernels,
  };
}

static void
add_overrides (const HrLlamaPlan *self,
               GByteArray        *key)
{
  for (guint i = 0; self->overrides != NULL && i < self->overrides->len; i++)
    {
      const HrLlamaOverride *override = &g_array_index (self->overrides, HrLlamaOverride, i);
      const char *pattern = g_regex_get_pattern (override->pattern);

      g_byte_array_append (key, (const guint8 *) pattern, strlen (pattern) + 1);
      g_byte_array_append (key, (const guint8 *) &override->place, sizeof override->place);
    }
}

/* All that what is found of a graph depends on. */
static GByteArray *
create_key (const HrLlamaPlan    *self,
            Purpose               purpose,
            const HrGgmlSchedule *schedule,
            const HrLlamaLayers  *layers,
            guint64               n_tokens,
            guint64               n_outputs)
{
  const HrWeightStorage *storage = &self->pass->storage;
  const guint64 sizes[] = {
    n_tokens, n_outputs, self->cells, self->window_cells, self->window, self->n_slots, self->n_streams,
  };
  const gint choices[] = {
    purpose, self->release, self->flash, self->output_place, self->has_transposed_values, self->has_host_cache,
    self->has_whole_windows, self->key_type, self->value_type, schedule->backend, schedule->n_devices,
    schedule->offloads, schedule->n_copies, storage->dtype, storage->quantization, storage->is_as_read,
    hr_llama_plan_get_head_place (self),
  };
  const char *types = hr_inference_job_get_tensor_types (HR_INFERENCE_JOB (self->pass->job));
  GByteArray *key = g_byte_array_new ();

  g_byte_array_append (key, (const guint8 *) sizes, sizeof sizes);
  g_byte_array_append (key, (const guint8 *) choices, sizeof choices);
  if (purpose == PURPOSE_POOLS)
    g_byte_array_append (key, (const guint8 *) &schedule->kernels, sizeof schedule->kernels);
  hr_llama_layers_add_to_key (layers, key);
  add_overrides (self, key);
  g_byte_array_append (key, (const guint8 *) types, strlen (types) + 1);

  return key;
}

/* Whether the kernels of all layers run where these are. */
static gboolean
has_flash_in_place (const HrLlamaPlan    *self,
                    const HrGgmlSchedule *schedule,
                    const HrLlamaLayers  *layers,
                    HrGgmlGraph          *graph)
{
  g_autofree gint *places = g_new (gint, graph->tensors->len);
  gboolean is_placed = TRUE;
  guint next = 0;

  hr_ggml_schedule_place (schedule, graph, places);
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      gint node = g_array_index (graph->nodes, gint, i);
      guint layer;

      if (hr_ggml_graph_get (graph, node)->op != HR_GGML_OP_FLASH_ATTENTION)
        continue;
      do
        layer = g_array_index (layers->layers, guint, next++);
      while (hr_llama_plan_get_attention (self, layer) == NULL);
      is_placed = is_placed && places[node] == self->layer_places[layer];
    }

  return is_placed;
}

/* Plans that differ in what has no part in it, and placements that a fit tries, need no graphs of their own. */
static Finding
find (const HrLlamaPlan   *self,
      Purpose              purpose,
      const HrLlamaLayers *layers,
      guint64              n_tokens,
      guint64              n_outputs)
{
  const HrGgmlSchedule schedule = make_schedule (self);
  HrFacts *facts = _hr_model_get_facts (self->pass->model);
  g_autoptr (GByteArray) key = create_key (self, purpose, &schedule, layers, n_tokens, n_outputs);
  g_autoptr (HrGgmlGraph) graph = NULL;
  Finding finding = { .holds = TRUE };

  if (hr_facts_recall (facts, key, &finding, sizeof finding))
    return finding;

  graph = hr_llama_graph_new (self, layers, n_tokens, n_outputs);
  if (purpose == PURPOSE_FLASH)
    finding.holds = has_flash_in_place (self, &schedule, layers, graph);
  else if (purpose == PURPOSE_POOLS)
    hr_ggml_schedule_measure_pools (&schedule, graph, finding.bytes);
  else
    finding.holds = hr_ggml_schedule_measure (&schedule, graph, finding.bytes);
  hr_facts_learn_value (facts, key, &finding, sizeof finding);

  return finding;
}

/*
 * hr_llama_plan_resolve_flash:
 * @self: a plan whose layers and tensors have places
 *
 * Finds out whether there is flash attention. Where it is left to llama.cpp, it places the graph of one token of each
 * sequence, and does without if the kernel of any layer would run elsewhere (llama_context::resolve_fused_ops), as it
 * may where caches and states are on the host. The caches are there already then, as flash attention wants them.
 */
void
hr_llama_plan_resolve_flash (HrLlamaPlan *self)
{
  g_autoptr (HrLlamaLayers) layers = NULL;

  if (!self->is_flash_left)
    return;

  self->flash = TRUE;
  layers = hr_llama_layers_new (self, HR_LLAMA_LIKENESS_PLACES, 1);
  self->flash = find (self, PURPOSE_FLASH, layers, self->n_slots, self->n_slots).holds;
}

/*
 * hr_llama_plan_set_move:
 * @self: a plan
 * @layer: a layer
 * @moves: what of it is elsewhere, flags of HrLlamaMove
 * @place: where that is
 *
 * Moves parts of a layer, beside those that are moved already if they are at the same place. The pattern that --fit
 * makes for the head matches no tensor, but is one.
 */
void
hr_llama_plan_set_move (HrLlamaPlan *self,
                        guint        layer,
                        guint        moves,
                        gint         place)
{
  self->has_overrides = TRUE;
  if (layer >= self->pass->stack->n_layers)
    return;

  self->moves[layer] |= moves;
  self->move_places[layer] = place;
}

/*
 * hr_llama_plan_set_layers:
 * @self: a plan
 * @n_layers: (array): how many layers each GPU has, the head being one of them
 *
 * Gives each GPU a number of layers, all of which are whole. The last GPU has the last ones and the head, the host the
 * first ones.
 */
void
hr_llama_plan_set_layers (HrLlamaPlan *self,
                          const guint *n_layers)
{
  gint device = self->n_devices;
  guint left = 0;

  memset (self->moves, 0, self->pass->stack->n_layers * sizeof *self->moves);
  self->has_overrides = FALSE;
  for (guint i = self->pass->stack->n_layers + 1; i > 0; i--)
    {
      gint place;

      while (left == 0 && device > 0)
        left = n_layers[--device];
      place = left > 0 ? device : (gint) self->n_devices;
      left -= left > 0;
      if (i > self->pass->stack->n_layers)
        self->output_place = place;
      else
        self->layer_places[i - 1] = place;
    }
}

/* At b4500 the head is the last that goes to a GPU, otherwise the first. */
static gboolean
resolve_places (HrLlamaPlan     *self,
                HrInferenceJob  *job,
                GError         **error)
{
  guint n_layers = self->pass->stack->n_layers;
  guint n_offloaded = MIN (hr_inference_job_get_gpu_layers (job), n_layers + 1);
  gboolean is_old = self->release == HR_LLAMA_RELEASE_B4500;

  self->layer_places = g_new (gint, n_layers);
  place_layers (self, is_old ? n_layers - MIN (n_offloaded, n_layers) : n_layers + 1 - n_offloaded, n_offloaded);
  self->has_offload = hr_inference_job_get_op_offload (job);
  self->has_host_cache = !hr_inference_job_get_kv_offload (job);
  self->moves = g_new0 (guint, n_layers);
  self->move_places = g_new0 (gint, n_layers);
  for (guint i = 0; i < n_layers && i < hr_inference_job_get_n_cpu_moe (job); i++)
    hr_llama_plan_set_move (self, i, HR_LLAMA_MOVE_EXPERTS, self->n_devices);
  for (guint i = 0; i < n_layers && i < hr_inference_job_get_n_cpu_ffn (job); i++)
    hr_llama_plan_set_move (self, i, HR_LLAMA_MOVE_DENSE, self->n_devices);

  return hr_llama_placement_read (self, hr_inference_job_get_override_tensor (job), error);
}

/* What transformers alone has, and what divides a model in another way than llama.cpp does. */
static gboolean
check_settings (HrInferenceJob  *job,
                GError         **error)
{
  const char *name = hr_inference_plan_find_foreign (job);

  if (name == NULL)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("engine: expected transformers beside %s, which llama.cpp does not have; found %s"),
                        name, hr_inference_job_get_engine (job) == HR_ENGINE_OLLAMA ? "ollama" : "llama.cpp");

  return FALSE;
}

/* LLAMA_MAX_SEQ of src/llama-cparams.h. */
static gboolean
check_slots (HrInferenceJob  *job,
             GError         **error)
{
  g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT, hr_inference_job_get_max_num_seqs (job));

  if (hr_inference_job_get_max_num_seqs (job) <= MAX_SLOTS)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("max-num-seqs: expected at most 256, which is what llama.cpp has room for; found %s"),
                        found);

  return FALSE;
}

static void
init_pass (HrInferencePlan *pass,
           HrInferenceJob  *job)
{
  pass->job = job;
  pass->inference.beams = hr_inference_job_get_beams (job);
  pass->inference.batch = hr_inference_job_get_batch_size (job) * pass->inference.beams;
  pass->inference.prompt = hr_inference_job_get_prompt_length (job);
  pass->inference.output = hr_inference_job_get_output_length (job);
  pass->inference.use_cache = TRUE;
}

/* Since June 2026 copies of keys and values are in the compute buffer (#23907). */
static void
init_kernels (HrLlamaPlan *self,
              HrGpu       *gpu)
{
  self->kernels = (HrGgmlKernels) {
    .has_tiles = hr_cuda_context_has_tiles (gpu),
    .has_copies = self->release != HR_LLAMA_RELEASE_B11669 && self->release != HR_LLAMA_RELEASE_B10488,
    .has_wide_parts = self->release == HR_LLAMA_RELEASE_B7522,
    .capability = hr_gpu_get_cuda_capability (gpu),
  };
  if (gpu != NULL)
    hr_gpu_get_multiprocessors (gpu, &self->kernels.n_multiprocessors);
}

/*
 * hr_llama_plan_init:
 * @self: (out): a plan, which is to be cleared in either case
 * @pass: a plan of the model, which @self does not own
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @n_devices: how many of them there are
 * @error: return location for an error
 *
 * Resolves a job for llama.cpp, by itself or for Ollama.
 *
 * Returns: whether it can do it
 */
gboolean
hr_llama_plan_init (HrLlamaPlan      *self,
                    HrInferencePlan  *pass,
                    HrInferenceJob   *job,
                    HrGpu            *gpu,
                    guint             n_devices,
                    GError          **error)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (HR_JOB (job), pass->model);
  HrInferenceJob *known = HR_INFERENCE_JOB (resolved);

  *self = (HrLlamaPlan) {
    .pass = pass,
    .release = hr_inference_job_get_run_release (known),
    .n_devices = n_devices,
    .is_fitted = hr_inference_job_leaves_layers (job),
    .is_context_left = hr_inference_job_leaves_context (job),
    .fit_target = hr_inference_job_get_fit_target (job) << 20,
    .fit_context = hr_inference_job_get_fit_ctx (job),
  };

  init_kernels (self, gpu);
  if (!hr_llama_graph_check (pass->model, pass->stack, self->release, error) ||
      !check_settings (job, error) || !check_slots (known, error) || !resolve_file_type (pass, job, error))
    return FALSE;

  init_pass (pass, job);
  if (hr_inference_job_get_engine (job) == HR_ENGINE_OLLAMA)
    hr_ollama_resolve (known, pass, gpu, &self->n_devices);
  if (hr_inference_job_get_split_mode (known) == HR_SPLIT_MODE_NONE)
    self->n_devices = 1;
  if (!resolve_shares (self, known, error) || !resolve_cache_types (self, known, error) || !check_blocks (self, error))
    return FALSE;

  self->flash = hr_inference_job_get_flash_attention (known) == HR_FLASH_ATTENTION_ON;
  self->is_flash_left = self->flash && hr_inference_job_get_flash_attention (job) == HR_FLASH_ATTENTION_AUTO;
  self->has_transposed_values = !self->flash;
  resolve_length (self, known);
  resolve_window (self, known);
  if (!resolve_places (self, known, error))
    return FALSE;
  self->tensors = hr_llama_tensors_new (self);
  hr_llama_plan_resolve_flash (self);

  return check_flash (self, error);
}

void
hr_llama_plan_clear (HrLlamaPlan *self)
{
  g_clear_pointer (&self->layer_places, g_free);
  g_clear_pointer (&self->moves, g_free);
  g_clear_pointer (&self->move_places, g_free);
  g_clear_pointer (&self->overrides, g_array_unref);
  g_clear_pointer (&self->tensors, hr_llama_tensors_free);
}

/*
 * hr_llama_plan_get_buffer_bytes:
 * @self: a plan
 * @place: a device, or the host
 * @type: (nullable): the type of a tensor, or %NULL where it is no matrix
 * @row: elements of a row
 * @bytes: its size
 *
 * Gets what a buffer gives to a tensor.
 *
 * Returns: the size in bytes
 */
guint64
hr_llama_plan_get_buffer_bytes (const HrLlamaPlan *self,
                                gint               place,
                                const HrGgmlType  *type,
                                guint64            row,
                                guint64            bytes)
{
  if (place == (gint) self->n_devices)
    return pad (bytes, HOST_ALIGNMENT);
  if (type != NULL && type->block_size > 1 && row % ROW_PADDING != 0)
    bytes += (ROW_PADDING - row % ROW_PADDING) / type->block_size * type->block_bytes;

  return pad (bytes, DEVICE_ALIGNMENT);
}

/*
 * Whether a vector or a kernel of a layer's state is read by an operation that GPUs cannot do, so that it stays on the
 * host (weight_buft_supported of src/llama-model-loader.cpp).
 */
static gboolean
is_read_on_host (const HrLlamaPlan *self,
                 const HrTensor    *tensor,
                 guint              layer)
{
  const HrStack *stack = self->pass->stack;
  const HrBlock *block = hr_llama_plan_find_state_block (&stack->layer_classes[stack->layer_class_of[layer]]);

  if (block == NULL)
    return FALSE;
  if (tensor->role == HR_TENSOR_ROLE_CONVOLUTION)
    return tensor->n_dimensions > 1 && !hr_ggml_backend_has_convolution (self->backend, tensor->shape[0]);
  if (!g_str_has_suffix (tensor->pattern, "A_log"))
    return FALSE;
  if (block->kind == HR_BLOCK_MAMBA)
    return !hr_ggml_backend_has_scan (self->backend, block->mamba.state_size, 1, block->mamba.intermediate_size);

  return block->kind == HR_BLOCK_MAMBA2 &&
         !hr_ggml_backend_has_scan (self->backend, block->mamba2.state_size, block->mamba2.head_dim,
                                    block->mamba2.num_heads);
}

/* Where a tensor is that nothing moves. */
static gint
get_own_place (const HrLlamaPlan   *self,
               const HrLlamaTensor *tensor)
{
  HrTensorRole role = tensor->tensor->role;

  if (tensor->tensor->part == HR_PART_EMBEDDING || role == HR_TENSOR_ROLE_EMBEDDING)
    return self->n_devices;
  if (tensor->tensor->n_layers == 0)
    return self->output_place;

  return is_read_on_host (self, tensor->tensor, tensor->layer) ? (gint) self->n_devices
                                                               : self->layer_places[tensor->layer];
}

/*
 * hr_llama_plan_get_head_place:
 * @self: a plan
 *
 * Gets where the matrix of the head is, which has the name of the table of the embeddings where it is tied to that.
 *
 * Returns: a device, or the host
 */
gint
hr_llama_plan_get_head_place (const HrLlamaPlan *self)
{
  guint head;
  gboolean is_tied = !hr_weight_storage_find_head (&self->pass->storage, &head);

  for (guint i = 0; i < hr_model_get_n_tensors (self->pass->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (self->pass->model, i);

      is_tied = is_tied && (tensor->role != HR_TENSOR_ROLE_OUTPUT || tensor->tied_to != NULL);
    }

  return hr_llama_placement_find (self, self->pass->stack->n_layers, is_tied ? "token_embd.weight" : "output.weight",
                                  self->output_place);
}

static guint64
get_bytes_at (const HrLlamaPlan   *self,
              const HrLlamaTensor *tensor,
              gint                 place)
{
  return place == (gint) self->n_devices ? tensor->host_bytes : tensor->device_bytes;
}

/*
 * hr_llama_plan_add_weights:
 * @self: a plan
 * @bytes: (array): what is added to, for each device and the host
 * @elements: (array): likewise, in elements
 *
 * Adds what the buffers of the model take. The host keeps the table of the embeddings; a head that is tied to it is a
 * copy on its device, unless the file has it as well.
 */
void
hr_llama_plan_add_weights (const HrLlamaPlan *self,
                           guint64           *bytes,
                           guint64           *elements)
{
  const HrLlamaTensor *table = NULL;
  const HrTensor *head = NULL;
  gboolean is_tied = TRUE;
  guint row;
  gint place;

  if (hr_weight_storage_find_head (&self->pass->storage, &row))
    head = hr_model_get_tensor (self->pass->model, row);

  for (guint i = 0; i < self->tensors->rows->len; i++)
    {
      const HrLlamaTensor *tensor = &g_array_index (self->tensors->rows, HrLlamaTensor, i);
      gint own = get_own_place (self, tensor);

      if (tensor->tensor->tied_to != NULL && tensor->tensor != head)
        continue;
      is_tied = is_tied && tensor->tensor->role != HR_TENSOR_ROLE_OUTPUT;
      if (tensor->tensor->role == HR_TENSOR_ROLE_EMBEDDING && table == NULL)
        table = tensor;
      for (guint j = 0; j < tensor->n_rules; j++)
        {
          place = hr_llama_placement_apply (self, tensor->layer, &tensor->rules[j], own);
          bytes[place] += get_bytes_at (self, tensor, place) / tensor->n_rules;
          elements[place] += tensor->n_elements / tensor->n_rules;
        }
    }

  place = hr_llama_plan_get_head_place (self);
  if (!is_tied || table == NULL || place == (gint) self->n_devices)
    return;

  bytes[place] += get_bytes_at (self, table, place);
  elements[place] += table->n_elements;
}

static guint64
get_cache_bytes (const HrLlamaPlan *self,
                 gint               place,
                 guint              type_id,
                 guint64            width,
                 guint64            cells)
{
  const HrGgmlType *type = hr_ggml_type_get (type_id);

  if (width == 0)
    return 0;

  return hr_llama_plan_get_buffer_bytes (self, place, type, width,
                                         width / type->block_size * type->block_bytes * cells * self->n_streams);
}

/*
 * hr_llama_plan_add_cache:
 * @self: a plan
 * @bytes: (array): what is added to, for each device and the host
 *
 * Adds what the buffers of keys and values take, and those of states.
 */
void
hr_llama_plan_add_cache (const HrLlamaPlan *self,
                         guint64           *bytes)
{
  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      const HrAttention *a = hr_llama_plan_get_attention (self, i);
      gint place = hr_llama_plan_get_cache_place (self, i);
      guint64 cells = self->cells;
      HrBlockState state;

      hr_llama_plan_get_state (self, i, &state);
      bytes[place] += hr_llama_plan_get_buffer_bytes (self, place, NULL, 0, STATE_BYTES * state.conv * self->n_slots);
      bytes[place] += hr_llama_plan_get_buffer_bytes (self, place, NULL, 0,
                                                      STATE_BYTES * state.recurrent * self->n_slots);
      if (a == NULL)
        continue;
      if (a->sliding_window > 0 && self->window > 0)
        cells = self->window_cells;
      bytes[place] += get_cache_bytes (self, place, self->key_type, hr_llama_plan_get_key_width (a), cells);
      bytes[place] += get_cache_bytes (self, place, self->value_type, hr_llama_plan_get_value_width (a), cells);
    }
}

/* Each cache has as many tokens of a batch as the others, and so has each sequence where there are states. */
static guint64
get_multiple (const HrLlamaPlan *self)
{
  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      HrBlockState state;

      if (hr_llama_plan_get_state (self, i, &state))
        return self->n_slots;
    }

  return self->n_streams;
}

/* What layers have elsewhere is copied to a GPU that computes with it, and the copies are as large as their types. */
static gboolean
has_copies (const HrLlamaPlan *self,
            guint64            n_tokens)
{
  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      if (self->moves[i] != 0 || self->layer_places[i] == (gint) self->n_devices)
        return self->n_devices > 0 && self->has_offload && n_tokens >= HR_GGML_MIN_OFFLOAD;
    }

  return FALSE;
}

/* Of layers that stand for all, or else of all. */
static void
measure_graph (const HrLlamaPlan *self,
               guint64            n_tokens,
               guint64            n_outputs,
               guint64           *bytes)
{
  HrLlamaLikeness likeness = has_copies (self, n_tokens) ? HR_LLAMA_LIKENESS_COPIES : HR_LLAMA_LIKENESS_PLACES;
  Finding finding = { .holds = FALSE };

  for (guint i = 0; !finding.holds; i++)
    {
      g_autoptr (HrLlamaLayers) layers = i < G_N_ELEMENTS (turns) ? hr_llama_layers_new (self, likeness, turns[i])
                                                                  : hr_llama_layers_new_all (self);

      finding = find (self, PURPOSE_BUFFERS, layers, n_tokens, n_outputs);
    }
  for (guint i = 0; i <= self->n_devices; i++)
    bytes[i] = MAX (bytes[i], finding.bytes[i]);
}

/*
 * hr_llama_plan_measure:
 * @self: a plan
 * @bytes: (out caller-allocates) (array): for each device and the host
 *
 * Finds out what the compute buffers take: of a prompt, and of one token of each sequence
 * (llama_context::sched_reserve).
 */
void
hr_llama_plan_measure (const HrLlamaPlan *self,
                       guint64           *bytes)
{
  for (guint i = 0; i <= self->n_devices; i++)
    bytes[i] = 0;
  measure_graph (self, pad (self->ubatch, get_multiple (self)), self->n_outputs, bytes);
  measure_graph (self, pad (self->n_slots, get_multiple (self)), self->n_slots, bytes);
}

/*
 * hr_llama_plan_measure_pools:
 * @self: a plan
 * @bytes: (out caller-allocates) (array): for each device and the host
 *
 * Finds out what kernels keep beside the compute buffers once a prompt has been computed, of whose tokens one of each
 * sequence is asked for logits.
 */
void
hr_llama_plan_measure_pools (const HrLlamaPlan *self,
                             guint64           *bytes)
{
  g_autoptr (HrLlamaLayers) layers = hr_llama_layers_new (self, HR_LLAMA_LIKENESS_TYPES, 1);
  const Finding finding = find (self, PURPOSE_POOLS, layers, pad (self->ubatch, get_multiple (self)), self->n_slots);

  memcpy (bytes, finding.bytes, (self->n_devices + 1) * sizeof *bytes);
}

/*
 * hr_llama_plan_measure_all:
 * @self: a plan
 * @buffers: (out): the sizes
 *
 * Finds out all that is reserved.
 */
void
hr_llama_plan_measure_all (const HrLlamaPlan *self,
                           HrLlamaBuffers    *buffers)
{
  *buffers = (HrLlamaBuffers) { { 0 } };
  hr_llama_plan_add_weights (self, buffers->weights, buffers->elements);
  hr_llama_plan_add_cache (self, buffers->cache);
  hr_llama_plan_measure (self, buffers->compute);
  hr_llama_plan_measure_pools (self, buffers->pools);
}
