/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-model-list.h"

#include <hr-model-search.h>
#include <hr-units.h>

#include "headroom-recent.h"

static void
append_file (GListStore *items,
             GFile      *file)
{
  g_autoptr (HeadroomPickerItem) item = NULL;
  g_autofree char *name = headroom_recent_get_name (file);
  g_autofree char *place = headroom_recent_get_place (file);

  item = headroom_picker_item_new ("document-open-recent-symbolic", name, place, NULL, G_OBJECT (file));
  g_list_store_append (items, item);
}

static void
append_entry (GListStore   *items,
              HrModelEntry *entry)
{
  g_autoptr (HeadroomPickerItem) item = NULL;
  g_autofree char *size = NULL;
  guint64 n_parameters;

  if (hr_model_entry_get_n_parameters (entry, &n_parameters))
    size = hr_format_count (n_parameters);

  item = headroom_picker_item_new (NULL, hr_model_entry_get_name (entry), hr_model_entry_get_id (entry), size,
                                   G_OBJECT (entry));
  g_list_store_append (items, item);
}

/*
 * Lists what a picker offers for @text: files that were opened before and whose name matches, then the catalogue, of
 * which no more than @max_entries.
 */
GListModel *
headroom_model_list_search (const char *text,
                            GSettings  *settings,
                            guint       max_entries)
{
  g_autoptr (GListStore) items = g_list_store_new (HEADROOM_TYPE_PICKER_ITEM);
  g_autoptr (GPtrArray) files = headroom_recent_list (settings);
  g_autoptr (GListModel) entries = hr_model_search (text);

  for (guint i = 0; i < files->len; i++)
    {
      GFile *file = g_ptr_array_index (files, i);
      g_autofree char *place = headroom_recent_get_place (file);

      if (g_str_match_string (text, place, TRUE))
        append_file (items, file);
    }

  for (guint i = 0; i < MIN (max_entries, g_list_model_get_n_items (entries)); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);

      append_entry (items, entry);
    }

  return G_LIST_MODEL (g_steal_pointer (&items));
}
