/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-layout.h"

#include "hr-inference-cache.h"
#include "hr-pass.h"
#include "hr-message.h"
#include "hr-model-private.h"
#include "hr-pipeline-schedule.h"
#include "hr-torchtitan-context.h"
#include "hr-training-profile.h"

#define MAX_FRAMEWORKS 10

/* Who divides a job in a way that is followed. */
static const struct
{
  const char *property;
  HrTrainingFramework frameworks[MAX_FRAMEWORKS];
  guint n_frameworks;
} known[] = {
  { "data-parallel", { HR_TRAINING_FRAMEWORK_PYTORCH, HR_TRAINING_FRAMEWORK_TRANSFORMERS,
                       HR_TRAINING_FRAMEWORK_TRL, HR_TRAINING_FRAMEWORK_MEGATRON_LM,
                       HR_TRAINING_FRAMEWORK_DEEPSPEED, HR_TRAINING_FRAMEWORK_TORCHTITAN,
                       HR_TRAINING_FRAMEWORK_COLOSSALAI, HR_TRAINING_FRAMEWORK_VERL,
                       HR_TRAINING_FRAMEWORK_OPENRLHF, HR_TRAINING_FRAMEWORK_UNSLOTH }, 10 },
  { "tensor-parallel", { HR_TRAINING_FRAMEWORK_MEGATRON_LM, HR_TRAINING_FRAMEWORK_TORCHTITAN,
                         HR_TRAINING_FRAMEWORK_PYTORCH, HR_TRAINING_FRAMEWORK_TRANSFORMERS }, 4 },
  { "pipeline-parallel", { HR_TRAINING_FRAMEWORK_MEGATRON_LM, HR_TRAINING_FRAMEWORK_PYTORCH,
                           HR_TRAINING_FRAMEWORK_TORCHTITAN, HR_TRAINING_FRAMEWORK_DEEPSPEED }, 4 },
  { "context-parallel", { HR_TRAINING_FRAMEWORK_MEGATRON_LM, HR_TRAINING_FRAMEWORK_DEEPSPEED,
                          HR_TRAINING_FRAMEWORK_TRANSFORMERS, HR_TRAINING_FRAMEWORK_TRL,
                          HR_TRAINING_FRAMEWORK_TORCHTITAN }, 5 },
  { "expert-parallel", { HR_TRAINING_FRAMEWORK_MEGATRON_LM }, 1 },
};

static gboolean
is_known (guint                degree,
          HrTrainingFramework  framework)
{
  for (guint i = 0; i < known[degree].n_frameworks; i++)
    {
      if (known[degree].frameworks[i] == framework)
        return TRUE;
    }

  return FALSE;
}

static char *
format_number (guint64 number)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

/* As many copies as the GPUs allow, at least one. */
static gboolean
resolve_data (HrLayout  *self,
              guint      n_gpus,
              GError   **error)
{
  guint64 n_inner = self->tensor * self->pipeline * self->context;
  g_autofree char *inner = NULL;
  g_autofree char *found = NULL;

  if (self->data == 0 && n_gpus > n_inner && n_gpus % n_inner != 0)
    {
      inner = g_strdup_printf ("%" G_GUINT64_FORMAT, n_inner);
      found = g_strdup_printf ("%u", n_gpus);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("gpus: expected a multiple of %s, which is tensor-parallel × pipeline-parallel × "
                               "context-parallel; found %s"), inner, found);
      return FALSE;
    }

  if (self->data == 0)
    self->data = MAX (1, n_gpus / n_inner);
  self->n_ranks = n_inner * self->data;

  return TRUE;
}

/*
 * hr_layout_divides_ranks:
 * @self: a layout
 *
 * initialize_model_parallel of megatron/core/parallel_state.py: experts are divided among all ranks of a stage,
 * whatever else these share.
 *
 * Returns: whether the ranks of a stage can be divided into groups that share the experts of a layer
 */
gboolean
hr_layout_divides_ranks (const HrLayout *self)
{
  return self->n_ranks / self->pipeline % (self->expert * MAX (self->expert_tensor, 1)) == 0;
}

static gboolean
check_experts (const HrLayout  *self,
               GError         **error)
{
  g_autofree char *ranks = NULL;
  g_autofree char *found = NULL;

  if (hr_layout_divides_ranks (self))
    return TRUE;

  ranks = format_number (self->n_ranks / self->pipeline);
  found = format_number (self->expert * self->expert_tensor);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        self->expert_tensor == 1
                          ? N_("expert-parallel: expected a divisor of %s, the ranks of a stage of the pipeline; found "
                               "%s")
                          : N_("expert-parallel × expert-tensor-parallel: expected a divisor of %s, the ranks of a "
                               "stage of the pipeline; found %s"),
                        ranks, found);

  return FALSE;
}

static gboolean
check_exchange (const HrLayout  *self,
                GError         **error)
{
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (self->context % self->exchange == 0)
    return TRUE;

  expected = format_number (self->context);
  found = format_number (self->exchange);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("ulysses-parallel: expected a divisor of %s, which is context-parallel; found %s"), expected,
                        found);

  return FALSE;
}

/* Whether DeepSpeed runs a job, or a trainer hands it on to DeepSpeed. */
static gboolean
is_run_by_deepspeed (HrTrainingJob *job)
{
  HrTrainingFramework framework = hr_training_job_get_framework (job);

  return framework == HR_TRAINING_FRAMEWORK_DEEPSPEED ||
         (hr_training_job_get_zero_stage (job) > 0 && (framework == HR_TRAINING_FRAMEWORK_TRANSFORMERS ||
                                                       framework == HR_TRAINING_FRAMEWORK_TRL));
}

/* OpenRLHF has DeepSpeed divide by its second stage where nothing else is said (--ds.zero_stage, of its options). */
static guint64
get_stage_of_openrlhf (const HrLayout *self)
{
  if (self->data == 1)
    return 0;

  return self->zero_stage > 0 ? self->zero_stage : 2;
}

/*
 * hr_layout_init:
 * @self: (out): a layout
 * @job: a job
 * @n_gpus: how many GPUs there are
 * @error: return location for an error
 *
 * Works out how a job is divided among GPUs.
 *
 * Returns: whether its settings go together
 */
gboolean
hr_layout_init (HrLayout       *self,
                HrTrainingJob  *job,
                guint           n_gpus,
                GError        **error)
{
  *self = (HrLayout) {
    .data = hr_job_get_data_parallel (HR_JOB (job)),
    .tensor = hr_job_get_tensor_parallel (HR_JOB (job)),
    .pipeline = hr_job_get_pipeline_parallel (HR_JOB (job)),
    .parts = hr_training_job_get_virtual_pipeline_parallel (job),
    .group = hr_training_job_get_micro_batch_group_size (job),
    .first_layers = hr_training_job_get_first_stage_layers (job),
    .last_layers = hr_training_job_get_last_stage_layers (job),
    .counts_embedding = hr_training_job_get_count_embedding_as_layer (job),
    .counts_loss = hr_training_job_get_count_loss_as_layer (job),
    .context = hr_job_get_context_parallel (HR_JOB (job)),
    .exchange = hr_training_job_get_ulysses_parallel (job),
    .expert = hr_job_get_expert_parallel (HR_JOB (job)),
    .zero_stage = hr_training_job_get_zero_stage (job),
    .schedule = hr_training_job_get_pipeline_schedule (job),
  };
  if (hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_MEGATRON_LM)
    self->n_predictions = hr_training_job_get_mtp_num_layers (job);
  self->is_titan = hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_TORCHTITAN;
  self->is_flat = hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_VERL;
  self->deals_layers = self->pipeline > 1 && self->is_titan;
  self->is_torch = self->deals_layers || (self->pipeline > 1 &&
                                          hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_PYTORCH);
  self->is_deepspeed = self->pipeline > 1 && hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_DEEPSPEED;
  self->expert_tensor = hr_training_job_get_expert_tensor_parallel (job);
  if (self->expert_tensor == 0)
    self->expert_tensor = self->expert > 1 || hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_MEGATRON_LM
                            ? self->tensor : 1;
  self->divides_sequence = hr_training_job_get_sequence_parallel (job) && self->tensor > 1;
  /* DeepSpeed has Ulysses alone. */
  if (is_run_by_deepspeed (job))
    self->exchange = self->context;

  if (!check_exchange (self, error) || !resolve_data (self, n_gpus, error) || !check_experts (self, error))
    return FALSE;

  if (hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_OPENRLHF)
    self->zero_stage = get_stage_of_openrlhf (self);

  return TRUE;
}

/* A plan and a map of devices are mutually exclusive (initialize_tensor_parallelism), and so are plans. */
static gboolean
check_inference (const HrLayout  *self,
                 GError         **error)
{
  const struct { const char *name; guint64 degree; } degrees[] = {
    { "tensor-parallel", self->tensor }, { "pipeline-parallel", self->pipeline }, { "expert-parallel", self->expert },
  };
  guint first = G_MAXUINT;

  for (guint i = 0; i < G_N_ELEMENTS (degrees); i++)
    {
      g_autofree char *number = NULL;

      if (degrees[i].degree == 1)
        continue;
      if (first == G_MAXUINT)
        {
          first = i;
          continue;
        }

      number = g_strdup_printf ("%" G_GUINT64_FORMAT, degrees[i].degree);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are the names of two settings, and a number. */
                            N_("%s: expected 1 beside %s, as transformers divides a model in one way at a time; found "
                               "%s"),
                            degrees[i].name, degrees[first].name, number);
      return FALSE;
    }

  return TRUE;
}

/* As many stages as the GPUs allow, where nothing else divides the model. */
static gboolean
resolve_stages (HrLayout  *self,
                guint      n_gpus,
                GError   **error)
{
  g_autofree char *copies = NULL;
  g_autofree char *found = NULL;

  if (self->data == 0)
    self->data = 1;
  if (n_gpus > self->data && n_gpus % self->data != 0)
    {
      copies = format_number (self->data);
      found = format_number (n_gpus);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("gpus: expected a multiple of %s, which is data-parallel; found %s"), copies, found);
      return FALSE;
    }

  self->pipeline = MAX (1, n_gpus / self->data);
  self->n_ranks = self->pipeline * self->data;

  return TRUE;
}

/*
 * hr_layout_resolve_copies:
 * @n_inner: how many GPUs a copy of the model is on
 * @n_gpus: how many there are
 * @data: (inout): how many copies there are, 0 for as many as there is room for
 * @error: return location for a #GError
 *
 * Works out how many copies of a model there are, at least one.
 *
 * Returns: whether the GPUs make whole copies
 */
gboolean
hr_layout_resolve_copies (guint64   n_inner,
                          guint64   n_gpus,
                          guint64  *data,
                          GError  **error)
{
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (*data == 0 && n_gpus > n_inner && n_gpus % n_inner != 0)
    {
      expected = format_number (n_inner);
      found = format_number (n_gpus);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("gpus: expected a multiple of %s, the GPUs of a copy of the model; found %s"), expected,
                            found);
      return FALSE;
    }

  if (*data == 0)
    *data = MAX (1, n_gpus / n_inner);

  return TRUE;
}

/*
 * hr_layout_init_inference:
 * @self: (out): a layout
 * @job: a job of inference with transformers
 * @n_gpus: how many GPUs there are
 * @error: return location for an error
 *
 * Works out how a job is divided among GPUs: by transformers’ plan of tensor parallelism, or of experts, for all that
 * compute each layer together, by accelerate’s map of devices for stages of layers, and by copies of all that.
 *
 * Returns: whether its settings go together
 */
gboolean
hr_layout_init_inference (HrLayout  *self,
                          HrJob     *job,
                          guint      n_gpus,
                          GError   **error)
{
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;
  guint64 n_inner;

  *self = (HrLayout) {
    .data = hr_job_get_data_parallel (job),
    .tensor = hr_job_get_tensor_parallel (job),
    .pipeline = hr_job_get_pipeline_parallel (job),
    .context = hr_job_get_context_parallel (job),
    .expert = hr_job_get_expert_parallel (job),
  };
  if (self->context > 1)
    {
      found = format_number (self->context);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("context-parallel: expected 1, as transformers does not divide the tokens of a prompt; "
                               "found %s"), found);
      return FALSE;
    }
  if (!check_inference (self, error))
    return FALSE;

  n_inner = self->tensor * self->pipeline * self->expert;
  if (n_inner > HR_LAYOUT_MAX_INNER_RANKS)
    {
      expected = format_number (HR_LAYOUT_MAX_INNER_RANKS);
      found = format_number (n_inner);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("gpus: expected no more than %s for a copy of the model; found %s"), expected, found);
      return FALSE;
    }
  if (n_inner == 1)
    return resolve_stages (self, n_gpus, error);
  if (!hr_layout_resolve_copies (n_inner, n_gpus, &self->data, error))
    return FALSE;

  self->n_ranks = n_inner * self->data;

  return TRUE;
}

/*
 * hr_layout_copies_model:
 * @self: a layout
 * @job: the job that it is of
 *
 * Megatron-LM reduces gradients in the buffer that they are added up in, and needs no buckets beside it. DeepSpeed
 * without ZeRO copies some at a time when all are there (buffered_allreduce_fallback of deepspeed/runtime/engine.py),
 * less than its step copies after that.
 *
 * Returns: whether ranks that read different data have copies of the model in torch’s DistributedDataParallel
 */
gboolean
hr_layout_copies_model (const HrLayout *self,
                        HrTrainingJob  *job)
{
  HrTrainingFramework framework = hr_training_job_get_framework (job);

  return self->data > 1 && self->zero_stage == 0 && framework != HR_TRAINING_FRAMEWORK_MEGATRON_LM &&
         framework != HR_TRAINING_FRAMEWORK_DEEPSPEED && framework != HR_TRAINING_FRAMEWORK_TORCHTITAN &&
         framework != HR_TRAINING_FRAMEWORK_VERL && is_known (0, framework);
}

/*
 * DistributedOptimizer of megatron/core/optimizer/distrib_optimizer.py is ZeRO’s first stage: gradients are reduced and
 * scattered in a buffer that is there whole (megatron/core/distributed/param_and_grad_buffer.py).
 */
static gboolean
check_zero (const HrLayout       *self,
            HrTrainingFramework   framework,
            const char           *name,
            GError              **error)
{
  guint64 most = framework == HR_TRAINING_FRAMEWORK_MEGATRON_LM    ? 1
                 : framework == HR_TRAINING_FRAMEWORK_DEEPSPEED    ? 3
                 : framework == HR_TRAINING_FRAMEWORK_TRANSFORMERS ? 3
                 : framework == HR_TRAINING_FRAMEWORK_TRL          ? 3
                 : framework == HR_TRAINING_FRAMEWORK_COLOSSALAI   ? 2
                 : framework == HR_TRAINING_FRAMEWORK_OPENRLHF     ? 2
                                                                   : 0;
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (self->zero_stage <= most)
    return TRUE;

  expected = g_strdup_printf ("%" G_GUINT64_FORMAT, most);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, self->zero_stage);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a number, the name of a framework, and a number */
                        N_("zero-stage: expected no more than %s where the framework is %s, as what it shares beside "
                           "is not known: deepspeed, transformers and trl go to 3; found %s"),
                        expected, name, found);

  return FALSE;
}

/*
 * hr_layout_get_group:
 * @self: a layout
 *
 * Returns: how many micro-batches a part of a stage runs before the next has its turn
 */
guint64
hr_layout_get_group (const HrLayout *self)
{
  return self->group > 0 ? self->group : self->pipeline;
}

/*
 * A group has as many micro-batches as there are stages at least, and so has the last one
 * (microbatch_group_size_per_vp_stage in forward_backward_pipelining_with_interleaving).
 */
static gboolean
check_group (const HrLayout  *self,
             guint64          n_micro_batches,
             GError         **error)
{
  guint64 n_last = n_micro_batches % self->group;
  g_autofree char *expected = format_number (self->pipeline);
  g_autofree char *found = NULL;

  if (self->group >= self->pipeline && (n_last == 0 || n_last >= self->pipeline))
    return TRUE;

  found = format_number (self->group < self->pipeline ? self->group : n_last);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("micro-batch-group-size: expected %s at least, the stages of the pipeline, and as many for "
                           "what is left for the last group; found %s"), expected, found);

  return FALSE;
}

/*
 * hr_layout_can_interleave:
 * @self: a layout
 * @n_micro_batches: how many micro-batches a step has
 *
 * An interleaved schedule runs micro-batches in groups, of as many as there are stages where nothing else is said
 * (forward_backward_pipelining_with_interleaving of megatron/core/pipeline_parallel/schedules.py).
 *
 * Returns: whether stages can have as many parts as they have, where nothing else is said of groups
 */
gboolean
hr_layout_can_interleave (const HrLayout *self,
                          guint64         n_micro_batches)
{
  return self->parts == 1 || (self->pipeline > 1 && self->group == 0 && n_micro_batches % self->pipeline == 0);
}

static gboolean
check_parts (const HrLayout  *self,
             guint64          n_micro_batches,
             GError         **error)
{
  g_autofree char *expected = g_strdup_printf ("%" G_GUINT64_FORMAT, self->pipeline);
  g_autofree char *found = NULL;

  if (hr_layout_can_interleave (self, n_micro_batches))
    return TRUE;

  if (self->pipeline == 1)
    {
      found = g_strdup_printf ("%" G_GUINT64_FORMAT, self->parts);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("virtual-pipeline-parallel: expected 1, as there is no pipeline whose stages could have "
                               "several parts; found %s"), found);
      return FALSE;
    }
  if (self->group > 0)
    return check_group (self, n_micro_batches, error);

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, n_micro_batches);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("gradient-accumulation-steps: expected a multiple of %s, as an interleaved schedule runs as "
                           "many micro-batches in a row as the pipeline has stages; found %s"), expected, found);

  return FALSE;
}

static void
set_torch_schedule_error (HrTrainingJob       *job,
                          HrPipelineSchedule   schedule,
                          GError             **error)
{
  g_autofree char *name = hr_job_get_as_string (HR_JOB (job), "pipeline-schedule");
  g_autofree char *parts = format_number (hr_training_job_get_virtual_pipeline_parallel (job));
  g_autofree char *found = format_number (hr_training_job_get_gradient_accumulation_steps (job));

  hr_message_set_error (error, HR_ERROR_VALUE,
                        /* Translators: the places are the name of a schedule, and two numbers */
                        schedule == HR_PIPELINE_SCHEDULE_ZBV
                          ? N_("pipeline-schedule: %s of torch.distributed.pipelining expects two parts on each rank; "
                               "found virtual-pipeline-parallel %s and gradient-accumulation-steps %s")
                        : schedule == HR_PIPELINE_SCHEDULE_DUALPIPE_V
                          ? N_("pipeline-schedule: %s of torch.distributed.pipelining expects two parts on each rank, "
                               "and twice as many micro-batches as ranks at least; found virtual-pipeline-parallel %s "
                               "and gradient-accumulation-steps %s")
                          : N_("pipeline-schedule: %s of torch.distributed.pipelining expects rounds of equally many "
                               "micro-batches, of as many as there are ranks at least; found "
                               "virtual-pipeline-parallel %s and gradient-accumulation-steps %s"),
                        name, parts, found);
}

/*
 * _get_pipeline_metadata of torchtitan/distributed/pipeline_parallel.py: a schedule that can have several stages on a
 * rank has two at least. Layers are dealt out by their number alone.
 */
static gboolean
check_torchtitan_parts (const HrLayout  *self,
                        guint64          n_micro_batches,
                        GError         **error)
{
  g_autofree char *found = format_number (MAX (self->first_layers, self->last_layers));

  if (self->first_layers > 0 || self->last_layers > 0)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("first-stage-layers, last-stage-layers: expected 0, as torchtitan deals layers out by "
                               "itself (count-embedding-as-layer, count-loss-as-layer); found %s"), found);
      return FALSE;
    }
  if (!hr_pipeline_schedule_splits (self->schedule))
    return TRUE;
  /* What has come last and what has been added up before are of two data types (foreach_reduce). */
  if (n_micro_batches == 1)
    {
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("gradient-accumulation-steps: expected 2 at least, as fully_shard reduces no gradients "
                               "of two data types, which a schedule of this kind leaves of one micro-batch; found 1"));
      return FALSE;
    }
  if (self->parts > 1)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("virtual-pipeline-parallel: expected 2 at least, as torchtitan runs this schedule with "
                           "several parts on each rank; found 1"));

  return FALSE;
}

/*
 * Schedule1F1B of torch/distributed/pipelining/schedules.py has every stage at work at once. DistributedDataParallel
 * reduces gradients when they are accumulated, which stage_backward_weight of _backward.py does by itself.
 */
static gboolean
check_torch_schedule (const HrLayout  *self,
                      HrTrainingJob   *job,
                      GError         **error)
{
  guint64 n_micro_batches = hr_training_job_get_gradient_accumulation_steps (job);
  g_autofree char *expected = format_number (self->pipeline);
  g_autofree char *schedule = NULL;
  g_autofree char *found = NULL;

  if (self->schedule == HR_PIPELINE_SCHEDULE_1F1B && self->parts == 1 && n_micro_batches < self->pipeline)
    {
      found = format_number (n_micro_batches);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("gradient-accumulation-steps: expected %s at least, the stages of the pipeline, which "
                               "1F1B of torch.distributed.pipelining has at work at once; found %s"), expected, found);
      return FALSE;
    }
  if (self->data > 1 && !self->deals_layers && hr_pipeline_schedule_splits (self->schedule))
    {
      schedule = hr_job_get_as_string (HR_JOB (job), "pipeline-schedule");
      found = format_number (self->data);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            /* Translators: the places are the value of a setting and a number */
                            N_("data-parallel: expected 1 beside the schedule %s, which hands gradients of weights "
                               "over without DistributedDataParallel, so that copies would not reduce them; found %s"),
                            schedule, found);
      return FALSE;
    }
  if (!hr_pipeline_schedule_is_known (self->schedule, self->pipeline, self->parts, n_micro_batches))
    {
      set_torch_schedule_error (job, self->schedule, error);
      return FALSE;
    }

  return !self->deals_layers || check_torchtitan_parts (self, n_micro_batches, error);
}

/* TrainSchedule of deepspeed/runtime/pipe/schedule.py */
static gboolean
check_deepspeed_schedule (const HrLayout  *self,
                          HrTrainingJob   *job,
                          GError         **error)
{
  g_autofree char *found = NULL;

  if (self->schedule == HR_PIPELINE_SCHEDULE_1F1B)
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (job), "pipeline-schedule");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("pipeline-schedule: expected 1f1b, as DeepSpeed’s pipeline has no other; found %s"), found);

  return FALSE;
}

/* Megatron-LM has one schedule alone (get_forward_backward_func of megatron/core/pipeline_parallel/schedules.py). */
static gboolean
check_schedule (const HrLayout  *self,
                HrTrainingJob   *job,
                GError         **error)
{
  g_autofree char *found = NULL;

  if (self->is_torch)
    return check_torch_schedule (self, job, error);
  if (self->is_deepspeed)
    return check_deepspeed_schedule (self, job, error);
  if (self->pipeline == 1 || self->schedule == HR_PIPELINE_SCHEDULE_1F1B)
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (job), "pipeline-schedule");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("pipeline-schedule: expected 1f1b, as Megatron-LM has no other (interleaved where "
                           "virtual-pipeline-parallel is more than 1); found %s"), found);

  return FALSE;
}

/* Whether each of the ranks that share a sequence has two chunks of it. */
static gboolean
divides_chunks (const HrLayout *self,
                guint64         length)
{
  return self->context == 1 || length % (2 * self->context) == 0;
}

/*
 * A sequence is divided into two chunks for each rank, so that all attend to as much (--context-parallel-size in
 * megatron/training/arguments.py); its attention is that of Transformer Engine with a kernel.
 */
static gboolean
check_context (const HrLayout  *self,
               HrTrainingJob   *job,
               GError         **error)
{
  guint64 length = hr_training_job_get_sequence_length (job);
  HrAttentionImplementation attention = hr_job_get_attention (HR_JOB (job));
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (self->context == 1)
    return TRUE;

  if (!divides_chunks (self, length))
    {
      expected = format_number (2 * self->context);
      found = format_number (length);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("sequence-length: expected a multiple of %s, as each of the ranks that share a sequence "
                               "has two chunks of it (context-parallel); found %s"), expected, found);
      return FALSE;
    }
  if (attention != HR_ATTENTION_IMPLEMENTATION_EAGER && attention != HR_ATTENTION_IMPLEMENTATION_SDPA_MATH)
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (job), "attention");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("attention: expected sdpa, as Megatron-LM divides the tokens of a sequence only where "
                           "Transformer Engine's kernel attends to them (context-parallel); found %s"), found);

  return FALSE;
}

/*
 * Each rank has as many tokens of a sequence (UlyssesSPDataLoaderAdapter of
 * deepspeed/runtime/sequence_parallel/ulysses_sp.py).
 */
static gboolean
check_shares (const HrLayout  *self,
              HrTrainingJob   *job,
              GError         **error)
{
  guint64 length = hr_training_job_get_sequence_length (job);
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (self->context > 1 && !is_run_by_deepspeed (job))
    {
      found = format_number (self->context);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("context-parallel: expected 1 without ZeRO (zero-stage), as what each GPU holds where "
                               "others than DeepSpeed divide the tokens of a sequence is not known; found %s"), found);
      return FALSE;
    }
  if (length % self->context == 0)
    return TRUE;

  expected = format_number (self->context);
  found = format_number (length);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("sequence-length: expected a multiple of %s, as the ranks that share a sequence have as "
                           "many of its tokens each (context-parallel); found %s"), expected, found);

  return FALSE;
}

/*
 * Trainer.__init__ of torchtitan/trainer.py has two chunks of a micro-batch for each rank, and a mask is made of whole
 * blocks of tokens (_create_cp_block_mask of torch/distributed/tensor/experimental/_context_parallel/_attention.py).
 */
static gboolean
divides_torchtitan_tokens (const HrLayout *self,
                           guint64         length)
{
  guint64 n_sharers = self->divides_sequence ? self->tensor : 1;

  return self->context == 1 || (length % (2 * self->context * n_sharers) == 0 &&
                                length % (HR_TORCHTITAN_MASK_BLOCK * self->context) == 0);
}

static gboolean
check_torchtitan_context (const HrLayout  *self,
                          HrTrainingJob   *job,
                          GError         **error)
{
  guint64 length = hr_training_job_get_sequence_length (job);
  guint64 n_sharers = self->divides_sequence ? self->tensor : 1;
  guint64 block = HR_TORCHTITAN_MASK_BLOCK * self->context;
  guint64 chunks = 2 * self->context * n_sharers;
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (divides_torchtitan_tokens (self, length))
    return TRUE;

  expected = format_number (length % block != 0 ? block : chunks);
  found = format_number (length);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("sequence-length: expected a multiple of %s, as torchtitan divides a sequence into two "
                           "chunks for each of the ranks that share it, and its mask into blocks of 128 tokens "
                           "(context-parallel); found %s"), expected, found);

  return FALSE;
}

/* What is not valid is told before what is not known (hr_layout_can_share). */
static gboolean
check_stages_of_zero (const HrLayout  *self,
                      HrTrainingJob   *job,
                      GError         **error)
{
  g_autofree char *found = NULL;

  if (hr_layout_can_share (self) || !is_run_by_deepspeed (job))
    return TRUE;

  found = format_number (self->zero_stage);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("zero-stage: expected 0 or 1 beside pipeline-parallel, as DeepSpeed has no pipeline whose "
                           "gradients are divided as they come; found %s"), found);

  return FALSE;
}

/*
 * hr_layout_check:
 * @self: a layout
 * @job: the job that it is of
 * @error: return location for an error
 *
 * Checks that what each GPU holds is known for a layout of a framework.
 *
 * Returns: whether it is
 */
gboolean
hr_layout_check (const HrLayout  *self,
                 HrTrainingJob   *job,
                 GError         **error)
{
  const guint64 degrees[] = { self->data, self->tensor, self->pipeline, self->context, self->expert };
  HrTrainingFramework framework = hr_training_job_get_framework (job);
  const HrTrainingProfile *profile = hr_training_profile_get (framework);
  const char *name = profile != NULL ? profile->name : "";
  gboolean from_gpus = hr_job_get_data_parallel (HR_JOB (job)) == 0;

  if (!check_stages_of_zero (self, job, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      g_autofree char *number = NULL;

      if (degrees[i] == 1 || is_known (i, framework))
        continue;

      number = g_strdup_printf ("%" G_GUINT64_FORMAT, degrees[i]);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are the name of a setting, of a framework, and a number */
                            N_("%s: expected 1, as what each GPU holds where %s divides a job so is not known; "
                               "found %s"),
                            i == 0 && from_gpus ? "gpus" : known[i].property, name, number);
      return FALSE;
    }

  if (framework == HR_TRAINING_FRAMEWORK_MEGATRON_LM &&
      (!check_parts (self, hr_training_job_get_gradient_accumulation_steps (job), error) ||
       !check_context (self, job, error)))
    return FALSE;
  if (self->is_titan && !check_torchtitan_context (self, job, error))
    return FALSE;
  if (framework != HR_TRAINING_FRAMEWORK_MEGATRON_LM && !self->is_titan && !check_shares (self, job, error))
    return FALSE;
  if (!check_schedule (self, job, error))
    return FALSE;

  return check_zero (self, framework, name, error);
}

/*
 * hr_layout_divides_model:
 * @self: a layout
 *
 * Returns: whether no rank has all of the model
 */
gboolean
hr_layout_divides_model (const HrLayout *self)
{
  return self->tensor > 1 || self->pipeline > 1;
}

/*
 * hr_layout_count_sharers:
 * @self: a layout of Megatron-LM, DeepSpeed or torchtitan
 *
 * The distributed optimizer divides what it keeps among all ranks that have the same parameters, those that share a
 * sequence among them (get_data_parallel_group (with_context_parallel=True) of megatron/core/parallel_state.py), and so
 * does ZeRO (_get_sequence_data_parallel_group of deepspeed/utils/groups.py), and fully_shard of torchtitan
 * (resolve_fsdp_mesh of torchtitan/distributed/fsdp.py).
 *
 * Returns: how many ranks have the same parameters
 */
guint64
hr_layout_count_sharers (const HrLayout *self)
{
  return self->data * self->context;
}

/*
 * hr_layout_divides_tokens:
 * @self: a layout
 * @length: how many tokens a sequence has
 *
 * Ranks that share a sequence have two chunks of it each (--context-parallel-size in megatron/training/arguments.py,
 * Trainer.__init__ of torchtitan/trainer.py), which those that share a layer divide where they divide what lies between
 * its matrices.
 *
 * Returns: whether each has as many tokens
 */
gboolean
hr_layout_divides_tokens (const HrLayout *self,
                          guint64         length)
{
  if (self->is_titan && !divides_torchtitan_tokens (self, length))
    return FALSE;

  return divides_chunks (self, length) && (!self->divides_sequence || length / self->context % self->tensor == 0);
}

/*
 * hr_layout_can_share:
 * @self: a layout
 *
 * A pipeline adds gradients up over its micro-batches, which ZeRO's second stage would reduce one by one: DeepSpeed
 * refuses both together (PipelineEngine of deepspeed/runtime/pipe/engine.py), and Megatron-LM fully sharded parameters
 * beside a pipeline (--use-torch-fsdp2 in megatron/training/arguments.py).
 *
 * Returns: whether what the stage of ZeRO divides can be divided
 */
gboolean
hr_layout_can_share (const HrLayout *self)
{
  return self->zero_stage < 2 || self->pipeline == 1;
}

/*
 * hr_layout_count_expert_sharers:
 * @self: a layout of Megatron-LM
 *
 * Counts the ranks that have the same experts (get_expert_data_parallel_group of megatron/core/parallel_state.py).
 *
 * Returns: how many
 */
guint64
hr_layout_count_expert_sharers (const HrLayout *self)
{
  return self->n_ranks / (self->pipeline * self->expert * MAX (self->expert_tensor, 1));
}

/* --make-vocab-size-divisible-by of megatron/training/arguments.py: of the rows of each rank. */
#define VOCABULARY_MULTIPLE 128

/*
 * hr_layout_has_experts:
 * @stack: a stack
 *
 * Returns: whether any of its layers has a mixture of experts
 */
gboolean
hr_layout_has_experts (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];

      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          for (guint k = 0; k < klass->sublayers[j].n_branches; k++)
            {
              if (hr_chain_find_block (&klass->sublayers[j].branches[k], HR_BLOCK_MIXTURE) != NULL)
                return TRUE;
            }
        }
    }

  return FALSE;
}

/* How many layers a stage has that is neither first nor last, or an outer one of which nothing else is said. */
static guint64
count_inner (const HrLayout *self,
             guint64         n_layers)
{
  guint64 n_outer = (self->first_layers > 0) + (self->last_layers > 0);

  if (n_outer >= self->pipeline)
    return 0;

  return (n_layers + self->counts_embedding + self->counts_loss - self->first_layers - self->last_layers) /
         (self->pipeline - n_outer);
}

/*
 * What the outer stages do not have is the same for all others, and for each of their parts; a stage alone, or a count
 * that has the embedding or the loss in it, leaves nothing to say of them.
 */
static gboolean
divides_around_outer (const HrLayout *self,
                      guint64         n_layers)
{
  guint64 n_outer = (self->first_layers > 0) + (self->last_layers > 0);
  guint64 n_left = n_layers - MIN (n_layers, self->first_layers + self->last_layers);

  return self->pipeline > 1 && !self->counts_embedding && !self->counts_loss &&
         self->first_layers + self->last_layers <= n_layers &&
         (n_outer == self->pipeline ? n_left == 0 : n_left > 0 && n_left % (self->pipeline - n_outer) == 0) &&
         self->first_layers % self->parts == 0 && self->last_layers % self->parts == 0 &&
         count_inner (self, n_layers) % self->parts == 0;
}

/* How many layers a stage gets from torchtitan. */
static guint64
deal_to (const HrLayout *self,
         guint64         n_layers,
         guint64         stage)
{
  return hr_pipeline_schedule_deal_layers (n_layers, self->pipeline * self->parts, stage, self->counts_embedding,
                                           self->counts_loss);
}

/* The stage that a part of a rank is. */
static guint64
get_stage_of_part (const HrLayout *self,
                   guint           rank,
                   guint           part)
{
  if (hr_pipeline_schedule_goes_back (self->schedule) && part % 2 == 1)
    return (part + 1) * self->pipeline - 1 - rank;

  return part * self->pipeline + rank;
}

/*
 * hr_layout_divides_layers:
 * @self: a layout
 * @n_layers: how many layers the model has
 *
 * Returns: whether each part of each stage has as many of them, but for outer stages of which another number is said;
 *   the embedding and the loss may count as layers; where they are dealt out, whether each gets one
 */
gboolean
hr_layout_divides_layers (const HrLayout *self,
                          guint64         n_layers)
{
  guint64 n_counted = n_layers + self->counts_embedding + self->counts_loss;

  if (self->deals_layers)
    return deal_to (self, n_layers, 0) > 0 && deal_to (self, n_layers, self->pipeline * self->parts - 1) > 0;

  if (self->first_layers > 0 || self->last_layers > 0)
    return divides_around_outer (self, n_layers);

  return n_counted % (self->pipeline * self->parts) == 0;
}

/*
 * hr_layout_count_layers:
 * @self: a layout
 * @n_layers: how many layers the decoder has
 * @stage: a stage of its pipeline
 * @part: a part of the stage, 0 where it has one
 *
 * Counts the layers of a part of a stage (get_num_layers_to_build of megatron/core/transformer/transformer_block.py).
 *
 * Returns: how many
 */
guint64
hr_layout_count_layers (const HrLayout *self,
                        guint64         n_layers,
                        guint           stage,
                        guint           part)
{
  gboolean is_first = stage == 0;
  gboolean is_last = stage + 1 == self->pipeline;
  guint64 n = count_inner (self, n_layers);

  if (self->deals_layers)
    return deal_to (self, n_layers, get_stage_of_part (self, stage, part));
  if (is_first && self->first_layers > 0)
    n = self->first_layers;
  if (is_last && self->last_layers > 0)
    n = self->last_layers;
  n /= self->parts;
  if (self->counts_embedding && is_first && part == 0)
    n--;
  if (self->counts_loss && is_last && part + 1 == self->parts)
    n--;

  return n;
}

/*
 * hr_layout_has_head:
 * @self: a layout
 * @stage: a stage of its pipeline
 *
 * Returns: whether the stage has the end of the model: the last one, or the first where the second parts of all come in
 *   the opposite order
 */
gboolean
hr_layout_has_head (const HrLayout *self,
                    guint           stage)
{
  return self->is_torch && hr_pipeline_schedule_goes_back (self->schedule) ? stage == 0 : stage + 1 == self->pipeline;
}

/*
 * Parts come in turn: the first of all stages, the second of all, and so on, those of some schedules from the last.
 * What predicts tokens further on is like the last layer (get_gpt_mtp_block_spec of
 * megatron/core/models/gpt/gpt_layer_specs.py), behind it (mtp_on_this_rank of
 * megatron/core/transformer/multi_token_prediction.py).
 */
static guint *
list_layers (const HrLayout *self,
             guint64         n_layers,
             guint           stage,
             guint          *n_listed)
{
  gboolean goes_back = self->is_torch && hr_pipeline_schedule_goes_back (self->schedule);
  guint *layers = g_new (guint, n_layers + self->n_predictions);
  guint next = 0;

  *n_listed = 0;
  for (guint part = 0; part < self->parts; part++)
    {
      for (guint i = 0; i < self->pipeline; i++)
        {
          guint rank = goes_back && part % 2 == 1 ? self->pipeline - 1 - i : i;
          guint n = hr_layout_count_layers (self, n_layers, rank, part);

          for (guint j = 0; j < n && rank == stage; j++)
            layers[(*n_listed)++] = next + j;
          next += n;
        }
    }
  for (guint i = 0; i < self->n_predictions && hr_layout_has_head (self, stage); i++)
    layers[(*n_listed)++] = n_layers - 1;

  return layers;
}

static void
set_outer_error (const HrLayout  *self,
                 guint64          n_layers,
                 GError         **error)
{
  guint64 n_outer = (self->first_layers > 0) + (self->last_layers > 0);
  guint64 n_left = n_layers - MIN (n_layers, self->first_layers + self->last_layers);
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (self->pipeline == 1 || self->counts_embedding || self->counts_loss)
    {
      found = format_number (MAX (self->first_layers, self->last_layers));
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("first-stage-layers, last-stage-layers: expected 0 without a pipeline, or where the "
                               "embedding or the loss counts as a layer; found %s"), found);
      return;
    }
  expected = format_number (self->pipeline - n_outer);
  found = format_number (n_left);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("first-stage-layers, last-stage-layers: expected as many layers for each of the other %s "
                           "stages, and for each part of a stage; found %s layers for these stages"), expected, found);
}

static gboolean
check_stages (const HrLayout  *self,
              guint64          n_layers,
              GError         **error)
{
  guint64 n_counted = n_layers + self->counts_embedding + self->counts_loss;
  guint64 n_parts = self->pipeline * self->parts;
  g_autofree char *layers = NULL;
  g_autofree char *found = NULL;

  if (hr_layout_divides_layers (self, n_layers))
    return TRUE;
  if (self->first_layers > 0 || self->last_layers > 0)
    {
      set_outer_error (self, n_layers, error);
      return FALSE;
    }

  layers = format_number (n_counted);
  found = format_number (n_parts);
  if (self->deals_layers)
    {
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("pipeline-parallel × virtual-pipeline-parallel: expected a layer for each stage at "
                               "least, of %s layers with those that the embedding and the loss count as; found %s "
                               "stages"),
                            layers, found);
      return FALSE;
    }
  hr_message_set_error (error, HR_ERROR_VALUE,
                        self->parts > 1
                          ? N_("pipeline-parallel × virtual-pipeline-parallel: expected a divisor of %s, the number of "
                               "layers; found %s")
                          : N_("pipeline-parallel: expected a divisor of %s, the number of layers; found %s"),
                        layers, found);

  return FALSE;
}

/* What one part of a rank of torch’s pipelines does is rehearsed for all that have as many layers. */
static gboolean
check_likeness (const HrLayout  *self,
                HrModel         *model,
                const HrStack   *stack,
                GError         **error)
{
  g_autofree char *found = NULL;

  if (!self->is_torch || self->parts == 1 || stack->n_layer_classes == 1)
    return TRUE;

  found = format_number (self->parts);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and a number. */
                        N_("virtual-pipeline-parallel: expected 1, as the layers of “%s” are not all alike; found %s"),
                        hr_model_get_name (model), found);

  return FALSE;
}

/*
 * Without experts there is nothing to divide; with them tensor parallelism needs that of sequences (MoELayer of
 * megatron/core/transformer/moe/moe_layer.py, validate_args of megatron/training/arguments.py).
 */
static gboolean
check_mixtures (const HrLayout  *self,
                HrModel         *model,
                const HrStack   *stack,
                GError         **error)
{
  g_autofree char *found = NULL;

  if (hr_layout_has_experts (stack))
    {
      if (self->tensor == 1 || self->divides_sequence)
        return TRUE;

      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("sequence-parallel: expected true, as Megatron-LM trains no experts beside "
                               "tensor-parallel without it; found false"));
      return FALSE;
    }
  if (self->expert == 1)
    return TRUE;

  found = format_number (self->expert);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        /* Translators: the places are the name of a model and a number. */
                        N_("expert-parallel: expected 1, as “%s” has no experts; found %s"), hr_model_get_name (model),
                        found);

  return FALSE;
}

/* Behind a head that shares the table of tokens there would be two tables, of which one has no gradient. */
static gboolean
check_predictions (const HrLayout  *self,
                   HrModel         *model,
                   GError         **error)
{
  const HrBlock *head = hr_chain_find_block (hr_model_get_head (model), HR_BLOCK_HEAD);
  g_autofree char *found = NULL;

  if (self->n_predictions == 0 || (head != NULL && !head->head.tied))
    return TRUE;

  found = format_number (self->n_predictions);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and a number. */
                        N_("mtp-num-layers: expected 0, as “%s” has no output head of its own; found %s"),
                        hr_model_get_name (model), found);

  return FALSE;
}

/*
 * Each rank gets some of the heads of a rank of tensor parallelism (AttnFuncWithCPAndQKVOA2A of
 * transformer_engine/pytorch/attention/dot_product_attention/context_parallel.py).
 */
static gboolean
check_heads (const HrLayout  *self,
             const HrStack   *stack,
             GError         **error)
{
  for (guint i = 0; i < stack->n_layer_classes && self->exchange > 1; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);
      guint64 n_heads = attention != NULL ? attention->num_attention_heads / self->tensor : 0;
      guint64 n_groups = attention != NULL ? MAX (1, attention->num_key_value_heads / self->tensor) : 0;
      g_autofree char *expected = NULL;
      g_autofree char *found = NULL;

      if (n_heads % self->exchange == 0 && n_groups % self->exchange == 0)
        continue;

      expected = format_number (n_groups);
      found = format_number (self->exchange);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("ulysses-parallel: expected a divisor of %s, the heads of keys and values that a rank "
                               "of tensor parallelism has; found %s"), expected, found);
      return FALSE;
    }

  return TRUE;
}

/*
 * What the rows of the tables of tokens are padded to a multiple of. DeepSpeed’s stages are modules as they are;
 * torchtitan pads nothing: the first ranks have as
 * many as any (torch.chunk in _replicate_to_varying of spmd_types/_local.py).
 */
static guint64
get_vocabulary_multiple (const HrLayout *self)
{
  return self->is_torch || self->is_titan || self->is_deepspeed ? self->tensor : VOCABULARY_MULTIPLE * self->tensor;
}

/*
 * hr_layout_divide_model:
 * @self: a layout
 * @model: a model
 * @stage: a stage of its pipeline
 * @error: return location for an error
 *
 * Creates what a rank has of a model.
 *
 * Returns: (transfer full): a model, or %NULL with @error set if it cannot be divided so
 */
HrModel *
hr_layout_divide_model (const HrLayout  *self,
                        HrModel         *model,
                        guint            stage,
                        GError         **error)
{
  const HrStack *stack = hr_model_get_stack (model, 0);
  HrShard shard = {
    .tensor = self->tensor, .expert = self->expert, .expert_tensor = self->expert_tensor,
    .vocabulary_multiple = get_vocabulary_multiple (self), .divides_groups = self->is_titan,
  };
  g_autofree guint *layers = NULL;

  if (hr_model_get_n_stacks (model) != 1)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a model. */
                            N_("“%s”: expected a decoder alone, as it is not known how others are divided"),
                            hr_model_get_name (model));
      return NULL;
    }

  if (!check_predictions (self, model, error) || !check_stages (self, stack->n_layers, error) ||
      !check_likeness (self, model, stack, error) || !check_heads (self, stack, error) ||
      !check_mixtures (self, model, stack, error))
    return NULL;

  shard.layers = layers = list_layers (self, stack->n_layers, stage, &shard.n_layers);
  shard.has_head = hr_layout_has_head (self, stage);
  shard.n_predictions = shard.has_head ? self->n_predictions : 0;
  shard.has_embedding = stage == 0 || shard.n_predictions > 0;

  return _hr_model_new_shard (model, &shard, error);
}

/*
 * hr_layout_share_model:
 * @self: a layout of inference, with tensor or expert parallelism
 * @model: a model
 * @rank: one of the ranks that compute each layer together
 * @error: return location for an error
 *
 * Creates what a rank has of a model where transformers divides it.
 *
 * Returns: (transfer full): a model that must not outlive @model, or %NULL with @error set if it cannot be divided so
 */
HrModel *
hr_layout_share_model (const HrLayout  *self,
                       HrModel         *model,
                       guint64          rank,
                       GError         **error)
{
  gboolean by_experts = self->expert > 1;
  HrModelDivision division = by_experts ? HR_MODEL_DIVISION_EXPERT : HR_MODEL_DIVISION_TENSOR;
  const char *setting = by_experts ? "expert-parallel" : "tensor-parallel";
  guint64 n_ranks = by_experts ? self->expert : self->tensor;
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, n_ranks);

  if (hr_model_get_n_stacks (model) != 1)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("“%s”: expected a decoder alone, as it is not known how others are divided"),
                            hr_model_get_name (model));
      return NULL;
    }
  if (_hr_model_get_rules (model, division) == NULL)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are a setting, the name of a model, and a number. */
                            N_("%s: expected 1, as transformers has no plan by which it divides “%s” so; found %s"),
                            setting, hr_model_get_name (model), number);
      return NULL;
    }

  return _hr_model_new_share (model, division, n_ranks, rank, error);
}

/*
 * hr_layout_count_padding:
 * @self: a layout
 * @vocab_size: how many tokens there are
 *
 * Returns: how many rows for no token the tables of tokens have, those of all ranks together
 */
guint64
hr_layout_count_padding (const HrLayout *self,
                         guint64         vocab_size)
{
  const HrShard shard = { .tensor = self->tensor, .vocabulary_multiple = VOCABULARY_MULTIPLE * self->tensor };

  return hr_shard_divide_vocabulary (&shard, vocab_size) * self->tensor - vocab_size;
}

/* How many forward passes of a part an interleaved schedule runs on a stage before the first backward pass. */
static guint64
count_interleaved (const HrLayout *self,
                   guint           stage,
                   guint64         n_micro_batches)
{
  guint64 n_before = 2 * (self->pipeline - stage - 1) + (self->parts - 1) * hr_layout_get_group (self);

  return MIN (n_micro_batches * self->parts, n_before + 1);
}

/*
 * hr_layout_count_in_flight:
 * @self: a layout
 * @stage: a stage of its pipeline
 * @n_micro_batches: how many micro-batches a step has
 *
 * Counts of how many micro-batches a stage, or a part of it, keeps what their backward passes need, at the most: it has
 * run the forward pass of one for each stage behind it before the first backward pass (num_warmup_microbatches of
 * forward_backward_pipelining_without_interleaving in megatron/core/pipeline_parallel/schedules.py); where a stage has
 * several parts, of all but the last part for as many micro-batches as there are stages, and of two for each stage
 * behind it (get_pp_rank_microbatches). Where torch runs the pipeline, by the schedule.
 *
 * Returns: the number, at least 1
 */
guint64
hr_layout_count_in_flight (const HrLayout *self,
                           guint           stage,
                           guint64         n_micro_batches)
{
  HrPipelineLoad load;

  if (self->is_torch)
    {
      hr_pipeline_schedule_count (self->schedule, self->pipeline, self->parts, n_micro_batches, stage, &load);
      return load.n_kept;
    }

  return self->parts > 1 ? count_interleaved (self, stage, n_micro_batches)
                         : MIN (n_micro_batches, self->pipeline - stage);
}

/*
 * hr_layout_count_first_in_flight:
 * @self: a layout
 * @stage: a stage of its pipeline
 * @n_micro_batches: how many micro-batches a step has
 *
 * Counts how many of those that a stage keeps are kept by its first part. Parts take turns: each runs a group of
 * micro-batches, which are as many as there are stages where nothing else is said (get_schedule_table of
 * megatron/core/pipeline_parallel/schedules.py).
 *
 * Returns: the number
 */
guint64
hr_layout_count_first_in_flight (const HrLayout *self,
                                 guint           stage,
                                 guint64         n_micro_batches)
{
  guint64 n = hr_layout_count_in_flight (self, stage, n_micro_batches);
  guint64 n_turn = hr_layout_get_group (self) * self->parts;

  if (self->parts == 1)
    return n;

  return n / n_turn * hr_layout_get_group (self) + MIN (n % n_turn, hr_layout_get_group (self));
}
