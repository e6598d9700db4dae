/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "corpus.h"

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return g_strcmp0 (*(const char * const *) a, *(const char * const *) b);
}

/* The texts of a folder of the corpus, in the order of the names of their files, so that a seed gives the same run. */
GPtrArray *
load_corpus (const char *folder)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "fuzz", "corpus", folder, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) directory = g_dir_open (path, 0, &error);
  const char *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (directory)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_assert_cmpuint (names->len, >, 0);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *file = g_build_filename (path, g_ptr_array_index (names, i), NULL);
      char *text = NULL;

      g_file_get_contents (file, &text, NULL, &error);
      g_assert_no_error (error);
      g_ptr_array_add (texts, text);
    }

  return g_steal_pointer (&texts);
}
