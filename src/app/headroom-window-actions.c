/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-window-private.h"

#include <glib/gi18n.h>

#include "headroom-dialogs.h"
#include "headroom-help-window.h"
#include "headroom-recent.h"
#include "headroom-session-opening.h"
#include "headroom-session-scenario.h"
#include "headroom-settings.h"

static HrReport *
headroom_window_create_report (HeadroomWindow *self)
{
  return headroom_session_create_report (self->session, headroom_settings_get_unit_system (self->settings));
}

static void
headroom_window_open_response_cb (GtkFileChooser *chooser,
                                  int             response,
                                  HeadroomWindow *self)
{
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (chooser);

  if (file != NULL)
    headroom_window_open (self, file);
}

static void
headroom_window_open_action (GtkWidget  *widget,
                             const char *action_name,
                             GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);

  headroom_dialog_open (GTK_WINDOW (self), G_CALLBACK (headroom_window_open_response_cb), self);
}

static void
headroom_window_open_folder_action (GtkWidget  *widget,
                                    const char *action_name,
                                    GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);

  headroom_dialog_open_folder (GTK_WINDOW (self), G_CALLBACK (headroom_window_open_response_cb), self);
}

static void
headroom_window_open_uri_action (GtkWidget  *widget,
                                 const char *action_name,
                                 GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);
  g_autoptr (GFile) file = g_file_new_for_uri (g_variant_get_string (parameter, NULL));

  headroom_window_open (self, file);
}

static void
headroom_window_choose_model_action (GtkWidget  *widget,
                                     const char *action_name,
                                     GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);
  const char *id = g_variant_get_string (parameter, NULL);
  g_autoptr (GError) error = NULL;

  if (headroom_session_choose_model (self->session, id, &error))
    {
      headroom_content_clear_error (self->content);
    }
  else
    {
      /* Translators: %s is the name of a file or folder */
      g_autofree char *title = g_strdup_printf (_("“%s” could not be opened"), id);

      _headroom_window_show_error (self, title, error);
    }
}

static void
headroom_window_save_response_cb (GtkFileChooser *chooser,
                                  int             response,
                                  HeadroomWindow *self)
{
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (GError) error = NULL;

  if (response != GTK_RESPONSE_ACCEPT)
    return;

  file = gtk_file_chooser_get_file (chooser);
  scenario = headroom_session_create_scenario (self->session);

  if (hr_scenario_save (scenario, file, &error))
    {
      headroom_recent_add (self->settings, file);
      _headroom_window_show_toast (self, _("Scenario saved"));
    }
  else
    {
      _headroom_window_show_error (self, _("The scenario could not be saved"), error);
    }
}

static void
headroom_window_save_scenario_action (GtkWidget  *widget,
                                      const char *action_name,
                                      GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);
  g_autoptr (HrReport) report = headroom_window_create_report (self);
  g_autofree char *name = hr_report_dup_file_name (report, "headroom");

  headroom_dialog_save (GTK_WINDOW (self), _("Save Scenario"), name,
                        G_CALLBACK (headroom_window_save_response_cb), self);
}

static void
headroom_window_copy_command_line_action (GtkWidget  *widget,
                                          const char *action_name,
                                          GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);
  g_autoptr (HrScenario) scenario = headroom_session_create_scenario (self->session);
  g_autofree char *line = hr_scenario_dup_command_line (scenario);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), line);
  _headroom_window_show_toast (self, _("Command line copied"));
}

static void
headroom_window_command_read_cb (GObject      *source_object,
                                 GAsyncResult *result,
                                 gpointer      user_data)
{
  g_autoptr (HeadroomWindow) self = user_data;
  g_autofree char *problems = NULL;
  g_autoptr (GError) error = NULL;

  if (!headroom_session_open_finish (HEADROOM_SESSION (source_object), result, &problems, &error))
    {
      _headroom_window_show_error (self, _("The clipboard holds no command that can be read"), error);
      return;
    }

  if (problems != NULL)
    headroom_content_show_error (self->content, _("Not everything was taken from the command"), problems);
  else
    headroom_content_clear_error (self->content);
  _headroom_window_show_toast (self, _("Settings taken from the command"));
}

static void
headroom_window_text_read_cb (GObject      *object,
                              GAsyncResult *result,
                              gpointer      user_data)
{
  g_autoptr (HeadroomWindow) self = user_data;
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (object), result, NULL);

  if (text == NULL)
    _headroom_window_show_toast (self, _("The clipboard has no text"));
  else
    headroom_session_read_command_async (self->session, text, headroom_window_command_read_cb, g_object_ref (self));
}

static void
headroom_window_paste_command_action (GtkWidget  *widget,
                                      const char *action_name,
                                      GVariant   *parameter)
{
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (widget), NULL, headroom_window_text_read_cb,
                                 g_object_ref (widget));
}

static void
headroom_window_export_response_cb (GtkFileChooser *chooser,
                                    int             response,
                                    HeadroomWindow *self)
{
  HrReport *report = g_object_get_data (G_OBJECT (chooser), "report");
  HrExportFormat format = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (chooser), "format"));
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (chooser);

  if (file != NULL)
    headroom_window_export (self, report, format, file);
}

static void
headroom_window_export_action (GtkWidget  *widget,
                               const char *action_name,
                               GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);
  g_autoptr (HrReport) report = NULL;
  g_autofree char *name = NULL;
  GObject *dialog;
  HrExportFormat format;

  if (!hr_export_format_from_name (g_variant_get_string (parameter, NULL), &format))
    {
      g_warning ("There is no format %s", g_variant_get_string (parameter, NULL));
      return;
    }

  report = headroom_window_create_report (self);
  name = hr_report_dup_file_name (report, hr_export_format_get_extension (format));
  dialog = headroom_dialog_save (GTK_WINDOW (self), _("Export"), name,
                                 G_CALLBACK (headroom_window_export_response_cb), self);
  g_object_set_data_full (dialog, "report", g_steal_pointer (&report), g_object_unref);
  g_object_set_data (dialog, "format", GUINT_TO_POINTER (format));
}

static void
headroom_window_show_uri_action (GtkWidget  *widget,
                                 const char *action_name,
                                 GVariant   *parameter)
{
  gtk_show_uri (GTK_WINDOW (widget), g_variant_get_string (parameter, NULL), GDK_CURRENT_TIME);
}

static void
headroom_window_undo_action (GtkWidget  *widget,
                             const char *action_name,
                             GVariant   *parameter)
{
  headroom_session_undo (HEADROOM_WINDOW (widget)->session);
}

static void
headroom_window_redo_action (GtkWidget  *widget,
                             const char *action_name,
                             GVariant   *parameter)
{
  headroom_session_redo (HEADROOM_WINDOW (widget)->session);
}

static void
headroom_window_reset_settings_action (GtkWidget  *widget,
                                       const char *action_name,
                                       GVariant   *parameter)
{
  headroom_session_reset_job (HEADROOM_WINDOW (widget)->session);
}

static void
headroom_window_search_action (GtkWidget  *widget,
                               const char *action_name,
                               GVariant   *parameter)
{
  headroom_content_search (HEADROOM_WINDOW (widget)->content);
}

static void
headroom_window_choose_gpu_action (GtkWidget  *widget,
                                   const char *action_name,
                                   GVariant   *parameter)
{
  headroom_content_choose_gpu (HEADROOM_WINDOW (widget)->content);
}

static void
headroom_window_show_settings_action (GtkWidget  *widget,
                                      const char *action_name,
                                      GVariant   *parameter)
{
  headroom_content_show_settings (HEADROOM_WINDOW (widget)->content);
}

static void
headroom_window_show_result_action (GtkWidget  *widget,
                                    const char *action_name,
                                    GVariant   *parameter)
{
  headroom_content_show_result (HEADROOM_WINDOW (widget)->content);
}

static void
headroom_window_next_pane_action (GtkWidget  *widget,
                                  const char *action_name,
                                  GVariant   *parameter)
{
  headroom_content_move_focus (HEADROOM_WINDOW (widget)->content, GTK_DIR_TAB_FORWARD);
}

static void
headroom_window_previous_pane_action (GtkWidget  *widget,
                                      const char *action_name,
                                      GVariant   *parameter)
{
  headroom_content_move_focus (HEADROOM_WINDOW (widget)->content, GTK_DIR_TAB_BACKWARD);
}

/* The actions that show windows, by their names. */
static const struct
{
  const char *action;
  HeadroomSideWindow kind;
} side_actions[] = {
  { "win.show-anatomy", HEADROOM_SIDE_WINDOW_ANATOMY },
  { "win.show-precision", HEADROOM_SIDE_WINDOW_PRECISION },
  { "win.show-comparison", HEADROOM_SIDE_WINDOW_COMPARISON },
  { "win.show-examples", HEADROOM_SIDE_WINDOW_EXAMPLES },
  { "win.show-launch", HEADROOM_SIDE_WINDOW_LAUNCH },
  { "win.show-plan", HEADROOM_SIDE_WINDOW_PLAN },
};

static void
headroom_window_show_side_action (GtkWidget  *widget,
                                  const char *action_name,
                                  GVariant   *parameter)
{
  for (guint i = 0; i < G_N_ELEMENTS (side_actions); i++)
    {
      if (g_str_equal (side_actions[i].action, action_name))
        headroom_side_windows_present (HEADROOM_WINDOW (widget)->side_windows, side_actions[i].kind);
    }
}

static void
headroom_window_present_help (HeadroomWindow *self,
                              const char     *id)
{
  GtkWidget *help = headroom_side_windows_get (self->side_windows, HEADROOM_SIDE_WINDOW_HELP);

  if (id != NULL)
    headroom_help_window_show (HEADROOM_HELP_WINDOW (help), id);
  headroom_side_windows_present (self->side_windows, HEADROOM_SIDE_WINDOW_HELP);
}

/* The topic of the setting whose row has the focus, which is named after it. */
static char *
headroom_window_find_topic (HeadroomWindow *self)
{
  HrJob *job = headroom_session_get_job (self->session);

  for (GtkWidget *widget = gtk_window_get_focus (GTK_WINDOW (self)); widget != NULL;
       widget = gtk_widget_get_parent (widget))
    {
      const char *name = gtk_widget_get_name (widget);

      if (ADW_IS_PREFERENCES_ROW (widget) && g_object_class_find_property (G_OBJECT_GET_CLASS (job), name) != NULL)
        return g_strdup_printf ("setting:%s", name);
    }

  return NULL;
}

static void
headroom_window_show_help_action (GtkWidget  *widget,
                                  const char *action_name,
                                  GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);
  g_autofree char *id = headroom_window_find_topic (self);

  headroom_window_present_help (self, id);
}

/* The key of a topic. */
static void
headroom_window_look_up_action (GtkWidget  *widget,
                                const char *action_name,
                                GVariant   *parameter)
{
  headroom_window_present_help (HEADROOM_WINDOW (widget), g_variant_get_string (parameter, NULL));
}

/* The change is a list of settings with their values, as an advice has it. */
static void
headroom_window_apply_change_action (GtkWidget  *widget,
                                     const char *action_name,
                                     GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);
  g_autoptr (GError) error = NULL;

  if (!headroom_session_change_job (self->session, g_variant_get_string (parameter, NULL), &error))
    headroom_content_show_error (self->content, _("This cannot be changed"), error->message);
}

static void
headroom_window_dismiss_error_action (GtkWidget  *widget,
                                      const char *action_name,
                                      GVariant   *parameter)
{
  headroom_content_clear_error (HEADROOM_WINDOW (widget)->content);
}

static void
headroom_window_update_actions (HeadroomWindow *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  gboolean has_estimate = headroom_session_get_estimate (self->session) != NULL;

  gtk_widget_action_set_enabled (widget, "win.undo", headroom_session_get_can_undo (self->session));
  gtk_widget_action_set_enabled (widget, "win.redo", headroom_session_get_can_redo (self->session));
  gtk_widget_action_set_enabled (widget, "win.save-scenario", has_estimate);
  gtk_widget_action_set_enabled (widget, "win.copy-command-line", has_estimate);
  gtk_widget_action_set_enabled (widget, "win.export", has_estimate);
  gtk_widget_action_set_enabled (widget, "win.show-comparison", has_estimate);
  gtk_widget_action_set_enabled (widget, "win.show-anatomy", headroom_session_get_model (self->session) != NULL);
  gtk_widget_action_set_enabled (widget, "win.show-launch", headroom_session_get_model (self->session) != NULL);
  gtk_widget_action_set_enabled (widget, "win.show-plan", headroom_session_get_model (self->session) != NULL);
}

void
_headroom_window_class_actions_init (HeadroomWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_install_action (widget_class, "win.open", NULL, headroom_window_open_action);
  gtk_widget_class_install_action (widget_class, "win.open-folder", NULL, headroom_window_open_folder_action);
  gtk_widget_class_install_action (widget_class, "win.open-uri", "s", headroom_window_open_uri_action);
  gtk_widget_class_install_action (widget_class, "win.choose-model", "s", headroom_window_choose_model_action);
  gtk_widget_class_install_action (widget_class, "win.save-scenario", NULL, headroom_window_save_scenario_action);
  gtk_widget_class_install_action (widget_class, "win.copy-command-line", NULL,
                                   headroom_window_copy_command_line_action);
  gtk_widget_class_install_action (widget_class, "win.paste-command", NULL, headroom_window_paste_command_action);
  gtk_widget_class_install_action (widget_class, "win.export", "s", headroom_window_export_action);
  gtk_widget_class_install_action (widget_class, "win.show-uri", "s", headroom_window_show_uri_action);
  gtk_widget_class_install_action (widget_class, "win.undo", NULL, headroom_window_undo_action);
  gtk_widget_class_install_action (widget_class, "win.redo", NULL, headroom_window_redo_action);
  gtk_widget_class_install_action (widget_class, "win.reset-settings", NULL, headroom_window_reset_settings_action);
  gtk_widget_class_install_action (widget_class, "win.search", NULL, headroom_window_search_action);
  gtk_widget_class_install_action (widget_class, "win.choose-gpu", NULL, headroom_window_choose_gpu_action);
  gtk_widget_class_install_action (widget_class, "win.show-settings", NULL, headroom_window_show_settings_action);
  gtk_widget_class_install_action (widget_class, "win.show-result", NULL, headroom_window_show_result_action);
  gtk_widget_class_install_action (widget_class, "win.next-pane", NULL, headroom_window_next_pane_action);
  gtk_widget_class_install_action (widget_class, "win.previous-pane", NULL, headroom_window_previous_pane_action);
  gtk_widget_class_install_action (widget_class, "win.apply-change", "s", headroom_window_apply_change_action);
  for (guint i = 0; i < G_N_ELEMENTS (side_actions); i++)
    gtk_widget_class_install_action (widget_class, side_actions[i].action, NULL, headroom_window_show_side_action);
  gtk_widget_class_install_action (widget_class, "win.show-help", NULL, headroom_window_show_help_action);
  gtk_widget_class_install_action (widget_class, "win.look-up", "s", headroom_window_look_up_action);
  gtk_widget_class_install_action (widget_class, "win.dismiss-error", NULL, headroom_window_dismiss_error_action);

  /* Not accelerators of the application, which come first: a text that is being typed has an undo of its own. */
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_z, GDK_CONTROL_MASK, "win.undo", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_z, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "win.redo", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_y, GDK_CONTROL_MASK, "win.redo", NULL);
}

/*
 * Has the actions follow what the session can do.
 */
void
_headroom_window_actions_init (HeadroomWindow *self)
{
  g_signal_connect_object (self->session, "notify", G_CALLBACK (headroom_window_update_actions), self,
                           G_CONNECT_SWAPPED);
  headroom_window_update_actions (self);
}
