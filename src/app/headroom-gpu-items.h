/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>
#include <hr-units.h>

G_BEGIN_DECLS

void headroom_gpu_items_append (GListStore   *items,
                                GListModel   *gpus,
                                const char   *text,
                                HrUnitSystem  unit_system);

G_END_DECLS
