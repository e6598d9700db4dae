/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * HrMode:
 *
 * What a job does; each has a type of its own, derived from #HrJob.
 */
typedef enum
{
  HR_MODE_INFERENCE,
} HrMode;

/**
 * HrEstimateMethod:
 * @HR_ESTIMATE_METHOD_EXACT: replay the job's allocations
 * @HR_ESTIMATE_METHOD_RULE_OF_THUMB: the formulas that people know
 *
 * How an estimate is made.
 */
typedef enum
{
  HR_ESTIMATE_METHOD_EXACT,
  HR_ESTIMATE_METHOD_RULE_OF_THUMB,
} HrEstimateMethod;

/**
 * HrAttentionImplementation:
 * @HR_ATTENTION_IMPLEMENTATION_EAGER: matrix products and a softmax, with the scores in memory
 * @HR_ATTENTION_IMPLEMENTATION_SDPA: torch's scaled_dot_product_attention, which takes its flash kernel where it can
 * @HR_ATTENTION_IMPLEMENTATION_SDPA_EFFICIENT: the same, held to the memory-efficient kernel
 * @HR_ATTENTION_IMPLEMENTATION_SDPA_MATH: the same, held to the math fallback
 * @HR_ATTENTION_IMPLEMENTATION_FLASH: the flash-attn package
 *
 * How the attention is computed.
 */
typedef enum
{
  HR_ATTENTION_IMPLEMENTATION_EAGER,
  HR_ATTENTION_IMPLEMENTATION_SDPA,
  HR_ATTENTION_IMPLEMENTATION_SDPA_EFFICIENT,
  HR_ATTENTION_IMPLEMENTATION_SDPA_MATH,
  HR_ATTENTION_IMPLEMENTATION_FLASH,
} HrAttentionImplementation;

/**
 * HrAttentionMask:
 * @HR_ATTENTION_MASK_NONE: no mask is passed
 * @HR_ATTENTION_MASK_ONES: a mask without padding is passed
 * @HR_ATTENTION_MASK_PADDED: the batch has sequences of different lengths
 *
 * The attention mask that comes with the batch.
 */
typedef enum
{
  HR_ATTENTION_MASK_NONE,
  HR_ATTENTION_MASK_ONES,
  HR_ATTENTION_MASK_PADDED,
} HrAttentionMask;

/**
 * HrEngine:
 * @HR_ENGINE_TRANSFORMERS: Hugging Face transformers' generate()
 *
 * The program that runs the model.
 */
typedef enum
{
  HR_ENGINE_TRANSFORMERS,
} HrEngine;

/**
 * HrLogitsToKeep:
 * @HR_LOGITS_TO_KEEP_LAST: logits of the last position, as generate() asks for
 * @HR_LOGITS_TO_KEEP_ALL: logits of every position of the prompt
 *
 * The positions for which prefill computes logits.
 */
typedef enum
{
  HR_LOGITS_TO_KEEP_LAST,
  HR_LOGITS_TO_KEEP_ALL,
} HrLogitsToKeep;

G_END_DECLS
