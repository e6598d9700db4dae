/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training.h"

#include "hr-inference-cache.h"
#include "hr-operator.h"
#include "hr-pass.h"

/*
 * A step of training in its steady state: the forward pass keeps what autograd needs, the loss is computed, its
 * gradient flows back, the optimizer uses the gradients, and they go.
 */

/*
 * Layers of a class that are tuned alike do the same to the level, and one of them is replayed. The first of all is
 * replayed apart, and the first that a gradient is made in: none flows on from it.
 */
typedef struct
{
  guint klass;
  guint group;
  gboolean is_first;
  gboolean needs_gradient;
  gboolean recorded;
  gboolean backward_recorded;
  guint n_needed;
  HrStretch forward;
  HrStretch backward;
  HrGraph *graph;
  HrValue input;
  HrValue output;
} LayerRecord;

/* What layers share, and the first of them that uses it. */
typedef struct
{
  HrValue value;
  guint layer;
} Held;

typedef struct
{
  const HrTraining *training;
  HrReplay *replay;
  HrPass pass;
  HrGraph *embeddings;
  HrGraph *norm;
  HrGraph *head;
  HrValue embedded;
  HrValue normalized_input;
  HrValue normalized;
  HrValue head_input;
  HrValue loss;
  HrValue seed;
  HrValue outputs;
  HrValue gradient;
  Held held[7];
  guint n_held;
  GArray *records;       /* of LayerRecord */
  guint *record_of;      /* for each layer the index of its record */
} Step;

static HrGraph *
new_graph (void)
{
  HrGraph *graph = g_new (HrGraph, 1);

  graph->only_counts = graph->is_recomputed = FALSE;
  graph->n_nodes = 0;

  return graph;
}

static LayerRecord *
get_record (Step  *step,
            guint  layer)
{
  return &g_array_index (step->records, LayerRecord, step->record_of[layer]);
}

/* Finds what a layer does the same as, or begins a new record. */
static LayerRecord *
find_record (Step  *step,
             guint  layer)
{
  LayerRecord record = {
    .klass = step->training->pass.stack->layer_class_of[layer],
    .group = hr_tuning_get_group (step->training->tuning, layer), .is_first = layer == 0,
    .needs_gradient = hr_value_needs_gradient (step->pass.hidden),
  };

  for (guint i = 0; i < step->records->len; i++)
    {
      const LayerRecord *other = &g_array_index (step->records, LayerRecord, i);

      if (other->klass == record.klass && other->group == record.group && other->is_first == record.is_first &&
          other->needs_gradient == record.needs_gradient)
        {
          step->record_of[layer] = i;
          return get_record (step, layer);
        }
    }

  step->record_of[layer] = step->records->len;
  g_array_append_val (step->records, record);

  return get_record (step, layer);
}

/* What comes into a graph: a gradient flows on from it if one flows to it. */
static HrValue
enter_graph (HrReplay *replay,
             HrValue   value,
             gboolean  needs_gradient)
{
  return needs_gradient ? hr_autograd_boundary (replay, value) : hr_value_detach (value);
}

static void
run_layer (Step  *step,
           guint  layer)
{
  const HrStack *stack = step->training->pass.stack;
  const HrLayerClass *klass = &stack->layer_classes[stack->layer_class_of[layer]];
  const HrAttention *attention = hr_layer_class_get_attention (klass);

  step->pass.forward.mask =
    attention != NULL && attention->sliding_window > 0 ? step->pass.sliding_mask : step->pass.full_mask;
  hr_pass_choose_rotation (&step->pass, attention);
  hr_pass_run_layer (step->replay, &step->pass, klass);
}

static void
set_layer_symbols (Step  *step,
                   guint  layer)
{
  const HrStack *stack = step->training->pass.stack;

  hr_pass_set_class_symbols (&step->training->pass, step->replay, &stack->layer_classes[stack->layer_class_of[layer]],
                             &step->pass);
}

/*
 * The layer's graph, whose input is a boundary. Under checkpointing nothing is kept but the input; how far the layer
 * will have to be computed anew is counted (torch/utils/checkpoint.py).
 */
static void
record_layer (Step        *step,
              LayerRecord *record,
              guint        layer)
{
  HrReplay *replay = step->replay;
  guint n_made;

  set_layer_symbols (step, layer);
  hr_replay_begin (replay, &record->forward, NULL, layer);
  if (step->training->checkpointing)
    {
      record->graph = replay->graph = new_graph ();
      record->graph->only_counts = TRUE;
      record->input = step->pass.hidden =
        enter_graph (replay, hr_replay_hold (replay, step->pass.hidden), record->needs_gradient);
      n_made = replay->n_made;
      run_layer (step, layer);
      record->n_needed = replay->n_needed - n_made;
      record->output = step->pass.hidden;
      replay->graph = NULL;
    }
  else
    {
      record->graph = replay->graph = new_graph ();
      record->input = step->pass.hidden = enter_graph (replay, step->pass.hidden, record->needs_gradient);
      run_layer (step, layer);
      record->output = step->pass.hidden;
      replay->graph = NULL;
    }
  hr_replay_end (replay);
  record->recorded = TRUE;
}

static void
run_layers_forward (Step *step)
{
  for (guint i = 0; i < step->training->pass.n_layers; i++)
    {
      LayerRecord *record = find_record (step, i);

      if (!record->recorded)
        {
          record_layer (step, record, i);
          continue;
        }
      hr_replay_repeat (step->replay, &record->forward, i, 1, 1);
      step->pass.hidden.node = record->output.node;
    }
}

/*
 * Computes a layer anew, when the first node of its graph asks for what was kept. That ends when the last tensor is
 * there that is needed (_StopRecomputationError in torch/utils/checkpoint.py).
 */
static void
recompute_layer (Step        *step,
                 LayerRecord *record,
                 guint        layer)
{
  HrReplay *replay = step->replay;
  g_autofree HrGraph *anew = new_graph ();

  replay->graph = anew;
  step->pass.hidden = enter_graph (replay, hr_replay_hold (replay, record->input), record->needs_gradient);
  hr_replay_limit (replay, record->n_needed);
  run_layer (step, layer);
  hr_replay_limit (replay, G_MAXUINT);
  replay->graph = NULL;
  hr_replay_drop (replay, step->pass.hidden);
  step->pass.hidden = HR_NO_VALUE;
  hr_graph_take_saved (record->graph, anew);
}

static guint64
get_waiting_bytes (HrReplay *replay)
{
  return replay->waiting.storage >= 0 ? hr_replay_get_bytes (replay, replay->waiting) : 0;
}

/*
 * Where the optimizer works in the backward pass, the last gradient of a layer waits for the next layer. The first
 * layer of a class finds another's; those that do the same find its own, so that they change nothing.
 */
static void
balance_waiting (HrReplay  *replay,
                 HrStretch *stretch,
                 guint64    found)
{
  guint64 left = get_waiting_bytes (replay);

  stretch->after.by_component[HR_COMPONENT_GRADIENTS] += found - left;
  stretch->after.total += found - left;
}

static void
differentiate_graph (Step        *step,
                     LayerRecord *record,
                     guint        layer)
{
  HrReplay *replay = step->replay;

  replay->sentence = N_("in the backward pass of a layer");
  hr_graph_deliver (record->graph, replay, record->output, step->gradient);
  if (step->training->checkpointing)
    {
      hr_graph_run_until_saved (record->graph, replay);
      replay->sentence = N_("in the backward pass, while a layer is computed anew");
      recompute_layer (step, record, layer);
      replay->sentence = N_("in the backward pass of a layer");
    }
  hr_graph_run_backward (record->graph, replay);
  step->gradient = hr_graph_take_gradient (record->graph, record->input);
  hr_graph_clear (record->graph, replay);
}

/*
 * CheckpointFunction.backward in torch/utils/checkpoint.py: the whole layer is computed anew, and what came out of it
 * and the gradient of that stay until a backward pass of its own is over.
 */
static void
differentiate_reentrant (Step        *step,
                         LayerRecord *record,
                         guint        layer)
{
  HrReplay *replay = step->replay;
  HrGraph *graph = new_graph ();
  HrValue gradient = step->gradient;
  HrValue input, output;

  replay->sentence = N_("in the backward pass, while a layer is computed anew");
  replay->graph = graph;
  input = step->pass.hidden = enter_graph (replay, hr_replay_hold (replay, record->input), record->needs_gradient);
  run_layer (step, layer);
  output = step->pass.hidden;
  step->pass.hidden = HR_NO_VALUE;
  replay->graph = NULL;

  replay->sentence = N_("in the backward pass of a layer");
  hr_graph_deliver (graph, replay, output, hr_replay_hold (replay, gradient));
  hr_graph_run_backward (graph, replay);
  step->gradient = hr_graph_take_gradient (graph, input);
  hr_graph_clear (graph, replay);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, gradient);
  g_free (graph);
}

static void
differentiate_layer (Step        *step,
                     LayerRecord *record,
                     guint        layer)
{
  HrReplay *replay = step->replay;
  guint64 waiting = get_waiting_bytes (replay);

  set_layer_symbols (step, layer);
  hr_replay_begin (replay, &record->backward, NULL, layer);
  if (step->training->checkpointing && step->training->reentrant)
    differentiate_reentrant (step, record, layer);
  else
    differentiate_graph (step, record, layer);
  if (step->training->checkpointing)
    hr_replay_drop (replay, record->input);
  hr_replay_end (replay);
  balance_waiting (replay, &record->backward, waiting);
  record->backward_recorded = TRUE;
}

/* Whether the layer uses what only those with a window, or only those without one, are given. */
static gboolean
uses_shared (const Step *step,
             guint       layer,
             gboolean    sliding,
             gboolean    is_rotation)
{
  const HrStack *stack = step->training->pass.stack;
  const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[stack->layer_class_of[layer]]);
  gboolean own = attention != NULL && attention->sliding_window > 0 && (!is_rotation || attention->own_rotary);

  return own == sliding;
}

/* Whether the layer makes angles of its own of those that are shared, and keeps these alone. */
static gboolean
spreads_rotation (const Step *step,
                  guint       layer)
{
  const HrStack *stack = step->training->pass.stack;
  const HrAttention *attention;

  if (layer >= step->training->pass.n_layers)
    return FALSE;

  attention = hr_layer_class_get_attention (&stack->layer_classes[stack->layer_class_of[layer]]);

  return attention != NULL && (attention->position == HR_POSITION_ROTARY_PAIRS ||
                               attention->position == HR_POSITION_ROTARY_FP32_PAIRS);
}

static void
hold_until (Step    *step,
            HrValue  value,
            guint    layer)
{
  step->held[step->n_held].value = hr_replay_hold (step->replay, value);
  step->held[step->n_held++].layer = layer;
}

/*
 * The tables of rotations, and under checkpointing all that layers are called with, are held by what they keep: until
 * the first of the layers that use them is differentiated.
 */
static void
hold_shared (Step *step)
{
  const HrPass *pass = &step->pass;

  for (guint i = 0; i < 2; i++)
    {
      guint n_layers = step->training->pass.n_layers;
      guint rotated = 0, masked = 0;

      while (rotated < n_layers && !uses_shared (step, rotated, i, TRUE))
        rotated++;
      while (masked < n_layers && !uses_shared (step, masked, i, FALSE))
        masked++;
      if (step->training->checkpointing || !spreads_rotation (step, rotated))
        {
          hold_until (step, pass->cos[i], rotated);
          hold_until (step, pass->sin[i], rotated);
        }
      if (step->training->checkpointing)
        hold_until (step, i == 0 ? pass->full_mask : pass->sliding_mask, masked);
    }
  if (step->training->checkpointing)
    hold_until (step, pass->position_ids, 0);
}

/* Lets go of what no layer below @layer uses. */
static void
drop_shared (Step  *step,
             guint  layer)
{
  for (guint i = 0; i < step->n_held; i++)
    {
      if (step->held[i].layer < layer)
        continue;

      hr_replay_drop (step->replay, step->held[i].value);
      step->held[i].value = HR_NO_VALUE;
    }
}

static void
run_layers_backward (Step *step)
{
  for (guint i = step->training->pass.n_layers; i-- > 0; )
    {
      LayerRecord *record = get_record (step, i);

      /* No gradient is needed in a layer, nor in those before it, that has nothing which is trained. */
      if (!hr_value_needs_gradient (record->output))
        break;
      if (record->backward_recorded)
        hr_replay_repeat (step->replay, &record->backward, i, -1, 1);
      else
        differentiate_layer (step, record, i);
      drop_shared (step, i);
    }
}

static void
run_forward (Step *step)
{
  const HrInference *pass = &step->training->pass;
  HrReplay *replay = step->replay;
  HrPass *variables = &step->pass;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_FORWARD);
  replay->keeps_casts = replay->autocast != HR_ELEMENT_NONE;
  replay->graph = step->embeddings;
  hr_pass_begin (pass, replay, variables, 0, pass->prompt);
  step->embedded = variables->hidden;
  replay->graph = NULL;

  run_layers_forward (step);
  hold_shared (step);

  replay->graph = step->norm;
  step->normalized_input = variables->hidden =
    enter_graph (replay, variables->hidden, hr_value_needs_gradient (variables->hidden));
  hr_pass_finish (pass, replay, variables);
  step->normalized = variables->hidden;
  replay->graph = NULL;
}

/* nll_loss_backward: zeros, of which one element of each row is set. */
static void
backward_nll (HrReplay     *replay,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  HrValue shape = node->inputs[0];

  shape.storage = -1;
  gradients[0] = hr_op_like (replay, "nll_loss_backward", "gradient", shape);
}

/*
 * ForCausalLMLoss of transformers/loss/loss_utils.py: the logits in fp32, the labels shifted by one, the cross entropy.
 */
static HrValue
compute_loss (Step    *step,
              HrValue  logits)
{
  HrReplay *replay = step->replay;
  HrElement element = logits.element == HR_ELEMENT_FLOAT64 ? HR_ELEMENT_FLOAT64 : HR_ELEMENT_FLOAT32;
  HrValue padded_shape = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_LABELS);
  HrStretch stretch;
  HrValue logits32, padded, labels, probabilities, loss, weight;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->component = HR_COMPONENT_LOGITS;
  replay->sentence = N_("in the loss, while the logits, their copy in fp32 and their log-softmax are alive");
  logits32 = hr_op_cast (replay, logits, element);
  replay->symbols[HR_SYMBOL_LABELS] = replay->symbols[HR_SYMBOL_SEQUENCE] + 1;
  padded = hr_op_like (replay, "constant_pad_nd", "labels", padded_shape);
  /* Of a single sequence they follow each other in memory already (`labels[..., 1:].contiguous ()`). */
  if (replay->symbols[HR_SYMBOL_BATCH] == 1)
    labels = hr_replay_hold (replay, padded);
  else
    labels = hr_op_like (replay, "clone", "shift_labels",
                         HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  probabilities = hr_op_softmax (replay, "log_softmax(logits)", logits32, element);
  loss = hr_op_like (replay, "nll_loss_forward", "loss", HR_SHAPE (element));
  weight = hr_op_like (replay, "nll_loss_forward", "total_weight", HR_SHAPE (element));
  if (hr_autograd_record (replay, &loss, backward_nll, &probabilities, 1))
    {
      hr_autograd_save (replay, loss, probabilities);
      hr_autograd_save (replay, loss, labels);
      hr_autograd_save (replay, loss, weight);
    }
  hr_replay_drop (replay, weight);
  hr_replay_drop (replay, probabilities);
  hr_replay_drop (replay, labels);
  hr_replay_drop (replay, padded);
  hr_replay_drop (replay, logits32);
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_end (replay);

  return loss;
}

static HrValue
cast_output (HrReplay *replay,
             HrValue   logits)
{
  HrStretch stretch;
  HrValue output;

  hr_replay_begin (replay, &stretch, "loss", -1);
  output = hr_op_cast (replay, hr_value_detach (logits), HR_ELEMENT_FLOAT32);
  hr_replay_end (replay);

  return output;
}

/* The cache of autocast ends with the forward pass. */
static void
drop_casts (HrReplay *replay)
{
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_TEMPORARY,
                    replay->ledger.live.by_component[HR_COMPONENT_TEMPORARY]);
  replay->keeps_casts = FALSE;
}

static void
run_head_and_loss (Step             *step,
                   HrTrainingLevels *levels)
{
  const HrTraining *self = step->training;
  const HrInference *pass = &step->training->pass;
  HrReplay *replay = step->replay;
  HrValue logits, hidden;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_LOSS);
  replay->graph = step->head;
  step->head_input = step->pass.hidden =
    enter_graph (replay, step->pass.hidden, hr_value_needs_gradient (step->pass.hidden));
  hidden = hr_replay_hold (replay, step->pass.hidden);
  logits = hr_pass_run_head (pass, replay, &step->pass, TRUE);
  step->loss = compute_loss (step, logits);
  replay->graph = NULL;
  hr_replay_drop (replay, hidden);

  if (self->fp32_outputs)
    hr_replay_assign (replay, &logits, cast_output (replay, logits));
  drop_casts (replay);
  if (levels != NULL)
    levels->loss_computed = replay->ledger.live;
  step->outputs = self->keep_outputs ? hr_replay_hold (replay, logits) : HR_NO_VALUE;
  hr_replay_drop (replay, logits);
  if (levels != NULL)
    levels->end_forward = replay->ledger.live;
}

static gboolean
has_tied_head (const HrInference *pass)
{
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);

  return head != NULL && head->head.tied;
}

/* The gradient of a tied table is not taken over before that of the embedding has come as well. */
static void
differentiate_loss (Step *step)
{
  HrReplay *replay = step->replay;
  HrStretch stretch;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_BACKWARD_LOSS);
  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->sentence = N_("in the backward pass of the loss, while the log-softmax and two gradients of it are alive");
  if (has_tied_head (&step->training->pass) && hr_value_needs_gradient (step->pass.head))
    step->head->nodes[step->pass.head.node].pending++;
  step->seed = hr_replay_make (replay, "ones_like", "gradient", HR_COMPONENT_TEMPORARY, HR_SHAPE (HR_ELEMENT_FLOAT32));
  hr_graph_deliver (step->head, replay, step->loss, hr_replay_hold (replay, step->seed));
  hr_graph_run_backward (step->head, replay);
  step->gradient = hr_graph_take_gradient (step->head, step->head_input);
  hr_replay_end (replay);
}

static void
differentiate_norm (Step *step)
{
  HrReplay *replay = step->replay;
  HrStretch stretch;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_BACKWARD);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass of the final norm");
  hr_graph_deliver (step->norm, replay, step->normalized, step->gradient);
  hr_graph_run_backward (step->norm, replay);
  step->gradient = hr_graph_take_gradient (step->norm, step->normalized_input);
  hr_graph_clear (step->norm, replay);
  hr_replay_end (replay);
}

static void
differentiate_embeddings (Step *step)
{
  HrReplay *replay = step->replay;
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass of the embedding");
  if (has_tied_head (&step->training->pass) && hr_value_needs_gradient (step->pass.table))
    {
      step->embeddings->nodes[step->pass.table.node].pending++;
      hr_graph_deliver (step->embeddings, replay, step->pass.table,
                        hr_graph_take_gradient (step->head, step->pass.head));
    }
  if (hr_value_needs_gradient (step->embedded))
    hr_graph_deliver (step->embeddings, replay, step->embedded, step->gradient);
  else
    hr_replay_drop (replay, step->gradient);
  hr_graph_run_backward (step->embeddings, replay);
  hr_graph_clear (step->embeddings, replay);
  hr_graph_clear (step->head, replay);
  hr_autograd_step_waiting (replay);
  hr_replay_end (replay);
}

static void
run_backward (Step *step)
{
  differentiate_loss (step);
  differentiate_norm (step);
  run_layers_backward (step);
  differentiate_embeddings (step);
  hr_replay_drop (step->replay, step->outputs);
  hr_replay_drop (step->replay, step->seed);
  hr_replay_drop (step->replay, step->loss);
}

static void
clear_step (Step *step)
{
  for (guint i = 0; i < step->records->len; i++)
    g_free (g_array_index (step->records, LayerRecord, i).graph);
  g_array_unref (step->records);
  g_free (step->record_of);
  g_free (step->head);
  g_free (step->norm);
  g_free (step->embeddings);
  g_free (step);
}

/* A micro-batch, from its tokens to the gradients. */
static void
run_micro_batch (const HrTraining *self,
                 HrReplay         *replay,
                 HrTrainingLevels *levels)
{
  Step *step = g_new0 (Step, 1);

  step->training = self;
  step->replay = replay;
  step->records = g_array_new (FALSE, TRUE, sizeof (LayerRecord));
  step->record_of = g_new0 (guint, self->pass.n_layers);
  step->embeddings = new_graph ();
  step->norm = new_graph ();
  step->head = new_graph ();
  run_forward (step);
  run_head_and_loss (step, levels);
  run_backward (step);
  clear_step (step);
  replay->has_gradients = TRUE;
}

/* clip_grad_norm_ in torch/nn/utils/clip_grad.py: the norms of all gradients, stacked, and the norm of that. */
static void
clip_gradients (const HrTraining *self,
                HrReplay         *replay)
{
  guint64 scalar = hr_ledger_round (hr_element_get_bytes (replay->parameter_dtype));
  guint64 stacked = hr_ledger_round (self->n_gradients * hr_element_get_bytes (replay->parameter_dtype));

  replay->symbols[HR_SYMBOL_KEPT] = self->n_gradients * scalar + stacked + scalar;
  hr_replay_drop (replay, hr_replay_make (replay, "_foreach_norm", "norms", HR_COMPONENT_TEMPORARY,
                                          HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT)));
}

static void
make_temporary (const HrTraining *self,
                HrReplay         *replay)
{
  replay->symbols[HR_SYMBOL_KEPT] = self->optimizer.step_bytes;
  hr_replay_drop (replay, hr_replay_make (replay, self->optimizer.operation, self->optimizer.variable,
                                          HR_COMPONENT_TEMPORARY, HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT)));
}

static void
run_optimizer (const HrTraining *self,
               HrReplay         *replay)
{
  HrStretch stretch;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_OPTIMIZER);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the optimizer’s step");
  if (self->clipping)
    clip_gradients (self, replay);
  if (self->optimizer.step_bytes > 0)
    make_temporary (self, replay);
  hr_replay_end (replay);
}

/* Tokens and labels, and the mask that comes with them, of all micro-batches of the step. */
static void
add_batch (const HrTraining *self,
           HrReplay         *replay)
{
  guint64 bytes = hr_ledger_round (self->pass.batch * self->pass.prompt * sizeof (gint64));
  guint n = self->pass.mask != HR_ATTENTION_MASK_NONE ? 3 : 2;

  hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS, self->accumulation_steps * n * bytes);
}

/*
 * hr_training_replay:
 * @self: what is to be replayed
 * @replay: a tape, on which nothing has happened
 * @levels: (out) (optional): the levels between the phases
 *
 * Replays a step of training on one device.
 */
void
hr_training_replay (const HrTraining *self,
                    HrReplay         *replay,
                    HrTrainingLevels *levels)
{
  hr_pass_set_model_symbols (&self->pass, replay);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_WEIGHTS, self->pass.weight_bytes);
  if (self->tuning != NULL)
    hr_ledger_add (&replay->ledger, HR_COMPONENT_ADAPTERS,
                   hr_trainables_get_bytes (hr_tuning_get_trainables (self->tuning), TRUE));
  hr_ledger_add (&replay->ledger, HR_COMPONENT_OPTIMIZER, self->optimizer.state_bytes);
  add_batch (self, replay);
  replay->peak.level = replay->ledger.live;
  hr_replay_rest (replay, NULL);
  replay->training = TRUE;
  replay->trains_weights = self->tuning == NULL;
  replay->tuning = self->tuning;
  replay->inputs_need_gradients = self->checkpointing;
  hr_tuning_set_symbols (self->tuning, replay);
  replay->fused_step = self->optimizer.fused;
  if (levels != NULL)
    levels->step_start = replay->ledger.live;

  for (guint64 i = 0; i < MIN (self->accumulation_steps, 2); i++)
    run_micro_batch (self, replay, levels);

  if (levels != NULL)
    levels->end_backward = replay->ledger.live;
  run_optimizer (self, replay);
  if (levels != NULL)
    levels->end_optimizer = replay->ledger.live;
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_GRADIENTS,
                    replay->ledger.live.by_component[HR_COMPONENT_GRADIENTS]);
  if (levels != NULL)
    levels->end = replay->ledger.live;
  hr_replay_rest (replay, NULL);
}
