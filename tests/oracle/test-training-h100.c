/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Steps of fine-tuning, and of training on answers, that tests/oracle/measure measured on a GPU, against the estimate:
 * what the allocator was asked for, what it handed out, what it had reserved for that, and what the device showed.
 *
 * The first is what the estimate foresees. What is reserved comes of replaying every request of the first steps. The
 * cases were measured one after the other in a process that had its workspaces from the first of them on, so that these
 * lie apart from what a case asks for; in a process of its own they are cut from its blocks.
 */

#include "hr-framework.h"
#include "hr-gpu-catalogue.h"
#include "hr-training-estimate.h"
#include "hr-training-heap.h"

#include "estimates.h"
#include "oracle.h"

enum
{
  ASKED,
  HANDED_OUT,
  RESERVED,
  SHOWN,
  N_FIGURES,
};

static const char * const figure_names[] = {
  [ASKED] = "what the allocator was asked for",
  [HANDED_OUT] = "what the allocator handed out",
  [RESERVED] = "what it had reserved",
  [SHOWN] = "what the device showed",
};

G_STATIC_ASSERT (G_N_ELEMENTS (figure_names) == N_FIGURES);

typedef struct
{
  double max_median_percent;
  double max_worst_percent;
} Limit;

/* A file of cases, and how many of them have to be comparable, at least. */
typedef struct
{
  const char *name;
  HrMode mode;
  guint min_cases;
  Limit limits[N_FIGURES];
} File;

static const File fine_tuning = {
  "training-measured.json", HR_MODE_FINE_TUNING, 122,
  {
    [ASKED] = { 0.001, 0.01 },
    [HANDED_OUT] = { 0.1, 1.5 },
    [RESERVED] = { 0.3, 8 },
    [SHOWN] = { 0.3, 8 },
  },
};

/* What torch.compile keeps is decided operator by operator, where its partitioner looks for the least of a graph. */
static const File compiled = {
  "compiled-measured.json", HR_MODE_FINE_TUNING, 7,
  {
    [ASKED] = { 0.002, 0.5 },
    [HANDED_OUT] = { 0.1, 0.7 },
    [RESERVED] = { 3, 6 },
    [SHOWN] = { 3, 6 },
  },
};

/* Sequences whose rows are kept one by one lie as one block on the heap. */
static const File answers = {
  "answers-measured.json", HR_MODE_GRPO, 25,
  {
    [ASKED] = { 0.001, 0.01 },
    [HANDED_OUT] = { 0.1, 1.5 },
    [RESERVED] = { 2, 12 },
    [SHOWN] = { 2, 12 },
  },
};

typedef struct
{
  GArray *errors[N_FIGURES];
  guint n_within;
} Results;

static gboolean
is_within (guint64 found,
           guint64 measured)
{
  double thousandths = 1000.0 * measured / found - 1000;

  return thousandths >= -HR_TRAINING_HEAP_BELOW && thousandths <= HR_TRAINING_HEAP_ABOVE;
}

static void
compare (JsonObject *test,
         HrEstimate *estimate,
         guint64     reserved,
         guint64     context,
         Results    *results)
{
  JsonObject *expected = json_object_get_object_member (test, "expected");
  guint64 allocated = get_allocated_bytes (estimate) + json_object_get_int_member (test, "workspace-bytes");
  double percents[N_FIGURES];

  percents[ASKED] = oracle_get_percent (allocated, json_object_get_int_member (test, "requested-bytes"));
  percents[HANDED_OUT] = oracle_get_percent (allocated, json_object_get_int_member (expected, "total"));
  percents[RESERVED] = oracle_get_percent (reserved, json_object_get_int_member (test, "reserved-bytes"));
  percents[SHOWN] = oracle_get_percent (reserved + context, json_object_get_int_member (test, "device-bytes"));
  g_test_message ("%-100s %+9.5f %+8.3f %+8.3f %+8.3f %% %s", json_object_get_string_member (test, "id"),
                  percents[ASKED], percents[HANDED_OUT], percents[RESERVED], percents[SHOWN],
                  json_object_get_string_member_with_default (test, "not-comparable", ""));
  if (json_object_has_member (test, "not-comparable"))
    return;

  for (guint i = 0; i < N_FIGURES; i++)
    oracle_errors_add (results->errors[i], percents[i]);
  results->n_within += is_within (reserved, json_object_get_int_member (test, "reserved-bytes"));
}

static void
run_case (const File *file,
          JsonNode   *root,
          JsonObject *test,
          HrGpu      *gpu,
          Results    *results)
{
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (file->mode, json_object_get_object_member (test, "settings"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrTrainingPlan) plan = g_new0 (HrTrainingPlan, 1);
  g_autoptr (HrEstimate) estimate = NULL;
  HrFramework framework;
  HrTrainingHeap heap;

  hr_training_plan_init (plan, model, HR_TRAINING_JOB (job), 1, 0, NULL, &error);
  g_assert_no_error (error);
  estimate = hr_training_estimate_new (plan, gpu, FALSE, &error);
  g_assert_no_error (error);
  g_assert_true (hr_framework_init_for_gpu (&framework, gpu));
  hr_training_heap_init (&heap, plan, framework.workspace_bytes, TRUE);
  compare (test, estimate, heap.reserved_bytes, framework.context_bytes + framework.backward_bytes, results);
}

/* Nine of ten cases are where the estimate says that nine of ten are. */
static void
check_range (guint n_within,
             guint n)
{
  g_test_message ("%u of %u cases are in the range of what is reserved", n_within, n);
  g_assert_cmpfloat (n_within, >=, 0.89 * n);
  g_assert_cmpfloat (n_within, <=, 0.93 * n);
}

static void
run_file (const File *file,
          Results    *results)
{
  g_autoptr (JsonNode) root = oracle_load_file (file->name);
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", &error);

  g_assert_no_error (error);
  results->n_within = 0;
  for (guint i = 0; i < N_FIGURES; i++)
    results->errors[i] = oracle_errors_new ();
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);

      if (!json_object_has_member (test, "skipped"))
        run_case (file, root, test, gpu, results);
    }
}

static void
judge (const File *file,
       Results    *results)
{
  for (guint i = 0; i < N_FIGURES; i++)
    {
      g_assert_cmpuint (results->errors[i]->len, >=, file->min_cases);
      oracle_errors_judge (results->errors[i], figure_names[i], file->limits[i].max_median_percent,
                           file->limits[i].max_worst_percent);
      g_array_unref (results->errors[i]);
    }
}

static void
test_fine_tuning (void)
{
  Results results;

  run_file (&fine_tuning, &results);
  check_range (results.n_within, results.errors[RESERVED]->len);
  judge (&fine_tuning, &results);
}

static void
test_compiled (void)
{
  Results results;

  run_file (&compiled, &results);
  judge (&compiled, &results);
}

static void
test_answers (void)
{
  Results results;

  run_file (&answers, &results);
  judge (&answers, &results);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/estimates_of_fine_tuning_are_what_an_h100_was_asked_for", test_fine_tuning);
  g_test_add_func ("/oracle/estimates_of_training_with_torch_compile_are_near_what_an_h100_was_asked_for",
                   test_compiled);
  g_test_add_func ("/oracle/estimates_of_training_on_answers_are_what_an_h100_was_asked_for", test_answers);

  return g_test_run ();
}
