/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

#include "headroom.h"

/* The model of the guides, with so many key-value heads. */
#define QWEN_3B(heads) \
  "{\"model_type\": \"qwen2\", \"architectures\": [\"Qwen2ForCausalLM\"], \"vocab_size\": 151936, " \
  "\"hidden_size\": 2048, \"intermediate_size\": 11008, \"num_hidden_layers\": 36, \"num_attention_heads\": 16, " \
  "\"num_key_value_heads\": " heads ", \"max_position_embeddings\": 32768, \"tie_word_embeddings\": true, " \
  "\"torch_dtype\": \"bfloat16\"}"

/* Biases and norms over all heads, each of which grows with the key-value heads. */
#define OLMO2(heads) \
  "{\"model_type\": \"olmo2\", \"architectures\": [\"Olmo2ForCausalLM\"], \"vocab_size\": 1000, " \
  "\"hidden_size\": 256, \"intermediate_size\": 512, \"num_hidden_layers\": 3, \"num_attention_heads\": 8, " \
  "\"num_key_value_heads\": " heads ", \"attention_bias\": true, \"torch_dtype\": \"float32\"}"

static HrAnatomy *
create_anatomy (const char *config)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, NULL, &error);

  g_assert_no_error (error);

  return hr_anatomy_new (model, NULL);
}

/* Evaluates a product such as "64·1408·2048". */
static guint64
evaluate (const char *substitution)
{
  g_auto (GStrv) factors = g_strsplit (substitution, "·", -1);
  guint64 product = 1;

  for (guint i = 0; factors[i] != NULL; i++)
    {
      guint64 factor;

      g_assert_true (g_ascii_string_to_unsigned (factors[i], 10, 1, G_MAXINT64, &factor, NULL));
      product *= factor;
    }

  return product;
}

static void
check_expansion (HrAnatomy *anatomy)
{
  HrAnatomyTable *table = hr_anatomy_get_table (anatomy, HR_ANATOMY_SECTION_EXPANSION);
  guint64 sums[3] = { 0 };
  guint64 total = hr_model_get_n_parameters (hr_anatomy_get_model (anatomy));

  g_assert_nonnull (table);
  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);
      guint64 of_model = row->values[1].number;
      guint64 of_layer = row->values[0].unit != HR_ANATOMY_UNIT_NONE ? row->values[0].number : of_model;

      if (row->is_total)
        {
          g_assert_cmpuint (of_model, ==, total);
          continue;
        }
      /* A tied tensor has its formula, and counts nothing. */
      if (row->formula != NULL && of_layer > 0)
        g_assert_cmpuint (evaluate (row->substitution), ==, of_layer);
      if (row->depth == 0)
        sums[0] += of_model;
    }

  g_assert_cmpuint (sums[0], ==, total);
}

static void
test_every_model_adds_up (void)
{
  GListModel *catalogue = hr_model_catalogue_get_default ();

  for (guint i = 0; i < g_list_model_get_n_items (catalogue); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (catalogue, i);
      g_autoptr (HrModel) model = hr_model_new_from_id (hr_model_entry_get_id (entry), NULL);
      g_autoptr (HrAnatomy) anatomy = hr_anatomy_new (model, NULL);
      guint64 active = 0, bytes = 0;
      guint n_tensors = 0;

      g_test_message ("%s", hr_model_get_name (model));
      check_expansion (anatomy);

      for (HrPart part = 0; part < HR_N_PARTS; part++)
        {
          active += hr_anatomy_get_n_active_of_part (anatomy, part);
          bytes += hr_anatomy_get_n_bytes_of_part (anatomy, part);
        }
      g_assert_cmpuint (active, ==, hr_model_get_n_active_parameters (model));
      g_assert_cmpuint (bytes, ==, hr_anatomy_get_n_bytes (anatomy));

      for (guint row = 0; row < hr_model_get_n_tensors (model); row++)
        n_tensors += hr_tensor_get_copies (hr_model_get_tensor (model, row));
      g_assert_cmpuint (n_tensors, ==, hr_anatomy_get_n_all_tensors (anatomy));
    }
}

static guint64
get_value (HrAnatomy        *anatomy,
           HrAnatomySection  section,
           const char       *id,
           guint             column)
{
  HrAnatomyTable *table = hr_anatomy_get_table (anatomy, section);
  const HrAnatomyRow *row = hr_anatomy_table_find_row (table, id);

  g_assert_nonnull (row);
  g_assert_cmpint (row->values[column].unit, !=, HR_ANATOMY_UNIT_NONE);

  return row->values[column].number;
}

static void
test_the_cache_is_climbed_step_by_step (void)
{
  static const struct
  {
    const char *id;
    guint64 value;
  } steps[] = {
    { "key", 256 }, { "key-and-value", 512 }, { "bytes", 1024 }, { "layers", 36864 },
    { "sequence", 36864 * G_GUINT64_CONSTANT (1024) }, { "batch", 36864 * G_GUINT64_CONSTANT (4096) },
    { "total", 36864 * G_GUINT64_CONSTANT (4096) }, { "example-length", 36 << 20 }, { "growth", 18 << 20 },
    { "longest", 1152 << 20 },
  };
  g_autoptr (HrModel) model = hr_model_new_from_data (QWEN_3B ("2"), -1, NULL, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrAnatomy) anatomy = NULL;

  g_object_set (job, "prompt-length", G_GUINT64_CONSTANT (1000), "output-length", G_GUINT64_CONSTANT (24),
                "batch-size", G_GUINT64_CONSTANT (4), NULL);
  anatomy = hr_anatomy_new (model, job);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_CACHE, steps[i].id, 0), ==, steps[i].value);
}

static void
test_a_window_caps_its_layers (void)
{
  g_autoptr (HrModel) model = hr_model_new_from_id ("google/gemma-3-1b-it", NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrAnatomy) anatomy = NULL;

  g_object_set (job, "prompt-length", G_GUINT64_CONSTANT (2000), "output-length", G_GUINT64_CONSTANT (48), NULL);
  anatomy = hr_anatomy_new (model, job);

  /* 22 layers of 512 tokens, 4 of all, a head of 256 in two bytes. */
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_CACHE, "total", 0), ==,
                    (22 * 512 + 4 * 2048) * G_GUINT64_CONSTANT (1024));
}

/* Layers that read the cache of others add nothing; what an encoder made is kept once, beside what is generated. */
static void
test_what_is_shared_and_what_is_read_are_told_apart (void)
{
  static const struct
  {
    const char *config;   /* ' stands for " */
    const char *row;
    guint64 total;        /* for a prompt of 700 tokens and an answer of 47 */
  } cases[] = {
    /* Layers 4 and 9 see everything, the others 512 tokens; the last five share. Two heads of 64, in fp32. */
    { "{ 'model_type': 'gemma3n_text', 'num_hidden_layers': 10, 'num_kv_shared_layers': 5, 'hidden_size': 256, "
      "'intermediate_size': 512, 'num_attention_heads': 4, 'num_key_value_heads': 2, 'head_dim': 64, "
      "'vocab_size': 1000, 'vocab_size_per_layer_input': 1000, 'torch_dtype': 'float32' }",
      "sharing", (4 * 512 + 747) * 1024 },
    /* Two layers, four heads of 64: the answer with the token it begins with, and the prompt. */
    { "{ 'model_type': 't5', 'num_layers': 2, 'd_model': 256, 'd_ff': 512, 'd_kv': 64, 'num_heads': 4, "
      "'vocab_size': 1000, 'torch_dtype': 'float32' }",
      "source", 2 * (48 + 700) * 2048 },
    /* A sound has as many positions whatever is asked for. */
    { "{ 'model_type': 'whisper', 'd_model': 256, 'encoder_layers': 2, 'decoder_layers': 2, "
      "'encoder_attention_heads': 4, 'decoder_attention_heads': 4, 'encoder_ffn_dim': 512, 'decoder_ffn_dim': 512, "
      "'vocab_size': 51865, 'max_source_positions': 1500, 'torch_dtype': 'float32' }",
      "source", 2 * (48 + 1500) * 2048 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *config = g_strdelimit (g_strdup (cases[i].config), "'", '"');
      g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, NULL, NULL);
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
      g_autoptr (HrAnatomy) anatomy = NULL;
      HrAnatomyTable *table;

      g_test_message ("%s", config);
      g_object_set (job, "prompt-length", G_GUINT64_CONSTANT (700), "output-length", G_GUINT64_CONSTANT (47), NULL);
      anatomy = hr_anatomy_new (model, job);
      table = hr_anatomy_get_table (anatomy, HR_ANATOMY_SECTION_CACHE);
      g_assert_nonnull (hr_anatomy_table_find_row (table, cases[i].row));
      g_assert_null (hr_anatomy_table_find_row (table, "states"));
      g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_CACHE, "total", 0), ==, cases[i].total);
    }
}

/* What the anatomy says of other heads is what a model with such heads has. */
static void
check_heads (const char *own_config,
             const char *id,
             const char *other_config)
{
  g_autoptr (HrAnatomy) own = create_anatomy (own_config);
  g_autoptr (HrAnatomy) other = create_anatomy (other_config);

  for (guint column = 0; column < 4; column++)
    g_assert_cmpuint (get_value (own, HR_ANATOMY_SECTION_HEADS, id, column), ==,
                      get_value (other, HR_ANATOMY_SECTION_HEADS, "own", column));
  g_assert_cmpuint (get_value (own, HR_ANATOMY_SECTION_HEADS, id, 1), ==,
                    hr_model_get_n_parameters (hr_anatomy_get_model (other)));
}

static void
test_other_heads_are_counted_as_a_model_has_them (void)
{
  check_heads (QWEN_3B ("2"), "mha", QWEN_3B ("16"));
  check_heads (QWEN_3B ("2"), "mqa", QWEN_3B ("1"));
  check_heads (OLMO2 ("2"), "mha", OLMO2 ("8"));
  check_heads (OLMO2 ("2"), "mqa", OLMO2 ("1"));
}

static void
test_a_latent_is_set_beside_its_expansion (void)
{
  g_autoptr (HrModel) model = hr_model_new_from_id ("deepseek-ai/DeepSeek-V2-Lite", NULL);
  g_autoptr (HrAnatomy) anatomy = hr_anatomy_new (model, NULL);

  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_HEADS, "expanded", 2), ==, 27 * 16 * (192 + 128) * 2);
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_HEADS, "latent", 2), ==, 27 * (512 + 64) * 2);
  g_assert_null (hr_anatomy_table_find_row (hr_anatomy_get_table (anatomy, HR_ANATOMY_SECTION_HEADS), "mqa"));
}

static void
test_rules_stand_beside_the_exact_counts (void)
{
  g_autoptr (HrAnatomy) anatomy = create_anatomy (QWEN_3B ("2"));

  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_RULES, "attention", 0), ==, 339738624);
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_RULES, "attention", 1), ==, 339830784);
  g_assert_cmpint ((gint64) get_value (anatomy, HR_ANATOMY_SECTION_RULES, "attention", 2), ==, -92160);
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_RULES, "total", 0), ==, G_GUINT64_CONSTANT (3396861952));
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_RULES, "total", 1), ==, G_GUINT64_CONSTANT (3085938688));
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_KEYS, "group_size", 0), ==, 8);
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_KEYS, "kv_dim", 0), ==, 256);
}

static void
test_feed_forward_blocks_are_compared (void)
{
  g_autoptr (HrAnatomy) anatomy = create_anatomy (QWEN_3B ("2"));

  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_FEED_FORWARD, "huggyllama/llama-7b", 2), ==, 135266304);
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_FEED_FORWARD, "Qwen/Qwen-14B", 2), ==, 210370560);
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_FEED_FORWARD, "own", 2), ==, 3 * 2048 * 11008);
}

static void
test_layers_of_a_kind_are_listed_once (void)
{
  g_autoptr (HrModel) model = hr_model_new_from_id ("google/gemma-3-1b-it", NULL);
  g_autoptr (HrAnatomy) anatomy = hr_anatomy_new (model, NULL);
  HrAnatomyTable *table = hr_anatomy_get_table (anatomy, HR_ANATOMY_SECTION_LAYERS);
  const HrAnatomyRow *first = hr_anatomy_table_find_row (table, "decoder.layers.0");
  const HrAnatomyRow *second = hr_anatomy_table_find_row (table, "decoder.layers.1");

  g_assert_cmpstr (first->label, ==, "Layers 0–4, 6–10, 12–16, 18–22 … 25");
  g_assert_cmpstr (second->label, ==, "Layers 5, 11, 17, 23");
  g_assert_cmpuint (first->values[0].number, ==, 22);
  g_assert_cmpuint (second->values[0].number, ==, 4);
  g_assert_null (hr_anatomy_table_find_row (table, "decoder.layers.2"));
}

static void
test_sizes_follow_the_job (void)
{
  g_autoptr (HrModel) model = hr_model_new_from_data (QWEN_3B ("2"), -1, NULL, NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrAnatomy) whole = NULL;
  g_autoptr (HrAnatomy) quantized = NULL;
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (HrComponent) weights = NULL;

  g_object_set (job, "dtype", HR_DTYPE_FLOAT32, NULL);
  whole = hr_anatomy_new (model, job);
  g_assert_cmpuint (hr_anatomy_get_n_bytes (whole), ==, 4 * G_GUINT64_CONSTANT (3085938688));

  g_object_set (job, "dtype", HR_DTYPE_BFLOAT16, "quantization", HR_QUANTIZATION_BNB_NF4, NULL);
  quantized = hr_anatomy_new (model, job);
  estimate = hr_estimator_run (model, job, NULL, 1, NULL);
  weights = g_list_model_get_item (hr_estimate_get_components (estimate), 0);
  g_assert_cmpint (hr_component_get_id (weights), ==, HR_COMPONENT_WEIGHTS);

  /* The estimate adds buffers, and the rounding of the allocator for each small tensor. */
  g_assert_cmpuint (hr_anatomy_get_n_bytes (quantized), <=, hr_component_get_bytes (weights));
  g_assert_cmpuint (hr_component_get_bytes (weights) - hr_anatomy_get_n_bytes (quantized), <,
                    hr_model_get_buffer_bytes (model) + 512 * hr_anatomy_get_n_all_tensors (quantized));
}

/* The experts are in four bits, the projections of the states in eight. */
static void
test_a_mixture_of_formats_names_each (void)
{
  g_autoptr (HrModel) model = hr_model_new_from_id ("nvidia/NVIDIA-Nemotron-3.5-Lightning-30B-A3B-NVFP4", NULL);
  g_autoptr (HrAnatomy) anatomy = hr_anatomy_new (model, NULL);
  HrAnatomyTable *summary = hr_anatomy_get_table (anatomy, HR_ANATOMY_SECTION_SUMMARY);
  const char *note = hr_anatomy_table_find_row (summary, "bytes")->note;

  g_assert_cmpstr (note, ==, "fp8-tensor, nvfp4, the rest in bfloat16");
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      const char *type;

      hr_anatomy_get_tensor_bytes (anatomy, i, 0, &type);
      if (strstr (tensor->pattern, ".experts.") != NULL)
        g_assert_cmpstr (type, ==, "nvfp4");
      else if (g_str_has_suffix (tensor->pattern, "in_proj.weight"))
        g_assert_cmpstr (type, ==, "fp8-tensor");
    }
}

static void
test_two_models_stand_side_by_side (void)
{
  g_autoptr (HrAnatomy) first = create_anatomy (QWEN_3B ("2"));
  g_autoptr (HrAnatomy) second = create_anatomy (QWEN_3B ("16"));
  g_autoptr (HrAnatomyTable) table = hr_anatomy_compare (first, second);
  const HrAnatomyRow *row = hr_anatomy_table_find_row (table, "kv-cache-bytes-per-token");

  g_assert_cmpuint (row->values[0].number, ==, 36864);
  g_assert_cmpuint (row->values[1].number, ==, 8 * 36864);
  g_assert_cmpuint (row->values[2].number, ==, 7 * 36864);

  row = hr_anatomy_table_find_row (table, "attention");
  g_assert_cmpint ((gint64) row->values[2].number, ==, 604200960 - 339830784);
  row = hr_anatomy_table_find_row (table, "hidden_size");
  g_assert_cmpuint (row->values[2].number, ==, 0);
}

/* Of weights without a config the tensors are known, and nothing else. */
static void
test_a_model_without_a_config_has_parts_and_tensors (void)
{
  static const char header[] = "{\"model.embed_tokens.weight\":{\"dtype\":\"BF16\",\"shape\":[4,8],"
                               "\"data_offsets\":[0,64]},\"model.norm.weight\":{\"dtype\":\"F32\",\"shape\":[8],"
                               "\"data_offsets\":[64,96]}}";
  g_autofree char *folder = g_dir_make_tmp ("headroom-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = NULL;
  g_autoptr (HrAnatomy) anatomy = NULL;
  guint64 length = GUINT64_TO_LE (strlen (header));
  static const guint8 weights[96] = { 0 };

  g_byte_array_append (bytes, (const guint8 *) &length, sizeof length);
  g_byte_array_append (bytes, (const guint8 *) header, strlen (header));
  g_byte_array_append (bytes, weights, sizeof weights);
  g_assert_true (g_file_set_contents (path, (const char *) bytes->data, bytes->len, &error));

  model = hr_model_new_from_file (file, &error);
  g_assert_no_error (error);
  anatomy = hr_anatomy_new (model, NULL);
  g_assert_cmpuint (hr_anatomy_get_n_bytes (anatomy), ==, 96);
  g_assert_cmpuint (get_value (anatomy, HR_ANATOMY_SECTION_PARTS, "total", 0), ==, 40);
  g_assert_null (hr_anatomy_get_table (anatomy, HR_ANATOMY_SECTION_EXPANSION));
  g_assert_null (hr_anatomy_get_table (anatomy, HR_ANATOMY_SECTION_CACHE));
  g_assert_null (hr_anatomy_get_table (anatomy, HR_ANATOMY_SECTION_RULES));

  g_unlink (path);
  g_rmdir (folder);
}

int
main (int   argc,
      char *argv[])
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/report/anatomy/every_model_of_the_catalogue_adds_up", test_every_model_adds_up);
  g_test_add_func ("/report/anatomy/the_cache_is_climbed_step_by_step", test_the_cache_is_climbed_step_by_step);
  g_test_add_func ("/report/anatomy/what_is_shared_and_what_is_read_are_told_apart",
                   test_what_is_shared_and_what_is_read_are_told_apart);
  g_test_add_func ("/report/anatomy/a_window_caps_its_layers", test_a_window_caps_its_layers);
  g_test_add_func ("/report/anatomy/other_heads_are_counted_as_a_model_has_them",
                   test_other_heads_are_counted_as_a_model_has_them);
  g_test_add_func ("/report/anatomy/a_latent_is_set_beside_its_expansion", test_a_latent_is_set_beside_its_expansion);
  g_test_add_func ("/report/anatomy/rules_stand_beside_the_exact_counts", test_rules_stand_beside_the_exact_counts);
  g_test_add_func ("/report/anatomy/feed_forward_blocks_are_compared", test_feed_forward_blocks_are_compared);
  g_test_add_func ("/report/anatomy/layers_of_a_kind_are_listed_once", test_layers_of_a_kind_are_listed_once);
  g_test_add_func ("/report/anatomy/sizes_follow_the_job", test_sizes_follow_the_job);
  g_test_add_func ("/report/anatomy/a_mixture_of_formats_names_each", test_a_mixture_of_formats_names_each);
  g_test_add_func ("/report/anatomy/two_models_stand_side_by_side", test_two_models_stand_side_by_side);
  g_test_add_func ("/report/anatomy/a_model_without_a_config_has_parts_and_tensors",
                   test_a_model_without_a_config_has_parts_and_tensors);

  return g_test_run ();
}
