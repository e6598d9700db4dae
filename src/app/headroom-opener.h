/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-opened.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_OPENER (headroom_opener_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomOpener, headroom_opener, HEADROOM, OPENER, GObject)

HeadroomOpener *headroom_opener_new           (void) G_GNUC_WARN_UNUSED_RESULT;
void            headroom_opener_cancel        (HeadroomOpener       *self);
void            headroom_opener_open_async    (HeadroomOpener       *self,
                                               gpointer              source_object,
                                               GFile                *file,
                                               GAsyncReadyCallback   callback,
                                               gpointer              user_data);
void            headroom_opener_restore_async (HeadroomOpener       *self,
                                               gpointer              source_object,
                                               HrScenario           *scenario,
                                               GAsyncReadyCallback   callback,
                                               gpointer              user_data);
void            headroom_opener_read_command_async (HeadroomOpener       *self,
                                                    gpointer              source_object,
                                                    const char           *text,
                                                    HrModel              *model,
                                                    GAsyncReadyCallback   callback,
                                                    gpointer              user_data);
HeadroomOpened *headroom_opener_finish        (GAsyncResult         *result,
                                               gboolean             *is_last,
                                               GError              **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
