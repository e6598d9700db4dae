/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>

#include "headroom-help-window.h"
#include "headroom-test.h"

static HeadroomHelpWindow *
find_help (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);

      if (HEADROOM_IS_HELP_WINDOW (window))
        return HEADROOM_HELP_WINDOW (window);
    }

  return NULL;
}

static void
test_a_part_is_looked_up_from_the_window (void)
{
  HeadroomWindow *window = headroom_test_window_new ();

  gtk_widget_activate_action (GTK_WIDGET (window), "win.look-up", "s", "component:kv-cache");
  HEADROOM_TEST_WAIT_FOR (find_help () != NULL);
  g_assert_cmpstr (headroom_help_window_get_shown (find_help ()), ==, "component:kv-cache");

  gtk_widget_activate_action (GTK_WIDGET (window), "win.show-help", NULL);
  headroom_test_settle ();
  g_assert_cmpstr (headroom_help_window_get_shown (find_help ()), ==, "component:kv-cache");

  headroom_test_window_destroy (window);
  HEADROOM_TEST_WAIT_FOR (find_help () == NULL);
}

static void
test_the_best_match_of_a_search_is_shown (void)
{
  GtkWidget *help = headroom_help_window_new ();
  GtkWidget *entry = headroom_test_find (help, GTK_TYPE_SEARCH_ENTRY, NULL);

  gtk_window_present (GTK_WINDOW (help));
  gtk_test_widget_wait_for_draw (help);
  gtk_editable_set_text (GTK_EDITABLE (entry), "qlora");
  HEADROOM_TEST_WAIT_FOR (g_str_equal (headroom_help_window_get_shown (HEADROOM_HELP_WINDOW (help)), "term:qlora"));
  gtk_editable_set_text (GTK_EDITABLE (entry), "zebra");
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (help, _("The help has nothing on that")));

  gtk_window_destroy (GTK_WINDOW (help));
  HEADROOM_TEST_WAIT_FOR (find_help () == NULL);
}

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  g_test_add_func ("/app/help-window/a part is looked up from the window", test_a_part_is_looked_up_from_the_window);
  g_test_add_func ("/app/help-window/the best match of a search is shown", test_the_best_match_of_a_search_is_shown);

  return g_test_run ();
}
