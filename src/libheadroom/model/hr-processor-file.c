/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-processor-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-error.h"

/* The section of an architecture file that says how a processor works, and the processor's own files. */

/* More than any of them can be, and far from what overflows when it is multiplied. */
#define MAX_VALUE (G_GUINT64_CONSTANT (1) << 40)
#define MAX_CANVASES 1024
#define MAX_CANVAS_SIDE 65536

/* As many files may say something of one kind of medium, in order. */
#define MAX_FILES 3

static const char * const parameter_names[] = {
  [HR_PROCESSOR_PATCH_SIZE] = "patch-size",
  [HR_PROCESSOR_MERGE_SIZE] = "merge-size",
  [HR_PROCESSOR_TEMPORAL_PATCH_SIZE] = "temporal-patch-size",
  [HR_PROCESSOR_MIN_PIXELS] = "min-pixels",
  [HR_PROCESSOR_MAX_PIXELS] = "max-pixels",
  [HR_PROCESSOR_MAX_PATCHES] = "max-patches",
  [HR_PROCESSOR_SPANS_FRAMES] = "spans-frames",
  [HR_PROCESSOR_SCALES_UP] = "scales-up",
  [HR_PROCESSOR_MIN_FRAMES] = "min-frames",
  [HR_PROCESSOR_PADDED_FRAMES] = "padded-frames",
  [HR_PROCESSOR_MAX_FRAMES] = "max-frames",
  [HR_PROCESSOR_TIMESTAMPS] = "timestamps",
  [HR_PROCESSOR_IMAGE_SIZE] = "image-size",
  [HR_PROCESSOR_LONGEST_EDGE] = "longest-edge",
  [HR_PROCESSOR_SHORTEST_EDGE] = "shortest-edge",
  [HR_PROCESSOR_TOKENS] = "tokens",
  [HR_PROCESSOR_END_TOKENS] = "end-tokens",
  [HR_PROCESSOR_MARKERS] = "markers",
  [HR_PROCESSOR_TILE_MARKERS] = "tile-markers",
  [HR_PROCESSOR_ROW_MARKERS] = "row-markers",
  [HR_PROCESSOR_GROUP_MARKERS] = "group-markers",
  [HR_PROCESSOR_AROUND] = "around",
  [HR_PROCESSOR_CUTS] = "cuts",
  [HR_PROCESSOR_CUTS_ALONE] = "cuts-alone",
  [HR_PROCESSOR_MIN_TILES] = "min-tiles",
  [HR_PROCESSOR_MAX_TILES] = "max-tiles",
  [HR_PROCESSOR_AT_ONCE] = "at-once",
  [HR_PROCESSOR_WHOLE] = "whole",
  [HR_PROCESSOR_MIN_SIZE] = "min-size",
  [HR_PROCESSOR_CROSSED] = "crossed",
  [HR_PROCESSOR_SAMPLING_RATE] = "sampling-rate",
  [HR_PROCESSOR_HOP_LENGTH] = "hop-length",
  [HR_PROCESSOR_FRAME_LENGTH] = "frame-length",
  [HR_PROCESSOR_SAMPLE_MULTIPLE] = "sample-multiple",
  [HR_PROCESSOR_CHUNK_FRAMES] = "chunk-frames",
  [HR_PROCESSOR_PADS] = "pads",
  [HR_PROCESSOR_STRIDES] = "strides",
  [HR_PROCESSOR_COMPRESSION] = "compression",
  [HR_PROCESSOR_BINS] = "bins",
  [HR_PROCESSOR_POOLS] = "pools",
  [HR_PROCESSOR_BLOCKS] = "blocks",
};

G_STATIC_ASSERT (G_N_ELEMENTS (parameter_names) == HR_N_PROCESSOR_PARAMETERS);

/* Where processor_config.json has what other files say of a kind. */
static const char * const nested_names[] = {
  [HR_MEDIUM_IMAGE] = "image_processor",
  [HR_MEDIUM_AUDIO] = "feature_extractor",
  [HR_MEDIUM_VIDEO] = "video_processor",
};

static gboolean
find_parameter (const char *name,
                guint      *parameter)
{
  for (*parameter = 0; *parameter < G_N_ELEMENTS (parameter_names); (*parameter)++)
    {
      if (g_str_equal (parameter_names[*parameter], name))
        return TRUE;
    }

  return FALSE;
}

/* Those that are no whole numbers. */
static gboolean
is_other_parameter (const char *name)
{
  return g_str_equal (name, "rule") || g_str_equal (name, "min-ratio") || g_str_equal (name, "canvases");
}

static gboolean
set_rule (HrJson           *member,
          const char       *name,
          HrProcessorRule  *rule,
          GError          **error)
{
  g_autofree char *names = NULL;

  if (hr_processor_find_rule (name, rule))
    return TRUE;

  names = hr_processor_dup_rule_names ();
  hr_json_set_error (member, HR_ERROR_UNKNOWN_NAME, names, error);

  return FALSE;
}

/* Which rule it is may depend on the config: a name, or an expression that comes to one. */
static gboolean
read_rule (HrJson           *entry,
           HrScope          *scope,
           HrProcessorRule  *rule,
           GError          **error)
{
  HrJson *member = hr_json_get_member (entry, "rule");
  HrValue value;

  if (!hr_scope_evaluate (scope, member, &value, error))
    return FALSE;

  return set_rule (member, value.type == HR_VALUE_STRING ? value.string : NULL, rule, error);
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

/* What the files of the processor say, by the first of the names that one has. */
static HrJson *
find_in_files (HrJson  *definition,
               HrJson **files)
{
  HrJson *keys = hr_json_get_member (definition, "keys");

  for (guint i = 0; keys != NULL && i < MAX_FILES; i++)
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

/* What holds: the value that a file states, or else the expression to evaluate; neither if there is no default. */
static void
resolve (HrJson  *definition,
         HrJson **files,
         HrJson **stated,
         HrJson **expression)
{
  *stated = NULL;
  *expression = definition;
  if (hr_json_get_node_type (definition) != HR_JSON_OBJECT)
    return;

  *stated = find_in_files (definition, files);
  *expression = hr_json_get_member (definition, "default");
}

/* A number; true and false; the first of a list of sides; the number at the end of a name (anyres_max_9). */
static gboolean
read_stated (HrJson   *stated,
             guint64  *value,
             GError  **error)
{
  const char *name;
  gboolean is_true;

  switch (hr_json_get_node_type (stated))
    {
    case HR_JSON_BOOLEAN:
      if (!hr_json_read_boolean (stated, &is_true, error))
        return FALSE;
      *value = is_true ? 1 : 0;
      return TRUE;

    case HR_JSON_ARRAY:
      if (hr_json_get_length (stated) > 0)
        return hr_json_read_uint (hr_json_get_element (stated, 0), 0, MAX_VALUE, value, error);
      break;

    case HR_JSON_STRING:
      if (!hr_json_read_string (stated, &name, error))
        return FALSE;
      for (const char *end = name + strlen (name); end > name && g_ascii_isdigit (end[-1]); end--)
        {
          if (end - 1 == name || !g_ascii_isdigit (end[-2]))
            return g_ascii_string_to_unsigned (end - 1, 10, 0, MAX_VALUE, value, error);
        }
      break;

    case HR_JSON_NULL:
    case HR_JSON_INTEGER:
    case HR_JSON_REAL:
    case HR_JSON_OBJECT:
    default:
      break;
    }

  return hr_json_read_uint (stated, 0, MAX_VALUE, value, error);
}

/*
 * An expression, or {"keys": […], "default": expression}: what the processor's own files say comes first. Without a
 * default it is 0.
 */
static gboolean
read_value (HrJson   *definition,
            HrScope  *scope,
            HrJson  **files,
            guint64  *value,
            GError  **error)
{
  HrJson *expression, *stated;
  HrValue found;

  resolve (definition, files, &stated, &expression);
  if (stated != NULL)
    return read_stated (stated, value, error);
  if (expression == NULL)
    return TRUE;

  if (!hr_scope_evaluate (scope, expression, &found, error))
    return FALSE;
  if (found.type == HR_VALUE_BOOLEAN)
    {
      *value = found.boolean ? 1 : 0;
      return TRUE;
    }
  if (!hr_scope_evaluate_size (scope, expression, value, error))
    return FALSE;
  if (*value <= MAX_VALUE)
    return TRUE;

  /* The sizes are the config's: it is at fault, and not the architecture. */
  hr_scope_set_error (scope, error, HR_ERROR_TOO_LARGE,
                      _("expected images, sounds and videos of a size that can be counted"));

  return FALSE;
}

static gboolean
read_ratio (HrJson   *definition,
            HrScope  *scope,
            HrJson  **files,
            double   *ratio,
            GError  **error)
{
  HrJson *expression, *stated;

  resolve (definition, files, &stated, &expression);
  if (stated == NULL && expression == NULL)
    return TRUE;

  return hr_json_read_double (stated != NULL ? stated : expression, ratio, error);
}

static gboolean
add_canvas (GArray  *canvases,
            guint64  height,
            guint64  width)
{
  HrProcessorCanvas canvas = { height, width };

  if (height == 0 || width == 0 || height > MAX_CANVAS_SIDE || width > MAX_CANVAS_SIDE ||
      canvases->len == MAX_CANVASES)
    return FALSE;

  g_array_append_val (canvases, canvas);

  return TRUE;
}

/* [[336, 672], …]: rows and columns of pixels. */
static gboolean
add_listed_canvases (GArray *canvases,
                     HrJson *list)
{
  if (hr_json_get_node_type (list) != HR_JSON_ARRAY)
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (list); i++)
    {
      HrJson *pair = hr_json_get_element (list, i);
      guint64 height, width;

      if (hr_json_get_node_type (pair) != HR_JSON_ARRAY || hr_json_get_length (pair) != 2 ||
          !hr_json_read_uint (hr_json_get_element (pair, 0), 1, MAX_CANVAS_SIDE, &height, NULL) ||
          !hr_json_read_uint (hr_json_get_element (pair, 1), 1, MAX_CANVAS_SIDE, &width, NULL) ||
          !add_canvas (canvases, height, width))
        return FALSE;
    }

  return TRUE;
}

/* "1x2 2x1": rows and columns of tiles. */
static gboolean
add_named_canvases (GArray     *canvases,
                    const char *names,
                    guint64     side)
{
  g_auto (GStrv) sizes = g_strsplit (names, " ", -1);

  for (guint i = 0; sizes[i] != NULL; i++)
    {
      g_auto (GStrv) sides = g_strsplit (sizes[i], "x", 3);
      guint64 rows, columns;

      if (g_strv_length (sides) != 2 || !g_ascii_string_to_unsigned (sides[0], 10, 1, 64, &rows, NULL) ||
          !g_ascii_string_to_unsigned (sides[1], 10, 1, 64, &columns, NULL) ||
          !add_canvas (canvases, rows * side, columns * side))
        return FALSE;
    }

  return TRUE;
}

static gboolean
read_canvases (HrProcessorEntry  *self,
               HrJson            *definition,
               HrScope           *scope,
               HrJson           **files,
               GError           **error)
{
  HrJson *expression, *stated;
  HrValue value = { .type = HR_VALUE_JSON };
  gboolean valid = FALSE;

  resolve (definition, files, &stated, &expression);
  if (stated == NULL && expression == NULL)
    return TRUE;
  if (stated != NULL)
    value.json = stated;
  else if (!hr_scope_evaluate (scope, expression, &value, error))
    return FALSE;

  self->canvases = g_array_new (FALSE, FALSE, sizeof (HrProcessorCanvas));
  if (value.type == HR_VALUE_JSON)
    valid = add_listed_canvases (self->canvases, value.json);
  else if (value.type == HR_VALUE_STRING)
    valid = add_named_canvases (self->canvases, value.string, self->values[HR_PROCESSOR_IMAGE_SIZE]);
  if (valid && self->canvases->len > 0)
    return TRUE;

  hr_json_set_error (value.type == HR_VALUE_JSON ? value.json : expression, HR_ERROR_VALUE,
                     _("a list of sizes, each a list of two whole numbers"), error);

  return FALSE;
}

/* Where nothing else is said, a piece becomes as many tokens as it has groups of patches that are merged. */
static void
derive_tokens (HrProcessorEntry *self)
{
  guint64 side = self->values[HR_PROCESSOR_PATCH_SIZE] * self->values[HR_PROCESSOR_MERGE_SIZE];
  guint64 groups = side > 0 && side <= MAX_VALUE ? self->values[HR_PROCESSOR_IMAGE_SIZE] / side : 0;

  if (self->values[HR_PROCESSOR_TOKENS] == 0 && groups <= MAX_CANVAS_SIDE)
    self->values[HR_PROCESSOR_TOKENS] = groups * groups;
}

static gboolean
read_entry (HrProcessorEntry  *self,
            HrJson            *entry,
            HrScope           *scope,
            HrJson           **files,
            GError           **error)
{
  HrJson *ratio = hr_json_get_member (entry, "min-ratio");
  HrJson *canvases = hr_json_get_member (entry, "canvases");

  if (!read_rule (entry, scope, &self->rule, error))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (entry); i++)
    {
      HrJson *member = hr_json_get_element (entry, i);
      guint parameter;

      if (find_parameter (hr_json_get_key (member), &parameter) &&
          !read_value (member, scope, files, &self->values[parameter], error))
        return FALSE;
    }

  derive_tokens (self);

  return (ratio == NULL || read_ratio (ratio, scope, files, &self->min_ratio, error)) &&
         (canvases == NULL || read_canvases (self, canvases, scope, files, error));
}

/*
 * A config may name another tower than the rule knows: then nothing has the names that the rule asks for, and what the
 * processor does is not known.
 */
static gboolean
read_known_entry (HrProcessorEntry  *self,
                  HrJson            *entry,
                  HrScope           *scope,
                  HrJson           **files,
                  GError           **error)
{
  g_autoptr (GError) local_error = NULL;

  if (read_entry (self, entry, scope, files, &local_error))
    return TRUE;

  if (!g_error_matches (local_error, HR_ERROR, HR_ERROR_UNKNOWN_NAME))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  g_clear_pointer (&self->canvases, g_array_unref);
  *self = (HrProcessorEntry) { .rule = HR_PROCESSOR_NONE };

  return TRUE;
}

static gboolean
check_entry (HrJson  *entry,
             GError **error)
{
  HrJson *name = hr_json_require_member (entry, "rule", error);
  const char *rule_name;
  HrProcessorRule rule;

  if (name == NULL)
    return FALSE;
  if (hr_json_get_node_type (name) == HR_JSON_STRING &&
      (!hr_json_read_string (name, &rule_name, error) || !set_rule (name, rule_name, &rule, error)))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (entry); i++)
    {
      HrJson *member = hr_json_get_element (entry, i);
      guint parameter;

      if (is_other_parameter (hr_json_get_key (member)) || find_parameter (hr_json_get_key (member), &parameter))
        continue;
      hr_json_set_error (member, HR_ERROR_UNKNOWN_NAME, _("the name of a parameter of a processor"), error);
      return FALSE;
    }

  return TRUE;
}

static gboolean
is_kind (const char *name)
{
  for (guint i = 0; i < HR_N_MEDIUM_KINDS; i++)
    {
      if (g_str_equal (hr_medium_kind_get_name (i), name))
        return TRUE;
    }

  return FALSE;
}

/* Checks the section of an architecture file. */
gboolean
hr_processor_check (HrJson  *section,
                    GError **error)
{
  for (guint i = 0; i < hr_json_get_length (section); i++)
    {
      HrJson *entry = hr_json_get_element (section, i);

      if (g_str_equal (hr_json_get_key (entry), "source") || g_str_equal (hr_json_get_key (entry), "type-ids"))
        continue;
      if (!is_kind (hr_json_get_key (entry)))
        {
          hr_json_set_error (entry, HR_ERROR_UNKNOWN_NAME, "source, type-ids, image, audio, video", error);
          return FALSE;
        }
      if (!hr_json_check_type (entry, HR_JSON_OBJECT, error) || !check_entry (entry, error))
        return FALSE;
    }

  return TRUE;
}

/* A video's own file comes before that of images; processor_config.json may have all of them inside. */
static void
list_files (const HrProcessorFiles  *files,
            HrMediumKind             kind,
            HrJson                 **list)
{
  guint n = 0;

  if (kind == HR_MEDIUM_VIDEO && files->video != NULL)
    list[n++] = files->video;
  else if (files->image != NULL)
    list[n++] = files->image;
  if (files->processor == NULL)
    return;

  list[n] = find_member (files->processor, nested_names[kind]);
  if (list[n] != NULL)
    n++;
  list[n] = files->processor;
}

/*
 * hr_processor_read:
 * @self: (out): a processor; to be cleared also after an error
 * @section: what an architecture file says of it, checked by hr_processor_check()
 * @scope: the values that expressions see
 * @files: what stands beside the config
 * @error: return location for an error
 *
 * Reads how a model's processor works.
 *
 * Returns: whether it could be read
 */
gboolean
hr_processor_read (HrProcessor             *self,
                   HrJson                  *section,
                   HrScope                 *scope,
                   const HrProcessorFiles  *files,
                   GError                 **error)
{
  const char *source = NULL;

  if (!hr_json_get_string (section, "source", &source, error) ||
      !hr_json_get_boolean (section, "type-ids", &self->has_type_ids, error))
    return FALSE;

  self->source = g_strdup (source);
  for (guint i = 0; i < HR_N_MEDIUM_KINDS; i++)
    {
      HrJson *entry = hr_json_get_member (section, hr_medium_kind_get_name (i));
      HrJson *list[MAX_FILES] = { NULL };

      list_files (files, i, list);
      if (entry != NULL && !read_known_entry (&self->entries[i], entry, scope, list, error))
        return FALSE;
    }

  return TRUE;
}
