/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>
#include <hr-gpu-catalogue.h>

#include "headroom-last-session.h"
#include "headroom-session-opening.h"
#include "headroom-session-saver.h"
#include "headroom-session-scenario.h"
#include "headroom-settings.h"
#include "headroom-test.h"
#include "jobs.h"

#define MODEL "Qwen/Qwen2.5-0.5B"

static const HrMode modes[] = { HR_MODE_INFERENCE, HR_MODE_FINE_TUNING, HR_MODE_TRAINING, HR_MODE_GRPO,
                                HR_MODE_MULTIMODAL };

typedef struct
{
  gboolean done;
  char *problems;
} Restoring;

static void
restored_cb (GObject      *source_object,
             GAsyncResult *result,
             gpointer      user_data)
{
  Restoring *restoring = user_data;
  g_autoptr (GError) error = NULL;

  headroom_session_open_finish (HEADROOM_SESSION (source_object), result, &restoring->problems, &error);
  g_assert_no_error (error);
  restoring->done = TRUE;
}

/* Restores what was kept, and returns what is said about it. */
static char *
restore (HeadroomSession *session)
{
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (GError) error = NULL;
  Restoring restoring = { FALSE };

  headroom_last_session_read (&scenario, &error);
  g_assert_no_error (error);
  g_assert_nonnull (scenario);
  headroom_session_restore_async (session, scenario, restored_cb, &restoring);
  HEADROOM_TEST_WAIT_FOR (restoring.done);

  return restoring.problems;
}

static void
keep (HeadroomSession *session)
{
  g_autoptr (HeadroomSessionSaver) saver = headroom_session_saver_new (session);

  headroom_session_saver_save (saver);
}

static gboolean
is_kept (void)
{
  g_autoptr (GFile) file = headroom_last_session_get_file ();

  return g_file_query_exists (file, NULL);
}

static void
forget (void)
{
  g_autoptr (GFile) file = headroom_last_session_get_file ();

  g_file_delete (file, NULL, NULL);
  g_assert_false (is_kept ());
}

static void
change_all (HeadroomSession *session)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      HrJob *job = headroom_session_get_job_of_mode (session, modes[i]);
      g_autofree GParamSpec **settings = NULL;
      guint n_settings;

      settings = hr_job_list_settings (job, &n_settings);
      for (guint j = 0; j < n_settings; j++)
        job_change_setting (job, settings[j]);
    }
}

static HeadroomSession *
session_new (void)
{
  HeadroomSession *session = headroom_session_new ();
  g_autoptr (GError) error = NULL;

  headroom_session_choose_model (session, MODEL, &error);
  g_assert_no_error (error);

  return session;
}

static void
assert_same_jobs (HeadroomSession *session,
                  HeadroomSession *other)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    g_assert_true (hr_job_equal (headroom_session_get_job_of_mode (session, modes[i]),
                                 headroom_session_get_job_of_mode (other, modes[i])));
}

static void
test_everything_is_restored (gconstpointer data)
{
  HrMode mode = GPOINTER_TO_INT (data);
  g_autoptr (HeadroomSession) session = session_new ();
  g_autoptr (HeadroomSession) other = headroom_session_new ();
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", NULL);
  g_autoptr (HeadroomPin) first = NULL;
  g_autoptr (HeadroomPin) second = NULL;
  g_autofree char *problems = NULL;

  first = headroom_session_create_pin (session, "First");
  g_list_store_append (headroom_session_get_pins (session), first);
  change_all (session);
  headroom_session_set_mode (session, mode);
  headroom_session_set_gpu (session, gpu);
  headroom_session_set_n_gpus (session, 3);
  second = headroom_session_create_pin (session, "第二");
  g_list_store_append (headroom_session_get_pins (session), second);
  keep (session);

  problems = restore (other);
  g_assert_cmpstr (problems, ==, NULL);
  assert_same_jobs (session, other);
  g_assert_cmpint (headroom_session_get_mode (other), ==, mode);
  g_assert_cmpstr (hr_model_get_name (headroom_session_get_model (other)), ==, MODEL);
  g_assert_cmpstr (hr_gpu_get_id (headroom_session_get_gpu (other)), ==, "h100-sxm5-80gb");
  g_assert_cmpuint (headroom_session_get_n_gpus (other), ==, 3);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (headroom_session_get_pins (other))), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (HeadroomPin) pin = g_list_model_get_item (G_LIST_MODEL (headroom_session_get_pins (other)), i);

      g_assert_true (headroom_pin_equal (pin, i == 0 ? first : second));
    }

  /* Where one begins, there is nothing to go back to. */
  g_assert_false (headroom_session_get_can_undo (other));
  forget ();
}

static void
test_the_estimate_is_the_same (void)
{
  g_autoptr (HeadroomSession) session = session_new ();
  g_autoptr (GFile) config = headroom_test_write_config ("small.json");

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (HeadroomSession) other = headroom_session_new ();
      g_autoptr (HrModel) model = hr_model_new_from_file (config, NULL);
      g_autofree char *problems = NULL;
      HrEstimate *estimate;

      headroom_session_set_model (session, model, config);
      headroom_session_set_mode (session, modes[i]);
      headroom_session_update (session);
      keep (session);

      problems = restore (other);
      headroom_session_update (other);
      g_assert_true (g_file_equal (headroom_session_get_file (other), config));
      g_assert_cmpstr (headroom_session_get_problem (other), ==, headroom_session_get_problem (session));
      estimate = headroom_session_get_estimate (session);
      if (estimate != NULL)
        g_assert_cmpuint (hr_estimate_get_total_bytes (headroom_session_get_estimate (other)), ==,
                          hr_estimate_get_total_bytes (estimate));
    }
  forget ();
}

static void
test_a_model_that_is_gone_leaves_the_rest (void)
{
  g_autoptr (HeadroomSession) session = headroom_session_new ();
  g_autoptr (HeadroomSession) other = headroom_session_new ();
  g_autoptr (GFile) config = headroom_test_write_config ("gone.json");
  g_autoptr (HrModel) model = hr_model_new_from_file (config, NULL);
  g_autoptr (HeadroomPin) pin = NULL;
  g_autoptr (HeadroomPin) pin_of_catalogue = NULL;
  g_autoptr (HeadroomPin) found = NULL;
  g_autofree char *problems = NULL;
  g_auto (GStrv) lines = NULL;

  headroom_session_choose_model (session, MODEL, NULL);
  pin_of_catalogue = headroom_session_create_pin (session, "There");
  headroom_session_set_model (session, model, config);
  pin = headroom_session_create_pin (session, "Gone too");
  g_list_store_append (headroom_session_get_pins (session), pin_of_catalogue);
  g_list_store_append (headroom_session_get_pins (session), pin);
  change_all (session);
  headroom_session_set_mode (session, HR_MODE_TRAINING);
  keep (session);
  g_assert_true (g_file_delete (config, NULL, NULL));

  problems = restore (other);
  lines = g_strsplit (problems, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 2);
  g_assert_nonnull (strstr (lines[0], "gone.json"));
  g_assert_nonnull (strstr (lines[1], "“Gone too”"));
  assert_same_jobs (session, other);
  g_assert_cmpint (headroom_session_get_mode (other), ==, HR_MODE_TRAINING);
  g_assert_null (headroom_session_get_model (other));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (headroom_session_get_pins (other))), ==, 1);
  found = g_list_model_get_item (G_LIST_MODEL (headroom_session_get_pins (other)), 0);
  g_assert_true (headroom_pin_equal (found, pin_of_catalogue));

  /* A session without a model does not take the place of the one that has it: a disk may be back the next time. */
  forget ();
  keep (other);
  g_assert_false (is_kept ());
}

static void
test_a_gpu_that_is_gone_leaves_the_one_that_is_there (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrScenario) scenario = hr_scenario_new (MODEL, job);
  g_autoptr (HeadroomSession) session = headroom_session_new ();
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);
  g_autofree char *problems = NULL;
  g_autoptr (GError) error = NULL;

  hr_scenario_set_gpu (scenario, "no-such-gpu", 7);
  headroom_last_session_write (scenario, &error);
  g_assert_no_error (error);

  headroom_session_remember_gpus (session, gpu, 2);
  problems = restore (session);
  g_assert_nonnull (strstr (problems, "no-such-gpu"));
  g_assert_true (headroom_session_get_gpu (session) == gpu);
  g_assert_cmpuint (headroom_session_get_n_gpus (session), ==, 2);
  g_assert_nonnull (headroom_session_get_model (session));
  forget ();
}

static void
test_nothing_is_no_fault (void)
{
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (GError) error = NULL;

  forget ();
  g_assert_true (headroom_last_session_read (&scenario, &error));
  g_assert_no_error (error);
  g_assert_null (scenario);
}

#define HEAD "{\"schema\": \"headroom-scenario/1\", \"model\": \"x\""

static void
test_what_is_damaged_is_put_aside (gconstpointer data)
{
  const char *contents = data;
  g_autoptr (GFile) file = headroom_last_session_get_file ();
  g_autofree char *folder = g_path_get_dirname (g_file_peek_path (file));
  g_autoptr (GFile) aside = NULL;
  g_autofree char *kept = NULL;
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  g_assert_true (g_file_set_contents (g_file_peek_path (file), contents, -1, NULL));

  g_assert_false (headroom_last_session_read (&scenario, &error));
  g_assert_null (scenario);
  g_assert_nonnull (strstr (error->message, "session.headroom"));
  g_test_message ("%s", error->message);

  aside = headroom_last_session_put_aside ();
  g_assert_nonnull (aside);
  g_assert_false (is_kept ());
  g_assert_true (g_file_load_contents (aside, NULL, &kept, NULL, NULL, NULL));
  g_assert_cmpstr (kept, ==, contents);

  /* The next start begins with nothing, without a word. */
  test_nothing_is_no_fault ();
}

static void
test_a_change_is_kept_after_a_moment (void)
{
  g_autoptr (HeadroomSession) session = session_new ();
  g_autoptr (HeadroomSessionSaver) saver = headroom_session_saver_new (session);
  g_autoptr (HeadroomSession) other = headroom_session_new ();
  g_autoptr (HeadroomPin) pin = NULL;
  g_autofree char *problems = NULL;

  forget ();
  g_object_set (headroom_session_get_job_of_mode (session, HR_MODE_GRPO), "completion-length", (guint64) 77, NULL);
  g_assert_false (is_kept ());
  HEADROOM_TEST_WAIT_FOR (is_kept ());
  problems = restore (other);
  assert_same_jobs (session, other);

  forget ();
  pin = headroom_session_create_pin (session, "Pinned");
  g_list_store_append (headroom_session_get_pins (session), pin);
  HEADROOM_TEST_WAIT_FOR (is_kept ());

  forget ();
  headroom_pin_set_label (pin, "Renamed");
  HEADROOM_TEST_WAIT_FOR (is_kept ());
  forget ();
}

static void
test_who_begins_with_nothing_keeps_nothing (void)
{
  g_autoptr (HeadroomSession) session = session_new ();
  g_autoptr (GSettings) settings = headroom_settings_new ();

  g_settings_set_boolean (settings, "restore-session", FALSE);
  keep (session);
  g_assert_false (is_kept ());
  g_settings_reset (settings, "restore-session");
  keep (session);
  g_assert_true (is_kept ());
  forget ();
}

static void
failed_cb (HeadroomSessionSaver *saver,
           const char           *message,
           GPtrArray            *messages)
{
  g_ptr_array_add (messages, g_strdup (message));
}

static void
test_what_cannot_be_kept_is_said_once (void)
{
  g_autoptr (HeadroomSession) session = session_new ();
  g_autoptr (HeadroomSessionSaver) saver = headroom_session_saver_new (session);
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GFile) file = headroom_last_session_get_file ();

  g_assert_no_errno (g_mkdir_with_parents (g_file_peek_path (file), 0700));
  g_signal_connect (saver, "failed", G_CALLBACK (failed_cb), messages);
  headroom_session_saver_save (saver);
  headroom_session_saver_save (saver);
  g_assert_cmpuint (messages->len, ==, 1);
  g_assert_nonnull (strstr (g_ptr_array_index (messages, 0), "session.headroom"));
  g_assert_no_errno (g_rmdir (g_file_peek_path (file)));
}

static void
test_what_is_pinned_in_a_scenario_comes_beside_what_is_there (void)
{
  g_autoptr (HeadroomSession) session = session_new ();
  GListModel *pins = G_LIST_MODEL (headroom_session_get_pins (session));
  g_autofree char *nothing = NULL;
  g_autofree char *no_room = NULL;

  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *label = g_strdup_printf ("Number %u", i);
      g_autoptr (HeadroomPin) pin = NULL;

      g_object_set (headroom_session_get_job (session), "batch-size", (guint64) (i + 2), NULL);
      pin = headroom_session_create_pin (session, label);
      g_list_store_append (headroom_session_get_pins (session), pin);
    }
  keep (session);

  /* What is there is not there twice. */
  nothing = restore (session);
  g_assert_cmpstr (nothing, ==, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (pins), ==, 4);

  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *label = g_strdup_printf ("Another %u", i);
      g_autoptr (HeadroomPin) pin = g_list_model_get_item (pins, i);

      headroom_pin_set_label (pin, label);
    }
  no_room = restore (session);
  g_assert_cmpuint (g_list_model_get_n_items (pins), ==, HR_SCENARIO_MAX_PINS);
  g_assert_nonnull (strstr (no_room, "“Number 2”"));
  g_assert_nonnull (strstr (no_room, "“Number 3”"));
  forget ();
}

int
main (int    argc,
      char **argv)
{
  static const struct
  {
    const char *name;
    const char *contents;
  } damages[] = {
    { "an_empty_file", "" },
    { "text", "no JSON" },
    { "half_a_file", HEAD ", \"settings\": {" },
    { "a_file_of_another_version", "{\"schema\": \"headroom-scenario/2\", \"model\": \"x\"}" },
    { "an_unknown_key", HEAD ", \"windows\": 7}" },
    { "an_unknown_setting", HEAD ", \"settings\": {\"speed\": 7}}" },
    { "a_value_out_of_range", HEAD ", \"settings\": {\"batch-size\": 0}}" },
    { "a_damaged_pin", HEAD ", \"pins\": [7]}" },
    { "a_damaged_mode", HEAD ", \"other-modes\": {\"training\": {\"sequence-length\": -1}}}" },
  };

  headroom_test_init (&argc, &argv);

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *path = g_strconcat ("/app/last-session/everything_is_restored/", hr_mode_get_name (modes[i]),
                                           NULL);

      g_test_add_data_func (path, GINT_TO_POINTER (modes[i]), test_everything_is_restored);
    }
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++)
    {
      g_autofree char *path = g_strdup_printf ("/app/last-session/%s_is_put_aside", damages[i].name);

      g_test_add_data_func (path, damages[i].contents, test_what_is_damaged_is_put_aside);
    }
  g_test_add_func ("/app/last-session/the_estimate_is_the_same", test_the_estimate_is_the_same);
  g_test_add_func ("/app/last-session/a_model_that_is_gone_leaves_the_rest", test_a_model_that_is_gone_leaves_the_rest);
  g_test_add_func ("/app/last-session/a_gpu_that_is_gone_leaves_the_one_that_is_there",
                   test_a_gpu_that_is_gone_leaves_the_one_that_is_there);
  g_test_add_func ("/app/last-session/nothing_is_no_fault", test_nothing_is_no_fault);
  g_test_add_func ("/app/last-session/a_change_is_kept_after_a_moment", test_a_change_is_kept_after_a_moment);
  g_test_add_func ("/app/last-session/who_begins_with_nothing_keeps_nothing",
                   test_who_begins_with_nothing_keeps_nothing);
  g_test_add_func ("/app/last-session/what_cannot_be_kept_is_said_once", test_what_cannot_be_kept_is_said_once);
  g_test_add_func ("/app/last-session/what_is_pinned_in_a_scenario_comes_beside_what_is_there",
                   test_what_is_pinned_in_a_scenario_comes_beside_what_is_there);

  return g_test_run ();
}
