/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the settings of vLLM change, by how much, and what is refused. Sizes are those of Qwen2.5-0.5B on a T4. */

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-fit.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"

#define MODEL "Qwen/Qwen2.5-0.5B-Instruct"
#define LLAMA "meta-llama/Meta-Llama-3.1-8B-Instruct"
#define MIB (G_GUINT64_CONSTANT (1) << 20)

/* 24 layers, two heads of 64 elements for keys and as many for values. */
#define TOKEN_BYTES (G_GUINT64_CONSTANT (24) * 2 * 128 * 2)

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

  g_object_set (job, "engine", HR_ENGINE_VLLM, "vllm-release", HR_VLLM_RELEASE_0_11, "dtype", HR_DTYPE_FLOAT16, NULL);
  for (guint i = 0; words[i] != NULL && words[i][0] != '\0'; i++)
    {
      g_auto (GStrv) pair = g_strsplit (words[i], "=", 2);
      g_autoptr (GError) own_error = NULL;

      hr_job_set_from_string (job, pair[0], pair[1], &own_error);
      g_assert_no_error (own_error);
    }

  return hr_job_load_models (job, error) ? hr_estimator_run (model, job, gpu, 1, error) : NULL;
}

static HrEstimate *
estimate (const char *settings)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *found = estimate_model (MODEL, "t4", settings, &error);

  g_assert_no_error (error);

  return found;
}

static guint64
get_bytes (const char    *settings,
           HrComponentId  id)
{
  g_autoptr (HrEstimate) found = estimate (settings);

  return hr_estimate_get_component_bytes (found, id);
}

static gboolean
fits (HrEstimate *found,
      const char *gpu_id)
{
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (gpu_id, NULL);
  guint64 bytes = hr_estimate_get_device_bytes (found, 0);
  HrFit fit;

  hr_fit_init (&fit, gpu, 1, &bytes, 1, 1);

  return fit.fits;
}

static gboolean
has_warning (HrEstimate *found,
             const char *part)
{
  const char * const *warnings = hr_estimate_get_warnings (found);

  for (guint i = 0; warnings[i] != NULL; i++)
    {
      if (strstr (warnings[i], part) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* All that vLLM counts adds up to its share, but for less than a block. */
static void
test_share_is_used_up (void)
{
  static const char * const shares[] = { "0.5", "0.75", "0.9" };
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("t4", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      g_autofree char *settings = g_strdup_printf ("gpu-memory-utilization=%s", shares[i]);
      g_autoptr (HrEstimate) found = estimate (settings);
      guint64 share = g_ascii_strtod (shares[i], NULL) * hr_gpu_get_usable_memory (gpu) + 1;
      guint64 beside = hr_estimate_get_component_bytes (found, HR_COMPONENT_CUDA_GRAPHS) + 147 * MIB;
      guint64 within = hr_estimate_get_total_bytes (found) - beside;

      g_assert_cmpuint (within, <=, share);
      g_assert_cmpuint (within + 16 * TOKEN_BYTES, >, share);
      g_assert_true (fits (found, "t4"));
    }
}

static void
test_cache_is_whole_blocks (void)
{
  static const struct
  {
    const char *settings;
    guint64 block;
  } rows[] = {
    { "", 16 * TOKEN_BYTES },
    { "block-size=128", 128 * TOKEN_BYTES },
    { "kv-cache-dtype=float8", 8 * TOKEN_BYTES },
    { "kv-cache-dtype=float8 block-size=64", 32 * TOKEN_BYTES },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpuint (get_bytes (rows[i].settings, HR_COMPONENT_KV_CACHE) % rows[i].block, ==, 0);
}

/* 38 bytes for each word of each request: 16 and 32 bits of it, values and indices, and what sorting takes. */
static void
test_sampler_is_tried_out_with_all_requests (void)
{
  static const guint64 requests[] = { 64, 128, 512 };

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autofree char *settings = g_strdup_printf ("max-num-seqs=%" G_GUINT64_FORMAT, requests[i]);

      g_assert_cmpuint (get_bytes (settings, HR_COMPONENT_LOGITS), ==, requests[i] * 151936 * 38);
    }
}

/* Above some tokens the perceptron takes more than the sampler: gate, up and their product, beside four states. */
static void
test_long_batches_go_through_a_layer (void)
{
  guint64 tokens = 65536;

  g_assert_cmpuint (get_bytes ("max-num-seqs=8 max-num-batched-tokens=65536 enforce-eager=true",
                               HR_COMPONENT_ACTIVATIONS), ==, tokens * (3 * 4864 + 4 * 896) * 2);
  g_assert_cmpuint (get_bytes ("max-num-seqs=8 max-num-batched-tokens=65536", HR_COMPONENT_ACTIVATIONS), ==,
                    tokens * (3 * 4864 + 4 * 896) * 2);
}

/* What is set apart is whole blocks of it, with a GPU or without one, whatever the share of the memory is. */
static void
test_cache_is_as_large_as_it_is_told_to_be (void)
{
  guint64 block = 16 * TOKEN_BYTES;
  static const char * const settings[] = {
    "kv-cache-memory=2.5", "kv-cache-memory=2.5 gpu-memory-utilization=0.5", "kv-cache-memory=2.5 batch-size=64",
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    g_assert_cmpuint (get_bytes (settings[i], HR_COMPONENT_KV_CACHE), ==, 2560 * MIB / block * block);
  g_assert_cmpuint (get_bytes ("num-gpu-blocks-override=3000", HR_COMPONENT_KV_CACHE), ==, 3000 * block);
  g_assert_cmpuint (get_bytes ("num-gpu-blocks-override=3000 kv-cache-memory=2.5", HR_COMPONENT_KV_CACHE), ==,
                    3000 * block);
  g_assert_cmpuint (get_bytes ("kv-cache-memory=0.01", HR_COMPONENT_KV_CACHE), >, 11 * MIB);
}

/* From 0.28 on a GPU of 160 GiB computes twice as many tokens at once by default as one of 70. */
static void
test_the_largest_gpus_have_the_largest_batches (void)
{
  static const struct
  {
    const char *gpu;
    const char *release;
    const char *tokens;
  } rows[] = {
    { "b200", "0.28", "16384" },
    { "b200", "0.20", "8192" },
    { "h200-sxm5-141gb", "0.28", "8192" },
    { "l40s", "0.28", "2048" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *open = g_strdup_printf ("max-model-len=4096 vllm-release=%s", rows[i].release);
      g_autofree char *told = g_strdup_printf ("%s max-num-batched-tokens=%s", open, rows[i].tokens);
      g_autoptr (HrEstimate) by_itself = estimate_model ("Qwen/Qwen2.5-7B-Instruct", rows[i].gpu, open, NULL);
      g_autoptr (HrEstimate) as_told = estimate_model ("Qwen/Qwen2.5-7B-Instruct", rows[i].gpu, told, NULL);

      g_assert_cmpuint (hr_estimate_get_component_bytes (by_itself, HR_COMPONENT_KV_CACHE), ==,
                        hr_estimate_get_component_bytes (as_told, HR_COMPONENT_KV_CACHE));
    }
}

/* For 67 sizes of batches, or for 1, 2, 4, 8 and 16 tokens, of what is around the attention of 24 layers. */
static void
test_graphs_are_captured_unless_it_is_eager (void)
{
  g_assert_cmpuint (get_bytes ("", HR_COMPONENT_CUDA_GRAPHS), ==, 25 * 67 * 300 * 1024);
  g_assert_cmpuint (get_bytes ("max-num-seqs=8", HR_COMPONENT_CUDA_GRAPHS), ==, 25 * 5 * 300 * 1024);
  g_assert_cmpuint (get_bytes ("cuda-graph-max-bs=8", HR_COMPONENT_CUDA_GRAPHS), ==, 25 * 4 * 300 * 1024);
  g_assert_cmpuint (get_bytes ("max-num-seqs=8 cuda-graph-max-bs=32", HR_COMPONENT_CUDA_GRAPHS), ==,
                    25 * 7 * 300 * 1024);
  g_assert_cmpuint (get_bytes ("enforce-eager=true", HR_COMPONENT_CUDA_GRAPHS), ==, 0);
}

/* What is guessed from the text has no weights; its sampler has logits of the guesses beside those of the model. */
static void
test_guesses_by_n_grams_have_logits_of_their_own (void)
{
  static const char settings[] = "max-num-seqs=512 ngram-speculation=true num-speculative-tokens=5";

  g_assert_cmpuint (get_bytes (settings, HR_COMPONENT_WEIGHTS), ==, get_bytes ("", HR_COMPONENT_WEIGHTS));
  g_assert_cmpuint (get_bytes (settings, HR_COMPONENT_KV_CACHE) % (16 * TOKEN_BYTES), ==, 0);
  g_assert_cmpuint (get_bytes (settings, HR_COMPONENT_LOGITS), ==, G_GUINT64_CONSTANT (512) * 151936 * 40);
}

/* Each rank has the latents of all its layers whole, in blocks as large as the kernels of its GPU read them. */
static void
test_latents_are_whole_on_every_rank (void)
{
  static const struct
  {
    const char *gpu;
    const char *settings;
    guint64 token;
    guint64 block;
  } rows[] = {
    { "l40s", "", 576 * 2, 16 },
    { "l40s", "tensor-parallel=2", 576 * 2, 16 },
    { "h100-sxm5-80gb", "tensor-parallel=4", 576 * 2, 64 },
    { "h100-sxm5-80gb", "tensor-parallel=4 block-size=128", 576 * 2, 128 },
    { "h100-sxm5-80gb", "kv-cache-dtype=float8", 576, 64 },
    { "b200", "", 576 * 2, 128 },
    { "b200", "vllm-release=0.28", 576 * 2, 64 },
    { "h100-sxm5-80gb", "vllm-release=0.7", 640 * 2, 16 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *settings = g_strconcat ("max-model-len=4096 ", rows[i].settings, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model ("deepseek-ai/DeepSeek-V2-Lite", rows[i].gpu,
                                                     g_strchomp (settings), &error);

      g_assert_no_error (error);
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE) %
                          (27 * rows[i].token * rows[i].block), ==, 0);
    }
}

/* Matrices of eight bits that expand the latent are kept in sixteen bits as well; those of sixteen are not doubled. */
static void
test_matrices_of_latents_are_kept_twice (void)
{
  guint64 doubled = G_GUINT64_CONSTANT (27) * 512 * 16 * 256 * 2;
  guint64 absorbed = G_GUINT64_CONSTANT (27) * (2048 * 16 * 64 + 2 * 2048 * 16 * 512) * 2;
  static const char * const settings[] = {
    "max-model-len=4096", "max-model-len=4096 vllm-release=0.7",
    "max-model-len=4096 quantization=fp8-channel", "max-model-len=4096 quantization=gptq-int8",
  };
  guint64 bytes[G_N_ELEMENTS (settings)], parameters[G_N_ELEMENTS (settings)];

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model ("deepseek-ai/DeepSeek-V2-Lite", "h100-sxm5-80gb", settings[i],
                                                     &error);

      g_assert_no_error (error);
      bytes[i] = hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS);
      parameters[i] = bytes[i] / MIB;
    }
  g_assert_cmpuint (bytes[1] - bytes[0], ==, absorbed);
  g_assert_cmpuint (parameters[2], >, parameters[0] / 2 + doubled / MIB);
  g_assert_cmpuint (parameters[3], >, parameters[0] / 2 + doubled / MIB);
}

/* Experts in four-bit floats are padded as the kernels of the GPU want them, those of several ranks each for itself. */
static void
test_experts_are_padded_for_the_gpu (void)
{
  static const struct
  {
    const char *gpu;
    const char *settings;
    guint64 inner;
    guint64 hidden;
  } rows[] = {
    { "a100-sxm4-80gb", "", 2944, 3072 },
    { "rtx-pro-6000-blackwell", "", 2944, 3072 },
    { "b200", "", 3072, 3072 },
    { "a100-sxm4-80gb", "tensor-parallel=2", 1536, 3072 },
    { "b200", "tensor-parallel=4", 768, 3072 },
  };
  /* What is not experts, which one GPU has whole; of a tensor of each layer the allocator may keep a MiB. */
  guint64 others = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      guint64 each = 3 * rows[i].inner * rows[i].hidden * 17 / 32 + (2 * rows[i].inner + rows[i].hidden) * 2;
      g_autofree char *settings = g_strchomp (g_strconcat ("dtype=bfloat16 max-model-len=4096 ", rows[i].settings,
                                                           NULL));
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model ("openai/gpt-oss-20b", rows[i].gpu, settings, &error);
      guint64 bytes;

      g_assert_no_error (error);
      bytes = hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS) - 24 * 32 * each;
      if (others == 0)
        others = bytes;
      g_assert_cmpuint (bytes, <=, others + 24 * MIB);
      if (rows[i].settings[0] == '\0')
        g_assert_cmpuint (bytes + 24 * MIB, >=, others);
    }
}

/* Beside the latents of a token, indexers keep a key of it in eight bits, and a scale; narrow latents have 656. */
static void
test_indexers_keep_keys_of_their_own (void)
{
  static const struct
  {
    const char *settings;
    guint64 token;
  } rows[] = {
    { "dtype=bfloat16 max-model-len=4096 tensor-parallel=8 quantization=fp8", 61 * (576 * 2 + 132) },
    { "dtype=bfloat16 max-model-len=4096 tensor-parallel=8 quantization=fp8 kv-cache-dtype=float8",
      61 * (656 + 132) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model ("deepseek-ai/DeepSeek-V3.2", "b200", rows[i].settings, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE) % (64 * rows[i].token), ==, 0);
    }
}

/* A layer that guesses tokens ahead is like the last one. */
static void
test_layers_that_guess_ahead_are_like_the_last (void)
{
  static const char settings[] = "dtype=bfloat16 max-model-len=4096 tensor-parallel=8 quantization=fp8";
  g_autofree char *more = g_strconcat (settings, " num-speculative-tokens=1", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) alone = estimate_model ("deepseek-ai/DeepSeek-V3", "h200-sxm5-141gb", settings, &error);
  g_autoptr (HrEstimate) guessing = NULL;
  guint64 bytes;

  g_assert_no_error (error);
  guessing = estimate_model ("deepseek-ai/DeepSeek-V3", "h200-sxm5-141gb", more, &error);
  g_assert_no_error (error);
  bytes = hr_estimate_get_component_bytes (guessing, HR_COMPONENT_WEIGHTS) -
          hr_estimate_get_component_bytes (alone, HR_COMPONENT_WEIGHTS);
  /* 11.5 thousand million in eight bits and a head of 0.9 in sixteen, a rank's share, and the whole joining matrix. */
  g_assert_cmpuint (bytes, >, G_GUINT64_CONSTANT (11500000000) / 8 + G_GUINT64_CONSTANT (1800000000) / 8);
  g_assert_cmpuint (bytes, <, G_GUINT64_CONSTANT (12300000000) / 8 + G_GUINT64_CONSTANT (1900000000) / 8 + 230 * MIB);
}

static guint64
get_bytes_on_h100 (const char    *model,
                   const char    *settings,
                   HrComponentId  id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model (model, "h100-sxm5-80gb", settings, &error);

  g_assert_no_error (error);

  return hr_estimate_get_component_bytes (found, id);
}

/* A draft model has its own weights, and its layers are among those of the model in each block. */
static void
test_draft_models_have_layers_in_each_block (void)
{
  static const char settings[] = "draft-model=Qwen/Qwen3-0.6B num-speculative-tokens=3";
  guint64 alone = get_bytes_on_h100 ("Qwen/Qwen3-8B", "", HR_COMPONENT_WEIGHTS);
  guint64 cache = get_bytes_on_h100 ("Qwen/Qwen3-8B", settings, HR_COMPONENT_KV_CACHE);

  g_assert_cmpuint (get_bytes_on_h100 ("Qwen/Qwen3-8B", settings, HR_COMPONENT_WEIGHTS), ==,
                    alone + get_bytes_on_h100 ("Qwen/Qwen3-0.6B", "", HR_COMPONENT_WEIGHTS));
  /* 36 layers and 28, of 8 heads of 128 for keys and as many for values, in blocks of 16 tokens. */
  g_assert_cmpuint (cache % (16 * (36 + 28) * 2 * 8 * 128 * 2), ==, 0);
}

/*
 * The head of yuhuili/EAGLE3-LLaMA3.1-Instruct-8B: a layer whose attention reads twice as much, the matrix of three
 * hidden states, 32,000 words and where they are among the model's.
 */
static void
test_heads_of_eagle_share_the_table_of_tokens (void)
{
  static const char config[] =
    "{\"architectures\": [\"LlamaForCausalLMEagle3\"], \"model_type\": \"llama\", \"hidden_act\": \"silu\", "
    "\"hidden_size\": 4096, \"intermediate_size\": 14336, \"max_position_embeddings\": 2048, "
    "\"num_attention_heads\": 32, \"num_key_value_heads\": 8, \"num_hidden_layers\": 1, \"rms_norm_eps\": 1e-05, "
    "\"tie_word_embeddings\": false, \"torch_dtype\": \"float16\", \"vocab_size\": 128256, "
    "\"draft_vocab_size\": 32000}";
  const guint64 layer = 2 * (4096 + 2 * 1024) * 4096 + 4096 * 4096 + 3 * 4096 * 14336 + 3 * 4096;
  const guint64 outer = 3 * 4096 * 4096 + 32000 * 4096 + 4096;
  const guint64 bytes = (layer + outer + 2048 * 128) * 2 + 32000 * 8;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("headroom-XXXXXX", &error);
  g_autofree char *file = g_build_filename (folder, "config.json", NULL);
  g_autofree char *settings = g_strconcat ("num-speculative-tokens=3 draft-model=", folder, NULL);
  const guint64 block = 16 * (32 + 1) * 2 * 8 * 128 * 2;
  g_autofree char *few = g_strconcat (settings, " max-num-seqs=8", NULL);
  guint64 alone = get_bytes_on_h100 (LLAMA, "", HR_COMPONENT_WEIGHTS);

  g_file_set_contents (file, config, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (get_bytes_on_h100 (LLAMA, settings, HR_COMPONENT_WEIGHTS), >=, alone + bytes);
  g_assert_cmpuint (get_bytes_on_h100 (LLAMA, settings, HR_COMPONENT_WEIGHTS), <, alone + bytes + 2 * MIB);
  g_assert_cmpuint (get_bytes_on_h100 (LLAMA, settings, HR_COMPONENT_KV_CACHE) % block, ==, 0);
  /* Room for the hidden states of 8192 tokens, and those of three layers, while one after another runs. */
  g_assert_cmpuint (get_bytes_on_h100 (LLAMA, few, HR_COMPONENT_ACTIVATIONS), ==,
                    get_bytes_on_h100 (LLAMA, "max-num-seqs=8", HR_COMPONENT_ACTIVATIONS) + (1 + 3) * 8192 * 4096 * 2);
  g_unlink (file);
  g_rmdir (folder);
}

/* Experts that one tensor holds are quantized one by one. */
static void
test_all_experts_are_quantized (void)
{
  static const char * const models[] = { "Qwen/Qwen3-30B-A3B", "mistralai/Mixtral-8x7B-v0.1" };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) wide = estimate_model (models[i], "h200-sxm5-141gb", "dtype=bfloat16", &error);
      g_autoptr (HrEstimate) narrow = NULL;

      g_assert_no_error (error);
      narrow = estimate_model (models[i], "h200-sxm5-141gb", "dtype=bfloat16 quantization=fp8", &error);
      g_assert_no_error (error);
      g_assert_cmpfloat_with_epsilon ((double) hr_estimate_get_component_bytes (narrow, HR_COMPONENT_WEIGHTS) /
                                        hr_estimate_get_component_bytes (wide, HR_COMPONENT_WEIGHTS), 0.505, 0.01);
    }
}

/* Adapters have room for their rank beside each matrix, by what it reads and makes; Llama's beside its tables too. */
static void
test_adapters_have_room_beside_each_matrix (void)
{
  static const struct
  {
    const char *model;
    guint64 sizes;      /* of all matrices of a layer: what they read and make */
    guint layers;
    guint64 others;     /* elements of rank 64 beside the tables of tokens, and of words */
  } rows[] = {
    { MODEL, 7 * 896 + 4864 - 896 + 896 + 2 * 128 + 896 + 2 * 4864 + 896, 24, 0 },
    { "meta-llama/Llama-3.2-1B-Instruct", 6 * 2048 + 8192 + 2048 + 2 * 512 + 2048 + 2 * 8192 + 2048, 16,
      2 * ((128256 + 256) * 64 + 2048 * 64 + 256 * 2048) + 256 * 2048 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) alone = estimate_model (rows[i].model, "l4", "max-model-len=4096", &error);
      g_autoptr (HrEstimate) adapted = NULL;
      guint64 each, found;

      g_assert_no_error (error);
      adapted = estimate_model (rows[i].model, "l4", "max-model-len=4096 max-loras=1 max-lora-rank=64", &error);
      g_assert_no_error (error);
      each = (rows[i].sizes * 64 * rows[i].layers + rows[i].others) * 2;
      found = hr_estimate_get_component_bytes (adapted, HR_COMPONENT_WEIGHTS) -
              hr_estimate_get_component_bytes (alone, HR_COMPONENT_WEIGHTS);
      g_assert_cmpfloat_with_epsilon ((double) found / each, 1, 0.03);
      g_assert_true (has_warning (alone, "without LoRA"));
      g_assert_false (has_warning (adapted, "without LoRA"));
    }
}

/* Blocks are as large as the state of a sequence, in steps of sixteen tokens; logs of vLLM say the same. */
static void
test_blocks_are_as_large_as_states (void)
{
  static const struct
  {
    const char *model;
    const char *settings;
    guint64 tokens;
    guint64 token_bytes;   /* of a layer */
    guint layers;          /* of a group */
  } rows[] = {
    { "Qwen/Qwen3-Next-80B-A3B-Instruct", "tensor-parallel=2", 544, 1024, 12 },
    { "Qwen/Qwen3-Next-80B-A3B-Instruct", "tensor-parallel=2 state-dtype=float32", 1056, 1024, 12 },
    { "Qwen/Qwen3.5-9B", "", 528, 4096, 8 },
    { "Qwen/Qwen3.5-9B", "state-dtype=float16", 272, 4096, 8 },
    { "Qwen/Qwen3.5-9B", "kv-cache-dtype=float8", 1056, 2048, 8 },
    { "Qwen/Qwen3.6-27B", "", 784, 4096, 16 },
    { "Qwen/Qwen3.6-27B", "kv-cache-dtype=float8 vllm-release=0.28", 1568, 2048, 16 },
    { "Qwen/Qwen3.6-35B-A3B", "kv-cache-dtype=float8 vllm-release=0.28", 2096, 1024, 10 },
    { "Qwen/Qwen3.6-35B-A3B", "kv-cache-dtype=float8 vllm-release=0.28 num-speculative-tokens=2", 2128, 1024, 11 },
    { "Qwen/Qwen3.6-27B", "block-size=1024", 1024, 4096, 16 },
    { "LiquidAI/LFM2-350M", "", 16, 2048, 6 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *settings = g_strchomp (g_strconcat ("dtype=bfloat16 max-model-len=4096 ", rows[i].settings,
                                                           NULL));
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model (rows[i].model, "h200-sxm5-141gb", settings, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE) %
                          (rows[i].tokens * rows[i].token_bytes * rows[i].layers), ==, 0);
    }
}

/* Since August 2026 prefixes of models with states are cached by default, for which a request has one more state. */
static void
test_prefixes_take_a_state (void)
{
  static const struct
  {
    const char *release;
    gboolean caches;
  } rows[] = { { "0.28", TRUE }, { "0.22", FALSE }, { "0.20", FALSE } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *settings = g_strdup_printf ("batch-size=64 prompt-length=256 output-length=16 "
                                                   "vllm-release=%s kv-cache-memory=8", rows[i].release);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model ("Qwen/Qwen3.5-9B", "h100-sxm5-80gb", settings, &error);

      g_assert_no_error (error);
      g_assert_true (has_warning (found, "caches no prefixes of models with states") == !rows[i].caches);
    }
}

/* Two GPUs have half of what keeps a state each, but for norms of a head and of the hidden state. */
static void
test_state_spaces_are_divided (void)
{
  static const char * const models[] = {
    "Qwen/Qwen3-Next-80B-A3B-Instruct", "nvidia/NVIDIA-Nemotron-Nano-9B-v2", "ai21labs/Jamba-v0.1",
    "LiquidAI/LFM2-350M", "ibm-granite/granite-4.0-h-350m",
  };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) whole = estimate_model (models[i], "h200-sxm5-141gb", "max-model-len=4096", &error);
      g_autoptr (HrEstimate) half = NULL;

      g_assert_no_error (error);
      half = estimate_model (models[i], "h200-sxm5-141gb", "max-model-len=4096 tensor-parallel=2", &error);
      g_assert_no_error (error);
      g_assert_cmpfloat_with_epsilon ((double) hr_estimate_get_component_bytes (half, HR_COMPONENT_WEIGHTS) /
                                        hr_estimate_get_component_bytes (whole, HR_COMPONENT_WEIGHTS), 0.5, 0.02);
    }
}

/* Without a GPU there is no share of its memory: the cache is as large as one request of the longest context needs. */
/*
 * Gemma 4's layers with a window keep 16 heads of 256, the others 4 of 512, so that a block of these has 32 tokens: of
 * 50 GiB each of six groups has 3413 blocks. vllm-project/vllm#43308 tells of about 55,000 tokens before 0.21, and of
 * about 525,000 since then, when it is as many of the longest requests that count.
 */
static void
test_layers_that_keep_less_have_longer_blocks (void)
{
  static const struct
  {
    const char *release;
    const char *room;
  } rows[] = {
    { "vllm-release=0.11", "has room for 54608 tokens, in 20480 blocks of 16" },
    { "vllm-release=0.20", "has room for 54608 tokens, in 20480 blocks of 16" },
    { "vllm-release=0.22", "has room for 530400 tokens, in 20480 blocks of 16" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *settings = g_strconcat ("dtype=bfloat16 kv-cache-memory=50 max-model-len=131072 "
                                               "max-num-batched-tokens=2048 ", rows[i].release, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model ("google/gemma-4-31B-it", "b200", settings, &error);

      g_assert_no_error (error);
      g_assert_true (has_warning (found, rows[i].room));
    }
}

/* Cohere's perceptron reads what the attention reads: gate, up and their product, beside four states that are held. */
static void
test_branches_read_the_same (void)
{
  static const char * const modes[] = { "false", "true" };
  guint64 tokens = 65536;

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *settings = g_strconcat ("max-num-seqs=8 max-num-batched-tokens=65536 enforce-eager=", modes[i],
                                               NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model ("CohereForAI/aya-23-8B", "b200", settings, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_ACTIVATIONS), ==,
                        tokens * (3 * 14336 + 4 * 4096) * 2);
    }
}

/*
 * A layer of Falcon-H1 attends and keeps a state: 3584 channels of three tokens and 3072 rows of 256, for which blocks
 * of 1024 bytes a token are widened to 1568 tokens; a request has blocks of both.
 */
static void
test_layers_attend_beside_a_state (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model ("tiiuae/Falcon-H1-7B-Instruct", "h100-sxm5-80gb",
                                                 "dtype=bfloat16 max-model-len=8192", &error);
  guint64 block = (guint64) 44 * 1568 * 1024;

  g_assert_no_error (error);
  g_assert_true (has_warning (found, " blocks of 1568: for "));
  g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE) % block, ==, 0);
}

static void
test_cache_without_a_gpu_is_what_is_needed (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model (MODEL, NULL, "max-model-len=4096", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE), ==, 4096 * TOKEN_BYTES);
}

/* vLLM refuses to start where a request of the longest context does not fit, whatever is free beside its share. */
static void
test_what_does_not_start_does_not_fit (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model ("meta-llama/Meta-Llama-3.1-8B-Instruct", "rtx-3090", "", &error);
  g_autoptr (HrEstimate) shorter = NULL;

  g_assert_no_error (error);
  g_assert_true (has_warning (found, "vLLM would not start"));
  g_assert_false (fits (found, "rtx-3090"));

  shorter = estimate_model ("meta-llama/Meta-Llama-3.1-8B-Instruct", "rtx-3090", "max-model-len=8192", &error);
  g_assert_no_error (error);
  g_assert_false (has_warning (shorter, "vLLM would not start"));
  g_assert_true (fits (shorter, "rtx-3090"));
}

/* The longest context that is named starts, and one token more does not. */
static void
test_longest_context_is_the_longest (void)
{
  static const char id[] = "meta-llama/Meta-Llama-3.1-8B-Instruct";
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model (id, "rtx-3090", "", &error);
  const char * const *warnings = hr_estimate_get_warnings (found);
  const char *named = NULL;
  guint64 longest;

  for (guint i = 0; warnings[i] != NULL && named == NULL; i++)
    named = strstr (warnings[i], "enough for max-model-len ");
  g_assert_nonnull (named);
  longest = g_ascii_strtoull (named + strlen ("enough for max-model-len "), NULL, 10);

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *settings = g_strdup_printf ("max-model-len=%" G_GUINT64_FORMAT, longest + i);
      g_autoptr (HrEstimate) other = estimate_model (id, "rtx-3090", settings, &error);

      g_assert_no_error (error);
      g_assert_cmpint (fits (other, "rtx-3090"), ==, i == 0);
    }
}

static void
test_requests_that_do_not_fit_wait (void)
{
  g_autoptr (HrEstimate) found = estimate ("batch-size=250 prompt-length=16000 max-model-len=32768");

  g_assert_true (has_warning (found, "wait"));
  g_assert_false (fits (found, "t4"));
}

/* What is quantized is told by its bits; its scales and what is rounded up are the small rest of it. */
static void
test_quantized_weights_are_told_by_their_bits (void)
{
  static const struct
  {
    const char *settings;
    const char *bits;
  } cases[] = { { "quantization=awq-int4", "·4/8 + " }, { "quantization=gptq-int8", "·8/8 + " } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrEstimate) found = estimate (cases[i].settings);
      HrComponent *weights = hr_estimate_find_component (found, HR_COMPONENT_WEIGHTS);
      const char *numbers = hr_component_get_substitution (weights);
      guint64 rest = g_ascii_strtoull (strrchr (numbers, '+') + 2, NULL, 10);

      g_test_message ("%s", numbers);
      g_assert_nonnull (strstr (numbers, cases[i].bits));
      g_assert_cmpuint (rest, >, 0);
      g_assert_cmpuint (rest, <, hr_component_get_bytes (weights) / 8);
    }
}

/* Model/(PP·TP), of the whole model: beside what one GPU holds stands what the formula gives one GPU. */
static void
test_rule_of_thumb_is_divided_evenly (void)
{
  static const struct
  {
    const char *settings;
    guint64 divisor;
  } cases[] = {
    { "tensor-parallel=2", 2 }, { "pipeline-parallel=2", 2 }, { "tensor-parallel=2 pipeline-parallel=2", 4 },
  };
  const HrComponentId parts[] = { HR_COMPONENT_WEIGHTS, HR_COMPONENT_KV_CACHE, HR_COMPONENT_ACTIVATIONS };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (MODEL, NULL);
  g_autoptr (HrEstimate) one = estimate ("");
  HrEstimate *whole = hr_estimate_get_rule_of_thumb (one);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("t4", NULL);
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
      g_autoptr (HrEstimate) found = NULL;
      HrEstimate *rule;

      g_object_set (job, "engine", HR_ENGINE_VLLM, "vllm-release", HR_VLLM_RELEASE_0_11, "dtype", HR_DTYPE_FLOAT16,
                    NULL);
      hr_job_set_all_from_string (job, cases[i].settings, &error);
      g_assert_no_error (error);
      found = hr_estimator_run (model, job, gpu, cases[i].divisor, &error);
      g_assert_no_error (error);
      rule = hr_estimate_get_rule_of_thumb (found);
      for (guint j = 0; j < G_N_ELEMENTS (parts); j++)
        g_assert_cmpfloat_with_epsilon ((double) hr_estimate_get_component_bytes (rule, parts[j]),
                                        (double) hr_estimate_get_component_bytes (whole, parts[j]) / cases[i].divisor,
                                        1);
    }
}

static void
test_what_is_not_known_is_refused (void)
{
  static const struct
  {
    const char *model;
    const char *settings;
    const char *sentence;
  } rows[] = {
    { MODEL, "kv-cache-dtype=int4", "kv-cache-dtype: expected auto, float8" },
    { MODEL, "prompt-length=2048 output-length=512 max-model-len=1024",
      "max-model-len: expected at least the tokens of prompt and output, 2560; found 1024" },
    { MODEL, "beams=2", "engine: expected transformers beside beams" },
    { MODEL, "num-speculative-tokens=1", "num-speculative-tokens: expected 0" },
    { MODEL, "draft-model=Qwen/Qwen3-0.6B", "num-speculative-tokens: expected 1 or more beside a draft model" },
    { MODEL, "draft-model=Qwen/Qwen3-0.6B num-speculative-tokens=1", "draft-model: expected one that keeps as much" },
    { MODEL, "draft-model=google/gemma-3-1b-it num-speculative-tokens=1",
      "draft-model: expected a model whose layers" },
    { "deepseek-ai/DeepSeek-V3", "num-speculative-tokens=1 vllm-release=0.8 tensor-parallel=8", "expected 0" },
    { MODEL, "context-parallel=2", "context-parallel: expected 1" },
    { MODEL, "quantization=hqq-int4", "quantization: expected none, gptq-int4" },
    { "openai-community/gpt2", "max-model-len=4096", NULL },
    { "google-t5/t5-small", "", "it is not known here how vLLM computes the layers" },
    { "Qwen/Qwen3.5-9B", "vllm-release=0.8", "vllm-release: expected 0.11 or a later one" },
    { "deepseek-ai/DeepSeek-V3.2", "vllm-release=0.8", "vllm-release: expected 0.11 or a later one" },
    { "state-spaces/mamba-130m-hf", "", "it is not known here how vLLM computes the layers" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model (rows[i].model, "t4", rows[i].settings, &error);

      if (rows[i].sentence == NULL)
        {
          g_assert_no_error (error);
          continue;
        }
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, rows[i].sentence));
    }
}

#define QWEN_VL "Qwen/Qwen2.5-VL-7B-Instruct"

/* A square of 3584 pixels has 256 patches of a side; the tower has 1280 channels, and 1176 numbers of a patch. */
#define QWEN_VL_PATCHES (G_GUINT64_CONSTANT (256) * 256)

static HrEstimate *
estimate_seeing (const char *settings)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *found = estimate_model (QWEN_VL, "l4", settings, &error);

  g_assert_no_error (error);

  return found;
}

/*
 * Queries, keys and values, as they are made and copied, and one of them in fp32, rotated and cast, beside what the
 * layer has read and its norm: 26 bytes for each channel of a patch, in 16 bits, and the pixels.
 */
static void
test_encoder_is_tried_with_the_largest_image (void)
{
  g_autoptr (HrEstimate) found = estimate_seeing ("max-model-len=4096");
  g_autoptr (HrEstimate) later = estimate_seeing ("max-model-len=4096 vllm-release=0.28");

  g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_ACTIVATIONS), ==,
                    QWEN_VL_PATCHES * (26 * 1280 + 2 * 1176));
  g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_LOGITS), ==, 0);
  g_assert_true (has_warning (found, "1 of 16384 tokens"));
  g_assert_cmpuint (hr_estimate_get_component_bytes (later, HR_COMPONENT_ACTIVATIONS), <,
                    hr_estimate_get_component_bytes (found, HR_COMPONENT_ACTIVATIONS));
}

/* A quarter of the pixels has a quarter of the patches; then the sampler takes most, with what the encoder holds. */
static void
test_limit_of_pixels_makes_the_trial_smaller (void)
{
  g_autoptr (HrEstimate) most = estimate_seeing ("vllm-release=0.28 max-model-len=4096 max-num-seqs=1");
  g_autoptr (HrEstimate) fewer = estimate_seeing ("vllm-release=0.28 max-model-len=4096 max-num-seqs=1 "
                                                  "mm-max-pixels=3211264 max-num-batched-tokens=2048");

  g_assert_cmpuint (hr_estimate_get_component_bytes (most, HR_COMPONENT_ACTIVATIONS), ==,
                    4 * hr_estimate_get_component_bytes (fewer, HR_COMPONENT_ACTIVATIONS));
  g_assert_true (has_warning (fewer, "1 of 4096 tokens"));
}

/* What has been seen is there while the sampler is tried: vectors and pixels. */
static void
test_what_was_seen_is_held_while_the_sampler_is_tried (void)
{
  g_autoptr (HrEstimate) found = estimate_seeing ("max-model-len=4096 max-num-seqs=512");
  g_autoptr (HrEstimate) blind = estimate_seeing ("max-model-len=4096 max-num-seqs=512 skip-mm-profiling=true");

  g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_LOGITS), ==,
                    hr_estimate_get_component_bytes (blind, HR_COMPONENT_LOGITS));
  g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_ACTIVATIONS), ==,
                    hr_estimate_get_component_bytes (blind, HR_COMPONENT_ACTIVATIONS) +
                    QWEN_VL_PATCHES * 2 * 1176 + QWEN_VL_PATCHES / 4 * 3584 * 2);
  g_assert_true (has_warning (blind, "vLLM does not try it"));
}

/* Without the tower there is no trial of it, and its 676,550,144 parameters are not loaded. */
static void
test_text_alone_has_no_tower (void)
{
  g_autoptr (HrEstimate) found = estimate_seeing ("max-model-len=4096 language-model-only=true");
  g_autoptr (HrEstimate) whole = estimate_seeing ("max-model-len=4096");
  guint64 saved = hr_estimate_get_component_bytes (whole, HR_COMPONENT_WEIGHTS) -
                  hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS);

  g_assert_cmpuint (saved, >=, G_GUINT64_CONSTANT (676550144) * 2);
  g_assert_cmpuint (saved, <, G_GUINT64_CONSTANT (676550144) * 2 + 64 * MIB);
  g_assert_false (has_warning (found, "encoder"));
  g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_ACTIVATIONS), <, 32 * MIB);
}

/*
 * Ranks that have the whole tower share the pictures: each looks at some of them, of which it has a copy, and gets as
 * many vectors of each rank, of two pictures where there is one.
 */
static void
test_ranks_may_have_the_whole_tower (void)
{
  static const char settings[] = "max-model-len=4096 max-num-seqs=8 tensor-parallel=2";
  g_autofree char *with = g_strconcat (settings, " mm-encoder-data-parallel=true", NULL);
  g_autofree char *without = g_strconcat (settings, " language-model-only=true", NULL);
  g_autoptr (HrEstimate) whole = estimate_seeing (with);
  g_autoptr (HrEstimate) text = estimate_seeing (without);
  g_autoptr (HrEstimate) divided = estimate_seeing (settings);
  g_autoptr (HrEstimate) three = estimate_seeing ("max-model-len=65536 max-num-seqs=8 max-num-batched-tokens=49152 "
                                                  "tensor-parallel=2 mm-encoder-data-parallel=true");
  g_autoptr (HrEstimate) held = estimate_seeing ("max-model-len=4096 max-num-seqs=512 tensor-parallel=2 "
                                                 "mm-encoder-data-parallel=true");
  g_autoptr (HrEstimate) held_divided = estimate_seeing ("max-model-len=4096 max-num-seqs=512 tensor-parallel=2");
  guint64 tower = hr_estimate_get_component_bytes (whole, HR_COMPONENT_WEIGHTS) -
                  hr_estimate_get_component_bytes (text, HR_COMPONENT_WEIGHTS);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (tower, >=, G_GUINT64_CONSTANT (676550144) * 2);
  g_assert_cmpuint (tower, <, G_GUINT64_CONSTANT (676550144) * 2 + 64 * MIB);
  g_assert_cmpuint (hr_estimate_get_component_bytes (divided, HR_COMPONENT_WEIGHTS) -
                    hr_estimate_get_component_bytes (text, HR_COMPONENT_WEIGHTS), <, tower * 6 / 10);
  g_assert_cmpuint (hr_estimate_get_component_bytes (whole, HR_COMPONENT_ACTIVATIONS), ==,
                    QWEN_VL_PATCHES * (26 * 1280 + 2 * 2 * 1176));
  g_assert_cmpuint (hr_estimate_get_component_bytes (three, HR_COMPONENT_ACTIVATIONS), ==,
                    QWEN_VL_PATCHES * (2 * 26 * 1280 + (3 + 2) * 2 * 1176));
  g_assert_cmpuint (hr_estimate_get_component_bytes (held, HR_COMPONENT_ACTIVATIONS), ==,
                    hr_estimate_get_component_bytes (held_divided, HR_COMPONENT_ACTIVATIONS) +
                    QWEN_VL_PATCHES / 4 * 3584 * 2);

  g_assert_null (estimate_model ("google/gemma-3-4b-it", "l4",
                                 "max-model-len=4096 tensor-parallel=2 mm-encoder-data-parallel=true", &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "mm-encoder-data-parallel: expected false"));
}

/*
 * A layer has 29,826,048 bytes, norms and biases in whole blocks of 512: what goes to the host is three of them, and of
 * the fourth as many parameters as there are until it is a tenth of a GiB, the last of which is the matrix of gates.
 */
static void
test_host_keeps_whole_parameters (void)
{
  static const guint64 layer = 29826048, more = 2048 + 1152 * 896 * 2 + 2048 + 512 + 512 + 896 * 896 * 2 + 2048 +
                                                2 * 4864 * 896 * 2;
  static const char * const refused[] = {
    "Qwen/Qwen2.5-7B-Instruct-AWQ", "vllm-release=0.11 cpu-offload-gb=2 max-model-len=4096",
    "openai/gpt-oss-20b", "vllm-release=0.28 cpu-offload-gb=2 max-model-len=4096 dtype=bfloat16",
    MODEL, "vllm-release=0.28 cpu-offload-gb=0.1 quantization=fp8-tensor",
  };
  static const char long_batches[] = "vllm-release=0.7 max-num-seqs=8 max-num-batched-tokens=65536 enforce-eager=true";
  g_autofree char *with = g_strconcat (long_batches, " cpu-offload-gb=0.1", NULL);
  g_autofree char *found_bytes = g_strdup_printf (" − %" G_GUINT64_FORMAT, 3 * layer + more);
  g_autoptr (HrEstimate) found = estimate ("cpu-offload-gb=0.1");
  g_autoptr (HrEstimate) later = estimate ("cpu-offload-gb=0.1 vllm-release=0.28");
  HrComponent *weights = hr_estimate_find_component (found, HR_COMPONENT_WEIGHTS);
  guint64 saved = get_bytes ("", HR_COMPONENT_WEIGHTS) - hr_component_get_bytes (weights);

  g_assert_cmpuint (saved, >=, 3 * layer + more);
  g_assert_cmpuint (saved, <, 3 * layer + more + 16 * MIB);
  g_assert_true (g_str_has_suffix (hr_component_get_substitution (weights), found_bytes));
  g_assert_true (has_warning (later, "0.10 GiB of the weights stay in the memory of the host"));
  g_assert_cmpuint (get_bytes (with, HR_COMPONENT_ACTIVATIONS), ==,
                    get_bytes (long_batches, HR_COMPONENT_ACTIVATIONS) + layer);

  for (guint i = 0; i < G_N_ELEMENTS (refused); i += 2)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (estimate_model (refused[i], "rtx-4090", refused[i + 1], &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, "cpu-offload-gb: expected 0"));
    }
}

/* As many tokens as the longest request has are computed at once, but by releases that do not listen. */
static void
test_whole_prompts_are_computed_at_once (void)
{
  static const struct
  {
    const char *release;
    guint64 told;
  } rows[] = { { "0.28", 16384 }, { "0.20", 16384 }, { "0.11", 2048 }, { "0.8", 2048 }, { "0.7", 16384 } };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *open = g_strdup_printf ("vllm-release=%s max-model-len=16384 chunked-prefill=false",
                                               rows[i].release);
      g_autofree char *told = g_strdup_printf ("vllm-release=%s max-model-len=16384 max-num-batched-tokens=%"
                                               G_GUINT64_FORMAT, rows[i].release, rows[i].told);

      g_assert_cmpuint (get_bytes (open, HR_COMPONENT_KV_CACHE), ==, get_bytes (told, HR_COMPONENT_KV_CACHE));
    }

  g_assert_null (estimate_model (MODEL, "t4", "vllm-release=0.28 max-model-len=16384 max-num-batched-tokens=4096 "
                                 "chunked-prefill=false", &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_VALUE);
  g_assert_nonnull (strstr (error->message, "max-num-batched-tokens: expected at least max-model-len, 16384"));
}

/*
 * By themselves releases take 0.92 of the memory since 0.21, which counts CUDA graphs within it; an L40S, as 0.19 wrote
 * into its log, had 20.27 GiB left beside Qwen3.5-9B, and 0.65 GiB of graphs beside that.
 */
static void
test_releases_take_shares_of_their_own (void)
{
  static const struct
  {
    const char *release;
    double share;
    gboolean counts_graphs;
  } rows[] = { { "0.28", 0.92, FALSE }, { "0.22", 0.92, TRUE }, { "0.20", 0.9, FALSE }, { "0.11", 0.9, FALSE } };
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("l40s", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *settings = g_strdup_printf ("dtype=bfloat16 max-num-batched-tokens=8192 max-num-seqs=256 "
                                                   "vllm-release=%s", rows[i].release);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate_model ("Qwen/Qwen3.5-9B", "l40s", settings, &error);
      guint64 graphs, within;

      g_assert_no_error (error);
      graphs = hr_estimate_get_component_bytes (found, HR_COMPONENT_CUDA_GRAPHS);
      within = hr_estimate_get_device_bytes (found, 0) - (rows[i].counts_graphs ? 0 : graphs) -
               hr_estimate_get_component_bytes (found, HR_COMPONENT_FRAMEWORK) + 1024 * MIB * 13 / 100;
      g_assert_cmpfloat (fabs ((double) within / hr_gpu_get_usable_memory (gpu) - rows[i].share), <, 0.001);
      if (g_str_equal (rows[i].release, "0.20"))
        g_assert_cmpfloat (fabs (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE) / (1024.0 * MIB) -
                                 20.27), <, 0.03);
    }
}

/* Of ranks of releases since 0.12 a graph takes what it took in a log of 2026, of earlier ones what it took in two. */
static void
test_graphs_of_ranks_are_those_of_the_release (void)
{
  static const struct
  {
    const char *release;
    guint64 sizes;
    guint64 kibibytes;
  } rows[] = { { "0.28", 3 + 32 + 16, 321 }, { "0.20", 3 + 32 + 16, 321 }, { "0.11", 3 + 32 + 32, 663 } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *settings = g_strdup_printf ("tensor-parallel=2 vllm-release=%s", rows[i].release);

      g_assert_cmpuint (get_bytes (settings, HR_COMPONENT_CUDA_GRAPHS), ==,
                        rows[i].sizes * 25 * rows[i].kibibytes * 1024);
    }
}

/*
 * The kernel of 0.17 to 0.20 has a row of a buffer for each of 40 multiprocessors beside logits in fp32, probabilities
 * and noise; fewer requests than it is for are sorted, as before.
 */
static void
test_logits_are_masked_in_place (void)
{
  guint64 row = G_GUINT64_CONSTANT (151936) * 4;

  g_assert_cmpuint (get_bytes ("vllm-release=0.20 max-num-seqs=256", HR_COMPONENT_LOGITS), ==,
                    256 * (151936 * 2 + 3 * row) + 40 * row);
  g_assert_cmpuint (get_bytes ("vllm-release=0.20 max-num-seqs=4 max-num-batched-tokens=4", HR_COMPONENT_LOGITS), ==,
                    get_bytes ("vllm-release=0.11 max-num-seqs=4 max-num-batched-tokens=4", HR_COMPONENT_LOGITS));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/memory/vllm/its_share_of_the_memory_is_used_up", test_share_is_used_up);
  g_test_add_func ("/memory/vllm/the_cache_is_whole_blocks", test_cache_is_whole_blocks);
  g_test_add_func ("/memory/vllm/the_cache_is_as_large_as_it_is_told_to_be",
                   test_cache_is_as_large_as_it_is_told_to_be);
  g_test_add_func ("/memory/vllm/the_largest_gpus_have_the_largest_batches",
                   test_the_largest_gpus_have_the_largest_batches);
  g_test_add_func ("/memory/vllm/the_sampler_is_tried_out_with_all_requests",
                   test_sampler_is_tried_out_with_all_requests);
  g_test_add_func ("/memory/vllm/long_batches_go_through_a_layer", test_long_batches_go_through_a_layer);
  g_test_add_func ("/memory/vllm/graphs_are_captured_unless_it_is_eager", test_graphs_are_captured_unless_it_is_eager);
  g_test_add_func ("/memory/vllm/guesses_by_n_grams_have_logits_of_their_own",
                   test_guesses_by_n_grams_have_logits_of_their_own);
  g_test_add_func ("/memory/vllm/latents_are_whole_on_every_rank", test_latents_are_whole_on_every_rank);
  g_test_add_func ("/memory/vllm/matrices_of_latents_are_kept_twice", test_matrices_of_latents_are_kept_twice);
  g_test_add_func ("/memory/vllm/experts_are_padded_for_the_gpu", test_experts_are_padded_for_the_gpu);
  g_test_add_func ("/memory/vllm/indexers_keep_keys_of_their_own", test_indexers_keep_keys_of_their_own);
  g_test_add_func ("/memory/vllm/layers_that_guess_ahead_are_like_the_last",
                   test_layers_that_guess_ahead_are_like_the_last);
  g_test_add_func ("/memory/vllm/draft_models_have_layers_in_each_block", test_draft_models_have_layers_in_each_block);
  g_test_add_func ("/memory/vllm/heads_of_eagle_share_the_table_of_tokens",
                   test_heads_of_eagle_share_the_table_of_tokens);
  g_test_add_func ("/memory/vllm/all_experts_are_quantized", test_all_experts_are_quantized);
  g_test_add_func ("/memory/vllm/adapters_have_room_beside_each_matrix", test_adapters_have_room_beside_each_matrix);
  g_test_add_func ("/memory/vllm/blocks_are_as_large_as_states", test_blocks_are_as_large_as_states);
  g_test_add_func ("/memory/vllm/prefixes_take_a_state", test_prefixes_take_a_state);
  g_test_add_func ("/memory/vllm/state_spaces_are_divided", test_state_spaces_are_divided);
  g_test_add_func ("/memory/vllm/layers_that_keep_less_have_longer_blocks",
                   test_layers_that_keep_less_have_longer_blocks);
  g_test_add_func ("/memory/vllm/branches_read_the_same", test_branches_read_the_same);
  g_test_add_func ("/memory/vllm/layers_attend_beside_a_state", test_layers_attend_beside_a_state);
  g_test_add_func ("/memory/vllm/the_cache_without_a_gpu_is_what_is_needed",
                   test_cache_without_a_gpu_is_what_is_needed);
  g_test_add_func ("/memory/vllm/what_does_not_start_does_not_fit", test_what_does_not_start_does_not_fit);
  g_test_add_func ("/memory/vllm/the_longest_context_is_the_longest", test_longest_context_is_the_longest);
  g_test_add_func ("/memory/vllm/requests_that_do_not_fit_wait", test_requests_that_do_not_fit_wait);
  g_test_add_func ("/memory/vllm/quantized_weights_are_told_by_their_bits",
                   test_quantized_weights_are_told_by_their_bits);
  g_test_add_func ("/memory/vllm/rule_of_thumb_is_divided_evenly", test_rule_of_thumb_is_divided_evenly);
  g_test_add_func ("/memory/vllm/what_is_not_known_is_refused", test_what_is_not_known_is_refused);
  g_test_add_func ("/memory/vllm/the_encoder_is_tried_with_the_largest_image",
                   test_encoder_is_tried_with_the_largest_image);
  g_test_add_func ("/memory/vllm/a_limit_of_pixels_makes_the_trial_smaller",
                   test_limit_of_pixels_makes_the_trial_smaller);
  g_test_add_func ("/memory/vllm/what_was_seen_is_held_while_the_sampler_is_tried",
                   test_what_was_seen_is_held_while_the_sampler_is_tried);
  g_test_add_func ("/memory/vllm/text_alone_has_no_tower", test_text_alone_has_no_tower);
  g_test_add_func ("/memory/vllm/ranks_may_have_the_whole_tower", test_ranks_may_have_the_whole_tower);
  g_test_add_func ("/memory/vllm/releases_take_shares_of_their_own", test_releases_take_shares_of_their_own);
  g_test_add_func ("/memory/vllm/logits_are_masked_in_place", test_logits_are_masked_in_place);
  g_test_add_func ("/memory/vllm/graphs_of_ranks_are_those_of_the_release",
                   test_graphs_of_ranks_are_those_of_the_release);
  g_test_add_func ("/memory/vllm/the_host_keeps_whole_parameters", test_host_keeps_whole_parameters);
  g_test_add_func ("/memory/vllm/whole_prompts_are_computed_at_once", test_whole_prompts_are_computed_at_once);

  return g_test_run ();
}
