/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-estimate.h"

#include "hr-component-text.h"
#include "hr-estimate-parts.h"
#include "hr-estimate-private.h"
#include "hr-kept-layers.h"
#include "hr-model-private.h"
#include "hr-rollout-engine.h"
#include "hr-training-check.h"
#include "hr-training-critic.h"
#include "hr-training-rule-estimate.h"
#include "hr-training-shard.h"
#include "hr-training-zero.h"

#define SOURCE_GRADIENTS \
  "torch/csrc/autograd/functions/accumulate_grad.h: each trained parameter takes its gradient over"
#define SOURCE_ADAPTERS "peft/tuners: the parameters that the method adds to the model"
#define SOURCE_TEMPORARY \
  "torch/csrc/autograd/engine.cpp: gradients on their way; copies that autocast makes; kernels' own buffers"
#define SOURCE_INPUTS N_("token ids, labels and the mask of all micro-batches, 64-bit integers")

/* What the device holds and reaches. */
typedef struct
{
  HrReplay replay;
  HrWeights weights;
  HrTrainingLevels levels;
  HrKeptLayers *kept_layers;
} Device;

static void
device_clear (Device *self)
{
  hr_replay_clear (&self->replay);
  g_clear_pointer (&self->kept_layers, hr_kept_layers_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Device, device_clear)

/* A plain step that trains all of the model, in the books of which each gradient shows. */
static void
init_check (const HrTrainingPlan *plan,
            HrTraining           *training,
            HrReplay             *replay)
{
  *training = plan->training;
  training->tuning = training->critic_tuning = NULL;
  training->trains_critic_head = TRUE;
  if (training->layer_code == HR_LAYER_CODE_UNSLOTH)
    training->loss_implementation = HR_LOSS_IMPLEMENTATION_CROSS_ENTROPY;
  training->layer_code = HR_LAYER_CODE_TRANSFORMERS;
  training->offloads_inputs = training->reloads = FALSE;
  training->expanded = 0;
  training->sharding.is_sharded = FALSE;
  training->reduction = (HrReduction) { 0 };
  training->live.is_used = FALSE;
  training->held_gradient_bytes = training->persistent_bytes = 0;
  training->main_gradient_bytes = training->summed_gradient_bytes = 0;
  replay->quantization = training->quantization = HR_QUANTIZATION_NONE;
  replay->upcast = training->upcast = HR_UPCAST_NONE;
  training->zero_grad = HR_ZERO_GRAD_AFTER_STEP;
  training->accumulation_steps = 1;
  training->pipelines = FALSE;
  training->parts = (HrTrainingParts) { 0 };
  training->checkpointing = (HrCheckpointing) { .kind = HR_CHECKPOINTING_NONE };
  /* The optimizer steps when all gradients are there. */
  memset (&training->optimizer, 0, sizeof training->optimizer);
  memset (&training->stepped, 0, sizeof training->stepped);
  training->steps_part = training->clipping = training->flattens_gradients = FALSE;
  training->n_gradients = training->gradient_bytes = training->largest_gradient_bytes = 0;
  training->master_bytes = training->copied_gradient_bytes = training->scaler_bytes = 0;
  training->widened_gradient_bytes = 0;
  replay->is_rehearsal = TRUE;
}

/* All that the outcome of a check depends on; %NULL if that is more than can be compared. */
static GByteArray *
describe_check (const HrTrainingPlan *plan,
                const HrTraining     *training,
                const HrReplay       *replay)
{
  HrReach reach = hr_training_plan_get_reach (plan);
  GByteArray *key;

  if (training->pass.tower != NULL || training->pass.towers != NULL || training->rollout_towers != NULL ||
      training->liger != NULL || training->float8 != NULL || training->critic != NULL || training->reward != NULL)
    return NULL;

  key = g_byte_array_sized_new (sizeof *training + G_STRUCT_OFFSET (HrReplay, peak));
  g_byte_array_append (key, (const guint8 *) training, sizeof *training);
  g_byte_array_append (key, (const guint8 *) &reach, sizeof reach);
  g_byte_array_append (key, (const guint8 *) &plan->pass.element, sizeof plan->pass.element);
  hr_replay_append_start (replay, key);

  return key;
}

/*
 * A parameter that is frozen shows no missing derivative on the way through its layer, and gradients that go as soon as
 * they have come do not show whether all have: whether all are known shows where all are trained and stay. Jobs that
 * differ in what has no part in it need not be checked again.
 */
static gboolean
check_backward (const HrTrainingPlan  *plan,
                const HrReplay        *start,
                GError               **error)
{
  g_autoptr (HrReplay) replay = hr_replay_copy_empty (start);
  g_autoptr (GByteArray) key = NULL;
  HrFacts *facts = _hr_model_get_facts (plan->pass.model);
  HrTraining training;
  HrTrainingLevels levels;

  init_check (plan, &training, replay);
  key = describe_check (plan, &training, replay);
  if (key != NULL && hr_facts_know (facts, key))
    return TRUE;

  hr_training_replay (&training, replay, &levels);
  if (!replay->ledger.overflowed && !hr_training_check_gradients (plan, NULL, &levels, error))
    return FALSE;

  if (key != NULL)
    hr_facts_learn (facts, key);

  return TRUE;
}

/* Whether gradients stay until all are there. */
static gboolean
stays_with_parameters (const HrTraining *training)
{
  return training->optimizer.fused == NULL && training->main_gradient_bytes == 0 &&
         training->summed_gradient_bytes == 0 && training->held_gradient_bytes == 0 &&
         !training->sharding.is_sharded && !training->reduction.is_bucketed;
}

static gboolean
shows_gradients (const HrTrainingPlan *plan)
{
  return plan->tuning == NULL && stays_with_parameters (&plan->training);
}

static gboolean
run_device (HrTrainingPlan    *plan,
            Device            *device,
            HrEstimateDetail   detail,
            HrTimeline        *timeline,
            GError           **error)
{
  HrTraining *training = &plan->training;

  hr_training_plan_take_weights (plan, &device->weights);
  if (!hr_training_zero_check_modules (plan, &device->replay, error))
    return FALSE;
  if (!shows_gradients (plan) && !check_backward (plan, &device->replay, error))
    return FALSE;

  /* A part of a stage runs at a time. */
  if (training->parts.n > 1)
    hr_training_choose_part (training, &device->replay);
  device->replay.timeline = timeline;
  if (training->pass.encoder == NULL && detail != HR_ESTIMATE_DETAIL_SIZES)
    device->replay.kept_layers = device->kept_layers = hr_kept_layers_new (hr_training_count_layers (training));
  hr_training_replay (training, &device->replay, &device->levels);
  if (!device->replay.ledger.overflowed)
    return !stays_with_parameters (training) ||
           hr_training_check_gradients (plan, plan->parameters, &device->levels, error);

  hr_estimate_set_too_large (error, plan->pass.model);

  return FALSE;
}

/* What is on the tape but for what layers keep; the layer that runs is on its way, and stands with the rest. */
static guint64
list_tensors (const HrMoment *moment,
              HrComponentId   id,
              HrMoment       *rest)
{
  guint64 bytes = 0;

  rest->n_storages = 0;
  memcpy (rest->symbols, moment->symbols, sizeof rest->symbols);
  for (guint i = 0; i < moment->n_storages; i++)
    {
      const HrStorage *storage = &moment->storages[i];

      if (storage->component != id || (storage->kept_by > 0 && (int) storage->kept_by - 1 != moment->replayed_layer))
        continue;
      rest->storages[rest->n_storages++] = *storage;
      bytes += storage->bytes;
    }

  return bytes;
}

static char *
join (char *kept,
      char *rest)
{
  if (*kept != '\0' && *rest != '\0')
    return g_strdup_printf ("%s + %s", kept, rest);

  return g_strdup (*kept != '\0' ? kept : rest);
}

/* Where other frameworks have layers and losses of their own. */
static const struct
{
  const char *layers;
  const char *loss;
} layer_sources[] = {
  [HR_LAYER_CODE_MEGATRON_LOCAL] = {
    "Megatron-LM, megatron/core/transformer", "Megatron-LM, megatron/core/tensor_parallel/cross_entropy.py",
  },
  [HR_LAYER_CODE_MEGATRON_TE] = {
    "Megatron-LM, megatron/core/transformer, and Transformer Engine, transformer_engine/pytorch",
    "Megatron-LM, megatron/core/tensor_parallel/cross_entropy.py",
  },
  [HR_LAYER_CODE_TORCHTITAN] = { "torchtitan, torchtitan/models/common", "torchtitan, torchtitan/components/loss.py" },
  [HR_LAYER_CODE_UNSLOTH] = {
    "Unsloth, unsloth/models and unsloth/kernels", "Unsloth, unsloth_zoo/fused_losses/cross_entropy_loss.py",
  },
};

static char *
dup_source (const HrTrainingPlan *plan,
            HrComponentId         id)
{
  HrLayerCode code = plan->training.layer_code;
  const char *source = NULL;

  if (id == HR_COMPONENT_TEMPORARY)
    return g_strdup (SOURCE_TEMPORARY);

  if (code < G_N_ELEMENTS (layer_sources))
    source = id == HR_COMPONENT_LOGITS ? layer_sources[code].loss : layer_sources[code].layers;
  if (source != NULL)
    return g_strdup_printf ("%s: what the variables of its functions hold at the moment of the peak", source);

  return hr_estimate_dup_source (plan->pass.model, id);
}

static void
add_from_tape (const HrTrainingPlan *plan,
               const Device         *device,
               HrEstimate           *estimate,
               HrComponentId         id,
               guint64               bytes)
{
  const HrMoment *peak = &device->replay.peak;
  g_autofree HrStorage *storages = g_new (HrStorage, peak->n_storages);
  HrMoment rest = { .storages = storages };
  guint64 kept = bytes - list_tensors (peak, id, &rest);
  g_autofree char *rest_formula = hr_component_text_new_formula (&rest, id);
  g_autofree char *rest_substitution = hr_component_text_new_substitution (&rest, id);
  g_autofree char *kept_formula = NULL;
  g_autofree char *kept_substitution = NULL;
  g_autofree char *formula = NULL;
  g_autofree char *substitution = NULL;
  g_autofree char *source = dup_source (plan, id);
  guint n_layers;

  if (device->replay.kept_layers != NULL && hr_kept_layers_find (device->replay.kept_layers, id, kept, &n_layers))
    {
      kept_formula = hr_kept_layers_new_formula (device->replay.kept_layers, id, n_layers);
      kept_substitution = hr_kept_layers_new_substitution (device->replay.kept_layers, id, n_layers);
    }
  else
    {
      kept_formula = g_strdup (kept > 0 ? "Σ A_l" : "");
      kept_substitution = kept > 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT, kept) : g_strdup ("");
    }

  formula = join (kept_formula, rest_formula);
  substitution = join (kept_substitution, rest_substitution);
  _hr_estimate_add_component (estimate, 0, id, bytes, formula, substitution, source);
}

/* What the recipes that are known by their bytes a parameter are made of. */
#define SOURCE_20_BYTES \
  "deepspeed/runtime/bf16_optimizer.py: the recipe of 20 bytes a parameter with Adam, 2 + 2 (gradients of 16 bits) + " \
  "4 (their sums in fp32) + 4 (master weights) + 8 (states)"
#define SOURCE_18_BYTES \
  "megatron/core/optimizer/optimizer.py, megatron/core/distributed: the recipe of 18 bytes a parameter with Adam, 2 " \
  "+ 4 (fp32 gradients in a buffer) + 4 (master weights) + 8 (states)"
#define SOURCE_16_BYTES \
  "megatron/core/optimizer/optimizer.py: the recipe of 16 bytes a parameter with Adam, 2 + 2 + 4 (master weights) + " \
  "8 (states), as ZeRO counts; gradients become fp32 in the step"
#define SOURCE_16_BYTES_FLAT \
  "deepspeed/runtime/fp16/fused_optimizer.py: the recipe of 16 bytes a parameter with Adam, 2 + 2 + 4 (master " \
  "weights) + 8 (states), as ZeRO counts; gradients become fp32, in one piece, in the step"

#define SOURCE_16_BYTES_DIVIDED \
  "colossalai/zero/low_level/low_level_optim.py: 16 bytes a parameter with Adam, 2 on each rank, and of 2 " \
  "(gradients) + 4 (master weights) + 8 (states) an equal part of each parameter; gradients become fp32 in the step"

#define SOURCE_18_BYTES_SHARED \
  "deepspeed/runtime/bf16_optimizer.py: 6 bytes a parameter on each rank, 2 and 2 + 2 for gradients and their sums, " \
  "and of 4 (master weights) + 8 (states) an equal part for each of the ranks that have the same stage; the sums of " \
  "that part become fp32 in the step"

static const char *
get_recipe_source (const HrTraining *training)
{
  if (training->widened_gradient_bytes > 0)
    return SOURCE_18_BYTES_SHARED;
  if (training->reduction.divides)
    return SOURCE_16_BYTES_DIVIDED;
  if (training->summed_gradient_bytes > 0)
    return SOURCE_20_BYTES;
  if (training->main_gradient_bytes > 0)
    return SOURCE_18_BYTES;

  return training->flattens_gradients ? SOURCE_16_BYTES_FLAT : SOURCE_16_BYTES;
}

/* What of gradients is in fp32 beside parameters of 16 bits; only those are where they have all been copied. */
static guint64
get_fp32_gradient_bytes (const HrTrainingPlan *plan,
                         guint64               bytes)
{
  const HrTraining *training = &plan->training;
  guint64 copied = training->flattens_gradients ? training->master_bytes : training->copied_gradient_bytes;

  if (plan->masters == NULL)
    return 0;
  if (training->main_gradient_bytes > 0)
    return bytes;
  if (training->summed_gradient_bytes > 0)
    return MIN (training->summed_gradient_bytes, bytes);

  return training->copied_gradient_bytes > 0 && bytes >= copied ? copied : 0;
}

static void
add_in_fp32 (const HrTrainingPlan *plan,
             HrEstimate           *estimate,
             HrComponentId         id,
             guint64               bytes,
             guint64               bytes_in_fp32)
{
  guint64 narrow = bytes - bytes_in_fp32;
  g_autofree char *substitution =
    narrow > 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT "·2 + %" G_GUINT64_FORMAT "·4", narrow / sizeof (guint16),
                                  bytes_in_fp32 / sizeof (float))
               : g_strdup_printf ("%" G_GUINT64_FORMAT "·4", bytes / sizeof (float));

  _hr_estimate_add_component (estimate, 0, id, bytes, narrow > 0 ? "P_g·2 + P_t·4" : "P_t·4", substitution,
                              get_recipe_source (&plan->training));
}

/*
 * How many numbers are held, times the bytes of each: adapters may be in fp32, and copies of modules beside them in 16
 * bits. Of what is there of both in the backward pass, only the sum is known.
 */
static char *
dup_elements (const HrTrainables *parameters,
              guint64             bytes,
              guint               element)
{
  guint64 n_16_bit = hr_trainables_get_n_16_bit_elements (parameters);

  if (n_16_bit == 0 || n_16_bit == hr_trainables_get_n_elements (parameters))
    return g_strdup_printf ("%" G_GUINT64_FORMAT "·%u", bytes / element, element);

  if (bytes != hr_trainables_get_bytes (parameters, FALSE))
    return g_strdup_printf ("%" G_GUINT64_FORMAT, bytes);

  return g_strdup_printf ("%" G_GUINT64_FORMAT "·4 + %" G_GUINT64_FORMAT "·2", (bytes - 2 * n_16_bit) / 4, n_16_bit);
}

/* Parameters, times what each takes. */
static void
add_of_parameters (const HrTrainingPlan *plan,
                   HrEstimate           *estimate,
                   HrComponentId         id,
                   guint64               bytes)
{
  const HrTrainables *stepped = hr_training_shard_is_divided (plan) ? plan->flat
                                : plan->masters != NULL          ? plan->masters
                                : plan->flat != NULL             ? plan->flat
                                                                 : plan->reached;
  const HrTrainables *held = plan->training.sharding.has_units || plan->training.sharding.adds_matrices
                               ? plan->flat : plan->reached;
  guint element = hr_element_get_bytes (hr_trainables_get_item (held, 0)->element);
  guint64 n_stepped = hr_trainables_get_n_elements (stepped);
  g_autofree char *substitution = NULL;

  if (id == HR_COMPONENT_OPTIMIZER)
    {
      substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%.4g", n_stepped, (double) bytes / n_stepped);
      _hr_estimate_add_component (estimate, 0, id, bytes,
                                  n_stepped == hr_trainables_get_n_elements (plan->parameters) ? "P_t·o" : "P_s·o",
                                  substitution,
                                  plan->training.optimizer.source);
      return;
    }

  if (id == HR_COMPONENT_MASTER_WEIGHTS ||
      (id == HR_COMPONENT_GRADIENTS && get_fp32_gradient_bytes (plan, bytes) > 0))
    {
      add_in_fp32 (plan, estimate, id, bytes,
                   id == HR_COMPONENT_GRADIENTS ? get_fp32_gradient_bytes (plan, bytes) : bytes);
      return;
    }

  substitution = dup_elements (held, bytes, element);
  _hr_estimate_add_component (estimate, 0, id, bytes, id == HR_COMPONENT_GRADIENTS ? "P_g·e" : "P_a·e", substitution,
                              id == HR_COMPONENT_GRADIENTS ? SOURCE_GRADIENTS : SOURCE_ADAPTERS);
}

/* What the batch is made of, tensor by tensor. */
static char *
dup_input_numbers (const HrReplay *replay,
                   guint64         bytes)
{
  GString *text = g_string_new (NULL);
  guint64 rest = bytes;

  for (guint i = 0; i < replay->n_inputs; i++)
    {
      const HrInputTensors *tensors = &replay->inputs[i];

      rest -= MIN (rest, tensors->count * hr_ledger_round (tensors->bytes));
      g_string_append_printf (text, "%s%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, i > 0 ? " + " : "", tensors->count,
                              tensors->bytes);
    }
  if (rest > 0)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, text->len > 0 ? " + " : "", rest);

  return g_string_free (text, FALSE);
}

/* In symbols where token ids, labels and perhaps a mask are all that is read: tensors of one size. */
static void
add_inputs (const HrTrainingPlan *plan,
            const HrReplay       *replay,
            HrEstimate           *estimate,
            guint64               bytes)
{
  const HrTraining *training = &plan->training;
  guint64 tokens = training->pass.prompt - hr_tuning_get_n_virtual (plan->tuning);
  guint64 row = training->pass.batch * tokens * sizeof (gint64);
  guint64 steps = training->accumulation_steps;
  guint64 n = replay->inputs[0].count / MAX (steps, 1);
  g_autofree char *formula = NULL;
  g_autofree char *substitution = NULL;

  if (replay->n_inputs == 1 && replay->inputs[0].bytes == row && replay->inputs[0].count == n * steps &&
      bytes == n * steps * hr_ledger_round (row))
    {
      formula = g_strdup_printf ("%" G_GUINT64_FORMAT "·A·8·B·S", n);
      substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·8·%" G_GUINT64_FORMAT "·%"
                                      G_GUINT64_FORMAT, n, steps, training->pass.batch, tokens);
    }
  else
    {
      formula = g_strdup ("Σ tensors·bytes");
      substitution = dup_input_numbers (replay, bytes);
    }

  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_INPUTS, bytes, formula, substitution, SOURCE_INPUTS);
}

/*
 * aten/src/ATen/cuda/CublasHandlePool.cpp: a handle and a workspace for each thread that multiplies; the backward pass
 * runs in a thread of its own (torch/csrc/autograd/engine.cpp).
 */
static guint64
add_framework (const HrTrainingPlan *plan,
               HrEstimate           *estimate,
               HrGpu                *gpu,
               const HrFramework    *framework)
{
  HrFramework both = *framework;

  both.context_bytes += framework->backward_bytes;
  both.workspace_bytes *= 2;
  if (plan->training.layer_code == HR_LAYER_CODE_MEGATRON_TE)
    hr_framework_add_engine (&both, gpu, plan->training.experts.groups_products);

  return hr_estimate_add_framework (estimate, 0, &both);
}

/* Returns what is held beside the allocator. */
static guint64
add_components (const HrTrainingPlan *plan,
                const Device         *device,
                HrEstimate           *estimate,
                HrGpu                *gpu,
                const HrFramework    *framework,
                HrEstimateDetail      detail)
{
  const HrLevel *level = &device->replay.peak.level;

  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    {
      guint64 part = level->by_component[i];

      if (part == 0)
        continue;
      if (detail == HR_ESTIMATE_DETAIL_SIZES)
        _hr_estimate_add_component (estimate, 0, i, part, NULL, NULL, NULL);
      else if ((i == HR_COMPONENT_WEIGHTS || i == HR_COMPONENT_REFERENCE_MODEL) && plan->training.live.is_used)
        hr_training_zero_add_component (plan, estimate, i, part, device->weights.buffer_bytes);
      else if ((i == HR_COMPONENT_WEIGHTS && hr_training_shard_is_divided (plan)) ||
               (i == HR_COMPONENT_REFERENCE_MODEL && plan->training.reference_sharding.is_sharded))
        hr_training_shard_add_component (plan, estimate, i, part, device->weights.buffer_bytes);
      else if (i == HR_COMPONENT_WEIGHTS || i == HR_COMPONENT_REFERENCE_MODEL)
        hr_estimate_add_weights (estimate, 0, i, &plan->pass.storage, &device->weights, part);
      else if (i == HR_COMPONENT_VALUE_MODEL || i == HR_COMPONENT_REWARD_MODEL)
        hr_training_critic_add_component (plan, estimate, i, part);
      else if (i == HR_COMPONENT_GRADIENTS || i == HR_COMPONENT_OPTIMIZER || i == HR_COMPONENT_ADAPTERS ||
               i == HR_COMPONENT_MASTER_WEIGHTS)
        add_of_parameters (plan, estimate, i, part);
      else if (i == HR_COMPONENT_COMMUNICATION && plan->training.bucket_bytes > 0)
        hr_training_shard_add_buckets (plan, estimate, part);
      else if (i == HR_COMPONENT_INPUTS)
        add_inputs (plan, &device->replay, estimate, part);
      else if (i == HR_COMPONENT_ROLLOUT_ENGINE)
        hr_rollout_engine_add_component (plan, estimate, gpu, part);
      else
        add_from_tape (plan, device, estimate, i, part);
    }

  return framework != NULL ? add_framework (plan, estimate, gpu, framework) : 0;
}

static void
set_peak (HrEstimate *estimate,
          Device     *device,
          HrTimeline *timeline)
{
  const HrMoment *peak = &device->replay.peak;
  HrPhaseId phase = device->replay.ledger.peak_phase;

  _hr_estimate_set_peak (estimate, 0, phase, peak->sentence, hr_component_text_new_operation (peak));
  if (timeline == NULL)
    return;

  hr_timeline_set_peak (timeline, phase, peak->layer);
  _hr_estimate_take_timeline (estimate, timeline);
}

static void
set_growth (HrEstimate    *estimate,
            const HrLevel *level)
{
  if (level->by_component[HR_COMPONENT_ACTIVATIONS] > 0 && level->activations[HR_GROWTH_UNKNOWN] == 0)
    _hr_estimate_set_growth (estimate, level->activations[HR_GROWTH_LINEAR], level->activations[HR_GROWTH_SQUARE]);
}

static HrEstimate *
estimate_device (HrTrainingPlan    *plan,
                 HrGpu             *gpu,
                 HrEstimateDetail   detail,
                 GError           **error)
{
  g_autoptr (HrTimeline) timeline = detail == HR_ESTIMATE_DETAIL_TIMELINE ? hr_timeline_new () : NULL;
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (HrEstimate) rule = NULL;
  HrFramework framework;
  g_auto (Device) device;
  guint64 beside;

  device.kept_layers = NULL;
  hr_training_plan_init_replay (plan, &device.replay);
  device.replay.is_for_sizes = detail == HR_ESTIMATE_DETAIL_SIZES;
  if (!run_device (plan, &device, detail, timeline, error))
    return NULL;

  estimate = _hr_estimate_new (hr_job_get_mode (HR_JOB (plan->job)), HR_ESTIMATE_METHOD_EXACT, plan->model);
  _hr_estimate_set_n_trainable_parameters (estimate, hr_trainables_get_n_elements (plan->parameters));
  _hr_estimate_add_device (estimate);
  beside = add_components (plan, &device, estimate, gpu,
                           hr_inference_plan_find_framework (&plan->pass, gpu, &framework) ? &framework : NULL, detail);
  _hr_estimate_set_device_bytes (estimate, 0, device.replay.peak.level.total + beside);
  hr_estimate_add_phases (estimate, &device.replay.ledger, beside);
  set_growth (estimate, &device.replay.peak.level);
  set_peak (estimate, &device, g_steal_pointer (&timeline));
  /* That of a stage comes with those of the others. */
  if (detail != HR_ESTIMATE_DETAIL_SIZES && !hr_layout_divides_model (&plan->layout))
    {
      rule = hr_training_rule_estimate_new (plan);
      _hr_estimate_set_rule_of_thumb (estimate, rule);
    }

  return g_steal_pointer (&estimate);
}

/*
 * hr_training_estimate_new:
 * @plan: a plan
 * @gpu: (nullable): the GPU to train on
 * @detail: what is to be known
 * @error: return location for an error
 *
 * Estimates by replaying a step of training.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_training_estimate_new (HrTrainingPlan    *plan,
                          HrGpu             *gpu,
                          HrEstimateDetail   detail,
                          GError           **error)
{
  if (!hr_inference_plan_adapt_to_gpu (&plan->pass, gpu, error) || !hr_rollout_engine_resolve (plan, gpu, error))
    return NULL;

  return estimate_device (plan, gpu, detail, error);
}
