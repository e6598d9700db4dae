/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "headroom-picker-item.h"

G_BEGIN_DECLS

GListModel *headroom_model_list_search (const char *text,
                                        GSettings  *settings,
                                        guint       max_entries) G_GNUC_WARN_UNUSED_RESULT;
const char *headroom_model_list_get_id (HeadroomPickerItem *item);

G_END_DECLS
