/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-gpu-catalogue.h"
#include "hr-least-gpus.h"
#include "hr-planner.h"
#include "hr-training-job.h"

/*
 * How long it takes to look at all layouts of a large model on 2,048 GPUs: every tensor-, pipeline- (with its parts),
 * context-, expert- and data-parallel degree, stage of ZeRO, way of checkpointing and micro-batch whose settings go
 * together. The figure is the best of several rounds on all cores.
 */

#define ROUNDS 5
#define N_GPUS 2048
#define N_SEQUENCES 2048
#define MAX_MILLISECONDS 1000.0

static double
measure (HrModel         *model,
         HrJob           *job,
         const HrCluster *cluster,
         guint64         *n_layouts,
         guint64         *n_fitting)
{
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrPlanner) planner = hr_planner_new (model, job, cluster, N_SEQUENCES, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (hr_planner_run (planner, NULL));
  *n_layouts = hr_planner_get_n_layouts (planner);
  *n_fitting = hr_planner_get_n_fitting (planner);

  return (g_get_monotonic_time () - start) / 1e3;
}

static void
bench (const char *name,
       guint64     tokens,
       gsize       least)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (name, &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_TRAINING);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", NULL);
  const HrCluster cluster = { gpu, N_GPUS, 8, G_GUINT64_CONSTANT (50000000000) };
  double best = G_MAXDOUBLE;
  guint64 n_layouts = 0, n_fitting = 0;

  g_assert_no_error (error);
  g_object_set (job, "sequence-length", tokens, NULL);
  for (guint i = 0; i < ROUNDS; i++)
    best = MIN (best, measure (model, job, &cluster, &n_layouts, &n_fitting));

  g_test_minimized_result (best, "%s: %" G_GUINT64_FORMAT " layouts, of which %" G_GUINT64_FORMAT " fit: %.0f ms", name,
                           n_layouts, n_fitting, best);
  g_assert_cmpuint (n_layouts, >, least);
  g_assert_cmpfloat (best, <, MAX_MILLISECONDS);
}

static void
bench_dense (void)
{
  bench ("meta-llama/Meta-Llama-3.1-405B", 8192, 10000);
}

static void
bench_experts (void)
{
  bench ("deepseek-ai/DeepSeek-V3", 4096, 10000);
}

static void
bench_least (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("deepseek-ai/DeepSeek-V3", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_TRAINING);
  g_autoptr (GPtrArray) gpus = g_ptr_array_new_with_free_func (g_object_unref);
  GListModel *all = hr_gpu_catalogue_get_default ();
  double best = G_MAXDOUBLE;
  guint n = 0;

  g_assert_no_error (error);
  for (guint i = 0; i < g_list_model_get_n_items (all); i++)
    g_ptr_array_add (gpus, g_list_model_get_item (all, i));
  for (guint i = 0; i < ROUNDS; i++)
    {
      gint64 start = g_get_monotonic_time ();
      g_autoptr (GArray) found = hr_least_gpus_list (model, job, gpus, N_SEQUENCES, N_GPUS, NULL, NULL, &error);

      g_assert_no_error (error);
      n = found->len;
      best = MIN (best, (g_get_monotonic_time () - start) / 1e3);
    }

  g_test_minimized_result (best, "the fewest GPUs of %u kinds: %.0f ms", n, best);
  g_assert_cmpfloat (best, <, MAX_MILLISECONDS);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/bench/plan/all_layouts_of_a_dense_model_on_2048_gpus", bench_dense);
  g_test_add_func ("/bench/plan/all_layouts_of_experts_on_2048_gpus", bench_experts);
  g_test_add_func ("/bench/plan/the_fewest_gpus_of_each_kind", bench_least);

  return g_test_run ();
}
