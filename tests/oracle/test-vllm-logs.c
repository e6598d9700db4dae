/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What vLLM takes when it starts, term by term, against what it wrote into its log: the weights, the peak of its trial
 * run, the blocks of the cache that a budget has room for; and how far what is measured alone (what is beside the
 * allocator, CUDA graphs) goes apart.
 */

#include <math.h>

#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-job-adapt.h"
#include "hr-serving-run.h"
#include "hr-serving-weights.h"
#include "hr-vllm-cache.h"
#include "hr-vllm-plan.h"
#include "hr-vllm-profile.h"

#include "oracle.h"

#define GIB (1024.0 * 1024 * 1024)

/* Logs have two digits of a GiB behind the point. */
#define MAX_ROUNDED 0.0051

#define MAX_WEIGHT_PERCENT 1.0
#define MAX_RUN_GIBIBYTES 0.02
#define MAX_BESIDE_GIBIBYTES 0.6
#define MAX_HELD_OUT_GIBIBYTES 0.4
#define MAX_POOL_GIBIBYTES 0.35

/* Tokens by which a request has to be longer for one more block of the smallest, and what rounding makes of many. */
#define MAX_LONGER 8
#define MAX_TOKENS_APART 0.002

/* What a log says of a start beside weights and cache, and what is replayed of it; negative: it does not say. */
typedef struct
{
  double run;
  double activations;
  double non_torch;
  double graphs;
  const HrServingProfile *profile;
  guint64 n_ranks;
  gboolean has_links;
  guint64 n_graphs;
} Beside;

typedef struct
{
  GArray *weights;
  GArray *run;
  GArray *pool;
  GArray *beside;
  guint n_beside;
  guint n_near;
  guint n_blocks;
  guint n_lengths;
} Table;

/* The newest releases count what products keep of the allocator to what is beside it: it is still there afterwards. */
static double
get_run (const HrServingPlan *plan,
         gboolean             has_workspace_beside)
{
  g_auto (HrReplay) replay;

  hr_inference_plan_init_replay (plan->pass, &replay);
  hr_serving_run_replay (plan, &replay);

  return (replay.peak.level.total + (has_workspace_beside ? 0 : plan->workspace_bytes)) / GIB;
}

/* The blocks that the logged size has room for: as many as were logged, but for what the log has rounded. */
static void
compare_blocks (JsonObject          *row,
                const HrServingPlan *plan,
                double               pool,
                Table               *table)
{
  double block = hr_vllm_cache_get_block_bytes (plan) / GIB;
  double blocks;

  if (!oracle_get_figure (row, "blocks", &blocks))
    return;

  oracle_note_figure (row, "blocks", blocks * block, pool);
  g_assert_cmpfloat (fabs (blocks * block - pool), <=, MAX_ROUNDED + block);
  table->n_blocks++;
}

/*
 * What vLLM says that the longest context needs, which context there would be room for, and how many tokens it writes
 * that the cache has room for: of caches of several kinds of blocks that is what it makes of all of them.
 */
static void
compare_lengths (JsonObject          *row,
                 const HrServingPlan *plan,
                 double               pool,
                 Table               *table)
{
  double needed = hr_vllm_cache_get_needed (plan, plan->max_model_len) / GIB;
  double told = hr_vllm_cache_count_told (plan, plan->max_model_len);
  double expected;

  if (oracle_get_figure (row, "needed", &expected))
    {
      g_assert_cmpfloat (fabs (oracle_note_figure (row, "needed", needed, expected)), <=, MAX_ROUNDED);
      table->n_lengths++;
    }
  if (oracle_get_figure (row, "longest", &expected))
    {
      g_assert_cmpfloat (hr_vllm_cache_get_needed (plan, expected) / GIB, <=, pool + MAX_ROUNDED);
      g_assert_cmpfloat (hr_vllm_cache_get_needed (plan, expected + MAX_LONGER) / GIB, >, pool - MAX_ROUNDED);
      table->n_lengths++;
    }
  if (oracle_get_figure (row, "tokens", &expected))
    {
      double blocks = pool * GIB / hr_vllm_cache_get_block_bytes (plan);
      double found = plan->admission_block_bytes > 0 || plan->profile->tells_requests
                     ? blocks / told * plan->max_model_len : floor (blocks / plan->n_groups) * plan->block_size;

      oracle_note_figure (row, "tokens", found, expected);
      g_assert_cmpfloat (fabs (found / expected - 1), <=, MAX_TOKENS_APART);
      table->n_lengths++;
    }
}

/* All that is neither weights nor cache, of which the log may leave something out. */
static void
compare_beside (JsonObject          *row,
                const HrServingPlan *plan,
                double               run,
                Table               *table)
{
  Beside beside = { run, -1, -1, -1, plan->profile, plan->n_ranks, plan->has_links,
                    hr_vllm_plan_count_graphs (plan) };
  double expected, non_torch, graphs, found = run;

  oracle_get_figure (row, "activations", &beside.activations);
  oracle_get_figure (row, "non-torch", &beside.non_torch);
  oracle_get_figure (row, "graphs", &beside.graphs);
  g_array_append_val (table->beside, beside);

  if (!oracle_get_figure (row, "activations", &expected))
    return;

  if (oracle_get_figure (row, "non-torch", &non_torch))
    {
      expected += non_torch;
      found += hr_vllm_profile_get_beside (plan->profile, plan->n_ranks, plan->has_links)->median_bytes / GIB;
    }
  if (oracle_get_figure (row, "graphs", &graphs))
    {
      expected += graphs;
      found += beside.n_graphs * hr_vllm_profile_get_graphs (plan->profile, plan->n_ranks)->median_bytes / GIB;
    }
  table->n_near += fabs (oracle_note_figure (row, "beside", found, expected)) <= MAX_BESIDE_GIBIBYTES;
  table->n_beside++;
}

static void
compare (JsonObject          *row,
         const HrServingPlan *plan,
         double               share,
         Table               *table)
{
  HrWeights weights;
  double held = hr_serving_weights_get_bytes (plan, &weights) / GIB;
  double run = get_run (plan, json_object_has_member (row, "workspace-beside"));
  double expected, total, pool;

  if (oracle_get_figure (row, "weights", &expected))
    oracle_errors_add (table->weights, oracle_note_figure (row, "weights", held, expected) / expected * 100);
  if (!json_object_has_member (row, "unexplained") && oracle_get_figure (row, "activations", &expected))
    oracle_errors_add (table->run, oracle_note_figure (row, "run", run, expected));
  compare_beside (row, plan, run, table);
  if (!oracle_get_figure (row, "kv-cache", &pool))
    return;

  compare_blocks (row, plan, pool, table);
  compare_lengths (row, plan, pool, table);
  if (oracle_get_figure (row, "total", &total) && oracle_get_figure (row, "weights", &expected))
    oracle_errors_add (table->pool, oracle_note_figure (row, "pool", total * share - held - run -
                                                        plan->profile->non_torch.median_bytes / GIB, pool));
}

static void
test_row (JsonObject *row,
          Table      *table)
{
  const char *name = json_object_get_string_member (row, "model");
  const char *gpu_id = json_object_has_member (row, "gpu") ? json_object_get_string_member (row, "gpu") : NULL;
  g_autoptr (HrModel) model = oracle_load_model_of (row, name);
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_INFERENCE, json_object_get_object_member (row, "settings"));
  g_auto (HrInferencePlan) pass = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = gpu_id != NULL ? hr_gpu_catalogue_lookup (gpu_id, NULL) : NULL;
  g_autoptr (HrModel) part = NULL;
  g_autoptr (GArray) ranks = NULL;
  HrServingLayout layout;
  HrServingPlan plan;

  g_object_set (job, "engine", HR_ENGINE_VLLM, NULL);
  hr_job_adapt (job, model);
  hr_serving_layout_init (&layout, job, 1, &error);
  g_assert_no_error (error);
  ranks = hr_serving_layout_list_ranks (&layout, model);
  if (layout.n_ranks > 1)
    part = hr_serving_layout_divide_model (&layout, model, &g_array_index (ranks, HrServingRank, 0), &error);
  g_assert_no_error (error);
  hr_inference_plan_init_pass (&pass, part != NULL ? part : model, job, &error);
  g_assert_no_error (error);
  hr_vllm_plan_init (&plan, &pass, model, HR_INFERENCE_JOB (job), gpu, &error);
  g_assert_no_error (error);
  if (part != NULL)
    hr_serving_plan_set_rank (&plan, &layout, &g_array_index (ranks, HrServingRank, 0));
  compare (row, &plan, hr_inference_job_get_gpu_memory_utilization (HR_INFERENCE_JOB (job)), table);
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

/* Releases of the engine V0, others, and several ranks, by what joins them. */
static gboolean
is_alike (const Beside *a,
          const Beside *b,
          gboolean      of_graphs)
{
  if ((a->n_ranks > 1) != (b->n_ranks > 1))
    return FALSE;

  if (!of_graphs && a->n_ranks > 1)
    return a->has_links == b->has_links;

  return a->profile->is_eager == b->profile->is_eager;
}

/* The median of what other logs say; negative: none does. */
static double
get_median_of_others (GArray   *rows,
                      guint     index,
                      gboolean  of_graphs)
{
  g_autoptr (GArray) figures = g_array_new (FALSE, FALSE, sizeof (double));
  const Beside *own = &g_array_index (rows, Beside, index);

  for (guint i = 0; i < rows->len; i++)
    {
      const Beside *other = &g_array_index (rows, Beside, i);
      double figure = of_graphs ? other->graphs / other->n_graphs : other->non_torch;

      if (i != index && figure >= 0 && is_alike (own, other, of_graphs))
        g_array_append_val (figures, figure);
    }
  if (figures->len == 0)
    return -1;

  g_array_sort (figures, compare_doubles);

  return (g_array_index (figures, double, (figures->len - 1) / 2) + g_array_index (figures, double, figures->len / 2)) /
         2;
}

/*
 * The figures that no code says are medians of logs. Each log is held against the medians of all others as well, so
 * that it does not judge itself; and nineteen of twenty stay within the margin of the safe figure. There are few of
 * several ranks, and they are far apart, so that starts of one rank are judged by themselves as well.
 */
static void
judge_held_out (GArray *rows)
{
  guint n_rows = 0, n_alone = 0, n_near = 0, n_within = 0, n_safe = 0;
  double worst[2] = { 0 };

  for (guint i = 0; i < rows->len; i++)
    {
      const Beside *row = &g_array_index (rows, Beside, i);
      double non_torch = get_median_of_others (rows, i, FALSE);
      double graphs = get_median_of_others (rows, i, TRUE) * row->n_graphs;
      double found = row->run, expected = row->activations, safe;

      if (row->activations < 0 || (row->non_torch < 0 && row->graphs < 0))
        continue;
      safe = row->run + hr_vllm_profile_get_spread (row->profile, row->n_ranks, row->has_links,
                                                    row->graphs >= 0 ? row->n_graphs : 0, row->non_torch >= 0) / GIB +
             MAX_RUN_GIBIBYTES;
      if (row->non_torch >= 0)
        {
          found += MAX (non_torch, 0);
          expected += row->non_torch;
          safe += hr_vllm_profile_get_beside (row->profile, row->n_ranks, row->has_links)->median_bytes / GIB;
        }
      if (row->graphs >= 0)
        {
          found += MAX (graphs, 0);
          expected += row->graphs;
          safe += row->n_graphs * hr_vllm_profile_get_graphs (row->profile, row->n_ranks)->median_bytes / GIB;
        }
      worst[row->n_ranks > 1] = MAX (worst[row->n_ranks > 1], fabs (found - expected));
      n_alone += row->n_ranks == 1;
      n_near += row->n_ranks == 1 && fabs (found - expected) <= MAX_HELD_OUT_GIBIBYTES;
      n_within += fabs (found - expected) <= MAX_BESIDE_GIBIBYTES;
      n_safe += expected <= safe;
      n_rows++;
    }

  g_print ("# held out: %u of %u starts of one rank within %g GiB of what medians of the others say, worst %.2f GiB, "
           "of several %.2f; %u of %u of all within %g GiB, %u within the margin\n", n_near, n_alone,
           MAX_HELD_OUT_GIBIBYTES, worst[0], worst[1], n_within, n_rows, MAX_BESIDE_GIBIBYTES, n_safe);
  g_assert_cmpuint (n_alone, >=, 10);
  g_assert_cmpuint (10 * n_near, >=, 9 * n_alone);
  g_assert_cmpuint (10 * n_within, >=, 9 * n_rows);
  g_assert_cmpuint (20 * n_safe, >=, 19 * n_rows);
}

static void
test_what_vllm_takes_is_what_it_logs (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("vllm-logs.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) weights = oracle_errors_new ();
  g_autoptr (GArray) run = oracle_errors_new ();
  g_autoptr (GArray) pool = oracle_errors_new ();
  g_autoptr (GArray) beside = g_array_new (FALSE, FALSE, sizeof (Beside));
  Table table = { weights, run, pool, beside };

  for (guint i = 0; i < json_array_get_length (cases); i++)
    test_row (json_array_get_object_element (cases, i), &table);

  g_print ("# %u of %u runs, with what is measured alone, within %g GiB; blocks of %u budgets\n", table.n_near,
           table.n_beside, MAX_BESIDE_GIBIBYTES, table.n_blocks);
  judge_held_out (beside);
  g_assert_cmpuint (table.n_beside, >=, 10);
  g_assert_cmpuint (10 * table.n_near, >=, 9 * table.n_beside);
  g_assert_cmpuint (table.n_blocks, >=, 8);
  g_assert_cmpuint (table.n_lengths, >=, 3);
  oracle_errors_judge (weights, "weights, percent", 0.1, MAX_WEIGHT_PERCENT);
  oracle_errors_judge (run, "trial run, GiB", MAX_ROUNDED, MAX_RUN_GIBIBYTES);
  oracle_errors_judge (pool, "cache, GiB", MAX_POOL_GIBIBYTES, MAX_POOL_GIBIBYTES);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/what_vllm_takes_is_what_it_logs", test_what_vllm_takes_is_what_it_logs);

  return g_test_run ();
}
