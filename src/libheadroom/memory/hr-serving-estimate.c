/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-estimate.h"

#include "hr-component-text.h"
#include "hr-estimate-parts.h"
#include "hr-message.h"
#include "hr-rule-estimate.h"

/*
 * What estimates of engines that serve requests have in common: the ranks, the weights as their layers hold them, and
 * what a run of these layers makes.
 */

#define GIB (G_GUINT64_CONSTANT (1) << 30)

static void
part_free (HrServingPart *self)
{
  g_clear_object (&self->model);
  g_free (self);
}

static void
add_part (GPtrArray           *parts,
          const HrServingRank *rank,
          HrModel             *model)
{
  HrServingPart *part = g_new0 (HrServingPart, 1);

  part->rank = *rank;
  part->model = model;
  g_ptr_array_add (parts, part);
}

/* A model that one GPU has is not divided, whatever it is made of. */
static GPtrArray *
list_parts (const HrServingLayout  *layout,
            HrModel                *model,
            GError                **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) part_free);
  gboolean is_divided = layout->tensor * layout->pipeline > 1 || layout->expert > 1 ||
                        (layout->data > 1 && layout->shares_experts && hr_model_has_experts (model));
  const HrServingRank whole = { 0, 0, layout->n_ranks };
  g_autoptr (GArray) ranks = NULL;

  if (!is_divided)
    {
      add_part (parts, &whole, NULL);
      return g_steal_pointer (&parts);
    }

  ranks = hr_serving_layout_list_ranks (layout, model);
  for (guint i = 0; i < ranks->len; i++)
    {
      const HrServingRank *rank = &g_array_index (ranks, HrServingRank, i);
      HrModel *part = hr_serving_layout_divide_model (layout, model, rank, error);

      if (part == NULL)
        return NULL;
      add_part (parts, rank, part);
    }

  return g_steal_pointer (&parts);
}

/*
 * hr_serving_create_ranks:
 * @layout: a layout
 * @model: a model
 * @create: makes a rank of what it has
 * @data: what to hand to it
 * @free_rank: frees a rank
 * @error: return location for an error
 *
 * Makes a rank of each kind, of those that have the same.
 *
 * Returns: (transfer full): what @create has made, or %NULL with @error set
 */
GPtrArray *
hr_serving_create_ranks (const HrServingLayout  *layout,
                         HrModel                *model,
                         HrServingRankFunc       create,
                         gconstpointer           data,
                         GDestroyNotify          free_rank,
                         GError                **error)
{
  g_autoptr (GPtrArray) ranks = g_ptr_array_new_with_free_func (free_rank);
  g_autoptr (GPtrArray) parts = list_parts (layout, model, error);

  for (guint i = 0; parts != NULL && i < parts->len; i++)
    {
      gpointer rank = create (data, g_ptr_array_index (parts, i), error);

      if (rank == NULL)
        return NULL;
      g_ptr_array_add (ranks, rank);
    }

  return parts != NULL ? g_steal_pointer (&ranks) : NULL;
}

/*
 * hr_serving_init_pass:
 * @pass: (out): a plan of a pass
 * @model: a model, or what a rank has of it
 * @job: a job
 * @error: return location for an error
 *
 * Resolves how a model is stored, and what the job generates.
 *
 * Returns: whether it can be done
 */
gboolean
hr_serving_init_pass (HrInferencePlan  *pass,
                      HrModel          *model,
                      HrInferenceJob   *job,
                      GError          **error)
{
  if (!hr_inference_plan_init_pass (pass, model, HR_JOB (job), error))
    return FALSE;

  g_ptr_array_set_size (pass->warnings, 0);
  pass->job = job;
  pass->inference.batch = hr_inference_job_get_batch_size (job);
  pass->inference.prompt = hr_inference_job_get_prompt_length (job);
  pass->inference.output = hr_inference_job_get_output_length (job);
  pass->inference.use_cache = TRUE;

  return TRUE;
}

/*
 * hr_serving_check_length:
 * @plan: a plan
 * @job: a job
 * @error: return location for an error
 *
 * Checks whether a request of the job is no longer than requests may be.
 *
 * Returns: whether it is
 */
gboolean
hr_serving_check_length (const HrServingPlan  *plan,
                         HrInferenceJob       *job,
                         GError              **error)
{
  guint64 length = hr_inference_job_get_prompt_length (job) + hr_inference_job_get_output_length (job);
  g_autofree char *expected = hr_serving_dup_number (length);
  g_autofree char *found = hr_serving_dup_number (plan->max_model_len);

  if (length <= plan->max_model_len)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("max-model-len: expected at least the tokens of prompt and output, %s; found %s"), expected,
                        found);

  return FALSE;
}

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
  guint64 plain = weights->other_elements * element + weights->kept_elements * 4 + weights->buffer_bytes;
  g_autofree char *substitution =
    g_strdup_printf ("%" G_GUINT64_FORMAT "·%g + %" G_GUINT64_FORMAT "·4 + %" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT,
                     weights->other_elements, element, weights->kept_elements, weights->buffer_bytes,
                     bytes - MIN (bytes, plain));

  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_WEIGHTS, bytes, "Σ parameters·e + kept·4 + rotary + padding",
                              substitution, source);
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
 * @plan: a plan
 * @peak: the highest moment of a run
 * @loaded: what is there when the model is loaded
 * @total: what is taken
 * @detail: what is to be known
 *
 * Writes down the phases and the peak.
 */
void
hr_serving_end (HrEstimate          *estimate,
                const HrServingPlan *plan,
                const HrMoment      *peak,
                guint64              loaded,
                guint64              total,
                HrEstimateDetail     detail)
{
  _hr_estimate_set_device_bytes (estimate, 0, total);
  _hr_estimate_add_phase (estimate, HR_PHASE_LOAD, loaded);
  _hr_estimate_add_phase (estimate, HR_PHASE_PREFILL, total);
  _hr_estimate_add_phase (estimate, HR_PHASE_DECODE, total);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_PREFILL, peak->sentence, hr_component_text_new_operation (peak));
  if (detail != HR_ESTIMATE_DETAIL_SIZES)
    {
      g_autoptr (HrEstimate) rule = hr_rule_estimate_new (plan->pass);

      _hr_estimate_set_rule_of_thumb (estimate, rule);
    }
}

/*
 * hr_serving_join:
 * @estimates: (element-type HrEstimate): an estimate of each kind of rank
 * @pass: the plan that has the warnings
 * @layout: how the ranks work together
 *
 * Makes one estimate of those of all ranks: that of the rank that takes most.
 *
 * Returns: (transfer full): an estimate
 */
HrEstimate *
hr_serving_join (GPtrArray             *estimates,
                 HrInferencePlan       *pass,
                 const HrServingLayout *layout)
{
  HrEstimate *worst = g_ptr_array_index (estimates, 0);

  for (guint i = 1; i < estimates->len; i++)
    {
      HrEstimate *estimate = g_ptr_array_index (estimates, i);

      if (hr_estimate_get_device_bytes (estimate, 0) > hr_estimate_get_device_bytes (worst, 0))
        worst = estimate;
    }
  hr_estimate_add_warnings (worst, pass);
  if (estimates->len > 1)
    _hr_estimate_join_ranks (worst, (HrEstimate * const *) estimates->pdata, estimates->len, layout->n_ranks);
  else
    _hr_estimate_set_n_ranks (worst, layout->n_ranks);

  return g_object_ref (worst);
}
