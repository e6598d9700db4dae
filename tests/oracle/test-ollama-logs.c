/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What Ollama chooses and what the server that it starts reserves, against what they wrote: the batch, the layers that
 * fit leaves on the GPU where so much is free, and each buffer. Before 0.30 it computed with llama.cpp in runners of
 * its own, which wrote the same lines.
 */

#include <math.h>

#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-llama-fit.h"

#include "oracle.h"

#define MEBIBYTE 1048576.0

/*
 * Weights are those of a file, which people make with releases of the quantizer that differ in single tensors. The
 * runners of winter 2025 had no room yet for vectors beside tokens, which b9272 has.
 */
#define MAX_WEIGHT_MEDIAN 0.01
#define MAX_WEIGHT_WORST 0.1
#define MAX_KV 0.001
#define MAX_COMPUTE_MEDIAN 0.01
#define MAX_COMPUTE_WORST 5.7

typedef enum
{
  TERM_WEIGHTS,
  TERM_KV,
  TERM_COMPUTE,
  TERM_SUM,
  N_TERMS,
} Term;

static HrModel *
load_model (JsonObject *row)
{
  return oracle_load_model_of (row, json_object_get_string_member (row, "model"));
}

/* Figures that are cut say no more than that they are not above what there is by a whole one. */
static void
compare (JsonObject *row,
         const char *key,
         Term        term,
         guint64     bytes,
         GArray    **errors)
{
  double expected, found = bytes / MEBIBYTE;
  gboolean is_cut = json_object_has_member (row, "is-cut");

  if (!json_object_has_member (row, key))
    return;

  expected = json_object_get_double_member (row, key);
  if (is_cut && floor (found) == expected)
    expected = found;
  g_print ("# %-100.100s %-14s %10.2f %10.2f MiB\n", json_object_get_string_member (row, "source"), key, expected,
           found);
  if (fabs (found - expected) <= 0.0101)
    oracle_errors_add (errors[term], 0);
  else
    oracle_errors_add (errors[term], 100 * (found / expected - 1));
}

static void
compare_buffers (JsonObject           *row,
                 const HrLlamaBuffers *buffers,
                 GArray              **errors)
{
  guint64 device = buffers->weights[0] + buffers->cache[0] + buffers->compute[0];
  guint64 host = buffers->weights[1] + buffers->cache[1] + buffers->compute[1];
  double output = json_object_has_member (row, "output") ? json_object_get_double_member (row, "output") : 0;

  compare (row, "device-model", TERM_WEIGHTS, buffers->weights[0], errors);
  compare (row, "host-model", TERM_WEIGHTS, buffers->weights[1], errors);
  compare (row, "device-kv", TERM_KV, buffers->cache[0], errors);
  compare (row, "host-kv", TERM_KV, buffers->cache[1], errors);
  compare (row, "device-compute", TERM_COMPUTE, buffers->compute[0], errors);
  compare (row, "host-compute", TERM_COMPUTE, buffers->compute[1], errors);
  compare (row, "device-sum", TERM_SUM, device, errors);
  compare (row, "all-sum", TERM_SUM, device + host + output * MEBIBYTE, errors);
}

static guint
count_layers (const HrLlamaPlan *plan)
{
  guint n = plan->output_place == 0;

  for (guint i = 0; i < plan->pass->stack->n_layers; i++)
    n += plan->layer_places[i] == 0;

  return n;
}

static void
judge_start (JsonObject  *row,
             HrEngine     engine,
             GArray     **errors)
{
  g_autoptr (HrModel) model = load_model (row);
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_INFERENCE, json_object_get_object_member (row, "settings"));
  g_autoptr (HrGpu) gpu = NULL;
  g_auto (HrInferencePlan) pass = { 0 };
  g_auto (HrLlamaPlan) plan = { 0 };
  HrLlamaBuffers buffers = { 0 };
  const guint64 beside[HR_GGML_MAX_PLACES] = { 0 };
  g_autoptr (GError) error = NULL;

  g_object_set (job, "engine", engine, NULL);
  if (json_object_has_member (row, "gpu"))
    gpu = hr_gpu_catalogue_lookup (json_object_get_string_member (row, "gpu"), &error);
  g_assert_no_error (error);
  hr_inference_plan_init_pass (&pass, model, job, &error);
  g_assert_no_error (error);
  hr_llama_plan_init (&plan, &pass, HR_INFERENCE_JOB (job), gpu, 1, &error);
  g_assert_no_error (error);
  if (json_object_has_member (row, "free"))
    hr_llama_fit (&plan, json_object_get_int_member (row, "free") * MEBIBYTE, beside);
  if (json_object_has_member (row, "batch"))
    g_assert_cmpuint (plan.ubatch, ==, json_object_get_int_member (row, "batch"));
  if (json_object_has_member (row, "layers"))
    g_assert_cmpuint (count_layers (&plan), ==, json_object_get_int_member (row, "layers"));

  hr_llama_plan_measure_all (&plan, &buffers);
  compare_buffers (row, &buffers, errors);
}

static void
judge_rows (JsonNode    *root,
            const char  *key,
            HrEngine     engine,
            GArray     **errors)
{
  JsonArray *rows = json_object_get_array_member (json_node_get_object (root), key);

  for (guint i = 0; i < json_array_get_length (rows); i++)
    judge_start (json_array_get_object_element (rows, i), engine, errors);

  g_print ("# %u %s\n", json_array_get_length (rows), key);
  g_assert_cmpuint (json_array_get_length (rows), >=, 7);
}

static void
test_logs (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("ollama-logs.json");
  GArray *errors[N_TERMS];

  for (guint i = 0; i < N_TERMS; i++)
    errors[i] = oracle_errors_new ();
  judge_rows (root, "starts", HR_ENGINE_OLLAMA, errors);
  judge_rows (root, "runners", HR_ENGINE_LLAMA_CPP, errors);

  oracle_errors_judge (errors[TERM_WEIGHTS], "model buffers", MAX_WEIGHT_MEDIAN, MAX_WEIGHT_WORST);
  oracle_errors_judge (errors[TERM_KV], "KV buffers", MAX_KV, MAX_KV);
  oracle_errors_judge (errors[TERM_COMPUTE], "compute buffers", MAX_COMPUTE_MEDIAN, MAX_COMPUTE_WORST);
  oracle_errors_judge (errors[TERM_SUM], "what Ollama adds up", MAX_COMPUTE_MEDIAN, MAX_COMPUTE_MEDIAN);
  for (guint i = 0; i < N_TERMS; i++)
    g_array_unref (errors[i]);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/what_ollama_chooses_and_reserves_is_what_its_logs_say", test_logs);

  return g_test_run ();
}
