/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-column-title.h"

static guint
find_position (GListModel          *columns,
               GtkColumnViewColumn *column)
{
  for (guint i = 0; i < g_list_model_get_n_items (columns); i++)
    {
      g_autoptr (GtkColumnViewColumn) other = g_list_model_get_item (columns, i);

      if (other == column)
        return i;
    }

  return GTK_INVALID_LIST_POSITION;
}

static GtkWidget *
find_title (GtkColumnViewColumn *column)
{
  GtkColumnView *view = gtk_column_view_column_get_column_view (column);
  guint position = find_position (gtk_column_view_get_columns (view), column);
  GtkWidget *header = gtk_widget_get_first_child (GTK_WIDGET (view));
  GtkWidget *title = header != NULL ? gtk_widget_get_first_child (header) : NULL;

  for (guint i = 0; i < position && title != NULL; i++)
    title = gtk_widget_get_next_sibling (title);

  return title;
}

/*
 * Puts the title of a column of figures, which is in a view, flush right over its figures. GTK has no way to ask for
 * that, so the header is walked; the arrow that tells how rows are sorted goes before the title, for its room is kept
 * where there is none.
 */
void
headroom_column_title_align_end (GtkColumnViewColumn *column)
{
  GtkWidget *title, *content;

  g_return_if_fail (GTK_IS_COLUMN_VIEW_COLUMN (column));
  g_return_if_fail (gtk_column_view_column_get_column_view (column) != NULL);

  title = find_title (column);
  content = title != NULL ? gtk_widget_get_first_child (title) : NULL;
  if (!GTK_IS_BOX (content))
    return;

  gtk_widget_set_halign (content, GTK_ALIGN_END);
  gtk_box_reorder_child_after (GTK_BOX (content), gtk_widget_get_last_child (content), NULL);
}
