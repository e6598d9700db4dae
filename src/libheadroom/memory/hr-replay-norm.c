/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-liger.h"
#include "hr-live-parameters.h"
#include "hr-replay-adapter.h"
#include "hr-replay-blocks.h"
#include "hr-replay-megatron.h"
#include "hr-unsloth.h"
#include "hr-upcast.h"

/* The shape of the weight and of the bias of a norm. Parameters of each head have a block of the allocator each. */
static HrValue
get_shape (HrReplay     *replay,
           HrValue       x,
           const HrNorm *norm)
{
  HrSymbol heads = x.symbols[x.n_symbols - 2];
  HrSymbol size = x.symbols[x.n_symbols - 1];
  HrElement element = hr_upcast_get_element (replay, HR_TENSOR_ROLE_NORM, "norm");
  HrValue shape = HR_SHAPE (element, size);

  if (norm->is_list)
    shape = HR_SHAPE (element, heads, HR_SYMBOL_HEAD_ALLOCATED);
  else if (norm->per_head)
    shape = HR_SHAPE (element, heads, size);

  return shape;
}

/* What is done to a norm that is a block of its own. */
static const HrTunedModule *
find_tuned (HrReplay *replay)
{
  return hr_tuning_find (replay->tuning, replay->block, HR_MODULE_SELF, replay->layer);
}

static HrValue
get_parameter (HrReplay     *replay,
               HrValue       x,
               const HrNorm *norm)
{
  return hr_replay_adapter_weight (replay, find_tuned (replay), get_shape (replay, x, norm));
}

static HrValue
get_bias (HrReplay     *replay,
          HrValue       x,
          const HrNorm *norm)
{
  return norm->has_bias ? hr_replay_adapter_bias (replay, find_tuned (replay), get_shape (replay, x, norm))
                        : HR_NO_VALUE;
}

/* x * rsqrt (mean (x²) + eps), as each of transformers' RMS norms begins. The mean may have a variable of its own. */
static HrValue
normalize_rms (HrReplay *replay,
               HrValue   x32,
               HrValue  *variance)
{
  HrValue power = hr_op_unary (replay, HR_UNARY_POW, "x²", x32);
  HrValue shifted, inverse, normalized;

  *variance = hr_op_mean (replay, "variance", power);
  hr_replay_drop (replay, power);
  shifted = hr_op_unary (replay, HR_UNARY_ADD, "variance", *variance);
  inverse = hr_op_unary (replay, HR_UNARY_RSQRT, "variance", shifted);
  hr_replay_drop (replay, shifted);
  normalized = hr_op_binary (replay, HR_BINARY_MUL, "normalized", x32, inverse);
  hr_replay_drop (replay, inverse);

  return normalized;
}

/* weight * x.to (dtype): transformers/models/llama/modeling_llama.py, LlamaRMSNorm. */
static HrValue
replay_rms (HrReplay     *replay,
            HrValue       x,
            const HrNorm *norm)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue variance;
  HrValue normalized = normalize_rms (replay, x32, &variance);
  HrValue cast, result;

  hr_replay_drop (replay, x32);
  cast = hr_op_cast (replay, normalized, x.element);
  result = hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", cast, get_parameter (replay, x, norm));
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, normalized);
  hr_replay_drop (replay, variance);

  return result;
}

/* x.to (dtype): transformers/models/llama4/modeling_llama4.py, Llama4TextL2Norm. */
static HrValue
replay_rms_unweighted (HrReplay *replay,
                       HrValue   x)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue variance;
  HrValue normalized = normalize_rms (replay, x32, &variance);
  HrValue result;

  hr_replay_drop (replay, variance);
  hr_replay_drop (replay, x32);
  result = hr_op_cast (replay, normalized, x.element);
  hr_replay_drop (replay, normalized);

  return result;
}

/* (weight * x).to (dtype): transformers/models/olmo2/modeling_olmo2.py, Olmo2RMSNorm. */
static HrValue
replay_rms_fp32_weight (HrReplay     *replay,
                        HrValue       x,
                        const HrNorm *norm)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue variance;
  HrValue normalized = normalize_rms (replay, x32, &variance);
  HrValue scaled, result;

  hr_replay_drop (replay, x32);
  scaled = hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", normalized, get_parameter (replay, x, norm));
  result = hr_op_cast (replay, scaled, x.element);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, normalized);
  hr_replay_drop (replay, variance);

  return result;
}

/* x * rsqrt (mean (x²) + eps) in fp32, cast, scaled: transformers/models/t5/modeling_t5.py, T5LayerNorm. */
static HrValue
replay_rms_late_cast (HrReplay     *replay,
                      HrValue       x,
                      const HrNorm *norm)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue power = hr_op_unary (replay, HR_UNARY_POW, "x²", x32);
  HrValue variance, shifted, inverse, normalized, cast, result;

  hr_replay_drop (replay, x32);
  variance = hr_op_mean (replay, "variance", power);
  hr_replay_drop (replay, power);
  shifted = hr_op_unary (replay, HR_UNARY_ADD, "variance", variance);
  inverse = hr_op_unary (replay, HR_UNARY_RSQRT, "variance", shifted);
  hr_replay_drop (replay, shifted);
  normalized = hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", x, inverse);
  hr_replay_drop (replay, inverse);
  cast = hr_op_cast (replay, normalized, replay->dtype);
  hr_replay_drop (replay, normalized);
  result = hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", cast, get_parameter (replay, x, norm));
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, variance);

  return result;
}

/* (x * (1.0 + weight.float ())).type_as (x): transformers/models/gemma/modeling_gemma.py, GemmaRMSNorm. */
static HrValue
replay_rms_fp32_scale (HrReplay     *replay,
                       HrValue       x,
                       const HrNorm *norm)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue variance;
  HrValue normalized = normalize_rms (replay, x32, &variance);
  HrValue weight32, scale, scaled, result;

  hr_replay_drop (replay, variance);
  hr_replay_drop (replay, x32);
  weight32 = hr_op_cast (replay, get_parameter (replay, x, norm), HR_ELEMENT_FLOAT32);
  scale = hr_op_unary (replay, HR_UNARY_ADD, "weight", weight32);
  hr_replay_drop (replay, weight32);
  scaled = hr_op_binary (replay, HR_BINARY_MUL, "output", normalized, scale);
  hr_replay_drop (replay, scale);
  hr_replay_drop (replay, normalized);
  result = hr_op_cast (replay, scaled, x.element);
  hr_replay_drop (replay, scaled);

  return result;
}

/* (weight.float () * x).to (dtype): transformers/models/helium/modeling_helium.py, HeliumRMSNorm. */
static HrValue
replay_rms_fp32_cast (HrReplay     *replay,
                      HrValue       x,
                      const HrNorm *norm)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue variance;
  HrValue normalized = normalize_rms (replay, x32, &variance);
  HrValue weight, scaled, result;

  hr_replay_drop (replay, x32);
  weight = hr_op_cast (replay, get_parameter (replay, x, norm), HR_ELEMENT_FLOAT32);
  scaled = hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", normalized, weight);
  hr_replay_drop (replay, weight);
  result = hr_op_cast (replay, scaled, x.element);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, normalized);
  hr_replay_drop (replay, variance);

  return result;
}

/*
 * x * (mean (x²) + eps) ** −½ in fp32, by weight.float () where there is one, then cast:
 * transformers/models/gemma4/modeling_gemma4.py, Gemma4RMSNorm.
 */
static HrValue
replay_rms_fp32_power (HrReplay     *replay,
                       HrValue       x,
                       const HrNorm *norm)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue power = hr_op_unary (replay, HR_UNARY_POW, "x²", x32);
  HrValue mean = hr_op_mean (replay, "mean_squared", power);
  HrValue shifted, inverse, normalized, weight, result;

  hr_replay_drop (replay, power);
  shifted = hr_op_unary (replay, HR_UNARY_ADD, "mean_squared", mean);
  hr_replay_drop (replay, mean);
  inverse = hr_op_unary (replay, HR_UNARY_POW, "mean_squared^-½", shifted);
  normalized = hr_op_binary (replay, HR_BINARY_MUL, "normalized", x32, inverse);
  hr_replay_drop (replay, inverse);
  hr_replay_drop (replay, shifted);
  hr_replay_drop (replay, x32);
  if (norm->has_weight)
    {
      weight = hr_op_cast (replay, get_parameter (replay, x, norm), HR_ELEMENT_FLOAT32);
      hr_replay_assign (replay, &normalized,
                        hr_op_binary (replay, HR_BINARY_MUL, "normed_output", normalized, weight));
      hr_replay_drop (replay, weight);
    }
  result = hr_op_cast (replay, normalized, x.element);
  hr_replay_drop (replay, normalized);

  return result;
}

/*
 * F.layer_norm (x, weight + 1, bias), all cast to the lower precision under autocast, and computed without it:
 * transformers/models/nemotron/modeling_nemotron.py, NemotronLayerNorm1P.
 */
static HrValue
replay_layer_norm_1p (HrReplay     *replay,
                      HrValue       x,
                      const HrNorm *norm)
{
  HrValue sum = hr_op_unary (replay, HR_UNARY_ADD, "weight + 1", get_parameter (replay, x, norm));
  HrValue parameter = get_bias (replay, x, norm);
  HrElement autocast = replay->autocast;
  HrValue cast = hr_op_cast_down (replay, x);
  HrValue weight = hr_op_cast_down (replay, sum);
  HrValue bias = hr_op_cast_down (replay, parameter);
  HrValue result;

  replay->autocast = HR_ELEMENT_NONE;
  result = hr_op_layer_norm_by (replay, cast, weight, bias);
  replay->autocast = autocast;
  hr_replay_drop (replay, bias);
  hr_replay_drop (replay, weight);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, sum);

  return result;
}

/* transformers/models/olmo/modeling_olmo.py, OlmoLayerNorm. */
static HrValue
replay_layer_norm_fp32 (HrReplay *replay,
                        HrValue   x)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue normalized = hr_op_layer_norm (replay, x32, FALSE, FALSE);
  HrValue result;

  hr_replay_drop (replay, x32);
  result = hr_op_cast (replay, normalized, x.element);
  hr_replay_drop (replay, normalized);

  return result;
}

/* transformers/models/cohere/modeling_cohere.py, CohereLayerNorm. */
static HrValue
replay_layer_norm_composite (HrReplay     *replay,
                             HrValue       x,
                             const HrNorm *norm)
{
  HrValue hidden = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue mean = hr_op_mean (replay, "mean", hidden);
  HrValue centered = hr_op_binary (replay, HR_BINARY_SUB, "x − mean", hidden, mean);
  HrValue power = hr_op_unary (replay, HR_UNARY_POW, "(x − mean)²", centered);
  HrValue variance, inverse, weight, result;

  hr_replay_drop (replay, centered);
  variance = hr_op_mean (replay, "variance", power);
  hr_replay_drop (replay, power);
  centered = hr_op_binary (replay, HR_BINARY_SUB, "x − mean", hidden, mean);
  inverse = hr_op_unary (replay, HR_UNARY_RSQRT, "variance", variance);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_MUL, "normalized", centered, inverse));
  hr_replay_drop (replay, centered);
  hr_replay_drop (replay, inverse);
  weight = hr_op_cast (replay, get_parameter (replay, x, norm), HR_ELEMENT_FLOAT32);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", hidden, weight));
  hr_replay_drop (replay, weight);
  result = hr_op_cast (replay, hidden, x.element);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, variance);
  hr_replay_drop (replay, mean);

  return result;
}

/* Whether Liger-Kernel has a kernel in the place of a norm. */
static gboolean
is_replaced (const HrNorm *norm)
{
  return norm->has_weight && (norm->kind == HR_NORM_RMS || norm->kind == HR_NORM_RMS_FP32_SCALE ||
                              norm->kind == HR_NORM_RMS_FP32_WEIGHT);
}

static HrValue
run_norm (HrReplay     *replay,
          HrValue       x,
          const HrNorm *norm)
{
  if (replay->layer_code == HR_LAYER_CODE_UNSLOTH)
    return hr_unsloth_norm (replay, x);
  if (replay->layer_code != HR_LAYER_CODE_TRANSFORMERS)
    return hr_megatron_norm (replay, x, norm);
  if (replay->liger != NULL && is_replaced (norm))
    return hr_liger_norm (replay, x, get_parameter (replay, x, norm));

  switch (norm->kind)
    {
    case HR_NORM_RMS_FP32_SCALE:
      return replay_rms_fp32_scale (replay, x, norm);

    case HR_NORM_RMS_FP32_WEIGHT:
      return replay_rms_fp32_weight (replay, x, norm);

    case HR_NORM_RMS_LATE_CAST:
      return replay_rms_late_cast (replay, x, norm);

    case HR_NORM_RMS_UNWEIGHTED:
      return replay_rms_unweighted (replay, x);

    case HR_NORM_RMS_FP32_CAST:
      return replay_rms_fp32_cast (replay, x, norm);

    case HR_NORM_RMS_FP32_POWER:
      return replay_rms_fp32_power (replay, x, norm);

    case HR_NORM_LAYER_1P:
      return replay_layer_norm_1p (replay, x, norm);

    case HR_NORM_LAYER:
      return hr_op_layer_norm_by (replay, x, norm->has_weight ? get_parameter (replay, x, norm) : HR_NO_VALUE,
                                  get_bias (replay, x, norm));

    case HR_NORM_LAYER_FP32:
      return replay_layer_norm_fp32 (replay, x);

    case HR_NORM_LAYER_COMPOSITE:
      return replay_layer_norm_composite (replay, x, norm);

    case HR_NORM_RMS:
    default:
      return replay_rms (replay, x, norm);
    }
}

/*
 * hr_replay_norm:
 * @replay: a tape
 * @x: the input, which the caller holds
 * @norm: the norm
 *
 * A norm.
 *
 * Returns: the result
 */
HrValue
hr_replay_norm (HrReplay     *replay,
                HrValue       x,
                const HrNorm *norm)
{
  HrValue shape = get_shape (replay, x, norm);
  gboolean has_weight = norm->has_weight && norm->kind != HR_NORM_RMS_UNWEIGHTED;
  HrValue result;

  hr_live_parameters_enter (replay, &x, has_weight ? shape : HR_NO_VALUE, norm->has_bias ? shape : HR_NO_VALUE);
  result = run_norm (replay, x, norm);
  hr_live_parameters_leave (replay, &result);

  return result;
}
