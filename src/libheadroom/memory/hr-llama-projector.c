/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include <math.h>

#include "hr-llama-projector.h"

#include "hr-clip-graph.h"
#include "hr-ggml-type.h"
#include "hr-inference-cache.h"
#include "hr-message.h"

/*
 * What llama.cpp loads beside a model that sees (tools/mtmd/clip.cpp at b11669): the tensors of the tower and of what
 * follows it in one buffer, and a compute buffer for a picture of the size that its family has (hr-projector-family),
 * which grows when a larger one comes. Types are those that MmprojModel of convert_hf_to_gguf.py gives them
 * (conversion/base.py, and tensor_force_quant of the families).
 */

#define SETTING "mmproj"

/* Types of enum ggml_type, beside those of graphs. */
#define GGML_Q8_0 8
#define GGML_BF16 30

static guint64
get_root (guint64 number)
{
  return floor (sqrt (number));
}

static const HrBlock *
find_block (const HrChain *chain,
            HrBlockKind    kind)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == kind)
        return &chain->blocks[i];
    }

  return NULL;
}

static const HrAttention *
get_attention (const HrLlamaProjector *self)
{
  return hr_layer_class_get_attention (&self->tower->layer_classes[0]);
}

/* Rows of the table of positions, and of the class before them. */
static guint64
count_positions (const HrStack *tower)
{
  const HrBlock *block = find_block (&tower->embeddings, HR_BLOCK_POSITION_EMBEDDING);

  if (block != NULL)
    return block->position_embedding.n_positions;

  for (guint i = 0; i < tower->embeddings.n_blocks; i++)
    {
      block = &tower->embeddings.blocks[i];
      if (block->kind == HR_BLOCK_PARAMETER && block->parameter.use == HR_PARAMETER_POSITIONS)
        return block->parameter.shape.sizes[block->parameter.shape.n_dimensions - 2];
    }

  return 0;
}

/* Squares of patches become one token: by a regrouping, by a norm over all of them, or by averages (Gemma 3). */
static guint64
find_merge (const HrLlamaProjector *self)
{
  HrModel *model = self->plan->pass->model;
  guint64 hidden = get_attention (self)->hidden_size;
  guint64 n_tokens;

  if (self->kind == HR_CLIP_GEMMA3)
    return hr_model_get_hyper_parameter (model, "mm_tokens_per_image", &n_tokens) && n_tokens > 0
             ? get_root (count_positions (self->tower) / n_tokens) : 4;

  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);
      const HrBlock *regrouping = find_block (&stack->final, HR_BLOCK_REGROUPING);
      const HrBlock *linear = find_block (&stack->final, HR_BLOCK_LINEAR);

      if (regrouping != NULL)
        return regrouping->regrouping.side;
      if (stack->role == HR_STACK_VISION && linear != NULL)
        return get_root (linear->linear.in_features / hidden);
    }

  return 1;
}

/* Kernels of ggml_cuda_get_best_fattn_kernel where each head of the queries has keys and values of its own. */
static gboolean
has_kernel (guint64 head_dim)
{
  static const guint64 dims[] = { 40, 64, 72, 80, 96, 112, 128, 256 };

  for (guint i = 0; i < G_N_ELEMENTS (dims); i++)
    {
      if (dims[i] == head_dim)
        return TRUE;
    }

  return FALSE;
}

static void
resolve_flash (HrLlamaProjector *self,
               HrInferenceJob   *job)
{
  switch (hr_inference_job_get_flash_attention (job))
    {
    case HR_FLASH_ATTENTION_ON:
      self->flash = TRUE;
      break;

    case HR_FLASH_ATTENTION_OFF:
      self->flash = FALSE;
      break;

    case HR_FLASH_ATTENTION_AUTO:
    default:
      self->flash = self->is_on_host || has_kernel (get_attention (self)->head_dim);
    }
}

/* A picture of so many tokens, as square as it can be. */
static void
set_patches (const HrLlamaProjector *self,
             guint64                 n_tokens,
             guint64                *patches)
{
  guint64 side = MAX (get_root (n_tokens), 1);

  patches[0] = side * self->merge;
  patches[1] = n_tokens / side * self->merge;
}

static void
resolve_sizes (HrLlamaProjector *self,
               HrInferenceJob   *job,
               guint64           start_tokens,
               guint64           most_tokens)
{
  guint64 wanted = hr_inference_job_get_image_max_tokens (job);
  guint64 side = get_root (count_positions (self->tower));

  if (most_tokens == 0)
    {
      self->start[0] = self->start[1] = self->largest[0] = self->largest[1] = side;
      return;
    }

  set_patches (self, start_tokens, self->start);
  set_patches (self, wanted > 0 ? wanted : most_tokens, self->largest);
}

static guint
get_type (HrProjectorFile file)
{
  switch (file)
    {
    case HR_PROJECTOR_FILE_F32:
      return HR_GGML_F32;
    case HR_PROJECTOR_FILE_BF16:
      return GGML_BF16;
    case HR_PROJECTOR_FILE_Q8_0:
      return GGML_Q8_0;
    case HR_PROJECTOR_FILE_F16:
    case HR_PROJECTOR_FILE_AUTO:
    case HR_PROJECTOR_FILE_NONE:
    default:
      return HR_GGML_F16;
    }
}

static gboolean
refuse (const HrLlamaPlan  *plan,
        GError            **error)
{
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("mmproj: expected none, as it is not known here what llama.cpp reserves for a tower such as "
                           "that of “%s”, or it has none; found another value"),
                        hr_model_get_name (plan->pass->model));

  return FALSE;
}

/* Releases begin with the latest one. */
static gboolean
check_release (const HrLlamaPlan        *plan,
               const HrProjectorFamily  *family,
               GError                  **error)
{
  if (plan->release <= family->earliest)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("mmproj: expected none, as it is not known of this release of llama.cpp what the projector "
                           "of such a model takes"));

  return FALSE;
}

/*
 * shouldDisableMMProjOffload of Ollama's llm/llama_server.go, but for GPUs that do not even have what the projector
 * takes and a GiB.
 */
static gboolean
leaves_to_host (const HrLlamaPlan *plan,
                HrInferenceJob    *job)
{
  return hr_inference_job_get_engine (job) == HR_ENGINE_OLLAMA && !plan->is_fitted &&
         hr_inference_job_get_gpu_layers (job) <= plan->pass->stack->n_layers;
}

/*
 * hr_llama_projector_init:
 * @self: (out): a projector
 * @plan: the plan of the model that it is for
 * @job: the job of that
 * @error: return location for an error
 *
 * Resolves the projector of a job, if it has one.
 *
 * Returns: whether there is none, or llama.cpp can run it
 */
gboolean
hr_llama_projector_init (HrLlamaProjector   *self,
                         const HrLlamaPlan  *plan,
                         HrInferenceJob     *job,
                         GError            **error)
{
  HrModel *model = plan->pass->model;
  HrProjectorFile file = hr_projector_family_choose_file (model, job);
  const HrProjectorFamily *family = hr_projector_family_find (model);
  const HrBlock *convolution;

  *self = (HrLlamaProjector) { .plan = plan };
  if (file == HR_PROJECTOR_FILE_NONE)
    return TRUE;

  if (family == NULL)
    return refuse (plan, error);
  if (!check_release (plan, family, error))
    return FALSE;

  self->tower = hr_model_find_stack (model, HR_STACK_VISION);
  self->kind = family->kind;
  self->type = get_type (file);
  self->is_on_host = !hr_inference_job_get_mmproj_offload (job) || leaves_to_host (plan, job);
  convolution = find_block (&self->tower->embeddings, HR_BLOCK_CONVOLUTION);
  self->patch = convolution->convolution.kernel.sizes[convolution->convolution.kernel.n_dimensions - 1];
  self->merge = find_merge (self);
  resolve_flash (self, job);
  resolve_sizes (self, job, family->start_tokens, family->most_tokens);

  return TRUE;
}

/* A tensor of the tower that its file does not have: what makes one vector of a whole picture (SigLIP's head). */
static gboolean
is_left_out (const HrLlamaProjector *self,
             const HrTensor         *tensor)
{
  const HrChain *final = &self->tower->final;

  for (guint i = 0; i < final->n_blocks; i++)
    {
      if (final->blocks[i].path == tensor->block)
        return final->blocks[i].kind != HR_BLOCK_NORM;
    }

  return FALSE;
}

static gboolean
is_vector (const HrTensor *tensor)
{
  return tensor->n_dimensions == 0 || tensor->n_elements == tensor->shape[tensor->n_dimensions - 1];
}

static gboolean
is_positions (const HrLlamaProjector *self,
              const HrTensor         *tensor)
{
  const HrChain *embeddings = &self->tower->embeddings;

  for (guint i = 0; i < embeddings->n_blocks; i++)
    {
      if (embeddings->blocks[i].path == tensor->block)
        return embeddings->blocks[i].kind != HR_BLOCK_CONVOLUTION;
    }

  return FALSE;
}

/* Mistral's matrix that merges patches, which is treated as the kernel of the patches is. */
static gboolean
is_merger (const HrLlamaProjector *self,
           const HrTensor         *tensor)
{
  return self->kind == HR_CLIP_PIXTRAL && self->merge > 1 && tensor->block != NULL &&
         g_str_has_suffix (tensor->block, "merging_layer");
}

/*
 * hr_llama_projector_get_type:
 * @self: a projector
 * @tensor: a tensor of the tower, or of what follows it
 *
 * Gets what the file has a tensor in.
 *
 * Returns: a number of enum ggml_type
 */
guint
hr_llama_projector_get_type (const HrLlamaProjector *self,
                             const HrTensor         *tensor)
{
  if (is_vector (tensor) || is_positions (self, tensor))
    return HR_GGML_F32;
  if (tensor->role == HR_TENSOR_ROLE_CONVOLUTION || is_merger (self, tensor))
    return self->type == HR_GGML_F16 && self->kind != HR_CLIP_GEMMA3 ? HR_GGML_F16 : HR_GGML_F32;
  if (self->kind == HR_CLIP_GEMMA3 && tensor->part == HR_PART_PROJECTOR)
    return HR_GGML_F16;
  if (tensor->shape[tensor->n_dimensions - 1] % hr_ggml_type_get (self->type)->block_size != 0)
    return HR_GGML_F16;

  return self->type;
}

/* Into how many tensors the converter takes one apart: kernels of two frames, queries, keys and values. */
static guint
count_pieces (const HrLlamaProjector *self,
              const HrTensor         *tensor)
{
  if (tensor->role == HR_TENSOR_ROLE_CONVOLUTION && tensor->n_dimensions == 5)
    return 2;
  if (tensor->module == HR_MODULE_QUERY_KEY_VALUE && self->kind != HR_CLIP_QWEN3VL)
    return 3;

  return 1;
}

/* The token that ends a row of a picture, which the converter takes from the table of the text (LlavaVisionModel). */
static void
add_break (const HrLlamaProjector *self,
           gint                    place,
           HrLlamaBuffers         *buffers)
{
  guint64 width = self->plan->pass->stack->embeddings.blocks[0].token_embedding.hidden_size;

  if (self->kind != HR_CLIP_PIXTRAL)
    return;

  buffers->weights[place] += hr_llama_plan_get_buffer_bytes (self->plan, place, hr_ggml_type_get (HR_GGML_F32), width,
                                                             4 * width);
  buffers->elements[place] += width;
}

static void
add_weights (const HrLlamaProjector *self,
             gint                    place,
             HrLlamaBuffers         *buffers)
{
  HrModel *model = self->plan->pass->model;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      const HrGgmlType *type;
      guint64 row, bytes;
      guint n_pieces;

      if ((tensor->part != HR_PART_VISION && tensor->part != HR_PART_PROJECTOR) || is_left_out (self, tensor))
        continue;

      type = hr_ggml_type_get (hr_llama_projector_get_type (self, tensor));
      row = tensor->n_dimensions > 0 ? tensor->shape[tensor->n_dimensions - 1] : 1;
      n_pieces = count_pieces (self, tensor);
      bytes = tensor->n_elements / n_pieces / type->block_size * type->block_bytes;
      buffers->weights[place] += hr_llama_plan_get_buffer_bytes (self->plan, place, type, row, bytes) * n_pieces *
                                 MAX (tensor->n_layers, 1);
      buffers->elements[place] += tensor->n_elements * MAX (tensor->n_layers, 1);
    }
  add_break (self, place, buffers);
}

/*
 * hr_llama_projector_measure:
 * @self: a projector that there is
 * @patches: (array fixed-size=2): the size of a picture
 * @buffers: (out): the sizes
 *
 * Finds out what a projector takes when it has seen a picture. The first GPU has it, or the host.
 */
void
hr_llama_projector_measure (const HrLlamaProjector *self,
                            const guint64          *patches,
                            HrLlamaBuffers         *buffers)
{
  guint host = self->plan->n_devices;
  HrGgmlSchedule schedule = { .n_devices = self->is_on_host ? 0 : 1, .offloads = TRUE, .n_copies = 1,
                              .kernels = self->plan->kernels };
  g_autoptr (HrGgmlGraph) graph = hr_clip_graph_new (self, patches);
  guint64 compute[2] = { 0 }, pools[2] = { 0 };

  *buffers = (HrLlamaBuffers) { { 0 } };
  add_weights (self, self->is_on_host ? (gint) host : 0, buffers);
  hr_ggml_schedule_measure_pools (&schedule, graph, pools);
  hr_ggml_schedule_measure (&schedule, graph, compute);
  buffers->compute[0] = self->is_on_host ? 0 : compute[0];
  buffers->compute[host] = compute[schedule.n_devices];
  buffers->pools[0] = self->is_on_host ? 0 : pools[0];
}
