/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The most that a log may hold: a server that has run for weeks begins anew with its start. */
#define HR_LOG_MAX_BYTES (16 * 1024 * 1024)

/**
 * HrLogTerm:
 * @HR_LOG_WEIGHTS: what the weights take
 * @HR_LOG_KV_CACHE: what the cache takes
 * @HR_LOG_RECURRENT_STATE: what the states of recurrent layers take
 * @HR_LOG_ACTIVATIONS: what a trial run took at most beside the weights
 * @HR_LOG_COMPUTE_BUFFER: what a graph's intermediate results take
 * @HR_LOG_OUTPUT_BUFFER: where logits are written
 * @HR_LOG_CUDA_GRAPHS: what recorded graphs take
 * @HR_LOG_NON_TORCH: what is held beside torch's allocator
 * @HR_LOG_CONSUMED: what the weights and what is beside torch's allocator take together
 * @HR_LOG_ALLOCATED: what tensors take at the moment
 * @HR_LOG_ALLOCATED_PEAK: what tensors took at most
 * @HR_LOG_RESERVED: what the allocator holds
 * @HR_LOG_RESERVED_PEAK: what the allocator held at most
 * @HR_LOG_REQUESTED: what was asked for in vain
 * @HR_LOG_PROCESS: what a process takes
 * @HR_LOG_DEVICE_USED: what all processes take
 * @HR_LOG_DEVICE_FREE: what is free
 * @HR_LOG_DEVICE_TOTAL: what the device has
 * @HR_LOG_FREE_BEFORE_LOAD: what was free before the weights were loaded
 * @HR_LOG_FREE_AFTER_LOAD: what was free after that
 * @HR_LOG_FREE_AFTER_POOL: what was free after the cache was made
 * @HR_LOG_KV_TOKENS: for how many tokens the cache has room
 * @HR_LOG_KV_BLOCKS: of how many blocks the cache is made
 * @HR_LOG_PARAMETERS: how many parameters the model has
 * @HR_LOG_LAYERS_ON_GPU: how many layers are on GPUs
 *
 * What a program says of memory when it starts or ends.
 */
typedef enum
{
  HR_LOG_WEIGHTS,
  HR_LOG_KV_CACHE,
  HR_LOG_RECURRENT_STATE,
  HR_LOG_ACTIVATIONS,
  HR_LOG_COMPUTE_BUFFER,
  HR_LOG_OUTPUT_BUFFER,
  HR_LOG_CUDA_GRAPHS,
  HR_LOG_NON_TORCH,
  HR_LOG_CONSUMED,
  HR_LOG_ALLOCATED,
  HR_LOG_ALLOCATED_PEAK,
  HR_LOG_RESERVED,
  HR_LOG_RESERVED_PEAK,
  HR_LOG_REQUESTED,
  HR_LOG_PROCESS,
  HR_LOG_DEVICE_USED,
  HR_LOG_DEVICE_FREE,
  HR_LOG_DEVICE_TOTAL,
  HR_LOG_FREE_BEFORE_LOAD,
  HR_LOG_FREE_AFTER_LOAD,
  HR_LOG_FREE_AFTER_POOL,
  HR_LOG_KV_TOKENS,
  HR_LOG_KV_BLOCKS,
  HR_LOG_PARAMETERS,
  HR_LOG_LAYERS_ON_GPU,
  HR_N_LOG_TERMS, /*< skip >*/
} HrLogTerm;

/**
 * HrLogFigure:
 * @program: the id of the program that says it
 * @term: what it is
 * @device: (nullable): of which device, in the program's words
 * @value: how much, in bytes or as a count
 * @margin: how far the true value may be from it, as it was printed with few digits; in the same unit
 * @line: the line that says it, beginning with one
 * @is_host: whether the device is no GPU
 *
 * One figure of a log.
 */
typedef struct
{
  const char *program;
  HrLogTerm term;
  char *device;
  guint64 value;
  guint64 margin;
  guint line;
  gboolean is_host;
} HrLogFigure;

#define HR_TYPE_LOG (hr_log_get_type ())

G_DECLARE_FINAL_TYPE (HrLog, hr_log, HR, LOG, GObject)

HrLog             *hr_log_new_from_text      (const char *text,
                                              gssize      length,
                                              const char *origin,
                                              GError    **error) G_GNUC_WARN_UNUSED_RESULT;
HrLog             *hr_log_new_from_file      (GFile      *file,
                                              GError    **error) G_GNUC_WARN_UNUSED_RESULT;
const char        *hr_log_get_program        (HrLog      *self);
const char        *hr_log_get_program_name   (HrLog      *self);
const char        *hr_log_get_version        (HrLog      *self);
const HrLogFigure *hr_log_get_figures        (HrLog      *self,
                                              guint      *n_figures);
gboolean           hr_log_get_largest        (HrLog      *self,
                                              HrLogTerm   term,
                                              guint64    *value,
                                              guint64    *margin);

const char        *hr_log_term_get_name      (HrLogTerm   term);
gboolean           hr_log_term_is_bytes      (HrLogTerm   term);
gboolean           hr_log_term_from_name     (const char *name,
                                              HrLogTerm  *term);

G_END_DECLS
