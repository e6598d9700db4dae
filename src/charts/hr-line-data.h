/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * HrLineFormatFunc:
 * @value: a value
 * @user_data: what was passed to [ctor@LineData.new]
 *
 * Returns: (transfer full): the value in words
 */
typedef char *(*HrLineFormatFunc) (guint64  value,
                                   gpointer user_data);

/**
 * HrLineFormatPositionFunc:
 * @position: a position
 * @user_data: what was passed to [ctor@LineData.new]
 *
 * Returns: (transfer full): the position in words
 */
typedef char *(*HrLineFormatPositionFunc) (double   position,
                                           gpointer user_data);

/**
 * HrLine:
 * @id: what it is called in programs
 * @label: what it is called
 * @sentence: (nullable): what there is to say about it
 * @color: 0xRRGGBB
 * @look: which dashes and marks tell it from the others
 */
typedef struct
{
  char *id;
  char *label;
  char *sentence;
  guint32 color;
  guint look;
} HrLine;

/**
 * HrLineLevel:
 * @value: how high it is
 * @label: what is there
 */
typedef struct
{
  guint64 value;
  char *label;
} HrLineLevel;

/**
 * HrLineMark:
 * @position: where it is
 * @label: what is there
 */
typedef struct
{
  double position;
  char *label;
} HrLineMark;

#define HR_TYPE_LINE_DATA (hr_line_data_get_type ())

G_DECLARE_FINAL_TYPE (HrLineData, hr_line_data, HR, LINE_DATA, GObject)

HrLineData        *hr_line_data_new             (const char               *title,
                                                 const char               *axis_title,
                                                 HrLineFormatFunc          format,
                                                 HrLineFormatPositionFunc  format_position,
                                                 gpointer                  user_data,
                                                 GDestroyNotify            destroy) G_GNUC_WARN_UNUSED_RESULT;
void               hr_line_data_set_unit        (HrLineData               *self,
                                                 guint64                   unit,
                                                 const char               *unit_text);
void               hr_line_data_set_logarithmic (HrLineData               *self,
                                                 gboolean                  logarithmic);
void               hr_line_data_set_note        (HrLineData               *self,
                                                 const char               *note);
void               hr_line_data_add_position    (HrLineData               *self,
                                                 double                    position);
guint              hr_line_data_add_line        (HrLineData               *self,
                                                 const char               *id,
                                                 const char               *label,
                                                 const char               *sentence,
                                                 guint32                   color,
                                                 guint                     look);
void               hr_line_data_set_value       (HrLineData               *self,
                                                 guint                     line,
                                                 guint                     index,
                                                 guint64                   value);
void               hr_line_data_set_gap         (HrLineData               *self,
                                                 guint                     line,
                                                 guint                     index,
                                                 const char               *reason);
void               hr_line_data_add_level       (HrLineData               *self,
                                                 guint64                   value,
                                                 const char               *label);
void               hr_line_data_add_mark        (HrLineData               *self,
                                                 double                    position,
                                                 const char               *label);
const char        *hr_line_data_get_title       (HrLineData               *self);
const char        *hr_line_data_get_axis_title  (HrLineData               *self);
const char        *hr_line_data_get_unit_text   (HrLineData               *self);
const char        *hr_line_data_get_note        (HrLineData               *self);
guint64            hr_line_data_get_unit        (HrLineData               *self);
gboolean           hr_line_data_get_logarithmic (HrLineData               *self);
const double      *hr_line_data_get_positions   (HrLineData               *self,
                                                 guint                    *n_positions);
guint              hr_line_data_get_n_lines     (HrLineData               *self);
const HrLine      *hr_line_data_get_line        (HrLineData               *self,
                                                 guint                     line);
gboolean           hr_line_data_get_value       (HrLineData               *self,
                                                 guint                     line,
                                                 guint                     index,
                                                 guint64                  *value);
const char        *hr_line_data_get_gap         (HrLineData               *self,
                                                 guint                     line,
                                                 guint                     index);
guint              hr_line_data_get_n_levels    (HrLineData               *self);
const HrLineLevel *hr_line_data_get_level       (HrLineData               *self,
                                                 guint                     level);
guint              hr_line_data_get_n_marks     (HrLineData               *self);
const HrLineMark  *hr_line_data_get_mark        (HrLineData               *self,
                                                 guint                     mark);
char              *hr_line_data_format          (HrLineData               *self,
                                                 guint64                   value) G_GNUC_WARN_UNUSED_RESULT;
char              *hr_line_data_format_position (HrLineData               *self,
                                                 double                    position) G_GNUC_WARN_UNUSED_RESULT;
char              *hr_line_data_dup_label       (HrLineData               *self) G_GNUC_WARN_UNUSED_RESULT;
char              *hr_line_data_dup_description (HrLineData               *self) G_GNUC_WARN_UNUSED_RESULT;
char              *hr_line_data_dup_point_text  (HrLineData               *self,
                                                 guint                     line,
                                                 guint                     index) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
