/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-anatomy-overview.h"

#include <glib/gi18n.h>
#include <hr-labels.h>

#include "headroom-anatomy-row.h"
#include "headroom-capacity-bar.h"
#include "headroom-chart-scheme.h"
#include "headroom-columns.h"
#include "headroom-legend.h"
#include "headroom-pie-chart.h"
#include "hr-export-anatomy.h"

/*
 * HeadroomAnatomyOverview:
 *
 * The parts of a model in pictures, and the figures that it is known by. Pie, legend and bars follow one property,
 * [property@AnatomyOverview:selected].
 */
struct _HeadroomAnatomyOverview
{
  AdwBin parent_instance;

  HrAnatomy *anatomy;
  HrUnitSystem unit_system;
  int selected;

  GtkLabel *name;
  GtkLabel *subtitle;
  HeadroomPieChart *pie;
  HeadroomLegend *legend;
  GtkWidget *active_box;
  HeadroomCapacityBar *active;
  GtkLabel *active_total;
  HeadroomCapacityBar *bytes;
  GtkLabel *bytes_total;
  GtkLabel *part_name;
  GtkLabel *part_text;
  GtkWidget *show_tensors;
  GtkListBox *figures;
};

enum
{
  PROP_0,
  PROP_SELECTED,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomAnatomyOverview, headroom_anatomy_overview, ADW_TYPE_BIN)

static GParamSpec *properties[N_PROPS];

static guint64
count_tensors (HrAnatomy *anatomy,
               HrPart     part)
{
  HrModel *model = hr_anatomy_get_model (anatomy);
  guint64 n_tensors = 0;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      if (hr_model_get_tensor (model, i)->part == part)
        n_tensors += hr_tensor_get_copies (hr_model_get_tensor (model, i));
    }

  return n_tensors;
}

/* The part of a place in the charts, which have a part for every one that has parameters. */
static HrPart
headroom_anatomy_overview_get_part (HeadroomAnatomyOverview *self,
                                    int                      index)
{
  for (HrPart part = 0; part < HR_N_PARTS; part++)
    {
      if (hr_model_get_n_parameters_of_part (hr_anatomy_get_model (self->anatomy), part) > 0 && index-- == 0)
        return part;
    }

  return HR_N_PARTS;
}

/* What is said of the part that is selected, or of the whole. */
static void
headroom_anatomy_overview_update_part (HeadroomAnatomyOverview *self)
{
  HrPart part = self->anatomy != NULL ? headroom_anatomy_overview_get_part (self, self->selected) : HR_N_PARTS;
  g_autofree char *parameters = NULL;
  g_autofree char *share = NULL;
  g_autofree char *bytes = NULL;
  g_autofree char *tensors = NULL;
  g_autofree char *text = NULL;
  guint64 n_parameters, n_tensors;

  gtk_widget_set_sensitive (self->show_tensors, part != HR_N_PARTS);
  if (part == HR_N_PARTS)
    {
      gtk_label_set_label (self->part_name, _("Parts"));
      gtk_label_set_label (self->part_text, _("Select a part to see what it holds"));
      gtk_actionable_set_action_target (GTK_ACTIONABLE (self->show_tensors), "s", "");
      return;
    }

  n_parameters = hr_model_get_n_parameters_of_part (hr_anatomy_get_model (self->anatomy), part);
  n_tensors = count_tensors (self->anatomy, part);
  parameters = hr_format_integer (n_parameters);
  share = hr_format_percentage (n_parameters, hr_model_get_n_parameters (hr_anatomy_get_model (self->anatomy)));
  bytes = hr_format_bytes (hr_anatomy_get_n_bytes_of_part (self->anatomy, part), self->unit_system);
  tensors = hr_format_integer (n_tensors);
  /* Translators: numbers of tensors and of parameters, a share in percent, a size. */
  text = g_strdup_printf (ngettext ("%s tensor, %s parameters (%s), %s", "%s tensors, %s parameters (%s), %s",
                                    n_tensors),
                          tensors, parameters, share, bytes);

  gtk_label_set_label (self->part_name, hr_part_get_label (part));
  gtk_label_set_label (self->part_text, text);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->show_tensors), "s", hr_part_get_id (part));
}

static void
headroom_anatomy_overview_update_figures (HeadroomAnatomyOverview *self)
{
  HrAnatomyTable *table = hr_anatomy_get_table (self->anatomy, HR_ANATOMY_SECTION_SUMMARY);
  g_autoptr (GListModel) items = headroom_anatomy_item_list (&table, 1, self->unit_system);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->figures))) != NULL)
    gtk_list_box_remove (self->figures, child);

  /* After the title, which the page has. */
  for (guint i = 1; i < g_list_model_get_n_items (items); i++)
    {
      g_autoptr (HeadroomAnatomyItem) item = g_list_model_get_item (items, i);
      GtkWidget *row = headroom_anatomy_row_new ();

      headroom_anatomy_row_show (HEADROOM_ANATOMY_ROW (row), item, NULL, FALSE);
      gtk_list_box_append (self->figures, row);
    }
}

static void
headroom_anatomy_overview_update_charts (HeadroomAnatomyOverview *self)
{
  HrModel *model = hr_anatomy_get_model (self->anatomy);
  HrPaletteScheme scheme = headroom_get_palette_scheme ();
  g_autoptr (HrChartData) parameters = NULL;
  g_autoptr (HrChartData) active = NULL;
  g_autoptr (HrChartData) bytes = NULL;
  int selected = self->selected;

  parameters = hr_export_create_anatomy_chart_data (self->anatomy, HR_ANATOMY_MEASURE_PARAMETERS, self->unit_system,
                                                    scheme);
  active = hr_export_create_anatomy_chart_data (self->anatomy, HR_ANATOMY_MEASURE_ACTIVE, self->unit_system, scheme);
  bytes = hr_export_create_anatomy_chart_data (self->anatomy, HR_ANATOMY_MEASURE_BYTES, self->unit_system, scheme);

  headroom_chart_set_data (HEADROOM_CHART (self->pie), parameters);
  headroom_legend_set_data (self->legend, parameters);
  headroom_chart_set_data (HEADROOM_CHART (self->active), active);
  headroom_chart_set_data (HEADROOM_CHART (self->bytes), bytes);
  gtk_label_set_label (self->active_total, hr_chart_data_get_total_text (active));
  gtk_label_set_label (self->bytes_total, hr_chart_data_get_total_text (bytes));
  gtk_widget_set_visible (self->active_box, hr_model_has_experts (model));

  headroom_anatomy_overview_set_selected (self, selected);
}

static void
headroom_anatomy_overview_scheme_cb (HeadroomAnatomyOverview *self)
{
  if (self->anatomy != NULL)
    headroom_anatomy_overview_update_charts (self);
}

static void
headroom_anatomy_overview_dispose (GObject *object)
{
  HeadroomAnatomyOverview *self = HEADROOM_ANATOMY_OVERVIEW (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), HEADROOM_TYPE_ANATOMY_OVERVIEW);
  g_clear_object (&self->anatomy);

  G_OBJECT_CLASS (headroom_anatomy_overview_parent_class)->dispose (object);
}

static void
headroom_anatomy_overview_get_property (GObject    *object,
                                        guint       prop_id,
                                        GValue     *value,
                                        GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_SELECTED:
      g_value_set_int (value, headroom_anatomy_overview_get_selected (HEADROOM_ANATOMY_OVERVIEW (object)));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_anatomy_overview_set_property (GObject      *object,
                                        guint         prop_id,
                                        const GValue *value,
                                        GParamSpec   *pspec)
{
  switch (prop_id)
    {
    case PROP_SELECTED:
      headroom_anatomy_overview_set_selected (HEADROOM_ANATOMY_OVERVIEW (object), g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_anatomy_overview_class_init (HeadroomAnatomyOverviewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_anatomy_overview_dispose;
  object_class->get_property = headroom_anatomy_overview_get_property;
  object_class->set_property = headroom_anatomy_overview_set_property;

  /*
   * HeadroomAnatomyOverview:selected:
   *
   * The index of the selected part in the charts, or -1.
   */
  properties[PROP_SELECTED] =
    g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (HEADROOM_TYPE_CAPACITY_BAR);
  g_type_ensure (HEADROOM_TYPE_COLUMNS);
  g_type_ensure (HEADROOM_TYPE_LEGEND);
  g_type_ensure (HEADROOM_TYPE_PIE_CHART);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-anatomy-overview.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, name);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, subtitle);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, pie);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, legend);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, active_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, active);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, active_total);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, bytes);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, bytes_total);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, part_name);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, part_text);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, show_tensors);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyOverview, figures);
}

static void
headroom_anatomy_overview_init (HeadroomAnatomyOverview *self)
{
  self->selected = -1;
  gtk_widget_init_template (GTK_WIDGET (self));

  g_object_bind_property (self, "selected", self->pie, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self, "selected", self->legend, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self, "selected", self->active, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self, "selected", self->bytes, "selected", G_BINDING_BIDIRECTIONAL);
  g_object_bind_property (self->pie, "hovered", self->legend, "hovered", G_BINDING_BIDIRECTIONAL);
  headroom_watch_chart_scheme (self, G_CALLBACK (headroom_anatomy_overview_scheme_cb));
  headroom_anatomy_overview_update_part (self);
}

GtkWidget *
headroom_anatomy_overview_new (void)
{
  return g_object_new (HEADROOM_TYPE_ANATOMY_OVERVIEW, NULL);
}

/*
 * Shows @anatomy.
 */
void
headroom_anatomy_overview_show (HeadroomAnatomyOverview *self,
                                HrAnatomy               *anatomy,
                                HrUnitSystem             unit_system)
{
  HrModel *model;

  g_return_if_fail (HEADROOM_IS_ANATOMY_OVERVIEW (self));
  g_return_if_fail (HR_IS_ANATOMY (anatomy));

  g_set_object (&self->anatomy, anatomy);
  self->unit_system = unit_system;
  model = hr_anatomy_get_model (anatomy);

  gtk_label_set_label (self->name, hr_model_get_name (model));
  gtk_label_set_label (self->subtitle, hr_model_get_architecture (model) != NULL ? hr_model_get_architecture (model)
                                                                                 : hr_model_get_model_type (model));
  headroom_anatomy_overview_update_charts (self);
  headroom_anatomy_overview_update_figures (self);
  headroom_anatomy_overview_update_part (self);
}

int
headroom_anatomy_overview_get_selected (HeadroomAnatomyOverview *self)
{
  g_return_val_if_fail (HEADROOM_IS_ANATOMY_OVERVIEW (self), -1);

  return self->selected;
}

/*
 * Selects the part at @selected in the charts; one that there is not, such as -1, selects none.
 */
void
headroom_anatomy_overview_set_selected (HeadroomAnatomyOverview *self,
                                        int                      selected)
{
  g_return_if_fail (HEADROOM_IS_ANATOMY_OVERVIEW (self));

  if (self->anatomy == NULL || selected < 0 || headroom_anatomy_overview_get_part (self, selected) == HR_N_PARTS)
    selected = -1;
  if (self->selected == selected)
    return;

  self->selected = selected;
  headroom_anatomy_overview_update_part (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}
