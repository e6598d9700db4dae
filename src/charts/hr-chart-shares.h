/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void hr_chart_shares (const guint64 *values,
                      guint          n_values,
                      double         extent,
                      double         minimum,
                      double        *shares);

G_END_DECLS
