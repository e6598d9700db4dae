/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-free-blocks.h"

#include <string.h>

#include "hr-ledger.h"

/*
 * Free blocks by size, then by address. A step leaves hundreds of them and a dozen sizes, most of which are taken from
 * their front and given back at one of their ends: so there is a row for each size, with room at both ends.
 */

#define INITIAL_ROWS 32
#define INITIAL_CAPACITY 32

/* A size is likely to be found where one like it was found before. */
#define N_HINTS 64

typedef struct
{
  HrFreeBlock *blocks;
  guint first;
  guint n_blocks;
  guint capacity;
} Row;

struct _HrFreeBlocks
{
  guint64 *sizes;     /* of the rows, each greater than the one before */
  Row *rows;          /* those after the last that is used are empty, and keep their room */
  guint n_rows;
  guint capacity;
  guint hints[N_HINTS];
};

/*
 * hr_free_blocks_new:
 *
 * Makes a store without blocks.
 *
 * Returns: (transfer full): the store
 */
HrFreeBlocks *
hr_free_blocks_new (void)
{
  HrFreeBlocks *self = g_new0 (HrFreeBlocks, 1);

  self->capacity = INITIAL_ROWS;
  self->sizes = g_new (guint64, self->capacity);
  self->rows = g_new0 (Row, self->capacity);

  return self;
}

void
hr_free_blocks_free (HrFreeBlocks *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < self->capacity; i++)
    g_free (self->rows[i].blocks);
  g_free (self->rows);
  g_free (self->sizes);
  g_free (self);
}

static guint
search_row (const HrFreeBlocks *self,
            guint64             size)
{
  const guint64 *sizes = self->sizes;
  guint first = 0, n = self->n_rows;

  if (n == 0)
    return 0;

  /* Without a branch that nobody can foresee. */
  while (n > 1)
    {
      guint half = n / 2;

      first += sizes[first + half - 1] < size ? half : 0;
      n -= half;
    }

  return first + (sizes[first] < size ? 1 : 0);
}

/* The first row of blocks that are not smaller. */
static guint
find_row (HrFreeBlocks *self,
          guint64       size)
{
  guint *hint = &self->hints[(size / HR_LEDGER_BLOCK_BYTES * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)) >> 58];

  if (*hint > self->n_rows || (*hint < self->n_rows && self->sizes[*hint] < size) ||
      (*hint > 0 && self->sizes[*hint - 1] >= size))
    *hint = search_row (self, size);

  return *hint;
}

static Row *
insert_row (HrFreeBlocks *self,
            guint         position,
            guint64       size)
{
  Row row;

  if (self->n_rows == self->capacity)
    {
      self->sizes = g_renew (guint64, self->sizes, 2 * self->capacity);
      self->rows = g_renew (Row, self->rows, 2 * self->capacity);
      memset (&self->rows[self->capacity], 0, self->capacity * sizeof *self->rows);
      self->capacity *= 2;
    }

  row = self->rows[self->n_rows];
  memmove (&self->sizes[position + 1], &self->sizes[position], (self->n_rows - position) * sizeof *self->sizes);
  memmove (&self->rows[position + 1], &self->rows[position], (self->n_rows - position) * sizeof *self->rows);
  self->sizes[position] = size;
  self->rows[position] = row;
  self->n_rows++;

  return &self->rows[position];
}

/* Its room is there for the next. */
static void
drop_row (HrFreeBlocks *self,
          guint         position)
{
  Row row = self->rows[position];

  row.first = row.capacity / 2;
  self->n_rows--;
  memmove (&self->sizes[position], &self->sizes[position + 1], (self->n_rows - position) * sizeof *self->sizes);
  memmove (&self->rows[position], &self->rows[position + 1], (self->n_rows - position) * sizeof *self->rows);
  self->rows[self->n_rows] = row;
}

/* The first block of a row that does not lie before an address. */
static guint
row_find (const Row *row,
          guint64    address)
{
  const HrFreeBlock *blocks = &row->blocks[row->first];
  guint low = 0, high = row->n_blocks;

  if (high == 0 || blocks[0].address >= address)
    return 0;
  if (blocks[high - 1].address < address)
    return high;

  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (blocks[middle].address < address)
        low = middle + 1;
      else
        high = middle;
    }

  return low;
}

/* Has room at both ends again. */
static void
row_make_room (Row *row)
{
  guint capacity = MAX (3 * row->n_blocks, INITIAL_CAPACITY);
  HrFreeBlock *blocks = g_new (HrFreeBlock, capacity);
  guint first = (capacity - row->n_blocks) / 2;

  if (row->n_blocks > 0)
    memcpy (&blocks[first], &row->blocks[row->first], row->n_blocks * sizeof *blocks);
  g_free (row->blocks);
  row->blocks = blocks;
  row->first = first;
  row->capacity = capacity;
}

static void
row_insert (Row         *row,
            HrFreeBlock  block)
{
  guint position = row_find (row, block.address);
  gboolean to_front = position < row->n_blocks / 2 || (position == 0 && row->n_blocks > 0);
  HrFreeBlock *blocks;

  if (to_front ? row->first == 0 : row->first + row->n_blocks >= row->capacity)
    row_make_room (row);

  blocks = &row->blocks[row->first];
  if (to_front)
    {
      row->first--;
      memmove (blocks - 1, blocks, position * sizeof *blocks);
      blocks--;
    }
  else
    {
      memmove (&blocks[position + 1], &blocks[position], (row->n_blocks - position) * sizeof *blocks);
    }
  blocks[position] = block;
  row->n_blocks++;
}

static void
row_remove (Row   *row,
            guint  position)
{
  HrFreeBlock *blocks = &row->blocks[row->first];

  row->n_blocks--;
  if (position < row->n_blocks / 2)
    {
      memmove (blocks + 1, blocks, position * sizeof *blocks);
      row->first++;
    }
  else
    {
      memmove (&blocks[position], &blocks[position + 1], (row->n_blocks - position) * sizeof *blocks);
    }
}

/*
 * hr_free_blocks_add:
 * @self: a store
 * @size: the size of a block
 * @block: the block, which is not in the store
 *
 * Puts a block into the store.
 */
void
hr_free_blocks_add (HrFreeBlocks *self,
                    guint64       size,
                    HrFreeBlock   block)
{
  guint position = find_row (self, size);
  Row *row = &self->rows[position];

  if (position == self->n_rows || self->sizes[position] != size)
    row = insert_row (self, position, size);
  row_insert (row, block);
}

/*
 * hr_free_blocks_remove:
 * @self: a store
 * @size: the size of a block in it
 * @address: its address
 *
 * Takes a block out of the store.
 */
void
hr_free_blocks_remove (HrFreeBlocks *self,
                       guint64       size,
                       guint64       address)
{
  guint position = find_row (self, size);
  Row *row = &self->rows[position];

  g_return_if_fail (position < self->n_rows && self->sizes[position] == size);

  row_remove (row, row_find (row, address));
  if (row->n_blocks == 0)
    drop_row (self, position);
}

/* Whether a row could be one of another size, where it is. */
static gboolean
fits_between (const HrFreeBlocks *self,
              guint               position,
              guint64             size)
{
  return (position == 0 || self->sizes[position - 1] < size) &&
         (position + 1 == self->n_rows || size < self->sizes[position + 1]);
}

/* A block that shrinks or grows is often the only one of its size, before and after. */
static void
change_block (HrFreeBlocks *self,
              guint         position,
              guint         index,
              guint64       size,
              HrFreeBlock   block)
{
  Row *row = &self->rows[position];

  if (row->n_blocks == 1 && fits_between (self, position, size))
    {
      self->sizes[position] = size;
      row->blocks[row->first] = block;
      return;
    }

  row_remove (row, index);
  if (row->n_blocks == 0)
    drop_row (self, position);
  hr_free_blocks_add (self, size, block);
}

/*
 * hr_free_blocks_change:
 * @self: a store
 * @size: the size of a block in it
 * @address: its address
 * @new_size: the size of a block that takes its place
 * @block: that block, which is not in the store
 *
 * Takes a block out of the store, and puts another into it.
 */
void
hr_free_blocks_change (HrFreeBlocks *self,
                       guint64       size,
                       guint64       address,
                       guint64       new_size,
                       HrFreeBlock   block)
{
  guint position = find_row (self, size);

  g_return_if_fail (position < self->n_rows && self->sizes[position] == size);

  change_block (self, position, row_find (&self->rows[position], address), new_size, block);
}

/*
 * hr_free_blocks_find_best:
 * @self: a store
 * @size: what is needed
 * @position: (out): where it was found, until the store changes
 * @block: (out): the smallest block that is large enough, of several the first in memory
 *
 * Finds the block that fits best.
 *
 * Returns: whether there is one
 */
gboolean
hr_free_blocks_find_best (HrFreeBlocks *self,
                          guint64       size,
                          guint        *position,
                          guint32      *block)
{
  const Row *row;

  *position = find_row (self, size);
  if (*position == self->n_rows)
    return FALSE;

  row = &self->rows[*position];
  *block = row->blocks[row->first].block;

  return TRUE;
}

/*
 * hr_free_blocks_take_best:
 * @self: a store
 * @position: where hr_free_blocks_find_best() has found a block
 *
 * Takes it out of the store.
 */
void
hr_free_blocks_take_best (HrFreeBlocks *self,
                          guint         position)
{
  Row *row = &self->rows[position];

  row->first++;
  if (--row->n_blocks == 0)
    drop_row (self, position);
}

/*
 * hr_free_blocks_change_best:
 * @self: a store
 * @position: where hr_free_blocks_find_best() has found a block
 * @new_size: the size of what is left of it
 * @block: what is left of it
 *
 * Takes it out of the store, and puts its rest into it.
 */
void
hr_free_blocks_change_best (HrFreeBlocks *self,
                            guint         position,
                            guint64       new_size,
                            HrFreeBlock   block)
{
  change_block (self, position, 0, new_size, block);
}

/*
 * hr_free_blocks_foreach:
 * @self: a store
 * @func: what to call
 * @user_data: what to hand to it
 *
 * Calls a function for each block, in the order of their sizes, then of their addresses.
 */
void
hr_free_blocks_foreach (const HrFreeBlocks *self,
                        HrFreeBlockFunc     func,
                        gpointer            user_data)
{
  for (guint i = 0; i < self->n_rows; i++)
    {
      const Row *row = &self->rows[i];

      for (guint j = 0; j < row->n_blocks; j++)
        func (self->sizes[i], &row->blocks[row->first + j], user_data);
    }
}
