/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-framework.h"

#include "hr-cuda-context.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

#define WORKSPACE_SOURCE "; cuBLAS workspace: aten/src/ATen/cuda/CublasHandlePool.cpp"

#define SOURCE_T4 "CUDA context of a T4 (133 to 147 MiB measured: Anassbzdd/fitcheck)"
#define SOURCE_A100 \
  "CUDA context of an A100 with lazy loading (0.47 GiB measured, torch 2.1.1: Bekman, Machine Learning Engineering)"
#define SOURCE_H100 \
  "CUDA context of an H100 80GB with the kernels of products and attention loaded, 527 MiB without them; 64 MiB more " \
  "once a backward pass has run in a thread of its own (measured: driver 580.159, torch 2.11, CUDA 13.0)"
#define BY_STACKS \
  "; less or more by the stacks of the threads that the GPU can have at once, as contexts of ten GPUs differ " \
  "(tests/oracle/llama-processes.json)"

/*
 * Contexts with lazily loaded kernels, as they were measured, by the compute capability of the GPU and its
 * multiprocessors.
 */
static const struct
{
  guint generation;
  guint n_multiprocessors;
  guint64 context_bytes;
  guint64 backward_bytes;
  const char *source;
  const char *source_by_stacks;
} contexts[] = {
  { 75, 40, 147 * MIB, 0, SOURCE_T4 WORKSPACE_SOURCE, SOURCE_T4 BY_STACKS WORKSPACE_SOURCE },
  { 80, 108, 481 * MIB, 0, SOURCE_A100 WORKSPACE_SOURCE, SOURCE_A100 BY_STACKS WORKSPACE_SOURCE },
  { 90, 132, G_GUINT64_CONSTANT (726466560), 64 * MIB, SOURCE_H100 WORKSPACE_SOURCE,
    SOURCE_H100 BY_STACKS WORKSPACE_SOURCE },
};

#define DEFAULT_CONTEXT 1
#define AMPERE 80
#define HOPPER 90

/* CUBLAS_WORKSPACE_CONFIG's defaults: :4096:2:16:8, and :4096:8 from Hopper on, in KiB. */
#define WORKSPACE_BYTES ((2 * 4096 + 8 * 16) * G_GUINT64_CONSTANT (1024))
#define WORKSPACE_BYTES_HOPPER (8 * 4096 * G_GUINT64_CONSTANT (1024))

/* Where a context was measured: on a GPU of the same generation, or of the last one before. */
static guint
find_context (guint generation)
{
  guint index = DEFAULT_CONTEXT;

  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++)
    {
      if (contexts[i].generation == generation || (i > index && contexts[i].generation < generation))
        index = i;
    }

  return index;
}

/* What a context has more than the one that was measured, or less, by the size of the GPU. */
static gboolean
get_difference (HrGpu  *gpu,
                guint   index,
                gint64 *bytes)
{
  guint n_multiprocessors;
  guint64 own, measured;

  if (!hr_gpu_get_multiprocessors (gpu, &n_multiprocessors) ||
      !hr_cuda_context_get_stack_bytes (hr_gpu_get_cuda_capability (gpu), n_multiprocessors, &own) ||
      !hr_cuda_context_get_stack_bytes (contexts[index].generation, contexts[index].n_multiprocessors, &measured))
    return FALSE;

  *bytes = (gint64) own - (gint64) measured;

  return TRUE;
}

/*
 * hr_framework_init_for_gpu:
 * @self: (out): the figures
 * @gpu: a GPU
 *
 * Gets what torch and CUDA hold on a GPU for themselves. It depends on the driver, the versions and the kernels that
 * are used; the figures are those that somebody measured, on a GPU of the same generation or an earlier one, with the
 * difference that the number of threads makes; where that number is not known, they are those of an A100.
 *
 * Returns: whether anything is known, which is so for NVIDIA only
 */
gboolean
hr_framework_init_for_gpu (HrFramework *self,
                           HrGpu       *gpu)
{
  guint generation, index;
  gint64 difference = 0;
  gboolean is_known;

  if (g_strcmp0 (hr_gpu_get_vendor (gpu), "NVIDIA") != 0)
    return FALSE;

  generation = hr_gpu_get_cuda_capability (gpu);
  *self = (HrFramework) { .workspace_bytes = generation >= HOPPER ? WORKSPACE_BYTES_HOPPER : WORKSPACE_BYTES };
  index = find_context (generation);
  is_known = get_difference (gpu, index, &difference);
  self->measured = is_known || contexts[index].generation == generation;
  if (!self->measured)
    index = DEFAULT_CONTEXT;
  self->context_bytes = contexts[index].context_bytes;
  self->backward_bytes = contexts[index].backward_bytes;
  self->context_bytes += difference;
  self->source = difference != 0 ? contexts[index].source_by_stacks : contexts[index].source;

  return TRUE;
}

/* nvte_get_num_compute_streams () of transformer_engine/common/util/multi_stream.cpp. */
#define ENGINE_STREAMS 4

/*
 * hr_framework_add_engine:
 * @self: the figures of a GPU
 * @gpu: that GPU
 * @groups_products: whether it multiplies several matrices at once, on streams that have a workspace each
 *
 * Adds what Transformer Engine takes of the allocator beside the tensors of a step.
 */
void
hr_framework_add_engine (HrFramework *self,
                         HrGpu       *gpu,
                         gboolean     groups_products)
{
  guint64 bytes = hr_gpu_get_cuda_capability (gpu) >= HOPPER
                    ? HR_ENGINE_WORKSPACE_BYTES_HOPPER
                    : HR_ENGINE_WORKSPACE_BYTES;

  self->engine_bytes = groups_products ? (1 + ENGINE_STREAMS) * bytes : bytes;
}

/*
 * hr_framework_has_flash:
 * @gpu: (nullable): a GPU
 *
 * Tells whether flash attention has kernels for a GPU: not for NVIDIA's before Ampere (sdp_utils.cpp of torch,
 * check_flash_attention_hardware_support, and likewise the flash-attn package). Where the generation is not known, it
 * is taken to be new enough.
 *
 * Returns: whether it has
 */
gboolean
hr_framework_has_flash (HrGpu *gpu)
{
  guint generation = hr_gpu_get_cuda_capability (gpu);

  return generation == 0 || generation >= AMPERE || g_strcmp0 (hr_gpu_get_vendor (gpu), "NVIDIA") != 0;
}

/*
 * hr_framework_has_fp8:
 * @gpu: (nullable): a GPU
 *
 * Tells whether a GPU computes with eight-bit floats: NVIDIA's from compute capability 8.9 on
 * (FineGrainedFP8HfQuantizer.validate_environment in transformers). Where that is not known, it is taken to.
 *
 * Returns: whether it does
 */
gboolean
hr_framework_has_fp8 (HrGpu *gpu)
{
  guint capability = hr_gpu_get_cuda_capability (gpu);

  return capability == 0 || capability >= 89;
}

/*
 * hr_framework_is_alike:
 * @gpu: a GPU
 * @other: another one
 *
 * Tells whether a framework does the same on both, and asks its allocator for the same, workspaces included.
 *
 * Returns: whether it does
 */
gboolean
hr_framework_is_alike (HrGpu *gpu,
                       HrGpu *other)
{
  HrFramework one = { 0 }, another = { 0 };

  return hr_framework_init_for_gpu (&one, gpu) == hr_framework_init_for_gpu (&another, other) &&
         one.workspace_bytes == another.workspace_bytes &&
         hr_framework_has_flash (gpu) == hr_framework_has_flash (other) &&
         hr_framework_has_fp8 (gpu) == hr_framework_has_fp8 (other);
}

/* c10/cuda/CUDACachingAllocator.cpp: kSmallSize, kSmallBuffer, kLargeBuffer, kMinLargeAlloc, kRoundLarge. */
#define SMALL_SIZE MIB
#define SMALL_SEGMENT (2 * MIB)
#define MIN_LARGE_SIZE (10 * MIB)
#define LARGE_SEGMENT (20 * MIB)
#define ROUND_LARGE (2 * MIB)

static guint64
divide_up (guint64 a,
           guint64 b)
{
  return a / b + (a % b != 0);
}

static guint64
get_waste_in_segments (const HrAllocation *allocation,
                       guint64             segment)
{
  guint64 per_segment = segment / allocation->bytes;

  return divide_up (allocation->count, per_segment) * segment - allocation->count * allocation->bytes;
}

/*
 * hr_allocator_get_waste:
 * @allocations: (array length=n_allocations): what is alive
 * @n_allocations: the length of @allocations
 *
 * Gets what torch's caching allocator takes from the driver beyond what it hands out: blocks up to 1 MiB lie in
 * segments of 2 MiB, blocks below 10 MiB in segments of 20 MiB, larger ones in segments of their own, rounded to 2 MiB.
 * It is the least that a run shows: segments that earlier tensors left and nothing fits in come on top.
 *
 * Returns: the size in bytes
 */
guint64
hr_allocator_get_waste (const HrAllocation *allocations,
                        guint               n_allocations)
{
  HrAllocation small = { .count = 1 };
  guint64 waste = 0;

  for (guint i = 0; i < n_allocations; i++)
    {
      const HrAllocation *allocation = &allocations[i];

      if (allocation->bytes == 0)
        continue;
      if (allocation->bytes <= SMALL_SIZE)
        small.bytes += allocation->bytes * allocation->count;
      else if (allocation->bytes < MIN_LARGE_SIZE)
        waste += get_waste_in_segments (allocation, LARGE_SEGMENT);
      else
        waste += (divide_up (allocation->bytes, ROUND_LARGE) * ROUND_LARGE - allocation->bytes) * allocation->count;
    }

  return waste + divide_up (small.bytes, SMALL_SEGMENT) * SMALL_SEGMENT - small.bytes;
}
