/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-dialogs.h"

#include <glib/gi18n.h>

static void
destroy_on_response_cb (GtkNativeDialog *dialog)
{
  g_object_unref (dialog);
}

static void
add_filter (GtkFileChooser *chooser,
            const char     *name,
            const char     * const *patterns)
{
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, name);
  for (guint i = 0; patterns[i] != NULL; i++)
    gtk_file_filter_add_pattern (filter, patterns[i]);

  gtk_file_chooser_add_filter (chooser, filter);
}

static void
show (GtkFileChooserNative *dialog,
      GCallback             response,
      gpointer              object)
{
  /* The dialog belongs to itself until it is answered. */
  g_signal_connect_object (dialog, "response", response, object, 0);
  g_signal_connect_after (dialog, "response", G_CALLBACK (destroy_on_response_cb), NULL);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/*
 * Asks for a file to open. @response is a handler of #GtkNativeDialog::response, called with @object as its data.
 */
void
headroom_dialog_open (GtkWindow *parent,
                      GCallback  response,
                      gpointer   object)
{
  static const char * const model_patterns[] = { "*.json", "*.safetensors", "*.gguf", "*.headroom", NULL };
  static const char * const report_patterns[] = { "*.html", "*.md", "*.svg", "*.pdf", "*.png", "*.json", NULL };
  static const char * const scenario_patterns[] = { "*.headroom", NULL };
  static const char * const all_patterns[] = { "*", NULL };
  GtkFileChooserNative *dialog;

  dialog = gtk_file_chooser_native_new (_("Open a Model or Scenario"), parent, GTK_FILE_CHOOSER_ACTION_OPEN,
                                        _("_Open"), _("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  add_filter (GTK_FILE_CHOOSER (dialog), _("Models and scenarios"), model_patterns);
  add_filter (GTK_FILE_CHOOSER (dialog), _("Scenarios"), scenario_patterns);
  add_filter (GTK_FILE_CHOOSER (dialog), _("Reports with a scenario"), report_patterns);
  add_filter (GTK_FILE_CHOOSER (dialog), _("All files"), all_patterns);

  show (dialog, response, object);
}

/*
 * Asks for a scenario to open. @response is as in headroom_dialog_open().
 */
void
headroom_dialog_open_scenario (GtkWindow *parent,
                               GCallback  response,
                               gpointer   object)
{
  static const char * const report_patterns[] = { "*.html", "*.md", "*.svg", "*.pdf", "*.png", "*.json", NULL };
  static const char * const scenario_patterns[] = { "*.headroom", NULL };
  static const char * const all_patterns[] = { "*", NULL };
  GtkFileChooserNative *dialog;

  dialog = gtk_file_chooser_native_new (_("Open a Scenario"), parent, GTK_FILE_CHOOSER_ACTION_OPEN, _("_Open"),
                                        _("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  add_filter (GTK_FILE_CHOOSER (dialog), _("Scenarios"), scenario_patterns);
  add_filter (GTK_FILE_CHOOSER (dialog), _("Reports with a scenario"), report_patterns);
  add_filter (GTK_FILE_CHOOSER (dialog), _("All files"), all_patterns);

  show (dialog, response, object);
}

/*
 * Asks for a log to open. @response is as in headroom_dialog_open().
 */
void
headroom_dialog_open_log (GtkWindow *parent,
                          GCallback  response,
                          gpointer   object)
{
  static const char * const log_patterns[] = { "*.log", "*.txt", "*.out", "*.err", NULL };
  static const char * const all_patterns[] = { "*", NULL };
  GtkFileChooserNative *dialog;

  dialog = gtk_file_chooser_native_new (_("Open a Log"), parent, GTK_FILE_CHOOSER_ACTION_OPEN, _("_Open"),
                                        _("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  add_filter (GTK_FILE_CHOOSER (dialog), _("Logs"), log_patterns);
  add_filter (GTK_FILE_CHOOSER (dialog), _("All files"), all_patterns);

  show (dialog, response, object);
}

/*
 * Asks for a folder that holds a model, such as a snapshot of a hub's cache. @response is as in
 * headroom_dialog_open().
 */
void
headroom_dialog_open_folder (GtkWindow *parent,
                             GCallback  response,
                             gpointer   object)
{
  GtkFileChooserNative *dialog;

  dialog = gtk_file_chooser_native_new (_("Open a Folder That Holds a Model"), parent,
                                        GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _("_Open"), _("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);

  show (dialog, response, object);
}

/*
 * Asks where to save something, and suggests @name.
 *
 * Returns the dialog, which lives until it is answered.
 */
GObject *
headroom_dialog_save (GtkWindow  *parent,
                      const char *title,
                      const char *name,
                      GCallback   response,
                      gpointer    object)
{
  GtkFileChooserNative *dialog;

  dialog = gtk_file_chooser_native_new (title, parent, GTK_FILE_CHOOSER_ACTION_SAVE, _("_Save"), _("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), name);

  show (dialog, response, object);

  return G_OBJECT (dialog);
}
