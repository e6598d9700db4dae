/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-recent.h"

#define KEY "recent-files"
#define MAX_FILES 10

static void
headroom_recent_replace (GSettings  *settings,
                         const char *first,
                         const char *dropped)
{
  g_auto (GStrv) old = g_settings_get_strv (settings, KEY);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) new = NULL;
  guint n_files = 0;

  if (first != NULL)
    {
      g_strv_builder_add (builder, first);
      n_files++;
    }

  for (guint i = 0; old[i] != NULL && n_files < MAX_FILES; i++)
    {
      if (g_strcmp0 (old[i], dropped) == 0)
        continue;

      g_strv_builder_add (builder, old[i]);
      n_files++;
    }

  new = g_strv_builder_end (builder);
  g_settings_set_strv (settings, KEY, (const char * const *) new);
}

/*
 * Puts @file at the head of the files that were opened.
 */
void
headroom_recent_add (GSettings *settings,
                     GFile     *file)
{
  g_autofree char *uri = NULL;

  g_return_if_fail (G_IS_SETTINGS (settings));
  g_return_if_fail (G_IS_FILE (file));

  uri = g_file_get_uri (file);
  headroom_recent_replace (settings, uri, uri);
}

/*
 * Takes @file out of the files that were opened: it is no longer there.
 */
void
headroom_recent_remove (GSettings *settings,
                        GFile     *file)
{
  g_autofree char *uri = NULL;

  g_return_if_fail (G_IS_SETTINGS (settings));
  g_return_if_fail (G_IS_FILE (file));

  uri = g_file_get_uri (file);
  headroom_recent_replace (settings, NULL, uri);
}

/*
 * Lists the files that were opened, as #GFile, the latest first.
 */
GPtrArray *
headroom_recent_list (GSettings *settings)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_object_unref);
  g_auto (GStrv) uris = NULL;

  g_return_val_if_fail (G_IS_SETTINGS (settings), NULL);

  uris = g_settings_get_strv (settings, KEY);
  for (guint i = 0; uris[i] != NULL; i++)
    g_ptr_array_add (files, g_file_new_for_uri (uris[i]));

  return g_steal_pointer (&files);
}

/*
 * Gets what people know a file by: a `config.json` by the folder that holds it.
 */
char *
headroom_recent_get_name (GFile *file)
{
  g_autofree char *name = NULL;
  g_autoptr (GFile) folder = NULL;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  name = g_file_get_basename (file);
  folder = g_file_get_parent (file);

  if (folder != NULL && g_strcmp0 (name, "config.json") == 0)
    {
      g_free (name);
      name = g_file_get_basename (folder);
    }

  return g_filename_display_name (name);
}

/*
 * Gets where a file lies, with ~ for the home folder.
 */
char *
headroom_recent_get_place (GFile *file)
{
  g_autofree char *place = NULL;
  const char *home = g_get_home_dir ();
  g_autofree char *shown = NULL;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  place = g_file_get_parse_name (file);

  if (g_str_has_prefix (place, home) && G_IS_DIR_SEPARATOR (place[strlen (home)]))
    shown = g_strconcat ("~", place + strlen (home), NULL);
  else
    shown = g_steal_pointer (&place);

  return g_filename_display_name (shown);
}
