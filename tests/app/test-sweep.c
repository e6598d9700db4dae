/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>

#include "headroom-anatomy-window.h"
#include "headroom-application.h"
#include "headroom-compare-window.h"
#include "headroom-language.h"
#include "headroom-launch-window.h"
#include "headroom-number-card.h"
#include "headroom-sweep-view.h"
#include "headroom-test.h"

#define UI "/io/github/headroom/Headroom/ui"

/* What holds of every template, every icon, every action, every control. */

typedef void (* UiFunc) (const char *name,
                         const char *xml,
                         gpointer    user_data);

static void
for_each_ui (UiFunc   func,
             gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = g_resources_enumerate_children (UI, G_RESOURCE_LOOKUP_FLAGS_NONE, &error);

  g_assert_no_error (error);
  g_assert_nonnull (names[0]);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = g_strconcat (UI "/", names[i], NULL);
      g_autoptr (GBytes) bytes = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, &error);

      g_assert_no_error (error);
      func (names[i], g_bytes_get_data (bytes, NULL), user_data);
    }
}

/* Calls @func with the first group of each match of @pattern. */
static void
for_each_match (const char *xml,
                const char *pattern,
                void (* func) (const char *text,
                               gpointer    user_data),
                gpointer    user_data)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  g_assert_nonnull (regex);
  g_regex_match (regex, xml, 0, &match);

  while (g_match_info_matches (match))
    {
      g_autofree char *text = g_match_info_fetch (match, 1);

      func (text, user_data);
      g_match_info_next (match, NULL);
    }
}

static void
check_icon (const char *name,
            gpointer    user_data)
{
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (gdk_display_get_default ());

  g_test_message ("icon %s", name);
  g_assert_true (gtk_icon_theme_has_icon (theme, name));
}

static void
check_icons (const char *name,
             const char *xml,
             gpointer    user_data)
{
  for_each_match (xml, "<property name=\"icon-name\">([^<]+)<", check_icon, NULL);
}

static void
test_every_icon_exists (void)
{
  for_each_ui (check_icons, NULL);
  check_icon (APPLICATION_ID, NULL);
  check_icon ("headroom-inference-symbolic", NULL);
}

/* There is one in a process, as in life. */
static GtkApplication *
get_application (void)
{
  static HeadroomApplication *application;
  g_autoptr (GError) error = NULL;

  if (application != NULL)
    return GTK_APPLICATION (application);

  application = headroom_application_new ();
  g_application_set_flags (G_APPLICATION (application), G_APPLICATION_HANDLES_OPEN | G_APPLICATION_NON_UNIQUE);
  g_application_register (G_APPLICATION (application), NULL, &error);
  g_assert_no_error (error);

  return GTK_APPLICATION (application);
}

static gboolean
class_has_action (GType       window,
                  const char *name)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (window);
  GType owner;
  const char *found;
  const GVariantType *type;
  const char *property;

  for (guint i = 0; gtk_widget_class_query_action (GTK_WIDGET_CLASS (klass), i, &owner, &found, &type, &property); i++)
    {
      if (g_strcmp0 (name, found) == 0)
        return TRUE;
    }

  return FALSE;
}

static gboolean
window_has_action (const char *name)
{
  return class_has_action (HEADROOM_TYPE_WINDOW, name) || class_has_action (HEADROOM_TYPE_ANATOMY_WINDOW, name) ||
         class_has_action (HEADROOM_TYPE_NUMBER_CARD, name) || class_has_action (HEADROOM_TYPE_SWEEP_VIEW, name) ||
         class_has_action (HEADROOM_TYPE_COMPARE_WINDOW, name) || class_has_action (HEADROOM_TYPE_LAUNCH_WINDOW, name);
}

static void
check_action (const char *detailed,
              gpointer    user_data)
{
  g_autofree char *name = g_strndup (detailed, strcspn (detailed, ":("));

  g_test_message ("action %s", detailed);

  if (g_str_has_prefix (name, "app."))
    g_assert_true (g_action_group_has_action (G_ACTION_GROUP (user_data), name + strlen ("app.")));
  else
    g_assert_true (window_has_action (name));
}

static void
check_actions (const char *name,
               const char *xml,
               gpointer    user_data)
{
  for_each_match (xml, "<property name=\"action-name\">([^<]+)<", check_action, user_data);
  for_each_match (xml, "<attribute name=\"action\">([^<]+)<", check_action, user_data);
}

static void
test_every_action_exists (void)
{
  GtkApplication *application = get_application ();

  for_each_ui (check_actions, application);
}

static void
test_every_shortcut_is_listed (void)
{
  GtkApplication *application = get_application ();
  g_autoptr (GBytes) bytes = g_resources_lookup_data (UI "/headroom-shortcuts.ui", 0, NULL);
  const char *xml = g_bytes_get_data (bytes, NULL);
  g_auto (GStrv) actions = gtk_application_list_action_descriptions (application);

  g_assert_nonnull (actions[0]);

  for (guint i = 0; actions[i] != NULL; i++)
    {
      g_auto (GStrv) accelerators = gtk_application_get_accels_for_action (application, actions[i]);
      g_autofree char *property = g_strdup_printf ("<property name=\"action-name\">%s<", actions[i]);

      if (accelerators[0] == NULL)
        continue;

      g_test_message ("%s: %s", actions[i], accelerators[0]);
      g_assert_nonnull (strstr (xml, property));
    }
}

static void
test_the_shortcuts_window_opens (void)
{
  GtkApplication *application = get_application ();
  HeadroomWindow *window;
  GtkWindow *shortcuts;
  g_autoptr (GListStore) local_gpus = g_list_store_new (HR_TYPE_GPU);

  window = HEADROOM_WINDOW (g_object_ref (headroom_window_new (application, G_LIST_MODEL (local_gpus))));
  gtk_window_present (GTK_WINDOW (window));
  gtk_test_widget_wait_for_draw (GTK_WIDGET (window));

  g_action_group_activate_action (G_ACTION_GROUP (application), "shortcuts", NULL);
  shortcuts = GTK_WINDOW (gtk_application_window_get_help_overlay (GTK_APPLICATION_WINDOW (window)));
  g_assert_nonnull (shortcuts);
  gtk_test_widget_wait_for_draw (GTK_WIDGET (shortcuts));
  gtk_window_close (shortcuts);

  headroom_test_window_destroy (window);
}

static gunichar
get_mnemonic (const char *label)
{
  const char *p = label;

  while ((p = strchr (p, '_')) != NULL)
    {
      if (p[1] != '_')
        return g_unichar_tolower (g_utf8_get_char (p + 1));

      p += 2;
    }

  return 0;
}

/* Adds the mnemonics of a menu and its sections to @seen; none may be there already. */
static void
check_mnemonics (GMenuModel *menu,
                 GHashTable *seen)
{
  for (int i = 0; i < g_menu_model_get_n_items (menu); i++)
    {
      g_autoptr (GMenuModel) section = g_menu_model_get_item_link (menu, i, G_MENU_LINK_SECTION);
      g_autofree char *label = NULL;
      gunichar mnemonic;

      if (section != NULL)
        {
          check_mnemonics (section, seen);
          continue;
        }

      g_menu_model_get_item_attribute (menu, i, G_MENU_ATTRIBUTE_LABEL, "s", &label);
      g_assert_nonnull (label);
      mnemonic = get_mnemonic (label);
      g_test_message ("%s", label);
      g_assert_true (mnemonic == 0 || g_hash_table_add (seen, GUINT_TO_POINTER (mnemonic)));
    }
}

static void
check_menus (GtkWidget *widget)
{
  if (GTK_IS_MENU_BUTTON (widget) && gtk_menu_button_get_menu_model (GTK_MENU_BUTTON (widget)) != NULL)
    {
      g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

      check_mnemonics (gtk_menu_button_get_menu_model (GTK_MENU_BUTTON (widget)), seen);
    }

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    check_menus (child);
}

static void
test_mnemonics_do_not_collide (gconstpointer data)
{
  HeadroomWindow *window;

  headroom_language_set (data);
  window = headroom_test_window_new ();
  check_menus (GTK_WIDGET (headroom_window_get_content (window)));
  headroom_test_window_destroy (window);
  headroom_language_set ("");
}

static gboolean
has_text (GtkWidget *widget)
{
  if (GTK_IS_LABEL (widget) && *gtk_label_get_text (GTK_LABEL (widget)) != '\0')
    return TRUE;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (has_text (child))
        return TRUE;
    }

  return FALSE;
}

/* Inner parts of GTK's own controls are named by the control around them. */
static gboolean
is_inside (GtkWidget *widget,
           GType      type)
{
  GtkWidget *parent = gtk_widget_get_parent (widget);

  return parent != NULL && gtk_widget_get_ancestor (parent, type) != NULL;
}

static void
check_names (GtkWidget *widget,
             guint     *n_checked)
{
  GtkAccessible *accessible = GTK_ACCESSIBLE (widget);

  if (!gtk_widget_should_layout (widget) || !gtk_widget_get_child_visible (widget))
    return;

  if (gtk_widget_get_focusable (widget) &&
      !is_inside (widget, GTK_TYPE_SPIN_BUTTON) &&
      !is_inside (widget, GTK_TYPE_ENTRY) &&
      !is_inside (widget, GTK_TYPE_SEARCH_ENTRY) &&
      !is_inside (widget, GTK_TYPE_MENU_BUTTON) &&
      !is_inside (widget, ADW_TYPE_SPLIT_BUTTON) &&
      !is_inside (widget, GTK_TYPE_WINDOW_CONTROLS) &&
      !GTK_IS_SCROLLED_WINDOW (widget) &&
      !GTK_IS_WINDOW_CONTROLS (widget))
    {
      g_test_message ("%s “%s”", G_OBJECT_TYPE_NAME (widget), gtk_widget_get_name (widget));
      g_assert_true (gtk_test_accessible_has_property (accessible, GTK_ACCESSIBLE_PROPERTY_LABEL) ||
                     gtk_test_accessible_has_relation (accessible, GTK_ACCESSIBLE_RELATION_LABELLED_BY) ||
                     has_text (widget));
      (*n_checked)++;
    }

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    check_names (child, n_checked);
}

static void
test_everything_that_takes_the_focus_has_a_name (void)
{
  HeadroomWindow *window = headroom_test_window_new ();
  g_autoptr (GFile) file = headroom_test_write_config ("small.json");
  guint n_checked = 0;

  gtk_window_present (GTK_WINDOW (window));
  gtk_test_widget_wait_for_draw (GTK_WIDGET (window));
  headroom_test_window_open (window, file);
  check_names (GTK_WIDGET (headroom_window_get_content (window)), &n_checked);
  g_assert_cmpuint (n_checked, >, 20);

  headroom_test_window_destroy (window);
}

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  g_test_add_func ("/app/sweep/every_icon_exists", test_every_icon_exists);
  g_test_add_func ("/app/sweep/every_action_exists", test_every_action_exists);
  g_test_add_func ("/app/sweep/every_shortcut_is_listed", test_every_shortcut_is_listed);
  g_test_add_func ("/app/sweep/the_shortcuts_window_opens", test_the_shortcuts_window_opens);
  g_test_add_data_func ("/app/sweep/mnemonics_do_not_collide/en", "en", test_mnemonics_do_not_collide);
  g_test_add_data_func ("/app/sweep/mnemonics_do_not_collide/zh_CN", "zh_CN", test_mnemonics_do_not_collide);
  g_test_add_func ("/app/sweep/everything_that_takes_the_focus_has_a_name",
                   test_everything_that_takes_the_focus_has_a_name);

  return g_test_run ();
}
