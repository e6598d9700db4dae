/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-calibration.h"

#include <glib/gi18n-lib.h>

#include "hr-error.h"
#include "hr-log-report.h"

/* What a machine has shown of a program, beside an estimate of a job that the program does on such a GPU. */

/* What does the job: an engine where there is one, a framework otherwise. */
static char *
dup_program (HrReport *self)
{
  HrJob *job = hr_report_get_job (self);
  GObjectClass *klass = G_OBJECT_GET_CLASS (job);

  return hr_job_get_as_string (job, g_object_class_find_property (klass, "engine") != NULL ? "engine" : "framework");
}

static const HrCalibrationRow *
find_row (HrReport      *self,
          HrCalibration *calibration)
{
  g_autofree char *program = NULL;

  if (calibration == NULL || hr_report_get_gpu (self) == NULL)
    return NULL;

  program = dup_program (self);

  return hr_calibration_find (calibration, program, hr_gpu_get_id (hr_report_get_gpu (self)));
}

/*
 * What is held beside tensors and buffers is what machines differ in, so that it counts alone where a log says it; the
 * figure of a process is compared with all.
 */
static gboolean
get_difference (HrReport *self,
                HrLog    *log,
                guint64   measured,
                gint64   *difference)
{
  HrEstimate *estimate = hr_report_get_estimate (self);
  guint64 logged;

  if (log != NULL && hr_log_get_largest (log, HR_LOG_NON_TORCH, &logged, NULL))
    {
      *difference = (gint64) logged - (gint64) hr_estimate_get_non_torch_bytes (estimate);
      return TRUE;
    }
  if (log == NULL || !hr_log_get_largest (log, HR_LOG_PROCESS, &logged, NULL))
    logged = measured;
  *difference = (gint64) logged - (gint64) hr_estimate_get_total_bytes (estimate);

  return logged > 0;
}

/**
 * hr_report_calibrate:
 * @self: a report
 * @log: (nullable): what the program has written that did the job, or %NULL
 * @measured: what somebody has measured of the process, in bytes; 0: nothing
 * @calibration: what is known of the machine
 * @error: return location for an error
 *
 * Takes down by how much the program took more than is estimated on this kind of GPU.
 *
 * Returns: whether that is known; otherwise @error is set, which says what is missing
 */
gboolean
hr_report_calibrate (HrReport       *self,
                     HrLog          *log,
                     guint64         measured,
                     HrCalibration  *calibration,
                     GError        **error)
{
  g_autofree char *program = NULL;
  g_autofree char *origin = NULL;
  gint64 difference;

  g_return_val_if_fail (HR_IS_REPORT (self), FALSE);
  g_return_val_if_fail (log == NULL || HR_IS_LOG (log), FALSE);
  g_return_val_if_fail (HR_IS_CALIBRATION (calibration), FALSE);

  if (hr_report_get_gpu (self) == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("It is not said which GPU the figures are of"));
      return FALSE;
    }
  if (!get_difference (self, log, measured, &difference))
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("The log says neither what the process takes nor what is held beside torch’s allocator"));
      return FALSE;
    }

  program = dup_program (self);
  origin = log != NULL ? hr_log_dup_title (log) : g_strdup (program);
  hr_calibration_keep (calibration, program, hr_gpu_get_id (hr_report_get_gpu (self)), difference, origin);

  return TRUE;
}

/**
 * hr_report_forget_calibration:
 * @self: a report
 * @calibration: what is known of the machine
 *
 * Forgets what is known of the program that does the job on this kind of GPU.
 *
 * Returns: whether there was anything
 */
gboolean
hr_report_forget_calibration (HrReport      *self,
                              HrCalibration *calibration)
{
  const HrCalibrationRow *row;

  g_return_val_if_fail (HR_IS_REPORT (self), FALSE);
  g_return_val_if_fail (HR_IS_CALIBRATION (calibration), FALSE);

  row = find_row (self, calibration);

  return row != NULL && hr_calibration_forget (calibration, row->program, row->gpu);
}

/**
 * hr_report_find_calibration: (skip)
 * @self: a report
 *
 * Finds what its calibration knows of the program that does the job on its kind of GPU.
 *
 * Returns: (transfer none) (nullable): the row, or %NULL
 */
const HrCalibrationRow *
hr_report_find_calibration (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return find_row (self, hr_report_get_calibration (self));
}

/**
 * hr_report_get_calibrated_bytes:
 * @self: a report
 * @bytes: (out) (optional): what the job takes
 *
 * Gets what the job takes on a machine that has shown by how much the program takes more than is estimated.
 *
 * Returns: whether that is known, for a kind of job that the program was seen to do
 */
gboolean
hr_report_get_calibrated_bytes (HrReport *self,
                                guint64  *bytes)
{
  const HrCalibrationRow *row;
  guint64 total;

  g_return_val_if_fail (HR_IS_REPORT (self), FALSE);

  row = hr_report_find_calibration (self);
  total = hr_estimate_get_total_bytes (hr_report_get_estimate (self));
  if (row == NULL || (row->difference < 0 && (guint64) -row->difference >= total))
    return FALSE;

  if (bytes != NULL)
    *bytes = total + (guint64) row->difference;

  return TRUE;
}

/**
 * hr_report_dup_calibrated:
 * @self: a report
 *
 * Says what the job takes on a machine that has shown something of the program.
 *
 * Returns: (transfer full) (nullable): a sentence without a full stop, or %NULL if nothing is known
 */
char *
hr_report_dup_calibrated (HrReport *self)
{
  HrUnitSystem units = hr_report_get_unit_system (self);
  g_autofree char *size = NULL;
  g_autofree char *difference = NULL;
  const HrCalibrationRow *row;
  guint64 bytes;

  if (!hr_report_get_calibrated_bytes (self, &bytes))
    return NULL;

  row = hr_report_find_calibration (self);
  size = hr_format_bytes (bytes, units);
  difference = hr_format_bytes_difference (row->difference, units);

  /* Translators: 1 and 2 sizes, 2 with its sign, 3 a program such as “vLLM 0.8.5”, 4 a day */
  return g_strdup_printf (_("%1$s on this machine: %2$s against the estimate, as %3$s showed on %4$s"), size,
                          difference, row->origin, row->date);
}
