/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What Ollama fills in by itself before it starts llama.cpp's server, and which layers that then puts on the GPU. */

#include <string.h>

#include "hr-cuda-context.h"
#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"

#define MODEL "Qwen/Qwen2.5-32B-Instruct"
#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* 64 layers, eight heads of 128 elements for keys and as many for values. */
#define TOKEN_BYTES (G_GUINT64_CONSTANT (64) * 2 * 1024 * 2)

static HrEstimate *
try_estimate (const char  *id,
              const char  *gpu_id,
              guint        n_gpus,
              const char  *settings,
              GError     **error)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (id, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (gpu_id, NULL);
  g_autoptr (GError) own_error = NULL;

  hr_job_set_all_from_string (job, settings, &own_error);
  g_assert_no_error (own_error);

  return hr_estimator_run (model, job, gpu, n_gpus, error);
}

static HrEstimate *
estimate (const char *id,
          const char *gpu_id,
          guint       n_gpus,
          const char *settings)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *found = try_estimate (id, gpu_id, n_gpus, settings, &error);

  g_assert_no_error (error);

  return found;
}

/* server/routes.go: from 23 GiB on 32,768 tokens, from 47 GiB on 262,144, and no more than the model knows. */
static void
test_context (void)
{
  static const struct
  {
    const char *gpu;
    guint n_gpus;
    const char *settings;
    guint64 tokens;
  } rows[] = {
    { "rtx-3060", 1, "", 4096 },
    { "rtx-4090", 1, "", 32768 },
    { "rtx-4090", 1, "max-num-seqs=4 max-model-len=1024", 4096 },
    { "rtx-4090", 1, "cache-type-k=q8_0", 32768 * 34 / 64 },
    { "h100-80gb-sxm", 1, "", 32768 },
    { "rtx-4090", 1, "max-model-len=99999", 32768 },
    { "rtx-4090", 1, "gpu-overhead=512", 32768 },
    { "rtx-4090", 1, "gpu-overhead=1024", 4096 },
    { "rtx-4090", 1, "gpu-overhead=1024 max-model-len=8192", 8192 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *settings = g_strdup_printf ("engine=ollama quantization=q4_k_m gpu-layers=9999 %s",
                                                   rows[i].settings);
      g_autoptr (HrEstimate) found = estimate (MODEL, rows[i].gpu, rows[i].n_gpus, settings);

      g_test_message ("%s %s", rows[i].gpu, settings);
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE), ==,
                        rows[i].tokens * TOKEN_BYTES);
    }
}

static guint64
get_buffers (HrEstimate *estimate)
{
  return hr_estimate_get_component_bytes (estimate, HR_COMPONENT_WEIGHTS) +
         hr_estimate_get_component_bytes (estimate, HR_COMPONENT_KV_CACHE) +
         hr_estimate_get_component_bytes (estimate, HR_COMPONENT_ACTIVATIONS);
}

/* What fit sees: the context is there, and what kernels keep for themselves is not yet. */
static guint64
get_free_memory (HrGpu *gpu)
{
  guint64 context;

  g_assert_true (hr_cuda_context_get_bytes (gpu, &context));

  return hr_gpu_get_usable_memory (gpu) - context;
}

/* What fit leaves is a GiB and less than another layer; what is said as a number of layers is the same. */
static void
test_layers (void)
{
  static const char * const rows[] = { "", "max-model-len=8192", "max-model-len=16384 cache-type-k=q8_0" };
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *settings = g_strdup_printf ("engine=ollama quantization=q5_k_m max-num-batched-tokens=512 %s",
                                                   rows[i]);
      g_autoptr (HrEstimate) fitted = estimate (MODEL, "rtx-4090", 1, settings);
      guint64 usable = get_free_memory (gpu) - GIB;
      gboolean is_found = FALSE;

      g_assert_cmpuint (get_buffers (fitted), <=, usable);
      for (guint n = 64; n > 0 && !is_found; n--)
        {
          g_autofree char *fewer = g_strdup_printf ("%s gpu-layers=%u", settings, n);
          g_autofree char *more = g_strdup_printf ("%s gpu-layers=%u", settings, n + 1);
          g_autoptr (HrEstimate) told = estimate (MODEL, "rtx-4090", 1, fewer);
          g_autoptr (HrEstimate) next = estimate (MODEL, "rtx-4090", 1, more);

          is_found = get_buffers (told) == get_buffers (fitted);
          if (is_found)
            g_assert_cmpuint (get_buffers (next), >, usable);
        }
      g_assert_true (is_found || get_buffers (fitted) < usable);
    }
}

/* What llama.cpp does for Ollama it does by itself as well, unless it is told how many layers there are to be. */
static void
test_fit (void)
{
  static const char same[] = "quantization=q5_k_m max-model-len=8192 max-num-seqs=1 max-num-batched-tokens=512";
  g_autofree char *by_ollama = g_strconcat ("engine=ollama ", same, NULL);
  g_autofree char *by_itself = g_strconcat ("engine=llama.cpp llama-release=b10488 fit=true ", same, NULL);
  g_autofree char *all = g_strconcat ("engine=llama.cpp llama-release=b10488 ", same, NULL);
  g_autofree char *told = g_strconcat ("engine=llama.cpp llama-release=b10488 fit=true gpu-layers=9999 ", same, NULL);
  g_autoptr (HrEstimate) first = estimate (MODEL, "rtx-4080", 1, by_ollama);
  g_autoptr (HrEstimate) second = estimate (MODEL, "rtx-4080", 1, by_itself);
  g_autoptr (HrEstimate) third = estimate (MODEL, "rtx-4080", 1, all);
  g_autoptr (HrEstimate) fourth = estimate (MODEL, "rtx-4080", 1, told);

  g_assert_cmpuint (get_buffers (second), ==, get_buffers (first));
  g_assert_cmpuint (get_buffers (second), <, get_buffers (third));
  g_assert_cmpuint (get_buffers (fourth), ==, get_buffers (third));
}

/* With the same said, it is llama.cpp. */
static void
test_same_as_llama (void)
{
  static const char same[] = "quantization=q4_k_m max-model-len=4096 max-num-seqs=2 max-num-batched-tokens=1024";
  g_autofree char *by_ollama = g_strconcat ("engine=ollama gpu-layers=9999 ", same, NULL);
  g_autofree char *by_llama = g_strconcat ("engine=llama.cpp llama-release=b10488 ", same, NULL);
  g_autoptr (HrEstimate) ollama = estimate (MODEL, "a100-80gb-sxm", 1, by_ollama);
  g_autoptr (HrEstimate) llama = estimate (MODEL, "a100-80gb-sxm", 1, by_llama);

  g_assert_cmpuint (hr_estimate_get_allocated_bytes (ollama), ==, hr_estimate_get_allocated_bytes (llama));
}

/* server/sched.go: one of several GPUs where the guess takes at most four fifths of it. */
static void
test_gpus (void)
{
  g_autoptr (HrEstimate) one = estimate ("Qwen/Qwen2.5-7B-Instruct", "rtx-4090", 2,
                                         "engine=ollama quantization=q4_k_m max-model-len=4096");
  g_autoptr (HrEstimate) both = estimate (MODEL, "rtx-4090", 2,
                                          "engine=ollama quantization=q4_k_m max-model-len=32768");

  g_autoptr (HrEstimate) spread = estimate ("Qwen/Qwen2.5-7B-Instruct", "rtx-4090", 2,
                                            "engine=ollama quantization=q4_k_m max-model-len=4096 sched-spread=true");

  g_assert_cmpuint (hr_estimate_get_n_devices (spread), ==, 2);
  g_assert_cmpuint (hr_estimate_get_n_devices (one), ==, 1);
  g_assert_cmpuint (hr_estimate_get_n_devices (both), ==, 2);
}

/* common/fit.cpp: a context that is left to it is made shorter before any layer is taken off the GPU. */
static void
test_fit_context (void)
{
  static const char same[] = "engine=llama.cpp fit=true quantization=q4_k_m max-num-seqs=4 kv-unified=true ";
  g_autofree char *whole = g_strconcat (same, "max-model-len=8192", NULL);
  g_autofree char *least = g_strconcat (same, "fit-ctx=28672", NULL);
  g_autofree char *more = g_strconcat (same, "fit-target=2048", NULL);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);
  g_autoptr (HrEstimate) left = estimate (MODEL, "rtx-4090", 1, same);
  g_autoptr (HrEstimate) told = estimate (MODEL, "rtx-4090", 1, whole);
  g_autoptr (HrEstimate) longer = estimate (MODEL, "rtx-4090", 1, least);
  g_autoptr (HrEstimate) smaller = estimate (MODEL, "rtx-4090", 1, more);
  g_autoptr (HrEstimate) enough = estimate (MODEL, "h100-80gb-sxm", 1, same);
  guint64 cache = hr_estimate_get_component_bytes (left, HR_COMPONENT_KV_CACHE);
  guint64 usable = get_free_memory (gpu) - GIB;

  g_assert_cmpuint (cache, <, 32768 * TOKEN_BYTES);
  g_assert_cmpuint (cache, >, 4096 * TOKEN_BYTES);
  g_assert_cmpuint (cache % (256 * TOKEN_BYTES), ==, 0);
  g_assert_cmpuint (get_buffers (left), <=, usable + GIB / 8);
  g_assert_cmpuint (hr_estimate_get_component_bytes (smaller, HR_COMPONENT_KV_CACHE), <, cache);

  /* All layers are there, which a longer context does not leave room for. */
  g_assert_cmpuint (hr_estimate_get_component_bytes (left, HR_COMPONENT_WEIGHTS), ==,
                    hr_estimate_get_component_bytes (enough, HR_COMPONENT_WEIGHTS));
  g_assert_cmpuint (hr_estimate_get_component_bytes (enough, HR_COMPONENT_KV_CACHE), ==, 32768 * TOKEN_BYTES);
  g_assert_cmpuint (hr_estimate_get_component_bytes (told, HR_COMPONENT_WEIGHTS), <,
                    hr_estimate_get_component_bytes (left, HR_COMPONENT_WEIGHTS));
  g_assert_cmpuint (hr_estimate_get_component_bytes (longer, HR_COMPONENT_WEIGHTS), <,
                    hr_estimate_get_component_bytes (left, HR_COMPONENT_WEIGHTS));
}

static guint64
get_weights_of (const char *id,
                const char *settings)
{
  g_autoptr (HrEstimate) found = estimate (id, "a100-80gb-sxm", 1, settings);

  return hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS);
}

static guint64
get_weights (const char *id,
             const char *settings)
{
  g_autofree char *all = g_strconcat ("engine=ollama quantization=q4_k_m gpu-layers=9999 max-model-len=4096 ", settings,
                                      NULL);
  g_autoptr (HrEstimate) found = estimate (id, "rtx-4090", 1, all);

  return hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS);
}

/*
 * Values of 28 layers in 16 bits, of which half would have Q4_K, with 4.5 bits, and half Q6_K, with 6.5625. A head that
 * is tied to the embeddings is on the GPU as they are, unless the file has it; then the embeddings, on the host, have
 * Q4_K.
 */
static void
test_types (void)
{
  static const char model[] = "Qwen/Qwen3-0.6B";
  guint64 usual = get_weights (model, "");
  guint64 values = 14 * 1024 * 1024 * (16 - 4.5 + 16 - 6.5625) / 8;
  guint64 head = G_GUINT64_CONSTANT (151936) * 1024 / 256;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) none = try_estimate (model, "rtx-4090", 1,
                                              "engine=ollama quantization=q4_k_m tensor-types=a=b", &error);

  g_assert_null (none);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_cmpuint (get_weights (model, "tensor-types=attn_v=f16"), ==, usual + values);
  g_assert_cmpuint (get_weights (model, "tensor-types=^output\\.=q6_k"), ==, usual);
  g_assert_cmpuint (get_weights (model, "tensor-types=^output\\.=q4_K"), ==, usual - head * (210 - 144));
  g_assert_cmpuint (get_weights (model, "tensor-types=token_embd=q4_K"), ==, usual - head * (210 - 144));
  g_assert_cmpuint (get_weights (model, "tensor-types=blk\\.(0|27)\\.attn_v\\.=f16"), ==,
                    usual + 2 * 1024 * 1024 * (16 - 6.5625) / 8);
}

/*
 * llm/llama_server.go: the projector that a model's file holds is loaded, where all layers are on the GPU there as
 * well; what llama.cpp leaves free for it is its size and a GiB.
 */
static void
test_projector (void)
{
  static const char model[] = "Qwen/Qwen3-VL-8B-Instruct";
  static const char large[] = "Qwen/Qwen3-VL-32B-Instruct";
  static const char same[] = "quantization=q4_k_m max-model-len=4096 max-num-batched-tokens=512 max-num-seqs=1 ";
  g_autofree char *by_ollama = g_strconcat (same, "engine=ollama gpu-layers=9999", NULL);
  g_autofree char *partly = g_strconcat (same, "engine=ollama gpu-layers=20", NULL);
  g_autofree char *text = g_strconcat (same, "engine=llama.cpp llama-release=b10488 mmproj=none", NULL);
  g_autofree char *partly_text = g_strconcat (text, " gpu-layers=20", NULL);
  g_autofree char *seeing = g_strconcat (same, "engine=llama.cpp llama-release=b10488 mmproj=f16", NULL);
  g_autofree char *fitted = g_strconcat (same, "engine=ollama max-model-len=16384", NULL);
  g_autofree char *all = g_strconcat (same, "engine=ollama max-model-len=16384 gpu-layers=9999", NULL);
  guint64 seen = get_weights_of (model, seeing) - get_weights_of (model, text);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-3090", NULL);
  g_autoptr (HrEstimate) fitted_one = estimate (large, "rtx-3090", 1, fitted);
  g_autoptr (HrEstimate) whole = estimate (large, "rtx-3090", 1, all);
  guint64 usable = hr_gpu_get_usable_memory (gpu) -
                   hr_estimate_get_component_bytes (fitted_one, HR_COMPONENT_FRAMEWORK) - GIB;

  g_assert_cmpuint (seen, >, GIB);
  g_assert_cmpuint (seen, <, GIB * 5 / 4);
  g_assert_cmpuint (get_weights_of (model, by_ollama), ==, get_weights_of (model, seeing));
  g_assert_cmpuint (get_weights_of (model, partly), ==, get_weights_of (model, partly_text));
  g_assert_cmpuint (get_buffers (whole), >, usable);
  g_assert_cmpuint (get_buffers (fitted_one), <, usable + GIB);
}

/* What is left free is what llama.cpp's server is told by a variable of its own. */
static void
test_fit_target (void)
{
  static const char same[] = "engine=ollama quantization=q4_k_m max-num-batched-tokens=512 max-model-len=32768";
  g_autofree char *more = g_strconcat (same, " fit-target=4096", NULL);
  g_autoptr (HrEstimate) usual = estimate (MODEL, "rtx-4090", 1, same);
  g_autoptr (HrEstimate) less = estimate (MODEL, "rtx-4090", 1, more);
  guint64 given = get_buffers (usual) - get_buffers (less);

  g_assert_cmpuint (given, >, 2 * GIB);
  g_assert_cmpuint (given, <, 4 * GIB);
}

/* common/fit.cpp: of a mixture all layers are on the GPU before the experts of all are. */
static void
test_experts (void)
{
  static const char model[] = "Qwen/Qwen3-30B-A3B";
  static const char same[] = "quantization=q4_k_m max-model-len=8192 max-num-seqs=1 max-num-batched-tokens=512";
  g_autofree char *by_itself = g_strconcat ("engine=ollama ", same, NULL);
  g_autofree char *all = g_strconcat ("engine=llama.cpp llama-release=b10488 ", same, NULL);
  g_autofree char *none = g_strconcat ("engine=llama.cpp llama-release=b10488 n-cpu-moe=9999 ", same, NULL);
  g_autoptr (HrEstimate) fitted = estimate (model, "rtx-3060", 1, by_itself);
  g_autoptr (HrEstimate) whole = estimate (model, "rtx-3060", 1, all);
  g_autoptr (HrEstimate) dense = estimate (model, "rtx-3060", 1, none);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-3060", &error);
  guint64 weights = hr_estimate_get_component_bytes (fitted, HR_COMPONENT_WEIGHTS);

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_component_bytes (fitted, HR_COMPONENT_KV_CACHE), ==,
                    hr_estimate_get_component_bytes (whole, HR_COMPONENT_KV_CACHE));
  g_assert_cmpuint (weights, <, hr_estimate_get_component_bytes (whole, HR_COMPONENT_WEIGHTS));
  g_assert_cmpuint (weights, >, hr_estimate_get_component_bytes (dense, HR_COMPONENT_WEIGHTS));
  g_assert_cmpuint (get_buffers (fitted), <=, get_free_memory (gpu) - GIB);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/ollama/the_context_is_that_of_the_memory_and_of_the_model", test_context);
  g_test_add_func ("/ollama/so_many_layers_as_leave_a_gib_are_on_the_gpu", test_layers);
  g_test_add_func ("/ollama/llama_cpp_fits_layers_by_itself_as_well", test_fit);
  g_test_add_func ("/ollama/with_the_same_settings_it_is_llama_cpp", test_same_as_llama);
  g_test_add_func ("/ollama/llama_cpp_makes_a_context_shorter_before_it_takes_layers_off", test_fit_context);
  g_test_add_func ("/ollama/one_gpu_of_several_is_taken_where_the_model_is_thought_to_fit", test_gpus);
  g_test_add_func ("/ollama/tensors_have_the_types_that_their_names_are_given", test_types);
  g_test_add_func ("/ollama/so_much_is_left_free_as_the_server_is_told", test_fit_target);
  g_test_add_func ("/ollama/the_projector_of_a_file_is_loaded_beside_the_layers", test_projector);
  g_test_add_func ("/ollama/experts_go_to_the_host_before_layers_do", test_experts);

  return g_test_run ();
}
