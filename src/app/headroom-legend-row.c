/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-legend-row.h"

#include <glib/gi18n.h>

#include "headroom-help-menu.h"
#include "headroom-swatch.h"
#include "hr-component.h"

/*
 * HeadroomLegendRow:
 *
 * A part of a chart: its colour, its name, its size and its share.
 */
struct _HeadroomLegendRow
{
  GtkListBoxRow parent_instance;

  HeadroomSwatch *swatch;
  GtkLabel *label;
  GtkLabel *size;
  GtkLabel *share;
};

G_DEFINE_FINAL_TYPE (HeadroomLegendRow, headroom_legend_row, GTK_TYPE_LIST_BOX_ROW)

static void
headroom_legend_row_class_init (HeadroomLegendRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  g_type_ensure (HEADROOM_TYPE_SWATCH);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-legend-row.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomLegendRow, swatch);
  gtk_widget_class_bind_template_child (widget_class, HeadroomLegendRow, label);
  gtk_widget_class_bind_template_child (widget_class, HeadroomLegendRow, size);
  gtk_widget_class_bind_template_child (widget_class, HeadroomLegendRow, share);
}

static void
headroom_legend_row_init (HeadroomLegendRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* Legends of other charts have parts that are no components, of which the help knows nothing. */
static void
attach_help (GtkWidget         *row,
             const HrChartPart *part)
{
  g_autofree char *topic = g_strconcat ("component:", part->id, NULL);

  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    {
      if (g_strcmp0 (part->id, hr_component_id_get_name (id)) == 0)
        headroom_help_menu_attach (row, topic, part->label);
    }
}

/*
 * headroom_legend_row_new:
 * @part: a part of a chart
 *
 * Makes a row for a part.
 */
GtkWidget *
headroom_legend_row_new (const HrChartPart *part)
{
  HeadroomLegendRow *self = g_object_new (HEADROOM_TYPE_LEGEND_ROW, NULL);
  g_autofree char *name = NULL;

  headroom_swatch_set (self->swatch, part->color, part->pattern);
  gtk_label_set_label (self->label, part->label);
  gtk_label_set_label (self->size, part->value_text);
  gtk_label_set_label (self->share, part->share_text != NULL ? part->share_text : "");

  /* Translators: a row of the legend, read by screen readers: 1 a name, 2 its size, 3 its share */
  name = g_strdup_printf (_("%1$s, %2$s, %3$s"), part->label, part->value_text,
                          part->share_text != NULL ? part->share_text : "");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  attach_help (GTK_WIDGET (self), part);

  return GTK_WIDGET (self);
}
