/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "headroom.h"
#include "hr-model-catalogue-private.h"
#include "hr-model-entry-private.h"
#include "hr-model-private.h"

static void
foreach_entry (void (*check) (HrModelEntry *entry))
{
  GListModel *entries = hr_model_catalogue_get_default ();

  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);

      g_test_message ("%s", hr_model_entry_get_id (entry));
      check (entry);
    }
}

/* Each model is read once, for all tests. */
static GHashTable *read_models;

static HrModel *
get_model (const char *id)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = g_hash_table_lookup (read_models, id);

  if (model != NULL)
    return model;

  model = hr_model_new_from_id (id, &error);
  g_assert_no_error (error);
  g_hash_table_insert (read_models, g_strdup (id), model);

  return model;
}

static void
test_identifiers_are_unique (void)
{
  GListModel *entries = hr_model_catalogue_get_default ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_assert_cmpuint (g_list_model_get_n_items (entries), >=, 80);
  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);

      g_test_message ("%s", hr_model_entry_get_id (entry));
      g_assert_true (g_hash_table_add (seen, g_ascii_strdown (hr_model_entry_get_id (entry), -1)));
    }

  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);
      GPtrArray *aliases = hr_model_entry_get_aliases (entry);

      for (guint j = 0; aliases != NULL && j < aliases->len; j++)
        {
          const char *id = hr_model_entry_get_id (g_ptr_array_index (aliases, j));

          g_test_message ("%s", id);
          g_assert_true (g_hash_table_add (seen, g_ascii_strdown (id, -1)));
        }
    }
}

static void
check_source (HrModelEntry *entry)
{
  g_assert_cmpuint (strlen (hr_model_entry_get_source (entry)), >, strlen ("https://"));
  g_assert_true (g_regex_match_simple ("^\\d{4}-\\d\\d-\\d\\d$", hr_model_entry_get_checked (entry), G_REGEX_DEFAULT,
                                       G_REGEX_MATCH_DEFAULT));
}

static void
test_each_row_says_where_it_is_from_and_when_it_was_checked (void)
{
  foreach_entry (check_source);
}

static void
check_parameters (HrModelEntry *entry)
{
  HrModel *model = get_model (hr_model_entry_get_id (entry));
  guint64 n_parameters;

  g_assert_cmpstr (hr_model_get_name (model), ==, hr_model_entry_get_id (entry));
  if (hr_model_entry_get_n_parameters (entry, &n_parameters))
    g_assert_cmpuint (hr_model_get_n_parameters (model), ==, n_parameters);
}

static void
test_each_model_has_as_many_parameters_as_published (void)
{
  foreach_entry (check_parameters);
}

/* Models that are followed in part say so: GLM-130B, Gemma 3n, the small ones of Gemma 4, and what others see with. */
static gboolean
is_followed_in_part (const char *id)
{
  return g_regex_match_simple ("^THUDM/GLM-130B$|/gemma-3n-|/gemma-4-E|/Kimi-K2\\.[567]|/MiniMax-M3", id,
                               G_REGEX_CASELESS, G_REGEX_MATCH_DEFAULT);
}

static void
check_warnings (HrModelEntry *entry)
{
  HrModel *model = get_model (hr_model_entry_get_id (entry));
  guint n_expected = is_followed_in_part (hr_model_entry_get_id (entry)) ? 1 : 0;

  for (guint i = 0; hr_model_get_warnings (model)[i] != NULL; i++)
    g_test_message ("%s", hr_model_get_warnings (model)[i]);
  g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (model)), ==, n_expected);
}

static void
test_no_model_of_ours_is_read_with_doubts (void)
{
  foreach_entry (check_warnings);
}

static void
check_estimate (HrModelEntry *entry)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrEstimate) estimate = NULL;

  if (hr_model_is_counted_only (get_model (hr_model_entry_get_id (entry))))
    g_object_set (job, "engine", HR_ENGINE_VLLM, NULL);
  estimate = hr_estimator_run_for_sizes (get_model (hr_model_entry_get_id (entry)), job, NULL, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_allocated_bytes (estimate), >, 0);
}

static void
test_each_model_can_be_estimated (void)
{
  foreach_entry (check_estimate);
}

/* Publishers name the format of the weights of those that they have quantized. */
static void
check_named_format (HrModelEntry *entry)
{
  const char *id = hr_model_entry_get_id (entry);
  HrModel *model = get_model (id);

  if (g_regex_match_simple ("fp8|fp4|int[48]|awq|gptq|[48]bit", id, G_REGEX_CASELESS, G_REGEX_MATCH_DEFAULT))
    g_assert_cmpint (hr_model_get_quantization (model), !=, HR_QUANTIZATION_NONE);
}

static void
test_model_whose_name_says_a_format_is_stored_in_it (void)
{
  foreach_entry (check_named_format);
}

/* Models that were published in a small format alone, whose names do not say it: cards of the models. */
static void
test_models_that_were_trained_in_a_small_format_are_stored_in_it (void)
{
  static const struct
  {
    const char *id;
    HrQuantization quantization;
  } models[] = {
    { "deepseek-ai/DeepSeek-V3", HR_QUANTIZATION_FP8 },
    { "deepseek-ai/DeepSeek-V3-0324", HR_QUANTIZATION_FP8 },
    { "deepseek-ai/DeepSeek-R1", HR_QUANTIZATION_FP8 },
    { "deepseek-ai/DeepSeek-V3.1", HR_QUANTIZATION_FP8 },
    { "deepseek-ai/DeepSeek-V3.2", HR_QUANTIZATION_FP8 },
    { "deepseek-ai/DeepSeek-V4-Flash", HR_QUANTIZATION_FP8 },
    { "deepseek-ai/DeepSeek-V4-Pro", HR_QUANTIZATION_FP8 },
    { "moonshotai/Kimi-K2-Instruct", HR_QUANTIZATION_FP8 },
    { "MiniMaxAI/MiniMax-M2", HR_QUANTIZATION_FP8 },
    { "MiniMaxAI/MiniMax-M2.5", HR_QUANTIZATION_FP8 },
    { "MiniMaxAI/MiniMax-M2.7", HR_QUANTIZATION_FP8 },
    { "XiaomiMiMo/MiMo-V2-Flash", HR_QUANTIZATION_FP8 },
    { "deepseek-ai/DeepSeek-R1-0528", HR_QUANTIZATION_FP8 },
    { "deepseek-ai/DeepSeek-V3.1-Terminus", HR_QUANTIZATION_FP8 },
    { "moonshotai/Kimi-K2-Instruct-0905", HR_QUANTIZATION_FP8 },
    { "moonshotai/Kimi-K2-Thinking", HR_QUANTIZATION_W4A16_INT4 },
    { "moonshotai/Kimi-K2.5", HR_QUANTIZATION_W4A16_INT4 },
    { "moonshotai/Kimi-K2.6", HR_QUANTIZATION_W4A16_INT4 },
    { "openai/gpt-oss-20b", HR_QUANTIZATION_MXFP4 },
    { "openai/gpt-oss-120b", HR_QUANTIZATION_MXFP4 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (models[i].id, &error);

      g_test_message ("%s", models[i].id);
      g_assert_no_error (error);
      g_assert_cmpint (hr_model_get_quantization (model), ==, models[i].quantization);
    }
}

/* What people run most: rows that are another model's but for the format. */
static void
test_copies_are_the_same_model_in_another_format (void)
{
  static const struct
  {
    const char *id;
    const char *of;
    HrQuantization quantization;
  } copies[] = {
    { "Qwen/Qwen2.5-7B-Instruct-AWQ", "Qwen/Qwen2.5-7B-Instruct", HR_QUANTIZATION_AWQ_INT4 },
    { "Qwen/Qwen2.5-32B-Instruct-GPTQ-Int8", "Qwen/Qwen2.5-32B-Instruct", HR_QUANTIZATION_GPTQ_INT8 },
    { "Qwen/Qwen3-8B-FP8", "Qwen/Qwen3-8B", HR_QUANTIZATION_FP8 },
    { "hugging-quants/Meta-Llama-3.1-70B-Instruct-GPTQ-INT4", "meta-llama/Meta-Llama-3.1-70B-Instruct",
      HR_QUANTIZATION_GPTQ_INT4 },
    { "neuralmagic/Meta-Llama-3.1-8B-Instruct-FP8", "meta-llama/Llama-3.1-8B-Instruct", HR_QUANTIZATION_FP8_TENSOR },
    { "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "meta-llama/Llama-3.3-70B-Instruct", HR_QUANTIZATION_FP8_CHANNEL },
    { "neuralmagic/Meta-Llama-3.1-8B-Instruct-quantized.w8a8", "meta-llama/Llama-3.1-8B-Instruct",
      HR_QUANTIZATION_W8A8_INT8 },
    { "unsloth/mistral-7b-v0.3-bnb-4bit", "unsloth/mistral-7b-v0.3", HR_QUANTIZATION_BNB_NF4_DQ },
    { "TheBloke/Mistral-7B-Instruct-v0.2-AWQ", "mistralai/Mistral-7B-Instruct-v0.2", HR_QUANTIZATION_AWQ_INT4 },
    { "casperhansen/llama-3-8b-instruct-awq", "meta-llama/Meta-Llama-3-8B-Instruct", HR_QUANTIZATION_AWQ_INT4 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (copies); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) copy = hr_model_new_from_id (copies[i].id, &error);
      g_autoptr (HrModel) model = hr_model_new_from_id (copies[i].of, NULL);

      g_test_message ("%s", copies[i].id);
      g_assert_no_error (error);
      g_assert_cmpstr (hr_model_get_name (copy), ==, copies[i].id);
      g_assert_cmpint (hr_model_get_quantization (copy), ==, copies[i].quantization);
      g_assert_cmpint (hr_model_get_quantization (model), ==, HR_QUANTIZATION_NONE);
      g_assert_cmpuint (hr_model_get_n_parameters (copy), ==, hr_model_get_n_parameters (model));
    }
}

/* The sizes that the cards of the models give, in billions. */
static void
test_models_of_one_generation_are_told_apart (void)
{
  static const struct
  {
    const char *id;
    double n_billions;
  } models[] = {
    { "zai-org/GLM-4.5", 355 }, { "zai-org/GLM-4.5-Base", 355 }, { "zai-org/GLM-4.5-Air", 106 },
    { "zai-org/GLM-4.5V", 106 }, { "zai-org/GLM-4.6", 355 }, { "zai-org/GLM-4.7", 355 },
    { "google/gemma-4-31B-it", 31 }, { "google/gemma-4-26B-A4B-it", 26 },
    { "Qwen/Qwen3-Coder-30B-A3B-Instruct", 30.5 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (HrModel) model = hr_model_new_from_id (models[i].id, NULL);

      g_test_message ("%s", models[i].id);
      g_assert_nonnull (model);
      g_assert_cmpfloat_with_epsilon (hr_model_get_n_parameters (model) / 1e9, models[i].n_billions, 3);
    }
}

static void
check_its_own_search (HrModelEntry *entry)
{
  g_autoptr (GListModel) found = hr_model_search (hr_model_entry_get_id (entry));
  g_autoptr (HrModelEntry) first = g_list_model_get_item (found, 0);

  g_assert_nonnull (first);
  g_assert_cmpstr (hr_model_entry_get_id (first), ==, hr_model_entry_get_id (entry));
}

static void
test_each_identifier_finds_its_model_first (void)
{
  foreach_entry (check_its_own_search);
}

static void
assert_lookup (const char *typed,
               const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModelEntry) entry = hr_model_catalogue_lookup (typed, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (hr_model_entry_get_id (entry), ==, expected);
}

static void
test_lookup_minds_neither_case_nor_organisation (void)
{
  assert_lookup ("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct");
  assert_lookup ("qwen/qwen2.5-7b-instruct", "Qwen/Qwen2.5-7B-Instruct");
  assert_lookup ("Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct");
  assert_lookup ("qwen2.5-7b-instruct", "Qwen/Qwen2.5-7B-Instruct");
}

static void
test_model_has_its_true_name_whatever_was_typed (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("qwen2.5-7b-instruct", &error);
  g_autoptr (HrModelEntry) entry = hr_model_catalogue_lookup ("qwen2.5-7b-instruct", NULL);

  g_assert_no_error (error);
  g_assert_cmpstr (hr_model_get_name (model), ==, "Qwen/Qwen2.5-7B-Instruct");
  g_assert_cmpstr (hr_model_get_short_name (model), ==, "Qwen2.5-7B-Instruct");
  g_assert_cmpstr (hr_model_get_source (model), ==, hr_model_entry_get_source (entry));
}

/* Renamed repositories and organisations: the sources are in the rows. */
static void
test_model_is_found_by_each_of_its_names_and_called_by_the_one_that_was_typed (void)
{
  static const struct
  {
    const char *typed;
    const char *name;
    const char *same_as;
  } names[] = {
    { "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Meta-Llama-3.1-8B-Instruct" },
    { "llama-3.1-70b", "meta-llama/Llama-3.1-70B", "meta-llama/Meta-Llama-3.1-70B" },
    { "Meta-Llama-3.1-70B", "meta-llama/Meta-Llama-3.1-70B", "meta-llama/Meta-Llama-3.1-70B" },
    { "zai-org/glm-4-9b-chat", "zai-org/glm-4-9b-chat", "THUDM/glm-4-9b-chat" },
    { "THUDM/GLM-4-32B-0414", "THUDM/GLM-4-32B-0414", "zai-org/GLM-4-32B-0414" },
    { "unsloth/llama-3-8b-Instruct", "unsloth/llama-3-8b-Instruct", "meta-llama/Meta-Llama-3-8B-Instruct" },
    { "CohereLabs/c4ai-command-r-plus", "CohereLabs/c4ai-command-r-plus", "CohereForAI/c4ai-command-r-plus" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (names[i].typed, &error);
      g_autofree char *config = hr_model_catalogue_dup_config (names[i].typed, NULL, NULL);
      g_autofree char *other = hr_model_catalogue_dup_config (names[i].same_as, NULL, NULL);

      g_test_message ("%s", names[i].typed);
      g_assert_no_error (error);
      g_assert_cmpstr (hr_model_get_name (model), ==, names[i].name);
      g_assert_cmpstr (config, ==, other);
    }
}

static void
test_search_shows_a_model_once_by_the_name_that_matches (void)
{
  g_autoptr (GListModel) found = hr_model_search ("meta-llama/Llama-3.1-8B-Instruct");
  g_autoptr (GListModel) organisation = hr_model_search ("zai-org chatglm3");
  g_autoptr (HrModelEntry) first = g_list_model_get_item (found, 0);
  g_autoptr (HrModelEntry) only = g_list_model_get_item (organisation, 0);

  g_assert_cmpstr (hr_model_entry_get_id (first), ==, "meta-llama/Llama-3.1-8B-Instruct");
  g_assert_cmpstr (hr_model_entry_get_id (only), ==, "zai-org/chatglm3-6b");
  for (guint i = 0; i < g_list_model_get_n_items (found); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (found, i);

      g_assert_cmpstr (hr_model_entry_get_id (entry), !=, "meta-llama/Meta-Llama-3.1-8B-Instruct");
    }
}

static void
test_copies_that_are_not_there_are_known_by_their_names (void)
{
  static const struct
  {
    const char *id;
    const char *of;
    HrQuantization quantization;
  } copies[] = {
    { "someone/Qwen2.5-7B-Instruct-awq", "Qwen/Qwen2.5-7B-Instruct", HR_QUANTIZATION_AWQ_INT4 },
    { "someone/Llama-3.1-8B-Instruct-GPTQ-Int8", "meta-llama/Llama-3.1-8B-Instruct", HR_QUANTIZATION_GPTQ_INT8 },
    { "gemma-2-9b-it-GPTQ", "google/gemma-2-9b-it", HR_QUANTIZATION_GPTQ_INT4 },
    { "someone/phi-4-FP8-dynamic", "microsoft/phi-4", HR_QUANTIZATION_FP8_CHANNEL },
    { "someone/phi-4-FP8", "microsoft/phi-4", HR_QUANTIZATION_FP8_TENSOR },
    { "someone/phi-4-quantized.w8a8", "microsoft/phi-4", HR_QUANTIZATION_W8A8_INT8 },
    { "someone/phi-4-quantized.w4a16", "microsoft/phi-4", HR_QUANTIZATION_W4A16_INT4 },
    { "someone/Qwen3-32B-NVFP4", "Qwen/Qwen3-32B", HR_QUANTIZATION_NVFP4 },
    { "someone/phi-4-bnb-4bit", "microsoft/phi-4", HR_QUANTIZATION_BNB_NF4_DQ },
  };
  const char * const unknown[] = { "someone/phi-4-unsloth-bnb-4bit", "someone/unheard-of-AWQ", "-AWQ", "someone/-AWQ" };

  for (guint i = 0; i < G_N_ELEMENTS (copies); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) copy = hr_model_new_from_id (copies[i].id, &error);
      g_autoptr (HrModel) model = hr_model_new_from_id (copies[i].of, NULL);

      g_test_message ("%s", copies[i].id);
      g_assert_no_error (error);
      g_assert_cmpstr (hr_model_get_name (copy), ==, copies[i].id);
      g_assert_cmpint (hr_model_get_quantization (copy), ==, copies[i].quantization);
      g_assert_cmpuint (hr_model_get_n_parameters (copy), ==, hr_model_get_n_parameters (model));
      g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (copy)), ==, 1);
      g_assert_nonnull (strstr (hr_model_get_warnings (copy)[0], copies[i].of));
    }

  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (hr_model_new_from_id (unknown[i], &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
    }
}

/* The examples of LLM Compressor quantize no tower, nor do copies of NVIDIA: its matrices have sixteen bits. */
static void
test_copies_see_as_their_originals_do (void)
{
  static const char * const ids[] = {
    "someone/Qwen3.5-35B-A3B-FP8-dynamic", "someone/gemma-3-12b-it-quantized.w4a16", "someone/gemma-4-26B-A4B-it-NVFP4",
    "someone/Qwen3-VL-8B-Instruct-NVFP4", "someone/Mistral-Small-3.2-24B-Instruct-2506-NVFP4",
  };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (ids[i], &error);
      guint n_seen = 0, n_read = 0;

      g_assert_no_error (error);
      for (guint j = 0; j < hr_model_get_n_tensors (model); j++)
        {
          const HrTensor *tensor = hr_model_get_tensor (model, j);
          const HrQuantizer *quantizer = _hr_model_get_quantizer (model);
          gboolean is_quantized = hr_quantizer_get_format (quantizer, tensor, j, 0) != NULL;

          if (tensor->stack != HR_TENSOR_NO_STACK &&
              hr_model_get_stack (model, tensor->stack)->role == HR_STACK_VISION)
            n_seen += is_quantized;
          else
            n_read += is_quantized;
        }
      g_assert_cmpuint (n_seen, ==, 0);
      g_assert_cmpuint (n_read, >, 0);
    }
}

static void
test_repository_of_many_files_asks_which (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hr_model_new_from_id ("unsloth/Qwen3-8B-GGUF", &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
  g_assert_nonnull (strstr (error->message, "take Qwen/Qwen3-8B, with a type such as Q4_K_M"));
}

static void
test_unknown_identifiers_suggest_others (void)
{
  const char * const typed[][2] = {
    { "Qwen2.5-7B-Instuct", "Qwen/Qwen2.5-7B-Instruct" },
    { "mistralai/Mistral-7B", "mistralai/Mistral-7B-v0.1" },
    { "Qwen/Qwen2.5-7B-Instruct-GPTQ", "Qwen/Qwen2.5-7B-Instruct" },
  };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (typed); i++)
    {
      g_autoptr (GError) hint = NULL;

      g_assert_null (hr_model_catalogue_lookup (typed[i][0], &hint));
      g_assert_error (hint, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
      g_assert_nonnull (strstr (hint->message, typed[i][0]));
      g_assert_nonnull (strstr (hint->message, typed[i][1]));
    }

  g_assert_null (hr_model_catalogue_lookup ("xyzzy-plugh-quux", &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
}

/* Those that the articles name (data/articles): who has read of a model looks for it here. */
static void
test_models_that_articles_name_are_there (void)
{
  static const struct
  {
    const char *text;
    const char *id;
  } models[] = {
    { "Qwen2.5-3B", "Qwen/Qwen2.5-3B" }, { "Qwen2.5-7B", "Qwen/Qwen2.5-7B" },
    { "Qwen2.5-VL-7B", "Qwen/Qwen2.5-VL-7B-Instruct" }, { "LLaMA-7B", "huggyllama/llama-7b" },
    { "Llama-2-7b-hf", "meta-llama/Llama-2-7b-hf" }, { "Llama-2-13b-hf", "meta-llama/Llama-2-13b-hf" },
    { "Meta-Llama-3-8B", "meta-llama/Meta-Llama-3-8B" }, { "Meta-Llama-3-70B", "meta-llama/Meta-Llama-3-70B" },
    { "Llama 3.1 70B", "meta-llama/Meta-Llama-3.1-70B" }, { "Mistral-7B-v0.2", "mistralai/Mistral-7B-Instruct-v0.2" },
    { "zephyr", "HuggingFaceH4/zephyr-7b-beta" }, { "Starling-LM-7B", "berkeley-nest/Starling-LM-7B-alpha" },
    { "Qwen-7B", "Qwen/Qwen-7B" }, { "Qwen-14B", "Qwen/Qwen-14B" }, { "Baichuan-7B", "baichuan-inc/Baichuan-7B" },
    { "GPT-3", "openai/gpt-3-175b" }, { "T5 small", "google-t5/t5-small" }, { "GLM-130B", "THUDM/GLM-130B" },
    { "phi-1", "microsoft/phi-1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (GListModel) found = hr_model_search (models[i].text);
      gboolean is_there = FALSE;

      for (guint j = 0; j < MIN (g_list_model_get_n_items (found), 8); j++)
        {
          g_autoptr (HrModelEntry) entry = g_list_model_get_item (found, j);

          is_there = is_there || g_str_equal (hr_model_entry_get_id (entry), models[i].id);
        }
      if (!is_there)
        g_test_fail_printf ("“%s” does not find %s", models[i].text, models[i].id);
    }
}

static void
test_models_of_which_too_little_is_known_say_so (void)
{
  static const char * const names[] = { "PaLM", "palm-540b", "google/PaLM 62B" };
  g_autoptr (GError) other = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (hr_model_catalogue_lookup (names[i], &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
      g_assert_nonnull (strstr (error->message, names[i]));
      g_assert_nonnull (strstr (error->message, "arXiv:2204.02311"));
    }

  g_assert_null (hr_model_catalogue_lookup ("palmyra", &other));
  g_assert_null (strstr (other->message, "arXiv"));
}

static void
test_config_is_json_with_its_source (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *source = NULL;
  g_autofree char *config = hr_model_catalogue_dup_config ("qwen2.5-7b-instruct", &source, &error);
  g_autoptr (HrJson) json = NULL;
  guint64 hidden_size;

  g_assert_no_error (error);
  json = hr_json_new_from_data (config, -1, "config.json", HR_JSON_STRICT, &error);
  g_assert_no_error (error);
  g_assert_true (hr_json_get_uint (json, "hidden_size", 1, G_MAXUINT32, &hidden_size, &error));
  g_assert_cmpuint (hidden_size, ==, 3584);
  g_assert_nonnull (source);
}

static void
assert_first (const char *query,
              const char *expected)
{
  g_autoptr (GListModel) found = hr_model_search (query);
  g_autoptr (HrModelEntry) first = g_list_model_get_item (found, 0);

  g_test_message ("%s", query);
  g_assert_nonnull (first);
  g_assert_cmpstr (hr_model_entry_get_id (first), ==, expected);
}

static void
test_search_finds_what_a_person_means (void)
{
  assert_first ("qwen 7b", "Qwen/Qwen2.5-7B-Instruct");
  assert_first ("7b qwen", "Qwen/Qwen2.5-7B-Instruct");
  assert_first ("QWEN 7B", "Qwen/Qwen2.5-7B-Instruct");
  assert_first ("qwen2 7b", "Qwen/Qwen2-7B");
  assert_first ("llama 3 70b", "meta-llama/Meta-Llama-3-70B-Instruct");
  assert_first ("mistral", "mistralai/Mistral-7B-Instruct-v0.3");
  assert_first ("mistrl", "mistralai/Mistral-7B-Instruct-v0.3");
  assert_first ("phi 4 mini", "microsoft/Phi-4-mini-instruct");
  assert_first ("1b1", "bigscience/bloom-1b1");
  assert_first ("千问7B", "Qwen/Qwen2.5-7B-Instruct");
  assert_first ("通义千问 7B", "Qwen/Qwen2.5-7B-Instruct");
  assert_first ("gemma 9b", "google/gemma-2-9b-it");
  assert_first ("llama 3 8b", "meta-llama/Meta-Llama-3-8B-Instruct");
  assert_first ("qwen 7b awq", "Qwen/Qwen2.5-7B-Instruct-AWQ");
  assert_first ("unsloth llama 3.1 8b 4bit", "unsloth/Llama-3.1-8B-Instruct-bnb-4bit");
}

static void
test_search_puts_a_whole_name_first (void)
{
  assert_first ("bloom", "bigscience/bloom");
  assert_first ("Qwen2.5-7B", "Qwen/Qwen2.5-7B");
  assert_first ("qwen/qwen2.5-7b", "Qwen/Qwen2.5-7B");
  assert_first ("gpt2", "openai-community/gpt2");
  assert_first ("Qwen-7B", "Qwen/Qwen-7B");
}

static void
test_search_orders_by_score (void)
{
  g_autoptr (GListModel) found = hr_model_search ("llama 8b");
  guint last = G_MAXUINT;

  g_assert_cmpuint (g_list_model_get_n_items (found), >, 1);
  for (guint i = 0; i < g_list_model_get_n_items (found); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (found, i);
      guint score = hr_model_search_score (entry, "llama 8b");

      g_assert_cmpuint (score, >, 0);
      g_assert_cmpuint (score, <=, last);
      last = score;
    }
}

static void
test_empty_search_finds_all_and_nonsense_none (void)
{
  g_autoptr (GListModel) all = hr_model_search ("");
  g_autoptr (GListModel) blank = hr_model_search ("  ");
  g_autoptr (GListModel) none = hr_model_search ("xyzzy");
  guint n_models = g_list_model_get_n_items (hr_model_catalogue_get_default ());

  g_assert_cmpuint (g_list_model_get_n_items (all), ==, n_models);
  g_assert_cmpuint (g_list_model_get_n_items (blank), ==, n_models);
  g_assert_cmpuint (g_list_model_get_n_items (none), ==, 0);
}

static void
test_search_survives_anything_typed (void)
{
  const char * const queries[] = {
    "%s%n", "\\", "/", "////", "b", "0b", "7", "99999999999999999999999b", "1e400b", "-7b", ".b", "7..b", "７Ｂ",
    "ｑｗｅｎ", "\xe2\x80\x8b", "🤗", "qwen\n7b", "_", "1_", "_1", "inf", "nan", "nanb",
  };

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      g_autoptr (GListModel) found = hr_model_search (queries[i]);

      g_assert_true (G_IS_LIST_MODEL (found));
    }
}

static guint
get_score (const char *id,
           const char *query)
{
  g_autoptr (HrModelEntry) entry = hr_model_catalogue_lookup (id, NULL);

  g_assert_nonnull (entry);

  return hr_model_search_score (entry, query);
}

static void
test_score_counts_each_word (void)
{
  const char *id = "Qwen/Qwen2.5-7B-Instruct";

  g_assert_cmpuint (get_score (id, ""), >, 0);
  g_assert_cmpuint (get_score (id, "qwen instruct"), >, 0);
  g_assert_cmpuint (get_score (id, "qwen gemma"), ==, 0);
  g_assert_cmpuint (get_score (id, "qwen"), >, get_score (id, "qwe"));
  g_assert_cmpuint (get_score (id, "qwe"), >, get_score (id, "wen"));
}

static void
test_score_knows_sizes (void)
{
  const char *id = "Qwen/Qwen2.5-7B-Instruct";

  g_assert_cmpuint (get_score (id, "7b"), >, 0);
  g_assert_cmpuint (get_score (id, "7.6b"), >, 0);
  g_assert_cmpuint (get_score (id, "7600m"), >, 0);
  g_assert_cmpuint (get_score (id, "7b"), >, get_score (id, "7.2b"));
  g_assert_cmpuint (get_score (id, "14b"), ==, 0);
  g_assert_cmpuint (get_score (id, "72b"), ==, 0);
  g_assert_cmpuint (get_score ("bigscience/bloom-1b1", "1.1b"), >, 0);
}

static void
test_score_knows_versions (void)
{
  g_assert_cmpuint (get_score ("Qwen/Qwen2.5-7B-Instruct", "qwen 2.5"), >, 0);
  g_assert_cmpuint (get_score ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5"), >, 0);
  g_assert_cmpuint (get_score ("Qwen/Qwen2-7B", "qwen 2.5"), ==, 0);
}

static gboolean
load (const char  *text,
      GListStore  *entries,
      GError     **error)
{
  g_autoptr (HrJson) document = hr_json_new_from_data (text, -1, "models.json", HR_JSON_STRICT, error);

  g_assert_no_error (*error);

  return _hr_model_catalogue_load (document, entries, error);
}

#define ROW_START "\"id\": \"x/y-1b\", \"name\": \"y-1b\", "
#define ORIGIN "\"source\": \"https://example.com/\", \"checked\": \"2026-11-20\""
#define ROW_END "\"config\": { \"model_type\": \"llama\" }, " ORIGIN
#define DOCUMENT(row) "{ \"schema\": \"headroom-models/1\", \"family\": \"X\", \"models\": [ { " row " } ] }"

static void
test_faults_in_the_data_are_errors (void)
{
  const char * const faults[] = {
    "[]",
    "{}",
    "{ \"schema\": \"headroom-models/2\", \"family\": \"X\", \"models\": [] }",
    "{ \"schema\": \"headroom-models/1\", \"family\": \"X\", \"models\": [ \"y\" ] }",
    "{ \"schema\": \"headroom-models/1\", \"family\": \"X\", \"models\": [], \"keywords\": [ \"没有来源\" ] }",
    DOCUMENT (ROW_END),
    DOCUMENT (ROW_START "\"licence\": \"X\", " ROW_END),
    DOCUMENT (ROW_START "\"parameters\": \"1b\", " ROW_END),
    DOCUMENT (ROW_START ORIGIN),
    DOCUMENT (ROW_START "\"config\": [], " ORIGIN),
    DOCUMENT (ROW_START "\"as\": \"x/z-1b\", " ORIGIN),
    DOCUMENT (ROW_START "\"as\": \"x/y-1b\", " ORIGIN),
    DOCUMENT (ROW_START "\"aliases\": [ \"z/y-1b\" ], " ROW_END),
    DOCUMENT (ROW_START "\"aliases\": [ { \"id\": \"z/y-1b\" } ], " ROW_END),
    DOCUMENT (ROW_START "\"stored\": \"float16\", " ROW_END),
    DOCUMENT (ROW_START "\"stored\": { \"dtype\": \"float16\" }, " ROW_END),
    DOCUMENT (ROW_START "\"stored\": { \"dtype\": \"float17\", \"source\": \"a file\" }, " ROW_END),
  };
  g_autoptr (GListStore) entries = g_list_store_new (HR_TYPE_MODEL_ENTRY);
  g_autoptr (GError) none = NULL;

  g_assert_true (load (DOCUMENT (ROW_START ROW_END), entries, &none));
  g_assert_no_error (none);

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", faults[i]);
      g_assert_false (load (faults[i], entries, &error));
      g_assert_nonnull (error);
      g_assert_true (error->domain == HR_ERROR);
      g_assert_nonnull (strstr (error->message, "models.json"));
    }
}

static void
assert_config (GListStore *entries,
               guint       position,
               const char *expected)
{
  g_autoptr (HrModelEntry) entry = g_list_model_get_item (G_LIST_MODEL (entries), position);
  g_autofree char *config = _hr_model_entry_dup_config (entry);

  g_assert_cmpstr (config, ==, expected);
}

static void
test_row_may_be_as_another_but_for_some_keys (void)
{
  const char *text =
    "{ \"schema\": \"headroom-models/1\", \"family\": \"X\", \"models\": ["
    "{ \"id\": \"x/a\", \"name\": \"a\", \"parameters\": 7, \"config\": {\"model_type\": \"llama\", \"dtype\": "
    "\"bfloat16\", \"hidden_size\": 8}, " ORIGIN "},"
    "{ \"id\": \"x/b\", \"name\": \"b\", \"as\": \"x/a\", \"config\": {\"dtype\": \"float16\", \"q\": {\"bits\": 4}}, "
    ORIGIN "},"
    "{ \"id\": \"x/c\", \"name\": \"c\", \"as\": \"x/b\", \"config\": {\"q\": null}, " ORIGIN "},"
    "{ \"id\": \"x/d\", \"name\": \"d\", \"as\": \"x/a\", \"parameters\": 8, " ORIGIN "} ] }";
  const guint64 n_expected[] = { 7, 7, 7, 8 };
  g_autoptr (GListStore) entries = g_list_store_new (HR_TYPE_MODEL_ENTRY);
  g_autoptr (GError) error = NULL;

  g_assert_true (load (text, entries, &error));
  g_assert_no_error (error);
  assert_config (entries, 1, "{\"q\": {\"bits\": 4}, \"model_type\": \"llama\", \"dtype\": \"float16\", "
                             "\"hidden_size\": 8}");
  assert_config (entries, 2, "{\"q\": null, \"model_type\": \"llama\", \"dtype\": \"float16\", \"hidden_size\": 8}");
  assert_config (entries, 3, "{\"model_type\": \"llama\", \"dtype\": \"bfloat16\", \"hidden_size\": 8}");
  for (guint i = 0; i < G_N_ELEMENTS (n_expected); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (G_LIST_MODEL (entries), i);
      guint64 n_parameters;

      g_assert_true (hr_model_entry_get_n_parameters (entry, &n_parameters));
      g_assert_cmpuint (n_parameters, ==, n_expected[i]);
    }
}

static void
assert_stored (const char *id,
               HrDtype     dtype)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (id, &error);

  g_assert_no_error (error);
  g_test_message ("%s: %s", id, hr_dtype_get_name (hr_model_get_dtype (model)));
  g_assert_cmpint (hr_model_get_dtype (model), ==, dtype);
}

/* transformers then goes by the tensors of the files (_get_dtype of modeling_utils.py), which are not at hand here. */
static void
test_weights_are_in_what_the_row_says_where_the_config_is_silent (void)
{
  g_autoptr (HrModelEntry) entry = hr_model_catalogue_lookup ("openai-community/gpt2", NULL);

  assert_stored ("openai-community/gpt2", HR_DTYPE_FLOAT32);
  assert_stored ("EleutherAI/pythia-12b-deduped", HR_DTYPE_FLOAT16);
  assert_stored ("bigscience/bloom", HR_DTYPE_BFLOAT16);
  assert_stored ("facebook/mbart-large-50", HR_DTYPE_AUTO);
  g_assert_nonnull (strstr (hr_model_entry_get_source (entry), "; stored in float32: "));
}

int
main (int   argc,
      char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  read_models = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);

  g_test_add_func ("/model-catalogue/identifiers-are-unique", test_identifiers_are_unique);
  g_test_add_func ("/model-catalogue/each-row-says-where-it-is-from-and-when-it-was-checked",
                   test_each_row_says_where_it_is_from_and_when_it_was_checked);
  g_test_add_func ("/model-catalogue/each-model-has-as-many-parameters-as-published",
                   test_each_model_has_as_many_parameters_as_published);
  g_test_add_func ("/model-catalogue/each-model-can-be-estimated", test_each_model_can_be_estimated);
  g_test_add_func ("/model-catalogue/no-model-of-ours-is-read-with-doubts", test_no_model_of_ours_is_read_with_doubts);
  g_test_add_func ("/model-catalogue/model-whose-name-says-a-format-is-stored-in-it",
                   test_model_whose_name_says_a_format_is_stored_in_it);
  g_test_add_func ("/model-catalogue/models-that-were-trained-in-a-small-format-are-stored-in-it",
                   test_models_that_were_trained_in_a_small_format_are_stored_in_it);
  g_test_add_func ("/model-catalogue/copies-are-the-same-model-in-another-format",
                   test_copies_are_the_same_model_in_another_format);
  g_test_add_func ("/model-catalogue/models-of-one-generation-are-told-apart",
                   test_models_of_one_generation_are_told_apart);
  g_test_add_func ("/model-catalogue/each-identifier-finds-its-model-first",
                   test_each_identifier_finds_its_model_first);
  g_test_add_func ("/model-catalogue/lookup-minds-neither-case-nor-organisation",
                   test_lookup_minds_neither_case_nor_organisation);
  g_test_add_func ("/model-catalogue/model-has-its-true-name-whatever-was-typed",
                   test_model_has_its_true_name_whatever_was_typed);
  g_test_add_func ("/model-catalogue/model-is-found-by-each-of-its-names-and-called-by-the-one-that-was-typed",
                   test_model_is_found_by_each_of_its_names_and_called_by_the_one_that_was_typed);
  g_test_add_func ("/model-catalogue/search-shows-a-model-once-by-the-name-that-matches",
                   test_search_shows_a_model_once_by_the_name_that_matches);
  g_test_add_func ("/model-catalogue/copies-see-as-their-originals-do", test_copies_see_as_their_originals_do);
  g_test_add_func ("/model-catalogue/copies-that-are-not-there-are-known-by-their-names",
                   test_copies_that_are_not_there_are_known_by_their_names);
  g_test_add_func ("/model-catalogue/repository-of-many-files-asks-which", test_repository_of_many_files_asks_which);
  g_test_add_func ("/model-catalogue/unknown-identifiers-suggest-others", test_unknown_identifiers_suggest_others);
  g_test_add_func ("/model-catalogue/models-that-articles-name-are-there", test_models_that_articles_name_are_there);
  g_test_add_func ("/model-catalogue/models-of-which-too-little-is-known-say-so",
                   test_models_of_which_too_little_is_known_say_so);
  g_test_add_func ("/model-catalogue/config-is-json-with-its-source", test_config_is_json_with_its_source);
  g_test_add_func ("/model-catalogue/search-finds-what-a-person-means", test_search_finds_what_a_person_means);
  g_test_add_func ("/model-catalogue/search-puts-a-whole-name-first", test_search_puts_a_whole_name_first);
  g_test_add_func ("/model-catalogue/search-orders-by-score", test_search_orders_by_score);
  g_test_add_func ("/model-catalogue/empty-search-finds-all-and-nonsense-none",
                   test_empty_search_finds_all_and_nonsense_none);
  g_test_add_func ("/model-catalogue/search-survives-anything-typed", test_search_survives_anything_typed);
  g_test_add_func ("/model-catalogue/score-counts-each-word", test_score_counts_each_word);
  g_test_add_func ("/model-catalogue/score-knows-sizes", test_score_knows_sizes);
  g_test_add_func ("/model-catalogue/score-knows-versions", test_score_knows_versions);
  g_test_add_func ("/model-catalogue/faults-in-the-data-are-errors", test_faults_in_the_data_are_errors);
  g_test_add_func ("/model-catalogue/row-may-be-as-another-but-for-some-keys",
                   test_row_may_be_as_another_but_for_some_keys);
  g_test_add_func ("/model-catalogue/weights-are-in-what-the-row-says-where-the-config-is-silent",
                   test_weights_are_in_what_the_row_says_where_the_config_is_silent);

  result = g_test_run ();
  g_hash_table_unref (read_models);

  return result;
}
