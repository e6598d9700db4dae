/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-advice.h"
#include "hr-estimator.h"
#include "hr-fine-tuning-job.h"

/*
 * How long it takes to look for advice on all settings of a job, with what is reserved after each change that is worth
 * it: the time that a person waits, in the best of several rounds, on as many cores as there are.
 */

#define ROUNDS 40
#define MAX_MILLISECONDS 10.0

static const char config[] =
    "{ \"model_type\": \"qwen2\", \"vocab_size\": 152064, \"hidden_size\": 3584, \"intermediate_size\": 18944,"
    "  \"num_hidden_layers\": 28, \"num_attention_heads\": 28, \"num_key_value_heads\": 4,"
    "  \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\" }";

static double
measure (HrModel *model,
         HrJob   *job)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_autoptr (GPtrArray) advice = NULL;
  gint64 start;

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_total_bytes (estimate), >, 0);
  start = g_get_monotonic_time ();
  advice = hr_advice_list (estimate, job, NULL, 1);
  g_assert_cmpuint (advice->len, >, 3);

  return (g_get_monotonic_time () - start) / 1e3;
}

static void
bench (gconstpointer data)
{
  HrMode mode = GPOINTER_TO_INT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "7B", &error);
  g_autoptr (HrJob) job = hr_job_new (mode);
  double best = G_MAXDOUBLE;

  g_assert_no_error (error);
  if (mode == HR_MODE_FINE_TUNING)
    g_object_set (job, "fine-tuning-method", HR_FINE_TUNING_METHOD_LORA, NULL);
  for (guint i = 0; i < ROUNDS; i++)
    best = MIN (best, measure (model, job));

  g_test_minimized_result (best, "advice on %s of 7B on %u cores: %.1f ms", hr_mode_get_name (mode),
                           g_get_num_processors (), best);
  g_assert_cmpfloat (best, <, MAX_MILLISECONDS);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/bench/advice/inference", GINT_TO_POINTER (HR_MODE_INFERENCE), bench);
  g_test_add_data_func ("/bench/advice/training", GINT_TO_POINTER (HR_MODE_TRAINING), bench);
  g_test_add_data_func ("/bench/advice/adapters", GINT_TO_POINTER (HR_MODE_FINE_TUNING), bench);

  return g_test_run ();
}
