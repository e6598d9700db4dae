/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib/gstdio.h>
#include <string.h>

#include "hr-architecture-file.h"
#include "hr-error.h"
#include "hr-model.h"

#define CONFIG \
  "{\"model_type\": \"zebra\", \"hidden_size\": 64, \"intermediate_size\": 128, \"num_hidden_layers\": 2, " \
  "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"vocab_size\": 100}"

/* A decoder with biases, which a common one lacks. */
#define ARCHITECTURE \
  "{\"model-type\": \"zebra\", \"architectures\": [\"ZebraForCausalLM\"], \"extends\": \"_decoder\", " \
  "\"source\": \"a test\", \"values\": {\"qkv_bias\": true, \"output_bias\": true}}"

/* 64 + 32 + 32 + 64 in each of two layers. */
#define N_BIASES 384

static GFile *
write_file (const char *name,
            const char *contents)
{
  g_autofree char *path = g_build_filename (g_get_user_cache_dir (), name, NULL);
  g_autoptr (GError) error = NULL;

  g_mkdir_with_parents (g_get_user_cache_dir (), 0700);
  g_file_set_contents (path, contents, -1, &error);
  g_assert_no_error (error);

  return g_file_new_for_path (path);
}

static guint64
count (GFile *config,
       GFile *architecture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = architecture != NULL ? hr_model_new_from_file_with (config, architecture, &error)
                                                   : hr_model_new_from_file (config, &error);

  g_assert_no_error (error);

  return hr_model_get_n_parameters (model);
}

static void
test_install_and_remove (void)
{
  g_autoptr (GFile) config = write_file ("config.json", CONFIG);
  g_autoptr (GFile) architecture = write_file ("anything.json", ARCHITECTURE);
  g_autoptr (GFile) copy = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = NULL;
  g_auto (GStrv) none = NULL;
  guint64 common = count (config, NULL);

  copy = hr_architecture_file_install (architecture, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_query_exists (copy, NULL));
  names = hr_architecture_file_list ();
  g_assert_cmpuint (g_strv_length (names), ==, 1);
  g_assert_cmpstr (names[0], ==, "zebra");
  g_assert_cmpuint (count (config, NULL), ==, common + N_BIASES);

  g_assert_true (hr_architecture_file_remove ("zebra", &error));
  g_assert_no_error (error);
  none = hr_architecture_file_list ();
  g_assert_cmpuint (g_strv_length (none), ==, 0);
  g_assert_cmpuint (count (config, NULL), ==, common);
  g_assert_false (hr_architecture_file_remove ("zebra", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_without_installing (void)
{
  g_autoptr (GFile) config = write_file ("config.json", CONFIG);
  g_autoptr (GFile) architecture = write_file ("anything.json", ARCHITECTURE);

  g_assert_cmpuint (count (config, architecture), ==, count (config, NULL) + N_BIASES);
}

static void
test_probe (void)
{
  g_autoptr (GFile) config = write_file ("config.json", CONFIG);
  g_autoptr (GFile) architecture = write_file ("a.json", ARCHITECTURE);
  g_autoptr (GFile) faulty = write_file ("b.json", "{\"model-type\": \"zebra\", \"stacks\": 1}");
  g_autoptr (GFile) text = write_file ("c.json", "model-type");
  g_autoptr (GFile) missing = g_file_new_for_path ("/nonexistent/d.json");

  g_assert_true (hr_architecture_file_probe (architecture));
  g_assert_true (hr_architecture_file_probe (faulty));
  g_assert_false (hr_architecture_file_probe (config));
  g_assert_false (hr_architecture_file_probe (text));
  g_assert_false (hr_architecture_file_probe (missing));
}

/* Each fault is told with file, place and expectation. */
static void
test_faults (void)
{
  static const struct
  {
    const char *contents;
    const char *words[3];
  } cases[] = {
    { "{\"model-type\": \"zebra\", \"source\": \"s\", \"stacks\": 1}", { "fault.json", "stacks", "array" } },
    { "{\"model-type\": \"zebra\", \"stacks\": []}", { "fault.json", "source", NULL } },
    { "{\"model-type\": \"zebra\", \"source\": \"s\", \"extends\": \"_nothing\"}",
      { "fault.json", "extends", "architecture file" } },
    { "{\"model-type\": \"../zebra\", \"source\": \"s\", \"extends\": \"_decoder\"}",
      { "fault.json", "model-type", "letters" } },
    { "{\"model-type\": \"zebra\", \"source\": \"s\", \"sauce\": 1}", { "fault.json", "sauce", NULL } },
    { "[]", { "fault.json", "object", NULL } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GFile) file = write_file ("fault.json", cases[i].contents);
      g_autoptr (GError) error = NULL;
      g_autofree char *model_type = hr_architecture_file_check (file, &error);

      g_assert_null (model_type);
      g_test_message ("%s", error->message);
      for (guint j = 0; j < G_N_ELEMENTS (cases[i].words) && cases[i].words[j] != NULL; j++)
        g_assert_nonnull (strstr (error->message, cases[i].words[j]));
      g_clear_error (&error);
      g_assert_null (hr_architecture_file_install (file, &error));
      g_assert_nonnull (error);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/architecture-file/one_that_is_installed_works_until_it_is_removed", test_install_and_remove);
  g_test_add_func ("/architecture-file/one_works_without_being_installed", test_without_installing);
  g_test_add_func ("/architecture-file/one_is_known_by_its_members", test_probe);
  g_test_add_func ("/architecture-file/faults_are_told_with_their_place", test_faults);

  return g_test_run ();
}
