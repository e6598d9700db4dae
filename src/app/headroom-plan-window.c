/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-plan-window.h"

#include <glib/gi18n.h>
#include <hr-gpu-catalogue.h>
#include <hr-inference-job.h>
#include <hr-least-gpus.h>
#include <hr-plan-report.h>
#include <hr-sharing.h>

#include "headroom-plan-table.h"
#include "headroom-settings.h"

/* So many of the best layouts are replayed, those that are seen first. */
#define N_CHECKED 20

/* How long layouts are looked at before it is told how far the search has come. */
#define STEP_MICROSECONDS 20000

/* So many GPUs as the largest training runs that were told of had (Llama 3, arXiv:2407.21783: 16,384). */
#define MOST_GPUS 16384

/*
 * HeadroomPlanWindow:
 *
 * The layouts of the job of a session on many GPUs, and the fewest GPUs that it fits on. Layouts are looked for in a
 * thread, a few milliseconds at a time; the best are replayed in one, and so are the fewest GPUs found. What is looked
 * for anew cancels what was looked for before.
 */
struct _HeadroomPlanWindow
{
  AdwWindow parent_instance;

  HeadroomSession *session;
  GSettings *settings;
  HrPlanner *planner;         /* of what has been found */
  GCancellable *cancellable;
  gboolean is_searching;
  HeadroomPlanKind kind;

  AdwToastOverlay *toasts;
  AdwViewStack *stack;
  GtkSpinButton *n_gpus;
  GtkSpinButton *n_per_node;
  GtkSpinButton *n_sequences;
  GtkLabel *sequences_label;
  GtkEditable *network;
  GtkSwitch *bridged;
  GtkButton *start;
  GtkButton *apply;
  GtkSwitch *only_fitting;
  GtkProgressBar *progress;
  GtkLabel *verdict;
  GtkLabel *missing;
  GtkLabel *remark;
  HeadroomPlanTable *table;
  GtkListBox *least;
  GtkLabel *least_remark;
  GtkSpinner *least_spinner;
};

G_DEFINE_FINAL_TYPE (HeadroomPlanWindow, headroom_plan_window, ADW_TYPE_WINDOW)

static gboolean
headroom_plan_window_is_searching (HeadroomPlanWindow *self)
{
  return self->is_searching;
}

static void
headroom_plan_window_update_buttons (HeadroomPlanWindow *self)
{
  gboolean is_searching = headroom_plan_window_is_searching (self);
  HeadroomPlanItem *selected = headroom_plan_table_get_selected (self->table);

  gtk_button_set_label (self->start, is_searching ? _("_Cancel") : _("_Plan"));
  gtk_widget_set_visible (GTK_WIDGET (self->progress), is_searching);
  gtk_widget_set_sensitive (GTK_WIDGET (self->apply), !is_searching && selected != NULL);
}

/* Ends what is under way; what was found so far stays. */
static void
headroom_plan_window_cancel (HeadroomPlanWindow *self)
{
  self->is_searching = FALSE;
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->planner, hr_planner_free);
}

static void
show_text (GtkLabel   *label,
           const char *text)
{
  gtk_label_set_label (label, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL);
}

/* What came of it, and why there are no times if there are none. */
static void
headroom_plan_window_show_verdict (HeadroomPlanWindow *self,
                                   const char         *verdict,
                                   const char         *missing)
{
  show_text (self->verdict, verdict);
  show_text (self->missing, missing);
}

/* The rows of the best layouts so far. */
static void
headroom_plan_window_show_choices (HeadroomPlanWindow *self)
{
  GListStore *items = headroom_plan_table_get_items (self->table);
  guint n = hr_planner_get_n_listed (self->planner);
  guint64 memory = hr_gpu_get_usable_memory (hr_planner_get_cluster (self->planner)->gpu);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (rows, headroom_plan_item_new (hr_planner_get_choice (self->planner, i), i + 1, memory));
  g_list_store_splice (items, 0, g_list_model_get_n_items (G_LIST_MODEL (items)), rows->pdata, rows->len);
}

static void
check_choices (GTask        *task,
               gpointer      source_object,
               gpointer      task_data,
               GCancellable *cancellable)
{
  HrPlanner *planner = task_data;

  for (guint i = 0; i < N_CHECKED && !g_cancellable_is_cancelled (cancellable); i++)
    hr_planner_check (planner, i + 1);
  g_task_return_boolean (task, TRUE);
}

/* Rows have been sorted by somebody meanwhile, and know their rank. */
static void
headroom_plan_window_checked_cb (GObject      *object,
                                 GAsyncResult *result,
                                 gpointer      user_data)
{
  HeadroomPlanWindow *self = HEADROOM_PLAN_WINDOW (object);
  HrPlanner *planner = g_task_get_task_data (G_TASK (result));
  GListModel *items;

  if (!g_task_propagate_boolean (G_TASK (result), NULL))
    return;

  items = G_LIST_MODEL (headroom_plan_table_get_items (self->table));
  for (guint i = 0; i < MIN (N_CHECKED, g_list_model_get_n_items (items)); i++)
    {
      g_autoptr (HeadroomPlanItem) item = g_list_model_get_item (items, i);

      headroom_plan_item_set_choice (item, hr_planner_get_choice (planner, i));
    }
  headroom_plan_table_set_only_fitting (self->table, gtk_switch_get_active (self->only_fitting));
}

static void
headroom_plan_window_finish (HeadroomPlanWindow *self)
{
  g_autofree char *verdict = hr_plan_dup_verdict (self->planner);
  g_autofree char *refusal = hr_plan_dup_refusal (self->planner);
  const char *missing = hr_planner_get_missing (self->planner);
  g_autoptr (GTask) task = g_task_new (self, self->cancellable, headroom_plan_window_checked_cb, NULL);

  headroom_plan_window_show_verdict (self, verdict, missing != NULL ? missing : refusal);
  headroom_plan_window_show_choices (self);
  g_task_set_task_data (task, g_steal_pointer (&self->planner), (GDestroyNotify) hr_planner_free);
  g_task_run_in_thread (task, check_choices);
  headroom_plan_window_update_buttons (self);
}

static void headroom_plan_window_step (HeadroomPlanWindow *self);

/* Looks at some layouts, and hands the search back. */
static void
step (GTask        *task,
      gpointer      source_object,
      gpointer      task_data,
      GCancellable *cancellable)
{
  HrPlanner *planner = task_data;
  gint64 start = g_get_monotonic_time ();

  while (hr_planner_step (planner) && g_get_monotonic_time () - start < STEP_MICROSECONDS)
    {
      if (g_cancellable_is_cancelled (cancellable))
        break;
    }
  g_task_return_pointer (task, planner, (GDestroyNotify) hr_planner_free);
}

static void
headroom_plan_window_stepped_cb (GObject      *object,
                                 GAsyncResult *result,
                                 gpointer      user_data)
{
  HeadroomPlanWindow *self = HEADROOM_PLAN_WINDOW (object);
  HrPlanner *planner = g_task_propagate_pointer (G_TASK (result), NULL);

  /* It was cancelled. */
  if (planner == NULL)
    return;

  self->planner = planner;
  gtk_progress_bar_set_fraction (self->progress, hr_planner_get_progress (planner));
  if (!hr_planner_is_done (planner))
    {
      headroom_plan_window_step (self);
      return;
    }

  self->is_searching = FALSE;
  headroom_plan_window_finish (self);
}

static void
headroom_plan_window_step (HeadroomPlanWindow *self)
{
  g_autoptr (GTask) task = g_task_new (self, self->cancellable, headroom_plan_window_stepped_cb, NULL);

  g_task_set_task_data (task, g_steal_pointer (&self->planner), NULL);
  g_task_run_in_thread (task, step);
}

/* What is asked for, and where it is going to be found. */
typedef struct
{
  HrModel *model;
  HrJob *job;
  guint64 n_sequences;
} LeastQuestion;

static void
least_question_free (LeastQuestion *self)
{
  g_object_unref (self->model);
  g_object_unref (self->job);
  g_free (self);
}

static void
find_least (GTask        *task,
            gpointer      source_object,
            gpointer      task_data,
            GCancellable *cancellable)
{
  LeastQuestion *question = task_data;
  GListModel *all = hr_gpu_catalogue_get_default ();
  g_autoptr (GPtrArray) gpus = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;
  GArray *found;

  for (guint i = 0; i < g_list_model_get_n_items (all); i++)
    g_ptr_array_add (gpus, g_list_model_get_item (all, i));
  found = hr_least_gpus_list (question->model, question->job, gpus, question->n_sequences, MOST_GPUS, NULL,
                              cancellable, &error);
  if (found != NULL)
    g_task_return_pointer (task, found, (GDestroyNotify) g_array_unref);
  else if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
}

/* Settings and GPUs become those of the session; it is one step to undo. */
static void
headroom_plan_window_take_change (HeadroomPlanWindow *self,
                                  const char         *change)
{
  g_autoptr (GError) error = NULL;

  headroom_session_change_job (self->session, change, &error);
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (error != NULL
                                                              ? error->message
                                                              : _("The settings are those of the layout")));
}

static void
headroom_plan_window_apply_least_cb (HeadroomPlanWindow *self,
                                     GtkWidget          *button)
{
  headroom_plan_window_take_change (self, g_object_get_data (G_OBJECT (button), "change"));
}

static GtkWidget *
headroom_plan_window_create_apply (HeadroomPlanWindow *self,
                                   const HrLeastGpus  *least,
                                   const char         *number,
                                   const char         *layout)
{
  GtkWidget *button = gtk_button_new_with_label (_("Apply"));
  /* Translators: a button; 1 is a number of GPUs, 2 the name of the GPU, 3 a layout, such as “TP 8 · PP 2” */
  g_autofree char *label = g_strdup_printf (_("Apply: %1$s × %2$s, %3$s"), number, hr_gpu_get_name (least->gpu),
                                            layout);

  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_tooltip_text (button, _("Make these GPUs, and how they share it, the settings of the job"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  g_object_set_data_full (G_OBJECT (button), "change",
                          hr_least_gpus_dup_change (least, headroom_session_get_job (self->session)), g_free);
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_plan_window_apply_least_cb), self,
                           G_CONNECT_SWAPPED);

  return button;
}

static void
headroom_plan_window_add_least (HeadroomPlanWindow *self,
                                const HrLeastGpus  *least)
{
  HrUnitSystem unit_system = headroom_settings_get_unit_system (self->settings);
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *memory = hr_format_bytes (hr_gpu_get_memory (least->gpu), unit_system);
  g_autofree char *layout = hr_plan_dup_least_layout (least);
  g_autofree char *number = hr_format_integer (least->n_gpus);
  /* Translators: 1 the memory of a GPU, 2 a layout, such as “TP 8 · PP 2” */
  g_autofree char *subtitle = g_strdup_printf (_("%1$s each; %2$s"), memory, layout);
  GtkWidget *label = gtk_label_new (number);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), hr_gpu_get_name (least->gpu));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_widget_add_css_class (label, "numeric");
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), headroom_plan_window_create_apply (self, least, number, layout));
  gtk_list_box_append (self->least, row);
}

static void
headroom_plan_window_clear_least (HeadroomPlanWindow *self)
{
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (self->least, 0)) != NULL)
    gtk_list_box_remove (self->least, GTK_WIDGET (row));
  gtk_widget_set_visible (GTK_WIDGET (self->least), FALSE);
}

/* Whether the fewest GPUs are looked for. */
static void
headroom_plan_window_set_looks (HeadroomPlanWindow *self,
                                gboolean            looks)
{
  gtk_widget_set_visible (GTK_WIDGET (self->least_spinner), looks);
  gtk_spinner_set_spinning (self->least_spinner, looks);
}

static void
headroom_plan_window_least_cb (GObject      *object,
                               GAsyncResult *result,
                               gpointer      user_data)
{
  HeadroomPlanWindow *self = HEADROOM_PLAN_WINDOW (object);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) found = g_task_propagate_pointer (G_TASK (result), &error);

  /* Another search goes on. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  headroom_plan_window_set_looks (self, FALSE);
  headroom_plan_window_clear_least (self);
  if (found == NULL)
    {
      gtk_label_set_label (self->least_remark, error->message);
      return;
    }

  for (guint i = 0; i < found->len; i++)
    {
      const HrLeastGpus *least = &g_array_index (found, HrLeastGpus, i);

      if (least->n_gpus > 0)
        headroom_plan_window_add_least (self, least);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->least), gtk_list_box_get_row_at_index (self->least, 0) != NULL);
}

static void
headroom_plan_window_start_least (HeadroomPlanWindow *self,
                                  HrJob              *job)
{
  g_autoptr (GTask) task = g_task_new (self, self->cancellable, headroom_plan_window_least_cb, NULL);
  LeastQuestion *question = g_new (LeastQuestion, 1);

  question->model = g_object_ref (headroom_session_get_model (self->session));
  question->job = hr_job_copy (job);
  gtk_label_set_label (self->least_remark, hr_plan_get_least_remark (job));
  headroom_plan_window_set_looks (self, TRUE);
  question->n_sequences = gtk_spin_button_get_value_as_int (self->n_sequences);
  g_task_set_task_data (task, question, (GDestroyNotify) least_question_free);
  g_task_run_in_thread (task, find_least);
}

/* Reads how fast the network is; nothing is no answer, and a word that is none is shown as wrong. */
static gboolean
headroom_plan_window_read_network (HeadroomPlanWindow *self,
                                   guint64            *network)
{
  const char *text = gtk_editable_get_text (self->network);
  gboolean is_good = *text == '\0' || hr_cluster_parse_network (text, network);

  if (is_good)
    gtk_widget_remove_css_class (GTK_WIDGET (self->network), "error");
  else
    gtk_widget_add_css_class (GTK_WIDGET (self->network), "error");
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->network), GTK_ACCESSIBLE_STATE_INVALID,
                               is_good ? GTK_ACCESSIBLE_INVALID_FALSE : GTK_ACCESSIBLE_INVALID_TRUE, -1);

  return is_good;
}

static HeadroomPlanKind
get_kind (HrJob *job)
{
  return HR_IS_INFERENCE_JOB (job)         ? HEADROOM_PLAN_KIND_SERVING
         : hr_planner_uses_formulas (job) ? HEADROOM_PLAN_KIND_FORMULAS
                                          : HEADROOM_PLAN_KIND_SHARING;
}

/* What differs from one kind of job to the next; sequences mean something else then. */
static void
headroom_plan_window_show_kind (HeadroomPlanWindow *self,
                                HrJob              *job)
{
  const char *label = hr_plan_get_sequences_label (job);
  HeadroomPlanKind kind = get_kind (job);

  gtk_label_set_label (self->remark, hr_plan_get_remark (job));
  gtk_label_set_label (self->sequences_label, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->n_sequences), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  headroom_plan_table_set_kind (self->table, kind);
  if (kind == self->kind)
    return;

  self->kind = kind;
  gtk_spin_button_set_value (self->n_sequences,
                             hr_planner_count_sequences (job, gtk_spin_button_get_value_as_int (self->n_gpus)));
}

/* There is something to choose only of cards that a bridge is known for. */
static gboolean
headroom_plan_window_read_bridge (HeadroomPlanWindow *self,
                                  HrGpu              *gpu)
{
  gboolean has_bridge = gpu != NULL && hr_gpu_get_bridge (gpu, NULL, NULL) != NULL;

  gtk_widget_set_sensitive (GTK_WIDGET (self->bridged), has_bridge);

  return has_bridge && gtk_switch_get_active (self->bridged);
}

static void
headroom_plan_window_start (HeadroomPlanWindow *self)
{
  HrModel *model = headroom_session_get_model (self->session);
  HrJob *job = headroom_session_get_job (self->session);
  HrCluster cluster = {
    headroom_session_get_gpu (self->session), gtk_spin_button_get_value_as_int (self->n_gpus),
    gtk_spin_button_get_value_as_int (self->n_per_node), 0, FALSE,
  };
  g_autoptr (GError) error = NULL;

  headroom_plan_window_cancel (self);
  g_list_store_remove_all (headroom_plan_table_get_items (self->table));
  headroom_plan_window_clear_least (self);
  headroom_plan_window_show_kind (self, job);
  cluster.bridged = headroom_plan_window_read_bridge (self, cluster.gpu);
  if (!headroom_plan_window_read_network (self, &cluster.network))
    headroom_plan_window_show_verdict (self, _("The network between machines: expected what each GPU can send, such as "
                                               "400Gb/s or 50GB/s"), NULL);
  else if (model == NULL)
    headroom_plan_window_show_verdict (self, _("There is no model to plan for"), NULL);
  else
    {
      self->cancellable = g_cancellable_new ();
      headroom_plan_window_start_least (self, job);
      if (!hr_planner_check_job (job, &error))
        {
          headroom_plan_window_show_verdict (self, error->message, NULL);
          adw_view_stack_set_visible_child_name (self->stack, "least");
        }
      else if (cluster.gpu == NULL)
        headroom_plan_window_show_verdict (self, _("Choose a GPU in the settings, to see the layouts on it"), NULL);
      else
        self->planner = hr_planner_new (model, job, &cluster, gtk_spin_button_get_value_as_int (self->n_sequences),
                                        NULL, &error);
      if (error != NULL)
        headroom_plan_window_show_verdict (self, error->message, NULL);
      else if (self->planner != NULL)
        {
          headroom_plan_window_show_verdict (self, NULL, NULL);
          self->is_searching = TRUE;
          gtk_progress_bar_set_fraction (self->progress, 0);
          headroom_plan_window_step (self);
        }
    }
  headroom_plan_window_update_buttons (self);
}

static void
headroom_plan_window_start_cb (HeadroomPlanWindow *self)
{
  g_assert (HEADROOM_IS_PLAN_WINDOW (self));

  if (!headroom_plan_window_is_searching (self))
    {
      headroom_plan_window_start (self);
      return;
    }

  headroom_plan_window_cancel (self);
  headroom_plan_window_show_verdict (self, _("Cancelled"), NULL);
  headroom_plan_window_update_buttons (self);
}

static void
headroom_plan_window_only_fitting_cb (HeadroomPlanWindow *self)
{
  headroom_plan_table_set_only_fitting (self->table, gtk_switch_get_active (self->only_fitting));
}

/* The settings of the layout that is selected. */
static void
headroom_plan_window_apply_cb (HeadroomPlanWindow *self)
{
  HeadroomPlanItem *item = headroom_plan_table_get_selected (self->table);
  g_autofree char *change = NULL;
  g_autofree char *whole = NULL;
  const HrPlanChoice *choice;

  g_assert (HEADROOM_IS_PLAN_WINDOW (self));

  if (item == NULL)
    return;

  choice = headroom_plan_item_get_choice (item);
  change = hr_plan_choice_dup_change (choice);
  whole = choice->change != NULL ? hr_sharing_complete_change (headroom_session_get_job (self->session), change)
                                 : g_strdup (change);
  headroom_plan_window_take_change (self, whole);
}

static void
headroom_plan_window_units_cb (HeadroomPlanWindow *self)
{
  headroom_plan_table_set_unit_system (self->table, headroom_settings_get_unit_system (self->settings));
}

static void
headroom_plan_window_dispose (GObject *object)
{
  HeadroomPlanWindow *self = HEADROOM_PLAN_WINDOW (object);

  headroom_plan_window_cancel (self);
  g_clear_object (&self->session);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (headroom_plan_window_parent_class)->dispose (object);
}

static void
headroom_plan_window_class_init (HeadroomPlanWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_plan_window_dispose;

  g_type_ensure (HEADROOM_TYPE_PLAN_TABLE);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/headroom/Headroom/ui/headroom-plan-window.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, n_gpus);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, n_per_node);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, n_sequences);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, sequences_label);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, network);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, bridged);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, start);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, apply);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, only_fitting);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, progress);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, verdict);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, missing);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, remark);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, table);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, least);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, least_remark);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPlanWindow, least_spinner);
  gtk_widget_class_bind_template_callback (widget_class, headroom_plan_window_start_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_plan_window_apply_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_plan_window_only_fitting_cb);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
headroom_plan_window_init (HeadroomPlanWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_window_set_icon_name (GTK_WINDOW (self), APPLICATION_ID);
  /* Rows may come before the buttons are there. */
  g_signal_connect_object (self->table, "notify::selected", G_CALLBACK (headroom_plan_window_update_buttons), self,
                           G_CONNECT_SWAPPED);
  self->settings = headroom_settings_new ();
  g_signal_connect_object (self->settings, "changed::unit-system", G_CALLBACK (headroom_plan_window_units_cb), self,
                           G_CONNECT_SWAPPED);
  headroom_plan_window_units_cb (self);
}

/*
 * As many GPUs as the session has, a machine of them where that is one; a sequence for each, or the requests that are
 * answered at once.
 */
static void
headroom_plan_window_take_session (HeadroomPlanWindow *self)
{
  HrJob *job = headroom_session_get_job (self->session);
  guint n_gpus = headroom_session_get_n_gpus (self->session);

  if (n_gpus == 1)
    n_gpus = HR_CLUSTER_DEFAULT_PER_NODE;
  gtk_spin_button_set_value (self->n_gpus, n_gpus);
  gtk_spin_button_set_value (self->n_per_node, HR_CLUSTER_DEFAULT_PER_NODE);
  gtk_spin_button_set_value (self->n_sequences, hr_planner_count_sequences (job, n_gpus));
  self->kind = get_kind (job);
}

/*
 * Creates a window that plans the layouts of the job of @session, whatever becomes of it.
 */
GtkWidget *
headroom_plan_window_new (HeadroomSession *session)
{
  HeadroomPlanWindow *self;

  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);

  self = g_object_new (HEADROOM_TYPE_PLAN_WINDOW, NULL);
  self->session = g_object_ref (session);
  headroom_plan_window_take_session (self);
  headroom_plan_window_start (self);

  return GTK_WIDGET (self);
}
