/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-pie-picture.h"

#include "hr-capacity-bar.h"
#include "hr-chart-picture-private.h"
#include "hr-pie-chart.h"

#define PIE_SIZE 290.0
#define COLUMN_GAP 32.0
#define ROW_GAP 10.0
#define NUMBER_GAP 18.0
#define BAR_HEIGHT 22.0

typedef struct
{
  PangoLayout *label;
  PangoLayout *value;
  PangoLayout *share;
} Row;

typedef struct
{
  HrChartData *data;
  PangoLayout *used;
  PangoLayout *rest;
  GArray *rows;
  HrPieChart *pie;
  HrCapacityBar *bar;
  double value_width;
  double share_width;
  double legend_height;
} PiePicture;

static void
clear_row (gpointer data)
{
  Row *row = data;

  g_object_unref (row->label);
  g_object_unref (row->value);
  g_clear_object (&row->share);
}

static void
create_rows (PiePicture   *self,
             PangoContext *context)
{
  double label_width;

  for (guint i = 0; i < hr_chart_data_get_n_parts (self->data); i++)
    {
      const HrChartPart *part = hr_chart_data_get_part (self->data, i);
      Row row = { NULL };

      row.label = hr_chart_create_layout (context, part->label, 1, PANGO_WEIGHT_NORMAL);
      row.value = hr_chart_create_layout (context, part->value_text, 1, PANGO_WEIGHT_BOLD);
      self->value_width = MAX (self->value_width, hr_chart_get_text_width (row.value));
      if (part->share_text != NULL)
        {
          row.share = hr_chart_create_layout (context, part->share_text, 1, PANGO_WEIGHT_NORMAL);
          self->share_width = MAX (self->share_width, hr_chart_get_text_width (row.share));
        }
      g_array_append_val (self->rows, row);
    }

  label_width = HR_CHART_PICTURE_BODY_WIDTH - PIE_SIZE - COLUMN_GAP - HR_CHART_PICTURE_SWATCH_EXTENT -
                NUMBER_GAP - self->value_width - NUMBER_GAP - self->share_width;

  for (guint i = 0; i < self->rows->len; i++)
    {
      const Row *row = &g_array_index (self->rows, Row, i);

      pango_layout_set_width (row->label, MAX (label_width, 40) * PANGO_SCALE);
      pango_layout_set_wrap (row->label, PANGO_WRAP_WORD_CHAR);
      self->legend_height += hr_chart_get_text_height (row->label) + (i > 0 ? ROW_GAP : 0);
    }
}

static void
create_bar (PiePicture   *self,
            PangoContext *context)
{
  g_autofree char *used = NULL;

  if (hr_chart_data_get_capacity (self->data) == 0)
    return;

  self->bar = hr_capacity_bar_new (self->data, HR_CHART_PICTURE_BODY_WIDTH, BAR_HEIGHT);

  if (hr_chart_data_get_capacity_text (self->data) != NULL)
    used = g_strdup_printf ("%s / %s", hr_chart_data_get_total_text (self->data),
                            hr_chart_data_get_capacity_text (self->data));
  else
    used = g_strdup (hr_chart_data_get_total_text (self->data));

  self->used = hr_chart_create_layout (context, used, 1, PANGO_WEIGHT_BOLD);
  if (hr_chart_data_get_rest_text (self->data) != NULL)
    self->rest = hr_chart_create_layout (context, hr_chart_data_get_rest_text (self->data), 1, PANGO_WEIGHT_NORMAL);
}

static double
get_body_height (const PiePicture *self)
{
  return MAX (PIE_SIZE, self->legend_height);
}

static double
get_height (const PiePicture *self)
{
  double height = get_body_height (self);

  if (self->bar != NULL)
    height += HR_CHART_PICTURE_SECTION_GAP + hr_chart_get_text_height (self->used) + ROW_GAP + BAR_HEIGHT;

  return height;
}

static void
draw_legend (PiePicture         *self,
             cairo_t            *cr,
             const HrChartStyle *style,
             double              y)
{
  double right = HR_CHART_PICTURE_BODY_WIDTH;
  double value_right = right - self->share_width - (self->share_width > 0 ? NUMBER_GAP : 0);

  for (guint i = 0; i < self->rows->len; i++)
    {
      const HrChartPart *part = hr_chart_data_get_part (self->data, i);
      const Row *row = &g_array_index (self->rows, Row, i);
      double baseline = hr_chart_picture_draw_entry (cr, style, part->color, part->pattern, row->label,
                                                     PIE_SIZE + COLUMN_GAP, y);

      hr_chart_show_text_on_baseline (cr, row->value, value_right - hr_chart_get_text_width (row->value), baseline);
      if (row->share != NULL)
        hr_chart_show_text_on_baseline (cr, row->share, right - hr_chart_get_text_width (row->share), baseline);

      y += hr_chart_get_text_height (row->label) + ROW_GAP;
    }
}

static void
draw_bar (PiePicture         *self,
          cairo_t            *cr,
          const HrChartStyle *style,
          double              y)
{
  hr_chart_set_source_color (cr, style->foreground, 1);
  hr_chart_show_text (cr, self->used, 0, y);
  if (self->rest != NULL)
    hr_chart_show_text_on_baseline (cr, self->rest, HR_CHART_PICTURE_BODY_WIDTH - hr_chart_get_text_width (self->rest),
                                    y + (double) pango_layout_get_baseline (self->used) / PANGO_SCALE);

  cairo_save (cr);
  cairo_translate (cr, 0, y + hr_chart_get_text_height (self->used) + ROW_GAP);
  hr_capacity_bar_draw (self->bar, cr, style);
  cairo_restore (cr);
}

static void
draw_picture (gpointer            content,
              cairo_t            *cr,
              const HrChartStyle *style)
{
  PiePicture *self = content;
  double body = get_body_height (self);

  cairo_save (cr);
  cairo_translate (cr, 0, (body - PIE_SIZE) / 2);
  hr_pie_chart_draw (self->pie, cr, style);
  cairo_restore (cr);
  draw_legend (self, cr, style, (body - self->legend_height) / 2);

  if (self->bar != NULL)
    draw_bar (self, cr, style, body + HR_CHART_PICTURE_SECTION_GAP);
}

static char *
dup_label (gpointer content)
{
  PiePicture *self = content;

  return hr_chart_data_dup_label (self->data);
}

static char *
dup_description (gpointer content)
{
  PiePicture *self = content;

  return hr_chart_data_dup_description (self->data);
}

static void
free_picture (gpointer content)
{
  PiePicture *self = content;

  g_object_unref (self->data);
  g_clear_object (&self->used);
  g_clear_object (&self->rest);
  g_array_unref (self->rows);
  hr_pie_chart_free (self->pie);
  g_clear_pointer (&self->bar, hr_capacity_bar_free);
  g_free (self);
}

static const HrChartPictureKind pie_picture_kind = {
  .name = "pie",
  .draw = draw_picture,
  .dup_label = dup_label,
  .dup_description = dup_description,
  .free = free_picture,
};

/**
 * hr_pie_picture_new:
 * @data: what to show
 * @scheme: the colours of everything but the parts
 * @font: (nullable): a font description, or `NULL` for the usual one
 * @language: (nullable): the language of the texts as RFC 3066 has it, which chooses the forms of Chinese characters
 *
 * Composes the title, the pie, a legend with all numbers and, if a capacity is known, the capacity bar.
 *
 * Returns: (transfer full): the picture
 */
HrChartPicture *
hr_pie_picture_new (HrChartData   *data,
                    HrChartScheme  scheme,
                    const char    *font,
                    const char    *language)
{
  PangoContext *context;
  PiePicture *self;

  g_return_val_if_fail (HR_IS_CHART_DATA (data), NULL);

  context = hr_chart_create_pango_context (font, language);
  self = g_new0 (PiePicture, 1);
  self->data = g_object_ref (data);
  self->rows = g_array_new (FALSE, FALSE, sizeof (Row));
  g_array_set_clear_func (self->rows, clear_row);
  self->pie = hr_pie_chart_new (data, context, PIE_SIZE, PIE_SIZE);
  create_rows (self, context);
  create_bar (self, context);

  return hr_chart_picture_create (&pie_picture_kind, self, context, hr_chart_data_get_title (data), get_height (self),
                                  scheme);
}
