/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What LMDeploy takes when it starts, against what it wrote into its log: what a block takes, exactly, and what is gone
 * of the memory beside the share of the cache, where the log is of a known GPU.
 */

#include <math.h>

#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-lmdeploy-plan.h"
#include "hr-serving-weights.h"

#include "oracle.h"

#define GIB (1024.0 * 1024 * 1024)
#define MIB (1024.0 * 1024)

/* What is free follows from the blocks: as much as one more would have taken of it is not known. */
static void
compare_taken (JsonObject        *row,
               const HrBlockPlan *plan,
               double             blocks)
{
  HrWeights weights;
  double found = plan->before.median_bytes + plan->fixed_bytes +
                 (double) hr_serving_weights_get_bytes (&plan->layers, &weights);
  double expected = plan->layers.memory - blocks * plan->block_bytes / plan->fraction;

  if (plan->layers.memory == 0)
    return;

  oracle_note_figure (row, "taken beside the share, GiB", found / GIB, expected / GIB);
  g_assert_true (json_object_has_member (row, "unexplained"));
  g_print ("# unexplained: %s\n", json_object_get_string_member (row, "unexplained"));
  g_assert_cmpfloat (expected, >, found);
}

static void
test_row (JsonObject *row)
{
  const char *name = json_object_get_string_member (row, "model");
  const char *gpu_id = json_object_has_member (row, "gpu") ? json_object_get_string_member (row, "gpu") : NULL;
  g_autoptr (HrModel) model = oracle_load_model_of (row, name);
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_INFERENCE, json_object_get_object_member (row, "settings"));
  g_autoptr (HrGpu) gpu = gpu_id != NULL ? hr_gpu_catalogue_lookup (gpu_id, NULL) : NULL;
  g_auto (HrInferencePlan) pass = { 0 };
  g_autoptr (GError) error = NULL;
  HrServingLayout layout;
  HrBlockPlan plan;
  double block, blocks;

  g_assert_true (gpu_id == NULL || gpu != NULL);
  g_object_set (job, "engine", HR_ENGINE_LMDEPLOY, NULL);
  hr_serving_layout_init (&layout, job, 1, &error);
  g_assert_no_error (error);
  hr_inference_plan_init_pass (&pass, model, job, &error);
  g_assert_no_error (error);
  hr_lmdeploy_plan_init (&plan, &pass, model, HR_INFERENCE_JOB (job), gpu, &layout, &error);
  g_assert_no_error (error);

  g_assert_true (oracle_get_figure (row, "block", &block) && oracle_get_figure (row, "blocks", &blocks));
  oracle_note_figure (row, "a block, MiB", plan.block_bytes / MIB, block);
  g_assert_cmpfloat (plan.block_bytes / MIB, ==, block);
  compare_taken (row, &plan, blocks);
}

static void
test_blocks_of_lmdeploy_are_what_it_logs (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("lmdeploy-logs.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");

  for (guint i = 0; i < json_array_get_length (cases); i++)
    test_row (json_array_get_object_element (cases, i));
  g_print ("# %u starts\n", json_array_get_length (cases));
  g_assert_cmpuint (json_array_get_length (cases), >=, 3);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/blocks_of_lmdeploy_are_what_it_logs", test_blocks_of_lmdeploy_are_what_it_logs);

  return g_test_run ();
}
