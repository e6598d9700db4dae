/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-sweep.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "hr-estimator.h"
#include "hr-job-adapt.h"
#include "hr-job-context.h"
#include "hr-scenario.h"
#include "hr-units.h"
#include "hr-workers.h"

/* How many points a core looks at in a step, of those that take microseconds. */
#define POINTS_PER_WORKER 8

/*
 * HrSweep:
 *
 * Memory over the values of one setting, for several configurations.
 *
 * What a job asks the allocator for is known in microseconds, and what the allocator has to reserve for it in
 * milliseconds. So every point is first estimated without the latter, and made complete afterwards: then it is what an
 * estimate at this value says, to the byte. Last it is looked for where each line crosses the memory of each GPU.
 */
struct _HrSweep
{
  char *setting;
  gboolean is_whole;
  GArray *values;
  GPtrArray *lines;
  GPtrArray *gpus;
  HrComponentId component;
  guint step;
};

/*
 * HrSweepCrossing:
 * @has_begun: whether @edge is there
 * @edge: between which values the line crosses
 * @totals: (nullable): what each value takes on this GPU, where that has to be estimated anew
 * @n_totals: how many of @totals are known
 *
 * A line and a GPU.
 */
struct _HrSweepCrossing
{
  gboolean has_begun;
  HrSweepEdge edge;
  guint64 *totals;
  guint n_totals;
};

static void
line_free (gpointer data)
{
  HrSweepLine *self = data;

  g_free (self->label);
  g_object_unref (self->model);
  g_object_unref (self->job);
  g_object_unref (self->probe);
  g_clear_object (&self->gpu);
  g_free (self->points);
  g_free (self);
}

static HrSweepLine *
get_line (HrSweep *self,
          guint    line)
{
  return g_ptr_array_index (self->lines, line);
}

static void
clear_crossings (HrSweep     *self,
                 HrSweepLine *line)
{
  for (guint i = 0; line->crossings != NULL && i < self->gpus->len; i++)
    {
      g_free (line->crossings[i].totals);
      hr_sweep_edge_clear (&line->crossings[i].edge);
    }
  g_clear_pointer (&line->crossings, g_free);
}

static void
clear_line (HrSweep     *self,
            HrSweepLine *line)
{
  clear_crossings (self, line);
  for (guint i = 0; i < self->values->len; i++)
    g_free (line->points[i].refusal);
  line_free (line);
}

/**
 * hr_sweep_new: (skip)
 * @setting: the name of a setting, or %HR_SWEEP_GPUS
 * @values: (array length=n_values): its values, in order
 * @n_values: how many there are
 *
 * Makes a sweep of no configurations.
 *
 * Returns: (transfer full): the sweep
 */
HrSweep *
hr_sweep_new (const char   *setting,
              const double *values,
              guint         n_values)
{
  HrSweep *self;

  g_return_val_if_fail (setting != NULL, NULL);
  g_return_val_if_fail (values != NULL && n_values > 0, NULL);

  self = g_new0 (HrSweep, 1);
  self->setting = g_strdup (setting);
  self->values = g_array_sized_new (FALSE, FALSE, sizeof (double), n_values);
  g_array_append_vals (self->values, values, n_values);
  self->lines = g_ptr_array_new ();
  self->gpus = g_ptr_array_new_with_free_func (g_object_unref);
  self->component = HR_N_COMPONENTS;

  return self;
}

/**
 * hr_sweep_free: (skip)
 * @self: a sweep
 *
 * Gives a sweep up, or away.
 */
void
hr_sweep_free (HrSweep *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < self->lines->len; i++)
    clear_line (self, get_line (self, i));
  g_ptr_array_unref (self->lines);
  g_ptr_array_unref (self->gpus);
  g_array_unref (self->values);
  g_free (self->setting);
  g_free (self);
}

static void
refuse (HrSweepPoint *point,
        const char   *reason)
{
  point->state = HR_SWEEP_POINT_REFUSED;
  point->refusal = g_strdup (reason);
}

/**
 * hr_sweep_add_line: (skip)
 * @self: a sweep that has fewer than %HR_SWEEP_MAX_LINES lines
 * @label: what a person calls the configuration
 * @model: a model
 * @job: what to do with it; the models that its settings name are loaded
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Adds a configuration, and its GPU to those that lines are held against. One whose job has no such setting has a line
 * without points, which says so.
 *
 * Returns: the index of the line
 */
guint
hr_sweep_add_line (HrSweep    *self,
                   const char *label,
                   HrModel    *model,
                   HrJob      *job,
                   HrGpu      *gpu,
                   guint       n_gpus)
{
  g_autoptr (GError) error = NULL;
  HrSweepLine *line;

  g_return_val_if_fail (self != NULL && self->lines->len < HR_SWEEP_MAX_LINES, 0);
  g_return_val_if_fail (label != NULL, 0);
  g_return_val_if_fail (HR_IS_MODEL (model), 0);
  g_return_val_if_fail (HR_IS_JOB (job), 0);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), 0);

  line = g_new0 (HrSweepLine, 1);
  line->label = g_strdup (label);
  line->model = g_object_ref (model);
  line->job = hr_job_copy (job);
  line->probe = hr_job_copy (job);
  line->gpu = gpu != NULL ? g_object_ref (gpu) : NULL;
  line->n_gpus = n_gpus;
  line->points = g_new0 (HrSweepPoint, self->values->len);
  if (!hr_sweep_has_setting (job, self->setting, &error))
    {
      for (guint i = 0; i < self->values->len; i++)
        refuse (&line->points[i], error->message);
    }
  if (self->lines->len == 0)
    self->is_whole = hr_sweep_setting_is_whole (job, self->setting);
  g_ptr_array_add (self->lines, line);
  self->step = 0;
  if (gpu != NULL)
    hr_sweep_add_gpu (self, gpu);

  return self->lines->len - 1;
}

/**
 * hr_sweep_add_gpu: (skip)
 * @self: a sweep
 * @gpu: a GPU
 *
 * Holds all lines against the memory of one more GPU. One that is among them already is there once.
 */
void
hr_sweep_add_gpu (HrSweep *self,
                  HrGpu   *gpu)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (HR_IS_GPU (gpu));

  if (g_ptr_array_find (self->gpus, gpu, NULL))
    return;

  for (guint i = 0; i < self->lines->len; i++)
    clear_crossings (self, get_line (self, i));
  g_ptr_array_add (self->gpus, g_object_ref (gpu));
}

/**
 * hr_sweep_get_gpus: (skip)
 * @self: a sweep
 *
 * Gets the GPUs that lines are held against.
 *
 * Returns: (transfer none) (element-type HrGpu): those of the lines and others that were added, in this order
 */
GPtrArray *
hr_sweep_get_gpus (HrSweep *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->gpus;
}

/**
 * hr_sweep_set_component: (skip)
 * @self: a sweep
 * @component: a part of the peak, or %HR_N_COMPONENTS for all of it
 *
 * Sets what lines show.
 */
void
hr_sweep_set_component (HrSweep       *self,
                        HrComponentId  component)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (component <= HR_N_COMPONENTS);

  self->component = component;
}

/**
 * hr_sweep_get_component: (skip)
 * @self: a sweep
 *
 * Gets what lines show.
 *
 * Returns: a part of the peak, or %HR_N_COMPONENTS for all of it
 */
HrComponentId
hr_sweep_get_component (HrSweep *self)
{
  g_return_val_if_fail (self != NULL, HR_N_COMPONENTS);

  return self->component;
}

/**
 * hr_sweep_get_bytes: (skip)
 * @self: a sweep
 * @point: one of its points
 *
 * Gets how high a line is.
 *
 * Returns: the bytes of the part that lines show, or of all parts
 */
guint64
hr_sweep_get_bytes (HrSweep            *self,
                    const HrSweepPoint *point)
{
  g_return_val_if_fail (self != NULL && point != NULL, 0);

  return self->component == HR_N_COMPONENTS ? point->total_bytes : point->component_bytes[self->component];
}

static gboolean
set_value (HrSweep      *self,
           HrJob        *job,
           double        value,
           guint        *n_gpus,
           GError      **error)
{
  g_autofree char *text = hr_sweep_format_value (value);

  if (!g_str_equal (self->setting, HR_SWEEP_GPUS))
    {
      hr_job_vary (job, self->setting);
      return hr_job_set_from_string (job, self->setting, text, error);
    }

  *n_gpus = (guint) value;

  return TRUE;
}

static HrEstimate *
estimate (HrSweep            *self,
          const HrSweepLine  *line,
          HrJob              *probe,
          double              value,
          HrGpu              *gpu,
          GError            **error)
{
  guint n_gpus = line->n_gpus;

  if (!set_value (self, probe, value, &n_gpus, error))
    return NULL;

  return hr_estimator_run_for_sizes (line->model, probe, gpu, n_gpus, error);
}

static double
get_value (HrSweep *self,
           guint    index)
{
  return g_array_index (self->values, double, index);
}

static void
find_least (HrSweep     *self,
            HrSweepLine *line,
            HrJob       *probe,
            guint        index)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate (self, line, probe, get_value (self, index), line->gpu, &error);
  HrSweepPoint *point = &line->points[index];

  if (found == NULL)
    {
      refuse (point, error->message);
      return;
    }

  point->state = HR_SWEEP_POINT_LEAST;
  point->allocated_bytes = hr_estimate_get_allocated_bytes (found);
  point->total_bytes = hr_estimate_get_least_bytes (found);
  point->knows_growth = hr_estimate_get_growth (found, &point->linear_bytes, &point->square_bytes);
  point->context_tokens = hr_estimate_get_context_tokens (found, probe);
  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    {
      if (id != HR_COMPONENT_FRAGMENTATION)
        point->component_bytes[id] = hr_estimate_get_component_bytes (found, id);
    }
}

static void
find_total (HrSweep     *self,
            HrSweepLine *line,
            HrJob       *probe,
            guint        index)
{
  g_autoptr (HrEstimate) found = estimate (self, line, probe, get_value (self, index), line->gpu, NULL);
  HrSweepPoint *point = &line->points[index];

  g_return_if_fail (found != NULL);

  point->state = HR_SWEEP_POINT_KNOWN;
  point->total_bytes = hr_estimate_get_total_bytes (found);
  point->reserved_bytes = hr_estimate_get_reserved_bytes (found);
  point->component_bytes[HR_COMPONENT_FRAGMENTATION] =
    hr_estimate_get_component_bytes (found, HR_COMPONENT_FRAGMENTATION);
}

/* Whether two lines are the same but for the setting that is swept over. */
static gboolean
is_same_line (HrSweep           *self,
              const HrSweepLine *one,
              const HrSweepLine *other)
{
  g_autoptr (HrJob) a = hr_job_copy (one->job);
  g_autoptr (HrJob) b = hr_job_copy (other->job);
  double value = g_array_index (self->values, double, 0);
  guint n_a = one->n_gpus, n_b = other->n_gpus;

  if (one->model != other->model || one->gpu != other->gpu)
    return FALSE;
  if (!set_value (self, a, value, &n_a, NULL) || !set_value (self, b, value, &n_b, NULL))
    return FALSE;

  return n_a == n_b && hr_job_equal (a, b);
}

static void
copy_points (HrSweep           *self,
             HrSweepLine       *line,
             const HrSweepLine *known)
{
  for (guint i = 0; i < self->values->len; i++)
    {
      g_free (line->points[i].refusal);
      line->points[i] = known->points[i];
      line->points[i].refusal = g_strdup (known->points[i].refusal);
    }
}

/* What is known of the GPUs that both are held against. */
static void
copy_crossings (HrSweep           *self,
                HrSweepLine       *line,
                HrSweep           *other,
                const HrSweepLine *known)
{
  if (known->crossings == NULL)
    return;

  clear_crossings (self, line);
  line->crossings = g_new0 (HrSweepCrossing, self->gpus->len);
  for (guint i = 0; i < self->gpus->len; i++)
    {
      HrSweepCrossing *crossing = &line->crossings[i];
      guint index;

      if (!g_ptr_array_find (other->gpus, g_ptr_array_index (self->gpus, i), &index))
        continue;

      *crossing = known->crossings[index];
      crossing->totals = g_memdup2 (crossing->totals, self->values->len * sizeof (guint64));
      if (crossing->has_begun)
        g_object_ref (crossing->edge.gpu);
    }
}

/**
 * hr_sweep_take_known: (skip)
 * @self: a sweep
 * @other: one that was begun before
 *
 * Takes over what is known already of the same configurations at the same values.
 */
void
hr_sweep_take_known (HrSweep *self,
                     HrSweep *other)
{
  g_return_if_fail (self != NULL && other != NULL);

  if (!g_str_equal (self->setting, other->setting) || self->values->len != other->values->len ||
      memcmp (self->values->data, other->values->data, self->values->len * sizeof (double)) != 0)
    return;

  for (guint i = 0; i < self->lines->len; i++)
    {
      for (guint j = 0; j < other->lines->len; j++)
        {
          if (is_same_line (self, get_line (self, i), get_line (other, j)))
            {
              copy_points (self, get_line (self, i), get_line (other, j));
              copy_crossings (self, get_line (self, i), other, get_line (other, j));
            }
        }
    }
}

/**
 * hr_sweep_get_setting: (skip)
 * @self: a sweep
 *
 * Returns: (transfer none): the name of the setting
 */
const char *
hr_sweep_get_setting (HrSweep *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->setting;
}

/**
 * hr_sweep_get_values: (skip)
 * @self: a sweep
 * @n_values: (out): how many there are
 *
 * Returns: (transfer none) (array length=n_values): the values of the setting, in order
 */
const double *
hr_sweep_get_values (HrSweep *self,
                     guint   *n_values)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (n_values != NULL, NULL);

  *n_values = self->values->len;

  return (const double *) self->values->data;
}

guint
hr_sweep_get_n_lines (HrSweep *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->lines->len;
}

/**
 * hr_sweep_get_line: (skip)
 * @self: a sweep
 * @line: the index of a line
 *
 * Returns: (transfer none): the line
 */
const HrSweepLine *
hr_sweep_get_line (HrSweep *self,
                   guint    line)
{
  g_return_val_if_fail (self != NULL && line < self->lines->len, NULL);

  return get_line (self, line);
}

static gboolean
is_all_beyond (HrSweep           *self,
               HrSweepPointState  state)
{
  for (guint i = 0; i < self->lines->len; i++)
    {
      for (guint j = 0; j < self->values->len; j++)
        {
          if (get_line (self, i)->points[j].state <= state)
            return FALSE;
        }
    }

  return TRUE;
}

/* Points that are looked at together: all of them quickly, or all with what is reserved. */
typedef struct
{
  HrSweep *sweep;
  HrSweepPointState state;
  guint n_per_slice;
  GArray *steps;        /* of guint: which points, as in HrSweep */
} Batch;

/* Each thread has a job of its own that takes the values. */
static void
look_at_slice (guint    index,
               gpointer user_data)
{
  const Batch *batch = user_data;
  HrSweep *self = batch->sweep;
  guint n_values = self->values->len;
  guint end = MIN ((index + 1) * batch->n_per_slice, batch->steps->len);
  const HrSweepLine *line_of_probe = NULL;
  g_autoptr (HrJob) probe = NULL;

  for (guint i = index * batch->n_per_slice; i < end; i++)
    {
      guint point = g_array_index (batch->steps, guint, i) % (self->lines->len * n_values);
      HrSweepLine *line = get_line (self, point / n_values);

      if (line != line_of_probe)
        {
          g_clear_object (&probe);
          probe = hr_job_copy (line->job);
          line_of_probe = line;
        }
      if (batch->state == HR_SWEEP_POINT_PENDING)
        find_least (self, line, probe, point % n_values);
      else
        find_total (self, line, probe, point % n_values);
    }
}

/* Looks at a few more points, if there are any. */
static gboolean
look_at_points (HrSweep *self)
{
  guint n_values = self->values->len;
  guint n_points = self->lines->len * n_values;
  g_autoptr (GArray) steps = g_array_new (FALSE, FALSE, sizeof (guint));
  Batch batch = { .sweep = self, .steps = steps, .n_per_slice = 1 };
  guint n_most;

  if (self->step < n_points && is_all_beyond (self, HR_SWEEP_POINT_PENDING))
    self->step = n_points;
  batch.state = self->step < n_points ? HR_SWEEP_POINT_PENDING : HR_SWEEP_POINT_LEAST;
  if (batch.state == HR_SWEEP_POINT_PENDING)
    batch.n_per_slice = POINTS_PER_WORKER;
  n_most = batch.n_per_slice * hr_workers_get_n ();
  for (; steps->len < n_most && self->step < (batch.state == HR_SWEEP_POINT_PENDING ? 1 : 2) * n_points; self->step++)
    {
      const HrSweepLine *line = get_line (self, self->step % n_points / n_values);

      if (line->points[self->step % n_values].state == batch.state)
        g_array_append_val (steps, self->step);
    }
  hr_workers_run ((steps->len + batch.n_per_slice - 1) / batch.n_per_slice, look_at_slice, &batch);

  return steps->len > 0;
}

static HrGpu *
get_gpu (HrSweep *self,
         guint    gpu)
{
  return g_ptr_array_index (self->gpus, gpu);
}

/* Whether what a line takes on a GPU of another kind follows from what is known, and what it is more or less. */
static gboolean
compare_gpus (HrSweep           *self,
              const HrSweepLine *line,
              HrGpu             *gpu,
              gint64            *difference)
{
  guint n_gpus = g_str_equal (self->setting, HR_SWEEP_GPUS) ? HR_SCENARIO_MAX_GPUS : line->n_gpus;

  *difference = 0;

  return line->gpu == gpu ||
         (line->gpu != NULL && hr_estimator_compare_gpus (line->job, line->gpu, gpu, n_gpus, difference));
}

static guint64
get_known_total (const HrSweepPoint *point,
                 gint64              difference)
{
  gboolean is_there = point->state == HR_SWEEP_POINT_KNOWN || point->state == HR_SWEEP_POINT_LEAST;

  return is_there ? point->total_bytes + difference : 0;
}

static void
init_edge (HrSweep           *self,
           const HrSweepLine *line,
           HrGpu             *gpu,
           const guint64     *totals,
           HrSweepEdge       *edge)
{
  g_autofree guint64 *known = g_new (guint64, self->values->len);
  gint64 difference;

  compare_gpus (self, line, gpu, &difference);
  for (guint i = 0; i < self->values->len; i++)
    known[i] = totals != NULL ? totals[i] : get_known_total (&line->points[i], difference);
  hr_sweep_edge_init (edge, gpu, self->is_whole, (const double *) self->values->data, known, self->values->len);
}

typedef struct
{
  HrSweep *sweep;
  const HrSweepLine *line;
} Probe;

static gboolean
find_total_on (double    value,
               HrGpu    *gpu,
               guint64  *total_bytes,
               gpointer  user_data)
{
  const Probe *probe = user_data;
  g_autoptr (HrEstimate) found = estimate (probe->sweep, probe->line, probe->line->probe, value, gpu, NULL);

  if (found != NULL)
    *total_bytes = hr_estimate_get_total_bytes (found);

  return found != NULL;
}

/* Makes one more estimate, where a line has to be estimated anew for a GPU or crosses its memory between two values. */
static gboolean
look_at_crossing (HrSweep     *self,
                  HrSweepLine *line,
                  guint        gpu)
{
  HrSweepCrossing *crossing = &line->crossings[gpu];
  Probe probe = { self, line };
  gint64 difference;

  if (!crossing->has_begun && !compare_gpus (self, line, get_gpu (self, gpu), &difference))
    {
      if (crossing->totals == NULL)
        crossing->totals = g_new0 (guint64, self->values->len);
      if (crossing->n_totals < self->values->len)
        {
          guint index = crossing->n_totals++;

          if (line->points[index].state == HR_SWEEP_POINT_KNOWN)
            find_total_on (get_value (self, index), get_gpu (self, gpu), &crossing->totals[index], &probe);
          return TRUE;
        }
    }

  if (!crossing->has_begun)
    init_edge (self, line, get_gpu (self, gpu), crossing->totals, &crossing->edge);
  crossing->has_begun = TRUE;

  return hr_sweep_edge_step (&crossing->edge, self->is_whole, find_total_on, &probe);
}

static gboolean
look_at_crossings (HrSweep *self)
{
  for (guint i = 0; i < self->lines->len; i++)
    {
      HrSweepLine *line = get_line (self, i);

      if (line->crossings == NULL)
        line->crossings = g_new0 (HrSweepCrossing, self->gpus->len);
      for (guint j = 0; j < self->gpus->len; j++)
        {
          if (look_at_crossing (self, line, j))
            return TRUE;
        }
    }

  return FALSE;
}

/**
 * hr_sweep_step: (skip)
 * @self: a sweep
 *
 * Looks at a few more points, for each core some: first at what is known quickly of each, then at the rest, which takes
 * a few milliseconds, at last at those where lines cross the memory of a GPU.
 *
 * Returns: whether there is more to look at
 */
gboolean
hr_sweep_step (HrSweep *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (look_at_points (self))
    return !hr_sweep_is_done (self);

  return look_at_crossings (self);
}

/**
 * hr_sweep_run: (skip)
 * @self: a sweep
 *
 * Looks at every point.
 */
void
hr_sweep_run (HrSweep *self)
{
  g_return_if_fail (self != NULL);

  while (hr_sweep_step (self))
    continue;
}

/**
 * hr_sweep_has_all_least: (skip)
 * @self: a sweep
 *
 * Checks whether there is something to show at every point.
 *
 * Returns: whether there is
 */
gboolean
hr_sweep_has_all_least (HrSweep *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return is_all_beyond (self, HR_SWEEP_POINT_PENDING);
}

/**
 * hr_sweep_is_done: (skip)
 * @self: a sweep
 *
 * Checks whether the total of every point is known that has one, and where lines cross the memory of GPUs.
 *
 * Returns: whether it is
 */
gboolean
hr_sweep_is_done (HrSweep *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (!is_all_beyond (self, HR_SWEEP_POINT_LEAST))
    return FALSE;

  for (guint i = 0; self->gpus->len > 0 && i < self->lines->len; i++)
    {
      const HrSweepLine *line = get_line (self, i);

      for (guint j = 0; j < self->gpus->len; j++)
        {
          if (line->crossings == NULL || !line->crossings[j].has_begun || !line->crossings[j].edge.is_done)
            return FALSE;
        }
    }

  return TRUE;
}

/**
 * hr_sweep_find_fit: (skip)
 * @self: a sweep
 * @line: the index of a line
 * @gpu: the index of a GPU
 * @value: (out): the last value that fits, or the first one where those from it on do
 *
 * Finds at which values a line is below the memory of a GPU. Values that have no estimate are passed over. When the
 * sweep is done, @value is exact: it has been estimated and fits, and the next one that can be estimated does not.
 *
 * Returns: where it is
 */
HrSweepFit
hr_sweep_find_fit (HrSweep *self,
                   guint    line,
                   guint    gpu,
                   double  *value)
{
  const HrSweepCrossing *crossings;
  HrSweepEdge edge;

  g_return_val_if_fail (self != NULL && line < self->lines->len && gpu < self->gpus->len, HR_SWEEP_FIT_UNKNOWN);
  g_return_val_if_fail (value != NULL, HR_SWEEP_FIT_UNKNOWN);

  crossings = get_line (self, line)->crossings;
  if (crossings != NULL && crossings[gpu].has_begun)
    {
      *value = crossings[gpu].edge.value;
      return crossings[gpu].edge.fit;
    }

  init_edge (self, get_line (self, line), get_gpu (self, gpu), NULL, &edge);
  hr_sweep_edge_clear (&edge);
  *value = edge.value;

  return edge.fit;
}

/**
 * hr_sweep_dup_value_text: (skip)
 * @value: a value of a setting
 *
 * Writes a value for a person to read.
 *
 * Returns: (transfer full): the text
 */
char *
hr_sweep_dup_value_text (double value)
{
  return value == floor (value) ? hr_format_integer ((guint64) value) : g_strdup_printf ("%.6g", value);
}

/**
 * hr_sweep_dup_fit_text: (skip)
 * @self: a sweep
 * @line: the index of a line
 * @gpu: the index of a GPU
 *
 * Says which of the values fit.
 *
 * Returns: (transfer full): a few words in the user's language, such as “fits up to 16,384”
 */
char *
hr_sweep_dup_fit_text (HrSweep *self,
                       guint    line,
                       guint    gpu)
{
  g_autofree char *value = NULL;
  HrSweepFit fit;
  double found;

  g_return_val_if_fail (self != NULL && line < self->lines->len && gpu < self->gpus->len, NULL);

  fit = hr_sweep_find_fit (self, line, gpu, &found);
  value = hr_sweep_dup_value_text (found);
  switch (fit)
    {
    case HR_SWEEP_FIT_ALWAYS:
      return g_strdup (_("fits at all of these values"));

    case HR_SWEEP_FIT_NEVER:
      return g_strdup (_("fits at none of these values"));

    case HR_SWEEP_FIT_UP_TO:
      /* Translators: a value of a setting, such as 16,384 */
      return g_strdup_printf (_("fits up to %s"), value);

    case HR_SWEEP_FIT_FROM:
      /* Translators: a value of a setting, such as a number of GPUs */
      return g_strdup_printf (_("fits from %s on"), value);

    case HR_SWEEP_FIT_SOME:
      /* Translators: a value of a setting */
      return g_strdup_printf (_("fits at some of these values, the largest of them %s"), value);

    case HR_SWEEP_FIT_UNKNOWN:
    default:
      return g_strdup (_("no estimate"));
    }
}
