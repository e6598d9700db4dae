/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-sweep-row.h"

#include <glib/gi18n.h>

#include "headroom-chart-scheme.h"
#include "hr-line-chart.h"

#define SAMPLE_WIDTH 36
#define SAMPLE_HEIGHT 16

/*
 * HeadroomSweepRow:
 *
 * A line of a sweep in its legend: how it looks, what it is called, which values fit. One that is pinned can be named
 * and taken away.
 */
struct _HeadroomSweepRow
{
  GtkListBoxRow parent_instance;

  HeadroomPin *pin;
  guint32 color;
  guint look;

  GtkWidget *sample;
  GtkWidget *label;
  GtkLabel *sentence;
};

enum
{
  REMOVE,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomSweepRow, headroom_sweep_row, GTK_TYPE_LIST_BOX_ROW)

static guint signals[N_SIGNALS];

static void
draw_sample (GtkDrawingArea *area,
             cairo_t        *cr,
             int             width,
             int             height,
             gpointer        user_data)
{
  HeadroomSweepRow *self = user_data;
  HrChartRect place = { 0, 0, width, height };

  hr_line_chart_draw_sample (cr, hr_chart_style_get (headroom_get_chart_scheme ()), self->color, self->look, &place);
}

static void
headroom_sweep_row_remove_cb (HeadroomSweepRow *self)
{
  g_signal_emit (self, signals[REMOVE], 0);
}

/* What was typed is taken when the entry is left. */
static void
headroom_sweep_row_editing_cb (HeadroomSweepRow *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->label));

  if (!gtk_editable_label_get_editing (GTK_EDITABLE_LABEL (self->label)))
    {
      headroom_pin_set_label (self->pin, text);
      gtk_editable_set_text (GTK_EDITABLE (self->label), headroom_pin_get_label (self->pin));
    }
}

static void
headroom_sweep_row_dispose (GObject *object)
{
  HeadroomSweepRow *self = HEADROOM_SWEEP_ROW (object);

  g_clear_object (&self->pin);

  G_OBJECT_CLASS (headroom_sweep_row_parent_class)->dispose (object);
}

static void
headroom_sweep_row_class_init (HeadroomSweepRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_sweep_row_dispose;

  /*
   * HeadroomSweepRow::remove:
   *
   * The configuration is not to be pinned any more.
   */
  signals[REMOVE] = g_signal_new ("remove", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 0);
}

static void
headroom_sweep_row_init (HeadroomSweepRow *self)
{
  self->sample = gtk_drawing_area_new ();
  gtk_drawing_area_set_content_width (GTK_DRAWING_AREA (self->sample), SAMPLE_WIDTH);
  gtk_drawing_area_set_content_height (GTK_DRAWING_AREA (self->sample), SAMPLE_HEIGHT);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (self->sample), draw_sample, self, NULL);
  gtk_widget_set_valign (self->sample, GTK_ALIGN_CENTER);

  self->sentence = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_xalign (self->sentence, 0);
  gtk_label_set_wrap (self->sentence, TRUE);
  gtk_label_set_wrap_mode (self->sentence, PANGO_WRAP_WORD_CHAR);
  gtk_widget_add_css_class (GTK_WIDGET (self->sentence), "dim-label");

  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), FALSE);
}

static GtkWidget *
headroom_sweep_row_create_label (HeadroomSweepRow *self)
{
  GtkWidget *label;

  if (self->pin == NULL)
    {
      label = gtk_label_new (NULL);
      gtk_label_set_xalign (GTK_LABEL (label), 0);
      gtk_label_set_wrap (GTK_LABEL (label), TRUE);
      gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
      return label;
    }

  label = gtk_editable_label_new (headroom_pin_get_label (self->pin));
  gtk_widget_set_tooltip_text (label, _("Click to rename"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (label), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("Name of the pinned configuration"), -1);
  g_signal_connect_object (label, "notify::editing", G_CALLBACK (headroom_sweep_row_editing_cb), self,
                           G_CONNECT_SWAPPED);

  return label;
}

static GtkWidget *
headroom_sweep_row_create_button (HeadroomSweepRow *self)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("user-trash-symbolic");
  /* Translators: the name of a configuration */
  g_autofree char *text = g_strdup_printf (_("Unpin “%s”"), headroom_pin_get_label (self->pin));

  gtk_widget_set_tooltip_text (button, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_sweep_row_remove_cb), self, G_CONNECT_SWAPPED);

  return button;
}

/*
 * headroom_sweep_row_new:
 * @pin: (nullable): a configuration that is pinned, or NULL for the one that is being worked on
 */
GtkWidget *
headroom_sweep_row_new (HeadroomPin *pin)
{
  HeadroomSweepRow *self = g_object_new (HEADROOM_TYPE_SWEEP_ROW, NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  self->pin = pin != NULL ? g_object_ref (pin) : NULL;
  self->label = headroom_sweep_row_create_label (self);
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (texts), self->label);
  gtk_box_append (GTK_BOX (texts), GTK_WIDGET (self->sentence));
  gtk_widget_set_margin_top (box, 6);
  gtk_widget_set_margin_bottom (box, 6);
  gtk_box_append (GTK_BOX (box), self->sample);
  gtk_box_append (GTK_BOX (box), texts);
  if (pin != NULL)
    gtk_box_append (GTK_BOX (box), headroom_sweep_row_create_button (self));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), box);

  return GTK_WIDGET (self);
}

/*
 * headroom_sweep_row_show:
 * @self: a row
 * @line: the line that it stands for
 */
void
headroom_sweep_row_show (HeadroomSweepRow *self,
                         const HrLine     *line)
{
  g_autofree char *name = NULL;

  g_return_if_fail (HEADROOM_IS_SWEEP_ROW (self));
  g_return_if_fail (line != NULL);

  self->color = line->color;
  self->look = line->look;
  gtk_widget_queue_draw (self->sample);
  if (self->pin == NULL)
    gtk_label_set_label (GTK_LABEL (self->label), line->label);
  else if (!gtk_editable_label_get_editing (GTK_EDITABLE_LABEL (self->label)))
    gtk_editable_set_text (GTK_EDITABLE (self->label), line->label);
  gtk_label_set_label (self->sentence, line->sentence != NULL ? line->sentence : "");
  gtk_widget_set_visible (GTK_WIDGET (self->sentence), line->sentence != NULL && *line->sentence != '\0');

  /* Translators: read by screen readers: 1 the name of a configuration, 2 which of its values fit */
  name = g_strdup_printf (_("%1$s. %2$s"), line->label, line->sentence != NULL ? line->sentence : "");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}
