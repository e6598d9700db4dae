/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Generations of GPUs, by the first digits of their compute capability, whose kernels differ. */
#define HR_SERVING_HOPPER 9
#define HR_SERVING_BLACKWELL 10

/**
 * HrServingMeasured:
 * @least_bytes: the least that was measured
 * @median_bytes: half of the logs have less
 * @most_bytes: the most
 * @source: where, and how often
 *
 * What no code says, as logs of one GPU have it.
 */
typedef struct
{
  guint64 least_bytes;
  guint64 median_bytes;
  guint64 most_bytes;
  const char *source;
} HrServingMeasured;

/**
 * HrServingSampler:
 * @HR_SERVING_SAMPLER_SORT: sorts the logits by torch.sort (apply_top_k_top_p of 0.16)
 * @HR_SERVING_SAMPLER_TRITON: a kernel masks logits in place, beside a buffer (apply_top_k_top_p_triton)
 * @HR_SERVING_SAMPLER_MASK: kernels make masked logits and probabilities of them (FlashInfer)
 * @HR_SERVING_SAMPLER_SOFTMAX: makes probabilities, which take the place of the logits (Sampler.forward of SGLang)
 * @HR_SERVING_SAMPLER_NOISE: one kernel draws from the logits (gumbel_sample), as nothing is left out in the trial run
 *
 * What the sampler of the trial run does.
 */
typedef enum
{
  HR_SERVING_SAMPLER_SORT,
  HR_SERVING_SAMPLER_TRITON,
  HR_SERVING_SAMPLER_MASK,
  HR_SERVING_SAMPLER_SOFTMAX,
  HR_SERVING_SAMPLER_NOISE,
} HrServingSampler;

/**
 * HrServingRotary:
 * @HR_SERVING_ROTARY_TABLE: in what the model computes in
 * @HR_SERVING_ROTARY_FLOAT32: in fp32
 * @HR_SERVING_ROTARY_NONE: they are not kept, but computed where they are needed
 *
 * How an engine has the sines and cosines that rotate queries and keys.
 */
typedef enum
{
  HR_SERVING_ROTARY_TABLE,
  HR_SERVING_ROTARY_FLOAT32,
  HR_SERVING_ROTARY_NONE,
} HrServingRotary;

/**
 * HrServingCompressed:
 * @HR_SERVING_COMPRESSED_NONE: the release has no such models
 * @HR_SERVING_COMPRESSED_BUCKETS: a block has places for pages of each size
 * @HR_SERVING_COMPRESSED_PACKED: pages of a group lie side by side
 *
 * How blocks of layers that compress the text before a window share memory.
 */
typedef enum
{
  HR_SERVING_COMPRESSED_NONE,
  HR_SERVING_COMPRESSED_BUCKETS,
  HR_SERVING_COMPRESSED_PACKED,
} HrServingCompressed;

/**
 * HrServingProfile:
 * @tries_run: whether what prompts take is found out by a trial run
 * @is_eager: whether layers always run operator by operator
 * @may_compute_whole: whether it can be told not to compute prompts in chunks
 * @has_large_batches: whether large GPUs have larger batches by default
 * @has_huge_batches: whether the largest GPUs have still larger ones
 * @has_windows: whether layers with a window keep what they see alone
 * @tells_requests: whether the tokens that the cache is told to have room for are those of as many of the longest
 *   requests as fit, and not those of its blocks
 * @draws_logits: whether the sampler is tried out on random hidden states, and not on those of the trial run
 * @sampler: what it does
 * @has_extra_vocabulary: whether adapters may bring words of their own, which tables of tokens have room for
 * @has_expert_adapters: whether adapters may change experts
 * @shares_head: whether a layer that guesses tokens ahead has the head of the model, and not one of its own
 * @state_blocks: how many blocks of each group of layers with states a request has: one more where prefixes are
 *   cached by default, as those of such models are since August 2026 (MambaSpec.max_memory_usage_bytes of
 *   vllm/v1/kv_cache_interface.py, vllm-project/vllm#50991); 0: states are not in blocks
 * @latent_block_blackwell: how many tokens a block of latents has on Blackwell
 * @pads_latent: whether the latent of a token is padded in the cache
 * @absorbs_latent: whether the matrices that expand the latent are multiplied into those around them
 * @tries_latent: whether room is made in the trial run for as many latents as are ever expanded at once
 * @latent_chunk: how many these are at the most, unless there are more requests than that has blocks
 * @compressed_cache: how blocks of layers that compress text share memory
 * @rotary: what the sines and cosines of all positions are kept in
 * @vocabulary_padding: what a table of tokens is padded to a multiple of
 * @copies_head: whether a head that is the table of tokens as well is a copy of it
 * @widens_zeros: whether zeros of four-bit matrices are kept beside the scales, as wide as these
 * @expert_padding: what both sizes of experts in MXFP4 are padded to a multiple of; 0: as vLLM does it for the GPU
 * @counts_segments: whether weights are all that the allocator has asked the driver for, for an engine that looks at
 *   what is free
 * @fetches_offloaded: whether what the host has of a layer is copied to the GPU while that runs
 * @keeps_offloaded: whether matrices that kernels want in another order go back to the host after that
 * @counts_context: whether the CUDA context is part of vLLM's share of the memory
 * @counts_graphs: whether CUDA graphs are
 * @rotates_apart: whether a tower rotates queries and keys each by themselves, in fp32
 * @counts_markers: whether tokens around a picture of one size count for the budget of the encoder
 * @checks_both: whether the sampler of guesses is tried with those of the request's next token as well
 * @non_torch: what is taken beside PyTorch's allocator between the context and the end of the trial run
 * @graph_step: how many tokens apart graphs of over 256 are; 0: the model is captured in one piece for each batch
 * @graphs_by_batch: whether graphs are captured for no more than two tokens of each request
 * @graphs: what CUDA graphs take, captured when the cache is there: each of them, or all where @graph_step is 0
 *
 * What a release of vLLM, or of an engine whose layers are vLLM's, does that others do in another way.
 */
typedef struct
{
  gboolean tries_run;
  gboolean is_eager;
  gboolean may_compute_whole;
  gboolean has_large_batches;
  gboolean has_huge_batches;
  gboolean has_windows;
  gboolean tells_requests;
  gboolean draws_logits;
  HrServingSampler sampler;
  gboolean has_extra_vocabulary;
  gboolean has_expert_adapters;
  gboolean shares_head;
  guint64 state_blocks;
  guint64 latent_block_blackwell;
  gboolean pads_latent;
  gboolean absorbs_latent;
  gboolean tries_latent;
  guint64 latent_chunk;
  HrServingCompressed compressed_cache;
  HrServingRotary rotary;
  guint64 vocabulary_padding;
  gboolean copies_head;
  gboolean widens_zeros;
  guint64 expert_padding;
  gboolean counts_segments;
  gboolean fetches_offloaded;
  gboolean keeps_offloaded;
  gboolean counts_context;
  gboolean counts_graphs;
  gboolean rotates_apart;
  gboolean counts_markers;
  gboolean checks_both;
  HrServingMeasured non_torch;
  guint graph_step;
  gboolean graphs_by_batch;
  HrServingMeasured graphs;
} HrServingProfile;

G_END_DECLS
