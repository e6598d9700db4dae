/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <hr-estimator.h>
#include <hr-gpu-catalogue.h>
#include <hr-largest.h>

#include "headroom-fits-list.h"
#include "headroom-test.h"

typedef struct
{
  HrModel *model;
  HrJob *job;
  HrGpu *gpu;
  GtkWidget *window;
  HeadroomFitsList *list;
} Fixture;

/* What the window does. */
static void
apply_cb (GSimpleAction *action,
          GVariant      *parameter,
          gpointer       job)
{
  g_autoptr (GError) error = NULL;

  hr_job_set_all_from_string (job, g_variant_get_string (parameter, NULL), &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  static const GActionEntry entries[] = { { "apply-change", apply_cb, "s", NULL, NULL, { 0 } } };
  g_autoptr (GSimpleActionGroup) actions = g_simple_action_group_new ();
  g_autoptr (GError) error = NULL;

  fixture->model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B-Instruct", &error);
  g_assert_no_error (error);
  fixture->gpu = hr_gpu_catalogue_lookup ("rtx-4090", &error);
  g_assert_no_error (error);
  fixture->job = hr_job_new (HR_MODE_FINE_TUNING);

  fixture->window = gtk_window_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (actions), entries, G_N_ELEMENTS (entries), fixture->job);
  gtk_widget_insert_action_group (fixture->window, "win", G_ACTION_GROUP (actions));
  fixture->list = HEADROOM_FITS_LIST (headroom_fits_list_new ());
  gtk_window_set_child (GTK_WINDOW (fixture->window), GTK_WIDGET (fixture->list));
  gtk_window_present (GTK_WINDOW (fixture->window));
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_object_unref (fixture->job);
  g_object_unref (fixture->model);
  g_object_unref (fixture->gpu);
}

/* Returns what is left of the GPU. */
static guint64
show (Fixture *fixture,
      HrGpu   *gpu)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (fixture->model, fixture->job, gpu, 1, &error);
  g_autoptr (HrReport) report = NULL;

  g_assert_no_error (error);
  report = hr_report_new (estimate, fixture->job, gpu, 1, HR_UNIT_SYSTEM_BINARY);
  headroom_fits_list_show (fixture->list, report);

  return gpu != NULL ? hr_report_get_free_bytes (report) : 0;
}

static GtkWidget *
find_button (GtkWidget  *widget,
             const char *label)
{
  if (GTK_IS_BUTTON (widget) && g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), label) == 0)
    return widget;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_button (child, label);

      if (found != NULL)
        return found;
    }

  return NULL;
}

static void
test_what_fits_is_set_and_can_be_undone (Fixture       *fixture,
                                         gconstpointer  data)
{
  guint64 left = show (fixture, fixture->gpu);

  HEADROOM_TEST_WAIT_FOR (find_button (GTK_WIDGET (fixture->list), _("Apply")) != NULL);
  g_assert_null (find_button (GTK_WIDGET (fixture->list), _("Undo")));

  g_signal_emit_by_name (find_button (GTK_WIDGET (fixture->list), _("Apply")), "clicked");
  g_assert_cmpuint (show (fixture, fixture->gpu), <, left);
  HEADROOM_TEST_WAIT_FOR (find_button (GTK_WIDGET (fixture->list), _("Undo")) != NULL);
}

static void
test_without_a_gpu_there_is_no_list (Fixture       *fixture,
                                     gconstpointer  data)
{
  show (fixture, fixture->gpu);
  HEADROOM_TEST_WAIT_FOR (find_button (GTK_WIDGET (fixture->list), _("Apply")) != NULL);
  show (fixture, NULL);
  HEADROOM_TEST_WAIT_FOR (!gtk_widget_get_visible (GTK_WIDGET (fixture->list)));
}

static void
test_no_step_of_the_search_holds_the_window_up (Fixture       *fixture,
                                                gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (fixture->model, fixture->job, fixture->gpu, 1, &error);
  g_autoptr (HrLargestSearch) search = NULL;
  guint n_steps = 0;

  g_assert_no_error (error);
  search = hr_largest_search_new (estimate, fixture->job, fixture->gpu, 1);
  while (hr_largest_search_step (search))
    n_steps++;
  g_assert_cmpuint (n_steps, >, 10 * hr_largest_search_get_largest (search)->len);
}

#define ADD(name, function) g_test_add ("/app/fits-list/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  ADD ("what fits is set and can be undone", test_what_fits_is_set_and_can_be_undone);
  ADD ("without a GPU there is no list", test_without_a_gpu_there_is_no_list);
  ADD ("no step of the search holds the window up", test_no_step_of_the_search_holds_the_window_up);

  return g_test_run ();
}
