/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-log-report.h"

#include <glib/gi18n-lib.h>

#include "hr-log-labels.h"
#include "hr-report-private.h"

/* What a program has written about memory, alone and beside an estimate. */

#define MASK(component) (1u << HR_COMPONENT_ ## component)

/* What of a log is set beside which parts of an estimate. */
static const struct
{
  HrLogTerm term;
  guint components;
} pairs[] = {
  { HR_LOG_WEIGHTS, MASK (WEIGHTS) | MASK (ADAPTERS) },
  { HR_LOG_KV_CACHE, MASK (KV_CACHE) },
  { HR_LOG_ACTIVATIONS, MASK (ACTIVATIONS) | MASK (LOGITS) | MASK (TEMPORARY) | MASK (INPUTS) },
  { HR_LOG_COMPUTE_BUFFER, MASK (ACTIVATIONS) | MASK (LOGITS) | MASK (TEMPORARY) | MASK (INPUTS) },
  { HR_LOG_CUDA_GRAPHS, MASK (CUDA_GRAPHS) },
};

/**
 * hr_log_dup_title: (skip)
 * @log: a log
 *
 * Says which program a log is of.
 *
 * Returns: (transfer full): such as “vLLM 0.8.5”
 */
char *
hr_log_dup_title (HrLog *log)
{
  const char *version;

  g_return_val_if_fail (HR_IS_LOG (log), NULL);

  version = hr_log_get_version (log);
  if (version == NULL)
    return g_strdup (hr_log_get_program_name (log));

  return g_strdup_printf ("%s %s", hr_log_get_program_name (log), version);
}

static char *
create_label (const HrLogFigure *figure)
{
  if (figure->device == NULL)
    return g_strdup (hr_log_term_get_label (figure->term));

  /* Translators: 1 what memory is for, such as “KV cache”, 2 a device, such as “CUDA0” */
  return g_strdup_printf (_("%1$s (%2$s)"), hr_log_term_get_label (figure->term), figure->device);
}

static char *
create_note (const HrLogFigure *figure)
{
  g_autofree char *line = g_strdup_printf ("%u", figure->line);
  g_autofree char *margin = NULL;

  if (figure->margin == 0 || !hr_log_term_is_bytes (figure->term))
    /* Translators: the number of a line */
    return g_strdup_printf (_("line %s"), line);

  margin = hr_format_bytes (figure->margin, HR_UNIT_SYSTEM_BINARY);

  /* Translators: 1 the number of a line, 2 a size: how far a figure that was rounded may be off */
  return g_strdup_printf (_("line %1$s, ± %2$s"), line, margin);
}

/**
 * hr_log_create_table: (skip)
 * @log: a log
 *
 * Lists all that a log says.
 *
 * Returns: (transfer full): a table
 */
HrAnatomyTable *
hr_log_create_table (HrLog *log)
{
  g_autofree char *title = NULL;
  const HrLogFigure *figures;
  HrAnatomyTable *table;
  guint n_figures;

  g_return_val_if_fail (HR_IS_LOG (log), NULL);

  title = hr_log_dup_title (log);
  figures = hr_log_get_figures (log, &n_figures);
  table = hr_anatomy_table_new ("log", title, NULL, _("Figure"));
  hr_anatomy_table_add_column (table, "value", _("In the log"));
  for (guint i = 0; i < n_figures; i++)
    {
      g_autofree char *label = create_label (&figures[i]);
      HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, hr_log_term_get_name (figures[i].term), label);

      hr_anatomy_row_set (row, 0,
                          hr_log_term_is_bytes (figures[i].term) ? HR_ANATOMY_UNIT_BYTES : HR_ANATOMY_UNIT_COUNT,
                          figures[i].value);
      row->note = create_note (&figures[i]);
    }

  return table;
}

/**
 * hr_log_to_text: (skip)
 * @log: a log
 * @unit_system: the units of sizes
 * @style: how the text looks
 *
 * Writes what a log says for people.
 *
 * Returns: (transfer full): the text
 */
char *
hr_log_to_text (HrLog             *log,
                HrUnitSystem       unit_system,
                HrReportTextStyle  style)
{
  g_autoptr (HrAnatomyTable) table = hr_log_create_table (log);
  g_autoptr (HrDocument) document = hr_document_new ();

  hr_document_add_text (document, HR_DOCUMENT_TITLE, table->title);
  hr_anatomy_table_add_to (table, unit_system, document);

  return hr_document_to_text (document, style);
}

static void
build_figure (JsonBuilder       *builder,
              const HrLogFigure *figure)
{
  gboolean is_bytes = hr_log_term_is_bytes (figure->term);

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "program", figure->program);
  hr_json_build_string (builder, "id", hr_log_term_get_name (figure->term));
  hr_json_build_string (builder, "label", hr_log_term_get_label (figure->term));
  hr_json_build_string (builder, "device", figure->device);
  hr_json_build_integer (builder, is_bytes ? "bytes" : "count", figure->value);
  if (is_bytes)
    hr_json_build_integer (builder, "margin-bytes", figure->margin);
  hr_json_build_integer (builder, "line", figure->line);
  json_builder_end_object (builder);
}

/**
 * hr_log_to_json: (skip)
 * @log: a log
 *
 * Writes what a log says for programs.
 *
 * Returns: (transfer full): an object of JSON, `headroom-log/1`
 */
char *
hr_log_to_json (HrLog *log)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const HrLogFigure *figures;
  guint n_figures;

  g_return_val_if_fail (HR_IS_LOG (log), NULL);

  figures = hr_log_get_figures (log, &n_figures);
  json_builder_begin_object (builder);
  hr_json_build_string (builder, "schema", "headroom-log/1");
  hr_json_build_string (builder, "program", hr_log_get_program (log));
  hr_json_build_string (builder, "version", hr_log_get_version (log));
  json_builder_set_member_name (builder, "figures");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n_figures; i++)
    build_figure (builder, &figures[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}

static guint64
sum_components (HrEstimate *estimate,
                guint       components)
{
  guint64 bytes = 0;

  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    {
      if ((components & 1u << i) != 0)
        bytes += hr_estimate_get_component_bytes (estimate, i);
    }

  return bytes;
}

/* @estimated is 0 where the estimate has nothing of that kind. */
static void
add_pair (HrAnatomyTable *table,
          const char     *id,
          const char     *label,
          guint64         logged,
          guint64         estimated)
{
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, id, label);

  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_BYTES, logged);
  if (estimated == 0)
    return;

  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_BYTES, estimated);
  hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_BYTES_DIFFERENCE, estimated - logged);
  if (logged > 0)
    /* Translators: how far an estimate is from a figure of a log */
    row->note = g_strdup_printf (_("%+.1f %% of what the log says"),
                                 100 * ((double) estimated - (double) logged) / (double) logged);
}

/* What an estimate calls KV cache holds the states of recurrent layers as well. */
static gboolean
get_logged (HrLog     *log,
            HrLogTerm  term,
            guint64   *bytes)
{
  guint64 states;

  if (!hr_log_get_largest (log, term, bytes, NULL))
    return FALSE;

  if (term == HR_LOG_KV_CACHE && hr_log_get_largest (log, HR_LOG_RECURRENT_STATE, &states, NULL))
    *bytes += states;

  return TRUE;
}

/* What a process takes beside all that it says, where it is known what it takes. */
static void
add_rest (HrAnatomyTable *table,
          HrLog          *log,
          guint64         sum)
{
  HrAnatomyRow *row;
  guint64 all;

  if (sum == 0 || (!hr_log_get_largest (log, HR_LOG_PROCESS, &all, NULL) &&
                   !hr_log_get_largest (log, HR_LOG_DEVICE_USED, &all, NULL)))
    return;

  row = hr_anatomy_table_add_row (table, 0, "unaccounted", _("Unaccounted for"));
  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_BYTES_DIFFERENCE, all - sum);
}

static void
add_non_torch (HrReport       *self,
               HrAnatomyTable *table,
               HrLog          *log,
               guint64        *sum)
{
  guint64 logged;

  if (!hr_log_get_largest (log, HR_LOG_NON_TORCH, &logged, NULL))
    return;

  *sum += logged;
  add_pair (table, hr_log_term_get_name (HR_LOG_NON_TORCH), hr_log_term_get_label (HR_LOG_NON_TORCH), logged,
            hr_estimate_get_non_torch_bytes (hr_report_get_estimate (self)));
}

static void
add_totals (HrReport       *self,
            HrAnatomyTable *table,
            HrLog          *log)
{
  HrEstimate *estimate = hr_report_get_estimate (self);
  gboolean is_exact = hr_estimate_get_method (estimate) == HR_ESTIMATE_METHOD_EXACT;
  guint64 reserved = is_exact && hr_estimate_knows_reserved (estimate) ? hr_estimate_get_reserved_bytes (estimate) : 0;
  const struct
  {
    HrLogTerm term;
    guint64 estimated;
  } totals[] = {
    { HR_LOG_ALLOCATED_PEAK, is_exact ? hr_estimate_get_allocated_bytes (estimate) : 0 },
    { HR_LOG_RESERVED_PEAK, reserved },
    { HR_LOG_PROCESS, hr_estimate_get_total_bytes (estimate) },
    { HR_LOG_DEVICE_USED, hr_estimate_get_total_bytes (estimate) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (totals); i++)
    {
      guint64 logged;

      if (hr_log_get_largest (log, totals[i].term, &logged, NULL))
        add_pair (table, hr_log_term_get_name (totals[i].term), hr_log_term_get_label (totals[i].term), logged,
                  totals[i].estimated);
    }
}

/**
 * hr_report_create_log: (skip)
 * @self: a report
 * @log: what a program has written that did the job
 *
 * Sets what a program says of memory beside the estimate, part by part, on the device that has most.
 *
 * Returns: (transfer full): a table
 */
HrAnatomyTable *
hr_report_create_log (HrReport *self,
                      HrLog    *log)
{
  g_autofree char *title = NULL;
  g_autofree char *description = NULL;
  HrAnatomyTable *table;
  guint64 sum = 0;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);
  g_return_val_if_fail (HR_IS_LOG (log), NULL);

  title = hr_log_dup_title (log);
  /* Translators: the name of a program */
  description = g_strdup_printf (_("What %s has written, on the GPU that has most, beside the estimate. A cache that "
                                   "is made in advance takes what is left; the estimate’s is for the tokens of the "
                                   "job."),
                                 title);
  table = hr_anatomy_table_new ("log", _("Compared With a Log"), description, _("Figure"));
  hr_anatomy_table_add_column (table, "log", _("In the log"));
  hr_anatomy_table_add_column (table, "estimate", _("Estimate"));
  hr_anatomy_table_add_column (table, "difference", _("Difference"));
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      guint64 logged;

      if (!get_logged (log, pairs[i].term, &logged))
        continue;
      sum += logged;
      add_pair (table, hr_log_term_get_name (pairs[i].term), hr_log_term_get_label (pairs[i].term), logged,
                sum_components (hr_report_get_estimate (self), pairs[i].components));
    }
  add_non_torch (self, table, log, &sum);
  add_totals (self, table, log);
  add_rest (table, log, sum);

  return table;
}
