/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-llama-fit.h"

#include "hr-message.h"

/*
 * How llama.cpp takes layers off GPUs that cannot hold all of them (common/fit.cpp, common_params_fit_impl: --fit,
 * which it does by itself where it is not told how many layers there are to be on GPUs): from the last GPU to the
 * first, each gets as many of the last layers that are left as it can hold, and the host gets the others.
 */

/* common_params::fit_params_target: what is to stay free on each GPU. */
#define MARGIN (G_GUINT64_CONSTANT (1) << 30)

typedef struct
{
  HrLlamaPlan *plan;
  const guint64 *beside;                /* what else is on each GPU */
  gint64 target;                        /* what may be used of each GPU */
  guint n_layers[HR_GGML_MAX_PLACES];   /* of each GPU, the head being one of them */
} Fit;

static gint64
measure (Fit   *self,
         guint  device)
{
  HrLlamaPlan *plan = self->plan;
  guint64 bytes[HR_GGML_MAX_PLACES] = { 0 }, elements[HR_GGML_MAX_PLACES] = { 0 };
  guint64 compute[HR_GGML_MAX_PLACES];

  hr_llama_plan_add_weights (plan, bytes, elements);
  hr_llama_plan_add_cache (plan, bytes);
  hr_llama_plan_measure (plan, compute);

  return bytes[device] + compute[device] + self->beside[device];
}

static gint64
measure_with (Fit  *self,
              guint device,
              guint n_layers)
{
  guint counts[HR_GGML_MAX_PLACES];

  memcpy (counts, self->n_layers, sizeof counts);
  counts[device] = n_layers;
  hr_llama_plan_set_layers (self->plan, counts);

  return measure (self, device);
}

/*
 * The method of false position between as many layers as fit and as many as do not, which stops where they are
 * neighbours: what it finds fits, though not always the most where memory does not grow with each layer.
 */
static void
fill (Fit  *self,
      guint device,
      guint n_unassigned)
{
  guint low = 0, high = n_unassigned;
  gint64 low_bytes, high_bytes;

  if (high == 0)
    return;

  low_bytes = measure_with (self, device, low);
  high_bytes = measure_with (self, device, high);
  if (high_bytes <= self->target)
    low = high;
  while (high - low > 1)
    {
      gint64 room = high_bytes - low_bytes;
      gint64 step = room > 0 ? (gint64) (high - low) * (self->target - low_bytes) / room : high - low - 1;
      guint next = low + CLAMP (step, 1, (gint64) (high - low) - 1);
      gint64 bytes = measure_with (self, device, next);

      if (bytes <= self->target)
        {
          low = next;
          low_bytes = bytes;
        }
      else
        {
          high = next;
          high_bytes = bytes;
        }
    }

  self->n_layers[device] = low;
}

static gboolean
fits_all (Fit *self)
{
  for (guint i = 0; i < self->plan->n_devices; i++)
    {
      if (measure (self, i) > self->target)
        return FALSE;
    }

  return TRUE;
}

static gboolean
has_experts (const HrLlamaPlan *plan)
{
  for (guint i = 0; i < hr_model_get_n_tensors (plan->pass->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (plan->pass->model, i);

      if (tensor->n_experts > 0 && hr_part_is_text (tensor->part))
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_llama_fit:
 * @plan: a plan that has all layers on GPUs
 * @memory: what each GPU has free
 * @beside: (array): what a draft model takes of each, which is not moved (common_fit_extra_model)
 * @error: return location for an error
 *
 * Moves to the host what GPUs cannot hold, as llama.cpp does by itself.
 *
 * Fails with %HR_ERROR_UNSUPPORTED where some experts of a mixture have to move: llama.cpp moves parts of layers there.
 *
 * Returns: whether it is known what llama.cpp does
 */
gboolean
hr_llama_fit (HrLlamaPlan   *plan,
              guint64        memory,
              const guint64 *beside,
              GError       **error)
{
  Fit self = { plan, beside, (gint64) memory - (gint64) MARGIN, { 0 } };
  guint n_unassigned = plan->pass->stack->n_layers + 1;

  if (fits_all (&self))
    return TRUE;

  if (has_experts (plan))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("gpu-layers: expected a number of layers, as not all experts fit with the GiB that "
                               "llama.cpp leaves free, and which parts of their layers it moves to the host by itself "
                               "is not known here; found none"));
      return FALSE;
    }

  for (guint i = plan->n_devices; i > 0; i--)
    {
      fill (&self, i - 1, n_unassigned);
      n_unassigned -= self.n_layers[i - 1];
    }
  hr_llama_plan_set_layers (plan, self.n_layers);

  return TRUE;
}
