/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-change-list.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_CAPACITY_LIST (headroom_capacity_list_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomCapacityList, headroom_capacity_list, HEADROOM, CAPACITY_LIST, HeadroomChangeList)

GtkWidget *headroom_capacity_list_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
