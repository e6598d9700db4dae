/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrWorkFunc:
 * @index: which of the pieces of work
 * @user_data: what hr_workers_run() was given
 *
 * Does a piece of work, in any thread. It writes nothing that another piece reads or writes.
 */
typedef void (*HrWorkFunc) (guint    index,
                            gpointer user_data);

guint hr_workers_get_n (void);
void  hr_workers_run   (guint      n,
                        HrWorkFunc work,
                        gpointer   user_data);

G_END_DECLS
