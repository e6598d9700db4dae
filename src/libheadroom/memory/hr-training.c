/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training.h"

#include "hr-grpo-job.h"
#include "hr-deepspeed-pipeline.h"
#include "hr-inference-cache.h"
#include "hr-live-parameters.h"
#include "hr-low-level-zero.h"
#include "hr-operator.h"
#include "hr-replay-megatron.h"
#include "hr-replay-prediction.h"
#include "hr-sharding-flat.h"
#include "hr-sharding-stacks.h"
#include "hr-training-actor.h"
#include "hr-training-colossalai.h"
#include "hr-training-images.h"
#include "hr-training-loss.h"
#include "hr-training-pipeline.h"
#include "hr-unsloth.h"
#include "hr-training-log.h"
#include "hr-torchtitan-context.h"
#include "hr-torchtitan-parallel.h"
#include "hr-tower.h"
#include "hr-training-policy-unsloth.h"
#include "hr-training-policy.h"
#include "hr-training-ppo.h"
#include "hr-training-rollout.h"
#include "hr-training-stack.h"

/*
 * A step of training in its steady state: the forward pass keeps what autograd needs, the loss is computed, its
 * gradient flows back, the optimizer uses the gradients, and they go.
 */

typedef struct _HrMicroBatch Step;

struct _HrMicroBatch
{
  const HrTraining *training;
  HrReplay *replay;
  Step *previous;      /* the micro-batch before, whose outputs variables hold until those of this are there */
  HrCriticPass critic;
  HrValue scores;      /* what comes from the value model, a boundary of @head */
  HrValue values;      /* the same, as a variable holds it */
  HrValue last;        /* what the last norm made, returned with the logits */
  HrValue wide;        /* what is returned of the layers, in fp32 */
  HrValue leaf;        /* what embedded tokens, where a hook makes a leaf of them, have beside that */
  HrTrainingStack *encoder;
  HrTrainingStack *stack;
  HrGraph *head;
  HrValue source;
  HrValue shifted;
  HrPackedAnswers packed; /* what Unsloth's trainer makes of answers */
  HrValue places;      /* of packed tokens, as Unsloth's functions hold them until they have been differentiated */
  HrValue joined_ids;
  HrValue joined_mask;
  HrValue head_input;
  HrValue loss;
  HrValue seed;
  HrValue outputs;
  HrValue mean;        /* the part of the loss that is differentiated, where what was returned holds the loss itself */
  HrValue returned[2];  /* what the model's function has returned beside the logits */
  HrElement autocast;  /* what the models compute in, though the loss between them does not */
  gboolean is_last;    /* of the micro-batches of a step */
  HrSharding sharding;
  HrReduction reduction;
  HrActorBatch batch;  /* what an actor makes of the tokens of a micro-batch */
  HrValue pixels;      /* of prompts that are answered when a micro-batch comes, as the trainer holds them */
  HrValue numbers;     /* what the trainer has worked out of these answers */
  HrValue beside[3];
  HrCoatiVariables variables;  /* of a trainer of ColossalChat */
};

/*
 * Whether keys and values are kept, though nothing is generated: a decoder behind an encoder or a tower does so by
 * default, as the config of the whole says nothing of it, unless its class turns that off, and so does every other that
 * is given a cache.
 */
static gboolean
uses_cache (const HrTraining *self)
{
  gboolean recomputes = hr_checkpointing_recomputes_layers (&self->checkpointing);
  const HrBlock *head = hr_chain_find_block (self->pass.head, HR_BLOCK_HEAD);
  gboolean is_uncached = head != NULL && head->head.uncached_loss;

  return ((self->pass.encoder != NULL || self->caches) && !recomputes && !is_uncached) ||
         hr_tuning_get_n_cached (self->tuning) > 0;
}

/* The encoder's output, as the decoder's layers see it. */
static HrValue
get_source (HrReplay *replay,
            HrValue   output)
{
  HrValue source = HR_SHAPE (output.element, HR_SYMBOL_BATCH, HR_SYMBOL_SOURCE, HR_SYMBOL_HIDDEN);

  source.storage = output.storage;
  source.node = output.node;

  return source;
}

static void
run_encoder_forward (Step *step)
{
  HrInference pass = step->training->pass;

  pass.stack = pass.encoder;
  pass.encoder = NULL;
  pass.n_layers = pass.stack->n_layers;
  pass.prompt = pass.source_length;
  pass.has_head = FALSE;
  pass.source = pass.decoder_ids = HR_NO_VALUE;
  step->encoder = g_new (HrTrainingStack, 1);
  hr_training_stack_init (step->encoder, &pass, step->training->tuning, step->replay,
                          step->training->checkpointing, FALSE);
  hr_training_stack_run_forward (step->encoder);
  step->source = step->encoder->output;
  hr_replay_rename (step->replay, step->source, "encoder_hidden_states");
}

/* The decoder reads the labels, shifted by one (_shift_right, shift_tokens_right). */
static void
shift_labels (Step *step)
{
  HrReplay *replay = step->replay;
  HrValue ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);

  replay->symbols[HR_SYMBOL_SEQUENCE] = step->training->pass.prompt;
  step->shifted = hr_op_like (replay, "new_zeros", "decoder_input_ids", ids);
  hr_replay_drop (replay, hr_op_like (replay, "clone", "labels", ids));
}

/* T5ForConditionalGeneration.forward calls its encoder before; the functions of others begin with the labels. */
static gboolean
shifts_late (const HrInference *pass)
{
  const HrAttention *attention = hr_layer_class_get_attention (&pass->encoder->layer_classes[0]);

  return attention != NULL && hr_attention_is_relative (attention);
}

/* Whether the trainer is one part among others that come and go. */
static gboolean
is_actor (const HrTraining *self)
{
  return self->policy_code == HR_POLICY_CODE_VERL || self->policy_code == HR_POLICY_CODE_OPENRLHF;
}

/* Whether it is one of ColossalChat. */
static gboolean
is_coati (const HrTraining *self)
{
  return self->policy_code == HR_POLICY_CODE_COLOSSALAI;
}

/* `torch.cat ([chosen_input_ids, reject_input_ids])`, and the masks likewise, which are of truth values. */
static void
join_pairs (Step *step)
{
  HrReplay *replay = step->replay;

  if (!is_coati (step->training) || !hr_algorithm_is_preference (step->training->algorithm))
    return;

  replay->symbols[HR_SYMBOL_SEQUENCE] = step->training->pass.prompt;
  step->joined_ids = hr_op_like (replay, "cat", "input_ids",
                                 HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  step->joined_mask = hr_op_like (replay, "cat", "attention_mask",
                                  HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
}

/* PipelineEngine._exec_forward_pass of deepspeed/runtime/pipe/engine.py copies whatever a stage reads. */
static void
copy_tokens (Step *step)
{
  HrReplay *replay = step->replay;

  if (!step->training->pipelines || !step->training->pipeline.is_deepspeed || !step->training->pass.has_inputs)
    return;

  replay->symbols[HR_SYMBOL_SEQUENCE] = step->training->pass.prompt;
  step->joined_ids = hr_op_like (replay, "clone", "inputs",
                                 HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
}

/* `torch.cat ([prompt_ids, completion_ids], dim=1)`, and the masks likewise. */
static void
join_answers (Step *step)
{
  HrReplay *replay = step->replay;
  HrValue ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);

  step->joined_ids = step->joined_mask = step->pixels = step->numbers = HR_NO_VALUE;
  if (is_actor (step->training))
    {
      hr_actor_batch_init (&step->batch, step->training, replay);
      return;
    }
  join_pairs (step);
  copy_tokens (step);
  if (!hr_algorithm_generates (step->training->algorithm) || step->training->algorithm == HR_ALGORITHM_PPO)
    return;

  if (step->training->algorithm == HR_ALGORITHM_ONLINE_DPO)
    step->pixels = hr_training_images_make (&step->training->pass, replay, 1, 1);
  replay->symbols[HR_SYMBOL_SEQUENCE] = step->training->pass.prompt;
  step->joined_ids = hr_op_like (replay, "cat", "input_ids", ids);
  step->joined_mask = hr_op_like (replay, "cat", "attention_mask", ids);
  if (hr_training_packs_answers (step->training))
    hr_packed_answers_init (&step->packed, replay);
}

static void
run_forward (Step *step)
{
  HrInference pass = step->training->pass;
  HrReplay *replay = step->replay;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_FORWARD);
  replay->keeps_casts = replay->autocast != HR_ELEMENT_NONE;
  replay->offloads = step->training->offloads;
  replay->offloads_inputs = step->training->offloads_inputs;
  replay->compiles = step->training->compiles;
  pass.compiles = step->training->compiles;
  pass.source = pass.decoder_ids = step->source = step->shifted = HR_NO_VALUE;
  pass.use_cache = uses_cache (step->training);
  hr_coati_variables_init (&step->variables, step->training, replay);
  hr_coati_variables_read_others (&step->variables, step->training, replay);
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_FORWARD);
  join_answers (step);
  if (is_actor (step->training) && step->batch.positions.storage >= 0)
    {
      pass.has_positions = TRUE;
      pass.positions = step->batch.positions;
    }
  hr_critic_pass_init (&step->critic, step->training, replay);
  step->places = HR_NO_VALUE;
  if (replay->layer_code == HR_LAYER_CODE_UNSLOTH && pass.examples > 0)
    step->places = hr_op_like (replay, "_to_copy", "position_ids", HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_TEXT));
  if (pass.encoder != NULL)
    {
      if (!shifts_late (&pass))
        shift_labels (step);
      run_encoder_forward (step);
      if (shifts_late (&pass))
        shift_labels (step);
      pass.source = get_source (replay, step->source);
      pass.decoder_ids = step->shifted;
    }
  if (step->training->critic != NULL)
    {
      hr_critic_pass_run_forward (&step->critic, pass.use_cache);
      pass.decoder_ids = step->critic.ids;
      pass.has_positions = TRUE;
      pass.positions = step->critic.positions;
      pass.returns_layers = TRUE;
    }

  step->stack = g_new (HrTrainingStack, 1);
  hr_training_stack_init (step->stack, &pass, step->training->tuning, replay, step->training->checkpointing,
                          uses_cache (step->training));
  hr_training_stack_run_forward (step->stack);
}

/* Whatever the version: Gemma3ForConditionalGeneration of modeling_gemma3.py has a loss of its own. */
static gboolean
shifts_logits (const HrInference *pass)
{
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);

  return head != NULL && head->head.shifts_logits;
}

/* Likewise in ModernBertDecoderForCausalLM and Qwen2AudioForConditionalGeneration, which leave them in their dtype. */
static gboolean
has_plain_loss (const HrInference *pass)
{
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);

  return head != NULL && (head->head.plain_loss || head->head.masked_loss);
}

/* The decoders of BART's kin, alone, leave it to the batch to shift its labels. */
static gboolean
shifts_labels (const HrInference *pass)
{
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);

  if (head != NULL && head->head.causal_loss)
    return TRUE;

  return pass->stack->role == HR_STACK_DECODER && pass->encoder == NULL && !hr_pass_makes_scores (pass) &&
         (head == NULL || !head->head.unshifted_loss);
}

static HrValue
compute_loss (Step    *step,
              HrValue  logits)
{
  const HrInference *pass = &step->training->pass;
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);

  if (step->replay->layer_code == HR_LAYER_CODE_TORCHTITAN)
    return step->replay->divides_layers ? hr_torchtitan_loss (step->replay, logits)
                                        : hr_training_loss_cross_entropy (step->replay, logits, TRUE);
  if (hr_megatron_runs (step->replay))
    return hr_megatron_loss (step->replay, logits,
                             step->training->loss_implementation == HR_LOSS_IMPLEMENTATION_MEGATRON_FUSED);
  if (head != NULL && head->head.is_span)
    return hr_training_loss_span (step->replay, logits);
  if (head != NULL && head->head.is_of_last)
    return hr_training_loss_last_token (step->replay, logits);
  if (step->replay->compiles)
    return hr_training_loss_compiled (step->replay, logits);
  if (head != NULL && head->head.masked_loss && pass->mask != HR_ATTENTION_MASK_NONE)
    return hr_training_loss_masked (step->replay, logits);
  if (shifts_labels (pass))
    return hr_training_loss_causal (step->replay, logits,
                                    step->training->logits_upcast != HR_LOGITS_UPCAST_LOSS ||
                                      shifts_logits (pass) || has_plain_loss (pass),
                                    !has_plain_loss (pass),
                                    step->training->loss_implementation == HR_LOSS_IMPLEMENTATION_LIGER_CROSS_ENTROPY);

  return hr_training_loss_cross_entropy (step->replay, logits, head != NULL && head->head.fp32_loss);
}

/* The matrix of the head goes into the loss, and no logits come out of the model. */
static void
fuse_loss (Step *step)
{
  HrReplay *replay = step->replay;
  const HrInference *pass = &step->training->pass;
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);
  HrPass *variables = &step->stack->variables;
  HrStretch stretch;
  HrValue weight;

  hr_replay_begin (replay, &stretch, head->path, -1);
  weight = hr_pass_use_head (pass, replay, variables);
  if (step->training->loss_implementation == HR_LOSS_IMPLEMENTATION_CHUNKED_NLL)
    step->loss = hr_training_loss_chunked (replay, variables->hidden, weight, head->head.softcap, step->beside);
  else if (step->training->loss_implementation == HR_LOSS_IMPLEMENTATION_CUT_CROSS_ENTROPY)
    step->loss = hr_training_loss_cut (replay, variables->hidden, weight, head->head.softcap);
  else if (step->training->loss_implementation == HR_LOSS_IMPLEMENTATION_UNSLOTH_FUSED)
    step->loss = hr_training_loss_unsloth (replay, variables->hidden, weight, pass->examples > 0);
  else
    step->loss = hr_training_loss_fused_linear (replay, variables->hidden, weight);
  hr_replay_end (replay);
  hr_replay_drop (replay, variables->hidden);
  variables->hidden = HR_NO_VALUE;
}

/*
 * process_mtp_loss of megatron/core/transformer/multi_token_prediction.py: the same head reads what each layer that
 * predicts tokens further on has made, before it reads the rest.
 */
static void
run_predictions (Step *step)
{
  HrPass *variables = &step->stack->variables;
  HrReplay *replay = step->replay;

  variables->keeps_head = step->training->pass.n_predictions > 0;
  for (guint i = 0; i < step->training->pass.n_predictions; i++)
    {
      HrValue hidden = hr_replay_hold (replay, variables->hidden);
      HrValue logits = hr_pass_run_head (&step->training->pass, replay, variables, TRUE);

      variables->hidden = hidden;
      hr_replay_prediction_loss (replay, variables, compute_loss (step, logits));
      hr_replay_drop (replay, logits);
    }
}

static HrValue
compute_logits_and_loss (Step *step)
{
  const HrTraining *self = step->training;
  HrPass *variables = &step->stack->variables;
  HrValue logits;

  /* What takes the logits' place is the function of the class that writes text (ForCausalLM.forward). */
  if (hr_loss_implementation_reads_head (self->loss_implementation) && !hr_pass_makes_scores (&self->pass))
    {
      fuse_loss (step);
      return HR_NO_VALUE;
    }

  run_predictions (step);
  logits = hr_pass_makes_scores (&self->pass)
             ? hr_pass_run_scores (&self->pass, step->replay, variables)
             : hr_pass_run_head (&self->pass, step->replay, variables, TRUE);
  hr_sharding_end_forward (step->replay, &logits);
  if (self->logits_upcast == HR_LOGITS_UPCAST_FORWARD || shifts_logits (&self->pass))
    hr_training_upcast_logits (step->replay, &logits);
  step->loss = compute_loss (step, logits);
  if (step->replay->layer_code != HR_LAYER_CODE_TORCHTITAN)
    hr_sharding_return (step->replay);
  for (guint i = 0; i <= step->training->live.n_wrappers; i++)
    hr_live_parameters_leave (step->replay, &step->loss);

  return logits;
}

/* What is left of the step before goes, or is zeros that new gradients are added to. */
static void
zero_gradients (Step *step)
{
  if (step->training->zero_grad == HR_ZERO_GRAD_BEFORE_BACKWARD && !step->replay->has_gradients)
    hr_replay_remove (step->replay, HR_COMPONENT_GRADIENTS, step->training->gradient_bytes);
}

static HrValue
cast_output (HrReplay *replay,
             HrValue   logits)
{
  HrStretch stretch;
  HrValue output;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->sentence = N_("after the loss, while what the model returns is cast to fp32");
  output = hr_op_cast (replay, hr_value_detach (logits), HR_ELEMENT_FLOAT32);
  hr_replay_end (replay);

  return output;
}

static void
take_returned (Step *step)
{
  for (guint i = 0; i < G_N_ELEMENTS (step->returned); i++)
    {
      step->returned[i] = step->replay->returned[i];
      step->replay->returned[i] = HR_NO_VALUE;
    }
}

static void
drop_returned_media (Step *step)
{
  for (guint i = 0; i < G_N_ELEMENTS (step->returned); i++)
    hr_replay_assign (step->replay, &step->returned[i], HR_NO_VALUE);
}

/* Beside the logits, what the encoder made is returned, and the cache of keys and values. */
static void
drop_outputs (Step *step)
{
  drop_returned_media (step);
  hr_replay_drop (step->replay, step->outputs);
  if (step->mean.storage >= 0)
    hr_replay_assign (step->replay, &step->loss, HR_NO_VALUE);
  for (guint i = 0; i < G_N_ELEMENTS (step->beside); i++)
    {
      hr_replay_drop (step->replay, step->beside[i]);
      step->beside[i] = HR_NO_VALUE;
    }
  hr_replay_drop (step->replay, step->source);
  hr_training_stack_drop_cache (step->stack);
  step->outputs = step->source = HR_NO_VALUE;
}

/* Whether a variable holds what a micro-batch has returned until that of the next one takes its place. */
static gboolean
keeps_until_next (const HrTraining *self)
{
  return self->keep_outputs && self->algorithm == HR_ALGORITHM_SFT && self->accumulation_steps > 1 &&
         !is_coati (self) && !self->pipelines;
}

/* `loss = outputs.loss / accumulation_steps`, where the outputs stay, and the loss of the micro-batch with them. */
static void
divide_loss (Step *step)
{
  HrStretch stretch;

  if (!keeps_until_next (step->training))
    return;

  hr_replay_begin (step->replay, &stretch, "loss", -1);
  step->mean = hr_op_like (step->replay, "div", "loss", hr_value_detach (step->loss));
  hr_replay_end (step->replay);
}

/* What the function that calls the model's has held goes with it. */
static void
drop_beside (HrReplay *replay,
             HrPass   *variables)
{
  while (variables->n_beside > 0)
    hr_replay_drop (replay, variables->beside[--variables->n_beside]);
}

/*
 * Whether DPOTrainer of trl/trainer/dpo_trainer.py makes the loss, for IPO as well, or KTOTrainer of
 * trl/trainer/kto_trainer.py, and what they log. They are replayed as they are from TRL 1.6 and 1.9 on, which make no
 * copies for the loss.
 */
static gboolean
logs_answers (const HrTraining *self)
{
  return (self->algorithm == HR_ALGORITHM_DPO || self->algorithm == HR_ALGORITHM_IPO ||
          self->algorithm == HR_ALGORITHM_KTO) &&
         self->logs_metrics && self->trl_release >= HR_TRL_RELEASE_1_6;
}

/* Whether what the model has returned is a variable of the trainer until the step ends. */
static gboolean
keeps_logits (const HrTraining *self)
{
  return self->critic != NULL || self->policy_code == HR_POLICY_CODE_OPENRLHF || is_coati (self);
}

/* The function of the reference model is wrapped by accelerate like that of the trained one. */
static void
read_reference (Step    *step,
                HrValue *kept)
{
  step->replay->autocast = step->autocast;
  hr_training_read_reference (step->training, step->replay, kept);
  step->replay->autocast = HR_ELEMENT_NONE;
}

/*
 * KTOTrainer._compute_kl_logps of trl/trainer/kto_trainer.py has both models read answers to other prompts first. That
 * takes no more than what follows, but tells where parameters are divided what is known of the order of modules.
 */
static gboolean
reads_others (const HrTraining *self,
              const HrReplay   *replay)
{
  return self->algorithm == HR_ALGORITHM_KTO && replay->live != NULL;
}

/* DPOTrainer has the reference model read the pairs while all that the trained one keeps is there. */
static HrValue
compare_answers (Step    *step,
                 HrValue  logits)
{
  HrReplay *replay = step->replay;
  HrAlgorithm algorithm = step->training->algorithm;
  HrValue loss = HR_NO_VALUE;
  HrValue labels = HR_NO_VALUE;
  HrValue reference = HR_NO_VALUE;
  HrValue answers;

  if (algorithm == HR_ALGORITHM_ORPO)
    loss = hr_training_loss_chosen (replay, logits);
  /* get_batch_logps of trl/experimental/cpo/cpo_trainer.py copies the labels. */
  if (algorithm == HR_ALGORITHM_ORPO || algorithm == HR_ALGORITHM_SIMPO)
    labels = hr_op_like (replay, "where", "labels", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_COMPLETION));
  answers = hr_training_score_answers (replay, logits);

  /* ref_outputs is a variable of _compute_loss, which ends with it. */
  if (reads_others (step->training, replay))
    read_reference (step, NULL);
  read_reference (step, logs_answers (step->training) ? &reference : NULL);
  hr_replay_rename (replay, reference, "ref_logits");
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_LOSS);
  loss = hr_training_loss_preference (replay, answers, loss);
  if (logs_answers (step->training) && algorithm == HR_ALGORITHM_KTO)
    hr_training_log_unpaired (replay, logits, step->training->has_reference);
  else if (logs_answers (step->training))
    hr_training_log_preference (replay, logits, step->training->has_reference);
  hr_replay_drop (replay, reference);
  hr_pass_drop_returned (replay);
  hr_replay_drop (replay, labels);
  hr_replay_drop (replay, logits);

  return loss;
}

/* They go with the function that has joined them, unless the derivative of a table that is trained needs them. */
static void
drop_joined_ids (Step *step)
{
  if (hr_value_needs_gradient (step->stack->variables.table))
    return;

  hr_replay_drop (step->replay, step->joined_ids);
  step->joined_ids = HR_NO_VALUE;
}

/* Variables of OnlineDPOTrainer.training_step with a number for each answer, and with one for each of its tokens. */
#define VECTORS_OF_ANSWERS 26
#define VECTORS_OF_TOKENS 4

/* They live until that returns: rewards, ratios, divergences, and what they are made of. */
static HrValue
hold_numbers (HrReplay  *replay,
              HrElement  element)
{
  guint64 batch = replay->symbols[HR_SYMBOL_BATCH];
  guint64 tokens = batch * replay->symbols[HR_SYMBOL_COMPLETION];

  replay->symbols[HR_SYMBOL_KEPT] = VECTORS_OF_ANSWERS * hr_ledger_round (batch * sizeof (float)) +
                                    VECTORS_OF_TOKENS * hr_ledger_round (tokens * hr_element_get_bytes (element));

  return hr_op_like (replay, "sub", "logprobs - ref_logprobs", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
}

/*
 * OnlineDPOTrainer.training_step of trl/experimental/online_dpo/online_dpo_trainer.py: what the model has returned goes
 * before the reference model reads.
 */
static HrValue
compare_own_answers (Step    *step,
                     HrValue  logits)
{
  HrReplay *replay = step->replay;
  HrValue answers = hr_training_take_answers (replay, logits);
  HrValue loss;

  hr_replay_drop (replay, logits);
  drop_returned_media (step);
  hr_replay_drop (replay, step->joined_mask);
  step->joined_mask = HR_NO_VALUE;
  drop_joined_ids (step);
  read_reference (step, NULL);
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_LOSS);
  loss = hr_training_loss_preference (replay, answers, HR_NO_VALUE);
  step->numbers = hold_numbers (replay, logits.element);

  return loss;
}

/* What is returned of all layers, and of the last norm, is cast to fp32 one by one. */
static void
widen_layers (Step *step)
{
  HrReplay *replay = step->replay;
  guint64 bytes = hr_ledger_round (hr_value_get_elements (step->last, replay->symbols) * sizeof (float));

  if (hr_element_get_bytes (step->last.element) >= sizeof (float))
    return;

  replay->symbols[HR_SYMBOL_KEPT] = (step->stack->pass.n_layers + 1) * bytes;
  step->wide = hr_op_like (replay, "_to_copy", "hidden_states", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
}

/*
 * accelerate casts whatever PolicyAndValueWrapper.forward returns to fp32 (convert_outputs_to_fp32), and lets go of
 * what that was when all of it is there.
 */
static void
widen_outputs (Step    *step,
               HrValue *logits)
{
  HrReplay *replay = step->replay;
  HrValue narrow = hr_replay_hold (replay, *logits);
  HrValue scores = hr_replay_hold (replay, step->values);
  HrStretch stretch;

  hr_training_upcast_logits (replay, logits);
  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->sentence = N_("while all that the model returns is cast to fp32");
  widen_layers (step);
  hr_replay_assign (replay, &step->values, hr_op_cast (replay, step->values, HR_ELEMENT_FLOAT32));
  hr_replay_end (replay);
  hr_replay_drop (replay, scores);
  hr_replay_drop (replay, narrow);
  if (step->wide.storage < 0)
    return;

  hr_training_stack_drop_returned (step->stack);
  hr_replay_assign (replay, &step->last, HR_NO_VALUE);
}

static void drop_returned (Step *step);

/*
 * PPOTrainer.train of trl/experimental/ppo/ppo_trainer.py, from where the models return: their results take the places
 * of those of the micro-batch before.
 */
static HrValue
compare_with_rewards (Step    *step,
                      HrValue *logits)
{
  HrReplay *replay = step->replay;

  if (step->previous != NULL)
    drop_returned (step->previous);
  hr_critic_pass_drop_variables (&step->critic);

  return hr_training_loss_proximal (replay, *logits, step->values);
}

/* What the trainers of ColossalChat make of what the model returns; that of ORPO is given labels as well. */
static HrValue
compare_by_coati (Step    *step,
                  HrValue *logits)
{
  const HrTraining *self = step->training;
  HrReplay *replay = step->replay;
  HrValue addend = HR_NO_VALUE;

  if (self->logits_upcast == HR_LOGITS_UPCAST_FORWARD)
    hr_training_upcast_logits (replay, logits);
  if (self->algorithm == HR_ALGORITHM_ORPO)
    addend = compute_loss (step, *logits);
  hr_training_stack_drop_cache (step->stack);
  hr_coati_variables_return (&step->variables, replay);

  return hr_coati_variables_compute_loss (&step->variables, self, replay, *logits, addend);
}

/*
 * A loss that is computed outside of the model's function: what that returns is cast to fp32 with its history, and
 * autocast has ended.
 */
static void
run_loss_outside (Step             *step,
                  HrTrainingLevels *levels,
                  HrValue           logits)
{
  const HrTraining *self = step->training;
  HrReplay *replay = step->replay;

  step->autocast = replay->autocast;
  hr_replay_drop_casts (replay);
  drop_beside (replay, &step->stack->variables);
  hr_replay_assign (replay, &step->stack->variables.outputs, HR_NO_VALUE);
  replay->autocast = HR_ELEMENT_NONE;
  if (self->critic != NULL)
    {
      hr_critic_pass_drop_output (&step->critic);
      step->scores = step->values = hr_training_enter_graph (replay, step->critic.scores, TRUE);
    }
  if (self->fp32_outputs && self->critic != NULL)
    widen_outputs (step, &logits);
  else if (self->fp32_outputs)
    hr_training_upcast_outputs (replay, &logits, step->returned, G_N_ELEMENTS (step->returned));
  if (self->critic != NULL)
    step->loss = compare_with_rewards (step, &logits);
  else if (self->algorithm == HR_ALGORITHM_REWARD)
    step->loss = hr_training_loss_reward (replay, logits);
  else if (self->algorithm == HR_ALGORITHM_ONLINE_DPO)
    step->loss = compare_own_answers (step, logits);
  else if (is_actor (self))
    step->loss = hr_actor_batch_compute_loss (&step->batch, self, replay, &logits);
  else if (is_coati (self))
    step->loss = compare_by_coati (step, &logits);
  else
    step->loss = hr_algorithm_is_policy (self->algorithm) ? hr_training_loss_policy (replay, logits)
                                                          : compare_answers (step, logits);
  replay->autocast = step->autocast;
  replay->graph = NULL;
  hr_replay_drop (replay, step->joined_mask);
  if (!is_actor (self))
    drop_joined_ids (step);
  step->outputs = keeps_logits (self) ? hr_value_detach (logits) : HR_NO_VALUE;
  if (!keeps_logits (self))
    drop_returned_media (step);
  if (levels != NULL)
    levels->loss_computed = levels->end_forward = replay->ledger.live;
}

/*
 * GRPOTrainer.compute_liger_loss of trl/trainer/grpo_trainer.py, in the model's function as accelerate wraps it
 * (_ForwardRedirection): the layers alone are called, and the loss is given the matrix of the head.
 */
static void
fuse_policy_loss (Step             *step,
                  HrTrainingLevels *levels)
{
  const HrTraining *self = step->training;
  HrReplay *replay = step->replay;
  HrPass *variables = &step->stack->variables;
  const HrBlock *head = hr_chain_find_block (self->pass.head, HR_BLOCK_HEAD);
  HrStretch stretch;
  HrValue weight;

  hr_replay_begin (replay, &stretch, head->path, -1);
  weight = hr_pass_use_head (&self->pass, replay, variables);
  step->loss = hr_training_packs_answers (self)
                 ? hr_training_loss_unsloth_policy (replay, variables->hidden)
                 : hr_training_loss_liger_policy (replay, variables->hidden, weight, self->accumulation_steps);
  hr_replay_end (replay);
  replay->graph = NULL;
  hr_replay_assign (replay, &variables->hidden, HR_NO_VALUE);
  hr_replay_assign (replay, &variables->outputs, HR_NO_VALUE);
  hr_replay_drop_casts (replay);
  drop_beside (replay, variables);
  hr_replay_drop (replay, step->joined_mask);
  step->joined_mask = step->outputs = HR_NO_VALUE;
  if (hr_training_packs_answers (self))
    {
      drop_joined_ids (step);
      hr_replay_assign (replay, &step->packed.variables, HR_NO_VALUE);
    }
  if (levels != NULL)
    levels->loss_computed = levels->end_forward = replay->ledger.live;
}

/*
 * What a stage of a pipeline makes is sent to the next, and its memory given back (deallocate_output_tensor of
 * megatron/core/pipeline_parallel/schedules.py), but where torch runs the stage: fwd_cache holds it
 * (torch/distributed/pipelining/stage.py).
 */
static void
send_output (Step             *step,
             HrTrainingLevels *levels)
{
  HrReplay *replay = step->replay;
  HrPass *variables = &step->stack->variables;

  step->outputs = step->loss = step->seed = HR_NO_VALUE;
  hr_sharding_return (replay);
  if (step->training->pipelines)
    step->outputs = hr_value_detach (hr_replay_hold (replay, variables->hidden));
  hr_replay_assign (replay, &variables->hidden, HR_NO_VALUE);
  hr_replay_assign (replay, &variables->outputs, HR_NO_VALUE);
  hr_replay_drop_casts (replay);
  drop_beside (replay, variables);
  if (levels != NULL)
    levels->loss_computed = levels->end_forward = replay->ledger.live;
}

/* The gradient of what a stage has made, as the next stage sends it. */
static HrValue
receive_gradient (Step *step)
{
  HrReplay *replay = step->replay;
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH,
                            replay->divides_sequence ? HR_SYMBOL_SEQUENCE_SHARE : HR_SYMBOL_SEQUENCE,
                            HR_SYMBOL_HIDDEN);

  replay->sentence = N_("while a stage of the pipeline receives the gradient of what it has made");
  if (replay->received_gradient.storage >= 0)
    return hr_replay_hold (replay, replay->received_gradient);

  return hr_replay_make (replay, "recv", "output_tensor_grad", HR_COMPONENT_TEMPORARY, shape);
}

/* What the last norm has made goes with the function of the class inside. */
static gboolean
has_inner_head (const HrInference *pass)
{
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);

  return head != NULL && head->head.is_inner;
}

static void
run_head_and_loss (Step             *step,
                   HrTrainingLevels *levels)
{
  const HrTraining *self = step->training;
  HrReplay *replay = step->replay;
  HrPass *variables = &step->stack->variables;
  HrValue logits, hidden;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_LOSS);
  replay->graph = step->head;
  step->head_input = variables->hidden =
    hr_training_enter_graph (replay, variables->hidden, hr_value_needs_gradient (variables->hidden));
  if (self->loss_implementation == HR_LOSS_IMPLEMENTATION_LIGER_GRPO || hr_training_packs_answers (self))
    {
      fuse_policy_loss (step, levels);
      return;
    }
  hr_training_keep_answers (self, replay, &variables->hidden);
  if (self->critic != NULL)
    step->last = hr_value_detach (hr_replay_hold (replay, variables->hidden));
  if (self->algorithm != HR_ALGORITHM_SFT)
    {
      logits = self->algorithm == HR_ALGORITHM_REWARD ? hr_training_score_sequences (&self->pass, replay, variables)
                                                      : hr_pass_run_head (&self->pass, replay, variables, TRUE);
      hr_sharding_leave (replay, &logits);
      if (!step->sharding.is_head_of_root)
        hr_sharding_end_forward (replay, &logits);
      hr_sharding_return (replay);
      for (guint i = 0; i <= self->live.n_wrappers; i++)
        hr_live_parameters_leave (replay, &logits);
      run_loss_outside (step, levels, logits);
      return;
    }

  hidden = has_inner_head (&self->pass) ? HR_NO_VALUE : hr_replay_hold (replay, variables->hidden);
  logits = compute_logits_and_loss (step);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_ACTIVATIONS,
                 hr_tuning_get_kept_by_loss (self->tuning, replay->autocast));
  replay->graph = NULL;
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, step->shifted);
  hr_replay_assign (replay, &variables->outputs, HR_NO_VALUE);

  hr_replay_drop_casts (replay);
  drop_beside (replay, variables);
  if (self->fp32_outputs && logits.storage >= 0)
    hr_replay_assign (replay, &logits, cast_output (replay, logits));
  divide_loss (step);
  if (levels != NULL)
    levels->loss_computed = replay->ledger.live;
  if (step->previous != NULL)
    drop_outputs (step->previous);
  hr_coati_variables_return (&step->variables, replay);
  if (self->logs_metrics && logits.storage >= 0)
    hr_training_log_metrics (replay, logits, self->trl_release);
  step->outputs = logits;
  if (!self->keep_outputs)
    drop_outputs (step);
  if (levels != NULL)
    levels->end_forward = replay->ledger.live;
}

/* A head that is trained in a copy of its own is tied to nothing. */
static gboolean
has_tied_head (const HrTraining *self)
{
  const HrBlock *head = hr_chain_find_block (self->pass.head, HR_BLOCK_HEAD);

  return head != NULL && head->head.tied && !hr_tuning_is_whole (self->tuning, head->path, HR_MODULE_SELF, -1);
}

/* Whether both stacks look their tokens up in one table. */
static gboolean
shares_table (const HrInference *pass)
{
  const HrBlock *token = hr_chain_find_block (&pass->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);

  return pass->encoder != NULL && token != NULL && token->token_embedding.tied;
}

/* What is alive in the derivative of the loss. */
static const char *
get_backward_sentence (const Step *step)
{
  HrLossImplementation loss = step->training->loss_implementation;

  if (step->training->algorithm == HR_ALGORITHM_REWARD)
    return N_("in the backward pass of the loss, while the gradient of the scores flows back");
  if (step->replay->compiles)
    return N_("in the backward pass of the loss, while the logits, their gradient and zeros for what is not "
              "differentiated are alive");
  if (hr_megatron_runs (step->replay) && loss == HR_LOSS_IMPLEMENTATION_MEGATRON_FUSED)
    return N_("in the backward pass of the loss, while the probabilities and their gradient in fp32, and that of the "
              "logits, are alive");
  if (hr_megatron_runs (step->replay))
    return N_("in the backward pass of the loss, while the probabilities in fp32 and the gradient of the logits are "
              "alive");
  if (hr_training_packs_answers (step->training))
    return N_("in the backward pass of the loss, while the logits of all answers and zeros in fp32 for a chunk of them "
              "are alive");
  if (loss == HR_LOSS_IMPLEMENTATION_LIGER_GRPO)
    return N_("in the backward pass of the loss, while the gradients of the output head are alive");
  if (loss == HR_LOSS_IMPLEMENTATION_CHUNKED_NLL)
    return N_("in the backward pass of the loss, while a chunk of tokens is computed anew");

  return hr_loss_implementation_reads_head (loss)
           ? N_("in the backward pass of the loss, while the gradients of the output head are alive")
           : N_("in the backward pass of the loss, while the log-softmax and two gradients of it are alive");
}

/* The gradient of a tied table is not taken over before that of the embedding has come as well. */
static HrValue
differentiate_loss (Step *step)
{
  HrReplay *replay = step->replay;
  HrStretch stretch;
  HrValue gradient;

  replay->offloads = FALSE;
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_BACKWARD_LOSS);
  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->sentence = get_backward_sentence (step);
  if (has_tied_head (step->training) && hr_value_needs_gradient (step->stack->variables.head))
    step->head->nodes[step->stack->variables.head.node].pending++;
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_ACTIVATIONS,
                    hr_tuning_get_kept_by_loss (step->training->tuning, replay->autocast));
  hr_ledger_add (&replay->ledger, HR_COMPONENT_GRADIENTS, hr_tuning_get_waiting_bytes (step->training->tuning));
  step->seed = hr_replay_make (replay, "ones_like", "gradient", HR_COMPONENT_TEMPORARY, HR_SHAPE (HR_ELEMENT_FLOAT32));
  if (step->training->algorithm == HR_ALGORITHM_SFT)
    hr_sharding_begin_backward (replay);
  hr_graph_deliver (step->head, replay, step->loss, hr_replay_hold (replay, step->seed));
  if (replay->splits_backward)
    hr_graph_run_inputs (step->head, replay);
  else
    hr_graph_run_backward (step->head, replay);
  gradient = hr_graph_take_gradient (step->head, step->head_input);
  hr_replay_end (replay);

  return gradient;
}

static void
drop_held (Step *step)
{
  hr_training_stack_drop_held (step->stack);
  if (step->encoder != NULL)
    hr_training_stack_drop_held (step->encoder);
}

/* What a variable of the trainer holds of a micro-batch goes: logits, what went into each layer, keys and values. */
static void
drop_returned (Step *step)
{
  HrReplay *replay = step->replay;

  hr_training_stack_drop_returned (step->stack);
  hr_replay_assign (replay, &step->last, HR_NO_VALUE);
  hr_replay_assign (replay, &step->wide, HR_NO_VALUE);
  hr_replay_assign (replay, &step->leaf, HR_NO_VALUE);
  hr_replay_assign (replay, &step->values, HR_NO_VALUE);
  drop_outputs (step);
}

/*
 * Embedded tokens that a hook makes a leaf of (enable_input_require_grads) have a gradient, which lives as long as they
 * do: with the layers that are returned. A copy of them in fp32 holds the leaf by its history.
 */
static void
keep_leaf (Step *step)
{
  HrReplay *replay = step->replay;
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);

  if (!replay->inputs_need_gradients || hr_value_needs_gradient (step->stack->variables.table))
    return;

  shape.count = step->wide.storage >= 0 ? 2 : 1;
  step->leaf = hr_op_like (replay, "detach", "inputs_embeds.grad", shape);
}

static void
run_backward (Step *step)
{
  const HrInference *pass = &step->training->pass;
  HrReplay *replay = step->replay;
  HrValue head = step->stack->variables.head;
  HrValue gradient = pass->has_head ? differentiate_loss (step) : receive_gradient (step);
  HrValue of_values = step->training->critic != NULL ? hr_graph_take_gradient (step->head, step->scores) : HR_NO_VALUE;
  HrValue table = HR_NO_VALUE;

  if (has_tied_head (step->training) && hr_value_needs_gradient (head))
    table = hr_graph_take_gradient (step->head, head);
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_BACKWARD);
  hr_reduction_enter_layers (replay);
  hr_training_stack_run_backward (step->stack, gradient, &table, shares_table (pass));
  if (step->encoder != NULL)
    hr_training_stack_run_backward (step->encoder, step->stack->gradients[HR_SHARED_SOURCE], &table, FALSE);

  if (!replay->splits_backward)
    hr_graph_clear (step->head, replay);
  if (step->training->critic != NULL)
    {
      keep_leaf (step);
      hr_critic_pass_run_backward (&step->critic, of_values);
    }
  hr_autograd_step_waiting (replay);
  hr_replay_drop (replay, step->stack->gradients[HR_SHARED_SOURCE_BIAS]);
  if (!keeps_logits (step->training) && (step->is_last || !keeps_until_next (step->training)))
    drop_outputs (step);
  hr_replay_drop (replay, step->joined_ids);
  hr_replay_drop (replay, step->pixels);
  hr_replay_drop (replay, step->numbers);
  if (is_actor (step->training))
    hr_actor_batch_clear (&step->batch, step->training, replay);
  if (hr_training_packs_answers (step->training))
    hr_packed_answers_clear (&step->packed, replay);
  hr_replay_drop (replay, step->seed);
  hr_replay_drop (replay, step->mean.storage >= 0 ? step->mean : step->loss);
  if (!replay->splits_backward)
    drop_held (step);
  else if (pass->has_head)
    hr_graph_release_unreached (step->head, replay);
  else
    hr_training_stack_release_unreached (step->stack);
}

static void
clear_step (Step *step)
{
  hr_replay_drop (step->replay, step->places);
  hr_coati_variables_clear (&step->variables, step->replay);
  if (step->training->critic != NULL)
    drop_returned (step);
  hr_critic_pass_clear (&step->critic);
  hr_training_stack_clear (step->stack);
  g_free (step->stack);
  if (step->encoder != NULL)
    hr_training_stack_clear (step->encoder);
  g_free (step->encoder);
  hr_graph_free (step->head);
  g_free (step);
}

/* Begins the function of the model, where parameters are gathered for modules. */
static void
begin_live (const HrTraining *self,
            HrReplay         *replay)
{
  HrStretch stretch;

  if (replay->live == NULL)
    return;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_FORWARD);
  hr_replay_begin (replay, &stretch, NULL, -1);
  hr_live_parameters_begin (replay);
  for (guint i = 0; i <= self->live.n_wrappers; i++)
    hr_live_parameters_call (replay);
  hr_replay_end (replay);
}

/* The forward pass of a micro-batch; @previous is the one before, if what that returned is held still. */
static Step *
begin_micro_batch (const HrTraining *self,
                   HrReplay         *replay,
                   Step             *previous,
                   gboolean          is_last,
                   HrTrainingLevels *levels)
{
  Step *step = g_new0 (Step, 1);

  step->training = self;
  step->replay = replay;
  step->previous = previous;
  step->is_last = is_last;
  step->mean = HR_NO_VALUE;
  step->scores = step->values = step->last = step->wide = step->leaf = HR_NO_VALUE;
  step->head = hr_graph_new ();
  step->sharding = self->sharding;
  hr_sharding_begin (&step->sharding, replay, is_last);
  hr_sharding_take_rest (replay);
  hr_sharding_enter_stack (replay, self->pass.stack);
  step->reduction = self->reduction;
  hr_reduction_begin (&step->reduction, replay, is_last);
  if (reads_others (self, replay))
    hr_training_read_others (self, replay);
  begin_live (self, replay);
  for (guint i = 0; i < G_N_ELEMENTS (step->beside); i++)
    step->beside[i] = HR_NO_VALUE;
  run_forward (step);
  take_returned (step);
  if (self->pass.has_head)
    run_head_and_loss (step, levels);
  else
    send_output (step, levels);

  return step;
}

static void
differentiate_micro_batch (Step *step)
{
  HrReplay *replay = step->replay;

  zero_gradients (step);
  hr_sharding_enter (replay, step->sharding.is_head_of_root ? HR_SHARDED_ROOT : HR_SHARDED_HEAD);
  run_backward (step);
  hr_live_parameters_end (replay);
  hr_sharding_end (replay);
  hr_reduction_end (replay);
  hr_reduction_run_at_end (&step->reduction, replay);
  replay->has_gradients = TRUE;
}

/*
 * A micro-batch, from its tokens to the gradients; @previous is the one before, if what that returned is held still.
 * Nothing holds what the last one of a step returned when its gradients are there.
 *
 * Returns: the micro-batch, with what it has returned if that is held
 */
static Step *
run_micro_batch (const HrTraining *self,
                 HrReplay         *replay,
                 Step             *previous,
                 gboolean          is_last,
                 HrTrainingLevels *levels)
{
  Step *step = begin_micro_batch (self, replay, previous, is_last, levels);

  differentiate_micro_batch (step);

  return step;
}

/* BF16_Optimizer._update_hp_grad in deepspeed/runtime/bf16_optimizer.py: hp_grad.add_ (lp.grad.to (hp_grad.dtype)) */
static void
sum_gradients (const HrTraining *self,
               HrReplay         *replay)
{
  HrStretch stretch;

  if (self->summed_gradient_bytes == 0)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("after the backward pass, while gradients are added to their sums in fp32");
  hr_replay_drop (replay, hr_replay_make_bytes (replay, "_to_copy", "lp.grad.to (hp_grad.dtype)",
                                                HR_COMPONENT_TEMPORARY, self->largest_gradient_bytes));
  hr_replay_end (replay);
}

/*
 * hr_micro_batch_run_forward:
 * @training: what is to be replayed
 * @replay: a tape
 * @levels: (out) (optional): the levels between the phases
 *
 * Runs the forward pass of a micro-batch in a pipeline.
 *
 * Returns: (transfer full): the micro-batch, with what its backward pass needs
 */
HrMicroBatch *
hr_micro_batch_run_forward (const HrTraining *training,
                            HrReplay         *replay,
                            HrTrainingLevels *levels)
{
  return begin_micro_batch (training, replay, NULL, !training->pipeline.is_deepspeed, levels);
}

/*
 * hr_micro_batch_run_backward:
 * @self: a micro-batch whose forward pass has run
 *
 * Runs the backward pass.
 */
void
hr_micro_batch_run_backward (HrMicroBatch *self)
{
  differentiate_micro_batch (self);
  sum_gradients (self->training, self->replay);
}

/*
 * hr_micro_batch_run_weights:
 * @self: a micro-batch, of which the gradients of inputs have been made
 *
 * Makes the gradients of weights.
 */
void
hr_micro_batch_run_weights (HrMicroBatch *self)
{
  HrReplay *replay = self->replay;
  HrValue last = HR_NO_VALUE;
  HrStretch stretch;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_BACKWARD);
  hr_training_stack_run_weights (self->stack);
  hr_replay_begin (replay, &stretch, NULL, -1);
  hr_graph_run_weights (self->head, replay, FALSE, &last);
  hr_replay_drop (replay, last);
  hr_graph_clear (self->head, replay);
  hr_replay_end (replay);
}

void
hr_micro_batch_free (HrMicroBatch *self)
{
  clear_step (self);
}

/*
 * The squares of the norms and their sums among the ranks, where these share parameters alone (_NormPartial of
 * torch/distributed/tensor/_ops/_math_ops.py); those that share layers as well do so norm by norm.
 */
static guint
count_reduced_norms (const HrTraining *self)
{
  return self->layer_code == HR_LAYER_CODE_TORCHTITAN && self->sharding.n_ranks > 1 && self->n_alike == 0 ? 2 : 0;
}

/* clip_grad_norm_ in torch/nn/utils/clip_grad.py: the norms of all gradients, stacked, and the norm of that. */
static void
clip_gradients (const HrTraining *self,
                HrReplay         *replay)
{
  guint64 scalar = hr_ledger_round (hr_element_get_bytes (replay->parameter_dtype));
  guint64 stacked = hr_ledger_round (self->n_gradients * hr_element_get_bytes (replay->parameter_dtype));

  replay->symbols[HR_SYMBOL_KEPT] = (self->n_gradients + self->n_alike) * scalar +
                                    (1 + count_reduced_norms (self)) * stacked + scalar;
  hr_replay_drop (replay, hr_replay_make (replay, "_foreach_norm", "norms", HR_COMPONENT_TEMPORARY,
                                          HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT)));
}

static void
make_temporary (const HrTraining *self,
                HrReplay         *replay)
{
  const HrOptimizer *stepped = self->steps_part ? &self->stepped : &self->optimizer;

  if (replay->heap != NULL)
    {
      hr_optimizer_step (stepped, replay->heap);
      return;
    }

  hr_replay_drop (replay, hr_replay_make_bytes (replay, stepped->operation, stepped->variable, HR_COMPONENT_TEMPORARY,
                                                stepped->step_bytes));
}

/*
 * FP16_Optimizer.step in deepspeed/runtime/fp16/fused_optimizer.py: a list of gradients in fp32, of which one piece is
 * made, before those of 16 bits go.
 */
static HrValue
flatten_gradients (const HrTraining *self,
                   HrReplay         *replay)
{
  guint64 bytes = replay->ledger.live.by_component[HR_COMPONENT_GRADIENTS];
  HrValue list, flat;

  replay->sentence = N_("in the optimizer’s step, while gradients of 16 bits, their copies in fp32 and one piece of "
                        "all these are alive");
  list = hr_replay_make_bytes (replay, "_to_copy", "p.grad.to (data_type)", HR_COMPONENT_TEMPORARY,
                               self->copied_gradient_bytes);
  flat = hr_replay_make_bytes (replay, "cat", "grads_groups_flat", HR_COMPONENT_GRADIENTS, self->master_bytes);
  hr_replay_drop (replay, list);
  hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, bytes);
  replay->sentence = N_("in the optimizer’s step");

  return flat;
}

/* The gradient that has waited longest goes when its copy is there. */
static void
copy_gradient_on_heap (const HrTrainable *parameter,
                       gpointer           user_data)
{
  HrHeap *heap = user_data;
  guint64 bytes = hr_trainable_get_bytes (parameter);

  hr_heap_leave (heap, hr_heap_take (heap, bytes), HR_COMPONENT_GRADIENTS, bytes);
  hr_heap_give_first_left (heap, HR_COMPONENT_GRADIENTS);
}

/*
 * Float16OptimizerWithFloat16Params._copy_model_grads_to_main_grads in megatron/core/optimizer/optimizer.py: each
 * gradient is copied to fp32 and let go.
 */
static HrValue
copy_gradients (const HrTraining *self,
                HrReplay         *replay)
{
  if (self->reduction.divides)
    return hr_low_level_zero_widen (&self->reduction, self->optimizer.parameters, replay);
  if (self->reduction.is_bucketed)
    return hr_reduction_flatten (&self->reduction, replay);
  if (self->widened_gradient_bytes > 0)
    return hr_replay_make_bytes (replay, "_to_copy", "grad_partition.to (dtype)", HR_COMPONENT_GRADIENTS,
                                 self->widened_gradient_bytes);
  if (self->copied_gradient_bytes == 0)
    return HR_NO_VALUE;
  if (self->flattens_gradients)
    return flatten_gradients (self, replay);

  if (replay->heap != NULL)
    {
      hr_trainables_foreach (self->optimizer.parameters, copy_gradient_on_heap, replay->heap);
      return HR_NO_VALUE;
    }

  hr_ledger_remove (&replay->ledger, HR_COMPONENT_GRADIENTS,
                    replay->ledger.live.by_component[HR_COMPONENT_GRADIENTS]);

  return hr_replay_make_bytes (replay, "_to_copy", "main_param.grad", HR_COMPONENT_GRADIENTS,
                               self->copied_gradient_bytes);
}

/* States are made when the optimizer first steps. */
static void
run_optimizer (const HrTraining *self,
               HrReplay         *replay,
               gboolean          makes_states)
{
  HrStretch stretch;
  HrValue copies;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_OPTIMIZER);
  hr_replay_begin (replay, &stretch, NULL, -1);
  hr_live_parameters_let_go (replay);
  replay->sentence = N_("in the optimizer’s step");
  copies = copy_gradients (self, replay);
  if (self->clipping)
    clip_gradients (self, replay);
  if (makes_states && self->optimizer.state_bytes > 0)
    {
      hr_heap_set_recording (replay->heap, FALSE);
      hr_optimizer_make_states (&self->optimizer, replay->heap);
      hr_heap_set_recording (replay->heap, TRUE);
    }
  if (self->optimizer.step_bytes > 0)
    make_temporary (self, replay);
  if (self->reduction.divides)
    hr_low_level_zero_gather (&self->reduction, replay, copies);
  else
    hr_replay_drop (replay, copies);
  hr_live_parameters_end_step (replay);
  hr_replay_end (replay);
}

/* The model keeps those of the step before (rope_deltas). */
static guint64
get_kept_positions (const HrTraining *self)
{
  return self->pass.towers != NULL && hr_pass_counts_outside (&self->pass) ? self->pass.batch * sizeof (gint64) : 0;
}

/*
 * DataCollatorForVisionUnpairedPreference of trl/trainer/kto_trainer.py: the same prompts with other answers, whose
 * images are not there a second time, and which answers are good.
 */
static void
add_unpaired (const HrTraining *self,
              HrReplay         *replay)
{
  guint64 n = self->accumulation_steps;
  guint64 row = self->pass.batch * sizeof (gint64);

  hr_replay_add_inputs (replay, 3 * n, row * self->pass.prompt);
  hr_replay_add_inputs (replay, n, self->pass.has_type_ids ? row * self->pass.prompt : 0);
  hr_replay_add_inputs (replay, n, self->pass.batch * hr_element_get_bytes (HR_ELEMENT_BOOL));
}

/*
 * Prompts and answers with a mask for each, and the advantages; or both answers of a pair behind their prompt, with
 * their mask and that of the answers, and the log-probabilities by the reference model. KTO has answers to other
 * prompts as well.
 */
static void
add_answers (const HrTraining *self,
             HrReplay         *replay)
{
  guint64 n = self->accumulation_steps;
  guint64 batch = self->pass.batch;
  guint64 row = batch * sizeof (gint64);
  guint64 media = hr_inference_get_media_bytes (&self->pass, self->pass.prompt, replay->parameter_dtype);

  hr_replay_add_inputs (replay, 1, get_kept_positions (self));
  if (is_actor (self))
    {
      hr_training_actor_add_inputs (self, replay);
      return;
    }
  if (is_coati (self))
    {
      hr_training_colossalai_add_inputs (self, replay);
      return;
    }

  if (self->algorithm == HR_ALGORITHM_PPO)
    {
      hr_replay_add_inputs (replay, 1, n * row * (self->pass.prompt - self->completion));
      return;
    }

  if (hr_training_packs_answers (self))
    {
      hr_training_unsloth_add_answers (self, replay);
      return;
    }

  if (hr_algorithm_is_policy (self->algorithm))
    {
      n = self->generation_steps;
      hr_replay_add_inputs (replay, n, media);
      hr_replay_add_inputs (replay, 2 * n, row * (self->pass.prompt - self->completion));
      hr_replay_add_inputs (replay, 2 * n, row * self->completion);
      hr_replay_add_inputs (replay, n, batch * sizeof (float));
      hr_replay_add_inputs (replay, n, self->has_reference ? batch * self->completion * sizeof (float) : 0);
      hr_replay_add_inputs (replay, n, self->reads_own_answers ? batch * self->completion * sizeof (float) : 0);
      return;
    }

  if (self->algorithm == HR_ALGORITHM_ONLINE_DPO)
    {
      hr_replay_add_inputs (replay, 2, row * (self->pass.prompt - self->completion));
      hr_replay_add_inputs (replay, 2, row * self->completion);
      return;
    }

  hr_replay_add_inputs (replay, n, media);
  hr_replay_add_inputs (replay, 2 * n, row * self->pass.prompt);
  if (self->algorithm == HR_ALGORITHM_REWARD)
    return;

  hr_replay_add_inputs (replay, n, row * self->pass.prompt);
  if (self->algorithm == HR_ALGORITHM_KTO)
    add_unpaired (self, replay);
  hr_replay_add_inputs (replay, 2 * n, self->has_reference ? 0 : batch / 2 * sizeof (float));
}

/* Trainer.train_step of torchtitan/trainer.py brings the whole batch to each rank of a pipeline. */
static gboolean
gives_each_stage_its_own (const HrTraining *self)
{
  return self->pipelines && self->layer_code != HR_LAYER_CODE_TORCHTITAN;
}

/*
 * pp_forward_backward_step of torchtitan/trainer.py finds out for all micro-batches where their documents begin, before
 * the first runs (create_varlen_metadata_for_document); global_valid_tokens and loss_is_finite are numbers of the step.
 */
static void
add_numbers_of_torchtitan (const HrTraining *self,
                           HrReplay         *replay)
{
  guint64 n_brought = self->pipelines ? self->accumulation_steps : 1;
  guint64 n_tokens = self->pass.batch * self->pass.prompt * self->context_ring;

  if (self->context_ring > 1)
    hr_replay_add_inputs (replay, n_brought, hr_torchtitan_get_mask_bytes (n_tokens, self->context_ring));
  else if (self->pipelines)
    hr_replay_add_inputs (replay, n_brought, (self->pass.batch + 1) * sizeof (gint32));
  hr_replay_add_inputs (replay, 1, sizeof (gint64));
  hr_replay_add_inputs (replay, 1, sizeof (gint32));
}

/*
 * cp_shard of torchtitan/distributed/context_parallel/api.py: each rank has all tokens of a micro-batch, and its own
 * beside them.
 */
static guint64
count_shares_of_batch (const HrTraining *self)
{
  return self->layer_code == HR_LAYER_CODE_TORCHTITAN && self->context_ring > 1 ? self->context_ring + 1 : 1;
}

/* What the model reads and its labels, and the mask that comes with the former, of all micro-batches of the step. */
static void
add_batch (const HrTraining *self,
           HrReplay         *replay)
{
  const HrInference *pass = &self->pass;
  guint64 n_virtual = hr_tuning_get_n_virtual (self->tuning);
  guint64 prompt = pass->prompt - hr_tuning_get_n_embedded (self->tuning);
  guint64 read = pass->encoder != NULL ? pass->source_length : prompt;
  guint64 n_shares = count_shares_of_batch (self);
  guint64 inputs = pass->features > 0 ? pass->features * hr_element_get_bytes (replay->parameter_dtype)
                                      : n_shares * read * sizeof (gint64);
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);
  gboolean is_span = head != NULL && head->head.is_span;
  guint64 labels = hr_pass_is_pooled (pass) || is_span ? 1 : prompt;
  gboolean is_unsloth = self->layer_code == HR_LAYER_CODE_UNSLOTH;
  /*
   * SFTTrainer._train of coati/trainer/sft.py brings each to the device when its turn comes, and so does
   * Trainer.train_step of torchtitan/trainer.py where there is no pipeline.
   */
  gboolean one_by_one = is_coati (self) || (self->layer_code == HR_LAYER_CODE_TORCHTITAN && !self->pipelines);
  guint64 n_brought = one_by_one         ? 1
                      : self->pipelines ? hr_training_count_brought (self)
                                        : self->accumulation_steps;
  gboolean has_mask = (pass->mask != HR_ATTENTION_MASK_NONE || (is_unsloth && pass->examples == 0)) &&
                      pass->features == 0;

  if (self->algorithm != HR_ALGORITHM_SFT)
    {
      add_answers (self, replay);
      return;
    }
  /* Of a pipeline of torch the first stage is given the former, and the last one the latter. */
  if (!gives_each_stage_its_own (self) || pass->has_inputs)
    hr_replay_add_inputs (replay, n_brought, pass->batch * inputs);
  if (!gives_each_stage_its_own (self) || pass->has_head)
    hr_replay_add_inputs (replay, n_brought, n_shares * pass->batch * labels * sizeof (gint64));
  if (gives_each_stage_its_own (self))
    return;
  if (self->layer_code == HR_LAYER_CODE_TORCHTITAN)
    add_numbers_of_torchtitan (self, replay);

  /* Where an answer ends, beside where it begins. */
  hr_replay_add_inputs (replay, n_brought, is_span ? pass->batch * sizeof (gint64) : 0);
  hr_replay_add_inputs (replay, n_brought, has_mask ? pass->batch * read * sizeof (gint64) : 0);
  hr_replay_add_inputs (replay, n_brought,
                        hr_inference_get_media_bytes (pass, prompt, replay->parameter_dtype));
  hr_replay_add_inputs (replay, 1, get_kept_positions (self));
  /* The positions of the tokens in their documents (TextCollator of torchtitan/components/data/collators.py). */
  if (self->layer_code == HR_LAYER_CODE_TORCHTITAN || pass->examples > 0)
    hr_replay_add_inputs (replay, n_brought, n_shares * pass->batch * read * sizeof (gint64));
  /* num_items_in_batch (_unsloth_get_batch_samples of unsloth_zoo/loss_utils.py) */
  hr_replay_add_inputs (replay, 1, is_unsloth ? sizeof (gint64) : 0);
  /* packed_seq_lengths (unsloth/utils/packing.py) */
  hr_replay_add_inputs (replay, n_brought, is_unsloth ? pass->examples * sizeof (gint32) : 0);
  /* The numbers of virtual tokens (PeftModel.prompt_tokens). */
  hr_replay_add_inputs (replay, 1, n_virtual * sizeof (gint64));
}

/* What the loop holds of gradients between its steps. */
static guint64
get_held_gradients (const HrTraining *self)
{
  guint64 kept = self->zero_grad != HR_ZERO_GRAD_AFTER_STEP ? self->gradient_bytes : 0;

  return self->main_gradient_bytes + self->summed_gradient_bytes + self->held_gradient_bytes + kept;
}

/*
 * The buffer that DotProductAttention of megatron/core/transformer/dot_product_attention.py hands to baddbmm, which
 * does not write to it, stays for all layers and steps (GlobalMemoryBuffer of megatron/core/utils.py).
 */
static void
make_score_buffer (const HrTraining *self,
                   HrReplay         *replay)
{
  hr_pass_set_attention_symbols (replay, hr_pass_find_attention (&self->pass, FALSE));
  replay->symbols[HR_SYMBOL_SEQUENCE] = self->pass.prompt;
  hr_replay_make (replay, "empty", "matmul_input_buffer", HR_COMPONENT_ACTIVATIONS,
                  HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE, HR_SYMBOL_SEQUENCE));
}

/* Buffers of Unsloth that stay for all layers and steps (hr-unsloth.c). */
/* get_global_memory_buffer ().get_tensor (…, "mpu"), which all layers share. */
static void
make_gathered (const HrTraining *self,
               HrReplay         *replay)
{
  guint64 n_ranks = self->experts.expert * self->experts.tensor;
  guint64 n_tokens = self->sequence_share > 0 ? self->sequence_share : self->pass.prompt;

  replay->gathered = HR_NO_VALUE;
  if (!self->experts.gathers || n_ranks <= 1)
    return;

  replay->symbols[HR_SYMBOL_GATHERED_TOKENS] = self->pass.batch * n_tokens * n_ranks;
  replay->gathered = hr_replay_make (replay, "empty", "mpu", HR_COMPONENT_ACTIVATIONS,
                                     HR_SHAPE (replay->dtype, HR_SYMBOL_GATHERED_TOKENS, HR_SYMBOL_HIDDEN));
}

static void
make_buffers (const HrTraining *self,
              HrReplay         *replay)
{
  HrValue matrix = HR_SHAPE (replay->dtype, HR_SYMBOL_LARGEST);
  HrValue scales = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_LARGEST);
  HrValue inputs = HR_SHAPE (replay->dtype, HR_SYMBOL_RELOADED);

  replay->symbols[HR_SYMBOL_LARGEST] = self->expanded;
  scales.divisor = HR_UNSLOTH_BLOCK;
  if (self->expanded > 0)
    {
      hr_replay_make (replay, "empty", "WEIGHT_BUFFER", HR_COMPONENT_ACTIVATIONS, matrix);
      hr_replay_make (replay, "empty", "ABSMAX_BUFFER", HR_COMPONENT_ACTIVATIONS, scales);
    }
  if (!self->reloads)
    return;

  replay->symbols[HR_SYMBOL_RELOADED] =
    MAX (HR_UNSLOTH_MIN_OFFLOADED, self->pass.batch * self->pass.prompt * replay->symbols[HR_SYMBOL_HIDDEN]);
  replay->reloaded = hr_replay_make (replay, "empty", "GPU_BUFFERS", HR_COMPONENT_ACTIVATIONS, inputs);
  hr_replay_make (replay, "empty", "GPU_BUFFERS_B", HR_COMPONENT_ACTIVATIONS, inputs);
}

static void
begin_steps (const HrTraining *self,
             HrReplay         *replay)
{
  hr_pass_set_model_symbols (&self->pass, replay);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_WEIGHTS, self->pass.weight_bytes + self->buffer_bytes);
  if (replay->heap != NULL && self->bucket_bytes > 0)
    hr_heap_leave (replay->heap, hr_heap_take (replay->heap, self->bucket_bytes), HR_COMPONENT_COMMUNICATION,
                   self->bucket_bytes);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_COMMUNICATION, self->bucket_bytes);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_REFERENCE_MODEL, self->reference_bytes);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_VALUE_MODEL, self->critic_bytes);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_REWARD_MODEL, self->reward_bytes);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_ROLLOUT_ENGINE, self->engine_sleeps ? 0 : self->engine_bytes);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_ADAPTERS,
                 self->sharding.has_units || self->sharding.adds_matrices ? self->sharding.unit_bytes
                 : self->live.is_used     ? 0
                                          : hr_tuning_get_added_bytes (self->tuning));
  if (self->critic != NULL && !self->critic_shares)
    hr_ledger_add (&replay->ledger, HR_COMPONENT_ADAPTERS, hr_tuning_get_added_bytes (self->critic_tuning));
  add_batch (self, replay);
  hr_replay_rest (replay, NULL);
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_FORWARD);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_OPTIMIZER, self->optimizer.state_bytes + self->scaler_bytes);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_MASTER_WEIGHTS, self->master_bytes);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_GRADIENTS, get_held_gradients (self));
  replay->peak.level = replay->ledger.live;
  replay->training = TRUE;
  /* disable_dropout_in_model of trl/trainer/utils.py, for all models */
  replay->drops_nothing = self->algorithm == HR_ALGORITHM_PPO;
  hr_tuning_choose_trained (self->tuning, replay, -1);
  replay->tuning = self->tuning;
  /* prepare_model_for_training of unsloth_zoo/training_utils.py: enable_input_require_grads */
  replay->inputs_need_gradients = hr_checkpointing_recomputes_layers (&self->checkpointing) ||
                                  self->layer_code == HR_LAYER_CODE_UNSLOTH;
  hr_tuning_set_symbols (self->tuning, replay);
  replay->adds_gradients_up = self->main_gradient_bytes > 0;
  replay->symbols[HR_SYMBOL_TEXT] = self->pass.prompt - hr_tuning_get_n_embedded (self->tuning);
  replay->symbols[HR_SYMBOL_PREFIXED] = replay->symbols[HR_SYMBOL_TEXT] + replay->symbols[HR_SYMBOL_VIRTUAL];
  replay->symbols[HR_SYMBOL_COMPLETION] = self->completion;
  replay->symbols[HR_SYMBOL_SCORED] = self->completion + 1;
  replay->symbols[HR_SYMBOL_ANSWERS] = self->n_answers;
  replay->fused_step = self->optimizer.fused;
  replay->recomputes = hr_checkpointing_recomputes_layers (&self->checkpointing);
  replay->layer_code = self->layer_code;
  replay->divides_layers = self->divides_layers;
  replay->divides_sequence = self->sequence_share > 0 && !self->checkpointing.is_divided;
  replay->symbols[HR_SYMBOL_SEQUENCE_SHARE] = self->sequence_share;
  replay->context_ring = self->context_ring;
  replay->context_exchange = self->context_exchange;
  replay->experts = &self->experts;
  replay->liger = self->liger;
  replay->float8 = self->float8;
  if (self->layer_code == HR_LAYER_CODE_MEGATRON_LOCAL)
    make_score_buffer (self, replay);
  make_gathered (self, replay);
  make_buffers (self, replay);
  replay->received = replay->received_gradient = HR_NO_VALUE;
  if (self->pipelines)
    hr_training_make_received (self, replay);
  hr_reduction_make_bucket (&self->reduction, replay);
}

/* `prompt_completion_ids` and their mask, of all answers that have come. */
static HrValue
join_all_answers (const HrTraining *self,
                  HrReplay         *replay)
{
  HrValue ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);

  replay->symbols[HR_SYMBOL_SEQUENCE] = self->pass.prompt;
  ids.count = 2 * self->generation_steps;

  return hr_op_like (replay, "cat", "prompt_completion_ids", ids);
}

/* What lies beside the generation, or what a reference model of its own reads, of the gradients of the step before. */
static guint64
keep_left_gradients (const HrTraining *self,
                     HrReplay         *replay)
{
  gboolean is_elsewhere = self->rollout == HR_ROLLOUT_NONE;
  guint64 left = replay->has_gradients ? 0 : hr_sharding_get_left_bytes (&self->sharding, is_elsewhere);

  if (left == 0 || (is_elsewhere && !self->reference_sharding.is_sharded))
    return 0;

  hr_ledger_enter_phase (&replay->ledger, is_elsewhere ? HR_PHASE_REFERENCE : HR_PHASE_GENERATION);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_GRADIENTS, left);

  return left;
}

/* GRPOTrainer._prepare_inputs: also between micro-batches, where answers are generated for fewer than are in a step. */
static void
get_answers (const HrTraining *self,
             HrReplay         *replay,
             HrRolloutState   *state)
{
  HrValue media, joined;
  HrStretch stretch;
  guint64 left;

  if (self->algorithm == HR_ALGORITHM_PPO)
    {
      hr_rollout_state_collect (state, self, replay);
      return;
    }
  if (is_actor (self))
    {
      hr_training_actor_get_answers (self, replay);
      return;
    }
  left = keep_left_gradients (self, replay);
  if (hr_algorithm_generates (self->algorithm))
    hr_training_generate (self, replay);
  if (!hr_algorithm_is_policy (self->algorithm))
    {
      hr_ledger_remove (&replay->ledger, HR_COMPONENT_GRADIENTS, left);
      return;
    }

  /* The processor has made them anew, beside those of the answers before (_buffered_inputs). */
  hr_replay_begin (replay, &stretch, NULL, -1);
  media = hr_training_images_make (&self->pass, replay, self->generation_steps, 1);
  joined = join_all_answers (self, replay);
  hr_replay_end (replay);
  if (self->reads_own_answers || !self->reference_sharding.is_sharded)
    {
      hr_ledger_remove (&replay->ledger, HR_COMPONENT_GRADIENTS, left);
      left = 0;
    }
  hr_training_read_own (self, replay);
  hr_training_read_reference (self, replay, NULL);
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_GRADIENTS, left);
  hr_replay_drop (replay, joined);
  hr_replay_drop (replay, media);
}

/* A variable holds the probabilities until those of the next micro-batch are there. */
static void
log_step (Step           *step,
          HrRolloutState *state)
{
  hr_ledger_enter_phase (&step->replay->ledger, HR_PHASE_STATISTICS);
  hr_replay_assign (step->replay, &state->probabilities, hr_training_log_proximal (step->replay, step->outputs));
}

/* What a micro-batch has returned may be held until the next one's is there: in PPO within a mini-batch. */
static Step *
end_micro_batch (Step           *step,
                 HrRolloutState *state)
{
  const HrTraining *self = step->training;

  if (self->critic != NULL)
    log_step (step, state);
  if (keeps_until_next (self) || (self->critic != NULL && self->accumulation_steps > self->n_mini_batches))
    return step;

  hr_replay_assign (step->replay, &state->probabilities, HR_NO_VALUE);
  if (self->critic == NULL && keeps_logits (self))
    drop_outputs (step);
  clear_step (step);

  return NULL;
}

/*
 * LinearWithGradAccumulationAndAsyncCommunication.backward of megatron/core/tensor_parallel/layers.py keeps the
 * gradients of the logits of the first micro-batches (--defer-embedding-wgrad-compute, --wgrad-deferral-limit), and the
 * output layer what it has read, until drain_embedding_wgrad_compute multiplies them. Those of the last micro-batch are
 * there anyway.
 */
static void
defer_head (const HrTraining *self,
            HrReplay         *replay,
            HrValue          *deferred)
{
  HrSymbol tokens = replay->divides_sequence ? HR_SYMBOL_SEQUENCE_SHARE : HR_SYMBOL_SEQUENCE;
  HrValue gradients = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_VOCABULARY);
  HrValue inputs = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, tokens, HR_SYMBOL_HIDDEN);
  guint64 n = MIN (self->n_deferred, self->accumulation_steps - 1);

  if (n == 0 || !self->pass.has_head)
    return;

  gradients.count = inputs.count = n;
  deferred[0] = hr_replay_make (replay, "append", "grad_output_buffer", HR_COMPONENT_LOGITS, gradients);
  deferred[1] = hr_replay_make (replay, "append", "embedding_activation_buffer", HR_COMPONENT_ACTIVATIONS, inputs);
}

/* The micro-batches of a step, of which the first two differ; what the last one has returned is held. */
static Step *
run_micro_batches (const HrTraining *self,
                   HrReplay         *replay,
                   HrRolloutState   *state,
                   HrTrainingLevels *levels)
{
  guint64 n = MIN (self->accumulation_steps, 2);
  HrValue deferred[] = { HR_NO_VALUE, HR_NO_VALUE };
  Step *previous = NULL;
  Step *step = NULL;

  for (guint64 i = 0; i < n; i++)
    {
      if (i == 0 || self->generation_interval < self->accumulation_steps)
        get_answers (self, replay, state);
      if (i + 1 == n)
        defer_head (self, replay, deferred);
      step = run_micro_batch (self, replay, previous, i + 1 == n, levels);
      g_clear_pointer (&previous, clear_step);
      sum_gradients (self, replay);
      if (i + 1 < n)
        previous = end_micro_batch (step, state);
    }
  for (guint i = 0; i < G_N_ELEMENTS (deferred); i++)
    hr_replay_drop (replay, deferred[i]);

  return step;
}

/*
 * Before the optimizer steps, all micro-batches have gone back (forward_backward_pipelining_without_interleaving of
 * megatron/core/pipeline_parallel/schedules.py, and its twin for several parts): what those that waited kept is gone.
 */
static void
release_in_flight (HrReplay      *replay,
                   const HrLevel *waiting)
{
  for (guint i = 0; i < HR_N_GROWTHS; i++)
    replay->ledger.live.activations[i] -= waiting->activations[i];
  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    hr_ledger_remove (&replay->ledger, i, waiting->by_component[i]);
}

static void
run_step (const HrTraining *self,
          HrReplay         *replay,
          gboolean          is_first,
          const HrLevel    *waiting,
          HrRolloutState   *state,
          HrTrainingLevels *levels)
{
  Step *step = NULL;
  guint64 rest;

  replay->has_gradients = self->zero_grad == HR_ZERO_GRAD_KEPT && !is_first;
  if (levels != NULL)
    levels->step_start = replay->ledger.live;

  if (self->pipelines)
    hr_training_run_pipeline (self, replay, levels);
  else
    step = run_micro_batches (self, replay, state, levels);
  if (!keeps_logits (self))
    g_clear_pointer (&step, clear_step);
  if (levels != NULL)
    levels->end_backward = replay->ledger.live;
  if (waiting != NULL)
    release_in_flight (replay, waiting);
  run_optimizer (self, replay, is_first);
  if (levels != NULL)
    levels->end_optimizer = replay->ledger.live;
  hr_training_actor_end_step (self, replay);
  rest = replay->ledger.live.by_component[HR_COMPONENT_GRADIENTS] - get_held_gradients (self);
  if (self->zero_grad == HR_ZERO_GRAD_AFTER_STEP)
    hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, rest);
  else
    hr_ledger_remove (&replay->ledger, HR_COMPONENT_GRADIENTS, rest);
  if (step != NULL && self->critic == NULL)
    {
      drop_outputs (step);
      clear_step (step);
    }
  else if (step != NULL)
    {
      log_step (step, state);
      clear_step (step);
      hr_rollout_state_end_step (state, replay);
    }
  if (levels != NULL)
    levels->end = replay->ledger.live;
  hr_replay_rest (replay, NULL);
}

/* Keeps what a forward pass has left, so many times, and adds that to @waiting. */
static void
keep_passes (const HrTraining *self,
             HrReplay         *replay,
             guint64           n_passes,
             HrLevel          *waiting)
{
  g_autoptr (HrReplay) rehearsal = hr_replay_copy_empty (replay);
  HrTrainingLevels levels;
  HrLevel start = rehearsal->ledger.live;

  rehearsal->timeline = NULL;
  rehearsal->kept_layers = NULL;
  clear_step (run_micro_batch (self, rehearsal, NULL, TRUE, &levels));
  replay->ledger.overflowed |= rehearsal->ledger.overflowed;
  for (guint i = 0; i < HR_N_GROWTHS; i++)
    {
      guint64 bytes = n_passes * (levels.end_forward.activations[i] - start.activations[i]);

      replay->ledger.live.activations[i] += bytes;
      waiting->activations[i] += bytes;
    }
  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    {
      guint64 bytes = n_passes * (levels.end_forward.by_component[i] - start.by_component[i]);

      hr_ledger_add (&replay->ledger, i, bytes);
      waiting->by_component[i] += bytes;
    }
}

static guint64
count_layers_of_part (const HrTrainingParts *self,
                      guint                  part)
{
  return part == self->outer ? self->n_outer : self->n_layers;
}

/* Has a part of a stage run alone, of which the first looks tokens up, or the last has the head. */
static void
enter_part (const HrTraining *self,
            HrTraining       *training,
            guint             part)
{
  *training = *self;
  training->pass.has_inputs &= part == self->parts.outer;
  training->pass.has_norm &= part == self->parts.outer;
  training->pass.has_head &= part == self->parts.outer;
  training->pass.n_predictions = part == self->parts.outer ? self->pass.n_predictions : 0;
  training->pass.n_layers = count_layers_of_part (&self->parts, part);
  training->pass.first_layer = part * self->parts.n_layers;
  if (part > self->parts.outer)
    training->pass.first_layer += self->parts.n_outer - self->parts.n_layers;
}

/*
 * How many of the forward passes before the first backward pass are of a part: parts take turns (get_schedule_table of
 * megatron/core/pipeline_parallel/schedules.py).
 */
static guint64
count_passes_of_part (const HrTraining *self,
                      guint             part)
{
  guint64 n_turn = self->parts.group * self->parts.n;
  guint64 n_last = self->n_in_flight % n_turn;
  guint64 n_before = part * self->parts.group;

  return self->n_in_flight / n_turn * self->parts.group +
         (n_last > n_before ? MIN (n_last - n_before, self->parts.group) : 0);
}

/*
 * Between a forward pass and a backward pass, what other micro-batches need for theirs is kept. Where a stage has
 * several parts, that which looks tokens up runs on the first stage, and that with the head on the last, beside the
 * others. @waiting gets how much that is.
 */
static void
keep_in_flight (const HrTraining *self,
                HrReplay         *replay,
                HrLevel          *waiting)
{
  guint64 n_left = self->n_in_flight - 1;

  if (self->parts.n <= 1)
    {
      keep_passes (self, replay, n_left, waiting);
      return;
    }

  for (guint i = 0; i < self->parts.n; i++)
    {
      guint64 n = count_passes_of_part (self, i);
      HrTraining part;

      if (i == self->parts.running && n > 0)
        n--;
      enter_part (self, &part, i);
      if (n > 0)
        keep_passes (&part, replay, MIN (n, n_left), waiting);
      n_left -= MIN (n, n_left);
    }
}

/* Steps after which the order of modules is what it is in all that come, where forward passes alone come between. */
#define STEPS_OF_REHEARSAL 2

/* More steps on the same answers each end like the one before. */
#define MAX_STEPS_ON_ANSWERS 3

/* The parameters of the models of which parts are gathered: of the one that is trained, and of the reference model. */
typedef struct
{
  HrLiveParameters *trained;
  HrLiveParameters *reference;
} LiveModels;

static void
live_models_clear (LiveModels *self)
{
  g_clear_pointer (&self->trained, hr_live_parameters_free);
  g_clear_pointer (&self->reference, hr_live_parameters_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LiveModels, live_models_clear)

static void
live_models_init (LiveModels       *self,
                  const HrTraining *training)
{
  HrLiveSettings settings = training->live;

  *self = (LiveModels) { NULL, NULL };
  if (!settings.is_used)
    return;

  self->trained = hr_live_parameters_new (&settings, HR_COMPONENT_WEIGHTS);
  if (training->reference_bytes > 0)
    self->reference = hr_live_parameters_new (&settings, HR_COMPONENT_REFERENCE_MODEL);
}

/* What a tape has gathered goes by. */
static void
set_live (HrReplay         *replay,
          const LiveModels *models)
{
  replay->live = models->trained;
  replay->live_of_reference = models->reference;
}

/* A step with answers, and those after it that are trained on the same ones. */
static void
rehearse_steps (const HrTraining *self,
                HrReplay         *rehearsal,
                HrRolloutState   *state)
{
  guint64 n_alike = self->generation_interval > self->accumulation_steps
                      ? MIN (self->generation_interval / self->accumulation_steps, MAX_STEPS_ON_ANSWERS) : 1;
  HrTraining later = *self;

  if (hr_algorithm_is_policy (self->algorithm))
    {
      later.rollout = HR_ROLLOUT_NONE;
      later.has_reference = later.reads_own_answers = FALSE;
    }
  for (guint64 i = 0; i < n_alike; i++)
    run_step (i == 0 ? self : &later, rehearsal, FALSE, NULL, state, NULL);
}

/*
 * Has a micro-batch run to find out in which order parameters are used, and steps where other passes come between those
 * of micro-batches.
 */
static void
trace_parameters (const HrTraining *self,
                  HrReplay         *replay,
                  LiveModels       *models)
{
  g_autoptr (HrReplay) rehearsal = NULL;
  HrTrainingLevels levels;
  HrRolloutState state;

  live_models_init (models, self);
  if (models->trained == NULL)
    return;

  rehearsal = hr_replay_copy_empty (replay);
  rehearsal->timeline = NULL;
  rehearsal->kept_layers = NULL;
  rehearsal->heap = NULL;
  rehearsal->is_rehearsal = TRUE;
  begin_steps (self, rehearsal);
  hr_rollout_state_init (&state, self, rehearsal);
  set_live (rehearsal, models);
  clear_step (run_micro_batch (self, rehearsal, NULL, TRUE, &levels));
  if (self->algorithm != HR_ALGORITHM_SFT)
    {
      hr_live_parameters_forget (models->trained);
      for (guint i = 0; i < STEPS_OF_REHEARSAL; i++)
        rehearse_steps (self, rehearsal, &state);
    }
  replay->ledger.overflowed |= rehearsal->ledger.overflowed;
  hr_live_parameters_reset (models->trained);
  if (models->reference != NULL)
    hr_live_parameters_reset (models->reference);
}

/*
 * hr_training_count_traced:
 * @self: what is to be replayed, whose parameters are gathered for modules
 * @replay: a tape, on which nothing has happened
 *
 * Returns: how many parameters the modules have that run
 */
guint64
hr_training_count_traced (const HrTraining *self,
                          const HrReplay   *replay)
{
  g_autoptr (HrReplay) copy = hr_replay_copy_empty (replay);
  g_auto (LiveModels) live = { NULL, NULL };

  trace_parameters (self, copy, &live);

  return live.trained != NULL ? hr_live_parameters_count (live.trained) : 0;
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
  const LiveModels none = { NULL, NULL };
  g_auto (LiveModels) live = none;
  HrLevel waiting = { 0 };
  HrRolloutState state;
  HrTraining part = *self;

  trace_parameters (self, replay, &live);
  set_live (replay, &live);
  begin_steps (self, replay);
  hr_rollout_state_init (&state, self, replay);
  if (self->n_in_flight > 1 && !self->pipelines)
    keep_in_flight (self, replay, &waiting);
  replay->peak.level = replay->ledger.live;
  if (self->parts.n > 1)
    enter_part (self, &part, self->parts.running);
  run_step (&part, replay, FALSE, &waiting, &state, levels);
  set_live (replay, &none);
}

/*
 * hr_training_count_layers:
 * @self: what is to be replayed
 *
 * Returns: how many layers run while others keep what their backward passes need
 */
guint64
hr_training_count_layers (const HrTraining *self)
{
  if (self->pipelines)
    return (self->pass.n_layers + self->pipeline.n_parts - 1) / self->pipeline.n_parts;

  return self->parts.n > 1 ? count_layers_of_part (&self->parts, self->parts.running) : self->pass.n_layers;
}

/*
 * hr_training_choose_part:
 * @self: what is to be replayed, of a stage with several parts
 * @replay: a tape, on which nothing has happened
 *
 * Has that part run while whose passes most is held: the first or the last of all, unless layers of others do something
 * else.
 */
void
hr_training_choose_part (HrTraining     *self,
                         const HrReplay *replay)
{
  guint64 most = 0;
  guint best = self->parts.running;

  for (guint i = 0; i < self->parts.n && !self->parts.are_alike; i++)
    {
      g_autoptr (HrReplay) rehearsal = hr_replay_copy_empty (replay);
      HrTraining training = *self;

      training.parts.running = i;
      rehearsal->timeline = NULL;
      rehearsal->kept_layers = NULL;
      hr_training_replay (&training, rehearsal, NULL);
      if (rehearsal->ledger.peak.total <= most)
        continue;
      most = rehearsal->ledger.peak.total;
      best = i;
    }
  self->parts.running = best;
}

/*
 * hr_training_replay_heap:
 * @self: what is to be replayed
 * @replay: a tape with a heap, on which nothing has happened but that the model was loaded
 * @n_steps: how many steps
 * @between: what is done when the first step is over
 * @user_data: what @between is handed
 *
 * Replays the first steps of training, every layer of them, on a heap. The levels of the books mean nothing. The steps
 * make the same requests, but for the optimizer's states, if what a step takes is gone when it ends.
 */
void
hr_training_replay_heap (const HrTraining *self,
                         HrReplay         *replay,
                         guint             n_steps,
                         HrBetweenSteps    between,
                         gpointer          user_data)
{
  gboolean is_alike = self->zero_grad == HR_ZERO_GRAD_AFTER_STEP && self->algorithm != HR_ALGORITHM_PPO;
  g_autoptr (HrLiveParameters) live =
    self->live.is_used ? hr_live_parameters_new (&self->live, HR_COMPONENT_WEIGHTS) : NULL;
  HrRolloutState state;

  replay->live = live;
  begin_steps (self, replay);
  hr_rollout_state_init (&state, self, replay);
  /* The first steps gather no parameters ahead. */
  if (live != NULL)
    {
      run_step (self, replay, TRUE, NULL, &state, NULL);
      hr_live_parameters_reset (live);
    }
  hr_heap_set_recording (replay->heap, TRUE);
  run_step (self, replay, live == NULL, NULL, &state, NULL);
  hr_heap_set_recording (replay->heap, FALSE);
  between (replay->heap, user_data);
  if (is_alike)
    hr_heap_repeat (replay->heap, n_steps - 1);
  for (guint i = 1; i < n_steps && !is_alike; i++)
    run_step (self, replay, FALSE, NULL, &state, NULL);
  replay->live = NULL;
}
