/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-entry-box.h"

/*
 * Fills a row for a text that may be long: its title and whatever is put beside it in @header above, the text below.
 *
 * What is typed holds once it is done with, by Enter or by going elsewhere: then @apply is called with the row.
 *
 * Returns the entry.
 */
GtkEntry *
headroom_entry_box_fill (AdwPreferencesRow  *row,
                         GCallback           apply,
                         GtkBox            **header)
{
  GtkWidget *box, *title, *entry;
  GtkEventController *focus;

  g_return_val_if_fail (ADW_IS_PREFERENCES_ROW (row), NULL);
  g_return_val_if_fail (header != NULL, NULL);

  title = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_wrap (GTK_LABEL (title), TRUE);
  gtk_widget_set_hexpand (title, TRUE);
  g_object_bind_property (row, "title", title, "label", G_BINDING_SYNC_CREATE);
  *header = GTK_BOX (gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6));
  gtk_box_append (*header, title);

  entry = gtk_entry_new ();
  focus = gtk_event_controller_focus_new ();
  gtk_accessible_update_relation (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_RELATION_LABELLED_BY, title, NULL, -1);
  g_signal_connect_object (entry, "activate", apply, row, G_CONNECT_SWAPPED);
  g_signal_connect_object (focus, "leave", apply, row, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (entry, focus);

  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  gtk_widget_set_margin_top (box, 8);
  gtk_widget_set_margin_bottom (box, 12);
  gtk_widget_set_margin_start (box, 12);
  gtk_widget_set_margin_end (box, 12);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (*header));
  gtk_box_append (GTK_BOX (box), entry);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_focusable (GTK_WIDGET (row), FALSE);

  return GTK_ENTRY (entry);
}
