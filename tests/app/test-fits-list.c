/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <hr-estimator.h>
#include <hr-gpu-catalogue.h>
#include <hr-largest.h>

#include "headroom-capacity-list.h"
#include "headroom-fits-list.h"
#include "headroom-format-list.h"
#include "headroom-test-changes.h"
#include "headroom-test.h"

typedef struct
{
  HeadroomTestChanges changes;
  HrGpu *gpu;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  headroom_test_changes_set_up (&fixture->changes, GPOINTER_TO_SIZE (data));
  if (GPOINTER_TO_SIZE (data) != HEADROOM_TYPE_FITS_LIST)
    {
      g_object_unref (fixture->changes.job);
      fixture->changes.job = hr_job_new (HR_MODE_INFERENCE);
    }
  fixture->gpu = hr_gpu_catalogue_lookup ("rtx-4090", &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  headroom_test_changes_tear_down (&fixture->changes);
  g_object_unref (fixture->gpu);
}

static void
test_what_fits_is_set_and_can_be_undone (Fixture       *fixture,
                                         gconstpointer  data)
{
  g_autoptr (HrReport) before = headroom_test_changes_show (&fixture->changes, fixture->gpu);
  g_autoptr (HrReport) after = NULL;

  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (&fixture->changes, "Apply") != NULL);
  g_assert_null (headroom_test_changes_find_button (&fixture->changes, "Undo"));

  headroom_test_changes_apply_first (&fixture->changes);
  after = headroom_test_changes_show (&fixture->changes, fixture->gpu);
  g_assert_cmpuint (hr_report_get_free_bytes (after), !=, hr_report_get_free_bytes (before));
  if (GPOINTER_TO_SIZE (data) == HEADROOM_TYPE_FITS_LIST)
    g_assert_cmpuint (hr_report_get_free_bytes (after), <, hr_report_get_free_bytes (before));
  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (&fixture->changes, "Undo") != NULL);
}

static void
test_without_a_gpu_there_is_no_list (Fixture       *fixture,
                                     gconstpointer  data)
{
  g_autoptr (HrReport) with = headroom_test_changes_show (&fixture->changes, fixture->gpu);
  g_autoptr (HrReport) without = NULL;

  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (&fixture->changes, "Apply") != NULL);
  without = headroom_test_changes_show (&fixture->changes, NULL);
  HEADROOM_TEST_WAIT_FOR (!gtk_widget_get_visible (GTK_WIDGET (fixture->changes.list)));
}

static void
test_no_step_of_the_search_holds_the_window_up (Fixture       *fixture,
                                                gconstpointer  data)
{
  HrJob *job = fixture->changes.job;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (fixture->changes.model, job, fixture->gpu, 1, &error);
  g_autoptr (HrLargestSearch) search = NULL;
  guint n_steps = 0;

  g_assert_no_error (error);
  search = hr_largest_search_new (estimate, job, fixture->gpu, 1);
  while (hr_largest_search_step (search))
    n_steps++;
  g_assert_cmpuint (n_steps, >, 10 * hr_largest_search_get_largest (search)->len);
}

#define ADD(list, name, type, function) \
  g_test_add ("/app/" list "/" name, Fixture, GSIZE_TO_POINTER (type), set_up, function, tear_down)

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  ADD ("fits-list", "what fits is set and can be undone", HEADROOM_TYPE_FITS_LIST,
       test_what_fits_is_set_and_can_be_undone);
  ADD ("fits-list", "without a GPU there is no list", HEADROOM_TYPE_FITS_LIST, test_without_a_gpu_there_is_no_list);
  ADD ("fits-list", "no step of the search holds the window up", HEADROOM_TYPE_FITS_LIST,
       test_no_step_of_the_search_holds_the_window_up);
  ADD ("capacity-list", "requests are asked for and can be undone", HEADROOM_TYPE_CAPACITY_LIST,
       test_what_fits_is_set_and_can_be_undone);
  ADD ("capacity-list", "without a GPU there is no list", HEADROOM_TYPE_CAPACITY_LIST,
       test_without_a_gpu_there_is_no_list);
  ADD ("format-list", "a format is taken and can be undone", HEADROOM_TYPE_FORMAT_LIST,
       test_what_fits_is_set_and_can_be_undone);
  ADD ("format-list", "without a GPU there is no list", HEADROOM_TYPE_FORMAT_LIST,
       test_without_a_gpu_there_is_no_list);

  return g_test_run ();
}
