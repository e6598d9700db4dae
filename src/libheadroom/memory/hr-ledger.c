/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-ledger.h"

/* Beyond this nothing is memory, and sums of a few of them still fit. */
#define MAX_BYTES (G_MAXUINT64 / 1024)

/*
 * hr_ledger_init:
 * @self: a ledger
 *
 * Opens the books: nothing is held, and the job is loading.
 */
void
hr_ledger_init (HrLedger *self)
{
  memset (self, 0, sizeof *self);
  hr_ledger_enter_phase (self, HR_PHASE_LOAD);
}

static void
note_level (HrLedger *self)
{
  if (self->live.total > self->phase_peaks[self->phase])
    self->phase_peaks[self->phase] = self->live.total;

  if (self->live.total > self->peak.total)
    {
      self->peak = self->live;
      self->peak_phase = self->phase;
    }
}

/*
 * hr_ledger_enter_phase:
 * @self: a ledger
 * @phase: a phase
 *
 * Begins a phase; a phase can be entered again. Within a phase that is held, phases are part of it.
 */
void
hr_ledger_enter_phase (HrLedger  *self,
                       HrPhaseId  phase)
{
  if (!self->holds_phase)
    self->phase = phase;
  note_level (self);
}

/*
 * hr_ledger_round:
 * @bytes: what is asked for
 *
 * Gets what the allocator hands out for a request; nothing for nothing.
 *
 * Returns: @bytes, rounded up to a block
 */
guint64
hr_ledger_round (guint64 bytes)
{
  if (bytes > MAX_BYTES)
    return MAX_BYTES;

  return (bytes + HR_LEDGER_BLOCK_BYTES - 1) / HR_LEDGER_BLOCK_BYTES * HR_LEDGER_BLOCK_BYTES;
}

/*
 * hr_ledger_add:
 * @self: a ledger
 * @component: what the memory is for
 * @bytes: how much, already rounded
 *
 * Takes memory.
 */
void
hr_ledger_add (HrLedger      *self,
               HrComponentId  component,
               guint64        bytes)
{
  if (bytes >= MAX_BYTES || self->live.total >= MAX_BYTES)
    {
      self->overflowed = TRUE;
      return;
    }

  self->live.by_component[component] += bytes;
  self->live.total += bytes;
  note_level (self);
}

/*
 * hr_ledger_remove:
 * @self: a ledger
 * @component: what the memory was for
 * @bytes: how much, as it was added
 *
 * Gives memory back.
 */
void
hr_ledger_remove (HrLedger      *self,
                  HrComponentId  component,
                  guint64        bytes)
{
  if (self->overflowed)
    return;

  g_return_if_fail (self->live.by_component[component] >= bytes);

  self->live.by_component[component] -= bytes;
  self->live.total -= bytes;
}

/*
 * hr_ledger_move:
 * @self: a ledger
 * @from: what the memory was for
 * @to: what it is for now
 * @bytes: how much
 *
 * Says that memory serves another purpose from now on.
 */
void
hr_ledger_move (HrLedger      *self,
                HrComponentId  from,
                HrComponentId  to,
                guint64        bytes)
{
  if (self->overflowed)
    return;

  g_return_if_fail (self->live.by_component[from] >= bytes);

  self->live.by_component[from] -= bytes;
  self->live.by_component[to] += bytes;
}

/*
 * hr_ledger_reach:
 * @self: a ledger
 * @level: a level
 *
 * Books that @level is reached for a moment, without saying by which additions.
 *
 * Returns: whether it is a new peak
 */
gboolean
hr_ledger_reach (HrLedger      *self,
                 const HrLevel *level)
{
  if (level->total > self->phase_peaks[self->phase])
    self->phase_peaks[self->phase] = level->total;

  if (level->total <= self->peak.total)
    return FALSE;

  self->peak = *level;
  self->peak_phase = self->phase;

  return TRUE;
}

/*
 * hr_ledger_set:
 * @self: a ledger
 * @level: what is held from now on
 *
 * Changes what is held, as a stretch of work does that is not booked one by one.
 */
void
hr_ledger_set (HrLedger      *self,
               const HrLevel *level)
{
  if (level->total >= MAX_BYTES)
    {
      self->overflowed = TRUE;
      return;
    }

  self->live = *level;
  note_level (self);
}
