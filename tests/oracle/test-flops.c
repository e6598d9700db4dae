/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Operations by torch's own formulas (torch.utils.flop_counter) for every operator that transformers runs, of the
 * models and jobs of other files: what a prompt, a token and a step of training compute. Counts are exact.
 */

#include "hr-compute.h"

#include "oracle.h"

static JsonNode *root;
static GHashTable *files;

typedef struct
{
  guint n_equal;
  guint n_compared;
  GHashTable *models;
} Score;

static JsonNode *
get_file (const char *name)
{
  JsonNode *file = g_hash_table_lookup (files, name);

  if (file == NULL)
    {
      g_autofree char *file_name = g_strconcat (name, ".json", NULL);

      file = oracle_load_file (file_name);
      g_hash_table_insert (files, g_strdup (name), file);
    }

  return file;
}

static JsonObject *
find_case (JsonNode   *file,
           const char *id)
{
  JsonArray *cases = json_object_get_array_member (json_node_get_object (file), "cases");

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);

      if (g_str_equal (json_object_get_string_member (test, "id"), id))
        return test;
    }

  g_error ("no case %s", id);
}

/* What torch has no formula for, or computes number by number, is left out of what is compared. */
static guint64
leave_out (const HrComputePhase *phase,
           JsonObject           *row,
           guint64 (*get) (const HrFlops *flops))
{
  guint64 sum = get (&phase->total) - get (&phase->count->parts[HR_FLOP_PART_STATE]);

  return json_object_has_member (row, "no-formula") ? sum - get (&phase->count->parts[HR_FLOP_PART_EXPERTS]) : sum;
}

static guint64
get_forward (const HrFlops *flops)
{
  return flops->forward;
}

static guint64
get_backward (const HrFlops *flops)
{
  return hr_flops_get_training (flops) - flops->forward;
}

/* A step of training on answers has them read as well. */
static guint64
add_up (const HrCompute *compute,
        JsonObject      *row,
        guint64 (*get) (const HrFlops *flops))
{
  guint64 sum = 0;

  for (guint i = 0; i < hr_compute_get_n_phases (compute); i++)
    sum += leave_out (hr_compute_get_phase (compute, i), row, get);

  return sum;
}

static void
compare (Score      *score,
         const char *id,
         const char *what,
         guint64     found,
         gint64      expected)
{
  score->n_compared++;
  score->n_equal += found == (guint64) expected;
  if (found != (guint64) expected)
    g_test_message ("%s, %s: %" G_GUINT64_FORMAT ", torch %" G_GINT64_FORMAT " (%+.5f %%)", id, what, found, expected,
                    oracle_get_percent (found, expected));
}

static HrMode
get_mode (const char *file_name,
          gboolean    trains)
{
  if (g_str_has_prefix (file_name, "multimodal"))
    return HR_MODE_MULTIMODAL;
  if (g_str_has_prefix (file_name, "answer"))
    return HR_MODE_GRPO;

  return trains ? HR_MODE_FINE_TUNING : HR_MODE_INFERENCE;
}

static void
run_case (Score      *score,
          JsonObject *row)
{
  const char *id = json_object_get_string_member (row, "id");
  const char *file_name = json_object_get_string_member (row, "file");
  JsonNode *file = get_file (file_name);
  JsonObject *test = find_case (file, id);
  gboolean trains = json_object_has_member (row, "backward");
  g_autoptr (HrModel) model = oracle_load_model (file, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (get_mode (file_name, trains),
                                           json_object_get_object_member (test, "settings"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrCompute) compute = hr_compute_new (model, job, NULL, 1, &error);
  const HrComputePhase *phase;

  g_assert_no_error (error);
  g_hash_table_add (score->models, g_strconcat (hr_model_get_model_type (model), NULL));
  if (trains)
    {
      compare (score, id, "forward", add_up (compute, row, get_forward), json_object_get_int_member (row, "forward"));
      compare (score, id, "backward", add_up (compute, row, get_backward),
               json_object_get_int_member (row, "backward"));
    }
  else
    compare (score, id, "prefill", leave_out (hr_compute_get_phase (compute, 0), row, get_forward),
             json_object_get_int_member (row, "prefill"));

  phase = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_DECODE);
  if (json_object_has_member (row, "decode"))
    compare (score, id, "decode", leave_out (phase, row, get_forward), json_object_get_int_member (row, "decode"));
}

static void
test_operations (void)
{
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  Score score = { .models = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };

  for (guint i = 0; i < json_array_get_length (cases); i++)
    run_case (&score, json_array_get_object_element (cases, i));

  g_test_message ("operations: %u of %u counts of %u types of models are equal", score.n_equal, score.n_compared,
                  g_hash_table_size (score.models));
  g_assert_cmpuint (score.n_equal, ==, score.n_compared);
  g_assert_cmpuint (g_hash_table_size (score.models), >=, 30);
  g_hash_table_unref (score.models);
}

static HrCompute *
count_job (HrModel *model,
           HrJob   *job)
{
  g_autoptr (GError) error = NULL;
  HrCompute *compute = hr_compute_new (model, job, NULL, 1, &error);

  g_assert_no_error (error);

  return compute;
}

static guint64
count_inference (HrModel          *model,
                 guint64           prompt,
                 guint64           output,
                 HrComputePhaseId  id)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrCompute) compute = NULL;

  g_object_set (job, "batch-size", (guint64) 6, "prompt-length", prompt, "output-length", output, NULL);
  compute = count_job (model, job);

  return hr_compute_find_phase (compute, id)->total.forward;
}

/*
 * Answers of three tokens to two micro-batches of three prompts: the prompts are read, and two tokens follow, with one
 * token more behind them each. They are written once for four micro-batches, by way of two iterations.
 */
static void
test_answers_are_written_token_by_token (void)
{
  g_autoptr (HrModel) model = oracle_load_model (get_file ("answer-peaks"), "Llama-small");
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_GRPO);
  g_autoptr (HrCompute) compute = NULL;
  const HrComputePhase *generation, *reference, *update;

  g_object_set (job, "algorithm", HR_ALGORITHM_GRPO, "fine-tuning-method", HR_FINE_TUNING_METHOD_FULL, "rollout",
                HR_ROLLOUT_TRANSFORMERS, "micro-batch-size", (guint64) 3, "prompt-length", (guint64) 41,
                "completion-length", (guint64) 3, "gradient-accumulation-steps", (guint64) 2, "steps-per-generation",
                (guint64) 2, "num-iterations", (guint64) 2, "reference-model", TRUE, NULL);
  compute = count_job (model, job);
  generation = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_GENERATION);
  reference = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_REFERENCE);
  update = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_TRAINING_STEP);
  g_assert_nonnull (generation);
  g_assert_cmpuint (generation->total.forward, ==,
                    count_inference (model, 41, 1, HR_COMPUTE_PHASE_PREFILL) +
                    count_inference (model, 41, 1, HR_COMPUTE_PHASE_DECODE) +
                    count_inference (model, 41, 3, HR_COMPUTE_PHASE_DECODE));
  g_assert_cmpuint (generation->tokens, ==, 2 * 3 * 3);
  g_assert_cmpfloat (generation->per_step, ==, 0.5);
  g_assert_cmpfloat (reference->per_step, ==, 0.5);
  g_assert_cmpuint (reference->total.forward, ==, update->total.forward);
  g_assert_cmpuint (reference->tokens, ==, 2 * 3 * 44);
  g_assert_nonnull (hr_compute_find_phase (compute, HR_COMPUTE_PHASE_OLD_POLICY));
}

/* PPO: four models, all answers of a rollout, as often as there are epochs. */
static void
test_ppo_runs_all_its_models (void)
{
  g_autoptr (HrModel) model = oracle_load_model (get_file ("answer-peaks"), "Llama-small");
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_GRPO);
  g_autoptr (HrCompute) compute = NULL;
  const HrComputePhase *reference, *value, *update, *critic;

  g_object_set (job, "algorithm", HR_ALGORITHM_PPO, "fine-tuning-method", HR_FINE_TUNING_METHOD_FULL,
                "micro-batch-size", (guint64) 2, "prompt-length", (guint64) 40, "completion-length", (guint64) 8,
                "gradient-accumulation-steps", (guint64) 4, "num-iterations", (guint64) 3, NULL);
  compute = count_job (model, job);
  reference = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_REFERENCE);
  value = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_VALUE);
  update = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_TRAINING_STEP);
  critic = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_VALUE_UPDATE);
  g_assert_nonnull (hr_compute_find_phase (compute, HR_COMPUTE_PHASE_GENERATION));
  g_assert_nonnull (hr_compute_find_phase (compute, HR_COMPUTE_PHASE_REWARD));
  g_assert_cmpuint (update->total.forward, ==, 3 * reference->total.forward);
  g_assert_cmpuint (critic->total.forward, ==, 3 * value->total.forward);
  g_assert_cmpuint (hr_flops_get_training (&critic->total), >, 2 * critic->total.forward);
}

static guint64
count_training (HrExamplePacking packing)
{
  g_autoptr (HrModel) model = oracle_load_model (get_file ("answer-peaks"), "Llama-small");
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrCompute) compute = NULL;

  g_object_set (job, "fine-tuning-method", HR_FINE_TUNING_METHOD_FULL, "micro-batch-size", (guint64) 4,
                "sequence-length", (guint64) 128, "attention", HR_ATTENTION_IMPLEMENTATION_FLASH, "dtype",
                HR_DTYPE_BFLOAT16, "packing", packing, NULL);
  compute = count_job (model, job);

  return hr_compute_find_phase (compute, HR_COMPUTE_PHASE_TRAINING_STEP)->total.forward;
}

/* Tokens of one example meet none of the others, whether these are in its row or not. */
static void
test_examples_of_a_row_do_not_meet (void)
{
  g_assert_cmpuint (count_training (HR_EXAMPLE_PACKING_PADDING_FREE), ==, count_training (HR_EXAMPLE_PACKING_NONE));
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (JsonNode) file = NULL;

  g_test_init (&argc, &argv, NULL);
  file = oracle_load_file ("flops.json");
  root = file;
  files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_node_unref);
  g_test_add_func ("/oracle/a_pass_computes_what_torch_counts", test_operations);
  g_test_add_func ("/oracle/answers_are_written_token_by_token", test_answers_are_written_token_by_token);
  g_test_add_func ("/oracle/examples_of_a_row_do_not_meet", test_examples_of_a_row_do_not_meet);
  g_test_add_func ("/oracle/ppo_runs_all_its_models", test_ppo_runs_all_its_models);

  return g_test_run ();
}
