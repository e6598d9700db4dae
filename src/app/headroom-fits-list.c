/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-fits-list.h"

#include <glib/gi18n.h>

#include "hr-largest.h"

/* How long the settings have to be left alone, in milliseconds; advice is looked for before. */
#define DELAY 250

/*
 * HeadroomFitsList:
 *
 * How much of each setting fits on the GPU that was chosen, with a button that sets it, and one that undoes it. It is
 * looked for an estimate at a time, while nothing else is to be done, when the settings have been left alone for a
 * moment.
 */
struct _HeadroomFitsList
{
  AdwBin parent_instance;

  GtkListBox *list;
  HrJob *job;
  HrLargestSearch *search;
  HrUnitSystem unit_system;
  guint source;
  char *applied;                  /* the change that was made last */
};

G_DEFINE_FINAL_TYPE (HeadroomFitsList, headroom_fits_list, ADW_TYPE_BIN)

static void
headroom_fits_list_dispose (GObject *object)
{
  HeadroomFitsList *self = HEADROOM_FITS_LIST (object);

  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_pointer (&self->search, hr_largest_search_free);
  g_clear_object (&self->job);

  G_OBJECT_CLASS (headroom_fits_list_parent_class)->dispose (object);
}

static void
headroom_fits_list_finalize (GObject *object)
{
  g_free (HEADROOM_FITS_LIST (object)->applied);

  G_OBJECT_CLASS (headroom_fits_list_parent_class)->finalize (object);
}

static void
headroom_fits_list_class_init (HeadroomFitsListClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_fits_list_dispose;
  G_OBJECT_CLASS (klass)->finalize = headroom_fits_list_finalize;
}

static void
headroom_fits_list_init (HeadroomFitsList *self)
{
  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_list_box_set_selection_mode (self->list, GTK_SELECTION_NONE);
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "boxed-list");
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->list));
}

GtkWidget *
headroom_fits_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_FITS_LIST, NULL);
}

static gboolean
headroom_fits_list_is_set (HeadroomFitsList *self,
                           const HrLargest  *largest)
{
  g_autofree char *value = hr_job_get_as_string (self->job, largest->setting);
  g_autofree char *change = g_strdup_printf ("%s=%s", largest->setting, value);

  return g_str_equal (change, largest->change);
}

/* Remembers what the window is about to change. */
static void
headroom_fits_list_apply_cb (HeadroomFitsList *self,
                             GtkWidget        *button)
{
  g_free (self->applied);
  self->applied = g_strdup (g_object_get_data (G_OBJECT (button), "change"));
}

static GtkWidget *
headroom_fits_list_create_apply (HeadroomFitsList *self,
                                 const HrLargest  *largest)
{
  GtkWidget *button = gtk_button_new_with_label (_("Apply"));
  g_autofree char *value = hr_format_integer (largest->value);
  g_autofree char *label = NULL;

  /* Translators: a setting, such as “Batch size”, and a number */
  label = g_strdup_printf (_("Apply: %1$s %2$s"), largest->title, value);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_tooltip_text (button, largest->change);
  g_object_set_data_full (G_OBJECT (button), "change", g_strdup (largest->change), g_free);
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_fits_list_apply_cb), self, G_CONNECT_SWAPPED);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", largest->change);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.apply-change");

  return button;
}

static GtkWidget *
headroom_fits_list_create_undo (void)
{
  GtkWidget *button = gtk_button_new_with_label (_("Undo"));

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.undo");

  return button;
}

/* What is set already needs no button, but for one that takes it back. */
static GtkWidget *
headroom_fits_list_create_button (HeadroomFitsList *self,
                                  const HrLargest  *largest)
{
  if (!largest->fits)
    return NULL;
  if (!headroom_fits_list_is_set (self, largest))
    return headroom_fits_list_create_apply (self, largest);
  if (g_strcmp0 (self->applied, largest->change) == 0)
    return headroom_fits_list_create_undo ();

  return NULL;
}

static void
headroom_fits_list_append (HeadroomFitsList *self,
                           const HrLargest  *largest)
{
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *button = headroom_fits_list_create_button (self, largest);
  g_autofree char *value = hr_largest_dup_value (largest);
  g_autofree char *reason = hr_largest_dup_reason (largest, self->unit_system);
  g_autofree char *title = NULL;

  /* Translators: a setting, such as “Batch size”, and how much of it fits, such as “37 at most” */
  title = g_strdup_printf (_("%1$s: %2$s"), largest->title, value);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 0);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), reason);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
  if (button != NULL)
    {
      gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
      adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
    }
  gtk_list_box_append (self->list, row);
}

static void
headroom_fits_list_fill (HeadroomFitsList *self)
{
  GPtrArray *largest = hr_largest_search_get_largest (self->search);
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (self->list, 0)) != NULL)
    gtk_list_box_remove (self->list, GTK_WIDGET (row));

  gtk_widget_set_sensitive (GTK_WIDGET (self->list), TRUE);
  for (guint i = 0; i < largest->len; i++)
    headroom_fits_list_append (self, g_ptr_array_index (largest, i));
  gtk_widget_set_visible (GTK_WIDGET (self), largest->len > 0);
}

static gboolean
headroom_fits_list_search_cb (gpointer user_data)
{
  HeadroomFitsList *self = user_data;

  if (hr_largest_search_step (self->search))
    return G_SOURCE_CONTINUE;

  headroom_fits_list_fill (self);
  g_clear_pointer (&self->search, hr_largest_search_free);
  self->source = 0;

  return G_SOURCE_REMOVE;
}

static gboolean
headroom_fits_list_begin_cb (gpointer user_data)
{
  HeadroomFitsList *self = user_data;

  self->source = g_idle_add (headroom_fits_list_search_cb, self);

  return G_SOURCE_REMOVE;
}

/*
 * headroom_fits_list_show:
 * @self: a list of what fits
 * @report: a report; of one without a GPU, the list is hidden
 *
 * Looks for what fits, and shows it when it has been found; until then what there was before stays, greyed out.
 */
void
headroom_fits_list_show (HeadroomFitsList *self,
                         HrReport         *report)
{
  g_return_if_fail (HEADROOM_IS_FITS_LIST (self));
  g_return_if_fail (HR_IS_REPORT (report));

  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_pointer (&self->search, hr_largest_search_free);

  g_set_object (&self->job, hr_report_get_job (report));
  self->unit_system = hr_report_get_unit_system (report);
  self->search = hr_largest_search_new (hr_report_get_estimate (report), self->job, hr_report_get_gpu (report),
                                        hr_report_get_n_gpus (report));
  self->source = g_timeout_add (DELAY, headroom_fits_list_begin_cb, self);
  gtk_widget_set_sensitive (GTK_WIDGET (self->list), FALSE);
}
