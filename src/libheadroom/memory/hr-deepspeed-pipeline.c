/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-deepspeed-pipeline.h"

/*
 * What PipelineEngine of deepspeed/runtime/pipe/engine.py (git edaa7221) holds beside what forward and backward passes
 * keep. What is sent and received is waited for at once, so that a stage has one buffer; what a micro-batch brings and
 * makes has a slot, which holds it until another micro-batch takes its place.
 */

/* How many slots there are at the least (num_pipe_buffers of TrainSchedule in deepspeed/runtime/pipe/schedule.py). */
#define LEAST_SLOTS 2

/*
 * Numbers on the device: of the losses self.loss, agg_loss, dp_group_loss and agg_train_loss on all stages but the
 * last one, on which total_loss is in the place of self.loss, that of a micro-batch.
 */
#define N_NUMBERS 4

/*
 * hr_deepspeed_pipeline_count_slots:
 * @training: a rank of a pipeline
 *
 * Counts the slots that micro-batches have used: as many as are on their way from this stage on.
 *
 * Returns: how many
 */
guint64
hr_deepspeed_pipeline_count_slots (const HrTraining *training)
{
  const HrTrainingPipeline *pipeline = &training->pipeline;

  return MIN (training->accumulation_steps, MAX (LEAST_SLOTS, pipeline->n_ranks - pipeline->rank));
}

static guint64
get_bytes (const HrTraining *training,
           const HrReplay   *replay,
           HrSymbol          width)
{
  return hr_ledger_round (training->pass.batch * training->pass.prompt * replay->symbols[width] *
                          hr_element_get_bytes (replay->dtype));
}

/*
 * The last stage does not empty the slots of what it has made: the logits, and by the graph behind them what came in
 * and its gradient.
 */
static guint64
get_slot_bytes (const HrTraining *training,
                const HrReplay   *replay)
{
  if (!training->pass.has_head)
    return 0;

  return get_bytes (training, replay, HR_SYMBOL_VOCABULARY) + 2 * get_bytes (training, replay, HR_SYMBOL_HIDDEN);
}

/*
 * ZeRO's optimizer keeps the norm of all gradients (_global_grad_norm), and BF16_Optimizer beside it a number for that
 * of each (get_global_norm_of_tensors of deepspeed/runtime/utils.py).
 */
static guint64
count_norms (const HrTraining *training)
{
  if (training->widened_gradient_bytes > 0 || training->summed_gradient_bytes > 0)
    return training->n_gradients + 1;

  return training->reduction.is_bucketed ? 1 : 0;
}

/*
 * hr_deepspeed_pipeline_make_buffers:
 * @training: a rank of a pipeline
 * @replay: a tape, on which no step has begun
 *
 * Makes what stays from step to step: one buffer for what comes from the stage before and for the gradient that comes
 * from the one behind (_allocate_or_extend_buffers), and what the slots of the last stage hold.
 */
void
hr_deepspeed_pipeline_make_buffers (const HrTraining *training,
                                    HrReplay         *replay)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  guint64 scalar = hr_ledger_round (sizeof (float));
  HrValue buffer;

  replay->symbols[HR_SYMBOL_SEQUENCE] = training->pass.prompt;
  buffer = hr_replay_make (replay, "zeros", "_grad_layer_buf", HR_COMPONENT_COMMUNICATION, shape);
  replay->copies_received = TRUE;
  if (!training->pass.has_inputs)
    replay->received = buffer;
  if (!training->pass.has_head)
    replay->received_gradient = buffer;
  hr_ledger_add (&replay->ledger, HR_COMPONENT_COMMUNICATION,
                 hr_deepspeed_pipeline_count_slots (training) * get_slot_bytes (training, replay) +
                   (N_NUMBERS + count_norms (training)) * scalar + hr_deepspeed_pipeline_get_left (training));
}

/*
 * hr_deepspeed_pipeline_get_held:
 * @training: a rank of a pipeline
 * @replay: a tape
 * @is_forward: whether a forward pass has run, or a backward pass
 *
 * Works out what is held of a micro-batch beside what its passes have left on the tape: what came in is a copy, which
 * goes when its gradient has been sent (_exec_send_grads). What the last stage makes goes into a slot, whose content
 * goes, and fwd_outputs holds the loss.
 *
 * Returns: by how many bytes that is more than before
 */
gint64
hr_deepspeed_pipeline_get_held (const HrTraining *training,
                                const HrReplay   *replay,
                                gboolean          is_forward)
{
  gint64 hidden = get_bytes (training, replay, HR_SYMBOL_HIDDEN);
  gint64 logits = get_bytes (training, replay, HR_SYMBOL_VOCABULARY);

  if (training->pass.has_head)
    return is_forward ? (gint64) hr_ledger_round (sizeof (float)) - (gint64) get_slot_bytes (training, replay)
                      : logits + hidden;

  return is_forward || training->pass.has_inputs ? 0 : -hidden;
}

/*
 * hr_deepspeed_pipeline_get_left:
 * @training: a rank of a pipeline
 *
 * Returns: what a step leaves that the next one lets go of when it begins: the losses of all micro-batches
 */
guint64
hr_deepspeed_pipeline_get_left (const HrTraining *training)
{
  return training->pass.has_head ? training->accumulation_steps * hr_ledger_round (sizeof (float)) : 0;
}

/*
 * hr_deepspeed_pipeline_reduce:
 * @training: a rank of a pipeline
 * @replay: a tape, on which all micro-batches of a step are back
 *
 * Reduces the gradients (_exec_reduce_grads). Those of BF16_Optimizer are one piece already.
 */
void
hr_deepspeed_pipeline_reduce (const HrTraining *training,
                              HrReplay         *replay)
{
  HrReduction reduction = training->reduction;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_BACKWARD);
  if (reduction.is_bucketed)
    {
      hr_reduction_run_after (&reduction, replay);
      return;
    }

  hr_reduction_begin (&reduction, replay, TRUE);
  hr_reduction_run_at_end (&reduction, replay);
}
