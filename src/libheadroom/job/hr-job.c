/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-job.h"

#include <glib/gi18n-lib.h>

#include "hr-base-enums.h"
#include "hr-error.h"
#include "hr-fine-tuning-job.h"
#include "hr-grpo-job.h"
#include "hr-inference-job.h"
#include "hr-job-adapt.h"
#include "hr-job-enums.h"
#include "hr-job-private.h"
#include "hr-multimodal-job.h"
#include "hr-training-job.h"

/* Long enough for the names of all modules of a layer. */
#define MAX_NAMES_LENGTH 4096

/* 16 TiB. */
#define MAX_MEMORY_RESERVE (1 << 24)

/**
 * HrJob:
 *
 * What the user wants to do with a model, as properties.
 *
 * Every setting is one property; its nick and blurb (to be translated when they are shown) are the title and the
 * tooltip of the row in the window and the help text on the command line, and its range is checked by
 * [method@Job.set_from_string].
 */
typedef struct
{
  HrDtype dtype;
  HrQuantization quantization;
  HrEstimateMethod method_of_estimate;
  HrAttentionImplementation attention;
  HrAttentionMask attention_mask;
  gboolean int8_outliers;
  guint64 memory_reserve;
  guint64 data_parallel;
  guint64 tensor_parallel;
  guint64 pipeline_parallel;
  guint64 context_parallel;
  guint64 expert_parallel;
} HrJobPrivate;

enum
{
  PROP_0,
  PROP_DTYPE,
  PROP_QUANTIZATION,
  PROP_METHOD_OF_ESTIMATE,
  PROP_ATTENTION,
  PROP_ATTENTION_MASK,
  PROP_INT8_OUTLIERS,
  PROP_MEMORY_RESERVE,
  PROP_DATA_PARALLEL,
  PROP_TENSOR_PARALLEL,
  PROP_PIPELINE_PARALLEL,
  PROP_CONTEXT_PARALLEL,
  PROP_EXPERT_PARALLEL,
  N_PROPS
};

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (HrJob, hr_job, G_TYPE_OBJECT)

static G_DEFINE_QUARK (hr-job-setting, hr_job_setting)
static G_DEFINE_QUARK (hr-job-patterns, hr_job_patterns)
static G_DEFINE_QUARK (hr-job-left-open, hr_job_left_open)

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

    case PROP_INT8_OUTLIERS:
      g_value_set_boolean (value, priv->int8_outliers);
      break;

    case PROP_MEMORY_RESERVE:
      g_value_set_uint64 (value, priv->memory_reserve);
      break;

    case PROP_DATA_PARALLEL:
      g_value_set_uint64 (value, priv->data_parallel);
      break;

    case PROP_TENSOR_PARALLEL:
      g_value_set_uint64 (value, priv->tensor_parallel);
      break;

    case PROP_PIPELINE_PARALLEL:
      g_value_set_uint64 (value, priv->pipeline_parallel);
      break;

    case PROP_CONTEXT_PARALLEL:
      g_value_set_uint64 (value, priv->context_parallel);
      break;

    case PROP_EXPERT_PARALLEL:
      g_value_set_uint64 (value, priv->expert_parallel);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* The number that a property sets; %NULL for those of another kind. */
static guint64 *
get_number (HrJobPrivate *priv,
            guint         prop_id)
{
  switch (prop_id)
    {
    case PROP_DATA_PARALLEL:
      return &priv->data_parallel;

    case PROP_TENSOR_PARALLEL:
      return &priv->tensor_parallel;

    case PROP_PIPELINE_PARALLEL:
      return &priv->pipeline_parallel;

    case PROP_CONTEXT_PARALLEL:
      return &priv->context_parallel;

    case PROP_EXPERT_PARALLEL:
      return &priv->expert_parallel;

    case PROP_MEMORY_RESERVE:
      return &priv->memory_reserve;

    default:
      return NULL;
    }
}

static void
hr_job_set_property (GObject      *object,
                     guint         prop_id,
                     const GValue *value,
                     GParamSpec   *pspec)
{
  HrJobPrivate *priv = hr_job_get_instance_private (HR_JOB (object));
  guint64 *number = get_number (priv, prop_id);
  int new_value, old_value;

  if (number != NULL)
    {
      if (*number == g_value_get_uint64 (value))
        return;

      *number = g_value_get_uint64 (value);
      g_object_notify_by_pspec (object, pspec);
      return;
    }

  new_value = G_VALUE_HOLDS_BOOLEAN (value) ? g_value_get_boolean (value) : g_value_get_enum (value);
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

    case PROP_INT8_OUTLIERS:
      old_value = priv->int8_outliers;
      priv->int8_outliers = new_value;
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  if (old_value != new_value)
    g_object_notify_by_pspec (object, pspec);
}

/*
 * hr_job_assume_dtype:
 * @model: a model whose config states no dtype
 *
 * Gets what its weights are taken to be in: transformers loads float32, and what is not quantized beside what is stands
 * in bfloat16.
 *
 * Returns: the dtype
 */
HrDtype
hr_job_assume_dtype (HrModel *model)
{
  HrQuantization quantization = hr_model_get_quantization (model);

  return quantization != HR_QUANTIZATION_AUTO && quantization != HR_QUANTIZATION_NONE ? HR_DTYPE_BFLOAT16
                                                                                      : HR_DTYPE_FLOAT32;
}

static void
hr_job_real_resolve (HrJob   *self,
                     HrModel *model)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  if (priv->dtype == HR_DTYPE_AUTO)
    priv->dtype = hr_model_get_dtype (model) != HR_DTYPE_AUTO ? hr_model_get_dtype (model)
                                                              : hr_job_assume_dtype (model);

  if (priv->quantization == HR_QUANTIZATION_AUTO)
    priv->quantization = hr_model_get_quantization (model) != HR_QUANTIZATION_AUTO ? hr_model_get_quantization (model)
                                                                                  : HR_QUANTIZATION_NONE;
}

static void
hr_job_class_init (HrJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = hr_job_get_property;
  object_class->set_property = hr_job_set_property;

  klass->resolve = hr_job_real_resolve;
  klass->uses_setting = hr_job_real_uses_setting;

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
                       N_("The format that the weights are quantized in; “auto” takes what the model’s configuration "
                          "states, or none where that cannot be trained"),
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

  /**
   * HrJob:int8-outliers:
   *
   * Whether LLM.int8() multiplies features of large values in the type of the input.
   */
  properties[PROP_INT8_OUTLIERS] =
    g_param_spec_boolean ("int8-outliers",
                          N_("Outliers of LLM.int8()"),
                          N_("Look for features of large values and multiply them in 16 bits, as bitsandbytes does "
                             "unless llm_int8_threshold is 0; it needs memory for a while"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:memory-reserve:
   *
   * What is to stay free on each GPU, in MiB.
   */
  properties[PROP_MEMORY_RESERVE] =
    g_param_spec_uint64 ("memory-reserve",
                         N_("Memory to keep free (MiB)"),
                         N_("A buffer of your own on each GPU, in MiB, against what no estimate knows: other programs, "
                            "longer texts, holes in memory"),
                         0, MAX_MEMORY_RESERVE, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:data-parallel:
   *
   * How many ranks read different data.
   */
  properties[PROP_DATA_PARALLEL] =
    g_param_spec_uint64 ("data-parallel",
                         N_("Data parallel"),
                         N_("Copies of the model that read different data, or among which it is sharded; 0 takes as "
                            "many as the GPUs allow"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:tensor-parallel:
   *
   * How many ranks share each layer.
   */
  properties[PROP_TENSOR_PARALLEL] =
    g_param_spec_uint64 ("tensor-parallel",
                         N_("Tensor parallel"),
                         N_("GPUs among which the matrices of each layer are divided"),
                         1, 1024, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:pipeline-parallel:
   *
   * How many stages the layers are divided into.
   */
  properties[PROP_PIPELINE_PARALLEL] =
    g_param_spec_uint64 ("pipeline-parallel",
                         N_("Pipeline parallel"),
                         N_("Stages into which the layers are divided, each on a GPU of its own"),
                         1, 1024, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:context-parallel:
   *
   * How many ranks share each sequence.
   */
  properties[PROP_CONTEXT_PARALLEL] =
    g_param_spec_uint64 ("context-parallel",
                         N_("Context parallel"),
                         N_("GPUs among which the tokens of each sequence are divided"),
                         1, 1024, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrJob:expert-parallel:
   *
   * How many ranks share the experts of a layer.
   */
  properties[PROP_EXPERT_PARALLEL] =
    g_param_spec_uint64 ("expert-parallel",
                         N_("Expert parallel"),
                         N_("GPUs among which the experts of each layer are divided"),
                         1, 1024, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  hr_job_mark_setting (properties[PROP_DTYPE], 120, FALSE);
  hr_job_mark_setting (properties[PROP_DATA_PARALLEL], 910, FALSE);
  hr_job_mark_left_open (properties[PROP_DATA_PARALLEL]);
  hr_job_mark_setting (properties[PROP_TENSOR_PARALLEL], 915, FALSE);
  hr_job_mark_setting (properties[PROP_PIPELINE_PARALLEL], 920, FALSE);
  hr_job_mark_setting (properties[PROP_CONTEXT_PARALLEL], 925, TRUE);
  hr_job_mark_setting (properties[PROP_EXPERT_PARALLEL], 930, TRUE);
  hr_job_mark_setting (properties[PROP_QUANTIZATION], 200, FALSE);
  hr_job_mark_setting (properties[PROP_INT8_OUTLIERS], 985, TRUE);
  hr_job_mark_setting (properties[PROP_ATTENTION], 700, FALSE);
  hr_job_mark_setting (properties[PROP_ATTENTION_MASK], 800, TRUE);
  hr_job_mark_setting (properties[PROP_MEMORY_RESERVE], 995, TRUE);
  hr_job_mark_setting (properties[PROP_METHOD_OF_ESTIMATE], 1000, TRUE);
}

static void
hr_job_init (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  priv->attention = HR_ATTENTION_IMPLEMENTATION_SDPA;
  priv->int8_outliers = G_PARAM_SPEC_BOOLEAN (properties[PROP_INT8_OUTLIERS])->default_value;
  for (guint i = PROP_DATA_PARALLEL; i <= PROP_EXPERT_PARALLEL; i++)
    *get_number (priv, i) = G_PARAM_SPEC_UINT64 (properties[i])->default_value;
}

static char *
describe_choices (GEnumClass *enum_class)
{
  g_autoptr (GString) names = g_string_new (NULL);

  if (enum_class->n_values == 1)
    return g_strdup_printf ("“%s”", enum_class->values[0].value_nick);

  for (guint i = 0; i < enum_class->n_values; i++)
    g_string_append_printf (names, "%s%s", i == 0 ? "" : ", ", enum_class->values[i].value_nick);

  /* Translators: what a setting takes, as in "expected one of auto, none, fp8" */
  return g_strdup_printf (_("one of %s"), names->str);
}

static char *
format_double (double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_formatd (text, sizeof text, "%.15g", number));
}

static gboolean
parse_double (const char *text,
              double      minimum,
              double      maximum,
              double     *number)
{
  char *end;

  /* Neither signs nor spaces, "inf", "nan" or hexadecimal digits, which strtod() would take. */
  if (*text == '\0' || strspn (text, "0123456789.") != strlen (text))
    return FALSE;

  *number = g_ascii_strtod (text, &end);

  return *end == '\0' && *number >= minimum && *number <= maximum;
}

/* Names of modules, as in “q_proj,v_proj”: the characters that Python's and a module list's names are made of. */
static gboolean
is_list_of_names (const char *text)
{
  gboolean in_name = FALSE;

  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == ',' && !in_name)
        return FALSE;
      if (*p != ',' && !g_ascii_isalnum (*p) && strchr ("_.-", *p) == NULL)
        return FALSE;
      in_name = *p != ',';
    }

  return in_name && strlen (text) <= MAX_NAMES_LENGTH;
}

static gboolean
is_patterns (GParamSpec *pspec)
{
  return g_param_spec_get_qdata (pspec, hr_job_patterns_quark ()) != NULL;
}

/* What a property takes, in words that end "expected …". */
static char *
describe_range (GParamSpec *pspec)
{
  if (G_IS_PARAM_SPEC_UINT64 (pspec))
    {
      GParamSpecUInt64 *range = G_PARAM_SPEC_UINT64 (pspec);
      g_autofree char *minimum = g_strdup_printf ("%" G_GUINT64_FORMAT, range->minimum);
      g_autofree char *maximum = g_strdup_printf ("%" G_GUINT64_FORMAT, range->maximum);

      /* Translators: what a setting takes, as in "expected a whole number from 1 to 65536" */
      return g_strdup_printf (_("a whole number from %s to %s"), minimum, maximum);
    }

  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    {
      g_autofree char *minimum = format_double (G_PARAM_SPEC_DOUBLE (pspec)->minimum);
      g_autofree char *maximum = format_double (G_PARAM_SPEC_DOUBLE (pspec)->maximum);

      /* Translators: what a setting takes, as in "expected a number from 0 to 1" */
      return g_strdup_printf (_("a number from %s to %s"), minimum, maximum);
    }

  if (hr_job_setting_is_model (pspec))
    /* Translators: what a setting takes, as in "expected the path or the id of a model" */
    return g_strdup (_("the path or the id of a model"));

  if (is_patterns (pspec))
    /* Translators: what a setting takes, as in "expected patterns with commas between them" */
    return g_strdup (_("patterns with commas between them"));

  if (G_IS_PARAM_SPEC_STRING (pspec))
    /* Translators: what a setting takes, as in "expected names with commas between them" */
    return g_strdup (_("names with commas between them"));

  if (G_IS_PARAM_SPEC_ENUM (pspec))
    return describe_choices (G_PARAM_SPEC_ENUM (pspec)->enum_class);

  g_assert (G_IS_PARAM_SPEC_BOOLEAN (pspec));

  /* Translators: what a setting takes, as in "expected true or false"; the two words are not translated */
  return g_strdup (_("true or false"));
}

static gboolean
parse_value (GParamSpec *pspec,
             const char *text,
             GValue     *value)
{
  g_value_init (value, G_PARAM_SPEC_VALUE_TYPE (pspec));

  if (G_IS_PARAM_SPEC_UINT64 (pspec))
    {
      GParamSpecUInt64 *range = G_PARAM_SPEC_UINT64 (pspec);
      guint64 number;

      if (!g_ascii_string_to_unsigned (text, 10, range->minimum, range->maximum, &number, NULL))
        return FALSE;

      g_value_set_uint64 (value, number);
      return TRUE;
    }

  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    {
      GParamSpecDouble *range = G_PARAM_SPEC_DOUBLE (pspec);
      double number = 0;
      gboolean valid = parse_double (text, range->minimum, range->maximum, &number);

      g_value_set_double (value, number);
      return valid;
    }

  if (G_IS_PARAM_SPEC_STRING (pspec))
    {
      g_value_set_string (value, text);
      return hr_job_setting_is_model (pspec) || is_patterns (pspec) ? hr_job_is_line (text) : is_list_of_names (text);
    }

  if (G_IS_PARAM_SPEC_ENUM (pspec))
    {
      const GEnumValue *choice = g_enum_get_value_by_nick (G_PARAM_SPEC_ENUM (pspec)->enum_class, text);

      if (choice == NULL)
        return FALSE;

      g_value_set_enum (value, choice->value);
      return TRUE;
    }

  g_assert (G_IS_PARAM_SPEC_BOOLEAN (pspec));

  g_value_set_boolean (value, g_str_equal (text, "true"));
  return g_str_equal (text, "true") || g_str_equal (text, "false");
}

static void
set_unknown_error (HrJob       *self,
                   const char  *property,
                   GError     **error)
{
  const char *mode = hr_mode_get_name (hr_job_get_mode (self));
  g_autofree char *similar = hr_job_suggest_settings (self, property);

  if (similar != NULL)
    /* Translators: 1 the name of a setting, 2 of a mode, such as "inference", 3 a list of settings */
    g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME,
                 _("“%1$s”: the mode “%2$s” has no such setting; similar ones are: %3$s"), property, mode, similar);
  else
    /* Translators: the first is the name of a setting, the second of a mode, such as "inference" */
    g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“%s”: the mode “%s” has no such setting"), property, mode);
}

static GParamSpec *
find_setting (HrJob       *self,
              const char  *property,
              GError     **error)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (self), property);

  if (pspec == NULL || g_param_spec_get_qdata (pspec, hr_job_setting_quark ()) == NULL)
    {
      set_unknown_error (self, property, error);
      return NULL;
    }

  return pspec;
}

static int
compare_settings (gconstpointer a,
                  gconstpointer b)
{
  GParamSpec *first = *(GParamSpec * const *) a;
  GParamSpec *second = *(GParamSpec * const *) b;

  return GPOINTER_TO_INT (g_param_spec_get_qdata (first, hr_job_setting_quark ()))
         - GPOINTER_TO_INT (g_param_spec_get_qdata (second, hr_job_setting_quark ()));
}

/*
 * hr_job_mark_patterns:
 * @pspec: a property that holds a string
 *
 * Makes a setting one that has patterns, which may be any line of text.
 */
void
hr_job_mark_patterns (GParamSpec *pspec)
{
  g_param_spec_set_qdata (pspec, hr_job_patterns_quark (), GINT_TO_POINTER (TRUE));
}

/*
 * hr_job_mark_left_open:
 * @pspec: a property that holds a number
 *
 * Makes 0, which is the default of a setting, stand for what the program takes by itself.
 */
void
hr_job_mark_left_open (GParamSpec *pspec)
{
  g_param_spec_set_qdata (pspec, hr_job_left_open_quark (), GINT_TO_POINTER (TRUE));
}

/**
 * hr_job_setting_may_be_left_open:
 * @setting: a setting of a job
 *
 * Finds out whether 0 stands for what the program takes by itself.
 *
 * Returns: whether it does
 */
gboolean
hr_job_setting_may_be_left_open (GParamSpec *setting)
{
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), FALSE);

  return g_param_spec_get_qdata (setting, hr_job_left_open_quark ()) != NULL;
}

/*
 * Makes a setting of a property. The position orders the settings of a mode, in hundreds that are about the same (see
 * hr_job_setting_get_group()); the lowest bit holds the expert mark.
 */
void
hr_job_mark_setting (GParamSpec *pspec,
                     guint       position,
                     gboolean    expert)
{
  g_assert (position > 0);

  g_param_spec_set_qdata (pspec, hr_job_setting_quark (), GUINT_TO_POINTER (position << 1 | (expert ? 1 : 0)));
}

/* Sets a property that holds a text. Nothing at all stands for the default. */
void
hr_job_set_text (char         **text,
                 const GValue  *value,
                 GParamSpec    *pspec)
{
  const char *string = g_value_get_string (value);

  g_free (*text);
  *text = g_strdup (string != NULL ? string : G_PARAM_SPEC_STRING (pspec)->default_value);
}

/* Where a setting stands among the others, as hr_job_mark_setting() has put it. */
guint
hr_job_setting_get_position (GParamSpec *pspec)
{
  return GPOINTER_TO_UINT (g_param_spec_get_qdata (pspec, hr_job_setting_quark ())) >> 1;
}

/**
 * hr_mode_get_name:
 * @mode: a mode
 *
 * Gets the name that the command line and scenario files use, such as `inference`.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_mode_get_name (HrMode mode)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (HR_TYPE_MODE);
  const GEnumValue *value = g_enum_get_value (enum_class, mode);

  g_return_val_if_fail (value != NULL, NULL);

  return value->value_nick;
}

/**
 * hr_mode_from_name:
 * @name: a name, such as `inference`
 * @mode: (out): the mode
 * @error: return location for a #GError
 *
 * Finds the mode of a name. Fails with %HR_ERROR_UNKNOWN_NAME, and then leaves @mode alone.
 *
 * Returns: whether @name is a mode
 */
gboolean
hr_mode_from_name (const char  *name,
                   HrMode      *mode,
                   GError     **error)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (HR_TYPE_MODE);
  g_autofree char *names = NULL;
  const GEnumValue *value;

  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (mode != NULL, FALSE);

  value = g_enum_get_value_by_nick (enum_class, name);
  if (value != NULL)
    {
      *mode = value->value;
      return TRUE;
    }

  names = describe_choices (enum_class);
  g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“%s”: expected %s, found “%s”"), "mode", names, name);
  return FALSE;
}

/* Reads a mode from JSON; the message names the file and the place. */
gboolean
hr_job_read_mode (HrJson  *node,
                  HrMode  *mode,
                  GError **error)
{
  g_autoptr (GEnumClass) enum_class = NULL;
  g_autofree char *names = NULL;
  const char *name;

  if (!hr_json_read_string (node, &name, error))
    return FALSE;

  if (hr_mode_from_name (name, mode, NULL))
    return TRUE;

  enum_class = g_type_class_ref (HR_TYPE_MODE);
  names = describe_choices (enum_class);
  hr_json_set_error (node, HR_ERROR_UNKNOWN_NAME, names, error);
  return FALSE;
}

/**
 * hr_job_new:
 * @mode: a mode
 *
 * Creates a job of a mode, with every setting at its default.
 *
 * Returns: (transfer full): a new job
 */
HrJob *
hr_job_new (HrMode mode)
{
  switch (mode)
    {
    case HR_MODE_INFERENCE:
      return HR_JOB (hr_inference_job_new ());

    case HR_MODE_FINE_TUNING:
      return HR_JOB (hr_fine_tuning_job_new ());

    case HR_MODE_TRAINING:
      return HR_JOB (hr_training_job_new ());

    case HR_MODE_GRPO:
      return HR_JOB (hr_grpo_job_new ());

    case HR_MODE_MULTIMODAL:
      return HR_JOB (hr_multimodal_job_new ());

    default:
      g_return_val_if_reached (NULL);
    }
}

/* What a kind of job has for good: GObject lists and sorts the properties whenever it is asked. */
typedef struct
{
  GPtrArray *by_type;     /* those of the same type of value follow each other */
  GPtrArray *by_position;
  GPtrArray *models;      /* those that name a model */
} Settings;

static gint
compare_types (gconstpointer a,
               gconstpointer b)
{
  GType first = (*(GParamSpec * const *) a)->value_type;
  GType second = (*(GParamSpec * const *) b)->value_type;

  return first < second ? -1 : first > second ? 1 : 0;
}

static Settings *
settings_new (GObjectClass *klass)
{
  Settings *self = g_new (Settings, 1);
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;

  *self = (Settings) { g_ptr_array_new (), g_ptr_array_new (), g_ptr_array_new () };
  pspecs = g_object_class_list_properties (klass, &n_pspecs);
  for (guint i = 0; i < n_pspecs; i++)
    {
      if (g_param_spec_get_qdata (pspecs[i], hr_job_setting_quark ()) == NULL)
        continue;
      g_ptr_array_add (self->by_type, pspecs[i]);
      g_ptr_array_add (self->by_position, pspecs[i]);
      if (hr_job_setting_is_model (pspecs[i]))
        g_ptr_array_add (self->models, pspecs[i]);
    }
  g_ptr_array_sort (self->by_type, compare_types);
  g_ptr_array_sort (self->by_position, compare_settings);

  return self;
}

static const Settings *
get_settings (HrJob *self)
{
  static GMutex mutex;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  GType type = G_OBJECT_TYPE (self);
  Settings *settings = g_type_get_qdata (type, hr_job_setting_quark ());

  if (settings == NULL)
    {
      settings = settings_new (G_OBJECT_GET_CLASS (self));
      g_type_set_qdata (type, hr_job_setting_quark (), settings);
    }

  return settings;
}

/*
 * hr_job_get_model_settings:
 * @self: a job
 *
 * Gets the settings that name a model.
 *
 * Returns: (transfer none) (element-type GParamSpec): the settings
 */
const GPtrArray *
hr_job_get_model_settings (HrJob *self)
{
  return get_settings (self)->models;
}

/* What g_object_get_property() does, for who has the property already. */
static void
read_setting (HrJob      *self,
              GParamSpec *setting,
              GValue     *value)
{
  GObjectClass *owner = g_type_class_peek_static (setting->owner_type);

  owner->get_property (G_OBJECT (self), setting->param_id, value, setting);
}

/**
 * hr_job_copy:
 * @self: a job
 *
 * Creates a job of the same mode with the same settings.
 *
 * Returns: (transfer full): a new job
 */
HrJob *
hr_job_copy (HrJob *self)
{
  HrJobClass *klass;
  const GPtrArray *settings;
  g_auto (GValue) value = G_VALUE_INIT;
  HrJob *copy;

  g_return_val_if_fail (HR_IS_JOB (self), NULL);

  klass = HR_JOB_GET_CLASS (self);
  copy = hr_job_new (hr_job_get_mode (self));
  settings = get_settings (self)->by_type;
  if (klass->copy != NULL)
    klass->copy (self, copy);

  for (guint i = 0; i < settings->len; i++)
    {
      GParamSpec *setting = g_ptr_array_index (settings, i);

      if (klass->copy != NULL && setting->owner_type == klass->copied_type)
        continue;
      if (G_VALUE_TYPE (&value) == setting->value_type)
        {
          g_value_reset (&value);
        }
      else
        {
          g_value_unset (&value);
          g_value_init (&value, setting->value_type);
        }
      read_setting (self, setting, &value);
      if (!g_param_value_defaults (setting, &value))
        g_object_set_property (G_OBJECT (copy), setting->name, &value);
    }
  hr_job_copy_models (self, copy);
  hr_job_copy_given (self, copy);

  return copy;
}

/**
 * hr_job_resolve:
 * @self: a job
 * @model: the model that it is for
 *
 * Creates a copy of a job in which no setting is "auto": each has the value that it comes to for the model.
 *
 * Returns: (transfer full): a new job
 */
HrJob *
hr_job_resolve (HrJob   *self,
                HrModel *model)
{
  HrJob *resolved;

  g_return_val_if_fail (HR_IS_JOB (self), NULL);
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);

  resolved = hr_job_copy (self);
  hr_job_adapt (resolved, model);
  HR_JOB_GET_CLASS (resolved)->resolve (resolved, model);

  return resolved;
}

/**
 * hr_job_find_changed:
 * @self: a job
 * @names: (array zero-terminated=1): names of settings that it has
 *
 * Finds the first of some settings that has another value than by default.
 *
 * Returns: (transfer none) (nullable): its name, or %NULL where all are as by default
 */
const char *
hr_job_find_changed (HrJob              *self,
                     const char * const *names)
{
  g_return_val_if_fail (HR_IS_JOB (self), NULL);
  g_return_val_if_fail (names != NULL, NULL);

  for (guint i = 0; names[i] != NULL; i++)
    {
      GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (self), names[i]);
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (self), names[i], &value);
      if (!g_param_value_defaults (setting, &value))
        return names[i];
    }

  return NULL;
}

/**
 * hr_job_equal:
 * @self: a job
 * @other: another job
 *
 * Checks whether two jobs have the same mode and the same settings.
 *
 * Returns: whether they are equal
 */
gboolean
hr_job_equal (HrJob *self,
              HrJob *other)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  g_return_val_if_fail (HR_IS_JOB (self), FALSE);
  g_return_val_if_fail (HR_IS_JOB (other), FALSE);

  if (G_OBJECT_TYPE (self) != G_OBJECT_TYPE (other))
    return FALSE;

  settings = hr_job_list_settings (self, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      g_auto (GValue) mine = G_VALUE_INIT;
      g_auto (GValue) theirs = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (self), settings[i]->name, &mine);
      g_object_get_property (G_OBJECT (other), settings[i]->name, &theirs);

      if (g_param_values_cmp (settings[i], &mine, &theirs) != 0)
        return FALSE;
    }

  return TRUE;
}

/**
 * hr_job_get_mode:
 * @self: a job
 *
 * Gets what the job does.
 *
 * Returns: the mode
 */
HrMode
hr_job_get_mode (HrJob *self)
{
  g_return_val_if_fail (HR_IS_JOB (self), HR_MODE_INFERENCE);

  return HR_JOB_GET_CLASS (self)->mode;
}

/**
 * hr_job_setting_get_group:
 * @setting: a setting
 *
 * Gets what a setting is about.
 *
 * Returns: the group
 */
HrSettingGroup
hr_job_setting_get_group (GParamSpec *setting)
{
  guint position;

  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), HR_SETTING_GROUP_EXPERT);

  position = hr_job_setting_get_position (setting);

  if (hr_job_setting_is_expert (setting))
    return HR_SETTING_GROUP_EXPERT;
  if (position < 100)
    return HR_SETTING_GROUP_METHOD;
  if (position < 300)
    return HR_SETTING_GROUP_PRECISION;
  if (position < 600)
    return HR_SETTING_GROUP_BATCH;
  if (position < 750)
    return HR_SETTING_GROUP_SAVERS;

  return position < 900 ? HR_SETTING_GROUP_OPTIMIZER : HR_SETTING_GROUP_PARALLEL;
}

/**
 * hr_job_list_settings:
 * @self: a job
 * @n_settings: (out): the number of settings
 *
 * Lists the properties that are settings of the job, the usual ones first.
 *
 * Returns: (array length=n_settings) (transfer container): the settings
 */
GParamSpec **
hr_job_list_settings (HrJob *self,
                      guint *n_settings)
{
  const GPtrArray *settings;

  g_return_val_if_fail (HR_IS_JOB (self), NULL);
  g_return_val_if_fail (n_settings != NULL, NULL);

  settings = get_settings (self)->by_position;
  *n_settings = settings->len;

  return g_memdup2 (settings->pdata, settings->len * sizeof (GParamSpec *));
}

/**
 * hr_job_setting_is_expert:
 * @setting: one of the settings of a job
 *
 * Checks whether a setting is one that few people touch, and that a form may fold away.
 *
 * Returns: whether it is for experts
 */
gboolean
hr_job_setting_is_expert (GParamSpec *setting)
{
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), FALSE);

  return (GPOINTER_TO_UINT (g_param_spec_get_qdata (setting, hr_job_setting_quark ())) & 1) != 0;
}

/**
 * hr_job_dup_setting_range:
 * @setting: one of the settings of a job
 *
 * Says what a setting takes: "a whole number from 1 to 65536", "one of last, all".
 *
 * Returns: (transfer full): a noun in the user's language
 */
char *
hr_job_dup_setting_range (GParamSpec *setting)
{
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), NULL);

  return describe_range (setting);
}

/**
 * hr_job_set_from_string:
 * @self: a job
 * @property: the name of a setting
 * @value: the value: a number, `true` or `false`, the name of a choice, or names with commas between them
 * @error: return location for a #GError
 *
 * Sets a setting from text, as the command line and scenario files give it.
 *
 * Fails with %HR_ERROR_UNKNOWN_NAME if the job has no such setting, and with %HR_ERROR_VALUE if it does not take the
 * value; the message names the setting, what it takes and what was given. The job is unchanged then.
 *
 * Returns: whether the setting was set
 */
gboolean
hr_job_set_from_string (HrJob       *self,
                        const char  *property,
                        const char  *value,
                        GError     **error)
{
  g_auto (GValue) parsed = G_VALUE_INIT;
  GParamSpec *pspec;

  g_return_val_if_fail (HR_IS_JOB (self), FALSE);
  g_return_val_if_fail (property != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  pspec = find_setting (self, property, error);
  if (pspec == NULL)
    return FALSE;

  if (!parse_value (pspec, value, &parsed))
    {
      g_autofree char *range = describe_range (pspec);

      /* Translators: a setting, what it takes (a phrase of its own), and what was given */
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected %s, found “%s”"), pspec->name, range, value);
      return FALSE;
    }

  g_object_set_property (G_OBJECT (self), pspec->name, &parsed);
  hr_job_give (self, pspec->name);

  return TRUE;
}

/**
 * hr_job_set_all_from_string:
 * @self: a job
 * @settings: settings with their values, each as `setting=value`, with blanks between
 * @error: return location for a #GError
 *
 * Sets several settings from text, in their order, as hr_job_set_from_string() does; the first that cannot be set ends
 * it.
 *
 * Returns: whether all were set
 */
gboolean
hr_job_set_all_from_string (HrJob       *self,
                            const char  *settings,
                            GError     **error)
{
  g_auto (GStrv) parts = NULL;

  g_return_val_if_fail (HR_IS_JOB (self), FALSE);
  g_return_val_if_fail (settings != NULL, FALSE);

  parts = g_strsplit (settings, " ", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (parts[i], "=", 2);

      if (pair[0] != NULL && !hr_job_set_from_string (self, pair[0], pair[1] != NULL ? pair[1] : "", error))
        return FALSE;
    }

  return TRUE;
}

/* The text of a value in JSON that has the type of the setting; %NULL if it has another. */
static char *
get_text_of_value (HrJson     *node,
                   GParamSpec *pspec)
{
  const char *text;
  guint64 number;
  double real;
  gboolean boolean;

  if ((G_IS_PARAM_SPEC_ENUM (pspec) || G_IS_PARAM_SPEC_STRING (pspec)) && hr_json_read_string (node, &text, NULL))
    return g_strdup (text);

  if (G_IS_PARAM_SPEC_DOUBLE (pspec) && hr_json_read_double (node, &real, NULL))
    return format_double (real);

  if (G_IS_PARAM_SPEC_UINT64 (pspec) && hr_json_read_uint (node, 0, G_MAXUINT64, &number, NULL))
    return g_strdup_printf ("%" G_GUINT64_FORMAT, number);

  if (G_IS_PARAM_SPEC_BOOLEAN (pspec) && hr_json_read_boolean (node, &boolean, NULL))
    return g_strdup (boolean ? "true" : "false");

  return NULL;
}

/*
 * hr_job_set_from_json:
 * @self: a job
 * @node: a member of an object: the name of a setting, and a number, a boolean, or a string for a choice or names
 * @error: return location for an error
 *
 * Sets a setting from JSON, with the checks of hr_job_set_from_string(); the message names the file and the place as
 * well.
 *
 * Returns: whether the setting was set
 */
gboolean
hr_job_set_from_json (HrJob   *self,
                      HrJson  *node,
                      GError **error)
{
  g_auto (GValue) parsed = G_VALUE_INIT;
  g_autofree char *text = NULL;
  g_autofree char *range = NULL;
  GParamSpec *pspec;

  g_return_val_if_fail (HR_IS_JOB (self), FALSE);
  g_return_val_if_fail (node != NULL, FALSE);

  pspec = find_setting (self, hr_json_get_key (node), error);
  if (pspec == NULL)
    {
      g_prefix_error (error, _("“%s”: "), hr_json_get_origin (node));
      return FALSE;
    }

  text = get_text_of_value (node, pspec);
  if (text != NULL && parse_value (pspec, text, &parsed))
    {
      g_object_set_property (G_OBJECT (self), pspec->name, &parsed);
      return TRUE;
    }

  range = describe_range (pspec);
  hr_json_set_error (node, HR_ERROR_VALUE, range, error);
  return FALSE;
}

/**
 * hr_job_get_as_string:
 * @self: a job
 * @property: the name of a setting
 *
 * Gets the value of a setting as text that [method@Job.set_from_string] takes.
 *
 * Returns: (transfer full): the value
 */
char *
hr_job_get_as_string (HrJob      *self,
                      const char *property)
{
  g_auto (GValue) value = G_VALUE_INIT;
  GParamSpec *pspec;

  g_return_val_if_fail (HR_IS_JOB (self), NULL);
  g_return_val_if_fail (property != NULL, NULL);

  pspec = find_setting (self, property, NULL);
  g_return_val_if_fail (pspec != NULL, NULL);

  g_object_get_property (G_OBJECT (self), pspec->name, &value);

  if (G_IS_PARAM_SPEC_UINT64 (pspec))
    return g_strdup_printf ("%" G_GUINT64_FORMAT, g_value_get_uint64 (&value));

  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    return format_double (g_value_get_double (&value));

  if (G_IS_PARAM_SPEC_STRING (pspec))
    return g_value_dup_string (&value);

  if (G_IS_PARAM_SPEC_ENUM (pspec))
    return g_strdup (g_enum_get_value (G_PARAM_SPEC_ENUM (pspec)->enum_class, g_value_get_enum (&value))->value_nick);

  g_assert (G_IS_PARAM_SPEC_BOOLEAN (pspec));
  return g_strdup (g_value_get_boolean (&value) ? "true" : "false");
}

/**
 * hr_job_get_dtype:
 * @self: a job
 *
 * Gets what the weights are loaded in.
 *
 * Returns: the value of the setting
 */
HrDtype
hr_job_get_dtype (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), HR_DTYPE_AUTO);

  return priv->dtype;
}

/**
 * hr_job_get_memory_reserve:
 * @self: a job
 *
 * Gets what is to stay free on each GPU.
 *
 * Returns: the size in MiB
 */
guint64
hr_job_get_memory_reserve (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), 0);

  return priv->memory_reserve;
}

/**
 * hr_job_get_int8_outliers:
 * @self: a job
 *
 * Gets whether LLM.int8() multiplies features of large values in the type of the input.
 *
 * Returns: the value of the setting
 */
gboolean
hr_job_get_int8_outliers (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), FALSE);

  return priv->int8_outliers;
}

/**
 * hr_job_get_quantization:
 * @self: a job
 *
 * Gets the format that the weights are quantized in.
 *
 * Returns: the value of the setting
 */
HrQuantization
hr_job_get_quantization (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), HR_QUANTIZATION_AUTO);

  return priv->quantization;
}

/**
 * hr_job_get_method_of_estimate:
 * @self: a job
 *
 * Gets how the estimate is made.
 *
 * Returns: the value of the setting
 */
HrEstimateMethod
hr_job_get_method_of_estimate (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), HR_ESTIMATE_METHOD_EXACT);

  return priv->method_of_estimate;
}

/**
 * hr_job_get_attention:
 * @self: a job
 *
 * Gets how the attention is computed.
 *
 * Returns: the value of the setting
 */
HrAttentionImplementation
hr_job_get_attention (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), HR_ATTENTION_IMPLEMENTATION_SDPA);

  return priv->attention;
}

/**
 * hr_job_get_attention_mask:
 * @self: a job
 *
 * Gets the attention mask that comes with the batch.
 *
 * Returns: the value of the setting
 */
HrAttentionMask
hr_job_get_attention_mask (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), HR_ATTENTION_MASK_NONE);

  return priv->attention_mask;
}

/**
 * hr_job_get_data_parallel:
 * @self: a job
 *
 * Gets how many ranks read different data; 0 stands for as many as the GPUs allow.
 *
 * Returns: the value of the setting
 */
guint64
hr_job_get_data_parallel (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), 0);

  return priv->data_parallel;
}

/**
 * hr_job_get_tensor_parallel:
 * @self: a job
 *
 * Gets how many ranks share each layer.
 *
 * Returns: the value of the setting
 */
guint64
hr_job_get_tensor_parallel (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), 1);

  return priv->tensor_parallel;
}

/**
 * hr_job_get_pipeline_parallel:
 * @self: a job
 *
 * Gets how many stages the layers are divided into.
 *
 * Returns: the value of the setting
 */
guint64
hr_job_get_pipeline_parallel (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), 1);

  return priv->pipeline_parallel;
}

/**
 * hr_job_get_context_parallel:
 * @self: a job
 *
 * Gets how many ranks share each sequence.
 *
 * Returns: the value of the setting
 */
guint64
hr_job_get_context_parallel (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), 1);

  return priv->context_parallel;
}

/**
 * hr_job_get_expert_parallel:
 * @self: a job
 *
 * Gets how many ranks share the experts of a layer.
 *
 * Returns: the value of the setting
 */
guint64
hr_job_get_expert_parallel (HrJob *self)
{
  HrJobPrivate *priv = hr_job_get_instance_private (self);

  g_return_val_if_fail (HR_IS_JOB (self), 1);

  return priv->expert_parallel;
}
