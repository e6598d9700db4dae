/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-compute-text.h"
#include "hr-published-speeds.h"
#include "hr-report-private.h"

#include <glib/gi18n-lib.h>

#include "hr-labels.h"

/* What a job computes, in reports. */

static void
add_double (JsonBuilder *builder,
            const char  *name,
            double       value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static void
build_flops (JsonBuilder   *builder,
             const HrFlops *flops,
             gboolean       trains)
{
  hr_json_build_integer (builder, "flops", hr_flops_get_training (flops));
  hr_json_build_integer (builder, "masked-flops", flops->hidden);
  if (!trains)
    return;

  hr_json_build_integer (builder, "forward-flops", flops->forward);
  hr_json_build_integer (builder, "recomputed-flops", flops->recomputed);
  hr_json_build_integer (builder, "input-gradient-flops", flops->input_gradients);
  hr_json_build_integer (builder, "weight-gradient-flops", flops->weight_gradients);
}

static void
build_parts (JsonBuilder          *builder,
             const HrComputePhase *phase)
{
  json_builder_set_member_name (builder, "parts");
  json_builder_begin_array (builder);
  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      g_autofree char *substitution = NULL;

      if (!hr_compute_phase_has_part (phase, i))
        continue;

      substitution = hr_flop_part_dup_substitution (phase, i);
      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", hr_flop_part_get_id (i));
      hr_json_build_string (builder, "label", hr_flop_part_get_label (i));
      build_flops (builder, &phase->count->parts[i], hr_compute_phase_id_trains (phase->id));
      hr_json_build_string (builder, "formula", hr_flop_part_get_formula (i));
      hr_json_build_string (builder, "substitution", substitution);
      hr_json_build_string (builder, "source", hr_flop_part_get_source (i));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
build_traffic (JsonBuilder          *builder,
               const HrComputePhase *phase)
{
  json_builder_set_member_name (builder, "moved-bytes");
  json_builder_begin_object (builder);
  hr_json_build_integer (builder, "total", phase->traffic.total);
  hr_json_build_integer (builder, "weights", phase->traffic.weights);
  hr_json_build_integer (builder, "kv-cache", phase->traffic.cache);
  hr_json_build_integer (builder, "activations", phase->traffic.activations);
  hr_json_build_integer (builder, "optimizer", phase->traffic.optimizer);
  hr_json_build_integer (builder, "kernels", phase->traffic.kernels);
  json_builder_end_object (builder);
  add_double (builder, "arithmetic-intensity", hr_compute_phase_get_intensity (phase));
}

static void
build_time (JsonBuilder          *builder,
            const HrComputePhase *phase)
{
  json_builder_set_member_name (builder, "time");
  if (!phase->has_time)
    {
      json_builder_add_null_value (builder);
      return;
    }

  json_builder_begin_object (builder);
  add_double (builder, "typical-seconds", phase->time.typical);
  add_double (builder, "fast-seconds", phase->time.fast);
  add_double (builder, "slow-seconds", phase->time.slow);
  add_double (builder, "least-seconds", phase->time.least);
  add_double (builder, "compute-seconds", phase->time.compute);
  add_double (builder, "memory-seconds", phase->time.memory);
  add_double (builder, "interconnect-seconds", phase->time.interconnect);
  add_double (builder, "kernels-seconds", phase->time.streaming);
  hr_json_build_integer (builder, "kernels", phase->n_kernels);
  add_double (builder, "launch-seconds", phase->time.launch);
  add_double (builder, "fused-seconds", phase->fused.typical);
  hr_json_build_string (builder, "bound", hr_bound_get_name (phase->time.bound));
  add_double (builder, "tokens-per-second", phase->tokens / phase->time.typical);
  add_double (builder, "mfu", phase->time.mfu);
  json_builder_end_object (builder);
}

static void
build_rules (JsonBuilder          *builder,
             HrReport             *report,
             const HrComputePhase *phase)
{
  g_autoptr (GPtrArray) rules = hr_compute_phase_list_rules (hr_report_get_compute (report, NULL), phase,
                                                             hr_report_get_model (report));

  json_builder_set_member_name (builder, "rule-of-thumb");
  json_builder_begin_array (builder);
  for (guint i = 0; i < rules->len; i++)
    {
      const HrComputeRule *rule = g_ptr_array_index (rules, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "label", rule->label);
      hr_json_build_string (builder, "formula", rule->formula);
      hr_json_build_string (builder, "substitution", rule->substitution);
      add_double (builder, "flops", rule->flops);
      hr_json_build_string (builder, "note", rule->note);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
build_phase (JsonBuilder          *builder,
             HrReport             *report,
             const HrComputePhase *phase)
{
  json_builder_begin_object (builder);
  hr_json_build_string (builder, "id", hr_compute_phase_id_get_name (phase->id));
  hr_json_build_string (builder, "label", hr_compute_phase_id_get_label (phase->id));
  hr_json_build_integer (builder, "tokens", phase->tokens);
  hr_json_build_integer (builder, "context", phase->context);
  add_double (builder, "per-step", phase->per_step);
  build_flops (builder, &phase->total, hr_compute_phase_id_trains (phase->id));
  build_parts (builder, phase);
  build_traffic (builder, phase);
  build_time (builder, phase);
  build_rules (builder, report, phase);
  json_builder_end_object (builder);
}

/* A member that says what is computed, or null where that is not counted. */
void
hr_report_build_compute (HrReport    *self,
                         JsonBuilder *builder)
{
  const char *reason = NULL;
  const HrCompute *compute = hr_report_get_compute (self, &reason);
  g_autofree char *summary = hr_published_speeds_dup_summary ();
  double seconds;

  json_builder_set_member_name (builder, "compute");
  json_builder_begin_object (builder);
  hr_json_build_string (builder, "missing", compute != NULL ? hr_compute_get_missing (compute) : reason);
  json_builder_set_member_name (builder, "phases");
  json_builder_begin_array (builder);
  for (guint i = 0; compute != NULL && i < hr_compute_get_n_phases (compute); i++)
    build_phase (builder, self, hr_compute_get_phase (compute, i));
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "step-seconds");
  if (compute != NULL && hr_compute_get_step_time (compute, &seconds))
    json_builder_add_double_value (builder, seconds);
  else
    json_builder_add_null_value (builder);
  json_builder_set_member_name (builder, "limits");
  json_builder_begin_array (builder);
  for (const char * const *limit = hr_compute_get_limits (); *limit != NULL; limit++)
    json_builder_add_string_value (builder, hr_text_translate (*limit));
  json_builder_add_string_value (builder, summary);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
add_row (HrDocumentBlock *table,
         const char      *label,
         const HrFlops   *flops,
         guint64          whole,
         gboolean         trains,
         gboolean         is_total)
{
  guint64 sum = hr_flops_get_training (flops);
  g_autofree char *all = hr_format_operations (sum);
  g_autofree char *share = hr_format_percentage (sum, whole);
  g_autofree char *forward = hr_format_operations (flops->forward);
  g_autofree char *backward = hr_format_operations ((double) flops->input_gradients + flops->weight_gradients);
  g_autofree char *again = hr_format_operations (flops->recomputed);
  const char * const cells[] = { label, all, share, trains ? forward : NULL, backward, again, NULL };

  hr_document_block_add_row (table, cells)->is_total = is_total;
}

static void
add_parts (HrDocument           *document,
           const HrComputePhase *phase)
{
  static const gboolean numeric[] = { FALSE, TRUE, TRUE, TRUE, TRUE, TRUE };
  gboolean trains = hr_compute_phase_id_trains (phase->id);
  const char * const columns[] = {
    _("Part"), _("Operations"), _("Share"), trains ? _("Forward") : NULL, _("Gradients"), _("Recomputed"), NULL,
  };
  HrDocumentBlock *table = hr_document_add_table (document, columns, numeric);
  guint64 whole = hr_flops_get_training (&phase->total);

  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      if (hr_compute_phase_has_part (phase, i))
        add_row (table, hr_flop_part_get_label (i), &phase->count->parts[i], whole, trains, FALSE);
    }
  add_row (table, _("Total"), &phase->total, whole, trains, TRUE);
}

static void
add_facts (HrReport             *self,
           HrDocumentBlock      *block,
           const HrComputePhase *phase)
{
  g_autoptr (GPtrArray) facts = hr_compute_phase_list_facts (phase, hr_report_get_compute (self, NULL),
                                                             hr_report_get_unit_system (self));

  for (guint i = 0; i < facts->len; i++)
    {
      const HrComputeFact *fact = g_ptr_array_index (facts, i);

      hr_document_block_add_fact (block, fact->name, fact->value, HR_DOCUMENT_PLAIN);
    }
}

static void
add_rules (HrReport             *self,
           HrDocumentBlock      *facts,
           const HrComputePhase *phase)
{
  g_autoptr (GPtrArray) rules = hr_compute_phase_list_rules (hr_report_get_compute (self, NULL), phase,
                                                             hr_report_get_model (self));

  for (guint i = 0; i < rules->len; i++)
    {
      const HrComputeRule *rule = g_ptr_array_index (rules, i);
      g_autofree char *text = hr_compute_rule_dup_text (rule, phase);

      hr_document_block_add_fact (facts, rule->label, text, HR_DOCUMENT_PLAIN);
    }
}

static void
add_explanation (HrDocument           *document,
                 const HrComputePhase *phase)
{
  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      g_autofree char *substitution = NULL;
      g_autofree char *result = NULL;
      HrDocumentBlock *facts;

      if (!hr_compute_phase_has_part (phase, i))
        continue;

      substitution = hr_flop_part_dup_substitution (phase, i);
      hr_document_add_text (document, HR_DOCUMENT_SUBHEADING, hr_flop_part_get_label (i));
      facts = hr_document_add_facts (document);
      hr_document_block_add_fact (facts, _("Formula"), hr_flop_part_get_formula (i), HR_DOCUMENT_FORMULA);
      hr_document_block_add_fact (facts, _("In numbers"), substitution, HR_DOCUMENT_FORMULA);
      result = hr_format_operations_in_full (phase->count->parts[i].forward);
      hr_document_block_add_fact (facts, _("Result"), result, HR_DOCUMENT_PLAIN);
      hr_document_block_add_fact (facts, _("Source"), hr_flop_part_get_source (i), HR_DOCUMENT_LINK);
    }
}

/* How long a step of training on answers takes altogether. */
static void
add_step (const HrCompute *compute,
          HrDocument      *document)
{
  g_autofree char *text = hr_compute_dup_step (compute);

  if (text != NULL)
    hr_document_block_add_fact (hr_document_add_facts (document), _("A step altogether"), text, HR_DOCUMENT_PLAIN);
}

/* What is computed in each phase, and how long that takes. */
void
hr_report_add_compute (HrReport   *self,
                       HrDocument *document)
{
  const char *reason = NULL;
  const HrCompute *compute = hr_report_get_compute (self, &reason);
  const HrComputePhase *explained;
  g_autofree char *summary = NULL;
  HrDocumentBlock *list;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("What is computed, and how long it takes"));
  if (compute == NULL || hr_compute_get_missing (compute) != NULL)
    hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH,
                          compute == NULL ? reason : hr_compute_get_missing (compute));
  if (compute == NULL)
    return;

  for (guint i = 0; i < hr_compute_get_n_phases (compute); i++)
    {
      const HrComputePhase *phase = hr_compute_get_phase (compute, i);
      g_autofree char *title = hr_compute_phase_dup_title (phase);
      HrDocumentBlock *facts;

      hr_document_add_text (document, HR_DOCUMENT_SUBHEADING, title);
      add_parts (document, phase);
      facts = hr_document_add_facts (document);
      add_facts (self, facts, phase);
      add_rules (self, facts, phase);
    }

  add_step (compute, document);
  list = hr_document_add_list (document);
  for (const char * const *limit = hr_compute_get_limits (); *limit != NULL; limit++)
    hr_document_block_add_item (list, hr_text_translate (*limit));
  summary = hr_published_speeds_dup_summary ();
  hr_document_block_add_item (list, summary);
  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("How the operations come about"));
  explained = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_TRAINING_STEP);
  add_explanation (document, explained != NULL ? explained : hr_compute_get_phase (compute, 0));
}
