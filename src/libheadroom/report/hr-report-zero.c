/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-steps.h"

#include <glib/gi18n-lib.h>

#include "hr-estimator.h"
#include "hr-report-private.h"
#include "hr-rule-of-thumb-training.h"

/* What each stage of ZeRO leaves on a GPU, for the model of a report and several numbers of GPUs. */

#define N_STAGES 4

/* As many as a machine has, and as many as figure 1 of the paper has; those of the job come beside them. */
static const guint64 usual_ranks[] = { 8, 64 };

/* Weights and gradients of 16 bits, and K = 12 bytes of the optimizer (Rajbhandari et al., figure 1). */
static const char * const formulas[N_STAGES] = {
  "(2 + 2 + 12)·P", "(2 + 2)·P + 12·P/N_d", "2·P + (2 + 12)·P/N_d", "(2 + 2 + 12)·P/N_d",
};

static char *
dup_substitution (guint   stage,
                  guint64 parameters,
                  guint64 n_ranks)
{
  g_autofree char *all = g_strdup_printf ("%" G_GUINT64_FORMAT, parameters);
  g_autofree char *shared = g_strdup_printf ("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, parameters, n_ranks);

  switch (stage)
    {
    case 0:
      return g_strdup_printf ("16·%s", all);

    case 1:
      return g_strdup_printf ("4·%s + 12·%s", all, shared);

    case 2:
      return g_strdup_printf ("2·%s + 14·%s", all, shared);

    default:
      return g_strdup_printf ("16·%s", shared);
    }
}

/* The job as DeepSpeed runs it, with nothing else divided. */
static HrJob *
create_job (HrReport *self,
            guint     stage,
            guint64   n_ranks)
{
  static const char * const degrees[] = {
    "tensor-parallel", "pipeline-parallel", "context-parallel", "expert-parallel",
  };
  g_autoptr (HrJob) job = hr_job_copy (hr_report_get_job (self));
  g_autofree char *stage_text = g_strdup_printf ("%u", stage);
  g_autofree char *ranks_text = g_strdup_printf ("%" G_GUINT64_FORMAT, n_ranks);

  for (guint i = 0; i < G_N_ELEMENTS (degrees); i++)
    {
      if (!hr_job_set_from_string (job, degrees[i], "1", NULL))
        return NULL;
    }
  if (!hr_job_set_from_string (job, "framework", "deepspeed", NULL) ||
      !hr_job_set_from_string (job, "zero-stage", stage_text, NULL) ||
      !hr_job_set_from_string (job, "data-parallel", ranks_text, NULL))
    return NULL;

  return g_steal_pointer (&job);
}

static guint64
get_asked (HrReport   *self,
           const char *name)
{
  g_autofree char *text = hr_job_get_as_string (hr_report_get_job (self), name);

  return g_ascii_strtoull (text, NULL, 10);
}

static gboolean
is_set (HrReport *self,
        guint     stage,
        guint64   n_ranks)
{
  g_autofree char *framework = hr_job_get_as_string (hr_report_get_job (self), "framework");

  return g_str_equal (framework, "deepspeed") && get_asked (self, "zero-stage") == stage &&
         (stage == 0 || get_asked (self, "data-parallel") == n_ranks);
}

/* Weights, gradients and what the optimizer keeps, of those that are there at the peak. */
static guint64
count_states (HrEstimate *estimate)
{
  return hr_estimate_get_component_bytes (estimate, HR_COMPONENT_WEIGHTS) +
         hr_estimate_get_component_bytes (estimate, HR_COMPONENT_GRADIENTS) +
         hr_estimate_get_component_bytes (estimate, HR_COMPONENT_OPTIMIZER) +
         hr_estimate_get_component_bytes (estimate, HR_COMPONENT_MASTER_WEIGHTS);
}

static void
add_exact (HrReport     *self,
           guint         stage,
           guint64       n_ranks,
           HrAnatomyRow *row)
{
  g_autoptr (HrJob) job = create_job (self, stage, n_ranks);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;

  if (job != NULL)
    estimate = hr_estimator_run_for_sizes (hr_report_get_model (self), job, NULL, n_ranks, &error);
  if (estimate == NULL)
    {
      row->note = error != NULL ? g_strdup (error->message) : NULL;
      return;
    }

  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_BYTES, count_states (estimate));
  hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_BYTES, hr_estimate_get_allocated_bytes (estimate));
}

static char *
dup_label (guint    stage,
           gboolean is_as_set)
{
  g_autofree char *label = stage == 0 ? g_strdup (_("Stage 0: nothing is divided"))
                                      /* Translators: a stage of ZeRO */
                                      : g_strdup_printf (_("Stage %u"), stage);

  if (!is_as_set)
    return g_steal_pointer (&label);

  return g_strdup_printf (_("%s (as set)"), label);
}

static void
add_stage (HrReport       *self,
           HrAnatomyTable *table,
           guint           stage,
           guint64         n_ranks)
{
  guint64 parameters = hr_model_get_n_parameters (hr_report_get_model (self));
  g_autofree char *label = dup_label (stage, is_set (self, stage, n_ranks));
  g_autofree char *id = stage == 0 ? g_strdup ("stage-0")
                                   : g_strdup_printf ("stage-%u-%" G_GUINT64_FORMAT, stage, n_ranks);
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, stage > 0 ? 1 : 0, id, label);

  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_BYTES,
                      (guint64) hr_rule_of_thumb_zero_states (stage, parameters, n_ranks));
  row->formula = g_strdup (formulas[stage]);
  row->substitution = dup_substitution (stage, parameters, n_ranks);
  add_exact (self, stage, n_ranks, row);
}

static void
add_ranks (HrReport       *self,
           HrAnatomyTable *table,
           guint64         n_ranks)
{
  g_autofree char *number = hr_format_integer (n_ranks);
  /* Translators: a number of GPUs, 2 at least */
  g_autofree char *label = g_strdup_printf (_("On %s GPUs"), number);
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, "gpus", label);

  row->is_heading = TRUE;
  for (guint stage = 1; stage < N_STAGES; stage++)
    add_stage (self, table, stage, n_ranks);
}

/**
 * hr_report_has_zero: (skip)
 * @self: a report
 *
 * Finds out whether the stages of ZeRO can be set side by side.
 *
 * Returns: whether all parameters are trained, in a loop that DeepSpeed could run
 */
gboolean
hr_report_has_zero (HrReport *self)
{
  HrEstimate *estimate;
  HrMode mode;

  g_return_val_if_fail (HR_IS_REPORT (self), FALSE);

  estimate = hr_report_get_estimate (self);
  mode = hr_job_get_mode (hr_report_get_job (self));

  return (mode == HR_MODE_TRAINING || mode == HR_MODE_FINE_TUNING) &&
         hr_estimate_get_method (estimate) == HR_ESTIMATE_METHOD_EXACT &&
         hr_estimate_get_n_trainable_parameters (estimate) == hr_model_get_n_parameters (hr_report_get_model (self));
}

/**
 * hr_report_create_zero: (skip)
 * @self: a report
 *
 * Sets the stages of ZeRO side by side, on 8 and 64 GPUs and on those of the job: what the formulas of Rajbhandari et
 * al. (arXiv:1910.02054, figure 1) leave of weights, gradients and states on a GPU, what of these is there at the peak
 * of the job as DeepSpeed runs it, and all that is allocated then.
 *
 * Returns: (transfer full) (nullable): a table, or %NULL if not all parameters are trained
 */
HrAnatomyTable *
hr_report_create_zero (HrReport *self)
{
  g_autoptr (HrAnatomyTable) table = NULL;
  HrAnatomyRow *row;
  guint64 asked;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  if (!hr_report_has_zero (self))
    return NULL;

  table = hr_anatomy_table_new ("zero", _("Stages of ZeRO Compared"),
                                _("The rule of thumb is that of figure 1 of the paper (Rajbhandari et al., "
                                  "arXiv:1910.02054): 2 bytes of weights and 2 of gradients for each of P parameters, "
                                  "and K = 12 of the optimizer, shared among N_d GPUs stage by stage. The exact "
                                  "figures are those of this job as DeepSpeed runs it."),
                                _("Stage"));
  hr_anatomy_table_add_column (table, "rule", _("Rule of thumb"));
  hr_anatomy_table_add_column (table, "states", _("Exact, at the peak"));
  hr_anatomy_table_add_column (table, "allocated", _("All that is allocated"));

  row = hr_anatomy_table_add_row (table, 0, "optimizer-bytes", _("K: bytes of the optimizer for each parameter"));
  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_COUNT, HR_RULE_OF_THUMB_ZERO_OPTIMIZER_BYTES);
  row->formula = g_strdup ("4 + 4 + 4");
  row->note = g_strdup (_("parameters in fp32, and Adam’s two averages"));
  add_stage (self, table, 0, usual_ranks[0]);
  asked = get_asked (self, "data-parallel");
  if (asked > 1 && asked != usual_ranks[0] && asked != usual_ranks[1])
    add_ranks (self, table, asked);
  for (guint i = 0; i < G_N_ELEMENTS (usual_ranks); i++)
    add_ranks (self, table, usual_ranks[i]);

  return g_steal_pointer (&table);
}
