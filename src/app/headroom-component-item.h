/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "hr-component.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_COMPONENT_ITEM (headroom_component_item_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomComponentItem, headroom_component_item, HEADROOM, COMPONENT_ITEM, GObject)

HeadroomComponentItem *headroom_component_item_new       (HrComponent           *component,
                                                          guint                  index,
                                                          guint64                total) G_GNUC_WARN_UNUSED_RESULT;
HrComponent           *headroom_component_item_get       (HeadroomComponentItem *self);
guint                  headroom_component_item_get_index (HeadroomComponentItem *self);
const char            *headroom_component_item_get_label (HeadroomComponentItem *self);
guint64                headroom_component_item_get_bytes (HeadroomComponentItem *self);
guint64                headroom_component_item_get_total (HeadroomComponentItem *self);

G_END_DECLS
