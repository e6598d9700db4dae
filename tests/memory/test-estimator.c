/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-inference.h"
#include "hr-job-enums.h"
#include "hr-timeline.h"
#include "hr-weights.h"

#include "check-estimate.h"
#include "estimates.h"

/* One config of each way in which a block is built, small, so that all settings can be swept over; ' stands for ". */
static const struct
{
  const char *name;
  const char *config;
} models[] = {
  { "llama",
    "{ 'model_type': 'llama', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'num_key_value_heads': 2, 'torch_dtype': 'bfloat16' }" },
  { "mistral",
    "{ 'model_type': 'mistral', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'num_key_value_heads': 2, 'sliding_window': 256, "
    "'torch_dtype': 'bfloat16' }" },
  { "qwen3",
    "{ 'model_type': 'qwen3', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'num_key_value_heads': 2, 'head_dim': 128, 'torch_dtype': "
    "'bfloat16' }" },
  { "gemma2",
    "{ 'model_type': 'gemma2', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'num_key_value_heads': 2, 'head_dim': 128, 'sliding_window': "
    "256, 'torch_dtype': 'bfloat16' }" },
  { "gemma3_text",
    "{ 'model_type': 'gemma3_text', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 7, 'num_attention_heads': 8, 'num_key_value_heads': 2, 'head_dim': 128, 'sliding_window': "
    "256, 'torch_dtype': 'bfloat16' }" },
  { "phi",
    "{ 'model_type': 'phi', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 2048, 'num_hidden_layers': "
    "6, 'num_attention_heads': 8, 'torch_dtype': 'float16' }" },
  { "phi3",
    "{ 'model_type': 'phi3', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'num_key_value_heads': 8, 'sliding_window': 256, "
    "'torch_dtype': 'bfloat16' }" },
  { "gpt2",
    "{ 'model_type': 'gpt2', 'vocab_size': 4000, 'n_embd': 512, 'n_layer': 6, 'n_head': 8, 'n_positions': 4096, "
    "'torch_dtype': 'float32' }" },
  { "gpt_neox",
    "{ 'model_type': 'gpt_neox', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 2048, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'torch_dtype': 'float16' }" },
  { "opt",
    "{ 'model_type': 'opt', 'vocab_size': 4000, 'hidden_size': 512, 'ffn_dim': 2048, 'num_hidden_layers': 6, "
    "'num_attention_heads': 8, 'max_position_embeddings': 4096, 'torch_dtype': 'float16' }" },
  { "opt-projected",
    "{ 'model_type': 'opt', 'vocab_size': 4000, 'hidden_size': 512, 'word_embed_proj_dim': 256, 'ffn_dim': 2048, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'do_layer_norm_before': false, "
    "'max_position_embeddings': 4096, 'torch_dtype': 'float16' }" },
  { "bloom",
    "{ 'model_type': 'bloom', 'vocab_size': 4000, 'hidden_size': 512, 'n_layer': 6, 'n_head': 8, 'torch_dtype': "
    "'float16' }" },
  { "falcon-7b",
    "{ 'model_type': 'falcon', 'vocab_size': 4000, 'hidden_size': 512, 'num_hidden_layers': 6, "
    "'num_attention_heads': 8, 'multi_query': true, 'new_decoder_architecture': false, 'torch_dtype': 'bfloat16' }" },
  { "falcon-40b",
    "{ 'model_type': 'falcon', 'vocab_size': 4000, 'hidden_size': 512, 'num_hidden_layers': 6, "
    "'num_attention_heads': 8, 'num_kv_heads': 2, 'new_decoder_architecture': true, 'torch_dtype': 'bfloat16' }" },
  { "falcon-rw",
    "{ 'model_type': 'falcon', 'vocab_size': 4000, 'hidden_size': 512, 'num_hidden_layers': 6, "
    "'num_attention_heads': 8, 'alibi': true, 'multi_query': false, 'parallel_attn': false, 'bias': true, "
    "'torch_dtype': 'bfloat16' }" },
  { "mamba",
    "{ 'model_type': 'mamba', 'vocab_size': 4000, 'hidden_size': 256, 'num_hidden_layers': 6, 'torch_dtype': "
    "'bfloat16' }" },
  { "falcon_mamba",
    "{ 'model_type': 'falcon_mamba', 'vocab_size': 4000, 'hidden_size': 256, 'num_hidden_layers': 6, 'torch_dtype': "
    "'bfloat16' }" },
  { "mamba2",
    "{ 'model_type': 'mamba2', 'vocab_size': 4000, 'hidden_size': 256, 'num_hidden_layers': 6, 'num_heads': 8, "
    "'n_groups': 2, 'torch_dtype': 'bfloat16' }" },
  { "olmo",
    "{ 'model_type': 'olmo', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'torch_dtype': 'bfloat16' }" },
  { "olmo2",
    "{ 'model_type': 'olmo2', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'torch_dtype': 'bfloat16' }" },
  { "starcoder2",
    "{ 'model_type': 'starcoder2', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 2048, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'num_key_value_heads': 2, 'sliding_window': 256, "
    "'torch_dtype': 'bfloat16' }" },
  { "stablelm",
    "{ 'model_type': 'stablelm', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'num_key_value_heads': 8, 'qk_layernorm': true, "
    "'torch_dtype': 'bfloat16' }" },
  { "granite",
    "{ 'model_type': 'granite', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'num_key_value_heads': 2, 'torch_dtype': 'bfloat16' }" },
  { "smollm3",
    "{ 'model_type': 'smollm3', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 8, 'num_attention_heads': 8, 'num_key_value_heads': 2, 'torch_dtype': 'bfloat16' }" },
  { "cohere",
    "{ 'model_type': 'cohere', 'vocab_size': 4000, 'hidden_size': 512, 'intermediate_size': 1376, "
    "'num_hidden_layers': 6, 'num_attention_heads': 8, 'num_key_value_heads': 2, 'use_qk_norm': true, "
    "'torch_dtype': 'bfloat16' }" },
};

static HrModel *
load_model (guint index)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *config = g_strdelimit (g_strdup (models[index].config), "'", '"');
  HrModel *model = hr_model_new_from_data (config, -1, models[index].name, &error);

  g_assert_no_error (error);

  return model;
}

static HrJob *
make_job (guint64 batch,
          guint64 prompt,
          guint64 output)
{
  HrJob *job = HR_JOB (hr_inference_job_new ());

  g_object_set (job, "batch-size", batch, "prompt-length", prompt, "output-length", output, NULL);

  return job;
}

static void
test_every_setting (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (HrModel) model = load_model (index);
  g_autoptr (GEnumClass) attentions = g_type_class_ref (HR_TYPE_ATTENTION_IMPLEMENTATION);
  static const HrDtype dtypes[] = {
    HR_DTYPE_AUTO, HR_DTYPE_FLOAT64, HR_DTYPE_FLOAT32, HR_DTYPE_FLOAT16, HR_DTYPE_BFLOAT16, HR_DTYPE_INT8,
    HR_DTYPE_INT4,
  };
  static const HrDtype cache_dtypes[] = { HR_DTYPE_AUTO, HR_DTYPE_INT8, HR_DTYPE_INT4 };

  for (guint attention = 0; attention < attentions->n_values; attention++)
    for (guint dtype = 0; dtype < G_N_ELEMENTS (dtypes); dtype++)
      for (HrAttentionMask mask = HR_ATTENTION_MASK_NONE; mask <= HR_ATTENTION_MASK_PADDED; mask++)
        for (guint cache = 0; cache < G_N_ELEMENTS (cache_dtypes); cache++)
          for (guint more = 0; more < 4; more++)
            {
              g_autoptr (HrJob) job = make_job (1 + more, 300, more == 2 ? 400 : 3);
              g_autoptr (GError) error = NULL;
              g_autoptr (HrEstimate) result = NULL;

              g_object_set (job, "attention", attention, "dtype", dtypes[dtype], "attention-mask", mask,
                            "kv-cache-dtype", cache_dtypes[cache], "use-cache", more != 1,
                            "beams", (guint64) (more == 3 ? 3 : 1),
                            "logits-to-keep", more == 0 ? HR_LOGITS_TO_KEEP_ALL : HR_LOGITS_TO_KEEP_LAST, NULL);
              result = hr_estimator_run_with_timeline (model, job, NULL, 1, &error);
              if (result != NULL)
                check_estimate (result);
              else
                g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
            }
}

static void
test_every_quantization (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (HrModel) model = load_model (index);
  g_autoptr (HrJob) plain_job = make_job (1, 16, 1);
  g_autoptr (HrEstimate) plain = run_with_timeline (model, plain_job);
  guint64 plain_weights = get_component_bytes (plain, HR_COMPONENT_WEIGHTS);

  for (HrQuantization quantization = HR_QUANTIZATION_BNB_INT8; quantization < HR_N_QUANTIZATIONS; quantization++)
    {
      g_autoptr (HrJob) job = make_job (2, 300, 3);
      g_autoptr (HrEstimate) result = NULL;

      if (hr_quantization_is_mlx (quantization) || quantization == HR_QUANTIZATION_EXL3)
        continue;
      g_object_set (job, "quantization", quantization, NULL);
      result = run_with_timeline (model, job);
      check_estimate (result);
      /* The code books of AQLM, a mebibyte for each matrix, are for large models. */
      if (quantization < HR_QUANTIZATION_BF16 && quantization != HR_QUANTIZATION_AQLM_INT2)
        g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_WEIGHTS), <=, plain_weights);
      if (hr_quantization_is_gguf (quantization) || get_component_bytes (result, HR_COMPONENT_WEIGHTS) == plain_weights)
        g_assert_nonnull (hr_estimate_get_warnings (result)[0]);
    }
}

/*
 * More of anything never takes less; lengths are multiples of what a kernel aligns its mask to, because it copies a
 * mask that is not.
 */
static void
test_monotony (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (HrModel) model = load_model (index);
  guint64 before = 0;

  for (guint64 batch = 1; batch <= 8; batch++)
    {
      g_autoptr (HrJob) job = make_job (batch, 200, 10);
      g_autoptr (HrEstimate) result = run_with_timeline (model, job);

      g_assert_cmpuint (get_allocated_bytes (result), >=, before);
      before = get_allocated_bytes (result);
    }

  before = 0;
  for (guint64 prompt = 32; prompt <= 1024; prompt += 32)
    {
      g_autoptr (HrJob) job = make_job (2, prompt, 10);
      g_autoptr (HrEstimate) result = run_with_timeline (model, job);

      g_assert_cmpuint (get_allocated_bytes (result), >=, before);
      before = get_allocated_bytes (result);
    }

  before = 0;
  for (guint64 output = 16; output <= 1024; output += 32)
    {
      g_autoptr (HrJob) job = make_job (2, 64, output);
      g_autoptr (HrEstimate) result = run_with_timeline (model, job);

      g_assert_cmpuint (get_allocated_bytes (result), >=, before);
      before = get_allocated_bytes (result);
    }
}

static void
test_wider_dtype (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (HrModel) model = load_model (index);
  static const HrDtype dtypes[] = { HR_DTYPE_BFLOAT16, HR_DTYPE_FLOAT32, HR_DTYPE_FLOAT64 };
  guint64 before = 0;

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    {
      g_autoptr (HrJob) job = make_job (2, 200, 10);
      g_autoptr (HrEstimate) result = NULL;

      g_object_set (job, "dtype", dtypes[i], NULL);
      result = run_with_timeline (model, job);
      g_assert_cmpuint (get_allocated_bytes (result), >, before);
      before = get_allocated_bytes (result);
    }
}

static void
compare_timelines (const HrTimeline *first,
                   const HrTimeline *second)
{
  guint n_first, n_second;
  g_autofree HrTimelinePoint *first_points = hr_timeline_dup_points (first, &n_first);
  g_autofree HrTimelinePoint *second_points = hr_timeline_dup_points (second, &n_second);

  g_assert_cmpuint (n_first, ==, n_second);
  for (guint i = 0; i < n_first; i++)
    {
      g_assert_cmpmem (&first_points[i].level, sizeof (HrLevel), &second_points[i].level, sizeof (HrLevel));
      g_assert_cmpint (first_points[i].kind, ==, second_points[i].kind);
      g_assert_cmpint (first_points[i].phase, ==, second_points[i].phase);
      g_assert_cmpint (first_points[i].layer, ==, second_points[i].layer);
      g_assert_cmpuint (first_points[i].steps, ==, second_points[i].steps);
      g_assert_cmpuint (first_points[i].position, ==, second_points[i].position);
      g_assert_cmpstr (first_points[i].moment, ==, second_points[i].moment);
    }
}

/* One layer of each class replayed and the others repeated is the same as all of them replayed. */
static void
test_classes (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (HrModel) model = load_model (index);
  HrWeightStorage storage = { .model = model, .dtype = HR_DTYPE_BFLOAT16, .quantization = HR_QUANTIZATION_NONE };
  HrWeights weights;

  hr_weights_init_model (&weights, &storage);
  for (guint variant = 0; variant < 6; variant++)
    {
      HrInference inference = {
        .stack = hr_model_get_stack (model, 0), .head = hr_model_get_head (model), .weight_bytes = weights.bytes,
        .n_layers = hr_model_get_stack (model, 0)->n_layers, .has_inputs = TRUE, .has_norm = TRUE, .has_head = TRUE,
        .batch = 2, .beams = 1, .prompt = variant == 1 ? 1000 : 100, .output = variant == 2 ? 1000 : 5,
        .use_cache = variant != 3, .mask = variant == 4 ? HR_ATTENTION_MASK_PADDED : HR_ATTENTION_MASK_NONE,
        .attention = variant == 5 ? HR_ATTENTION_IMPLEMENTATION_EAGER : HR_ATTENTION_IMPLEMENTATION_SDPA,
      };
      g_autoptr (HrTimeline) short_timeline = hr_timeline_new ();
      g_autoptr (HrTimeline) long_timeline = hr_timeline_new ();
      HrInferenceLevels by_class, by_layer;
      HrReplay replayed, repeated;

      hr_replay_init (&repeated, HR_ELEMENT_BFLOAT16, HR_QUANTIZATION_NONE);
      repeated.timeline = short_timeline;
      hr_inference_replay (&inference, &repeated, &by_class);
      inference.every_layer = TRUE;
      hr_replay_init (&replayed, HR_ELEMENT_BFLOAT16, HR_QUANTIZATION_NONE);
      replayed.timeline = long_timeline;
      hr_inference_replay (&inference, &replayed, &by_layer);
      compare_timelines (short_timeline, long_timeline);

      g_assert_cmpmem (&repeated.ledger.peak, sizeof (HrLevel), &replayed.ledger.peak, sizeof (HrLevel));
      g_assert_cmpmem (repeated.ledger.phase_peaks, sizeof repeated.ledger.phase_peaks,
                       replayed.ledger.phase_peaks, sizeof replayed.ledger.phase_peaks);
      g_assert_cmpmem (&repeated.peak.level, sizeof (HrLevel), &repeated.ledger.peak, sizeof (HrLevel));
      g_assert_cmpint (repeated.peak.layer, ==, replayed.peak.layer);
      g_assert_cmpmem (&by_class, sizeof by_class, &by_layer, sizeof by_layer);
      g_assert_cmpuint (by_class.end.by_component[HR_COMPONENT_ACTIVATIONS], ==, 0);
      g_assert_cmpuint (by_class.end.by_component[HR_COMPONENT_TEMPORARY], ==, 0);
    }
}

/* Each device has its share, and all shares together are the model. */
static void
test_devices (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (HrModel) model = load_model (index);
  g_autoptr (HrJob) job = make_job (2, 200, 10);
  g_autoptr (HrEstimate) one = run_with_timeline (model, job);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) three = hr_estimator_run_with_timeline (model, job, NULL, 3, &error);
  guint64 weights = 0;

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_n_devices (three), ==, 3);
  check_estimate (three);
  g_assert_cmpuint (get_allocated_bytes (three), <, get_allocated_bytes (one));

  for (guint i = 0; i < 3; i++)
    {
      GListModel *components = hr_estimate_get_device_components (three, i);

      g_assert_cmpuint (hr_estimate_get_device_bytes (three, i), <=, hr_estimate_get_total_bytes (three));
      for (guint j = 0; j < g_list_model_get_n_items (components); j++)
        {
          g_autoptr (HrComponent) component = g_list_model_get_item (components, j);

          if (hr_component_get_id (component) == HR_COMPONENT_WEIGHTS)
            weights += hr_component_get_bytes (component);
        }
    }

  g_assert_cmpuint (weights, ==, get_component_bytes (one, HR_COMPONENT_WEIGHTS));
}

/* A checkpoint that is quantized keeps the rest of its weights in 16 bits. */
static void
test_dtype_beside_quantization (void)
{
  static const char * const config =
    "{ \"model_type\": \"llama\", \"vocab_size\": 4000, \"hidden_size\": 256, \"intermediate_size\": 512, "
    "\"num_hidden_layers\": 4, \"num_attention_heads\": 4, "
    "\"quantization_config\": { \"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 128 } }";
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "quantized", &error);
  g_autoptr (HrJob) job = make_job (1, 128, 1);
  g_autoptr (HrEstimate) exact = NULL;
  const char * const *warnings;

  g_assert_no_error (error);
  exact = run_with_timeline (model, job);
  warnings = hr_estimate_get_warnings (exact);
  g_assert_nonnull (strstr (warnings[0], "bfloat16 is assumed"));
}

/* The formula of parameters knows no experts: of a mixture all parameters are counted. */
static void
test_rule_of_thumb_of_mixtures (void)
{
  static const char * const config =
    "{ \"model_type\": \"qwen3_moe\", \"vocab_size\": 4000, \"hidden_size\": 256, \"intermediate_size\": 512, "
    "\"num_hidden_layers\": 4, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 64, "
    "\"num_experts\": 8, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 128, \"torch_dtype\": \"bfloat16\" }";
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "mixture", &error);
  g_autoptr (HrJob) job = make_job (1, 128, 1);
  g_autoptr (HrEstimate) exact = NULL;

  g_assert_no_error (error);
  exact = run_with_timeline (model, job);
  g_assert_cmpuint (get_component_bytes (hr_estimate_get_rule_of_thumb (exact), HR_COMPONENT_WEIGHTS), ==,
                    2 * hr_model_get_n_parameters (model));
}

/* Layers without attention have no cache that the rule would know. */
static void
test_rule_of_thumb_of_hybrids (void)
{
  static const char text[] =
    "{\"model_type\": \"jamba\", \"vocab_size\": 1000, \"hidden_size\": 64, \"num_hidden_layers\": 16, "
    "\"num_attention_heads\": 4, \"num_key_value_heads\": 4, \"intermediate_size\": 128}";
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (text, -1, "hybrid", &error);
  g_autoptr (HrJob) job = make_job (1, 90, 10);
  g_autoptr (HrEstimate) exact = NULL;

  g_assert_no_error (error);
  g_object_set (job, "dtype", HR_DTYPE_BFLOAT16, NULL);
  exact = run_with_timeline (model, job);
  g_assert_cmpuint (get_component_bytes (hr_estimate_get_rule_of_thumb (exact), HR_COMPONENT_KV_CACHE), ==,
                    2 * 2 * 2 * 64 * 100);
}

static void
test_rule_of_thumb (void)
{
  g_autoptr (HrModel) model = load_model (0);
  g_autoptr (HrJob) job = make_job (2, 200, 10);
  g_autoptr (HrEstimate) exact = run_with_timeline (model, job);
  g_autoptr (HrEstimate) rule = NULL;
  /* 2·V·h + L·h²·(2 + 2/g) + 3·L·h·i parameters of two bytes, a fifth more, and 4·b·l·h·(s + n). */
  guint64 weights = 2 * (2 * 4000 * 512 + 6 * 512 * 512 * 5 / 2 + 3 * 6 * 512 * 1376);
  guint64 cache = 4 * 2 * 6 * 512 * 210;

  g_object_set (job, "method-of-estimate", HR_ESTIMATE_METHOD_RULE_OF_THUMB, NULL);
  rule = run_with_timeline (model, job);
  g_assert_cmpuint (get_component_bytes (rule, HR_COMPONENT_WEIGHTS), ==, weights);
  g_assert_cmpuint (get_component_bytes (rule, HR_COMPONENT_KV_CACHE), ==, cache);
  g_assert_cmpfloat_with_epsilon (hr_estimate_get_total_bytes (rule), 1.2 * weights + cache, 1);
  check_device (rule, 0);

  g_assert_nonnull (hr_estimate_get_rule_of_thumb (exact));
  g_assert_cmpuint (hr_estimate_get_total_bytes (hr_estimate_get_rule_of_thumb (exact)), ==,
                    hr_estimate_get_total_bytes (rule));
  g_assert_null (hr_estimate_get_rule_of_thumb (rule));
}

static void
test_too_large (void)
{
  g_autoptr (HrModel) model = load_model (0);
  g_autoptr (HrJob) job = HR_JOB (hr_inference_job_new ());
  GObjectClass *klass = G_OBJECT_GET_CLASS (job);
  GParamSpecUInt64 *prompt = G_PARAM_SPEC_UINT64 (g_object_class_find_property (klass, "prompt-length"));
  GParamSpecUInt64 *batch = G_PARAM_SPEC_UINT64 (g_object_class_find_property (klass, "batch-size"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) result = NULL;

  g_object_set (job, "prompt-length", prompt->maximum, "batch-size", batch->maximum,
                "attention", HR_ATTENTION_IMPLEMENTATION_EAGER, NULL);
  result = hr_estimator_run_with_timeline (model, job, NULL, 1, &error);
  if (result != NULL)
    check_estimate (result);
  else
    g_assert_error (error, HR_ERROR, HR_ERROR_TOO_LARGE);
}

/* A method that is not known is no reason to count its weights as not quantized; whoever expands them says so. */
static void
test_unknown_quantization (void)
{
  static const char config[] =
    "{ \"model_type\": \"llama\", \"vocab_size\": 100, \"hidden_size\": 64, \"intermediate_size\": 128, "
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"torch_dtype\": \"float16\", "
    "\"quantization_config\": { \"quant_method\": \"spqr\", \"bits\": 3 } }";
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "test", &error);
  g_autoptr (HrJob) job = HR_JOB (hr_inference_job_new ());
  g_autoptr (HrEstimate) estimate = NULL;

  g_assert_no_error (error);
  g_assert_null (hr_estimator_run (model, job, NULL, 1, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "spqr"));
  g_clear_error (&error);

  g_object_set (job, "quantization", HR_QUANTIZATION_NONE, NULL);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  g_assert_nonnull (estimate);
}

static void
test_unsupported (void)
{
  g_autoptr (HrModel) model = load_model (0);
  g_autoptr (HrJob) flash = make_job (1, 16, 1);
  g_autoptr (HrJob) cache = make_job (1, 16, 1);
  g_autoptr (GError) error = NULL;

  g_object_set (flash, "dtype", HR_DTYPE_FLOAT32, "attention", HR_ATTENTION_IMPLEMENTATION_FLASH, NULL);
  g_assert_null (hr_estimator_run (model, flash, NULL, 1, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "float32"));
  g_clear_error (&error);

  g_object_set (cache, "kv-cache-dtype", HR_DTYPE_FLOAT8, NULL);
  g_assert_null (hr_estimator_run (model, cache, NULL, 1, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "float8"));
}

static HrGpu *
find_gpu (const char *name)
{
  g_autoptr (GError) error = NULL;
  HrGpu *gpu = hr_gpu_catalogue_lookup (name, &error);

  g_assert_no_error (error);

  return gpu;
}

/* What the GPU and its runtime add stands beside what torch counts. */
static void
test_gpus (void)
{
  g_autoptr (HrModel) model = load_model (0);
  g_autoptr (HrJob) job = make_job (2, 200, 10);
  g_autoptr (HrGpu) h100 = find_gpu ("h100-sxm5-80gb");
  g_autoptr (HrGpu) rtx_4090 = find_gpu ("rtx-4090");
  g_autoptr (HrGpu) gb10 = find_gpu ("gb10");
  g_autoptr (HrGpu) mi50 = find_gpu ("mi50-16gb");
  g_autoptr (HrEstimate) none = run_with_timeline (model, job);
  g_autoptr (HrEstimate) on_h100 = hr_estimator_run_with_timeline (model, job, h100, 1, NULL);
  g_autoptr (HrEstimate) on_rtx_4090 = hr_estimator_run_with_timeline (model, job, rtx_4090, 1, NULL);
  g_autoptr (HrEstimate) on_gb10 = hr_estimator_run_with_timeline (model, job, gb10, 1, NULL);
  g_autoptr (HrEstimate) on_mi50 = hr_estimator_run_with_timeline (model, job, mi50, 1, NULL);

  g_assert_cmpuint (get_component_bytes (none, HR_COMPONENT_FRAMEWORK), ==, 0);
  g_assert_cmpuint (get_component_bytes (on_h100, HR_COMPONENT_FRAMEWORK), ==, 726466560 + (32 << 20));
  g_assert_cmpuint (get_component_bytes (on_rtx_4090, HR_COMPONENT_FRAMEWORK), ==,
                    (481 << 20) - 1874 * (108 * 2048 - 128 * 1536) + 8320 * 1024);
  g_assert_cmpuint (get_component_bytes (on_gb10, HR_COMPONENT_FRAMEWORK), ==, (481 << 20) + (32 << 20));
  g_assert_cmpuint (get_component_bytes (on_mi50, HR_COMPONENT_FRAMEWORK), ==, 0);
  g_assert_null (hr_estimate_get_warnings (on_h100)[0]);
  g_assert_null (hr_estimate_get_warnings (on_rtx_4090)[0]);
  g_assert_nonnull (strstr (hr_estimate_get_warnings (on_gb10)[0], "GB10"));
  g_assert_nonnull (strstr (hr_estimate_get_warnings (on_mi50)[0], "MI50"));
  g_assert_cmpuint (get_allocated_bytes (on_h100), ==, get_allocated_bytes (none));
  check_estimate (on_h100);
}

/* Before Ampere there is no flash attention: torch takes another kernel, the package fails. */
static void
test_old_gpu (void)
{
  g_autoptr (HrModel) model = load_model (0);
  g_autoptr (HrJob) job = make_job (2, 200, 10);
  g_autoptr (HrGpu) t4 = find_gpu ("t4");
  g_autoptr (HrEstimate) result = hr_estimator_run_with_timeline (model, job, t4, 1, NULL);
  g_autoptr (GError) error = NULL;

  check_estimate (result);
  g_object_set (job, "attention", HR_ATTENTION_IMPLEMENTATION_FLASH, NULL);
  g_assert_null (hr_estimator_run (model, job, t4, 1, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "T4"));
}

/* A prompt longer than the window stays in the cache until the first token is decoded, and no longer. */
static void
test_window (void)
{
  g_autoptr (HrModel) model = load_model (1);
  HrInference inference = {
    .stack = hr_model_get_stack (model, 0), .head = hr_model_get_head (model), .n_layers = 6, .has_inputs = TRUE,
    .has_norm = TRUE, .has_head = TRUE, .batch = 1, .beams = 1, .prompt = 1000, .output = 1, .use_cache = TRUE,
    .attention = HR_ATTENTION_IMPLEMENTATION_SDPA,
  };
  HrInferenceLevels levels;
  HrReplay replay;

  hr_replay_init (&replay, HR_ELEMENT_BFLOAT16, HR_QUANTIZATION_NONE);
  hr_inference_replay (&inference, &replay, &levels);
  g_assert_cmpuint (levels.cache.by_component[HR_COMPONENT_KV_CACHE], ==, 6 * (2 * 1000 * 128 * 2 + 512));
  g_assert_cmpuint (levels.end.by_component[HR_COMPONENT_KV_CACHE], ==, 6 * (2 * 256 * 128 * 2 + 512));
}

static gpointer
run_in_thread (gpointer data)
{
  g_autoptr (HrJob) job = make_job (2, 200, 10);
  guint64 total = 0;

  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (HrEstimate) result = run_with_timeline (data, job);

      g_assert_true (total == 0 || total == hr_estimate_get_total_bytes (result));
      total = hr_estimate_get_total_bytes (result);
    }

  return GSIZE_TO_POINTER (total);
}

static void
test_threads (void)
{
  g_autoptr (HrModel) model = load_model (3);
  GThread *threads[4];
  gpointer first;

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("estimate", run_in_thread, model);

  first = g_thread_join (threads[0]);
  for (guint i = 1; i < G_N_ELEMENTS (threads); i++)
    g_assert_true (g_thread_join (threads[i]) == first);
}

/* Without formulas it is the same, to the byte. */
static void
check_sizes (HrModel *model,
             HrJob   *job)
{
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);
  g_autoptr (HrEstimate) full = hr_estimator_run (model, job, gpu, 1, NULL);
  g_autoptr (HrEstimate) sizes = hr_estimator_run_for_sizes (model, job, gpu, 1, NULL);

  g_assert_nonnull (full);
  g_assert_nonnull (sizes);
  g_assert_cmpuint (hr_estimate_get_least_bytes (sizes), ==, hr_estimate_get_least_bytes (full));
  g_assert_cmpuint (hr_estimate_get_total_bytes (sizes), ==, hr_estimate_get_total_bytes (full));
  g_assert_cmpuint (hr_estimate_get_allocated_bytes (sizes), ==, hr_estimate_get_allocated_bytes (full));
  g_assert_cmpint (hr_estimate_get_peak_phase (sizes), ==, hr_estimate_get_peak_phase (full));
  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    g_assert_cmpuint (hr_estimate_get_component_bytes (sizes, id), ==, hr_estimate_get_component_bytes (full, id));
  g_assert_null (hr_estimate_get_rule_of_thumb (sizes));
  g_assert_nonnull (hr_estimate_get_rule_of_thumb (full));
}

static void
test_sizes (gconstpointer data)
{
  static const HrMode modes[] = { HR_MODE_INFERENCE, HR_MODE_TRAINING, HR_MODE_FINE_TUNING };
  g_autoptr (HrModel) model = load_model (GPOINTER_TO_UINT (data));

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (HrJob) job = hr_job_new (modes[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);

      if (estimate != NULL)
        check_sizes (model, job);
      else
        g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
    }
}

static void
add_for_each_model (const char    *name,
                    GTestDataFunc  function)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autofree char *path = g_strdup_printf ("/memory/estimator/%s/%s", name, models[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), function);
    }
}

/* A GPU that does not compute with eight-bit floats gets them expanded. */
static void
test_fp8_needs_hardware (void)
{
  g_autoptr (HrModel) model = load_model (0);
  g_autoptr (HrJob) plain_job = make_job (1, 100, 1);
  g_autoptr (HrJob) job = make_job (1, 100, 1);
  g_autoptr (HrGpu) h100 = find_gpu ("h100-sxm5-80gb");
  g_autoptr (HrGpu) a100 = find_gpu ("a100-sxm4-80gb");
  g_autoptr (HrEstimate) on_h100 = NULL;
  g_autoptr (HrEstimate) on_a100 = NULL;
  g_autoptr (HrEstimate) plain = NULL;

  g_object_set (job, "quantization", HR_QUANTIZATION_FP8, NULL);
  on_h100 = hr_estimator_run_with_timeline (model, job, h100, 1, NULL);
  on_a100 = hr_estimator_run_with_timeline (model, job, a100, 1, NULL);
  plain = hr_estimator_run_with_timeline (model, plain_job, a100, 1, NULL);

  g_assert_cmpuint (get_component_bytes (on_h100, HR_COMPONENT_WEIGHTS), <,
                    get_component_bytes (plain, HR_COMPONENT_WEIGHTS));
  g_assert_cmpuint (get_component_bytes (on_a100, HR_COMPONENT_WEIGHTS), ==,
                    get_component_bytes (plain, HR_COMPONENT_WEIGHTS));
  g_assert_nonnull (strstr (hr_estimate_get_warnings (on_a100)[0], "does not compute with eight-bit floats"));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  add_for_each_model ("every_setting_gives_parts_that_add_up", test_every_setting);
  add_for_each_model ("every_quantization_makes_weights_smaller_or_says_why_not", test_every_quantization);
  add_for_each_model ("more_never_takes_less", test_monotony);
  add_for_each_model ("a_wider_dtype_takes_more", test_wider_dtype);
  add_for_each_model ("a_layer_stands_for_its_class", test_classes);
  add_for_each_model ("devices_share_the_model", test_devices);
  add_for_each_model ("sizes_are_the_same_without_formulas", test_sizes);
  g_test_add_func ("/memory/estimator/the_rule_of_thumb_is_as_it_is_written", test_rule_of_thumb);
  g_test_add_func ("/memory/estimator/what_is_not_quantized_is_assumed_to_be_bfloat16", test_dtype_beside_quantization);
  g_test_add_func ("/memory/estimator/the_rule_of_thumb_counts_all_experts", test_rule_of_thumb_of_mixtures);
  g_test_add_func ("/memory/estimator/the_rule_of_thumb_caches_layers_with_attention", test_rule_of_thumb_of_hybrids);
  g_test_add_func ("/memory/estimator/a_job_beyond_counting_is_refused", test_too_large);
  g_test_add_func ("/memory/estimator/weights_whose_format_is_not_known_are_not_guessed", test_unknown_quantization);
  g_test_add_func ("/memory/estimator/what_the_framework_cannot_do_is_refused_by_name", test_unsupported);
  g_test_add_func ("/memory/estimator/a_window_forgets_the_prompt_with_the_first_token", test_window);
  g_test_add_func ("/memory/estimator/a_gpu_adds_what_is_known_of_it", test_gpus);
  g_test_add_func ("/memory/estimator/an_old_gpu_has_no_flash_attention", test_old_gpu);
  g_test_add_func ("/memory/estimator/threads_agree", test_threads);
  g_test_add_func ("/memory/estimator/fp8_is_expanded_where_the_gpu_does_not_compute_with_it", test_fp8_needs_hardware);

  return g_test_run ();
}
