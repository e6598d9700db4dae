/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Peaks of steps of LoRA beside quantized matrices, as the code of the quantizers has them, and of methods that other
 * libraries than PEFT have, against the estimator: the whole way from settings to bytes.
 */

#include "hr-estimator.h"

#include "oracle.h"

/* A few KiB of small models: the numbers of the columns of outliers, 512 bytes for each matrix. */
#define MAX_MEDIAN_PERCENT 0.002
#define MAX_WORST_PERCENT 0.011

static double
run_case (JsonNode   *root,
          JsonObject *test)
{
  const char *id = json_object_get_string_member (test, "id");
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_FINE_TUNING, json_object_get_object_member (test, "settings"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  gint64 right = json_object_get_int_member (test, "total");
  guint64 found;

  g_assert_no_error (error);
  found = hr_estimate_get_allocated_bytes (estimate);
  g_test_message ("%-70s %12" G_GUINT64_FORMAT " %12" G_GINT64_FORMAT " %+9.4f %%",
                  id, found, right, oracle_get_percent (found, right));
  g_assert_cmpstr (hr_phase_id_get_name (hr_estimate_get_peak_phase (estimate)), ==,
                   json_object_get_string_member (test, "phase"));
  g_assert_cmpuint (hr_estimate_get_n_trainable_parameters (estimate), ==,
                    json_object_get_int_member (test, "trainable"));

  return oracle_get_percent (found, right);
}

static void
test_peaks (gconstpointer name)
{
  g_autoptr (JsonNode) root = oracle_load_file (name);
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) errors = oracle_errors_new ();

  for (guint i = 0; i < json_array_get_length (cases); i++)
    oracle_errors_add (errors, run_case (root, json_array_get_object_element (cases, i)));

  oracle_errors_judge (errors, "total", MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/oracle/peaks_beside_quantized_matrices_are_those_of_the_framework", "quantized-peaks.json",
                        test_peaks);
  g_test_add_data_func ("/oracle/peaks_with_bottleneck_adapters_are_those_of_the_library", "bottleneck-peaks.json",
                        test_peaks);

  return g_test_run ();
}
