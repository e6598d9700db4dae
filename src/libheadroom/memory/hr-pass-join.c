/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-operator-select.h"
#include "hr-sharding.h"
#include "hr-tower.h"

/* What towers make of images, sounds and videos is put among the embeddings of the text. */

/* masked_fill, then masked_scatter_backward (torch/csrc/autograd/FunctionsManual.cpp). */
static void
backward_scatter (HrReplay     *replay,
                  const HrNode *node,
                  HrValue       gradient,
                  HrValue      *gradients)
{
  if (hr_value_needs_gradient (node->inputs[0]))
    gradients[0] = hr_op_make_gradient (replay, "masked_fill", gradient);
  if (hr_value_needs_gradient (node->inputs[1]))
    gradients[1] = hr_op_make_gradient (replay, "masked_scatter_backward", hr_value_detach (node->inputs[1]));
}

static HrValue
enter_graph (HrReplay *replay,
             HrValue   value)
{
  return hr_value_needs_gradient (value) ? hr_autograd_boundary (replay, value) : hr_value_detach (value);
}

static HrValue
make_mask (HrReplay *replay)
{
  return hr_op_like (replay, "eq", "image_mask", HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
}

static HrValue
scatter (HrReplay *replay,
         HrValue   text,
         HrValue   seen,
         HrValue  *mask)
{
  HrValue inputs[2], joined;

  *mask = make_mask (replay);
  inputs[0] = text;
  inputs[1] = hr_op_cast (replay, seen, text.element);
  joined = hr_op_like (replay, "masked_scatter", "inputs_embeds", hr_value_detach (text));
  if (hr_autograd_record (replay, &joined, backward_scatter, inputs, G_N_ELEMENTS (inputs)))
    hr_autograd_save (replay, joined, *mask);
  hr_replay_drop (replay, inputs[1]);

  return joined;
}

/*
 * Which block of what was seen, and which of its vectors, each token stands for; these are put into zeros, and either
 * is taken where it belongs (inputs_merger of SmolVLMModel).
 */
static HrValue
put_blocks (HrReplay *replay,
            HrValue   text,
            HrValue   seen)
{
  HrValue numbers = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue mask = make_mask (replay);
  HrValue counted = hr_op_like (replay, "cumsum", "row_cum", numbers);
  HrValue places[3];
  HrValue indices[2];
  HrValue zeros, rows, joined;

  for (guint i = 0; i < 2; i++)
    {
      HrValue earlier = hr_op_like (replay, "sub", "row_cum − 1", numbers);

      places[i] = hr_op_like (replay, "floor_divide", i == 0 ? "chunk_idx" : "local_idx", numbers);
      hr_replay_drop (replay, earlier);
    }
  places[2] = hr_op_like (replay, "add", "block_idx", numbers);
  zeros = hr_op_like (replay, "zeros_like", "image_embeds", hr_value_detach (text));
  for (guint i = 0; i < G_N_ELEMENTS (indices); i++)
    indices[i] = hr_op_like (replay, "index", "block_idx[image_mask]", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEEN));
  rows = hr_op_take (replay, "image_hidden_states[…]", seen, indices[0], hr_value_detach (seen));
  if (hr_value_needs_gradient (rows))
    hr_autograd_save (replay, rows, indices[1]);
  hr_op_put (replay, &zeros, mask, rows);
  hr_replay_drop (replay, rows);
  for (guint i = 0; i < G_N_ELEMENTS (indices); i++)
    hr_replay_drop (replay, indices[i]);
  joined = hr_op_where (replay, "merged_embeds", mask, zeros, text);
  hr_replay_drop (replay, zeros);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    hr_replay_drop (replay, places[i]);
  hr_replay_drop (replay, counted);
  hr_replay_drop (replay, mask);

  return joined;
}

static HrJoinPath
get_path (const HrInference *self,
          guint              index)
{
  const HrStack *projector = g_array_index (self->towers, HrTower, index).projector;

  return projector != NULL ? projector->joins : HR_JOIN_SCATTER;
}

/*
 * hr_pass_joins_in_place:
 * @self: the pass of a model
 *
 * Returns: whether what was seen is written into the embeddings themselves
 */
gboolean
hr_pass_joins_in_place (const HrInference *self)
{
  return self->tower == NULL && self->towers != NULL && self->towers->len > 0 && get_path (self, 0) == HR_JOIN_IN_PLACE;
}

/*
 * `image_mask, _ = self.get_placeholder_mask (…)`: `_` holds the mask of the other kind until it returns. Where
 * Qwen2AudioModel looks for sounds a variable, audio_tokens, has the same mask.
 */
static gboolean
returns_both (const HrInference *self,
              guint              index)
{
  const HrTower *tower = &g_array_index (self->towers, HrTower, index);

  if (get_path (self, index) == HR_JOIN_PUT || get_path (self, index) == HR_JOIN_IN_PLACE)
    return FALSE;

  return tower->stack->tower == HR_TOWER_QWEN_VL || tower->stack->tower == HR_TOWER_CHUNKED ||
         tower->projector->masks_both;
}

/* grad.index_put (indices, zeros) and grad.index (indices) (tools/autograd/derivatives.yaml). */
static void
backward_put (HrReplay     *replay,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  if (hr_value_needs_gradient (node->inputs[0]))
    {
      HrValue zeros = hr_op_make_gradient (replay, "zeros", hr_value_detach (node->inputs[1]));

      gradients[0] = hr_op_make_gradient (replay, "index_put", gradient);
      hr_replay_drop (replay, zeros);
    }
  if (hr_value_needs_gradient (node->inputs[1]))
    gradients[1] = hr_op_make_gradient (replay, "index", hr_value_detach (node->inputs[1]));
}

/* `inputs_embeds.index_put (torch.nonzero (input_ids == …, as_tuple=True), image_embeds)`. */
static HrValue
find_places (HrReplay *replay)
{
  HrValue indices = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEEN);
  HrValue found = make_mask (replay);

  indices.count = 2;
  indices = hr_op_like (replay, "nonzero", "positions_tuple", indices);
  hr_replay_drop (replay, found);

  return indices;
}

/* @places may be found already, before the tower of sounds has run. */
static HrValue
put (HrReplay *replay,
     HrValue   text,
     HrValue   seen,
     HrValue   places)
{
  const HrValue inputs[2] = { text, seen };
  HrValue indices = places.storage >= 0 ? hr_replay_hold (replay, places) : find_places (replay);
  HrValue joined;

  joined = hr_op_like (replay, "index_put", "image_embeds", hr_value_detach (text));
  if (hr_autograd_record (replay, &joined, backward_put, inputs, G_N_ELEMENTS (inputs)))
    hr_autograd_save (replay, joined, indices);
  hr_replay_drop (replay, indices);

  return joined;
}

/*
 * vision_hidden_states of MiniCPMV.get_vllm_embedding: what each sequence has of what was seen, in the dtype of the
 * text, which is made after these views.
 */
static void
cut_rows (HrReplay *replay,
          HrJoin   *join)
{
  HrValue shape = HR_SHAPE (join->seen.element, HR_SYMBOL_SEEN_EACH, HR_SYMBOL_TEXT_HIDDEN);
  HrGraph *graph = replay->graph;
  gboolean is_cast = join->seen.element != join->text.element;
  guint64 bytes = 0;

  join->cuts = replay->graph = hr_graph_new ();
  join->seen = enter_graph (replay, join->seen);
  for (guint i = 0; i < join->rows->len; i++)
    g_array_index (join->rows, HrJoinRow, i).cut = hr_op_slice (replay, join->seen, shape);
  for (guint i = 0; i < join->rows->len; i++)
    {
      HrJoinRow *row = &g_array_index (join->rows, HrJoinRow, i);

      hr_replay_assign (replay, &row->cut, hr_op_cast (replay, row->cut, join->text.element));
      bytes += hr_replay_get_bytes (replay, row->cut);
    }
  replay->graph = graph;
  for (guint i = 0; i < join->rows->len; i++)
    {
      HrJoinRow *row = &g_array_index (join->rows, HrJoinRow, i);

      row->part = enter_graph (replay, row->cut);
      if (is_cast)
        hr_replay_leave (replay, row->cut);
      else
        hr_replay_drop (replay, row->cut);
      row->part.storage = row->cut.storage = -1;
    }
  if (!is_cast)
    return;

  /* The function returns the copies, and lets go of what they were made of. */
  hr_replay_drop (replay, join->seen);
  join->seen.storage = hr_replay_adopt (replay, "vision_hidden_states", replay->component, bytes).storage;
}

/*
 * `cur_vllm_emb.scatter_ (0, image_indices.view (-1, 1).repeat (1, …), …)` of a sequence at a time: where each number
 * goes, in int64 (MiniCPMV.get_vllm_embedding).
 */
static HrValue
scatter_in_place (HrReplay *replay,
                  HrJoin   *join)
{
  HrValue indices = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEEN_EACH, HR_SYMBOL_TEXT_HIDDEN);
  HrValue row = HR_SHAPE (join->text.element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TEXT_HIDDEN);
  HrValue joined = hr_replay_hold (replay, join->text);
  guint64 n = replay->symbols[HR_SYMBOL_BATCH];

  replay->symbols[HR_SYMBOL_SEEN_EACH] = replay->symbols[HR_SYMBOL_SEEN] / n;
  if (replay->graph == NULL)
    {
      hr_replay_drop (replay, hr_op_like (replay, "repeat", "image_indices", indices));
      return joined;
    }

  join->rows = g_array_new (FALSE, TRUE, sizeof (HrJoinRow));
  g_array_set_size (join->rows, n);
  cut_rows (replay, join);
  for (guint i = 0; i < n; i++)
    {
      HrValue repeated = hr_op_like (replay, "repeat", "image_indices", indices);

      hr_op_scatter_row (replay, &joined, row, repeated, g_array_index (join->rows, HrJoinRow, i).part);
      hr_replay_drop (replay, repeated);
    }

  return joined;
}

static HrValue
get_places (const HrInference *self,
            const HrJoin      *join,
            guint              index)
{
  const HrStack *stack = g_array_index (self->towers, HrTower, index).stack;

  return stack->tower == HR_TOWER_CONFORMER ? g_array_index (join->parts, HrValue, 0) : HR_NO_VALUE;
}

static HrValue
join_by_path (const HrInference *self,
              HrReplay          *replay,
              HrJoin            *join,
              guint              index)
{
  switch (get_path (self, index))
    {
    case HR_JOIN_BLOCKS:
      return put_blocks (replay, join->text, join->seen);

    case HR_JOIN_PUT:
      return put (replay, join->text, join->seen, get_places (self, join, index));

    case HR_JOIN_IN_PLACE:
      return scatter_in_place (replay, join);

    case HR_JOIN_SCATTER:
    case HR_JOIN_INSIDE:
    case HR_JOIN_CROSS:
    default:
      return scatter (replay, join->text, join->seen, &join->mask);
    }
}

/* One variable for those of images and of videos. */
static void
make_other_mask (HrReplay *replay,
                 HrPass   *pass)
{
  HrJoin *join = &pass->joins[pass->n_joins - 1];

  join->other_mask = hr_op_like (replay, "eq", "_", hr_value_detach (join->mask));
  if (pass->n_joins > 1)
    hr_replay_assign (replay, &pass->joins[pass->n_joins - 2].other_mask, HR_NO_VALUE);
}

/* Runs a tower, which has symbols and stretches of its own. */
static HrValue
run_tower (const HrInference *self,
           HrReplay          *replay,
           HrPass            *pass,
           guint              index)
{
  guint64 symbols[HR_N_SYMBOLS];
  HrStretch *stretch = replay->stretch;
  HrGraph *graph = replay->graph;
  const char *block = replay->block;
  HrValue seen;

  hr_replay_end (replay);
  memcpy (symbols, replay->symbols, sizeof symbols);
  replay->graph = NULL;
  seen = self->see (self, replay, index, pass, self->see_data);
  replay->graph = graph;
  if (self->tower == NULL)
    {
      symbols[HR_SYMBOL_SEEN] = replay->symbols[HR_SYMBOL_SEEN];
      symbols[HR_SYMBOL_TEXT_HIDDEN] = replay->symbols[HR_SYMBOL_TEXT_HIDDEN];
    }
  replay->tower = self->tower;
  memcpy (replay->symbols, symbols, sizeof symbols);
  hr_replay_begin (replay, stretch, block, -1);
  replay->sentence = N_("while what was seen is put among the text");

  return seen;
}

/* MiniCPMV.get_vllm_embedding calls embed_tokens when all has been seen. */
static HrValue
embed_later (const HrInference *self,
             HrReplay          *replay,
             HrPass            *pass,
             guint              index)
{
  HrValue embeds = pass->inputs_embeds;
  HrValue seen;

  hr_replay_assign (replay, &pass->inputs_embeds, HR_NO_VALUE);
  seen = run_tower (self, replay, pass, index);
  hr_sharding_gather (replay, HR_SHARDED_EMBEDDING);
  embeds.storage = hr_op_like (replay, "embedding", "vllm_embedding", hr_value_detach (embeds)).storage;
  hr_sharding_let_go (replay, HR_SHARDED_EMBEDDING);
  pass->text = pass->inputs_embeds = embeds;

  return seen;
}

/* The variables of the function that has put what one tower has made among the text. */
static void
leave_join_function (HrReplay *replay,
                     HrJoin   *join)
{
  for (guint i = 0; join->parts != NULL && i < join->parts->len; i++)
    hr_replay_drop (replay, g_array_index (join->parts, HrValue, i));
  g_clear_pointer (&join->parts, g_array_unref);
  hr_replay_drop (replay, join->seen);
  join->seen.storage = -1;
}

/*
 * A function of its own has put everything among the text: its variables go, and those of the functions that it has
 * called. The nodes stay.
 */
static void
leave_function (HrReplay *replay,
                HrPass   *pass)
{
  for (guint i = 0; i < pass->n_joins; i++)
    {
      HrJoin *join = &pass->joins[i];

      if (join->seen.storage >= 0)
        leave_join_function (replay, join);
      hr_replay_assign (replay, &join->mask, HR_NO_VALUE);
      hr_replay_assign (replay, &join->other_mask, HR_NO_VALUE);
    }
}

/* `image_embeds * image_position_mask + audio_embeds * non_image_position_mask` (Phi4MultimodalFeatureEmbedding). */
static void
mix (HrReplay *replay,
     HrPass   *pass)
{
  HrBlend *blend = &pass->blend;
  const HrValue masks[] = { pass->joins[0].mask, pass->joins[0].other_mask };
  HrValue products[2];

  blend->is_there = TRUE;
  blend->graph = replay->graph != NULL ? hr_graph_new () : NULL;
  replay->graph = blend->graph;
  for (guint i = 0; i < G_N_ELEMENTS (products); i++)
    {
      HrValue joined = pass->joins[i].joined;

      blend->parts[i] = replay->graph != NULL ? enter_graph (replay, joined) : joined;
      products[i] = hr_op_product (replay, "image_embeds·mask", blend->parts[i], masks[i], hr_value_detach (joined));
    }
  blend->mixed = hr_op_binary (replay, HR_BINARY_ADD, "inputs_embeds", products[0], products[1]);
  for (guint i = 0; i < G_N_ELEMENTS (products); i++)
    {
      hr_replay_drop (replay, products[i]);
      hr_replay_drop (replay, pass->joins[i].joined);
    }
  hr_replay_assign (replay, &pass->inputs_embeds, blend->mixed);
}

/*
 * hr_pass_see_across:
 * @self: a pass that does not put what was seen among the text: that of a tower that has another one before it, or of a
 *   decoder whose layers attend to it
 * @replay: a tape
 * @pass: the variables of its function
 *
 * Has the tower see. What is made of that is recorded in a graph of its own, in which the tape is left.
 *
 * Returns: what it has made
 */
HrValue
hr_pass_see_across (const HrInference *self,
                   HrReplay          *replay,
                   HrPass            *pass)
{
  HrJoin *join = &pass->joins[pass->n_joins++];
  HrValue seen;

  *join = (HrJoin) {
    .text = HR_NO_VALUE, .seen = HR_NO_VALUE, .joined = HR_NO_VALUE, .mask = HR_NO_VALUE, .other_mask = HR_NO_VALUE,
    .crosses = TRUE,
  };
  seen = run_tower (self, replay, pass, 0);
  if (replay->graph != NULL)
    {
      join->graph = replay->graph = hr_graph_new ();
      seen = enter_graph (replay, seen);
    }
  join->seen = seen;

  return seen;
}

/*
 * hr_pass_join:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass, with the embeddings of the text
 *
 * Has each tower see what it is given, and puts the result in the places that the text leaves for it
 * (inputs_embeds.masked_scatter (mask, image_embeds)). Each is recorded in a graph of its own, since a tower is
 * differentiated after what has come behind it, and before what has come before.
 */
void
hr_pass_join (const HrInference *self,
              HrReplay          *replay,
              HrPass            *pass)
{
  gboolean mixes = self->towers->len > 1 && get_path (self, 0) == HR_JOIN_PUT;

  pass->text = pass->inputs_embeds;
  for (guint i = 0; i < MIN (self->towers->len, HR_PASS_MAX_TOWERS); i++)
    {
      HrJoin *join = &pass->joins[pass->n_joins++];
      HrValue text, seen;

      *join = (HrJoin) {
        .text = HR_NO_VALUE, .seen = HR_NO_VALUE, .joined = HR_NO_VALUE, .mask = HR_NO_VALUE,
        .other_mask = HR_NO_VALUE,
      };
      /* image_position_mask and non_image_position_mask of Phi4MultimodalFeatureEmbedding, once for all towers. */
      if (get_path (self, i) == HR_JOIN_PUT && i == 0)
        {
          join->mask = make_mask (replay);
          join->other_mask = make_mask (replay);
        }
      seen = get_path (self, i) == HR_JOIN_IN_PLACE ? embed_later (self, replay, pass, i)
                                                    : run_tower (self, replay, pass, i);
      text = pass->inputs_embeds;
      if (replay->graph != NULL)
        {
          join->graph = replay->graph = hr_graph_new ();
          text = enter_graph (replay, text);
          seen = enter_graph (replay, seen);
        }
      join->text = text;
      join->seen = seen;
      join->joined = join_by_path (self, replay, join, i);
      if (returns_both (self, i))
        make_other_mask (replay, pass);
      if (mixes)
        leave_join_function (replay, join);
      else
        hr_replay_assign (replay, &pass->inputs_embeds, join->joined);
    }
  if (mixes)
    mix (replay, pass);
  if (get_path (self, 0) == HR_JOIN_PUT)
    leave_function (replay, pass);
}
