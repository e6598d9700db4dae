/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-session.h"

G_BEGIN_DECLS

void     headroom_session_open_async    (HeadroomSession      *self,
                                         GFile                *file,
                                         GAsyncReadyCallback   callback,
                                         gpointer              user_data);
void     headroom_session_restore_async (HeadroomSession      *self,
                                         HrScenario           *scenario,
                                         GAsyncReadyCallback   callback,
                                         gpointer              user_data);
void     headroom_session_read_command_async
                                        (HeadroomSession      *self,
                                         const char           *text,
                                         GAsyncReadyCallback   callback,
                                         gpointer              user_data);
gboolean headroom_session_open_finish   (HeadroomSession      *self,
                                         GAsyncResult         *result,
                                         char                **problems,
                                         GError              **error);

G_END_DECLS
