/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-ggml-pool.h"

#include "hr-ggml-type.h"

/*
 * What ggml's kernels for CUDA take from the pool of a device while they run, which keeps the most that any of them
 * took (ggml_cuda_pool_vmm): activations in eight bits beside quantized matrices (ggml_cuda_mul_mat_q in mmq.cu),
 * matrices, activations and results in sixteen bits for cuBLAS (ggml_cuda_mul_mat_cublas_impl in ggml-cuda.cu), rows
 * sorted by expert where no kernel has a type (ggml_cuda_mul_mat_id), and what flash attention keeps of tiles that
 * several blocks compute (launch_fattn in fattn-common.cuh).
 */

/* cuMemGetAllocationGranularity of CUDA, and what each piece is padded to. */
#define GRANULARITY (G_GUINT64_CONSTANT (2) << 20)
#define ALIGNMENT 128

/* MATRIX_ROW_PADDING; a block_q8_1 is 32 elements and their scale. */
#define ROW_PADDING 512
#define Q8_BLOCK 32
#define Q8_BYTES 36

/* MMQ_TILE's largest width, each a block_q8_1_mmq of 144 bytes. */
#define TILE_BYTES (128 * 144)

/* MMVQ_MAX_BATCH_SIZE, and MMF's: up to so many columns no pool is needed for matrices of floats. */
#define MAX_QUANTIZED_COLUMNS 8
#define MAX_FLOAT_COLUMNS 16

/*
 * Tiles of fattn-mma-f16.cuh: so many columns, which are tokens of heads that share keys (switch_ncols1,
 * switch_ncols2), and so many blocks on a multiprocessor (ggml_cuda_fattn_mma_get_config_ampere, _turing), but for the
 * largest.
 */
#define TURING 75
#define ADA 89
#define TILE_COLUMNS 64
#define TURING_TILE_COLUMNS 32
#define MAX_SHARING_HEADS 8
#define LATENT_SHARING_HEADS 16
#define TILES_AT_ONCE 2
#define LARGE_DIM 512
#define LATENT_DIM 576

/* Below this share of the blocks at work, in percent, GPUs before Ada divide tiles; Ada and later always do. */
#define MIN_EFFICIENCY 75

/* What is kept of a column beside its values; dst_tmp_meta was too large by WIDE_PARTS until #18559, January 2026. */
#define PART_EXTRA 4
#define WIDE_PARTS 8

static guint64
pad (guint64 value,
     guint64 multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

static guint64
count (const HrGgmlTensor *tensor)
{
  return tensor->ne[0] * tensor->ne[1] * tensor->ne[2] * tensor->ne[3];
}

/* ggml_cuda_should_use_mmq: there is no kernel for ternary types, nor for the smallest one with a grid. */
static gboolean
has_kernel (const HrGgmlType *type)
{
  static const char * const without[] = { "IQ1_M", "TQ1_0", "TQ2_0" };

  for (guint i = 0; i < G_N_ELEMENTS (without); i++)
    {
      if (g_ascii_strcasecmp (type->name, without[i]) == 0)
        return FALSE;
    }

  return type->block_size > 1;
}

static guint64
get_quantized_bytes (guint64 n_rows,
                     guint64 row)
{
  return pad (n_rows * pad (row, ROW_PADDING) / Q8_BLOCK * Q8_BYTES + TILE_BYTES, ALIGNMENT);
}

/* One matrix; of a mixture that of an expert, whose tokens may be all. */
static guint64
get_cublas_bytes (const HrGgmlType *type,
                  guint64           n_matrix,
                  guint64           n_input,
                  guint64           n_result)
{
  if (type->id == HR_GGML_F32)
    return 0;

  return (type->block_size > 1 ? pad (2 * n_matrix, ALIGNMENT) : 0) + pad (2 * n_input, ALIGNMENT) +
         (type->dtype == HR_DTYPE_BFLOAT16 ? 0 : pad (2 * n_result, ALIGNMENT));
}

static guint64
get_product_bytes (const HrGgmlTensor *matrix,
                   const HrGgmlTensor *input,
                   const HrGgmlTensor *result,
                   gboolean            has_tiles)
{
  const HrGgmlType *type = hr_ggml_type_get (matrix->type);
  guint64 n_columns = input->ne[1];

  if (type->block_size > 1 && (n_columns <= MAX_QUANTIZED_COLUMNS || (has_tiles && has_kernel (type))))
    return get_quantized_bytes (n_columns * input->ne[2] * input->ne[3], input->ne[0]);
  if (type->block_size == 1 && n_columns <= MAX_FLOAT_COLUMNS)
    return 0;

  return get_cublas_bytes (type, count (matrix), count (input), count (result));
}

static guint64
get_expert_bytes (const HrGgmlTensor *matrices,
                  const HrGgmlTensor *input,
                  const HrGgmlTensor *result,
                  gboolean            has_tiles)
{
  const HrGgmlType *type = hr_ggml_type_get (matrices->type);
  guint64 n_tokens = input->ne[2];
  guint64 n_rows = n_tokens * result->ne[1];

  if (type->block_size > 1 && (n_tokens <= MAX_QUANTIZED_COLUMNS || (has_tiles && has_kernel (type))))
    return get_quantized_bytes (n_rows, input->ne[0]) + 2 * pad (n_rows * 4, ALIGNMENT) +
           pad ((matrices->ne[2] + 1) * 4, ALIGNMENT);
  if (type->block_size == 1 && n_tokens <= MAX_FLOAT_COLUMNS)
    return 0;

  return pad (n_rows * input->ne[0] * (type->block_size > 1 ? 4 : type->block_bytes), ALIGNMENT) +
         pad (n_rows * result->ne[0] * 4, ALIGNMENT) + pad (n_rows * 8, ALIGNMENT) +
         get_cublas_bytes (type, matrices->ne[0] * matrices->ne[1], n_tokens * input->ne[0],
                           n_tokens * result->ne[0]);
}

static gboolean
has_tensor_cores (const HrGgmlKernels *kernels,
                  guint64              key_dim)
{
  static const guint dims[] = { 64, 80, 96, 112, 128, 192, 256, 320, LARGE_DIM, LATENT_DIM };

  for (guint i = 0; i < G_N_ELEMENTS (dims); i++)
    {
      if (dims[i] == key_dim)
        return kernels->capability >= TURING && kernels->n_multiprocessors > 0;
    }

  return FALSE;
}

/* Heads that share keys are computed together, a power of two of them, where there is a mask. */
static guint64
get_heads_of_tile (const HrGgmlTensor *query,
                   const HrGgmlTensor *keys,
                   gboolean            has_mask)
{
  guint64 most = keys->ne[0] == LATENT_DIM ? LATENT_SHARING_HEADS : MAX_SHARING_HEADS;
  guint64 n_sharing = query->ne[2] / keys->ne[2];
  guint64 n = 1;

  while (has_mask && n < most && n_sharing % (2 * n) == 0)
    n *= 2;

  return n;
}

/* dst_tmp_meta: parts of the tiles that are divided among blocks, at first of all tiles. */
static guint64
get_part_bytes (const HrGgmlTensor  *query,
                const HrGgmlTensor  *keys,
                const HrGgmlTensor  *result,
                const HrGgmlKernels *kernels)
{
  guint64 columns = kernels->capability == TURING ? TURING_TILE_COLUMNS : TILE_COLUMNS;
  guint64 n_heads = get_heads_of_tile (query, keys, result->sources[3] != HR_GGML_NONE);
  guint64 n_tokens = columns / n_heads;
  guint64 n_tiles = (query->ne[1] + n_tokens - 1) / n_tokens * (query->ne[2] / n_heads) * query->ne[3];
  guint64 per_processor = result->ne[0] >= LARGE_DIM && columns == TILE_COLUMNS ? 1 : TILES_AT_ONCE;
  guint64 at_once = per_processor * kernels->n_multiprocessors;
  guint64 n_turns = (n_tiles + at_once - 1) / at_once;
  gboolean divides = kernels->capability >= ADA || 100 * n_tiles / (at_once * n_turns) < MIN_EFFICIENCY;
  guint64 n_blocks = divides ? at_once : n_tiles;

  if (!kernels->has_wide_parts && n_tiles % n_blocks == 0)
    return 0;

  return pad (n_blocks * columns * (result->ne[0] + PART_EXTRA) * 4 * (kernels->has_wide_parts ? WIDE_PARTS : 1),
              ALIGNMENT);
}

/* Values that are part of the keys have no copy of their own. */
static guint64
get_flash_bytes (const HrGgmlGraph   *graph,
                 const HrGgmlTensor  *result,
                 const HrGgmlKernels *kernels)
{
  const HrGgmlTensor *query = hr_ggml_graph_get (graph, result->sources[0]);
  const HrGgmlTensor *keys = hr_ggml_graph_get (graph, result->sources[1]);
  const HrGgmlTensor *values = hr_ggml_graph_get (graph, result->sources[2]);
  guint64 bytes = 0;

  if (query->ne[1] == 1)
    return 0;

  if (kernels->has_copies && keys->type != HR_GGML_F16)
    bytes += pad (2 * count (keys), ALIGNMENT);
  if (kernels->has_copies && values->type != HR_GGML_F16 && values->view != keys->view)
    bytes += pad (2 * count (values), ALIGNMENT);
  if (has_tensor_cores (kernels, keys->ne[0]))
    bytes += get_part_bytes (query, keys, result, kernels);

  return bytes;
}

/*
 * hr_ggml_pool_get_bytes:
 * @graph: a graph
 * @node: one of its nodes
 * @kernels: what kernels do
 *
 * Gets what the pool of a device has to have for an operation.
 *
 * Returns: the size in bytes, whole steps of what the driver gives
 */
guint64
hr_ggml_pool_get_bytes (const HrGgmlGraph   *graph,
                        gint                 node,
                        const HrGgmlKernels *kernels)
{
  const HrGgmlTensor *result = hr_ggml_graph_get (graph, node);
  guint64 bytes = 0;

  if (result->op == HR_GGML_OP_MUL_MAT)
    bytes = get_product_bytes (hr_ggml_graph_get (graph, result->sources[0]),
                               hr_ggml_graph_get (graph, result->sources[1]), result, kernels->has_tiles);
  else if (result->op == HR_GGML_OP_MUL_MAT_ID)
    bytes = get_expert_bytes (hr_ggml_graph_get (graph, result->sources[0]),
                              hr_ggml_graph_get (graph, result->sources[1]), result, kernels->has_tiles);
  else if (result->op == HR_GGML_OP_FLASH_ATTENTION)
    bytes = get_flash_bytes (graph, result, kernels);

  return pad (bytes, GRANULARITY);
}
