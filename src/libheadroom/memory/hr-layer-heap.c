/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-layer-heap.h"

#include "hr-heap-script.h"

/* What a layer keeps from its forward pass to its backward pass: where it is in the script, and on the tape. */
typedef struct
{
  guint slot;
  int storage;
} Kept;

struct _HrLayerHeap
{
  HrHeapScript *forward;
  HrHeapScript *backward;
  GArray *kept;         /* of Kept */
  GArray *blocks;       /* of HrHeapBlock: what each layer keeps that has run and was not differentiated yet */
  guint n_layers;       /* how many these are */
};

/*
 * hr_layer_heap_new:
 *
 * Begins with a layer that has not run yet.
 *
 * Returns: (transfer full): what is known of it
 */
HrLayerHeap *
hr_layer_heap_new (void)
{
  HrLayerHeap *self = g_new0 (HrLayerHeap, 1);

  self->kept = g_array_new (FALSE, FALSE, sizeof (Kept));
  self->blocks = g_array_new (FALSE, FALSE, sizeof (HrHeapBlock));

  return self;
}

void
hr_layer_heap_free (HrLayerHeap *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->forward, hr_heap_script_free);
  g_clear_pointer (&self->backward, hr_heap_script_free);
  g_array_unref (self->kept);
  g_array_unref (self->blocks);
  g_free (self);
}

/* The block of what goes from layer to layer, if nothing but the variable that it goes in holds it. */
static HrHeapBlock
get_own_block (const HrReplay *replay,
               HrValue         value)
{
  const HrStorage *storage;

  if (value.storage < 0)
    return HR_NO_BLOCK;

  storage = &replay->storages[value.storage];

  return storage->references == 1 ? storage->block : HR_NO_BLOCK;
}

static HrHeapBlock *
get_last_blocks (HrLayerHeap *self)
{
  return &g_array_index (self->blocks, HrHeapBlock, (self->n_layers - 1) * self->kept->len);
}

/*
 * hr_layer_heap_begin:
 * @self: what is known of a layer
 * @replay: a tape with a heap
 * @input: what goes into the layer
 *
 * Notes what the layer asks for in its forward pass, which begins.
 */
void
hr_layer_heap_begin (HrLayerHeap *self,
                     HrReplay    *replay,
                     HrValue      input)
{
  HrHeapBlock block = get_own_block (replay, input);

  self->forward = hr_heap_script_new (&block, 1);
  hr_heap_set_script (replay->heap, self->forward);
}

/* Which tensor of the tape a block is; -1 if it is none. */
static int
find_storage (const HrReplay *replay,
              HrHeapBlock     block)
{
  for (guint i = 0; i < replay->n_storages; i++)
    {
      if (replay->storages[i].references > 0 && replay->storages[i].block == block)
        return i;
    }

  return -1;
}

/*
 * hr_layer_heap_end:
 * @self: what is known of a layer
 * @replay: a tape with a heap
 * @output: what the layer hands on
 *
 * Ends the forward pass of the layer.
 *
 * Returns: whether others may ask for the same
 */
gboolean
hr_layer_heap_end (HrLayerHeap *self,
                   HrReplay    *replay,
                   HrValue      output)
{
  hr_heap_set_script (replay->heap, NULL);
  if (!hr_heap_script_end (self->forward, get_own_block (replay, output)))
    return FALSE;

  for (guint i = 0; i < hr_heap_script_get_n_kept (self->forward); i++)
    {
      HrHeapHeld held = hr_heap_script_get_kept (self->forward, i);
      Kept kept = { held.slot, find_storage (replay, held.block) };

      if (kept.storage < 0)
        return FALSE;

      g_array_append_val (self->kept, kept);
      g_array_append_val (self->blocks, held.block);
    }
  self->n_layers = 1;

  return TRUE;
}

/* What was seen of one layer is not what others do: all of them have to be replayed. */
static void
give_up (HrReplay *replay)
{
  replay->repeats_on_heap = FALSE;
}

/*
 * hr_layer_heap_repeat:
 * @self: what is known of a layer, whose forward pass has ended
 * @replay: a tape with a heap
 * @hidden: what goes into the first layer, and comes out of the last
 * @count: how many layers do the same
 *
 * Asks for what layers in a row ask for in their forward pass.
 */
void
hr_layer_heap_repeat (HrLayerHeap *self,
                      HrReplay    *replay,
                      HrValue      hidden,
                      guint        count)
{
  g_autofree HrHeapBlock *slots = g_new (HrHeapBlock, hr_heap_script_get_n_slots (self->forward));
  HrHeapBlock block = get_own_block (replay, hidden);

  if (block == HR_NO_BLOCK)
    {
      give_up (replay);
      return;
    }

  for (guint i = 0; i < count; i++)
    {
      slots[0] = block;
      block = hr_heap_script_run_once (self->forward, replay->heap, slots);
      for (guint j = 0; j < self->kept->len; j++)
        g_array_append_val (self->blocks, slots[g_array_index (self->kept, Kept, j).slot]);
    }
  self->n_layers += count;

  for (guint i = 0; i < self->kept->len; i++)
    replay->storages[g_array_index (self->kept, Kept, i).storage].block = get_last_blocks (self)[i];
  replay->storages[hidden.storage].block = block;
}

/* What a layer is handed on the way back: the gradient of its output, and what it has kept. */
static void
hand_over (HrLayerHeap *self,
           HrHeapBlock  gradient,
           HrHeapBlock *slots)
{
  slots[0] = gradient;
  for (guint i = 0; i < self->kept->len; i++)
    slots[i + 1] = get_last_blocks (self)[i];
}

static void
drop_last_blocks (HrLayerHeap *self)
{
  self->n_layers--;
  g_array_set_size (self->blocks, self->n_layers * self->kept->len);
}

/*
 * hr_layer_heap_begin_backward:
 * @self: what is known of a layer, whose forward pass has ended
 * @replay: a tape with a heap
 * @gradient: the gradient of its output
 *
 * Notes what the layer asks for in its backward pass, which begins, if there are others.
 */
void
hr_layer_heap_begin_backward (HrLayerHeap *self,
                              HrReplay    *replay,
                              HrValue      gradient)
{
  g_autofree HrHeapBlock *handed = g_new (HrHeapBlock, self->kept->len + 1);

  if (self->n_layers < 2)
    return;

  hand_over (self, get_own_block (replay, gradient), handed);
  self->backward = hr_heap_script_new (handed, self->kept->len + 1);
  hr_heap_set_script (replay->heap, self->backward);
}

/*
 * hr_layer_heap_end_backward:
 * @self: what is known of a layer
 * @replay: a tape with a heap
 * @gradient: the gradient of its input
 *
 * Ends the backward pass of the layer, which keeps nothing.
 */
void
hr_layer_heap_end_backward (HrLayerHeap *self,
                            HrReplay    *replay,
                            HrValue      gradient)
{
  if (self->backward == NULL)
    return;

  hr_heap_set_script (replay->heap, NULL);
  if (!hr_heap_script_end (self->backward, get_own_block (replay, gradient)) ||
      hr_heap_script_get_n_kept (self->backward) > 0)
    give_up (replay);
  drop_last_blocks (self);
}

/*
 * hr_layer_heap_repeat_backward:
 * @self: what is known of a layer, whose backward pass has ended
 * @replay: a tape with a heap
 * @gradient: the gradient of the output of the first layer, and of the input of the last
 * @count: how many layers do the same
 *
 * Asks for what layers in a row ask for in their backward pass.
 */
void
hr_layer_heap_repeat_backward (HrLayerHeap *self,
                               HrReplay    *replay,
                               HrValue      gradient,
                               guint        count)
{
  g_autofree HrHeapBlock *slots = NULL;
  HrHeapBlock block = get_own_block (replay, gradient);

  if (block == HR_NO_BLOCK)
    give_up (replay);
  if (!replay->repeats_on_heap)
    return;

  slots = g_new (HrHeapBlock, hr_heap_script_get_n_slots (self->backward));
  for (guint i = 0; i < count; i++)
    {
      hand_over (self, block, slots);
      block = hr_heap_script_run_once (self->backward, replay->heap, slots);
      drop_last_blocks (self);
    }
  replay->storages[gradient.storage].block = block;
}
