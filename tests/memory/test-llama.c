/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What the settings of llama.cpp change, by how much, and what is refused. Sizes are those of Qwen2.5-0.5B. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-ggml-allocator.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"

#define MODEL "Qwen/Qwen2.5-0.5B-Instruct"
#define SEEING "google/gemma-3-4b-it"
#define DRAFT "draft-model=" MODEL
#define MIB (G_GUINT64_CONSTANT (1) << 20)

/*
 * 24 layers, two heads of 64 elements for keys and as many for values, 4096 tokens. CUDA pads quantized tensors by what
 * is missing from rows of 512 elements.
 */
#define ELEMENTS (G_GUINT64_CONSTANT (24) * 2 * 128 * 4096)

static HrJob *
make_job (const char *settings)
{
  HrJob *job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (GError) error = NULL;

  g_object_set (job, "engine", HR_ENGINE_LLAMA_CPP, "max-model-len", G_GUINT64_CONSTANT (4096), NULL);
  hr_job_set_all_from_string (job, settings, &error);
  g_assert_no_error (error);

  return job;
}

static HrEstimate *
estimate_model (const char  *id,
                const char  *settings,
                GError     **error)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (id, NULL);
  g_autoptr (HrJob) job = make_job (settings);

  return hr_job_load_models (job, error) ? hr_estimator_run (model, job, NULL, 1, error) : NULL;
}

static HrEstimate *
estimate_on (HrGpu      *gpu,
             const char *settings)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (MODEL, NULL);
  g_autoptr (HrJob) job = make_job (settings);
  g_autoptr (GError) error = NULL;
  HrEstimate *found = hr_estimator_run (model, job, gpu, 1, &error);

  g_assert_no_error (error);

  return found;
}

static HrEstimate *
estimate (const char  *settings,
          GError     **error)
{
  return estimate_model (MODEL, settings, error);
}

static guint64
get_bytes_of (const char    *model,
              const char    *settings,
              HrComponentId  id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = estimate_model (model, settings, &error);

  g_assert_no_error (error);

  return hr_estimate_get_component_bytes (found, id);
}

static guint64
get_bytes (const char    *settings,
           HrComponentId  id)
{
  return get_bytes_of (MODEL, settings, id);
}

static void
test_cache (void)
{
  static const struct
  {
    const char *settings;
    guint64 bytes;
  } cases[] = {
    { "", ELEMENTS * 2 },
    { "kv-cache-dtype=float32", ELEMENTS * 4 },
    { "cache-type-k=q8_0 cache-type-v=q8_0", ELEMENTS / 32 * 34 + 48 * 512 },
    { "cache-type-k=q4_0", ELEMENTS / 2 / 32 * 18 + 24 * 256 + ELEMENTS },
    { "max-num-seqs=3", ELEMENTS * 2 * 3 },
    { "max-num-seqs=3 kv-unified=true", ELEMENTS * 2 * 3 },
    { "batch-size=2", ELEMENTS * 2 * 2 },
    { "max-model-len=4097", ELEMENTS / 4096 * 4352 * 2 },
    { "max-model-len=4097 llama-release=b4500", ELEMENTS / 4096 * 4128 * 2 },
    { "max-model-len=0 prompt-length=4000 output-length=96", ELEMENTS * 2 },
    { "kv-offload=false", 0 },
    { "gpu-layers=13", ELEMENTS },
    { "gpu-layers=12 llama-release=b4500", ELEMENTS },
    { "gpu-layers=0", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint64 bytes = get_bytes (cases[i].settings, HR_COMPONENT_KV_CACHE);

      g_test_message ("%s: %" G_GUINT64_FORMAT, cases[i].settings, bytes);
      g_assert_cmpuint (bytes, ==, cases[i].bytes);
    }
}

/* The table of the embeddings is on the host, and the head that is tied to it a copy on the GPU. */
static void
test_layers (void)
{
  guint64 all = get_bytes ("", HR_COMPONENT_WEIGHTS);
  guint64 head = get_bytes ("gpu-layers=1", HR_COMPONENT_WEIGHTS);

  g_assert_cmpuint (all / MIB, ==, 942);
  g_assert_cmpuint (head / MIB, ==, 259);
  g_assert_cmpuint (get_bytes ("gpu-layers=0", HR_COMPONENT_WEIGHTS), ==, 0);
  g_assert_cmpuint (get_bytes ("gpu-layers=13", HR_COMPONENT_WEIGHTS), ==, head + (all - head) / 2);
  g_assert_cmpuint (get_bytes ("gpu-layers=24 llama-release=b4500", HR_COMPONENT_WEIGHTS), <, all - head + MIB);
}

/*
 * Logits of one token of each sequence, or, before June 2026, of all tokens, which are most of it; scores that flash
 * attention does not keep.
 */
static void
test_compute_buffer (void)
{
  guint64 usual = get_bytes ("", HR_COMPONENT_ACTIVATIONS);
  guint64 whole = get_bytes ("llama-release=b9272", HR_COMPONENT_ACTIVATIONS);

  g_assert_cmpuint (whole, >, G_GUINT64_CONSTANT (512) * 151936 * 4);
  g_assert_cmpuint (usual, <, whole / 4);
  g_assert_cmpuint (get_bytes ("max-num-batched-tokens=256", HR_COMPONENT_ACTIVATIONS), <, usual * 51 / 100);
  g_assert_cmpuint (get_bytes ("max-num-batched-tokens=256 llama-release=b9272", HR_COMPONENT_ACTIVATIONS), <,
                    whole * 51 / 100);
  g_assert_cmpuint (get_bytes ("max-model-len=32768 flash-attention=off", HR_COMPONENT_ACTIVATIONS), >,
                    G_GUINT64_CONSTANT (512) * 32768 * 14 * 4);
  g_assert_cmpuint (get_bytes ("max-model-len=32768", HR_COMPONENT_ACTIVATIONS), <, usual + 40 * MIB);
}

/* Gemma 3's tower, whose figures are those of its log (tests/oracle), beside the model, or on the host. */
static void
test_projector (void)
{
  guint64 weights = get_bytes_of (SEEING, "mmproj=none", HR_COMPONENT_WEIGHTS);
  guint64 compute = get_bytes_of (SEEING, "mmproj=none", HR_COMPONENT_ACTIVATIONS);
  guint64 seeing = get_bytes_of (SEEING, "mmproj=f16", HR_COMPONENT_WEIGHTS);

  g_assert_cmpuint ((seeing - weights) / MIB, ==, 811);
  g_assert_cmpuint (get_bytes_of (SEEING, "mmproj=f16", HR_COMPONENT_ACTIVATIONS) - compute, ==,
                    G_GUINT64_CONSTANT (127139840));
  g_assert_cmpuint (get_bytes_of (SEEING, "mmproj=f16 mmproj-offload=false", HR_COMPONENT_WEIGHTS), ==,
                    weights);
  g_assert_cmpuint (get_bytes_of (SEEING, "mmproj=q8_0", HR_COMPONENT_WEIGHTS), <, seeing);
}

/* llama-server -hf takes the file of 16 bits that repositories have; where nothing is known of one, none is counted. */
static void
test_projector_is_loaded_by_itself (void)
{
  g_assert_cmpuint (get_bytes_of (SEEING, "", HR_COMPONENT_WEIGHTS), ==,
                    get_bytes_of (SEEING, "mmproj=f16", HR_COMPONENT_WEIGHTS));
  g_assert_cmpuint (get_bytes_of (SEEING, "llama-release=b9272", HR_COMPONENT_WEIGHTS), ==,
                    get_bytes_of (SEEING, "llama-release=b9272 mmproj=none", HR_COMPONENT_WEIGHTS));
  g_assert_cmpuint (get_bytes ("", HR_COMPONENT_WEIGHTS), ==, get_bytes ("mmproj=none", HR_COMPONENT_WEIGHTS));
}

/* A draft model like the model: all of it twice, but for what is said of the one alone. */
static void
test_draft (void)
{
  guint64 weights = get_bytes ("", HR_COMPONENT_WEIGHTS);
  guint64 cache = get_bytes ("", HR_COMPONENT_KV_CACHE);
  guint64 compute = get_bytes ("", HR_COMPONENT_ACTIVATIONS);

  g_assert_cmpuint (get_bytes (DRAFT, HR_COMPONENT_WEIGHTS), ==, 2 * weights);
  g_assert_cmpuint (get_bytes (DRAFT, HR_COMPONENT_KV_CACHE), ==, 2 * cache);
  g_assert_cmpuint (get_bytes (DRAFT, HR_COMPONENT_ACTIVATIONS), ==, 2 * compute);
  g_assert_cmpuint (get_bytes (DRAFT " draft-gpu-layers=0", HR_COMPONENT_WEIGHTS), ==, weights);
  g_assert_cmpuint (get_bytes (DRAFT " draft-quantization=q8_0", HR_COMPONENT_WEIGHTS), <, weights * 16 / 10);
  g_assert_cmpuint (get_bytes (DRAFT " cache-type-k=q8_0 cache-type-v=q8_0", HR_COMPONENT_KV_CACHE), ==,
                    cache + ELEMENTS / 32 * 34 + 48 * 512);
  g_assert_cmpuint (get_bytes (DRAFT " draft-cache-type-k=q8_0 draft-cache-type-v=q8_0", HR_COMPONENT_KV_CACHE), ==,
                    cache + ELEMENTS / 32 * 34 + 48 * 512);
  g_assert_cmpuint (get_bytes (DRAFT " draft-batched-tokens=64", HR_COMPONENT_ACTIVATIONS), <, compute * 12 / 10);
  g_assert_cmpuint (get_bytes (DRAFT " engine=ollama", HR_COMPONENT_WEIGHTS), ==,
                    get_bytes ("engine=ollama", HR_COMPONENT_WEIGHTS));
}

/* The file of a checkpoint that is quantized itself is that of a model that is not, or of the experts as they are. */
static void
test_checkpoints (void)
{
  static const struct
  {
    const char *id;
    const char *file;
    const char *same;
  } cases[] = {
    { "openai/gpt-oss-20b", "openai/gpt-oss-20b", "mxfp4_moe" },
    { "Qwen/Qwen3-8B-FP8", "Qwen/Qwen3-8B", "none" },
    { "Qwen/Qwen2.5-0.5B-Instruct-GPTQ-Int4", MODEL, "none" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrEstimate) found = estimate_model (cases[i].id, "", NULL);
      g_autofree char *settings = g_strconcat ("quantization=", cases[i].same, NULL);
      g_autoptr (HrEstimate) same = estimate_model (cases[i].file, settings, NULL);

      g_assert_cmpuint (hr_estimate_get_total_bytes (found), ==, hr_estimate_get_total_bytes (same));
      g_assert_nonnull (strstr (hr_estimate_get_warnings (found)[0], "checkpoint"));
    }
}

static void
test_refusals (void)
{
  static const struct
  {
    const char *settings;
    const char *word;
  } cases[] = {
    { "quantization=awq-int4", "quantization" },
    { "dtype=float64", "quantization" },
    { "kv-cache-dtype=int8", "cache-type-k" },
    { "cache-type-v=q8_0 flash-attention=off", "cache-type-v" },
    { "cache-type-v=q8_0 cache-type-k=f16", "cache-type-v" },
    { "beams=2", "beams" },
    { "tensor-parallel=2", "tensor-parallel" },
    { "tensor-split=1,2", "tensor-split" },
    { "tensor-split=x", "tensor-split" },
    { "override-tensor=exps", "override-tensor" },
    { "override-tensor=exps=CUDA1", "override-tensor" },
    { "override-tensor=(exps=CPU", "override-tensor" },
    { "override-tensor=token_embd=CUDA0", "override-tensor" },
    { "mmproj=f16", "mmproj" },
    { DRAFT " llama-release=b9272", "draft-model" },
    { DRAFT " draft-quantization=gptq-int4", "draft-model: quantization" },
    { DRAFT " draft-cache-type-v=q8_0 draft-cache-type-k=f16", "draft-model: cache-type-v" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = estimate (cases[i].settings, &error);

      g_assert_null (found);
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, cases[i].word));
    }
}

/*
 * On GPUs before Ada 112 tiles of 64 tokens, each a block; later two blocks on each of 128 multiprocessors. A block had
 * 64 x 68 numbers times eight until January 2026, and the keys and values of 32768 tokens 16 MiB until June. Matrices
 * take 6 MiB.
 */
static void
test_pool (void)
{
  static const struct
  {
    const char *gpu;
    const char *settings;
    const char *other;
    guint64 steps;
  } cases[] = {
    { "rtx-3080", "llama-release=b7522", "llama-release=b9272", 5 },
    { "rtx-4090", "llama-release=b7522", "llama-release=b9272", 14 },
    { "rtx-3080", "llama-release=b9272 cache-type-k=q8_0 cache-type-v=q8_0 max-model-len=32768",
      "llama-release=b10488 cache-type-k=q8_0 cache-type-v=q8_0 max-model-len=32768", 5 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (cases[i].gpu, &error);
      g_autoptr (HrEstimate) found = estimate_on (gpu, cases[i].settings);
      g_autoptr (HrEstimate) other = estimate_on (gpu, cases[i].other);
      guint64 more = hr_estimate_get_component_bytes (found, HR_COMPONENT_FRAMEWORK) -
                     hr_estimate_get_component_bytes (other, HR_COMPONENT_FRAMEWORK);

      g_assert_cmpuint ((more + MIB) / (2 * MIB), ==, cases[i].steps);
    }
}

/* The smallest hole that a tensor fits into, of equal ones the last; neighbours become one. */
static void
test_allocator (void)
{
  g_autoptr (HrGgmlAllocator) allocator = hr_ggml_allocator_new (128);
  guint64 offsets[5];

  for (guint i = 0; i < G_N_ELEMENTS (offsets); i++)
    offsets[i] = hr_ggml_allocator_take (allocator, i == 0 ? 1000 : 200);
  g_assert_cmpuint (offsets[1], ==, 1024);
  g_assert_cmpuint (hr_ggml_allocator_get_size (allocator), ==, 1024 + 4 * 256);

  hr_ggml_allocator_return (allocator, offsets[0], 1000);
  hr_ggml_allocator_return (allocator, offsets[2], 200);
  g_assert_cmpuint (hr_ggml_allocator_take (allocator, 256), ==, offsets[2]);
  hr_ggml_allocator_return (allocator, offsets[1], 200);
  g_assert_cmpuint (hr_ggml_allocator_take (allocator, 1280), ==, 0);
  hr_ggml_allocator_return (allocator, offsets[4], 200);
  g_assert_cmpuint (hr_ggml_allocator_take (allocator, 512), ==, offsets[4]);
  g_assert_cmpuint (hr_ggml_allocator_get_size (allocator), ==, offsets[4] + 512);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/llama/the_cache_is_as_large_as_the_settings_say", test_cache);
  g_test_add_func ("/llama/the_last_layers_and_the_head_are_on_the_gpu", test_layers);
  g_test_add_func ("/llama/fewer_tokens_at_once_need_a_smaller_buffer", test_compute_buffer);
  g_test_add_func ("/llama/a_draft_model_has_weights_and_buffers_of_its_own", test_draft);
  g_test_add_func ("/llama/a_quantized_checkpoint_is_converted_as_llama_cpp_does", test_checkpoints);
  g_test_add_func ("/llama/a_projector_is_on_the_first_gpu_or_on_the_host", test_projector);
  g_test_add_func ("/llama/a_projector_is_loaded_by_itself_where_it_is_known", test_projector_is_loaded_by_itself);
  g_test_add_func ("/llama/what_llama_cpp_cannot_do_is_refused", test_refusals);
  g_test_add_func ("/llama/the_pool_of_the_kernels_is_as_large_as_the_release_has_it", test_pool);
  g_test_add_func ("/llama/holes_are_used_as_ggml_uses_them", test_allocator);

  return g_test_run ();
}
