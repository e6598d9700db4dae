/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_PICKER_ITEM (headroom_picker_item_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPickerItem, headroom_picker_item, HEADROOM, PICKER_ITEM, GObject)

HeadroomPickerItem *headroom_picker_item_new        (const char         *icon_name,
                                                     const char         *title,
                                                     const char         *subtitle,
                                                     const char         *detail,
                                                     GObject            *object) G_GNUC_WARN_UNUSED_RESULT;
void                headroom_picker_item_set_heading (HeadroomPickerItem *self,
                                                     const char         *heading);
const char         *headroom_picker_item_get_title  (HeadroomPickerItem *self);
GObject            *headroom_picker_item_get_object (HeadroomPickerItem *self);

G_END_DECLS
