/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Peaks that others measured on GPUs, with the framework's own counter, against the estimate. Their versions are older
 * than the one that is replayed, sampling is not replayed, and figures are rounded: close is what can be asked for.
 */

#include <json-glib/json-glib.h>
#include <math.h>

#include "hr-estimator.h"
#include "hr-inference-job.h"

#define MAX_MEDIAN_PERCENT 1.0
#define MAX_WORST_PERCENT 2.0

/* Torch's counter includes the workspace of cuBLAS, which the estimate has with the framework: 8320 KiB on an A100. */
#define WORKSPACE_BYTES (8320 * G_GUINT64_CONSTANT (1024))

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

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  const double *left = a, *right = b;

  return (*left > *right) - (*left < *right);
}

/* Returns whether the case can be compared; one that cannot says why. */
static gboolean
run_case (JsonObject *test,
          double     *percent)
{
  const char *name = json_object_get_string_member (test, "model");
  const char *reason = json_object_get_string_member_with_default (test, "not-comparable", NULL);
  JsonObject *settings = json_object_get_object_member (test, "settings");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = load_model (name, &error);
  g_autoptr (HrJob) job = make_job (settings);
  g_autoptr (HrEstimate) estimate = NULL;
  double expected = json_object_get_double_member (test, "gib");
  double found;

  g_assert_no_error (error);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);

  found = (sum_components (estimate, FALSE) + WORKSPACE_BYTES) / (double) (G_GUINT64_CONSTANT (1) << 30);
  *percent = 100 * (found - expected) / expected;
  g_test_message ("%-24s %-9s %6" G_GINT64_FORMAT " tokens %8.3f GiB, measured %6.2f, %+6.2f %% %s", name,
                  json_object_get_string_member (settings, "quantization"),
                  json_object_get_int_member (settings, "prompt-length"), found, expected, *percent,
                  reason != NULL ? reason : "");

  return reason == NULL;
}

static void
test_measured (void)
{
  JsonArray *cases = json_object_get_array_member (get_root (), "cases");
  g_autoptr (GArray) errors = g_array_new (FALSE, FALSE, sizeof (double));
  double median, worst;

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      double percent;

      if (!run_case (json_array_get_object_element (cases, i), &percent))
        continue;

      percent = fabs (percent);
      g_array_append_val (errors, percent);
    }

  g_assert_cmpuint (errors->len, >, 10);
  g_array_sort (errors, compare_doubles);
  median = g_array_index (errors, double, errors->len / 2);
  worst = g_array_index (errors, double, errors->len - 1);
  g_test_message ("%u of %u cases: median error %.2f %%, worst %.2f %%", errors->len, json_array_get_length (cases),
                  median, worst);
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
  path = g_test_build_filename (G_TEST_DIST, "oracle", "inference-measured.json", NULL);
  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  root = json_parser_get_root (parser);

  g_test_add_func ("/oracle/estimates_are_close_to_what_was_measured", test_measured);

  return g_test_run ();
}
