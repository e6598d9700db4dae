/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-inference-job.h"

#include <glib/gi18n-lib.h>

#include "hr-base-enums.h"
#include "hr-job-enums.h"
#include "hr-job-private.h"

/**
 * HrInferenceJob:
 *
 * Generating text with a model.
 *
 * The defaults are one conversation: a single sequence, a prompt of 2048 tokens (four or five pages of English, or a
 * chat with some context) and an answer of 512 tokens (a page). People who need more know it, and every figure of the
 * result shows what the lengths cost. The upper ends of the ranges are beyond anything published: ten million tokens is
 * the longest context that a model claims.
 */
struct _HrInferenceJob
{
  HrJob parent_instance;

  HrEngine engine;
  guint64 batch_size;
  guint64 prompt_length;
  guint64 output_length;
  guint64 beams;
  gboolean use_cache;
  HrLogitsToKeep logits_to_keep;
  HrDtype kv_cache_dtype;
};

enum
{
  PROP_0,
  PROP_ENGINE,
  PROP_BATCH_SIZE,
  PROP_PROMPT_LENGTH,
  PROP_OUTPUT_LENGTH,
  PROP_BEAMS,
  PROP_USE_CACHE,
  PROP_LOGITS_TO_KEEP,
  PROP_KV_CACHE_DTYPE,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HrInferenceJob, hr_inference_job, HR_TYPE_JOB)

static GParamSpec *properties[N_PROPS];

static void
hr_inference_job_get_property (GObject    *object,
                               guint       prop_id,
                               GValue     *value,
                               GParamSpec *pspec)
{
  HrInferenceJob *self = HR_INFERENCE_JOB (object);

  switch (prop_id)
    {
    case PROP_ENGINE:
      g_value_set_enum (value, self->engine);
      break;

    case PROP_BATCH_SIZE:
      g_value_set_uint64 (value, self->batch_size);
      break;

    case PROP_PROMPT_LENGTH:
      g_value_set_uint64 (value, self->prompt_length);
      break;

    case PROP_OUTPUT_LENGTH:
      g_value_set_uint64 (value, self->output_length);
      break;

    case PROP_BEAMS:
      g_value_set_uint64 (value, self->beams);
      break;

    case PROP_USE_CACHE:
      g_value_set_boolean (value, self->use_cache);
      break;

    case PROP_LOGITS_TO_KEEP:
      g_value_set_enum (value, self->logits_to_keep);
      break;

    case PROP_KV_CACHE_DTYPE:
      g_value_set_enum (value, self->kv_cache_dtype);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_inference_job_set_property (GObject      *object,
                               guint         prop_id,
                               const GValue *value,
                               GParamSpec   *pspec)
{
  HrInferenceJob *self = HR_INFERENCE_JOB (object);
  g_auto (GValue) old_value = G_VALUE_INIT;

  g_value_init (&old_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  hr_inference_job_get_property (object, prop_id, &old_value, pspec);
  if (g_param_values_cmp (pspec, &old_value, value) == 0)
    return;

  switch (prop_id)
    {
    case PROP_ENGINE:
      self->engine = g_value_get_enum (value);
      break;

    case PROP_BATCH_SIZE:
      self->batch_size = g_value_get_uint64 (value);
      break;

    case PROP_PROMPT_LENGTH:
      self->prompt_length = g_value_get_uint64 (value);
      break;

    case PROP_OUTPUT_LENGTH:
      self->output_length = g_value_get_uint64 (value);
      break;

    case PROP_BEAMS:
      self->beams = g_value_get_uint64 (value);
      break;

    case PROP_USE_CACHE:
      self->use_cache = g_value_get_boolean (value);
      break;

    case PROP_LOGITS_TO_KEEP:
      self->logits_to_keep = g_value_get_enum (value);
      break;

    case PROP_KV_CACHE_DTYPE:
      self->kv_cache_dtype = g_value_get_enum (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  g_object_notify_by_pspec (object, pspec);
}

/* transformers' cache holds the keys and values as the layers compute them. */
static void
hr_inference_job_resolve (HrJob   *job,
                          HrModel *model)
{
  HrInferenceJob *self = HR_INFERENCE_JOB (job);

  HR_JOB_CLASS (hr_inference_job_parent_class)->resolve (job, model);

  if (self->kv_cache_dtype == HR_DTYPE_AUTO)
    self->kv_cache_dtype = hr_job_get_dtype (job);
}

static void
hr_inference_job_class_init (HrInferenceJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = hr_inference_job_get_property;
  object_class->set_property = hr_inference_job_set_property;

  HR_JOB_CLASS (klass)->mode = HR_MODE_INFERENCE;
  HR_JOB_CLASS (klass)->resolve = hr_inference_job_resolve;

  /**
   * HrInferenceJob:engine:
   *
   * The program that runs the model.
   */
  properties[PROP_ENGINE] =
    g_param_spec_enum ("engine",
                       N_("Engine"),
                       N_("The program that runs the model"),
                       HR_TYPE_ENGINE, HR_ENGINE_TRANSFORMERS,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:batch-size:
   *
   * How many sequences are generated at the same time.
   */
  properties[PROP_BATCH_SIZE] =
    g_param_spec_uint64 ("batch-size",
                         N_("Batch size"),
                         N_("How many sequences are generated at the same time"),
                         1, 65536, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:prompt-length:
   *
   * How many tokens each prompt has.
   */
  properties[PROP_PROMPT_LENGTH] =
    g_param_spec_uint64 ("prompt-length",
                         N_("Prompt length"),
                         N_("Tokens of each prompt"),
                         1, 16777216, 2048,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:output-length:
   *
   * How many tokens are generated for each prompt; 0 stops after the prompt is read.
   */
  properties[PROP_OUTPUT_LENGTH] =
    g_param_spec_uint64 ("output-length",
                         N_("Output length"),
                         N_("Tokens generated for each prompt; the cache grows by as many"),
                         0, 16777216, 512,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:beams:
   *
   * How many sequences beam search keeps for each prompt; 1 means no beam search.
   */
  properties[PROP_BEAMS] =
    g_param_spec_uint64 ("beams",
                         N_("Beams"),
                         N_("Sequences that beam search keeps for each prompt; 1 is greedy search or sampling"),
                         1, 1024, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:use-cache:
   *
   * Whether the keys and values of earlier tokens are kept.
   */
  properties[PROP_USE_CACHE] =
    g_param_spec_boolean ("use-cache",
                          N_("KV cache"),
                          N_("Keep the keys and values of earlier tokens; without it every step reads the whole "
                             "sequence again"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:logits-to-keep:
   *
   * The positions of the prompt that logits are computed for.
   */
  properties[PROP_LOGITS_TO_KEEP] =
    g_param_spec_enum ("logits-to-keep",
                       N_("Logits to keep"),
                       N_("Positions of the prompt that logits are computed for; generate() asks for the last one"),
                       HR_TYPE_LOGITS_TO_KEEP, HR_LOGITS_TO_KEEP_LAST,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kv-cache-dtype:
   *
   * What keys and values are kept in.
   */
  properties[PROP_KV_CACHE_DTYPE] =
    g_param_spec_enum ("kv-cache-dtype",
                       N_("KV-cache data type"),
                       N_("What keys and values are kept in; “auto” is what the model computes in"),
                       HR_TYPE_DTYPE, HR_DTYPE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  hr_job_mark_setting (properties[PROP_ENGINE], 50, FALSE);
  hr_job_mark_setting (properties[PROP_BATCH_SIZE], 300, FALSE);
  hr_job_mark_setting (properties[PROP_PROMPT_LENGTH], 400, FALSE);
  hr_job_mark_setting (properties[PROP_OUTPUT_LENGTH], 500, FALSE);
  hr_job_mark_setting (properties[PROP_BEAMS], 620, TRUE);
  hr_job_mark_setting (properties[PROP_USE_CACHE], 640, TRUE);
  hr_job_mark_setting (properties[PROP_LOGITS_TO_KEEP], 660, TRUE);
  hr_job_mark_setting (properties[PROP_KV_CACHE_DTYPE], 600, FALSE);
}

static void
hr_inference_job_init (HrInferenceJob *self)
{
  self->batch_size = G_PARAM_SPEC_UINT64 (properties[PROP_BATCH_SIZE])->default_value;
  self->prompt_length = G_PARAM_SPEC_UINT64 (properties[PROP_PROMPT_LENGTH])->default_value;
  self->output_length = G_PARAM_SPEC_UINT64 (properties[PROP_OUTPUT_LENGTH])->default_value;
  self->beams = G_PARAM_SPEC_UINT64 (properties[PROP_BEAMS])->default_value;
  self->use_cache = G_PARAM_SPEC_BOOLEAN (properties[PROP_USE_CACHE])->default_value;
}

/**
 * hr_inference_job_new:
 *
 * Creates a job with every setting at its default.
 *
 * Returns: (transfer full): a new job
 */
HrInferenceJob *
hr_inference_job_new (void)
{
  return g_object_new (HR_TYPE_INFERENCE_JOB, NULL);
}

/**
 * hr_inference_job_get_engine:
 * @self: a job
 *
 * Gets the program that runs the model.
 *
 * Returns: the value of the setting
 */
HrEngine
hr_inference_job_get_engine (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_ENGINE_TRANSFORMERS);

  return self->engine;
}

/**
 * hr_inference_job_get_batch_size:
 * @self: a job
 *
 * Gets how many sequences are generated at the same time.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_batch_size (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->batch_size;
}

/**
 * hr_inference_job_get_prompt_length:
 * @self: a job
 *
 * Gets how many tokens each prompt has.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_prompt_length (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->prompt_length;
}

/**
 * hr_inference_job_get_output_length:
 * @self: a job
 *
 * Gets how many tokens are generated for each prompt; 0 stops after the prompt is read.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_output_length (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->output_length;
}

/**
 * hr_inference_job_get_beams:
 * @self: a job
 *
 * Gets how many sequences beam search keeps for each prompt; 1 means no beam search.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_beams (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->beams;
}

/**
 * hr_inference_job_get_use_cache:
 * @self: a job
 *
 * Gets whether the keys and values of earlier tokens are kept.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_use_cache (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->use_cache;
}

/**
 * hr_inference_job_get_logits_to_keep:
 * @self: a job
 *
 * Gets the positions of the prompt that logits are computed for.
 *
 * Returns: the value of the setting
 */
HrLogitsToKeep
hr_inference_job_get_logits_to_keep (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LOGITS_TO_KEEP_LAST);

  return self->logits_to_keep;
}

/**
 * hr_inference_job_get_kv_cache_dtype:
 * @self: a job
 *
 * Gets what keys and values are kept in.
 *
 * Returns: the value of the setting
 */
HrDtype
hr_inference_job_get_kv_cache_dtype (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_DTYPE_AUTO);

  return self->kv_cache_dtype;
}
