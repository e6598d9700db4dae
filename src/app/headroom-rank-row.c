/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-rank-row.h"

#include <glib/gi18n.h>

#include "headroom-capacity-bar.h"
#include "headroom-chart-scheme.h"
#include "hr-export.h"

/*
 * HeadroomRankRow:
 *
 * What a GPU of several takes: a bar of its parts, and how much they are.
 */
struct _HeadroomRankRow
{
  GtkListBoxRow parent_instance;

  GtkLabel *name;
  GtkLabel *fullest;
  GtkLabel *size;
  HeadroomCapacityBar *bar;
};

G_DEFINE_FINAL_TYPE (HeadroomRankRow, headroom_rank_row, GTK_TYPE_LIST_BOX_ROW)

static void
headroom_rank_row_class_init (HeadroomRankRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  g_type_ensure (HEADROOM_TYPE_CAPACITY_BAR);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/headroom/Headroom/ui/headroom-rank-row.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomRankRow, name);
  gtk_widget_class_bind_template_child (widget_class, HeadroomRankRow, fullest);
  gtk_widget_class_bind_template_child (widget_class, HeadroomRankRow, size);
  gtk_widget_class_bind_template_child (widget_class, HeadroomRankRow, bar);
}

static void
headroom_rank_row_init (HeadroomRankRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* The row says all of it; the bar is a picture of the same. */
static void
headroom_rank_row_describe (HeadroomRankRow *self,
                            HrReport        *report,
                            guint            device)
{
  g_autofree char *parts = hr_report_dup_device_parts (report, device);
  const char *name = gtk_label_get_label (self->name);
  const char *size = gtk_label_get_label (self->size);
  g_autofree char *label = NULL;

  if (gtk_widget_get_visible (GTK_WIDGET (self->fullest)))
    /* Translators: read by screen readers: 1 a GPU, 2 what it takes */
    label = g_strdup_printf (_("%1$s, the fullest: %2$s"), name, size);
  else
    /* Translators: read by screen readers: 1 a GPU, 2 what it takes */
    label = g_strdup_printf (_("%1$s: %2$s"), name, size);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, parts, -1);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), parts);
}

/*
 * headroom_rank_row_new:
 * @report: a report of an estimate of several devices
 * @device: one of them
 *
 * Makes a row.
 */
GtkWidget *
headroom_rank_row_new (HrReport *report,
                       guint     device)
{
  HeadroomRankRow *self = g_object_new (HEADROOM_TYPE_RANK_ROW, NULL);
  HrEstimate *estimate = hr_report_get_estimate (report);
  g_autoptr(HrChartData) data = hr_export_create_device_chart_data (report, device, headroom_get_palette_scheme ());
  g_autofree char *name = hr_report_dup_device_name (report, device);

  gtk_label_set_label (self->name, name);
  gtk_label_set_label (self->size, hr_chart_data_get_total_text (data));
  gtk_widget_set_visible (GTK_WIDGET (self->fullest), device == hr_estimate_get_worst_device (estimate));
  headroom_chart_set_data (HEADROOM_CHART (self->bar), data);
  headroom_rank_row_describe (self, report, device);

  return GTK_WIDGET (self);
}
