/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-session-saver.h"
#include "headroom-side-windows.h"
#include "headroom-window.h"

G_BEGIN_DECLS

/*
 * HeadroomWindow:
 *
 * A session, the actions on it (headroom-window-actions.c), and the content that shows it.
 */
struct _HeadroomWindow
{
  AdwApplicationWindow parent_instance;

  HeadroomSession *session;
  HeadroomContent *content;
  GListModel *local_gpus;
  GSettings *settings;
  HeadroomSideWindows *side_windows;
  HeadroomSessionSaver *saver;
  HrGpu *guessed_gpu;
};

void _headroom_window_class_actions_init (HeadroomWindowClass *klass);
void _headroom_window_actions_init       (HeadroomWindow      *self);
void _headroom_window_show_error         (HeadroomWindow      *self,
                                          const char          *title,
                                          const GError        *error);
void _headroom_window_show_toast         (HeadroomWindow      *self,
                                          const char          *text);

G_END_DECLS
