/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-anatomy.h>

G_BEGIN_DECLS

typedef enum
{
  HEADROOM_ANATOMY_ITEM_TITLE,    /* what a table shows, and how to read it */
  HEADROOM_ANATOMY_ITEM_COLUMNS,  /* the titles of its columns */
  HEADROOM_ANATOMY_ITEM_ROW,
} HeadroomAnatomyItemKind;

#define HEADROOM_TYPE_ANATOMY_ITEM (headroom_anatomy_item_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomAnatomyItem, headroom_anatomy_item, HEADROOM, ANATOMY_ITEM, GObject)

/*
 * A line of a list of tables, with all its texts: the tables themselves may go.
 *
 * @values are the numbers of a row, or the titles of the columns; @titles the titles of both; @width_chars what is to
 * be reserved for each so that columns do not move while rows come and go; @table counts the tables.
 */
struct _HeadroomAnatomyItem
{
  GObject parent_instance;

  HeadroomAnatomyItemKind kind;
  char *label;
  char *note;
  char *formula;
  char *values[HR_ANATOMY_MAX_VALUES];
  char *titles[HR_ANATOMY_MAX_VALUES];
  int width_chars[HR_ANATOMY_MAX_VALUES];
  guint n_values;
  guint table;
  guint depth;
  gboolean is_strong;
  HrPart part;
};

GListModel *headroom_anatomy_item_list (HrAnatomyTable * const *tables,
                                        guint                   n_tables,
                                        HrUnitSystem            unit_system) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
