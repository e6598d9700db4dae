/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Peaks of steps of training on answers, as the losses of TRL have them, against the estimator: the whole way from
 * settings to bytes.
 */

#include "oracle.h"

/* A few KiB of small models: numbers of each answer, which the framework lets go of one by one, go together here. */
#define MAX_MEDIAN_PERCENT 0.002
#define MAX_WORST_PERCENT 0.005

static double
run_case (JsonNode   *root,
          JsonObject *test)
{
  return oracle_compare_peak (HR_MODE_GRPO, root, test);
}

static void
test_peaks (void)
{
  oracle_judge_cases ("answer-peaks.json", run_case, MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/peaks_of_training_on_answers_are_those_of_the_framework", test_peaks);

  return g_test_run ();
}
