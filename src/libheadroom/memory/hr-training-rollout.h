/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training.h"

G_BEGIN_DECLS

/* What the tape is set to while no gradients are recorded. */
typedef struct
{
  HrGraph *graph;
  const HrTuning *tuning;
  HrElement autocast;
  gboolean keeps_casts;
  guint64 batch;
} HrTapeSettings;

HrTapeSettings hr_training_enter_inference (HrReplay             *replay);
void           hr_training_leave_inference (const HrTraining     *self,
                                            HrReplay             *replay,
                                            const HrTapeSettings *before);
HrInference    hr_training_init_reading    (const HrInference    *self,
                                            const HrReplay       *replay);

void hr_training_write_answers  (const HrTraining *self,
                                 HrReplay         *replay,
                                 guint64           batch,
                                 HrValue          *scores);
void hr_training_generate       (const HrTraining *self,
                                 HrReplay         *replay);
void hr_training_read_own       (const HrTraining *self,
                                 HrReplay         *replay);
void hr_training_read_others    (const HrTraining *self,
                                 HrReplay         *replay);
void hr_training_read_reference (const HrTraining *self,
                                 HrReplay         *replay,
                                 HrValue          *kept);
void hr_training_keep_answers   (const HrTraining *self,
                                 HrReplay         *replay,
                                 HrValue          *hidden);

G_END_DECLS
