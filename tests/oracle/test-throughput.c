/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Published speeds of inference and training against the roofline. For each row the table says what was measured, what
 * the typical time comes to, the ratio of both, and which share of what the data sheet allows was reached. The shares
 * are where the efficiencies of typical times come from.
 */

#include <math.h>

#include "hr-compute.h"
#include "hr-gpu-catalogue.h"
#include "hr-job-enums.h"
#include "hr-roofline.h"

#include "oracle.h"

static JsonNode *root;

typedef struct
{
  HrBound bound;
  gboolean trains;
  gboolean is_eager;
  double ratio;
  double share;
  double seconds;
  double memory;
  guint n_layers;
} Result;

static JsonArray *
get_cases (void)
{
  return json_object_get_array_member (json_node_get_object (root), "cases");
}

static HrComputePhaseId
get_phase_id (const char *what)
{
  if (g_str_equal (what, "training"))
    return HR_COMPUTE_PHASE_TRAINING_STEP;

  return g_str_equal (what, "prefill") ? HR_COMPUTE_PHASE_PREFILL : HR_COMPUTE_PHASE_DECODE;
}

static void
run_row (JsonObject *row,
         Result     *result)
{
  const char *id = json_object_get_string_member (row, "id");
  const char *what = json_object_get_string_member (row, "what");
  double measured = json_object_get_double_member (row, "tokens-per-second");
  g_autoptr (HrModel) model = oracle_load_model_of (row, json_object_get_string_member (row, "model"));
  g_autoptr (HrJob) job = oracle_make_job (oracle_get_enum (row, "mode", HR_TYPE_MODE),
                                           json_object_get_object_member (row, "settings"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (json_object_get_string_member (row, "gpu"), &error);
  g_autoptr (HrCompute) compute = NULL;
  const HrComputePhase *phase;
  double seconds;

  g_assert_no_error (error);
  compute = hr_compute_new (model, job, gpu, 1, &error);
  g_assert_no_error (error);
  phase = hr_compute_find_phase (compute, get_phase_id (what));
  g_assert_nonnull (phase);
  g_assert_true (phase->has_time);
  if (json_object_has_member (row, "parameters"))
    g_assert_cmpuint (hr_model_get_n_parameters (model), ==,
                      (guint64) json_object_get_int_member (row, "parameters"));

  result->bound = phase->time.bound;
  result->trains = phase->id == HR_COMPUTE_PHASE_TRAINING_STEP;
  result->is_eager = g_str_equal (json_object_get_string_member (row, "engine"), "transformers");
  seconds = result->is_eager ? MAX (phase->time.typical, phase->time.launch) : phase->time.typical;
  result->ratio = phase->tokens / seconds / measured;
  result->share = phase->time.least * measured / phase->tokens;
  result->seconds = phase->tokens / measured;
  result->memory = phase->time.memory;
  result->n_layers = phase->n_layers;
  g_test_message ("%-62s %9.1f measured, %9.1f estimated, ratio %.2f, %4.1f %% of the %s bound", id, measured,
                  phase->tokens / seconds, result->ratio, 100 * result->share,
                  hr_bound_get_name (phase->time.bound));
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double first = *(const double *) a, second = *(const double *) b;

  return (first > second) - (first < second);
}

static double
get_quantile (GArray *values,
              double  share)
{
  g_assert_cmpuint (values->len, >, 0);

  return g_array_index (values, double, (guint) (share * (values->len - 1) + 0.5));
}

/* The figures that times are made of are the quartiles of what was measured; of a few rows, the lowest and highest. */
static void
check_quartiles (const char         *what,
                 GArray             *values,
                 const HrEfficiency *stated,
                 double              tolerance)
{
  double margin = values->len < 8 ? 0 : 0.25;
  double low, middle, high;

  g_array_sort (values, compare_doubles);
  low = get_quantile (values, margin);
  middle = get_quantile (values, 0.5);
  high = get_quantile (values, 1 - margin);
  g_test_message ("%s: %u rows, quartiles %.6f, %.6f, %.6f; stated %.6f, %.6f, %.6f", what, values->len, low, middle,
                  high, stated->slow, stated->typical, stated->fast);
  g_assert_cmpfloat (fabs (MIN (stated->slow, stated->fast) - low), <=, tolerance);
  g_assert_cmpfloat (fabs (stated->typical - middle), <=, tolerance);
  g_assert_cmpfloat (fabs (MAX (stated->slow, stated->fast) - high), <=, tolerance);
}

/* Where the bytes of a token take milliseconds, the rest says how near to the bandwidth a program comes. */
#define LARGE_SECONDS 0.005

typedef struct
{
  GArray *errors;
  GArray *training;
  GArray *prompts;
  GArray *memory;
  GArray *latency;
  GArray *launch;
} Table;

static void
add_token (Table        *table,
           const Result *result)
{
  double waiting = result->n_layers * hr_roofline_get_latency ()->typical;
  double rest = (result->seconds - result->memory / hr_roofline_get_efficiency (HR_BOUND_MEMORY, FALSE)->typical) /
                result->n_layers;
  double share = MIN (result->memory / (result->seconds - waiting), 1);

  if (result->memory >= LARGE_SECONDS)
    g_array_append_val (table->memory, share);
  else
    g_array_append_val (table->latency, rest);
}

static void
add_result (Table        *table,
            const Result *result)
{
  double launch = result->seconds / result->n_layers;

  /* No program is faster than the roofline. */
  g_assert_cmpfloat (result->share, <, 1);
  oracle_errors_add (table->errors, 100 * (result->ratio - 1));
  if (result->is_eager)
    g_array_append_val (table->launch, launch);
  else if (result->bound == HR_BOUND_MEMORY)
    add_token (table, result);
  else
    g_array_append_val (result->trains ? table->training : table->prompts, result->share);
}

static void
test_published (void)
{
  JsonArray *cases = get_cases ();
  JsonObject *bounds = json_object_get_object_member (json_node_get_object (root), "bounds");
  g_autoptr (GArray) errors = oracle_errors_new ();
  g_autoptr (GArray) training = oracle_errors_new ();
  g_autoptr (GArray) prompts = oracle_errors_new ();
  g_autoptr (GArray) memory = oracle_errors_new ();
  g_autoptr (GArray) latency = oracle_errors_new ();
  g_autoptr (GArray) launch = oracle_errors_new ();
  Table table = { errors, training, prompts, memory, latency, launch };

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      Result result;

      run_row (json_array_get_object_element (cases, i), &result);
      add_result (&table, &result);
    }

  g_assert_cmpuint (json_array_get_length (cases), >=, 30);
  check_quartiles ("training", training, hr_roofline_get_efficiency (HR_BOUND_COMPUTE, TRUE), 0.051);
  check_quartiles ("prompts", prompts, hr_roofline_get_efficiency (HR_BOUND_COMPUTE, FALSE), 0.051);
  check_quartiles ("memory", memory, hr_roofline_get_efficiency (HR_BOUND_MEMORY, FALSE), 0.051);
  check_quartiles ("latency of a layer", latency, hr_roofline_get_latency (), 0.00001);
  g_array_sort (launch, compare_doubles);
  g_assert_cmpfloat (fabs (get_quantile (launch, 0.5) - hr_roofline_get_launch ()), <, 0.00005);
  oracle_errors_judge (errors, "tokens per second", json_object_get_double_member (bounds, "median-percent"),
                       json_object_get_double_member (bounds, "worst-percent"));
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (JsonNode) file = NULL;

  g_test_init (&argc, &argv, NULL);
  file = oracle_load_file ("throughput.json");
  root = file;
  g_test_add_func ("/oracle/published_speeds_are_within_the_roofline_and_its_efficiency", test_published);

  return g_test_run ();
}
