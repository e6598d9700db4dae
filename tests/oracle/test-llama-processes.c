/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What whole processes of llama.cpp hold on GPUs: contexts of CUDA, what stands beside the buffers that llama.cpp told
 * when it ended, and loads of one model beside each other. Two figures of hr-cuda-context are read off these rows:
 * the line of contexts off those that have “gives”, and what kernels take off the middle of four machines, so that
 * each machine is held against the others as well.
 */

#include <math.h>

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
 * Whole processes: half of the GPUs are within MAX_MEDIAN. A prompt in one of five starts on 3080s, in which llama.cpp
 * took 0.3 to 2.1 GiB for what is not known here, leaves MIN_PERCENT within 400 MiB.
 */
#define MAX_MEDIAN 100
#define NEAR 400
#define MIN_PERCENT 85

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

/* What is used beside the buffers, but for the context: of one machine, or of all others. */
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
      double context = get_context (row);

      for (guint j = 0; g_strcmp0 (json_object_get_string_member (row, "machine"), machine) == 0 &&
                        j < json_array_get_length (used); j++)
        {
          double number = json_array_get_double_element (used, j) - json_array_get_double_element (buffers, j) -
                          context;

          g_array_append_val (numbers, number);
        }
    }

  return get_median (numbers);
}

static double
get_kernels_of_others (JsonArray  *loads,
                       const char *machine)
{
  static const char * const machines[] = { "epyc-7742", "four-3080", "xeon-w9-3595x" };
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < G_N_ELEMENTS (machines); i++)
    {
      double number = get_median_of_kernels (loads, machines[i]);

      if (!g_str_equal (machines[i], machine))
        g_array_append_val (numbers, number);
    }

  return get_median (numbers);
}

static void
add_load (JsonObject *row,
          double      beside,
          GArray     *errors,
          gboolean    prints)
{
  JsonArray *used = json_object_get_array_member (row, "used");
  JsonArray *buffers = json_object_get_array_member (row, "buffers");

  for (guint i = 0; i < json_array_get_length (used); i++)
    {
      double found = json_array_get_double_element (buffers, i) + beside;
      double expected = json_array_get_double_element (used, i);
      double error = fabs (found - expected);

      if (prints)
        g_print ("# %-28s %-48s %8.0f %8.0f MiB  %+.0f\n", json_object_get_string_member (row, "gpu"),
                 json_object_get_string_member (row, "load"), expected, found, found - expected);
      g_array_append_val (errors, error);
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
test_processes (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("llama-processes.json");
  JsonArray *loads = get_array (root, "loads");
  g_autoptr (GArray) errors = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) held_out = g_array_new (FALSE, FALSE, sizeof (double));
  double median;

  for (guint i = 0; i < json_array_get_length (loads); i++)
    {
      JsonObject *row = json_array_get_object_element (loads, i);
      const char *machine = json_object_get_string_member (row, "machine");
      g_autoptr (HrGpu) gpu = find_gpu (row);
      HrFramework framework;

      g_assert_true (hr_cuda_context_init_for_ggml (&framework, gpu));
      add_load (row, framework.context_bytes / MEBIBYTE, errors, TRUE);
      add_load (row, get_context (row) + get_kernels_of_others (loads, machine), held_out, FALSE);
    }

  median = get_median (errors);
  g_print ("# %u GPUs of %u loads: median %.0f MiB, %.0f %% within %d MiB; each machine by the others: %.0f MiB, "
           "%.0f %%\n", errors->len, json_array_get_length (loads), median, get_percent_near (errors), NEAR,
           get_median (held_out), get_percent_near (held_out));
  g_assert_cmpuint (errors->len, >=, 30);
  g_assert_cmpfloat (median, <=, MAX_MEDIAN);
  g_assert_cmpfloat (get_percent_near (errors), >=, MIN_PERCENT);
  g_assert_cmpfloat (get_percent_near (held_out), >=, MIN_PERCENT);
}

static double
get_buffers (HrModel    *model,
             const char *settings)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_auto (HrInferencePlan) pass = { 0 };
  g_auto (HrLlamaPlan) plan = { 0 };
  guint64 sizes[3][HR_GGML_MAX_PLACES] = { { 0 } }, elements[HR_GGML_MAX_PLACES] = { 0 };
  g_autoptr (GError) error = NULL;

  hr_job_set_all_from_string (job, settings, &error);
  g_assert_no_error (error);
  hr_inference_plan_init_pass (&pass, model, job, &error);
  g_assert_no_error (error);
  hr_llama_plan_init (&plan, &pass, HR_INFERENCE_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);
  hr_llama_plan_add_weights (&plan, sizes[0], elements);
  hr_llama_plan_add_cache (&plan, sizes[1]);
  hr_llama_plan_measure (&plan, sizes[2]);

  return (sizes[0][0] + sizes[1][0] + sizes[2][0]) / MEBIBYTE;
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
      double used = json_object_get_double_member (row, "used");
      double beside = used - get_buffers (model, settings);

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
