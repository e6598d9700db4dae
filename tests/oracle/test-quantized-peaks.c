/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Peaks of steps of LoRA beside quantized matrices, as the code of the quantizers has them, and of methods that other
 * libraries than PEFT have, against the estimator: the whole way from settings to bytes.
 */

#include "oracle.h"

/* A few KiB of small models: the numbers of the columns of outliers, 512 bytes for each matrix. */
#define MAX_MEDIAN_PERCENT 0.002
#define MAX_WORST_PERCENT 0.011

static double
run_case (JsonNode   *root,
          JsonObject *test)
{
  return oracle_compare_peak (HR_MODE_FINE_TUNING, root, test);
}

static void
test_peaks (gconstpointer name)
{
  oracle_judge_cases (name, run_case, MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
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
