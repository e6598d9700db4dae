/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-anatomy-comparison.h"

#include <glib/gi18n.h>

#include "headroom-anatomy-list.h"
#include "headroom-capacity-bar.h"
#include "headroom-chart-scheme.h"
#include "headroom-model-list.h"
#include "headroom-picker.h"
#include "headroom-settings.h"
#include "hr-export-anatomy.h"

/*
 * HeadroomAnatomyComparison:
 *
 * A second model beside the first: their parts as bars to one scale, their figures with the differences.
 */
struct _HeadroomAnatomyComparison
{
  AdwBin parent_instance;

  HrAnatomy *anatomy;
  HrJob *job;
  HrModel *model;
  HrAnatomy *other;
  HrUnitSystem unit_system;
  GSettings *settings;

  GtkMenuButton *choose;
  GtkPopover *popover;
  GtkEditable *search;
  HeadroomPicker *picker;
  GtkLabel *problem;
  GtkWidget *bars;
  GtkLabel *first_name;
  GtkLabel *first_total;
  HeadroomCapacityBar *first;
  GtkLabel *second_name;
  GtkLabel *second_total;
  HeadroomCapacityBar *second;
  GtkStack *stack;
  HeadroomAnatomyList *list;
};

G_DEFINE_FINAL_TYPE (HeadroomAnatomyComparison, headroom_anatomy_comparison, ADW_TYPE_BIN)

/* A bar as long as its share of the larger model. */
static void
show_bar (HeadroomAnatomyComparison *self,
          HrAnatomy                 *anatomy,
          guint64                    largest,
          HeadroomCapacityBar       *bar,
          GtkLabel                  *name,
          GtkLabel                  *total)
{
  HrModel *model = hr_anatomy_get_model (anatomy);
  g_autofree char *largest_text = hr_format_count (largest);
  g_autoptr (HrChartData) data = NULL;

  data = hr_export_create_anatomy_chart_data (anatomy, HR_ANATOMY_MEASURE_PARAMETERS, self->unit_system,
                                              headroom_get_palette_scheme ());
  hr_chart_data_set_capacity (data, largest, largest_text, hr_chart_data_get_total_text (data));
  headroom_chart_set_data (HEADROOM_CHART (bar), data);
  gtk_label_set_label (name, hr_model_get_name (model));
  gtk_label_set_label (total, hr_chart_data_get_total_text (data));
}

static void
headroom_anatomy_comparison_update (HeadroomAnatomyComparison *self)
{
  g_autoptr (HrAnatomyTable) table = NULL;
  guint64 largest;

  g_clear_object (&self->other);
  gtk_widget_set_visible (self->bars, self->model != NULL && self->anatomy != NULL);
  gtk_stack_set_visible_child_name (self->stack, self->model != NULL ? "list" : "empty");
  if (self->model == NULL || self->anatomy == NULL)
    return;

  self->other = hr_anatomy_new (self->model, self->job);
  largest = MAX (hr_model_get_n_parameters (hr_anatomy_get_model (self->anatomy)),
                 hr_model_get_n_parameters (self->model));
  show_bar (self, self->anatomy, largest, self->first, self->first_name, self->first_total);
  show_bar (self, self->other, largest, self->second, self->second_name, self->second_total);

  table = hr_anatomy_compare (self->anatomy, self->other);
  headroom_anatomy_list_show (self->list, &table, 1, self->unit_system);
  gtk_menu_button_set_label (self->choose, hr_model_get_name (self->model));
}

static void
headroom_anatomy_comparison_show_problem (HeadroomAnatomyComparison *self,
                                          const char                *message)
{
  gtk_label_set_label (self->problem, message != NULL ? message : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem), message != NULL);
}

static void
load_thread (GTask        *task,
             gpointer      source_object,
             gpointer      task_data,
             GCancellable *cancellable)
{
  GError *error = NULL;
  HrModel *model = hr_model_new_from_file (task_data, &error);

  if (model != NULL)
    g_task_return_pointer (task, model, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
headroom_anatomy_comparison_loaded_cb (GObject      *source_object,
                                       GAsyncResult *result,
                                       gpointer      user_data)
{
  HeadroomAnatomyComparison *self = HEADROOM_ANATOMY_COMPARISON (source_object);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = g_task_propagate_pointer (G_TASK (result), &error);

  if (model != NULL)
    headroom_anatomy_comparison_set_model (self, model);
  else
    headroom_anatomy_comparison_show_problem (self, error->message);
}

static void
headroom_anatomy_comparison_picked_cb (HeadroomAnatomyComparison *self,
                                       HeadroomPickerItem        *item)
{
  GObject *object = headroom_picker_item_get_object (item);

  gtk_popover_popdown (self->popover);
  headroom_anatomy_comparison_show_problem (self, NULL);

  if (G_IS_FILE (object))
    {
      g_autoptr (GTask) task = g_task_new (self, NULL, headroom_anatomy_comparison_loaded_cb, NULL);

      g_task_set_source_tag (task, headroom_anatomy_comparison_picked_cb);
      g_task_set_task_data (task, g_object_ref (object), g_object_unref);
      g_task_run_in_thread (task, load_thread);
    }
  else
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (headroom_model_list_get_id (item), &error);

      if (model != NULL)
        headroom_anatomy_comparison_set_model (self, model);
      else
        headroom_anatomy_comparison_show_problem (self, error->message);
    }
}

static GListModel *
headroom_anatomy_comparison_search (const char *text,
                                    gpointer    user_data)
{
  return headroom_model_list_search (text, HEADROOM_ANATOMY_COMPARISON (user_data)->settings, G_MAXUINT);
}

static void
headroom_anatomy_comparison_popover_cb (HeadroomAnatomyComparison *self)
{
  if (gtk_widget_get_visible (GTK_WIDGET (self->popover)))
    {
      headroom_picker_refresh (self->picker);
      gtk_widget_grab_focus (GTK_WIDGET (self->search));
    }
  else
    {
      gtk_editable_set_text (self->search, "");
      headroom_picker_clear (self->picker);
    }
}

static void
headroom_anatomy_comparison_scheme_cb (HeadroomAnatomyComparison *self)
{
  headroom_anatomy_comparison_update (self);
}

static void
headroom_anatomy_comparison_dispose (GObject *object)
{
  HeadroomAnatomyComparison *self = HEADROOM_ANATOMY_COMPARISON (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), HEADROOM_TYPE_ANATOMY_COMPARISON);
  g_clear_object (&self->anatomy);
  g_clear_object (&self->job);
  g_clear_object (&self->model);
  g_clear_object (&self->other);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (headroom_anatomy_comparison_parent_class)->dispose (object);
}

static void
headroom_anatomy_comparison_class_init (HeadroomAnatomyComparisonClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_anatomy_comparison_dispose;

  g_type_ensure (HEADROOM_TYPE_ANATOMY_LIST);
  g_type_ensure (HEADROOM_TYPE_CAPACITY_BAR);
  g_type_ensure (HEADROOM_TYPE_PICKER);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-anatomy-comparison.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, choose);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, popover);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, search);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, picker);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, problem);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, bars);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, first_name);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, first_total);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, first);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, second_name);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, second_total);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, second);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, stack);
  gtk_widget_class_bind_template_child (widget_class, HeadroomAnatomyComparison, list);
  gtk_widget_class_bind_template_callback (widget_class, headroom_anatomy_comparison_picked_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_anatomy_comparison_popover_cb);
}

static void
headroom_anatomy_comparison_init (HeadroomAnatomyComparison *self)
{
  self->settings = headroom_settings_new ();
  gtk_widget_init_template (GTK_WIDGET (self));

  headroom_picker_set_search (self->picker, headroom_anatomy_comparison_search, self);
  headroom_picker_set_entry (self->picker, self->search);
  headroom_watch_chart_scheme (self, G_CALLBACK (headroom_anatomy_comparison_scheme_cb));
  headroom_anatomy_comparison_update (self);
}

GtkWidget *
headroom_anatomy_comparison_new (void)
{
  return g_object_new (HEADROOM_TYPE_ANATOMY_COMPARISON, NULL);
}

/*
 * Shows @anatomy beside the model that was chosen, if one was. @job is what both are loaded for.
 */
void
headroom_anatomy_comparison_show (HeadroomAnatomyComparison *self,
                                  HrAnatomy                 *anatomy,
                                  HrJob                     *job,
                                  HrUnitSystem               unit_system)
{
  g_return_if_fail (HEADROOM_IS_ANATOMY_COMPARISON (self));
  g_return_if_fail (HR_IS_ANATOMY (anatomy));

  g_set_object (&self->anatomy, anatomy);
  g_set_object (&self->job, job);
  self->unit_system = unit_system;
  headroom_anatomy_comparison_update (self);
}

/*
 * Gets the second model as it is compared, or NULL if none was chosen.
 */
HrAnatomy *
headroom_anatomy_comparison_get_other (HeadroomAnatomyComparison *self)
{
  g_return_val_if_fail (HEADROOM_IS_ANATOMY_COMPARISON (self), NULL);

  return self->other;
}

HrModel *
headroom_anatomy_comparison_get_model (HeadroomAnatomyComparison *self)
{
  g_return_val_if_fail (HEADROOM_IS_ANATOMY_COMPARISON (self), NULL);

  return self->model;
}

/*
 * Chooses the second model.
 */
void
headroom_anatomy_comparison_set_model (HeadroomAnatomyComparison *self,
                                       HrModel                   *model)
{
  g_return_if_fail (HEADROOM_IS_ANATOMY_COMPARISON (self));
  g_return_if_fail (model == NULL || HR_IS_MODEL (model));

  g_set_object (&self->model, model);
  headroom_anatomy_comparison_update (self);
}
