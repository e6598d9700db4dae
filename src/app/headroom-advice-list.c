/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-advice-list.h"

#include <glib/gi18n.h>

#include "hr-advice.h"

/* In milliseconds. */
#define DELAY 150

/*
 * HeadroomAdviceList:
 *
 * What could be asked for instead of a job, what each change saves and costs, and a button that makes it; what was made
 * last comes first. Of a report whose job cannot take less it is hidden.
 */
struct _HeadroomAdviceList
{
  HeadroomChangeList parent_instance;
};

G_DEFINE_FINAL_TYPE (HeadroomAdviceList, headroom_advice_list, HEADROOM_TYPE_CHANGE_LIST)

static gpointer
headroom_advice_list_create_search (HrReport *report)
{
  return hr_advice_search_new (hr_report_get_estimate (report), hr_report_get_asked_job (report),
                               hr_report_get_gpu (report), hr_report_get_n_gpus (report));
}

static gboolean
headroom_advice_list_step (gpointer search)
{
  return hr_advice_search_step (search);
}

static void
headroom_advice_list_free_search (gpointer search)
{
  hr_advice_search_free (search);
}

static void
headroom_advice_list_append (HeadroomChangeList *list,
                             const HrAdvice     *advice)
{
  g_autofree char *size = hr_format_bytes (advice->saves_bytes, headroom_change_list_get_unit_system (list));
  g_autofree char *saving = NULL;
  g_autofree char *label = NULL;

  /* Translators: an amount of memory, such as “3.2 GiB” */
  saving = advice->cost == NULL ? g_strdup_printf (_("Saves %s"), size)
                                /* Translators: an amount of memory, and what one pays for it */
                                : g_strdup_printf (_("Saves %1$s · costs: %2$s"), size, advice->cost);
  /* Translators: what stands there is an advice, such as “Halve the width and height of the images …” */
  label = g_strdup_printf (_("Apply: %s"), advice->text);
  headroom_change_list_append_apply (list, advice->text, saving, advice->change, label);
}

static void
headroom_advice_list_fill (HeadroomChangeList *list,
                           gpointer            search)
{
  GPtrArray *advice = hr_advice_search_get_advice (search);

  if (headroom_change_list_get_applied (list) != NULL)
    headroom_change_list_append_undo (list, headroom_change_list_get_applied_title (list), _("Done"));
  for (guint i = 0; i < advice->len; i++)
    headroom_advice_list_append (list, g_ptr_array_index (advice, i));
}

static void
headroom_advice_list_class_init (HeadroomAdviceListClass *klass)
{
  HeadroomChangeListClass *list_class = HEADROOM_CHANGE_LIST_CLASS (klass);

  list_class->title = N_("What Would Take Less");
  list_class->delay = DELAY;
  list_class->create_search = headroom_advice_list_create_search;
  list_class->step = headroom_advice_list_step;
  list_class->free_search = headroom_advice_list_free_search;
  list_class->fill = headroom_advice_list_fill;
}

static void
headroom_advice_list_init (HeadroomAdviceList *self)
{
}

GtkWidget *
headroom_advice_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_ADVICE_LIST, NULL);
}
