/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-layout-time.h"

#include <math.h>

#include "hr-roofline.h"

/*
 * How long a step takes: products as fast as training reaches of the peak of the data sheet (hr-roofline), or as their
 * matrices are read and their gradients added to, where few tokens pass them at once, and beside them what is
 * exchanged, as fast as links reach of theirs, with what NCCL counts for each exchange and its steps (hr-cluster). What
 * products wait for adds up; what runs beside them counts as far as it takes longer. It is meant to tell layouts apart:
 * kernels other than products, nodes that share switches and stragglers are left out. The volumes are those of
 *
 * - Korthikanti et al., arXiv:2205.05198, section 4.2.2: ranks that share a layer gather and scatter what lies between
 *   its matrices, as much as the two sums of Megatron-LM (Shoeybi et al., arXiv:1909.08053) in either direction;
 * - Narayanan et al., arXiv:2104.04473, sections 2.2 and 3.2: (p − 1)/(m·v) of a step is waited for, and each of v
 *   parts hands b·s·h numbers on;
 * - Rajbhandari et al., arXiv:1910.02054, section 7: gradients are scattered and parameters gathered, in the third
 *   stage twice; in the second and third for each micro-batch;
 * - Liu et al., arXiv:2310.01889: keys and values go round a ring, in the backward pass with their gradients;
 * - Jacobs et al., arXiv:2309.14509, section 3.2: queries, keys, values and what the heads make are exchanged, tokens
 *   for heads, in either direction;
 * - DeepSeek-V3, arXiv:2412.19437, section 3.2: tokens are sent to their experts and back, in either direction. That
 *   report sends a token once to each node; here it is once to each expert.
 *
 * A ring of n ranks moves (n − 1)/n of a tensor that is gathered or scattered. Ranks that share a layer are next to
 * each other, then those that share a sequence, then copies, then stages; experts are divided among neighbours
 * (megatron/core/parallel_state.py, order tp-cp-ep-dp-pp).
 */

/* Products of the backward pass of attention by those of its forward pass: five for two (arXiv:2307.08691, 3.1.2). */
#define ATTENTION_BACKWARD 2.5

/* What is exchanged of a micro-batch, in how many exchanges. */
typedef struct
{
  double bytes;
  double count;
} Volume;

/* What a stage does with a micro-batch. */
typedef struct
{
  double forward;
  double backward;
  double expert_forward;
  double expert_backward;
  double attention;       /* what of all of these is attention itself */
  Volume layer;           /* that ranks gather and scatter which share a layer */
  Volume ring;            /* keys and values */
  Volume heads;           /* tokens for heads */
  Volume sent;            /* to experts */
} StageWork;

typedef struct
{
  const HrLayoutParts *parts;
  const HrCluster *cluster;
  const HrLayoutStep *step;
  double n_tokens;        /* of a micro-batch, of those that share each layer */
  double between;
  double rate;            /* operations a second */
  double bandwidth;       /* bytes a second that products get of the memory's */
} Setting;

static void
add_volume (Volume *self,
            double  count,
            double  bytes)
{
  self->count += count;
  self->bytes += bytes;
}

static void
add_layers (const Setting *self,
            guint          klass,
            guint          n_layers,
            StageWork     *work)
{
  const HrLayerSizes *sizes = hr_layout_parts_get_layer (self->parts, klass);
  const HrLayout *layout = &self->step->layout;
  double element = hr_layout_parts_get_model (self->parts)->element;
  HrGradientCheckpointing checkpointing = self->step->checkpointing;
  double attention = hr_layout_parts_get_attention (self->parts, sizes);
  gboolean is_computed_twice = checkpointing == HR_GRADIENT_CHECKPOINTING_FULL;
  double attention_again = checkpointing == HR_GRADIENT_CHECKPOINTING_FULL ||
                           checkpointing == HR_GRADIENT_CHECKPOINTING_SELECTIVE ? attention : 0;
  double passes = is_computed_twice ? 3 : 2;
  double n = n_layers * self->n_tokens;
  double n_sharings = sizes->inner > 0 ? 2 : 1;
  double ring = layout->context / MAX (layout->exchange, 1) - 1;

  work->forward += n * (sizes->matrices + attention) / layout->tensor;
  work->backward += n * (passes * sizes->matrices + ATTENTION_BACKWARD * attention + attention_again) / layout->tensor;
  work->expert_forward += n * sizes->expert_matrices / layout->tensor;
  work->expert_backward += n * passes * sizes->expert_matrices / layout->tensor;
  work->attention += n * ((1 + ATTENTION_BACKWARD) * attention) / layout->tensor;
  add_volume (&work->layer, n_layers * passes * n_sharings * 2,
              n * passes * n_sharings * 2 * element * sizes->hidden);
  add_volume (&work->ring, n_layers * passes * ring,
              n * (passes + 1) * element * (sizes->key + sizes->value) / layout->tensor * ring);
  add_volume (&work->heads, n_layers * passes * 4,
              n * passes * element * (sizes->query + sizes->key + sizes->value + sizes->context) / layout->tensor);
  if (sizes->experts > 0)
    add_volume (&work->sent, n_layers * passes * 2,
                n * passes * 2 * element * sizes->active * sizes->hidden / self->between);
}

static void
count_stage (const Setting    *self,
             const HrDivision *division,
             guint             index,
             StageWork        *work)
{
  const HrModelSizes *model = hr_layout_parts_get_model (self->parts);
  guint n_classes = hr_layout_parts_get_n_classes (self->parts);
  const guint *counts = hr_division_get_counts (division, n_classes, index);

  *work = (StageWork) { 0 };
  for (guint i = 0; i < n_classes; i++)
    {
      if (counts[i] > 0)
        add_layers (self, i, counts[i], work);
    }
  if (division->stages[index] + 1 == self->step->layout.pipeline)
    {
      double head = 2.0 * model->vocabulary * model->hidden * self->n_tokens / self->step->layout.tensor;

      work->forward += head;
      work->backward += 2 * head;
    }
}

/* Seconds for tensors that are gathered or scattered among ranks. */
static double
get_ring_time (const HrCluster *cluster,
               guint64          n_ranks,
               guint64          stride,
               const Volume    *volume)
{
  double bytes;

  if (n_ranks <= 1 || volume->count == 0)
    return 0;
  bytes = volume->bytes / volume->count * (n_ranks - 1) / n_ranks;

  return volume->count * hr_cluster_get_exchange_time (cluster, n_ranks, stride, n_ranks - 1, bytes);
}

/* Of the ranks that share experts those of a machine are reached by its interconnect. */
static double
get_sending_time (const HrCluster *cluster,
                  guint64          n_ranks,
                  const Volume    *volume)
{
  guint64 n_near = MIN (n_ranks, cluster->n_per_node);
  double near = 0, far = 0, bytes;

  if (n_ranks <= 1 || volume->count == 0)
    return 0;

  bytes = volume->bytes / volume->count / n_ranks;
  if (n_near > 1)
    near = hr_cluster_get_exchange_time (cluster, n_near, 1, 1, bytes * (n_near - 1));
  if (n_ranks > n_near)
    far = hr_cluster_get_exchange_time (cluster, 2, cluster->n_per_node, 1, bytes * (n_ranks - n_near));

  return volume->count * (near + far);
}

static double
get_excess (double exchange,
            double products)
{
  return fmax (0, exchange - products);
}

/* Keys and values go on from rank to rank while attention is computed with those that are there. */
static double
get_turn_time (const HrCluster *cluster,
               const HrLayout  *layout,
               const Volume    *volume,
               double           attention)
{
  guint64 n_ranks = layout->context / MAX (layout->exchange, 1);

  if (n_ranks <= 1 || volume->count == 0)
    return 0;

  return get_excess (volume->count * hr_cluster_get_exchange_time (cluster, layout->context, layout->tensor, 1,
                                                                   volume->bytes / volume->count), attention);
}

/*
 * Few tokens take no less than the matrices are read: once on the way forward, and once on the way back and for each
 * time that the way forward is gone again; gradients are read and written as what is new is added to them.
 */
static double
get_product_time (const Setting *self,
                  double         operations,
                  double         n_parameters,
                  double         bytes)
{
  return fmax (operations / self->rate, n_parameters * bytes / self->bandwidth);
}

static void
get_stage_times (const Setting      *self,
                 const StageWork    *work,
                 const HrStageSizes *sizes,
                 double             *forward,
                 double             *backward)
{
  const HrModelSizes *model = hr_layout_parts_get_model (self->parts);
  gboolean is_computed_twice = self->step->checkpointing == HR_GRADIENT_CHECKPOINTING_FULL;
  double read = model->element;
  double back = (is_computed_twice ? 2 : 1) * read + 2.0 * model->gradient;

  *forward = get_product_time (self, work->forward, sizes->dense, read) +
             get_product_time (self, work->expert_forward, sizes->experts, read);
  *backward = get_product_time (self, work->backward, sizes->dense, back) +
              get_product_time (self, work->expert_backward, sizes->experts, back);
}

/* Gradients and parameters of the stage that has most of them. */
static void
add_data (HrLayoutTime       *self,
          const Setting      *setting,
          const HrStageSizes *sizes,
          double              forward,
          double              backward)
{
  const HrLayout *layout = &setting->step->layout;
  const HrModelSizes *model = hr_layout_parts_get_model (setting->parts);
  guint64 n_same = hr_layout_count_sharers (layout);
  guint64 n_same_experts = n_same * layout->tensor / layout->expert;
  double times = layout->zero_stage >= 2 ? setting->step->n_micro_batches : 1;
  const Volume dense_gradients = { sizes->dense * model->gradient, 1 };
  const Volume expert_gradients = { sizes->experts * model->gradient, 1 };
  const Volume dense = { sizes->dense * model->element, 1 };
  const Volume experts = { sizes->experts * model->element, 1 };
  double scattered = get_ring_time (setting->cluster, n_same, layout->tensor, &dense_gradients) +
                     get_ring_time (setting->cluster, n_same_experts, layout->expert, &expert_gradients);
  double gathered = get_ring_time (setting->cluster, n_same, layout->tensor, &dense) +
                    get_ring_time (setting->cluster, n_same_experts, layout->expert, &experts);

  if (layout->zero_stage == 0)
    self->data = get_excess (2 * scattered, backward);
  else if (layout->zero_stage < 3)
    self->data = times * get_excess (scattered, backward) + get_excess (gathered, forward);
  else
    self->data = times * (get_excess (gathered, forward) + get_excess (gathered + scattered, backward));
}

static void
add_optimizer (HrLayoutTime       *self,
               const Setting      *setting,
               const HrStageSizes *sizes)
{
  self->optimizer = hr_layout_parts_get_stepped_bytes (setting->parts, &setting->step->layout, sizes) /
                    setting->bandwidth;
}

static void
take_longest (double *longest,
              double  other)
{
  *longest = fmax (*longest, other);
}

static void
take_most (Volume       *most,
           const Volume *other)
{
  take_longest (&most->bytes, other->bytes);
  take_longest (&most->count, other->count);
}

/*
 * hr_layout_time_init:
 * @self: (out): the time
 * @parts: a model and a job
 * @cluster: GPUs of which enough is known
 * @step: how the job is divided
 * @division: what stages have
 *
 * Estimates how long a step takes.
 */
void
hr_layout_time_init (HrLayoutTime        *self,
                     const HrLayoutParts *parts,
                     const HrCluster     *cluster,
                     const HrLayoutStep  *step,
                     const HrDivision    *division)
{
  const HrLayout *layout = &step->layout;
  const HrModelSizes *model = hr_layout_parts_get_model (parts);
  double efficiency = hr_roofline_get_efficiency (HR_BOUND_COMPUTE, TRUE)->typical;
  double share = hr_roofline_get_efficiency (HR_BOUND_MEMORY, TRUE)->typical;
  guint64 inner = layout->tensor * layout->context, throughput = 1, bandwidth = 1;
  double n_micro_batches = step->n_micro_batches;
  double forward = 0, backward = 0, needed, handed, busy;
  HrStageSizes most = { 0 };
  StageWork longest = { 0 };
  Setting setting;

  hr_gpu_get_throughput (cluster->gpu, HR_DTYPE_BFLOAT16, &throughput);
  hr_gpu_get_bandwidth (cluster->gpu, &bandwidth);
  setting = (Setting) {
    .parts = parts, .cluster = cluster, .step = step, .rate = throughput * efficiency, .bandwidth = bandwidth * share,
    .n_tokens = (double) step->micro_batch * hr_layout_parts_get_n_tokens (parts) / layout->context,
    .between = layout->divides_sequence ? layout->tensor : 1,
  };

  for (guint i = 0; i < division->n_stages; i++)
    {
      HrStageSizes sizes;
      StageWork work;
      double stage_forward, stage_backward;

      count_stage (&setting, division, i, &work);
      hr_layout_parts_get_parameters (parts, layout,
                                      hr_division_get_counts (division, hr_layout_parts_get_n_classes (parts), i),
                                      division->stages[i], &sizes);
      get_stage_times (&setting, &work, &sizes, &stage_forward, &stage_backward);
      if (stage_forward + stage_backward > forward + backward)
        {
          forward = stage_forward;
          backward = stage_backward;
        }
      take_longest (&longest.attention, work.attention);
      take_most (&longest.layer, &work.layer);
      take_most (&longest.ring, &work.ring);
      take_most (&longest.heads, &work.heads);
      take_most (&longest.sent, &work.sent);
      take_longest (&most.dense, sizes.dense);
      take_longest (&most.experts, sizes.experts);
    }

  *self = (HrLayoutTime) { 0 };
  self->compute = n_micro_batches * (forward + backward);
  self->layer = n_micro_batches * get_ring_time (cluster, layout->tensor, 1, &longest.layer);
  self->sequence = n_micro_batches * (get_turn_time (cluster, layout, &longest.ring, longest.attention / setting.rate) +
                                      get_ring_time (cluster, layout->exchange, layout->tensor, &longest.heads));
  self->experts = n_micro_batches * get_sending_time (cluster, layout->expert, &longest.sent);
  busy = self->compute + self->layer + self->sequence + self->experts;
  if (layout->pipeline > 1)
    {
      handed = model->element * model->hidden * setting.n_tokens / setting.between;
      self->pipeline = busy * (layout->pipeline - 1) / (n_micro_batches * layout->parts) +
                       n_micro_batches * 2 * layout->parts *
                       hr_cluster_get_exchange_time (cluster, layout->pipeline, inner * layout->data, 1, handed);
    }
  add_data (self, &setting, &most, forward, backward);
  add_optimizer (self, &setting, &most);
  self->total = busy + self->pipeline + self->data + self->optimizer;

  needed = 3 * hr_layout_parts_get_operations (parts) * setting.n_tokens * layout->context * n_micro_batches *
           layout->data;
  self->utilization = needed / (self->total * throughput * layout->n_ranks);
}
