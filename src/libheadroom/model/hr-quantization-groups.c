/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-quantization-config-private.h"

/*
 * compressed-tensors and NVIDIA ModelOpt describe numbers rather than a method: groups of modules, each with the width,
 * the type and the strategy of its weights.
 */

typedef struct
{
  guint64 bits;
  const char *type;
  const char *strategy;
  guint64 group_size;
  gboolean is_symmetric;
  gboolean has_order;          /* a group for each column */
  gboolean has_input_scale;
  HrJson *blocks;
} Numbers;

static gboolean
read_input (HrJson   *group,
            Numbers  *numbers,
            GError  **error)
{
  HrJson *input = NULL;
  HrJson *dynamic;
  gboolean is_dynamic = FALSE;

  if (!hr_json_get_object (group, "input_activations", &input, error))
    return FALSE;
  if (input == NULL)
    return TRUE;

  /* "local" is a scale for all, beside those of the groups. */
  dynamic = hr_json_get_member (input, "dynamic");
  if (dynamic != NULL && hr_json_get_node_type (dynamic) == HR_JSON_BOOLEAN)
    hr_json_read_boolean (dynamic, &is_dynamic, NULL);
  numbers->has_input_scale = !is_dynamic;

  return TRUE;
}

static gboolean
read_numbers (HrJson   *group,
              Numbers  *numbers,
              GError  **error)
{
  HrJson *weights = NULL;
  HrJson *order;
  const char *order_name = NULL;

  *numbers = (Numbers) { .bits = 8, .type = "int", .is_symmetric = TRUE };
  if (!hr_json_check_type (group, HR_JSON_OBJECT, error) || !hr_json_get_object (group, "weights", &weights, error))
    return FALSE;
  if (weights == NULL)
    {
      numbers->bits = 0;
      return TRUE;
    }

  order = hr_json_get_member (weights, "actorder");
  if (order != NULL && hr_json_get_node_type (order) == HR_JSON_STRING)
    hr_json_read_string (order, &order_name, NULL);
  numbers->has_order = g_strcmp0 (order_name, "group") == 0;

  return hr_json_get_uint (weights, "num_bits", 1, 32, &numbers->bits, error) &&
         hr_json_get_string (weights, "type", &numbers->type, error) &&
         hr_json_get_string (weights, "strategy", &numbers->strategy, error) &&
         hr_json_get_uint (weights, "group_size", 1, HR_QUANTIZATION_MAX_GROUP_SIZE, &numbers->group_size, error) &&
         hr_json_get_boolean (weights, "symmetric", &numbers->is_symmetric, error) &&
         hr_json_get_array (weights, "block_structure", &numbers->blocks, error) &&
         read_input (group, numbers, error);
}

/* The elements that share a scale. */
static gboolean
set_strategy (const Numbers   *numbers,
              HrMatrixFormat  *format,
              GError         **error)
{
  format->group_rows = 0;
  if (g_strcmp0 (numbers->strategy, "tensor") == 0)
    format->group_size = HR_MATRIX_WHOLE;
  else if (g_strcmp0 (numbers->strategy, "channel") == 0 || g_strcmp0 (numbers->strategy, "token") == 0)
    format->group_size = 0;
  else if (numbers->blocks != NULL && hr_json_get_length (numbers->blocks) == 2)
    return hr_json_read_uint (hr_json_get_element (numbers->blocks, 0), 1, HR_QUANTIZATION_MAX_GROUP_SIZE,
                              &format->group_rows, error) &&
           hr_json_read_uint (hr_json_get_element (numbers->blocks, 1), 1, HR_QUANTIZATION_MAX_GROUP_SIZE,
                              &format->group_size, error);
  else
    format->group_size = numbers->group_size;

  return TRUE;
}

static HrQuantization
get_fp8_quantization (const HrMatrixFormat *format)
{
  if (format->group_size == HR_MATRIX_WHOLE)
    return HR_QUANTIZATION_FP8_TENSOR;

  return format->group_rows > 1 ? HR_QUANTIZATION_FP8 : HR_QUANTIZATION_FP8_CHANNEL;
}

/* compressed-tensors 0.15, compressors: what each format makes of a weight. */
static gboolean
get_compressed_format (const Numbers   *numbers,
                       const char      *name,
                       HrQuantization  *quantization,
                       HrMatrixFormat  *format,
                       GError         **error)
{
  gboolean is_float = g_str_equal (numbers->type, "float");

  *quantization = HR_QUANTIZATION_NONE;
  if (g_strcmp0 (name, "pack-quantized") == 0)
    {
      if (is_float || numbers->bits > 8)
        return TRUE;
      *quantization = numbers->bits > 4 ? HR_QUANTIZATION_W8A16_INT8 : HR_QUANTIZATION_W4A16_INT4;
      *format = *hr_matrix_format_get (*quantization);
      format->bits = numbers->bits;
      format->has_zeros = !numbers->is_symmetric;
      format->has_index = numbers->has_order;
      return set_strategy (numbers, format, error);
    }
  if (g_strcmp0 (name, "nvfp4-pack-quantized") == 0)
    {
      *quantization = HR_QUANTIZATION_NVFP4;
      *format = *hr_matrix_format_get (*quantization);
      format->scale_name = ".weight_global_scale";
      format->has_input_scale = numbers->has_input_scale;
      return TRUE;
    }
  if (g_strcmp0 (name, "mxfp4-pack-quantized") == 0)
    {
      *quantization = HR_QUANTIZATION_MXFP4;
      *format = *hr_matrix_format_get (*quantization);
      format->scale_name = ".weight_scale";
      return TRUE;
    }
  if (numbers->bits != 8 || (name != NULL && !g_str_has_suffix (name, "-quantized")))
    return TRUE;

  *format = *hr_matrix_format_get (HR_QUANTIZATION_W8A8_INT8);
  format->is_float = is_float;
  format->has_input_scale = numbers->has_input_scale;
  if (!set_strategy (numbers, format, error))
    return FALSE;
  *quantization = is_float ? get_fp8_quantization (format) : HR_QUANTIZATION_W8A8_INT8;

  return TRUE;
}

/* The modules of a group; %NULL if they are all linear layers. */
static gboolean
read_targets (const HrQuantizationContext  *context,
              HrJson                       *group,
              HrModulePatterns            **targets,
              GError                      **error)
{
  HrJson *array = NULL;

  *targets = NULL;
  if (!hr_json_get_array (group, "targets", &array, error))
    return FALSE;

  for (guint i = 0; array != NULL && i < hr_json_get_length (array); i++)
    {
      const char *target = NULL;

      if (!hr_json_read_string (hr_json_get_element (array, i), &target, error))
        return FALSE;
      /* The name of the class. */
      if (g_str_equal (target, "Linear"))
        return TRUE;
    }
  if (array == NULL)
    return TRUE;

  *targets = hr_module_patterns_new (HR_PATTERN_EXACT);

  return hr_quantization_add_patterns (context, array, *targets, error);
}

static gboolean
read_group (const HrQuantizationContext  *context,
            HrJson                       *group,
            const char                   *name,
            HrQuantizer                  *quantizer,
            GError                      **error)
{
  g_autoptr (HrModulePatterns) targets = NULL;
  HrMatrixFormat format = { 0 };
  HrQuantization quantization;
  Numbers numbers;

  if (!read_numbers (group, &numbers, error) || !hr_json_get_string (group, "format", &name, error) ||
      !get_compressed_format (&numbers, name, &quantization, &format, error))
    return FALSE;
  if (numbers.bits == 0 || quantization == HR_QUANTIZATION_NONE)
    return TRUE;
  if (!read_targets (context, group, &targets, error))
    return FALSE;

  hr_quantizer_add_rule (quantizer, g_steal_pointer (&targets), &format);
  if (quantizer->quantization == HR_QUANTIZATION_NONE)
    quantizer->quantization = quantization;

  return TRUE;
}

/*
 * hr_quantization_read_compressed:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of compressed-tensors.
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_compressed (const HrQuantizationContext  *context,
                                 HrQuantizer                 **quantizer,
                                 GError                      **error)
{
  g_autoptr (HrQuantizer) self = hr_quantizer_new (HR_QUANTIZATION_NONE);
  HrJson *groups = NULL;
  const char *format = NULL;

  if (!hr_json_get_object (context->settings, "config_groups", &groups, error) ||
      !hr_json_get_string (context->settings, "format", &format, error) ||
      !hr_quantization_read_skipped (context, context->settings, "ignore", HR_PATTERN_EXACT, self, error))
    return FALSE;

  for (guint i = 0; groups != NULL && i < hr_json_get_length (groups); i++)
    {
      if (!read_group (context, hr_json_get_element (groups, i), format, self, error))
        return FALSE;
    }

  self->takes_linear = TRUE;
  self->takes_experts = TRUE;
  self->takes_head = TRUE;
  if (self->rules->len > 0)
    *quantizer = g_steal_pointer (&self);

  return TRUE;
}

/*
 * What NVIDIA ModelOpt calls its formats (modelopt/torch/export/quant_utils.py), the narrowest first: a mixture is
 * named after that.
 */
static const struct
{
  const char *name;
  HrQuantization quantization;
  gboolean keeps_input;       /* inputs are not quantized, and have no scale */
} algorithms[] = {
  { "NVFP4", HR_QUANTIZATION_NVFP4 }, { "W4A16_NVFP4", HR_QUANTIZATION_NVFP4, TRUE },
  { "FP8", HR_QUANTIZATION_FP8_TENSOR }, { "FP8_PB_WO", HR_QUANTIZATION_FP8 },
  { "FP8_PER_CHANNEL_PER_TOKEN", HR_QUANTIZATION_FP8_CHANNEL }, { "MXFP8", HR_QUANTIZATION_MXFP8 },
};

static gboolean
find_algorithm (const char *name,
                guint      *index)
{
  for (*index = 0; *index < G_N_ELEMENTS (algorithms); (*index)++)
    {
      if (g_strcmp0 (algorithms[*index].name, name) == 0)
        return TRUE;
    }

  return FALSE;
}

/* The algorithm that the numbers of a group stand for. */
static const char *
name_algorithm (const Numbers *numbers)
{
  if (!g_str_equal (numbers->type, "float"))
    return NULL;
  if (numbers->bits == 8 && numbers->group_size == 0)
    return "FP8";

  return numbers->bits == 4 && numbers->group_size == 16 ? "NVFP4" : NULL;
}

/* "quantized_layers": each module's algorithm; @targets has the modules of each, @is_known is whether all are known. */
static gboolean
read_quantized_layers (const HrQuantizationContext  *context,
                       HrJson                       *layers,
                       HrModulePatterns            **targets,
                       gboolean                     *is_known,
                       GError                      **error)
{
  for (guint i = 0; i < hr_json_get_length (layers); i++)
    {
      HrJson *layer = hr_json_get_element (layers, i);
      const char *name = NULL;
      guint index;

      if (!hr_json_check_type (layer, HR_JSON_OBJECT, error) ||
          !hr_json_get_string (layer, "quant_algo", &name, error))
        return FALSE;
      if (name == NULL || g_str_equal (name, "UNQUANTIZED"))
        continue;
      if (!find_algorithm (name, &index) || !hr_module_patterns_add (targets[index], hr_json_get_key (layer)))
        *is_known = FALSE;
    }

  return TRUE;
}

/* "config_groups", where nothing names the algorithms of the modules. */
static gboolean
read_algorithm_groups (const HrQuantizationContext  *context,
                       HrJson                       *groups,
                       HrModulePatterns            **targets,
                       gboolean                     *is_known,
                       GError                      **error)
{
  for (guint i = 0; i < hr_json_get_length (groups); i++)
    {
      HrJson *group = hr_json_get_element (groups, i);
      HrJson *array = NULL;
      Numbers numbers;
      guint index;

      if (!read_numbers (group, &numbers, error) || !hr_json_get_array (group, "targets", &array, error))
        return FALSE;
      if (array == NULL || !find_algorithm (name_algorithm (&numbers), &index))
        *is_known = FALSE;
      else if (!hr_quantization_add_patterns (context, array, targets[index], error))
        return FALSE;
    }

  return TRUE;
}

static void
add_algorithm (HrQuantizer       *quantizer,
               guint              index,
               HrModulePatterns  *targets)
{
  HrMatrixFormat format = *hr_matrix_format_get (algorithms[index].quantization);

  if (algorithms[index].keeps_input)
    format.has_input_scale = FALSE;
  if (quantizer->quantization == HR_QUANTIZATION_NONE)
    quantizer->quantization = algorithms[index].quantization;
  hr_quantizer_add_rule (quantizer, targets, &format);
}

/* Modules that are named one by one, each with its algorithm; no others are quantized. */
static gboolean
read_mixed (const HrQuantizationContext  *context,
            HrJson                       *settings,
            HrQuantizer                 **quantizer,
            GError                      **error)
{
  g_autoptr (HrQuantizer) self = hr_quantizer_new (HR_QUANTIZATION_NONE);
  HrModulePatterns *targets[G_N_ELEMENTS (algorithms)];
  HrJson *layers = NULL;
  HrJson *groups = NULL;
  gboolean is_known = TRUE;
  gboolean success;

  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++)
    targets[i] = hr_module_patterns_new (HR_PATTERN_GLOB);

  success = hr_json_get_object (settings, "quantized_layers", &layers, error) &&
            hr_json_get_object (settings, "config_groups", &groups, error) &&
            (layers == NULL || read_quantized_layers (context, layers, targets, &is_known, error)) &&
            (layers != NULL || groups == NULL ||
             read_algorithm_groups (context, groups, targets, &is_known, error)) &&
            hr_quantization_read_skipped (context, settings, "exclude_modules", HR_PATTERN_GLOB, self, error) &&
            hr_quantization_read_skipped (context, settings, "ignore", HR_PATTERN_GLOB, self, error);

  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++)
    {
      if (success && !hr_module_patterns_is_empty (targets[i]))
        add_algorithm (self, i, targets[i]);
      else
        hr_module_patterns_free (targets[i]);
    }

  self->takes_linear = TRUE;
  self->takes_experts = TRUE;
  self->takes_head = TRUE;
  if (success && is_known && self->rules->len > 0)
    *quantizer = g_steal_pointer (&self);

  return success;
}

/*
 * hr_quantization_read_modelopt:
 * @context: where from
 * @quantizer: (out): what was done; %NULL if it is not known
 * @error: return location for an error
 *
 * Reads the settings of NVIDIA ModelOpt, of a config.json or of an hf_quant_config.json, where they stand a level
 * deeper.
 *
 * Returns: whether they are what they should be
 */
gboolean
hr_quantization_read_modelopt (const HrQuantizationContext  *context,
                               HrQuantizer                 **quantizer,
                               GError                      **error)
{
  HrJson *settings = context->settings;
  const char *algorithm = NULL;
  guint index;

  if (!hr_json_get_object (settings, "quantization", &settings, error) ||
      !hr_json_get_string (settings, "quant_algo", &algorithm, error))
    return FALSE;

  if (g_strcmp0 (algorithm, "MIXED_PRECISION") == 0)
    return read_mixed (context, settings, quantizer, error);
  if (!find_algorithm (algorithm, &index))
    return TRUE;

  if (algorithms[index].keeps_input)
    {
      *quantizer = hr_quantizer_new (HR_QUANTIZATION_NONE);
      (*quantizer)->takes_linear = TRUE;
      (*quantizer)->takes_experts = TRUE;
      add_algorithm (*quantizer, index, NULL);
    }
  else
    *quantizer = hr_quantizer_new (algorithms[index].quantization);
  (*quantizer)->takes_head = TRUE;

  return hr_quantization_read_skipped (context, settings, "exclude_modules", HR_PATTERN_GLOB, *quantizer, error) &&
         hr_quantization_read_skipped (context, settings, "ignore", HR_PATTERN_GLOB, *quantizer, error);
}
