/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-job.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-job-private.h"
#include "hr-message.h"

/* Long enough for any path. */
#define MAX_NAME_LENGTH 4096

/*
 * Settings that name a model beside the one that a job is for. The models are read when somebody asks for it, and go
 * with the job and its copies, so that an estimate reads no files.
 */

static G_DEFINE_QUARK (hr-job-model-setting, hr_job_model_setting)

typedef struct
{
  char *name;
  HrModel *model;
} NamedModel;

static void
named_model_free (gpointer data)
{
  NamedModel *self = data;

  g_free (self->name);
  g_object_unref (self->model);
  g_free (self);
}

/*
 * hr_job_mark_model:
 * @pspec: a property that holds a string
 *
 * Makes a setting one that names a model; its default stands for none.
 */
void
hr_job_mark_model (GParamSpec *pspec)
{
  g_param_spec_set_qdata (pspec, hr_job_model_setting_quark (), GINT_TO_POINTER (TRUE));
}

/**
 * hr_job_setting_is_model:
 * @setting: a setting of a job
 *
 * Finds out whether a setting names a model: by its path, or by its id in the catalogue.
 *
 * Returns: whether it does
 */
gboolean
hr_job_setting_is_model (GParamSpec *setting)
{
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), FALSE);

  return g_param_spec_get_qdata (setting, hr_job_model_setting_quark ()) != NULL;
}

/* A path may have any characters but those that no line of text has. */
gboolean
hr_job_is_line (const char *text)
{
  gsize length = strlen (text);

  for (const char *p = text; *p != '\0'; p++)
    {
      if (g_ascii_iscntrl (*p))
        return FALSE;
    }

  return length > 0 && length <= MAX_NAME_LENGTH && g_utf8_validate (text, -1, NULL);
}

static GQuark
get_quark (const char *setting)
{
  g_autofree char *key = g_strconcat ("hr-job-model-", setting, NULL);

  return g_quark_from_string (key);
}

/**
 * hr_job_get_model:
 * @self: a job
 * @setting: the name of a setting that names a model
 *
 * Gets the model that a setting names, if it has been read.
 *
 * Returns: (transfer none) (nullable): the model, or %NULL if the setting names none or it has not been read
 */
HrModel *
hr_job_get_model (HrJob      *self,
                  const char *setting)
{
  g_autofree char *name = NULL;
  const NamedModel *named;

  g_return_val_if_fail (HR_IS_JOB (self), NULL);
  g_return_val_if_fail (setting != NULL, NULL);

  name = hr_job_get_as_string (self, setting);
  named = g_object_get_qdata (G_OBJECT (self), get_quark (setting));

  return named != NULL && g_strcmp0 (named->name, name) == 0 ? named->model : NULL;
}

/**
 * hr_job_get_model_to_estimate: (skip)
 * @self: a job
 * @setting: the name of a setting that names a model
 * @error: return location for an error
 *
 * Gets the model that a setting names, for an estimate.
 *
 * Returns: (transfer none): the model, or %NULL with @error set where it has not been read, or cannot be estimated
 */
HrModel *
hr_job_get_model_to_estimate (HrJob       *self,
                              const char  *setting,
                              GError     **error)
{
  HrModel *model = hr_job_get_model (self, setting);
  g_autofree char *name = hr_job_get_as_string (self, setting);

  if (model == NULL)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          /* Translators: the places are the name of a setting, and the name or the path of a model. */
                          N_("%s: expected a model that has been read (hr_job_load_models); found only its name, “%s”"),
                          setting, name);

  return model != NULL && hr_model_check_can_be_estimated (model, error) ? model : NULL;
}

/**
 * hr_job_set_model:
 * @self: a job
 * @setting: the name of a setting that names a model
 * @name: what the setting is to say
 * @model: the model that this stands for
 *
 * Sets a setting that names a model, and the model, for who has it already.
 */
void
hr_job_set_model (HrJob      *self,
                  const char *setting,
                  const char *name,
                  HrModel    *model)
{
  NamedModel *named;

  g_return_if_fail (HR_IS_JOB (self));
  g_return_if_fail (setting != NULL);
  g_return_if_fail (name != NULL);
  g_return_if_fail (HR_IS_MODEL (model));

  named = g_new (NamedModel, 1);
  named->name = g_strdup (name);
  named->model = g_object_ref (model);
  g_object_set_qdata_full (G_OBJECT (self), get_quark (setting), named, named_model_free);
  g_object_set (self, setting, name, NULL);
}

static gboolean
load_model (HrJob       *self,
            GParamSpec  *setting,
            GError     **error)
{
  g_autofree char *name = hr_job_get_as_string (self, setting->name);
  g_autoptr (HrModel) model = NULL;

  if (g_str_equal (name, G_PARAM_SPEC_STRING (setting)->default_value) ||
      hr_job_get_model (self, setting->name) != NULL)
    return TRUE;

  model = hr_model_new_from_name (name, error);
  if (model == NULL)
    {
      g_prefix_error (error, "%s: ", setting->name);
      return FALSE;
    }

  hr_job_set_model (self, setting->name, name, model);

  return TRUE;
}

/**
 * hr_job_load_models:
 * @self: a job
 * @error: return location for an error
 *
 * Reads the models that settings name, but for those that have been read and those that say nothing as the other
 * settings are. An estimate of a job with such settings needs them.
 *
 * Returns: whether all are there
 */
gboolean
hr_job_load_models (HrJob   *self,
                    GError **error)
{
  const GPtrArray *settings;

  g_return_val_if_fail (HR_IS_JOB (self), FALSE);

  settings = hr_job_get_model_settings (self);
  for (guint i = 0; i < settings->len; i++)
    {
      GParamSpec *setting = g_ptr_array_index (settings, i);

      if (hr_job_uses_setting (self, setting, NULL) && !load_model (self, setting, error))
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_job_copy_models:
 * @self: a job
 * @copy: a copy of it
 *
 * Hands on the models that have been read.
 */
void
hr_job_copy_models (HrJob *self,
                    HrJob *copy)
{
  const GPtrArray *settings = hr_job_get_model_settings (self);

  for (guint i = 0; i < settings->len; i++)
    {
      GParamSpec *setting = g_ptr_array_index (settings, i);
      HrModel *model = hr_job_get_model (self, setting->name);
      g_autofree char *name = model != NULL ? hr_job_get_as_string (self, setting->name) : NULL;

      if (model != NULL)
        hr_job_set_model (copy, setting->name, name, model);
    }
}
