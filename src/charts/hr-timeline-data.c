/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-timeline-data.h"

#include <glib/gi18n-lib.h>

/**
 * HrTimelineData:
 *
 * What a timeline shows: how much is held for each purpose at each point of time, in phases.
 *
 * It knows no units and no formats but those that are passed in, in the language of the user. It is filled once, parts
 * first, then the points band by band, and only read after that.
 */
struct _HrTimelineData
{
  GObject parent_instance;

  char *title;
  HrTimelineFormatFunc format;
  HrTimelineDescribeFunc describe;
  gpointer user_data;
  GDestroyNotify destroy;
  guint64 unit;
  char *unit_text;
  GArray *parts;
  GArray *bands;
  GArray *positions;
  GArray *lengths;
  GArray *totals;
  GArray *values;
  guint peak;
  char *peak_sentence;
  guint64 capacity;
  char *capacity_text;
};

G_DEFINE_FINAL_TYPE (HrTimelineData, hr_timeline_data, G_TYPE_OBJECT)

static void
clear_part (gpointer data)
{
  HrTimelinePart *part = data;

  g_free (part->id);
  g_free (part->label);
}

static void
clear_band (gpointer data)
{
  HrTimelineBand *band = data;

  g_free (band->label);
}

static void
hr_timeline_data_finalize (GObject *object)
{
  HrTimelineData *self = HR_TIMELINE_DATA (object);

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self->title);
  g_free (self->unit_text);
  g_free (self->peak_sentence);
  g_free (self->capacity_text);
  g_array_unref (self->parts);
  g_array_unref (self->bands);
  g_array_unref (self->positions);
  g_array_unref (self->lengths);
  g_array_unref (self->totals);
  g_array_unref (self->values);

  G_OBJECT_CLASS (hr_timeline_data_parent_class)->finalize (object);
}

static void
hr_timeline_data_class_init (HrTimelineDataClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hr_timeline_data_finalize;
}

static void
hr_timeline_data_init (HrTimelineData *self)
{
  self->unit = 1;
  self->parts = g_array_new (FALSE, FALSE, sizeof (HrTimelinePart));
  g_array_set_clear_func (self->parts, clear_part);
  self->bands = g_array_new (FALSE, FALSE, sizeof (HrTimelineBand));
  g_array_set_clear_func (self->bands, clear_band);
  self->positions = g_array_new (FALSE, FALSE, sizeof (double));
  self->lengths = g_array_new (FALSE, FALSE, sizeof (double));
  self->totals = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->values = g_array_new (FALSE, FALSE, sizeof (guint64));
}

/**
 * hr_timeline_data_new:
 * @title: what the whole is
 * @format: puts a value into words
 * @describe: says when a point is
 * @user_data: what @format and @describe are called with
 * @destroy: (nullable): what frees @user_data
 *
 * Makes data without parts and points.
 *
 * Returns: (transfer full): the data
 */
HrTimelineData *
hr_timeline_data_new (const char             *title,
                      HrTimelineFormatFunc    format,
                      HrTimelineDescribeFunc  describe,
                      gpointer                user_data,
                      GDestroyNotify          destroy)
{
  HrTimelineData *self;

  g_return_val_if_fail (title != NULL, NULL);
  g_return_val_if_fail (format != NULL && describe != NULL, NULL);

  self = g_object_new (HR_TYPE_TIMELINE_DATA, NULL);
  self->title = g_strdup (title);
  self->format = format;
  self->describe = describe;
  self->user_data = user_data;
  self->destroy = destroy;

  return self;
}

/**
 * hr_timeline_data_set_unit:
 * @self: timeline data
 * @unit: what the axis counts in, at least 1
 * @unit_text: (nullable): what that is called
 *
 * Sets the unit of the axis.
 */
void
hr_timeline_data_set_unit (HrTimelineData *self,
                           guint64         unit,
                           const char     *unit_text)
{
  g_return_if_fail (HR_IS_TIMELINE_DATA (self));
  g_return_if_fail (unit > 0);

  self->unit = unit;
  g_free (self->unit_text);
  self->unit_text = g_strdup (unit_text);
}

/**
 * hr_timeline_data_add_part:
 * @self: timeline data without points
 * @id: what the caller knows the part by
 * @label: what it is called
 * @color: its colour, as 0xRRGGBB
 * @pattern: which pattern it has in high contrast
 *
 * Adds a part, on top of those that are there.
 */
void
hr_timeline_data_add_part (HrTimelineData *self,
                           const char     *id,
                           const char     *label,
                           guint32         color,
                           guint           pattern)
{
  HrTimelinePart part = { .color = color, .pattern = pattern };

  g_return_if_fail (HR_IS_TIMELINE_DATA (self));
  g_return_if_fail (id != NULL && label != NULL);
  g_return_if_fail (self->totals->len == 0);

  part.id = g_strdup (id);
  part.label = g_strdup (label);
  g_array_append_val (self->parts, part);
}

/**
 * hr_timeline_data_begin_band:
 * @self: timeline data
 * @label: what the phase is called
 *
 * Begins a phase, to which the points belong that are added from now on.
 */
void
hr_timeline_data_begin_band (HrTimelineData *self,
                             const char     *label)
{
  HrTimelineBand band = { .first = 0 };

  g_return_if_fail (HR_IS_TIMELINE_DATA (self));
  g_return_if_fail (label != NULL);

  band.label = g_strdup (label);
  band.first = self->totals->len;
  g_array_append_val (self->bands, band);
}

/**
 * hr_timeline_data_add_point:
 * @self: timeline data with a band
 * @position: when it is; never before the point before it
 * @length: how long it lasts, half of it before and half of it after @position; 0 for a moment
 * @values: (array): what is held for each of the parts
 *
 * Adds a point of time.
 */
void
hr_timeline_data_add_point (HrTimelineData *self,
                            double          position,
                            double          length,
                            const guint64  *values)
{
  HrTimelineBand *band;
  guint64 total = 0;

  g_return_if_fail (HR_IS_TIMELINE_DATA (self));
  g_return_if_fail (self->bands->len > 0);
  g_return_if_fail (self->totals->len == 0
                    || position >= g_array_index (self->positions, double, self->totals->len - 1));

  for (guint i = 0; i < self->parts->len; i++)
    total += values[i];

  band = &g_array_index (self->bands, HrTimelineBand, self->bands->len - 1);
  band->n_points++;
  band->highest = MAX (band->highest, total);
  g_array_append_val (self->positions, position);
  g_array_append_val (self->lengths, length);
  g_array_append_val (self->totals, total);
  g_array_append_vals (self->values, values, self->parts->len);
}

/**
 * hr_timeline_data_set_peak:
 * @self: timeline data
 * @point: the index of the highest point
 * @sentence: (nullable): what happens then
 *
 * Says where the peak is.
 */
void
hr_timeline_data_set_peak (HrTimelineData *self,
                           guint           point,
                           const char     *sentence)
{
  g_return_if_fail (HR_IS_TIMELINE_DATA (self));
  g_return_if_fail (point < self->totals->len);

  self->peak = point;
  g_free (self->peak_sentence);
  self->peak_sentence = g_strdup (sentence);
}

/**
 * hr_timeline_data_set_capacity:
 * @self: timeline data
 * @capacity: how much there is room for; 0 if it is not known
 * @capacity_text: (nullable): a few words that say so
 *
 * Sets how much can be held at any time.
 */
void
hr_timeline_data_set_capacity (HrTimelineData *self,
                               guint64         capacity,
                               const char     *capacity_text)
{
  g_return_if_fail (HR_IS_TIMELINE_DATA (self));

  self->capacity = capacity;
  g_free (self->capacity_text);
  self->capacity_text = g_strdup (capacity_text);
}

const char *
hr_timeline_data_get_title (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);

  return self->title;
}

guint64
hr_timeline_data_get_unit (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 1);

  return self->unit;
}

const char *
hr_timeline_data_get_unit_text (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);

  return self->unit_text;
}

guint
hr_timeline_data_get_n_parts (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 0);

  return self->parts->len;
}

const HrTimelinePart *
hr_timeline_data_get_part (HrTimelineData *self,
                           guint           index)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);
  g_return_val_if_fail (index < self->parts->len, NULL);

  return &g_array_index (self->parts, HrTimelinePart, index);
}

/**
 * hr_timeline_data_find_part:
 * @self: timeline data
 * @id: (nullable): the id of a part
 *
 * Returns: the index of the part, or -1 if there is none of that id
 */
int
hr_timeline_data_find_part (HrTimelineData *self,
                            const char     *id)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), -1);

  for (guint i = 0; i < self->parts->len; i++)
    if (g_strcmp0 (g_array_index (self->parts, HrTimelinePart, i).id, id) == 0)
      return i;

  return -1;
}

guint
hr_timeline_data_get_n_bands (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 0);

  return self->bands->len;
}

const HrTimelineBand *
hr_timeline_data_get_band (HrTimelineData *self,
                           guint           index)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);
  g_return_val_if_fail (index < self->bands->len, NULL);

  return &g_array_index (self->bands, HrTimelineBand, index);
}

/**
 * hr_timeline_data_find_band:
 * @self: timeline data
 * @point: the index of a point
 *
 * Returns: the index of the band that the point belongs to
 */
guint
hr_timeline_data_find_band (HrTimelineData *self,
                            guint           point)
{
  guint index = 0;

  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 0);

  for (guint i = 1; i < self->bands->len && g_array_index (self->bands, HrTimelineBand, i).first <= point; i++)
    index = i;

  return index;
}

guint
hr_timeline_data_get_n_points (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 0);

  return self->totals->len;
}

double
hr_timeline_data_get_position (HrTimelineData *self,
                               guint           point)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 0);
  g_return_val_if_fail (point < self->totals->len, 0);

  return g_array_index (self->positions, double, point);
}

double
hr_timeline_data_get_length (HrTimelineData *self,
                             guint           point)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 0);
  g_return_val_if_fail (point < self->totals->len, 0);

  return g_array_index (self->lengths, double, point);
}

/**
 * hr_timeline_data_get_values:
 * @self: timeline data
 * @point: the index of a point
 *
 * Returns: (transfer none): what is held for each of the parts
 */
const guint64 *
hr_timeline_data_get_values (HrTimelineData *self,
                             guint           point)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);
  g_return_val_if_fail (point < self->totals->len, NULL);

  return &g_array_index (self->values, guint64, point * self->parts->len);
}

guint64
hr_timeline_data_get_total (HrTimelineData *self,
                            guint           point)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 0);
  g_return_val_if_fail (point < self->totals->len, 0);

  return g_array_index (self->totals, guint64, point);
}

guint
hr_timeline_data_get_peak (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 0);

  return self->peak;
}

const char *
hr_timeline_data_get_peak_sentence (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);

  return self->peak_sentence;
}

guint64
hr_timeline_data_get_capacity (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), 0);

  return self->capacity;
}

const char *
hr_timeline_data_get_capacity_text (HrTimelineData *self)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);

  return self->capacity_text;
}

/**
 * hr_timeline_data_format:
 * @self: timeline data
 * @value: a value
 *
 * Puts a value into words.
 *
 * Returns: (transfer full): the text
 */
char *
hr_timeline_data_format (HrTimelineData *self,
                         guint64         value)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);

  return self->format (value, self->user_data);
}

/**
 * hr_timeline_data_dup_moment:
 * @self: timeline data
 * @point: the index of a point
 *
 * Says when a point is.
 *
 * Returns: (transfer full): a few words, such as "Forward, layer 3"
 */
char *
hr_timeline_data_dup_moment (HrTimelineData *self,
                             guint           point)
{
  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);
  g_return_val_if_fail (point < self->totals->len, NULL);

  return self->describe (point, self->user_data);
}

/**
 * hr_timeline_data_dup_label:
 * @self: timeline data
 *
 * Says in a sentence what the chart shows, as its accessible name.
 *
 * Returns: (transfer full): the sentence
 */
char *
hr_timeline_data_dup_label (HrTimelineData *self)
{
  g_autofree char *peak = NULL;

  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);

  if (self->totals->len == 0)
    return g_strdup (self->title);

  peak = hr_timeline_data_format (self, hr_timeline_data_get_total (self, self->peak));

  /* Translators: what a chart of memory over time shows, for screen readers: 1 its title, 2 a size */
  return g_strdup_printf (_("%1$s: %2$s at the peak"), self->title, peak);
}

static void
append_separator (GString *text)
{
  if (text->len > 0)
    g_string_append (text, C_("between parts of a chart", "; "));
}

/**
 * hr_timeline_data_dup_description:
 * @self: timeline data
 *
 * Lists the phases with the most that is held in each, and says what happens at the peak, as the chart's accessible
 * description.
 *
 * Returns: (transfer full): the description
 */
char *
hr_timeline_data_dup_description (HrTimelineData *self)
{
  g_autoptr (GString) description = g_string_new (NULL);

  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);

  for (guint i = 0; i < self->bands->len; i++)
    {
      const HrTimelineBand *band = &g_array_index (self->bands, HrTimelineBand, i);
      g_autofree char *size = hr_timeline_data_format (self, band->highest);

      append_separator (description);
      g_string_append_printf (description, _("%1$s: %2$s"), band->label, size);
    }

  if (self->peak_sentence != NULL)
    {
      append_separator (description);
      g_string_append (description, self->peak_sentence);
    }
  if (self->capacity_text != NULL)
    {
      append_separator (description);
      g_string_append (description, self->capacity_text);
    }

  return g_string_free (g_steal_pointer (&description), FALSE);
}

/**
 * hr_timeline_data_dup_point_text:
 * @self: timeline data
 * @point: the index of a point
 *
 * Says when a point is, how much is held then, and for what.
 *
 * Returns: (transfer full): the text
 */
char *
hr_timeline_data_dup_point_text (HrTimelineData *self,
                                 guint           point)
{
  g_autoptr (GString) text = NULL;
  g_autofree char *moment = NULL;
  g_autofree char *total = NULL;
  const guint64 *values;

  g_return_val_if_fail (HR_IS_TIMELINE_DATA (self), NULL);
  g_return_val_if_fail (point < self->totals->len, NULL);

  moment = hr_timeline_data_dup_moment (self, point);
  total = hr_timeline_data_format (self, hr_timeline_data_get_total (self, point));
  values = hr_timeline_data_get_values (self, point);
  text = g_string_new (NULL);
  g_string_append_printf (text, _("%1$s: %2$s"), moment, total);

  for (guint i = 0; i < self->parts->len; i++)
    {
      g_autofree char *size = NULL;

      if (values[i] == 0)
        continue;

      size = hr_timeline_data_format (self, values[i]);
      append_separator (text);
      g_string_append_printf (text, _("%1$s: %2$s"), g_array_index (self->parts, HrTimelinePart, i).label, size);
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}
