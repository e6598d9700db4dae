/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>

#include "headroom-about.h"
#include "headroom-language.h"
#include "headroom-preferences.h"
#include "headroom-settings.h"
#include "headroom-test.h"

static GtkWidget *
preferences_new (void)
{
  GtkWidget *window = headroom_preferences_new ();

  gtk_window_present (GTK_WINDOW (window));
  gtk_test_widget_wait_for_draw (window);

  return window;
}

static void
destroy (GtkWidget *window)
{
  headroom_test_close (window);
}

typedef struct
{
  const char *key;
  guint position;
  const char *value;
} Case;

static const Case cases[] = {
  { "language", 1, "zh_CN" },
  { "language", 2, "en" },
  { "color-scheme", 1, "light" },
  { "color-scheme", 2, "dark" },
  { "unit-system", 1, "decimal" },
};

static void
test_a_row_is_bound_both_ways (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GSettings) settings = headroom_settings_new ();
  g_autofree char *initial = NULL;
  g_autofree char *chosen = NULL;
  GtkWidget *window;
  GtkWidget *row;
  guint selected;

  g_settings_reset (settings, test->key);
  initial = g_settings_get_string (settings, test->key);
  window = preferences_new ();
  row = headroom_test_find (window, ADW_TYPE_COMBO_ROW, test->key);
  g_assert_nonnull (row);

  g_object_get (row, "selected", &selected, NULL);
  g_assert_cmpuint (selected, ==, 0);

  g_object_set (row, "selected", test->position, NULL);
  chosen = g_settings_get_string (settings, test->key);
  g_assert_cmpstr (chosen, ==, test->value);

  g_settings_set_string (settings, test->key, initial);
  g_object_get (row, "selected", &selected, NULL);
  g_assert_cmpuint (selected, ==, 0);

  destroy (window);
}

static void
test_the_preferences_change_their_own_language (void)
{
  GtkWidget *window;

  headroom_language_set ("en");
  window = preferences_new ();
  g_assert_nonnull (headroom_test_find_label (window, "Appearance"));

  headroom_language_set ("zh_CN");
  headroom_preferences_rebuild (HEADROOM_PREFERENCES (window));
  HEADROOM_TEST_WAIT_FOR (headroom_test_find_label (window, "Appearance") == NULL);
  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (window)), ==, _("Preferences"));
  g_assert_nonnull (headroom_test_find (window, ADW_TYPE_COMBO_ROW, "language"));

  destroy (window);
  headroom_language_set ("");
}

static void
test_the_debug_information_names_versions (void)
{
  g_autofree char *text = headroom_about_get_debug_info ();

  g_assert_nonnull (strstr (text, "Headroom " PACKAGE_VERSION));
  g_assert_nonnull (strstr (text, "- GTK: 4."));
  g_assert_nonnull (strstr (text, "- libadwaita: 1."));
}

static void
test_to_go_on_is_a_switch_that_says_what_it_does (void)
{
  g_autoptr (GSettings) settings = headroom_settings_new ();
  GtkWidget *window = preferences_new ();
  GtkWidget *row = headroom_test_find (window, ADW_TYPE_ACTION_ROW, "restore-session");
  GtkWidget *toggle = headroom_test_find (row, GTK_TYPE_SWITCH, NULL);

  g_assert_true (gtk_switch_get_active (GTK_SWITCH (toggle)));
  gtk_test_accessible_assert_relation (toggle, GTK_ACCESSIBLE_RELATION_LABELLED_BY,
                                       headroom_test_find (row, GTK_TYPE_LABEL, NULL), NULL);

  gtk_switch_set_active (GTK_SWITCH (toggle), FALSE);
  g_assert_false (headroom_settings_get_restore_session (settings));
  g_settings_set_boolean (settings, "restore-session", TRUE);
  g_assert_true (gtk_switch_get_active (GTK_SWITCH (toggle)));

  g_settings_reset (settings, "restore-session");
  destroy (window);
}

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/app/preferences/a_row_is_bound_both_ways/%s/%s",
                                               cases[i].key, cases[i].value);

      g_test_add_data_func (path, &cases[i], test_a_row_is_bound_both_ways);
    }

  g_test_add_func ("/app/preferences/to_go_on_is_a_switch_that_says_what_it_does",
                   test_to_go_on_is_a_switch_that_says_what_it_does);
  g_test_add_func ("/app/preferences/the_preferences_change_their_own_language",
                   test_the_preferences_change_their_own_language);
  g_test_add_func ("/app/preferences/the_debug_information_names_versions", test_the_debug_information_names_versions);

  return g_test_run ();
}
