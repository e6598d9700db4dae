/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>

#include "headroom-compare-window.h"
#include "headroom-pin.h"
#include "headroom-session-scenario.h"
#include "headroom-test.h"

typedef struct
{
  HeadroomSession *session;
  GtkWidget *window;
} Fixture;

static guint64
get_total (Fixture *fixture)
{
  return hr_estimate_get_total_bytes (headroom_session_get_estimate (fixture->session));
}

static void
set_batch_size (Fixture *fixture,
                guint64  batch_size)
{
  g_object_set (headroom_session_get_job (fixture->session), "batch-size", batch_size, NULL);
  headroom_session_update (fixture->session);
}

static void
pin (Fixture *fixture)
{
  g_autoptr (HeadroomPin) pin = headroom_session_create_pin (fixture->session, "Pinned");

  g_list_store_append (headroom_session_get_pins (fixture->session), pin);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  fixture->session = headroom_session_new ();
  headroom_session_choose_model (fixture->session, "Qwen/Qwen2.5-7B-Instruct", &error);
  g_assert_no_error (error);
  headroom_session_update (fixture->session);

  fixture->window = headroom_compare_window_new (fixture->session);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), GPOINTER_TO_INT (data), 640);
  gtk_window_present (GTK_WINDOW (fixture->window));
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  headroom_test_close (fixture->window);
  g_assert_finalize_object (fixture->session);
}

static gboolean
shows (Fixture *fixture,
       guint64  bytes)
{
  g_autofree char *text = hr_format_bytes (bytes, HR_UNIT_SYSTEM_BINARY);

  return headroom_test_find_label (fixture->window, text) != NULL;
}

static gboolean
shows_difference (Fixture *fixture,
                  gint64   bytes)
{
  g_autofree char *text = hr_format_bytes_difference (bytes, HR_UNIT_SYSTEM_BINARY);

  return headroom_test_find_label (fixture->window, text) != NULL;
}

static void
test_what_is_set_now_is_beside_itself_at_first (Fixture       *fixture,
                                                gconstpointer  data)
{
  g_assert_nonnull (headroom_test_find_label (fixture->window, _("Model, settings and GPUs are the same.")));
  g_assert_true (shows (fixture, get_total (fixture)));
}

static void
test_a_pin_is_compared_with_what_is_set_now (Fixture       *fixture,
                                             gconstpointer  data)
{
  guint64 before = get_total (fixture);
  guint64 after;

  pin (fixture);
  set_batch_size (fixture, 16);
  after = get_total (fixture);
  g_assert_cmpuint (after, >, before);

  g_assert_true (shows (fixture, before));
  g_assert_true (shows (fixture, after));
  g_assert_true (shows_difference (fixture, (gint64) (after - before)));
  g_assert_nonnull (headroom_test_find_label (fixture->window, "16"));

  gtk_widget_activate_action (fixture->window, "compare.swap", NULL);
  g_assert_true (shows_difference (fixture, (gint64) (before - after)));
}

static void
test_two_pins_are_compared (Fixture       *fixture,
                            gconstpointer  data)
{
  g_autoptr (HeadroomPin) second = NULL;
  GtkWidget *choice;
  guint64 totals[2];

  pin (fixture);
  totals[0] = get_total (fixture);
  set_batch_size (fixture, 16);
  totals[1] = get_total (fixture);
  second = headroom_session_create_pin (fixture->session, "Other");
  g_list_store_append (headroom_session_get_pins (fixture->session), second);
  set_batch_size (fixture, 2);

  /* The second choice comes after the first. */
  choice = headroom_test_find (fixture->window, GTK_TYPE_DROP_DOWN, NULL);
  gtk_drop_down_set_selected (GTK_DROP_DOWN (choice), 1);
  choice = headroom_test_find (gtk_widget_get_last_child (gtk_widget_get_ancestor (choice, g_type_from_name
                                                                                   ("HeadroomColumns"))),
                               GTK_TYPE_DROP_DOWN, NULL);
  gtk_drop_down_set_selected (GTK_DROP_DOWN (choice), 2);
  g_assert_true (shows_difference (fixture, (gint64) (totals[1] - totals[0])));

  /* One that is no longer pinned makes room for what is set now. */
  g_list_store_remove_all (headroom_session_get_pins (fixture->session));
  g_assert_true (shows (fixture, get_total (fixture)));
  g_assert_nonnull (headroom_test_find_label (fixture->window, _("Model, settings and GPUs are the same.")));
}

static void
test_a_scenario_is_compared (Fixture       *fixture,
                             gconstpointer  data)
{
  g_autoptr (GFile) file = headroom_test_write ("other.headroom", "");
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (GError) error = NULL;
  guint64 before = get_total (fixture);

  set_batch_size (fixture, 16);
  scenario = headroom_session_create_scenario (fixture->session);
  hr_scenario_save (scenario, file, &error);
  g_assert_no_error (error);
  set_batch_size (fixture, 1);
  g_assert_cmpuint (get_total (fixture), ==, before);

  headroom_compare_window_open (HEADROOM_COMPARE_WINDOW (fixture->window), file);
  HEADROOM_TEST_WAIT_FOR (headroom_test_find_label (fixture->window, "other.headroom") != NULL);
  set_batch_size (fixture, 16);
  g_assert_false (shows_difference (fixture, (gint64) (get_total (fixture) - before)));
  set_batch_size (fixture, 1);
  g_assert_nonnull (headroom_test_find_label (fixture->window, "16"));
}

static void
test_a_file_that_is_no_scenario_is_refused (Fixture       *fixture,
                                            gconstpointer  data)
{
  g_autoptr (GFile) file = headroom_test_write ("broken.headroom", "{ \"schema\": \"headroom-scenario/1\" ");

  headroom_compare_window_open (HEADROOM_COMPARE_WINDOW (fixture->window), file);
  HEADROOM_TEST_WAIT_FOR (headroom_test_says (fixture->window, "broken.headroom"));
  /* What was there stays. */
  g_assert_true (shows (fixture, get_total (fixture)));
}

static void
test_every_format_is_written (Fixture       *fixture,
                              gconstpointer  data)
{
  static const HrExportFormat formats[] = { HR_EXPORT_FORMAT_PDF, HR_EXPORT_FORMAT_HTML, HR_EXPORT_FORMAT_MARKDOWN,
                                            HR_EXPORT_FORMAT_CSV, HR_EXPORT_FORMAT_JSON };
  static const char * const beginnings[] = { "%PDF-", "<!DOCTYPE html>", "# ", "section,", "{" };

  pin (fixture);
  set_batch_size (fixture, 16);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = headroom_compare_window_dup_export (HEADROOM_COMPARE_WINDOW (fixture->window),
                                                                     formats[i], &error);

      g_assert_no_error (error);
      g_assert_true (g_str_has_prefix (g_bytes_get_data (bytes, NULL), beginnings[i]));
    }
}

static void
test_it_fits_into_its_width (Fixture       *fixture,
                             gconstpointer  data)
{
  int minimum;

  pin (fixture);
  set_batch_size (fixture, 16);
  gtk_widget_measure (fixture->window, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  g_assert_cmpint (minimum, <=, 400);
}

int
main (int    argc,
      char **argv)
{
  if (!headroom_test_init_display (&argc, &argv))
    return 77;

#define ADD(name, width, function) \
  g_test_add ("/compare-window/" name, Fixture, GINT_TO_POINTER (width), set_up, function, tear_down)
  ADD ("what_is_set_now_is_beside_itself_at_first", 760, test_what_is_set_now_is_beside_itself_at_first);
  ADD ("a_pin_is_compared_with_what_is_set_now", 760, test_a_pin_is_compared_with_what_is_set_now);
  ADD ("two_pins_are_compared", 760, test_two_pins_are_compared);
  ADD ("a_scenario_is_compared", 760, test_a_scenario_is_compared);
  ADD ("a_file_that_is_no_scenario_is_refused", 760, test_a_file_that_is_no_scenario_is_refused);
  ADD ("every_format_is_written", 760, test_every_format_is_written);
  ADD ("it_fits_into_its_width", 400, test_it_fits_into_its_width);
#undef ADD

  return g_test_run ();
}
