/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>

#include "headroom-local-models.h"
#include "headroom-model-list.h"
#include "headroom-settings.h"
#include "headroom-test.h"

static HeadroomPickerItem *
get_first (const char *text)
{
  g_autoptr (GSettings) settings = headroom_settings_new ();
  g_autoptr (GListModel) items = NULL;

  g_settings_reset (settings, "recent-files");
  items = headroom_model_list_search (text, settings, G_MAXUINT);
  g_assert_cmpuint (g_list_model_get_n_items (items), >, 0);

  return g_list_model_get_item (items, 0);
}

static char *
dup_heading (HeadroomPickerItem *item)
{
  char *heading = NULL;

  g_object_get (item, "heading", &heading, NULL);

  return heading;
}

static void
test_a_size_is_offered (void)
{
  g_autoptr (HeadroomPickerItem) size = get_first ("7B");
  g_autoptr (HeadroomPickerItem) name = get_first ("qwen 7b");
  g_autoptr (HrModel) model = NULL;

  g_assert_cmpstr (headroom_picker_item_get_title (size), ==, "A model of 7.00\u00a0B parameters");
  model = hr_model_new_from_id (headroom_model_list_get_id (size), NULL);
  g_assert_nonnull (model);

  g_assert_nonnull (strstr (headroom_model_list_get_id (name), "/"));
}

static void
test_a_model_whose_tensors_are_not_known_is_offered_by_its_size (void)
{
  g_autoptr (HeadroomPickerItem) palm = get_first ("PaLM");
  g_autoptr (HrModel) model = hr_model_new_from_id (headroom_model_list_get_id (palm), NULL);
  g_autofree char *subtitle = NULL;

  g_object_get (palm, "subtitle", &subtitle, NULL);
  g_assert_cmpstr (headroom_picker_item_get_title (palm), ==, "PaLM 8B");
  g_assert_nonnull (strstr (subtitle, "was published"));
  g_assert_nonnull (model);
}

static void
changed_cb (gpointer  models,
            gboolean *changed)
{
  *changed = TRUE;
}

static void
test_downloaded_models_are_a_group (void)
{
  HeadroomLocalModels *models = headroom_local_models_get_default ();
  g_autofree char *folder = g_dir_make_tmp ("headroom-XXXXXX", NULL);
  g_autofree char *snapshot = g_build_filename (folder, "models--Some--Zebra", "snapshots", "abc", NULL);
  g_autofree char *config = g_build_filename (snapshot, "config.json", NULL);
  g_autofree char *heading = NULL;
  g_autoptr (HeadroomPickerItem) item = NULL;
  gboolean changed = FALSE;

  g_assert_cmpint (g_mkdir_with_parents (snapshot, 0700), ==, 0);
  g_assert_true (g_file_set_contents (config, "{}", -1, NULL));
  g_setenv ("HF_HUB_CACHE", folder, TRUE);

  /* In a thread: nothing is there before it is done. */
  g_signal_connect (models, "changed", G_CALLBACK (changed_cb), &changed);
  headroom_local_models_scan (models);
  g_assert_cmpuint (headroom_local_models_list (models)->len, ==, 0);
  HEADROOM_TEST_WAIT_FOR (changed);

  item = get_first ("zebra");
  heading = dup_heading (item);
  g_assert_cmpstr (headroom_picker_item_get_title (item), ==, "Zebra");
  g_assert_cmpstr (heading, ==, "On this computer");
  g_assert_true (G_IS_FILE (headroom_picker_item_get_object (item)));
}

int
main (int   argc,
      char *argv[])
{
  headroom_test_init (&argc, &argv);

  g_test_add_func ("/app/model-list/a_size_is_offered", test_a_size_is_offered);
  g_test_add_func ("/app/model-list/a_model_whose_tensors_are_not_known_is_offered_by_its_size",
                   test_a_model_whose_tensors_are_not_known_is_offered_by_its_size);
  g_test_add_func ("/app/model-list/downloaded_models_are_a_group", test_downloaded_models_are_a_group);

  return g_test_run ();
}
