/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <hr-advice.h>
#include <hr-estimator.h>

#include "headroom-advice-list.h"
#include "headroom-test.h"

typedef struct
{
  HrModel *model;
  HrJob *job;
  GtkWidget *window;
  HeadroomAdviceList *list;
} Fixture;

/* What the window does. */
static void
apply_cb (GSimpleAction *action,
          GVariant      *parameter,
          gpointer       job)
{
  g_autoptr (GError) error = NULL;

  hr_job_set_all_from_string (job, g_variant_get_string (parameter, NULL), &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  static const GActionEntry entries[] = { { "apply-change", apply_cb, "s", NULL, NULL, { 0 } } };
  g_autoptr (GSimpleActionGroup) actions = g_simple_action_group_new ();
  g_autoptr (GError) error = NULL;

  fixture->model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B-Instruct", &error);
  g_assert_no_error (error);
  fixture->job = hr_job_new (HR_MODE_FINE_TUNING);
  g_object_set (fixture->job, "micro-batch-size", G_GUINT64_CONSTANT (4), NULL);

  fixture->window = gtk_window_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (actions), entries, G_N_ELEMENTS (entries), fixture->job);
  gtk_widget_insert_action_group (fixture->window, "win", G_ACTION_GROUP (actions));
  fixture->list = HEADROOM_ADVICE_LIST (headroom_advice_list_new ());
  gtk_window_set_child (GTK_WINDOW (fixture->window), GTK_WIDGET (fixture->list));
  gtk_window_present (GTK_WINDOW (fixture->window));
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_object_unref (fixture->job);
  g_object_unref (fixture->model);
}

static guint64
show (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (fixture->model, fixture->job, NULL, 1, &error);
  g_autoptr (HrReport) report = NULL;

  g_assert_no_error (error);
  report = hr_report_new (estimate, fixture->job, NULL, 1, HR_UNIT_SYSTEM_BINARY);
  headroom_advice_list_show (fixture->list, report);

  return hr_estimate_get_total_bytes (estimate);
}

static GtkWidget *
find_button (GtkWidget  *widget,
             const char *label)
{
  if (GTK_IS_BUTTON (widget) && g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), label) == 0)
    return widget;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_button (child, label);

      if (found != NULL)
        return found;
    }

  return NULL;
}

static void
test_an_advice_is_found_and_applied (Fixture       *fixture,
                                     gconstpointer  data)
{
  guint64 before = show (fixture);

  HEADROOM_TEST_WAIT_FOR (find_button (GTK_WIDGET (fixture->list), _("Apply")) != NULL);
  g_assert_null (find_button (GTK_WIDGET (fixture->list), _("Undo")));

  g_signal_emit_by_name (find_button (GTK_WIDGET (fixture->list), _("Apply")), "clicked");
  g_assert_cmpuint (show (fixture), <, before);
  HEADROOM_TEST_WAIT_FOR (find_button (GTK_WIDGET (fixture->list), _("Undo")) != NULL);
}

static void
test_a_change_by_hand_takes_the_undo_away (Fixture       *fixture,
                                           gconstpointer  data)
{
  show (fixture);
  HEADROOM_TEST_WAIT_FOR (find_button (GTK_WIDGET (fixture->list), _("Apply")) != NULL);
  g_signal_emit_by_name (find_button (GTK_WIDGET (fixture->list), _("Apply")), "clicked");
  show (fixture);
  HEADROOM_TEST_WAIT_FOR (find_button (GTK_WIDGET (fixture->list), _("Undo")) != NULL);

  g_object_unref (fixture->job);
  fixture->job = hr_job_new (HR_MODE_FINE_TUNING);
  show (fixture);
  HEADROOM_TEST_WAIT_FOR (find_button (GTK_WIDGET (fixture->list), _("Undo")) == NULL);
  g_assert_nonnull (find_button (GTK_WIDGET (fixture->list), _("Apply")));
}

static void
test_a_search_that_is_no_longer_wanted_is_given_up (Fixture       *fixture,
                                                    gconstpointer  data)
{
  for (guint i = 0; i < 5; i++)
    {
      g_object_set (fixture->job, "sequence-length", G_GUINT64_CONSTANT (512) << (i % 2), NULL);
      show (fixture);
      g_main_context_iteration (NULL, FALSE);
    }
  HEADROOM_TEST_WAIT_FOR (find_button (GTK_WIDGET (fixture->list), _("Apply")) != NULL);
}

#define ADD(name, function) g_test_add ("/app/advice-list/" name, Fixture, NULL, set_up, function, tear_down)

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
