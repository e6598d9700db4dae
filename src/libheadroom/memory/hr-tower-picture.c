/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-cache.h"
#include "hr-live-parameters.h"
#include "hr-operator-sequence.h"
#include "hr-sharding.h"
#include "hr-tower.h"

/*
 * A tower that sees a batch of pictures of one size (CLIPVisionModel of modeling_clip.py, SiglipVisionModel of
 * modeling_siglip.py): what comes before its layers and after them.
 */

/* `pixel_values.to (dtype)`: a copy, but where they are in that already. */
static HrValue
cast_pixels (HrReplay *replay)
{
  HrValue pixels = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE);

  return hr_tower_casts_pixels (replay) ? hr_sharding_cast_given (replay, "pixel_values", pixels) : pixels;
}

static HrValue
embed_patches (const HrTower *self,
               HrReplay      *replay,
               HrPass        *pass,
               const HrBlock *block)
{
  HrValue weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_PIXELS,
                                                            HR_SYMBOL_HIDDEN));
  HrValue bias = HR_NO_VALUE;
  HrValue pixels, patches;

  /* `torch.cat ([pix_val[:num_patch] …])`: without what pads them (get_image_features of LlavaNextModel). */
  if (self->maps != NULL)
    pass->beside[pass->n_beside++] = hr_op_like (replay, "cat", "pixel_values",
                                                 HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE));

  replay->block = block->path;
  if (block->convolution.has_bias)
    bias = hr_autograd_bias (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  pixels = cast_pixels (replay);
  hr_live_parameters_enter (replay, &pixels, weight, bias);
  patches = hr_op_convolution (replay, "patch_embeds", pixels, weight, bias,
                               HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES, HR_SYMBOL_HIDDEN));
  hr_live_parameters_leave (replay, &patches);
  /* get_image_features of the outer model has cast them, and holds them (InternVLModel). */
  if (self->projector->keeps_pixels)
    pass->beside[pass->n_beside++] = pixels;
  else
    hr_replay_drop (replay, pixels);

  return patches;
}

/* torch.cat ([class_embeds, patch_embeds], dim=1): one row stands for the class of every picture. */
static HrValue
add_class (HrReplay *replay,
           HrValue   patches)
{
  HrValue row = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  HrValue parts[2];
  HrValue joined;

  parts[0] = hr_op_view (replay, row, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN));
  hr_op_record (replay, &parts[0], HR_GRADIENT_TYPED_AS_INPUT, "sum", &row, 1);
  parts[1] = patches;
  joined = hr_op_cat (replay, "embeddings", parts, 2,
                      HR_SHAPE (patches.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));
  hr_replay_drop (replay, parts[0]);

  return joined;
}

static void
add_positions (HrReplay      *replay,
               HrPass        *pass,
               const HrBlock *block)
{
  HrValue table, positions;

  replay->block = block->path;
  replay->symbols[HR_SYMBOL_POSITIONS] = block->position_embedding.n_positions;
  table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_POSITIONS, HR_SYMBOL_HIDDEN));
  hr_live_parameters_enter (replay, NULL, table, HR_NO_VALUE);
  positions = hr_op_embedding (replay, "position_embedding(…)", HR_NO_VALUE, table,
                               HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));
  hr_live_parameters_leave (replay, &positions);
  hr_replay_assign (replay, &pass->hidden,
                    hr_op_binary (replay, HR_BINARY_ADD, "embeddings", pass->hidden, positions));
  hr_replay_drop (replay, positions);
}

/* `embeddings + self.position_embeddings`, as they are where pictures have the size of the config. */
static void
add_table (HrReplay *replay,
           HrPass   *pass)
{
  HrValue table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_SEQUENCE,
                                                           HR_SYMBOL_HIDDEN));

  hr_replay_assign (replay, &pass->hidden,
                    hr_op_binary (replay, HR_BINARY_ADD, "embeddings", pass->hidden, table));
}

/* The module of all of it has the token of a class, and a table that is no module, for its own parameters. */
static void
enter_embeddings (HrReplay      *replay,
                  const HrChain *embeddings)
{
  HrValue row = HR_NO_VALUE, table = HR_NO_VALUE;

  if (hr_tower_find_parameter (embeddings, HR_PARAMETER_CLASS) != NULL)
    row = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN);
  if (hr_tower_find_parameter (embeddings, HR_PARAMETER_POSITIONS) != NULL)
    table = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  hr_live_parameters_enter (replay, NULL, row, table);
}

/*
 * hr_tower_embed_pictures:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers: patches as vectors, the token of a class, positions (CLIPVisionEmbeddings,
 * SiglipVisionEmbeddings).
 */
void
hr_tower_embed_pictures (const HrInference *self,
                         HrReplay          *replay,
                         HrPass            *pass)
{
  const HrChain *embeddings = &self->stack->embeddings;
  const HrBlock *positions = hr_chain_find_block (embeddings, HR_BLOCK_POSITION_EMBEDDING);
  const HrBlock *norm = hr_chain_find_block (embeddings, HR_BLOCK_NORM);
  HrValue patches;

  enter_embeddings (replay, embeddings);
  patches = embed_patches (self->tower, replay, pass, hr_chain_find_block (embeddings, HR_BLOCK_CONVOLUTION));
  hr_tower_require_gradient (self, replay, &patches);
  pass->hidden = hr_tower_find_parameter (embeddings, HR_PARAMETER_CLASS) != NULL ? add_class (replay, patches)
                                                                                  : hr_replay_hold (replay, patches);
  if (positions != NULL)
    add_positions (replay, pass, positions);
  else if (hr_tower_find_parameter (embeddings, HR_PARAMETER_POSITIONS) != NULL)
    add_table (replay, pass);
  hr_live_parameters_leave (replay, &pass->hidden);
  hr_replay_drop (replay, patches);
  if (norm != NULL)
    {
      replay->block = norm->path;
      hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
    }
  pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
}

/*
 * hr_tower_run_unused:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * The last norm, where what is read is made before it: of the token of a class, where there is one. No gradient flows
 * to it, but what it keeps for one stays as long as what the tower has returned; likewise to the head that follows it.
 *
 * Returns: what the norm has made
 */
HrValue
hr_tower_run_unused (const HrInference *self,
                     HrReplay          *replay,
                     HrPass            *pass)
{
  const HrStack *stack = self->stack;
  const HrBlock *norm = hr_chain_find_block (&stack->final, HR_BLOCK_NORM);
  gboolean has_class = hr_tower_find_parameter (&stack->embeddings, HR_PARAMETER_CLASS) != NULL;
  HrValue x = pass->hidden;
  HrGraph *graph = replay->graph;
  HrValue result;

  if (graph != NULL)
    {
      replay->graph = hr_graph_new ();
      g_ptr_array_add (pass->unused, replay->graph);
      x = hr_value_needs_gradient (x) ? hr_autograd_boundary (replay, x) : x;
    }
  if (has_class)
    x = hr_op_slice (replay, x, HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN));
  else
    x = hr_replay_hold (replay, x);
  replay->block = norm->path;
  result = hr_replay_norm (replay, x, &norm->norm);
  hr_replay_drop (replay, x);
  if (hr_tower_has_probe (stack))
    {
      hr_pass_set_attention_symbols (replay, hr_layer_class_get_attention (&stack->layer_classes[0]));
      pass->beside[pass->n_beside++] = hr_value_detach (hr_tower_run_probe (stack, replay, result,
                                                                            stack->tower == HR_TOWER_CROPS));
    }
  replay->graph = graph;

  return hr_value_detach (result);
}

/*
 * hr_tower_leave:
 * @replay: a tape
 * @pass: the variables of a tower's function
 * @unused: what its last norm has made that nothing reads, or none
 *
 * What the tower has returned goes, with what its layers keep that come behind the one whose output is read.
 */
void
hr_tower_leave (HrReplay *replay,
                HrPass   *pass,
                HrValue   unused)
{
  HrValue shape = HR_SHAPE (pass->hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  guint64 bytes = hr_ledger_round (hr_value_get_elements (shape, replay->symbols) *
                                   hr_element_get_bytes (shape.element));

  for (; pass->n_left > 0; pass->n_left--)
    hr_replay_drop (replay, hr_replay_adopt (replay, "hidden_states", replay->component, bytes));
  for (guint i = 0; pass->unused != NULL && i < pass->unused->len; i++)
    hr_graph_forget (g_ptr_array_index (pass->unused, i), replay);
  while (pass->n_beside > 0)
    hr_replay_drop (replay, pass->beside[--pass->n_beside]);
  hr_replay_drop (replay, unused);
  hr_replay_drop (replay, pass->feature);
  hr_replay_drop (replay, pass->inputs_embeds);
  hr_replay_drop (replay, pass->weights);
  hr_replay_assign (replay, &pass->hidden, HR_NO_VALUE);
}

/*
 * The last norm, where another tower attends to what this one has made. What the function around both holds goes with
 * what this one returns.
 */
static void
finish_inner (HrReplay      *replay,
              HrPass        *pass,
              const HrStack *stack)
{
  const HrBlock *norm = hr_chain_find_block (&stack->final, HR_BLOCK_NORM);
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, norm->path, -1);
  hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
  hr_replay_drop (replay, pass->full_mask);
  hr_replay_assign (replay, &pass->inputs_embeds, HR_NO_VALUE);
  hr_replay_drop (replay, pass->weights);
  while (pass->n_beside > 0)
    pass->returned[pass->n_returned++] = pass->beside[--pass->n_beside];
  hr_replay_rename (replay, pass->hidden, "image_hidden_states");
  hr_replay_end (replay);
}

/*
 * hr_tower_finish_pictures:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes after the layers, until the vectors are there that the decoder reads.
 */
void
hr_tower_finish_pictures (const HrInference *self,
                          HrReplay          *replay,
                          HrPass            *pass)
{
  const HrTower *tower = self->tower;
  const HrBlock *norm = hr_chain_find_block (&tower->stack->final, HR_BLOCK_NORM);
  HrValue unused = HR_NO_VALUE;
  HrStretch stretch;
  HrValue seen;

  if (tower->projector == NULL)
    {
      finish_inner (replay, pass, tower->stack);
      return;
    }
  hr_replay_begin (replay, &stretch, tower->projector->id, -1);
  replay->sentence = N_("while what was seen is projected for the language model");
  if (tower->stack->tower == HR_TOWER_PIXTRAL)
    hr_tower_leave_sizes (replay, pass);
  if (norm != NULL && tower->stack->feature_layer > 0)
    {
      unused = hr_tower_run_unused (self, replay, pass);
    }
  else if (norm != NULL)
    {
      replay->block = norm->path;
      hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
    }
  /* What computes layers anew holds it, and reads it from here. */
  if (tower->stack->tower != HR_TOWER_PIXTRAL)
    hr_replay_drop (replay, pass->full_mask);
  if (tower->stack->feature_layer == 0)
    hr_replay_assign (replay, &pass->inputs_embeds, HR_NO_VALUE);
  seen = tower->projector->projector == HR_PROJECTOR_QUERIES
           ? hr_tower_query (tower, replay, pass)
           : hr_tower_project (tower, replay, pass->feature.storage >= 0 ? pass->feature : pass->hidden);
  if (tower->maps != NULL)
    {
      GArray *parts = hr_tower_pack (tower, replay, seen);

      hr_replay_drop (replay, seen);
      hr_tower_leave (replay, pass, unused);
      seen = hr_tower_join_packed (tower, replay, parts, seen);
    }
  else if (tower->videos > 0 && tower->projector->frames == HR_FRAMES_RESIZED)
    {
      hr_tower_resize_frames (tower, replay, &seen);
      hr_tower_leave (replay, pass, unused);
      seen = hr_tower_end_videos (tower, replay, pass, seen);
    }
  else
    {
      hr_tower_leave (replay, pass, unused);
    }
  /* video_feature_lens. */
  if (tower->videos > 0 && tower->projector->frames == HR_FRAMES_AVERAGED)
    pass->returned[pass->n_returned++] = hr_op_like (replay, "_to_copy", "video_feature_lens",
                                                     HR_SHAPE (HR_ELEMENT_INT64));
  if (tower->projector->projector == HR_PROJECTOR_LLAVA || tower->stack->tower == HR_TOWER_PIXTRAL ||
      (tower->videos > 0 && tower->projector->frames == HR_FRAMES_AVERAGED))
    hr_replay_assign (replay, &seen, hr_tower_split_and_join (replay, seen));
  if (tower->projector->joins == HR_JOIN_SCATTER)
    hr_replay_assign (replay, &seen, hr_op_cast (replay, seen, replay->dtype));
  pass->hidden = seen;
  hr_replay_rename (replay, seen, "image_features");
  hr_replay_end (replay);
}
