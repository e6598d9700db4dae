/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-capacity-list.h"

#include <glib/gi18n.h>

#include "hr-capacity.h"

/* In milliseconds; what fits of each setting is looked for before. */
#define DELAY 350

/*
 * HeadroomCapacityList:
 *
 * How long the requests may be that are served at once on the GPU that was chosen, with a button that asks for so many
 * of them; of a report without a GPU it is hidden.
 */
struct _HeadroomCapacityList
{
  HeadroomChangeList parent_instance;
};

G_DEFINE_FINAL_TYPE (HeadroomCapacityList, headroom_capacity_list, HEADROOM_TYPE_CHANGE_LIST)

static gpointer
headroom_capacity_list_create_search (HrReport *report)
{
  return hr_capacity_search_new (hr_report_get_estimate (report), hr_report_get_asked_job (report),
                                hr_report_get_gpu (report), hr_report_get_n_gpus (report));
}

static gboolean
headroom_capacity_list_step (gpointer search)
{
  return hr_capacity_search_step (search);
}

static void
headroom_capacity_list_free_search (gpointer search)
{
  hr_capacity_search_free (search);
}

static void
headroom_capacity_list_append (HeadroomChangeList *list,
                               const HrCapacity   *capacity)
{
  g_autofree char *title = hr_capacity_dup_title (capacity);
  g_autofree char *length = hr_capacity_dup_length (capacity);
  g_autofree char *label = NULL;

  /* Translators: what is done, such as “8 requests at once” */
  label = g_strdup_printf (_("Apply: %s"), title);
  if (capacity->change != NULL && *capacity->change != '\0' && !headroom_change_list_is_set (list, capacity->change))
    headroom_change_list_append_apply (list, title, length, capacity->change, label);
  else if (g_strcmp0 (headroom_change_list_get_applied (list), capacity->change) == 0 && capacity->change != NULL)
    headroom_change_list_append_undo (list, title, length);
  else
    headroom_change_list_append (list, title, length);
}

static void
headroom_capacity_list_fill (HeadroomChangeList *list,
                             gpointer            search)
{
  g_autoptr (GPtrArray) picked = hr_capacity_pick (hr_capacity_search_get_capacities (search));

  for (guint i = 0; i < picked->len; i++)
    headroom_capacity_list_append (list, g_ptr_array_index (picked, i));
}

static void
headroom_capacity_list_class_init (HeadroomCapacityListClass *klass)
{
  HeadroomChangeListClass *list_class = HEADROOM_CHANGE_LIST_CLASS (klass);

  list_class->title = N_("Requests at Once");
  list_class->delay = DELAY;
  list_class->create_search = headroom_capacity_list_create_search;
  list_class->step = headroom_capacity_list_step;
  list_class->free_search = headroom_capacity_list_free_search;
  list_class->fill = headroom_capacity_list_fill;
}

static void
headroom_capacity_list_init (HeadroomCapacityList *self)
{
}

GtkWidget *
headroom_capacity_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_CAPACITY_LIST, NULL);
}
