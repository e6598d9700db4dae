/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-rule-estimate.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "hr-estimate-private.h"
#include "hr-message.h"
#include "hr-inference-cache.h"
#include "hr-matrix-format.h"
#include "hr-rule-of-thumb.h"

#define SOURCE_WEIGHTS \
  N_("rule of thumb: the matrices of a decoder; leaves out biases and norms, and counts a tied head twice")
#define SOURCE_ALL_WEIGHTS \
  N_("rule of thumb: all parameters, each as wide as the format; leaves out scales and what stays as it is")
#define SOURCE_CACHE \
  N_("rule of thumb: Sheng et al., FlexGen, arXiv:2303.06865, section 3; knows no grouped heads and no sliding " \
     "window")
#define SOURCE_CACHE_OF_SOME \
  N_("rule of thumb: Sheng et al., FlexGen, arXiv:2303.06865, section 3; of the layers only those with attention, " \
     "as the rule knows no states; knows no grouped heads and no sliding window")
#define SOURCE_OVERHEAD \
  N_("rule of thumb: EleutherAI, Transformer Math 101 (total ≈ 1.2 × weights); knows neither batch nor prompt")

/* The formula of parameters is one of dense decoders; of others their whole size is taken. */
static gboolean
get_hyper_parameters (HrModel *model,
                      guint64 *values)
{
  static const char * const names[] = { "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers" };

  if (hr_model_has_experts (model) || hr_model_get_n_stacks (model) != 1 ||
      hr_model_get_state_elements_per_sequence (model) > 0)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (!hr_model_get_hyper_parameter (model, names[i], &values[i]) || values[i] == 0)
        return FALSE;
    }

  return TRUE;
}

static double
get_group_size (HrModel *model)
{
  guint64 heads, key_value_heads;

  if (!hr_model_get_hyper_parameter (model, "num_attention_heads", &heads) ||
      !hr_model_get_hyper_parameter (model, "num_key_value_heads", &key_value_heads) || key_value_heads == 0)
    return 1;

  return (double) heads / key_value_heads;
}

/*
 * hr_rule_estimate_add:
 * @estimate: an estimate
 * @id: what the memory is held for
 * @bytes: how much by the rule, which may be a fraction
 * @formula: the formula
 * @substitution: (transfer full): the formula in numbers
 * @source: where it is from, and what it leaves out
 *
 * Adds a part.
 *
 * Returns: its size in whole bytes
 */
guint64
hr_rule_estimate_add (HrEstimate    *estimate,
                      HrComponentId  id,
                      double         bytes,
                      const char    *formula,
                      char          *substitution,
                      const char    *source)
{
  guint64 whole = (guint64) round (bytes);

  _hr_estimate_add_component (estimate, 0, id, whole, formula, substitution, source);
  g_free (substitution);

  return whole;
}

/*
 * hr_rule_estimate_add_share:
 * @estimate: an estimate
 * @part: a part of what all GPUs hold together
 * @name: what it is divided by, as people write that
 * @divisor: the same as a number
 * @note: (nullable): what is said behind the source of the formula
 *
 * Adds what a part comes to on each of several GPUs.
 *
 * Returns: its size in whole bytes
 */
guint64
hr_rule_estimate_add_share (HrEstimate  *estimate,
                            HrComponent *part,
                            const char  *name,
                            guint64      divisor,
                            const char  *note)
{
  g_autofree char *formula = g_strdup_printf ("(%s)/(%s)", hr_component_get_formula (part), name);
  g_autofree char *source = g_strconcat (hr_component_get_source (part), note, NULL);

  return hr_rule_estimate_add (estimate, hr_component_get_id (part),
                               (double) hr_component_get_bytes (part) / divisor, formula,
                               g_strdup_printf ("(%s)/%" G_GUINT64_FORMAT, hr_component_get_substitution (part),
                                                divisor), source);
}

/*
 * hr_rule_estimate_doubt:
 * @estimate: an estimate that has a part
 * @fault: a string that stays: a key for hr_article_reason_get_text()
 *
 * Says what the formula of the part that was added last gets wrong for this job.
 */
void
hr_rule_estimate_doubt (HrEstimate *estimate,
                        const char *fault)
{
  GListModel *components = hr_estimate_get_components (estimate);
  g_autoptr (HrComponent) component =
    g_list_model_get_item (components, g_list_model_get_n_items (components) - 1);

  _hr_component_add_fault (component, fault);
}

/*
 * hr_rule_estimate_explain:
 * @estimate: an estimate
 * @msgid: a format
 * @...: what it is filled with
 *
 * Says what the formulas leave out.
 */
void
hr_rule_estimate_explain (HrEstimate *estimate,
                          const char *msgid,
                          ...)
{
  va_list arguments;

  va_start (arguments, msgid);
  _hr_estimate_take_warning (estimate, hr_message_format (msgid, arguments));
  va_end (arguments);
}

/* The attention of the first layer that has one. */
static const HrAttention *
find_attention (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      if (attention != NULL)
        return attention;
    }

  return NULL;
}

static gboolean
has_head (const HrChain *chain,
          gboolean       tied)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == HR_BLOCK_HEAD && chain->blocks[i].head.tied == tied)
        return TRUE;
    }

  return FALSE;
}

static gboolean
is_plain_mlp (const HrBlock *block)
{
  return block->kind == HR_BLOCK_MLP && !block->mlp.gated;
}

/* Whether a feed-forward block has two matrices, not three. */
static gboolean
has_plain_mlp (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];

      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          for (guint k = 0; k < klass->sublayers[j].n_branches; k++)
            {
              const HrChain *chain = &klass->sublayers[j].branches[k];

              for (guint l = 0; l < chain->n_blocks; l++)
                {
                  if (is_plain_mlp (&chain->blocks[l]))
                    return TRUE;
                }
            }
        }
    }

  return FALSE;
}

/* What the formula of the parameters of a dense decoder gets wrong about this one. */
static void
doubt_parameters (HrEstimate            *estimate,
                  const HrInferencePlan *plan)
{
  const HrAttention *attention = find_attention (plan->stack);

  if (has_head (hr_model_get_head (plan->model), TRUE))
    hr_rule_estimate_doubt (estimate, "D02");
  if (attention != NULL && attention->has_query_bias)
    hr_rule_estimate_doubt (estimate, "D03");
  if (attention != NULL && attention->num_attention_heads * attention->head_dim != attention->hidden_size)
    hr_rule_estimate_doubt (estimate, "D09");
  if (has_plain_mlp (plan->stack))
    hr_rule_estimate_doubt (estimate, "D08");
}

/* Four bits are said to be half a byte. */
static void
doubt_quantization (HrEstimate            *estimate,
                    const HrInferencePlan *plan,
                    double                 bits)
{
  if (plan->quantization != HR_QUANTIZATION_NONE && bits == 4)
    hr_rule_estimate_doubt (estimate, "D28");
}

/*
 * hr_rule_estimate_doubt_cache:
 * @estimate: an estimate whose last part is the cache
 * @plan: a plan
 *
 * Says what 2·e·b·l·h·(s + n) gets wrong about this model's cache.
 */
void
hr_rule_estimate_doubt_cache (HrEstimate            *estimate,
                              const HrInferencePlan *plan)
{
  const HrInference *inference = &plan->inference;
  guint64 tokens = inference->prompt + inference->output;
  const HrAttention *attention = find_attention (plan->stack);

  if (attention == NULL)
    return;

  if (attention->latent_size == 0 && attention->num_key_value_heads < attention->num_attention_heads)
    hr_rule_estimate_doubt (estimate, "D31");
  else if (attention->num_attention_heads * attention->head_dim != attention->hidden_size)
    hr_rule_estimate_doubt (estimate, "D09");

  for (guint i = 0; i < plan->stack->n_layer_classes; i++)
    {
      attention = hr_layer_class_get_attention (&plan->stack->layer_classes[i]);
      if (attention != NULL && attention->sliding_window > 0 && attention->sliding_window < tokens)
        {
          hr_rule_estimate_doubt (estimate, "D12");
          return;
        }
    }
}

/*
 * hr_rule_estimate_get_parameters:
 * @model: a model
 *
 * Gets how many parameters a model has by the rule, which is one of dense decoders; of others their true number is
 * taken.
 *
 * Returns: how many
 */
double
hr_rule_estimate_get_parameters (HrModel *model)
{
  guint64 values[4];

  if (!get_hyper_parameters (model, values))
    return hr_model_get_n_parameters (model);

  return hr_rule_of_thumb_parameters (values[0], values[1], values[2], values[3], get_group_size (model));
}

/*
 * hr_rule_estimate_get_hidden_size:
 * @stack: what is run
 *
 * Gets the width of a hidden state.
 *
 * Returns: h, or 0 if there are no tokens
 */
guint64
hr_rule_estimate_get_hidden_size (const HrStack *stack)
{
  const HrBlock *token = stack->embeddings.n_blocks > 0 ? &stack->embeddings.blocks[0] : NULL;

  return token != NULL && token->kind == HR_BLOCK_TOKEN_EMBEDDING ? token->token_embedding.hidden_size : 0;
}

/*
 * hr_rule_estimate_add_weights:
 * @estimate: an estimate
 * @plan: a plan
 * @weights: (out): what they take by the rule
 *
 * Adds the weights.
 *
 * Returns: their size in whole bytes
 */
guint64
hr_rule_estimate_add_weights (HrEstimate            *estimate,
                              const HrInferencePlan *plan,
                              double                *weights)
{
  guint64 values[4];
  double group = get_group_size (plan->model);
  double bits = hr_dtype_get_bits (plan->dtype);
  guint64 bytes;

  if (plan->quantization != HR_QUANTIZATION_NONE)
    bits = hr_matrix_format_get_width (plan->quantization);
  *weights = hr_rule_of_thumb_weights (hr_rule_estimate_get_parameters (plan->model), bits);

  if (!get_hyper_parameters (plan->model, values))
    {
      guint64 parameters = hr_model_get_n_parameters (plan->model);

      bytes = hr_rule_estimate_add (estimate, HR_COMPONENT_WEIGHTS, *weights, "P·bits/8",
                                    g_strdup_printf ("%" G_GUINT64_FORMAT "·%g/8", parameters, bits),
                                    SOURCE_ALL_WEIGHTS);
      doubt_quantization (estimate, plan, bits);

      return bytes;
    }

  bytes = hr_rule_estimate_add (estimate, HR_COMPONENT_WEIGHTS, *weights, "(2·V·h + L·h²·(2 + 2/g) + 3·L·h·i)·bits/8",
                                g_strdup_printf ("(2·%1$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT
                                                 " + %4$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT "²·(2 + 2/%5$g)"
                                                 " + 3·%4$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT
                                                 "·%3$" G_GUINT64_FORMAT
                                                 ")·%6$g/8",
                                                 values[0], values[1], values[2], values[3], group, bits),
                                SOURCE_WEIGHTS);
  doubt_parameters (estimate, plan);
  doubt_quantization (estimate, plan, bits);

  return bytes;
}

/* The rule is one of attention: layers without it keep a state of another kind, or nothing. */
static guint64
count_attention_layers (const HrStack *stack)
{
  guint64 n = 0;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      if (hr_layer_class_get_attention (&stack->layer_classes[i]) != NULL)
        n += stack->layer_classes[i].n_layers;
    }

  return n;
}

static guint64
add_rule_cache (HrEstimate            *estimate,
                const HrInferencePlan *plan)
{
  const HrInference *inference = &plan->inference;
  guint64 hidden = hr_rule_estimate_get_hidden_size (plan->stack);
  guint64 layers = count_attention_layers (plan->stack);
  guint bytes = hr_element_get_bytes (plan->element);
  guint64 size;

  if (!inference->use_cache || layers == 0)
    return 0;

  size = hr_rule_estimate_add (estimate, HR_COMPONENT_KV_CACHE,
                               hr_rule_of_thumb_cache (inference->batch, layers, hidden,
                                                       inference->prompt + inference->output, bytes),
                               "2·e·b·l·h·(s + n)",
                               g_strdup_printf ("2·%u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT
                                                "·(%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT ")",
                                                bytes, inference->batch, layers, hidden, inference->prompt,
                                                inference->output),
                               layers < plan->stack->n_layers ? SOURCE_CACHE_OF_SOME : SOURCE_CACHE);
  hr_rule_estimate_doubt_cache (estimate, plan);

  return size;
}

/*
 * hr_rule_estimate_new:
 * @plan: a plan
 *
 * Estimates by the formulas that people know: 1.2 · weights, and the cache as if each head had keys of its own.
 *
 * Returns: (transfer full): an estimate
 */
HrEstimate *
hr_rule_estimate_new (const HrInferencePlan *plan)
{
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_RULE_OF_THUMB, plan->model);
  double weights = 0;
  guint64 bytes;

  _hr_estimate_add_device (estimate);
  bytes = hr_rule_estimate_add_weights (estimate, plan, &weights);
  bytes += add_rule_cache (estimate, plan);
  bytes += hr_rule_estimate_add (estimate, HR_COMPONENT_ACTIVATIONS, hr_rule_of_thumb_total (weights) - weights,
                                 "0.2·weights", g_strdup_printf ("0.2·%.0f", weights), SOURCE_OVERHEAD);
  hr_rule_estimate_doubt (estimate, "D24");
  _hr_estimate_set_device_bytes (estimate, 0, bytes);
  _hr_estimate_add_phase (estimate, HR_PHASE_DECODE, bytes);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_DECODE, NULL, NULL);

  return estimate;
}

/*
 * hr_rule_estimate_divide:
 * @self: an estimate by rule of thumb of a whole model
 * @job: a job that says among how many ranks it is divided
 * @n_ranks: how many ranks there are
 *
 * Divides an estimate as the formula for several GPUs does: Model/(PP·TP), and all else likewise.
 *
 * Returns: (transfer full): what each rank has
 */
HrEstimate *
hr_rule_estimate_divide (HrEstimate *self,
                         HrJob      *job,
                         guint64     n_ranks)
{
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_RULE_OF_THUMB,
                                           hr_estimate_get_model (self));
  GListModel *parts = hr_estimate_get_components (self);
  guint64 divisor = hr_job_get_tensor_parallel (job) * hr_job_get_pipeline_parallel (job);
  guint64 bytes = 0;

  _hr_estimate_add_device (estimate);
  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (HrComponent) part = g_list_model_get_item (parts, i);

      bytes += hr_rule_estimate_add_share (estimate, part, "PP·TP", divisor, NULL);
    }
  _hr_estimate_set_device_bytes (estimate, 0, bytes);
  _hr_estimate_add_phase (estimate, HR_PHASE_DECODE, bytes);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_DECODE, NULL, NULL);
  _hr_estimate_join_ranks (estimate, &estimate, 1, n_ranks);
  hr_rule_estimate_explain (
    estimate,
    N_("The formula for several GPUs divides weights, cache and all else evenly: it knows neither what each rank has "
       "whole, as tables and norms, nor heads of keys and values that are copied where there are fewer than ranks"));

  return estimate;
}
