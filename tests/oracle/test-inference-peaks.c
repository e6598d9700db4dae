/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Peaks of generation as the framework's own code reaches them, against the replay: the total, the peak of each phase,
 * its parts, its operator, and the levels between the phases. A case may not get worse than its recorded error.
 */

#include <json-glib/json-glib.h>
#include <math.h>
#include <stdlib.h>

#include "hr-estimator.h"
#include "hr-inference-job.h"
#include "hr-inference-plan.h"
#include "hr-inference.h"
#include "hr-weights.h"

#define MAX_MEDIAN_PERCENT 1.0
#define MAX_WORST_PERCENT 5.0

/* Two runs of the same arithmetic; anything above is a change of the model. */
#define NOISE_PERCENT 1e-6

static JsonNode *root;

static JsonObject *
get_root (void)
{
  return json_node_get_object (root);
}

static HrModel *
load_model (const char  *name,
            GError     **error)
{
  JsonNode *config = json_object_get_member (json_object_get_object_member (get_root (), "models"), name);
  g_autofree char *text = json_to_string (config, FALSE);

  return hr_model_new_from_data (text, -1, name, error);
}

static HrJob *
make_job (JsonObject *settings)
{
  HrJob *job = HR_JOB (hr_inference_job_new ());
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, settings);
  while (json_object_iter_next (&iter, &name, &value))
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = json_to_string (value, FALSE);

      g_strdelimit (text, "\"", ' ');
      hr_job_set_from_string (job, name, g_strstrip (text), &error);
      g_assert_no_error (error);
    }

  return job;
}

static guint64
sum_components (HrEstimate *estimate,
                gboolean    beside)
{
  GListModel *components = hr_estimate_get_components (estimate);
  guint64 bytes = 0;

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);

      if ((id == HR_COMPONENT_FRAMEWORK || id == HR_COMPONENT_FRAGMENTATION) == beside)
        bytes += hr_component_get_bytes (component);
    }

  return bytes;
}

static guint64
get_component (HrEstimate    *estimate,
               HrComponentId  id)
{
  GListModel *components = hr_estimate_get_components (estimate);

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);

      if (hr_component_get_id (component) == id)
        return hr_component_get_bytes (component);
    }

  return 0;
}

static double
get_percent (guint64 found,
             gint64  expected)
{
  return 100.0 * ((double) found - expected) / expected;
}

/* Writes a line of the table. Returns the error of the line. */
static double
report (const char *id,
        const char *what,
        guint64     found,
        gint64      expected)
{
  double percent = get_percent (found, expected);

  g_test_message ("%-54s %-10s %14" G_GUINT64_FORMAT " %14" G_GINT64_FORMAT " %+9.5f %%", id, what, found, expected,
                  percent);

  return fabs (percent);
}

static double
compare_phases (const char *id,
                HrEstimate *estimate,
                JsonObject *peaks)
{
  guint64 beside = sum_components (estimate, TRUE);
  guint n_phases;
  const HrPhase *phases = hr_estimate_get_phases (estimate, &n_phases);
  double worst = 0;

  for (guint i = 0; i < n_phases; i++)
    {
      const char *name = hr_phase_id_get_name (phases[i].id);

      if (json_object_has_member (peaks, name))
        worst = MAX (worst, report (id, name, phases[i].peak_bytes - beside, json_object_get_int_member (peaks, name)));
    }

  return worst;
}

static double
compare_parts (const char *id,
               HrEstimate *estimate,
               JsonObject *parts)
{
  guint64 weights = get_component (estimate, HR_COMPONENT_WEIGHTS);
  guint64 inputs = get_component (estimate, HR_COMPONENT_INPUTS);
  guint64 made = sum_components (estimate, FALSE) - weights - inputs;
  double worst;

  worst = report (id, "weights", weights, json_object_get_int_member (parts, "weights"));
  worst = MAX (worst, report (id, "inputs", inputs, json_object_get_int_member (parts, "inputs")));

  return MAX (worst, report (id, "made", made, json_object_get_int_member (parts, "made")));
}

static double
compare_totals (const char              *id,
                const HrInferenceLevels *found,
                JsonObject              *levels)
{
  const struct
  {
    const char *name;
    guint64 bytes;
  } rows[] = {
    { "after-load", found->after_load.total }, { "end-prefill", found->end_prefill.total },
    { "cache", found->cache.total }, { "end-decode", found->end_decode.total }, { "end", found->end.total },
  };
  double worst = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    worst = MAX (worst, report (id, rows[i].name, rows[i].bytes, json_object_get_int_member (levels, rows[i].name)));

  return worst;
}

static double
compare_levels (const char *id,
                HrModel    *model,
                HrJob      *job,
                JsonObject *levels)
{
  g_auto (HrInferencePlan) plan = { 0 };
  g_autoptr (GError) error = NULL;
  HrInference inference;
  HrInferenceLevels found;
  HrReplay replay;
  HrWeights weights;

  g_assert_true (hr_inference_plan_init (&plan, model, HR_INFERENCE_JOB (job), &error));
  g_assert_no_error (error);

  hr_weights_init_model (&weights, &plan.storage);
  inference = plan.inference;
  inference.weight_bytes = weights.bytes;
  inference.n_layers = inference.stack->n_layers;
  inference.has_inputs = inference.has_norm = inference.has_head = TRUE;
  hr_replay_init (&replay, plan.element, plan.quantization);
  hr_inference_replay (&inference, &replay, &found);

  return compare_totals (id, &found, levels);
}

/* A case of a model that cannot be read yet says why, and has to say so until it can. */
static gboolean
is_waiting (JsonObject *test)
{
  const char *reason = json_object_get_string_member_with_default (test, "not-yet", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = NULL;

  if (reason == NULL)
    return FALSE;

  model = load_model (json_object_get_string_member (test, "model"), &error);
  g_assert_null (model);
  g_assert_nonnull (error);
  g_test_message ("%-54s not yet: %s", json_object_get_string_member (test, "id"), reason);

  return TRUE;
}

/*
 * A case that measurements on a GPU have overtaken says why. It is reported, not judged, and has to differ: else there
 * is nothing to overtake.
 */
static gboolean
is_overtaken (JsonObject *test)
{
  const char *id = json_object_get_string_member (test, "id");
  const char *reason = json_object_get_string_member_with_default (test, "overtaken", NULL);
  gint64 expected = json_object_get_int_member (json_object_get_object_member (test, "peaks"), "total");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = NULL;
  g_autoptr (HrJob) job = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  if (reason == NULL)
    return FALSE;

  model = load_model (json_object_get_string_member (test, "model"), &error);
  g_assert_no_error (error);
  job = make_job (json_object_get_object_member (test, "settings"));
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  g_test_message ("%-54s overtaken: %s", id, reason);
  g_assert_cmpfloat (report (id, "total", sum_components (estimate, FALSE), expected), >, MAX_MEDIAN_PERCENT);

  return TRUE;
}

static double
run_case (JsonObject *test)
{
  const char *id = json_object_get_string_member (test, "id");
  JsonObject *peaks = json_object_get_object_member (test, "peaks");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = load_model (json_object_get_string_member (test, "model"), &error);
  g_autoptr (HrJob) job = make_job (json_object_get_object_member (test, "settings"));
  g_autoptr (HrEstimate) estimate = NULL;
  double recorded = json_object_get_double_member (test, "worst-error");
  double total, worst;

  g_assert_no_error (error);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);

  total = report (id, "total", sum_components (estimate, FALSE), json_object_get_int_member (peaks, "total"));
  worst = MAX (total, compare_phases (id, estimate, peaks));
  worst = MAX (worst, compare_parts (id, estimate, json_object_get_object_member (test, "parts")));
  worst = MAX (worst, compare_levels (id, model, job, json_object_get_object_member (test, "levels")));

  g_assert_cmpuint (sum_components (estimate, FALSE) + sum_components (estimate, TRUE), ==,
                    hr_estimate_get_total_bytes (estimate));
  g_assert_cmpstr (hr_phase_id_get_name (hr_estimate_get_peak_phase (estimate)), ==,
                   json_object_get_string_member (test, "phase"));
  g_assert_true (g_str_has_suffix (hr_estimate_get_peak_operation (estimate),
                                   json_object_get_string_member (test, "operator")));
  g_assert_cmpfloat (worst, <=, recorded + NOISE_PERCENT);

  return total;
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  const double *left = a, *right = b;

  return (*left > *right) - (*left < *right);
}

static void
test_peaks (void)
{
  JsonArray *cases = json_object_get_array_member (get_root (), "cases");
  g_autoptr (GArray) errors = g_array_new (FALSE, FALSE, sizeof (double));
  double median, worst;

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);
      double error;

      if (is_waiting (test) || is_overtaken (test))
        continue;

      error = run_case (test);
      g_array_append_val (errors, error);
    }

  g_assert_cmpuint (errors->len, >, 0);
  g_array_sort (errors, compare_doubles);
  median = g_array_index (errors, double, errors->len / 2);
  worst = g_array_index (errors, double, errors->len - 1);
  g_test_message ("%u of %u cases: median error of the total %.5f %%, worst %.5f %%", errors->len,
                  json_array_get_length (cases), median, worst);
  g_assert_cmpfloat (median, <, MAX_MEDIAN_PERCENT);
  g_assert_cmpfloat (worst, <, MAX_WORST_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_autofree char *path = NULL;
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;

  g_test_init (&argc, &argv, NULL);
  path = g_test_build_filename (G_TEST_DIST, "oracle", "inference-peaks.json", NULL);
  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  root = json_parser_get_root (parser);

  g_test_add_func ("/oracle/peaks_of_inference_are_those_of_the_framework", test_peaks);

  return g_test_run ();
}
