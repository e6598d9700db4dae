/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <time.h>

#include "hr-estimator.h"
#include "hr-inference-job.h"

/*
 * How long an estimate of a loaded model takes: with its components, their formulas, and the rule of thumb beside it.
 * The figure is the processor's time in the best of several rounds, which is what the code needs; the rest is what
 * other programs make of the machine.
 */

#define ROUNDS 100
#define ESTIMATES 50
#define MAX_MICROSECONDS 50.0

static const char config[] =
    "{ \"model_type\": \"llama\", \"vocab_size\": 128256, \"hidden_size\": 8192, \"intermediate_size\": 28672,"
    "  \"num_hidden_layers\": 80, \"num_attention_heads\": 64, \"num_key_value_heads\": 8, \"head_dim\": 128,"
    "  \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\" }";

static double
get_microseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);

  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static double
measure_round (HrModel *model,
               HrJob   *job)
{
  double start = get_microseconds ();

  for (guint i = 0; i < ESTIMATES; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);

      g_assert_no_error (error);
      g_assert_nonnull (estimate);
    }

  return (get_microseconds () - start) / ESTIMATES;
}

static void
bench_eighty_layers (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "70B", &error);
  g_autoptr (HrJob) job = HR_JOB (hr_inference_job_new ());
  double best = G_MAXDOUBLE;

  g_assert_no_error (error);
  g_object_set (job, "batch-size", G_GUINT64_CONSTANT (4), "prompt-length", G_GUINT64_CONSTANT (8192),
                "output-length", G_GUINT64_CONSTANT (512), NULL);

  for (guint i = 0; i < ROUNDS; i++)
    best = MIN (best, measure_round (model, job));

  g_test_message ("estimate of 80 layers: %.1f µs", best);
  g_test_minimized_result (best, "estimate of 80 layers: %.1f µs", best);
  g_assert_cmpfloat (best, <, MAX_MICROSECONDS);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bench/an_estimate_of_eighty_layers_is_instant", bench_eighty_layers);

  return g_test_run ();
}
