/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-model-source.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-config.h"
#include "hr-file.h"
#include "hr-local-models.h"
#include "hr-model-catalogue.h"
#include "hr-safetensors.h"

#define CONFIG_NAME "config.json"
#define ADAPTER_NAME "adapter_config.json"
#define INDEX_SUFFIX ".safetensors.index.json"
#define BIN_INDEX_SUFFIX ".bin.index.json"

/* An adapter of an adapter is possible, a ring of them is not. */
#define MAX_ADAPTERS 4

static gboolean open_any (HrModelSource  *self,
                          GFile          *file,
                          GError        **error);

void
hr_model_source_init (HrModelSource *self)
{
  *self = (HrModelSource) {
    .adapters = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_adapter_free),
    .warnings = g_ptr_array_new_with_free_func (g_free),
  };
}

void
hr_model_source_clear (HrModelSource *self)
{
  if (self->gguf == NULL)
    g_clear_pointer (&self->checkpoint, hr_checkpoint_free);
  g_clear_pointer (&self->words, hr_gguf_config_free);
  g_clear_pointer (&self->gguf, hr_gguf_free);
  g_clear_pointer (&self->config, hr_json_free);
  g_clear_pointer (&self->architecture, hr_json_free);
  g_clear_pointer (&self->quantization, hr_json_free);
  g_clear_pointer (&self->image_processor, hr_json_free);
  g_clear_pointer (&self->video_processor, hr_json_free);
  g_clear_pointer (&self->processor, hr_json_free);
  g_clear_object (&self->file);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->origin, g_free);
  g_clear_pointer (&self->obstacle, g_free);
  g_clear_pointer (&self->adapters, g_ptr_array_unref);
  g_clear_pointer (&self->warnings, g_ptr_array_unref);
}

static gboolean
has_suffix (const char *name,
            const char *suffix)
{
  gsize length = strlen (name);
  gsize suffix_length = strlen (suffix);

  return length > suffix_length && g_ascii_strcasecmp (name + length - suffix_length, suffix) == 0;
}

static GFile *
find_beside (GFile      *file,
             const char *name)
{
  g_autoptr (GFile) folder = g_file_get_parent (file);
  g_autoptr (GFile) child = folder != NULL ? g_file_get_child (folder, name) : NULL;

  return child != NULL && g_file_query_exists (child, NULL) ? g_steal_pointer (&child) : NULL;
}

/* The files of a folder that end like this, but of those that belong together only the first. */
static GPtrArray *
list_files (GFile      *folder,
            const char *suffix)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GFileEnumerator) enumerator = NULL;
  g_autoptr (GRegex) later_part = g_regex_new ("-(?!00001)[0-9]{5}-of-[0-9]{5}\\.[a-zA-Z]+$", G_REGEX_RAW, 0, NULL);
  GFileInfo *info;
  GFile *child;

  enumerator = g_file_enumerate_children (folder, G_FILE_ATTRIBUTE_STANDARD_NAME, G_FILE_QUERY_INFO_NONE, NULL, NULL);
  while (enumerator != NULL && g_file_enumerator_iterate (enumerator, &info, &child, NULL, NULL) && info != NULL)
    {
      const char *name = g_file_info_get_name (info);

      if (has_suffix (name, suffix) && !g_regex_match (later_part, name, 0, NULL))
        g_ptr_array_add (files, g_object_ref (child));
    }

  return g_steal_pointer (&files);
}

static gboolean
take_gguf (HrModelSource  *self,
           GFile          *file,
           GError        **error)
{
  g_autofree char *name = g_file_get_basename (file);
  g_autoptr (GRegex) part = g_regex_new ("-[0-9]{5}-of-[0-9]{5}$", G_REGEX_RAW, 0, NULL);
  g_autoptr (GError) local_error = NULL;
  const char *stated;

  self->gguf = hr_gguf_load (file, error);
  if (self->gguf == NULL)
    return FALSE;

  self->checkpoint = hr_gguf_get_checkpoint (self->gguf);
  self->file = g_object_ref (file);

  stated = hr_gguf_get_string (self->gguf, "general.name");
  if (has_suffix (name, ".gguf"))
    {
      name[strlen (name) - strlen (".gguf")] = '\0';
      self->name = g_regex_replace_literal (part, name, -1, 0, "", 0, NULL);
    }
  else if (stated != NULL && stated[0] != '\0')
    self->name = g_strdup (stated);
  else
    self->name = g_steal_pointer (&name);

  self->words = hr_gguf_config_new (self->gguf, &local_error);
  if (self->words != NULL)
    self->config = hr_gguf_config_build (self->words, self->gguf, &local_error);

  if (self->config == NULL && !g_error_matches (local_error, HR_ERROR, HR_ERROR_UNSUPPORTED) &&
      !g_error_matches (local_error, HR_ERROR, HR_ERROR_NOT_A_MODEL))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (self->config == NULL)
    self->obstacle = g_strdup (local_error->message);

  return TRUE;
}

static gboolean
take_weights (HrModelSource  *self,
              GFile          *file,
              GError        **error)
{
  self->checkpoint = hr_safetensors_load (file, error);
  if (self->checkpoint == NULL)
    return FALSE;

  for (guint i = 0; i < self->checkpoint->warnings->len; i++)
    g_ptr_array_add (self->warnings, g_strdup (g_ptr_array_index (self->checkpoint->warnings, i)));

  return TRUE;
}

/* Where older tools write what they did, and leave the config alone: ModelOpt, AutoGPTQ, AutoAWQ. */
static void
look_for_quantization (HrModelSource *self,
                       GFile         *config_file)
{
  static const char * const names[] = { "hf_quant_config.json", "quantize_config.json", "quant_config.json" };
  HrJson *settings = NULL;

  if (hr_json_get_node_type (self->config) != HR_JSON_OBJECT ||
      !hr_json_get_object (self->config, "quantization_config", &settings, NULL) || settings != NULL)
    return;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GFile) file = find_beside (config_file, names[i]);
      g_autoptr (GError) error = NULL;

      if (file == NULL)
        continue;
      self->quantization = hr_json_new_from_file (file, HR_JSON_TOLERANT, &error);
      if (self->quantization == NULL)
        g_ptr_array_add (self->warnings,
                         g_strdup_printf (_("What stands beside the config was not read. %s."), error->message));
      return;
    }
}

static HrJson *
read_beside (HrModelSource *self,
             GFile         *config_file,
             const char    *name)
{
  g_autoptr (GFile) file = find_beside (config_file, name);
  g_autoptr (GError) error = NULL;
  HrJson *json;

  if (file == NULL)
    return NULL;

  json = hr_json_new_from_file (file, HR_JSON_TOLERANT, &error);
  if (json == NULL)
    g_ptr_array_add (self->warnings,
                     g_strdup_printf (_("What stands beside the config was not read. %s."), error->message));

  return json;
}

/* How images, sounds and videos are prepared for the model: what is wrong with that does not stop anybody. */
static void
look_for_processors (HrModelSource *self,
                     GFile         *config_file)
{
  self->image_processor = read_beside (self, config_file, "preprocessor_config.json");
  self->video_processor = read_beside (self, config_file, "video_preprocessor_config.json");
  self->processor = read_beside (self, config_file, "processor_config.json");
}

/* Files of pickled tensors are not opened; their index has at least the names. */
static gboolean
take_index (HrModelSource  *self,
            GFile          *file,
            GError        **error)
{
  g_autoptr (HrJson) index = hr_json_new_from_file (file, HR_JSON_STRICT, error);

  self->checkpoint = index != NULL ? hr_checkpoint_new_from_index (index, error) : NULL;

  return self->checkpoint != NULL;
}

/* Weights beside a config that was opened for itself: what is wrong with them does not stop anybody. */
static void
look_for_weights (HrModelSource *self)
{
  static const char * const names[] = { "model" INDEX_SUFFIX, "model.safetensors", "pytorch_model" BIN_INDEX_SUFFIX };
  g_autofree char *config_name = g_file_get_basename (self->file);

  if (!g_str_equal (config_name, CONFIG_NAME))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GFile) weights = find_beside (self->file, names[i]);
      g_autoptr (GError) error = NULL;

      if (weights == NULL)
        continue;
      if (!(has_suffix (names[i], BIN_INDEX_SUFFIX) ? take_index (self, weights, &error)
                                                     : take_weights (self, weights, &error)))
        g_ptr_array_add (self->warnings,
                         g_strdup_printf (_("The weights beside the config were not read. %s."), error->message));
      return;
    }
}

static gboolean
take_catalogue_entry (HrModelSource  *self,
                      const char     *id)
{
  g_autofree char *text = hr_model_catalogue_dup_config (id, &self->origin, NULL);

  if (text == NULL)
    return FALSE;

  self->config = hr_json_new_from_data (text, -1, id, HR_JSON_STRICT, NULL);
  self->name = g_strdup (id);

  return self->config != NULL;
}

/* The base model: beside the adapter, where its path says, in the cache, or in the catalogue. */
static gboolean
open_base (HrModelSource  *self,
           HrAdapter      *adapter,
           GFile          *file,
           GError        **error)
{
  g_autoptr (GFile) beside = find_beside (file, CONFIG_NAME);
  g_autoptr (GFile) cached = NULL;
  g_autofree char *origin = g_file_get_parse_name (file);
  g_autofree char *shown = NULL;
  const char *base = hr_adapter_get_base (adapter);

  if (beside != NULL)
    return open_any (self, beside, error);

  if (base != NULL)
    {
      g_autoptr (GFile) folder = g_file_get_parent (file);
      g_autoptr (GFile) local = g_file_resolve_relative_path (folder, base);

      if (g_file_query_exists (local, NULL))
        return open_any (self, local, error);
      cached = hr_local_models_find (base);
      if (cached != NULL)
        return open_any (self, cached, error);
      if (take_catalogue_entry (self, base))
        return TRUE;
    }

  shown = hr_checkpoint_dup_shown (base != NULL ? base : _("(none)"));
  g_set_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL,
               _("“%s”, base_model_name_or_path: expected the folder of the base model, or a model of the local cache "
                 "or of the catalogue, found “%s”"),
               origin, shown);

  return FALSE;
}

static gboolean
take_adapter (HrModelSource  *self,
              HrJson         *json,
              GFile          *file,
              GError        **error)
{
  HrAdapter *adapter = hr_adapter_new_from_json (json, error);

  if (adapter == NULL)
    return FALSE;

  g_ptr_array_add (self->adapters, adapter);
  if (self->adapters->len > MAX_ADAPTERS)
    {
      g_autofree char *origin = g_file_get_parse_name (file);

      g_set_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL,
                   _("“%s”, base_model_name_or_path: expected a model, found one adapter after another"), origin);
      return FALSE;
    }

  return open_base (self, adapter, file, error);
}

static gboolean
open_config (HrModelSource  *self,
             GFile          *file,
             GError        **error)
{
  g_autoptr (GFile) config_file = hr_config_find (file, error);
  g_autoptr (HrJson) json = config_file != NULL ? hr_json_new_from_file (config_file, HR_JSON_TOLERANT, error) : NULL;

  if (json == NULL)
    return FALSE;
  if (hr_adapter_is_config (json))
    return take_adapter (self, json, config_file, error);

  self->config = g_steal_pointer (&json);
  self->file = g_steal_pointer (&config_file);
  look_for_quantization (self, self->file);
  look_for_processors (self, self->file);
  look_for_weights (self);

  return TRUE;
}

/* Weights that were opened themselves: they have to be right, and the config beside them is the model's. */
static gboolean
open_weights (HrModelSource  *self,
              GFile          *file,
              GError        **error)
{
  g_autoptr (GFile) config_file = find_beside (file, CONFIG_NAME);
  g_autoptr (GFile) adapter_file = find_beside (file, ADAPTER_NAME);
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *origin = NULL;

  if (adapter_file != NULL && g_str_has_prefix (name, "adapter_"))
    return open_any (self, adapter_file, error);

  if (!take_weights (self, file, error))
    return FALSE;

  self->file = g_object_ref (config_file != NULL ? config_file : file);
  if (config_file != NULL)
    {
      self->config = hr_json_new_from_file (config_file, HR_JSON_TOLERANT, error);
      if (self->config != NULL)
        look_for_quantization (self, config_file);
      look_for_processors (self, config_file);
      return self->config != NULL;
    }

  origin = g_file_get_parse_name (file);
  self->name = g_steal_pointer (&name);
  self->obstacle = g_strdup_printf (_("“%s”: expected a config.json beside it, found none; the weights do not say how "
                                      "many attention heads there are, so the model cannot be estimated"),
                                    origin);

  return TRUE;
}

/* A folder without a config may hold an adapter or weights. */
static gboolean
open_folder (HrModelSource  *self,
             GFile          *opened,
             GError        **error)
{
  static const char * const suffixes[] = { INDEX_SUFFIX, ".safetensors", ".gguf" };
  g_autoptr (GFile) folder = hr_config_find_folder (opened);
  g_autoptr (GFile) config_file = g_file_get_child (folder, CONFIG_NAME);
  g_autoptr (GFile) adapter_file = g_file_get_child (folder, ADAPTER_NAME);

  if (g_file_query_exists (config_file, NULL))
    return open_config (self, config_file, error);
  if (g_file_query_exists (adapter_file, NULL))
    return open_config (self, adapter_file, error);

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autoptr (GPtrArray) files = list_files (folder, suffixes[i]);

      if (files->len == 1)
        return open_any (self, g_ptr_array_index (files, 0), error);
      if (files->len > 1)
        {
          g_autofree char *name = g_file_get_parse_name (opened);
          g_autofree char *first = g_file_get_basename (g_ptr_array_index (files, 0));
          g_autofree char *second = g_file_get_basename (g_ptr_array_index (files, 1));

          g_set_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL,
                       _("“%s”: expected a folder with one model, found several: %s, %s …; open one of them"),
                       name, first, second);
          return FALSE;
        }
    }

  /* Says what a folder should hold. */
  return open_config (self, opened, error);
}

static gboolean
open_any (HrModelSource  *self,
          GFile          *file,
          GError        **error)
{
  g_autofree char *name = NULL;

  if (hr_file_is_folder (file))
    return open_folder (self, file, error);

  name = g_file_get_basename (file);
  if (name != NULL && (has_suffix (name, ".safetensors") || has_suffix (name, INDEX_SUFFIX)))
    return open_weights (self, file, error);
  if (name != NULL && (has_suffix (name, ".gguf") || (!has_suffix (name, ".json") && hr_gguf_probe (file))))
    return take_gguf (self, file, error);

  return open_config (self, file, error);
}

/*
 * hr_model_source_open:
 * @self: what is filled; to be cleared also after an error
 * @file: a config, weights, an adapter, or a folder that holds some of them
 * @error: return location for an error
 *
 * Finds out what a file stands for, and reads what describes the model: never its weights.
 *
 * Returns: whether there is a model, or at least a list of its tensors
 */
gboolean
hr_model_source_open (HrModelSource  *self,
                      GFile          *file,
                      GError        **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  return open_any (self, file, error);
}
