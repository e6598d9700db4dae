/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What processors make of pictures, sounds and videos, beside what is counted here: exact, each with its patches. */

#include <glib/gstdio.h>

#include "hr-model.h"
#include "hr-multimodal-job.h"

#include "oracle.h"

static char *folder;

static void
write_file (const char *name,
            JsonNode   *node)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = json_to_string (node, FALSE);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static void
clear_folder (void)
{
  g_autoptr (GDir) files = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
}

/* The model as somebody opens it: a config, and what stands beside it. */
static HrModel *
open_model (JsonObject *root,
            JsonObject *test)
{
  JsonObject *models = json_object_get_object_member (root, "models");
  g_autofree char *path = g_build_filename (folder, "config.json", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  HrModel *model;

  clear_folder ();
  write_file ("config.json", json_object_get_member (models, json_object_get_string_member (test, "model")));
  if (json_object_has_member (test, "files"))
    {
      JsonObject *files = json_object_get_object_member (test, "files");
      g_autoptr (GList) names = json_object_get_members (files);

      for (GList *name = names; name != NULL; name = name->next)
        write_file (name->data, json_object_get_member (files, name->data));
    }

  model = hr_model_new_from_file (file, &error);
  g_assert_no_error (error);

  return model;
}

static HrMedium
read_medium (JsonObject *test)
{
  g_autoptr (HrMultimodalJob) job = hr_multimodal_job_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) media = NULL;
  HrMedium medium;

  g_object_set (job, "images", G_GUINT64_CONSTANT (0), "further-inputs", json_object_get_string_member (test, "input"),
                NULL);
  media = hr_job_list_media (HR_JOB (job), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (media->len, ==, 1);
  medium = g_array_index (media, HrMedium, 0);
  medium.others = json_object_get_int_member_with_default (test, "others", 0);

  return medium;
}

static gboolean
is_equal (JsonObject *test,
          const char *name,
          guint64     found)
{
  if (!json_object_has_member (test, name) || (guint64) json_object_get_int_member (test, name) == found)
    return TRUE;

  g_test_message ("  %s: expected %" G_GINT64_FORMAT ", found %" G_GUINT64_FORMAT, name,
                  json_object_get_int_member (test, name), found);

  return FALSE;
}

/* How often the tower sees it, and its patches along time, of a column and of a row. */
static gboolean
is_equal_grid (JsonObject         *test,
               const char         *name,
               const HrMediumGrid *grid)
{
  const guint64 found[] = { grid->pieces, grid->patches_t, grid->patches_h, grid->patches_w };
  gboolean is_same = TRUE;
  JsonArray *expected;

  if (!json_object_has_member (test, name))
    return TRUE;

  expected = json_object_get_array_member (test, name);
  for (guint i = 0; i < G_N_ELEMENTS (found); i++)
    is_same &= (guint64) json_array_get_int_element (expected, i) == found[i];
  if (!is_same)
    g_test_message ("  %s: found %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT ", %"
                    G_GUINT64_FORMAT, name, found[0], found[1], found[2], found[3]);

  return is_same;
}

static gboolean
is_counted (JsonObject *root,
            JsonObject *test)
{
  g_autoptr (HrModel) model = open_model (root, test);
  HrMedium medium = read_medium (test);
  g_autoptr (GError) error = NULL;
  HrMediumTokens found;

  if (!hr_model_count_tokens (model, &medium, &found, &error))
    {
      g_test_message ("  %s", error->message);
      return FALSE;
    }

  g_assert_cmpuint (found.tokens, ==, found.seen + found.markers);

  return is_equal (test, "tokens", found.tokens) && is_equal (test, "seen", found.seen) &&
         is_equal (test, "around", found.around) && is_equal (test, "crossed", found.crossed) &&
         is_equal (test, "frames", found.frames) && is_equal_grid (test, "grid", &found.grids[0]) &&
         is_equal_grid (test, "second-grid", &found.grids[1]);
}

static void
tell (GHashTable *counted,
      GHashTable *all)
{
  g_autoptr (GList) families = g_list_sort (g_hash_table_get_keys (all), (GCompareFunc) strcmp);

  for (GList *family = families; family != NULL; family = family->next)
    g_test_message ("%-20s %3u of %3u", (char *) family->data,
                    GPOINTER_TO_UINT (g_hash_table_lookup (counted, family->data)),
                    GPOINTER_TO_UINT (g_hash_table_lookup (all, family->data)));
}

static void
add (GHashTable *numbers,
     const char *family)
{
  guint number = GPOINTER_TO_UINT (g_hash_table_lookup (numbers, family));

  g_hash_table_insert (numbers, (gpointer) family, GUINT_TO_POINTER (number + 1));
}

static void
test_tokens (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("token-counts.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GHashTable) counted = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) all = g_hash_table_new (g_str_hash, g_str_equal);
  guint n_wrong = 0;

  g_assert_cmpuint (json_array_get_length (cases), >=, 200);
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);
      const char *family = json_object_get_string_member (test, "family");

      g_assert_true (json_object_has_member (test, "source"));
      add (all, family);
      if (is_counted (json_node_get_object (root), test))
        {
          add (counted, family);
          continue;
        }
      g_test_message ("%s, %s: not as expected", json_object_get_string_member (test, "model"),
                      json_object_get_string_member (test, "input"));
      n_wrong++;
    }
  tell (counted, all);
  g_assert_cmpuint (n_wrong, ==, 0);
}

int
main (int   argc,
      char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);

  folder = g_dir_make_tmp ("headroom-tokens-XXXXXX", NULL);
  g_assert_nonnull (folder);

  g_test_add_func ("/oracle/a_picture_is_as_many_tokens_as_its_processor_makes_of_it", test_tokens);

  status = g_test_run ();
  clear_folder ();
  g_rmdir (folder);
  g_free (folder);

  return status;
}
