/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-tower.h"

/*
 * A tower that gets pictures, and parts of pictures, as rows of patches which are padded to the longest of them
 * (SiglipVisionTransformer of modeling_navit_siglip.py), and queries that attend to each of these once (Resampler of
 * resampler.py), as MiniCPMV.get_vllm_embedding of modeling_minicpmv.py calls them; all of openbmb/MiniCPM-V-2_6.
 */

/* The blocks of the resampler, in the order of its architecture file. */
enum
{
  QUERY,
  KEY_VALUE,
  NORM_QUERY,
  NORM_KEY,
  IN_WEIGHT,
  IN_BIAS,
  OUT,
  NORM_POST,
  MATRIX,
};

/* Numbers of a head (num_heads=embed_dim // 128). */
#define HEAD_DIM 128

/* Queries, keys and values have a matrix in common. */
#define N_THIRDS 3

typedef struct
{
  HrValue weights[N_THIRDS];
  HrValue biases[N_THIRDS];
} Thirds;

/* Whether the tower is Idefics2VisionTransformer, as in openbmb/MiniCPM-Llama3-V-2_5. */
static gboolean
is_of_rows (const HrTower *tower)
{
  return tower->stack->tower == HR_TOWER_ROWS;
}

/*
 * pad_sequence () of all rows, and a copy in the dtype of the model, which a variable holds, or which is handed to the
 * tower alone; then a convolution of those that are seen at once.
 */
static HrValue
embed_patches (const HrTower *tower,
               HrReplay      *replay,
               HrPass        *pass,
               const HrBlock *block)
{
  HrValue padded = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE);
  HrValue cast = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE);
  HrValue weight, bias;

  replay->symbols[HR_SYMBOL_BATCH] = tower->given;
  padded = hr_op_like (replay, "pad_sequence", "all_pixel_values", padded);
  pass->beside[pass->n_beside++] = hr_op_like (replay, "zeros", "patch_attn_mask",
                                               HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES));
  if (is_of_rows (tower))
    pass->beside[pass->n_beside++] = padded;
  if (replay->parameter_dtype == HR_ELEMENT_FLOAT32)
    cast = hr_op_view (replay, padded, cast);
  else
    cast = hr_op_like (replay, "_to_copy", "all_pixel_values", cast);
  if (!is_of_rows (tower))
    hr_replay_drop (replay, padded);
  pass->beside[pass->n_beside++] = cast;
  replay->symbols[HR_SYMBOL_BATCH] = tower->batch;
  weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_PIXELS, HR_SYMBOL_HIDDEN));
  bias = hr_autograd_bias (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));

  return hr_op_convolution (replay, "patch_embeds", cast, weight, bias,
                            HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES, HR_SYMBOL_HIDDEN));
}

/* `embeddings + self.position_embedding (position_ids)` */
static void
add_positions (HrReplay      *replay,
               HrPass        *pass,
               HrValue        patches,
               const HrBlock *block)
{
  HrValue ids = hr_op_like (replay, "_to_copy", "position_ids",
                            HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES));
  HrValue table, positions;

  replay->block = block->path;
  replay->symbols[HR_SYMBOL_POSITIONS] = block->position_embedding.n_positions;
  table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_POSITIONS, HR_SYMBOL_HIDDEN));
  positions = hr_op_embedding (replay, "position_embedding(…)", ids, table,
                               HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE,
                                         HR_SYMBOL_HIDDEN));
  pass->hidden = hr_op_binary (replay, HR_BINARY_ADD, "embeddings", patches, positions);
  hr_replay_drop (replay, positions);
  hr_replay_drop (replay, ids);
}

/*
 * _prepare_4d_attention_mask of transformers/modeling_attn_mask_utils.py: the mask of each picture for each of its
 * patches, what that leaves of 1, and the lowest number where there is something left.
 */
static void
make_mask (HrReplay *replay,
           HrPass   *pass)
{
  HrValue shape = HR_SHAPE (pass->hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue truths = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue expanded, inverted, hidden;

  replay->sentence = N_("while the attention mask is made");
  replay->symbols[HR_SYMBOL_CONTEXT] = replay->symbols[HR_SYMBOL_SEQUENCE];
  expanded = hr_op_like (replay, "_to_copy", "expanded_mask", shape);
  inverted = hr_op_like (replay, "rsub", "inverted_mask", shape);
  hidden = hr_op_like (replay, "_to_copy", "inverted_mask.to(torch.bool)", truths);
  pass->full_mask = hr_op_like (replay, "masked_fill", "attention_mask", shape);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, inverted);
  hr_replay_drop (replay, expanded);
}

/*
 * hr_tower_embed_slices:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers.
 */
void
hr_tower_embed_slices (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  const HrBlock *convolution = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_CONVOLUTION);
  const HrBlock *table = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);
  HrValue patches;

  replay->block = convolution->path;
  patches = embed_patches (self->tower, replay, pass, convolution);
  if (is_of_rows (self->tower))
    {
      hr_tower_find_positions (replay, pass, patches, table);
      hr_replay_drop (replay, patches);
      hr_tower_require_gradient (self, replay, &pass->hidden);
    }
  else
    {
      hr_tower_require_gradient (self, replay, &patches);
      add_positions (replay, pass, patches, table);
      hr_replay_drop (replay, patches);
    }
  /* create_bidirectional_mask() makes none where nothing is hidden. */
  if (self->tower->is_padded)
    make_mask (replay, pass);
  pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
}

/* What all calls of the tower have made, one after the other, and torch.cat of it. */
static HrValue
join_calls (const HrTower *tower,
            HrReplay      *replay,
            HrPass        *pass)
{
  HrValue all = HR_SHAPE (pass->hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_SOURCE, HR_SYMBOL_HIDDEN);
  HrValue earlier;

  if (tower->given == tower->batch)
    return hr_op_view (replay, pass->hidden, all);

  replay->symbols[HR_SYMBOL_BATCH] = tower->given - tower->batch;
  earlier = hr_op_like (replay, "append", "hs", all);
  replay->symbols[HR_SYMBOL_BATCH] = tower->given;
  all = hr_op_like (replay, "cat", "vision_embedding", all);
  hr_replay_drop (replay, earlier);

  return all;
}

/* Sines and cosines of rows and of columns of each picture, in the dtype of what was seen, padded to the longest. */
static HrValue
make_positions (const HrTower *tower,
                HrReplay      *replay,
                HrElement      element)
{
  HrValue one = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SOURCE, HR_SYMBOL_TEXT_HIDDEN);
  HrValue parts, result;

  one = hr_op_like (replay, "clone", "self.pos_embed[:tgt_h, :tgt_w]", one);
  replay->symbols[HR_SYMBOL_KEPT] = tower->filled * replay->symbols[HR_SYMBOL_TEXT_HIDDEN] *
                                     hr_element_get_bytes (element);
  parts = hr_op_like (replay, "_to_copy", "pos_embed", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
  hr_replay_drop (replay, one);
  result = hr_op_like (replay, "pad_sequence", "pos_embed",
                       HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SOURCE, HR_SYMBOL_TEXT_HIDDEN));
  hr_replay_drop (replay, parts);

  return result;
}

/*
 * `w.chunk (3)`, `b.chunk (3)` (_in_projection_packed of torch/nn/functional.py): autocast does not cache the copies of
 * views.
 */
static void
split_packed (HrReplay      *replay,
              const HrChain *chain,
              Thirds        *thirds)
{
  HrValue weight = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_TEXT_HIDDEN, HR_SYMBOL_TEXT_HIDDEN);
  HrValue bias = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_TEXT_HIDDEN);

  weight.count = bias.count = N_THIRDS;
  replay->block = chain->blocks[IN_WEIGHT].path;
  hr_op_chunk (replay, hr_autograd_parameter (replay, weight), N_THIRDS, thirds->weights);
  replay->block = chain->blocks[IN_BIAS].path;
  hr_op_chunk (replay, hr_autograd_bias (replay, bias), N_THIRDS, thirds->biases);
  for (guint i = 0; i < N_THIRDS; i++)
    thirds->weights[i].is_trained = thirds->biases[i].is_trained = FALSE;
}

/*
 * What has the batch behind the sequence is copied to be seen as rows, of more than one picture.
 */
static HrValue
project_third (HrReplay     *replay,
               const Thirds *thirds,
               HrValue       x,
               const char   *name,
               guint         third)
{
  HrValue input, result;

  input = third > 0 && replay->symbols[HR_SYMBOL_BATCH] > 1 ? hr_op_copy (replay, name, x, hr_value_detach (x))
                                                            : hr_replay_hold (replay, x);
  result = hr_op_linear_by (replay, input, name, thirds->weights[third], thirds->biases[third], hr_value_detach (x));
  hr_replay_drop (replay, input);

  return result;
}

/* multi_head_attention_forward of torch/nn/functional.py, with need_weights and a mask of what pads pictures. */
static HrValue
attend (HrReplay      *replay,
        const HrChain *chain,
        HrValue        queries,
        HrValue        keys,
        HrValue        values)
{
  HrElement element = queries.element;
  HrValue scores = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_QUERY_HEADS, HR_SYMBOL_QUERIES, HR_SYMBOL_SOURCE);
  HrValue averages = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_QUERIES, HR_SYMBOL_SOURCE);
  HrValue mask = hr_op_like (replay, "zeros_like", "key_padding_mask",
                             HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SOURCE));
  HrValue q, k, v, spread, scaled, weights, output;
  Thirds thirds;

  split_packed (replay, chain, &thirds);
  q = project_third (replay, &thirds, queries, "q", 0);
  k = project_third (replay, &thirds, keys, "k", 1);
  v = project_third (replay, &thirds, values, "v", 2);
  /* `.expand (…).reshape (…)`: a view, of a single picture. */
  spread = replay->symbols[HR_SYMBOL_BATCH] > 1
             ? hr_op_like (replay, "clone", "key_padding_mask",
                           HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_QUERY_HEADS, HR_SYMBOL_SOURCE))
             : HR_NO_VALUE;
  scaled = hr_op_unary (replay, HR_UNARY_DIV, "q_scaled", q);
  weights = hr_op_matmul (replay, "attn_output_weights", scaled, k, scores);
  hr_replay_assign (replay, &weights, hr_op_softmax (replay, "attn_output_weights", weights, weights.element));
  output = hr_op_matmul (replay, "attn_output", weights, v, hr_value_detach (q));
  hr_replay_assign (replay, &output, hr_op_copy (replay, "attn_output", output, hr_value_detach (output)));
  replay->block = chain->blocks[OUT].path;
  hr_replay_assign (replay, &output, hr_tower_run_linear (replay, output, &chain->blocks[OUT], HR_SYMBOL_TEXT_HIDDEN));
  hr_replay_drop (replay, hr_op_like (replay, "mean", "attn_output_weights", averages));
  hr_replay_drop (replay, weights);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, spread);
  hr_replay_drop (replay, v);
  hr_replay_drop (replay, k);
  hr_replay_drop (replay, q);
  hr_replay_drop (replay, mask);

  return output;
}

/* Queries are repeated for each picture; what was seen is values, and keys where positions are added. */
static HrValue
ask (HrReplay      *replay,
     const HrChain *chain,
     HrValue        seen,
     HrValue        positions,
     HrValue        query)
{
  HrValue repeated = hr_op_repeat (replay, "query", query,
                                   HR_SHAPE (query.element, HR_SYMBOL_BATCH, HR_SYMBOL_QUERIES, HR_SYMBOL_TEXT_HIDDEN));
  HrValue keys = hr_op_binary (replay, HR_BINARY_ADD, "x + pos_embed", seen, positions);
  HrValue result = attend (replay, chain, repeated, keys, seen);

  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, repeated);

  return result;
}

/* `self.ln_post (x) @ self.proj` */
static HrValue
finish (HrReplay      *replay,
        const HrChain *chain,
        HrValue        x)
{
  HrValue matrix, normed, result;

  replay->block = chain->blocks[NORM_POST].path;
  normed = hr_replay_norm (replay, x, &chain->blocks[NORM_POST].norm);
  replay->block = chain->blocks[MATRIX].path;
  matrix = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_TEXT_HIDDEN,
                                                    HR_SYMBOL_TEXT_HIDDEN));
  result = hr_op_linear_by (replay, normed, "x", matrix, HR_NO_VALUE, hr_value_detach (normed));
  hr_replay_drop (replay, normed);

  return result;
}

/*
 * hr_tower_query:
 * @self: a tower
 * @replay: a tape
 * @pass: the variables of its function, after its last norm
 *
 * Runs the resampler behind a tower.
 *
 * Returns: the vectors of all pictures in a row
 */
HrValue
hr_tower_query (const HrTower *self,
                HrReplay      *replay,
                HrPass        *pass)
{
  const HrChain *chain = &self->projector->embeddings;
  const HrShape *shape = &chain->blocks[QUERY].parameter.shape;
  HrValue mask, positions, all, seen, query, answers, view;

  if (is_of_rows (self))
    hr_replay_drop (replay, pass->beside[--pass->n_beside]);
  replay->symbols[HR_SYMBOL_SOURCE] = self->sequence;
  replay->symbols[HR_SYMBOL_QUERIES] = shape->sizes[0];
  replay->symbols[HR_SYMBOL_TEXT_HIDDEN] = shape->sizes[1];
  replay->symbols[HR_SYMBOL_QUERY_HEADS] = shape->sizes[1] / HEAD_DIM;
  all = join_calls (self, replay, pass);
  mask = hr_op_like (replay, "zeros", "key_padding_mask",
                     HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SOURCE));
  positions = make_positions (self, replay, all.element);
  seen = hr_tower_run_linear (replay, all, &chain->blocks[KEY_VALUE], HR_SYMBOL_TEXT_HIDDEN);
  replay->block = chain->blocks[NORM_KEY].path;
  hr_replay_assign (replay, &seen, hr_replay_norm (replay, seen, &chain->blocks[NORM_KEY].norm));
  replay->block = chain->blocks[QUERY].path;
  query = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_QUERIES, HR_SYMBOL_TEXT_HIDDEN));
  replay->block = chain->blocks[NORM_QUERY].path;
  query = hr_replay_norm (replay, query, &chain->blocks[NORM_QUERY].norm);
  answers = ask (replay, chain, seen, positions, query);
  hr_replay_drop (replay, seen);
  seen = finish (replay, chain, answers);
  hr_replay_drop (replay, answers);
  hr_replay_drop (replay, query);
  hr_replay_drop (replay, positions);
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, all);
  view = hr_op_view (replay, seen, HR_SHAPE (seen.element, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN));
  hr_replay_drop (replay, seen);

  return view;
}
