/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-check.h"

#include "hr-grpo-job.h"
#include "hr-message.h"
#include "hr-model-head.h"
#include "hr-pass.h"
#include "hr-quantization-format.h"
#include "hr-replay-megatron.h"
#include "hr-replay-torchtitan.h"
#include "hr-training-critic.h"

/*
 * What can be trained as far as the replay knows. A setting that it does not follow is refused, never left out.
 */

#define MAX_KNOWN 20

/* The values that are replayed, of the settings of which not all are. */
static const struct
{
  const char *property;
  const char *values[MAX_KNOWN];
} known_values[] = {
  { "framework", { "pytorch", "transformers", "trl", "deepspeed", "megatron-lm", "torchtitan", "unsloth", "verl",
                   "openrlhf", "colossalai" } },
};

static gboolean
check_setting (HrJob               *job,
               const char          *property,
               const char * const  *values,
               GError             **error)
{
  g_autofree char *value = hr_job_get_as_string (job, property);
  g_autofree char *names = NULL;

  if (g_strv_contains (values, value))
    return TRUE;

  names = g_strjoinv (", ", (char **) values);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the name of a setting, a list of its values, and another value */
                        N_("%s: expected one of what can be estimated so far, %s; found %s"), property, names, value);

  return FALSE;
}

/*
 * hr_training_check_job:
 * @job: a job
 * @error: return location for an error
 *
 * Checks that every setting of a job is one that is replayed.
 *
 * Returns: whether it is
 */
gboolean
hr_training_check_job (HrTrainingJob  *job,
                       GError        **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (known_values); i++)
    {
      const char *property = known_values[i].property;

      if (g_object_class_find_property (G_OBJECT_GET_CLASS (job), property) != NULL &&
          !check_setting (HR_JOB (job), property, known_values[i].values, error))
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_training_knows_value:
 * @property: a setting
 * @value: the name of one of its values
 *
 * Checks whether a value is one that is replayed.
 *
 * Returns: whether it is
 */
gboolean
hr_training_knows_value (const char *property,
                         const char *value)
{
  for (guint i = 0; i < G_N_ELEMENTS (known_values); i++)
    {
      if (g_str_equal (known_values[i].property, property))
        return g_strv_contains (known_values[i].values, value);
    }

  return TRUE;
}

/* No gradient flows to whole numbers, or to numbers of eight bits (torch.Tensor.requires_grad_). */
static gboolean
check_dtype (const HrInferencePlan  *pass,
             GError                **error)
{
  switch (pass->dtype)
    {
    case HR_DTYPE_FLOAT64:
    case HR_DTYPE_FLOAT32:
    case HR_DTYPE_FLOAT16:
    case HR_DTYPE_BFLOAT16:
      return TRUE;

    case HR_DTYPE_AUTO:
    case HR_DTYPE_FLOAT8:
    case HR_DTYPE_INT8:
    case HR_DTYPE_INT4:
    default:
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("dtype: expected float64, float32, float16 or bfloat16, in which parameters can be "
                               "trained; found %s"),
                            hr_dtype_get_name (pass->dtype));
      return FALSE;
    }
}

static gboolean
check_quantization (const HrInferencePlan  *pass,
                    HrTrainingJob          *job,
                    GError                **error)
{
  if (pass->quantization == HR_QUANTIZATION_NONE ||
      (HR_IS_FINE_TUNING_JOB (job) && hr_quantization_can_be_tuned (pass->quantization) &&
       hr_fine_tuning_job_adds_matrices (HR_FINE_TUNING_JOB (job))))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("quantization: expected none, or a format through which gradients are known to flow, with "
                           "LoRA beside it, as quantized matrices cannot be trained; found %s"),
                        hr_quantization_get_name (pass->quantization));

  return FALSE;
}

/*
 * Whether the class has a loss that is known: the next token, the hidden ones, a text behind another, or a choice
 * between classes for each token or sequence. A class with a single number for an answer, or with two heads, has
 * others.
 */
static gboolean
has_known_loss (const HrTrainingPlan *plan)
{
  const HrInferencePlan *pass = &plan->pass;
  const HrBlock *head = NULL;

  if (pass->stack->role == HR_STACK_DECODER && hr_model_writes_text (plan->model))
    return TRUE;

  for (guint i = 0; i < pass->inference.head->n_blocks; i++)
    {
      const HrBlock *block = &pass->inference.head->blocks[i];

      if (block->kind != HR_BLOCK_HEAD)
        continue;
      if (head != NULL || block->head.vocab_size < 2)
        return FALSE;
      head = block;
    }

  return head != NULL;
}

/* The plan has taken the class that has one. */
static gboolean
gives_scores (HrTrainingJob *job)
{
  return HR_IS_GRPO_JOB (job) && hr_grpo_job_get_algorithm (HR_GRPO_JOB (job)) == HR_ALGORITHM_REWARD;
}

/*
 * hr_training_check_model:
 * @plan: a plan whose forward pass is planned
 * @error: return location for an error
 *
 * Checks that a model can be trained in the form in which it is loaded, by a loss that is known.
 *
 * Returns: whether it can
 */
gboolean
hr_training_check_model (const HrTrainingPlan  *plan,
                         GError               **error)
{
  const HrInferencePlan *pass = &plan->pass;
  HrTrainingJob *job = plan->job;

  if (!check_dtype (pass, error) || !check_quantization (pass, job, error))
    return FALSE;

  if (has_known_loss (plan) || gives_scores (job))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the names of a model and of a class, such as BertModel. */
                        N_("“%s”: expected a class with one head that predicts tokens or classes, which is what can be "
                           "trained so far; found %s"),
                        hr_model_get_name (pass->model), hr_model_get_architecture (pass->model));

  return FALSE;
}

/* The heads that the flash-attn package has kernels for (csrc/flash_attn/flash_api.cpp). */
#define FLASH_MAX_HEAD_DIM 256

/* The package knows no sinks; classes with attention of their own call it in other ways, or not at all. */
static gboolean
is_known_to_flash (const HrAttention *attention)
{
  return (attention->path == HR_ATTENTION_INTERFACE || attention->path == HR_ATTENTION_REPEATING) &&
         !attention->has_sinks && attention->head_dim <= FLASH_MAX_HEAD_DIM;
}

/* Attention whose own code is not written in operators that know their derivatives yet. */
static gboolean
is_attention_known (const HrAttention         *attention,
                    HrAttentionImplementation  implementation)
{
  if (implementation == HR_ATTENTION_IMPLEMENTATION_FLASH && !is_known_to_flash (attention))
    return FALSE;

  if (attention->index_topk > 0)
    return FALSE;

  switch (attention->path)
    {
    case HR_ATTENTION_INTERFACE:
    case HR_ATTENTION_REPEATING:
    case HR_ATTENTION_T5:
    case HR_ATTENTION_DISENTANGLED:
    case HR_ATTENTION_FALCON:
    case HR_ATTENTION_BLOOM:
    case HR_ATTENTION_MPT:
    case HR_ATTENTION_GPT_J:
    case HR_ATTENTION_CODEGEN:
    case HR_ATTENTION_GPT_NEO:
    case HR_ATTENTION_MVP:
    case HR_ATTENTION_XGLM:
    case HR_ATTENTION_VISION:
      return TRUE;

    case HR_ATTENTION_CTRL:
    case HR_ATTENTION_BAICHUAN:
    case HR_ATTENTION_UMT5:
    case HR_ATTENTION_UNKNOWN:
    default:
      return FALSE;
    }
}

static gboolean
is_block_known (const HrBlock             *block,
                HrAttentionImplementation  attention)
{
  if (block->kind == HR_BLOCK_ATTENTION)
    return is_attention_known (&block->attention, attention);

  return block->kind != HR_BLOCK_RG_LRU;
}

static gboolean
is_sublayer_known (const HrSublayer          *sublayer,
                   HrAttentionImplementation  attention)
{
  if (sublayer->joins_embeddings)
    return FALSE;

  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      for (guint j = 0; j < sublayer->branches[i].n_blocks; j++)
        {
          if (!is_block_known (&sublayer->branches[i].blocks[j], attention))
            return FALSE;
        }
    }

  return TRUE;
}

static gboolean
is_stack_known (const HrStack             *stack,
                HrAttentionImplementation  attention)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      for (guint j = 0; j < stack->layer_classes[i].n_sublayers; j++)
        {
          if (!is_sublayer_known (&stack->layer_classes[i].sublayers[j], attention))
            return FALSE;
        }
    }

  return TRUE;
}

/* Layers that text passes by get no gradient: what shares parameters of each layer out waits for all of them. */
static gboolean
check_passed_by (const HrTrainingPlan  *plan,
                 GError               **error)
{
  const HrInference *pass = &plan->pass.inference;
  gboolean passes_by = FALSE;

  for (guint i = 0; i < pass->stack->n_layer_classes && !hr_pass_crosses (pass); i++)
    passes_by |= pass->stack->layer_classes[i].skipped;

  if (!passes_by || !plan->training.sharding.is_sharded)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("“%s”: expected images in the batch, or parameters that each GPU holds whole; found text "
                           "alone, which passes the layers by that attend to images, with parameters that are sharded"),
                        hr_model_get_name (plan->pass.model));

  return FALSE;
}

static gboolean
refuse_layers (const HrTrainingPlan  *plan,
               GError               **error)
{
  g_autofree char *attention = hr_job_get_as_string (HR_JOB (plan->job), "attention");

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and a choice, such as sdpa. */
                        N_("“%s”: the backward pass of its layers, with attention %s, is not known well enough to "
                           "estimate its memory"),
                        hr_model_get_name (plan->pass.model), attention);

  return FALSE;
}

/* Megatron-LM has layers of its own, for models that are like GPT or Llama, and no methods of PEFT. */
static gboolean
check_megatron (const HrTrainingPlan  *plan,
                GError               **error)
{
  g_autofree char *attention = hr_job_get_as_string (HR_JOB (plan->job), "attention");
  g_autofree char *method = HR_IS_FINE_TUNING_JOB (plan->job)
                              ? hr_job_get_as_string (HR_JOB (plan->job), "fine-tuning-method")
                              : NULL;
  const HrInference *pass = &plan->pass.inference;

  if (plan->training.layer_code != HR_LAYER_CODE_MEGATRON_LOCAL &&
      plan->training.layer_code != HR_LAYER_CODE_MEGATRON_TE)
    return TRUE;

  if (!hr_megatron_knows (pass->stack) || pass->encoder != NULL)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          /* Translators: the place is the name of a model. */
                          N_("“%s”: expected a decoder like GPT or Llama, whose layers are a norm, attention, a norm "
                             "and a perceptron, as Megatron-LM’s are; found others"),
                          hr_model_get_name (plan->pass.model));
  else if (pass->attention != HR_ATTENTION_IMPLEMENTATION_EAGER &&
           pass->attention != HR_ATTENTION_IMPLEMENTATION_SDPA &&
           pass->attention != HR_ATTENTION_IMPLEMENTATION_SDPA_MATH)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("attention: expected eager, which stands for Megatron-LM’s local specification, sdpa, "
                             "which stands for the kernel of Transformer Engine, or sdpa-math, which stands for its "
                             "attention without one; found %s"),
                          attention);
  else if (method != NULL && !g_str_equal (method, "full"))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("fine-tuning-method: expected full, as Megatron-LM trains all parameters; found %s"),
                          method);
  else
    return TRUE;

  return FALSE;
}

/* What torchtitan decides itself. */
static gboolean
check_torchtitan_precision (HrTrainingJob  *job,
                            GError        **error)
{
  static const char * const values[][4] = {
    { "dtype", "auto", "float32", "bfloat16" },
    { "autocast", "none" },
    { "master-dtype", "none" },
    { "gradient-dtype", "same" },
    { "reentrant-checkpointing", "false" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      const char *allowed[] = { values[i][1], values[i][2], values[i][3], NULL };
      g_autofree char *found = hr_job_get_as_string (HR_JOB (job), values[i][0]);
      g_autofree char *expected = g_strjoinv (", ", (char **) allowed);

      if (g_strv_contains (allowed, found))
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the name of a setting, a list of its values, and another value */
                            N_("%s: expected one of what torchtitan has, %s; found %s"), values[i][0], expected, found);
      return FALSE;
    }

  return TRUE;
}

/* OptimizersContainer of components/optimizer/optimizer.py has Adam, AdamW and a Muon of its own, and no others. */
static gboolean
check_torchtitan_optimizer (HrTrainingJob  *job,
                            GError        **error)
{
  g_autofree char *optimizer = hr_job_get_as_string (HR_JOB (job), "optimizer");

  if (g_str_equal (optimizer, "adamw") || g_str_equal (optimizer, "adam"))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("optimizer: expected adamw or adam, which torchtitan has; what its Muon takes is not known, "
                           "and it has no others; found %s"),
                        optimizer);

  return FALSE;
}

static gboolean
has_tied_table (HrModel *model)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      if (hr_model_get_tensor (model, i)->tied_to != NULL)
        return TRUE;
    }

  return FALSE;
}

/*
 * Module._distribute_states of torchtitan/protocols/module.py makes two parameters of a table that is tied before
 * fully_shard sees them, and Decoder.init_states one of these again, so that it is gathered and reduced twice.
 */
static gboolean
check_tied (const HrTrainingPlan  *plan,
            GError               **error)
{
  g_autofree char *found = NULL;

  if (plan->layout.tensor == 1 || !has_tied_table (plan->model))
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, plan->layout.tensor);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and a number. */
                        N_("tensor-parallel: expected 1, as what torchtitan gathers and reduces of a table of tokens "
                           "that is tied to the head, as that of “%s” is, is not known where ranks share it; found "
                           "%s"), hr_model_get_name (plan->model), found);

  return FALSE;
}

/*
 * The policy of SelectiveAC of torchtitan/distributed/activation_checkpoint.py keeps all that a compiled region returns
 * (inductor_compiled_code), which FlexAttention is, what it keeps for its derivative among that.
 */
static gboolean
check_flex (const HrTrainingPlan  *plan,
            GError               **error)
{
  gboolean is_selective =
    hr_training_job_get_gradient_checkpointing (plan->job) == HR_GRADIENT_CHECKPOINTING_SELECTIVE &&
    hr_training_job_get_selective_checkpointing (plan->job) == HR_SELECTIVE_CHECKPOINTING_OPERATORS;

  if (plan->layout.context == 1 || !is_selective)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("gradient-checkpointing: expected none or full beside context-parallel of torchtitan, as "
                           "what selective checkpointing keeps of its compiled FlexAttention is not known; found "
                           "selective"));

  return FALSE;
}

/* torchtitan has models of its own, and trains all parameters of them. */
static gboolean
check_torchtitan (const HrTrainingPlan  *plan,
                  GError               **error)
{
  g_autofree char *method = HR_IS_FINE_TUNING_JOB (plan->job)
                              ? hr_job_get_as_string (HR_JOB (plan->job), "fine-tuning-method")
                              : NULL;
  g_autofree char *attention = hr_job_get_as_string (HR_JOB (plan->job), "attention");
  const HrInference *pass = &plan->pass.inference;

  if (plan->training.layer_code != HR_LAYER_CODE_TORCHTITAN)
    return TRUE;

  if (pass->encoder != NULL || pass->towers != NULL || !hr_torchtitan_knows (pass->stack))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          /* Translators: the place is the name of a model. */
                          N_("“%s”: expected a decoder like Llama or dense Qwen3, whose layers in torchtitan are "
                             "known; found others"),
                          hr_model_get_name (plan->pass.model));
  else if (pass->attention != HR_ATTENTION_IMPLEMENTATION_SDPA)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("attention: expected sdpa, which stands for torchtitan’s VarlenAttention; found %s"),
                          attention);
  else if (method != NULL && !g_str_equal (method, "full"))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("fine-tuning-method: expected full, as what torchtitan’s LoRA takes is not known; found "
                             "%s"), method);
  else if (plan->training.algorithm != HR_ALGORITHM_SFT)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("framework: expected one whose losses on answers are known; found torchtitan"));
  else
    return check_torchtitan_optimizer (plan->job, error) && check_torchtitan_precision (plan->job, error) &&
           check_tied (plan, error) && check_flex (plan, error);

  return FALSE;
}

/* Classes whose layers share parameters have no checkpointing (PreTrainedModel.gradient_checkpointing_enable). */
static gboolean
check_repeated (const HrTrainingPlan  *plan,
                GError               **error)
{
  g_autofree char *checkpointing = hr_job_get_as_string (HR_JOB (plan->job), "gradient-checkpointing");

  if (plan->pass.inference.stack->n_repeats == 1 || g_str_equal (checkpointing, "none"))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and a choice, such as full. */
                        N_("“%s”: gradient-checkpointing: expected none, as transformers does not have it for this "
                           "model; found %s"),
                        hr_model_get_name (plan->pass.model), checkpointing);

  return FALSE;
}

/*
 * hr_training_check_layers:
 * @plan: a plan
 * @error: return location for an error
 *
 * Checks that the layers are made of blocks that can be followed backwards.
 *
 * Returns: whether they are
 */
gboolean
hr_training_check_layers (const HrTrainingPlan  *plan,
                          GError               **error)
{
  const HrInference *pass = &plan->pass.inference;

  if (!check_megatron (plan, error) || !check_torchtitan (plan, error) || !check_repeated (plan, error))
    return FALSE;

  if (!check_passed_by (plan, error))
    return FALSE;

  if (is_stack_known (pass->stack, pass->attention) &&
      (pass->encoder == NULL || is_stack_known (pass->encoder, pass->attention)))
    return TRUE;

  return refuse_layers (plan, error);
}

/*
 * hr_training_check_gradients:
 * @plan: a plan
 * @parameters: (nullable): what was trained in the replay, or %NULL for all of the model
 * @levels: what its replay came to
 * @error: return location for an error
 *
 * Checks that every parameter that a gradient reaches has got it: otherwise the replay has gone through an operator
 * whose derivative it does not know, and what the backward pass needs of it is missing as well.
 *
 * Returns: whether each has
 */
gboolean
hr_training_check_gradients (const HrTrainingPlan    *plan,
                             const HrTrainables      *parameters,
                             const HrTrainingLevels  *levels,
                             GError                 **error)
{
  g_autoptr (HrTrainables) all = NULL;
  g_autoptr (HrTrainables) reached = NULL;

  if (parameters == NULL)
    {
      parameters = all = hr_trainables_new_for_model (plan->pass.model, plan->pass.element);
      hr_training_critic_add_all (plan, all);
    }
  reached = hr_trainables_new_reached (parameters, hr_training_plan_get_reach (plan));
  if (levels->end_backward.by_component[HR_COMPONENT_GRADIENTS] == hr_trainables_get_bytes (reached, FALSE))
    return TRUE;

  return refuse_layers (plan, error);
}

/*
 * hr_training_check_values:
 * @plan: a plan
 * @framework: what a framework that decides for itself is called
 * @values: settings, each with the values of it that are known of the framework; the rest of a row is %NULL
 * @n_settings: how many
 * @error: return location for an error
 *
 * Returns: whether each has one of its values
 */
gboolean
hr_training_check_values (const HrTrainingPlan  *plan,
                          const char            *framework,
                          const char * const     values[][HR_TRAINING_MAX_VALUES],
                          guint                  n_settings,
                          GError               **error)
{
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *found = NULL;
      g_autofree char *expected = NULL;

      if (g_object_class_find_property (G_OBJECT_GET_CLASS (plan->job), values[i][0]) == NULL)
        continue;
      found = hr_job_get_as_string (HR_JOB (plan->job), values[i][0]);
      if (g_strv_contains (&values[i][1], found))
        continue;

      expected = g_strjoinv (", ", (char **) &values[i][1]);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the name of a setting, a framework, a list of values, and another value */
                            N_("%s: expected one of what is known of %s, %s; found %s"), values[i][0], framework,
                            expected, found);
      return FALSE;
    }

  return TRUE;
}

/*
 * hr_training_check_answers:
 * @plan: a plan
 * @framework: what a framework that trains on answers is called
 * @error: return location for an error
 *
 * Returns: whether the job is one that trains on answers
 */
gboolean
hr_training_check_answers (const HrTrainingPlan  *plan,
                           const char            *framework,
                           GError               **error)
{
  if (HR_IS_GRPO_JOB (plan->job))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is a framework */
                        N_("framework: expected one that trains without answers; found %s, which is known for mode "
                           "grpo only"), framework);

  return FALSE;
}
