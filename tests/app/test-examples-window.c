/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <hr-grpo-job.h>
#include <hr-labels.h>

#include "headroom-examples-window.h"
#include "headroom-figure-row.h"
#include "headroom-test.h"

typedef struct
{
  HeadroomSession *session;
  GtkWidget *window;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->session = headroom_session_new ();
  fixture->window = headroom_examples_window_new (fixture->session);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_assert_finalize_object (fixture->session);
}

static void
close_window (Fixture *fixture)
{
  headroom_test_close (fixture->window);
}

/* The rows of sections, in their order; a title alone finds one. */
static GtkWidget *
find_section (GtkWidget  *widget,
              const char *title)
{
  if (ADW_IS_EXPANDER_ROW (widget) &&
      g_strcmp0 (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (widget)), title) == 0)
    return widget;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_section (child, title);

      if (found != NULL)
        return found;
    }

  return NULL;
}

static GtkWidget *
expand (Fixture    *fixture,
        const char *title)
{
  GtkWidget *section = find_section (fixture->window, title);

  g_assert_nonnull (section);
  adw_expander_row_set_expanded (ADW_EXPANDER_ROW (section), TRUE);
  HEADROOM_TEST_WAIT_FOR (headroom_test_find (section, HEADROOM_TYPE_FIGURE_ROW, NULL) != NULL);

  return section;
}

static void
test_a_figure_stands_beside_what_it_should_be (Fixture       *fixture,
                                               gconstpointer  data)
{
  GtkWidget *section = expand (fixture, _("Qwen2.5-7B in INT4 with 4,096 tokens"));

  gtk_test_widget_wait_for_draw (fixture->window);
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (section, "≈ 3.7 GB"));
  g_assert_true (headroom_test_is_shown (section, "1,879,048,192 B = 1.75\u00a0GiB"));
  g_assert_true (headroom_test_is_shown (section, "234,881,024 B = 224.0\u00a0MiB"));
  close_window (fixture);
}

static void
test_an_example_opens_with_its_model_and_settings (Fixture       *fixture,
                                                   gconstpointer  data)
{
  GtkWidget *section = find_section (fixture->window, _("GRPO on Qwen2.5-7B with eight completions"));
  GtkWidget *button = headroom_test_find (section, GTK_TYPE_BUTTON, NULL);
  gpointer alive = fixture->window;

  g_object_add_weak_pointer (G_OBJECT (fixture->window), &alive);
  g_signal_emit_by_name (button, "clicked");
  HEADROOM_TEST_WAIT_FOR (alive == NULL);

  g_assert_cmpint (headroom_session_get_mode (fixture->session), ==, HR_MODE_GRPO);
  g_assert_cmpstr (hr_model_get_name (headroom_session_get_model (fixture->session)), ==, "Qwen/Qwen2.5-7B-Instruct");
  g_assert_cmpuint (hr_grpo_job_get_num_generations (HR_GRPO_JOB (headroom_session_get_job (fixture->session))), ==, 8);
  HEADROOM_TEST_WAIT_FOR (headroom_session_get_estimate (fixture->session) != NULL);
}

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

#define ADD(name, function) g_test_add ("/app/examples-window/" name, Fixture, NULL, set_up, function, tear_down)

  ADD ("a figure stands beside what it should be", test_a_figure_stands_beside_what_it_should_be);
  ADD ("an example opens with its model and settings", test_an_example_opens_with_its_model_and_settings);

#undef ADD

  return g_test_run ();
}
