/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-anatomy-list.h"

#include <glib/gi18n.h>

#include "headroom-anatomy-row.h"
#include "headroom-chart-scheme.h"

/* Below it, numbers go below what they are about. */
#define WIDTH_FOR_COLUMNS 620

/*
 * HeadroomAnatomyList:
 *
 * Tables about a model, one below the other. Only the rows in sight have widgets, as a model may have thousands.
 */
struct _HeadroomAnatomyList
{
  AdwBin parent_instance;

  GtkListView *view;
  GtkNoSelection *selection;
  GPtrArray *columns;             /* of GtkSizeGroup, as many for each table as a row may have values */
  GtkAdjustment *width;
  gboolean is_narrow;
  guint update_source;
};

G_DEFINE_FINAL_TYPE (HeadroomAnatomyList, headroom_anatomy_list, ADW_TYPE_BIN)

static void
headroom_anatomy_list_setup_cb (HeadroomAnatomyList *self,
                                GtkListItem         *list_item)
{
  gtk_list_item_set_child (list_item, headroom_anatomy_row_new ());
  gtk_list_item_set_activatable (list_item, FALSE);
}

static void
headroom_anatomy_list_bind_cb (HeadroomAnatomyList *self,
                               GtkListItem         *list_item)
{
  HeadroomAnatomyItem *item = gtk_list_item_get_item (list_item);

  headroom_anatomy_row_show (HEADROOM_ANATOMY_ROW (gtk_list_item_get_child (list_item)), item,
                             (GtkSizeGroup **) &g_ptr_array_index (self->columns, item->table * HR_ANATOMY_MAX_VALUES),
                             self->is_narrow);
}

static GtkListItemFactory *
headroom_anatomy_list_create_factory (HeadroomAnatomyList *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();

  g_signal_connect_object (factory, "setup", G_CALLBACK (headroom_anatomy_list_setup_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (factory, "bind", G_CALLBACK (headroom_anatomy_list_bind_cb), self, G_CONNECT_SWAPPED);

  return factory;
}

/* Another factory makes every row anew. */
static void
headroom_anatomy_list_refresh (HeadroomAnatomyList *self)
{
  g_autoptr (GtkListItemFactory) factory = headroom_anatomy_list_create_factory (self);

  gtk_list_view_set_factory (self->view, factory);
}

static void
headroom_anatomy_list_update_cb (gpointer user_data)
{
  HeadroomAnatomyList *self = user_data;

  self->update_source = 0;
  self->is_narrow = gtk_adjustment_get_page_size (self->width) < WIDTH_FOR_COLUMNS;
  headroom_anatomy_list_refresh (self);
}

/* What is being allocated cannot change its request, so the rows change right after that. */
static void
headroom_anatomy_list_width_cb (HeadroomAnatomyList *self)
{
  double width = gtk_adjustment_get_page_size (self->width);

  if (self->update_source == 0 && width > 0 && self->is_narrow != (width < WIDTH_FOR_COLUMNS))
    self->update_source = g_idle_add_once (headroom_anatomy_list_update_cb, self);
}

static void
headroom_anatomy_list_dispose (GObject *object)
{
  HeadroomAnatomyList *self = HEADROOM_ANATOMY_LIST (object);

  g_clear_handle_id (&self->update_source, g_source_remove);
  g_clear_pointer (&self->columns, g_ptr_array_unref);

  G_OBJECT_CLASS (headroom_anatomy_list_parent_class)->dispose (object);
}

static void
headroom_anatomy_list_class_init (HeadroomAnatomyListClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_anatomy_list_dispose;
}

static void
headroom_anatomy_list_init (HeadroomAnatomyList *self)
{
  GtkWidget *scrolled_window = gtk_scrolled_window_new ();
  GtkWidget *clamp = adw_clamp_scrollable_new ();

  self->columns = g_ptr_array_new_with_free_func (g_object_unref);
  self->selection = gtk_no_selection_new (NULL);
  self->view = GTK_LIST_VIEW (gtk_list_view_new (GTK_SELECTION_MODEL (self->selection),
                                                 headroom_anatomy_list_create_factory (self)));
  gtk_widget_add_css_class (GTK_WIDGET (self->view), "anatomy");

  adw_clamp_scrollable_set_maximum_size (ADW_CLAMP_SCROLLABLE (clamp), 960);
  adw_clamp_scrollable_set_child (ADW_CLAMP_SCROLLABLE (clamp), GTK_WIDGET (self->view));
  /* Nothing is ever scrolled sideways, but columns shall not keep the window from becoming narrow. */
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled_window), GTK_POLICY_EXTERNAL, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled_window), clamp);
  gtk_widget_set_vexpand (scrolled_window, TRUE);
  adw_bin_set_child (ADW_BIN (self), scrolled_window);

  self->width = gtk_scrolled_window_get_hadjustment (GTK_SCROLLED_WINDOW (scrolled_window));
  g_signal_connect_object (self->width, "notify::page-size", G_CALLBACK (headroom_anatomy_list_width_cb), self,
                           G_CONNECT_SWAPPED);
  headroom_watch_chart_scheme (self, G_CALLBACK (headroom_anatomy_list_refresh));
}

GtkWidget *
headroom_anatomy_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_ANATOMY_LIST, NULL);
}

/*
 * Shows @tables, of which those that are NULL are left out. They may go afterwards.
 */
void
headroom_anatomy_list_show (HeadroomAnatomyList    *self,
                            HrAnatomyTable * const *tables,
                            guint                   n_tables,
                            HrUnitSystem            unit_system)
{
  g_autoptr (GListModel) items = NULL;

  g_return_if_fail (HEADROOM_IS_ANATOMY_LIST (self));

  while (self->columns->len < n_tables * HR_ANATOMY_MAX_VALUES)
    g_ptr_array_add (self->columns, gtk_size_group_new (GTK_SIZE_GROUP_HORIZONTAL));

  items = headroom_anatomy_item_list (tables, n_tables, unit_system);
  gtk_no_selection_set_model (self->selection, items);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  n_tables > 0 && tables[0] != NULL ? tables[0]->title : "", -1);
}

/*
 * Gets the HeadroomAnatomyItem that are shown.
 */
GListModel *
headroom_anatomy_list_get_items (HeadroomAnatomyList *self)
{
  g_return_val_if_fail (HEADROOM_IS_ANATOMY_LIST (self), NULL);

  return gtk_no_selection_get_model (self->selection);
}
