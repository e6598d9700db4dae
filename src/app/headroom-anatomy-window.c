/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-anatomy-window.h"

#include <glib/gi18n.h>
#include <hr-labels.h>
#include <string.h>

#include "headroom-anatomy-comparison.h"
#include "headroom-anatomy-list.h"
#include "headroom-anatomy-overview.h"
#include "headroom-dialogs.h"
#include "headroom-recent.h"
#include "headroom-settings.h"
#include "headroom-tensor-list.h"
#include "hr-export-anatomy.h"

#define N_PAGES 5

/*
 * HeadroomAnatomyWindow:
 *
 * What the model of a session is made of. It follows the session: another model, data type or context shows at once.
 */
struct _HeadroomAnatomyWindow
{
  AdwWindow parent_instance;

  HeadroomSession *session;
  GSettings *settings;
  HrAnatomy *anatomy;
  gboolean is_current[N_PAGES];   /* whether a page shows what there is now */

  AdwToastOverlay *toasts;
  AdwViewStack *stack;
  HeadroomAnatomyOverview *overview;
  HeadroomAnatomyList *layers;
  HeadroomTensorList *tensors;
  HeadroomAnatomyList *formulas;
  HeadroomAnatomyComparison *comparison;
};

G_DEFINE_FINAL_TYPE (HeadroomAnatomyWindow, headroom_anatomy_window, ADW_TYPE_WINDOW)

static void
show_sections (HeadroomAnatomyWindow  *self,
               HeadroomAnatomyList    *list,
               const HrAnatomySection *sections,
               guint                   n_sections)
{
  HrAnatomyTable *tables[HR_N_ANATOMY_SECTIONS];

  for (guint i = 0; i < n_sections; i++)
    tables[i] = hr_anatomy_get_table (self->anatomy, sections[i]);

  headroom_anatomy_list_show (list, tables, n_sections, headroom_settings_get_unit_system (self->settings));
}

static void
update_overview (HeadroomAnatomyWindow *self)
{
  headroom_anatomy_overview_show (self->overview, self->anatomy, headroom_settings_get_unit_system (self->settings));
}

static void
update_layers (HeadroomAnatomyWindow *self)
{
  static const HrAnatomySection sections[] = { HR_ANATOMY_SECTION_LAYERS, HR_ANATOMY_SECTION_KEYS };

  show_sections (self, self->layers, sections, G_N_ELEMENTS (sections));
}

static void
update_tensors (HeadroomAnatomyWindow *self)
{
  headroom_tensor_list_show (self->tensors, self->anatomy, headroom_settings_get_unit_system (self->settings));
}

static void
update_formulas (HeadroomAnatomyWindow *self)
{
  static const HrAnatomySection sections[] = {
    HR_ANATOMY_SECTION_HEADS, HR_ANATOMY_SECTION_CACHE, HR_ANATOMY_SECTION_EXPANSION, HR_ANATOMY_SECTION_RULES,
    HR_ANATOMY_SECTION_FEED_FORWARD,
  };

  show_sections (self, self->formulas, sections, G_N_ELEMENTS (sections));
}

static void
update_comparison (HeadroomAnatomyWindow *self)
{
  headroom_anatomy_comparison_show (self->comparison, self->anatomy, headroom_session_get_job (self->session),
                                    headroom_settings_get_unit_system (self->settings));
}

static const struct
{
  const char *name;
  void (* update) (HeadroomAnatomyWindow *self);
} pages[] = {
  { "overview", update_overview },
  { "layers", update_layers },
  { "tensors", update_tensors },
  { "formulas", update_formulas },
  { "comparison", update_comparison },
};

G_STATIC_ASSERT (G_N_ELEMENTS (pages) == N_PAGES);

/* A page that is not in sight waits until it is: a model may have a hundred thousand tensors. */
static void
headroom_anatomy_window_update_page (HeadroomAnatomyWindow *self)
{
  const char *name = adw_view_stack_get_visible_child_name (self->stack);

  for (guint i = 0; self->anatomy != NULL && i < N_PAGES; i++)
    {
      if (self->is_current[i] || g_strcmp0 (name, pages[i].name) != 0)
        continue;
      self->is_current[i] = TRUE;
      pages[i].update (self);
    }
}

static void
headroom_anatomy_window_update (HeadroomAnatomyWindow *self)
{
  HrModel *model = headroom_session_get_model (self->session);

  if (model == NULL)
    return;

  g_clear_object (&self->anatomy);
  self->anatomy = hr_anatomy_new (model, headroom_session_get_job (self->session));
  memset (self->is_current, 0, sizeof self->is_current);
  headroom_anatomy_window_update_page (self);
}

static void
headroom_anatomy_window_show_toast (HeadroomAnatomyWindow *self,
                                    const char            *text)
{
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (text));
}

/* What is to be written, while the user says where to. */
typedef struct
{
  HrAnatomy *anatomy;
  HrAnatomy *other;
  HrAnatomyFormat format;
} Export;

static void
export_free (Export *export)
{
  g_clear_object (&export->anatomy);
  g_clear_object (&export->other);
  g_free (export);
}

static void
headroom_anatomy_window_export_response_cb (GtkFileChooser        *chooser,
                                            int                    response,
                                            HeadroomAnatomyWindow *self)
{
  Export *export = g_object_get_data (G_OBJECT (chooser), "export");
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = NULL;
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;

  if (response != GTK_RESPONSE_ACCEPT)
    return;

  file = gtk_file_chooser_get_file (chooser);
  if (!hr_export_anatomy_to_file (export->anatomy, export->other, export->format,
                                  headroom_settings_get_unit_system (self->settings), file, &error))
    {
      headroom_anatomy_window_show_toast (self, error->message);
      return;
    }

  name = headroom_recent_get_name (file);
  /* Translators: %s is the name of a file */
  text = g_strdup_printf (_("“%s” saved"), name);
  headroom_anatomy_window_show_toast (self, text);
}

static void
headroom_anatomy_window_export_action (GtkWidget  *widget,
                                       const char *action_name,
                                       GVariant   *parameter)
{
  HeadroomAnatomyWindow *self = HEADROOM_ANATOMY_WINDOW (widget);
  HrAnatomy *other = headroom_anatomy_comparison_get_other (self->comparison);
  g_autofree char *name = NULL;
  HrAnatomyFormat format;
  Export *export;
  GObject *dialog;

  if (!hr_anatomy_format_from_name (g_variant_get_string (parameter, NULL), &format))
    {
      g_warning ("There is no format %s", g_variant_get_string (parameter, NULL));
      return;
    }

  export = g_new0 (Export, 1);
  export->anatomy = g_object_ref (self->anatomy);
  export->other = other != NULL ? g_object_ref (other) : NULL;
  export->format = format;

  name = hr_anatomy_dup_file_name (self->anatomy, hr_anatomy_format_get_file_suffix (format));
  dialog = headroom_dialog_save (GTK_WINDOW (self), _("Export"), name,
                                 G_CALLBACK (headroom_anatomy_window_export_response_cb), self);
  g_object_set_data_full (dialog, "export", export, (GDestroyNotify) export_free);
}

static void
headroom_anatomy_window_show_part_action (GtkWidget  *widget,
                                          const char *action_name,
                                          GVariant   *parameter)
{
  HeadroomAnatomyWindow *self = HEADROOM_ANATOMY_WINDOW (widget);
  const char *id = g_variant_get_string (parameter, NULL);

  for (HrPart part = 0; part < HR_N_PARTS; part++)
    {
      if (g_str_equal (hr_part_get_id (part), id))
        headroom_tensor_list_set_part (self->tensors, part);
    }

  headroom_tensor_list_set_text (self->tensors, "");
  headroom_anatomy_window_show_page (self, "tensors");
}

static void
headroom_anatomy_window_show_page_action (GtkWidget  *widget,
                                          const char *action_name,
                                          GVariant   *parameter)
{
  headroom_anatomy_window_show_page (HEADROOM_ANATOMY_WINDOW (widget), g_variant_get_string (parameter, NULL));
}

static void
headroom_anatomy_window_search_action (GtkWidget  *widget,
                                       const char *action_name,
                                       GVariant   *parameter)
{
  HeadroomAnatomyWindow *self = HEADROOM_ANATOMY_WINDOW (widget);

  headroom_anatomy_window_show_page (self, "tensors");
  gtk_widget_grab_focus (GTK_WIDGET (self->tensors));
}

static void
headroom_anatomy_window_dispose (GObject *object)
{
  HeadroomAnatomyWindow *self = HEADROOM_ANATOMY_WINDOW (object);

  g_clear_object (&self->session);
  g_clear_object (&self->settings);
  g_clear_object (&self->anatomy);

  G_OBJECT_CLASS (headroom_anatomy_window_parent_class)->dispose (object);
}

static void
headroom_anatomy_window_page_cb (HeadroomAnatomyWindow *self)
{
  g_assert (HEADROOM_IS_ANATOMY_WINDOW (self));

  headroom_anatomy_window_update_page (self);
}

static void
headroom_anatomy_window_class_init (HeadroomAnatomyWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_anatomy_window_dispose;

  g_type_ensure (HEADROOM_TYPE_ANATOMY_COMPARISON);
  g_type_ensure (HEADROOM_TYPE_ANATOMY_LIST);
  g_type_ensure (HEADROOM_TYPE_ANATOMY_OVERVIEW);
  g_type_ensure (HEADROOM_TYPE_TENSOR_LIST);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-anatomy-window.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyWindow, overview);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyWindow, layers);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyWindow, tensors);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyWindow, formulas);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyWindow, comparison);
  gtk_widget_class_bind_template_callback (widget_class, headroom_anatomy_window_page_cb);

  gtk_widget_class_install_action (widget_class, "anatomy.export", "s", headroom_anatomy_window_export_action);
  gtk_widget_class_install_action (widget_class, "anatomy.show-part", "s", headroom_anatomy_window_show_part_action);
  gtk_widget_class_install_action (widget_class, "anatomy.show-page", "s", headroom_anatomy_window_show_page_action);
  gtk_widget_class_install_action (widget_class, "anatomy.search", NULL, headroom_anatomy_window_search_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_f, GDK_CONTROL_MASK, "anatomy.search", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    gtk_widget_class_add_binding_action (widget_class, GDK_KEY_1 + i, GDK_ALT_MASK, "anatomy.show-page", "s",
                                         pages[i].name);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
headroom_anatomy_window_init (HeadroomAnatomyWindow *self)
{
  self->settings = headroom_settings_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_window_set_icon_name (GTK_WINDOW (self), APPLICATION_ID);
}

GtkWidget *
headroom_anatomy_window_new (HeadroomSession *session)
{
  HeadroomAnatomyWindow *self;

  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);

  self = g_object_new (HEADROOM_TYPE_ANATOMY_WINDOW, NULL);
  self->session = g_object_ref (session);
  g_signal_connect_object (session, "notify::estimate", G_CALLBACK (headroom_anatomy_window_update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::model", G_CALLBACK (headroom_anatomy_window_update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::unit-system", G_CALLBACK (headroom_anatomy_window_update), self,
                           G_CONNECT_SWAPPED);
  headroom_anatomy_window_update (self);

  return GTK_WIDGET (self);
}

/*
 * Puts the user where they were in @old, which is about to go.
 */
void
headroom_anatomy_window_take_view (HeadroomAnatomyWindow *self,
                                   HeadroomAnatomyWindow *old)
{
  g_return_if_fail (HEADROOM_IS_ANATOMY_WINDOW (self));
  g_return_if_fail (HEADROOM_IS_ANATOMY_WINDOW (old));

  headroom_anatomy_window_show_page (self, adw_view_stack_get_visible_child_name (old->stack));
  headroom_anatomy_overview_set_selected (self->overview, headroom_anatomy_overview_get_selected (old->overview));
  headroom_anatomy_comparison_set_model (self->comparison, headroom_anatomy_comparison_get_model (old->comparison));
}

/*
 * Goes to a page: “overview”, “layers”, “tensors”, “formulas” or “comparison”.
 */
void
headroom_anatomy_window_show_page (HeadroomAnatomyWindow *self,
                                   const char            *name)
{
  g_return_if_fail (HEADROOM_IS_ANATOMY_WINDOW (self));
  g_return_if_fail (name != NULL);

  adw_view_stack_set_visible_child_name (self->stack, name);
}

/*
 * Sets @model beside the one of the session.
 */
void
headroom_anatomy_window_compare (HeadroomAnatomyWindow *self,
                                 HrModel               *model)
{
  g_return_if_fail (HEADROOM_IS_ANATOMY_WINDOW (self));

  headroom_anatomy_comparison_set_model (self->comparison, model);
  headroom_anatomy_window_show_page (self, "comparison");
}
