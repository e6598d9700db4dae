/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-blocks.h"

/*
 * x in fp32; x * rsqrt (mean (x²) + eps), as each of transformers' RMS norms begins. Where @held, the caller holds
 * the fp32 copy itself and what it is replaced by.
 */
static HrValue
normalize_rms (HrReplay *replay,
               HrValue   x32)
{
  HrValue power = hr_op_like (replay, "pow", "x²", x32);
  HrValue variance = hr_op_reduce (replay, "mean", power);
  HrValue shifted, inverse, normalized;

  hr_replay_drop (replay, power);
  shifted = hr_op_like (replay, "add", "variance", variance);
  inverse = hr_op_like (replay, "rsqrt", "variance", shifted);
  hr_replay_drop (replay, shifted);
  normalized = hr_op_like (replay, "mul", "normalized", x32);
  hr_replay_drop (replay, inverse);
  hr_replay_drop (replay, variance);

  return normalized;
}

/* weight * x.to (dtype): transformers/models/llama/modeling_llama.py, LlamaRMSNorm. */
static HrValue
replay_rms (HrReplay *replay,
            HrValue   x)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue normalized = normalize_rms (replay, x32);
  HrValue cast, result;

  hr_replay_drop (replay, x32);
  cast = hr_op_cast (replay, normalized, x.element);
  result = hr_op_like (replay, "mul", "hidden_states", x);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, normalized);

  return result;
}

/* x.to (dtype): transformers/models/llama4/modeling_llama4.py, Llama4TextL2Norm. */
static HrValue
replay_rms_unweighted (HrReplay *replay,
                       HrValue   x)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue normalized = normalize_rms (replay, x32);
  HrValue result;

  hr_replay_drop (replay, x32);
  result = hr_op_cast (replay, normalized, x.element);
  hr_replay_drop (replay, normalized);

  return result;
}

/* (weight * x).to (dtype): transformers/models/olmo2/modeling_olmo2.py, Olmo2RMSNorm. */
static HrValue
replay_rms_fp32_weight (HrReplay *replay,
                        HrValue   x)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue normalized = normalize_rms (replay, x32);
  HrValue scaled, result;

  hr_replay_drop (replay, x32);
  scaled = hr_op_like (replay, "mul", "hidden_states", normalized);
  result = hr_op_cast (replay, scaled, x.element);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, normalized);

  return result;
}

/* x * rsqrt (mean (x²) + eps) in fp32, cast, scaled: transformers/models/t5/modeling_t5.py, T5LayerNorm. */
static HrValue
replay_rms_late_cast (HrReplay *replay,
                      HrValue   x)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue power = hr_op_like (replay, "pow", "x²", x32);
  HrValue variance, shifted, inverse, normalized, cast, result;

  hr_replay_drop (replay, x32);
  variance = hr_op_reduce (replay, "mean", power);
  hr_replay_drop (replay, power);
  shifted = hr_op_like (replay, "add", "variance", variance);
  inverse = hr_op_like (replay, "rsqrt", "variance", shifted);
  hr_replay_drop (replay, shifted);
  normalized = hr_op_like (replay, "mul", "hidden_states", x32);
  hr_replay_drop (replay, inverse);
  cast = hr_op_cast (replay, normalized, replay->dtype);
  hr_replay_drop (replay, normalized);
  x.element = replay->dtype;
  result = hr_op_like (replay, "mul", "hidden_states", x);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, variance);

  return result;
}

/* (x * (1.0 + weight.float ())).type_as (x): transformers/models/gemma/modeling_gemma.py, GemmaRMSNorm. */
static HrValue
replay_rms_fp32_scale (HrReplay *replay,
                       HrValue   x)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue normalized = normalize_rms (replay, x32);
  HrValue weight = HR_SHAPE (replay->dtype, x.symbols[x.n_symbols - 1]);
  HrValue weight32, scale, scaled, result;

  hr_replay_drop (replay, x32);
  weight.element = HR_ELEMENT_FLOAT32;
  weight32 = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : hr_op_like (replay, "_to_copy", "weight", weight);
  scale = hr_op_like (replay, "add", "weight", weight);
  hr_replay_drop (replay, weight32);
  scaled = hr_op_like (replay, "mul", "output", normalized);
  hr_replay_drop (replay, scale);
  hr_replay_drop (replay, normalized);
  result = hr_op_cast (replay, scaled, x.element);
  hr_replay_drop (replay, scaled);

  return result;
}

/* (weight.float () * x).to (dtype): transformers/models/helium/modeling_helium.py, HeliumRMSNorm. */
static HrValue
replay_rms_fp32_cast (HrReplay *replay,
                      HrValue   x)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue normalized = normalize_rms (replay, x32);
  HrValue weight = HR_SHAPE (HR_ELEMENT_FLOAT32, x.symbols[x.n_symbols - 1]);
  HrValue scaled, result;

  hr_replay_drop (replay, x32);
  weight = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : hr_op_like (replay, "_to_copy", "weight", weight);
  scaled = hr_op_like (replay, "mul", "hidden_states", normalized);
  hr_replay_drop (replay, weight);
  result = hr_op_cast (replay, scaled, x.element);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, normalized);

  return result;
}

/* Mean and reciprocal deviation in fp32 come with the result (aten::native_layer_norm). */
static HrValue
replay_layer_norm (HrReplay *replay,
                   HrValue   x)
{
  HrValue result = hr_op_like (replay, "native_layer_norm", "hidden_states", x);
  HrValue rows = x;
  HrValue mean, deviation;

  rows.n_symbols--;
  if (rows.element != HR_ELEMENT_FLOAT64)
    rows.element = HR_ELEMENT_FLOAT32;
  mean = hr_op_like (replay, "native_layer_norm", "mean", rows);
  deviation = hr_op_like (replay, "native_layer_norm", "rstd", rows);
  hr_replay_drop (replay, mean);
  hr_replay_drop (replay, deviation);

  return result;
}

/* F.layer_norm (x, weight + 1, bias): transformers/models/nemotron/modeling_nemotron.py, NemotronLayerNorm1P. */
static HrValue
replay_layer_norm_1p (HrReplay *replay,
                      HrValue   x)
{
  HrValue weight = hr_op_like (replay, "add", "weight + 1", HR_SHAPE (replay->dtype, x.symbols[x.n_symbols - 1]));
  HrValue result = replay_layer_norm (replay, x);

  hr_replay_drop (replay, weight);

  return result;
}

/* transformers/models/olmo/modeling_olmo.py, OlmoLayerNorm. */
static HrValue
replay_layer_norm_fp32 (HrReplay *replay,
                        HrValue   x)
{
  HrValue x32 = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue normalized = replay_layer_norm (replay, x32);
  HrValue result;

  hr_replay_drop (replay, x32);
  result = hr_op_cast (replay, normalized, x.element);
  hr_replay_drop (replay, normalized);

  return result;
}

/* transformers/models/cohere/modeling_cohere.py, CohereLayerNorm. */
static HrValue
replay_layer_norm_composite (HrReplay *replay,
                             HrValue   x)
{
  HrValue hidden = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue mean = hr_op_reduce (replay, "mean", hidden);
  HrValue centered = hr_op_like (replay, "sub", "x − mean", hidden);
  HrValue power = hr_op_like (replay, "pow", "(x − mean)²", hidden);
  HrValue variance, inverse, weight, result;

  hr_replay_drop (replay, centered);
  variance = hr_op_reduce (replay, "mean", power);
  hr_replay_drop (replay, power);
  centered = hr_op_like (replay, "sub", "x − mean", hidden);
  inverse = hr_op_like (replay, "rsqrt", "variance", variance);
  hr_replay_assign (replay, &hidden, hr_op_like (replay, "mul", "normalized", hidden));
  hr_replay_drop (replay, centered);
  hr_replay_drop (replay, inverse);
  weight = HR_SHAPE (HR_ELEMENT_FLOAT32, x.symbols[x.n_symbols - 1]);
  weight = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : hr_op_like (replay, "_to_copy", "weight", weight);
  hr_replay_assign (replay, &hidden, hr_op_like (replay, "mul", "hidden_states", hidden));
  hr_replay_drop (replay, weight);
  result = hr_op_cast (replay, hidden, x.element);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, variance);
  hr_replay_drop (replay, mean);

  return result;
}

/*
 * hr_replay_norm:
 * @replay: a tape
 * @x: the input, which the caller holds
 * @kind: how the norm is computed
 *
 * A norm.
 *
 * Returns: the result
 */
HrValue
hr_replay_norm (HrReplay   *replay,
                HrValue     x,
                HrNormKind  kind)
{
  switch (kind)
    {
    case HR_NORM_RMS_FP32_SCALE:
      return replay_rms_fp32_scale (replay, x);

    case HR_NORM_RMS_FP32_WEIGHT:
      return replay_rms_fp32_weight (replay, x);

    case HR_NORM_RMS_LATE_CAST:
      return replay_rms_late_cast (replay, x);

    case HR_NORM_RMS_UNWEIGHTED:
      return replay_rms_unweighted (replay, x);

    case HR_NORM_RMS_FP32_CAST:
      return replay_rms_fp32_cast (replay, x);

    case HR_NORM_LAYER_1P:
      return replay_layer_norm_1p (replay, x);

    case HR_NORM_LAYER:
      return replay_layer_norm (replay, x);

    case HR_NORM_LAYER_FP32:
      return replay_layer_norm_fp32 (replay, x);

    case HR_NORM_LAYER_COMPOSITE:
      return replay_layer_norm_composite (replay, x);

    case HR_NORM_RMS:
    default:
      return replay_rms (replay, x);
    }
}
