/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-tower.h"

#include "hr-inference-cache.h"
#include "hr-live-parameters.h"
#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-sharding-flat.h"

/*
 * What a vision tower does before its layers and after them; the layers themselves are those of any stack. All patches
 * of all images are in a row, so that there is no batch (Qwen2VisionTransformerPretrainedModel.forward of
 * modeling_qwen2_vl.py, Qwen2_5_VisionTransformerPretrainedModel.forward of modeling_qwen2_5_vl.py).
 */

void
hr_tower_clear (HrTower *self)
{
  for (guint i = 0; self->inner != NULL && i < self->inner->len; i++)
    hr_tower_clear (&g_array_index (self->inner, HrTower, i));
  g_clear_pointer (&self->inner, g_array_unref);
  g_clear_pointer (&self->maps, g_array_unref);
  g_clear_pointer (&self->chunks, g_array_unref);
  g_clear_pointer (&self->windows, g_array_unref);
}

/*
 * hr_tower_get_bytes:
 * @self: a tower
 * @element: what the model is held in
 *
 * Gets what the pixels take on the device, as they come from the processor: in fp32, but where the tower does not cast
 * them, or the trainer has.
 *
 * Returns: the size in bytes
 */
guint64
hr_tower_get_bytes (const HrTower *self,
                    HrElement      element)
{
  gboolean is_cast = self->is_cast || self->stack->tower == HR_TOWER_UNFOLDED;
  guint size = is_cast ? hr_element_get_bytes (element) : sizeof (float);

  if (self->inner != NULL)
    return hr_tower_get_bytes (&g_array_index (self->inner, HrTower, 0), element);
  if (self->stack->tower == HR_TOWER_SLICES || self->stack->tower == HR_TOWER_ROWS)
    return self->apart;

  if (self->stack->tower == HR_TOWER_CONFORMER)
    return hr_ledger_round (self->picture * size);

  return hr_ledger_round (MAX (self->given, self->batch) * self->picture * size);
}

static const HrBlock *
get_convolution (const HrTower *self)
{
  return hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_CONVOLUTION);
}

/*
 * hr_tower_get_mask_bytes:
 * @self: a tower
 *
 * Gets what the mask takes that says which frames of a spectrogram are of the sound: in int32, as NumPy makes it
 * (SequenceFeatureExtractor of transformers/feature_extraction_sequence_utils.py); or which pixels are of the picture,
 * in int64 (Idefics3ImageProcessor).
 *
 * Returns: the size in bytes
 */
guint64
hr_tower_get_mask_bytes (const HrTower *self)
{
  if (self->inner != NULL)
    return hr_tower_get_mask_bytes (&g_array_index (self->inner, HrTower, 0));
  /* aspect_ratio_ids and aspect_ratio_mask of MllamaImageProcessor. */
  if (self->stack->tower == HR_TOWER_TILES)
    return hr_ledger_round (self->batch * sizeof (gint64)) +
           hr_ledger_round (self->batch * self->tiles * sizeof (gint64));
  /* image_sizes and image_attention_mask of Phi4MultimodalImageProcessor. */
  if (self->stack->tower == HR_TOWER_CROPS)
    return hr_ledger_round (2 * self->maps->len * sizeof (gint64)) +
           hr_ledger_round (self->batch * self->patches * sizeof (float));
  /* audio_embed_sizes and audio_attention_mask of Phi4MultimodalFeatureExtractor. */
  if (self->stack->tower == HR_TOWER_CONFORMER)
    return hr_ledger_round (self->given * sizeof (gint64)) +
           (self->given > 1 ? hr_ledger_round (self->given * self->frames) : 0);
  if (self->stack->tower == HR_TOWER_PADDED)
    return hr_ledger_round (self->batch * self->picture / get_convolution (self)->convolution.in_channels *
                            sizeof (gint64));

  return hr_ledger_round (self->batch * self->frames * sizeof (gint32));
}

/*
 * hr_tower_casts_pixels:
 * @replay: a tape on which a tower runs
 *
 * Returns: whether pixels are copied in the dtype of the model
 */
gboolean
hr_tower_casts_pixels (const HrReplay *replay)
{
  return replay->parameter_dtype != HR_ELEMENT_FLOAT32 && !replay->tower->is_cast;
}

/*
 * hr_tower_get_tiles:
 * @self: a tower of pictures of tiles
 *
 * Returns: the tiles of all pictures
 */
guint64
hr_tower_get_tiles (const HrTower *self)
{
  return self->batch * self->tiles;
}

/*
 * hr_tower_is_of_sounds:
 * @stack: a tower
 *
 * Returns: whether it hears sounds of one length
 */
gboolean
hr_tower_is_of_sounds (const HrStack *stack)
{
  return stack->tower == HR_TOWER_WHISPER;
}

/*
 * hr_tower_init_pass:
 * @self: a tower
 * @outer: how the whole model runs
 * @pass: (out): how the tower does
 *
 * Says how a tower runs within a call of the model.
 */
void
hr_tower_init_pass (const HrTower     *self,
                    const HrInference *outer,
                    HrInference       *pass)
{
  *pass = *outer;
  pass->stack = self->stack;
  pass->tower = self;
  pass->towers = self->inner;
  pass->encoder = NULL;
  pass->source = pass->decoder_ids = HR_NO_VALUE;
  pass->source_length = self->inner != NULL ? g_array_index (self->inner, HrTower, 0).sequence : 0;
  pass->first_layer = 0;
  pass->n_layers = self->stack->n_layers;
  pass->batch = self->batch;
  pass->prompt = self->sequence;
  pass->use_cache = FALSE;
  pass->mask = HR_ATTENTION_MASK_NONE;
  pass->has_inputs = pass->has_norm = TRUE;
  pass->has_head = FALSE;
  /* MiniCPMV.init_vision_module: "not suport sdpa". */
  if (self->stack->tower == HR_TOWER_SLICES)
    pass->attention = HR_ATTENTION_IMPLEMENTATION_EAGER;
}

/*
 * hr_tower_find_parameter:
 * @chain: what comes before the layers of a tower
 * @use: what a tensor is for
 *
 * Finds a tensor that stands by itself.
 *
 * Returns: (nullable): its block, or %NULL if there is none
 */
const HrBlock *
hr_tower_find_parameter (const HrChain  *chain,
                         HrParameterUse  use)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == HR_BLOCK_PARAMETER && chain->blocks[i].parameter.use == use)
        return &chain->blocks[i];
    }

  return NULL;
}

/* How wide what goes through its layers is. */
static guint64
get_width (const HrTower *self)
{
  const HrBlock *latents = hr_tower_find_parameter (&self->stack->embeddings, HR_PARAMETER_LATENTS);

  if (self->stack->tower == HR_TOWER_UNFOLDED || self->stack->tower == HR_TOWER_CONFORMER)
    return hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_LINEAR)->linear.out_features;
  if (self->stack->tower == HR_TOWER_AGAIN)
    return get_width (&g_array_index (self->inner, HrTower, 0));

  return latents != NULL ? latents->parameter.shape.sizes[1] : get_convolution (self)->convolution.out_channels;
}

/* Of a square of the table of positions, between which a patch lies. */
#define N_CORNERS 4

/*
 * hr_tower_set_symbols:
 * @self: a tower
 * @text_hidden: the width of what the decoder reads
 * @replay: a tape
 *
 * Says what the symbols stand for while a tower runs.
 */
void
hr_tower_set_symbols (const HrTower *self,
                      guint64        text_hidden,
                      HrReplay      *replay)
{
  guint64 *symbols = replay->symbols;
  guint64 hidden = get_width (self);

  symbols[HR_SYMBOL_BATCH] = self->batch;
  symbols[HR_SYMBOL_SEQUENCE] = self->sequence;
  symbols[HR_SYMBOL_HIDDEN] = hidden;
  symbols[HR_SYMBOL_PATCHES] = self->patches;
  symbols[HR_SYMBOL_PIXELS] = self->pixels;
  symbols[HR_SYMBOL_PICTURE] = self->picture;
  symbols[HR_SYMBOL_SEEN] = self->seen;
  symbols[HR_SYMBOL_MERGED] = hidden * self->merge * (hr_tower_is_of_sounds (self->stack) ? 1 : self->merge);
  symbols[HR_SYMBOL_TEXT_HIDDEN] = text_hidden;
  symbols[HR_SYMBOL_TILES_SEEN] = self->patches + self->tiles;
  replay->tower = self;
}

/*
 * hr_tower_require_gradient:
 * @self: the pass of a tower
 * @replay: a tape
 * @embeds: (inout): what the module makes that transformers knows as its input embeddings
 *
 * Lets gradients flow to what it makes, as hr_pass_require_gradient() does, if it has such a module.
 */
void
hr_tower_require_gradient (const HrInference *self,
                           HrReplay          *replay,
                           HrValue           *embeds)
{
  if (self->stack->hooks_embeddings)
    hr_pass_require_gradient (replay, embeds);
}

/* A convolution whose windows do not overlap is a product of patches and a matrix (PatchEmbed). */
static HrValue
embed_patches (const HrInference *self,
               HrReplay          *replay,
               HrValue            pixels,
               const HrBlock     *block)
{
  HrValue weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_PIXELS,
                                                            HR_SYMBOL_HIDDEN));
  HrValue bias = HR_NO_VALUE;
  HrValue result;

  if (block->convolution.has_bias)
    bias = hr_autograd_bias (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));

  hr_live_parameters_enter (replay, &pixels, weight, bias);
  result = hr_op_linear_by (replay, pixels, "hidden_states", weight, bias,
                            HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));
  hr_tower_require_gradient (self, replay, &result);
  hr_live_parameters_leave (replay, &result);

  return result;
}

static gboolean
has_windows (const HrInference *self)
{
  return self->tower->windows != NULL;
}

/* hidden_states[window_index, :, :]: the patches in the order of the windows. */
static void
reorder (HrReplay   *replay,
         HrValue    *x,
         HrValue     indices,
         const char *name)
{
  hr_replay_assign (replay, x, hr_op_take (replay, name, *x, indices, *x));
}

/* `window_index`, and `reverse_indices = torch.argsort (window_index)`: of patches that are merged. */
static void
make_window_indices (HrReplay *replay,
                     HrPass   *pass)
{
  HrValue merged = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEEN);

  pass->position_ids = hr_op_like (replay, "cat", "window_index", merged);
  pass->position_embeds = hr_op_like (replay, "argsort", "reverse_indices", merged);
}

/*
 * `pos_embeds = (self.pos_embed (bilinear_indices) * bilinear_weights[:, :, None]).sum (0)`: four rows of a table for
 * each patch, weighted in fp32 (Qwen3VLVisionModel).
 */
static void
add_interpolated (HrReplay      *replay,
                  HrPass        *pass,
                  const HrBlock *block)
{
  HrValue four = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE);
  HrValue shape = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue indices, weights, table, rows, products, sums, cast;

  replay->block = block->path;
  replay->symbols[HR_SYMBOL_POSITIONS] = block->position_embedding.n_positions;
  four.count = shape.count = N_CORNERS;
  indices = pass->beside[pass->n_beside++] = hr_op_like (replay, "stack", "bilinear_indices", four);
  weights = pass->beside[pass->n_beside++] = hr_op_like (replay, "stack", "bilinear_weights", four);
  table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_POSITIONS, HR_SYMBOL_HIDDEN));
  hr_live_parameters_enter (replay, NULL, table, HR_NO_VALUE);
  rows = hr_op_embedding (replay, "pos_embed(…)", indices, table, shape);
  hr_live_parameters_leave (replay, &rows);
  products = hr_op_product (replay, "pos_embed(…)·weights", rows, weights, shape);
  hr_replay_drop (replay, rows);
  shape.count = 1;
  sums = hr_op_sum_over (replay, "pos_embeds", products, shape);
  pass->beside[pass->n_beside++] = hr_value_detach (sums);
  hr_replay_drop (replay, products);
  cast = hr_op_cast (replay, sums, pass->hidden.element);
  hr_replay_assign (replay, &pass->hidden,
                    hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", pass->hidden, cast));
  hr_replay_drop (replay, cast);
}

/* Angles of rows and of columns, as wide as the frequencies, their cosines and sines, which all layers share. */
static void
make_rotation (const HrInference *self,
               HrReplay          *replay,
               HrPass            *pass)
{
  HrValue angles = HR_SHAPE (hr_sharding_get_buffer_element (replay), HR_SYMBOL_SEQUENCE, HR_SYMBOL_HEAD);
  HrValue half = angles;

  hr_pass_set_attention_symbols (replay, hr_layer_class_get_attention (&self->stack->layer_classes[0]));
  replay->sentence = N_("while the angles of the rotation are computed");
  half.divisor = 2;
  pass->beside[pass->n_beside] = hr_op_like (replay, "mul", "rotary_pos_emb", half);
  if (has_windows (self))
    reorder (replay, &pass->beside[pass->n_beside], pass->position_ids, "rotary_pos_emb");
  pass->n_beside++;
  if (hr_layer_class_get_attention (&self->stack->layer_classes[0])->rotary_apart)
    return;

  pass->beside[pass->n_beside++] = hr_op_like (replay, "cat", "emb", angles);
  pass->cos[0] = hr_op_like (replay, "cos", "cos", angles);
  pass->sin[0] = hr_op_like (replay, "sin", "sin", angles);
}

/*
 * hr_tower_embed:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers: pixels in the dtype of the model, patches as vectors, their positions.
 */
void
hr_tower_embed (const HrInference *self,
                HrReplay          *replay,
                HrPass            *pass)
{
  const HrBlock *convolution = get_convolution (self->tower);
  const HrBlock *table = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);
  HrValue positions = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE);
  HrValue pixels;

  /* What of it no block is named for is of the tower as well, and trained as that is. */
  if (self->stack->embeddings.n_blocks > 0)
    replay->block = self->stack->embeddings.blocks[0].path;
  if (hr_tower_is_of_sounds (self->stack))
    {
      hr_tower_embed_sounds (self, replay, pass);
      return;
    }
  if (self->stack->tower == HR_TOWER_CHUNKED)
    {
      hr_tower_embed_chunks (self, replay, pass);
      return;
    }
  if (self->stack->tower == HR_TOWER_CONFORMER)
    {
      hr_tower_embed_conformer (self, replay, pass);
      return;
    }

  replay->sentence = N_("while patches of images are embedded");
  if (self->stack->tower == HR_TOWER_VIT)
    {
      hr_tower_embed_pictures (self, replay, pass);
      return;
    }

  if (self->stack->tower == HR_TOWER_PADDED || self->stack->tower == HR_TOWER_CROPS)
    {
      hr_tower_embed_padded (self, replay, pass);
      return;
    }

  if (self->stack->tower == HR_TOWER_SLICES || self->stack->tower == HR_TOWER_ROWS)
    {
      hr_tower_embed_slices (self, replay, pass);
      return;
    }

  if (self->stack->tower == HR_TOWER_PIXTRAL)
    {
      hr_tower_embed_sizes (self, replay, pass);
      return;
    }

  if (self->stack->tower == HR_TOWER_TILES)
    {
      hr_tower_embed_tiles (self, replay, pass);
      return;
    }

  if (self->stack->tower == HR_TOWER_AGAIN)
    {
      hr_tower_embed_again (self, replay, pass);
      return;
    }

  if (self->stack->tower == HR_TOWER_UNFOLDED)
    {
      hr_tower_embed_unfolded (self, replay, pass);
      return;
    }

  if (self->stack->tower == HR_TOWER_RESAMPLER)
    {
      hr_tower_embed_resampler (self, replay, pass);
      return;
    }

  replay->block = convolution->path;
  pixels = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_PIXELS);
  if (hr_tower_casts_pixels (replay))
    hr_replay_assign (replay, &pixels, hr_sharding_cast_given (replay, "pixel_values", pixels));
  pass->beside[pass->n_beside++] = pixels;
  positions.count = 2;
  pass->beside[pass->n_beside++] = hr_op_like (replay, "cat", "position_ids", positions);
  pass->hidden = embed_patches (self, replay, pixels, convolution);
  if (table != NULL)
    add_interpolated (replay, pass, table);
  if (has_windows (self))
    {
      make_window_indices (replay, pass);
      reorder (replay, &pass->hidden, pass->position_ids, "hidden_states");
    }
  make_rotation (self, replay, pass);
  pass->chunks[0] = self->tower->chunks;
  pass->chunks[1] = self->tower->windows;
}

/*
 * hr_tower_run_linear:
 * @replay: a tape
 * @x: a tensor
 * @block: a linear layer
 * @width: the symbol for what it makes
 *
 * Runs a linear layer of a projector.
 *
 * Returns: the result
 */
HrValue
hr_tower_run_linear (HrReplay      *replay,
                     HrValue        x,
                     const HrBlock *block,
                     HrSymbol       width)
{
  replay->block = block->path;
  replay->symbols[width] = block->linear.out_features;

  return hr_op_linear (replay, x, HR_MODULE_SELF, "x", width, 1, block->linear.has_bias);
}

/* Two linear layers with a gelu between, over what the norm made of patches that are side by side (PatchMerger). */
static HrValue
merge (const HrTower *tower,
       HrReplay      *replay,
       HrValue        x)
{
  const HrChain *chain = &tower->projector->final;
  HrValue merged = HR_SHAPE (x.element, HR_SYMBOL_SEEN, HR_SYMBOL_MERGED);
  guint n_linear = 0;
  HrValue view;

  x = hr_replay_hold (replay, x);
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];

      replay->block = block->path;
      if (block->kind == HR_BLOCK_NORM)
        {
          hr_replay_assign (replay, &x, hr_replay_norm (replay, x, &block->norm));
          continue;
        }
      if (n_linear == 0)
        {
          view = hr_op_view (replay, x, merged);
          hr_replay_assign (replay, &x, view);
        }
      else
        {
          hr_replay_assign (replay, &x, hr_op_unary (replay, HR_UNARY_GELU, "x", x));
        }
      hr_replay_assign (replay, &x, hr_tower_run_linear (replay, x, block, n_linear == 0 ? HR_SYMBOL_PROJECTOR
                                                                                        : HR_SYMBOL_TEXT_HIDDEN));
      n_linear++;
    }

  return x;
}

/*
 * hr_tower_merge:
 * @replay: a tape
 * @x: what a layer has made of patches
 * @chain: a norm and two linear layers
 *
 * `x = self.norm (…)`, of patches or of what they become together, then
 * `self.linear_fc2 (self.act_fn (self.linear_fc1 (x)))` (Qwen3VLVisionPatchMerger).
 *
 * Returns: the vectors
 */
HrValue
hr_tower_merge (HrReplay      *replay,
                HrValue        x,
                const HrChain *chain)
{
  HrValue merged = HR_SHAPE (x.element, HR_SYMBOL_SEEN, HR_SYMBOL_MERGED);
  const HrBlock *norm = &chain->blocks[0];
  gboolean is_merged_first = norm->norm.size == replay->symbols[HR_SYMBOL_MERGED];
  HrValue view, result;

  x = is_merged_first ? hr_op_view (replay, x, merged) : hr_replay_hold (replay, x);
  replay->block = norm->path;
  hr_replay_assign (replay, &x, hr_replay_norm (replay, x, &norm->norm));
  view = hr_op_view (replay, x, merged);
  hr_replay_assign (replay, &x, view);
  result = hr_tower_run_linear (replay, x, &chain->blocks[1], HR_SYMBOL_PROJECTOR);
  hr_replay_assign (replay, &result, hr_op_unary (replay, HR_UNARY_GELU, "act_fn(…)", result));
  hr_replay_assign (replay, &result, hr_tower_run_linear (replay, result, &chain->blocks[2], HR_SYMBOL_TEXT_HIDDEN));
  hr_replay_drop (replay, x);

  return result;
}

/*
 * hr_tower_split_and_join:
 * @replay: a tape
 * @x: vectors of all images
 *
 * torch.split by image, torch.cat of all again: a copy (get_image_features, Qwen2VLModel.forward; likewise list () and
 * torch.cat of LlavaModel).
 *
 * Returns: the copy
 */
HrValue
hr_tower_split_and_join (HrReplay *replay,
                         HrValue   x)
{
  HrValue part = hr_op_view (replay, x, x);
  HrValue joined;

  hr_op_record (replay, &part, HR_GRADIENT_LIKE_INPUT, "cat", &x, 1);
  joined = hr_op_cat (replay, "image_embeds", &part, 1, x);
  hr_replay_drop (replay, part);

  return joined;
}

static void
drop_beside (HrReplay *replay,
             HrPass   *pass)
{
  while (pass->n_beside > 0)
    hr_replay_drop (replay, pass->beside[--pass->n_beside]);
  hr_replay_assign (replay, &pass->position_embeds, HR_NO_VALUE);
  hr_replay_assign (replay, &pass->position_ids, HR_NO_VALUE);
  for (guint i = 0; i < G_N_ELEMENTS (pass->cos); i++)
    {
      hr_replay_drop (replay, pass->sin[i]);
      hr_replay_drop (replay, pass->cos[i]);
    }
}

/*
 * hr_tower_finish:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes after the layers, until the vectors are there that the decoder reads.
 */
void
hr_tower_finish (const HrInference *self,
                 HrReplay          *replay,
                 HrPass            *pass)
{
  const HrTower *tower = self->tower;
  HrStretch stretch;
  HrValue seen;

  if (hr_tower_is_of_sounds (tower->stack))
    {
      hr_tower_finish_sounds (self, replay, pass);
      return;
    }
  if (tower->stack->tower == HR_TOWER_CHUNKED)
    {
      hr_tower_finish_chunks (self, replay, pass);
      return;
    }
  if (tower->stack->tower == HR_TOWER_CONFORMER)
    {
      hr_tower_finish_conformer (self, replay, pass);
      return;
    }
  if (tower->stack->tower == HR_TOWER_TILES)
    {
      hr_tower_finish_tiles (self, replay, pass);
      return;
    }
  if (tower->stack->tower == HR_TOWER_AGAIN)
    {
      hr_tower_finish_again (self, replay, pass);
      return;
    }
  if (tower->stack->tower == HR_TOWER_UNFOLDED)
    {
      hr_tower_finish_unfolded (self, replay, pass);
      return;
    }
  if (tower->stack->tower == HR_TOWER_RESAMPLER)
    {
      hr_tower_finish_resampler (self, replay, pass);
      return;
    }
  if (tower->stack->tower == HR_TOWER_CROPS)
    {
      hr_tower_finish_crops (self, replay, pass);
      return;
    }
  if (tower->stack->tower != HR_TOWER_QWEN_VL)
    {
      hr_tower_finish_pictures (self, replay, pass);
      return;
    }

  hr_replay_begin (replay, &stretch, tower->projector != NULL ? tower->projector->id : NULL, -1);
  replay->sentence = N_("while patches are merged for the language model");
  seen = tower->projector->projector == HR_PROJECTOR_MERGER
           ? hr_tower_merge (replay, pass->hidden, &tower->projector->final)
           : merge (tower, replay, pass->hidden);
  if (tower->windows != NULL)
    reorder (replay, &seen, pass->position_embeds, "merged_hidden_states");
  drop_beside (replay, pass);
  if (tower->stack->keeps_outputs)
    {
      pass->returned[pass->n_returned++] = hr_value_detach (hr_replay_hold (replay, pass->hidden));
      pass->returned[pass->n_returned++] = hr_value_detach (hr_replay_hold (replay, seen));
    }
  hr_replay_assign (replay, &pass->hidden, HR_NO_VALUE);
  hr_replay_drop (replay, pass->weights);
  hr_replay_assign (replay, &seen, hr_tower_split_and_join (replay, seen));
  hr_replay_assign (replay, &seen, hr_op_cast (replay, seen, replay->dtype));
  pass->hidden = seen;
  hr_replay_rename (replay, seen, "image_embeds");
  hr_replay_end (replay);
}
