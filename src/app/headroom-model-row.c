/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-model-row.h"

#include <glib/gi18n.h>
#include <string.h>

/*
 * HeadroomModelRow:
 *
 * The row of a setting that names a model beside the one that is estimated, by its path or its id.
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

/* The title and the buttons above, the name below, which may be a long path. */
static void
headroom_model_row_init (HeadroomModelRow *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  GtkWidget *title = gtk_label_new (NULL);
  GtkEventController *focus = gtk_event_controller_focus_new ();

  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_wrap (GTK_LABEL (title), TRUE);
  gtk_widget_set_hexpand (title, TRUE);
  g_object_bind_property (self, "title", title, "label", G_BINDING_SYNC_CREATE);
  self->header = GTK_BOX (gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6));
  gtk_box_append (self->header, title);

  self->entry = GTK_ENTRY (gtk_entry_new ());
  /* Translators: of a model beside the one that is trained (the policy): a copy of it */
  gtk_entry_set_placeholder_text (self->entry, _("Like the policy"));
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_RELATION_LABELLED_BY, title, NULL, -1);
  g_signal_connect_object (self->entry, "activate", G_CALLBACK (headroom_model_row_apply_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (focus, "leave", G_CALLBACK (headroom_model_row_apply_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (self->entry), focus);

  gtk_widget_set_margin_top (box, 8);
  gtk_widget_set_margin_bottom (box, 12);
  gtk_widget_set_margin_start (box, 12);
  gtk_widget_set_margin_end (box, 12);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->header));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->entry));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), FALSE);
  gtk_widget_set_focusable (GTK_WIDGET (self), FALSE);
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
  g_return_val_if_fail (hr_job_setting_is_model (setting), NULL);

  self = g_object_new (HEADROOM_TYPE_MODEL_ROW, NULL);
  self->job = g_object_ref (job);
  self->setting = setting;
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
