/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-checkpointing.h"
#include "hr-flops.h"
#include "hr-inference.h"
#include "hr-tuning.h"

G_BEGIN_DECLS

/**
 * HrFlopPass:
 * @model: a model
 * @inference: which of its stacks run, over what batch, with which attention
 * @past: tokens of each sequence that keys and values are kept of
 * @sequence: tokens of each sequence that are computed
 * @is_first: whether what the decoder reads is made as well: by an encoder, or by towers
 * @all_logits: whether there are logits of all these tokens
 * @n_logits: of how many of them there are, or 0 for what @all_logits says
 * @trains: whether a backward pass follows
 * @is_adapted: whether adapters run though nothing is trained
 * @tuning: (nullable): what a method of fine-tuning does to the model, or %NULL if all of it is trained
 * @checkpointing: what is computed anew in the backward pass
 * @n_senders: how many groups of ranks share the experts, each with as many tokens; 0 or 1: this one has them alone
 *
 * A pass of a model whose operations are to be counted.
 */
typedef struct
{
  HrModel *model;
  const HrInference *inference;
  guint64 past;
  guint64 sequence;
  gboolean is_first;
  gboolean all_logits;
  guint64 n_logits;
  gboolean trains;
  gboolean is_adapted;
  const HrTuning *tuning;
  HrCheckpointing checkpointing;
  guint64 n_senders;
} HrFlopPass;

/**
 * HrFlopWalk:
 * @pass: what is counted
 * @count: where
 * @tensors: (element-type utf8 GPtrArray): the tensors of each block, by its path
 * @stack: the stack that runs
 * @layer: the index of the layer that runs, -1 outside of the layers
 * @batch: sequences
 * @sequence: tokens of each
 * @past: tokens of each that have gone before
 * @source: positions that a cross attention reads
 * @source_flow: whether a gradient flows to what another tower has made of them
 * @tower: (nullable): the tower that @stack is
 * @part: what counts as that of a tower
 * @is_tower: whether it does
 * @is_read: whether anything reads what is made
 * @layer_forward: what the layer has computed so far
 * @last_part: what its last product was of
 * @last: what that was
 * @saves_last: whether the backward pass needs something that was made after it
 * @n_products: products by a matrix without a bias so far
 * @skipped: every second of these
 * @own_rank: the inner width of adapters that the last block has itself
 *
 * Where in a model the counting is.
 */
typedef struct
{
  const HrFlopPass *pass;
  HrFlopCount *count;
  GHashTable *tensors;
  const HrStack *stack;
  int layer;
  guint64 batch;
  guint64 sequence;
  guint64 past;
  guint64 source;
  gboolean source_flow;
  const struct _HrTower *tower;
  HrFlopPart part;
  gboolean is_tower;
  gboolean is_read;
  guint64 layer_forward[HR_N_FLOP_PARTS];
  HrFlopPart last_part;
  guint64 last;
  gboolean saves_last;
  guint n_products;
  guint64 skipped[HR_N_FLOP_PARTS];
  guint64 own_rank;
} HrFlopWalk;

HrFlopCount *hr_flop_pass_count      (const HrFlopPass *self) G_GNUC_WARN_UNUSED_RESULT;
HrFlopPart   hr_flop_walk_get_part   (const HrFlopWalk *self,
                                      HrFlopPart        part);
guint64      hr_flop_walk_multiply   (HrFlopWalk       *self,
                                      HrFlopPart        part,
                                      guint64           rows,
                                      guint64           size);
void         hr_flop_walk_derive     (HrFlopWalk       *self,
                                      HrFlopPart        part,
                                      guint64           n,
                                      gboolean          flow,
                                      gboolean          is_trained);
void         hr_flop_walk_note_skipped (HrFlopWalk     *self,
                                        HrFlopPart      part,
                                        guint64         n);
gboolean     hr_flop_walk_trains_layer (const HrFlopWalk *self,
                                        const HrBlock    *block);
gboolean     hr_flop_walk_trains     (const HrFlopWalk *self,
                                      const HrBlock    *block,
                                      HrModule          module);
gboolean     hr_flop_walk_trains_biases (const HrFlopWalk *self,
                                         const HrBlock    *block);
gboolean     hr_flop_walk_run_module (HrFlopWalk       *self,
                                      HrFlopPart        part,
                                      const HrBlock    *block,
                                      HrModule          module,
                                      guint64           rows,
                                      gboolean          flow);
void         hr_flop_walk_run_adapter (HrFlopWalk      *self,
                                       const HrTunedModule *tuned,
                                       guint64          rows,
                                       guint64          n_matrices,
                                       guint64          out_features,
                                       guint64          in_features,
                                       gboolean         flow);
gboolean     hr_flop_walk_run_embedding (HrFlopWalk    *self,
                                         const HrBlock *block,
                                         gboolean       flow);
void         hr_flop_walk_run_prompt (HrFlopWalk       *self);
void         hr_flop_walk_run_own_adapter (HrFlopWalk  *self,
                                           HrFlopPart   part,
                                           const HrBlock *block,
                                           guint64      rank,
                                           guint64      in_features,
                                           guint64      out_features);
gboolean     hr_flop_walk_run_block  (HrFlopWalk       *self,
                                      const HrBlock    *block,
                                      gboolean          flow);
gboolean     hr_flop_walk_run_attention (HrFlopWalk    *self,
                                         const HrBlock *block,
                                         gboolean       flow);
gboolean     hr_flop_walk_run_mixer  (HrFlopWalk       *self,
                                      const HrBlock    *block,
                                      gboolean          flow);

G_END_DECLS
