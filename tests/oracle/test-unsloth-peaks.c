/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Peaks of steps of LoRA and QLoRA as Unsloth's own code runs them, phase by phase, against the estimator: the whole
 * way from settings to bytes.
 */

#include "hr-estimator.h"

#include "estimates.h"
#include "oracle.h"

#define MAX_MEDIAN_PERCENT 0.0001
#define MAX_WORST_PERCENT 0.0015

/* A table of 1 KiB beside quantized matrices; a scale of the loss, which their loop does without. */
#define MAX_BYTES 1024

/* Where packed examples start, which is found anew for each layer, but once for all of them there. */
#define MAX_PACKED_BYTES 4096

static double
run_case (JsonNode   *root,
          JsonObject *test)
{
  static const HrPhaseId phases[] = {
    HR_PHASE_FORWARD, HR_PHASE_LOSS, HR_PHASE_BACKWARD_LOSS, HR_PHASE_BACKWARD, HR_PHASE_OPTIMIZER,
  };
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_FINE_TUNING, json_object_get_object_member (test, "settings"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  JsonObject *peaks = json_object_get_object_member (test, "peaks");
  gboolean is_packed = json_object_has_member (json_object_get_object_member (test, "settings"), "packing");

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
    {
      const char *name = hr_phase_id_get_name (phases[i]);
      gint64 off = (gint64) get_handed_out (estimate, phases[i]) - json_object_get_int_member (peaks, name);

      g_test_message ("%-90s %-14s %+6" G_GINT64_FORMAT, json_object_get_string_member (test, "id"), name, off);
      g_assert_cmpint (ABS (off), <=, is_packed ? MAX_PACKED_BYTES : MAX_BYTES);
    }

  return oracle_compare_peak (HR_MODE_FINE_TUNING, root, test);
}

static void
test_peaks (void)
{
  oracle_judge_cases ("unsloth-peaks.json", run_case, MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/peaks_of_unsloth_are_those_of_its_own_code", test_peaks);

  return g_test_run ();
}
