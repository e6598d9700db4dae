/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What a rank has of a model that transformers divides, and the peaks of generation on it, as its own code reaches them
 * with the hooks of its plans: parameters to the element, peaks to their recorded error.
 */

#include <math.h>

#include "hr-estimator.h"
#include "hr-layout.h"

#include "estimates.h"
#include "oracle.h"

#define MAX_MEDIAN_PERCENT 0.01
#define MAX_WORST_PERCENT 0.5

/* Two runs of the same arithmetic; anything above is a change of the model. */
#define NOISE_PERCENT 1e-6

static void
assert_parameters (HrModel    *model,
                   HrJob      *job,
                   JsonObject *test)
{
  guint64 rank = json_object_get_int_member_with_default (test, "rank", 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) part = NULL;
  HrLayout layout;

  g_assert_true (hr_layout_init_inference (&layout, job, 1, &error));
  g_assert_no_error (error);
  part = hr_layout_share_model (&layout, model, rank, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_model_get_n_parameters (part), ==, json_object_get_int_member (test, "parameters"));
}

/* Only the rank that takes most has its peaks by phase in an estimate. */
static double
compare_phases (HrEstimate *estimate,
                JsonObject *test)
{
  JsonObject *peaks = json_object_get_object_member (test, "peaks");
  guint64 beside = get_beside_bytes (estimate);
  guint n_phases;
  const HrPhase *phases = hr_estimate_get_phases (estimate, &n_phases);
  double worst = 0;

  for (guint i = 0; i < n_phases; i++)
    {
      const char *name = hr_phase_id_get_name (phases[i].id);
      double percent;

      if (!json_object_has_member (peaks, name))
        continue;

      percent = oracle_get_percent (phases[i].peak_bytes - beside, json_object_get_int_member (peaks, name));
      g_test_message ("%-40s %-8s %12" G_GUINT64_FORMAT " %12" G_GINT64_FORMAT " %+9.5f %%",
                      json_object_get_string_member (test, "id"), name, phases[i].peak_bytes - beside,
                      json_object_get_int_member (peaks, name), percent);
      worst = MAX (worst, fabs (percent));
    }

  return worst;
}

static double
run_case (JsonNode   *root,
          JsonObject *test)
{
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_INFERENCE, json_object_get_object_member (test, "settings"));
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;
  double worst = 0;

  assert_parameters (model, job, test);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  if (json_object_has_member (test, "peaks"))
    worst = compare_phases (estimate, test);
  g_assert_cmpfloat (worst, <=, json_object_get_double_member_with_default (test, "worst-error", 0) + NOISE_PERCENT);

  return worst;
}

static void
test_peaks (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("parallel-peaks.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) errors = oracle_errors_new ();

  for (guint i = 0; i < json_array_get_length (cases); i++)
    oracle_errors_add (errors, run_case (root, json_array_get_object_element (cases, i)));

  oracle_errors_judge (errors, "ranks of inference", MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/a_rank_has_and_reaches_what_transformers_gives_it", test_peaks);

  return g_test_run ();
}
