/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-line-picture.h"

#include "hr-chart-picture-private.h"
#include "hr-line-chart.h"

#define CHART_HEIGHT 360.0
#define ROW_GAP 8.0
#define SAMPLE_WIDTH 36.0
#define SAMPLE_GAP 12.0

/* A line of the legend. */
typedef struct
{
  PangoLayout *label;
  PangoLayout *sentence;
} Entry;

typedef struct
{
  HrLineData *data;
  PangoLayout *note;
  GArray *entries;
  HrLineChart *chart;
} LinePicture;

static void
clear_entry (gpointer data)
{
  Entry *entry = data;

  g_object_unref (entry->label);
  g_clear_object (&entry->sentence);
}

static void
create_entries (LinePicture  *self,
                PangoContext *context)
{
  double width = HR_CHART_PICTURE_BODY_WIDTH - SAMPLE_WIDTH - SAMPLE_GAP;

  for (guint i = 0; i < hr_line_data_get_n_lines (self->data); i++)
    {
      const HrLine *line = hr_line_data_get_line (self->data, i);
      Entry entry = { NULL, NULL };

      entry.label = hr_chart_create_paragraph (context, line->label, 1, PANGO_WEIGHT_BOLD, width);
      if (line->sentence != NULL && *line->sentence != '\0')
        entry.sentence = hr_chart_create_paragraph (context, line->sentence, 1, PANGO_WEIGHT_NORMAL, width);
      g_array_append_val (self->entries, entry);
    }
}

static double
get_entry_height (const Entry *entry)
{
  return hr_chart_get_text_height (entry->label) +
         (entry->sentence != NULL ? hr_chart_get_text_height (entry->sentence) : 0);
}

static double
get_height (const LinePicture *self)
{
  double height = CHART_HEIGHT + HR_CHART_PICTURE_SECTION_GAP;

  for (guint i = 0; i < self->entries->len; i++)
    height += get_entry_height (&g_array_index (self->entries, Entry, i)) + ROW_GAP;
  if (self->note != NULL)
    height += hr_chart_get_text_height (self->note) + ROW_GAP;

  return height - ROW_GAP;
}

static void
draw_picture (gpointer            content,
              cairo_t            *cr,
              const HrChartStyle *style)
{
  LinePicture *self = content;
  double x = SAMPLE_WIDTH + SAMPLE_GAP, y = CHART_HEIGHT + HR_CHART_PICTURE_SECTION_GAP;

  hr_line_chart_draw (self->chart, cr, style);

  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = &g_array_index (self->entries, Entry, i);
      const HrLine *line = hr_line_data_get_line (self->data, i);
      PangoLayoutLine *first = pango_layout_get_line_readonly (entry->label, 0);
      PangoRectangle extents;
      HrChartRect place = { 0, y, SAMPLE_WIDTH, 0 };

      pango_layout_line_get_extents (first, NULL, &extents);
      place.height = (double) extents.height / PANGO_SCALE;
      hr_line_chart_draw_sample (cr, style, line->color, line->look, &place);
      hr_chart_set_source_color (cr, style->foreground, 1);
      hr_chart_show_text (cr, entry->label, x, y);
      if (entry->sentence != NULL)
        hr_chart_show_text (cr, entry->sentence, x, y + hr_chart_get_text_height (entry->label));
      y += get_entry_height (entry) + ROW_GAP;
    }

  if (self->note != NULL)
    hr_chart_show_text (cr, self->note, 0, y);
}

static char *
dup_label (gpointer content)
{
  LinePicture *self = content;

  return hr_line_data_dup_label (self->data);
}

static char *
dup_description (gpointer content)
{
  LinePicture *self = content;

  return hr_line_data_dup_description (self->data);
}

static void
free_picture (gpointer content)
{
  LinePicture *self = content;

  g_object_unref (self->data);
  g_clear_object (&self->note);
  g_array_unref (self->entries);
  hr_line_chart_free (self->chart);
  g_free (self);
}

static const HrChartPictureKind line_picture_kind = {
  .name = "lines",
  .draw = draw_picture,
  .dup_label = dup_label,
  .dup_description = dup_description,
  .free = free_picture,
};

/**
 * hr_line_picture_new:
 * @data: what to show
 * @scheme: the colours of everything but the lines
 * @font: (nullable): a font description, or `NULL` for the usual one
 * @language: (nullable): the language of the texts as RFC 3066 has it, which chooses the forms of Chinese characters
 *
 * Composes the title, the line chart, and a legend with what there is to say about each line.
 *
 * Returns: (transfer full): the picture
 */
HrChartPicture *
hr_line_picture_new (HrLineData    *data,
                     HrChartScheme  scheme,
                     const char    *font,
                     const char    *language)
{
  PangoContext *context;
  LinePicture *self;

  g_return_val_if_fail (HR_IS_LINE_DATA (data), NULL);

  context = hr_chart_create_pango_context (font, language);
  self = g_new0 (LinePicture, 1);
  self->data = g_object_ref (data);
  self->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_set_clear_func (self->entries, clear_entry);
  self->chart = hr_line_chart_new (data, context, HR_CHART_PICTURE_BODY_WIDTH, CHART_HEIGHT);
  if (hr_line_data_get_note (data) != NULL)
    self->note = hr_chart_create_paragraph (context, hr_line_data_get_note (data), 1, PANGO_WEIGHT_NORMAL,
                                            HR_CHART_PICTURE_BODY_WIDTH);
  create_entries (self, context);

  return hr_chart_picture_create (&line_picture_kind, self, context, hr_line_data_get_title (data), get_height (self),
                                  scheme);
}
