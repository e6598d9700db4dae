/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <glib-object.h>

#include "headroom-state.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_HISTORY (headroom_history_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomHistory, headroom_history, HEADROOM, HISTORY, GObject)

HeadroomHistory     *headroom_history_new           (void) G_GNUC_WARN_UNUSED_RESULT;
void                 headroom_history_clear         (HeadroomHistory *self);
void                 headroom_history_record        (HeadroomHistory *self,
                                                     HeadroomState   *state,
                                                     const char      *what,
                                                     gint64           time);
const HeadroomState *headroom_history_get_current   (HeadroomHistory *self);
const HeadroomState *headroom_history_undo          (HeadroomHistory *self);
const HeadroomState *headroom_history_redo          (HeadroomHistory *self);
void                 headroom_history_replace_model (HeadroomHistory *self,
                                                     HrModel         *old_model,
                                                     HrModel         *new_model);
gboolean             headroom_history_can_undo      (HeadroomHistory *self);
gboolean             headroom_history_can_redo      (HeadroomHistory *self);

G_END_DECLS
