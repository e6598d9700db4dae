/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-advice.h"
#include "hr-capacity.h"
#include "hr-format-choice.h"
#include "hr-gpu-choice.h"
#include "hr-largest.h"
#include "hr-log-report.h"
#include "hr-report-private.h"
#include "hr-report-calibration.h"
#include "hr-report-steps.h"

#include "hr-article-reason.h"
#include "hr-job-private.h"
#include "hr-labels.h"
#include "hr-scenario-json.h"

/* What has been built, as people read it as well. */
char *
hr_json_builder_to_text (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *json = json_to_string (root, TRUE);

  return g_strconcat (json, "\n", NULL);
}

/* A member that is a text, or null where there is none. */
void
hr_json_build_string (JsonBuilder *builder,
                      const char  *name,
                      const char  *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

/* A member that is a whole number. */
void
hr_json_build_integer (JsonBuilder *builder,
                       const char  *name,
                       gint64       value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

/* Only where a formula that people know gets something wrong. */
static void
add_faults (JsonBuilder *builder,
            HrComponent *component)
{
  g_autofree char *faults = hr_component_dup_faults (component);

  if (faults != NULL)
    hr_json_build_string (builder, "faults", faults);
}

static void
add_components (JsonBuilder *builder,
                GListModel  *components)
{
  json_builder_set_member_name (builder, "components");
  json_builder_begin_array (builder);

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", hr_component_id_get_name (id));
      hr_json_build_string (builder, "label", hr_component_id_get_label (id));
      hr_json_build_integer (builder, "bytes", hr_component_get_bytes (component));
      hr_json_build_string (builder, "formula", hr_text_translate (hr_component_get_formula (component)));
      hr_json_build_string (builder, "substitution", hr_component_get_substitution (component));
      hr_json_build_string (builder, "source", hr_text_translate (hr_component_get_source (component)));
      add_faults (builder, component);
      json_builder_end_object (builder);
    }

  json_builder_end_array (builder);
}

/* Where nine of ten measured cases lie around what is reserved. */
static void
add_reserved_range (JsonBuilder *builder,
                    HrEstimate  *estimate)
{
  guint64 low, high;

  if (!hr_estimate_get_reserved_range (estimate, &low, &high))
    return;

  json_builder_set_member_name (builder, "reserved-range");
  json_builder_begin_object (builder);
  hr_json_build_integer (builder, "low-bytes", low);
  hr_json_build_integer (builder, "high-bytes", high);
  hr_json_build_string (builder, "reason", hr_reserved_range_get_reason ());
  json_builder_end_object (builder);
}

static void
add_peak (JsonBuilder *builder,
          HrEstimate  *estimate)
{
  guint64 safe;

  hr_json_build_integer (builder, "total-bytes", hr_estimate_get_total_bytes (estimate));
  if (hr_estimate_get_method (estimate) == HR_ESTIMATE_METHOD_EXACT)
    {
      hr_json_build_integer (builder, "allocated-bytes", hr_estimate_get_allocated_bytes (estimate));
      if (hr_estimate_knows_reserved (estimate))
        hr_json_build_integer (builder, "reserved-bytes", hr_estimate_get_reserved_bytes (estimate));
      add_reserved_range (builder, estimate);
      if (hr_estimate_get_safe_bytes (estimate, &safe))
        hr_json_build_integer (builder, "safe-bytes", safe);
      if (hr_estimate_get_safe_reason (estimate) != NULL)
        hr_json_build_string (builder, "safe-reason", hr_text_translate (hr_estimate_get_safe_reason (estimate)));
    }
  hr_json_build_string (builder, "peak-phase", hr_phase_id_get_name (hr_estimate_get_peak_phase (estimate)));
  hr_json_build_string (builder, "peak-moment", hr_text_translate (hr_estimate_get_peak_moment (estimate)));
  hr_json_build_string (builder, "peak-operation", hr_estimate_get_peak_operation (estimate));
  add_components (builder, hr_estimate_get_components (estimate));
}

static void
add_phases (JsonBuilder *builder,
            HrEstimate  *estimate)
{
  const HrPhase *phases;
  guint n_phases;

  json_builder_set_member_name (builder, "phases");
  json_builder_begin_array (builder);

  phases = hr_estimate_get_phases (estimate, &n_phases);
  for (guint i = 0; i < n_phases; i++)
    {
      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", hr_phase_id_get_name (phases[i].id));
      hr_json_build_string (builder, "label", hr_phase_id_get_label (phases[i].id));
      hr_json_build_integer (builder, "peak-bytes", phases[i].peak_bytes);
      json_builder_end_object (builder);
    }

  json_builder_end_array (builder);
}

/* What a processor made of one input. */
void
hr_medium_tokens_build_json (const HrMediumTokens *item,
                             JsonBuilder          *builder)
{
  g_autofree char *text = hr_medium_to_text (&item->medium);

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "kind", hr_medium_kind_get_name (item->kind));
  hr_json_build_string (builder, "input", text);
  hr_json_build_integer (builder, "tokens", item->tokens);
  hr_json_build_string (builder, "formula", item->formula);
  if (item->markers > 0)
    hr_json_build_integer (builder, "markers", item->markers);
  if (item->around > 0)
    hr_json_build_integer (builder, "around", item->around);
  if (item->crossed > 0)
    hr_json_build_integer (builder, "crossed", item->crossed);
  json_builder_end_object (builder);
}

/* Only where there is more than text. */
static void
add_media (JsonBuilder *builder,
           HrEstimate  *estimate)
{
  const HrMediumTokens *media;
  guint n_media;

  media = hr_estimate_get_media (estimate, &n_media);
  if (n_media == 0)
    return;

  json_builder_set_member_name (builder, "inputs");
  json_builder_begin_array (builder);
  json_builder_begin_object (builder);
  hr_json_build_string (builder, "kind", "text");
  hr_json_build_integer (builder, "tokens", hr_estimate_get_text_tokens (estimate));
  json_builder_end_object (builder);
  for (guint i = 0; i < n_media; i++)
    hr_medium_tokens_build_json (&media[i], builder);
  json_builder_end_array (builder);
}

static void
add_devices (JsonBuilder *builder,
             HrEstimate  *estimate)
{
  json_builder_set_member_name (builder, "devices");
  json_builder_begin_array (builder);

  for (guint i = 0; i < hr_estimate_get_n_devices (estimate); i++)
    {
      json_builder_begin_object (builder);
      hr_json_build_integer (builder, "index", i);
      hr_json_build_integer (builder, "ranks",
                             hr_estimate_get_n_ranks (estimate) / hr_estimate_get_n_devices (estimate));
      if (hr_estimate_get_n_stages (estimate) > 0)
        hr_json_build_integer (builder, "stage", i);
      hr_json_build_integer (builder, "peak-bytes", hr_estimate_get_device_bytes (estimate, i));
      add_components (builder, hr_estimate_get_device_components (estimate, i));
      json_builder_end_object (builder);
    }

  json_builder_end_array (builder);
}

/* What was measured, or null. */
static void
add_measured (JsonBuilder *builder,
              HrReport    *self)
{
  g_autoptr (HrAnatomyTable) table = NULL;
  guint64 measured = hr_report_get_measured_bytes (self);

  json_builder_set_member_name (builder, "measured");
  if (measured == 0)
    {
      json_builder_add_null_value (builder);
      return;
    }

  table = hr_report_create_measured (self, measured);
  json_builder_begin_object (builder);
  hr_json_build_integer (builder, "bytes", measured);
  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);

      json_builder_set_member_name (builder, row->id);
      json_builder_begin_object (builder);
      hr_json_build_integer (builder, "estimated-bytes", row->values[0].number);
      hr_json_build_integer (builder, "difference-bytes", row->values[1].number);
      json_builder_end_object (builder);
    }
  json_builder_end_object (builder);
}

/* A value of a row that it may have. */
static void
build_value (JsonBuilder        *builder,
             const char         *name,
             const HrAnatomyRow *row,
             guint               column)
{
  if (row->values[column].unit != HR_ANATOMY_UNIT_NONE)
    hr_json_build_integer (builder, name, row->values[column].number);
}

/* What a program has written that did the job, or null. */
static void
add_log (JsonBuilder *builder,
         HrReport    *self)
{
  HrLog *log = hr_report_get_log (self);
  g_autoptr (HrAnatomyTable) table = NULL;

  json_builder_set_member_name (builder, "log");
  if (log == NULL)
    {
      json_builder_add_null_value (builder);
      return;
    }

  table = hr_report_create_log (self, log);
  json_builder_begin_object (builder);
  hr_json_build_string (builder, "program", hr_log_get_program (log));
  hr_json_build_string (builder, "version", hr_log_get_version (log));
  json_builder_set_member_name (builder, "figures");
  json_builder_begin_array (builder);
  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", row->id);
      hr_json_build_string (builder, "label", row->label);
      build_value (builder, "log-bytes", row, 0);
      build_value (builder, "estimated-bytes", row, 1);
      build_value (builder, "difference-bytes", row, 2);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

/* What the machine has shown of the program, or null. */
static void
add_calibration (JsonBuilder *builder,
                 HrReport    *self)
{
  const HrCalibrationRow *row = hr_report_find_calibration (self);
  guint64 bytes;

  json_builder_set_member_name (builder, "calibration");
  if (!hr_report_get_calibrated_bytes (self, &bytes))
    {
      json_builder_add_null_value (builder);
      return;
    }

  json_builder_begin_object (builder);
  hr_json_build_integer (builder, "total-bytes", bytes);
  hr_json_build_integer (builder, "difference-bytes", row->difference);
  hr_json_build_string (builder, "origin", row->origin);
  hr_json_build_string (builder, "date", row->date);
  json_builder_end_object (builder);
}

static void
add_gpu (JsonBuilder *builder,
         HrReport    *report)
{
  HrGpu *gpu = hr_report_get_gpu (report);

  json_builder_set_member_name (builder, "gpu");

  if (gpu == NULL)
    {
      json_builder_add_null_value (builder);
      return;
    }

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "id", hr_gpu_get_id (gpu));
  hr_json_build_string (builder, "name", hr_gpu_get_name (gpu));
  hr_json_build_integer (builder, "memory-bytes", hr_gpu_get_memory (gpu));
  if (hr_gpu_knows_usable_memory (gpu))
    hr_json_build_integer (builder, "usable-memory-bytes", hr_gpu_get_usable_memory (gpu));
  hr_json_build_integer (builder, "count", hr_report_get_n_gpus (report));
  json_builder_set_member_name (builder, "fits");
  json_builder_add_boolean_value (builder, hr_report_get_fits (report));
  hr_json_build_integer (builder, "free-bytes", hr_report_get_free_bytes (report));
  hr_json_build_integer (builder, "missing-bytes", hr_report_get_missing_bytes (report));
  json_builder_end_object (builder);
}

static void
add_rule_of_thumb (JsonBuilder *builder,
                   HrEstimate  *rule)
{
  json_builder_set_member_name (builder, "rule-of-thumb");

  if (rule == NULL)
    {
      json_builder_add_null_value (builder);
      return;
    }

  json_builder_begin_object (builder);
  hr_json_build_integer (builder, "total-bytes", hr_estimate_get_total_bytes (rule));
  add_components (builder, hr_estimate_get_components (rule));
  add_media (builder, rule);
  json_builder_set_member_name (builder, "notes");
  json_builder_begin_array (builder);
  for (const char * const *notes = hr_estimate_get_warnings (rule); *notes != NULL; notes++)
    json_builder_add_string_value (builder, *notes);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
add_advice (JsonBuilder *builder,
            HrReport    *report)
{
  g_autoptr (GPtrArray) advice = hr_report_list_advice (report);

  json_builder_set_member_name (builder, "advice");
  json_builder_begin_array (builder);
  for (guint i = 0; i < advice->len; i++)
    {
      const HrAdvice *item = g_ptr_array_index (advice, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "change", item->change);
      hr_json_build_integer (builder, "saves-bytes", item->saves_bytes);
      hr_json_build_string (builder, "text", item->text);
      if (item->cost != NULL)
        hr_json_build_string (builder, "cost", item->cost);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_largest (JsonBuilder     *builder,
             const HrLargest *largest,
             HrUnitSystem     units)
{
  g_autofree char *value = hr_largest_dup_value (largest);
  g_autofree char *reason = hr_largest_dup_reason (largest, units);

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "setting", largest->setting);
  json_builder_set_member_name (builder, "fits");
  json_builder_add_boolean_value (builder, largest->fits);
  hr_json_build_integer (builder, "value", largest->value);
  if (largest->fits)
    hr_json_build_integer (builder, "free-bytes", largest->free_bytes);
  hr_json_build_string (builder, "bound", hr_largest_bound_get_name (largest->bound));
  if (largest->next > 0)
    hr_json_build_integer (builder, "next", largest->next);
  if (largest->bound == HR_LARGEST_BOUND_MEMORY)
    hr_json_build_integer (builder, "missing-bytes", largest->missing_bytes);
  json_builder_set_member_name (builder, "monotone");
  json_builder_add_boolean_value (builder, largest->is_monotone);
  hr_json_build_string (builder, "text", value);
  hr_json_build_string (builder, "reason", reason);
  json_builder_end_object (builder);
}

/* How much of each setting fits on the GPUs. */
static void
add_fits (JsonBuilder *builder,
          HrReport    *report)
{
  g_autoptr (GPtrArray) largest = hr_report_list_largest (report);

  if (hr_report_get_gpu (report) == NULL)
    return;

  json_builder_set_member_name (builder, "fits");
  json_builder_begin_array (builder);
  for (guint i = 0; i < largest->len; i++)
    add_largest (builder, g_ptr_array_index (largest, i), hr_report_get_unit_system (report));
  json_builder_end_array (builder);
}

/* How long the requests may be that are served at once. */
static void
add_capacities (JsonBuilder *builder,
                HrReport    *report)
{
  g_autoptr (GPtrArray) capacities = hr_report_list_capacities (report);

  if (capacities->len == 0)
    return;

  json_builder_set_member_name (builder, "capacity");
  json_builder_begin_array (builder);
  for (guint i = 0; i < capacities->len; i++)
    {
      const HrCapacity *item = g_ptr_array_index (capacities, i);

      json_builder_begin_object (builder);
      hr_json_build_integer (builder, "requests", item->requests);
      hr_json_build_integer (builder, "tokens", item->tokens);
      hr_json_build_string (builder, "bound", item->is_longest ? "context-length" : "memory");
      if (item->change != NULL)
        hr_json_build_string (builder, "change", item->change);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/* In which formats the weights fit, the largest first. */
static void
add_formats (JsonBuilder *builder,
             HrReport    *report)
{
  g_autoptr (GPtrArray) formats = hr_report_list_formats (report);

  if (formats->len == 0)
    return;

  json_builder_set_member_name (builder, "formats");
  json_builder_begin_array (builder);
  for (guint i = 0; i < formats->len; i++)
    {
      const HrFormatChoice *item = g_ptr_array_index (formats, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "quantization", hr_quantization_get_name (item->quantization));
      json_builder_set_member_name (builder, "fits");
      json_builder_add_boolean_value (builder, item->fits);
      hr_json_build_integer (builder, "weight-bytes", item->weight_bytes);
      hr_json_build_integer (builder, "peak-bytes", item->bytes);
      if (item->fits)
        hr_json_build_integer (builder, "free-bytes", item->free_bytes);
      else if (item->missing_bytes > 0)
        hr_json_build_integer (builder, "missing-bytes", item->missing_bytes);
      if (item->fits && item->has_room)
        hr_json_build_integer (builder, "kv-cache-tokens", item->room_tokens);
      if (item->context > 0)
        hr_json_build_integer (builder, "context-length", item->context);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_price (JsonBuilder      *builder,
           const HrGpuPrice *price)
{
  json_builder_set_member_name (builder, "price");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "per-hour");
  json_builder_add_double_value (builder, price->per_hour);
  hr_json_build_string (builder, "currency", price->currency);
  hr_json_build_string (builder, "provider", price->provider);
  hr_json_build_string (builder, "source", price->source);
  hr_json_build_string (builder, "checked", price->checked);
  json_builder_end_object (builder);
}

/* All GPUs that would do, the smallest first; a price is that of one. */
static void
add_gpus_that_fit (JsonBuilder *builder,
                   HrReport    *report)
{
  g_autoptr (GPtrArray) choices = hr_report_list_gpus (report);

  json_builder_set_member_name (builder, "gpus-that-fit");
  json_builder_begin_array (builder);
  for (guint i = 0; i < choices->len; i++)
    {
      const HrGpuChoice *choice = g_ptr_array_index (choices, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", hr_gpu_get_id (choice->gpu));
      hr_json_build_string (builder, "name", hr_gpu_get_name (choice->gpu));
      hr_json_build_integer (builder, "count", choice->n_gpus);
      hr_json_build_integer (builder, "memory-bytes", hr_gpu_get_memory (choice->gpu));
      hr_json_build_integer (builder, "free-bytes", choice->free_bytes);
      if (choice->change != NULL)
        hr_json_build_string (builder, "change", choice->change);
      if (choice->price != NULL)
        add_price (builder, choice->price);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_warnings (JsonBuilder *builder,
              HrReport    *report)
{
  g_auto (GStrv) warnings = hr_report_dup_warnings (report);

  json_builder_set_member_name (builder, "warnings");
  json_builder_begin_array (builder);
  for (guint i = 0; warnings[i] != NULL; i++)
    json_builder_add_string_value (builder, warnings[i]);
  json_builder_end_array (builder);
}

static void
add_generator (JsonBuilder *builder,
               GDateTime   *date)
{
  g_autofree char *time = g_date_time_format_iso8601 (date);

  json_builder_set_member_name (builder, "generator");
  json_builder_begin_object (builder);
  hr_json_build_string (builder, "name", "Headroom");
  hr_json_build_string (builder, "version", PACKAGE_VERSION);
  hr_json_build_string (builder, "date", time);
  json_builder_end_object (builder);
}

/**
 * hr_report_to_json:
 * @self: a report
 *
 * Writes the report as JSON with the schema `headroom-estimate/1`: numbers of bytes are whole numbers, and the
 * components add up to the total exactly.
 *
 * Returns: (transfer full): the JSON
 */
char *
hr_report_to_json (HrReport *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  HrEstimate *estimate;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  estimate = hr_report_get_estimate (self);

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "schema", "headroom-estimate/1");
  json_builder_set_member_name (builder, "model");
  hr_model_build_json (hr_report_get_model (self), hr_report_get_kv_cache_dtype (self),
                       hr_estimate_get_n_trainable_parameters (estimate), builder);
  hr_json_build_string (builder, "mode", hr_mode_get_name (hr_estimate_get_mode (estimate)));
  json_builder_set_member_name (builder, "settings");
  hr_job_build_json (hr_report_get_job (self), builder);
  add_peak (builder, estimate);
  add_media (builder, estimate);
  add_phases (builder, estimate);
  add_devices (builder, estimate);
  add_gpu (builder, self);
  add_rule_of_thumb (builder, hr_estimate_get_rule_of_thumb (estimate));
  add_measured (builder, self);
  add_log (builder, self);
  add_calibration (builder, self);
  hr_report_build_compute (self, builder);
  add_advice (builder, self);
  add_fits (builder, self);
  add_capacities (builder, self);
  add_formats (builder, self);
  add_gpus_that_fit (builder, self);
  add_warnings (builder, self);
  if (hr_report_get_scenario (self) != NULL)
    {
      json_builder_set_member_name (builder, "scenario");
      hr_scenario_json_build (hr_report_get_scenario (self), NULL, builder);
    }
  add_generator (builder, hr_report_get_date (self));
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}
