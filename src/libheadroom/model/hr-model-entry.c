/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-model-entry-private.h"

#include <string.h>

/* More than any model has. */
#define MAX_PARAMETERS G_GUINT64_CONSTANT (100000000000000)

/**
 * HrModelEntry:
 *
 * A model of the catalogue: what it is called, how large it is, where that is from. [ctor@Model.new_from_id] makes the
 * model itself of it.
 *
 * Objects of this type do not change.
 */
struct _HrModelEntry
{
  GObject parent_instance;

  char *id;
  char *name;
  char *family;
  char *source;
  char *checked;
  char *config;
  char **keywords;
  HrModelEntry *base;   /* of whose config @config has only the keys that differ, or NULL */
  GPtrArray *aliases;   /* of HrModelEntry, or NULL */
  guint64 n_parameters;
  HrDtype stored_dtype; /* of the files of weights, where the config does not say; or HR_DTYPE_AUTO */
};

enum
{
  PROP_0,
  PROP_ID,
  PROP_NAME,
  PROP_FAMILY,
  N_PROPS,
};

G_DEFINE_FINAL_TYPE (HrModelEntry, hr_model_entry, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
hr_model_entry_finalize (GObject *object)
{
  HrModelEntry *self = HR_MODEL_ENTRY (object);

  g_clear_pointer (&self->id, g_free);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->family, g_free);
  g_clear_pointer (&self->source, g_free);
  g_clear_pointer (&self->checked, g_free);
  g_clear_pointer (&self->config, g_free);
  g_clear_pointer (&self->keywords, g_strfreev);
  g_clear_object (&self->base);
  g_clear_pointer (&self->aliases, g_ptr_array_unref);

  G_OBJECT_CLASS (hr_model_entry_parent_class)->finalize (object);
}

static void
hr_model_entry_get_property (GObject    *object,
                             guint       prop_id,
                             GValue     *value,
                             GParamSpec *pspec)
{
  HrModelEntry *self = HR_MODEL_ENTRY (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_string (value, hr_model_entry_get_id (self));
      break;

    case PROP_NAME:
      g_value_set_string (value, hr_model_entry_get_name (self));
      break;

    case PROP_FAMILY:
      g_value_set_string (value, hr_model_entry_get_family (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_model_entry_class_init (HrModelEntryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hr_model_entry_finalize;
  object_class->get_property = hr_model_entry_get_property;

  /**
   * HrModelEntry:id:
   *
   * The identifier, such as `Qwen/Qwen2.5-7B-Instruct`.
   */
  properties[PROP_ID] =
    g_param_spec_string ("id", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrModelEntry:name:
   *
   * The name without the organisation.
   */
  properties[PROP_NAME] =
    g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrModelEntry:family:
   *
   * The family of models that it belongs to.
   */
  properties[PROP_FAMILY] =
    g_param_spec_string ("family", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
hr_model_entry_init (HrModelEntry *self)
{
}

static gboolean
load_required_string (HrJson      *row,
                      const char  *key,
                      char       **string,
                      GError     **error)
{
  const char *value = NULL;

  if (hr_json_require_member (row, key, error) == NULL || !hr_json_get_string (row, key, &value, error))
    return FALSE;

  *string = g_strdup (value);

  return TRUE;
}

static gboolean
load_keywords (HrJson              *row,
               const char * const  *family_keywords,
               char              ***keywords,
               GError             **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) own_keywords = NULL;

  if (!hr_json_get_strings (row, "keywords", &own_keywords, error))
    return FALSE;

  g_strv_builder_addv (builder, (const char **) family_keywords);
  if (own_keywords != NULL)
    g_strv_builder_addv (builder, (const char **) own_keywords);
  *keywords = g_strv_builder_end (builder);

  return TRUE;
}

/* A model whose config is that of a row above, but for the keys that the row has itself. */
static gboolean
load_base (HrModelEntry  *self,
           HrJson        *row,
           GListModel    *rows_above,
           GError       **error)
{
  const char *id = NULL;

  if (!hr_json_get_string (row, "as", &id, error))
    return FALSE;

  for (guint i = 0; id != NULL && i < g_list_model_get_n_items (rows_above); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (rows_above, i);

      if (g_str_equal (entry->id, id))
        g_set_object (&self->base, entry);
    }

  if (id != NULL && self->base == NULL)
    {
      hr_json_set_error (hr_json_get_member (row, "as"), HR_ERROR_SCHEMA, "the id of a row above", error);
      return FALSE;
    }

  return TRUE;
}

static gboolean
load_config (HrModelEntry  *self,
             HrJson        *row,
             GError       **error)
{
  HrJson *config = NULL;

  if ((self->base == NULL && hr_json_require_member (row, "config", error) == NULL) ||
      !hr_json_get_object (row, "config", &config, error))
    return FALSE;

  self->config = config != NULL ? hr_json_dup_text (config) : g_strdup ("{}");

  return TRUE;
}

/* What the tensors of its files are; where that is from is told with the sources of the rest. */
static gboolean
load_stored_dtype (HrModelEntry  *self,
                   HrJson        *row,
                   GError       **error)
{
  static const char * const members[] = { "dtype", "source", NULL };
  g_autofree char *name = NULL;
  g_autofree char *stored_source = NULL;
  g_autofree char *source = NULL;
  HrJson *stored = NULL;

  if (!hr_json_get_object (row, "stored", &stored, error))
    return FALSE;
  if (stored == NULL)
    return TRUE;

  if (!hr_json_check_members (stored, members, error) ||
      !load_required_string (stored, "dtype", &name, error) ||
      !load_required_string (stored, "source", &stored_source, error))
    return FALSE;
  if (!hr_dtype_from_name (name, &self->stored_dtype))
    {
      hr_json_set_error (hr_json_get_member (stored, "dtype"), HR_ERROR_UNKNOWN_NAME, "a data type", error);
      return FALSE;
    }

  source = g_steal_pointer (&self->source);
  self->source = g_strdup_printf ("%s; stored in %s: %s", source, name, stored_source);

  return TRUE;
}

/* The same model under another of its names: it has the name that it is called by, and says where that is from. */
static HrModelEntry *
make_alias (HrModelEntry *self,
            const char   *id,
            const char   *source)
{
  HrModelEntry *alias = g_object_new (HR_TYPE_MODEL_ENTRY, NULL);
  const char *slash = strchr (id, '/');

  alias->id = g_strdup (id);
  alias->name = g_strdup (slash != NULL ? slash + 1 : id);
  alias->family = g_strdup (self->family);
  alias->source = g_strdup_printf ("%s; as %s: %s", self->source, id, source);
  alias->checked = g_strdup (self->checked);
  alias->config = g_strdup (self->config);
  alias->keywords = g_strdupv (self->keywords);
  alias->n_parameters = self->n_parameters;
  alias->stored_dtype = self->stored_dtype;
  g_set_object (&alias->base, self->base);

  return alias;
}

static gboolean
load_aliases (HrModelEntry  *self,
              HrJson        *row,
              GError       **error)
{
  static const char * const members[] = { "id", "source", NULL };
  HrJson *array = NULL;

  if (!hr_json_get_array (row, "aliases", &array, error))
    return FALSE;

  for (guint i = 0; array != NULL && i < hr_json_get_length (array); i++)
    {
      HrJson *alias = hr_json_get_element (array, i);
      g_autofree char *id = NULL;
      g_autofree char *source = NULL;

      if (!hr_json_check_type (alias, HR_JSON_OBJECT, error) || !hr_json_check_members (alias, members, error) ||
          !load_required_string (alias, "id", &id, error) || !load_required_string (alias, "source", &source, error))
        return FALSE;

      if (self->aliases == NULL)
        self->aliases = g_ptr_array_new_with_free_func (g_object_unref);
      g_ptr_array_add (self->aliases, make_alias (self, id, source));
    }

  return TRUE;
}

/* What the row above says of the rest. */
static void
complete_from_base (HrModelEntry *self)
{
  g_autofree char *source = g_steal_pointer (&self->source);

  self->source = g_strdup_printf ("%s; the rest as %s: %s", source, self->base->id, self->base->source);
  if (self->n_parameters == 0)
    self->n_parameters = self->base->n_parameters;
}

HrModelEntry *
_hr_model_entry_new (HrJson              *row,
                     const char          *family,
                     const char * const  *keywords,
                     GListModel          *rows_above,
                     GError             **error)
{
  static const char * const members[] = {
    "id", "name", "aliases", "keywords", "parameters", "as", "config", "stored", "source", "checked", NULL,
  };
  g_autoptr (HrModelEntry) self = g_object_new (HR_TYPE_MODEL_ENTRY, NULL);

  self->family = g_strdup (family);
  if (!hr_json_check_type (row, HR_JSON_OBJECT, error) ||
      !hr_json_check_members (row, members, error) ||
      !load_required_string (row, "id", &self->id, error) ||
      !load_required_string (row, "name", &self->name, error) ||
      !load_required_string (row, "source", &self->source, error) ||
      !load_required_string (row, "checked", &self->checked, error) ||
      !load_keywords (row, keywords, &self->keywords, error) ||
      !hr_json_get_uint (row, "parameters", 1, MAX_PARAMETERS, &self->n_parameters, error) ||
      !load_base (self, row, rows_above, error) ||
      !load_config (self, row, error) ||
      !load_stored_dtype (self, row, error))
    return NULL;

  if (self->base != NULL)
    complete_from_base (self);

  return load_aliases (self, row, error) ? g_steal_pointer (&self) : NULL;
}

/* What the files of weights hold, which transformers goes by where the config states no dtype; or %HR_DTYPE_AUTO. */
HrDtype
_hr_model_entry_get_stored_dtype (HrModelEntry *self)
{
  return self->stored_dtype;
}

/* The base's config with the keys that differ; a null takes one away. */
char *
_hr_model_entry_dup_config (HrModelEntry *self)
{
  g_autofree char *base_text = self->base != NULL ? _hr_model_entry_dup_config (self->base) : NULL;
  g_autoptr (HrJson) base = NULL;
  g_autoptr (HrJson) own = NULL;
  g_autoptr (GStrvBuilder) key_builder = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) text_builder = g_strv_builder_new ();
  g_auto (GStrv) keys = NULL;
  g_auto (GStrv) texts = NULL;

  if (base_text == NULL)
    return g_strdup (self->config);

  /* Both are parts of documents that have been read. */
  base = hr_json_new_from_data (base_text, -1, self->base->id, HR_JSON_STRICT, NULL);
  own = hr_json_new_from_data (self->config, -1, self->id, HR_JSON_STRICT, NULL);
  for (guint i = 0; i < hr_json_get_length (own); i++)
    {
      HrJson *member = hr_json_get_element (own, i);
      g_autofree char *text = hr_json_dup_text (member);

      g_strv_builder_add (key_builder, hr_json_get_key (member));
      g_strv_builder_add (text_builder, text);
    }
  keys = g_strv_builder_end (key_builder);
  texts = g_strv_builder_end (text_builder);

  return hr_json_dup_text_with (base, (const char * const *) keys, (const char * const *) texts);
}

/**
 * hr_model_entry_get_id:
 * @self: an entry
 *
 * Gets the identifier: organisation and name, as on the hub where the model is published.
 *
 * Returns: (transfer none): the identifier, such as `Qwen/Qwen2.5-7B-Instruct`
 */
const char *
hr_model_entry_get_id (HrModelEntry *self)
{
  g_return_val_if_fail (HR_IS_MODEL_ENTRY (self), NULL);

  return self->id;
}

/**
 * hr_model_entry_get_name:
 * @self: an entry
 *
 * Gets the name without the organisation.
 *
 * Returns: (transfer none): the name, such as `Qwen2.5-7B-Instruct`
 */
const char *
hr_model_entry_get_name (HrModelEntry *self)
{
  g_return_val_if_fail (HR_IS_MODEL_ENTRY (self), NULL);

  return self->name;
}

/**
 * hr_model_entry_get_family:
 * @self: an entry
 *
 * Gets the family of models that it belongs to.
 *
 * Returns: (transfer none): the family, such as `Qwen`
 */
const char *
hr_model_entry_get_family (HrModelEntry *self)
{
  g_return_val_if_fail (HR_IS_MODEL_ENTRY (self), NULL);

  return self->family;
}

/**
 * hr_model_entry_get_source:
 * @self: an entry
 *
 * Gets where the hyper-parameters are from: the address of a file in a repository or of a page, and in words what was
 * done with it, such as that it was transcribed.
 *
 * Returns: (transfer none): the source
 */
const char *
hr_model_entry_get_source (HrModelEntry *self)
{
  g_return_val_if_fail (HR_IS_MODEL_ENTRY (self), NULL);

  return self->source;
}

/**
 * hr_model_entry_get_checked:
 * @self: an entry
 *
 * Gets when the row was last compared with its source.
 *
 * Returns: (transfer none): a date, `YYYY-MM-DD`
 */
const char *
hr_model_entry_get_checked (HrModelEntry *self)
{
  g_return_val_if_fail (HR_IS_MODEL_ENTRY (self), NULL);

  return self->checked;
}

/**
 * hr_model_entry_get_keywords:
 * @self: an entry
 *
 * Gets further names that people search for, such as `通义千问`.
 *
 * Returns: (transfer none) (array zero-terminated=1): the keywords
 */
const char * const *
hr_model_entry_get_keywords (HrModelEntry *self)
{
  g_return_val_if_fail (HR_IS_MODEL_ENTRY (self), NULL);

  return (const char * const *) self->keywords;
}

/**
 * hr_model_entry_get_aliases:
 * @self: an entry
 *
 * Gets the same model under its other names, such as those that it had before its publisher renamed it.
 *
 * Returns: (transfer none) (nullable) (element-type HrModelEntry): entries with the other identifiers, or %NULL if it
 *   has none
 */
GPtrArray *
hr_model_entry_get_aliases (HrModelEntry *self)
{
  g_return_val_if_fail (HR_IS_MODEL_ENTRY (self), NULL);

  return self->aliases;
}

/**
 * hr_model_entry_get_n_parameters:
 * @self: an entry
 * @n_parameters: (out) (optional): the number of parameters
 *
 * Gets how many parameters the reference implementation has, a tied tensor counted once.
 *
 * Returns: whether it is known without reading the model
 */
gboolean
hr_model_entry_get_n_parameters (HrModelEntry *self,
                                 guint64      *n_parameters)
{
  g_return_val_if_fail (HR_IS_MODEL_ENTRY (self), FALSE);

  if (self->n_parameters == 0)
    return FALSE;

  if (n_parameters != NULL)
    *n_parameters = self->n_parameters;

  return TRUE;
}
