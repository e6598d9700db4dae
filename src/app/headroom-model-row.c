/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-model-row.h"

#include <string.h>

/*
 * The row of a setting that names a model beside the one that is estimated: its path or its id is typed, and holds once
 * it is applied, for half a name is none.
 */

static const char *
get_default (GParamSpec *setting)
{
  return G_PARAM_SPEC_STRING (setting)->default_value;
}

static void
apply_cb (AdwEntryRow *row,
          HrJob       *job)
{
  GParamSpec *setting = g_object_get_data (G_OBJECT (row), "setting");
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (row))));

  g_object_set (job, setting->name, strlen (name) > 0 ? name : get_default (setting), NULL);
}

/* An empty entry stands for the default. */
static gboolean
value_to_text (GBinding     *binding,
               const GValue *value,
               GValue       *text,
               gpointer      setting)
{
  const char *name = g_value_get_string (value);

  g_value_set_string (text, g_strcmp0 (name, get_default (setting)) == 0 ? "" : name);

  return TRUE;
}

/*
 * Creates the row of @setting, bound to @job.
 */
GtkWidget *
headroom_model_row_new (HrJob      *job,
                        GParamSpec *setting)
{
  GtkWidget *row;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (hr_job_setting_is_model (setting), NULL);

  row = adw_entry_row_new ();
  g_object_set_data (G_OBJECT (row), "setting", setting);
  adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (row), TRUE);
  g_signal_connect_object (row, "apply", G_CALLBACK (apply_cb), job, 0);
  g_object_bind_property_full (job, setting->name, row, "text", G_BINDING_SYNC_CREATE, value_to_text, NULL, setting,
                               NULL);

  return row;
}
