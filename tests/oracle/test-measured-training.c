/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Published measurements of fine-tuning on one GPU, against the estimate: the peak of what torch's allocator handed
 * out, of what it had reserved, and what nvidia-smi showed. Every row has the release that it was measured with, and
 * what is assumed where it states nothing. A row that was run by code which the estimate does not follow says so
 * ("not-comparable"): it is estimated and shown, and does not count. One that no settings express says why ("skipped").
 */

#include <json-glib/json-glib.h>
#include <math.h>

#include "hr-estimator.h"
#include "hr-fine-tuning-job.h"
#include "hr-gpu-catalogue.h"
#include "hr-model-catalogue.h"

/* All rows of the file, and those of them that count. */
#define N_ROWS 84
#define N_COMPARABLE 18

enum
{
  ALLOCATED,
  RESERVED,
  DEVICE,
  N_FIGURES,
};

/*
 * The figures that are reached. Reserved memory and what the device shows hold the holes that earlier steps, and texts
 * of other lengths, left between blocks; the estimate knows of the segments that there are at the peak alone.
 */
static const struct
{
  const char *name;
  guint n_rows;
  double max_median_percent;
  double max_worst_percent;
} figures[N_FIGURES] = {
  [ALLOCATED] = { "allocated", 9, 3.5, 31 },
  [RESERVED] = { "reserved", 9, 9, 49 },
  [DEVICE] = { "device", 9, 21, 36 },
};

static JsonParser *
load_rows (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "oracle", "measured-training.json", NULL);
  g_autoptr (GError) error = NULL;
  JsonParser *parser = json_parser_new_immutable ();

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);

  return parser;
}

static HrModel *
load_model (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  HrModel *model;

  text = hr_model_catalogue_dup_config (name, NULL, &error);
  g_assert_no_error (error);
  model = hr_model_new_from_data (text, -1, name, &error);
  g_assert_no_error (error);

  return model;
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

static HrEstimate *
estimate_row (JsonObject *row,
              HrGpu      *gpu)
{
  g_autoptr (HrModel) model = load_model (json_object_get_string_member (row, "model"));
  g_autoptr (HrJob) job = make_job (json_object_get_object_member (row, "settings"));
  g_autoptr (GError) error = NULL;
  HrEstimate *estimate = hr_estimator_run (model, job, gpu, 1, &error);

  g_assert_no_error (error);

  return estimate;
}

/* Adds the error of each figure that the row has. */
static void
compare (JsonObject *row,
         HrEstimate *estimate,
         GArray    **errors)
{
  JsonObject *measured = json_object_get_object_member (row, "figures");
  const char *reason = json_object_get_string_member_with_default (row, "not-comparable", NULL);
  const char *note = json_object_get_string_member_with_default (row, "deviation", "");
  guint64 total = hr_estimate_get_total_bytes (estimate);
  guint64 framework = get_component (estimate, HR_COMPONENT_FRAMEWORK);
  guint64 found[N_FIGURES] = {
    [ALLOCATED] = total - framework - get_component (estimate, HR_COMPONENT_FRAGMENTATION),
    [RESERVED] = total - framework,
    [DEVICE] = total,
  };

  for (guint i = 0; i < N_FIGURES; i++)
    {
      double percent;
      gint64 expected;

      if (!json_object_has_member (measured, figures[i].name))
        continue;

      expected = json_object_get_int_member (measured, figures[i].name);
      percent = 100.0 * ((double) found[i] - expected) / expected;
      g_test_message ("%-36s %-10s %12" G_GINT64_FORMAT " %12" G_GUINT64_FORMAT " %+8.2f %% %s%s",
                      json_object_get_string_member (row, "id"), figures[i].name, expected, found[i], percent,
                      reason != NULL ? "does not count: " : "", reason != NULL ? reason : note);
      percent = fabs (percent);
      if (reason == NULL)
        g_array_append_val (errors[i], percent);
    }
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  const double *left = a, *right = b;

  return (*left > *right) - (*left < *right);
}

static void
judge (GArray *errors,
       guint   figure)
{
  double median, worst;

  g_assert_cmpuint (errors->len, ==, figures[figure].n_rows);
  g_array_sort (errors, compare_doubles);
  median = g_array_index (errors, double, errors->len / 2);
  worst = g_array_index (errors, double, errors->len - 1);
  g_test_message ("%s: %u rows: median error %.2f %%, worst %.2f %%", figures[figure].name, errors->len, median,
                  worst);
  g_assert_cmpfloat (median, <, figures[figure].max_median_percent);
  g_assert_cmpfloat (worst, <, figures[figure].max_worst_percent);
}

static void
test_measured (void)
{
  g_autoptr (JsonParser) parser = load_rows ();
  JsonArray *rows = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "cases");
  g_autoptr (GError) error = NULL;
  /* All rows that count were measured on cards of 80 GB of this chip. */
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("a100-sxm4-80gb", &error);
  GArray *errors[N_FIGURES];
  guint n_comparable = 0;

  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (rows), ==, N_ROWS);
  for (guint i = 0; i < N_FIGURES; i++)
    errors[i] = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      g_autoptr (HrEstimate) estimate = NULL;

      if (json_object_has_member (row, "skipped"))
        {
          g_test_message ("%-36s not estimated: %s", json_object_get_string_member (row, "id"),
                          json_object_get_string_member (row, "skipped"));
          continue;
        }

      n_comparable += !json_object_has_member (row, "not-comparable");
      estimate = estimate_row (row, gpu);
      compare (row, estimate, errors);
    }
  g_assert_cmpuint (n_comparable, ==, N_COMPARABLE);
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

  g_test_add_func ("/oracle/estimates_of_fine_tuning_are_as_near_to_published_measurements_as_before", test_measured);

  return g_test_run ();
}
