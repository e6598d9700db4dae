/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference.h"
#include "hr-replay-blocks.h"

G_BEGIN_DECLS

#define HR_PASS_MAX_TOWERS 4
#define HR_PASS_MAX_FEATURES 8
#define HR_PASS_MAX_RETURNED 16
#define HR_PASS_MAX_BESIDE 64

/* Of positions of images and videos: time, height and width (mrope_section). */
#define HR_PASS_N_AXES 3

/**
 * HrJoinRow:
 * @cut: which of the vectors that were seen are put into a sequence
 * @part: the same, where they are put into it
 * @gradient: what has come of it, until the tower is differentiated
 *
 * A sequence into which what was seen is written in place.
 */
typedef struct
{
  HrValue cut;
  HrValue part;
  HrValue gradient;
} HrJoinRow;

/**
 * HrJoin:
 * @graph: (nullable): where it is recorded how what was seen is put among the text
 * @text: what came of the text
 * @seen: what came of a tower
 * @joined: both
 * @crosses: whether layers attend to it, and it is not put among anything
 * @mask: where it is put
 * @other_mask: where others would be put, or none
 * @outputs: what the model holds of all that the tower has returned, and of what it made for it
 * @parts: (nullable) (element-type HrValue): likewise, where there are as many as there are pictures
 * @cuts: (nullable): where it is recorded how what was seen is cut up for the sequences, if the text came after it
 * @rows: (nullable) (element-type HrJoinRow): the sequences
 *
 * What a tower hands to the decoder, put in the places of its tokens.
 */
typedef struct
{
  HrGraph *graph;
  HrValue text;
  HrValue seen;
  HrValue joined;
  gboolean crosses;
  HrValue mask;
  HrValue other_mask;
  HrValue outputs[HR_PASS_MAX_RETURNED];
  guint n_outputs;
  GArray *parts;
  HrGraph *cuts;
  GArray *rows;
} HrJoin;

/**
 * HrBlend:
 * @graph: (nullable): where it is recorded
 * @parts: what two joins have made of the same text
 * @mixed: what comes of both
 * @is_there: whether there is one
 *
 * What was seen and what was heard, each put among the text by itself, and then both together.
 */
typedef struct
{
  HrGraph *graph;
  HrValue parts[2];
  HrValue mixed;
  gboolean is_there;
} HrBlend;

/* The variables of the model's function, which all layers run in. */
typedef struct _HrPass
{
  HrValue table;
  HrValue head;
  HrValue inputs_embeds;
  HrValue prefix;          /* what the keys and values of virtual tokens are views of */
  gboolean keeps_head;                    /* whether the head's matrix is read more than once */
  HrValue beside[HR_PASS_MAX_BESIDE];     /* what whoever calls the model's function holds */
  guint n_beside;
  HrValue position_embeds;
  HrValue position_ids;
  HrValue ones;
  HrValue spread_masks[2]; /* the batch's mask for each pair of tokens, and its opposite, where variables hold them */
  HrValue current;         /* positions of the tokens that come, where layers attend to what was seen */
  HrValue blocks;          /* which picture each token is of, where its tokens see each other */
  HrValue hidden;
  HrValue full_mask;
  HrValue sliding_mask;
  HrValue cos[2];
  HrValue sin[2];
  HrValue alibi;
  HrValue weights;
  HrValue outputs;
  HrValue pooled;
  HrForward forward;
  gboolean keeps_stored;   /* whether layers that are to be computed anew hold the keys and values that it stores */
  gboolean keeps_layers;
  guint n_left;            /* what layers have read, and is held in the books alone */
  HrValue feature;         /* what of an inner layer of a tower a projector reads, or none for that of the last */
  GPtrArray *unused;       /* (nullable) (element-type HrGraph): of layers behind it, to which no gradient flows */
  guint64 past;
  const GArray *chunks[2]; /* in a tower what attends to itself, without and with windows */
  HrValue outer_embeds;    /* what the function around the model's holds of embeddings that the model scales */
  HrValue text;            /* embeddings of the text, before the first join */
  HrJoin joins[HR_PASS_MAX_TOWERS];
  guint n_joins;
  HrBlend blend;
  HrValue returned[HR_PASS_MAX_RETURNED]; /* of a tower all that it returns, where the model holds it */
  guint n_returned;
  GArray *parts;           /* (nullable) (element-type HrValue): likewise, with what was made of each picture */
  HrValue features[HR_PASS_MAX_FEATURES];  /* what inner layers of a tower have handed to the first of the decoder */
  guint n_features;
} HrPass;

void               hr_pass_begin                  (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass,
                                                   guint64             past,
                                                   guint64             sequence);
const HrBlock     *hr_chain_find_block            (const HrChain      *chain,
                                                   HrBlockKind         kind);
void               hr_pass_set_model_symbols      (const HrInference  *self,
                                                   HrReplay           *replay);
void               hr_pass_set_context            (HrReplay           *replay,
                                                   guint64             context);
void               hr_pass_set_attention_symbols  (HrReplay           *replay,
                                                   const HrAttention  *attention);
void               hr_pass_set_class_symbols      (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   const HrLayerClass *klass,
                                                   const HrPass       *pass);
const HrAttention *hr_pass_find_attention_of_kind (const HrInference  *self,
                                                   gboolean            sliding,
                                                   HrPosition          position);
const HrAttention *hr_pass_find_attention         (const HrInference  *self,
                                                   gboolean            sliding);
gboolean           hr_pass_has_attention          (const HrInference  *self);
gboolean           hr_pass_joins_embeddings       (const HrInference  *self);
void               hr_pass_drop_stored            (HrReplay           *replay,
                                                   HrPass             *pass);
void               hr_pass_make_masks             (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
gboolean           hr_pass_has_axes               (const HrInference  *self);
gboolean           hr_pass_counts_outside         (const HrInference  *self);
gboolean           hr_pass_has_rotation           (const HrInference  *self);
void               hr_pass_make_rotations         (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
void               hr_pass_choose_rotation        (HrPass             *pass,
                                                   const HrAttention  *attention);
void               hr_pass_make_distances         (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
void               hr_pass_embed_masked           (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
HrValue            hr_pass_make_pair_mask         (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   const HrPass       *pass);
void               hr_pass_make_alibi             (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
void               hr_pass_count_received         (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
void               hr_pass_embed                  (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
gboolean           hr_pass_joins_in_place         (const HrInference  *self);
void               hr_pass_join                   (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
HrValue            hr_pass_see_across             (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
gboolean           hr_pass_crosses                (const HrInference  *self);
void               hr_pass_cross                  (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
void               hr_pass_leave_source           (HrReplay           *replay,
                                                   HrPass             *pass);
gboolean           hr_pass_hands_over             (const HrInference  *self,
                                                   const HrPass       *pass,
                                                   guint               layer);
HrValue            hr_pass_make_feature           (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrValue             x);
HrValue            hr_pass_add_feature            (HrReplay           *replay,
                                                   HrValue             hidden,
                                                   HrValue             feature,
                                                   HrValue             mask);
void               hr_pass_hand_over              (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass,
                                                   guint               layer);
void               hr_pass_take_over              (HrPass             *self,
                                                   HrPass             *tower);
void               hr_pass_embed_source           (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
HrValue            hr_pass_convolve_frames        (HrReplay           *replay,
                                                   const HrBlock      *block,
                                                   HrValue             x,
                                                   gboolean            is_first,
                                                   HrValue             shape);
HrValue            hr_pass_run_tasks              (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
gboolean           hr_pass_has_long_head          (const HrInference  *self);
void               hr_pass_begin_head             (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass,
                                                   gboolean            all);
void               hr_pass_require_gradient       (HrReplay           *replay,
                                                   HrValue            *embeds);
void               hr_pass_prepare_tasks          (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
HrValue            hr_pass_run_scores             (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
gboolean           hr_pass_makes_scores           (const HrInference  *self);
gboolean           hr_pass_is_pooled              (const HrInference  *self);
gboolean           hr_pass_passes_by              (const HrPass       *pass,
                                                   const HrLayerClass *klass);
void               hr_pass_run_layer              (HrReplay           *replay,
                                                   HrPass             *pass,
                                                   const HrLayerClass *klass);
void               hr_pass_finish                 (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
void               hr_pass_drop_returned          (HrReplay           *replay);
void               hr_pass_scale_output           (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
HrValue            hr_pass_use_head               (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass);
HrValue            hr_pass_run_head               (const HrInference  *self,
                                                   HrReplay           *replay,
                                                   HrPass             *pass,
                                                   gboolean            all);

G_END_DECLS
