/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-pass.h"

G_BEGIN_DECLS

HrValue hr_inference_encode   (const HrInference *self,
                               HrReplay          *replay);
void    hr_inference_drop_layers (const HrInference *self,
                                  HrReplay          *replay);
void    hr_inference_run_layers (const HrInference *self,
                               HrReplay          *replay,
                               guint64            past,
                               guint64            sequence,
                               HrPass            *pass);
void    hr_inference_end_pass (const HrInference *self,
                               HrReplay          *replay,
                               HrPass            *pass);
void    hr_inference_drop_past (const HrInference *self,
                               HrReplay          *replay,
                               guint64            past);
HrValue hr_inference_run_pass (const HrInference *self,
                               HrReplay          *replay,
                               guint64            past,
                               guint64            sequence,
                               gboolean           flush);

G_END_DECLS
