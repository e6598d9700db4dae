/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <gio/gio.h>

#include "hr-article-reason.h"
#include "hr-estimator.h"
#include "hr-formula-symbols.h"
#include "hr-formula-text.h"
#include "hr-inference-job.h"
#include "hr-labels.h"

/* A formula as a component has it, as a text and as markup. */
static const struct
{
  const char *formula;
  const char *text;
  const char *markup;
} formulas[] = {
  { "2·L·B·C·k·e", "2 × L × B × C × k × e", "2 × L × B × C × k × e" },
  { "2·28·8·4096·512·2", "2 × 28 × 8 × 4,096 × 512 × 2", "2 × 28 × 8 × 4,096 × 512 × 2" },
  { "0.2·15230566400", "0.2 × 15,230,566,400", "0.2 × 15,230,566,400" },
  { "2·r_a·P·0.5/h·12345.6789", "2 × r_a × P × 0.5/h × 12,345.6789", "2 × r<sub>a</sub> × P × 0.5/h × 12,345.6789" },
  { "2·B·S·r_s (x_proj(x), dt < 0)", "2 × B × S × r_s (x_proj(x), dt < 0)",
    "2 × B × S × r<sub>s</sub> (x_proj(x), dt &lt; 0)" },
  { "L·h²·(2 + 2/g)", "L × h² × (2 + 2/g)", "L × h² × (2 + 2/g)" },
  { "28·233,057,792 + 4,000", "28 × 233,057,792 + 4,000", "28 × 233,057,792 + 4,000" },
  { "h_1000·w4096", "h_1000 × w4096", "h_1000 × w4096" },
  { "99999999999999999999999", "99999999999999999999999", "99999999999999999999999" },
  { "", "", "" },
};

static gboolean
has_symbol (const char *formula,
            const char *symbol)
{
  guint index;

  g_assert_true (hr_formula_find_symbol (symbol, &index));

  return hr_formula_has_symbol (formula, index);
}

static void
test_a_symbol_is_no_word_of_a_name (void)
{
  g_assert_true (has_symbol ("2·B·state", "state"));
  g_assert_true (has_symbol ("conv + state", "state"));
  g_assert_false (has_symbol ("2·8 (philox state, philox state)", "state"));
  g_assert_false (has_symbol ("states", "state"));
}

static void
test_a_formula_is_written_as_it_is_read (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (formulas); i++)
    {
      g_autofree char *text = hr_formula_to_text (formulas[i].formula);
      g_autofree char *markup = hr_formula_to_markup (formulas[i].formula);

      g_assert_cmpstr (text, ==, formulas[i].text);
      g_assert_cmpstr (markup, ==, formulas[i].markup);
    }
}

/* What a formula that people know gets wrong, of this model in this job. */
static const struct
{
  const char *model;
  HrMode mode;
  const char *settings;
  HrComponentId component;
  const char *faults;
} faults[] = {
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "", HR_COMPONENT_KV_CACHE, "D31" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "", HR_COMPONENT_WEIGHTS, "D03" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "", HR_COMPONENT_ACTIVATIONS, "D24" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "quantization=bnb-nf4", HR_COMPONENT_WEIGHTS, "D03 D28" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "quantization=bnb-int8", HR_COMPONENT_WEIGHTS, "D03" },
  { "Qwen/Qwen2.5-1.5B-Instruct", HR_MODE_INFERENCE, "", HR_COMPONENT_WEIGHTS, "D02 D03" },
  { "meta-llama/Llama-2-7b-hf", HR_MODE_INFERENCE, "", HR_COMPONENT_KV_CACHE, "" },
  { "meta-llama/Llama-2-7b-hf", HR_MODE_INFERENCE, "", HR_COMPONENT_WEIGHTS, "" },
  { "mistralai/Mistral-Nemo-Instruct-2407", HR_MODE_INFERENCE, "", HR_COMPONENT_WEIGHTS, "D09" },
  { "mistralai/Mistral-7B-Instruct-v0.1", HR_MODE_INFERENCE, "prompt-length=4096", HR_COMPONENT_KV_CACHE, "D31 D12" },
  { "mistralai/Mistral-7B-Instruct-v0.1", HR_MODE_INFERENCE, "prompt-length=1024", HR_COMPONENT_KV_CACHE, "D31" },
  { "openai-community/gpt2", HR_MODE_INFERENCE, "prompt-length=512", HR_COMPONENT_KV_CACHE, "" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_TRAINING, "", HR_COMPONENT_ACTIVATIONS, "D41 D42" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_TRAINING, "gradient-checkpointing=full", HR_COMPONENT_ACTIVATIONS,
    "D41 D42 D43" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_TRAINING, "", HR_COMPONENT_OPTIMIZER, "" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_FINE_TUNING, "fine-tuning-method=lora", HR_COMPONENT_OPTIMIZER, "D38" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_FINE_TUNING, "fine-tuning-method=prefix", HR_COMPONENT_OPTIMIZER, "D40" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_GRPO, "algorithm=grpo", HR_COMPONENT_ACTIVATIONS, "D41 D42 D46" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_GRPO, "algorithm=dpo", HR_COMPONENT_ACTIVATIONS, "D41 D42" },
  { "Qwen/Qwen2.5-VL-7B-Instruct", HR_MODE_MULTIMODAL, "images=2 image-width=1024 image-height=1024",
    HR_COMPONENT_KV_CACHE, "D31 D50" },
};

static void
set (HrJob      *job,
     const char *settings)
{
  g_auto (GStrv) list = g_strsplit (settings, " ", -1);

  for (guint i = 0; list[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (list[i], "=", 2);
      g_autoptr (GError) error = NULL;

      hr_job_set_from_string (job, pair[0], pair[1], &error);
      g_assert_no_error (error);
    }
}

static void
test_a_rule_of_thumb_says_what_it_gets_wrong (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (faults[i].model, &error);
      g_autoptr (HrJob) job = hr_job_new (faults[i].mode);
      g_autoptr (HrEstimate) estimate = NULL;
      g_autofree char *found = NULL;
      g_autofree char *sentences = NULL;
      HrComponent *component;

      g_assert_no_error (error);
      set (job, faults[i].settings);
      estimate = hr_estimator_run (model, job, NULL, 1, &error);
      g_assert_no_error (error);

      component = hr_estimate_find_component (hr_estimate_get_rule_of_thumb (estimate), faults[i].component);
      g_assert_nonnull (component);
      found = g_strjoinv (" ", (char **) hr_component_get_faults (component));
      g_test_message ("%s %s: %s", faults[i].model, faults[i].settings, found);
      g_assert_cmpstr (found, ==, faults[i].faults);

      sentences = hr_component_dup_faults (component);
      g_assert_true ((sentences == NULL) == (*found == '\0'));
      for (const char * const *id = hr_component_get_faults (component); *id != NULL; id++)
        g_assert_nonnull (strstr (sentences, hr_article_reason_get_text (*id)));
    }
}

/* An exact figure has nothing to be sorry for. */
static void
test_an_exact_figure_has_no_faults (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-7B-Instruct", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  GListModel *components;

  g_assert_no_error (error);
  components = hr_estimate_get_components (estimate);
  g_assert_cmpuint (g_list_model_get_n_items (components), >, 3);
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);

      g_assert_null (hr_component_get_faults (component)[0]);
      g_assert_null (hr_component_dup_faults (component));
    }
}

/* With each engine and framework; what another setting is called and set to is always a word. */
static void
check_unused_settings (HrJob *job)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *reason = hr_job_dup_unused_reason (job, settings[i]);

      g_assert_cmpint (reason == NULL, ==, hr_job_uses_setting (job, settings[i], NULL));
      if (reason == NULL)
        continue;
      g_assert_true (g_str_has_prefix (reason, "Has no effect while “"));
      g_assert_null (strstr (reason, "“”"));
      g_assert_null (strstr (reason, "(null)"));
    }
}

static void
test_a_setting_without_effect_says_why (void)
{
  for (HrMode mode = HR_MODE_INFERENCE; mode <= HR_MODE_MULTIMODAL; mode++)
    {
      g_autoptr (HrJob) job = hr_job_new (mode);
      const char *name = HR_IS_INFERENCE_JOB (job) ? "engine" : "framework";
      GParamSpec *program = g_object_class_find_property (G_OBJECT_GET_CLASS (job), name);
      GEnumClass *klass;

      check_unused_settings (job);
      if (program == NULL)
        continue;

      klass = G_PARAM_SPEC_ENUM (program)->enum_class;
      for (guint i = 0; i < klass->n_values; i++)
        {
          g_test_message ("%s", klass->values[i].value_nick);
          g_object_set (job, name, klass->values[i].value, NULL);
          check_unused_settings (job);
        }
    }
}

static void
test_a_setting_that_is_left_open_says_who_decides (void)
{
  static const struct
  {
    const char *engine;
    const char *setting;
    const char *value;
    const char *note;
  } cases[] = {
    { "vllm", "max-num-seqs", "0", "Left to vLLM" },
    { "vllm", "max-num-seqs", "8", NULL },
    { "vllm", "mem-fraction-static", "0", NULL },
    { "sglang", "mem-fraction-static", "0", "Left to SGLang" },
    { "llama.cpp", "max-model-len", "0", "Prompt and output together" },
    { "llama.cpp", "max-num-seqs", "0", "As many as the batch" },
    { "llama.cpp", "image-max-tokens", "0", "Left to llama.cpp" },
    { "transformers", "image-max-tokens", "0", NULL },
    { "mlx", "mlx-group-size", "0", "Left to MLX (mlx-lm)" },
    { "ollama", "max-model-len", "0", "Left to Ollama" },
    { "vllm", "output-length", "0", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
      g_autoptr (GError) error = NULL;
      g_autofree char *note = NULL;

      hr_job_set_from_string (job, "engine", cases[i].engine, &error);
      g_assert_no_error (error);
      hr_job_set_from_string (job, cases[i].setting, cases[i].value, &error);
      g_assert_no_error (error);
      note = hr_job_dup_setting_note (job, g_object_class_find_property (G_OBJECT_GET_CLASS (job), cases[i].setting));
      g_assert_cmpstr (note, ==, cases[i].note);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/labels/a_formula_is_written_as_it_is_read", test_a_formula_is_written_as_it_is_read);
  g_test_add_func ("/labels/a_symbol_is_no_word_of_a_name", test_a_symbol_is_no_word_of_a_name);
  g_test_add_func ("/labels/a_setting_without_effect_says_why", test_a_setting_without_effect_says_why);
  g_test_add_func ("/labels/a_setting_that_is_left_open_says_who_decides",
                   test_a_setting_that_is_left_open_says_who_decides);
  g_test_add_func ("/labels/a_rule_of_thumb_says_what_it_gets_wrong", test_a_rule_of_thumb_says_what_it_gets_wrong);
  g_test_add_func ("/labels/an_exact_figure_has_no_faults", test_an_exact_figure_has_no_faults);

  return g_test_run ();
}
