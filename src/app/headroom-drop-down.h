/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void headroom_drop_down_set_title (GtkDropDown *choice,
                                   const char  *title);

G_END_DECLS
