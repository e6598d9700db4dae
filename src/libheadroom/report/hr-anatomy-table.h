/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-tensor.h"
#include "hr-units.h"

G_BEGIN_DECLS

/**
 * HrAnatomyUnit:
 * @HR_ANATOMY_UNIT_NONE: there is no value
 * @HR_ANATOMY_UNIT_COUNT: a number of anything else
 * @HR_ANATOMY_UNIT_PARAMETERS: parameters
 * @HR_ANATOMY_UNIT_ELEMENTS: elements of a cache
 * @HR_ANATOMY_UNIT_BYTES: bytes
 * @HR_ANATOMY_UNIT_OPERATIONS: floating point operations
 * @HR_ANATOMY_UNIT_DIFFERENCE: a difference of parameters, signed
 * @HR_ANATOMY_UNIT_BYTES_DIFFERENCE: a difference of bytes, signed
 *
 * What a number of a table counts.
 */
typedef enum
{
  HR_ANATOMY_UNIT_NONE,
  HR_ANATOMY_UNIT_COUNT,
  HR_ANATOMY_UNIT_PARAMETERS,
  HR_ANATOMY_UNIT_ELEMENTS,
  HR_ANATOMY_UNIT_BYTES,
  HR_ANATOMY_UNIT_OPERATIONS,
  HR_ANATOMY_UNIT_DIFFERENCE,
  HR_ANATOMY_UNIT_BYTES_DIFFERENCE,
} HrAnatomyUnit;

/**
 * HrAnatomyValue:
 * @unit: what @number counts
 * @number: the number; of a difference the two's complement
 */
typedef struct
{
  HrAnatomyUnit unit;
  guint64 number;
} HrAnatomyValue;

#define HR_ANATOMY_MAX_VALUES 4

/**
 * HrAnatomyRow:
 * @id: a key that does not depend on the language
 * @label: what the row is about, in the user's language
 * @note: (nullable): a remark in the user's language
 * @formula: (nullable): how the first value comes about, in symbols
 * @substitution: (nullable): the same in numbers
 * @text: (nullable): what stands in the place of the first value, where that is no number
 * @values: the numbers
 * @depth: how far the row is below one that it belongs to
 * @is_total: whether the row sums up the ones above
 * @is_heading: whether the row has nothing but a label, for the ones below
 * @part: the part of the model, for its colour; %HR_N_PARTS if it has none
 */
typedef struct
{
  char *id;
  char *label;
  char *note;
  char *formula;
  char *substitution;
  char *text;
  HrAnatomyValue values[HR_ANATOMY_MAX_VALUES];
  guint depth;
  gboolean is_total;
  gboolean is_heading;
  HrPart part;
} HrAnatomyRow;

/**
 * HrAnatomyTable:
 * @id: a key that does not depend on the language
 * @title: what the table shows, in the user's language
 * @description: (nullable): how to read it
 * @label_title: the title of the labels
 * @column_ids: for each value a key
 * @column_titles: for each value its title
 * @n_columns: how many values a row has
 * @rows: (element-type HrAnatomyRow): the rows
 *
 * A table of facts about a model, for a page, a report, and a program.
 */
typedef struct
{
  const char *id;
  char *title;
  char *description;
  char *label_title;
  const char *column_ids[HR_ANATOMY_MAX_VALUES];
  char *column_titles[HR_ANATOMY_MAX_VALUES];
  guint n_columns;
  GPtrArray *rows;
} HrAnatomyTable;

HrAnatomyTable     *hr_anatomy_table_new        (const char           *id,
                                                 const char           *title,
                                                 const char           *description,
                                                 const char           *label_title) G_GNUC_WARN_UNUSED_RESULT;
void                hr_anatomy_table_free       (HrAnatomyTable       *self);
void                hr_anatomy_table_add_column (HrAnatomyTable       *self,
                                                 const char           *id,
                                                 const char           *title);
HrAnatomyRow       *hr_anatomy_table_add_row    (HrAnatomyTable       *self,
                                                 guint                 depth,
                                                 const char           *id,
                                                 const char           *label);
const HrAnatomyRow *hr_anatomy_table_get_row    (HrAnatomyTable       *self,
                                                 guint                 index);
const HrAnatomyRow *hr_anatomy_table_find_row   (HrAnatomyTable       *self,
                                                 const char           *id);
void                hr_anatomy_row_set          (HrAnatomyRow         *self,
                                                 guint                 column,
                                                 HrAnatomyUnit         unit,
                                                 guint64               number);
void                hr_anatomy_row_set_formula  (HrAnatomyRow         *self,
                                                 const char           *formula,
                                                 const char           *substitution);
char               *hr_anatomy_value_format     (const HrAnatomyValue *self,
                                                 HrUnitSystem          unit_system) G_GNUC_WARN_UNUSED_RESULT;
char               *hr_anatomy_row_format       (const HrAnatomyRow   *self,
                                                 guint                 column,
                                                 HrUnitSystem          unit_system) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrAnatomyTable, hr_anatomy_table_free)

G_END_DECLS
