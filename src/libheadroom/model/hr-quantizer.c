/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-quantizer.h"

#include <string.h>

#include "hr-exl3-allocation.h"

#define MAX_RULES 250

static void
clear_rule (gpointer data)
{
  HrQuantizerRule *rule = data;

  g_clear_pointer (&rule->targets, hr_module_patterns_free);
}

/* Which layers the quantizers of transformers 5.12 replace (quantizers, integrations), and what checkpoints hold. */
static void
init_takes (HrQuantizer *self)
{
  self->takes_linear = TRUE;

  switch ((guint) self->quantization)
    {
    case HR_QUANTIZATION_BNB_INT8:
    case HR_QUANTIZATION_BNB_NF4:
    case HR_QUANTIZATION_BNB_NF4_DQ:
    case HR_QUANTIZATION_BNB_FP4:
    case HR_QUANTIZATION_BNB_FP4_DQ:
      self->takes_conv1d = TRUE;
      break;

    case HR_QUANTIZATION_GPTQ_INT8:
    case HR_QUANTIZATION_GPTQ_INT4:
    case HR_QUANTIZATION_GPTQ_INT3:
    case HR_QUANTIZATION_GPTQ_INT2:
      self->takes_conv1d = TRUE;
      self->takes_experts = TRUE;
      self->only_in_layers = TRUE;
      break;

    case HR_QUANTIZATION_AWQ_INT4:
    case HR_QUANTIZATION_FP8:
    case HR_QUANTIZATION_FP8_CHANNEL:
    case HR_QUANTIZATION_FP8_TENSOR:
    case HR_QUANTIZATION_MXFP8:
    case HR_QUANTIZATION_W8A8_INT8:
    case HR_QUANTIZATION_W8A16_INT8:
    case HR_QUANTIZATION_W4A16_INT4:
    case HR_QUANTIZATION_MXFP4:
    case HR_QUANTIZATION_NVFP4:
      self->takes_experts = TRUE;
      break;

    case HR_QUANTIZATION_MLX_INT8:
    case HR_QUANTIZATION_MLX_INT6:
    case HR_QUANTIZATION_MLX_INT5:
    case HR_QUANTIZATION_MLX_INT4:
    case HR_QUANTIZATION_MLX_INT3:
    case HR_QUANTIZATION_MLX_INT2:
    case HR_QUANTIZATION_MLX_MXFP8:
    case HR_QUANTIZATION_MLX_MXFP4:
    case HR_QUANTIZATION_MLX_NVFP4:
      /* quantize_model of mlx_lm/utils.py: every module with to_quantized (). */
      self->takes_conv1d = TRUE;
      self->takes_experts = TRUE;
      self->takes_routers = TRUE;
      self->takes_head = TRUE;
      self->takes_embeddings = TRUE;
      self->whole_group = hr_matrix_format_get (self->quantization)->group_size;
      break;

    case HR_QUANTIZATION_EXL3:
      self->takes_experts = TRUE;
      self->takes_head = TRUE;
      self->bits_per_weight = HR_EXL3_BITS;
      self->head_bits = HR_EXL3_HEAD_BITS;
      break;

    default:
      break;
    }
}

/*
 * hr_quantizer_new:
 * @quantization: a format
 *
 * Makes a quantizer that does what its package does when nothing else is said: the linear layers but for the head
 * (get_keys_to_not_convert in transformers/quantizers/base.py).
 *
 * Returns: (transfer full): a quantizer; one without rules if @quantization is no format of matrices
 */
HrQuantizer *
hr_quantizer_new (HrQuantization quantization)
{
  HrQuantizer *self = g_new0 (HrQuantizer, 1);
  const HrMatrixFormat *format = hr_matrix_format_get (quantization);

  self->quantization = quantization;
  self->rules = g_array_new (FALSE, FALSE, sizeof (HrQuantizerRule));
  g_array_set_clear_func (self->rules, clear_rule);
  init_takes (self);
  if (format->packing != HR_PACKING_NONE)
    hr_quantizer_add_rule (self, NULL, format);

  return self;
}

void
hr_quantizer_free (HrQuantizer *self)
{
  g_return_if_fail (self != NULL);

  g_array_unref (self->rules);
  g_clear_pointer (&self->skipped, hr_module_patterns_free);
  g_clear_pointer (&self->decisions, g_ptr_array_unref);
  g_free (self);
}

/*
 * hr_quantizer_add_rule:
 * @self: a quantizer
 * @targets: (transfer full) (nullable): the modules that the rule is for
 * @format: (nullable): how their matrices are stored; %NULL if they stay as they are
 *
 * Adds a rule after the others; more of them than any file has are left out.
 */
void
hr_quantizer_add_rule (HrQuantizer          *self,
                       HrModulePatterns     *targets,
                       const HrMatrixFormat *format)
{
  HrQuantizerRule rule = { .targets = targets, .is_exclusion = format == NULL };

  g_return_if_fail (self != NULL);

  if (self->rules->len >= MAX_RULES)
    {
      g_clear_pointer (&targets, hr_module_patterns_free);
      return;
    }
  if (format != NULL)
    rule.format = *format;
  g_array_append_val (self->rules, rule);
}

/* wrapped_predicate in quantize_model of mlx_lm/utils.py leaves matrices whose rows are no whole groups. */
static gboolean
is_divisible (const HrQuantizer *self,
              const HrTensor    *tensor)
{
  guint64 n_matrices, out_features, in_features;

  if (self->whole_group == 0)
    return TRUE;
  hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);

  return in_features % self->whole_group == 0;
}

/* Whether a quantizer looks at a tensor at all. */
static gboolean
is_candidate (const HrQuantizer *self,
              const HrTensor    *tensor)
{
  if (tensor->n_dimensions < 2 || tensor->tied_to != NULL || !is_divisible (self, tensor))
    return FALSE;
  if (self->only_in_layers && tensor->role != HR_TENSOR_ROLE_OUTPUT &&
      (tensor->n_layers == 0 || !hr_part_is_text (tensor->part)))
    return FALSE;

  switch (tensor->role)
    {
    case HR_TENSOR_ROLE_LINEAR:
      return self->takes_linear && (!tensor->is_transposed || self->takes_conv1d);

    case HR_TENSOR_ROLE_EXPERT:
      return self->takes_experts;

    case HR_TENSOR_ROLE_ROUTER:
      return self->takes_routers;

    case HR_TENSOR_ROLE_OUTPUT:
      return self->takes_head;

    case HR_TENSOR_ROLE_EMBEDDING:
      return self->takes_embeddings;

    case HR_TENSOR_ROLE_NORM:
    case HR_TENSOR_ROLE_BIAS:
    case HR_TENSOR_ROLE_CONVOLUTION:
    case HR_TENSOR_ROLE_PARAMETER:
    default:
      return FALSE;
    }
}

/*
 * The first rule for a module, and 1 more; 0 if it stays as it is. @expert is the name by which a checkpoint calls what
 * is one tensor of all experts here, of the first of them.
 */
static guint8
decide (const HrQuantizer *self,
        const char        *module,
        const char        *expert)
{
  if (self->skipped != NULL && hr_module_patterns_match (self->skipped, module))
    return 0;

  for (guint i = 0; i < self->rules->len; i++)
    {
      const HrQuantizerRule *rule = &g_array_index (self->rules, HrQuantizerRule, i);

      if (rule->targets == NULL || hr_module_patterns_match (rule->targets, module) ||
          (expert != NULL && hr_module_patterns_match (rule->targets, expert)))
        return rule->is_exclusion ? 0 : i + 1;
    }

  return 0;
}

/* Whether experts of a layer may be treated differently. */
static gboolean
tells_experts_apart (const HrQuantizer *self)
{
  if (self->skipped != NULL && hr_module_patterns_name_experts (self->skipped))
    return TRUE;

  for (guint i = 0; i < self->rules->len; i++)
    {
      const HrQuantizerRule *rule = &g_array_index (self->rules, HrQuantizerRule, i);

      if (rule->targets != NULL && hr_module_patterns_name_experts (rule->targets))
        return TRUE;
    }

  return FALSE;
}

/* The module that a parameter is of: its name without the last word. */
static char *
dup_module (const HrTensor *tensor,
            guint           copy)
{
  char *name = hr_tensor_get_name (tensor, copy);
  char *dot = strrchr (name, '.');

  if (dot != NULL)
    *dot = '\0';

  return name;
}

/* Checkpoints have experts one by one, and their gates apart, which transformers puts together when it loads them. */
static char *
dup_expert (const HrTensor *tensor,
            const char     *module,
            guint           copy)
{
  g_autofree char *name = NULL;
  const char *parameter;

  if (tensor->role != HR_TENSOR_ROLE_EXPERT || !g_str_has_suffix (module, "experts"))
    return NULL;

  name = hr_tensor_get_name (tensor, copy);
  parameter = name + strlen (module) + 1;

  return g_strdup_printf ("%s.0.%s", module, g_str_equal (parameter, "gate_up_proj") ? "gate_proj" : parameter);
}

/*
 * Classes of transformers 5.12 (models/…/modeling_….py) in which a quantizer finds other modules than their tensors
 * lead to expect: gates that are linear layers rather than parameters, linear layers of a class of their own, which
 * those that ask for nn.Linear itself do not know, experts that are made modules of their own before they are quantized
 * (MODULES_TO_PATCH_FOR_QUANTIZATION in quantizers/base.py), modules that stay in fp32 (_keep_in_fp32_modules), the
 * last module of a class whose head is tied.
 */
static const struct
{
  const char *model_type;
  gboolean has_linear_routers;
  gboolean has_own_linear;
  gboolean has_separable_experts;
  const char *kept[5];
} peculiarities[] = {
  { .model_type = "afmoe", .has_linear_routers = TRUE },
  { .model_type = "aria", .has_linear_routers = TRUE },
  { .model_type = "aria_text", .has_linear_routers = TRUE },
  { .model_type = "dbrx", .has_linear_routers = TRUE },
  { .model_type = "deepseek_ocr2", .has_linear_routers = TRUE },
  { .model_type = "deepseek_v2", .has_linear_routers = TRUE },
  { .model_type = "deepseek_v32", .kept = { "indexer.weights_proj" } },
  { .model_type = "deepseek_v4",
    .kept = { "compressor.kv_proj", "compressor.gate_proj", "indexer.kv_proj", "indexer.gate_proj",
              "scorer.weights_proj" } },
  { .model_type = "falcon", .has_own_linear = TRUE },
  { .model_type = "gemma4", .has_linear_routers = TRUE, .kept = { "embed_vision.embedding_projection" } },
  { .model_type = "gemma4_text", .has_linear_routers = TRUE },
  { .model_type = "glm_moe_dsa", .kept = { "indexer.weights_proj" } },
  { .model_type = "granitemoe", .has_linear_routers = TRUE },
  { .model_type = "granitemoehybrid", .has_linear_routers = TRUE },
  { .model_type = "granitemoeshared", .has_linear_routers = TRUE },
  { .model_type = "jamba", .has_linear_routers = TRUE },
  { .model_type = "jetmoe", .has_linear_routers = TRUE },
  { .model_type = "lfm2_moe", .has_linear_routers = TRUE },
  { .model_type = "llama4", .has_separable_experts = TRUE },
  { .model_type = "llama4_text", .has_separable_experts = TRUE },
  { .model_type = "mt5", .kept = { "wo" } },
  { .model_type = "nllb_moe", .has_linear_routers = TRUE },
  { .model_type = "pop2piano", .kept = { "wo" } },
  { .model_type = "switch_transformers", .has_linear_routers = TRUE },
  { .model_type = "t5", .kept = { "wo" } },
  { .model_type = "udop", .kept = { "wo" } },
  { .model_type = "umt5", .kept = { "wo" } },
};

/* Whether a quantizer replaces modules of transformers' own class when the model is made. */
static gboolean
replaces_modules (HrQuantization quantization)
{
  return quantization <= HR_QUANTIZATION_BNB_FP4_DQ || quantization == HR_QUANTIZATION_FP8 ||
         quantization == HR_QUANTIZATION_FP8_CHANNEL || quantization == HR_QUANTIZATION_MXFP8 ||
         (quantization >= HR_QUANTIZATION_HQQ_INT8 && quantization <= HR_QUANTIZATION_BITNET);
}

static gboolean
is_bitsandbytes (HrQuantization quantization)
{
  return quantization >= HR_QUANTIZATION_BNB_INT8 && quantization <= HR_QUANTIZATION_BNB_FP4_DQ;
}

static gboolean
asks_for_the_class_itself (HrQuantization quantization)
{
  return is_bitsandbytes (quantization) || quantization == HR_QUANTIZATION_FP8 || quantization == HR_QUANTIZATION_MXFP8;
}

/*
 * What classes of mlx_lm/models of mlx-lm 0.32 do with the gates of their mixtures: they have them in eight bits
 * (quant_predicate), or as parameters, which are not quantized at all (MoEGate).
 */
static const struct
{
  const char *model_type;
  gboolean is_kept;
} mlx_routers[] = {
  { "Klear", FALSE }, { "afmoe", FALSE }, { "bailing_moe", FALSE }, { "bailing_moe_linear", FALSE },
  { "gemma4", FALSE }, { "gemma4_text", FALSE }, { "gpt_oss", FALSE }, { "granitemoe", FALSE },
  { "granitemoehybrid", FALSE }, { "jamba", FALSE }, { "kimi_linear", FALSE }, { "lfm2_moe", FALSE },
  { "longcat_flash", FALSE }, { "mellum", FALSE }, { "minimax", FALSE }, { "minimax_m2", FALSE },
  { "qwen3_5_moe", FALSE }, { "qwen3_moe", FALSE }, { "qwen3_next", FALSE }, { "qwen3_vl_moe", FALSE },
  { "step3p5", FALSE }, { "deepseek_v2", TRUE }, { "deepseek_v3", TRUE }, { "deepseek_v32", TRUE },
  { "dots1", TRUE }, { "glm4_moe", TRUE }, { "glm4_moe_lite", TRUE }, { "glm_moe_dsa", TRUE }, { "kimi_k2", TRUE },
  { "solar_open", TRUE },
};

static void
adapt_to_mlx (HrQuantizer *self,
              const char  *model_type)
{
  for (guint i = 0; i < G_N_ELEMENTS (mlx_routers); i++)
    {
      if (g_strcmp0 (mlx_routers[i].model_type, model_type) != 0)
        continue;
      self->takes_routers = !mlx_routers[i].is_kept;
      if (self->takes_routers && self->router_rule == 0)
        {
          hr_quantizer_add_rule (self, NULL, hr_matrix_format_get (HR_QUANTIZATION_MLX_INT8));
          self->router_rule = self->rules->len;
        }
    }
}

/*
 * hr_quantizer_adapt:
 * @self: a quantizer
 * @model_type: (nullable): the type of a model
 *
 * Adapts a quantizer to what transformers' class for a model is like.
 */
void
hr_quantizer_adapt (HrQuantizer *self,
                    const char  *model_type)
{
  g_return_if_fail (self != NULL);

  if (hr_quantization_is_mlx (self->quantization))
    adapt_to_mlx (self, model_type);
  for (guint i = 0; i < G_N_ELEMENTS (peculiarities); i++)
    {
      if (g_strcmp0 (peculiarities[i].model_type, model_type) != 0 || !replaces_modules (self->quantization))
        continue;

      if (peculiarities[i].has_linear_routers)
        self->takes_routers = TRUE;
      if (peculiarities[i].has_own_linear && asks_for_the_class_itself (self->quantization))
        self->takes_linear = FALSE;
      if (peculiarities[i].has_separable_experts && is_bitsandbytes (self->quantization))
        self->takes_experts = TRUE;
      for (guint j = 0; j < G_N_ELEMENTS (peculiarities[i].kept) && peculiarities[i].kept[j] != NULL; j++)
        {
          if (self->skipped == NULL)
            self->skipped = hr_module_patterns_new (HR_PATTERN_NAME);
          hr_module_patterns_add (self->skipped, peculiarities[i].kept[j]);
        }
    }
}

/*
 * hr_quantizer_apply:
 * @self: a quantizer
 * @tensors: (element-type HrTensor): the tensors of a model
 *
 * Finds the rule for each tensor, so that hr_quantizer_get_format() need not look at names.
 */
void
hr_quantizer_apply (HrQuantizer *self,
                    GPtrArray   *tensors)
{
  gboolean each_expert;

  g_return_if_fail (self != NULL);
  g_return_if_fail (tensors != NULL);

  g_clear_pointer (&self->decisions, g_ptr_array_unref);
  if (self->bits_per_weight > 0)
    {
      hr_exl3_allocate (self, tensors);
      return;
    }

  each_expert = tells_experts_apart (self);
  self->decisions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);

  for (guint i = 0; i < tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (tensors, i);
      GByteArray *row = g_byte_array_new ();
      guint n_items = hr_tensor_get_copies_of_layer (tensor);
      guint8 decision = 0;

      g_ptr_array_add (self->decisions, row);
      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        {
          if (is_candidate (self, tensor) && (each_expert || copy % n_items == 0))
            {
              g_autofree char *module = dup_module (tensor, copy);
              g_autofree char *expert = dup_expert (tensor, module, copy);

              decision = decide (self, module, expert);
            }
          g_byte_array_append (row, &decision, 1);
        }
    }
}

/*
 * hr_quantizer_new_part:
 * @self: a quantizer that has been applied to the tensors of a model
 *
 * Makes a quantizer for a part of the model: what is done with a tensor depends on its name in the whole.
 *
 * Returns: (transfer full): a quantizer that knows no tensor yet
 */
HrQuantizer *
hr_quantizer_new_part (const HrQuantizer *self)
{
  HrQuantizer *part = g_memdup2 (self, sizeof *self);

  part->rules = g_array_ref (self->rules);
  part->skipped = NULL;
  part->decisions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);

  return part;
}

/*
 * hr_quantizer_add_part_row:
 * @self: a quantizer for a part of a model
 * @whole: that of the model
 * @row: a row of the tensors of the model
 * @copies: (array length=n_copies): which of its tensors the part has
 * @n_copies: how many
 *
 * Adds the next row of the part.
 */
void
hr_quantizer_add_part_row (HrQuantizer       *self,
                           const HrQuantizer *whole,
                           guint              row,
                           const guint       *copies,
                           guint              n_copies)
{
  const GByteArray *decisions = g_ptr_array_index (whole->decisions, row);
  GByteArray *part = g_byte_array_sized_new (n_copies);

  for (guint i = 0; i < n_copies; i++)
    g_byte_array_append (part, &decisions->data[copies[i]], 1);
  g_ptr_array_add (self->decisions, part);
}

/*
 * hr_quantizer_get_format:
 * @self: a quantizer
 * @tensor: a tensor
 * @row: its index, of the tensors that were given to hr_quantizer_apply()
 * @copy: which tensor of the row
 *
 * Gets how a tensor is stored.
 *
 * Returns: (nullable): the format, or %NULL if it stays as it is
 */
const HrMatrixFormat *
hr_quantizer_get_format (const HrQuantizer *self,
                         const HrTensor    *tensor,
                         guint              row,
                         guint              copy)
{
  guint rule = 0;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (tensor != NULL, NULL);

  /* Nothing is said by name: a format that was chosen, not read. */
  if (self->decisions == NULL)
    {
      if (self->rules->len == 0 || !is_candidate (self, tensor))
        return NULL;
      if (tensor->role == HR_TENSOR_ROLE_ROUTER && self->router_rule > 0)
        rule = self->router_rule - 1;
      return &g_array_index (self->rules, HrQuantizerRule, rule).format;
    }

  rule = ((GByteArray *) g_ptr_array_index (self->decisions, row))->data[copy];

  return rule > 0 ? &g_array_index (self->rules, HrQuantizerRule, rule - 1).format : NULL;
}

/*
 * hr_quantizer_count_alike:
 * @self: a quantizer
 * @row: the index of a tensor, of those that were given to hr_quantizer_apply()
 * @copy: which tensor of the row
 * @n_copies: how many from that one on
 *
 * Counts the tensors that are stored as the first of them is.
 *
 * Returns: their number, at least 1 and at most @n_copies
 */
guint
hr_quantizer_count_alike (const HrQuantizer *self,
                          guint              row,
                          guint              copy,
                          guint              n_copies)
{
  const guint8 *decisions;
  guint n = 1;

  g_return_val_if_fail (self != NULL, 1);

  if (self->decisions == NULL)
    return n_copies;

  decisions = ((GByteArray *) g_ptr_array_index (self->decisions, row))->data + copy;
  while (n < n_copies && decisions[n] == decisions[0])
    n++;

  return n;
}
