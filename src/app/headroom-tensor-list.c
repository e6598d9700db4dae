/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-tensor-list.h"

#include <glib/gi18n.h>
#include <hr-labels.h>
#include <string.h>

#include "headroom-column-title.h"
#include "headroom-drop-down.h"
#include "headroom-tensor-item.h"

/* Below these, columns that say less make room for the names. */
#define WIDTH_FOR_PARTS 820
#define WIDTH_FOR_SHAPES 600
#define WIDTH_FOR_BYTES 480

/*
 * HeadroomTensorList:
 *
 * The tensors of a model, in a table that can be searched, sorted and copied.
 */
struct _HeadroomTensorList
{
  AdwBin parent_instance;

  HrAnatomy *anatomy;
  HrUnitSystem unit_system;
  char *text;
  guint update_source;

  GtkSearchEntry *search;
  GtkDropDown *parts;
  GtkLabel *sum;
  GtkColumnView *view;
  GtkScrolledWindow *scrolled_window;
  GtkStack *stack;

  GtkCustomFilter *filter;
  GtkFilterListModel *filtered;
  GtkSortListModel *sorted;
  GtkColumnViewColumn *part_column;
  GtkColumnViewColumn *shape_column;
  GtkColumnViewColumn *dtype_column;
  GtkColumnViewColumn *bytes_column;
  GtkColumnViewColumn *tied_column;
  HrPart part;
  HrPart listed_parts[HR_N_PARTS];
  guint n_listed_parts;
};

G_DEFINE_FINAL_TYPE (HeadroomTensorList, headroom_tensor_list, ADW_TYPE_BIN)

typedef char *(* FormatFunc) (HeadroomTensorList *self,
                              HeadroomTensorItem *item);

static char *
format_name (HeadroomTensorList *self,
             HeadroomTensorItem *item)
{
  return g_strdup (headroom_tensor_item_get_name (item));
}

static char *
format_part (HeadroomTensorList *self,
             HeadroomTensorItem *item)
{
  return g_strdup (hr_part_get_label (headroom_tensor_item_get_tensor (item)->part));
}

static char *
format_shape (HeadroomTensorList *self,
              HeadroomTensorItem *item)
{
  return headroom_tensor_item_dup_shape (item);
}

static char *
format_dtype (HeadroomTensorList *self,
              HeadroomTensorItem *item)
{
  return g_strdup (headroom_tensor_item_get_dtype (item));
}

static char *
format_parameters (HeadroomTensorList *self,
                   HeadroomTensorItem *item)
{
  return hr_format_integer (headroom_tensor_item_get_tensor (item)->n_elements);
}

static char *
format_bytes (HeadroomTensorList *self,
              HeadroomTensorItem *item)
{
  return hr_format_bytes (headroom_tensor_item_get_bytes (item), self->unit_system);
}

static char *
format_tied_to (HeadroomTensorList *self,
                HeadroomTensorItem *item)
{
  return g_strdup (headroom_tensor_item_get_tied_to (item));
}

static int
compare_numbers (guint64 a,
                 guint64 b)
{
  return (a > b) - (a < b);
}

static int
compare_names (gconstpointer a,
               gconstpointer b,
               gpointer      user_data)
{
  return strcmp (headroom_tensor_item_get_name ((gpointer) a), headroom_tensor_item_get_name ((gpointer) b));
}

static int
compare_parts (gconstpointer a,
               gconstpointer b,
               gpointer      user_data)
{
  return compare_numbers (headroom_tensor_item_get_tensor ((gpointer) a)->part,
                          headroom_tensor_item_get_tensor ((gpointer) b)->part);
}

static int
compare_parameters (gconstpointer a,
                    gconstpointer b,
                    gpointer      user_data)
{
  return compare_numbers (headroom_tensor_item_get_tensor ((gpointer) a)->n_elements,
                          headroom_tensor_item_get_tensor ((gpointer) b)->n_elements);
}

static int
compare_bytes (gconstpointer a,
               gconstpointer b,
               gpointer      user_data)
{
  return compare_numbers (headroom_tensor_item_get_bytes ((gpointer) a), headroom_tensor_item_get_bytes ((gpointer) b));
}

static int
compare_dtypes (gconstpointer a,
                gconstpointer b,
                gpointer      user_data)
{
  return g_strcmp0 (headroom_tensor_item_get_dtype ((gpointer) a), headroom_tensor_item_get_dtype ((gpointer) b));
}

static int
compare_tied_to (gconstpointer a,
                 gconstpointer b,
                 gpointer      user_data)
{
  return g_strcmp0 (headroom_tensor_item_get_tied_to ((gpointer) a), headroom_tensor_item_get_tied_to ((gpointer) b));
}

static gboolean
headroom_tensor_list_match (gpointer item,
                            gpointer user_data)
{
  HeadroomTensorList *self = user_data;

  return (self->part == HR_N_PARTS || headroom_tensor_item_get_tensor (item)->part == self->part) &&
         (self->text == NULL || strstr (headroom_tensor_item_get_name (item), self->text) != NULL);
}

static void
setup_cell_cb (GtkSignalListItemFactory *factory,
               GtkListItem              *list_item)
{
  gboolean is_number = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (factory), "is-number"));
  gboolean is_name = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (factory), "is-name"));
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), is_number ? 1 : 0);
  if (is_number)
    gtk_widget_add_css_class (label, "numeric");
  if (is_name)
    {
      gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_START);
      gtk_label_set_width_chars (GTK_LABEL (label), 16);
    }

  gtk_list_item_set_child (list_item, label);
}

static void
bind_cell_cb (GtkSignalListItemFactory *factory,
              GtkListItem              *list_item,
              HeadroomTensorList       *self)
{
  FormatFunc format = g_object_get_data (G_OBJECT (factory), "format");
  g_autofree char *text = format (self, gtk_list_item_get_item (list_item));
  GtkWidget *label = gtk_list_item_get_child (list_item);

  gtk_label_set_label (GTK_LABEL (label), text != NULL ? text : "");
  if (g_object_get_data (G_OBJECT (factory), "is-name") != NULL)
    gtk_widget_set_tooltip_text (label, text);
}

static GtkColumnViewColumn *
add_column (HeadroomTensorList *self,
            const char         *title,
            FormatFunc          format,
            GCompareDataFunc    compare,
            gboolean            is_number)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  gboolean is_name = format == format_name;
  GtkColumnViewColumn *column;

  g_object_set_data (G_OBJECT (factory), "format", format);
  g_object_set_data (G_OBJECT (factory), "is-number", GINT_TO_POINTER (is_number));
  g_object_set_data (G_OBJECT (factory), "is-name", GINT_TO_POINTER (is_name));
  g_signal_connect (factory, "setup", G_CALLBACK (setup_cell_cb), NULL);
  g_signal_connect_object (factory, "bind", G_CALLBACK (bind_cell_cb), self, 0);

  column = gtk_column_view_column_new (title, factory);
  if (compare != NULL)
    {
      g_autoptr (GtkSorter) sorter = GTK_SORTER (gtk_custom_sorter_new (compare, NULL, NULL));

      gtk_column_view_column_set_sorter (column, sorter);
    }
  gtk_column_view_column_set_expand (column, is_name);
  gtk_column_view_append_column (self->view, column);
  if (is_number)
    headroom_column_title_align_end (column);
  /* The view keeps it. */
  g_object_unref (column);

  return column;
}

/*
 * Says how many tensors there are, and what they hold together.
 */
char *
headroom_tensor_list_dup_sum (HeadroomTensorList *self)
{
  GListModel *rows = G_LIST_MODEL (self->filtered);
  guint n_rows = g_list_model_get_n_items (rows);
  g_autofree char *count = hr_format_integer (n_rows);
  g_autofree char *parameters_text = NULL;
  g_autofree char *bytes_text = NULL;
  guint64 parameters = 0, bytes = 0;

  for (guint i = 0; i < n_rows; i++)
    {
      g_autoptr (HeadroomTensorItem) item = g_list_model_get_item (rows, i);

      if (headroom_tensor_item_get_tied_to (item) != NULL)
        continue;
      parameters += headroom_tensor_item_get_tensor (item)->n_elements;
      bytes += headroom_tensor_item_get_bytes (item);
    }

  parameters_text = hr_format_integer (parameters);
  bytes_text = hr_format_bytes (bytes, self->unit_system);

  /* Translators: numbers of tensors and of their parameters, and their size. */
  return g_strdup_printf (ngettext ("%s tensor, %s parameters, %s", "%s tensors, %s parameters, %s", n_rows), count,
                          parameters_text, bytes_text);
}

static void
headroom_tensor_list_update_sum (HeadroomTensorList *self)
{
  g_autofree char *sum = headroom_tensor_list_dup_sum (self);

  gtk_label_set_label (self->sum, sum);
  gtk_stack_set_visible_child_name (self->stack,
                                    g_list_model_get_n_items (G_LIST_MODEL (self->filtered)) > 0 ? "tensors" : "empty");
}

static void
headroom_tensor_list_search_changed_cb (HeadroomTensorList *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->search));

  g_clear_pointer (&self->text, g_free);
  if (*text != '\0')
    self->text = g_strdup (text);

  gtk_filter_changed (GTK_FILTER (self->filter), GTK_FILTER_CHANGE_DIFFERENT);
  headroom_tensor_list_update_sum (self);
}

static void
headroom_tensor_list_part_changed_cb (HeadroomTensorList *self)
{
  guint selected = gtk_drop_down_get_selected (self->parts);
  HrPart part = selected == 0 || selected > self->n_listed_parts ? HR_N_PARTS : self->listed_parts[selected - 1];

  if (part == self->part)
    return;

  self->part = part;
  gtk_filter_changed (GTK_FILTER (self->filter), GTK_FILTER_CHANGE_DIFFERENT);
  headroom_tensor_list_update_sum (self);
}

static void
headroom_tensor_list_update_cb (gpointer user_data)
{
  HeadroomTensorList *self = user_data;
  double width = gtk_widget_get_width (GTK_WIDGET (self));

  self->update_source = 0;
  gtk_column_view_column_set_visible (self->part_column, width >= WIDTH_FOR_PARTS);
  gtk_column_view_column_set_visible (self->tied_column, width >= WIDTH_FOR_PARTS);
  gtk_column_view_column_set_visible (self->shape_column, width >= WIDTH_FOR_SHAPES);
  gtk_column_view_column_set_visible (self->dtype_column, width >= WIDTH_FOR_SHAPES);
  gtk_column_view_column_set_visible (self->bytes_column, width >= WIDTH_FOR_BYTES);
}

/* What is being allocated cannot change its request, so columns come or go right after that. */
static void
headroom_tensor_list_width_cb (HeadroomTensorList *self)
{
  if (self->update_source == 0)
    self->update_source = g_idle_add_once (headroom_tensor_list_update_cb, self);
}

static void
headroom_tensor_list_copy_action (GtkWidget  *widget,
                                  const char *action_name,
                                  GVariant   *parameter)
{
  HeadroomTensorList *self = HEADROOM_TENSOR_LIST (widget);
  HeadroomTensorItem *item;
  GtkSelectionModel *selection = gtk_column_view_get_model (self->view);

  item = gtk_single_selection_get_selected_item (GTK_SINGLE_SELECTION (selection));
  if (item != NULL)
    gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), headroom_tensor_item_get_name (item));
}

static void
headroom_tensor_list_dispose (GObject *object)
{
  HeadroomTensorList *self = HEADROOM_TENSOR_LIST (object);

  g_clear_handle_id (&self->update_source, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (self), HEADROOM_TYPE_TENSOR_LIST);
  g_clear_object (&self->anatomy);
  g_clear_object (&self->filter);
  g_clear_object (&self->filtered);
  g_clear_object (&self->sorted);
  g_clear_pointer (&self->text, g_free);

  G_OBJECT_CLASS (headroom_tensor_list_parent_class)->dispose (object);
}

/* Whoever comes to the list can type the name of a tensor. */
static gboolean
headroom_tensor_list_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (HEADROOM_TENSOR_LIST (widget)->search));
}

static void
headroom_tensor_list_class_init (HeadroomTensorListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_tensor_list_dispose;
  widget_class->grab_focus = headroom_tensor_list_grab_focus;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-tensor-list.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomTensorList, search);
  gtk_widget_class_bind_template_child (widget_class, HeadroomTensorList, parts);
  gtk_widget_class_bind_template_child (widget_class, HeadroomTensorList, sum);
  gtk_widget_class_bind_template_child (widget_class, HeadroomTensorList, view);
  gtk_widget_class_bind_template_child (widget_class, HeadroomTensorList, scrolled_window);
  gtk_widget_class_bind_template_child (widget_class, HeadroomTensorList, stack);
  gtk_widget_class_bind_template_callback (widget_class, headroom_tensor_list_search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_tensor_list_part_changed_cb);

  gtk_widget_class_install_action (widget_class, "tensors.copy", NULL, headroom_tensor_list_copy_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_c, GDK_CONTROL_MASK, "tensors.copy", NULL);
}

static void
headroom_tensor_list_init (HeadroomTensorList *self)
{
  g_autoptr (GtkSingleSelection) selection = NULL;
  GtkAdjustment *width;

  self->part = HR_N_PARTS;
  gtk_widget_init_template (GTK_WIDGET (self));
  headroom_drop_down_set_title (self->parts, _("Part of the model"));

  add_column (self, _("Tensor"), format_name, compare_names, FALSE);
  self->part_column = add_column (self, _("Part"), format_part, compare_parts, FALSE);
  self->shape_column = add_column (self, _("Shape"), format_shape, NULL, TRUE);
  self->dtype_column = add_column (self, _("Data type"), format_dtype, compare_dtypes, FALSE);
  add_column (self, _("Parameters"), format_parameters, compare_parameters, TRUE);
  self->bytes_column = add_column (self, _("Size"), format_bytes, compare_bytes, TRUE);
  self->tied_column = add_column (self, _("Tied to"), format_tied_to, compare_tied_to, FALSE);

  self->filter = gtk_custom_filter_new (headroom_tensor_list_match, self, NULL);
  self->filtered = gtk_filter_list_model_new (NULL, g_object_ref (GTK_FILTER (self->filter)));
  self->sorted = gtk_sort_list_model_new (g_object_ref (G_LIST_MODEL (self->filtered)),
                                          g_object_ref (gtk_column_view_get_sorter (self->view)));
  /* A hundred thousand names are sorted a little at a time, so that the window stays alive. */
  gtk_sort_list_model_set_incremental (self->sorted, TRUE);

  selection = gtk_single_selection_new (g_object_ref (G_LIST_MODEL (self->sorted)));
  gtk_single_selection_set_autoselect (selection, FALSE);
  gtk_single_selection_set_can_unselect (selection, TRUE);
  gtk_column_view_set_model (self->view, GTK_SELECTION_MODEL (selection));

  width = gtk_scrolled_window_get_hadjustment (self->scrolled_window);
  g_signal_connect_object (width, "notify::page-size", G_CALLBACK (headroom_tensor_list_width_cb), self,
                           G_CONNECT_SWAPPED);
}

GtkWidget *
headroom_tensor_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_TENSOR_LIST, NULL);
}

/* The parts that the model has, after “All Parts”. */
static void
headroom_tensor_list_list_parts (HeadroomTensorList *self)
{
  g_autoptr (GtkStringList) labels = gtk_string_list_new (NULL);
  HrPart part = self->part;
  HrModel *model = hr_anatomy_get_model (self->anatomy);

  /* Translators: a choice of which tensors to list. */
  gtk_string_list_append (labels, _("All Parts"));
  self->n_listed_parts = 0;
  for (HrPart i = 0; i < HR_N_PARTS; i++)
    {
      if (hr_model_get_n_parameters_of_part (model, i) == 0)
        continue;
      self->listed_parts[self->n_listed_parts++] = i;
      gtk_string_list_append (labels, hr_part_get_label (i));
    }

  gtk_drop_down_set_model (self->parts, G_LIST_MODEL (labels));
  headroom_tensor_list_set_part (self, part);
}

/*
 * Lists the tensors of @anatomy.
 */
void
headroom_tensor_list_show (HeadroomTensorList *self,
                           HrAnatomy          *anatomy,
                           HrUnitSystem        unit_system)
{
  g_autoptr (GListStore) store = g_list_store_new (HEADROOM_TYPE_TENSOR_ITEM);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);

  g_return_if_fail (HEADROOM_IS_TENSOR_LIST (self));
  g_return_if_fail (HR_IS_ANATOMY (anatomy));

  g_set_object (&self->anatomy, anatomy);
  self->unit_system = unit_system;
  for (guint i = 0; i < hr_anatomy_get_n_all_tensors (anatomy); i++)
    {
      guint index, copy;

      hr_anatomy_get_tensor (anatomy, i, &index, &copy);
      g_ptr_array_add (items, headroom_tensor_item_new (anatomy, index, copy));
    }
  g_list_store_splice (store, 0, 0, items->pdata, items->len);

  headroom_tensor_list_list_parts (self);
  gtk_filter_list_model_set_model (self->filtered, G_LIST_MODEL (store));
  headroom_tensor_list_update_sum (self);
}

/*
 * Searches for @text in the names, as if it was typed.
 */
void
headroom_tensor_list_set_text (HeadroomTensorList *self,
                               const char         *text)
{
  g_return_if_fail (HEADROOM_IS_TENSOR_LIST (self));

  gtk_editable_set_text (GTK_EDITABLE (self->search), text);
  /* The entry waits a moment for more. */
  headroom_tensor_list_search_changed_cb (self);
}

/*
 * Lists the tensors of a part alone; HR_N_PARTS stands for all.
 */
void
headroom_tensor_list_set_part (HeadroomTensorList *self,
                               HrPart              part)
{
  guint selected = 0;

  g_return_if_fail (HEADROOM_IS_TENSOR_LIST (self));

  for (guint i = 0; i < self->n_listed_parts; i++)
    {
      if (self->listed_parts[i] == part)
        selected = i + 1;
    }

  gtk_drop_down_set_selected (self->parts, selected);
  headroom_tensor_list_part_changed_cb (self);
}

/*
 * Gets the HeadroomTensorItem that are listed, in their order.
 */
GListModel *
headroom_tensor_list_get_rows (HeadroomTensorList *self)
{
  g_return_val_if_fail (HEADROOM_IS_TENSOR_LIST (self), NULL);

  return G_LIST_MODEL (self->sorted);
}
