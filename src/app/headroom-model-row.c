/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-model-row.h"

#include <glib/gi18n.h>
#include <string.h>

#include "headroom-entry-box.h"

/*
 * HeadroomModelRow:
 *
 * The row of a setting that is a text: one that names a model beside the one that is estimated, by its path or its
 * id, or the shares of GPUs.
 *
 * What is typed holds once it is done with, by Enter or by going elsewhere, for half a name is none.
 */
struct _HeadroomModelRow
{
  AdwPreferencesRow parent_instance;

  HrJob *job;
  GParamSpec *setting;

  GtkBox *header;
  GtkEntry *entry;
};

G_DEFINE_FINAL_TYPE (HeadroomModelRow, headroom_model_row, ADW_TYPE_PREFERENCES_ROW)

static const char *
headroom_model_row_get_default (HeadroomModelRow *self)
{
  return G_PARAM_SPEC_STRING (self->setting)->default_value;
}

/* An empty entry stands for the default, and shows what that is called. */
static void
headroom_model_row_value_cb (HeadroomModelRow *self)
{
  g_autofree char *value = NULL;
  const char *name;

  g_object_get (self->job, self->setting->name, &value, NULL);
  name = g_str_equal (value, headroom_model_row_get_default (self)) ? "" : value;
  if (g_strcmp0 (name, gtk_editable_get_text (GTK_EDITABLE (self->entry))) != 0)
    gtk_editable_set_text (GTK_EDITABLE (self->entry), name);
}

static void
headroom_model_row_apply_cb (HeadroomModelRow *self)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->entry))));

  g_object_set (self->job, self->setting->name, strlen (name) > 0 ? name : headroom_model_row_get_default (self), NULL);
  headroom_model_row_value_cb (self);
}

static void
headroom_model_row_dispose (GObject *object)
{
  HeadroomModelRow *self = HEADROOM_MODEL_ROW (object);

  g_clear_object (&self->job);

  G_OBJECT_CLASS (headroom_model_row_parent_class)->dispose (object);
}

static void
headroom_model_row_class_init (HeadroomModelRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_model_row_dispose;
}

static void
headroom_model_row_init (HeadroomModelRow *self)
{
  self->entry = headroom_entry_box_fill (ADW_PREFERENCES_ROW (self), G_CALLBACK (headroom_model_row_apply_cb),
                                         &self->header);
}

/*
 * Creates the row of @setting, bound to @job both ways.
 */
GtkWidget *
headroom_model_row_new (HrJob      *job,
                        GParamSpec *setting)
{
  g_autofree char *signal = NULL;
  HeadroomModelRow *self;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (G_IS_PARAM_SPEC_STRING (setting), NULL);

  self = g_object_new (HEADROOM_TYPE_MODEL_ROW, NULL);
  self->job = g_object_ref (job);
  self->setting = setting;
  gtk_entry_set_placeholder_text (self->entry, hr_job_setting_is_model (setting)
                                                 /* Translators: of a model beside the one that is trained (the
                                                    policy): a copy of it */
                                                 ? _("Like the policy")
                                                 /* Translators: of shares that several GPUs have: all the same */
                                                 : C_("shares", "Even"));
  signal = g_strconcat ("notify::", setting->name, NULL);
  g_signal_connect_object (job, signal, G_CALLBACK (headroom_model_row_value_cb), self, G_CONNECT_SWAPPED);
  headroom_model_row_value_cb (self);

  return GTK_WIDGET (self);
}

/*
 * Puts a button beside the title.
 */
void
headroom_model_row_add_suffix (HeadroomModelRow *self,
                               GtkWidget        *widget)
{
  g_return_if_fail (HEADROOM_IS_MODEL_ROW (self));
  g_return_if_fail (GTK_IS_WIDGET (widget));

  gtk_box_append (self->header, widget);
}
