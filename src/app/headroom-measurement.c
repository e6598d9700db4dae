/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-measurement.h"

#include <glib/gi18n.h>

#include "headroom-anatomy-row.h"
#include "headroom-dialogs.h"
#include "hr-log-report.h"
#include "hr-report-steps.h"
#include "hr-units.h"

/*
 * HeadroomMeasurement:
 *
 * What somebody has measured, to be typed, and how far each figure of the estimate is from it; and what a program has
 * written that did the job, to be pasted or opened, beside the estimate part by part.
 */
struct _HeadroomMeasurement
{
  AdwBin parent_instance;

  GtkWidget *entry;
  GtkWidget *forget_button;
  GtkBox *box;
  GtkWidget *answer;
  GtkWidget *log_answer;
  HrReport *report;
  HrLog *log;
  char *log_error;
  GCancellable *reading;
};

G_DEFINE_FINAL_TYPE (HeadroomMeasurement, headroom_measurement, ADW_TYPE_BIN)

static GtkWidget *
create_note (const char *text)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_widget_add_css_class (label, "dim-label");

  return label;
}

static GtkWidget *
headroom_measurement_create_answer (HeadroomMeasurement *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->entry));
  g_autoptr (HrAnatomyTable) table = NULL;
  g_autoptr (GError) error = NULL;
  guint64 bytes;

  if (self->report == NULL || *text == '\0')
    return create_note (_("What nvidia-smi or torch.cuda has shown for this job, or a log of the program that did it"));

  if (!hr_parse_bytes (text, &bytes, &error))
    return create_note (error->message);

  table = hr_report_create_measured (self->report, bytes);

  return headroom_anatomy_rows_new (table, hr_report_get_unit_system (self->report));
}

/* What a log says beside the estimate, why there is none, or nothing. */
static GtkWidget *
headroom_measurement_create_log_answer (HeadroomMeasurement *self)
{
  g_autoptr (HrAnatomyTable) table = NULL;

  if (self->log_error != NULL)
    return create_note (self->log_error);
  if (self->log == NULL || self->report == NULL)
    return NULL;

  table = hr_report_create_log (self->report, self->log);

  return headroom_anatomy_rows_new (table, hr_report_get_unit_system (self->report));
}

static void
replace (GtkBox     *box,
         GtkWidget **place,
         GtkWidget  *widget)
{
  if (*place != NULL)
    gtk_box_remove (box, *place);
  *place = widget;
  if (widget != NULL)
    gtk_box_append (box, widget);
}

static void
headroom_measurement_update (HeadroomMeasurement *self)
{
  replace (self->box, &self->log_answer, NULL);
  replace (self->box, &self->answer, headroom_measurement_create_answer (self));
  replace (self->box, &self->log_answer, headroom_measurement_create_log_answer (self));
  gtk_widget_set_visible (self->forget_button, self->log != NULL || self->log_error != NULL);
}

static void
headroom_measurement_take_log (HeadroomMeasurement *self,
                               HrLog               *log,
                               const char          *message)
{
  g_set_object (&self->log, log);
  g_free (self->log_error);
  self->log_error = g_strdup (message);
  headroom_measurement_update (self);
}

/* A log of a server that has run for long has many megabytes. */
static void
return_log (GTask  *task,
            HrLog  *log,
            GError *error)
{
  if (log != NULL)
    g_task_return_pointer (task, log, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
read_text_thread (GTask        *task,
                  gpointer      source,
                  gpointer      data,
                  GCancellable *cancellable)
{
  GError *error = NULL;
  HrLog *log = hr_log_new_from_text (data, -1, _("the clipboard"), &error);

  return_log (task, log, error);
}

static void
read_file_thread (GTask        *task,
                  gpointer      source,
                  gpointer      data,
                  GCancellable *cancellable)
{
  GError *error = NULL;
  HrLog *log = hr_log_new_from_file (data, &error);

  return_log (task, log, error);
}

static void
log_read_cb (GObject      *object,
             GAsyncResult *result,
             gpointer      data)
{
  HeadroomMeasurement *self = HEADROOM_MEASUREMENT (object);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrLog) log = g_task_propagate_pointer (G_TASK (result), &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  headroom_measurement_take_log (self, log, error != NULL ? error->message : NULL);
}

/* The last log that somebody asks for is the one that is shown. */
static void
headroom_measurement_start (HeadroomMeasurement *self,
                            GTaskThreadFunc      read,
                            gpointer             what,
                            GDestroyNotify       free_what)
{
  g_autoptr (GTask) task = NULL;

  g_cancellable_cancel (self->reading);
  g_clear_object (&self->reading);
  self->reading = g_cancellable_new ();
  task = g_task_new (self, self->reading, log_read_cb, NULL);
  g_task_set_task_data (task, what, free_what);
  g_task_run_in_thread (task, read);
}

static void
text_read_cb (GObject      *object,
              GAsyncResult *result,
              gpointer      data)
{
  g_autoptr (HeadroomMeasurement) self = data;
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (object), result, NULL);

  if (text == NULL)
    headroom_measurement_take_log (self, NULL, _("The clipboard has no text"));
  else
    headroom_measurement_read (self, text);
}

static void
headroom_measurement_paste (HeadroomMeasurement *self)
{
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (GTK_WIDGET (self)), NULL, text_read_cb,
                                 g_object_ref (self));
}

static void
headroom_measurement_response_cb (GtkFileChooser      *chooser,
                                  int                  response,
                                  HeadroomMeasurement *self)
{
  if (response == GTK_RESPONSE_ACCEPT)
    headroom_measurement_start (self, read_file_thread, gtk_file_chooser_get_file (chooser), g_object_unref);
}

static void
headroom_measurement_open (HeadroomMeasurement *self)
{
  headroom_dialog_open_log (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))),
                            G_CALLBACK (headroom_measurement_response_cb), self);
}

static void
headroom_measurement_forget (HeadroomMeasurement *self)
{
  g_cancellable_cancel (self->reading);
  headroom_measurement_take_log (self, NULL, NULL);
  gtk_widget_grab_focus (self->entry);
}

static void
headroom_measurement_dispose (GObject *object)
{
  HeadroomMeasurement *self = HEADROOM_MEASUREMENT (object);

  g_cancellable_cancel (self->reading);
  g_clear_object (&self->reading);
  g_clear_object (&self->report);
  g_clear_object (&self->log);
  g_clear_pointer (&self->log_error, g_free);

  G_OBJECT_CLASS (headroom_measurement_parent_class)->dispose (object);
}

static void
headroom_measurement_class_init (HeadroomMeasurementClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_measurement_dispose;
}

static GtkWidget *
headroom_measurement_add_button (HeadroomMeasurement *self,
                                 GtkBox              *buttons,
                                 const char          *label,
                                 GCallback            clicked)
{
  GtkWidget *button = gtk_button_new_with_label (label);

  g_signal_connect_swapped (button, "clicked", clicked, self);
  gtk_box_append (buttons, button);

  return button;
}

static void
headroom_measurement_add_buttons (HeadroomMeasurement *self)
{
  GtkBox *buttons = GTK_BOX (gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6));

  headroom_measurement_add_button (self, buttons, _("Paste a Log"), G_CALLBACK (headroom_measurement_paste));
  headroom_measurement_add_button (self, buttons, _("Open a Log…"), G_CALLBACK (headroom_measurement_open));
  self->forget_button = headroom_measurement_add_button (self, buttons, _("Forget"),
                                                         G_CALLBACK (headroom_measurement_forget));
  gtk_widget_set_name (self->forget_button, "forget-log");
  gtk_widget_set_tooltip_text (self->forget_button, _("Shows the log no longer"));
  gtk_box_append (self->box, GTK_WIDGET (buttons));
}

static void
headroom_measurement_init (HeadroomMeasurement *self)
{
  GtkWidget *card = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  self->box = GTK_BOX (gtk_box_new (GTK_ORIENTATION_VERTICAL, 12));
  self->entry = gtk_entry_new ();
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->entry), _("Such as 23.4 GiB"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("What you have measured"), -1);
  gtk_box_append (self->box, self->entry);
  headroom_measurement_add_buttons (self);
  gtk_widget_set_margin_top (GTK_WIDGET (self->box), 18);
  gtk_widget_set_margin_bottom (GTK_WIDGET (self->box), 18);
  gtk_widget_set_margin_start (GTK_WIDGET (self->box), 18);
  gtk_widget_set_margin_end (GTK_WIDGET (self->box), 18);
  gtk_widget_set_hexpand (GTK_WIDGET (self->box), TRUE);
  gtk_widget_add_css_class (card, "card");
  gtk_box_append (GTK_BOX (card), GTK_WIDGET (self->box));
  adw_bin_set_child (ADW_BIN (self), card);
  g_signal_connect_swapped (self->entry, "changed", G_CALLBACK (headroom_measurement_update), self);
  headroom_measurement_update (self);
}

/*
 * headroom_measurement_read:
 * @self: a measurement
 * @text: what a program has written
 *
 * Shows what a log says once it has been read.
 */
void
headroom_measurement_read (HeadroomMeasurement *self,
                           const char          *text)
{
  g_return_if_fail (HEADROOM_IS_MEASUREMENT (self));
  g_return_if_fail (text != NULL);

  headroom_measurement_start (self, read_text_thread, g_strdup (text), g_free);
}

/*
 * headroom_measurement_show:
 * @self: a measurement
 * @report: the estimate that it is compared with
 */
void
headroom_measurement_show (HeadroomMeasurement *self,
                           HrReport            *report)
{
  g_return_if_fail (HEADROOM_IS_MEASUREMENT (self));
  g_return_if_fail (HR_IS_REPORT (report));

  g_set_object (&self->report, report);
  headroom_measurement_update (self);
}
