/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-medium.h"

G_BEGIN_DECLS

/* How a processor turns what it gets into pieces for a tower, and into tokens. */
typedef enum
{
  HR_PROCESSOR_NONE,             /* the model gets none of these */
  HR_PROCESSOR_SMART_RESIZE,     /* as it is, rounded to whole tokens between two limits (Qwen-VL, GLM-4V) */
  HR_PROCESSOR_FIXED,            /* to one size, whatever it was (LLaVA 1.5, PaliGemma, frames of a video) */
  HR_PROCESSOR_ROWS,             /* as it is, no larger than a limit; each row has its end (Pixtral, Mistral 3) */
  HR_PROCESSOR_PADDED,           /* as it is, no more patches than a limit, padded to whole tokens (Kimi-VL) */
  HR_PROCESSOR_ANY_RESOLUTION,   /* the best of some canvases of tiles, borders cut off (LLaVA-NeXT, OneVision) */
  HR_PROCESSOR_TILES_BY_RATIO,   /* the canvas of tiles that is most alike, and the whole (InternVL, Aya Vision) */
  HR_PROCESSOR_TILES_BY_SCALE,   /* the canvas of tiles that the picture fits best (Mllama, Llama 4) */
  HR_PROCESSOR_SPLITS,           /* its longest side to a size, then as many tiles as there are (Idefics 3, SmolVLM) */
  HR_PROCESSOR_QUARTERS,         /* the whole and its four quarters (Idefics 2) */
  HR_PROCESSOR_CROPS,            /* the whole, and crops along its longer side (Gemma 3) */
  HR_PROCESSOR_SLICES,           /* the whole and slices, each of about one area (MiniCPM-V) */
  HR_PROCESSOR_HD,               /* as many tiles across as a number allows, padded (Phi-3.5-vision) */
  HR_PROCESSOR_DYNAMIC_HD,       /* as many tiles as it covers, padding cut off (Phi-4-multimodal) */
  HR_PROCESSOR_SPECTROGRAM,      /* a token for a number of frames of the spectrogram (Qwen2-Audio, Qwen-Omni) */
  HR_PROCESSOR_WINDOWS,          /* windows of one length, each of as many tokens (Voxtral, Gemma 3n, Whisper) */
} HrProcessorRule;

/* What rules depend on; each rule knows which of these are its own. Those that are absent are 0. */
typedef enum
{
  HR_PROCESSOR_PATCH_SIZE,          /* pixels of a side of what the tower sees as one */
  HR_PROCESSOR_MERGE_SIZE,          /* patches of a side of what becomes a token */
  HR_PROCESSOR_TEMPORAL_PATCH_SIZE, /* frames that the tower sees as one */
  HR_PROCESSOR_MIN_PIXELS,
  HR_PROCESSOR_MAX_PIXELS,
  HR_PROCESSOR_MAX_PATCHES,
  HR_PROCESSOR_SPANS_FRAMES,        /* whether the limits are those of all frames together, which an image has too */
  HR_PROCESSOR_SCALES_UP,           /* whether sides shorter than a token are made longer, and not refused */
  HR_PROCESSOR_MIN_FRAMES,
  HR_PROCESSOR_PADDED_FRAMES,       /* of a sound, to which the batch is padded; 0: to those of the longest */
  HR_PROCESSOR_MAX_FRAMES,          /* of a video, or of the spectrogram of a sound */
  HR_PROCESSOR_TIMESTAMPS,          /* an #HrProcessorTimestamps */
  HR_PROCESSOR_IMAGE_SIZE,          /* pixels of a side of what the tower sees */
  HR_PROCESSOR_LONGEST_EDGE,        /* pixels of the longest side of a picture as a whole */
  HR_PROCESSOR_SHORTEST_EDGE,
  HR_PROCESSOR_TOKENS,              /* of a piece, whatever its size; 0: one for each patch */
  HR_PROCESSOR_END_TOKENS,          /* vectors behind all others (image_newline of a video) */
  HR_PROCESSOR_MARKERS,             /* tokens that the processor puts around each picture, sound or frame */
  HR_PROCESSOR_TILE_MARKERS,        /* around each tile of a picture that is cut */
  HR_PROCESSOR_ROW_MARKERS,         /* behind each row of tiles */
  HR_PROCESSOR_GROUP_MARKERS,       /* around all tiles of a picture together */
  HR_PROCESSOR_AROUND,              /* around it in the prompt, among the tokens of text */
  HR_PROCESSOR_CUTS,                /* whether pictures are cut at all */
  HR_PROCESSOR_CUTS_ALONE,          /* whether only a picture is cut that has no others beside it */
  HR_PROCESSOR_MIN_TILES,
  HR_PROCESSOR_MAX_TILES,
  HR_PROCESSOR_AT_ONCE,             /* pictures and parts of them that the tower sees in one call; 0: all */
  HR_PROCESSOR_WHOLE,               /* whether a picture that is cut is seen as a whole too */
  HR_PROCESSOR_MIN_SIZE,            /* pixels of a side of a crop, at least */
  HR_PROCESSOR_CROSSED,             /* vectors of a piece that cross attention reads, in place of tokens */
  HR_PROCESSOR_SAMPLING_RATE,       /* samples of a second of a sound */
  HR_PROCESSOR_HOP_LENGTH,          /* samples from a frame of the spectrogram to the next */
  HR_PROCESSOR_FRAME_LENGTH,        /* samples of a frame that has to be whole; 0: the sound is padded */
  HR_PROCESSOR_SAMPLE_MULTIPLE,     /* samples that the sound is padded to a multiple of */
  HR_PROCESSOR_CHUNK_FRAMES,        /* frames of the spectrogram that the tower hears at once; 0: all of them */
  HR_PROCESSOR_PADS,                /* whether the last of these is padded to its length, or tiles to their limit */
  HR_PROCESSOR_STRIDES,             /* how often convolutions halve the frames before the layers of the tower */
  HR_PROCESSOR_COMPRESSION,         /* frames of the spectrogram that become a token */
  HR_PROCESSOR_BINS,                /* numbers of a frame */
  HR_PROCESSOR_POOLS,               /* whether pairs of the tower's positions become a token; one alone becomes none */
  HR_PROCESSOR_BLOCKS,              /* whether a chunk's positions are those of its own, and each is a token */
  HR_N_PROCESSOR_PARAMETERS,
} HrProcessorParameter;

/* What tells the language model when each frame of a video is. */
typedef enum
{
  HR_PROCESSOR_TIMESTAMPS_NONE,
  HR_PROCESSOR_TIMESTAMPS_TENTHS,   /* <12.5 seconds>, before each (Qwen3-VL) */
  HR_PROCESSOR_TIMESTAMPS_SECONDS,  /* 12, behind each (GLM-4V) */
  HR_PROCESSOR_TIMESTAMPS_GROUPED,  /* 12.5 seconds, behind each; digits are tokens by threes (GLM-4.6V) */
  HR_PROCESSOR_TIMESTAMPS_FRAMES,   /* Frame12: before each, on a line of its own (InternVL, tokenizer of Qwen) */
} HrProcessorTimestamps;

/**
 * HrProcessorCanvas: (skip)
 * @height: pixels of a column
 * @width: pixels of a row
 *
 * A size that a picture may be laid out in.
 */
typedef struct
{
  guint64 height;
  guint64 width;
} HrProcessorCanvas;

/**
 * HrProcessorEntry: (skip)
 * @rule: how it is processed
 * @values: what the rule depends on
 * @min_ratio: how much longer one side must be than the other before it is cut
 * @canvases: (nullable) (element-type HrProcessorCanvas): sizes to choose from
 *
 * How a processor treats images, sounds or videos.
 */
typedef struct
{
  HrProcessorRule rule;
  guint64 values[HR_N_PROCESSOR_PARAMETERS];
  double min_ratio;
  GArray *canvases;
} HrProcessorEntry;

/**
 * HrProcessor:
 * @entries: for each kind of medium how it is processed
 * @has_type_ids: whether it also says of each token what it is of (mm_token_type_ids)
 * @source: (nullable): where the rules are from
 *
 * What a model’s processor does with images, sounds and videos.
 */
typedef struct
{
  HrProcessorEntry entries[HR_N_MEDIUM_KINDS];
  gboolean has_type_ids;
  char *source;
} HrProcessor;

gboolean hr_processor_count (const HrProcessor  *self,
                             const HrMedium     *medium,
                             HrMediumTokens     *tokens,
                             GError            **error);
void     hr_processor_clear (HrProcessor        *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrProcessor, hr_processor_clear)

G_END_DECLS
