/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-fits-list.h"

#include <glib/gi18n.h>

#include "hr-largest.h"

/* In milliseconds; advice is looked for before. */
#define DELAY 250

/*
 * HeadroomFitsList:
 *
 * How much of each setting fits on the GPU that was chosen, with a button that sets it, and one that undoes it; of a
 * report without a GPU it is hidden.
 */
struct _HeadroomFitsList
{
  HeadroomChangeList parent_instance;
};

G_DEFINE_FINAL_TYPE (HeadroomFitsList, headroom_fits_list, HEADROOM_TYPE_CHANGE_LIST)

static gpointer
headroom_fits_list_create_search (HrReport *report)
{
  return hr_largest_search_new (hr_report_get_estimate (report), hr_report_get_asked_job (report),
                                hr_report_get_gpu (report), hr_report_get_n_gpus (report));
}

static gboolean
headroom_fits_list_step (gpointer search)
{
  return hr_largest_search_step (search);
}

static void
headroom_fits_list_free_search (gpointer search)
{
  hr_largest_search_free (search);
}

static void
headroom_fits_list_append_apply (HeadroomChangeList *list,
                                 const char         *title,
                                 const char         *reason,
                                 const HrLargest    *largest)
{
  g_autofree char *value = hr_format_integer (largest->value);
  g_autofree char *label = NULL;

  /* Translators: a setting, such as “Batch size”, and a number */
  label = g_strdup_printf (_("Apply: %1$s %2$s"), largest->title, value);
  headroom_change_list_append_apply (list, title, reason, largest->change, label);
}

/* What is set already needs no button, but for one that takes it back. */
static void
headroom_fits_list_append (HeadroomChangeList *list,
                           const HrLargest    *largest)
{
  g_autofree char *value = hr_largest_dup_value (largest);
  g_autofree char *reason = hr_largest_dup_reason (largest, headroom_change_list_get_unit_system (list));
  g_autofree char *title = NULL;

  /* Translators: a setting, such as “Batch size”, and how much of it fits, such as “37 at most” */
  title = g_strdup_printf (_("%1$s: %2$s"), largest->title, value);
  if (largest->fits && !headroom_change_list_is_set (list, largest->change))
    headroom_fits_list_append_apply (list, title, reason, largest);
  else if (largest->fits && g_strcmp0 (headroom_change_list_get_applied (list), largest->change) == 0)
    headroom_change_list_append_undo (list, title, reason);
  else
    headroom_change_list_append (list, title, reason);
}

static void
headroom_fits_list_fill (HeadroomChangeList *list,
                         gpointer            search)
{
  GPtrArray *largest = hr_largest_search_get_largest (search);

  for (guint i = 0; i < largest->len; i++)
    headroom_fits_list_append (list, g_ptr_array_index (largest, i));
}

static void
headroom_fits_list_class_init (HeadroomFitsListClass *klass)
{
  HeadroomChangeListClass *list_class = HEADROOM_CHANGE_LIST_CLASS (klass);

  list_class->title = N_("What Fits");
  list_class->delay = DELAY;
  list_class->create_search = headroom_fits_list_create_search;
  list_class->step = headroom_fits_list_step;
  list_class->free_search = headroom_fits_list_free_search;
  list_class->fill = headroom_fits_list_fill;
}

static void
headroom_fits_list_init (HeadroomFitsList *self)
{
}

GtkWidget *
headroom_fits_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_FITS_LIST, NULL);
}
