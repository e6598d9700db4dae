/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-media.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-model-private.h"

/* The towers of a model, with what each of them gets of a batch. */

static gboolean
has_kind (const HrMedia *self,
          HrMediumKind   kind)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      if (g_array_index (self->items, HrMediumTokens, i).kind == kind)
        return TRUE;
    }

  return FALSE;
}

static void
add_chunks (GArray  *chunks,
            guint64  length,
            guint64  count)
{
  HrChunk chunk = { length, count };

  if (length == 0 || count == 0)
    return;
  if (chunks->len > 0 && g_array_index (chunks, HrChunk, chunks->len - 1).length == length)
    g_array_index (chunks, HrChunk, chunks->len - 1).count += count;
  else
    g_array_append_val (chunks, chunk);
}

/*
 * get_vision_window_index of transformers/vision_utils.py: windows of a number of merged patches, cut off where the
 * picture ends.
 */
static void
add_windows (GArray             *windows,
             const HrMediumGrid *grid,
             guint64             side,
             guint64             merge)
{
  guint64 rows = grid->patches_h / merge, columns = grid->patches_w / merge;

  for (guint64 i = 0; i < rows; i += side)
    {
      guint64 height = MIN (side, rows - i) * merge;

      add_chunks (windows, height * side * merge, grid->patches_t * (columns / side));
      add_chunks (windows, height * (columns % side) * merge, grid->patches_t);
    }
}

/* What ends a row of the tiles of a picture, where the stack is that alone. */
static const HrBlock *
find_newline (const HrStack *stack)
{
  return hr_tower_find_parameter (&stack->final, HR_PARAMETER_NEWLINE);
}

/* Behind the tower, or else the first. */
static const HrStack *
find_projector (HrModel       *model,
                const HrStack *tower)
{
  const HrStack *first = NULL;
  gboolean is_behind = FALSE;

  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      if (stack != tower && (stack->role == tower->role || stack->role == HR_STACK_PROJECTOR) && stack->n_layers == 0 &&
          find_newline (stack) == NULL)
        {
          if (is_behind)
            return stack;
          first = first != NULL ? first : stack;
        }
      is_behind |= stack == tower;
    }

  return first;
}

/* Layers that attend to what a tower has seen. */
static const HrStack *
find_resampler (HrModel *model)
{
  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      if (stack->tower == HR_TOWER_RESAMPLER)
        return stack;
    }

  return NULL;
}

static const HrStack *
find_tower (HrModel     *model,
            HrStackRole  role)
{
  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      if (stack->role == role && stack->n_layers > 0)
        return stack;
    }

  return NULL;
}

/* What makes of the output of inner layers what the decoder gets as well. */
static const HrStack *
find_features (HrModel       *model,
               const HrStack *tower)
{
  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      if (stack != tower && stack->role == tower->role && stack->n_layers > 0)
        return stack;
    }

  return NULL;
}

/* The window of the layers that have one, in merged patches of a side. */
static guint64
get_window (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      if (attention != NULL && attention->sliding_window > 0)
        return attention->sliding_window;
    }

  return 0;
}

static guint64
count_pixels (const HrBlock *convolution)
{
  guint64 pixels = convolution->convolution.in_channels;

  for (guint i = 0; i < convolution->convolution.kernel.n_dimensions; i++)
    pixels *= convolution->convolution.kernel.sizes[i];

  return pixels;
}

/* Patches of all images, or of all videos, in a row. */
static void
add_row (HrMedia      *self,
         HrModel      *model,
         HrMediumKind  kind,
         guint64       batch)
{
  const HrStack *stack = find_tower (model, HR_STACK_VISION);
  HrTower tower = { .stack = stack, .projector = find_projector (model, stack), .batch = 1 };
  guint64 merge = _hr_model_get_processor (model)->entries[kind].values[HR_PROCESSOR_MERGE_SIZE];
  guint64 window = get_window (stack);

  tower.merge = merge;
  tower.features = find_features (model, stack);
  tower.pixels = count_pixels (hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION));
  tower.chunks = g_array_new (FALSE, FALSE, sizeof (HrChunk));
  tower.windows = window > 0 ? g_array_new (FALSE, FALSE, sizeof (HrChunk)) : NULL;
  for (guint64 i = 0; i < batch; i++)
    {
      for (guint j = 0; j < self->items->len; j++)
        {
          const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, j);

          const HrMediumGrid *grid = &item->grids[0];

          if (item->kind != kind)
            continue;
          add_chunks (tower.chunks, grid->patches_h * grid->patches_w, grid->patches_t);
          if (window > 0)
            add_windows (tower.windows, grid, window, merge);
          tower.sequence += grid->patches_t * grid->patches_h * grid->patches_w;
          tower.seen += item->seen;
        }
    }
  tower.patches = tower.sequence;
  tower.picture = tower.sequence * tower.pixels;
  g_array_append_val (self->towers, tower);
}

/*
 * Pictures on crops of one size, as many of each as of the one that has most, and each as a whole; padding is masked by
 * patches, and cut off by vectors.
 */
static void
add_crops (HrMedia      *self,
           HrModel      *model,
           HrMediumKind  kind,
           guint64       batch)
{
  const HrStack *stack = find_tower (model, HR_STACK_VISION);
  const HrConvolution *convolution = &hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION)->convolution;
  guint64 side = _hr_model_get_processor (model)->entries[kind].values[HR_PROCESSOR_IMAGE_SIZE];
  HrTower tower = { .stack = stack, .projector = find_projector (model, stack) };
  guint64 rows = side / convolution->kernel.sizes[0];
  guint64 most = 0;

  tower.maps = g_array_new (FALSE, FALSE, sizeof (HrMap));
  tower.merge = (rows + 1) / 2;
  tower.mapped = tower.merge * tower.merge;
  tower.patches = tower.sequence = rows * rows;
  for (guint i = 0; i < batch; i++)
    {
      for (guint j = 0; j < self->items->len; j++)
        {
          const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, j);
          HrMap map = {
            .pieces = item->grids[0].pieces, .tiles_w = item->width / side, .cut_h = item->mapped_h,
            .cut_w = item->mapped_w,
          };

          if (item->kind != kind)
            continue;
          g_array_append_val (tower.maps, map);
          tower.seen += item->seen;
          most = MAX (most, map.pieces);
          tower.is_padded |= item->filled < item->grids[0].pieces * tower.patches;
        }
    }
  tower.batch = tower.maps->len * most;
  tower.pixels = count_pixels (hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION));
  tower.picture = side * side * convolution->in_channels;
  g_array_append_val (self->towers, tower);
}

/* Patches of a side that a projector makes one vector of. */
static guint64
get_side (const HrStack *projector)
{
  const HrBlock *regrouping = hr_chain_find_block (&projector->final, HR_BLOCK_REGROUPING);

  return regrouping != NULL ? regrouping->regrouping.side : 1;
}

/* Images of any size, padded to the largest, whose patches are in a row. */
static void
add_sizes (HrMedia      *self,
           HrModel      *model,
           HrMediumKind  kind,
           guint64       batch)
{
  const HrStack *stack = find_tower (model, HR_STACK_VISION);
  const HrBlock *convolution = hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION);
  HrTower tower = { .stack = stack, .projector = find_projector (model, stack), .batch = 1 };
  guint64 height = 0, width = 0, n = 0;

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, i);
      const HrMediumGrid *grid = &item->grids[0];

      if (item->kind != kind)
        continue;
      n += batch;
      height = MAX (height, grid->patches_h);
      width = MAX (width, grid->patches_w);
      tower.sequence += batch * grid->patches_h * grid->patches_w;
      tower.seen += batch * item->seen;
    }
  tower.patches = n * height * width;
  tower.pixels = count_pixels (convolution);
  tower.picture = tower.patches * tower.pixels;
  tower.merge = get_side (tower.projector);
  g_array_append_val (self->towers, tower);
}

static const HrBlock *
find_newline_of_model (HrModel *model)
{
  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrBlock *newline = find_newline (hr_model_get_stack (model, i));

      if (newline != NULL)
        return newline;
    }

  return NULL;
}

/* How the tiles of all pictures of a batch are put together, in their order. */
static void
add_maps (HrMedia      *self,
          HrTower      *tower,
          HrMediumKind  kind,
          guint64       side,
          guint64       batch)
{
  guint64 most = 0, n = 0;

  tower->maps = g_array_new (FALSE, FALSE, sizeof (HrMap));
  for (guint i = 0; i < batch; i++)
    {
      for (guint j = 0; j < self->items->len; j++)
        {
          const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, j);
          HrMap map = {
            .pieces = item->grids[0].pieces, .tiles_w = item->width / side, .cut_h = item->cut_h, .cut_w = item->cut_w,
            .rows = item->mapped_h, .columns = item->mapped_w,
          };

          if (item->kind != kind)
            continue;
          g_array_append_val (tower->maps, map);
          most = MAX (most, map.pieces);
          n++;
        }
    }
  tower->mapped = tower->projector->drops_class ? tower->patches : tower->sequence;
  tower->given = n * most;
}

/* Channels and numbers of a patch, which a convolution or a matrix makes a vector of. */
static void
read_patches (const HrStack *stack,
              HrModel       *model,
              HrMediumKind   kind,
              guint64       *channels,
              guint64       *pixels)
{
  const HrBlock *convolution = hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION);
  guint64 patch = MAX (_hr_model_get_processor (model)->entries[kind].values[HR_PROCESSOR_PATCH_SIZE], 1);

  if (convolution != NULL)
    {
      *channels = convolution->convolution.in_channels;
      *pixels = count_pixels (convolution);
      return;
    }

  *pixels = hr_chain_find_block (&stack->embeddings, HR_BLOCK_LINEAR)->linear.in_features;
  *channels = *pixels / (patch * patch);
}

/* Frames of videos, of each of which a quarter as many vectors are made, rounded up where they are interpolated. */
static void
set_frames (HrMedia *self,
            HrTower *tower,
            guint64  batch)
{
  guint64 columns = 0, rows = 0;

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, i);

      if (item->kind != HR_MEDIUM_VIDEO)
        continue;
      rows = item->grids[0].patches_h;
      columns = item->grids[0].patches_w;
      tower->videos += batch;
    }
  tower->mapped = tower->projector->frames == HR_FRAMES_RESIZED ? ((rows + 1) / 2) * ((columns + 1) / 2)
                                                                : (rows / 2) * (columns / 2);
}

/* Pictures of one size, one after the other: those of all sequences of the batch. */
static void
add_pictures (HrMedia      *self,
              HrModel      *model,
              HrMediumKind  kind,
              guint64       batch)
{
  const HrStack *stack = find_tower (model, HR_STACK_VISION);
  guint64 side = _hr_model_get_processor (model)->entries[kind].values[HR_PROCESSOR_IMAGE_SIZE];
  HrTower tower = { .stack = stack, .projector = find_projector (model, stack) };
  guint64 channels;

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, i);

      if (item->kind != kind)
        continue;
      for (guint j = 0; j < item->n_grids; j++)
        tower.batch += batch * item->grids[j].pieces;
      tower.seen += batch * item->seen;
      tower.patches = item->grids[0].patches_h * item->grids[0].patches_w;
    }
  tower.sequence = tower.patches + (hr_tower_find_parameter (&stack->embeddings, HR_PARAMETER_CLASS) != NULL);
  tower.merge = get_side (stack->tower == HR_TOWER_UNFOLDED ? stack : tower.projector);
  read_patches (stack, model, kind, &channels, &tower.pixels);
  tower.picture = side * side * channels;
  if (tower.projector->projector == HR_PROJECTOR_PACKED)
    tower.newline = find_newline_of_model (model);
  if (tower.projector->projector == HR_PROJECTOR_PACKED && kind == HR_MEDIUM_VIDEO)
    set_frames (self, &tower, batch);
  else if (tower.projector->projector == HR_PROJECTOR_PACKED)
    {
      add_maps (self, &tower, kind, side, batch);
    }
  g_array_append_val (self->towers, tower);
}

/* Positions of a tile are padded to whole eights (MllamaVisionModel.forward). */
#define TILE_ALIGNMENT 8

/* Tiles of each picture in a row, as many as any may have, with a class for each. Layers of two stacks see them. */
static void
add_tiles (HrMedia      *self,
           HrModel      *model,
           HrMediumKind  kind,
           guint64       batch)
{
  const HrStack *stack = find_tower (model, HR_STACK_VISION);
  const HrConvolution *convolution = &hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION)->convolution;
  HrTower inner = { .stack = stack, .merge = 1 };
  HrTower tower = { .stack = find_features (model, stack), .projector = find_projector (model, stack), .merge = 1 };
  guint64 side = _hr_model_get_processor (model)->entries[kind].values[HR_PROCESSOR_IMAGE_SIZE];
  guint64 patches = 0;

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, i);

      if (item->kind != kind)
        continue;
      inner.batch += batch;
      inner.tiles = item->grids[0].pieces;
      patches = item->grids[0].patches_h * item->grids[0].patches_w;
    }
  inner.patches = inner.tiles * patches;
  inner.pixels = count_pixels (hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION));
  inner.picture = inner.tiles * side * side * convolution->in_channels;
  inner.sequence = inner.tiles * ((patches + 1 + TILE_ALIGNMENT - 1) / TILE_ALIGNMENT * TILE_ALIGNMENT);
  tower.batch = inner.batch;
  tower.tiles = inner.tiles;
  tower.patches = inner.patches;
  tower.sequence = inner.sequence;
  tower.seen = tower.batch * (inner.patches + inner.tiles);
  tower.inner = g_array_new (FALSE, FALSE, sizeof (HrTower));
  g_array_append_val (tower.inner, inner);
  g_array_append_val (self->towers, tower);
}

/*
 * Pictures that are padded to the largest of them, and what their patches are resampled to: so many vectors of each,
 * whatever its size.
 */
static void
add_resampled (HrMedia      *self,
               HrModel      *model,
               HrMediumKind  kind,
               guint64       batch)
{
  const HrStack *stack = find_tower (model, HR_STACK_VISION);
  const HrStack *resampler = find_resampler (model);
  const HrConvolution *convolution = &hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION)->convolution;
  const HrBlock *latents = hr_tower_find_parameter (&resampler->embeddings, HR_PARAMETER_LATENTS);
  HrTower inner = { .stack = stack, .merge = 1 };
  HrTower tower = { .stack = resampler, .projector = resampler, .merge = 1 };
  guint64 height = 0, width = 0, filled = 0;

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, i);

      if (item->kind != kind)
        continue;
      height = MAX (height, item->height);
      width = MAX (width, item->width);
      filled += batch * item->filled;
      inner.batch += batch * item->grids[0].pieces;
      tower.seen += batch * item->seen;
    }
  inner.patches = inner.sequence = (height / convolution->kernel.sizes[0]) * (width / convolution->kernel.sizes[1]);
  inner.pixels = count_pixels (hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION));
  inner.picture = height * width * convolution->in_channels;
  inner.is_padded = filled < inner.batch * inner.patches;
  tower.batch = inner.batch;
  tower.sequence = tower.patches = latents->parameter.shape.sizes[0];
  tower.inner = g_array_new (FALSE, FALSE, sizeof (HrTower));
  g_array_append_val (tower.inner, inner);
  g_array_append_val (self->towers, tower);
}

/*
 * Pictures, and the parts that they are cut into, as rows of patches that are padded to the longest of them
 * (MiniCPMV.get_vllm_embedding); so many of them in one call.
 */
static void
add_slices (HrMedia      *self,
            HrModel      *model,
            HrMediumKind  kind,
            guint64       batch)
{
  const HrStack *stack = find_tower (model, HR_STACK_VISION);
  guint64 at_once = _hr_model_get_processor (model)->entries[kind].values[HR_PROCESSOR_AT_ONCE];
  HrTower tower = { .stack = stack, .projector = find_projector (model, stack), .merge = 1 };

  tower.pixels = count_pixels (hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION));
  for (guint i = 0; i < self->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, i);

      if (item->kind != kind)
        continue;
      for (guint j = 0; j < item->n_grids; j++)
        {
          const HrMediumGrid *grid = &item->grids[j];
          guint64 patches = grid->patches_h * grid->patches_w;

          tower.patches = MAX (tower.patches, patches);
          tower.filled += batch * grid->pieces * patches;
          tower.apart += batch * grid->pieces * hr_ledger_round (patches * tower.pixels * sizeof (float));
          tower.given += batch * grid->pieces;
        }
      tower.seen += batch * item->seen;
    }
  tower.batch = at_once > 0 ? MIN (tower.given, at_once) : tower.given;
  tower.sequence = tower.patches;
  /* The mask of MiniCPM-V 2.5 is set by rows, of which each has one (patch_attn_mask[i, :…]): it hides nothing. */
  tower.is_padded = stack->tower == HR_TOWER_SLICES && tower.filled < tower.given * tower.patches;
  tower.picture = tower.patches * tower.pixels;
  g_array_append_val (self->towers, tower);
}

/* Positions of each sound after those that are side by side have become one. */
static guint64
count_pooled (const HrStack *stack,
              guint64        positions)
{
  const HrBlock *regrouping = hr_chain_find_block (&stack->final, HR_BLOCK_REGROUPING);

  return regrouping != NULL ? positions / regrouping->regrouping.side : positions;
}

/* Sounds of any length, in chunks of one length: those of all sequences of the batch. */
static void
add_sound_chunks (HrMedia *self,
                  HrModel *model,
                  guint64  batch)
{
  const HrProcessorEntry *entry = &_hr_model_get_processor (model)->entries[HR_MEDIUM_AUDIO];
  const HrStack *stack = find_tower (model, HR_STACK_AUDIO);
  const HrBlock *convolution = hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION);
  HrTower tower = { .stack = stack, .batch = 1, .merge = 1 };
  guint64 longest = entry->values[HR_PROCESSOR_PADDED_FRAMES], n = 0;
  guint64 frames = 0, positions = 0;

  tower.chunks = g_array_new (FALSE, FALSE, sizeof (HrChunk));
  for (guint64 i = 0; i < batch; i++)
    {
      for (guint j = 0; j < self->items->len; j++)
        {
          const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, j);

          if (item->kind != HR_MEDIUM_AUDIO)
            continue;
          for (guint k = 0; k < item->n_grids; k++)
            {
              add_chunks (tower.chunks, item->grids[k].patches_t, item->grids[k].pieces);
              tower.n_chunks += item->grids[k].pieces;
              tower.sequence += item->grids[k].pieces * item->grids[k].patches_t;
              frames = MAX (frames, item->grids[k].frames);
              positions = MAX (positions, item->grids[k].patches_t);
            }
          n++;
          tower.heard += item->frames;
          tower.seen += item->seen;
          longest = MAX (longest, item->frames);
        }
    }
  tower.chunk_frames = tower.n_chunks * frames;
  tower.patches = tower.n_chunks * positions;
  tower.pixels = count_pixels (convolution);
  tower.picture = n * longest * convolution->convolution.in_channels;
  tower.frames = n * longest;
  g_array_append_val (self->towers, tower);
}

/* Positions that the layers of a conformer take at once (max_seq_len of Phi4MultimodalAudioModel.forward). */
#define MOST_POSITIONS 500

/*
 * unfold_tensor() of modeling_phi4_multimodal.py makes a view of its pieces that there is of one sound alone, so that
 * the framework fails where one of several is longer than its layers take at once.
 */
static gboolean
cut_sounds (HrTower  *tower,
            HrModel  *model,
            GError  **error)
{
  g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT, tower->given);

  if (tower->sequence <= MOST_POSITIONS)
    return TRUE;
  if (tower->given > 1)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the first place is the name of a model, the second one a number. */
                            N_("“%s”: expected a single sound in all of the batch, as transformers fails to cut "
                               "several into pieces where one is longer than its tower takes at once; found %s"),
                            hr_model_get_name (model), found);
      return FALSE;
    }

  tower->n_chunks = tower->batch = (tower->sequence + MOST_POSITIONS - 1) / MOST_POSITIONS;
  tower->sequence = MOST_POSITIONS;

  return TRUE;
}

/* Frames and bins of all sounds that a convolution which leaves half of both has left. */
static guint64
halve (guint64 *frames,
       guint64 *bins)
{
  *frames = (*frames + 1) / 2;
  *bins = (*bins + 1) / 2;

  return *frames * *bins;
}

/* The projector of sounds that is called where there are images as well, or the one where there are none. */
static const HrStack *
find_hearing_projector (HrModel       *model,
                        const HrStack *tower,
                        gboolean       has_images)
{
  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      if (stack->heard == (has_images ? HR_HEARD_BESIDE_IMAGES : HR_HEARD_ALONE))
        return stack;
    }

  return find_projector (model, tower);
}

/* Sounds padded to the longest of them, those of all sequences of the batch. */
static gboolean
add_padded_sounds (HrMedia  *self,
                   HrModel  *model,
                   guint64   batch,
                   GError  **error)
{
  const HrStack *stack = find_tower (model, HR_STACK_AUDIO);
  const HrStack *projector = find_hearing_projector (model, stack, has_kind (self, HR_MEDIUM_IMAGE));
  HrTower tower = { .stack = stack, .projector = projector, .merge = 1, .n_chunks = 1 };
  guint64 bins = _hr_model_get_processor (model)->entries[HR_MEDIUM_AUDIO].values[HR_PROCESSOR_BINS];
  guint64 frames;

  tower.chunks = g_array_new (FALSE, FALSE, sizeof (HrChunk));
  for (guint64 i = 0; i < batch; i++)
    {
      for (guint j = 0; j < self->items->len; j++)
        {
          const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, j);
          HrChunk chunk = { item->seen, 1 };

          if (item->kind != HR_MEDIUM_AUDIO)
            continue;
          g_array_append_val (tower.chunks, chunk);
          tower.frames = MAX (tower.frames, item->frames);
          tower.sequence = MAX (tower.sequence, item->seen);
          tower.seen += item->seen;
        }
    }
  tower.given = tower.batch = tower.chunks->len;
  tower.patches = tower.given * tower.sequence;
  frames = tower.frames;
  tower.picture = tower.given * frames * bins;
  for (guint i = 0; i < G_N_ELEMENTS (tower.subsampled); i++)
    tower.subsampled[i] = tower.given * halve (&frames, &bins);
  if (!cut_sounds (&tower, model, error))
    {
      hr_tower_clear (&tower);
      return FALSE;
    }
  g_array_append_val (self->towers, tower);

  return TRUE;
}

/* Sounds of one length, one after the other, those of all sequences of the batch. */
static void
add_sounds (HrMedia *self,
            HrModel *model,
            guint64  batch)
{
  const HrStack *stack = find_tower (model, HR_STACK_AUDIO);
  const HrBlock *convolution = hr_chain_find_block (&stack->embeddings, HR_BLOCK_CONVOLUTION);
  HrTower tower = { .stack = stack, .projector = find_projector (model, stack) };
  guint64 frames = 0;

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, i);

      if (item->kind != HR_MEDIUM_AUDIO)
        continue;
      for (guint j = 0; j < item->n_grids; j++)
        {
          tower.batch += batch * item->grids[j].pieces;
          tower.sequence = item->grids[j].patches_t;
          frames = item->grids[j].frames;
        }
      tower.is_padded |= item->frames < item->grids[0].pieces * item->grids[0].frames;
      tower.seen += batch * item->seen;
    }
  tower.patches = count_pooled (stack, tower.sequence);
  tower.merge = get_side (tower.projector);
  tower.pixels = count_pixels (convolution);
  tower.picture = frames * convolution->convolution.in_channels;
  tower.frames = tower.projector->projector == HR_PROJECTOR_QWEN2_AUDIO ? frames : 0;
  g_array_append_val (self->towers, tower);
}

/* Layers of a tower that hand what they make to the decoder as well. */
static guint
count_handing_layers (const HrStack *tower)
{
  guint n = 0;

  for (guint i = 0; tower->hands_on != NULL && i < tower->n_layers; i++)
    n += tower->hands_on[i];

  return n;
}

/* Whether it is known how the tower runs, and how what comes after it does. */
static gboolean
is_known (HrModel       *model,
          const HrStack *tower,
          HrMediumKind   kind)
{
  const HrStack *projector = tower != NULL ? find_projector (model, tower) : NULL;

  if (tower == NULL || tower->tower == HR_TOWER_UNKNOWN)
    return FALSE;
  if (tower->tower == HR_TOWER_PADDED && find_resampler (model) != NULL)
    return TRUE;
  if (count_handing_layers (tower) > HR_PASS_MAX_FEATURES)
    return FALSE;

  /* Frames of a video are not put together, but made smaller. */
  if (projector != NULL && projector->projector == HR_PROJECTOR_PACKED && kind != HR_MEDIUM_IMAGE &&
      projector->frames == HR_FRAMES_UNKNOWN)
    return FALSE;

  return tower->tower == HR_TOWER_QWEN_VL || tower->tower == HR_TOWER_CHUNKED ||
         (projector != NULL && projector->projector != HR_PROJECTOR_UNKNOWN &&
          projector->feature_layer <= tower->n_layers);
}

static gboolean
refuse_tower (HrModel  *model,
              GError  **error)
{
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("“%s”: how its tower runs is not known well enough to estimate the memory of images, sounds "
                           "and videos; their tokens are counted"),
                        hr_model_get_name (model));

  return FALSE;
}

static gboolean
refuse_mixture (HrModel  *model,
                GError  **error)
{
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("“%s”: expected images or videos, as it is not known what both at once take in its tower; "
                           "found both"),
                        hr_model_get_name (model));

  return FALSE;
}

/* Whether an encoder of the model hears a window of a sound, and its decoder attends to what it makes (Whisper). */
static gboolean
has_hearing_encoder (HrModel *model)
{
  const HrStack *encoder = find_tower (model, HR_STACK_ENCODER);

  return encoder != NULL && hr_chain_find_block (&encoder->embeddings, HR_BLOCK_CONVOLUTION) != NULL;
}

/* Each sequence is of one window, which takes the same whatever is heard in it. */
static gboolean
check_window (const HrMedia  *self,
              HrModel        *model,
              GError        **error)
{
  guint64 windows = 0;
  g_autofree char *found = NULL;

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, i);

      for (guint j = 0; j < item->n_grids; j++)
        windows += item->grids[j].pieces;
    }
  if (windows == 1 && self->text_tokens > 0)
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, windows);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the first place is the name of a model, the second one a number. */
                        N_("“%s”: expected text, and one sound for each sequence, as the model hears one window of a "
                           "sound at once; found %s"),
                        hr_model_get_name (model), found);

  return FALSE;
}

/*
 * hr_media_add_towers:
 * @self: what is seen and heard
 * @model: a model
 * @batch: sequences of a batch
 * @error: return location for an error
 *
 * Finds out what the model's towers get of a batch.
 *
 * Returns: whether it is known how they run
 */
gboolean
hr_media_add_towers (HrMedia  *self,
                     HrModel  *model,
                     guint64   batch,
                     GError  **error)
{
  static const HrMediumKind kinds[] = { HR_MEDIUM_IMAGE, HR_MEDIUM_VIDEO };
  const HrStack *vision = find_tower (model, HR_STACK_VISION);
  const HrStack *audio = find_tower (model, HR_STACK_AUDIO);

  self->towers = g_array_new (FALSE, FALSE, sizeof (HrTower));
  if (vision != NULL && count_handing_layers (vision) > 0 && has_kind (self, HR_MEDIUM_IMAGE) &&
      has_kind (self, HR_MEDIUM_VIDEO))
    return refuse_mixture (model, error);
  if (has_kind (self, HR_MEDIUM_AUDIO) && has_hearing_encoder (model))
    return check_window (self, model, error);
  if (has_kind (self, HR_MEDIUM_AUDIO))
    {
      if (!is_known (model, audio, HR_MEDIUM_AUDIO))
        return refuse_tower (model, error);
      if (audio->tower == HR_TOWER_CHUNKED)
        add_sound_chunks (self, model, batch);
      else if (audio->tower != HR_TOWER_CONFORMER)
        add_sounds (self, model, batch);
    }
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (!has_kind (self, kinds[i]))
        continue;
      if (!is_known (model, vision, kinds[i]))
        return refuse_tower (model, error);
      if (vision->tower == HR_TOWER_PIXTRAL)
        add_sizes (self, model, kinds[i], batch);
      else if (vision->tower == HR_TOWER_CROPS)
        add_crops (self, model, kinds[i], batch);
      else if (vision->tower == HR_TOWER_SLICES || vision->tower == HR_TOWER_ROWS)
        add_slices (self, model, kinds[i], batch);
      else if (vision->tower == HR_TOWER_TILES)
        add_tiles (self, model, kinds[i], batch);
      else if (find_resampler (model) != NULL)
        add_resampled (self, model, kinds[i], batch);
      else if (vision->tower == HR_TOWER_VIT || vision->tower == HR_TOWER_PADDED ||
               vision->tower == HR_TOWER_UNFOLDED)
        add_pictures (self, model, kinds[i], batch);
      else
        add_row (self, model, kinds[i], batch);
    }

  /* It hears behind that which sees, where others hear first. */
  return audio == NULL || audio->tower != HR_TOWER_CONFORMER || !has_kind (self, HR_MEDIUM_AUDIO) ||
         add_padded_sounds (self, model, batch, error);
}
