/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-steps.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-job.h"
#include "hr-labels.h"
#include "hr-report-private.h"

/* How parts come about step by step, by tables of the model's anatomy. */

/* The cache of a job that generates; what trains keeps none, and what generates within a training has its own batch. */
static gboolean
has_ladder (HrReport *self)
{
  g_autoptr (HrJob) reading = hr_report_dup_reading (self);

  return HR_IS_INFERENCE_JOB (reading) && hr_inference_job_get_use_cache (HR_INFERENCE_JOB (reading));
}

/**
 * hr_report_get_steps: (skip)
 * @self: a report
 * @id: a part of the peak
 *
 * Gets how a part comes about, a step at a time: how the parameters add up, or how the cache grows from one key to
 * those of the whole batch.
 *
 * Returns: (transfer none) (nullable): a table, or %NULL if there are no more steps than the formula has
 */
HrAnatomyTable *
hr_report_get_steps (HrReport      *self,
                     HrComponentId  id)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  if (hr_estimate_get_method (hr_report_get_estimate (self)) != HR_ESTIMATE_METHOD_EXACT)
    return NULL;

  if (id == HR_COMPONENT_WEIGHTS)
    return hr_anatomy_get_table (hr_report_get_anatomy (self), HR_ANATOMY_SECTION_EXPANSION);
  if (id == HR_COMPONENT_KV_CACHE && has_ladder (self))
    return hr_anatomy_get_table (hr_report_get_anatomy (self), HR_ANATOMY_SECTION_CACHE);

  return NULL;
}

/**
 * hr_report_dup_steps_note: (skip)
 * @self: a report
 * @id: a part of the peak that has steps
 *
 * Says how much of what the steps lead to is there at the peak: the cache is full only when the last token is written.
 *
 * Returns: (transfer full) (nullable): a sentence, or %NULL if there is nothing to be said
 */
char *
hr_report_dup_steps_note (HrReport      *self,
                          HrComponentId  id)
{
  HrEstimate *estimate;
  HrComponent *component;
  g_autofree char *size = NULL;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  estimate = hr_report_get_estimate (self);
  component = hr_estimate_find_component (estimate, id);
  if (component == NULL || id != HR_COMPONENT_KV_CACHE)
    return NULL;

  size = hr_format_bytes (hr_component_get_bytes (component), hr_report_get_unit_system (self));

  /* Translators: 1 a phase, such as “Prefill”, 2 a size */
  return g_strdup_printf (_("The steps lead to the cache behind the last token; at the peak, in the phase “%1$s”, it "
                            "takes %2$s on the fullest GPU."),
                          hr_phase_id_get_label (hr_estimate_get_peak_phase (estimate)), size);
}

/**
 * hr_report_dup_growth: (skip)
 * @self: a report
 * @id: a part of the peak
 *
 * Says how much of the activations grows as the length of sequences does, and how much as its square does.
 *
 * Returns: (transfer full) (nullable): a sentence, or %NULL if that is not known, or @id is no such part
 */
char *
hr_report_dup_growth (HrReport      *self,
                      HrComponentId  id)
{
  g_autofree char *linear_text = NULL;
  g_autofree char *square_text = NULL;
  guint64 linear, square;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  if (id != HR_COMPONENT_ACTIVATIONS || !hr_estimate_get_growth (hr_report_get_estimate (self), &linear, &square))
    return NULL;

  linear_text = hr_format_bytes (linear, hr_report_get_unit_system (self));
  square_text = hr_format_bytes (square, hr_report_get_unit_system (self));

  /* Translators: two sizes */
  return g_strdup_printf (_("With the length of sequences, %1$s of it grow in proportion, and %2$s with the square of "
                            "the length."), linear_text, square_text);
}

/**
 * hr_report_dup_static: (skip)
 * @self: a report
 *
 * Says how much of the peak is there all the time, and how much comes and goes.
 *
 * Returns: (transfer full): a part of a sentence
 */
char *
hr_report_dup_static (HrReport *self)
{
  GListModel *components = hr_estimate_get_components (hr_report_get_estimate (self));
  HrUnitSystem units = hr_report_get_unit_system (self);
  g_autofree char *staying_text = NULL;
  g_autofree char *passing_text = NULL;
  guint64 staying = 0, passing = 0;

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      guint64 bytes = hr_component_get_bytes (component);

      if (hr_component_id_is_static (hr_component_get_id (component)))
        staying += bytes;
      else
        passing += bytes;
    }
  staying_text = hr_format_bytes (staying, units);
  passing_text = hr_format_bytes (passing, units);

  /* Translators: two sizes */
  return g_strdup_printf (_("%1$s stay all the time, %2$s come and go"), staying_text, passing_text);
}

/**
 * hr_report_dup_trained: (skip)
 * @self: a report
 *
 * Says how many parameters are trained, and how many that are beside those of the model.
 *
 * Returns: (transfer full) (nullable): a part of a sentence, or %NULL if nothing is trained
 */
char *
hr_report_dup_trained (HrReport *self)
{
  guint64 trained = hr_estimate_get_n_trainable_parameters (hr_report_get_estimate (self));
  guint64 all = hr_model_get_n_parameters (hr_report_get_model (self));
  g_autofree char *number = hr_format_integer (trained);

  if (trained == 0 || all == 0)
    return NULL;

  if (hr_report_get_n_gpus (self) > 1 || hr_estimate_get_n_ranks (hr_report_get_estimate (self)) > 1)
    /* Translators: a number of parameters, and how many per cent of those of the model that is */
    return g_strdup_printf (_("%1$s parameters are trained on the fullest GPU, %2$.3g %% of those of the model"),
                            number, 100.0 * trained / all);

  /* Translators: a number of parameters, and how many per cent of those of the model that is */
  return g_strdup_printf (_("%1$s parameters are trained, %2$.3g %% of those of the model"), number,
                          100.0 * trained / all);
}
