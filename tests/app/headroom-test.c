/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-test.h"

#include <glib/gstdio.h>

#include "headroom-language.h"
#include "headroom-resources.h"

/* What the smallest sensible model looks like; the sizes differ, so that none can stand for another. */
static const char config[] =
  "{\n"
  "  \"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"torch_dtype\": \"bfloat16\",\n"
  "  \"hidden_size\": 256, \"intermediate_size\": 704, \"num_hidden_layers\": 3,\n"
  "  \"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"vocab_size\": 1000,\n"
  "  \"max_position_embeddings\": 4096, \"tie_word_embeddings\": false\n"
  "}\n";

static char *folder;

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_all (child);
      else
        g_remove (child);
    }

  g_rmdir (path);
}

static void
remove_folder (void)
{
  remove_all (folder);
  g_free (folder);
}

/*
 * For tests that need no display.
 */
void
headroom_test_init (int    *argc,
                    char ***argv)
{
  headroom_language_init ();
  g_test_init (argc, argv, NULL);

  folder = g_dir_make_tmp ("headroom-test-XXXXXX", NULL);
  g_assert_nonnull (folder);
  atexit (remove_folder);
  /* What is kept for the next start is kept there. */
  g_setenv ("XDG_STATE_HOME", folder, TRUE);
  g_setenv ("XDG_DATA_HOME", folder, TRUE);
}

/*
 * For tests that need a display. Returns whether there is one; if not, it has been said, and main has to return 0.
 */
gboolean
headroom_test_init_display (int    *argc,
                            char ***argv)
{
  headroom_test_init (argc, argv);

  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP no display\n");
      return FALSE;
    }

  adw_init ();
  g_resources_register (headroom_get_resource ());
  gtk_icon_theme_add_resource_path (gtk_icon_theme_get_for_display (gdk_display_get_default ()),
                                    "/io/github/headroom/Headroom/icons");
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);

  return TRUE;
}

/*
 * Turns the main loop until nothing waits to be done.
 */
void
headroom_test_settle (void)
{
  guint n = 0;

  while (g_main_context_iteration (NULL, FALSE) && n++ < 1000)
    ;
}

/*
 * Writes a file that goes away with the test.
 */
GFile *
headroom_test_write (const char *name,
                     const char *contents)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, contents, -1, &error);
  g_assert_no_error (error);

  return g_file_new_for_path (path);
}

/*
 * Writes the config of a small model.
 */
GFile *
headroom_test_write_config (const char *name)
{
  return headroom_test_write (name, config);
}

HeadroomWindow *
headroom_test_window_new (void)
{
  g_autoptr (GListStore) local_gpus = g_list_store_new (HR_TYPE_GPU);

  return HEADROOM_WINDOW (g_object_ref_sink (headroom_window_new (NULL, G_LIST_MODEL (local_gpus))));
}

/*
 * Opens a file that can be opened, and waits for its estimate.
 */
void
headroom_test_window_open (HeadroomWindow *window,
                           GFile          *file)
{
  HeadroomSession *session = headroom_window_get_session (window);
  HrModel *old = headroom_session_get_model (session);

  headroom_window_open (window, file);
  HEADROOM_TEST_WAIT_FOR (headroom_session_get_model (session) != old);
  HEADROOM_TEST_WAIT_FOR (headroom_session_get_estimate (session) != NULL);
  headroom_test_settle ();
}

/*
 * Destroys a window, and makes sure that nothing keeps it.
 */
void
headroom_test_window_destroy (HeadroomWindow *window)
{
  gpointer alive = window;

  g_object_add_weak_pointer (G_OBJECT (window), &alive);
  gtk_window_destroy (GTK_WINDOW (window));
  headroom_test_settle ();
  g_object_unref (window);
  HEADROOM_TEST_WAIT_FOR (alive == NULL);
}

/*
 * Finds the widget of a type, and of a widget name if @name is given, in @widget or below.
 */
GtkWidget *
headroom_test_find (GtkWidget  *widget,
                    GType       type,
                    const char *name)
{
  if (g_type_is_a (G_OBJECT_TYPE (widget), type) &&
      (name == NULL || g_strcmp0 (gtk_widget_get_name (widget), name) == 0))
    return widget;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = headroom_test_find (child, type, name);

      if (found != NULL)
        return found;
    }

  return NULL;
}

/*
 * Finds the label that shows exactly @text, in @widget or below.
 */
GtkWidget *
headroom_test_find_label (GtkWidget  *widget,
                          const char *text)
{
  if (GTK_IS_LABEL (widget) && g_strcmp0 (gtk_label_get_text (GTK_LABEL (widget)), text) == 0)
    return widget;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = headroom_test_find_label (child, text);

      if (found != NULL)
        return found;
    }

  return NULL;
}

/*
 * Whether a label that shows exactly @text is on the screen, in @widget or below.
 */
gboolean
headroom_test_is_shown (GtkWidget  *widget,
                        const char *text)
{
  if (!gtk_widget_get_mapped (widget))
    return FALSE;

  if (GTK_IS_LABEL (widget) && g_strcmp0 (gtk_label_get_text (GTK_LABEL (widget)), text) == 0)
    return TRUE;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (headroom_test_is_shown (child, text))
        return TRUE;
    }

  return FALSE;
}

/*
 * Whether a label that is in sight has a text in it.
 */
gboolean
headroom_test_says (GtkWidget  *widget,
                    const char *part)
{
  if (!gtk_widget_get_mapped (widget))
    return FALSE;

  if (GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), part) != NULL)
    return TRUE;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (headroom_test_says (child, part))
        return TRUE;
    }

  return FALSE;
}

/*
 * Destroys a window of which nothing must be left.
 */
void
headroom_test_close (GtkWidget *window)
{
  gpointer alive = window;

  g_object_add_weak_pointer (G_OBJECT (window), &alive);
  gtk_window_destroy (GTK_WINDOW (window));
  HEADROOM_TEST_WAIT_FOR (alive == NULL);
}

/*
 * Does what @widget binds a key to, and says whether that did anything.
 */
gboolean
headroom_test_press (GtkWidget       *widget,
                     guint            keyval,
                     GdkModifierType  modifiers)
{
  GtkShortcutTrigger *trigger = gtk_keyval_trigger_new (keyval, modifiers);
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);
  gboolean activated = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (!GTK_IS_SHORTCUT_CONTROLLER (controller))
        continue;

      for (guint j = 0; j < g_list_model_get_n_items (G_LIST_MODEL (controller)); j++)
        {
          g_autoptr (GtkShortcut) shortcut = g_list_model_get_item (G_LIST_MODEL (controller), j);

          if (gtk_shortcut_trigger_equal (gtk_shortcut_get_trigger (shortcut), trigger))
            activated |= gtk_shortcut_action_activate (gtk_shortcut_get_action (shortcut), 0, widget,
                                                       gtk_shortcut_get_arguments (shortcut));
        }
    }

  g_object_unref (trigger);

  return activated;
}
