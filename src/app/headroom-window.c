/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-window.h"

#include <glib/gi18n.h>
#include <hr-architecture-file.h>
#include <hr-gpu-catalogue.h>

#include "headroom-architecture-dialog.h"
#include "headroom-dialogs.h"
#include "headroom-help-window.h"
#include "headroom-last-session.h"
#include "headroom-recent.h"
#include "headroom-session-saver.h"
#include "headroom-settings.h"
#include "headroom-side-windows.h"

/* The card that estimates are held against until one is chosen, on a machine without a GPU. */
#define FALLBACK_GPU "rtx-4090"

/*
 * HeadroomWindow:
 *
 * A session, the actions on it, and the content that shows it.
 */
struct _HeadroomWindow
{
  AdwApplicationWindow parent_instance;

  HeadroomSession *session;
  HeadroomContent *content;
  GListModel *local_gpus;
  GSettings *settings;
  HeadroomSideWindows *side_windows;
  HeadroomSessionSaver *saver;
  HrGpu *guessed_gpu;
};

G_DEFINE_FINAL_TYPE (HeadroomWindow, headroom_window, ADW_TYPE_APPLICATION_WINDOW)

static void
headroom_window_show_error (HeadroomWindow *self,
                            const char     *title,
                            const GError   *error)
{
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    headroom_content_show_error (self->content, title, error->message);
}

static void
headroom_window_show_toast (HeadroomWindow *self,
                            const char     *text)
{
  AdwToast *toast = adw_toast_new (text);

  adw_toast_set_timeout (toast, 3);
  headroom_content_add_toast (self->content, toast);
}

static HrReport *
headroom_window_create_report (HeadroomWindow *self)
{
  return headroom_session_create_report (self->session, headroom_settings_get_unit_system (self->settings));
}

static void
headroom_window_architecture_added (GtkWindow    *window,
                                    const char   *model_type,
                                    const GError *error)
{
  HeadroomWindow *self = HEADROOM_WINDOW (window);
  g_autofree char *text = NULL;

  if (error != NULL)
    {
      headroom_window_show_error (self, _("The architecture could not be added"), error);
      return;
    }

  headroom_content_clear_error (self->content);
  headroom_window_reload_models ();
  /* Translators: the name of an architecture, such as “qwen2”. */
  text = g_strdup_printf (_("Architecture “%s” added"), model_type);
  headroom_window_show_toast (self, text);
}

/* What is no model may be an architecture file: it is offered to be kept. */
static gboolean
headroom_window_offer_architecture (HeadroomWindow *self,
                                    GFile          *file)
{
  g_autoptr (GError) error = NULL;

  if (!hr_architecture_file_probe (file))
    return FALSE;

  if (!headroom_architecture_dialog_offer (GTK_WINDOW (self), file, headroom_window_architecture_added, &error))
    headroom_window_show_error (self, _("The architecture file has a fault"), error);

  return TRUE;
}

typedef struct
{
  HeadroomWindow *window;
  GFile *file;
} OpenRequest;

static void
headroom_window_opened_cb (GObject      *source_object,
                           GAsyncResult *result,
                           gpointer      user_data)
{
  OpenRequest *request = user_data;
  HeadroomWindow *self = request->window;
  g_autofree char *problems = NULL;
  g_autoptr (GError) error = NULL;

  if (headroom_session_open_finish (HEADROOM_SESSION (source_object), result, &problems, &error))
    {
      headroom_recent_add (self->settings, request->file);
      if (problems != NULL)
        headroom_content_show_error (self->content, _("Not everything could be opened"), problems);
      else
        headroom_content_clear_error (self->content);
    }
  else if (!headroom_window_offer_architecture (self, request->file))
    {
      g_autofree char *name = headroom_recent_get_name (request->file);
      /* Translators: %s is the name of a file or folder */
      g_autofree char *title = g_strdup_printf (_("“%s” could not be opened"), name);

      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        headroom_recent_remove (self->settings, request->file);

      headroom_window_show_error (self, title, error);
    }

  g_object_unref (request->window);
  g_object_unref (request->file);
  g_free (request);
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

      headroom_window_show_error (self, title, error);
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
      headroom_window_show_toast (self, _("Scenario saved"));
    }
  else
    {
      headroom_window_show_error (self, _("The scenario could not be saved"), error);
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
  headroom_window_show_toast (self, _("Command line copied"));
}

/* A report on its way into a file. */
typedef struct
{
  HrReport *report;
  HrExportFormat format;
  GFile *file;
} Export;

static void
export_free (Export *export)
{
  g_clear_object (&export->report);
  g_clear_object (&export->file);
  g_free (export);
}

static void
export_thread (GTask        *task,
               gpointer      source_object,
               gpointer      task_data,
               GCancellable *cancellable)
{
  Export *export = task_data;
  GError *error = NULL;

  if (hr_export_to_file (export->report, export->format, HR_EXPORT_CHART_USUAL, export->file, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
headroom_window_exported_cb (GObject      *source_object,
                             GAsyncResult *result,
                             gpointer      user_data)
{
  HeadroomWindow *self = HEADROOM_WINDOW (source_object);
  Export *export = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_autofree char *name = headroom_recent_get_name (export->file);
      g_autofree char *uri = g_file_get_uri (export->file);
      /* Translators: %s is the name of a file */
      g_autofree char *text = g_strdup_printf (_("“%s” saved"), name);
      AdwToast *toast = adw_toast_new (text);

      /* Long enough to reach the button by keyboard. */
      adw_toast_set_timeout (toast, 10);
      adw_toast_set_button_label (toast, _("_Open"));
      adw_toast_set_action_name (toast, "win.show-uri");
      adw_toast_set_action_target (toast, "s", uri);
      headroom_content_add_toast (self->content, toast);
    }
  else
    {
      headroom_window_show_error (self, _("The report could not be saved"), error);
    }
}

static void
headroom_window_export_response_cb (GtkFileChooser *chooser,
                                    int             response,
                                    HeadroomWindow *self)
{
  Export *export = g_object_get_data (G_OBJECT (chooser), "export");
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (chooser);

  if (file != NULL)
    headroom_window_export (self, export->report, export->format, file);
}

static void
headroom_window_export_action (GtkWidget  *widget,
                               const char *action_name,
                               GVariant   *parameter)
{
  HeadroomWindow *self = HEADROOM_WINDOW (widget);
  g_autofree char *name = NULL;
  Export *export;
  GObject *dialog;
  HrExportFormat format;

  if (!hr_export_format_from_name (g_variant_get_string (parameter, NULL), &format))
    {
      g_warning ("There is no format %s", g_variant_get_string (parameter, NULL));
      return;
    }

  export = g_new0 (Export, 1);
  export->report = headroom_window_create_report (self);
  export->format = format;

  name = hr_report_dup_file_name (export->report, hr_export_format_get_extension (format));
  dialog = headroom_dialog_save (GTK_WINDOW (self), _("Export"), name,
                                 G_CALLBACK (headroom_window_export_response_cb), self);
  g_object_set_data_full (dialog, "export", export, (GDestroyNotify) export_free);
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

static gboolean
headroom_window_drop_cb (HeadroomWindow *self,
                         const GValue   *value)
{
  GdkFileList *list = g_value_get_boxed (value);
  g_autoptr (GSList) files = gdk_file_list_get_files (list);

  headroom_content_set_dropping (self->content, FALSE);
  if (files == NULL)
    return FALSE;

  headroom_window_open (self, files->data);
  return TRUE;
}

static GdkDragAction
headroom_window_drag_enter_cb (HeadroomWindow *self)
{
  headroom_content_set_dropping (self->content, TRUE);

  return GDK_ACTION_COPY;
}

static void
headroom_window_drag_leave_cb (HeadroomWindow *self)
{
  headroom_content_set_dropping (self->content, FALSE);
}

static void
headroom_window_add_drop_target (HeadroomWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  /* Before the entries, which would take the name of a file for text. */
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (target), GTK_PHASE_CAPTURE);
  g_signal_connect_object (target, "drop", G_CALLBACK (headroom_window_drop_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (target, "enter", G_CALLBACK (headroom_window_drag_enter_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (target, "leave", G_CALLBACK (headroom_window_drag_leave_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

static guint
count_alike (GListModel *gpus,
             HrGpu      *like)
{
  guint n_alike = 0;

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (gpus, i);

      if (g_strcmp0 (hr_gpu_get_name (gpu), hr_gpu_get_name (like)) == 0)
        n_alike++;
    }

  return n_alike;
}

/* What was chosen the last time; else what this machine has; else a card that many people have. */
static void
headroom_window_choose_remembered_gpu (HeadroomWindow *self)
{
  g_autofree char *id = g_settings_get_string (self->settings, "gpu");
  guint n_gpus = g_settings_get_uint (self->settings, "gpu-count");
  g_autoptr (HrGpu) gpu = NULL;

  if (*id == '\0')
    gpu = g_list_model_get_item (self->local_gpus, 0);

  if (gpu != NULL)
    n_gpus = count_alike (self->local_gpus, gpu);
  else if (g_strcmp0 (id, HEADROOM_SETTINGS_NO_GPU) != 0)
    gpu = hr_gpu_catalogue_lookup (*id != '\0' ? id : FALLBACK_GPU, NULL);

  g_set_object (&self->guessed_gpu, gpu);
  headroom_session_remember_gpus (self->session, gpu, n_gpus);
}

static void
headroom_window_local_gpus_changed_cb (HeadroomWindow *self)
{
  g_autofree char *id = g_settings_get_string (self->settings, "gpu");

  /* What has been opened or chosen meanwhile stays. */
  if (*id == '\0' && headroom_session_get_gpu (self->session) == self->guessed_gpu)
    headroom_window_choose_remembered_gpu (self);
}

/* The toast names the file; why, and where it is now, is longer than a toast. */
static void
headroom_window_tell_of_damage (HeadroomWindow *self,
                                const GError   *error)
{
  g_autoptr (GFile) file = headroom_last_session_get_file ();
  g_autoptr (GFile) aside = headroom_last_session_put_aside ();
  g_autofree char *name = headroom_recent_get_name (file);
  /* Translators: %s is the name of a file or folder */
  g_autofree char *title = g_strdup_printf (_("“%s” could not be opened"), name);
  g_autoptr (GString) message = g_string_new (error->message);
  AdwToast *toast = adw_toast_new (title);

  if (aside != NULL)
    {
      g_autofree char *place = headroom_recent_get_place (aside);

      g_string_append_c (message, '\n');
      /* Translators: where a file that could not be read has been put */
      g_string_append_printf (message, _("The file was kept as “%s”."), place);
    }

  headroom_content_show_error (self->content, _("The last session could not be restored"), message->str);
  /* Until it is dismissed: who starts an application may look elsewhere meanwhile. */
  adw_toast_set_timeout (toast, 0);
  headroom_content_add_toast (self->content, toast);
}

static void
headroom_window_restored_cb (GObject      *source_object,
                             GAsyncResult *result,
                             gpointer      user_data)
{
  g_autoptr (HeadroomWindow) self = HEADROOM_WINDOW (user_data);
  g_autofree char *problems = NULL;

  /* It fails only where the user has opened something else meanwhile. */
  if (headroom_session_open_finish (HEADROOM_SESSION (source_object), result, &problems, NULL) && problems != NULL)
    headroom_content_show_error (self->content, _("Not everything of the last session could be restored"), problems);
}

static void
headroom_window_save_failed_cb (HeadroomWindow *self,
                                const char     *message)
{
  headroom_content_show_error (self->content, _("What is open cannot be kept for the next start"), message);
}

static gboolean
headroom_window_close_request (GtkWindow *window)
{
  headroom_window_save_session (HEADROOM_WINDOW (window));

  return GTK_WINDOW_CLASS (headroom_window_parent_class)->close_request (window);
}

static void
headroom_window_dispose (GObject *object)
{
  HeadroomWindow *self = HEADROOM_WINDOW (object);

  g_clear_object (&self->side_windows);
  g_clear_object (&self->saver);
  g_clear_object (&self->session);
  g_clear_object (&self->local_gpus);
  g_clear_object (&self->settings);
  g_clear_object (&self->guessed_gpu);

  G_OBJECT_CLASS (headroom_window_parent_class)->dispose (object);
}

static void
headroom_window_class_init (HeadroomWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_window_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = headroom_window_close_request;

  gtk_widget_class_install_action (widget_class, "win.open", NULL, headroom_window_open_action);
  gtk_widget_class_install_action (widget_class, "win.open-folder", NULL, headroom_window_open_folder_action);
  gtk_widget_class_install_action (widget_class, "win.open-uri", "s", headroom_window_open_uri_action);
  gtk_widget_class_install_action (widget_class, "win.choose-model", "s", headroom_window_choose_model_action);
  gtk_widget_class_install_action (widget_class, "win.save-scenario", NULL, headroom_window_save_scenario_action);
  gtk_widget_class_install_action (widget_class, "win.copy-command-line", NULL,
                                   headroom_window_copy_command_line_action);
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

static void
headroom_window_init (HeadroomWindow *self)
{
  self->session = headroom_session_new ();
  self->settings = headroom_settings_new ();
  self->side_windows = headroom_side_windows_new (GTK_WINDOW (self), self->session);

  g_settings_bind (self->settings, "window-width", self, "default-width", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "window-height", self, "default-height", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "window-maximized", self, "maximized", G_SETTINGS_BIND_DEFAULT);

  g_signal_connect_object (self->session, "notify", G_CALLBACK (headroom_window_update_actions), self,
                           G_CONNECT_SWAPPED);
  headroom_window_update_actions (self);
  headroom_window_add_drop_target (self);
  gtk_window_set_icon_name (GTK_WINDOW (self), APPLICATION_ID);
}

/*
 * Creates a window. @local_gpus are those of this machine, which may be found later.
 */
GtkWidget *
headroom_window_new (GtkApplication *application,
                     GListModel     *local_gpus)
{
  HeadroomWindow *self;

  g_return_val_if_fail (G_IS_LIST_MODEL (local_gpus), NULL);

  self = g_object_new (HEADROOM_TYPE_WINDOW, "application", application, "title", _("Headroom"), NULL);
  self->local_gpus = g_object_ref (local_gpus);

  headroom_window_choose_remembered_gpu (self);
  g_signal_connect_object (local_gpus, "items-changed", G_CALLBACK (headroom_window_local_gpus_changed_cb), self,
                           G_CONNECT_SWAPPED);

  self->content = HEADROOM_CONTENT (headroom_content_new (self->session, local_gpus));
  adw_application_window_set_content (ADW_APPLICATION_WINDOW (self), GTK_WIDGET (self->content));

  return GTK_WIDGET (self);
}

HeadroomSession *
headroom_window_get_session (HeadroomWindow *self)
{
  g_return_val_if_fail (HEADROOM_IS_WINDOW (self), NULL);

  return self->session;
}

HeadroomContent *
headroom_window_get_content (HeadroomWindow *self)
{
  g_return_val_if_fail (HEADROOM_IS_WINDOW (self), NULL);

  return self->content;
}

/*
 * Opens a model or a scenario. If that does not work, the window says why and stays as it is.
 */
void
headroom_window_open (HeadroomWindow *self,
                      GFile          *file)
{
  OpenRequest *request;

  g_return_if_fail (HEADROOM_IS_WINDOW (self));
  g_return_if_fail (G_IS_FILE (file));

  request = g_new0 (OpenRequest, 1);
  request->window = g_object_ref (self);
  request->file = g_object_ref (file);

  headroom_session_open_async (self->session, file, headroom_window_opened_cb, request);
}

/*
 * Keeps what is open for the next start, now and after each change from here on.
 */
void
headroom_window_keep_session (HeadroomWindow *self)
{
  g_return_if_fail (HEADROOM_IS_WINDOW (self));
  g_return_if_fail (self->saver == NULL);

  self->saver = headroom_session_saver_new (self->session);
  g_signal_connect_object (self->saver, "failed", G_CALLBACK (headroom_window_save_failed_cb), self,
                           G_CONNECT_SWAPPED);
}

/*
 * Writes what is to be kept, if that is wanted.
 */
void
headroom_window_save_session (HeadroomWindow *self)
{
  g_return_if_fail (HEADROOM_IS_WINDOW (self));

  if (self->saver != NULL)
    headroom_session_saver_save (self->saver);
}

/*
 * Opens what was open the last time, unless the user wants to begin with nothing. Returns whether there is anything; if
 * it cannot be had, the window says why.
 */
gboolean
headroom_window_restore_session (HeadroomWindow *self)
{
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (HEADROOM_IS_WINDOW (self), FALSE);

  if (!headroom_settings_get_restore_session (self->settings))
    return FALSE;

  if (!headroom_last_session_read (&scenario, &error))
    headroom_window_tell_of_damage (self, error);
  if (scenario == NULL)
    return FALSE;

  headroom_session_restore_async (self->session, scenario, headroom_window_restored_cb, g_object_ref (self));
  return TRUE;
}

/*
 * Reads the models of all windows again: another architecture file may be there.
 */
void
headroom_window_reload_models (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);

      if (!HEADROOM_IS_WINDOW (window))
        continue;
      headroom_session_reload_model (HEADROOM_WINDOW (window)->session);
      headroom_session_update (HEADROOM_WINDOW (window)->session);
    }
}

/*
 * Writes @report into @file, in a thread: fonts for a PDF may take a while to load.
 */
void
headroom_window_export (HeadroomWindow *self,
                        HrReport       *report,
                        HrExportFormat  format,
                        GFile          *file)
{
  g_autoptr (GTask) task = NULL;
  Export *export;

  g_return_if_fail (HEADROOM_IS_WINDOW (self));
  g_return_if_fail (HR_IS_REPORT (report));
  g_return_if_fail (G_IS_FILE (file));

  export = g_new0 (Export, 1);
  export->report = g_object_ref (report);
  export->format = format;
  export->file = g_object_ref (file);

  task = g_task_new (self, NULL, headroom_window_exported_cb, NULL);
  g_task_set_source_tag (task, headroom_window_export);
  g_task_set_task_data (task, export, (GDestroyNotify) export_free);
  g_task_run_in_thread (task, export_thread);
}

/*
 * Builds all that is shown anew, for another language, and puts the user where they were.
 */
void
headroom_window_rebuild (HeadroomWindow *self)
{
  HeadroomContent *content;

  g_return_if_fail (HEADROOM_IS_WINDOW (self));

  headroom_session_reload_model (self->session);
  headroom_session_update (self->session);

  content = HEADROOM_CONTENT (headroom_content_new (self->session, self->local_gpus));
  headroom_content_take_view (content, self->content);

  self->content = content;
  adw_application_window_set_content (ADW_APPLICATION_WINDOW (self), GTK_WIDGET (content));
  headroom_side_windows_rebuild (self->side_windows);
}
