/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-anatomy.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_TENSOR_LIST (headroom_tensor_list_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomTensorList, headroom_tensor_list, HEADROOM, TENSOR_LIST, AdwBin)

GtkWidget  *headroom_tensor_list_new      (void) G_GNUC_WARN_UNUSED_RESULT;
void        headroom_tensor_list_show     (HeadroomTensorList *self,
                                           HrAnatomy          *anatomy,
                                           HrUnitSystem        unit_system);
void        headroom_tensor_list_set_text (HeadroomTensorList *self,
                                           const char         *text);
void        headroom_tensor_list_set_part (HeadroomTensorList *self,
                                           HrPart              part);
GListModel *headroom_tensor_list_get_rows (HeadroomTensorList *self);
char       *headroom_tensor_list_dup_sum  (HeadroomTensorList *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
