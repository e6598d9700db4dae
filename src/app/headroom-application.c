/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-application.h"

#include <glib/gi18n.h>
#include <hr-gpu-detect.h>

#include "headroom-about.h"
#include "headroom-language.h"
#include "headroom-preferences.h"
#include "headroom-resources.h"
#include "headroom-settings.h"
#include "headroom-window.h"

/*
 * HeadroomApplication:
 *
 * Windows, the actions that are not about one of them, and what the preferences change everywhere.
 */
struct _HeadroomApplication
{
  AdwApplication parent_instance;

  GSettings *settings;
  GListStore *local_gpus;
  GCancellable *detecting;
  GtkWindow *preferences;
};

G_DEFINE_FINAL_TYPE (HeadroomApplication, headroom_application, ADW_TYPE_APPLICATION)

static const struct
{
  const char *action;
  const char *accelerators[3];
} accelerators[] = {
  { "win.open", { "<Control>o" } },
  { "win.open-folder", { "<Control><Shift>o" } },
  { "win.search", { "<Control>f", "<Control>l" } },
  { "win.choose-gpu", { "<Control>g" } },
  { "win.save-scenario", { "<Control>s" } },
  { "win.copy-command-line", { "<Control><Shift>c" } },
  { "win.paste-command", { "<Control><Shift>v" } },
  { "win.export::pdf", { "<Control>e" } },
  { "win.show-anatomy", { "<Control>i" } },
  { "win.show-launch", { "<Control><Shift>l" } },
  { "win.show-plan", { "<Control><Shift>p" } },
  { "win.show-precision", { "<Control>p" } },
  { "win.show-comparison", { "<Control>d" } },
  { "win.show-examples", { "<Control><Shift>e" } },
  { "win.show-help", { "F1" } },
  { "win.reset-settings", { "<Control>r" } },
  { "win.show-settings", { "<Alt>Left" } },
  { "win.show-result", { "<Alt>Right" } },
  { "win.next-pane", { "F6" } },
  { "win.previous-pane", { "<Shift>F6" } },
  { "window.close", { "<Control>w" } },
  { "app.new-window", { "<Control>n" } },
  { "app.preferences", { "<Control>comma" } },
  { "app.shortcuts", { "<Control>question" } },
  { "app.quit", { "<Control>q" } },
};

static HeadroomWindow *
headroom_application_add_window (HeadroomApplication *self)
{
  HeadroomWindow *window = HEADROOM_WINDOW (headroom_window_new (GTK_APPLICATION (self),
                                                                 G_LIST_MODEL (self->local_gpus)));

  headroom_window_keep_session (window);

  return window;
}

/* A window without a file begins with the search for a model. */
static GtkWindow *
headroom_application_add_empty_window (HeadroomApplication *self)
{
  HeadroomWindow *window = headroom_application_add_window (self);

  gtk_widget_grab_focus (GTK_WIDGET (headroom_window_get_content (window)));

  return GTK_WINDOW (window);
}

/* The first window goes on where the last one was. */
static GtkWindow *
headroom_application_add_first_window (HeadroomApplication *self)
{
  HeadroomWindow *window = headroom_application_add_window (self);

  if (!headroom_window_restore_session (window))
    gtk_widget_grab_focus (GTK_WIDGET (headroom_window_get_content (window)));

  return GTK_WINDOW (window);
}

static void
headroom_application_detected_cb (GObject      *source_object,
                                  GAsyncResult *result,
                                  gpointer      user_data)
{
  g_autoptr (HeadroomApplication) self = HEADROOM_APPLICATION (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) gpus = hr_gpu_detect_finish (result, &error);

  if (gpus == NULL)
    {
      g_debug ("GPUs could not be detected: %s", error->message);
      return;
    }

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (GObject) gpu = g_list_model_get_item (gpus, i);

      g_list_store_append (self->local_gpus, gpu);
    }
}

static GtkWindow *
headroom_application_find_window (HeadroomApplication *self)
{
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next)
    {
      if (HEADROOM_IS_WINDOW (l->data))
        return l->data;
    }

  return NULL;
}

static gboolean
headroom_application_detect_cb (gpointer user_data)
{
  HeadroomApplication *self = HEADROOM_APPLICATION (user_data);

  hr_gpu_detect_async (self->detecting, headroom_application_detected_cb, g_object_ref (self));

  return G_SOURCE_REMOVE;
}

static void
headroom_application_new_window_action (GSimpleAction *action,
                                        GVariant      *parameter,
                                        gpointer       user_data)
{
  gtk_window_present (headroom_application_add_empty_window (user_data));
}

static void
headroom_application_preferences_action (GSimpleAction *action,
                                         GVariant      *parameter,
                                         gpointer       user_data)
{
  HeadroomApplication *self = HEADROOM_APPLICATION (user_data);

  if (self->preferences == NULL)
    g_set_weak_pointer (&self->preferences, GTK_WINDOW (headroom_preferences_new ()));

  gtk_window_set_transient_for (self->preferences, headroom_application_find_window (self));
  gtk_window_present (self->preferences);
}

static void
headroom_application_shortcuts_action (GSimpleAction *action,
                                       GVariant      *parameter,
                                       gpointer       user_data)
{
  GtkWindow *window = headroom_application_find_window (user_data);
  g_autoptr (GtkBuilder) builder = NULL;
  GtkShortcutsWindow *shortcuts;

  if (window == NULL)
    return;

  /* Built each time, so that it is in the language of the moment. */
  builder = gtk_builder_new_from_resource ("/io/github/headroom/Headroom/ui/headroom-shortcuts.ui");
  shortcuts = GTK_SHORTCUTS_WINDOW (gtk_builder_get_object (builder, "shortcuts"));

  gtk_application_window_set_help_overlay (GTK_APPLICATION_WINDOW (window), shortcuts);
  gtk_window_present (GTK_WINDOW (shortcuts));
}

static void
headroom_application_about_action (GSimpleAction *action,
                                   GVariant      *parameter,
                                   gpointer       user_data)
{
  headroom_about_present (headroom_application_find_window (user_data));
}

static void
headroom_application_quit_action (GSimpleAction *action,
                                  GVariant      *parameter,
                                  gpointer       user_data)
{
  g_application_quit (G_APPLICATION (user_data));
}

static const GActionEntry actions[] = {
  { "new-window", headroom_application_new_window_action },
  { "preferences", headroom_application_preferences_action },
  { "shortcuts", headroom_application_shortcuts_action },
  { "about", headroom_application_about_action },
  { "quit", headroom_application_quit_action },
};

static void
headroom_application_color_scheme_changed_cb (HeadroomApplication *self)
{
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (),
                                      g_settings_get_enum (self->settings, "color-scheme"));
}

static void
headroom_application_language_changed_cb (HeadroomApplication *self)
{
  g_autofree char *language = g_settings_get_string (self->settings, "language");

  headroom_language_set (language);

  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next)
    {
      if (HEADROOM_IS_WINDOW (l->data))
        headroom_window_rebuild (l->data);
    }

  if (self->preferences != NULL)
    headroom_preferences_rebuild (HEADROOM_PREFERENCES (self->preferences));
}

static void
headroom_application_startup (GApplication *application)
{
  HeadroomApplication *self = HEADROOM_APPLICATION (application);
  g_autofree char *language = NULL;

  self->settings = headroom_settings_new ();

  /* Before GTK looks at the language. */
  language = g_settings_get_string (self->settings, "language");
  headroom_language_set (language);

  G_APPLICATION_CLASS (headroom_application_parent_class)->startup (application);

  g_signal_connect_object (self->settings, "changed::language",
                           G_CALLBACK (headroom_application_language_changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::color-scheme",
                           G_CALLBACK (headroom_application_color_scheme_changed_cb), self, G_CONNECT_SWAPPED);
  headroom_application_color_scheme_changed_cb (self);

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  for (guint i = 0; i < G_N_ELEMENTS (accelerators); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (self), accelerators[i].action,
                                           (const char * const *) accelerators[i].accelerators);

  /* When the window is there: drivers may be slow. */
  self->detecting = g_cancellable_new ();
  g_idle_add_full (G_PRIORITY_LOW, headroom_application_detect_cb, g_object_ref (self), g_object_unref);
}

static void
headroom_application_shutdown (GApplication *application)
{
  HeadroomApplication *self = HEADROOM_APPLICATION (application);
  g_autoptr (GList) windows = g_list_reverse (g_list_copy (gtk_application_get_windows (GTK_APPLICATION (self))));

  g_cancellable_cancel (self->detecting);

  /* The window that was used last is the one to go on with. */
  for (GList *l = windows; l != NULL; l = l->next)
    {
      if (HEADROOM_IS_WINDOW (l->data))
        headroom_window_save_session (l->data);
    }

  G_APPLICATION_CLASS (headroom_application_parent_class)->shutdown (application);
}

static void
headroom_application_activate (GApplication *application)
{
  HeadroomApplication *self = HEADROOM_APPLICATION (application);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  if (window == NULL)
    window = headroom_application_add_first_window (self);

  gtk_window_present (window);
}

/* A window for each file; one that has no model yet takes the first. */
static void
headroom_application_open (GApplication  *application,
                           GFile        **files,
                           int            n_files,
                           const char    *hint)
{
  HeadroomApplication *self = HEADROOM_APPLICATION (application);
  GtkWindow *active = gtk_application_get_active_window (GTK_APPLICATION (self));

  for (int i = 0; i < n_files; i++)
    {
      HeadroomWindow *window;

      if (i == 0 && HEADROOM_IS_WINDOW (active) &&
          headroom_session_get_model (headroom_window_get_session (HEADROOM_WINDOW (active))) == NULL)
        window = HEADROOM_WINDOW (active);
      else
        window = headroom_application_add_window (self);

      headroom_window_open (window, files[i]);
      gtk_window_present (GTK_WINDOW (window));
    }
}

static int
headroom_application_handle_local_options (GApplication *application,
                                           GVariantDict *options)
{
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("Headroom %s\n", PACKAGE_VERSION);
      return EXIT_SUCCESS;
    }

  return G_APPLICATION_CLASS (headroom_application_parent_class)->handle_local_options (application, options);
}

static void
headroom_application_dispose (GObject *object)
{
  HeadroomApplication *self = HEADROOM_APPLICATION (object);

  g_clear_weak_pointer (&self->preferences);
  g_clear_object (&self->settings);
  g_clear_object (&self->local_gpus);
  g_clear_object (&self->detecting);

  G_OBJECT_CLASS (headroom_application_parent_class)->dispose (object);
}

static void
headroom_application_class_init (HeadroomApplicationClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  object_class->dispose = headroom_application_dispose;

  application_class->startup = headroom_application_startup;
  application_class->shutdown = headroom_application_shutdown;
  application_class->activate = headroom_application_activate;
  application_class->handle_local_options = headroom_application_handle_local_options;
  application_class->open = headroom_application_open;
}

static void
headroom_application_init (HeadroomApplication *self)
{
  static const GOptionEntry options[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Print the version and exit"), NULL },
    { NULL }
  };

  self->local_gpus = g_list_store_new (HR_TYPE_GPU);

  g_application_add_main_option_entries (G_APPLICATION (self), options);
  g_application_set_option_context_parameter_string (G_APPLICATION (self), _("[FILE…]"));
}

HeadroomApplication *
headroom_application_new (void)
{
  /* A resource of a static library is not registered by itself. */
  g_resources_register (headroom_get_resource ());

  return g_object_new (HEADROOM_TYPE_APPLICATION,
                       "application-id", APPLICATION_ID,
                       "flags", G_APPLICATION_HANDLES_OPEN,
                       "resource-base-path", "/io/github/headroom/Headroom",
                       NULL);
}
