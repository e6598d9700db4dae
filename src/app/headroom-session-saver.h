/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_SESSION_SAVER (headroom_session_saver_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomSessionSaver, headroom_session_saver, HEADROOM, SESSION_SAVER, GObject)

HeadroomSessionSaver *headroom_session_saver_new  (HeadroomSession      *session) G_GNUC_WARN_UNUSED_RESULT;
void                  headroom_session_saver_save (HeadroomSessionSaver *self);

G_END_DECLS
