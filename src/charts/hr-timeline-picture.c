/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-timeline-picture.h"

#include "hr-chart-picture-private.h"
#include "hr-timeline-chart.h"

#define CHART_HEIGHT 320.0
#define ROW_GAP 8.0
#define COLUMN_GAP 24.0
#define VALUE_GAP 12.0

/* An entry of the legend, with what is held at the peak. */
typedef struct
{
  guint part;
  PangoLayout *label;
  PangoLayout *value;
} Entry;

typedef struct
{
  HrTimelineData *data;
  PangoLayout *sentence;
  GArray *entries;
  guint n_columns;
  double column_width;
  double row_height;
  HrTimelineChart *chart;
} TimelinePicture;

static void
clear_entry (gpointer data)
{
  Entry *entry = data;

  g_object_unref (entry->label);
  g_object_unref (entry->value);
}

/* Entries are in columns of one width, as many as there is room for. */
static void
create_entries (TimelinePicture *self,
                PangoContext    *context)
{
  double widest = 1;
  guint n_points = hr_timeline_data_get_n_points (self->data);
  const guint64 *values = NULL;

  if (n_points > 0)
    values = hr_timeline_data_get_values (self->data, hr_timeline_data_get_peak (self->data));

  for (guint i = 0; values != NULL && i < hr_timeline_data_get_n_parts (self->data); i++)
    {
      g_autofree char *value = hr_timeline_data_format (self->data, values[i]);
      Entry entry = { .part = i };

      entry.label = hr_chart_create_layout (context, hr_timeline_data_get_part (self->data, i)->label, 1,
                                            PANGO_WEIGHT_NORMAL);
      entry.value = hr_chart_create_layout (context, value, 1, PANGO_WEIGHT_BOLD);
      widest = MAX (widest, HR_CHART_PICTURE_SWATCH_EXTENT + hr_chart_get_text_width (entry.label) + VALUE_GAP +
                              hr_chart_get_text_width (entry.value));
      self->row_height = MAX (self->row_height, hr_chart_get_text_height (entry.label));
      g_array_append_val (self->entries, entry);
    }

  self->n_columns = CLAMP ((guint) ((HR_CHART_PICTURE_BODY_WIDTH + COLUMN_GAP) / (widest + COLUMN_GAP)), 1, 3);
  self->column_width = (HR_CHART_PICTURE_BODY_WIDTH + COLUMN_GAP) / self->n_columns - COLUMN_GAP;
}

static double
get_legend_height (const TimelinePicture *self)
{
  guint n_rows = (self->entries->len + self->n_columns - 1) / self->n_columns;

  return n_rows > 0 ? n_rows * (self->row_height + ROW_GAP) - ROW_GAP : 0;
}

static void
draw_legend (TimelinePicture    *self,
             cairo_t            *cr,
             const HrChartStyle *style,
             double              top)
{
  guint n_rows = (self->entries->len + self->n_columns - 1) / self->n_columns;

  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = &g_array_index (self->entries, Entry, i);
      const HrTimelinePart *part = hr_timeline_data_get_part (self->data, entry->part);
      double x = (i / n_rows) * (self->column_width + COLUMN_GAP);
      double y = top + (i % n_rows) * (self->row_height + ROW_GAP);
      double baseline = hr_chart_picture_draw_entry (cr, style, part->color, part->pattern, entry->label, x, y);

      hr_chart_show_text_on_baseline (cr, entry->value,
                                      x + self->column_width - hr_chart_get_text_width (entry->value), baseline);
    }
}

static double
get_height (const TimelinePicture *self)
{
  double height = CHART_HEIGHT + HR_CHART_PICTURE_SECTION_GAP + get_legend_height (self);

  if (self->sentence != NULL)
    height += hr_chart_get_text_height (self->sentence) + HR_CHART_PICTURE_SECTION_GAP;

  return height;
}

static void
draw_picture (gpointer            content,
              cairo_t            *cr,
              const HrChartStyle *style)
{
  TimelinePicture *self = content;
  double y = CHART_HEIGHT + HR_CHART_PICTURE_SECTION_GAP;

  hr_timeline_chart_draw (self->chart, cr, style);

  if (self->sentence != NULL)
    {
      hr_chart_set_source_color (cr, style->foreground, 1);
      hr_chart_show_text (cr, self->sentence, 0, y);
      y += hr_chart_get_text_height (self->sentence) + HR_CHART_PICTURE_SECTION_GAP;
    }

  draw_legend (self, cr, style, y);
}

static char *
dup_label (gpointer content)
{
  TimelinePicture *self = content;

  return hr_timeline_data_dup_label (self->data);
}

static char *
dup_description (gpointer content)
{
  TimelinePicture *self = content;

  return hr_timeline_data_dup_description (self->data);
}

static void
free_picture (gpointer content)
{
  TimelinePicture *self = content;

  g_object_unref (self->data);
  g_clear_object (&self->sentence);
  g_array_unref (self->entries);
  hr_timeline_chart_free (self->chart);
  g_free (self);
}

static const HrChartPictureKind timeline_picture_kind = {
  .name = "timeline",
  .draw = draw_picture,
  .dup_label = dup_label,
  .dup_description = dup_description,
  .free = free_picture,
};

/**
 * hr_timeline_picture_new:
 * @data: what to show
 * @scheme: the colours of everything but the parts
 * @font: (nullable): a font description, or `NULL` for the usual one
 * @language: (nullable): the language of the texts as RFC 3066 has it, which chooses the forms of Chinese characters
 *
 * Composes the title, the timeline, what happens at the peak, and a legend with what is held then.
 *
 * Returns: (transfer full): the picture
 */
HrChartPicture *
hr_timeline_picture_new (HrTimelineData *data,
                         HrChartScheme   scheme,
                         const char     *font,
                         const char     *language)
{
  PangoContext *context;
  TimelinePicture *self;
  const char *sentence;

  g_return_val_if_fail (HR_IS_TIMELINE_DATA (data), NULL);

  context = hr_chart_create_pango_context (font, language);
  self = g_new0 (TimelinePicture, 1);
  self->data = g_object_ref (data);
  self->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_set_clear_func (self->entries, clear_entry);
  self->chart = hr_timeline_chart_new (data, context, HR_CHART_PICTURE_BODY_WIDTH, CHART_HEIGHT);
  sentence = hr_timeline_data_get_peak_sentence (data);
  if (sentence != NULL)
    self->sentence = hr_chart_create_paragraph (context, sentence, 1, PANGO_WEIGHT_NORMAL, HR_CHART_PICTURE_BODY_WIDTH);
  create_entries (self, context);

  return hr_chart_picture_create (&timeline_picture_kind, self, context, hr_timeline_data_get_title (data),
                                  get_height (self), scheme);
}
