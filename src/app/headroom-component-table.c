/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-component-table.h"

#include <glib/gi18n.h>

#include "headroom-column-title.h"
#include "headroom-component-item.h"

/* Below it, the column of exact bytes would squeeze the names; the explanation has the bytes as well. */
#define WIDTH_FOR_BYTES 420

/*
 * HeadroomComponentTable:
 *
 * The components of an estimate as a table that can be sorted and copied. Copies have the exact bytes whether or not
 * there is room to show them.
 */
struct _HeadroomComponentTable
{
  AdwBin parent_instance;

  GListStore *items;
  HrUnitSystem unit_system;

  GtkColumnView *view;
  GtkSingleSelection *selection;
  GtkColumnViewColumn *bytes_column;
  GtkAdjustment *adjustment;
  guint update_source;
};

enum
{
  PROP_0,
  PROP_SELECTED,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomComponentTable, headroom_component_table, ADW_TYPE_BIN)

static GParamSpec *properties[N_PROPS];

typedef char *(*FormatFunc) (HeadroomComponentTable *self,
                             HeadroomComponentItem  *item);

static char *
format_label (HeadroomComponentTable *self,
              HeadroomComponentItem  *item)
{
  return g_strdup (headroom_component_item_get_label (item));
}

static char *
format_size (HeadroomComponentTable *self,
             HeadroomComponentItem  *item)
{
  return hr_format_bytes (headroom_component_item_get_bytes (item), self->unit_system);
}

static char *
format_bytes (HeadroomComponentTable *self,
              HeadroomComponentItem  *item)
{
  return hr_format_integer (headroom_component_item_get_bytes (item));
}

static char *
format_share (HeadroomComponentTable *self,
              HeadroomComponentItem  *item)
{
  return hr_format_percentage (headroom_component_item_get_bytes (item), headroom_component_item_get_total (item));
}

static void
setup_cell_cb (GtkSignalListItemFactory *factory,
               GtkListItem              *list_item)
{
  gboolean is_number = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (factory), "is-number"));
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), is_number ? 1 : 0);
  if (is_number)
    {
      gtk_widget_add_css_class (label, "numeric");
    }
  else
    {
      gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
      gtk_label_set_width_chars (GTK_LABEL (label), 8);
    }

  gtk_list_item_set_child (list_item, label);
}

static void
bind_cell_cb (GtkSignalListItemFactory *factory,
              GtkListItem              *list_item,
              HeadroomComponentTable   *self)
{
  FormatFunc format = g_object_get_data (G_OBJECT (factory), "format");
  g_autofree char *text = format (self, gtk_list_item_get_item (list_item));

  gtk_label_set_label (GTK_LABEL (gtk_list_item_get_child (list_item)), text);
}

static GtkColumnViewColumn *
add_column (HeadroomComponentTable *self,
            const char             *title,
            FormatFunc              format,
            gboolean                is_number,
            const char             *sort_by)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkExpression *expression = gtk_property_expression_new (HEADROOM_TYPE_COMPONENT_ITEM, NULL, sort_by);
  g_autoptr(GtkSorter) sorter = is_number ? GTK_SORTER (gtk_numeric_sorter_new (expression))
                                          : GTK_SORTER (gtk_string_sorter_new (expression));
  GtkColumnViewColumn *column;

  g_object_set_data (G_OBJECT (factory), "format", format);
  g_object_set_data (G_OBJECT (factory), "is-number", GINT_TO_POINTER (is_number));
  g_signal_connect (factory, "setup", G_CALLBACK (setup_cell_cb), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cell_cb), self);

  column = gtk_column_view_column_new (title, factory);
  gtk_column_view_column_set_sorter (column, sorter);
  gtk_column_view_column_set_expand (column, !is_number);
  gtk_column_view_append_column (self->view, column);
  if (is_number)
    headroom_column_title_align_end (column);
  /* The view keeps it. */
  g_object_unref (column);

  return column;
}

static void
headroom_component_table_selected_cb (HeadroomComponentTable *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

static void
headroom_component_table_copy_cb (GtkWidget  *widget,
                                  const char *action_name,
                                  GVariant   *parameter)
{
  g_autofree char *text = headroom_component_table_dup_text (HEADROOM_COMPONENT_TABLE (widget));

  gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), text);
}

static void
headroom_component_table_update_cb (gpointer user_data)
{
  HeadroomComponentTable *self = user_data;
  double width = gtk_adjustment_get_page_size (self->adjustment);

  self->update_source = 0;
  gtk_column_view_column_set_visible (self->bytes_column, width >= WIDTH_FOR_BYTES);
}

/* What is being allocated cannot change its request, so the column comes or goes right after that. */
static void
headroom_component_table_width_cb (HeadroomComponentTable *self)
{
  double width = gtk_adjustment_get_page_size (self->adjustment);

  if (self->update_source == 0 && width > 0 &&
      gtk_column_view_column_get_visible (self->bytes_column) != (width >= WIDTH_FOR_BYTES))
    self->update_source = g_idle_add_once (headroom_component_table_update_cb, self);
}

static void
headroom_component_table_dispose (GObject *object)
{
  HeadroomComponentTable *self = HEADROOM_COMPONENT_TABLE (object);

  g_clear_handle_id (&self->update_source, g_source_remove);
  g_clear_object (&self->items);

  G_OBJECT_CLASS (headroom_component_table_parent_class)->dispose (object);
}

static void
headroom_component_table_get_property (GObject    *object,
                                       guint       prop_id,
                                       GValue     *value,
                                       GParamSpec *pspec)
{
  HeadroomComponentTable *self = HEADROOM_COMPONENT_TABLE (object);

  switch (prop_id)
    {
    case PROP_SELECTED:
      g_value_set_int (value, headroom_component_table_get_selected (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_component_table_set_property (GObject      *object,
                                       guint         prop_id,
                                       const GValue *value,
                                       GParamSpec   *pspec)
{
  HeadroomComponentTable *self = HEADROOM_COMPONENT_TABLE (object);

  switch (prop_id)
    {
    case PROP_SELECTED:
      headroom_component_table_set_selected (self, g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_component_table_class_init (HeadroomComponentTableClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_component_table_dispose;
  object_class->get_property = headroom_component_table_get_property;
  object_class->set_property = headroom_component_table_set_property;

  /*
   * HeadroomComponentTable:selected:
   *
   * The index of the selected component in the estimate, or -1.
   */
  properties[PROP_SELECTED] =
    g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_install_action (widget_class, "table.copy", NULL, headroom_component_table_copy_cb);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_c, GDK_CONTROL_MASK, "table.copy", NULL);
}

static void
headroom_component_table_init (HeadroomComponentTable *self)
{
  GtkWidget *scrolled_window = gtk_scrolled_window_new ();
  GtkSortListModel *sorted;

  self->items = g_list_store_new (HEADROOM_TYPE_COMPONENT_ITEM);
  self->view = GTK_COLUMN_VIEW (gtk_column_view_new (NULL));

  add_column (self, _("Component"), format_label, FALSE, "label");
  add_column (self, _("Size"), format_size, TRUE, "bytes");
  self->bytes_column = add_column (self, _("Bytes"), format_bytes, TRUE, "bytes");
  add_column (self, _("Share"), format_share, TRUE, "bytes");

  sorted = gtk_sort_list_model_new (g_object_ref (G_LIST_MODEL (self->items)),
                                    g_object_ref (gtk_column_view_get_sorter (self->view)));
  self->selection = gtk_single_selection_new (G_LIST_MODEL (sorted));
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  gtk_column_view_set_model (self->view, GTK_SELECTION_MODEL (self->selection));
  /* The view keeps it. */
  g_object_unref (self->selection);
  g_signal_connect_swapped (self->selection, "notify::selected",
                            G_CALLBACK (headroom_component_table_selected_cb), self);

  gtk_widget_add_css_class (GTK_WIDGET (self->view), "components");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Components"), -1);

  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled_window), GTK_POLICY_AUTOMATIC, GTK_POLICY_NEVER);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled_window), GTK_WIDGET (self->view));
  self->adjustment = gtk_scrolled_window_get_hadjustment (GTK_SCROLLED_WINDOW (scrolled_window));
  g_signal_connect_object (self->adjustment, "notify::page-size", G_CALLBACK (headroom_component_table_width_cb), self,
                           G_CONNECT_SWAPPED);
  adw_bin_set_child (ADW_BIN (self), scrolled_window);
}

GtkWidget *
headroom_component_table_new (void)
{
  return g_object_new (HEADROOM_TYPE_COMPONENT_TABLE, NULL);
}

/*
 * headroom_component_table_show:
 * @self: a table
 * @estimate: (nullable): the estimate whose components to list
 * @device: those of which of its devices
 * @unit_system: the units of the user
 */
void
headroom_component_table_show (HeadroomComponentTable *self,
                               HrEstimate             *estimate,
                               guint                   device,
                               HrUnitSystem            unit_system)
{
  GListModel *components;

  g_return_if_fail (HEADROOM_IS_COMPONENT_TABLE (self));

  self->unit_system = unit_system;
  g_list_store_remove_all (self->items);
  if (estimate == NULL)
    return;

  components = hr_estimate_get_device_components (estimate, device);
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr(HrComponent) component = g_list_model_get_item (components, i);
      g_autoptr(HeadroomComponentItem) item = headroom_component_item_new (component, i,
                                                                           hr_estimate_get_device_bytes (estimate,
                                                                                                         device));

      g_list_store_append (self->items, item);
    }
}

int
headroom_component_table_get_selected (HeadroomComponentTable *self)
{
  HeadroomComponentItem *item;

  g_return_val_if_fail (HEADROOM_IS_COMPONENT_TABLE (self), -1);

  item = gtk_single_selection_get_selected_item (self->selection);

  return item != NULL ? (int) headroom_component_item_get_index (item) : -1;
}

/*
 * headroom_component_table_set_selected:
 * @self: a table
 * @selected: the index of a component in the estimate; one that there is not, such as -1, selects none
 */
void
headroom_component_table_set_selected (HeadroomComponentTable *self,
                                       int                     selected)
{
  guint position = GTK_INVALID_LIST_POSITION;

  g_return_if_fail (HEADROOM_IS_COMPONENT_TABLE (self));

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->selection)); i++)
    {
      g_autoptr(HeadroomComponentItem) item = g_list_model_get_item (G_LIST_MODEL (self->selection), i);

      if ((int) headroom_component_item_get_index (item) == selected)
        position = i;
    }

  gtk_single_selection_set_selected (self->selection, position);
}

/*
 * headroom_component_table_dup_text:
 * @self: a table
 *
 * The table as it is sorted, with tabs between columns, as spreadsheets take it.
 */
char *
headroom_component_table_dup_text (HeadroomComponentTable *self)
{
  GString *text;

  g_return_val_if_fail (HEADROOM_IS_COMPONENT_TABLE (self), NULL);

  text = g_string_new (NULL);
  g_string_append_printf (text, "%s\t%s\t%s\t%s\n", _("Component"), _("Size"), _("Bytes"), _("Share"));

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->selection)); i++)
    {
      g_autoptr(HeadroomComponentItem) item = g_list_model_get_item (G_LIST_MODEL (self->selection), i);
      g_autofree char *size = format_size (self, item);
      g_autofree char *share = format_share (self, item);

      g_string_append_printf (text, "%s\t%s\t%" G_GUINT64_FORMAT "\t%s\n", headroom_component_item_get_label (item),
                              size, headroom_component_item_get_bytes (item), share);
    }

  return g_string_free (text, FALSE);
}
