/* SPDX-License-Identifier: GPL-3.0-or-later */

/* SGLang: its share of the memory, the tokens of its cache, what it refuses, and what copies share. */

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-model.h"
#include "hr-serving-before.h"
#include "hr-sglang-profile.h"

#define MODEL "Qwen/Qwen2.5-7B-Instruct"
#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define GUESSING_MODEL "deepseek-ai/DeepSeek-V3"

/* Keys and values of a token: 28 layers of 4 heads of 128, in bfloat16. */
#define TOKEN_BYTES (28 * 2 * 4 * 128 * 2)

static HrEstimate *
estimate_model (const char  *id,
                const char  *gpu_id,
                guint        n_gpus,
                const char  *settings,
                GError     **error)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (id, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrGpu) gpu = gpu_id != NULL ? hr_gpu_catalogue_lookup (gpu_id, NULL) : NULL;
  g_auto (GStrv) words = g_strsplit (settings, " ", -1);

  g_object_set (job, "engine", HR_ENGINE_SGLANG, NULL);
  for (guint i = 0; words[i] != NULL && words[i][0] != '\0'; i++)
    {
      g_auto (GStrv) pair = g_strsplit (words[i], "=", 2);
      g_autoptr (GError) own_error = NULL;

      hr_job_set_from_string (job, pair[0], pair[1], &own_error);
      g_assert_no_error (own_error);
    }

  return hr_job_load_models (job, error) ? hr_estimator_run (model, job, gpu, n_gpus, error) : NULL;
}

static guint64
get_bytes (const char    *gpu,
           guint          n_gpus,
           const char    *settings,
           HrComponentId  id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model (MODEL, gpu, n_gpus, settings, &error);

  g_assert_no_error (error);

  return hr_estimate_get_component_bytes (found, id);
}

/* A draft model is loaded beside the share, which is smaller by 6 GiB, and has a pool as long as the model's. */
static void
test_draft_models_have_a_pool (void)
{
  static const char settings[] = "draft-model=Qwen/Qwen2.5-0.5B-Instruct num-speculative-tokens=3 max-num-seqs=8";
  const guint64 draft = 24 * 2 * 2 * 64 * 2, table = 8 * (32768 + 4) * 4;
  guint64 cache = get_bytes ("h100-sxm5-80gb", 1, settings, HR_COMPONENT_KV_CACHE) - table;
  guint64 alone = get_bytes ("h100-sxm5-80gb", 1, "max-num-seqs=8", HR_COMPONENT_KV_CACHE) - table;
  guint64 tokens = cache / (TOKEN_BYTES + draft) - 7 * 8 - 100;
  guint64 difference = (alone / TOKEN_BYTES - tokens) * TOKEN_BYTES;

  g_assert_cmpuint (cache % (TOKEN_BYTES + draft), ==, 0);
  g_assert_cmpuint (difference, >, 5 * (G_GUINT64_CONSTANT (1) << 30));
  g_assert_cmpuint (difference, <, 7 * (G_GUINT64_CONSTANT (1) << 30));
}

/*
 * Of what the weights leave, states have 0.9 of what keys and values have. A state of Qwen3.5 27B is 48 layers of 10240
 * channels of three tokens, and of 48 matrices of 128 by 128 in fp32, or in 16 bits where that is asked for. A token of
 * DeepSeek-V3.2 has 576 elements in 16 bits and a key of an indexer, 128 bytes with a scale.
 */
static void
test_states_and_indexers_have_pools (void)
{
  static const struct
  {
    const char *model;
    guint n_gpus;
    const char *settings;
    guint64 token;
    guint64 state;
  } rows[] = {
    { "Qwen/Qwen3.5-27B", 1, "", 65536, G_GUINT64_CONSTANT (48) * (10240 * 3 * 2 + 48 * 128 * 128 * 4) },
    { "Qwen/Qwen3.5-27B", 1, "state-dtype=bfloat16", 65536,
      G_GUINT64_CONSTANT (48) * (10240 * 3 * 2 + 48 * 128 * 128 * 2) },
    { "deepseek-ai/DeepSeek-V3.2", 8, "tensor-parallel=8", 61 * (576 * 2 + 132), 0 },
    { "deepseek-ai/DeepSeek-V3.2", 8, "tensor-parallel=8 kv-cache-dtype=float8", 61 * (656 + 132), 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found =
        estimate_model (rows[i].model, "h200-sxm5-141gb", rows[i].n_gpus, rows[i].settings, &error);
      HrComponent *cache = found != NULL ? hr_estimate_find_component (found, HR_COMPONENT_KV_CACHE) : NULL;
      const char *numbers = cache != NULL ? hr_component_get_substitution (cache) : "";
      g_auto (GStrv) terms = g_strsplit (numbers, " + ", -1);
      guint64 tokens, states = 0;
      char *end;

      g_assert_no_error (error);
      g_test_message ("%s", numbers);
      tokens = g_ascii_strtoull (terms[0], &end, 10);
      g_assert_cmpuint (g_ascii_strtoull (end + strlen ("·"), NULL, 10), ==, rows[i].token);
      if (rows[i].state == 0)
        continue;
      states = g_ascii_strtoull (terms[g_strv_length (terms) - 1], &end, 10);
      g_assert_cmpuint (g_ascii_strtoull (end + strlen ("·"), NULL, 10), ==, rows[i].state);
      g_assert_cmpfloat_with_epsilon ((double) (states - 1) * rows[i].state / (tokens * rows[i].token), 0.9, 0.01);
    }
}

/* Too few starts were logged for a safe figure, which is said. */
static void
test_no_safe_figure (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model (MODEL, "rtx-4090", 1, "", &error);
  guint64 bytes;

  g_assert_no_error (error);
  g_assert_false (hr_estimate_get_safe_bytes (found, &bytes));
  g_assert_nonnull (strstr (hr_estimate_get_safe_reason (found), "too few starts of SGLang"));
}

/* The shares that logs have where nobody has asked for one. */
static void
test_share_is_that_of_the_release (void)
{
  static const struct
  {
    HrSglangRelease release;
    guint64 mebibytes;     /* as nvidia-smi tells them */
    guint64 tensor;
    double fraction;
    const char *source;
  } cases[] = {
    { HR_SGLANG_RELEASE_0_5_8, 294896, 1, 0.911, "sgl-project/sglang#18263, MI355X" },
    { HR_SGLANG_RELEASE_0_5, 32607, 1, 0.909, "sgl-project/sglang#7227, RTX 5090" },
    { HR_SGLANG_RELEASE_0_5, 81559, 1, 0.874, "sgl-project/sglang#7495, H100" },
    { HR_SGLANG_RELEASE_0_4_6, 143771, 1, 0.8717961202189594, "sgl-project/sglang#6753, H200" },
    { HR_SGLANG_RELEASE_0_4, 24564, 1, 0.88, "sgl-project/sglang#4895" },
    { HR_SGLANG_RELEASE_0_4, 40960, 1, 0.88, "sgl-project/sglang#4094" },
    { HR_SGLANG_RELEASE_0_3, 23034, 8, 0.83, "sgl-project/sglang#1191, L4" },
    { HR_SGLANG_RELEASE_0_3, 81559, 8, 0.83, "sgl-project/sglang#1386, H100" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const HrSglangProfile *profile = hr_sglang_profile_get (cases[i].release);
      HrSglangSizes sizes = { cases[i].mebibytes << 20, cases[i].tensor, 1, 1 };

      sizes.chunked_prefill_size = hr_sglang_profile_get_chunked_prefill (profile, &sizes);
      sizes.cuda_graph_max_bs = hr_sglang_profile_get_largest_graph (profile, &sizes);
      g_test_message ("%s", cases[i].source);
      g_assert_cmpfloat_with_epsilon (hr_sglang_profile_get_fraction (profile, &sizes), cases[i].fraction, 1e-12);
    }
}

/* A larger share is a larger cache, byte by byte of what is free, and nothing else. */
static void
test_share_is_weights_and_cache (void)
{
  guint64 small = get_bytes ("h100-sxm5-80gb", 1, "mem-fraction-static=0.5", HR_COMPONENT_KV_CACHE);
  guint64 large = get_bytes ("h100-sxm5-80gb", 1, "mem-fraction-static=0.6", HR_COMPONENT_KV_CACHE);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", NULL);
  double tenth = (hr_gpu_get_usable_memory (gpu) - hr_serving_before_get (gpu, FALSE)->median_bytes) / 10.0;

  g_assert_cmpfloat_with_epsilon (large - small, tenth, 2 * TOKEN_BYTES);
  g_assert_cmpuint (get_bytes ("h100-sxm5-80gb", 1, "mem-fraction-static=0.5", HR_COMPONENT_WEIGHTS), ==,
                    get_bytes ("h100-sxm5-80gb", 1, "mem-fraction-static=0.6", HR_COMPONENT_WEIGHTS));
}

/* As many tokens as are asked for, in whole pages, and the table of those that the context has rows for. */
static void
test_cache_is_whole_pages (void)
{
  guint64 table = 16 * (4096 + 4) * 4;
  const char *plain = "max-total-tokens=100001 max-num-seqs=16 max-model-len=4096";
  const char *paged = "max-total-tokens=100001 max-num-seqs=16 max-model-len=4096 block-size=64";
  const char *small = "max-total-tokens=100001 max-num-seqs=16 max-model-len=4096 kv-cache-dtype=float8";

  g_assert_cmpuint (get_bytes ("h100-sxm5-80gb", 1, plain, HR_COMPONENT_KV_CACHE), ==,
                    G_GUINT64_CONSTANT (100001) * TOKEN_BYTES + table);
  g_assert_cmpuint (get_bytes ("h100-sxm5-80gb", 1, paged, HR_COMPONENT_KV_CACHE), ==,
                    G_GUINT64_CONSTANT (99968) * TOKEN_BYTES + table);
  g_assert_cmpuint (get_bytes ("h100-sxm5-80gb", 1, small, HR_COMPONENT_KV_CACHE), ==,
                    G_GUINT64_CONSTANT (100001) * TOKEN_BYTES / 2 + table);
}

static gboolean
has_warning (HrEstimate *estimate,
             const char *beginning)
{
  const char * const *warnings = hr_estimate_get_warnings (estimate);

  for (guint i = 0; warnings[i] != NULL; i++)
    {
      if (g_str_has_prefix (warnings[i], beginning))
        return TRUE;
    }

  return FALSE;
}

/* What SGLang would refuse does not fit, and what it starts with does. */
static void
test_what_does_not_start_does_not_fit (void)
{
  static const struct
  {
    const char *gpu;
    const char *settings;
    gboolean starts;
  } cases[] = {
    { "h100-sxm5-80gb", "", TRUE },
    { "h100-sxm5-80gb", "mem-fraction-static=0.1", FALSE },
    { "t4", "", FALSE },
    { "rtx-4090", "max-model-len=8192", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (cases[i].gpu, NULL);
      g_autoptr (HrEstimate) found = estimate_model (MODEL, cases[i].gpu, 1, cases[i].settings, &error);

      g_assert_no_error (error);
      g_assert_true (has_warning (found, "SGLang would not start") == !cases[i].starts);
      g_assert_true ((hr_estimate_get_device_bytes (found, 0) <= hr_gpu_get_usable_memory (gpu)) == cases[i].starts);
    }
}

/* A share that leaves too little for what comes to it is told, with one that would not. */
static void
test_share_may_be_too_large (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) large = estimate_model (MODEL, "h100-sxm5-80gb", 1, "mem-fraction-static=0.99", &error);
  g_autoptr (HrEstimate) usual = estimate_model (MODEL, "h100-sxm5-80gb", 1, "", &error);

  g_assert_no_error (error);
  g_assert_true (has_warning (large, "SGLang may run out of memory"));
  g_assert_false (has_warning (usual, "SGLang may run out of memory"));
}

/* Copies are whole; those of the attention alone share the experts. */
static void
test_copies_of_the_attention_share_experts (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) one = estimate_model ("Qwen/Qwen3-30B-A3B", "h100-sxm5-80gb", 1, "", &error);
  g_autoptr (HrEstimate) whole = estimate_model ("Qwen/Qwen3-30B-A3B", "h100-sxm5-80gb", 2, "data-parallel=2", &error);
  g_autoptr (HrEstimate) shared = estimate_model ("Qwen/Qwen3-30B-A3B", "h100-sxm5-80gb", 2,
                                                  "data-parallel=2 dp-attention=true", &error);
  HrEstimate *refused;

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_component_bytes (whole, HR_COMPONENT_WEIGHTS), ==,
                    hr_estimate_get_component_bytes (one, HR_COMPONENT_WEIGHTS));
  g_assert_cmpuint (hr_estimate_get_component_bytes (shared, HR_COMPONENT_WEIGHTS), <,
                    hr_estimate_get_component_bytes (one, HR_COMPONENT_WEIGHTS) * 6 / 10);

  refused = estimate_model ("Qwen/Qwen3-30B-A3B", "h100-sxm5-80gb", 2, "data-parallel=2 expert-parallel=2", &error);
  g_assert_null (refused);
  g_assert_true (g_str_has_prefix (error->message, "expert-parallel: expected 1, as each copy has experts of its own"));
}

/* Layers with a window keep four fifths of the tokens that the others keep, where they have a pool of their own. */
static void
test_windows_have_a_pool (void)
{
  g_autoptr (GError) error = NULL;
  const char *settings = "max-total-tokens=90000 max-num-seqs=16 max-model-len=4096";
  g_autofree char *older = g_strconcat (settings, " sglang-release=0.5", NULL);
  g_autoptr (HrEstimate) pools = estimate_model ("openai/gpt-oss-20b", "h100-sxm5-80gb", 1, settings, &error);
  g_autoptr (HrEstimate) one = estimate_model ("openai/gpt-oss-20b", "h100-sxm5-80gb", 1, older, &error);
  guint64 layer = 2 * 8 * 64 * 2;
  guint64 table = 16 * (4096 + 4) * 4;

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_component_bytes (pools, HR_COMPONENT_KV_CACHE), ==,
                    (G_GUINT64_CONSTANT (100000) * 12 + G_GUINT64_CONSTANT (80000) * 12) * layer + table);
  g_assert_cmpuint (hr_estimate_get_component_bytes (one, HR_COMPONENT_KV_CACHE), ==,
                    G_GUINT64_CONSTANT (90000) * 24 * layer + table);
}

/*
 * A slot has what is multiplied into the rank and out of it, of each matrix of a layer: of queries, keys and values
 * 3 × 3584 and 4608, of the last 3584 twice, of gates and what goes beside 2 × 3584 and 2 × 18944, and 18944 and 3584.
 */
static void
test_adapters_have_slots (void)
{
  static const char settings[] = "max-loras=4 max-lora-rank=64";
  guint64 plain = get_bytes ("l40s", 1, "", HR_COMPONENT_WEIGHTS);
  guint64 slots = get_bytes ("l40s", 1, settings, HR_COMPONENT_WEIGHTS);
  guint64 expected = G_GUINT64_CONSTANT (28) * 4 * 64 * 2 *
                     (3 * 3584 + 4608 + 2 * 3584 + 2 * 3584 + 2 * 18944 + 18944 + 3584);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (slots - plain, >=, expected);
  g_assert_cmpuint (slots - plain, <, expected * 106 / 100);
  g_assert_cmpuint (get_bytes ("l40s", 1, "", HR_COMPONENT_KV_CACHE), >=,
                    get_bytes ("l40s", 1, settings, HR_COMPONENT_KV_CACHE) + expected * 99 / 100);

  g_assert_null (estimate_model ("Qwen/Qwen3-30B-A3B", "h100-sxm5-80gb", 1, "max-loras=2", &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "max-loras: expected 0"));
}

/*
 * What goes to the host, a gate's matrix beyond 2 GiB at the most, is none of the weights, and what a layer has there
 * comes to the GPU while it runs: 466,115,584 bytes, in blocks of 512.
 */
static void
test_host_keeps_weights (void)
{
  guint64 saved = get_bytes ("l40s", 1, "", HR_COMPONENT_WEIGHTS) -
                  get_bytes ("l40s", 1, "cpu-offload-gb=2", HR_COMPONENT_WEIGHTS);
  guint64 fetched = get_bytes ("l40s", 1, "cpu-offload-gb=2 max-num-batched-tokens=65536", HR_COMPONENT_ACTIVATIONS) -
                    get_bytes ("l40s", 1, "max-num-batched-tokens=65536", HR_COMPONENT_ACTIVATIONS);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model (MODEL, "l40s", 1, "cpu-offload-gb=2", &error);

  g_assert_no_error (error);
  g_assert_true (has_warning (found, "2.04 GiB of the weights stay in the memory of the host"));
  g_assert_cmpuint (saved, >=, 2048 * MIB - 32 * MIB);
  g_assert_cmpuint (saved, <, 2048 * MIB + 2 * 18944 * 3584 * 2 + 32 * MIB);
  g_assert_cmpuint (fetched, >=, 466115584);
  g_assert_cmpuint (fetched, <, 466115584 + 10 * 512);

  g_assert_null (estimate_model ("Qwen/Qwen2.5-7B-Instruct-AWQ", "l40s", 1, "cpu-offload-gb=2", &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "cpu-offload-gb: expected 0"));
}

/* A state that is told is one of the pool, beside one that nothing is kept in; a request has three of them. */
static void
test_pool_has_as_many_states_as_it_is_told (void)
{
  static const char model[] = "Qwen/Qwen3-Next-80B-A3B-Instruct";
  static const char settings[] = "tensor-parallel=4 max-total-tokens=100000 max-model-len=4096 max-num-seqs=8 "
                                 "max-mamba-cache-size=";
  g_autofree char *more = g_strconcat (settings, "90", NULL);
  g_autofree char *fewer = g_strconcat (settings, "30", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) ninety = estimate_model (model, "h100-sxm5-80gb", 4, more, &error);
  g_autoptr (HrEstimate) thirty = estimate_model (model, "h100-sxm5-80gb", 4, fewer, &error);
  /* Of 36 layers with 8 heads, 128 × 128 in fp32, and three columns of 2,048 channels in sixteen bits. */
  guint64 state = 36 * (8 * 128 * 128 * 4 + 3 * 2048 * 2);

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_component_bytes (ninety, HR_COMPONENT_KV_CACHE) -
                    hr_estimate_get_component_bytes (thirty, HR_COMPONENT_KV_CACHE), ==, 60 * state);
}

static void
test_what_is_not_known_is_refused (void)
{
  static const struct
  {
    const char *model;
    const char *settings;
    const char *sentence;
  } cases[] = {
    { MODEL, "beams=4", "engine: expected transformers beside beams" },
    { MODEL, "num-speculative-tokens=3", "num-speculative-tokens: expected 0" },
    { MODEL, "kv-cache-dtype=int4", "kv-cache-dtype: expected auto, float8 or" },
    { MODEL, "prompt-length=2048 max-model-len=1000", "max-model-len: expected at least" },
    { "openai-community/gpt2", "quantization=hqq-int4", "quantization: expected none, gptq-int4" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      HrEstimate *found = estimate_model (cases[i].model, "h100-sxm5-80gb", 1, cases[i].settings, &error);

      g_assert_null (found);
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_prefix (error->message, cases[i].sentence));
    }
}

/*
 * DeepSeek-V3's layer that guesses tokens ahead has a pool as long as the others', 576 elements a token, and is loaded
 * beside the share; each of 48 requests has room for three guesses and the four that are checked.
 */
static void
test_guesses_have_room (void)
{
  static const struct
  {
    const char *settings;
    guint64 guesses;   /* of a request */
    guint64 requests;
  } cases[] = {
    { "num-speculative-tokens=3", 7, 48 },
    { "num-speculative-tokens=3 max-num-seqs=16", 7, 16 },
    { "num-speculative-tokens=5 speculative-eagle-topk=4 speculative-num-draft-tokens=8", 28, 48 },
    { "num-speculative-tokens=5 speculative-num-draft-tokens=8", 11, 48 },
    { "num-speculative-tokens=3 max-total-tokens=8192", 0, 48 },
  };
  const guint64 all = 62 * 576 * 2, others = 61 * 576 * 2, table = 163840 + 4;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *settings =
        g_strconcat ("tensor-parallel=8 mem-fraction-static=0.8 ", cases[i].settings, NULL);
      g_autofree char *without = g_strndup (settings, strstr (settings, " num") - settings);
      g_autoptr (HrEstimate) estimate = estimate_model (GUESSING_MODEL, "h200-sxm5-141gb", 8, settings, &error);
      g_autoptr (HrEstimate) plain = estimate_model (GUESSING_MODEL, "h200-sxm5-141gb", 8, without, &error);
      guint64 plain_cache = hr_estimate_get_component_bytes (plain, HR_COMPONENT_KV_CACHE) - 2048 * table * 4;
      guint64 cache, room;

      g_assert_no_error (error);
      cache = hr_estimate_get_component_bytes (estimate, HR_COMPONENT_KV_CACHE) - cases[i].requests * table * 4;
      g_assert_cmpuint (cache % all, ==, 0);
      room = cache / all - (cases[i].guesses > 0 ? cases[i].guesses * cases[i].requests + 100 : 0);
      g_test_message ("%" G_GUINT64_FORMAT " tokens", room);
      if (cases[i].guesses == 0)
        g_assert_cmpuint (room, ==, 8192);
      else
        g_assert_cmpuint (room, ==, plain_cache / others);
      g_assert_cmpuint (hr_estimate_get_component_bytes (estimate, HR_COMPONENT_WEIGHTS), >,
                        hr_estimate_get_component_bytes (plain, HR_COMPONENT_WEIGHTS));
    }
}

static HrEstimate *
estimate_experts (const char *id,
                  const char *settings)
{
  g_autofree char *all = g_strconcat ("max-num-batched-tokens=4096 prompt-length=1000 ", settings, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model (id, "h200-sxm5-141gb", 1, all, &error);

  g_assert_no_error (error);

  return g_steal_pointer (&found);
}

/* 48 layers of 128 experts, each of three matrices of 2048 by 768, in bfloat16; tokens go to the host by a buffer. */
static void
test_host_keeps_experts (void)
{
  const guint64 expert = 3 * 2048 * 768 * 2, staging = 4096 * 2048 * 2;
  g_autoptr (HrEstimate) whole = estimate_experts ("Qwen/Qwen3-30B-A3B", "");
  static const guint64 n_experts[] = { 0, 1, 32, 128, 500 };

  for (guint i = 0; i < G_N_ELEMENTS (n_experts); i++)
    {
      g_autofree char *settings = g_strdup_printf ("kt-method=bf16 kt-num-gpu-experts=%u", (guint) n_experts[i]);
      g_autoptr (HrEstimate) found = estimate_experts ("Qwen/Qwen3-30B-A3B", settings);
      guint64 n_left_out = 128 - MIN (n_experts[i], 128), less;

      g_test_message ("%s", settings);
      less = hr_estimate_get_component_bytes (whole, HR_COMPONENT_WEIGHTS) + staging -
             hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS);
      /* A single expert is so small that what is left of a segment may come with each of its two tensors. */
      if (n_experts[i] == 1)
        g_assert_cmpuint (48 * n_left_out * expert - less, <, 48 * 2 << 20);
      else
        g_assert_cmpuint (less, ==, 48 * n_left_out * expert);
      if (n_left_out > 0)
        g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE), >,
                          hr_estimate_get_component_bytes (whole, HR_COMPONENT_KV_CACHE));
    }
}

/* From so many tokens on a layer is computed on the GPU, for which all its experts are copied to it. */
static void
test_layers_are_fetched (void)
{
  g_autoptr (HrEstimate) never = estimate_experts ("Qwen/Qwen3-30B-A3B", "kt-method=amxint8");
  g_autoptr (HrEstimate) longer =
    estimate_experts ("Qwen/Qwen3-30B-A3B", "kt-method=amxint8 kt-gpu-prefill-token-threshold=4097");
  g_autoptr (HrEstimate) fetched =
    estimate_experts ("Qwen/Qwen3-30B-A3B", "kt-method=amxint8 kt-gpu-prefill-token-threshold=400");
  guint64 before = hr_estimate_get_component_bytes (never, HR_COMPONENT_TEMPORARY);

  g_assert_cmpuint (hr_estimate_get_component_bytes (longer, HR_COMPONENT_TEMPORARY), ==, before);
  g_assert_cmpuint (hr_estimate_get_component_bytes (fetched, HR_COMPONENT_TEMPORARY) - before, ==,
                    128 * 3 * 2048 * 768 * 2);
}

/*
 * What the host keeps: elements, scales of rows (inner size once for each of two matrices, outer size once for each of
 * two pools of threads), of groups of 32, or of blocks of 128 by 128.
 */
static void
test_host_is_told (void)
{
  static const struct
  {
    const char *model;
    const char *method;
    double bytes;
  } cases[] = {
    { "Qwen/Qwen3-30B-A3B", "bf16", 48 * 128 * 3.0 * 2048 * 768 * 2 },
    { "Qwen/Qwen3-30B-A3B", "amxint8", 48 * 128 * (3.0 * 2048 * 768 + 4 * (2 * 768 + 2 * 2048)) },
    { "Qwen/Qwen3-30B-A3B", "amxint4", 48 * 128 * (3.0 * 2048 * 768 / 2 + 4 * (2 * 768 + 2 * 2048)) },
    { "Qwen/Qwen3-30B-A3B-FP8", "fp8", 48 * 128 * (3.0 * 2048 * 768 + 4 * 3 * 16 * 6) },
    { "moonshotai/Kimi-K2-Thinking", "rawint4", 60 * 384 * 3.0 * 7168 * 2048 * (0.5 + 4.0 / 32) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *settings = g_strconcat ("kt-method=", cases[i].method, NULL);
      g_autofree char *sentence = g_strdup_printf ("The host keeps all experts, %.2f GiB", cases[i].bytes / (1 << 30));
      g_autoptr (HrEstimate) found = estimate_experts (cases[i].model, settings);
      g_autofree char *warnings = g_strjoinv ("\n", (char **) hr_estimate_get_warnings (found));

      g_test_message ("%s of %s: %s", cases[i].method, cases[i].model, warnings);
      g_assert_nonnull (strstr (warnings, sentence));
    }
}

static void
test_experts_that_are_not_known_are_refused (void)
{
  static const struct
  {
    const char *model;
    const char *settings;
    const char *sentence;
  } cases[] = {
    { MODEL, "kt-method=amxint4", "kt-method: expected none, as “Qwen/Qwen2.5-7B-Instruct” has no experts" },
    { "Qwen/Qwen3-30B-A3B", "kt-method=rawint4", "kt-method: expected rawint4 beside four bits" },
    { "Qwen/Qwen3-30B-A3B", "kt-method=fp8", "found fp8 beside none" },
    { "Qwen/Qwen3-30B-A3B", "kt-method=bf16 dtype=float16", "found bf16 beside none" },
    { "Qwen/Qwen3-30B-A3B-FP8", "kt-method=fp8-perchannel", "found fp8-perchannel beside fp8" },
    { "Qwen/Qwen3-30B-A3B", "kt-method=amxint4 quantization=q4_k_m", "found amxint4 beside q4_k_m" },
    { "Qwen/Qwen3-30B-A3B", "kt-method=amxint4 sglang-release=0.5", "sglang-release: expected 0.5.8 beside kt-method" },
    { "Qwen/Qwen3-30B-A3B", "kt-method=amxint4 tensor-parallel=2 expert-parallel=2",
      "kt-method: expected none beside expert-parallel" },
    { "Qwen/Qwen3-30B-A3B", "kt-method=amxint4 pipeline-parallel=2",
      "kt-method: expected none beside pipeline-parallel" },
    { "Qwen/Qwen3-30B-A3B", "kt-method=amxint4 data-parallel=2", "kt-method: expected none beside data-parallel" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      guint n_gpus = strstr (cases[i].settings, "parallel=2") != NULL ? 2 : 1;
      g_autoptr (HrEstimate) found =
        estimate_model (cases[i].model, "h200-sxm5-141gb", n_gpus, cases[i].settings, &error);

      g_assert_null (found);
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, cases[i].sentence));
    }
}

/* Of a model that sees, SGLang takes less of its share; since 0.5 the less the larger the tower is, if none is said. */
static void
test_models_that_see_leave_room_for_images (void)
{
  static const struct
  {
    HrSglangRelease release;
    guint64 layers;
    guint64 hidden;
    gboolean is_said;
    double share;
  } rows[] = {
    { HR_SGLANG_RELEASE_0_3, 27, 1152, TRUE, 0.95 },
    { HR_SGLANG_RELEASE_0_4, 27, 1152, FALSE, 0.95 },
    { HR_SGLANG_RELEASE_0_4_6, 27, 1152, TRUE, 0.9 },
    { HR_SGLANG_RELEASE_0_5, 24, 1024, FALSE, 0.95 },
    { HR_SGLANG_RELEASE_0_5_8, 12, 1024, FALSE, 0.95 * 1.05 },
    { HR_SGLANG_RELEASE_0_5_8, 24, 1448, FALSE, 0.95 * 0.9 },
    { HR_SGLANG_RELEASE_0_5_8, 45, 3200, FALSE, 0.95 * 0.8 },
    { HR_SGLANG_RELEASE_0_5_8, 45, 3200, TRUE, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const HrSglangProfile *profile = hr_sglang_profile_get (rows[i].release);

      g_assert_cmpfloat_with_epsilon (hr_sglang_profile_get_seeing_share (profile, rows[i].layers, rows[i].hidden,
                                                                          rows[i].is_said),
                                      rows[i].share, 1e-4);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/memory/sglang/the_share_is_that_of_the_release", test_share_is_that_of_the_release);
  g_test_add_func ("/memory/sglang/the_share_is_weights_and_cache", test_share_is_weights_and_cache);
  g_test_add_func ("/memory/sglang/the_cache_is_whole_pages", test_cache_is_whole_pages);
  g_test_add_func ("/memory/sglang/what_does_not_start_does_not_fit", test_what_does_not_start_does_not_fit);
  g_test_add_func ("/memory/sglang/a_share_may_be_too_large", test_share_may_be_too_large);
  g_test_add_func ("/memory/sglang/copies_of_the_attention_share_experts", test_copies_of_the_attention_share_experts);
  g_test_add_func ("/memory/sglang/windows_have_a_pool", test_windows_have_a_pool);
  g_test_add_func ("/memory/sglang/states_and_indexers_have_pools", test_states_and_indexers_have_pools);
  g_test_add_func ("/memory/sglang/adapters_have_slots", test_adapters_have_slots);
  g_test_add_func ("/memory/sglang/the_host_keeps_weights", test_host_keeps_weights);
  g_test_add_func ("/memory/sglang/the_pool_has_as_many_states_as_it_is_told",
                   test_pool_has_as_many_states_as_it_is_told);
  g_test_add_func ("/memory/sglang/guesses_have_room_in_the_cache", test_guesses_have_room);
  g_test_add_func ("/memory/sglang/the_gpu_leaves_out_experts_of_the_host", test_host_keeps_experts);
  g_test_add_func ("/memory/sglang/layers_are_copied_to_the_gpu_for_long_prompts", test_layers_are_fetched);
  g_test_add_func ("/memory/sglang/it_is_told_what_the_host_keeps", test_host_is_told);
  g_test_add_func ("/memory/sglang/experts_that_are_not_known_are_refused",
                   test_experts_that_are_not_known_are_refused);
  g_test_add_func ("/memory/sglang/no_safe_figure_is_made_of_too_few_starts", test_no_safe_figure);
  g_test_add_func ("/memory/sglang/draft_models_have_a_pool", test_draft_models_have_a_pool);
  g_test_add_func ("/memory/sglang/models_that_see_leave_room_for_images",
                   test_models_that_see_leave_room_for_images);
  g_test_add_func ("/memory/sglang/what_is_not_known_is_refused", test_what_is_not_known_is_refused);

  return g_test_run ();
}
