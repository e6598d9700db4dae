/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-pin.h"

/*
 * HeadroomPin:
 *
 * A configuration that is kept to be looked at beside others: a model, a job and GPUs, as they were. Only its label
 * changes.
 */
struct _HeadroomPin
{
  GObject parent_instance;

  char *label;
  HrModel *model;
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
 * Keeps a copy of @job, with the models that its settings name.
 */
HeadroomPin *
headroom_pin_new (const char *label,
                  HrModel    *model,
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
  self->job = hr_job_copy (job);
  self->gpu = gpu != NULL ? g_object_ref (gpu) : NULL;
  self->n_gpus = n_gpus;

  return self;
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
