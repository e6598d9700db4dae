/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-launch-window.h"

#include <glib/gi18n.h>
#include <hr-file-writer.h>
#include <hr-launch.h>
#include <string.h>

#include "headroom-dialogs.h"
#include "headroom-recent.h"

/*
 * HeadroomLaunchWindow:
 *
 * What the job of a session is launched with: a page for each file, to copy or to save. It follows the session.
 */
struct _HeadroomLaunchWindow
{
  AdwWindow parent_instance;

  HeadroomSession *session;
  HrLaunch *launch;

  AdwToastOverlay *toasts;
  GtkStack *content;
  AdwViewStack *stack;
  AdwStatusPage *problem;
  GtkLabel *notes;
  GtkLabel *sources;
};

G_DEFINE_FINAL_TYPE (HeadroomLaunchWindow, headroom_launch_window, ADW_TYPE_WINDOW)

static const HrLaunchFile *
headroom_launch_window_get_file (HeadroomLaunchWindow *self)
{
  const char *id = adw_view_stack_get_visible_child_name (self->stack);

  for (guint i = 0; self->launch != NULL && i < self->launch->files->len; i++)
    {
      const HrLaunchFile *file = g_ptr_array_index (self->launch->files, i);

      if (g_strcmp0 (file->id, id) == 0)
        return file;
    }

  return NULL;
}

/* The programs, each a link to where its options are from. */
static void
headroom_launch_window_update_sources (HeadroomLaunchWindow *self)
{
  const HrLaunchFile *file = headroom_launch_window_get_file (self);
  g_autoptr (GString) links = g_string_new (NULL);
  g_autofree char *text = NULL;

  for (guint i = 0; file != NULL && file->programs[i] != NULL; i++)
    {
      g_autofree char *link = g_markup_printf_escaped ("<a href=\"%s\">%s</a>", file->sources[i], file->programs[i]);

      g_string_append_printf (links, "%s%s", i > 0 ? C_("between names in a list", ", ") : "", link);
    }

  /* Translators: names of programs with their versions, which are links. */
  text = g_strdup_printf (_("Options as in %s"), links->str);
  gtk_label_set_markup (self->sources, text);
  gtk_widget_set_visible (GTK_WIDGET (self->sources), links->len > 0);
}

static const char *
get_icon_name (const HrLaunchFile *file)
{
  return g_str_has_suffix (file->name, ".sh") ? "utilities-terminal-symbolic" : "text-x-generic-symbolic";
}

static void
headroom_launch_window_add_file (HeadroomLaunchWindow *self,
                                 const HrLaunchFile   *file)
{
  GtkWidget *view = g_object_new (GTK_TYPE_TEXT_VIEW,
                                  "editable", FALSE,
                                  "monospace", TRUE,
                                  "top-margin", 12,
                                  "bottom-margin", 12,
                                  "left-margin", 12,
                                  "right-margin", 12,
                                  NULL);
  GtkWidget *scroller = g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", view, NULL);
  AdwViewStackPage *page;

  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), file->text, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL, file->name, -1);

  page = adw_view_stack_add_titled (self->stack, scroller, file->id, file->name);
  adw_view_stack_page_set_icon_name (page, get_icon_name (file));
}

static void
headroom_launch_window_remove_files (HeadroomLaunchWindow *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->stack))) != NULL)
    adw_view_stack_remove (self->stack, child);
}

static void
headroom_launch_window_show_files (HeadroomLaunchWindow *self)
{
  g_autofree char *shown = g_strdup (adw_view_stack_get_visible_child_name (self->stack));
  g_autofree char *notes = hr_launch_dup_notes (self->launch, headroom_session_get_job (self->session));

  headroom_launch_window_remove_files (self);
  for (guint i = 0; i < self->launch->files->len; i++)
    headroom_launch_window_add_file (self, g_ptr_array_index (self->launch->files, i));

  if (shown != NULL && adw_view_stack_get_child_by_name (self->stack, shown) != NULL)
    adw_view_stack_set_visible_child_name (self->stack, shown);

  gtk_label_set_label (self->notes, notes != NULL ? notes : "");
  gtk_widget_set_visible (GTK_WIDGET (self->notes), notes != NULL);
  gtk_stack_set_visible_child_name (self->content, "files");
}

static void
headroom_launch_window_update (HeadroomLaunchWindow *self)
{
  HrModel *model = headroom_session_get_model (self->session);
  g_autoptr (GError) error = NULL;
  gboolean has_files;

  if (model == NULL)
    return;

  g_clear_pointer (&self->launch, hr_launch_free);
  self->launch = hr_launch_new (model, headroom_session_get_job (self->session),
                                headroom_session_get_n_gpus (self->session), &error);
  has_files = self->launch != NULL;
  if (has_files)
    headroom_launch_window_show_files (self);
  else
    {
      headroom_launch_window_remove_files (self);
      adw_status_page_set_description (self->problem, error->message);
      gtk_stack_set_visible_child_name (self->content, "problem");
    }

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "launch.copy", has_files);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "launch.save", has_files);
  headroom_launch_window_update_sources (self);
}

static void
headroom_launch_window_page_cb (HeadroomLaunchWindow *self)
{
  g_assert (HEADROOM_IS_LAUNCH_WINDOW (self));

  headroom_launch_window_update_sources (self);
}

static void
headroom_launch_window_show_toast (HeadroomLaunchWindow *self,
                                   const char           *format,
                                   const char           *name)
{
  g_autoptr (GString) text = g_string_new (format);

  g_string_replace (text, "%s", name, 1);
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (text->str));
}

static void
headroom_launch_window_copy_action (GtkWidget  *widget,
                                    const char *action_name,
                                    GVariant   *parameter)
{
  HeadroomLaunchWindow *self = HEADROOM_LAUNCH_WINDOW (widget);
  const HrLaunchFile *file = headroom_launch_window_get_file (self);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), file->text);
  /* Translators: %s is the name of a file */
  headroom_launch_window_show_toast (self, _("“%s” copied"), file->name);
}

static void
headroom_launch_window_save_response_cb (GtkFileChooser       *chooser,
                                         int                   response,
                                         HeadroomLaunchWindow *self)
{
  const char *text = g_object_get_data (G_OBJECT (chooser), "text");
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = NULL;
  g_autofree char *name = NULL;

  if (response != GTK_RESPONSE_ACCEPT)
    return;

  file = gtk_file_chooser_get_file (chooser);
  if (!hr_file_write (file, text, strlen (text), &error))
    {
      headroom_launch_window_show_toast (self, "%s", error->message);
      return;
    }

  name = headroom_recent_get_name (file);
  /* Translators: %s is the name of a file */
  headroom_launch_window_show_toast (self, _("“%s” saved"), name);
}

/* What is saved is what was seen when it was asked for. */
static void
headroom_launch_window_save_action (GtkWidget  *widget,
                                    const char *action_name,
                                    GVariant   *parameter)
{
  HeadroomLaunchWindow *self = HEADROOM_LAUNCH_WINDOW (widget);
  const HrLaunchFile *file = headroom_launch_window_get_file (self);
  GObject *dialog = headroom_dialog_save (GTK_WINDOW (self), _("Save"), file->name,
                                          G_CALLBACK (headroom_launch_window_save_response_cb), self);

  g_object_set_data_full (dialog, "text", g_strdup (file->text), g_free);
}

static void
headroom_launch_window_dispose (GObject *object)
{
  HeadroomLaunchWindow *self = HEADROOM_LAUNCH_WINDOW (object);

  g_clear_object (&self->session);
  g_clear_pointer (&self->launch, hr_launch_free);

  G_OBJECT_CLASS (headroom_launch_window_parent_class)->dispose (object);
}

static void
headroom_launch_window_class_init (HeadroomLaunchWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_launch_window_dispose;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-launch-window.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomLaunchWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, HeadroomLaunchWindow, content);
  gtk_widget_class_bind_template_child (widget_class, HeadroomLaunchWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, HeadroomLaunchWindow, problem);
  gtk_widget_class_bind_template_child (widget_class, HeadroomLaunchWindow, notes);
  gtk_widget_class_bind_template_child (widget_class, HeadroomLaunchWindow, sources);
  gtk_widget_class_bind_template_callback (widget_class, headroom_launch_window_page_cb);

  gtk_widget_class_install_action (widget_class, "launch.copy", NULL, headroom_launch_window_copy_action);
  gtk_widget_class_install_action (widget_class, "launch.save", NULL, headroom_launch_window_save_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_s, GDK_CONTROL_MASK, "launch.save", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_c, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "launch.copy",
                                       NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
headroom_launch_window_init (HeadroomLaunchWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_window_set_icon_name (GTK_WINDOW (self), APPLICATION_ID);
}

/*
 * Creates a window that shows what the job of @session is launched with, whatever becomes of it.
 */
GtkWidget *
headroom_launch_window_new (HeadroomSession *session)
{
  HeadroomLaunchWindow *self;

  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);

  self = g_object_new (HEADROOM_TYPE_LAUNCH_WINDOW, NULL);
  self->session = g_object_ref (session);
  g_signal_connect_object (session, "notify::estimate", G_CALLBACK (headroom_launch_window_update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::model", G_CALLBACK (headroom_launch_window_update), self,
                           G_CONNECT_SWAPPED);
  headroom_launch_window_update (self);

  return GTK_WIDGET (self);
}

/*
 * Puts the user where they were in @old, which is about to go.
 */
void
headroom_launch_window_take_view (HeadroomLaunchWindow *self,
                                  HeadroomLaunchWindow *old)
{
  const char *shown;

  g_return_if_fail (HEADROOM_IS_LAUNCH_WINDOW (self));
  g_return_if_fail (HEADROOM_IS_LAUNCH_WINDOW (old));

  shown = adw_view_stack_get_visible_child_name (old->stack);
  if (shown != NULL && adw_view_stack_get_child_by_name (self->stack, shown) != NULL)
    adw_view_stack_set_visible_child_name (self->stack, shown);
}
