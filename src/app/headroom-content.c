/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-content.h"

#include <glib/gi18n.h>
#include <hr-labels.h>

#include "headroom-local-models.h"
#include "headroom-model-list.h"
#include "headroom-panes.h"
#include "headroom-picker.h"
#include "headroom-recent.h"
#include "headroom-result-page.h"
#include "headroom-session-scenario.h"
#include "headroom-settings-pane.h"
#include "headroom-settings.h"

/* Rows that fill the tallest list of models; more of them wait until the window is there. */
#define FIRST_ROWS 32

/*
 * HeadroomContent:
 *
 * All that a window shows. It holds nothing that is not in the session or in the settings but where the user is in
 * it, so
 * that another one can take its place when the language changes.
 */
struct _HeadroomContent
{
  AdwBin parent_instance;

  HeadroomSession *session;
  GListModel *local_gpus;
  GSettings *settings;
  gboolean searching;
  gboolean opened;
  guint folded_source;
  guint opened_source;

  GtkWidget *header;
  AdwViewSwitcherTitle *title;
  AdwViewSwitcherBar *switcher_bar;
  GtkWidget *back;
  AdwSplitButton *open;
  GtkWidget *export;
  GMenu *recent_menu;

  GtkWidget *drop_highlight;
  AdwToastOverlay *toasts;
  AdwToast *toast;
  GtkRevealer *banner_revealer;
  GtkWidget *banner;
  GtkLabel *banner_title;
  GtkLabel *banner_message;

  AdwLeaflet *leaflet;
  GtkWidget *sidebar;
  GtkStack *sidebar_stack;
  GtkEditable *search;
  HeadroomPicker *models;
  HeadroomSettingsPane *pane;

  GtkRevealer *summary_revealer;
  GtkWidget *summary;
  GtkLabel *summary_total;
  GtkLabel *summary_verdict;

  GtkStack *result_stack;
  HeadroomResultPage *result;
};

G_DEFINE_FINAL_TYPE (HeadroomContent, headroom_content, ADW_TYPE_BIN)

static GListModel *
headroom_content_search_models (const char *text,
                                gpointer    user_data)
{
  HeadroomContent *self = HEADROOM_CONTENT (user_data);

  return headroom_model_list_search (text, self->settings, self->opened ? G_MAXUINT : FIRST_ROWS);
}

/* Made when it is needed or when there is time, so that the window opens without waiting for it. */
static void
headroom_content_ensure_pane (HeadroomContent *self)
{
  if (self->pane != NULL)
    return;

  self->pane = HEADROOM_SETTINGS_PANE (headroom_settings_pane_new (self->session, self->local_gpus));
  gtk_stack_add_named (self->sidebar_stack, GTK_WIDGET (self->pane), "settings");
  adw_view_switcher_title_set_stack (self->title, headroom_settings_pane_get_modes (self->pane));
}

static void
headroom_content_update_search (HeadroomContent *self)
{
  gboolean show_models = self->searching || headroom_session_get_model (self->session) == NULL;
  const char *page = show_models ? "models" : "settings";

  if (g_strcmp0 (gtk_stack_get_visible_child_name (self->sidebar_stack), page) == 0)
    return;

  if (show_models)
    headroom_picker_refresh (self->models);
  else
    headroom_content_ensure_pane (self);

  gtk_stack_set_visible_child_name (self->sidebar_stack, page);
  if (!show_models)
    headroom_picker_clear (self->models);
}

static void
headroom_content_set_searching (HeadroomContent *self,
                                gboolean         searching)
{
  self->searching = searching;

  if (!searching)
    gtk_editable_set_text (self->search, "");

  headroom_content_update_search (self);
}

static void
headroom_content_search_changed_cb (HeadroomContent *self)
{
  g_assert (HEADROOM_IS_CONTENT (self));

  if (*gtk_editable_get_text (self->search) == '\0' || self->searching)
    return;

  self->searching = TRUE;
  headroom_content_update_search (self);
}

static void
headroom_content_stop_search_cb (HeadroomContent *self)
{
  g_assert (HEADROOM_IS_CONTENT (self));

  headroom_content_set_searching (self, FALSE);
}

/* The down arrow opens the list, as in any entry that completes. */
static gboolean
headroom_content_search_key_cb (HeadroomContent       *self,
                                guint                  keyval,
                                guint                  keycode,
                                GdkModifierType        modifiers,
                                GtkEventControllerKey *controller)
{
  g_assert (HEADROOM_IS_CONTENT (self));

  if (gtk_widget_get_mapped (GTK_WIDGET (self->models)) || (keyval != GDK_KEY_Down && keyval != GDK_KEY_KP_Down))
    return GDK_EVENT_PROPAGATE;

  self->searching = TRUE;
  headroom_content_update_search (self);

  return GDK_EVENT_STOP;
}

static void
headroom_content_model_picked_cb (HeadroomContent    *self,
                                  HeadroomPickerItem *item)
{
  GObject *object = headroom_picker_item_get_object (item);

  g_assert (HEADROOM_IS_CONTENT (self));

  if (G_IS_FILE (object))
    {
      g_autofree char *uri = g_file_get_uri (G_FILE (object));

      gtk_widget_activate_action (GTK_WIDGET (self), "win.open-uri", "s", uri);
    }
  else
    {
      gtk_widget_activate_action (GTK_WIDGET (self), "win.choose-model", "s",
                                  headroom_model_list_get_id (item));
    }

  headroom_content_set_searching (self, FALSE);
}

static void
headroom_content_update_model (HeadroomContent *self)
{
  HrModel *model = headroom_session_get_model (self->session);

  adw_view_switcher_title_set_title (self->title, model != NULL ? hr_model_get_short_name (model) : _("Headroom"));
  headroom_content_update_search (self);
}

/* Made when there is something to show, so that the window opens without waiting for it. */
static void
headroom_content_ensure_result (HeadroomContent *self)
{
  if (self->result != NULL)
    return;

  self->result = HEADROOM_RESULT_PAGE (headroom_result_page_new ());
  headroom_result_page_set_pins (self->result, headroom_session_get_pins (self->session));
  headroom_result_page_set_capacities (self->result, headroom_session_get_capacities (self->session));
  gtk_stack_add_named (self->result_stack, GTK_WIDGET (self->result), "result");
}

static void
headroom_content_update_summary (HeadroomContent *self)
{
  HrEstimate *estimate = headroom_session_get_estimate (self->session);
  HrUnitSystem unit_system = headroom_settings_get_unit_system (self->settings);
  g_autoptr (HrReport) report = NULL;
  g_autofree char *total = NULL;
  g_autofree char *verdict = NULL;
  g_autofree char *name = NULL;

  gtk_widget_set_sensitive (self->export, estimate != NULL);

  if (estimate == NULL)
    {
      const char *page = headroom_session_get_model (self->session) != NULL ? "nothing" : "empty";

      gtk_stack_set_visible_child_name (self->result_stack, page);
      return;
    }

  headroom_content_ensure_result (self);
  gtk_stack_set_visible_child_name (self->result_stack, "result");
  total = hr_format_bytes (hr_estimate_get_total_bytes (estimate), unit_system);
  headroom_result_page_set_job (self->result, headroom_session_get_job (self->session));
  headroom_result_page_set_gpu (self->result, headroom_session_get_gpu (self->session));
  headroom_result_page_set_n_gpus (self->result, headroom_session_get_n_gpus (self->session));
  headroom_result_page_set_unit_system (self->result, unit_system);
  headroom_result_page_set_estimate (self->result, estimate);

  report = headroom_session_create_report (self->session, unit_system);
  verdict = hr_report_dup_verdict (report);
  gtk_label_set_label (self->summary_total, total);
  gtk_label_set_label (self->summary_verdict, verdict);

  /* Translators: an amount of memory, and the sentence that says whether it fits; read by screen readers */
  name = g_strdup_printf (_("%1$s. %2$s"), total, verdict);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->summary), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

static void
headroom_content_update_problem (HeadroomContent *self)
{
  const char *problem = headroom_session_get_problem (self->session);

  if (problem != NULL)
    headroom_content_show_error (self, _("No estimate for these settings"), problem);
  else
    headroom_content_clear_error (self);
}

static void
headroom_content_update_folded (HeadroomContent *self)
{
  gboolean folded = adw_leaflet_get_folded (self->leaflet);
  gboolean has_estimate = headroom_session_get_estimate (self->session) != NULL;
  gboolean shows_result = g_strcmp0 (adw_leaflet_get_visible_child_name (self->leaflet), "result") == 0;

  gtk_widget_set_visible (self->back, folded && shows_result);
  gtk_widget_set_visible (GTK_WIDGET (self->open), !folded || !shows_result);

  if (folded)
    adw_split_button_set_icon_name (self->open, "document-open-symbolic");
  else
    adw_split_button_set_label (self->open, _("_Open"));

  gtk_revealer_set_reveal_child (self->summary_revealer, folded && has_estimate);
  adw_view_switcher_bar_set_reveal (self->switcher_bar, adw_view_switcher_title_get_title_visible (self->title));
}

static gboolean
headroom_content_folded_idle_cb (gpointer user_data)
{
  HeadroomContent *self = HEADROOM_CONTENT (user_data);

  self->folded_source = 0;
  headroom_content_update_folded (self);

  return G_SOURCE_REMOVE;
}

/*
 * The leaflet folds, and the tabs leave the title, while they are given their size, when nothing may change the size of
 * anything.
 */
static void
headroom_content_folded_cb (HeadroomContent *self)
{
  g_assert (HEADROOM_IS_CONTENT (self));

  if (self->session != NULL && self->folded_source == 0)
    self->folded_source = g_idle_add_full (G_PRIORITY_HIGH_IDLE, headroom_content_folded_idle_cb, self, NULL);
}

static void
headroom_content_update_estimate (HeadroomContent *self)
{
  headroom_content_update_summary (self);
  headroom_content_update_folded (self);
}

static void
headroom_content_update_recent (HeadroomContent *self)
{
  g_autoptr (GPtrArray) files = headroom_recent_list (self->settings);

  g_menu_remove_all (self->recent_menu);

  for (guint i = 0; i < files->len; i++)
    {
      GFile *file = g_ptr_array_index (files, i);
      g_autofree char *name = headroom_recent_get_name (file);
      g_autoptr (GString) label = g_string_new (name);
      g_autofree char *uri = g_file_get_uri (file);
      g_autoptr (GMenuItem) item = NULL;

      /* Menus read an underscore as the mark of a mnemonic. */
      g_string_replace (label, "_", "__", 0);
      item = g_menu_item_new (label->str, NULL);

      g_menu_item_set_action_and_target (item, "win.open-uri", "s", uri);
      g_menu_append_item (self->recent_menu, item);
    }
}

static void
headroom_content_update_mode (HeadroomContent *self)
{
  adw_view_switcher_title_set_subtitle (self->title, hr_mode_get_label (headroom_session_get_mode (self->session)));
}

static void
headroom_content_connect (HeadroomContent *self,
                          const char      *signal,
                          void (* update) (HeadroomContent *self))
{
  g_signal_connect_object (self->session, signal, G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
}

static void
headroom_content_dispose (GObject *object)
{
  HeadroomContent *self = HEADROOM_CONTENT (object);

  g_clear_handle_id (&self->folded_source, g_source_remove);
  g_clear_handle_id (&self->opened_source, g_source_remove);
  g_clear_weak_pointer (&self->toast);
  gtk_widget_dispose_template (GTK_WIDGET (self), HEADROOM_TYPE_CONTENT);
  g_clear_object (&self->session);
  g_clear_object (&self->local_gpus);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (headroom_content_parent_class)->dispose (object);
}

static gboolean
headroom_content_opened_idle_cb (gpointer user_data)
{
  HeadroomContent *self = HEADROOM_CONTENT (user_data);

  self->opened_source = 0;
  self->opened = TRUE;
  if (g_strcmp0 (gtk_stack_get_visible_child_name (self->sidebar_stack), "models") == 0)
    headroom_picker_refresh (self->models);

  headroom_content_ensure_pane (self);
  headroom_local_models_scan (headroom_local_models_get_default ());

  return G_SOURCE_REMOVE;
}

/* A list that is in sight is made anew; another one will be when it comes into sight. */
static void
headroom_content_local_models_cb (HeadroomContent *self)
{
  if (g_strcmp0 (gtk_stack_get_visible_child_name (self->sidebar_stack), "models") == 0)
    headroom_picker_refresh (self->models);
}

static void
headroom_content_map (GtkWidget *widget)
{
  HeadroomContent *self = HEADROOM_CONTENT (widget);

  GTK_WIDGET_CLASS (headroom_content_parent_class)->map (widget);

  /* After the first frame. */
  if (!self->opened && self->opened_source == 0)
    self->opened_source = g_idle_add_full (G_PRIORITY_LOW, headroom_content_opened_idle_cb, self, NULL);
}

/* Whoever comes to the window can type the name of a model. */
static gboolean
headroom_content_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (HEADROOM_CONTENT (widget)->search));
}

static void
headroom_content_class_init (HeadroomContentClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_content_dispose;

  widget_class->map = headroom_content_map;
  widget_class->grab_focus = headroom_content_grab_focus;

  g_type_ensure (HEADROOM_TYPE_PICKER);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/headroom/Headroom/ui/headroom-content.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, header);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, title);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, switcher_bar);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, back);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, open);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, export);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, recent_menu);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, drop_highlight);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, toasts);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, banner_revealer);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, banner);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, banner_title);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, banner_message);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, leaflet);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, sidebar);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, sidebar_stack);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, search);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, models);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, summary_revealer);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, summary);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, summary_total);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, summary_verdict);
  gtk_widget_class_bind_template_child (widget_class, HeadroomContent, result_stack);
  gtk_widget_class_bind_template_callback (widget_class, headroom_content_model_picked_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_content_search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_content_stop_search_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_content_folded_cb);
}

/* Screen readers would call the arrow of a split button by its type: libadwaita gives it a tooltip, but no name. */
static void
name_arrow (AdwSplitButton *button)
{
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (button)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (GTK_IS_MENU_BUTTON (child))
        gtk_accessible_update_property (GTK_ACCESSIBLE (child), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                        adw_split_button_get_dropdown_tooltip (button), -1);
    }
}

static void
headroom_content_init (HeadroomContent *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();

  gtk_widget_init_template (GTK_WIDGET (self));
  name_arrow (self->open);

  self->settings = headroom_settings_new ();
  headroom_picker_set_search (self->models, headroom_content_search_models, self);
  headroom_picker_set_entry (self->models, self->search);

  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (headroom_content_search_key_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (self->search), keys);
}

GtkWidget *
headroom_content_new (HeadroomSession *session,
                      GListModel      *local_gpus)
{
  HeadroomContent *self;

  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);
  g_return_val_if_fail (G_IS_LIST_MODEL (local_gpus), NULL);

  self = g_object_new (HEADROOM_TYPE_CONTENT, NULL);
  self->session = g_object_ref (session);
  self->local_gpus = g_object_ref (local_gpus);

  headroom_picker_refresh (self->models);
  headroom_content_connect (self, "notify::model", headroom_content_update_model);
  headroom_content_connect (self, "notify::mode", headroom_content_update_mode);
  headroom_content_connect (self, "notify::estimate", headroom_content_update_estimate);
  headroom_content_connect (self, "notify::problem", headroom_content_update_problem);

  g_signal_connect_object (self->settings, "changed::unit-system", G_CALLBACK (headroom_content_update_summary), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::recent-files", G_CALLBACK (headroom_content_update_recent), self,
                           G_CONNECT_SWAPPED);
  headroom_content_update_recent (self);
  g_signal_connect_object (headroom_local_models_get_default (), "changed",
                           G_CALLBACK (headroom_content_local_models_cb), self, G_CONNECT_SWAPPED);

  return GTK_WIDGET (self);
}

/*
 * Puts the user where they were in @old: the page of a narrow window, the search, the place in the list of settings,
 * the
 * component that is selected.
 */
void
headroom_content_take_view (HeadroomContent *self,
                            HeadroomContent *old)
{
  g_return_if_fail (HEADROOM_IS_CONTENT (self));
  g_return_if_fail (HEADROOM_IS_CONTENT (old));

  gtk_editable_set_text (self->search, gtk_editable_get_text (old->search));
  headroom_content_set_searching (self, old->searching);
  adw_leaflet_set_visible_child_name (self->leaflet, adw_leaflet_get_visible_child_name (old->leaflet));

  if (self->result != NULL && old->result != NULL)
    headroom_result_page_set_selected (self->result, headroom_result_page_get_selected (old->result));

  if (self->pane != NULL && old->pane != NULL)
    headroom_settings_pane_set_scroll (self->pane, headroom_settings_pane_get_scroll (old->pane));
}

/*
 * Goes to the search for a model.
 */
void
headroom_content_search (HeadroomContent *self)
{
  g_return_if_fail (HEADROOM_IS_CONTENT (self));

  headroom_content_show_settings (self);
  self->searching = TRUE;
  headroom_content_update_search (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

/*
 * Opens the list of GPUs.
 */
void
headroom_content_choose_gpu (HeadroomContent *self)
{
  g_return_if_fail (HEADROOM_IS_CONTENT (self));

  headroom_content_show_settings (self);
  headroom_content_set_searching (self, FALSE);

  /* Without a model the list of models is all there is. */
  if (headroom_session_get_model (self->session) != NULL)
    headroom_settings_pane_choose_gpu (self->pane);
}

/*
 * Shows the settings in a window too narrow for both.
 */
void
headroom_content_show_settings (HeadroomContent *self)
{
  g_return_if_fail (HEADROOM_IS_CONTENT (self));

  adw_leaflet_set_visible_child_name (self->leaflet, "settings");
}

/*
 * Shows the result in a window too narrow for both.
 */
void
headroom_content_show_result (HeadroomContent *self)
{
  g_return_if_fail (HEADROOM_IS_CONTENT (self));

  /* The way back takes the focus, which would go to the first text of the result and select it. */
  if (adw_leaflet_get_folded (self->leaflet))
    {
      gtk_widget_show (self->back);
      gtk_widget_grab_focus (self->back);
    }

  adw_leaflet_set_visible_child_name (self->leaflet, "result");
}

/*
 * headroom_content_move_focus:
 * @self: what a window shows
 * @direction: %GTK_DIR_TAB_FORWARD or %GTK_DIR_TAB_BACKWARD
 *
 * Moves the focus to the next part of the window, or to the one before: its title bar, the search, the settings, and
 * each part of the result.
 */
void
headroom_content_move_focus (HeadroomContent  *self,
                             GtkDirectionType  direction)
{
  g_autoptr (GPtrArray) panes = g_ptr_array_new ();

  g_return_if_fail (HEADROOM_IS_CONTENT (self));

  g_ptr_array_add (panes, self->header);
  g_ptr_array_add (panes, self->banner);
  g_ptr_array_add (panes, self->search);
  g_ptr_array_add (panes, self->sidebar_stack);
  g_ptr_array_add (panes, self->summary);
  if (self->result != NULL)
    headroom_result_page_append_sections (self->result, panes);
  g_ptr_array_add (panes, self->switcher_bar);
  headroom_panes_move (panes, gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self))), direction);
}

/*
 * Shows an error above all else, until it is dismissed or the next thing works.
 */
void
headroom_content_show_error (HeadroomContent *self,
                             const char      *title,
                             const char      *message)
{
  g_return_if_fail (HEADROOM_IS_CONTENT (self));
  g_return_if_fail (title != NULL);
  g_return_if_fail (message != NULL);

  gtk_label_set_label (self->banner_title, title);
  gtk_label_set_label (self->banner_message, message);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->banner), GTK_ACCESSIBLE_PROPERTY_LABEL, title,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, message, -1);
  gtk_revealer_set_reveal_child (self->banner_revealer, TRUE);
}

void
headroom_content_clear_error (HeadroomContent *self)
{
  g_return_if_fail (HEADROOM_IS_CONTENT (self));

  gtk_revealer_set_reveal_child (self->banner_revealer, FALSE);
}

/*
 * Shows @toast, which the content owns from here on, in place of the one before it.
 */
void
headroom_content_add_toast (HeadroomContent *self,
                            AdwToast        *toast)
{
  g_return_if_fail (HEADROOM_IS_CONTENT (self));
  g_return_if_fail (ADW_IS_TOAST (toast));

  /* What was done last matters, not what was done before it. */
  if (self->toast != NULL)
    adw_toast_dismiss (self->toast);

  g_set_weak_pointer (&self->toast, toast);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

/*
 * Shows that what is dragged over the window can be dropped.
 */
void
headroom_content_set_dropping (HeadroomContent *self,
                               gboolean         dropping)
{
  g_return_if_fail (HEADROOM_IS_CONTENT (self));

  gtk_widget_set_visible (self->drop_highlight, dropping);
}
