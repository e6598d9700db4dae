/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <hr-inference-job.h>

#include "headroom-content.h"
#include "headroom-language.h"
#include "headroom-test.h"

/* A catalogue for Chinese is part of the build; without it these tests would prove nothing. */
static void
test_a_language_can_be_chosen_and_left (void)
{
  headroom_language_set ("zh_CN");
  g_assert_cmpstr (_("Batch size"), !=, "Batch size");

  headroom_language_set ("en");
  g_assert_cmpstr (_("Batch size"), ==, "Batch size");

  headroom_language_set ("");
  g_assert_cmpstr (g_getenv ("LANGUAGE"), ==, "C");
}

typedef struct
{
  HeadroomWindow *window;
  HeadroomSession *session;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GFile) file = headroom_test_write_config ("small.json");

  headroom_language_set ("en");
  fixture->window = headroom_test_window_new ();
  fixture->session = headroom_window_get_session (fixture->window);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 1100, 760);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (GTK_WIDGET (fixture->window));
  headroom_test_window_open (fixture->window, file);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  headroom_test_window_destroy (fixture->window);
  headroom_language_set ("");
}

static void
switch_to (Fixture    *fixture,
           const char *language)
{
  headroom_language_set (language);
  headroom_window_rebuild (fixture->window);
  gtk_test_widget_wait_for_draw (GTK_WIDGET (fixture->window));
  headroom_test_settle ();
}

static void
test_the_window_speaks_the_new_language (Fixture       *fixture,
                                         gconstpointer  data)
{
  GtkWidget *window = GTK_WIDGET (fixture->window);

  g_assert_nonnull (headroom_test_find_label (window, "Batch size"));
  switch_to (fixture, "zh_CN");
  g_assert_null (headroom_test_find_label (window, "Batch size"));
  g_assert_nonnull (headroom_test_find_label (window, _("Batch size")));
  switch_to (fixture, "en");
  g_assert_nonnull (headroom_test_find_label (window, "Batch size"));
}

/* The entry of the window itself: those of drop-down lists are search entries as well. */
static GtkEditable *
find_search (Fixture *fixture)
{
  GtkWidget *content = headroom_test_find (GTK_WIDGET (fixture->window), HEADROOM_TYPE_CONTENT, NULL);

  return GTK_EDITABLE (gtk_widget_get_template_child (content, HEADROOM_TYPE_CONTENT, "search"));
}

static void
test_nothing_is_lost (Fixture       *fixture,
                      gconstpointer  data)
{
  HrJob *job = headroom_session_get_job (fixture->session);
  GtkEditable *search;
  AdwLeaflet *leaflet;
  int width;
  int height;
  guint64 total;

  g_object_set (job, "batch-size", (guint64) 17, NULL);
  headroom_session_set_n_gpus (fixture->session, 2);
  headroom_session_update (fixture->session);
  total = hr_estimate_get_total_bytes (headroom_session_get_estimate (fixture->session));

  search = find_search (fixture);
  gtk_editable_set_text (search, "qwen");
  gtk_widget_activate_action (GTK_WIDGET (search), "win.show-result", NULL);
  gtk_window_get_default_size (GTK_WINDOW (fixture->window), &width, &height);

  switch_to (fixture, "zh_CN");

  g_assert_cmpuint (hr_inference_job_get_batch_size (HR_INFERENCE_JOB (job)), ==, 17);
  g_assert_true (headroom_session_get_job (fixture->session) == job);
  g_assert_cmpuint (headroom_session_get_n_gpus (fixture->session), ==, 2);
  g_assert_cmpuint (hr_estimate_get_total_bytes (headroom_session_get_estimate (fixture->session)), ==, total);
  g_assert_true (headroom_session_get_can_undo (fixture->session));

  search = find_search (fixture);
  g_assert_cmpstr (gtk_editable_get_text (search), ==, "qwen");
  leaflet = ADW_LEAFLET (headroom_test_find (GTK_WIDGET (fixture->window), ADW_TYPE_LEAFLET, NULL));
  g_assert_cmpstr (adw_leaflet_get_visible_child_name (leaflet), ==, "result");

  {
    int new_width;
    int new_height;

    gtk_window_get_default_size (GTK_WINDOW (fixture->window), &new_width, &new_height);
    g_assert_cmpint (new_width, ==, width);
    g_assert_cmpint (new_height, ==, height);
  }
}

static void
test_the_old_content_goes_away (Fixture       *fixture,
                                gconstpointer  data)
{
  gpointer old = headroom_window_get_content (fixture->window);

  g_object_add_weak_pointer (G_OBJECT (old), &old);
  switch_to (fixture, "zh_CN");
  HEADROOM_TEST_WAIT_FOR (old == NULL);
}

#define ADD(name, function) g_test_add ("/app/language/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_setenv ("LANGUAGE", "C", TRUE);
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  g_test_add_func ("/app/language/a_language_can_be_chosen_and_left", test_a_language_can_be_chosen_and_left);
  ADD ("the_window_speaks_the_new_language", test_the_window_speaks_the_new_language);
  ADD ("nothing_is_lost", test_nothing_is_lost);
  ADD ("the_old_content_goes_away", test_the_old_content_goes_away);

  return g_test_run ();
}
