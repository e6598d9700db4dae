/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * HrUnitSystem:
 * @HR_UNIT_SYSTEM_BINARY: powers of 1024: KiB, MiB, GiB, TiB
 * @HR_UNIT_SYSTEM_DECIMAL: powers of 1000: kB, MB, GB, TB
 *
 * The units that sizes are shown in.
 */
typedef enum
{
  HR_UNIT_SYSTEM_BINARY,
  HR_UNIT_SYSTEM_DECIMAL,
} HrUnitSystem;

guint64 hr_get_byte_unit           (guint64      bytes,
                                    HrUnitSystem system,
                                    const char **name);
char *hr_format_bytes              (guint64      bytes,
                                    HrUnitSystem system) G_GNUC_WARN_UNUSED_RESULT;
char *hr_format_bytes_difference   (gint64       bytes,
                                    HrUnitSystem system) G_GNUC_WARN_UNUSED_RESULT;
char *hr_format_bytes_in_full      (guint64      bytes) G_GNUC_WARN_UNUSED_RESULT;
gboolean hr_parse_bytes            (const char  *text,
                                    guint64     *bytes,
                                    GError     **error);
char *hr_format_integer            (guint64      number) G_GNUC_WARN_UNUSED_RESULT;
char *hr_format_count              (guint64      count) G_GNUC_WARN_UNUSED_RESULT;
char *hr_format_percentage         (guint64      part,
                                    guint64      whole) G_GNUC_WARN_UNUSED_RESULT;
char *hr_format_operations         (double       operations) G_GNUC_WARN_UNUSED_RESULT;
char *hr_format_operations_in_full (guint64      operations) G_GNUC_WARN_UNUSED_RESULT;
char *hr_format_seconds            (double       seconds) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
