/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-quantization-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-checkpoint.h"
#include "hr-quantization-config-private.h"

/*
 * `quantization_config` in the config of a checkpoint that was quantized beforehand. Keys, defaults and what they
 * mean: transformers 5.12, utils/quantization_config.py and quantizers/; compressed-tensors 0.15,
 * quantization/quant_config.py and quant_args.py; NVIDIA ModelOpt, hf_quant_config.json; GPTQModel,
 * quantization/config.py.
 */

/* Reads the settings of a method; without a quantizer and without an error they are of a kind that is not known. */
typedef gboolean (*Reader) (const HrQuantizationContext  *context,
                            HrQuantizer   **quantizer,
                            GError        **error);

/*
 * hr_quantization_add_patterns:
 * @context: where from
 * @array: names of modules
 * @patterns: where they are added
 * @error: return location for an error
 *
 * Reads names of modules.
 *
 * Returns: whether they are names
 */
gboolean
hr_quantization_add_patterns (const HrQuantizationContext     *context,
              HrJson            *array,
              HrModulePatterns  *patterns,
              GError           **error)
{
  for (guint i = 0; i < hr_json_get_length (array); i++)
    {
      HrJson *element = hr_json_get_element (array, i);
      g_autofree char *shown = NULL;
      const char *text = NULL;

      /* GPTQ has lists of lists: what is quantized together. */
      if (hr_json_get_node_type (element) == HR_JSON_ARRAY)
        {
          if (!hr_quantization_add_patterns (context, element, patterns, error))
            return FALSE;
          continue;
        }
      if (!hr_json_read_string (element, &text, error))
        return FALSE;
      if (hr_module_patterns_add (patterns, text))
        continue;
      shown = hr_checkpoint_dup_shown (text);
      /* Translators: what names modules of a model, such as "re:.*mlp". */
      g_ptr_array_add (context->warnings,
                       g_strdup_printf (_("The config’s quantization names modules in a way that is not known: “%s”."),
                                        shown));
    }

  return TRUE;
}

/*
 * hr_quantization_read_skipped:
 * @context: where from
 * @settings: where the list stands
 * @key: what it is called
 * @style: how it names modules
 * @quantizer: a quantizer
 * @error: return location for an error
 *
 * Reads a list of modules that stay as they are; it may be absent.
 *
 * Returns: whether it is a list of names
 */
gboolean
hr_quantization_read_skipped (const HrQuantizationContext  *context,
              HrJson         *settings,
              const char     *key,
              HrPatternStyle  style,
              HrQuantizer    *quantizer,
              GError        **error)
{
  HrJson *array = NULL;

  if (!hr_json_get_array (settings, key, &array, error))
    return FALSE;
  if (array == NULL)
    return TRUE;

  if (quantizer->skipped == NULL)
    quantizer->skipped = hr_module_patterns_new (style);

  return hr_quantization_add_patterns (context, array, quantizer->skipped, error);
}

/*
 * hr_quantization_read_modules_to_not_convert:
 * @context: where from
 * @key: what the list is called
 * @quantizer: a quantizer
 * @error: return location for an error
 *
 * Reads the list of modules that transformers' own quantizers leave: once there is one, the head is quantized unless
 * it is in it (get_modules_to_not_convert in quantizers/base.py).
 *
 * Returns: whether it is a list of names
 */
gboolean
hr_quantization_read_modules_to_not_convert (const HrQuantizationContext  *context,
                             const char     *key,
                             HrQuantizer    *quantizer,
                             GError        **error)
{
  if (!hr_quantization_read_skipped (context, context->settings, key, HR_PATTERN_NAME, quantizer, error))
    return FALSE;

  quantizer->takes_head = quantizer->skipped != NULL;

  return TRUE;
}

/*
 * hr_quantization_get_group_size:
 * @settings: where it stands
 * @key: what it is called
 * @group_size: (inout): the elements of a group; 0 for a whole row, which files call -1
 * @error: return location for an error
 *
 * Reads the size of groups, which may be absent.
 *
 * Returns: whether it is a size
 */
gboolean
hr_quantization_get_group_size (HrJson      *settings,
                const char  *key,
                guint64     *group_size,
                GError     **error)
{
  HrJson *member = hr_json_get_member (settings, key);
  gint64 number = 0;

  if (member == NULL)
    return TRUE;
  if (hr_json_get_node_type (member) == HR_JSON_INTEGER && hr_json_read_int (member, &number, NULL) && number == -1)
    {
      *group_size = 0;
      return TRUE;
    }

  return hr_json_read_uint (member, 1, HR_QUANTIZATION_MAX_GROUP_SIZE, group_size, error);
}

/*
 * hr_quantization_get_only_format:
 * @quantizer: a quantizer that is new
 *
 * Gets the format of its rule, to be adapted.
 *
 * Returns: the format
 */
HrMatrixFormat *
hr_quantization_get_only_format (HrQuantizer *quantizer)
{
  return &g_array_index (quantizer->rules, HrQuantizerRule, 0).format;
}

static gboolean
read_bitsandbytes (const HrQuantizationContext  *context,
                   HrQuantizer   **quantizer,
                   GError        **error)
{
  const char *type = "fp4";
  gboolean is_int8 = FALSE;
  gboolean is_double = FALSE;
  HrQuantization quantization;

  if (!hr_json_get_boolean (context->settings, "load_in_8bit", &is_int8, error) ||
      !hr_json_get_boolean (context->settings, "bnb_4bit_use_double_quant", &is_double, error) ||
      !hr_json_get_string (context->settings, "bnb_4bit_quant_type", &type, error))
    return FALSE;

  if (is_int8)
    quantization = HR_QUANTIZATION_BNB_INT8;
  else if (g_str_equal (type, "nf4"))
    quantization = is_double ? HR_QUANTIZATION_BNB_NF4_DQ : HR_QUANTIZATION_BNB_NF4;
  else
    quantization = is_double ? HR_QUANTIZATION_BNB_FP4_DQ : HR_QUANTIZATION_BNB_FP4;

  *quantizer = hr_quantizer_new (quantization);
  hr_quantization_get_only_format (*quantizer)->is_stored = TRUE;

  return hr_quantization_read_modules_to_not_convert (context, "llm_int8_skip_modules", *quantizer, error);
}

static gboolean
get_gptq_quantization (guint64         bits,
                       HrQuantization *quantization)
{
  switch (bits)
    {
    case 2:
      *quantization = HR_QUANTIZATION_GPTQ_INT2;
      return TRUE;

    case 3:
      *quantization = HR_QUANTIZATION_GPTQ_INT3;
      return TRUE;

    case 4:
      *quantization = HR_QUANTIZATION_GPTQ_INT4;
      return TRUE;

    case 8:
      *quantization = HR_QUANTIZATION_GPTQ_INT8;
      return TRUE;

    default:
      return FALSE;
    }
}

/* GPTQModel's own settings of some modules: "-:…" leaves them, "+:…" (or nothing before it) gives them others. */
static gboolean
read_dynamic (const HrQuantizationContext         *context,
              HrQuantizer           *quantizer,
              const HrMatrixFormat  *format,
              GError               **error)
{
  HrJson *dynamic = NULL;

  if (!hr_json_get_object (context->settings, "dynamic", &dynamic, error))
    return FALSE;

  for (guint i = 0; dynamic != NULL && i < hr_json_get_length (dynamic); i++)
    {
      HrJson *node = hr_json_get_element (dynamic, i);
      const char *pattern = hr_json_get_key (node);
      gboolean is_exclusion = g_str_has_prefix (pattern, "-:");
      g_autoptr (HrModulePatterns) targets = hr_module_patterns_new (HR_PATTERN_REGEX);
      HrMatrixFormat other = *format;
      guint64 bits = format->bits;

      if (is_exclusion || g_str_has_prefix (pattern, "+:"))
        pattern += 2;
      if (!is_exclusion && (!hr_json_check_type (node, HR_JSON_OBJECT, error) ||
                            !hr_json_get_uint (node, "bits", 2, 8, &bits, error) ||
                            !hr_quantization_get_group_size (node, "group_size", &other.group_size, error)))
        return FALSE;
      if (!hr_module_patterns_add (targets, pattern))
        continue;
      other.bits = bits;
      hr_quantizer_add_rule (quantizer, g_steal_pointer (&targets), is_exclusion ? NULL : &other);
    }

  return TRUE;
}

/* Names of the modules of a layer that are quantized, where not all are. */
static gboolean
read_modules_in_block (const HrQuantizationContext         *context,
                       HrQuantizer           *quantizer,
                       const HrMatrixFormat  *format,
                       GError               **error)
{
  g_autoptr (HrModulePatterns) targets = hr_module_patterns_new (HR_PATTERN_NAME);
  HrJson *modules = NULL;

  if (!hr_json_get_array (context->settings, "modules_in_block_to_quantize", &modules, error))
    return FALSE;
  if (modules == NULL)
    {
      hr_quantizer_add_rule (quantizer, NULL, format);
      return TRUE;
    }
  if (!hr_quantization_add_patterns (context, modules, targets, error))
    return FALSE;

  hr_quantizer_add_rule (quantizer, g_steal_pointer (&targets), format);

  return TRUE;
}

static gboolean
read_gptq (const HrQuantizationContext  *context,
           HrQuantizer   **quantizer,
           GError        **error)
{
  HrMatrixFormat format = *hr_matrix_format_get (HR_QUANTIZATION_GPTQ_INT4);
  HrQuantization quantization;
  guint64 bits = 4;

  if (!hr_json_get_uint (context->settings, "bits", 1, 16, &bits, error) ||
      !hr_quantization_get_group_size (context->settings, "group_size", &format.group_size, error))
    return FALSE;
  if (!get_gptq_quantization (bits, &quantization))
    return TRUE;

  format.bits = bits;
  *quantizer = hr_quantizer_new (quantization);
  g_array_set_size ((*quantizer)->rules, 0);

  return hr_json_get_boolean (context->settings, "lm_head", &(*quantizer)->takes_head, error) &&
         read_dynamic (context, *quantizer, &format, error) &&
         read_modules_in_block (context, *quantizer, &format, error);
}

static gboolean
read_awq (const HrQuantizationContext  *context,
          HrQuantizer   **quantizer,
          GError        **error)
{
  HrMatrixFormat *format;
  const char *version = "gemm";
  guint64 bits = 4;

  if (!hr_json_get_uint (context->settings, "bits", 1, 16, &bits, error) ||
      !hr_json_get_uint (context->settings, "w_bit", 1, 16, &bits, error) ||
      !hr_json_get_string (context->settings, "version", &version, error))
    return FALSE;
  if (bits != 4)
    return TRUE;

  *quantizer = hr_quantizer_new (HR_QUANTIZATION_AWQ_INT4);
  format = hr_quantization_get_only_format (*quantizer);
  if (g_ascii_strncasecmp (version, "gemv", strlen ("gemv")) == 0)
    format->packing = HR_PACKING_AWQ_GEMV;

  return hr_quantization_get_group_size (context->settings, "group_size", &format->group_size, error) &&
         hr_quantization_get_group_size (context->settings, "q_group_size", &format->group_size, error) &&
         hr_json_get_boolean (context->settings, "zero_point", &format->has_zeros, error) &&
         hr_quantization_read_skipped (context, context->settings, "modules_to_not_convert", HR_PATTERN_NAME,
                                       *quantizer, error);
}

/* Two numbers, as [128, 128]; null stands for a scale for the whole matrix. */
static gboolean
read_block_size (HrJson          *settings,
                 const char      *key,
                 HrMatrixFormat  *format,
                 GError         **error)
{
  HrJson *sizes = NULL;

  if (!hr_json_get_array (settings, key, &sizes, error))
    return FALSE;
  if (sizes == NULL)
    {
      if (hr_json_has_null_member (settings, key))
        format->group_size = HR_MATRIX_WHOLE;
      return TRUE;
    }
  if (hr_json_get_length (sizes) != 2)
    {
      hr_json_set_error (sizes, HR_ERROR_VALUE, _("two numbers"), error);
      return FALSE;
    }

  return hr_json_read_uint (hr_json_get_element (sizes, 0), 1, HR_QUANTIZATION_MAX_GROUP_SIZE, &format->group_rows,
                            error) &&
         hr_json_read_uint (hr_json_get_element (sizes, 1), 1, HR_QUANTIZATION_MAX_GROUP_SIZE, &format->group_size,
                            error);
}

/*
 * Experts that are stored in four bits where the other matrices are in eight: two of them in a byte, and an exponent
 * for 32 (DeepseekV4FP8Config and Mxfp4MoEMethod of vLLM, expert_dtype of DeepSeek-V4's config).
 */
static void
narrow_experts (const HrQuantizationContext *context,
                HrQuantizer                 *quantizer)
{
  HrQuantizerRule rule = { .format = *hr_matrix_format_get (HR_QUANTIZATION_MXFP4) };

  if (g_strcmp0 (context->expert_dtype, "fp4") != 0)
    return;

  rule.targets = hr_module_patterns_new (HR_PATTERN_NAME);
  hr_module_patterns_add (rule.targets, "mlp.experts");
  g_array_prepend_val (quantizer->rules, rule);
}

static gboolean
read_fp8 (const HrQuantizationContext  *context,
          HrQuantizer   **quantizer,
          GError        **error)
{
  HrMatrixFormat format = *hr_matrix_format_get (HR_QUANTIZATION_FP8);
  const char *scheme = "dynamic";
  const char *scale = "float";

  if (!hr_json_get_string (context->settings, "activation_scheme", &scheme, error) ||
      !hr_json_get_string (context->settings, "scale_fmt", &scale, error) ||
      !read_block_size (context->settings, "weight_block_size", &format, error))
    return FALSE;

  /* Inputs with a scale of their own are from before there were blocks. */
  if (g_str_equal (scheme, "static") && hr_json_get_member (context->settings, "weight_block_size") == NULL)
    format.group_size = HR_MATRIX_WHOLE;
  format.has_input_scale = g_str_equal (scheme, "static");
  if (g_str_equal (scale, "ue8m0"))
    format.scale = HR_SCALE_EXPONENT;

  *quantizer = hr_quantizer_new (format.group_size == HR_MATRIX_WHOLE ? HR_QUANTIZATION_FP8_TENSOR
                                                                      : HR_QUANTIZATION_FP8);
  *hr_quantization_get_only_format (*quantizer) = format;
  narrow_experts (context, *quantizer);

  return hr_quantization_read_modules_to_not_convert (context, "modules_to_not_convert", *quantizer, error) &&
         hr_quantization_read_modules_to_not_convert (context, "ignored_layers", *quantizer, error);
}

static gboolean
read_mxfp8 (const HrQuantizationContext  *context,
            HrQuantizer   **quantizer,
            GError        **error)
{
  *quantizer = hr_quantizer_new (HR_QUANTIZATION_MXFP8);

  return read_block_size (context->settings, "weight_block_size", hr_quantization_get_only_format (*quantizer),
                          error) &&
         hr_quantization_read_modules_to_not_convert (context, "modules_to_not_convert", *quantizer, error) &&
         hr_quantization_read_modules_to_not_convert (context, "ignored_layers", *quantizer, error);
}

static gboolean
read_fbgemm_fp8 (const HrQuantizationContext  *context,
                 HrQuantizer   **quantizer,
                 GError        **error)
{
  *quantizer = hr_quantizer_new (HR_QUANTIZATION_FP8_CHANNEL);
  (*quantizer)->takes_experts = context->model_type != NULL && g_str_has_prefix (context->model_type, "llama4");

  return hr_quantization_read_modules_to_not_convert (context, "modules_to_not_convert", *quantizer, error);
}

static gboolean
read_mxfp4 (const HrQuantizationContext  *context,
            HrQuantizer   **quantizer,
            GError        **error)
{
  *quantizer = hr_quantizer_new (HR_QUANTIZATION_MXFP4);
  (*quantizer)->takes_linear = FALSE;

  return hr_quantization_read_skipped (context, context->settings, "modules_to_not_convert", HR_PATTERN_NAME,
                                       *quantizer, error);
}

static const struct
{
  const char *method;
  Reader read;
} methods[] = {
  { "bitsandbytes", read_bitsandbytes },
  { "bitsandbytes_4bit", read_bitsandbytes },
  { "bitsandbytes_8bit", read_bitsandbytes },
  { "gptq", read_gptq },
  { "auto-round", read_gptq },
  { "awq", read_awq },
  { "compressed-tensors", hr_quantization_read_compressed },
  { "modelopt", hr_quantization_read_modelopt },
  { "fp8", read_fp8 },
  { "mxfp8", read_mxfp8 },
  { "fbgemm_fp8", read_fbgemm_fp8 },
  { "mxfp4", read_mxfp4 },
  { "hqq", hr_quantization_read_hqq },
  { "quanto", hr_quantization_read_quanto },
  { "eetq", hr_quantization_read_eetq },
  { "torchao", hr_quantization_read_torchao },
  { "aqlm", hr_quantization_read_aqlm },
  { "bitnet", hr_quantization_read_bitnet },
  { "mlx", hr_quantization_read_mlx },
  { "exl3", hr_quantization_read_exl3 },
};

/* What to call the settings of a config that does not say. */
static const char *
guess_method (HrJson *settings)
{
  if (hr_json_get_member (settings, "load_in_4bit") != NULL || hr_json_get_member (settings, "load_in_8bit") != NULL)
    return "bitsandbytes";
  /* hf_quant_config.json, quant_config.json and quantize_config.json: of ModelOpt, AutoAWQ and AutoGPTQ. */
  if (hr_json_get_member (settings, "quantization") != NULL)
    return "modelopt";
  if (hr_json_get_member (settings, "w_bit") != NULL)
    return "awq";
  if (hr_json_get_member (settings, "desc_act") != NULL)
    return "gptq";
  /* What mlx_lm.convert writes (quantize_model of mlx_lm/utils.py). */
  if (hr_json_get_member (settings, "bits") != NULL && hr_json_get_member (settings, "group_size") != NULL)
    return "mlx";

  return NULL;
}

/*
 * hr_quantization_config_read:
 * @settings: what a config says about how the checkpoint was quantized
 * @model_type: (nullable): the type of the model
 * @expert_dtype: (nullable): what the config says that the experts are stored in
 * @quantizer: (out) (transfer full): what was done to the model's tensors; %NULL if that is not known
 * @unknown: (out) (transfer full): the method, if it is one that is not known in this form; else %NULL
 * @warnings: (element-type utf8): where what is not known is added
 * @error: return location for an error
 *
 * Reads `quantization_config`.
 *
 * Returns: whether it is what it should be; otherwise @error says what is wrong
 */
gboolean
hr_quantization_config_read (HrJson       *settings,
                             const char   *model_type,
                             const char   *expert_dtype,
                             HrQuantizer **quantizer,
                             char        **unknown,
                             GPtrArray    *warnings,
                             GError      **error)
{
  HrQuantizationContext context = { settings, model_type, expert_dtype, warnings };
  g_autoptr (HrQuantizer) found = NULL;
  g_autofree char *shown = NULL;
  const char *method = NULL;
  gboolean is_expanded = FALSE;

  *quantizer = NULL;
  *unknown = NULL;
  if (!hr_json_get_string (settings, "quant_method", &method, error) ||
      !hr_json_get_boolean (settings, "dequantize", &is_expanded, error))
    return FALSE;
  if (method == NULL)
    method = guess_method (settings);

  for (guint i = 0; method != NULL && i < G_N_ELEMENTS (methods); i++)
    {
      if (g_str_equal (methods[i].method, method) && !methods[i].read (&context, &found, error))
        return FALSE;
    }

  shown = hr_checkpoint_dup_shown (method != NULL ? method : _("(none)"));
  if (found == NULL && method == NULL)
    g_ptr_array_add (warnings,
                     g_strdup_printf (_("The config’s quantization “%s” is not known in this form; the weights are "
                                        "taken as not quantized."),
                                      shown));
  else if (found == NULL)
    {
      g_ptr_array_add (warnings,
                       g_strdup_printf (_("The config’s quantization “%s” is not known in this form; how much its "
                                          "weights take is not known."),
                                        shown));
      *unknown = g_steal_pointer (&shown);
    }
  else if (is_expanded || found->quantization == HR_QUANTIZATION_NONE)
    g_ptr_array_add (warnings,
                     g_strdup_printf (_("The config has the weights expanded when they are loaded, so that they take "
                                        "as much as if they were not quantized with “%s”."),
                                      shown));
  else
    *quantizer = g_steal_pointer (&found);

  return TRUE;
}
