/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-training-job.h"

#include <glib/gi18n-lib.h>

#include "hr-base-enums.h"
#include "hr-job-enums.h"
#include "hr-job-private.h"
#include "hr-precision-recipe.h"
#include "hr-training-profile.h"

/**
 * HrTrainingJob:
 *
 * Training all parameters of a model.
 *
 * The defaults are a plain PyTorch loop over the transformers implementation that trains one sequence of 2048 tokens at
 * a time, in the data type that the model's configuration states; fine-tuning adds which parameters are trained.
 */
typedef struct
{
  HrTrainingFramework framework;
  HrAutocast autocast;
  HrFp8Recipe fp8_recipe;
  HrFp8Backend fp8_backend;
  guint64 micro_batch_size;
  guint64 sequence_length;
  guint64 gradient_accumulation_steps;
  HrGradientCheckpointing gradient_checkpointing;
  HrSelectiveCheckpointing selective_checkpointing;
  guint64 checkpointing_layers;
  guint64 layers_per_checkpoint;
  gboolean distribute_checkpoints;
  HrFusedKernels fused_kernels;
  HrLossImplementation loss_implementation;
  HrActivationOffload activation_offload;
  gboolean torch_compile;
  HrExamplePacking packing;
  guint64 example_length;
  HrOptimizerKind optimizer;
  HrOptimizerImplementation optimizer_implementation;
  guint64 optimizer_rank;
  HrMasterDtype master_dtype;
  HrGradientDtype gradient_dtype;
  gboolean gradient_clipping;
  gboolean reentrant_checkpointing;
  gboolean fp32_outputs;
  gboolean keep_outputs;
  HrZeroGrad zero_grad;
  HrLogitsUpcast logits_upcast;
  HrTrlRelease trl_release;
  HrPrecisionRecipe precision_recipe;
  gboolean sequence_parallel;
  guint64 virtual_pipeline_parallel;
  guint64 micro_batch_group_size;
  guint64 deferred_head_gradients;
  guint64 mtp_num_layers;
  guint64 first_stage_layers;
  guint64 last_stage_layers;
  gboolean count_embedding_as_layer;
  gboolean count_loss_as_layer;
  guint64 ulysses_parallel;
  guint64 expert_tensor_parallel;
  HrPipelineSchedule pipeline_schedule;
  HrMoeDispatcher moe_dispatcher;
  double expert_capacity_factor;
  gboolean pad_to_capacity;
  gboolean moe_grouped_gemm;
  HrRuleOfThumb rule_of_thumb;
  HrFsdp fsdp;
  HrFsdpVersion fsdp_version;
  guint64 data_parallel_replicas;
  guint64 rule_buffers;
  double rule_overhead;
  HrBackwardPrefetch fsdp_backward_prefetch;
  gboolean fsdp_use_orig_params;
  guint64 reduce_bucket_size;
  gboolean overlap_comm;
  gboolean contiguous_gradients;
  guint64 stage3_prefetch_bucket_size;
  guint64 stage3_max_live_parameters;
  guint64 stage3_max_reuse_distance;
  guint64 stage3_param_persistence_threshold;
  guint64 sub_group_size;
  guint64 zero_hpz_partition_size;
  gboolean zero_quantized_weights;
  gboolean zero_quantized_gradients;
  guint64 gpus_per_node;
  HrOffload parameter_offload;
  HrOffload optimizer_offload;
  guint64 zero_stage;
} HrTrainingJobPrivate;

enum
{
  PROP_0,
  PROP_FRAMEWORK,
  PROP_AUTOCAST,
  PROP_FP8_RECIPE,
  PROP_FP8_BACKEND,
  PROP_MICRO_BATCH_SIZE,
  PROP_SEQUENCE_LENGTH,
  PROP_GRADIENT_ACCUMULATION_STEPS,
  PROP_GRADIENT_CHECKPOINTING,
  PROP_SELECTIVE_CHECKPOINTING,
  PROP_CHECKPOINTING_LAYERS,
  PROP_LAYERS_PER_CHECKPOINT,
  PROP_DISTRIBUTE_CHECKPOINTS,
  PROP_FUSED_KERNELS,
  PROP_LOSS_IMPLEMENTATION,
  PROP_ACTIVATION_OFFLOAD,
  PROP_TORCH_COMPILE,
  PROP_PACKING,
  PROP_EXAMPLE_LENGTH,
  PROP_OPTIMIZER,
  PROP_OPTIMIZER_IMPLEMENTATION,
  PROP_OPTIMIZER_RANK,
  PROP_MASTER_DTYPE,
  PROP_GRADIENT_DTYPE,
  PROP_GRADIENT_CLIPPING,
  PROP_REENTRANT_CHECKPOINTING,
  PROP_FP32_OUTPUTS,
  PROP_KEEP_OUTPUTS,
  PROP_ZERO_GRAD,
  PROP_LOGITS_UPCAST,
  PROP_TRL_RELEASE,
  PROP_PRECISION_RECIPE,
  PROP_SEQUENCE_PARALLEL,
  PROP_VIRTUAL_PIPELINE_PARALLEL,
  PROP_MICRO_BATCH_GROUP_SIZE,
  PROP_DEFERRED_HEAD_GRADIENTS,
  PROP_MTP_NUM_LAYERS,
  PROP_FIRST_STAGE_LAYERS,
  PROP_LAST_STAGE_LAYERS,
  PROP_COUNT_EMBEDDING_AS_LAYER,
  PROP_COUNT_LOSS_AS_LAYER,
  PROP_ULYSSES_PARALLEL,
  PROP_EXPERT_TENSOR_PARALLEL,
  PROP_PIPELINE_SCHEDULE,
  PROP_MOE_DISPATCHER,
  PROP_EXPERT_CAPACITY_FACTOR,
  PROP_PAD_TO_CAPACITY,
  PROP_MOE_GROUPED_GEMM,
  PROP_RULE_OF_THUMB,
  PROP_FSDP,
  PROP_FSDP_VERSION,
  PROP_DATA_PARALLEL_REPLICAS,
  PROP_RULE_BUFFERS,
  PROP_RULE_OVERHEAD,
  PROP_FSDP_BACKWARD_PREFETCH,
  PROP_FSDP_USE_ORIG_PARAMS,
  PROP_PARAMETER_OFFLOAD,
  PROP_OPTIMIZER_OFFLOAD,
  PROP_ZERO_STAGE,
  PROP_REDUCE_BUCKET_SIZE,
  PROP_OVERLAP_COMM,
  PROP_CONTIGUOUS_GRADIENTS,
  PROP_STAGE3_PREFETCH_BUCKET_SIZE,
  PROP_STAGE3_MAX_LIVE_PARAMETERS,
  PROP_STAGE3_MAX_REUSE_DISTANCE,
  PROP_STAGE3_PARAM_PERSISTENCE_THRESHOLD,
  PROP_SUB_GROUP_SIZE,
  PROP_ZERO_HPZ_PARTITION_SIZE,
  PROP_ZERO_QUANTIZED_WEIGHTS,
  PROP_ZERO_QUANTIZED_GRADIENTS,
  PROP_GPUS_PER_NODE,
  N_PROPS
};

G_DEFINE_TYPE_WITH_PRIVATE (HrTrainingJob, hr_training_job, HR_TYPE_JOB)

static GParamSpec *properties[N_PROPS];

static void
hr_training_job_get_property (GObject    *object,
                              guint       prop_id,
                              GValue     *value,
                              GParamSpec *pspec)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (HR_TRAINING_JOB (object));

  switch (prop_id)
    {
    case PROP_FRAMEWORK:
      g_value_set_enum (value, priv->framework);
      break;

    case PROP_AUTOCAST:
      g_value_set_enum (value, priv->autocast);
      break;

    case PROP_FP8_RECIPE:
      g_value_set_enum (value, priv->fp8_recipe);
      break;

    case PROP_FP8_BACKEND:
      g_value_set_enum (value, priv->fp8_backend);
      break;

    case PROP_MICRO_BATCH_SIZE:
      g_value_set_uint64 (value, priv->micro_batch_size);
      break;

    case PROP_SEQUENCE_LENGTH:
      g_value_set_uint64 (value, priv->sequence_length);
      break;

    case PROP_GRADIENT_ACCUMULATION_STEPS:
      g_value_set_uint64 (value, priv->gradient_accumulation_steps);
      break;

    case PROP_GRADIENT_CHECKPOINTING:
      g_value_set_enum (value, priv->gradient_checkpointing);
      break;

    case PROP_SELECTIVE_CHECKPOINTING:
      g_value_set_enum (value, priv->selective_checkpointing);
      break;

    case PROP_CHECKPOINTING_LAYERS:
      g_value_set_uint64 (value, priv->checkpointing_layers);
      break;

    case PROP_LAYERS_PER_CHECKPOINT:
      g_value_set_uint64 (value, priv->layers_per_checkpoint);
      break;

    case PROP_DISTRIBUTE_CHECKPOINTS:
      g_value_set_boolean (value, priv->distribute_checkpoints);
      break;

    case PROP_FUSED_KERNELS:
      g_value_set_enum (value, priv->fused_kernels);
      break;

    case PROP_LOSS_IMPLEMENTATION:
      g_value_set_enum (value, priv->loss_implementation);
      break;

    case PROP_ACTIVATION_OFFLOAD:
      g_value_set_enum (value, priv->activation_offload);
      break;

    case PROP_TORCH_COMPILE:
      g_value_set_boolean (value, priv->torch_compile);
      break;

    case PROP_PACKING:
      g_value_set_enum (value, priv->packing);
      break;

    case PROP_EXAMPLE_LENGTH:
      g_value_set_uint64 (value, priv->example_length);
      break;

    case PROP_OPTIMIZER:
      g_value_set_enum (value, priv->optimizer);
      break;

    case PROP_OPTIMIZER_IMPLEMENTATION:
      g_value_set_enum (value, priv->optimizer_implementation);
      break;

    case PROP_OPTIMIZER_RANK:
      g_value_set_uint64 (value, priv->optimizer_rank);
      break;

    case PROP_MASTER_DTYPE:
      g_value_set_enum (value, priv->master_dtype);
      break;

    case PROP_GRADIENT_DTYPE:
      g_value_set_enum (value, priv->gradient_dtype);
      break;

    case PROP_GRADIENT_CLIPPING:
      g_value_set_boolean (value, priv->gradient_clipping);
      break;

    case PROP_REENTRANT_CHECKPOINTING:
      g_value_set_boolean (value, priv->reentrant_checkpointing);
      break;

    case PROP_FP32_OUTPUTS:
      g_value_set_boolean (value, priv->fp32_outputs);
      break;

    case PROP_KEEP_OUTPUTS:
      g_value_set_boolean (value, priv->keep_outputs);
      break;

    case PROP_ZERO_GRAD:
      g_value_set_enum (value, priv->zero_grad);
      break;

    case PROP_LOGITS_UPCAST:
      g_value_set_enum (value, priv->logits_upcast);
      break;

    case PROP_TRL_RELEASE:
      g_value_set_enum (value, priv->trl_release);
      break;

    case PROP_PRECISION_RECIPE:
      g_value_set_enum (value, priv->precision_recipe);
      break;

    case PROP_SEQUENCE_PARALLEL:
      g_value_set_boolean (value, priv->sequence_parallel);
      break;

    case PROP_VIRTUAL_PIPELINE_PARALLEL:
      g_value_set_uint64 (value, priv->virtual_pipeline_parallel);
      break;

    case PROP_MICRO_BATCH_GROUP_SIZE:
      g_value_set_uint64 (value, priv->micro_batch_group_size);
      break;

    case PROP_DEFERRED_HEAD_GRADIENTS:
      g_value_set_uint64 (value, priv->deferred_head_gradients);
      break;

    case PROP_MTP_NUM_LAYERS:
      g_value_set_uint64 (value, priv->mtp_num_layers);
      break;

    case PROP_FIRST_STAGE_LAYERS:
      g_value_set_uint64 (value, priv->first_stage_layers);
      break;

    case PROP_LAST_STAGE_LAYERS:
      g_value_set_uint64 (value, priv->last_stage_layers);
      break;

    case PROP_COUNT_EMBEDDING_AS_LAYER:
      g_value_set_boolean (value, priv->count_embedding_as_layer);
      break;

    case PROP_COUNT_LOSS_AS_LAYER:
      g_value_set_boolean (value, priv->count_loss_as_layer);
      break;

    case PROP_ULYSSES_PARALLEL:
      g_value_set_uint64 (value, priv->ulysses_parallel);
      break;

    case PROP_EXPERT_TENSOR_PARALLEL:
      g_value_set_uint64 (value, priv->expert_tensor_parallel);
      break;

    case PROP_PIPELINE_SCHEDULE:
      g_value_set_enum (value, priv->pipeline_schedule);
      break;

    case PROP_MOE_DISPATCHER:
      g_value_set_enum (value, priv->moe_dispatcher);
      break;

    case PROP_EXPERT_CAPACITY_FACTOR:
      g_value_set_double (value, priv->expert_capacity_factor);
      break;

    case PROP_PAD_TO_CAPACITY:
      g_value_set_boolean (value, priv->pad_to_capacity);
      break;

    case PROP_MOE_GROUPED_GEMM:
      g_value_set_boolean (value, priv->moe_grouped_gemm);
      break;

    case PROP_RULE_OF_THUMB:
      g_value_set_enum (value, priv->rule_of_thumb);
      break;

    case PROP_FSDP:
      g_value_set_enum (value, priv->fsdp);
      break;

    case PROP_FSDP_VERSION:
      g_value_set_enum (value, priv->fsdp_version);
      break;

    case PROP_DATA_PARALLEL_REPLICAS:
      g_value_set_uint64 (value, priv->data_parallel_replicas);
      break;

    case PROP_RULE_BUFFERS:
      g_value_set_uint64 (value, priv->rule_buffers);
      break;

    case PROP_RULE_OVERHEAD:
      g_value_set_double (value, priv->rule_overhead);
      break;

    case PROP_FSDP_BACKWARD_PREFETCH:
      g_value_set_enum (value, priv->fsdp_backward_prefetch);
      break;

    case PROP_FSDP_USE_ORIG_PARAMS:
      g_value_set_boolean (value, priv->fsdp_use_orig_params);
      break;

    case PROP_REDUCE_BUCKET_SIZE:
      g_value_set_uint64 (value, priv->reduce_bucket_size);
      break;

    case PROP_OVERLAP_COMM:
      g_value_set_boolean (value, priv->overlap_comm);
      break;

    case PROP_CONTIGUOUS_GRADIENTS:
      g_value_set_boolean (value, priv->contiguous_gradients);
      break;

    case PROP_STAGE3_PREFETCH_BUCKET_SIZE:
      g_value_set_uint64 (value, priv->stage3_prefetch_bucket_size);
      break;

    case PROP_STAGE3_MAX_LIVE_PARAMETERS:
      g_value_set_uint64 (value, priv->stage3_max_live_parameters);
      break;

    case PROP_STAGE3_MAX_REUSE_DISTANCE:
      g_value_set_uint64 (value, priv->stage3_max_reuse_distance);
      break;

    case PROP_STAGE3_PARAM_PERSISTENCE_THRESHOLD:
      g_value_set_uint64 (value, priv->stage3_param_persistence_threshold);
      break;

    case PROP_SUB_GROUP_SIZE:
      g_value_set_uint64 (value, priv->sub_group_size);
      break;

    case PROP_ZERO_HPZ_PARTITION_SIZE:
      g_value_set_uint64 (value, priv->zero_hpz_partition_size);
      break;

    case PROP_ZERO_QUANTIZED_WEIGHTS:
      g_value_set_boolean (value, priv->zero_quantized_weights);
      break;

    case PROP_ZERO_QUANTIZED_GRADIENTS:
      g_value_set_boolean (value, priv->zero_quantized_gradients);
      break;

    case PROP_GPUS_PER_NODE:
      g_value_set_uint64 (value, priv->gpus_per_node);
      break;

    case PROP_PARAMETER_OFFLOAD:
      g_value_set_enum (value, priv->parameter_offload);
      break;

    case PROP_OPTIMIZER_OFFLOAD:
      g_value_set_enum (value, priv->optimizer_offload);
      break;

    case PROP_ZERO_STAGE:
      g_value_set_uint64 (value, priv->zero_stage);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_training_job_set_property (GObject      *object,
                              guint         prop_id,
                              const GValue *value,
                              GParamSpec   *pspec)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (HR_TRAINING_JOB (object));
  g_auto (GValue) old_value = G_VALUE_INIT;

  g_value_init (&old_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  hr_training_job_get_property (object, prop_id, &old_value, pspec);
  if (g_param_values_cmp (pspec, &old_value, value) == 0)
    return;

  switch (prop_id)
    {
    case PROP_FRAMEWORK:
      priv->framework = g_value_get_enum (value);
      break;

    case PROP_AUTOCAST:
      priv->autocast = g_value_get_enum (value);
      break;

    case PROP_FP8_RECIPE:
      priv->fp8_recipe = g_value_get_enum (value);
      break;

    case PROP_FP8_BACKEND:
      priv->fp8_backend = g_value_get_enum (value);
      break;

    case PROP_MICRO_BATCH_SIZE:
      priv->micro_batch_size = g_value_get_uint64 (value);
      break;

    case PROP_SEQUENCE_LENGTH:
      priv->sequence_length = g_value_get_uint64 (value);
      break;

    case PROP_GRADIENT_ACCUMULATION_STEPS:
      priv->gradient_accumulation_steps = g_value_get_uint64 (value);
      break;

    case PROP_GRADIENT_CHECKPOINTING:
      priv->gradient_checkpointing = g_value_get_enum (value);
      break;

    case PROP_SELECTIVE_CHECKPOINTING:
      priv->selective_checkpointing = g_value_get_enum (value);
      break;

    case PROP_CHECKPOINTING_LAYERS:
      priv->checkpointing_layers = g_value_get_uint64 (value);
      break;

    case PROP_LAYERS_PER_CHECKPOINT:
      priv->layers_per_checkpoint = g_value_get_uint64 (value);
      break;

    case PROP_DISTRIBUTE_CHECKPOINTS:
      priv->distribute_checkpoints = g_value_get_boolean (value);
      break;

    case PROP_FUSED_KERNELS:
      priv->fused_kernels = g_value_get_enum (value);
      break;

    case PROP_LOSS_IMPLEMENTATION:
      priv->loss_implementation = g_value_get_enum (value);
      break;

    case PROP_ACTIVATION_OFFLOAD:
      priv->activation_offload = g_value_get_enum (value);
      break;

    case PROP_TORCH_COMPILE:
      priv->torch_compile = g_value_get_boolean (value);
      break;

    case PROP_PACKING:
      priv->packing = g_value_get_enum (value);
      break;

    case PROP_EXAMPLE_LENGTH:
      priv->example_length = g_value_get_uint64 (value);
      break;

    case PROP_OPTIMIZER:
      priv->optimizer = g_value_get_enum (value);
      break;

    case PROP_OPTIMIZER_IMPLEMENTATION:
      priv->optimizer_implementation = g_value_get_enum (value);
      break;

    case PROP_OPTIMIZER_RANK:
      priv->optimizer_rank = g_value_get_uint64 (value);
      break;

    case PROP_MASTER_DTYPE:
      priv->master_dtype = g_value_get_enum (value);
      break;

    case PROP_GRADIENT_DTYPE:
      priv->gradient_dtype = g_value_get_enum (value);
      break;

    case PROP_GRADIENT_CLIPPING:
      priv->gradient_clipping = g_value_get_boolean (value);
      break;

    case PROP_REENTRANT_CHECKPOINTING:
      priv->reentrant_checkpointing = g_value_get_boolean (value);
      break;

    case PROP_FP32_OUTPUTS:
      priv->fp32_outputs = g_value_get_boolean (value);
      break;

    case PROP_KEEP_OUTPUTS:
      priv->keep_outputs = g_value_get_boolean (value);
      break;

    case PROP_ZERO_GRAD:
      priv->zero_grad = g_value_get_enum (value);
      break;

    case PROP_LOGITS_UPCAST:
      priv->logits_upcast = g_value_get_enum (value);
      break;

    case PROP_TRL_RELEASE:
      priv->trl_release = g_value_get_enum (value);
      break;

    case PROP_PRECISION_RECIPE:
      priv->precision_recipe = g_value_get_enum (value);
      break;

    case PROP_SEQUENCE_PARALLEL:
      priv->sequence_parallel = g_value_get_boolean (value);
      break;

    case PROP_VIRTUAL_PIPELINE_PARALLEL:
      priv->virtual_pipeline_parallel = g_value_get_uint64 (value);
      break;

    case PROP_MICRO_BATCH_GROUP_SIZE:
      priv->micro_batch_group_size = g_value_get_uint64 (value);
      break;

    case PROP_DEFERRED_HEAD_GRADIENTS:
      priv->deferred_head_gradients = g_value_get_uint64 (value);
      break;

    case PROP_MTP_NUM_LAYERS:
      priv->mtp_num_layers = g_value_get_uint64 (value);
      break;

    case PROP_FIRST_STAGE_LAYERS:
      priv->first_stage_layers = g_value_get_uint64 (value);
      break;

    case PROP_LAST_STAGE_LAYERS:
      priv->last_stage_layers = g_value_get_uint64 (value);
      break;

    case PROP_COUNT_EMBEDDING_AS_LAYER:
      priv->count_embedding_as_layer = g_value_get_boolean (value);
      break;

    case PROP_COUNT_LOSS_AS_LAYER:
      priv->count_loss_as_layer = g_value_get_boolean (value);
      break;

    case PROP_ULYSSES_PARALLEL:
      priv->ulysses_parallel = g_value_get_uint64 (value);
      break;

    case PROP_EXPERT_TENSOR_PARALLEL:
      priv->expert_tensor_parallel = g_value_get_uint64 (value);
      break;

    case PROP_PIPELINE_SCHEDULE:
      priv->pipeline_schedule = g_value_get_enum (value);
      break;

    case PROP_MOE_DISPATCHER:
      priv->moe_dispatcher = g_value_get_enum (value);
      break;

    case PROP_EXPERT_CAPACITY_FACTOR:
      priv->expert_capacity_factor = g_value_get_double (value);
      break;

    case PROP_PAD_TO_CAPACITY:
      priv->pad_to_capacity = g_value_get_boolean (value);
      break;

    case PROP_MOE_GROUPED_GEMM:
      priv->moe_grouped_gemm = g_value_get_boolean (value);
      break;

    case PROP_RULE_OF_THUMB:
      priv->rule_of_thumb = g_value_get_enum (value);
      break;

    case PROP_FSDP:
      priv->fsdp = g_value_get_enum (value);
      break;

    case PROP_FSDP_VERSION:
      priv->fsdp_version = g_value_get_enum (value);
      break;

    case PROP_DATA_PARALLEL_REPLICAS:
      priv->data_parallel_replicas = g_value_get_uint64 (value);
      break;

    case PROP_RULE_BUFFERS:
      priv->rule_buffers = g_value_get_uint64 (value);
      break;

    case PROP_RULE_OVERHEAD:
      priv->rule_overhead = g_value_get_double (value);
      break;

    case PROP_FSDP_BACKWARD_PREFETCH:
      priv->fsdp_backward_prefetch = g_value_get_enum (value);
      break;

    case PROP_FSDP_USE_ORIG_PARAMS:
      priv->fsdp_use_orig_params = g_value_get_boolean (value);
      break;

    case PROP_REDUCE_BUCKET_SIZE:
      priv->reduce_bucket_size = g_value_get_uint64 (value);
      break;

    case PROP_OVERLAP_COMM:
      priv->overlap_comm = g_value_get_boolean (value);
      break;

    case PROP_CONTIGUOUS_GRADIENTS:
      priv->contiguous_gradients = g_value_get_boolean (value);
      break;

    case PROP_STAGE3_PREFETCH_BUCKET_SIZE:
      priv->stage3_prefetch_bucket_size = g_value_get_uint64 (value);
      break;

    case PROP_STAGE3_MAX_LIVE_PARAMETERS:
      priv->stage3_max_live_parameters = g_value_get_uint64 (value);
      break;

    case PROP_STAGE3_MAX_REUSE_DISTANCE:
      priv->stage3_max_reuse_distance = g_value_get_uint64 (value);
      break;

    case PROP_STAGE3_PARAM_PERSISTENCE_THRESHOLD:
      priv->stage3_param_persistence_threshold = g_value_get_uint64 (value);
      break;

    case PROP_SUB_GROUP_SIZE:
      priv->sub_group_size = g_value_get_uint64 (value);
      break;

    case PROP_ZERO_HPZ_PARTITION_SIZE:
      priv->zero_hpz_partition_size = g_value_get_uint64 (value);
      break;

    case PROP_ZERO_QUANTIZED_WEIGHTS:
      priv->zero_quantized_weights = g_value_get_boolean (value);
      break;

    case PROP_ZERO_QUANTIZED_GRADIENTS:
      priv->zero_quantized_gradients = g_value_get_boolean (value);
      break;

    case PROP_GPUS_PER_NODE:
      priv->gpus_per_node = g_value_get_uint64 (value);
      break;

    case PROP_PARAMETER_OFFLOAD:
      priv->parameter_offload = g_value_get_enum (value);
      break;

    case PROP_OPTIMIZER_OFFLOAD:
      priv->optimizer_offload = g_value_get_enum (value);
      break;

    case PROP_ZERO_STAGE:
      priv->zero_stage = g_value_get_uint64 (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  g_object_notify_by_pspec (object, pspec);
}

static void
hr_training_job_resolve (HrJob   *job,
                         HrModel *model)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (HR_TRAINING_JOB (job));
  const HrTrainingProfile *profile = hr_training_profile_get (priv->framework);

  if (profile != NULL && profile->holds_fp32 && hr_job_get_dtype (job) == HR_DTYPE_AUTO)
    g_object_set (job, "dtype", HR_DTYPE_FLOAT32, NULL);
  /* Which recipe holds where the job names none, and the framework does; what contradicts one is refused elsewhere. */
  priv->precision_recipe = hr_precision_recipe_find (HR_TRAINING_JOB (job), model);
  hr_precision_recipe_apply (HR_TRAINING_JOB (job), model, NULL);
  /* What is trained whole, and what a format has no gradients for, is loaded without it. */
  if (hr_job_get_quantization (job) == HR_QUANTIZATION_AUTO)
    g_object_set (job, "quantization", HR_QUANTIZATION_NONE, NULL);
  HR_JOB_CLASS (hr_training_job_parent_class)->resolve (job, model);

  priv->optimizer_implementation =
    hr_training_profile_get_implementation (hr_training_profile_get (priv->framework), priv->optimizer,
                                            priv->optimizer_implementation);
}

/* There are many settings, and jobs are copied for each estimate. Nothing of these has to be freed. */
static void
hr_training_job_copy (HrJob *self,
                      HrJob *copy)
{
  HrTrainingJobPrivate *from = hr_training_job_get_instance_private (HR_TRAINING_JOB (self));
  HrTrainingJobPrivate *to = hr_training_job_get_instance_private (HR_TRAINING_JOB (copy));

  *to = *from;
}

static void
hr_training_job_class_init (HrTrainingJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = hr_training_job_get_property;
  object_class->set_property = hr_training_job_set_property;

  HR_JOB_CLASS (klass)->mode = HR_MODE_TRAINING;
  HR_JOB_CLASS (klass)->resolve = hr_training_job_resolve;
  HR_JOB_CLASS (klass)->copied_type = HR_TYPE_TRAINING_JOB;
  HR_JOB_CLASS (klass)->copy = hr_training_job_copy;

  /**
   * HrTrainingJob:framework:
   *
   * The program that trains the model.
   */
  properties[PROP_FRAMEWORK] =
    g_param_spec_enum ("framework",
                       N_("Framework"),
                       N_("The program that trains the model: it decides what is kept beside what the model itself "
                          "needs"),
                       HR_TYPE_TRAINING_FRAMEWORK, HR_TRAINING_FRAMEWORK_PYTORCH,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:autocast:
   *
   * What `torch.autocast` computes products in.
   */
  properties[PROP_AUTOCAST] =
    g_param_spec_enum ("autocast",
                       N_("Autocast"),
                       N_("What torch.autocast computes products in, over parameters in the data type above; “none” "
                          "computes in that"),
                       HR_TYPE_AUTOCAST, HR_AUTOCAST_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:fp8-recipe:
   *
   * How linear layers cast the factors of their products to fp8.
   */
  properties[PROP_FP8_RECIPE] =
    g_param_spec_enum ("fp8-recipe",
                       N_("FP8 recipe"),
                       N_("How linear layers cast the factors of their products to fp8, over parameters in the data "
                          "type above; “none” multiplies them as they are"),
                       HR_TYPE_FP8_RECIPE, HR_FP8_RECIPE_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:fp8-backend:
   *
   * Whose linear layers compute in fp8.
   */
  properties[PROP_FP8_BACKEND] =
    g_param_spec_enum ("fp8-backend",
                       N_("FP8 backend"),
                       N_("Whose linear layers compute in fp8: torchao keeps inputs and weights as they are, "
                          "Transformer Engine keeps both in fp8"),
                       HR_TYPE_FP8_BACKEND, HR_FP8_BACKEND_TORCHAO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:micro-batch-size:
   *
   * How many sequences go through the model at once.
   */
  properties[PROP_MICRO_BATCH_SIZE] =
    g_param_spec_uint64 ("micro-batch-size",
                         N_("Micro-batch size"),
                         N_("Sequences that go through the model at once"),
                         1, 65536, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:sequence-length:
   *
   * How many tokens each sequence has.
   */
  properties[PROP_SEQUENCE_LENGTH] =
    g_param_spec_uint64 ("sequence-length",
                         N_("Sequence length"),
                         N_("Tokens of each sequence"),
                         1, 16777216, 2048,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:gradient-accumulation-steps:
   *
   * How many micro-batches a step of the optimizer has.
   */
  properties[PROP_GRADIENT_ACCUMULATION_STEPS] =
    g_param_spec_uint64 ("gradient-accumulation-steps",
                         N_("Gradient accumulation steps"),
                         N_("Micro-batches whose gradients are added up before the optimizer uses them"),
                         1, 65536, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:gradient-checkpointing:
   *
   * What is computed anew in the backward pass.
   */
  properties[PROP_GRADIENT_CHECKPOINTING] =
    g_param_spec_enum ("gradient-checkpointing",
                       N_("Gradient checkpointing"),
                       N_("Keep only what goes into each layer, and compute the rest again in the backward pass"),
                       HR_TYPE_GRADIENT_CHECKPOINTING, HR_GRADIENT_CHECKPOINTING_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:selective-checkpointing:
   *
   * What selective checkpointing computes anew.
   */
  properties[PROP_SELECTIVE_CHECKPOINTING] =
    g_param_spec_enum ("selective-checkpointing",
                       N_("Selective checkpointing"),
                       N_("What is computed again: all but every second product and the attention (torchtitan), the "
                          "attention alone (Megatron-LM), every n-th layer, or the first n layers"),
                       HR_TYPE_SELECTIVE_CHECKPOINTING, HR_SELECTIVE_CHECKPOINTING_OPERATORS,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:checkpointing-layers:
   *
   * How many layers selective checkpointing counts.
   */
  properties[PROP_CHECKPOINTING_LAYERS] =
    g_param_spec_uint64 ("checkpointing-layers",
                         N_("Layers of checkpointing"),
                         N_("The n of “every n-th layer” and “the first n layers”"),
                         1, 10000, 2,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:layers-per-checkpoint:
   *
   * How many layers are computed anew at once.
   */
  properties[PROP_LAYERS_PER_CHECKPOINT] =
    g_param_spec_uint64 ("layers-per-checkpoint",
                         N_("Layers per checkpoint"),
                         N_("Layers that are computed again at once, from what goes into the first of them "
                            "(--recompute-method uniform of Megatron-LM)"),
                         1, 10000, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:distribute-checkpoints:
   *
   * Whether what goes into layers that are computed anew is divided among the ranks of tensor parallelism.
   */
  properties[PROP_DISTRIBUTE_CHECKPOINTS] =
    g_param_spec_boolean ("distribute-checkpoints",
                          N_("Divide checkpoints"),
                          N_("Divide what is kept of layers that are computed again among the ranks of tensor "
                             "parallelism (--distribute-saved-activations of Megatron-LM)"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:fused-kernels:
   *
   * Whose kernels take the place of norms, activations and rotations.
   */
  properties[PROP_FUSED_KERNELS] =
    g_param_spec_enum ("fused-kernels",
                       N_("Fused kernels"),
                       N_("Kernels that do in one step what the model’s layers do in several: Liger-Kernel has norms, "
                          "gated activations and rotations"),
                       HR_TYPE_FUSED_KERNELS, HR_FUSED_KERNELS_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:loss-implementation:
   *
   * What computes the cross entropy.
   */
  properties[PROP_LOSS_IMPLEMENTATION] =
    g_param_spec_enum ("loss-implementation",
                       N_("Implementation of the loss"),
                       N_("What computes the cross entropy: torch, from all logits in fp32; Liger-Kernel, in place, "
                          "or with the output head, a part of the tokens at a time; Apple’s kernel, without logits; "
                          "TRL, 256 tokens at a time; or the fused kernels of Megatron-LM; “auto” is what the fused "
                          "kernels or the framework come with"),
                       HR_TYPE_LOSS_IMPLEMENTATION, HR_LOSS_IMPLEMENTATION_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:activation-offload:
   *
   * Where what the backward pass needs waits.
   */
  properties[PROP_ACTIVATION_OFFLOAD] =
    g_param_spec_enum ("activation-offload",
                       N_("Activation offload"),
                       N_("Whether what the backward pass needs waits in the memory of the host: "
                          "torch.autograd.graph.save_on_cpu moves each tensor there and back, parameters as well; "
                          "layer-inputs is what Unsloth’s gradient checkpointing does"),
                       HR_TYPE_ACTIVATION_OFFLOAD, HR_ACTIVATION_OFFLOAD_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:torch-compile:
   *
   * Whether the model is compiled.
   */
  properties[PROP_TORCH_COMPILE] =
    g_param_spec_boolean ("torch-compile",
                          N_("torch.compile"),
                          N_("Whether the model is compiled: what can be computed anew from something smaller is not "
                             "kept for the backward pass. An approximation"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:packing:
   *
   * How examples become the rows of a batch.
   */
  properties[PROP_PACKING] =
    g_param_spec_enum ("packing",
                       N_("Packing"),
                       N_("How examples become the rows of a batch: padded to one length, as one row without padding, "
                          "or packed into rows of the sequence length, as TRL does"),
                       HR_TYPE_EXAMPLE_PACKING, HR_EXAMPLE_PACKING_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:example-length:
   *
   * How many tokens an example has on average, or 0.
   */
  properties[PROP_EXAMPLE_LENGTH] =
    g_param_spec_uint64 ("example-length",
                         N_("Tokens of an example"),
                         N_("How many tokens an example has on average, where examples are not padded: how long a row "
                            "is, and where its examples begin; 0 stands for the whole sequence length"),
                         0, 16777216, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:optimizer:
   *
   * What turns gradients into new parameters.
   */
  properties[PROP_OPTIMIZER] =
    g_param_spec_enum ("optimizer",
                       N_("Optimizer"),
                       N_("What turns gradients into new parameters; most remember something of every parameter"),
                       HR_TYPE_OPTIMIZER_KIND, HR_OPTIMIZER_KIND_ADAMW,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:optimizer-implementation:
   *
   * Which of the implementations of the optimizer is used.
   */
  properties[PROP_OPTIMIZER_IMPLEMENTATION] =
    g_param_spec_enum ("optimizer-implementation",
                       N_("Implementation of the optimizer"),
                       N_("Whether the step works on all parameters at once, on one after the other, or in one "
                          "kernel; “auto” is what the framework takes"),
                       HR_TYPE_OPTIMIZER_IMPLEMENTATION, HR_OPTIMIZER_IMPLEMENTATION_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:optimizer-rank:
   *
   * The rank that GaLore and APOLLO project gradients to.
   */
  properties[PROP_OPTIMIZER_RANK] =
    g_param_spec_uint64 ("optimizer-rank",
                         N_("Rank of the optimizer"),
                         N_("Rank that GaLore and APOLLO project the gradients of matrices to"),
                         1, 65536, 128,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:master-dtype:
   *
   * What a separate copy of the parameters is kept in.
   */
  properties[PROP_MASTER_DTYPE] =
    g_param_spec_enum ("master-dtype",
                       N_("Master weights"),
                       N_("A copy of the parameters that the optimizer works on, as DeepSpeed and Megatron-LM keep"),
                       HR_TYPE_MASTER_DTYPE, HR_MASTER_DTYPE_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:gradient-dtype:
   *
   * What gradients are added up in.
   */
  properties[PROP_GRADIENT_DTYPE] =
    g_param_spec_enum ("gradient-dtype",
                       N_("Data type of gradients"),
                       N_("What gradients are added up in; “same” is what the parameters are held in"),
                       HR_TYPE_GRADIENT_DTYPE, HR_GRADIENT_DTYPE_SAME,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:gradient-clipping:
   *
   * Whether the norm of all gradients is limited.
   */
  properties[PROP_GRADIENT_CLIPPING] =
    g_param_spec_boolean ("gradient-clipping",
                          N_("Gradient clipping"),
                          N_("Limit the norm of all gradients before the optimizer uses them"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:reentrant-checkpointing:
   *
   * Whether the older implementation of gradient checkpointing is used.
   */
  properties[PROP_REENTRANT_CHECKPOINTING] =
    g_param_spec_boolean ("reentrant-checkpointing",
                          N_("Reentrant checkpointing"),
                          N_("Use the older implementation of gradient checkpointing, use_reentrant=True"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:fp32-outputs:
   *
   * Whether what the model returns is cast to fp32.
   */
  properties[PROP_FP32_OUTPUTS] =
    g_param_spec_boolean ("fp32-outputs",
                          N_("Outputs in FP32"),
                          N_("Cast what the model returns to fp32, as accelerate does under autocast"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:keep-outputs:
   *
   * Whether what the model returned stays alive until the next step.
   */
  properties[PROP_KEEP_OUTPUTS] =
    g_param_spec_boolean ("keep-outputs",
                          N_("Keep outputs"),
                          N_("What the model returned stays alive until the next step, because a variable of the "
                             "loop holds it"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:logits-upcast:
   *
   * Where logits are cast to fp32 for the loss.
   */
  properties[PROP_LOGITS_UPCAST] =
    g_param_spec_enum ("logits-upcast",
                       N_("Logits in FP32"),
                       N_("Where logits are cast to fp32, and whether a shifted copy of them is made: it changed "
                          "between releases of transformers"),
                       HR_TYPE_LOGITS_UPCAST, HR_LOGITS_UPCAST_LOSS,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:zero-grad:
   *
   * When the loop lets go of gradients.
   */
  properties[PROP_ZERO_GRAD] =
    g_param_spec_enum ("zero-grad",
                       N_("Zeroing of gradients"),
                       N_("When the loop lets go of gradients: after the optimizer’s step, before the next "
                          "backward pass, or never"),
                       HR_TYPE_ZERO_GRAD, HR_ZERO_GRAD_AFTER_STEP,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:trl-release:
   *
   * Which release of TRL trains, where TRL does.
   */
  properties[PROP_TRL_RELEASE] =
    g_param_spec_enum ("trl-release",
                       N_("Release of TRL"),
                       N_("What SFTTrainer computes of the logits for its log, beside the loss, and what it makes of "
                          "quantized models: both changed between releases"),
                       HR_TYPE_TRL_RELEASE, HR_TRL_RELEASE_1_6,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:precision-recipe:
   *
   * What parameters, gradients and copies of them are held in.
   */
  properties[PROP_PRECISION_RECIPE] =
    g_param_spec_enum ("precision-recipe",
                       N_("Precision recipe"),
                       N_("What parameters, gradients and copies of them are held in: stands for the data type, "
                          "autocast, master weights and the data type of gradients. The bytes are those with Adam"),
                       HR_TYPE_PRECISION_RECIPE, HR_PRECISION_RECIPE_CUSTOM,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:sequence-parallel:
   *
   * Whether norms, dropout and residuals are divided by tokens.
   */
  properties[PROP_SEQUENCE_PARALLEL] =
    g_param_spec_boolean ("sequence-parallel",
                          N_("Sequence parallel"),
                          N_("Divide what stands between the matrices of a layer among the ranks of tensor parallelism "
                             "by tokens, where it would be the same on each"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:pipeline-schedule:
   *
   * In which order the ranks of a pipeline run micro-batches.
   */
  properties[PROP_PIPELINE_SCHEDULE] =
    g_param_spec_enum ("pipeline-schedule",
                       N_("Pipeline schedule"),
                       N_("In which order the stages of a pipeline run the forward and backward passes of "
                          "micro-batches, which are as many as there are gradient accumulation steps"),
                       HR_TYPE_PIPELINE_SCHEDULE, HR_PIPELINE_SCHEDULE_1F1B,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:virtual-pipeline-parallel:
   *
   * How many parts of the pipeline each of its stages has.
   */
  properties[PROP_VIRTUAL_PIPELINE_PARALLEL] =
    g_param_spec_uint64 ("virtual-pipeline-parallel",
                         N_("Parts of a stage"),
                         N_("Parts of the layers that each stage of the pipeline has, between those of the others "
                            "(interleaved schedule); 1: its layers lie in a row"),
                         1, 1024, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:ulysses-parallel:
   *
   * Among how many of the ranks that share a sequence tokens are exchanged for heads.
   */
  properties[PROP_ULYSSES_PARALLEL] =
    g_param_spec_uint64 ("ulysses-parallel",
                         N_("Ulysses parallel"),
                         N_("Of the GPUs that share a sequence, how many exchange its tokens for heads before the "
                            "attention (Ulysses, all-to-all); keys and values go round a ring among the rest"),
                         1, 128, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:first-stage-layers:
   *
   * How many layers the first stage of the pipeline has.
   */
  properties[PROP_FIRST_STAGE_LAYERS] =
    g_param_spec_uint64 ("first-stage-layers",
                         N_("Layers of the first stage"),
                         N_("Layers that the first stage of the pipeline has; 0: as many as the others. The stages"
                            " between the first and the last have as many each"),
                         0, 4096, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:last-stage-layers:
   *
   * How many layers the last stage of the pipeline has.
   */
  properties[PROP_LAST_STAGE_LAYERS] =
    g_param_spec_uint64 ("last-stage-layers",
                         N_("Layers of the last stage"),
                         N_("Layers that the last stage of the pipeline has; 0: as many as the others"),
                         0, 4096, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:count-embedding-as-layer:
   *
   * Whether the embedding counts as a layer where layers are divided among stages.
   */
  properties[PROP_COUNT_EMBEDDING_AS_LAYER] =
    g_param_spec_boolean ("count-embedding-as-layer",
                          N_("Count embedding as a layer"),
                          N_("Whether the embedding counts as a layer where layers are divided among stages, so "
                             "that the first stage has one less"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:count-loss-as-layer:
   *
   * Whether the head and the loss count as a layer where layers are divided among stages.
   */
  properties[PROP_COUNT_LOSS_AS_LAYER] =
    g_param_spec_boolean ("count-loss-as-layer",
                          N_("Count loss as a layer"),
                          N_("Whether the head and the loss count as a layer where layers are divided among "
                             "stages, so that the last stage has one less"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:micro-batch-group-size:
   *
   * How many micro-batches a part of a stage runs before the next part has its turn.
   */
  properties[PROP_MICRO_BATCH_GROUP_SIZE] =
    g_param_spec_uint64 ("micro-batch-group-size",
                         N_("Micro-batches in a row"),
                         N_("Micro-batches that a part of a stage runs before the next part has its turn "
                            "(interleaved schedule); 0: as many as there are stages"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:deferred-head-gradients:
   *
   * Of how many micro-batches the gradient of the output head's matrix waits until all have gone back.
   */
  properties[PROP_DEFERRED_HEAD_GRADIENTS] =
    g_param_spec_uint64 ("deferred-head-gradients",
                         N_("Deferred gradients of the head"),
                         N_("Micro-batches of which the last stage of a pipeline computes the gradient of the output "
                            "head’s matrix only when all micro-batches have gone back, and keeps what that needs "
                            "until then; 0: none"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:mtp-num-layers:
   *
   * How many layers behind the last one predict tokens further on, each with a loss of its own.
   */
  properties[PROP_MTP_NUM_LAYERS] =
    g_param_spec_uint64 ("mtp-num-layers",
                         N_("Multi-token prediction"),
                         N_("Layers behind the last one that predict tokens further on: each is like the last layer, "
                            "with norms, a matrix and a loss of its own, on the stage that has the output head, which "
                            "has the table of tokens as well; 0: none"),
                         0, 8, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:expert-tensor-parallel:
   *
   * How many ranks share each expert.
   */
  properties[PROP_EXPERT_TENSOR_PARALLEL] =
    g_param_spec_uint64 ("expert-tensor-parallel",
                         N_("Expert tensor parallel"),
                         N_("GPUs among which the matrices of each expert are divided; 0: as many as those of "
                            "other layers"),
                         0, 1024, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:moe-dispatcher:
   *
   * How tokens come to their experts.
   */
  properties[PROP_MOE_DISPATCHER] =
    g_param_spec_enum ("moe-dispatcher",
                       N_("Token dispatcher"),
                       N_("How tokens come to the experts that are chosen for them"),
                       HR_TYPE_MOE_DISPATCHER, HR_MOE_DISPATCHER_ALLGATHER,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:expert-capacity-factor:
   *
   * How many times its share of the tokens an expert takes at the most.
   */
  properties[PROP_EXPERT_CAPACITY_FACTOR] =
    g_param_spec_double ("expert-capacity-factor",
                         N_("Expert capacity factor"),
                         N_("How many times its share of the tokens an expert takes at the most, others are "
                            "dropped; 0: all that come (dropless)"),
                         0.0, 1024.0, 0.0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:pad-to-capacity:
   *
   * Whether each expert computes as many tokens as it takes at the most.
   */
  properties[PROP_PAD_TO_CAPACITY] =
    g_param_spec_boolean ("pad-to-capacity",
                          N_("Pad experts to capacity"),
                          N_("Whether each expert computes as many tokens as it takes at the most, however many "
                             "come"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:moe-grouped-gemm:
   *
   * Whether the matrices of all experts of a rank are multiplied at once.
   */
  properties[PROP_MOE_GROUPED_GEMM] =
    g_param_spec_boolean ("moe-grouped-gemm",
                          N_("Grouped products of experts"),
                          N_("Whether the matrices of all experts of a rank are multiplied at once, for which "
                             "Transformer Engine has workspaces of its own, and not one expert after the other"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:gpus-per-node:
   *
   * How many GPUs a machine has.
   */
  properties[PROP_GPUS_PER_NODE] =
    g_param_spec_uint64 ("gpus-per-node",
                         N_("GPUs of a node"),
                         N_("Among how many GPUs of one machine ZeRO++ reduces gradients before it does so among "
                            "machines"),
                         1, 64, 8,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:zero-quantized-gradients:
   *
   * Whether DeepSpeed sends gradients as integers.
   */
  properties[PROP_ZERO_QUANTIZED_GRADIENTS] =
    g_param_spec_boolean ("zero-quantized-gradients",
                          N_("Quantized gradients"),
                          N_("ZeRO’s third stage sends gradients as integers of four bits, first within a machine,"
                             " then among machines (zero_quantized_gradients)"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:zero-quantized-weights:
   *
   * Whether DeepSpeed gathers parameters as integers.
   */
  properties[PROP_ZERO_QUANTIZED_WEIGHTS] =
    g_param_spec_boolean ("zero-quantized-weights",
                          N_("Quantized weights"),
                          N_("ZeRO’s third stage gathers parameters as integers of eight bits "
                             "(zero_quantized_weights)"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:zero-hpz-partition-size:
   *
   * Among how many ranks DeepSpeed divides a second copy of the parameters.
   */
  properties[PROP_ZERO_HPZ_PARTITION_SIZE] =
    g_param_spec_uint64 ("zero-hpz-partition-size",
                         N_("Hierarchical partition"),
                         N_("Among how many ranks ZeRO’s third stage divides a second copy of the parameters, "
                            "which is made in the forward pass and from which they are gathered in the backward "
                            "pass (zero_hpz_partition_size); 1: there is none"),
                         1, G_MAXUINT32, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:rule-of-thumb:
   *
   * Which formulas stand beside the exact figure.
   */
  properties[PROP_RULE_OF_THUMB] =
    g_param_spec_enum ("rule-of-thumb",
                       N_("Rule of thumb"),
                       N_("The formulas that stand beside the exact figure: those of articles, the activations of "
                          "Korthikanti et al., or the report that Megatron-LM prints when training begins"),
                       HR_TYPE_RULE_OF_THUMB, HR_RULE_OF_THUMB_ARTICLES,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:fsdp:
   *
   * How parameters are sharded among the ranks of data parallelism.
   */
  properties[PROP_FSDP] =
    g_param_spec_enum ("fsdp",
                       N_("FSDP"),
                       N_("How FullyShardedDataParallel or fully_shard divides parameters, gradients and states "
                          "among the ranks of data parallelism; “none” keeps all of them on each"),
                       HR_TYPE_FSDP, HR_FSDP_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:fsdp-version:
   *
   * Which of torch’s implementations shards parameters.
   */
  properties[PROP_FSDP_VERSION] =
    g_param_spec_enum ("fsdp-version",
                       N_("FSDP version"),
                       N_("1 is FullyShardedDataParallel, 2 is fully_shard, as fsdp_version of accelerate has it"),
                       HR_TYPE_FSDP_VERSION, HR_FSDP_VERSION_1,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:data-parallel-replicas:
   *
   * How many groups of ranks hold all parameters.
   */
  properties[PROP_DATA_PARALLEL_REPLICAS] =
    g_param_spec_uint64 ("data-parallel-replicas",
                         N_("Replicas"),
                         N_("Groups of ranks that hold all parameters each, where a hybrid shards them within a "
                            "group only"),
                         1, 65536, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:rule-buffers:
   *
   * The temporary buffers that the rule of thumb adds, in MiB.
   */
  properties[PROP_RULE_BUFFERS] =
    g_param_spec_uint64 ("rule-buffers",
                         N_("Buffers of the rule (MiB)"),
                         N_("B of the rule of thumb 4·N·D + A + B: temporary buffers that are added to it, in MiB; the "
                            "exact estimate finds its own"),
                         0, 1 << 24, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:rule-overhead:
   *
   * What the rule of thumb adds for all else, in percent.
   */
  properties[PROP_RULE_OVERHEAD] =
    g_param_spec_double ("rule-overhead",
                         N_("Overhead of the rule (%)"),
                         N_("What the rule of thumb adds to the sum of its parts for all that it does not know, in "
                            "percent; the exact estimate does not read it"),
                         0, 1000, 10,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:fsdp-backward-prefetch:
   *
   * When the layer that is differentiated next is gathered.
   */
  properties[PROP_FSDP_BACKWARD_PREFETCH] =
    g_param_spec_enum ("fsdp-backward-prefetch",
                       N_("Backward prefetch"),
                       N_("When FullyShardedDataParallel gathers the layer that is differentiated next"),
                       HR_TYPE_BACKWARD_PREFETCH, HR_BACKWARD_PREFETCH_BACKWARD_PRE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:fsdp-use-orig-params:
   *
   * Whether the optimizer steps views of the original parameters.
   */
  properties[PROP_FSDP_USE_ORIG_PARAMS] =
    g_param_spec_boolean ("fsdp-use-orig-params",
                          N_("Original parameters"),
                          N_("Have the optimizer step views of the original parameters (use_orig_params) and not "
                             "flat ones; each begins at a multiple of 16 bytes then"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:parameter-offload:
   *
   * Where parameters wait while no layer needs them.
   */
  properties[PROP_PARAMETER_OFFLOAD] =
    g_param_spec_enum ("parameter-offload",
                       N_("Parameter offload"),
                       N_("Where parameters wait while no module needs them; FSDP moves gradients and the states of "
                          "the optimizer there as well"),
                       HR_TYPE_OFFLOAD, HR_OFFLOAD_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:optimizer-offload:
   *
   * Where the optimizer steps, and its states are.
   */
  properties[PROP_OPTIMIZER_OFFLOAD] =
    g_param_spec_enum ("optimizer-offload",
                       N_("Optimizer offload"),
                       N_("Where ZeRO’s optimizer steps, with its states, the copies of parameters in fp32 and the "
                          "gradients that are kept (offload_optimizer)"),
                       HR_TYPE_OFFLOAD, HR_OFFLOAD_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:zero-stage:
   *
   * What ranks of data parallelism share.
   */
  properties[PROP_ZERO_STAGE] =
    g_param_spec_uint64 ("zero-stage",
                         N_("ZeRO stage"),
                         N_("What ranks of data parallelism share: 0 nothing, 1 optimizer states, 2 gradients as "
                            "well, 3 parameters as well"),
                         0, 3, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:reduce-bucket-size:
   *
   * How many gradients DeepSpeed reduces at once.
   */
  properties[PROP_REDUCE_BUCKET_SIZE] =
    g_param_spec_uint64 ("reduce-bucket-size",
                         N_("Reduce bucket size"),
                         N_("How many gradients ZeRO reduces at once (reduce_bucket_size): as many have room in each "
                            "bucket"),
                         1, G_MAXUINT32, 500000000,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:overlap-comm:
   *
   * Whether DeepSpeed reduces gradients while others are computed.
   */
  properties[PROP_OVERLAP_COMM] =
    g_param_spec_boolean ("overlap-comm",
                          N_("Overlap communication"),
                          N_("ZeRO reduces gradients while others are computed (overlap_comm), for which it has a "
                             "second bucket"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:contiguous-gradients:
   *
   * Whether DeepSpeed copies gradients into a bucket that stays.
   */
  properties[PROP_CONTIGUOUS_GRADIENTS] =
    g_param_spec_boolean ("contiguous-gradients",
                          N_("Contiguous gradients"),
                          N_("ZeRO copies gradients into a bucket that stays (contiguous_gradients), and does not hold "
                             "them as they come"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:stage3-prefetch-bucket-size:
   *
   * How many parameters DeepSpeed gathers ahead at once.
   */
  properties[PROP_STAGE3_PREFETCH_BUCKET_SIZE] =
    g_param_spec_uint64 ("stage3-prefetch-bucket-size",
                         N_("Prefetch bucket size"),
                         N_("How many parameters ZeRO’s third stage gathers ahead at once "
                            "(stage3_prefetch_bucket_size)"),
                         0, G_MAXUINT32, 50000000,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:stage3-max-live-parameters:
   *
   * From how many gathered parameters on DeepSpeed gathers none ahead.
   */
  properties[PROP_STAGE3_MAX_LIVE_PARAMETERS] =
    g_param_spec_uint64 ("stage3-max-live-parameters",
                         N_("Live parameters"),
                         N_("From how many gathered parameters on ZeRO’s third stage gathers none ahead "
                            "(stage3_max_live_parameters)"),
                         0, G_MAXUINT32, 1000000000,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:stage3-max-reuse-distance:
   *
   * Among how many parameters that come next one is used again that DeepSpeed keeps.
   */
  properties[PROP_STAGE3_MAX_REUSE_DISTANCE] =
    g_param_spec_uint64 ("stage3-max-reuse-distance",
                         N_("Reuse distance"),
                         N_("ZeRO’s third stage keeps parameters that are used again among as many that come next "
                            "(stage3_max_reuse_distance)"),
                         0, G_MAXUINT32, 1000000000,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:stage3-param-persistence-threshold:
   *
   * Up to how many elements a parameter stays gathered.
   */
  properties[PROP_STAGE3_PARAM_PERSISTENCE_THRESHOLD] =
    g_param_spec_uint64 ("stage3-param-persistence-threshold",
                         N_("Persistence threshold"),
                         N_("Parameters of at most so many elements stay on each rank whole "
                            "(stage3_param_persistence_threshold)"),
                         0, G_MAXUINT32, 100000,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrTrainingJob:sub-group-size:
   *
   * How many parameters DeepSpeed steps at once.
   */
  properties[PROP_SUB_GROUP_SIZE] =
    g_param_spec_uint64 ("sub-group-size",
                         N_("Sub-group size"),
                         N_("How many parameters of a rank ZeRO’s third stage steps at once (sub_group_size)"),
                         1, G_MAXUINT32, 1000000000,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  hr_job_mark_setting (properties[PROP_FRAMEWORK], 80, FALSE);
  hr_job_mark_setting (properties[PROP_PRECISION_RECIPE], 100, FALSE);
  hr_job_mark_setting (properties[PROP_AUTOCAST], 220, FALSE);
  hr_job_mark_setting (properties[PROP_FP8_RECIPE], 230, FALSE);
  hr_job_mark_setting (properties[PROP_FP8_BACKEND], 240, FALSE);
  hr_job_mark_setting (properties[PROP_MICRO_BATCH_SIZE], 300, FALSE);
  hr_job_mark_setting (properties[PROP_SEQUENCE_LENGTH], 400, FALSE);
  hr_job_mark_setting (properties[PROP_PACKING], 420, FALSE);
  hr_job_mark_setting (properties[PROP_EXAMPLE_LENGTH], 430, FALSE);
  hr_job_mark_setting (properties[PROP_GRADIENT_ACCUMULATION_STEPS], 500, FALSE);
  hr_job_mark_setting (properties[PROP_GRADIENT_CHECKPOINTING], 600, FALSE);
  hr_job_mark_setting (properties[PROP_SELECTIVE_CHECKPOINTING], 610, FALSE);
  hr_job_mark_setting (properties[PROP_CHECKPOINTING_LAYERS], 620, FALSE);
  hr_job_mark_setting (properties[PROP_LAYERS_PER_CHECKPOINT], 622, TRUE);
  hr_job_mark_setting (properties[PROP_DISTRIBUTE_CHECKPOINTS], 624, TRUE);
  hr_job_mark_setting (properties[PROP_FUSED_KERNELS], 630, FALSE);
  hr_job_mark_setting (properties[PROP_LOSS_IMPLEMENTATION], 640, FALSE);
  hr_job_mark_setting (properties[PROP_ACTIVATION_OFFLOAD], 650, FALSE);
  hr_job_mark_setting (properties[PROP_TORCH_COMPILE], 660, FALSE);
  hr_job_mark_setting (properties[PROP_OPTIMIZER], 750, FALSE);
  hr_job_mark_setting (properties[PROP_MASTER_DTYPE], 810, TRUE);
  hr_job_mark_setting (properties[PROP_GRADIENT_DTYPE], 820, TRUE);
  hr_job_mark_setting (properties[PROP_FP32_OUTPUTS], 830, TRUE);
  hr_job_mark_setting (properties[PROP_LOGITS_UPCAST], 840, TRUE);
  hr_job_mark_setting (properties[PROP_KEEP_OUTPUTS], 850, TRUE);
  hr_job_mark_setting (properties[PROP_REENTRANT_CHECKPOINTING], 860, TRUE);
  hr_job_mark_setting (properties[PROP_OPTIMIZER_IMPLEMENTATION], 870, TRUE);
  hr_job_mark_setting (properties[PROP_GRADIENT_CLIPPING], 880, TRUE);
  hr_job_mark_setting (properties[PROP_ZERO_GRAD], 890, TRUE);
  hr_job_mark_setting (properties[PROP_TRL_RELEASE], 900, TRUE);
  hr_job_mark_setting (properties[PROP_SEQUENCE_PARALLEL], 935, FALSE);
  hr_job_mark_setting (properties[PROP_PIPELINE_SCHEDULE], 922, TRUE);
  hr_job_mark_setting (properties[PROP_VIRTUAL_PIPELINE_PARALLEL], 922, TRUE);
  hr_job_mark_setting (properties[PROP_ULYSSES_PARALLEL], 926, TRUE);
  hr_job_mark_setting (properties[PROP_FIRST_STAGE_LAYERS], 923, TRUE);
  hr_job_mark_setting (properties[PROP_LAST_STAGE_LAYERS], 923, TRUE);
  hr_job_mark_setting (properties[PROP_COUNT_EMBEDDING_AS_LAYER], 924, TRUE);
  hr_job_mark_setting (properties[PROP_COUNT_LOSS_AS_LAYER], 924, TRUE);
  hr_job_mark_setting (properties[PROP_MICRO_BATCH_GROUP_SIZE], 922, TRUE);
  hr_job_mark_setting (properties[PROP_DEFERRED_HEAD_GRADIENTS], 922, TRUE);
  hr_job_mark_setting (properties[PROP_MTP_NUM_LAYERS], 923, TRUE);
  hr_job_mark_setting (properties[PROP_EXPERT_TENSOR_PARALLEL], 931, TRUE);
  hr_job_mark_setting (properties[PROP_MOE_DISPATCHER], 932, TRUE);
  hr_job_mark_setting (properties[PROP_EXPERT_CAPACITY_FACTOR], 933, TRUE);
  hr_job_mark_setting (properties[PROP_PAD_TO_CAPACITY], 934, TRUE);
  hr_job_mark_setting (properties[PROP_MOE_GROUPED_GEMM], 934, TRUE);
  hr_job_mark_setting (properties[PROP_GPUS_PER_NODE], 920, TRUE);
  hr_job_mark_setting (properties[PROP_ZERO_QUANTIZED_GRADIENTS], 920, TRUE);
  hr_job_mark_setting (properties[PROP_ZERO_QUANTIZED_WEIGHTS], 920, TRUE);
  hr_job_mark_setting (properties[PROP_ZERO_HPZ_PARTITION_SIZE], 920, TRUE);
  hr_job_mark_setting (properties[PROP_RULE_OF_THUMB], 938, TRUE);
  hr_job_mark_setting (properties[PROP_FSDP], 940, FALSE);
  hr_job_mark_setting (properties[PROP_FSDP_VERSION], 942, FALSE);
  hr_job_mark_setting (properties[PROP_DATA_PARALLEL_REPLICAS], 944, TRUE);
  hr_job_mark_setting (properties[PROP_FSDP_BACKWARD_PREFETCH], 946, TRUE);
  hr_job_mark_setting (properties[PROP_FSDP_USE_ORIG_PARAMS], 948, TRUE);
  hr_job_mark_setting (properties[PROP_PARAMETER_OFFLOAD], 950, TRUE);
  hr_job_mark_setting (properties[PROP_RULE_BUFFERS], 1010, TRUE);
  hr_job_mark_setting (properties[PROP_RULE_OVERHEAD], 1020, TRUE);
  hr_job_mark_setting (properties[PROP_ZERO_STAGE], 912, FALSE);
  hr_job_mark_setting (properties[PROP_REDUCE_BUCKET_SIZE], 913, TRUE);
  hr_job_mark_setting (properties[PROP_OVERLAP_COMM], 914, TRUE);
  hr_job_mark_setting (properties[PROP_CONTIGUOUS_GRADIENTS], 915, TRUE);
  hr_job_mark_setting (properties[PROP_STAGE3_PREFETCH_BUCKET_SIZE], 916, TRUE);
  hr_job_mark_setting (properties[PROP_STAGE3_MAX_LIVE_PARAMETERS], 917, TRUE);
  hr_job_mark_setting (properties[PROP_STAGE3_MAX_REUSE_DISTANCE], 918, TRUE);
  hr_job_mark_setting (properties[PROP_STAGE3_PARAM_PERSISTENCE_THRESHOLD], 919, TRUE);
  hr_job_mark_setting (properties[PROP_SUB_GROUP_SIZE], 920, TRUE);
  hr_job_mark_setting (properties[PROP_OPTIMIZER_OFFLOAD], 921, TRUE);
}

static void
hr_training_job_init (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  priv->micro_batch_size = G_PARAM_SPEC_UINT64 (properties[PROP_MICRO_BATCH_SIZE])->default_value;
  priv->sequence_length = G_PARAM_SPEC_UINT64 (properties[PROP_SEQUENCE_LENGTH])->default_value;
  priv->checkpointing_layers = G_PARAM_SPEC_UINT64 (properties[PROP_CHECKPOINTING_LAYERS])->default_value;
  priv->layers_per_checkpoint = G_PARAM_SPEC_UINT64 (properties[PROP_LAYERS_PER_CHECKPOINT])->default_value;
  priv->gradient_accumulation_steps = G_PARAM_SPEC_UINT64 (properties[PROP_GRADIENT_ACCUMULATION_STEPS])->default_value;
  priv->virtual_pipeline_parallel =
    G_PARAM_SPEC_UINT64 (properties[PROP_VIRTUAL_PIPELINE_PARALLEL])->default_value;
  priv->ulysses_parallel = G_PARAM_SPEC_UINT64 (properties[PROP_ULYSSES_PARALLEL])->default_value;
  priv->gpus_per_node = G_PARAM_SPEC_UINT64 (properties[PROP_GPUS_PER_NODE])->default_value;
  priv->zero_hpz_partition_size = G_PARAM_SPEC_UINT64 (properties[PROP_ZERO_HPZ_PARTITION_SIZE])->default_value;
  priv->data_parallel_replicas = G_PARAM_SPEC_UINT64 (properties[PROP_DATA_PARALLEL_REPLICAS])->default_value;
  priv->rule_buffers = G_PARAM_SPEC_UINT64 (properties[PROP_RULE_BUFFERS])->default_value;
  priv->rule_overhead = G_PARAM_SPEC_DOUBLE (properties[PROP_RULE_OVERHEAD])->default_value;
  priv->fsdp_backward_prefetch = HR_BACKWARD_PREFETCH_BACKWARD_PRE;
  priv->fsdp_use_orig_params = TRUE;
  priv->reduce_bucket_size = G_PARAM_SPEC_UINT64 (properties[PROP_REDUCE_BUCKET_SIZE])->default_value;
  priv->contiguous_gradients = TRUE;
  priv->stage3_prefetch_bucket_size =
    G_PARAM_SPEC_UINT64 (properties[PROP_STAGE3_PREFETCH_BUCKET_SIZE])->default_value;
  priv->stage3_max_live_parameters =
    G_PARAM_SPEC_UINT64 (properties[PROP_STAGE3_MAX_LIVE_PARAMETERS])->default_value;
  priv->stage3_max_reuse_distance =
    G_PARAM_SPEC_UINT64 (properties[PROP_STAGE3_MAX_REUSE_DISTANCE])->default_value;
  priv->stage3_param_persistence_threshold =
    G_PARAM_SPEC_UINT64 (properties[PROP_STAGE3_PARAM_PERSISTENCE_THRESHOLD])->default_value;
  priv->sub_group_size =
    G_PARAM_SPEC_UINT64 (properties[PROP_SUB_GROUP_SIZE])->default_value;
  priv->trl_release = HR_TRL_RELEASE_1_6;
}

/**
 * hr_training_job_new:
 *
 * Creates a job with every setting at its default.
 *
 * Returns: (transfer full): a new job
 */
HrTrainingJob *
hr_training_job_new (void)
{
  return g_object_new (HR_TYPE_TRAINING_JOB, NULL);
}

/**
 * hr_training_job_get_framework:
 * @self: a job
 *
 * Gets the program that trains the model.
 *
 * Returns: the value of the setting
 */
HrTrainingFramework
hr_training_job_get_framework (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_TRAINING_FRAMEWORK_PYTORCH);

  return priv->framework;
}

/**
 * hr_training_job_get_autocast:
 * @self: a job
 *
 * Gets what `torch.autocast` computes products in.
 *
 * Returns: the value of the setting
 */
HrAutocast
hr_training_job_get_autocast (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_AUTOCAST_NONE);

  return priv->autocast;
}

/**
 * hr_training_job_get_micro_batch_size:
 * @self: a job
 *
 * Gets how many sequences go through the model at once.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_micro_batch_size (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->micro_batch_size;
}

/**
 * hr_training_job_get_sequence_length:
 * @self: a job
 *
 * Gets how many tokens each sequence has.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_sequence_length (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->sequence_length;
}

/**
 * hr_training_job_get_gradient_accumulation_steps:
 * @self: a job
 *
 * Gets how many micro-batches a step of the optimizer has.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_gradient_accumulation_steps (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->gradient_accumulation_steps;
}

/**
 * hr_training_job_get_gradient_checkpointing:
 * @self: a job
 *
 * Gets what is computed anew in the backward pass.
 *
 * Returns: the value of the setting
 */
HrGradientCheckpointing
hr_training_job_get_gradient_checkpointing (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_GRADIENT_CHECKPOINTING_NONE);

  return priv->gradient_checkpointing;
}

/**
 * hr_training_job_get_selective_checkpointing:
 * @self: a job
 *
 * Gets what selective checkpointing computes anew.
 *
 * Returns: the value of the setting
 */
HrSelectiveCheckpointing
hr_training_job_get_selective_checkpointing (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_SELECTIVE_CHECKPOINTING_OPERATORS);

  return priv->selective_checkpointing;
}

/**
 * hr_training_job_get_checkpointing_layers:
 * @self: a job
 *
 * Gets how many layers selective checkpointing counts.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_checkpointing_layers (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->checkpointing_layers;
}

/**
 * hr_training_job_get_layers_per_checkpoint:
 * @self: a training job
 *
 * Gets how many layers are computed anew at once.
 *
 * Returns: the number, at least 1
 */
guint64
hr_training_job_get_layers_per_checkpoint (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 1);

  return priv->layers_per_checkpoint;
}

/**
 * hr_training_job_get_distribute_checkpoints:
 * @self: a training job
 *
 * Gets whether what goes into layers that are computed anew is divided among the ranks of tensor parallelism.
 *
 * Returns: whether it is
 */
gboolean
hr_training_job_get_distribute_checkpoints (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->distribute_checkpoints;
}

/**
 * hr_training_job_get_optimizer:
 * @self: a job
 *
 * Gets what turns gradients into new parameters.
 *
 * Returns: the value of the setting
 */
HrOptimizerKind
hr_training_job_get_optimizer (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_OPTIMIZER_KIND_ADAMW);

  return priv->optimizer;
}

/**
 * hr_training_job_get_optimizer_implementation:
 * @self: a job
 *
 * Gets which of the implementations of the optimizer is used.
 *
 * Returns: the value of the setting
 */
HrOptimizerImplementation
hr_training_job_get_optimizer_implementation (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_OPTIMIZER_IMPLEMENTATION_AUTO);

  return priv->optimizer_implementation;
}

/**
 * hr_training_job_get_optimizer_rank:
 * @self: a job
 *
 * Gets the rank that GaLore and APOLLO project gradients to.
 *
 * Returns: the rank
 */
guint64
hr_training_job_get_optimizer_rank (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->optimizer_rank;
}

/**
 * hr_training_job_get_master_dtype:
 * @self: a job
 *
 * Gets what a separate copy of the parameters is kept in.
 *
 * Returns: the value of the setting
 */
HrMasterDtype
hr_training_job_get_master_dtype (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_MASTER_DTYPE_NONE);

  return priv->master_dtype;
}

/**
 * hr_training_job_get_gradient_dtype:
 * @self: a job
 *
 * Gets what gradients are added up in.
 *
 * Returns: the value of the setting
 */
HrGradientDtype
hr_training_job_get_gradient_dtype (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_GRADIENT_DTYPE_SAME);

  return priv->gradient_dtype;
}

/**
 * hr_training_job_get_gradient_clipping:
 * @self: a job
 *
 * Gets whether the norm of all gradients is limited.
 *
 * Returns: the value of the setting
 */
gboolean
hr_training_job_get_gradient_clipping (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->gradient_clipping;
}

/**
 * hr_training_job_get_reentrant_checkpointing:
 * @self: a job
 *
 * Gets whether the older implementation of gradient checkpointing is used.
 *
 * Returns: the value of the setting
 */
gboolean
hr_training_job_get_reentrant_checkpointing (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->reentrant_checkpointing;
}

/**
 * hr_training_job_get_fp32_outputs:
 * @self: a job
 *
 * Gets whether what the model returns is cast to fp32.
 *
 * Returns: the value of the setting
 */
gboolean
hr_training_job_get_fp32_outputs (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->fp32_outputs;
}

/**
 * hr_training_job_get_keep_outputs:
 * @self: a job
 *
 * Gets whether what the model returned stays alive until the next step.
 *
 * Returns: the value of the setting
 */
gboolean
hr_training_job_get_keep_outputs (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->keep_outputs;
}

/**
 * hr_training_job_get_logits_upcast:
 * @self: a job
 *
 * Gets where logits are cast to fp32 for the loss.
 *
 * Returns: the value of the setting
 */
HrLogitsUpcast
hr_training_job_get_logits_upcast (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_LOGITS_UPCAST_LOSS);

  return priv->logits_upcast;
}

/**
 * hr_training_job_get_zero_grad:
 * @self: a job
 *
 * Gets when the loop lets go of gradients.
 *
 * Returns: the value of the setting
 */
HrZeroGrad
hr_training_job_get_zero_grad (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_ZERO_GRAD_AFTER_STEP);

  return priv->zero_grad;
}

/**
 * hr_training_job_get_trl_release:
 * @self: a job
 *
 * Gets which release of TRL trains, where TRL does.
 *
 * Returns: the value of the setting
 */
HrTrlRelease
hr_training_job_get_trl_release (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_TRL_RELEASE_1_6);

  return priv->trl_release;
}

/**
 * hr_training_job_get_precision_recipe:
 * @self: a job
 *
 * Gets what parameters, gradients and copies of them are held in.
 *
 * Returns: the value of the setting
 */
HrPrecisionRecipe
hr_training_job_get_precision_recipe (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_PRECISION_RECIPE_CUSTOM);

  return priv->precision_recipe;
}

/**
 * hr_training_job_get_fused_kernels:
 * @self: a job
 *
 * Gets whose kernels take the place of norms, activations and rotations.
 *
 * Returns: the value of the setting
 */
HrFusedKernels
hr_training_job_get_fused_kernels (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_FUSED_KERNELS_NONE);

  return priv->fused_kernels;
}

/**
 * hr_training_job_get_loss_implementation:
 * @self: a job
 *
 * Gets what computes the cross entropy.
 *
 * Returns: the value of the setting
 */
HrLossImplementation
hr_training_job_get_loss_implementation (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_LOSS_IMPLEMENTATION_AUTO);

  return priv->loss_implementation;
}

/**
 * hr_training_job_get_activation_offload:
 * @self: a job
 *
 * Gets where what the backward pass needs waits.
 *
 * Returns: the value of the setting
 */
HrActivationOffload
hr_training_job_get_activation_offload (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_ACTIVATION_OFFLOAD_NONE);

  return priv->activation_offload;
}

/**
 * hr_training_job_get_packing:
 * @self: a job
 *
 * Gets how examples become the rows of a batch.
 *
 * Returns: the value of the setting
 */
HrExamplePacking
hr_training_job_get_packing (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_EXAMPLE_PACKING_NONE);

  return priv->packing;
}

/**
 * hr_training_job_get_example_length:
 * @self: a job
 *
 * Gets how many tokens an example has on average.
 *
 * Returns: a number of tokens, or 0 for the whole sequence length
 */
guint64
hr_training_job_get_example_length (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->example_length;
}

/**
 * hr_training_job_get_torch_compile:
 * @self: a job
 *
 * Gets whether the model is compiled.
 *
 * Returns: the value of the setting
 */
gboolean
hr_training_job_get_torch_compile (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->torch_compile;
}

/**
 * hr_training_job_get_fp8_recipe:
 * @self: a job
 *
 * Gets how linear layers cast the factors of their products to fp8.
 *
 * Returns: the value of the setting
 */
HrFp8Recipe
hr_training_job_get_fp8_recipe (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_FP8_RECIPE_NONE);

  return priv->fp8_recipe;
}

/**
 * hr_training_job_get_fp8_backend:
 * @self: a job
 *
 * Gets whose linear layers compute in fp8.
 *
 * Returns: the value of the setting
 */
HrFp8Backend
hr_training_job_get_fp8_backend (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_FP8_BACKEND_TORCHAO);

  return priv->fp8_backend;
}

/**
 * hr_training_job_get_sequence_parallel:
 * @self: a job
 *
 * Gets whether what stands between matrices is divided by tokens.
 *
 * Returns: the value of the setting
 */
gboolean
hr_training_job_get_sequence_parallel (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->sequence_parallel;
}

/**
 * hr_training_job_get_virtual_pipeline_parallel:
 * @self: a training job
 *
 * Gets how many parts of the pipeline each of its stages has.
 *
 * Returns: the number, at least 1
 */
guint64
hr_training_job_get_virtual_pipeline_parallel (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 1);

  return priv->virtual_pipeline_parallel;
}

/**
 * hr_training_job_get_ulysses_parallel:
 * @self: a training job
 *
 * Gets among how many of the ranks that share a sequence tokens are exchanged for heads.
 *
 * Returns: how many, at least 1
 */
guint64
hr_training_job_get_ulysses_parallel (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 1);

  return priv->ulysses_parallel;
}

/**
 * hr_training_job_get_first_stage_layers:
 * @self: a training job
 *
 * Gets how many layers the first stage of the pipeline has.
 *
 * Returns: how many, 0 for as many as others
 */
guint64
hr_training_job_get_first_stage_layers (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->first_stage_layers;
}

/**
 * hr_training_job_get_last_stage_layers:
 * @self: a training job
 *
 * Gets how many layers the last stage of the pipeline has.
 *
 * Returns: how many, 0 for as many as others
 */
guint64
hr_training_job_get_last_stage_layers (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->last_stage_layers;
}

/**
 * hr_training_job_get_count_embedding_as_layer:
 * @self: a training job
 *
 * Gets whether the embedding counts as a layer where layers are divided among stages.
 *
 * Returns: whether it does
 */
gboolean
hr_training_job_get_count_embedding_as_layer (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->count_embedding_as_layer;
}

/**
 * hr_training_job_get_count_loss_as_layer:
 * @self: a training job
 *
 * Gets whether the head and the loss count as a layer where layers are divided among stages.
 *
 * Returns: whether they do
 */
gboolean
hr_training_job_get_count_loss_as_layer (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->count_loss_as_layer;
}

/**
 * hr_training_job_get_micro_batch_group_size:
 * @self: a training job
 *
 * Gets how many micro-batches a part of a stage runs before the next part has its turn.
 *
 * Returns: how many, 0 for as many as there are stages
 */
guint64
hr_training_job_get_micro_batch_group_size (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->micro_batch_group_size;
}

/**
 * hr_training_job_get_deferred_head_gradients:
 * @self: a training job
 *
 * Gets of how many micro-batches the gradient of the output head's matrix waits until all have gone back.
 *
 * Returns: how many
 */
guint64
hr_training_job_get_deferred_head_gradients (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->deferred_head_gradients;
}

/**
 * hr_training_job_get_mtp_num_layers:
 * @self: a job
 *
 * Gets how many layers behind the last one predict tokens further on.
 *
 * Returns: the number; 0 for none
 */
guint64
hr_training_job_get_mtp_num_layers (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->mtp_num_layers;
}

/**
 * hr_training_job_get_expert_tensor_parallel:
 * @self: a training job
 *
 * Gets how many ranks share each expert.
 *
 * Returns: how many, 0 for as many as share each layer
 */
guint64
hr_training_job_get_expert_tensor_parallel (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->expert_tensor_parallel;
}

/**
 * hr_training_job_get_pipeline_schedule:
 * @self: a training job
 *
 * Gets in which order the ranks of a pipeline run micro-batches.
 *
 * Returns: the schedule
 */
HrPipelineSchedule
hr_training_job_get_pipeline_schedule (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_PIPELINE_SCHEDULE_1F1B);

  return priv->pipeline_schedule;
}

/**
 * hr_training_job_get_moe_dispatcher:
 * @self: a training job
 *
 * Gets how tokens come to their experts.
 *
 * Returns: the way
 */
HrMoeDispatcher
hr_training_job_get_moe_dispatcher (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_MOE_DISPATCHER_ALLGATHER);

  return priv->moe_dispatcher;
}

/**
 * hr_training_job_get_expert_capacity_factor:
 * @self: a training job
 *
 * Gets how many times its share of the tokens an expert takes at the most.
 *
 * Returns: the factor, 0 where no token is dropped
 */
double
hr_training_job_get_expert_capacity_factor (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0.0);

  return priv->expert_capacity_factor;
}

/**
 * hr_training_job_get_pad_to_capacity:
 * @self: a training job
 *
 * Gets whether each expert computes as many tokens as it takes at the most.
 *
 * Returns: whether it does
 */
gboolean
hr_training_job_get_pad_to_capacity (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->pad_to_capacity;
}

/**
 * hr_training_job_get_moe_grouped_gemm:
 * @self: a training job
 *
 * Gets whether the matrices of all experts of a rank are multiplied at once.
 *
 * Returns: whether they are
 */
gboolean
hr_training_job_get_moe_grouped_gemm (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), TRUE);

  return priv->moe_grouped_gemm;
}

/**
 * hr_training_job_get_gpus_per_node:
 * @self: a training job
 *
 * Gets how many GPUs a machine has.
 *
 * Returns: the number
 */
guint64
hr_training_job_get_gpus_per_node (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->gpus_per_node;
}

/**
 * hr_training_job_get_zero_quantized_gradients:
 * @self: a training job
 *
 * Gets whether DeepSpeed sends gradients as integers.
 *
 * Returns: whether it does
 */
gboolean
hr_training_job_get_zero_quantized_gradients (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->zero_quantized_gradients;
}

/**
 * hr_training_job_get_zero_quantized_weights:
 * @self: a training job
 *
 * Gets whether DeepSpeed gathers parameters as integers.
 *
 * Returns: whether it does
 */
gboolean
hr_training_job_get_zero_quantized_weights (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->zero_quantized_weights;
}

/**
 * hr_training_job_get_zero_hpz_partition_size:
 * @self: a training job
 *
 * Gets among how many ranks DeepSpeed divides a second copy of the parameters.
 *
 * Returns: the number; 1: there is none
 */
guint64
hr_training_job_get_zero_hpz_partition_size (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->zero_hpz_partition_size;
}

/**
 * hr_training_job_get_rule_of_thumb:
 * @self: a training job
 *
 * Gets which formulas stand beside the exact figure.
 *
 * Returns: the formulas
 */
HrRuleOfThumb
hr_training_job_get_rule_of_thumb (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_RULE_OF_THUMB_ARTICLES);

  return priv->rule_of_thumb;
}

/**
 * hr_training_job_get_fsdp:
 * @self: a job
 *
 * Gets how parameters are sharded among the ranks of data parallelism.
 *
 * Returns: the value of the setting
 */
HrFsdp
hr_training_job_get_fsdp (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_FSDP_NONE);

  return priv->fsdp;
}

/**
 * hr_training_job_get_fsdp_version:
 * @self: a job
 *
 * Gets which of torch’s implementations shards parameters.
 *
 * Returns: the value of the setting
 */
HrFsdpVersion
hr_training_job_get_fsdp_version (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_FSDP_VERSION_1);

  return priv->fsdp_version;
}

/**
 * hr_training_job_get_rule_buffers:
 * @self: a training job
 *
 * Gets the temporary buffers that the rule of thumb adds.
 *
 * Returns: the size in MiB
 */
guint64
hr_training_job_get_rule_buffers (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->rule_buffers;
}

/**
 * hr_training_job_get_rule_overhead:
 * @self: a training job
 *
 * Gets what the rule of thumb adds for all that it does not know.
 *
 * Returns: the share in percent
 */
double
hr_training_job_get_rule_overhead (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->rule_overhead;
}

/**
 * hr_training_job_get_data_parallel_replicas:
 * @self: a job
 *
 * Gets how many groups of ranks hold all parameters.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_data_parallel_replicas (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 1);

  return priv->data_parallel_replicas;
}

/**
 * hr_training_job_get_fsdp_backward_prefetch:
 * @self: a job
 *
 * Gets when the layer that is differentiated next is gathered.
 *
 * Returns: the value of the setting
 */
HrBackwardPrefetch
hr_training_job_get_fsdp_backward_prefetch (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_BACKWARD_PREFETCH_BACKWARD_PRE);

  return priv->fsdp_backward_prefetch;
}

/**
 * hr_training_job_get_fsdp_use_orig_params:
 * @self: a job
 *
 * Gets whether the optimizer steps views of the original parameters.
 *
 * Returns: the value of the setting
 */
gboolean
hr_training_job_get_fsdp_use_orig_params (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->fsdp_use_orig_params;
}

/**
 * hr_training_job_get_reduce_bucket_size:
 * @self: a job
 *
 * Gets how many gradients ZeRO reduces at once.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_reduce_bucket_size (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 1);

  return priv->reduce_bucket_size;
}

/**
 * hr_training_job_get_overlap_comm:
 * @self: a job
 *
 * Gets whether ZeRO reduces gradients while others are computed.
 *
 * Returns: the value of the setting
 */
gboolean
hr_training_job_get_overlap_comm (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), FALSE);

  return priv->overlap_comm;
}

/**
 * hr_training_job_get_parameter_offload:
 * @self: a job
 *
 * Gets where parameters wait while no layer needs them.
 *
 * Returns: the value of the setting
 */
HrOffload
hr_training_job_get_parameter_offload (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_OFFLOAD_NONE);

  return priv->parameter_offload;
}

/**
 * hr_training_job_get_optimizer_offload:
 * @self: a job
 *
 * Gets where the optimizer steps, and its states are.
 *
 * Returns: the value of the setting
 */
HrOffload
hr_training_job_get_optimizer_offload (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), HR_OFFLOAD_NONE);

  return priv->optimizer_offload;
}

/**
 * hr_training_job_get_contiguous_gradients:
 * @self: a job
 *
 * Gets whether ZeRO copies gradients into a bucket that stays.
 *
 * Returns: whether it does
 */
gboolean
hr_training_job_get_contiguous_gradients (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), TRUE);

  return priv->contiguous_gradients;
}

/**
 * hr_training_job_get_stage3_prefetch_bucket_size:
 * @self: a job
 *
 * Gets how many parameters ZeRO’s third stage gathers ahead at once.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_stage3_prefetch_bucket_size (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->stage3_prefetch_bucket_size;
}

/**
 * hr_training_job_get_stage3_max_live_parameters:
 * @self: a job
 *
 * Gets from how many gathered parameters on ZeRO’s third stage gathers none ahead.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_stage3_max_live_parameters (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->stage3_max_live_parameters;
}

/**
 * hr_training_job_get_stage3_max_reuse_distance:
 * @self: a job
 *
 * Gets among how many parameters that come next one is looked for before it is let go of.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_stage3_max_reuse_distance (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->stage3_max_reuse_distance;
}

/**
 * hr_training_job_get_stage3_param_persistence_threshold:
 * @self: a job
 *
 * Gets up to how many elements a parameter stays gathered.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_stage3_param_persistence_threshold (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->stage3_param_persistence_threshold;
}

/**
 * hr_training_job_get_sub_group_size:
 * @self: a job
 *
 * Gets how many parameters of a rank are stepped at once.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_sub_group_size (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->sub_group_size;
}

/**
 * hr_training_job_get_zero_stage:
 * @self: a job
 *
 * Gets what ranks of data parallelism share, from 0 for nothing to 3 for all.
 *
 * Returns: the value of the setting
 */
guint64
hr_training_job_get_zero_stage (HrTrainingJob *self)
{
  HrTrainingJobPrivate *priv = hr_training_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_TRAINING_JOB (self), 0);

  return priv->zero_stage;
}
