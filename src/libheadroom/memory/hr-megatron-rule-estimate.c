/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-megatron-rule-estimate.h"

#include <math.h>

#include "hr-estimate-private.h"
#include "hr-replay-megatron.h"
#include "hr-rule-estimate.h"
#include "hr-rule-of-thumb-training.h"

/*
 * What Megatron-LM prints before it trains (megatron/training/theoretical_memory_usage.py), and the activations of
 * Korthikanti et al., arXiv:2205.05198, beside which the model's states are those of that report: the paper has none.
 */

#define SOURCE_STATES \
  "Megatron-LM d98e8a64, megatron/training/theoretical_memory_usage.py: compute_weight_and_optimizer_memory, 2 + 4 + " \
  "4 + 8 bytes a parameter of the rank that has most"
#define SOURCE_REPORT \
  "Megatron-LM d98e8a64, megatron/training/theoretical_memory_usage.py: compute_activation_memory"
#define SOURCE_REPORT_WITHOUT \
  "Megatron-LM d98e8a64, megatron/training/theoretical_memory_usage.py: compute_activation_memory_without_sp"
#define SOURCE_PAPER \
  "Korthikanti et al., arXiv:2205.05198, table 2 and section 4.3: of the first stage, which keeps as much as all " \
  "layers keep of one micro-batch"

/* The sizes that the formulas know. */
typedef struct
{
  double tokens;
  double batch;
  double hidden;
  double heads;
  double groups;
  double head_dim;
  double inner;
  double layers;
  double vocabulary;
  double tensor;
  double stages;
  double parts;
  double micro_batches;
  double sharers;
  gboolean is_gated;
  gboolean is_tied;
  guint n_norm_vectors;
  gboolean divides_sequence;
  HrRecomputation recomputation;
} Sizes;

static HrRecomputation
get_recomputation (HrTrainingJob *job)
{
  switch (hr_training_job_get_gradient_checkpointing (job))
    {
    case HR_GRADIENT_CHECKPOINTING_FULL:
      return HR_RECOMPUTATION_FULL;

    case HR_GRADIENT_CHECKPOINTING_SELECTIVE:
      return HR_RECOMPUTATION_SELECTIVE;

    case HR_GRADIENT_CHECKPOINTING_NONE:
    default:
      return HR_RECOMPUTATION_NONE;
    }
}

static void
sizes_init (Sizes                *self,
            const HrTrainingPlan *plan)
{
  const HrStack *stack = hr_model_get_stack (plan->model, 0);
  const HrLayerClass *klass = &stack->layer_classes[0];
  const HrAttention *attention = &klass->sublayers[0].branches[0].blocks[1].attention;
  const HrMlp *mlp = &klass->sublayers[1].branches[0].blocks[1].mlp;
  const HrNorm *norm = &klass->sublayers[0].branches[0].blocks[0].norm;
  const HrBlock *token = hr_chain_find_block (&stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  const HrBlock *head = hr_chain_find_block (hr_model_get_head (plan->model), HR_BLOCK_HEAD);
  HrTrainingJob *job = plan->job;
  guint64 words = token->token_embedding.vocab_size;

  *self = (Sizes) {
    .tokens = hr_training_job_get_sequence_length (job), .batch = hr_training_job_get_micro_batch_size (job),
    .hidden = hr_rule_estimate_get_hidden_size (stack), .heads = attention->num_attention_heads,
    .groups = attention->num_key_value_heads, .head_dim = attention->head_dim, .inner = mlp->intermediate_size,
    .layers = stack->n_layers, .vocabulary = words + hr_layout_count_padding (&plan->layout, words),
    .tensor = plan->layout.tensor, .stages = plan->layout.pipeline,
    .parts = hr_training_job_get_virtual_pipeline_parallel (job),
    .micro_batches = hr_training_job_get_gradient_accumulation_steps (job),
    .sharers = plan->layout.zero_stage > 0 ? plan->layout.data * plan->layout.context : 1, .is_gated = mlp->gated,
    .is_tied = head != NULL && head->head.tied, .n_norm_vectors = norm->kind == HR_NORM_RMS ? 1 : 2,
    .divides_sequence = plan->layout.divides_sequence, .recomputation = get_recomputation (job),
  };
}

/*
 * hr_megatron_rule_estimate_is_used:
 * @plan: a plan
 *
 * Returns: whether the formulas beside the exact figure are those of Megatron-LM or of its authors, and fit the model
 */
gboolean
hr_megatron_rule_estimate_is_used (const HrTrainingPlan *plan)
{
  return hr_training_job_get_framework (plan->job) == HR_TRAINING_FRAMEWORK_MEGATRON_LM &&
         hr_training_job_get_rule_of_thumb (plan->job) != HR_RULE_OF_THUMB_ARTICLES &&
         hr_model_get_n_stacks (plan->model) == 1 && hr_megatron_knows (hr_model_get_stack (plan->model, 0));
}

/* The parameters of the rank that has most: one embedding, and the head with it where there is no pipeline. */
static double
count_parameters (const Sizes *self)
{
  double attention = 2 * self->hidden * self->heads * self->head_dim * (1 + self->groups / self->heads);
  double perceptron = 2 * self->hidden * self->inner * (self->is_gated ? 1.5 : 1);
  double norms = 2 * self->hidden * self->n_norm_vectors * self->layers + self->n_norm_vectors * self->hidden;
  double n_tables = !self->is_tied && self->stages == 1 ? 2 : 1;

  return ((attention + perceptron) * self->layers / self->stages +
          n_tables * self->hidden * self->vocabulary) / self->tensor + norms / self->stages;
}

/* How much more an interleaved schedule keeps (Narayanan et al., arXiv:2104.04473). */
static double
get_penalty (const Sizes *self)
{
  return self->parts > 1 ? 1 + (self->stages - 1) / (self->stages * self->parts) : 1;
}

/* Token ids and the mask of the dropout behind the embedding, of as many micro-batches as there are stages. */
static double
count_inputs (const Sizes *self)
{
  return (8 + self->hidden) * self->tokens * self->batch * self->stages;
}

/* Without an interleaved schedule there may be fewer micro-batches than stages. */
static double
get_share_in_flight (const Sizes *self)
{
  return self->parts > 1 || self->stages == 1 ? get_penalty (self) : fmin (1, self->micro_batches / self->stages);
}

static double
report_activations (const Sizes *self)
{
  double rows = self->tokens * self->batch;
  double bytes = rows * self->hidden * (18 + 4 * self->inner / self->hidden) * self->layers + count_inputs (self);

  bytes *= get_share_in_flight (self);
  if (self->stages == 1)
    bytes += rows * self->hidden * 4 * (1 + self->vocabulary / self->hidden);

  return bytes / self->tensor;
}

static double
report_activations_without (const Sizes *self)
{
  double rows = self->tokens * self->batch;
  double bytes = rows * self->hidden * (10 + 24 / self->tensor) * self->layers + count_inputs (self);

  bytes *= get_share_in_flight (self);
  if (self->stages == 1)
    bytes += 2 * rows * (self->vocabulary / self->tensor + self->hidden);

  return bytes * 1.05;
}

/*
 * Table 2, and section 4.3: dropout behind the embedding of as many micro-batches as there are stages, and without a
 * pipeline the inputs of the last norm and of the output layer, and logits in fp32.
 */
static double
count_paper (const Sizes *self)
{
  double layers = hr_rule_of_thumb_gpt_activations (self->batch, self->tokens, self->hidden, self->heads, self->layers,
                                                    self->tensor, self->divides_sequence, self->recomputation);
  double row = self->tokens * self->batch;
  double between = self->divides_sequence ? self->tensor : 1;
  double bytes = layers * get_penalty (self) + row * self->hidden * self->stages / between;

  if (self->stages == 1)
    bytes += 4 * row * (self->hidden / between + self->vocabulary / self->tensor);

  return bytes;
}

/* Writes what a letter of a formula stands for, or the letter. */
static char *
write_number (double number)
{
  return g_strdup_printf ("%.0f", number);
}

/* Puts numbers in the place of the letters of a formula. */
static char *
substitute (const Sizes *self,
            const char  *formula)
{
  const struct
  {
    const char *name;
    double value;
  } letters[] = {
    { "n_t", self->tensor }, { "n_p", self->stages }, { "n_v", self->parts }, { "A", self->micro_batches },
    { "s", self->tokens }, { "b", self->batch }, { "h", self->hidden }, { "H", self->heads }, { "i", self->inner },
    { "V", self->vocabulary }, { "l", self->layers },
  };
  g_autoptr (GString) text = g_string_new (NULL);

  while (*formula != '\0')
    {
      guint i = 0;

      while (i < G_N_ELEMENTS (letters) && !g_str_has_prefix (formula, letters[i].name))
        i++;
      if (i < G_N_ELEMENTS (letters))
        {
          g_autofree char *number = write_number (letters[i].value);

          g_string_append (text, number);
          formula += strlen (letters[i].name);
        }
      else
        g_string_append_c (text, *formula++);
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* What a layer keeps, in the rows of the paper's table. */
static const char *
get_layer_formula (const Sizes *self)
{
  if (self->recomputation == HR_RECOMPUTATION_FULL)
    return "2";
  if (self->recomputation == HR_RECOMPUTATION_SELECTIVE)
    return self->divides_sequence ? "34/n_t" : "10 + 24/n_t";

  return self->divides_sequence ? "34/n_t + 5·H·s/(h·n_t)" : "10 + 24/n_t + 5·H·s/(h·n_t)";
}

static char *
write_paper (const Sizes *self)
{
  return g_strdup_printf ("s·b·h·l·(%s)%s + s·b·h·n_p%s%s", get_layer_formula (self),
                          self->parts > 1 ? "·(1 + (n_p - 1)/(n_p·n_v))" : "",
                          self->divides_sequence ? "/n_t" : "",
                          self->stages > 1           ? ""
                          : self->divides_sequence ? " + 4·s·b·(h + V)/n_t"
                                                     : " + 4·s·b·(h + V/n_t)");
}

static char *
write_report (const Sizes *self,
              gboolean     with_sequence)
{
  const char *share = self->parts > 1 ? "·(1 + (n_p - 1)/(n_p·n_v))"
                      : self->stages > self->micro_batches ? "·A/n_p"
                                                           : "";

  if (with_sequence)
    return g_strdup_printf ("((s·b·h·(18 + 4·i/h)·l + (8 + h)·s·b·n_p)%s%s)/n_t", share,
                            self->stages > 1 ? "" : " + 4·s·b·(h + V)");

  return g_strdup_printf ("1.05·((s·b·h·(10 + 24/n_t)·l + (8 + h)·s·b·n_p)%s%s)", share,
                          self->stages > 1 ? "" : " + 2·s·b·(V/n_t + h)");
}

static guint64
add_activations (HrEstimate           *estimate,
                 const HrTrainingPlan *plan,
                 const Sizes          *sizes)
{
  gboolean is_paper = hr_training_job_get_rule_of_thumb (plan->job) == HR_RULE_OF_THUMB_KORTHIKANTI;
  gboolean with_sequence = sizes->divides_sequence && sizes->recomputation == HR_RECOMPUTATION_SELECTIVE;
  g_autofree char *formula = is_paper ? write_paper (sizes) : write_report (sizes, with_sequence);
  double bytes = is_paper        ? count_paper (sizes)
                 : with_sequence ? report_activations (sizes)
                                 : report_activations_without (sizes);

  return hr_rule_estimate_add (estimate, HR_COMPONENT_ACTIVATIONS, bytes, formula, substitute (sizes, formula),
                               is_paper        ? SOURCE_PAPER
                               : with_sequence ? SOURCE_REPORT
                                               : SOURCE_REPORT_WITHOUT);
}

/* 2 + 4 + 4 + 8 bytes a parameter, of which a distributed optimizer divides the last two. */
static guint64
add_states (HrEstimate  *estimate,
            const Sizes *sizes)
{
  static const struct
  {
    HrComponentId id;
    guint bytes;
    gboolean is_shared;
  } states[] = {
    { HR_COMPONENT_WEIGHTS, 2, FALSE },
    { HR_COMPONENT_GRADIENTS, 4, FALSE },
    { HR_COMPONENT_MASTER_WEIGHTS, 4, TRUE },
    { HR_COMPONENT_OPTIMIZER, 8, TRUE },
  };
  double n_parameters = count_parameters (sizes);
  guint64 bytes = 0;

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      gboolean is_shared = states[i].is_shared && sizes->sharers > 1;
      g_autofree char *formula = g_strdup_printf ("%u·P_r%s", states[i].bytes, is_shared ? "/N_d" : "");
      char *numbers = is_shared ? g_strdup_printf ("%u·%.0f/%.0f", states[i].bytes, n_parameters, sizes->sharers)
                                : g_strdup_printf ("%u·%.0f", states[i].bytes, n_parameters);

      bytes += hr_rule_estimate_add (estimate, states[i].id,
                                     n_parameters * states[i].bytes / (is_shared ? sizes->sharers : 1), formula,
                                     numbers, SOURCE_STATES);
    }

  return bytes;
}

static void
explain (HrEstimate    *estimate,
         HrRuleOfThumb  rule)
{
  if (rule == HR_RULE_OF_THUMB_KORTHIKANTI)
    hr_rule_estimate_explain (
      estimate, N_("Korthikanti et al. count what attention without a fused kernel keeps, of layers with dropout and a "
                   "perceptron of 4·h; they leave out the statistics of norms and of fused attention, the gradient of "
                   "the logits, and what is computed anew or exists for a moment only"));
  else
    hr_rule_estimate_explain (
      estimate, N_("Megatron-LM’s report knows neither biases nor heads of another width in the activations, counts "
                   "the first stage with all that is in flight, without sequence parallelism a perceptron of 4·h, and "
                   "nothing that is made by full recomputation or exists for a moment only"));
}

/*
 * hr_megatron_rule_estimate_new:
 * @plan: a plan for which hr_megatron_rule_estimate_is_used()
 *
 * Estimates by the formulas of Megatron-LM, or of those who have written it.
 *
 * Returns: (transfer full): an estimate
 */
HrEstimate *
hr_megatron_rule_estimate_new (const HrTrainingPlan *plan)
{
  HrEstimate *estimate = _hr_estimate_new (hr_job_get_mode (HR_JOB (plan->job)), HR_ESTIMATE_METHOD_RULE_OF_THUMB,
                                           plan->model);
  guint64 bytes;
  Sizes sizes;

  sizes_init (&sizes, plan);
  _hr_estimate_add_device (estimate);
  _hr_estimate_set_n_trainable_parameters (estimate, hr_model_get_n_parameters (plan->model));
  bytes = add_states (estimate, &sizes) + add_activations (estimate, plan, &sizes);
  _hr_estimate_set_device_bytes (estimate, 0, bytes);
  _hr_estimate_add_phase (estimate, HR_PHASE_BACKWARD_LOSS, bytes);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_BACKWARD_LOSS, NULL, NULL);
  _hr_estimate_join_ranks (estimate, &estimate, 1, plan->layout.n_ranks);
  explain (estimate, hr_training_job_get_rule_of_thumb (plan->job));

  return estimate;
}
