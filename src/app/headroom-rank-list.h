/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-report.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_RANK_LIST (headroom_rank_list_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomRankList, headroom_rank_list, HEADROOM, RANK_LIST, AdwBin)

GtkWidget *headroom_rank_list_new          (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_rank_list_show         (HeadroomRankList *self,
                                            HrReport         *report);
int        headroom_rank_list_get_selected (HeadroomRankList *self);
void       headroom_rank_list_set_selected (HeadroomRankList *self,
                                            int               selected);

G_END_DECLS
