/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The formulas that people know, as they are written down: of plain numbers, not of a model. They leave out much; the
 * exact method does not use them.
 */

double  hr_rule_of_thumb_embedding            (guint64 vocab_size,
                                               guint64 hidden_size);
double  hr_rule_of_thumb_attention            (guint64 hidden_size,
                                               double  group_size);
double  hr_rule_of_thumb_attention_with_bias  (guint64 hidden_size);
double  hr_rule_of_thumb_mlp                  (guint64 hidden_size,
                                               guint64 intermediate_size,
                                               gboolean gated,
                                               gboolean bias);
double  hr_rule_of_thumb_norms                (guint64 hidden_size);
double  hr_rule_of_thumb_parameters           (guint64 vocab_size,
                                               guint64 hidden_size,
                                               guint64 intermediate_size,
                                               guint64 num_hidden_layers,
                                               double  group_size);
double  hr_rule_of_thumb_parameters_with_norms (guint64 vocab_size,
                                               guint64 hidden_size,
                                               guint64 intermediate_size,
                                               guint64 num_hidden_layers,
                                               double  group_size);
double  hr_rule_of_thumb_weights              (double  parameters,
                                               double  bits);
double  hr_rule_of_thumb_total                (double  weights);
double  hr_rule_of_thumb_quantization_ratio   (double  bits);
double  hr_rule_of_thumb_cache                (guint64 batch,
                                               guint64 num_hidden_layers,
                                               guint64 width,
                                               guint64 tokens,
                                               double  bytes);
double  hr_rule_of_thumb_image_tokens         (double  width,
                                               double  height,
                                               double  patch_size,
                                               guint64 images);
double  hr_rule_of_thumb_audio_tokens         (double  milliseconds,
                                               double  milliseconds_per_token);
double  hr_rule_of_thumb_video_tokens         (double  seconds,
                                               double  fps,
                                               double  width,
                                               double  height,
                                               double  patch_size);
guint   hr_rule_of_thumb_float_bits           (guint   exponent,
                                               guint   mantissa);
double  hr_rule_of_thumb_largest_float        (int     bias,
                                               guint   mantissa);

G_END_DECLS
