/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-vllm-profile.h"

/* A hundredth of a GiB, which logs have two digits of. */
#define HUNDREDTHS(n_) ((n_) * (G_GUINT64_CONSTANT (1) << 30) / 100)

/* DEFAULT_VOCAB_PADDING_SIZE of vllm/model_executor/layers/vocab_parallel_embedding.py. */
#define VOCABULARY_PADDING 64

#define SOURCE_H100 \
  "measured, beside the context: 0.13 to 0.14 GiB in 6 runs on H100s (llm-d-incubation/llm-d-planner)"

#define KIBIBYTES(number) ((guint64) (number) << 10)

#define SOURCE_GRAPHS \
  "measured: “Graph capturing finished … took”, 143 to 364 KiB each, median 300, in 10 logs of 0.10 to 0.31"

/*
 * What NCCL and the kernels of several ranks take. Over links of their own, ranks have NCCL's buffers on the GPU,
 * 9.2 MiB for each neighbour and channel (computeBuffSizes of nccl/src/init.cc, p2pRecvSetup of transport/p2p.cc),
 * of which an A100 has 24, and the buffers of vLLM's own sums (CustomAllreduce); where GPUs do not reach each other
 * over a bus, the buffers are in the memory of the host (transport/shm.cc). What kernels take besides is in no code.
 */
static const HrServingMeasured linked_ranks = {
  HUNDREDTHS (40), HUNDREDTHS (138), HUNDREDTHS (716),
  "measured, beside the context: 0.40 to 7.16 GiB, median 1.38, in 5 logs of 2 to 16 ranks with NVLink",
};
static const HrServingMeasured bus_ranks = {
  HUNDREDTHS (11), HUNDREDTHS (21), HUNDREDTHS (170),
  "measured, beside the context: 0.11, 0.20, 0.21 and 1.70 GiB, in 4 logs of 4 to 16 ranks without NVLink",
};

/*
 * What a CUDA graph takes of ranks that work together, which capture what NCCL does as well: up to 0.11, and of
 * releases that leave every other large size out, of which there is one log, so that more may be taken, as others tell.
 */
static const HrServingMeasured graphs_of_ranks = {
  KIBIBYTES (568), KIBIBYTES (663), KIBIBYTES (757),
  "measured: “Graph capturing finished … took”, 568 and 757 KiB each in two logs of 0.10, of eight and two ranks",
};
static const HrServingMeasured graphs_of_later_ranks = {
  KIBIBYTES (321), KIBIBYTES (321), KIBIBYTES (757),
  "measured: “Graph capturing finished … took”, 321 KiB each in a log of 2026, of four ranks; 568 and 757 in two of "
  "0.10",
};

/* How many tokens apart sizes of graphs are since 0.12. */
#define LATER_STEP 16

/*
 * Releases, the newest first. Up to 0.7, and where VLLM_USE_V1=0 says so up to 0.10, it is vllm/worker/worker.py
 * (determine_num_available_blocks) and vllm/worker/model_runner.py; then vllm/v1/worker/gpu_worker.py
 * (determine_available_memory), which counts all that is in use on the GPU in 0.8, and what has been taken since it
 * looked first from 0.9 on (memory_profiling of vllm/utils). The runner that is the default of most models since 0.23
 * is vllm/v1/worker/gpu/model_runner.py, with the sampler of vllm/v1/worker/gpu/sample. CUDA graphs are counted within
 * the share since 0.21 (VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS of vllm/envs.py); samplers have Triton's kernels since
 * 0.17, and FlashInfer's where those are, by default since 0.21 (VLLM_USE_FLASHINFER_SAMPLER).
 */
static const struct
{
  HrVllmRelease release;
  HrServingProfile profile;
} profiles[] = {
  { HR_VLLM_RELEASE_0_28,
    { .tries_run = TRUE, .keeps_offloaded = TRUE, .may_compute_whole = TRUE, .vocabulary_padding = VOCABULARY_PADDING,
      .has_large_batches = TRUE, .has_huge_batches = TRUE, .has_windows = TRUE, .tells_requests = TRUE,
      .sampler = HR_SERVING_SAMPLER_NOISE,
      .has_expert_adapters = TRUE, .shares_head = TRUE, .state_blocks = 2, .latent_block_blackwell = 64,
      .tries_latent = TRUE, .latent_chunk = 64 * 1024, .compressed_cache = HR_SERVING_COMPRESSED_PACKED,
      .non_torch = { HUNDREDTHS (13), HUNDREDTHS (13), HUNDREDTHS (14), SOURCE_H100 },
      .graph_step = 16, .graphs_by_batch = TRUE,
      .graphs = { KIBIBYTES (143), KIBIBYTES (300), KIBIBYTES (364), SOURCE_GRAPHS } } },
  { HR_VLLM_RELEASE_0_22,
    { .tries_run = TRUE, .keeps_offloaded = TRUE, .may_compute_whole = TRUE, .vocabulary_padding = VOCABULARY_PADDING,
      .has_large_batches = TRUE, .has_windows = TRUE, .tells_requests = TRUE, .draws_logits = TRUE,
      .sampler = HR_SERVING_SAMPLER_MASK,
      .counts_graphs = TRUE, .has_expert_adapters = TRUE, .shares_head = TRUE, .checks_both = TRUE, .state_blocks = 1,
      .latent_block_blackwell = 64, .tries_latent = TRUE, .latent_chunk = 64 * 1024,
      .compressed_cache = HR_SERVING_COMPRESSED_BUCKETS,
      .non_torch = { HUNDREDTHS (13), HUNDREDTHS (13), HUNDREDTHS (14), SOURCE_H100 },
      .graph_step = 16, .graphs_by_batch = TRUE,
      .graphs = { KIBIBYTES (143), KIBIBYTES (300), KIBIBYTES (364), SOURCE_GRAPHS } } },
  { HR_VLLM_RELEASE_0_20,
    { .tries_run = TRUE, .keeps_offloaded = TRUE, .may_compute_whole = TRUE, .vocabulary_padding = VOCABULARY_PADDING,
      .has_large_batches = TRUE, .has_windows = TRUE, .draws_logits = TRUE,
      .sampler = HR_SERVING_SAMPLER_TRITON,
      .has_expert_adapters = TRUE, .shares_head = TRUE, .checks_both = TRUE, .state_blocks = 1,
      .latent_block_blackwell = 64, .tries_latent = TRUE, .latent_chunk = 64 * 1024,
      .compressed_cache = HR_SERVING_COMPRESSED_BUCKETS,
      .non_torch = { HUNDREDTHS (13), HUNDREDTHS (13), HUNDREDTHS (14), SOURCE_H100 },
      .graph_step = 16, .graphs_by_batch = TRUE,
      .graphs = { KIBIBYTES (143), KIBIBYTES (300), KIBIBYTES (364), SOURCE_GRAPHS } } },
  { HR_VLLM_RELEASE_0_11,
    { .tries_run = TRUE, .vocabulary_padding = VOCABULARY_PADDING,
      .has_large_batches = TRUE, .has_windows = TRUE, .draws_logits = TRUE, .has_extra_vocabulary = TRUE,
      .rotates_apart = TRUE, .counts_markers = TRUE,
      .has_expert_adapters = TRUE, .state_blocks = 1, .latent_block_blackwell = 128, .tries_latent = TRUE,
      .latent_chunk = 64 * 1024,
      .non_torch = { HUNDREDTHS (13), HUNDREDTHS (13), HUNDREDTHS (14), SOURCE_H100 },
      .graph_step = 8, .graphs_by_batch = TRUE,
      .graphs = { KIBIBYTES (143), KIBIBYTES (300), KIBIBYTES (364), SOURCE_GRAPHS } } },
  { HR_VLLM_RELEASE_0_8,
    { .tries_run = TRUE, .vocabulary_padding = VOCABULARY_PADDING,
      .has_large_batches = TRUE, .draws_logits = TRUE, .counts_context = TRUE, .has_extra_vocabulary = TRUE,
      .rotates_apart = TRUE, .counts_markers = TRUE,
      .latent_block_blackwell = 16, .latent_chunk = 128 * 1024,
      .non_torch = { HUNDREDTHS (13), HUNDREDTHS (13), HUNDREDTHS (14), SOURCE_H100 },
      .graph_step = 8, .graphs = { KIBIBYTES (143), KIBIBYTES (302), KIBIBYTES (777),
                                   "measured: 143 to 777 KiB each, median 302, in 13 logs of 0.8 to 0.31" } } },
  { HR_VLLM_RELEASE_0_7,
    { .tries_run = TRUE, .keeps_offloaded = TRUE, .fetches_offloaded = TRUE, .may_compute_whole = TRUE,
      .vocabulary_padding = VOCABULARY_PADDING,
      .is_eager = TRUE, .has_extra_vocabulary = TRUE, .latent_block_blackwell = 16, .pads_latent = TRUE,
      .absorbs_latent = TRUE,
      .non_torch = { HUNDREDTHS (0), HUNDREDTHS (7), HUNDREDTHS (35),
                     "measured, beside the context: 0 to 0.35 GiB, median 0.07, in 18 logs of 0.6.5 to 0.9" },
      .graphs = { HUNDREDTHS (3), HUNDREDTHS (38), HUNDREDTHS (70),
                  "measured: 0.03 to 0.70 GiB, median 0.38, in 11 logs of 0.6.5 to 0.9" } } },
};

/*
 * hr_vllm_profile_get:
 * @release: a release
 *
 * Gets what a release does.
 *
 * Returns: (transfer none): its profile
 */
const HrServingProfile *
hr_vllm_profile_get (HrVllmRelease release)
{
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (profiles) && profiles[i].release != release)
    i++;

  return &profiles[i].profile;
}

/*
 * hr_vllm_profile_get_beside:
 * @self: a profile
 * @n_ranks: how many ranks work together
 * @has_links: whether these are joined by links of their own, and not by a bus
 *
 * Gets what is taken beside the allocator and the context.
 *
 * Returns: (transfer none): what was measured
 */
const HrServingMeasured *
hr_vllm_profile_get_beside (const HrServingProfile *self,
                            guint64                 n_ranks,
                            gboolean                has_links)
{
  if (n_ranks == 1)
    return &self->non_torch;

  return has_links ? &linked_ranks : &bus_ranks;
}

/*
 * hr_vllm_profile_get_graphs:
 * @self: a profile
 * @n_ranks: how many ranks work together
 *
 * Gets what a CUDA graph takes, or all of them where the model is captured in one piece.
 *
 * Returns: (transfer none): what was measured
 */
const HrServingMeasured *
hr_vllm_profile_get_graphs (const HrServingProfile *self,
                            guint64                 n_ranks)
{
  if (n_ranks == 1 || self->is_eager)
    return &self->graphs;

  return self->graph_step == LATER_STEP ? &graphs_of_later_ranks : &graphs_of_ranks;
}

/*
 * hr_vllm_profile_get_spread:
 * @self: a profile
 * @n_ranks: how many ranks work together
 * @has_links: whether these are joined by links of their own
 * @n_graphs: how many CUDA graphs are captured
 * @counts_beside: whether what is beside the allocator matters, and is not made up for by the cache
 *
 * Gets how much more than their medians was measured of what no code says. There are fewer than twenty logs of each, so
 * that it is the most of them.
 *
 * Returns: the size in bytes
 */
guint64
hr_vllm_profile_get_spread (const HrServingProfile *self,
                            guint64                 n_ranks,
                            gboolean                has_links,
                            guint64                 n_graphs,
                            gboolean                counts_beside)
{
  const HrServingMeasured *beside = hr_vllm_profile_get_beside (self, n_ranks, has_links);
  const HrServingMeasured *graphs = hr_vllm_profile_get_graphs (self, n_ranks);
  guint64 spread = n_graphs * (graphs->most_bytes - graphs->median_bytes);

  return spread + (counts_beside ? beside->most_bytes - beside->median_bytes : 0);
}
