/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <hr-gpu-catalogue.h>
#include <string.h>

#include "headroom-gpu-list.h"
#include "headroom-test-changes.h"
#include "headroom-test.h"

typedef struct
{
  HeadroomTestChanges changes;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  headroom_test_changes_set_up (&fixture->changes, HEADROOM_TYPE_GPU_LIST);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  headroom_test_changes_tear_down (&fixture->changes);
}

static HrGpu *
find_choice (const char *change)
{
  g_auto (GStrv) parts = g_strsplit (change, " ", -1);
  g_autoptr (GError) error = NULL;
  HrGpu *gpu;

  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  g_assert_cmpstr (parts[1], ==, "gpus=1");
  gpu = hr_gpu_catalogue_lookup (parts[0] + strlen ("gpu="), &error);
  g_assert_no_error (error);

  return gpu;
}

static void
test_a_gpu_is_chosen_and_can_be_undone (Fixture       *fixture,
                                        gconstpointer  data)
{
  g_autoptr (HrReport) before = headroom_test_changes_show (&fixture->changes, NULL);
  g_autoptr (HrReport) after = NULL;
  g_autoptr (HrReport) again = NULL;
  g_autoptr (HrGpu) gpu = NULL;

  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (&fixture->changes, "Apply") != NULL);
  g_assert_null (headroom_test_changes_find_button (&fixture->changes, "Undo"));

  headroom_test_changes_apply_first (&fixture->changes);
  gpu = find_choice (fixture->changes.choice);
  after = headroom_test_changes_show (&fixture->changes, gpu);
  g_assert_true (hr_report_get_fits (after));
  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (&fixture->changes, "Undo") != NULL);

  again = headroom_test_changes_show (&fixture->changes, NULL);
  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (&fixture->changes, "Undo") == NULL);
}

#define ADD(name, function) g_test_add ("/app/gpu-list/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  ADD ("a GPU is chosen and can be undone", test_a_gpu_is_chosen_and_can_be_undone);

  return g_test_run ();
}
