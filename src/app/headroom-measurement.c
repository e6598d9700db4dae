/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-measurement.h"

#include <glib/gi18n.h>

#include "headroom-anatomy-row.h"
#include "headroom-dialogs.h"
#include "headroom-machine.h"
#include "hr-log-report.h"
#include "hr-report-calibration.h"
#include "hr-report-steps.h"
#include "hr-units.h"

/*
 * HeadroomMeasurement:
 *
 * What somebody has measured, to be typed, and how far each figure of the estimate is from it; and what a program has
 * written that did the job, to be pasted or opened, beside the estimate part by part. By how much either is above the
 * estimate can be kept for jobs to come.
 */
struct _HeadroomMeasurement
{
  AdwBin parent_instance;

  GtkWidget *entry;
  GtkWidget *forget_button;
  GtkWidget *keep_button;
  GtkWidget *drop_button;
  GtkBox *box;
  GtkWidget *answer;
  GtkWidget *log_answer;
  GtkWidget *kept_answer;
  HrReport *report;
  HrLog *log;
  char *log_error;
  char *kept_error;
  GCancellable *reading;
};

enum
{
  SIGNAL_CALIBRATED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

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

/* What is kept of this machine, why it is not, or nothing. */
static GtkWidget *
headroom_measurement_create_kept_answer (HeadroomMeasurement *self)
{
  g_autofree char *text = NULL;

  if (self->kept_error != NULL)
    return create_note (self->kept_error);
  if (self->report == NULL)
    return NULL;

  text = hr_report_dup_calibrated (self->report);

  return text != NULL ? create_note (text) : NULL;
}

static guint64
headroom_measurement_get_measured (HeadroomMeasurement *self)
{
  guint64 bytes;

  return hr_parse_bytes (gtk_editable_get_text (GTK_EDITABLE (self->entry)), &bytes, NULL) ? bytes : 0;
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
  replace (self->box, &self->kept_answer, NULL);
  replace (self->box, &self->log_answer, NULL);
  replace (self->box, &self->answer, headroom_measurement_create_answer (self));
  replace (self->box, &self->log_answer, headroom_measurement_create_log_answer (self));
  replace (self->box, &self->kept_answer, headroom_measurement_create_kept_answer (self));
  gtk_widget_set_visible (self->forget_button, self->log != NULL || self->log_error != NULL);
  gtk_widget_set_visible (self->keep_button, self->log != NULL || headroom_measurement_get_measured (self) > 0);
  gtk_widget_set_visible (self->drop_button,
                          self->report != NULL && hr_report_find_calibration (self->report) != NULL);
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
headroom_measurement_finish_keeping (HeadroomMeasurement *self,
                                     GError              *error)
{
  g_free (self->kept_error);
  self->kept_error = error != NULL ? g_strdup (error->message) : NULL;
  headroom_measurement_update (self);
  if (error == NULL)
    g_signal_emit (self, signals[SIGNAL_CALIBRATED], 0);
}

static void
headroom_measurement_keep (HeadroomMeasurement *self)
{
  g_autoptr (GError) error = NULL;
  HrCalibration *calibration = headroom_machine_get_calibration (&error);

  if (calibration != NULL && hr_report_calibrate (self->report, self->log, headroom_measurement_get_measured (self),
                                                  calibration, &error))
    headroom_machine_save (&error);
  headroom_measurement_finish_keeping (self, error);
}

static void
headroom_measurement_drop (HeadroomMeasurement *self)
{
  g_autoptr (GError) error = NULL;
  HrCalibration *calibration = headroom_machine_get_calibration (&error);

  if (calibration != NULL && hr_report_forget_calibration (self->report, calibration))
    headroom_machine_save (&error);
  gtk_widget_grab_focus (self->entry);
  headroom_measurement_finish_keeping (self, error);
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
  g_clear_pointer (&self->kept_error, g_free);

  G_OBJECT_CLASS (headroom_measurement_parent_class)->dispose (object);
}

static void
headroom_measurement_class_init (HeadroomMeasurementClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_measurement_dispose;

  signals[SIGNAL_CALIBRATED] = g_signal_new ("calibrated", HEADROOM_TYPE_MEASUREMENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                             NULL, G_TYPE_NONE, 0);
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

/* In a row of their own: all five side by side are wider than a narrow window. */
static void
headroom_measurement_add_keeping (HeadroomMeasurement *self)
{
  GtkBox *buttons = GTK_BOX (gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6));

  self->keep_button = headroom_measurement_add_button (self, buttons, _("Keep as Calibration"),
                                                       G_CALLBACK (headroom_measurement_keep));
  gtk_widget_set_name (self->keep_button, "keep-calibration");
  gtk_widget_set_tooltip_text (self->keep_button,
                               _("Keeps by how much this is above the estimate, for what does the job on this GPU"));
  self->drop_button = headroom_measurement_add_button (self, buttons, _("Drop Calibration"),
                                                       G_CALLBACK (headroom_measurement_drop));
  gtk_widget_set_name (self->drop_button, "drop-calibration");
  gtk_widget_set_tooltip_text (self->drop_button, _("Forgets what was kept of what does the job on this GPU"));
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
  headroom_measurement_add_keeping (self);
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
  g_clear_pointer (&self->kept_error, g_free);
  headroom_measurement_update (self);
}
