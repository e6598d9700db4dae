/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-architecture.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-adapter-rules.h"
#include "hr-parallel-rules.h"
#include "hr-processor-private.h"

#define RESOURCE_FOLDER "/io/github/headroom/Headroom/data/architectures"

#define GENERIC_NAME "_generic"
#define GENERIC_MIXTURE_NAME "_generic_mixture"

/* How many files may extend each other. */
#define MAX_FILES 8

struct _HrArchitecture
{
  GPtrArray *files;   /* of HrJson *: the file itself, what it extends, what that extends … */
  HrJson *task;       /* what a class for another task than writing text has for a head; NULL if it writes */
};

/* The names of transformers' classes say what they are for. */
static const struct
{
  const char *suffix;
  const char *file;
} tasks[] = {
  { "ForSequenceClassification", "_sequence_classification" },
  { "ForTokenClassification", "_token_classification" },
  { "ForQuestionAnswering", "_question_answering" },
  { "RewardModel", NULL },
  { "ForProcessRewardModel", NULL },
};

#define BARE_NAME "_bare"

/* What the class that writes text is called, beside the model's name. */
static const char * const writer_suffixes[] = { "ForCausalLM", "LMHeadModel", "ForConditionalGeneration" };

static const char * const known_members[] = {
  "model-type", "aliases", "architectures", "extends", "source", "approximate", "counted-only", "served-by",
  "uncounted", "adapters", "hyper-parameters", "defaults", "values", "layer-values", "stacks", "head", "buffers",
  "tasks", "root", "processor", "ties-from-config", "converts-to", "carried-adapters", "tensor-parallel",
  "expert-parallel",
  NULL,
};

static const char * const known_hyper_parameter_members[] = {
  "keys", "type", "minimum", "maximum", "default", "null", "essential", NULL,
};

static const char * const hyper_parameter_types[] = {
  "size", "number", "boolean", "string", "array", "any", NULL,
};

static gboolean
check_hyper_parameter (HrJson  *definition,
                       GError **error)
{
  const char *type = NULL;
  g_autofree char *names = NULL;
  g_autofree char *expected = NULL;

  if (!hr_json_check_members (definition, known_hyper_parameter_members, error) ||
      !hr_json_get_string (definition, "type", &type, error))
    return FALSE;
  if (type == NULL || g_strv_contains (hyper_parameter_types, type))
    return TRUE;

  names = g_strjoinv (", ", (char **) hyper_parameter_types);
  /* Translators: a list of words, such as "size, number, boolean". */
  expected = g_strdup_printf (_("one of %s"), names);
  hr_json_set_error (hr_json_get_member (definition, "type"), HR_ERROR_UNKNOWN_NAME, expected, error);

  return FALSE;
}

static gboolean
check_hyper_parameters (HrJson  *file,
                        GError **error)
{
  HrJson *definitions = NULL;

  if (!hr_json_get_object (file, "hyper-parameters", &definitions, error))
    return FALSE;

  for (guint i = 0; definitions != NULL && i < hr_json_get_length (definitions); i++)
    {
      if (!check_hyper_parameter (hr_json_get_element (definitions, i), error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
check_adapters (HrJson  *file,
                GError **error)
{
  HrJson *section = NULL;

  return hr_json_get_object (file, "adapters", &section, error) &&
         (section == NULL || hr_adapter_rules_check (section, error));
}

static gboolean
check_parallel (HrJson      *file,
                const char  *member,
                GError     **error)
{
  HrJson *section = NULL;

  return hr_json_get_object (file, member, &section, error) &&
         (section == NULL || hr_parallel_rules_check (section, error));
}

static gboolean
check_processor (HrJson  *file,
                 GError **error)
{
  HrJson *section = NULL;

  return hr_json_get_object (file, "processor", &section, error) &&
         (section == NULL || hr_processor_check (section, error));
}

static gboolean
check_file (HrJson  *file,
            GError **error)
{
  HrJson *section = NULL;
  gboolean is_counted_only = FALSE;
  const char *root = NULL;
  const char *class_name = NULL;

  return hr_json_check_members (file, known_members, error) &&
         hr_json_require_member (file, "model-type", error) != NULL &&
         hr_json_require_member (file, "source", error) != NULL &&
         hr_json_get_boolean (file, "counted-only", &is_counted_only, error) &&
         check_adapters (file, error) && check_hyper_parameters (file, error) &&
         check_parallel (file, "tensor-parallel", error) && check_parallel (file, "expert-parallel", error) &&
         hr_json_get_object (file, "defaults", &section, error) &&
         hr_json_get_object (file, "values", &section, error) &&
         hr_json_get_object (file, "layer-values", &section, error) &&
         hr_json_get_array (file, "aliases", &section, error) &&
         hr_json_get_array (file, "served-by", &section, error) &&
         hr_json_get_array (file, "architectures", &section, error) &&
         hr_json_get_array (file, "stacks", &section, error) &&
         hr_json_get_array (file, "buffers", &section, error) &&
         hr_json_get_array (file, "uncounted", &section, error) &&
         hr_json_get_array (file, "head", &section, error) &&
         hr_json_get_array (file, "carried-adapters", &section, error) &&
         hr_json_get_object (file, "tasks", &section, error) && check_processor (file, error) &&
         hr_json_get_string (file, "root", &root, error) &&
         hr_json_get_string (file, "converts-to", &class_name, error);
}

/* A model type comes from a config, and becomes part of a path. */
gboolean
hr_architecture_is_file_name (const char *model_type)
{
  if (model_type[0] == '\0' || model_type[0] == '.' || strlen (model_type) > 100)
    return FALSE;

  for (const char *c = model_type; *c != '\0'; c++)
    {
      if (!g_ascii_isalnum (*c) && strchr ("_-.", *c) == NULL)
        return FALSE;
    }

  return TRUE;
}

/* Where the user's own architecture files are. */
char *
hr_architecture_dup_user_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "headroom", "architectures", NULL);
}

/* The user's own files come before those that ship; %NULL without an error if there is none. */
static HrJson *
load_file (const char  *model_type,
           GError     **error)
{
  g_autofree char *name = NULL;
  g_autofree char *user_folder = NULL;
  g_autofree char *user_path = NULL;
  g_autofree char *resource_path = NULL;
  g_autoptr (HrJson) file = NULL;

  if (!hr_architecture_is_file_name (model_type))
    return NULL;

  name = g_strconcat (model_type, ".json", NULL);
  user_folder = hr_architecture_dup_user_folder ();
  user_path = g_build_filename (user_folder, name, NULL);
  resource_path = g_build_path ("/", RESOURCE_FOLDER, name, NULL);

  if (g_file_test (user_path, G_FILE_TEST_EXISTS))
    {
      g_autoptr (GFile) user_file = g_file_new_for_path (user_path);

      file = hr_json_new_from_file (user_file, HR_JSON_STRICT, error);
    }
  else if (g_resources_get_info (resource_path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL, NULL, NULL))
    file = hr_json_new_from_resource (resource_path, error);

  if (file == NULL || !check_file (file, error))
    return NULL;

  return g_steal_pointer (&file);
}

/* Takes @self; loads what its last file extends, and so on. */
static HrArchitecture *
load_bases (HrArchitecture  *self,
            GError         **error)
{
  g_autoptr (HrArchitecture) architecture = self;

  for (;;)
    {
      HrJson *last = g_ptr_array_index (architecture->files, architecture->files->len - 1);
      const char *base = NULL;
      g_autoptr (HrJson) file = NULL;
      g_autoptr (GError) local_error = NULL;

      if (!hr_json_get_string (last, "extends", &base, error))
        return NULL;
      if (base == NULL)
        return g_steal_pointer (&architecture);

      if (architecture->files->len < MAX_FILES)
        file = load_file (base, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
      if (file == NULL)
        {
          hr_json_set_error (hr_json_get_member (last, "extends"), HR_ERROR_UNKNOWN_NAME,
                             _("the name of another architecture file"), error);
          return NULL;
        }
      g_ptr_array_add (architecture->files, g_steal_pointer (&file));
    }
}

/*
 * hr_architecture_new_from_json:
 * @root: (transfer full): an architecture file
 * @error: return location for an error
 *
 * Makes an architecture of a file and of those that it extends.
 */
HrArchitecture *
hr_architecture_new_from_json (HrJson  *root,
                               GError **error)
{
  g_autoptr (HrArchitecture) self = g_new0 (HrArchitecture, 1);

  self->files = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_json_free);
  g_ptr_array_add (self->files, root);

  if (!check_file (root, error))
    return NULL;

  return load_bases (g_steal_pointer (&self), error);
}

static gboolean
lists (HrJson     *file,
       const char *member,
       const char *wanted)
{
  HrJson *names = hr_json_get_member (file, member);

  for (guint i = 0; names != NULL && i < hr_json_get_length (names); i++)
    {
      const char *name;

      if (hr_json_read_string (hr_json_get_element (names, i), &name, NULL) && g_str_equal (name, wanted))
        return TRUE;
    }

  return FALSE;
}

/* Searches all files for one that lists a name. */
static HrArchitecture *
find_listed (const char  *member,
             const char  *wanted,
             GError     **error)
{
  g_auto (GStrv) names = hr_architecture_list ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (GError) local_error = NULL;
      g_autoptr (HrJson) file = load_file (names[i], &local_error);

      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
      if (file != NULL && lists (file, member, wanted))
        return hr_architecture_new_from_json (g_steal_pointer (&file), error);
    }

  return NULL;
}

/*
 * hr_architecture_new:
 * @model_type: the `model_type` of a config
 * @error: return location for an error
 *
 * Loads the architecture file of a model type.
 *
 * Returns: (nullable): the architecture; %NULL with @error set if a file has a fault, and without if there is none
 */
HrArchitecture *
hr_architecture_new (const char  *model_type,
                     GError     **error)
{
  g_autoptr (HrJson) file = NULL;
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (model_type != NULL, NULL);

  /* Files whose name begins like this are there to be extended. */
  if (model_type[0] == '_')
    return NULL;

  file = load_file (model_type, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (file != NULL)
    return hr_architecture_new_from_json (g_steal_pointer (&file), error);

  return find_listed ("aliases", model_type, error);
}

/*
 * hr_architecture_new_for_class:
 * @class_name: a class of transformers, such as `LlamaForCausalLM`
 * @error: return location for an error
 *
 * Loads the architecture file that lists a class, which says more than an unknown `model_type`.
 *
 * Returns: (nullable): as hr_architecture_new()
 */
HrArchitecture *
hr_architecture_new_for_class (const char  *class_name,
                               GError     **error)
{
  g_return_val_if_fail (class_name != NULL, NULL);

  return find_listed ("architectures", class_name, error);
}

/*
 * hr_architecture_new_generic:
 * @is_mixture: whether it may have experts, or multi-head latent attention
 * @error: return location for an error
 *
 * Loads what a model is read with of which nothing better is known.
 */
HrArchitecture *
hr_architecture_new_generic (gboolean  is_mixture,
                             GError  **error)
{
  HrJson *file = load_file (is_mixture ? GENERIC_MIXTURE_NAME : GENERIC_NAME, error);

  return file != NULL ? hr_architecture_new_from_json (file, error) : NULL;
}

void
hr_architecture_free (HrArchitecture *self)
{
  g_return_if_fail (self != NULL);

  g_ptr_array_unref (self->files);
  g_clear_pointer (&self->task, hr_json_free);
  g_free (self);
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char * const *) a, *(const char * const *) b);
}

static void
add_name (GHashTable *names,
          const char *file)
{
  if (g_str_has_suffix (file, ".json") && file[0] != '_')
    g_hash_table_add (names, g_strndup (file, strlen (file) - strlen (".json")));
}

/*
 * hr_architecture_list:
 *
 * Lists the model types that have a file, Headroom's and the user's own, in the order of the alphabet.
 *
 * Returns: (transfer full): the model types
 */
char **
hr_architecture_list (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) files = g_resources_enumerate_children (RESOURCE_FOLDER, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autofree char *user_folder = hr_architecture_dup_user_folder ();
  g_autoptr (GDir) folder = g_dir_open (user_folder, 0, NULL);
  const char *file;
  char **list;
  guint n_names;

  for (guint i = 0; files != NULL && files[i] != NULL; i++)
    add_name (names, files[i]);
  while (folder != NULL && (file = g_dir_read_name (folder)) != NULL)
    add_name (names, file);

  list = (char **) g_hash_table_get_keys_as_array (names, &n_names);
  g_hash_table_steal_all (names);
  qsort (list, n_names, sizeof (char *), compare_names);

  return list;
}

/* The file's own name, which an alias or a class that led to it does not tell. */
const char *
hr_architecture_get_model_type (HrArchitecture *self)
{
  const char *model_type = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  hr_json_get_string (hr_architecture_get_file (self, 0), "model-type", &model_type, NULL);

  return model_type;
}

/* The class that transformers builds when a config names none. */
const char *
hr_architecture_get_class_name (HrArchitecture *self)
{
  const char *class_name = NULL;
  HrJson *classes;

  g_return_val_if_fail (self != NULL, NULL);

  classes = hr_architecture_get_member (self, "architectures");
  if (classes != NULL && hr_json_get_length (classes) > 0)
    hr_json_read_string (hr_json_get_element (classes, 0), &class_name, NULL);

  return class_name;
}

/* Whether a class is the one that the architecture describes. */
gboolean
hr_architecture_has_class (HrArchitecture *self,
                           const char     *class_name)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (class_name != NULL, FALSE);

  return lists (hr_architecture_get_file (self, 0), "architectures", class_name);
}

/* The framework's files that the architecture was read from. */
const char *
hr_architecture_get_source (HrArchitecture *self)
{
  const char *source = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  hr_json_get_string (hr_architecture_get_file (self, 0), "source", &source, NULL);

  return source;
}

/* The model's own class without a head, such as LlamaModel. */
static gboolean
is_bare_class (HrArchitecture *self,
               const char     *class_name)
{
  HrJson *classes = hr_json_get_member (hr_architecture_get_file (self, 0), "architectures");

  for (guint i = 0; classes != NULL && i < hr_json_get_length (classes); i++)
    {
      const char *writer;

      if (!hr_json_read_string (hr_json_get_element (classes, i), &writer, NULL))
        continue;
      for (guint j = 0; j < G_N_ELEMENTS (writer_suffixes); j++)
        {
          gsize length = strlen (writer) - MIN (strlen (writer), strlen (writer_suffixes[j]));

          if (g_str_has_suffix (writer, writer_suffixes[j]) && strncmp (class_name, writer, length) == 0 &&
              (g_str_equal (class_name + length, "Model") || g_str_equal (class_name + length, "TextModel")))
            return TRUE;
        }
    }

  return FALSE;
}

/* The file of a class's task: what the architecture says under "tasks", or what most have. */
static const char *
find_task (HrArchitecture *self,
           const char     *class_name)
{
  HrJson *own = hr_architecture_get_member (self, "tasks");

  for (guint i = G_N_ELEMENTS (tasks); i-- > 0;)
    {
      const char *file = tasks[i].file;

      if (!g_str_has_suffix (class_name, tasks[i].suffix))
        continue;
      if (own != NULL)
        hr_json_get_string (own, tasks[i].suffix, &file, NULL);
      return file;
    }

  return is_bare_class (self, class_name) ? BARE_NAME : NULL;
}

/*
 * hr_architecture_set_class:
 * @self: an architecture
 * @class_name: a class that a config names
 * @found: (out): whether it is one that the architecture describes, for whatever task
 * @error: return location for an error
 *
 * Gives the architecture the head of a class, where it is not one that writes text: a classifier's, or none.
 *
 * Returns: whether no file has a fault
 */
gboolean
hr_architecture_set_class (HrArchitecture  *self,
                           const char      *class_name,
                           gboolean        *found,
                           GError         **error)
{
  g_autoptr (GError) local_error = NULL;
  const char *task;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (class_name != NULL, FALSE);
  g_return_val_if_fail (found != NULL, FALSE);

  *found = TRUE;
  if (hr_architecture_has_class (self, class_name))
    return TRUE;

  task = find_task (self, class_name);
  if (task != NULL)
    self->task = load_file (task, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  *found = self->task != NULL;

  return TRUE;
}

/* What the class's task adds to the files; %NULL for a class that writes text. */
HrJson *
hr_architecture_get_task (HrArchitecture *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->task;
}

/* Whether the architecture computes more than its blocks follow: an expression, %NULL where it does not. */
HrJson *
hr_architecture_get_approximate (HrArchitecture *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return hr_json_get_member (hr_architecture_get_file (self, 0), "approximate");
}

/* The class of transformers that is followed in place of the model's own code; %NULL where it is that code. */
const char *
hr_architecture_get_converted_class (HrArchitecture *self)
{
  const char *class_name = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  hr_json_get_string (hr_architecture_get_file (self, 0), "converts-to", &class_name, NULL);

  return class_name;
}

/* Whether only its tensors and its cache are known, and not what it makes while it runs. */
gboolean
hr_architecture_is_counted_only (HrArchitecture *self)
{
  HrJson *member;
  gboolean is_counted_only = FALSE;

  g_return_val_if_fail (self != NULL, FALSE);

  member = hr_architecture_get_member (self, "counted-only");
  if (member != NULL)
    hr_json_read_boolean (member, &is_counted_only, NULL);

  return is_counted_only;
}

/*
 * hr_architecture_list_engines:
 * @self: an architecture
 *
 * Lists the engines of which is known what they do with a model that is otherwise counted alone.
 *
 * Returns: (transfer full) (nullable): their names, or %NULL if there are none
 */
GStrv
hr_architecture_list_engines (HrArchitecture *self)
{
  HrJson *member;
  GStrvBuilder *names;
  GStrv list;

  g_return_val_if_fail (self != NULL, NULL);

  member = hr_architecture_get_member (self, "served-by");
  if (member == NULL)
    return NULL;

  names = g_strv_builder_new ();
  for (guint i = 0; i < hr_json_get_length (member); i++)
    {
      const char *name;

      if (hr_json_read_string (hr_json_get_element (member, i), &name, NULL))
        g_strv_builder_add (names, name);
    }
  list = g_strv_builder_end (names);
  g_strv_builder_unref (names);

  return list;
}

/* A section as the first file that has it gives it. */
HrJson *
hr_architecture_get_member (HrArchitecture *self,
                            const char     *key)
{
  HrJson *member;

  g_return_val_if_fail (self != NULL, NULL);

  member = self->task != NULL ? hr_json_get_member (self->task, key) : NULL;
  for (guint i = 0; member == NULL && i < self->files->len; i++)
    member = hr_json_get_member (g_ptr_array_index (self->files, i), key);

  return member;
}

guint
hr_architecture_get_n_files (HrArchitecture *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->files->len;
}

/* The files, each extending the one after it. */
HrJson *
hr_architecture_get_file (HrArchitecture *self,
                          guint           index)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < self->files->len, NULL);

  return g_ptr_array_index (self->files, index);
}
