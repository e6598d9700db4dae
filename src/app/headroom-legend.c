/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-legend.h"

#include <glib/gi18n.h>

#include "headroom-legend-row.h"

/*
 * HeadroomLegend:
 *
 * The parts of a chart as a list, with the numbers that the chart shows.
 */
struct _HeadroomLegend
{
  AdwBin parent_instance;

  HrChartData *data;
  int selected;
  int hovered;

  GtkListBox *list;
};

enum
{
  PROP_0,
  PROP_DATA,
  PROP_SELECTED,
  PROP_HOVERED,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomLegend, headroom_legend, ADW_TYPE_BIN)

static GParamSpec *properties[N_PROPS];

static gboolean
headroom_legend_has_part (HeadroomLegend *self,
                          int             index)
{
  return self->data != NULL && index >= 0 && (guint) index < hr_chart_data_get_n_parts (self->data);
}

static void
headroom_legend_row_selected_cb (HeadroomLegend *self,
                                 GtkListBoxRow  *row)
{
  if (row != NULL)
    headroom_legend_set_selected (self, gtk_list_box_row_get_index (row));
}

static void
headroom_legend_motion_cb (HeadroomLegend *self,
                           double          x,
                           double          y)
{
  GtkListBoxRow *row = gtk_list_box_get_row_at_y (self->list, y);

  headroom_legend_set_hovered (self, row != NULL ? gtk_list_box_row_get_index (row) : -1);
}

static void
headroom_legend_leave_cb (HeadroomLegend *self)
{
  headroom_legend_set_hovered (self, -1);
}

static void
headroom_legend_fill (HeadroomLegend *self)
{
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (self->list, 0)) != NULL)
    gtk_list_box_remove (self->list, GTK_WIDGET (row));

  for (guint i = 0; self->data != NULL && i < hr_chart_data_get_n_parts (self->data); i++)
    gtk_list_box_append (self->list, headroom_legend_row_new (hr_chart_data_get_part (self->data, i)));
}

static void
headroom_legend_dispose (GObject *object)
{
  HeadroomLegend *self = HEADROOM_LEGEND (object);

  g_clear_object (&self->data);

  G_OBJECT_CLASS (headroom_legend_parent_class)->dispose (object);
}

static void
headroom_legend_get_property (GObject    *object,
                              guint       prop_id,
                              GValue     *value,
                              GParamSpec *pspec)
{
  HeadroomLegend *self = HEADROOM_LEGEND (object);

  switch (prop_id)
    {
    case PROP_DATA:
      g_value_set_object (value, self->data);
      break;

    case PROP_SELECTED:
      g_value_set_int (value, self->selected);
      break;

    case PROP_HOVERED:
      g_value_set_int (value, self->hovered);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_legend_set_property (GObject      *object,
                              guint         prop_id,
                              const GValue *value,
                              GParamSpec   *pspec)
{
  HeadroomLegend *self = HEADROOM_LEGEND (object);

  switch (prop_id)
    {
    case PROP_DATA:
      headroom_legend_set_data (self, g_value_get_object (value));
      break;

    case PROP_SELECTED:
      headroom_legend_set_selected (self, g_value_get_int (value));
      break;

    case PROP_HOVERED:
      headroom_legend_set_hovered (self, g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_legend_class_init (HeadroomLegendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = headroom_legend_dispose;
  object_class->get_property = headroom_legend_get_property;
  object_class->set_property = headroom_legend_set_property;

  /*
   * HeadroomLegend:data:
   *
   * The chart that this is the legend of.
   */
  properties[PROP_DATA] =
    g_param_spec_object ("data", NULL, NULL, HR_TYPE_CHART_DATA,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomLegend:selected:
   *
   * The index of the selected part, or -1.
   */
  properties[PROP_SELECTED] =
    g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomLegend:hovered:
   *
   * The index of the part under the pointer, here or in the chart, or -1.
   */
  properties[PROP_HOVERED] =
    g_param_spec_int ("hovered", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
headroom_legend_init (HeadroomLegend *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();

  self->selected = -1;
  self->hovered = -1;

  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_list_box_set_selection_mode (self->list, GTK_SELECTION_SINGLE);
  gtk_widget_set_valign (GTK_WIDGET (self->list), GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "legend");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _("Components"),
                                  -1);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->list));

  g_signal_connect_swapped (self->list, "row-selected", G_CALLBACK (headroom_legend_row_selected_cb), self);

  g_signal_connect_swapped (motion, "enter", G_CALLBACK (headroom_legend_motion_cb), self);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (headroom_legend_motion_cb), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (headroom_legend_leave_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self->list), motion);
}

GtkWidget *
headroom_legend_new (void)
{
  return g_object_new (HEADROOM_TYPE_LEGEND, NULL);
}

HrChartData *
headroom_legend_get_data (HeadroomLegend *self)
{
  g_return_val_if_fail (HEADROOM_IS_LEGEND (self), NULL);

  return self->data;
}

/*
 * headroom_legend_set_data:
 * @self: a legend
 * @data: (nullable): the chart to list
 *
 * Lists something else; nothing is selected any more.
 */
void
headroom_legend_set_data (HeadroomLegend *self,
                          HrChartData    *data)
{
  g_return_if_fail (HEADROOM_IS_LEGEND (self));
  g_return_if_fail (data == NULL || HR_IS_CHART_DATA (data));

  if (!g_set_object (&self->data, data))
    return;

  headroom_legend_set_selected (self, -1);
  headroom_legend_set_hovered (self, -1);
  headroom_legend_fill (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DATA]);
}

int
headroom_legend_get_selected (HeadroomLegend *self)
{
  g_return_val_if_fail (HEADROOM_IS_LEGEND (self), -1);

  return self->selected;
}

/*
 * headroom_legend_set_selected:
 * @self: a legend
 * @selected: the index of a part; one that there is not, such as -1, selects none
 */
void
headroom_legend_set_selected (HeadroomLegend *self,
                              int             selected)
{
  g_return_if_fail (HEADROOM_IS_LEGEND (self));

  if (!headroom_legend_has_part (self, selected))
    selected = -1;

  if (self->selected == selected)
    return;

  self->selected = selected;
  gtk_list_box_select_row (self->list,
                           selected >= 0 ? gtk_list_box_get_row_at_index (self->list, selected) : NULL);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

int
headroom_legend_get_hovered (HeadroomLegend *self)
{
  g_return_val_if_fail (HEADROOM_IS_LEGEND (self), -1);

  return self->hovered;
}

/*
 * headroom_legend_set_hovered:
 * @self: a legend
 * @hovered: the index of a part; one that there is not, such as -1, marks none
 */
void
headroom_legend_set_hovered (HeadroomLegend *self,
                             int             hovered)
{
  GtkListBoxRow *row;

  g_return_if_fail (HEADROOM_IS_LEGEND (self));

  if (!headroom_legend_has_part (self, hovered))
    hovered = -1;

  if (self->hovered == hovered)
    return;

  row = self->hovered >= 0 ? gtk_list_box_get_row_at_index (self->list, self->hovered) : NULL;
  if (row != NULL)
    gtk_widget_remove_css_class (GTK_WIDGET (row), "hovered");

  self->hovered = hovered;

  row = hovered >= 0 ? gtk_list_box_get_row_at_index (self->list, hovered) : NULL;
  if (row != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (row), "hovered");

  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HOVERED]);
}
