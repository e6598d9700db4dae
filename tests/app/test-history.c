/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <hr-inference-job.h>

#include "headroom-history.h"
#include "headroom-test.h"

static HeadroomState *
state_new (guint64 batch_size)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  HeadroomState *state;

  g_object_set (job, "batch-size", batch_size, NULL);

  state = headroom_state_new (NULL, NULL, HR_MODE_INFERENCE, NULL, 1);
  headroom_state_take_job (state, job, NULL);

  return state;
}

static guint64
get_batch_size (const HeadroomState *state)
{
  g_assert_nonnull (state);

  return hr_inference_job_get_batch_size (HR_INFERENCE_JOB (state->jobs[HR_MODE_INFERENCE]));
}

static void
count_cb (GObject    *object,
          GParamSpec *pspec,
          guint      *count)
{
  (*count)++;
}

static void
test_undo_goes_back_and_redo_forth (void)
{
  g_autoptr (HeadroomHistory) history = headroom_history_new ();

  headroom_history_record (history, state_new (1), NULL, 0);
  g_assert_false (headroom_history_can_undo (history));
  g_assert_null (headroom_history_undo (history));

  headroom_history_record (history, state_new (2), NULL, 0);
  headroom_history_record (history, state_new (3), NULL, 0);

  g_assert_cmpuint (get_batch_size (headroom_history_undo (history)), ==, 2);
  g_assert_cmpuint (get_batch_size (headroom_history_undo (history)), ==, 1);
  g_assert_null (headroom_history_undo (history));
  g_assert_cmpuint (get_batch_size (headroom_history_redo (history)), ==, 2);
  g_assert_cmpuint (get_batch_size (headroom_history_redo (history)), ==, 3);
  g_assert_null (headroom_history_redo (history));
}

static void
test_a_new_change_forgets_what_was_undone (void)
{
  g_autoptr (HeadroomHistory) history = headroom_history_new ();

  headroom_history_record (history, state_new (1), NULL, 0);
  headroom_history_record (history, state_new (2), NULL, 0);
  headroom_history_undo (history);
  g_assert_true (headroom_history_can_redo (history));

  headroom_history_record (history, state_new (5), NULL, 0);
  g_assert_false (headroom_history_can_redo (history));
  g_assert_cmpuint (get_batch_size (headroom_history_undo (history)), ==, 1);
}

static void
test_quick_changes_of_one_setting_are_one_step (void)
{
  g_autoptr (HeadroomHistory) history = headroom_history_new ();
  const char *what = g_intern_static_string ("batch-size");

  headroom_history_record (history, state_new (1), NULL, 0);
  headroom_history_record (history, state_new (2), what, 0);
  headroom_history_record (history, state_new (3), what, G_USEC_PER_SEC / 2);
  headroom_history_record (history, state_new (4), what, G_USEC_PER_SEC);
  g_assert_cmpuint (get_batch_size (headroom_history_undo (history)), ==, 1);

  headroom_history_redo (history);
  headroom_history_record (history, state_new (6), what, 3 * G_USEC_PER_SEC);
  g_assert_cmpuint (get_batch_size (headroom_history_undo (history)), ==, 4);
}

static void
test_the_same_state_again_is_no_step (void)
{
  g_autoptr (HeadroomHistory) history = headroom_history_new ();

  headroom_history_record (history, state_new (1), NULL, 0);
  headroom_history_record (history, state_new (1), NULL, 0);
  g_assert_false (headroom_history_can_undo (history));
}

static void
test_the_oldest_steps_are_forgotten (void)
{
  g_autoptr (HeadroomHistory) history = headroom_history_new ();
  guint n_steps = 0;

  for (guint64 i = 1; i <= 500; i++)
    headroom_history_record (history, state_new (i), NULL, 0);

  while (headroom_history_undo (history) != NULL)
    n_steps++;

  g_assert_cmpuint (n_steps, ==, 199);
}

static void
test_what_can_be_done_notifies_when_it_changes (void)
{
  g_autoptr (HeadroomHistory) history = headroom_history_new ();
  guint n_undo = 0;
  guint n_redo = 0;

  g_signal_connect (history, "notify::can-undo", G_CALLBACK (count_cb), &n_undo);
  g_signal_connect (history, "notify::can-redo", G_CALLBACK (count_cb), &n_redo);

  headroom_history_record (history, state_new (1), NULL, 0);
  g_assert_cmpuint (n_undo, ==, 0);
  headroom_history_record (history, state_new (2), NULL, 0);
  headroom_history_record (history, state_new (3), NULL, 0);
  g_assert_cmpuint (n_undo, ==, 1);
  g_assert_cmpuint (n_redo, ==, 0);
  headroom_history_undo (history);
  g_assert_cmpuint (n_redo, ==, 1);
  headroom_history_clear (history);
  g_assert_cmpuint (n_undo, ==, 2);
  g_assert_cmpuint (n_redo, ==, 2);
}

int
main (int   argc,
      char *argv[])
{
  headroom_test_init (&argc, &argv);

  g_test_add_func ("/app/history/undo_goes_back_and_redo_forth", test_undo_goes_back_and_redo_forth);
  g_test_add_func ("/app/history/a_new_change_forgets_what_was_undone", test_a_new_change_forgets_what_was_undone);
  g_test_add_func ("/app/history/quick_changes_of_one_setting_are_one_step",
                   test_quick_changes_of_one_setting_are_one_step);
  g_test_add_func ("/app/history/the_same_state_again_is_no_step", test_the_same_state_again_is_no_step);
  g_test_add_func ("/app/history/the_oldest_steps_are_forgotten", test_the_oldest_steps_are_forgotten);
  g_test_add_func ("/app/history/what_can_be_done_notifies_when_it_changes",
                   test_what_can_be_done_notifies_when_it_changes);

  return g_test_run ();
}
