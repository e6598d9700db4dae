/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_INPUT_POPOVER (headroom_input_popover_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomInputPopover, headroom_input_popover, HEADROOM, INPUT_POPOVER, GtkPopover)

GtkWidget *headroom_input_popover_new (void);

G_END_DECLS
