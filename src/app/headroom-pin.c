/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-pin.h"

#include <hr-estimator.h>
#include <hr-gpu-catalogue.h>

/*
 * HeadroomPin:
 *
 * A configuration that is kept to be looked at beside others: a model, the file that it was read from, a job and GPUs,
 * as they were. Only its label changes.
 */
struct _HeadroomPin
{
  GObject parent_instance;

  char *label;
  HrModel *model;
  GFile *file;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
};

enum
{
  PROP_0,
  PROP_LABEL,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomPin, headroom_pin, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
headroom_pin_finalize (GObject *object)
{
  HeadroomPin *self = HEADROOM_PIN (object);

  g_free (self->label);
  g_clear_object (&self->model);
  g_clear_object (&self->file);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);

  G_OBJECT_CLASS (headroom_pin_parent_class)->finalize (object);
}

static void
headroom_pin_get_property (GObject    *object,
                           guint       prop_id,
                           GValue     *value,
                           GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_LABEL:
      g_value_set_string (value, headroom_pin_get_label (HEADROOM_PIN (object)));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_pin_set_property (GObject      *object,
                           guint         prop_id,
                           const GValue *value,
                           GParamSpec   *pspec)
{
  switch (prop_id)
    {
    case PROP_LABEL:
      headroom_pin_set_label (HEADROOM_PIN (object), g_value_get_string (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_pin_class_init (HeadroomPinClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = headroom_pin_finalize;
  object_class->get_property = headroom_pin_get_property;
  object_class->set_property = headroom_pin_set_property;

  properties[PROP_LABEL] =
    g_param_spec_string ("label", NULL, NULL, NULL,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
headroom_pin_init (HeadroomPin *self)
{
  self->n_gpus = 1;
}

/*
 * headroom_pin_new:
 * @label: what it is called
 * @model: a model
 * @file: (nullable): the file that the model was read from, or NULL for a model of the catalogue
 * @job: what is done with it; a copy is kept, with the models that its settings name
 * @gpu: (nullable): a GPU
 * @n_gpus: how many there are
 */
HeadroomPin *
headroom_pin_new (const char *label,
                  HrModel    *model,
                  GFile      *file,
                  HrJob      *job,
                  HrGpu      *gpu,
                  guint       n_gpus)
{
  HeadroomPin *self;

  g_return_val_if_fail (label != NULL, NULL);
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);

  self = g_object_new (HEADROOM_TYPE_PIN, NULL);
  self->label = g_strdup (label);
  self->model = g_object_ref (model);
  self->file = file != NULL ? g_object_ref (file) : NULL;
  self->job = hr_job_copy (job);
  self->gpu = gpu != NULL ? g_object_ref (gpu) : NULL;
  self->n_gpus = n_gpus;

  return self;
}

/*
 * headroom_pin_new_with_model:
 * @label: (nullable): what it is called, or NULL for the name of the model
 * @scenario: a scenario
 * @model: its model, which has been read
 * @error: return location for a #GError
 *
 * Finds the GPU of a scenario.
 */
HeadroomPin *
headroom_pin_new_with_model (const char  *label,
                             HrScenario  *scenario,
                             HrModel     *model,
                             GError     **error)
{
  const char *name = hr_scenario_get_model (scenario);
  g_autoptr (GFile) file = NULL;
  g_autoptr (HrGpu) gpu = NULL;

  g_return_val_if_fail (HR_IS_SCENARIO (scenario), NULL);
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);

  if (hr_scenario_get_gpu (scenario) != NULL)
    {
      gpu = hr_gpu_catalogue_lookup (hr_scenario_get_gpu (scenario), error);
      if (gpu == NULL)
        return NULL;
    }

  if (g_path_is_absolute (name))
    file = g_file_new_for_path (name);

  return headroom_pin_new (label != NULL ? label : hr_model_get_short_name (model), model, file,
                           hr_scenario_get_job (scenario), gpu, hr_scenario_get_n_gpus (scenario));
}

/*
 * headroom_pin_new_from_scenario:
 * @label: (nullable): what it is called, or NULL for the name of the model
 * @scenario: a scenario
 * @error: return location for a #GError
 *
 * Reads the model that a scenario is about, and finds its GPU.
 */
HeadroomPin *
headroom_pin_new_from_scenario (const char  *label,
                                HrScenario  *scenario,
                                GError     **error)
{
  const char *name = hr_scenario_get_model (scenario);
  g_autoptr (HrModel) model = NULL;

  g_return_val_if_fail (HR_IS_SCENARIO (scenario), NULL);

  if (g_path_is_absolute (name))
    {
      g_autoptr (GFile) file = g_file_new_for_path (name);

      model = hr_model_new_from_file (file, error);
    }
  else
    {
      model = hr_model_new_from_id (name, error);
    }

  if (model == NULL || !hr_model_check_can_be_estimated (model, error))
    return NULL;

  return headroom_pin_new_with_model (label, scenario, model, error);
}

/*
 * Creates a scenario of what is pinned.
 */
HrScenario *
headroom_pin_create_scenario (HeadroomPin *self)
{
  g_autofree char *path = NULL;
  HrScenario *scenario;

  g_return_val_if_fail (HEADROOM_IS_PIN (self), NULL);

  path = self->file != NULL ? g_file_get_path (self->file) : NULL;
  scenario = hr_scenario_new (path != NULL ? path : hr_model_get_name (self->model), self->job);
  if (self->gpu != NULL)
    hr_scenario_set_gpu (scenario, hr_gpu_get_id (self->gpu), self->n_gpus);

  return scenario;
}

/*
 * Checks whether two configurations are about the same, and called the same.
 */
gboolean
headroom_pin_equal (HeadroomPin *self,
                    HeadroomPin *other)
{
  g_autoptr (HrScenario) mine = NULL;
  g_autoptr (HrScenario) theirs = NULL;

  g_return_val_if_fail (HEADROOM_IS_PIN (self), FALSE);
  g_return_val_if_fail (HEADROOM_IS_PIN (other), FALSE);

  if (!g_str_equal (self->label, other->label) || !hr_job_equal (self->job, other->job))
    return FALSE;

  mine = headroom_pin_create_scenario (self);
  theirs = headroom_pin_create_scenario (other);

  return g_str_equal (hr_scenario_get_model (mine), hr_scenario_get_model (theirs)) &&
         g_strcmp0 (hr_scenario_get_gpu (mine), hr_scenario_get_gpu (theirs)) == 0 &&
         hr_scenario_get_n_gpus (mine) == hr_scenario_get_n_gpus (theirs);
}

/*
 * Estimates what is pinned.
 */
HrReport *
headroom_pin_create_report (HeadroomPin   *self,
                            HrUnitSystem   unit_system,
                            GError       **error)
{
  g_autoptr (HrEstimate) estimate = NULL;

  g_return_val_if_fail (HEADROOM_IS_PIN (self), NULL);

  if (hr_job_load_models (self->job, error))
    estimate = hr_estimator_run (self->model, self->job, self->gpu, self->n_gpus, error);

  return estimate != NULL ? hr_report_new (estimate, self->job, self->gpu, self->n_gpus, unit_system) : NULL;
}

const char *
headroom_pin_get_label (HeadroomPin *self)
{
  g_return_val_if_fail (HEADROOM_IS_PIN (self), NULL);

  return self->label;
}

/*
 * Names a configuration; an empty name leaves it as it is.
 */
void
headroom_pin_set_label (HeadroomPin *self,
                        const char  *label)
{
  g_return_if_fail (HEADROOM_IS_PIN (self));

  if (label == NULL || *label == '\0' || g_strcmp0 (label, self->label) == 0)
    return;

  g_free (self->label);
  self->label = g_strdup (label);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LABEL]);
}

HrModel *
headroom_pin_get_model (HeadroomPin *self)
{
  g_return_val_if_fail (HEADROOM_IS_PIN (self), NULL);

  return self->model;
}

/*
 * Says which file the model was read from, where that was not known.
 */
void
headroom_pin_set_file (HeadroomPin *self,
                       GFile       *file)
{
  g_return_if_fail (HEADROOM_IS_PIN (self));

  g_set_object (&self->file, file);
}

/*
 * Gets the file that the model was read from, or NULL for a model of the catalogue.
 */
GFile *
headroom_pin_get_file (HeadroomPin *self)
{
  g_return_val_if_fail (HEADROOM_IS_PIN (self), NULL);

  return self->file;
}

HrJob *
headroom_pin_get_job (HeadroomPin *self)
{
  g_return_val_if_fail (HEADROOM_IS_PIN (self), NULL);

  return self->job;
}

HrGpu *
headroom_pin_get_gpu (HeadroomPin *self)
{
  g_return_val_if_fail (HEADROOM_IS_PIN (self), NULL);

  return self->gpu;
}

guint
headroom_pin_get_n_gpus (HeadroomPin *self)
{
  g_return_val_if_fail (HEADROOM_IS_PIN (self), 1);

  return self->n_gpus;
}
