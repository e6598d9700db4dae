/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "hr-error.h"
#include "hr-message.h"
#include "hr-processor-private.h"

/* Processors that resize to whole patches: near the size that comes, or to one size. */

#define MAX_ASPECT_RATIO 200

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
 * smart_resize of transformers/models/qwen2_vl/image_processing_qwen2_vl.py, and that of
 * qwen3_vl/video_processing_qwen3_vl.py, whose limits are those of all frames together.
 */
static void
resize (const HrProcessorEntry *entry,
        const HrMedium         *medium,
        guint64                 frames,
        HrMediumTokens         *tokens)
{
  guint64 factor = entry->values[HR_PROCESSOR_PATCH_SIZE] * entry->values[HR_PROCESSOR_MERGE_SIZE];
  guint64 limit_frames = entry->values[HR_PROCESSOR_SPANS_FRAMES] ? tokens->frames : 1;
  double sampled = entry->values[HR_PROCESSOR_SPANS_FRAMES] ? frames : 1;
  double pixels = sampled * medium->height * medium->width;
  guint64 rounded;

  tokens->height = round_to (medium->height, factor);
  tokens->width = round_to (medium->width, factor);
  rounded = limit_frames * tokens->height * tokens->width;
  if (rounded > entry->values[HR_PROCESSOR_MAX_PIXELS])
    {
      double beta = sqrt (pixels / entry->values[HR_PROCESSOR_MAX_PIXELS]);

      set_size (tokens, medium->height / beta, medium->width / beta, factor, FALSE);
    }
  else if (rounded < entry->values[HR_PROCESSOR_MIN_PIXELS])
    {
      double beta = sqrt (entry->values[HR_PROCESSOR_MIN_PIXELS] / pixels);

      set_size (tokens, medium->height * beta, medium->width * beta, factor, TRUE);
    }
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
  guint64 frames = is_video ? hr_processor_count_frames (entry, medium) : 1;
  HrMediumGrid *grid;

  if (patch == 0 || merge == 0 ||
      MAX (medium->width, medium->height) > MAX_ASPECT_RATIO * MIN (medium->width, medium->height))
    {
      g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT "×%" G_GUINT64_FORMAT, medium->width,
                                                medium->height);

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("expected an image whose sides differ by less than 200 times, as the processor of this "
                               "model asks for; found %s"), found);
      return FALSE;
    }

  tokens->frames = is_video ? (frames + temporal - 1) / temporal * temporal : 1;
  resize (entry, medium, frames, tokens);
  grid = hr_processor_add_grid (tokens, 1, tokens->height / patch, tokens->width / patch);
  grid->patches_t = is_video ? tokens->frames / temporal : 1;
  tokens->seen = grid->patches_t * (grid->patches_h / merge) * (grid->patches_w / merge);
  g_snprintf (tokens->formula, sizeof tokens->formula,
              "%" G_GUINT64_FORMAT "·(%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT ")·(%" G_GUINT64_FORMAT "/%"
              G_GUINT64_FORMAT ")",
              grid->patches_t, tokens->height, patch * merge, tokens->width, patch * merge);

  return TRUE;
}

/* One size, whatever came: a token for each patch, or as many as the model makes of them. */
gboolean
hr_processor_fixed (const HrProcessorEntry  *entry,
                    const HrMedium          *medium,
                    HrMediumTokens          *tokens,
                    GError                 **error)
{
  guint64 side = entry->values[HR_PROCESSOR_IMAGE_SIZE];
  guint64 patch = MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1);
  guint64 patches = side / patch;
  guint64 stated = entry->values[HR_PROCESSOR_TOKENS];

  tokens->height = tokens->width = side;
  tokens->frames = medium->kind == HR_MEDIUM_VIDEO ? hr_processor_count_frames (entry, medium) : 1;
  hr_processor_add_grid (tokens, tokens->frames, patches, patches);
  tokens->seen = tokens->frames *
                 (stated > 0 ? stated : patches * patches + entry->values[HR_PROCESSOR_EXTRA_TOKENS]);
  if (stated > 0)
    g_snprintf (tokens->formula, sizeof tokens->formula, "%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, tokens->frames,
                stated);
  else
    g_snprintf (tokens->formula, sizeof tokens->formula,
                "%" G_GUINT64_FORMAT "·((%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT ")² + %" G_GUINT64_FORMAT ")",
                tokens->frames, side, patch, entry->values[HR_PROCESSOR_EXTRA_TOKENS]);

  return TRUE;
}
