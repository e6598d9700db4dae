/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-export-timeline.h"

#include <glib/gi18n-lib.h>

#include "hr-labels.h"
#include "hr-timeline.h"

/* How much of a stretch, whose length is 2, its highest moment is shown for: it could not be seen otherwise. */
#define HIGHEST_LENGTH 1.0

/* From the bottom up: what stays, then what comes and goes. */
static const HrComponentId stacking[] = {
  HR_COMPONENT_RESERVE,
  HR_COMPONENT_FRAMEWORK,
  HR_COMPONENT_FRAGMENTATION,
  HR_COMPONENT_WEIGHTS,
  HR_COMPONENT_REFERENCE_MODEL,
  HR_COMPONENT_VALUE_MODEL,
  HR_COMPONENT_REWARD_MODEL,
  HR_COMPONENT_ROLLOUT_ENGINE,
  HR_COMPONENT_ADAPTERS,
  HR_COMPONENT_MASTER_WEIGHTS,
  HR_COMPONENT_OPTIMIZER,
  HR_COMPONENT_CUDA_GRAPHS,
  HR_COMPONENT_COMMUNICATION,
  HR_COMPONENT_INPUTS,
  HR_COMPONENT_KV_CACHE,
  HR_COMPONENT_GRADIENTS,
  HR_COMPONENT_ACTIVATIONS,
  HR_COMPONENT_LOGITS,
  HR_COMPONENT_TEMPORARY,
};

G_STATIC_ASSERT (G_N_ELEMENTS (stacking) == HR_N_COMPONENTS);

/* What the texts of a timeline are made from. */
typedef struct
{
  HrTimelinePoint *points;
  guint n_points;
  HrUnitSystem units;
} Texts;

static void
texts_free (gpointer data)
{
  Texts *texts = data;

  g_free (texts->points);
  g_free (texts);
}

static char *
format_bytes (guint64  value,
              gpointer user_data)
{
  Texts *texts = user_data;

  return hr_format_bytes (value, texts->units);
}

static char *
describe_point (guint    index,
                gpointer user_data)
{
  Texts *texts = user_data;
  const HrTimelinePoint *point = &texts->points[index];
  const char *phase = hr_phase_id_get_label (point->phase);

  if (point->layer < 0)
    return g_strdup (phase);

  /* Translators: a moment of a job: 1 the name of a phase, 2 the index of a layer; for example "Forward, layer 17" */
  return g_strdup_printf (_("%1$s, layer %2$d"), phase, point->layer);
}

static gboolean
is_held (HrEstimate    *estimate,
         const Texts   *texts,
         HrComponentId  id)
{
  if (!hr_component_id_is_allocated (id))
    return hr_estimate_get_component_bytes (estimate, id) > 0;

  for (guint i = 0; i < texts->n_points; i++)
    {
      if (texts->points[i].level.by_component[id] > 0)
        return TRUE;
    }

  return FALSE;
}

static void
add_points (HrTimelineData      *data,
            HrEstimate          *estimate,
            const Texts         *texts,
            const HrComponentId *ids,
            guint                n_ids)
{
  guint64 values[HR_N_COMPONENTS];
  HrPhaseId phase = HR_N_PHASES;

  /* What the device shows beside what the allocator hands out is taken to be the same all the time. */
  for (guint i = 0; i < n_ids; i++)
    values[i] = hr_component_id_is_allocated (ids[i]) ? 0 : hr_estimate_get_component_bytes (estimate, ids[i]);

  for (guint i = 0; i < texts->n_points; i++)
    {
      const HrTimelinePoint *point = &texts->points[i];

      if (point->phase != phase)
        hr_timeline_data_begin_band (data, hr_phase_id_get_label (point->phase));
      phase = point->phase;
      for (guint j = 0; j < n_ids; j++)
        {
          if (hr_component_id_is_allocated (ids[j]))
            values[j] = point->level.by_component[ids[j]];
        }
      hr_timeline_data_add_point (data, point->position, point->kind == HR_TIMELINE_POINT_HIGHEST ? HIGHEST_LENGTH : 0,
                                  values);
    }
}

static void
add_capacity (HrTimelineData *data,
              HrReport       *report)
{
  HrGpu *gpu = hr_report_get_gpu (report);
  g_autofree char *memory = NULL;
  g_autofree char *text = NULL;

  if (gpu == NULL)
    return;

  memory = hr_format_bytes (hr_gpu_get_usable_memory (gpu), hr_report_get_unit_system (report));
  /* Translators: at a line in a chart: 1 the name of a GPU, 2 the size of its memory */
  text = g_strdup_printf (_("%1$s: %2$s"), hr_gpu_get_name (gpu), memory);
  hr_timeline_data_set_capacity (data, hr_gpu_get_usable_memory (gpu), text);
}

/**
 * hr_export_create_timeline_data:
 * @report: a report
 * @title: what the chart is called
 * @scheme: what the chart stands on
 *
 * Prepares what the timeline of a report shows. Its highest point is the total of the estimate.
 *
 * Returns: (transfer full) (nullable): the data, or %NULL if the estimate has no timeline
 */
HrTimelineData *
hr_export_create_timeline_data (HrReport        *report,
                                const char      *title,
                                HrPaletteScheme  scheme)
{
  HrEstimate *estimate;
  const HrTimeline *timeline;
  HrTimelineData *data;
  HrComponentId ids[HR_N_COMPONENTS];
  g_autofree char *sentence = NULL;
  const char *unit_name;
  guint64 unit;
  guint n_ids = 0;
  Texts *texts;

  g_return_val_if_fail (HR_IS_REPORT (report), NULL);
  g_return_val_if_fail (title != NULL, NULL);

  estimate = hr_report_get_estimate (report);
  timeline = hr_estimate_get_timeline (estimate);
  if (timeline == NULL)
    return NULL;

  texts = g_new0 (Texts, 1);
  texts->units = hr_report_get_unit_system (report);
  texts->points = hr_timeline_dup_points (timeline, &texts->n_points);
  data = hr_timeline_data_new (title, format_bytes, describe_point, texts, texts_free);
  unit = hr_get_byte_unit (hr_estimate_get_total_bytes (estimate), texts->units, &unit_name);
  hr_timeline_data_set_unit (data, unit, unit_name);

  for (guint i = 0; i < G_N_ELEMENTS (stacking); i++)
    {
      HrComponentId id = stacking[i];

      if (!is_held (estimate, texts, id))
        continue;

      hr_timeline_data_add_part (data, hr_component_id_get_name (id), hr_component_id_get_label (id),
                                 hr_palette_get_color (id, scheme), id);
      ids[n_ids++] = id;
    }

  add_points (data, estimate, texts, ids, n_ids);
  sentence = hr_estimate_dup_peak_sentence (estimate);
  hr_timeline_data_set_peak (data, hr_timeline_find_peak (timeline, texts->points, texts->n_points), sentence);
  add_capacity (data, report);

  return data;
}
