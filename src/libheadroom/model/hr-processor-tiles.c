/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "hr-processor-private.h"

/* Processors that cut a picture into tiles of one size, which the tower sees one by one. */

/* Idefics 3 makes no side longer. */
#define MAX_IMAGE_SIZE 4096

/* What Gemma 3 writes around crops: “Here is the original image … and here are some crops to help you see better …” */
#define CROP_SENTENCE_TOKENS 17

static double
get_side (const HrProcessorEntry *entry)
{
  return MAX (entry->values[HR_PROCESSOR_IMAGE_SIZE], 1);
}

/*
 * The canvas whose sides are in a ratio most like that of the picture; of those that are equally like, a larger one as
 * long as the picture covers more than half of it (get_optimal_tiled_canvas of
 * transformers/models/got_ocr2/image_processing_got_ocr2.py; find_closest_aspect_ratio of InternVL).
 */
static void
find_canvas_by_ratio (const HrProcessorEntry *entry,
                      const HrMedium         *medium,
                      guint64                *rows,
                      guint64                *columns)
{
  double ratio = (double) medium->width / medium->height;
  double area = (double) medium->width * medium->height;
  double best = INFINITY;

  *rows = *columns = 1;
  for (guint64 n = MAX (entry->values[HR_PROCESSOR_MIN_TILES], 1); n <= entry->values[HR_PROCESSOR_MAX_TILES]; n++)
    {
      for (guint64 width = 1; width <= n; width++)
        {
          double difference;

          if (n % width != 0)
            continue;
          difference = fabs (ratio - (double) width / (n / width));
          if (difference > best || (difference == best && area <= 0.5 * get_side (entry) * get_side (entry) * n))
            continue;
          best = difference;
          *columns = width;
          *rows = n / width;
        }
    }
}

gboolean
hr_processor_tiles_by_ratio (const HrProcessorEntry  *entry,
                             const HrMedium          *medium,
                             HrMediumTokens          *tokens,
                             GError                 **error G_GNUC_UNUSED)
{
  guint64 rows = 1, columns = 1;

  if (entry->values[HR_PROCESSOR_CUTS])
    find_canvas_by_ratio (entry, medium, &rows, &columns);
  hr_processor_set_tiles (entry, tokens, rows, columns);

  return TRUE;
}

/*
 * The canvas that the picture has to grow least for; if it fits into none, the one that it has to shrink least for; of
 * several, the smallest (get_optimal_tiled_canvas of mllama/image_processing_mllama.py and of
 * cohere2_vision/image_processing_cohere2_vision.py, get_best_fit of llama4/image_processing_llama4.py).
 */
static void
find_canvas_by_scale (const HrProcessorEntry *entry,
                      const HrMedium         *medium,
                      guint64                *rows,
                      guint64                *columns)
{
  double best = 0;

  for (guint64 n = 1; n <= MAX (entry->values[HR_PROCESSOR_MAX_TILES], 1); n++)
    {
      for (guint64 width = 1; width <= n; width++)
        {
          double scale;

          if (n % width != 0)
            continue;
          scale = MIN (width * get_side (entry) / medium->width, (n / width) * get_side (entry) / medium->height);
          if (best >= 1 ? scale < 1 || scale >= best : scale <= best)
            continue;
          best = scale;
          *columns = width;
          *rows = n / width;
        }
    }
}

gboolean
hr_processor_tiles_by_scale (const HrProcessorEntry  *entry,
                             const HrMedium          *medium,
                             HrMediumTokens          *tokens,
                             GError                 **error G_GNUC_UNUSED)
{
  guint64 rows = 1, columns = 1;

  if (entry->values[HR_PROCESSOR_CUTS])
    find_canvas_by_scale (entry, medium, &rows, &columns);
  if (!entry->values[HR_PROCESSOR_PADS])
    {
      hr_processor_set_tiles (entry, tokens, rows, columns);
      return TRUE;
    }

  /* Every picture has as many tiles as one may have; those that it does not fill are masked. */
  tokens->height = rows * get_side (entry);
  tokens->width = columns * get_side (entry);
  hr_processor_set_pieces (entry, tokens, entry->values[HR_PROCESSOR_MAX_TILES]);
  hr_processor_explain (tokens, "%" G_GUINT64_FORMAT, tokens->seen);

  return TRUE;
}

static guint64
make_even (guint64 side)
{
  return side + side % 2;
}

/*
 * _resize_output_size_rescale_to_max_len, then resize_for_vision_encoder and split_images of
 * transformers/models/idefics3/image_processing_idefics3.py.
 */
gboolean
hr_processor_splits (const HrProcessorEntry  *entry,
                     const HrMedium          *medium,
                     HrMediumTokens          *tokens,
                     GError                 **error G_GNUC_UNUSED)
{
  gboolean is_wide = medium->width >= medium->height;
  double ratio = (double) medium->width / medium->height;
  double longest = MIN (entry->values[HR_PROCESSOR_LONGEST_EDGE], MAX_IMAGE_SIZE);
  guint64 shortest = MAX (make_even (is_wide ? longest / ratio : longest * ratio), 1);
  guint64 along, across;

  if (!entry->values[HR_PROCESSOR_CUTS])
    {
      hr_processor_set_tiles (entry, tokens, 1, 1);
      return TRUE;
    }

  ratio = is_wide ? longest / shortest : shortest / longest;
  along = ceil (longest / get_side (entry));
  across = is_wide ? along * get_side (entry) / ratio : along * get_side (entry) * ratio;
  across = MAX (ceil (across / get_side (entry)), 1);
  hr_processor_set_tiles (entry, tokens, is_wide ? across : along, is_wide ? along : across);

  return TRUE;
}

/* get_resize_output_image_size of transformers/models/idefics2/image_processing_idefics2.py */
static void
limit_sides (const HrProcessorEntry *entry,
             guint64                 height,
             guint64                 width,
             HrMediumTokens         *tokens)
{
  guint64 patch = MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1);
  guint64 limit = entry->values[HR_PROCESSOR_LONGEST_EDGE];
  double ratio = (double) width / height;

  if (width >= height && width > limit)
    {
      width = limit;
      height = width / ratio;
    }
  else if (height > width && height > limit)
    {
      height = limit;
      width = height * ratio;
    }
  height = MAX (height, entry->values[HR_PROCESSOR_SHORTEST_EDGE]);
  width = MAX (width, entry->values[HR_PROCESSOR_SHORTEST_EDGE]);
  tokens->height = MAX (tokens->height, height);
  tokens->width = MAX (tokens->width, width);
  tokens->filled += (height / patch) * (width / patch);
}

/* split_images of the same: four quarters and the whole, padded to one size; a mark between each, and at both ends. */
gboolean
hr_processor_quarters (const HrProcessorEntry  *entry,
                       const HrMedium          *medium,
                       HrMediumTokens          *tokens,
                       GError                 **error G_GNUC_UNUSED)
{
  guint64 patch = MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1);
  guint64 pieces = entry->values[HR_PROCESSOR_CUTS] ? 5 : 1;
  guint64 upper = medium->height / 2, left = medium->width / 2;

  limit_sides (entry, medium->height, medium->width, tokens);
  if (pieces > 1)
    {
      limit_sides (entry, MAX (upper, 1), MAX (left, 1), tokens);
      limit_sides (entry, MAX (upper, 1), medium->width - left, tokens);
      limit_sides (entry, medium->height - upper, MAX (left, 1), tokens);
      limit_sides (entry, medium->height - upper, medium->width - left, tokens);
    }
  hr_processor_add_grid (tokens, pieces, tokens->height / patch, tokens->width / patch);
  tokens->seen = pieces * entry->values[HR_PROCESSOR_TOKENS];
  tokens->markers = pieces + 1;
  hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, pieces,
                        entry->values[HR_PROCESSOR_TOKENS]);

  return TRUE;
}

/* pan_and_scan_batched of transformers/models/gemma3/image_processing_gemma3.py */
static guint64
count_crops (const HrProcessorEntry *entry,
             const HrMedium         *medium)
{
  guint64 longer = MAX (medium->width, medium->height), shorter = MIN (medium->width, medium->height);
  guint64 smallest = MAX (entry->values[HR_PROCESSOR_MIN_SIZE], 1);
  double ratio = (double) longer / shorter;
  guint64 crops;

  if (!entry->values[HR_PROCESSOR_CUTS] || ratio < entry->min_ratio)
    return 0;

  crops = MIN (longer / smallest, (guint64) floor (ratio + 0.5));
  crops = MIN (MAX (crops, 2), entry->values[HR_PROCESSOR_MAX_TILES]);

  return crops > 0 && MIN ((longer + crops - 1) / crops, shorter) >= smallest ? crops : 0;
}

/* processing_gemma3.py: two line breaks and two marks around each piece, and a sentence where there are crops. */
gboolean
hr_processor_crops (const HrProcessorEntry  *entry,
                    const HrMedium          *medium,
                    HrMediumTokens          *tokens,
                    GError                 **error G_GNUC_UNUSED)
{
  guint64 crops = count_crops (entry, medium);

  tokens->height = tokens->width = entry->values[HR_PROCESSOR_IMAGE_SIZE];
  hr_processor_set_pieces (entry, tokens, 1 + crops);
  tokens->markers = (1 + crops) * entry->values[HR_PROCESSOR_MARKERS];
  if (crops > 0)
    tokens->markers += CROP_SENTENCE_TOKENS + crops - 1;
  hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, 1 + crops,
                        entry->values[HR_PROCESSOR_TOKENS]);

  return TRUE;
}

/* Python's round(): halves to the even neighbour. */
static guint64
round_to (double  side,
          guint64 factor)
{
  return MAX ((guint64) nearbyint (side / factor), 1) * factor;
}

/* Pixels that the sides of slices are multiples of: a patch, or all patches of a side that become a token. */
static guint64
get_slice_unit (const HrProcessorEntry *entry)
{
  return entry->values[HR_PROCESSOR_PATCH_SIZE] * MAX (entry->values[HR_PROCESSOR_MERGE_SIZE], 1);
}

/* As many vectors whatever its size, or one for so many of its patches. */
static guint64
count_slice_tokens (const HrProcessorEntry *entry,
                    const HrMediumGrid     *grid)
{
  if (entry->values[HR_PROCESSOR_COMPRESSION] == 0)
    return entry->values[HR_PROCESSOR_TOKENS];

  return grid->patches_h * grid->patches_w / entry->values[HR_PROCESSOR_COMPRESSION];
}

/* find_best_resize of image_processing_minicpmv.py: about the area that the tower is trained for. */
static void
find_best_size (const HrProcessorEntry *entry,
                double                  height,
                double                  width,
                gboolean                may_grow,
                guint64                *best_height,
                guint64                *best_width)
{
  if (width * height > get_side (entry) * get_side (entry) || may_grow)
    {
      double ratio = width / height;

      height = floor (get_side (entry) / sqrt (ratio));
      width = floor (height * ratio);
    }
  *best_height = round_to (height, get_slice_unit (entry));
  *best_width = round_to (width, get_slice_unit (entry));
}

/* get_sliced_grid of the same: about as many slices as the picture has times that area, most like its shape. */
static gboolean
find_slices (const HrProcessorEntry *entry,
             const HrMedium         *medium,
             guint64                *rows,
             guint64                *columns)
{
  double log_ratio = log ((double) medium->width / medium->height);
  double area = (double) medium->width * medium->height / (get_side (entry) * get_side (entry));
  guint64 limit = entry->values[HR_PROCESSOR_MAX_TILES];
  guint64 multiple = MIN ((guint64) ceil (area), limit);
  double best = INFINITY;

  if (!entry->values[HR_PROCESSOR_CUTS] || multiple <= 1)
    return FALSE;

  *rows = *columns = 1;
  for (guint64 n = MAX (multiple - 1, 2); n <= MIN (multiple + 1, limit); n++)
    {
      for (guint64 width = 1; width <= n; width++)
        {
          double difference;

          if (n % width != 0)
            continue;
          difference = fabs (log_ratio - log ((double) width / (n / width)));
          if (difference >= best)
            continue;
          best = difference;
          *columns = width;
          *rows = n / width;
        }
    }

  return TRUE;
}

/* slice_image of the same, and the marks of get_slice_image_placeholder: one line break between rows of slices. */
gboolean
hr_processor_slices (const HrProcessorEntry  *entry,
                     const HrMedium          *medium,
                     HrMediumTokens          *tokens,
                     GError                 **error G_GNUC_UNUSED)
{
  guint64 patch = MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1);
  guint64 rows = 0, columns = 0;
  gboolean is_cut = find_slices (entry, medium, &rows, &columns);
  guint64 whole, slice = 0;

  find_best_size (entry, medium->height, medium->width, !is_cut, &tokens->height, &tokens->width);
  whole = count_slice_tokens (entry, hr_processor_add_grid (tokens, 1, tokens->height / patch, tokens->width / patch));
  tokens->markers = entry->values[HR_PROCESSOR_MARKERS];
  if (is_cut)
    {
      double height = (double) round_to (medium->height, rows) / rows;
      double width = (double) round_to (medium->width, columns) / columns;
      guint64 slice_height, slice_width;

      find_best_size (entry, height, width, TRUE, &slice_height, &slice_width);
      slice = count_slice_tokens (entry, hr_processor_add_grid (tokens, rows * columns, slice_height / patch,
                                                                slice_width / patch));
      tokens->markers += rows * columns * entry->values[HR_PROCESSOR_TILE_MARKERS] +
                         (rows - 1) * entry->values[HR_PROCESSOR_ROW_MARKERS] +
                         entry->values[HR_PROCESSOR_GROUP_MARKERS];
    }
  tokens->seen = whole + rows * columns * slice;
  if (entry->values[HR_PROCESSOR_COMPRESSION] == 0)
    hr_processor_explain (tokens, "(1 + %" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT ")·%" G_GUINT64_FORMAT, rows,
                          columns, whole);
  else
    hr_processor_explain (tokens, "%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%"
                          G_GUINT64_FORMAT, whole, rows, columns, slice);

  return TRUE;
}

/* Vectors along a side of a tile, four patches to each (Phi-3.5-vision, Phi-4-multimodal). */
static guint64
get_half (const HrProcessorEntry *entry)
{
  return (entry->values[HR_PROCESSOR_IMAGE_SIZE] / MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1) + 1) / 2;
}

/* The vectors of the whole and of the tiles, an end for each row of both, one between them. */
static void
set_hd (const HrProcessorEntry *entry,
        HrMediumTokens         *tokens,
        guint64                 seen_rows,
        guint64                 seen)
{
  guint64 half = get_half (entry);

  tokens->mapped_h = seen_rows;
  tokens->mapped_w = seen_rows > 0 ? seen / seen_rows : 0;
  tokens->seen = half * half + half + 1 + seen + seen_rows;
  hr_processor_explain (tokens, "%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT " + 1 + %" G_GUINT64_FORMAT " + %"
                        G_GUINT64_FORMAT, half * half, half, seen, seen_rows);
}

/* HD_transform of processing_phi3_v.py: as many tiles across as the number of tiles allows, padded below. */
gboolean
hr_processor_hd (const HrProcessorEntry  *entry,
                 const HrMedium          *medium,
                 HrMediumTokens          *tokens,
                 GError                 **error G_GNUC_UNUSED)
{
  guint64 longer = MAX (medium->width, medium->height), shorter = MIN (medium->width, medium->height);
  double ratio = (double) longer / shorter;
  guint64 limit = MAX (entry->values[HR_PROCESSOR_MAX_TILES], 1);
  guint64 half = get_half (entry);
  guint64 across = 1, along, rows, columns;

  while ((across + 1) * ceil ((across + 1) / ratio) <= limit)
    across++;
  along = MAX (ceil (floor (across * get_side (entry) / ratio) / get_side (entry)), 1);
  rows = medium->width < medium->height ? across : along;
  columns = medium->width < medium->height ? along : across;

  tokens->height = rows * get_side (entry);
  tokens->width = columns * get_side (entry);
  hr_processor_set_pieces (entry, tokens, limit + 1);
  set_hd (entry, tokens, rows * half, rows * half * columns * half);

  return TRUE;
}

/*
 * dynamic_preprocess of transformers/models/phi4_multimodal/image_processing_phi4_multimodal.py: the picture laid out
 * on tiles that cover it, or on those most like its shape; what is padding is masked, and of a vector's patches the
 * first says whether it is.
 */
gboolean
hr_processor_dynamic_hd (const HrProcessorEntry  *entry,
                         const HrMedium          *medium,
                         HrMediumTokens          *tokens,
                         GError                 **error G_GNUC_UNUSED)
{
  guint64 patch = MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1);
  guint64 columns = ceil (medium->width / get_side (entry)), rows = ceil (medium->height / get_side (entry));
  guint64 height, width, padding = 0;
  double scale_w, scale_h;

  if (rows * columns > entry->values[HR_PROCESSOR_MAX_TILES])
    find_canvas_by_ratio (entry, medium, &rows, &columns);
  tokens->height = rows * get_side (entry);
  tokens->width = columns * get_side (entry);
  scale_w = (double) tokens->width / medium->width;
  scale_h = (double) tokens->height / medium->height;
  height = tokens->height / patch;
  width = tokens->width / patch;
  if (scale_w < scale_h)
    {
      padding = tokens->height - (guint64) floor (medium->height * scale_w);
      height -= padding / patch;
    }
  else
    {
      padding = tokens->width - (guint64) floor (medium->width * scale_h);
      width -= padding / patch;
    }
  hr_processor_set_pieces (entry, tokens, 1 + rows * columns);
  tokens->filled = (get_side (entry) / patch) * (get_side (entry) / patch) + height * width;
  set_hd (entry, tokens, (height + 1) / 2, ((height + 1) / 2) * ((width + 1) / 2));

  return TRUE;
}

/* select_best_resolution of transformers/image_processing_utils.py */
static HrProcessorCanvas
find_best_canvas (const HrProcessorEntry *entry,
                  const HrMedium         *medium)
{
  HrProcessorCanvas best = { entry->values[HR_PROCESSOR_IMAGE_SIZE], entry->values[HR_PROCESSOR_IMAGE_SIZE] };
  double most = 0, least = INFINITY;

  for (guint i = 0; entry->canvases != NULL && i < entry->canvases->len; i++)
    {
      HrProcessorCanvas canvas = g_array_index (entry->canvases, HrProcessorCanvas, i);
      double scale = MIN ((double) canvas.width / medium->width, (double) canvas.height / medium->height);
      double area = floor (medium->width * scale) * floor (medium->height * scale);
      double wasted;

      area = MIN (area, (double) medium->width * medium->height);
      wasted = (double) canvas.width * canvas.height - area;
      if (area < most || (area == most && wasted >= least))
        continue;
      most = area;
      least = wasted;
      best = canvas;
    }

  return best;
}

/* Python's round (x, 7), then int (). */
static guint64
truncate_rounded (double x)
{
  return floor (nearbyint (x * 1e7) / 1e7);
}

/* unpad_image of transformers/models/llava_next/modeling_llava_next.py: what the shape of the picture does not fill. */
static void
cut_borders (const HrMedium *medium,
             guint64        *rows,
             guint64        *columns)
{
  double height = medium->height, width = medium->width;

  if (width / height > (double) *columns / *rows)
    *rows -= (*rows - truncate_rounded (height * (*columns / width))) / 2 * 2;
  else
    *columns -= (*columns - truncate_rounded (width * (*rows / height))) / 2 * 2;
}

/* Python's x // y of real numbers. */
static guint64
divide (double x,
        double y)
{
  return nearbyint ((x - fmod (x, y)) / y);
}

/*
 * _get_number_of_features of transformers/models/llava_next/processing_llava_next.py and of
 * llava_onevision/processing_llava_onevision.py: the whole, and the tiles put together again, with an end for each row.
 */
gboolean
hr_processor_any_resolution (const HrProcessorEntry  *entry,
                             const HrMedium          *medium,
                             HrMediumTokens          *tokens,
                             GError                 **error G_GNUC_UNUSED)
{
  HrProcessorCanvas canvas = find_best_canvas (entry, medium);
  guint64 side = MAX (entry->values[HR_PROCESSOR_IMAGE_SIZE], 1);
  guint64 patches = side / MAX (entry->values[HR_PROCESSOR_PATCH_SIZE], 1);
  guint64 whole = entry->values[HR_PROCESSOR_TOKENS];
  guint64 limit = entry->values[HR_PROCESSOR_MAX_TILES];
  guint64 rows = canvas.height / side * patches, columns = canvas.width / side * patches;
  double ratio;

  if (entry->values[HR_PROCESSOR_CUTS_ALONE] && medium->others > 0)
    {
      tokens->height = tokens->width = side;
      hr_processor_set_pieces (entry, tokens, 1);
      tokens->seen++;
      hr_processor_explain (tokens, "%" G_GUINT64_FORMAT " + 1", whole);
      return TRUE;
    }

  tokens->height = canvas.height;
  tokens->width = canvas.width;
  hr_processor_set_pieces (entry, tokens, 1 + (canvas.height / side) * (canvas.width / side));
  cut_borders (medium, &rows, &columns);
  tokens->cut_h = rows;
  tokens->cut_w = columns;
  ratio = limit > 0 ? sqrt ((double) rows * columns / ((double) limit * patches * patches)) : 0;
  if (ratio > 1.1)
    {
      rows = divide (rows, ratio);
      columns = divide (columns, ratio);
    }
  tokens->mapped_h = rows;
  tokens->mapped_w = columns;
  tokens->seen = whole + rows * (columns + 1);
  hr_processor_explain (tokens, "%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT "·(%" G_GUINT64_FORMAT " + 1)", whole,
                        rows, columns);

  return TRUE;
}
