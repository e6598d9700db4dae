/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the ranks of a pipeline take at the most where torch.distributed.pipelining or DeepSpeed runs it, against the
 * estimator: the whole way from settings to bytes.
 */

#include "hr-estimator.h"

#include "estimates.h"
#include "oracle.h"

#define MAX_MEDIAN_PERCENT 0.001
#define MAX_WORST_PERCENT 0.01

static double
run_case (JsonNode   *root,
          JsonObject *test)
{
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_FINE_TUNING, json_object_get_object_member (test, "settings"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  JsonArray *peaks = json_object_get_array_member (test, "peaks");
  double worst = 0;

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_n_devices (estimate), ==, json_array_get_length (peaks));
  for (guint i = 0; i < json_array_get_length (peaks); i++)
    {
      guint64 found = hr_estimate_get_device_bytes (estimate, i) - get_beside_bytes (estimate);
      double percent = oracle_get_percent (found, json_array_get_int_element (peaks, i));

      g_test_message ("%-60s %u %12" G_GUINT64_FORMAT " %12" G_GINT64_FORMAT " %+9.5f %%",
                      json_object_get_string_member (test, "id"), i, found, json_array_get_int_element (peaks, i),
                      percent);
      worst = ABS (percent) > ABS (worst) ? percent : worst;
    }

  return worst;
}

static void
test_peaks (void)
{
  oracle_judge_cases ("pipeline-peaks.json", run_case, MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/ranks_of_a_pipeline_take_what_is_said", test_peaks);

  return g_test_run ();
}
