/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_CONTENT (headroom_content_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomContent, headroom_content, HEADROOM, CONTENT, AdwBin)

GtkWidget *headroom_content_new           (HeadroomSession *session,
                                           GListModel      *local_gpus) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_content_take_view     (HeadroomContent *self,
                                           HeadroomContent *old);
void       headroom_content_search        (HeadroomContent *self);
void       headroom_content_choose_gpu    (HeadroomContent *self);
void       headroom_content_show_settings (HeadroomContent *self);
void       headroom_content_show_result   (HeadroomContent *self);
void       headroom_content_move_focus    (HeadroomContent *self,
                                           GtkDirectionType direction);
void       headroom_content_show_error    (HeadroomContent *self,
                                           const char      *title,
                                           const char      *message);
void       headroom_content_clear_error   (HeadroomContent *self);
void       headroom_content_add_toast     (HeadroomContent *self,
                                           AdwToast        *toast);
void       headroom_content_set_dropping  (HeadroomContent *self,
                                           gboolean         dropping);

G_END_DECLS
