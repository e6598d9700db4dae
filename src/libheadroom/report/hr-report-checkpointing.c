/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-steps.h"

#include <glib/gi18n-lib.h>

#include "hr-compute.h"
#include "hr-estimator.h"
#include "hr-labels.h"
#include "hr-report-private.h"

/* What each way of gradient checkpointing takes and computes, for the job of a report. */

static const struct
{
  const char *checkpointing;
  const char *selective;
} policies[] = {
  { "none", NULL }, { "selective", "attention" }, { "selective", "operators" }, { "full", NULL },
};

/* A setting of a job as the user calls its value. */
static const char *
get_label (HrJob      *job,
           const char *name)
{
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), name);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, setting->value_type);
  g_object_get_property (G_OBJECT (job), name, &value);

  return hr_setting_get_choice_label (setting, g_value_get_enum (&value));
}

static HrJob *
create_job (HrReport *self,
            guint     policy)
{
  g_autoptr (HrJob) job = hr_job_copy (hr_report_get_job (self));

  if (!hr_job_set_from_string (job, "gradient-checkpointing", policies[policy].checkpointing, NULL) ||
      (policies[policy].selective != NULL &&
       !hr_job_set_from_string (job, "selective-checkpointing", policies[policy].selective, NULL)))
    return NULL;

  return g_steal_pointer (&job);
}

static gboolean
is_same (HrReport *self,
         HrJob    *job)
{
  static const char * const names[] = { "gradient-checkpointing", "selective-checkpointing" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *asked = hr_job_get_as_string (hr_report_get_job (self), names[i]);
      g_autofree char *value = hr_job_get_as_string (job, names[i]);

      if (!g_str_equal (asked, value))
        return FALSE;
      if (!g_str_equal (value, "selective"))
        return TRUE;
    }

  return TRUE;
}

static void
add_operations (HrReport     *self,
                HrJob        *job,
                HrAnatomyRow *row)
{
  g_autoptr (HrCompute) compute = hr_compute_new (hr_report_get_model (self), job, NULL, hr_report_get_n_gpus (self),
                                                  NULL);
  const HrComputePhase *phase = NULL;
  g_autofree char *share = NULL;
  guint64 all;

  if (compute != NULL)
    phase = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_TRAINING_STEP);
  if (phase == NULL)
    return;

  all = hr_flops_get_training (&phase->total);
  hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_OPERATIONS, all);
  hr_anatomy_row_set (row, 3, HR_ANATOMY_UNIT_OPERATIONS, phase->total.recomputed);
  share = hr_format_percentage (phase->total.recomputed, all - phase->total.recomputed);
  /* Translators: a share in percent of what is computed without checkpointing */
  row->note = g_strdup_printf (_("%s more than is needed"), share);
}

static void
add_policy (HrReport       *self,
            HrAnatomyTable *table,
            guint           policy)
{
  g_autoptr (HrJob) job = create_job (self, policy);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autofree char *label = NULL;
  HrComponent *activations;
  HrAnatomyRow *row;

  if (job != NULL)
    estimate = hr_estimator_run (hr_report_get_model (self), job, hr_report_get_gpu (self),
                                 hr_report_get_n_gpus (self), NULL);
  if (estimate == NULL)
    return;

  if (policies[policy].selective != NULL)
    /* Translators: a way of checkpointing, and which, such as “Selective: the attention” */
    label = g_strdup_printf (_("%1$s: %2$s"), get_label (job, "gradient-checkpointing"),
                             get_label (job, "selective-checkpointing"));
  else
    label = g_strdup (get_label (job, "gradient-checkpointing"));

  if (is_same (self, job))
    {
      g_autofree char *way = g_steal_pointer (&label);

      /* Translators: a way of checkpointing, which is the one that is chosen */
      label = g_strdup_printf (_("%s (as set)"), way);
    }
  row = hr_anatomy_table_add_row (table, 0, policies[policy].selective != NULL ? policies[policy].selective
                                                                               : policies[policy].checkpointing,
                                  label);
  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_BYTES, hr_estimate_get_allocated_bytes (estimate));
  activations = hr_estimate_find_component (estimate, HR_COMPONENT_ACTIVATIONS);
  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_BYTES, activations != NULL ? hr_component_get_bytes (activations) : 0);
  add_operations (self, job, row);
}

/**
 * hr_report_create_checkpointing: (skip)
 * @self: a report
 *
 * Sets the ways of gradient checkpointing side by side: what is allocated at the peak, how much of it are activations,
 * what a step computes, and how much of that is computed anew.
 *
 * Returns: (transfer full) (nullable): a table, or %NULL if nothing is trained, or no more than one way is known
 */
HrAnatomyTable *
hr_report_create_checkpointing (HrReport *self)
{
  g_autoptr (HrAnatomyTable) table = NULL;
  HrJob *job;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  job = hr_report_get_job (self);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (job), "gradient-checkpointing") == NULL ||
      hr_estimate_get_method (hr_report_get_estimate (self)) != HR_ESTIMATE_METHOD_EXACT ||
      hr_estimate_get_n_trainable_parameters (hr_report_get_estimate (self)) == 0)
    return NULL;

  table = hr_anatomy_table_new ("checkpointing", _("Gradient Checkpointing Compared"),
                                _("What is computed anew in the backward pass need not be kept until then."),
                                _("What is computed anew"));
  hr_anatomy_table_add_column (table, "allocated", _("Allocated at the peak"));
  hr_anatomy_table_add_column (table, "activations", _("Activations at the peak"));
  hr_anatomy_table_add_column (table, "operations", _("Operations"));
  hr_anatomy_table_add_column (table, "recomputed", _("Computed anew"));
  for (guint i = 0; i < G_N_ELEMENTS (policies); i++)
    add_policy (self, table, i);

  return table->rows->len > 1 ? g_steal_pointer (&table) : NULL;
}
