/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-log-labels.h"

#include <glib/gi18n-lib.h>

#include "hr-labels.h"

static const char * const labels[HR_N_LOG_TERMS] = {
  [HR_LOG_RECURRENT_STATE] = N_("States of recurrent layers"),
  [HR_LOG_ACTIVATIONS] = N_("Peak of a trial run"),
  [HR_LOG_COMPUTE_BUFFER] = N_("Compute buffer"),
  [HR_LOG_OUTPUT_BUFFER] = N_("Output buffer"),
  [HR_LOG_NON_TORCH] = N_("Beside the allocator"),
  [HR_LOG_CONSUMED] = N_("Weights, and beside the allocator"),
  [HR_LOG_ALLOCATED] = N_("Allocated"),
  [HR_LOG_ALLOCATED_PEAK] = N_("Allocated at most"),
  [HR_LOG_RESERVED] = N_("Reserved"),
  [HR_LOG_RESERVED_PEAK] = N_("Reserved at most"),
  [HR_LOG_REQUESTED] = N_("Asked for in vain"),
  [HR_LOG_PROCESS] = N_("All of the process"),
  [HR_LOG_DEVICE_USED] = N_("Used on the device"),
  [HR_LOG_DEVICE_FREE] = N_("Free on the device"),
  [HR_LOG_DEVICE_TOTAL] = N_("Memory of the device"),
  [HR_LOG_FREE_BEFORE_LOAD] = N_("Free before loading"),
  [HR_LOG_FREE_AFTER_LOAD] = N_("Free after loading"),
  [HR_LOG_FREE_AFTER_POOL] = N_("Free beside the cache"),
  [HR_LOG_KV_TOKENS] = N_("Tokens that the cache has room for"),
  [HR_LOG_KV_BLOCKS] = N_("Blocks of the cache"),
  [HR_LOG_PARAMETERS] = N_("Parameters"),
  [HR_LOG_LAYERS_ON_GPU] = N_("Layers on GPUs"),
};

/**
 * hr_log_term_get_label:
 * @term: a term
 *
 * Says what a figure of a log is; what an estimate has as well is called as there.
 *
 * Returns: (transfer none): a label in the user's language
 */
const char *
hr_log_term_get_label (HrLogTerm term)
{
  g_return_val_if_fail (term < HR_N_LOG_TERMS, NULL);

  if (term == HR_LOG_WEIGHTS)
    return hr_component_id_get_label (HR_COMPONENT_WEIGHTS);
  if (term == HR_LOG_KV_CACHE)
    return hr_component_id_get_label (HR_COMPONENT_KV_CACHE);
  if (term == HR_LOG_CUDA_GRAPHS)
    return hr_component_id_get_label (HR_COMPONENT_CUDA_GRAPHS);

  return _(labels[term]);
}
