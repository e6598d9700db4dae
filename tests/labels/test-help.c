/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <gio/gio.h>

#include "hr-estimator.h"
#include "hr-formula-symbols.h"
#include "hr-help.h"
#include "hr-job-enums.h"
#include "hr-labels.h"

static void
test_every_topic_has_a_key_a_title_and_a_text (void)
{
  g_autoptr (GPtrArray) topics = hr_help_list_topics ();
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);
  guint n_topics[HR_N_HELP_SECTIONS] = { 0 };

  for (guint i = 0; i < topics->len; i++)
    {
      const HrHelpTopic *topic = g_ptr_array_index (topics, i);
      const char *section = hr_help_section_get_name (topic->section);

      g_assert_true (g_hash_table_add (ids, topic->id));
      g_assert_true (g_str_has_prefix (topic->id, section));
      g_assert_true (topic->id[strlen (section)] == ':');
      g_assert_cmpstr (topic->title, !=, "");
      g_assert_cmpuint (strlen (topic->text), >, 4);
      g_assert_true (hr_help_find (topics, topic->id) == topic);
      for (guint j = 0; topic->links[j] != NULL; j++)
        g_assert_true (g_uri_is_valid (topic->links[j], G_URI_FLAGS_NONE, NULL));
      n_topics[topic->section]++;
    }

  for (guint i = 0; i < HR_N_HELP_SECTIONS; i++)
    g_assert_cmpuint (n_topics[i], >, 12);
}

/* Every setting of every mode, with each of its choices. */
static void
test_every_setting_has_a_topic (void)
{
  g_autoptr (GPtrArray) topics = hr_help_list_topics ();
  g_autoptr (GEnumClass) modes = g_type_class_ref (HR_TYPE_MODE);

  for (guint i = 0; i < modes->n_values; i++)
    {
      g_autoptr (HrJob) job = hr_job_new (modes->values[i].value);
      g_autofree GParamSpec **settings = NULL;
      guint n_settings;

      settings = hr_job_list_settings (job, &n_settings);
      for (guint j = 0; j < n_settings; j++)
        {
          g_autofree char *id = g_strdup_printf ("setting:%s", settings[j]->name);
          const HrHelpTopic *topic = hr_help_find (topics, id);

          g_assert_nonnull (topic);
          g_assert_cmpstr (topic->title, ==, hr_setting_get_label (settings[j]));
          g_assert_nonnull (strstr (topic->text, hr_setting_get_description (settings[j])));
          g_assert_nonnull (strstr (topic->text, hr_mode_get_label (modes->values[i].value)));
          if (!G_IS_PARAM_SPEC_ENUM (settings[j]))
            continue;

          for (guint k = 0; k < G_PARAM_SPEC_ENUM (settings[j])->enum_class->n_values; k++)
            g_assert_nonnull (strstr (topic->text,
                                      G_PARAM_SPEC_ENUM (settings[j])->enum_class->values[k].value_nick));
        }
    }
}

/* What is searched for, and what comes first. */
static const struct
{
  const char *query;
  const char *first;
} searches[] = {
  { "KV cache", "component:kv-cache" },
  { "kv-cache", "component:kv-cache" },
  { "batch size", "setting:batch-size" },
  { "gqa", "term:gqa" },
  { "L_w", "symbol:L_w" },
  { "nvidia-smi", "guide:figures" },
  { "reset_peak_memory_stats", "guide:measure" },
  { "  Known  ", "guide:limits" },
  { "swiglu", "term:feed-forward" },
  { "prefill", "phase:prefill" },
};

static void
test_a_search_finds_the_best_topic_first (void)
{
  g_autoptr (GPtrArray) topics = hr_help_list_topics ();
  g_autoptr (GPtrArray) everything = hr_help_search (topics, " ");
  g_autoptr (GPtrArray) nothing = hr_help_search (topics, "xyzzy");

  g_assert_cmpuint (everything->len, ==, topics->len);
  g_assert_cmpuint (nothing->len, ==, 0);

  for (guint i = 0; i < G_N_ELEMENTS (searches); i++)
    {
      g_autoptr (GPtrArray) found = hr_help_search (topics, searches[i].query);

      g_test_message ("%s: %u topics", searches[i].query, found->len);
      g_assert_cmpuint (found->len, >, 0);
      g_assert_cmpuint (found->len, <, topics->len / 2);
      g_assert_cmpstr (((const HrHelpTopic *) g_ptr_array_index (found, 0))->id, ==, searches[i].first);
    }
}

/* Capitals and small letters are different symbols. */
static void
test_symbols_are_told_apart_by_case (void)
{
  g_autoptr (GPtrArray) topics = hr_help_list_topics ();

  g_assert_cmpuint (hr_help_topic_match (hr_help_find (topics, "symbol:k"), "k"), ==, 4);
  g_assert_cmpuint (hr_help_topic_match (hr_help_find (topics, "symbol:K"), "k"), <, 4);
}

/* Models whose formulas have letters of their own. */
static const struct
{
  const char *model;
  HrMode mode;
  const char *settings;
} jobs[] = {
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "attention=eager logits-to-keep=all" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_TRAINING, "gradient-checkpointing=full" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_FINE_TUNING, "fine-tuning-method=qlora" },
  { "Qwen/Qwen2.5-1.5B-Instruct", HR_MODE_GRPO, "" },
  { "Qwen/Qwen2.5-VL-7B-Instruct", HR_MODE_MULTIMODAL, "images=2 image-width=640 image-height=480" },
  { "deepseek-ai/DeepSeek-V3", HR_MODE_INFERENCE, "" },
  { "deepseek-ai/DeepSeek-V2-Lite", HR_MODE_INFERENCE, "prompt-length=64" },
  { "mistralai/Mistral-7B-v0.1", HR_MODE_INFERENCE, "prompt-length=8192" },
  { "google/gemma-3-27b-it", HR_MODE_INFERENCE, "prompt-length=8192" },
  { "mistralai/Mixtral-8x7B-Instruct-v0.1", HR_MODE_INFERENCE, "" },
  { "openai/gpt-oss-20b", HR_MODE_INFERENCE, "" },
  { "state-spaces/mamba-2.8b-hf", HR_MODE_INFERENCE, "" },
  { "ai21labs/Jamba-v0.1", HR_MODE_INFERENCE, "" },
  { "openai-community/gpt2", HR_MODE_TRAINING, "" },
  { "google-t5/t5-small", HR_MODE_INFERENCE, "" },
  { "google-bert/bert-base-uncased", HR_MODE_TRAINING, "" },
  { "Qwen/Qwen3-Next-80B-A3B-Instruct", HR_MODE_INFERENCE, "" },
};

/* What stands in brackets behind a size are names of variables, not symbols. */
static char *
strip_names (const char *formula)
{
  GString *text = g_string_new (NULL);
  guint depth = 0;

  for (const char *p = formula; *p != '\0'; p = g_utf8_next_char (p))
    {
      if (depth > 0)
        depth = *p == '(' ? depth + 1 : *p == ')' ? depth - 1 : depth;
      else if (g_str_has_prefix (p, " (") && p > formula && strchr ("+-", p[-1]) == NULL)
        {
          depth = 1;
          p++;
        }
      else
        g_string_append_unichar (text, g_utf8_get_char (p));
    }

  return g_string_free (text, FALSE);
}

static guint
check_symbols (HrEstimate *estimate,
               GPtrArray  *topics)
{
  g_autoptr (GRegex) symbols = g_regex_new ("(?<![\\p{L}_])\\p{L}(_\\p{L}+)?(?![\\p{L}_(])", G_REGEX_DEFAULT, 0, NULL);
  GListModel *components = hr_estimate_get_components (estimate);
  guint n_symbols = 0;

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      g_autofree char *formula = strip_names (hr_component_get_formula (component));
      g_autoptr (GMatchInfo) match = NULL;

      for (g_regex_match (symbols, formula, 0, &match); g_match_info_matches (match); g_match_info_next (match, NULL))
        {
          g_autofree char *symbol = g_match_info_fetch (match, 0);
          g_autofree char *id = g_strdup_printf ("symbol:%s", symbol);

          /* The sign of a sum is a letter to Unicode. */
          if (g_str_equal (symbol, "Σ"))
            continue;

          g_test_message ("%s in %s", symbol, formula);
          g_assert_nonnull (hr_help_find (topics, id));
          n_symbols++;
        }
    }

  return n_symbols;
}

static void
test_every_symbol_of_a_formula_has_a_topic (void)
{
  g_autoptr (GPtrArray) topics = hr_help_list_topics ();

  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (jobs[i].model, &error);
      g_autoptr (HrJob) job = hr_job_new (jobs[i].mode);
      g_autoptr (HrEstimate) estimate = NULL;

      g_assert_no_error (error);
      hr_job_set_all_from_string (job, jobs[i].settings, &error);
      g_assert_no_error (error);
      estimate = hr_estimator_run (model, job, NULL, 1, &error);
      g_assert_no_error (error);

      g_assert_cmpuint (check_symbols (estimate, topics), >, 3);
      g_assert_cmpuint (check_symbols (hr_estimate_get_rule_of_thumb (estimate), topics), >, 0);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/help/every_topic_has_a_key_a_title_and_a_text", test_every_topic_has_a_key_a_title_and_a_text);
  g_test_add_func ("/help/every_setting_has_a_topic", test_every_setting_has_a_topic);
  g_test_add_func ("/help/a_search_finds_the_best_topic_first", test_a_search_finds_the_best_topic_first);
  g_test_add_func ("/help/symbols_are_told_apart_by_case", test_symbols_are_told_apart_by_case);
  g_test_add_func ("/help/every_symbol_of_a_formula_has_a_topic", test_every_symbol_of_a_formula_has_a_topic);

  return g_test_run ();
}
