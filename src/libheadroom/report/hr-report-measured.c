/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-steps.h"

#include <glib/gi18n-lib.h>

#include "hr-figure-names.h"

/* An estimate beside what somebody has measured. */

static void
add_figure (HrAnatomyTable *table,
            const char     *id,
            const char     *label,
            guint64         estimated,
            guint64         measured)
{
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, id, label);
  double difference = (double) estimated - measured;

  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_BYTES, estimated);
  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_BYTES_DIFFERENCE, estimated - measured);
  /* Translators: the same difference in percent of two figures */
  row->note = g_strdup_printf (_("%1$+.1f %% of what was measured, %2$+.1f %% of the estimate"),
                               100 * difference / measured, 100 * difference / estimated);
}

/**
 * hr_report_create_measured: (skip)
 * @self: a report
 * @measured: what somebody has measured, in bytes
 *
 * Sets the figures of an estimate beside a measurement, which may be of any of them: what tensors take, what is
 * reserved for them, and what the device shows.
 *
 * Returns: (transfer full): a table
 */
HrAnatomyTable *
hr_report_create_measured (HrReport *self,
                           guint64   measured)
{
  g_autofree char *size = NULL;
  g_autofree char *description = NULL;
  g_autofree char *allocated = NULL;
  g_autofree char *reserved = NULL;
  const HrFigureNames *names;
  HrAnatomyTable *table;
  HrEstimate *estimate;
  gboolean is_exact;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);
  g_return_val_if_fail (measured > 0, NULL);

  estimate = hr_report_get_estimate (self);
  is_exact = hr_estimate_get_method (estimate) == HR_ESTIMATE_METHOD_EXACT;
  size = hr_format_bytes_in_full (measured);
  /* Translators: a size in three ways */
  description = g_strdup_printf (_("Measured: %s. Each program that measures tells another of these figures."), size);
  table = hr_anatomy_table_new ("measured", _("Compared With a Measurement"), description, _("Figure"));
  hr_anatomy_table_add_column (table, "estimate", _("Estimate"));
  hr_anatomy_table_add_column (table, "difference", _("Difference"));
  names = hr_job_get_figure_names (hr_report_get_job (self));
  /* Translators: what a program calls the memory that is allocated */
  allocated = g_strdup_printf (_("Allocated: %s"), names->used);
  /* Translators: what a program calls the memory that is reserved */
  reserved = names->has_allocator ? g_strdup_printf (_("Reserved: %s"), names->reserved) : NULL;
  if (is_exact)
    add_figure (table, "allocated", allocated, hr_estimate_get_allocated_bytes (estimate), measured);
  if (is_exact && names->has_allocator && hr_estimate_knows_reserved (estimate))
    add_figure (table, "reserved", reserved, hr_estimate_get_reserved_bytes (estimate), measured);
  if (!is_exact)
    add_figure (table, "total", _("Total"), hr_estimate_get_total_bytes (estimate), measured);
  else if (hr_estimate_get_component_bytes (estimate, HR_COMPONENT_FRAMEWORK) > 0)
    add_figure (table, "device", _("Shown by the device: nvidia-smi"), hr_estimate_get_total_bytes (estimate),
                measured);

  return table;
}
