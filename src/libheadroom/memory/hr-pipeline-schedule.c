/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-pipeline-schedule.h"

/* torch 2.14, torch/distributed/pipelining/schedules.py: what a rank runs, one action after the other. */

typedef enum
{
  FORWARD,
  INPUTS,   /* gradients of inputs */
  WEIGHTS,  /* gradients of weights, for which what the forward pass has left stays until then */
  N_ACTIONS,
} Action;

/* A rank, and what it has run. */
typedef struct
{
  guint64 n_ranks;
  guint64 n_parts;
  guint64 n_micro_batches;
  guint64 rank;
  guint64 n_done[2][N_ACTIONS]; /* of the first part, and of all others */
  HrPipelineLoad *most;
} Run;

static void
note (Run *self)
{
  guint64 n_first = self->n_done[0][FORWARD] - self->n_done[0][WEIGHTS];
  guint64 n_kept = n_first + self->n_done[1][FORWARD] - self->n_done[1][WEIGHTS];
  guint64 n_waiting = self->n_done[0][INPUTS] + self->n_done[1][INPUTS] - self->n_done[0][WEIGHTS] -
                      self->n_done[1][WEIGHTS];

  if (n_kept > self->most->n_kept || (n_kept == self->most->n_kept && n_waiting > self->most->n_waiting))
    *self->most = (HrPipelineLoad) { n_kept, n_waiting, n_first };
}

static void
run (Run    *self,
     guint64 part,
     Action  action)
{
  self->n_done[part > 0][action]++;
  note (self);
}

/* Both gradients at once. */
static void
run_backward (Run    *self,
              guint64 part)
{
  guint64 *n_done = self->n_done[part > 0];

  n_done[INPUTS]++;
  n_done[WEIGHTS]++;
  note (self);
}

/* Schedule1F1B: as many forward passes before the first backward pass as there are stages from this one on. */
static void
run_alternating (Run *self)
{
  guint64 n_before = MIN (self->n_micro_batches, self->n_ranks - self->rank);

  for (guint64 i = 0; i < n_before; i++)
    run (self, 0, FORWARD);
}

static guint64
count_per_round (const Run *self)
{
  return self->n_micro_batches / MAX (1, self->n_micro_batches / self->n_ranks);
}

/* _get_1f1b_rank_ops, for ScheduleInterleaved1F1B and ScheduleInterleavedZeroBubble. */
static void
run_interleaved (Run      *self,
                 gboolean  splits)
{
  guint64 n_round = count_per_round (self);
  guint64 n_all = self->n_micro_batches * self->n_parts;
  guint64 n_hops = (splits ? 1 : 2) * (self->n_ranks - 1 - self->rank);
  guint64 n_before = MIN (n_all, (self->n_parts - 1) * n_round + n_hops);
  guint64 n_weights = 0;

  for (guint64 i = 0; i < n_all + n_before; i++)
    {
      guint64 back = i - n_before;

      if (i < n_all)
        run (self, i / n_round % self->n_parts, FORWARD);
      if (i < n_before)
        continue;

      if (splits)
        run (self, self->n_parts - 1 - back / n_round % self->n_parts, INPUTS);
      else
        run_backward (self, self->n_parts - 1 - back / n_round % self->n_parts);
      if (splits && back >= self->rank)
        run (self, self->n_parts - 1 - n_weights++ / n_round % self->n_parts, WEIGHTS);
    }
}

/* Micro-batches that fill the pipeline where there are fewer are left out. */
static void
run_if_any (Run    *self,
            guint64 part,
            Action  action,
            guint64 *n)
{
  if ((*n)++ < self->n_micro_batches)
    run (self, part, action);
}

/* ScheduleZBVZeroBubble, which is symmetric: forward passes of the second parts come back through the ranks. */
static void
run_vee (Run *self)
{
  guint64 n_all = MAX (2 * self->n_ranks - 1, self->n_micro_batches);
  guint64 n[2][N_ACTIONS] = { { 0 } };

  for (guint64 i = 0; i < 2 * (self->n_ranks - self->rank) - 1; i++)
    run_if_any (self, 0, FORWARD, &n[0][FORWARD]);
  for (guint64 i = 0; i < self->rank; i++)
    {
      run_if_any (self, 1, FORWARD, &n[1][FORWARD]);
      run_if_any (self, 0, FORWARD, &n[0][FORWARD]);
    }
  for (guint64 i = 0; i < self->n_ranks - self->rank; i++)
    {
      for (guint action = 0; action < N_ACTIONS; action++)
        run_if_any (self, 1, action, &n[1][action]);
    }
  while (n[1][FORWARD] < n[0][FORWARD] || n[0][FORWARD] < n_all)
    {
      for (guint action = n[0][FORWARD] < n_all ? FORWARD : INPUTS; action < N_ACTIONS; action++)
        run_if_any (self, 0, action, &n[0][action]);
      for (guint action = 0; action < N_ACTIONS; action++)
        run_if_any (self, 1, action, &n[1][action]);
    }
  /* From here on nothing more is kept, and more waits at the most. */
  for (guint64 i = 0; i < self->rank; i++)
    {
      run_if_any (self, 0, INPUTS, &n[0][INPUTS]);
      run_if_any (self, 1, INPUTS, &n[1][INPUTS]);
    }
}

/*
 * hr_pipeline_schedule_is_known:
 * @schedule: a schedule
 * @n_ranks: how many ranks the pipeline has
 * @n_parts: how many parts of the layers each of them has
 * @n_micro_batches: how many micro-batches a step has
 *
 * Returns: whether the schedule is one of so many parts and micro-batches
 */
gboolean
hr_pipeline_schedule_is_known (HrPipelineSchedule schedule,
                               guint64            n_ranks,
                               guint64            n_parts,
                               guint64            n_micro_batches)
{
  if (n_ranks < 2 || n_parts == 0 || n_micro_batches == 0)
    return FALSE;

  switch (schedule)
    {
    case HR_PIPELINE_SCHEDULE_GPIPE:
      return TRUE;

    case HR_PIPELINE_SCHEDULE_1F1B:
      return n_parts == 1 || n_micro_batches % MAX (1, n_micro_batches / n_ranks) == 0;

    case HR_PIPELINE_SCHEDULE_ZERO_BUBBLE:
      return n_micro_batches % MAX (1, n_micro_batches / n_ranks) == 0;

    case HR_PIPELINE_SCHEDULE_ZBV:
      return n_parts == 2;

    default:
      return FALSE;
    }
}

/*
 * hr_pipeline_schedule_count:
 * @schedule: a schedule that is known
 * @n_ranks: how many ranks the pipeline has
 * @n_parts: how many parts of the layers each of them has
 * @n_micro_batches: how many micro-batches a step has
 * @rank: one of the ranks
 * @load: (out): what it keeps
 *
 * Counts what a rank keeps for backward passes when it is most, and of these when most gradients of weights wait.
 */
void
hr_pipeline_schedule_count (HrPipelineSchedule  schedule,
                            guint64             n_ranks,
                            guint64             n_parts,
                            guint64             n_micro_batches,
                            guint64             rank,
                            HrPipelineLoad     *load)
{
  Run self = { n_ranks, n_parts, n_micro_batches, rank, { { 0 } }, load };

  *load = (HrPipelineLoad) { 0 };
  switch (schedule)
    {
    case HR_PIPELINE_SCHEDULE_GPIPE:
      /* With several parts this is ScheduleLoopedBFS. */
      *load = (HrPipelineLoad) { n_micro_batches * n_parts, 0, n_micro_batches };
      break;

    case HR_PIPELINE_SCHEDULE_1F1B:
      if (n_parts == 1)
        run_alternating (&self);
      else
        run_interleaved (&self, FALSE);
      break;

    case HR_PIPELINE_SCHEDULE_ZERO_BUBBLE:
      run_interleaved (&self, TRUE);
      break;

    case HR_PIPELINE_SCHEDULE_ZBV:
      run_vee (&self);
      break;

    default:
      g_return_if_reached ();
    }
}
