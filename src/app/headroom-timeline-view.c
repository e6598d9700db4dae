/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-timeline-view.h"

#include <glib/gi18n.h>

#include "headroom-swatch.h"
#include "headroom-timeline-chart.h"

/*
 * HeadroomTimelineView:
 *
 * Memory over time, with what is held at the moment that is looked at, or at the peak.
 */
struct _HeadroomTimelineView
{
  AdwBin parent_instance;

  GtkLabel *moment;
  GtkLabel *total;
  HeadroomTimelineChart *chart;
  GtkFlowBox *values;
};

enum
{
  PART_PICKED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomTimelineView, headroom_timeline_view, ADW_TYPE_BIN)

static guint signals[N_SIGNALS];

/* A part: its colour, its name, how much of it is held. */
static GtkWidget *
create_value (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 8);
  GtkWidget *swatch = headroom_swatch_new ();
  GtkWidget *label = gtk_label_new (NULL);
  GtkWidget *size = gtk_label_new (NULL);

  gtk_widget_set_valign (swatch, GTK_ALIGN_CENTER);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_label_set_xalign (GTK_LABEL (size), 1);
  /* As wide as any size, so that nothing moves while the pointer does. */
  gtk_label_set_width_chars (GTK_LABEL (size), 9);
  gtk_widget_add_css_class (size, "numeric");
  gtk_box_append (GTK_BOX (box), swatch);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), size);

  return box;
}

static void
headroom_timeline_view_fill_value (HeadroomTimelineView *self,
                                   HrTimelineData       *data,
                                   guint                 part,
                                   guint64               value)
{
  GtkFlowBoxChild *child = gtk_flow_box_get_child_at_index (self->values, part);
  GtkWidget *swatch = gtk_widget_get_first_child (gtk_flow_box_child_get_child (child));
  GtkWidget *label = gtk_widget_get_next_sibling (swatch);
  GtkWidget *size = gtk_widget_get_next_sibling (label);
  const HrTimelinePart *shown = hr_timeline_data_get_part (data, part);
  g_autofree char *text = hr_timeline_data_format (data, value);
  /* Translators: read by screen readers: 1 the name of a part, 2 how much is held of it */
  g_autofree char *name = g_strdup_printf (_("%1$s: %2$s"), shown->label, text);

  gtk_accessible_update_property (GTK_ACCESSIBLE (child), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  headroom_swatch_set (HEADROOM_SWATCH (swatch), shown->color, shown->pattern);
  gtk_label_set_label (GTK_LABEL (label), shown->label);
  gtk_label_set_label (GTK_LABEL (size), text);
  if (value == 0)
    gtk_widget_add_css_class (size, "dim-label");
  else
    gtk_widget_remove_css_class (size, "dim-label");
}

static void
headroom_timeline_view_update_point (HeadroomTimelineView *self)
{
  HrTimelineData *data = headroom_chart_get_data (HEADROOM_CHART (self->chart));
  int looked_at = headroom_point_chart_get_point (HEADROOM_POINT_CHART (self->chart));
  g_autofree char *moment = NULL;
  g_autofree char *total = NULL;
  g_autofree char *text = NULL;
  const guint64 *values;
  guint point;

  if (data == NULL || hr_timeline_data_get_n_points (data) == 0)
    return;

  point = looked_at >= 0 ? (guint) looked_at : hr_timeline_data_get_peak (data);
  moment = hr_timeline_data_dup_moment (data, point);
  /* Translators: %s is a moment of a job, such as "Forward, layer 17" */
  text = point == hr_timeline_data_get_peak (data) ? g_strdup_printf (_("At the peak: %s"), moment)
                                                   : g_strdup (moment);
  total = hr_timeline_data_format (data, hr_timeline_data_get_total (data, point));
  gtk_label_set_label (self->moment, text);
  gtk_label_set_label (self->total, total);

  values = hr_timeline_data_get_values (data, point);
  for (guint i = 0; i < hr_timeline_data_get_n_parts (data); i++)
    headroom_timeline_view_fill_value (self, data, i, values[i]);
}

static void
headroom_timeline_view_part_activated_cb (HeadroomTimelineView *self,
                                          guint                 part)
{
  HrTimelineData *data = headroom_chart_get_data (HEADROOM_CHART (self->chart));

  g_signal_emit (self, signals[PART_PICKED], 0, hr_timeline_data_get_part (data, part)->id);
}

static void
headroom_timeline_view_value_activated_cb (HeadroomTimelineView *self,
                                           GtkFlowBoxChild      *child)
{
  headroom_timeline_view_part_activated_cb (self, gtk_flow_box_child_get_index (child));
}

static void
headroom_timeline_view_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), HEADROOM_TYPE_TIMELINE_VIEW);

  G_OBJECT_CLASS (headroom_timeline_view_parent_class)->dispose (object);
}

static void
headroom_timeline_view_class_init (HeadroomTimelineViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_timeline_view_dispose;

  /*
   * HeadroomTimelineView::part-picked:
   * @self: a timeline
   * @id: the id of a part
   *
   * A part was chosen.
   */
  signals[PART_PICKED] =
    g_signal_new ("part-picked", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                  G_TYPE_STRING);

  g_type_ensure (HEADROOM_TYPE_TIMELINE_CHART);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-timeline-view.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomTimelineView, moment);
  gtk_widget_class_bind_template_child (widget_class, HeadroomTimelineView, total);
  gtk_widget_class_bind_template_child (widget_class, HeadroomTimelineView, chart);
  gtk_widget_class_bind_template_child (widget_class, HeadroomTimelineView, values);
  gtk_widget_class_bind_template_callback (widget_class, headroom_timeline_view_update_point);
  gtk_widget_class_bind_template_callback (widget_class, headroom_timeline_view_part_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_timeline_view_value_activated_cb);
}

static void
headroom_timeline_view_init (HeadroomTimelineView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
headroom_timeline_view_new (void)
{
  return g_object_new (HEADROOM_TYPE_TIMELINE_VIEW, NULL);
}

/*
 * headroom_timeline_view_show:
 * @self: a timeline
 * @data: (nullable): what to show; nothing hides it
 */
void
headroom_timeline_view_show (HeadroomTimelineView *self,
                             HrTimelineData       *data)
{
  guint n_parts;

  g_return_if_fail (HEADROOM_IS_TIMELINE_VIEW (self));
  g_return_if_fail (data == NULL || HR_IS_TIMELINE_DATA (data));

  gtk_widget_set_visible (GTK_WIDGET (self), data != NULL);
  headroom_chart_set_data (HEADROOM_CHART (self->chart), data);
  if (data == NULL)
    return;

  n_parts = hr_timeline_data_get_n_parts (data);
  while (gtk_flow_box_get_child_at_index (self->values, n_parts) != NULL)
    gtk_flow_box_remove (self->values, GTK_WIDGET (gtk_flow_box_get_child_at_index (self->values, n_parts)));
  while (n_parts > 0 && gtk_flow_box_get_child_at_index (self->values, n_parts - 1) == NULL)
    gtk_flow_box_append (self->values, create_value ());

  headroom_timeline_view_update_point (self);
}

/*
 * headroom_timeline_view_select:
 * @self: a timeline
 * @id: (nullable): the id of the part to emphasize
 */
void
headroom_timeline_view_select (HeadroomTimelineView *self,
                               const char           *id)
{
  HrTimelineData *data;

  g_return_if_fail (HEADROOM_IS_TIMELINE_VIEW (self));

  data = headroom_chart_get_data (HEADROOM_CHART (self->chart));
  headroom_chart_set_selected (HEADROOM_CHART (self->chart), data != NULL ? hr_timeline_data_find_part (data, id) : -1);
}
