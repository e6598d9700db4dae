/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-last-session.h"

#include <glib/gstdio.h>

/* What somebody was working on is of nobody else's concern. */
#define FOLDER_MODE 0700

static char *
get_path (const char *name)
{
  return g_build_filename (g_get_user_state_dir (), "headroom", name, NULL);
}

/*
 * Gets the file that keeps what somebody was working on from one start to the next: a scenario with the jobs of all
 * modes.
 */
GFile *
headroom_last_session_get_file (void)
{
  g_autofree char *path = get_path ("session.headroom");

  return g_file_new_for_path (path);
}

/*
 * Reads what somebody was working on the last time: NULL where there was nothing yet. What is damaged, may not be read
 * or was written by another version is an error.
 */
gboolean
headroom_last_session_read (HrScenario **scenario,
                            GError     **error)
{
  g_autoptr (GFile) file = headroom_last_session_get_file ();
  g_autoptr (GError) local_error = NULL;

  *scenario = hr_scenario_new_from_file (file, &local_error);
  if (*scenario != NULL || g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/*
 * Puts a file that could not be read aside, where the next one does not take its place. Returns where it is, or NULL if
 * it has to stay.
 */
GFile *
headroom_last_session_put_aside (void)
{
  g_autoptr (GFile) file = headroom_last_session_get_file ();
  g_autofree char *path = get_path ("session-damaged.headroom");

  return g_rename (g_file_peek_path (file), path) == 0 ? g_file_new_for_path (path) : NULL;
}

/*
 * Keeps what somebody is working on, as a whole or not at all.
 */
gboolean
headroom_last_session_write (HrScenario  *scenario,
                             GError     **error)
{
  g_autoptr (GFile) file = headroom_last_session_get_file ();
  g_autofree char *folder = g_path_get_dirname (g_file_peek_path (file));

  g_return_val_if_fail (HR_IS_SCENARIO (scenario), FALSE);

  /* If there is no folder now, writing says so. */
  g_mkdir_with_parents (folder, FOLDER_MODE);

  return hr_scenario_save (scenario, file, error);
}
