/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"
#include "hr-sglang-profile.h"

G_BEGIN_DECLS

/**
 * HrSglangPlan:
 * @layers: the model as its layers hold it, and the sizes of its batches
 * @profile: what its release does
 * @before: what is gone of the memory before the model is loaded
 * @fraction: the share of the rest that is for the weights and the cache, 0 where no GPU is chosen
 * @cuda_graph_max_bs: the largest batch that a CUDA graph is captured of, 0: none is
 * @page_size: how many tokens a page of the cache has
 * @max_total_tokens: how many tokens are kept at the most, 0: as many as there is room for
 * @max_running_requests: how many requests are computed at once at the most, 0: as many as the table has rows
 * @whole_bytes: what a token takes in the layers that see all of the text
 * @window_bytes: what it takes in those that have a pool of their own
 * @guessing_bytes: what it takes in the layer that guesses tokens ahead, which has a pool as long
 * @staging_bytes: through which tokens go to experts on the host
 * @fetched: whether experts of whole layers are copied to the GPU for prompts
 * @kt_method: how the host keeps experts
 * @host_bytes: what these take of its memory
 * @index_head_dim: how many elements a key of an indexer has, 0: there is none
 * @state_bytes: what a request takes in layers that keep a state, 0: there are none
 * @drafted: how many states beside its own a request has for tokens that are checked
 * @n_states: how many states there is room for
 * @told_states: how many there is to be room for, 0: as many as the share of the memory has room for
 * @guesses: how many tokens more than it has of texts a request may have in the cache, as guesses
 *
 * A job of SGLang in which everything that was left to it is filled in.
 */
typedef struct
{
  HrServingPlan layers;
  const HrSglangProfile *profile;
  const HrServingMeasured *before;
  double fraction;
  guint64 cuda_graph_max_bs;
  guint64 page_size;
  guint64 max_total_tokens;
  guint64 max_running_requests;
  guint64 whole_bytes;
  guint64 window_bytes;
  guint64 guessing_bytes;
  guint64 staging_bytes;
  gboolean fetched;
  HrKtMethod kt_method;
  guint64 host_bytes;
  guint64 index_head_dim;
  guint64 state_bytes;
  guint64 drafted;
  guint64 n_states;
  guint64 told_states;
  guint64 guesses;
} HrSglangPlan;

gboolean hr_sglang_plan_init                  (HrSglangPlan          *self,
                                               HrInferencePlan       *pass,
                                               HrModel               *whole,
                                               HrInferenceJob        *job,
                                               HrGpu                 *gpu,
                                               const HrServingLayout *layout,
                                               GError               **error);
guint64  hr_sglang_plan_get_free_bytes        (const HrSglangPlan    *self);
guint64  hr_sglang_plan_take_states           (HrSglangPlan          *self,
                                               guint64                pool);
guint64  hr_sglang_plan_get_state_bytes       (const HrSglangPlan    *self);
guint64  hr_sglang_plan_count_tokens          (const HrSglangPlan    *self,
                                               guint64                pool);
guint64  hr_sglang_plan_count_guesses         (const HrSglangPlan    *self,
                                               guint64                tokens);
guint64  hr_sglang_plan_count_window_tokens   (const HrSglangPlan    *self,
                                               guint64                tokens);
guint64  hr_sglang_plan_get_cache_bytes       (const HrSglangPlan    *self,
                                               guint64                tokens);
guint64  hr_sglang_plan_count_requests        (const HrSglangPlan    *self,
                                               guint64                tokens);
guint64  hr_sglang_plan_get_table_bytes       (const HrSglangPlan    *self,
                                               guint64                tokens);

G_END_DECLS
