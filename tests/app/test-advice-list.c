/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-advice-list.h"
#include "headroom-test-changes.h"
#include "headroom-test.h"

static void
set_up (HeadroomTestChanges *changes,
        gconstpointer        data)
{
  headroom_test_changes_set_up (changes, HEADROOM_TYPE_ADVICE_LIST);
  g_object_set (changes->job, "micro-batch-size", G_GUINT64_CONSTANT (4), NULL);
}

static void
tear_down (HeadroomTestChanges *changes,
           gconstpointer        data)
{
  headroom_test_changes_tear_down (changes);
}

/* Returns what the job takes. */
static guint64
show (HeadroomTestChanges *changes)
{
  g_autoptr (HrReport) report = headroom_test_changes_show (changes, NULL);

  return hr_estimate_get_total_bytes (hr_report_get_estimate (report));
}

static void
test_an_advice_is_found_and_applied (HeadroomTestChanges *changes,
                                     gconstpointer        data)
{
  guint64 before = show (changes);

  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (changes, "Apply") != NULL);
  g_assert_null (headroom_test_changes_find_button (changes, "Undo"));

  headroom_test_changes_apply_first (changes);
  g_assert_cmpuint (show (changes), <, before);
  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (changes, "Undo") != NULL);
}

static void
test_a_change_by_hand_takes_the_undo_away (HeadroomTestChanges *changes,
                                           gconstpointer        data)
{
  show (changes);
  headroom_test_changes_apply_first (changes);
  show (changes);
  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (changes, "Undo") != NULL);

  g_object_unref (changes->job);
  changes->job = hr_job_new (HR_MODE_FINE_TUNING);
  show (changes);
  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (changes, "Undo") == NULL);
  g_assert_nonnull (headroom_test_changes_find_button (changes, "Apply"));
}

static void
test_a_search_that_is_no_longer_wanted_is_given_up (HeadroomTestChanges *changes,
                                                    gconstpointer        data)
{
  for (guint i = 0; i < 5; i++)
    {
      g_object_set (changes->job, "sequence-length", G_GUINT64_CONSTANT (512) << (i % 2), NULL);
      show (changes);
      g_main_context_iteration (NULL, FALSE);
    }
  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (changes, "Apply") != NULL);
}

#define ADD(name, function) \
  g_test_add ("/app/advice-list/" name, HeadroomTestChanges, NULL, set_up, function, tear_down)

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  ADD ("an advice is found and applied", test_an_advice_is_found_and_applied);
  ADD ("a change by hand takes the undo away", test_a_change_by_hand_takes_the_undo_away);
  ADD ("a search that is no longer wanted is given up", test_a_search_that_is_no_longer_wanted_is_given_up);

  return g_test_run ();
}
