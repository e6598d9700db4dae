/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-float8.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-model-private.h"
#include "hr-pass.h"

/* Training in fp8 by torchao or Transformer Engine: what it is known for, and which layers compute so. */

/*
 * What products need of the number of tokens, over which gradients of weights are summed: torchao's, and Transformer
 * Engine's (assert_dim_for_fp8_exec of transformer_engine/pytorch/utils.py).
 */
#define MULTIPLE        16
#define ENGINE_MULTIPLE 8

static gboolean
is_known_block (const HrBlock *block)
{
  return block->kind == HR_BLOCK_NORM || block->kind == HR_BLOCK_ATTENTION || block->kind == HR_BLOCK_MLP ||
         block->kind == HR_BLOCK_MIXTURE;
}

/*
 * Whether the code changes what a linear layer has made in place (OLMo's clamp_, `out.add_` of Llama4TextMoe), which
 * autograd refuses: the result of Float8Linear is a view that was made in a function of its own.
 */
static gboolean
is_changed_in_place (const HrBlock *block)
{
  if (block->kind == HR_BLOCK_ATTENTION)
    return block->attention.clip_qkv;

  return block->kind == HR_BLOCK_MIXTURE && block->mixture.path == HR_EXPERTS_DENSE;
}

typedef gboolean (*BlockFunc) (const HrBlock *block);

/* Whether all blocks of the layers are so. */
static gboolean
all_blocks_are (const HrStack *stack,
                BlockFunc      func,
                gboolean       so)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];

      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          for (guint k = 0; k < klass->sublayers[j].n_branches; k++)
            {
              const HrChain *chain = &klass->sublayers[j].branches[k];

              for (guint n = 0; n < chain->n_blocks; n++)
                {
                  if (func (&chain->blocks[n]) != so)
                    return FALSE;
                }
            }
        }
    }

  return TRUE;
}

/* `mlp_output += attention_output` of FalconDecoderLayer, where both run side by side. */
static gboolean
adds_in_place (const HrStack *stack)
{
  const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[0]);

  return attention != NULL && attention->path == HR_ATTENTION_FALCON && stack->layer_classes[0].n_sublayers == 1;
}

/* accelerate prepares a model so (AORecipeKwargs of accelerate/utils/dataclasses.py), for both of these. */
static gboolean
is_by_accelerate (const HrTrainingPlan *plan)
{
  HrTrainingFramework framework = hr_training_job_get_framework (plan->job);

  return framework == HR_TRAINING_FRAMEWORK_TRANSFORMERS || framework == HR_TRAINING_FRAMEWORK_TRL;
}

static gboolean
is_known (const HrTrainingPlan *plan)
{
  const HrInference *pass = &plan->pass.inference;
  HrTrainingFramework framework = hr_training_job_get_framework (plan->job);

  return (framework == HR_TRAINING_FRAMEWORK_PYTORCH || is_by_accelerate (plan)) &&
         plan->training.layer_code == HR_LAYER_CODE_TRANSFORMERS && plan->training.algorithm == HR_ALGORITHM_SFT &&
         pass->encoder == NULL && pass->towers == NULL && all_blocks_are (pass->stack, is_known_block, TRUE);
}

static gboolean
is_by_engine (const HrTrainingPlan *plan)
{
  return hr_training_job_get_fp8_backend (plan->job) == HR_FP8_BACKEND_TRANSFORMER_ENGINE;
}

static gboolean
check_tokens (const HrTrainingPlan  *plan,
              HrFp8Recipe            recipe,
              GError               **error)
{
  guint64 n_tokens = plan->pass.inference.batch * plan->pass.inference.prompt;
  gboolean any = !is_by_engine (plan) && (recipe == HR_FP8_RECIPE_ROWWISE_WITH_GW_HP || is_by_accelerate (plan));
  g_autofree char *multiple = NULL, *found = NULL;
  guint n = is_by_engine (plan) ? ENGINE_MULTIPLE : MULTIPLE;

  if (n_tokens % n == 0 || any)
    return TRUE;

  multiple = g_strdup_printf ("%u", n);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, n_tokens);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are numbers. */
                        N_("sequence-length: expected a number of tokens in the micro-batch that is a multiple of %s, "
                           "as products in fp8 sum over them; found %s tokens"), multiple, found);

  return FALSE;
}

static gboolean
is_layer_norm (const HrBlock *block)
{
  return block->kind == HR_BLOCK_NORM && block->norm.kind == HR_NORM_LAYER;
}

/* convert_model of accelerate/utils/transformer_engine.py leaves the function at the first matrix of another size. */
static gboolean
check_engine (const HrTrainingPlan  *plan,
              HrFp8Recipe            recipe,
              GError               **error)
{
  const HrBlock *head = hr_chain_find_block (plan->pass.inference.head, HR_BLOCK_HEAD);
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "fp8-recipe");

  if (!is_by_engine (plan) && recipe == HR_FP8_RECIPE_DELAYED)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("fp8-backend: expected transformer-engine, as torchao has no delayed scaling; found "
                             "torchao"));
  else if (is_by_engine (plan) && recipe != HR_FP8_RECIPE_DELAYED && recipe != HR_FP8_RECIPE_TENSORWISE)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("fp8-recipe: expected tensorwise or delayed beside fp8-backend transformer-engine; found "
                             "%s"), found);
  else if (is_by_engine (plan) &&
           ((head != NULL && head->head.tied) || !all_blocks_are (plan->pass.stack, is_layer_norm, FALSE)))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("fp8-backend: expected torchao, as what Transformer Engine makes of models with layer "
                             "norms, or with a head that is tied to the embedding, is not known; found "
                             "transformer-engine"));
  else
    return TRUE;

  return FALSE;
}

static void
warn (HrTrainingPlan *plan,
      HrFp8Recipe     recipe)
{
  g_autofree char *n_converted = g_strdup_printf ("%" G_GUINT64_FORMAT, hr_float8_get_n_converted (plan->float8));
  g_autofree char *n_all = g_strdup_printf ("%" G_GUINT64_FORMAT, hr_float8_get_n_converted (plan->float8) +
                                                                  hr_float8_get_n_others (plan->float8));

  if (is_by_engine (plan))
    hr_inference_plan_warn (&plan->pass,
                            /* Translators: the places are numbers. */
                            N_("fp8: %s of %s linear layers are Transformer Engine’s, which keep inputs and weights in "
                               "fp8, each weight twice, as GPUs before Blackwell need it; this follows its code, and "
                               "was not measured"), n_converted, n_all);
  else
    hr_inference_plan_warn (&plan->pass,
                            /* Translators: the places are numbers. */
                            N_("fp8: %s of %s linear layers multiply in fp8, as torchao runs them without "
                               "torch.compile: inputs and weights are kept as they are, and cast through fp32 whenever "
                               "they are multiplied"), n_converted, n_all);
  if (is_by_accelerate (plan) && plan->autocast == HR_ELEMENT_NONE)
    hr_inference_plan_warn (&plan->pass,
                            N_("accelerate runs a model that trains in fp8 under autocast in bfloat16, and casts its "
                               "outputs to fp32 (autocast bfloat16, fp32-outputs true)"));
}

/* Whether what becomes of the layers is known, as the other settings are. */
static gboolean
check_settings (const HrTrainingPlan  *plan,
                GError               **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "fp8-recipe");

  if (!is_known (plan))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("fp8-recipe: expected none, as fp8 is known for models of text with one stack of "
                             "attention and feed-forward layers, trained on labels by a plain loop, transformers or "
                             "TRL; found %s"), found);
  else if (adds_in_place (plan->pass.stack) || !all_blocks_are (plan->pass.stack, is_changed_in_place, FALSE))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("fp8-recipe: expected none, as the layers of this model change in place what their linear "
                             "layers have made, which autograd refuses of those in fp8; found %s"), found);
  else if (plan->tuning != NULL || plan->pass.quantization != HR_QUANTIZATION_NONE)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("fp8-recipe: expected none, as what fp8 makes of layers that are quantized, frozen or "
                             "have adapters is not known; found %s"), found);
  else if (plan->training.compiles)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("fp8-recipe: expected none, as what torch.compile keeps of layers in fp8 is not known; "
                             "found %s"), found);
  else
    return TRUE;

  return FALSE;
}

/*
 * hr_training_float8_resolve:
 * @plan: a plan, whose parameters, algorithm and savers of memory are known
 * @error: return location for an error
 *
 * Resolves which linear layers compute in fp8, and how.
 *
 * Returns: whether that is known
 */
gboolean
hr_training_float8_resolve (HrTrainingPlan  *plan,
                            GError         **error)
{
  HrFp8Recipe recipe = hr_training_job_get_fp8_recipe (plan->job);

  if (recipe == HR_FP8_RECIPE_NONE)
    return TRUE;

  if (!check_settings (plan, error) || !check_engine (plan, recipe, error) || !check_tokens (plan, recipe, error))
    return FALSE;

  plan->float8 = is_by_engine (plan)
                   ? hr_float8_new_for_engine (plan->pass.model, recipe)
                   : hr_float8_new (plan->pass.model, recipe, is_by_accelerate (plan), is_by_accelerate (plan));
  if (hr_float8_get_n_converted (plan->float8) == 0)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a model. */
                            N_("fp8-recipe: expected none, as “%s” has no linear layer whose sizes are multiples of "
                               "16"),
                            hr_model_get_name (plan->pass.model));
      return FALSE;
    }

  plan->training.float8 = plan->float8;
  plan->training.buffer_bytes += hr_float8_get_state_bytes (plan->float8);
  warn (plan, recipe);

  return TRUE;
}
