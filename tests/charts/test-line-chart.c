/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <math.h>
#include <string.h>

#include "hr-chart-ticks.h"
#include "hr-line-chart.h"
#include "hr-line-picture.h"
#include "surface.h"

#define EPSILON 1e-6
#define MAX_LINES 7
#define MAX_POSITIONS 200
#define MAX_LEVELS 4
#define MAX_MARKS 3
#define GIB (G_GUINT64_CONSTANT (1) << 30)
#define ROUNDS 300
#define TICK_WIDTH 52.0
#define BLUE 0x2863c5
#define ORANGE 0xc04e00

/* A shape with room for what it points to. */
typedef struct
{
  HrLineShape shape;
  double positions[MAX_POSITIONS];
  guint64 values[MAX_LINES * MAX_POSITIONS];
  gboolean is_there[MAX_LINES * MAX_POSITIONS];
  guint64 levels[MAX_LEVELS];
  HrChartSize labels[MAX_LEVELS];
  double marks[MAX_MARKS];
  HrChartSize mark_labels[MAX_MARKS];
} Shape;

static void
init_random_shape (Shape *self)
{
  HrLineShape *shape = &self->shape;
  double position = g_test_rand_int_range (1, 2000);

  *shape = (HrLineShape) {
    .n_positions = g_test_rand_int_range (1, MAX_POSITIONS + 1), .positions = self->positions,
    .is_logarithmic = g_test_rand_bit (), .n_lines = g_test_rand_int_range (1, MAX_LINES + 1),
    .values = self->values, .is_there = self->is_there, .n_levels = g_test_rand_int_range (0, MAX_LEVELS + 1),
    .levels = self->levels, .level_labels = self->labels, .n_marks = g_test_rand_int_range (0, MAX_MARKS + 1),
    .marks = self->marks, .mark_labels = self->mark_labels, .unit = GIB, .line_height = 16,
  };
  for (guint i = 0; i < shape->n_positions; i++)
    {
      self->positions[i] = position;
      position += g_test_rand_int_range (1, 1000);
    }
  for (guint i = 0; i < shape->n_lines * shape->n_positions; i++)
    {
      self->is_there[i] = g_test_rand_int_range (0, 5) > 0;
      self->values[i] = self->is_there[i] ? (guint64) g_test_rand_int_range (1, 1 << 30) * 64 : 0;
    }
  for (guint i = 0; i < shape->n_levels; i++)
    {
      self->levels[i] = (guint64) g_test_rand_int_range (1, 100) * GIB;
      self->labels[i] = (HrChartSize) { g_test_rand_int_range (40, 220), 16 };
    }
  for (guint i = 0; i < shape->n_marks; i++)
    {
      self->marks[i] = g_test_rand_int_range (1, (int) position + 1000);
      self->mark_labels[i] = (HrChartSize) { g_test_rand_int_range (40, 220), 16 };
    }
}

static void
check_points (const HrLineShape  *shape,
              const HrLineLayout *layout)
{
  for (guint i = 0; i < layout->n_positions; i++)
    {
      g_assert_cmpfloat (layout->x[i], >=, layout->plot.x - EPSILON);
      g_assert_cmpfloat (layout->x[i], <=, layout->plot.x + layout->plot.width + EPSILON);
      if (i > 0)
        g_assert_cmpfloat (layout->x[i], >=, layout->x[i - 1]);
    }
  for (guint i = 0; i < layout->n_lines * layout->n_positions; i++)
    {
      g_assert_cmpint (isnan (layout->y[i]) != 0, ==, !shape->is_there[i]);
      if (shape->is_there[i])
        g_assert_cmpfloat_with_epsilon (layout->y[i], hr_line_layout_get_y (layout, (double) shape->values[i]), 1e-6);
    }
}

static void
check_ticks (const HrLineShape  *shape,
             const HrLineLayout *layout,
             const HrChartScale *scale)
{
  g_assert_cmpuint (scale->n_ticks, >=, 1);
  g_assert_cmpuint (scale->n_ticks, <=, 12);
  g_assert_cmpfloat ((scale->n_ticks - 1) * scale->step, <=, scale->top * (1 + 1e-6));
  g_assert_cmpuint (layout->n_ticks, >=, 1);
  for (guint i = 0; i < layout->n_ticks; i++)
    {
      g_assert_cmpfloat (layout->ticks[i], >=, shape->positions[0] - EPSILON);
      g_assert_cmpfloat (layout->ticks[i], <=, shape->positions[shape->n_positions - 1] + EPSILON);
      if (layout->n_ticks > 2 && i > 0)
        g_assert_cmpfloat (layout->tick_x[i] - layout->tick_x[i - 1], >=, TICK_WIDTH * 0.8);
      if (shape->is_logarithmic && layout->n_ticks > 2)
        g_assert_cmpfloat (log2 (layout->ticks[i]), ==, round (log2 (layout->ticks[i])));
    }
}

static void
check_levels (const HrLineShape  *shape,
              const HrLineLayout *layout)
{
  for (guint i = 0; i < layout->n_levels; i++)
    {
      const HrLineLevelPlace *level = &layout->levels[i];

      if (level->is_shown)
        g_assert_cmpfloat (level->y, >=, layout->plot.y - EPSILON);
      if (!level->has_label)
        continue;
      g_assert_true (level->is_shown);
      g_assert_true (hr_chart_rect_is_inside (&level->label, &layout->plot));
      for (guint j = 0; j < i; j++)
        {
          if (layout->levels[j].has_label)
            g_assert_false (hr_chart_rects_meet (&level->label, &layout->levels[j].label));
        }
    }
}

/* A mark within the positions stands between its neighbours; its label is on no other one. */
static void
check_marks (const HrLineShape  *shape,
             const HrLineLayout *layout)
{
  for (guint i = 0; i < layout->n_marks; i++)
    {
      const HrLineMarkPlace *mark = &layout->marks[i];

      g_assert_cmpint (mark->is_shown, ==, shape->marks[i] >= shape->positions[0] &&
                                             shape->marks[i] <= shape->positions[shape->n_positions - 1]);
      for (guint j = 0; mark->is_shown && j < shape->n_positions; j++)
        {
          if (shape->positions[j] <= shape->marks[i])
            g_assert_cmpfloat (mark->x, >=, layout->x[j] - EPSILON);
          else
            g_assert_cmpfloat (mark->x, <=, layout->x[j] + EPSILON);
        }
      if (!mark->has_label)
        continue;

      g_assert_true (mark->is_shown && hr_chart_rect_is_inside (&mark->label, &layout->plot));
      for (guint j = 0; j < layout->n_levels; j++)
        g_assert_false (layout->levels[j].has_label && hr_chart_rects_meet (&mark->label, &layout->levels[j].label));
      for (guint j = 0; j < i; j++)
        g_assert_false (layout->marks[j].has_label && hr_chart_rects_meet (&mark->label, &layout->marks[j].label));
    }
}

static void
test_everything_has_its_place (void)
{
  g_autofree Shape *random = g_new0 (Shape, 1);

  for (guint i = 0; i < ROUNDS; i++)
    {
      double width = g_test_rand_int_range (260, 1200);
      g_autoptr (HrLineLayout) layout = NULL;
      HrChartScale scale;

      init_random_shape (random);
      hr_line_scale_init (&scale, &random->shape, g_test_rand_int_range (160, 500));
      layout = hr_line_layout_new (&random->shape, &scale, 40, TICK_WIDTH, width);
      g_assert_cmpfloat (layout->plot.x + layout->plot.width, <=, width + EPSILON);
      check_points (&random->shape, layout);
      check_ticks (&random->shape, layout, &scale);
      check_levels (&random->shape, layout);
      check_marks (&random->shape, layout);
    }
}

/* One line from @lowest to @highest GiB over three positions, with one level. */
static HrLineLayout *
create_layout (guint64  lowest,
               guint64  highest,
               guint64  level,
               gboolean has_middle)
{
  static double positions[] = { 1024, 4096, 16384 };
  const guint64 values[] = { lowest * GIB, highest / 2 * GIB, highest * GIB };
  const gboolean is_there[] = { TRUE, has_middle, TRUE };
  const guint64 levels[] = { level * GIB };
  const HrChartSize labels[] = { { 80, 16 } };
  HrLineShape shape = {
    .n_positions = 3, .positions = positions, .is_logarithmic = TRUE, .n_lines = 1, .values = values,
    .is_there = is_there, .n_levels = 1, .levels = levels, .level_labels = labels, .unit = GIB, .line_height = 16,
  };
  HrChartScale scale;

  hr_line_scale_init (&scale, &shape, 300);

  return hr_line_layout_new (&shape, &scale, 40, TICK_WIDTH, 640);
}

static void
test_a_level_that_is_near_is_shown (void)
{
  static const struct
  {
    guint64 highest;
    guint64 level;
    gboolean is_shown;
    gboolean is_cut;
  } cases[] = {
    { 20, 24, TRUE, FALSE },
    { 20, 80, FALSE, FALSE },
    { 40, 24, TRUE, FALSE },
    { 400, 24, TRUE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrLineLayout) layout = create_layout (1, cases[i].highest, cases[i].level, TRUE);

      g_assert_cmpint (layout->levels[0].is_shown, ==, cases[i].is_shown);
      g_assert_cmpint (layout->levels[0].has_label, ==, cases[i].is_shown);
      g_assert_cmpint (layout->y[2] < layout->plot.y - EPSILON, ==, cases[i].is_cut);
    }
}

/* However far above its level a line begins, it is there. */
static void
test_a_line_that_begins_far_above_is_shown (void)
{
  static const struct
  {
    guint64 lowest;
    guint64 highest;
  } cases[] = { { 79, 120 }, { 79, 900 }, { 500, 600 }, { 500, 9000 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrLineLayout) layout = create_layout (cases[i].lowest, cases[i].highest, 24, FALSE);

      g_assert_cmpfloat (layout->y[0], >=, layout->plot.y);
      g_assert_true (layout->levels[0].is_shown);
    }
}

/* A line goes up through the left end of the level. */
static void
test_a_name_does_not_stand_on_a_line (void)
{
  g_autoptr (HrLineLayout) layout = create_layout (22, 90, 24, TRUE);

  g_assert_true (layout->levels[0].has_label);
  g_assert_cmpfloat (layout->levels[0].label.x, >, layout->x[1]);
}

static void
test_powers_of_two_stand_equally_far_apart (void)
{
  g_autoptr (HrLineLayout) layout = create_layout (1, 20, 24, TRUE);

  g_assert_cmpfloat_with_epsilon (layout->x[1] - layout->x[0], layout->x[2] - layout->x[1], 1e-6);
  g_assert_cmpuint (layout->n_ticks, ==, 5);
  g_assert_cmpfloat (layout->ticks[1], ==, 2048);
}

static void
test_the_pointer_finds_points (void)
{
  g_autoptr (HrLineLayout) layout = create_layout (1, 20, 24, TRUE);
  g_autoptr (HrLineLayout) broken = create_layout (1, 20, 24, FALSE);
  int line;

  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (hr_line_layout_pick (layout, layout->x[i] + 5, layout->y[i] + 5, &line), ==, i);
      g_assert_cmpint (line, ==, 0);
    }
  g_assert_cmpint (hr_line_layout_pick (layout, layout->x[0], layout->plot.y, &line), ==, 0);
  g_assert_cmpint (line, ==, -1);
  g_assert_cmpint (hr_line_layout_pick (layout, 2, 100, &line), ==, -1);
  g_assert_cmpint (hr_line_layout_pick (layout, 100, 299, &line), ==, -1);

  /* Nothing is there to be pointed at in a gap. */
  g_assert_cmpint (hr_line_layout_pick (broken, broken->x[1], broken->plot.y, &line), ==, 1);
  g_assert_cmpint (line, ==, -1);
}

static char *
format (guint64  value,
        gpointer user_data G_GNUC_UNUSED)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " GiB", value / GIB);
}

static char *
format_position (double   position,
                 gpointer user_data G_GNUC_UNUSED)
{
  return g_strdup_printf ("%g", position);
}

static HrLineData *
create_data (void)
{
  HrLineData *data = hr_line_data_new ("Peak memory", "Batch size", format, format_position, NULL, NULL);

  hr_line_data_set_unit (data, GIB, "GiB");
  for (guint i = 0; i < 4; i++)
    hr_line_data_add_position (data, i + 1);
  hr_line_data_add_line (data, "0", "Llama", "fits up to 3", BLUE, 0);
  hr_line_data_add_line (data, "1", "Qwen", NULL, ORANGE, 1);
  for (guint i = 0; i < 4; i++)
    {
      hr_line_data_set_value (data, 0, i, (10 + 4 * i) * GIB);
      hr_line_data_set_value (data, 1, i, 20 * GIB);
    }
  hr_line_data_set_gap (data, 1, 2, "cannot be divided");
  hr_line_data_add_level (data, 24 * GIB, "RTX 4090: 24 GiB");
  hr_line_data_add_mark (data, 2.5, "Longest: 2.5");

  return data;
}

static void
test_it_is_put_into_words (void)
{
  g_autoptr (HrLineData) data = create_data ();
  g_autofree char *label = hr_line_data_dup_label (data);
  g_autofree char *description = hr_line_data_dup_description (data);
  g_autofree char *gap = hr_line_data_dup_point_text (data, 1, 2);

  g_assert_cmpstr (label, ==, "Line chart: Peak memory, by Batch size");
  g_assert_cmpstr (description, ==, "From Llama at 1: 10 GiB, to Llama at 4: 22 GiB. Llama: fits up to 3. "
                                    "From Qwen at 1: 20 GiB, to Qwen at 4: 20 GiB.");
  g_assert_cmpstr (gap, ==, "Qwen at 3: cannot be divided");
  g_assert_false (hr_line_data_get_value (data, 1, 2, NULL));
}

/* Whether a pixel among a few is nearer to the foreground than to the background, as those of a dotted line are. */
static gboolean
has_foreground (cairo_surface_t    *surface,
                double              x,
                double              y,
                const HrChartStyle *style)
{
  for (guint i = 0; i < 3 * 6; i++)
    {
      int green = (get_pixel (surface, floor (x) - 1 + i % 3, y + i / 3) >> 8) & 0xff;

      if (ABS (green - (int) (style->foreground >> 8 & 0xff)) < ABS (green - (int) (style->background >> 8 & 0xff)))
        return TRUE;
    }

  return FALSE;
}

static void
test_lines_have_their_colors_and_gaps (void)
{
  for (HrChartScheme scheme = HR_CHART_SCHEME_LIGHT; scheme <= HR_CHART_SCHEME_HIGH_CONTRAST_DARK; scheme++)
    {
      const HrChartStyle *style = hr_chart_style_get (scheme);
      g_autoptr (HrLineData) data = create_data ();
      PangoContext *context = hr_chart_create_pango_context (NULL, NULL);
      g_autoptr (HrLineChart) chart = hr_line_chart_new (data, context, 600, 300);
      const HrLineLayout *layout = hr_line_chart_get_layout (chart);
      cairo_surface_t *surface = create_surface (600, 300, style->background);
      cairo_t *cr = cairo_create (surface);
      double gap_y = hr_line_layout_get_y (layout, 20.0 * GIB);

      hr_line_chart_draw (chart, cr, style);
      for (guint i = 0; i < 4; i++)
        g_assert_cmphex (get_pixel (surface, layout->x[i], layout->y[i]), ==, BLUE);
      g_assert_cmphex (get_pixel (surface, layout->x[1], gap_y), ==, ORANGE);
      g_assert_cmphex (get_pixel (surface, layout->x[2], gap_y), !=, ORANGE);
      g_assert_cmphex (get_pixel (surface, (layout->x[2] + layout->x[3]) / 2, gap_y), !=, ORANGE);

      g_assert_true (layout->marks[0].is_shown && layout->marks[0].has_label);
      g_assert_cmpfloat_with_epsilon (layout->marks[0].x, (layout->x[1] + layout->x[2]) / 2, EPSILON);
      g_assert_true (has_foreground (surface, layout->marks[0].x, layout->plot.y, style));
      g_assert_false (has_foreground (surface, layout->marks[0].x - 6, layout->plot.y + 40, style));

      hr_line_chart_draw_emphasis (chart, cr, style, 0, 1);
      g_assert_cmphex (get_pixel (surface, layout->x[1], layout->y[1]), ==, style->foreground);

      cairo_destroy (cr);
      cairo_surface_destroy (surface);
      g_object_unref (context);
    }
}

static void
test_a_picture_describes_itself (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrLineData) data = create_data ();
  g_autoptr (HrChartPicture) picture = hr_line_picture_new (data, HR_CHART_SCHEME_LIGHT, NULL, "en");
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  const char *svg;

  g_assert_true (hr_chart_picture_write_svg (picture, stream, NULL, &error));
  g_assert_true (g_output_stream_write_all (stream, "", 1, NULL, NULL, &error));
  svg = g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (stream));
  g_assert_nonnull (strstr (svg, "<title>Line chart: Peak memory, by Batch size</title>"));
  g_assert_nonnull (strstr (svg, "fits up to 3"));
  g_assert_nonnull (strstr (svg, "id=\"lines-"));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/line-chart/everything_has_its_place", test_everything_has_its_place);
  g_test_add_func ("/line-chart/a_level_that_is_near_is_shown", test_a_level_that_is_near_is_shown);
  g_test_add_func ("/line-chart/a_line_that_begins_far_above_is_shown", test_a_line_that_begins_far_above_is_shown);
  g_test_add_func ("/line-chart/a_name_does_not_stand_on_a_line", test_a_name_does_not_stand_on_a_line);
  g_test_add_func ("/line-chart/powers_of_two_stand_equally_far_apart", test_powers_of_two_stand_equally_far_apart);
  g_test_add_func ("/line-chart/the_pointer_finds_points", test_the_pointer_finds_points);
  g_test_add_func ("/line-chart/it_is_put_into_words", test_it_is_put_into_words);
  g_test_add_func ("/line-chart/lines_have_their_colors_and_gaps", test_lines_have_their_colors_and_gaps);
  g_test_add_func ("/line-chart/a_picture_describes_itself", test_a_picture_describes_itself);

  return g_test_run ();
}
