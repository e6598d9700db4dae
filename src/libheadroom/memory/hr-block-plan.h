/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

/**
 * HrBlockSources:
 * @weights: of the weights
 * @cache: of the cache
 * @run: of what prompts make
 * @share: of the share of the memory
 *
 * Where the figures come from.
 */
typedef struct
{
  const char *weights;
  const char *cache;
  const char *run;
  const char *share;
} HrBlockSources;

/**
 * HrBlockPlan:
 * @layers: the model as its layers hold it, and the sizes of its batches
 * @fraction: the share that the cache takes
 * @takes_of_all: whether that is a share of all memory, and not of what is free
 * @before: what is gone of the memory beside the weights when the engine looks at what is free
 * @fixed_bytes: what is allocated before that beside the weights, whatever the requests are
 * @runtime_bytes: what is set apart of what is free for each token that is computed at once; 0: nothing
 * @runtime_tokens: tokens that it is set apart for beside those of prompts
 * @least_blocks: how many blocks there have to be, or fewer tokens of prompts are computed at once; 0: any number
 * @run_requests: how many requests the trial run has; 0: as many as there may be
 * @tries_run: whether what prompts make is found out by a trial run, and set apart
 * @runs_turbomind: whether TurboMind runs the layers
 * @late_bytes: what is allocated when the cache is there
 * @block_bytes: what a block takes in all layers
 * @has_integer_cache: whether keys and values may have four or eight bits, with scales
 * @max_tokens: how many tokens the cache has room for at the most; 0: as many as its share has
 * @rounds_up: whether the last tokens of the share have a whole block
 * @cuts_context: whether requests may be no longer than the cache, which the engine starts with then
 * @share_setting: the setting of the share
 * @refusal: what the engine says where there is no room
 * @no_margin: why no margin is told, a sentence
 * @sources: where the figures come from
 *
 * A job of an engine whose cache takes a share of what the weights leave, in blocks.
 */
typedef struct
{
  HrServingPlan layers;
  double fraction;
  gboolean takes_of_all;
  HrServingMeasured before;
  guint64 fixed_bytes;
  guint64 runtime_bytes;
  guint64 runtime_tokens;
  guint64 least_blocks;
  guint64 run_requests;
  gboolean tries_run;
  gboolean runs_turbomind;
  guint64 late_bytes;
  guint64 block_bytes;
  gboolean has_integer_cache;
  guint64 max_tokens;
  gboolean rounds_up;
  gboolean cuts_context;
  const char *share_setting;
  const char *refusal;
  const char *no_margin;
  HrBlockSources sources;
} HrBlockPlan;

gboolean hr_block_plan_check_layers    (const HrBlockPlan    *self,
                                        GError              **error);
gboolean hr_block_plan_resolve_cache   (HrBlockPlan          *self,
                                        HrInferenceJob       *job,
                                        GError              **error);
guint64  hr_block_plan_get_reserved    (const HrBlockPlan    *self,
                                        guint64               tokens);
guint64  hr_block_plan_count_tokens    (const HrBlockPlan    *self,
                                        guint64               free_bytes);

G_END_DECLS
