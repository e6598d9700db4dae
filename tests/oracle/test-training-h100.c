/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Steps of fine-tuning that tests/oracle/measure measured on a GPU, against the estimate: what the allocator was asked
 * for, what it handed out, what it had reserved for that, and what the device showed.
 *
 * The first is what the estimate foresees. What is reserved depends on the order in which blocks of all sizes came and
 * went: the estimate knows the segments that there are at the peak, and not the holes that earlier steps left.
 */

#include <json-glib/json-glib.h>
#include <math.h>

#include "hr-estimator.h"
#include "hr-fine-tuning-job.h"
#include "hr-gpu-catalogue.h"

enum
{
  ASKED,
  HANDED_OUT,
  RESERVED,
  SHOWN,
  N_FIGURES,
};

static const struct
{
  const char *name;
  double max_median_percent;
  double max_worst_percent;
} figures[N_FIGURES] = {
  [ASKED] = { "what the allocator was asked for", 0.001, 0.01 },
  [HANDED_OUT] = { "what the allocator handed out", 0.1, 1.5 },
  [RESERVED] = { "what it had reserved", 8, 30 },
  [SHOWN] = { "what the device showed", 8, 30 },
};

/* Cases that have to be comparable, at least. */
#define MIN_CASES 60

static JsonParser *
load_file (const char *name)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "oracle", name, NULL);
  g_autoptr (GError) error = NULL;
  JsonParser *parser = json_parser_new_immutable ();

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);

  return parser;
}

static HrModel *
load_model (JsonObject  *root,
            const char  *name,
            GError     **error)
{
  JsonNode *config = json_object_get_member (json_object_get_object_member (root, "models"), name);
  g_autofree char *text = json_to_string (config, FALSE);

  return hr_model_new_from_data (text, -1, name, error);
}

static HrJob *
make_job (JsonObject *settings)
{
  HrJob *job = HR_JOB (hr_fine_tuning_job_new ());
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

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  const double *left = a, *right = b;

  return (*left > *right) - (*left < *right);
}

static double
get_percent (guint64 found,
             gint64  expected)
{
  return 100.0 * ((double) found - expected) / expected;
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

static void
compare (JsonObject *test,
         HrEstimate *estimate,
         GArray    **errors)
{
  gint64 context = json_object_get_int_member (test, "context-bytes");
  guint64 total = hr_estimate_get_total_bytes (estimate);
  guint64 beside = get_component (estimate, HR_COMPONENT_FRAMEWORK) +
                   get_component (estimate, HR_COMPONENT_FRAGMENTATION);
  guint64 allocated = total - beside + json_object_get_int_member (test, "workspace-bytes");
  double percents[N_FIGURES];

  percents[ASKED] = get_percent (allocated, json_object_get_int_member (test, "requested-bytes"));
  percents[HANDED_OUT] =
    get_percent (allocated, json_object_get_int_member (json_object_get_object_member (test, "expected"), "total"));
  percents[RESERVED] = get_percent (total - context, json_object_get_int_member (test, "reserved-bytes"));
  percents[SHOWN] = get_percent (total, json_object_get_int_member (test, "device-bytes"));
  g_test_message ("%-100s %+9.5f %+8.3f %+8.3f %+8.3f %% %s", json_object_get_string_member (test, "id"),
                  percents[ASKED], percents[HANDED_OUT], percents[RESERVED], percents[SHOWN],
                  json_object_get_string_member_with_default (test, "not-comparable", ""));
  if (json_object_has_member (test, "not-comparable"))
    return;

  for (guint i = 0; i < N_FIGURES; i++)
    {
      percents[i] = fabs (percents[i]);
      g_array_append_val (errors[i], percents[i]);
    }
}

/* A model whose layers cannot be trained yet says so, and has no estimate. */
static void
run_case (JsonObject *root,
          JsonObject *test,
          HrGpu      *gpu,
          GArray    **errors)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = load_model (root, json_object_get_string_member (test, "model"), &error);
  g_autoptr (HrJob) job = make_job (json_object_get_object_member (test, "settings"));
  g_autoptr (HrEstimate) estimate = NULL;

  g_assert_no_error (error);
  estimate = hr_estimator_run (model, job, gpu, 1, &error);
  if (estimate != NULL)
    compare (test, estimate, errors);
  else
    g_test_message ("%s: not yet: %s", json_object_get_string_member (test, "id"), error->message);
}

static void
judge (GArray *errors,
       guint   figure)
{
  double median, worst;

  g_assert_cmpuint (errors->len, >=, MIN_CASES);
  g_array_sort (errors, compare_doubles);
  median = g_array_index (errors, double, errors->len / 2);
  worst = g_array_index (errors, double, errors->len - 1);
  g_test_message ("%s: %u cases: median error %.4f %%, worst %.4f %%", figures[figure].name, errors->len, median,
                  worst);
  g_assert_cmpfloat (median, <, figures[figure].max_median_percent);
  g_assert_cmpfloat (worst, <, figures[figure].max_worst_percent);
}

static void
test_measured (void)
{
  g_autoptr (JsonParser) parser = load_file ("training-measured.json");
  JsonObject *root = json_node_get_object (json_parser_get_root (parser));
  JsonArray *cases = json_object_get_array_member (root, "cases");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", &error);
  GArray *errors[N_FIGURES];

  g_assert_no_error (error);
  for (guint i = 0; i < N_FIGURES; i++)
    errors[i] = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);

      if (!json_object_has_member (test, "skipped"))
        run_case (root, test, gpu, errors);
    }
  for (guint i = 0; i < N_FIGURES; i++)
    {
      judge (errors[i], i);
      g_array_unref (errors[i]);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/estimates_of_fine_tuning_are_what_an_h100_was_asked_for", test_measured);

  return g_test_run ();
}
