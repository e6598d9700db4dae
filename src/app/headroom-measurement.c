/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-measurement.h"

#include <glib/gi18n.h>

#include "headroom-anatomy-row.h"
#include "hr-report-steps.h"
#include "hr-units.h"

/*
 * HeadroomMeasurement:
 *
 * What somebody has measured, to be typed, and how far each figure of the estimate is from it.
 */
struct _HeadroomMeasurement
{
  AdwBin parent_instance;

  GtkWidget *entry;
  GtkBox *box;
  GtkWidget *answer;
  HrReport *report;
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
    return create_note (_("What nvidia-smi or torch.cuda has shown for this job"));

  if (!hr_parse_bytes (text, &bytes, &error))
    return create_note (error->message);

  table = hr_report_create_measured (self->report, bytes);

  return headroom_anatomy_rows_new (table, hr_report_get_unit_system (self->report));
}

static void
headroom_measurement_update (HeadroomMeasurement *self)
{
  if (self->answer != NULL)
    gtk_box_remove (self->box, self->answer);

  self->answer = headroom_measurement_create_answer (self);
  gtk_box_append (self->box, self->answer);
}

static void
headroom_measurement_dispose (GObject *object)
{
  g_clear_object (&HEADROOM_MEASUREMENT (object)->report);

  G_OBJECT_CLASS (headroom_measurement_parent_class)->dispose (object);
}

static void
headroom_measurement_class_init (HeadroomMeasurementClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_measurement_dispose;
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
