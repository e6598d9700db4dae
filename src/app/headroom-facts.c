/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-facts.h"

/* Titles longer than this are broken, so that the texts beside them have room. */
#define TITLE_CHARS 12
#define MAX_TITLE_CHARS 18

static GtkWidget *
create_label (const char *text,
              const char *css_class,
              gboolean    is_selectable)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_yalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_selectable (GTK_LABEL (label), is_selectable);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);

  return label;
}

/*
 * Puts a line into a grid of facts: what it is about, and beside it a text that can be selected, in the style of
 * @css_class if that is not NULL.
 */
void
headroom_facts_attach (GtkGrid    *grid,
                       int         row,
                       const char *title,
                       const char *text,
                       const char *css_class)
{
  GtkWidget *label, *value;

  g_return_if_fail (GTK_IS_GRID (grid));

  label = create_label (title, "dim-label", FALSE);
  value = create_label (text, css_class, TRUE);
  gtk_label_set_width_chars (GTK_LABEL (label), TITLE_CHARS);
  gtk_label_set_max_width_chars (GTK_LABEL (label), MAX_TITLE_CHARS);
  gtk_widget_set_hexpand (value, TRUE);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (value), GTK_ACCESSIBLE_RELATION_LABELLED_BY, label, NULL, -1);
  gtk_grid_attach (grid, label, 0, row, 1, 1);
  gtk_grid_attach (grid, value, 1, row, 1, 1);
}
