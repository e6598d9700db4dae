/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-figure-row.h"

#include <glib/gi18n.h>

#include "headroom-facts.h"

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

/* A text that is not there makes no line. */
static void
headroom_figure_row_add (HeadroomFigureRow *self,
                         const char        *title,
                         const char        *text,
                         const char        *css_class)
{
  if (text == NULL)
    return;

  headroom_facts_attach (self->grid, self->n_lines, title, text, css_class);
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
