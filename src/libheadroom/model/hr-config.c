/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-file.h"
#include "hr-nearest.h"

#define CONFIG_NAME "config.json"

/* Files that hold weights: the config stands beside them. */
static const char * const weight_suffixes[] = {
  ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".pt", ".pth",
};

/* The folder of a Hugging Face cache holds snapshots, and says which of them is current. */
static GFile *
find_snapshot (GFile *folder)
{
  g_autoptr (GFile) snapshots = g_file_get_child (folder, "snapshots");
  g_autoptr (GFile) reference = g_file_resolve_relative_path (folder, "refs/main");
  g_autoptr (GFileEnumerator) enumerator = NULL;
  g_autofree char *revision = NULL;
  GFile *child;

  if (!hr_file_is_folder (snapshots))
    return NULL;

  if (g_file_query_file_type (reference, G_FILE_QUERY_INFO_NONE, NULL) == G_FILE_TYPE_REGULAR &&
      g_file_load_contents (reference, NULL, &revision, NULL, NULL, NULL))
    {
      g_autoptr (GFile) snapshot = g_file_get_child (snapshots, g_strstrip (revision));

      if (hr_file_is_folder (snapshot))
        return g_steal_pointer (&snapshot);
    }

  enumerator = g_file_enumerate_children (snapshots, G_FILE_ATTRIBUTE_STANDARD_NAME, G_FILE_QUERY_INFO_NONE, NULL,
                                          NULL);
  if (enumerator != NULL && g_file_enumerator_iterate (enumerator, NULL, &child, NULL, NULL) && child != NULL)
    return g_object_ref (child);

  return NULL;
}

/* The folder that holds a model's files: of an entry of a Hugging Face cache the current snapshot, else @folder. */
GFile *
hr_config_find_folder (GFile *folder)
{
  GFile *snapshot;

  g_return_val_if_fail (G_IS_FILE (folder), NULL);

  snapshot = find_snapshot (folder);

  return snapshot != NULL ? snapshot : g_object_ref (folder);
}

static GFile *
find_in_folder (GFile   *folder,
                GFile   *opened,
                GError **error)
{
  g_autoptr (GFile) current = hr_config_find_folder (folder);
  g_autoptr (GFile) config = g_file_get_child (current, CONFIG_NAME);
  g_autofree char *name = NULL;

  if (g_file_query_exists (config, NULL))
    return g_steal_pointer (&config);

  name = g_file_get_parse_name (opened);
  if (folder == opened)
    g_set_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL,
                 _("“%s”: expected a folder that holds a config.json, found none"),
                 name);
  else
    g_set_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL, _("“%s”: expected a config.json beside it, found none"), name);

  return NULL;
}

/*
 * hr_config_find:
 * @file: a config, a folder that holds one, an entry of a Hugging Face cache, or weights with a config beside them
 * @error: return location for an error
 *
 * Finds the config that a file stands for.
 *
 * Returns: (transfer full) (nullable): the config's file, or %NULL with @error set
 */
GFile *
hr_config_find (GFile   *file,
                GError **error)
{
  g_autofree char *name = NULL;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  if (hr_file_is_folder (file))
    return find_in_folder (file, file, error);

  name = g_file_get_basename (file);
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (weight_suffixes); i++)
    {
      g_autoptr (GFile) parent = NULL;

      if (!g_str_has_suffix (name, weight_suffixes[i]) || !g_file_query_exists (file, NULL))
        continue;
      parent = g_file_get_parent (file);
      if (parent != NULL)
        return find_in_folder (parent, file, error);
    }

  return g_object_ref (file);
}

/* "models--org--name" in a path is what the Hugging Face cache makes of org/name. */
static char *
get_cache_name (GFile *file)
{
  g_autoptr (GFile) folder = g_file_get_parent (file);

  while (folder != NULL)
    {
      g_autofree char *name = g_file_get_basename (folder);
      GFile *parent;

      if (g_str_has_prefix (name, "models--"))
        {
          g_auto (GStrv) parts = g_strsplit (name + strlen ("models--"), "--", 2);

          return g_strjoinv ("/", parts);
        }
      parent = g_file_get_parent (folder);
      g_set_object (&folder, parent);
      g_clear_object (&parent);
    }

  return NULL;
}

/*
 * hr_config_dup_name:
 * @config: a config
 * @file: (nullable): the file that it was read from
 *
 * Makes a name for a model: that of the cache entry, what the config calls itself (unless that is somebody's path),
 * that of the folder, or that of the file.
 *
 * Returns: (transfer full) (nullable): the name
 */
char *
hr_config_dup_name (HrJson *config,
                    GFile  *file)
{
  g_autofree char *name = file != NULL ? get_cache_name (file) : NULL;
  const char *stated = NULL;

  g_return_val_if_fail (config != NULL, NULL);

  if (name != NULL)
    return g_steal_pointer (&name);

  if (hr_json_get_string (config, "_name_or_path", &stated, NULL) && stated != NULL && stated[0] != '\0' &&
      strchr ("/.~", stated[0]) == NULL && strchr (stated, '\\') == NULL)
    return g_strdup (stated);

  if (file == NULL)
    return NULL;

  name = g_file_get_basename (file);
  if (g_str_equal (name, CONFIG_NAME))
    {
      g_autoptr (GFile) folder = g_file_get_parent (file);
      g_autofree char *folder_name = folder != NULL ? g_file_get_basename (folder) : NULL;

      if (folder_name != NULL && strchr ("/.", folder_name[0]) == NULL)
        return g_steal_pointer (&folder_name);
    }
  if (g_str_has_suffix (name, ".json"))
    name[strlen (name) - strlen (".json")] = '\0';

  return g_steal_pointer (&name);
}

/* The class that the config says it was saved from; %NULL if it says none. */
const char *
hr_config_get_class_name (HrJson *config)
{
  HrJson *classes = hr_json_get_member (config, "architectures");
  const char *class_name = NULL;

  if (classes != NULL && hr_json_get_node_type (classes) == HR_JSON_ARRAY && hr_json_get_length (classes) > 0)
    hr_json_read_string (hr_json_get_element (classes, 0), &class_name, NULL);

  return class_name;
}

/* The model type; %NULL if the config states none. */
gboolean
hr_config_get_model_type (HrJson      *config,
                          const char **model_type,
                          GError     **error)
{
  *model_type = NULL;

  return hr_json_check_type (config, HR_JSON_OBJECT, error) &&
         hr_json_get_string (config, "model_type", model_type, error);
}

/* A class for another task has another head; one that is not known is taken for the one that writes text. */
static HrArchitecture *
set_class (HrArchitecture  *architecture,
           const char      *class_name,
           GPtrArray       *warnings,
           GError         **error)
{
  g_autoptr (HrArchitecture) self = architecture;
  gboolean found = TRUE;

  if (class_name != NULL && !hr_architecture_set_class (self, class_name, &found, error))
    return NULL;
  if (!found)
    g_ptr_array_add (warnings,
                     g_strdup_printf (_("The config names the class %s; the estimate is of %s, which writes text."),
                                      class_name, hr_architecture_get_class_name (self)));

  return g_steal_pointer (&self);
}

/* That another class is followed than the one of the model's own code, which runs the same layers. */
void
hr_config_warn_of_conversion (HrArchitecture *architecture,
                              GPtrArray      *warnings)
{
  const char *class_name = hr_architecture_get_converted_class (architecture);

  if (class_name == NULL)
    return;

  g_ptr_array_add (warnings,
                   /* Translators: the name of an architecture, and of a class of transformers. */
                   g_strdup_printf (_("“%s” is counted as the class %s of transformers with the same layers, which its "
                                      "converter makes of such checkpoints; the repository’s own code may run "
                                      "attention differently."),
                                    hr_architecture_get_model_type (architecture), class_name));
}

/* What is not followed is said, whether the architecture is the model's own or included in it. */
gboolean
hr_config_warn_of_approximation (HrArchitecture  *architecture,
                                 HrScope         *scope,
                                 GPtrArray       *warnings,
                                 GError         **error)
{
  HrJson *expression = hr_architecture_get_approximate (architecture);
  gboolean is_approximate = FALSE;

  if (expression != NULL && !hr_scope_evaluate_boolean (scope, expression, &is_approximate, error))
    return FALSE;

  if (is_approximate)
    g_ptr_array_add (warnings,
                     /* Translators: the name of an architecture. */
                     g_strdup_printf (_("The layers of “%s” compute more than is followed yet: its tensors and its "
                                        "cache are exact, its activations are those of the parts that are known."),
                                      hr_architecture_get_model_type (architecture)));

  return TRUE;
}

/* Objects of a config that describe a tower beside the language model. */
static const char * const tower_keys[] = {
  "vision_config", "vision_cfg", "visual", "img_processor", "mm_vision_tower", "audio_config", "audio_cfg",
  "mm_audio_tower", "speech_config",
};

/* Whether a text of the architecture's files is a key of a config, or one inside of it. */
static gboolean
mentions (HrJson     *node,
          const char *key)
{
  const char *text = NULL;
  gsize length = strlen (key);

  if (hr_json_get_node_type (node) == HR_JSON_STRING)
    return hr_json_read_string (node, &text, NULL) && g_str_has_prefix (text, key) &&
           (text[length] == '\0' || text[length] == '.');

  for (guint i = 0; i < hr_json_get_length (node); i++)
    {
      if (mentions (hr_json_get_element (node, i), key))
        return TRUE;
    }

  return FALSE;
}

static gboolean
knows_key (HrArchitecture *architecture,
           const char     *key)
{
  for (guint i = 0; i < hr_architecture_get_n_files (architecture); i++)
    {
      if (mentions (hr_architecture_get_file (architecture, i), key))
        return TRUE;
    }

  return FALSE;
}

static void
warn_of_uncounted_key (const char *key,
                       GPtrArray  *warnings)
{
  /* Translators: a key of a config, such as "vision_config". */
  g_ptr_array_add (warnings, g_strdup_printf (_("What “%s” in the config describes is not counted: its code is not "
                                                "known."), key));
}

/* Parts of a model that the config describes and the architecture does not: their code is not known. */
gboolean
hr_config_warn_of_uncounted (HrJson          *config,
                             HrArchitecture  *architecture,
                             GPtrArray       *warnings,
                             GError         **error)
{
  HrJson *keys = hr_architecture_get_member (architecture, "uncounted");

  for (guint i = 0; keys != NULL && i < hr_json_get_length (keys); i++)
    {
      const char *key;

      if (!hr_json_read_string (hr_json_get_element (keys, i), &key, error))
        return FALSE;
      if (hr_json_get_member (config, key) != NULL)
        warn_of_uncounted_key (key, warnings);
    }

  for (guint i = 0; i < G_N_ELEMENTS (tower_keys); i++)
    {
      HrJson *tower = hr_json_get_member (config, tower_keys[i]);

      if (tower != NULL && hr_json_get_node_type (tower) != HR_JSON_NULL && !knows_key (architecture, tower_keys[i]))
        warn_of_uncounted_key (tower_keys[i], warnings);
    }

  return TRUE;
}

/* The nearest to an unknown type; what its class is for, the end of its name tells. */
static HrArchitecture *
load_nearest (HrJson      *config,
              const char  *model_type,
              const char  *class_name,
              gboolean    *is_generic,
              GPtrArray   *warnings,
              GError     **error)
{
  g_autoptr (HrArchitecture) architecture = hr_nearest_load (config, model_type, is_generic, warnings, error);
  gboolean found;

  if (architecture == NULL ||
      (class_name != NULL && !hr_architecture_set_class (architecture, class_name, &found, error)))
    return NULL;

  return g_steal_pointer (&architecture);
}

/*
 * hr_config_use_architecture:
 * @config: a config
 * @file: (transfer full): an architecture file
 * @warnings: (element-type utf8): where what was assumed is added
 * @error: return location for an error
 *
 * Reads a config with an architecture that somebody has chosen, whatever the config says.
 */
HrArchitecture *
hr_config_use_architecture (HrJson     *config,
                            HrJson     *file,
                            GPtrArray  *warnings,
                            GError    **error)
{
  HrArchitecture *architecture = hr_architecture_new_from_json (file, error);

  return architecture != NULL ? set_class (architecture, hr_config_get_class_name (config), warnings, error) : NULL;
}

/*
 * hr_config_load_architecture:
 * @config: a config
 * @is_generic: (out): whether nothing is known of the model, and the sizes have to be in the config
 * @warnings: (element-type utf8): where what was assumed is added
 * @error: return location for an error
 *
 * Loads the architecture of a config's model type; failing that of a class that it names; failing that the nearest one.
 */
HrArchitecture *
hr_config_load_architecture (HrJson     *config,
                             gboolean   *is_generic,
                             GPtrArray  *warnings,
                             GError    **error)
{
  HrArchitecture *architecture = NULL;
  const char *class_name = hr_config_get_class_name (config);
  const char *model_type;
  GError *local_error = NULL;

  *is_generic = FALSE;

  if (!hr_config_get_model_type (config, &model_type, error))
    return NULL;

  if (model_type != NULL)
    architecture = hr_architecture_new (model_type, &local_error);
  if (architecture != NULL)
    return set_class (architecture, class_name, warnings, error);

  if (local_error == NULL && class_name != NULL)
    architecture = hr_architecture_new_for_class (class_name, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, local_error);
      return NULL;
    }
  if (architecture == NULL)
    return load_nearest (config, model_type, class_name, is_generic, warnings, error);

  if (model_type != NULL)
    g_ptr_array_add (warnings,
                     g_strdup_printf (_("The architecture “%s” is not known. It was read as “%s”, "
                                        "whose class %s the config names."),
                                      model_type, hr_architecture_get_model_type (architecture), class_name));

  return architecture;
}

/* What the language model inside is stored in, where the config around it does not say what the whole is. */
static gboolean
get_inner_dtype (HrJson      *config,
                 const char **name,
                 GError     **error)
{
  static const char * const keys[] = { "thinker_config", "text_config", "llm_config", "language_config" };

  for (guint i = 0; *name == NULL && i < G_N_ELEMENTS (keys); i++)
    {
      HrJson *inner = NULL;

      if (!hr_json_get_object (config, keys[i], &inner, error))
        return FALSE;
      if (inner != NULL &&
          (!hr_json_get_string (inner, "torch_dtype", name, error) ||
           !hr_json_get_string (inner, "dtype", name, error) ||
           !get_inner_dtype (inner, name, error)))
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_config_get_dtype:
 * @config: a config
 * @dtype: (out): what the weights are stored in, or %HR_DTYPE_AUTO if the config does not say
 * @warnings: (element-type utf8): where an unknown name is reported
 * @error: return location for an error
 *
 * Reads `dtype`, or `torch_dtype` as it was called before; failing these, those of the language model in it.
 */
gboolean
hr_config_get_dtype (HrJson     *config,
                     HrDtype    *dtype,
                     GPtrArray  *warnings,
                     GError    **error)
{
  const char *name = NULL;

  *dtype = HR_DTYPE_AUTO;

  if (!hr_json_get_string (config, "torch_dtype", &name, error) ||
      !hr_json_get_string (config, "dtype", &name, error) ||
      !get_inner_dtype (config, &name, error))
    return FALSE;

  if (name != NULL && !hr_dtype_from_name (name, dtype))
    g_ptr_array_add (warnings, g_strdup_printf (_("The config’s data type “%s” is not known."), name));

  return TRUE;
}
