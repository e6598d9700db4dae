/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-local-models.h"

#include <string.h>

#include "hr-config.h"
#include "hr-file.h"

#define CONFIG_NAME "config.json"

/* What huggingface_hub puts before the name of a model: the cache holds data sets as well. */
#define HUGGING_FACE_PREFIX "models--"

/* A cache with more than this is not read to its end: nobody looks through so many. */
#define MAX_MODELS 2000

static void
hr_local_model_free (HrLocalModel *self)
{
  g_free (self->id);
  g_object_unref (self->folder);
  g_free (self);
}

/* Where huggingface_hub keeps what it has downloaded. */
static GFile *
get_hugging_face_cache (void)
{
  g_autofree char *path = NULL;

  if (g_getenv ("HF_HUB_CACHE") != NULL)
    path = g_strdup (g_getenv ("HF_HUB_CACHE"));
  else if (g_getenv ("HF_HOME") != NULL)
    path = g_build_filename (g_getenv ("HF_HOME"), "hub", NULL);
  else
    path = g_build_filename (g_get_user_cache_dir (), "huggingface", "hub", NULL);

  return g_file_new_for_path (path);
}

/* Where ModelScope keeps what it has downloaded; it has put models into a folder of their own since 2024. */
static GFile *
get_model_scope_cache (const char *child)
{
  g_autofree char *path = NULL;

  if (g_getenv ("MODELSCOPE_CACHE") != NULL)
    path = g_build_filename (g_getenv ("MODELSCOPE_CACHE"), child, NULL);
  else
    path = g_build_filename (g_get_user_cache_dir (), "modelscope", "hub", child, NULL);

  return g_file_new_for_path (path);
}

/* Entries without a config are data, adapters or half a download. */
static gboolean
has_config (GFile *folder)
{
  g_autoptr (GFile) current = hr_config_find_folder (folder);
  g_autoptr (GFile) config = g_file_get_child (current, CONFIG_NAME);

  return g_file_query_exists (config, NULL);
}

static gboolean
has_model (GPtrArray  *models,
           const char *id)
{
  for (guint i = 0; i < models->len; i++)
    {
      if (g_str_equal (((HrLocalModel *) g_ptr_array_index (models, i))->id, id))
        return TRUE;
    }

  return FALSE;
}

static void
add_model (GPtrArray  *models,
           const char *id,
           GFile      *folder)
{
  HrLocalModel *model;

  if (models->len >= MAX_MODELS || !g_utf8_validate (id, -1, NULL) || has_model (models, id) || !has_config (folder))
    return;

  model = g_new0 (HrLocalModel, 1);
  model->id = g_strdup (id);
  model->folder = g_object_ref (folder);
  g_ptr_array_add (models, model);
}

typedef void (* Visit) (GPtrArray  *models,
                        const char *parent,
                        const char *name,
                        GFile      *folder);

/* Visits what is in a folder, if it is there. */
static void
visit_children (GPtrArray  *models,
                const char *parent,
                GFile      *folder,
                Visit       visit)
{
  g_autoptr (GFileEnumerator) enumerator = NULL;
  GFileInfo *info;
  GFile *child;

  enumerator = g_file_enumerate_children (folder, G_FILE_ATTRIBUTE_STANDARD_NAME, G_FILE_QUERY_INFO_NONE, NULL, NULL);
  while (enumerator != NULL && g_file_enumerator_iterate (enumerator, &info, &child, NULL, NULL) && info != NULL)
    visit (models, parent, g_file_info_get_name (info), child);
}

/* `models--org--name` */
static void
visit_hugging_face (GPtrArray  *models,
                    const char *parent,
                    const char *name,
                    GFile      *folder)
{
  g_auto (GStrv) parts = NULL;
  g_autofree char *id = NULL;

  if (!g_str_has_prefix (name, HUGGING_FACE_PREFIX))
    return;

  parts = g_strsplit (name + strlen (HUGGING_FACE_PREFIX), "--", 2);
  id = g_strjoinv ("/", parts);
  add_model (models, id, folder);
}

/* ModelScope writes three underscores for a dot. */
static void
visit_model_scope_model (GPtrArray  *models,
                         const char *parent,
                         const char *name,
                         GFile      *folder)
{
  g_autoptr (GString) id = g_string_new (NULL);

  g_string_printf (id, "%s/%s", parent, name);
  g_string_replace (id, "___", ".", 0);
  add_model (models, id->str, folder);
}

static void
visit_model_scope (GPtrArray  *models,
                   const char *parent,
                   const char *name,
                   GFile      *folder)
{
  if (!g_str_has_prefix (name, ".") && !g_str_has_prefix (name, "_") && !g_str_equal (name, "models") &&
      hr_file_is_folder (folder))
    visit_children (models, name, folder, visit_model_scope_model);
}

static int
compare_models (gconstpointer a,
                gconstpointer b)
{
  const HrLocalModel * const *first = a;
  const HrLocalModel * const *second = b;

  return g_ascii_strcasecmp ((*first)->id, (*second)->id);
}

/**
 * hr_local_models_list: (skip)
 *
 * Lists the models that Hugging Face's and ModelScope's programs have downloaded: those that have a `config.json`. It
 * reads folders, and may be called from any thread.
 *
 * Returns: (transfer full): an array of #HrLocalModel, sorted by their ids
 */
GPtrArray *
hr_local_models_list (void)
{
  g_autoptr (GPtrArray) models = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_local_model_free);
  g_autoptr (GFile) hugging_face = get_hugging_face_cache ();
  g_autoptr (GFile) model_scope = get_model_scope_cache ("models");
  g_autoptr (GFile) old_model_scope = get_model_scope_cache (NULL);

  visit_children (models, NULL, hugging_face, visit_hugging_face);
  visit_children (models, NULL, model_scope, visit_model_scope);
  visit_children (models, NULL, old_model_scope, visit_model_scope);
  g_ptr_array_sort (models, compare_models);

  return g_steal_pointer (&models);
}

/**
 * hr_local_models_find: (skip)
 * @id: the id of a model, such as `Qwen/Qwen2.5-7B`
 *
 * Finds a model that was downloaded.
 *
 * Returns: (transfer full) (nullable): its folder, or %NULL if it is not there
 */
GFile *
hr_local_models_find (const char *id)
{
  g_autoptr (GPtrArray) models = NULL;

  g_return_val_if_fail (id != NULL, NULL);

  models = hr_local_models_list ();
  for (guint i = 0; i < models->len; i++)
    {
      const HrLocalModel *model = g_ptr_array_index (models, i);

      if (g_ascii_strcasecmp (model->id, id) == 0)
        return g_object_ref (model->folder);
    }

  return NULL;
}
