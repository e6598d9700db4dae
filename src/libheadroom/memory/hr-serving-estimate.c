/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-estimate.h"

#include "hr-component-text.h"
#include "hr-estimate-parts.h"
#include "hr-matrix-format.h"
#include "hr-message.h"

/*
 * What estimates of engines that serve requests have in common: the weights as their layers hold them, and what a run
 * of these layers makes.
 */

#define GIB (G_GUINT64_CONSTANT (1) << 30)

/*
 * hr_serving_dup_number:
 * @number: a number
 *
 * Writes a number, for a sentence.
 *
 * Returns: (transfer full): the digits
 */
char *
hr_serving_dup_number (guint64 number)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

/*
 * hr_serving_dup_size:
 * @bytes: a size
 *
 * Writes a size, for a sentence.
 *
 * Returns: (transfer full): such as “1.50 GiB”
 */
char *
hr_serving_dup_size (guint64 bytes)
{
  return g_strdup_printf ("%.2f GiB", (double) bytes / GIB);
}

/*
 * hr_serving_tell_waiting:
 * @pass: a plan, which gets the warning
 * @requests: how many requests there are
 * @room: how many there is room for
 *
 * Says that requests wait.
 */
void
hr_serving_tell_waiting (HrInferencePlan *pass,
                         guint64          requests,
                         guint64          room)
{
  g_autofree char *all = hr_serving_dup_number (requests);
  g_autofree char *some = hr_serving_dup_number (room);

  hr_inference_plan_warn (pass,
                          N_("Of %s requests, %s are computed at once and the others wait, as there is no more room in "
                             "the KV cache"),
                          all, some);
}

/*
 * hr_serving_tell_host:
 * @pass: a plan, which gets the warning
 * @bytes: what of the weights is not on the GPU
 *
 * Says that weights stay on the host, if any do.
 */
void
hr_serving_tell_host (HrInferencePlan *pass,
                      guint64          bytes)
{
  g_autofree char *size = hr_serving_dup_size (bytes);

  if (bytes > 0)
    hr_inference_plan_warn (pass,
                            /* Translators: a size such as 1.50 GiB. */
                            N_("%s of the weights stay in the memory of the host, from which each GPU reads them over "
                               "the bus for every token: answers are many times slower"), size);
}

/*
 * hr_serving_add_weights:
 * @estimate: an estimate
 * @plan: a plan
 * @weights: what transformers would have
 * @bytes: what the layers have of them
 * @source: where that is from
 *
 * Writes the weights down.
 */
void
hr_serving_add_weights (HrEstimate          *estimate,
                        const HrServingPlan *plan,
                        const HrWeights     *weights,
                        guint64              bytes,
                        const char          *source)
{
  double element = hr_dtype_get_bits (plan->pass->dtype) / 8.0;
  double bits = hr_matrix_format_get_width (plan->pass->quantization);
  guint64 packed = weights->quantized_elements * bits / 8;
  guint64 plain = weights->other_elements * element + weights->kept_elements * 4 + weights->buffer_bytes;
  guint64 all = bytes + plan->host_bytes;
  g_autofree char *rest =
    g_strdup_printf ("%" G_GUINT64_FORMAT "·4 + %" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT, weights->kept_elements,
                     weights->buffer_bytes, all - MIN (all, plain + packed));
  g_autofree char *substitution = NULL;
  g_autofree char *without = NULL;
  g_autofree char *formula = g_strconcat (packed == 0
                                          ? "Σ parameters·e + kept·4 + rotary + padding"
                                          : "Σ parameters·e + quantized·bits/8 + kept·4 + rotary + scales + padding",
                                          plan->host_bytes > 0 ? " − host" : "", NULL);

  if (packed == 0)
    substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%g + %s", weights->other_elements, element, rest);
  else
    substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%g + %" G_GUINT64_FORMAT "·%g/8 + %s",
                                    weights->other_elements, element, weights->quantized_elements, bits, rest);

  without = g_strdup_printf ("%s − %" G_GUINT64_FORMAT, substitution, plan->host_bytes);
  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_WEIGHTS, bytes, formula,
                              plan->host_bytes > 0 ? without : substitution, source);
}

/*
 * hr_serving_add_run:
 * @estimate: an estimate
 * @peak: the highest moment of a run
 * @detail: what is to be known
 * @source: where the run is from
 *
 * Writes down what a run of the layers makes.
 */
void
hr_serving_add_run (HrEstimate       *estimate,
                    const HrMoment   *peak,
                    HrEstimateDetail  detail,
                    const char       *source)
{
  static const HrComponentId ids[] = { HR_COMPONENT_ACTIVATIONS, HR_COMPONENT_LOGITS };
  gboolean is_short = detail == HR_ESTIMATE_DETAIL_SIZES;

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      guint64 bytes = peak->level.by_component[ids[i]];
      g_autofree char *formula = is_short ? NULL : hr_component_text_new_formula (peak, ids[i]);
      g_autofree char *substitution = is_short ? NULL : hr_component_text_new_substitution (peak, ids[i]);

      if (bytes > 0)
        _hr_estimate_add_component (estimate, 0, ids[i], bytes, formula, substitution, source);
    }
}

/*
 * hr_serving_end:
 * @estimate: an estimate that has its components
 * @peak: the highest moment of a run
 * @loaded: what is there when the model is loaded
 * @total: what is taken
 *
 * Writes down the phases and the peak.
 */
void
hr_serving_end (HrEstimate     *estimate,
                const HrMoment *peak,
                guint64         loaded,
                guint64         total)
{
  _hr_estimate_set_device_bytes (estimate, 0, total);
  _hr_estimate_add_phase (estimate, HR_PHASE_LOAD, loaded);
  _hr_estimate_add_phase (estimate, HR_PHASE_PREFILL, total);
  _hr_estimate_add_phase (estimate, HR_PHASE_DECODE, total);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_PREFILL, peak->sentence, hr_component_text_new_operation (peak));
}
