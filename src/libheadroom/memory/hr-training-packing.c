/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-packing.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-pass.h"

/*
 * Examples without padding, as SFTTrainer of trl/trainer/sft_trainer.py (TRL 1.10) and DataCollatorWithFlattening of
 * transformers/data/data_collator.py make batches of them.
 */

/*
 * hr_training_pack:
 * @pass: what is replayed
 * @n_tokens: tokens of the row
 * @n_examples: examples in it
 *
 * Has the model read one row of several examples, with the position of each token in its example, and no mask.
 */
void
hr_training_pack (HrInference *pass,
                  guint64      n_tokens,
                  guint64      n_examples)
{
  pass->batch = 1;
  pass->prompt = n_tokens;
  pass->examples = n_examples;
  pass->mask = HR_ATTENTION_MASK_NONE;
}

/* Layers in which tokens meet by an attention that is told where examples begin, or by no other block. */
static gboolean
knows_examples (const HrLayerClass *klass)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);

  return attention != NULL && attention->path == HR_ATTENTION_INTERFACE && attention->position != HR_POSITION_ALIBI;
}

/*
 * hr_training_packing_check_model:
 * @plan: a plan, whose forward pass is known
 * @error: return location for an error
 *
 * Checks that it is known what a model does with several examples in a row.
 *
 * Returns: whether it is
 */
gboolean
hr_training_packing_check_model (const HrTrainingPlan  *plan,
                                 GError               **error)
{
  const HrInference *pass = &plan->pass.inference;
  const HrBlock *position = hr_chain_find_block (&pass->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);
  gboolean is_known = pass->stack->role == HR_STACK_DECODER && pass->encoder == NULL && pass->towers == NULL &&
                      (position == NULL || !position->position_embedding.per_sequence);

  for (guint i = 0; i < pass->stack->n_layer_classes; i++)
    is_known &= knows_examples (&pass->stack->layer_classes[i]);

  if (is_known)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("packing: expected none or wrapped, as what layers other than of attention, encoders and "
                           "towers do with several examples in a row is not known; found “%s”"),
                        hr_model_get_name (plan->pass.model));

  return FALSE;
}

static gboolean
check_length (const HrTrainingPlan  *plan,
              guint64                length,
              GError               **error)
{
  guint64 sequence = hr_training_job_get_sequence_length (plan->job);
  g_autofree char *expected = NULL, *found = NULL;

  if (length <= sequence)
    return TRUE;

  expected = g_strdup_printf ("%" G_GUINT64_FORMAT, sequence);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, length);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        /* Translators: both places are numbers of tokens. */
                        N_("example-length: expected at most the sequence length, %s, to which longer examples are "
                           "cut; found %s"), expected, found);

  return FALSE;
}

static gboolean
refuse (const HrTrainingPlan  *plan,
        GError               **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "packing");

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("packing: expected none, as training on answers, virtual tokens, images, and the layers of "
                           "Megatron-LM and torchtitan have rows of their own; found %s"), found);

  return FALSE;
}

/* What makes rows by itself, or puts something into them. */
static gboolean
has_own_rows (const HrTrainingPlan *plan)
{
  HrTrainingFramework framework = hr_training_job_get_framework (plan->job);

  return plan->training.algorithm != HR_ALGORITHM_SFT || plan->pass.media != NULL ||
         hr_tuning_get_n_virtual (plan->tuning) > 0 || framework == HR_TRAINING_FRAMEWORK_MEGATRON_LM ||
         framework == HR_TRAINING_FRAMEWORK_TORCHTITAN;
}

/*
 * hr_training_packing_resolve:
 * @plan: a plan, of which it is known what is read and what is trained
 * @error: return location for an error
 *
 * Resolves what the rows of a batch are: a batch of packed rows is one row as well (padding_free of SFTTrainer), while
 * rows that were cut off a stream come with a mask of ones, and tokens of one example see those of the one before.
 *
 * Returns: whether it is known
 */
gboolean
hr_training_packing_resolve (HrTrainingPlan  *plan,
                             GError         **error)
{
  HrExamplePacking packing = hr_training_job_get_packing (plan->job);
  HrInference *pass = &plan->pass.inference;
  guint64 length = hr_training_job_get_example_length (plan->job);
  guint64 batch = pass->batch;

  if (packing == HR_EXAMPLE_PACKING_NONE)
    return TRUE;
  if (has_own_rows (plan))
    return refuse (plan, error);
  if (packing == HR_EXAMPLE_PACKING_WRAPPED)
    {
      pass->mask = HR_ATTENTION_MASK_ONES;
      return TRUE;
    }
  if (!hr_training_packing_check_model (plan, error) || !check_length (plan, length, error))
    return FALSE;

  if (length == 0)
    length = pass->prompt;
  if (packing == HR_EXAMPLE_PACKING_PADDING_FREE)
    hr_training_pack (pass, batch * length, batch);
  else
    hr_training_pack (pass, batch * pass->prompt, (batch * pass->prompt + length - 1) / length);

  return TRUE;
}

/* How much of padded rows would be padding. */
static void
warn_of_padding (HrTrainingPlan *plan,
                 guint64         padded)
{
  const HrInference *pass = &plan->pass.inference;
  g_autofree char *examples = g_strdup_printf ("%" G_GUINT64_FORMAT, pass->examples);
  g_autofree char *tokens = g_strdup_printf ("%" G_GUINT64_FORMAT, pass->prompt);
  g_autofree char *rows = g_strdup_printf ("%" G_GUINT64_FORMAT, padded);
  g_autofree char *share = NULL;

  if (padded <= pass->prompt)
    return;

  share = g_strdup_printf ("%.0f %%", 100.0 * (padded - pass->prompt) / padded);
  hr_inference_plan_warn (&plan->pass,
                          /* Translators: the places are numbers of examples and of tokens twice, and a percentage. */
                          N_("%s examples are read as one row of %s tokens; padded to the sequence length they would "
                             "be %s, of which %s padding"), examples, tokens, rows, share);
}

/*
 * hr_training_packing_warn:
 * @plan: a plan
 *
 * Says what packing does that is not seen from its name.
 */
void
hr_training_packing_warn (HrTrainingPlan *plan)
{
  const HrInference *pass = &plan->pass.inference;
  guint64 sequence = hr_training_job_get_sequence_length (plan->job);

  if (pass->examples == 0)
    return;

  if (pass->attention != HR_ATTENTION_IMPLEMENTATION_FLASH)
    {
      g_autofree char *tokens = g_strdup_printf ("%" G_GUINT64_FORMAT, pass->prompt);

      hr_inference_plan_warn (&plan->pass,
                              /* Translators: the places are a number of tokens, twice. */
                              N_("Without the flash-attn package the attention sees where examples begin from a mask "
                                 "of %s × %s tokens alone, which grows with the square of the batch"), tokens, tokens);
    }
  warn_of_padding (plan, pass->examples * sequence);
}
