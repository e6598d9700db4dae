/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-rank-list.h"

#include <glib/gi18n.h>

#include "headroom-rank-row.h"

/* Of this many GPUs that differ the list scrolls by itself. */
#define MANY 8
#define MANY_HEIGHT 420

/*
 * HeadroomRankList:
 *
 * The GPUs of a job, those that have the same in one row: each with a bar of its parts, of which the one that is picked
 * is explained elsewhere.
 */
struct _HeadroomRankList
{
  AdwBin parent_instance;

  GtkScrolledWindow *scrolled_window;
  GtkListBox *list;
  gboolean is_filling;
};

enum
{
  PROP_0,
  PROP_SELECTED,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomRankList, headroom_rank_list, ADW_TYPE_BIN)

static GParamSpec *properties[N_PROPS];

static void
headroom_rank_list_row_selected_cb (HeadroomRankList *self)
{
  if (!self->is_filling)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

static void
headroom_rank_list_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  if (prop_id == PROP_SELECTED)
    g_value_set_int (value, headroom_rank_list_get_selected (HEADROOM_RANK_LIST (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
headroom_rank_list_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  if (prop_id == PROP_SELECTED)
    headroom_rank_list_set_selected (HEADROOM_RANK_LIST (object), g_value_get_int (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
headroom_rank_list_class_init (HeadroomRankListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = headroom_rank_list_get_property;
  object_class->set_property = headroom_rank_list_set_property;

  /*
   * HeadroomRankList:selected:
   *
   * The index of the device that is picked, or -1.
   */
  properties[PROP_SELECTED] =
    g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/headroom/Headroom/ui/headroom-rank-list.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomRankList, scrolled_window);
  gtk_widget_class_bind_template_child (widget_class, HeadroomRankList, list);
  gtk_widget_class_bind_template_callback (widget_class, headroom_rank_list_row_selected_cb);
}

static void
headroom_rank_list_init (HeadroomRankList *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
headroom_rank_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_RANK_LIST, NULL);
}

static void
headroom_rank_list_fill (HeadroomRankList *self,
                         HrReport         *report)
{
  HrEstimate *estimate = hr_report_get_estimate (report);
  guint n_devices = hr_estimate_get_n_devices (estimate);
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (self->list, 0)) != NULL)
    gtk_list_box_remove (self->list, GTK_WIDGET (row));
  for (guint i = 0; n_devices > 1 && i < n_devices; i++)
    gtk_list_box_append (self->list, headroom_rank_row_new (report, i));

  gtk_scrolled_window_set_min_content_height (self->scrolled_window, -1);
  gtk_scrolled_window_set_max_content_height (self->scrolled_window, n_devices > MANY ? MANY_HEIGHT : -1);
  gtk_scrolled_window_set_min_content_height (self->scrolled_window, n_devices > MANY ? MANY_HEIGHT : -1);
  gtk_scrolled_window_set_policy (self->scrolled_window, GTK_POLICY_NEVER,
                                  n_devices > MANY ? GTK_POLICY_AUTOMATIC : GTK_POLICY_NEVER);
  gtk_widget_set_visible (GTK_WIDGET (self), n_devices > 1);
}

/*
 * headroom_rank_list_show:
 * @self: a list
 * @report: a report
 *
 * Shows the devices of an estimate; the one that takes most is picked. The list is hidden if there is but one.
 */
void
headroom_rank_list_show (HeadroomRankList *self,
                         HrReport         *report)
{
  g_return_if_fail (HEADROOM_IS_RANK_LIST (self));
  g_return_if_fail (HR_IS_REPORT (report));

  self->is_filling = TRUE;
  headroom_rank_list_fill (self, report);
  self->is_filling = FALSE;
}

int
headroom_rank_list_get_selected (HeadroomRankList *self)
{
  GtkListBoxRow *row;

  g_return_val_if_fail (HEADROOM_IS_RANK_LIST (self), -1);

  row = gtk_list_box_get_selected_row (self->list);

  return row != NULL ? gtk_list_box_row_get_index (row) : -1;
}

/*
 * headroom_rank_list_set_selected:
 * @self: a list
 * @selected: the index of a device; one that there is not, such as -1, selects none
 */
void
headroom_rank_list_set_selected (HeadroomRankList *self,
                                 int               selected)
{
  GtkListBoxRow *row;

  g_return_if_fail (HEADROOM_IS_RANK_LIST (self));

  row = selected >= 0 ? gtk_list_box_get_row_at_index (self->list, selected) : NULL;
  if (row == gtk_list_box_get_selected_row (self->list))
    return;

  gtk_list_box_select_row (self->list, row);
}
