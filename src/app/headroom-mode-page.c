/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-mode-page.h"

#include "headroom-setting-row.h"

/*
 * HeadroomModePage:
 *
 * The settings of a mode in boxed lists: the usual ones first, those for experts folded away.
 */
struct _HeadroomModePage
{
  AdwBin parent_instance;

  HrJob *job;

  AdwPreferencesGroup *usual;
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

static void
headroom_mode_page_constructed (GObject *object)
{
  HeadroomModePage *self = HEADROOM_MODE_PAGE (object);
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  G_OBJECT_CLASS (headroom_mode_page_parent_class)->constructed (object);

  settings = hr_job_list_settings (self->job, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      GtkWidget *row = headroom_setting_row_new (self->job, settings[i]);

      if (hr_job_setting_is_expert (settings[i]))
        adw_expander_row_add_row (self->expert, row);
      else
        adw_preferences_group_add (self->usual, row);
    }

  g_signal_connect_object (self->job, "notify", G_CALLBACK (headroom_mode_page_update_reset), self, G_CONNECT_SWAPPED);
  headroom_mode_page_update_reset (self);
}

static void
headroom_mode_page_dispose (GObject *object)
{
  HeadroomModePage *self = HEADROOM_MODE_PAGE (object);

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
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
headroom_mode_page_new (HrJob *job)
{
  g_return_val_if_fail (HR_IS_JOB (job), NULL);

  return g_object_new (HEADROOM_TYPE_MODE_PAGE, "job", job, NULL);
}

HrMode
headroom_mode_page_get_mode (HeadroomModePage *self)
{
  g_return_val_if_fail (HEADROOM_IS_MODE_PAGE (self), HR_MODE_INFERENCE);

  return hr_job_get_mode (self->job);
}
