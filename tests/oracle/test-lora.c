/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Every case of lora.json: the parameters that PEFT trains for a model of the catalogue, a rank and targets, exactly.
 */

#include <glib.h>

#include "hr-adapter.h"
#include "hr-estimator.h"
#include "hr-fine-tuning-job.h"
#include "hr-model.h"

static guint64
get_number (HrJson     *object,
            const char *key)
{
  g_autoptr (GError) error = NULL;
  guint64 value = 0;

  hr_json_get_uint (object, key, 0, G_MAXINT64, &value, &error);
  g_assert_no_error (error);

  return value;
}

static const char *
get_text (HrJson     *object,
          const char *key)
{
  g_autoptr (GError) error = NULL;
  const char *text = NULL;

  hr_json_get_string (object, key, &text, &error);
  g_assert_no_error (error);

  return text;
}

/* The adapter's config: whole, or its rank and targets alone. */
static char *
dup_config (HrJson *test)
{
  HrJson *adapter = hr_json_get_member (test, "adapter");
  HrJson *targets = hr_json_get_member (test, "targets");
  g_autofree char *text = NULL;

  if (adapter != NULL)
    {
      text = hr_json_dup_text (adapter);

      return g_strconcat ("{\"peft_type\": \"LORA\", ", text + 1, NULL);
    }

  if (hr_json_get_node_type (targets) == HR_JSON_ARRAY)
    text = hr_json_dup_text (targets);
  else
    {
      g_autofree char *escaped = g_strescape (get_text (test, "targets"), NULL);

      text = g_strdup_printf ("\"%s\"", escaped);
    }

  return g_strdup_printf ("{\"peft_type\": \"LORA\", \"r\": %u, \"target_modules\": %s}",
                          (guint) get_number (test, "rank"), text);
}

/* Returns whether the count is PEFT's; a config that PEFT refuses has none. */
static gboolean
check (HrJson *test)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (get_text (test, "id"), &error);
  g_autofree char *text = dup_config (test);
  g_autoptr (HrJson) config = NULL;
  g_autoptr (HrAdapter) adapter = NULL;
  guint64 n_parameters = 0;
  guint n_modules = 0;
  gboolean is_exact;

  g_assert_no_error (error);
  config = hr_json_new_from_data (text, -1, "adapter_config.json", HR_JSON_STRICT, &error);
  g_assert_no_error (error);
  adapter = hr_adapter_new_from_json (config, &error);
  if (adapter != NULL)
    hr_adapter_count_parameters (adapter, model, &n_parameters, &n_modules, &error);

  if (hr_json_get_member (test, "refused") != NULL)
    is_exact = error != NULL;
  else
    is_exact = error == NULL && n_parameters == get_number (test, "parameters") &&
               (hr_json_get_member (test, "modules") == NULL || n_modules == get_number (test, "modules"));
  if (!is_exact)
    g_test_message ("%s, %s: expected %" G_GUINT64_FORMAT " in %u modules, found %" G_GUINT64_FORMAT " in %u%s%s",
                    get_text (test, "id"), text, get_number (test, "parameters"),
                    (guint) get_number (test, "modules"), n_parameters, n_modules, error != NULL ? ": " : "",
                    error != NULL ? error->message : "");

  return is_exact;
}

/* Whether all of a list of the file are as they should be. */
static void
check_all (const char *list,
           gboolean  (*check_one) (HrJson *test))
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "oracle", "lora.json", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) root = hr_json_new_from_file (file, HR_JSON_STRICT, &error);
  guint n_exact = 0;
  HrJson *cases;

  g_assert_no_error (error);
  cases = hr_json_get_member (root, list);
  g_assert_cmpuint (hr_json_get_length (cases), >, 0);

  for (guint i = 0; i < hr_json_get_length (cases); i++)
    n_exact += check_one (hr_json_get_element (cases, i));
  g_test_message ("%u of %u counts exact", n_exact, hr_json_get_length (cases));
  g_assert_cmpuint (n_exact, ==, hr_json_get_length (cases));
}

static void
test_every_count_of_peft_is_exact (void)
{
  check_all ("cases", check);
}

/*
 * What is trained where the targets are left to PEFT, or to Headroom where PEFT has none, which are those of @names,
 * and where all linear layers are meant, experts that are one parameter among them.
 */
static gboolean
check_estimate (HrJson *test)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (get_text (test, "id"), &error);
  g_autoptr (HrFineTuningJob) job = hr_fine_tuning_job_new ();
  g_autoptr (HrEstimate) estimate = NULL;
  guint64 n_trained;

  g_assert_no_error (error);
  g_object_set (job, "fine-tuning-method", HR_FINE_TUNING_METHOD_LORA, "lora-rank", get_number (test, "rank"),
                "lora-targets", get_text (test, "lora-targets"), NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);
  n_trained = hr_estimate_get_n_trainable_parameters (estimate);
  g_test_message ("%s, %s: expected %" G_GUINT64_FORMAT ", found %" G_GUINT64_FORMAT, get_text (test, "id"),
                  get_text (test, "lora-targets"), get_number (test, "parameters"), n_trained);

  return n_trained == get_number (test, "parameters");
}

static void
test_mixtures_are_trained_as_peft_trains_them (void)
{
  check_all ("estimates", check_estimate);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/every_count_of_peft_is_exact", test_every_count_of_peft_is_exact);

  g_test_add_func ("/oracle/adapters_of_mixtures_are_those_of_peft_whether_targets_are_named_or_not",
                   test_mixtures_are_trained_as_peft_trains_them);

  return g_test_run ();
}
