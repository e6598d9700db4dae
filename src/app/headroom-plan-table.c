/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-plan-table.h"

#include <glib/gi18n.h>
#include <hr-plan-report.h>

#include "headroom-column-title.h"

/*
 * HeadroomPlanTable:
 *
 * Layouts as a table that can be sorted by each column. Those that fit may be shown alone.
 */
struct _HeadroomPlanTable
{
  AdwBin parent_instance;

  GListStore *items;
  GtkCustomFilter *filter;
  GtkSingleSelection *selection;
  GtkColumnView *view;
  GtkColumnViewColumn *columns[HEADROOM_N_PLAN_COLUMNS];    /* the view's */
  HrUnitSystem unit_system;
  gboolean only_fitting;
};

enum
{
  PROP_0,
  PROP_SELECTED,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomPlanTable, headroom_plan_table, ADW_TYPE_BIN)

static GParamSpec *properties[N_PROPS];

/* What stands first is what is seen in a narrow window; abbreviations are those of the field. */
static const struct
{
  const char *title;
  gboolean is_text;
} columns[HEADROOM_N_PLAN_COLUMNS] = {
  [HEADROOM_PLAN_COLUMN_RANK] = { "#" },
  [HEADROOM_PLAN_COLUMN_SHARES] = { NULL, TRUE },
  [HEADROOM_PLAN_COLUMN_STEP] = { NC_("time", "Step") },
  [HEADROOM_PLAN_COLUMN_MEMORY] = { N_("Memory") },
  [HEADROOM_PLAN_COLUMN_FREE] = { N_("Free") },
  [HEADROOM_PLAN_COLUMN_TENSOR] = { "TP" },
  [HEADROOM_PLAN_COLUMN_PIPELINE] = { "PP" },
  [HEADROOM_PLAN_COLUMN_PARTS] = { "VP" },
  [HEADROOM_PLAN_COLUMN_CONTEXT] = { "CP" },
  [HEADROOM_PLAN_COLUMN_EXPERT] = { "EP" },
  [HEADROOM_PLAN_COLUMN_DATA] = { "DP" },
  [HEADROOM_PLAN_COLUMN_ZERO] = { "ZeRO" },
  [HEADROOM_PLAN_COLUMN_CHECKPOINTING] = { N_("Checkpointing"), TRUE },
  [HEADROOM_PLAN_COLUMN_MICRO_BATCH] = { N_("Micro-batch") },
  [HEADROOM_PLAN_COLUMN_MICRO_BATCHES] = { N_("Micro-batches") },
  [HEADROOM_PLAN_COLUMN_GPUS] = { N_("GPUs") },
  [HEADROOM_PLAN_COLUMN_UTILIZATION] = { N_("MFU") },
  [HEADROOM_PLAN_COLUMN_CHECK] = { N_("Known by"), TRUE },
};

/* What each kind of job has a column of. */
#define ONE(column) (1u << HEADROOM_PLAN_COLUMN_##column)
#define ALWAYS (ONE (RANK) | ONE (MEMORY) | ONE (FREE) | ONE (TENSOR) | ONE (PIPELINE) | ONE (DATA) | ONE (GPUS))
#define OF_STEPS (ONE (STEP) | ONE (CHECKPOINTING) | ONE (MICRO_BATCH) | ONE (MICRO_BATCHES) | ONE (UTILIZATION))

static const guint shown[] = {
  [HEADROOM_PLAN_KIND_FORMULAS] = ALWAYS | OF_STEPS | ONE (PARTS) | ONE (CONTEXT) | ONE (EXPERT) | ONE (ZERO) |
                                  ONE (CHECK),
  [HEADROOM_PLAN_KIND_SHARING] = ALWAYS | OF_STEPS | ONE (SHARES) | ONE (CONTEXT),
  [HEADROOM_PLAN_KIND_SERVING] = ALWAYS | ONE (EXPERT) | ONE (RATE) | ONE (TOKEN) | ONE (PROMPT) | ONE (RUNNING) |
                                 ONE (AT_ONCE) | ONE (CACHE),
};

static const char *
get_title (HeadroomPlanColumn column)
{
  const char *title = columns[column].title;

  switch ((guint) column)
    {
    case HEADROOM_PLAN_COLUMN_RATE:
      return hr_plan_figure_get_label (HR_PLAN_FIGURE_RATE);

    case HEADROOM_PLAN_COLUMN_TOKEN:
      return hr_plan_figure_get_label (HR_PLAN_FIGURE_TOKEN);

    case HEADROOM_PLAN_COLUMN_PROMPT:
      return hr_plan_figure_get_label (HR_PLAN_FIGURE_PROMPT);

    case HEADROOM_PLAN_COLUMN_RUNNING:
      return hr_plan_figure_get_label (HR_PLAN_FIGURE_RUNNING);

    case HEADROOM_PLAN_COLUMN_AT_ONCE:
      return hr_plan_figure_get_label (HR_PLAN_FIGURE_AT_ONCE);

    case HEADROOM_PLAN_COLUMN_CACHE:
      return hr_plan_figure_get_label (HR_PLAN_FIGURE_CACHE);

    case HEADROOM_PLAN_COLUMN_SHARES:
      return hr_plan_get_shares_label ();

    default:
      break;
    }

  return column == HEADROOM_PLAN_COLUMN_STEP ? g_dpgettext2 (GETTEXT_PACKAGE, "time", title) : _(title);
}

static HeadroomPlanColumn
get_column (GtkSignalListItemFactory *factory)
{
  return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (factory), "column"));
}

static void
setup_cell_cb (GtkSignalListItemFactory *factory,
               GtkListItem              *list_item)
{
  GtkWidget *label = gtk_label_new (NULL);

  if (!columns[get_column (factory)].is_text)
    {
      gtk_label_set_xalign (GTK_LABEL (label), 1);
      gtk_widget_add_css_class (label, "numeric");
    }
  else
    gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_list_item_set_child (list_item, label);
}

static void
show_cell (HeadroomPlanTable  *self,
           GtkListItem        *list_item,
           HeadroomPlanColumn  column)
{
  HeadroomPlanItem *item = gtk_list_item_get_item (list_item);
  GtkWidget *label = gtk_list_item_get_child (list_item);
  g_autofree char *text = headroom_plan_item_dup_text (item, column, self->unit_system);

  gtk_label_set_label (GTK_LABEL (label), text);
  if (column == HEADROOM_PLAN_COLUMN_FREE && !headroom_plan_item_fits (item))
    gtk_widget_add_css_class (label, "error");
  else
    gtk_widget_remove_css_class (label, "error");
}

static void
item_changed_cb (HeadroomPlanItem *item,
                 GtkListItem      *list_item)
{
  HeadroomPlanTable *self = g_object_get_data (G_OBJECT (list_item), "table");

  show_cell (self, list_item, GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (list_item), "column")));
}

static void
bind_cell_cb (GtkSignalListItemFactory *factory,
              GtkListItem              *list_item,
              HeadroomPlanTable        *self)
{
  HeadroomPlanColumn column = get_column (factory);

  g_object_set_data (G_OBJECT (list_item), "table", self);
  g_object_set_data (G_OBJECT (list_item), "column", GUINT_TO_POINTER (column));
  g_signal_connect (gtk_list_item_get_item (list_item), "changed", G_CALLBACK (item_changed_cb), list_item);
  show_cell (self, list_item, column);
}

static void
unbind_cell_cb (GtkSignalListItemFactory *factory,
                GtkListItem              *list_item)
{
  g_signal_handlers_disconnect_by_func (gtk_list_item_get_item (list_item), item_changed_cb, list_item);
}

static int
compare_items (gconstpointer a,
               gconstpointer b,
               gpointer      user_data)
{
  double one = headroom_plan_item_get_value ((HeadroomPlanItem *) a, GPOINTER_TO_UINT (user_data));
  double other = headroom_plan_item_get_value ((HeadroomPlanItem *) b, GPOINTER_TO_UINT (user_data));

  return one < other ? GTK_ORDERING_SMALLER : one > other ? GTK_ORDERING_LARGER : GTK_ORDERING_EQUAL;
}

static void
add_column (HeadroomPlanTable  *self,
            HeadroomPlanColumn  column)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  g_autoptr (GtkSorter) sorter = GTK_SORTER (gtk_custom_sorter_new (compare_items, GUINT_TO_POINTER (column), NULL));
  GtkColumnViewColumn *view_column;

  g_object_set_data (G_OBJECT (factory), "column", GUINT_TO_POINTER (column));
  g_signal_connect (factory, "setup", G_CALLBACK (setup_cell_cb), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cell_cb), self);
  g_signal_connect (factory, "unbind", G_CALLBACK (unbind_cell_cb), NULL);

  view_column = gtk_column_view_column_new (get_title (column), factory);
  gtk_column_view_column_set_sorter (view_column, sorter);
  gtk_column_view_append_column (self->view, view_column);
  if (!columns[column].is_text)
    headroom_column_title_align_end (view_column);
  self->columns[column] = view_column;
  /* The view keeps it. */
  g_object_unref (view_column);
}

static gboolean
is_shown (gpointer item,
          gpointer user_data)
{
  return !HEADROOM_PLAN_TABLE (user_data)->only_fitting || headroom_plan_item_fits (item);
}

static void
headroom_plan_table_selected_cb (HeadroomPlanTable *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

static void
headroom_plan_table_get_property (GObject    *object,
                                  guint       prop_id,
                                  GValue     *value,
                                  GParamSpec *pspec)
{
  HeadroomPlanTable *self = HEADROOM_PLAN_TABLE (object);

  switch (prop_id)
    {
    case PROP_SELECTED:
      g_value_set_object (value, headroom_plan_table_get_selected (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_plan_table_dispose (GObject *object)
{
  HeadroomPlanTable *self = HEADROOM_PLAN_TABLE (object);

  g_clear_object (&self->selection);
  g_clear_object (&self->items);

  G_OBJECT_CLASS (headroom_plan_table_parent_class)->dispose (object);
}

static void
headroom_plan_table_class_init (HeadroomPlanTableClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = headroom_plan_table_dispose;
  object_class->get_property = headroom_plan_table_get_property;

  /*
   * HeadroomPlanTable:selected:
   *
   * The layout that is selected.
   */
  properties[PROP_SELECTED] =
    g_param_spec_object ("selected", NULL, NULL, HEADROOM_TYPE_PLAN_ITEM, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
headroom_plan_table_init (HeadroomPlanTable *self)
{
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkFilterListModel *filtered;
  GtkSortListModel *sorted;

  self->items = g_list_store_new (HEADROOM_TYPE_PLAN_ITEM);
  self->filter = gtk_custom_filter_new (is_shown, self, NULL);
  self->view = GTK_COLUMN_VIEW (gtk_column_view_new (NULL));
  for (guint i = 0; i < HEADROOM_N_PLAN_COLUMNS; i++)
    add_column (self, i);

  filtered = gtk_filter_list_model_new (G_LIST_MODEL (g_object_ref (self->items)), GTK_FILTER (self->filter));
  sorted = gtk_sort_list_model_new (G_LIST_MODEL (filtered), g_object_ref (gtk_column_view_get_sorter (self->view)));
  self->selection = gtk_single_selection_new (G_LIST_MODEL (sorted));
  g_signal_connect_object (self->selection, "notify::selected-item", G_CALLBACK (headroom_plan_table_selected_cb), self,
                           G_CONNECT_SWAPPED);

  headroom_plan_table_set_kind (self, HEADROOM_PLAN_KIND_FORMULAS);

  gtk_column_view_set_model (self->view, GTK_SELECTION_MODEL (self->selection));
  gtk_column_view_set_show_column_separators (self->view, FALSE);
  gtk_widget_add_css_class (GTK_WIDGET (self->view), "data-table");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Layouts"), -1);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), GTK_WIDGET (self->view));
  gtk_widget_set_vexpand (scroller, TRUE);
  adw_bin_set_child (ADW_BIN (self), scroller);
}

/* The rows, which the caller fills. */
GListStore *
headroom_plan_table_get_items (HeadroomPlanTable *self)
{
  g_return_val_if_fail (HEADROOM_IS_PLAN_TABLE (self), NULL);

  return self->items;
}

/* Shows the columns that say something of a kind of job. */
void
headroom_plan_table_set_kind (HeadroomPlanTable *self,
                              HeadroomPlanKind   kind)
{
  g_return_if_fail (HEADROOM_IS_PLAN_TABLE (self) && kind < G_N_ELEMENTS (shown));

  for (guint i = 0; i < HEADROOM_N_PLAN_COLUMNS; i++)
    gtk_column_view_column_set_visible (self->columns[i], (shown[kind] & 1u << i) != 0);
}

/* The row that is selected; %NULL if there is none. */
HeadroomPlanItem *
headroom_plan_table_get_selected (HeadroomPlanTable *self)
{
  g_return_val_if_fail (HEADROOM_IS_PLAN_TABLE (self), NULL);

  return self->selection != NULL ? gtk_single_selection_get_selected_item (self->selection) : NULL;
}

void
headroom_plan_table_set_unit_system (HeadroomPlanTable *self,
                                     HrUnitSystem       unit_system)
{
  g_return_if_fail (HEADROOM_IS_PLAN_TABLE (self));

  self->unit_system = unit_system;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++)
    {
      g_autoptr (HeadroomPlanItem) item = g_list_model_get_item (G_LIST_MODEL (self->items), i);

      headroom_plan_item_set_choice (item, headroom_plan_item_get_choice (item));
    }
}

/* Whether layouts are hidden that turned out to be too large. */
void
headroom_plan_table_set_only_fitting (HeadroomPlanTable *self,
                                      gboolean           only_fitting)
{
  g_return_if_fail (HEADROOM_IS_PLAN_TABLE (self));

  self->only_fitting = only_fitting;
  gtk_filter_changed (GTK_FILTER (self->filter), GTK_FILTER_CHANGE_DIFFERENT);
}
