/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-ranks.h"

#include "hr-estimate-parts.h"
#include "hr-message.h"
#include "hr-rule-estimate.h"
#include "hr-serving-estimate.h"

/* What estimates of engines that serve requests do for every kind of rank, and of all of them. */

/* What ranks that are alike have of the model; nothing where it is all. */
typedef struct
{
  HrServingRank rank;
  HrModel *model;
} Part;

static void
part_free (Part *self)
{
  g_clear_object (&self->model);
  g_free (self);
}

static void
add_part (GPtrArray           *parts,
          const HrServingRank *rank,
          HrModel             *model)
{
  Part *part = g_new0 (Part, 1);

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

static void
share_free (HrServingShare *self)
{
  hr_inference_plan_clear (&self->pass);
  hr_replay_clear (&self->replay);
  g_clear_object (&self->part);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrServingShare, share_free)

/* How the model is stored, and what the job generates. */
static gboolean
init_pass (HrInferencePlan  *pass,
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

/* A request of the job must be no longer than requests may be. */
static gboolean
check_length (const HrServingPlan   *plan,
              const HrServingStart  *start,
              GError               **error)
{
  g_autofree char *expected = hr_serving_dup_number (start->length);
  g_autofree char *found = hr_serving_dup_number (plan->max_model_len);

  if (start->length <= plan->max_model_len)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("max-model-len: expected at least the tokens of prompt and output, %s; found %s"), expected,
                        found);

  return FALSE;
}

/* Whether ranks divide experts: the formula for several GPUs does not know them. */
static gboolean
divides_experts (const HrServingStart *start)
{
  const HrServingLayout *layout = &start->layout;

  return layout->expert > 1 ||
         (layout->data > 1 && layout->shares_experts && hr_model_has_experts (start->model));
}

/* The formulas that people know are of whole models, and divide these evenly. */
static HrEstimate *
create_rule (const HrServingStart *start,
             HrServingShare       *first)
{
  g_auto (HrInferencePlan) pass = { 0 };
  g_autoptr (HrEstimate) whole = NULL;

  if (first->part == NULL || divides_experts (start) || !init_pass (&pass, start->model, start->job, NULL))
    return hr_rule_estimate_new (&first->pass);

  pass.inference.batch = start->requests;
  whole = hr_rule_estimate_new (&pass);

  return hr_rule_estimate_divide (whole, HR_JOB (start->job), start->layout.n_ranks);
}

static HrServingShare *
share_new (const HrServingEngine  *engine,
           const HrServingStart   *start,
           const Part             *part,
           GError                **error)
{
  g_autoptr (HrServingShare) self = g_malloc0 (engine->share_size);
  HrServingPlan *plan;

  g_set_object (&self->part, part->model);
  hr_replay_init (&self->replay, HR_ELEMENT_BFLOAT16, HR_QUANTIZATION_NONE);
  if (!init_pass (&self->pass, part->model != NULL ? part->model : start->model, start->job, error))
    return NULL;

  plan = engine->init_plan (self, start, error);
  if (plan == NULL || !check_length (plan, start, error))
    return NULL;

  if (part->model != NULL)
    hr_serving_plan_set_rank (plan, &start->layout, &part->rank);
  hr_replay_clear (&self->replay);
  hr_inference_plan_init_replay (&self->pass, &self->replay);
  engine->measure (self, start);

  return g_steal_pointer (&self);
}

static GPtrArray *
create_shares (const HrServingEngine  *engine,
               const HrServingStart   *start,
               GError                **error)
{
  g_autoptr (GPtrArray) shares = g_ptr_array_new_with_free_func ((GDestroyNotify) share_free);
  g_autoptr (GPtrArray) parts = list_parts (&start->layout, start->model, error);

  for (guint i = 0; parts != NULL && i < parts->len; i++)
    {
      HrServingShare *share = share_new (engine, start, g_ptr_array_index (parts, i), error);

      if (share == NULL)
        return NULL;
      g_ptr_array_add (shares, share);
    }

  return parts != NULL ? g_steal_pointer (&shares) : NULL;
}

/* All ranks have the cache of the one that has room for the least (get_kv_cache_configs of vLLM, and its like). */
static HrServingShare *
share_room (GPtrArray *shares)
{
  HrServingShare *least = g_ptr_array_index (shares, 0);

  for (guint i = 1; i < shares->len; i++)
    {
      HrServingShare *share = g_ptr_array_index (shares, i);

      if (share->room < least->room)
        least = share;
    }
  for (guint i = 0; i < shares->len; i++)
    ((HrServingShare *) g_ptr_array_index (shares, i))->room = least->room;

  return least;
}

/* One estimate of those of all ranks: that of the rank that takes most. */
static HrEstimate *
join (GPtrArray             *estimates,
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

/*
 * hr_serving_estimate_ranks:
 * @engine: what differs from one engine to the next
 * @model: a model
 * @job: a job of the engine
 * @gpu: (nullable): the GPU to run on
 * @n_gpus: how many of them
 * @detail: what is to be known
 * @error: return location for an error
 *
 * Estimates what an engine takes of each GPU. Ranks that have the same of the model are looked at once.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_serving_estimate_ranks (const HrServingEngine  *engine,
                           HrModel                *model,
                           HrInferenceJob         *job,
                           HrGpu                  *gpu,
                           guint                   n_gpus,
                           HrEstimateDetail        detail,
                           GError                **error)
{
  HrServingStart start = { model, job, gpu };
  g_autoptr (GPtrArray) estimates = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) shares = NULL;
  g_autoptr (HrEstimate) rule = NULL;
  HrServingShare *least;

  if (!hr_serving_layout_init (&start.layout, HR_JOB (job), n_gpus, error))
    return NULL;

  start.length = hr_inference_job_get_prompt_length (job) + hr_inference_job_get_output_length (job);
  start.requests = (hr_inference_job_get_batch_size (job) + start.layout.data - 1) / start.layout.data;
  shares = create_shares (engine, &start, error);
  if (shares == NULL)
    return NULL;

  least = share_room (shares);
  if (detail != HR_ESTIMATE_DETAIL_SIZES)
    rule = create_rule (&start, g_ptr_array_index (shares, 0));
  if (hr_job_get_method_of_estimate (HR_JOB (job)) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    return rule != NULL ? g_steal_pointer (&rule) : create_rule (&start, g_ptr_array_index (shares, 0));

  engine->warn (least, &start);
  for (guint i = 0; i < shares->len; i++)
    {
      HrEstimate *estimate = engine->create_estimate (g_ptr_array_index (shares, i), &start, detail);

      if (rule != NULL)
        _hr_estimate_set_rule_of_thumb (estimate, rule);
      g_ptr_array_add (estimates, estimate);
    }

  return join (estimates, &least->pass, &start.layout);
}
