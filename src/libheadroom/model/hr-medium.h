/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrMediumKind:
 * @HR_MEDIUM_IMAGE: a still picture
 * @HR_MEDIUM_AUDIO: a sound
 * @HR_MEDIUM_VIDEO: pictures that follow each other
 *
 * What a model sees or hears.
 */
typedef enum
{
  HR_MEDIUM_IMAGE,
  HR_MEDIUM_AUDIO,
  HR_MEDIUM_VIDEO,
  HR_N_MEDIUM_KINDS,
} HrMediumKind;

/**
 * HrMedium: (skip)
 * @kind: what it is
 * @width: pixels of a row, of an image or a video
 * @height: rows, likewise
 * @seconds: how long a sound or a video is
 * @fps: frames of a second of a video that the processor gets
 *
 * An image, a sound or a video, as it comes to a processor.
 */
typedef struct
{
  HrMediumKind kind;
  guint64 width;
  guint64 height;
  double seconds;
  double fps;
} HrMedium;

/**
 * HrMediumTokens: (skip)
 * @kind: what it was
 * @width: pixels of a row after it was resized
 * @height: rows
 * @frames: of a video, as the tower sees them
 * @pieces: how often the tower sees a grid of patches
 * @patches_t: patches of such a grid along time
 * @patches_h: patches of a column
 * @patches_w: patches of a row
 * @tokens: tokens of the sequence that it takes
 * @formula: how these come about, in numbers
 *
 * What a processor makes of an image, a sound or a video.
 */
typedef struct
{
  HrMediumKind kind;
  guint64 width;
  guint64 height;
  guint64 frames;
  guint64 pieces;
  guint64 patches_t;
  guint64 patches_h;
  guint64 patches_w;
  guint64 tokens;
  char formula[96];
} HrMediumTokens;

const char *hr_medium_kind_get_name (HrMediumKind kind);

G_END_DECLS
