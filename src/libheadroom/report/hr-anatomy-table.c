/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-anatomy-table.h"

static void
hr_anatomy_row_free (HrAnatomyRow *self)
{
  g_free (self->id);
  g_free (self->label);
  g_free (self->note);
  g_free (self->formula);
  g_free (self->substitution);
  g_free (self->text);
  g_free (self);
}

/**
 * hr_anatomy_table_new: (skip)
 * @id: the name of the table, which has to be static
 * @title: its title, in the user's language
 * @description: (nullable): what it shows
 * @label_title: (nullable): the title of its first column
 *
 * Makes a table without columns and rows.
 *
 * Returns: (transfer full): the table
 */
HrAnatomyTable *
hr_anatomy_table_new (const char *id,
                      const char *title,
                      const char *description,
                      const char *label_title)
{
  HrAnatomyTable *self = g_new0 (HrAnatomyTable, 1);

  self->id = id;
  self->title = g_strdup (title);
  self->description = g_strdup (description);
  self->label_title = g_strdup (label_title);
  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_anatomy_row_free);

  return self;
}

void
hr_anatomy_table_free (HrAnatomyTable *self)
{
  g_return_if_fail (self != NULL);

  g_free (self->title);
  g_free (self->description);
  g_free (self->label_title);
  for (guint i = 0; i < self->n_columns; i++)
    g_free (self->column_titles[i]);
  g_ptr_array_unref (self->rows);
  g_free (self);
}

/* The @id has to be static. */
void
hr_anatomy_table_add_column (HrAnatomyTable *self,
                             const char     *id,
                             const char     *title)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (self->n_columns < HR_ANATOMY_MAX_VALUES);

  self->column_ids[self->n_columns] = id;
  self->column_titles[self->n_columns] = g_strdup (title);
  self->n_columns++;
}

/**
 * hr_anatomy_table_add_row: (skip)
 * @self: a table
 * @depth: how far the row is indented
 * @id: (nullable): its name
 * @label: what it is called
 *
 * Adds a row that has no values yet.
 *
 * Returns: (transfer none): the row
 */
HrAnatomyRow *
hr_anatomy_table_add_row (HrAnatomyTable *self,
                          guint           depth,
                          const char     *id,
                          const char     *label)
{
  HrAnatomyRow *row;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (id != NULL && label != NULL, NULL);

  row = g_new0 (HrAnatomyRow, 1);
  row->id = g_strdup (id);
  row->label = g_strdup (label);
  row->depth = depth;
  row->part = HR_N_PARTS;
  g_ptr_array_add (self->rows, row);

  return row;
}

const HrAnatomyRow *
hr_anatomy_table_get_row (HrAnatomyTable *self,
                          guint           index)
{
  g_return_val_if_fail (self != NULL && index < self->rows->len, NULL);

  return g_ptr_array_index (self->rows, index);
}

/* The first row with that key; %NULL if there is none. */
const HrAnatomyRow *
hr_anatomy_table_find_row (HrAnatomyTable *self,
                           const char     *id)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (id != NULL, NULL);

  for (guint i = 0; i < self->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (self, i);

      if (g_str_equal (row->id, id))
        return row;
    }

  return NULL;
}

void
hr_anatomy_row_set (HrAnatomyRow  *self,
                    guint          column,
                    HrAnatomyUnit  unit,
                    guint64        number)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (column < HR_ANATOMY_MAX_VALUES);

  self->values[column] = (HrAnatomyValue) { unit, number };
}

void
hr_anatomy_row_set_formula (HrAnatomyRow *self,
                            const char   *formula,
                            const char   *substitution)
{
  g_return_if_fail (self != NULL);

  g_free (self->formula);
  g_free (self->substitution);
  self->formula = g_strdup (formula);
  self->substitution = g_strdup (substitution);
}

static char *
format_difference (gint64 number)
{
  guint64 magnitude = number < 0 ? (guint64) 0 - (guint64) number : (guint64) number;
  g_autofree char *text = hr_format_integer (magnitude);
  const char *sign = number < 0 ? "\u2212" : "+";

  return g_strconcat (number == 0 ? "" : sign, text, NULL);
}

/* A value for people; an empty text if there is none. */
char *
hr_anatomy_value_format (const HrAnatomyValue *self,
                         HrUnitSystem          unit_system)
{
  g_return_val_if_fail (self != NULL, NULL);

  switch (self->unit)
    {
    case HR_ANATOMY_UNIT_COUNT:
    case HR_ANATOMY_UNIT_PARAMETERS:
    case HR_ANATOMY_UNIT_ELEMENTS:
      return hr_format_integer (self->number);

    case HR_ANATOMY_UNIT_BYTES:
      return hr_format_bytes (self->number, unit_system);

    case HR_ANATOMY_UNIT_OPERATIONS:
      return hr_format_operations (self->number);

    case HR_ANATOMY_UNIT_DIFFERENCE:
      return format_difference ((gint64) self->number);

    case HR_ANATOMY_UNIT_BYTES_DIFFERENCE:
      return hr_format_bytes_difference ((gint64) self->number, unit_system);

    case HR_ANATOMY_UNIT_NONE:
    default:
      return g_strdup ("");
    }
}

/* What stands in a column of the row; the text of the row takes the place of its first value. */
char *
hr_anatomy_row_format (const HrAnatomyRow *self,
                       guint               column,
                       HrUnitSystem        unit_system)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (column < HR_ANATOMY_MAX_VALUES, NULL);

  if (column == 0 && self->text != NULL)
    return g_strdup (self->text);

  return hr_anatomy_value_format (&self->values[column], unit_system);
}
