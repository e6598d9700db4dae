/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-article-expression.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-compute.h"
#include "hr-dtype.h"
#include "hr-estimator.h"
#include "hr-flop-rules.h"
#include "hr-job.h"
#include "hr-model.h"
#include "hr-quantizer.h"
#include "hr-rule-of-thumb-training.h"
#include "hr-rule-of-thumb.h"

#define MAX_ARGUMENTS 8

/*
 * An expression is a number, or an array of the name of a function and its arguments: `["*", 2, ["model-size", …]]`.
 * There are three kinds of functions: arithmetic, rules of thumb, and what a model really has.
 */

void
hr_article_models_init (HrArticleModels *self,
                        HrJson          *configs)
{
  self->configs = configs;
  self->models = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
}

void
hr_article_models_clear (HrArticleModels *self)
{
  g_clear_pointer (&self->models, g_hash_table_unref);
}

static const char *
read_name (HrJson  *call,
           guint    index,
           GError **error)
{
  const char *name = NULL;

  if (index >= hr_json_get_length (call))
    {
      hr_json_set_error (call, HR_ERROR_SCHEMA, _("one more argument"), error);
      return NULL;
    }

  return hr_json_read_string (hr_json_get_element (call, index), &name, error) ? name : NULL;
}

static HrModel *
get_model (HrJson           *call,
           HrArticleModels  *models,
           GError          **error)
{
  const char *name = read_name (call, 1, error);
  g_autofree char *text = NULL;
  HrModel *model;
  HrJson *config;

  if (name == NULL)
    return NULL;

  model = g_hash_table_lookup (models->models, name);
  if (model != NULL)
    return model;

  config = hr_json_get_member (models->configs, name);
  if (config == NULL)
    {
      hr_json_set_error (hr_json_get_element (call, 1), HR_ERROR_SCHEMA, _("the name of one of the models"), error);
      return NULL;
    }

  text = hr_json_dup_text (config);
  model = hr_model_new_from_data (text, -1, name, error);
  if (model != NULL)
    g_hash_table_insert (models->models, g_strdup (name), model);

  return model;
}

/* What a tensor's layout takes, without the rounding of an allocator, code books and what belongs to these. */
static guint64
get_layout_bytes (const HrTensor    *tensor,
                  guint              row,
                  HrDtype            dtype,
                  const HrQuantizer *quantizer)
{
  const HrMatrixFormat *format = hr_quantizer_get_format (quantizer, tensor, row, 0);
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint64 bytes = 0;
  guint n_pieces;

  if (tensor->tied_to != NULL)
    return 0;

  if (format == NULL)
    return hr_dtype_get_bytes (dtype, tensor->n_elements) * hr_tensor_get_copies (tensor);

  n_pieces = hr_matrix_format_list_pieces (format, dtype, tensor->shape[0], tensor->shape[1], pieces);
  for (guint i = 0; i < n_pieces; i++)
    {
      if (!g_str_has_suffix (pieces[i].suffix, "quant_map") && !g_str_has_suffix (pieces[i].suffix, "offset"))
        bytes += pieces[i].n_bytes;
    }

  return bytes * hr_tensor_get_copies (tensor);
}

static gboolean
read_dtype (HrJson   *call,
            guint     index,
            HrDtype  *dtype,
            GError  **error)
{
  const char *name = read_name (call, index, error);

  if (name == NULL)
    return FALSE;

  if (!hr_dtype_from_name (name, dtype) || *dtype == HR_DTYPE_AUTO)
    {
      hr_json_set_error (hr_json_get_element (call, index), HR_ERROR_SCHEMA, _("the name of a dtype"), error);
      return FALSE;
    }

  return TRUE;
}

static gboolean
evaluate_weights (HrModel  *model,
                  HrJson   *call,
                  double   *value,
                  GError  **error)
{
  const char *name = read_name (call, 3, error);
  g_autoptr (HrQuantizer) quantizer = NULL;
  HrQuantization quantization = HR_QUANTIZATION_NONE;
  guint64 bytes = 0;
  HrDtype dtype;

  if (name == NULL || !read_dtype (call, 2, &dtype, error))
    return FALSE;

  while (quantization < HR_N_QUANTIZATIONS && !g_str_equal (hr_quantization_get_name (quantization), name))
    quantization++;
  if (quantization == HR_N_QUANTIZATIONS)
    {
      hr_json_set_error (hr_json_get_element (call, 3), HR_ERROR_SCHEMA, _("the name of a quantization"), error);
      return FALSE;
    }

  quantizer = hr_quantizer_new (quantization);
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    bytes += get_layout_bytes (hr_model_get_tensor (model, i), i, dtype, quantizer);
  *value = bytes;

  return TRUE;
}

static gboolean
evaluate_part (HrModel  *model,
               HrJson   *call,
               double   *value,
               GError  **error)
{
  const char *name = read_name (call, 2, error);

  for (HrPart part = 0; name != NULL && part < HR_N_PARTS; part++)
    {
      if (g_str_equal (hr_part_get_id (part), name))
        {
          *value = hr_model_get_n_parameters_of_part (model, part);
          return TRUE;
        }
    }

  if (name != NULL)
    hr_json_set_error (hr_json_get_element (call, 2), HR_ERROR_SCHEMA, _("the name of a part"), error);

  return FALSE;
}

static gboolean
evaluate_size (HrModel  *model,
               HrJson   *call,
               double   *value,
               GError  **error)
{
  const char *name = read_name (call, 2, error);
  guint64 size;

  if (name == NULL)
    return FALSE;

  if (!hr_model_get_hyper_parameter (model, name, &size))
    {
      hr_json_set_error (hr_json_get_element (call, 2), HR_ERROR_SCHEMA, _("a hyper-parameter of the model"), error);
      return FALSE;
    }
  *value = size;

  return TRUE;
}

/* What a method of fine-tuning trains. */
static gboolean
evaluate_trained (HrModel  *model,
                  HrJson   *call,
                  double   *value,
                  GError  **error)
{
  const char *method = read_name (call, 2, error);
  const char *targets = method != NULL ? read_name (call, 4, error) : NULL;
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrEstimate) estimate = NULL;
  guint64 rank;

  if (targets == NULL || !hr_json_read_uint (hr_json_get_element (call, 3), 1, G_MAXINT, &rank, error))
    return FALSE;

  g_object_set (job, "lora-rank", rank, "lora-targets", targets, NULL);
  if (!hr_job_set_from_string (job, "fine-tuning-method", method, error))
    return FALSE;

  estimate = hr_estimator_run (model, job, NULL, 1, error);
  if (estimate == NULL)
    return FALSE;
  *value = hr_estimate_get_n_trainable_parameters (estimate);

  return TRUE;
}

/* What the model's processor makes of a picture, a sound or a video. */
static gboolean
evaluate_tokens (HrModel  *model,
                 HrJson   *call,
                 double   *value,
                 GError  **error)
{
  const char *name = read_name (call, 2, error);
  HrMediumTokens tokens;
  HrMedium medium;

  if (name == NULL)
    return FALSE;

  if (!hr_medium_from_text (name, &medium))
    {
      hr_json_set_error (hr_json_get_element (call, 2), HR_ERROR_SCHEMA, _("a picture, a sound or a video"), error);
      return FALSE;
    }

  if (!hr_model_count_tokens (model, &medium, &tokens, error))
    return FALSE;
  *value = tokens.tokens;

  return TRUE;
}

static gboolean
evaluate_parameters (HrModel  *model,
                     HrJson   *call,
                     double   *value,
                     GError  **error)
{
  *value = hr_model_get_n_parameters (model);

  return TRUE;
}

static gboolean
evaluate_cache (HrModel  *model,
                HrJson   *call,
                double   *value,
                GError  **error)
{
  *value = hr_model_get_cache_elements_per_token (model);

  return TRUE;
}

static gboolean
get_part_operations (const HrComputePhase *phase,
                     HrJson               *part,
                     double               *value,
                     GError              **error)
{
  const char *name = NULL;

  if (!hr_json_read_string (part, &name, error))
    return FALSE;

  for (HrFlopPart i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      if (g_str_equal (hr_flop_part_get_id (i), name))
        {
          *value = phase->count->parts[i].forward;
          return TRUE;
        }
    }

  *value = phase->total.forward;
  if (g_str_equal (name, "total"))
    return TRUE;

  hr_json_set_error (part, HR_ERROR_SCHEMA, _("the name of a part"), error);

  return FALSE;
}

/* What a forward pass over so many tokens computes, with logits of all of them. */
static gboolean
evaluate_operations (HrModel  *model,
                     HrJson   *call,
                     double   *value,
                     GError  **error)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrCompute) compute = NULL;
  guint64 n_tokens;

  if (hr_json_get_length (call) != 4)
    {
      hr_json_set_error (call, HR_ERROR_SCHEMA, _("one more argument"), error);
      return FALSE;
    }

  if (!hr_json_read_uint (hr_json_get_element (call, 3), 1, G_MAXINT, &n_tokens, error))
    return FALSE;

  g_object_set (job, "prompt-length", n_tokens, "logits-to-keep", HR_LOGITS_TO_KEEP_ALL, NULL);
  compute = hr_compute_new (model, job, NULL, 1, error);

  return compute != NULL &&
         get_part_operations (hr_compute_get_phase (compute, 0), hr_json_get_element (call, 2), value, error);
}

static const struct
{
  const char *name;
  gboolean (* evaluate) (HrModel  *model,
                         HrJson   *call,
                         double   *value,
                         GError  **error);
} model_functions[] = {
  { "model-cache", evaluate_cache },
  { "model-flops", evaluate_operations },
  { "model-parameters", evaluate_parameters },
  { "model-part", evaluate_part },
  { "model-size", evaluate_size },
  { "model-tokens", evaluate_tokens },
  { "model-trained", evaluate_trained },
  { "model-weights", evaluate_weights },
};

static gboolean
evaluate_numbers (HrJson           *call,
                  HrArticleModels  *models,
                  double           *numbers,
                  GError          **error)
{
  for (guint i = 1; i < hr_json_get_length (call) && i <= MAX_ARGUMENTS; i++)
    {
      if (!hr_article_expression_evaluate (hr_json_get_element (call, i), models, &numbers[i - 1], error))
        return FALSE;
    }

  return TRUE;
}

/* The formulas of operations, as they are written. */
static gboolean
evaluate_operation_rule (const char   *name,
                         const double *a,
                         double       *value)
{
  if (g_str_equal (name, "flops-training"))
    *value = hr_flop_rule_training (a[0], a[1]);
  else if (g_str_equal (name, "flops-checkpointed"))
    *value = hr_flop_rule_checkpointed (a[0], a[1]);
  else if (g_str_equal (name, "flops-head"))
    *value = hr_flop_rule_head (a[0], a[1], a[2], a[3]);
  else if (g_str_equal (name, "flops-projection"))
    *value = hr_flop_rule_projection (a[0], a[1], a[2]);
  else if (g_str_equal (name, "flops-key-value"))
    *value = hr_flop_rule_key_value (a[0], a[1], a[2], a[3], a[4]);
  else if (g_str_equal (name, "flops-scores"))
    *value = hr_flop_rule_scores (a[0], a[1], a[2]);
  else if (g_str_equal (name, "flops-gate-up"))
    *value = hr_flop_rule_gate_up (a[0], a[1], a[2], a[3]);
  else if (g_str_equal (name, "flops-down"))
    *value = hr_flop_rule_down (a[0], a[1], a[2], a[3]);
  else if (g_str_equal (name, "flops-total"))
    *value = hr_flop_rule_total (a[0], a[1], a[2], a[3], a[4], a[5]);
  else
    return FALSE;

  return TRUE;
}

/* The formulas of training and fine-tuning, as they are written. */
static gboolean
evaluate_training_rule (const char   *name,
                        const double *a,
                        double       *value)
{
  if (g_str_equal (name, "training-total"))
    *value = hr_rule_of_thumb_training_total (a[0], a[1], a[2], a[3]);
  else if (g_str_equal (name, "training-states"))
    *value = hr_rule_of_thumb_training_states (a[0], a[1], a[2], a[3], a[4]);
  else if (g_str_equal (name, "tuning-total"))
    *value = hr_rule_of_thumb_tuning_total (a[0], a[1], a[2], a[3], a[4]);
  else if (g_str_equal (name, "optimizer"))
    *value = hr_rule_of_thumb_optimizer (a[0], a[1]);
  else if (g_str_equal (name, "lora"))
    *value = hr_rule_of_thumb_lora (a[0], a[1], a[2], a[3]);
  else if (g_str_equal (name, "qlora"))
    *value = hr_rule_of_thumb_qlora (a[0], a[1]);
  else if (g_str_equal (name, "prefix"))
    *value = hr_rule_of_thumb_prefix (a[0]);
  else if (g_str_equal (name, "activations"))
    *value = hr_rule_of_thumb_activations (a[0], a[1], a[2], a[3], a[4]);
  else if (g_str_equal (name, "checkpointed"))
    *value = hr_rule_of_thumb_checkpointed (a[0]);
  else if (g_str_equal (name, "algorithm"))
    *value = hr_rule_of_thumb_algorithm (a[0], a[1]);
  else if (g_str_equal (name, "gpt-activations"))
    *value = hr_rule_of_thumb_gpt_activations (a[0], a[1], a[2], a[3], a[4], a[5], a[6] != 0, a[7]);
  else
    return evaluate_operation_rule (name, a, value);

  return TRUE;
}

/* The formulas that people know, as they are written. */
static gboolean
evaluate_rule (const char   *name,
               const double *a,
               double       *value)
{
  if (g_str_equal (name, "embedding"))
    *value = hr_rule_of_thumb_embedding (a[0], a[1]);
  else if (g_str_equal (name, "attention"))
    *value = hr_rule_of_thumb_attention (a[0], a[1]);
  else if (g_str_equal (name, "attention-with-bias"))
    *value = hr_rule_of_thumb_attention_with_bias (a[0]);
  else if (g_str_equal (name, "mlp"))
    *value = hr_rule_of_thumb_mlp (a[0], a[1], a[2] != 0, a[3] != 0);
  else if (g_str_equal (name, "norms"))
    *value = hr_rule_of_thumb_norms (a[0]);
  else if (g_str_equal (name, "parameters"))
    *value = hr_rule_of_thumb_parameters (a[0], a[1], a[2], a[3], a[4]);
  else if (g_str_equal (name, "parameters-with-norms"))
    *value = hr_rule_of_thumb_parameters_with_norms (a[0], a[1], a[2], a[3], a[4]);
  else if (g_str_equal (name, "weights"))
    *value = hr_rule_of_thumb_weights (a[0], a[1]);
  else if (g_str_equal (name, "total"))
    *value = hr_rule_of_thumb_total (a[0]);
  else if (g_str_equal (name, "ratio"))
    *value = hr_rule_of_thumb_quantization_ratio (a[0]);
  else if (g_str_equal (name, "cache"))
    *value = hr_rule_of_thumb_cache (a[0], a[1], a[2], a[3], a[4]);
  else if (g_str_equal (name, "image-tokens"))
    *value = hr_rule_of_thumb_image_tokens (a[0], a[1], a[2], a[3]);
  else if (g_str_equal (name, "audio-tokens"))
    *value = hr_rule_of_thumb_audio_tokens (a[0], a[1]);
  else if (g_str_equal (name, "video-tokens"))
    *value = hr_rule_of_thumb_video_tokens (a[0], a[1], a[2], a[3], a[4]);
  else if (g_str_equal (name, "overhead"))
    *value = hr_rule_of_thumb_overhead (a[0]);
  else if (g_str_equal (name, "float-bits"))
    *value = hr_rule_of_thumb_float_bits (a[0], a[1]);
  else if (g_str_equal (name, "largest-float"))
    *value = hr_rule_of_thumb_largest_float (a[0], a[1]);
  else
    return evaluate_training_rule (name, a, value);

  return TRUE;
}

/* What a data type, or all parameters at a number of bits, take. */
static gboolean
evaluate_size_of_numbers (const char       *name,
                          HrJson           *call,
                          HrArticleModels  *models,
                          double           *value,
                          GError          **error)
{
  HrModel *model;
  HrDtype dtype;
  double number;

  if (g_str_equal (name, "model-payload"))
    {
      model = get_model (call, models, error);
      if (model == NULL || !hr_article_expression_evaluate (hr_json_get_element (call, 2), models, &number, error))
        return FALSE;
      *value = hr_model_get_n_parameters (model) * number / 8;
      return TRUE;
    }

  if (!read_dtype (call, 1, &dtype, error))
    return FALSE;

  if (g_str_equal (name, "dtype-bits"))
    {
      *value = hr_dtype_get_bits (dtype);
      return TRUE;
    }

  if (!hr_article_expression_evaluate (hr_json_get_element (call, 2), models, &number, error))
    return FALSE;
  *value = hr_dtype_get_bytes (dtype, number);

  return TRUE;
}

static gboolean
is_size_of_numbers (const char *name,
                    HrJson     *call)
{
  return (g_str_equal (name, "model-payload") && hr_json_get_length (call) == 3) ||
         (g_str_equal (name, "dtype-bits") && hr_json_get_length (call) == 2) ||
         (g_str_equal (name, "dtype-bytes") && hr_json_get_length (call) == 3);
}

static void
evaluate_arithmetic (char          operation,
                     const double *numbers,
                     guint         n_numbers,
                     double       *value)
{
  *value = numbers[0];
  for (guint i = 1; i < n_numbers; i++)
    {
      if (operation == '+')
        *value += numbers[i];
      else if (operation == '-')
        *value -= numbers[i];
      else if (operation == '*')
        *value *= numbers[i];
      else
        *value /= numbers[i];
    }
}

static gboolean
evaluate_call (HrJson           *call,
               HrArticleModels  *models,
               double           *value,
               GError          **error)
{
  const char *name = read_name (call, 0, error);
  double numbers[MAX_ARGUMENTS] = { 0 };
  HrModel *model;

  if (name == NULL)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (model_functions); i++)
    {
      if (!g_str_equal (model_functions[i].name, name))
        continue;
      model = get_model (call, models, error);
      return model != NULL && model_functions[i].evaluate (model, call, value, error);
    }

  if (is_size_of_numbers (name, call))
    return evaluate_size_of_numbers (name, call, models, value, error);

  if (!evaluate_numbers (call, models, numbers, error))
    return FALSE;

  if (strlen (name) == 1 && strchr ("+-*/", *name) != NULL)
    {
      evaluate_arithmetic (*name, numbers, MIN (hr_json_get_length (call) - 1, MAX_ARGUMENTS), value);
      return TRUE;
    }

  if (evaluate_rule (name, numbers, value))
    return TRUE;

  hr_json_set_error (hr_json_get_element (call, 0), HR_ERROR_SCHEMA, _("the name of a function"), error);

  return FALSE;
}

/*
 * hr_article_expression_evaluate:
 * @expression: a number, or an array of a function and its arguments
 * @models: the models that it may name
 * @value: (out): what it comes to
 * @error: return location for an error
 *
 * Evaluates an expression.
 *
 * Returns: whether it makes sense
 */
gboolean
hr_article_expression_evaluate (HrJson           *expression,
                                HrArticleModels  *models,
                                double           *value,
                                GError          **error)
{
  g_return_val_if_fail (expression != NULL, FALSE);
  g_return_val_if_fail (models != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  if (hr_json_get_node_type (expression) != HR_JSON_ARRAY)
    return hr_json_read_double (expression, value, error);

  return evaluate_call (expression, models, value, error);
}
