/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-growth.h"

G_BEGIN_DECLS

/* What torch's caching allocator rounds a block up to (kMinBlockSize, c10/cuda/CUDACachingAllocator.cpp). */
#define HR_LEDGER_BLOCK_BYTES 512

/**
 * HrLevel:
 * @total: the bytes held, the sum of @by_component
 * @by_component: the bytes held for each purpose
 * @activations: those of activations, by how they grow with the length of sequences
 *
 * What is held at one moment.
 */
typedef struct
{
  guint64 total;
  guint64 by_component[HR_N_COMPONENTS];
  guint64 activations[HR_N_GROWTHS];
} HrLevel;

/**
 * HrLedger:
 * @live: what is held now
 * @peak: what was held when most was
 * @peak_phase: the phase of that moment
 * @phase: the phase that runs
 * @holds_phase: whether phases that are entered are part of @phase
 * @phase_peaks: the most that was held in each phase
 * @overflowed: whether a size was beyond what can be counted
 *
 * The books of a device's memory: bytes come and go, and the highest level of each phase and of all is kept.
 */
typedef struct
{
  HrLevel live;
  HrLevel peak;
  HrPhaseId peak_phase;
  HrPhaseId phase;
  gboolean holds_phase;
  guint64 phase_peaks[HR_N_PHASES];
  gboolean overflowed;
} HrLedger;

void    hr_ledger_init        (HrLedger      *self);
void    hr_ledger_enter_phase (HrLedger      *self,
                               HrPhaseId      phase);
guint64 hr_ledger_round       (guint64        bytes);
void    hr_ledger_add         (HrLedger      *self,
                               HrComponentId  component,
                               guint64        bytes);
void    hr_ledger_remove      (HrLedger      *self,
                               HrComponentId  component,
                               guint64        bytes);
void    hr_ledger_move        (HrLedger      *self,
                               HrComponentId  from,
                               HrComponentId  to,
                               guint64        bytes);
gboolean hr_ledger_reach      (HrLedger      *self,
                               const HrLevel *level);
void    hr_ledger_set         (HrLedger      *self,
                               const HrLevel *level);

G_END_DECLS
