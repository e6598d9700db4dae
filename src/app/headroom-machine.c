/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-machine.h"

/* What is known of this machine, which all windows share. */

static GFile *
get_file (void)
{
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "headroom", "calibration.json", NULL);

  return g_file_new_for_path (path);
}

/*
 * headroom_machine_get_calibration:
 * @error: return location for an error
 *
 * Gets what is known of this machine. It is read once; a file that is damaged is read again the next time, and stays as
 * it is until then.
 *
 * Returns: (transfer none) (nullable): the calibration, or %NULL with @error set
 */
HrCalibration *
headroom_machine_get_calibration (GError **error)
{
  static HrCalibration *calibration;
  g_autoptr (GFile) file = NULL;

  if (calibration == NULL)
    {
      file = get_file ();
      calibration = hr_calibration_new_from_file (file, error);
    }

  return calibration;
}

/*
 * headroom_machine_save:
 * @error: return location for an error
 *
 * Keeps what is known of this machine.
 *
 * Returns: whether it is kept
 */
gboolean
headroom_machine_save (GError **error)
{
  HrCalibration *calibration = headroom_machine_get_calibration (error);
  g_autoptr (GFile) file = get_file ();

  return calibration != NULL && hr_calibration_save (calibration, file, error);
}
