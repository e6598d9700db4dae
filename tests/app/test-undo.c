/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <hr-advice.h>
#include <hr-article.h>
#include <hr-gpu-catalogue.h>

#include "headroom-session.h"
#include "headroom-test.h"
#include "jobs.h"

#define MODEL "Qwen/Qwen2.5-0.5B"

static const HrMode modes[] = { HR_MODE_INFERENCE, HR_MODE_FINE_TUNING, HR_MODE_TRAINING, HR_MODE_GRPO,
                                HR_MODE_MULTIMODAL };

static HeadroomSession *
session_new (void)
{
  HeadroomSession *session = headroom_session_new ();
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);
  g_autoptr (GError) error = NULL;

  headroom_session_remember_gpus (session, gpu, 2);
  headroom_session_choose_model (session, MODEL, &error);
  g_assert_no_error (error);

  return session;
}

static void
append_job (GString *text,
            HrJob   *job)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  g_string_append_printf (text, "%s\n", hr_mode_get_name (hr_job_get_mode (job)));
  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *value = hr_job_get_as_string (job, settings[i]->name);

      g_string_append_printf (text, "  %s=%s\n", settings[i]->name, value);
    }
}

static void
append_estimate (GString    *text,
                 HrEstimate *estimate)
{
  GListModel *components = hr_estimate_get_components (estimate);

  g_string_append_printf (text, "total %" G_GUINT64_FORMAT "\n", hr_estimate_get_total_bytes (estimate));
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);

      g_string_append_printf (text, "  %s %" G_GUINT64_FORMAT "\n",
                              hr_component_id_get_name (hr_component_get_id (component)),
                              hr_component_get_bytes (component));
    }
}

/* All that a session is about, and the estimate that follows from it or why there is none. */
static char *
describe (HeadroomSession *session)
{
  GString *text = g_string_new (NULL);
  HrModel *model = headroom_session_get_model (session);
  HrGpu *gpu = headroom_session_get_gpu (session);

  headroom_session_update (session);
  g_string_append_printf (text, "%s, %s, %s × %u\n", model != NULL ? hr_model_get_name (model) : "no model",
                          hr_mode_get_name (headroom_session_get_mode (session)),
                          gpu != NULL ? hr_gpu_get_id (gpu) : "no GPU", headroom_session_get_n_gpus (session));
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    append_job (text, headroom_session_get_job_of_mode (session, modes[i]));

  if (headroom_session_get_problem (session) != NULL)
    g_string_append_printf (text, "%s\n", headroom_session_get_problem (session));
  else if (model != NULL)
    append_estimate (text, headroom_session_get_estimate (session));

  return g_string_free (text, FALSE);
}

/* What was done is taken back and done again, in one step. */
static void
check_step (HeadroomSession *session,
            const char      *before)
{
  g_autofree char *after = describe (session);
  g_autofree char *undone = NULL;
  g_autofree char *redone = NULL;

  g_assert_cmpstr (after, !=, before);
  g_assert_true (headroom_session_get_can_undo (session));

  headroom_session_undo (session);
  undone = describe (session);
  g_assert_cmpstr (undone, ==, before);
  g_assert_true (headroom_session_get_can_redo (session));

  headroom_session_redo (session);
  redone = describe (session);
  g_assert_cmpstr (redone, ==, after);
  g_assert_false (headroom_session_get_can_redo (session));
}

static void
test_every_setting (gconstpointer data)
{
  HrMode mode = GPOINTER_TO_INT (data);
  g_autoptr (HeadroomSession) session = session_new ();
  HrJob *job = headroom_session_get_job_of_mode (session, mode);
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;
  guint n_changed = 0;

  headroom_session_set_mode (session, mode);
  settings = hr_job_list_settings (job, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *before = describe (session);

      if (!job_change_setting (job, settings[i]))
        continue;

      check_step (session, before);
      n_changed++;
      headroom_session_undo (session);
    }

  g_test_message ("%u of %u settings", n_changed, n_settings);
  g_assert_cmpuint (n_changed, >, n_settings * 9 / 10);
}

/* One after the other, each on top of those before, and all the way back. */
static void
test_settings_on_top_of_each_other (gconstpointer data)
{
  HrMode mode = GPOINTER_TO_INT (data);
  g_autoptr (HeadroomSession) session = session_new ();
  HrJob *job = headroom_session_get_job_of_mode (session, mode);
  g_autoptr (GPtrArray) states = g_ptr_array_new_with_free_func (g_free);
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  headroom_session_set_mode (session, mode);
  settings = hr_job_list_settings (job, &n_settings);
  g_ptr_array_add (states, describe (session));
  for (guint i = 0; i < n_settings; i++)
    {
      if (job_change_setting (job, settings[i]))
        g_ptr_array_add (states, describe (session));
    }

  for (guint i = states->len - 1; i-- > 0;)
    {
      g_autofree char *text = NULL;

      headroom_session_undo (session);
      text = describe (session);
      g_assert_cmpstr (text, ==, g_ptr_array_index (states, i));
    }
  for (guint i = 1; i < states->len; i++)
    {
      g_autofree char *text = NULL;

      headroom_session_redo (session);
      text = describe (session);
      g_assert_cmpstr (text, ==, g_ptr_array_index (states, i));
    }
}

/* An example is of another model and of another mode, in which something was set before. */
static void
test_examples (void)
{
  g_autoptr (GPtrArray) figures = hr_article_list_figures (NULL);
  g_autoptr (GHashTable) done = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < figures->len; i++)
    {
      const HrArticleExample *example = hr_article_find_example (g_ptr_array_index (figures, i));
      g_autoptr (HeadroomSession) session = NULL;
      g_autoptr (HrJob) job = NULL;
      g_autofree char *before = NULL;
      g_autoptr (GError) error = NULL;

      if (example == NULL || !g_hash_table_add (done, (gpointer) example))
        continue;

      session = session_new ();
      for (guint j = 0; j < G_N_ELEMENTS (modes); j++)
        g_object_set (headroom_session_get_job_of_mode (session, modes[j]),
                      "attention", HR_ATTENTION_IMPLEMENTATION_EAGER, NULL);
      before = describe (session);

      job = hr_article_example_create_job (example, &error);
      g_assert_no_error (error);
      headroom_session_choose_job (session, example->model, job, &error);
      g_assert_no_error (error);
      check_step (session, before);
    }

  g_assert_cmpuint (g_hash_table_size (done), >, 5);
}

static void
test_models (void)
{
  static const char * const ids[] = { "Qwen/Qwen2.5-7B-Instruct", "openai-community/gpt2",
                                      "Qwen/Qwen2.5-VL-7B-Instruct" };
  g_autoptr (HeadroomSession) session = session_new ();

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      headroom_session_set_mode (session, modes[i]);

      for (guint j = 0; j < G_N_ELEMENTS (ids); j++)
        {
          g_autofree char *before = describe (session);
          g_autoptr (GError) error = NULL;

          headroom_session_choose_model (session, ids[j], &error);
          g_assert_no_error (error);
          check_step (session, before);
        }
    }
}

static void
test_advice (gconstpointer data)
{
  HrMode mode = GPOINTER_TO_INT (data);
  g_autoptr (HeadroomSession) session = session_new ();
  g_autoptr (GPtrArray) advice = NULL;

  /* A model that sees is not divided over GPUs. */
  if (mode == HR_MODE_MULTIMODAL)
    {
      g_assert_true (headroom_session_choose_model (session, "Qwen/Qwen2.5-VL-7B-Instruct", NULL));
      headroom_session_set_n_gpus (session, 1);
    }
  headroom_session_set_mode (session, mode);
  headroom_session_update (session);
  g_assert_null (headroom_session_get_problem (session));
  advice = hr_advice_list (headroom_session_get_estimate (session), headroom_session_get_job (session),
                           headroom_session_get_gpu (session), headroom_session_get_n_gpus (session));
  g_assert_cmpuint (advice->len, >, 0);

  for (guint i = 0; i < advice->len; i++)
    {
      const HrAdvice *item = g_ptr_array_index (advice, i);
      g_autofree char *before = describe (session);
      g_autoptr (GError) error = NULL;

      headroom_session_change_job (session, item->change, &error);
      g_assert_no_error (error);
      check_step (session, before);
      headroom_session_undo (session);
    }
}

static void
test_gpus_and_modes (void)
{
  g_autoptr (HeadroomSession) session = session_new ();
  g_autoptr (HrGpu) other = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", NULL);

  for (guint i = 1; i <= G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *first = describe (session);
      g_autofree char *second = NULL;
      g_autofree char *third = NULL;

      headroom_session_set_mode (session, modes[i % G_N_ELEMENTS (modes)]);
      check_step (session, first);

      second = describe (session);
      headroom_session_set_gpu (session, i % 2 == 0 ? NULL : other);
      check_step (session, second);

      third = describe (session);
      headroom_session_set_n_gpus (session, i + 10);
      check_step (session, third);
    }
}

static void
test_reset (gconstpointer data)
{
  HrMode mode = GPOINTER_TO_INT (data);
  g_autoptr (HeadroomSession) session = session_new ();
  g_autoptr (HrJob) changed = job_new_changed (mode);
  g_autofree char *before = NULL;
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  headroom_session_set_mode (session, mode);
  settings = hr_job_list_settings (changed, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    job_change_setting (headroom_session_get_job (session), settings[i]);

  before = describe (session);
  headroom_session_reset_job (session);
  check_step (session, before);
}

int
main (int    argc,
      char **argv)
{
  headroom_test_init (&argc, &argv);

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      static const struct
      {
        const char *name;
        GTestDataFunc function;
      } tests[] = {
        { "every_setting", test_every_setting },
        { "settings_on_top_of_each_other", test_settings_on_top_of_each_other },
        { "every_advice", test_advice },
        { "a_reset", test_reset },
      };

      for (guint j = 0; j < G_N_ELEMENTS (tests); j++)
        {
          g_autofree char *path = g_strdup_printf ("/app/undo/of_%s/%s", tests[j].name, hr_mode_get_name (modes[i]));

          g_test_add_data_func (path, GINT_TO_POINTER (modes[i]), tests[j].function);
        }
    }
  g_test_add_func ("/app/undo/of_every_example", test_examples);
  g_test_add_func ("/app/undo/of_models_in_every_mode", test_models);
  g_test_add_func ("/app/undo/of_gpus_and_modes", test_gpus_and_modes);

  return g_test_run ();
}
