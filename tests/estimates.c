/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What tests of all folders read from an estimate.
 */

#include <string.h>

#include "estimates.h"

/* A component that is not listed takes nothing. */
guint64
get_component_bytes (HrEstimate    *estimate,
                     HrComponentId  id)
{
  GListModel *components = hr_estimate_get_components (estimate);

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);

      if (hr_component_get_id (component) == id)
        return hr_component_get_bytes (component);
    }

  return 0;
}

/* 0 where a job does not come to the phase. */
guint64
get_phase_bytes (HrEstimate *estimate,
                 HrPhaseId   id)
{
  guint n_phases;
  const HrPhase *phases = hr_estimate_get_phases (estimate, &n_phases);

  for (guint i = 0; i < n_phases; i++)
    {
      if (phases[i].id == id)
        return phases[i].peak_bytes;
    }

  return 0;
}

static guint64
sum_components (HrEstimate *estimate,
                gboolean    beside)
{
  GListModel *components = hr_estimate_get_components (estimate);
  guint64 bytes = 0;

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);

      if (hr_component_id_is_allocated (id) != beside)
        bytes += hr_component_get_bytes (component);
    }

  return bytes;
}

/* The peak as torch's allocator counts it: all that it has handed out. */
guint64
get_allocated_bytes (HrEstimate *estimate)
{
  return sum_components (estimate, FALSE);
}

/* What a device holds besides: the framework, and what the allocator has reserved and not handed out. */
guint64
get_beside_bytes (HrEstimate *estimate)
{
  return sum_components (estimate, TRUE);
}

/* What the allocator hands out in a phase, in which the order of requests plays no part. */
guint64
get_handed_out (HrEstimate *estimate,
                HrPhaseId   id)
{
  return get_phase_bytes (estimate, id) - get_component_bytes (estimate, HR_COMPONENT_FRAGMENTATION);
}

gboolean
has_warning (HrEstimate *estimate,
             const char *part)
{
  const char * const *warnings = hr_estimate_get_warnings (estimate);

  for (guint i = 0; warnings[i] != NULL; i++)
    {
      if (strstr (warnings[i], part) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* Whether one of the kinds of models that have been seen is the model's. */
gboolean
is_new_kind (GHashTable *seen,
             HrModel    *model)
{
  return g_hash_table_add (seen, g_strdup_printf ("%s %d %d", hr_model_get_model_type (model),
                                                  hr_model_get_quantization (model),
                                                  hr_model_get_dtype (model)));
}
