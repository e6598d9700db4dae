/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-scope.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-config.h"

/* How many values may need each other in a row. */
#define MAX_DEPTH 100

/* What a size may be where the architecture file sets no limit of its own. */
#define DEFAULT_MAXIMUM (G_GUINT64_CONSTANT (1) << 24)

typedef enum
{
  ENTRY_HYPER_PARAMETER,
  ENTRY_VALUE,
  ENTRY_LAYER_VALUE,
} HrEntryKind;

typedef enum
{
  STATE_UNKNOWN,
  STATE_BUSY,
  STATE_KNOWN,
} HrEntryState;

typedef struct
{
  const char *name;
  HrEntryKind kind;
  HrEntryState state;
  gboolean is_assumed;   /* an essential hyper-parameter that the config does not give */
  HrJson *definition;
  HrJson *fallback;      /* of a hyper-parameter; NULL if there is none */
  HrScope *definer;      /* whose names @definition means, where these are not the scope's own */
  HrValue value;
} HrEntry;

struct _HrScope
{
  HrJson *config;
  const char *class_name; /* the class that is built: the config's, if the file describes it */
  char *place;            /* of @config in its file: "text_config"; empty for the whole of it */
  GPtrArray *inclusions;  /* of HrInclusion * */
  GHashTable *entries;    /* name, HrEntry */
  GPtrArray *in_order;    /* of HrEntry *: as the files have them, base first */
  gboolean in_layer;
  guint layer;
  gboolean in_item;
  guint item;
  guint depth;            /* of values being resolved */
};

static HrLookup lookup (const char  *name,
                        gpointer     user_data,
                        HrValue     *value,
                        GError     **error);

static void
add_section (HrScope     *self,
             HrJson      *file,
             const char  *section,
             HrEntryKind  kind)
{
  HrJson *definitions = hr_json_get_member (file, section);

  for (guint i = 0; definitions != NULL && i < hr_json_get_length (definitions); i++)
    {
      HrJson *definition = hr_json_get_element (definitions, i);
      HrEntry *entry = g_hash_table_lookup (self->entries, hr_json_get_key (definition));

      if (entry == NULL)
        {
          entry = g_new0 (HrEntry, 1);
          entry->name = hr_json_get_key (definition);
          g_hash_table_insert (self->entries, (gpointer) entry->name, entry);
          g_ptr_array_add (self->in_order, entry);
        }
      entry->kind = kind;
      entry->definition = definition;
      entry->fallback = kind == ENTRY_HYPER_PARAMETER ? hr_json_get_member (definition, "default") : NULL;
    }
}

/* A file that extends another may change a hyper-parameter's default alone. */
static gboolean
set_defaults (HrScope  *self,
              HrJson   *file,
              GError  **error)
{
  HrJson *defaults = hr_json_get_member (file, "defaults");

  for (guint i = 0; defaults != NULL && i < hr_json_get_length (defaults); i++)
    {
      HrJson *fallback = hr_json_get_element (defaults, i);
      HrEntry *entry = g_hash_table_lookup (self->entries, hr_json_get_key (fallback));

      if (entry == NULL || entry->kind != ENTRY_HYPER_PARAMETER)
        {
          hr_json_set_error (fallback, HR_ERROR_UNKNOWN_NAME, _("the default of a hyper-parameter"), error);
          return FALSE;
        }
      entry->fallback = fallback;
    }

  return TRUE;
}

static void
free_inclusion (HrInclusion *self)
{
  g_clear_pointer (&self->scope, hr_scope_free);
  g_clear_pointer (&self->architecture, hr_architecture_free);
  g_clear_pointer (&self->empty, hr_json_free);
  g_free (self->id);
  g_free (self);
}

static gboolean
add_file (HrScope  *self,
          HrJson   *file,
          GError  **error)
{
  add_section (self, file, "hyper-parameters", ENTRY_HYPER_PARAMETER);
  add_section (self, file, "values", ENTRY_VALUE);
  add_section (self, file, "layer-values", ENTRY_LAYER_VALUE);

  return set_defaults (self, file, error);
}

/*
 * hr_scope_new:
 * @architecture: what defines the names; has to outlive the scope
 * @config: what gives their values; has to outlive the scope
 * @place: where @config is in its file, such as `text_config`; empty for the whole of it
 * @error: return location for an error
 *
 * Makes a scope. Nothing is read from @config yet.
 */
HrScope *
hr_scope_new (HrArchitecture  *architecture,
              HrJson          *config,
              const char      *place,
              GError         **error)
{
  g_autoptr (HrScope) self = NULL;
  HrJson *task;

  g_return_val_if_fail (architecture != NULL, NULL);
  g_return_val_if_fail (config != NULL, NULL);
  g_return_val_if_fail (place != NULL, NULL);

  if (!hr_json_check_type (config, HR_JSON_OBJECT, error))
    return NULL;

  self = g_new0 (HrScope, 1);
  self->config = config;
  self->class_name = hr_config_get_class_name (config);
  if (self->class_name == NULL || !hr_architecture_has_class (architecture, self->class_name))
    self->class_name = hr_architecture_get_class_name (architecture);
  self->place = g_strdup (place);
  self->inclusions = g_ptr_array_new_with_free_func ((GDestroyNotify) free_inclusion);
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  self->in_order = g_ptr_array_new ();

  /* The base first, so that the files that extend it replace what it says. */
  task = hr_architecture_get_task (architecture);
  if (task != NULL && !add_file (self, task, error))
    return NULL;
  for (guint i = hr_architecture_get_n_files (architecture); i-- > 0;)
    {
      if (!add_file (self, hr_architecture_get_file (architecture, i), error))
        return NULL;
    }

  return g_steal_pointer (&self);
}

void
hr_scope_free (HrScope *self)
{
  g_return_if_fail (self != NULL);

  g_ptr_array_unref (self->inclusions);
  g_ptr_array_unref (self->in_order);
  g_hash_table_unref (self->entries);
  g_free (self->place);
  g_free (self);
}

HrJson *
hr_scope_get_config (HrScope *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->config;
}

/* Where the config is in its file; empty for the whole of it. */
const char *
hr_scope_get_place (HrScope *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->place;
}

/* Makes the names of an inclusion known, which is @self's from now on. */
void
hr_scope_take_inclusion (HrScope     *self,
                         HrInclusion *inclusion)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (inclusion != NULL);

  g_ptr_array_add (self->inclusions, inclusion);
}

/*
 * hr_scope_set_value:
 * @self: the scope of an included architecture
 * @definition: an expression, whose key is the name of a hyper-parameter or a value of @self
 * @definer: the scope around @self, whose names the expression means
 * @error: return location for an error
 *
 * Gives a name another value than the included architecture or its config do.
 */
gboolean
hr_scope_set_value (HrScope  *self,
                    HrJson   *definition,
                    HrScope  *definer,
                    GError  **error)
{
  HrEntry *entry;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (definer != NULL, FALSE);

  entry = g_hash_table_lookup (self->entries, hr_json_get_key (definition));
  if (entry == NULL)
    {
      hr_json_set_error (definition, HR_ERROR_UNKNOWN_NAME, _("a value of the included architecture"), error);
      return FALSE;
    }

  entry->kind = ENTRY_VALUE;
  entry->definition = definition;
  entry->definer = definer;

  return TRUE;
}

/* The inclusion that a stack of the architecture describes; %NULL if it describes none. */
HrInclusion *
hr_scope_find_inclusion (HrScope *self,
                         HrJson  *description)
{
  g_return_val_if_fail (self != NULL, NULL);

  for (guint i = 0; i < self->inclusions->len; i++)
    {
      HrInclusion *inclusion = g_ptr_array_index (self->inclusions, i);

      if (inclusion->description == description)
        return inclusion;
    }

  return NULL;
}

/* A key of the config, or of an object in it: "rope_parameters.partial_rotary_factor". */
static gboolean
find_key (HrScope     *self,
          const char  *key,
          HrJson     **found,
          gboolean    *is_null,
          GError     **error)
{
  HrJson *object = self->config;
  const char *dot;

  *found = NULL;
  while ((dot = strchr (key, '.')) != NULL)
    {
      g_autofree char *first = g_strndup (key, dot - key);
      HrJson *inner = NULL;

      if (!hr_json_get_object (object, first, &inner, error))
        return FALSE;
      if (inner == NULL)
        return TRUE;
      object = inner;
      key = dot + 1;
    }

  if (hr_json_has_null_member (object, key))
    *is_null = TRUE;
  *found = hr_json_get_member (object, key);

  return TRUE;
}

/* The first of an entry's keys that the config has; @found is %NULL if it has none of them. */
static gboolean
find_in_config (HrScope   *self,
                HrEntry   *entry,
                HrJson   **found,
                gboolean  *is_null,
                GError   **error)
{
  HrJson *keys = hr_json_get_member (entry->definition, "keys");

  *is_null = FALSE;
  if (keys == NULL)
    return find_key (self, entry->name, found, is_null, error);

  *found = NULL;
  for (guint i = 0; *found == NULL && i < hr_json_get_length (keys); i++)
    {
      const char *key;

      if (!hr_json_read_string (hr_json_get_element (keys, i), &key, error) ||
          !find_key (self, key, found, is_null, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
read_hyper_parameter (HrEntry  *entry,
                      HrJson   *node,
                      GError  **error)
{
  const char *type = NULL;
  guint64 minimum = 1;
  guint64 maximum = DEFAULT_MAXIMUM;
  guint64 size;

  if (!hr_json_get_string (entry->definition, "type", &type, error) ||
      !hr_json_get_uint (entry->definition, "minimum", 0, G_MAXINT64, &minimum, error) ||
      !hr_json_get_uint (entry->definition, "maximum", 0, G_MAXINT64, &maximum, error))
    return FALSE;

  if (type == NULL || g_str_equal (type, "size"))
    {
      if (!hr_json_read_uint (node, minimum, maximum, &size, error))
        return FALSE;
      entry->value = (HrValue) { HR_VALUE_INTEGER, .integer = size };
      return TRUE;
    }

  if ((g_str_equal (type, "boolean") && !hr_json_check_type (node, HR_JSON_BOOLEAN, error)) ||
      (g_str_equal (type, "string") && !hr_json_check_type (node, HR_JSON_STRING, error)) ||
      (g_str_equal (type, "array") && !hr_json_check_type (node, HR_JSON_ARRAY, error)))
    return FALSE;

  if (g_str_equal (type, "number"))
    {
      entry->value.type = HR_VALUE_REAL;
      return hr_json_read_double (node, &entry->value.real, error);
    }

  return hr_value_from_json (node, &entry->value, error);
}

static gboolean
resolve_hyper_parameter (HrScope  *self,
                         HrEntry  *entry,
                         GError  **error)
{
  gboolean is_null;
  gboolean is_essential = FALSE;
  HrJson *node;
  HrJson *fallback = NULL;

  if (!find_in_config (self, entry, &node, &is_null, error))
    return FALSE;
  if (node != NULL)
    return read_hyper_parameter (entry, node, error);

  if (!hr_json_get_boolean (entry->definition, "essential", &is_essential, error))
    return FALSE;
  entry->is_assumed = is_essential;

  if (is_null)
    fallback = hr_json_get_member (entry->definition, "null");
  if (fallback == NULL)
    fallback = entry->fallback;

  entry->value = (HrValue) { HR_VALUE_NOTHING };

  return fallback == NULL || hr_expression_evaluate (fallback, lookup, self, &entry->value, error);
}

static gboolean
resolve (HrScope  *self,
         HrEntry  *entry,
         GError  **error)
{
  gboolean success;

  if (entry->state == STATE_KNOWN)
    return TRUE;
  if (entry->state == STATE_BUSY)
    {
      hr_json_set_error (entry->definition, HR_ERROR_SCHEMA, _("a value that does not depend on itself"), error);
      return FALSE;
    }
  if (self->depth >= MAX_DEPTH)
    {
      hr_json_set_error (entry->definition, HR_ERROR_SCHEMA, _("a value that depends on fewer others"), error);
      return FALSE;
    }

  self->depth++;
  entry->state = STATE_BUSY;
  if (entry->kind == ENTRY_HYPER_PARAMETER)
    success = resolve_hyper_parameter (self, entry, error);
  else
    success = hr_expression_evaluate (entry->definition, lookup, entry->definer != NULL ? entry->definer : self,
                                      &entry->value, error);
  entry->state = success ? STATE_KNOWN : STATE_UNKNOWN;
  self->depth--;

  return success;
}

/* Whether the config chose what is included, so that it is at fault where that is no such part of a model. */
static gboolean
is_chosen_by_config (HrInclusion *inclusion)
{
  HrJson *architecture = hr_json_get_member (inclusion->description, "architecture");
  const char *name = NULL;

  return architecture != NULL && hr_json_get_node_type (architecture) == HR_JSON_STRING &&
         hr_json_read_string (architecture, &name, NULL) && name[0] == '$';
}

static HrLookup
lookup_inside (HrInclusion  *inclusion,
               const char   *name,
               HrValue      *value,
               GError      **error)
{
  HrLookup result = lookup (name, inclusion->scope, value, error);

  if (result != HR_LOOKUP_UNKNOWN || !is_chosen_by_config (inclusion))
    return result;

  /* Translators: a file's name, a key in it such as "vision_config", the name of an architecture, that of a size. */
  g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
               _("“%s”, %s: expected a model that has %s, found the architecture “%s”, which has none"),
               hr_json_get_origin (inclusion->scope->config), inclusion->scope->place, name,
               hr_architecture_get_model_type (inclusion->architecture));

  return HR_LOOKUP_FAILED;
}

/* "decoder.hidden_size": a name of an included architecture; nothing where the model has no such part. */
static HrLookup
lookup_included (HrScope     *self,
                 const char  *name,
                 HrValue     *value,
                 GError     **error)
{
  gsize length = strcspn (name, ".");

  for (guint i = 0; i < self->inclusions->len; i++)
    {
      HrInclusion *inclusion = g_ptr_array_index (self->inclusions, i);

      if (strlen (inclusion->id) != length || strncmp (inclusion->id, name, length) != 0)
        continue;
      if (inclusion->scope != NULL)
        return lookup_inside (inclusion, name + length + 1, value, error);
      *value = (HrValue) { HR_VALUE_NOTHING };
      return HR_LOOKUP_FOUND;
    }

  return HR_LOOKUP_UNKNOWN;
}

static HrLookup
lookup (const char  *name,
        gpointer     user_data,
        HrValue     *value,
        GError     **error)
{
  HrScope *self = user_data;
  HrEntry *entry;

  if (strchr (name, '.') != NULL)
    return lookup_included (self, name, value, error);

  if (self->in_layer && g_str_equal (name, "layer"))
    {
      *value = (HrValue) { HR_VALUE_INTEGER, .integer = self->layer };
      return HR_LOOKUP_FOUND;
    }
  if (self->in_item && g_str_equal (name, "item"))
    {
      *value = (HrValue) { HR_VALUE_INTEGER, .integer = self->item };
      return HR_LOOKUP_FOUND;
    }

  entry = g_hash_table_lookup (self->entries, name);
  if (entry == NULL && self->class_name != NULL && g_str_equal (name, "class"))
    {
      *value = (HrValue) { HR_VALUE_STRING, .string = self->class_name };
      return HR_LOOKUP_FOUND;
    }
  if (entry == NULL || (entry->kind == ENTRY_LAYER_VALUE && !self->in_layer))
    return HR_LOOKUP_UNKNOWN;
  if (!resolve (self, entry, error))
    return HR_LOOKUP_FAILED;

  *value = entry->value;

  return HR_LOOKUP_FOUND;
}

/* An error that names no file yet gets the config's name, and the place of the object in it that gives the values. */
static gboolean
propagate_error (HrScope  *self,
                 GError   *local_error,
                 GError  **error)
{
  if (g_str_has_prefix (local_error->message, "“"))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  if (self->place[0] != '\0')
    /* Translators: a file's name, a key in it such as "text_config", and what is wrong there. */
    g_set_error (error, local_error->domain, local_error->code, _("“%s”, %s, %s"), hr_json_get_origin (self->config),
                 self->place, local_error->message);
  else
    /* Translators: a file's name, and what is wrong in it. */
    g_set_error (error, local_error->domain, local_error->code, _("“%s”, %s"), hr_json_get_origin (self->config),
                 local_error->message);
  g_error_free (local_error);

  return FALSE;
}

/* Evaluates an expression; messages name the config's file. */
gboolean
hr_scope_evaluate (HrScope  *self,
                   HrJson   *expression,
                   HrValue  *value,
                   GError  **error)
{
  GError *local_error = NULL;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (expression != NULL, FALSE);

  return hr_expression_evaluate (expression, lookup, self, value, &local_error) ||
         propagate_error (self, local_error, error);
}

gboolean
hr_scope_evaluate_boolean (HrScope   *self,
                           HrJson    *expression,
                           gboolean  *value,
                           GError   **error)
{
  HrValue result;

  if (!hr_scope_evaluate (self, expression, &result, error))
    return FALSE;
  if (result.type != HR_VALUE_BOOLEAN)
    {
      hr_json_set_error (expression, HR_ERROR_SCHEMA, _("an expression that is true or false"), error);
      return FALSE;
    }

  *value = result.boolean;

  return TRUE;
}

/* A whole number of at least 0; nothing counts as 0, the size of what is not there. */
gboolean
hr_scope_evaluate_size (HrScope  *self,
                        HrJson   *expression,
                        guint64  *value,
                        GError  **error)
{
  HrValue result;

  if (!hr_scope_evaluate (self, expression, &result, error))
    return FALSE;
  if (result.type == HR_VALUE_NOTHING)
    {
      *value = 0;
      return TRUE;
    }
  if (result.type != HR_VALUE_INTEGER || result.integer < 0)
    {
      g_autofree char *found = hr_value_to_string (&result);

      if (self->place[0] != '\0')
        g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”, %s: expected a size, found %s"),
                     hr_json_get_origin (self->config), self->place, found);
      else
        g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected a size, found %s"),
                     hr_json_get_origin (self->config), found);
      return FALSE;
    }

  *value = result.integer;

  return TRUE;
}

/* Reads all hyper-parameters and values, so that a wrong one is an error even where nothing depends on it. */
gboolean
hr_scope_resolve_all (HrScope  *self,
                      GError  **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  for (guint i = 0; i < self->in_order->len; i++)
    {
      HrEntry *entry = g_ptr_array_index (self->in_order, i);
      GError *local_error = NULL;

      if (entry->kind != ENTRY_LAYER_VALUE && !resolve (self, entry, &local_error))
        return propagate_error (self, local_error, error);
    }
  for (guint i = 0; i < self->inclusions->len; i++)
    {
      HrInclusion *inclusion = g_ptr_array_index (self->inclusions, i);

      if (inclusion->scope != NULL && !hr_scope_resolve_all (inclusion->scope, error))
        return FALSE;
    }

  return TRUE;
}

static void
forget_layer_values (HrScope *self)
{
  for (guint i = 0; i < self->in_order->len; i++)
    {
      HrEntry *entry = g_ptr_array_index (self->in_order, i);

      if (entry->kind == ENTRY_LAYER_VALUE)
        entry->state = STATE_UNKNOWN;
    }
}

/* From here on `$layer` is @layer. */
void
hr_scope_enter_layer (HrScope *self,
                      guint    layer)
{
  g_return_if_fail (self != NULL);

  forget_layer_values (self);
  self->in_layer = TRUE;
  self->layer = layer;
}

void
hr_scope_leave_layer (HrScope *self)
{
  g_return_if_fail (self != NULL);

  forget_layer_values (self);
  self->in_layer = FALSE;
}

/* Of blocks that are there several times, "$item" is the one that is built. */
void
hr_scope_enter_item (HrScope *self,
                     guint    item)
{
  g_return_if_fail (self != NULL);

  self->in_item = TRUE;
  self->item = item;
}

void
hr_scope_leave_item (HrScope *self)
{
  g_return_if_fail (self != NULL);

  self->in_item = FALSE;
}

/* Whether it is in an item, and in which. */
gboolean
hr_scope_get_item (HrScope *self,
                   guint   *item)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (item != NULL, FALSE);

  *item = self->item;

  return self->in_item;
}

/*
 * hr_scope_get_layer_values:
 * @self: a scope that has entered a layer
 * @values: an array of #HrValue that is filled
 * @error: return location for an error
 *
 * Evaluates all values of the layer; layers whose values are equal are alike.
 */
gboolean
hr_scope_get_layer_values (HrScope  *self,
                           GArray   *values,
                           GError  **error)
{
  g_return_val_if_fail (self != NULL && self->in_layer, FALSE);

  g_array_set_size (values, 0);
  for (guint i = 0; i < self->in_order->len; i++)
    {
      HrEntry *entry = g_ptr_array_index (self->in_order, i);
      GError *local_error = NULL;

      if (entry->kind != ENTRY_LAYER_VALUE)
        continue;
      if (!resolve (self, entry, &local_error))
        return propagate_error (self, local_error, error);
      g_array_append_val (values, entry->value);
    }

  return TRUE;
}

static void
foreach_size (HrScope    *self,
              const char *prefix,
              GHFunc      function,
              gpointer    user_data)
{
  for (guint i = 0; i < self->in_order->len; i++)
    {
      HrEntry *entry = g_ptr_array_index (self->in_order, i);

      if (entry->kind != ENTRY_LAYER_VALUE && entry->state == STATE_KNOWN && entry->value.type == HR_VALUE_INTEGER &&
          entry->value.integer >= 0)
        {
          guint64 size = entry->value.integer;
          g_autofree char *name = g_strconcat (prefix, entry->name, NULL);

          function (name, &size, user_data);
        }
    }

  for (guint i = 0; i < self->inclusions->len; i++)
    {
      HrInclusion *inclusion = g_ptr_array_index (self->inclusions, i);
      gboolean is_decoder = g_str_equal (inclusion->id, "decoder");
      g_autofree char *inner = is_decoder ? g_strdup (prefix) : g_strconcat (prefix, inclusion->id, ".", NULL);

      if (inclusion->scope != NULL)
        foreach_size (inclusion->scope, inner, function, user_data);
    }
}

/*
 * Calls @function with the name and the value (a guint64 *) of each whole number that has been evaluated. Those of an
 * included language model have their plain names, as the model's own; those of a tower begin with its id.
 */
void
hr_scope_foreach_size (HrScope  *self,
                       GHFunc    function,
                       gpointer  user_data)
{
  g_return_if_fail (self != NULL);

  foreach_size (self, "", function, user_data);
}

/* What a config calls the value of an expression, as far as it is one of its hyper-parameters; else @otherwise. */
const char *
hr_scope_get_name (HrScope    *self,
                   HrJson     *expression,
                   const char *otherwise)
{
  const char *name;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (expression != NULL, NULL);

  for (guint i = 0; i < self->in_order->len; i++)
    {
      HrEntry *entry;

      if (hr_json_get_node_type (expression) != HR_JSON_STRING || !hr_json_read_string (expression, &name, NULL) ||
          name[0] != '$')
        return otherwise;

      if (strchr (name, '.') != NULL)
        return name + 1;
      entry = g_hash_table_lookup (self->entries, name + 1);
      if (entry == NULL)
        return otherwise;
      if (entry->kind == ENTRY_HYPER_PARAMETER || entry->definer != NULL)
        return entry->name;
      expression = entry->definition;
    }

  return otherwise;
}

/* Sets an error about the config, whose name goes before the message. */
void
hr_scope_set_error (HrScope     *self,
                    GError     **error,
                    HrError      code,
                    const char  *format,
                    ...)
{
  g_autofree char *message = NULL;
  va_list arguments;

  g_return_if_fail (self != NULL);

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  propagate_error (self, g_error_new_literal (HR_ERROR, code, message), error);
}

/* transformers has defaults for the sizes of its own classes; nobody has for an unknown one. */
gboolean
hr_scope_check_missing (HrScope  *self,
                        GError  **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_return_val_if_fail (self != NULL, FALSE);

  for (guint i = 0; i < self->in_order->len; i++)
    {
      HrEntry *entry = g_ptr_array_index (self->in_order, i);
      gboolean is_essential = FALSE;
      gboolean is_null;
      HrJson *node;

      if (entry->kind == ENTRY_HYPER_PARAMETER &&
          hr_json_get_boolean (entry->definition, "essential", &is_essential, NULL) && is_essential &&
          find_in_config (self, entry, &node, &is_null, NULL) && node == NULL)
        g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", entry->name);
    }

  if (text->len == 0)
    return TRUE;

  hr_scope_set_error (self, error, HR_ERROR_SCHEMA,
                      _("the architecture is not known: expected the sizes of the model, did not find %s"), text->str);

  return FALSE;
}

static void
append_assumptions (HrScope *self,
                    GString *text)
{
  for (guint i = 0; i < self->in_order->len; i++)
    {
      HrEntry *entry = g_ptr_array_index (self->in_order, i);
      g_autofree char *value = NULL;

      if (!entry->is_assumed || entry->state != STATE_KNOWN)
        continue;
      value = hr_value_to_string (&entry->value);
      g_string_append_printf (text, "%s%s%s%s = %s", text->len > 0 ? ", " : "", self->place,
                              self->place[0] != '\0' ? "." : "", entry->name, value);
    }

  for (guint i = 0; i < self->inclusions->len; i++)
    {
      HrInclusion *inclusion = g_ptr_array_index (self->inclusions, i);

      if (inclusion->scope != NULL)
        append_assumptions (inclusion->scope, text);
    }
}

/* The essential hyper-parameters that the config lacks, with what is taken instead: "hidden_size = 4096, …". */
char *
hr_scope_dup_assumptions (HrScope *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_return_val_if_fail (self != NULL, NULL);

  append_assumptions (self, text);

  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}
