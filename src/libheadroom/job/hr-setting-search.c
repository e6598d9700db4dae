/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-job-private.h"

#include <glib/gi18n-lib.h>

#include "hr-search-private.h"

#define MAX_SUGGESTIONS 5

/* Further from the name than any other spelling: names and titles that share words come first. */
#define NOT_ALIKE G_MAXUINT

typedef struct
{
  const char *name;
  guint distance;
} NearSetting;

static gboolean
contains_all (char **words,
              char **wanted)
{
  for (guint i = 0; wanted[i] != NULL; i++)
    {
      if (!g_strv_contains ((const char * const *) words, wanted[i]))
        return FALSE;
    }

  return wanted[0] != NULL;
}

/* How far a name is from what a setting is called, by its own name and its title. */
static guint
measure_distance (GParamSpec *setting,
                  const char *typed)
{
  const char *names[] = { g_param_spec_get_name (setting), g_param_spec_get_nick (setting) };
  g_auto (GStrv) wanted = hr_search_split (typed);
  g_autofree char *squeezed = hr_search_squeeze (typed);
  guint nearest = NOT_ALIKE;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_auto (GStrv) words = hr_search_split (names[i]);
      g_autofree char *name = hr_search_squeeze (names[i]);
      guint distance = hr_search_edit_distance (name, squeezed);

      if (distance <= MAX (1, strlen (squeezed) / 4))
        nearest = MIN (nearest, distance);
      else if (contains_all (words, wanted) || contains_all (wanted, words))
        nearest = MIN (nearest, strlen (squeezed) + distance);
    }

  return nearest;
}

static int
compare_nearness (gconstpointer a,
                  gconstpointer b)
{
  const NearSetting *one = a;
  const NearSetting *other = b;

  if (one->distance != other->distance)
    return one->distance < other->distance ? -1 : 1;

  return strcmp (one->name, other->name);
}

/*
 * hr_job_suggest_settings:
 * @self: a job
 * @name: what somebody took for the name of a setting
 *
 * Finds settings that are called much alike, by their names and their titles.
 *
 * Returns: (transfer full) (nullable): a list of names to read, nearest first, or %NULL where none is alike
 */
char *
hr_job_suggest_settings (HrJob      *self,
                         const char *name)
{
  g_autoptr (GArray) near_settings = g_array_new (FALSE, FALSE, sizeof (NearSetting));
  g_autoptr (GString) list = g_string_new (NULL);
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (self, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      NearSetting near_setting = { g_param_spec_get_name (settings[i]), measure_distance (settings[i], name) };

      if (near_setting.distance != NOT_ALIKE)
        g_array_append_val (near_settings, near_setting);
    }
  g_array_sort (near_settings, compare_nearness);

  for (guint i = 0; i < MIN (near_settings->len, MAX_SUGGESTIONS); i++)
    /* Translators: between the items of a list. */
    g_string_append_printf (list, "%s%s", i > 0 ? C_("between names in a list", ", ") : "",
                            g_array_index (near_settings, NearSetting, i).name);

  return list->len > 0 ? g_string_free (g_steal_pointer (&list), FALSE) : NULL;
}
