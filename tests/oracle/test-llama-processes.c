/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What whole processes of llama.cpp hold on GPUs: contexts of CUDA, what stands beside the buffers that llama.cpp told
 * when it ended, and loads of one model beside each other. Two figures of hr-cuda-context are read off these rows:
 * the line of contexts off those that have “gives”, and what kernels take off the middle of four machines, so that
 * each machine is held against the others as well.
 */

#include <math.h>
#include <string.h>

#include "hr-cuda-context.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-llama-plan.h"

#include "oracle.h"

#define MEBIBYTE 1048576.0

/* Contexts that the line is of, and others, in MiB. */
#define MAX_GIVING 20
#define MAX_OTHER 90

/*
 * Whole processes: half of the GPUs are within MAX_MEDIAN, and MIN_PERCENT within NEAR MiB. Others hold less: the pool
 * is counted as prompts of all slots leave it, and one user of four slots had not filled it.
 */
#define MAX_MEDIAN 100
#define NEAR 400
#define MIN_PERCENT 94

/* The driver gives each of three buffers in steps of 2 MiB. */
#define MAX_STEPS 6

static HrGpu *
find_gpu (JsonObject *row)
{
  g_autoptr (GError) error = NULL;
  HrGpu *gpu = hr_gpu_catalogue_lookup (json_object_get_string_member (row, "gpu"), &error);

  g_assert_no_error (error);

  return gpu;
}

static JsonArray *
get_array (JsonNode   *root,
           const char *name)
{
  return json_object_get_array_member (json_node_get_object (root), name);
}

static double
get_context (JsonObject *row)
{
  g_autoptr (HrGpu) gpu = find_gpu (row);
  guint64 bytes = 0;

  g_assert_true (hr_cuda_context_get_bytes (gpu, &bytes));

  return bytes / MEBIBYTE;
}

static void
test_contexts (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("llama-processes.json");
  JsonArray *rows = get_array (root, "contexts");

  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      gboolean gives = json_object_has_member (row, "gives");
      double expected = json_object_get_double_member (row, "mebibytes");
      double found = get_context (row);

      g_print ("# %-60s %-28s %6.0f %6.0f MiB  %+.0f%s\n", json_object_get_string_member (row, "source"),
               json_object_get_string_member (row, "gpu"), expected, found, found - expected,
               gives ? "" : "  held out");
      g_assert_cmpfloat (fabs (found - expected), <=, gives ? MAX_GIVING : MAX_OTHER);
    }
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double first = *(const double *) a, second = *(const double *) b;

  return (first > second) - (first < second);
}

static double
get_median (GArray *numbers)
{
  g_assert_cmpuint (numbers->len, >, 0);
  g_array_sort (numbers, compare_doubles);

  return (g_array_index (numbers, double, (numbers->len - 1) / 2) +
          g_array_index (numbers, double, numbers->len / 2)) / 2;
}

static void
measure (HrModel        *model,
         const char     *settings,
         HrGpu          *gpu,
         guint           n_gpus,
         HrLlamaBuffers *buffers)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_auto (HrInferencePlan) pass = { 0 };
  g_auto (HrLlamaPlan) plan = { 0 };
  g_autoptr (GError) error = NULL;

  hr_job_set_all_from_string (job, settings, &error);
  g_assert_no_error (error);
  hr_inference_plan_init_pass (&pass, model, job, &error);
  g_assert_no_error (error);
  hr_llama_plan_init (&plan, &pass, HR_INFERENCE_JOB (job), gpu, n_gpus, &error);
  g_assert_no_error (error);
  hr_llama_plan_measure_all (&plan, buffers);
}

/* One that has only started has nothing in the pool of CUDA yet. */
static void
measure_row (JsonObject     *row,
             guint           n_gpus,
             HrLlamaBuffers *buffers)
{
  g_autoptr (HrModel) model = oracle_load_model_of (row, json_object_get_string_member (row, "model"));
  g_autoptr (HrGpu) gpu = find_gpu (row);

  measure (model, json_object_get_string_member (row, "settings"), gpu, n_gpus, buffers);
  if (json_object_has_member (row, "state"))
    memset (buffers->pools, 0, sizeof buffers->pools);
}

/* What stands on each GPU beside the buffers, the context and the kernels: the pool of CUDA, and entries of pages. */
static void
get_known (JsonObject *row,
           double     *known)
{
  guint n = json_array_get_length (json_object_get_array_member (row, "used"));
  guint64 pinned = json_object_get_double_member_with_default (row, "pinned", 0) * MEBIBYTE;
  HrLlamaBuffers buffers = { 0 };

  if (json_object_has_member (row, "model"))
    measure_row (row, json_object_get_int_member_with_default (row, "gpus", n), &buffers);
  for (guint i = 0; i < n; i++)
    known[i] = (buffers.pools[i] + hr_cuda_context_get_page_bytes (pinned)) / MEBIBYTE;
}

/* What is used beside the buffers, but for the context and what is known: of one machine. */
static double
get_median_of_kernels (JsonArray  *loads,
                       const char *machine)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < json_array_get_length (loads); i++)
    {
      JsonObject *row = json_array_get_object_element (loads, i);
      JsonArray *used = json_object_get_array_member (row, "used");
      JsonArray *buffers = json_object_get_array_member (row, "buffers");
      double context = get_context (row), known[HR_GGML_MAX_PLACES] = { 0 };

      if (!g_str_equal (json_object_get_string_member (row, "machine"), machine))
        continue;
      get_known (row, known);
      for (guint j = 0; j < json_array_get_length (used); j++)
        {
          double number = json_array_get_double_element (used, j) - json_array_get_double_element (buffers, j) -
                          context - known[j];

          g_array_append_val (numbers, number);
        }
    }

  return get_median (numbers);
}

static double
get_kernels_of_others (JsonArray  *loads,
                       const char *machine)
{
  static const char * const machines[] = { "epyc-7742", "four-3080", "xeon-w9-3595x", "another" };
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < G_N_ELEMENTS (machines); i++)
    {
      double number;

      if (g_str_equal (machines[i], machine))
        continue;
      number = get_median_of_kernels (loads, machines[i]);
      g_array_append_val (numbers, number);
    }

  return get_median (numbers);
}

static void
note (JsonObject *row,
      const char *what,
      double      found,
      double      expected,
      GArray     *errors)
{
  double error = fabs (found - expected);

  g_print ("# %-28s %-48s %8.0f %8.0f MiB  %+.0f\n", json_object_get_string_member (row, "gpu"), what, expected, found,
           found - expected);
  g_array_append_val (errors, error);
}

static void
add_load (JsonObject *row,
          double      beside,
          GArray     *errors)
{
  JsonArray *used = json_object_get_array_member (row, "used");
  JsonArray *buffers = json_object_get_array_member (row, "buffers");
  double known[HR_GGML_MAX_PLACES] = { 0 };

  get_known (row, known);
  for (guint i = 0; i < json_array_get_length (used); i++)
    note (row, json_object_get_string_member (row, "load"),
          json_array_get_double_element (buffers, i) + beside + known[i], json_array_get_double_element (used, i),
          errors);
}

/* A process of which only the whole is known: the buffers are estimated as well. */
static void
add_process (JsonObject *row,
             double      beside,
             GArray     *errors)
{
  JsonArray *used = json_object_get_array_member (row, "used");
  guint n = json_array_get_length (used);
  HrLlamaBuffers buffers = { 0 };

  measure_row (row, n, &buffers);
  for (guint i = 0; i < n; i++)
    {
      guint64 bytes = buffers.weights[i] + buffers.cache[i] + buffers.compute[i] + buffers.pools[i] +
                      hr_cuda_context_get_page_bytes (buffers.cache[n] + buffers.compute[n]);

      note (row, json_object_get_string_member (row, "model"), bytes / MEBIBYTE + beside,
            json_array_get_double_element (used, i), errors);
    }
}

static double
get_percent_near (GArray *errors)
{
  guint n = 0;

  for (guint i = 0; i < errors->len; i++)
    n += g_array_index (errors, double, i) < NEAR;

  return 100.0 * n / errors->len;
}

static void
judge (GArray     *errors,
       const char *what)
{
  double median = get_median (errors), percent = get_percent_near (errors);

  g_print ("# %s: %u GPUs, median %.0f MiB, %.0f %% within %d MiB\n", what, errors->len, median, percent, NEAR);
  g_assert_cmpfloat (median, <=, MAX_MEDIAN);
  g_assert_cmpfloat (percent, >=, MIN_PERCENT);
}

static void
test_processes (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("llama-processes.json");
  JsonArray *loads = get_array (root, "loads"), *processes = get_array (root, "processes");
  g_autoptr (GArray) errors = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) held_out = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < json_array_get_length (loads); i++)
    {
      JsonObject *row = json_array_get_object_element (loads, i);
      const char *machine = json_object_get_string_member (row, "machine");
      g_autoptr (HrGpu) gpu = find_gpu (row);
      HrFramework framework;

      g_assert_true (hr_cuda_context_init_for_ggml (&framework, gpu));
      add_load (row, framework.context_bytes / MEBIBYTE, errors);
      add_load (row, get_context (row) + get_kernels_of_others (loads, machine), held_out);
    }
  for (guint i = 0; i < json_array_get_length (processes); i++)
    {
      JsonObject *row = json_array_get_object_element (processes, i);
      g_autoptr (HrGpu) gpu = find_gpu (row);
      HrFramework framework;

      g_assert_true (hr_cuda_context_init_for_ggml (&framework, gpu));
      add_process (row, framework.context_bytes / MEBIBYTE, errors);
    }

  judge (errors, "all");
  judge (held_out, "each machine by the others");
  g_assert_cmpuint (errors->len, >=, 30);
}

/* Beside the buffers stands the same, however many layers the GPU has: less without any, as no kernels have run. */
static void
test_series (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("llama-processes.json");
  JsonObject *series = json_object_get_object_member (json_node_get_object (root), "series");
  g_autoptr (HrModel) model = oracle_load_model_of (series, json_object_get_string_member (series, "model"));
  JsonArray *rows = json_object_get_array_member (series, "rows");
  double least = G_MAXDOUBLE, most = 0;

  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      gint64 n_layers = json_object_get_int_member (row, "gpu-layers");
      g_autofree char *settings = g_strdup_printf ("engine=llama.cpp llama-release=b4500 flash-attention=off "
                                                   "max-num-seqs=1 max-num-batched-tokens=512 quantization=%s "
                                                   "gpu-layers=%" G_GINT64_FORMAT " max-model-len=%" G_GINT64_FORMAT,
                                                   json_object_get_string_member (series, "quantization"), n_layers,
                                                   json_object_get_int_member (row, "max-model-len"));
      double used = json_object_get_double_member (row, "used"), beside;
      HrLlamaBuffers buffers = { 0 };

      measure (model, settings, NULL, 1, &buffers);
      beside = used - (buffers.weights[0] + buffers.cache[0] + buffers.compute[0]) / MEBIBYTE;

      g_print ("# %2" G_GINT64_FORMAT " layers: %6.0f MiB, beside the buffers %.1f MiB\n", n_layers, used, beside);
      if (n_layers == 0)
        continue;
      least = MIN (least, beside);
      most = MAX (most, beside);
    }

  g_assert_cmpfloat (most - least, <=, MAX_STEPS);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/contexts_of_cuda_grow_with_the_multiprocessors", test_contexts);
  g_test_add_func ("/oracle/whole_processes_of_llama_cpp_hold_what_is_estimated", test_processes);
  g_test_add_func ("/oracle/what_stands_beside_the_buffers_does_not_grow_with_the_layers", test_series);

  return g_test_run ();
}
