/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <hr-inference-job.h>

#include "headroom-recent.h"
#include "headroom-session-scenario.h"
#include "headroom-settings.h"
#include "headroom-test.h"

typedef struct
{
  HeadroomWindow *window;
  HeadroomSession *session;
  GtkWidget *content;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GSettings) settings = headroom_settings_new ();

  g_settings_reset (settings, "recent-files");
  g_settings_reset (settings, "gpu");

  fixture->window = headroom_test_window_new ();
  fixture->session = headroom_window_get_session (fixture->window);
  fixture->content = GTK_WIDGET (headroom_window_get_content (fixture->window));
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (GTK_WIDGET (fixture->window));
}

static void
set_up_with_model (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (GFile) file = headroom_test_write_config ("small.json");

  set_up (fixture, data);
  headroom_test_window_open (fixture->window, file);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  headroom_test_window_destroy (fixture->window);
}

static guint64
get_total (Fixture *fixture)
{
  headroom_session_update (fixture->session);

  return hr_estimate_get_total_bytes (headroom_session_get_estimate (fixture->session));
}

static gboolean
is_enabled (Fixture    *fixture,
            const char *action)
{
  /* Asked as a menu asks. */
  g_autofree char *detailed = g_strdup (action);
  GtkWidget *button = gtk_button_new ();
  gboolean enabled;

  gtk_actionable_set_detailed_action_name (GTK_ACTIONABLE (button), detailed);
  g_object_ref_sink (button);
  gtk_widget_set_parent (button, GTK_WIDGET (fixture->content));
  enabled = gtk_widget_get_sensitive (button);
  gtk_widget_unparent (button);
  g_object_unref (button);

  return enabled;
}

static void
test_it_begins_with_the_models (Fixture       *fixture,
                                gconstpointer  data)
{
  g_assert_null (headroom_session_get_model (fixture->session));
  g_assert_null (headroom_session_get_estimate (fixture->session));
  g_assert_false (is_enabled (fixture, "win.export::pdf"));
  g_assert_false (is_enabled (fixture, "win.save-scenario"));
  g_assert_false (is_enabled (fixture, "win.undo"));
  g_assert_true (is_enabled (fixture, "win.open"));
  g_assert_true (headroom_test_is_shown (fixture->content, "Qwen/Qwen2.5-7B-Instruct") ||
                 headroom_test_find (fixture->content, GTK_TYPE_LIST_VIEW, NULL) != NULL);
}

static void
test_a_model_brings_its_facts_and_an_estimate (Fixture       *fixture,
                                               gconstpointer  data)
{
  g_autoptr (GSettings) settings = headroom_settings_new ();
  g_autoptr (GPtrArray) files = NULL;

  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (fixture->content, "LlamaForCausalLM"));
  g_assert_true (headroom_test_is_shown (fixture->content, "8 / 2 KV"));
  g_assert_true (headroom_test_is_shown (fixture->content, "1,000"));
  g_assert_true (is_enabled (fixture, "win.export::pdf"));
  g_assert_true (is_enabled (fixture, "win.save-scenario"));
  g_assert_cmpuint (get_total (fixture), >, 0);

  files = headroom_recent_list (settings);
  g_assert_cmpuint (files->len, ==, 1);
}

static void
test_a_model_of_the_catalogue_can_be_chosen (Fixture       *fixture,
                                             gconstpointer  data)
{
  g_autofree char *size = hr_format_count (7615616512);

  g_assert_true (gtk_widget_activate_action (fixture->content, "win.choose-model", "s", "Qwen/Qwen2.5-7B-Instruct"));
  g_assert_nonnull (headroom_session_get_model (fixture->session));
  g_assert_cmpuint (hr_model_get_n_parameters (headroom_session_get_model (fixture->session)), ==, 7615616512);
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (fixture->content, size));
}

static void
test_a_bad_file_is_explained_and_the_estimate_stays (Fixture       *fixture,
                                                     gconstpointer  data)
{
  g_autoptr (GFile) file = headroom_test_write ("broken.json", "{ \"model_type\": ");
  HrEstimate *estimate = headroom_session_get_estimate (fixture->session);
  g_autofree char *said = g_strdup_printf (_("“%s” could not be opened"), "broken.json");
  GtkWidget *title;

  headroom_window_open (fixture->window, file);
  HEADROOM_TEST_WAIT_FOR ((title = headroom_test_find_label (fixture->content, said)) != NULL &&
                          gtk_widget_get_mapped (title));

  g_assert_true (headroom_session_get_estimate (fixture->session) == estimate);

  gtk_widget_activate_action (fixture->content, "win.dismiss-error", NULL);
  headroom_test_settle ();
  HEADROOM_TEST_WAIT_FOR (!gtk_widget_get_child_visible (title) || !gtk_widget_get_mapped (title));
}

static void
test_a_file_that_went_away_is_forgotten (Fixture       *fixture,
                                         gconstpointer  data)
{
  g_autoptr (GSettings) settings = headroom_settings_new ();
  g_autoptr (GFile) file = g_file_new_for_path ("/nowhere/config.json");
  g_autofree char *said = g_strdup_printf (_("“%s” could not be opened"), "nowhere");
  g_autoptr (GPtrArray) files = NULL;

  headroom_recent_add (settings, file);
  headroom_window_open (fixture->window, file);
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (fixture->content, said));

  files = headroom_recent_list (settings);
  g_assert_cmpuint (files->len, ==, 0);
}

static void
test_a_setting_that_cannot_be_estimated_is_explained (Fixture       *fixture,
                                                      gconstpointer  data)
{
  HrJob *job = headroom_session_get_job (fixture->session);
  HrEstimate *estimate = headroom_session_get_estimate (fixture->session);

  /* Sixteen million tokens, times a thousand beams, times sixty thousand sequences: more bytes than can be counted. */
  g_object_set (job, "batch-size", (guint64) 65536, "prompt-length", (guint64) 16777216,
                "beams", (guint64) 1024, "attention", HR_ATTENTION_IMPLEMENTATION_EAGER, NULL);
  headroom_session_update (fixture->session);
  headroom_test_settle ();

  g_assert_nonnull (headroom_session_get_problem (fixture->session));
  g_assert_true (headroom_session_get_estimate (fixture->session) == estimate);
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (fixture->content, headroom_session_get_problem (fixture->session)));

  headroom_session_reset_job (fixture->session);
  headroom_session_update (fixture->session);
  g_assert_null (headroom_session_get_problem (fixture->session));
}

static void
test_undo_and_redo_are_actions (Fixture       *fixture,
                                gconstpointer  data)
{
  HrJob *job = headroom_session_get_job (fixture->session);
  guint64 before = get_total (fixture);
  guint64 after;

  g_object_set (job, "batch-size", (guint64) 8, NULL);
  after = get_total (fixture);
  g_assert_cmpuint (after, >, before);

  gtk_widget_activate_action (fixture->content, "win.undo", NULL);
  g_assert_cmpuint (get_total (fixture), ==, before);
  gtk_widget_activate_action (fixture->content, "win.redo", NULL);
  g_assert_cmpuint (get_total (fixture), ==, after);
  gtk_widget_activate_action (fixture->content, "win.reset-settings", NULL);
  g_assert_cmpuint (get_total (fixture), ==, before);
}

static void
test_files_can_be_dropped (Fixture       *fixture,
                           gconstpointer  data)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (GTK_WIDGET (fixture->window));
  g_autoptr (GFile) file = headroom_test_write_config ("dropped.json");
  g_auto (GValue) value = G_VALUE_INIT;
  GtkDropTarget *target = NULL;
  gboolean taken = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_DROP_TARGET (controller))
        target = GTK_DROP_TARGET (controller);
    }

  g_assert_nonnull (target);
  g_assert_true (gdk_content_formats_contain_gtype (gtk_drop_target_get_formats (target), GDK_TYPE_FILE_LIST));

  g_value_init (&value, GDK_TYPE_FILE_LIST);
  g_value_take_boxed (&value, gdk_file_list_new_from_array (&file, 1));
  g_signal_emit_by_name (target, "drop", &value, 0.0, 0.0, &taken);
  g_assert_true (taken);
  HEADROOM_TEST_WAIT_FOR (headroom_session_get_model (fixture->session) != NULL);
}

/* Names the widgets that are to blame, the innermost last. */
static void
assert_narrow (GtkWidget *widget,
               int        width)
{
  int minimum;

  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  if (minimum <= width)
    return;

  g_test_message ("%s “%s” needs %d pixels", G_OBJECT_TYPE_NAME (widget), gtk_widget_get_name (widget), minimum);
  g_test_fail ();

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (gtk_widget_should_layout (child))
        assert_narrow (child, width);
    }
}

static void
test_a_narrow_window_shows_one_page_at_a_time (Fixture       *fixture,
                                               gconstpointer  data)
{
  static const HrMode modes[] = { HR_MODE_TRAINING, HR_MODE_FINE_TUNING, HR_MODE_INFERENCE };
  AdwLeaflet *leaflet = ADW_LEAFLET (headroom_test_find (fixture->content, ADW_TYPE_LEAFLET, NULL));

  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 360, 700);
  HEADROOM_TEST_WAIT_FOR (adw_leaflet_get_folded (leaflet));
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      headroom_session_set_mode (fixture->session, modes[i]);
      headroom_test_settle ();
      assert_narrow (fixture->content, 360);
    }

  gtk_widget_activate_action (fixture->content, "win.show-result", NULL);
  g_assert_cmpstr (adw_leaflet_get_visible_child_name (leaflet), ==, "result");
  gtk_widget_activate_action (fixture->content, "win.show-settings", NULL);
  g_assert_cmpstr (adw_leaflet_get_visible_child_name (leaflet), ==, "settings");

  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 1200, 700);
  HEADROOM_TEST_WAIT_FOR (!adw_leaflet_get_folded (leaflet));
}

static void
test_every_format_is_exported (Fixture       *fixture,
                               gconstpointer  data)
{
  for (int format = 0; format < HR_N_EXPORT_FORMATS; format++)
    {
      g_autoptr (HrReport) report = headroom_session_create_report (fixture->session, HR_UNIT_SYSTEM_BINARY);
      g_autofree char *name = g_strdup_printf ("report.%s", hr_export_format_get_extension (format));
      g_autofree char *said = g_strdup_printf (_("“%s” saved"), name);
      g_autoptr (GFile) file = headroom_test_write (name, "");
      g_autoptr (GFileInfo) info = NULL;

      headroom_window_export (fixture->window, report, format, file);
      HEADROOM_TEST_WAIT_FOR (headroom_test_find_label (fixture->content, said) != NULL);

      info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, G_FILE_QUERY_INFO_NONE, NULL, NULL);
      g_assert_cmpint (g_file_info_get_size (info), >, 0);
      g_file_delete (file, NULL, NULL);
    }
}

static void
test_an_export_that_fails_is_explained (Fixture       *fixture,
                                        gconstpointer  data)
{
  g_autoptr (HrReport) report = headroom_session_create_report (fixture->session, HR_UNIT_SYSTEM_BINARY);
  g_autoptr (GFile) file = g_file_new_for_path ("/nowhere/report.pdf");

  headroom_window_export (fixture->window, report, HR_EXPORT_FORMAT_PDF, file);
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (fixture->content, _("The report could not be saved")));
}

static void
test_the_units_follow_the_preferences (Fixture       *fixture,
                                       gconstpointer  data)
{
  g_autoptr (GSettings) settings = headroom_settings_new ();
  g_autofree char *decimal = hr_format_bytes (get_total (fixture), HR_UNIT_SYSTEM_DECIMAL);

  g_settings_set_string (settings, "unit-system", "decimal");
  headroom_test_settle ();
  g_assert_nonnull (headroom_test_find_label (fixture->content, decimal));
  g_settings_reset (settings, "unit-system");
}

static void
test_a_chosen_gpu_is_remembered (Fixture       *fixture,
                                 gconstpointer  data)
{
  g_autoptr (GSettings) settings = headroom_settings_new ();
  HeadroomWindow *other;

  g_settings_set_string (settings, "gpu", "rtx-4090");
  g_settings_set_uint (settings, "gpu-count", 2);

  other = headroom_test_window_new ();
  g_assert_cmpstr (hr_gpu_get_id (headroom_session_get_gpu (headroom_window_get_session (other))), ==, "rtx-4090");
  g_assert_cmpuint (headroom_session_get_n_gpus (headroom_window_get_session (other)), ==, 2);
  headroom_test_window_destroy (other);

  g_settings_set_string (settings, "gpu", HEADROOM_SETTINGS_NO_GPU);
  other = headroom_test_window_new ();
  g_assert_null (headroom_session_get_gpu (headroom_window_get_session (other)));
  headroom_test_window_destroy (other);

  g_settings_reset (settings, "gpu");
  g_settings_reset (settings, "gpu-count");
}

/* Also where no model is open yet. */
static void
test_the_command_in_the_clipboard_is_taken (Fixture       *fixture,
                                            gconstpointer  data)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (fixture->window));

  gdk_clipboard_set_text (clipboard, "llama-server -c 8192");
  gtk_widget_activate_action (GTK_WIDGET (fixture->window), "win.paste-command", NULL);
  HEADROOM_TEST_WAIT_FOR (headroom_test_find_label (fixture->content,
                                                    _("The clipboard holds no command that can be read")) != NULL);
  g_assert_null (headroom_session_get_model (fixture->session));

  gdk_clipboard_set_text (clipboard, "llama-server -m Qwen2.5-0.5B-Instruct-Q8_0.gguf -c 4096 -np 2 --rpc a:1");
  gtk_widget_activate_action (GTK_WIDGET (fixture->window), "win.paste-command", NULL);
  HEADROOM_TEST_WAIT_FOR (headroom_session_get_model (fixture->session) != NULL);
  HEADROOM_TEST_WAIT_FOR (headroom_test_find_label (fixture->content,
                                                    _("Not everything was taken from the command")) != NULL);
}

#define ADD(name, set_up_function, function) \
  g_test_add ("/app/window/" name, Fixture, NULL, set_up_function, function, tear_down)

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  ADD ("it_begins_with_the_models", set_up, test_it_begins_with_the_models);
  ADD ("a_model_brings_its_facts_and_an_estimate", set_up_with_model, test_a_model_brings_its_facts_and_an_estimate);
  ADD ("a_model_of_the_catalogue_can_be_chosen", set_up, test_a_model_of_the_catalogue_can_be_chosen);
  ADD ("a_bad_file_is_explained_and_the_estimate_stays", set_up_with_model,
       test_a_bad_file_is_explained_and_the_estimate_stays);
  ADD ("a_file_that_went_away_is_forgotten", set_up, test_a_file_that_went_away_is_forgotten);
  ADD ("a_setting_that_cannot_be_estimated_is_explained", set_up_with_model,
       test_a_setting_that_cannot_be_estimated_is_explained);
  ADD ("undo_and_redo_are_actions", set_up_with_model, test_undo_and_redo_are_actions);
  ADD ("files_can_be_dropped", set_up, test_files_can_be_dropped);
  ADD ("a_narrow_window_shows_one_page_at_a_time", set_up_with_model, test_a_narrow_window_shows_one_page_at_a_time);
  ADD ("every_format_is_exported", set_up_with_model, test_every_format_is_exported);
  ADD ("an_export_that_fails_is_explained", set_up_with_model, test_an_export_that_fails_is_explained);
  ADD ("the_units_follow_the_preferences", set_up_with_model, test_the_units_follow_the_preferences);
  ADD ("the_command_in_the_clipboard_is_taken", set_up, test_the_command_in_the_clipboard_is_taken);
  ADD ("a_chosen_gpu_is_remembered", set_up, test_a_chosen_gpu_is_remembered);

  return g_test_run ();
}
