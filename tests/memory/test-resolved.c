/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a job comes to for a model (hr_job_resolve) stands in reports and is what advice is sought for: it has to be
 * estimated as the job itself, and never be refused where that is not.
 */

#include "estimates.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-job-enums.h"
#include "hr-model-catalogue.h"

static void
check (HrModel *model,
       HrJob   *job,
       HrGpu   *gpu)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (job, model);
  g_autoptr (HrEstimate) estimate = hr_estimator_run_for_sizes (model, job, gpu, 1, NULL);
  g_autoptr (HrEstimate) other = NULL;
  g_autoptr (GError) error = NULL;

  if (estimate == NULL)
    return;

  g_test_message ("%s", hr_model_get_name (model));
  other = hr_estimator_run_for_sizes (model, resolved, gpu, 1, &error);
  g_assert_no_error (error);
  /* Ollama chooses a batch by whether flash attention is left to llama.cpp, which a resolved job does not tell. */
  if (!HR_IS_INFERENCE_JOB (job) || hr_inference_job_get_engine (HR_INFERENCE_JOB (job)) != HR_ENGINE_OLLAMA)
    g_assert_cmpuint (hr_estimate_get_total_bytes (other), ==, hr_estimate_get_total_bytes (estimate));
}

/* One of each kind in the catalogue. */
static GPtrArray *
list_kinds (void)
{
  GListModel *entries = hr_model_catalogue_get_default ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GPtrArray *kinds = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (hr_model_entry_get_id (entry), &error);

      g_assert_no_error (error);
      if (is_new_kind (seen, model))
        g_ptr_array_add (kinds, g_steal_pointer (&model));
    }

  return kinds;
}

static GPtrArray *
get_kinds (void)
{
  static GPtrArray *kinds;

  if (kinds == NULL)
    kinds = list_kinds ();

  return kinds;
}

static void
test_resolved (gconstpointer data)
{
  HrJob *job = (HrJob *) data;
  GPtrArray *kinds = get_kinds ();
  g_autoptr (HrGpu) gpu = NULL;
  HrEngine engine = HR_ENGINE_TRANSFORMERS;

  if (HR_IS_INFERENCE_JOB (job))
    engine = hr_inference_job_get_engine (HR_INFERENCE_JOB (job));
  gpu = hr_gpu_catalogue_lookup (engine == HR_ENGINE_MLX ? "m4-max-128gb" : "h200-sxm5-141gb", NULL);
  g_assert_nonnull (gpu);

  for (guint i = 0; i < kinds->len; i++)
    check (g_ptr_array_index (kinds, i), job, gpu);
}

static void
add (const char *name,
     HrJob      *job)
{
  g_autofree char *path = g_strdup_printf ("/memory/resolved/what_a_job_comes_to_takes_as_much/%s", name);

  g_test_add_data_func_full (path, job, test_resolved, g_object_unref);
}

int
main (int    argc,
      char **argv)
{
  static const HrMode modes[] = { HR_MODE_FINE_TUNING, HR_MODE_TRAINING, HR_MODE_GRPO };
  g_autoptr (GEnumClass) engines = g_type_class_ref (HR_TYPE_ENGINE);

  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < engines->n_values; i++)
    {
      HrJob *job = hr_job_new (HR_MODE_INFERENCE);

      g_object_set (job, "engine", engines->values[i].value, NULL);
      add (engines->values[i].value_nick, job);
    }
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    add (hr_mode_get_name (modes[i]), hr_job_new (modes[i]));

  return g_test_run ();
}
