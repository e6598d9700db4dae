/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What TensorRT-LLM takes when it starts, term by term, against what it wrote into its log: the weights, what prompts
 * of the trial run make, what a token takes in the cache, and the tokens that the logged memory has room for.
 */

#include <math.h>

#include "hr-inference-job.h"
#include "hr-serving-run.h"
#include "hr-serving-weights.h"
#include "hr-trtllm-plan.h"

#include "oracle.h"

#define GIB (1024.0 * 1024 * 1024)

/* Logs have two digits of a GiB behind the point. */
#define ROUNDED 0.0051

#define MAX_WEIGHT_PERCENT 1.0
#define MAX_RUN_GIBIBYTES 0.5

typedef struct
{
  GArray *weights;
  GArray *run;
  GArray *tokens;
  guint n_token_bytes;
} Table;

static void
compare_weights (JsonObject        *row,
                 const HrBlockPlan *plan,
                 Table             *table)
{
  HrWeights weights;
  double found = hr_serving_weights_get_bytes (&plan->layers, &weights) / GIB;
  double expected;

  if (!oracle_get_figure (row, "weights", &expected))
    return;

  oracle_note_figure (row, "weights", found, expected);
  oracle_errors_add (table->weights, 100 * (found - expected) / expected);
}

/* What a token takes, exactly: the logged size is no further from as many of them than it was rounded. */
static void
compare_cache (JsonObject        *row,
               const HrBlockPlan *plan,
               double             tokens,
               Table             *table)
{
  double token = (double) plan->block_bytes / plan->layers.block_size;
  double cache, bytes;

  if (oracle_get_figure (row, "token-bytes", &bytes))
    g_assert_cmpfloat (token, ==, bytes);
  if (!oracle_get_figure (row, "cache", &cache))
    return;

  oracle_note_figure (row, "cache, GiB", tokens * token / GIB, cache);
  g_assert_cmpfloat (fabs (tokens * token / GIB - cache), <=, ROUNDED);
  table->n_token_bytes++;
}

/* The tokens that what was available has room for; off by more than what the log has rounded is an error, in blocks. */
static void
compare_tokens (JsonObject        *row,
                const HrBlockPlan *plan,
                double             tokens,
                Table             *table)
{
  double block = plan->layers.block_size;
  double budget, found, rounded;

  if (!oracle_get_figure (row, "budget", &budget))
    return;

  found = hr_block_plan_count_tokens (plan, budget * GIB);
  rounded = 2 * ROUNDED * plan->fraction * GIB / plan->block_bytes;
  oracle_note_figure (row, "tokens", found, tokens);
  oracle_errors_add (table->tokens, MAX (fabs (found - tokens) / block - rounded, 0));
}

/* What the trial run makes beside the weights. */
static void
compare_run (JsonObject        *row,
             const HrBlockPlan *plan,
             Table             *table)
{
  g_auto (HrReplay) replay;
  HrServingPlan layers = plan->layers;
  double expected;

  if (!oracle_get_figure (row, "run", &expected))
    return;

  hr_inference_plan_init_replay (layers.pass, &replay);
  layers.max_num_seqs = plan->run_requests;
  hr_serving_run_replay (&layers, &replay);
  oracle_errors_add (table->run, oracle_note_figure (row, "trial run, GiB", replay.peak.level.total / GIB, expected));
}

static void
test_row (JsonObject *row,
          Table      *table)
{
  const char *name = json_object_get_string_member (row, "model");
  g_autoptr (HrModel) model = oracle_load_model_of (row, name);
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_INFERENCE, json_object_get_object_member (row, "settings"));
  g_auto (HrInferencePlan) pass = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) part = NULL;
  g_autoptr (GArray) ranks = NULL;
  HrServingLayout layout;
  HrBlockPlan plan;
  double tokens;

  g_object_set (job, "engine", HR_ENGINE_TENSORRT_LLM, NULL);
  hr_serving_layout_init (&layout, job, 1, &error);
  g_assert_no_error (error);
  ranks = hr_serving_layout_list_ranks (&layout, model);
  if (layout.n_ranks > 1)
    part = hr_serving_layout_divide_model (&layout, model, &g_array_index (ranks, HrServingRank, 0), &error);
  g_assert_no_error (error);
  hr_inference_plan_init_pass (&pass, part != NULL ? part : model, job, &error);
  g_assert_no_error (error);
  hr_trtllm_plan_init (&plan, &pass, model, HR_INFERENCE_JOB (job), NULL, &layout, &error);
  g_assert_no_error (error);
  if (part != NULL)
    hr_serving_plan_set_rank (&plan.layers, &layout, &g_array_index (ranks, HrServingRank, 0));

  compare_weights (row, &plan, table);
  compare_run (row, &plan, table);
  if (!oracle_get_figure (row, "tokens", &tokens))
    return;

  compare_cache (row, &plan, tokens, table);
  compare_tokens (row, &plan, tokens, table);
}

static void
test_what_tensorrt_llm_takes_is_what_it_logs (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("trtllm-logs.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) weights = oracle_errors_new ();
  g_autoptr (GArray) run = oracle_errors_new ();
  g_autoptr (GArray) tokens = oracle_errors_new ();
  Table table = { weights, run, tokens };

  for (guint i = 0; i < json_array_get_length (cases); i++)
    test_row (json_array_get_object_element (cases, i), &table);

  g_print ("# %u starts; what a token takes is exact in %u\n", json_array_get_length (cases), table.n_token_bytes);
  g_assert_cmpuint (json_array_get_length (cases), >=, 9);
  g_assert_cmpuint (table.n_token_bytes, >=, 8);
  oracle_errors_judge (weights, "weights, percent", MAX_WEIGHT_PERCENT, MAX_WEIGHT_PERCENT);
  oracle_errors_judge (run, "trial run, GiB", MAX_RUN_GIBIBYTES, MAX_RUN_GIBIBYTES);
  oracle_errors_judge (tokens, "tokens of the logged memory, blocks beyond rounding", 1, 1);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/what_tensorrt_llm_takes_is_what_it_logs", test_what_tensorrt_llm_takes_is_what_it_logs);

  return g_test_run ();
}
