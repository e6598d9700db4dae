/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

GtkEntry *headroom_entry_box_fill (AdwPreferencesRow  *row,
                                   GCallback           apply,
                                   GtkBox            **header);

G_END_DECLS
