/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-serving-weights.h"

#include "hr-caching-allocator.h"
#include "hr-inference-cache.h"
#include "hr-matrix-format.h"
#include "hr-pass.h"
#include "hr-serving-compressed.h"

/*
 * The weights as vLLM's layers hold them (vllm/model_executor/layers: linear.py, vocab_parallel_embedding.py,
 * rotary_embedding, fused_moe/layer.py), and what is made of them when they have been loaded
 * (process_weights_after_loading).
 */

/* Elements that share a scale in bitsandbytes' formats of four bits. */
#define ABSMAX_BLOCK 64

/* Norms beside those of its layer: of the token, of what the model makes, and before the head. */
#define GUESSING_NORMS 3

/* Norms of EAGLE-3 beside those of a layer: of the hidden state, and before the head. */
#define EAGLE_NORMS 2

/* How many times as many positions there are where these have axes. */
#define AXES_STRETCH 4

/* Words that an adapter may bring (LoRAConfig.lora_extra_vocab_size). */
#define EXTRA_VOCABULARY 256

/* Elements that share a scale in MXFP4. */
#define MX_BLOCK 32

/* Rows and columns of a matrix in eight bits that share a scale. */
#define SCALE_BLOCK 128

static guint64
pad (guint64 value,
     guint64 multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

/* Which of vLLM's layers a module is a part of: QKVParallelLinear, MergedColumnParallelLinear, FusedMoE. */
static HrModule
get_fused_module (HrModule module)
{
  switch ((guint) module)
    {
    case HR_MODULE_QUERY:
    case HR_MODULE_KEY:
    case HR_MODULE_VALUE:
    case HR_MODULE_KEY_VALUE:
      return HR_MODULE_QUERY_KEY_VALUE;

    case HR_MODULE_GATE:
    case HR_MODULE_UP:
      return HR_MODULE_GATE_UP;

    case HR_MODULE_EXPERT_GATE:
    case HR_MODULE_EXPERT_UP:
      return HR_MODULE_EXPERT_GATE_UP;

    default:
      return module;
    }
}

static gboolean
is_fused_with (const HrTensor *a,
               const HrTensor *b)
{
  return a->block == b->block && a->role == b->role && get_fused_module (a->module) == get_fused_module (b->module) &&
         get_fused_module (a->module) != HR_MODULE_SELF;
}

static gint
find_layer (const HrTensor *tensor,
            guint           layer)
{
  for (guint i = 0; i < tensor->n_layers; i++)
    {
      if (tensor->layers[i] == layer)
        return i;
    }

  return -1;
}

/* What the tensors of a row take that are of a layer: those of all its experts are one. */
static guint64
get_row_bytes (const HrServingPlan *self,
               guint                index,
               guint                copy)
{
  const HrWeightStorage *storage = &self->pass->storage;
  guint64 n_items = hr_tensor_get_copies_of_layer (hr_model_get_tensor (self->pass->model, index));
  guint64 bytes;

  hr_weight_storage_get_bytes (storage, index, copy * n_items, &bytes);

  return n_items * bytes;
}

/* Rows of a layer that are one, and what comes of them. */
typedef struct
{
  guint64 bytes;
  guint64 rows;
  guint64 widest;    /* the most that one of @rows takes */
  guint64 pieces[HR_MATRIX_MAX_PIECES];
  guint n_pieces;
  guint64 dropped;   /* what the checkpoint has and the kernels do without */
} Fused;

/* What of the layers' parameters is left to the host. */
typedef struct
{
  guint64 budget;
  guint64 created;    /* of what there is before the weights are loaded */
  guint64 bytes;      /* of what there is afterwards */
  guint64 of_layer;
  guint64 most;       /* of a layer */
} Host;

/*
 * What a kernel does without: Marlin has no zeros and no order of symmetric matrices (process_weights_after_loading of
 * gptq_marlin.py); nested absmax of bitsandbytes are expanded when they are loaded (bitsandbytes_loader.py). TurboMind
 * joins scales and zeros, both in sixteen bits (fuse_scales_and_zeros of its LlamaDenseWeight.cc).
 */
static void
add_pieces (const HrServingPlan *self,
            const HrTensor      *tensor,
            const HrMatrixPiece *pieces,
            guint                n_pieces,
            Fused               *fused)
{
  HrQuantization quantization = self->pass->quantization;
  gboolean is_nested = quantization == HR_QUANTIZATION_BNB_NF4_DQ || quantization == HR_QUANTIZATION_BNB_FP4_DQ;
  gboolean is_gptq = quantization == HR_QUANTIZATION_GPTQ_INT4 || quantization == HR_QUANTIZATION_GPTQ_INT8;
  gboolean is_wide = self->profile->widens_zeros;
  guint64 n_matrices, rows, columns;

  hr_tensor_get_matrix (tensor, &n_matrices, &rows, &columns);
  n_matrices *= hr_tensor_get_copies_of_layer (tensor);
  fused->n_pieces = MAX (fused->n_pieces, is_nested ? 2 : n_pieces);
  if (is_nested)
    {
      fused->pieces[0] += n_matrices * rows * columns / 2;
      fused->pieces[1] += n_matrices * rows * columns / ABSMAX_BLOCK * sizeof (float);
      return;
    }

  for (guint i = 0; i < n_pieces; i++)
    {
      gboolean has_zeros = g_str_equal (pieces[i].suffix, ".qzeros");

      if (is_wide && g_str_equal (pieces[i].suffix, ".scales"))
        fused->pieces[i] += 2 * n_matrices * pieces[i].n_bytes;
      else if (!((is_gptq || is_wide) && (has_zeros || g_str_equal (pieces[i].suffix, ".g_idx"))))
        fused->pieces[i] += n_matrices * pieces[i].n_bytes;
      else
        fused->dropped += n_matrices * pieces[i].n_bytes;
    }
}

/*
 * What experts of MXFP4 are padded to for the kernels of a GPU (Mxfp4MoEMethod.create_weights): those of Marlin, of
 * FlashInfer on Blackwell, or of Triton on Hopper, which shuffles them after loading (HopperMXValueLayout and
 * HopperMXScaleLayout of triton_kernels).
 */
static guint64
pad_expert (const HrServingPlan *self,
            guint64              size,
            gboolean             is_inner)
{
  if (self->profile->expert_padding > 0)
    return pad (size, self->profile->expert_padding);
  if (self->generation == HR_SERVING_BLACKWELL)
    return pad (size, 256);
  if (self->generation == HR_SERVING_HOPPER)
    return is_inner ? pad (size, 64) : size;

  return pad (size, is_inner ? 128 : 256);
}

static gboolean
is_down (const HrTensor *tensor)
{
  return tensor->module == HR_MODULE_EXPERT_DOWN;
}

static void
add_expert (const HrServingPlan *self,
            const HrTensor      *tensor,
            Fused               *fused)
{
  gboolean is_hopper = self->generation == HR_SERVING_HOPPER && self->profile->expert_padding == 0;
  guint64 n_matrices, rows, columns, groups;

  hr_tensor_get_matrix (tensor, &n_matrices, &rows, &columns);
  n_matrices *= hr_tensor_get_copies_of_layer (tensor);
  rows = is_down (tensor) ? pad_expert (self, rows, FALSE) : 2 * pad_expert (self, rows / 2, TRUE);
  columns = pad_expert (self, columns, is_down (tensor));
  groups = columns / MX_BLOCK;
  if (is_hopper)
    {
      rows = pad (rows, 256);
      columns = pad (columns, 128);
      groups = pad (groups, 2);
    }

  fused->n_pieces = 2;
  fused->pieces[0] += n_matrices * rows * columns / 2;
  fused->pieces[1] += n_matrices * rows * groups;
}

/* Biases of such experts, which Triton's kernels read in fp32. */
static guint64
get_expert_bias_bytes (const HrServingPlan *self,
                       const HrTensor      *tensor)
{
  guint64 size = tensor->shape[tensor->n_dimensions - 1];
  guint64 n_experts = tensor->n_elements / size * hr_tensor_get_copies_of_layer (tensor);
  guint64 padded = is_down (tensor) ? pad_expert (self, size, FALSE) : 2 * pad_expert (self, size / 2, TRUE);

  return n_experts * padded *
         (self->generation == HR_SERVING_HOPPER && self->profile->expert_padding == 0 ? sizeof (float) : 2);
}

/* Experts may be in MXFP4 where the other matrices are not. */
static gboolean
is_padded_expert (const HrServingPlan *self,
                  guint                index)
{
  const HrTensor *tensor = hr_model_get_tensor (self->pass->model, index);
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (&self->pass->storage);
  const HrMatrixFormat *format;

  if (tensor->module != HR_MODULE_EXPERT_GATE_UP && !is_down (tensor))
    return FALSE;
  if (self->pass->quantization == HR_QUANTIZATION_MXFP4)
    return TRUE;

  format = quantizer != NULL ? hr_quantizer_get_format (quantizer, tensor, index, 0) : NULL;

  return format != NULL && format->packing == HR_PACKING_MXFP4;
}

static void
add_row (const HrServingPlan *self,
         guint                index,
         guint                copy,
         Fused               *fused)
{
  const HrTensor *tensor = hr_model_get_tensor (self->pass->model, index);
  guint64 rows = tensor->n_dimensions > 1 ? tensor->shape[0] : 1;
  guint64 bytes = get_row_bytes (self, index, copy);
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint n_pieces = hr_weight_storage_list_pieces (&self->pass->storage, index,
                                                  copy * hr_tensor_get_copies_of_layer (tensor), pieces);

  if (is_padded_expert (self, index) && n_pieces == 0)
    bytes = get_expert_bias_bytes (self, tensor);
  fused->bytes += bytes;
  fused->rows += rows;
  fused->widest = MAX (fused->widest, bytes / rows);
  if (is_padded_expert (self, index) && n_pieces > 0)
    add_expert (self, tensor, fused);
  else if (n_pieces > 0)
    add_pieces (self, tensor, pieces, n_pieces, fused);
}

/*
 * Parameters go to the host one by one, in the order in which a layer has them, as long as less has gone there than
 * was to (UVAOffloader._maybe_offload_to_cpu of vllm/model_executor/offloader/uva.py; maybe_offload_to_cpu of
 * vllm/model_executor/models/utils.py): what the last of them has more goes as well.
 */
static void
allocate_parameter (HrCachingAllocator *allocator,
                    Host               *host,
                    guint64             bytes)
{
  if (host == NULL || host->created >= host->budget)
    {
      hr_caching_allocator_allocate (allocator, bytes);
      return;
    }

  host->created += bytes;
  host->bytes += bytes;
  host->of_layer += bytes;
  host->most = MAX (host->most, host->of_layer);
}

/*
 * Each of the tensors that stand for a matrix is an allocation of its own; rows of a file of llama.cpp are padded to
 * the widest type among them (GGUFLinearMethod._create_padded_weight_param).
 */
static void
allocate (const HrServingPlan *self,
          const Fused         *fused,
          HrCachingAllocator  *allocator,
          Host                *host)
{
  for (guint i = 0; i < fused->n_pieces; i++)
    {
      if (fused->pieces[i] > 0)
        allocate_parameter (allocator, host, fused->pieces[i]);
    }
  if (host != NULL && host->created < host->budget)
    host->created += fused->dropped;
  if (fused->n_pieces > 0)
    return;

  if (fused->bytes > 0)
    allocate_parameter (allocator, host, hr_quantization_is_gguf (self->pass->quantization)
                                           ? fused->rows * fused->widest : fused->bytes);
}

/* Models of the class of Llama, whose tables of tokens adapters may change (embedding_modules). */
static gboolean
adapts_vocabulary (const HrServingPlan *self)
{
  static const char * const types[] = { "llama", "mistral", "mixtral", "phi3", "granite", NULL };

  return self->max_loras > 0 && self->profile->has_extra_vocabulary &&
         g_strv_contains (types, hr_model_get_model_type (self->pass->model));
}

/* The rows of a rank's part of a table of tokens, which has room for the words of adapters. */
static guint64
count_words (const HrServingPlan *self,
             guint64              n_words)
{
  guint64 extra = adapts_vocabulary (self) ? self->max_loras * EXTRA_VOCABULARY : 0;

  if (self->is_part)
    return n_words + extra / self->n_tensor;

  return pad (n_words + extra, self->profile->vocabulary_padding);
}

/* A row that a layer has a tensor of, and which of the row's that is. */
typedef struct
{
  const HrTensor *tensor;
  guint index;
  guint copy;
} Row;

static GArray *
list_rows (const HrServingPlan *self,
           guint                stack,
           guint                layer)
{
  HrModel *model = self->pass->model;
  guint n_tensors = hr_model_get_n_tensors (model);
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (Row));

  for (guint i = 0; i < n_tensors; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      gint copy = tensor->stack == stack ? find_layer (tensor, layer) : -1;
      const Row row = { tensor, i, copy };

      if (copy >= 0)
        g_array_append_val (rows, row);
    }

  return rows;
}

static const Row *
get_row (const GArray *rows,
         guint         nth)
{
  return &g_array_index (rows, Row, nth);
}

/* Whether another row of the layer comes before it that it is one with. */
static gboolean
is_counted (const GArray *rows,
            guint         nth)
{
  for (guint i = 0; i < nth; i++)
    {
      if (is_fused_with (get_row (rows, i)->tensor, get_row (rows, nth)->tensor))
        return TRUE;
    }

  return FALSE;
}

/* The latent attention of a layer of the decoder. */
static const HrAttention *
get_latent (const HrServingPlan *self,
            guint                stack,
            guint                layer)
{
  const HrStack *decoder = self->pass->stack;
  const HrAttention *attention;

  if (hr_model_get_stack (self->pass->model, stack) != decoder)
    return NULL;

  attention = hr_layer_class_get_attention (&decoder->layer_classes[decoder->layer_class_of[layer]]);

  return attention != NULL && attention->latent_size > 0 ? attention : NULL;
}

/* A matrix that is multiplied out of two others: in eight bits where these are, with a scale for each block. */
static void
allocate_product (const HrServingPlan *self,
                  HrCachingAllocator  *allocator,
                  guint64              rows,
                  guint64              columns)
{
  guint element = hr_element_get_bytes (self->pass->element);

  if (!hr_serving_plan_has_fp8 (self))
    {
      hr_caching_allocator_allocate (allocator, rows * columns * element);
      return;
    }

  hr_caching_allocator_allocate (allocator, rows * columns);
  hr_caching_allocator_allocate (allocator, pad (rows, SCALE_BLOCK) / SCALE_BLOCK * pad (columns, SCALE_BLOCK) /
                                            SCALE_BLOCK * sizeof (float));
}

/*
 * What multi-head latent attention makes of its matrices when they have been loaded: those that expand the latent are
 * multiplied with tokens by themselves, for which they are kept in sixteen bits beside what the checkpoint has; where
 * they have sixteen bits, they are seen from another side (MLACommonBaseImpl.process_weights_after_loading). 0.7 has
 * them multiplied into the queries' matrix and into the last one as well (matrix absorption).
 */
static void
load_latent (const HrServingPlan *self,
             HrCachingAllocator  *allocator,
             const HrAttention   *attention,
             gboolean             is_quantized)
{
  guint64 heads = attention->num_attention_heads;
  guint64 input = attention->query_latent_size > 0 ? attention->query_latent_size : attention->hidden_size;
  guint64 expanded = attention->head_dim - attention->rotary_dim + attention->value_head_dim;
  guint element = hr_element_get_bytes (self->pass->element);

  if (is_quantized)
    hr_caching_allocator_allocate (allocator, attention->latent_size * heads * expanded * element);
  if (!self->profile->absorbs_latent)
    return;

  hr_caching_allocator_allocate (allocator, input * heads * attention->rotary_dim * element);
  allocate_product (self, allocator, input, heads * attention->latent_size);
  allocate_product (self, allocator, heads * attention->latent_size, attention->hidden_size);
}

/* What a matrix of a layer is one with, and that matrix; whether it is the first of them. */
static gboolean
fuse (const HrServingPlan *self,
      const GArray        *rows,
      guint                nth,
      Fused               *fused)
{
  const Row *row = get_row (rows, nth);

  *fused = (Fused) { 0 };
  if (row->tensor->tied_to != NULL || is_counted (rows, nth))
    return FALSE;

  add_row (self, row->index, row->copy, fused);
  for (guint i = nth + 1; i < rows->len; i++)
    {
      if (is_fused_with (row->tensor, get_row (rows, i)->tensor))
        add_row (self, get_row (rows, i)->index, get_row (rows, i)->copy, fused);
    }

  return TRUE;
}

/* How many experts of a tensor are left out as the host alone has them. */
static guint64
count_left_out (const HrServingPlan *self,
                const HrTensor      *tensor)
{
  return self->has_host_experts ? tensor->n_experts - MIN (tensor->n_experts, self->n_gpu_experts) : 0;
}

/* Takes from tensors what experts have in them that the host alone has; all experts have as much. */
static void
leave_out (const HrServingPlan *self,
           const HrTensor      *tensor,
           Fused               *fused)
{
  guint64 n_left_out = count_left_out (self, tensor);

  if (n_left_out == 0)
    return;

  fused->bytes -= fused->bytes / tensor->n_experts * n_left_out;
  fused->dropped -= fused->dropped / tensor->n_experts * n_left_out;
  for (guint i = 0; i < fused->n_pieces; i++)
    fused->pieces[i] -= fused->pieces[i] / tensor->n_experts * n_left_out;
}

static void
load_layer (const HrServingPlan *self,
            HrCachingAllocator  *allocator,
            Host                *host,
            guint                stack,
            guint                layer)
{
  const HrAttention *latent = get_latent (self, stack, layer);
  g_autoptr (GArray) rows = list_rows (self, stack, layer);
  gboolean is_quantized = FALSE;

  if (host != NULL)
    host->of_layer = 0;
  for (guint i = 0; i < rows->len; i++)
    {
      const HrTensor *tensor = get_row (rows, i)->tensor;
      Fused fused;

      if (!fuse (self, rows, i, &fused))
        continue;
      leave_out (self, tensor, &fused);
      allocate (self, &fused, allocator, host);
      is_quantized = is_quantized || (tensor->module == HR_MODULE_EXPANSION && fused.n_pieces > 0);
    }
  if (latent != NULL)
    load_latent (self, allocator, latent, is_quantized);
}

/* How many matrices of a layer a tensor holds, each of which has an adapter of its own; 0: it has none. */
static guint
count_adapted (const HrServingPlan *self,
               const HrTensor      *tensor)
{
  switch ((guint) tensor->module)
    {
    case HR_MODULE_SELF:
    case HR_MODULE_ROUTER:
    case HR_MODULE_SHARED_GATE:
      return 0;

    case HR_MODULE_QUERY_KEY_VALUE:
      return 3;

    case HR_MODULE_GATE_UP:
      return 2;

    case HR_MODULE_EXPERT_GATE:
    case HR_MODULE_EXPERT_UP:
    case HR_MODULE_EXPERT_DOWN:
      return self->profile->has_expert_adapters;

    case HR_MODULE_EXPERT_GATE_UP:
      return 2 * self->profile->has_expert_adapters;

    default:
      return 1;
    }
}

static gboolean
is_adapted (const HrServingPlan *self,
            const HrTensor      *tensor)
{
  return count_adapted (self, tensor) > 0 && tensor->role != HR_TENSOR_ROLE_NORM &&
         tensor->role != HR_TENSOR_ROLE_CONVOLUTION && tensor->n_dimensions > 1;
}

/*
 * Room for the adapters of a matrix: what it reads is multiplied into a rank, and that into what it makes
 * (BaseLinearLayerWithLoRA.create_lora_weights of vllm/lora/layers).
 */
static void
load_adapters (const HrServingPlan *self,
               HrCachingAllocator  *allocator,
               const HrTensor      *tensor)
{
  guint64 rank = self->max_loras * self->max_lora_rank * hr_element_get_bytes (self->pass->element);
  guint n_adapted = count_adapted (self, tensor);
  guint64 n_matrices, rows, columns;

  if (!is_adapted (self, tensor))
    return;

  hr_tensor_get_matrix (tensor, &n_matrices, &rows, &columns);
  n_matrices *= hr_tensor_get_copies_of_layer (tensor);
  for (guint i = 0; i < n_adapted; i++)
    {
      hr_caching_allocator_allocate (allocator, n_matrices * columns * rank);
      hr_caching_allocator_allocate (allocator, n_matrices * rows / n_adapted * rank);
    }
}

/*
 * Room for what adapters do to the tables of tokens, which no rank has a part of: the table's, the head's, and the
 * words that they bring (VocabParallelEmbeddingWithLoRA and LogitsProcessorWithLoRA of vllm/lora/layers).
 */
static void
load_vocabulary_adapters (const HrServingPlan *self,
                          HrCachingAllocator  *allocator)
{
  const HrBlock *head = hr_chain_find_block (hr_model_get_head (self->pass->model), HR_BLOCK_HEAD);
  guint64 element = self->max_loras * hr_element_get_bytes (self->pass->element);
  guint64 words = self->vocabulary + EXTRA_VOCABULARY;

  if (head == NULL)
    return;

  for (guint i = 0; i < 2; i++)
    {
      hr_caching_allocator_allocate (allocator, words * self->max_lora_rank * element);
      hr_caching_allocator_allocate (allocator, head->head.hidden_size * self->max_lora_rank * element);
      hr_caching_allocator_allocate (allocator, EXTRA_VOCABULARY * head->head.hidden_size * element);
    }
}

static guint
find_stack (const HrServingPlan *self)
{
  guint stack = 0;

  while (hr_model_get_stack (self->pass->model, stack) != self->pass->stack)
    stack++;

  return stack;
}

/* The same of a row of the model's. */
static gboolean
fuse_row (const HrServingPlan *self,
          guint                index,
          guint                layer,
          Fused               *fused)
{
  g_autoptr (GArray) rows = list_rows (self, find_stack (self), layer);

  for (guint i = 0; i < rows->len; i++)
    {
      if (get_row (rows, i)->index == index)
        return fuse (self, rows, i, fused);
    }

  return FALSE;
}

/* How many matrices are one with a tensor of a layer, itself included. */
static guint
count_fused (const HrServingPlan *self,
             guint                index,
             guint                layer)
{
  HrModel *model = self->pass->model;
  const HrTensor *tensor = hr_model_get_tensor (model, index);
  guint n = count_adapted (self, tensor);

  for (guint i = index + 1; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *other = hr_model_get_tensor (model, i);

      if (is_fused_with (tensor, other) && find_layer (other, layer) >= 0)
        n += count_adapted (self, other);
    }

  return n;
}

/*
 * SGLang has one tensor for what goes into the ranks of matrices that are one, and another for what comes out of them,
 * module by module, those of all layers one after the other (LoRAMemoryPool.init_buffers of
 * sglang/srt/lora/mem_pool.py).
 */
static void
load_slots (const HrServingPlan *self,
            HrCachingAllocator  *allocator,
            gboolean             into)
{
  HrModel *model = self->pass->model;
  guint64 rank = self->max_loras * self->max_lora_rank * hr_element_get_bytes (self->pass->element);

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      guint64 n_matrices, rows, columns;
      Fused fused;

      if (tensor->stack != find_stack (self) || !is_adapted (self, tensor))
        continue;
      hr_tensor_get_matrix (tensor, &n_matrices, &rows, &columns);
      for (guint j = 0; j < tensor->n_layers; j++)
        {
          if (fuse_row (self, i, tensor->layers[j], &fused))
            hr_caching_allocator_allocate (allocator, rank * (into ? count_fused (self, i, tensor->layers[j]) * columns
                                                                   : fused.rows));
        }
    }
}

static void
load_all_adapters (const HrServingPlan *self,
                   HrCachingAllocator  *allocator)
{
  HrModel *model = self->pass->model;

  if (self->profile->counts_segments)
    {
      load_slots (self, allocator, TRUE);
      load_slots (self, allocator, FALSE);
      return;
    }

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->stack == HR_TENSOR_NO_STACK || hr_model_get_stack (model, tensor->stack) != self->pass->stack)
        continue;
      for (guint j = 0; j < tensor->n_layers; j++)
        load_adapters (self, allocator, tensor);
    }
  if (adapts_vocabulary (self))
    load_vocabulary_adapters (self, allocator);
}

/* What counts of an allocator: what it hands out, or what it has asked the driver for. */
static guint64
count (const HrServingPlan *self,
       HrCachingAllocator  *allocator)
{
  return self->profile->counts_segments ? hr_caching_allocator_get_reserved (allocator)
                                        : hr_caching_allocator_get_allocated (allocator);
}

static gboolean
is_of_qwen (const HrServingPlan *self)
{
  return g_str_has_prefix (hr_model_get_model_type (self->pass->model), "qwen");
}

/*
 * What joins a token with what the model makes of those before it: one matrix, or one for each of them, which are in
 * eight bits (e_proj and h_proj of vllm/models/deepseek_v4/nvidia/mtp.py).
 */
static void
allocate_joint (const HrServingPlan *self,
                HrCachingAllocator  *allocator,
                guint64              hidden)
{
  if (hr_serving_compressed_find (self) != NULL)
    {
      allocate_product (self, allocator, hidden, hidden);
      allocate_product (self, allocator, hidden, hidden);
      return;
    }

  hr_caching_allocator_allocate (allocator, 2 * hidden * hidden * hr_element_get_bytes (self->pass->element) /
                                            (is_of_qwen (self) ? self->n_tensor : 1));
}

/*
 * A layer that guesses tokens ahead: one like those that attend, a matrix that joins a token with what the model makes
 * of those before it, and, of DeepSeek's kind, a head of its own, where a release does not share that
 * (vllm/model_executor/models: deepseek_mtp.py, qwen3_next_mtp.py, qwen3_5_mtp.py).
 */
static void
load_guessing (const HrServingPlan *self,
               HrCachingAllocator  *allocator)
{
  HrModel *model = self->pass->model;
  const HrBlock *head = hr_chain_find_block (hr_model_get_head (model), HR_BLOCK_HEAD);
  gboolean is_qwen = is_of_qwen (self);
  guint64 element = hr_element_get_bytes (self->pass->element);

  load_layer (self, allocator, NULL, find_stack (self), hr_serving_plan_find_guessing (self));
  if (head == NULL)
    return;

  allocate_joint (self, allocator, head->head.hidden_size);
  for (guint i = 0; i < GUESSING_NORMS; i++)
    hr_caching_allocator_allocate (allocator, head->head.hidden_size * element);
  if (!is_qwen && !self->profile->shares_head)
    hr_caching_allocator_allocate (allocator, pad (self->vocabulary, self->profile->vocabulary_padding) /
                                              self->n_tensor * head->head.hidden_size * element);
}

/* Towers that see or hear, where the server takes text alone (SupportsMultiModal._mark_tower_model). */
static gboolean
is_left_out (const HrServingPlan *self,
             guint                index)
{
  return self->encoder.is_left_out && index != HR_TENSOR_NO_STACK &&
         hr_model_get_stack (self->pass->model, index) != self->pass->stack;
}

/*
 * Room for what layers of a tower hand on to the first layers of the decoder, for as many tokens as are computed at
 * once (deepstack_input_embeds of vllm/model_executor/models/qwen3_vl.py).
 */
static void
load_features (const HrServingPlan *self,
               HrCachingAllocator  *allocator)
{
  HrModel *model = self->pass->model;
  const HrBlock *token = hr_chain_find_block (&self->pass->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);

  for (guint i = 0; token != NULL && i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      for (guint j = 0; stack->hands_on != NULL && !is_left_out (self, i) && j < stack->n_layers; j++)
        {
          if (stack->hands_on[j])
            hr_caching_allocator_allocate (allocator, self->max_num_batched_tokens *
                                                      token->token_embedding.hidden_size *
                                                      hr_element_get_bytes (self->pass->element));
        }
    }
}

/*
 * What layers that compress text have beside their tensors: room for the tokens that indexers choose, and for the
 * hidden states that a layer which guesses tokens ahead would read, of as many tokens as are computed at once, and
 * the experts of each word in the first layers, which have no router (DeepseekV4Model and DeepseekV4MoE of
 * vllm/models/deepseek_v4).
 */
static void
load_compressed (const HrServingPlan *self,
                 HrCachingAllocator  *allocator)
{
  const HrCompressedAttention *attention = hr_serving_compressed_find (self);
  const HrBlock *token = hr_chain_find_block (&self->pass->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  const HrBlock *mixture = hr_layer_class_find_block (&self->pass->stack->layer_classes[0], HR_BLOCK_MIXTURE);
  guint64 n_hashed = 0, chosen = 0;

  if (attention == NULL)
    return;

  hr_model_get_hyper_parameter (self->pass->model, "index_topk", &chosen);
  hr_model_get_hyper_parameter (self->pass->model, "num_hash_layers", &n_hashed);
  hr_caching_allocator_allocate (allocator, self->max_num_batched_tokens * chosen * sizeof (gint32));
  if (self->has_sampler)
    hr_caching_allocator_allocate (allocator, self->max_num_batched_tokens * attention->streams *
                                              mixture->mixture.hidden_size *
                                              hr_element_get_bytes (self->pass->element));
  for (guint64 i = 0; token != NULL && i < n_hashed; i++)
    hr_caching_allocator_allocate (allocator, self->vocabulary * mixture->mixture.num_experts_per_tok *
                                              sizeof (gint32));
}

/* What a head takes that is a copy of the table of tokens, where it is that of the model. */
static void
load_copied_head (const HrServingPlan *self,
                  HrCachingAllocator  *allocator)
{
  for (guint i = 0; i < hr_model_get_n_tensors (self->pass->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (self->pass->model, i);

      if (tensor->role == HR_TENSOR_ROLE_OUTPUT && tensor->tied_to != NULL)
        hr_caching_allocator_allocate (allocator, tensor->n_elements * hr_element_get_bytes (self->pass->element));
    }
}

static void
load_outer (const HrServingPlan *self,
            HrCachingAllocator  *allocator,
            guint                index)
{
  const HrTensor *tensor = hr_model_get_tensor (self->pass->model, index);
  guint64 bytes = get_row_bytes (self, index, 0);

  if (tensor->role == HR_TENSOR_ROLE_EMBEDDING || tensor->role == HR_TENSOR_ROLE_OUTPUT)
    bytes = bytes / tensor->shape[0] * count_words (self, tensor->shape[0]);
  hr_caching_allocator_allocate (allocator, bytes);
}

/*
 * Sines and cosines of all positions, one table for all layers that rotate alike (get_rope); where positions are scaled
 * by a factor, that of layers without a window has as many times more (LinearScalingRotaryEmbedding), and where they
 * have axes, four times more for the length of videos (MRotaryEmbedding).
 */
static guint64
get_rotary_bytes (const HrServingPlan *self)
{
  const HrStack *stack = self->pass->stack;
  HrServingRotary rotary = self->rotary;
  guint element = rotary == HR_SERVING_ROTARY_FLOAT32 ? sizeof (float) : hr_element_get_bytes (self->pass->element);
  guint64 positions, sizes[2] = { 0, 0 }, stretch = 1, axes = 1;

  if (rotary == HR_SERVING_ROTARY_NONE)
    return 0;
  if (hr_serving_compressed_find (self) != NULL)
    return hr_serving_compressed_get_rotary (self);

  if (!hr_model_get_hyper_parameter (self->pass->model, "max_position_embeddings", &positions))
    positions = self->max_model_len;
  hr_model_get_hyper_parameter (self->pass->model, "rope_stretch", &stretch);

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      if (attention == NULL)
        continue;
      if (attention->rotary_axes || attention->position == HR_POSITION_ROTARY_SECTIONS)
        axes = AXES_STRETCH;
      sizes[attention->own_rotary && attention->sliding_window > 0] = attention->rotary_dim;
    }

  return positions * axes * (sizes[0] * stretch + sizes[1]) * element;
}

/* The experts that the host alone has are none of the weights, and neither are towers that are not there. */
static void
leave_out_elements (const HrServingPlan *self,
                    HrWeights           *weights)
{
  for (guint i = 0; i < hr_model_get_n_tensors (self->pass->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (self->pass->model, i);
      guint64 n_left_out = count_left_out (self, tensor);
      gboolean is_of_tower = is_left_out (self, tensor->stack);
      HrWeights part = { 0 };

      if (n_left_out == 0 && !is_of_tower)
        continue;
      hr_weights_add_tensor (&part, &self->pass->storage, i, 0, hr_tensor_get_copies (tensor));
      if (is_of_tower)
        {
          weights->other_elements -= part.other_elements;
          weights->kept_elements -= part.kept_elements;
          weights->quantized_elements -= part.quantized_elements;
          continue;
        }
      weights->other_elements -= part.other_elements / tensor->n_experts * n_left_out;
      weights->kept_elements -= part.kept_elements / tensor->n_experts * n_left_out;
    }
}

/*
 * hr_serving_weights_get_expert_bytes:
 * @self: a plan
 *
 * Finds out what the allocator hands out for all experts of the layer that has the largest.
 *
 * Returns: the size in bytes
 */
guint64
hr_serving_weights_get_expert_bytes (const HrServingPlan *self)
{
  guint64 most = 0;

  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();
      g_autoptr (GArray) rows = list_rows (self, find_stack (self), i);

      for (guint j = 0; j < rows->len; j++)
        {
          Fused fused;

          if (get_row (rows, j)->tensor->n_experts > 0 && fuse (self, rows, j, &fused))
            allocate (self, &fused, allocator, NULL);
        }
      most = MAX (most, hr_caching_allocator_get_allocated (allocator));
    }

  return most;
}

/* Loads the weights, of which the host gets what it is to have. */
static guint64
load (const HrServingPlan *self,
      HrWeights           *weights,
      Host                *host)
{
  g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();
  HrModel *model = self->pass->model;
  guint n_tensors = hr_model_get_n_tensors (model);
  guint64 rotary = get_rotary_bytes (self);
  guint64 chosen = hr_serving_plan_get_index_topk (self);   /* DeepseekV2Model.topk_indices_buffer */

  hr_weights_init_model (weights, &self->pass->storage);
  weights->buffer_bytes = rotary;
  leave_out_elements (self, weights);
  if (chosen > 0)
    hr_caching_allocator_allocate (allocator, self->max_num_batched_tokens * chosen * sizeof (gint32));

  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      if (is_left_out (self, i))
        continue;

      for (guint j = 0; j < n_tensors; j++)
        {
          const HrTensor *tensor = hr_model_get_tensor (model, j);

          if (tensor->stack == i && tensor->tied_to == NULL && tensor->n_layers == 0)
            load_outer (self, allocator, j);
        }
      for (guint j = 0; j < hr_model_get_stack (model, i)->n_layers; j++)
        {
          gboolean is_decoder = hr_model_get_stack (model, i) == self->pass->stack;

          load_layer (self, allocator, is_decoder ? host : NULL, i, j);
          if (j == 0 && is_decoder && rotary > 0)
            hr_caching_allocator_allocate (allocator, rotary);
        }
    }
  for (guint j = 0; j < n_tensors; j++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, j);

      if (tensor->stack == HR_TENSOR_NO_STACK && tensor->tied_to == NULL)
        load_outer (self, allocator, j);
    }

  if (self->profile->copies_head)
    load_copied_head (self, allocator);
  load_features (self, allocator);
  load_compressed (self, allocator);
  if (self->n_guessed > 0 && self->draft_kind == HR_DRAFT_NONE && self->has_sampler)
    load_guessing (self, allocator);
  if (self->max_loras > 0)
    load_all_adapters (self, allocator);

  return count (self, allocator) + (self->has_sampler ? self->draft_weight_bytes : 0);
}

/*
 * hr_serving_weights_get_bytes:
 * @self: a plan
 * @weights: (out): the same as transformers counts it, and what is beside it
 *
 * Finds out what PyTorch's allocator hands out for the weights: matrices that read the same are one, tables of the
 * vocabulary are padded, and a block that would leave less than a MiB of a segment is handed out as a whole.
 *
 * Returns: the size in bytes
 */
guint64
hr_serving_weights_get_bytes (const HrServingPlan *self,
                              HrWeights           *weights)
{
  Host host = { self->offload_bytes, 0, 0, 0, 0 };

  return load (self, weights, &host);
}

/*
 * hr_serving_weights_get_host_bytes:
 * @self: a plan
 * @of_layer: (out): the most of them that a layer has
 *
 * Finds out what of the weights stays in the memory of the host (--cpu-offload-gb).
 *
 * Returns: the size in bytes
 */
guint64
hr_serving_weights_get_host_bytes (const HrServingPlan *self,
                                   guint64             *of_layer)
{
  Host host = { self->offload_bytes, 0, 0, 0, 0 };
  HrWeights weights;

  *of_layer = 0;
  if (self->offload_bytes == 0)
    return 0;

  load (self, &weights, &host);
  *of_layer = host.most;

  return host.bytes;
}

/*
 * hr_serving_weights_get_eagle_bytes:
 * @self: a plan of a head of EAGLE, as a model of its config
 * @kind: which it is
 * @hidden: the size of the hidden states of the model that it guesses for
 * @words: how many words it predicts
 *
 * Finds out what a head of EAGLE takes: its layers, of which the first of EAGLE-3 reads the token and the hidden state
 * side by side, the matrix that joins what it reads, which all ranks have whole, and, of EAGLE-3, a head and the table
 * of its words. The table of tokens is the model's (vllm/model_executor/models: llama_eagle.py, llama_eagle3.py;
 * sglang/srt/models: llama_eagle.py, llama_eagle3.py).
 *
 * Returns: the size in bytes
 */
guint64
hr_serving_weights_get_eagle_bytes (const HrServingPlan *self,
                                    HrDraftKind          kind,
                                    guint64              hidden,
                                    guint64              words)
{
  g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();
  const HrStack *stack = self->pass->stack;
  const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[0]);
  const HrBlock *head = hr_chain_find_block (hr_model_get_head (self->pass->model), HR_BLOCK_HEAD);
  guint64 element = hr_element_get_bytes (self->pass->element);
  guint64 own = head != NULL ? head->head.hidden_size : hidden;
  guint64 rotary = get_rotary_bytes (self);

  for (guint i = 0; i < stack->n_layers; i++)
    load_layer (self, allocator, NULL, find_stack (self), i);
  if (rotary > 0)
    hr_caching_allocator_allocate (allocator, rotary);
  hr_caching_allocator_allocate (allocator, (kind == HR_DRAFT_EAGLE3 ? 3 : 2) * hidden * own * element);
  if (kind == HR_DRAFT_EAGLE3)
    {
      hr_caching_allocator_allocate (allocator, (attention->num_attention_heads + 2 * attention->num_key_value_heads) *
                                                attention->head_dim * own * element);
      hr_caching_allocator_allocate (allocator, pad (words, self->profile->vocabulary_padding) / self->n_tensor * own *
                                                element);
      hr_caching_allocator_allocate (allocator, words * sizeof (gint64));
      for (guint i = 0; i < EAGLE_NORMS; i++)
        hr_caching_allocator_allocate (allocator, own * element);
    }

  return count (self, allocator);
}
