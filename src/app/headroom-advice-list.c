/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-advice-list.h"

#include <glib/gi18n.h>

#include "hr-advice.h"

/*
 * HeadroomAdviceList:
 *
 * What could be asked for instead of a job, what each change saves, and a button that makes it.
 */
struct _HeadroomAdviceList
{
  AdwBin parent_instance;

  GtkListBox *list;
  HrJob *job;
};

G_DEFINE_FINAL_TYPE (HeadroomAdviceList, headroom_advice_list, ADW_TYPE_BIN)

static void
headroom_advice_list_dispose (GObject *object)
{
  g_clear_object (&HEADROOM_ADVICE_LIST (object)->job);

  G_OBJECT_CLASS (headroom_advice_list_parent_class)->dispose (object);
}

static void
headroom_advice_list_class_init (HeadroomAdviceListClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_advice_list_dispose;
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

/* The change is a list of settings with their values, as they stand on the command line. */
static void
headroom_advice_list_apply_cb (HeadroomAdviceList *self,
                               GtkWidget          *button)
{
  g_auto (GStrv) parts = g_strsplit (g_object_get_data (G_OBJECT (button), "change"), " ", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (parts[i], "=", 2);

      if (g_strv_length (pair) == 2)
        hr_job_set_from_string (self->job, pair[0], pair[1], NULL);
    }
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
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_advice_list_apply_cb), self, G_CONNECT_SWAPPED);

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
  saving = g_strdup_printf (_("Saves %s"), size);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), advice->text);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 0);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), saving);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), headroom_advice_list_create_button (self, advice));
  gtk_list_box_append (self->list, row);
}

/*
 * headroom_advice_list_show:
 * @self: a list of advice
 * @report: a report; of one whose job cannot take less, the list is hidden
 */
void
headroom_advice_list_show (HeadroomAdviceList *self,
                           HrReport           *report)
{
  g_autoptr (GPtrArray) advice = NULL;
  GtkListBoxRow *row;

  g_return_if_fail (HEADROOM_IS_ADVICE_LIST (self));
  g_return_if_fail (HR_IS_REPORT (report));

  while ((row = gtk_list_box_get_row_at_index (self->list, 0)) != NULL)
    gtk_list_box_remove (self->list, GTK_WIDGET (row));

  g_set_object (&self->job, hr_report_get_job (report));
  advice = hr_report_list_advice (report);
  for (guint i = 0; i < advice->len; i++)
    headroom_advice_list_append (self, g_ptr_array_index (advice, i), hr_report_get_unit_system (report));
  gtk_widget_set_visible (GTK_WIDGET (self), advice->len > 0);
}
