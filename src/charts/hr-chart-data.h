/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * HrChartPart:
 * @id: what the caller knows it by
 * @label: what it is called, in the user's language
 * @value: how much it is
 * @value_text: @value in the user's language
 * @share_text: (nullable): its share of the sum in the user's language
 * @color: its colour, as 0xRRGGBB
 * @pattern: which pattern tells it from others where colours do not suffice
 *
 * A part of what a chart shows.
 */
typedef struct
{
  char *id;
  char *label;
  guint64 value;
  char *value_text;
  char *share_text;
  guint32 color;
  guint pattern;
} HrChartPart;

#define HR_TYPE_CHART_DATA (hr_chart_data_get_type ())

G_DECLARE_FINAL_TYPE (HrChartData, hr_chart_data, HR, CHART_DATA, GObject)

HrChartData       *hr_chart_data_new                 (const char  *title,
                                                      const char  *total_text,
                                                      const char  *caption) G_GNUC_WARN_UNUSED_RESULT;
void               hr_chart_data_add_part            (HrChartData *self,
                                                      const char  *id,
                                                      const char  *label,
                                                      guint64      value,
                                                      const char  *value_text,
                                                      const char  *share_text,
                                                      guint32      color,
                                                      guint        pattern);
void               hr_chart_data_set_capacity        (HrChartData *self,
                                                      guint64      capacity,
                                                      const char  *capacity_text,
                                                      const char  *rest_text);
void               hr_chart_data_set_range           (HrChartData *self,
                                                      guint64      low,
                                                      guint64      high);
const char        *hr_chart_data_get_title           (HrChartData *self);
const char        *hr_chart_data_get_total_text      (HrChartData *self);
const char        *hr_chart_data_get_caption         (HrChartData *self);
guint              hr_chart_data_get_n_parts         (HrChartData *self);
const HrChartPart *hr_chart_data_get_part            (HrChartData *self,
                                                      guint        index);
int                hr_chart_data_find_part           (HrChartData *self,
                                                      const char  *id);
guint64            hr_chart_data_get_total           (HrChartData *self);
gboolean           hr_chart_data_get_range           (HrChartData *self,
                                                      guint64     *low,
                                                      guint64     *high);
guint64            hr_chart_data_get_capacity        (HrChartData *self);
const char        *hr_chart_data_get_capacity_text   (HrChartData *self);
const char        *hr_chart_data_get_rest_text       (HrChartData *self);
guint64           *hr_chart_data_dup_values          (HrChartData *self) G_GNUC_WARN_UNUSED_RESULT;
char              *hr_chart_data_dup_label           (HrChartData *self) G_GNUC_WARN_UNUSED_RESULT;
char              *hr_chart_data_dup_description     (HrChartData *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
