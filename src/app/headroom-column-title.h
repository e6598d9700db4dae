/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void headroom_column_title_align_end (GtkColumnViewColumn *column);

G_END_DECLS
