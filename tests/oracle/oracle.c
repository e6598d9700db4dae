/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What the tests of this folder share: how a file of cases is read, what its models and settings are, and how the
 * errors of all cases are judged.
 */

#include "oracle.h"

#include <math.h>

#include "hr-estimator.h"

JsonNode *
oracle_load_file (const char *name)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "oracle", name, NULL);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);

  return json_parser_steal_root (parser);
}

HrModel *
oracle_parse_model (JsonNode    *config,
                    const char  *name,
                    GError     **error)
{
  g_autofree char *text = json_to_string (config, FALSE);

  return hr_model_new_from_data (text, -1, name, error);
}

/* The model of that name among the "models" of a file. */
HrModel *
oracle_load_model (JsonNode   *root,
                   const char *name)
{
  JsonObject *models = json_object_get_object_member (json_node_get_object (root), "models");
  g_autoptr (GError) error = NULL;
  HrModel *model = oracle_parse_model (json_object_get_member (models, name), name, &error);

  g_assert_no_error (error);

  return model;
}

/* The model of a row with a "config" of its own, or the one of that name in the catalogue. */
HrModel *
oracle_load_model_of (JsonObject *row,
                      const char *name)
{
  g_autoptr (GError) error = NULL;
  HrModel *model;

  if (json_object_has_member (row, "config"))
    model = oracle_parse_model (json_object_get_member (row, "config"), name, &error);
  else
    model = hr_model_new_from_id (name, &error);
  g_assert_no_error (error);

  return model;
}

/* Each setting is given as on the command line. */
HrJob *
oracle_make_job (HrMode      mode,
                 JsonObject *settings)
{
  HrJob *job = hr_job_new (mode);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, settings);
  while (json_object_iter_next (&iter, &name, &value))
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = json_node_get_value_type (value) == G_TYPE_STRING ? json_node_dup_string (value)
                                                                                : json_to_string (value, FALSE);

      hr_job_set_from_string (job, name, text, &error);
      g_assert_no_error (error);
    }

  return job;
}

int
oracle_get_enum (JsonObject *object,
                 const char *key,
                 GType       type)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  const GEnumValue *value = g_enum_get_value_by_nick (klass, json_object_get_string_member (object, key));

  g_assert_nonnull (value);

  return value->value;
}

HrQuantization
oracle_get_quantization (const char *name)
{
  for (HrQuantization i = HR_QUANTIZATION_NONE; i < HR_N_QUANTIZATIONS; i++)
    {
      if (g_str_equal (hr_quantization_get_name (i), name))
        return i;
    }

  g_assert_not_reached ();
}

/* How much more than what is right was found, in percent of it. */
double
oracle_get_percent (guint64 found,
                    gint64  expected)
{
  return 100.0 * ((double) found - expected) / expected;
}

/* A figure that a row may have. */
gboolean
oracle_get_figure (JsonObject *row,
                   const char *key,
                   double     *figure)
{
  if (!json_object_has_member (row, key))
    return FALSE;

  *figure = json_object_get_double_member (row, key);

  return TRUE;
}

/* Prints what was found of a row's model beside what was expected, and returns how far it is off. */
double
oracle_note_figure (JsonObject *row,
                    const char *term,
                    double      found,
                    double      expected)
{
  g_print ("# %-44.44s %-12s %12.4f %12.4f  %+.4f\n", json_object_get_string_member (row, "model"), term, found,
           expected, found - expected);

  return found - expected;
}

GArray *
oracle_errors_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (double));
}

/* What is too little counts as much as what is too large. */
void
oracle_errors_add (GArray *errors,
                   double  percent)
{
  percent = fabs (percent);
  g_array_append_val (errors, percent);
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  const double *left = a, *right = b;

  return (*left > *right) - (*left < *right);
}

/* Sorts the errors, and fails where they are larger than they may be. Of two in the middle the larger is the median. */
void
oracle_errors_judge (GArray     *errors,
                     const char *what,
                     double      max_median,
                     double      max_worst)
{
  double median, worst;

  g_assert_cmpuint (errors->len, >, 0);
  g_array_sort (errors, compare_doubles);
  median = g_array_index (errors, double, errors->len / 2);
  worst = g_array_index (errors, double, errors->len - 1);
  g_test_message ("%s: %u cases: median error %.5f %%, worst %.5f %%", what, errors->len, median, worst);
  g_assert_cmpfloat (median, <, max_median);
  g_assert_cmpfloat (worst, <, max_worst);
}

/* Settings that name a model have the name of one of the file's. */
static void
give_models (JsonNode *root,
             HrJob    *job)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *name = hr_job_get_as_string (job, settings[i]->name);
      g_autoptr (HrModel) model = NULL;

      if (!hr_job_setting_is_model (settings[i]) ||
          g_str_equal (name, G_PARAM_SPEC_STRING (settings[i])->default_value))
        continue;

      model = oracle_load_model (root, name);
      hr_job_set_model (job, settings[i]->name, name, model);
    }
}

/* The whole way from settings to bytes: the peak, its phase, what is trained. Returns by how many percent it is off. */
double
oracle_compare_peak (HrMode      mode,
                     JsonNode   *root,
                     JsonObject *test)
{
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (mode, json_object_get_object_member (test, "settings"));
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;
  gint64 right = json_object_get_int_member (test, "total");
  guint64 found;

  give_models (root, job);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  found = hr_estimate_get_allocated_bytes (estimate);
  g_test_message ("%-70s %12" G_GUINT64_FORMAT " %12" G_GINT64_FORMAT " %+9.4f %%",
                  json_object_get_string_member (test, "id"), found, right, oracle_get_percent (found, right));
  g_assert_cmpstr (hr_phase_id_get_name (hr_estimate_get_peak_phase (estimate)), ==,
                   json_object_get_string_member (test, "phase"));
  g_assert_cmpuint (hr_estimate_get_n_trainable_parameters (estimate), ==,
                    json_object_get_int_member (test, "trainable"));

  return oracle_get_percent (found, right);
}

/* Runs every case of a file, and fails where they are further off than they may be. */
void
oracle_judge_cases (const char *name,
                    OracleRun   run,
                    double      max_median,
                    double      max_worst)
{
  g_autoptr (JsonNode) root = oracle_load_file (name);
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) errors = oracle_errors_new ();

  for (guint i = 0; i < json_array_get_length (cases); i++)
    oracle_errors_add (errors, run (root, json_array_get_object_element (cases, i)));

  oracle_errors_judge (errors, "total", max_median, max_worst);
}
