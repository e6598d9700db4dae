/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Published measurements of fine-tuning and of training on answers, against the estimate: the peak of what torch's
 * allocator handed out, of what it had reserved, and what nvidia-smi showed. Every row has the release that it was
 * measured with, and what is assumed where it states nothing. A row that was run by code which the estimate does not
 * follow says so ("not-comparable"): it is estimated and shown, and does not count. One that no settings express says
 * why ("skipped").
 */

#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"

#include "estimates.h"
#include "oracle.h"

/* All rows of the file, and those of them that count. */
#define N_ROWS 117
#define N_COMPARABLE 51

enum
{
  ALLOCATED,
  RESERVED,
  DEVICE,
  ALLOCATED_ON_ANSWERS,
  N_FIGURES,
};

/*
 * The figures that are reached. Reserved memory and what the device shows hold the holes that texts of other lengths
 * have left between blocks; the estimate knows of those that steps of one length leave.
 */
static const struct
{
  const char *name;
  HrMode mode;
  guint n_rows;
  double max_median_percent;
  double max_worst_percent;
} figures[N_FIGURES] = {
  [ALLOCATED] = { "allocated", HR_MODE_FINE_TUNING, 16, 1, 31 },
  [RESERVED] = { "reserved", HR_MODE_FINE_TUNING, 18, 7.5, 43 },
  [DEVICE] = { "device", HR_MODE_FINE_TUNING, 11, 7, 30 },
  [ALLOCATED_ON_ANSWERS] = { "allocated", HR_MODE_GRPO, 17, 1.3, 8.7 },
};

/* Most rows were measured on cards of 80 GB of one chip. */
static HrGpu *
find_gpu (JsonObject *row)
{
  const char *id = json_object_get_string_member_with_default (row, "gpu-id", "a100-sxm4-80gb");
  g_autoptr (GError) error = NULL;
  HrGpu *gpu = hr_gpu_catalogue_lookup (id, &error);

  g_assert_no_error (error);

  return gpu;
}

/* What is trained on answers says so. */
static HrMode
get_mode (JsonObject *row)
{
  return json_object_has_member (row, "mode") ? HR_MODE_GRPO : HR_MODE_FINE_TUNING;
}

static HrEstimate *
estimate_row (JsonObject *row)
{
  g_autoptr (HrGpu) gpu = find_gpu (row);
  g_autoptr (HrModel) model = oracle_load_model_of (row, json_object_get_string_member (row, "model"));
  g_autoptr (HrJob) job = oracle_make_job (get_mode (row), json_object_get_object_member (row, "settings"));
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
  guint64 found[N_FIGURES] = {
    [ALLOCATED] = get_allocated_bytes (estimate),
    [RESERVED] = total - get_component_bytes (estimate, HR_COMPONENT_FRAMEWORK),
    [DEVICE] = total,
    [ALLOCATED_ON_ANSWERS] = get_allocated_bytes (estimate),
  };

  for (guint i = 0; i < N_FIGURES; i++)
    {
      double percent;
      gint64 expected;

      if (figures[i].mode != get_mode (row) || !json_object_has_member (measured, figures[i].name))
        continue;

      expected = json_object_get_int_member (measured, figures[i].name);
      percent = oracle_get_percent (found[i], expected);
      g_test_message ("%-36s %-10s %12" G_GINT64_FORMAT " %12" G_GUINT64_FORMAT " %+8.2f %% %s%s",
                      json_object_get_string_member (row, "id"), figures[i].name, expected, found[i], percent,
                      reason != NULL ? "does not count: " : "", reason != NULL ? reason : note);
      if (reason == NULL)
        oracle_errors_add (errors[i], percent);
    }
}

static void
test_measured (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("measured-training.json");
  JsonArray *rows = json_object_get_array_member (json_node_get_object (root), "cases");
  GArray *errors[N_FIGURES];
  guint n_comparable = 0;

  g_assert_cmpuint (json_array_get_length (rows), ==, N_ROWS);
  for (guint i = 0; i < N_FIGURES; i++)
    errors[i] = oracle_errors_new ();
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
      estimate = estimate_row (row);
      compare (row, estimate, errors);
    }
  g_assert_cmpuint (n_comparable, ==, N_COMPARABLE);
  for (guint i = 0; i < N_FIGURES; i++)
    {
      g_assert_cmpuint (errors[i]->len, ==, figures[i].n_rows);
      oracle_errors_judge (errors[i], i == ALLOCATED_ON_ANSWERS ? "allocated, trained on answers" : figures[i].name,
                           figures[i].max_median_percent, figures[i].max_worst_percent);
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
