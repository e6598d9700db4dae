/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-ggml-schedule.h"
#include "hr-ggml-type.h"
#include "hr-inference-plan.h"

G_BEGIN_DECLS

/**
 * HrLlamaMove:
 * @HR_LLAMA_MOVE_EXPERTS: the matrices of routed experts
 * @HR_LLAMA_MOVE_DENSE: those of a perceptron
 * @HR_LLAMA_MOVE_FEED_FORWARD: those of experts, routers and perceptrons
 * @HR_LLAMA_MOVE_GATE_DOWN: the same without the first ones
 * @HR_LLAMA_MOVE_DOWN: the last ones
 *
 * What of a layer is somewhere else.
 */
typedef enum
{
  HR_LLAMA_MOVE_EXPERTS = 1 << 0,
  HR_LLAMA_MOVE_DENSE = 1 << 1,
  HR_LLAMA_MOVE_FEED_FORWARD = 1 << 2,
  HR_LLAMA_MOVE_GATE_DOWN = 1 << 3,
  HR_LLAMA_MOVE_DOWN = 1 << 4,
} HrLlamaMove;

/**
 * HrLlamaOverride:
 * @pattern: what the names of tensors have
 * @place: where these are
 *
 * A part of --override-tensor.
 */
typedef struct
{
  GRegex *pattern;
  gint place;
} HrLlamaOverride;

typedef struct _HrLlamaTensors HrLlamaTensors;

/**
 * HrLlamaPlan:
 * @pass: the model and how it is stored
 * @release: the release of llama.cpp
 * @backend: what GPUs compute with
 * @n_devices: how many GPUs are used; the place of the host is behind theirs
 * @shares: (array): of the layers that each GPU has, in any measure
 * @kernels: what the kernels of the GPUs do
 * @is_fitted: whether it is left to llama.cpp which layers GPUs hold
 * @is_context_left: whether it is left to llama.cpp how long the context is
 * @fit_target: what it leaves free of each GPU then, in bytes
 * @fit_context: the shortest context that it takes, of each cache
 * @layer_places: (array): for each layer of the decoder where it is
 * @output_place: where the last norm and the head are
 * @moves: (array): for each layer what is elsewhere, flags of HrLlamaMove
 * @move_places: (array): where that is
 * @overrides: (nullable) (element-type HrLlamaOverride): where else tensors are, which goes before
 * @has_overrides: whether llama.cpp is told where single tensors are
 * @has_offload: whether GPUs compute long prompts with matrices of the host
 * @has_host_cache: whether the host holds keys and values, wherever the layers are
 * @n_slots: how many sequences there can be at once
 * @n_streams: how many caches there are: one for each slot, or one for all
 * @batch: how many tokens are wanted to be computed at once
 * @ubatch: how many tokens are, where the context has room for them
 * @n_outputs: of how many of them logits are asked at the most
 * @context: positions of all caches
 * @cells: positions of each cache
 * @has_whole_windows: whether their caches are as long as the others
 * @window: tokens that sliding layers see, 0 where there are none
 * @window_cells: positions of each of their caches
 * @flash: whether flash attention computes the attention
 * @is_flash_left: whether it is left to llama.cpp, which then has it where it runs on the devices of the layers
 * @has_transposed_values: whether a row of the cache has an element of the values of each token
 * @key_type: the type that keys are kept in, a number of enum ggml_type
 * @value_type: the type of values
 * @tensors: the tensors of the model, wherever they are
 *
 * A job of llama.cpp in which everything that was left to it is filled in.
 */
typedef struct
{
  HrInferencePlan *pass;
  HrLlamaRelease release;
  HrGgmlBackend backend;
  guint n_devices;
  float shares[HR_GGML_MAX_PLACES];
  HrGgmlKernels kernels;
  gboolean is_fitted;
  gboolean is_context_left;
  guint64 fit_target;
  guint64 fit_context;
  gint *layer_places;
  gint output_place;
  guint *moves;
  gint *move_places;
  GArray *overrides;
  gboolean has_overrides;
  gboolean has_offload;
  gboolean has_host_cache;
  guint64 n_slots;
  guint64 n_streams;
  guint64 batch;
  guint64 ubatch;
  guint64 n_outputs;
  guint64 context;
  guint64 cells;
  gboolean has_whole_windows;
  guint64 window;
  guint64 window_cells;
  gboolean flash;
  gboolean is_flash_left;
  gboolean has_transposed_values;
  guint key_type;
  guint value_type;
  HrLlamaTensors *tensors;
} HrLlamaPlan;

/**
 * HrLlamaBuffers:
 * @weights: what the buffers of the model take, on each device and on the host
 * @elements: the elements of the weights
 * @cache: what keys and values take
 * @compute: what is computed with
 * @pools: what kernels keep beside
 *
 * What llama.cpp reserves for a model, in bytes but for the elements.
 */
typedef struct
{
  guint64 weights[HR_GGML_MAX_PLACES];
  guint64 elements[HR_GGML_MAX_PLACES];
  guint64 cache[HR_GGML_MAX_PLACES];
  guint64 compute[HR_GGML_MAX_PLACES];
  guint64 pools[HR_GGML_MAX_PLACES];
} HrLlamaBuffers;

gboolean           hr_llama_plan_init          (HrLlamaPlan        *self,
                                                HrInferencePlan    *pass,
                                                HrInferenceJob     *job,
                                                HrGpu              *gpu,
                                                guint               n_devices,
                                                GError            **error);
void               hr_llama_plan_clear         (HrLlamaPlan        *self);
guint64            hr_llama_plan_count_contexts (const HrLlamaPlan *self);
void               hr_llama_plan_set_context   (HrLlamaPlan        *self,
                                                guint64             context);
void               hr_llama_plan_set_layers    (HrLlamaPlan        *self,
                                                const guint        *n_layers);
void               hr_llama_plan_set_move      (HrLlamaPlan        *self,
                                                guint               layer,
                                                guint               moves,
                                                gint                place);
void               hr_llama_plan_resolve_flash (HrLlamaPlan        *self);
gint               hr_llama_plan_get_head_place (const HrLlamaPlan *self);
const HrAttention *hr_llama_plan_get_attention (const HrLlamaPlan  *self,
                                                guint               layer);
guint64            hr_llama_plan_get_key_width (const HrAttention  *attention);
guint64            hr_llama_plan_get_value_width (const HrAttention *attention);
const HrBlock     *hr_llama_plan_find_state_block (const HrLayerClass *layer_class);
gboolean           hr_llama_plan_get_state     (const HrLlamaPlan  *self,
                                                guint               layer,
                                                HrBlockState       *state);
gint               hr_llama_plan_get_cache_place (const HrLlamaPlan *self,
                                                  guint              layer);
guint64            hr_llama_plan_get_buffer_bytes (const HrLlamaPlan *self,
                                                   gint               place,
                                                   const HrGgmlType  *type,
                                                   guint64            row,
                                                   guint64            bytes);
void               hr_llama_plan_add_weights   (const HrLlamaPlan  *self,
                                                guint64            *bytes,
                                                guint64            *elements);
void               hr_llama_plan_add_cache     (const HrLlamaPlan  *self,
                                                guint64            *bytes);
void               hr_llama_plan_measure       (const HrLlamaPlan  *self,
                                                guint64            *bytes);
void               hr_llama_plan_measure_pools (const HrLlamaPlan  *self,
                                                guint64            *bytes);
void               hr_llama_plan_measure_all   (const HrLlamaPlan  *self,
                                                HrLlamaBuffers     *buffers);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrLlamaPlan, hr_llama_plan_clear)

G_END_DECLS
