/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-anatomy-row.h"

#include "headroom-chart-scheme.h"
#include "headroom-swatch.h"

/* How far a row is moved in for each step of its depth, in a wide list and in a narrow one. */
#define INDENTATION 24
#define NARROW_INDENTATION 12

/* What is no number may be a sentence, and leaves room for what it is about. */
#define MAX_TEXT_CHARS 28

/*
 * HeadroomAnatomyRow:
 *
 * A line of a list of tables: what it is about, with a remark and a formula below, and its numbers, at the end of the
 * line where there is room, else below it with their titles.
 */
struct _HeadroomAnatomyRow
{
  AdwBin parent_instance;

  GtkWidget *box;
  GtkWidget *line;
  GtkWidget *head;
  HeadroomSwatch *swatch;
  GtkLabel *label;
  GtkLabel *note;
  GtkLabel *formula;
  GtkLabel *values[HR_ANATOMY_MAX_VALUES];
  GtkSizeGroup *columns[HR_ANATOMY_MAX_VALUES];
  GtkWidget *pairs[HR_ANATOMY_MAX_VALUES];
  GtkLabel *pair_titles[HR_ANATOMY_MAX_VALUES];
  GtkLabel *pair_values[HR_ANATOMY_MAX_VALUES];
};

G_DEFINE_FINAL_TYPE (HeadroomAnatomyRow, headroom_anatomy_row, ADW_TYPE_BIN)

static void
headroom_anatomy_row_dispose (GObject *object)
{
  HeadroomAnatomyRow *self = HEADROOM_ANATOMY_ROW (object);

  for (guint i = 0; i < HR_ANATOMY_MAX_VALUES; i++)
    g_clear_object (&self->columns[i]);

  G_OBJECT_CLASS (headroom_anatomy_row_parent_class)->dispose (object);
}

static void
headroom_anatomy_row_class_init (HeadroomAnatomyRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_anatomy_row_dispose;
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "anatomyrow");
}

static GtkLabel *
create_label (float       xalign,
              gboolean    wraps,
              const char *first_class,
              const char *second_class)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), xalign);
  gtk_label_set_wrap (GTK_LABEL (label), wraps);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  if (first_class != NULL)
    gtk_widget_add_css_class (label, first_class);
  if (second_class != NULL)
    gtk_widget_add_css_class (label, second_class);

  return GTK_LABEL (label);
}

/* Made when it is needed: most rows have one number. */
static GtkLabel *
headroom_anatomy_row_ensure_value (HeadroomAnatomyRow *self,
                                   guint               i)
{
  if (self->values[i] == NULL)
    {
      self->values[i] = create_label (1, FALSE, "numeric", NULL);
      gtk_label_set_justify (self->values[i], GTK_JUSTIFY_RIGHT);
      gtk_box_append (GTK_BOX (self->line), GTK_WIDGET (self->values[i]));
    }

  return self->values[i];
}

static GtkWidget *
headroom_anatomy_row_ensure_pair (HeadroomAnatomyRow *self,
                                  guint               i)
{
  if (self->pairs[i] == NULL)
    {
      self->pairs[i] = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
      self->pair_titles[i] = create_label (0, TRUE, "caption", "dim-label");
      self->pair_values[i] = create_label (1, FALSE, "numeric", NULL);
      gtk_widget_set_hexpand (GTK_WIDGET (self->pair_titles[i]), TRUE);
      gtk_box_append (GTK_BOX (self->pairs[i]), GTK_WIDGET (self->pair_titles[i]));
      gtk_box_append (GTK_BOX (self->pairs[i]), GTK_WIDGET (self->pair_values[i]));
      gtk_box_append (GTK_BOX (self->box), self->pairs[i]);
    }

  return self->pairs[i];
}

static void
headroom_anatomy_row_init (HeadroomAnatomyRow *self)
{
  GtkWidget *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);

  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  self->line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 18);
  self->head = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  self->swatch = HEADROOM_SWATCH (headroom_swatch_new ());
  self->label = create_label (0, TRUE, NULL, NULL);
  self->note = create_label (0, TRUE, "caption", "dim-label");
  self->formula = create_label (0, TRUE, "caption", "formula");
  gtk_widget_set_valign (GTK_WIDGET (self->swatch), GTK_ALIGN_START);
  gtk_widget_set_margin_top (GTK_WIDGET (self->swatch), 2);

  gtk_box_append (GTK_BOX (texts), GTK_WIDGET (self->label));
  gtk_box_append (GTK_BOX (texts), GTK_WIDGET (self->note));
  gtk_box_append (GTK_BOX (texts), GTK_WIDGET (self->formula));
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (self->head), GTK_WIDGET (self->swatch));
  gtk_box_append (GTK_BOX (self->head), texts);
  gtk_widget_set_hexpand (self->head, TRUE);

  gtk_box_append (GTK_BOX (self->line), self->head);
  gtk_box_append (GTK_BOX (self->box), self->line);
  adw_bin_set_child (ADW_BIN (self), self->box);
}

GtkWidget *
headroom_anatomy_row_new (void)
{
  return g_object_new (HEADROOM_TYPE_ANATOMY_ROW, NULL);
}

static void
show_text (GtkLabel   *label,
           const char *text)
{
  gtk_label_set_label (label, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL && *text != '\0');
}

static void
set_class (gpointer    widget,
           const char *css_class,
           gboolean    is_set)
{
  if (is_set)
    gtk_widget_add_css_class (widget, css_class);
  else
    gtk_widget_remove_css_class (widget, css_class);
}

static void
leave_column (HeadroomAnatomyRow *self,
              guint               i)
{
  if (self->columns[i] != NULL)
    gtk_size_group_remove_widget (self->columns[i], GTK_WIDGET (self->values[i]));
  g_clear_object (&self->columns[i]);
}

static void
hide_value (HeadroomAnatomyRow *self,
            guint               i)
{
  leave_column (self, i);
  if (self->values[i] != NULL)
    gtk_widget_set_visible (GTK_WIDGET (self->values[i]), FALSE);
  if (self->pairs[i] != NULL)
    gtk_widget_set_visible (self->pairs[i], FALSE);
}

static void
headroom_anatomy_row_show_value (HeadroomAnatomyRow  *self,
                                 HeadroomAnatomyItem *item,
                                 GtkSizeGroup        *column,
                                 guint                i)
{
  gboolean is_title = item->kind == HEADROOM_ANATOMY_ITEM_COLUMNS;
  GtkLabel *label = headroom_anatomy_row_ensure_value (self, i);

  gtk_widget_set_visible (GTK_WIDGET (label), TRUE);
  gtk_label_set_label (label, item->values[i]);
  gtk_label_set_width_chars (label, item->n_values > 1 && !is_title ? item->width_chars[i] : -1);
  gtk_label_set_max_width_chars (label, item->n_values > 1 ? -1 : MAX_TEXT_CHARS);
  if (column != NULL)
    {
      gtk_size_group_add_widget (column, GTK_WIDGET (label));
      self->columns[i] = g_object_ref (column);
    }
  gtk_label_set_wrap (label, item->n_values == 1 && g_utf8_strlen (item->values[i], -1) > MAX_TEXT_CHARS);
  set_class (label, "heading", item->is_strong);
  set_class (label, "caption", is_title);
  set_class (label, "dim-label", is_title);
  gtk_label_set_yalign (label, is_title ? 1 : 0);
}

static void
headroom_anatomy_row_show_pair (HeadroomAnatomyRow  *self,
                                HeadroomAnatomyItem *item,
                                guint                i)
{
  GtkWidget *pair = headroom_anatomy_row_ensure_pair (self, i);

  gtk_widget_set_visible (pair, *item->values[i] != '\0');
  gtk_label_set_label (self->pair_titles[i], item->titles[i]);
  gtk_label_set_label (self->pair_values[i], item->values[i]);
  set_class (self->pair_values[i], "heading", item->is_strong);
}

static void
headroom_anatomy_row_show_values (HeadroomAnatomyRow  *self,
                                  HeadroomAnatomyItem *item,
                                  GtkSizeGroup       **columns,
                                  gboolean             is_narrow)
{
  for (guint i = 0; i < HR_ANATOMY_MAX_VALUES; i++)
    {
      hide_value (self, i);
      if (i >= item->n_values)
        continue;

      /* One number stands at the end of its line however narrow that is. */
      if (is_narrow && item->n_values > 1)
        headroom_anatomy_row_show_pair (self, item, i);
      else
        headroom_anatomy_row_show_value (self, item, columns != NULL ? columns[i] : NULL, i);
    }
}

/*
 * Shows @item; in a narrow list its numbers go below it, in a wide one into @columns, which may be NULL.
 */
void
headroom_anatomy_row_show (HeadroomAnatomyRow  *self,
                           HeadroomAnatomyItem *item,
                           GtkSizeGroup       **columns,
                           gboolean             is_narrow)
{
  gboolean is_title = item->kind == HEADROOM_ANATOMY_ITEM_TITLE;
  gboolean is_columns = item->kind == HEADROOM_ANATOMY_ITEM_COLUMNS;
  gboolean has_swatch = item->part < HR_N_PARTS && item->depth < 2;

  g_return_if_fail (HEADROOM_IS_ANATOMY_ROW (self));
  g_return_if_fail (HEADROOM_IS_ANATOMY_ITEM (item));

  show_text (self->label, item->label);
  show_text (self->note, item->note);
  show_text (self->formula, item->formula);
  gtk_widget_set_visible (GTK_WIDGET (self->swatch), has_swatch);
  if (has_swatch)
    headroom_swatch_set (self->swatch, hr_palette_get_part_color (item->part, headroom_get_palette_scheme ()),
                         item->part);

  gtk_widget_set_margin_start (self->box, item->depth * (is_narrow ? NARROW_INDENTATION : INDENTATION));
  gtk_widget_set_visible (self->box, !is_columns || !is_narrow);
  set_class (self, "table-title", is_title);
  set_class (self, "columns", is_columns);
  set_class (self, "total", item->is_strong && item->n_values > 0);
  set_class (self->label, "title-4", is_title);
  set_class (self->label, "heading", item->is_strong);
  gtk_widget_set_valign (self->head, is_columns ? GTK_ALIGN_END : GTK_ALIGN_START);
  set_class (self->label, "caption", is_columns);
  set_class (self->label, "dim-label", is_columns);
  set_class (self->note, "caption", !is_title);
  headroom_anatomy_row_show_values (self, item, columns, is_narrow);
}

/*
 * Creates the rows of @table below each other, for a place that is narrow: all of them have widgets.
 */
GtkWidget *
headroom_anatomy_rows_new (HrAnatomyTable *table,
                           HrUnitSystem    unit_system)
{
  g_autoptr (GListModel) items = headroom_anatomy_item_list (&table, 1, unit_system);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  for (guint i = 0; i < g_list_model_get_n_items (items); i++)
    {
      g_autoptr (HeadroomAnatomyItem) item = g_list_model_get_item (items, i);
      GtkWidget *row;

      if (item->kind == HEADROOM_ANATOMY_ITEM_COLUMNS)
        continue;
      row = headroom_anatomy_row_new ();
      headroom_anatomy_row_show (HEADROOM_ANATOMY_ROW (row), item, NULL, TRUE);
      gtk_box_append (GTK_BOX (box), row);
    }

  return box;
}
