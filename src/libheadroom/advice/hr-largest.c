/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-largest-private.h"

#include <glib/gi18n-lib.h>

static const char * const bound_names[] = {
  [HR_LARGEST_BOUND_MEMORY] = "memory",
  [HR_LARGEST_BOUND_CONTEXT] = "context-length",
  [HR_LARGEST_BOUND_RANGE] = "range",
  [HR_LARGEST_BOUND_WIDTH] = "width",
  [HR_LARGEST_BOUND_REFUSED] = "refused",
};

void
_hr_largest_probe_clear (HrLargestProbe *self)
{
  g_clear_pointer (&self->reason, g_free);
}

void
_hr_largest_free (gpointer data)
{
  HrLargest *self = data;

  g_free (self->message);
  g_free (self->change);
  g_free (self);
}

/**
 * hr_largest_bound_get_name: (skip)
 * @bound: what ends a search
 *
 * Gets the name of a bound as files have it.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_largest_bound_get_name (HrLargestBound bound)
{
  g_return_val_if_fail (bound < G_N_ELEMENTS (bound_names), NULL);

  return bound_names[bound];
}

/**
 * hr_largest_dup_value: (skip)
 * @self: a largest value
 *
 * Says how much fits, such as “37 at most”.
 *
 * Returns: (transfer full): a text in the user’s language
 */
char *
hr_largest_dup_value (const HrLargest *self)
{
  g_autofree char *value = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  value = hr_format_integer (self->value);

  /* Translators: a number */
  return g_strdup_printf (self->fits ? _("%s at most") : _("not even %s"), value);
}

static char *
describe_bound (const HrLargest *self,
                const char      *left,
                HrUnitSystem     units)
{
  g_autofree char *next = hr_format_integer (self->next);
  g_autofree char *missing = hr_format_bytes (self->missing_bytes, units);
  g_autofree char *positions = hr_format_integer (self->positions);

  switch (self->bound)
    {
    case HR_LARGEST_BOUND_CONTEXT:
      /* Translators: an amount of memory; a number */
      return g_strdup_printf (_("%1$s left; the model knows no more than %2$s positions (max_position_embeddings)"),
                              left, positions);

    case HR_LARGEST_BOUND_RANGE:
      /* Translators: an amount of memory */
      return g_strdup_printf (_("%s left; more cannot be set"), left);

    case HR_LARGEST_BOUND_WIDTH:
      /* Translators: an amount of memory */
      return g_strdup_printf (_("%s left; a rank above the width of the layers (hidden_size) is of no use"), left);

    case HR_LARGEST_BOUND_REFUSED:
      /* Translators: an amount of memory; a number; why that many cannot be estimated */
      return g_strdup_printf (_("%1$s left; %2$s cannot be estimated: %3$s"), left, next, self->message);

    case HR_LARGEST_BOUND_MEMORY:
    default:
      /* Translators: an amount of memory; a number; another amount */
      return g_strdup_printf (_("%1$s left; for %2$s, %3$s would be lacking"), left, next, missing);
    }
}

static char *
describe_misfit (const HrLargest *self,
                 HrUnitSystem     units)
{
  g_autofree char *missing = hr_format_bytes (self->missing_bytes, units);
  g_autofree char *positions = hr_format_integer (self->positions);

  switch (self->bound)
    {
    case HR_LARGEST_BOUND_CONTEXT:
      /* Translators: a number */
      return g_strdup_printf (_("The model knows no more than %s positions (max_position_embeddings)"), positions);

    case HR_LARGEST_BOUND_REFUSED:
      return g_strdup (self->message);

    case HR_LARGEST_BOUND_RANGE:
    case HR_LARGEST_BOUND_WIDTH:
    case HR_LARGEST_BOUND_MEMORY:
    default:
      /* Translators: an amount of memory */
      return g_strdup_printf (_("%s would be lacking"), missing);
    }
}

/**
 * hr_largest_dup_reason: (skip)
 * @self: a largest value
 * @units: how to write sizes
 *
 * Says what is left, and why it is not more.
 *
 * Returns: (transfer full): a text in the user’s language
 */
char *
hr_largest_dup_reason (const HrLargest *self,
                       HrUnitSystem     units)
{
  g_autofree char *left = NULL;
  g_autofree char *reason = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  if (!self->fits)
    return describe_misfit (self, units);

  left = hr_format_bytes (self->free_bytes, units);
  reason = describe_bound (self, left, units);
  if (self->is_monotone)
    return g_steal_pointer (&reason);

  /* Translators: a sentence such as “1.2 GiB left; for 38, 300 MiB would be lacking” */
  return g_strdup_printf (_("%s. More does not always take more here: a greater value may fit as well"), reason);
}

/**
 * hr_largest_list: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Lists, for each setting that makes a job take more, the largest value with which it fits on the GPUs. Without a GPU,
 * or by the rule of thumb, there are none.
 *
 * Returns: (transfer full) (element-type HrLargest): the largest values
 */
GPtrArray *
hr_largest_list (HrEstimate *estimate,
                 HrJob      *job,
                 HrGpu      *gpu,
                 guint       n_gpus)
{
  g_autoptr (HrLargestSearch) search = hr_largest_search_new (estimate, job, gpu, n_gpus);

  g_return_val_if_fail (search != NULL, NULL);

  while (hr_largest_search_step (search))
    continue;

  return g_ptr_array_ref (hr_largest_search_get_largest (search));
}
