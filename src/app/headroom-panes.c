/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-panes.h"

static int
find_pane (GPtrArray *panes,
           GtkWidget *focus)
{
  for (guint i = 0; focus != NULL && i < panes->len; i++)
    {
      GtkWidget *pane = g_ptr_array_index (panes, i);

      if (focus == pane || gtk_widget_is_ancestor (focus, pane))
        return i;
    }

  return -1;
}

/*
 * headroom_panes_move:
 * @panes: (element-type GtkWidget): parts of a window, in order
 * @focus: (nullable): the widget that has the focus
 * @direction: %GTK_DIR_TAB_FORWARD or %GTK_DIR_TAB_BACKWARD
 *
 * Moves the focus to the first widget of the next part that can have it, or of the one before, from the last on to the
 * first and the other way round.
 *
 * Returns: whether it was moved
 */
gboolean
headroom_panes_move (GPtrArray        *panes,
                     GtkWidget        *focus,
                     GtkDirectionType  direction)
{
  int step = direction == GTK_DIR_TAB_BACKWARD ? -1 : 1;
  int current = find_pane (panes, focus);
  int n_panes = panes->len;

  g_return_val_if_fail (panes != NULL, FALSE);

  if (current < 0 && step < 0)
    current = 0;
  for (int i = 1; i < n_panes; i++)
    {
      GtkWidget *pane = g_ptr_array_index (panes, ((current + step * i) % n_panes + n_panes) % n_panes);

      if (gtk_widget_get_mapped (pane) && gtk_widget_child_focus (pane, GTK_DIR_TAB_FORWARD))
        return TRUE;
    }

  return FALSE;
}
