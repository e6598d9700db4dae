/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-ggml-allocator.h"

/*
 * ggml plans the tensors of a graph in a buffer whose size shows in the end (ggml/src/ggml-alloc.c at b11669:
 * ggml_dyn_tallocr_alloc, ggml_dyn_tallocr_free_bytes). A tensor goes into the smallest hole that holds it, of equal
 * ones the last; where there is none, behind all others. CUDA sets no limit on a buffer, so that there is one of them.
 */

typedef struct
{
  guint64 offset;
  guint64 bytes;
} Hole;

struct _HrGgmlAllocator
{
  guint64 alignment;
  GArray *holes;      /* of Hole, by their addresses; that behind the last tensor is not among them */
  guint64 end;        /* where the last tensor ends */
  guint64 size;       /* the highest that @end has been */
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
  HrGgmlAllocator *self = g_new0 (HrGgmlAllocator, 1);

  self->alignment = alignment;
  self->holes = g_array_new (FALSE, FALSE, sizeof (Hole));

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
  guint best = self->holes->len;
  guint64 offset;

  for (guint i = 0; i < self->holes->len; i++)
    {
      const Hole *hole = &g_array_index (self->holes, Hole, i);

      if (hole->bytes >= size &&
          (best == self->holes->len || hole->bytes <= g_array_index (self->holes, Hole, best).bytes))
        best = i;
    }

  if (best < self->holes->len)
    {
      Hole *hole = &g_array_index (self->holes, Hole, best);

      offset = hole->offset;
      hole->offset += size;
      hole->bytes -= size;
      if (hole->bytes == 0)
        g_array_remove_index (self->holes, best);

      return offset;
    }

  offset = self->end;
  self->end += size;
  self->size = MAX (self->size, self->end);

  return offset;
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
  Hole hole = { offset, hr_ggml_allocator_align (self, bytes) };
  guint i = 0;

  if (hole.bytes == 0)
    return;

  while (i < self->holes->len && g_array_index (self->holes, Hole, i).offset < offset)
    i++;

  if (i < self->holes->len && hole.offset + hole.bytes == g_array_index (self->holes, Hole, i).offset)
    {
      hole.bytes += g_array_index (self->holes, Hole, i).bytes;
      g_array_remove_index (self->holes, i);
    }
  if (i > 0)
    {
      const Hole *before = &g_array_index (self->holes, Hole, i - 1);

      if (before->offset + before->bytes == hole.offset)
        {
          hole = (Hole) { before->offset, before->bytes + hole.bytes };
          g_array_remove_index (self->holes, --i);
        }
    }

  if (hole.offset + hole.bytes == self->end)
    self->end = hole.offset;
  else
    g_array_insert_val (self->holes, i, hole);
}

/* The size of the buffer. */
guint64
hr_ggml_allocator_get_size (const HrGgmlAllocator *self)
{
  return self->size;
}
