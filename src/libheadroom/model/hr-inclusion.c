/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-inclusion.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-checkpoint.h"
#include "hr-config.h"

/* How deep architectures may include each other. */
#define MAX_DEPTH 6

static const char * const known_members[] = {
  "id", "role", "if", "architecture", "config", "path", "head", "values", NULL,
};

static gboolean load_all (HrScope         *scope,
                          HrArchitecture  *architecture,
                          guint            depth,
                          GPtrArray       *warnings,
                          GError         **error);

/* Whether a stack of an architecture file stands for another architecture. */
gboolean
hr_inclusion_is_described (HrJson *stack)
{
  return hr_json_get_member (stack, "architecture") != NULL;
}

/* "text_config", "thinker_config.text_config", or "" for the config around it. An object that is absent is %NULL. */
static gboolean
find_object (HrJson      *config,
             const char  *path,
             HrJson     **object,
             GError     **error)
{
  g_auto (GStrv) keys = path[0] != '\0' ? g_strsplit (path, ".", -1) : NULL;

  *object = config;
  for (guint i = 0; keys != NULL && keys[i] != NULL && *object != NULL; i++)
    {
      HrJson *inner = NULL;

      if (!hr_json_get_object (*object, keys[i], &inner, error))
        return FALSE;
      *object = inner;
    }

  return TRUE;
}

static char *
join_places (HrScope    *outer,
             const char *path)
{
  const char *place = hr_scope_get_place (outer);

  return g_strconcat (place, place[0] != '\0' && path[0] != '\0' ? "." : "", path, NULL);
}

/*
 * Finds the object of the config that gives the values of an inclusion, the first of those that it names; @place is
 * where it is in the file, or would be.
 */
static gboolean
find_config (HrScope      *outer,
             HrInclusion  *self,
             HrJson      **config,
             char        **place,
             GError      **error)
{
  HrJson *member = hr_json_require_member (self->description, "config", error);
  gboolean is_list = member != NULL && hr_json_get_node_type (member) == HR_JSON_ARRAY;
  guint n_paths = is_list ? hr_json_get_length (member) : 1;
  HrJson *object = NULL;
  const char *path;

  if (member == NULL)
    return FALSE;
  if (n_paths == 0)
    {
      hr_json_set_error (member, HR_ERROR_SCHEMA, _("the name of an object of the config"), error);
      return FALSE;
    }

  for (guint i = 0; object == NULL && i < n_paths; i++)
    {
      if (!hr_json_read_string (is_list ? hr_json_get_element (member, i) : member, &path, error) ||
          !find_object (hr_scope_get_config (outer), path, &object, error))
        return FALSE;
      if (object != NULL || i == 0)
        {
          g_free (*place);
          *place = join_places (outer, path);
        }
    }

  if (object == NULL)
    object = self->empty = hr_json_new_from_data ("{}", -1, hr_json_get_origin (hr_scope_get_config (outer)),
                                                  HR_JSON_STRICT, error);
  *config = object;

  return object != NULL;
}

/* A language model whose type is not known is read as a model of its own would be; nothing stands for a tower. */
static gboolean
load_unknown (HrInclusion  *self,
              HrJson       *config,
              const char   *place,
              const char   *model_type,
              GPtrArray    *warnings,
              GError      **error)
{
  if (!g_str_equal (self->id, "decoder"))
    {
      g_autofree char *shown = hr_checkpoint_dup_shown (model_type);

      /* Translators: a file's name, a key in it such as "vision_config", the name of an architecture. */
      g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                   _("“%s”, %s: the architecture “%s” is not known, so the model cannot be estimated"),
                   hr_json_get_origin (config), place, shown);
      return FALSE;
    }

  self->architecture = hr_config_load_architecture (config, &self->is_generic, warnings, error);

  return self->architecture != NULL;
}

static gboolean
load_architecture (HrScope      *outer,
                   HrInclusion  *self,
                   HrJson       *config,
                   const char   *place,
                   GPtrArray    *warnings,
                   GError      **error)
{
  HrJson *member = hr_json_get_member (self->description, "architecture");
  GError *local_error = NULL;
  HrValue model_type;

  if (!hr_scope_evaluate (outer, member, &model_type, error))
    return FALSE;
  if (model_type.type != HR_VALUE_STRING)
    {
      hr_json_set_error (member, HR_ERROR_SCHEMA, _("an expression that is the name of an architecture"), error);
      return FALSE;
    }

  self->architecture = hr_architecture_new (model_type.string, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  return self->architecture != NULL || load_unknown (self, config, place, model_type.string, warnings, error);
}

static gboolean
set_values (HrScope      *outer,
            HrInclusion  *self,
            GError      **error)
{
  HrJson *values = NULL;

  if (!hr_json_get_object (self->description, "values", &values, error))
    return FALSE;

  for (guint i = 0; values != NULL && i < hr_json_get_length (values); i++)
    {
      if (!hr_scope_set_value (self->scope, hr_json_get_element (values, i), outer, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
load (HrScope      *outer,
      HrInclusion  *self,
      guint         depth,
      GPtrArray    *warnings,
      GError      **error)
{
  g_autofree char *place = NULL;
  HrJson *config;

  if (!find_config (outer, self, &config, &place, error) ||
      !load_architecture (outer, self, config, place, warnings, error))
    return FALSE;

  self->scope = hr_scope_new (self->architecture, config, place, error);

  return self->scope != NULL && (!self->is_generic || hr_scope_check_missing (self->scope, error)) &&
         set_values (outer, self, error) &&
         (!g_str_equal (self->id, "decoder") ||
          hr_config_warn_of_approximation (self->architecture, self->scope, warnings, error)) &&
         load_all (self->scope, self->architecture, depth + 1, warnings, error);
}

static gboolean
load_described (HrScope    *outer,
                HrJson     *description,
                guint       depth,
                GPtrArray  *warnings,
                GError    **error)
{
  HrJson *condition = hr_json_get_member (description, "if");
  HrInclusion *self;
  gboolean holds = TRUE;
  const char *id = NULL;

  if (!hr_json_check_members (description, known_members, error) ||
      hr_json_require_member (description, "id", error) == NULL ||
      !hr_json_get_string (description, "id", &id, error))
    return FALSE;
  if (depth >= MAX_DEPTH)
    {
      hr_json_set_error (description, HR_ERROR_SCHEMA, _("an architecture that does not include itself"), error);
      return FALSE;
    }

  self = g_new0 (HrInclusion, 1);
  self->id = g_strdup (id);
  self->description = description;
  hr_scope_take_inclusion (outer, self);

  return (condition == NULL || hr_scope_evaluate_boolean (outer, condition, &holds, error)) &&
         (!holds || load (outer, self, depth, warnings, error));
}

static gboolean
load_all (HrScope         *scope,
          HrArchitecture  *architecture,
          guint            depth,
          GPtrArray       *warnings,
          GError         **error)
{
  HrJson *stacks = hr_architecture_get_member (architecture, "stacks");

  for (guint i = 0; stacks != NULL && i < hr_json_get_length (stacks); i++)
    {
      HrJson *description = hr_json_get_element (stacks, i);

      if (hr_inclusion_is_described (description) && !load_described (scope, description, depth, warnings, error))
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_inclusion_load_all:
 * @scope: the names of @architecture
 * @architecture: an architecture, which has to outlive the scope
 * @warnings: (element-type utf8): where what was assumed is added
 * @error: return location for an error
 *
 * Loads what an architecture includes, and what that includes, and makes their names known to @scope.
 */
gboolean
hr_inclusion_load_all (HrScope         *scope,
                       HrArchitecture  *architecture,
                       GPtrArray       *warnings,
                       GError         **error)
{
  g_return_val_if_fail (scope != NULL, FALSE);
  g_return_val_if_fail (architecture != NULL, FALSE);

  return load_all (scope, architecture, 0, warnings, error);
}
