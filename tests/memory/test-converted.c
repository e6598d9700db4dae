/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Checkpoints of a model's own code, which are counted as the class that a converter of transformers makes of them:
 * they take the same memory as the config that it writes. Source of how it maps the keys: transformers 4.57,
 * models/internvl/convert_internvl_weights_to_hf.py, get_internvl_config.
 */

#include <string.h>

#include "hr-estimator.h"

typedef struct
{
  const char *name;
  const char *published_text;   /* llm_config */
  const char *converted_text;   /* text_config: Qwen2Config or LlamaConfig */
  const char *published_vision;
  const char *converted_vision;
} Checkpoint;

#define QWEN_1B \
  "\"model_type\": \"qwen2\", \"hidden_size\": 896, \"intermediate_size\": 4864, \"num_hidden_layers\": 24, " \
  "\"num_attention_heads\": 14, \"num_key_value_heads\": 2, \"vocab_size\": 151674, \"tie_word_embeddings\": false"
#define INTERN_8B \
  "\"hidden_size\": 4096, \"intermediate_size\": 14336, \"num_hidden_layers\": 32, \"num_attention_heads\": 32, " \
  "\"num_key_value_heads\": 8, \"vocab_size\": 92553, \"tie_word_embeddings\": false, " \
  "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2.0}"
#define QWEN_38B \
  "\"model_type\": \"qwen2\", \"hidden_size\": 5120, \"intermediate_size\": 27648, \"num_hidden_layers\": 64, " \
  "\"num_attention_heads\": 40, \"num_key_value_heads\": 8, \"vocab_size\": 151674, \"tie_word_embeddings\": false"
#define VIT_300M \
  "\"hidden_size\": 1024, \"intermediate_size\": 4096, \"num_hidden_layers\": 24, \"num_attention_heads\": 16, " \
  "\"image_size\": 448, \"patch_size\": 14, \"norm_type\": \"layer_norm\""
#define VIT_6B \
  "\"hidden_size\": 3200, \"intermediate_size\": 12800, \"num_hidden_layers\": 45, \"num_attention_heads\": 25, " \
  "\"image_size\": 448, \"patch_size\": 14, \"norm_type\": \"rms_norm\""

static const Checkpoint checkpoints[] = {
  { "InternVL2_5-1B", QWEN_1B, QWEN_1B,
    VIT_300M ", \"qkv_bias\": true, \"qk_normalization\": false",
    VIT_300M ", \"attention_bias\": true, \"use_qk_norm\": false" },
  { "InternVL2_5-8B", "\"model_type\": \"internlm2\", \"bias\": false, " INTERN_8B,
    "\"model_type\": \"llama\", " INTERN_8B,
    VIT_300M ", \"qkv_bias\": true, \"qk_normalization\": false",
    VIT_300M ", \"attention_bias\": true, \"use_qk_norm\": false" },
  { "InternVL2_5-38B", QWEN_38B, QWEN_38B,
    VIT_6B ", \"qkv_bias\": false, \"qk_normalization\": true",
    VIT_6B ", \"attention_bias\": false, \"use_qk_norm\": true" },
};

static const struct
{
  HrMode mode;
  const char *settings;
} jobs[] = {
  { HR_MODE_INFERENCE, "batch-size=2 prompt-length=1024 output-length=64" },
  { HR_MODE_INFERENCE, "attention=eager prompt-length=512 output-length=8" },
  { HR_MODE_FINE_TUNING, "fine-tuning-method=full micro-batch-size=2 sequence-length=512" },
  { HR_MODE_FINE_TUNING, "fine-tuning-method=lora lora-targets=all-linear gradient-checkpointing=full" },
  { HR_MODE_MULTIMODAL, "task=inference images=2 image-height=448 image-width=448 text-tokens=64" },
  { HR_MODE_MULTIMODAL, "task=fine-tuning fine-tuning-method=full images=1 image-height=448 image-width=448 "
                        "text-tokens=64" },
  { HR_MODE_MULTIMODAL, "task=fine-tuning fine-tuning-method=lora lora-targets=q_proj,v_proj images=2 "
                        "image-height=448 image-width=448 text-tokens=64 gradient-checkpointing=full "
                        "frozen-parts=towers" },
  { HR_MODE_GRPO, "algorithm=grpo micro-batch-size=2 images=1 image-height=448 image-width=448" },
};

static HrModel *
open_published (const Checkpoint *checkpoint,
                const char       *further)
{
  g_autofree char *config = g_strdup_printf ("{\"model_type\": \"internvl_chat\", \"architectures\": "
                                             "[\"InternVLChatModel\"], \"torch_dtype\": \"bfloat16\", "
                                             "\"downsample_ratio\": 0.5, \"dynamic_image_size\": true, "
                                             "\"use_thumbnail\": true, \"min_dynamic_patch\": 1, "
                                             "\"max_dynamic_patch\": 12, %s, \"llm_config\": {%s}, "
                                             "\"vision_config\": {\"model_type\": \"intern_vit_6b\", %s}}",
                                             further, checkpoint->published_text, checkpoint->published_vision);
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (config, strlen (config), checkpoint->name, &error);

  g_assert_no_error (error);

  return model;
}

static HrModel *
open_converted (const Checkpoint *checkpoint,
                const char       *further)
{
  g_autofree char *config = g_strdup_printf ("{\"model_type\": \"internvl\", \"architectures\": "
                                             "[\"InternVLForConditionalGeneration\"], \"torch_dtype\": \"bfloat16\", "
                                             "\"downsample_ratio\": 0.5, \"image_seq_length\": 256, "
                                             "\"tie_word_embeddings\": false, %s, \"text_config\": {%s}, "
                                             "\"vision_config\": {\"model_type\": \"internvl_vision\", %s}}",
                                             further, checkpoint->converted_text, checkpoint->converted_vision);
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (config, strlen (config), checkpoint->name, &error);

  g_assert_no_error (error);

  return model;
}

static HrEstimate *
run (HrModel    *model,
     HrMode      mode,
     const char *settings)
{
  g_autoptr (HrJob) job = hr_job_new (mode);
  g_autoptr (GError) error = NULL;
  HrEstimate *estimate;

  hr_job_set_all_from_string (job, settings, &error);
  g_assert_no_error (error);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);

  return estimate;
}

static void
assert_equal (HrModel    *published,
              HrModel    *converted,
              HrMode      mode,
              const char *settings)
{
  g_autoptr (HrEstimate) one = run (published, mode, settings);
  g_autoptr (HrEstimate) other = run (converted, mode, settings);
  guint n_phases = 0;
  guint n_other = 0;
  const HrPhase *phases = hr_estimate_get_phases (one, &n_phases);
  const HrPhase *others = hr_estimate_get_phases (other, &n_other);

  g_test_message ("%s: %" G_GUINT64_FORMAT " bytes", settings, hr_estimate_get_total_bytes (one));
  g_assert_cmpuint (hr_estimate_get_total_bytes (one), ==, hr_estimate_get_total_bytes (other));
  g_assert_cmpuint (hr_estimate_get_n_trainable_parameters (one), ==, hr_estimate_get_n_trainable_parameters (other));
  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    g_assert_cmpuint (hr_estimate_get_component_bytes (one, i), ==, hr_estimate_get_component_bytes (other, i));
  g_assert_cmpuint (n_phases, ==, n_other);
  for (guint i = 0; i < n_phases; i++)
    g_assert_cmpuint (phases[i].peak_bytes, ==, others[i].peak_bytes);
}

static void
test_a_checkpoint_takes_what_the_converted_one_does (gconstpointer data)
{
  const Checkpoint *checkpoint = data;
  g_autoptr (HrModel) published = open_published (checkpoint, "\"select_layer\": -1");
  g_autoptr (HrModel) converted = open_converted (checkpoint, "\"vision_feature_layer\": -1");

  g_assert_cmpuint (hr_model_get_n_parameters (published), ==, hr_model_get_n_parameters (converted));
  g_assert_cmpuint (hr_model_get_n_tensors (published), ==, hr_model_get_n_tensors (converted));
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    assert_equal (published, converted, jobs[i].mode, jobs[i].settings);
}

/* The layer that the repository's code reads is the one that the class is told. */
static void
test_an_inner_layer_is_read_as_well (void)
{
  static const char * const settings = "task=inference images=4 image-height=448 image-width=448 text-tokens=64";
  g_autoptr (HrModel) published = open_published (&checkpoints[0], "\"select_layer\": -4");
  g_autoptr (HrModel) converted = open_converted (&checkpoints[0], "\"vision_feature_layer\": -4");
  g_autoptr (HrModel) last = open_published (&checkpoints[0], "\"select_layer\": -1");
  g_autoptr (HrEstimate) inner = run (published, HR_MODE_MULTIMODAL, settings);
  g_autoptr (HrEstimate) outer = run (last, HR_MODE_MULTIMODAL, settings);

  assert_equal (published, converted, HR_MODE_MULTIMODAL, settings);
  g_assert_cmpuint (hr_estimate_get_total_bytes (inner), !=, hr_estimate_get_total_bytes (outer));
}

static void
test_the_conversion_is_said_once (void)
{
  g_autoptr (HrModel) model = open_published (&checkpoints[0], "\"select_layer\": -1");
  const char * const *warnings = hr_model_get_warnings (model);
  guint n_said = 0;

  for (guint i = 0; warnings[i] != NULL; i++)
    n_said += strstr (warnings[i], "InternVLForConditionalGeneration") != NULL ||
              strstr (warnings[i], "InternVLVisionModel") != NULL;

  g_assert_cmpuint (n_said, ==, 1);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (checkpoints); i++)
    {
      g_autofree char *path = g_strconcat ("/memory/converted/a_checkpoint_takes_what_the_converted_one_does/",
                                           checkpoints[i].name, NULL);

      g_test_add_data_func (path, &checkpoints[i], test_a_checkpoint_takes_what_the_converted_one_does);
    }
  g_test_add_func ("/memory/converted/an_inner_layer_is_read_as_well", test_an_inner_layer_is_read_as_well);
  g_test_add_func ("/memory/converted/the_conversion_is_said_once", test_the_conversion_is_said_once);

  return g_test_run ();
}
