/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-compute-private.h"

#include "hr-grpo-job.h"
#include "hr-job-adapt.h"
#include "hr-layout.h"
#include "hr-media.h"
#include "hr-message.h"
#include "hr-multimodal-job.h"
#include "hr-roofline.h"
#include "hr-traffic.h"

static const char * const phase_names[] = {
  [HR_COMPUTE_PHASE_PREFILL] = "prefill", [HR_COMPUTE_PHASE_DECODE] = "decode",
  [HR_COMPUTE_PHASE_TRAINING_STEP] = "training-step", [HR_COMPUTE_PHASE_GENERATION] = "generation",
  [HR_COMPUTE_PHASE_OLD_POLICY] = "old-policy", [HR_COMPUTE_PHASE_REFERENCE] = "reference",
  [HR_COMPUTE_PHASE_VALUE] = "value", [HR_COMPUTE_PHASE_REWARD] = "reward",
  [HR_COMPUTE_PHASE_VALUE_UPDATE] = "value-update",
};

static const char * const bound_names[] = {
  [HR_BOUND_COMPUTE] = "compute", [HR_BOUND_MEMORY] = "memory", [HR_BOUND_INTERCONNECT] = "interconnect",
  [HR_BOUND_LAUNCH] = "launch",
};

/**
 * hr_compute_phase_id_get_name:
 * @id: a phase
 *
 * Returns: its name in files
 */
const char *
hr_compute_phase_id_get_name (HrComputePhaseId id)
{
  g_return_val_if_fail (id < HR_N_COMPUTE_PHASES, NULL);

  return phase_names[id];
}

/**
 * hr_compute_phase_id_trains:
 * @id: a phase
 *
 * Returns: whether gradients are computed in it
 */
gboolean
hr_compute_phase_id_trains (HrComputePhaseId id)
{
  return id == HR_COMPUTE_PHASE_TRAINING_STEP || id == HR_COMPUTE_PHASE_VALUE_UPDATE;
}

/**
 * hr_bound_get_name:
 * @bound: what limits
 *
 * Returns: its name in files
 */
const char *
hr_bound_get_name (HrBound bound)
{
  g_return_val_if_fail (bound < G_N_ELEMENTS (bound_names), NULL);

  return bound_names[bound];
}

static HrDtype
get_dtype (HrElement element)
{
  switch ((guint) element)
    {
    case HR_ELEMENT_FLOAT64:
      return HR_DTYPE_FLOAT64;

    case HR_ELEMENT_FLOAT32:
      return HR_DTYPE_FLOAT32;

    case HR_ELEMENT_FLOAT16:
      return HR_DTYPE_FLOAT16;

    default:
      return HR_DTYPE_BFLOAT16;
    }
}

/* What the GPU does: without what its kernels leave out, in the backward pass in the same proportion. */
static guint64
count_executed (const HrComputePhase *phase)
{
  const HrFlops *scores = &phase->count->parts[HR_FLOP_PART_SCORES];
  guint64 all = hr_flops_get_training (&phase->total);
  double left_out = scores->forward == 0 ? 0 : (double) scores->left_out / scores->forward;

  return all - (guint64) (left_out * hr_flops_get_training (scores));
}

/* How long a phase takes, if a GPU is chosen whose figures are known. */
void
_hr_compute_estimate_time (HrCompute      *self,
                           HrComputePhase *phase)
{
  gboolean trains = hr_compute_phase_id_trains (phase->id);
  HrWork work = {
    .executed = count_executed (phase), .needed = hr_flops_get_training (&phase->total) - phase->total.recomputed,
    .bytes = phase->traffic.total - phase->traffic.kernels, .exchanged = phase->traffic.exchanged,
    .n_exchanges = trains ? 0 : MAX (self->n_gpus, 1) - 1, .n_layers = trains ? 0 : phase->n_layers, .trains = trains,
  };

  if (self->gpu == NULL || self->missing != NULL)
    return;

  phase->has_time = TRUE;
  hr_roofline_init_time (&phase->fused, &work, self->gpu, self->dtype);
  phase->time = phase->fused;
  if (phase->n_kernels == 0)
    return;

  /* The optimizer's step, too, is kernels that multiply no matrices. */
  work.bytes -= phase->traffic.optimizer;
  work.streamed = phase->traffic.kernels + phase->traffic.optimizer;
  work.n_kernels = phase->n_kernels;
  hr_roofline_init_time (&phase->time, &work, self->gpu, self->dtype);
}

/* What goes through the model: of one with an encoder what that reads. */
static guint64
count_tokens (const HrFlopPass *pass)
{
  const HrInference *inference = pass->inference;

  if (pass->is_first && !pass->trains && inference->encoder != NULL)
    return inference->batch / MAX (inference->beams, 1) * inference->source_length;

  return inference->batch * pass->sequence;
}

/* A pass that is made so many times. */
HrComputePhase *
_hr_compute_add_phase (HrCompute        *self,
                       HrComputePhaseId  id,
                       const HrFlopPass *pass,
                       guint64           times)
{
  HrComputePhase *phase = &self->phases[self->n_phases++];
  g_autoptr (HrFlopCount) once = hr_flop_pass_count (pass);

  phase->id = id;
  phase->tokens = count_tokens (pass) * times;
  phase->context = pass->past + pass->sequence;
  phase->n_layers = pass->inference->stack->n_layers;
  phase->per_step = 1;
  phase->count = hr_flop_count_new ();
  hr_flop_count_merge (phase->count, once, times);
  phase->total = hr_flop_count_get_total (phase->count);

  return phase;
}

static gboolean
check_size (const HrCompute  *self,
            GError          **error)
{
  for (guint i = 0; i < self->n_phases; i++)
    {
      if (!self->phases[i].count->is_too_large && hr_flops_get_training (&self->phases[i].total) < G_MAXINT64)
        continue;

      hr_message_set_error (error, HR_ERROR_TOO_LARGE,
                            N_("The job has more operations than can be counted (2⁶³)"));
      return FALSE;
    }

  return TRUE;
}

/* A pass on one device that has all of the model. */
static void
use_all (HrInference *inference)
{
  inference->first_layer = 0;
  inference->n_layers = inference->stack->n_layers;
  inference->has_inputs = inference->has_norm = inference->has_head = TRUE;
}

/* The dtype that is multiplied, and whether the GPU's speed in it is known. */
static void
resolve_dtype (HrCompute *self,
               HrElement  element)
{
  g_autoptr (GError) error = NULL;

  self->dtype = get_dtype (element);
  if (self->gpu != NULL && !hr_roofline_check (self->gpu, self->dtype, &error))
    self->missing = g_strdup (error->message);
}

static void
take_kernels (HrComputePhase  *phase,
              const HrKernels *kernels)
{
  phase->n_kernels = kernels->n_kernels;
  hr_traffic_add_kernels (&phase->traffic, kernels);
}

/*
 * Tokens come one after the other, each reading a longer cache: the figure is for the one in the middle, which is the
 * average of all. Without a cache all that was read is computed anew.
 */
static void
add_decode (HrCompute       *self,
            HrInferencePlan *plan,
            HrFlopPass      *pass,
            const HrKernels *token)
{
  guint64 past = plan->inference.prompt + (MAX (plan->inference.output, 1) - 1) / 2;
  HrComputePhase *phase;

  pass->past = plan->inference.use_cache ? past : 0;
  pass->sequence = plan->inference.use_cache ? 1 : past + 1;
  pass->is_first = FALSE;
  pass->all_logits = FALSE;
  phase = _hr_compute_add_phase (self, HR_COMPUTE_PHASE_DECODE, pass, 1);
  hr_traffic_init_pass (&phase->traffic, plan, pass, &phase->total);
  take_kernels (phase, token);
  _hr_compute_estimate_time (self, phase);
}

/* What ranks that compute each layer together send to each other, and how long they wait, is not counted. */
static gboolean
check_inference_layout (HrCompute       *self,
                        HrInferenceJob  *job,
                        GError         **error)
{
  HrLayout layout;
  g_autofree char *number = NULL;

  if (!hr_layout_init_inference (&layout, HR_JOB (job), MAX (self->n_gpus, 1), error))
    return FALSE;

  self->n_gpus = layout.pipeline;
  if (layout.tensor * layout.expert == 1)
    return TRUE;

  number = g_strdup_printf ("%" G_GUINT64_FORMAT, layout.tensor * layout.expert);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("%s: expected 1, as what GPUs that compute each layer together send to each other is not "
                           "counted; found %s"),
                        layout.tensor > 1 ? "tensor-parallel" : "expert-parallel", number);

  return FALSE;
}

/* Weights that stay on the host come over the bus. */
static gboolean
check_offload (HrInferenceJob  *job,
               GError         **error)
{
  g_autofree char *found = NULL;

  if ((hr_inference_job_get_engine (job) != HR_ENGINE_VLLM && hr_inference_job_get_engine (job) != HR_ENGINE_SGLANG) ||
      hr_inference_job_get_cpu_offload_gb (job) == 0)
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (job), "cpu-offload-gb");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("cpu-offload-gb: expected 0, as how long weights that stay on the host take over the bus is "
                           "not counted; found %s"), found);

  return FALSE;
}

static gboolean
run_inference (HrCompute       *self,
               HrInferenceJob  *job,
               HrMedia         *media,
               GError         **error)
{
  g_auto (HrInferencePlan) plan = { 0 };
  HrFlopPass pass = { .model = self->model, .is_first = TRUE, .n_senders = self->n_senders };
  HrKernels prompt = { 0 }, token = { 0 };
  HrComputePhase *phase;

  if (!check_inference_layout (self, job, error) || !check_offload (job, error))
    return FALSE;

  if (!hr_inference_plan_init (&plan, self->model, job, error) ||
      (media != NULL && !hr_inference_plan_take_media (&plan, media, error)))
    return FALSE;

  use_all (&plan.inference);
  resolve_dtype (self, plan.element);
  self->n_sequences = plan.inference.batch / plan.inference.beams;
  pass.inference = &plan.inference;
  pass.sequence = plan.inference.prompt;
  pass.all_logits = plan.inference.all_logits;
  phase = _hr_compute_add_phase (self, HR_COMPUTE_PHASE_PREFILL, &pass, 1);
  hr_traffic_init_pass (&phase->traffic, &plan, &pass, &phase->total);
  /* Engines fuse the kernels of their ranks. */
  if (self->n_senders == 0)
    _hr_compute_count_generation (&plan, &plan.inference, &prompt, &token);
  take_kernels (phase, &prompt);
  _hr_compute_estimate_time (self, phase);
  if (plan.stack->role == HR_STACK_DECODER && plan.inference.output > 0)
    add_decode (self, &plan, &pass, &token);

  return check_size (self, error);
}

/* What ranks send to each other, and how long they wait, is not counted. */
static gboolean
check_layout (const HrLayout  *layout,
              GError         **error)
{
  g_autofree char *number = NULL;

  if (layout->n_ranks == 1)
    return TRUE;

  number = g_strdup_printf ("%" G_GUINT64_FORMAT, layout->n_ranks);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("gpus: expected 1, as what GPUs that train together send to each other is not counted; "
                           "found %s"), number);

  return FALSE;
}

static gboolean
run_training (HrCompute      *self,
              HrTrainingJob  *job,
              HrMedia        *media,
              GError        **error)
{
  g_auto (HrTrainingPlan) plan = { 0 };
  HrFlopPass pass = { .is_first = TRUE, .all_logits = TRUE, .trains = TRUE };
  HrComputePhase *phase;
  HrKernels kernels;
  guint64 times;

  if (!hr_training_plan_init (&plan, self->model, job, self->n_gpus, 0, media, error) ||
      !check_layout (&plan.layout, error))
    return FALSE;

  /* What a rank of Megatron-LM has is another model. */
  pass.model = plan.pass.model;
  use_all (&plan.pass.inference);
  resolve_dtype (self, plan.autocast != HR_ELEMENT_NONE ? plan.autocast : plan.pass.element);
  times = plan.training.accumulation_steps;
  self->n_sequences = plan.pass.inference.batch * times;
  times *= plan.training.algorithm == HR_ALGORITHM_PPO ? plan.training.n_epochs : 1;
  _hr_compute_add_before (self, &plan);
  pass.inference = &plan.pass.inference;
  pass.past = hr_tuning_get_n_cached (plan.tuning);
  pass.sequence = plan.pass.inference.prompt;
  pass.tuning = plan.tuning;
  pass.checkpointing = plan.training.checkpointing;
  pass.n_logits = _hr_compute_count_logits (&plan);
  phase = _hr_compute_add_phase (self, HR_COMPUTE_PHASE_TRAINING_STEP, &pass, times);
  hr_traffic_init_training (&phase->traffic, &plan, &pass, &phase->total);
  kernels = _hr_compute_count_training (&plan, plan.training.accumulation_steps);
  take_kernels (phase, &kernels);
  _hr_compute_estimate_time (self, phase);
  _hr_compute_add_critic (self, &plan);

  return check_size (self, error);
}

static gboolean
run_task (HrCompute  *self,
          HrJob      *job,
          HrMedia    *media,
          GError    **error)
{
  if (HR_IS_TRAINING_JOB (job))
    return run_training (self, HR_TRAINING_JOB (job), media, error);

  return run_inference (self, HR_INFERENCE_JOB (job), media, error);
}

static gboolean
run (HrCompute  *self,
     HrJob      *job,
     GError    **error)
{
  g_autoptr (GArray) inputs = NULL;
  g_autoptr (HrMedia) media = NULL;
  g_autoptr (HrJob) task = NULL;

  if (!hr_model_check_can_be_estimated (self->model, error))
    return FALSE;

  inputs = hr_job_list_media (job, error);
  if (inputs == NULL)
    return FALSE;
  if (!HR_IS_MULTIMODAL_JOB (job) && inputs->len == 0)
    return run_task (self, job, NULL, error);

  media = hr_media_new (self->model, job, error);
  if (media == NULL)
    return FALSE;

  task = hr_job_dup_reading (job, media->tokens);

  return run_task (self, task, media, error);
}

static HrCompute *
create (HrModel  *model,
        HrJob    *job,
        HrGpu    *gpu,
        guint     n_gpus,
        guint64   n_senders,
        GError  **error)
{
  g_autoptr (HrCompute) self = g_new0 (HrCompute, 1);

  self->model = g_object_ref (model);
  self->gpu = gpu != NULL ? g_object_ref (gpu) : NULL;
  self->n_gpus = n_gpus;
  self->n_senders = n_senders;

  return run (self, job, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * hr_compute_new: (skip)
 * @model: a model
 * @job: what to do with it
 * @gpu: (nullable): the GPU to do it on, or %NULL to leave out how long it takes
 * @n_gpus: how many of them; layers are spread over them, and run one after the other
 * @error: return location for an error
 *
 * Counts what a job computes. It reads nothing but its arguments, and can be called from any thread.
 *
 * Returns: (transfer full): what it computes, or %NULL with @error set
 */
HrCompute *
hr_compute_new (HrModel  *model,
                HrJob    *job,
                HrGpu    *gpu,
                guint     n_gpus,
                GError  **error)
{
  g_autoptr (HrJob) adapted = NULL;

  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  adapted = hr_job_dup_adapted (job, model);

  return create (model, adapted, gpu, n_gpus, 0, error);
}

/**
 * hr_compute_new_for_rank: (skip)
 * @model: what a rank has of a model that shares each layer with others
 * @job: a job of inference that divides nothing
 * @gpu: the GPU of the rank
 * @n_senders: how many groups of such ranks share the experts, each with as many tokens; of each expert the rank has a
 *   part as if its group had them alone
 * @error: return location for an error
 *
 * Counts what a rank of an engine computes, without what it exchanges with others.
 *
 * Returns: (transfer full): what it computes, or %NULL with @error set
 */
HrCompute *
hr_compute_new_for_rank (HrModel  *model,
                         HrJob    *job,
                         HrGpu    *gpu,
                         guint64   n_senders,
                         GError  **error)
{
  g_return_val_if_fail (HR_IS_MODEL (model) && HR_IS_JOB (job) && HR_IS_GPU (gpu) && n_senders > 0, NULL);

  return create (model, job, gpu, 1, n_senders, error);
}

/**
 * hr_compute_free: (skip)
 * @self: what a job computes
 *
 * Frees it.
 */
void
hr_compute_free (HrCompute *self)
{
  for (guint i = 0; i < self->n_phases; i++)
    hr_flop_count_free (self->phases[i].count);
  g_clear_object (&self->model);
  g_clear_object (&self->gpu);
  g_free (self->missing);
  g_free (self);
}

/**
 * hr_compute_get_n_phases: (skip)
 * @self: what a job computes
 *
 * Returns: how many phases it has
 */
guint
hr_compute_get_n_phases (const HrCompute *self)
{
  return self->n_phases;
}

/**
 * hr_compute_get_phase: (skip)
 * @self: what a job computes
 * @index: the index of a phase
 *
 * Returns: (transfer none): the phase
 */
const HrComputePhase *
hr_compute_get_phase (const HrCompute *self,
                      guint            index)
{
  g_return_val_if_fail (index < self->n_phases, NULL);

  return &self->phases[index];
}

/**
 * hr_compute_find_phase: (skip)
 * @self: what a job computes
 * @id: a phase
 *
 * Returns: (transfer none) (nullable): the phase, or %NULL if the job has none
 */
const HrComputePhase *
hr_compute_find_phase (const HrCompute  *self,
                       HrComputePhaseId  id)
{
  for (guint i = 0; i < self->n_phases; i++)
    {
      if (self->phases[i].id == id)
        return &self->phases[i];
    }

  return NULL;
}

/**
 * hr_compute_get_n_sequences: (skip)
 * @self: what a job computes
 *
 * Returns: sequences that are read, written or trained on at once
 */
guint64
hr_compute_get_n_sequences (const HrCompute *self)
{
  return self->n_sequences;
}

/**
 * hr_compute_get_step_time: (skip)
 * @self: what a job computes
 * @seconds: (out): how long a step typically takes, with all that is written and read for it
 *
 * Adds up the phases of a step of training on answers.
 *
 * Returns: whether there are several, whose times are known
 */
gboolean
hr_compute_get_step_time (const HrCompute *self,
                          double          *seconds)
{
  *seconds = 0;
  if (self->n_phases < 2 || hr_compute_find_phase (self, HR_COMPUTE_PHASE_TRAINING_STEP) == NULL)
    return FALSE;

  for (guint i = 0; i < self->n_phases; i++)
    {
      if (!self->phases[i].has_time)
        return FALSE;

      *seconds += self->phases[i].time.typical * self->phases[i].per_step;
    }

  return TRUE;
}

/**
 * hr_compute_get_missing: (skip)
 * @self: what a job computes
 *
 * Gets why no time can be given for the GPU.
 *
 * Returns: (transfer none) (nullable): a sentence, or %NULL if nothing is missing
 */
const char *
hr_compute_get_missing (const HrCompute *self)
{
  return self->missing;
}

/**
 * hr_compute_phase_get_intensity: (skip)
 * @self: a phase
 *
 * Gets how many operations there are for each byte that is moved. A GPU that could do more of them in the time that a
 * byte takes waits for its memory.
 *
 * Returns: the arithmetic intensity
 */
double
hr_compute_phase_get_intensity (const HrComputePhase *self)
{
  return self->traffic.total == 0 ? 0 : (double) count_executed (self) / self->traffic.total;
}
