/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Layers that stand for all are held against all: where the buffers are said to be those of all layers, they are. Both
 * are built and planned by the same functions, which tests/oracle holds against llama.cpp's logs.
 */

#include "hr-inference-job.h"
#include "hr-llama-graph.h"

#define MAX_TURNS 3

/* Layers that are all alike, that take turns, that keep states, whose first ones have no experts, of mixed types. */
static const char * const models[] = {
  "Qwen/Qwen2.5-7B-Instruct",    "Qwen/Qwen3-30B-A3B",    "deepseek-ai/DeepSeek-R1", "google/gemma-3-4b-it",
  "tiiuae/falcon-mamba-7b",      "openai/gpt-oss-20b",    "microsoft/phi-2",         "Qwen/Qwen3-Next-80B-A3B-Instruct",
  "zai-org/GLM-4.5-Air",
};

static const char * const settings[] = {
  "quantization=q8_0",
  "quantization=q4_k_m",
  "quantization=q4_k_m gpu-layers=13",
  "quantization=q4_k_m gpu-layers=17 op-offload=false",
  "quantization=q4_k_m n-cpu-moe=20",
  "quantization=q4_k_m kv-offload=false flash-attention=off",
  "quantization=q4_k_m override-tensor=blk\\.[0-9]\\.ffn=CPU",
};

static const guint64 token_counts[] = { 1, 512 };

static gboolean
measure (const HrLlamaPlan   *plan,
         const HrLlamaLayers *layers,
         guint64              n_tokens,
         guint                n_copies,
         guint64             *bytes)
{
  const HrGgmlSchedule schedule = {
    .n_devices = plan->n_devices, .offloads = plan->has_offload, .n_copies = n_copies, .kernels = { .has_tiles = TRUE },
  };
  g_autoptr (HrGgmlGraph) graph = hr_llama_graph_new (plan, layers, n_tokens, n_tokens);

  return hr_ggml_schedule_measure (&schedule, graph, bytes);
}

/* Returns how many layers were needed at the least. */
static guint
compare (const HrLlamaPlan *plan,
         guint64            n_tokens,
         guint              n_copies)
{
  g_autoptr (HrLlamaLayers) all = hr_llama_layers_new_all (plan);
  guint64 expected[HR_GGML_MAX_PLACES] = { 0 };
  guint least = all->layers->len;

  g_assert_true (measure (plan, all, n_tokens, n_copies, expected));
  for (guint i = 1; i <= MAX_TURNS; i++)
    {
      for (HrLlamaLikeness likeness = 0; likeness <= HR_LLAMA_LIKENESS_TYPES; likeness++)
        {
          g_autoptr (HrLlamaLayers) some = hr_llama_layers_new (plan, likeness, i);
          guint64 found[HR_GGML_MAX_PLACES] = { 0 };

          if (!measure (plan, some, n_tokens, n_copies, found))
            continue;
          for (guint j = 0; j <= plan->n_devices; j++)
            g_assert_cmpuint (found[j], ==, expected[j]);
          least = MIN (least, some->layers->len);
        }
    }

  return least;
}

static guint
compare_plan (HrModel    *model,
              const char *text,
              guint       n_gpus,
              guint      *n_all)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_auto (HrInferencePlan) pass = { 0 };
  g_auto (HrLlamaPlan) plan = { 0 };
  g_autoptr (GError) error = NULL;
  guint n = 0;

  g_object_set (job, "engine", HR_ENGINE_LLAMA_CPP, "max-model-len", G_GUINT64_CONSTANT (4096), NULL);
  hr_job_set_all_from_string (job, text, &error);
  g_assert_no_error (error);
  hr_inference_plan_init_pass (&pass, model, job, &error);
  g_assert_no_error (error);
  hr_llama_plan_init (&plan, &pass, HR_INFERENCE_JOB (job), NULL, n_gpus, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (token_counts); i++)
    {
      n += compare (&plan, token_counts[i], 1) + compare (&plan, token_counts[i], 4);
      *n_all += 2 * plan.pass->stack->n_layers;
    }

  return n;
}

static void
test_layers (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (data, &error);
  guint n = 0, n_all = 0;

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      for (guint n_gpus = 1; n_gpus <= 3; n_gpus += 2)
        n += compare_plan (model, settings[i], n_gpus, &n_all);
    }

  g_test_message ("%u layers of %u", n, n_all);
  g_assert_cmpuint (n, <, n_all);
}

/* Copies of weights are as large as their types, which those that are left out need not have. */
static void
test_types (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (models[0], &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_auto (HrInferencePlan) pass = { 0 };
  g_auto (HrLlamaPlan) plan = { 0 };
  g_autoptr (HrLlamaLayers) layers = NULL;
  guint64 bytes[HR_GGML_MAX_PLACES] = { 0 };

  g_assert_no_error (error);
  hr_job_set_all_from_string (job, "engine=llama.cpp quantization=q4_k_m gpu-layers=0 max-model-len=4096", &error);
  g_assert_no_error (error);
  hr_inference_plan_init_pass (&pass, model, job, &error);
  hr_llama_plan_init (&plan, &pass, HR_INFERENCE_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);
  layers = hr_llama_layers_new (&plan, HR_LLAMA_LIKENESS_PLACES, 1);
  g_assert_cmpuint (layers->layers->len, <, plan.pass->stack->n_layers);
  g_assert_false (measure (&plan, layers, 512, 1, bytes));
  g_assert_cmpuint (bytes[1], ==, 0);
  g_assert_true (measure (&plan, layers, 1, 1, bytes));
  g_assert_cmpuint (bytes[1], >, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autofree char *path = g_strdup_printf ("/llama-layers/some_stand_for_all/%s", models[i]);

      g_test_add_data_func (path, models[i], test_layers);
    }
  g_test_add_func ("/llama-layers/copies_of_weights_need_the_types_of_all", test_types);

  return g_test_run ();
}
