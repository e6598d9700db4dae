/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu.h"

G_BEGIN_DECLS

#define HR_GPU_N_DTYPES (HR_DTYPE_INT4 + 1)

/*
 * HrGpuFacts:
 *
 * What is known of a GPU. Numbers that are 0 and strings that are %NULL are not known: no GPU has a figure of 0.
 * @free_memory is the exception, since a full card has none; @has_free_memory says whether it is known.
 */
typedef struct
{
  char *id;
  char *name;
  char *vendor;
  char *architecture;
  char *compute_capability;
  char *source;
  char *checked;
  char *memory_counter;
  char *interconnect;
  char *bridge;
  char **aliases;
  char **driver_names;
  guint64 memory;
  guint64 usable_memory;
  guint64 bandwidth;
  guint64 interconnect_bandwidth;
  guint64 peer_bandwidth;
  guint64 bridge_bandwidth;
  guint64 throughput[HR_GPU_N_DTYPES];
  guint year;
  guint multiprocessors;
  guint n_bridged;
  gboolean unified_memory;

  gboolean is_local;
  char *uuid;
  char *driver_version;
  gboolean has_free_memory;
  guint64 free_memory;
} HrGpuFacts;

HrGpuFacts         *_hr_gpu_facts_new       (void);
HrGpuFacts         *_hr_gpu_facts_copy      (const HrGpuFacts *self);
void                _hr_gpu_facts_free      (HrGpuFacts       *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGpuFacts, _hr_gpu_facts_free)

HrGpu              *_hr_gpu_new_take        (HrGpuFacts       *facts) G_GNUC_WARN_UNUSED_RESULT;
const HrGpuFacts   *_hr_gpu_get_facts       (HrGpu            *self);

G_END_DECLS
