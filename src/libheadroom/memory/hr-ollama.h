/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference-plan.h"

G_BEGIN_DECLS

void hr_ollama_resolve (HrInferenceJob  *job,
                        HrInferencePlan *pass,
                        HrGpu           *gpu,
                        guint           *n_devices);

G_END_DECLS
