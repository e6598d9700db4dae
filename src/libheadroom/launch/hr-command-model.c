/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-command-model.h"

#include <string.h>

#include "hr-base-enums.h"
#include "hr-json.h"
#include "hr-model-catalogue.h"
#include "hr-model.h"
#include "hr-quantization.h"
#include "hr-shell-words.h"

/*
 * What model a command is for: a path, an id, the name of a file or a repository that says how it is quantized, or one
 * of Ollama's library (data/launch/ollama-library.json).
 */

#define LIBRARY_PATH "/io/github/headroom/Headroom/data/launch/ollama-library.json"

/* common_download_model of llama.cpp and Ollama's library: what is taken of several files where none is named. */
#define USUAL_QUANTIZATION "q4_k_m"

/* Cuts off what the name of a file or a repository of llama.cpp says of the quantization, and takes that down. */
static void
split_quantization (char  *stem,
                    char **quantization)
{
  g_autoptr (GEnumClass) types = g_type_class_ref (HR_TYPE_QUANTIZATION);
  gsize length = strlen (stem);
  gsize last = length;
  g_autofree char *type = NULL;

  while (last > 0 && strchr (":-.", stem[last - 1]) == NULL)
    last--;
  type = last > 0 ? g_ascii_strdown (stem + last, -1) : NULL;
  if (type == NULL || g_enum_get_value_by_nick (types, type) == NULL)
    return;

  g_free (*quantization);
  *quantization = g_steal_pointer (&type);
  stem[last - 1] = '\0';
}

static void
cut_ending (char       *stem,
            const char *ending)
{
  gsize length = strlen (stem);
  gsize n = strlen (ending);

  if (length > n && g_ascii_strcasecmp (stem + length - n, ending) == 0)
    stem[length - n] = '\0';
}

/* Cuts off which of several files it is, as llama_split_path() of llama.cpp writes that. */
static void
cut_part (char *stem)
{
  static const char pattern[] = "-00001-of-00002";
  gsize length = strlen (stem);
  const char *part = length >= strlen (pattern) ? stem + length - strlen (pattern) : "";

  for (gsize i = 0; i < strlen (pattern); i++)
    {
      if (g_ascii_isdigit (pattern[i]) ? !g_ascii_isdigit (part[i]) : part[i] != pattern[i])
        return;
    }
  stem[length - strlen (pattern)] = '\0';
}

/* What a model is called whose file or repository has a name. */
static char *
dup_stem (const char  *name,
          char       **quantization)
{
  char *stem = hr_shell_words_dup_name (name);

  cut_ending (stem, ".gguf");
  cut_part (stem);
  split_quantization (stem, quantization);
  cut_ending (stem, "-GGUF");

  return stem;
}

/* People write Llama-3-8B for Meta-Llama-3-8B, as Hugging Face has renamed Meta-Llama-3.1 to Llama-3.1. */
static const char *
skip_maker (const char *name)
{
  return g_str_has_prefix (name, "Meta-") ? name + strlen ("Meta-") : name;
}

/* The model of the catalogue one of whose ids ends in a name. */
static char *
find_in_catalogue (const char *name)
{
  GListModel *entries = hr_model_catalogue_get_default ();
  g_autoptr (HrModelEntry) called_so = hr_model_catalogue_lookup (name, NULL);

  if (called_so != NULL)
    return g_strdup (hr_model_entry_get_id (called_so));

  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);
      const char *id = hr_model_entry_get_id (entry);
      const char *slash = strrchr (id, '/');

      if (g_ascii_strcasecmp (skip_maker (slash != NULL ? slash + 1 : id), skip_maker (name)) == 0)
        return g_strdup (id);
    }

  return NULL;
}

static gboolean
is_in_catalogue (const char *id)
{
  g_autoptr (HrModelEntry) entry = hr_model_catalogue_lookup (id, NULL);

  return entry != NULL;
}

/*
 * hr_command_model_find:
 * @model: (inout): what a command calls the model
 * @quantization: (inout): how it is quantized, if its name says so
 *
 * Looks for a model that is neither on this machine nor an id of the catalogue by its name, and leaves it as it is
 * where there is none of that name.
 */
void
hr_command_model_find (char **model,
                       char **quantization)
{
  g_autofree char *stem = NULL;
  char *id;

  if (g_file_test (*model, G_FILE_TEST_EXISTS) || is_in_catalogue (*model))
    return;

  stem = dup_stem (*model, quantization);
  id = find_in_catalogue (stem);
  if (id == NULL)
    return;

  g_free (*model);
  *model = id;
}

/*
 * hr_command_model_read_file:
 * @file: the name of a file of a repository
 * @quantization: (inout): how it is quantized, if its name says so
 *
 * Reads off the name of a file how a model is quantized.
 */
void
hr_command_model_read_file (const char  *file,
                            char       **quantization)
{
  g_free (dup_stem (file, quantization));
}

/*
 * hr_command_model_assume:
 * @model: the model that a command is for
 * @quantization: (inout): how it is quantized, if that is known
 *
 * Takes the file of a repository that llama.cpp takes where none is named, unless the model is stored quantized itself.
 */
void
hr_command_model_assume (const char  *model,
                         char       **quantization)
{
  g_autoptr (HrModel) found = *quantization == NULL ? hr_model_new_from_id (model, NULL) : NULL;

  if (found != NULL && hr_model_get_quantization (found) != HR_QUANTIZATION_MXFP4)
    *quantization = g_strdup (USUAL_QUANTIZATION);
}

/* Letters and digits of a name alone, without who made it and whether it answers instructions. */
static char *
dup_essence (const char *name)
{
  g_autoptr (GString) essence = g_string_new (NULL);

  for (name = skip_maker (name); *name != '\0'; name++)
    {
      if (g_ascii_isalnum (*name))
        g_string_append_c (essence, g_ascii_tolower (*name));
    }
  cut_ending (essence->str, "instruct");
  cut_ending (essence->str, "it");

  return g_strdup (essence->str);
}

/* The model of the catalogue that answers instructions, or another, of a name of Ollama's library such as qwen3:8b. */
static char *
find_alike (const char *name)
{
  GListModel *entries = hr_model_catalogue_get_default ();
  g_autofree char *wanted = dup_essence (name);
  gsize longest = 0;
  char *found = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);
      const char *id = hr_model_entry_get_id (entry);
      const char *slash = strrchr (id, '/');
      g_autofree char *essence = dup_essence (slash != NULL ? slash + 1 : id);

      if (!g_str_equal (essence, wanted) || strlen (id) <= longest)
        continue;
      g_free (found);
      found = g_strdup (id);
      longest = strlen (id);
    }

  return found;
}

/* What tags of the library say beside the size of a model. */
static const char * const tag_endings[] = { "-instruct", "-it", "-chat" };

/* Whether a row of the library has a name and a tag. */
static gboolean
is_of_library (HrJson     *row,
               const char *name,
               const char *tag)
{
  const char *own = "";
  g_auto (GStrv) tags = NULL;

  if (!hr_json_get_string (row, "name", &own, NULL) || !hr_json_get_strings (row, "tags", &tags, NULL) ||
      tags == NULL || g_ascii_strcasecmp (own, name) != 0)
    return FALSE;

  for (guint i = 0; tags[i] != NULL; i++)
    {
      if (g_ascii_strcasecmp (tags[i], tag) == 0)
        return TRUE;
    }

  return FALSE;
}

/* A name of the library without a tag is that of the latest one; a tag may say that the model answers instructions. */
static gboolean
find_in_library (const char  *stem,
                 char       **model,
                 char       **quantization,
                 char       **tensor_types)
{
  g_autoptr (HrJson) root = hr_json_new_from_resource (LIBRARY_PATH, NULL);
  HrJson *rows = root != NULL ? hr_json_get_member (root, "models") : NULL;
  g_auto (GStrv) parts = g_strsplit (stem, ":", 2);
  char *tag = parts[0] != NULL && parts[1] != NULL ? parts[1] : NULL;

  for (guint i = 0; tag != NULL && i < G_N_ELEMENTS (tag_endings); i++)
    cut_ending (tag, tag_endings[i]);
  for (guint i = 0; parts[0] != NULL && rows != NULL && i < hr_json_get_length (rows); i++)
    {
      HrJson *row = hr_json_get_element (rows, i);
      const char *id = NULL, *type = NULL, *types = NULL;

      if (!is_of_library (row, parts[0], tag != NULL ? tag : "latest") ||
          !hr_json_get_string (row, "model", &id, NULL) || !hr_json_get_string (row, "quantization", &type, NULL) ||
          !hr_json_get_string (row, "tensor-types", &types, NULL))
        continue;

      if (*quantization == NULL)
        *quantization = g_strdup (type);
      if (g_str_equal (*quantization, type))
        *tensor_types = g_strdup (types);
      g_free (*model);
      *model = g_strdup (id);
      return TRUE;
    }

  return FALSE;
}

/*
 * hr_command_model_read_ollama:
 * @model: (inout): what Ollama calls the model
 * @quantization: (inout): how it is quantized, if its name says so, or as Ollama's library has it
 * @tensor_types: (out) (nullable): the types of tensors that are not those of that, as the library has it
 *
 * Looks for the model of a name of Ollama's library, such as `llama3.1:8b-instruct-q8_0`. Paths, and repositories of
 * Hugging Face behind `hf.co/`, are left as they are, without that.
 */
void
hr_command_model_read_ollama (char **model,
                              char **quantization,
                              char **tensor_types)
{
  g_autofree char *stem = NULL;
  char *id;

  for (guint i = 0; i < 2; i++)
    {
      const char *host = i == 0 ? "hf.co/" : "huggingface.co/";

      if (!g_str_has_prefix (*model, host))
        continue;
      memmove (*model, *model + strlen (host), strlen (*model + strlen (host)) + 1);
      return;
    }
  if (strchr (*model, '/') != NULL || g_str_has_suffix (*model, ".gguf"))
    return;

  stem = g_strdup (*model);
  if (find_in_library (stem, model, quantization, tensor_types))
    return;

  split_quantization (stem, quantization);
  if (find_in_library (stem, model, quantization, tensor_types) || strchr (stem, ':') == NULL)
    return;

  id = find_alike (stem);
  if (id == NULL)
    return;

  if (*quantization == NULL)
    *quantization = g_strdup (USUAL_QUANTIZATION);
  g_free (*model);
  *model = id;
}
