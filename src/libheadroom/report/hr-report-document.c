/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-advice.h"
#include "hr-capacity.h"
#include "hr-format-choice.h"
#include "hr-gpu-choice.h"
#include "hr-largest.h"
#include "hr-log-report.h"
#include "hr-report-private.h"

#include <glib/gi18n-lib.h>

#include "hr-article-reason.h"
#include "hr-figure-names.h"
#include "hr-formula-symbols.h"
#include "hr-job-context.h"
#include "hr-labels.h"
#include "hr-palette.h"
#include "hr-report-calibration.h"
#include "hr-report-steps.h"

/* What a person calls the value of a setting. Of a model it is the name: where its file lies is nobody's business. */
char *
hr_report_describe_setting (HrJob      *job,
                            GParamSpec *setting)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_object_get_property (G_OBJECT (job), setting->name, &value);

  if (G_VALUE_HOLDS_ENUM (&value))
    return g_strdup (hr_setting_get_choice_label (setting, g_value_get_enum (&value)));

  if (G_VALUE_HOLDS_BOOLEAN (&value))
    return g_strdup (g_value_get_boolean (&value) ? _("Yes") : _("No"));

  if (hr_job_setting_is_model (setting) && hr_job_get_model (job, setting->name) != NULL)
    return g_strdup (hr_model_get_name (hr_job_get_model (job, setting->name)));

  if (hr_setting_get_open_label (setting) != NULL && g_param_value_defaults (setting, &value))
    return g_strdup (hr_setting_get_open_label (setting));

  if (!G_VALUE_HOLDS_UINT64 (&value))
    return hr_job_get_as_string (job, setting->name);

  return hr_format_integer (g_value_get_uint64 (&value));
}

static void
add_reserved_range (HrDocumentBlock *facts,
                    HrEstimate      *estimate,
                    HrUnitSystem     units)
{
  guint64 low, high;
  g_autofree char *low_text = NULL;
  g_autofree char *high_text = NULL;
  g_autofree char *text = NULL;

  if (!hr_estimate_get_reserved_range (estimate, &low, &high))
    return;

  low_text = hr_format_bytes (low, units);
  high_text = hr_format_bytes (high, units);
  /* Translators: two sizes, and a sentence that says why it is not known exactly */
  text = g_strdup_printf (_("%1$s to %2$s in nine of ten cases that were measured. %3$s"), low_text, high_text,
                          hr_reserved_range_get_reason ());
  hr_document_block_add_fact (facts, _("Range of what is reserved"), text, HR_DOCUMENT_PLAIN);
}

/* What to have room for. */
static void
add_safe (HrDocumentBlock *facts,
          HrEstimate      *estimate,
          HrUnitSystem     units)
{
  g_autofree char *size = NULL;
  g_autofree char *margin = NULL;
  const char *reason = hr_estimate_get_safe_reason (estimate);
  g_autofree char *margin_text = NULL;
  g_autofree char *text = NULL;
  guint64 bytes;

  if (!hr_estimate_get_safe_bytes (estimate, &bytes))
    {
      if (reason != NULL)
        hr_document_block_add_fact (facts, _("Safe figure"), hr_text_translate (reason), HR_DOCUMENT_PLAIN);
      return;
    }

  size = hr_format_bytes (bytes, units);
  margin = hr_format_bytes (bytes - hr_estimate_get_total_bytes (estimate), units);
  /* Translators: two sizes */
  margin_text = g_strdup_printf (_("%1$s, with a margin of %2$s that nineteen of twenty measured cases stay within"),
                                 size, margin);
  /* Translators: what is safe, and a sentence that says what the margin is of */
  text = reason != NULL ? g_strdup_printf (_("%1$s. %2$s"), margin_text, hr_text_translate (reason))
                        : g_steal_pointer (&margin_text);
  hr_document_block_add_fact (facts, _("Safe figure"), text, HR_DOCUMENT_PLAIN);
}

static void
add_calibrated (HrReport        *self,
                HrDocumentBlock *facts)
{
  g_autofree char *text = hr_report_dup_calibrated (self);

  if (text != NULL)
    hr_document_block_add_fact (facts, _("Calibration"), text, HR_DOCUMENT_PLAIN);
}

/* What is in no tensor. */
static void
add_missed (HrDocumentBlock     *facts,
            HrEstimate          *estimate,
            const HrFigureNames *names,
            HrUnitSystem         units)
{
  guint64 missed = hr_estimate_get_missed_bytes (estimate);
  g_autofree char *size = hr_format_bytes (missed, units);
  g_autofree char *share = hr_format_percentage (missed, hr_estimate_get_total_bytes (estimate));
  g_autofree char *text = NULL;

  if (names->has_allocator)
    /* Translators: a size, and its share of the total in percent */
    text = g_strdup_printf (_("%1$s, %2$s of the total, is in no tensor: the CUDA context, the libraries’ workspaces "
                              "and what the allocator keeps in reserve"),
                            size, share);
  else
    /* Translators: a size, and its share of the total in percent */
    text = g_strdup_printf (_("%1$s, %2$s of the total, is in no buffer: the CUDA context with its kernels"), size,
                            share);

  hr_document_block_add_fact (facts, _("What formulas miss"), text, HR_DOCUMENT_PLAIN);
}

static void
add_allocator_figures (HrDocumentBlock     *facts,
                       HrEstimate          *estimate,
                       const HrFigureNames *names,
                       HrUnitSystem         units)
{
  g_autofree char *allocated = hr_format_bytes (hr_estimate_get_allocated_bytes (estimate), units);
  g_autofree char *reserved = hr_format_bytes (hr_estimate_get_reserved_bytes (estimate), units);
  /* Translators: a size, and the function of PyTorch that tells it */
  g_autofree char *allocated_text = g_strdup_printf (_("%s in tensors (%s)"), allocated, names->used);
  /* Translators: a size, and the function of PyTorch that tells it */
  g_autofree char *reserved_text = g_strdup_printf (_("%s taken from the driver for them (%s)"), reserved,
                                                    names->reserved);

  hr_document_block_add_fact (facts, _("Allocated"), allocated_text, HR_DOCUMENT_PLAIN);
  if (hr_estimate_knows_reserved (estimate))
    hr_document_block_add_fact (facts, _("Reserved"), reserved_text, HR_DOCUMENT_PLAIN);
  add_reserved_range (facts, estimate, units);
}

static void
add_buffers_figure (HrDocumentBlock     *facts,
                    HrEstimate          *estimate,
                    const HrFigureNames *names,
                    HrUnitSystem         units)
{
  g_autofree char *size = hr_format_bytes (hr_estimate_get_allocated_bytes (estimate), units);
  g_autofree char *text = NULL;

  if (names->is_peak)
    /* Translators: a size, and a function of MLX */
    text = g_strdup_printf (_("%1$s in arrays, which mlx-lm prints as its peak memory (%2$s)"), size, names->used);
  else
    /* Translators: a size, and what llama.cpp writes beside it */
    text = g_strdup_printf (_("%1$s in buffers, which llama.cpp lists when it starts (%2$s)"), size, names->used);

  hr_document_block_add_fact (facts, _("Allocated"), text, HR_DOCUMENT_PLAIN);
}

/* The figures that people read off: those of the program, and what the driver shows, where that is known. */
static void
add_device_figures (HrReport        *self,
                    HrDocumentBlock *facts)
{
  HrEstimate *estimate = hr_report_get_estimate (self);
  HrUnitSystem units = hr_report_get_unit_system (self);
  const HrFigureNames *names = hr_job_get_figure_names (hr_report_get_job (self));
  g_autofree char *shown = hr_format_bytes (hr_estimate_get_total_bytes (estimate), units);

  if (names->has_allocator)
    add_allocator_figures (facts, estimate, names, units);
  else
    add_buffers_figure (facts, estimate, names, units);

  if (hr_estimate_get_component_bytes (estimate, HR_COMPONENT_FRAMEWORK) > 0)
    {
      /* Translators: a size, and the program that shows it */
      g_autofree char *text = g_strdup_printf (_("%s with the CUDA context (%s)"), shown, "nvidia-smi");

      hr_document_block_add_fact (facts, _("Shown by the device"), text, HR_DOCUMENT_PLAIN);
      add_safe (facts, estimate, units);
      add_calibrated (self, facts);
      add_missed (facts, estimate, names, units);
    }
}

/* What the rule of thumb comes to, and how far that is from the exact figure. */
static char *
describe_rule_figure (HrReport *self,
                      guint64   rule,
                      guint64   exact)
{
  HrUnitSystem units = hr_report_get_unit_system (self);
  g_autofree char *rule_text = hr_format_bytes (rule, units);
  g_autofree char *difference = hr_format_bytes_difference ((gint64) (rule - exact), units);
  HrEstimate *estimate = hr_report_get_estimate (self);
  HrEstimate *thumb = hr_estimate_get_rule_of_thumb (estimate);
  gboolean divided = thumb != NULL && hr_estimate_get_n_ranks (thumb) > 1;

  /* That of inference knows one device only: there is nothing to compare with the fullest of several. */
  if (hr_estimate_get_n_devices (estimate) == 1 || divided)
    /* Translators: a size, and how much it differs from the exact figure */
    return g_strdup_printf (_("%s (%s against the exact figure)"), rule_text, difference);

  /* Translators: a size */
  return g_strdup_printf (_("%s for all GPUs together"), rule_text);
}

/* What programs may have of a GPU's memory, where it is known to be less than all of it. */
static void
add_usable_memory (HrDocumentBlock *facts,
                   HrGpu           *gpu,
                   HrUnitSystem     units)
{
  guint64 kept = hr_gpu_get_memory (gpu) - hr_gpu_get_usable_memory (gpu);
  g_autofree char *usable = hr_format_bytes (hr_gpu_get_usable_memory (gpu), units);
  g_autofree char *rest = hr_format_bytes (kept, units);
  g_autofree char *text = NULL;

  if (kept == 0)
    return;

  /* Translators: two sizes: 1 what programs may have of a GPU's memory, 2 what the driver keeps */
  text = g_strdup_printf (_("%1$s; the driver keeps %2$s for itself"), usable, rest);
  hr_document_block_add_fact (facts, _("Usable memory"), text, HR_DOCUMENT_PLAIN);
}

static void
add_summary (HrReport   *self,
             HrDocument *document)
{
  HrEstimate *estimate = hr_report_get_estimate (self);
  HrEstimate *rule = hr_estimate_get_rule_of_thumb (estimate);
  HrUnitSystem units = hr_report_get_unit_system (self);
  HrGpu *gpu = hr_report_get_gpu (self);
  guint64 total = hr_estimate_get_total_bytes (estimate);
  g_autofree char *total_text = hr_format_bytes (total, units);
  g_autofree char *moment = NULL;
  g_autofree char *trained = hr_report_dup_trained (self);
  g_autofree char *staying = hr_report_dup_static (self);
  const char *operation = hr_estimate_get_peak_operation (estimate);
  HrDocumentBlock *facts = hr_document_add_facts (document);

  /* Translators: the name of a figure: the memory that a job takes at its peak */
  hr_document_block_add_fact (facts, _("Peak memory"), total_text, HR_DOCUMENT_PLAIN);
  if (hr_estimate_get_method (estimate) == HR_ESTIMATE_METHOD_EXACT)
    add_device_figures (self, facts);

  if (trained != NULL)
    hr_document_block_add_fact (facts, _("Trained"), trained, HR_DOCUMENT_PLAIN);
  hr_document_block_add_fact (facts, _("Static and dynamic"), staying, HR_DOCUMENT_PLAIN);
  if (hr_estimate_get_peak_moment (estimate) != NULL)
    /* Translators: a phase of the job, and the moment in it, as in “Prefill, while tokens are embedded” */
    moment = g_strdup_printf (_("%s, %s"), hr_phase_id_get_label (hr_estimate_get_peak_phase (estimate)),
                              hr_text_translate (hr_estimate_get_peak_moment (estimate)));
  else
    moment = g_strdup (hr_phase_id_get_label (hr_estimate_get_peak_phase (estimate)));
  hr_document_block_add_fact (facts, _("Reached in"), moment, HR_DOCUMENT_PLAIN);

  if (operation != NULL)
    hr_document_block_add_fact (facts, _("Operation"), operation, HR_DOCUMENT_CODE);

  if (gpu != NULL)
    {
      g_autofree char *memory = hr_format_bytes (hr_gpu_get_memory (gpu), units);
      g_autofree char *text = NULL;

      if (hr_report_get_n_gpus (self) == 1)
        /* Translators: the name of a GPU, and its memory */
        text = g_strdup_printf (_("%s, %s"), hr_gpu_get_name (gpu), memory);
      else
        /* Translators: a number, the name of a GPU, and its memory */
        text = g_strdup_printf (_("%u × %s, %s each"), hr_report_get_n_gpus (self), hr_gpu_get_name (gpu), memory);
      hr_document_block_add_fact (facts, _("GPU"), text, HR_DOCUMENT_PLAIN);
      add_usable_memory (facts, gpu, units);
    }

  if (rule != NULL)
    {
      g_autofree char *text = describe_rule_figure (self, hr_estimate_get_total_bytes (rule), total);

      hr_document_block_add_fact (facts, _("Rule of thumb"), text, HR_DOCUMENT_PLAIN);
    }
}

static void
add_component_row (HrDocumentBlock *table,
                   HrComponentId    id,
                   HrComponent     *exact,
                   HrComponent     *rule,
                   gboolean         has_rule,
                   guint64          total,
                   HrUnitSystem     units)
{
  guint64 bytes = exact == NULL ? 0 : hr_component_get_bytes (exact);
  g_autofree char *size = exact == NULL ? g_strdup ("–") : hr_format_bytes (bytes, units);
  g_autofree char *whole = exact == NULL ? g_strdup ("–") : hr_format_integer (bytes);
  g_autofree char *share = exact == NULL ? g_strdup ("–") : hr_format_percentage (bytes, total);
  g_autofree char *rule_size = rule == NULL ? g_strdup ("–") : hr_format_bytes (hr_component_get_bytes (rule), units);
  const char * const cells[] = {
    hr_component_id_get_label (id), size, whole, share, has_rule ? rule_size : NULL, NULL,
  };
  HrDocumentRow *row = hr_document_block_add_row (table, cells);

  row->has_color = TRUE;
  row->color = hr_palette_get_color (id, HR_PALETTE_SCHEME_LIGHT);
  row->share = exact == NULL || total == 0 ? -1 : (double) bytes / total;
}

static void
add_components (HrReport   *self,
                HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, TRUE, TRUE, TRUE };
  HrEstimate *estimate = hr_report_get_estimate (self);
  HrEstimate *rule = hr_estimate_get_rule_of_thumb (estimate);
  HrUnitSystem units = hr_report_get_unit_system (self);
  GListModel *components = hr_estimate_get_components (estimate);
  GListModel *rule_components = rule == NULL ? NULL : hr_estimate_get_components (rule);
  guint64 total = hr_estimate_get_total_bytes (estimate);
  const char * const columns[] = {
    _("Component"), _("Size"), _("Bytes"), _("Share"), rule == NULL ? NULL : _("Rule of thumb"), NULL,
  };
  g_autofree char *size = hr_format_bytes (total, units);
  g_autofree char *bytes = hr_format_integer (total);
  g_autofree char *share = hr_format_percentage (total, total);
  g_autofree char *rule_size = rule == NULL ? NULL : hr_format_bytes (hr_estimate_get_total_bytes (rule), units);
  const char * const cells[] = { _("Total"), size, bytes, share, rule_size, NULL };
  HrDocumentBlock *table;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Where it goes at the peak"));
  hr_document_add_chart (document);
  table = hr_document_add_table (document, columns, numeric);

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);
      HrComponent *same = rule == NULL ? NULL : hr_estimate_find_component (rule, id);

      add_component_row (table, id, component, same, rule != NULL, total, units);
    }

  for (guint i = 0; rule != NULL && i < g_list_model_get_n_items (rule_components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (rule_components, i);
      HrComponentId id = hr_component_get_id (component);

      if (hr_estimate_find_component (estimate, id) == NULL)
        add_component_row (table, id, NULL, component, TRUE, total, units);
    }

  hr_document_block_add_row (table, cells)->is_total = TRUE;
}

static void
add_phases (HrReport   *self,
            HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, FALSE };
  const char * const columns[] = { _("Phase"), _("Peak"), _("What happens"), NULL };
  HrEstimate *estimate = hr_report_get_estimate (self);
  HrDocumentBlock *table;
  const HrPhase *phases;
  guint n_phases;

  phases = hr_estimate_get_phases (estimate, &n_phases);
  if (n_phases == 0)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Peak of each phase"));
  hr_document_add_timeline (document);
  table = hr_document_add_table (document, columns, numeric);

  for (guint i = 0; i < n_phases; i++)
    {
      g_autofree char *size = hr_format_bytes (phases[i].peak_bytes, hr_report_get_unit_system (self));
      const char * const cells[] = {
        hr_phase_id_get_label (phases[i].id), size, hr_phase_id_get_description (phases[i].id), NULL,
      };

      hr_document_block_add_row (table, cells);
    }
}

/* What the prompt is made of, and how a processor comes to the tokens of each part. */
static void
add_media (HrReport   *self,
           HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, TRUE, FALSE };
  const char * const columns[] = { _("Input"), _("Tokens"), _("Share"), _("How they come about"), NULL };
  HrEstimate *estimate = hr_report_get_estimate (self);
  g_autofree char *text = NULL;
  g_autofree char *text_share = NULL;
  guint64 all = hr_estimate_count_media_tokens (estimate);
  const HrMediumTokens *media;
  HrDocumentBlock *table;
  guint n_media;

  media = hr_estimate_get_media (estimate, &n_media);
  if (n_media == 0)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Tokens of each input"));
  table = hr_document_add_table (document, columns, numeric);
  text = hr_format_integer (hr_estimate_get_text_tokens (estimate));
  text_share = hr_format_percentage (hr_estimate_get_text_tokens (estimate), all);
  hr_document_block_add_row (table, (const char * const []) { _("Text"), text, text_share, "", NULL });
  for (guint i = 0; i < n_media; i++)
    {
      g_autofree char *tokens = hr_format_integer (media[i].tokens);
      g_autofree char *input = hr_medium_dup_label (&media[i].medium);
      g_autofree char *origin = hr_medium_tokens_dup_origin (&media[i]);
      g_autofree char *share = hr_format_percentage (media[i].tokens, all);
      const char * const cells[] = { input, tokens, share, origin, NULL };

      hr_document_block_add_row (table, cells);
    }
}

/* What could be asked for instead, and what it saves. */
static void
add_advice (HrReport   *self,
            HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, FALSE };
  const char * const columns[] = { _("What could be changed"), _("Saves"), _("At what cost"), NULL };
  g_autoptr (GPtrArray) advice = hr_report_list_advice (self);
  HrDocumentBlock *table;

  if (advice->len == 0)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("What Would Take Less"));
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < advice->len; i++)
    {
      const HrAdvice *item = g_ptr_array_index (advice, i);
      g_autofree char *saving = hr_format_bytes (item->saves_bytes, hr_report_get_unit_system (self));

      hr_document_block_add_row (table, (const char * const []) { item->text, saving,
                                                                  item->cost != NULL ? item->cost : "", NULL });
    }
}

/* How much of each setting fits on the GPUs, as the others are. */
static void
add_largest (HrReport   *self,
             HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, FALSE };
  const char * const columns[] = { _("Setting"), _("Fits"), _("What is left"), NULL };
  g_autoptr (GPtrArray) largest = hr_report_list_largest (self);
  HrDocumentBlock *table;

  if (largest->len == 0)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("What Fits"));
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < largest->len; i++)
    {
      const HrLargest *item = g_ptr_array_index (largest, i);
      g_autofree char *value = hr_largest_dup_value (item);
      g_autofree char *reason = hr_largest_dup_reason (item, hr_report_get_unit_system (self));

      hr_document_block_add_row (table, (const char * const []) { item->title, value, reason, NULL });
    }
}

/* How long the requests may be that are served at once. */
static void
add_capacities (HrReport   *self,
                HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, FALSE };
  const char * const columns[] = { _("Requests"), _("How long they may be"), NULL };
  g_autoptr (GPtrArray) capacities = hr_report_list_capacities (self);
  g_autoptr (GPtrArray) picked = hr_capacity_pick (capacities);
  HrDocumentBlock *table;

  if (picked->len == 0)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Requests at Once"));
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < picked->len; i++)
    {
      const HrCapacity *item = g_ptr_array_index (picked, i);
      g_autofree char *title = hr_capacity_dup_title (item);
      g_autofree char *length = hr_capacity_dup_length (item);

      hr_document_block_add_row (table, (const char * const []) { title, length, NULL });
    }
}

/* In which formats the weights fit. */
static void
add_formats (HrReport   *self,
             HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, TRUE, FALSE };
  const char * const columns[] = { _("Format"), _("Weights"), _("Fullest GPU"), _("What is left"), NULL };
  g_autoptr (GPtrArray) formats = hr_report_list_formats (self);
  g_autoptr (GPtrArray) picked = hr_format_choice_pick (formats);
  HrUnitSystem units = hr_report_get_unit_system (self);
  HrDocumentBlock *table;

  if (picked->len < 2)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Formats of the Weights"));
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < picked->len; i++)
    {
      const HrFormatChoice *item = g_ptr_array_index (picked, i);
      g_autofree char *weights = hr_format_bytes (item->weight_bytes, units);
      g_autofree char *bytes = hr_format_bytes (item->bytes, units);
      g_autofree char *verdict = hr_format_choice_dup_verdict (item, units);

      hr_document_block_add_row (table, (const char * const []) { hr_format_choice_get_title (item), weights, bytes,
                                                                  verdict, NULL });
    }
}

/* The cheapest and the smallest GPUs that would do. */
static void
add_gpus (HrReport   *self,
          HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, TRUE, FALSE, FALSE };
  const char * const columns[] = { _("GPU"), _("Memory"), _("Left"), _("Shared by"), _("Price"), NULL };
  g_autoptr (GPtrArray) choices = hr_report_list_gpus (self);
  g_autoptr (GPtrArray) picked = hr_gpu_choice_pick (choices);
  HrDocumentBlock *table;

  if (picked->len == 0)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("GPUs That Would Do"));
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < picked->len; i++)
    {
      const HrGpuChoice *choice = g_ptr_array_index (picked, i);
      HrUnitSystem units = hr_report_get_unit_system (self);
      g_autofree char *title = hr_gpu_choice_dup_title (choice);
      g_autofree char *memory = hr_format_bytes (hr_gpu_get_memory (choice->gpu), units);
      g_autofree char *left = hr_format_bytes (choice->free_bytes, units);
      g_autofree char *price = hr_gpu_choice_dup_price (choice);

      hr_document_block_add_row (table, (const char * const []) { title, memory, left,
                                                                  choice->sharing != NULL ? choice->sharing : "",
                                                                  price != NULL ? price : "", NULL });
    }
}

static void
add_devices (HrReport   *self,
             HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, FALSE };
  const char * const columns[] = { _("GPU"), _("Peak"), _("What takes it"), NULL };
  HrEstimate *estimate = hr_report_get_estimate (self);
  HrDocumentBlock *table;

  if (hr_estimate_get_n_devices (estimate) < 2)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Peak of each GPU"));
  table = hr_document_add_table (document, columns, numeric);

  for (guint i = 0; i < hr_estimate_get_n_devices (estimate); i++)
    {
      g_autofree char *name = hr_report_dup_device_name (self, i);
      g_autofree char *size = hr_format_bytes (hr_estimate_get_device_bytes (estimate, i),
                                               hr_report_get_unit_system (self));
      g_autofree char *parts = hr_report_dup_device_parts (self, i);

      hr_document_block_add_row (table, (const char * const []) { name, size, parts, NULL });
    }
}

static void
add_fact_if_any (HrDocumentBlock *facts,
                 const char      *name,
                 const char      *value,
                 HrDocumentStyle  style)
{
  if (value != NULL && *value != '\0')
    hr_document_block_add_fact (facts, name, value, style);
}

/* How a figure comes about; for one by the rule of thumb also what its formula gets wrong. */
static void
add_derivation (HrDocument  *document,
                HrComponent *component)
{
  HrDocumentBlock *facts = hr_document_add_facts (document);
  g_autofree char *result = hr_format_bytes_in_full (hr_component_get_bytes (component));
  g_autofree char *faults = hr_component_dup_faults (component);

  add_fact_if_any (facts, _("Formula"), hr_text_translate (hr_component_get_formula (component)), HR_DOCUMENT_FORMULA);
  /* Translators: the formula with this model's numbers in it */
  add_fact_if_any (facts, _("In numbers"), hr_component_get_substitution (component), HR_DOCUMENT_FORMULA);
  hr_document_block_add_fact (facts, _("Result"), result, HR_DOCUMENT_PLAIN);
  add_fact_if_any (facts, _("Source"), hr_text_translate (hr_component_get_source (component)), HR_DOCUMENT_LINK);
  /* Translators: what a formula that people know gets wrong for this job; sentences follow */
  add_fact_if_any (facts, _("What it gets wrong"), faults, HR_DOCUMENT_PLAIN);
}

static void
add_rule_explanation (HrReport    *self,
                      HrDocument  *document,
                      HrComponent *rule,
                      guint64      exact)
{
  g_autofree char *figure = describe_rule_figure (self, hr_component_get_bytes (rule), exact);
  /* Translators: what a part takes by the rule of thumb, such as “13.8 GiB (+12.1 GiB against the exact figure)” */
  g_autofree char *text = g_strdup_printf (_("Rule of thumb: %s"), figure);

  hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, text);
  add_derivation (document, rule);
}

/* What is said of the rule of thumb itself, such as when it holds. */
static void
add_notes (HrDocument         *document,
           const char * const *notes)
{
  HrDocumentBlock *list;

  if (notes[0] == NULL)
    return;

  list = hr_document_add_list (document);
  for (guint i = 0; notes[i] != NULL; i++)
    hr_document_block_add_item (list, notes[i]);
}

static void
add_measured (HrReport   *self,
              HrDocument *document)
{
  g_autoptr (HrAnatomyTable) table = NULL;

  if (hr_report_get_measured_bytes (self) == 0)
    return;

  table = hr_report_create_measured (self, hr_report_get_measured_bytes (self));
  hr_document_add_text (document, HR_DOCUMENT_HEADING, table->title);
  hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, table->description);
  hr_anatomy_table_add_to (table, hr_report_get_unit_system (self), document);
}

static void
add_log (HrReport   *self,
         HrDocument *document)
{
  g_autoptr (HrAnatomyTable) table = NULL;

  if (hr_report_get_log (self) == NULL)
    return;

  table = hr_report_create_log (self, hr_report_get_log (self));
  hr_document_add_text (document, HR_DOCUMENT_HEADING, table->title);
  hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, table->description);
  hr_anatomy_table_add_to (table, hr_report_get_unit_system (self), document);
}

static void
add_comparison (HrReport       *self,
                HrDocument     *document,
                HrAnatomyTable *table)
{
  if (table == NULL)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, table->title);
  hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, table->description);
  hr_anatomy_table_add_to (table, hr_report_get_unit_system (self), document);
}

/* What is computed anew, and what is divided among GPUs, and what that saves. */
static void
add_comparisons (HrReport   *self,
                 HrDocument *document)
{
  g_autoptr (HrAnatomyTable) checkpointing = hr_report_create_checkpointing (self);
  g_autoptr (HrAnatomyTable) zero = hr_report_create_zero (self);
  g_autoptr (HrAnatomyTable) pipeline = hr_report_create_pipeline (self);

  add_comparison (self, document, checkpointing);
  add_comparison (self, document, zero);
  add_comparison (self, document, pipeline);
}

/* How a part comes about, a step at a time. */
static void
add_steps (HrReport      *self,
           HrDocument    *document,
           HrComponentId  id)
{
  HrAnatomyTable *steps = hr_report_get_steps (self, id);
  g_autofree char *note = NULL;

  if (steps == NULL)
    return;

  note = hr_report_dup_steps_note (self, id);
  hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, steps->description);
  hr_anatomy_table_add_to (steps, hr_report_get_unit_system (self), document);
  if (note != NULL)
    hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, note);
}

static void
add_explanations (HrReport   *self,
                  HrDocument *document)
{
  HrEstimate *estimate = hr_report_get_estimate (self);
  HrEstimate *rule = hr_estimate_get_rule_of_thumb (estimate);
  GListModel *components = hr_estimate_get_components (estimate);

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("How each figure comes about"));
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);
      HrComponent *same = rule == NULL ? NULL : hr_estimate_find_component (rule, id);
      g_autofree char *growth = hr_report_dup_growth (self, id);

      hr_document_add_text (document, HR_DOCUMENT_SUBHEADING, hr_component_id_get_label (id));
      hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, hr_component_id_get_description (id));
      add_derivation (document, component);
      if (growth != NULL)
        hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, growth);
      if (same != NULL)
        add_rule_explanation (self, document, same, hr_component_get_bytes (component));
      add_steps (self, document, id);
    }
}

/* Parts that the rule of thumb alone has, and what is said of it as a whole. */
static void
add_rule_of_thumb (HrReport   *self,
                   HrDocument *document)
{
  HrEstimate *estimate = hr_report_get_estimate (self);
  HrEstimate *rule = hr_estimate_get_rule_of_thumb (estimate);
  gboolean has_heading = FALSE;
  GListModel *components;

  if (rule == NULL)
    return;

  components = hr_estimate_get_components (rule);
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);

      if (hr_estimate_find_component (estimate, id) != NULL)
        continue;

      if (!has_heading)
        hr_document_add_text (document, HR_DOCUMENT_HEADING, _("What the rule of thumb alone has"));
      has_heading = TRUE;
      hr_document_add_text (document, HR_DOCUMENT_SUBHEADING, hr_component_id_get_label (id));
      add_derivation (document, component);
    }

  if (hr_estimate_get_warnings (rule)[0] != NULL)
    hr_document_add_text (document, HR_DOCUMENT_HEADING, _("When the rule of thumb holds"));
  add_notes (document, hr_estimate_get_warnings (rule));
}

static gboolean
occurs_in_formulas (guint       symbol,
                    HrEstimate *estimate)
{
  GListModel *components = hr_estimate_get_components (estimate);

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      const char *formula = hr_component_get_formula (component);

      if (formula != NULL && hr_formula_has_symbol (formula, symbol))
        return TRUE;
    }

  return FALSE;
}

/* Only the symbols that the reader has met. */
static void
add_symbols (HrReport   *self,
             HrDocument *document)
{
  HrEstimate *estimate = hr_report_get_estimate (self);
  HrEstimate *rule = hr_estimate_get_rule_of_thumb (estimate);
  HrDocumentBlock *facts;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Symbols"));
  facts = hr_document_add_facts (document);

  for (guint i = 0; i < hr_formula_get_n_symbols (); i++)
    {
      if (occurs_in_formulas (i, estimate) || (rule != NULL && occurs_in_formulas (i, rule)))
        hr_document_block_add_fact (facts, hr_formula_get_symbol (i), hr_formula_get_symbol_description (i),
                                    HR_DOCUMENT_PLAIN);
    }
}

/* Those that say nothing as the others are, such as the rank of LoRA in a full fine-tuning, are left out. */
static void
add_settings (HrReport   *self,
              HrDocument *document)
{
  HrJob *job = hr_report_get_job (self);
  HrDocumentBlock *facts;
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("What was asked"));
  facts = hr_document_add_facts (document);

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *value = NULL;

      if (!hr_job_uses_setting (job, settings[i], NULL))
        continue;

      value = hr_report_describe_setting (job, settings[i]);
      hr_document_block_add_fact (facts, hr_setting_get_label (settings[i]), value, HR_DOCUMENT_PLAIN);
    }
}

static void
add_warnings (HrReport   *self,
              HrDocument *document)
{
  g_auto (GStrv) warnings = hr_report_dup_warnings (self);
  HrDocumentBlock *list;

  if (warnings[0] == NULL)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("What was assumed"));
  list = hr_document_add_list (document);
  for (guint i = 0; warnings[i] != NULL; i++)
    hr_document_block_add_item (list, warnings[i]);
}

/* The whole report, whatever it will be written as. */
HrDocument *
hr_report_create_document (HrReport *self)
{
  HrModel *model = hr_report_get_model (self);
  HrDocument *document = hr_document_new ();
  g_autofree char *count = hr_format_count (hr_model_get_n_parameters (model));
  g_autofree char *verdict = hr_report_dup_verdict (self);
  g_autofree char *footer = hr_report_dup_footer (hr_report_get_date (self));
  /* Translators: a mode such as “Inference”, a number of parameters such as “7.6 B”, the class of a model */
  g_autofree char *subtitle = g_strdup_printf (_("%s · %s parameters · %s"),
                                               hr_mode_get_label (hr_estimate_get_mode (hr_report_get_estimate (self))),
                                               count, hr_model_get_class_label (model));

  hr_document_add_text (document, HR_DOCUMENT_TITLE, hr_model_get_name (model));
  hr_document_add_text (document, HR_DOCUMENT_SUBTITLE, subtitle);
  if (verdict != NULL)
    hr_document_add_verdict (document, verdict, hr_report_get_fits (self));
  add_summary (self, document);
  add_components (self, document);
  add_media (self, document);
  add_advice (self, document);
  add_largest (self, document);
  add_capacities (self, document);
  add_formats (self, document);
  add_gpus (self, document);
  add_phases (self, document);
  add_devices (self, document);
  add_measured (self, document);
  add_log (self, document);
  add_comparisons (self, document);
  hr_report_add_compute (self, document);
  add_warnings (self, document);
  add_settings (self, document);
  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("The model"));
  hr_model_add_facts (model, hr_report_get_kv_cache_dtype (self), hr_report_get_unit_system (self), document);
  add_explanations (self, document);
  add_rule_of_thumb (self, document);
  add_symbols (self, document);
  hr_document_add_text (document, HR_DOCUMENT_FOOTER, footer);

  return document;
}
