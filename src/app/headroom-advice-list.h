/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-job.h"
#include "hr-report.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_ADVICE_LIST (headroom_advice_list_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomAdviceList, headroom_advice_list, HEADROOM, ADVICE_LIST, AdwBin)

GtkWidget *headroom_advice_list_new  (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_advice_list_show (HeadroomAdviceList *self,
                                      HrReport           *report);

G_END_DECLS
