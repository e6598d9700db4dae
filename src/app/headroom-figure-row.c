/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-figure-row.h"

#include <glib/gi18n.h>

/*
 * HeadroomFigureRow:
 *
 * A figure of an article: as it is printed, what the formula of the article gives, what is so for the real model, and
 * why these differ. All texts can be selected.
 */
struct _HeadroomFigureRow
{
  GtkListBoxRow parent_instance;

  GtkGrid *grid;
  int n_lines;
};

G_DEFINE_FINAL_TYPE (HeadroomFigureRow, headroom_figure_row, GTK_TYPE_LIST_BOX_ROW)

static void
headroom_figure_row_class_init (HeadroomFigureRowClass *klass)
{
}

static void
headroom_figure_row_init (HeadroomFigureRow *self)
{
  self->grid = GTK_GRID (gtk_grid_new ());
  gtk_grid_set_column_spacing (self->grid, 12);
  gtk_grid_set_row_spacing (self->grid, 3);
  gtk_widget_add_css_class (GTK_WIDGET (self->grid), "figure");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), GTK_WIDGET (self->grid));
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), FALSE);
}

static GtkWidget *
create_label (const char *text,
              const char *css_class,
              gboolean    is_selectable)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_yalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_selectable (GTK_LABEL (label), is_selectable);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);

  return label;
}

/* A text that is not there makes no line. */
static void
headroom_figure_row_add (HeadroomFigureRow *self,
                         const char        *title,
                         const char        *text,
                         const char        *css_class)
{
  GtkWidget *label, *value;

  if (text == NULL)
    return;

  label = create_label (title, "dim-label", FALSE);
  value = create_label (text, css_class, TRUE);
  gtk_label_set_width_chars (GTK_LABEL (label), 10);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 18);
  gtk_widget_set_hexpand (value, TRUE);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (value), GTK_ACCESSIBLE_RELATION_LABELLED_BY, label, NULL, -1);
  gtk_grid_attach (self->grid, label, 0, self->n_lines, 1, 1);
  gtk_grid_attach (self->grid, value, 1, self->n_lines, 1, 1);
  self->n_lines++;
}

GtkWidget *
headroom_figure_row_new (const HrArticleFigure *figure,
                         HrUnitSystem           unit_system)
{
  HeadroomFigureRow *self = g_object_new (HEADROOM_TYPE_FIGURE_ROW, NULL);
  g_autofree char *rule = figure->has_rule ? hr_article_figure_format (figure, figure->rule, unit_system) : NULL;
  g_autofree char *exact = figure->has_exact ? hr_article_figure_format (figure, figure->exact, unit_system) : NULL;
  g_autofree char *reasons = hr_article_figure_dup_reasons (figure);

  headroom_figure_row_add (self, _("Printed"), figure->printed, NULL);
  headroom_figure_row_add (self, _("Its formula"), figure->formula, "formula");
  headroom_figure_row_add (self, _("Recomputed"), rule, "numeric");
  headroom_figure_row_add (self, _("Real model"), exact, "numeric");
  headroom_figure_row_add (self, _("Why"), reasons, NULL);

  return GTK_WIDGET (self);
}
