/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Peaks of steps of a rank among others that share parameters, gradients and states with it, phase by phase, against
 * the estimator: the whole way from settings to bytes. Some were measured on a GPU.
 */

#include "hr-estimator.h"
#include "hr-training-estimate.h"
#include "hr-training-heap.h"

#include "estimates.h"
#include "oracle.h"

#define MAX_MEDIAN_PERCENT 0.001
#define MAX_WORST_PERCENT 0.01
#define MAX_MEDIAN_PERCENT_OF_ZERO 0.005
#define MAX_MEDIAN_PERCENT_OF_ANSWERS 0.001
#define MAX_MEDIAN_PERCENT_OF_MIXED 0.002
#define MAX_MEDIAN_PERCENT_OF_TOWERS 0.02
#define MAX_WORST_PERCENT_OF_TOWERS 0.4
#define MAX_MEDIAN_PERCENT_OF_ROWS 0.005
#define MAX_WORST_PERCENT_OF_ROWS 0.03
#define MAX_MEDIAN_PERCENT_OF_MEASURED 0.001
#define MAX_WORST_PERCENT_OF_MEASURED 0.015
#define MAX_MEDIAN_PERCENT_OF_RESERVED 1
#define MAX_WORST_PERCENT_OF_RESERVED 12.5

/* CUBLAS_WORKSPACE_CONFIG of an H100 (_parseChosenWorkspaceSize of ATen/cuda/CUDABlas.cpp). */
#define WORKSPACE_BYTES (32 << 20)

/* The norm of all gradients, which a variable holds from step to step; what each bucket rounds up by itself. */
#define MAX_BYTES 512

/* fully_shard copies what it has gathered parameter by parameter, each of which rounds up: small ones may be many. */
#define MAX_BYTES_OF_COPIES 4096

/* Tables of bitsandbytes that matrices share are counted with each layer. */
#define MAX_BYTES_OF_TABLES 2048

/* The norms of all gradients, and what the framework rounds up by itself. */
#define MAX_BYTES_OF_ZERO 12288

/* Numbers of a sequence or a pair, of which each vector rounds up by itself. */
#define MAX_BYTES_OF_ANSWERS 8192

/* Probabilities of the tokens that may come next, which answers that were measured are not drawn from; masks. */
#define MAX_BYTES_OF_GENERATION 98304
/*
 * Numbers for each answer and each token that a trainer of answers holds for its log until it returns: of those that go
 * before the backward pass, not each is in the books.
 */
#define MAX_BYTES_OF_ZERO_ANSWERS 61440
#define MAX_WORST_PERCENT_OF_ZERO_ANSWERS 0.08

/* Where views of parameters are stepped, the order of norms and matrices decides what the first rank rounds to. */
#define MAX_BYTES_OF_VIEWS 8192

static double
run_within (JsonNode   *root,
            JsonObject *test,
            gint64      rounded)
{
  static const HrPhaseId phases[] = {
    HR_PHASE_GENERATION, HR_PHASE_OLD_POLICY, HR_PHASE_REFERENCE, HR_PHASE_FORWARD, HR_PHASE_LOSS,
    HR_PHASE_BACKWARD_LOSS, HR_PHASE_BACKWARD, HR_PHASE_OPTIMIZER,
  };
  JsonObject *settings = json_object_get_object_member (test, "settings");
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  HrMode mode = json_object_has_member (settings, "task")                 ? HR_MODE_MULTIMODAL
                : json_object_has_member (settings, "algorithm")          ? HR_MODE_GRPO
                : json_object_has_member (settings, "fine-tuning-method") ? HR_MODE_FINE_TUNING
                                                                          : HR_MODE_TRAINING;
  g_autoptr (HrJob) job = oracle_make_job (mode, settings);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  JsonObject *peaks = json_object_get_object_member (test, "peaks");
  gboolean has_views = json_object_get_boolean_member_with_default (settings, "fsdp-use-orig-params", FALSE);
  gboolean has_tables = json_object_has_member (settings, "quantization");
  gboolean is_zero = json_object_has_member (settings, "zero-stage");
  gint64 most = is_zero                ? mode == HR_MODE_GRPO ? MAX_BYTES_OF_ZERO_ANSWERS : MAX_BYTES_OF_ZERO
                : mode == HR_MODE_GRPO ? MAX_BYTES_OF_ANSWERS
                : has_views            ? MAX_BYTES_OF_VIEWS
                : has_tables           ? MAX_BYTES_OF_TABLES
                                       : rounded;

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
    {
      const char *name = hr_phase_id_get_name (phases[i]);
      gint64 off;

      if (!json_object_has_member (peaks, name))
        continue;
      off = (gint64) get_handed_out (estimate, phases[i]) - json_object_get_int_member (peaks, name);

      g_test_message ("%-60s %-14s %+6" G_GINT64_FORMAT, json_object_get_string_member (test, "id"), name, off);
      g_assert_cmpint (ABS (off), <=, phases[i] == HR_PHASE_GENERATION ? MAX_BYTES_OF_GENERATION : most);
    }

  return oracle_compare_peak (mode, root, test);
}

static double
run_case (JsonNode   *root,
          JsonObject *test)
{
  return run_within (root, test, MAX_BYTES);
}

static double
run_mixed (JsonNode   *root,
           JsonObject *test)
{
  return run_within (root, test, MAX_BYTES_OF_COPIES);
}

/* What the allocator was asked for by a rank on a GPU, with what the matrix library took from it. */
static double
run_measured (JsonNode   *root,
              JsonObject *test)
{
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_FINE_TUNING, json_object_get_object_member (test, "settings"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  guint64 found;
  double percent;

  g_assert_no_error (error);
  found = hr_estimate_get_allocated_bytes (estimate) + json_object_get_int_member (test, "workspace-bytes");
  percent = oracle_get_percent (found, json_object_get_int_member (test, "requested-bytes"));
  g_test_message ("%-150s %+9.5f %%", json_object_get_string_member (test, "id"), percent);

  return percent;
}

/* What the allocator had reserved, where one stream asks for all of it. */
static void
compare_reserved (JsonNode   *root,
                  JsonObject *test,
                  GArray     *errors,
                  guint      *n_within)
{
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_FINE_TUNING, json_object_get_object_member (test, "settings"));
  g_autoptr (HrTrainingPlan) plan = g_new0 (HrTrainingPlan, 1);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;
  HrTrainingHeap heap;
  double percent, thousandths;

  hr_training_plan_init (plan, model, HR_TRAINING_JOB (job), 1, 0, NULL, &error);
  g_assert_no_error (error);
  if (!hr_training_heap_can_run (plan))
    return;

  estimate = hr_training_estimate_new (plan, NULL, HR_ESTIMATE_DETAIL_SIZES, &error);
  g_assert_no_error (error);
  hr_training_heap_init (&heap, plan, WORKSPACE_BYTES, TRUE);
  percent = oracle_get_percent (heap.reserved_bytes, json_object_get_int_member (test, "reserved-bytes"));
  thousandths = 1000.0 * json_object_get_int_member (test, "reserved-bytes") / heap.reserved_bytes - 1000;
  *n_within += thousandths >= -HR_TRAINING_HEAP_BELOW_OF_RANK && thousandths <= HR_TRAINING_HEAP_ABOVE_OF_RANK;
  g_test_message ("%-150s %+9.3f %%", json_object_get_string_member (test, "id"), percent);
  oracle_errors_add (errors, percent);
}

static void
test_reserved (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("sharded-measured.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) errors = oracle_errors_new ();
  guint n_within = 0;

  for (guint i = 0; i < json_array_get_length (cases); i++)
    compare_reserved (root, json_array_get_object_element (cases, i), errors, &n_within);

  g_test_message ("%u of %u cases are in the range of what is reserved", n_within, errors->len);
  g_assert_cmpfloat (n_within, >=, 0.89 * errors->len);
  oracle_errors_judge (errors, "what the allocator of a rank reserved", MAX_MEDIAN_PERCENT_OF_RESERVED,
                       MAX_WORST_PERCENT_OF_RESERVED);
}

static void
test_measured (void)
{
  oracle_judge_cases ("sharded-measured.json", run_measured, MAX_MEDIAN_PERCENT_OF_MEASURED,
                      MAX_WORST_PERCENT_OF_MEASURED);
}

static void
test_zero (void)
{
  oracle_judge_cases ("zero-peaks.json", run_case, MAX_MEDIAN_PERCENT_OF_ZERO, MAX_WORST_PERCENT);
}

static void
test_zero_answers (void)
{
  oracle_judge_cases ("zero-answer-peaks.json", run_case, MAX_MEDIAN_PERCENT_OF_ZERO,
                      MAX_WORST_PERCENT_OF_ZERO_ANSWERS);
}

static void
test_ulysses (void)
{
  oracle_judge_cases ("ulysses-peaks.json", run_case, MAX_MEDIAN_PERCENT_OF_ZERO, MAX_WORST_PERCENT);
}

static void
test_divided (void)
{
  oracle_judge_cases ("divided-peaks.json", run_case, MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

static void
test_titan (void)
{
  oracle_judge_cases ("titan-peaks.json", run_case, MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

/*
 * Parameters of towers are many and small: DeepSpeed rounds them up together, and FullyShardedDataParallel lays views
 * of them out in the order of modules; it casts their buffers as well where a policy says what is computed in.
 */
static double
run_towers (JsonNode   *root,
            JsonObject *test)
{
  JsonObject *settings = json_object_get_object_member (test, "settings");

  HrMode mode = json_object_has_member (settings, "task") ? HR_MODE_MULTIMODAL : HR_MODE_FINE_TUNING;

  return oracle_compare_peak (mode, root, test);
}

static void
test_towers (void)
{
  oracle_judge_cases ("sharded-towers-peaks.json", run_towers, MAX_MEDIAN_PERCENT_OF_TOWERS,
                      MAX_WORST_PERCENT_OF_TOWERS);
}

static void
test_towers_by_rows (void)
{
  oracle_judge_cases ("sharded-towers-rows-peaks.json", run_towers, MAX_MEDIAN_PERCENT_OF_ROWS,
                      MAX_WORST_PERCENT_OF_ROWS);
}

static void
test_peaks (void)
{
  oracle_judge_cases ("sharded-peaks.json", run_case, MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

static void
test_mixed (void)
{
  oracle_judge_cases ("sharded-mixed-peaks.json", run_mixed, MAX_MEDIAN_PERCENT_OF_MIXED, MAX_WORST_PERCENT);
}

static void
test_tied (void)
{
  oracle_judge_cases ("sharded-tied-peaks.json", run_mixed, MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

static void
test_answers (void)
{
  oracle_judge_cases ("sharded-answers-peaks.json", run_case, MAX_MEDIAN_PERCENT_OF_ANSWERS, MAX_WORST_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/a_rank_asks_for_what_was_measured_on_a_gpu", test_measured);
  g_test_add_func ("/oracle/a_rank_has_reserved_what_was_measured_on_a_gpu", test_reserved);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_deepspeeds_stages", test_zero);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_trls_trainers_under_deepspeed", test_zero_answers);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_sequences_that_deepspeed_shares", test_ulysses);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_models_that_transformers_divides", test_divided);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_torchtitan", test_titan);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_sharded_steps", test_peaks);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_models_whose_layers_differ", test_mixed);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_models_whose_head_shares_the_table", test_tied);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_answers_that_it_trains_on", test_answers);
  g_test_add_func ("/oracle/peaks_of_a_rank_are_those_of_models_that_see", test_towers);
  g_test_add_func ("/oracle/peaks_of_a_rank_under_fully_shard_are_those_of_models_that_see", test_towers_by_rows);

  return g_test_run ();
}
