/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-pass.h"

G_BEGIN_DECLS

typedef struct _HrTower HrTower;

/**
 * HrMap:
 * @pieces: of a picture that the tower sees: the whole, and its tiles
 * @tiles_w: tiles of a row
 * @cut_h: vectors of a column of the tiles put together, once borders are cut off
 * @cut_w: those of a row
 * @rows: vectors of a column as the decoder gets them, where more are made fewer
 * @columns: those of a row, before it gets its end
 *
 * How the tiles of a picture are put together again.
 */
typedef struct
{
  guint64 pieces;
  guint64 tiles_w;
  guint64 cut_h;
  guint64 cut_w;
  guint64 rows;
  guint64 columns;
} HrMap;

/**
 * HrTower:
 * @stack: its layers
 * @inner: (nullable) (element-type HrTower): the tower that sees before, to what of which its layers attend
 * @projector: (nullable): what makes of its output what the decoder reads
 * @features: (nullable): what makes of the output of inner layers what the first layers of the decoder get
 * @newline: (nullable): the vector that ends a row of tiles that are put together again
 * @maps: (nullable) (element-type HrMap): how those of each picture are
 * @mapped: vectors of a tile that is
 * @videos: of frames of videos, of which fewer vectors are made, how many these are; 0 of pictures
 * @given: pictures as they come from the processor, with what pads those of fewer tiles
 * @batch: what it sees at once: pictures of one size, or 1 where patches of all are in a row
 * @sequence: positions of each: patches, and the token of a class
 * @patches: patches of each
 * @filled: of pictures of which some are padded the patches that are of them
 * @apart: of pictures that come as tensors of their own what these take, in bytes; 0 of others
 * @pixels: numbers of each patch
 * @picture: numbers of all of them, with those at the border that are in no patch, in fp32 as a processor gives them
 * @is_cast: whether pixels come in the dtype of the model
 * @merge: patches of a side that become one vector, or positions of a sound
 * @seen: vectors that the decoder reads
 * @tiles: of each picture, where they are in a row; 0: it has none
 * @chunks: (element-type HrChunk): patches that attend to each other in a layer without windows
 * @windows: (nullable) (element-type HrChunk): those in a layer with windows
 * @frames: of sounds frames of a spectrogram of each of which the batch says whether it is of the sound; 0: it does not
 * @is_padded: of sounds or of pictures whether some positions are of none
 * @heard: of sounds in chunks the frames that are of the sounds
 * @n_chunks: the chunks
 * @chunk_frames: their frames, with what pads them
 * @subsampled: of sounds that convolutions leave an eighth of: frames and bins after the first and after the second
 *
 * A vision or audio tower with what it sees in one call.
 */
struct _HrTower
{
  const HrStack *stack;
  GArray *inner;
  const HrStack *projector;
  const HrStack *features;
  const HrBlock *newline;
  GArray *maps;
  guint64 mapped;
  guint64 videos;
  guint64 given;
  guint64 batch;
  guint64 sequence;
  guint64 patches;
  guint64 filled;
  guint64 apart;
  guint64 pixels;
  guint64 picture;
  gboolean is_cast;
  guint64 merge;
  guint64 seen;
  guint64 tiles;
  GArray *chunks;
  GArray *windows;
  guint64 frames;
  gboolean is_padded;
  guint64 heard;
  guint64 n_chunks;
  guint64 chunk_frames;
  guint64 subsampled[2];
};

void    hr_tower_clear       (HrTower           *self);
guint64 hr_tower_get_bytes   (const HrTower     *self,
                              HrElement          element);
guint64 hr_tower_get_mask_bytes (const HrTower  *self);
gboolean hr_tower_casts_pixels  (const HrReplay *replay);
void    hr_tower_init_pass   (const HrTower     *self,
                              const HrInference *outer,
                              HrInference       *pass);
void    hr_tower_set_symbols (const HrTower     *self,
                              guint64            text_hidden,
                              HrReplay          *replay);
void    hr_tower_require_gradient (const HrInference *self,
                                   HrReplay          *replay,
                                   HrValue           *embeds);
void    hr_tower_embed_pictures   (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_embed_sounds     (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_finish_sounds    (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_embed_chunks     (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_finish_chunks    (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
gboolean hr_tower_is_of_sounds    (const HrStack     *stack);
void    hr_tower_embed_sizes      (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
guint64 hr_tower_get_tiles        (const HrTower     *self);
void    hr_tower_embed_tiles      (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_finish_tiles     (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_embed_again      (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_finish_again     (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_embed_conformer  (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_run_conformer    (HrReplay           *replay,
                                   HrPass             *pass,
                                   const HrLayerClass *klass);
guint64 hr_tower_count_convolved  (const HrTower     *self,
                                   const HrBlock     *block);
void    hr_tower_finish_conformer (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_leave            (HrReplay          *replay,
                                   HrPass            *pass,
                                   HrValue            unused);
void    hr_tower_embed_unfolded   (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_finish_unfolded  (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
HrValue hr_tower_regroup          (HrReplay           *replay,
                                   HrValue             x,
                                   const HrRegrouping *regrouping);
void    hr_tower_embed_resampler  (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_finish_resampler (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
HrValue hr_tower_run_unused       (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
gboolean hr_tower_has_probe       (const HrStack     *stack);
HrValue hr_tower_run_probe        (const HrStack     *stack,
                                   HrReplay          *replay,
                                   HrValue            x,
                                   gboolean           has_mask);
void    hr_tower_embed_slices     (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
HrValue hr_tower_query            (const HrTower     *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_finish_crops     (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_find_positions   (HrReplay          *replay,
                                   HrPass            *pass,
                                   HrValue            patches,
                                   const HrBlock     *block);
void    hr_tower_embed_padded     (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_leave_sizes      (HrReplay          *replay,
                                   HrPass            *pass);
void    hr_tower_finish_pictures  (const HrInference *self,
                                   HrReplay          *replay,
                                   HrPass            *pass);
const HrBlock *hr_tower_find_parameter (const HrChain  *chain,
                                        HrParameterUse  use);
HrValue hr_tower_run_chain   (const HrTower     *self,
                              HrReplay          *replay,
                              HrValue            x);
HrValue hr_tower_project     (const HrTower     *self,
                              HrReplay          *replay,
                              HrValue            x);
HrValue hr_tower_merge       (HrReplay          *replay,
                              HrValue            x,
                              const HrChain     *chain);
HrValue hr_tower_run_linear  (HrReplay          *replay,
                              HrValue            x,
                              const HrBlock     *block,
                              HrSymbol           width);
GArray *hr_tower_pack        (const HrTower     *self,
                              HrReplay          *replay,
                              HrValue            seen) G_GNUC_WARN_UNUSED_RESULT;
HrValue hr_tower_join_packed (const HrTower     *self,
                              HrReplay          *replay,
                              GArray            *parts,
                              HrValue            seen);
void    hr_tower_resize_frames  (const HrTower     *self,
                                 HrReplay          *replay,
                                 HrValue           *projected);
HrValue hr_tower_end_videos     (const HrTower     *self,
                                 HrReplay          *replay,
                                 HrPass            *pass,
                                 HrValue            seen);
HrValue hr_tower_average_frames (const HrTower     *self,
                                 HrReplay          *replay,
                                 HrValue            x);
HrValue hr_tower_split_and_join (HrReplay       *replay,
                                 HrValue         x);
void    hr_tower_embed       (const HrInference *self,
                              HrReplay          *replay,
                              HrPass            *pass);
void    hr_tower_finish      (const HrInference *self,
                              HrReplay          *replay,
                              HrPass            *pass);

G_END_DECLS
