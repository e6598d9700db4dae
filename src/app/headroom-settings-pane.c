/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-settings-pane.h"

#include <hr-labels.h>

#include "headroom-gpu-group.h"
#include "headroom-mode-page.h"
#include "headroom-model-facts.h"
#include "headroom-recent.h"
#include "headroom-settings.h"

/*
 * HeadroomSettingsPane:
 *
 * The facts of the model, the GPUs, and the settings of each mode.
 */
struct _HeadroomSettingsPane
{
  AdwBin parent_instance;

  HeadroomSession *session;
  GSettings *settings;
  double scroll;

  GtkScrolledWindow *scroller;
  HeadroomModelFacts *facts;
  HeadroomGpuGroup *gpus;
  AdwViewStack *modes;
};

G_DEFINE_FINAL_TYPE (HeadroomSettingsPane, headroom_settings_pane, ADW_TYPE_BIN)

/* The modes that work, in the order of their tabs. */
static const struct
{
  HrMode mode;
  const char *icon_name;
} modes[] = {
  { HR_MODE_INFERENCE, "headroom-inference-symbolic" },
  { HR_MODE_FINE_TUNING, "headroom-fine-tuning-symbolic" },
  { HR_MODE_TRAINING, "headroom-training-symbolic" },
  { HR_MODE_GRPO, "headroom-grpo-symbolic" },
  { HR_MODE_MULTIMODAL, "headroom-multimodal-symbolic" },
};

static AdwBin *
headroom_settings_pane_get_bin (HeadroomSettingsPane *self,
                                HrMode                mode)
{
  return ADW_BIN (adw_view_stack_get_child_by_name (self->modes, hr_mode_get_name (mode)));
}

/* A page has a hundred rows: those of modes that nobody looks at would take most of the time that a window needs. */
static void
headroom_settings_pane_ensure_page (HeadroomSettingsPane *self,
                                    HrMode                mode)
{
  AdwBin *bin = headroom_settings_pane_get_bin (self, mode);
  HrModel *model = headroom_session_get_model (self->session);
  GtkWidget *page;

  if (adw_bin_get_child (bin) != NULL)
    return;

  page = headroom_mode_page_new (headroom_session_get_job_of_mode (self->session, mode));
  g_settings_bind (self->settings, "show-expert-settings", page, "show-expert", G_SETTINGS_BIND_DEFAULT);
  if (model != NULL)
    headroom_mode_page_set_model (HEADROOM_MODE_PAGE (page), model);
  adw_bin_set_child (bin, page);
}

static void
headroom_settings_pane_update_model (HeadroomSettingsPane *self)
{
  HrModel *model = headroom_session_get_model (self->session);
  GFile *file = headroom_session_get_file (self->session);
  g_autofree char *place = NULL;

  if (model == NULL)
    return;

  place = file != NULL ? headroom_recent_get_place (file) : g_strdup (hr_model_get_source (model));
  headroom_model_facts_show (self->facts, model, place, headroom_settings_get_unit_system (self->settings));
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      GtkWidget *page = adw_bin_get_child (headroom_settings_pane_get_bin (self, modes[i].mode));

      if (page != NULL)
        headroom_mode_page_set_model (HEADROOM_MODE_PAGE (page), model);
    }
}

static void
headroom_settings_pane_update_mode (HeadroomSettingsPane *self)
{
  HrMode mode = headroom_session_get_mode (self->session);

  headroom_settings_pane_ensure_page (self, mode);
  adw_view_stack_set_visible_child_name (self->modes, hr_mode_get_name (mode));
}

static void
headroom_settings_pane_mode_changed_cb (HeadroomSettingsPane *self)
{
  GtkWidget *bin = adw_view_stack_get_visible_child (self->modes);

  /* While the pages are added or taken away, it is not the user who changes the page. */
  if (bin == NULL || !gtk_widget_get_mapped (bin))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (bin == GTK_WIDGET (headroom_settings_pane_get_bin (self, modes[i].mode)))
      headroom_session_set_mode (self->session, modes[i].mode);
}

static void
headroom_settings_pane_add_modes (HeadroomSettingsPane *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      HrMode mode = modes[i].mode;

      adw_view_stack_add_titled_with_icon (self->modes, adw_bin_new (), hr_mode_get_name (mode),
                                           hr_mode_get_label (mode), modes[i].icon_name);
    }
}

static void
headroom_settings_pane_upper_changed_cb (HeadroomSettingsPane *self,
                                         GParamSpec           *pspec,
                                         GtkAdjustment        *adjustment)
{
  /* There is room to scroll only once the pane has its size. */
  if (self->scroll > 0 && gtk_adjustment_get_upper (adjustment) > gtk_adjustment_get_page_size (adjustment))
    {
      gtk_adjustment_set_value (adjustment, self->scroll);
      self->scroll = 0;
    }
}

static void
headroom_settings_pane_dispose (GObject *object)
{
  HeadroomSettingsPane *self = HEADROOM_SETTINGS_PANE (object);

  g_clear_object (&self->session);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (headroom_settings_pane_parent_class)->dispose (object);
}

static void
headroom_settings_pane_class_init (HeadroomSettingsPaneClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_settings_pane_dispose;

  g_type_ensure (HEADROOM_TYPE_GPU_GROUP);
  g_type_ensure (HEADROOM_TYPE_MODEL_FACTS);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-settings-pane.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomSettingsPane, scroller);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSettingsPane, facts);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSettingsPane, gpus);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSettingsPane, modes);
  gtk_widget_class_bind_template_callback (widget_class, headroom_settings_pane_mode_changed_cb);
}

static void
headroom_settings_pane_init (HeadroomSettingsPane *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  self->settings = headroom_settings_new ();
  g_signal_connect_object (gtk_scrolled_window_get_vadjustment (self->scroller), "notify::upper",
                           G_CALLBACK (headroom_settings_pane_upper_changed_cb), self, G_CONNECT_SWAPPED);
}

/*
 * Creates the pane of @session. @local_gpus are those of this machine, which may be found later.
 */
GtkWidget *
headroom_settings_pane_new (HeadroomSession *session,
                            GListModel      *local_gpus)
{
  HeadroomSettingsPane *self;

  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);
  g_return_val_if_fail (G_IS_LIST_MODEL (local_gpus), NULL);

  self = g_object_new (HEADROOM_TYPE_SETTINGS_PANE, NULL);
  self->session = g_object_ref (session);

  headroom_settings_pane_add_modes (self);
  headroom_gpu_group_set_session (self->gpus, session, local_gpus);

  g_signal_connect_object (session, "notify::model",
                           G_CALLBACK (headroom_settings_pane_update_model), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::mode", G_CALLBACK (headroom_settings_pane_update_mode), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::unit-system",
                           G_CALLBACK (headroom_settings_pane_update_model), self,
                           G_CONNECT_SWAPPED);
  headroom_settings_pane_update_model (self);
  headroom_settings_pane_update_mode (self);

  return GTK_WIDGET (self);
}

/*
 * Gets the stack of the modes, for the tabs that switch between them.
 */
AdwViewStack *
headroom_settings_pane_get_modes (HeadroomSettingsPane *self)
{
  g_return_val_if_fail (HEADROOM_IS_SETTINGS_PANE (self), NULL);

  return self->modes;
}

/*
 * Opens the list of GPUs.
 */
void
headroom_settings_pane_choose_gpu (HeadroomSettingsPane *self)
{
  g_return_if_fail (HEADROOM_IS_SETTINGS_PANE (self));

  headroom_gpu_group_choose (self->gpus);
}

/*
 * Gets how far down the pane is scrolled.
 */
double
headroom_settings_pane_get_scroll (HeadroomSettingsPane *self)
{
  g_return_val_if_fail (HEADROOM_IS_SETTINGS_PANE (self), 0);

  return gtk_adjustment_get_value (gtk_scrolled_window_get_vadjustment (self->scroller));
}

/*
 * Scrolls the pane, at once or as soon as it has its size.
 */
void
headroom_settings_pane_set_scroll (HeadroomSettingsPane *self,
                                   double                scroll)
{
  g_return_if_fail (HEADROOM_IS_SETTINGS_PANE (self));

  self->scroll = scroll;
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scroller), scroll);
}
