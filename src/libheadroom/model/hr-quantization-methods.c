/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-quantization-config-private.h"

#include "hr-exl3-allocation.h"

/*
 * Methods that quantize a model while transformers loads it, and those of few checkpoints: transformers 5.12,
 * utils/quantization_config.py and integrations/hqq.py, quanto.py, eetq.py, torchao.py, aqlm.py, bitnet.py.
 */

static gboolean
get_hqq_quantization (guint64         bits,
                      HrQuantization *quantization)
{
  static const struct
  {
    guint bits;
    HrQuantization quantization;
  } widths[] = {
    { 8, HR_QUANTIZATION_HQQ_INT8 }, { 4, HR_QUANTIZATION_HQQ_INT4 }, { 3, HR_QUANTIZATION_HQQ_INT3 },
    { 2, HR_QUANTIZATION_HQQ_INT2 }, { 1, HR_QUANTIZATION_HQQ_INT1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    {
      if (widths[i].bits != bits)
        continue;
      *quantization = widths[i].quantization;
      return TRUE;
    }

  return FALSE;
}

/* The settings of HQQ for one kind of layer, or for all. */
static gboolean
read_hqq_layer (HrJson          *settings,
                HrQuantization  *quantization,
                HrMatrixFormat  *format,
                GError         **error)
{
  HrJson *weights = NULL;
  guint64 bits = 4;

  if (!hr_json_check_type (settings, HR_JSON_OBJECT, error) ||
      !hr_json_get_object (settings, "weight_quant_params", &weights, error))
    return FALSE;
  if (weights == NULL)
    return TRUE;

  *format = *hr_matrix_format_get (HR_QUANTIZATION_HQQ_INT4);
  if (!hr_json_get_uint (weights, "nbits", 1, 16, &bits, error) ||
      !hr_quantization_get_group_size (weights, "group_size", &format->group_size, error))
    return FALSE;
  if (!get_hqq_quantization (bits, quantization))
    format->packing = HR_PACKING_NONE;
  format->bits = bits;

  return TRUE;
}

/*
 * hr_quantization_read_hqq:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of this method.
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_hqq (const HrQuantizationContext  *context,
          HrQuantizer   **quantizer,
          GError        **error)
{
  HrQuantization quantization = HR_QUANTIZATION_HQQ_INT4;
  HrMatrixFormat format = { 0 };
  HrJson *settings = NULL;

  if (!hr_json_get_object (context->settings, "quant_config", &settings, error))
    return FALSE;
  if (settings == NULL)
    return TRUE;
  if (!read_hqq_layer (settings, &quantization, &format, error))
    return FALSE;

  *quantizer = hr_quantizer_new (quantization);
  if (format.packing != HR_PACKING_NONE)
    *hr_quantization_get_only_format (*quantizer) = format;
  else
    g_array_set_size ((*quantizer)->rules, 0);

  /* Without settings for all, each kind of layer has its own. */
  for (guint i = 0; format.packing == HR_PACKING_NONE && i < hr_json_get_length (settings); i++)
    {
      HrJson *layer = hr_json_get_element (settings, i);
      g_autoptr (HrModulePatterns) targets = hr_module_patterns_new (HR_PATTERN_TAG);
      HrMatrixFormat own = { 0 };

      if (hr_json_get_node_type (layer) != HR_JSON_OBJECT)
        continue;
      if (!read_hqq_layer (layer, &(*quantizer)->quantization, &own, error))
        return FALSE;
      if (own.packing != HR_PACKING_NONE && hr_module_patterns_add (targets, hr_json_get_key (layer)))
        hr_quantizer_add_rule (*quantizer, g_steal_pointer (&targets), &own);
    }
  if ((*quantizer)->rules->len == 0)
    g_clear_pointer (quantizer, hr_quantizer_free);

  return *quantizer == NULL ||
         hr_quantization_read_skipped (context, context->settings, "skip_modules", HR_PATTERN_TAG, *quantizer, error);
}

/*
 * hr_quantization_read_quanto:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of this method.
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_quanto (const HrQuantizationContext  *context,
             HrQuantizer   **quantizer,
             GError        **error)
{
  static const struct
  {
    const char *weights;
    HrQuantization quantization;
  } kinds[] = {
    { "int8", HR_QUANTIZATION_QUANTO_INT8 }, { "float8", HR_QUANTIZATION_QUANTO_FLOAT8 },
    { "int4", HR_QUANTIZATION_QUANTO_INT4 }, { "int2", HR_QUANTIZATION_QUANTO_INT2 },
  };
  const char *weights = "int8";

  if (!hr_json_get_string (context->settings, "weights", &weights, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (!g_str_equal (kinds[i].weights, weights))
        continue;
      *quantizer = hr_quantizer_new (kinds[i].quantization);
      return hr_quantization_read_modules_to_not_convert (context, "modules_to_not_convert", *quantizer, error);
    }

  return TRUE;
}

/*
 * hr_quantization_read_eetq:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of this method.
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_eetq (const HrQuantizationContext  *context,
           HrQuantizer   **quantizer,
           GError        **error)
{
  *quantizer = hr_quantizer_new (HR_QUANTIZATION_EETQ_INT8);

  return hr_quantization_read_modules_to_not_convert (context, "modules_to_not_convert", *quantizer, error);
}

/* "int4_weight_only", or an object with the class and its data: {"default": {"_type": …, "_data": {…}}}. */
/*
 * hr_quantization_read_torchao:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of this method.
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_torchao (const HrQuantizationContext  *context,
              HrQuantizer   **quantizer,
              GError        **error)
{
  static const struct
  {
    const char *name;
    HrQuantization quantization;
  } kinds[] = {
    { "int4_weight_only", HR_QUANTIZATION_TORCHAO_INT4 }, { "Int4WeightOnlyConfig", HR_QUANTIZATION_TORCHAO_INT4 },
    { "int8_weight_only", HR_QUANTIZATION_TORCHAO_INT8 }, { "Int8WeightOnlyConfig", HR_QUANTIZATION_TORCHAO_INT8 },
    { "int8_dynamic_activation_int8_weight", HR_QUANTIZATION_TORCHAO_INT8 },
    { "Int8DynamicActivationInt8WeightConfig", HR_QUANTIZATION_TORCHAO_INT8 },
    { "float8_weight_only", HR_QUANTIZATION_TORCHAO_FLOAT8 },
    { "Float8WeightOnlyConfig", HR_QUANTIZATION_TORCHAO_FLOAT8 },
    { "Float8DynamicActivationFloat8WeightConfig", HR_QUANTIZATION_TORCHAO_FLOAT8 },
  };
  HrJson *type = hr_json_get_member (context->settings, "quant_type");
  HrJson *data = NULL;
  const char *name = NULL;

  if (type != NULL && hr_json_get_node_type (type) == HR_JSON_OBJECT)
    {
      if (!hr_json_get_object (type, "default", &type, error) || !hr_json_get_string (type, "_type", &name, error) ||
          !hr_json_get_object (type, "_data", &data, error))
        return FALSE;
    }
  else if (!hr_json_get_string (context->settings, "quant_type", &name, error) ||
           !hr_json_get_object (context->settings, "quant_type_kwargs", &data, error))
    return FALSE;

  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (kinds); i++)
    {
      if (!g_str_equal (kinds[i].name, name))
        continue;
      *quantizer = hr_quantizer_new (kinds[i].quantization);
      if (data != NULL && kinds[i].quantization == HR_QUANTIZATION_TORCHAO_INT4 &&
          !hr_quantization_get_group_size (data, "group_size",
                                           &hr_quantization_get_only_format (*quantizer)->group_size, error))
        return FALSE;
      return hr_quantization_read_modules_to_not_convert (context, "modules_to_not_convert", *quantizer, error);
    }

  return TRUE;
}

/*
 * hr_quantization_read_aqlm:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of this method.
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_aqlm (const HrQuantizationContext  *context,
           HrQuantizer   **quantizer,
           GError        **error)
{
  guint64 bits = 16;
  guint64 n_elements = 8;
  guint64 n_out = 1;
  guint64 n_books = 1;
  HrMatrixFormat *format;

  if (!hr_json_get_uint (context->settings, "nbits_per_codebook", 1, 16, &bits, error) ||
      !hr_json_get_uint (context->settings, "in_group_size", 1, 1024, &n_elements, error) ||
      !hr_json_get_uint (context->settings, "out_group_size", 1, 1024, &n_out, error) ||
      !hr_json_get_uint (context->settings, "num_codebooks", 1, 64, &n_books, error))
    return FALSE;
  if (n_out != 1)
    return TRUE;

  *quantizer = hr_quantizer_new (HR_QUANTIZATION_AQLM_INT2);
  format = hr_quantization_get_only_format (*quantizer);
  format->bits = bits;
  format->code_elements = n_elements;
  format->n_code_books = n_books;

  return hr_quantization_read_skipped (context, context->settings, "linear_weights_not_to_quantize", HR_PATTERN_PART,
                                       *quantizer, error);
}

/* The class AutoBitLinear computes with expanded weights (transformers/integrations/bitnet.py). */
/*
 * hr_quantization_read_bitnet:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of this method.
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_bitnet (const HrQuantizationContext  *context,
             HrQuantizer   **quantizer,
             GError        **error)
{
  const char *class_name = "bitlinear";

  if (!hr_json_get_string (context->settings, "linear_class", &class_name, error))
    return FALSE;

  *quantizer = hr_quantizer_new (g_str_equal (class_name, "autobitlinear") ? HR_QUANTIZATION_NONE
                                                                           : HR_QUANTIZATION_BITNET);

  return hr_quantization_read_modules_to_not_convert (context, "modules_to_not_convert", *quantizer, error);
}

/* The format of a width and a mode; without either it is four bits, as mlx_lm.convert has it. */
static gboolean
get_mlx_quantization (guint64         bits,
                      const char     *mode,
                      HrQuantization *quantization)
{
  static const struct
  {
    const char *mode;
    guint bits;
    HrQuantization quantization;
  } kinds[] = {
    { "affine", 8, HR_QUANTIZATION_MLX_INT8 }, { "affine", 6, HR_QUANTIZATION_MLX_INT6 },
    { "affine", 5, HR_QUANTIZATION_MLX_INT5 }, { "affine", 4, HR_QUANTIZATION_MLX_INT4 },
    { "affine", 3, HR_QUANTIZATION_MLX_INT3 }, { "affine", 2, HR_QUANTIZATION_MLX_INT2 },
    { "mxfp8", 8, HR_QUANTIZATION_MLX_MXFP8 }, { "mxfp4", 4, HR_QUANTIZATION_MLX_MXFP4 },
    { "nvfp4", 4, HR_QUANTIZATION_MLX_NVFP4 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (kinds[i].bits != bits || !g_str_equal (kinds[i].mode, mode))
        continue;
      *quantization = kinds[i].quantization;
      return TRUE;
    }

  return FALSE;
}

static gboolean
read_mlx_format (HrJson          *settings,
                 HrQuantization  *quantization,
                 HrMatrixFormat  *format,
                 GError         **error)
{
  const char *mode = "affine";
  guint64 bits = 4;

  *quantization = HR_QUANTIZATION_NONE;
  if (!hr_json_get_uint (settings, "bits", 1, 16, &bits, error) ||
      !hr_json_get_string (settings, "mode", &mode, error))
    return FALSE;
  if (!get_mlx_quantization (bits, mode, quantization))
    return TRUE;
  *format = *hr_matrix_format_get (*quantization);

  return hr_quantization_get_group_size (settings, "group_size", &format->group_size, error);
}

/*
 * hr_quantization_read_mlx:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of MLX, which name modules that have a format of their own, or false for those that stay
 * (_quantize of mlx_lm/utils.py, load_model).
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_mlx (const HrQuantizationContext  *context,
                          HrQuantizer                 **quantizer,
                          GError                      **error)
{
  HrQuantization quantization;
  HrMatrixFormat format;

  if (!read_mlx_format (context->settings, &quantization, &format, error))
    return FALSE;
  if (quantization == HR_QUANTIZATION_NONE)
    return TRUE;

  *quantizer = hr_quantizer_new (quantization);
  (*quantizer)->whole_group = format.group_size;
  g_array_set_size ((*quantizer)->rules, 0);
  for (guint i = 0; i < hr_json_get_length (context->settings); i++)
    {
      HrJson *member = hr_json_get_element (context->settings, i);
      g_autoptr (HrModulePatterns) targets = NULL;
      gboolean is_kept = hr_json_get_node_type (member) == HR_JSON_BOOLEAN;
      HrQuantization own = quantization;
      HrMatrixFormat other = format;

      if (!is_kept && hr_json_get_node_type (member) != HR_JSON_OBJECT)
        continue;
      if (!is_kept && !read_mlx_format (member, &own, &other, error))
        return FALSE;
      targets = hr_module_patterns_new (HR_PATTERN_NAME);
      if (own != HR_QUANTIZATION_NONE && hr_module_patterns_add (targets, hr_json_get_key (member)))
        hr_quantizer_add_rule (*quantizer, g_steal_pointer (&targets), is_kept ? NULL : &other);
    }
  hr_quantizer_add_rule (*quantizer, NULL, &format);

  return TRUE;
}

/*
 * hr_quantization_read_exl3:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of ExLlamaV3 (compile_model of exllamav3/conversion/compile.py): the bits of an element on the
 * average, and those of the head. Which matrix has how many follows from them, where the weights are not there.
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_exl3 (const HrQuantizationContext  *context,
                           HrQuantizer                 **quantizer,
                           GError                      **error)
{
  double bits = HR_EXL3_BITS;
  guint64 head_bits = HR_EXL3_HEAD_BITS;

  if (!hr_json_get_double (context->settings, "bits", &bits, error) ||
      !hr_json_get_uint (context->settings, "head_bits", 1, 16, &head_bits, error))
    return FALSE;
  if (bits < 1 || bits > HR_EXL3_MAX_BITS)
    return TRUE;

  *quantizer = hr_quantizer_new (HR_QUANTIZATION_EXL3);
  (*quantizer)->bits_per_weight = bits;
  (*quantizer)->head_bits = head_bits;

  return TRUE;
}
