/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-anatomy-item.h"

#include <hr-formula-text.h>

/* How many lines the title of a column may have. */
#define MAX_TITLE_LINES 2

G_DEFINE_FINAL_TYPE (HeadroomAnatomyItem, headroom_anatomy_item, G_TYPE_OBJECT)

static void
headroom_anatomy_item_finalize (GObject *object)
{
  HeadroomAnatomyItem *self = HEADROOM_ANATOMY_ITEM (object);

  g_free (self->label);
  g_free (self->note);
  g_free (self->formula);
  for (guint i = 0; i < HR_ANATOMY_MAX_VALUES; i++)
    {
      g_free (self->values[i]);
      g_free (self->titles[i]);
    }

  G_OBJECT_CLASS (headroom_anatomy_item_parent_class)->finalize (object);
}

static void
headroom_anatomy_item_class_init (HeadroomAnatomyItemClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = headroom_anatomy_item_finalize;
}

static void
headroom_anatomy_item_init (HeadroomAnatomyItem *self)
{
  self->part = HR_N_PARTS;
}

static HeadroomAnatomyItem *
add_item (GPtrArray               *items,
          HeadroomAnatomyItemKind  kind,
          const char              *label,
          const char              *note)
{
  HeadroomAnatomyItem *item = g_object_new (HEADROOM_TYPE_ANATOMY_ITEM, NULL);

  item->kind = kind;
  item->label = g_strdup (label);
  item->note = g_strdup (note);
  g_ptr_array_add (items, item);

  return item;
}

/* “q × h = 3,584 × 3,584” */
static char *
join_formula (const HrAnatomyRow *row)
{
  g_autofree char *formula = row->formula != NULL ? hr_formula_to_text (row->formula) : NULL;
  g_autofree char *numbers = row->substitution != NULL ? hr_formula_to_text (row->substitution) : NULL;

  if (formula != NULL && numbers != NULL)
    return g_strdup_printf ("%s = %s", formula, numbers);

  return g_strdup (formula != NULL ? formula : numbers);
}

/* A column that repeats the one before it in every row is of no use: of a dense model all parameters are active. */
static gboolean
is_repetition (HrAnatomyTable *table,
               guint           column)
{
  if (column == 0)
    return FALSE;

  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);

      if (row->values[column].unit != row->values[column - 1].unit ||
          row->values[column].number != row->values[column - 1].number)
        return FALSE;
    }

  return TRUE;
}

static void
set_values (HeadroomAnatomyItem *item,
            HrAnatomyTable      *table,
            const HrAnatomyRow  *row,
            const guint         *columns,
            guint                n_columns,
            HrUnitSystem         unit_system)
{
  item->n_values = n_columns;
  for (guint i = 0; i < n_columns; i++)
    {
      item->titles[i] = g_strdup (table->column_titles[columns[i]]);
      item->values[i] = row != NULL ? hr_anatomy_row_format (row, columns[i], unit_system)
                                    : g_strdup (table->column_titles[columns[i]]);
    }
}

/* Titles are broken between words. */
static int
get_longest_word (const char *title)
{
  g_auto (GStrv) words = g_strsplit (title, " ", -1);
  int longest = 0;

  for (guint i = 0; words[i] != NULL; i++)
    longest = MAX (longest, (int) g_utf8_strlen (words[i], -1));

  return longest;
}

/* Breaks a title between words, into lines that are no wider than its column. */
static char *
break_title (const char *title,
             int         width)
{
  g_auto (GStrv) words = g_strsplit (title, " ", -1);
  g_autoptr (GString) string = g_string_new (NULL);
  int column = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      int length = g_utf8_strlen (words[i], -1);

      if (i > 0)
        g_string_append_c (string, column + 1 + length > width ? '\n' : ' ');
      column = i > 0 && column + 1 + length <= width ? column + 1 + length : length;
      g_string_append (string, words[i]);
    }

  return g_string_free (g_steal_pointer (&string), FALSE);
}

/* The widest text of each column, in characters. */
static void
reserve_widths (GPtrArray *items,
                guint      first,
                guint      n_columns)
{
  /* A single column stands at the end of the line, and may be a text. */
  if (n_columns < 2)
    return;

  for (guint column = 0; column < n_columns; column++)
    {
      int width = 0;

      for (guint i = first; i < items->len; i++)
        {
          HeadroomAnatomyItem *item = g_ptr_array_index (items, i);

          if (item->kind == HEADROOM_ANATOMY_ITEM_ROW && item->n_values > column)
            width = MAX (width, (int) g_utf8_strlen (item->values[column], -1));
          else if (item->kind == HEADROOM_ANATOMY_ITEM_COLUMNS)
            width = MAX (width, MAX (get_longest_word (item->values[column]),
                                     (int) g_utf8_strlen (item->values[column], -1) / MAX_TITLE_LINES + 2));
        }
      for (guint i = first; i < items->len; i++)
        {
          HeadroomAnatomyItem *item = g_ptr_array_index (items, i);

          item->width_chars[column] = width;
          if (item->kind == HEADROOM_ANATOMY_ITEM_COLUMNS)
            {
              g_autofree char *title = g_steal_pointer (&item->values[column]);

              item->values[column] = break_title (title, width);
            }
        }
    }
}

static void
add_table (GPtrArray      *items,
           HrAnatomyTable *table,
           guint           number,
           HrUnitSystem    unit_system)
{
  guint columns[HR_ANATOMY_MAX_VALUES];
  guint n_columns = 0;
  guint first = items->len;

  for (guint i = 0; i < table->n_columns; i++)
    {
      if (!is_repetition (table, i))
        columns[n_columns++] = i;
    }

  add_item (items, HEADROOM_ANATOMY_ITEM_TITLE, table->title, table->description);
  if (n_columns > 1)
    set_values (add_item (items, HEADROOM_ANATOMY_ITEM_COLUMNS, table->label_title, NULL), table, NULL, columns,
                n_columns, unit_system);

  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);
      HeadroomAnatomyItem *item = add_item (items, HEADROOM_ANATOMY_ITEM_ROW, row->label, row->note);

      item->depth = row->depth;
      item->part = row->part;
      item->is_strong = row->is_total || row->is_heading;
      item->formula = join_formula (row);
      if (!row->is_heading)
        set_values (item, table, row, columns, n_columns, unit_system);
    }

  reserve_widths (items, first, n_columns);
  for (guint i = first; i < items->len; i++)
    ((HeadroomAnatomyItem *) g_ptr_array_index (items, i))->table = number;
}

/*
 * Lists the lines of tables, one table after the other. A table may be NULL, and is left out then.
 */
GListModel *
headroom_anatomy_item_list (HrAnatomyTable * const *tables,
                            guint                   n_tables,
                            HrUnitSystem            unit_system)
{
  GListStore *store = g_list_store_new (HEADROOM_TYPE_ANATOMY_ITEM);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n_tables; i++)
    {
      if (tables[i] != NULL)
        add_table (items, tables[i], i, unit_system);
    }

  g_list_store_splice (store, 0, 0, items->pdata, items->len);

  return G_LIST_MODEL (store);
}
