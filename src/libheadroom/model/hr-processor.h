/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-medium.h"

G_BEGIN_DECLS

/* How a processor turns what it gets into pieces for a tower, and into tokens. */
typedef enum
{
  HR_PROCESSOR_NONE,           /* the model gets none of these */
  HR_PROCESSOR_SMART_RESIZE,   /* as it is, rounded to whole tokens between two limits (Qwen2-VL) */
  HR_PROCESSOR_FIXED,          /* to one size, whatever it was (LLaVA 1.5, PaliGemma) */
} HrProcessorRule;

/* What rules depend on; each rule knows which of these are its own. */
typedef enum
{
  HR_PROCESSOR_PATCH_SIZE,          /* pixels of a side of what the tower sees as one */
  HR_PROCESSOR_MERGE_SIZE,          /* patches of a side of what becomes a token */
  HR_PROCESSOR_TEMPORAL_PATCH_SIZE, /* frames that the tower sees as one */
  HR_PROCESSOR_MIN_PIXELS,
  HR_PROCESSOR_MAX_PIXELS,
  HR_PROCESSOR_SPANS_FRAMES,        /* whether the limits are those of all frames together */
  HR_PROCESSOR_MIN_FRAMES,
  HR_PROCESSOR_MAX_FRAMES,
  HR_PROCESSOR_IMAGE_SIZE,          /* pixels of a side of what the tower sees */
  HR_PROCESSOR_TOKENS,              /* of an image, whatever its size; 0: one for each patch */
  HR_PROCESSOR_EXTRA_TOKENS,        /* of the class of an image, that the language model gets as well */
  HR_N_PROCESSOR_PARAMETERS,
} HrProcessorParameter;

/**
 * HrProcessorEntry:
 * @rule: how it is processed
 * @values: what the rule depends on
 *
 * How a processor treats images, sounds or videos.
 */
typedef struct
{
  HrProcessorRule rule;
  guint64 values[HR_N_PROCESSOR_PARAMETERS];
} HrProcessorEntry;

/**
 * HrProcessor:
 * @entries: for each kind of medium how it is processed
 * @has_type_ids: whether it also says of each token what it is of (mm_token_type_ids)
 * @source: (nullable): where the rules are from
 *
 * What a model’s processor does with images, sounds and videos.
 */
typedef struct
{
  HrProcessorEntry entries[HR_N_MEDIUM_KINDS];
  gboolean has_type_ids;
  char *source;
} HrProcessor;

gboolean hr_processor_count (const HrProcessor  *self,
                             const HrMedium     *medium,
                             HrMediumTokens     *tokens,
                             GError            **error);
void     hr_processor_clear (HrProcessor        *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrProcessor, hr_processor_clear)

G_END_DECLS
