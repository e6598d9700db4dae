/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-ulysses.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-training-check.h"

/*
 * Sequences that ranks of DeepSpeed share (deepspeed/runtime/sequence_parallel/ulysses_sp.py, git edaa7221), as
 * accelerate sets it up (Accelerator._prepare_deepspeed, ParallelismConfig.sp_size): what is refused here is refused by
 * UlyssesSPAttentionHF.register_with_transformers, or not replayed.
 */

/* Flash kernels have no wider ones, and that of the package pads others than multiples of 8. */
#define MAX_HEAD_DIM 256
#define HEAD_MULTIPLE 8

/* Each rank has all that ranks exchange in its books. */
#define MAX_RANKS 64

static gboolean
is_used (const HrTrainingPlan *plan)
{
  return plan->layout.context > 1 && plan->training.layer_code == HR_LAYER_CODE_TRANSFORMERS;
}

/* Whether a layer computes its attention by the function that is stood before, and lets tokens meet nowhere else. */
static gboolean
is_layer_known (const HrLayerClass *klass)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);

  return attention != NULL && attention->path == HR_ATTENTION_INTERFACE && attention->latent_size == 0 &&
         attention->index_topk == 0 && attention->head_dim <= MAX_HEAD_DIM &&
         attention->head_dim % HEAD_MULTIPLE == 0 && !attention->reuses_cache && !attention->is_cross &&
         !attention->has_sinks;
}

static gboolean
check_model (const HrTrainingPlan  *plan,
             GError               **error)
{
  const HrInference *pass = &plan->pass.inference;
  gboolean is_known = pass->stack->role == HR_STACK_DECODER && pass->encoder == NULL && pass->towers == NULL;

  for (guint i = 0; i < pass->stack->n_layer_classes; i++)
    is_known &= is_layer_known (&pass->stack->layer_classes[i]);
  if (is_known)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("context-parallel: expected 1 for “%s”, as DeepSpeed shares the sequences of decoders alone "
                           "in whose layers tokens meet by attention that a flash kernel computes"),
                        hr_model_get_name (plan->pass.model));

  return FALSE;
}

/* UlyssesSPAttentionHF.__init__ */
static gboolean
check_heads (const HrTrainingPlan  *plan,
             const HrAttention     *attention,
             GError               **error)
{
  guint64 n_ranks = plan->layout.context;
  guint64 n_heads = attention->num_attention_heads;
  guint64 n_key_heads = attention->num_key_value_heads;
  gboolean divides_heads = n_heads % n_ranks == 0;
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (divides_heads && (n_key_heads % n_ranks == 0 || n_ranks % n_key_heads == 0) && n_ranks <= MAX_RANKS)
    return TRUE;

  expected = g_strdup_printf ("%" G_GUINT64_FORMAT,
                              n_ranks > MAX_RANKS ? MAX_RANKS : divides_heads ? n_key_heads : n_heads);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, n_ranks);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        n_ranks > MAX_RANKS ? N_("context-parallel: expected at most %s beside DeepSpeed; found %s")
                        : divides_heads
                          ? N_("context-parallel: expected a divisor or a multiple of %s, the heads of keys and "
                               "values, for which DeepSpeed exchanges tokens; found %s")
                          : N_("context-parallel: expected a divisor of %s, the heads of queries, for which DeepSpeed "
                               "exchanges tokens; found %s"),
                        expected, found);

  return FALSE;
}

static gboolean
check_attention (const HrTrainingPlan  *plan,
                 GError               **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "attention");
  const HrStack *stack = plan->pass.inference.stack;
  HrAttentionImplementation attention = plan->pass.inference.attention;

  if (attention != HR_ATTENTION_IMPLEMENTATION_SDPA && attention != HR_ATTENTION_IMPLEMENTATION_FLASH)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("attention: expected sdpa or flash, as DeepSpeed refuses to divide the tokens of a "
                               "sequence beside eager, and what others take is not known; found %s"), found);
      return FALSE;
    }
  if (hr_element_get_bytes (plan->pass.element) != sizeof (guint16))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("dtype: expected one of 16 bits, in which a flash kernel attends to the tokens that "
                               "ranks share (context-parallel); found %s"),
                            hr_dtype_get_name (plan->pass.dtype));
      return FALSE;
    }

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      if (!check_heads (plan, hr_layer_class_get_attention (&stack->layer_classes[i]), error))
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_training_ulysses_resolve:
 * @plan: a plan, whose forward pass is resolved
 * @error: return location for an error
 *
 * Has the batch of a rank be what UlyssesSPDataLoaderAdapter leaves of it, where ranks share sequences: tokens, labels
 * that are shifted, and the positions of both in the sequence.
 *
 * Returns: whether it is known what they share
 */
gboolean
hr_training_ulysses_resolve (HrTrainingPlan  *plan,
                             GError         **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "autocast", "none" },
    { "algorithm", "sft" },
    { "packing", "none" },
    { "torch-compile", "false" },
    { "loss-implementation", "auto", "cross-entropy", "liger-cross-entropy", "liger-fused-linear-cross-entropy" },
    { "zero-hpz-partition-size", "1" },
    { "zero-quantized-weights", "false" },
    { "zero-quantized-gradients", "false" },
  };
  HrInference *pass = &plan->pass.inference;

  if (!is_used (plan))
    return TRUE;
  if (!check_model (plan, error) || !check_attention (plan, error) ||
      !hr_training_check_values (plan, "Ulysses", values, G_N_ELEMENTS (values), error))
    return FALSE;

  pass->has_positions = pass->collates_positions = TRUE;
  pass->positions = HR_NO_VALUE;
  hr_inference_plan_warn (&plan->pass,
                          N_("Sequences that ranks share are counted from DeepSpeed’s code (Ulysses): the figures are "
                             "those of a rank that has its part of each sequence. Gradients are reduced in fp32, as "
                             "where seq_parallel_communication_data_type is not set"));

  return TRUE;
}
