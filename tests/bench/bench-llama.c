/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"

/*
 * How long llama.cpp's own fit takes beside an estimate of the layers as they are: with a model of which nothing is
 * known, and once more, when all placements that the fit tries have been measured before. Models of the catalogue stay
 * in it, so that a fit is the first only once; other times are those of the best of several rounds. What is told are
 * ratios, which do not depend on the machine.
 */

#define ROUNDS 5
#define GPU "GeForce RTX 4090"

typedef struct
{
  const char *model;
  const char *quantization;
  guint n_gpus;
} Case;

static const Case cases[] = {
  { "Qwen/Qwen3-235B-A22B", "q4_k_m", 1 },     { "Qwen/Qwen3-235B-A22B", "q4_k_m", 4 },
  { "openai/gpt-oss-120b", "mxfp4_moe", 1 },   { "openai/gpt-oss-120b", "mxfp4_moe", 4 },
  { "deepseek-ai/DeepSeek-R1", "q4_k_m", 1 },  { "deepseek-ai/DeepSeek-R1", "q4_k_m", 4 },
  { "zai-org/GLM-4.5-Air", "q4_k_m", 1 },      { "moonshotai/Kimi-K2-Instruct", "q4_k_m", 1 },
};

static gint64
measure (HrModel    *model,
         const Case *one,
         gboolean    is_fitted)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (GPU, &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrEstimate) estimate = NULL;
  gint64 start;

  g_assert_no_error (error);
  g_object_set (job, "engine", HR_ENGINE_LLAMA_CPP, "fit", is_fitted, NULL);
  g_assert_true (hr_job_set_from_string (job, "quantization", one->quantization, NULL));

  start = g_get_monotonic_time ();
  estimate = hr_estimator_run_for_sizes (model, job, gpu, one->n_gpus, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_total_bytes (estimate), >, 0);

  return MAX (g_get_monotonic_time () - start, 1);
}

static HrModel *
create_model (const Case *one)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_id (one->model, &error);

  g_assert_no_error (error);

  return model;
}

static void
bench (gconstpointer data)
{
  const Case *one = data;
  g_autoptr (HrModel) model = create_model (one);
  gint64 first = measure (model, one, TRUE), plain = G_MAXINT64, again = G_MAXINT64;

  for (guint i = 0; i < ROUNDS; i++)
    {
      plain = MIN (plain, measure (model, one, FALSE));
      again = MIN (again, measure (model, one, TRUE));
    }

  g_test_minimized_result (first / (double) plain,
                           "a fit of %s to %u GPUs takes as long as %.1f estimates without one, and once more as %.1f",
                           one->model, one->n_gpus, first / (double) plain, again / (double) plain);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/bench/llama/%s/%u", cases[i].model, cases[i].n_gpus);

      g_test_add_data_func (path, &cases[i], bench);
    }

  return g_test_run ();
}
