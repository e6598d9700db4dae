/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What ExLlamaV3 keeps, how it spreads layers over GPUs, and what it refuses. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"

#define MODEL "meta-llama/Meta-Llama-3.1-8B-Instruct"
#define MIXTURE "Qwen/Qwen3-30B-A3B"
#define GPU "rtx-4090"
#define MIB (G_GUINT64_CONSTANT (1) << 20)

/* 32 layers, eight heads of 128 elements for keys and as many for values. */
#define TOKEN_ELEMENTS (G_GUINT64_CONSTANT (32) * 2 * 8 * 128)

static HrEstimate *
try_estimate (const char  *id,
              const char  *gpu_id,
              guint        n_gpus,
              const char  *settings,
              GError     **error)
{
  g_autofree char *all = g_strconcat ("engine=exllama ", settings, NULL);
  g_autoptr (HrModel) model = hr_model_new_from_id (id, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrGpu) gpu = gpu_id != NULL ? hr_gpu_catalogue_lookup (gpu_id, NULL) : NULL;
  g_autoptr (GError) own_error = NULL;

  hr_job_set_all_from_string (job, all, &own_error);
  g_assert_no_error (own_error);

  return hr_estimator_run (model, job, gpu, n_gpus, error);
}

static HrEstimate *
estimate (const char *id,
          const char *settings)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *found = try_estimate (id, GPU, 1, settings, &error);

  g_assert_no_error (error);

  return found;
}

static guint64
get_part (const char    *id,
          const char    *settings,
          HrComponentId  part)
{
  g_autoptr (HrEstimate) found = estimate (id, settings);

  return hr_estimate_get_component_bytes (found, part);
}

/* Whole pages of 256 tokens; a scale of 16 bits for each 32 elements of a quantized cache. */
static void
test_cache (void)
{
  static const struct
  {
    const char *settings;
    guint64 tokens;
    double bits;
  } rows[] = {
    { "prompt-length=1000 output-length=24", 1024, 16 },
    { "prompt-length=1000 output-length=25", 1280, 16 },
    { "prompt-length=1000 output-length=25 batch-size=3", 3 * 1280, 16 },
    { "prompt-length=1000 output-length=25 batch-size=3 max-num-seqs=2", 2 * 1280, 16 },
    { "prompt-length=1000 max-total-tokens=8000", 8192, 16 },
    { "prompt-length=1000 max-model-len=4096", 4096, 16 },
    { "prompt-length=1000 max-model-len=4096 max-total-tokens=8192 cache-mode=8,8", 8192, 8.5 },
    { "prompt-length=1000 max-total-tokens=8192 cache-mode=Q4", 8192, 4.5 },
    { "prompt-length=1000 max-total-tokens=8192 cache-mode=6,3", 8192, 5 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].settings);
      g_assert_cmpuint (get_part (MODEL, rows[i].settings, HR_COMPONENT_KV_CACHE), ==,
                        rows[i].tokens * TOKEN_ELEMENTS * rows[i].bits / 8);
    }
}

/* A prompt has a quantized cache expanded: all of it, of one layer (EXL3_QC_STAGING). */
static void
test_expanded_cache (void)
{
  const char *settings = "prompt-length=4000 max-total-tokens=65536 cache-mode=";
  g_autofree char *plain = g_strconcat (settings, "FP16", NULL);
  g_autofree char *quantized = g_strconcat (settings, "8,8", NULL);

  g_assert_cmpuint (get_part (MODEL, quantized, HR_COMPONENT_TEMPORARY) -
                    get_part (MODEL, plain, HR_COMPONENT_TEMPORARY), ==, 65536 * TOKEN_ELEMENTS / 32 * 2);
}

/* The elements of all matrices but the head, and what of them an average of bits comes to. */
static void
test_bits (void)
{
  const guint64 layer = 4096 * (4096 + 2 * 1024 + 4096 + 3 * 14336);
  const guint64 signs = 2 * (4096 + 4096 + 2 * (4096 + 1024) + 4096 + 4096 + 3 * (4096 + 14336));
  const guint64 head = 4096 * G_GUINT64_CONSTANT (128256);
  const guint64 norms = 2 * 4096;
  static const struct
  {
    const char *settings;
    double bits;
    guint head_bits;
  } rows[] = {
    { "quantization=exl3", 4, 6 },
    { "quantization=exl3 bits-per-weight=3", 3, 6 },
    { "quantization=exl3 bits-per-weight=8 head-bits=8", 8, 8 },
    { "quantization=exl3 bits-per-weight=1 head-bits=16", 1, 16 },
    { "quantization=exl3 bits-per-weight=2.25", 2.25, 6 },
    { "quantization=exl3 bits-per-weight=4.65", 4.65, 6 },
    { "bits-per-weight=3.5", 3.5, 6 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      guint64 found = get_part (MODEL, rows[i].settings, HR_COMPONENT_WEIGHTS);
      guint64 rest = 32 * (signs + 2 * norms) + norms + head * rows[i].head_bits / 8 +
                     (rows[i].head_bits < 16 ? 2 * (4096 + 128256) : 0);
      guint64 expected = 32 * layer * rows[i].bits / 8 + rest;

      g_test_message ("%s: %" G_GUINT64_FORMAT, rows[i].settings, found);
      /* What is left of an average is less than a group of matrices has. */
      g_assert_cmpuint (found, <=, expected);
      g_assert_cmpuint (found, >=, expected - (rows[i].bits > (guint) rows[i].bits ? 2 * 4096 * 4096 / 8 : 0));
    }
}

/* The head stands beside the table that it is tied to, which the host keeps. */
static void
test_tied_head (void)
{
  const guint64 head = 2560 * G_GUINT64_CONSTANT (151936);

  g_assert_cmpuint (get_part ("Qwen/Qwen3-4B", "quantization=exl3 head-bits=8", HR_COMPONENT_WEIGHTS) -
                    get_part ("Qwen/Qwen3-4B", "quantization=exl3 head-bits=4", HR_COMPONENT_WEIGHTS), ==, head / 2);
}

/* A chunk goes through each layer as it is loaded, so that short prompts need as much; smaller chunks do not. */
static void
test_chunk (void)
{
  g_autoptr (HrEstimate) brief = estimate (MODEL, "quantization=exl3 prompt-length=16 max-total-tokens=4096");
  g_autoptr (HrEstimate) smaller = estimate (MODEL, "quantization=exl3 prompt-length=16 max-total-tokens=4096 "
                                             "max-num-batched-tokens=512");
  g_autoptr (HrEstimate) full = estimate (MODEL, "quantization=exl3 prompt-length=3000 max-total-tokens=4096");

  g_assert_cmpint (hr_estimate_get_peak_phase (brief), ==, HR_PHASE_LOAD);
  g_assert_cmpint (hr_estimate_get_peak_phase (full), ==, HR_PHASE_PREFILL);
  g_assert_cmpuint (hr_estimate_get_component_bytes (brief, HR_COMPONENT_ACTIVATIONS), ==,
                    hr_estimate_get_component_bytes (full, HR_COMPONENT_ACTIVATIONS));
  g_assert_cmpuint (hr_estimate_get_device_bytes (smaller, 0), <, hr_estimate_get_device_bytes (brief, 0));
}

/* GatedMLP.forward of 2,048 tokens: fp32 gate and up, what is activated, both residuals, and the expanded matrix. */
static void
test_perceptron (void)
{
  const guint64 tokens = 2048, hidden = 4096, inner = 14336;

  g_assert_cmpuint (get_part (MODEL, "prompt-length=3000 quantization=exl3", HR_COMPONENT_ACTIVATIONS), ==,
                    tokens * inner * (4 + 4 + 2) + tokens * hidden * (4 + 4 + 2 + 4) + hidden * inner * 2);
  /* Up to 0.0.4 all of that was fp16, and the input transformed. */
  g_assert_cmpuint (get_part (MODEL, "prompt-length=3000 quantization=exl3 exllama-release=0.0.3",
                              HR_COMPONENT_ACTIVATIONS), ==,
                    tokens * inner * (2 + 2 + 2) + tokens * hidden * (2 + 2 + 2) + hidden * inner * 2);
}

/* GPU 0 is filled but for what is to stay free, and the others come after it. */
static void
test_split (void)
{
  const char *settings = "quantization=exl3 bits-per-weight=4 prompt-length=4000 ";
  g_autofree char *more = g_strconcat (settings, "autosplit-reserve=4096", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = try_estimate ("meta-llama/Meta-Llama-3.1-70B-Instruct", GPU, 2, settings, &error);
  g_autoptr (HrEstimate) less = try_estimate ("meta-llama/Meta-Llama-3.1-70B-Instruct", GPU, 2, more, &error);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (GPU, NULL);

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_n_devices (found), ==, 2);
  g_assert_cmpuint (hr_estimate_get_device_bytes (found, 0), <=, hr_gpu_get_usable_memory (gpu) - 96 * MIB);
  g_assert_cmpuint (hr_estimate_get_device_bytes (found, 0), >, hr_gpu_get_usable_memory (gpu) - 1024 * MIB);
  g_assert_cmpuint (hr_estimate_get_device_bytes (found, 0), >, hr_estimate_get_device_bytes (found, 1));
  g_assert_cmpuint (hr_estimate_get_device_bytes (less, 0), <=, hr_gpu_get_usable_memory (gpu) - 4096 * MIB);
  g_assert_cmpuint (hr_estimate_get_device_bytes (less, 1), >, hr_estimate_get_device_bytes (found, 1));
}

/* 128 experts of three matrices of 2,048 by 768 in each layer. */
static void
test_host_experts (void)
{
  const guint64 layer = 128 * 3 * (2048 * 768 / 2 + 2 * (2048 + 768));
  guint64 all = get_part (MIXTURE, "quantization=exl3", HR_COMPONENT_WEIGHTS);

  g_assert_cmpuint (all - get_part (MIXTURE, "quantization=exl3 n-cpu-moe=5", HR_COMPONENT_WEIGHTS), ==, 5 * layer);
  g_assert_cmpuint (all - get_part (MIXTURE, "quantization=exl3 n-cpu-moe=999", HR_COMPONENT_WEIGHTS), ==, 48 * layer);
}

static void
test_refused (void)
{
  static const struct
  {
    const char *model;
    const char *gpu;
    const char *settings;
    const char *sentence;
  } rows[] = {
    { MODEL, "m4-max-64gb", "", "engine: expected a GPU of NVIDIA, of the Ampere generation or later" },
    { MODEL, "t4", "", "engine: expected a GPU of NVIDIA, of the Ampere generation or later" },
    { MODEL, GPU, "quantization=bnb-nf4", "quantization: expected exl3 or none beside ExLlamaV3" },
    { MODEL, GPU, "cache-mode=9,9", "cache-mode: expected FP16" },
    { MODEL, GPU, "cache-mode=8", "cache-mode: expected FP16" },
    { MODEL, GPU, "quantization=exl3 bits-per-weight=0.5", "bits-per-weight: expected 0, or 1 to 8" },
    { MODEL, GPU, "quantization=exl3 head-bits=12", "head-bits: expected 0 to 8, or 16" },
    { MODEL, GPU, "beams=2", "engine: expected transformers beside beams" },
    { MODEL, GPU, "prompt-length=5000 max-total-tokens=4096", "max-total-tokens: expected at least" },
    { "deepseek-ai/DeepSeek-V3", GPU, "", "engine: expected transformers for " },
    { "state-spaces/mamba-2.8b-hf", GPU, "", "engine: expected transformers for " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = try_estimate (rows[i].model, rows[i].gpu, 1, rows[i].settings, &error);

      g_test_message ("%s", rows[i].settings);
      g_assert_null (found);
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_prefix (error->message, rows[i].sentence));
    }
}

/* A config of a model that has been converted: its own bits count, and no others. */
static void
test_converted (void)
{
  static const char config[] =
    "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"hidden_size\": 2048, "
    "\"intermediate_size\": 8192, \"num_hidden_layers\": 16, \"num_attention_heads\": 32, "
    "\"num_key_value_heads\": 8, \"vocab_size\": 128256, \"tie_word_embeddings\": false, "
    "\"torch_dtype\": \"bfloat16\", \"quantization_config\": {\"quant_method\": \"exl3\", "
    "\"version\": \"0.0.6\", \"bits\": 2.5, \"head_bits\": 8, \"calibration\": {\"rows\": 100, \"cols\": 2048}, "
    "\"out_scales\": \"auto\"}}";
  const guint64 matrices = G_GUINT64_CONSTANT (16) * 2048 * (2 * 2048 + 2 * 512 + 3 * 8192);
  const guint64 head = 2048 * G_GUINT64_CONSTANT (128256);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, strlen (config), "config.json", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrEstimate) found = NULL, other = NULL;
  guint64 weights;

  g_assert_no_error (error);
  g_assert_cmpint (hr_model_get_quantization (model), ==, HR_QUANTIZATION_EXL3);
  hr_job_set_all_from_string (job, "engine=exllama", &error);
  g_assert_no_error (error);
  found = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  weights = hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS);
  g_assert_cmpuint (weights, <, matrices * 5 / 16 + head + 8 * MIB);
  g_assert_cmpuint (weights, >, matrices * 5 / 16 + head - 2 * MIB);

  hr_job_set_all_from_string (job, "bits-per-weight=4", &error);
  g_assert_no_error (error);
  other = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_null (other);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
}

/* Other engines do not compute with what is ExLlamaV3's. */
static void
test_others (void)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (MODEL, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = NULL;

  g_object_set (job, "quantization", HR_QUANTIZATION_EXL3, NULL);
  found = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_null (found);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "engine exllama"));
}

/* Cases of every kind of layer that is taken, so that none of them leaves a buffer behind. */
static void
test_kinds (void)
{
  static const char * const models[] = {
    "mistralai/Mixtral-8x7B-v0.1", "microsoft/Phi-3-mini-4k-instruct", "google/gemma-2-9b", "google/gemma-3-27b-it",
    "CohereForAI/c4ai-command-r-plus", "nvidia/Llama-3_3-Nemotron-Super-49B-v1", "zai-org/GLM-4.5-Air",
    "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-8B",
  };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (HrEstimate) found = NULL;

      g_test_message ("%s", models[i]);
      found = estimate (models[i], "quantization=exl3 cache-mode=8,8");
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_ACTIVATIONS), >, 0);
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_ACTIVATIONS), <,
                        hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/exllama/the_cache_has_whole_pages", test_cache);
  g_test_add_func ("/exllama/a_prompt_expands_a_quantized_cache", test_expanded_cache);
  g_test_add_func ("/exllama/matrices_have_the_bits_of_an_average", test_bits);
  g_test_add_func ("/exllama/a_tied_head_stands_beside_its_table", test_tied_head);
  g_test_add_func ("/exllama/a_chunk_is_tried_when_layers_are_loaded", test_chunk);
  g_test_add_func ("/exllama/a_perceptron_makes_what_its_function_makes", test_perceptron);
  g_test_add_func ("/exllama/layers_fill_one_gpu_after_the_other", test_split);
  g_test_add_func ("/exllama/the_host_keeps_experts", test_host_experts);
  g_test_add_func ("/exllama/what_it_has_not_is_refused", test_refused);
  g_test_add_func ("/exllama/a_converted_model_has_its_own_bits", test_converted);
  g_test_add_func ("/exllama/its_format_is_its_own", test_others);
  g_test_add_func ("/exllama/layers_of_each_kind_are_computed", test_kinds);

  return g_test_run ();
}
