/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-shard.h"

#include "hr-estimate-private.h"
#include "hr-fine-tuning-job.h"
#include "hr-grpo-job.h"
#include "hr-message.h"
#include "hr-sharding-merge.h"
#include "hr-sharding-rows.h"
#include "hr-sharding-stacks.h"
#include "hr-sharding-unit.h"
#include "hr-training-check.h"
#include "hr-training-profile.h"
#include "hr-tuning.h"

/*
 * What accelerate's FullyShardedDataParallelPlugin makes of a model of transformers (Accelerator.prepare_model of
 * accelerate/accelerator.py, 1.15): each layer and all around them in FullyShardedDataParallel of torch
 * (TRANSFORMER_BASED_WRAP), where mixed precision is on with a policy of 16 bits for parameters and reductions, over
 * parameters that are cast to fp32.
 */

#define SOURCE_PARTS \
  "torch/distributed/fsdp/_flat_param.py: FlatParamHandle.shard: a rank holds an equal part of each flat parameter"

#define SOURCE_ROWS \
  "torch/distributed/fsdp/_fully_shard/_fsdp_param.py: FSDPParam._init_sharded_param: a rank holds an equal part of " \
  "the rows of each parameter"

#define SOURCE_BUCKETS \
  "torch/csrc/distributed/c10d/reducer.cpp: Reducer::initialize_buckets: all gradients once more, bucket by bucket"

/* Whose trainers hand the settings on. */
static gboolean
is_trainer (HrTrainingFramework framework)
{
  return framework == HR_TRAINING_FRAMEWORK_TRANSFORMERS || framework == HR_TRAINING_FRAMEWORK_TRL;
}

static gboolean
refuse_framework (const HrTrainingPlan  *plan,
                  GError               **error)
{
  const HrTrainingProfile *profile = hr_training_profile_get (hr_training_job_get_framework (plan->job));
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "fsdp");

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a framework and another value */
                        N_("fsdp: expected none where the framework is %s, or the framework transformers or trl, for "
                           "which it is known; found %s"),
                        profile != NULL ? profile->name : "", found);

  return FALSE;
}

/*
 * torchtitan always shards: "shard-grad-op" has parameters stay when they are whole (fsdp_reshard_after_forward never),
 * which is what it does beside a pipeline without being told.
 */
static gboolean
check_titan (const HrTrainingPlan  *plan,
             GError               **error)
{
  HrFsdp fsdp = hr_training_job_get_fsdp (plan->job);
  g_autofree char *found = NULL;

  if (fsdp == HR_FSDP_NONE || fsdp == HR_FSDP_SHARD_GRAD_OP)
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (plan->job), "fsdp");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("fsdp: expected none, as torchtitan shards by itself, or shard-grad-op, where parameters "
                           "stay when they are whole (fsdp_reshard_after_forward never); found %s"), found);

  return FALSE;
}

static gboolean
refuse_single (const HrTrainingPlan  *plan,
               GError               **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "fsdp");

  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("fsdp: expected none, as there is one rank, which nothing can be divided among "
                           "(data-parallel, gpus); found %s"), found);

  return FALSE;
}

/* Where nothing is said of groups, the GPUs of a machine are one, of which most machines have as many. */
#define MACHINE_GPUS 8

/* _init_intra_and_inter_node_groups of torch/distributed/fsdp/_init_utils.py; fully_shard makes no groups by itself. */
static gboolean
leaves_groups_to_torch (const HrTrainingPlan *plan)
{
  return hr_training_job_get_fsdp (plan->job) == HR_FSDP_HYBRID_SHARD &&
         hr_training_job_get_fsdp_version (plan->job) == HR_FSDP_VERSION_1 &&
         hr_training_job_get_data_parallel_replicas (plan->job) == 1 &&
         (plan->layout.data <= MACHINE_GPUS || plan->layout.data % MACHINE_GPUS == 0);
}

static guint64
count_replicas (const HrTrainingPlan *plan)
{
  if (leaves_groups_to_torch (plan))
    return MAX (1, plan->layout.data / MACHINE_GPUS);

  return hr_training_job_get_data_parallel_replicas (plan->job);
}

/* Groups of ranks that hold all parameters each. */
static gboolean
check_hybrid (const HrTrainingPlan  *plan,
              GError               **error)
{
  guint64 replicas = hr_training_job_get_data_parallel_replicas (plan->job);
  g_autofree char *ranks = NULL;
  g_autofree char *found = NULL;

  if (leaves_groups_to_torch (plan) ||
      (replicas > 1 && plan->layout.data % replicas == 0 && replicas < plan->layout.data))
    return TRUE;

  ranks = g_strdup_printf ("%" G_GUINT64_FORMAT, plan->layout.data);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, replicas);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("data-parallel-replicas: expected a divisor of %s between 1 and that, the ranks of data "
                           "parallelism, for a hybrid shard; found %s"), ranks, found);

  return FALSE;
}

/*
 * data_parallel_replicate_degree of torchtitan/config/configs.py: where ranks share sequences, those of one copy share
 * its parameters (resolve_fsdp_mesh of torchtitan/distributed/fsdp.py), so that there may be as many groups as copies.
 */
static gboolean
check_groups (const HrTrainingPlan  *plan,
              GError               **error)
{
  guint64 replicas = hr_training_job_get_data_parallel_replicas (plan->job);

  return replicas == 1 || (plan->layout.context > 1 && replicas == plan->layout.data) || check_hybrid (plan, error);
}

static gboolean
check_replicas (const HrTrainingPlan  *plan,
                GError               **error)
{
  guint64 replicas = hr_training_job_get_data_parallel_replicas (plan->job);
  g_autofree char *found = NULL;

  if (hr_training_job_get_fsdp (plan->job) == HR_FSDP_HYBRID_SHARD)
    return check_hybrid (plan, error);
  if (replicas == 1)
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, replicas);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("data-parallel-replicas: expected 1, as only fsdp hybrid-shard has several groups of "
                           "ranks; found %s"), found);

  return FALSE;
}

/* Settings that are followed together with flat parameters. */
static gboolean
check_settings (const HrTrainingPlan  *plan,
                GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "fsdp-version", "1", "2" },
    { "autocast", "none", "bfloat16" },
    { "master-dtype", "none" },
    { "gradient-dtype", "same" },
    { "zero-grad", "after-step" },
    { "fine-tuning-method", "full", "lora", "qlora", "rslora", "pissa" },
    { "fp8-recipe", "none" },
    { "torch-compile", "false" },
    { "optimizer", "adamw", "adam", "sgd", "sgd-momentum" },
    { "parameter-offload", "none", "cpu" },
    { "algorithm", "sft", "dpo", "ipo", "kto", "orpo", "simpo", "grpo", "dr-grpo", "dapo", "gspo", "rloo",
      "reward" },
  };

  return hr_training_check_values (plan, "FSDP", values, G_N_ELEMENTS (values), error);
}

/* Settings that are followed together with fully_shard. */
static gboolean
check_second_version (const HrTrainingPlan  *plan,
                      GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "fine-tuning-method", "full", "lora", "qlora", "rslora", "pissa" },
  };

  return hr_training_check_values (plan, "FSDP 2", values, G_N_ELEMENTS (values), error);
}

static gboolean
adds_matrices (const HrTrainingPlan *plan)
{
  return HR_IS_FINE_TUNING_JOB (plan->job) &&
         hr_fine_tuning_job_get_fine_tuning_method (HR_FINE_TUNING_JOB (plan->job)) != HR_FINE_TUNING_METHOD_FULL;
}

/* Trainers of TRL, whatever they train on. */
static gboolean
is_on_answers (const HrTrainingPlan *plan)
{
  return HR_IS_GRPO_JOB (plan->job) && hr_grpo_job_get_algorithm (HR_GRPO_JOB (plan->job)) != HR_ALGORITHM_SFT;
}

/*
 * generate () of PEFT's models calls the function of the model inside, and so passes by the root of fully_shard, which
 * has the last norm (_find_final_norm of accelerate/utils/fsdp_utils.py). VLLMGeneration.sync_weights of
 * trl/generation/vllm_generation.py merges what adapters add first: DTensors of fully_shard are multiplied as any
 * other, pieces of flat parameters are not.
 */
static gboolean
check_rollout (const HrTrainingPlan  *plan,
               GError               **error)
{
  HrGrpoJob *job = HR_GRPO_JOB (plan->job);
  HrRollout rollout = hr_grpo_job_get_rollout (job);
  gboolean is_first = hr_training_job_get_fsdp_version (plan->job) == HR_FSDP_VERSION_1;
  g_autofree char *found = NULL;

  if (!adds_matrices (plan) || !hr_algorithm_generates (hr_grpo_job_get_algorithm (job)) ||
      rollout == HR_ROLLOUT_NONE || is_first == (rollout == HR_ROLLOUT_TRANSFORMERS))
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (job), "rollout");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        is_first
                          ? N_("rollout: expected FSDP 2 for vLLM beside LoRA, as PEFT cannot merge adapters of which "
                               "each rank has a piece of a flat parameter (merge_adapter fails); found %s")
                          : N_("rollout: expected another way to answer beside LoRA and FSDP 2, as generate () of a "
                               "model of PEFT passes by what fully_shard has wrapped, and fails; found %s"),
                        found);

  return FALSE;
}

/* What a trainer on answers does that is followed where parameters are sharded. */
static gboolean
check_answers (const HrTrainingPlan  *plan,
               GError               **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "loss-implementation", "auto", "cross-entropy" },
  };

  if (!is_on_answers (plan))
    return TRUE;

  return hr_training_check_values (plan, "FSDP", values, G_N_ELEMENTS (values), error) && check_rollout (plan, error);
}

static gboolean
check_model (const HrTrainingPlan  *plan,
             GError               **error)
{
  const HrInference *pass = &plan->pass.inference;

  if (pass->encoder == NULL && (pass->towers == NULL || !is_on_answers (plan)))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("“%s”: expected a model of one stack of layers, as what FSDP gathers of others is not "
                           "known"),
                        hr_model_get_name (plan->pass.model));

  return FALSE;
}

/*
 * Parameters of one flat one have one dtype (_validate_tensors_to_flatten of torch/distributed/fsdp/_flat_param.py):
 * bitsandbytes stores numbers of four bits in any (bnb_4bit_quant_storage).
 */
static gboolean
check_quantization (const HrTrainingPlan  *plan,
                    GError               **error)
{
  switch ((guint) plan->pass.quantization)
    {
    case HR_QUANTIZATION_NONE:
    case HR_QUANTIZATION_BNB_NF4:
    case HR_QUANTIZATION_BNB_NF4_DQ:
    case HR_QUANTIZATION_BNB_FP4:
    case HR_QUANTIZATION_BNB_FP4_DQ:
      return TRUE;

    default:
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("quantization: expected none, or four bits of bitsandbytes, whose numbers can be stored "
                               "in the data type of all that FSDP gathers at once; found %s"),
                            hr_quantization_get_name (plan->pass.quantization));
      return FALSE;
    }
}

/* Whether a trainer of TRL hands what it has trained to vLLM. */
static gboolean
pushes_weights (const HrTrainingPlan *plan)
{
  return plan->training.rollout == HR_ROLLOUT_VLLM_COLOCATED || plan->training.rollout == HR_ROLLOUT_VLLM_SERVER;
}

static gboolean
check_merge (const HrTrainingPlan  *plan,
             GError               **error)
{
  if (plan->pass.quantization == HR_QUANTIZATION_NONE || !pushes_weights (plan))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("quantization: expected none for vLLM beside FSDP 2, as what PEFT takes to merge adapters "
                           "into sharded numbers of four bits is not known; found %s"),
                        hr_quantization_get_name (plan->pass.quantization));

  return FALSE;
}

/*
 * hr_training_shard_check:
 * @plan: a plan, of which the job and its layout are known
 * @error: return location for an error
 *
 * Checks whether what is to be sharded can be.
 *
 * Returns: whether it can
 */
gboolean
hr_training_shard_check (const HrTrainingPlan  *plan,
                         GError               **error)
{
  if (hr_training_job_get_framework (plan->job) == HR_TRAINING_FRAMEWORK_TORCHTITAN)
    return check_groups (plan, error) && check_titan (plan, error);
  if (hr_training_job_get_fsdp (plan->job) == HR_FSDP_NONE)
    return TRUE;
  if (!is_trainer (hr_training_job_get_framework (plan->job)))
    return refuse_framework (plan, error);
  if (plan->layout.data == 1)
    return refuse_single (plan, error);

  return check_replicas (plan, error) && check_settings (plan, error) && check_answers (plan, error) &&
         (hr_training_job_get_fsdp_version (plan->job) == HR_FSDP_VERSION_1 || check_second_version (plan, error));
}

static gboolean
has_towers (HrModel *model)
{
  return hr_model_find_stack (model, HR_STACK_VISION) != NULL || hr_model_find_stack (model, HR_STACK_AUDIO) != NULL;
}

/*
 * Types of models whose _no_split_modules, with those of the models inside (PreTrainedModel.post_init of
 * transformers/modeling_utils.py, 5.12), name the layers of the text and of the towers, and no modules besides. Others
 * name embeddings of texts that a tower has not (CLIPTextEmbeddings, SiglipTextEmbeddings), which accelerate does not
 * find and ends at (set_auto_wrap_policy of accelerate/utils/dataclasses.py), or modules within layers.
 */
static const char * const wrapped_types[] = {
  "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "internvl", "mistral3", "mllama",
  "llama4", "voxtral", NULL
};

static void
warn_of_towers (HrTrainingPlan *plan)
{
  HrInferencePlan *pass = &plan->pass;
  const char *type = hr_model_get_model_type (pass->model);

  if (type == NULL || !g_strv_contains (wrapped_types, type))
    hr_inference_plan_warn (pass, N_("accelerate does not find the layers of this model by itself: the classes of "
                                     "those of the text and of the towers are assumed to be named "
                                     "(fsdp_transformer_layer_cls_to_wrap)"));
  if (HR_IS_FINE_TUNING_JOB (plan->job) &&
      hr_fine_tuning_job_get_frozen_parts (HR_FINE_TUNING_JOB (plan->job)) != HR_FROZEN_PARTS_NONE &&
      hr_training_job_get_fsdp_version (plan->job) == HR_FSDP_VERSION_1)
    hr_inference_plan_warn (pass, N_("What is around the layers is one flat parameter, frozen or not: FSDP computes "
                                     "gradients of all of it, through the layers of frozen towers as well, which keep "
                                     "their activations for that; the rank is counted that steps most of it"));
}

static void
warn (HrTrainingPlan *plan)
{
  HrInferencePlan *pass = &plan->pass;

  hr_inference_plan_warn (pass, N_("FSDP is counted as accelerate sets it up with TRANSFORMER_BASED_WRAP: each layer "
                                   "is gathered alone, all that is around the layers stays gathered from the forward "
                                   "pass to the end of the backward pass. What NCCL takes, and what blocks of several "
                                   "streams reserve beyond what is allocated, is not known, and not counted"));
  if (plan->autocast != HR_ELEMENT_NONE && adds_matrices (plan))
    hr_inference_plan_warn (pass, N_("accelerate casts what is trained to fp32 where FSDP computes in 16 bits: each "
                                     "rank holds its part of that in fp32, and of all else in what it was loaded in"));
  else if (plan->autocast != HR_ELEMENT_NONE)
    hr_inference_plan_warn (pass, N_("accelerate casts parameters to fp32 where FSDP computes in 16 bits: each rank "
                                     "holds its part of them in fp32, whatever they were loaded in"));
  if (leaves_groups_to_torch (plan))
    hr_inference_plan_warn (pass, N_("A group of the hybrid shard is counted as one machine of up to 8 GPUs, which is "
                                     "what torch makes where nothing is said: data-parallel-replicas says how many "
                                     "groups there are"));
  if (hr_training_job_get_gradient_accumulation_steps (plan->job) > 1)
    hr_inference_plan_warn (pass, N_("Gradients are reduced when the last micro-batch of a step has been "
                                     "differentiated (no_sync): until then each rank holds those of the whole model"));
  if (adds_matrices (plan))
    hr_inference_plan_warn (pass, N_("Each matrix that LoRA adds is gathered by itself (fsdp_auto_wrap_policy of PEFT, "
                                     "which the Trainer takes)"));
  if (pushes_weights (plan))
    hr_inference_plan_warn (pass, N_("TRL first hands weights to vLLM layer by layer before FullyShardedDataParallel "
                                     "has found its root, which torch refuses (_share_state_and_init_handle_attrs): a "
                                     "later time is counted"));
  if (plan->pass.quantization != HR_QUANTIZATION_NONE)
    hr_inference_plan_warn (pass, N_("bnb_4bit_quant_storage is assumed to be what the rest of the model is loaded in, "
                                     "without which FSDP cannot gather it; each rank has all scales"));
  if (plan->pass.inference.towers != NULL || has_towers (plan->pass.model))
    warn_of_towers (plan);
  if (hr_training_job_get_fsdp_use_orig_params (plan->job) && !adds_matrices (plan))
    hr_inference_plan_warn (pass, N_("What is trained is views of the original parameters: the first rank is counted, "
                                     "where parameters are cut elsewhere on others, which rounds a few KiB otherwise"));
  if (hr_training_job_get_parameter_offload (plan->job) == HR_OFFLOAD_CPU)
    hr_inference_plan_warn (pass, N_("Parameters wait on the host, and so do gradients and the states of the "
                                     "optimizer, which steps there: counted from torch’s code alone"));
}

/*
 * fsdp2_prepare_model of accelerate/utils/fsdp_utils.py (1.15) gathers the table of tokens, each layer, and the last
 * norm with the head; a table that the head shares goes with these. What is beside them is the root's, which is
 * followed of models that see or hear.
 */
static gboolean
has_groups (const HrTrainingPlan *plan)
{
  HrModel *model = plan->pass.model;
  guint n_tables = 0, n_norms = 0, n_heads = 0;

  if (has_towers (model))
    return TRUE;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->n_layers > 0 || tensor->tied_to != NULL)
        continue;
      n_tables += tensor->role == HR_TENSOR_ROLE_EMBEDDING;
      n_norms += tensor->role == HR_TENSOR_ROLE_NORM;
      n_heads += tensor->role == HR_TENSOR_ROLE_OUTPUT;
      if (tensor->role != HR_TENSOR_ROLE_EMBEDDING && tensor->role != HR_TENSOR_ROLE_NORM &&
          tensor->role != HR_TENSOR_ROLE_OUTPUT)
        return FALSE;
    }

  return n_tables == 1 && n_norms >= 1 && n_heads <= 1;
}

static void
warn_of_second_version (HrTrainingPlan *plan,
                        gboolean        is_mixed)
{
  HrInferencePlan *pass = &plan->pass;

  hr_inference_plan_warn (pass, N_("FSDP 2 is counted as accelerate sets fully_shard up: the table of tokens, each "
                                   "layer, and the last norm with the head, which stays gathered from the forward "
                                   "pass on, are groups. What NCCL takes, and what blocks of several streams reserve "
                                   "beyond what is allocated, is not known, and not counted"));
  if (has_towers (pass->model))
    {
      hr_inference_plan_warn (pass, N_("Projectors, the last norm and all else that is around the layers, of the text "
                                       "and of towers, is the root’s, which FSDP 2 keeps gathered from the beginning "
                                       "of a micro-batch to its end"));
      warn_of_towers (plan);
    }
  if (adds_matrices (plan))
    hr_inference_plan_warn (pass, plan->training.sharding.is_tied
                                    ? N_("What LoRA adds to a layer is gathered with the layer, and reduced alone")
                                    : N_("What LoRA adds to a layer is gathered with the layer, and reduced alone; the "
                                         "table of tokens is gathered once more in the backward pass, which does not "
                                         "need it (FSDPParamGroup._backward_prefetch)"));
  if (adds_matrices (plan) && pushes_weights (plan))
    hr_inference_plan_warn (pass, N_("Adapters are merged before vLLM gets the weights, by products of divided "
                                     "matrices for which torch chooses what to exchange: all ranks are assumed to be "
                                     "of one host"));
  if (plan->pass.quantization != HR_QUANTIZATION_NONE)
    hr_inference_plan_warn (pass, N_("bnb_4bit_quant_storage is assumed to be what the rest of the model is loaded in, "
                                     "without which FSDP cannot gather it; each rank has all scales"));
  else if (is_mixed && adds_matrices (plan))
    hr_inference_plan_warn (pass, N_("accelerate casts what is trained to fp32 where FSDP computes in 16 bits: each "
                                     "rank holds its part of that in fp32, and of all else in what it was loaded in"));
  else if (is_mixed)
    hr_inference_plan_warn (pass, N_("accelerate casts parameters to fp32 where FSDP computes in 16 bits, and has "
                                     "fully_shard compute and reduce in these without autocast: each rank holds its "
                                     "part of parameters and gradients in fp32"));
  if (hr_training_job_get_gradient_accumulation_steps (plan->job) > 1)
    hr_inference_plan_warn (pass, N_("Gradients are reduced when the last micro-batch of a step has been "
                                     "differentiated (no_sync): until then each rank holds those of the whole model"));
  if (hr_training_job_get_parameter_offload (plan->job) == HR_OFFLOAD_CPU)
    hr_inference_plan_warn (pass, N_("Parameters wait on the host, and so do gradients and the states of the "
                                     "optimizer, which steps there: counted from torch’s code alone"));
}

static guint64
count_sharers (const HrTrainingPlan *plan)
{
  return plan->layout.data / count_replicas (plan);
}

/* What parameters are gathered in, before it is settled what the model computes in. */
static HrElement
get_gathered_element (const HrTrainingPlan *plan)
{
  return plan->autocast != HR_ELEMENT_NONE ? plan->autocast : plan->pass.element;
}

/* Whether the model that answers are compared with is one beside the model that is trained. */
static gboolean
has_second_model (const HrTrainingPlan *plan)
{
  return plan->training.has_reference && !adds_matrices (plan);
}

/*
 * prepare_fsdp of trl/models/utils.py hands the whole reference model to fully_shard, which gathers all of it at once,
 * in two pieces; nothing is cast to fp32.
 */
static void
shard_reference (HrTrainingPlan *plan)
{
  HrSharding *sharding = &plan->training.reference_sharding;
  const HrRowSharding settings = {
    .element = plan->pass.element, .frozen_element = plan->pass.element,
    .gathered_element = get_gathered_element (plan), .n_ranks = count_sharers (plan),
  };

  if (!has_second_model (plan))
    return;

  hr_sharding_init_rows (sharding, &plan->pass.storage, &settings);
  hr_sharding_join_rows (sharding, &plan->pass.storage);
  sharding->stays_gathered = sharding->holds_rest = hr_training_job_get_fsdp (plan->job) == HR_FSDP_SHARD_GRAD_OP;
  sharding->is_offloaded = hr_training_job_get_parameter_offload (plan->job) == HR_OFFLOAD_CPU;
  hr_inference_plan_warn (&plan->pass,
                          N_("TRL hands the reference model to fully_shard as a whole (prepare_fsdp): whenever it "
                             "reads, all of it is gathered at once, and once more as parameters, twice the model in "
                             "what is computed in"));
}

/* Of flat parameters it has as many as the model that is trained, which a backward pass never lets go of. */
static void
flatten_reference (HrTrainingPlan       *plan,
                   const HrFlatSharding *policy)
{
  HrFlatSharding settings = *policy;
  HrSharding *sharding = &plan->training.reference_sharding;

  if (!has_second_model (plan))
    return;

  settings.element = policy->frozen_element;
  hr_sharding_init_flat (sharding, &plan->pass.storage, &settings);
  sharding->holds_rest = TRUE;
  hr_inference_plan_warn (&plan->pass,
                          N_("FullyShardedDataParallel gathers what is around the layers of the reference model when "
                             "it first reads, and never lets go of it, as no backward pass comes "
                             "(_post_forward_reshard)"));
}

/*
 * _find_final_norm of accelerate/utils/fsdp_utils.py looks among the modules that are called like the class’s
 * base_model_prefix, which is “model” for most: of PEFT’s model that is the class itself, which has no norm, and beside
 * towers one that has the text as a model inside.
 */
static gboolean
hands_norms_to_root (const HrTrainingPlan *plan)
{
  HrModel *model = plan->pass.model;
  gboolean is_inner = FALSE;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      is_inner |= tensor->n_layers == 0 && tensor->role == HR_TENSOR_ROLE_NORM &&
                  g_str_has_prefix (tensor->pattern, "model.");
    }

  return has_towers (model) || (is_inner && adds_matrices (plan));
}

static gboolean
resolve_second_version (HrTrainingPlan  *plan,
                        GError         **error)
{
  HrSharding *sharding = &plan->training.sharding;
  gboolean is_mixed = plan->autocast != HR_ELEMENT_NONE;
  gboolean casts_all = is_mixed && !adds_matrices (plan);
  HrRowSharding settings = {
    .element = casts_all ? HR_ELEMENT_FLOAT32 : plan->pass.element,
    .frozen_element = plan->pass.element,
    .gathered_element = get_gathered_element (plan),
    .n_ranks = count_sharers (plan),
    .is_mixed = is_mixed,
    .hands_norms_to_root = hands_norms_to_root (plan),
    .scores_sequences = plan->training.algorithm == HR_ALGORITHM_REWARD,
  };

  if (!has_groups (plan))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a model. */
                            N_("“%s”: expected one table, layers, a norm and a head, as what fully_shard gathers of "
                               "others is not known"),
                            hr_model_get_name (plan->pass.model));
      return FALSE;
    }

  hr_sharding_init_rows (sharding, &plan->pass.storage, &settings);
  shard_reference (plan);
  sharding->has_replicas = hr_training_job_get_fsdp (plan->job) == HR_FSDP_HYBRID_SHARD;
  sharding->stays_gathered = hr_training_job_get_fsdp (plan->job) == HR_FSDP_SHARD_GRAD_OP;
  sharding->embeds_last = hr_pass_crosses (&plan->pass.inference) || hr_pass_joins_in_place (&plan->pass.inference);
  sharding->is_offloaded = hr_training_job_get_parameter_offload (plan->job) == HR_OFFLOAD_CPU;
  if (sharding->is_tied)
    hr_inference_plan_warn (&plan->pass,
                            N_("The head shares the table of tokens: accelerate puts both into one group from 1.15 on, "
                               "as it is counted. With 1.14 torch refuses that from 2.13 on "
                               "(FSDPState._validate_no_duplicate_params)"));
  if (casts_all)
    plan->pass.storage.dtype = HR_DTYPE_FLOAT32;
  plan->pass.element = settings.gathered_element;
  plan->autocast = HR_ELEMENT_NONE;
  warn_of_second_version (plan, is_mixed);

  return TRUE;
}

/*
 * _validate_tensors_to_flatten of torch/distributed/fsdp/_flat_param.py, before accelerate casts anything, and
 * foreach_reduce of _fully_shard/_fsdp_collectives.py, where no policy says what gradients are in.
 */
static gboolean
check_elements (const HrTrainingPlan  *plan,
                GError               **error)
{
  HrModel *model = plan->pass.model;
  gboolean is_cast = plan->autocast != HR_ELEMENT_NONE && !adds_matrices (plan) &&
                     hr_training_job_get_fsdp_version (plan->job) == HR_FSDP_VERSION_2;

  for (guint i = 0; i < hr_model_get_n_tensors (model) && !is_cast; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      g_autofree char *found = NULL;

      if (!tensor->kept_fp32 || hr_trainable_get_element (tensor, plan->pass.element) == plan->pass.element)
        continue;
      found = hr_tensor_get_name (tensor, 0);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are the names of a model and of a tensor. */
                            N_("“%s”: expected all parameters in one data type, as FSDP puts those of a layer together "
                               "(_validate_tensors_to_flatten, foreach_reduce); found %s in float32"),
                            hr_model_get_name (model), found);
      return FALSE;
    }

  return TRUE;
}

/*
 * hr_training_shard_resolve:
 * @plan: a plan, whose forward pass is resolved
 * @error: return location for an error
 *
 * Has parameters gathered layer by layer, where they are sharded.
 *
 * Returns: whether the model can be followed
 */
gboolean
hr_training_shard_resolve (HrTrainingPlan  *plan,
                           GError         **error)
{
  HrTrainingJob *job = plan->job;
  gboolean is_mixed = plan->autocast != HR_ELEMENT_NONE;
  HrFlatSharding settings = {
    .n_ranks = count_sharers (plan),
    .is_aligned = hr_training_job_get_fsdp_use_orig_params (job),
    .stays_gathered = hr_training_job_get_fsdp (job) == HR_FSDP_SHARD_GRAD_OP,
    .is_offloaded = hr_training_job_get_parameter_offload (job) == HR_OFFLOAD_CPU,
    .gathers_ahead = hr_training_job_get_fsdp_backward_prefetch (job),
    .is_mixed = is_mixed,
    .has_units = adds_matrices (plan),
    .frozen_element = plan->pass.element,
  };

  if (hr_training_job_get_fsdp (job) == HR_FSDP_NONE)
    return TRUE;
  if (!check_model (plan, error) || !check_quantization (plan, error) || !check_merge (plan, error) ||
      !check_elements (plan, error))
    return FALSE;

  if (hr_training_job_get_fsdp_version (job) == HR_FSDP_VERSION_2)
    return resolve_second_version (plan, error);

  settings.element = is_mixed ? HR_ELEMENT_FLOAT32 : plan->pass.element;
  settings.gathered_element = get_gathered_element (plan);
  settings.reduced_element = settings.gathered_element;
  flatten_reference (plan, &settings);
  if (is_mixed && !settings.has_units)
    plan->pass.storage.dtype = HR_DTYPE_FLOAT32;
  if (is_mixed)
    plan->pass.element = plan->autocast;
  warn (plan);
  hr_sharding_init_flat (&plan->training.sharding, &plan->pass.storage, &settings);

  return TRUE;
}

static void
take_rows (HrTrainingPlan *plan)
{
  if (!plan->training.sharding.is_flat)
    hr_sharding_take_rows (&plan->training.sharding, &plan->pass.storage, plan->tuning,
                           hr_training_plan_get_reach (plan), plan->reached);
}

/* Matrices that fully_shard gathers with the layers that they are in. */
static void
take_matrices (HrTrainingPlan *plan)
{
  HrSharding *sharding = &plan->training.sharding;
  g_autoptr (HrTrainables) parts = NULL;

  if (!sharding->is_mixed)
    sharding->reduced_element = sharding->element;
  hr_sharding_add_rows (sharding, plan->pass.model, plan->parameters);
  if (sharding->is_offloaded)
    return;

  parts = hr_sharding_list_parts (sharding, plan->parameters);
  sharding->unit_bytes = hr_trainables_get_bytes (parts, FALSE);
  sharding->merge_bytes = hr_sharding_count_merge (sharding, plan->parameters);
}

/*
 * hr_training_shard_take_trained:
 * @plan: a plan, of which what is trained is known
 * @error: return location for an error
 *
 * Has matrices that a method of fine-tuning adds be flat parameters of their own, where all others are frozen.
 *
 * Returns: whether they can be
 */
gboolean
hr_training_shard_take_trained (HrTrainingPlan  *plan,
                                GError         **error)
{
  HrSharding *sharding = &plan->training.sharding;
  g_autoptr (HrTrainables) parts = NULL;
  g_autofree char *found = NULL;

  if (hr_training_job_get_fsdp (plan->job) == HR_FSDP_NONE ||
      hr_training_job_get_framework (plan->job) == HR_TRAINING_FRAMEWORK_TORCHTITAN)
    return TRUE;
  hr_sharding_freeze_stacks (sharding, plan->pass.model, plan->tuning);
  hr_sharding_pass_by (sharding, hr_training_plan_get_reach (plan));
  if (!adds_matrices (plan))
    {
      take_rows (plan);
      return TRUE;
    }

  if (!hr_sharding_takes_units (plan->parameters, plan->training.algorithm == HR_ALGORITHM_REWARD))
    {
      found = hr_job_get_as_string (HR_JOB (plan->job), "lora-targets");
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("lora-targets: expected linear layers, with nothing else that is trained, as what FSDP "
                               "gathers of others is not known; found %s"), found);
      return FALSE;
    }

  /* fsdp2_prepare_model casts nothing beside matrices of four bits. */
  sharding->element = sharding->is_mixed && (sharding->has_units || plan->pass.quantization == HR_QUANTIZATION_NONE)
                        ? HR_ELEMENT_FLOAT32 : hr_tuning_get_element (plan->tuning);
  if (!sharding->has_units)
    {
      take_matrices (plan);
      take_rows (plan);
      return TRUE;
    }
  if (!sharding->is_offloaded)
    {
      parts = hr_sharding_list_units (sharding, plan->parameters);
      sharding->unit_bytes = hr_trainables_get_bytes (parts, FALSE);
    }

  return TRUE;
}

/* Gradients lie in a bucket one behind the other. */
static guint64
count_bucket_bytes (const HrTrainables *parameters)
{
  guint64 bytes = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      bytes += parameter->n_elements * parameter->copies * hr_element_get_bytes (parameter->element);
    }

  return hr_ledger_round (bytes);
}

static gboolean
refuse_fused (const HrTrainingPlan  *plan,
              GError               **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (plan->job), "optimizer");

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("optimizer: expected one that steps when all gradients are there, as "
                           "DistributedDataParallel reduces them before; found %s"), found);

  return FALSE;
}

static gboolean
refuse_proximal (GError **error)
{
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("algorithm: expected another, as what DistributedDataParallel takes for two models at once "
                           "is not known; found ppo"));

  return FALSE;
}

/*
 * hr_training_shard_finish:
 * @plan: a plan, of which everything else is resolved
 * @error: return location for an error
 *
 * Has each rank reduce its gradients through buckets, where nothing is sharded: Reducer::initialize_buckets of
 * torch/csrc/distributed/c10d/reducer.cpp makes them of 25 MB, the first of 1 MB, beside the gradients, as
 * gradient_as_bucket_view is false where nothing else is said. They stay. Each rounds up to 512 bytes by itself, which
 * is left out.
 *
 * Returns: whether the job can be followed
 */
gboolean
hr_training_shard_finish (HrTrainingPlan  *plan,
                          GError         **error)
{
  HrTraining *training = &plan->training;

  if (plan->layout.data == 1 || hr_training_job_get_fsdp (plan->job) != HR_FSDP_NONE ||
      !hr_layout_copies_model (&plan->layout, plan->job))
    return TRUE;
  if (training->optimizer.fused != NULL)
    return refuse_fused (plan, error);
  if (training->algorithm == HR_ALGORITHM_PPO)
    return refuse_proximal (error);

  training->bucket_bytes = count_bucket_bytes (plan->parameters);
  hr_inference_plan_warn (&plan->pass,
                          N_("Each rank is assumed to hold a copy of all in DistributedDataParallel, which reduces "
                             "gradients through buckets beside them (gradient_as_bucket_view is false); what NCCL "
                             "takes is not known, and not counted"));

  return TRUE;
}

/*
 * hr_training_shard_add_buckets:
 * @plan: a plan
 * @estimate: an estimate
 * @bytes: what the buckets take
 *
 * Adds the buckets.
 */
void
hr_training_shard_add_buckets (const HrTrainingPlan *plan,
                               HrEstimate           *estimate,
                               guint64               bytes)
{
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT, bytes);

  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_COMMUNICATION, bytes, "P_g·e", substitution, SOURCE_BUCKETS);
}

/*
 * hr_training_shard_is_divided:
 * @plan: a plan
 *
 * Returns: whether a rank holds parts of parameters
 */
gboolean
hr_training_shard_is_divided (const HrTrainingPlan *plan)
{
  return plan->training.sharding.is_sharded && plan->training.sharding.n_ranks > 1;
}

/*
 * hr_training_shard_get_bytes:
 * @plan: a plan of sharded parameters
 *
 * Returns: what a rank holds of them on its device
 */
guint64
hr_training_shard_get_bytes (const HrTrainingPlan *plan)
{
  const HrSharding *sharding = &plan->training.sharding;

  if (!sharding->is_flat)
    return (sharding->is_offloaded ? 0 : sharding->held_bytes) + sharding->whole_bytes;

  return (sharding->is_offloaded ? 0 : hr_sharding_get_part_bytes (sharding)) +
         sharding->whole_bytes;
}

/* Adds a term for layers that have as many parameters each. */
typedef void (*SizeFunc) (const HrSharding     *sharding,
                          const HrShardedLayer *layer,
                          guint                 n_layers,
                          GString              *text);

static void
append_part (const HrSharding     *sharding,
             const HrShardedLayer *layer,
             guint                 n_layers,
             GString              *text)
{
  g_string_append_printf (text, "%u·%" G_GUINT64_FORMAT " + ", n_layers, layer->n_part);
}

static void
append_quotient (const HrSharding     *sharding,
                 const HrShardedLayer *layer,
                 guint                 n_layers,
                 GString              *text)
{
  g_string_append_printf (text, "%u·⌈%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "⌉ + ", n_layers, layer->n_elements,
                          sharding->n_ranks);
}

/* Returns how many sizes layers of all stacks have. */
static guint
foreach_size (const HrSharding *sharding,
              SizeFunc          func,
              GString          *text)
{
  guint n_sizes = 0;

  for (guint i = 0; i < sharding->n_stacks; i++)
    {
      const HrShardedStack *layers = &sharding->stacks[i];

      for (guint j = 0; j < layers->n_layers; j++)
        {
          guint n_alike = hr_sharding_count_as_large (layers, j);

          if (n_alike > 0 && func != NULL)
            func (sharding, &layers->layers[j], n_alike, text);
          n_sizes += n_alike > 0;
        }
    }

  return n_sizes;
}

/* Layers of each stack, and what is around them. */
static char *
dup_rows (const HrSharding *sharding,
          guint64           buffer_bytes)
{
  GString *text = g_string_new ("(");

  if (sharding->is_whole)
    {
      g_string_printf (text, "%" G_GUINT64_FORMAT "·%u + %" G_GUINT64_FORMAT, sharding->n_part[HR_SHARDED_HEAD],
                       hr_element_get_bytes (sharding->element), buffer_bytes);
      return g_string_free (text, FALSE);
    }
  if (sharding->n_stacks == 0)
    g_string_append_printf (text, "%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT " + ", sharding->n_layers,
                            sharding->n_part[HR_SHARDED_LAYER]);
  foreach_size (sharding, append_part, text);
  g_string_append_printf (text, "%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT,
                          sharding->n_part[HR_SHARDED_EMBEDDING], sharding->n_part[HR_SHARDED_HEAD]);
  if (sharding->n_part[HR_SHARDED_ROOT] > 0)
    g_string_append_printf (text, " + %" G_GUINT64_FORMAT, sharding->n_part[HR_SHARDED_ROOT]);
  g_string_append_printf (text, ")·%u + %" G_GUINT64_FORMAT, hr_element_get_bytes (sharding->element), buffer_bytes);

  return g_string_free (text, FALSE);
}

/*
 * hr_training_shard_get_reference_bytes:
 * @plan: a plan
 *
 * Returns: what a rank holds all the time of the reference model, where that is sharded by itself, and 0 else
 */
guint64
hr_training_shard_get_reference_bytes (const HrTrainingPlan *plan)
{
  const HrSharding *sharding = &plan->training.reference_sharding;

  if (!sharding->is_sharded)
    return 0;

  return (sharding->is_offloaded ? 0
          : sharding->is_flat    ? hr_sharding_get_part_bytes (sharding)
                                 : sharding->held_bytes) + hr_sharding_get_rest_bytes (sharding);
}

/* Of flat parameters, stack by stack. */
static char *
dup_parts (const HrSharding *sharding,
           guint64           buffer_bytes)
{
  GString *text = g_string_new ("(");

  foreach_size (sharding, append_quotient, text);
  g_string_append_printf (text, "⌈%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "⌉)·%u + %" G_GUINT64_FORMAT,
                          sharding->n_elements[HR_SHARDED_HEAD], sharding->n_ranks,
                          hr_element_get_bytes (sharding->element), buffer_bytes);

  return g_string_free (text, FALSE);
}

static const char *
get_formula (const HrSharding *self)
{
  if (self->is_offloaded)
    return "buffers";
  if (self->is_whole)
    return "⌈P/N_d⌉·e + buffers";
  if (!self->is_flat && foreach_size (self, NULL, NULL) > 1)
    return "(Σ L·⌈p_l/N_d⌉ + ⌈p_e/N_d⌉ + ⌈p_o/N_d⌉ + ⌈p_r/N_d⌉)·e + buffers";
  if (!self->is_flat)
    return self->n_part[HR_SHARDED_ROOT] > 0 ? "(L·⌈p_l/N_d⌉ + ⌈p_e/N_d⌉ + ⌈p_o/N_d⌉ + ⌈p_r/N_d⌉)·e + buffers"
                                             : "(L·⌈p_l/N_d⌉ + ⌈p_e/N_d⌉ + ⌈p_o/N_d⌉)·e + buffers";

  return foreach_size (self, NULL, NULL) > 1 ? "(Σ L·⌈p_l/N_d⌉ + ⌈p_o/N_d⌉)·e + buffers"
                                             : "(L·⌈p_l/N_d⌉ + ⌈p_o/N_d⌉)·e + buffers";
}

/*
 * hr_training_shard_add_component:
 * @plan: a plan of sharded parameters
 * @estimate: an estimate
 * @id: the weights, or those of the reference model
 * @bytes: what a rank holds of them
 * @buffer_bytes: what of that are buffers
 *
 * Adds the weights of a rank.
 */
void
hr_training_shard_add_component (const HrTrainingPlan *plan,
                                 HrEstimate           *estimate,
                                 HrComponentId         id,
                                 guint64               bytes,
                                 guint64               buffer_bytes)
{
  const HrSharding *sharding = id == HR_COMPONENT_REFERENCE_MODEL ? &plan->training.reference_sharding
                                                                  : &plan->training.sharding;
  guint64 rest_bytes = hr_sharding_get_rest_bytes (sharding);
  g_autofree char *parts = sharding->is_flat ? dup_parts (sharding, buffer_bytes)
                                             : dup_rows (sharding, buffer_bytes);
  g_autofree char *formula = rest_bytes > 0 ? g_strconcat (get_formula (sharding), " + p_o·e", NULL)
                                            : g_strdup (get_formula (sharding));
  g_autofree char *substitution = rest_bytes > 0 ? g_strdup_printf ("%s + %" G_GUINT64_FORMAT, parts, rest_bytes)
                                                 : g_steal_pointer (&parts);

  _hr_estimate_add_component (estimate, 0, id, bytes, formula, substitution,
                              sharding->is_flat ? SOURCE_PARTS : SOURCE_ROWS);
}
