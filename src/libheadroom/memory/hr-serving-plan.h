/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-draft-kind.h"
#include "hr-inference-plan.h"
#include "hr-serving-layout.h"
#include "hr-serving-profile.h"

G_BEGIN_DECLS

/**
 * HrServingEncoder:
 * @n_items: how many pictures the trial run has an encoder see at once; 0: it is not tried, or not known how it runs
 * @tokens: of each of them
 * @positions: what goes through the tower's layers: patches of all of them, and tokens of classes
 * @pixels: the numbers of all of them, or of those that the rank looks at
 * @given: those of all of them, where it looks at some; like @gathered
 * @seen: the vectors that become of them
 * @gathered: those of all ranks
 * @merge: patches of a side that become one
 * @text_hidden: the width of these
 * @is_copied: whether each rank has all of the tower, and sees some of the pictures
 * @is_left_out: whether there is no encoder, as the server takes text alone
 * @is_skipped: whether it is there and not tried
 *
 * What sees, and what it is tried with.
 */
typedef struct
{
  guint64 n_items;
  guint64 tokens;
  guint64 positions;
  guint64 pixels;
  guint64 given;
  guint64 seen;
  guint64 gathered;
  guint64 merge;
  guint64 text_hidden;
  gboolean is_copied;
  gboolean is_left_out;
  gboolean is_skipped;
} HrServingEncoder;

/**
 * HrServingPlan:
 * @pass: the model and how it is stored
 * @engine: the program, as settings call it
 * @program: the program
 * @profile: what its release does
 * @rotary: how it has the sines and cosines of this model
 * @eager: whether layers run operator by operator
 * @generation: the first digits of the GPU's compute capability, 0 where none is chosen or it has none
 * @multiprocessors: how many the GPU has, 0 where that is not known
 * @memory: the usable memory of the GPU, 0 where none is chosen
 * @has_links: whether GPUs of the kind are joined by links of their own, and not by a bus
 * @requested: what of it vLLM may take; 0 of other engines
 * @pool_bytes: what is set apart for the cache, whatever there is room for; 0: what is left
 * @pool_blocks: how many blocks that has, whatever there is room for; 0: as many as fit
 * @graph_limit: the most tokens that a CUDA graph is captured for; 0: as the engine decides
 * @offload_bytes: what of the layers' weights is to stay on the host; 0: nothing
 * @host_bytes: what of them stays there
 * @fetched_bytes: what of these is copied to the GPU for a layer at the most; 0: it reads them where they are
 * @workspace_bytes: what products take of the allocator beside their results
 * @max_model_len: how many tokens a request may have
 * @max_num_seqs: how many requests are computed at once
 * @max_num_batched_tokens: how many tokens are computed at once
 * @state_dtype: what states are kept in, or %HR_DTYPE_AUTO where that is left to the model
 * @block_size: how many tokens a block of the cache has
 * @max_loras: for how many adapters there is room
 * @max_lora_rank: of which rank
 * @n_guessed: how many tokens a layer of its own guesses ahead; 0: there is no such layer
 * @checks_guesses: whether tokens are guessed ahead, by whatever
 * @draft_kind: what guesses them beside the model
 * @draft_weight_bytes: its weights
 * @draft_layers: how many layers it has that keep tokens
 * @draft_elements: what each keeps of a token, in elements
 * @whole_times: how many times as many tokens a block has of layers that keep all of a text, whose tokens take less
 * @window_times: the same of layers with a window
 * @n_groups: how many groups of layers there are that see as much of the text as each other
 * @group_layers: how many layers a group has
 * @layer_block_bytes: what a block of one layer takes
 * @index_block_bytes: what a block takes beside keys and values in all layers together, of indexers' keys
 * @in_flight: how many tokens layers with a window keep beside it at the most
 * @admission_block_bytes: what a block is taken for where it is asked whether a request of the longest context fits
 * @whole_page_bytes: what a block has of layers that keep all of a text compressed; like the next ones of models whose
 *   attention is compressed, up to vLLM 0.27
 * @window_page_bytes: of the windows, in all groups
 * @sparse_page_bytes: of the compressors of a few tokens
 * @heavy_page_bytes: of those of many
 * @is_part: whether the model is what a rank has of one, whose tables are padded already
 * @n_tensor: how many ranks share each layer
 * @n_data: how many ranks of each kind answer requests of their own
 * @n_ranks: how many ranks work together
 * @latent_chunk: how many latents are expanded at once at the most; 0: there are none
 * @latent_bytes: what each of them takes before
 * @vocabulary: how many words there are
 * @has_host_experts: whether the host keeps routed experts
 * @n_gpu_experts: how many of a layer's the GPU has then
 * @encoder: what sees
 * @has_sampler: whether the rank draws tokens: those of the last stage do
 *
 * A job of an engine whose layers are vLLM's, in which everything that was left to it is filled in.
 */
typedef struct
{
  HrInferencePlan *pass;
  const char *engine;
  const char *program;
  const HrServingProfile *profile;
  HrServingRotary rotary;
  gboolean eager;
  guint generation;
  guint multiprocessors;
  guint64 memory;
  gboolean has_links;
  guint64 requested;
  guint64 pool_bytes;
  guint64 pool_blocks;
  guint64 graph_limit;
  guint64 offload_bytes;
  guint64 host_bytes;
  guint64 fetched_bytes;
  guint64 workspace_bytes;
  guint64 max_model_len;
  guint64 max_num_seqs;
  guint64 max_num_batched_tokens;
  HrDtype state_dtype;
  guint64 block_size;
  guint64 max_loras;
  guint64 max_lora_rank;
  guint64 n_guessed;
  gboolean checks_guesses;
  HrDraftKind draft_kind;
  guint64 draft_weight_bytes;
  guint draft_layers;
  guint64 draft_elements;
  guint64 whole_times;
  guint64 window_times;
  guint n_groups;
  guint group_layers;
  guint64 layer_block_bytes;
  guint64 index_block_bytes;
  guint64 in_flight;
  guint64 admission_block_bytes;
  guint64 whole_page_bytes;
  guint64 window_page_bytes;
  guint64 sparse_page_bytes;
  guint64 heavy_page_bytes;
  gboolean is_part;
  guint64 n_tensor;
  guint64 n_data;
  guint64 n_ranks;
  guint64 latent_chunk;
  guint64 latent_bytes;
  guint64 vocabulary;
  gboolean has_host_experts;
  guint64 n_gpu_experts;
  HrServingEncoder encoder;
  gboolean has_sampler;
} HrServingPlan;

void     hr_serving_plan_init           (HrServingPlan           *self,
                                         HrInferencePlan         *pass,
                                         HrModel                 *whole,
                                         HrGpu                   *gpu,
                                         const HrServingProfile  *profile);
gboolean hr_serving_plan_check          (const HrServingPlan     *self,
                                         HrInferenceJob          *job,
                                         GError                 **error);
void     hr_serving_plan_set_rank       (HrServingPlan           *self,
                                         const HrServingLayout   *layout,
                                         const HrServingRank     *rank);
gboolean hr_serving_plan_has_links      (HrGpu                   *gpu);
gboolean hr_serving_plan_has_fp8        (const HrServingPlan     *self);
guint64  hr_serving_plan_get_index_topk (const HrServingPlan     *self);
guint    hr_serving_plan_find_guessing  (const HrServingPlan     *self);
gboolean hr_serving_plan_resolve_guessing (HrServingPlan         *self,
                                           HrInferenceJob        *job,
                                           gboolean               can_guess,
                                           GError               **error);

G_END_DECLS
