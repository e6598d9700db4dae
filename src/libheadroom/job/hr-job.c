/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-job.h"

#include <glib/gi18n-lib.h>

#include "hr-base-enums.h"
#include "hr-error.h"
#include "hr-inference-job.h"
#include "hr-job-enums.h"

/**
 * HrJob:
 *
 * What the user wants to do with a model, as properties.
 *
 * Every setting is one property; its nick and blurb (to be translated when they are shown) are the title and the tooltip
 * of the row in the window and the help text on the command line, and its range is checked by [method@Job.set_from_string].
 */
typedef struct
{
  HrDtype dtype;
  HrQuantization quantization;
  HrEstimateMethod method_of_estimate;
  HrAttentionImplementation attention;
  HrAttentionMask attention_mask;
} HrJobPrivate;

enum
{
  PROP_0,
  PROP_DTYPE,
  PROP_QUANTIZATION,
  PROP_METHOD_OF_ESTIMATE,
  PROP_ATTENTION,
  PROP_ATTENTION_MASK,
  N_PROPS
};

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (HrJob, hr_job, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
hr_job_get_property (GObject    *object,
                     guint       prop_id,
                     GValue     *value,
                     GParamSpec *pspec)
{
  HrJobPrivate *priv = hr_job_get_instance_private (HR_JOB (object));

  switch (prop_id)
    {
    case PROP_DTYPE:
      g_value_set_enum (value, priv->dtype);
      break;

    case PROP_QUANTIZATION:
      g_value_set_enum (value, priv->quantization);
      break;

    case PROP_METHOD_OF_ESTIMATE:
      g_value_set_enum (value, priv->method_of_estimate);
      break;

    case PROP_ATTENTION:
      g_value_set_enum (value, priv->attention);
      break;

    case PROP_ATTENTION_MASK:
      g_value_set_enum (value, priv->attention_mask);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_job_set_property (GObject      *object,
                     guint         prop_id,
                     const GValue *value,
                     GParamSpec   *pspec)
{
  HrJobPrivate *priv = hr_job_get_instance_private (HR_JOB (object));
  int new_value = g_value_get_enum (value);
  int old_value;

  switch (prop_id)
    {
    case PROP_DTYPE:
      old_value = priv->dtype;
      priv->dtype = new_value;
      break;

    case PROP_QUANTIZATION:
      old_value = priv->quantization;
      priv->quantization = new_value;
      break;

    case PROP_METHOD_OF_ESTIMATE:
      old_value = priv->method_of_estimate;
      priv->method_of_estimate = new_value;
      break;

    case PROP_ATTENTION:
      old_value = priv->attention;
      priv->attention = new_value;
      break;

    case PROP_ATTENTION_MASK:
      old_value = priv->attention_mask;
      priv->attention_mask = new_value;
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  if (old_value != new_value)
    g_object_notify_by_pspec (object, pspec);
}

static void
hr_job_class_init (HrJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = hr_job_get_property;
  object_class->set_property = hr_job_set_property;

  /**
   * HrJob:dtype:
   *
   * What the weights are loaded in.
   */
  properties[PROP_DTYPE] =
    g_param_spec_enum ("dtype",
                       N_("Data type"),
                       N_("What the weights are loaded in; “auto” takes what the model’s configuration states"),
                       HR_TYPE_DTYPE, HR_DTYPE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:quantization:
   *
   * The format that the weights are quantized in.
   */
  properties[PROP_QUANTIZATION] =
    g_param_spec_enum ("quantization",
                       N_("Quantization"),
                       N_("The format that the weights are quantized in; “auto” takes what the model’s configuration states"),
                       HR_TYPE_QUANTIZATION, HR_QUANTIZATION_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:method-of-estimate:
   *
   * Whether to replay the job or to use the formulas that people know.
   */
  properties[PROP_METHOD_OF_ESTIMATE] =
    g_param_spec_enum ("method-of-estimate",
                       N_("Method of estimate"),
                       N_("Exact replays the job’s allocations; the rule of thumb is the formula that people know"),
                       HR_TYPE_ESTIMATE_METHOD, HR_ESTIMATE_METHOD_EXACT,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:attention:
   *
   * How the attention is computed.
   */
  properties[PROP_ATTENTION] =
    g_param_spec_enum ("attention",
                       N_("Attention"),
                       N_("How the attention is computed: eager keeps the scores in memory, the others do not"),
                       HR_TYPE_ATTENTION_IMPLEMENTATION, HR_ATTENTION_IMPLEMENTATION_SDPA,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:attention-mask:
   *
   * The attention mask that comes with the batch.
   */
  properties[PROP_ATTENTION_MASK] =
    g_param_spec_enum ("attention-mask",
                       N_("Attention mask"),
                       N_("Whether the batch comes with a mask; a padded batch keeps torch from its flash kernel"),
                       HR_TYPE_ATTENTION_MASK, HR_ATTENTION_MASK_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
hr_job_init (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  priv->attention = HR_ATTENTION_IMPLEMENTATION_SDPA;
}
