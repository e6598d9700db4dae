/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <math.h>

#include "hr-timeline-layout.h"

#define EPSILON 1e-6
#define MAX_PARTS 8
#define MAX_POINTS 200
#define MAX_BANDS 10
#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* A shape with room for what it points to. */
typedef struct
{
  HrTimelineShape shape;
  guint64 values[MAX_POINTS * MAX_PARTS];
  double positions[MAX_POINTS];
  double lengths[MAX_POINTS];
  guint bands[MAX_BANDS];
  HrChartSize labels[MAX_BANDS];
} Shape;

static double
get_total (const HrTimelineShape *shape,
           guint                  point)
{
  double total = 0;

  for (guint i = 0; i < shape->n_parts; i++)
    total += (double) shape->values[point * shape->n_parts + i];

  return total;
}

static void
init_random_shape (Shape *self)
{
  HrTimelineShape *shape = &self->shape;
  double position = 0;

  shape->n_parts = g_test_rand_int_range (1, MAX_PARTS + 1);
  shape->n_bands = g_test_rand_int_range (1, MAX_BANDS + 1);
  shape->n_points = g_test_rand_int_range (2 * shape->n_bands, MAX_POINTS + 1);
  shape->values = self->values;
  shape->positions = self->positions;
  shape->lengths = self->lengths;
  shape->bands = self->bands;
  shape->band_labels = self->labels;
  shape->unit = GIB;
  shape->line_height = 16;
  shape->peak = 0;

  for (guint i = 0; i < shape->n_points; i++)
    {
      self->positions[i] = position;
      self->lengths[i] = 0;
      position += g_test_rand_int_range (0, 3);
      for (guint j = 0; j < shape->n_parts; j++)
        self->values[i * shape->n_parts + j] = g_test_rand_bit () ? 0 : g_test_rand_int_range (1, 1 << 30) * 16ull;
      if (get_total (shape, i) > get_total (shape, shape->peak))
        shape->peak = i;
    }

  for (guint i = 0; i < shape->n_bands; i++)
    {
      self->bands[i] = i * (shape->n_points / shape->n_bands);
      self->labels[i] = (HrChartSize) { g_test_rand_int_range (20, 140), 16 };
    }
  shape->peak_label = (HrChartSize) { g_test_rand_int_range (40, 70), 16 };
  shape->capacity_label = (HrChartSize) { g_test_rand_int_range (60, 240), 16 };
  shape->capacity = g_test_rand_bit () ? get_total (shape, shape->peak) * g_test_rand_double_range (0.2, 2) : 0;
}

static gboolean
rects_meet (const HrChartRect *a,
            const HrChartRect *b)
{
  return a->x < b->x + b->width - EPSILON && b->x < a->x + a->width - EPSILON &&
         a->y < b->y + b->height - EPSILON && b->y < a->y + a->height - EPSILON;
}

static void
check_inside (const HrChartRect *rect,
              double             left,
              double             top,
              double             right,
              double             bottom)
{
  g_assert_cmpfloat (rect->x, >=, left - EPSILON);
  g_assert_cmpfloat (rect->y, >=, top - EPSILON);
  g_assert_cmpfloat (rect->x + rect->width, <=, right + EPSILON);
  g_assert_cmpfloat (rect->y + rect->height, <=, bottom + EPSILON);
}

static void
check_bands (const HrTimelineLayout *layout)
{
  const HrChartRect *plot = &layout->plot;
  double x = plot->x;

  for (guint i = 0; i < layout->n_bands; i++)
    {
      const HrTimelineBandPlace *band = &layout->bands[i];

      g_assert_cmpfloat_with_epsilon (band->x, x, EPSILON);
      g_assert_cmpfloat (band->width, >, 0);
      x += band->width;
      if (band->has_label)
        check_inside (&band->label, band->x, 0, band->x + band->width, plot->y);
    }
  g_assert_cmpfloat_with_epsilon (x, plot->x + plot->width, EPSILON);
}

static void
check_points (const HrTimelineLayout *layout,
              const HrTimelineShape  *shape)
{
  const HrChartRect *plot = &layout->plot;
  guint stride = layout->n_parts + 1;

  for (guint i = 0; i < layout->n_points; i++)
    {
      const double *y = &layout->y[i * stride];

      g_assert_cmpfloat (layout->x[2 * i], <=, layout->x[2 * i + 1]);
      g_assert_true (i == 0 || layout->x[2 * i] >= layout->x[2 * i - 1] - EPSILON);
      g_assert_cmpfloat (layout->x[2 * i], >=, plot->x - EPSILON);
      g_assert_cmpfloat (layout->x[2 * i + 1], <=, plot->x + plot->width + EPSILON);

      g_assert_cmpfloat_with_epsilon (y[0], plot->y + plot->height, EPSILON);
      for (guint j = 0; j < layout->n_parts; j++)
        {
          double height = shape->values[i * layout->n_parts + j] / layout->scale.top * plot->height;

          g_assert_cmpfloat_with_epsilon (y[j] - y[j + 1], height, 1e-3);
        }
      g_assert_cmpfloat (y[layout->n_parts], >=, layout->peak.y - EPSILON);
    }
}

static void
check_labels (const HrTimelineLayout *layout,
              const HrTimelineShape  *shape,
              double                  width,
              double                  height)
{
  HrChartRect mark = { layout->peak.x - 4, layout->peak.y - 4, 8, 8 };

  if (shape->peak_label.width <= layout->plot.width)
    check_inside (&layout->peak_label, layout->plot.x, layout->plot.y, width, height);
  g_assert_false (rects_meet (&layout->peak_label, &mark));

  if (!layout->has_capacity_label)
    return;

  g_assert_true (layout->has_capacity);
  check_inside (&layout->capacity_label, layout->plot.x, layout->plot.y, width, height);
  g_assert_false (rects_meet (&layout->capacity_label, &layout->peak_label));
  g_assert_false (rects_meet (&layout->capacity_label, &mark));
}

static void
check_scale (const HrTimelineLayout *layout,
             const HrTimelineShape  *shape)
{
  const HrChartScale *scale = &layout->scale;
  double power = pow (10, floor (log10 (scale->step / shape->unit) + 1e-9));
  double factor = scale->step / shape->unit / power;

  g_assert_cmpfloat (scale->top, >=, get_total (shape, shape->peak));
  g_assert_true (fabs (factor - 1) < EPSILON || fabs (factor - 2) < EPSILON || fabs (factor - 5) < EPSILON);
  g_assert_cmpuint (scale->n_ticks, >=, 1);
  g_assert_cmpuint (scale->n_ticks, <=, 6);
  g_assert_cmpfloat ((scale->n_ticks - 1) * scale->step, <=, scale->top * (1 + EPSILON));
  g_assert_cmpfloat (scale->step / scale->top * scale->plot_height, >=, 40);
  if (layout->has_capacity)
    g_assert_cmpfloat (scale->top, >, shape->capacity);
}

static void
test_any_shape (void)
{
  g_autofree Shape *shape = g_new0 (Shape, 1);

  for (guint round = 0; round < 5000; round++)
    {
      double width = g_test_rand_int_range (240, 1000), height = g_test_rand_int_range (160, 400);
      HrChartScale scale;

      init_random_shape (shape);
      hr_timeline_scale_init (&scale, &shape->shape, height);

      g_autoptr (HrTimelineLayout) layout = hr_timeline_layout_new (&shape->shape, &scale, 30, width);

      check_scale (layout, &shape->shape);
      check_bands (layout);
      check_points (layout, &shape->shape);
      check_labels (layout, &shape->shape, width, height);
    }
}

/* Two phases, the second of which is a tenth as long as the first. */
static HrTimelineLayout *
lay_two_bands_out (double width,
                   double first_label,
                   double second_label)
{
  const guint64 values[] = { 10 * GIB, 10 * GIB, 10 * GIB, 20 * GIB, 10 * GIB };
  const double positions[] = { 0, 100, 100, 105, 110 };
  const double lengths[] = { 0, 0, 0, 4, 0 };
  const guint bands[] = { 0, 2 };
  const HrChartSize labels[] = { { first_label, 16 }, { second_label, 16 } };
  HrTimelineShape shape = {
    .n_parts = 1, .n_points = 5, .values = values, .positions = positions, .lengths = lengths,
    .n_bands = 2, .bands = bands, .band_labels = labels, .peak = 3, .peak_label = { 50, 16 },
    .unit = GIB, .line_height = 16,
  };
  HrChartScale scale;

  hr_timeline_scale_init (&scale, &shape, 240);

  return hr_timeline_layout_new (&shape, &scale, 20, width);
}

static void
test_band_is_widened (void)
{
  g_autoptr (HrTimelineLayout) layout = lay_two_bands_out (600, 60, 90);

  g_assert_true (layout->bands[0].has_label);
  g_assert_true (layout->bands[1].has_label);
  g_assert_cmpfloat (layout->bands[1].width, >, 90);
  g_assert_cmpfloat (layout->bands[1].width, <, layout->bands[0].width);
}

static void
test_label_of_the_peak_stays (void)
{
  g_autoptr (HrTimelineLayout) layout = lay_two_bands_out (240, 100, 90);

  g_assert_false (layout->bands[0].has_label);
  g_assert_true (layout->bands[1].has_label);
}

static void
test_pick (void)
{
  g_autoptr (HrTimelineLayout) layout = lay_two_bands_out (600, 60, 90);
  double bottom = layout->plot.y + layout->plot.height;
  int part;

  g_assert_cmpint (hr_timeline_layout_pick (layout, layout->peak.x, layout->peak.y + 5, &part), ==, 3);
  g_assert_cmpint (part, ==, 0);
  g_assert_cmpint (hr_timeline_layout_pick (layout, layout->peak.x, layout->peak.y - 5, &part), ==, 3);
  g_assert_cmpint (part, ==, -1);
  g_assert_cmpint (hr_timeline_layout_pick (layout, layout->plot.x + 1, bottom - 1, &part), ==, 0);
  g_assert_cmpint (part, ==, 0);
  /* The highest moment lasts, and is found where it does. */
  g_assert_cmpint (hr_timeline_layout_pick (layout, layout->x[6] + 1, bottom - 1, NULL), ==, 3);
  g_assert_cmpint (hr_timeline_layout_pick (layout, layout->plot.x - 3, bottom - 1, &part), ==, -1);
  g_assert_cmpint (hr_timeline_layout_pick (layout, layout->plot.x + 1, bottom + 1, &part), ==, -1);
}

static void
test_far_capacity (void)
{
  const guint64 values[] = { 10 * GIB, 10 * GIB };
  const double positions[] = { 0, 1 };
  const double lengths[] = { 0, 0 };
  const guint bands[] = { 0 };
  const HrChartSize labels[] = { { 40, 16 } };
  HrTimelineShape shape = {
    .n_parts = 1, .n_points = 2, .values = values, .positions = positions, .lengths = lengths,
    .n_bands = 1, .bands = bands, .band_labels = labels, .capacity = 80 * GIB, .unit = GIB, .line_height = 16,
  };
  HrChartScale scale;
  g_autoptr (HrTimelineLayout) far = NULL;
  g_autoptr (HrTimelineLayout) near = NULL;

  hr_timeline_scale_init (&scale, &shape, 240);
  far = hr_timeline_layout_new (&shape, &scale, 20, 300);
  g_assert_false (far->has_capacity);
  g_assert_cmpfloat (scale.top, <, 20. * GIB);

  shape.capacity = 12 * GIB;
  hr_timeline_scale_init (&scale, &shape, 240);
  near = hr_timeline_layout_new (&shape, &scale, 20, 300);
  g_assert_true (near->has_capacity);
  g_assert_cmpfloat (scale.top, >, 12. * GIB);
}

static void
test_nothing (void)
{
  HrTimelineShape shape = { .unit = 1, .line_height = 16 };
  HrChartScale scale;

  hr_timeline_scale_init (&scale, &shape, 240);

  g_autoptr (HrTimelineLayout) layout = hr_timeline_layout_new (&shape, &scale, 20, 300);

  g_assert_cmpint (hr_timeline_layout_pick (layout, 100, 100, NULL), ==, -1);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/charts/timeline/any_shape_is_laid_out_in_its_place", test_any_shape);
  g_test_add_func ("/charts/timeline/a_short_band_is_widened_for_its_label", test_band_is_widened);
  g_test_add_func ("/charts/timeline/the_label_of_the_peaks_phase_goes_last", test_label_of_the_peak_stays);
  g_test_add_func ("/charts/timeline/a_point_and_an_area_can_be_picked", test_pick);
  g_test_add_func ("/charts/timeline/a_capacity_far_above_does_not_flatten_the_areas", test_far_capacity);
  g_test_add_func ("/charts/timeline/nothing_is_no_error", test_nothing);

  return g_test_run ();
}
