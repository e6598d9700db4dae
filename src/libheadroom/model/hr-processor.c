/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-processor-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "hr-error.h"
#include "hr-message.h"

/* More than any of them can be, and far from what overflows when it is multiplied. */
#define MAX_VALUE (G_GUINT64_CONSTANT (1) << 40)

typedef gboolean (*Count) (const HrProcessorEntry  *entry,
                           const HrMedium          *medium,
                           HrMediumTokens          *tokens,
                           GError                 **error);

static const struct
{
  const char *name;
  Count count;
} rules[] = {
  [HR_PROCESSOR_NONE] = { "none", NULL },
  [HR_PROCESSOR_SMART_RESIZE] = { "smart-resize", hr_processor_smart_resize },
  [HR_PROCESSOR_FIXED] = { "fixed", hr_processor_fixed },
};

static const char * const parameter_names[] = {
  [HR_PROCESSOR_PATCH_SIZE] = "patch-size",
  [HR_PROCESSOR_MERGE_SIZE] = "merge-size",
  [HR_PROCESSOR_TEMPORAL_PATCH_SIZE] = "temporal-patch-size",
  [HR_PROCESSOR_MIN_PIXELS] = "min-pixels",
  [HR_PROCESSOR_MAX_PIXELS] = "max-pixels",
  [HR_PROCESSOR_SPANS_FRAMES] = "spans-frames",
  [HR_PROCESSOR_MIN_FRAMES] = "min-frames",
  [HR_PROCESSOR_MAX_FRAMES] = "max-frames",
  [HR_PROCESSOR_IMAGE_SIZE] = "image-size",
  [HR_PROCESSOR_TOKENS] = "tokens",
  [HR_PROCESSOR_EXTRA_TOKENS] = "extra-tokens",
};

G_STATIC_ASSERT (G_N_ELEMENTS (parameter_names) == HR_N_PROCESSOR_PARAMETERS);

static const char * const kind_names[] = {
  [HR_MEDIUM_IMAGE] = "image",
  [HR_MEDIUM_AUDIO] = "audio",
  [HR_MEDIUM_VIDEO] = "video",
};

G_STATIC_ASSERT (G_N_ELEMENTS (kind_names) == HR_N_MEDIUM_KINDS);

/**
 * hr_medium_kind_get_name:
 * @kind: what a model sees or hears
 *
 * Gets its name, as in files and in the JSON of an estimate.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_medium_kind_get_name (HrMediumKind kind)
{
  g_return_val_if_fail ((guint) kind < HR_N_MEDIUM_KINDS, NULL);

  return kind_names[kind];
}

static gboolean
find_name (const char * const *names,
           guint               n_names,
           const char         *name,
           guint              *index)
{
  for (*index = 0; *index < n_names; (*index)++)
    {
      if (g_strcmp0 (names[*index], name) == 0)
        return TRUE;
    }

  return FALSE;
}

static gboolean
find_rule (HrJson           *entry,
           HrProcessorRule  *rule,
           GError          **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  HrJson *member = hr_json_require_member (entry, "rule", error);
  const char *name;

  if (member == NULL || !hr_json_read_string (member, &name, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      if (g_str_equal (rules[i].name, name))
        {
          *rule = i;
          return TRUE;
        }
      g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", rules[i].name);
    }
  hr_json_set_error (member, HR_ERROR_UNKNOWN_NAME, names->str, error);

  return FALSE;
}

/* A member of a file, by a path with dots; %NULL if it is not there. */
static HrJson *
find_member (HrJson     *file,
             const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, ".", -1);
  HrJson *node = file;

  for (guint i = 0; node != NULL && names[i] != NULL; i++)
    node = hr_json_get_node_type (node) == HR_JSON_OBJECT ? hr_json_get_member (node, names[i]) : NULL;

  return node != NULL && hr_json_get_node_type (node) != HR_JSON_NULL ? node : NULL;
}

/* What the file of the processor says, by the first of the names that it has. */
static HrJson *
find_in_files (HrJson  *definition,
               HrJson **files)
{
  HrJson *keys = hr_json_get_member (definition, "keys");

  for (guint i = 0; keys != NULL && i < 2; i++)
    {
      for (guint j = 0; files[i] != NULL && j < hr_json_get_length (keys); j++)
        {
          const char *path = NULL;
          HrJson *found;

          if (!hr_json_read_string (hr_json_get_element (keys, j), &path, NULL))
            continue;
          found = find_member (files[i], path);
          if (found != NULL)
            return found;
        }
    }

  return NULL;
}

/* An expression, or {"keys": […], "default": expression}: what the processor's own file says comes first. */
static gboolean
read_value (HrJson   *definition,
            HrScope  *scope,
            HrJson  **files,
            guint64  *value,
            GError  **error)
{
  HrJson *expression = definition;

  if (hr_json_get_node_type (definition) == HR_JSON_OBJECT)
    {
      HrJson *stated = find_in_files (definition, files);

      if (stated != NULL)
        return hr_json_read_uint (stated, 0, MAX_VALUE, value, error);
      expression = hr_json_require_member (definition, "default", error);
      if (expression == NULL)
        return FALSE;
    }

  if (!hr_scope_evaluate_size (scope, expression, value, error))
    return FALSE;
  if (*value <= MAX_VALUE)
    return TRUE;

  hr_json_set_error (expression, HR_ERROR_TOO_LARGE, _("a size that a processor can have"), error);

  return FALSE;
}

static gboolean
read_entry (HrProcessorEntry  *self,
            HrJson            *entry,
            HrScope           *scope,
            HrJson           **files,
            GError           **error)
{
  if (!find_rule (entry, &self->rule, error))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (entry); i++)
    {
      HrJson *member = hr_json_get_element (entry, i);
      guint parameter;

      if (find_name (parameter_names, G_N_ELEMENTS (parameter_names), hr_json_get_key (member), &parameter) &&
          !read_value (member, scope, files, &self->values[parameter], error))
        return FALSE;
    }

  return TRUE;
}

/* Checks the section of an architecture file. */
gboolean
hr_processor_check (HrJson  *section,
                    GError **error)
{
  for (guint i = 0; i < hr_json_get_length (section); i++)
    {
      HrJson *entry = hr_json_get_element (section, i);
      HrProcessorRule rule;
      guint index;

      if (g_str_equal (hr_json_get_key (entry), "source") || g_str_equal (hr_json_get_key (entry), "type-ids"))
        continue;
      if (!find_name (kind_names, G_N_ELEMENTS (kind_names), hr_json_get_key (entry), &index))
        {
          hr_json_set_error (entry, HR_ERROR_UNKNOWN_NAME, "source, type-ids, image, audio, video", error);
          return FALSE;
        }
      if (!hr_json_check_type (entry, HR_JSON_OBJECT, error) || !find_rule (entry, &rule, error))
        return FALSE;

      for (guint j = 0; j < hr_json_get_length (entry); j++)
        {
          HrJson *member = hr_json_get_element (entry, j);
          const char *key = hr_json_get_key (member);

          if (g_str_equal (key, "rule") || find_name (parameter_names, G_N_ELEMENTS (parameter_names), key, &index))
            continue;
          hr_json_set_error (member, HR_ERROR_UNKNOWN_NAME, _("the name of a parameter of a processor"), error);
          return FALSE;
        }
    }

  return TRUE;
}

/*
 * hr_processor_read:
 * @self: (out): a processor; to be cleared also after an error
 * @section: what an architecture file says of it, checked by hr_processor_check()
 * @scope: the values that expressions see
 * @image_file: (nullable): `preprocessor_config.json` of the model
 * @video_file: (nullable): `video_preprocessor_config.json` of the model
 * @error: return location for an error
 *
 * Reads how a model's processor works.
 *
 * Returns: whether it could be read
 */
gboolean
hr_processor_read (HrProcessor  *self,
                   HrJson       *section,
                   HrScope      *scope,
                   HrJson       *image_file,
                   HrJson       *video_file,
                   GError      **error)
{
  const char *source = NULL;

  if (!hr_json_get_string (section, "source", &source, error) ||
      !hr_json_get_boolean (section, "type-ids", &self->has_type_ids, error))
    return FALSE;

  self->source = g_strdup (source);
  for (guint i = 0; i < HR_N_MEDIUM_KINDS; i++)
    {
      HrJson *entry = hr_json_get_member (section, kind_names[i]);
      HrJson *files[] = { i == HR_MEDIUM_VIDEO && video_file != NULL ? video_file : image_file, NULL };

      if (entry != NULL && !read_entry (&self->entries[i], entry, scope, files, error))
        return FALSE;
    }

  return TRUE;
}

void
hr_processor_clear (HrProcessor *self)
{
  g_clear_pointer (&self->source, g_free);
}

/*
 * hr_processor_count_frames:
 * @entry: how videos are processed
 * @medium: a video
 *
 * Counts the frames that are sampled of a video: as many as its length and rate come to, within the limits of the
 * processor where it has any.
 *
 * Returns: a number, at least 1
 */
guint64
hr_processor_count_frames (const HrProcessorEntry *entry,
                           const HrMedium         *medium)
{
  guint64 frames = MAX ((guint64) floor (medium->seconds * medium->fps + 1e-9), 1);

  frames = MAX (frames, entry->values[HR_PROCESSOR_MIN_FRAMES]);
  if (entry->values[HR_PROCESSOR_MAX_FRAMES] > 0)
    frames = MIN (frames, entry->values[HR_PROCESSOR_MAX_FRAMES]);

  return frames;
}

/*
 * hr_processor_add_grid:
 * @tokens: what a processor makes of something
 * @pieces: how often the tower sees such a grid
 * @rows: patches of a column
 * @columns: patches of a row
 *
 * Adds what the tower sees.
 *
 * Returns: (transfer none): the grid, for what else is to be said of it
 */
HrMediumGrid *
hr_processor_add_grid (HrMediumTokens *tokens,
                       guint64         pieces,
                       guint64         rows,
                       guint64         columns)
{
  HrMediumGrid *grid = &tokens->grids[tokens->n_grids];

  g_assert (tokens->n_grids < HR_MEDIUM_MAX_GRIDS);

  *grid = (HrMediumGrid) { .pieces = pieces, .patches_t = 1, .patches_h = rows, .patches_w = columns };
  tokens->n_grids++;

  return grid;
}

static gboolean
refuse (HrMediumKind   kind,
        GError       **error)
{
  switch (kind)
    {
    case HR_MEDIUM_AUDIO:
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("audio-seconds: expected 0, as it is not known that this model hears, or how sounds "
                               "are made tokens; found some"));
      break;

    case HR_MEDIUM_VIDEO:
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("video-seconds: expected 0, as it is not known that this model sees videos, or how "
                               "they are made tokens; found some"));
      break;

    case HR_MEDIUM_IMAGE:
    case HR_N_MEDIUM_KINDS:
    default:
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("images: expected 0, as it is not known that this model reads images, or how they are "
                               "made tokens; found some"));
      break;
    }

  return FALSE;
}

/*
 * hr_processor_count:
 * @self: a processor
 * @medium: an image, a sound or a video
 * @tokens: (out): what it comes to
 * @error: return location for an error
 *
 * Counts the patches that a tower sees of something, and the tokens that the language model gets.
 *
 * Returns: whether the model takes it
 */
gboolean
hr_processor_count (const HrProcessor  *self,
                    const HrMedium     *medium,
                    HrMediumTokens     *tokens,
                    GError            **error)
{
  const HrProcessorEntry *entry = &self->entries[medium->kind];

  *tokens = (HrMediumTokens) { .kind = medium->kind, .frames = 1 };
  if (rules[entry->rule].count == NULL)
    return refuse (medium->kind, error);
  if (!rules[entry->rule].count (entry, medium, tokens, error))
    return FALSE;

  tokens->tokens = tokens->seen + tokens->markers;

  return TRUE;
}
