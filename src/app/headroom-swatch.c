/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-swatch.h"

#include "headroom-chart-scheme.h"

#define SIZE 14
#define RADIUS 4

/*
 * HeadroomSwatch:
 *
 * A small square in the colour and the pattern of a part of a chart. It tells nothing that the label beside it does
 * not, so screen readers pass over it.
 *
 * CSS node: swatch.
 */
struct _HeadroomSwatch
{
  GtkWidget parent_instance;

  guint32 color;
  guint pattern;
};

G_DEFINE_FINAL_TYPE (HeadroomSwatch, headroom_swatch, GTK_TYPE_WIDGET)

static void
headroom_swatch_snapshot (GtkWidget   *widget,
                          GtkSnapshot *snapshot)
{
  HeadroomSwatch *self = HEADROOM_SWATCH (widget);
  int width = gtk_widget_get_width (widget);
  int height = gtk_widget_get_height (widget);
  double x = (width - SIZE) / 2.0 + 0.5, y = (height - SIZE) / 2.0 + 0.5;
  cairo_t *cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, width, height));

  hr_chart_append_rounded_rect (cr, x, y, SIZE - 1, SIZE - 1, RADIUS);
  hr_chart_fill_part (cr, hr_chart_style_get (headroom_get_chart_scheme ()), self->color, self->pattern);
  cairo_destroy (cr);
}

static void
headroom_swatch_measure (GtkWidget      *widget,
                         GtkOrientation  orientation,
                         int             for_size,
                         int            *minimum,
                         int            *natural,
                         int            *minimum_baseline,
                         int            *natural_baseline)
{
  *minimum = *natural = SIZE;
}

static void
headroom_swatch_class_init (HeadroomSwatchClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  widget_class->snapshot = headroom_swatch_snapshot;
  widget_class->measure = headroom_swatch_measure;

  gtk_widget_class_set_css_name (widget_class, "swatch");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
headroom_swatch_init (HeadroomSwatch *self)
{
}

GtkWidget *
headroom_swatch_new (void)
{
  return g_object_new (HEADROOM_TYPE_SWATCH, NULL);
}

/*
 * headroom_swatch_set:
 * @self: a swatch
 * @color: a colour, as 0xRRGGBB
 * @pattern: the pattern that goes with it in high contrast
 */
void
headroom_swatch_set (HeadroomSwatch *self,
                     guint32         color,
                     guint           pattern)
{
  g_return_if_fail (HEADROOM_IS_SWATCH (self));

  self->color = color;
  self->pattern = pattern;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
