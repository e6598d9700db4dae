/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-line-data.h"

#include <glib/gi18n-lib.h>

/* A value of a line at a position, or why there is none. */
typedef struct
{
  guint64 value;
  gboolean is_there;
  char *reason;
} Value;

/**
 * HrLineData:
 *
 * What a line chart shows: the values of lines at the same positions, levels that they cross, and marks at positions of
 * their own.
 *
 * It knows no units and no formats but those that are passed in, in the language of the user. It is filled once,
 * positions first, then the lines, and only read after that. A value that there is not is a gap in its line.
 */
struct _HrLineData
{
  GObject parent_instance;

  char *title;
  char *axis_title;
  char *note;
  HrLineFormatFunc format;
  HrLineFormatPositionFunc format_position;
  gpointer user_data;
  GDestroyNotify destroy;
  guint64 unit;
  char *unit_text;
  gboolean logarithmic;
  GArray *positions;
  GArray *lines;
  GArray *values;
  GArray *levels;
  GArray *marks;
};

G_DEFINE_FINAL_TYPE (HrLineData, hr_line_data, G_TYPE_OBJECT)

static void
clear_line (gpointer data)
{
  HrLine *line = data;

  g_free (line->id);
  g_free (line->label);
  g_free (line->sentence);
}

static void
clear_level (gpointer data)
{
  HrLineLevel *level = data;

  g_free (level->label);
}

static void
clear_mark (gpointer data)
{
  HrLineMark *mark = data;

  g_free (mark->label);
}

static void
clear_value (gpointer data)
{
  Value *value = data;

  g_free (value->reason);
}

static void
hr_line_data_finalize (GObject *object)
{
  HrLineData *self = HR_LINE_DATA (object);

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self->title);
  g_free (self->axis_title);
  g_free (self->note);
  g_free (self->unit_text);
  g_array_unref (self->positions);
  g_array_unref (self->lines);
  g_array_unref (self->values);
  g_array_unref (self->levels);
  g_array_unref (self->marks);

  G_OBJECT_CLASS (hr_line_data_parent_class)->finalize (object);
}

static void
hr_line_data_class_init (HrLineDataClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hr_line_data_finalize;
}

static void
hr_line_data_init (HrLineData *self)
{
  self->unit = 1;
  self->positions = g_array_new (FALSE, FALSE, sizeof (double));
  self->lines = g_array_new (FALSE, FALSE, sizeof (HrLine));
  g_array_set_clear_func (self->lines, clear_line);
  self->values = g_array_new (FALSE, TRUE, sizeof (Value));
  g_array_set_clear_func (self->values, clear_value);
  self->levels = g_array_new (FALSE, FALSE, sizeof (HrLineLevel));
  g_array_set_clear_func (self->levels, clear_level);
  self->marks = g_array_new (FALSE, FALSE, sizeof (HrLineMark));
  g_array_set_clear_func (self->marks, clear_mark);
}

/**
 * hr_line_data_new:
 * @title: what the whole is
 * @axis_title: what positions are
 * @format: puts a value into words
 * @format_position: puts a position into words
 * @user_data: what the two are called with
 * @destroy: (nullable): what frees @user_data
 *
 * Makes data without positions and lines.
 *
 * Returns: (transfer full): the data
 */
HrLineData *
hr_line_data_new (const char               *title,
                  const char               *axis_title,
                  HrLineFormatFunc          format,
                  HrLineFormatPositionFunc  format_position,
                  gpointer                  user_data,
                  GDestroyNotify            destroy)
{
  HrLineData *self;

  g_return_val_if_fail (title != NULL && axis_title != NULL, NULL);
  g_return_val_if_fail (format != NULL && format_position != NULL, NULL);

  self = g_object_new (HR_TYPE_LINE_DATA, NULL);
  self->title = g_strdup (title);
  self->axis_title = g_strdup (axis_title);
  self->format = format;
  self->format_position = format_position;
  self->user_data = user_data;
  self->destroy = destroy;

  return self;
}

/**
 * hr_line_data_set_unit:
 * @self: line data
 * @unit: what the axis of values counts in, at least 1
 * @unit_text: (nullable): what that is called
 *
 * Sets the unit of the axis.
 */
void
hr_line_data_set_unit (HrLineData *self,
                       guint64     unit,
                       const char *unit_text)
{
  g_return_if_fail (HR_IS_LINE_DATA (self));
  g_return_if_fail (unit > 0);

  self->unit = unit;
  g_free (self->unit_text);
  self->unit_text = g_strdup (unit_text);
}

/**
 * hr_line_data_set_logarithmic:
 * @self: line data
 * @logarithmic: whether positions stand apart as their logarithms do; they are above 0 then
 */
void
hr_line_data_set_logarithmic (HrLineData *self,
                              gboolean    logarithmic)
{
  g_return_if_fail (HR_IS_LINE_DATA (self));

  self->logarithmic = logarithmic;
}

/**
 * hr_line_data_set_note:
 * @self: line data
 * @note: (nullable): a sentence about all lines
 */
void
hr_line_data_set_note (HrLineData *self,
                       const char *note)
{
  g_return_if_fail (HR_IS_LINE_DATA (self));

  g_free (self->note);
  self->note = g_strdup (note);
}

/**
 * hr_line_data_add_position:
 * @self: line data without lines
 * @position: a position after those that there are
 */
void
hr_line_data_add_position (HrLineData *self,
                           double      position)
{
  g_return_if_fail (HR_IS_LINE_DATA (self));
  g_return_if_fail (self->lines->len == 0);

  g_array_append_val (self->positions, position);
}

/**
 * hr_line_data_add_line:
 * @self: line data
 * @id: what the line is called in programs
 * @label: what it is called
 * @sentence: (nullable): what there is to say about it
 * @color: 0xRRGGBB
 * @look: which dashes and marks tell it from the others
 *
 * Adds a line that has no values yet.
 *
 * Returns: its index
 */
guint
hr_line_data_add_line (HrLineData *self,
                       const char *id,
                       const char *label,
                       const char *sentence,
                       guint32     color,
                       guint       look)
{
  HrLine line = { g_strdup (id), g_strdup (label), g_strdup (sentence), color, look };

  g_return_val_if_fail (HR_IS_LINE_DATA (self), 0);
  g_return_val_if_fail (id != NULL && label != NULL, 0);

  g_array_append_val (self->lines, line);
  g_array_set_size (self->values, self->lines->len * self->positions->len);

  return self->lines->len - 1;
}

static Value *
get_value (HrLineData *self,
           guint       line,
           guint       index)
{
  return &g_array_index (self->values, Value, line * self->positions->len + index);
}

void
hr_line_data_set_value (HrLineData *self,
                        guint       line,
                        guint       index,
                        guint64     value)
{
  g_return_if_fail (HR_IS_LINE_DATA (self));
  g_return_if_fail (line < self->lines->len && index < self->positions->len);

  get_value (self, line, index)->value = value;
  get_value (self, line, index)->is_there = TRUE;
}

/**
 * hr_line_data_set_gap:
 * @self: line data
 * @line: the index of a line
 * @index: the index of a position
 * @reason: why there is no value
 */
void
hr_line_data_set_gap (HrLineData *self,
                      guint       line,
                      guint       index,
                      const char *reason)
{
  Value *value;

  g_return_if_fail (HR_IS_LINE_DATA (self));
  g_return_if_fail (line < self->lines->len && index < self->positions->len);

  value = get_value (self, line, index);
  g_free (value->reason);
  *value = (Value) { .reason = g_strdup (reason) };
}

void
hr_line_data_add_level (HrLineData *self,
                        guint64     value,
                        const char *label)
{
  HrLineLevel level = { value, g_strdup (label) };

  g_return_if_fail (HR_IS_LINE_DATA (self));
  g_return_if_fail (label != NULL);

  g_array_append_val (self->levels, level);
}

/**
 * hr_line_data_add_mark:
 * @self: line data
 * @position: a position, which need not be one of those that lines have values at
 * @label: what is there
 *
 * Adds a line from top to bottom. One that is outside of the lines' positions is not shown.
 */
void
hr_line_data_add_mark (HrLineData *self,
                       double      position,
                       const char *label)
{
  HrLineMark mark = { position, g_strdup (label) };

  g_return_if_fail (HR_IS_LINE_DATA (self));
  g_return_if_fail (label != NULL);

  g_array_append_val (self->marks, mark);
}

const char *
hr_line_data_get_title (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);

  return self->title;
}

const char *
hr_line_data_get_axis_title (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);

  return self->axis_title;
}

const char *
hr_line_data_get_unit_text (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);

  return self->unit_text;
}

const char *
hr_line_data_get_note (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);

  return self->note;
}

guint64
hr_line_data_get_unit (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), 1);

  return self->unit;
}

gboolean
hr_line_data_get_logarithmic (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), FALSE);

  return self->logarithmic;
}

/**
 * hr_line_data_get_positions:
 * @self: line data
 * @n_positions: (out): how many there are
 *
 * Returns: (transfer none) (array length=n_positions): the positions, in order
 */
const double *
hr_line_data_get_positions (HrLineData *self,
                            guint      *n_positions)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);
  g_return_val_if_fail (n_positions != NULL, NULL);

  *n_positions = self->positions->len;

  return (const double *) self->positions->data;
}

guint
hr_line_data_get_n_lines (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), 0);

  return self->lines->len;
}

const HrLine *
hr_line_data_get_line (HrLineData *self,
                       guint       line)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);
  g_return_val_if_fail (line < self->lines->len, NULL);

  return &g_array_index (self->lines, HrLine, line);
}

/**
 * hr_line_data_get_value:
 * @self: line data
 * @line: the index of a line
 * @index: the index of a position
 * @value: (out) (optional): the value
 *
 * Returns: whether the line has a value there
 */
gboolean
hr_line_data_get_value (HrLineData *self,
                        guint       line,
                        guint       index,
                        guint64    *value)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), FALSE);
  g_return_val_if_fail (line < self->lines->len && index < self->positions->len, FALSE);

  if (value != NULL)
    *value = get_value (self, line, index)->value;

  return get_value (self, line, index)->is_there;
}

/**
 * hr_line_data_get_gap:
 * @self: line data
 * @line: the index of a line
 * @index: the index of a position
 *
 * Returns: (transfer none) (nullable): why there is no value, where that is known
 */
const char *
hr_line_data_get_gap (HrLineData *self,
                      guint       line,
                      guint       index)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);
  g_return_val_if_fail (line < self->lines->len && index < self->positions->len, NULL);

  return get_value (self, line, index)->reason;
}

guint
hr_line_data_get_n_levels (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), 0);

  return self->levels->len;
}

const HrLineLevel *
hr_line_data_get_level (HrLineData *self,
                        guint       level)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);
  g_return_val_if_fail (level < self->levels->len, NULL);

  return &g_array_index (self->levels, HrLineLevel, level);
}

guint
hr_line_data_get_n_marks (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), 0);

  return self->marks->len;
}

const HrLineMark *
hr_line_data_get_mark (HrLineData *self,
                       guint       mark)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);
  g_return_val_if_fail (mark < self->marks->len, NULL);

  return &g_array_index (self->marks, HrLineMark, mark);
}

char *
hr_line_data_format (HrLineData *self,
                     guint64     value)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);

  return self->format (value, self->user_data);
}

char *
hr_line_data_format_position (HrLineData *self,
                              double      position)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);

  return self->format_position (position, self->user_data);
}

/**
 * hr_line_data_dup_label:
 * @self: line data
 *
 * Says in a few words what the chart shows.
 *
 * Returns: (transfer full): the words
 */
char *
hr_line_data_dup_label (HrLineData *self)
{
  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);

  /* Translators: what a screen reader says of a line chart: 1 its title, 2 what its axis is of, such as “Batch size” */
  return g_strdup_printf (_("Line chart: %1$s, by %2$s"), self->title, self->axis_title);
}

/* A line from its first value to its last one. */
static void
describe_line (HrLineData *self,
               guint       line,
               GString    *text)
{
  const HrLine *shown = hr_line_data_get_line (self, line);
  int first = -1, last = -1;

  for (guint i = 0; i < self->positions->len; i++)
    {
      if (!get_value (self, line, i)->is_there)
        continue;
      if (first < 0)
        first = i;
      last = i;
    }

  if (text->len > 0)
    g_string_append_c (text, ' ');
  if (first >= 0)
    {
      g_autofree char *from = hr_line_data_dup_point_text (self, line, first);
      g_autofree char *to = hr_line_data_dup_point_text (self, line, last);

      /* Translators: 1 and 2 are points of a line, such as “Llama at 512: 14.2 GiB” */
      g_string_append_printf (text, _("From %1$s, to %2$s."), from, to);
    }
  if (shown->sentence != NULL && *shown->sentence != '\0')
    /* Translators: 1 the name of a line, 2 what there is to say about it */
    g_string_append_printf (text, _(" %1$s: %2$s."), shown->label, shown->sentence);
}

/**
 * hr_line_data_dup_description:
 * @self: line data
 *
 * Says what a chart shows: where each line begins and ends, and what there is to say about it.
 *
 * Returns: (transfer full): sentences
 */
char *
hr_line_data_dup_description (HrLineData *self)
{
  GString *text = g_string_new (NULL);

  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);

  for (guint i = 0; i < self->lines->len; i++)
    describe_line (self, i, text);
  if (self->note != NULL)
    g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", self->note);

  return g_string_free (text, FALSE);
}

/**
 * hr_line_data_dup_point_text:
 * @self: line data
 * @line: the index of a line
 * @index: the index of a position
 *
 * Puts a point of a line into words.
 *
 * Returns: (transfer full): the words
 */
char *
hr_line_data_dup_point_text (HrLineData *self,
                             guint       line,
                             guint       index)
{
  g_autofree char *position = NULL;
  g_autofree char *value = NULL;
  const Value *point;

  g_return_val_if_fail (HR_IS_LINE_DATA (self), NULL);
  g_return_val_if_fail (line < self->lines->len && index < self->positions->len, NULL);

  point = get_value (self, line, index);
  position = hr_line_data_format_position (self, g_array_index (self->positions, double, index));
  value = point->is_there ? hr_line_data_format (self, point->value)
                          : g_strdup (point->reason != NULL ? point->reason : C_("no figure", "—"));

  /* Translators: a point of a line: 1 the name of the line, 2 where it is, 3 its value */
  return g_strdup_printf (_("%1$s at %2$s: %3$s"), hr_line_data_get_line (self, line)->label, position, value);
}
