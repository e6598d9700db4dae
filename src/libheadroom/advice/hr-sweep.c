/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-sweep.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "hr-estimator.h"
#include "hr-units.h"

/*
 * HrSweep:
 *
 * Memory over the values of one setting, for several configurations.
 *
 * What a job asks the allocator for is known in microseconds, and what the allocator has to reserve for it in
 * milliseconds. So every point is first estimated without the latter, and made complete afterwards: then it is what an
 * estimate at this value says, to the byte.
 */
struct _HrSweep
{
  char *setting;
  GArray *values;
  GPtrArray *lines;
  guint step;
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
clear_line (HrSweep     *self,
            HrSweepLine *line)
{
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
 * Adds a configuration. One whose job has no such setting has a line without points, which says so.
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
  g_ptr_array_add (self->lines, line);
  self->step = 0;

  return self->lines->len - 1;
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
    return hr_job_set_from_string (job, self->setting, text, error);

  *n_gpus = (guint) value;

  return TRUE;
}

static HrEstimate *
estimate (HrSweep            *self,
          const HrSweepLine  *line,
          guint               index,
          GError            **error)
{
  guint n_gpus = line->n_gpus;

  if (!set_value (self, line->probe, g_array_index (self->values, double, index), &n_gpus, error))
    return NULL;

  return hr_estimator_run (line->model, line->probe, line->gpu, n_gpus, error);
}

static void
find_least (HrSweep     *self,
            HrSweepLine *line,
            guint        index)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate (self, line, index, &error);
  HrSweepPoint *point = &line->points[index];

  if (found == NULL)
    {
      refuse (point, error->message);
      return;
    }

  point->state = HR_SWEEP_POINT_LEAST;
  point->allocated_bytes = hr_estimate_get_allocated_bytes (found);
  point->total_bytes = hr_estimate_get_least_bytes (found);
}

static void
find_total (HrSweep     *self,
            HrSweepLine *line,
            guint        index)
{
  g_autoptr (HrEstimate) found = estimate (self, line, index, NULL);
  HrSweepPoint *point = &line->points[index];

  g_return_if_fail (found != NULL);

  point->state = HR_SWEEP_POINT_KNOWN;
  point->total_bytes = hr_estimate_get_total_bytes (found);
  point->reserved_bytes = hr_estimate_get_reserved_bytes (found);
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
            copy_points (self, get_line (self, i), get_line (other, j));
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

/**
 * hr_sweep_step: (skip)
 * @self: a sweep
 *
 * Looks at one more point: first at what is known quickly of each, then at the rest, which takes a few milliseconds.
 *
 * Returns: whether there is more to look at
 */
gboolean
hr_sweep_step (HrSweep *self)
{
  guint n_values, n_points;

  g_return_val_if_fail (self != NULL, FALSE);

  n_values = self->values->len;
  n_points = self->lines->len * n_values;
  for (; self->step < 2 * n_points; self->step++)
    {
      guint index = self->step % n_values;
      HrSweepLine *line = get_line (self, self->step % n_points / n_values);

      if (self->step < n_points && line->points[index].state == HR_SWEEP_POINT_PENDING)
        find_least (self, line, index);
      else if (self->step >= n_points && line->points[index].state == HR_SWEEP_POINT_LEAST)
        find_total (self, line, index);
      else
        continue;

      self->step++;
      break;
    }

  return self->step < 2 * n_points;
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
 * Checks whether the total of every point is known that has one.
 *
 * Returns: whether it is
 */
gboolean
hr_sweep_is_done (HrSweep *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return is_all_beyond (self, HR_SWEEP_POINT_LEAST);
}

static HrSweepFit
get_fit (guint    n_known,
         guint    n_fitting,
         guint    n_changes,
         gboolean begins)
{
  if (n_known == 0)
    return HR_SWEEP_FIT_UNKNOWN;
  if (n_fitting == n_known)
    return HR_SWEEP_FIT_ALWAYS;
  if (n_fitting == 0)
    return HR_SWEEP_FIT_NEVER;
  if (n_changes > 1)
    return HR_SWEEP_FIT_SOME;

  return begins ? HR_SWEEP_FIT_UP_TO : HR_SWEEP_FIT_FROM;
}

/**
 * hr_sweep_find_fit: (skip)
 * @self: a sweep
 * @line: the index of a line
 * @memory_bytes: the memory of a GPU
 * @index: (out): the last value that fits, or the first one where those from it on do
 *
 * Finds at which values a line is below a size. Values that have no estimate are passed over.
 *
 * Returns: where it is
 */
HrSweepFit
hr_sweep_find_fit (HrSweep *self,
                   guint    line,
                   guint64  memory_bytes,
                   guint   *index)
{
  const HrSweepPoint *points;
  guint n_known = 0, n_fitting = 0, n_changes = 0, first = 0, last = 0;
  gboolean begins = FALSE, fitted = FALSE;
  HrSweepFit fit;

  g_return_val_if_fail (self != NULL && line < self->lines->len, HR_SWEEP_FIT_UNKNOWN);
  g_return_val_if_fail (index != NULL, HR_SWEEP_FIT_UNKNOWN);

  points = get_line (self, line)->points;
  for (guint i = 0; i < self->values->len; i++)
    {
      gboolean fits = points[i].total_bytes <= memory_bytes;

      if (points[i].state != HR_SWEEP_POINT_KNOWN && points[i].state != HR_SWEEP_POINT_LEAST)
        continue;

      if (n_known == 0)
        begins = fits;
      else if (fits != fitted)
        n_changes++;
      if (fits && n_fitting == 0)
        first = i;
      if (fits)
        last = i;
      fitted = fits;
      n_known++;
      n_fitting += fits ? 1 : 0;
    }

  fit = get_fit (n_known, n_fitting, n_changes, begins);
  *index = fit == HR_SWEEP_FIT_FROM ? first : last;

  return fit;
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
 * @memory_bytes: the memory of a GPU
 *
 * Says which of the values fit.
 *
 * Returns: (transfer full): a few words in the user's language, such as “fits up to 16,384”
 */
char *
hr_sweep_dup_fit_text (HrSweep *self,
                       guint    line,
                       guint64  memory_bytes)
{
  g_autofree char *value = NULL;
  HrSweepFit fit;
  guint index;

  g_return_val_if_fail (self != NULL && line < self->lines->len, NULL);

  fit = hr_sweep_find_fit (self, line, memory_bytes, &index);
  value = hr_sweep_dup_value_text (g_array_index (self->values, double, index));
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
