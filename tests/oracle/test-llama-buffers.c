/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What llama.cpp reserves when it starts, buffer by buffer, against what it wrote into its log, in hundredths of a MiB:
 * of one release all of them, with models of all shapes; of a range of others what people have published, where the
 * builds are not the same.
 */

#include <math.h>

#include "hr-inference-job.h"
#include "hr-llama-draft.h"
#include "hr-llama-fit.h"
#include "hr-llama-projector.h"

#include "oracle.h"

#define MAX_MEBIBYTES 0.0101

/* The log has the tensors of a projector without what pads them in their buffer. */
#define MAX_PADDING 0.05

#define MAX_WEIGHT_PERCENT 0.5
#define MAX_MEDIAN_PERCENT 0.01
#define MAX_WORST_PERCENT 8.1

typedef struct
{
  guint64 model[HR_GGML_MAX_PLACES];
  guint64 elements[HR_GGML_MAX_PLACES];
  guint64 kv[HR_GGML_MAX_PLACES];
  guint64 compute[HR_GGML_MAX_PLACES];
} Buffers;

/* Each model of a row has its own lines in the log, each of them rounded. */
static double
get_tolerance (JsonObject *row)
{
  return json_object_has_member (row, "draft") ? 2 * MAX_MEBIBYTES : MAX_MEBIBYTES;
}

static void
compare (JsonObject *row,
         const char *key,
         guint64     found,
         guint      *n_compared)
{
  double expected = json_object_has_member (row, key) ? json_object_get_double_member (row, key) : 0;

  g_print ("# %-16s %10.2f %10.2f MiB\n", key, expected, found / 1048576.0);
  g_assert_cmpfloat (fabs (found / 1048576.0 - expected), <=, get_tolerance (row));
  *n_compared += expected > 0;
}

static void
add_buffers (HrLlamaPlan   *plan,
             HrGgmlBackend  backend,
             Buffers       *buffers)
{
  guint64 compute[HR_GGML_MAX_PLACES];

  plan->backend = backend;
  hr_llama_plan_add_weights (plan, buffers->model, buffers->elements);
  hr_llama_plan_add_cache (plan, buffers->kv);
  hr_llama_plan_measure (plan, compute);
  for (guint i = 0; i <= plan->n_devices; i++)
    buffers->compute[i] += compute[i];
}

/*
 * @target is what the log says may be used of each GPU, in MiB, as exactly as its whole numbers tell: all but the GiB
 * that stays free.
 */
static void
fit (HrLlamaPlan   *plan,
     double         target,
     HrGgmlBackend  backend)
{
  const guint64 beside[HR_GGML_MAX_PLACES] = { 0 };

  plan->backend = backend;
  if (plan->is_context_left)
    hr_llama_fit_context (plan, (target + 1024) * 1048576, beside, beside, beside);
  if (plan->is_fitted || !plan->is_context_left)
    hr_llama_fit (plan, (target + 1024) * 1048576, beside);
}

static guint
measure_on_gpus (HrModel       *model,
                 HrModel       *draft_model,
                 JsonObject    *settings,
                 guint          n_gpus,
                 double         target,
                 HrGgmlBackend  backend,
                 Buffers       *buffers)
{
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_INFERENCE, settings);
  g_auto (HrInferencePlan) pass = { 0 };
  g_auto (HrLlamaPlan) plan = { 0 };
  g_auto (HrLlamaDraft) draft = { 0 };
  g_autoptr (GError) error = NULL;

  g_object_set (job, "engine", HR_ENGINE_LLAMA_CPP, NULL);
  if (draft_model != NULL)
    hr_job_set_model (job, "draft-model", "draft", draft_model);
  hr_inference_plan_init_pass (&pass, model, job, &error);
  g_assert_no_error (error);
  hr_llama_plan_init (&plan, &pass, HR_INFERENCE_JOB (job), NULL, n_gpus, &error);
  g_assert_no_error (error);
  hr_llama_draft_init (&draft, &plan, HR_INFERENCE_JOB (job), NULL, &error);
  g_assert_no_error (error);
  if (target > 0)
    fit (&plan, target, backend);
  add_buffers (&plan, backend, buffers);
  if (draft_model != NULL)
    add_buffers (&draft.plan, backend, buffers);

  return plan.n_devices;
}

/* The model that guesses ahead in a row, whose buffers the row has as well. */
static HrModel *
load_draft (JsonNode   *root,
            JsonObject *row)
{
  return json_object_has_member (row, "draft")
           ? oracle_load_model (root, json_object_get_string_member (row, "draft")) : NULL;
}

static void
test_case (JsonNode   *root,
           JsonObject *row,
           guint      *n_compared)
{
  JsonObject *settings = json_object_get_object_member (row, "settings");
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (row, "model"));
  g_autoptr (HrModel) draft = load_draft (root, row);
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;
  Buffers buffers = { { 0 } };

  json_node_set_object (node, settings);
  text = json_to_string (node, FALSE);
  g_print ("# %s %s\n", json_object_get_string_member (row, "model"), text);
  measure_on_gpus (model, draft, settings, 1, 0, HR_GGML_BACKEND_VULKAN, &buffers);
  compare (row, "device-model", buffers.model[0], n_compared);
  compare (row, "device-kv", buffers.kv[0], n_compared);
  compare (row, "host-kv", buffers.kv[1], n_compared);
  compare (row, "device-compute", buffers.compute[0], n_compared);
  compare (row, "host-compute", buffers.compute[1], n_compared);
}

static void
test_buffers_are_those_of_the_log (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("llama-buffers.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  guint n_compared = 0;

  for (guint i = 0; i < json_array_get_length (cases); i++)
    test_case (root, json_array_get_object_element (cases, i), &n_compared);

  g_print ("# %u buffers of %u cases\n", n_compared, json_array_get_length (cases));
  g_assert_cmpuint (n_compared, >=, 3 * json_array_get_length (cases));
}

static void
compare_gpus (JsonObject    *row,
              const char    *key,
              const guint64 *found)
{
  JsonArray *expected = json_object_get_array_member (row, key);

  for (guint i = 0; i < json_array_get_length (expected); i++)
    {
      double mebibytes = json_array_get_double_element (expected, i);

      g_print ("#   %-14s GPU %u %10.2f %10.2f MiB\n", key, i, mebibytes, found[i] / 1048576.0);
      g_assert_cmpfloat (fabs (found[i] / 1048576.0 - mebibytes), <=, get_tolerance (row));
    }
}

static guint
compare_divisions (const char *list)
{
  g_autoptr (JsonNode) root = oracle_load_file ("llama-buffers.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), list);

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *row = json_array_get_object_element (cases, i);
      g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (row, "model"));
      g_autoptr (HrModel) draft = load_draft (root, row);
      JsonObject *settings = json_object_get_object_member (row, "settings");
      double target = json_object_get_double_member_with_default (row, "target", 0);
      Buffers buffers = { { 0 } };
      guint n_compared = 0, n_devices;

      if (!json_object_has_member (settings, "max-model-len"))
        json_object_set_int_member (settings, "max-model-len", 4096);
      g_print ("# %s on %" G_GINT64_FORMAT " GPUs\n", json_object_get_string_member (row, "model"),
               json_object_get_int_member (row, "gpus"));
      n_devices = measure_on_gpus (model, draft, settings, json_object_get_int_member (row, "gpus"), target,
                                   HR_GGML_BACKEND_VULKAN, &buffers);
      g_assert_cmpuint (n_devices, ==, json_array_get_length (json_object_get_array_member (row, "compute")));
      compare_gpus (row, "model-buffers", buffers.model);
      compare_gpus (row, "kv", buffers.kv);
      compare_gpus (row, "compute", buffers.compute);
      compare (row, "host-compute", buffers.compute[n_devices], &n_compared);
    }

  return json_array_get_length (cases);
}

static void
test_contexts_are_as_long_as_the_log_says (void)
{
  g_assert_cmpuint (compare_divisions ("contexts"), >=, 9);
}

static void
test_gpus_have_the_buffers_of_the_log (void)
{
  g_assert_cmpuint (compare_divisions ("splits"), >=, 28);
}

static void
test_what_does_not_fit_is_moved_as_in_the_log (void)
{
  g_assert_cmpuint (compare_divisions ("fits"), >=, 7);
}

static void
test_projector (HrModel    *model,
                JsonObject *row,
                guint      *n_compared)
{
  JsonObject *settings = json_object_get_object_member (row, "settings");
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_INFERENCE, settings);
  g_auto (HrInferencePlan) pass = { 0 };
  g_auto (HrLlamaPlan) plan = { 0 };
  HrLlamaProjector projector;
  HrLlamaBuffers buffers;
  g_autoptr (GError) error = NULL;
  double size = json_object_get_double_member_with_default (row, "size", 0);

  g_object_set (job, "engine", HR_ENGINE_LLAMA_CPP, NULL);
  hr_inference_plan_init_pass (&pass, model, job, &error);
  g_assert_no_error (error);
  hr_llama_plan_init (&plan, &pass, HR_INFERENCE_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);
  hr_llama_projector_init (&projector, &plan, HR_INFERENCE_JOB (job), &error);
  g_assert_no_error (error);
  hr_llama_projector_measure (&projector, projector.start, &buffers);
  g_print ("# %s\n# size %.2f %.2f MiB\n", json_object_get_string_member (row, "model"), size,
           buffers.weights[projector.is_on_host] / 1048576.0);
  if (size > 0)
    g_assert_cmpfloat (fabs (buffers.weights[projector.is_on_host] / 1048576.0 - size), <=, MAX_PADDING);
  compare (row, "device-compute", buffers.compute[0], n_compared);
  if (json_object_has_member (row, "host-compute"))
    compare (row, "host-compute", buffers.compute[1], n_compared);
}

/* Models of the configurations that buffers were read with, or those of the catalogue whose files were published. */
static void
test_all_projectors (const char *member,
                     guint       least)
{
  g_autoptr (JsonNode) root = oracle_load_file ("llama-buffers.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), member);
  gboolean is_published = g_str_equal (member, "published-projectors");
  guint n_compared = 0;

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *row = json_array_get_object_element (cases, i);
      const char *name = json_object_get_string_member (row, "model");
      g_autoptr (HrModel) model = is_published ? oracle_load_model_of (row, name) : oracle_load_model (root, name);

      test_projector (model, row, &n_compared);
    }

  g_print ("# %u compute buffers of %u projectors\n", n_compared, json_array_get_length (cases));
  g_assert_cmpuint (n_compared, >=, least);
}

static void
test_projectors_have_the_buffers_of_the_log (void)
{
  test_all_projectors ("projectors", 30);
}

static void
test_published_projectors_have_the_buffers_of_the_log (void)
{
  test_all_projectors ("published-projectors", 4);
}

static double
get_percent (JsonObject *row,
             const char *key,
             guint64     found)
{
  double expected = json_object_get_double_member (row, key);
  double percent = (found / 1048576.0 / expected - 1) * 100;

  g_print ("# %-28s %-40s %-14s %10.2f %10.2f MiB  %+.2f %%\n", json_object_get_string_member (row, "source"),
           json_object_get_string_member (row, "model"), key, expected, found / 1048576.0, percent);

  return percent;
}

static void
test_logs_of_other_builds_have_the_same (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("llama-logs.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) errors = oracle_errors_new ();

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *row = json_array_get_object_element (cases, i);
      g_autoptr (HrModel) model = oracle_load_model_of (row, json_object_get_string_member (row, "model"));
      Buffers buffers = { { 0 } };

      measure_on_gpus (model, NULL, json_object_get_object_member (row, "settings"), 1, 0, HR_GGML_BACKEND_CUDA,
                       &buffers);
      if (json_object_has_member (row, "device-model"))
        g_assert_cmpfloat (fabs (get_percent (row, "device-model", buffers.model[0])), <=, MAX_WEIGHT_PERCENT);
      g_assert_cmpfloat (fabs (get_percent (row, "kv", buffers.kv[0] + buffers.kv[1])), <=, 0);
      oracle_errors_add (errors, get_percent (row, "device-compute", buffers.compute[0]));
    }

  g_assert_cmpuint (errors->len, >=, 20);
  oracle_errors_judge (errors, "compute buffers", MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

/* What other backends compute is another matter: only CUDA is known to have copies of its inputs. */
static void
test_logs_of_several_gpus_have_the_same (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("llama-logs.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "splits");

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *row = json_array_get_object_element (cases, i);
      g_autoptr (HrModel) model = oracle_load_model_of (row, json_object_get_string_member (row, "model"));
      Buffers buffers = { { 0 } };

      g_print ("# %s %s\n", json_object_get_string_member (row, "source"),
               json_object_get_string_member (row, "model"));
      measure_on_gpus (model, NULL, json_object_get_object_member (row, "settings"),
                       json_object_get_int_member (row, "gpus"), 0, HR_GGML_BACKEND_CUDA, &buffers);
      compare_gpus (row, "model-buffers", buffers.model);
      compare_gpus (row, "kv", buffers.kv);
    }

  g_assert_cmpuint (json_array_get_length (cases), >=, 3);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/a_context_that_is_left_to_llama_cpp_is_as_long_as_it_makes_it",
                   test_contexts_are_as_long_as_the_log_says);
  g_test_add_func ("/oracle/buffers_are_those_of_the_log_of_llama_cpp", test_buffers_are_those_of_the_log);
  g_test_add_func ("/oracle/each_of_several_gpus_has_the_buffers_of_the_log_of_llama_cpp",
                   test_gpus_have_the_buffers_of_the_log);
  g_test_add_func ("/oracle/what_does_not_fit_is_moved_to_the_host_as_in_the_log_of_llama_cpp",
                   test_what_does_not_fit_is_moved_as_in_the_log);
  g_test_add_func ("/oracle/projectors_have_the_buffers_of_the_log_of_llama_cpp",
                   test_projectors_have_the_buffers_of_the_log);
  g_test_add_func ("/oracle/projectors_of_published_files_have_the_buffers_of_the_log_of_llama_cpp",
                   test_published_projectors_have_the_buffers_of_the_log);
  g_test_add_func ("/oracle/logs_of_other_builds_of_llama_cpp_have_the_same", test_logs_of_other_builds_have_the_same);

  g_test_add_func ("/oracle/logs_of_several_gpus_have_the_same_layers_on_each",
                   test_logs_of_several_gpus_have_the_same);

  return g_test_run ();
}
