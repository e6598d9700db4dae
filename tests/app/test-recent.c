/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-recent.h"
#include "headroom-settings.h"
#include "headroom-test.h"

static void
assert_names (GSettings  *settings,
              const char *names)
{
  g_autoptr (GPtrArray) files = headroom_recent_list (settings);
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < files->len; i++)
    {
      g_autofree char *name = headroom_recent_get_name (g_ptr_array_index (files, i));

      g_string_append_printf (found, "%s ", name);
    }

  g_assert_cmpstr (found->str, ==, names);
}

static void
test_the_latest_comes_first_and_once (void)
{
  g_autoptr (GSettings) settings = headroom_settings_new ();
  g_autoptr (GFile) a = g_file_new_for_path ("/models/a.json");
  g_autoptr (GFile) b = g_file_new_for_path ("/models/b.json");

  g_settings_reset (settings, "recent-files");
  headroom_recent_add (settings, a);
  headroom_recent_add (settings, b);
  headroom_recent_add (settings, a);
  assert_names (settings, "a.json b.json ");

  headroom_recent_remove (settings, a);
  assert_names (settings, "b.json ");
}

static void
test_ten_are_remembered (void)
{
  g_autoptr (GSettings) settings = headroom_settings_new ();

  g_settings_reset (settings, "recent-files");
  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *path = g_strdup_printf ("/models/%u.json", i);
      g_autoptr (GFile) file = g_file_new_for_path (path);

      headroom_recent_add (settings, file);
    }

  assert_names (settings, "11.json 10.json 9.json 8.json 7.json 6.json 5.json 4.json 3.json 2.json ");
}

static void
test_a_config_is_known_by_its_folder (void)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/models/Qwen2.5-7B/config.json");
  g_autofree char *name = headroom_recent_get_name (file);
  g_autofree char *place = headroom_recent_get_place (file);

  g_assert_cmpstr (name, ==, "Qwen2.5-7B");
  g_assert_cmpstr (place, ==, "/models/Qwen2.5-7B/config.json");
}

static void
test_the_home_folder_is_short (void)
{
  g_autofree char *path = g_build_filename (g_get_home_dir (), "models", "a.json", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autofree char *place = headroom_recent_get_place (file);

  g_assert_cmpstr (place, ==, "~/models/a.json");
}

int
main (int   argc,
      char *argv[])
{
  headroom_test_init (&argc, &argv);

  g_test_add_func ("/app/recent/the_latest_comes_first_and_once", test_the_latest_comes_first_and_once);
  g_test_add_func ("/app/recent/ten_are_remembered", test_ten_are_remembered);
  g_test_add_func ("/app/recent/a_config_is_known_by_its_folder", test_a_config_is_known_by_its_folder);
  g_test_add_func ("/app/recent/the_home_folder_is_short", test_the_home_folder_is_short);

  return g_test_run ();
}
