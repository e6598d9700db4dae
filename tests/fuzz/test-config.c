/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Configs with seeded damage: whatever they hold, there is a model or an error that names the file, and nothing
 * crashes, hangs or grows. `-m slow` makes many more rounds.
 */

#include <glib.h>
#include <glib/gstdio.h>

#include "hr-architecture.h"
#include "hr-json.h"
#include "hr-model.h"

static const char * const seeds[] = {
  "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"hidden_size\": 2048, "
  "\"intermediate_size\": 5632, "
  "\"num_attention_heads\": 32, \"num_hidden_layers\": 22, \"num_key_value_heads\": 4, \"vocab_size\": 32000, "
  "\"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\", \"rope_scaling\": null, \"quantization_config\": "
  "{\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true}}",
  "{\"model_type\": \"gemma2\", \"hidden_size\": 3584, \"head_dim\": 256, \"num_attention_heads\": 16, "
  "\"num_key_value_heads\": 8, "
  "\"num_hidden_layers\": 6, \"layer_types\": [\"sliding_attention\", \"full_attention\", \"sliding_attention\", "
  "\"full_attention\", \"sliding_attention\", \"full_attention\"], \"final_logit_softcapping\": 30.0, "
  "\"sliding_window\": 4096}",
  "{\"model_type\": \"falcon\", \"alibi\": false, \"bias\": false, \"hidden_size\": 8192, \"n_head\": 128, "
  "\"n_layer\": 60, "
  "\"new_decoder_architecture\": true, \"num_kv_heads\": 8, \"parallel_attn\": true, \"vocab_size\": 65024}",
  "{\"model_type\": \"opt\", \"do_layer_norm_before\": false, \"ffn_dim\": 4096, \"hidden_size\": 1024, "
  "\"num_attention_heads\": 16, "
  "\"num_hidden_layers\": 24, \"vocab_size\": 50272, \"word_embed_proj_dim\": 512, \"activation_function\": \"relu\"}",
  "{\"model_type\": \"stablelm\", \"hidden_size\": 5120, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, "
  "\"rope_parameters\": {\"partial_rotary_factor\": 0.25}, \"qk_layernorm\": true, \"use_parallel_residual\": true}",
  "{\"model_type\": \"smollm3\", \"num_hidden_layers\": 4, \"no_rope_layers\": [1, 1, 1, 0], "
  "\"use_sliding_window\": true, "
  "\"sliding_window\": 128}",
  "{\"model_type\": \"unheard-of\", \"n_embd\": 64, \"n_layer\": 2, \"n_head\": 4, \"n_inner\": 256, "
  "\"vocab_size\": 100}",
};

/* What takes the place of a value. */
static const char * const odd_values[] = {
  "null", "true", "false", "0", "-1", "1", "3", "7", "0.5", "1e3", "1e308", "-0", "9223372036854775807",
  "9223372036854775808",
  "NaN", "-Infinity", "\"\"", "\"llama\"", "\"\\u0000\"", "[]", "{}", "[[[[]]]]", "{\"a\": {\"a\": 1}}", "16777216",
  "4294967296",
};

static void
damage_bytes (GString *text)
{
  guint n_changes = g_test_rand_int_range (1, 5);

  for (guint i = 0; i < n_changes && text->len > 0; i++)
    {
      gsize place = g_test_rand_int_range (0, text->len);

      switch (g_test_rand_int_range (0, 5))
        {
        case 0:
          text->str[place] = g_test_rand_int_range (0, 256);
          break;

        case 1:
          g_string_erase (text, place, g_test_rand_int_range (1, MIN (text->len - place, 20) + 1));
          break;

        case 2:
          g_string_insert_c (text, place, "{}[],:\"\\/*#-.eE0"[g_test_rand_int_range (0, 16)]);
          break;

        case 3:
          g_string_truncate (text, place);
          break;

        default:
          g_string_insert_len (text, place, text->str + place, MIN (text->len - place, 30));
        }
    }
}

/* Replaces the value after one of the colons. */
static void
damage_value (GString *text)
{
  guint n_colons = 0;
  guint chosen;
  gsize start, end;

  for (gsize i = 0; i < text->len; i++)
    n_colons += text->str[i] == ':';
  if (n_colons == 0)
    return;

  chosen = g_test_rand_int_range (0, n_colons);
  for (start = 0; start < text->len; start++)
    {
      if (text->str[start] == ':' && chosen-- == 0)
        break;
    }
  for (end = start + 1; end < text->len && strchr (",}]", text->str[end]) == NULL; end++)
    ;

  g_string_erase (text, start + 1, end - start - 1);
  g_string_insert (text, start + 1, odd_values[g_test_rand_int_range (0, G_N_ELEMENTS (odd_values))]);
}

static void
check (const GString *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (text->str, text->len, "fuzz.json", &error);
  guint64 sum = 0;

  if (model == NULL)
    {
      g_assert_nonnull (error);
      g_assert_true (error->domain == HR_ERROR);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      if (strstr (error->message, "“fuzz.json”") == NULL)
        g_error ("%s in %s", error->message, text->str);
      g_assert_null (strchr (error->message, '\n'));
      return;
    }

  g_assert_no_error (error);
  for (HrPart part = 0; part < HR_N_PARTS; part++)
    sum += hr_model_get_n_parameters_of_part (model, part);
  g_assert_cmpuint (sum, ==, hr_model_get_n_parameters (model));
  g_assert_cmpuint (sum, >, 0);
}

static void
test_a_damaged_config_makes_a_model_or_an_error (void)
{
  guint n_rounds = g_test_slow () ? 200000 : 4000;

  for (guint i = 0; i < n_rounds; i++)
    {
      g_autoptr (GString) text = g_string_new (seeds[g_test_rand_int_range (0, G_N_ELEMENTS (seeds))]);

      if (g_test_rand_bit ())
        damage_value (text);
      if (g_test_rand_int_range (0, 3) == 0)
        damage_value (text);
      if (g_test_rand_bit ())
        damage_bytes (text);

      check (text);
    }
}

/* A user may put architecture files of their own into their data folder, and make mistakes in them. */
static void
test_a_damaged_architecture_makes_a_model_or_an_error (void)
{
  guint n_rounds = g_test_slow () ? 50000 : 1500;
  g_auto (GStrv) names = hr_architecture_list ();
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "headroom", "architectures", NULL);
  g_autofree char *path = g_build_filename (folder, "damaged.json", NULL);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);

  for (guint i = 0; i < n_rounds; i++)
    {
      const char *name = names[g_test_rand_int_range (0, g_strv_length (names))];
      g_autofree char *resource = g_strdup_printf ("/io/github/headroom/Headroom/data/architectures/%s.json", name);
      g_autoptr (GBytes) bytes = g_resources_lookup_data (resource, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
      g_autoptr (GString) text = g_string_new_len (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = NULL;

      damage_value (text);
      if (g_test_rand_int_range (0, 4) == 0)
        damage_bytes (text);

      g_assert_true (g_file_set_contents_full (path, text->str, text->len, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      model = hr_model_new_from_data ("{\"model_type\": \"damaged\"}", -1, "fuzz.json", &error);
      g_assert_true ((model == NULL) == (error != NULL));
      if (error != NULL)
        g_assert_true (error->domain == HR_ERROR);
    }

  g_remove (path);
  g_rmdir (folder);
}

static void
test_noise_is_an_error (void)
{
  guint n_rounds = g_test_slow () ? 200000 : 20000;

  for (guint i = 0; i < n_rounds; i++)
    {
      static const char alphabet[] = "{}[]\",:0123456789.eE+-truefalsn \n\\u/*#\t\xc3\xa9\xff";
      char noise[64];
      gsize length = g_test_rand_int_range (0, sizeof noise);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrJson) root = NULL;

      for (gsize j = 0; j < length; j++)
        noise[j] = alphabet[g_test_rand_int_range (0, sizeof alphabet)];

      root = hr_json_new_from_data (noise, length, "noise", HR_JSON_TOLERANT, &error);
      g_assert_true ((root == NULL) == (error != NULL));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_autofree char *data_folder = g_dir_make_tmp ("headroom-fuzz-XXXXXX", NULL);
  g_autofree char *program_folder = g_build_filename (data_folder, "headroom", NULL);
  int result;

  /* Before anybody asks for it: the user's own files are of no interest here. */
  g_setenv ("XDG_DATA_HOME", data_folder, TRUE);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/fuzz/a_damaged_config_makes_a_model_or_an_error", test_a_damaged_config_makes_a_model_or_an_error);
  g_test_add_func ("/fuzz/a_damaged_architecture_makes_a_model_or_an_error",
                   test_a_damaged_architecture_makes_a_model_or_an_error);
  g_test_add_func ("/fuzz/noise_is_an_error", test_noise_is_an_error);

  result = g_test_run ();
  g_rmdir (program_folder);
  g_rmdir (data_folder);

  return result;
}
