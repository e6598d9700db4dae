/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "hr-adapter.h"
#include "weight-files.h"

/* Two layers: attention 64 · 64, 32 · 64, 32 · 64, 64 · 64; gate, up 256 · 64, down 64 · 256; a table of 1000 · 64. */
#define CONFIG \
  "{\"model_type\": \"qwen2\", \"architectures\": [\"Qwen2ForCausalLM\"], \"vocab_size\": 1000, \"hidden_size\": 64, " \
  "\"intermediate_size\": 256, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, " \
  "\"tie_word_embeddings\": false}"

#define LORA(settings) \
  "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"base\", \"r\": 8, \"lora_alpha\": 16, " settings "}"

static HrAdapter *
read_text (const char  *text,
           GError     **error)
{
  g_autoptr (HrJson) json = hr_json_new_from_data (text, -1, "adapter_config.json", HR_JSON_TOLERANT, NULL);

  g_assert_nonnull (json);

  return hr_adapter_new_from_json (json, error);
}

static HrModel *
load_text (const char *text)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (text, -1, "config.json", &error);

  g_assert_no_error (error);

  return model;
}

typedef struct
{
  const char *name;
  const char *text;
  guint n_modules;
  guint64 n_parameters;
} CountCase;

static const CountCase count_cases[] = {
  { "names_of_modules", LORA ("\"target_modules\": [\"q_proj\", \"v_proj\"]"), 4, 2 * 8 * (128 + 96) },
  { "a_longer_end_of_a_name", LORA ("\"target_modules\": [\"self_attn.q_proj\", \"proj\"]"), 2, 2 * 8 * 128 },
  { "all_linear_modules", LORA ("\"target_modules\": \"all-linear\""), 14, 2 * 8 * (128 + 96 + 96 + 128 + 3 * 320) },
  { "an_expression", LORA ("\"target_modules\": \".*layers\\\\.1\\\\..*(gate|up)_proj\""), 2, 2 * 8 * 320 },
  { "only_some_layers", LORA ("\"target_modules\": [\"q_proj\"], \"layers_to_transform\": [1]"), 1, 8 * 128 },
  { "only_one_layer",
    LORA ("\"target_modules\": [\"q_proj\"], \"layers_to_transform\": 0, \"layers_pattern\": \"layers\""), 1, 8 * 128 },
  { "excluded_modules", LORA ("\"target_modules\": \"all-linear\", \"exclude_modules\": [\"down_proj\"]"), 12,
    2 * 8 * (128 + 96 + 96 + 128 + 2 * 320) },
  { "ranks_of_their_own",
    LORA ("\"target_modules\": [\"q_proj\", \"v_proj\"], \"rank_pattern\": {\"layers.0.self_attn.q_proj\": 32}"),
    4, 8 * (128 + 96 + 96) + 32 * 128 },
  { "modules_that_are_saved", LORA ("\"target_modules\": [\"q_proj\"], \"modules_to_save\": [\"lm_head\", \"norm\"]"),
    2,
    2 * 8 * 128 + 64000 + 64 + 4 * 64 },
  { "embeddings", LORA ("\"target_modules\": [\"embed_tokens\"]"), 1, 8 * 1064 },
  { "dora", LORA ("\"target_modules\": [\"q_proj\", \"down_proj\"], \"use_dora\": true"), 4,
    2 * (8 * (128 + 320) + 64 + 64) },
  { "rslora_like_lora", LORA ("\"target_modules\": [\"q_proj\"], \"use_rslora\": true"), 2, 2 * 8 * 128 },
  { "a_bias_of_the_second_factor", LORA ("\"target_modules\": [\"q_proj\"], \"lora_bias\": true"), 2,
    2 * (8 * 128 + 64) },
  { "biases_of_the_targets", LORA ("\"target_modules\": [\"q_proj\"], \"bias\": \"lora_only\""), 2,
    2 * (8 * 128 + 64) },
  { "what_peft_targets_itself", LORA ("\"target_modules\": null"), 4, 2 * 8 * (128 + 96) },
  { "rows_of_the_embedding", LORA ("\"target_modules\": [\"q_proj\"], \"trainable_token_indices\": [1, 2]"), 3,
    2 * 8 * 128 + 2 * 64 },
  { "rows_of_a_named_embedding",
    LORA ("\"target_modules\": [\"q_proj\"], \"trainable_token_indices\": {\"embed_tokens\": [7]}"), 3,
    2 * 8 * 128 + 64 },
  { "single_parameters", LORA ("\"target_modules\": [\"q_proj\"], \"target_parameters\": [\"k_proj.weight\"]"), 4,
    2 * 8 * (128 + 96) },
  { "all_biases", LORA ("\"target_modules\": [\"q_proj\"], \"bias\": \"all\""), 2, 2 * (8 * 128 + 64 + 32 + 32) },
};

static void
test_count (gconstpointer data)
{
  const CountCase *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrAdapter) adapter = read_text (test->text, &error);
  g_autoptr (HrModel) model = load_text (CONFIG);
  guint64 n_parameters;
  guint n_modules;
  double alpha;

  g_assert_no_error (error);
  g_assert_true (hr_adapter_count_parameters (adapter, model, &n_parameters, &n_modules, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_modules, ==, test->n_modules);
  g_assert_cmpuint (n_parameters, ==, test->n_parameters);
  g_assert_cmpuint (hr_adapter_get_rank (adapter), ==, 8);
  g_assert_true (hr_adapter_get_alpha (adapter, &alpha));
  g_assert_cmpfloat (alpha, ==, 16);
  g_assert_cmpstr (hr_adapter_get_base (adapter), ==, "base");
}

static void
test_what_cannot_be_counted_says_why (void)
{
  static const struct
  {
    const char *text;
    const char *expected;
  } cases[] = {
    { "{\"peft_type\": \"IA3\", \"target_modules\": [\"k_proj\"]}", "peft_type" },
    { LORA ("\"target_modules\": [\"query\", \"value\"]"),
      "target_modules: expected names of modules in “qwen2”, whose linear ones are q_proj, k_proj, v_proj, o_proj, "
      "gate_proj, up_proj, down_proj; found query, value" },
    { LORA ("\"target_modules\": [\"q_proj\"], \"modules_to_save\": [\"self_attn\"]"), "target_modules" },
    { LORA ("\"target_modules\": [\"q_proj\"], \"layer_replication\": [[0, 2], [1, 2]]"), "layer_replication" },
  };
  g_autoptr (HrModel) model = load_text (CONFIG);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrAdapter) adapter = read_text (cases[i].text, &error);
      guint64 n_parameters;
      guint n_modules;

      g_assert_no_error (error);
      g_assert_false (hr_adapter_count_parameters (adapter, model, &n_parameters, &n_modules, &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, cases[i].expected));
    }
}

static void
test_a_wrong_setting_is_named (void)
{
  static const struct
  {
    const char *text;
    const char *place;
  } cases[] = {
    { "{\"peft_type\": 3}", "peft_type" },
    { "{\"peft_type\": \"LORA\", \"r\": 0}", "r (line 1)" },
    { "{\"peft_type\": \"LORA\", \"target_modules\": \"all-linear\", \"layers_to_transform\": 1}",
      "layers_to_transform (line 1)" },
    { "{\"peft_type\": \"LORA\", \"trainable_token_indices\": 1}", "trainable_token_indices (line 1)" },
    { "{\"peft_type\": \"LORA\", \"r\": 1e30}", "r (line 1)" },
    { LORA ("\"target_modules\": 3"), "target_modules" },
    { LORA ("\"target_modules\": [3]"), "target_modules[0]" },
    { LORA ("\"target_modules\": \"(\""), "target_modules" },
    { LORA ("\"rank_pattern\": {\"q\": -1}"), "rank_pattern.q" },
    { LORA ("\"rank_pattern\": {\"[\": 1}"), "rank_pattern.[" },
    { LORA ("\"layers_to_transform\": [\"a\"]"), "layers_to_transform[0]" },
    { LORA ("\"use_dora\": \"yes\""), "use_dora" },
    { LORA ("\"bias\": \"some\""), "bias" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrAdapter) adapter = read_text (cases[i].text, &error);

      g_assert_null (adapter);
      g_assert_nonnull (error);
      g_assert_true (error->domain == HR_ERROR);
      if (strstr (error->message, "“adapter_config.json”") == NULL || strstr (error->message, cases[i].place) == NULL)
        g_error ("expected “%s” in: %s", cases[i].place, error->message);
    }
}

static gboolean
warns (HrModel    *model,
       const char *text)
{
  const char * const *warnings = hr_model_get_warnings (model);

  for (guint i = 0; warnings[i] != NULL; i++)
    {
      if (strstr (warnings[i], text) != NULL)
        return TRUE;
    }

  return FALSE;
}

#define ADAPTER(base) "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"" base "\", \"r\": 16, " \
                      "\"target_modules\": [\"q_proj\", \"v_proj\"]}"

static void
test_an_adapter_opens_its_base_model (void)
{
  static const struct
  {
    const char *adapter;
    const char *config;      /* where the base model's config is */
    const char *model_type;
  } cases[] = {
    { ADAPTER ("nobody/knows-this"), "adapter/config.json", "qwen2" },
    { ADAPTER ("../base"), "base/config.json", "qwen2" },
    { ADAPTER ("org/model"), "models--org--model/snapshots/0/config.json", "qwen2" },
    { ADAPTER ("Qwen/Qwen2.5-7B-Instruct"), NULL, "qwen2" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *folder = test_folder_new ();
      g_autoptr (GFile) adapter = test_folder_write_text (folder, "adapter/adapter_config.json", cases[i].adapter);
      g_autoptr (GFile) weights = test_folder_write_text (folder, "adapter/adapter_model.safetensors", "not read");
      g_autoptr (GFile) parent = g_file_get_parent (adapter);
      gboolean has_config = cases[i].config != NULL;
      g_autoptr (GFile) config = has_config ? test_folder_write_text (folder, cases[i].config, CONFIG) : NULL;
      GFile *ways[] = { adapter, weights, i == 0 ? adapter : parent };

      g_setenv ("HF_HUB_CACHE", folder, TRUE);
      for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (HrModel) model = hr_model_new_from_file (ways[way], &error);

          g_assert_no_error (error);
          g_assert_cmpstr (hr_model_get_model_type (model), ==, cases[i].model_type);
          if (cases[i].config != NULL)
            g_assert_true (warns (model, "a LoRA adapter of rank 16, whose 7,168 parameters are not counted"));
          else
            g_assert_true (warns (model, "a LoRA adapter of rank 16, whose 5,046,272 parameters are not counted"));
        }
      g_unsetenv ("HF_HUB_CACHE");
      test_folder_free (g_steal_pointer (&folder));
    }
}

static void
test_an_adapter_without_its_base_model_says_so (void)
{
  static const char * const texts[] = {
    ADAPTER ("nobody/knows-this"),
    "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": null, \"r\": 16}",
    ADAPTER ("adapter_config.json"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *folder = test_folder_new ();
      g_autoptr (GFile) adapter = test_folder_write_text (folder, "adapter_config.json", texts[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = NULL;

      g_setenv ("HF_HUB_CACHE", folder, TRUE);
      model = hr_model_new_from_file (adapter, &error);
      g_unsetenv ("HF_HUB_CACHE");
      g_assert_null (model);
      g_assert_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL);
      g_assert_nonnull (strstr (error->message, "base_model_name_or_path"));
      test_folder_free (g_steal_pointer (&folder));
    }
}

#define EXPERTS \
  "{\"model_type\": \"%s\", \"vocab_size\": 1000, \"hidden_size\": 64, \"intermediate_size\": 256, " \
  "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2}"

/* The count is that of the modules of the published files; where PEFT's newest has another one, that is said. */
static void
test_another_count_of_experts_is_warned_of (void)
{
  static const struct
  {
    const char *model_type;
    const char *targets;
    gboolean warns;
  } cases[] = {
    { "mixtral", "\"w1\", \"w2\", \"w3\"", TRUE },
    { "qwen3_moe", "\"gate_proj\", \"up_proj\"", TRUE },
    { "qwen3_moe", "\"q_proj\", \"v_proj\"", FALSE },
    { "qwen2", "\"gate_proj\", \"up_proj\"", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *folder = test_folder_new ();
      g_autofree char *settings = g_strdup_printf (LORA ("\"target_modules\": [%s]"), cases[i].targets);
      g_autofree char *text = g_strdup_printf (EXPERTS, cases[i].model_type);
      g_autoptr (GFile) adapter = test_folder_write_text (folder, "adapter_config.json", settings);
      g_autoptr (GFile) config = test_folder_write_text (folder, "config.json", text);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_file (adapter, &error);

      g_test_message ("%s, %s", cases[i].model_type, cases[i].targets);
      g_assert_no_error (error);
      g_assert_true (warns (model, "parameters are not counted"));
      g_assert_true (warns (model, "PEFT 0.21") == cases[i].warns);
      test_folder_free (g_steal_pointer (&folder));
    }
}

/* PEFT knows one model type, and neither its aliases nor those whose file extends its. */
static void
test_default_targets_are_those_of_one_model_type (void)
{
  static const struct
  {
    const char *model_type;
    gboolean is_known;
  } cases[] = {
    { "llama", TRUE }, { "mistral", TRUE }, { "granite", FALSE }, { "helium", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf (EXPERTS, cases[i].model_type);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrAdapter) adapter = read_text (LORA ("\"target_modules\": null"), &error);
      g_autoptr (HrModel) model = load_text (text);
      guint64 n_parameters;
      guint n_modules = 0;

      g_test_message ("%s", cases[i].model_type);
      g_assert_no_error (error);
      g_assert_true (hr_adapter_count_parameters (adapter, model, &n_parameters, &n_modules, &error) ==
                     cases[i].is_known);
      g_assert_cmpuint (n_modules, ==, cases[i].is_known ? 4 : 0);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (count_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/adapter/counts_", count_cases[i].name, NULL);

      g_test_add_data_func (path, &count_cases[i], test_count);
    }
  g_test_add_func ("/adapter/what_cannot_be_counted_says_why", test_what_cannot_be_counted_says_why);
  g_test_add_func ("/adapter/a_wrong_setting_is_named", test_a_wrong_setting_is_named);
  g_test_add_func ("/adapter/an_adapter_opens_its_base_model", test_an_adapter_opens_its_base_model);
  g_test_add_func ("/adapter/another_count_of_experts_is_warned_of", test_another_count_of_experts_is_warned_of);
  g_test_add_func ("/adapter/default_targets_are_those_of_one_model_type",
                   test_default_targets_are_those_of_one_model_type);
  g_test_add_func ("/adapter/an_adapter_without_its_base_model_says_so",
                   test_an_adapter_without_its_base_model_says_so);

  return g_test_run ();
}
