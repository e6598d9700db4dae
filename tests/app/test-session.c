/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <hr-error.h>
#include <hr-gpu-catalogue.h>
#include <hr-inference-job.h>

#include "headroom-session-opening.h"
#include "headroom-session-scenario.h"
#include "headroom-session.h"
#include "headroom-test.h"

typedef struct
{
  gboolean done;
  gboolean success;
  char *problems;
  GError *error;
} Opening;

static void
opened_cb (GObject      *source_object,
           GAsyncResult *result,
           gpointer      user_data)
{
  Opening *opening = user_data;

  opening->success = headroom_session_open_finish (HEADROOM_SESSION (source_object), result, &opening->problems,
                                                   &opening->error);
  opening->done = TRUE;
}

static gboolean
open_file (HeadroomSession  *session,
           GFile            *file,
           GError          **error)
{
  Opening opening = { FALSE };

  headroom_session_open_async (session, file, opened_cb, &opening);
  HEADROOM_TEST_WAIT_FOR (opening.done);
  if (opening.error != NULL)
    g_propagate_error (error, opening.error);
  g_assert_null (opening.problems);

  return opening.success;
}

static HeadroomSession *
session_new_with_model (void)
{
  HeadroomSession *session = headroom_session_new ();
  g_autoptr (GFile) file = headroom_test_write_config ("small.json");
  g_autoptr (GError) error = NULL;

  g_assert_true (open_file (session, file, &error));
  g_assert_no_error (error);
  headroom_session_update (session);

  return session;
}

static void
count_cb (GObject    *object,
          GParamSpec *pspec,
          guint      *count)
{
  (*count)++;
}

static void
test_a_change_makes_one_estimate_for_a_turn_of_the_loop (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  guint64 before = hr_estimate_get_total_bytes (headroom_session_get_estimate (session));
  guint n_estimates = 0;

  g_signal_connect (session, "notify::estimate", G_CALLBACK (count_cb), &n_estimates);
  g_object_set (headroom_session_get_job (session), "batch-size", (guint64) 2, NULL);
  g_object_set (headroom_session_get_job (session), "prompt-length", (guint64) 3000, NULL);
  g_assert_cmpuint (n_estimates, ==, 0);

  HEADROOM_TEST_WAIT_FOR (n_estimates > 0);
  headroom_test_settle ();
  g_assert_cmpuint (n_estimates, ==, 1);
  g_assert_cmpuint (hr_estimate_get_total_bytes (headroom_session_get_estimate (session)), >, before);
}

static void
test_each_mode_keeps_its_settings_and_its_estimate (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  guint64 inference = hr_estimate_get_total_bytes (headroom_session_get_estimate (session));
  guint64 length;

  headroom_session_set_mode (session, HR_MODE_TRAINING);
  g_object_set (headroom_session_get_job (session), "sequence-length", (guint64) 512, NULL);
  headroom_session_update (session);
  g_assert_cmpint (hr_estimate_get_mode (headroom_session_get_estimate (session)), ==, HR_MODE_TRAINING);
  g_assert_nonnull (hr_estimate_get_timeline (headroom_session_get_estimate (session)));

  headroom_session_set_mode (session, HR_MODE_INFERENCE);
  headroom_session_update (session);
  g_assert_cmpuint (hr_estimate_get_total_bytes (headroom_session_get_estimate (session)), ==, inference);

  headroom_session_undo (session);
  g_assert_cmpint (headroom_session_get_mode (session), ==, HR_MODE_TRAINING);
  g_object_get (headroom_session_get_job (session), "sequence-length", &length, NULL);
  g_assert_cmpuint (length, ==, 512);
}

/* Quantized matrices cannot be trained: the estimate of inference is none of training. */
static void
test_a_mode_without_an_estimate_shows_no_other (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  guint n_estimates = 0;

  g_object_set (headroom_session_get_job_of_mode (session, HR_MODE_TRAINING),
                "quantization", HR_QUANTIZATION_BNB_NF4, NULL);
  headroom_session_update (session);
  g_signal_connect (session, "notify::estimate", G_CALLBACK (count_cb), &n_estimates);

  headroom_session_set_mode (session, HR_MODE_TRAINING);
  headroom_session_update (session);
  g_assert_cmpuint (n_estimates, ==, 1);
  g_assert_null (headroom_session_get_estimate (session));
  g_assert_nonnull (headroom_session_get_problem (session));

  headroom_session_set_mode (session, HR_MODE_INFERENCE);
  headroom_session_update (session);
  g_assert_nonnull (headroom_session_get_estimate (session));
  g_assert_null (headroom_session_get_problem (session));
}

static void
test_undo_brings_the_model_and_the_gpu_back (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  HrModel *first = headroom_session_get_model (session);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);
  g_autoptr (GFile) file = headroom_test_write_config ("other.json");

  g_assert_nonnull (gpu);
  headroom_session_set_gpu (session, gpu);
  g_assert_true (open_file (session, file, NULL));
  g_assert_true (headroom_session_get_model (session) != first);

  headroom_session_undo (session);
  g_assert_true (headroom_session_get_model (session) == first);
  headroom_session_undo (session);
  g_assert_null (headroom_session_get_gpu (session));
  headroom_session_redo (session);
  g_assert_true (headroom_session_get_gpu (session) == gpu);
}

static void
test_a_choice_of_gpus_is_one_step (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  g_autoptr (GError) error = NULL;

  g_assert_true (headroom_session_change_job (session, "gpu=rtx-4090 gpus=2 batch-size=3", &error));
  g_assert_no_error (error);
  g_assert_cmpstr (hr_gpu_get_id (headroom_session_get_gpu (session)), ==, "rtx-4090");
  g_assert_cmpuint (headroom_session_get_n_gpus (session), ==, 2);

  g_assert_false (headroom_session_change_job (session, "gpu=h100-sxm5-80gb gpus=0", &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_false (headroom_session_change_job (session, "gpus=1 gpu=no-such-gpu", &error));
  g_assert_nonnull (error);
  g_assert_cmpstr (hr_gpu_get_id (headroom_session_get_gpu (session)), ==, "rtx-4090");
  g_assert_cmpuint (headroom_session_get_n_gpus (session), ==, 2);

  headroom_session_undo (session);
  g_assert_null (headroom_session_get_gpu (session));
  g_assert_cmpuint (headroom_session_get_n_gpus (session), ==, 1);
  g_assert_cmpuint (hr_inference_job_get_batch_size (HR_INFERENCE_JOB (headroom_session_get_job (session))), ==, 1);
}

static void
test_reset_is_one_step (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  HrJob *job = headroom_session_get_job (session);

  g_object_set (job, "batch-size", (guint64) 7, "use-cache", FALSE, NULL);
  headroom_session_reset_job (session);
  g_assert_cmpuint (hr_inference_job_get_batch_size (HR_INFERENCE_JOB (job)), ==, 1);
  g_assert_true (hr_inference_job_get_use_cache (HR_INFERENCE_JOB (job)));

  headroom_session_undo (session);
  g_assert_cmpuint (hr_inference_job_get_batch_size (HR_INFERENCE_JOB (job)), ==, 7);
  g_assert_false (hr_inference_job_get_use_cache (HR_INFERENCE_JOB (job)));
}

static void
test_what_was_remembered_is_no_step (void)
{
  g_autoptr (HeadroomSession) session = headroom_session_new ();
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);

  headroom_session_remember_gpus (session, gpu, 4);
  g_assert_true (headroom_session_get_gpu (session) == gpu);
  g_assert_cmpuint (headroom_session_get_n_gpus (session), ==, 4);
  g_assert_false (headroom_session_get_can_undo (session));
}

static void
test_a_bad_file_changes_nothing (gconstpointer data)
{
  const char *contents = data;
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  HrModel *model = headroom_session_get_model (session);
  HrEstimate *estimate = headroom_session_get_estimate (session);
  g_autoptr (GFile) file = contents != NULL ? headroom_test_write ("bad.json", contents)
                                            : g_file_new_for_path ("/nowhere/bad.json");
  g_autoptr (GError) error = NULL;

  g_assert_false (open_file (session, file, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "bad.json"));
  headroom_test_settle ();
  g_assert_true (headroom_session_get_model (session) == model);
  g_assert_true (headroom_session_get_estimate (session) == estimate);
}

static void
test_an_unknown_model_changes_nothing (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  HrModel *model = headroom_session_get_model (session);
  g_autoptr (GError) error = NULL;

  g_assert_false (headroom_session_choose_model (session, "nobody/nothing", &error));
  g_assert_nonnull (error);
  g_assert_true (headroom_session_get_model (session) == model);
}

static void
test_a_report_brings_everything_back (void)
{
  static const HrExportFormat formats[] = { HR_EXPORT_FORMAT_JSON, HR_EXPORT_FORMAT_MARKDOWN, HR_EXPORT_FORMAT_HTML,
                                            HR_EXPORT_FORMAT_PDF, HR_EXPORT_FORMAT_SVG, HR_EXPORT_FORMAT_PNG };
  g_autoptr (HeadroomSession) first = headroom_session_new ();
  g_autoptr (HrReport) report = NULL;
  g_autoptr (GError) error = NULL;
  guint64 total;

  headroom_session_choose_model (first, "Qwen/Qwen2.5-7B-Instruct", &error);
  g_assert_no_error (error);
  headroom_session_set_mode (first, HR_MODE_FINE_TUNING);
  g_object_set (headroom_session_get_job (first), "lora-rank", G_GUINT64_CONSTANT (48), NULL);
  headroom_session_update (first);
  total = hr_estimate_get_total_bytes (headroom_session_get_estimate (first));
  report = headroom_session_create_report (first, HR_UNIT_SYSTEM_BINARY);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (HeadroomSession) second = headroom_session_new ();
      g_autofree char *name = g_strconcat ("report.", hr_export_format_get_extension (formats[i]), NULL);
      g_autoptr (GFile) file = headroom_test_write (name, "");

      hr_export_to_file (report, formats[i], HR_EXPORT_CHART_USUAL, file, &error);
      g_assert_no_error (error);
      open_file (second, file, &error);
      g_assert_no_error (error);
      g_assert_cmpint (headroom_session_get_mode (second), ==, HR_MODE_FINE_TUNING);
      g_assert_true (hr_job_equal (headroom_session_get_job (second), headroom_session_get_job (first)));
      headroom_session_update (second);
      g_assert_cmpuint (hr_estimate_get_total_bytes (headroom_session_get_estimate (second)), ==, total);
    }
}

static void
test_a_scenario_brings_everything_back (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  g_autoptr (HeadroomSession) other = headroom_session_new ();
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);
  g_autoptr (GFile) file = headroom_test_write ("saved.headroom", "");
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (headroom_session_get_job (session), "batch-size", (guint64) 3, NULL);
  headroom_session_set_gpu (session, gpu);
  headroom_session_set_n_gpus (session, 2);
  headroom_session_update (session);

  scenario = headroom_session_create_scenario (session);
  hr_scenario_save (scenario, file, &error);
  g_assert_no_error (error);

  open_file (other, file, &error);
  g_assert_no_error (error);
  headroom_session_update (other);

  g_assert_true (hr_job_equal (headroom_session_get_job (session), headroom_session_get_job (other)));
  g_assert_cmpstr (hr_gpu_get_id (headroom_session_get_gpu (other)), ==, "rtx-4090");
  g_assert_cmpuint (headroom_session_get_n_gpus (other), ==, 2);
  g_assert_cmpuint (hr_estimate_get_total_bytes (headroom_session_get_estimate (other)), ==,
                    hr_estimate_get_total_bytes (headroom_session_get_estimate (session)));
}

static void
test_reading_the_model_again_is_no_step (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  HrModel *model = headroom_session_get_model (session);
  gboolean could_undo;

  g_object_set (headroom_session_get_job (session), "batch-size", (guint64) 3, NULL);
  could_undo = headroom_session_get_can_undo (session);

  headroom_session_reload_model (session);
  g_assert_true (headroom_session_get_model (session) != model);
  g_assert_true (headroom_session_get_can_undo (session) == could_undo);

  /* What is stepped back to is the model in its new language. */
  model = headroom_session_get_model (session);
  headroom_session_undo (session);
  g_assert_true (headroom_session_get_model (session) == model);
}

static void
test_a_report_does_not_change_with_the_settings (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  g_autoptr (HrReport) report = headroom_session_create_report (session, HR_UNIT_SYSTEM_BINARY);
  g_autofree char *before = hr_report_to_json (report);
  g_autofree char *after = NULL;

  g_object_set (headroom_session_get_job (session), "batch-size", (guint64) 50, NULL);
  headroom_session_update (session);
  after = hr_report_to_json (report);
  g_assert_cmpstr (before, ==, after);
}

static void
test_a_session_goes_away_while_a_file_is_read (void)
{
  HeadroomSession *session = headroom_session_new ();
  g_autoptr (GFile) file = headroom_test_write_config ("small.json");
  Opening opening = { FALSE };
  gpointer alive = session;

  g_object_add_weak_pointer (G_OBJECT (session), &alive);
  headroom_session_open_async (session, file, opened_cb, &opening);
  g_object_run_dispose (G_OBJECT (session));
  g_object_unref (session);
  HEADROOM_TEST_WAIT_FOR (opening.done);
  HEADROOM_TEST_WAIT_FOR (alive == NULL);
  g_assert_false (opening.success);
  g_assert_error (opening.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&opening.error);
}

/* What is in the clipboard, or typed: the model, the settings and the mode, as one step. */
static void
test_a_command_is_taken (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  HrModel *model = headroom_session_get_model (session);
  Opening opening = { FALSE };
  HrInferenceJob *job;

  headroom_session_set_mode (session, HR_MODE_TRAINING);
  headroom_session_read_command_async (session,
                                       "llama-server -m Qwen2.5-0.5B-Instruct-Q8_0.gguf -c 4096 -np 2 --rpc a:1",
                                       opened_cb, &opening);
  HEADROOM_TEST_WAIT_FOR (opening.done);
  g_assert_true (opening.success);
  g_assert_cmpstr (opening.problems, ==, "--rpc a:1");
  g_clear_pointer (&opening.problems, g_free);
  g_assert_cmpstr (hr_model_get_name (headroom_session_get_model (session)), ==, "Qwen/Qwen2.5-0.5B-Instruct");
  g_assert_cmpint (hr_job_get_mode (headroom_session_get_job (session)), ==, HR_MODE_INFERENCE);
  job = HR_INFERENCE_JOB (headroom_session_get_job (session));
  g_assert_cmpint (hr_inference_job_get_engine (job), ==, HR_ENGINE_LLAMA_CPP);
  g_assert_cmpuint (hr_inference_job_get_max_model_len (job), ==, 2048);
  headroom_session_undo (session);
  g_assert_true (headroom_session_get_model (session) == model);
  g_assert_cmpint (hr_job_get_mode (headroom_session_get_job (session)), ==, HR_MODE_TRAINING);
}

/* What stays open is the model that the command is for where it names one that is not there. */
static void
test_a_command_without_its_model_leaves_the_model (void)
{
  g_autoptr (HeadroomSession) session = session_new_with_model ();
  HrModel *model = headroom_session_get_model (session);
  Opening opening = { FALSE };

  headroom_session_read_command_async (session, "llama-server -m /no/such.gguf -c 8192 -np 1", opened_cb, &opening);
  HEADROOM_TEST_WAIT_FOR (opening.done);
  g_assert_true (opening.success);
  g_assert_nonnull (strstr (opening.problems, "/no/such.gguf"));
  g_clear_pointer (&opening.problems, g_free);
  g_assert_true (headroom_session_get_model (session) == model);
  g_assert_cmpuint (hr_inference_job_get_max_model_len (HR_INFERENCE_JOB (headroom_session_get_job (session))), ==,
                    8192);

  opening = (Opening) { FALSE };
  headroom_session_read_command_async (session, "rm -rf model", opened_cb, &opening);
  HEADROOM_TEST_WAIT_FOR (opening.done);
  g_assert_false (opening.success);
  g_assert_error (opening.error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
  g_clear_error (&opening.error);
}

int
main (int   argc,
      char *argv[])
{
  headroom_test_init (&argc, &argv);

  g_test_add_func ("/app/session/a_choice_of_gpus_is_one_step", test_a_choice_of_gpus_is_one_step);
  g_test_add_func ("/app/session/a_change_makes_one_estimate_for_a_turn_of_the_loop",
                   test_a_change_makes_one_estimate_for_a_turn_of_the_loop);
  g_test_add_func ("/app/session/each_mode_keeps_its_settings_and_its_estimate",
                   test_each_mode_keeps_its_settings_and_its_estimate);
  g_test_add_func ("/app/session/a_mode_without_an_estimate_shows_no_other",
                   test_a_mode_without_an_estimate_shows_no_other);
  g_test_add_func ("/app/session/undo_brings_the_model_and_the_gpu_back", test_undo_brings_the_model_and_the_gpu_back);
  g_test_add_func ("/app/session/reset_is_one_step", test_reset_is_one_step);
  g_test_add_func ("/app/session/a_command_is_taken_as_one_step", test_a_command_is_taken);
  g_test_add_func ("/app/session/a_command_without_its_model_leaves_the_model",
                   test_a_command_without_its_model_leaves_the_model);
  g_test_add_func ("/app/session/what_was_remembered_is_no_step", test_what_was_remembered_is_no_step);
  g_test_add_data_func ("/app/session/a_missing_file_changes_nothing", NULL, test_a_bad_file_changes_nothing);
  g_test_add_data_func ("/app/session/text_that_is_not_json_changes_nothing", "no json",
                        test_a_bad_file_changes_nothing);
  g_test_add_data_func ("/app/session/an_empty_object_changes_nothing", "{}", test_a_bad_file_changes_nothing);
  g_test_add_data_func ("/app/session/a_wrong_type_changes_nothing",
                        "{\"model_type\": \"llama\", \"hidden_size\": \"big\"}", test_a_bad_file_changes_nothing);
  g_test_add_func ("/app/session/an_unknown_model_changes_nothing", test_an_unknown_model_changes_nothing);
  g_test_add_func ("/app/session/a_report_brings_everything_back", test_a_report_brings_everything_back);
  g_test_add_func ("/app/session/a_scenario_brings_everything_back", test_a_scenario_brings_everything_back);
  g_test_add_func ("/app/session/reading_the_model_again_is_no_step", test_reading_the_model_again_is_no_step);
  g_test_add_func ("/app/session/a_report_does_not_change_with_the_settings",
                   test_a_report_does_not_change_with_the_settings);
  g_test_add_func ("/app/session/a_session_goes_away_while_a_file_is_read",
                   test_a_session_goes_away_while_a_file_is_read);

  return g_test_run ();
}
