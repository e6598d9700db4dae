/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-rule-of-thumb.h"

#include <math.h>

/* What inference is said to take beside the weights: a fifth of them. */
#define OVERHEAD_FACTOR 1.2

/**
 * hr_rule_of_thumb_embedding:
 * @vocab_size: V, tokens of the vocabulary
 * @hidden_size: h
 *
 * Parameters of an embedding, or of an output head: V·h.
 *
 * Returns: how many
 */
double
hr_rule_of_thumb_embedding (guint64 vocab_size,
                            guint64 hidden_size)
{
  return (double) vocab_size * hidden_size;
}

/**
 * hr_rule_of_thumb_attention:
 * @hidden_size: h
 * @group_size: g, query heads for each key-value head; 1 without grouping
 *
 * Parameters of the attention of a layer: h²·(2 + 2/g), which is 4·h² without grouping.
 *
 * Returns: how many
 */
double
hr_rule_of_thumb_attention (guint64 hidden_size,
                            double  group_size)
{
  return (double) hidden_size * hidden_size * (2 + 2 / group_size);
}

/**
 * hr_rule_of_thumb_attention_with_bias:
 * @hidden_size: h
 *
 * Parameters of the attention of a layer with biases: 4·h² + 4·h.
 *
 * Returns: how many
 */
double
hr_rule_of_thumb_attention_with_bias (guint64 hidden_size)
{
  return hr_rule_of_thumb_attention (hidden_size, 1) + 4.0 * hidden_size;
}

/**
 * hr_rule_of_thumb_mlp:
 * @hidden_size: h
 * @intermediate_size: i
 * @gated: whether there is a gate
 * @bias: whether there are biases
 *
 * Parameters of the MLP of a layer: 3·h·i with a gate, 2·h·i without; with biases + i + 2·h or + i + h.
 *
 * Returns: how many
 */
double
hr_rule_of_thumb_mlp (guint64  hidden_size,
                      guint64  intermediate_size,
                      gboolean gated,
                      gboolean bias)
{
  double parameters = (gated ? 3.0 : 2.0) * hidden_size * intermediate_size;

  if (bias)
    parameters += (double) intermediate_size + (gated ? 2.0 : 1.0) * hidden_size;

  return parameters;
}

/**
 * hr_rule_of_thumb_norms:
 * @hidden_size: h
 *
 * Parameters of the two norms of a layer, as if each had a scale and a shift: 2·2·h.
 *
 * Returns: how many
 */
double
hr_rule_of_thumb_norms (guint64 hidden_size)
{
  return 4.0 * hidden_size;
}

/**
 * hr_rule_of_thumb_parameters:
 * @vocab_size: V
 * @hidden_size: h
 * @intermediate_size: i
 * @num_hidden_layers: L
 * @group_size: g
 *
 * Parameters of a model: 2·V·h + L·h²·(2 + 2/g) + 3·L·h·i. It counts the head of a tied model a second time and knows
 * neither biases nor norms nor heads that are not h/H wide.
 *
 * Returns: how many
 */
double
hr_rule_of_thumb_parameters (guint64 vocab_size,
                             guint64 hidden_size,
                             guint64 intermediate_size,
                             guint64 num_hidden_layers,
                             double  group_size)
{
  return 2 * hr_rule_of_thumb_embedding (vocab_size, hidden_size) +
         num_hidden_layers * hr_rule_of_thumb_attention (hidden_size, group_size) +
         num_hidden_layers * hr_rule_of_thumb_mlp (hidden_size, intermediate_size, TRUE, FALSE);
}

/**
 * hr_rule_of_thumb_parameters_with_norms:
 * @vocab_size: V
 * @hidden_size: h
 * @intermediate_size: i
 * @num_hidden_layers: L
 * @group_size: g
 *
 * The same with the norms: 2·V·h + L·(h²·(2 + 2/g) + 3·h·i + 4·h).
 *
 * Returns: how many
 */
double
hr_rule_of_thumb_parameters_with_norms (guint64 vocab_size,
                                        guint64 hidden_size,
                                        guint64 intermediate_size,
                                        guint64 num_hidden_layers,
                                        double  group_size)
{
  return hr_rule_of_thumb_parameters (vocab_size, hidden_size, intermediate_size, num_hidden_layers, group_size) +
         num_hidden_layers * hr_rule_of_thumb_norms (hidden_size);
}

/**
 * hr_rule_of_thumb_weights:
 * @parameters: how many
 * @bits: bits of each
 *
 * What the weights take: parameters · bits/8. It knows no scales of quantized blocks.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_weights (double parameters,
                          double bits)
{
  return parameters * bits / 8;
}

/**
 * hr_rule_of_thumb_total:
 * @weights: what the weights take, in bytes
 *
 * What inference takes: 1.2 · weights, whatever the batch and the length.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_total (double weights)
{
  return OVERHEAD_FACTOR * weights;
}

/**
 * hr_rule_of_thumb_quantization_ratio:
 * @bits: bits of a quantized parameter
 *
 * The share of single precision's size that is left: bits/32.
 *
 * Returns: the ratio
 */
double
hr_rule_of_thumb_quantization_ratio (double bits)
{
  return bits / 32;
}

/**
 * hr_rule_of_thumb_cache:
 * @batch: b, sequences
 * @num_hidden_layers: l
 * @width: the width of keys, or values, of a token: h without grouping, key-value heads · head size with it
 * @tokens: s + n, tokens of prompt and output
 * @bytes: bytes of an element
 *
 * What the KV cache takes: 2·b·l·width·(s + n)·bytes, which is 4·b·l·h·(s + n) in half precision.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_cache (guint64 batch,
                        guint64 num_hidden_layers,
                        guint64 width,
                        guint64 tokens,
                        double  bytes)
{
  return 2.0 * batch * num_hidden_layers * width * tokens * bytes;
}

/**
 * hr_rule_of_thumb_image_tokens:
 * @width: pixels of a row
 * @height: rows
 * @patch_size: pixels of a side of a patch
 * @images: how many there are
 *
 * Tokens of images, one for each patch: (resolution / patch)² · images. It knows no model that merges patches.
 *
 * Returns: how many, which may be a fraction
 */
double
hr_rule_of_thumb_image_tokens (double  width,
                               double  height,
                               double  patch_size,
                               guint64 images)
{
  return (width / patch_size) * (height / patch_size) * images;
}

/**
 * hr_rule_of_thumb_audio_tokens:
 * @milliseconds: how long a sound is
 * @milliseconds_per_token: how much of it becomes a token; 80, where it is not known
 *
 * Tokens of a sound.
 *
 * Returns: how many, which may be a fraction
 */
double
hr_rule_of_thumb_audio_tokens (double milliseconds,
                               double milliseconds_per_token)
{
  return milliseconds / milliseconds_per_token;
}

/**
 * hr_rule_of_thumb_video_tokens:
 * @seconds: how long a video is
 * @fps: frames of a second
 * @width: pixels of a row
 * @height: rows
 * @patch_size: pixels of a side of a patch
 *
 * Tokens of a video, those of an image for each frame. It knows no model that samples or merges frames.
 *
 * Returns: how many, which may be a fraction
 */
double
hr_rule_of_thumb_video_tokens (double seconds,
                               double fps,
                               double width,
                               double height,
                               double patch_size)
{
  return seconds * fps * hr_rule_of_thumb_image_tokens (width, height, patch_size, 1);
}

/**
 * hr_rule_of_thumb_float_bits:
 * @exponent: bits of the exponent
 * @mantissa: bits of the mantissa
 *
 * The width of a floating-point format: 1 + exponent + mantissa.
 *
 * Returns: the width in bits
 */
guint
hr_rule_of_thumb_float_bits (guint exponent,
                             guint mantissa)
{
  return 1 + exponent + mantissa;
}

/**
 * hr_rule_of_thumb_largest_float:
 * @bias: the bias of the exponent, which is also the largest exponent
 * @mantissa: bits of the mantissa
 *
 * The largest finite value of a floating-point format: 2^bias · (2 - 2^-mantissa).
 *
 * Returns: the value
 */
double
hr_rule_of_thumb_largest_float (int   bias,
                                guint mantissa)
{
  return ldexp (2 - ldexp (1, -(int) mantissa), bias);
}
