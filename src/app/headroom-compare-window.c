/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-compare-window.h"

#include <glib/gi18n.h>

#include "headroom-columns.h"
#include "headroom-dialogs.h"
#include "headroom-drop-down.h"
#include "headroom-pin.h"
#include "headroom-session-scenario.h"
#include "headroom-settings.h"
#include "hr-estimate-comparison.h"
#include "hr-export-comparison.h"
#include "hr-file-writer.h"

/* Below twice that, names go above their figures. */
#define COLUMN_WIDTH 250

/*
 * HeadroomCompareWindow:
 *
 * Two estimates side by side: in what they were asked for differently, and the differences by part and by phase. Each
 * is what is set now, a configuration that is pinned, or a scenario from a file.
 */
struct _HeadroomCompareWindow
{
  AdwWindow parent_instance;

  HeadroomSession *session;
  GSettings *settings;
  GListStore *opened;
  GListStore *choices;
  HeadroomPin *pins[2];
  HrReport *reports[2];
  guint open_side;
  gboolean is_chosen;
  gboolean filling;

  AdwToastOverlay *toasts;
  GtkDropDown *first;
  GtkDropDown *second;
  GtkLabel *problem;
  GtkWidget *tables;
  GtkBox *differences;
  GtkBox *components;
  GtkBox *phases;
};

G_DEFINE_FINAL_TYPE (HeadroomCompareWindow, headroom_compare_window, ADW_TYPE_WINDOW)

/* A name, and beside or below it as many cells as there are. */
static void
add_row (GtkBox              *table,
         const char          *name,
         const char * const  *cells,
         guint                n_cells,
         const char          *css_class)
{
  GtkWidget *row = headroom_columns_new_row (name, cells, n_cells, 12, css_class);
  g_autofree char *list = g_strjoinv (C_("between names in a list", ", "), (char **) cells);
  /* Translators: how the rule of thumb comes to a figure: 1 the name of a component, 2 a formula */
  g_autofree char *sentence = g_strdup_printf (_("%1$s: %2$s"), name, list);

  g_object_set (row, "column-width", COLUMN_WIDTH, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, sentence, -1);
  gtk_box_append (table, row);
}

static void
clear (GtkBox *table)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (table))) != NULL)
    gtk_box_remove (table, child);
}

static void
headroom_compare_window_show_differences (HeadroomCompareWindow *self)
{
  g_autoptr (GPtrArray) differences = hr_report_compare_settings (self->reports[0], self->reports[1]);
  const char *heads[] = { _("First"), _("Second"), NULL };
  const char *nothing = C_("no figure", "—");

  clear (self->differences);
  if (differences->len == 0)
    {
      gtk_box_append (self->differences, g_object_new (GTK_TYPE_LABEL,
                                                       "label", _("Model, settings and GPUs are the same."),
                                                       "wrap", TRUE,
                                                       "xalign", 0.0,
                                                       NULL));
      return;
    }

  add_row (self->differences, _("Setting"), heads, 2, "dim-label");
  for (guint i = 0; i < differences->len; i++)
    {
      const HrSettingDifference *item = g_ptr_array_index (differences, i);
      const char *cells[] = { item->texts[0] != NULL ? item->texts[0] : nothing,
                              item->texts[1] != NULL ? item->texts[1] : nothing, NULL };

      add_row (self->differences, item->label, cells, 2, NULL);
    }
}

static void
headroom_compare_window_show_figures (HeadroomCompareWindow *self)
{
  g_autoptr (GArray) figures = hr_estimate_compare (hr_report_get_estimate (self->reports[0]),
                                                    hr_report_get_estimate (self->reports[1]));
  HrUnitSystem units = hr_report_get_unit_system (self->reports[0]);
  const char *heads[] = { _("First"), _("Second"), _("Difference"), NULL };
  const char *nothing = C_("no figure", "—");

  clear (self->components);
  clear (self->phases);
  add_row (self->components, _("Component"), heads, 3, "dim-label");
  add_row (self->phases, _("Phase"), heads, 3, "dim-label");

  for (guint i = 0; i < figures->len; i++)
    {
      const HrEstimateFigure *figure = &g_array_index (figures, HrEstimateFigure, i);
      gboolean is_phase = g_str_equal (figure->section, "phase");
      g_autofree char *first = hr_format_bytes (figure->bytes[0], units);
      g_autofree char *second = hr_format_bytes (figure->bytes[1], units);
      g_autofree char *difference = hr_format_bytes_difference ((gint64) (figure->bytes[1] - figure->bytes[0]), units);
      const char *cells[] = { figure->is_there[0] ? first : nothing, figure->is_there[1] ? second : nothing,
                              difference, NULL };

      add_row (is_phase ? self->phases : self->components, figure->label, cells, 3,
               g_str_equal (figure->section, "total") ? "heading" : NULL);
    }
}

static gboolean
headroom_compare_window_estimate (HeadroomCompareWindow  *self,
                                  guint                   side,
                                  GError                **error)
{
  g_clear_object (&self->reports[side]);
  if (self->pins[side] != NULL)
    self->reports[side] = headroom_pin_create_report (self->pins[side],
                                                      headroom_settings_get_unit_system (self->settings), error);

  return self->reports[side] != NULL;
}

static void
headroom_compare_window_update (HeadroomCompareWindow *self)
{
  g_autoptr (GError) error = NULL;
  gboolean is_there = headroom_compare_window_estimate (self, 0, &error) &&
                      headroom_compare_window_estimate (self, 1, &error);

  gtk_widget_set_visible (self->tables, is_there);
  gtk_widget_set_visible (GTK_WIDGET (self->problem), error != NULL);
  gtk_label_set_label (self->problem, error != NULL ? error->message : "");
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "compare.export", is_there);
  if (!is_there)
    return;

  headroom_compare_window_show_differences (self);
  headroom_compare_window_show_figures (self);
}

static void
headroom_compare_window_choose (HeadroomCompareWindow *self,
                                guint                  side,
                                guint                  index)
{
  g_clear_object (&self->pins[side]);
  self->pins[side] = g_list_model_get_item (G_LIST_MODEL (self->choices), index);
  gtk_drop_down_set_selected (side == 0 ? self->first : self->second, index);
}

static void
headroom_compare_window_chosen_cb (HeadroomCompareWindow *self)
{
  if (self->filling)
    return;

  self->is_chosen = TRUE;
  headroom_compare_window_choose (self, 0, gtk_drop_down_get_selected (self->first));
  headroom_compare_window_choose (self, 1, gtk_drop_down_get_selected (self->second));
  headroom_compare_window_update (self);
}

/* The place of what was chosen, which stays chosen as long as it is there; what is set now is the first of all. */
static guint
headroom_compare_window_find (HeadroomCompareWindow *self,
                              guint                  side)
{
  guint index;

  return self->pins[side] != NULL && g_list_store_find (self->choices, self->pins[side], &index) ? index : 0;
}

static void
append_all (GListStore *to,
            GListModel *from)
{
  for (guint i = 0; i < g_list_model_get_n_items (from); i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (from, i);

      g_list_store_append (to, item);
    }
}

/* Lists what there is to compare: what is set now, what is pinned, what was opened. */
static void
headroom_compare_window_fill (HeadroomCompareWindow *self)
{
  HrModel *model = headroom_session_get_model (self->session);
  GListModel *pins = G_LIST_MODEL (headroom_session_get_pins (self->session));
  guint n_pins = g_list_model_get_n_items (pins);
  g_autoptr (HeadroomPin) now = NULL;
  g_autofree char *label = NULL;

  if (model == NULL)
    return;

  /* Translators: the configuration that is being worked on, among others that are pinned: the name of its model */
  label = g_strdup_printf (_("%s (now)"), hr_model_get_short_name (model));
  now = headroom_session_create_pin (self->session, label);

  self->filling = TRUE;
  g_list_store_remove_all (self->choices);
  g_list_store_append (self->choices, now);
  append_all (self->choices, pins);
  append_all (self->choices, G_LIST_MODEL (self->opened));
  /* Until something else is chosen, what was pinned last is compared with what is set now. */
  headroom_compare_window_choose (self, 0, self->is_chosen ? headroom_compare_window_find (self, 0) : n_pins);
  headroom_compare_window_choose (self, 1, self->is_chosen ? headroom_compare_window_find (self, 1) : 0);
  self->filling = FALSE;
  headroom_compare_window_update (self);
}

static void
headroom_compare_window_say (HeadroomCompareWindow *self,
                             const char            *text)
{
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (text));
}

static void
read_thread (GTask        *task,
             gpointer      source_object,
             gpointer      task_data,
             GCancellable *cancellable)
{
  GFile *file = task_data;
  g_autofree char *name = g_file_get_basename (file);
  GError *error = NULL;
  g_autoptr (HrScenario) scenario = hr_scenario_new_from_file (file, &error);
  HeadroomPin *pin = scenario != NULL ? headroom_pin_new_from_scenario (name, scenario, &error) : NULL;

  if (pin != NULL)
    g_task_return_pointer (task, pin, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
headroom_compare_window_read_cb (GObject      *source_object,
                                 GAsyncResult *result,
                                 gpointer      user_data)
{
  HeadroomCompareWindow *self = HEADROOM_COMPARE_WINDOW (source_object);
  g_autoptr (GError) error = NULL;
  g_autoptr (HeadroomPin) pin = g_task_propagate_pointer (G_TASK (result), &error);

  /* The window may have been closed meanwhile. */
  if (self->session == NULL)
    return;

  if (pin == NULL)
    {
      gtk_label_set_label (self->problem, error->message);
      gtk_widget_set_visible (GTK_WIDGET (self->problem), TRUE);
      return;
    }

  g_list_store_append (self->opened, pin);
  g_set_object (&self->pins[self->open_side], pin);
  self->is_chosen = TRUE;
  headroom_compare_window_fill (self);
}

static void
headroom_compare_window_open_response_cb (GtkFileChooser        *chooser,
                                          int                    response,
                                          HeadroomCompareWindow *self)
{
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (chooser);

  if (file != NULL)
    headroom_compare_window_open (self, file);
}

static void
headroom_compare_window_open_action (GtkWidget  *widget,
                                     const char *action_name,
                                     GVariant   *parameter)
{
  HeadroomCompareWindow *self = HEADROOM_COMPARE_WINDOW (widget);

  self->open_side = g_variant_get_uint32 (parameter) != 0;
  headroom_dialog_open_scenario (GTK_WINDOW (self), G_CALLBACK (headroom_compare_window_open_response_cb), self);
}

static gboolean
headroom_compare_window_drop_cb (HeadroomCompareWindow *self,
                                 const GValue          *value)
{
  g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));

  if (files == NULL)
    return FALSE;

  self->open_side = 0;
  headroom_compare_window_open (self, files->data);

  return TRUE;
}

static void
headroom_compare_window_swap_action (GtkWidget  *widget,
                                     const char *action_name,
                                     GVariant   *parameter)
{
  HeadroomCompareWindow *self = HEADROOM_COMPARE_WINDOW (widget);
  guint first = gtk_drop_down_get_selected (self->first);
  guint second = gtk_drop_down_get_selected (self->second);

  self->is_chosen = TRUE;
  self->filling = TRUE;
  headroom_compare_window_choose (self, 0, second);
  headroom_compare_window_choose (self, 1, first);
  self->filling = FALSE;
  headroom_compare_window_update (self);
}

static void
headroom_compare_window_export_response_cb (GtkFileChooser        *chooser,
                                            int                    response,
                                            HeadroomCompareWindow *self)
{
  HrExportFormat format = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (chooser), "format"));
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) file = NULL;

  if (response != GTK_RESPONSE_ACCEPT)
    return;

  file = gtk_file_chooser_get_file (chooser);
  bytes = headroom_compare_window_dup_export (self, format, &error);
  if (bytes != NULL && hr_file_write (file, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &error))
    {
      g_autofree char *name = g_file_get_basename (file);
      /* Translators: %s is the name of a file */
      g_autofree char *text = g_strdup_printf (_("“%s” saved"), name);

      headroom_compare_window_say (self, text);
    }
  else
    {
      headroom_compare_window_say (self, error->message);
    }
}

static void
headroom_compare_window_export_action (GtkWidget  *widget,
                                       const char *action_name,
                                       GVariant   *parameter)
{
  HeadroomCompareWindow *self = HEADROOM_COMPARE_WINDOW (widget);
  g_autofree char *name = NULL;
  HrExportFormat format;
  GObject *dialog;

  if (!hr_export_format_from_name (g_variant_get_string (parameter, NULL), &format))
    {
      g_warning ("There is no format %s", g_variant_get_string (parameter, NULL));
      return;
    }

  /* Translators: the first part of the name of a file */
  name = g_strconcat (_("comparison"), ".", hr_export_format_get_extension (format), NULL);
  dialog = headroom_dialog_save (GTK_WINDOW (self), _("Export the Comparison"), name,
                                 G_CALLBACK (headroom_compare_window_export_response_cb), self);
  g_object_set_data (dialog, "format", GUINT_TO_POINTER (format));
}

static void
headroom_compare_window_dispose (GObject *object)
{
  HeadroomCompareWindow *self = HEADROOM_COMPARE_WINDOW (object);

  for (guint side = 0; side < 2; side++)
    {
      g_clear_object (&self->pins[side]);
      g_clear_object (&self->reports[side]);
    }
  g_clear_object (&self->session);
  g_clear_object (&self->settings);
  g_clear_object (&self->opened);
  g_clear_object (&self->choices);

  G_OBJECT_CLASS (headroom_compare_window_parent_class)->dispose (object);
}

static void
headroom_compare_window_class_init (HeadroomCompareWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_compare_window_dispose;

  g_type_ensure (HEADROOM_TYPE_COLUMNS);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-compare-window.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomCompareWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, HeadroomCompareWindow, first);
  gtk_widget_class_bind_template_child (widget_class, HeadroomCompareWindow, second);
  gtk_widget_class_bind_template_child (widget_class, HeadroomCompareWindow, problem);
  gtk_widget_class_bind_template_child (widget_class, HeadroomCompareWindow, tables);
  gtk_widget_class_bind_template_child (widget_class, HeadroomCompareWindow, differences);
  gtk_widget_class_bind_template_child (widget_class, HeadroomCompareWindow, components);
  gtk_widget_class_bind_template_child (widget_class, HeadroomCompareWindow, phases);
  gtk_widget_class_bind_template_callback (widget_class, headroom_compare_window_chosen_cb);

  gtk_widget_class_install_action (widget_class, "compare.open", "u", headroom_compare_window_open_action);
  gtk_widget_class_install_action (widget_class, "compare.swap", NULL, headroom_compare_window_swap_action);
  gtk_widget_class_install_action (widget_class, "compare.export", "s", headroom_compare_window_export_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

/* Names of configurations may be long, and have to leave room for the window to be narrow. */
static void
setup_name_cb (GtkSignalListItemFactory *factory,
               GtkListItem              *item)
{
  gtk_list_item_set_child (item, g_object_new (GTK_TYPE_LABEL,
                                               "xalign", 0.0,
                                               "ellipsize", PANGO_ELLIPSIZE_MIDDLE,
                                               NULL));
}

static void
bind_name_cb (GtkSignalListItemFactory *factory,
              GtkListItem              *item)
{
  HeadroomPin *pin = gtk_list_item_get_item (item);

  gtk_label_set_label (GTK_LABEL (gtk_list_item_get_child (item)), headroom_pin_get_label (pin));
}

static void
headroom_compare_window_set_up_choice (HeadroomCompareWindow *self,
                                       GtkDropDown           *choice,
                                       const char            *title)
{
  g_autoptr (GtkExpression) label = gtk_property_expression_new (HEADROOM_TYPE_PIN, NULL, "label");
  g_autoptr (GtkListItemFactory) factory = gtk_signal_list_item_factory_new ();

  g_signal_connect (factory, "setup", G_CALLBACK (setup_name_cb), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_name_cb), NULL);
  gtk_drop_down_set_factory (choice, factory);
  gtk_drop_down_set_expression (choice, label);
  gtk_drop_down_set_model (choice, G_LIST_MODEL (self->choices));
  headroom_drop_down_set_title (choice, title);
}

static void
headroom_compare_window_init (HeadroomCompareWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  self->settings = headroom_settings_new ();
  self->opened = g_list_store_new (HEADROOM_TYPE_PIN);
  self->choices = g_list_store_new (HEADROOM_TYPE_PIN);
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_window_set_icon_name (GTK_WINDOW (self), APPLICATION_ID);

  self->filling = TRUE;
  headroom_compare_window_set_up_choice (self, self->first, _("First"));
  headroom_compare_window_set_up_choice (self, self->second, _("Second"));
  self->filling = FALSE;
  g_signal_connect_object (self->settings, "changed::unit-system", G_CALLBACK (headroom_compare_window_update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (target, "drop", G_CALLBACK (headroom_compare_window_drop_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

/*
 * Creates a window that compares what is set in @session, what is pinned there, and scenarios from files.
 */
GtkWidget *
headroom_compare_window_new (HeadroomSession *session)
{
  HeadroomCompareWindow *self;

  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);

  self = g_object_new (HEADROOM_TYPE_COMPARE_WINDOW, NULL);
  self->session = g_object_ref (session);
  g_signal_connect_object (session, "notify::estimate", G_CALLBACK (headroom_compare_window_fill), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (headroom_session_get_pins (session), "items-changed",
                           G_CALLBACK (headroom_compare_window_fill), self, G_CONNECT_SWAPPED);
  headroom_compare_window_fill (self);

  return GTK_WIDGET (self);
}

/*
 * Reads a scenario, in a thread, and puts it on the side that was asked for last.
 */
void
headroom_compare_window_open (HeadroomCompareWindow *self,
                              GFile                 *file)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (HEADROOM_IS_COMPARE_WINDOW (self));
  g_return_if_fail (G_IS_FILE (file));

  task = g_task_new (self, NULL, headroom_compare_window_read_cb, NULL);
  g_task_set_source_tag (task, headroom_compare_window_open);
  g_task_set_task_data (task, g_object_ref (file), g_object_unref);
  g_task_run_in_thread (task, read_thread);
}

/*
 * Writes what is compared, in the user's language. There have to be two estimates.
 */
GBytes *
headroom_compare_window_dup_export (HeadroomCompareWindow  *self,
                                    HrExportFormat          format,
                                    GError                **error)
{
  g_return_val_if_fail (HEADROOM_IS_COMPARE_WINDOW (self), NULL);
  g_return_val_if_fail (self->reports[0] != NULL && self->reports[1] != NULL, NULL);

  return hr_export_comparison_to_bytes (self->reports[0], self->reports[1], format, error);
}
