/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-help-menu.h"

#include <glib/gi18n.h>

/* The menu of what has a topic in the help: by the other mouse button, and by the keys for it. */

typedef struct
{
  GtkWidget *widget;
  char *topic;
  char *title;
  GtkWidget *popover;
} HelpMenu;

static void
help_menu_drop (HelpMenu *self)
{
  g_clear_pointer (&self->popover, gtk_widget_unparent);
}

static void
help_menu_free (gpointer data,
                GClosure *closure)
{
  HelpMenu *self = data;

  g_free (self->topic);
  g_free (self->title);
  g_free (self);
}

static void
help_menu_pop_up (HelpMenu           *self,
                  const GdkRectangle *place)
{
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autoptr (GMenuItem) item = NULL;
  /* Translators: an item of a menu; the place is the title of a setting or the name of a part of the memory */
  g_autofree char *label = g_strdup_printf (_("_Help on “%s”"), self->title);

  item = g_menu_item_new (label, NULL);
  g_menu_item_set_action_and_target (item, "win.look-up", "s", self->topic);
  g_menu_append_item (menu, item);

  help_menu_drop (self);
  self->popover = gtk_popover_menu_new_from_model (G_MENU_MODEL (menu));
  gtk_widget_set_parent (self->popover, self->widget);
  gtk_popover_set_has_arrow (GTK_POPOVER (self->popover), FALSE);
  gtk_widget_set_halign (self->popover, GTK_ALIGN_START);
  if (place != NULL)
    gtk_popover_set_pointing_to (GTK_POPOVER (self->popover), place);
  gtk_popover_popup (GTK_POPOVER (self->popover));
}

static void
pressed_cb (GtkGestureClick *gesture,
            int              n_press,
            double           x,
            double           y,
            HelpMenu        *self)
{
  GdkRectangle place = { x, y, 1, 1 };

  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  help_menu_pop_up (self, &place);
}

static gboolean
shortcut_cb (GtkWidget *widget,
             GVariant  *arguments,
             gpointer   user_data)
{
  help_menu_pop_up (user_data, NULL);

  return TRUE;
}

static void
add_shortcut (GtkEventController *controller,
              guint               key,
              GdkModifierType     modifiers,
              HelpMenu           *menu)
{
  gtk_shortcut_controller_add_shortcut (GTK_SHORTCUT_CONTROLLER (controller),
                                        gtk_shortcut_new (gtk_keyval_trigger_new (key, modifiers),
                                                          gtk_callback_action_new (shortcut_cb, menu, NULL)));
}

/*
 * headroom_help_menu_attach:
 * @widget: a row
 * @topic: the key of what the help says of it
 * @title: what that is called
 *
 * Gives a row a menu that leads to the help.
 */
void
headroom_help_menu_attach (GtkWidget  *widget,
                           const char *topic,
                           const char *title)
{
  HelpMenu *self;
  GtkGesture *click;
  GtkEventController *keys;

  g_return_if_fail (GTK_IS_WIDGET (widget));
  g_return_if_fail (topic != NULL);
  g_return_if_fail (title != NULL);

  self = g_new0 (HelpMenu, 1);
  self->widget = widget;
  self->topic = g_strdup (topic);
  self->title = g_strdup (title);

  click = gtk_gesture_click_new ();
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), GDK_BUTTON_SECONDARY);
  g_signal_connect (click, "pressed", G_CALLBACK (pressed_cb), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (click));

  keys = gtk_shortcut_controller_new ();
  add_shortcut (keys, GDK_KEY_Menu, 0, self);
  add_shortcut (keys, GDK_KEY_F10, GDK_SHIFT_MASK, self);
  gtk_widget_add_controller (widget, keys);

  g_signal_connect_data (widget, "destroy", G_CALLBACK (help_menu_drop), self, help_menu_free, G_CONNECT_SWAPPED);
}
