/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-compute-text.h"

#include <glib/gi18n-lib.h>

#include "hr-flop-rules.h"
#include "hr-units.h"

/* What a job computes, in words. */

#define MATRICES "2·B·S·Σ(out·in)"
#define KAPLAN "Kaplan et al. 2020, Scaling Laws for Neural Language Models, https://arxiv.org/abs/2001.08361; "
#define COUNTER "torch/utils/flop_counter.py: "

static const struct
{
  const char *label;
  const char *formula;
  const char *source;
} part_texts[] = {
  [HR_FLOP_PART_EMBEDDING] = {
    N_("Embedding"), "0", COUNTER "embedding",
  },
  [HR_FLOP_PART_PROJECTIONS] = {
    N_("Attention projections"), MATRICES, KAPLAN COUNTER "mm_flop",
  },
  [HR_FLOP_PART_SCORES] = {
    N_("Attention scores and values"), "2·B·H·S·C·d + 2·B·H·S·C·d",
    "Narayanan et al. 2021, https://arxiv.org/abs/2104.04473, appendix; " COUNTER "sdpa_flop_count",
  },
  [HR_FLOP_PART_MLP] = {
    N_("Feed-forward"), MATRICES, KAPLAN COUNTER "mm_flop",
  },
  [HR_FLOP_PART_ROUTER] = {
    N_("Router"), "2·B·S·E·h", COUNTER "mm_flop",
  },
  [HR_FLOP_PART_EXPERTS] = {
    N_("Routed experts"), "2·B·S·t·Σ(out·in)",
    "Fedus et al. 2021, Switch Transformers, https://arxiv.org/abs/2101.03961",
  },
  [HR_FLOP_PART_MIXER] = {
    N_("Mixer projections"), MATRICES, COUNTER "mm_flop",
  },
  [HR_FLOP_PART_STATE] = {
    N_("State and convolution"), "2·B·S·Σ(state)",
    "Gu, Dao 2023, https://arxiv.org/abs/2312.00752; Dao, Gu 2024, https://arxiv.org/abs/2405.21060",
  },
  [HR_FLOP_PART_HEAD] = {
    N_("Output head"), "2·B·S·h·V", KAPLAN COUNTER "mm_flop",
  },
  [HR_FLOP_PART_ADAPTERS] = {
    N_("Adapters"), "2·B·S·Σ r·(out + in)", "Hu et al. 2021, LoRA, https://arxiv.org/abs/2106.09685",
  },
  [HR_FLOP_PART_VISION] = {
    N_("Vision"), MATRICES, COUNTER "mm_flop, conv_flop_count, sdpa_flop_count",
  },
  [HR_FLOP_PART_AUDIO] = {
    N_("Audio"), MATRICES, COUNTER "mm_flop, conv_flop_count, sdpa_flop_count",
  },
  [HR_FLOP_PART_OTHER] = {
    N_("Other"), MATRICES, COUNTER "mm_flop, conv_flop_count",
  },
};

G_STATIC_ASSERT (G_N_ELEMENTS (part_texts) == HR_N_FLOP_PARTS);

static const char * const phase_labels[] = {
  [HR_COMPUTE_PHASE_PREFILL] = N_("Prefill"),
  [HR_COMPUTE_PHASE_DECODE] = N_("Decode, one token of each sequence"),
  [HR_COMPUTE_PHASE_TRAINING_STEP] = N_("Training step"),
  [HR_COMPUTE_PHASE_GENERATION] = N_("Writing the answers"),
  [HR_COMPUTE_PHASE_OLD_POLICY] = N_("Reading by the policy"),
  [HR_COMPUTE_PHASE_REFERENCE] = N_("Reading by the reference model"),
  [HR_COMPUTE_PHASE_VALUE] = N_("Reading by the value model"),
  [HR_COMPUTE_PHASE_REWARD] = N_("Scoring by the reward model"),
  [HR_COMPUTE_PHASE_VALUE_UPDATE] = N_("Training of the value model"),
};

static const char * const bound_labels[] = {
  [HR_BOUND_COMPUTE] = N_("Compute"),
  [HR_BOUND_MEMORY] = N_("Memory bandwidth"),
  [HR_BOUND_INTERCONNECT] = N_("Interconnect"),
  [HR_BOUND_LAUNCH] = N_("Processor, which starts the kernels"),
};

/* Known limits of the figures. */
static const char * const limits[] = {
  N_("Operations are those of matrices, convolutions, attention and states; what is done to each number by itself "
     "(norms, activations, softmax, rotations) is not counted, as in the figures of others."),
  N_("Times follow the roofline model: the operations at the peak or the bytes at the bandwidth of the data sheet, "
     "whichever takes longer. No program is faster. The typical time takes the efficiency that measurements have; a "
     "particular program, driver or GPU may be faster or slower than the range."),
  N_("Where transformers or a plain loop runs each operator as a kernel of its own, what these kernels read and "
     "write between the products is counted operator by operator and comes on top. Neither is then faster than the"
     " processor, which takes about 21 µs to start a kernel, and 36 µs in training; of a small model that decides "
     "how long a token or a step takes, and it differs between machines by more than a factor of two."),
  NULL
};

/**
 * hr_flop_part_get_label: (skip)
 * @part: a part
 *
 * Returns: what it is called in the user's language
 */
const char *
hr_flop_part_get_label (HrFlopPart part)
{
  g_return_val_if_fail (part < HR_N_FLOP_PARTS, NULL);

  return _(part_texts[part].label);
}

/**
 * hr_flop_part_get_formula: (skip)
 * @part: a part
 *
 * Returns: the formula of what a layer of it computes in the forward pass
 */
const char *
hr_flop_part_get_formula (HrFlopPart part)
{
  g_return_val_if_fail (part < HR_N_FLOP_PARTS, NULL);

  return part_texts[part].formula;
}

/**
 * hr_flop_part_get_source: (skip)
 * @part: a part
 *
 * Returns: where that stands
 */
const char *
hr_flop_part_get_source (HrFlopPart part)
{
  g_return_val_if_fail (part < HR_N_FLOP_PARTS, NULL);

  return part_texts[part].source;
}

/**
 * hr_flop_part_dup_substitution: (skip)
 * @phase: a phase
 * @part: a part
 *
 * Writes down what the forward pass of a part computes: twice the rows, times the multiplications for each, times how
 * often that is in the model.
 *
 * Returns: (transfer full): the formula with the numbers in it, to be read with hr_formula_to_text()
 */
char *
hr_flop_part_dup_substitution (const HrComputePhase *phase,
                               HrFlopPart            part)
{
  const GArray *terms = phase->count->terms[part];
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < terms->len; i++)
    {
      const HrFlopTerm *term = &g_array_index (terms, HrFlopTerm, i);

      g_string_append_printf (text, "%s2·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, i > 0 ? " + " : "", term->rows,
                              term->size);
      if (term->times != 1)
        g_string_append_printf (text, "·%" G_GUINT64_FORMAT, term->times);
    }
  if (text->len == 0)
    g_string_append (text, "0");

  return g_string_free (text, FALSE);
}

/**
 * hr_compute_phase_id_get_label: (skip)
 * @id: a phase
 *
 * Returns: what it is called in the user's language
 */
const char *
hr_compute_phase_id_get_label (HrComputePhaseId id)
{
  g_return_val_if_fail (id < HR_N_COMPUTE_PHASES, NULL);

  return _(phase_labels[id]);
}

/**
 * hr_compute_phase_dup_title: (skip)
 * @phase: a phase
 *
 * Returns: (transfer full): what the phase is, and over how many tokens
 */
char *
hr_compute_phase_dup_title (const HrComputePhase *phase)
{
  g_autofree char *tokens = hr_format_integer (phase->tokens);
  g_autofree char *context = hr_format_integer (phase->context);

  if (phase->id == HR_COMPUTE_PHASE_DECODE)
    /* Translators: a phase, and a number of tokens */
    return g_strdup_printf (_("%s, with a context of %s"), hr_compute_phase_id_get_label (phase->id), context);

  /* Translators: a phase, and a number of tokens */
  return g_strdup_printf (_("%s: %s tokens"), hr_compute_phase_id_get_label (phase->id), tokens);
}

/**
 * hr_bound_get_label: (skip)
 * @bound: what limits
 *
 * Returns: what it is called in the user's language
 */
const char *
hr_bound_get_label (HrBound bound)
{
  g_return_val_if_fail (bound < G_N_ELEMENTS (bound_labels), NULL);

  return _(bound_labels[bound]);
}

/**
 * hr_compute_phase_dup_time: (skip)
 * @phase: a phase whose time is known
 *
 * Returns: (transfer full): how long it takes
 */
char *
hr_compute_phase_dup_time (const HrComputePhase *phase)
{
  g_autofree char *typical = hr_format_seconds (phase->time.typical);
  g_autofree char *fast = hr_format_seconds (phase->time.fast);
  g_autofree char *slow = hr_format_seconds (phase->time.slow);
  g_autofree char *least = hr_format_seconds (phase->time.least);

  /* Translators: four times */
  return g_strdup_printf (_("%1$s, in most cases %2$s to %3$s; at least %4$s"), typical, fast, slow, least);
}

/**
 * hr_compute_phase_dup_speed: (skip)
 * @compute: what a job computes
 * @phase: a phase of it whose time is known
 *
 * Returns: (transfer full): how many tokens that are in a second
 */
char *
hr_compute_phase_dup_speed (const HrCompute      *compute,
                            const HrComputePhase *phase)
{
  double rate = phase->tokens / phase->time.typical;
  double each = rate / MAX (hr_compute_get_n_sequences (compute), 1);
  g_autofree char *all_text = hr_format_integer (rate + 0.5);
  g_autofree char *each_text = g_strdup_printf ("%.1f", each);

  if (phase->id == HR_COMPUTE_PHASE_DECODE && hr_compute_get_n_sequences (compute) > 1)
    /* Translators: numbers */
    return g_strdup_printf (_("%1$s tokens per second together, %2$s for each sequence"), all_text, each_text);

  /* Translators: a number */
  return g_strdup_printf (_("%s tokens per second"), rate < 100 ? each_text : all_text);
}

/**
 * hr_compute_phase_dup_bound: (skip)
 * @phase: a phase whose time is known
 *
 * Returns: (transfer full): what limits it, and how near it is to what else could
 */
char *
hr_compute_phase_dup_bound (const HrComputePhase *phase)
{
  g_autofree char *compute = hr_format_seconds (phase->time.compute);
  g_autofree char *memory = hr_format_seconds (phase->time.memory);

  /* Translators: what limits, such as “Compute”, and two times */
  return g_strdup_printf (_("%1$s: the operations take %2$s at the peak, the bytes %3$s"),
                          hr_bound_get_label (phase->time.bound), compute, memory);
}

static void
rule_free (gpointer data)
{
  HrComputeRule *rule = data;

  g_free (rule->substitution);
  g_free (rule);
}

static void
add_rule (GPtrArray  *rules,
          const char *label,
          const char *formula,
          char       *substitution,
          double      flops,
          const char *note)
{
  HrComputeRule *rule = g_new0 (HrComputeRule, 1);

  rule->label = label;
  rule->formula = formula;
  rule->substitution = substitution;
  rule->flops = flops;
  rule->note = note;
  g_ptr_array_add (rules, rule);
}

static void
add_parameter_rule (GPtrArray            *rules,
                    const HrComputePhase *phase,
                    HrModel              *model)
{
  guint64 n = hr_model_get_n_active_parameters (model);
  g_autofree char *n_text = hr_format_integer (n);
  g_autofree char *tokens_text = hr_format_integer (phase->tokens);
  gboolean recomputes = phase->total.recomputed > phase->count->parts[HR_FLOP_PART_SCORES].recomputed;

  if (!hr_compute_phase_id_trains (phase->id))
    add_rule (rules, _("Two operations a parameter"), "2·N·D", g_strdup_printf ("2 × %s × %s", n_text, tokens_text),
              hr_flop_rule_forward (n, phase->tokens),
              _("It counts the look-up of the embedding and a head for every token, and leaves out the attention’s "
                "scores, which grow with the square of the context."));
  else if (recomputes)
    add_rule (rules, _("Eight operations a parameter"), "8·N·D", g_strdup_printf ("8 × %s × %s", n_text, tokens_text),
              hr_flop_rule_checkpointed (n, phase->tokens),
              _("It counts the look-up of the embedding and leaves out the attention’s scores; the head is not "
                "computed anew, and frozen matrices have no gradients."));
  else
    add_rule (rules, _("Six operations a parameter"), "6·N·D", g_strdup_printf ("6 × %s × %s", n_text, tokens_text),
              hr_flop_rule_training (n, phase->tokens),
              _("It counts the look-up of the embedding and leaves out the attention’s scores, which grow with the "
                "square of the sequence; frozen matrices have no gradients."));
}

static char *
dup_operands (double  batch,
              double  sequence,
              guint64 hidden,
              guint64 intermediate,
              guint64 layers,
              guint64 vocabulary)
{
  g_autofree char *rows = g_strdup_printf ("%.0f·%.0f", batch, sequence);
  g_autofree char *matrices = g_strdup_printf ("2·(%s·%" G_GUINT64_FORMAT ")·(%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT
                                               ") + 2·(%s·%" G_GUINT64_FORMAT ")·(%" G_GUINT64_FORMAT "·%"
                                               G_GUINT64_FORMAT ")", rows, hidden, hidden, intermediate, rows,
                                               intermediate, intermediate, hidden);

  return g_strdup_printf ("2·%s·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT "·(8·%s·%"
                          G_GUINT64_FORMAT "² + 4·%.0f·%.0f²·%" G_GUINT64_FORMAT " + %s)", rows, hidden, vocabulary,
                          layers, rows, hidden, batch, sequence, hidden, matrices);
}

/* The formula of a document that is passed around, where the model has what it is about. */
static void
add_operand_rule (GPtrArray            *rules,
                  const HrComputePhase *phase,
                  const HrCompute      *compute,
                  HrModel              *model)
{
  guint64 hidden, intermediate, layers, vocabulary;
  double batch = MAX (hr_compute_get_n_sequences (compute), 1);
  double sequence = phase->tokens / batch;

  if (hr_model_has_experts (model) ||
      !hr_model_get_hyper_parameter (model, "hidden_size", &hidden) ||
      !hr_model_get_hyper_parameter (model, "intermediate_size", &intermediate) ||
      !hr_model_get_hyper_parameter (model, "num_hidden_layers", &layers) ||
      !hr_model_get_hyper_parameter (model, "vocab_size", &vocabulary))
    return;

  add_rule (rules, _("Sizes of operands multiplied"), "2bshV + L·(8bsh² + 4bs²h + 2(bsh)(h·i) + 2(bsi)(i·h))",
            dup_operands (batch, sequence, hidden, intermediate, layers, vocabulary),
            hr_flop_rule_total (batch, sequence, hidden, intermediate, layers, vocabulary),
            _("It is passed around, and wrong: a product of an m × k and a k × n matrix takes 2·m·k·n operations, not "
              "the product of the sizes of both; and it has as many heads of keys and values as of queries."));
}

/**
 * hr_compute_phase_list_rules: (skip)
 * @compute: what a job computes
 * @phase: a phase of it
 * @model: the model
 *
 * Lists the formulas that people know for it.
 *
 * Returns: (transfer full) (element-type HrComputeRule): these
 */
GPtrArray *
hr_compute_phase_list_rules (const HrCompute      *compute,
                             const HrComputePhase *phase,
                             HrModel              *model)
{
  GPtrArray *rules = g_ptr_array_new_with_free_func (rule_free);

  if (phase->id <= HR_COMPUTE_PHASE_TRAINING_STEP || phase->id == HR_COMPUTE_PHASE_REFERENCE ||
      phase->id == HR_COMPUTE_PHASE_OLD_POLICY)
    add_parameter_rule (rules, phase, model);
  if (phase->id == HR_COMPUTE_PHASE_PREFILL || phase->id == HR_COMPUTE_PHASE_DECODE)
    add_operand_rule (rules, phase, compute, model);

  return rules;
}

/**
 * hr_compute_rule_dup_text: (skip)
 * @rule: a formula that people know
 * @phase: the phase that it is about
 *
 * Returns: (transfer full): the formula, what it comes to, how near that is to what is counted, and why
 */
char *
hr_compute_rule_dup_text (const HrComputeRule  *rule,
                          const HrComputePhase *phase)
{
  double exact = hr_flops_get_training (&phase->total);
  g_autofree char *flops = hr_format_operations (rule->flops);

  /* Translators: a formula, the same with numbers, what it comes to, how much that is of the exact figure, a sentence
     about it */
  return g_strdup_printf (_("%1$s = %2$s: %3$s, %4$.4g times the exact figure. %5$s"), rule->formula,
                          rule->substitution, flops, rule->flops / exact, rule->note);
}

static void
fact_free (gpointer data)
{
  HrComputeFact *fact = data;

  g_free (fact->value);
  g_free (fact);
}

static void
add_fact (GPtrArray  *facts,
          const char *name,
          char       *value)
{
  HrComputeFact *fact = g_new0 (HrComputeFact, 1);

  fact->name = name;
  fact->value = value;
  g_ptr_array_add (facts, fact);
}

static void
add_traffic (GPtrArray            *facts,
             const HrComputePhase *phase,
             HrUnitSystem          units)
{
  g_autofree char *total = hr_format_bytes (phase->traffic.total, units);
  g_autofree char *weights = hr_format_bytes (phase->traffic.weights, units);
  g_autofree char *cache = hr_format_bytes (phase->traffic.cache, units);
  g_autofree char *activations = hr_format_bytes (phase->traffic.activations, units);
  g_autofree char *optimizer = hr_format_bytes (phase->traffic.optimizer, units);
  g_autofree char *kernels = hr_format_bytes (phase->traffic.kernels, units);
  g_autofree char *n_kernels = hr_format_integer (phase->n_kernels);
  g_autofree char *intensity = g_strdup_printf ("%.1f", hr_compute_phase_get_intensity (phase));
  char *text;

  if (hr_compute_phase_id_trains (phase->id))
    /* Translators: sizes */
    text = g_strdup_printf (_("%1$s: weights %2$s, activations %3$s, gradients and optimizer %4$s"), total, weights,
                            activations, optimizer);
  else
    /* Translators: sizes */
    text = g_strdup_printf (_("%1$s: weights %2$s, cache %3$s, activations %4$s"), total, weights, cache, activations);
  add_fact (facts, _("Moved to and from memory"), text);
  if (phase->n_kernels > 0)
    /* Translators: a size, and a number */
    add_fact (facts, _("Of that between the products"),
              g_strdup_printf (_("%1$s, by kernels that multiply no matrices; %2$s kernels in all"), kernels,
                               n_kernels));
  /* Translators: a number */
  add_fact (facts, _("Arithmetic intensity"), g_strdup_printf (_("%s operations a byte"), intensity));
}

/**
 * hr_compute_phase_list_facts: (skip)
 * @phase: a phase
 * @compute: what it is of
 * @unit_system: the units of the user
 *
 * Lists what there is to be said of a phase: what it computes and moves, and where that is known how long it takes.
 *
 * Returns: (transfer full) (element-type HrComputeFact): facts
 */
GPtrArray *
hr_compute_phase_list_facts (const HrComputePhase *phase,
                             const HrCompute      *compute,
                             HrUnitSystem          unit_system)
{
  GPtrArray *facts = g_ptr_array_new_with_free_func (fact_free);

  if (phase->has_time)
    {
      add_fact (facts, _("Time"), hr_compute_phase_dup_time (phase));
      if (phase->n_kernels > 0)
        add_fact (facts, _("With fused kernels and CUDA graphs"), hr_format_seconds (phase->fused.typical));
      add_fact (facts, _("Speed"), hr_compute_phase_dup_speed (compute, phase));
      add_fact (facts, _("Limited by"), hr_compute_phase_dup_bound (phase));
      if (hr_compute_phase_id_trains (phase->id))
        add_fact (facts, _("Model FLOPs utilization (MFU)"), hr_format_percentage (phase->time.mfu * 1e6, 1000000));
    }
  if (phase->per_step != 1)
    /* Translators: a number, such as 0.5: how often answers are written for a step of the optimizer */
    add_fact (facts, _("How often"), g_strdup_printf (_("%.3g times for each step of the optimizer"),
                                                      phase->per_step));
  add_fact (facts, _("Operations"), hr_format_operations (hr_flops_get_training (&phase->total)));
  add_traffic (facts, phase, unit_system);

  return facts;
}

/**
 * hr_compute_dup_step: (skip)
 * @compute: what a job computes
 *
 * Says how long a step of training on answers takes, and which share of that its phases have.
 *
 * Returns: (transfer full) (nullable): a sentence, or %NULL if it is no such step or its time is not known
 */
char *
hr_compute_dup_step (const HrCompute *compute)
{
  g_autoptr (GString) shares = g_string_new (NULL);
  g_autofree char *whole = NULL;
  double seconds;

  if (!hr_compute_get_step_time (compute, &seconds))
    return NULL;

  for (guint i = 0; i < hr_compute_get_n_phases (compute); i++)
    {
      const HrComputePhase *phase = hr_compute_get_phase (compute, i);
      g_autofree char *share = hr_format_percentage (1e6 * phase->time.typical * phase->per_step / seconds, 1000000);

      /* Translators: between phases of a step, each with its share, as in “Training step 20 %, …” */
      g_string_append (shares, i > 0 ? C_("between names in a list", ", ") : "");
      /* Translators: a phase of a step, and its share of the time in percent */
      g_string_append_printf (shares, _("%1$s %2$s"), hr_compute_phase_id_get_label (phase->id), share);
    }
  whole = hr_format_seconds (seconds);

  /* Translators: a time, and phases with their shares of it */
  return g_strdup_printf (_("%1$s: %2$s"), whole, shares->str);
}

/**
 * hr_compute_phase_has_part: (skip)
 * @phase: a phase
 * @part: a part
 *
 * Returns: whether there is something to be said of the part, if only that it computes nothing
 */
gboolean
hr_compute_phase_has_part (const HrComputePhase *phase,
                           HrFlopPart            part)
{
  return phase->count->parts[part].forward > 0 || part == HR_FLOP_PART_EMBEDDING;
}

/**
 * hr_compute_get_limits: (skip)
 *
 * Gets what the figures leave out.
 *
 * Returns: (transfer none) (array zero-terminated=1): sentences as message ids
 */
const char * const *
hr_compute_get_limits (void)
{
  return limits;
}
