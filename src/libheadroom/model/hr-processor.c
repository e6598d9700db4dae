/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-processor-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-error.h"
#include "hr-message.h"

static const struct
{
  const char *name;
  HrProcessorCount count;
} rules[] = {
  [HR_PROCESSOR_NONE] = { "none", NULL },
  [HR_PROCESSOR_SMART_RESIZE] = { "smart-resize", hr_processor_smart_resize },
  [HR_PROCESSOR_FIXED] = { "fixed", hr_processor_fixed },
  [HR_PROCESSOR_ROWS] = { "rows", hr_processor_rows },
  [HR_PROCESSOR_PADDED] = { "padded", hr_processor_padded },
  [HR_PROCESSOR_ANY_RESOLUTION] = { "any-resolution", hr_processor_any_resolution },
  [HR_PROCESSOR_TILES_BY_RATIO] = { "tiles-by-ratio", hr_processor_tiles_by_ratio },
  [HR_PROCESSOR_TILES_BY_SCALE] = { "tiles-by-scale", hr_processor_tiles_by_scale },
  [HR_PROCESSOR_SPLITS] = { "splits", hr_processor_splits },
  [HR_PROCESSOR_QUARTERS] = { "quarters", hr_processor_quarters },
  [HR_PROCESSOR_CROPS] = { "crops", hr_processor_crops },
  [HR_PROCESSOR_SLICES] = { "slices", hr_processor_slices },
  [HR_PROCESSOR_HD] = { "hd", hr_processor_hd },
  [HR_PROCESSOR_DYNAMIC_HD] = { "dynamic-hd", hr_processor_dynamic_hd },
  [HR_PROCESSOR_SPECTROGRAM] = { "spectrogram", hr_processor_spectrogram },
  [HR_PROCESSOR_WINDOWS] = { "windows", hr_processor_windows },
};

/*
 * hr_processor_find_rule:
 * @name: how an architecture file calls a rule
 * @rule: (out): the rule
 *
 * Returns: whether there is such a rule
 */
gboolean
hr_processor_find_rule (const char      *name,
                        HrProcessorRule *rule)
{
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      if (g_strcmp0 (rules[i].name, name) != 0)
        continue;
      *rule = i;
      return TRUE;
    }

  return FALSE;
}

/* The names of all rules, for the sentence that says what was expected. */
char *
hr_processor_dup_rule_names (void)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", rules[i].name);

  return g_string_free (g_steal_pointer (&names), FALSE);
}

void
hr_processor_clear (HrProcessor *self)
{
  for (guint i = 0; i < HR_N_MEDIUM_KINDS; i++)
    g_clear_pointer (&self->entries[i].canvases, g_array_unref);
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

/*
 * hr_processor_explain:
 * @tokens: what a processor makes of something
 * @format: how its tokens come about, as for printf()
 *
 * Writes down how the tokens come about.
 */
void
hr_processor_explain (HrMediumTokens *tokens,
                      const char     *format,
                      ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_vsnprintf (tokens->formula, sizeof tokens->formula, format, arguments);
  va_end (arguments);
}

/*
 * hr_processor_set_pieces:
 * @entry: how pictures are processed
 * @tokens: what comes of one
 * @pieces: how many squares of one size the tower sees
 *
 * Says that the tower sees so many squares, each of which becomes as many vectors.
 */
void
hr_processor_set_pieces (const HrProcessorEntry *entry,
                         HrMediumTokens         *tokens,
                         guint64                 pieces)
{
  guint64 side = entry->values[HR_PROCESSOR_IMAGE_SIZE] / MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1);

  hr_processor_add_grid (tokens, pieces, side, side);
  tokens->seen = pieces * entry->values[HR_PROCESSOR_TOKENS];
  tokens->crossed = pieces * entry->values[HR_PROCESSOR_CROSSED];
}

/*
 * hr_processor_set_tiles:
 * @entry: how pictures are processed
 * @tokens: what comes of one
 * @rows: rows of tiles that it is cut into
 * @columns: tiles of a row
 *
 * Says that a picture is cut into tiles, and counts the tokens around these.
 */
void
hr_processor_set_tiles (const HrProcessorEntry *entry,
                        HrMediumTokens         *tokens,
                        guint64                 rows,
                        guint64                 columns)
{
  const guint64 *values = entry->values;
  guint64 tiles = rows * columns;
  guint64 pieces = tiles > 1 && values[HR_PROCESSOR_WHOLE] ? tiles + 1 : tiles;

  tokens->height = rows * values[HR_PROCESSOR_IMAGE_SIZE];
  tokens->width = columns * values[HR_PROCESSOR_IMAGE_SIZE];
  hr_processor_set_pieces (entry, tokens, pieces);
  tokens->markers = values[HR_PROCESSOR_MARKERS];
  if (tiles > 1)
    tokens->markers += tiles * values[HR_PROCESSOR_TILE_MARKERS] + rows * values[HR_PROCESSOR_ROW_MARKERS];
  if (pieces > tiles)
    hr_processor_explain (tokens, "(%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT " + 1)·%" G_GUINT64_FORMAT, rows, columns,
                          values[HR_PROCESSOR_TOKENS]);
  else
    hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, rows, columns,
                          values[HR_PROCESSOR_TOKENS]);
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
  guint length;

  *tokens = (HrMediumTokens) {
    .medium = *medium, .kind = medium->kind, .frames = 1, .around = entry->values[HR_PROCESSOR_AROUND],
  };
  if (rules[entry->rule].count == NULL)
    return refuse (medium->kind, error);
  if (!rules[entry->rule].count (entry, medium, tokens, error))
    return FALSE;

  tokens->tokens = tokens->seen + tokens->markers;
  length = strlen (tokens->formula);
  if (tokens->markers > 0)
    g_snprintf (tokens->formula + length, sizeof tokens->formula - length, " + %" G_GUINT64_FORMAT, tokens->markers);

  return TRUE;
}
