/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-mode-page.h"

#include <hr-labels.h>

#include "headroom-inputs-row.h"
#include "headroom-modules-row.h"
#include "headroom-setting-row.h"

/*
 * HeadroomModePage:
 *
 * The settings of a mode in boxed lists: the usual ones first, those for experts folded away.
 *
 * A setting that says nothing as the others are is not there, if it belongs to another method; elsewhere its row stays,
 * insensitive, and says why.
 */
struct _HeadroomModePage
{
  AdwBin parent_instance;

  HrJob *job;
  GPtrArray *rows;

  GtkBox *usual;
  AdwExpanderRow *expert;
  GtkWidget *reset;
};

enum
{
  PROP_0,
  PROP_JOB,
  PROP_SHOW_EXPERT,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomModePage, headroom_mode_page, ADW_TYPE_BIN)

static GParamSpec *properties[N_PROPS];

static void
headroom_mode_page_update_reset (HeadroomModePage *self)
{
  g_autoptr (HrJob) defaults = hr_job_new (hr_job_get_mode (self->job));

  gtk_widget_set_visible (self->reset, !hr_job_equal (self->job, defaults));
}

static void
headroom_mode_page_expanded_cb (HeadroomModePage *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOW_EXPERT]);
}

static GParamSpec *
get_setting (HeadroomModePage *self,
             GtkWidget        *row)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (self->job), gtk_widget_get_name (row));
}

static void
headroom_mode_page_update_row (HeadroomModePage *self,
                               GtkWidget        *row)
{
  GParamSpec *setting = get_setting (self, row);
  g_autofree char *reason = NULL;
  g_autofree char *note = NULL;
  const char *tooltip;
  GParamSpec *because;

  hr_job_uses_setting (self->job, setting, &because);
  gtk_widget_set_visible (row, because == NULL || hr_job_setting_get_group (because) != HR_SETTING_GROUP_METHOD);
  if (!gtk_widget_get_visible (row))
    return;

  reason = hr_job_dup_unused_reason (self->job, setting);
  tooltip = reason != NULL ? reason : hr_setting_get_description (setting);
  gtk_widget_set_sensitive (row, reason == NULL);
  if (g_strcmp0 (gtk_widget_get_tooltip_text (row), tooltip) != 0)
    gtk_widget_set_tooltip_text (row, tooltip);
  if (ADW_IS_ACTION_ROW (row))
    {
      note = hr_job_dup_setting_note (self->job, setting);
      adw_action_row_set_subtitle (ADW_ACTION_ROW (row), reason != NULL ? reason : note != NULL ? note : "");
    }
}

static void
headroom_mode_page_update_rows (HeadroomModePage *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    headroom_mode_page_update_row (self, g_ptr_array_index (self->rows, i));

  headroom_mode_page_update_reset (self);
}

/* The settings of inference are few enough to be one list. */
static gboolean
headroom_mode_page_is_grouped (HeadroomModePage *self)
{
  return hr_job_get_mode (self->job) != HR_MODE_INFERENCE;
}

static AdwPreferencesGroup *
headroom_mode_page_add_group (HeadroomModePage *self,
                              HrSettingGroup    group)
{
  GtkWidget *widget = adw_preferences_group_new ();

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (widget), hr_setting_group_get_label (group));
  if (gtk_widget_get_first_child (GTK_WIDGET (self->usual)) == NULL)
    adw_preferences_group_set_header_suffix (ADW_PREFERENCES_GROUP (widget), self->reset);
  gtk_box_append (self->usual, widget);

  return ADW_PREFERENCES_GROUP (widget);
}

static void
headroom_mode_page_constructed (GObject *object)
{
  HeadroomModePage *self = HEADROOM_MODE_PAGE (object);
  AdwPreferencesGroup *group = NULL;
  HrSettingGroup current = HR_N_SETTING_GROUPS;
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  G_OBJECT_CLASS (headroom_mode_page_parent_class)->constructed (object);

  settings = hr_job_list_settings (self->job, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      GtkWidget *row = headroom_setting_row_new (self->job, settings[i]);
      HrSettingGroup about = hr_job_setting_get_group (settings[i]);

      g_ptr_array_add (self->rows, row);
      if (about == HR_SETTING_GROUP_EXPERT)
        {
          adw_expander_row_add_row (self->expert, row);
          continue;
        }

      if (group == NULL || (about != current && headroom_mode_page_is_grouped (self)))
        group = headroom_mode_page_add_group (self, about);
      current = about;
      adw_preferences_group_add (group, row);
    }

  g_signal_connect_object (self->job, "notify", G_CALLBACK (headroom_mode_page_update_rows), self, G_CONNECT_SWAPPED);
  headroom_mode_page_update_rows (self);
}

static void
headroom_mode_page_dispose (GObject *object)
{
  HeadroomModePage *self = HEADROOM_MODE_PAGE (object);

  g_clear_pointer (&self->rows, g_ptr_array_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), HEADROOM_TYPE_MODE_PAGE);
  g_clear_object (&self->job);

  G_OBJECT_CLASS (headroom_mode_page_parent_class)->dispose (object);
}

static void
headroom_mode_page_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  HeadroomModePage *self = HEADROOM_MODE_PAGE (object);

  switch (prop_id)
    {
    case PROP_JOB:
      g_value_set_object (value, self->job);
      break;

    case PROP_SHOW_EXPERT:
      g_value_set_boolean (value, adw_expander_row_get_expanded (self->expert));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_mode_page_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  HeadroomModePage *self = HEADROOM_MODE_PAGE (object);

  switch (prop_id)
    {
    case PROP_JOB:
      self->job = g_value_dup_object (value);
      break;

    case PROP_SHOW_EXPERT:
      adw_expander_row_set_expanded (self->expert, g_value_get_boolean (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_mode_page_class_init (HeadroomModePageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->constructed = headroom_mode_page_constructed;
  object_class->dispose = headroom_mode_page_dispose;
  object_class->get_property = headroom_mode_page_get_property;
  object_class->set_property = headroom_mode_page_set_property;

  properties[PROP_JOB] =
    g_param_spec_object ("job", NULL, NULL, HR_TYPE_JOB,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  properties[PROP_SHOW_EXPERT] =
    g_param_spec_boolean ("show-expert", NULL, NULL, FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-mode-page.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomModePage, usual);
  gtk_widget_class_bind_template_child (widget_class, HeadroomModePage, expert);
  gtk_widget_class_bind_template_child (widget_class, HeadroomModePage, reset);
  gtk_widget_class_bind_template_callback (widget_class, headroom_mode_page_expanded_cb);
}

static void
headroom_mode_page_init (HeadroomModePage *self)
{
  self->rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
headroom_mode_page_new (HrJob *job)
{
  g_return_val_if_fail (HR_IS_JOB (job), NULL);

  return g_object_new (HEADROOM_TYPE_MODE_PAGE, "job", job, NULL);
}

/*
 * Sets the model that the settings are for: rows offer what it has.
 */
void
headroom_mode_page_set_model (HeadroomModePage *self,
                              HrModel          *model)
{
  g_return_if_fail (HEADROOM_IS_MODE_PAGE (self));
  g_return_if_fail (model == NULL || HR_IS_MODEL (model));

  for (guint i = 0; i < self->rows->len; i++)
    {
      GtkWidget *row = g_ptr_array_index (self->rows, i);

      if (HEADROOM_IS_MODULES_ROW (row))
        headroom_modules_row_set_model (HEADROOM_MODULES_ROW (row), model);
      else if (HEADROOM_IS_INPUTS_ROW (row))
        headroom_inputs_row_set_model (HEADROOM_INPUTS_ROW (row), model);
    }
}
