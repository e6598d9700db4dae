/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-drop-down.h"

#include <glib/gi18n.h>

static void
free_title (gpointer  title,
            GClosure *closure)
{
  g_free (title);
}

/* What is chosen, as a text: by the expression of the choice, which strings do without. */
static char *
dup_chosen (GtkDropDown *choice)
{
  GtkExpression *expression = gtk_drop_down_get_expression (choice);
  gpointer item = gtk_drop_down_get_selected_item (choice);
  g_auto (GValue) value = G_VALUE_INIT;

  if (GTK_IS_STRING_OBJECT (item))
    return g_strdup (gtk_string_object_get_string (item));
  if (item == NULL || expression == NULL || !gtk_expression_evaluate (expression, item, &value))
    return NULL;

  return g_value_dup_string (&value);
}

static void
update_name (GtkDropDown *choice,
             GParamSpec  *pspec,
             const char  *title)
{
  GtkWidget *button = gtk_widget_get_first_child (GTK_WIDGET (choice));
  g_autofree char *chosen = dup_chosen (choice);
  g_autofree char *name = NULL;

  if (chosen != NULL)
    /* Translators: read by screen readers: 1 the title of a choice, 2 what is chosen */
    name = g_strdup_printf (_("%1$s: %2$s"), title, chosen);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name != NULL ? name : title, -1);
}

/*
 * headroom_drop_down_set_title:
 * @choice: a choice of strings, or of what it has an expression for
 * @title: what is chosen
 *
 * Names the button of a choice for screen readers: the focus comes to it, and its own name is that of its type.
 */
void
headroom_drop_down_set_title (GtkDropDown *choice,
                              const char  *title)
{
  g_return_if_fail (GTK_IS_DROP_DOWN (choice));
  g_return_if_fail (title != NULL);

  gtk_widget_set_tooltip_text (GTK_WIDGET (choice), title);
  g_signal_connect_data (choice, "notify::selected-item", G_CALLBACK (update_name), g_strdup (title),
                         free_title, 0);
  update_name (choice, NULL, title);
}
