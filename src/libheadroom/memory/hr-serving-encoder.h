/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

/**
 * HrServingSeen:
 * @pixels: the pictures, as they came from the processor
 * @vectors: what the encoder has made of them
 *
 * What of the trial run of an encoder is there while the decoder is tried.
 */
typedef struct
{
  HrValue pixels;
  HrValue vectors;
} HrServingSeen;

gboolean hr_serving_encoder_resolve (HrServingPlan       *plan,
                                     HrModel             *whole,
                                     HrInferenceJob      *job,
                                     GError             **error);
void     hr_serving_encoder_replay  (const HrServingPlan *plan,
                                     HrReplay            *replay,
                                     HrServingSeen       *seen);
void     hr_serving_encoder_drop    (HrReplay            *replay,
                                     HrServingSeen       *seen);

G_END_DECLS
