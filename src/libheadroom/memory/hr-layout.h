/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"
#include "hr-training-job.h"

G_BEGIN_DECLS

/* How many GPUs may have a copy of the model in inference. */
#define HR_LAYOUT_MAX_INNER_RANKS 64

/**
 * HrLayout:
 * @data: how many ranks read different data
 * @tensor: how many share each layer
 * @pipeline: how many stages the layers are divided into
 * @parts: how many parts of the layers each stage has, between those of the others
 * @group: how many micro-batches a part runs before the next has its turn; 0: as many as there are stages
 * @first_layers: how many layers the first stage has; 0: as many as others
 * @last_layers: how many the last one has, likewise
 * @counts_embedding: whether the embedding counts as a layer of the first stage
 * @counts_loss: whether the head and the loss count as a layer of the last one
 * @context: how many share each sequence
 * @exchange: among how many of these tokens are exchanged for heads; the others hand keys and values round;
 *   0 or 1: none are
 * @expert: how many share the experts of a layer
 * @expert_tensor: how many share each expert
 * @zero_stage: what the ranks that read different data share
 * @n_predictions: how many layers behind the last one predict tokens further on
 * @schedule: in which order the stages run micro-batches
 * @is_torch: whether torch.distributed.pipelining runs them, which knows nothing of the layers
 * @is_deepspeed: whether DeepSpeed’s PipelineEngine runs them
 * @is_titan: whether torchtitan divides the model
 * @is_flat: whether verl shares its parameters, in FullyShardedDataParallel
 * @deals_layers: whether torchtitan deals layers out to them, which may have different numbers of them
 * @divides_sequence: whether what stands between the matrices of a layer is divided by tokens among those that share it
 * @n_ranks: how many ranks there are, each on a GPU of its own
 *
 * How a job is divided among GPUs. Each is 1 where it is not.
 */
typedef struct
{
  guint64 data;
  guint64 tensor;
  guint64 pipeline;
  guint64 parts;
  guint64 group;
  guint64 first_layers;
  guint64 last_layers;
  gboolean counts_embedding;
  gboolean counts_loss;
  guint64 context;
  guint64 exchange;
  guint64 expert;
  guint64 expert_tensor;
  guint64 zero_stage;
  guint64 n_predictions;
  HrPipelineSchedule schedule;
  gboolean is_torch;
  gboolean is_deepspeed;
  gboolean is_titan;
  gboolean is_flat;
  gboolean deals_layers;
  gboolean divides_sequence;
  guint64 n_ranks;
} HrLayout;

gboolean hr_layout_resolve_copies (guint64   n_inner,
                                   guint64   n_gpus,
                                   guint64  *data,
                                   GError  **error);
gboolean hr_layout_init  (HrLayout        *self,
                          HrTrainingJob   *job,
                          guint            n_gpus,
                          GError         **error);
gboolean hr_layout_init_inference (HrLayout  *self,
                                   HrJob     *job,
                                   guint      n_gpus,
                                   GError   **error);
gboolean hr_layout_copies_model (const HrLayout *self,
                                 HrTrainingJob  *job);
gboolean hr_layout_check (const HrLayout  *self,
                          HrTrainingJob   *job,
                          GError         **error);
gboolean hr_layout_has_experts   (const HrStack  *stack);
gboolean hr_layout_divides_model (const HrLayout *self);
guint64  hr_layout_count_sharers (const HrLayout *self);
gboolean hr_layout_divides_layers (const HrLayout *self,
                                   guint64         n_layers);
gboolean hr_layout_divides_ranks (const HrLayout *self);
gboolean hr_layout_divides_tokens (const HrLayout *self,
                                   guint64         length);
gboolean hr_layout_can_share     (const HrLayout *self);
gboolean hr_layout_can_interleave (const HrLayout *self,
                                   guint64         n_micro_batches);
guint64  hr_layout_count_expert_sharers (const HrLayout *self);
HrModel *hr_layout_divide_model  (const HrLayout  *self,
                                  HrModel         *model,
                                  guint            stage,
                                  GError         **error) G_GNUC_WARN_UNUSED_RESULT;
HrModel *hr_layout_share_model   (const HrLayout  *self,
                                  HrModel         *model,
                                  guint64          rank,
                                  GError         **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean hr_layout_has_head (const HrLayout *self,
                             guint           stage);
guint64  hr_layout_count_layers    (const HrLayout *self,
                                    guint64         n_layers,
                                    guint           stage,
                                    guint           part);
guint64  hr_layout_get_group       (const HrLayout *self);
guint64  hr_layout_count_padding   (const HrLayout *self,
                                    guint64         vocab_size);
guint64  hr_layout_count_in_flight (const HrLayout *self,
                                    guint           stage,
                                    guint64         n_micro_batches);
guint64  hr_layout_count_first_in_flight (const HrLayout *self,
                                          guint           stage,
                                          guint64         n_micro_batches);

G_END_DECLS
