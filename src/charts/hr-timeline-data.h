/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * HrTimelinePart:
 * @id: what the caller knows it by
 * @label: what it is called, in the user's language
 * @color: its colour, as 0xRRGGBB
 * @pattern: which pattern tells it from others where colours do not suffice
 *
 * A part of what is held; the parts lie on top of each other in their order.
 */
typedef struct
{
  char *id;
  char *label;
  guint32 color;
  guint pattern;
} HrTimelinePart;

/**
 * HrTimelineBand:
 * @label: what it is called, in the user's language
 * @first: the index of its first point
 * @n_points: how many points it has
 * @highest: the most that is held in it
 *
 * A phase of the time.
 */
typedef struct
{
  char *label;
  guint first;
  guint n_points;
  guint64 highest;
} HrTimelineBand;

/* Puts a value into words. */
typedef char *(*HrTimelineFormatFunc) (guint64  value,
                                       gpointer user_data);

/* Says in a few words when a point is, such as "Forward, layer 3". */
typedef char *(*HrTimelineDescribeFunc) (guint    point,
                                         gpointer user_data);

#define HR_TYPE_TIMELINE_DATA (hr_timeline_data_get_type ())

G_DECLARE_FINAL_TYPE (HrTimelineData, hr_timeline_data, HR, TIMELINE_DATA, GObject)

HrTimelineData       *hr_timeline_data_new               (const char             *title,
                                                          HrTimelineFormatFunc    format,
                                                          HrTimelineDescribeFunc  describe,
                                                          gpointer                user_data,
                                                          GDestroyNotify          destroy) G_GNUC_WARN_UNUSED_RESULT;
void                  hr_timeline_data_set_unit          (HrTimelineData         *self,
                                                          guint64                 unit,
                                                          const char             *unit_text);
void                  hr_timeline_data_add_part          (HrTimelineData         *self,
                                                          const char             *id,
                                                          const char             *label,
                                                          guint32                 color,
                                                          guint                   pattern);
void                  hr_timeline_data_begin_band        (HrTimelineData         *self,
                                                          const char             *label);
void                  hr_timeline_data_add_point         (HrTimelineData         *self,
                                                          double                  position,
                                                          double                  length,
                                                          const guint64          *values);
void                  hr_timeline_data_set_peak          (HrTimelineData         *self,
                                                          guint                   point,
                                                          const char             *sentence);
void                  hr_timeline_data_set_capacity      (HrTimelineData         *self,
                                                          guint64                 capacity,
                                                          const char             *capacity_text);
const char           *hr_timeline_data_get_title         (HrTimelineData         *self);
guint64               hr_timeline_data_get_unit          (HrTimelineData         *self);
const char           *hr_timeline_data_get_unit_text     (HrTimelineData         *self);
guint                 hr_timeline_data_get_n_parts       (HrTimelineData         *self);
const HrTimelinePart *hr_timeline_data_get_part          (HrTimelineData         *self,
                                                          guint                   index);
int                   hr_timeline_data_find_part         (HrTimelineData         *self,
                                                          const char             *id);
guint                 hr_timeline_data_get_n_bands       (HrTimelineData         *self);
const HrTimelineBand *hr_timeline_data_get_band          (HrTimelineData         *self,
                                                          guint                   index);
guint                 hr_timeline_data_find_band         (HrTimelineData         *self,
                                                          guint                   point);
guint                 hr_timeline_data_get_n_points      (HrTimelineData         *self);
double                hr_timeline_data_get_position      (HrTimelineData         *self,
                                                          guint                   point);
double                hr_timeline_data_get_length        (HrTimelineData         *self,
                                                          guint                   point);
const guint64        *hr_timeline_data_get_values        (HrTimelineData         *self,
                                                          guint                   point);
guint64               hr_timeline_data_get_total         (HrTimelineData         *self,
                                                          guint                   point);
guint                 hr_timeline_data_get_peak          (HrTimelineData         *self);
const char           *hr_timeline_data_get_peak_sentence (HrTimelineData         *self);
guint64               hr_timeline_data_get_capacity      (HrTimelineData         *self);
const char           *hr_timeline_data_get_capacity_text (HrTimelineData         *self);
char                 *hr_timeline_data_format            (HrTimelineData         *self,
                                                          guint64                 value) G_GNUC_WARN_UNUSED_RESULT;
char                 *hr_timeline_data_dup_moment        (HrTimelineData         *self,
                                                          guint                   point) G_GNUC_WARN_UNUSED_RESULT;
char                 *hr_timeline_data_dup_label         (HrTimelineData         *self) G_GNUC_WARN_UNUSED_RESULT;
char                 *hr_timeline_data_dup_description   (HrTimelineData         *self) G_GNUC_WARN_UNUSED_RESULT;
char                 *hr_timeline_data_dup_point_text    (HrTimelineData         *self,
                                                          guint                   point) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
