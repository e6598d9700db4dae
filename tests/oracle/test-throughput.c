/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Published speeds of inference and training against the roofline. For each row the table says what was measured, what
 * the typical time comes to, the ratio of both, and which share of what the data sheet allows was reached. The shares
 * are where the efficiencies of typical times come from.
 */

#include <math.h>

#include "hr-published-speeds.h"
#include "hr-roofline.h"

#include "oracle.h"

static JsonNode *root;
static GPtrArray *speeds;

static JsonArray *
get_cases (void)
{
  return json_object_get_array_member (json_node_get_object (root), "cases");
}

static double
get_seconds (const HrPublishedSpeed *speed)
{
  return speed->tokens / speed->measured;
}

static void
print_row (const HrPublishedSpeed *speed)
{
  g_test_message ("%-62s %9.1f measured, %9.1f estimated, ratio %.2f, held out %.2f, %4.1f %% of the %s bound",
                  speed->id, speed->measured, speed->estimated, speed->estimated / speed->measured,
                  speed->held_out / speed->measured, 100 * hr_published_speed_get_share (speed),
                  hr_bound_get_name (speed->bound));
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
  GArray *compute[2];   /* the second is that of training */
  GArray *products[2];
  GArray *launch[2];
  GArray *memory;
  GArray *latency;
} Table;

static void
add_token (Table                  *table,
           const HrPublishedSpeed *speed)
{
  double waiting = speed->n_layers * hr_roofline_get_latency ()->typical;
  double rest = (get_seconds (speed) - speed->memory / hr_roofline_get_efficiency (HR_BOUND_MEMORY, FALSE)->typical) /
                speed->n_layers;
  double share = MIN (speed->memory / (get_seconds (speed) - waiting), 1);

  if (speed->memory >= LARGE_SECONDS)
    g_array_append_val (table->memory, share);
  else
    g_array_append_val (table->latency, rest);
}

static void
add_result (Table                  *table,
            const HrPublishedSpeed *speed)
{
  double launch = get_seconds (speed) / MAX (speed->n_kernels, 1);
  double share = hr_published_speed_get_share (speed);

  /* No program is faster than the roofline. */
  g_assert_cmpfloat (share, <, 1);
  oracle_errors_add (table->errors, 100 * (speed->estimated / speed->measured - 1));
  if (hr_published_speed_waits (speed))
    g_array_append_val (table->launch[speed->trains], launch);
  else if (speed->is_eager)
    g_array_append_val (table->products[speed->trains], share);
  else if (speed->bound == HR_BOUND_MEMORY)
    add_token (table, speed);
  else
    g_array_append_val (table->compute[speed->trains], share);
}

static void
check_launch (GArray *values,
              double  stated)
{
  g_array_sort (values, compare_doubles);
  g_test_message ("a kernel is started in %.7f s in the median of %u rows; stated %.7f", get_quantile (values, 0.5),
                  values->len, stated);
  g_assert_cmpfloat (fabs (get_quantile (values, 0.5) - stated), <, 0.000005);
}

static void
test_published (void)
{
  JsonArray *cases = get_cases ();
  JsonObject *bounds = json_object_get_object_member (json_node_get_object (root), "bounds");
  g_autoptr (GArray) errors = oracle_errors_new ();
  g_autoptr (GArray) prompts = oracle_errors_new (), training = oracle_errors_new ();
  g_autoptr (GArray) eager_prompts = oracle_errors_new (), eager_training = oracle_errors_new ();
  g_autoptr (GArray) launch = oracle_errors_new (), training_launch = oracle_errors_new ();
  g_autoptr (GArray) memory = oracle_errors_new ();
  g_autoptr (GArray) latency = oracle_errors_new ();
  Table table = {
    errors, { prompts, training }, { eager_prompts, eager_training }, { launch, training_launch }, memory, latency,
  };

  g_assert_cmpuint (json_array_get_length (cases), ==, speeds->len);
  for (guint i = 0; i < speeds->len; i++)
    {
      const HrPublishedSpeed *speed = g_ptr_array_index (speeds, i);
      JsonObject *row = json_array_get_object_element (cases, i);

      g_assert_cmpstr (speed->id, ==, json_object_get_string_member (row, "id"));
      if (json_object_has_member (row, "parameters"))
        g_assert_cmpuint (speed->n_parameters, ==, (guint64) json_object_get_int_member (row, "parameters"));
      print_row (speed);
      add_result (&table, speed);
    }

  g_assert_cmpuint (json_array_get_length (cases), >=, 30);
  check_quartiles ("training", training, hr_roofline_get_efficiency (HR_BOUND_COMPUTE, TRUE), 0.051);
  check_quartiles ("prompts", prompts, hr_roofline_get_efficiency (HR_BOUND_COMPUTE, FALSE), 0.051);
  check_quartiles ("products of training", eager_training, hr_roofline_get_products (TRUE), 0.051);
  check_quartiles ("products of prompts", eager_prompts, hr_roofline_get_products (FALSE), 0.051);
  check_quartiles ("memory", memory, hr_roofline_get_efficiency (HR_BOUND_MEMORY, FALSE), 0.051);
  check_quartiles ("latency of a layer", latency, hr_roofline_get_latency (), 0.00001);
  check_launch (launch, hr_roofline_get_launch (FALSE));
  check_launch (training_launch, hr_roofline_get_launch (TRUE));
  oracle_errors_judge (errors, "tokens per second", json_object_get_double_member (bounds, "median-percent"),
                       json_object_get_double_member (bounds, "worst-percent"));
}

/* What is said of the errors wherever times are shown is what comes of the rows. */
static void
test_stated_errors (void)
{
  const HrSpeedErrors *stated = hr_published_speeds_get_stated ();
  g_autofree char *summary = hr_published_speeds_dup_summary ();
  guint n;
  double median, worst;

  hr_published_speeds_get_errors (speeds, FALSE, &n, &median, &worst);
  g_test_message ("%u speeds: median error %.2f %%, worst %.2f %%", n, median, worst);
  g_assert_cmpuint (stated->n_fitted, ==, n);
  g_assert_cmpuint (stated->median, ==, (guint) round (median));
  g_assert_cmpuint (stated->worst, ==, (guint) round (worst));

  hr_published_speeds_get_errors (speeds, TRUE, &n, &median, &worst);
  g_test_message ("%u held out: median error %.2f %%, worst %.2f %%", n, median, worst);
  g_assert_cmpuint (stated->n_held_out, ==, n);
  g_assert_cmpuint (stated->held_out_median, ==, (guint) round (median));
  g_assert_cmpuint (stated->held_out_worst, ==, (guint) round (worst));
  g_assert_nonnull (strstr (summary, "76"));
  /* So says the help (guide:limits). */
  g_assert_cmpuint (stated->worst, <=, 40);
  g_assert_cmpuint (stated->held_out_worst, <=, 55);
}

/* A source whose rows were other ones would be held out by the same efficiencies: none of its rows is looked at. */
static void
test_what_is_held_out_is_not_looked_at (void)
{
  for (guint i = 0; i < speeds->len; i++)
    {
      const HrPublishedSpeed *first = g_ptr_array_index (speeds, i);

      for (guint j = i + 1; j < speeds->len; j++)
        {
          const HrPublishedSpeed *second = g_ptr_array_index (speeds, j);

          /* Rows of a source that are bound by computing have one efficiency, whatever each of them measured. */
          if (!g_str_equal (first->source, second->source) || !first->trains || !second->trains)
            continue;
          g_assert_cmpfloat_with_epsilon (first->held_out / first->estimated, second->held_out / second->estimated,
                                          0.05);
        }
    }
}

static JsonNode *
load_rows (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_resources_lookup_data ("/io/github/headroom/Headroom/data/speeds/published.json",
                                                      G_RESOURCE_LOOKUP_FLAGS_NONE, &error);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();

  g_assert_no_error (error);
  json_parser_load_from_data (parser, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &error);
  g_assert_no_error (error);

  return json_parser_steal_root (parser);
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (JsonNode) file = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;

  g_test_init (&argc, &argv, NULL);
  list = speeds = hr_published_speeds_list (&error);
  g_assert_no_error (error);
  file = root = load_rows ();
  g_test_add_func ("/oracle/published_speeds_are_within_the_roofline_and_its_efficiency", test_published);
  g_test_add_func ("/oracle/what_is_said_of_errors_comes_of_the_rows", test_stated_errors);
  g_test_add_func ("/oracle/what_is_held_out_is_not_looked_at", test_what_is_held_out_is_not_looked_at);

  return g_test_run ();
}
