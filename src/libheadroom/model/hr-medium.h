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
 * @others: images that a sequence has beside this one
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
  guint64 others;
} HrMedium;

/* The largest that are taken: pixels of a side, seconds, frames a second. */
#define HR_MEDIUM_MAX_SIDE 65536
#define HR_MEDIUM_MAX_SECONDS 86400
#define HR_MEDIUM_MAX_FPS 240

/* As many kinds of pieces as a processor cuts one input into: a picture as a whole, and parts of it at another size. */
#define HR_MEDIUM_MAX_GRIDS 2

/**
 * HrMediumGrid: (skip)
 * @pieces: how often the tower sees such a grid: tiles or crops of a picture, frames of a video that the tower sees one
 *   by one, chunks of a sound
 * @patches_t: along time: patches of several frames that the tower sees at once (1 for a picture); positions of a chunk
 *   of a sound in the layers of the tower, after its convolutions
 * @patches_h: patches of a column; 1 of a sound
 * @patches_w: patches of a row; 1 of a sound
 * @frames: of a sound: frames of the spectrogram of a chunk, with what pads it; 0 of pictures
 *
 * Pieces of one size that a tower sees, without the positions that the tower adds of itself (class token, registers).
 */
typedef struct
{
  guint64 pieces;
  guint64 patches_t;
  guint64 patches_h;
  guint64 patches_w;
  guint64 frames;
} HrMediumGrid;

/**
 * HrMediumTokens: (skip)
 * @medium: what it was
 * @kind: what kind of thing that was
 * @width: pixels of a row after it was resized: of the picture as a whole, where it is cut into tiles afterwards
 * @height: rows, likewise
 * @frames: of a video, as many as the tower sees, with what pads them; of a sound, frames of its spectrogram without
 *   what pads them; 1 of a picture
 * @grids: what the tower sees; a picture that is seen as a whole and in parts of another size has two, the whole first
 * @n_grids: how many of them there are
 * @filled: of pieces that are padded to one size the patches that are none of it
 * @mapped_h: vectors of a column of the map that is put together from the parts of a picture once borders are cut off
 *   (LLaVA-NeXT, LLaVA-OneVision, before each row gets its end); 0 where none is put together
 * @mapped_w: vectors of a row of that map
 * @cut_h: the same before they are made fewer
 * @cut_w: likewise of a row
 * @seen: vectors that tower and projector make and that take the place of tokens of the sequence; rows' ends that are
 *   a parameter of the model (image_newline) are among them
 * @markers: tokens that the processor puts between or around those: ends of rows, numbers of tiles, timestamps
 * @tokens: tokens of the sequence that it takes: @seen and @markers
 * @around: tokens of the prompt that belong to it, and that stand in the text that the processor gets already
 *   (<|vision_start|> of Qwen2-VL): they are counted among the tokens of text, not in @tokens
 * @crossed: vectors that layers of cross attention read in place of tokens of the sequence (Mllama, Whisper), with what
 *   pads them
 * @formula: how @tokens come about, in numbers
 *
 * What a processor makes of an image, a sound or a video.
 */
typedef struct
{
  HrMedium medium;
  HrMediumKind kind;
  guint64 width;
  guint64 height;
  guint64 frames;
  HrMediumGrid grids[HR_MEDIUM_MAX_GRIDS];
  guint n_grids;
  guint64 filled;
  guint64 mapped_h;
  guint64 mapped_w;
  guint64 cut_h;
  guint64 cut_w;
  guint64 seen;
  guint64 markers;
  guint64 tokens;
  guint64 around;
  guint64 crossed;
  char formula[160];
} HrMediumTokens;

const char *hr_medium_kind_get_name (HrMediumKind    kind);
gboolean    hr_medium_from_text     (const char     *text,
                                     HrMedium       *medium);
char       *hr_medium_to_text       (const HrMedium *medium) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
