/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-model-list.h"

#include <glib/gi18n.h>
#include <gtk/gtk.h>
#include <hr-local-models.h>
#include <hr-model-search.h>
#include <hr-model-unpublished.h>
#include <hr-model.h>
#include <hr-units.h>
#include <string.h>

#include "headroom-local-models.h"
#include "headroom-recent.h"

/* The first item of a group has the group's name above it. */
static void
append (GListStore *items,
        const char *heading,
        guint       first,
        const char *icon_name,
        const char *title,
        const char *subtitle,
        const char *detail,
        GObject    *object)
{
  g_autoptr (HeadroomPickerItem) item = NULL;

  item = headroom_picker_item_new (icon_name, title, subtitle, detail, object);
  if (g_list_model_get_n_items (G_LIST_MODEL (items)) == first)
    headroom_picker_item_set_heading (item, heading);
  g_list_store_append (items, item);
}

/* A size stands for a model of which nothing else is known. */
static void
append_size (GListStore *items,
             const char *text)
{
  g_autoptr (GtkStringObject) object = NULL;
  g_autofree char *title = NULL;
  g_autofree char *count = NULL;
  guint64 n_parameters;

  if (!hr_model_parse_size (text, &n_parameters))
    return;

  object = gtk_string_object_new (text);
  count = hr_format_count (n_parameters);
  /* Translators: a number of parameters, such as “7.00 B”. */
  title = g_strdup_printf (_("A model of %s parameters"), count);
  append (items, NULL, 0, "dialog-question-symbolic", title, _("Only the size is known; the rest is assumed"), NULL,
          G_OBJECT (object));
}

/* A model that is known by name is offered by its size, where the rest of it is not known. */
static void
append_unpublished (GListStore *items,
                    const char *text)
{
  guint n_models;
  const HrModelUnpublished *models = hr_model_unpublished_find (text, &n_models);

  for (guint i = 0; i < n_models; i++)
    {
      g_autoptr (GtkStringObject) object = gtk_string_object_new (models[i].size);
      guint64 n_parameters = 0;
      g_autofree char *count = NULL;

      hr_model_parse_size (models[i].size, &n_parameters);
      count = hr_format_count (n_parameters);
      append (items, NULL, 0, "dialog-question-symbolic", models[i].name,
              _("Not every tensor was published; the rest is assumed"), count, G_OBJECT (object));
    }
}

static void
append_files (GListStore *items,
              const char *text,
              GSettings  *settings)
{
  g_autoptr (GPtrArray) files = headroom_recent_list (settings);
  guint first = g_list_model_get_n_items (G_LIST_MODEL (items));

  for (guint i = 0; i < files->len; i++)
    {
      GFile *file = g_ptr_array_index (files, i);
      g_autofree char *name = headroom_recent_get_name (file);
      g_autofree char *place = headroom_recent_get_place (file);

      if (g_str_match_string (text, place, TRUE))
        append (items, _("Recent files"), first, "document-open-recent-symbolic", name, place, NULL, G_OBJECT (file));
    }
}

static void
append_local_models (GListStore *items,
                     const char *text)
{
  GPtrArray *models = headroom_local_models_list (headroom_local_models_get_default ());
  guint first = g_list_model_get_n_items (G_LIST_MODEL (items));

  for (guint i = 0; i < models->len; i++)
    {
      const HrLocalModel *model = g_ptr_array_index (models, i);
      const char *slash = strchr (model->id, '/');

      if (g_str_match_string (text, model->id, TRUE))
        append (items, _("On this computer"), first, "drive-harddisk-symbolic", slash != NULL ? slash + 1 : model->id,
                model->id, NULL, G_OBJECT (model->folder));
    }
}

static void
append_entries (GListStore *items,
                const char *text,
                guint       max_entries)
{
  g_autoptr (GListModel) entries = hr_model_search (text);
  guint first = g_list_model_get_n_items (G_LIST_MODEL (items));

  for (guint i = 0; i < MIN (max_entries, g_list_model_get_n_items (entries)); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);
      g_autofree char *size = NULL;
      guint64 n_parameters;

      if (hr_model_entry_get_n_parameters (entry, &n_parameters))
        size = hr_format_count (n_parameters);

      /* On its own the catalogue needs no name. */
      append (items, first > 0 ? _("Catalogue") : NULL, first, NULL, hr_model_entry_get_name (entry),
              hr_model_entry_get_id (entry), size, G_OBJECT (entry));
    }
}

/*
 * Lists what a picker offers for @text: files that were opened before and whose name matches, models that were
 * downloaded, then the catalogue, of which no more than @max_entries.
 *
 * An item stands for a GFile to open, an HrModelEntry, or a GtkStringObject with the size of a model.
 */
GListModel *
headroom_model_list_search (const char *text,
                            GSettings  *settings,
                            guint       max_entries)
{
  g_autoptr (GListStore) items = g_list_store_new (HEADROOM_TYPE_PICKER_ITEM);

  append_size (items, text);
  append_unpublished (items, text);
  append_files (items, text, settings);
  append_local_models (items, text);
  append_entries (items, text, max_entries);

  return G_LIST_MODEL (g_steal_pointer (&items));
}

/*
 * Gets the id that hr_model_new_from_id() takes for an item that stands for no file.
 */
const char *
headroom_model_list_get_id (HeadroomPickerItem *item)
{
  GObject *object = headroom_picker_item_get_object (item);

  if (GTK_IS_STRING_OBJECT (object))
    return gtk_string_object_get_string (GTK_STRING_OBJECT (object));

  return hr_model_entry_get_id (HR_MODEL_ENTRY (object));
}
