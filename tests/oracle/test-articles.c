/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The formulas and examples that people know, both ways: as they are written, by the rule of thumb, and as they should
 * be, from the model's tensors. Each figure has both as expressions, and what they should come to.
 */

#include <gio/gio.h>
#include <math.h>

#include "hr-article.h"
#include "hr-estimator.h"
#include "hr-model.h"

#include "oracle.h"

#define FIGURES_PATH "/io/github/headroom/Headroom/data/articles/figures.json"

/* How many figures the articles have, with those about their models. */
#define N_FIGURES 209

typedef struct
{
  JsonNode *root;
  JsonArray *cases;
  GPtrArray *figures;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GBytes) bytes = g_resources_lookup_data (FIGURES_PATH, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (bytes);
  fixture->root = json_from_string (g_bytes_get_data (bytes, NULL), &error);
  g_assert_no_error (error);
  fixture->cases = json_object_get_array_member (json_node_get_object (fixture->root), "figures");

  fixture->figures = hr_article_list_figures (&error);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->figures->len, ==, json_array_get_length (fixture->cases));
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  json_node_unref (fixture->root);
  g_ptr_array_unref (fixture->figures);
}

static gboolean
compare (JsonObject *test,
         const char *key,
         gboolean    has_value,
         double      found)
{
  g_autofree char *expected_key = g_strconcat (key, "-value", NULL);
  double expected, tolerance;

  g_assert_cmpint (has_value, ==, json_object_has_member (test, key));
  if (!has_value)
    return FALSE;

  expected = json_object_get_double_member (test, expected_key);
  tolerance = json_object_get_double_member_with_default (test, "tolerance", 0);
  g_test_message ("%-28s %-6s %.17g, expected %.17g", json_object_get_string_member (test, "id"), key, found, expected);
  g_assert_cmpfloat (fabs (found - expected), <=, tolerance * fabs (expected));

  return TRUE;
}

static void
compare_all (Fixture    *fixture,
             const char *key)
{
  gboolean is_rule = g_str_equal (key, "rule");
  guint n_compared = 0;

  for (guint i = 0; i < fixture->figures->len; i++)
    {
      const HrArticleFigure *figure = g_ptr_array_index (fixture->figures, i);

      n_compared += compare (json_array_get_object_element (fixture->cases, i), key,
                             is_rule ? figure->has_rule : figure->has_exact, is_rule ? figure->rule : figure->exact);
    }

  g_test_message ("%u of %u", n_compared, fixture->figures->len);
  g_assert_cmpuint (n_compared, >=, 150);
}

static void
test_known_formulas_are_computed_as_they_are_written (Fixture       *fixture,
                                                      gconstpointer  data)
{
  compare_all (fixture, "rule");
}

static void
test_known_examples_are_computed_as_they_should_be (Fixture       *fixture,
                                                    gconstpointer  data)
{
  compare_all (fixture, "exact");
}

/* A figure that is not computed has to say why. */
static void
test_no_figure_is_dropped_in_silence (Fixture       *fixture,
                                      gconstpointer  data)
{
  g_assert_cmpuint (json_array_get_length (fixture->cases), ==, N_FIGURES);
  for (guint i = 0; i < json_array_get_length (fixture->cases); i++)
    {
      JsonObject *test = json_array_get_object_element (fixture->cases, i);

      g_assert_true (json_object_has_member (test, "rule") || json_object_has_member (test, "exact") ||
                     json_object_has_member (test, "not-yet") || json_object_has_member (test, "no-value"));
    }
}

/* What is printed and not so has a reason, and each reason a sentence. */
static void
test_every_difference_has_a_reason (Fixture       *fixture,
                                    gconstpointer  data)
{
  guint n_differences = 0;

  for (guint i = 0; i < fixture->figures->len; i++)
    {
      const HrArticleFigure *figure = g_ptr_array_index (fixture->figures, i);
      g_autofree char *reasons = hr_article_figure_dup_reasons (figure);

      for (guint j = 0; figure->reasons[j] != NULL; j++)
        g_assert_nonnull (hr_article_reason_get_text (figure->reasons[j]));

      if (figure->article == NULL || !figure->has_rule || !figure->has_exact || figure->rule == figure->exact)
        continue;

      g_test_message ("%s: %s", figure->id, reasons);
      g_assert_nonnull (reasons);
      n_differences++;
    }

  g_assert_cmpuint (n_differences, >, 25);
}

static void
test_every_example_opens_as_a_job_that_can_be_estimated (Fixture       *fixture,
                                                         gconstpointer  data)
{
  const HrArticleExample *last = NULL;
  guint n_examples = 0;

  for (guint i = 0; i < fixture->figures->len; i++)
    {
      const HrArticleExample *example = hr_article_find_example (g_ptr_array_index (fixture->figures, i));
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = NULL;
      g_autoptr (HrJob) job = NULL;
      g_autoptr (HrEstimate) estimate = NULL;

      if (example == NULL || example == last)
        continue;

      last = example;
      model = hr_model_new_from_id (example->model, &error);
      g_assert_no_error (error);
      job = hr_article_example_create_job (example, &error);
      g_assert_no_error (error);
      estimate = hr_estimator_run (model, job, NULL, 1, &error);
      g_assert_no_error (error);
      g_test_message ("%s: %.2f GB", example->title, hr_estimate_get_total_bytes (estimate) / 1e9);
      n_examples++;
    }

  g_assert_cmpuint (n_examples, >=, 15);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) g_test_add ("/oracle/articles/" name, Fixture, NULL, set_up, function, tear_down)

  ADD ("known formulas are computed as they are written", test_known_formulas_are_computed_as_they_are_written);
  ADD ("known examples are computed as they should be", test_known_examples_are_computed_as_they_should_be);
  ADD ("no figure is dropped in silence", test_no_figure_is_dropped_in_silence);
  ADD ("every difference has a reason", test_every_difference_has_a_reason);
  ADD ("every example opens as a job that can be estimated", test_every_example_opens_as_a_job_that_can_be_estimated);

#undef ADD

  return g_test_run ();
}
