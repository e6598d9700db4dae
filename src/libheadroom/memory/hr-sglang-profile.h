/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"
#include "hr-serving-profile.h"

G_BEGIN_DECLS

/**
 * HrSglangSizes:
 * @memory: the memory of the GPU
 * @tensor: how many ranks share layers, copies of the attention included
 * @pipeline: how many stages there are
 * @attention_copies: how many copies of the attention there are, 1 where copies are whole
 * @chunked_prefill_size: how many tokens of prompts are computed at once
 * @cuda_graph_max_bs: the largest batch that a CUDA graph is captured of
 * @guesses: whether tokens are guessed ahead
 * @has_draft_model: whether a whole model does that
 *
 * What SGLang reckons with when it leaves room.
 */
typedef struct
{
  guint64 memory;
  guint64 tensor;
  guint64 pipeline;
  guint64 attention_copies;
  guint64 chunked_prefill_size;
  guint64 cuda_graph_max_bs;
  gboolean guesses;
  gboolean has_draft_model;
} HrSglangSizes;

/**
 * HrSglangProfile:
 * @release: the releases
 * @layers: what is so of its layers, which are vLLM's
 * @has_windows: whether some models have a cache of their own for layers with a window
 * @has_states: whether layers may keep states, and indexers keys, in pools of their own
 * @most_requests: how many requests there is a row of the table for at the most
 * @extra_tokens: how many more tokens than the longest request has each row is for
 * @seeing_share: what of the share is left to models that see, whoever has said it; 0: that depends on the tower
 * @graphs: what CUDA graphs take
 *
 * What a release of SGLang does that others do in another way.
 */
typedef struct
{
  HrSglangRelease release;
  HrServingProfile layers;
  gboolean has_windows;
  gboolean has_states;
  guint64 most_requests;
  guint64 extra_tokens;
  double seeing_share;
  HrServingMeasured graphs;
} HrSglangProfile;

const HrSglangProfile *hr_sglang_profile_get                 (HrSglangRelease        release);
guint64                hr_sglang_profile_get_chunked_prefill (const HrSglangProfile *self,
                                                              const HrSglangSizes   *sizes);
guint64                hr_sglang_profile_get_largest_graph   (const HrSglangProfile *self,
                                                              const HrSglangSizes   *sizes);
double                 hr_sglang_profile_get_fraction        (const HrSglangProfile *self,
                                                              const HrSglangSizes   *sizes);
double                 hr_sglang_profile_get_seeing_share    (const HrSglangProfile *self,
                                                              guint64                layers,
                                                              guint64                hidden,
                                                              gboolean               is_said);

G_END_DECLS
