/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What mlx-lm prints as its peak memory, and what of it is neither weights nor keys and values. */

#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"

#include "oracle.h"

#define GB 1e9

#define MEDIAN_PERCENT 1.3
#define MAX_PERCENT 3.0

/* How far the processor is ahead of the GPU differs from one run to the next. */
#define MEDIAN_BESIDE_PERCENT 8
#define MAX_BESIDE_PERCENT 17

static void
compare (JsonObject *row,
         GArray     *peaks,
         GArray     *beside)
{
  JsonObject *settings = json_object_get_object_member (row, "settings");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = oracle_load_model_of (row, json_object_get_string_member (row, "model"));
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (json_object_get_string_member (row, "gpu"), &error);
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_INFERENCE, settings);
  g_autoptr (HrEstimate) found = NULL;
  double expected = json_object_get_double_member (row, "peak") * GB;
  double fixed;

  g_assert_no_error (error);
  hr_job_set_from_string (job, "engine", "mlx", &error);
  g_assert_no_error (error);
  found = hr_estimator_run (model, job, gpu, 1, &error);
  g_assert_no_error (error);

  oracle_note_figure (row, "peak", hr_estimate_get_allocated_bytes (found) / GB, expected / GB);
  oracle_errors_add (peaks, oracle_get_percent (hr_estimate_get_allocated_bytes (found), expected));
  fixed = hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS);
  oracle_errors_add (beside, 100 * (hr_estimate_get_allocated_bytes (found) - expected) / (expected - fixed));
}

static void
test_peaks (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("mlx-peaks.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) peaks = oracle_errors_new ();
  g_autoptr (GArray) beside = oracle_errors_new ();

  for (guint i = 0; i < json_array_get_length (cases); i++)
    compare (json_array_get_object_element (cases, i), peaks, beside);

  g_assert_cmpuint (json_array_get_length (cases), >=, 13);
  oracle_errors_judge (peaks, "peak memory of mlx-lm, percent", MEDIAN_PERCENT, MAX_PERCENT);
  oracle_errors_judge (beside, "of what is beside the weights, percent", MEDIAN_BESIDE_PERCENT, MAX_BESIDE_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/what_mlx_takes_is_what_it_prints", test_peaks);

  return g_test_run ();
}
