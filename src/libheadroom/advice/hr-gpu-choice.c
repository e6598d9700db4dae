/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gpu-choice.h"

#include <glib/gi18n-lib.h>

/* As many as are shown: of the cheapest, and of the smallest. */
#define N_CHEAPEST 4
#define N_SMALLEST 3

/* Sizes that differ by less than such a part are told once: drivers of cards with 16 GB show a little more or less. */
#define ALIKE 20

/**
 * hr_gpu_choice_dup_title: (skip)
 * @self: GPUs that would do
 *
 * Says which they are, such as “2 × NVIDIA L4”.
 *
 * Returns: (transfer full): a text
 */
char *
hr_gpu_choice_dup_title (const HrGpuChoice *self)
{
  g_autofree char *name = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  name = g_strdup_printf ("%s %s", hr_gpu_get_vendor (self->gpu), hr_gpu_get_name (self->gpu));

  return self->n_gpus == 1 ? g_steal_pointer (&name) : g_strdup_printf ("%u × %s", self->n_gpus, name);
}

/**
 * hr_gpu_choice_dup_price: (skip)
 * @self: GPUs that would do
 *
 * Says what it costs to rent all of them, from whom, and on which day that was so.
 *
 * Returns: (transfer full) (nullable): a text in the user’s language, or %NULL if no price is known
 */
char *
hr_gpu_choice_dup_price (const HrGpuChoice *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->price != NULL ? hr_gpu_price_dup_text (self->price, self->n_gpus) : NULL;
}

/**
 * hr_gpu_choice_dup_reason: (skip)
 * @self: GPUs that would do
 * @units: how to write sizes
 *
 * Says how much memory each of them has, how much is left, how they share the job, and what they cost if that is known.
 *
 * Returns: (transfer full): a text in the user’s language
 */
char *
hr_gpu_choice_dup_reason (const HrGpuChoice *self,
                          HrUnitSystem       units)
{
  g_autofree char *memory = NULL;
  g_autofree char *left = NULL;
  g_autofree char *price = NULL;
  g_autoptr (GString) text = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  memory = hr_format_bytes (hr_gpu_get_memory (self->gpu), units);
  left = hr_format_bytes (self->free_bytes, units);
  price = hr_gpu_choice_dup_price (self);
  /* Translators: the memory of a GPU, and how much of it is left */
  text = g_string_new (NULL);
  g_string_append_printf (text, _("%1$s of memory, %2$s left"), memory, left);
  if (self->sharing != NULL)
    g_string_append_printf (text, " · %s", self->sharing);
  if (price != NULL)
    g_string_append_printf (text, " · %s", price);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/**
 * hr_gpu_choice_dup_change: (skip)
 * @self: GPUs that would do
 *
 * Gets what chooses them: options of the command line, each as name=value, with a blank between.
 *
 * Returns: (transfer full): the change
 */
char *
hr_gpu_choice_dup_change (const HrGpuChoice *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_strdup_printf ("gpu=%s gpus=%u%s%s", hr_gpu_get_id (self->gpu), self->n_gpus,
                          self->change != NULL ? " " : "", self->change != NULL ? self->change : "");
}

/**
 * hr_gpu_choice_list: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Lists the GPUs of the catalogue on which a job fits, each with the least number of them, by the same verdict as that
 * of an estimate there.
 *
 * Returns: (transfer full) (element-type HrGpuChoice): GPUs that would do, those with the least memory first
 */
GPtrArray *
hr_gpu_choice_list (HrEstimate *estimate,
                    HrJob      *job,
                    HrGpu      *gpu,
                    guint       n_gpus)
{
  g_autoptr (HrGpuSearch) search = hr_gpu_search_new (estimate, job, gpu, n_gpus);

  g_return_val_if_fail (search != NULL, NULL);

  while (hr_gpu_search_step (search))
    continue;

  return g_ptr_array_ref (hr_gpu_search_get_choices (search));
}

static double
get_price (const HrGpuChoice *self)
{
  return self->price->per_hour * self->n_gpus;
}

static guint64
get_size (const HrGpuChoice *self)
{
  return self->n_gpus * hr_gpu_get_memory (self->gpu);
}

/* Whether there is one of about the same size. */
static gboolean
has_size (GPtrArray         *choices,
          const HrGpuChoice *one)
{
  for (guint i = 0; i < choices->len; i++)
    {
      guint64 size = get_size (g_ptr_array_index (choices, i));

      if (MAX (size, get_size (one)) - MIN (size, get_size (one)) < size / ALIKE)
        return TRUE;
    }

  return FALSE;
}

/* The cheapest that is not among @picked. */
static const HrGpuChoice *
find_cheapest (GPtrArray *choices,
               GPtrArray *picked)
{
  const HrGpuChoice *cheapest = NULL;

  for (guint i = 0; i < choices->len; i++)
    {
      const HrGpuChoice *choice = g_ptr_array_index (choices, i);

      if (choice->price != NULL && !g_ptr_array_find (picked, choice, NULL) &&
          (cheapest == NULL || get_price (choice) < get_price (cheapest)))
        cheapest = choice;
    }

  return cheapest;
}

/**
 * hr_gpu_choice_pick: (skip)
 * @choices: (element-type HrGpuChoice): GPUs that would do, those with the least memory first
 *
 * Picks those that are worth a line: the cheapest to rent, then the smallest, one of each size.
 *
 * Returns: (transfer container) (element-type HrGpuChoice): some of @choices
 */
GPtrArray *
hr_gpu_choice_pick (GPtrArray *choices)
{
  GPtrArray *picked = g_ptr_array_new ();
  const HrGpuChoice *cheapest;
  guint n_smallest = 0;

  g_return_val_if_fail (choices != NULL, NULL);

  while (picked->len < N_CHEAPEST && (cheapest = find_cheapest (choices, picked)) != NULL)
    g_ptr_array_add (picked, (gpointer) cheapest);
  for (guint i = 0; i < choices->len && n_smallest < N_SMALLEST; i++)
    {
      HrGpuChoice *choice = g_ptr_array_index (choices, i);

      if (has_size (picked, choice))
        continue;
      g_ptr_array_add (picked, choice);
      n_smallest++;
    }

  return picked;
}
