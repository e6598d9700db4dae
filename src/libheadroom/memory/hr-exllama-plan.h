/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference-plan.h"

G_BEGIN_DECLS

/**
 * HrExllamaProfile:
 * @most_products: rows up to which a product reads the trellis, and beyond which the matrix is expanded before
 * @slice: columns of a matrix that are expanded at once; 0: all
 * @least_fused: rows from which the matrix is expanded in its own basis, so that the input is read as it is; 0: never
 * @adds_in_norm: whether the norm before a perceptron adds what attention has made, which is held for it
 * @reads_quantized: whether attention reads a quantized cache; otherwise it is expanded for each layer
 * @tries_cache: whether the chunk that is tried while a model is loaded goes through the cache
 * @is_narrow: whether hidden states are fp16 where a class does not say otherwise, and perceptrons work in place
 * @has_moe_kernel: whether experts have a kernel of their own with buffers
 *
 * What a release of ExLlamaV3 does.
 */
typedef struct
{
  guint64 most_products;
  guint64 slice;
  guint64 least_fused;
  gboolean adds_in_norm;
  gboolean reads_quantized;
  gboolean tries_cache;
  gboolean is_narrow;
  gboolean has_moe_kernel;
} HrExllamaProfile;

/**
 * HrExllamaInner:
 * @HR_EXLLAMA_INNER_FLOAT: fp32, and fp16 for what is activated (interm_dtype float)
 * @HR_EXLLAMA_INNER_APART: fp16, and again for what is activated (interm_dtype not given)
 * @HR_EXLLAMA_INNER_PLACE: fp16, activated in place (interm_dtype half)
 *
 * What a class has between the matrices of its perceptron.
 */
typedef enum
{
  HR_EXLLAMA_INNER_FLOAT,
  HR_EXLLAMA_INNER_APART,
  HR_EXLLAMA_INNER_PLACE,
} HrExllamaInner;

/**
 * HrExllamaClass:
 * @model_type: the type of models that it is for
 * @inner: what is between the matrices of a perceptron
 * @has_narrow_attention: whether attention makes fp16, and not fp32
 * @has_narrow_perceptron: likewise, perceptrons
 * @is_wide_before: whether hidden states are fp32 in releases in which they are not in others
 *
 * What one of its classes for models does.
 */
typedef struct
{
  const char *model_type;
  HrExllamaInner inner;
  gboolean has_narrow_attention;
  gboolean has_narrow_perceptron;
  gboolean is_wide_before;
} HrExllamaClass;

/**
 * HrExllamaPlan:
 * @pass: the model and how it is stored
 * @profile: what its release does
 * @klass: what the class of the model does
 * @cache_tokens: tokens that the cache has room for
 * @chunk: tokens of a prompt that are computed at once
 * @key_bits: bits of an element of the keys; 16: they are not quantized
 * @value_bits: likewise, of the values
 * @request_tokens: what a request has of prompt and output, in whole pages
 * @requests: how many are computed at once
 * @n_cpu_layers: of how many layers the host has the experts
 * @reserve: what is left free of the first GPU when the model is loaded
 * @multiprocessors: of a GPU; 0: not known
 *
 * A job of ExLlamaV3 in which everything that was left to it is filled in.
 */
typedef struct
{
  HrInferencePlan *pass;
  const HrExllamaProfile *profile;
  const HrExllamaClass *klass;
  guint64 cache_tokens;
  guint64 chunk;
  guint64 key_bits;
  guint64 value_bits;
  guint64 request_tokens;
  guint64 requests;
  guint64 n_cpu_layers;
  guint64 reserve;
  guint multiprocessors;
} HrExllamaPlan;

/**
 * HrExllamaWeights:
 * @layers: what each layer has on the GPU
 * @host_layers: what each layer has on the host
 * @head: the head, and what is between it and the last layer
 * @embedding: the table of tokens, which stays on the host
 * @elements: elements of all that is on GPUs
 *
 * What the weights take, in bytes.
 */
typedef struct
{
  guint64 *layers;
  guint64 *host_layers;
  guint64 head;
  guint64 embedding;
  guint64 elements;
} HrExllamaWeights;

gboolean hr_exllama_plan_init            (HrExllamaPlan       *self,
                                          HrInferencePlan     *pass,
                                          HrInferenceJob      *job,
                                          HrGpu               *gpu,
                                          GError             **error);
void     hr_exllama_plan_add_weights     (const HrExllamaPlan *self,
                                          HrExllamaWeights    *weights);
void     hr_exllama_weights_clear        (HrExllamaWeights    *self);
guint64  hr_exllama_plan_get_cache_bytes (const HrExllamaPlan *self,
                                          const HrAttention   *attention,
                                          guint64              tokens);
guint64  hr_exllama_plan_get_staged_bytes (const HrExllamaPlan *self,
                                          const HrAttention   *attention,
                                          guint64              tokens);
gboolean hr_exllama_plan_is_quantized    (const HrExllamaPlan *self);
gboolean hr_exllama_plan_reads_quantized (const HrExllamaPlan *self,
                                          const HrAttention   *attention);
gboolean hr_exllama_plan_is_on_host      (const HrExllamaPlan *self,
                                          guint                layer);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrExllamaWeights, hr_exllama_weights_clear)

G_END_DECLS
