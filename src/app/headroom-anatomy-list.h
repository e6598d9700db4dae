/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-anatomy.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_ANATOMY_LIST (headroom_anatomy_list_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomAnatomyList, headroom_anatomy_list, HEADROOM, ANATOMY_LIST, AdwBin)

GtkWidget  *headroom_anatomy_list_new       (void) G_GNUC_WARN_UNUSED_RESULT;
void        headroom_anatomy_list_show      (HeadroomAnatomyList    *self,
                                             HrAnatomyTable * const *tables,
                                             guint                   n_tables,
                                             HrUnitSystem            unit_system);
GListModel *headroom_anatomy_list_get_items (HeadroomAnatomyList    *self);

G_END_DECLS
