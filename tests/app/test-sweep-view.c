/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <hr-estimator.h>
#include <hr-gpu-catalogue.h>

#include "headroom-line-chart.h"
#include "headroom-pin.h"
#include "headroom-sweep-gpus.h"
#include "headroom-sweep-row.h"
#include "headroom-sweep-view.h"
#include "headroom-test.h"
#include "hr-labels.h"
#include "hr-line-chart.h"

typedef struct
{
  HrModel *model;
  HrGpu *gpu;
  HrJob *job;
  GListStore *pins;
  GtkWidget *window;
  HeadroomSweepView *view;
  HeadroomLineChart *chart;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  fixture->model = hr_model_new_from_id ("Qwen/Qwen2.5-7B-Instruct", &error);
  g_assert_no_error (error);
  fixture->gpu = hr_gpu_catalogue_lookup ("rtx-4090", &error);
  g_assert_no_error (error);
  fixture->job = hr_job_new (HR_MODE_INFERENCE);
  fixture->pins = g_list_store_new (HEADROOM_TYPE_PIN);

  fixture->window = gtk_window_new ();
  fixture->view = HEADROOM_SWEEP_VIEW (headroom_sweep_view_new ());
  headroom_sweep_view_set_pins (fixture->view, fixture->pins);
  gtk_window_set_child (GTK_WINDOW (fixture->window), GTK_WIDGET (fixture->view));
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), GPOINTER_TO_INT (data), 640);
  gtk_window_present (GTK_WINDOW (fixture->window));
  fixture->chart = HEADROOM_LINE_CHART (headroom_test_find (GTK_WIDGET (fixture->view), HEADROOM_TYPE_LINE_CHART,
                                                            NULL));
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_object_unref (fixture->pins);
  g_object_unref (fixture->job);
  g_object_unref (fixture->gpu);
  g_object_unref (fixture->model);
}

static HrEstimate *
estimate (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *result = hr_estimator_run_with_timeline (fixture->model, fixture->job, fixture->gpu, 1, &error);

  g_assert_no_error (error);

  return result;
}

static void
show (Fixture *fixture)
{
  g_autoptr (HrEstimate) result = estimate (fixture);
  g_autoptr (HrReport) report = hr_report_new (result, fixture->job, fixture->gpu, 1, HR_UNIT_SYSTEM_BINARY);

  headroom_sweep_view_show (fixture->view, report);
}

static HrLineData *
get_data (Fixture *fixture)
{
  return headroom_chart_get_data (HEADROOM_CHART (fixture->chart));
}

/* Whether every point is there, with what the allocator keeps. */
static gboolean
is_complete (Fixture *fixture,
             guint    n_lines)
{
  HrLineData *data = get_data (fixture);

  return data != NULL && hr_line_data_get_n_lines (data) == n_lines && hr_line_data_get_note (data) == NULL;
}

static guint64
get_value (Fixture *fixture,
           guint    line,
           guint    index)
{
  guint64 value;

  g_assert_true (hr_line_data_get_value (get_data (fixture), line, index, &value));

  return value;
}

static void
test_the_line_is_that_of_estimates (Fixture       *fixture,
                                    gconstpointer  data)
{
  const double *positions;
  guint n_positions;

  show (fixture);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 1));

  /* Prompts are what people ask for first, up to the length of the model. */
  positions = hr_line_data_get_positions (get_data (fixture), &n_positions);
  g_assert_cmpfloat (positions[0], ==, 512);
  g_assert_cmpfloat (positions[n_positions - 1], ==, 32768);
  for (guint i = 0; i < n_positions; i++)
    {
      g_autoptr (HrEstimate) result = NULL;

      g_object_set (fixture->job, "prompt-length", (guint64) positions[i], NULL);
      result = estimate (fixture);
      g_assert_cmpuint (get_value (fixture, 0, i), ==, hr_estimate_get_total_bytes (result));
    }
}

static void
test_a_pinned_configuration_stays (Fixture       *fixture,
                                   gconstpointer  data)
{
  guint64 before;

  show (fixture);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 1));
  before = get_value (fixture, 0, 2);

  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "sweep.pin", NULL);
  g_object_set (fixture->job, "batch-size", G_GUINT64_CONSTANT (16), NULL);
  show (fixture);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 2) && get_value (fixture, 0, 2) > before);
  g_assert_cmpuint (get_value (fixture, 1, 2), ==, before);
}

static void
test_pins_are_named_and_taken_away (Fixture       *fixture,
                                    gconstpointer  data)
{
  g_autoptr (HeadroomPin) pin = NULL;
  GtkWidget *row, *button;

  show (fixture);
  for (guint i = 0; i < 8; i++)
    gtk_widget_activate_action (GTK_WIDGET (fixture->view), "sweep.pin", NULL);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->pins)), ==, 6);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 7));

  pin = g_list_model_get_item (G_LIST_MODEL (fixture->pins), 0);
  headroom_pin_set_label (pin, "Mine");
  HEADROOM_TEST_WAIT_FOR (g_str_equal (hr_line_data_get_line (get_data (fixture), 1)->label, "Mine"));

  row = GTK_WIDGET (headroom_test_find (GTK_WIDGET (fixture->view), GTK_TYPE_EDITABLE_LABEL, NULL));
  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (row)), ==, "Mine");
  row = gtk_widget_get_ancestor (row, HEADROOM_TYPE_SWEEP_ROW);
  button = headroom_test_find (row, GTK_TYPE_BUTTON, NULL);
  g_signal_emit_by_name (button, "clicked");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->pins)), ==, 5);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 6));
}

static void
test_the_keyboard_moves_along_lines (Fixture       *fixture,
                                     gconstpointer  data)
{
  GtkWidget *chart = GTK_WIDGET (fixture->chart);

  show (fixture);
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "sweep.pin", NULL);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 2));

  headroom_test_press (chart, GDK_KEY_Right, 0);
  headroom_test_press (chart, GDK_KEY_Right, 0);
  g_assert_cmpint (headroom_point_chart_get_point (HEADROOM_POINT_CHART (fixture->chart)), ==, 1);
  g_assert_cmpint (headroom_chart_get_selected (HEADROOM_CHART (chart)), ==, 0);
  g_assert_true (headroom_test_says (GTK_WIDGET (fixture->view), "1,024"));
  headroom_test_press (chart, GDK_KEY_Down, 0);
  g_assert_cmpint (headroom_chart_get_selected (HEADROOM_CHART (chart)), ==, 1);
  headroom_test_press (chart, GDK_KEY_End, 0);
  g_assert_cmpint (headroom_point_chart_get_point (HEADROOM_POINT_CHART (fixture->chart)), ==, 6);
  headroom_test_press (chart, GDK_KEY_Escape, 0);
  g_assert_cmpint (headroom_point_chart_get_point (HEADROOM_POINT_CHART (fixture->chart)), ==, -1);
}

static GtkEventController *
get_motion (GtkWidget *widget)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_EVENT_CONTROLLER_MOTION (controller))
        return controller;
    }

  g_assert_not_reached ();
}

static void
check_place (Fixture *fixture,
             int      line,
             int      point)
{
  g_assert_cmpint (headroom_chart_get_selected (HEADROOM_CHART (fixture->chart)), ==, line);
  g_assert_cmpint (headroom_point_chart_get_point (HEADROOM_POINT_CHART (fixture->chart)), ==, point);
}

static void
test_what_the_keyboard_came_to_outlasts_the_pointer (Fixture       *fixture,
                                                     gconstpointer  data)
{
  GtkWidget *chart = GTK_WIDGET (fixture->chart);
  const HrLineLayout *layout;

  show (fixture);
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "sweep.pin", NULL);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 2) && headroom_chart_get_layout (HEADROOM_CHART (chart)) != NULL);
  layout = hr_line_chart_get_layout (headroom_chart_get_layout (HEADROOM_CHART (chart)));

  /* A line that only the pointer came to stays selected. */
  g_signal_emit_by_name (get_motion (chart), "motion", layout->x[2], layout->y[2]);
  check_place (fixture, 0, 2);
  g_signal_emit_by_name (get_motion (chart), "leave");
  check_place (fixture, 0, -1);

  headroom_test_press (chart, GDK_KEY_Down, 0);
  headroom_test_press (chart, GDK_KEY_End, 0);
  check_place (fixture, 1, 6);
  g_signal_emit_by_name (get_motion (chart), "motion", layout->x[2], layout->y[2]);
  check_place (fixture, 0, 2);
  g_signal_emit_by_name (get_motion (chart), "leave");
  check_place (fixture, 1, 6);
  headroom_test_press (chart, GDK_KEY_Escape, 0);
  check_place (fixture, -1, -1);
}

static GtkWidget *
get_choice (Fixture    *fixture,
            const char *name)
{
  return GTK_WIDGET (gtk_widget_get_template_child (GTK_WIDGET (fixture->view), HEADROOM_TYPE_SWEEP_VIEW, name));
}

static void
test_another_range_and_setting_are_swept (Fixture       *fixture,
                                          gconstpointer  data)
{
  GtkWidget *from = headroom_test_find (GTK_WIDGET (fixture->view), GTK_TYPE_ENTRY, NULL);
  GtkWidget *setting = get_choice (fixture, "setting_choice");
  guint n_positions;

  show (fixture);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 1));
  gtk_editable_set_text (GTK_EDITABLE (from), "4096");
  HEADROOM_TEST_WAIT_FOR (hr_line_data_get_positions (get_data (fixture), &n_positions)[0] == 4096);
  g_assert_cmpuint (n_positions, ==, 4);

  /* What is no range is said, and the line stays. */
  gtk_editable_set_text (GTK_EDITABLE (from), "99999");
  g_assert_true (headroom_test_says (GTK_WIDGET (fixture->view), "99999"));
  g_assert_true (headroom_test_says (GTK_WIDGET (fixture->view), "prompt-length"));
  gtk_editable_set_text (GTK_EDITABLE (from), "x");
  g_assert_true (headroom_test_says (GTK_WIDGET (fixture->view), "prompt-length"));

  gtk_drop_down_set_selected (GTK_DROP_DOWN (setting), 0);
  HEADROOM_TEST_WAIT_FOR (hr_line_data_get_positions (get_data (fixture), &n_positions)[0] == 1);
  g_assert_cmpuint (n_positions, ==, 9);
}

/* The peak is in the optimizer's step, when no activations are there; of longer sequences it is not. */
static void
test_a_part_that_is_not_at_the_peak_is_a_choice (Fixture       *fixture,
                                                 gconstpointer  data)
{
  GtkDropDown *choice = GTK_DROP_DOWN (get_choice (fixture, "component_choice"));
  g_autoptr (HrEstimate) result = NULL;
  GtkStringList *names;
  gboolean is_there = FALSE;

  g_object_unref (fixture->job);
  fixture->job = hr_job_new (HR_MODE_TRAINING);
  result = estimate (fixture);
  g_assert_null (hr_estimate_find_component (result, HR_COMPONENT_ACTIVATIONS));
  show (fixture);

  names = GTK_STRING_LIST (gtk_drop_down_get_model (choice));
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (names)); i++)
    is_there = is_there || g_str_equal (gtk_string_list_get_string (names, i),
                                        hr_component_id_get_label (HR_COMPONENT_ACTIVATIONS));
  g_assert_true (is_there);
}

static void
test_a_part_of_the_peak_is_looked_at (Fixture       *fixture,
                                      gconstpointer  data)
{
  GtkDropDown *choice = GTK_DROP_DOWN (get_choice (fixture, "component_choice"));
  GtkStringList *names;
  guint index = 0;

  show (fixture);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 1));
  names = GTK_STRING_LIST (gtk_drop_down_get_model (choice));
  while (!g_str_equal (gtk_string_list_get_string (names, index), hr_component_id_get_label (HR_COMPONENT_KV_CACHE)))
    index++;
  g_assert_cmpuint (hr_line_data_get_n_levels (get_data (fixture)), ==, 1);
  gtk_drop_down_set_selected (choice, index);
  g_assert_cmpuint (hr_line_data_get_n_levels (get_data (fixture)), ==, 0);
  g_assert_cmpuint (get_value (fixture, 0, 0), ==, 512 * 57344);
  g_assert_cmpuint (get_value (fixture, 0, 3), ==, 8 * get_value (fixture, 0, 0));
  g_assert_nonnull (strstr (hr_line_data_get_title (get_data (fixture)),
                            hr_component_id_get_label (HR_COMPONENT_KV_CACHE)));

  /* The choice stays when the estimate changes. */
  g_object_set (fixture->job, "batch-size", G_GUINT64_CONSTANT (2), NULL);
  show (fixture);
  HEADROOM_TEST_WAIT_FOR (get_value (fixture, 0, 0) == 2 * 512 * 57344);
  g_assert_cmpuint (gtk_drop_down_get_selected (choice), ==, index);
  gtk_drop_down_set_selected (choice, 0);
  g_assert_cmpuint (get_value (fixture, 0, 0), >, 14 * G_GUINT64_CONSTANT (1000000000));
}

static void
test_further_gpus_are_lines (Fixture       *fixture,
                             gconstpointer  data)
{
  g_autoptr (HrGpu) l40s = hr_gpu_catalogue_lookup ("l40s", NULL);
  g_autoptr (HrGpu) h100 = hr_gpu_catalogue_lookup ("h100-sxm", NULL);
  g_autoptr (GListStore) capacities = g_list_store_new (HR_TYPE_GPU);
  GtkWidget *gpus, *button;

  headroom_sweep_view_set_capacities (fixture->view, capacities);
  g_object_set (fixture->job, "batch-size", G_GUINT64_CONSTANT (32), NULL);
  show (fixture);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 1));
  g_assert_cmpuint (hr_line_data_get_n_levels (get_data (fixture)), ==, 1);

  g_list_store_append (capacities, l40s);
  g_list_store_append (capacities, h100);
  HEADROOM_TEST_WAIT_FOR (hr_line_data_get_n_levels (get_data (fixture)) == 3 && is_complete (fixture, 1));
  g_assert_cmpuint (hr_line_data_get_level (get_data (fixture), 2)->value, ==, hr_gpu_get_usable_memory (h100));
  g_assert_nonnull (strstr (hr_line_data_get_line (get_data (fixture), 0)->sentence, hr_gpu_get_name (l40s)));

  gpus = GTK_WIDGET (headroom_test_find (GTK_WIDGET (fixture->view), HEADROOM_TYPE_SWEEP_GPUS, NULL));
  button = headroom_test_find (gpus, GTK_TYPE_BUTTON, NULL);
  g_signal_emit_by_name (button, "clicked");
  HEADROOM_TEST_WAIT_FOR (hr_line_data_get_n_levels (get_data (fixture)) == 2 && is_complete (fixture, 1));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (capacities)), ==, 1);
}

static void
test_it_is_as_narrow_as_a_phone (Fixture       *fixture,
                                 gconstpointer  data)
{
  int minimum;

  show (fixture);
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "sweep.pin", NULL);
  HEADROOM_TEST_WAIT_FOR (is_complete (fixture, 2));
  gtk_widget_measure (GTK_WIDGET (fixture->view), GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  g_assert_cmpint (minimum, <=, 336);
}

int
main (int    argc,
      char **argv)
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

#define ADD(name, function, width) \
  g_test_add ("/sweep-view/" name, Fixture, GINT_TO_POINTER (width), set_up, function, tear_down)
  ADD ("the_line_is_that_of_estimates", test_the_line_is_that_of_estimates, 800);
  ADD ("a_pinned_configuration_stays", test_a_pinned_configuration_stays, 800);
  ADD ("pins_are_named_and_taken_away", test_pins_are_named_and_taken_away, 800);
  ADD ("the_keyboard_moves_along_lines", test_the_keyboard_moves_along_lines, 800);
  ADD ("what_the_keyboard_came_to_outlasts_the_pointer", test_what_the_keyboard_came_to_outlasts_the_pointer, 800);
  ADD ("another_range_and_setting_are_swept", test_another_range_and_setting_are_swept, 800);
  ADD ("a_part_of_the_peak_is_looked_at", test_a_part_of_the_peak_is_looked_at, 800);
  ADD ("a_part_that_is_not_at_the_peak_is_a_choice", test_a_part_that_is_not_at_the_peak_is_a_choice, 800);
  ADD ("further_gpus_are_lines", test_further_gpus_are_lines, 800);
  ADD ("it_is_as_narrow_as_a_phone", test_it_is_as_narrow_as_a_phone, 360);

  return g_test_run ();
}
