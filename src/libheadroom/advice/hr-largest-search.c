/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-largest-private.h"

#include <glib/gi18n-lib.h>

#include "hr-advice-private.h"
#include "hr-fit.h"
#include "hr-grpo-job-private.h"
#include "hr-inference-job.h"
#include "hr-job-adapt.h"
#include "hr-job-context.h"

/*
 * How much of each setting fits. What the framework hands out is known in microseconds, and what it reserves, which is
 * never less, in milliseconds: so the first bounds the search from above, and the second ends it. The value that is
 * told has been estimated and fits; the next one has been estimated as well, and does not.
 */

/* Between the value that was found and the bound from above so many others are looked at. */
#define N_CHECKS 4

/* A number of tokens or sequences may have to be a multiple of a power of two, up to this one. */
#define MAX_STEP 128

/* Settings that make a job take more the larger they are. */
static const char * const settings[] = {
  "batch-size", "micro-batch-size", "sequence-length", "text-tokens", "prompt-length", "output-length",
  "completion-length", "beams", "num-generations", "lora-rank", "virtual-tokens", "images", "video-seconds",
  "audio-seconds", "gpu-layers", "max-model-len",
};

typedef enum
{
  STAGE_BEGIN,     /* whether the setting says anything */
  STAGE_STEP,      /* what can be added to its value at all */
  STAGE_GROW,      /* by the books: more and more, until it does not fit */
  STAGE_LEAST,     /* by the books: the least there can be, where what is set does not fit */
  STAGE_NARROW,    /* by the books: between both */
  STAGE_TOP,       /* with what is reserved: the largest that fits by the books */
  STAGE_LOW,       /* with what is reserved: what is set, or the least there can be */
  STAGE_CLOSE,     /* with what is reserved: between both */
  STAGE_CHECK,     /* whether more always takes more */
  STAGE_NEXT,      /* what the next one lacks */
  STAGE_DONE,
} Stage;

/* Values are counted from the least one in steps: the first is number 0. */
struct _HrLargestSearch
{
  HrModel *model;
  HrJob *job;
  HrJob *changed;
  HrGpu *gpu;
  guint n_gpus;
  guint64 positions;     /* that the model knows, 0 if that is not known */
  guint64 context;       /* how many of them the job needs */
  gboolean starts;       /* whether the framework starts the job as it is */
  guint64 bytes;         /* what the fullest device needs for the job as it is */
  guint64 beside;        /* what the device shows beside what is allocated, at least */
  GPtrArray *largest;

  Stage stage;
  guint n_settings;      /* how many have been looked at */
  guint64 first;
  guint64 step;
  guint64 last;
  guint64 current;
  guint64 stride;
  guint64 top;           /* by the books nothing greater fits */
  guint n_checks;
  gboolean halves;
  gboolean is_monotone;
  gboolean grows_context;
  gboolean is_rank;
  HrLargestProbe low;    /* the largest that is known to fit */
  HrLargestProbe high;   /* the least that is known not to, above that */
};

static void
set_number (HrJob      *job,
            const char *setting,
            guint64     value)
{
  if (G_IS_PARAM_SPEC_DOUBLE (g_object_class_find_property (G_OBJECT_GET_CLASS (job), setting)))
    g_object_set (job, setting, (double) value, NULL);
  else
    g_object_set (job, setting, value, NULL);
  hr_job_vary (job, setting);
}

static const char *
get_setting (const HrLargestSearch *self)
{
  return settings[self->n_settings];
}

static guint64
get_value (const HrLargestSearch *self,
           guint64                number)
{
  return self->first + number * self->step;
}

static void
compare (HrLargestSearch *self,
         HrEstimate      *estimate,
         HrLargestProbe  *probe)
{
  HrFit fit;

  _hr_advice_compare (estimate, self->gpu, &fit);
  probe->bytes = fit.peak_bytes;
  probe->free_bytes = fit.free_bytes;
  probe->missing_bytes = fit.missing_bytes;
  probe->fits = fit.fits;
  probe->bound = HR_LARGEST_BOUND_MEMORY;
}

/* Whether the job fits with a value. By the books alone what is said to fit may still not, but not the other way. */
static HrLargestProbe
look_at (HrLargestSearch *self,
         guint64          number,
         gboolean         by_books)
{
  HrLargestProbe probe = { .number = number };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  set_number (self->changed, get_setting (self), get_value (self, number));
  estimate = hr_estimator_run_for_sizes (self->model, self->changed, self->gpu, self->n_gpus, &error);
  if (estimate == NULL)
    {
      probe.bound = HR_LARGEST_BOUND_REFUSED;
      probe.reason = g_strdup (error->message);
      return probe;
    }

  if (self->starts && !_hr_advice_starts (estimate, self->changed))
    {
      probe.bound = HR_LARGEST_BOUND_REFUSED;
      probe.reason = hr_grpo_job_dup_refusal (HR_GRPO_JOB (self->changed), hr_estimate_get_n_ranks (estimate));
      return probe;
    }

  probe.context = hr_estimate_get_context_tokens (estimate, self->changed);
  if (self->grows_context && self->positions > 0 && probe.context > self->positions)
    {
      probe.bound = HR_LARGEST_BOUND_CONTEXT;
      return probe;
    }

  if (!by_books || hr_estimate_get_n_devices (estimate) > 1)
    {
      compare (self, estimate, &probe);
      return probe;
    }

  probe.bound = HR_LARGEST_BOUND_MEMORY;
  probe.bytes = hr_estimate_get_allocated_bytes (estimate) + self->beside;
  probe.fits = probe.bytes <= hr_gpu_get_usable_memory (self->gpu);

  return probe;
}

static void
take (HrLargestProbe *self,
      HrLargestProbe  probe)
{
  g_free (self->reason);
  *self = probe;
}

/* The product of two matrices has no higher rank than the layers are wide. */
static guint64
get_width (HrLargestSearch *self)
{
  guint64 width;

  return hr_model_get_hyper_parameter (self->model, "hidden_size", &width) && width > 0 ? width : G_MAXUINT32;
}

/*
 * The context of an engine may be left to it; it has room for the prompt and the output, and is no longer than the
 * model was made for.
 */
static void
bound_context (HrLargestSearch *self,
               guint64         *minimum,
               guint64         *maximum,
               guint64         *current)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (self->job, self->model);
  guint64 prompt, output;

  g_object_get (resolved, get_setting (self), current, "prompt-length", &prompt, "output-length", &output, NULL);
  *current = *current == 0 ? prompt + output : *current;
  if (self->positions > 0)
    *maximum = MAX (MIN (*maximum, self->positions), *current);
  /* The search looks above where it begins. */
  *current = MIN (*current, *maximum - 1);
  *minimum = MIN (prompt + output, *current);
}

/* Whether there is a setting to look at; a medium that the job has none of is no question. */
static gboolean
begin (HrLargestSearch *self)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (self->job), get_setting (self));
  guint64 maximum, minimum, current;
  double seconds;

  if (pspec == NULL || !hr_job_uses_setting (self->job, pspec, NULL))
    return FALSE;

  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    {
      g_object_get (self->job, get_setting (self), &seconds, NULL);
      current = seconds;
      minimum = 1;
      maximum = G_PARAM_SPEC_DOUBLE (pspec)->maximum;
    }
  else
    {
      g_object_get (self->job, get_setting (self), &current, NULL);
      minimum = MAX (G_PARAM_SPEC_UINT64 (pspec)->minimum, 1);
      maximum = G_PARAM_SPEC_UINT64 (pspec)->maximum;
    }
  if (g_str_equal (get_setting (self), "gpu-layers") && HR_IS_INFERENCE_JOB (self->job) &&
      hr_inference_job_leaves_layers (HR_INFERENCE_JOB (self->job)))
    return FALSE;
  if (g_str_equal (get_setting (self), "max-model-len"))
    bound_context (self, &minimum, &maximum, &current);
  if (current < minimum || current >= maximum)
    return FALSE;

  self->is_rank = g_str_equal (get_setting (self), "lora-rank");
  if (self->is_rank)
    maximum = MAX (get_width (self), current);
  g_clear_object (&self->changed);
  self->changed = hr_job_copy (self->job);
  take (&self->low, (HrLargestProbe) { 0 });
  take (&self->high, (HrLargestProbe) { 0 });
  self->is_monotone = TRUE;
  self->n_checks = 0;
  self->halves = FALSE;
  self->grows_context = FALSE;
  self->stride = 0;
  self->step = 1;
  self->first = minimum;
  self->current = current - minimum;
  self->last = maximum - minimum;

  return TRUE;
}

/* Counts the values anew, as multiples of a larger step above or below the one that is set. */
static void
set_step (HrLargestSearch *self,
          guint64          step)
{
  guint64 current = get_value (self, self->current), maximum = get_value (self, self->last);
  guint64 least = current % step;

  if (least < self->first)
    least += step;
  self->step = step;
  self->first = least;
  self->current = (current - least) / step;
  self->last = (maximum - least) / step;
}

/* Positions bound what needs more of them: a job that needs too many as it is may still be given more sequences. */
static gboolean
is_refused (HrLargestSearch *self,
            guint64          number)
{
  g_auto (HrLargestProbe) probe = look_at (self, number, TRUE);

  self->grows_context |= probe.context > self->context;

  return !probe.fits && probe.bound == HR_LARGEST_BOUND_REFUSED;
}

/* Answers to a prompt, which a micro-batch may have to be whole groups of. */
static guint64
get_group (HrLargestSearch *self)
{
  return HR_IS_GRPO_JOB (self->job) ? hr_grpo_job_get_num_generations (HR_GRPO_JOB (self->job)) : 0;
}

static void
find_step (HrLargestSearch *self)
{
  guint64 step = 1;

  while (step <= MAX_STEP && self->current + step <= self->last && is_refused (self, self->current + step))
    step *= 2;
  if (step > MAX_STEP)
    step = get_group (self);
  if (step > 1 && self->current + step <= self->last && !is_refused (self, self->current + step))
    set_step (self, step);
}

static void
take_either (HrLargestSearch *self,
             HrLargestProbe   probe)
{
  take (probe.fits ? &self->low : &self->high, probe);
}

static Stage
grow (HrLargestSearch *self)
{
  gboolean is_first = self->stride == 0;
  guint64 number = is_first ? self->current : MIN (self->low.number + self->stride, self->last);
  HrLargestProbe probe = look_at (self, number, TRUE);

  take_either (self, probe);
  self->stride = is_first ? 1 : 2 * self->stride;
  if (probe.fits)
    return number == self->last ? STAGE_TOP : STAGE_GROW;
  if (!is_first)
    return STAGE_NARROW;

  return STAGE_LEAST;
}

static Stage
look_at_least (HrLargestSearch *self)
{
  take_either (self, look_at (self, 0, TRUE));

  return self->low.fits ? STAGE_NARROW : STAGE_TOP;
}

static Stage
narrow (HrLargestSearch *self)
{
  if (self->high.number - self->low.number <= 1)
    return STAGE_TOP;

  take_either (self, look_at (self, self->low.number + (self->high.number - self->low.number) / 2, TRUE));

  return STAGE_NARROW;
}

/* What fits by the books is looked at with what is reserved; where nothing does, so is the least there can be. */
static Stage
look_at_top (HrLargestSearch *self)
{
  self->top = self->low.fits ? self->low.number : 0;
  take (&self->low, (HrLargestProbe) { 0 });
  take_either (self, look_at (self, self->top, FALSE));

  return self->low.fits || self->top == 0 ? STAGE_NEXT : STAGE_LOW;
}

static Stage
look_at_low (HrLargestSearch *self)
{
  guint64 number = self->current < self->high.number ? self->current : 0;

  take_either (self, look_at (self, number, FALSE));

  return self->low.fits ? STAGE_CLOSE : number == 0 ? STAGE_NEXT : STAGE_LOW;
}

/* Memory grows nearly in proportion; where that does not help, half the way does. */
static guint64
guess (HrLargestSearch *self)
{
  guint64 width = self->high.number - self->low.number;
  double share = 0.5;

  if (!self->halves && self->high.bytes > self->low.bytes)
    share = (double) self->low.free_bytes / (self->high.bytes - self->low.bytes);
  self->halves = !self->halves;

  return self->low.number + CLAMP ((guint64) (share * width), 1, width - 1);
}

static Stage
close_in (HrLargestSearch *self)
{
  HrLargestProbe probe;

  if (self->high.number - self->low.number <= 1)
    return STAGE_CHECK;

  probe = look_at (self, guess (self), FALSE);
  if (probe.bytes > 0 && (probe.bytes < self->low.bytes || (self->high.bytes > 0 && probe.bytes > self->high.bytes)))
    self->is_monotone = FALSE;
  take_either (self, probe);

  return STAGE_CLOSE;
}

/* Between what does not fit and the bound by the books nothing should. */
static Stage
check (HrLargestSearch *self)
{
  guint64 width = self->top - self->high.number;
  g_auto (HrLargestProbe) probe = { 0 };

  if (self->n_checks == N_CHECKS || width < 2)
    return STAGE_NEXT;

  self->n_checks++;
  take (&probe, look_at (self, self->high.number + MAX (width * self->n_checks / (N_CHECKS + 1), 1), FALSE));
  if (!probe.fits)
    return STAGE_CHECK;

  self->is_monotone = FALSE;
  take (&self->low, probe);
  take (&self->high, look_at (self, self->top, FALSE));

  return STAGE_CLOSE;
}

static gboolean
has_next (HrLargestBound bound)
{
  return bound != HR_LARGEST_BOUND_RANGE && bound != HR_LARGEST_BOUND_WIDTH;
}

static HrLargest *
conclude (HrLargestSearch *self)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (self->job), get_setting (self));
  HrLargest *largest = g_new0 (HrLargest, 1);

  largest->setting = get_setting (self);
  largest->title = _(g_param_spec_get_nick (pspec));
  largest->fits = self->low.fits;
  largest->value = get_value (self, self->low.number);
  largest->free_bytes = self->low.free_bytes;
  largest->bound = self->high.bound;
  largest->next = has_next (self->high.bound) ? get_value (self, self->high.number) : 0;
  largest->missing_bytes = self->high.missing_bytes;
  largest->positions = self->high.bound == HR_LARGEST_BOUND_CONTEXT ? self->positions : 0;
  largest->is_monotone = self->is_monotone;
  largest->message = g_strdup (self->high.reason);
  largest->change = g_strdup_printf ("%s=%" G_GUINT64_FORMAT, largest->setting, largest->value);

  return largest;
}

/* What ends a setting that fits as far as it goes. */
static HrLargestBound
get_last_bound (HrLargestSearch *self)
{
  if (self->is_rank)
    return HR_LARGEST_BOUND_WIDTH;

  return g_str_equal (get_setting (self), "max-model-len") && get_value (self, self->last) == self->positions
           ? HR_LARGEST_BOUND_CONTEXT
           : HR_LARGEST_BOUND_RANGE;
}

/* What the next value lacks has been looked at by the books alone so far, if at all. */
static Stage
look_at_next (HrLargestSearch *self)
{
  if (self->low.fits && self->low.number == self->last)
    take (&self->high, (HrLargestProbe) { .bound = get_last_bound (self), .number = self->last + 1 });
  else if (self->low.fits && (self->high.number != self->low.number + 1 || self->high.missing_bytes == 0))
    take (&self->high, look_at (self, self->low.number + 1, FALSE));

  /* What changes nothing is no question of memory. */
  if (!self->low.fits || self->low.number == self->current || self->low.bytes != self->bytes)
    g_ptr_array_add (self->largest, conclude (self));
  self->n_settings++;

  return STAGE_BEGIN;
}

/* Passes over what the job has no use for. */
static Stage
begin_next (HrLargestSearch *self)
{
  for (; self->n_settings < G_N_ELEMENTS (settings); self->n_settings++)
    {
      if (begin (self))
        return STAGE_STEP;
    }

  return STAGE_DONE;
}

static Stage
run_stage (HrLargestSearch *self)
{
  switch (self->stage)
    {
    case STAGE_BEGIN:
      return begin_next (self);

    case STAGE_STEP:
      find_step (self);
      return STAGE_GROW;

    case STAGE_GROW:
      return grow (self);

    case STAGE_LEAST:
      return look_at_least (self);

    case STAGE_NARROW:
      return narrow (self);

    case STAGE_TOP:
      return look_at_top (self);

    case STAGE_LOW:
      return look_at_low (self);

    case STAGE_CLOSE:
      return close_in (self);

    case STAGE_CHECK:
      return check (self);

    case STAGE_NEXT:
      return look_at_next (self);

    case STAGE_DONE:
    default:
      return STAGE_DONE;
    }
}

/**
 * hr_largest_search_new: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Begins to look for the largest values with which a job fits.
 *
 * Returns: (transfer full): the search
 */
HrLargestSearch *
hr_largest_search_new (HrEstimate *estimate,
                       HrJob      *job,
                       HrGpu      *gpu,
                       guint       n_gpus)
{
  HrLargestSearch *self;

  g_return_val_if_fail (HR_IS_ESTIMATE (estimate), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);

  self = g_new0 (HrLargestSearch, 1);
  self->model = g_object_ref (hr_estimate_get_model (estimate));
  self->job = hr_job_copy (job);
  self->gpu = gpu != NULL ? g_object_ref (gpu) : NULL;
  self->n_gpus = n_gpus;
  self->largest = g_ptr_array_new_with_free_func (_hr_largest_free);
  hr_model_get_hyper_parameter (self->model, "max_position_embeddings", &self->positions);
  self->context = hr_estimate_get_context_tokens (estimate, job);
  self->starts = _hr_advice_starts (estimate, job);
  if (gpu == NULL || hr_estimate_get_method (estimate) != HR_ESTIMATE_METHOD_EXACT)
    self->stage = STAGE_DONE;
  else
    self->beside = hr_estimate_get_component_bytes (estimate, HR_COMPONENT_FRAMEWORK);
  self->bytes = hr_estimate_get_total_bytes (estimate);

  return self;
}

/**
 * hr_largest_search_free: (skip)
 * @self: a search
 *
 * Gives a search up, or away.
 */
void
hr_largest_search_free (HrLargestSearch *self)
{
  g_clear_object (&self->model);
  g_clear_object (&self->job);
  g_clear_object (&self->changed);
  g_clear_object (&self->gpu);
  g_ptr_array_unref (self->largest);
  _hr_largest_probe_clear (&self->low);
  _hr_largest_probe_clear (&self->high);
  g_free (self);
}

/**
 * hr_largest_search_step: (skip)
 * @self: a search
 *
 * Makes one more estimate, which takes a few milliseconds at most.
 *
 * Returns: whether there is more to look at
 */
gboolean
hr_largest_search_step (HrLargestSearch *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  self->stage = run_stage (self);

  return self->stage != STAGE_DONE;
}

/**
 * hr_largest_search_get_largest: (skip)
 * @self: a search
 *
 * Gets what has been found so far.
 *
 * Returns: (transfer none) (element-type HrLargest): the largest values, in the order in which they were found
 */
GPtrArray *
hr_largest_search_get_largest (HrLargestSearch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->largest;
}
