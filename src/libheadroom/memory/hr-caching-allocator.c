/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-caching-allocator.h"

#include "hr-free-blocks.h"
#include "hr-ledger.h"

/*
 * What c10/cuda/CUDACachingAllocator.cpp does with the requests of one stream, as far as it decides what is taken from
 * the driver: segments are asked of the driver, and blocks are cut from them. A block that is let go joins its free
 * neighbours of the same segment. Segments are kept, until the driver has no more to give.
 */

#define MIB (G_GUINT64_CONSTANT (1) << 20)

/* kSmallSize, kSmallBuffer, kMinLargeAlloc, kLargeBuffer, kRoundLarge. */
#define SMALL_SIZE MIB
#define SMALL_SEGMENT (2 * MIB)
#define MIN_LARGE_SIZE (10 * MIB)
#define LARGE_SEGMENT (20 * MIB)
#define ROUND_LARGE (2 * MIB)

#define INITIAL_CAPACITY 512
#define NONE G_MAXUINT32

/* Blocks of a segment know their neighbours. Those that stand for nothing any more are in a list, by @next. */
typedef struct
{
  guint64 size;
  guint64 asked;
  guint64 address;
  guint32 previous;
  guint32 next;
  guint8 is_used;
  guint8 is_small;
} Block;

struct _HrCachingAllocator
{
  Block *blocks;
  guint n_blocks;
  guint capacity;
  guint32 unused;
  HrFreeBlocks *pools[2];     /* of large blocks, of small ones */
  guint64 allocated;
  guint64 asked;
  guint64 peak;
  guint64 reserved;
};

/*
 * hr_caching_allocator_new:
 *
 * Makes an allocator that has taken nothing.
 *
 * Returns: (transfer full): the allocator
 */
HrCachingAllocator *
hr_caching_allocator_new (void)
{
  HrCachingAllocator *self = g_new0 (HrCachingAllocator, 1);

  self->capacity = INITIAL_CAPACITY;
  self->blocks = g_new (Block, self->capacity);
  self->unused = NONE;
  for (guint i = 0; i < G_N_ELEMENTS (self->pools); i++)
    self->pools[i] = hr_free_blocks_new ();

  return self;
}

void
hr_caching_allocator_free (HrCachingAllocator *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < G_N_ELEMENTS (self->pools); i++)
    hr_free_blocks_free (self->pools[i]);
  g_free (self->blocks);
  g_free (self);
}

static HrFreeBlocks *
get_pool (HrCachingAllocator *self,
          gboolean            is_small)
{
  return self->pools[is_small ? 1 : 0];
}

static void
pool_insert (HrCachingAllocator *self,
             guint32             index)
{
  const Block *block = &self->blocks[index];

  hr_free_blocks_add (get_pool (self, block->is_small), block->size, (HrFreeBlock) { block->address, index });
}

static guint32
add_block (HrCachingAllocator *self)
{
  guint32 index = self->unused;

  if (index != NONE)
    {
      self->unused = self->blocks[index].next;
      return index;
    }

  if (self->n_blocks == self->capacity)
    {
      self->capacity *= 2;
      self->blocks = g_renew (Block, self->blocks, self->capacity);
    }

  return self->n_blocks++;
}

static guint64
get_segment_size (guint64 bytes)
{
  if (bytes <= SMALL_SIZE)
    return SMALL_SEGMENT;
  if (bytes < MIN_LARGE_SIZE)
    return LARGE_SEGMENT;

  return (bytes + ROUND_LARGE - 1) / ROUND_LARGE * ROUND_LARGE;
}

/*
 * hr_caching_allocator_is_small_request:
 * @bytes: a size
 *
 * Checks where a block is taken from: small ones lie in segments of their own.
 *
 * Returns: whether from small segments
 */
gboolean
hr_caching_allocator_is_small_request (guint64 bytes)
{
  return hr_ledger_round (bytes) <= SMALL_SIZE;
}

/* alloc_block; the driver is taken to give segments in the order of their addresses. */
static guint32
add_segment (HrCachingAllocator *self,
             guint64             bytes)
{
  guint64 size = get_segment_size (bytes);
  guint32 index = add_block (self);

  self->blocks[index] = (Block) {
    .size = size, .address = self->reserved, .previous = NONE, .next = NONE, .is_small = bytes <= SMALL_SIZE,
  };
  self->reserved += size;

  return index;
}

/* should_split */
static gboolean
is_split (const Block *block,
          guint64      bytes)
{
  guint64 rest = block->size - bytes;

  return block->is_small ? rest >= HR_LEDGER_BLOCK_BYTES : rest > SMALL_SIZE;
}

/* alloc_found_block: the rest of a block stays free. Returns the rest. */
static guint32
split (HrCachingAllocator *self,
       guint32             index,
       guint64             bytes)
{
  guint32 rest = add_block (self);
  Block *block = &self->blocks[index];

  self->blocks[rest] = (Block) {
    .size = block->size - bytes, .address = block->address + bytes, .previous = index, .next = block->next,
    .is_small = block->is_small,
  };
  if (block->next != NONE)
    self->blocks[block->next].previous = rest;
  block->next = rest;
  block->size = bytes;

  return rest;
}

/* get_free_block: the best fit, of several the first in memory. */
static guint32
take_free_block (HrCachingAllocator *self,
                 guint64             bytes)
{
  HrFreeBlocks *pool = get_pool (self, bytes <= SMALL_SIZE);
  guint32 index, rest;
  guint position;

  if (!hr_free_blocks_find_best (pool, bytes, &position, &index))
    return NONE;

  if (!is_split (&self->blocks[index], bytes))
    {
      hr_free_blocks_take_best (pool, position);
      return index;
    }

  rest = split (self, index, bytes);
  hr_free_blocks_change_best (pool, position, self->blocks[rest].size,
                              (HrFreeBlock) { self->blocks[rest].address, rest });

  return index;
}

/*
 * hr_caching_allocator_allocate:
 * @self: an allocator
 * @bytes: what is asked for, at least 1
 *
 * Hands out a block.
 *
 * Returns: the block
 */
guint32
hr_caching_allocator_allocate (HrCachingAllocator *self,
                               guint64             bytes)
{
  guint64 size = hr_ledger_round (bytes);
  guint32 index = take_free_block (self, size);

  if (index == NONE)
    {
      index = add_segment (self, size);
      if (is_split (&self->blocks[index], size))
        pool_insert (self, split (self, index, size));
    }
  self->blocks[index].is_used = TRUE;
  self->blocks[index].asked = size;
  self->allocated += self->blocks[index].size;
  self->asked += size;
  self->peak = MAX (self->peak, self->asked);

  return index;
}

static gboolean
is_free (const HrCachingAllocator *self,
         guint32                   index)
{
  return index != NONE && !self->blocks[index].is_used;
}

/* try_merge_blocks: @index takes over the one that comes after it in its segment. */
static void
join_next (HrCachingAllocator *self,
           guint32             index)
{
  Block *block = &self->blocks[index];
  guint32 other = block->next;

  block->size += self->blocks[other].size;
  block->next = self->blocks[other].next;
  if (block->next != NONE)
    self->blocks[block->next].previous = index;
  self->blocks[other].next = self->unused;
  self->unused = other;
}

/* free_block: a block joins its free neighbours. */
static void
join_neighbours (HrCachingAllocator *self,
                 guint32             index)
{
  HrFreeBlocks *pool = get_pool (self, self->blocks[index].is_small);
  guint32 previous = self->blocks[index].previous, next = self->blocks[index].next;
  gboolean joins_next = is_free (self, next);
  Block neighbour;

  if (is_free (self, previous))
    {
      neighbour = self->blocks[previous];
      if (joins_next)
        {
          hr_free_blocks_remove (pool, self->blocks[next].size, self->blocks[next].address);
          join_next (self, index);
        }
      join_next (self, previous);
      index = previous;
    }
  else if (joins_next)
    {
      neighbour = self->blocks[next];
      join_next (self, index);
    }
  else
    {
      pool_insert (self, index);
      return;
    }

  hr_free_blocks_change (pool, neighbour.size, neighbour.address, self->blocks[index].size,
                         (HrFreeBlock) { self->blocks[index].address, index });
}

/*
 * hr_caching_allocator_release:
 * @self: an allocator
 * @block: what hr_caching_allocator_allocate() returned
 *
 * Lets a block go, so that another request can have it.
 */
void
hr_caching_allocator_release (HrCachingAllocator *self,
                              guint32             block)
{
  g_return_if_fail (block < self->n_blocks && self->blocks[block].is_used);

  self->allocated -= self->blocks[block].size;
  self->asked -= self->blocks[block].asked;
  self->blocks[block].is_used = FALSE;
  join_neighbours (self, block);
}

/*
 * hr_caching_allocator_get_allocated:
 * @self: an allocator
 *
 * Gets what is handed out (torch.cuda.memory_allocated). A block that is not split is handed out as a whole.
 *
 * Returns: the size in bytes
 */
guint64
hr_caching_allocator_get_allocated (const HrCachingAllocator *self)
{
  return self->allocated;
}

/*
 * hr_caching_allocator_get_peak:
 * @self: an allocator
 *
 * Gets the most that was asked for at a time, each request rounded up to a block.
 *
 * Returns: the size in bytes
 */
guint64
hr_caching_allocator_get_peak (const HrCachingAllocator *self)
{
  return self->peak;
}

/*
 * hr_caching_allocator_get_reserved:
 * @self: an allocator
 *
 * Gets what was taken from the driver (torch.cuda.memory_reserved).
 *
 * Returns: the size in bytes
 */
guint64
hr_caching_allocator_get_reserved (const HrCachingAllocator *self)
{
  return self->reserved;
}

static void
add_to_hash (guint64            size,
             const HrFreeBlock *block,
             gpointer           user_data)
{
  guint64 *hash = user_data;

  *hash = (*hash ^ block->address) * G_GUINT64_CONSTANT (0x100000001b3);
  *hash = (*hash ^ size) * G_GUINT64_CONSTANT (0x100000001b3);
}

/*
 * hr_caching_allocator_hash_small:
 * @self: an allocator
 * @block: a block that is in use
 *
 * Sums up which blocks are free in small segments, and where a block lies if it lies in one.
 *
 * Returns: a number that is the same for the same blocks
 */
guint64
hr_caching_allocator_hash_small (const HrCachingAllocator *self,
                                 guint32                   block)
{
  guint64 hash = hr_caching_allocator_is_small (self, block) ? self->blocks[block].address : G_MAXUINT64;

  hr_free_blocks_foreach (self->pools[1], add_to_hash, &hash);

  return hash;
}

/*
 * hr_caching_allocator_is_small:
 * @self: an allocator
 * @block: a block that is in use
 *
 * Returns: whether it lies in a small segment
 */
gboolean
hr_caching_allocator_is_small (const HrCachingAllocator *self,
                               guint32                   block)
{
  return self->blocks[block].is_small;
}

/*
 * hr_caching_allocator_hash_free:
 * @self: an allocator
 *
 * Sums up which blocks are free: the same requests find the same blocks where these are the same.
 *
 * Returns: a number that is the same for the same free blocks
 */
guint64
hr_caching_allocator_hash_free (const HrCachingAllocator *self)
{
  guint64 hash = self->reserved;

  for (guint i = 0; i < G_N_ELEMENTS (self->pools); i++)
    hr_free_blocks_foreach (self->pools[i], add_to_hash, &hash);

  return hash;
}
