/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-inference-plan.h"

G_BEGIN_DECLS

/*
 * Of the cases in tests/oracle/inference-measured-h100.json, which were measured on an H100, one in twenty has less
 * reserved than this many thousandths below what the replay says, and one in twenty more than that many above.
 */
#define HR_INFERENCE_HEAP_BELOW 28
#define HR_INFERENCE_HEAP_ABOVE 54

/**
 * HrProcess:
 * @HR_PROCESS_SERVES: room for all weights is made at once, as from_pretrained() does for a device
 * @HR_PROCESS_MEASURES: the libraries have their workspaces from models before, each parameter is made where it stays
 *
 * What a model is loaded into.
 */
typedef enum
{
  HR_PROCESS_SERVES,
  HR_PROCESS_MEASURES,
} HrProcess;

guint64 hr_inference_heap_run    (const HrInferencePlan *plan,
                                  guint64                workspace_bytes,
                                  HrProcess              process);
void    hr_inference_heap_attach (HrEstimate            *estimate,
                                  HrInferencePlan       *plan,
                                  guint64                least_bytes,
                                  HrGpu                 *gpu);

G_END_DECLS
