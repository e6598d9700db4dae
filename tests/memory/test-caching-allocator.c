/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The caching allocator against one that is written as plainly as can be, which looks at every block for each request:
 * both take the same from the driver, whatever the requests are.
 */

#include "hr-caching-allocator.h"

#include "hr-ledger.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define N_REQUESTS 6000

typedef struct
{
  guint64 address;
  guint64 size;
  guint segment;
  gboolean is_small;
  gboolean is_used;
  guint handle;
} Plain;

typedef struct
{
  GArray *blocks;        /* of Plain, by address */
  guint64 reserved;
  guint64 allocated;
  guint n_segments;
  guint n_handles;
} PlainAllocator;

static Plain *
plain_get (PlainAllocator *self,
           guint           index)
{
  return &g_array_index (self->blocks, Plain, index);
}

static gint
plain_find_best (PlainAllocator *self,
                 guint64         size)
{
  gint best = -1;

  for (guint i = 0; i < self->blocks->len; i++)
    {
      const Plain *block = plain_get (self, i);

      if (!block->is_used && block->is_small == (size <= MIB) && block->size >= size &&
          (best < 0 || block->size < plain_get (self, best)->size))
        best = i;
    }

  return best;
}

static guint
plain_add_segment (PlainAllocator *self,
                   guint64         size)
{
  Plain block = { .address = self->reserved, .segment = self->n_segments++, .is_small = size <= MIB };

  if (size <= MIB)
    block.size = 2 * MIB;
  else if (size < 10 * MIB)
    block.size = 20 * MIB;
  else
    block.size = (size + 2 * MIB - 1) / (2 * MIB) * (2 * MIB);
  self->reserved += block.size;
  g_array_append_val (self->blocks, block);

  return self->blocks->len - 1;
}

static guint
plain_allocate (PlainAllocator *self,
                guint64         bytes)
{
  guint64 size = (bytes + 511) / 512 * 512;
  gint index = plain_find_best (self, size);
  Plain *block;

  if (index < 0)
    index = plain_add_segment (self, size);
  block = plain_get (self, index);
  if (block->is_small ? block->size - size >= 512 : block->size - size > MIB)
    {
      Plain rest = *block;

      rest.address += size;
      rest.size -= size;
      block->size = size;
      g_array_insert_val (self->blocks, index + 1, rest);
      block = plain_get (self, index);
    }
  block->is_used = TRUE;
  block->handle = self->n_handles++;
  self->allocated += block->size;

  return block->handle;
}

static void
plain_join (PlainAllocator *self,
            guint           index)
{
  Plain *block = plain_get (self, index);
  Plain *next = plain_get (self, index + 1);

  if (index + 1 >= self->blocks->len || block->is_used || next->is_used || block->segment != next->segment)
    return;

  block->size += next->size;
  g_array_remove_index (self->blocks, index + 1);
}

static void
plain_release (PlainAllocator *self,
               guint           handle)
{
  for (guint i = 0; i < self->blocks->len; i++)
    {
      Plain *block = plain_get (self, i);

      if (!block->is_used || block->handle != handle)
        continue;

      self->allocated -= block->size;
      block->is_used = FALSE;
      plain_join (self, i);
      if (i > 0)
        plain_join (self, i - 1);
      return;
    }
  g_assert_not_reached ();
}

/* Sizes as a model has them: a few, again and again, some of which grow, and some that nobody else has. */
static guint64
draw_size (GRand *random,
           guint  step)
{
  static const guint64 sizes[] = { 1, 512, 4096, 40000, MIB, MIB + 1, 3 * MIB, 8 * MIB, 12 * MIB, 32 * MIB, 33 * MIB };

  switch (g_rand_int_range (random, 0, 8))
    {
    case 0:
      return 1 + g_rand_int (random) % (64 * MIB);

    case 1:
      return MIB + 4096 * (guint64) step;

    default:
      return sizes[g_rand_int_range (random, 0, G_N_ELEMENTS (sizes))];
    }
}

typedef struct
{
  guint32 block;
  guint handle;
} Held;

/* Lets one go: the newest, as functions do, the oldest, as caches do, or any. */
static guint
draw_held (GRand  *random,
           GArray *held)
{
  switch (g_rand_int_range (random, 0, 3))
    {
    case 0:
      return held->len - 1;

    case 1:
      return 0;

    default:
      return g_rand_int_range (random, 0, held->len);
    }
}

static void
check_requests (guint32 seed,
                guint   most_held)
{
  g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();
  g_autoptr (GArray) held = g_array_new (FALSE, FALSE, sizeof (Held));
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  PlainAllocator plain = { g_array_new (FALSE, FALSE, sizeof (Plain)), 0, 0, 0, 0 };
  gboolean grows = TRUE;

  for (guint i = 0; i < N_REQUESTS; i++)
    {
      /* Forwards more is taken than given, backwards the other way round. */
      grows = held->len == 0 || (held->len < most_held && grows);
      if (held->len == 0 || g_rand_int_range (random, 0, 4) < (grows ? 3 : 1))
        {
          guint64 bytes = draw_size (random, i);
          Held one = { hr_caching_allocator_allocate (allocator, bytes), plain_allocate (&plain, bytes) };

          g_array_append_val (held, one);
        }
      else
        {
          guint index = draw_held (random, held);
          Held one = g_array_index (held, Held, index);

          g_array_remove_index (held, index);
          hr_caching_allocator_release (allocator, one.block);
          plain_release (&plain, one.handle);
        }
      g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, plain.reserved);
      g_assert_cmpuint (hr_caching_allocator_get_allocated (allocator), ==, plain.allocated);
    }
  g_assert_cmpuint (plain.n_segments, >, 3);

  g_array_unref (plain.blocks);
}

static void
test_plain (void)
{
  for (guint32 seed = 1; seed <= 8; seed++)
    {
      check_requests (seed, 40);
      check_requests (seed, 700);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/caching-allocator/it_finds_what_one_finds_that_looks_at_every_block", test_plain);

  return g_test_run ();
}
