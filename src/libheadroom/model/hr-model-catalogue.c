/* SPDX-License-Identifier: LGPL-3.0-or-later */

/* memmem() */
#define _GNU_SOURCE

#include "config.h"

#include "hr-model-catalogue-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-file.h"
#include "hr-model-copy.h"
#include "hr-model-entry-private.h"
#include "hr-model-unpublished.h"
#include "hr-model-search.h"
#include "hr-search-private.h"

#define MODELS_PATH "/io/github/headroom/Headroom/data/models"

#define MAX_SUGGESTIONS 5

/**
 * HrModelCatalogue:
 *
 * The models that Headroom knows without their files, from `data/models/`, a file for each family. A row holds what a
 * model’s `config.json` says about sizes and structure, in its own keys:
 *
 * ```json
 * { "id": "Qwen/Qwen2.5-7B-Instruct", "name": "Qwen2.5-7B-Instruct", "parameters": 7615616512,
 *   "config": { "model_type": "qwen2", "hidden_size": 3584, … }, "source": "…", "checked": "2026-11-20" }
 * ```
 */

static gboolean
load_family_keywords (HrJson      *document,
                      char      ***keywords,
                      GError     **error)
{
  static const char * const members[] = { "text", "source", NULL };
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  HrJson *array = NULL;

  if (!hr_json_get_array (document, "keywords", &array, error))
    return FALSE;

  for (guint i = 0; array != NULL && i < hr_json_get_length (array); i++)
    {
      HrJson *keyword = hr_json_get_element (array, i);
      const char *text;

      if (!hr_json_check_type (keyword, HR_JSON_OBJECT, error) ||
          !hr_json_check_members (keyword, members, error) ||
          !hr_json_require_member (keyword, "text", error) ||
          !hr_json_require_member (keyword, "source", error) ||
          !hr_json_get_string (keyword, "text", &text, error))
        return FALSE;

      g_strv_builder_add (builder, text);
    }

  *keywords = g_strv_builder_end (builder);

  return TRUE;
}

gboolean
_hr_model_catalogue_load (HrJson      *document,
                          GListStore  *entries,
                          GError     **error)
{
  static const char * const members[] = { "schema", "family", "keywords", "models", NULL };
  g_auto (GStrv) keywords = NULL;
  g_autoptr (GListStore) family_entries = g_list_store_new (HR_TYPE_MODEL_ENTRY);
  const char *schema;
  const char *family;
  HrJson *rows;

  if (!hr_json_check_type (document, HR_JSON_OBJECT, error) ||
      !hr_json_check_members (document, members, error) ||
      !hr_json_require_member (document, "schema", error) ||
      !hr_json_require_member (document, "family", error) ||
      !hr_json_require_member (document, "models", error) ||
      !hr_json_get_string (document, "schema", &schema, error) ||
      !hr_json_get_string (document, "family", &family, error) ||
      !hr_json_get_array (document, "models", &rows, error) ||
      !load_family_keywords (document, &keywords, error))
    return FALSE;

  if (!g_str_equal (schema, "headroom-models/1"))
    {
      hr_json_set_error (hr_json_get_member (document, "schema"), HR_ERROR_SCHEMA, "“headroom-models/1”", error);
      return FALSE;
    }

  for (guint i = 0; i < hr_json_get_length (rows); i++)
    {
      g_autoptr (HrModelEntry) entry = _hr_model_entry_new (hr_json_get_element (rows, i), family,
                                                            (const char * const *) keywords,
                                                            G_LIST_MODEL (family_entries), error);

      if (entry == NULL)
        return FALSE;

      g_list_store_append (family_entries, entry);
      g_list_store_append (entries, entry);
    }

  return TRUE;
}

/* The files are part of the library: one that cannot be read is a fault of the build. */
static void
load_file (const char *path,
           GListStore *entries)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) document = hr_json_new_from_resource (path, &error);

  if (document == NULL || !_hr_model_catalogue_load (document, entries, &error))
    g_error ("%s", error->message);
}

static gpointer
load_default (gpointer unused)
{
  g_autoptr (GListStore) entries = g_list_store_new (HR_TYPE_MODEL_ENTRY);
  g_auto (GStrv) paths = hr_file_list_resources (MODELS_PATH);

  for (guint i = 0; paths[i] != NULL; i++)
    load_file (paths[i], entries);

  return g_steal_pointer (&entries);
}

/**
 * hr_model_catalogue_get_default:
 *
 * Gets the models that Headroom knows, family by family. It may be called from any thread, and the list does not
 * change.
 *
 * Returns: (transfer none): a list of [class@ModelEntry]
 */
GListModel *
hr_model_catalogue_get_default (void)
{
  static GOnce once = G_ONCE_INIT;

  return G_LIST_MODEL (g_once (&once, load_default, NULL));
}

/* Whether @typed is the identifier of @entry; or, where not exactly, in any case, or its part without organisation. */
static gboolean
is_called (HrModelEntry *entry,
           const char   *typed,
           gboolean      exactly)
{
  const char *id = hr_model_entry_get_id (entry);
  const char *slash = strchr (id, '/');

  if (exactly)
    return g_str_equal (id, typed);

  return g_ascii_strcasecmp (id, typed) == 0 || (slash != NULL && g_ascii_strcasecmp (slash + 1, typed) == 0);
}

static HrModelEntry *
find_alias (HrModelEntry *entry,
            const char   *typed,
            gboolean      exactly)
{
  GPtrArray *aliases = hr_model_entry_get_aliases (entry);

  for (guint i = 0; aliases != NULL && i < aliases->len; i++)
    {
      if (is_called (g_ptr_array_index (aliases, i), typed, exactly))
        return g_ptr_array_index (aliases, i);
    }

  return NULL;
}

static HrModelEntry *
find_in (GListModel *entries,
         const char *id,
         gboolean    exactly)
{
  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);

      HrModelEntry *alias;

      if (is_called (entry, id, exactly))
        return g_steal_pointer (&entry);

      alias = find_alias (entry, id, exactly);
      if (alias != NULL)
        return g_object_ref (alias);
    }

  return NULL;
}

/* A process that needs one model reads one family: the file in which the identifier stands. */
static HrModelEntry *
find_in_its_file (const char *id)
{
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", id);
  g_auto (GStrv) paths = hr_file_list_resources (MODELS_PATH);

  for (guint i = 0; paths[i] != NULL; i++)
    {
      g_autoptr (GBytes) bytes = g_resources_lookup_data (paths[i], G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
      gsize length;
      const char *text = g_bytes_get_data (bytes, &length);

      if (memmem (text, length, quoted, strlen (quoted)) != NULL)
        {
          g_autoptr (GListStore) entries = g_list_store_new (HR_TYPE_MODEL_ENTRY);
          HrModelEntry *entry;

          load_file (paths[i], entries);
          entry = find_in (G_LIST_MODEL (entries), id, TRUE);
          if (entry != NULL)
            return entry;
        }
    }

  return NULL;
}

/* The identifier that is spelt most like @id, if any is at all. */
static HrModelEntry *
find_nearest (const char *id)
{
  g_autofree char *squeezed = hr_search_squeeze (id);
  GListModel *entries = hr_model_catalogue_get_default ();
  HrModelEntry *nearest = NULL;
  guint least = MAX (1, strlen (squeezed) / 3);

  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);
      g_autofree char *squeezed_id = hr_search_squeeze (hr_model_entry_get_id (entry));
      guint distance;

      /* What is longer or shorter by so much is farther for that alone. */
      if (ABS ((gssize) strlen (squeezed) - (gssize) strlen (squeezed_id)) >= (gssize) least)
        continue;

      distance = hr_search_edit_distance (squeezed, squeezed_id);
      if (distance < least)
        {
          nearest = entry;
          least = distance;
        }
    }

  return nearest;
}

/* The identifiers that a search finds, or else the one that is spelt most alike; %NULL if there is none. */
static char *
suggest (const char *id)
{
  g_autoptr (GListModel) found = hr_model_search (id);
  g_autoptr (GString) text = g_string_new (NULL);
  HrModelEntry *nearest;

  for (guint i = 0; i < MIN (g_list_model_get_n_items (found), MAX_SUGGESTIONS); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (found, i);

      /* Translators: between the items of a list. */
      g_string_append_printf (text, "%s%s", i > 0 ? C_("between names in a list", ", ") : "",
                              hr_model_entry_get_id (entry));
    }

  if (text->len > 0)
    return g_string_free (g_steal_pointer (&text), FALSE);

  nearest = find_nearest (id);

  return nearest != NULL ? g_strdup (hr_model_entry_get_id (nearest)) : NULL;
}

/**
 * hr_model_catalogue_lookup:
 * @id: an identifier, such as `Qwen/Qwen2.5-7B-Instruct`; case does not matter, and the organisation may be left out
 * @error: return location for an error
 *
 * Finds a model of the catalogue, by any of its names: the entry is called by the one that was typed.
 *
 * Returns: (transfer full): the model's entry, or %NULL with %HR_ERROR_UNKNOWN_NAME
 */
HrModelEntry *
hr_model_catalogue_lookup (const char  *id,
                           GError     **error)
{
  g_autofree char *suggestions = NULL;
  g_autoptr (HrModelEntry) original = NULL;
  HrModelEntry *entry;
  guint n_unpublished;

  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  entry = find_in_its_file (id);
  if (entry == NULL)
    entry = find_in (hr_model_catalogue_get_default (), id, FALSE);
  if (entry != NULL)
    return entry;

  if (hr_model_unpublished_find (id, &n_unpublished) != NULL)
    {
      /* Translators: 1 a name that somebody typed, 2 a sentence */
      g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("There is no model “%1$s” in the catalogue. %2$s"), id,
                   hr_model_unpublished_get_reason ());
      return NULL;
    }

  original = hr_model_copy_find_gguf (id);
  if (original != NULL)
    {
      /* Translators: 1 a name that somebody typed, 2 the name of a model; types are those of llama.cpp’s files. */
      g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME,
                   _("There is no model “%1$s” in the catalogue. A repository of such a name holds files of several "
                     "types: take %2$s, with a type such as Q4_K_M as its quantization"),
                   id, hr_model_entry_get_id (original));
      return NULL;
    }

  suggestions = suggest (id);
  if (suggestions != NULL)
    /* Translators: the second argument is a list of names of models. */
    g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME,
                 _("There is no model “%s” in the catalogue; similar ones are: %s"), id, suggestions);
  else
    g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("There is no model “%s” in the catalogue"), id);

  return NULL;
}

/**
 * hr_model_catalogue_dup_config:
 * @id: an identifier, as for [func@model_catalogue_lookup]
 * @source: (out) (optional) (transfer full): where the hyper-parameters are from
 * @error: return location for an error
 *
 * Gets the hyper-parameters of a model of the catalogue, in the form of a `config.json`.
 *
 * Returns: (transfer full): JSON text, or %NULL with %HR_ERROR_UNKNOWN_NAME
 */
char *
hr_model_catalogue_dup_config (const char  *id,
                               char       **source,
                               GError     **error)
{
  g_autoptr (HrModelEntry) entry = hr_model_catalogue_lookup (id, error);

  if (entry == NULL)
    return NULL;

  if (source != NULL)
    *source = g_strdup (hr_model_entry_get_source (entry));

  return _hr_model_entry_dup_config (entry);
}
