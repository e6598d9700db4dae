/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <time.h>

#include "hr-fine-tuning-job.h"
#include "hr-inference-job.h"
#include "hr-sweep.h"

/*
 * How long a sweep of 200 points takes: until there is a line to look at, and until every point is what an estimate at
 * its value says. The figure is the processor's time in the best of several rounds.
 */

#define ROUNDS 20
#define ROUNDS_TO_THE_END 3
#define N_VALUES 200
#define MAX_MILLISECONDS 15.0
#define MAX_MILLISECONDS_OF_TRAINING 30.0
#define MAX_MILLISECONDS_TO_THE_END 3000.0

static const char config[] =
    "{ \"model_type\": \"llama\", \"vocab_size\": 128256, \"hidden_size\": 4096, \"intermediate_size\": 14336,"
    "  \"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, \"head_dim\": 128,"
    "  \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\" }";

static double
get_milliseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);

  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double
measure (HrModel    *model,
         HrJob      *job,
         const char *setting,
         gboolean    to_the_end)
{
  double values[N_VALUES];
  g_autoptr (HrSweep) sweep = NULL;
  double start;

  for (guint i = 0; i < N_VALUES; i++)
    values[i] = 256 * (i + 1);

  start = get_milliseconds ();
  sweep = hr_sweep_new (setting, values, N_VALUES);
  hr_sweep_add_line (sweep, "one", model, job, NULL, 1);
  while ((to_the_end || !hr_sweep_has_all_least (sweep)) && hr_sweep_step (sweep))
    continue;
  g_assert_true (hr_sweep_has_all_least (sweep));
  g_assert_cmpint (hr_sweep_is_done (sweep), ==, to_the_end);

  return get_milliseconds () - start;
}

static void
bench (HrMode      mode,
       const char *setting,
       double      limit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "8B", &error);
  g_autoptr (HrJob) job = hr_job_new (mode);
  double best = G_MAXDOUBLE, best_to_the_end = G_MAXDOUBLE;

  g_assert_no_error (error);
  for (guint i = 0; i < ROUNDS; i++)
    best = MIN (best, measure (model, job, setting, FALSE));
  for (guint i = 0; i < ROUNDS_TO_THE_END; i++)
    best_to_the_end = MIN (best_to_the_end, measure (model, job, setting, TRUE));

  g_test_minimized_result (best, "a line of %d points: %.1f ms", N_VALUES, best);
  g_test_minimized_result (best_to_the_end, "with what is reserved at each: %.1f ms", best_to_the_end);
  g_assert_cmpfloat (best, <, limit);
  g_assert_cmpfloat (best_to_the_end, <, MAX_MILLISECONDS_TO_THE_END);
}

static void
bench_inference (void)
{
  bench (HR_MODE_INFERENCE, "prompt-length", MAX_MILLISECONDS);
}

static void
bench_training (void)
{
  bench (HR_MODE_TRAINING, "sequence-length", MAX_MILLISECONDS_OF_TRAINING);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/bench/sweep/two_hundred_lengths_of_prompts", bench_inference);
  g_test_add_func ("/bench/sweep/two_hundred_lengths_of_sequences", bench_training);

  return g_test_run ();
}
