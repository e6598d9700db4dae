/* SPDX-License-Identifier: GPL-3.0-or-later */

/* LMDeploy and TensorRT-LLM: the share that their caches take of what is free, what a block has, what is refused. */

#include <string.h>

#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-model.h"

#define MODEL "Qwen/Qwen2.5-7B-Instruct"

/* Keys and values of a token: 28 layers of 4 heads of 128. */
#define TOKEN_ELEMENTS (28 * 2 * 4 * 128)

static HrEstimate *
estimate_model (const char  *id,
                const char  *gpu_id,
                const char  *settings,
                GError     **error)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (id, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrGpu) gpu = gpu_id != NULL ? hr_gpu_catalogue_lookup (gpu_id, NULL) : NULL;
  g_auto (GStrv) words = g_strsplit (settings, " ", -1);

  for (guint i = 0; words[i] != NULL && words[i][0] != '\0'; i++)
    {
      g_auto (GStrv) pair = g_strsplit (words[i], "=", 2);
      g_autoptr (GError) own_error = NULL;

      hr_job_set_from_string (job, pair[0], pair[1], &own_error);
      g_assert_no_error (own_error);
    }

  return hr_estimator_run (model, job, gpu, 1, error);
}

static guint64
get_bytes (const char    *gpu,
           const char    *settings,
           HrComponentId  id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model (MODEL, gpu, settings, &error);

  g_assert_no_error (error);

  return hr_estimate_get_component_bytes (found, id);
}

/* What CUDA says that there is. */
static guint64
get_memory (void)
{
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("a100-sxm4-80gb", NULL);

  return hr_gpu_get_usable_memory (gpu);
}

/* BlockManager::GetBlockCount: whole blocks of a share of what context, weights and workspaces leave. */
static void
test_turbomind_takes_a_share_of_what_is_free (void)
{
  const guint64 block = 64 * TOKEN_ELEMENTS * 2;
  const guint64 workspace = (33 << 20) + 4096 * 28 * (128 + 3) * 4;
  guint64 context = get_bytes ("a100-sxm4-80gb", "engine=lmdeploy", HR_COMPONENT_FRAMEWORK);
  guint64 weights = get_bytes ("a100-sxm4-80gb", "engine=lmdeploy", HR_COMPONENT_WEIGHTS);
  guint64 free_bytes = get_memory () - context - weights - workspace;

  g_assert_cmpuint (get_bytes ("a100-sxm4-80gb", "engine=lmdeploy", HR_COMPONENT_KV_CACHE), ==,
                    (guint64) (0.8 * free_bytes) / block * block);
  g_assert_cmpuint (get_bytes ("a100-sxm4-80gb", "engine=lmdeploy cache-max-entry-count=0.5", HR_COMPONENT_KV_CACHE),
                    ==, (guint64) (0.5 * free_bytes) / block * block);
}

/* Up to 0.2.1 it is a share of all memory, whatever the weights leave, in blocks of 128 tokens. */
static void
test_old_releases_take_a_share_of_all_memory (void)
{
  const guint64 block = 128 * TOKEN_ELEMENTS * 2;

  g_assert_cmpuint (get_bytes ("a100-sxm4-80gb", "engine=lmdeploy lmdeploy-release=0.2 cache-max-entry-count=0.5",
                               HR_COMPONENT_KV_CACHE),
                    ==, get_memory () / 2 / block * block);
}

/* Blocks as logs have them: 9.000 MB of Qwen3-8B (InternLM/lmdeploy#3825); 64 MB of 128 tokens of Llama. */
static void
test_blocks_are_as_large_as_logs_say (void)
{
  static const struct
  {
    const char *model;
    const char *settings;
    double bytes;
  } rows[] = {
    { "Qwen/Qwen3-8B", "engine=lmdeploy quantization=awq-int4 dtype=float16", 9.0 * (1 << 20) },
    { "meta-llama/Llama-2-7b-hf", "engine=lmdeploy lmdeploy-release=0.2", 64.0 * (1 << 20) },
    { MODEL, "engine=lmdeploy kv-cache-dtype=int8", 28 * 2 * 4 * (128 + 4) * 64 },
    { MODEL, "engine=lmdeploy kv-cache-dtype=int4", 28 * 2 * 4 * (64 + 4) * 64 },
    { MODEL, "engine=lmdeploy lmdeploy-backend=pytorch kv-cache-dtype=float8", 28 * 2 * 4 * 128 * 64 },
    { "openai/gpt-oss-120b", "engine=tensorrt-llm quantization=mxfp4", 73728 * 32 },
    { "deepseek-ai/DeepSeek-R1", "engine=tensorrt-llm quantization=fp8 kv-cache-dtype=float8", 35136 * 32 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *settings = g_strconcat (rows[i].settings, " prompt-length=1 output-length=0", NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model (rows[i].model, NULL, settings, &error);

      g_assert_no_error (error);
      g_assert_cmpfloat (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE), ==, rows[i].bytes);
    }
}

/* TurboMind copies a head that is the table of tokens: 494,032,768 parameters, and 151,936 rows of 896 once more. */
static void
test_turbomind_copies_a_tied_head (void)
{
  const double bytes = 2.0 * (494032768 + 151936 * 896);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model ("Qwen/Qwen2.5-0.5B-Instruct", NULL, "engine=lmdeploy", &error);

  g_assert_no_error (error);
  g_assert_cmpfloat_with_epsilon (hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS), bytes, 2 << 20);
}

/* ExecutorBase._get_runtime_size: logits of prompts and of two tokens of each request are set apart before. */
static void
test_pytorch_sets_logits_apart (void)
{
  const char *few = "engine=lmdeploy lmdeploy-backend=pytorch max-num-seqs=16 max-num-batched-tokens=4096";
  const char *many = "engine=lmdeploy lmdeploy-backend=pytorch max-num-seqs=16 max-num-batched-tokens=8192";
  const char *old = "engine=lmdeploy lmdeploy-backend=pytorch max-num-seqs=16 max-num-batched-tokens=4096 "
                    "lmdeploy-release=0.6";
  const double block = 64 * TOKEN_ELEMENTS * 2, word = 152064;
  double cache = get_bytes ("a100-sxm4-80gb", few, HR_COMPONENT_KV_CACHE);

  g_assert_cmpfloat_with_epsilon (cache - get_bytes ("a100-sxm4-80gb", many, HR_COMPONENT_KV_CACHE),
                                  0.8 * 4096 * word * 2, block);
  g_assert_cmpfloat_with_epsilon (cache - get_bytes ("a100-sxm4-80gb", old, HR_COMPONENT_KV_CACHE),
                                  0.8 * (4096 * 7 - (4096 + 32) * 2) * word, block);
}

/* KvCacheCreator: the share is of what the trial run leaves as well, and its last block is whole. */
static void
test_tensorrt_llm_tries_prompts_out (void)
{
  const double token = TOKEN_ELEMENTS * 2;
  const char *settings = "engine=tensorrt-llm";
  guint64 taken = get_bytes ("a100-sxm4-80gb", settings, HR_COMPONENT_FRAMEWORK) +
                  get_bytes ("a100-sxm4-80gb", settings, HR_COMPONENT_WEIGHTS) +
                  get_bytes ("a100-sxm4-80gb", settings, HR_COMPONENT_ACTIVATIONS) +
                  get_bytes ("a100-sxm4-80gb", settings, HR_COMPONENT_LOGITS) +
                  get_bytes ("a100-sxm4-80gb", settings, HR_COMPONENT_TEMPORARY);
  double tokens = get_bytes ("a100-sxm4-80gb", settings, HR_COMPONENT_KV_CACHE) / token;
  double room = 0.9 * (get_memory () - taken) / token;

  g_assert_cmpfloat (tokens, >, room - 1);
  g_assert_cmpfloat (tokens, <, room + 32);
  g_assert_cmpfloat ((guint64) tokens % 32, ==, 0);
}

static void
test_max_total_tokens_is_kept_to (void)
{
  g_assert_cmpuint (get_bytes ("a100-sxm4-80gb", "engine=tensorrt-llm max-total-tokens=100000", HR_COMPONENT_KV_CACHE),
                    ==, 100000 / 32 * 32 * (guint64) TOKEN_ELEMENTS * 2);
}

static gboolean
says (HrEstimate *estimate,
      const char *text)
{
  const char * const *warnings = hr_estimate_get_warnings (estimate);

  for (guint i = 0; warnings[i] != NULL; i++)
    {
      if (strstr (warnings[i], text) != NULL)
        return TRUE;
    }

  return FALSE;
}

static void
test_what_does_not_fit_is_said (void)
{
  static const struct
  {
    const char *settings;
    const char *sentence;
  } rows[] = {
    { "engine=lmdeploy", "LMDeploy would not start (No enough blocks.)" },
    { "engine=lmdeploy lmdeploy-backend=pytorch", "LMDeploy would not start (No enough gpu memory for kv cache.)" },
    { "engine=tensorrt-llm",
      "TensorRT-LLM would not start (Executor creation failed due to insufficient GPU memory.)" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model (MODEL, "rtx-3060-ti", rows[i].settings, &error);

      g_assert_no_error (error);
      g_assert_true (says (found, rows[i].sentence));
    }
}

static void
test_room_and_cuts_are_said (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) room = estimate_model (MODEL, "rtx-4090", "engine=lmdeploy", &error);
  g_autoptr (HrEstimate) cut = estimate_model (MODEL, "rtx-4090", "engine=lmdeploy cache-max-entry-count=0.1", &error);
  g_autoptr (HrEstimate) short_of = estimate_model (MODEL, "rtx-4090", "engine=lmdeploy cache-max-entry-count=0.99",
                                                    &error);

  g_assert_no_error (error);
  g_assert_true (says (room, "LMDeploy’s KV cache has room for "));
  g_assert_true (says (cut, "cuts session-len to "));
  g_assert_true (says (short_of, "LMDeploy may run out of memory"));
}

static void
test_unknown_models_and_formats_are_refused (void)
{
  static const struct
  {
    const char *model;
    const char *settings;
    const char *sentence;
  } rows[] = {
    { "google/gemma-2-9b-it", "engine=lmdeploy lmdeploy-backend=turbomind",
      "lmdeploy-backend: expected auto or pytorch, as TurboMind is not known to run “google/gemma-2-9b-it”; found "
      "turbomind" },
    { MODEL, "engine=lmdeploy quantization=bnb-nf4",
      "quantization: expected none, awq-int4, gptq-int4, fp8 or mxfp4 beside TurboMind; found bnb-nf4" },
    { MODEL, "engine=tensorrt-llm quantization=awq-int4",
      "quantization: expected none, a format in eight-bit floats, nvfp4 or mxfp4 beside TensorRT-LLM; found awq-int4" },
    { MODEL, "engine=lmdeploy kv-cache-dtype=float8",
      "kv-cache-dtype: expected auto, int8, int4 or the model’s own dtype beside TurboMind; found float8" },
    { MODEL, "engine=tensorrt-llm kv-cache-dtype=int8",
      "kv-cache-dtype: expected auto, float8 or the model's own dtype bfloat16, which are what TensorRT-LLM offers; "
      "found int8" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model (rows[i].model, NULL, rows[i].settings, &error);

      g_assert_null (found);
      g_assert_cmpstr (error->message, ==, rows[i].sentence);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/lmdeploy/turbomind_takes_a_share_of_what_is_free", test_turbomind_takes_a_share_of_what_is_free);
  g_test_add_func ("/lmdeploy/old_releases_take_a_share_of_all_memory", test_old_releases_take_a_share_of_all_memory);
  g_test_add_func ("/lmdeploy/blocks_are_as_large_as_logs_say", test_blocks_are_as_large_as_logs_say);
  g_test_add_func ("/lmdeploy/turbomind_copies_a_tied_head", test_turbomind_copies_a_tied_head);
  g_test_add_func ("/lmdeploy/pytorch_sets_logits_apart", test_pytorch_sets_logits_apart);
  g_test_add_func ("/tensorrt_llm/prompts_are_tried_out", test_tensorrt_llm_tries_prompts_out);
  g_test_add_func ("/tensorrt_llm/max_total_tokens_is_kept_to", test_max_total_tokens_is_kept_to);
  g_test_add_func ("/blocks/what_does_not_fit_is_said", test_what_does_not_fit_is_said);
  g_test_add_func ("/blocks/room_and_cuts_are_said", test_room_and_cuts_are_said);
  g_test_add_func ("/blocks/unknown_models_and_formats_are_refused", test_unknown_models_and_formats_are_refused);

  return g_test_run ();
}
