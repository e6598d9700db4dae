/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-heap.h"

#include "hr-caching-allocator.h"
#include "hr-heap-script.h"

typedef struct
{
  HrHeapBlock block;
  guint64 bytes;
} Left;

/* A request: for a size, or to give that back which an earlier one has taken. */
typedef struct
{
  guint64 bytes;
  guint32 taken;        /* which of those that take, from the start of the record */
} Request;

/* Blocks that are in the books and not on the tape, in the order in which they were left. */
typedef struct
{
  GArray *blocks;
  guint first;
} Queue;

/**
 * HrHeap:
 *
 * A device's memory while a job runs on it, block by block: every request of every layer goes to the allocator, where
 * the books repeat what one layer does for others.
 */
struct _HrHeap
{
  HrCachingAllocator *allocator;
  guint64 workspace_bytes;
  gboolean has_workspace[HR_N_HEAP_THREADS];
  Queue left[HR_N_COMPONENTS];
  HrHeapScript *script; /* that is written */
  GArray *record;       /* of Request */
  GArray *taken_as;     /* of guint32: for each block which request of the record has taken it, counted from 1 */
  guint n_taken;
  gboolean is_recording;
};

/*
 * hr_heap_new:
 * @workspace_bytes: what the matrix library asks for when a thread first multiplies
 *
 * Makes an empty heap.
 *
 * Returns: (transfer full): the heap
 */
HrHeap *
hr_heap_new (guint64 workspace_bytes)
{
  HrHeap *self = g_new0 (HrHeap, 1);

  self->allocator = hr_caching_allocator_new ();
  self->workspace_bytes = workspace_bytes;

  return self;
}

void
hr_heap_free (HrHeap *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    g_clear_pointer (&self->left[i].blocks, g_array_unref);
  g_clear_pointer (&self->record, g_array_unref);
  g_clear_pointer (&self->taken_as, g_array_unref);
  hr_caching_allocator_free (self->allocator);
  g_free (self);
}

static void
record_take (HrHeap      *self,
             HrHeapBlock  block,
             guint64      bytes)
{
  Request request = { bytes, self->n_taken++ };

  g_array_append_val (self->record, request);
  if (block >= self->taken_as->len)
    g_array_set_size (self->taken_as, block + 1);
  g_array_index (self->taken_as, guint32, block) = self->n_taken;
}

/* What was there before the record stays. */
static void
record_give (HrHeap      *self,
             HrHeapBlock  block)
{
  guint32 taken = block < self->taken_as->len ? g_array_index (self->taken_as, guint32, block) : 0;
  Request request = { 0, taken - 1 };

  if (taken == 0)
    return;

  g_array_append_val (self->record, request);
  g_array_index (self->taken_as, guint32, block) = 0;
}

/*
 * hr_heap_take:
 * @self: a heap
 * @bytes: a size
 *
 * Asks the allocator for a block.
 *
 * Returns: the block, none for nothing
 */
HrHeapBlock
hr_heap_take (HrHeap  *self,
              guint64  bytes)
{
  HrHeapBlock block;

  if (bytes == 0)
    return HR_NO_BLOCK;

  block = hr_caching_allocator_allocate (self->allocator, bytes) + 1;
  if (self->is_recording)
    record_take (self, block, bytes);
  if (self->script != NULL)
    hr_heap_script_note_take (self->script, block, bytes);

  return block;
}

/*
 * hr_heap_give:
 * @self: a heap
 * @block: a block, or none
 *
 * Gives a block back.
 */
void
hr_heap_give (HrHeap      *self,
              HrHeapBlock  block)
{
  if (block == HR_NO_BLOCK)
    return;

  if (self->is_recording)
    record_give (self, block);
  if (self->script != NULL)
    hr_heap_script_note_give (self->script, block);
  hr_caching_allocator_release (self->allocator, block - 1);
}

/*
 * hr_heap_leave:
 * @self: a heap
 * @block: a block, or none
 * @component: what it is for
 * @bytes: its size
 *
 * Says that a block stays in the books when the tape knows it no more.
 */
void
hr_heap_leave (HrHeap        *self,
               HrHeapBlock    block,
               HrComponentId  component,
               guint64        bytes)
{
  Queue *queue = &self->left[component];
  Left left = { block, bytes };

  if (block == HR_NO_BLOCK)
    return;

  if (queue->blocks == NULL)
    queue->blocks = g_array_new (FALSE, FALSE, sizeof (Left));
  g_array_append_val (queue->blocks, left);
  if (self->script != NULL)
    hr_heap_script_note_leave (self->script, block, component, bytes);
}

static void
skip_taken (Queue *queue)
{
  while (queue->first < queue->blocks->len &&
         g_array_index (queue->blocks, Left, queue->first).block == HR_NO_BLOCK)
    queue->first++;
  if (queue->first == queue->blocks->len)
    {
      g_array_set_size (queue->blocks, 0);
      queue->first = 0;
    }
}

static HrHeapBlock
find_left (HrHeap        *self,
           HrComponentId  component,
           guint64        bytes)
{
  Queue *queue = &self->left[component];

  for (guint i = queue->first; queue->blocks != NULL && i < queue->blocks->len; i++)
    {
      Left *left = &g_array_index (queue->blocks, Left, i);
      HrHeapBlock block = left->block;

      if (block == HR_NO_BLOCK || (bytes != HR_ANY_SIZE && left->bytes != bytes))
        continue;

      left->block = HR_NO_BLOCK;
      skip_taken (queue);

      return block;
    }

  return HR_NO_BLOCK;
}

/*
 * hr_heap_adopt:
 * @self: a heap
 * @component: what a block is for
 * @bytes: its size, or %HR_ANY_SIZE
 *
 * Finds the block that was left first, of those of a size.
 *
 * Returns: the block, or none
 */
HrHeapBlock
hr_heap_adopt (HrHeap        *self,
               HrComponentId  component,
               guint64        bytes)
{
  HrHeapBlock block = find_left (self, component, bytes);

  if (self->script != NULL)
    hr_heap_script_note_adopt (self->script, block, component, bytes);

  return block;
}

/*
 * hr_heap_give_first_left:
 * @self: a heap
 * @component: what a block is for
 *
 * Gives the block back that was left first.
 */
void
hr_heap_give_first_left (HrHeap        *self,
                         HrComponentId  component)
{
  Queue *queue = &self->left[component];

  if (queue->blocks == NULL || queue->blocks->len == 0)
    return;

  if (self->script != NULL)
    hr_heap_script_spoil (self->script);
  hr_heap_give (self, g_array_index (queue->blocks, Left, queue->first).block);
  g_array_index (queue->blocks, Left, queue->first).block = HR_NO_BLOCK;
  skip_taken (queue);
}

/*
 * hr_heap_give_left:
 * @self: a heap
 * @component: what blocks are for
 *
 * Gives all blocks back that were left.
 */
void
hr_heap_give_left (HrHeap        *self,
                   HrComponentId  component)
{
  while (self->left[component].blocks != NULL && self->left[component].blocks->len > 0)
    hr_heap_give_first_left (self, component);
}

/*
 * hr_heap_multiply:
 * @self: a heap
 * @thread: the thread that multiplies
 *
 * The matrix library takes its workspace when a thread first multiplies, and keeps it
 * (getCurrentCUDABlasHandle in aten/src/ATen/cuda/CublasHandlePool.cpp).
 */
void
hr_heap_multiply (HrHeap       *self,
                  HrHeapThread  thread)
{
  if (self->has_workspace[thread])
    return;

  self->has_workspace[thread] = TRUE;
  if (self->workspace_bytes > 0)
    hr_caching_allocator_allocate (self->allocator, self->workspace_bytes);
}

/*
 * hr_heap_set_script:
 * @self: a heap
 * @script: (nullable): a script
 *
 * Writes what is asked for from now on into a script, or no longer. Workspaces are no part of it.
 */
void
hr_heap_set_script (HrHeap       *self,
                    HrHeapScript *script)
{
  self->script = script;
}

/*
 * hr_heap_set_recording:
 * @self: a heap
 * @is_recording: whether requests are recorded from now on
 *
 * Begins or goes on with the record of what is to be repeated, or leaves out what comes. Workspaces are no part of it.
 */
void
hr_heap_set_recording (HrHeap   *self,
                       gboolean  is_recording)
{
  self->is_recording = is_recording;
  if (self->record != NULL)
    return;

  self->record = g_array_new (FALSE, FALSE, sizeof (Request));
  self->taken_as = g_array_new (FALSE, TRUE, sizeof (guint32));
}

static void
run_record (HrHeap      *self,
            HrHeapBlock *blocks)
{
  for (guint i = 0; i < self->record->len; i++)
    {
      const Request *request = &g_array_index (self->record, Request, i);

      if (request->bytes > 0)
        blocks[request->taken] = hr_caching_allocator_allocate (self->allocator, request->bytes);
      else
        hr_caching_allocator_release (self->allocator, blocks[request->taken]);
    }
}

/*
 * hr_heap_repeat:
 * @self: a heap
 * @count: how often
 *
 * Makes the requests of the record again, which gives all back that it takes. Once that finds the free blocks that the
 * time before has found, all that follow do as well.
 */
void
hr_heap_repeat (HrHeap *self,
                guint   count)
{
  g_autofree HrHeapBlock *blocks = g_new (HrHeapBlock, self->n_taken);
  guint64 found = hr_caching_allocator_hash_free (self->allocator);

  for (guint i = 0; i < count; i++)
    {
      guint64 before = found;

      run_record (self, blocks);
      found = hr_caching_allocator_hash_free (self->allocator);
      if (found == before)
        break;
    }
}

/*
 * hr_heap_is_recording:
 * @self: a heap
 *
 * Returns: whether requests are recorded
 */
gboolean
hr_heap_is_recording (const HrHeap *self)
{
  return self->is_recording;
}

/*
 * hr_heap_is_small:
 * @self: a heap
 * @block: a block, or none
 *
 * Returns: whether a block lies in a segment of small ones
 */
gboolean
hr_heap_is_small (const HrHeap *self,
                  HrHeapBlock   block)
{
  return block != HR_NO_BLOCK && hr_caching_allocator_is_small (self->allocator, block - 1);
}

/*
 * hr_heap_hash_small:
 * @self: a heap
 * @block: a block
 *
 * Sums up which blocks are free in segments of small ones, and where @block lies if it lies in one: requests for small
 * blocks find the same as before where that is the same, whatever has become of large ones.
 *
 * Returns: a number that is the same for the same blocks
 */
guint64
hr_heap_hash_small (const HrHeap *self,
                    HrHeapBlock   block)
{
  g_return_val_if_fail (block != HR_NO_BLOCK, 0);

  return hr_caching_allocator_hash_small (self->allocator, block - 1);
}

/*
 * hr_heap_get_reserved:
 * @self: a heap
 *
 * Gets what the allocator has taken from the driver.
 *
 * Returns: the size in bytes
 */
guint64
hr_heap_get_reserved (const HrHeap *self)
{
  return hr_caching_allocator_get_reserved (self->allocator);
}

/*
 * hr_heap_get_peak:
 * @self: a heap
 *
 * Gets the most that was asked for at a time, workspaces included.
 *
 * Returns: the size in bytes
 */
guint64
hr_heap_get_peak (const HrHeap *self)
{
  return hr_caching_allocator_get_peak (self->allocator);
}
