/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Peaks of real steps with images and videos, in inference, in fine-tuning and in training on answers, beside those of
 * the replay.
 */

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-memory-enums.h"
#include "hr-multimodal-job.h"

#include "estimates.h"
#include "oracle.h"

/* A few numbers of the batch are in other places than in the real step: grids, positions that come from outside. */
#define MAX_MEDIAN 0.0001
#define MAX_WORST 0.001

/* Numbers of each answer take a block of the allocator each, which shows beside models of a few MiB. */
#define MAX_MEDIAN_OF_ANSWERS 0.002
#define MAX_WORST_OF_ANSWERS 0.02

static guint64
get_handed_out_of (HrEstimate *estimate,
                   const char *name)
{
  guint n_phases;
  const HrPhase *phases = hr_estimate_get_phases (estimate, &n_phases);

  for (guint i = 0; i < n_phases; i++)
    {
      if (g_str_equal (hr_phase_id_get_name (phases[i].id), name))
        return phases[i].peak_bytes - get_beside_bytes (estimate);
    }

  g_error ("%s: no such phase", name);
}

static void
compare_phases (JsonObject *test,
                HrEstimate *estimate,
                GArray     *errors)
{
  JsonObject *peaks = json_object_get_object_member (test, "phases");
  g_autoptr (GList) names = json_object_get_members (peaks);

  for (GList *name = names; name != NULL; name = name->next)
    {
      gint64 expected = json_object_get_int_member (peaks, name->data);
      double percent = oracle_get_percent (get_handed_out_of (estimate, name->data), expected);

      oracle_errors_add (errors, percent);
      g_test_message ("  %-14s %15" G_GINT64_FORMAT " %+.5f %%", (char *) name->data, expected, percent);
    }
}

static void
judge_peaks (const char *file,
             HrMode      mode,
             double      max_median,
             double      max_worst)
{
  g_autoptr (JsonNode) root = oracle_load_file (file);
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) errors = oracle_errors_new ();
  g_autoptr (GArray) phase_errors = oracle_errors_new ();

  g_assert_cmpuint (json_array_get_length (cases), >, 0);
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);
      g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
      g_autoptr (HrJob) job = oracle_make_job (mode, json_object_get_object_member (test, "settings"));
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
      gint64 expected = json_object_get_int_member (test, "total");
      double percent;

      g_assert_no_error (error);
      percent = oracle_get_percent (get_allocated_bytes (estimate), expected);
      g_test_message ("%-60s %15" G_GINT64_FORMAT " %+.5f %%", json_object_get_string_member (test, "id"), expected,
                      percent);
      oracle_errors_add (errors, percent);
      g_assert_cmpstr (hr_phase_id_get_name (hr_estimate_get_peak_phase (estimate)), ==,
                       json_object_get_string_member (test, "phase"));
      compare_phases (test, estimate, phase_errors);
    }
  oracle_errors_judge (errors, "peak memory with images and videos", max_median, max_worst);
  oracle_errors_judge (phase_errors, "peaks of phases with images and videos", max_median, max_worst);
}

static void
test_peaks (void)
{
  judge_peaks ("multimodal-peaks.json", HR_MODE_MULTIMODAL, MAX_MEDIAN, MAX_WORST);
}

/* unfold_tensor() of modeling_phi4_multimodal.py fails there: "Cannot view a tensor with shape …". */
static void
test_long_sounds (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("multimodal-peaks.json");
  g_autoptr (HrModel) model = oracle_load_model (root, "Phi-4-multimodal-tiny");
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_MULTIMODAL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  g_object_set (job, "images", G_GUINT64_CONSTANT (0), "further-inputs", "audio-50,audio-30", NULL);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_null (estimate);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "found 2"));
}

static void
test_answers (void)
{
  judge_peaks ("answer-image-peaks.json", HR_MODE_GRPO, MAX_MEDIAN_OF_ANSWERS, MAX_WORST_OF_ANSWERS);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/images_take_what_they_take_in_the_framework", test_peaks);
  g_test_add_func ("/oracle/several_sounds_are_refused_where_the_framework_cannot_cut_them", test_long_sounds);
  g_test_add_func ("/oracle/images_of_answers_take_what_they_take_in_the_trainer", test_answers);

  return g_test_run ();
}
