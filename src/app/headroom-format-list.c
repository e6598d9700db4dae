/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-format-list.h"

#include <glib/gi18n.h>

#include "hr-format-choice.h"

/* In milliseconds; what fits of each setting is looked for before. */
#define DELAY 450

/*
 * HeadroomFormatList:
 *
 * In which formats the weights fit on the GPU that was chosen, with a button that takes one; of a report without a GPU
 * it is hidden.
 */
struct _HeadroomFormatList
{
  HeadroomChangeList parent_instance;
};

G_DEFINE_FINAL_TYPE (HeadroomFormatList, headroom_format_list, HEADROOM_TYPE_CHANGE_LIST)

static gpointer
headroom_format_list_create_search (HrReport *report)
{
  return hr_format_search_new (hr_report_get_estimate (report), hr_report_get_asked_job (report),
                              hr_report_get_gpu (report), hr_report_get_n_gpus (report));
}

static gboolean
headroom_format_list_step (gpointer search)
{
  return hr_format_search_step (search);
}

static void
headroom_format_list_free_search (gpointer search)
{
  hr_format_search_free (search);
}

static void
headroom_format_list_append (HeadroomChangeList   *list,
                             const HrFormatChoice *choice)
{
  HrUnitSystem units = headroom_change_list_get_unit_system (list);
  const char *title = hr_format_choice_get_title (choice);
  g_autofree char *weights = hr_format_bytes (choice->weight_bytes, units);
  g_autofree char *verdict = hr_format_choice_dup_verdict (choice, units);
  g_autofree char *subtitle = NULL;
  g_autofree char *label = NULL;

  /* Translators: the size of the weights, and whether they fit */
  subtitle = g_strdup_printf (_("Weights %1$s · %2$s"), weights, verdict);
  /* Translators: what is done, such as “8 requests at once” */
  label = g_strdup_printf (_("Apply: %s"), title);
  if (g_strcmp0 (headroom_change_list_get_applied (list), choice->change) == 0)
    headroom_change_list_append_undo (list, title, subtitle);
  else if (choice->fits && !choice->is_asked)
    headroom_change_list_append_apply (list, title, subtitle, choice->change, label);
  else
    headroom_change_list_append (list, title, subtitle);
}

/* Where there is no other format than what is asked for, there is nothing to choose. */
static void
headroom_format_list_fill (HeadroomChangeList *list,
                           gpointer            search)
{
  g_autoptr (GPtrArray) picked = hr_format_choice_pick (hr_format_search_get_choices (search));

  for (guint i = 0; picked->len > 1 && i < picked->len; i++)
    headroom_format_list_append (list, g_ptr_array_index (picked, i));
}

static void
headroom_format_list_class_init (HeadroomFormatListClass *klass)
{
  HeadroomChangeListClass *list_class = HEADROOM_CHANGE_LIST_CLASS (klass);

  list_class->title = N_("Formats of the Weights");
  list_class->delay = DELAY;
  list_class->create_search = headroom_format_list_create_search;
  list_class->step = headroom_format_list_step;
  list_class->free_search = headroom_format_list_free_search;
  list_class->fill = headroom_format_list_fill;
}

static void
headroom_format_list_init (HeadroomFormatList *self)
{
}

GtkWidget *
headroom_format_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_FORMAT_LIST, NULL);
}
