/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What mlx-lm keeps in its caches, and what it refuses. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"

#define MODEL "Qwen/Qwen3-4B"
#define MAC "m4-max-64gb"

/* 36 layers, eight heads of 128 elements for keys and as many for values. */
#define TOKEN_ELEMENTS (G_GUINT64_CONSTANT (36) * 2 * 8 * 128)

static HrEstimate *
try_estimate (const char  *id,
              const char  *gpu_id,
              guint        n_gpus,
              const char  *settings,
              GError     **error)
{
  g_autofree char *all = g_strconcat ("engine=mlx ", settings, NULL);
  g_autoptr (HrModel) model = hr_model_new_from_id (id, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (gpu_id, NULL);
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
  HrEstimate *found = try_estimate (id, MAC, 1, settings, &error);

  g_assert_no_error (error);

  return found;
}

/* KVCache grows by multiples of 256 for each chunk; the last token of the prompt is computed by itself. */
static void
test_cache (void)
{
  static const struct
  {
    const char *settings;
    guint64 tokens;
  } rows[] = {
    { "prompt-length=2048 output-length=0", 2048 },
    { "prompt-length=2050 output-length=0", 2048 + 256 },
    { "prompt-length=100 output-length=1000", 1280 },
    { "prompt-length=2048 output-length=0 batch-size=4", 4 * 2048 },
    /* 2500 and 512, and pages of 16 KiB. */
    { "prompt-length=3001 output-length=0 max-num-batched-tokens=500", 3016 },
    { "prompt-length=2048 output-length=0 prompt-cache-size=3", 4 * 2048 },
    /* RotatingKVCache: 1,023 and the last 511, likewise. */
    { "prompt-length=4096 output-length=0 max-kv-size=1024 max-num-batched-tokens=512", 1536 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (HrEstimate) found = estimate (MODEL, rows[i].settings);

      g_test_message ("%s", rows[i].settings);
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_KV_CACHE), ==,
                        rows[i].tokens * TOKEN_ELEMENTS * 2);
    }
}

static guint64
get_weights (const char *id,
             const char *settings)
{
  g_autoptr (HrEstimate) found = estimate (id, settings);

  return hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS);
}

/* 4.5 bits an element, with scales and biases of 16 bits for each 64; norms stay, the head is the table. */
static void
test_weights (void)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (MODEL, NULL);
  guint64 norms = 36 * (2 * 2560 + 2 * 128) + 2560;
  guint64 matrices = hr_model_get_n_parameters (model) - norms;

  g_assert_cmpuint (get_weights (MODEL, "quantization=mlx-int4"), >=, matrices * 9 / 16 + 2 * norms);
  g_assert_cmpuint (get_weights (MODEL, "quantization=mlx-int4"), <, matrices * 9 / 16 + 2 * norms + (8 << 20));
  g_assert_cmpuint (get_weights (MODEL, "quantization=mlx-int4 mlx-group-size=128"), <,
                    get_weights (MODEL, "quantization=mlx-int4"));
  /* Gates of experts have eight bits (quant_predicate). */
  g_assert_cmpuint (get_weights ("Qwen/Qwen3-30B-A3B", "quantization=mlx-int4"), >=,
                    G_GUINT64_CONSTANT (30532122624) * 9 / 16 + 48 * 128 * 2048 / 2);
}

/* Scores of a quantized cache are kept, so that a long prompt takes more with it than without (mlx-lm#1587). */
static void
test_quantized_cache (void)
{
  g_autoptr (HrEstimate) plain = estimate (MODEL, "prompt-length=20000 output-length=30 quantization=mlx-int4");
  g_autoptr (HrEstimate) quantized = estimate (MODEL, "prompt-length=20000 output-length=30 quantization=mlx-int4 "
                                               "kv-bits=8 quantized-kv-start=0");

  g_assert_cmpuint (hr_estimate_get_allocated_bytes (quantized), >, hr_estimate_get_allocated_bytes (plain));
  g_assert_cmpuint (hr_estimate_get_component_bytes (quantized, HR_COMPONENT_KV_CACHE), <,
                    hr_estimate_get_component_bytes (plain, HR_COMPONENT_KV_CACHE) * 6 / 10);
}

/* A smaller step takes less, as MLX says of its own option. */
static void
test_step (void)
{
  g_autoptr (HrEstimate) whole = estimate (MODEL, "prompt-length=32768");
  g_autoptr (HrEstimate) smaller = estimate (MODEL, "prompt-length=32768 max-num-batched-tokens=512");

  g_assert_cmpuint (hr_estimate_get_allocated_bytes (smaller), <, hr_estimate_get_allocated_bytes (whole));
}

static void
test_refused (void)
{
  static const struct
  {
    const char *model;
    const char *gpu;
    guint n_gpus;
    const char *settings;
    const char *sentence;
  } rows[] = {
    { MODEL, "rtx-4090", 1, "", "engine: expected transformers on " },
    { MODEL, MAC, 2, "", "gpus: expected 1" },
    { MODEL, MAC, 1, "quantization=bnb-nf4", "quantization: expected none or a format of MLX such as mlx-int4" },
    { MODEL, MAC, 1, "kv-bits=5", "kv-bits: expected one of 0, 2, 3, 4, 6, 8" },
    { MODEL, MAC, 1, "mlx-group-size=48 quantization=mlx-int4", "mlx-group-size: expected one of 0, 32, 64, 128" },
    { MODEL, MAC, 1, "mlx-group-size=64 quantization=mlx-mxfp4", "mlx-group-size: expected 0 beside mlx-mxfp4" },
    { MODEL, MAC, 1, "beams=2", "engine: expected transformers beside beams" },
    { MODEL, MAC, 1, "kv-bits=8 max-kv-size=4096", "kv-bits: expected 0 beside caches of a limited size" },
    { "state-spaces/mamba-2.8b-hf", MAC, 1, "", "engine: expected transformers for " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) found = try_estimate (rows[i].model, rows[i].gpu, rows[i].n_gpus, rows[i].settings,
                                                   &error);

      g_assert_null (found);
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_prefix (error->message, rows[i].sentence));
    }
}

/* Other engines do not compute with what is MLX's. */
static void
test_others (void)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (MODEL, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) found = NULL;

  g_object_set (job, "quantization", HR_QUANTIZATION_MLX_INT4, NULL);
  found = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_null (found);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "engine mlx"));
}

/* Cases of every kind of layer that is taken, so that none of them leaves a buffer behind. */
static void
test_kinds (void)
{
  static const char * const models[] = {
    "mistralai/Mixtral-8x7B-v0.1", "microsoft/phi-2", "google/gemma-2-9b", "tiiuae/falcon-7b",
    "openai/gpt-oss-20b", "openai-community/gpt2",
  };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (HrEstimate) found = NULL;

      g_test_message ("%s", models[i]);
      found = estimate (models[i], "quantization=none dtype=float16");
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_ACTIVATIONS), >, 0);
      g_assert_cmpuint (hr_estimate_get_component_bytes (found, HR_COMPONENT_ACTIVATIONS), <,
                        hr_estimate_get_allocated_bytes (found));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/mlx/the_cache_grows_in_steps", test_cache);
  g_test_add_func ("/mlx/weights_have_scales_and_biases", test_weights);
  g_test_add_func ("/mlx/a_quantized_cache_keeps_its_scores", test_quantized_cache);
  g_test_add_func ("/mlx/a_smaller_step_takes_less", test_step);
  g_test_add_func ("/mlx/what_it_has_not_is_refused", test_refused);
  g_test_add_func ("/mlx/its_formats_are_its_own", test_others);
  g_test_add_func ("/mlx/layers_of_each_kind_are_computed", test_kinds);

  return g_test_run ();
}
