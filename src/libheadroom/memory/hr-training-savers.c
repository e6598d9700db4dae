/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-savers.h"

#include "hr-grpo-job.h"
#include "hr-inference-cache.h"
#include "hr-liger.h"
#include "hr-message.h"
#include "hr-pass.h"
#include "hr-training-unsloth.h"

/* What saves memory by other means than checkpointing: whose kernels run, and how the loss is computed. */

static gboolean
is_liger (HrLossImplementation loss)
{
  return loss == HR_LOSS_IMPLEMENTATION_LIGER_CROSS_ENTROPY ||
         loss == HR_LOSS_IMPLEMENTATION_LIGER_FUSED_LINEAR_CROSS_ENTROPY;
}

/* Whether what writes its loss itself, or trains on answers, leaves nothing to be put in the place of the loss. */
static gboolean
has_own_loss (const HrTrainingPlan *plan)
{
  return plan->training.layer_code != HR_LAYER_CODE_TRANSFORMERS || plan->training.algorithm != HR_ALGORITHM_SFT;
}

static gboolean
refuse_setting (const HrTrainingPlan  *plan,
                const char            *property,
                const char            *expected,
                GError               **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), property);

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the name of a setting, one of its values, and another */
                        N_("%s: expected %s, as Megatron-LM and training on answers have a loss and layers of their "
                           "own, of which others are not known; found %s"), property, expected, found);

  return FALSE;
}

static gboolean
refuse_model (const HrTrainingPlan  *plan,
              const char            *property,
              gboolean               needs_kernels,
              GError               **error)
{
  g_autofree char *names = hr_liger_dup_model_types (needs_kernels);
  const char *type = hr_model_get_model_type (plan->pass.model);

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the name of a setting, a list of types of models, and another type */
                        N_("%s: what Liger-Kernel does is known for models of the types %s; found a model of the type "
                           "%s"), property, names, type != NULL ? type : "?");

  return FALSE;
}

/* The loss reads the matrix of the head, so that what a method adds to its module does nothing. */
static gboolean
check_head (const HrTrainingPlan  *plan,
            GError               **error)
{
  const HrBlock *head = hr_chain_find_block (plan->pass.inference.head, HR_BLOCK_HEAD);
  const char *path = head != NULL ? head->path : NULL;

  if (head == NULL || hr_tuning_find (plan->tuning, path, HR_MODULE_SELF, -1) == NULL ||
      hr_tuning_is_whole (plan->tuning, path, HR_MODULE_SELF, -1))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("lora-targets: expected modules other than the output head, whose matrix the loss reads "
                           "without calling its module; found %s"), path);

  return FALSE;
}

/* The types of models that cut_cross_entropy/transformers/patch.py patches (PATCH_FNS). */
static const char * const cut_types[] = { "gemma2", "llama", "mistral", "phi3", "qwen2", NULL };

static gboolean
check_cut (const HrTrainingPlan  *plan,
           GError               **error)
{
  const char *type = hr_model_get_model_type (plan->pass.model);
  g_autofree char *names = NULL;

  if (type != NULL && g_strv_contains (cut_types, type))
    return check_head (plan, error);

  names = g_strjoinv (", ", (char **) cut_types);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a list of types of models, and another type. */
                        N_("loss-implementation: cut-cross-entropy is known for models of the types %s; found a model "
                           "of the type %s"), names, type != NULL ? type : "?");

  return FALSE;
}

/* _patch_chunked_ce_lm_head of trl/trainer/sft_trainer.py takes any decoder; a bias and a scale are not followed. */
static gboolean
check_chunked (const HrTrainingPlan  *plan,
               GError               **error)
{
  const HrInference *pass = &plan->pass.inference;
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);

  if (pass->stack->role == HR_STACK_DECODER && pass->encoder == NULL && pass->towers == NULL && head != NULL &&
      !head->head.has_bias && !head->head.adds_bias && !head->head.scaled && !head->head.shifts_logits)
    return check_head (plan, error);

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("loss-implementation: chunked-nll is known for decoders of text whose output head is a "
                           "matrix alone; found “%s”"), hr_model_get_name (plan->pass.model));

  return FALSE;
}

/* GRPOTrainer alone calls it; RLOOTrainer has no such loss. Of a head it takes the matrix. */
static gboolean
check_liger_policy (const HrTrainingPlan  *plan,
                    GError               **error)
{
  const HrInference *pass = &plan->pass.inference;
  const HrBlock *head = hr_chain_find_block (pass->head, HR_BLOCK_HEAD);
  gboolean is_known = hr_algorithm_is_policy (plan->training.algorithm) &&
                      plan->training.algorithm != HR_ALGORITHM_RLOO;

  if (is_known && head != NULL && !head->head.has_bias && !head->head.adds_bias && !head->head.scaled)
    return check_head (plan, error);

  if (!is_known)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("loss-implementation: expected another than liger-grpo, which is the loss of GRPO, Dr. "
                             "GRPO, DAPO and GSPO alone; found liger-grpo"));
  else
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          /* Translators: the place is the name of a model. */
                          N_("loss-implementation: liger-grpo is known for models whose output head is a matrix alone; "
                             "found “%s”"), hr_model_get_name (plan->pass.model));

  return FALSE;
}

/* Granite divides its logits, which the fused loss does not (apply_liger_kernel_to_granite). */
static gboolean
check_fused (const HrTrainingPlan  *plan,
             const HrLiger         *liger,
             GError               **error)
{
  if (plan->training.loss_implementation == HR_LOSS_IMPLEMENTATION_CUT_CROSS_ENTROPY)
    return check_cut (plan, error);
  if (plan->training.loss_implementation == HR_LOSS_IMPLEMENTATION_CHUNKED_NLL)
    return check_chunked (plan, error);
  if (plan->training.loss_implementation != HR_LOSS_IMPLEMENTATION_LIGER_FUSED_LINEAR_CROSS_ENTROPY)
    return TRUE;
  if (liger->loss == HR_LOSS_IMPLEMENTATION_LIGER_FUSED_LINEAR_CROSS_ENTROPY)
    return check_head (plan, error);

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is a type of models. */
                        N_("loss-implementation: expected cross-entropy or liger-cross-entropy, as Liger-Kernel has no "
                           "other for models of the type %s; found liger-fused-linear-cross-entropy"),
                        liger->model_type);

  return FALSE;
}

static gboolean
refuse_unsloth (const HrTrainingPlan  *plan,
                GError               **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "framework");

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is a framework, such as trl. */
                        N_("loss-implementation: expected another than unsloth-fused, which is the loss of the "
                           "framework unsloth; found it with framework %s"), found);

  return FALSE;
}

static gboolean
refuse_megatron (const HrTrainingPlan  *plan,
                 GError               **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "framework");

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is a framework, such as trl. */
                        N_("loss-implementation: expected another than megatron-fused, which is a loss of the "
                           "framework megatron-lm; found it with framework %s"), found);

  return FALSE;
}

static gboolean
refuse_offload (const HrTrainingPlan  *plan,
                GError               **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "activation-offload");

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("activation-offload: expected none, or save-on-cpu without selective or reentrant "
                           "checkpointing, or layer-inputs where gradient-checkpointing is full, of a decoder without "
                           "towers; found %s"), found);

  return FALSE;
}

/*
 * Hooks around the forward pass (save_on_cpu), which move what goes into layers that are computed anew as well
 * (_NoopSaveInputs of torch/utils/checkpoint.py); or a function that does nothing else, and is reentrant
 * (Unsloth_Offloaded_Gradient_Checkpointer of unsloth_zoo/gradient_checkpointing.py). Losses outside of the model's
 * function are not within the hooks.
 */
static gboolean
resolve_offload (HrTrainingPlan  *plan,
                 GError         **error)
{
  HrActivationOffload offload = hr_training_job_get_activation_offload (plan->job);
  HrCheckpointing *checkpointing = &plan->training.checkpointing;
  gboolean is_full = hr_training_job_get_gradient_checkpointing (plan->job) == HR_GRADIENT_CHECKPOINTING_FULL;
  gboolean is_plain = checkpointing->kind == HR_CHECKPOINTING_NONE ||
                      (is_full && checkpointing->kind == HR_CHECKPOINTING_FULL);

  if (offload == HR_ACTIVATION_OFFLOAD_NONE)
    return TRUE;
  if (has_own_loss (plan))
    return refuse_setting (plan, "activation-offload", "none", error);
  if (plan->pass.inference.encoder != NULL || plan->pass.inference.towers != NULL ||
      (offload == HR_ACTIVATION_OFFLOAD_LAYER_INPUTS ? !is_full : !is_plain))
    return refuse_offload (plan, error);

  plan->training.offloads_inputs = is_full;
  if (offload == HR_ACTIVATION_OFFLOAD_LAYER_INPUTS)
    checkpointing->kind = HR_CHECKPOINTING_REENTRANT;
  else
    plan->training.offloads = TRUE;

  return TRUE;
}

/* Norms, attention and feed-forward layers alone: what is compiled of others is not known. */
static gboolean
has_plain_layers (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];
      const HrAttention *attention = hr_layer_class_get_attention (klass);

      if (attention == NULL || attention->path != HR_ATTENTION_INTERFACE)
        return FALSE;

      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          for (guint k = 0; k < klass->sublayers[j].n_branches; k++)
            {
              const HrChain *chain = &klass->sublayers[j].branches[k];

              for (guint n = 0; n < chain->n_blocks; n++)
                {
                  HrBlockKind kind = chain->blocks[n].kind;

                  if (kind != HR_BLOCK_NORM && kind != HR_BLOCK_ATTENTION && kind != HR_BLOCK_MLP)
                    return FALSE;
                }
            }
        }
    }

  return TRUE;
}

static gboolean
refuse_compile (GError **error)
{
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("torch-compile: expected false, as what is compiled is known for decoders of attention and "
                           "feed-forward layers alone, by sdpa or eager, with the loss of transformers and without "
                           "packing, quantization, other kernels, activation offload or selective checkpointing; "
                           "found true"));

  return FALSE;
}

/* What is compiled as one graph, forwards and back. */
static gboolean
resolve_compile (HrTrainingPlan  *plan,
                 GError         **error)
{
  const HrInference *pass = &plan->pass.inference;
  HrCheckpointingKind kind = plan->training.checkpointing.kind;
  gboolean is_known;

  if (!hr_training_job_get_torch_compile (plan->job))
    return TRUE;

  is_known = !has_own_loss (plan) && plan->training.liger == NULL && !plan->training.offloads &&
             !plan->training.offloads_inputs && pass->examples == 0 &&
             plan->training.loss_implementation == HR_LOSS_IMPLEMENTATION_CROSS_ENTROPY &&
             hr_training_job_get_logits_upcast (plan->job) == HR_LOGITS_UPCAST_LOSS &&
             plan->pass.quantization == HR_QUANTIZATION_NONE && hr_tuning_get_n_virtual (plan->tuning) == 0 &&
             pass->stack->role == HR_STACK_DECODER && pass->encoder == NULL && pass->towers == NULL &&
             !hr_pass_makes_scores (pass) && pass->attention != HR_ATTENTION_IMPLEMENTATION_FLASH &&
             pass->attention != HR_ATTENTION_IMPLEMENTATION_SDPA_MATH && has_plain_layers (pass->stack) &&
             (kind == HR_CHECKPOINTING_NONE || kind == HR_CHECKPOINTING_FULL);
  if (!is_known)
    return refuse_compile (error);

  plan->training.compiles = TRUE;
  hr_inference_plan_warn (&plan->pass,
                          N_("torch.compile: what is kept for the backward pass is what its partitioner keeps of one "
                             "graph; what its kernels hold for a while is counted as if they ran one by one, and the "
                             "first steps, in which it tries kernels, are not counted"));

  return TRUE;
}

/* Megatron-LM's own loss, in another way. */
static gboolean
resolve_megatron (HrTrainingPlan  *plan,
                  GError         **error)
{
  plan->training.loss_implementation = hr_training_job_get_loss_implementation (plan->job);

  return resolve_offload (plan, error) && resolve_compile (plan, error);
}

/* What “auto” stands for. */
static HrLossImplementation
choose_loss (const HrTrainingPlan *plan,
             const HrLiger        *liger)
{
  HrLossImplementation loss = hr_training_job_get_loss_implementation (plan->job);

  if (loss != HR_LOSS_IMPLEMENTATION_AUTO)
    return loss;

  return plan->training.liger != NULL ? liger->loss : HR_LOSS_IMPLEMENTATION_CROSS_ENTROPY;
}

/* The trainers of transformers and TRL patch the model that they are given. */
static const HrLiger *
choose_kernels (HrTrainingPlan *plan,
                const HrLiger  *liger)
{
  HrTrainingFramework framework = hr_training_job_get_framework (plan->job);

  return framework == HR_TRAINING_FRAMEWORK_TRANSFORMERS || framework == HR_TRAINING_FRAMEWORK_TRL
           ? hr_liger_get_of_instance (liger)
           : liger;
}

/*
 * hr_training_savers_resolve:
 * @plan: a plan, whose parameters and algorithm are known
 * @error: return location for an error
 *
 * Resolves whose kernels run and what computes the loss.
 *
 * Returns: whether it is known what these do
 */
gboolean
hr_training_savers_resolve (HrTrainingPlan  *plan,
                            GError         **error)
{
  const HrLiger *liger = hr_liger_find (hr_model_get_model_type (plan->pass.model));
  gboolean has_kernels = hr_training_job_get_fused_kernels (plan->job) == HR_FUSED_KERNELS_LIGER;
  HrLossImplementation loss = hr_training_job_get_loss_implementation (plan->job);

  if (plan->training.layer_code == HR_LAYER_CODE_UNSLOTH)
    return hr_training_unsloth_resolve (plan, error);
  if (loss == HR_LOSS_IMPLEMENTATION_UNSLOTH_FUSED)
    return refuse_unsloth (plan, error);
  if (loss == HR_LOSS_IMPLEMENTATION_MEGATRON_FUSED &&
      hr_training_job_get_framework (plan->job) != HR_TRAINING_FRAMEWORK_MEGATRON_LM)
    return refuse_megatron (plan, error);
  if (has_kernels && has_own_loss (plan))
    return refuse_setting (plan, "fused-kernels", "none", error);
  if (loss == HR_LOSS_IMPLEMENTATION_LIGER_GRPO)
    {
      plan->training.loss_implementation = loss;
      hr_inference_plan_warn (&plan->pass,
                              N_("use_liger_kernel of GRPOTrainer puts Liger-Kernel’s functions into the layers as "
                                 "well: they are counted as transformers has them"));
      return resolve_offload (plan, error) && check_liger_policy (plan, error);
    }
  if (loss == HR_LOSS_IMPLEMENTATION_MEGATRON_FUSED)
    return resolve_megatron (plan, error);
  if (loss > HR_LOSS_IMPLEMENTATION_CROSS_ENTROPY && has_own_loss (plan))
    return refuse_setting (plan, "loss-implementation", "auto", error);
  if (has_kernels && (liger == NULL || !liger->has_kernels))
    return refuse_model (plan, "fused-kernels", TRUE, error);
  if (is_liger (loss) && liger == NULL)
    return refuse_model (plan, "loss-implementation", FALSE, error);

  plan->training.liger = has_kernels ? choose_kernels (plan, liger) : NULL;
  plan->training.loss_implementation = choose_loss (plan, liger);

  return resolve_offload (plan, error) && check_fused (plan, liger, error) && resolve_compile (plan, error);
}
