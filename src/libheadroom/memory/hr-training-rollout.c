/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-rollout.h"

#include "hr-grpo-job.h"
#include "hr-inference-pass.h"
#include "hr-live-parameters.h"
#include "hr-operator.h"
#include "hr-sharding-flat.h"
#include "hr-sharding-stacks.h"
#include "hr-training-images.h"
#include "hr-training-loss.h"
#include "hr-training-policy-unsloth.h"
#include "hr-training-policy.h"

/*
 * What a step of training on answers does without gradients: the model answers the prompts, and the model that it is
 * compared with reads the answers.
 */

/*
 * hr_training_enter_inference:
 * @replay: a tape
 *
 * Begins a part of a step in which no gradients are recorded.
 *
 * Returns: what the tape was set to
 */
HrTapeSettings
hr_training_enter_inference (HrReplay *replay)
{
  HrTapeSettings before = {
    .graph = replay->graph, .tuning = replay->tuning, .autocast = replay->autocast,
    .keeps_casts = replay->keeps_casts, .batch = replay->symbols[HR_SYMBOL_BATCH],
  };

  replay->graph = NULL;
  replay->training = FALSE;
  replay->recomputes = FALSE;

  return before;
}

/*
 * hr_training_leave_inference:
 * @self: a step
 * @replay: a tape
 * @before: what the tape was set to
 *
 * Ends it.
 */
void
hr_training_leave_inference (const HrTraining     *self,
                             HrReplay             *replay,
                             const HrTapeSettings *before)
{
  replay->graph = before->graph;
  replay->tuning = before->tuning;
  replay->autocast = before->autocast;
  replay->keeps_casts = before->keeps_casts;
  replay->symbols[HR_SYMBOL_BATCH] = before->batch;
  replay->training = TRUE;
  replay->recomputes = hr_checkpointing_recomputes_layers (&self->checkpointing);
}

/*
 * hr_training_init_reading:
 * @self: the pass of a model
 * @replay: a tape
 *
 * Returns: the same without gradients, caches and generation
 */
HrInference
hr_training_init_reading (const HrInference *self,
                          const HrReplay    *replay)
{
  HrInference pass = *self;

  pass.source = pass.decoder_ids = HR_NO_VALUE;
  pass.beams = 1;
  pass.output = 0;
  pass.use_cache = FALSE;
  pass.has_inputs = pass.has_norm = pass.has_head = TRUE;
  pass.every_layer |= replay->live != NULL;

  return pass;
}

/*
 * OnlineDPOTrainer._generate of trl/experimental/online_dpo/online_dpo_trainer.py: what the processor has made of the
 * prompts, which is repeated for two answers to each.
 */
static void
hold_prompts (const HrTraining  *self,
              const HrInference *pass,
              HrReplay          *replay,
              HrValue            held[3])
{
  HrValue tokens = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);

  held[0] = held[1] = held[2] = HR_NO_VALUE;
  if (self->algorithm != HR_ALGORITHM_ONLINE_DPO)
    return;

  tokens.divisor = 2;
  held[0] = hr_replay_make (replay, "_to_copy", "input_ids", HR_COMPONENT_INPUTS, tokens);
  held[1] = hr_replay_make (replay, "_to_copy", "attention_mask", HR_COMPONENT_INPUTS, tokens);
  held[2] = hr_training_images_make (pass, replay, 1, 2);
}

/*
 * unwrap_model_for_generation of trl/models/utils.py: where parameters are divided, all are gathered at once, and the
 * modules run without those hooks that gather them (ds3_gather_for_generation), of which the order is forgotten then.
 */
static void
generate (HrInference *pass,
          HrReplay    *replay)
{
  HrLiveParameters *live = replay->live;
  HrStretch stretch;

  if (live == NULL)
    {
      hr_inference_generate (pass, replay, NULL);
      return;
    }

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("while parameters of all ranks are gathered for the answers");
  hr_live_parameters_gather_all (replay);
  hr_replay_end (replay);
  replay->live = NULL;
  pass->every_layer = FALSE;
  hr_inference_generate (pass, replay, NULL);
  replay->live = live;
  hr_replay_begin (replay, &stretch, NULL, -1);
  hr_live_parameters_release_all (replay, TRUE);
  hr_replay_end (replay);
}

/*
 * hr_training_write_answers:
 * @self: a step
 * @replay: a tape
 * @batch: how many prompts are answered at once
 * @scores: (out) (optional): the scores of all tokens that could have come, if they are asked for
 *
 * GenerationMixin.generate: a pass of the model over the prompts, and one over each token but the last, with a cache
 * that grows. What the scores are stacked of goes when the cache does.
 */
void
hr_training_write_answers (const HrTraining *self,
                           HrReplay         *replay,
                           guint64           batch,
                           HrValue          *scores)
{
  HrInference pass = hr_training_init_reading (&self->pass, replay);
  guint64 held = replay->ledger.live.by_component[HR_COMPONENT_LOGITS];
  HrValue tokens = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrTapeSettings before = hr_training_enter_inference (replay);
  HrValue ids, mask, media, prompts[3];

  pass.batch = batch;
  pass.towers = self->rollout_towers;
  pass.prompt -= self->completion;
  pass.output = self->completion - 1;
  pass.use_cache = TRUE;
  pass.all_logits = FALSE;
  pass.samples = TRUE;
  pass.keeps_scores = scores != NULL;
  replay->symbols[HR_SYMBOL_BATCH] = batch;
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_GENERATION);
  replay->ledger.holds_phase = TRUE;
  replay->symbols[HR_SYMBOL_SEQUENCE] = pass.prompt;
  hold_prompts (self, &pass, replay, prompts);
  ids = hr_replay_make (replay, "_to_copy", "input_ids", HR_COMPONENT_INPUTS, tokens);
  mask = hr_replay_make (replay, "_to_copy", "attention_mask", HR_COMPONENT_INPUTS, tokens);
  media = hr_training_images_make (&pass, replay, 1, 1);
  /* A cache that grows token by token is not followed on a heap. */
  if (replay->heap == NULL)
    generate (&pass, replay);
  if (scores != NULL)
    *scores = hr_replay_make (replay, "stack", "logits", HR_COMPONENT_LOGITS,
                              HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_COMPLETION,
                                        HR_SYMBOL_VOCABULARY));
  hr_replay_drop (replay, media);
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, ids);
  for (guint i = 0; i < G_N_ELEMENTS (prompts); i++)
    hr_replay_drop (replay, prompts[i]);
  hr_replay_remove (replay, HR_COMPONENT_KV_CACHE, replay->ledger.live.by_component[HR_COMPONENT_KV_CACHE]);
  if (scores != NULL)
    hr_ledger_remove (&replay->ledger, HR_COMPONENT_LOGITS,
                      replay->ledger.live.by_component[HR_COMPONENT_LOGITS] - held -
                        hr_replay_get_bytes (replay, *scores));
  replay->ledger.holds_phase = FALSE;
  hr_training_leave_inference (self, replay, &before);
}

/* Begins passes of the model that is trained before it runs forwards with gradients. */
static void
begin_policy (const HrTraining *self,
              HrReplay         *replay,
              HrSharding       *sharding)
{
  *sharding = self->sharding;
  hr_sharding_begin (sharding, replay, TRUE);
  hr_sharding_take_rest (replay);
  hr_sharding_enter_stack (replay, self->pass.stack);
}

/*
 * DistributedBackend.gather_params of trl/distributed.py: each parameter is gathered and copied into the engine; with
 * adapters, which are merged first, all are gathered at once.
 */
static void
push_live (const HrTraining *self,
           HrReplay         *replay)
{
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("while parameters of all ranks are gathered and copied to vLLM");
  if (self->live.n_wrappers > 0)
    {
      hr_live_parameters_gather_all (replay);
      hr_live_parameters_release_all (replay, FALSE);
    }
  else
    {
      hr_live_parameters_gather_each (replay);
    }
  hr_replay_end (replay);
}

/*
 * VLLMGeneration.sync_weights of trl/generation/vllm_generation.py, which an engine on the same device has woken its
 * weights for.
 */
static void
push_weights (const HrTraining *self,
              HrReplay         *replay)
{
  HrValue woken = HR_NO_VALUE;
  gboolean has_layers = replay->has_sharded_layers;
  HrSharding sharding;
  HrStretch stretch;

  if ((!self->sharding.is_sharded && replay->live == NULL) || replay->heap != NULL)
    return;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_GENERATION);
  begin_policy (self, replay, &sharding);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->symbols[HR_SYMBOL_KEPT] = self->engine_weight_bytes;
  if (self->engine_sleeps)
    woken = hr_replay_make (replay, "wake_up", "vLLM", HR_COMPONENT_ROLLOUT_ENGINE,
                            HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
  hr_replay_end (replay);
  if (replay->live != NULL)
    push_live (self, replay);
  else
    hr_sharding_push (replay);
  hr_replay_drop (replay, woken);
  hr_sharding_leave_rest (replay);
  /* No layer has run. */
  replay->has_sharded_layers = has_layers;
}

/*
 * VLLMGeneration.generate of trl/generation/vllm_generation.py: an engine that has slept takes its share again, for the
 * weights, into which those of the trainer are copied, and for the cache, and gives it up when all have answered.
 */
static void
generate_by_engine (const HrTraining *self,
                    HrReplay         *replay)
{
  HrStretch stretch;

  push_weights (self, replay);
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_GENERATION);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("while vLLM answers the prompts in its share of the memory");
  if (self->engine_sleeps && replay->heap == NULL)
    {
      replay->symbols[HR_SYMBOL_KEPT] = self->engine_bytes;
      hr_replay_drop (replay, hr_replay_make (replay, "wake_up", "vLLM", HR_COMPONENT_ROLLOUT_ENGINE,
                                              HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT)));
    }
  hr_replay_end (replay);
}

/*
 * GRPOTrainer._generate_single_turn of trl/trainer/grpo_trainer.py: the module inside of FullyShardedDataParallel
 * generates, while what is around its layers is there (DistributedBackend.summon_full_params of trl/distributed.py);
 * of fully_shard each token gathers all.
 */
static void
generate_by_policy (const HrTraining *self,
                    HrReplay         *replay)
{
  HrElement element = replay->dtype;
  HrSharding sharding;

  begin_policy (self, replay, &sharding);
  hr_sharding_summon (replay);
  hr_training_write_answers (self, replay, self->pass.batch * self->generation_steps, NULL);
  hr_sharding_leave_reading (replay);
  hr_sharding_leave_rest (replay);
  replay->dtype = element;
}

/*
 * hr_training_generate:
 * @self: a step
 * @replay: a tape
 *
 * GRPOTrainer._generate_single_turn of trl/trainer/grpo_trainer.py: the prompts of all micro-batches that answers are
 * generated for at once are answered, by the model itself or by an engine.
 */
void
hr_training_generate (const HrTraining *self,
                      HrReplay         *replay)
{
  if (self->rollout == HR_ROLLOUT_TRANSFORMERS && replay->heap == NULL)
    generate_by_policy (self, replay);
  else if (self->rollout == HR_ROLLOUT_VLLM_COLOCATED)
    generate_by_engine (self, replay);
  else if (self->rollout == HR_ROLLOUT_VLLM_SERVER)
    push_weights (self, replay);
}

/*
 * hr_training_keep_answers:
 * @self: a step
 * @replay: a tape
 * @hidden: (inout): what the last norm made
 *
 * Leaves the tokens of the answers and the one before them (logits_to_keep), where only these have a loss.
 */
void
hr_training_keep_answers (const HrTraining *self,
                          HrReplay         *replay,
                          HrValue          *hidden)
{
  HrValue shape = HR_SHAPE (hidden->element, HR_SYMBOL_BATCH, HR_SYMBOL_SCORED, HR_SYMBOL_HIDDEN);

  if (!hr_algorithm_is_policy (self->algorithm) || self->policy_code != HR_POLICY_CODE_TRL)
    return;

  hr_replay_assign (replay, hidden, hr_op_slice (replay, *hidden, shape));
  /*
   * The product reads rows that lie one behind the other; a copy in another type has them so. The function of
   * deepspeed/runtime/zero/linear.py keeps what it was given, and not the copy.
   */
  if (replay->symbols[HR_SYMBOL_BATCH] > 1 && replay->autocast == HR_ELEMENT_NONE && replay->live == NULL)
    hr_replay_assign (replay, hidden, hr_op_copy (replay, "hidden_states", *hidden, shape));
}

/* Whether the reference model is one of its own that is sharded, which accelerate does not wrap. */
static gboolean
is_apart (const HrTraining *self,
          HrPhaseId         phase)
{
  return phase == HR_PHASE_REFERENCE && self->reference_sharding.is_sharded;
}

/* Begins the call of a model that is sharded; DPOTrainer has the reference model read within that of the policy. */
static void
begin_reading (const HrTraining *self,
               HrReplay         *replay,
               HrPhaseId         phase,
               HrSharding       *sharding)
{
  if (is_apart (self, phase))
    {
      *sharding = self->reference_sharding;
      hr_sharding_begin (sharding, replay, TRUE);
      hr_sharding_enter_stack (replay, self->pass.stack);
      /* prepare_fsdp of trl/models/utils.py wraps no function in autocast. */
      replay->autocast = HR_ELEMENT_NONE;
      replay->keeps_casts = FALSE;
    }
  else if (replay->sharding == NULL)
    {
      begin_policy (self, replay, sharding);
    }
}

static void
end_reading (const HrTraining *self,
             HrReplay         *replay,
             HrPhaseId         phase,
             HrSharding       *outer)
{
  if (is_apart (self, phase))
    {
      hr_sharding_end (replay);
      hr_sharding_resume (outer, replay);
    }
  else if (outer == NULL)
    {
      hr_sharding_leave_rest (replay);
    }
}

/*
 * Calls a model whose parameters are gathered for its modules: the one that is trained, or a reference model of its
 * own.
 *
 * Returns: what the tape gathers parameters of, to which it goes back
 */
static HrLiveParameters *
call_live (const HrTraining *self,
           HrReplay         *replay,
           gboolean          is_reference)
{
  HrLiveParameters *before = replay->live;
  HrStretch stretch;

  if (before == NULL)
    return NULL;

  if (is_reference && replay->live_of_reference != NULL)
    replay->live = replay->live_of_reference;
  hr_replay_begin (replay, &stretch, NULL, -1);
  hr_live_parameters_begin (replay);
  /* The model with its wrappers, and the one inside that has no head. */
  for (guint i = 0; i < self->live.n_wrappers + 2; i++)
    hr_live_parameters_call (replay);
  hr_replay_end (replay);

  return before;
}

static void
return_live (const HrTraining *self,
             HrReplay         *replay,
             HrValue          *logits)
{
  for (guint i = 0; i <= self->live.n_wrappers && replay->live != NULL; i++)
    hr_live_parameters_leave (replay, logits);
}

/*
 * The log-probabilities of answers, without gradients; GRPOTrainer has as many read at once as are trained on at once.
 * The logits that they are made of go, or are the caller's.
 */
static void
read_answers (const HrTraining *self,
              HrReplay         *replay,
              const HrTuning   *tuning,
              HrPhaseId         phase,
              HrValue          *kept)
{
  HrInference pass = hr_training_init_reading (&self->pass, replay);
  HrTapeSettings before = hr_training_enter_inference (replay);
  HrValue tokens = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue ids = HR_NO_VALUE, mask = HR_NO_VALUE;
  HrSharding *outer = replay->sharding;
  HrSharding sharding;
  HrValue logits, answers;
  HrLiveParameters *live;
  HrPass variables;

  replay->tuning = tuning;
  replay->keeps_casts = before.autocast != HR_ELEMENT_NONE;
  begin_reading (self, replay, phase, &sharding);
  hr_ledger_enter_phase (&replay->ledger, phase);
  /* OnlineDPOTrainer._forward joins prompts and answers anew. */
  if (self->algorithm == HR_ALGORITHM_ONLINE_DPO)
    {
      replay->symbols[HR_SYMBOL_SEQUENCE] = pass.prompt;
      ids = hr_op_like (replay, "cat", "prompt_completion_ids", tokens);
      mask = hr_op_like (replay, "cat", "prompt_completion_mask", tokens);
    }
  live = call_live (self, replay, phase == HR_PHASE_REFERENCE);
  hr_inference_run_layers (&pass, replay, 0, pass.prompt, &variables);
  hr_live_parameters_leave (replay, &variables.hidden);
  hr_training_keep_answers (self, replay, &variables.hidden);
  logits = hr_pass_run_head (&pass, replay, &variables, TRUE);
  return_live (self, replay, &logits);
  hr_inference_end_pass (&pass, replay, &variables);
  hr_replay_drop_casts (replay);
  replay->autocast = HR_ELEMENT_NONE;
  if (self->fp32_outputs && !is_apart (self, phase))
    hr_training_upcast_outputs (replay, &logits, replay->returned, G_N_ELEMENTS (replay->returned));
  answers = self->algorithm == HR_ALGORITHM_ONLINE_DPO ? hr_training_take_answers (replay, logits)
                                                       : hr_training_score_answers (replay, logits);
  hr_replay_drop (replay, answers);
  if (kept != NULL)
    {
      *kept = logits;
    }
  else
    {
      hr_replay_drop (replay, logits);
      hr_pass_drop_returned (replay);
    }
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, ids);
  end_reading (self, replay, phase, outer);
  replay->live = live;
  hr_training_leave_inference (self, replay, &before);
}

/*
 * hr_training_read_own:
 * @self: a step
 * @replay: a tape
 *
 * The log-probabilities of the answers by the policy that has written them (old_per_token_logps of
 * GRPOTrainer._generate_and_score_completions), where it has been trained further before they are used.
 */
void
hr_training_read_own (const HrTraining *self,
                      HrReplay         *replay)
{
  if (!self->reads_own_answers)
    return;

  if (hr_training_packs_answers (self))
    hr_training_unsloth_read (self, replay, replay->tuning, HR_PHASE_OLD_POLICY);
  else
    read_answers (self, replay, replay->tuning, HR_PHASE_OLD_POLICY, NULL);
}

/*
 * hr_training_read_others:
 * @self: a step
 * @replay: a tape
 *
 * Has the model that is trained read answers to other prompts, without gradients.
 */
void
hr_training_read_others (const HrTraining *self,
                         HrReplay         *replay)
{
  read_answers (self, replay, replay->tuning, HR_PHASE_FORWARD, NULL);
}

/*
 * hr_training_read_reference:
 * @self: a step
 * @replay: a tape
 * @kept: (out) (optional): the logits of the answers, which go if nobody asks for them
 *
 * The log-probabilities of the answers by the model as it was at the start: a model of its own, or the one that is
 * trained with its adapters switched off.
 */
void
hr_training_read_reference (const HrTraining *self,
                            HrReplay         *replay,
                            HrValue          *kept)
{
  if (kept != NULL)
    *kept = HR_NO_VALUE;
  if (!self->has_reference)
    return;

  if (hr_training_packs_answers (self))
    hr_training_unsloth_read (self, replay, NULL, HR_PHASE_REFERENCE);
  else
    read_answers (self, replay, NULL, HR_PHASE_REFERENCE, kept);
}
