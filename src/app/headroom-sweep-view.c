/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-sweep-view.h"

#include <glib/gi18n.h>
#include <math.h>

#include "headroom-chart-scheme.h"
#include "headroom-columns.h"
#include "headroom-dialogs.h"
#include "headroom-drop-down.h"
#include "headroom-line-chart.h"
#include "headroom-sweep-gpus.h"
#include "headroom-sweep-row.h"
#include "hr-export-sweep.h"
#include "hr-file-writer.h"
#include "hr-labels.h"
#include "hr-timeline.h"

/* How long the settings have to be left alone, in milliseconds. */
#define DELAY 150

/* How long points are looked at before what waits is done, in microseconds. */
#define SLICE 8000

/* Even steps from one end of a range to the other. */
#define N_STEPS 32

/*
 * HeadroomSweepView:
 *
 * Memory against one setting, or one part of it, for the configuration that is being worked on and up to six that are
 * pinned, with the memory of their GPUs and of others as lines.
 *
 * What is asked of the allocator is there at once; what it keeps beside that is added while nothing else is to be done.
 */
struct _HeadroomSweepView
{
  AdwBin parent_instance;

  HrModel *model;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
  HrUnitSystem unit_system;
  GListStore *pins;
  GListStore *capacities;

  GArray *components;
  HrComponentId component;
  char **settings;
  char *setting;
  HrSweepRange range;
  gboolean is_own_range;
  gboolean filling;

  HrSweep *sweep;
  gboolean has_line;
  guint source;

  GtkDropDown *component_choice;
  GtkDropDown *setting_choice;
  GtkEditable *from;
  GtkEditable *to;
  GtkDropDown *spacing;
  GtkLabel *problem;
  GtkLabel *point;
  HeadroomLineChart *chart;
  GtkListBox *lines;
  HeadroomSweepGpus *gpus;
};

G_DEFINE_FINAL_TYPE (HeadroomSweepView, headroom_sweep_view, ADW_TYPE_BIN)

static void
headroom_sweep_view_say (HeadroomSweepView *self,
                         const char        *text,
                         gboolean           is_error)
{
  gtk_label_set_label (self->problem, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem), text != NULL);
  if (is_error)
    gtk_widget_add_css_class (GTK_WIDGET (self->problem), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->problem), "error");
}

static void
headroom_sweep_view_update_point (HeadroomSweepView *self)
{
  HrLineData *data = headroom_chart_get_data (HEADROOM_CHART (self->chart));
  int line = headroom_chart_get_selected (HEADROOM_CHART (self->chart));
  int point = headroom_point_chart_get_point (HEADROOM_POINT_CHART (self->chart));
  g_autofree char *text = NULL;

  if (data == NULL)
    return;

  if (point >= 0 && line >= 0)
    text = hr_line_data_dup_point_text (data, line, point);
  else
    text = g_strdup (hr_line_data_get_note (data) != NULL ? hr_line_data_get_note (data)
                                                          : _("Point at a line, or move along it with the arrow keys"));
  gtk_label_set_label (self->point, text);
}

/* Lines that are drawn apart of a configuration that stands alone have rows of their own. */
static void
headroom_sweep_view_fit_rows (HeadroomSweepView *self,
                              guint              n_lines)
{
  guint n_rows = g_list_model_get_n_items (G_LIST_MODEL (self->pins)) + 1;
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (self->lines, MAX (n_rows, n_lines))) != NULL)
    gtk_list_box_remove (self->lines, GTK_WIDGET (row));
  while (gtk_list_box_get_row_at_index (self->lines, n_lines - 1) == NULL)
    gtk_list_box_append (self->lines, headroom_sweep_row_new (NULL));
}

static void
headroom_sweep_view_show_line (HeadroomSweepView *self)
{
  g_autoptr (HrLineData) data = NULL;

  if (self->sweep == NULL || !hr_sweep_has_all_least (self->sweep))
    return;

  data = hr_export_create_sweep_data (self->sweep, self->unit_system, headroom_get_palette_scheme ());
  headroom_chart_set_data (HEADROOM_CHART (self->chart), data);
  headroom_sweep_view_update_point (self);
  headroom_sweep_view_fit_rows (self, hr_line_data_get_n_lines (data));
  for (guint i = 0; i < hr_line_data_get_n_lines (data); i++)
    {
      GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->lines, i);

      if (row != NULL)
        headroom_sweep_row_show (HEADROOM_SWEEP_ROW (row), hr_line_data_get_line (data, i));
    }
}

static gboolean
headroom_sweep_view_look_cb (gpointer user_data)
{
  HeadroomSweepView *self = user_data;
  gint64 end = g_get_monotonic_time () + SLICE;
  gboolean has_more;

  do
    has_more = hr_sweep_step (self->sweep);
  while (has_more && g_get_monotonic_time () < end);

  if (has_more && (self->has_line || !hr_sweep_has_all_least (self->sweep)))
    return G_SOURCE_CONTINUE;

  self->has_line = TRUE;
  headroom_sweep_view_show_line (self);
  if (has_more)
    return G_SOURCE_CONTINUE;

  self->source = 0;

  return G_SOURCE_REMOVE;
}

static gboolean
headroom_sweep_view_begin_cb (gpointer user_data)
{
  HeadroomSweepView *self = user_data;

  self->source = g_idle_add (headroom_sweep_view_look_cb, self);

  return G_SOURCE_REMOVE;
}

static void
headroom_sweep_view_add_lines (HeadroomSweepView *self,
                               HrSweep           *sweep)
{
  g_autofree char *label = NULL;

  /* Translators: the configuration that is being worked on, among others that are pinned: the name of its model */
  label = g_strdup_printf (_("%s (now)"), hr_model_get_short_name (self->model));
  hr_sweep_add_line (sweep, label, self->model, self->job, self->gpu, self->n_gpus);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->pins)); i++)
    {
      g_autoptr (HeadroomPin) pin = g_list_model_get_item (G_LIST_MODEL (self->pins), i);

      if (hr_sweep_get_n_lines (sweep) < HR_SWEEP_MAX_LINES)
        hr_sweep_add_line (sweep, headroom_pin_get_label (pin), headroom_pin_get_model (pin),
                           headroom_pin_get_job (pin), headroom_pin_get_gpu (pin), headroom_pin_get_n_gpus (pin));
    }
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->capacities)); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (G_LIST_MODEL (self->capacities), i);

      hr_sweep_add_gpu (sweep, gpu);
    }
}

/* Begins anew with what is set now; what is known already of it stays. */
static void
headroom_sweep_view_restart (HeadroomSweepView *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) values = NULL;
  g_autoptr (HrSweep) before = NULL;
  guint n_pins = g_list_model_get_n_items (G_LIST_MODEL (self->pins));

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "sweep.pin", n_pins + 1 < HR_SWEEP_MAX_LINES);
  if (self->model == NULL || self->setting == NULL)
    return;

  if (!hr_sweep_range_check (&self->range, self->job, self->setting, &error))
    {
      headroom_sweep_view_say (self, error->message, TRUE);
      return;
    }

  headroom_sweep_view_say (self, NULL, FALSE);
  values = hr_sweep_range_list (&self->range, hr_sweep_setting_is_whole (self->job, self->setting));
  before = g_steal_pointer (&self->sweep);
  self->sweep = hr_sweep_new (self->setting, (const double *) values->data, values->len);
  headroom_sweep_view_add_lines (self, self->sweep);
  hr_sweep_set_component (self->sweep, self->component);
  if (before != NULL)
    hr_sweep_take_known (self->sweep, before);

  self->has_line = FALSE;
  g_clear_handle_id (&self->source, g_source_remove);
  self->source = g_timeout_add (DELAY, headroom_sweep_view_begin_cb, self);
}

static void
headroom_sweep_view_unpin_cb (HeadroomSweepView *self,
                              HeadroomSweepRow  *row)
{
  int index = gtk_list_box_row_get_index (GTK_LIST_BOX_ROW (row));

  /* The first row is that of the configuration that is being worked on. */
  g_list_store_remove (self->pins, index - 1);
  gtk_widget_child_focus (GTK_WIDGET (self->lines), GTK_DIR_TAB_FORWARD);
}

static void
headroom_sweep_view_add_row (HeadroomSweepView *self,
                             HeadroomPin       *pin)
{
  GtkWidget *row = headroom_sweep_row_new (pin);

  g_signal_connect_object (row, "remove", G_CALLBACK (headroom_sweep_view_unpin_cb), self, G_CONNECT_SWAPPED);
  gtk_list_box_append (self->lines, row);
}

static void
headroom_sweep_view_pins_changed_cb (HeadroomSweepView *self)
{
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (self->lines, 0)) != NULL)
    gtk_list_box_remove (self->lines, GTK_WIDGET (row));

  headroom_sweep_view_add_row (self, NULL);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->pins)); i++)
    {
      g_autoptr (HeadroomPin) pin = g_list_model_get_item (G_LIST_MODEL (self->pins), i);

      g_signal_handlers_disconnect_by_func (pin, headroom_sweep_view_restart, self);
      g_signal_connect_object (pin, "notify::label", G_CALLBACK (headroom_sweep_view_restart), self,
                               G_CONNECT_SWAPPED);
      headroom_sweep_view_add_row (self, pin);
    }
  headroom_sweep_view_restart (self);
  headroom_sweep_view_show_line (self);
}

static void
headroom_sweep_view_pin_action (GtkWidget  *widget,
                                const char *action_name,
                                GVariant   *parameter)
{
  HeadroomSweepView *self = HEADROOM_SWEEP_VIEW (widget);
  guint number = g_list_model_get_n_items (G_LIST_MODEL (self->pins)) + 1;
  g_autoptr (HeadroomPin) pin = NULL;
  g_autofree char *label = NULL;

  if (self->model == NULL || number >= HR_SWEEP_MAX_LINES)
    return;

  /* Translators: what a pinned configuration is called at first: 1 the name of its model, 2 a number */
  label = g_strdup_printf (_("%1$s, %2$u"), hr_model_get_short_name (self->model), number);
  pin = headroom_pin_new (label, self->model, NULL, self->job, self->gpu, self->n_gpus);
  g_list_store_append (self->pins, pin);
}

static void
headroom_sweep_view_export_response_cb (GtkFileChooser    *chooser,
                                        int                response,
                                        HeadroomSweepView *self)
{
  HrExportFormat format = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (chooser), "format"));
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) file = NULL;

  if (response != GTK_RESPONSE_ACCEPT || self->sweep == NULL)
    return;

  /* What has not been looked at yet belongs into the file. */
  hr_sweep_run (self->sweep);
  file = gtk_file_chooser_get_file (chooser);
  bytes = hr_export_sweep_to_bytes (self->sweep, self->unit_system, format, &error);
  if (bytes != NULL && hr_file_write (file, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &error))
    {
      g_autofree char *name = g_file_get_basename (file);
      /* Translators: %s is the name of a file */
      g_autofree char *text = g_strdup_printf (_("“%s” saved"), name);

      headroom_sweep_view_say (self, text, FALSE);
    }
  else
    headroom_sweep_view_say (self, error->message, TRUE);
}

static void
headroom_sweep_view_export_action (GtkWidget  *widget,
                                   const char *action_name,
                                   GVariant   *parameter)
{
  HeadroomSweepView *self = HEADROOM_SWEEP_VIEW (widget);
  g_autofree char *name = NULL;
  HrExportFormat format;
  GObject *dialog;

  if (self->sweep == NULL || !hr_export_format_from_name (g_variant_get_string (parameter, NULL), &format))
    return;

  name = hr_sweep_dup_file_name (self->sweep, hr_export_format_get_extension (format));
  dialog = headroom_dialog_save (GTK_WINDOW (gtk_widget_get_root (widget)), _("Export"), name,
                                 G_CALLBACK (headroom_sweep_view_export_response_cb), self);
  g_object_set_data (dialog, "format", GUINT_TO_POINTER (format));
}

static void
headroom_sweep_view_fill_range (HeadroomSweepView *self)
{
  g_autofree char *from = hr_sweep_format_value (self->range.from);
  g_autofree char *to = hr_sweep_format_value (self->range.to);

  self->filling = TRUE;
  gtk_editable_set_text (self->from, from);
  gtk_editable_set_text (self->to, to);
  gtk_drop_down_set_selected (self->spacing, self->range.is_geometric ? 0 : 1);
  self->filling = FALSE;
}

static void
headroom_sweep_view_set_setting (HeadroomSweepView *self,
                                 const char        *setting)
{
  if (g_strcmp0 (self->setting, setting) != 0)
    {
      g_free (self->setting);
      self->setting = g_strdup (setting);
      self->is_own_range = FALSE;
    }
  if (self->is_own_range)
    return;

  hr_sweep_range_init (&self->range, self->job, self->model, self->setting);
  headroom_sweep_view_fill_range (self);
}

static void
headroom_sweep_view_component_cb (HeadroomSweepView *self)
{
  guint selected = gtk_drop_down_get_selected (self->component_choice);

  if (self->filling || selected >= self->components->len)
    return;

  self->component = g_array_index (self->components, HrComponentId, selected);
  if (self->sweep == NULL)
    return;

  hr_sweep_set_component (self->sweep, self->component);
  headroom_sweep_view_show_line (self);
}

static void
append_component (GArray        *components,
                  GtkStringList *labels,
                  HrComponentId  id)
{
  g_array_append_val (components, id);
  gtk_string_list_append (labels, id == HR_N_COMPONENTS ? _("All of the peak") : hr_component_id_get_label (id));
}

/* Parts that are there at any moment: other values may have their peak then. */
static void
find_components (HrEstimate *estimate,
                 gboolean   *is_there)
{
  const HrTimeline *timeline = hr_estimate_get_timeline (estimate);
  guint n_points = 0;
  g_autofree HrTimelinePoint *points = timeline != NULL ? hr_timeline_dup_points (timeline, &n_points) : NULL;

  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    {
      is_there[id] = hr_estimate_find_component (estimate, id) != NULL;
      for (guint i = 0; i < n_points && hr_component_id_is_allocated (id); i++)
        is_there[id] = is_there[id] || points[i].level.by_component[id] > 0;
    }
}

/* All of the peak, and the parts that the estimate has; what was chosen stays a choice. */
static void
headroom_sweep_view_fill_components (HeadroomSweepView *self,
                                     HrEstimate        *estimate)
{
  GArray *components = g_array_new (FALSE, FALSE, sizeof (HrComponentId));
  g_autoptr (GtkStringList) labels = gtk_string_list_new (NULL);
  gboolean is_there[HR_N_COMPONENTS];
  guint selected = 0;

  find_components (estimate, is_there);
  append_component (components, labels, HR_N_COMPONENTS);
  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    {
      if (!is_there[id] && id != self->component)
        continue;

      if (id == self->component)
        selected = components->len;
      append_component (components, labels, id);
    }

  if (self->components != NULL && self->components->len == components->len &&
      memcmp (self->components->data, components->data, components->len * sizeof (HrComponentId)) == 0)
    {
      g_array_unref (components);
      return;
    }

  self->filling = TRUE;
  gtk_drop_down_set_model (self->component_choice, G_LIST_MODEL (labels));
  gtk_drop_down_set_selected (self->component_choice, selected);
  self->filling = FALSE;
  g_clear_pointer (&self->components, g_array_unref);
  self->components = components;
}

static void
headroom_sweep_view_setting_cb (HeadroomSweepView *self)
{
  guint selected = gtk_drop_down_get_selected (self->setting_choice);
  g_autofree char *setting = NULL;

  if (self->filling || self->settings == NULL || selected >= g_strv_length (self->settings))
    return;

  setting = g_strdup (self->settings[selected]);
  headroom_sweep_view_set_setting (self, setting);
  headroom_sweep_view_restart (self);
}

/* What is no number is refused as a range that begins or ends nowhere. */
static double
read_number (GtkEditable *editable)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_editable_get_text (editable)));
  char *end;
  double number = g_ascii_strtod (text, &end);

  return *text != '\0' && *end == '\0' && isfinite (number) ? number : -1;
}

static void
headroom_sweep_view_range_cb (HeadroomSweepView *self)
{
  gboolean is_whole;

  if (self->filling || self->setting == NULL)
    return;

  is_whole = hr_sweep_setting_is_whole (self->job, self->setting);
  self->is_own_range = TRUE;
  self->range.from = read_number (self->from);
  self->range.to = read_number (self->to);
  self->range.is_geometric = gtk_drop_down_get_selected (self->spacing) == 0;
  self->range.step = self->range.is_geometric ? 2 : (self->range.to - self->range.from) / N_STEPS;
  if (is_whole && !self->range.is_geometric)
    self->range.step = MAX (ceil (self->range.step), 1);
  if (self->range.step <= 0)
    self->range.step = 1;
  headroom_sweep_view_restart (self);
}

/* The settings of the job that are numbers; what was chosen stays chosen where there is such a one. */
static void
headroom_sweep_view_fill_settings (HeadroomSweepView *self)
{
  g_auto (GStrv) settings = hr_sweep_list_settings (self->job);
  g_autoptr (GtkStringList) labels = gtk_string_list_new (NULL);
  guint selected = 0;

  if (self->settings != NULL && g_strv_equal ((const char * const *) settings, (const char * const *) self->settings))
    {
      headroom_sweep_view_set_setting (self, self->setting);
      return;
    }

  /* Lengths come first to mind. */
  for (guint i = 0; settings[i] != NULL; i++)
    {
      g_autofree char *label = hr_sweep_dup_setting_label (self->job, settings[i]);

      gtk_string_list_append (labels, label);
      if (self->setting == NULL ? g_str_has_suffix (settings[i], "-length") && selected == 0
                                : g_str_equal (settings[i], self->setting))
        selected = i;
    }

  self->filling = TRUE;
  gtk_drop_down_set_model (self->setting_choice, G_LIST_MODEL (labels));
  gtk_drop_down_set_selected (self->setting_choice, selected);
  self->filling = FALSE;
  g_strfreev (self->settings);
  self->settings = g_steal_pointer (&settings);
  headroom_sweep_view_set_setting (self, self->settings[selected]);
}

static void
headroom_sweep_view_dispose (GObject *object)
{
  HeadroomSweepView *self = HEADROOM_SWEEP_VIEW (object);

  g_clear_handle_id (&self->source, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (object), HEADROOM_TYPE_SWEEP_VIEW);
  g_clear_pointer (&self->sweep, hr_sweep_free);
  g_clear_pointer (&self->settings, g_strfreev);
  g_clear_pointer (&self->setting, g_free);
  g_clear_pointer (&self->components, g_array_unref);
  g_clear_object (&self->pins);
  g_clear_object (&self->capacities);
  g_clear_object (&self->model);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);

  G_OBJECT_CLASS (headroom_sweep_view_parent_class)->dispose (object);
}

static void
headroom_sweep_view_class_init (HeadroomSweepViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_sweep_view_dispose;

  g_type_ensure (HEADROOM_TYPE_COLUMNS);
  g_type_ensure (HEADROOM_TYPE_LINE_CHART);
  g_type_ensure (HEADROOM_TYPE_SWEEP_GPUS);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-sweep-view.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, component_choice);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, setting_choice);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, from);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, to);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, spacing);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, problem);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, point);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, chart);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, lines);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepView, gpus);
  gtk_widget_class_bind_template_callback (widget_class, headroom_sweep_view_component_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_sweep_view_setting_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_sweep_view_range_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_sweep_view_update_point);

  gtk_widget_class_install_action (widget_class, "sweep.pin", NULL, headroom_sweep_view_pin_action);
  gtk_widget_class_install_action (widget_class, "sweep.export", "s", headroom_sweep_view_export_action);
}

static void
headroom_sweep_view_init (HeadroomSweepView *self)
{
  g_autoptr (GListStore) pins = g_list_store_new (HEADROOM_TYPE_PIN);
  g_autoptr (GListStore) capacities = g_list_store_new (HR_TYPE_GPU);

  self->n_gpus = 1;
  self->component = HR_N_COMPONENTS;
  gtk_widget_init_template (GTK_WIDGET (self));
  headroom_drop_down_set_title (self->component_choice, _("What the lines show"));
  headroom_drop_down_set_title (self->setting_choice, _("The setting that varies"));
  headroom_drop_down_set_title (self->spacing, _("How the values follow each other"));
  headroom_sweep_view_set_capacities (self, capacities);
  headroom_sweep_view_set_pins (self, pins);
}

GtkWidget *
headroom_sweep_view_new (void)
{
  return g_object_new (HEADROOM_TYPE_SWEEP_VIEW, NULL);
}

/*
 * headroom_sweep_view_set_pins:
 * @self: a sweep
 * @pins: (element-type HeadroomPin): the configurations that are pinned; the sweep adds to them and takes from them
 */
void
headroom_sweep_view_set_pins (HeadroomSweepView *self,
                              GListStore        *pins)
{
  g_return_if_fail (HEADROOM_IS_SWEEP_VIEW (self));
  g_return_if_fail (G_IS_LIST_STORE (pins));

  if (self->pins == pins)
    return;

  if (self->pins != NULL)
    g_signal_handlers_disconnect_by_func (self->pins, headroom_sweep_view_pins_changed_cb, self);
  g_set_object (&self->pins, pins);
  g_signal_connect_object (pins, "items-changed", G_CALLBACK (headroom_sweep_view_pins_changed_cb), self,
                           G_CONNECT_SWAPPED);
  headroom_sweep_view_pins_changed_cb (self);
}

/*
 * headroom_sweep_view_set_capacities:
 * @self: a sweep
 * @gpus: (element-type HrGpu): the GPUs whose memory is shown beside that of the configurations’ own; the sweep adds to
 *   them and takes from them
 */
void
headroom_sweep_view_set_capacities (HeadroomSweepView *self,
                                    GListStore        *gpus)
{
  g_return_if_fail (HEADROOM_IS_SWEEP_VIEW (self));
  g_return_if_fail (G_IS_LIST_STORE (gpus));

  if (self->capacities != NULL)
    g_signal_handlers_disconnect_by_func (self->capacities, headroom_sweep_view_restart, self);
  g_set_object (&self->capacities, gpus);
  g_signal_connect_object (gpus, "items-changed", G_CALLBACK (headroom_sweep_view_restart), self, G_CONNECT_SWAPPED);
  headroom_sweep_gpus_set_gpus (self->gpus, gpus);
  if (self->pins != NULL)
    headroom_sweep_view_restart (self);
}

/*
 * headroom_sweep_view_show:
 * @self: a sweep
 * @report: the report of the configuration that is being worked on
 *
 * Sweeps anew, when the settings have been left alone for a moment; until then what there was before stays.
 */
void
headroom_sweep_view_show (HeadroomSweepView *self,
                          HrReport          *report)
{
  HrModel *model;

  g_return_if_fail (HEADROOM_IS_SWEEP_VIEW (self));
  g_return_if_fail (HR_IS_REPORT (report));

  model = hr_report_get_model (report);
  if (self->model != model)
    self->is_own_range = FALSE;
  g_set_object (&self->model, model);
  g_clear_object (&self->job);
  self->job = hr_job_copy (hr_report_get_asked_job (report));
  g_set_object (&self->gpu, hr_report_get_gpu (report));
  self->n_gpus = hr_report_get_n_gpus (report);
  self->unit_system = hr_report_get_unit_system (report);
  headroom_sweep_view_fill_components (self, hr_report_get_estimate (report));
  headroom_sweep_view_fill_settings (self);
  headroom_sweep_view_restart (self);
}
