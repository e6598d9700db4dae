/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <json-glib/json-glib.h>
#include <libintl.h>
#include <locale.h>
#include <string.h>

#include "headroom.h"
#include "hr-largest.h"
#include "hr-report-steps.h"
#include "hr-rule-of-thumb-training.h"

#define MODEL "Qwen/Qwen2.5-7B-Instruct"
#define HOSTILE_NAME "<b>a</b>|`x`"

static const char hostile_config[] =
  "{\"_name_or_path\": \"" HOSTILE_NAME "\", \"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\","
  " \"hidden_size\": 64, \"intermediate_size\": 128, \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
  " \"num_key_value_heads\": 2, \"vocab_size\": 100, \"max_position_embeddings\": 128, \"torch_dtype\": \"float16\"}";

static HrReport *
create_report (HrModel    *model,
               const char *gpu_name)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrGpu) gpu = NULL;
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GDateTime) date = g_date_time_new_utc (2026, 1, 2, 3, 4, 5);
  g_autoptr (GError) error = NULL;

  if (gpu_name != NULL)
    gpu = hr_gpu_catalogue_lookup (gpu_name, &error);
  g_assert_no_error (error);

  estimate = hr_estimator_run (model, job, gpu, 1, &error);
  g_assert_no_error (error);

  return g_object_new (HR_TYPE_REPORT, "estimate", estimate, "job", job, "gpu", gpu, "date", date, NULL);
}

static HrReport *
create_catalogue_report (const char *gpu_name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (MODEL, &error);

  g_assert_no_error (error);

  return create_report (model, gpu_name);
}

static JsonObject *
parse_json (JsonParser *parser,
            const char *json)
{
  g_autoptr (GError) error = NULL;

  json_parser_load_from_data (parser, json, -1, &error);
  g_assert_no_error (error);

  return json_node_get_object (json_parser_get_root (parser));
}

static gint64
sum_components (JsonObject *object)
{
  JsonArray *components = json_object_get_array_member (object, "components");
  gint64 sum = 0;

  for (guint i = 0; i < json_array_get_length (components); i++)
    {
      JsonObject *component = json_array_get_object_element (components, i);

      sum += json_object_get_int_member (component, "bytes");
      g_assert_cmpstr (json_object_get_string_member (component, "id"), !=, "");
      g_assert_cmpstr (json_object_get_string_member (component, "label"), !=, "");
      g_assert_cmpstr (json_object_get_string_member (component, "formula"), !=, "");
      g_assert_cmpstr (json_object_get_string_member (component, "substitution"), !=, "");
      g_assert_cmpstr (json_object_get_string_member (component, "source"), !=, "");
    }

  return sum;
}

static void
test_json_keys (void)
{
  static const char * const keys[] = {
    "schema", "model", "mode", "settings", "total-bytes", "peak-phase", "components", "phases", "devices", "gpu",
    "rule-of-thumb", "compute", "advice", "warnings",
  };
  static const char * const parameters[] = {
    "total", "trainable", "active", "embedding", "attention", "mlp", "norm", "output", "vision", "other",
  };
  g_autoptr (HrReport) report = create_catalogue_report ("rtx-4090");
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *json = hr_report_to_json (report);
  JsonObject *root = parse_json (parser, json);
  JsonObject *model = json_object_get_object_member (root, "model");
  JsonObject *gpu = json_object_get_object_member (root, "gpu");
  gint64 sum = 0;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_test_message ("%s", keys[i]);
      g_assert_true (json_object_has_member (root, keys[i]));
    }

  g_assert_cmpstr (json_object_get_string_member (root, "schema"), ==, "headroom-estimate/1");
  g_assert_cmpstr (json_object_get_string_member (root, "mode"), ==, "inference");
  g_assert_cmpstr (json_object_get_string_member (model, "name"), ==, MODEL);
  g_assert_cmpstr (json_object_get_string_member (model, "model-type"), ==, "qwen2");
  g_assert_cmpstr (json_object_get_string_member (model, "architecture"), ==, "Qwen2ForCausalLM");
  g_assert_cmpint (json_object_get_int_member (model, "kv-cache-bytes-per-token"), ==, 57344);

  model = json_object_get_object_member (model, "parameters");
  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    {
      g_assert_true (json_object_has_member (model, parameters[i]));
      if (i >= 3)
        sum += json_object_get_int_member (model, parameters[i]);
    }
  g_assert_cmpint (json_object_get_int_member (model, "total"), ==, 7615616512);
  g_assert_cmpint (sum, ==, 7615616512);

  g_assert_cmpint (json_object_get_int_member (gpu, "count"), ==, 1);
  g_assert_cmpint (json_object_get_int_member (gpu, "memory-bytes"), ==,
                   (gint64) hr_gpu_get_memory (hr_report_get_gpu (report)));
  g_assert_cmpint (json_object_get_int_member (gpu, "usable-memory-bytes"), ==,
                   (gint64) hr_gpu_get_usable_memory (hr_report_get_gpu (report)));
  g_assert_true (json_object_get_boolean_member (gpu, "fits"));
  g_assert_cmpint (json_object_get_int_member (gpu, "free-bytes"), ==,
                   json_object_get_int_member (gpu, "usable-memory-bytes") -
                   json_object_get_int_member (root, "total-bytes"));
}

/* Parts add up to the phase; a phase has a time where there is a GPU whose figures are known. */
static void
check_compute (JsonObject *root,
               gboolean    has_time)
{
  JsonObject *compute = json_object_get_object_member (root, "compute");
  JsonArray *phases = json_object_get_array_member (compute, "phases");

  g_assert_cmpuint (json_array_get_length (phases), ==, 2);
  for (guint i = 0; i < json_array_get_length (phases); i++)
    {
      JsonObject *phase = json_array_get_object_element (phases, i);
      JsonArray *parts = json_object_get_array_member (phase, "parts");
      JsonNode *time = json_object_get_member (phase, "time");
      gint64 sum = 0;

      for (guint j = 0; j < json_array_get_length (parts); j++)
        sum += json_object_get_int_member (json_array_get_object_element (parts, j), "flops");
      g_assert_cmpint (sum, ==, json_object_get_int_member (phase, "flops"));
      g_assert_cmpint (sum, >, 0);
      g_assert_cmpfloat (json_object_get_double_member (phase, "arithmetic-intensity"), >, 0);
      g_assert_true (JSON_NODE_HOLDS_OBJECT (time) == has_time);
      if (has_time)
        g_assert_cmpfloat (json_object_get_double_member (json_node_get_object (time), "least-seconds"), <,
                           json_object_get_double_member (json_node_get_object (time), "typical-seconds"));
    }
}

static void
test_json_compute (void)
{
  g_autoptr (HrReport) report = create_catalogue_report (NULL);
  g_autoptr (HrReport) timed = create_catalogue_report ("h100-sxm5-80gb");
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *json = hr_report_to_json (report);
  g_autofree char *timed_json = hr_report_to_json (timed);

  check_compute (parse_json (parser, json), FALSE);
  check_compute (parse_json (parser, timed_json), TRUE);
}

static void
test_json_sums (void)
{
  g_autoptr (HrReport) report = create_catalogue_report (NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *json = hr_report_to_json (report);
  JsonObject *root = parse_json (parser, json);
  JsonObject *rule = json_object_get_object_member (root, "rule-of-thumb");
  JsonArray *devices = json_object_get_array_member (root, "devices");
  JsonArray *phases = json_object_get_array_member (root, "phases");
  gint64 total = json_object_get_int_member (root, "total-bytes");
  gint64 largest = 0;

  g_assert_cmpint (total, >, 2 * G_GINT64_CONSTANT (7615616512));
  g_assert_cmpint (sum_components (root), ==, total);
  g_assert_cmpint (sum_components (rule), ==, json_object_get_int_member (rule, "total-bytes"));
  g_assert_true (json_node_is_null (json_object_get_member (root, "gpu")));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (root, "advice")), >, 0);

  for (guint i = 0; i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);

      g_assert_cmpint (json_object_get_int_member (device, "index"), ==, i);
      g_assert_cmpint (sum_components (device), ==, json_object_get_int_member (device, "peak-bytes"));
      largest = MAX (largest, json_object_get_int_member (device, "peak-bytes"));
    }
  g_assert_cmpint (largest, ==, total);

  largest = 0;
  for (guint i = 0; i < json_array_get_length (phases); i++)
    {
      JsonObject *phase = json_array_get_object_element (phases, i);
      gint64 peak = json_object_get_int_member (phase, "peak-bytes");

      largest = MAX (largest, peak);
      if (g_str_equal (json_object_get_string_member (phase, "id"), json_object_get_string_member (root, "peak-phase")))
        g_assert_cmpint (peak, ==, total);
    }
  g_assert_cmpint (largest, ==, total);
}

/* Qwen2.5-VL's patches are 14 pixels wide, of which 2 x 2 make a token: 1036 x 756 pixels of what is given. */
static void
test_inputs (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-VL-3B-Instruct", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_MULTIMODAL);
  g_autoptr (HrReport) report = NULL;
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *json = NULL;
  g_autofree char *text = NULL;
  JsonArray *inputs;

  g_object_set (job, "text-tokens", (guint64) 256, "images", (guint64) 1, "image-width", (guint64) 1024, "image-height",
                (guint64) 768, NULL);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  report = g_object_new (HR_TYPE_REPORT, "estimate", estimate, "job", job, NULL);
  json = hr_report_to_json (report);
  text = hr_report_to_markdown (report);
  inputs = json_object_get_array_member (parse_json (parser, json), "inputs");

  g_assert_cmpuint (json_array_get_length (inputs), ==, 2);
  g_assert_cmpint (json_object_get_int_member (json_array_get_object_element (inputs, 0), "tokens"), ==, 256);
  g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (inputs, 1), "kind"), ==, "image");
  g_assert_cmpint (json_object_get_int_member (json_array_get_object_element (inputs, 1), "tokens"), ==, 37 * 27);
  g_assert_nonnull (strstr (text, "(756/28)·(1036/28)"));
}

static void
test_json_settings (void)
{
  g_autoptr (HrReport) report = create_catalogue_report (NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *json = hr_report_to_json (report);
  JsonObject *settings = json_object_get_object_member (parse_json (parser, json), "settings");
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;

  pspecs = hr_job_list_settings (job, &n_pspecs);
  g_assert_cmpuint (json_object_get_size (settings), ==, n_pspecs);

  for (guint i = 0; i < n_pspecs; i++)
    {
      JsonNode *node = json_object_get_member (settings, pspecs[i]->name);

      g_assert_nonnull (node);
      if (G_IS_PARAM_SPEC_UINT64 (pspecs[i]))
        g_assert_true (json_node_get_value_type (node) == G_TYPE_INT64);
      else if (G_IS_PARAM_SPEC_BOOLEAN (pspecs[i]))
        g_assert_true (json_node_get_value_type (node) == G_TYPE_BOOLEAN);
      else
        g_assert_cmpstr (json_node_get_string (node), !=, "auto");
    }

  g_assert_cmpstr (json_object_get_string_member (settings, "dtype"), ==, "bfloat16");
  g_assert_cmpstr (json_object_get_string_member (settings, "quantization"), ==, "none");
  g_assert_cmpstr (json_object_get_string_member (settings, "kv-cache-dtype"), ==, "bfloat16");
}

static void
test_csv (void)
{
  g_autoptr (HrReport) report = create_catalogue_report ("rtx-4090");
  GListModel *components = hr_estimate_get_components (hr_report_get_estimate (report));
  g_autofree char *csv = hr_report_to_csv (report);
  g_auto (GStrv) lines = g_strsplit (csv, "\r\n", -1);

  g_assert_cmpstr (lines[0], ==, "section,id,label,value,unit,formula,substitution,source");

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      g_autofree char *value = g_strdup_printf (",%" G_GUINT64_FORMAT ",\"bytes\",",
                                                hr_component_get_bytes (component));
      g_autofree char *start = g_strdup_printf ("\"component\",\"%s\",",
                                                hr_component_id_get_name (hr_component_get_id (component)));

      g_assert_true (g_str_has_prefix (lines[i + 1], start));
      g_assert_nonnull (strstr (lines[i + 1], value));
    }
}

static void
test_all_say (void)
{
  g_autoptr (HrReport) report = create_catalogue_report ("rtx-4090");
  g_autofree char *total = hr_format_bytes (hr_estimate_get_total_bytes (hr_report_get_estimate (report)),
                                            HR_UNIT_SYSTEM_BINARY);
  g_autofree char *verdict = hr_report_dup_verdict (report);
  char *texts[] = {
    hr_report_to_text (report, HR_REPORT_TEXT_STYLE_PLAIN),
    hr_report_to_markdown (report),
    hr_report_to_html (report, NULL, NULL),
  };

  g_assert_true (g_str_has_prefix (verdict, "Fits on one "));

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_assert_nonnull (strstr (texts[i], total));
      g_assert_nonnull (strstr (texts[i], verdict));
      g_assert_nonnull (strstr (texts[i], "2026"));
      g_assert_nonnull (strstr (texts[i], "Headroom"));
      g_assert_nonnull (strstr (texts[i], "Weights"));
      g_assert_nonnull (strstr (texts[i], "Prompt length"));
      g_assert_nonnull (strstr (texts[i], "Rule of thumb"));
      g_assert_nonnull (strstr (texts[i], "Peak of each phase"));
      g_assert_nonnull (strstr (texts[i], "7,615,616,512"));
      g_assert_nonnull (strstr (texts[i], "2 × L × B × C × k × e"));
      g_assert_nonnull (strstr (texts[i], "What it gets wrong"));
      g_assert_true (g_utf8_validate (texts[i], -1, NULL));
      g_free (texts[i]);
    }
}

/* Every letter that stands by itself in a formula is explained. */
static void
test_symbols (void)
{
  g_autoptr (HrReport) report = create_catalogue_report (NULL);
  HrEstimate *estimates[] = {
    hr_report_get_estimate (report), hr_estimate_get_rule_of_thumb (hr_report_get_estimate (report)),
  };
  g_autofree char *text = hr_report_to_text (report, HR_REPORT_TEXT_STYLE_PLAIN);
  g_autoptr (GRegex) letters = g_regex_new ("(?<![\\p{L}_(])\\p{L}(?![\\p{L}_(])", G_REGEX_DEFAULT, 0, NULL);
  const char *section = strstr (text, "\nSymbols\n");
  guint n_letters = 0;

  g_assert_nonnull (section);

  for (guint i = 0; i < G_N_ELEMENTS (estimates); i++)
    {
      GListModel *components = hr_estimate_get_components (estimates[i]);

      for (guint j = 0; j < g_list_model_get_n_items (components); j++)
        {
          g_autoptr (HrComponent) component = g_list_model_get_item (components, j);
          g_autoptr (GMatchInfo) match = NULL;

          g_regex_match (letters, hr_component_get_formula (component), 0, &match);
          for (; g_match_info_matches (match); g_match_info_next (match, NULL))
            {
              g_autofree char *letter = g_match_info_fetch (match, 0);
              g_autofree char *line = g_strdup_printf ("\n  %s ", letter);

              /* The rounding of the allocator names the size it rounds. */
              if (g_str_equal (letter, "x") || g_str_equal (letter, "Σ"))
                continue;

              g_test_message ("%s in %s", letter, hr_component_get_formula (component));
              g_assert_nonnull (strstr (section, line));
              n_letters++;
            }
        }
    }

  g_assert_cmpuint (n_letters, >, 10);
}

static void
test_does_not_fit (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", &error);
  g_autoptr (HrReport) report = NULL;
  g_autofree char *verdict = NULL;

  g_assert_no_error (error);
  report = create_report (model, "rtx-4090");
  verdict = hr_report_dup_verdict (report);

  g_assert_false (hr_report_get_fits (report));
  g_assert_cmpuint (hr_report_get_free_bytes (report), ==, 0);
  g_assert_cmpuint (hr_report_get_missing_bytes (report), ==,
                    hr_estimate_get_total_bytes (hr_report_get_estimate (report))
                      - hr_gpu_get_usable_memory (hr_report_get_gpu (report)));
  g_assert_true (g_str_has_prefix (verdict, "Does not fit on one "));
}

static void
test_hostile_name (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (hostile_config, -1, "config.json", &error);
  g_autoptr (HrReport) report = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *html = NULL;
  g_autofree char *markdown = NULL;
  g_autofree char *csv = NULL;
  g_autofree char *json = NULL;
  g_autofree char *file_name = NULL;
  JsonObject *json_model;

  g_assert_no_error (error);
  report = create_report (model, NULL);

  html = hr_report_to_html (report, NULL, NULL);
  g_assert_null (strstr (html, "<b>a"));
  g_assert_nonnull (strstr (html, "&lt;b&gt;a&lt;/b&gt;|`x`"));

  markdown = hr_report_to_markdown (report);
  g_assert_true (g_str_has_prefix (markdown, "# \\<b\\>a\\</b\\>\\|\\`x\\`\n"));

  csv = hr_report_to_csv (report);
  g_assert_nonnull (strstr (csv, "\"model\",\"name\",,\"" HOSTILE_NAME "\","));

  json = hr_report_to_json (report);
  json_model = json_object_get_object_member (parse_json (parser, json), "model");
  g_assert_cmpstr (json_object_get_string_member (json_model, "name"), ==, HOSTILE_NAME);

  file_name = hr_report_dup_file_name (report, "pdf");
  g_assert_null (strpbrk (file_name, "/\\<>|\""));
  g_assert_true (g_str_has_suffix (file_name, "-inference.pdf"));
}

static void
test_does_not_change (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (MODEL, &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_autoptr (HrReport) report = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  g_assert_no_error (error);
  report = hr_report_new (estimate, job, NULL, 1, HR_UNIT_SYSTEM_BINARY);
  before = hr_report_to_json (report);
  g_object_set (job, "batch-size", (guint64) 8, NULL);
  after = hr_report_to_json (report);
  g_assert_cmpstr (before, ==, after);
}

static void
test_units (void)
{
  g_autoptr (HrReport) binary = create_catalogue_report (NULL);
  g_autoptr (HrReport) decimal = hr_report_new (hr_report_get_estimate (binary), hr_report_get_job (binary), NULL, 1,
                                                HR_UNIT_SYSTEM_DECIMAL);
  g_autofree char *binary_text = hr_report_to_text (binary, HR_REPORT_TEXT_STYLE_PLAIN);
  g_autofree char *decimal_text = hr_report_to_text (decimal, HR_REPORT_TEXT_STYLE_PLAIN);
  const char *summary = strstr (decimal_text, "Where it goes");

  g_assert_nonnull (strstr (binary_text, "\u00a0GiB"));
  g_assert_nonnull (summary);
  *(char *) strstr (summary, "How each") = '\0';
  g_assert_null (strstr (decimal_text, "\u00a0GiB"));
  g_assert_nonnull (strstr (decimal_text, "\u00a0GB"));
}

static void
test_chinese (void)
{
  g_autoptr (HrReport) report = create_catalogue_report ("rtx-4090");
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  g_autofree char *html = NULL;
  g_autofree char *json = NULL;
  JsonArray *components;

  g_setenv ("LANGUAGE", "zh_CN", TRUE);
  textdomain ("headroom");

  text = hr_report_to_text (report, HR_REPORT_TEXT_STYLE_PLAIN);
  html = hr_report_to_html (report, NULL, NULL);
  json = hr_report_to_json (report);

  g_setenv ("LANGUAGE", "C", TRUE);
  textdomain ("headroom");

  g_assert_nonnull (strstr (text, "权重"));
  g_assert_nonnull (strstr (text, "KV 缓存"));
  g_assert_null (strstr (text, "Weights"));
  g_assert_null (strstr (html, "rule of thumb"));
  g_assert_true (g_str_has_prefix (html, "<!DOCTYPE html>\n<html lang=\"zh-CN\">"));

  /* Labels are for people, ids and numbers for programs. */
  components = json_object_get_array_member (parse_json (parser, json), "components");
  g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (components, 0), "label"), ==, "权重");
  g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (components, 0), "id"), ==, "weights");
}

/* One key, a key and a value, bytes, layers, sequence, batch: the ladder ends at the cache; the expansion at all. */
static void
test_parts_come_about_step_by_step (void)
{
  static const struct
  {
    const char *id;
    guint64 value;
  } ladder[] = {
    { "key", 512 }, { "key-and-value", 1024 }, { "bytes", 2048 }, { "layers", 57344 }, { "sequence", 146800640 },
    { "batch", 146800640 }, { "total", 146800640 },
  };
  g_autoptr (HrReport) report = create_catalogue_report (NULL);
  g_autofree char *text = hr_report_to_text (report, HR_REPORT_TEXT_STYLE_PLAIN);
  HrAnatomyTable *cache = hr_report_get_steps (report, HR_COMPONENT_KV_CACHE);
  HrAnatomyTable *weights = hr_report_get_steps (report, HR_COMPONENT_WEIGHTS);
  g_autofree char *note = hr_report_dup_steps_note (report, HR_COMPONENT_KV_CACHE);

  g_assert_nonnull (cache);
  for (guint i = 0; i < G_N_ELEMENTS (ladder); i++)
    g_assert_cmpuint (hr_anatomy_table_find_row (cache, ladder[i].id)->values[0].number, ==, ladder[i].value);
  g_assert_nonnull (weights);
  g_assert_cmpuint (hr_anatomy_table_find_row (weights, "total")->values[1].number, ==, 7615616512);
  g_assert_null (hr_report_get_steps (report, HR_COMPONENT_ACTIVATIONS));
  g_assert_nonnull (strstr (note, "112.0"));
  g_assert_nonnull (strstr (text, "2,560 × 57,344"));
  g_assert_nonnull (strstr (text, "152,064 × 3,584"));
  g_assert_nonnull (strstr (text, "28 × 233,057,792"));
}

/* Of images and text together: the prompt is longer than the text. */
static void
test_the_ladder_counts_images (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-VL-7B-Instruct", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_MULTIMODAL);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (HrReport) report = NULL;
  HrAnatomyTable *cache;

  g_assert_no_error (error);
  g_object_set (job, "images", (guint64) 2, "image-width", (guint64) 1024, "image-height", (guint64) 1024,
                "text-tokens", (guint64) 100, "output-length", (guint64) 60, NULL);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  report = hr_report_new (estimate, job, NULL, 1, HR_UNIT_SYSTEM_BINARY);
  cache = hr_report_get_steps (report, HR_COMPONENT_KV_CACHE);
  g_assert_nonnull (cache);
  /* 1,369 tokens of each image, 100 of text, 60 of the answer. */
  g_assert_cmpuint (hr_anatomy_table_find_row (cache, "sequence")->values[0].number, ==, 57344 * (2 * 1369 + 160));
}

static HrReport *
create_training_report (const char *settings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (MODEL, &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrEstimate) estimate = NULL;
  g_auto (GStrv) list = g_strsplit (settings, " ", -1);

  g_assert_no_error (error);
  for (guint i = 0; list[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (list[i], "=", 2);

      hr_job_set_from_string (job, pair[0], pair[1], &error);
      g_assert_no_error (error);
    }
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);

  return hr_report_new (estimate, job, NULL, 1, HR_UNIT_SYSTEM_BINARY);
}

/* Less is kept and more is computed from row to row, and the one that is set is the report's own estimate. */
static void
test_checkpointing_is_compared (void)
{
  g_autoptr (HrReport) report =
    create_training_report ("fine-tuning-method=lora micro-batch-size=2 gradient-checkpointing=full");
  g_autoptr (HrReport) inference = create_catalogue_report (NULL);
  g_autoptr (HrAnatomyTable) table = hr_report_create_checkpointing (report);
  const HrAnatomyRow *full, *none;

  g_assert_null (hr_report_create_checkpointing (inference));
  g_assert_nonnull (table);
  g_assert_cmpuint (table->rows->len, ==, 4);
  for (guint i = 1; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);
      const HrAnatomyRow *before = hr_anatomy_table_get_row (table, i - 1);

      g_assert_cmpuint (row->values[0].number, <, before->values[0].number);
      g_assert_cmpuint (row->values[1].number, <, before->values[1].number);
      g_assert_cmpuint (row->values[2].number, >, before->values[2].number);
      g_assert_cmpuint (row->values[3].number, >, before->values[3].number);
    }
  none = hr_anatomy_table_find_row (table, "none");
  full = hr_anatomy_table_find_row (table, "full");
  g_assert_cmpuint (full->values[0].number, ==, hr_estimate_get_allocated_bytes (hr_report_get_estimate (report)));
  g_assert_nonnull (strstr (full->label, "as set"));
  g_assert_null (strstr (none->label, "as set"));
}

/* The formulas are those of the paper's figure, the stage that is set is the report's own estimate. */
static void
test_stages_of_zero_are_compared (void)
{
  static const double published[] = { 120e9, 31.4e9, 16.6e9, 1.9e9 };
  g_autoptr (HrReport) report =
    create_training_report ("fine-tuning-method=full framework=deepspeed zero-stage=2 data-parallel=4");
  g_autoptr (HrReport) adapters = create_training_report ("fine-tuning-method=lora");
  g_autoptr (HrReport) inference = create_catalogue_report (NULL);
  g_autoptr (HrAnatomyTable) table = hr_report_create_zero (report);
  guint64 parameters = hr_model_get_n_parameters (hr_report_get_model (report));
  const HrAnatomyRow *set;

  for (guint stage = 0; stage < G_N_ELEMENTS (published); stage++)
    g_assert_cmpfloat_with_epsilon (hr_rule_of_thumb_zero_states (stage, 7500000000, 64), published[stage], 0.05e9);

  g_assert_false (hr_report_has_zero (adapters) || hr_report_has_zero (inference));
  g_assert_null (hr_report_create_zero (adapters));
  g_assert_true (hr_report_has_zero (report));
  g_assert_cmpuint (hr_anatomy_table_find_row (table, "optimizer-bytes")->values[0].number, ==, 12);
  g_assert_cmpuint (hr_anatomy_table_find_row (table, "stage-0")->values[0].number, ==, 16 * parameters);
  g_assert_cmpuint (hr_anatomy_table_find_row (table, "stage-1-8")->values[0].number, ==,
                    4 * parameters + 12 * parameters / 8);
  g_assert_cmpuint (hr_anatomy_table_find_row (table, "stage-3-64")->values[0].number, ==, parameters / 4);
  for (guint i = 1; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);

      g_assert_null (row->note);
      if (!row->is_heading)
        g_assert_cmpuint (row->values[2].number, >, row->values[1].number);
    }

  set = hr_anatomy_table_find_row (table, "stage-2-4");
  g_assert_cmpuint (set->values[2].number, ==, hr_estimate_get_allocated_bytes (hr_report_get_estimate (report)));
  g_assert_nonnull (strstr (set->label, "as set"));
  g_assert_null (strstr (hr_anatomy_table_find_row (table, "stage-2-8")->label, "as set"));
}

/* What a stage keeps is what torch has its ranks run; without a pipeline there is nothing to compare. */
static void
test_schedules_of_a_pipeline_are_compared (void)
{
  g_autoptr (HrReport) report =
    create_training_report ("fine-tuning-method=full framework=megatron-lm pipeline-parallel=2 "
                            "gradient-accumulation-steps=8");
  g_autoptr (HrReport) whole = create_training_report ("fine-tuning-method=full framework=megatron-lm");
  g_autoptr (HrAnatomyTable) table = hr_report_create_pipeline (report);
  const HrAnatomyRow *all = hr_anatomy_table_find_row (table, "gpipe-1");
  const HrAnatomyRow *few = hr_anatomy_table_find_row (table, "1f1b-1");
  const HrAnatomyRow *later = hr_anatomy_table_find_row (table, "zero-bubble-2");

  g_assert_null (hr_report_create_pipeline (whole));
  g_assert_cmpuint (all->values[0].number, ==, 8);
  g_assert_cmpuint (few->values[0].number, ==, 2);
  g_assert_cmpuint (later->values[0].number, ==, 2);
  g_assert_cmpuint (later->values[1].number, ==, 2);
  g_assert_cmpuint (few->values[2].number, >, 0);
  g_assert_cmpuint (all->values[2].number, ==, 4 * few->values[2].number);
}

/* What is set stands in the table as it stands in the estimate. */
static void
test_schedules_of_torch_are_compared_by_what_gpus_take (void)
{
  static const char * const ids[] = {
    "gpipe", "looped-bfs", "1f1b", "interleaved", "zero-bubble", "interleaved-zero-bubble", "zbv", "dualpipe-v",
  };
  g_autoptr (HrReport) report =
    create_training_report ("fine-tuning-method=full framework=pytorch pipeline-parallel=2 pipeline-schedule=zbv "
                            "virtual-pipeline-parallel=2 gradient-accumulation-steps=8");
  g_autoptr (HrAnatomyTable) table = hr_report_create_pipeline (report);

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *id = g_strdup_printf ("%s-1", ids[i]);

      g_assert_cmpuint (hr_anatomy_table_find_row (table, id)->values[2].number, >, 0);
    }
  g_assert_cmpuint (hr_anatomy_table_find_row (table, "zbv-2")->values[2].number, ==,
                    hr_estimate_get_device_bytes (hr_report_get_estimate (report), 1));
}

static gboolean
warns_of (HrReport   *report,
          const char *what)
{
  g_auto (GStrv) warnings = hr_report_dup_warnings (report);

  for (guint i = 0; warnings[i] != NULL; i++)
    {
      if (strstr (warnings[i], what) != NULL)
        return TRUE;
    }

  return FALSE;
}

static gboolean
warns_of_length (HrReport *report)
{
  return warns_of (report, "max_position_embeddings");
}

static HrReport *
create_report_with (const char *gpu_name,
                    const char *settings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (MODEL, &error);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (gpu_name, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrEstimate) estimate = NULL;

  g_assert_no_error (error);
  hr_job_set_all_from_string (job, settings, &error);
  g_assert_no_error (error);
  estimate = hr_estimator_run (model, job, gpu, 1, &error);
  g_assert_no_error (error);

  return hr_report_new (estimate, job, gpu, 1, HR_UNIT_SYSTEM_BINARY);
}

/* 15.6 GiB with the CUDA context: on 16 GiB little is left, on 24 much, and on 12 it does not fit. */
static void
test_little_room_is_said (void)
{
  g_autoptr (HrReport) narrow = create_report_with ("rtx-4080", "batch-size=2");
  g_autoptr (HrReport) wide = create_catalogue_report ("rtx-4090");
  g_autoptr (HrReport) none = create_catalogue_report ("rtx-3060");

  g_assert_true (hr_report_get_fits (narrow));
  g_assert_true (warns_of (narrow, "fits narrowly"));
  g_assert_true (hr_report_get_fits (wide));
  g_assert_false (warns_of (wide, "fits narrowly"));
  g_assert_false (hr_report_get_fits (none));
  g_assert_false (warns_of (none, "fits narrowly"));
}

static void
test_what_is_trained_and_what_stays_is_said (void)
{
  g_autoptr (HrReport) lora = create_training_report ("fine-tuning-method=lora lora-rank=8 lora-targets=all-linear");
  g_autoptr (HrReport) full = create_training_report ("fine-tuning-method=full sequence-length=32769");
  g_autoptr (HrReport) divided = create_training_report ("fine-tuning-method=full data-parallel=2");
  g_autoptr (HrReport) inference = create_catalogue_report (NULL);
  g_autoptr (HrReport) part = hr_report_new (hr_report_get_estimate (lora), hr_report_get_job (lora), NULL, 2,
                                             HR_UNIT_SYSTEM_BINARY);
  g_autofree char *of_lora = hr_report_dup_trained (lora);
  g_autofree char *of_part = hr_report_dup_trained (part);
  g_autofree char *of_full = hr_report_dup_trained (full);
  g_autofree char *of_divided = hr_report_dup_trained (divided);
  g_autofree char *staying = hr_report_dup_static (inference);

  g_assert_cmpstr (of_lora, ==, "20,185,088 parameters are trained, 0.265 % of those of the model");
  /* Of several GPUs, each may have a part of the model. */
  g_assert_nonnull (strstr (of_part, " trained on the fullest GPU, "));
  g_assert_nonnull (strstr (of_divided, " trained on the fullest GPU, "));
  g_assert_nonnull (strstr (of_full, " 100 %"));
  g_assert_null (hr_report_dup_trained (inference));
  /* 15,231,234,048 bytes of weights and 16,896 of inputs. */
  g_assert_nonnull (strstr (staying, "14.2\302\240GiB stay"));
  g_assert_true (warns_of_length (full));
  g_assert_false (warns_of_length (lora));
  g_assert_false (warns_of_length (inference));
}

/* A report names what somebody can read off the program that runs the job, and nothing of another. */
static void
test_figures_have_the_names_of_their_program (void)
{
  static const struct
  {
    const char *settings;
    const char *named;
    const char *other;
    const char *reserved;
  } cases[] = {
    { "engine=transformers", "torch.cuda.max_memory_allocated()", "buffer size", "torch.cuda.max_memory_reserved()" },
    { "engine=llama.cpp", "model buffer size", "torch.cuda", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrReport) report = create_report_with ("rtx-4090", cases[i].settings);
      g_autofree char *text = hr_report_to_html (report, NULL, NULL);
      g_autoptr (HrAnatomyTable) measured = hr_report_create_measured (report, 15 * (guint64) 1000000000);
      const HrAnatomyRow *used = g_ptr_array_index (measured->rows, 0);

      g_assert_nonnull (strstr (text, cases[i].named));
      g_assert_null (strstr (text, cases[i].other));
      g_assert_nonnull (strstr (used->label, cases[i].named));
      if (cases[i].reserved != NULL)
        g_assert_nonnull (strstr (text, cases[i].reserved));
      else
        g_assert_cmpuint (measured->rows->len, ==, 2);
    }
}

/* With llama.cpp, whose context follows the prompt where nobody has said how long it is. */
static void
test_one_setting_is_changed_of_what_was_asked (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("openai/gpt-oss-20b", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("RTX 4090", NULL);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (HrReport) report = NULL;
  g_autoptr (GPtrArray) largest = NULL;

  g_assert_no_error (error);
  g_object_set (job, "engine", HR_ENGINE_LLAMA_CPP, NULL);
  estimate = hr_estimator_run (model, job, gpu, 1, &error);
  g_assert_no_error (error);
  report = hr_report_new (estimate, job, gpu, 1, HR_UNIT_SYSTEM_BINARY);

  largest = hr_report_list_largest (report);
  g_assert_cmpuint (largest->len, >, 0);
  for (guint i = 0; i < largest->len; i++)
    {
      const HrLargest *one = g_ptr_array_index (largest, i);

      g_test_message ("%s: %" G_GUINT64_FORMAT, one->setting, one->value);
      g_assert_true (one->fits);
      if (g_str_equal (one->setting, "prompt-length"))
        g_assert_cmpuint (one->value, >, 100000);
    }
}

/* What does not fit is left to the host: layers of a model without experts, and of a mixture the experts first. */
static void
test_what_the_host_computes_is_said (void)
{
  static const struct
  {
    const char *model;
    const char *gpu;
    const char *words;
  } cases[] = {
    { "Qwen/Qwen3-32B", "rtx-4080", "; the processor computes " },
    { "Qwen/Qwen3-30B-A3B", "rtx-4080", "; the host keeps experts of " },
    { "Qwen/Qwen3-8B", "rtx-4080", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (cases[i].model, &error);
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (cases[i].gpu, NULL);
      g_autoptr (HrEstimate) estimate = NULL;
      g_autoptr (HrReport) report = NULL;
      g_autofree char *verdict = NULL;

      g_assert_no_error (error);
      hr_job_set_all_from_string (job, "engine=ollama quantization=q4_k_m", &error);
      g_assert_no_error (error);
      estimate = hr_estimator_run (model, job, gpu, 1, &error);
      g_assert_no_error (error);
      report = hr_report_new (estimate, job, gpu, 1, HR_UNIT_SYSTEM_BINARY);
      verdict = hr_report_dup_verdict (report);
      g_test_message ("%s: %s", cases[i].model, verdict);
      g_assert_true (g_str_has_prefix (verdict, "Fits on one "));
      g_assert_true (cases[i].words != NULL ? strstr (verdict, cases[i].words) != NULL
                                            : strstr (verdict, "; ") == NULL);
    }
}

int
main (int    argc,
      char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);
  /* GLib decides once whether libraries translate; it says yes as long as the program has no domain of its own. */
  g_dgettext ("headroom", "Headroom");
  bindtextdomain ("headroom", g_getenv ("HEADROOM_LOCALEDIR"));
  bind_textdomain_codeset ("headroom", "UTF-8");
  textdomain ("headroom");

  g_test_add_func ("/report/json_has_the_keys_of_its_schema", test_json_keys);
  g_test_add_func ("/report/json_adds_up", test_json_sums);
  g_test_add_func ("/report/what_is_computed_adds_up_and_takes_time_on_a_gpu", test_json_compute);
  g_test_add_func ("/report/tokens_of_each_input_are_shown_with_where_they_come_from", test_inputs);
  g_test_add_func ("/report/json_has_every_setting_and_no_auto", test_json_settings);
  g_test_add_func ("/report/csv_has_the_numbers_of_the_estimate", test_csv);
  g_test_add_func ("/report/every_form_says_what_came_out_what_was_asked_who_and_when", test_all_say);
  g_test_add_func ("/report/every_symbol_of_a_formula_is_explained", test_symbols);
  g_test_add_func ("/report/a_job_that_does_not_fit_says_how_much_is_missing", test_does_not_fit);
  g_test_add_func ("/report/a_hostile_name_stays_a_name", test_hostile_name);
  g_test_add_func ("/report/a_report_does_not_change_with_its_job", test_does_not_change);
  g_test_add_func ("/report/sizes_are_written_in_the_units_that_were_asked_for", test_units);
  g_test_add_func ("/report/labels_follow_the_language_and_ids_do_not", test_chinese);
  g_test_add_func ("/report/figures_have_the_names_of_their_program", test_figures_have_the_names_of_their_program);
  g_test_add_func ("/report/parts_come_about_step_by_step", test_parts_come_about_step_by_step);
  g_test_add_func ("/report/the_ladder_counts_images", test_the_ladder_counts_images);
  g_test_add_func ("/report/little_room_is_said", test_little_room_is_said);
  g_test_add_func ("/report/one_setting_is_changed_of_what_was_asked", test_one_setting_is_changed_of_what_was_asked);
  g_test_add_func ("/report/what_the_host_computes_is_said", test_what_the_host_computes_is_said);
  g_test_add_func ("/report/checkpointing_is_compared", test_checkpointing_is_compared);
  g_test_add_func ("/report/stages_of_zero_are_compared", test_stages_of_zero_are_compared);
  g_test_add_func ("/report/schedules_of_a_pipeline_are_compared", test_schedules_of_a_pipeline_are_compared);
  g_test_add_func ("/report/schedules_of_torch_are_compared_by_what_gpus_take",
                   test_schedules_of_torch_are_compared_by_what_gpus_take);
  g_test_add_func ("/report/what_is_trained_and_what_stays_is_said", test_what_is_trained_and_what_stays_is_said);

  return g_test_run ();
}
