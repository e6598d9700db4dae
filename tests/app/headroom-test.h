/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-window.h"

G_BEGIN_DECLS

/* Turns the main loop until @condition holds; fails after thirty seconds. */
#define HEADROOM_TEST_WAIT_FOR(condition) \
  G_STMT_START { \
    gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC; \
    while (!(condition)) \
      { \
        if (g_get_monotonic_time () > end) \
          g_error ("%s:%d: waited in vain for %s", G_STRFUNC, __LINE__, #condition); \
        if (!g_main_context_iteration (NULL, FALSE)) \
          g_usleep (1000); \
      } \
  } G_STMT_END

void            headroom_test_init            (int            *argc,
                                               char         ***argv);
gboolean        headroom_test_init_display    (int            *argc,
                                               char         ***argv);
void            headroom_test_settle          (void);
GFile          *headroom_test_write           (const char     *name,
                                               const char     *contents) G_GNUC_WARN_UNUSED_RESULT;
GFile          *headroom_test_write_config    (const char     *name) G_GNUC_WARN_UNUSED_RESULT;
HeadroomWindow *headroom_test_window_new      (void) G_GNUC_WARN_UNUSED_RESULT;
void            headroom_test_window_open     (HeadroomWindow *window,
                                               GFile          *file);
void            headroom_test_window_destroy  (HeadroomWindow *window);
GtkWidget      *headroom_test_find            (GtkWidget      *widget,
                                               GType           type,
                                               const char     *name);
GtkWidget      *headroom_test_find_label      (GtkWidget      *widget,
                                               const char     *text);
gboolean        headroom_test_is_shown        (GtkWidget      *widget,
                                               const char     *text);
gboolean        headroom_test_says            (GtkWidget      *widget,
                                               const char     *part);
void            headroom_test_close           (GtkWidget      *window);
gboolean        headroom_test_press           (GtkWidget      *widget,
                                               guint           keyval,
                                               GdkModifierType modifiers);

G_END_DECLS
