/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"

G_BEGIN_DECLS

#define HR_TYPE_TRAINING_JOB (hr_training_job_get_type ())

G_DECLARE_DERIVABLE_TYPE (HrTrainingJob, hr_training_job, HR, TRAINING_JOB, HrJob)

/**
 * HrTrainingJobClass:
 * @parent_class: the parent class
 */
struct _HrTrainingJobClass
{
  HrJobClass parent_class;

  /*< private >*/
  gpointer padding[8];
};

HrTrainingJob            *hr_training_job_new                             (void) G_GNUC_WARN_UNUSED_RESULT;
HrTrainingFramework       hr_training_job_get_framework                   (HrTrainingJob *self);
HrAutocast                hr_training_job_get_autocast                    (HrTrainingJob *self);
guint64                   hr_training_job_get_micro_batch_size            (HrTrainingJob *self);
guint64                   hr_training_job_get_sequence_length             (HrTrainingJob *self);
guint64                   hr_training_job_get_gradient_accumulation_steps (HrTrainingJob *self);
HrGradientCheckpointing   hr_training_job_get_gradient_checkpointing      (HrTrainingJob *self);
HrSelectiveCheckpointing  hr_training_job_get_selective_checkpointing      (HrTrainingJob *self);
guint64                   hr_training_job_get_checkpointing_layers         (HrTrainingJob *self);
guint64                   hr_training_job_get_layers_per_checkpoint                    (HrTrainingJob *self);
gboolean                  hr_training_job_get_distribute_checkpoints                   (HrTrainingJob *self);
HrFusedKernels            hr_training_job_get_fused_kernels                (HrTrainingJob *self);
HrLossImplementation      hr_training_job_get_loss_implementation          (HrTrainingJob *self);
HrActivationOffload       hr_training_job_get_activation_offload           (HrTrainingJob *self);
gboolean                  hr_training_job_get_torch_compile                (HrTrainingJob *self);
HrFp8Recipe               hr_training_job_get_fp8_recipe                   (HrTrainingJob *self);
HrFp8Backend              hr_training_job_get_fp8_backend                  (HrTrainingJob *self);
HrExamplePacking          hr_training_job_get_packing                      (HrTrainingJob *self);
guint64                   hr_training_job_get_example_length               (HrTrainingJob *self);
HrOptimizerKind           hr_training_job_get_optimizer                   (HrTrainingJob *self);
HrOptimizerImplementation hr_training_job_get_optimizer_implementation    (HrTrainingJob *self);
guint64                   hr_training_job_get_optimizer_rank              (HrTrainingJob *self);
HrMasterDtype             hr_training_job_get_master_dtype                (HrTrainingJob *self);
HrGradientDtype           hr_training_job_get_gradient_dtype              (HrTrainingJob *self);
gboolean                  hr_training_job_get_gradient_clipping           (HrTrainingJob *self);
gboolean                  hr_training_job_get_reentrant_checkpointing     (HrTrainingJob *self);
gboolean                  hr_training_job_get_fp32_outputs                (HrTrainingJob *self);
gboolean                  hr_training_job_get_keep_outputs                (HrTrainingJob *self);
HrLogitsUpcast            hr_training_job_get_logits_upcast               (HrTrainingJob *self);
HrTrlRelease              hr_training_job_get_trl_release                 (HrTrainingJob *self);
HrPrecisionRecipe         hr_training_job_get_precision_recipe            (HrTrainingJob *self);
HrZeroGrad                hr_training_job_get_zero_grad                   (HrTrainingJob *self);
gboolean                  hr_training_job_get_sequence_parallel                        (HrTrainingJob *self);
guint64                   hr_training_job_get_virtual_pipeline_parallel                (HrTrainingJob *self);
guint64                   hr_training_job_get_ulysses_parallel                       (HrTrainingJob *self);
guint64                   hr_training_job_get_first_stage_layers                     (HrTrainingJob *self);
guint64                   hr_training_job_get_last_stage_layers                      (HrTrainingJob *self);
gboolean                  hr_training_job_get_count_embedding_as_layer               (HrTrainingJob *self);
gboolean                  hr_training_job_get_count_loss_as_layer                    (HrTrainingJob *self);
guint64                   hr_training_job_get_micro_batch_group_size                 (HrTrainingJob *self);
guint64                   hr_training_job_get_deferred_head_gradients                (HrTrainingJob *self);
guint64                   hr_training_job_get_mtp_num_layers                         (HrTrainingJob *self);
guint64                   hr_training_job_get_expert_tensor_parallel                 (HrTrainingJob *self);
HrPipelineSchedule        hr_training_job_get_pipeline_schedule                      (HrTrainingJob *self);
HrMoeDispatcher           hr_training_job_get_moe_dispatcher                         (HrTrainingJob *self);
double                    hr_training_job_get_expert_capacity_factor                 (HrTrainingJob *self);
gboolean                  hr_training_job_get_pad_to_capacity                        (HrTrainingJob *self);
gboolean                  hr_training_job_get_moe_grouped_gemm                       (HrTrainingJob *self);
guint64                   hr_training_job_get_gpus_per_node                          (HrTrainingJob *self);
gboolean                  hr_training_job_get_zero_quantized_gradients               (HrTrainingJob *self);
gboolean                  hr_training_job_get_zero_quantized_weights                 (HrTrainingJob *self);
guint64                   hr_training_job_get_zero_hpz_partition_size                (HrTrainingJob *self);
HrRuleOfThumb             hr_training_job_get_rule_of_thumb                            (HrTrainingJob *self);
HrFsdp                    hr_training_job_get_fsdp                       (HrTrainingJob *self);
HrFsdpVersion             hr_training_job_get_fsdp_version               (HrTrainingJob *self);
guint64                   hr_training_job_get_data_parallel_replicas     (HrTrainingJob *self);
guint64                   hr_training_job_get_rule_buffers               (HrTrainingJob *self);
double                    hr_training_job_get_rule_overhead              (HrTrainingJob *self);
HrBackwardPrefetch        hr_training_job_get_fsdp_backward_prefetch     (HrTrainingJob *self);
gboolean                  hr_training_job_get_fsdp_use_orig_params       (HrTrainingJob *self);
guint64                   hr_training_job_get_reduce_bucket_size         (HrTrainingJob *self);
gboolean                  hr_training_job_get_overlap_comm               (HrTrainingJob *self);
HrOffload                 hr_training_job_get_optimizer_offload          (HrTrainingJob *self);
gboolean                  hr_training_job_get_contiguous_gradients       (HrTrainingJob *self);
guint64                   hr_training_job_get_stage3_prefetch_bucket_size (HrTrainingJob *self);
guint64                   hr_training_job_get_stage3_max_live_parameters (HrTrainingJob *self);
guint64                   hr_training_job_get_stage3_max_reuse_distance  (HrTrainingJob *self);
guint64                   hr_training_job_get_stage3_param_persistence_threshold (HrTrainingJob *self);
guint64                   hr_training_job_get_sub_group_size             (HrTrainingJob *self);
HrOffload                 hr_training_job_get_parameter_offload          (HrTrainingJob *self);
guint64                   hr_training_job_get_zero_stage                 (HrTrainingJob *self);

G_END_DECLS
