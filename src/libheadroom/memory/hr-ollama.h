/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference-plan.h"

G_BEGIN_DECLS

/* LLAMA_CPP_VERSION of Ollama 0.30 to 0.34: b9452 to b10969, whose graphs are those of b10488. */
#define HR_OLLAMA_LLAMA_RELEASE HR_LLAMA_RELEASE_B10488

void hr_ollama_resolve (HrInferenceJob  *job,
                        HrInferencePlan *pass,
                        HrGpu           *gpu,
                        guint           *n_devices);

G_END_DECLS
