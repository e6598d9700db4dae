/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The formulas and examples that people know, both ways: as they are written, by the rule of thumb, and as they should
 * be, from the model's tensors. A case is two small expressions of named functions and their values.
 */

#include <math.h>
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

#include "oracle.h"

static JsonNode *root;

static double evaluate (JsonNode *node);

static JsonObject *
get_root (void)
{
  return json_node_get_object (root);
}

static double
get_argument (JsonArray *call,
              guint      index)
{
  return evaluate (json_array_get_element (call, index));
}

static HrModel *
get_model (JsonArray *call)
{
  return oracle_load_model (root, json_array_get_string_element (call, 1));
}

static HrDtype
get_dtype (JsonArray *call,
           guint      index)
{
  HrDtype dtype;

  g_assert_true (hr_dtype_from_name (json_array_get_string_element (call, index), &dtype));

  return dtype;
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

static double
evaluate_weights (JsonArray *call)
{
  g_autoptr (HrModel) model = get_model (call);
  HrQuantization quantization = oracle_get_quantization (json_array_get_string_element (call, 3));
  g_autoptr (HrQuantizer) quantizer = hr_quantizer_new (quantization);
  HrDtype dtype = get_dtype (call, 2);
  guint64 bytes = 0;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    bytes += get_layout_bytes (hr_model_get_tensor (model, i), i, dtype, quantizer);

  return bytes;
}

static double
evaluate_part (JsonArray *call)
{
  g_autoptr (HrModel) model = get_model (call);

  for (HrPart part = 0; part < HR_N_PARTS; part++)
    {
      if (g_str_equal (hr_part_get_id (part), json_array_get_string_element (call, 2)))
        return hr_model_get_n_parameters_of_part (model, part);
    }

  g_assert_not_reached ();
}

static double
evaluate_size (JsonArray *call)
{
  g_autoptr (HrModel) model = get_model (call);
  guint64 value;

  g_assert_true (hr_model_get_hyper_parameter (model, json_array_get_string_element (call, 2), &value));

  return value;
}

/* What a method of fine-tuning trains. */
static double
evaluate_trained (JsonArray *call)
{
  g_autoptr (HrModel) model = get_model (call);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (job, "lora-rank", (guint64) get_argument (call, 3), "lora-targets",
                json_array_get_string_element (call, 4), NULL);
  g_assert_true (hr_job_set_from_string (job, "fine-tuning-method", json_array_get_string_element (call, 2), NULL));
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);

  return hr_estimate_get_n_trainable_parameters (estimate);
}

/* What the model's processor makes of a picture, a sound or a video. */
static double
evaluate_tokens (JsonArray *call)
{
  g_autoptr (HrModel) model = get_model (call);
  g_autoptr (GError) error = NULL;
  HrMediumTokens tokens;
  HrMedium medium;

  g_assert_true (hr_medium_from_text (json_array_get_string_element (call, 2), &medium));
  hr_model_count_tokens (model, &medium, &tokens, &error);
  g_assert_no_error (error);

  return tokens.tokens;
}

static guint64
get_part_operations (const HrComputePhase *phase,
                     const char           *part)
{
  for (HrFlopPart i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      if (g_str_equal (hr_flop_part_get_id (i), part))
        return phase->count->parts[i].forward;
    }

  g_assert_cmpstr (part, ==, "total");

  return phase->total.forward;
}

/* What a forward pass over so many tokens computes, with logits of all of them. */
static double
evaluate_operations (JsonArray *call)
{
  g_autoptr (HrModel) model = get_model (call);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrCompute) compute = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (job, "prompt-length", (guint64) get_argument (call, 3), "logits-to-keep", HR_LOGITS_TO_KEEP_ALL, NULL);
  compute = hr_compute_new (model, job, NULL, 1, &error);
  g_assert_no_error (error);

  return get_part_operations (hr_compute_get_phase (compute, 0), json_array_get_string_element (call, 2));
}

static gboolean
evaluate_exact (const char *name,
                JsonArray  *call,
                double     *value)
{
  g_autoptr (HrModel) model = NULL;

  if (g_str_equal (name, "dtype-bits"))
    *value = hr_dtype_get_bits (get_dtype (call, 1));
  else if (g_str_equal (name, "dtype-bytes"))
    *value = hr_dtype_get_bytes (get_dtype (call, 1), get_argument (call, 2));
  else if (g_str_equal (name, "model-weights"))
    *value = evaluate_weights (call);
  else if (g_str_equal (name, "model-part"))
    *value = evaluate_part (call);
  else if (g_str_equal (name, "model-size"))
    *value = evaluate_size (call);
  else if (g_str_equal (name, "model-tokens"))
    *value = evaluate_tokens (call);
  else if (g_str_equal (name, "model-trained"))
    *value = evaluate_trained (call);
  else if (g_str_equal (name, "model-flops"))
    *value = evaluate_operations (call);
  else if (!g_str_has_prefix (name, "model-"))
    return FALSE;
  else
    {
      model = get_model (call);
      if (g_str_equal (name, "model-parameters"))
        *value = hr_model_get_n_parameters (model);
      else if (g_str_equal (name, "model-cache"))
        *value = hr_model_get_cache_elements_per_token (model);
      else if (g_str_equal (name, "model-payload"))
        *value = hr_model_get_n_parameters (model) * get_argument (call, 2) / 8;
      else
        return FALSE;
    }

  return TRUE;
}

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

static gboolean
evaluate_rule (const char *name,
               JsonArray  *call,
               double     *value)
{
  double a[8] = { 0 };

  for (guint i = 1; i < json_array_get_length (call) && i <= G_N_ELEMENTS (a); i++)
    {
      if (JSON_NODE_HOLDS_VALUE (json_array_get_element (call, i)) &&
          json_node_get_value_type (json_array_get_element (call, i)) == G_TYPE_STRING)
        return FALSE;
      a[i - 1] = get_argument (call, i);
    }

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

static double
evaluate_arithmetic (const char *name,
                     JsonArray  *call)
{
  double value = get_argument (call, 1);

  for (guint i = 2; i < json_array_get_length (call); i++)
    {
      double other = get_argument (call, i);

      if (*name == '+')
        value += other;
      else if (*name == '-')
        value -= other;
      else if (*name == '*')
        value *= other;
      else
        value /= other;
    }

  return value;
}

static double
evaluate (JsonNode *node)
{
  JsonArray *call;
  const char *name;
  double value = 0;

  if (JSON_NODE_HOLDS_VALUE (node))
    return json_node_get_double (node);

  call = json_node_get_array (node);
  name = json_array_get_string_element (call, 0);
  if (strlen (name) == 1 && strchr ("+-*/", *name) != NULL)
    return evaluate_arithmetic (name, call);

  g_assert_true (evaluate_exact (name, call, &value) || evaluate_rule (name, call, &value));

  return value;
}

static void
compare (JsonObject *test,
         const char *expression,
         const char *expected_name,
         guint      *n_compared)
{
  double found, expected, tolerance;

  if (!json_object_has_member (test, expression))
    return;

  found = evaluate (json_object_get_member (test, expression));
  expected = json_object_get_double_member (test, expected_name);
  tolerance = json_object_get_double_member_with_default (test, "tolerance", 0);
  g_test_message ("%-28s %-6s %.17g, expected %.17g", json_object_get_string_member (test, "id"), expression, found,
                  expected);
  g_assert_cmpfloat (fabs (found - expected), <=, tolerance * fabs (expected));
  (*n_compared)++;
}

static void
run (const char *expression,
     const char *expected)
{
  JsonArray *cases = json_object_get_array_member (get_root (), "cases");
  guint n_compared = 0;

  for (guint i = 0; i < json_array_get_length (cases); i++)
    compare (json_array_get_object_element (cases, i), expression, expected, &n_compared);

  g_test_message ("%u of %u cases", n_compared, json_array_get_length (cases));
  g_assert_cmpuint (n_compared, >, 80);
}

static void
test_rule (void)
{
  run ("rule", "rule-value");
}

static void
test_exact (void)
{
  run ("exact", "exact-value");
}

/* A case that is not computed has to say why. */
static void
test_all_accounted_for (void)
{
  JsonArray *cases = json_object_get_array_member (get_root (), "cases");

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);

      g_assert_true (json_object_has_member (test, "rule") || json_object_has_member (test, "exact") ||
                     json_object_has_member (test, "not-yet") || json_object_has_member (test, "no-value"));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (JsonNode) file = NULL;

  g_test_init (&argc, &argv, NULL);
  file = oracle_load_file ("seed-cases.json");
  root = file;

  g_test_add_func ("/oracle/a_known_formula_is_computed_as_it_is_written", test_rule);
  g_test_add_func ("/oracle/a_known_example_is_computed_as_it_should_be", test_exact);
  g_test_add_func ("/oracle/no_known_example_is_dropped_in_silence", test_all_accounted_for);

  return g_test_run ();
}
