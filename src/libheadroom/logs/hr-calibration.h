/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * HrCalibrationRow:
 * @program: the engine or framework, as settings name it
 * @gpu: the id of the GPU
 * @difference: how many bytes more than estimated it took, or fewer
 * @origin: where that is known from, such as “vLLM 0.8.5”
 * @date: the day, as in “2026-11-28”
 *
 * What a program has taken on a kind of GPU beside what was estimated.
 */
typedef struct
{
  char *program;
  char *gpu;
  gint64 difference;
  char *origin;
  char *date;
} HrCalibrationRow;

#define HR_TYPE_CALIBRATION (hr_calibration_get_type ())

G_DECLARE_FINAL_TYPE (HrCalibration, hr_calibration, HR, CALIBRATION, GObject)

HrCalibration          *hr_calibration_new_from_file (GFile          *file,
                                                      GError        **error) G_GNUC_WARN_UNUSED_RESULT;
const HrCalibrationRow *hr_calibration_find          (HrCalibration  *self,
                                                      const char     *program,
                                                      const char     *gpu);
void                    hr_calibration_keep          (HrCalibration  *self,
                                                      const char     *program,
                                                      const char     *gpu,
                                                      gint64          difference,
                                                      const char     *origin);
gboolean                hr_calibration_forget        (HrCalibration  *self,
                                                      const char     *program,
                                                      const char     *gpu);
gboolean                hr_calibration_save          (HrCalibration  *self,
                                                      GFile          *file,
                                                      GError        **error);

G_END_DECLS
