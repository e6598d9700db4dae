/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-ggml-allocator.h"

#include <string.h>

/*
 * ggml plans the tensors of a graph in a buffer whose size shows in the end (ggml/src/ggml-alloc.c at b11669:
 * ggml_dyn_tallocr_alloc, ggml_dyn_tallocr_free_bytes). A tensor goes into the smallest hole that holds it, of equal
 * ones the last, and behind all others where there is none. CUDA sets no limit on a buffer, so that there is one.
 *
 * Tensors of no bytes leave holes of none, which keep two larger ones beside them from being joined; so holes are
 * looked through and joined here in the order in which ggml does it.
 */

/* What is free behind the last tensor has no end. */
#define NO_END (G_MAXUINT64 / 2)

typedef struct
{
  guint64 offset;
  guint64 bytes;
} Hole;

struct _HrGgmlAllocator
{
  guint64 alignment;
  GArray *holes;      /* of Hole, by their addresses */
  guint64 size;       /* where a tensor has ended at the most */
};

/*
 * hr_ggml_allocator_new:
 * @alignment: what addresses and sizes are rounded up to, a power of two
 *
 * Creates the plan of an empty buffer.
 *
 * Returns: (transfer full): a new plan
 */
HrGgmlAllocator *
hr_ggml_allocator_new (guint64 alignment)
{
  const Hole all = { 0, NO_END };
  HrGgmlAllocator *self = g_new0 (HrGgmlAllocator, 1);

  self->alignment = alignment;
  self->holes = g_array_new (FALSE, FALSE, sizeof (Hole));
  g_array_append_val (self->holes, all);

  return self;
}

void
hr_ggml_allocator_free (HrGgmlAllocator *self)
{
  g_array_unref (self->holes);
  g_free (self);
}

/* What a tensor takes of the buffer. */
guint64
hr_ggml_allocator_align (const HrGgmlAllocator *self,
                         guint64                bytes)
{
  return (bytes + self->alignment - 1) / self->alignment * self->alignment;
}

static Hole *
get_hole (const HrGgmlAllocator *self,
          guint                  i)
{
  return &g_array_index (self->holes, Hole, i);
}

/*
 * hr_ggml_allocator_take:
 * @self: a plan
 * @bytes: the size of a tensor
 *
 * Finds a place for a tensor.
 *
 * Returns: its offset
 */
guint64
hr_ggml_allocator_take (HrGgmlAllocator *self,
                        guint64          bytes)
{
  guint64 size = hr_ggml_allocator_align (self, bytes);
  guint last = self->holes->len - 1;
  guint best = last;
  guint64 offset;
  Hole *hole;

  for (guint i = 0; i < last; i++)
    {
      guint64 room = get_hole (self, i)->bytes;

      if (room >= size && (best == last || room <= get_hole (self, best)->bytes))
        best = i;
    }

  hole = get_hole (self, best);
  offset = hole->offset;
  hole->offset += size;
  hole->bytes -= size;
  if (hole->bytes == 0)
    g_array_remove_index (self->holes, best);
  self->size = MAX (self->size, offset + size);

  return offset;
}

/* The hole behind one is a part of it, if it begins where that one ends. */
static void
join (HrGgmlAllocator *self,
      guint            i)
{
  Hole *hole = get_hole (self, i);
  const Hole *next = get_hole (self, i + 1);

  if (hole->offset + hole->bytes != next->offset)
    return;

  hole->bytes += next->bytes;
  g_array_remove_index (self->holes, i + 1);
}

/*
 * hr_ggml_allocator_return:
 * @self: a plan
 * @offset: where a tensor lies
 * @bytes: its size
 *
 * Makes a hole of a place that a tensor had, joined with those beside it.
 */
void
hr_ggml_allocator_return (HrGgmlAllocator *self,
                          guint64          offset,
                          guint64          bytes)
{
  Hole new_hole = { offset, hr_ggml_allocator_align (self, bytes) };
  guint i;

  for (i = 0; i < self->holes->len; i++)
    {
      Hole *hole = get_hole (self, i);

      if (hole->offset + hole->bytes == offset)
        {
          hole->bytes += new_hole.bytes;
          if (i + 1 < self->holes->len)
            join (self, i);
          return;
        }
      if (offset + new_hole.bytes == hole->offset)
        {
          hole->offset = offset;
          hole->bytes += new_hole.bytes;
          if (i > 0)
            join (self, i - 1);
          return;
        }
    }

  for (i = 0; i < self->holes->len && get_hole (self, i)->offset < offset; )
    i++;
  g_array_insert_val (self->holes, i, new_hole);
}

/* The size of the buffer. */
guint64
hr_ggml_allocator_get_size (const HrGgmlAllocator *self)
{
  return self->size;
}

HrGgmlAllocator *
hr_ggml_allocator_copy (const HrGgmlAllocator *self)
{
  HrGgmlAllocator *copy = g_new (HrGgmlAllocator, 1);

  *copy = *self;
  copy->holes = g_array_copy (self->holes);

  return copy;
}

/* Whether two buffers are as large and have the same holes. */
gboolean
hr_ggml_allocator_equal (const HrGgmlAllocator *self,
                         const HrGgmlAllocator *other)
{
  return self->size == other->size && self->holes->len == other->holes->len &&
         memcmp (self->holes->data, other->holes->data, self->holes->len * sizeof (Hole)) == 0;
}
