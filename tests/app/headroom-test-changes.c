/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-test-changes.h"

#include <glib/gi18n.h>
#include <hr-estimator.h>

#include "headroom-test.h"

/* What the window does. */
static void
apply_cb (GSimpleAction *action,
          GVariant      *parameter,
          gpointer       user_data)
{
  HeadroomTestChanges *self = user_data;
  g_autoptr (GError) error = NULL;

  if (g_str_has_prefix (g_variant_get_string (parameter, NULL), "gpu="))
    {
      g_free (self->choice);
      self->choice = g_variant_dup_string (parameter, NULL);
      return;
    }

  hr_job_set_all_from_string (self->job, g_variant_get_string (parameter, NULL), &error);
  g_assert_no_error (error);
}

/* @type: that of the list */
void
headroom_test_changes_set_up (HeadroomTestChanges *self,
                              GType                type)
{
  static const GActionEntry entries[] = { { "apply-change", apply_cb, "s", NULL, NULL, { 0 } } };
  g_autoptr (GSimpleActionGroup) actions = g_simple_action_group_new ();
  g_autoptr (GError) error = NULL;

  self->model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B-Instruct", &error);
  g_assert_no_error (error);
  self->job = hr_job_new (HR_MODE_FINE_TUNING);

  self->window = gtk_window_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (actions), entries, G_N_ELEMENTS (entries), self);
  gtk_widget_insert_action_group (self->window, "win", G_ACTION_GROUP (actions));
  self->list = g_object_new (type, NULL);
  gtk_window_set_child (GTK_WINDOW (self->window), GTK_WIDGET (self->list));
  gtk_window_present (GTK_WINDOW (self->window));
}

void
headroom_test_changes_tear_down (HeadroomTestChanges *self)
{
  gtk_window_destroy (GTK_WINDOW (self->window));
  g_free (self->choice);
  g_object_unref (self->job);
  g_object_unref (self->model);
}

/* Has the list look for changes to the job as it is. */
HrReport *
headroom_test_changes_show (HeadroomTestChanges *self,
                            HrGpu               *gpu)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (self->model, self->job, gpu, 1, &error);
  HrReport *report;

  g_assert_no_error (error);
  report = hr_report_new (estimate, self->job, gpu, 1, HR_UNIT_SYSTEM_BINARY);
  headroom_change_list_show (self->list, report);

  return report;
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

/* Finds the first button with a label, which is looked for as it is in the user's language. */
GtkWidget *
headroom_test_changes_find_button (HeadroomTestChanges *self,
                                   const char          *label)
{
  return find_button (GTK_WIDGET (self->list), _(label));
}

/* Waits for a change that can be made, and makes it. */
void
headroom_test_changes_apply_first (HeadroomTestChanges *self)
{
  HEADROOM_TEST_WAIT_FOR (headroom_test_changes_find_button (self, "Apply") != NULL);
  g_signal_emit_by_name (headroom_test_changes_find_button (self, "Apply"), "clicked");
}
