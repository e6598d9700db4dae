/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-window-private.h"

#include <glib/gi18n.h>
#include <hr-architecture-file.h>

#include "headroom-architecture-dialog.h"
#include "headroom-export.h"
#include "headroom-last-session.h"
#include "headroom-recent.h"
#include "headroom-remembered-gpu.h"
#include "headroom-session-opening.h"
#include "headroom-settings.h"

G_DEFINE_FINAL_TYPE (HeadroomWindow, headroom_window, ADW_TYPE_APPLICATION_WINDOW)

static void
headroom_window_architecture_added (GtkWindow    *window,
                                    const char   *model_type,
                                    const GError *error)
{
  HeadroomWindow *self = HEADROOM_WINDOW (window);
  g_autofree char *text = NULL;

  if (error != NULL)
    {
      _headroom_window_show_error (self, _("The architecture could not be added"), error);
      return;
    }

  headroom_content_clear_error (self->content);
  headroom_window_reload_models ();
  /* Translators: the name of an architecture, such as “qwen2”. */
  text = g_strdup_printf (_("Architecture “%s” added"), model_type);
  _headroom_window_show_toast (self, text);
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
    _headroom_window_show_error (self, _("The architecture file has a fault"), error);

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

      _headroom_window_show_error (self, title, error);
    }

  g_object_unref (request->window);
  g_object_unref (request->file);
  g_free (request);
}

static void
headroom_window_exported_cb (GObject      *source_object,
                             GAsyncResult *result,
                             gpointer      user_data)
{
  HeadroomWindow *self = HEADROOM_WINDOW (source_object);
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = headroom_export_finish (result, &error);

  if (file != NULL)
    {
      g_autofree char *name = headroom_recent_get_name (file);
      g_autofree char *uri = g_file_get_uri (file);
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
      _headroom_window_show_error (self, _("The report could not be saved"), error);
    }
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

static void
headroom_window_choose_remembered_gpu (HeadroomWindow *self)
{
  g_autoptr (HrGpu) gpu = NULL;
  guint n_gpus;

  gpu = headroom_remembered_gpu_find (self->settings, self->local_gpus, &n_gpus);
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

  object_class->dispose = headroom_window_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = headroom_window_close_request;

  _headroom_window_class_actions_init (klass);
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

  _headroom_window_actions_init (self);
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
 * Shows what went wrong, unless the user has given it up.
 */
void
_headroom_window_show_error (HeadroomWindow *self,
                             const char     *title,
                             const GError   *error)
{
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    headroom_content_show_error (self->content, title, error->message);
}

void
_headroom_window_show_toast (HeadroomWindow *self,
                             const char     *text)
{
  AdwToast *toast = adw_toast_new (text);

  adw_toast_set_timeout (toast, 3);
  headroom_content_add_toast (self->content, toast);
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
 * Writes @report into @file, and says so once it is there.
 */
void
headroom_window_export (HeadroomWindow *self,
                        HrReport       *report,
                        HrExportFormat  format,
                        GFile          *file)
{
  g_return_if_fail (HEADROOM_IS_WINDOW (self));

  headroom_export_async (report, format, file, self, headroom_window_exported_cb, NULL);
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
