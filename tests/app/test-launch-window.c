/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <hr-labels.h>

#include "headroom-launch-window.h"
#include "headroom-test.h"

typedef struct
{
  HeadroomSession *session;
  GtkWidget *window;
} Fixture;

static void
choose (Fixture    *fixture,
        const char *settings)
{
  g_autoptr (GError) error = NULL;

  headroom_session_change_job (fixture->session, settings, &error);
  g_assert_no_error (error);
  headroom_session_update (fixture->session);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  fixture->session = headroom_session_new ();
  headroom_session_choose_model (fixture->session, "Qwen/Qwen2.5-0.5B-Instruct", &error);
  g_assert_no_error (error);
  headroom_session_set_mode (fixture->session, HR_MODE_FINE_TUNING);
  choose (fixture, "framework=trl fine-tuning-method=lora micro-batch-size=3");

  fixture->window = headroom_launch_window_new (fixture->session);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  headroom_test_close (fixture->window);
  g_assert_finalize_object (fixture->session);
}

static AdwViewStack *
get_stack (Fixture *fixture)
{
  return ADW_VIEW_STACK (headroom_test_find (fixture->window, ADW_TYPE_VIEW_STACK, NULL));
}

static char *
dup_text (Fixture    *fixture,
          const char *id)
{
  GtkWidget *page = adw_view_stack_get_child_by_name (get_stack (fixture), id);
  GtkTextBuffer *buffer;
  GtkTextIter start, end;

  g_assert_nonnull (page);
  buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (headroom_test_find (page, GTK_TYPE_TEXT_VIEW, NULL)));
  gtk_text_buffer_get_bounds (buffer, &start, &end);

  return gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
}

static void
test_the_files_follow_the_settings (Fixture       *fixture,
                                    gconstpointer  data)
{
  g_autofree char *before = dup_text (fixture, "python");
  g_autofree char *after = NULL;

  g_assert_nonnull (strstr (before, "per_device_train_batch_size=3,"));
  g_assert_nonnull (strstr (before, "LoraConfig("));
  g_assert_null (adw_view_stack_get_child_by_name (get_stack (fixture), "accelerate"));

  headroom_session_set_n_gpus (fixture->session, 2);
  choose (fixture, "micro-batch-size=5");
  after = dup_text (fixture, "python");
  g_assert_nonnull (strstr (after, "per_device_train_batch_size=5,"));
  g_assert_nonnull (adw_view_stack_get_child_by_name (get_stack (fixture), "accelerate"));
}

static void
test_the_file_that_is_looked_at_stays (Fixture       *fixture,
                                       gconstpointer  data)
{
  headroom_session_set_n_gpus (fixture->session, 2);
  headroom_session_update (fixture->session);
  adw_view_stack_set_visible_child_name (get_stack (fixture), "accelerate");
  choose (fixture, "micro-batch-size=7");

  g_assert_cmpstr (adw_view_stack_get_visible_child_name (get_stack (fixture)), ==, "accelerate");
}

static void
test_what_is_shown_is_copied (Fixture       *fixture,
                              gconstpointer  data)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (fixture->window);
  g_autofree char *text = dup_text (fixture, "python");
  g_auto (GValue) copied = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (gtk_widget_activate_action (fixture->window, "launch.copy", NULL));

  g_value_init (&copied, G_TYPE_STRING);
  gdk_content_provider_get_value (gdk_clipboard_get_content (clipboard), &copied, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_value_get_string (&copied), ==, text);
}

static void
test_what_no_file_says_is_named (Fixture       *fixture,
                                 gconstpointer  data)
{
  HrJob *job = headroom_session_get_job (fixture->session);
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), "activation-offload");
  g_autofree char *sentence = g_strdup_printf (_("These programs have no option for the following; see to it "
                                                 "yourself: %s"),
                                               hr_setting_get_label (setting));

  choose (fixture, "activation-offload=save-on-cpu");
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (fixture->window, sentence));
}

static void
test_a_job_without_a_launcher_says_so (Fixture       *fixture,
                                       gconstpointer  data)
{
  choose (fixture, "framework=pytorch");
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (fixture->window, _("No Launch Settings")));

  choose (fixture, "framework=trl");
  HEADROOM_TEST_WAIT_FOR (!headroom_test_is_shown (fixture->window, _("No Launch Settings")));
}

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

#define ADD(name, function) g_test_add ("/app/launch-window/" name, Fixture, NULL, set_up, function, tear_down)

  ADD ("the files follow the settings", test_the_files_follow_the_settings);
  ADD ("the file that is looked at stays", test_the_file_that_is_looked_at_stays);
  ADD ("what is shown is copied", test_what_is_shown_is_copied);
  ADD ("what no file says is named", test_what_no_file_says_is_named);
  ADD ("a job without a launcher says so", test_a_job_without_a_launcher_says_so);

#undef ADD

  return g_test_run ();
}
