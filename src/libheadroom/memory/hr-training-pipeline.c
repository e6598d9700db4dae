/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-pipeline.h"

#include "hr-deepspeed-pipeline.h"
#include "hr-pipeline-schedule.h"
#include "hr-sharding-stage.h"

/*
 * A step of a rank of a pipeline that torch.distributed.pipelining or DeepSpeed runs. What each kind of action does to
 * the memory is the same for all micro-batches of a part that find the same there of it: parameters that are whole,
 * gradients of parameters. It is rehearsed once for each of these states, and the schedule adds up the rest. The
 * micro-batch at whose action most is held is replayed between all others, and so is what is done to all parameters of
 * a part while most is held.
 */

/* What there is of gradients of a part's parameters. */
enum
{
  HAS_GRADIENTS = 1 << 0, /* that have come */
  HAS_SUMS = 1 << 1,      /* that have been added up in another data type */
  N_STATES = 1 << 2,
};

/* A forward pass finds parameters whole, or gathers them. */
enum
{
  GATHERS,
  FINDS_WHOLE,
};

/* What an action does to the memory: what it leaves more, in numbers that wrap, and how far it goes meanwhile. */
typedef struct
{
  HrLevel change;
  guint64 highest;
} Cost;

/* A part of a rank's layers, which is a stage among those of all ranks. */
typedef struct
{
  HrTraining training;
  gboolean is_first;    /* of all stages */
  gboolean is_last;
  gboolean is_given;    /* by another part of the rank */
  gboolean hands_over;  /* to another part of the rank */
  HrShardedStage stage; /* its parameters, where ranks share them */
  Cost costs[HR_N_PIPELINE_ACTIONS][N_STATES];
} Part;

/* A part in the middle of a step. */
typedef struct
{
  guint gradients;
  gboolean is_whole;
} PartState;

/* A rank in the middle of a step. */
typedef struct
{
  const HrTraining *training;
  const HrReplay *replay;
  GArray *actions;
  Part *parts;
  PartState *states; /* of each part */
  guint64 hidden;          /* bytes of what a stage sends */
  guint64 logits;          /* and of what the last one makes */
  HrLevel level;
  guint n_done;
  guint highest_of_all; /* the action for all parameters of a part that is replayed */
} Walk;

static void
add_level (HrLevel       *level,
           const HrLevel *change)
{
  level->total += change->total;
  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    level->by_component[i] += change->by_component[i];
  for (guint i = 0; i < HR_N_GROWTHS; i++)
    level->activations[i] += change->activations[i];
}

static HrLevel
get_change (const HrLevel *before,
            const HrLevel *after)
{
  HrLevel change = *after;

  change.total -= before->total;
  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    change.by_component[i] -= before->by_component[i];
  for (guint i = 0; i < HR_N_GROWTHS; i++)
    change.activations[i] -= before->activations[i];

  return change;
}

/* The stage that a part is, among those of all ranks. */
static guint64
get_stage (const HrTrainingPipeline *self,
           guint64                   part)
{
  if (hr_pipeline_schedule_goes_back (self->schedule) && part % 2 == 1)
    return (part + 1) * self->n_ranks - 1 - self->rank;

  return part * self->n_ranks + self->rank;
}

static Part *
list_parts (const HrTraining *self)
{
  const HrTrainingPipeline *pipeline = &self->pipeline;
  guint64 n_stages = pipeline->n_ranks * pipeline->n_parts;
  Part *parts = g_new0 (Part, pipeline->n_parts);

  for (guint64 i = 0; i < pipeline->n_parts; i++)
    {
      guint64 stage = get_stage (pipeline, i);
      Part *part = &parts[i];

      part->training = *self;
      part->is_first = stage == 0;
      part->is_last = stage + 1 == n_stages;
      part->is_given = i > 0 && get_stage (pipeline, i - 1) + 1 == stage;
      part->hands_over = i + 1 < pipeline->n_parts && get_stage (pipeline, i + 1) == stage + 1;
      part->training.pass.has_inputs = part->is_first;
      part->training.pass.has_norm = part->training.pass.has_head = part->is_last;
      part->training.pass.n_layers = self->pass.n_layers / pipeline->n_parts;
      if (pipeline->deals_layers)
        part->training.pass.n_layers =
          hr_pipeline_schedule_deal_layers (pipeline->n_layers, n_stages, stage, pipeline->first_weight,
                                            pipeline->last_weight);
      part->training.sharding.has_embedding = part->is_first;
      part->training.sharding.has_head = part->is_last;
      part->stage = (HrShardedStage) { part->training.sharding, part->training.pass.n_layers };
    }

  return parts;
}

static gboolean
sums_up (const Part *self)
{
  return self->training.sharding.is_staged && hr_sharded_stage_sums_up (&self->stage);
}

/*
 * args_recv_info and grad_recv_info of torch/distributed/pipelining/stage.py: a buffer for each micro-batch of the
 * step, which stays. What the rank hands over to itself takes their place until the next step (set_local_fwd_input,
 * set_local_bwd_input).
 */
static HrValue
make_received_for_all (const HrTraining *self,
                       HrReplay         *replay,
                       const char       *variable,
                       guint64           n_parts)
{
  HrSymbol tokens = replay->divides_sequence ? HR_SYMBOL_SEQUENCE_SHARE : HR_SYMBOL_SEQUENCE;
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, tokens, HR_SYMBOL_HIDDEN);
  guint64 before = replay->ledger.live.total;
  HrValue one = hr_replay_make (replay, "empty", variable, HR_COMPONENT_COMMUNICATION, shape);

  hr_ledger_add (&replay->ledger, HR_COMPONENT_COMMUNICATION,
                 (n_parts * self->accumulation_steps - 1) * (replay->ledger.live.total - before));

  return one;
}

/*
 * Of the tokens that ranks share between the matrices of their layers each hands its own over, to the rank that has
 * them in the next stage.
 */
static guint64
get_hidden_bytes (const HrTraining *self,
                  const HrReplay   *replay)
{
  guint64 n_tokens = replay->divides_sequence ? self->sequence_share : self->pass.prompt;

  return hr_ledger_round (self->pass.batch * n_tokens * replay->symbols[HR_SYMBOL_HIDDEN] *
                          hr_element_get_bytes (replay->dtype));
}

static guint64
get_logit_bytes (const HrTraining *self,
                 const HrReplay   *replay)
{
  return hr_ledger_round (self->pass.batch * self->pass.prompt * replay->symbols[HR_SYMBOL_VOCABULARY] *
                          hr_element_get_bytes (replay->dtype));
}

/*
 * What a step leaves beside gradients of parameters: where the gradients of inputs are made by themselves, they stay
 * with what was received until the next step begins (stage_backward_input of torch/distributed/pipelining/_backward.py,
 * clear_runtime_states of stage.py). What was handed over by another part is received by that in their place.
 */
static guint64
get_left_bytes (const HrTraining *self,
                const HrReplay   *replay)
{
  const HrTrainingPipeline *pipeline = &self->pipeline;
  g_autoptr (GArray) actions = hr_pipeline_schedule_list (pipeline->schedule, pipeline->n_ranks, pipeline->n_parts,
                                                          self->accumulation_steps, pipeline->rank);
  g_autofree Part *parts = list_parts (self);
  guint64 n = 0;

  if (pipeline->is_deepspeed)
    return hr_deepspeed_pipeline_get_left (self);

  for (guint i = 0; i < actions->len; i++)
    {
      const HrPipelineAction *action = &g_array_index (actions, HrPipelineAction, i);
      const Part *part = &parts[action->part];

      n += action->kind == HR_PIPELINE_ACTION_INPUTS && !part->is_first && !part->is_given;
    }

  return n * get_hidden_bytes (self, replay);
}

/*
 * hr_training_count_brought:
 * @self: what is to be replayed
 *
 * Returns: of how many micro-batches a rank of a pipeline has what it is given, tokens or labels, at once
 */
guint64
hr_training_count_brought (const HrTraining *self)
{
  return self->pipeline.is_deepspeed ? hr_deepspeed_pipeline_count_slots (self) : self->accumulation_steps;
}

/*
 * hr_training_make_received:
 * @self: what is to be replayed
 * @replay: a tape, on which no step has begun
 *
 * Makes what a rank of a pipeline receives, of all micro-batches.
 */
void
hr_training_make_received (const HrTraining *self,
                           HrReplay         *replay)
{
  guint64 n_given = self->pipeline.n_parts - (self->pass.has_inputs ? 1 : 0);
  guint64 n_given_back = self->pipeline.n_parts - (self->pass.has_head ? 1 : 0);

  if (self->pipeline.is_deepspeed)
    {
      hr_deepspeed_pipeline_make_buffers (self, replay);
      return;
    }

  replay->symbols[HR_SYMBOL_SEQUENCE] = self->pass.prompt;
  if (n_given > 0)
    replay->received = make_received_for_all (self, replay, "args_recv_info", n_given);
  if (n_given_back > 0)
    replay->received_gradient = make_received_for_all (self, replay, "grad_recv_info", n_given_back);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_COMMUNICATION, get_left_bytes (self, replay));
}

static void
note_cost (Cost          *cost,
           HrReplay      *rehearsal,
           const HrLevel *before)
{
  cost->change = get_change (before, &rehearsal->ledger.live);
  cost->highest = rehearsal->ledger.peak.total - before->total;
}

static HrLevel
begin_cost (HrReplay *rehearsal)
{
  rehearsal->ledger.peak = rehearsal->ledger.live;

  return rehearsal->ledger.live;
}

/* All that forward and backward passes have left goes, but for gradients of parameters. */
static void
let_go (Cost          *cost,
        const HrLevel *before,
        const HrLevel *last,
        const HrLevel *after)
{
  const HrComponentId gradients = HR_COMPONENT_GRADIENTS;

  cost->change = get_change (last, before);
  cost->change.by_component[gradients] = after->by_component[gradients] - last->by_component[gradients];
  cost->change.total += after->by_component[gradients] - before->by_component[gradients];
}

/*
 * The first stage has no gradients of inputs to make, and goes all the way back when those of weights are due
 * (backward_one_chunk and backward_weight_one_chunk of torch/distributed/pipelining/stage.py).
 */
static gboolean
splits (const Part             *self,
        const HrPipelineAction *action)
{
  return !self->is_first && action->kind != HR_PIPELINE_ACTION_BACKWARD;
}

/* Tells a tape what it finds of gradients of parameters when a backward pass begins. */
static void
set_gradients (HrReplay *replay,
               guint     state)
{
  replay->has_gradients = (state & HAS_GRADIENTS) != 0;
  if (replay->sharding != NULL)
    replay->sharding->has_sums = (state & HAS_SUMS) != 0;
}

/* The gradients of a micro-batch's weights, by themselves. */
static void
run_weights (Part         *self,
             HrReplay     *replay,
             HrMicroBatch *micro_batch,
             guint         state)
{
  gboolean sums_others_up = sums_up (self) && self->is_last;

  replay->has_gradients = (state & HAS_GRADIENTS) != 0 && !sums_others_up;
  hr_micro_batch_run_weights (micro_batch);
  if (!sums_others_up)
    return;

  replay->has_gradients = (state & HAS_GRADIENTS) != 0;
  self->stage.sharding.has_sums = (state & HAS_SUMS) != 0;
  hr_sharded_stage_end_weights (&self->stage, replay);
}

static void
rehearse_split (Part         *self,
                HrReplay     *rehearsal,
                HrMicroBatch *micro_batch,
                guint         state,
                HrLevel       start)
{
  Cost *inputs = &self->costs[HR_PIPELINE_ACTION_INPUTS][state];
  Cost *weights = &self->costs[HR_PIPELINE_ACTION_WEIGHTS][state];
  HrLevel before = begin_cost (rehearsal);

  hr_micro_batch_run_backward (micro_batch);
  note_cost (inputs, rehearsal, &before);
  before = begin_cost (rehearsal);
  run_weights (self, rehearsal, micro_batch, state);
  note_cost (weights, rehearsal, &before);
  let_go (weights, &start, &before, &rehearsal->ledger.live);
}

/* Begins a tape on which a part's gradients are in the books. */
static HrReplay *
begin_rehearsal (const Part *self,
                 HrReplay   *replay,
                 guint       state)
{
  HrReplay *rehearsal = hr_replay_copy_empty (replay);
  const HrSharding *sharding = &self->training.sharding;

  rehearsal->timeline = NULL;
  rehearsal->kept_layers = NULL;
  if (sharding->is_staged)
    hr_ledger_add (&rehearsal->ledger, HR_COMPONENT_GRADIENTS,
                   hr_sharded_stage_get_gradient_bytes (&self->stage, (state & HAS_GRADIENTS) != 0,
                                                        (state & HAS_SUMS) != 0));

  return rehearsal;
}

static void
end_rehearsal (HrReplay *self,
               HrReplay *replay)
{
  replay->ledger.overflowed |= self->ledger.overflowed;
  hr_replay_free (self);
}

/* Has a micro-batch of a part run, with or without gradients of its parameters to add to. */
static void
rehearse (Part     *self,
          HrReplay *replay,
          guint     state,
          gboolean  splits_backward)
{
  HrReplay *rehearsal = begin_rehearsal (self, replay, state);
  HrMicroBatch *micro_batch;
  HrLevel start, before;

  rehearsal->splits_backward = splits_backward;
  start = begin_cost (rehearsal);
  micro_batch = hr_micro_batch_run_forward (&self->training, rehearsal, NULL);
  note_cost (&self->costs[HR_PIPELINE_ACTION_FORWARD][FINDS_WHOLE], rehearsal, &start);
  set_gradients (rehearsal, state);
  if (splits_backward)
    rehearse_split (self, rehearsal, micro_batch, state, start);
  else
    {
      before = begin_cost (rehearsal);
      hr_micro_batch_run_backward (micro_batch);
      note_cost (&self->costs[HR_PIPELINE_ACTION_BACKWARD][state], rehearsal, &before);
    }
  hr_micro_batch_free (micro_batch);
  end_rehearsal (rehearsal, replay);
}

/* A forward pass that gathers parameters, which stay. */
static void
rehearse_gathering (Part     *self,
                    HrReplay *replay)
{
  HrReplay *rehearsal = begin_rehearsal (self, replay, 0);
  HrTraining gathering = self->training;
  HrMicroBatch *micro_batch;
  HrLevel start = begin_cost (rehearsal);

  gathering.sharding.gathers = TRUE;
  micro_batch = hr_micro_batch_run_forward (&gathering, rehearsal, NULL);
  note_cost (&self->costs[HR_PIPELINE_ACTION_FORWARD][GATHERS], rehearsal, &start);
  hr_micro_batch_run_backward (micro_batch);
  hr_micro_batch_free (micro_batch);
  end_rehearsal (rehearsal, replay);
}

static gboolean
is_for_all (HrPipelineActionKind kind)
{
  return kind >= HR_PIPELINE_ACTION_GATHER;
}

/* Does what is done to all parameters of a part. */
static void
run_for_all (Part                 *self,
             HrReplay             *replay,
             HrPipelineActionKind  kind,
             guint                 state)
{
  HrShardedStage *stage = &self->stage;

  hr_ledger_enter_phase (&replay->ledger,
                         kind == HR_PIPELINE_ACTION_REDUCE ? HR_PHASE_BACKWARD : HR_PHASE_FORWARD);
  switch ((guint) kind)
    {
    case HR_PIPELINE_ACTION_GATHER:
      hr_sharded_stage_gather (stage, replay);
      break;

    case HR_PIPELINE_ACTION_AWAIT:
      hr_sharded_stage_await (stage, replay);
      break;

    case HR_PIPELINE_ACTION_LET_GO:
      hr_sharded_stage_let_go (stage, replay);
      break;

    default:
      replay->has_gradients = (state & HAS_GRADIENTS) != 0;
      stage->sharding.has_sums = (state & HAS_SUMS) != 0;
      hr_sharded_stage_reduce (stage, replay);
      break;
    }
}

static void
rehearse_for_all (Part                 *self,
                  HrReplay             *replay,
                  HrPipelineActionKind  kind,
                  guint                 state)
{
  HrReplay *rehearsal = begin_rehearsal (self, replay, state);
  guint64 bytes = hr_sharded_stage_get_gathered_bytes (&self->stage, self->training.sharding.gathered_element);
  HrLevel before;

  if (kind == HR_PIPELINE_ACTION_AWAIT && self->training.sharding.n_ranks > 1)
    hr_ledger_add (&rehearsal->ledger, HR_COMPONENT_COMMUNICATION, bytes);
  if (kind == HR_PIPELINE_ACTION_LET_GO || kind == HR_PIPELINE_ACTION_REDUCE)
    hr_ledger_add (&rehearsal->ledger, HR_COMPONENT_TEMPORARY, bytes);
  before = begin_cost (rehearsal);
  run_for_all (self, rehearsal, kind, state);
  note_cost (&self->costs[kind][state], rehearsal, &before);
  end_rehearsal (rehearsal, replay);
}

static void
rehearse_sharding (Part     *self,
                   HrReplay *replay)
{
  rehearse_gathering (self, replay);
  for (guint kind = HR_PIPELINE_ACTION_GATHER; kind < HR_N_PIPELINE_ACTIONS; kind++)
    {
      for (guint state = 0; state < N_STATES; state++)
        {
          if (kind != HR_PIPELINE_ACTION_REDUCE || state != 0)
            rehearse_for_all (self, replay, kind, state);
        }
    }
}

static void
rehearse_part (Part     *self,
               HrReplay *replay,
               gboolean  splits_backward)
{
  for (guint state = 0; state < N_STATES; state++)
    {
      if (!sums_up (self) && state & HAS_SUMS)
        continue;
      rehearse (self, replay, state, FALSE);
      if (splits_backward && !self->is_first)
        rehearse (self, replay, state, TRUE);
      else
        self->costs[HR_PIPELINE_ACTION_WEIGHTS][state] = self->costs[HR_PIPELINE_ACTION_BACKWARD][state];
    }
  if (self->training.sharding.is_staged)
    rehearse_sharding (self, replay);
}

static gboolean
is_alike (const Part *self,
          const Part *other)
{
  return self->is_first == other->is_first && self->is_last == other->is_last &&
         self->training.pass.n_layers == other->training.pass.n_layers;
}

static gboolean
has_kind (const GArray         *actions,
          HrPipelineActionKind  kind)
{
  for (guint i = 0; i < actions->len; i++)
    {
      if (g_array_index (actions, HrPipelineAction, i).kind == kind)
        return TRUE;
    }

  return FALSE;
}

static void
rehearse_parts (const Walk *walk,
                HrReplay   *replay)
{
  gboolean splits_backward = has_kind (walk->actions, HR_PIPELINE_ACTION_INPUTS);
  Part *parts = walk->parts;

  for (guint64 i = 0; i < walk->training->pipeline.n_parts; i++)
    {
      guint64 like = 0;

      while (!is_alike (&parts[like], &parts[i]))
        like++;
      if (like < i)
        {
          memcpy (parts[i].costs, parts[like].costs, sizeof parts[i].costs);
          continue;
        }
      rehearse_part (&parts[i], replay, splits_backward);
    }
}

static void
hold (Walk   *self,
      gint64  bytes)
{
  const guint64 amount = bytes;

  self->level.total += amount;
  self->level.by_component[HR_COMPONENT_COMMUNICATION] += amount;
}

/* Whether the gradient of what a part was given is there when an action has run. */
static gboolean
ends_way (const Part             *self,
          const HrPipelineAction *action)
{
  return action->kind == HR_PIPELINE_ACTION_BACKWARD ||
         action->kind == (self->is_first ? HR_PIPELINE_ACTION_WEIGHTS : HR_PIPELINE_ACTION_INPUTS);
}

/* Schedule1F1B has variables for what it sends, which hold the last of it. */
static gboolean
keeps_last_sent (const HrTrainingPipeline *self)
{
  return self->schedule == HR_PIPELINE_SCHEDULE_1F1B && self->n_parts == 1;
}

/*
 * A variable of ScheduleGPipe and Schedule1F1B holds what the last forward pass has made until the step ends, behind
 * which nothing comes but that gradients are reduced. What ScheduleGPipe sends is held by its work anyway.
 */
static void
hold_last_output (Walk                   *self,
                  const Part             *part,
                  const HrPipelineAction *action)
{
  const HrTrainingPipeline *pipeline = &self->training->pipeline;
  gboolean is_last = action->micro_batch + 1 == self->training->accumulation_steps;

  if (!is_last || action->kind != HR_PIPELINE_ACTION_BACKWARD || pipeline->n_parts > 1 ||
      hr_pipeline_schedule_splits (pipeline->schedule) || (!part->is_last && !keeps_last_sent (pipeline)))
    return;

  hold (self, part->is_last ? self->logits : self->hidden);
}

/*
 * send_work holds what was sent before the last forward pass that comes before all backward passes, until the first
 * backward pass that no forward pass follows; fwd_sends what was sent last, and bwd_sends likewise.
 */
static void
hold_last_sent (Walk                   *self,
                const Part             *part,
                const HrPipelineAction *action)
{
  const HrTrainingPipeline *pipeline = &self->training->pipeline;
  guint64 n_steps = self->training->accumulation_steps;
  guint64 n_before = MIN (n_steps, pipeline->n_ranks - pipeline->rank);
  gboolean is_held = !part->is_last && n_before > 1 && n_before - 2 < n_steps - n_before;

  if (action->kind != HR_PIPELINE_ACTION_BACKWARD)
    return;
  if (!part->is_first && action->micro_batch == 0)
    hold (self, self->hidden);
  if (is_held && action->micro_batch == n_before - 2)
    hold (self, self->hidden);
  if (is_held && action->micro_batch == n_steps - n_before)
    hold (self, -(gint64) self->hidden);
}

/*
 * The works of all that is sent are waited for when the step ends (fwd_sends_to_wait and bwd_sends_to_wait of
 * ScheduleGPipe, send_ops of _PipelineScheduleRuntime); each holds its tensor (outputs_ of WorkNCCL in
 * torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp). What is handed over to another part of the rank takes the place of
 * what was handed over in the step before.
 */
static void
hold_sent (Walk                   *self,
           const Part             *part,
           const HrPipelineAction *action)
{
  if (action->kind == HR_PIPELINE_ACTION_FORWARD)
    {
      if (part->hands_over)
        hold (self, -(gint64) self->hidden);
      return;
    }
  if (!ends_way (part, action))
    return;

  if (!part->is_last)
    hold (self, self->hidden);
  if (!part->is_first && !part->is_given)
    hold (self, self->hidden);
}

static const Cost *
get_cost (const Walk             *self,
          const HrPipelineAction *action)
{
  const PartState *state = &self->states[action->part];
  guint index = action->kind != HR_PIPELINE_ACTION_FORWARD            ? state->gradients
                : self->training->sharding.is_staged && !state->is_whole ? GATHERS
                                                                         : FINDS_WHOLE;

  return &self->parts[action->part].costs[action->kind][index];
}

static const HrPipelineAction *
get_action (const Walk *self,
            guint       i)
{
  return &g_array_index (self->actions, HrPipelineAction, i);
}

/* Where gradients come by hooks, they are added up when all of a group have come (FSDPParamGroup.post_backward). */
static void
note_action (PartState              *self,
             const Part             *part,
             const HrPipelineAction *action)
{
  gboolean has_hooks = action->kind != HR_PIPELINE_ACTION_WEIGHTS || part->is_first;

  switch ((guint) action->kind)
    {
    case HR_PIPELINE_ACTION_FORWARD:
    case HR_PIPELINE_ACTION_AWAIT:
      self->is_whole = TRUE;
      break;

    case HR_PIPELINE_ACTION_INPUTS:
      if (sums_up (part) && !part->is_first && self->gradients & HAS_GRADIENTS)
        self->gradients = HAS_SUMS;
      break;

    case HR_PIPELINE_ACTION_BACKWARD:
    case HR_PIPELINE_ACTION_WEIGHTS:
      self->gradients = sums_up (part) && has_hooks       ? HAS_SUMS
                        : sums_up (part) && part->is_last && self->gradients != 0
                          ? HAS_SUMS | HAS_GRADIENTS
                          : self->gradients | HAS_GRADIENTS;
      break;

    case HR_PIPELINE_ACTION_REDUCE:
      self->gradients = 0;
      break;

    default:
      break;
    }
}

/* _internal_losses holds the losses of all micro-batches until the step ends. */
static void
run_next (Walk *self)
{
  const HrPipelineAction *action = get_action (self, self->n_done++);
  const Part *part = &self->parts[action->part];

  add_level (&self->level, &get_cost (self, action)->change);
  note_action (&self->states[action->part], part, action);
  if (is_for_all (action->kind))
    return;

  if (self->training->pipeline.is_deepspeed)
    {
      hold (self, hr_deepspeed_pipeline_get_held (self->training, self->replay,
                                                  action->kind == HR_PIPELINE_ACTION_FORWARD));
      return;
    }

  hold_last_output (self, part, action);
  if (keeps_last_sent (&self->training->pipeline))
    hold_last_sent (self, part, action);
  else
    hold_sent (self, part, action);
  if (part->is_last && ends_way (part, action))
    hold (self, hr_ledger_round (sizeof (float)));
}

static void
begin_walk (Walk          *self,
            const HrLevel *start)
{
  self->level = *start;
  self->n_done = 0;
  for (guint64 i = 0; i < self->training->pipeline.n_parts; i++)
    self->states[i] = (PartState) { 0 };
}

/* Finds the actions while which most is held, of a micro-batch and for all, the first of those that are alike. */
static guint
find_highest (Walk          *self,
              const HrLevel *start)
{
  guint64 highest[2] = { 0 };
  guint found[2] = { 0, G_MAXUINT };

  begin_walk (self, start);
  for (guint i = 0; i < self->actions->len; i++)
    {
      const HrPipelineAction *action = get_action (self, i);
      guint64 level = self->level.total + get_cost (self, action)->highest;
      gboolean for_all = is_for_all (action->kind);

      if (level > highest[for_all])
        {
          highest[for_all] = level;
          found[for_all] = i;
        }
      run_next (self);
    }
  self->highest_of_all = found[TRUE];

  return found[FALSE];
}

/* What is done for all parameters of a part when most is held. */
static void
replay_for_all (Walk     *self,
                HrReplay *replay)
{
  const HrPipelineAction *action = get_action (self, self->n_done);
  HrPhaseId phase = replay->ledger.phase;
  HrSharding *sharding = replay->sharding;

  hr_ledger_set (&replay->ledger, &self->level);
  run_for_all (&self->parts[action->part], replay, action->kind, self->states[action->part].gradients);
  replay->sharding = sharding;
  hr_ledger_enter_phase (&replay->ledger, phase);
}

/* Has all actions run that come before one, which other micro-batches have in the books. */
static void
run_until (Walk     *self,
           HrReplay *replay,
           guint     action)
{
  HrStretch stretch;

  while (self->n_done < action)
    {
      if (self->n_done == self->highest_of_all)
        replay_for_all (self, replay);
      run_next (self);
    }
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("while a rank of the pipeline has other micro-batches run");
  hr_ledger_set (&replay->ledger, &self->level);
  hr_replay_end (replay);
}

/* The action of a kind, or of any kind, by the same part and of the same micro-batch as another, from one on. */
static guint
find_action (const Walk *self,
             guint       like,
             guint       first)
{
  const HrPipelineAction *model = get_action (self, like);

  for (guint i = first; i < self->actions->len; i++)
    {
      const HrPipelineAction *action = get_action (self, i);

      if (action->part == model->part && action->micro_batch == model->micro_batch && !is_for_all (action->kind))
        return i;
    }

  return self->actions->len;
}

static void
run_micro_batch (Walk             *self,
                 HrReplay         *replay,
                 guint             highest,
                 HrTrainingLevels *levels)
{
  guint forward = find_action (self, highest, 0);
  guint backward = find_action (self, highest, forward + 1);
  guint weights = find_action (self, highest, backward + 1);
  guint part = get_action (self, highest)->part;
  HrTraining training = self->parts[part].training;
  HrMicroBatch *micro_batch;

  replay->splits_backward = splits (&self->parts[part], get_action (self, backward));
  /* Where it makes none, the gradients of inputs come with those of weights. */
  if (weights < self->actions->len && !replay->splits_backward)
    backward = weights;
  run_until (self, replay, forward);
  training.sharding.gathers = !self->states[part].is_whole;
  micro_batch = hr_micro_batch_run_forward (&training, replay, levels);
  run_until (self, replay, backward);
  set_gradients (replay, self->states[part].gradients);
  hr_micro_batch_run_backward (micro_batch);
  if (replay->splits_backward)
    {
      run_until (self, replay, weights);
      run_weights (&self->parts[part], replay, micro_batch, self->states[part].gradients);
    }
  replay->splits_backward = FALSE;
  hr_micro_batch_free (micro_batch);
}

/* What is left of a step are the gradients of all parts' parameters, and what the next one finds. */
static void
end_walk (Walk          *self,
          HrReplay      *replay,
          const HrLevel *start,
          guint64        left)
{
  HrLevel end = *start;

  run_until (self, replay, self->actions->len);
  end.by_component[HR_COMPONENT_GRADIENTS] = self->level.by_component[HR_COMPONENT_GRADIENTS];
  end.total += end.by_component[HR_COMPONENT_GRADIENTS] - start->by_component[HR_COMPONENT_GRADIENTS];
  end.by_component[HR_COMPONENT_COMMUNICATION] += left;
  end.total += left;
  hr_ledger_set (&replay->ledger, &end);
}

static GArray *
list_actions (const HrTraining *self)
{
  const HrTrainingPipeline *pipeline = &self->pipeline;
  g_autoptr (GArray) actions = hr_pipeline_schedule_list (pipeline->schedule, pipeline->n_ranks, pipeline->n_parts,
                                                          self->accumulation_steps, pipeline->rank);

  if (!self->sharding.is_staged)
    return g_steal_pointer (&actions);

  return hr_pipeline_schedule_shard (pipeline->schedule, pipeline->n_parts, self->accumulation_steps, actions);
}

/*
 * hr_training_run_pipeline:
 * @self: what is to be replayed
 * @replay: a tape
 * @levels: (out) (optional): the levels between the phases
 *
 * Runs the forward and backward passes of a step by a rank of a pipeline.
 */
void
hr_training_run_pipeline (const HrTraining *self,
                          HrReplay         *replay,
                          HrTrainingLevels *levels)
{
  const HrTrainingPipeline *pipeline = &self->pipeline;
  g_autoptr (GArray) actions = list_actions (self);
  g_autofree Part *parts = list_parts (self);
  g_autofree PartState *states = g_new0 (PartState, pipeline->n_parts);
  guint64 left = get_left_bytes (self, replay);
  HrLevel start;
  Walk walk = {
    .training = self, .replay = replay, .actions = actions, .parts = parts, .states = states,
    .hidden = get_hidden_bytes (self, replay), .logits = get_logit_bytes (self, replay),
  };
  guint highest;

  replay->ledger.live.total -= left;
  replay->ledger.live.by_component[HR_COMPONENT_COMMUNICATION] -= left;
  start = replay->ledger.live;
  rehearse_parts (&walk, replay);
  if (replay->ledger.overflowed)
    return;

  highest = find_highest (&walk, &start);
  begin_walk (&walk, &start);
  run_micro_batch (&walk, replay, highest, levels);
  end_walk (&walk, replay, &start, left);
  if (pipeline->is_deepspeed)
    hr_deepspeed_pipeline_reduce (self, replay);
}
