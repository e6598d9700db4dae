/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-picker-item.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_PICKER (headroom_picker_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPicker, headroom_picker, HEADROOM, PICKER, AdwBin)

/**
 * HeadroomPickerSearch:
 * @text: what was typed
 * @user_data: the data of headroom_picker_set_search()
 *
 * Finds what matches, the best first.
 *
 * Returns: (transfer full): a list of #HeadroomPickerItem
 */
typedef GListModel *(* HeadroomPickerSearch) (const char *text,
                                              gpointer    user_data);

GtkWidget  *headroom_picker_new         (void) G_GNUC_WARN_UNUSED_RESULT;
void        headroom_picker_set_search  (HeadroomPicker       *self,
                                         HeadroomPickerSearch  search,
                                         gpointer              user_data);
void        headroom_picker_set_entry   (HeadroomPicker       *self,
                                         GtkEditable          *entry);
void        headroom_picker_refresh     (HeadroomPicker       *self);
void        headroom_picker_clear       (HeadroomPicker       *self);
GListModel *headroom_picker_get_results (HeadroomPicker       *self);
gboolean    headroom_picker_pick        (HeadroomPicker       *self);

G_END_DECLS
