/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-zero.h"

#include "hr-estimate-private.h"
#include "hr-fine-tuning-job.h"
#include "hr-grpo-job.h"
#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-training-check.h"
#include "hr-tuning.h"

/*
 * DeepSpeed's ZeRO of stages 1 and 2 (git edaa7221): each rank has all parameters in 16 bits, and of the copy in
 * fp32 that the optimizer steps, its states and the gradients that are kept an equal part
 * (deepspeed/runtime/zero/stage_1_and_2.py).
 */

/*
 * PeftModelForCausalLM and LoraModel around the model, whose function is called without its own hooks
 * (BaseTuner.forward of peft/tuners/tuners_utils.py): one module more than without PEFT.
 */
#define N_PEFT_MODULES 1

#define SOURCE_PARTS \
  "deepspeed/runtime/zero/stage3.py: _create_fp16_partitions_with_defragmentation: a rank holds an equal part of " \
  "each parameter; small ones are there whole as well (persistent_parameters)"

/* Whose trainers hand a job on to DeepSpeed. */
static gboolean
hands_on (HrTrainingJob *job)
{
  HrTrainingFramework framework = hr_training_job_get_framework (job);

  return framework == HR_TRAINING_FRAMEWORK_TRANSFORMERS || framework == HR_TRAINING_FRAMEWORK_TRL;
}

/*
 * hr_training_zero_is_used:
 * @plan: a plan, of which the job and its layout are known
 *
 * Returns: whether ranks share by ZeRO
 */
gboolean
hr_training_zero_is_used (const HrTrainingPlan *plan)
{
  HrTrainingFramework framework = hr_training_job_get_framework (plan->job);

  return plan->layout.zero_stage > 0 && (framework == HR_TRAINING_FRAMEWORK_DEEPSPEED ||
                                         framework == HR_TRAINING_FRAMEWORK_OPENRLHF || hands_on (plan->job));
}

/*
 * hr_training_zero_casts_inputs:
 * @plan: a plan, of which the job and its layout are known
 *
 * Trainer._prepare_input of transformers/trainer.py casts pixels and spectrograms to what DeepSpeed computes in.
 *
 * Returns: whether they come to the device in that
 */
gboolean
hr_training_zero_casts_inputs (const HrTrainingPlan *plan)
{
  return hr_training_zero_is_used (plan) && hands_on (plan->job);
}

static gboolean
refuse_beside_fsdp (HrTrainingJob  *job,
                    GError        **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (job), "zero-stage");

  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("zero-stage: expected 0 beside fsdp, as parameters are divided by one or the other; found "
                           "%s"), found);

  return FALSE;
}

static gboolean
refuse_precision (HrDtype   dtype,
                  GError  **error)
{
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("dtype: expected bfloat16, float16 or float32, as what ZeRO does in other data types is not "
                           "known; found %s"), hr_dtype_get_name (dtype));

  return FALSE;
}

/* What the model is loaded in: transformers takes what the checkpoint is stored in where nothing is said. */
static HrDtype
get_loaded_dtype (HrTrainingJob *job,
                  HrModel       *model)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (HR_JOB (job), model);

  return hr_job_get_dtype (resolved);
}

/*
 * What DeepSpeed trains in: what accelerate hands on to it, bf16 or fp16, or else what the parameters are in
 * (Accelerator._prepare_deepspeed of accelerate/accelerator.py).
 */
static HrDtype
get_trained_dtype (HrTrainingJob *job,
                   HrModel       *model)
{
  switch (hr_training_job_get_autocast (job))
    {
    case HR_AUTOCAST_BFLOAT16:
      return HR_DTYPE_BFLOAT16;

    case HR_AUTOCAST_FLOAT16:
      return HR_DTYPE_FLOAT16;

    case HR_AUTOCAST_NONE:
    default:
      return get_loaded_dtype (job, model);
    }
}

static gboolean
is_trained_in (HrDtype dtype)
{
  return dtype == HR_DTYPE_BFLOAT16 || dtype == HR_DTYPE_FLOAT16 || dtype == HR_DTYPE_FLOAT32;
}

/*
 * Parameters in fp32 have a copy as well (single_partition_of_fp32_groups of stage_1_and_2.py; _create_fp32_partitions
 * of stage3.py would do without it where the device of one is equal to the other's, but one is a device and the other
 * its name).
 */
static void
copy_wide (HrTrainingJob *job,
           HrModel       *model)
{
  if (hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_DEEPSPEED &&
      hr_job_get_pipeline_parallel (HR_JOB (job)) == 1 &&
      hr_training_job_get_precision_recipe (job) == HR_PRECISION_RECIPE_CUSTOM &&
      hr_training_job_get_autocast (job) == HR_AUTOCAST_NONE && get_loaded_dtype (job, model) == HR_DTYPE_FLOAT32)
    g_object_set (job, "master-dtype", HR_MASTER_DTYPE_FLOAT32, NULL);
}

/*
 * hr_training_zero_prepare:
 * @job: a job, of which a plan is made
 * @model: its model
 * @error: return location for an error
 *
 * accelerate hands bf16 or fp16 on to DeepSpeed, which casts parameters to that, keeps a copy in fp32 and needs no
 * autocast (Accelerator._prepare_deepspeed of accelerate/accelerator.py, DeepSpeedEngine._configure_distributed_model).
 *
 * Returns: whether the job can be followed
 */
gboolean
hr_training_zero_prepare (HrTrainingJob  *job,
                          HrModel        *model,
                          GError        **error)
{
  HrDtype dtype;

  if (hr_training_job_get_zero_stage (job) == 0 ||
      hr_job_get_method_of_estimate (HR_JOB (job)) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    return TRUE;
  if (!hands_on (job))
    {
      copy_wide (job, model);
      return TRUE;
    }
  if (hr_training_job_get_fsdp (job) != HR_FSDP_NONE)
    return refuse_beside_fsdp (job, error);

  dtype = get_trained_dtype (job, model);
  if (!is_trained_in (dtype))
    return refuse_precision (dtype, error);

  g_object_set (job, "dtype", dtype, "autocast", HR_AUTOCAST_NONE, "master-dtype", HR_MASTER_DTYPE_FLOAT32, NULL);

  return TRUE;
}

/*
 * hr_training_zero_casts_module:
 * @job: a job
 *
 * DeepSpeed casts every parameter that is a number with a point to what it trains in, whatever it was made in, beside
 * quantized ones as well (DeepSpeedEngine._cast_module_mixed_precision of deepspeed/runtime/engine.py), for a trainer
 * that hands a job on too: but not of a model that this has loaded in parts (zero.Init), as the third stage has it do.
 *
 * Returns: whether it does
 */
gboolean
hr_training_zero_casts_module (HrTrainingJob *job)
{
  return hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_DEEPSPEED ||
         (hr_training_job_get_zero_stage (job) > 0 && hr_training_job_get_zero_stage (job) < 3 && hands_on (job));
}

/*
 * hr_training_zero_divides_parameters:
 * @plan: a plan, of which the job and its layout are known
 *
 * Returns: whether ranks share parameters by ZeRO’s third stage
 */
gboolean
hr_training_zero_divides_parameters (const HrTrainingPlan *plan)
{
  return hr_training_zero_is_used (plan) && plan->layout.zero_stage == 3;
}

/* Those that share a sequence share what ZeRO divides as well (_get_sequence_data_parallel_group of groups.py). */
static guint64
count_ranks (const HrTrainingPlan *plan)
{
  return hr_layout_count_sharers (&plan->layout);
}

/* _create_zero_param_parallel_group of deepspeed/utils/groups.py */
static gboolean
check_secondary (const HrTrainingPlan  *plan,
                 GError               **error)
{
  guint64 size = hr_training_job_get_zero_hpz_partition_size (plan->job);
  g_autofree char *ranks = NULL;
  g_autofree char *found = NULL;

  if (count_ranks (plan) % MIN (size, count_ranks (plan)) == 0)
    return TRUE;

  ranks = g_strdup_printf ("%" G_GUINT64_FORMAT, count_ranks (plan));
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, size);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("zero-hpz-partition-size: expected a divisor of %s, the ranks of data parallelism; found "
                           "%s"), ranks, found);

  return FALSE;
}

static guint64
get_part (const HrTrainingPlan *plan,
          guint64               n_elements)
{
  return (n_elements + count_ranks (plan) - 1) / count_ranks (plan);
}

/* _get_local_all_to_all_group of deepspeed/utils/groups.py */
static gboolean
check_nodes (const HrTrainingPlan  *plan,
             GError               **error)
{
  guint64 n_local = hr_training_job_get_gpus_per_node (plan->job);
  g_autofree char *ranks = NULL;
  g_autofree char *found = NULL;

  if (!hr_training_job_get_zero_quantized_gradients (plan->job) || count_ranks (plan) <= n_local ||
      count_ranks (plan) % n_local == 0)
    return TRUE;

  ranks = g_strdup_printf ("%" G_GUINT64_FORMAT, count_ranks (plan));
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, n_local);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("gpus-per-node: expected a divisor of %s, the ranks of data parallelism, beside "
                           "zero-quantized-gradients; found %s"), ranks, found);

  return FALSE;
}

/* CUDAQuantizer has eights of numbers alone. */
static gboolean
check_eights (const HrTrainingPlan  *plan,
              GError               **error)
{
  guint64 least = hr_training_job_get_stage3_param_persistence_threshold (plan->job);

  if (!hr_training_job_get_zero_quantized_weights (plan->job) || count_ranks (plan) == 1)
    return TRUE;

  for (guint i = 0; i < hr_trainables_get_n_items (plan->reached); i++)
    {
      guint64 n = hr_trainables_get_item (plan->reached, i)->n_elements;
      g_autofree char *found = NULL;

      if (n <= least || get_part (plan, n) % 8 == 0)
        continue;

      found = g_strdup_printf ("%" G_GUINT64_FORMAT, get_part (plan, n));
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("zero-quantized-weights: expected parameters of which each rank has a multiple of 8, "
                               "for which DeepSpeed’s kernel is; found %s"), found);
      return FALSE;
    }

  return TRUE;
}

/* The algorithms whose trainers of TRL are followed where DeepSpeed divides what they hold. */
static const char * const trl_algorithms[HR_TRAINING_MAX_VALUES] = {
  "algorithm", "sft", "dpo", "ipo", "kto", "orpo", "simpo", "reward", "grpo", "dr-grpo", "dapo", "gspo", "rloo",
};

static gboolean
is_of_answers (const HrTrainingPlan *plan)
{
  return HR_IS_GRPO_JOB (plan->job) && hr_grpo_job_get_algorithm (HR_GRPO_JOB (plan->job)) != HR_ALGORITHM_SFT;
}

/* TRL alone has trainers for answers, and what of ZeRO++ comes between their passes is not known. */
static gboolean
check_algorithm (const HrTrainingPlan  *plan,
                 GError               **error)
{
  static const char * const frameworks[][HR_TRAINING_MAX_VALUES] = { { "framework", "trl" } };
  static const char * const plain[][HR_TRAINING_MAX_VALUES] = {
    { "zero-hpz-partition-size", "1" },
    { "zero-quantized-weights", "false" },
    { "zero-quantized-gradients", "false" },
    { "fused-kernels", "none" },
    { "loss-implementation", "auto", "cross-entropy" },
  };

  if (!is_of_answers (plan))
    return TRUE;

  return hr_training_check_values (plan, "ZeRO", &trl_algorithms, 1, error) &&
         hr_training_check_values (plan, "ZeRO with answers", frameworks, G_N_ELEMENTS (frameworks), error) &&
         (plan->layout.zero_stage < 3 ||
          hr_training_check_values (plan, "ZeRO-3 with answers", plain, G_N_ELEMENTS (plain), error));
}

static gboolean
trains_added (const HrTrainingPlan *plan)
{
  return HR_IS_FINE_TUNING_JOB (plan->job) &&
         hr_fine_tuning_job_get_fine_tuning_method (HR_FINE_TUNING_JOB (plan->job)) != HR_FINE_TUNING_METHOD_FULL;
}

/*
 * DeepSpeed divides matrices of four bits when they have been loaded whole (get_init_context of transformers makes no
 * zero.Init for a quantized model), and their scales not at all; what a product of bitsandbytes keeps for its
 * derivative is a view of what was gathered (MatMul4Bit), which only a reentrant checkpoint lets go of.
 */
static gboolean
check_packed (const HrTrainingPlan  *plan,
              GError               **error)
{
  HrQuantization quantization = hr_job_get_quantization (HR_JOB (plan->job));
  gboolean is_qlora = HR_IS_FINE_TUNING_JOB (plan->job) &&
                      hr_fine_tuning_job_get_fine_tuning_method (HR_FINE_TUNING_JOB (plan->job)) ==
                        HR_FINE_TUNING_METHOD_QLORA;
  g_autofree char *found = NULL;

  if (!is_qlora && quantization <= HR_QUANTIZATION_NONE)
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (plan->job), is_qlora ? "fine-tuning-method" : "quantization");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is a method of fine-tuning or a format of quantization. */
                        N_("zero-stage: expected 1 or 2 beside %s, or fsdp, as how long ZeRO-3 keeps gathered what "
                           "views of quantized matrices hold is not known (transformers loads such a model whole on "
                           "each rank, and DeepSpeed divides it then); found 3"), found);

  return FALSE;
}

/* What modules are gathered for is known of one stack of layers, which is trained whole, or beside matrices of LoRA. */
static gboolean
check_third_stage (const HrTrainingPlan  *plan,
                   GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "fine-tuning-method", "full", "lora", "rslora" },
    { "reentrant-checkpointing", "false" },
  };

  return plan->layout.zero_stage < 3 ||
         ((!trains_added (plan) || check_packed (plan, error)) &&
          hr_training_check_values (plan, "ZeRO-3", values, G_N_ELEMENTS (values), error) &&
          check_secondary (plan, error) && check_nodes (plan, error));
}

/*
 * hr_training_zero_is_bf16_optimizer:
 * @plan: a plan, of which the job, its layout and the data type of the model are known
 *
 * DeepSpeedEngine._do_optimizer_sanity_check of deepspeed/runtime/engine.py: beside a pipeline BF16_Optimizer steps
 * parameters in bfloat16 without ZeRO, and with its first stage where gradients are summed up in fp32.
 *
 * Returns: whether it does
 */
gboolean
hr_training_zero_is_bf16_optimizer (const HrTrainingPlan *plan)
{
  gboolean sums_up = hr_training_job_get_gradient_dtype (plan->job) == HR_GRADIENT_DTYPE_BOTH;

  return plan->layout.is_deepspeed && plan->pass.element == HR_ELEMENT_BFLOAT16 &&
         hr_training_job_get_master_dtype (plan->job) != HR_MASTER_DTYPE_NONE &&
         (plan->layout.zero_stage == 0 || sums_up);
}

/* What DeepSpeed itself refuses of gradients in fp32 beside a pipeline is told by _do_optimizer_sanity_check. */
static gboolean
check_pipeline (const HrTrainingPlan  *plan,
                GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "precision-recipe", "custom", "mixed-16", "mixed-20" },
    { "optimizer", "adamw", "adam", "sgd", "sgd-momentum", "lion" },
  };
  static const char * const gradients[][HR_TRAINING_MAX_VALUES] = {
    { "gradient-dtype", "same" },
    { "precision-recipe", "custom", "mixed-16" },
  };
  static const char * const shared[][HR_TRAINING_MAX_VALUES] = {
    { "contiguous-gradients", "true" },
  };

  return hr_training_check_values (plan, "DeepSpeed’s PipelineEngine", values, G_N_ELEMENTS (values), error) &&
         (plan->layout.zero_stage > 0
            ? hr_training_check_values (plan, "DeepSpeed’s PipelineEngine", shared, G_N_ELEMENTS (shared), error)
            : hr_training_check_values (plan, "DeepSpeed’s PipelineEngine without ZeRO", gradients,
                                        G_N_ELEMENTS (gradients), error));
}

/*
 * hr_training_zero_check:
 * @plan: a plan, of which the job and its layout are known
 * @error: return location for an error
 *
 * Checks whether a job that DeepSpeed is to divide so can be followed.
 *
 * Returns: whether it can
 */
gboolean
hr_training_zero_check (const HrTrainingPlan  *plan,
                        GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "precision-recipe", "custom", "mixed-16" },
    { "gradient-dtype", "same" },
    { "autocast", "none" },
    { "fp8-recipe", "none" },
    { "torch-compile", "false" },
    { "zero-grad", "after-step" },
    { "optimizer", "adamw", "adam", "sgd", "sgd-momentum", "lion" },
  };

  if (plan->layout.is_deepspeed)
    return check_pipeline (plan, error);
  if (!hr_training_zero_is_used (plan))
    return TRUE;

  if (plan->layout.zero_stage == 1 && hr_training_job_get_overlap_comm (plan->job) &&
      hr_training_job_get_gradient_accumulation_steps (plan->job) > 1)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("overlap-comm: expected false, as it is known for zero-stage 1 with one micro-batch "
                               "alone; found true"));
      return FALSE;
    }

  if (plan->layout.zero_stage < 3 && hr_training_job_get_optimizer_offload (plan->job) != HR_OFFLOAD_NONE)
    {
      g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "optimizer-offload");

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("optimizer-offload: expected none, as it is known for zero-stage 3 alone; found %s"),
                            found);
      return FALSE;
    }

  if (plan->layout.zero_stage < 3 && !hr_training_job_get_contiguous_gradients (plan->job))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("contiguous-gradients: expected true, as it is known for zero-stage 3 alone; found "
                               "false"));
      return FALSE;
    }

  /* What OpenRLHF trains on, and how, is checked by itself (hr-training-openrlhf). */
  if (hr_training_job_get_framework (plan->job) == HR_TRAINING_FRAMEWORK_OPENRLHF)
    return TRUE;

  return check_algorithm (plan, error) &&
         hr_training_check_values (plan, "ZeRO", values, G_N_ELEMENTS (values), error) &&
         check_third_stage (plan, error);
}

static guint64
count_largest (const HrTrainables *parameters)
{
  guint64 n_largest = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    n_largest = MAX (n_largest, hr_trainables_get_item (parameters, i)->n_elements);

  return n_largest;
}

static void
add_group (HrTrainables *groups,
           guint64       n_elements)
{
  HrTrainable flat = {
    .n_dimensions = 1, .copies = 1, .element = HR_ELEMENT_FLOAT32, .role = HR_TENSOR_ROLE_LINEAR,
    .n_elements = n_elements, .shape = { n_elements },
  };

  hr_trainables_add (groups, &flat);
}

/* How many parameters in a row are in as many layers. */
static guint
count_alike (const HrTrainables *parameters,
             guint               first)
{
  guint n = hr_trainables_get_n_items (parameters);
  guint end = first + 1;

  while (end < n && hr_trainables_get_item (parameters, end)->copies ==
                      hr_trainables_get_item (parameters, first)->copies)
    end++;

  return end - first;
}

/*
 * hr_training_zero_foreach_parameter:
 * @plan: a plan, of which what is trained is known
 * @func: what is called
 * @user_data: what it is handed
 *
 * Parameters that are trained, as they lie one behind the other: layer by layer. What a batch does not reach is among
 * them: its part of a copy in fp32 is stepped by zeros (get_flat_partition of stage_1_and_2.py).
 */
void
hr_training_zero_foreach_parameter (const HrTrainingPlan *plan,
                                    HrPartFunc            func,
                                    gpointer              user_data)
{
  guint n_alike;

  for (guint i = 0; i < hr_trainables_get_n_items (plan->parameters); i += n_alike)
    {
      guint64 n_layers = hr_trainables_get_item (plan->parameters, i)->copies;

      n_alike = count_alike (plan->parameters, i);
      for (guint64 j = 0; j < n_layers; j++)
        {
          for (guint k = i; k < i + n_alike; k++)
            func (plan, hr_trainables_get_item (plan->parameters, k), user_data);
        }
    }
}

typedef struct
{
  HrTrainables *groups;
  guint64 n;
} Groups;

/* Adds the part of a parameter to a group, which ends when it has as many elements as it is to have. */
static void
add_part (const HrTrainingPlan *plan,
          const HrTrainable    *parameter,
          gpointer              user_data)
{
  Groups *self = user_data;

  self->n += get_part (plan, parameter->n_elements);
  if (self->n < hr_training_job_get_sub_group_size (plan->job))
    return;

  add_group (self->groups, self->n);
  self->n = 0;
}

/*
 * hr_training_zero_list_parts:
 * @plan: a plan of the third stage, of which what is trained is known
 *
 * Lists what a rank steps, a group at a time (_create_fp16_sub_groups): the parts of parameters, layer by layer.
 *
 * Returns: (transfer full): the groups
 */
HrTrainables *
hr_training_zero_list_parts (const HrTrainingPlan *plan)
{
  Groups groups = { .groups = hr_trainables_new () };

  hr_training_zero_foreach_parameter (plan, add_part, &groups);
  if (groups.n > 0)
    add_group (groups.groups, groups.n);

  return groups.groups;
}

/* What a rank has room for of gradients, and the largest piece of them. */
typedef struct
{
  guint64 n_kept;
  guint64 n_largest;
} Held;

typedef struct
{
  GArray *ranks;      /* of Held */
  guint64 n_part;
  guint64 offset;
} Overlaps;

static void
add_overlap (const HrTrainingPlan *plan,
             const HrTrainable    *parameter,
             gpointer              user_data)
{
  Overlaps *self = user_data;
  guint64 end = self->offset + parameter->n_elements;

  for (guint64 i = self->offset / self->n_part; i * self->n_part < end && i < self->ranks->len; i++)
    {
      Held *held = &g_array_index (self->ranks, Held, i);
      guint64 n_piece = MIN (end, (i + 1) * self->n_part) - MAX (self->offset, i * self->n_part);

      held->n_kept += parameter->n_elements;
      held->n_largest = MAX (held->n_largest, n_piece);
    }
  self->offset = end;
}

/* Gradients come from the last rank's part to the first's. */
static guint64 *
list_most_kept (const GArray *ranks)
{
  guint64 *most_kept = g_new (guint64, ranks->len);
  guint64 most = 0;

  for (guint i = ranks->len; i-- > 0;)
    {
      most = MAX (most, g_array_index (ranks, Held, i).n_kept);
      most_kept[i] = most;
    }

  return most_kept;
}

/* What of a piece of gradients is made to look through it, and to compute its norm (hr-reduction). */
#define CHECKED_BYTES 11
#define NORM_BYTES 8

/*
 * copy_grads_in_partition of stage_1_and_2.py has room for all of each parameter of which a rank has any: that of the
 * rank counts which needs most; when the pieces are looked through, that of the one which holds most then.
 */
static void
count_kept (HrTrainingPlan *plan,
            HrReduction    *reduction,
            guint64         n_part)
{
  g_autoptr (GArray) ranks = g_array_new (FALSE, TRUE, sizeof (Held));
  Overlaps overlaps = { .ranks = ranks, .n_part = n_part };
  guint64 piece = reduction->checks_overflow ? CHECKED_BYTES : NORM_BYTES;
  guint64 element = hr_element_get_bytes (plan->pass.element);
  guint64 most = 0;

  g_array_set_size (ranks, count_ranks (plan));
  hr_training_zero_foreach_parameter (plan, add_overlap, &overlaps);
  reduction->n_kept = 0;
  for (guint i = 0; i < ranks->len; i++)
    {
      const Held *held = &g_array_index (ranks, Held, i);
      guint64 bytes = held->n_kept * element + held->n_largest * piece;

      reduction->n_kept = MAX (reduction->n_kept, held->n_kept);
      if (bytes < most)
        continue;
      most = bytes;
      reduction->n_kept_by_checked = held->n_kept;
      reduction->n_largest = held->n_largest;
    }
  plan->most_kept = list_most_kept (ranks);
  reduction->most_kept = plan->most_kept;
}

static guint64
count_parts (const HrTrainingPlan *plan)
{
  guint64 n = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (plan->parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (plan->parameters, i);

      n += get_part (plan, parameter->n_elements) * parameter->copies;
    }

  return n;
}

/* mark_persistent_parameters of deepspeed/runtime/zero/parameter_offload.py */
static guint64
get_persistent_bytes (const HrTrainingPlan *plan,
                      const HrTrainable    *parameter)
{
  guint64 most = hr_training_job_get_stage3_param_persistence_threshold (plan->job);

  if (count_ranks (plan) == 1 || parameter->n_elements > most)
    return 0;

  return hr_ledger_round (get_part (plan, parameter->n_elements) * count_ranks (plan) *
                          hr_element_get_bytes (parameter->element));
}

/* What is held of some parameters: a piece of all parts of what is trained, a part of each of what is frozen. */
static void
add_held (const HrTrainingPlan *plan,
          const HrTrainables   *parameters,
          gboolean              is_frozen,
          guint64              *parts,
          guint64              *persistent)
{
  guint64 bytes = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);
      guint64 part = get_part (plan, parameter->n_elements) * hr_element_get_bytes (parameter->element);

      *persistent += get_persistent_bytes (plan, parameter) * parameter->copies;
      bytes += part * parameter->copies;
      if (is_frozen)
        *parts += hr_ledger_round (part) * parameter->copies;
    }
  if (!is_frozen)
    *parts += hr_ledger_round (bytes);
}

/* Where matrices are added to a model, all of its own parameters are frozen. */
static gboolean
adds_matrices (const HrTrainingPlan *plan)
{
  return hr_tuning_get_added_bytes (plan->tuning) > 0;
}

/* Parts of second copies of what is frozen, which stay from step to step (_partition_param_sec). */
static guint64
count_secondary_bytes (const HrTrainingPlan *plan,
                       const HrTrainables   *parameters)
{
  guint64 n_ranks = MIN (hr_training_job_get_zero_hpz_partition_size (plan->job), count_ranks (plan));
  guint element = hr_element_get_bytes (plan->pass.element);
  guint64 bytes = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters) && n_ranks > 1; i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);
      guint64 n_part = get_part (plan, parameter->n_elements) * count_ranks (plan) / n_ranks;

      bytes += hr_ledger_round (n_part * element) * parameter->copies;
    }

  return bytes;
}

static void
count_held (const HrTrainingPlan *plan,
            guint64              *parts,
            guint64              *persistent)
{
  g_autoptr (HrTrainables) frozen = hr_tuning_list_frozen (plan->tuning, plan->pass.model, plan->pass.element);

  *parts = *persistent = 0;
  add_held (plan, plan->parameters, FALSE, parts, persistent);
  add_held (plan, frozen, TRUE, parts, persistent);
  *parts += count_secondary_bytes (plan, frozen);
}

static guint64
count_persistent_bytes (const HrTrainingPlan *plan)
{
  guint64 parts, persistent;

  count_held (plan, &parts, &persistent);

  return persistent;
}

static guint64
count_part_bytes (const HrTrainingPlan *plan)
{
  guint64 parts, persistent;

  count_held (plan, &parts, &persistent);

  return parts;
}

/* What is trained is stepped group by group: no more than the largest takes is taken at once. */
static void
step_groups (HrTrainingPlan *plan)
{
  HrTraining *training = &plan->training;
  guint64 n_largest = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (plan->masters); i++)
    n_largest = MAX (n_largest, hr_trainables_get_item (plan->masters, i)->n_elements);
  training->reduction.n_elements = n_largest;
  if (hr_trainables_get_n_items (plan->masters) == 1)
    return;

  plan->group = hr_trainables_new ();
  add_group (plan->group, n_largest);
  hr_optimizer_init (&training->stepped, &training->optimizer.settings, plan->group);
  training->steps_part = TRUE;
  training->optimizer.step_bytes = training->stepped.step_bytes;
}

/* What the optimizer's first parameter is in, by which DeepSpeed goes (self.dtype): what was added may be in fp32. */
static HrElement
get_trained_element (const HrTrainingPlan *plan)
{
  return hr_trainables_get_n_items (plan->parameters) > 0
           ? hr_trainables_get_item (plan->parameters, 0)->element : plan->pass.element;
}

/* DEFAULT_LEAF_MODULE_CLASSES of deepspeed/runtime/zero/leaf_module_config.py: the mixtures of these models. */
static const struct
{
  const char *model_type;
  HrLeafOrder order;
} leaves[] = {
  { "mixtral", HR_LEAF_ORDER_READ },
  { "qwen2_moe", HR_LEAF_ORDER_ROUTER },
  { "qwen3_moe", HR_LEAF_ORDER_EXPERTS },
};

static void
choose_leaves (HrModel        *model,
               HrLiveSettings *settings)
{
  for (guint i = 0; i < G_N_ELEMENTS (leaves); i++)
    {
      if (!g_str_equal (hr_model_get_model_type (model), leaves[i].model_type))
        continue;
      settings->has_leaves = TRUE;
      settings->leaf_order = leaves[i].order;
    }
}

/* DeepSpeedZeroOptimizer_Stage3 of deepspeed/runtime/zero/stage3.py */
static void
resolve_third_stage (HrTrainingPlan *plan)
{
  HrTraining *training = &plan->training;
  HrTrainingJob *job = plan->job;
  HrReduction *reduction = &training->reduction;

  training->flattens_gradients = FALSE;
  training->copied_gradient_bytes = 0;
  if (hr_training_job_get_optimizer_offload (job) != HR_OFFLOAD_NONE)
    training->optimizer.state_bytes = training->optimizer.step_bytes = training->master_bytes = 0;
  else
    training->held_gradient_bytes = hr_ledger_round (count_parts (plan) *
                                                     hr_element_get_bytes (plan->pass.element));
  training->persistent_bytes = count_persistent_bytes (plan);
  training->live = (HrLiveSettings) {
    .is_used = TRUE, .n_ranks = count_ranks (plan),
    .prefetch_elements = hr_training_job_get_stage3_prefetch_bucket_size (job),
    .max_elements = hr_training_job_get_stage3_max_live_parameters (job),
    .reuse_elements = hr_training_job_get_stage3_max_reuse_distance (job),
    .persistent_elements = hr_training_job_get_stage3_param_persistence_threshold (job),
    .is_offloaded = hr_training_job_get_parameter_offload (job) != HR_OFFLOAD_NONE,
    .n_secondary_ranks = MIN (hr_training_job_get_zero_hpz_partition_size (job), count_ranks (plan)),
    .is_quantized = hr_training_job_get_zero_quantized_weights (job),
    .n_wrappers = adds_matrices (plan) ? N_PEFT_MODULES : 0,
    /* DeepseekV2Moe.forward of transformers */
    .reads_router = g_str_equal (hr_model_get_model_type (plan->pass.model), "deepseek_v2"),
  };
  choose_leaves (plan->pass.model, &training->live);
  *reduction = (HrReduction) {
    .is_bucketed = TRUE, .scatters = TRUE, .has_ranks = TRUE, .n_ranks = count_ranks (plan),
    .bucket_elements = hr_training_job_get_reduce_bucket_size (job),
    .is_contiguous = hr_training_job_get_contiguous_gradients (job),
    .is_offloaded = hr_training_job_get_optimizer_offload (job) != HR_OFFLOAD_NONE,
    .is_swapped = hr_training_job_get_optimizer_offload (job) == HR_OFFLOAD_NVME,
    .n_local_ranks = hr_training_job_get_zero_quantized_gradients (job) ? hr_training_job_get_gpus_per_node (job) : 0,
    .n_largest = count_largest (plan->reached), .is_wide = plan->layout.exchange > 1,
    .checks_overflow = get_trained_element (plan) == HR_ELEMENT_FLOAT16, .n_kept = count_parts (plan),
  };
  reduction->n_largest = get_part (plan, reduction->n_largest);
  if (!reduction->is_offloaded)
    step_groups (plan);
  hr_inference_plan_warn (&plan->pass,
                          N_("ZeRO’s third stage is counted from DeepSpeed’s code, from the step on that gathers "
                             "parameters in the order in which modules have run before. What NCCL takes is not known, "
                             "and not counted"));
  if (training->live.is_offloaded || reduction->is_offloaded)
    hr_inference_plan_warn (&plan->pass,
                            N_("What ZeRO offloads waits in pinned memory of the host, which is not counted; so do the "
                               "buffers that come from a disk or go there"));
}

/* Those of stacks that a batch runs, whether a gradient comes to them or not. */
static guint64
count_run (const HrTrainingPlan *plan,
           const HrTrainables   *parameters)
{
  HrReach reach = hr_training_plan_get_reach (plan);
  guint64 n = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      if (hr_reach_includes (reach, parameter->stack))
        n += parameter->n_elements * parameter->copies;
    }

  return n;
}

/* Experts that are modules by themselves, and those of Qwen's talker, are not followed. */
static gboolean
has_known_mixtures (const HrTrainingPlan *plan)
{
  static const char * const strangers[] = {
    "deepseek", "ernie4_5_vl_moe_text", "qwen3_omni_moe_talker_text", NULL
  };
  const HrStack *stack = plan->pass.stack;

  if (g_strv_contains (strangers, hr_model_get_model_type (plan->pass.model)))
    return FALSE;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrBlock *block = hr_layer_class_find_block (&stack->layer_classes[i], HR_BLOCK_MIXTURE);

      if (block != NULL && block->mixture.path != HR_EXPERTS_GROUPED && block->mixture.path != HR_EXPERTS_LISTS)
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_training_zero_check_modules:
 * @plan: a plan of the third stage, of which everything is resolved
 * @replay: a tape on which nothing has happened
 * @error: return location for an error
 *
 * Checks that all parameters are of modules that the replay has gather them.
 *
 * Returns: whether they are
 */
gboolean
hr_training_zero_check_modules (const HrTrainingPlan  *plan,
                                const HrReplay        *replay,
                                GError               **error)
{
  g_autoptr (HrTrainables) frozen = NULL;
  g_autoptr (HrTrainables) reached = NULL;
  guint64 n_traced;

  if (!plan->training.live.is_used)
    return TRUE;

  frozen = hr_tuning_list_frozen (plan->tuning, plan->pass.model, plan->pass.element);
  reached = hr_trainables_new_reached (frozen, hr_training_plan_get_reach (plan));
  n_traced = hr_training_count_traced (&plan->training, replay);
  /* Of a module that a copy is trained of, the copy alone runs (ModulesToSaveWrapper of peft/utils/other.py). */
  n_traced += hr_tuning_get_n_copied (plan->tuning);
  if (has_known_mixtures (plan) &&
      (n_traced == hr_trainables_get_n_elements (plan->reached) + hr_trainables_get_n_elements (reached) ||
       n_traced == count_run (plan, plan->parameters) + count_run (plan, frozen)))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("“%s”: expected embeddings, norms, linear layers and mixtures whose experts are computed "
                           "at once, as what ZeRO-3 gathers of other modules is not known"),
                        hr_model_get_name (plan->pass.model));

  return FALSE;
}

/*
 * hr_training_zero_get_bytes:
 * @plan: a plan of the third stage
 *
 * Returns: what a rank holds of parameters between steps
 */
guint64
hr_training_zero_get_bytes (const HrTrainingPlan *plan)
{
  return (plan->training.live.is_offloaded ? 0 : count_part_bytes (plan)) + plan->training.persistent_bytes;
}

/*
 * hr_training_zero_get_reference_bytes:
 * @plan: a plan of the third stage, which trains all parameters
 *
 * prepare_deepspeed of trl/models/utils.py has the third stage divide the reference model as well: a rank has a part of
 * each parameter, one by one as zero.Init made them, and whole what is small once modules have run in an order that is
 * known.
 *
 * Returns: what a rank holds of the reference model’s parameters between steps
 */
guint64
hr_training_zero_get_reference_bytes (const HrTrainingPlan *plan)
{
  guint64 parts = 0, persistent = 0;

  add_held (plan, plan->parameters, TRUE, &parts, &persistent);

  return (plan->training.live.is_offloaded ? 0 : parts) + persistent;
}

/*
 * hr_training_zero_add_component:
 * @plan: a plan of the third stage
 * @estimate: an estimate
 * @id: whether it is the model that is trained, or the reference model
 * @bytes: what a rank holds of parameters
 * @buffer_bytes: what of that are buffers
 *
 * Adds the weights of a rank.
 */
void
hr_training_zero_add_component (const HrTrainingPlan *plan,
                                HrEstimate           *estimate,
                                HrComponentId         id,
                                guint64               bytes,
                                guint64               buffer_bytes)
{
  guint element = hr_element_get_bytes (plan->pass.element);
  guint64 part_bytes = plan->training.live.is_offloaded ? 0 : count_part_bytes (plan);
  guint64 n_parts = part_bytes / element;
  guint64 rest = bytes - MIN (bytes, part_bytes + buffer_bytes);
  g_autofree char *substitution =
    g_strdup_printf ("%" G_GUINT64_FORMAT "·%u + %" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT, n_parts, element, rest,
                     buffer_bytes);

  _hr_estimate_add_component (estimate, 0, id, bytes, "Σ⌈p/N_d⌉·e + persistent + buffers",
                              substitution, SOURCE_PARTS);
}

static void
warn_of_trainer (HrTrainingPlan *plan)
{
  HrElement element = plan->pass.element;

  if (!hands_on (plan->job))
    return;

  if (element == HR_ELEMENT_FLOAT32)
    hr_inference_plan_warn (&plan->pass,
                            N_("Without bf16 and fp16 DeepSpeed trains in fp32: parameters in fp32, and copies of what "
                               "a rank steps, are counted"));
  else
    hr_inference_plan_warn (&plan->pass,
                            /* Translators: the places are bf16 or fp16, and a data type. */
                            N_("accelerate hands %s on to DeepSpeed: parameters in %s and copies of them in fp32 are "
                               "counted, computed without autocast"),
                            element == HR_ELEMENT_FLOAT16 ? "fp16" : "bf16",
                            hr_dtype_get_name (hr_job_get_dtype (HR_JOB (plan->job))));
}

static gboolean
refuse_wide (GError **error)
{
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("master-dtype: expected float32, as ZeRO keeps a copy of what is trained; found none"));

  return FALSE;
}

/* Without ZeRO all gradients stay until a step's are there. */
static void
reduce_at_end (HrTrainingPlan *plan)
{
  HrReduction *reduction = &plan->training.reduction;

  if (hr_training_job_get_framework (plan->job) != HR_TRAINING_FRAMEWORK_DEEPSPEED ||
      (count_ranks (plan) == 1 && !plan->layout.is_deepspeed))
    return;

  reduction->is_at_end = TRUE;
  reduction->n_all = hr_trainables_get_n_elements (plan->reached);
  reduction->is_wide = plan->layout.exchange > 1;
}

/*
 * BF16_Optimizer of deepspeed/runtime/bf16_optimizer.py: gradients are added to a piece of all of them, which stays;
 * they stay themselves until the step is over. The part that a rank steps is copied to fp32, if it is not in that.
 */
static void
resolve_bf16_optimizer (HrTrainingPlan *plan)
{
  HrTraining *training = &plan->training;
  guint64 n_aligned = 2 * count_ranks (plan);
  guint64 n_all = (hr_trainables_get_n_elements (plan->reached) + n_aligned - 1) / n_aligned * n_aligned;

  training->flattens_gradients = FALSE;
  training->copied_gradient_bytes = 0;
  if (training->summed_gradient_bytes > 0)
    return;

  training->held_gradient_bytes = hr_ledger_round (n_all * hr_element_get_bytes (plan->pass.element));
  training->widened_gradient_bytes = training->master_bytes;
}

static gboolean
has_vectors (const HrTrainables *parameters)
{
  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      if (hr_trainables_get_item (parameters, i)->n_dimensions < 2)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_training_zero_resolve:
 * @plan: a plan, of which everything else is resolved
 * @error: return location for an error
 *
 * Has gradients go through ZeRO’s buckets. All that is trained is one group of the optimizer, as DeepSpeed makes it of
 * the parameters of a model (DeepSpeedEngine._configure_basic_optimizer).
 *
 * Returns: whether the data type of the parameters is one that is known
 */
gboolean
hr_training_zero_resolve (HrTrainingPlan  *plan,
                          GError         **error)
{
  HrTraining *training = &plan->training;
  HrReduction *reduction = &training->reduction;
  guint64 n_all = hr_trainables_get_n_elements (plan->parameters);
  guint64 n_part = (n_all + count_ranks (plan) - 1) / count_ranks (plan);

  if (hr_training_zero_is_bf16_optimizer (plan))
    {
      resolve_bf16_optimizer (plan);
      return TRUE;
    }
  if (!hr_training_zero_is_used (plan))
    {
      reduce_at_end (plan);
      return TRUE;
    }
  if (training->master_bytes == 0)
    return refuse_wide (error);

  warn_of_trainer (plan);
  if (plan->layout.zero_stage == 3)
    {
      if (!check_eights (plan, error))
        return FALSE;
      resolve_third_stage (plan);
      return TRUE;
    }

  training->flattens_gradients = FALSE;
  training->copied_gradient_bytes = 0;
  hr_reduction_init (reduction, n_part);
  reduction->bucket_elements = hr_training_job_get_reduce_bucket_size (plan->job);
  /* _configure_zero_optimizer of deepspeed/runtime/engine.py overlaps nothing beside a pipeline. */
  reduction->n_buckets = hr_training_job_get_overlap_comm (plan->job) && !plan->layout.is_deepspeed ? 2 : 1;
  reduction->n_all = n_all;
  reduction->has_ranks = TRUE;
  reduction->is_wide = plan->layout.exchange > 1;
  /* check_grad_overflow of _configure_zero_optimizer in deepspeed/runtime/engine.py; bf16 has it as well. */
  reduction->checks_overflow = plan->pass.element != HR_ELEMENT_FLOAT32;
  count_kept (plan, reduction, n_part);
  reduction->waits = adds_matrices (plan);
  /* With a stream of its own, the first stage reduces gradients as they come, like the second. */
  reduction->stays_whole = plan->layout.zero_stage == 1 && reduction->n_buckets == 1;
  /* Trainer.create_optimizer, and OpenRLHF, have a group of its own for what has no weight decay, if there is any. */
  reduction->is_one_group = hr_training_job_get_framework (plan->job) == HR_TRAINING_FRAMEWORK_DEEPSPEED ||
                            !has_vectors (plan->parameters);
  hr_inference_plan_warn (&plan->pass,
                          N_("ZeRO is counted from DeepSpeed’s code (contiguous_gradients and reduce_scatter true, "
                             "nothing offloaded). What NCCL takes is not known, and not counted"));

  return TRUE;
}
