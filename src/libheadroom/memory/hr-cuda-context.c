/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-cuda-context.h"

/*
 * What CUDA holds for a process of llama.cpp beside the buffers that llama.cpp logs. The driver keeps a stack for every
 * thread that a GPU can have at once, so that the context grows with its multiprocessors; kernels are loaded when they
 * run first. tests/oracle/llama-processes.json has what was measured, and what of it the two figures are of.
 */

#define MIB (G_GUINT64_CONSTANT (1) << 20)

/* A line through the contexts of five GPUs of 28 to 188 multiprocessors; others are held against it. */
#define CONTEXT_BYTES (42 * MIB)
#define THREAD_BYTES G_GUINT64_CONSTANT (1874)

/* What three machines had more once llama.cpp had run, cuBLAS and its workspace among it: 24, 61 and 149 MiB. */
#define KERNEL_BYTES (60 * MIB)

#define SOURCE \
  "CUDA context by the threads that the GPU can have at once, and the kernels of ggml and cuBLAS: " \
  "ggml-org/llama.cpp#23604, #15860 (as in tests/oracle/llama-processes.json)"

/* cudaDevAttrMaxThreadsPerMultiProcessor, by compute capability (CUDA C++ Programming Guide, table of capabilities). */
static const struct
{
  guint capability;
  guint n_threads;
} threads[] = {
  { 60, 2048 }, { 61, 2048 }, { 70, 2048 }, { 75, 1024 }, { 80, 2048 }, { 86, 1536 }, { 89, 1536 }, { 90, 2048 },
  { 100, 2048 }, { 120, 1536 },
};

#define TURING 75

/* Page tables of a GPU have entries for memory of the host (NVIDIA's open-gpu-doc, gp100-mmu-format.pdf). */
#define HOST_PAGE_SIZE 4096
#define PAGE_ENTRY_SIZE 8

/*
 * hr_cuda_context_get_stack_bytes:
 * @capability: a compute capability, times ten
 * @n_multiprocessors: how many multiprocessors a GPU has
 * @bytes: (out): what the stacks of all threads take that it can have at once
 *
 * Gets the part of a CUDA context that grows with the GPU.
 *
 * Returns: whether it is known how many threads a multiprocessor of that capability can have
 */
gboolean
hr_cuda_context_get_stack_bytes (guint    capability,
                                 guint    n_multiprocessors,
                                 guint64 *bytes)
{
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      if (threads[i].capability != capability)
        continue;

      *bytes = THREAD_BYTES * threads[i].n_threads * n_multiprocessors;
      return TRUE;
    }

  return FALSE;
}

/*
 * hr_cuda_context_get_bytes:
 * @gpu: (nullable): a GPU
 * @bytes: (out): what the context of a process takes on it before any kernel is loaded
 *
 * Gets the size of a CUDA context.
 *
 * Returns: whether it is known: of NVIDIA's GPUs whose number of multiprocessors is
 */
gboolean
hr_cuda_context_get_bytes (HrGpu   *gpu,
                           guint64 *bytes)
{
  guint n_multiprocessors;

  if (gpu == NULL || !hr_gpu_get_multiprocessors (gpu, &n_multiprocessors) ||
      !hr_cuda_context_get_stack_bytes (hr_gpu_get_cuda_capability (gpu), n_multiprocessors, bytes))
    return FALSE;

  *bytes += CONTEXT_BYTES;

  return TRUE;
}

/*
 * hr_cuda_context_get_page_bytes:
 * @pinned: how much memory of the host a process has pinned
 *
 * Gets what each GPU of a process holds to find the pages of that memory, which all of them can read.
 *
 * Returns: the size in bytes
 */
guint64
hr_cuda_context_get_page_bytes (guint64 pinned)
{
  return pinned / HOST_PAGE_SIZE * PAGE_ENTRY_SIZE;
}

/*
 * hr_cuda_context_init_for_ggml:
 * @framework: (out): the figures
 * @gpu: a GPU
 *
 * Gets what a process of llama.cpp holds on a GPU beside its buffers and ggml's pool: as
 * hr_framework_init_for_gpu() has it where the GPU's multiprocessors are not known.
 *
 * Returns: whether anything is known
 */
gboolean
hr_cuda_context_init_for_ggml (HrFramework *framework,
                               HrGpu       *gpu)
{
  guint64 bytes;

  if (!hr_cuda_context_get_bytes (gpu, &bytes))
    return hr_framework_init_for_gpu (framework, gpu);

  *framework = (HrFramework) { .context_bytes = bytes + KERNEL_BYTES, .measured = TRUE, .source = SOURCE };

  return TRUE;
}

/*
 * hr_cuda_context_has_tiles:
 * @gpu: (nullable): a GPU
 *
 * Tells whether ggml multiplies quantized matrices as they are, however many tokens there are (turing_mma_available in
 * ggml_cuda_should_use_mmq of ggml-cuda/mmq.cu), and not by cuBLAS. Where no GPU is named, it is taken to.
 *
 * Returns: whether it does
 */
gboolean
hr_cuda_context_has_tiles (HrGpu *gpu)
{
  guint capability = hr_gpu_get_cuda_capability (gpu);

  return capability == 0 || capability >= TURING || capability < 70;
}

/*
 * hr_cuda_context_is_alike:
 * @gpu: a GPU
 * @other: another one
 *
 * Tells whether ggml's kernels take the same on both beside the compute buffers: those of flash attention divide their
 * work among the multiprocessors.
 *
 * Returns: whether they do
 */
gboolean
hr_cuda_context_is_alike (HrGpu *gpu,
                          HrGpu *other)
{
  guint n_multiprocessors = 0, n_of_other = 0;

  hr_gpu_get_multiprocessors (gpu, &n_multiprocessors);
  hr_gpu_get_multiprocessors (other, &n_of_other);

  return hr_gpu_get_cuda_capability (gpu) == hr_gpu_get_cuda_capability (other) && n_multiprocessors == n_of_other;
}
