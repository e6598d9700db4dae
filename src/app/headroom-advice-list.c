/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-advice-list.h"

#include <glib/gi18n.h>

#include "hr-advice.h"

/* How long the settings have to be left alone, in milliseconds. */
#define DELAY 150

/*
 * HeadroomAdviceList:
 *
 * What could be asked for instead of a job, what each change saves and costs, and a button that makes it. What was made
 * last can be undone. It is looked for while nothing else is to be done, when the settings have been left alone for a
 * moment.
 */
struct _HeadroomAdviceList
{
  AdwBin parent_instance;

  GtkListBox *list;
  HrJob *job;
  HrAdviceSearch *search;
  HrUnitSystem unit_system;
  guint source;
  char *applied;                  /* the change that was made last */
  char *applied_text;
};

G_DEFINE_FINAL_TYPE (HeadroomAdviceList, headroom_advice_list, ADW_TYPE_BIN)

static void
headroom_advice_list_dispose (GObject *object)
{
  HeadroomAdviceList *self = HEADROOM_ADVICE_LIST (object);

  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_pointer (&self->search, hr_advice_search_free);
  g_clear_object (&self->job);

  G_OBJECT_CLASS (headroom_advice_list_parent_class)->dispose (object);
}

static void
headroom_advice_list_finalize (GObject *object)
{
  HeadroomAdviceList *self = HEADROOM_ADVICE_LIST (object);

  g_free (self->applied);
  g_free (self->applied_text);

  G_OBJECT_CLASS (headroom_advice_list_parent_class)->finalize (object);
}

static void
headroom_advice_list_class_init (HeadroomAdviceListClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_advice_list_dispose;
  G_OBJECT_CLASS (klass)->finalize = headroom_advice_list_finalize;
}

static void
headroom_advice_list_init (HeadroomAdviceList *self)
{
  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_list_box_set_selection_mode (self->list, GTK_SELECTION_NONE);
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "boxed-list");
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->list));
}

GtkWidget *
headroom_advice_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_ADVICE_LIST, NULL);
}

/* Remembers what the window is about to change. */
static void
headroom_advice_list_apply_cb (HeadroomAdviceList *self,
                               GtkWidget          *button)
{
  g_free (self->applied);
  g_free (self->applied_text);
  self->applied = g_strdup (g_object_get_data (G_OBJECT (button), "change"));
  self->applied_text = g_strdup (g_object_get_data (G_OBJECT (button), "text"));
}

static GtkWidget *
headroom_advice_list_create_button (HeadroomAdviceList *self,
                                    const HrAdvice     *advice)
{
  GtkWidget *button = gtk_button_new_with_label (_("Apply"));
  g_autofree char *label = NULL;

  /* Translators: what stands there is an advice, such as “Halve the width and height of the images …” */
  label = g_strdup_printf (_("Apply: %s"), advice->text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, advice->change);
  g_object_set_data_full (G_OBJECT (button), "change", g_strdup (advice->change), g_free);
  g_object_set_data_full (G_OBJECT (button), "text", g_strdup (advice->text), g_free);
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_advice_list_apply_cb), self, G_CONNECT_SWAPPED);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", advice->change);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.apply-change");

  return button;
}

static void
headroom_advice_list_append (HeadroomAdviceList *self,
                             const HrAdvice     *advice,
                             HrUnitSystem        unit_system)
{
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *size = hr_format_bytes (advice->saves_bytes, unit_system);
  g_autofree char *saving = NULL;

  /* Translators: an amount of memory, such as “3.2 GiB” */
  saving = advice->cost == NULL ? g_strdup_printf (_("Saves %s"), size)
                                /* Translators: an amount of memory, and what one pays for it */
                                : g_strdup_printf (_("Saves %1$s · costs: %2$s"), size, advice->cost);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), advice->text);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 0);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), saving);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), headroom_advice_list_create_button (self, advice));
  gtk_list_box_append (self->list, row);
}

/* Whether the job still is as the last change has made it. */
static gboolean
headroom_advice_list_has_applied (HeadroomAdviceList *self)
{
  g_auto (GStrv) parts = g_strsplit (self->applied != NULL ? self->applied : "", " ", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (parts[i], "=", 2);
      g_autofree char *value = NULL;

      if (g_strv_length (pair) != 2 || g_object_class_find_property (G_OBJECT_GET_CLASS (self->job), pair[0]) == NULL)
        return FALSE;
      value = hr_job_get_as_string (self->job, pair[0]);
      if (!g_str_equal (value, pair[1]))
        return FALSE;
    }

  return parts[0] != NULL;
}

static void
headroom_advice_list_append_applied (HeadroomAdviceList *self)
{
  GtkWidget *row, *button;

  if (!headroom_advice_list_has_applied (self))
    {
      g_clear_pointer (&self->applied, g_free);
      g_clear_pointer (&self->applied_text, g_free);
      return;
    }

  row = adw_action_row_new ();
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), self->applied_text);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 0);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), _("Done"));
  button = gtk_button_new_with_label (_("Undo"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.undo");
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  gtk_list_box_append (self->list, row);
}

static void
headroom_advice_list_fill (HeadroomAdviceList *self)
{
  GPtrArray *advice = hr_advice_search_get_advice (self->search);
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (self->list, 0)) != NULL)
    gtk_list_box_remove (self->list, GTK_WIDGET (row));

  gtk_widget_set_sensitive (GTK_WIDGET (self->list), TRUE);
  headroom_advice_list_append_applied (self);
  for (guint i = 0; i < advice->len; i++)
    headroom_advice_list_append (self, g_ptr_array_index (advice, i), self->unit_system);
  gtk_widget_set_visible (GTK_WIDGET (self), gtk_list_box_get_row_at_index (self->list, 0) != NULL);
}

static gboolean
headroom_advice_list_search_cb (gpointer user_data)
{
  HeadroomAdviceList *self = user_data;

  if (hr_advice_search_step (self->search))
    return G_SOURCE_CONTINUE;

  headroom_advice_list_fill (self);
  g_clear_pointer (&self->search, hr_advice_search_free);
  self->source = 0;

  return G_SOURCE_REMOVE;
}

static gboolean
headroom_advice_list_begin_cb (gpointer user_data)
{
  HeadroomAdviceList *self = user_data;

  self->source = g_idle_add (headroom_advice_list_search_cb, self);

  return G_SOURCE_REMOVE;
}

/*
 * headroom_advice_list_show:
 * @self: a list of advice
 * @report: a report; of one whose job cannot take less, the list is hidden
 *
 * Looks for advice, and shows it when it has been found; until then what there was before stays, greyed out.
 */
void
headroom_advice_list_show (HeadroomAdviceList *self,
                           HrReport           *report)
{
  g_return_if_fail (HEADROOM_IS_ADVICE_LIST (self));
  g_return_if_fail (HR_IS_REPORT (report));

  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_pointer (&self->search, hr_advice_search_free);

  g_set_object (&self->job, hr_report_get_job (report));
  self->unit_system = hr_report_get_unit_system (report);
  self->search = hr_advice_search_new (hr_report_get_estimate (report), self->job, hr_report_get_gpu (report),
                                       hr_report_get_n_gpus (report));
  self->source = g_timeout_add (DELAY, headroom_advice_list_begin_cb, self);
  gtk_widget_set_sensitive (GTK_WIDGET (self->list), FALSE);
}
