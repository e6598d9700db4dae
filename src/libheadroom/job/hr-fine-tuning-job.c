/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-fine-tuning-job.h"

#include <glib/gi18n-lib.h>

#include "hr-base-enums.h"
#include "hr-job-enums.h"
#include "hr-job-private.h"

/**
 * HrFineTuningJob:
 *
 * Training some or all parameters of a model that is there already, or small ones beside them.
 *
 * The defaults are LoRA as people begin with it: rank 16, on the modules that PEFT takes for the kind of model.
 */
typedef struct
{
  HrFineTuningMethod fine_tuning_method;
  guint64 lora_rank;
  char *lora_targets;
  char *modules_to_save;
  guint64 trained_layers;
  HrFrozenParts frozen_parts;
  guint64 lora_alpha;
  double lora_dropout;
  HrDtype adapter_dtype;
  guint64 virtual_tokens;
  char *ia3_targets;
  char *ia3_feedforward;
  guint64 reduction_factor;
  gboolean upcast_unquantized;
  HrGptqKernel gptq_kernel;
  guint64 lokr_factor;
  gboolean lokr_decompose_both;
} HrFineTuningJobPrivate;

enum
{
  PROP_0,
  PROP_FINE_TUNING_METHOD,
  PROP_LORA_RANK,
  PROP_LORA_TARGETS,
  PROP_MODULES_TO_SAVE,
  PROP_TRAINED_LAYERS,
  PROP_FROZEN_PARTS,
  PROP_LORA_ALPHA,
  PROP_LORA_DROPOUT,
  PROP_ADAPTER_DTYPE,
  PROP_VIRTUAL_TOKENS,
  PROP_IA3_TARGETS,
  PROP_IA3_FEEDFORWARD,
  PROP_REDUCTION_FACTOR,
  PROP_UPCAST_UNQUANTIZED,
  PROP_GPTQ_KERNEL,
  PROP_LOKR_FACTOR,
  PROP_LOKR_DECOMPOSE_BOTH,
  N_PROPS
};

G_DEFINE_TYPE_WITH_PRIVATE (HrFineTuningJob, hr_fine_tuning_job, HR_TYPE_TRAINING_JOB)

static GParamSpec *properties[N_PROPS];

static void
hr_fine_tuning_job_finalize (GObject *object)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (HR_FINE_TUNING_JOB (object));

  g_free (priv->lora_targets);
  g_free (priv->modules_to_save);
  g_free (priv->ia3_targets);
  g_free (priv->ia3_feedforward);

  G_OBJECT_CLASS (hr_fine_tuning_job_parent_class)->finalize (object);
}

static void
hr_fine_tuning_job_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (HR_FINE_TUNING_JOB (object));

  switch (prop_id)
    {
    case PROP_FINE_TUNING_METHOD:
      g_value_set_enum (value, priv->fine_tuning_method);
      break;

    case PROP_LORA_RANK:
      g_value_set_uint64 (value, priv->lora_rank);
      break;

    case PROP_LORA_TARGETS:
      g_value_set_string (value, priv->lora_targets);
      break;

    case PROP_MODULES_TO_SAVE:
      g_value_set_string (value, priv->modules_to_save);
      break;

    case PROP_TRAINED_LAYERS:
      g_value_set_uint64 (value, priv->trained_layers);
      break;

    case PROP_FROZEN_PARTS:
      g_value_set_enum (value, priv->frozen_parts);
      break;

    case PROP_LORA_ALPHA:
      g_value_set_uint64 (value, priv->lora_alpha);
      break;

    case PROP_LORA_DROPOUT:
      g_value_set_double (value, priv->lora_dropout);
      break;

    case PROP_ADAPTER_DTYPE:
      g_value_set_enum (value, priv->adapter_dtype);
      break;

    case PROP_VIRTUAL_TOKENS:
      g_value_set_uint64 (value, priv->virtual_tokens);
      break;

    case PROP_IA3_TARGETS:
      g_value_set_string (value, priv->ia3_targets);
      break;

    case PROP_IA3_FEEDFORWARD:
      g_value_set_string (value, priv->ia3_feedforward);
      break;

    case PROP_REDUCTION_FACTOR:
      g_value_set_uint64 (value, priv->reduction_factor);
      break;

    case PROP_UPCAST_UNQUANTIZED:
      g_value_set_boolean (value, priv->upcast_unquantized);
      break;

    case PROP_GPTQ_KERNEL:
      g_value_set_enum (value, priv->gptq_kernel);
      break;

    case PROP_LOKR_FACTOR:
      g_value_set_uint64 (value, priv->lokr_factor);
      break;

    case PROP_LOKR_DECOMPOSE_BOTH:
      g_value_set_boolean (value, priv->lokr_decompose_both);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_fine_tuning_job_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (HR_FINE_TUNING_JOB (object));
  g_auto (GValue) old_value = G_VALUE_INIT;

  g_value_init (&old_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  hr_fine_tuning_job_get_property (object, prop_id, &old_value, pspec);
  if (g_param_values_cmp (pspec, &old_value, value) == 0)
    return;

  switch (prop_id)
    {
    case PROP_FINE_TUNING_METHOD:
      priv->fine_tuning_method = g_value_get_enum (value);
      break;

    case PROP_LORA_RANK:
      priv->lora_rank = g_value_get_uint64 (value);
      break;

    case PROP_LORA_TARGETS:
      g_free (priv->lora_targets);
      priv->lora_targets = g_value_dup_string (value);
      break;

    case PROP_MODULES_TO_SAVE:
      g_free (priv->modules_to_save);
      priv->modules_to_save = g_value_dup_string (value);
      break;

    case PROP_TRAINED_LAYERS:
      priv->trained_layers = g_value_get_uint64 (value);
      break;

    case PROP_FROZEN_PARTS:
      priv->frozen_parts = g_value_get_enum (value);
      break;

    case PROP_LORA_ALPHA:
      priv->lora_alpha = g_value_get_uint64 (value);
      break;

    case PROP_LORA_DROPOUT:
      priv->lora_dropout = g_value_get_double (value);
      break;

    case PROP_ADAPTER_DTYPE:
      priv->adapter_dtype = g_value_get_enum (value);
      break;

    case PROP_VIRTUAL_TOKENS:
      priv->virtual_tokens = g_value_get_uint64 (value);
      break;

    case PROP_IA3_TARGETS:
      g_free (priv->ia3_targets);
      priv->ia3_targets = g_value_dup_string (value);
      break;

    case PROP_IA3_FEEDFORWARD:
      g_free (priv->ia3_feedforward);
      priv->ia3_feedforward = g_value_dup_string (value);
      break;

    case PROP_REDUCTION_FACTOR:
      priv->reduction_factor = g_value_get_uint64 (value);
      break;

    case PROP_UPCAST_UNQUANTIZED:
      priv->upcast_unquantized = g_value_get_boolean (value);
      break;

    case PROP_GPTQ_KERNEL:
      priv->gptq_kernel = g_value_get_enum (value);
      break;

    case PROP_LOKR_FACTOR:
      priv->lokr_factor = g_value_get_uint64 (value);
      break;

    case PROP_LOKR_DECOMPOSE_BOTH:
      priv->lokr_decompose_both = g_value_get_boolean (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  g_object_notify_by_pspec (object, pspec);
}

/* A checkpoint stays as it is stored where gradients flow through its matrices to what is trained beside them. */
static void
hr_fine_tuning_job_resolve (HrJob   *job,
                            HrModel *model)
{
  HrQuantization stored = hr_model_get_quantization (model);

  if (hr_job_get_quantization (job) == HR_QUANTIZATION_AUTO && hr_quantization_can_be_tuned (stored) &&
      hr_fine_tuning_job_adds_matrices (HR_FINE_TUNING_JOB (job)))
    g_object_set (job, "quantization", stored, NULL);

  HR_JOB_CLASS (hr_fine_tuning_job_parent_class)->resolve (job, model);
}

static void
hr_fine_tuning_job_class_init (HrFineTuningJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hr_fine_tuning_job_finalize;
  object_class->get_property = hr_fine_tuning_job_get_property;
  object_class->set_property = hr_fine_tuning_job_set_property;

  HR_JOB_CLASS (klass)->mode = HR_MODE_FINE_TUNING;
  HR_JOB_CLASS (klass)->resolve = hr_fine_tuning_job_resolve;

  /**
   * HrFineTuningJob:fine-tuning-method:
   *
   * Which parameters are trained.
   */
  properties[PROP_FINE_TUNING_METHOD] =
    g_param_spec_enum ("fine-tuning-method",
                       N_("Method"),
                       N_("Which parameters are trained: those of the model, some of them, or small ones beside them"),
                       HR_TYPE_FINE_TUNING_METHOD, HR_FINE_TUNING_METHOD_LORA,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:lora-rank:
   *
   * The width between the two matrices of an adapter.
   */
  properties[PROP_LORA_RANK] =
    g_param_spec_uint64 ("lora-rank",
                         N_("LoRA rank"),
                         N_("The width between the two small matrices beside each target"),
                         1, 65536, 16,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:lora-targets:
   *
   * The modules that get an adapter.
   */
  properties[PROP_LORA_TARGETS] =
    g_param_spec_string ("lora-targets",
                         N_("LoRA targets"),
                         N_("Modules that get an adapter: names with commas between them, all-linear, or “auto” for "
                            "what PEFT takes for this kind of model"),
                         "auto",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:modules-to-save:
   *
   * The modules that are trained whole, beside adapters.
   */
  properties[PROP_MODULES_TO_SAVE] =
    g_param_spec_string ("modules-to-save",
                         N_("Modules trained whole"),
                         N_("Modules of which a copy is trained beside the adapters, as PEFT’s modules_to_save: names "
                            "with commas between them, such as lm_head,embed_tokens, or “none”"),
                         "none",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:trained-layers:
   *
   * How many layers at the end of the model are trained where the others are frozen.
   */
  properties[PROP_TRAINED_LAYERS] =
    g_param_spec_uint64 ("trained-layers",
                         N_("Trained layers"),
                         N_("Layers at the end of the model that are trained where the method is to freeze the "
                            "others"),
                         1, 65536, 2,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:frozen-parts:
   *
   * Which parts of a model that sees or hears are frozen while the others are trained.
   */
  properties[PROP_FROZEN_PARTS] =
    g_param_spec_enum ("frozen-parts",
                       N_("Frozen parts"),
                       N_("Parts of a model that sees or hears that are not trained where all others are: the vision "
                          "and audio towers, what projects their output, or all but that"),
                       HR_TYPE_FROZEN_PARTS, HR_FROZEN_PARTS_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:lora-alpha:
   *
   * The scale of what adapters add.
   */
  properties[PROP_LORA_ALPHA] =
    g_param_spec_uint64 ("lora-alpha",
                         N_("LoRA alpha"),
                         N_("What the adapters’ output is scaled by, times the rank; it takes no memory"),
                         1, 65536, 32,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:lora-dropout:
   *
   * The share of an adapter’s input that is dropped.
   */
  properties[PROP_LORA_DROPOUT] =
    g_param_spec_double ("lora-dropout",
                         N_("LoRA dropout"),
                         N_("The share of an adapter’s input that is dropped; its masks are kept for the backward "
                            "pass"),
                         0, 1, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:adapter-dtype:
   *
   * What adapters are held in.
   */
  properties[PROP_ADAPTER_DTYPE] =
    g_param_spec_enum ("adapter-dtype",
                       N_("Data type of adapters"),
                       N_("What adapters are held in; “auto” is what PEFT does: fp32 beside weights of 16 bits"),
                       HR_TYPE_DTYPE, HR_DTYPE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:virtual-tokens:
   *
   * How many tokens before each sequence are trained.
   */
  properties[PROP_VIRTUAL_TOKENS] =
    g_param_spec_uint64 ("virtual-tokens",
                         N_("Virtual tokens"),
                         N_("Trained tokens before each sequence, for the methods that train a prefix or a prompt"),
                         1, 65536, 20,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:ia3-targets:
   *
   * The modules that (IA)³ scales.
   */
  properties[PROP_IA3_TARGETS] =
    g_param_spec_string ("ia3-targets",
                         N_("(IA)³ targets"),
                         N_("Modules that are scaled: names with commas between them, or “auto” for what PEFT takes "
                            "for this kind of model"),
                         "auto",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:ia3-feedforward:
   *
   * Those of the modules that (IA)³ scales whose input is scaled.
   */
  properties[PROP_IA3_FEEDFORWARD] =
    g_param_spec_string ("ia3-feedforward",
                         N_("(IA)³ feed-forward modules"),
                         N_("Those of the (IA)³ targets whose input is scaled and not their output; “auto” is what "
                            "PEFT takes"),
                         "auto",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:reduction-factor:
   *
   * How many times narrower bottleneck adapters are than the model.
   */
  properties[PROP_REDUCTION_FACTOR] =
    g_param_spec_uint64 ("reduction-factor",
                         N_("Reduction factor"),
                         N_("How many times narrower bottleneck adapters are than the model, as AdapterHub’s "
                            "reduction_factor"),
                         1, 65536, 16,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:upcast-unquantized:
   *
   * Whether the parameters of a quantized model that are not quantized are cast to fp32.
   */
  properties[PROP_UPCAST_UNQUANTIZED] =
    g_param_spec_boolean ("upcast-unquantized",
                          N_("Upcast what is not quantized"),
                          N_("Cast the norms, embeddings and head of a quantized model to fp32, as PEFT’s "
                             "prepare_model_for_kbit_training does"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:gptq-kernel:
   *
   * What multiplies with the matrices of GPTQ in training.
   */
  properties[PROP_GPTQ_KERNEL] =
    g_param_spec_enum ("gptq-kernel",
                       N_("GPTQ kernel"),
                       N_("What multiplies with the matrices of GPTQ: torch’s product keeps each expanded matrix for "
                          "the backward pass, as GPTQModel does; AutoGPTQ’s Triton kernel expands it once more"),
                       HR_TYPE_GPTQ_KERNEL, HR_GPTQ_KERNEL_TORCH,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:lokr-factor:
   *
   * What one of the two sizes is near to that LoKr splits inputs and outputs into.
   */
  properties[PROP_LOKR_FACTOR] =
    g_param_spec_uint64 ("lokr-factor",
                         N_("LoKr factor"),
                         N_("LoKr splits inputs and outputs into two factors, one of which is as near to this as can "
                            "be; 0 is near the square root"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrFineTuningJob:lokr-decompose-both:
   *
   * Whether both matrices of a LoKr are products of the rank, and not the larger one alone.
   */
  properties[PROP_LOKR_DECOMPOSE_BOTH] =
    g_param_spec_boolean ("lokr-decompose-both",
                          N_("Decompose both matrices"),
                          N_("Make both matrices of a LoKr of factors of the rank, and not the larger one alone"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  hr_job_mark_setting (properties[PROP_FINE_TUNING_METHOD], 20, FALSE);
  hr_job_mark_setting (properties[PROP_LORA_RANK], 30, FALSE);
  hr_job_mark_setting (properties[PROP_LORA_TARGETS], 40, FALSE);
  hr_job_mark_setting (properties[PROP_MODULES_TO_SAVE], 910, TRUE);
  hr_job_mark_setting (properties[PROP_TRAINED_LAYERS], 50, FALSE);
  hr_job_mark_setting (properties[PROP_FROZEN_PARTS], 55, FALSE);
  hr_job_mark_setting (properties[PROP_LORA_ALPHA], 920, TRUE);
  hr_job_mark_setting (properties[PROP_LORA_DROPOUT], 930, TRUE);
  hr_job_mark_setting (properties[PROP_ADAPTER_DTYPE], 940, TRUE);
  hr_job_mark_setting (properties[PROP_VIRTUAL_TOKENS], 60, FALSE);
  hr_job_mark_setting (properties[PROP_IA3_TARGETS], 70, FALSE);
  hr_job_mark_setting (properties[PROP_IA3_FEEDFORWARD], 970, TRUE);
  hr_job_mark_setting (properties[PROP_REDUCTION_FACTOR], 30, FALSE);
  hr_job_mark_setting (properties[PROP_UPCAST_UNQUANTIZED], 980, TRUE);
  hr_job_mark_setting (properties[PROP_GPTQ_KERNEL], 985, TRUE);
  hr_job_mark_setting (properties[PROP_LOKR_FACTOR], 950, TRUE);
  hr_job_mark_left_open (properties[PROP_LOKR_FACTOR]);
  hr_job_mark_setting (properties[PROP_LOKR_DECOMPOSE_BOTH], 960, TRUE);
}

static void
hr_fine_tuning_job_init (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  priv->fine_tuning_method = G_PARAM_SPEC_ENUM (properties[PROP_FINE_TUNING_METHOD])->default_value;
  priv->lora_rank = G_PARAM_SPEC_UINT64 (properties[PROP_LORA_RANK])->default_value;
  priv->lora_targets = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_LORA_TARGETS])->default_value);
  priv->modules_to_save = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_MODULES_TO_SAVE])->default_value);
  priv->trained_layers = G_PARAM_SPEC_UINT64 (properties[PROP_TRAINED_LAYERS])->default_value;
  priv->lora_alpha = G_PARAM_SPEC_UINT64 (properties[PROP_LORA_ALPHA])->default_value;
  priv->virtual_tokens = G_PARAM_SPEC_UINT64 (properties[PROP_VIRTUAL_TOKENS])->default_value;
  priv->ia3_targets = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_IA3_TARGETS])->default_value);
  priv->ia3_feedforward = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_IA3_FEEDFORWARD])->default_value);
  priv->reduction_factor = G_PARAM_SPEC_UINT64 (properties[PROP_REDUCTION_FACTOR])->default_value;
  priv->upcast_unquantized = G_PARAM_SPEC_BOOLEAN (properties[PROP_UPCAST_UNQUANTIZED])->default_value;
}

/**
 * hr_fine_tuning_job_new:
 *
 * Creates a job with every setting at its default.
 *
 * Returns: (transfer full): a new job
 */
HrFineTuningJob *
hr_fine_tuning_job_new (void)
{
  return g_object_new (HR_TYPE_FINE_TUNING_JOB, NULL);
}

/**
 * hr_fine_tuning_job_get_fine_tuning_method:
 * @self: a job
 *
 * Gets which parameters are trained.
 *
 * Returns: the value of the setting
 */
HrFineTuningMethod
hr_fine_tuning_job_get_fine_tuning_method (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), HR_FINE_TUNING_METHOD_LORA);

  return priv->fine_tuning_method;
}

/**
 * hr_fine_tuning_job_adds_matrices:
 * @self: a job
 *
 * Tells whether a job trains nothing but matrices beside those of linear layers, which may be quantized then.
 *
 * Returns: whether it does
 */
gboolean
hr_fine_tuning_job_adds_matrices (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), FALSE);

  switch ((guint) priv->fine_tuning_method)
    {
    case HR_FINE_TUNING_METHOD_LORA:
    case HR_FINE_TUNING_METHOD_QLORA:
    case HR_FINE_TUNING_METHOD_RSLORA:
    case HR_FINE_TUNING_METHOD_LORA_PLUS:
    case HR_FINE_TUNING_METHOD_PISSA:
    case HR_FINE_TUNING_METHOD_LORA_FA:
      return TRUE;

    default:
      return FALSE;
    }
}

/**
 * hr_fine_tuning_job_get_lora_rank:
 * @self: a job
 *
 * Gets the width between the two matrices of an adapter.
 *
 * Returns: the value of the setting
 */
guint64
hr_fine_tuning_job_get_lora_rank (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), 0);

  return priv->lora_rank;
}

/**
 * hr_fine_tuning_job_get_lora_targets:
 * @self: a job
 *
 * Gets the modules that get an adapter: names with commas between them, `all-linear` or `auto`.
 *
 * Returns: (transfer none): the value of the setting
 */
const char *
hr_fine_tuning_job_get_lora_targets (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), NULL);

  return priv->lora_targets;
}

/**
 * hr_fine_tuning_job_get_modules_to_save:
 * @self: a job
 *
 * Gets the modules that are trained whole, beside adapters: names with commas between them, or `none`.
 *
 * Returns: (transfer none): the value of the setting
 */
const char *
hr_fine_tuning_job_get_modules_to_save (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), NULL);

  return priv->modules_to_save;
}

/**
 * hr_fine_tuning_job_get_trained_layers:
 * @self: a job
 *
 * Gets how many layers at the end of the model are trained where the others are frozen.
 *
 * Returns: the value of the setting
 */
guint64
hr_fine_tuning_job_get_trained_layers (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), 0);

  return priv->trained_layers;
}

/**
 * hr_fine_tuning_job_get_frozen_parts:
 * @self: a job
 *
 * Gets which parts of a model that sees or hears are frozen where the others are trained.
 *
 * Returns: the value of the setting
 */
HrFrozenParts
hr_fine_tuning_job_get_frozen_parts (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), HR_FROZEN_PARTS_NONE);

  return priv->frozen_parts;
}

/**
 * hr_fine_tuning_job_get_lora_alpha:
 * @self: a job
 *
 * Gets the scale of what adapters add.
 *
 * Returns: the value of the setting
 */
guint64
hr_fine_tuning_job_get_lora_alpha (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), 0);

  return priv->lora_alpha;
}

/**
 * hr_fine_tuning_job_get_lora_dropout:
 * @self: a job
 *
 * Gets the share of an adapter’s input that is dropped.
 *
 * Returns: the value of the setting
 */
double
hr_fine_tuning_job_get_lora_dropout (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), 0);

  return priv->lora_dropout;
}

/**
 * hr_fine_tuning_job_get_adapter_dtype:
 * @self: a job
 *
 * Gets what adapters are held in.
 *
 * Returns: the value of the setting
 */
HrDtype
hr_fine_tuning_job_get_adapter_dtype (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), HR_DTYPE_AUTO);

  return priv->adapter_dtype;
}

/**
 * hr_fine_tuning_job_get_virtual_tokens:
 * @self: a job
 *
 * Gets how many tokens before each sequence are trained.
 *
 * Returns: the value of the setting
 */
guint64
hr_fine_tuning_job_get_virtual_tokens (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), 0);

  return priv->virtual_tokens;
}

/**
 * hr_fine_tuning_job_get_ia3_targets:
 * @self: a job
 *
 * Gets the modules that (IA)³ scales: names with commas between them, or `auto`.
 *
 * Returns: (transfer none): the value of the setting
 */
const char *
hr_fine_tuning_job_get_ia3_targets (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), NULL);

  return priv->ia3_targets;
}

/**
 * hr_fine_tuning_job_get_ia3_feedforward:
 * @self: a job
 *
 * Gets those of the modules that (IA)³ scales whose input is scaled.
 *
 * Returns: (transfer none): the value of the setting
 */
const char *
hr_fine_tuning_job_get_ia3_feedforward (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), NULL);

  return priv->ia3_feedforward;
}

/**
 * hr_fine_tuning_job_get_reduction_factor:
 * @self: a job
 *
 * Gets how many times narrower bottleneck adapters are than the model.
 *
 * Returns: the value of the setting
 */
guint64
hr_fine_tuning_job_get_reduction_factor (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), 1);

  return priv->reduction_factor;
}

/**
 * hr_fine_tuning_job_get_upcast_unquantized:
 * @self: a job
 *
 * Gets whether the parameters of a quantized model that are not quantized are cast to fp32.
 *
 * Returns: the value of the setting
 */
gboolean
hr_fine_tuning_job_get_upcast_unquantized (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), FALSE);

  return priv->upcast_unquantized;
}

/**
 * hr_fine_tuning_job_get_gptq_kernel:
 * @self: a job
 *
 * Gets what multiplies with the matrices of GPTQ.
 *
 * Returns: the value of the setting
 */
HrGptqKernel
hr_fine_tuning_job_get_gptq_kernel (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), HR_GPTQ_KERNEL_TORCH);

  return priv->gptq_kernel;
}

/**
 * hr_fine_tuning_job_get_lokr_factor:
 * @self: a job
 *
 * Gets what one of the two sizes is near to that LoKr splits inputs and outputs into; 0 for the square root.
 *
 * Returns: the value of the setting
 */
guint64
hr_fine_tuning_job_get_lokr_factor (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), 0);

  return priv->lokr_factor;
}

/**
 * hr_fine_tuning_job_get_lokr_decompose_both:
 * @self: a job
 *
 * Gets whether both matrices of a LoKr are products of the rank.
 *
 * Returns: the value of the setting
 */
gboolean
hr_fine_tuning_job_get_lokr_decompose_both (HrFineTuningJob *self)
{
  HrFineTuningJobPrivate *priv = hr_fine_tuning_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_FINE_TUNING_JOB (self), FALSE);

  return priv->lokr_decompose_both;
}
