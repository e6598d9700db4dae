/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-pipeline-schedule.h"

/* How many forward passes of a rank in a step are listed. */
#define MAX_PASSES 1048576

/* torch 2.14, torch/distributed/pipelining/schedules.py: what a rank runs, one action after the other. */

/* What a rank runs, and how often each of its parts has run each kind of action. */
typedef struct
{
  guint64 n_ranks;
  guint64 n_parts;
  guint64 n_micro_batches;
  guint64 rank;
  guint64 (*n_done)[HR_N_PIPELINE_ACTIONS];
  GArray *actions;
  GArray *waiting; /* whose gradients of weights are to come, in DualPipeV */
} Run;

static void
add (Run                  *self,
     guint64               part,
     HrPipelineActionKind  kind,
     guint64               micro_batch)
{
  HrPipelineAction action = { kind, part, micro_batch };

  /* Micro-batches that fill the pipeline where there are fewer are left out. */
  if (micro_batch < self->n_micro_batches)
    g_array_append_val (self->actions, action);
}

static void
run (Run                  *self,
     guint64               part,
     HrPipelineActionKind  kind)
{
  add (self, part, kind, self->n_done[part][kind]++);
}

/* ScheduleGPipe; with several parts ScheduleLoopedBFS, which goes back from the last micro-batch. */
static void
run_all (Run *self)
{
  for (guint64 i = 0; i < self->n_micro_batches * self->n_parts; i++)
    run (self, i / self->n_micro_batches, HR_PIPELINE_ACTION_FORWARD);
  for (guint64 i = self->n_micro_batches * self->n_parts; i-- > 0; )
    {
      if (self->n_parts == 1)
        run (self, 0, HR_PIPELINE_ACTION_BACKWARD);
      else
        add (self, i / self->n_micro_batches, HR_PIPELINE_ACTION_BACKWARD, i % self->n_micro_batches);
    }
}

/* Schedule1F1B: as many forward passes before the first backward pass as there are stages from this one on. */
static void
run_alternating (Run *self)
{
  guint64 n_before = MIN (self->n_micro_batches, self->n_ranks - self->rank);

  for (guint64 i = 0; i < n_before; i++)
    run (self, 0, HR_PIPELINE_ACTION_FORWARD);
  for (guint64 i = 0; i < self->n_micro_batches; i++)
    {
      run (self, 0, HR_PIPELINE_ACTION_BACKWARD);
      if (i + n_before < self->n_micro_batches)
        run (self, 0, HR_PIPELINE_ACTION_FORWARD);
    }
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
  HrPipelineActionKind backward = splits ? HR_PIPELINE_ACTION_INPUTS : HR_PIPELINE_ACTION_BACKWARD;
  guint64 n_round = count_per_round (self);
  guint64 n_all = self->n_micro_batches * self->n_parts;
  guint64 n_hops = (splits ? 1 : 2) * (self->n_ranks - 1 - self->rank);
  guint64 n_before = MIN (n_all, (self->n_parts - 1) * n_round + n_hops);
  guint64 n_weights = 0;

  for (guint64 i = 0; i < n_all + n_before; i++)
    {
      guint64 back = i - n_before;

      if (i < n_all)
        run (self, i / n_round % self->n_parts, HR_PIPELINE_ACTION_FORWARD);
      if (i < n_before)
        continue;

      run (self, self->n_parts - 1 - back / n_round % self->n_parts, backward);
      if (splits && back >= self->rank)
        run (self, self->n_parts - 1 - n_weights++ / n_round % self->n_parts, HR_PIPELINE_ACTION_WEIGHTS);
    }
  while (splits && n_weights < n_all)
    run (self, self->n_parts - 1 - n_weights++ / n_round % self->n_parts, HR_PIPELINE_ACTION_WEIGHTS);
}

/* The gradients of inputs, and of weights right behind. */
static void
run_both (Run     *self,
          guint64  part)
{
  run (self, part, HR_PIPELINE_ACTION_INPUTS);
  run (self, part, HR_PIPELINE_ACTION_WEIGHTS);
}

/* ScheduleZBVZeroBubble, which is symmetric: forward passes of the second parts come back through the ranks. */
static void
run_vee (Run *self)
{
  guint64 n_all = MAX (2 * self->n_ranks - 1, self->n_micro_batches);
  guint64 (*n)[HR_N_PIPELINE_ACTIONS] = self->n_done;

  for (guint64 i = 0; i < 2 * (self->n_ranks - self->rank) - 1; i++)
    run (self, 0, HR_PIPELINE_ACTION_FORWARD);
  for (guint64 i = 0; i < self->rank; i++)
    {
      run (self, 1, HR_PIPELINE_ACTION_FORWARD);
      run (self, 0, HR_PIPELINE_ACTION_FORWARD);
    }
  for (guint64 i = 0; i < self->n_ranks - self->rank; i++)
    {
      run (self, 1, HR_PIPELINE_ACTION_FORWARD);
      run_both (self, 1);
    }
  while (n[1][HR_PIPELINE_ACTION_FORWARD] < n[0][HR_PIPELINE_ACTION_FORWARD] ||
         n[0][HR_PIPELINE_ACTION_FORWARD] < n_all)
    {
      if (n[0][HR_PIPELINE_ACTION_FORWARD] < n_all)
        run (self, 0, HR_PIPELINE_ACTION_FORWARD);
      run_both (self, 0);
      run (self, 1, HR_PIPELINE_ACTION_FORWARD);
      run_both (self, 1);
    }
  for (guint64 i = 0; i < self->rank; i++)
    {
      run (self, 0, HR_PIPELINE_ACTION_INPUTS);
      run (self, 1, HR_PIPELINE_ACTION_INPUTS);
    }
  for (guint64 i = 0; i < self->n_ranks - self->rank; i++)
    run_both (self, 0);
  for (guint64 part = 2; part-- > 0; )
    {
      while (n[part][HR_PIPELINE_ACTION_WEIGHTS] < n[part][HR_PIPELINE_ACTION_INPUTS])
        run (self, part, HR_PIPELINE_ACTION_WEIGHTS);
    }
}

/* A backward pass of DualPipeV; of what is split, the gradients of weights wait in a queue. */
static void
run_back (Run      *self,
          guint64   part,
          gboolean  splits)
{
  HrPipelineAction action = { HR_PIPELINE_ACTION_WEIGHTS, part, self->n_done[part][HR_PIPELINE_ACTION_INPUTS]++ };

  if (splits)
    g_array_append_val (self->waiting, action);
  add (self, part, splits ? HR_PIPELINE_ACTION_INPUTS : HR_PIPELINE_ACTION_BACKWARD, action.micro_batch);
}

static void
run_first_waiting (Run *self)
{
  HrPipelineAction action;

  if (self->waiting->len == 0)
    return;

  action = g_array_index (self->waiting, HrPipelineAction, 0);
  g_array_remove_index (self->waiting, 0);
  add (self, action.part, action.kind, action.micro_batch);
}

static void
run_pair (Run     *self,
          guint64  forward,
          guint64  backward)
{
  run (self, forward, HR_PIPELINE_ACTION_FORWARD);
  run_back (self, backward, FALSE);
}

/* ScheduleDualPipeV; a forward and a backward pass that are one action (OVERLAP_F_B) run one after the other. */
static void
run_dual (Run *self)
{
  guint64 n_behind = self->n_ranks - self->rank - 1;
  gboolean splits = FALSE;

  for (guint64 i = 0; i < 2 * n_behind; i++)
    run (self, 0, HR_PIPELINE_ACTION_FORWARD);
  for (guint64 i = 0; i <= self->rank; i++)
    {
      run (self, 0, HR_PIPELINE_ACTION_FORWARD);
      run (self, 1, HR_PIPELINE_ACTION_FORWARD);
    }
  for (guint64 i = 0; i < n_behind; i++)
    {
      run_back (self, 1, TRUE);
      run_first_waiting (self);
      run (self, 1, HR_PIPELINE_ACTION_FORWARD);
    }
  for (guint64 i = 2 * self->n_ranks; i < self->n_micro_batches + self->rank + 1; i++)
    {
      run_pair (self, 0, 1);
      run_pair (self, 1, 0);
    }
  for (guint64 i = 0; i < n_behind; i++)
    {
      run_back (self, 1, FALSE);
      run_pair (self, 1, 0);
    }
  for (guint64 i = 0; i <= self->rank; i++)
    {
      gboolean is_half = i == (self->rank + 1) / 2;

      splits |= is_half && self->rank % 2 == 1;
      run_back (self, 1, splits);
      splits |= is_half && self->rank % 2 == 0;
      run_back (self, 0, splits);
    }
  for (guint64 i = 0; i < n_behind; i++)
    {
      run_first_waiting (self);
      run_back (self, 0, splits);
    }
  for (guint64 i = 0; i <= self->rank; i++)
    run_first_waiting (self);
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
  if (n_ranks < 2 || n_parts == 0 || n_micro_batches == 0 || n_micro_batches > MAX_PASSES / n_parts)
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

    case HR_PIPELINE_SCHEDULE_DUALPIPE_V:
      return n_parts == 2 && n_micro_batches >= 2 * n_ranks;

    default:
      return FALSE;
    }
}

/*
 * hr_pipeline_schedule_splits:
 * @schedule: a schedule
 *
 * Returns: whether the gradients of weights come later than those of inputs, at least of some micro-batches
 */
gboolean
hr_pipeline_schedule_splits (HrPipelineSchedule schedule)
{
  return schedule == HR_PIPELINE_SCHEDULE_ZERO_BUBBLE || hr_pipeline_schedule_goes_back (schedule);
}

/*
 * hr_pipeline_schedule_goes_back:
 * @schedule: a schedule
 *
 * Returns: whether the second parts of the ranks come in the opposite order, so that the last rank hands tensors over
 *   to itself, and the first one has both ends of the model
 */
gboolean
hr_pipeline_schedule_goes_back (HrPipelineSchedule schedule)
{
  return schedule == HR_PIPELINE_SCHEDULE_ZBV || schedule == HR_PIPELINE_SCHEDULE_DUALPIPE_V;
}

/*
 * hr_pipeline_schedule_list:
 * @schedule: a schedule that is known
 * @n_ranks: how many ranks the pipeline has
 * @n_parts: how many parts of the layers each of them has
 * @n_micro_batches: how many micro-batches a step has
 * @rank: one of the ranks
 *
 * Lists what a rank computes in a step.
 *
 * Returns: (transfer full) (element-type HrPipelineAction): the actions, in their order
 */
GArray *
hr_pipeline_schedule_list (HrPipelineSchedule schedule,
                           guint64            n_ranks,
                           guint64            n_parts,
                           guint64            n_micro_batches,
                           guint64            rank)
{
  g_autofree guint64 (*n_done)[HR_N_PIPELINE_ACTIONS] = g_malloc0_n (n_parts, sizeof *n_done);
  g_autoptr (GArray) waiting = g_array_new (FALSE, FALSE, sizeof (HrPipelineAction));
  Run self = { n_ranks, n_parts, n_micro_batches, rank, n_done,
               g_array_new (FALSE, FALSE, sizeof (HrPipelineAction)), waiting };

  switch (schedule)
    {
    case HR_PIPELINE_SCHEDULE_GPIPE:
      run_all (&self);
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

    case HR_PIPELINE_SCHEDULE_DUALPIPE_V:
      run_dual (&self);
      break;

    default:
      g_warn_if_reached ();
    }

  return self.actions;
}

/* How many parts have their parameters whole at a time, and are next (_add_unshard_reshard). */
#define MAX_ACTIVE_PARTS 3

typedef struct
{
  const GArray *actions;
  guint64 n_parts;
  gboolean *is_whole;   /* of each part */
  gboolean *is_awaited; /* whether it has been gathered and not used yet */
  guint64 *n_left;      /* micro-batches that have not come back */
  GArray *result;
} Sharding;

static void
add_for_part (Sharding             *self,
              guint                 part,
              HrPipelineActionKind  kind)
{
  HrPipelineAction action = { kind, part, 0 };

  g_array_append_val (self->result, action);
}

/* Lists the parts that the next actions are of, each once. */
static guint
list_next (const Sharding *self,
           guint           first,
           guint          *next)
{
  guint n = 0;

  for (guint i = first; i < self->actions->len && n < MAX_ACTIVE_PARTS; i++)
    {
      guint part = g_array_index (self->actions, HrPipelineAction, i).part;
      gboolean is_listed = FALSE;

      for (guint j = 0; j < n; j++)
        is_listed |= next[j] == part;
      if (!is_listed)
        next[n++] = part;
    }

  return n;
}

static void
choose_parts (Sharding *self,
              guint     first)
{
  guint next[MAX_ACTIVE_PARTS];
  guint n = list_next (self, first, next);

  for (guint part = 0; part < self->n_parts; part++)
    {
      gboolean is_next = FALSE;

      for (guint i = 0; i < n; i++)
        is_next |= next[i] == part;
      if (is_next || !self->is_whole[part])
        continue;
      add_for_part (self, part, HR_PIPELINE_ACTION_LET_GO);
      self->is_whole[part] = FALSE;
    }
  for (guint i = 0; i < n; i++)
    {
      if (self->is_whole[next[i]])
        continue;
      add_for_part (self, next[i], HR_PIPELINE_ACTION_GATHER);
      self->is_whole[next[i]] = self->is_awaited[next[i]] = TRUE;
    }
}

static gboolean
ends_micro_batch (const HrPipelineAction *action)
{
  return action->kind == HR_PIPELINE_ACTION_BACKWARD || action->kind == HR_PIPELINE_ACTION_WEIGHTS;
}

static void
shard_action (Sharding *self,
              guint     i,
              gboolean  is_runtime)
{
  const HrPipelineAction *action = &g_array_index (self->actions, HrPipelineAction, i);

  if (is_runtime)
    choose_parts (self, i);
  if (self->is_awaited[action->part])
    add_for_part (self, action->part, HR_PIPELINE_ACTION_AWAIT);
  self->is_awaited[action->part] = FALSE;
  g_array_append_val (self->result, *action);
  if (!ends_micro_batch (action) || --self->n_left[action->part] > 0)
    return;

  add_for_part (self, action->part, HR_PIPELINE_ACTION_REDUCE);
  self->is_whole[action->part] = FALSE;
}

/*
 * hr_pipeline_schedule_shard:
 * @schedule: a schedule that is known
 * @n_parts: how many parts of the layers each rank has
 * @n_micro_batches: how many micro-batches a step has
 * @actions: (element-type HrPipelineAction): what a rank computes in a step
 *
 * Adds what is done to parameters and gradients that ranks share (_add_unshard_reshard and _add_reduce_grad of
 * torch/distributed/pipelining/schedules.py): a schedule of one stage for each rank leaves it to the modules to gather
 * what they need.
 *
 * Returns: (transfer full) (element-type HrPipelineAction): all actions, in their order
 */
GArray *
hr_pipeline_schedule_shard (HrPipelineSchedule  schedule,
                            guint64             n_parts,
                            guint64             n_micro_batches,
                            const GArray       *actions)
{
  gboolean is_runtime = n_parts > 1 || hr_pipeline_schedule_splits (schedule);
  g_autofree gboolean *is_whole = g_new0 (gboolean, n_parts);
  g_autofree gboolean *is_awaited = g_new0 (gboolean, n_parts);
  g_autofree guint64 *n_left = g_new (guint64, n_parts);
  Sharding self = { actions, n_parts, is_whole, is_awaited, n_left,
                    g_array_new (FALSE, FALSE, sizeof (HrPipelineAction)) };

  for (guint64 i = 0; i < n_parts; i++)
    n_left[i] = n_micro_batches;
  for (guint i = 0; i < actions->len; i++)
    shard_action (&self, i, is_runtime);

  return self.result;
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
  g_autoptr (GArray) actions = hr_pipeline_schedule_list (schedule, n_ranks, n_parts, n_micro_batches, rank);
  HrPipelineLoad now = { 0 };

  *load = (HrPipelineLoad) { 0 };
  for (guint i = 0; i < actions->len; i++)
    {
      const HrPipelineAction *action = &g_array_index (actions, HrPipelineAction, i);
      gboolean ends = ends_micro_batch (action);

      now.n_kept += (action->kind == HR_PIPELINE_ACTION_FORWARD) - ends;
      now.n_first += action->part == 0 ? (action->kind == HR_PIPELINE_ACTION_FORWARD) - ends : 0;
      now.n_waiting += (action->kind == HR_PIPELINE_ACTION_INPUTS) - (action->kind == HR_PIPELINE_ACTION_WEIGHTS);
      if (now.n_kept > load->n_kept || (now.n_kept == load->n_kept && now.n_waiting > load->n_waiting))
        *load = now;
    }
}

/*
 * hr_pipeline_schedule_deal_layers:
 * @n_layers: how many layers a model has
 * @n_stages: how many stages they are dealt to
 * @stage: one of them
 * @first_weight: as how many layers the embedding counts
 * @last_weight: as how many the head does
 *
 * Deals layers out as torchtitan does (_generate_llm_fqn_per_model_part in its distributed/pipeline_parallel.py): what
 * is left when all stages have as many goes to the first ones.
 *
 * Returns: how many layers the stage gets; 0 where that would be none, or fewer
 */
guint64
hr_pipeline_schedule_deal_layers (guint64 n_layers,
                                  guint64 n_stages,
                                  guint64 stage,
                                  guint64 first_weight,
                                  guint64 last_weight)
{
  guint64 n_counted = n_layers + first_weight + last_weight;
  guint64 n = n_counted / n_stages + (stage < n_counted % n_stages);
  guint64 weight = (stage == 0 ? first_weight : 0) + (stage + 1 == n_stages ? last_weight : 0);

  return n > weight ? n - weight : 0;
}
