/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-plan-report.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-job.h"
#include "hr-job-enums.h"
#include "hr-job-private.h"
#include "hr-labels.h"
#include "hr-report-private.h"
#include "hr-sharing.h"

/* Settings of a layout, in the order in which they are told; the abbreviations are those of the field. */
static const struct
{
  const char *setting;
  const char *abbreviation;
  char *(*dup) (const HrLayoutStep *step);
} degrees[] = {
  { "tensor-parallel", "TP" },
  { "pipeline-parallel", "PP", hr_plan_dup_stages },
  { "virtual-pipeline-parallel", "VP" },
  { "context-parallel", "CP", hr_plan_dup_sharers },
  { "expert-parallel", "EP" },
  { "data-parallel", "DP" },
  { "zero-stage", "ZeRO" },
};

static void
get_degrees (const HrLayout *layout,
             guint64        *values)
{
  const guint64 all[] = { layout->tensor, layout->pipeline, layout->parts, layout->context, layout->expert,
                          layout->data, layout->zero_stage };

  memcpy (values, all, sizeof all);
}

/**
 * hr_plan_get_checkpointing_label: (skip)
 * @choice: a layout
 *
 * Returns: a word for what is computed anew, in the user’s language, as short as a column
 */
const char *
hr_plan_get_checkpointing_label (const HrPlanChoice *choice)
{
  switch (choice->step.checkpointing)
    {
    case HR_GRADIENT_CHECKPOINTING_FULL:
      /* Translators: of gradient checkpointing: all of each layer is computed anew */
      return C_("gradient checkpointing", "Full");

    case HR_GRADIENT_CHECKPOINTING_SELECTIVE:
      if (choice->change != NULL)
        /* Translators: of gradient checkpointing: some operators, or layers, are computed anew */
        return C_("gradient checkpointing", "Selective");

      /* Translators: of gradient checkpointing: the attention alone is computed anew */
      return C_("gradient checkpointing", "Attention");

    case HR_GRADIENT_CHECKPOINTING_NONE:
    default:
      return C_("gradient checkpointing", "None");
    }
}

/**
 * hr_plan_check_get_label: (skip)
 * @check: what is known of a layout
 *
 * Returns: how its memory is known, in the user’s language
 */
const char *
hr_plan_check_get_label (HrPlanCheck check)
{
  /* Translators: how the memory of a layout is known: the estimator has replayed it */
  return check == HR_PLAN_CHECK_EXACT ? C_("how memory is known", "Exact")
                                      /* Translators: how the memory of a layout is known: it was added up */
                                      : C_("how memory is known", "Formulas");
}

/**
 * hr_plan_get_remark: (skip)
 * @job: a job
 *
 * Returns: what a reader has to know of memory and times of layouts, in the user’s language
 */
const char *
hr_plan_get_remark (HrJob *job)
{
  if (HR_IS_INFERENCE_JOB (job))
    return _("All ways in which the engine divides the model among these GPUs, each estimated as it starts; DP are "
             "copies that answer requests of their own. Where EP has an “a”, copies are of the attention alone. Times "
             "are those of requests that come together, by a roofline of what each GPU computes and reads, with what "
             "is exchanged and the latencies that NCCL reckons with: they are meant to tell layouts apart, and leave "
             "the server’s own work out. Room for requests and cached tokens are those of all copies together.");

  if (!hr_planner_uses_formulas (job))
    return _("All ways in which the framework shares the job among these GPUs, each estimated, with every size of "
             "micro-batches that makes a step of as many sequences. Times are a roofline of what a GPU computes and of "
             "what is exchanged, with the latencies that NCCL reckons with: they are meant to tell layouts apart, and "
             "leave out what is offloaded, shared switches and slow machines. HSDP 2 × 4 are four groups that share by "
             "FSDP 2, SGO what is gathered once for each micro-batch (SHARD_GRAD_OP).");

  return _("Layouts are those of Megatron-LM. The memory of those marked as exact is replayed step by step, that of "
           "the others added up by formulas of its layers. Times are a roofline of products and of what is exchanged, "
           "with the latencies that NCCL reckons with: they are meant to tell layouts apart, and leave other kernels, "
           "shared switches and slow machines out. Where PP has a “+”, the embedding and the loss count as a layer "
           "each; where CP has a “u”, ranks exchange the tokens of a sequence for heads (Ulysses).");
}

/**
 * hr_plan_dup_layout: (skip)
 * @step: a layout
 *
 * Writes down how a job is divided, without what is 1.
 *
 * Returns: (transfer full): text such as “TP 8 · PP 4 · DP 2 · ZeRO 1”
 */
char *
hr_plan_dup_layout (const HrLayoutStep *step)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint64 values[G_N_ELEMENTS (degrees)];

  g_return_val_if_fail (step != NULL, NULL);

  get_degrees (&step->layout, values);
  for (guint i = 0; i < G_N_ELEMENTS (degrees); i++)
    {
      gboolean is_stage = g_str_equal (degrees[i].abbreviation, "ZeRO");

      if (values[i] > (is_stage ? 0 : 1))
        g_string_append_printf (text, "%s%s %" G_GUINT64_FORMAT, text->len > 0 ? " · " : "", degrees[i].abbreviation,
                                values[i]);
    }
  if (text->len == 0)
    /* Translators: a layout in which nothing is divided */
    g_string_append (text, _("one GPU"));

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/**
 * hr_plan_dup_least_layout: (skip)
 * @least: the fewest GPUs of a kind
 *
 * Writes down how they share the job.
 *
 * Returns: (transfer full): text such as “TP 8 · PP 4”
 */
char *
hr_plan_dup_least_layout (const HrLeastGpus *least)
{
  const HrLayout *layout;

  g_return_val_if_fail (least != NULL, NULL);

  if (least->change != NULL)
    return hr_sharing_dup_text (least->change);

  /* What the job says itself has degrees; some programs divide a model without. */
  layout = &least->step.layout;
  if (least->is_exact && least->n_gpus > 1 &&
      layout->tensor * layout->pipeline * layout->data == 1 && layout->zero_stage == 0)
    /* Translators: of several GPUs, among which a program divides a model without being told how */
    return g_strdup (_("by itself"));

  return hr_plan_dup_layout (&least->step);
}

/**
 * hr_plan_get_least_remark: (skip)
 * @job: a job
 *
 * Returns: a paragraph on how the fewest GPUs of such a job are found
 */
const char *
hr_plan_get_least_remark (HrJob *job)
{
  return hr_planner_uses_formulas (job)
         ? _("With all computed anew that may be, one sequence at a time, and however long a step takes; known by "
             "formulas.")
         : _("Each number up to a machine of eight, and whole machines beyond it, was estimated with the settings of "
             "the job, in each way in which its program shares a model: TP within layers, PP by stages, FSDP or ZeRO "
             "by parameters.");
}

/**
 * hr_plan_dup_sharers: (skip)
 * @step: a layout
 *
 * Writes down how many ranks share a sequence, with a “u” where these exchange its tokens for heads (Ulysses).
 *
 * Returns: (transfer full): text such as “8u”
 */
char *
hr_plan_dup_sharers (const HrLayoutStep *step)
{
  g_autofree char *number = NULL;

  g_return_val_if_fail (step != NULL, NULL);

  number = hr_format_integer (step->layout.context);

  return g_strconcat (number, step->layout.exchange > 1 ? "u" : "", NULL);
}

/**
 * hr_plan_dup_stages: (skip)
 * @step: a layout
 *
 * Writes down how many stages there are, with a “+” where the embedding and the loss count as layers of theirs.
 *
 * Returns: (transfer full): text such as “16+”
 */
char *
hr_plan_dup_stages (const HrLayoutStep *step)
{
  g_autofree char *number = NULL;

  g_return_val_if_fail (step != NULL, NULL);

  number = hr_format_integer (step->layout.pipeline);

  return g_strconcat (number, step->layout.counts_loss ? "+" : "", NULL);
}

/**
 * hr_plan_get_shares_label: (skip)
 *
 * Returns: what hr_plan_dup_shares() is called, as short as a column, in the user’s language
 */
const char *
hr_plan_get_shares_label (void)
{
  /* Translators: a column: how GPUs share parameters and states, such as “FSDP 2” or “ZeRO 3” */
  return _("Shared by");
}

/**
 * hr_plan_dup_shares: (skip)
 * @choice: a layout of a job of training that is estimated
 *
 * Writes down how ranks that read different data share parameters and states.
 *
 * Returns: (transfer full): text such as “FSDP 2”
 */
char *
hr_plan_dup_shares (const HrPlanChoice *choice)
{
  g_return_val_if_fail (choice != NULL, NULL);

  if (choice->step.layout.data * choice->step.layout.context == 1 || choice->change == NULL)
    return g_strdup (C_("no figure", "—"));
  /* What a framework shares by itself is in no change. */
  if (choice->step.layout.is_flat)
    return g_strdup ("FSDP 1");
  if (choice->step.layout.zero_stage > 0)
    return g_strdup_printf ("ZeRO %" G_GUINT64_FORMAT, choice->step.layout.zero_stage);

  return hr_sharing_dup_shares (choice->change);
}

/**
 * hr_plan_dup_expert_sharers: (skip)
 * @choice: a layout
 *
 * Writes down how many ranks share experts one by one, with an “a” where copies are of the attention alone (SGLang’s
 * --enable-dp-attention).
 *
 * Returns: (transfer full): text such as “8a”
 */
char *
hr_plan_dup_expert_sharers (const HrPlanChoice *choice)
{
  g_autofree char *number = NULL;
  gboolean is_attention;

  g_return_val_if_fail (choice != NULL, NULL);

  number = hr_format_integer (choice->step.layout.expert);
  is_attention = choice->change != NULL && strstr (choice->change, "dp-attention=true") != NULL;

  return g_strconcat (number, is_attention ? "a" : "", NULL);
}

/**
 * hr_plan_figure_get_label: (skip)
 * @figure: what a layout gives to those who ask
 *
 * Returns: what it is called, as short as a column, in the user’s language
 */
const char *
hr_plan_figure_get_label (HrPlanFigure figure)
{
  switch ((guint) figure)
    {
    case HR_PLAN_FIGURE_TOKEN:
      /* Translators: a column: the time from one token of an answer to the next */
      return _("Each token");

    case HR_PLAN_FIGURE_PROMPT:
      /* Translators: a column: the time until the first token of an answer */
      return _("First token");

    case HR_PLAN_FIGURE_RUNNING:
      /* Translators: a column: how many requests are answered at the same time */
      return _("Requests");

    case HR_PLAN_FIGURE_AT_ONCE:
      /* Translators: a column: for how many requests at once the KV cache has room */
      return _("Room for");

    case HR_PLAN_FIGURE_CACHE:
      /* Translators: a column: how many tokens the KV cache has room for */
      return _("Cached tokens");

    case HR_PLAN_FIGURE_RATE:
    default:
      /* Translators: a column: tokens a second that all answers together have */
      return _("Tokens/s");
    }
}

/**
 * hr_plan_get_figure: (skip)
 * @choice: a layout of a job that answers requests
 * @figure: what it gives to those who ask
 *
 * Returns: the figure, in seconds where it is a time; negative where it is not known
 */
double
hr_plan_get_figure (const HrPlanChoice *choice,
                    HrPlanFigure        figure)
{
  const HrServingFigures *serving;

  g_return_val_if_fail (choice != NULL, -1);

  serving = &choice->serving;
  switch ((guint) figure)
    {
    case HR_PLAN_FIGURE_TOKEN:
      return choice->has_time ? serving->token : -1;

    case HR_PLAN_FIGURE_PROMPT:
      return choice->has_time ? serving->prompt : -1;

    case HR_PLAN_FIGURE_RUNNING:
      return choice->has_time ? (double) serving->running : -1;

    case HR_PLAN_FIGURE_AT_ONCE:
      return serving->has_room ? (double) serving->at_once : -1;

    case HR_PLAN_FIGURE_CACHE:
      return serving->has_room ? (double) serving->cache_tokens : -1;

    case HR_PLAN_FIGURE_RATE:
    default:
      return choice->has_time ? serving->rate : -1;
    }
}

/**
 * hr_plan_dup_figure: (skip)
 * @choice: a layout of a job that answers requests
 * @figure: what it gives to those who ask
 *
 * Writes a figure down.
 *
 * Returns: (transfer full): text such as “1.20 ms”
 */
char *
hr_plan_dup_figure (const HrPlanChoice *choice,
                    HrPlanFigure        figure)
{
  double value = hr_plan_get_figure (choice, figure);

  if (value < 0)
    return g_strdup (C_("no figure", "—"));

  return figure == HR_PLAN_FIGURE_TOKEN || figure == HR_PLAN_FIGURE_PROMPT ? hr_format_seconds (value)
                                                                           : hr_format_integer (value + 0.5);
}

/**
 * hr_plan_dup_refusal: (skip)
 * @planner: a search
 *
 * Says which ways to divide a job are no layouts.
 *
 * Returns: (transfer full) (nullable): a sentence in the user’s language; %NULL where all are
 */
char *
hr_plan_dup_refusal (const HrPlanner *planner)
{
  g_autofree char *number = NULL;

  g_return_val_if_fail (planner != NULL, NULL);

  if (hr_planner_get_refusal (planner) == NULL)
    return NULL;

  number = hr_format_integer (hr_planner_get_n_refused (planner));

  /* Translators: 1 is a number of ways to divide a job, 2 a sentence that says what is expected and what was found */
  return g_strdup_printf (_("%1$s further combinations are not valid, or not known. The first: %2$s."), number,
                          hr_planner_get_refusal (planner));
}

/**
 * hr_plan_dup_verdict: (skip)
 * @planner: a search that is done
 *
 * Says whether there is a layout that fits.
 *
 * Returns: (transfer full): a sentence in the user’s language
 */
char *
hr_plan_dup_verdict (const HrPlanner *planner)
{
  const HrCluster *cluster;
  g_autofree char *layouts = NULL;
  g_autofree char *fitting = NULL;
  g_autofree char *n_gpus = NULL;
  g_autofree char *least = NULL;

  g_return_val_if_fail (planner != NULL, NULL);

  cluster = hr_planner_get_cluster (planner);
  layouts = hr_format_integer (hr_planner_get_n_layouts (planner));
  fitting = hr_format_integer (hr_planner_get_n_fitting (planner));
  n_gpus = hr_format_integer (cluster->n_gpus);
  if (hr_planner_get_n_layouts (planner) == 0)
    /* Translators: the places are a number and the name of a GPU */
    return g_strdup_printf (_("There is no layout of this job on %1$s × %2$s."), n_gpus,
                            hr_gpu_get_name (cluster->gpu));
  if (hr_planner_get_n_fitting (planner) > 0)
    /* Translators: 1 and 2 are numbers, 3 a number of GPUs, 4 the name of the GPU */
    return g_strdup_printf (_("%1$s of %2$s layouts fit on %3$s × %4$s."), fitting, layouts, n_gpus,
                            hr_gpu_get_name (cluster->gpu));

  least = hr_format_bytes (hr_planner_get_least_bytes (planner), HR_UNIT_SYSTEM_BINARY);

  /* Translators: 1 is a number, 2 a number of GPUs, 3 the name of the GPU, 4 a size */
  return g_strdup_printf (_("None of %1$s layouts fits on %2$s × %3$s: each GPU needs %4$s at least."), layouts, n_gpus,
                          hr_gpu_get_name (cluster->gpu), least);
}

/**
 * hr_plan_get_sequences_label: (skip)
 * @job: a job
 *
 * Returns: what the sequences are called that layouts of it are planned for, in the user’s language
 */
const char *
hr_plan_get_sequences_label (HrJob *job)
{
  return HR_IS_INFERENCE_JOB (job) ? _("Requests at once") : _("Sequences of a step");
}

/* By what the GPUs of a machine exchange data, and cards that stand beside each other. */
static void
add_interconnect (HrDocumentBlock *facts,
                  const HrCluster *cluster)
{
  const char *kind = hr_gpu_get_interconnect (cluster->gpu, NULL);
  const char *bridge = cluster->bridged ? hr_gpu_get_bridge (cluster->gpu, NULL, NULL) : NULL;
  g_autofree char *both = NULL;

  if (kind != NULL && bridge != NULL)
    /* Translators: what joins GPUs of a machine, such as “PCIe 4.0 x16”, and what joins cards, such as “NVLink 3” */
    both = g_strdup_printf (_("%s; %s between cards side by side"), kind, bridge);
  if (kind != NULL)
    hr_document_block_add_fact (facts, _("Interconnect"), both != NULL ? both : kind, HR_DOCUMENT_PLAIN);
}

static void
add_facts (const HrPlanReport *self,
           HrUnitSystem        unit_system,
           HrDocument         *document)
{
  HrDocumentBlock *facts;
  g_autofree char *sequences = hr_format_integer (self->n_sequences);

  if (!hr_planner_check_job (self->job, NULL))
    return;

  facts = hr_document_add_facts (document);
  hr_document_block_add_fact (facts, hr_plan_get_sequences_label (self->job), sequences, HR_DOCUMENT_PLAIN);
  if (self->planner != NULL)
    {
      const HrCluster *cluster = hr_planner_get_cluster (self->planner);
      g_autofree char *memory = hr_format_bytes (hr_gpu_get_memory (cluster->gpu), unit_system);
      g_autofree char *per_node = hr_format_integer (cluster->n_per_node);
      g_autofree char *network = hr_format_bytes (cluster->network, HR_UNIT_SYSTEM_DECIMAL);
      /* Translators: the place is a size, such as “50 GB” */
      g_autofree char *rate = g_strdup_printf (_("%s/s to and from each GPU"), network);

      hr_document_block_add_fact (facts, _("Memory of a GPU"), memory, HR_DOCUMENT_PLAIN);
      hr_document_block_add_fact (facts, _("GPUs of a machine"), per_node, HR_DOCUMENT_PLAIN);
      if (cluster->n_gpus > 1)
        add_interconnect (facts, cluster);
      if (cluster->n_gpus > cluster->n_per_node)
        hr_document_block_add_fact (facts, _("Network between machines"),
                                    cluster->network > 0 ? rate : _("not said"), HR_DOCUMENT_PLAIN);
    }
}

static char *
dup_number (guint64 number)
{
  return hr_format_integer (number);
}

/* What a GPU holds, and what it has left: two cells. */
static guint
add_memory (const HrPlanReport *self,
            const HrPlanChoice *choice,
            HrUnitSystem        unit_system,
            char              **cells)
{
  guint64 memory = hr_gpu_get_usable_memory (hr_planner_get_cluster (self->planner)->gpu);
  guint64 bytes = hr_plan_choice_get_bytes (choice);

  cells[0] = hr_format_bytes (bytes, unit_system);
  cells[1] = bytes > memory ? g_strdup (_("too large")) : hr_format_bytes (memory - bytes, unit_system);

  return 2;
}

/* How long a step takes, and the share of the peak that it reaches: two cells. */
static guint
add_step (const HrPlanChoice  *choice,
          char               **cells)
{
  if (choice->has_time)
    {
      cells[0] = hr_format_seconds (choice->time.total);
      cells[1] = g_strdup_printf ("%.0f %%", 100 * choice->time.utilization);
    }
  else
    {
      cells[0] = g_strdup (C_("no figure", "—"));
      cells[1] = g_strdup (C_("no figure", "—"));
    }

  return 2;
}

static void
add_choice (HrDocumentBlock    *table,
            const HrPlanReport *self,
            guint               index,
            HrUnitSystem        unit_system)
{
  const HrPlanChoice *choice = hr_planner_get_choice (self->planner, index);
  guint64 values[G_N_ELEMENTS (degrees)];
  g_auto (GStrv) cells = g_new0 (char *, G_N_ELEMENTS (degrees) + 11);
  guint n = 0;

  get_degrees (&choice->step.layout, values);
  cells[n++] = dup_number (index + 1);
  for (guint i = 0; i < G_N_ELEMENTS (degrees); i++)
    cells[n++] = degrees[i].dup != NULL ? degrees[i].dup (&choice->step) : dup_number (values[i]);
  cells[n++] = g_strdup (hr_plan_get_checkpointing_label (choice));
  cells[n++] = dup_number (choice->step.micro_batch);
  cells[n++] = dup_number (choice->step.n_micro_batches);
  cells[n++] = dup_number (choice->step.layout.n_ranks);
  n += add_memory (self, choice, unit_system, cells + n);
  cells[n++] = g_strdup (hr_plan_check_get_label (choice->check));
  n += add_step (choice, cells + n);
  hr_document_block_add_row (table, (const char * const *) cells);
}

/* How fast layouts answer, and what their caches have room for. */
static void
add_serving_choice (HrDocumentBlock    *table,
                    const HrPlanReport *self,
                    guint               index,
                    HrUnitSystem        unit_system)
{
  const HrPlanChoice *choice = hr_planner_get_choice (self->planner, index);
  const HrLayout *layout = &choice->step.layout;
  g_auto (GStrv) cells = g_new0 (char *, 15);
  guint n = 0;

  cells[n++] = dup_number (index + 1);
  cells[n++] = dup_number (layout->tensor);
  cells[n++] = dup_number (layout->pipeline);
  cells[n++] = dup_number (layout->data);
  cells[n++] = hr_plan_dup_expert_sharers (choice);
  cells[n++] = dup_number (layout->n_ranks);
  n += add_memory (self, choice, unit_system, cells + n);
  cells[n++] = hr_plan_dup_figure (choice, HR_PLAN_FIGURE_RATE);
  cells[n++] = hr_plan_dup_figure (choice, HR_PLAN_FIGURE_TOKEN);
  cells[n++] = hr_plan_dup_figure (choice, HR_PLAN_FIGURE_PROMPT);
  cells[n++] = hr_plan_dup_figure (choice, HR_PLAN_FIGURE_RUNNING);
  cells[n++] = hr_plan_dup_figure (choice, HR_PLAN_FIGURE_AT_ONCE);
  cells[n++] = hr_plan_dup_figure (choice, HR_PLAN_FIGURE_CACHE);
  hr_document_block_add_row (table, (const char * const *) cells);
}

/* What ranks share, and how long a step takes. */
static void
add_sharing_choice (HrDocumentBlock    *table,
                    const HrPlanReport *self,
                    guint               index,
                    gboolean            has_contexts,
                    HrUnitSystem        unit_system)
{
  const HrPlanChoice *choice = hr_planner_get_choice (self->planner, index);
  const HrLayout *layout = &choice->step.layout;
  g_auto (GStrv) cells = g_new0 (char *, 15);
  guint n = 0;

  cells[n++] = dup_number (index + 1);
  cells[n++] = hr_plan_dup_shares (choice);
  cells[n++] = dup_number (layout->tensor);
  cells[n++] = dup_number (layout->pipeline);
  if (has_contexts)
    cells[n++] = dup_number (layout->context);
  cells[n++] = dup_number (layout->data);
  cells[n++] = g_strdup (hr_plan_get_checkpointing_label (choice));
  cells[n++] = dup_number (choice->step.micro_batch);
  cells[n++] = dup_number (choice->step.n_micro_batches);
  cells[n++] = dup_number (layout->n_ranks);
  n += add_memory (self, choice, unit_system, cells + n);
  n += add_step (choice, cells + n);
  hr_document_block_add_row (table, (const char * const *) cells);
}

/* Whether any layout that is listed has ranks that share sequences, which few programs know. */
static gboolean
shares_sequences (const HrPlanReport *self)
{
  for (guint i = 0; i < self->n_choices; i++)
    {
      if (hr_planner_get_choice (self->planner, i)->step.layout.context > 1)
        return TRUE;
    }

  return FALSE;
}

static void
add_sharing_choices (const HrPlanReport *self,
                     HrUnitSystem        unit_system,
                     HrDocument         *document)
{
  const char * const others[] = { _("Checkpointing"), _("Micro-batch"), _("Micro-batches"), _("GPUs"), _("Memory"),
                                  _("Free"), C_("time", "Step"), _("MFU") };
  const char *columns[6 + G_N_ELEMENTS (others) + 1] = { "#", hr_plan_get_shares_label (), "TP", "PP" };
  gboolean numeric[G_N_ELEMENTS (columns) - 1];
  gboolean has_contexts = shares_sequences (self);
  guint n = 4;
  HrDocumentBlock *table;

  if (has_contexts)
    columns[n++] = "CP";
  columns[n++] = "DP";
  for (guint i = 0; i < G_N_ELEMENTS (numeric); i++)
    numeric[i] = i != 1 && i != n;
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    columns[n++] = others[i];
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < self->n_choices; i++)
    add_sharing_choice (table, self, i, has_contexts, unit_system);
}

static void
add_serving_choices (const HrPlanReport *self,
                     HrUnitSystem        unit_system,
                     HrDocument         *document)
{
  const char *columns[] = { "#", "TP", "PP", "DP", "EP", _("GPUs"), _("Memory"), _("Free"),
                            hr_plan_figure_get_label (HR_PLAN_FIGURE_RATE),
                            hr_plan_figure_get_label (HR_PLAN_FIGURE_TOKEN),
                            hr_plan_figure_get_label (HR_PLAN_FIGURE_PROMPT),
                            hr_plan_figure_get_label (HR_PLAN_FIGURE_RUNNING),
                            hr_plan_figure_get_label (HR_PLAN_FIGURE_AT_ONCE),
                            hr_plan_figure_get_label (HR_PLAN_FIGURE_CACHE), NULL };
  gboolean numeric[G_N_ELEMENTS (columns) - 1];
  HrDocumentBlock *table;

  for (guint i = 0; i < G_N_ELEMENTS (numeric); i++)
    numeric[i] = TRUE;
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < self->n_choices; i++)
    add_serving_choice (table, self, i, unit_system);
}

static void
add_choices (const HrPlanReport *self,
             HrUnitSystem        unit_system,
             HrDocument         *document)
{
  const char *columns[] = { "#", degrees[0].abbreviation, degrees[1].abbreviation, degrees[2].abbreviation,
                            degrees[3].abbreviation, degrees[4].abbreviation, degrees[5].abbreviation,
                            degrees[6].abbreviation, _("Checkpointing"), _("Micro-batch"), _("Micro-batches"),
                            _("GPUs"), _("Memory"), _("Free"), _("Known by"), C_("time", "Step"),
                            /* Translators: model FLOPs utilization */
                            _("MFU"), NULL };
  gboolean numeric[G_N_ELEMENTS (columns) - 1];
  HrDocumentBlock *table;

  if (self->n_choices == 0)
    return;
  if (hr_planner_answers (self->planner))
    {
      add_serving_choices (self, unit_system, document);
      return;
    }
  if (!hr_planner_uses_formulas (self->job))
    {
      add_sharing_choices (self, unit_system, document);
      return;
    }

  for (guint i = 0; i < G_N_ELEMENTS (numeric); i++)
    numeric[i] = i != 8 && i != 14;
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < self->n_choices; i++)
    add_choice (table, self, i, unit_system);
}

static void
add_least (const HrPlanReport *self,
           HrUnitSystem        unit_system,
           HrDocument         *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, TRUE, FALSE, TRUE };
  const char *columns[] = { _("GPU"), _("Memory"), _("Fewest"), _("Layout"), _("Taken"), NULL };
  g_autofree char *most = hr_format_integer (self->max_gpus);
  HrDocumentBlock *table;
  guint n_short = 0;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("The Fewest GPUs of Each Kind"));
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < self->least->len; i++)
    {
      const HrLeastGpus *least = &g_array_index (self->least, HrLeastGpus, i);
      g_autofree char *memory = hr_format_bytes (hr_gpu_get_memory (least->gpu), unit_system);
      g_autofree char *n_gpus = hr_format_integer (least->n_gpus);
      g_autofree char *bytes = hr_format_bytes (least->bytes, unit_system);
      g_autofree char *layout = NULL;
      const char *cells[] = { hr_gpu_get_name (least->gpu), memory, n_gpus, NULL, bytes, NULL };

      if (least->n_gpus == 0)
        {
          n_short++;
          continue;
        }
      cells[3] = layout = hr_plan_dup_least_layout (least);
      hr_document_block_add_row (table, cells);
    }

  if (n_short > 0)
    {
      g_autofree char *number = hr_format_integer (n_short);
      g_autofree char *text = NULL;

      if (hr_planner_uses_formulas (self->job))
        /* Translators: 1 is how many kinds of GPUs, 2 a number of GPUs */
        text = g_strdup_printf (_("Of %1$s further kinds %2$s GPUs are not enough."), number, most);
      else
        /* Translators: 1 is how many kinds of GPUs, 2 a number of GPUs */
        text = g_strdup_printf (_("Of %1$s further kinds no number up to %2$s that can be estimated is enough."),
                                number, most);

      hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, text);
    }
  hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, hr_plan_get_least_remark (self->job));
}

/**
 * hr_plan_report_create_document: (skip)
 * @self: what the report is about
 * @unit_system: the units to write sizes in
 *
 * Puts layouts into words.
 *
 * Returns: (transfer full): a document
 */
HrDocument *
hr_plan_report_create_document (const HrPlanReport *self,
                                HrUnitSystem        unit_system)
{
  g_autoptr (HrDocument) document = hr_document_new ();

  g_return_val_if_fail (self != NULL, NULL);

  hr_document_add_text (document, HR_DOCUMENT_TITLE, hr_model_get_name (self->model));
  hr_document_add_text (document, HR_DOCUMENT_SUBTITLE, hr_mode_get_label (hr_job_get_mode (self->job)));
  if (self->planner != NULL)
    {
      g_autofree char *verdict = hr_plan_dup_verdict (self->planner);

      hr_document_add_verdict (document, verdict, hr_planner_get_n_fitting (self->planner) > 0);
    }
  add_facts (self, unit_system, document);
  if (self->planner != NULL)
    {
      const char *missing = hr_planner_get_missing (self->planner);
      g_autofree char *refusal = hr_plan_dup_refusal (self->planner);

      add_choices (self, unit_system, document);
      if (missing != NULL)
        hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, missing);
      if (refusal != NULL)
        hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, refusal);
      hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, hr_plan_get_remark (self->job));
    }
  if (self->least != NULL)
    add_least (self, unit_system, document);

  return g_steal_pointer (&document);
}

static void
build_double (JsonBuilder *builder,
              const char  *name,
              double       value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static void
build_layout (JsonBuilder        *builder,
              const HrLayoutStep *step)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (HR_TYPE_GRADIENT_CHECKPOINTING);
  guint64 values[G_N_ELEMENTS (degrees)];

  get_degrees (&step->layout, values);
  for (guint i = 0; i < G_N_ELEMENTS (degrees); i++)
    hr_json_build_integer (builder, degrees[i].setting, values[i]);
  hr_json_build_integer (builder, "first-stage-layers", step->layout.first_layers);
  hr_json_build_integer (builder, "last-stage-layers", step->layout.last_layers);
  hr_json_build_integer (builder, "ulysses-parallel", step->layout.exchange);
  json_builder_set_member_name (builder, "sequence-parallel");
  json_builder_add_boolean_value (builder, step->layout.divides_sequence);
  json_builder_set_member_name (builder, "count-embedding-as-layer");
  json_builder_add_boolean_value (builder, step->layout.counts_embedding);
  json_builder_set_member_name (builder, "count-loss-as-layer");
  json_builder_add_boolean_value (builder, step->layout.counts_loss);
  hr_json_build_string (builder, "gradient-checkpointing",
                        g_enum_get_value (klass, step->checkpointing)->value_nick);
  hr_json_build_integer (builder, "micro-batch-size", step->micro_batch);
  hr_json_build_integer (builder, "gradient-accumulation-steps", step->n_micro_batches);
}

static void
build_time (JsonBuilder        *builder,
            const HrLayoutTime *time)
{
  json_builder_set_member_name (builder, "seconds");
  json_builder_begin_object (builder);
  build_double (builder, "total", time->total);
  build_double (builder, "compute", time->compute);
  build_double (builder, "tensor-parallel", time->layer);
  build_double (builder, "context-parallel", time->sequence);
  build_double (builder, "expert-parallel", time->experts);
  build_double (builder, "pipeline-parallel", time->pipeline);
  build_double (builder, "data-parallel", time->data);
  build_double (builder, "optimizer", time->optimizer);
  json_builder_end_object (builder);
}

/* Settings with their values, as numbers where they are such. */
static void
build_change (JsonBuilder *builder,
              const char  *change)
{
  g_auto (GStrv) parts = g_strsplit (change, " ", -1);

  for (guint i = 0; parts[i] != NULL && *parts[i] != '\0'; i++)
    {
      char *value = strchr (parts[i], '=');
      guint64 number;

      *value++ = '\0';
      if (g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT64, &number, NULL))
        hr_json_build_integer (builder, parts[i], number);
      else
        hr_json_build_string (builder, parts[i], value);
    }
}

/* How fast a layout answers, and what its caches have room for. */
static void
build_serving (JsonBuilder        *builder,
               const HrPlanChoice *choice)
{
  const HrServingFigures *serving = &choice->serving;

  if (choice->has_time)
    {
      json_builder_set_member_name (builder, "seconds");
      json_builder_begin_object (builder);
      build_double (builder, "total", choice->time.total);
      build_double (builder, "first-token", serving->prompt);
      build_double (builder, "each-token", serving->token);
      json_builder_end_object (builder);
      build_double (builder, "tokens-per-second", serving->rate);
      hr_json_build_integer (builder, "requests", serving->running);
    }
  if (serving->has_room)
    {
      hr_json_build_integer (builder, "room-for-requests", serving->at_once);
      hr_json_build_integer (builder, "cached-tokens", serving->cache_tokens);
    }
}

static void
build_choice (JsonBuilder        *builder,
              const HrPlanReport *self,
              const HrPlanChoice *choice)
{
  guint64 memory = hr_gpu_get_usable_memory (hr_planner_get_cluster (self->planner)->gpu);
  guint64 bytes = hr_plan_choice_get_bytes (choice);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "settings");
  json_builder_begin_object (builder);
  if (choice->change != NULL)
    build_change (builder, choice->change);
  else
    build_layout (builder, &choice->step);
  json_builder_end_object (builder);
  hr_json_build_integer (builder, "gpus", choice->step.layout.n_ranks);
  hr_json_build_integer (builder, "peak-bytes", bytes);
  hr_json_build_integer (builder, "free-bytes", (gint64) memory - (gint64) bytes);
  hr_json_build_string (builder, "known-by", choice->check == HR_PLAN_CHECK_EXACT ? "exact" : "formulas");
  if (choice->change == NULL)
    {
      hr_json_build_integer (builder, "formula-bytes", choice->formula_bytes);
      hr_json_build_integer (builder, "fullest-stage", choice->stage);
    }
  if (choice->answers)
    build_serving (builder, choice);
  else if (choice->has_time)
    {
      build_time (builder, &choice->time);
      build_double (builder, "tokens-per-second", hr_planner_get_n_tokens (self->planner) / choice->time.total);
      build_double (builder, "model-flops-utilization", choice->time.utilization);
    }
  json_builder_end_object (builder);
}

static void
build_gpu (JsonBuilder *builder,
           HrGpu       *gpu)
{
  hr_json_build_string (builder, "id", hr_gpu_get_id (gpu));
  hr_json_build_string (builder, "name", hr_gpu_get_name (gpu));
  hr_json_build_integer (builder, "memory-bytes", hr_gpu_get_memory (gpu));
  if (hr_gpu_knows_usable_memory (gpu))
    hr_json_build_integer (builder, "usable-memory-bytes", hr_gpu_get_usable_memory (gpu));
}

static void
build_planner (JsonBuilder        *builder,
               const HrPlanReport *self)
{
  const HrCluster *cluster = hr_planner_get_cluster (self->planner);

  json_builder_set_member_name (builder, "gpus");
  json_builder_begin_object (builder);
  build_gpu (builder, cluster->gpu);
  hr_json_build_integer (builder, "count", cluster->n_gpus);
  hr_json_build_integer (builder, "per-node", cluster->n_per_node);
  if (cluster->bridged)
    {
      json_builder_set_member_name (builder, "bridged");
      json_builder_add_boolean_value (builder, TRUE);
    }
  if (cluster->network > 0)
    hr_json_build_integer (builder, "network-bytes-per-second", cluster->network);
  json_builder_end_object (builder);
  hr_json_build_integer (builder, "layouts", hr_planner_get_n_layouts (self->planner));
  hr_json_build_integer (builder, "fitting", hr_planner_get_n_fitting (self->planner));
  if (hr_planner_get_refusal (self->planner) != NULL)
    {
      hr_json_build_integer (builder, "refused", hr_planner_get_n_refused (self->planner));
      hr_json_build_string (builder, "refused-because", hr_planner_get_refusal (self->planner));
    }
  if (hr_planner_get_missing (self->planner) != NULL)
    hr_json_build_string (builder, "without-times", hr_planner_get_missing (self->planner));
  json_builder_set_member_name (builder, "choices");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->n_choices; i++)
    build_choice (builder, self, hr_planner_get_choice (self->planner, i));
  json_builder_end_array (builder);
}

static void
build_least (JsonBuilder        *builder,
             const HrPlanReport *self)
{
  json_builder_set_member_name (builder, "least");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->least->len; i++)
    {
      const HrLeastGpus *least = &g_array_index (self->least, HrLeastGpus, i);

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "gpu");
      json_builder_begin_object (builder);
      build_gpu (builder, least->gpu);
      json_builder_end_object (builder);
      if (least->n_gpus > 0)
        {
          hr_json_build_integer (builder, "count", least->n_gpus);
          hr_json_build_integer (builder, "peak-bytes", least->bytes);
          hr_json_build_string (builder, "known-by", least->is_exact ? "exact" : "formulas");
          json_builder_set_member_name (builder, "settings");
          json_builder_begin_object (builder);
          if (!least->is_exact)
            build_layout (builder, &least->step);
          else if (least->change != NULL)
            build_change (builder, least->change);
          json_builder_end_object (builder);
        }
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  hr_json_build_integer (builder, "most-gpus", self->max_gpus);
}

/**
 * hr_plan_report_to_json: (skip)
 * @self: what the report is about
 *
 * Writes layouts as JSON with the schema `headroom-plan/1`. A layout without a time has no `seconds`; a kind of GPU of
 * which there may not be enough has no `count`.
 *
 * Returns: (transfer full): the JSON
 */
char *
hr_plan_report_to_json (const HrPlanReport *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  g_return_val_if_fail (self != NULL, NULL);

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "schema", "headroom-plan/1");
  hr_json_build_string (builder, "model", hr_model_get_name (self->model));
  hr_json_build_string (builder, "mode", hr_mode_get_name (hr_job_get_mode (self->job)));
  json_builder_set_member_name (builder, "settings");
  hr_job_build_json (self->job, builder);
  hr_json_build_integer (builder, "sequences", self->n_sequences);
  if (self->planner != NULL)
    build_planner (builder, self);
  if (self->least != NULL)
    build_least (builder, self);
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}

static void
append_step (GString            *string,
             const HrLayoutStep *step)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (HR_TYPE_GRADIENT_CHECKPOINTING);
  guint64 values[G_N_ELEMENTS (degrees)];

  get_degrees (&step->layout, values);
  for (guint i = 0; i < G_N_ELEMENTS (degrees); i++)
    g_string_append_printf (string, ",%" G_GUINT64_FORMAT, values[i]);
  g_string_append_printf (string, ",%s,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT,
                          g_enum_get_value (klass, step->checkpointing)->value_nick, step->micro_batch,
                          step->n_micro_batches);
}

static void
append_number (GString *string,
               double   number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (string, ",%s", g_ascii_formatd (buffer, sizeof buffer, "%.6g", number));
}

/* What is not known stays empty. */
static void
append_serving (GString            *string,
                const HrPlanChoice *choice)
{
  for (HrPlanFigure i = 0; i < HR_N_PLAN_FIGURES; i++)
    {
      double value = choice != NULL && choice->answers ? hr_plan_get_figure (choice, i) : -1;

      if (value < 0)
        g_string_append_c (string, ',');
      else
        append_number (string, value);
    }
  g_string_append_c (string, ',');
  if (choice != NULL && choice->change != NULL)
    hr_csv_append_field (string, choice->change);
}

static void
append_choice (GString            *string,
               const HrPlanReport *self,
               const HrPlanChoice *choice)
{
  hr_csv_append_field (string, hr_gpu_get_name (hr_planner_get_cluster (self->planner)->gpu));
  g_string_append_printf (string, ",%" G_GUINT64_FORMAT, choice->step.layout.n_ranks);
  append_step (string, &choice->step);
  g_string_append_printf (string, ",%" G_GUINT64_FORMAT ",%s", hr_plan_choice_get_bytes (choice),
                          choice->check == HR_PLAN_CHECK_EXACT ? "exact" : "formulas");
  if (choice->has_time)
    {
      append_number (string, choice->time.total);
      append_number (string, choice->time.utilization);
    }
  else
    g_string_append (string, ",,");
  append_serving (string, choice);
  g_string_append (string, "\r\n");
}

/**
 * hr_plan_report_to_csv: (skip)
 * @self: what the report is about
 *
 * Writes layouts as comma-separated values in UTF-8, one row for each, those on the fewest GPUs of each kind last.
 *
 * Returns: (transfer full): the table
 */
char *
hr_plan_report_to_csv (const HrPlanReport *self)
{
  GString *string;

  g_return_val_if_fail (self != NULL, NULL);

  string = g_string_new ("gpu,gpus");
  for (guint i = 0; i < G_N_ELEMENTS (degrees); i++)
    g_string_append_printf (string, ",%s", degrees[i].setting);
  g_string_append (string, ",gradient-checkpointing,micro-batch-size,gradient-accumulation-steps,peak-bytes,known-by,"
                           "step-seconds,model-flops-utilization,tokens-per-second,each-token-seconds,"
                           "first-token-seconds,requests,room-for-requests,cached-tokens,settings\r\n");
  for (guint i = 0; i < self->n_choices; i++)
    append_choice (string, self, hr_planner_get_choice (self->planner, i));
  for (guint i = 0; self->least != NULL && i < self->least->len; i++)
    {
      const HrLeastGpus *least = &g_array_index (self->least, HrLeastGpus, i);

      if (least->n_gpus == 0)
        continue;
      hr_csv_append_field (string, hr_gpu_get_name (least->gpu));
      g_string_append_printf (string, ",%" G_GUINT64_FORMAT, least->n_gpus);
      append_step (string, &least->step);
      g_string_append_printf (string, ",%" G_GUINT64_FORMAT ",%s,,", least->bytes,
                              least->is_exact ? "exact" : "formulas");
      append_serving (string, NULL);
      g_string_append (string, "\r\n");
    }

  return g_string_free (string, FALSE);
}
