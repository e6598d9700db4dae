/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-result-page.h"

#include <glib/gi18n.h>

#include "headroom-advice-list.h"
#include "headroom-capacity-bar.h"
#include "headroom-capacity-list.h"
#include "headroom-chart-scheme.h"
#include "headroom-columns.h"
#include "headroom-comparison.h"
#include "headroom-component-table.h"
#include "headroom-compute-view.h"
#include "headroom-explanation.h"
#include "headroom-fits-list.h"
#include "headroom-format-list.h"
#include "headroom-gpu-list.h"
#include "headroom-legend.h"
#include "headroom-machine.h"
#include "headroom-measurement.h"
#include "headroom-phase-list.h"
#include "headroom-pie-chart.h"
#include "headroom-rank-list.h"
#include "headroom-sweep-view.h"
#include "headroom-timeline-view.h"
#include "headroom-usage-view.h"
#include "hr-base-enums.h"
#include "hr-export-timeline.h"
#include "hr-export.h"
#include "hr-figure-names.h"
#include "hr-labels.h"
#include "hr-report-calibration.h"
#include "hr-report-steps.h"
#include "hr-report.h"

/*
 * HeadroomResultPage:
 *
 * An estimate: whether it fits, how much it is, where it goes, and how that comes about.
 *
 * The pie, the bar, the legend, the table and the explanation follow one property, [property@ResultPage:selected].
 * Texts are taken when an estimate is shown, so making the page anew changes its language.
 */
struct _HeadroomResultPage
{
  AdwBin parent_instance;

  HrEstimate *estimate;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
  HrUnitSystem unit_system;
  HrReport *report;
  int selected;
  int device;
  guint n_devices;
  gboolean is_picked;

  HrComponentId last_selected;
  guint update_source;

  GtkWidget *scrolled_window;
  GtkWidget *sections;
  GtkImage *verdict_icon;
  GtkLabel *verdict;
  HeadroomUsageView *usage;
  GtkLabel *total;
  GtkLabel *total_caption;
  GtkLabel *allocator_figures;
  HeadroomCapacityBar *bar;
  GtkLabel *used;
  GtkLabel *rest;
  HeadroomPieChart *pie;
  HeadroomLegend *legend;
  HeadroomExplanation *explanation;
  GtkWidget *ranks_section;
  HeadroomRankList *ranks;
  GtkWidget *timeline_section;
  HeadroomTimelineView *timeline;
  GtkWidget *phases_section;
  HeadroomPhaseList *phases;
  HeadroomAdviceList *advice;
  HeadroomFitsList *fits;
  HeadroomCapacityList *capacities;
  HeadroomFormatList *formats;
  HeadroomGpuList *gpus;
  GtkWidget *comparison_section;
  HeadroomComparison *comparison;
  HeadroomMeasurement *measurement;
  HeadroomComponentTable *table;
  HeadroomComputeView *compute;
  HeadroomSweepView *sweep;
  GtkWidget *warnings_section;
  GtkListBox *warnings;
};

enum
{
  PROP_0,
  PROP_ESTIMATE,
  PROP_JOB,
  PROP_GPU,
  PROP_N_GPUS,
  PROP_UNIT_SYSTEM,
  PROP_SELECTED,
  PROP_DEVICE,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomResultPage, headroom_result_page, ADW_TYPE_BIN)

static GParamSpec *properties[N_PROPS];

static HrComponent *
headroom_result_page_dup_component (HeadroomResultPage *self,
                                    int                 index)
{
  if (self->estimate == NULL || index < 0 || (guint) self->device >= hr_estimate_get_n_devices (self->estimate))
    return NULL;

  return g_list_model_get_item (hr_estimate_get_device_components (self->estimate, self->device), index);
}

static void
set_style (GtkWidget  *widget,
           const char *css_class)
{
  const char * const classes[] = { "success", "error" };

  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    {
      if (g_strcmp0 (classes[i], css_class) == 0)
        gtk_widget_add_css_class (widget, classes[i]);
      else
        gtk_widget_remove_css_class (widget, classes[i]);
    }
}

static void
headroom_result_page_show_verdict (HeadroomResultPage *self,
                                   HrReport           *report)
{
  g_autofree char *verdict = hr_report_dup_verdict (report);
  gboolean fits = hr_report_get_fits (report);
  const char *style = verdict == NULL ? NULL : fits ? "success" : "error";

  gtk_widget_set_visible (GTK_WIDGET (self->verdict_icon), verdict != NULL);
  gtk_image_set_from_icon_name (self->verdict_icon, fits ? "emblem-ok-symbolic" : "dialog-warning-symbolic");
  gtk_label_set_label (self->verdict, verdict != NULL ? verdict : _("Choose a GPU to see whether it fits"));
  set_style (GTK_WIDGET (self->verdict_icon), style);
  set_style (GTK_WIDGET (self->verdict), style);
}

static void
headroom_result_page_show_capacity (HeadroomResultPage *self,
                                    HrReport           *report)
{
  guint64 missing = hr_report_get_missing_bytes (report);
  guint64 rest = missing > 0 ? missing : hr_report_get_free_bytes (report);
  g_autofree char *rest_size = hr_format_bytes (rest, self->unit_system);
  g_autofree char *total = hr_format_bytes (hr_estimate_get_total_bytes (self->estimate), self->unit_system);
  g_autofree char *used_text = NULL;
  g_autofree char *rest_text = NULL;

  if (self->gpu != NULL)
    {
      g_autofree char *memory = hr_format_bytes (hr_gpu_get_usable_memory (self->gpu), self->unit_system);

      /* Translators: below the capacity bar: 1 what is needed, 2 what a GPU has */
      used_text = g_strdup_printf (_("%1$s needed, %2$s available"), total, memory);
      /* Translators: below the capacity bar: a size */
      rest_text = missing > 0 ? g_strdup_printf (_("%s too much"), rest_size)
      /* Translators: below the capacity bar: a size */
                              : g_strdup_printf (_("%s free"), rest_size);
    }

  gtk_label_set_label (self->used, used_text != NULL ? used_text : "");
  gtk_label_set_label (self->rest, rest_text != NULL ? rest_text : "");
  gtk_widget_set_visible (gtk_widget_get_parent (GTK_WIDGET (self->used)), self->gpu != NULL);
}

/* What a program without an allocator of its own says. */
static char *
describe_buffers (const HrFigureNames *names)
{
  if (names->is_peak)
    /* Translators: %s is a function of MLX */
    return g_strdup_printf (_("What mlx-lm prints as its peak memory (%s)"), names->used);

  /* Translators: %s is what llama.cpp writes beside figures */
  return g_strdup_printf (_("What llama.cpp lists when it starts (%s); the device shows the total, with the CUDA "
                            "context"),
                          names->used);
}

static char *
headroom_result_page_describe_allocator (HeadroomResultPage *self)
{
  const char *meaning = _("What torch.cuda.max_memory_allocated() and max_memory_reserved() tell; the device shows the "
                          "total, with the CUDA context");
  g_autofree char *low_text = NULL;
  g_autofree char *high_text = NULL;
  guint64 low, high;

  if (!hr_estimate_get_reserved_range (self->estimate, &low, &high))
    return g_strdup (meaning);

  low_text = hr_format_bytes (low, self->unit_system);
  high_text = hr_format_bytes (high, self->unit_system);

  /* Translators: 1 a sentence without a full stop, 2 and 3 sizes, 4 a sentence that says why it is not known exactly */
  return g_strdup_printf (_("%1$s.\n\nReserved: %2$s to %3$s in nine of ten cases that were measured. %4$s"), meaning,
                          low_text, high_text, hr_reserved_range_get_reason ());
}

static char *
headroom_result_page_dup_allocated (HeadroomResultPage  *self,
                                    const HrFigureNames *names)
{
  g_autofree char *allocated = hr_format_bytes (hr_estimate_get_allocated_bytes (self->estimate), self->unit_system);
  g_autofree char *reserved = hr_format_bytes (hr_estimate_get_reserved_bytes (self->estimate), self->unit_system);
  /* Translators: below the total: 1 what is in tensors, 2 what PyTorch has taken from the driver */
  g_autofree char *both = g_strdup_printf (_("%1$s allocated, %2$s reserved by PyTorch"), allocated, reserved);
  /* Translators: below the total: what is in tensors, where it is not known what is reserved for them */
  g_autofree char *one = g_strdup_printf (_("%s allocated by PyTorch; what it reserves is not known"), allocated);

  if (names->is_peak)
    /* Translators: below the total: what MLX prints as its peak */
    return g_strdup_printf (_("%s in the arrays of MLX"), allocated);
  if (!names->has_allocator)
    /* Translators: below the total: the size of what llama.cpp reserves when it starts */
    return g_strdup_printf (_("%s in the buffers of llama.cpp"), allocated);

  return hr_estimate_knows_reserved (self->estimate) ? g_steal_pointer (&both) : g_steal_pointer (&one);
}

/* What to have room for, or why that is not known. */
static char *
headroom_result_page_dup_safe (HeadroomResultPage *self)
{
  const char *reason = hr_estimate_get_safe_reason (self->estimate);
  g_autofree char *size = NULL;
  guint64 bytes;

  if (!hr_estimate_get_safe_bytes (self->estimate, &bytes))
    return reason != NULL ? g_strdup (hr_text_translate (reason)) : NULL;

  size = hr_format_bytes (bytes, self->unit_system);

  /* Translators: below the total: a size */
  return g_strdup_printf (_("%s is safe: nineteen of twenty measured cases stay within its margin"), size);
}

/* The rule of thumb knows no allocator. */
static void
headroom_result_page_show_allocator (HeadroomResultPage *self,
                                     HrReport           *report)
{
  const HrFigureNames *names = hr_job_get_figure_names (hr_report_get_job (report));
  g_autofree char *allocated = headroom_result_page_dup_allocated (self, names);
  g_autofree char *tooltip = names->has_allocator ? headroom_result_page_describe_allocator (self)
                                                  : describe_buffers (names);
  g_autofree char *staying = hr_report_dup_static (report);
  g_autofree char *trained = hr_report_dup_trained (report);
  g_autofree char *safe = headroom_result_page_dup_safe (self);
  g_autofree char *calibrated = hr_report_dup_calibrated (report);
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  g_auto (GStrv) texts = NULL;
  g_autofree char *text = NULL;

  g_strv_builder_add (lines, allocated);
  if (safe != NULL)
    g_strv_builder_add (lines, safe);
  if (calibrated != NULL)
    g_strv_builder_add (lines, calibrated);
  g_strv_builder_add (lines, staying);
  if (trained != NULL)
    g_strv_builder_add (lines, trained);
  texts = g_strv_builder_end (lines);
  text = g_strjoinv ("\n", texts);

  gtk_label_set_label (self->allocator_figures, text);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->allocator_figures), tooltip);
  gtk_widget_set_visible (GTK_WIDGET (self->allocator_figures),
                          hr_estimate_get_method (self->estimate) == HR_ESTIMATE_METHOD_EXACT);
}

static void
headroom_result_page_show_total (HeadroomResultPage *self)
{
  g_autofree char *total = hr_format_bytes (hr_estimate_get_total_bytes (self->estimate), self->unit_system);
  g_autofree char *caption = NULL;
  guint n_ranks = hr_estimate_get_n_ranks (self->estimate);

  if (n_ranks > 1)
    /* Translators: below the total: what it is, for a job on several GPUs */
    caption = g_strdup_printf (ngettext ("at the peak, on the fullest of %u GPU",
                                         "at the peak, on the fullest of %u GPUs", n_ranks),
                               n_ranks);
  else
    /* Translators: below the total: what it is */
    caption = g_strdup (_("of GPU memory at the peak"));

  gtk_label_set_label (self->total, total);
  gtk_label_set_label (self->total_caption, caption);
}

static GtkWidget *
create_warning_row (const char *text)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *icon = gtk_image_new_from_icon_name ("dialog-information-symbolic");
  GtkWidget *label = gtk_label_new (text);

  gtk_widget_set_valign (icon, GTK_ALIGN_START);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_set_margin_top (box, 12);
  gtk_widget_set_margin_bottom (box, 12);
  gtk_widget_set_margin_start (box, 12);
  gtk_widget_set_margin_end (box, 12);
  gtk_box_append (GTK_BOX (box), icon);
  gtk_box_append (GTK_BOX (box), label);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_focusable (row, FALSE);

  return row;
}

static void
headroom_result_page_show_warnings (HeadroomResultPage *self,
                                    HrReport           *report)
{
  g_auto(GStrv) warnings = hr_report_dup_warnings (report);
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (self->warnings, 0)) != NULL)
    gtk_list_box_remove (self->warnings, GTK_WIDGET (row));

  for (guint i = 0; warnings[i] != NULL; i++)
    gtk_list_box_append (self->warnings, create_warning_row (warnings[i]));

  gtk_widget_set_visible (self->warnings_section, warnings[0] != NULL);
}

/* What was selected before, if the new estimate has it; the largest component otherwise. */
static int
headroom_result_page_find_selection (HeadroomResultPage *self)
{
  GListModel *components = hr_estimate_get_device_components (self->estimate, self->device);
  guint64 most = 0;
  int largest = -1;

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr(HrComponent) component = g_list_model_get_item (components, i);

      if (hr_component_get_id (component) == self->last_selected)
        return i;

      if (hr_component_get_bytes (component) > most)
        {
          most = hr_component_get_bytes (component);
          largest = i;
        }
    }

  return largest;
}

/* The timeline may have parts that the peak has not. */
static void
headroom_result_page_select_in_timeline (HeadroomResultPage *self)
{
  g_autoptr(HrComponent) component = headroom_result_page_dup_component (self, self->selected);

  headroom_timeline_view_select (self->timeline, component != NULL
                                                   ? hr_component_id_get_name (hr_component_get_id (component))
                                                   : NULL);
}

static void
headroom_result_page_part_picked_cb (HeadroomResultPage *self,
                                     const char         *id)
{
  HrChartData *data = headroom_chart_get_data (HEADROOM_CHART (self->pie));
  int index = data != NULL ? hr_chart_data_find_part (data, id) : -1;

  if (index >= 0)
    headroom_result_page_set_selected (self, index);
  else
    headroom_timeline_view_select (self->timeline, id);
}

/* The parts of the device that is picked; of one alone the picture is called as the model is. */
static HrChartData *
headroom_result_page_create_chart_data (HeadroomResultPage *self,
                                        HrReport           *report)
{
  if (hr_estimate_get_n_devices (self->estimate) == 1)
    return hr_export_create_chart_data (report, headroom_get_palette_scheme ());

  return hr_export_create_device_chart_data (report, self->device, headroom_get_palette_scheme ());
}

static void
headroom_result_page_show_parts (HeadroomResultPage *self,
                                 HrReport           *report)
{
  g_autoptr(HrChartData) data = headroom_result_page_create_chart_data (self, report);
  HrComponentId last_selected = self->last_selected;

  headroom_chart_set_data (HEADROOM_CHART (self->pie), data);
  headroom_chart_set_data (HEADROOM_CHART (self->bar), data);
  headroom_legend_set_data (self->legend, data);
  headroom_component_table_show (self->table, self->estimate, self->device, self->unit_system);

  self->last_selected = last_selected;
  headroom_result_page_set_selected (self, headroom_result_page_find_selection (self));
  headroom_result_page_select_in_timeline (self);
}

/* What has been picked stays so where there are as many devices; else the one that takes most is shown. */
static void
headroom_result_page_show_ranks (HeadroomResultPage *self,
                                 HrReport           *report)
{
  guint n_devices = hr_estimate_get_n_devices (self->estimate);

  headroom_rank_list_show (self->ranks, report);
  gtk_widget_set_visible (self->ranks_section, n_devices > 1);
  if (n_devices != self->n_devices || !self->is_picked)
    self->device = hr_estimate_get_worst_device (self->estimate);
  self->is_picked = self->device != (int) hr_estimate_get_worst_device (self->estimate);
  self->n_devices = n_devices;
  headroom_rank_list_set_selected (self->ranks, self->device);
}

static void
headroom_result_page_show_charts (HeadroomResultPage *self,
                                  HrReport           *report)
{
  g_autoptr(HrTimelineData) timeline = hr_export_create_timeline_data (report, _("Memory over time"),
                                                                       headroom_get_palette_scheme ());

  headroom_timeline_view_show (self->timeline, timeline);
  gtk_widget_set_visible (self->timeline_section, timeline != NULL);
  headroom_result_page_show_parts (self, report);
}

static void
headroom_result_page_explain (HeadroomResultPage *self)
{
  g_autoptr(HrComponent) component = headroom_result_page_dup_component (self, self->selected);
  HrEstimate *rule = self->estimate != NULL ? hr_estimate_get_rule_of_thumb (self->estimate) : NULL;
  HrComponent *same = NULL;

  if (component != NULL && rule != NULL)
    same = hr_estimate_find_component (rule, hr_component_get_id (component));

  headroom_explanation_show (self->explanation, self->report, component, same);
}

static void
headroom_result_page_update (HeadroomResultPage *self)
{
  HrReport *report;

  g_clear_object (&self->report);
  gtk_widget_set_visible (self->scrolled_window, self->estimate != NULL && self->job != NULL);
  if (self->estimate == NULL || self->job == NULL)
    {
      headroom_result_page_set_selected (self, -1);
      return;
    }

  report = hr_report_new (self->estimate, self->job, self->gpu, self->n_gpus, self->unit_system);
  hr_report_set_calibration (report, headroom_machine_get_calibration (NULL));
  self->report = report;
  headroom_result_page_show_verdict (self, report);
  headroom_result_page_show_total (self);
  headroom_result_page_show_allocator (self, report);
  headroom_result_page_show_capacity (self, report);
  headroom_usage_view_show (self->usage, self->gpu, hr_estimate_get_n_ranks (self->estimate),
                            hr_estimate_get_total_bytes (self->estimate), self->unit_system);
  headroom_result_page_show_ranks (self, report);
  headroom_result_page_show_charts (self, report);
  headroom_result_page_explain (self);
  headroom_phase_list_show (self->phases, self->estimate, self->unit_system);
  headroom_comparison_show (self->comparison, self->estimate, self->unit_system);
  gtk_widget_set_visible (self->phases_section, gtk_widget_get_visible (GTK_WIDGET (self->phases)));
  headroom_change_list_show (HEADROOM_CHANGE_LIST (self->advice), report);
  headroom_change_list_show (HEADROOM_CHANGE_LIST (self->fits), report);
  headroom_change_list_show (HEADROOM_CHANGE_LIST (self->capacities), report);
  headroom_change_list_show (HEADROOM_CHANGE_LIST (self->formats), report);
  headroom_change_list_show (HEADROOM_CHANGE_LIST (self->gpus), report);
  gtk_widget_set_visible (self->comparison_section, gtk_widget_get_visible (GTK_WIDGET (self->comparison)));
  headroom_measurement_show (self->measurement, report);
  headroom_compute_view_show (self->compute, report);
  headroom_sweep_view_show (self->sweep, report);
  headroom_result_page_show_warnings (self, report);
}

static gboolean
headroom_result_page_update_cb (gpointer user_data)
{
  HeadroomResultPage *self = user_data;

  self->update_source = 0;
  headroom_result_page_update (self);

  return G_SOURCE_REMOVE;
}

/* One turn of a knob changes several properties; what they lead to is shown once, before the next frame is laid out. */
static void
headroom_result_page_queue_update (HeadroomResultPage *self)
{
  if (self->update_source == 0)
    self->update_source = g_idle_add_full (GTK_PRIORITY_RESIZE - 1, headroom_result_page_update_cb, self, NULL);
}

static void
headroom_result_page_copy_cb (HeadroomResultPage *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self->table), "table.copy", NULL);
}

static void
headroom_result_page_dispose (GObject *object)
{
  HeadroomResultPage *self = HEADROOM_RESULT_PAGE (object);

  g_clear_handle_id (&self->update_source, g_source_remove);
  g_clear_object (&self->estimate);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
  g_clear_object (&self->report);

  G_OBJECT_CLASS (headroom_result_page_parent_class)->dispose (object);
}

static void
headroom_result_page_get_property (GObject    *object,
                                   guint       prop_id,
                                   GValue     *value,
                                   GParamSpec *pspec)
{
  HeadroomResultPage *self = HEADROOM_RESULT_PAGE (object);

  switch (prop_id)
    {
    case PROP_ESTIMATE:
      g_value_set_object (value, self->estimate);
      break;

    case PROP_JOB:
      g_value_set_object (value, self->job);
      break;

    case PROP_GPU:
      g_value_set_object (value, self->gpu);
      break;

    case PROP_N_GPUS:
      g_value_set_uint (value, self->n_gpus);
      break;

    case PROP_UNIT_SYSTEM:
      g_value_set_enum (value, self->unit_system);
      break;

    case PROP_SELECTED:
      g_value_set_int (value, self->selected);
      break;

    case PROP_DEVICE:
      g_value_set_int (value, self->device);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_result_page_set_property (GObject      *object,
                                   guint         prop_id,
                                   const GValue *value,
                                   GParamSpec   *pspec)
{
  HeadroomResultPage *self = HEADROOM_RESULT_PAGE (object);

  switch (prop_id)
    {
    case PROP_ESTIMATE:
      headroom_result_page_set_estimate (self, g_value_get_object (value));
      break;

    case PROP_JOB:
      headroom_result_page_set_job (self, g_value_get_object (value));
      break;

    case PROP_GPU:
      headroom_result_page_set_gpu (self, g_value_get_object (value));
      break;

    case PROP_N_GPUS:
      headroom_result_page_set_n_gpus (self, g_value_get_uint (value));
      break;

    case PROP_UNIT_SYSTEM:
      headroom_result_page_set_unit_system (self, g_value_get_enum (value));
      break;

    case PROP_SELECTED:
      headroom_result_page_set_selected (self, g_value_get_int (value));
      break;

    case PROP_DEVICE:
      headroom_result_page_set_device (self, g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_result_page_class_init (HeadroomResultPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_result_page_dispose;
  object_class->get_property = headroom_result_page_get_property;
  object_class->set_property = headroom_result_page_set_property;

  /*
   * HeadroomResultPage:estimate:
   *
   * What to show, or nothing.
   */
  properties[PROP_ESTIMATE] =
    g_param_spec_object ("estimate", NULL, NULL, HR_TYPE_ESTIMATE,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomResultPage:job:
   *
   * What was estimated.
   */
  properties[PROP_JOB] =
    g_param_spec_object ("job", NULL, NULL, HR_TYPE_JOB,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomResultPage:gpu:
   *
   * What it shall fit on, or nothing.
   */
  properties[PROP_GPU] =
    g_param_spec_object ("gpu", NULL, NULL, HR_TYPE_GPU,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomResultPage:n-gpus:
   *
   * How many of the GPU there are.
   */
  properties[PROP_N_GPUS] =
    g_param_spec_uint ("n-gpus", NULL, NULL, 1, G_MAXUINT, 1,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomResultPage:unit-system:
   *
   * The units that sizes are shown in.
   */
  properties[PROP_UNIT_SYSTEM] =
    g_param_spec_enum ("unit-system", NULL, NULL, HR_TYPE_UNIT_SYSTEM, HR_UNIT_SYSTEM_BINARY,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomResultPage:selected:
   *
   * The index of the selected component in the estimate, or -1. A new estimate keeps the selection if it has the same
   * component, and selects its largest one if not.
   */
  properties[PROP_SELECTED] =
    g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomResultPage:device:
   *
   * The index of the device of the estimate whose parts are shown: the one that takes most, until another is picked.
   */
  properties[PROP_DEVICE] =
    g_param_spec_int ("device", NULL, NULL, -1, G_MAXINT, 0,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (HEADROOM_TYPE_CAPACITY_BAR);
  g_type_ensure (HEADROOM_TYPE_COLUMNS);
  g_type_ensure (HEADROOM_TYPE_COMPARISON);
  g_type_ensure (HEADROOM_TYPE_COMPONENT_TABLE);
  g_type_ensure (HEADROOM_TYPE_COMPUTE_VIEW);
  g_type_ensure (HEADROOM_TYPE_EXPLANATION);
  g_type_ensure (HEADROOM_TYPE_FITS_LIST);
  g_type_ensure (HEADROOM_TYPE_CAPACITY_LIST);
  g_type_ensure (HEADROOM_TYPE_FORMAT_LIST);
  g_type_ensure (HEADROOM_TYPE_GPU_LIST);
  g_type_ensure (HEADROOM_TYPE_LEGEND);
  g_type_ensure (HEADROOM_TYPE_MEASUREMENT);
  g_type_ensure (HEADROOM_TYPE_ADVICE_LIST);
  g_type_ensure (HEADROOM_TYPE_PHASE_LIST);
  g_type_ensure (HEADROOM_TYPE_PIE_CHART);
  g_type_ensure (HEADROOM_TYPE_RANK_LIST);
  g_type_ensure (HEADROOM_TYPE_SWEEP_VIEW);
  g_type_ensure (HEADROOM_TYPE_TIMELINE_VIEW);
  g_type_ensure (HEADROOM_TYPE_USAGE_VIEW);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-result-page.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, scrolled_window);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, sections);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, verdict_icon);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, verdict);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, usage);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, total);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, total_caption);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, allocator_figures);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, bar);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, used);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, rest);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, pie);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, legend);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, explanation);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, ranks_section);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, ranks);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, timeline_section);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, timeline);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, phases_section);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, phases);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, advice);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, fits);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, capacities);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, formats);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, gpus);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, comparison_section);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, comparison);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, measurement);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, table);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, compute);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, sweep);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, warnings_section);
  gtk_widget_class_bind_template_child (widget_class, HeadroomResultPage, warnings);
  gtk_widget_class_bind_template_callback (widget_class, headroom_result_page_copy_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_result_page_queue_update);
  gtk_widget_class_bind_template_callback (widget_class, headroom_result_page_part_picked_cb);
}

static void
headroom_result_page_init (HeadroomResultPage *self)
{
  self->n_gpus = 1;
  self->selected = -1;
  self->last_selected = HR_N_COMPONENTS;

  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_set_visible (self->scrolled_window, FALSE);

  g_object_bind_property (self, "selected", self->pie, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self, "selected", self->bar, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self, "selected", self->legend, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self, "selected", self->table, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self, "device", self->ranks, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self->pie, "hovered", self->legend, "hovered", G_BINDING_BIDIRECTIONAL);

  headroom_watch_chart_scheme (self, G_CALLBACK (headroom_result_page_queue_update));
}

GtkWidget *
headroom_result_page_new (void)
{
  return g_object_new (HEADROOM_TYPE_RESULT_PAGE, NULL);
}

HrEstimate *
headroom_result_page_get_estimate (HeadroomResultPage *self)
{
  g_return_val_if_fail (HEADROOM_IS_RESULT_PAGE (self), NULL);

  return self->estimate;
}

void
headroom_result_page_set_estimate (HeadroomResultPage *self,
                                   HrEstimate         *estimate)
{
  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));
  g_return_if_fail (estimate == NULL || HR_IS_ESTIMATE (estimate));

  if (!g_set_object (&self->estimate, estimate))
    return;

  headroom_result_page_queue_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ESTIMATE]);
}

HrJob *
headroom_result_page_get_job (HeadroomResultPage *self)
{
  g_return_val_if_fail (HEADROOM_IS_RESULT_PAGE (self), NULL);

  return self->job;
}

void
headroom_result_page_set_job (HeadroomResultPage *self,
                              HrJob              *job)
{
  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));
  g_return_if_fail (job == NULL || HR_IS_JOB (job));

  if (!g_set_object (&self->job, job))
    return;

  headroom_result_page_queue_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_JOB]);
}

HrGpu *
headroom_result_page_get_gpu (HeadroomResultPage *self)
{
  g_return_val_if_fail (HEADROOM_IS_RESULT_PAGE (self), NULL);

  return self->gpu;
}

void
headroom_result_page_set_gpu (HeadroomResultPage *self,
                              HrGpu              *gpu)
{
  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));
  g_return_if_fail (gpu == NULL || HR_IS_GPU (gpu));

  if (!g_set_object (&self->gpu, gpu))
    return;

  headroom_result_page_queue_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_GPU]);
}

guint
headroom_result_page_get_n_gpus (HeadroomResultPage *self)
{
  g_return_val_if_fail (HEADROOM_IS_RESULT_PAGE (self), 0);

  return self->n_gpus;
}

void
headroom_result_page_set_n_gpus (HeadroomResultPage *self,
                                 guint               n_gpus)
{
  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));
  g_return_if_fail (n_gpus >= 1);

  if (self->n_gpus == n_gpus)
    return;

  self->n_gpus = n_gpus;
  headroom_result_page_queue_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_GPUS]);
}

HrUnitSystem
headroom_result_page_get_unit_system (HeadroomResultPage *self)
{
  g_return_val_if_fail (HEADROOM_IS_RESULT_PAGE (self), HR_UNIT_SYSTEM_BINARY);

  return self->unit_system;
}

void
headroom_result_page_set_unit_system (HeadroomResultPage *self,
                                      HrUnitSystem        unit_system)
{
  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));

  if (self->unit_system == unit_system)
    return;

  self->unit_system = unit_system;
  headroom_result_page_queue_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_UNIT_SYSTEM]);
}

int
headroom_result_page_get_selected (HeadroomResultPage *self)
{
  g_return_val_if_fail (HEADROOM_IS_RESULT_PAGE (self), -1);

  return self->selected;
}

/*
 * headroom_result_page_set_selected:
 * @self: a result page
 * @selected: the index of a component in the estimate; one that there is not, such as -1, selects none
 */
void
headroom_result_page_set_selected (HeadroomResultPage *self,
                                   int                 selected)
{
  g_autoptr(HrComponent) component = NULL;

  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));

  component = headroom_result_page_dup_component (self, selected);
  if (component == NULL)
    selected = -1;

  if (self->selected == selected)
    return;

  self->selected = selected;
  if (component != NULL)
    self->last_selected = hr_component_get_id (component);
  headroom_result_page_explain (self);
  headroom_result_page_select_in_timeline (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

int
headroom_result_page_get_device (HeadroomResultPage *self)
{
  g_return_val_if_fail (HEADROOM_IS_RESULT_PAGE (self), -1);

  return self->device;
}

/*
 * headroom_result_page_set_device:
 * @self: a result page
 * @device: the index of a device of the estimate, whose parts are shown then; of one that there is not nothing changes
 */
void
headroom_result_page_set_device (HeadroomResultPage *self,
                                 int                 device)
{
  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));

  if (self->device == device || self->report == NULL || device < 0 ||
      (guint) device >= hr_estimate_get_n_devices (self->estimate))
    return;

  self->device = device;
  self->is_picked = device != (int) hr_estimate_get_worst_device (self->estimate);
  headroom_result_page_show_parts (self, self->report);
  headroom_result_page_explain (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DEVICE]);
}

/*
 * headroom_result_page_set_pins:
 * @self: a result page
 * @pins: (element-type HeadroomPin): the configurations that are pinned
 */
void
headroom_result_page_set_pins (HeadroomResultPage *self,
                               GListStore         *pins)
{
  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));

  headroom_sweep_view_set_pins (self->sweep, pins);
}

static void
append_sections (GPtrArray *sections,
                 GtkWidget *parent)
{
  for (GtkWidget *child = gtk_widget_get_first_child (parent); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (HEADROOM_IS_COLUMNS (child))
        append_sections (sections, child);
      else
        g_ptr_array_add (sections, child);
    }
}

/*
 * headroom_result_page_append_sections:
 * @self: a page
 * @sections: (element-type GtkWidget): where to add to
 *
 * Adds the parts of the page that have a title of their own, in order.
 */
void
headroom_result_page_append_sections (HeadroomResultPage *self,
                                      GPtrArray          *sections)
{
  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));
  g_return_if_fail (sections != NULL);

  append_sections (sections, self->sections);
}

/*
 * headroom_result_page_set_capacities:
 * @self: a page
 * @gpus: (element-type HrGpu): the GPUs whose memory is shown beside that of the one that is chosen
 */
void
headroom_result_page_set_capacities (HeadroomResultPage *self,
                                     GListStore         *gpus)
{
  g_return_if_fail (HEADROOM_IS_RESULT_PAGE (self));

  headroom_sweep_view_set_capacities (self->sweep, gpus);
}
