/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-rule-estimate.h"

#include "hr-estimate-private.h"
#include "hr-grpo-job.h"
#include "hr-megatron-rule-estimate.h"
#include "hr-rule-estimate.h"
#include "hr-rule-of-thumb-training.h"
#include "hr-training-zero.h"

/* The share of the parameters that is said to be in matrices with adapters, whichever these are. */
#define TARGET_RATIO 0.5

#define SOURCE_GRADIENTS N_("rule of thumb: a gradient for each parameter that is trained, as wide as the parameter")
#define SOURCE_OPTIMIZER \
  N_("rule of thumb: 2 numbers of fp32 for AdamW, 1 for SGD with momentum, none for plain SGD; in single precision " \
     "weights, gradients and states are 4·N·D together; knows no temporaries")
#define SOURCE_MASTER_WEIGHTS \
  N_("rule of thumb: Rajbhandari et al., ZeRO, arXiv:1910.02054, section 3.1: with them 16 bytes a parameter, 18 if " \
     "bf16 gradients are added up in fp32, 20 if fp16 gradients have a copy in fp32")
#define SOURCE_ACTIVATIONS \
  N_("rule of thumb: queries, keys and values, scores, feed-forward blocks; knows no heads, norms, gates and logits " \
     "(a GPT block keeps s·b·h·(34 + 5·a·s/h) bytes: Korthikanti et al., arXiv:2205.05198, table 2)")
/* xgettext:no-c-format */
#define SOURCE_CHECKPOINTED \
  N_("rule of thumb: checkpointing leaves 30 % of queries, keys and values, scores, feed-forward blocks (of a GPT " \
     "block 2·s·b·h bytes, and one block that is computed anew: Korthikanti et al., arXiv:2205.05198, table 2)")
#define SOURCE_ANSWERS \
  N_("rule of thumb: k times the activations of single answers, k the answers to a prompt, or 2 for pairs; holds " \
     "where a micro-batch has that many prompts with all their answers: that of the exact method counts answers")
#define SOURCE_DIVIDED \
  "of several GPUs: Model/(PP·TP) + Optimizer/N + Activation/TP + Gradient/PP for each"
#define SOURCE_ZERO \
  "deepspeed/runtime/zero/stage_1_and_2.py: estimate_zero2_model_states_mem_needs; stage3.py: " \
  "estimate_zero3_model_states_mem_needs; Rajbhandari et al., arXiv:1910.02054, figure 1"

#define SOURCE_OVERHEAD \
  N_("rule of thumb: a tenth of all else, or what “rule-overhead” says, for what is not known; B, the buffers that " \
     "“rule-buffers” says")

/* What is trained, by the rule. */
typedef struct
{
  double n_parameters;
  const char *formula;
  char *substitution;
  const char *fault;
} Trained;

static gboolean
is_lora (HrFineTuningMethod method)
{
  switch (method)
    {
    case HR_FINE_TUNING_METHOD_LORA:
    case HR_FINE_TUNING_METHOD_QLORA:
    case HR_FINE_TUNING_METHOD_RSLORA:
    case HR_FINE_TUNING_METHOD_DORA:
    case HR_FINE_TUNING_METHOD_LORA_PLUS:
    case HR_FINE_TUNING_METHOD_PISSA:
    case HR_FINE_TUNING_METHOD_ADALORA:
      return TRUE;

    case HR_FINE_TUNING_METHOD_FULL:
    case HR_FINE_TUNING_METHOD_FREEZE:
    case HR_FINE_TUNING_METHOD_LORA_FA:
    case HR_FINE_TUNING_METHOD_VERA:
    case HR_FINE_TUNING_METHOD_LOHA:
    case HR_FINE_TUNING_METHOD_LOKR:
    case HR_FINE_TUNING_METHOD_PREFIX:
    case HR_FINE_TUNING_METHOD_P_TUNING:
    case HR_FINE_TUNING_METHOD_PROMPT:
    case HR_FINE_TUNING_METHOD_IA3:
    case HR_FINE_TUNING_METHOD_HOULSBY:
    case HR_FINE_TUNING_METHOD_BITFIT:
    default:
      return FALSE;
    }
}

/* The rules know full fine-tuning, LoRA and prefix tuning; of other methods the true number is taken. */
static void
trained_init (Trained              *self,
              const HrTrainingPlan *plan)
{
  HrFineTuningJob *job = HR_IS_FINE_TUNING_JOB (plan->job) ? HR_FINE_TUNING_JOB (plan->job) : NULL;
  HrFineTuningMethod method =
    job != NULL ? hr_fine_tuning_job_get_fine_tuning_method (job) : HR_FINE_TUNING_METHOD_FULL;
  double parameters = hr_rule_estimate_get_parameters (plan->model);
  guint64 hidden = hr_rule_estimate_get_hidden_size (plan->pass.stack);

  if (is_lora (method) && hidden > 0)
    {
      guint64 rank = hr_fine_tuning_job_get_lora_rank (job);

      self->n_parameters = hr_rule_of_thumb_lora (rank, parameters, TARGET_RATIO, hidden);
      self->formula = "2·r_a·P·0.5/h";
      self->substitution = g_strdup_printf ("2·%" G_GUINT64_FORMAT "·%.0f·0.5/%" G_GUINT64_FORMAT, rank, parameters,
                                            hidden);
      self->fault = "D38";
      return;
    }

  self->formula = "P_t";
  self->n_parameters = hr_trainables_get_n_elements (plan->parameters);
  if (method == HR_FINE_TUNING_METHOD_FULL)
    self->n_parameters = parameters;
  if (method == HR_FINE_TUNING_METHOD_PREFIX)
    {
      self->n_parameters = hr_rule_of_thumb_prefix (parameters);
      self->formula = "0.01·P";
      self->substitution = g_strdup_printf ("0.01·%.0f", parameters);
      self->fault = "D40";
      return;
    }
  self->substitution = g_strdup_printf ("%.0f", self->n_parameters);
}

/* What the rules know of an optimizer: how many numbers it keeps of a parameter. */
static gboolean
get_optimizer_factor (HrOptimizerKind  kind,
                      double          *factor)
{
  switch ((guint) kind)
    {
    case HR_OPTIMIZER_KIND_ADAMW:
    case HR_OPTIMIZER_KIND_ADAM:
      *factor = 2;
      return TRUE;

    case HR_OPTIMIZER_KIND_SGD_MOMENTUM:
      *factor = 1;
      return TRUE;

    default:
      return FALSE;
    }
}

static guint64
add_of_trained (HrEstimate    *estimate,
                HrComponentId  id,
                const Trained *trained,
                double         bytes,
                const char    *source)
{
  g_autofree char *formula = g_strdup_printf ("%s·%g", trained->formula, bytes);
  guint64 size = hr_rule_estimate_add (estimate, id, trained->n_parameters * bytes, formula,
                                       g_strdup_printf ("%s·%g", trained->substitution, bytes), source);

  if (trained->fault != NULL)
    hr_rule_estimate_doubt (estimate, trained->fault);

  return size;
}

static guint64
add_optimizer (HrEstimate           *estimate,
               const HrTrainingPlan *plan,
               const Trained        *trained)
{
  double factor;

  if (!get_optimizer_factor (hr_training_job_get_optimizer (plan->job), &factor))
    return 0;

  return add_of_trained (estimate, HR_COMPONENT_OPTIMIZER, trained, hr_rule_of_thumb_optimizer (1, factor),
                         SOURCE_OPTIMIZER);
}

static guint64
add_gradients (HrEstimate           *estimate,
               const HrTrainingPlan *plan,
               const Trained        *trained)
{
  double bytes = hr_element_get_bytes (plan->pass.element);

  if (hr_training_job_get_gradient_dtype (plan->job) == HR_GRADIENT_DTYPE_BOTH)
    bytes += sizeof (float);
  else if (hr_training_job_get_gradient_dtype (plan->job) == HR_GRADIENT_DTYPE_FLOAT32)
    bytes = plan->pass.element == HR_ELEMENT_FLOAT16 ? bytes + sizeof (float) : sizeof (float);

  return add_of_trained (estimate, HR_COMPONENT_GRADIENTS, trained, bytes, SOURCE_GRADIENTS);
}

/* How many times the activations of single answers are said to be kept. */
static double
get_algorithm_factor (const HrTrainingPlan *plan)
{
  HrGrpoJob *job = HR_IS_GRPO_JOB (plan->job) ? HR_GRPO_JOB (plan->job) : NULL;

  return job != NULL ? hr_rule_of_thumb_algorithm (hr_grpo_job_get_algorithm (job),
                                                   hr_grpo_job_get_num_generations (job))
                     : 1;
}

/* Answers are sequences of their own, though a trainer may have them in one row. */
static guint64
get_sequence_length (const HrTrainingPlan *plan)
{
  const HrInference *pass = &plan->pass.inference;

  return plan->training.algorithm != HR_ALGORITHM_SFT && pass->examples > 0 ? pass->prompt / pass->examples
                                                                             : pass->prompt;
}

static guint64
add_activations (HrEstimate           *estimate,
                 const HrTrainingPlan *plan)
{
  guint64 length = get_sequence_length (plan);
  guint64 batch = hr_training_job_get_micro_batch_size (plan->job);
  guint64 hidden = hr_rule_estimate_get_hidden_size (plan->pass.stack);
  guint element = hr_element_get_bytes (plan->autocast != HR_ELEMENT_NONE ? plan->autocast : plan->pass.element);
  guint n_layers = plan->pass.stack->n_layers;
  gboolean checkpointed =
    hr_training_job_get_gradient_checkpointing (plan->job) != HR_GRADIENT_CHECKPOINTING_NONE;
  double factor = get_algorithm_factor (plan);
  double bytes = factor * hr_rule_of_thumb_activations (batch, length, hidden, element, n_layers);
  g_autofree char *times = factor > 1 ? g_strdup_printf ("%.0f·", factor) : g_strdup ("");
  g_autofree char *formula = g_strconcat (factor > 1 ? "k_g·" : "", checkpointed ? "0.3·" : "",
                                          "(3·b·s·h + b·s² + 8·b·s·h)·e·l", NULL);
  guint64 size;

  size = hr_rule_estimate_add (estimate, HR_COMPONENT_ACTIVATIONS,
                               checkpointed ? hr_rule_of_thumb_checkpointed (bytes) : bytes, formula,
                               g_strdup_printf ("%7$s%4$s(3·%1$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT
                                                "·%3$" G_GUINT64_FORMAT
                                                " + %1$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT "²"
                                                " + 8·%1$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT
                                                "·%3$" G_GUINT64_FORMAT ")·%5$u·%6$u",
                                                batch, length, hidden, checkpointed ? "0.3·" : "", element,
                                                n_layers, times),
                               factor > 1 ? SOURCE_ANSWERS : checkpointed ? SOURCE_CHECKPOINTED : SOURCE_ACTIVATIONS);
  hr_rule_estimate_doubt (estimate, "D41");
  hr_rule_estimate_doubt (estimate, "D42");
  if (checkpointed)
    hr_rule_estimate_doubt (estimate, "D43");
  if (hr_algorithm_is_policy (plan->training.algorithm))
    hr_rule_estimate_doubt (estimate, "D46");

  return size;
}

static char *
format_number (guint64 number)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

/*
 * When the factor is that of the sequences which are in memory at once: TRL counts answers in a micro-batch
 * (per_device_train_batch_size), whatever prompts they belong to, and pairs where two answers are compared.
 */
static void
explain_factor (HrEstimate           *estimate,
                const HrTrainingPlan *plan)
{
  HrAlgorithm algorithm = plan->training.algorithm;
  guint64 batch = hr_training_job_get_micro_batch_size (plan->job);
  guint64 n_answers = HR_IS_GRPO_JOB (plan->job) ? hr_grpo_job_get_num_generations (HR_GRPO_JOB (plan->job)) : 1;
  g_autofree char *batch_text = format_number (batch);
  g_autofree char *factor_text = format_number (n_answers);
  g_autofree char *all_text = format_number (batch * n_answers);
  g_autofree char *prompts_text = format_number (batch / n_answers);
  g_autofree char *sequences_text = format_number (2 * batch);

  if (hr_algorithm_is_preference (algorithm))
    hr_rule_estimate_explain (
      estimate,
      /* Translators: how many pairs of answers, and how many sequences these are */
      N_("Two times holds: a micro-batch of pairs (here %s) is twice as many sequences (%s), which are all in "
         "memory at once. What the reference model reads is given up layer by layer."),
      batch_text, sequences_text);
  else if (hr_algorithm_is_policy (algorithm) && batch % n_answers == 0)
    hr_rule_estimate_explain (
      estimate,
      /* Translators: the numbers: k, answers, answers again, prompts */
      N_("k times (k = %s) counts the micro-batch in prompts: %s answers at once. TRL counts it in answers: the %s "
         "of a micro-batch are all answers to %s prompts, so that k times holds for that many prompts, and the exact "
         "figure has no more."),
      factor_text, all_text, batch_text, prompts_text);
  else if (hr_algorithm_is_policy (algorithm))
    hr_rule_estimate_explain (
      estimate,
      /* Translators: the numbers: k, answers, answers in a micro-batch, k again */
      N_("k times (k = %s) counts the micro-batch in prompts: %s answers at once. A micro-batch here has %s, which "
         "is no multiple of the %s to a prompt: the others come in micro-batches of their own, one after the other, "
         "so that k times does not hold, whatever k is."),
      factor_text, all_text, batch_text, factor_text);
}

/* What the formula divides a part by, as it writes that, and what that comes to. */
static const char *
find_divisor (const HrLayout *layout,
              HrComponentId   id,
              guint64        *divisor)
{
  switch ((guint) id)
    {
    case HR_COMPONENT_WEIGHTS:
      *divisor = layout->pipeline * layout->tensor;
      return "PP·TP";

    case HR_COMPONENT_OPTIMIZER:
    case HR_COMPONENT_MASTER_WEIGHTS:
      *divisor = layout->n_ranks;
      return "N";

    case HR_COMPONENT_ACTIVATIONS:
      *divisor = layout->tensor;
      return "TP";

    case HR_COMPONENT_GRADIENTS:
      *divisor = layout->pipeline;
      return "PP";

    default:
      return NULL;
    }
}

/* Adds what a part comes to on each GPU. */
static guint64
add_divided (HrEstimate     *estimate,
             const HrLayout *layout,
             HrComponent    *part)
{
  guint64 divisor = 1;
  const char *name = find_divisor (layout, hr_component_get_id (part), &divisor);

  return name != NULL ? hr_rule_estimate_add_share (estimate, part, name, divisor, "; " SOURCE_DIVIDED) : 0;
}

/* A share of all else, a tenth unless it is said, and the buffers that somebody adds. */
static guint64
add_overhead (HrEstimate           *estimate,
              const HrTrainingPlan *plan,
              guint64               bytes)
{
  double share = hr_training_job_get_rule_overhead (plan->job) / 100;
  guint64 buffers = hr_training_job_get_rule_buffers (plan->job) << 20;
  g_autofree char *formula = g_strdup_printf ("%g·Σ%s", share, buffers > 0 ? " + B_r" : "");
  g_autofree char *sum = buffers > 0 ? g_strdup_printf (" + %" G_GUINT64_FORMAT, buffers) : g_strdup ("");

  if (share == 0 && buffers == 0)
    return 0;

  return hr_rule_estimate_add (estimate, HR_COMPONENT_TEMPORARY, share * bytes + buffers, formula,
                               g_strdup_printf ("%g·%" G_GUINT64_FORMAT "%s", share, bytes, sum), SOURCE_OVERHEAD);
}

/*
 * The formula that people know of a job on several GPUs: Model/(PP·TP) + Optimizer/N + Activation/TP + Gradient/PP for
 * each of them, and a tenth more.
 */
static HrEstimate *
divide_estimate (const HrTrainingPlan *plan,
                 HrEstimate           *whole)
{
  HrEstimate *estimate = _hr_estimate_new (hr_estimate_get_mode (whole), HR_ESTIMATE_METHOD_RULE_OF_THUMB,
                                           plan->model);
  GListModel *parts = hr_estimate_get_components (whole);
  guint64 bytes = 0;

  _hr_estimate_add_device (estimate);
  _hr_estimate_set_n_trainable_parameters (estimate, hr_estimate_get_n_trainable_parameters (whole));
  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (HrComponent) part = g_list_model_get_item (parts, i);

      bytes += add_divided (estimate, &plan->layout, part);
    }
  bytes += add_overhead (estimate, plan, bytes);
  _hr_estimate_set_device_bytes (estimate, 0, bytes);
  _hr_estimate_add_phase (estimate, HR_PHASE_OPTIMIZER, bytes);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_OPTIMIZER, NULL, NULL);
  _hr_estimate_join_ranks (estimate, &estimate, 1, plan->layout.n_ranks);
  hr_rule_estimate_explain (
    estimate,
    N_("The formula for several GPUs divides all of the optimizer’s states and of the activations, whatever the "
       "layout is, and the gradients by stages alone, as if each rank gathered those of whole matrices; it knows "
       "neither replicated norms nor micro-batches in flight"));

  return estimate;
}

static guint64
count_largest (HrModel *model)
{
  g_autoptr (HrTrainables) all = hr_trainables_new_for_model (model, HR_ELEMENT_BFLOAT16);
  guint64 n_largest = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (all); i++)
    n_largest = MAX (n_largest, hr_trainables_get_item (all, i)->n_elements);

  return n_largest;
}

/* What DeepSpeed's own estimators say of a model. */
static HrEstimate *
estimate_zero (const HrTrainingPlan *plan)
{
  HrEstimate *estimate = _hr_estimate_new (hr_job_get_mode (HR_JOB (plan->job)), HR_ESTIMATE_METHOD_RULE_OF_THUMB,
                                           plan->model);
  guint64 stage = plan->layout.zero_stage;
  guint64 parameters = hr_model_get_n_parameters (plan->model);
  guint64 largest = count_largest (plan->model);
  double whole = hr_rule_of_thumb_zero_whole (stage, parameters, largest);
  double shared = hr_rule_of_thumb_zero_shared (stage, parameters, hr_layout_count_sharers (&plan->layout));
  guint64 bytes;

  _hr_estimate_add_device (estimate);
  _hr_estimate_set_n_trainable_parameters (estimate, parameters);
  bytes = hr_rule_estimate_add (estimate, HR_COMPONENT_WEIGHTS, whole,
                                stage == 3 ? "4·p_m" : stage == 2 ? "2·P" : "4·P",
                                g_strdup_printf ("%d·%" G_GUINT64_FORMAT, stage == 2 ? 2 : 4,
                                                 stage == 3 ? largest : parameters), SOURCE_ZERO);
  bytes += hr_rule_estimate_add (estimate, HR_COMPONENT_OPTIMIZER, shared, stage == 1 ? "12·P/N_d" : "18·P/N_d",
                                 g_strdup_printf ("%d·%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, stage == 1 ? 12 : 18,
                                                  parameters, hr_layout_count_sharers (&plan->layout)), SOURCE_ZERO);
  _hr_estimate_set_device_bytes (estimate, 0, bytes);
  _hr_estimate_add_phase (estimate, HR_PHASE_OPTIMIZER, bytes);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_OPTIMIZER, NULL, NULL);
  hr_rule_estimate_explain (
    estimate,
    N_("DeepSpeed’s estimator counts model states alone, all of them at once: it knows neither activations nor "
       "buckets, nor the piece that gradients are put into before they are cast to fp32, and does not say which "
       "of the states are there at the peak"));
  if (stage == 3)
    hr_rule_estimate_explain (
      estimate,
      N_("Of live parameters it has the largest matrix alone, with its gradient: DeepSpeed gathers more ahead, up to "
         "stage3_max_live_parameters, and holds what they were gathered in beside them"));

  return estimate;
}

/*
 * hr_training_rule_estimate_new:
 * @plan: a plan
 *
 * Estimates by the formulas that people know: weights, gradients, states of the optimizer and activations, and a tenth
 * more.
 *
 * Returns: (transfer full): an estimate
 */
HrEstimate *
hr_training_rule_estimate_new (const HrTrainingPlan *plan)
{
  HrEstimate *estimate = _hr_estimate_new (hr_job_get_mode (HR_JOB (plan->job)), HR_ESTIMATE_METHOD_RULE_OF_THUMB,
                                             plan->model);
  Trained trained = { 0 };
  double weights = 0;
  guint64 bytes;

  if (hr_training_zero_is_used (plan))
    {
      g_object_unref (estimate);
      return estimate_zero (plan);
    }

  if (hr_megatron_rule_estimate_is_used (plan))
    {
      g_object_unref (estimate);
      return hr_megatron_rule_estimate_new (plan);
    }

  trained_init (&trained, plan);
  _hr_estimate_add_device (estimate);
  _hr_estimate_set_n_trainable_parameters (estimate, hr_trainables_get_n_elements (plan->parameters));
  bytes = hr_rule_estimate_add_weights (estimate, &plan->pass, &weights);
  bytes += add_activations (estimate, plan);
  bytes += add_gradients (estimate, plan, &trained);
  bytes += add_optimizer (estimate, plan, &trained);
  if (hr_training_job_get_master_dtype (plan->job) == HR_MASTER_DTYPE_FLOAT32)
    bytes += add_of_trained (estimate, HR_COMPONENT_MASTER_WEIGHTS, &trained, sizeof (float), SOURCE_MASTER_WEIGHTS);
  bytes += add_overhead (estimate, plan, bytes);
  _hr_estimate_set_device_bytes (estimate, 0, bytes);
  _hr_estimate_add_phase (estimate, HR_PHASE_OPTIMIZER, bytes);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_OPTIMIZER, NULL, NULL);
  explain_factor (estimate, plan);
  g_free (trained.substitution);
  if (hr_layout_divides_model (&plan->layout))
    {
      g_autoptr (HrEstimate) whole = estimate;

      return divide_estimate (plan, whole);
    }

  return estimate;
}
