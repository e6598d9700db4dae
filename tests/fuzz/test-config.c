/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Configs with seeded damage: whatever they hold, there is a model or an error that names the file, and nothing
 * crashes, hangs or grows. `-m slow` makes many more rounds.
 */

#include <glib.h>
#include <glib/gstdio.h>

#include "corpus.h"
#include "hr-architecture.h"
#include "hr-json.h"
#include "hr-weights.h"

/* The texts of corpus/config. */
static GPtrArray *seeds;

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

/* In its own format and in any other each tensor takes something. */
static void
check_storage (HrModel *model)
{
  HrQuantization formats[] = {
    hr_model_get_quantization (model), g_test_rand_int_range (HR_QUANTIZATION_NONE, HR_N_QUANTIZATIONS),
  };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_auto (HrWeightStorage) storage = { 0 };
      HrWeights weights;

      hr_weight_storage_init (&storage, model, HR_DTYPE_BFLOAT16, formats[i], NULL);
      hr_weights_init_model (&weights, &storage);
      g_assert_cmpuint (weights.quantized_elements + weights.other_elements, ==, hr_model_get_n_parameters (model));
      g_assert_cmpuint (weights.bytes, >, 0);
    }
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
      if (strchr (error->message, '\n') != NULL)
        g_error ("%s in %s", error->message, text->str);
      return;
    }

  g_assert_no_error (error);
  for (const char * const *warning = hr_model_get_warnings (model); *warning != NULL; warning++)
    g_assert_null (strpbrk (*warning, "\n\r\t"));
  check_storage (model);
  for (HrPart part = 0; part < HR_N_PARTS; part++)
    sum += hr_model_get_n_parameters_of_part (model, part);
  g_assert_cmpuint (sum, ==, hr_model_get_n_parameters (model));
  g_assert_cmpuint (sum, >, 0);
}

static void
test_a_damaged_config_makes_a_model_or_an_error (void)
{
  guint n_rounds = g_test_slow () ? 200000 : 4000;

  /* What was found once is not to come back. */
  for (guint i = 0; i < seeds->len; i++)
    {
      g_autoptr (GString) text = g_string_new (g_ptr_array_index (seeds, i));

      check (text);
    }

  for (guint i = 0; i < n_rounds; i++)
    {
      g_autoptr (GString) text = g_string_new (g_ptr_array_index (seeds, g_test_rand_int_range (0, seeds->len)));

      if (g_test_rand_bit ())
        damage_value (text);
      if (g_test_rand_int_range (0, 3) == 0)
        damage_value (text);
      if (g_test_rand_bit ())
        damage_bytes (text);

      check (text);
    }
}

static void
check_architecture (const char *path,
                    const char *text,
                    gsize       length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = NULL;

  g_assert_true (g_file_set_contents_full (path, text, length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  model = hr_model_new_from_data ("{\"model_type\": \"damaged\"}", -1, "fuzz.json", &error);
  if ((model == NULL) != (error != NULL))
    g_error ("neither a model nor an error, or both, of %s", text);
  if (error != NULL)
    g_assert_true (error->domain == HR_ERROR);
}

/* A user may put architecture files of their own into their data folder, and make mistakes in them. */
static void
test_a_damaged_architecture_makes_a_model_or_an_error (void)
{
  guint n_rounds = g_test_slow () ? 50000 : 1500;
  g_auto (GStrv) names = hr_architecture_list ();
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "headroom", "architectures", NULL);
  g_autofree char *path = g_build_filename (folder, "damaged.json", NULL);
  g_autoptr (GPtrArray) found = load_corpus ("architecture");

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);

  for (guint i = 0; i < found->len; i++)
    check_architecture (path, g_ptr_array_index (found, i), strlen (g_ptr_array_index (found, i)));

  for (guint i = 0; i < n_rounds; i++)
    {
      const char *name = names[g_test_rand_int_range (0, g_strv_length (names))];
      g_autofree char *resource = g_strdup_printf ("/io/github/headroom/Headroom/data/architectures/%s.json", name);
      g_autoptr (GBytes) bytes = g_resources_lookup_data (resource, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
      g_autoptr (GString) text = g_string_new_len (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

      damage_value (text);
      if (g_test_rand_int_range (0, 4) == 0)
        damage_bytes (text);

      check_architecture (path, text->str, text->len);
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
  seeds = load_corpus ("config");

  g_test_add_func ("/fuzz/a_damaged_config_makes_a_model_or_an_error", test_a_damaged_config_makes_a_model_or_an_error);
  g_test_add_func ("/fuzz/a_damaged_architecture_makes_a_model_or_an_error",
                   test_a_damaged_architecture_makes_a_model_or_an_error);
  g_test_add_func ("/fuzz/noise_is_an_error", test_noise_is_an_error);

  result = g_test_run ();
  g_ptr_array_unref (seeds);
  g_rmdir (program_folder);
  g_rmdir (data_folder);

  return result;
}
