/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-error.h"
#include "hr-message.h"
#include "hr-processor-private.h"

/* Processors that take a picture in one piece: resized to whole patches near the size that it has, or to one size. */

#define MAX_ASPECT_RATIO 200

/* Positions that the tower of Kimi-VL has along a side. */
#define MAX_PADDED_PATCHES 512

/* Python's round(): halves to the even neighbour. */
static guint64
round_to (double  side,
          guint64 factor)
{
  return (guint64) nearbyint (side / factor) * factor;
}

static void
set_size (HrMediumTokens *tokens,
          double          height,
          double          width,
          guint64         factor,
          gboolean        up)
{
  double rows = up ? ceil (height / factor) : floor (height / factor);
  double columns = up ? ceil (width / factor) : floor (width / factor);

  tokens->height = MAX (rows, 1) * factor;
  tokens->width = MAX (columns, 1) * factor;
}

/*
 * smart_resize of transformers/models/qwen2_vl/image_processing_qwen2_vl.py, and those of
 * qwen3_vl/video_processing_qwen3_vl.py and glm4v/image_processing_glm4v.py, whose limits are those of all frames
 * together; in the latter an image has as many as a patch.
 */
static void
resize (const HrProcessorEntry *entry,
        const HrMedium         *medium,
        guint64                 frames,
        HrMediumTokens         *tokens)
{
  guint64 factor = entry->values[HR_PROCESSOR_PATCH_SIZE] * entry->values[HR_PROCESSOR_MERGE_SIZE];
  guint64 temporal = MAX (entry->values[HR_PROCESSOR_TEMPORAL_PATCH_SIZE], 1);
  double sampled = entry->values[HR_PROCESSOR_SPANS_FRAMES] ? frames : 1;
  double limited = entry->values[HR_PROCESSOR_SPANS_FRAMES] ? ceil (sampled / temporal) * temporal : 1;
  double height = medium->height, width = medium->width;
  double rounded;

  if (entry->values[HR_PROCESSOR_SCALES_UP])
    {
      double scale = MAX (MAX (factor / height, factor / width), 1);

      height = floor (height * scale);
      width = floor (width * scale);
      limited = nearbyint (sampled / temporal) * temporal;
    }
  tokens->height = round_to (height, factor);
  tokens->width = round_to (width, factor);
  rounded = limited * tokens->height * tokens->width;
  if (rounded > entry->values[HR_PROCESSOR_MAX_PIXELS])
    {
      double beta = sqrt (sampled * height * width / entry->values[HR_PROCESSOR_MAX_PIXELS]);

      set_size (tokens, height / beta, width / beta, factor, FALSE);
    }
  else if (rounded < entry->values[HR_PROCESSOR_MIN_PIXELS])
    {
      double beta = sqrt (entry->values[HR_PROCESSOR_MIN_PIXELS] / (sampled * height * width));

      set_size (tokens, height * beta, width * beta, factor, TRUE);
    }
}

static char *
dup_shape (const HrMedium *medium)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT "×%" G_GUINT64_FORMAT, medium->width, medium->height);
}

static guint64
count_digits (guint64 number)
{
  guint64 digits = 1;

  for (; number >= 10; number /= 10)
    digits++;

  return digits;
}

static guint64
count_grouped_digits (guint64 number)
{
  return (count_digits (number) + 2) / 3;
}

/*
 * What a processor writes down of the time of a patch: digits, point and words are tokens of their own in the tokenizer
 * of Qwen, as are the name, the colon, the space and the line break of a number of a frame; that of GLM takes digits by
 * threes.
 */
static guint64
count_timestamp (HrProcessorTimestamps timestamps,
                 guint64               first,
                 guint64               last,
                 double                fps)
{
  char text[32];

  switch (timestamps)
    {
    case HR_PROCESSOR_TIMESTAMPS_TENTHS:
      g_snprintf (text, sizeof text, "%.1f", (first / fps + last / fps) / 2);
      return strlen (text) + 3;

    case HR_PROCESSOR_TIMESTAMPS_SECONDS:
      return count_grouped_digits (first / fps);

    case HR_PROCESSOR_TIMESTAMPS_GROUPED:
      return count_grouped_digits (first / fps) + 3;

    case HR_PROCESSOR_TIMESTAMPS_FRAMES:
      return count_digits (first + 1) + 3 + (first > 0 ? 1 : 0);

    case HR_PROCESSOR_TIMESTAMPS_NONE:
    default:
      return 0;
    }
}

/* Those of an image, or of each patch of frames of a video. */
static guint64
count_markers (const HrProcessorEntry *entry,
               const HrMedium         *medium,
               guint64                 frames,
               guint64                 patches)
{
  HrProcessorTimestamps timestamps = entry->values[HR_PROCESSOR_TIMESTAMPS];
  guint64 temporal = MAX (entry->values[HR_PROCESSOR_TEMPORAL_PATCH_SIZE], 1);
  guint64 markers = entry->values[HR_PROCESSOR_MARKERS];

  if (medium->kind != HR_MEDIUM_VIDEO)
    return markers;

  markers *= patches;
  for (guint64 i = 0; timestamps != HR_PROCESSOR_TIMESTAMPS_NONE && i < patches; i++)
    markers += count_timestamp (timestamps, i * temporal, MIN ((i + 1) * temporal, frames) - 1, medium->fps);

  return markers;
}

/* As it is, rounded to whole tokens; further frames repeat the last until they are whole patches. */
gboolean
hr_processor_smart_resize (const HrProcessorEntry  *entry,
                           const HrMedium          *medium,
                           HrMediumTokens          *tokens,
                           GError                 **error)
{
  guint64 patch = entry->values[HR_PROCESSOR_PATCH_SIZE];
  guint64 merge = entry->values[HR_PROCESSOR_MERGE_SIZE];
  guint64 temporal = MAX (entry->values[HR_PROCESSOR_TEMPORAL_PATCH_SIZE], 1);
  gboolean is_video = medium->kind == HR_MEDIUM_VIDEO;
  guint64 frames = is_video ? hr_processor_count_frames (entry, medium) : temporal;
  guint64 shorter = MIN (medium->width, medium->height);
  g_autofree char *shape = dup_shape (medium);
  HrMediumGrid *grid;

  if (patch == 0 || merge == 0 || MAX (medium->width, medium->height) > MAX_ASPECT_RATIO * shorter)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("expected an image whose sides differ by less than 200 times, as the processor of this "
                               "model asks for; found %s"), shape);
      return FALSE;
    }
  if (is_video && entry->values[HR_PROCESSOR_SPANS_FRAMES] && !entry->values[HR_PROCESSOR_SCALES_UP] &&
      shorter < patch * merge)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("expected a video whose sides are no shorter than a token, as the processor of this "
                               "model asks for; found %s"), shape);
      return FALSE;
    }

  resize (entry, medium, frames, tokens);
  tokens->frames = is_video ? (frames + temporal - 1) / temporal * temporal : 1;
  grid = hr_processor_add_grid (tokens, 1, tokens->height / patch, tokens->width / patch);
  grid->patches_t = is_video ? tokens->frames / temporal : 1;
  tokens->seen = grid->patches_t * (grid->patches_h / merge) * (grid->patches_w / merge);
  tokens->markers = count_markers (entry, medium, frames, grid->patches_t);
  hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "·(%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT ")·(%"
                        G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT ")",
                        grid->patches_t, tokens->height, patch * merge, tokens->width, patch * merge);

  return TRUE;
}

/* One size, whatever came: a token for each patch, or as many as the model makes of them. */
gboolean
hr_processor_fixed (const HrProcessorEntry  *entry,
                    const HrMedium          *medium,
                    HrMediumTokens          *tokens,
                    GError                 **error G_GNUC_UNUSED)
{
  guint64 end = entry->values[HR_PROCESSOR_END_TOKENS];
  guint64 each = entry->values[HR_PROCESSOR_TOKENS];

  tokens->height = tokens->width = entry->values[HR_PROCESSOR_IMAGE_SIZE];
  tokens->frames = medium->kind == HR_MEDIUM_VIDEO ? hr_processor_count_frames (entry, medium) : 1;
  hr_processor_set_pieces (entry, tokens, tokens->frames);
  tokens->seen += end;
  tokens->markers = count_markers (entry, medium, tokens->frames, tokens->frames);
  if (end > 0)
    hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT, tokens->frames,
                          each, end);
  else
    hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, tokens->frames, each);

  return TRUE;
}

/*
 * get_resize_output_image_size of transformers/models/pixtral/image_processing_pixtral.py, and the ends of rows that
 * processing_pixtral.py puts in.
 */
gboolean
hr_processor_rows (const HrProcessorEntry  *entry,
                   const HrMedium          *medium,
                   HrMediumTokens          *tokens,
                   GError                 **error G_GNUC_UNUSED)
{
  guint64 patch = MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1);
  guint64 merge = MAX (entry->values[HR_PROCESSOR_MERGE_SIZE], 1);
  double limit = MAX (entry->values[HR_PROCESSOR_LONGEST_EDGE], 1);
  double ratio = MAX (medium->height / limit, medium->width / limit);
  guint64 height = ratio > 1 ? (guint64) floor (medium->height / ratio) : medium->height;
  guint64 width = ratio > 1 ? (guint64) floor (medium->width / ratio) : medium->width;
  guint64 rows = MAX ((height + patch * merge - 1) / (patch * merge), 1);
  guint64 columns = MAX ((width + patch * merge - 1) / (patch * merge), 1);

  tokens->height = rows * patch * merge;
  tokens->width = columns * patch * merge;
  hr_processor_add_grid (tokens, 1, rows * merge, columns * merge);
  tokens->seen = rows * columns;
  tokens->markers = rows * entry->values[HR_PROCESSOR_ROW_MARKERS];
  hr_processor_explain (tokens, "(%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT ")·(%" G_GUINT64_FORMAT "/%"
                        G_GUINT64_FORMAT ")", tokens->height, patch * merge, tokens->width, patch * merge);

  return TRUE;
}

/* rescale of image_processing_kimi_vl.py: no more patches than a limit, then padded (or cut) to whole tokens. */
gboolean
hr_processor_padded (const HrProcessorEntry  *entry,
                     const HrMedium          *medium,
                     HrMediumTokens          *tokens,
                     GError                 **error)
{
  guint64 patch = MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1);
  guint64 side = patch * MAX (entry->values[HR_PROCESSOR_MERGE_SIZE], 1);
  guint64 patches = (medium->width / patch) * (medium->height / patch);
  guint64 height = medium->height, width = medium->width;
  guint64 rest = entry->values[HR_PROCESSOR_PADS] ? side - 1 : 0;

  if (patches > entry->values[HR_PROCESSOR_MAX_PATCHES])
    {
      double scale = sqrt ((double) entry->values[HR_PROCESSOR_MAX_PATCHES] / patches);

      height = height * scale;
      width = width * scale;
    }
  tokens->height = (height + rest) / side * side;
  tokens->width = (width + rest) / side * side;
  if (MIN (tokens->height, tokens->width) == 0 || MAX (tokens->height, tokens->width) / patch >= MAX_PADDED_PATCHES)
    {
      g_autofree char *shape = dup_shape (medium);

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("expected an image with sides of 1 to 511 patches, as the processor of this model asks "
                               "for; found %s"), shape);
      return FALSE;
    }

  hr_processor_add_grid (tokens, 1, tokens->height / patch, tokens->width / patch);
  tokens->seen = (tokens->height / side) * (tokens->width / side);
  hr_processor_explain (tokens, "(%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT ")·(%" G_GUINT64_FORMAT "/%"
                        G_GUINT64_FORMAT ")", tokens->height, side, tokens->width, side);

  return TRUE;
}
