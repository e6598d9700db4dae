/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-change-list.h"

#include <glib/gi18n.h>

/*
 * HeadroomChangeList:
 *
 * Changes to a job, each with a button that makes it; what was made last can be undone: what the lists of advice and of
 * what fits have in common.
 *
 * They are looked for an estimate at a time, while nothing else is to be done, when the settings have been left alone
 * for a moment.
 */
typedef struct
{
  GtkListBox *list;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
  gpointer search;
  HrUnitSystem unit_system;
  guint source;
  char *applied;                  /* the change that was made last, as long as the job is as it has made it */
  char *applied_title;
} HeadroomChangeListPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (HeadroomChangeList, headroom_change_list, ADW_TYPE_BIN)

static void
headroom_change_list_give_up (HeadroomChangeList *self)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  g_clear_handle_id (&priv->source, g_source_remove);
  g_clear_pointer (&priv->search, HEADROOM_CHANGE_LIST_GET_CLASS (self)->free_search);
}

static void
headroom_change_list_dispose (GObject *object)
{
  HeadroomChangeList *self = HEADROOM_CHANGE_LIST (object);
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  headroom_change_list_give_up (self);
  g_clear_object (&priv->job);
  g_clear_object (&priv->gpu);

  G_OBJECT_CLASS (headroom_change_list_parent_class)->dispose (object);
}

static void
headroom_change_list_finalize (GObject *object)
{
  HeadroomChangeList *self = HEADROOM_CHANGE_LIST (object);
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  g_free (priv->applied);
  g_free (priv->applied_title);

  G_OBJECT_CLASS (headroom_change_list_parent_class)->finalize (object);
}

static void
headroom_change_list_constructed (GObject *object)
{
  HeadroomChangeList *self = HEADROOM_CHANGE_LIST (object);
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  G_OBJECT_CLASS (headroom_change_list_parent_class)->constructed (object);

  gtk_accessible_update_property (GTK_ACCESSIBLE (priv->list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _(HEADROOM_CHANGE_LIST_GET_CLASS (self)->title), -1);
}

static void
headroom_change_list_class_init (HeadroomChangeListClass *klass)
{
  G_OBJECT_CLASS (klass)->constructed = headroom_change_list_constructed;
  G_OBJECT_CLASS (klass)->dispose = headroom_change_list_dispose;
  G_OBJECT_CLASS (klass)->finalize = headroom_change_list_finalize;
}

static void
headroom_change_list_init (HeadroomChangeList *self)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  priv->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_list_box_set_selection_mode (priv->list, GTK_SELECTION_NONE);
  gtk_widget_add_css_class (GTK_WIDGET (priv->list), "boxed-list");
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (priv->list));
}

static void
headroom_change_list_fill (HeadroomChangeList *self)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (priv->list, 0)) != NULL)
    gtk_list_box_remove (priv->list, GTK_WIDGET (row));

  if (priv->applied != NULL && !headroom_change_list_is_set (self, priv->applied))
    {
      g_clear_pointer (&priv->applied, g_free);
      g_clear_pointer (&priv->applied_title, g_free);
    }

  gtk_widget_set_sensitive (GTK_WIDGET (priv->list), TRUE);
  HEADROOM_CHANGE_LIST_GET_CLASS (self)->fill (self, priv->search);
  gtk_widget_set_visible (GTK_WIDGET (self), gtk_list_box_get_row_at_index (priv->list, 0) != NULL);
}

static gboolean
headroom_change_list_search_cb (gpointer user_data)
{
  HeadroomChangeList *self = user_data;
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  if (HEADROOM_CHANGE_LIST_GET_CLASS (self)->step (priv->search))
    return G_SOURCE_CONTINUE;

  headroom_change_list_fill (self);
  g_clear_pointer (&priv->search, HEADROOM_CHANGE_LIST_GET_CLASS (self)->free_search);
  priv->source = 0;

  return G_SOURCE_REMOVE;
}

static gboolean
headroom_change_list_begin_cb (gpointer user_data)
{
  HeadroomChangeList *self = user_data;
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  priv->source = g_idle_add (headroom_change_list_search_cb, self);

  return G_SOURCE_REMOVE;
}

/*
 * headroom_change_list_show:
 * @self: a list of changes
 * @report: a report; where nothing is found, the list is hidden
 *
 * Looks for changes, and shows them when they have been found; until then what there was before stays, greyed out.
 */
void
headroom_change_list_show (HeadroomChangeList *self,
                           HrReport           *report)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);
  HeadroomChangeListClass *klass;

  g_return_if_fail (HEADROOM_IS_CHANGE_LIST (self));
  g_return_if_fail (HR_IS_REPORT (report));

  klass = HEADROOM_CHANGE_LIST_GET_CLASS (self);
  headroom_change_list_give_up (self);

  g_set_object (&priv->job, hr_report_get_asked_job (report));
  g_set_object (&priv->gpu, hr_report_get_gpu (report));
  priv->n_gpus = hr_report_get_n_gpus (report);
  priv->unit_system = hr_report_get_unit_system (report);
  priv->search = klass->create_search (report);
  priv->source = g_timeout_add (klass->delay, headroom_change_list_begin_cb, self);
  gtk_widget_set_sensitive (GTK_WIDGET (priv->list), FALSE);
}

HrUnitSystem
headroom_change_list_get_unit_system (HeadroomChangeList *self)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  g_return_val_if_fail (HEADROOM_IS_CHANGE_LIST (self), HR_UNIT_SYSTEM_BINARY);

  return priv->unit_system;
}

/* What a setting or an option of the command line has; NULL if there is no such setting. */
static char *
headroom_change_list_dup_value (HeadroomChangeList *self,
                                const char         *name)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  if (g_str_equal (name, "gpu"))
    return priv->gpu != NULL ? g_strdup (hr_gpu_get_id (priv->gpu)) : NULL;
  if (g_str_equal (name, "gpus"))
    return g_strdup_printf ("%u", priv->n_gpus);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (priv->job), name) == NULL)
    return NULL;

  return hr_job_get_as_string (priv->job, name);
}

/*
 * headroom_change_list_is_set:
 * @self: a list of changes
 * @change: settings and options of the command line, each as a setting=value, with blanks between
 *
 * Returns: whether everything is as @change would make it
 */
gboolean
headroom_change_list_is_set (HeadroomChangeList *self,
                             const char         *change)
{
  g_auto (GStrv) parts = NULL;

  g_return_val_if_fail (HEADROOM_IS_CHANGE_LIST (self), FALSE);
  g_return_val_if_fail (change != NULL, FALSE);

  parts = g_strsplit (change, " ", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (parts[i], "=", 2);
      g_autofree char *value = NULL;

      if (g_strv_length (pair) != 2)
        return FALSE;
      value = headroom_change_list_dup_value (self, pair[0]);
      if (g_strcmp0 (value, pair[1]) != 0)
        return FALSE;
    }

  return parts[0] != NULL;
}

/*
 * headroom_change_list_get_applied:
 * @self: a list of changes
 *
 * Returns: (nullable): the change that was made last, if the job still is as it has made it
 */
const char *
headroom_change_list_get_applied (HeadroomChangeList *self)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  g_return_val_if_fail (HEADROOM_IS_CHANGE_LIST (self), NULL);

  return priv->applied;
}

/*
 * headroom_change_list_get_applied_title:
 * @self: a list of changes
 *
 * Returns: (nullable): the title that it was shown with
 */
const char *
headroom_change_list_get_applied_title (HeadroomChangeList *self)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  g_return_val_if_fail (HEADROOM_IS_CHANGE_LIST (self), NULL);

  return priv->applied_title;
}

static void
headroom_change_list_append_row (HeadroomChangeList *self,
                                 const char         *title,
                                 const char         *subtitle,
                                 GtkWidget          *button)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 0);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
  if (button != NULL)
    {
      gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
      adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
    }
  gtk_list_box_append (priv->list, row);
}

/* Remembers what the window is about to change. */
static void
headroom_change_list_apply_cb (HeadroomChangeList *self,
                               GtkWidget          *button)
{
  HeadroomChangeListPrivate *priv = headroom_change_list_get_instance_private (self);

  g_free (priv->applied);
  g_free (priv->applied_title);
  priv->applied = g_strdup (g_object_get_data (G_OBJECT (button), "change"));
  priv->applied_title = g_strdup (g_object_get_data (G_OBJECT (button), "title"));
}

/*
 * headroom_change_list_append:
 * @self: a list of changes that is being filled
 * @title: what it is about
 * @subtitle: more about it
 *
 * Appends a row without a button.
 */
void
headroom_change_list_append (HeadroomChangeList *self,
                             const char         *title,
                             const char         *subtitle)
{
  g_return_if_fail (HEADROOM_IS_CHANGE_LIST (self));

  headroom_change_list_append_row (self, title, subtitle, NULL);
}

/*
 * headroom_change_list_append_apply:
 * @self: a list of changes that is being filled
 * @title: what a change is
 * @subtitle: what it comes to
 * @change: the change, as on the command line
 * @label: what a screen reader says of the button that makes it
 *
 * Appends a change.
 */
void
headroom_change_list_append_apply (HeadroomChangeList *self,
                                   const char         *title,
                                   const char         *subtitle,
                                   const char         *change,
                                   const char         *label)
{
  GtkWidget *button;

  g_return_if_fail (HEADROOM_IS_CHANGE_LIST (self));
  g_return_if_fail (change != NULL);

  button = gtk_button_new_with_label (_("Apply"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_tooltip_text (button, change);
  g_object_set_data_full (G_OBJECT (button), "change", g_strdup (change), g_free);
  g_object_set_data_full (G_OBJECT (button), "title", g_strdup (title), g_free);
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_change_list_apply_cb), self, G_CONNECT_SWAPPED);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", change);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.apply-change");
  headroom_change_list_append_row (self, title, subtitle, button);
}

/*
 * headroom_change_list_append_undo:
 * @self: a list of changes that is being filled
 * @title: what the change was that was made last
 * @subtitle: more about it
 *
 * Appends the change that was made last, with a button that takes it back.
 */
void
headroom_change_list_append_undo (HeadroomChangeList *self,
                                  const char         *title,
                                  const char         *subtitle)
{
  GtkWidget *button;

  g_return_if_fail (HEADROOM_IS_CHANGE_LIST (self));

  button = gtk_button_new_with_label (_("Undo"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.undo");
  headroom_change_list_append_row (self, title, subtitle, button);
}
