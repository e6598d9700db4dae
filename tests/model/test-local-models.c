/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib/gstdio.h>

#include "hr-local-models.h"
#include "hr-model.h"

#define CONFIG \
  "{\"model_type\": \"llama\", \"hidden_size\": 64, \"intermediate_size\": 128, \"num_hidden_layers\": 2, " \
  "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"vocab_size\": 100}"

typedef struct
{
  char *folder;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->folder = g_dir_make_tmp ("headroom-XXXXXX", NULL);
  g_unsetenv ("HF_HOME");
  g_unsetenv ("MODELSCOPE_CACHE");
  g_setenv ("HF_HUB_CACHE", fixture->folder, TRUE);
}

static void
remove_all (GFile *file)
{
  g_autoptr (GFileEnumerator) enumerator = NULL;
  GFile *child;

  enumerator = g_file_enumerate_children (file, G_FILE_ATTRIBUTE_STANDARD_NAME, G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS,
                                          NULL, NULL);
  while (enumerator != NULL && g_file_enumerator_iterate (enumerator, NULL, &child, NULL, NULL) && child != NULL)
    remove_all (child);
  g_file_delete (file, NULL, NULL);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (GFile) file = g_file_new_for_path (fixture->folder);

  remove_all (file);
  g_free (fixture->folder);
}

static void
write_file (Fixture    *fixture,
            const char *name,
            const char *contents)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_file_set_contents (path, contents, -1, &error);
  g_assert_no_error (error);
}

static void
test_hugging_face (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (GPtrArray) models = NULL;
  g_autoptr (HrModel) model = NULL;
  g_autoptr (GFile) folder = NULL;
  g_autoptr (GError) error = NULL;

  write_file (fixture, "models--Some--Model-1B--chat/snapshots/abc/config.json", CONFIG);
  write_file (fixture, "models--Some--Model-1B--chat/refs/main", "abc");
  write_file (fixture, "models--another--one/snapshots/def/config.json", CONFIG);
  write_file (fixture, "models--no--config/snapshots/def/README.md", "");
  write_file (fixture, "datasets--some--data/snapshots/def/config.json", CONFIG);
  write_file (fixture, "version.txt", "1");

  models = hr_local_models_list ();
  g_assert_cmpuint (models->len, ==, 2);
  g_assert_cmpstr (((HrLocalModel *) g_ptr_array_index (models, 0))->id, ==, "another/one");
  g_assert_cmpstr (((HrLocalModel *) g_ptr_array_index (models, 1))->id, ==, "Some/Model-1B--chat");

  folder = hr_local_models_find ("some/model-1b--chat");
  g_assert_nonnull (folder);
  model = hr_model_new_from_file (folder, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_model_get_n_parameters (model), >, 0);
  g_assert_null (hr_local_models_find ("some/other"));
}

static void
test_model_scope (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autofree char *empty = g_build_filename (fixture->folder, "empty", NULL);
  g_autoptr (GPtrArray) models = NULL;

  g_setenv ("HF_HUB_CACHE", empty, TRUE);
  g_setenv ("MODELSCOPE_CACHE", fixture->folder, TRUE);
  write_file (fixture, "models/Qwen/Qwen2___5-7B/config.json", CONFIG);
  write_file (fixture, "Org/Old/config.json", CONFIG);
  write_file (fixture, "_github/Not/config.json", CONFIG);

  models = hr_local_models_list ();
  g_assert_cmpuint (models->len, ==, 2);
  g_assert_cmpstr (((HrLocalModel *) g_ptr_array_index (models, 0))->id, ==, "Org/Old");
  g_assert_cmpstr (((HrLocalModel *) g_ptr_array_index (models, 1))->id, ==, "Qwen/Qwen2.5-7B");
}

static void
test_nothing (Fixture       *fixture,
              gconstpointer  data)
{
  g_autofree char *missing = g_build_filename (fixture->folder, "missing", NULL);
  g_autoptr (GPtrArray) models = NULL;

  g_setenv ("HF_HUB_CACHE", missing, TRUE);
  g_setenv ("MODELSCOPE_CACHE", missing, TRUE);
  models = hr_local_models_list ();
  g_assert_cmpuint (models->len, ==, 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) g_test_add ("/local-models/" name, Fixture, NULL, set_up, function, tear_down)

  ADD ("snapshots_of_hugging_face_are_found_by_their_ids", test_hugging_face);
  ADD ("model_scope_writes_dots_as_underscores", test_model_scope);
  ADD ("without_a_cache_there_are_none", test_nothing);

#undef ADD

  return g_test_run ();
}
