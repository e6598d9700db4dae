/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-side-windows.h"

#include "headroom-anatomy-window.h"
#include "headroom-compare-window.h"
#include "headroom-examples-window.h"
#include "headroom-help-window.h"
#include "headroom-launch-window.h"
#include "headroom-plan-window.h"
#include "headroom-precision-window.h"

/*
 * HeadroomSideWindows:
 *
 * The windows that stand beside one that has a session, at most one of each kind. They are made when they are asked
 * for, and go when the user closes them or their owner.
 */
struct _HeadroomSideWindows
{
  GObject parent_instance;

  GtkWindow *owner;
  HeadroomSession *session;
  GtkWidget *windows[HEADROOM_N_SIDE_WINDOWS];
};

G_DEFINE_FINAL_TYPE (HeadroomSideWindows, headroom_side_windows, G_TYPE_OBJECT)

static GtkWidget *
create_help (HeadroomSession *session)
{
  return headroom_help_window_new ();
}

static void
take_anatomy (GtkWidget *window,
              GtkWidget *old)
{
  headroom_anatomy_window_take_view (HEADROOM_ANATOMY_WINDOW (window), HEADROOM_ANATOMY_WINDOW (old));
}

static void
take_precision (GtkWidget *window,
                GtkWidget *old)
{
  headroom_precision_window_take_view (HEADROOM_PRECISION_WINDOW (window), HEADROOM_PRECISION_WINDOW (old));
}

static void
take_launch (GtkWidget *window,
             GtkWidget *old)
{
  headroom_launch_window_take_view (HEADROOM_LAUNCH_WINDOW (window), HEADROOM_LAUNCH_WINDOW (old));
}

static void
take_help (GtkWidget *window,
           GtkWidget *old)
{
  const char *id = headroom_help_window_get_shown (HEADROOM_HELP_WINDOW (old));

  if (id != NULL)
    headroom_help_window_show (HEADROOM_HELP_WINDOW (window), id);
}

/* How a window is made, and how it puts the user where they were in one that it takes the place of. */
static const struct
{
  GtkWidget *(* create) (HeadroomSession *session);
  void       (* take)   (GtkWidget *window, GtkWidget *old);
} kinds[HEADROOM_N_SIDE_WINDOWS] = {
  [HEADROOM_SIDE_WINDOW_ANATOMY] = { headroom_anatomy_window_new, take_anatomy },
  [HEADROOM_SIDE_WINDOW_PRECISION] = { headroom_precision_window_new, take_precision },
  [HEADROOM_SIDE_WINDOW_COMPARISON] = { headroom_compare_window_new, NULL },
  [HEADROOM_SIDE_WINDOW_EXAMPLES] = { headroom_examples_window_new, NULL },
  [HEADROOM_SIDE_WINDOW_LAUNCH] = { headroom_launch_window_new, take_launch },
  [HEADROOM_SIDE_WINDOW_PLAN] = { headroom_plan_window_new, NULL },
  [HEADROOM_SIDE_WINDOW_HELP] = { create_help, take_help },
};

/* The keys of the application that make sense in every window. GTK leaves them to windows that belong to it. */
static void
add_shortcuts (GtkWidget      *window,
               GtkApplication *application)
{
  static const struct
  {
    const char *trigger;
    const char *action;
  } shortcuts[] = {
    { "<Control>w", "window.close" },
    { "<Control>q", "app.quit" },
    { "<Control>comma", "app.preferences" },
  };
  GtkEventController *controller = gtk_shortcut_controller_new ();

  if (application != NULL)
    gtk_widget_insert_action_group (window, "app", G_ACTION_GROUP (application));
  for (guint i = 0; i < G_N_ELEMENTS (shortcuts); i++)
    gtk_shortcut_controller_add_shortcut (GTK_SHORTCUT_CONTROLLER (controller),
                                          gtk_shortcut_new (gtk_shortcut_trigger_parse_string (shortcuts[i].trigger),
                                                            gtk_named_action_new (shortcuts[i].action)));
  gtk_widget_add_controller (window, controller);
}

static void
headroom_side_windows_dispose (GObject *object)
{
  HeadroomSideWindows *self = HEADROOM_SIDE_WINDOWS (object);

  for (guint i = 0; i < HEADROOM_N_SIDE_WINDOWS; i++)
    g_clear_weak_pointer (&self->windows[i]);
  g_clear_weak_pointer (&self->owner);
  g_clear_object (&self->session);

  G_OBJECT_CLASS (headroom_side_windows_parent_class)->dispose (object);
}

static void
headroom_side_windows_class_init (HeadroomSideWindowsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_side_windows_dispose;
}

static void
headroom_side_windows_init (HeadroomSideWindows *self)
{
}

/*
 * Creates what keeps the windows beside @owner, which show @session.
 */
HeadroomSideWindows *
headroom_side_windows_new (GtkWindow       *owner,
                           HeadroomSession *session)
{
  HeadroomSideWindows *self;

  g_return_val_if_fail (GTK_IS_WINDOW (owner), NULL);
  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);

  self = g_object_new (HEADROOM_TYPE_SIDE_WINDOWS, NULL);
  g_set_weak_pointer (&self->owner, owner);
  self->session = g_object_ref (session);

  return self;
}

/*
 * Gets a window, which is made if it is not there. It is not shown yet then.
 */
GtkWidget *
headroom_side_windows_get (HeadroomSideWindows *self,
                           HeadroomSideWindow   kind)
{
  GtkWidget *window;

  g_return_val_if_fail (HEADROOM_IS_SIDE_WINDOWS (self), NULL);
  g_return_val_if_fail (kind < HEADROOM_N_SIDE_WINDOWS, NULL);

  if (self->windows[kind] != NULL)
    return self->windows[kind];

  window = kinds[kind].create (self->session);
  gtk_window_set_transient_for (GTK_WINDOW (window), self->owner);
  gtk_window_set_destroy_with_parent (GTK_WINDOW (window), TRUE);
  add_shortcuts (window, gtk_window_get_application (self->owner));
  g_set_weak_pointer (&self->windows[kind], window);

  return window;
}

/*
 * Shows a window, above the others.
 */
void
headroom_side_windows_present (HeadroomSideWindows *self,
                               HeadroomSideWindow   kind)
{
  g_return_if_fail (HEADROOM_IS_SIDE_WINDOWS (self));

  gtk_window_present (GTK_WINDOW (headroom_side_windows_get (self, kind)));
}

/*
 * Makes the windows that are there anew, for another language, and puts the user where they were.
 */
void
headroom_side_windows_rebuild (HeadroomSideWindows *self)
{
  g_return_if_fail (HEADROOM_IS_SIDE_WINDOWS (self));

  for (guint kind = 0; kind < HEADROOM_N_SIDE_WINDOWS; kind++)
    {
      GtkWidget *old = self->windows[kind];

      if (old == NULL)
        continue;

      g_clear_weak_pointer (&self->windows[kind]);
      if (kinds[kind].take != NULL)
        kinds[kind].take (headroom_side_windows_get (self, kind), old);
      headroom_side_windows_present (self, kind);
      gtk_window_destroy (GTK_WINDOW (old));
    }
}
