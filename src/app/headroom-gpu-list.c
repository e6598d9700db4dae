/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-gpu-list.h"

#include <glib/gi18n.h>

#include "hr-gpu-choice.h"

/* In milliseconds; advice and what fits are looked for before. */
#define DELAY 350

/*
 * HeadroomGpuList:
 *
 * The cheapest and the smallest GPUs of the catalogue that would do, with a button that chooses them, and one that
 * undoes it.
 */
struct _HeadroomGpuList
{
  HeadroomChangeList parent_instance;
};

G_DEFINE_FINAL_TYPE (HeadroomGpuList, headroom_gpu_list, HEADROOM_TYPE_CHANGE_LIST)

static gpointer
headroom_gpu_list_create_search (HrReport *report)
{
  return hr_gpu_search_new (hr_report_get_estimate (report), hr_report_get_asked_job (report),
                            hr_report_get_gpu (report), hr_report_get_n_gpus (report));
}

static gboolean
headroom_gpu_list_step (gpointer search)
{
  return hr_gpu_search_step (search);
}

static void
headroom_gpu_list_free_search (gpointer search)
{
  hr_gpu_search_free (search);
}

/* Returns: whether it is what was chosen last */
static gboolean
headroom_gpu_list_append (HeadroomChangeList *list,
                          const HrGpuChoice  *choice)
{
  g_autofree char *title = hr_gpu_choice_dup_title (choice);
  g_autofree char *reason = hr_gpu_choice_dup_reason (choice, headroom_change_list_get_unit_system (list));
  g_autofree char *change = hr_gpu_choice_dup_change (choice);
  g_autofree char *label = NULL;

  if (g_strcmp0 (headroom_change_list_get_applied (list), change) == 0)
    {
      headroom_change_list_append_undo (list, title, reason);
      return TRUE;
    }

  /* Translators: the name of a GPU */
  label = g_strdup_printf (_("Choose: %s"), title);
  if (headroom_change_list_is_set (list, change))
    headroom_change_list_append (list, title, reason);
  else
    headroom_change_list_append_apply (list, title, reason, change, label);

  return FALSE;
}

static void
headroom_gpu_list_fill (HeadroomChangeList *list,
                        gpointer            search)
{
  g_autoptr (GPtrArray) picked = hr_gpu_choice_pick (hr_gpu_search_get_choices (search));
  gboolean has_applied = headroom_change_list_get_applied (list) == NULL;

  for (guint i = 0; i < picked->len; i++)
    has_applied |= headroom_gpu_list_append (list, g_ptr_array_index (picked, i));
  if (!has_applied)
    headroom_change_list_append_undo (list, headroom_change_list_get_applied_title (list), _("Done"));
}

static void
headroom_gpu_list_class_init (HeadroomGpuListClass *klass)
{
  HeadroomChangeListClass *list_class = HEADROOM_CHANGE_LIST_CLASS (klass);

  list_class->title = N_("GPUs That Would Do");
  list_class->delay = DELAY;
  list_class->create_search = headroom_gpu_list_create_search;
  list_class->step = headroom_gpu_list_step;
  list_class->free_search = headroom_gpu_list_free_search;
  list_class->fill = headroom_gpu_list_fill;
}

static void
headroom_gpu_list_init (HeadroomGpuList *self)
{
}

GtkWidget *
headroom_gpu_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_GPU_LIST, NULL);
}
