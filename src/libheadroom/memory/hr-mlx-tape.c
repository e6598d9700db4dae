/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-mlx-tape.h"

/*
 * MLX 0.32 evaluates a graph array by array (eval_impl of mlx/transforms.cpp): each gets a buffer of its own unless it
 * is given that of an input that nobody else holds (donation), and its kernel is written into a command buffer. What a
 * kernel has read is retained until its command buffer has run (gpu::eval of mlx/backend/metal/eval.cpp). A command
 * buffer is handed to the GPU when it has enough (CommandEncoder::needs_commit of mlx/backend/metal/device.cpp), and
 * MLX waits for the oldest where more than MAX_ACTIVE_TASKS are under way. A GPU takes longer to compute a prompt than
 * the processor takes to write its kernels down, so that as many are always under way.
 */
#define MAX_ACTIVE_TASKS 10

/* Device::Device: limits of chips called Max and Ultra, and of the others; elements are counted, not bytes. */
#define LARGE_OPERATIONS 50
#define SMALL_OPERATIONS 40

/* vm_page_size of Apple's chips, to which MetalAllocator::malloc rounds what is larger. */
#define PAGE_BYTES 16384

typedef struct
{
  guint64 bytes;
  guint64 elements;
  guint n_holders;
  guint serial;
} HrMlxBuffer;

static HrMlxBuffer *
get_buffer (HrMlxTape *self,
            guint      index)
{
  return &g_array_index (self->buffers, HrMlxBuffer, index);
}

/*
 * hr_mlx_round:
 * @bytes: the size of an array
 *
 * Rounds a size as MLX's allocator does.
 *
 * Returns: what its buffer takes
 */
guint64
hr_mlx_round (guint64 bytes)
{
  return bytes > PAGE_BYTES ? (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES : bytes;
}

/*
 * hr_mlx_tape_init:
 * @self: (out): a tape; to be cleared
 * @is_large: whether the chip is one called Max or Ultra
 *
 * Begins with nothing.
 */
void
hr_mlx_tape_init (HrMlxTape *self,
                  gboolean   is_large)
{
  *self = (HrMlxTape) {
    .buffers = g_array_new (FALSE, FALSE, sizeof (HrMlxBuffer)),
    .unused = g_array_new (FALSE, FALSE, sizeof (guint)),
    .open = g_array_new (FALSE, FALSE, sizeof (guint)),
    .in_flight = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref),
    .max_operations = is_large ? LARGE_OPERATIONS : SMALL_OPERATIONS,
    .max_elements = (guint64) (is_large ? LARGE_OPERATIONS : SMALL_OPERATIONS) << 20,
    .serial = 1,
  };
}

/*
 * hr_mlx_tape_clear:
 * @self: a tape
 *
 * Frees it.
 */
void
hr_mlx_tape_clear (HrMlxTape *self)
{
  g_clear_pointer (&self->buffers, g_array_unref);
  g_clear_pointer (&self->unused, g_array_unref);
  g_clear_pointer (&self->open, g_array_unref);
  g_clear_pointer (&self->in_flight, g_ptr_array_unref);
}

/*
 * hr_mlx_tape_make:
 * @self: a tape
 * @bytes: the size of an array
 * @elements: its elements
 *
 * Allocates an array, which one holds who has to drop it.
 *
 * Returns: the number of the buffer
 */
guint
hr_mlx_tape_make (HrMlxTape *self,
                  guint64    bytes,
                  guint64    elements)
{
  HrMlxBuffer buffer = { .bytes = hr_mlx_round (bytes), .elements = elements, .n_holders = 1 };
  guint index = self->buffers->len;

  self->bytes += buffer.bytes;
  self->peak = MAX (self->peak, self->bytes);
  if (self->unused->len == 0)
    {
      g_array_append_val (self->buffers, buffer);
      return index;
    }

  index = g_array_index (self->unused, guint, self->unused->len - 1);
  g_array_set_size (self->unused, self->unused->len - 1);
  *get_buffer (self, index) = buffer;

  return index;
}

/*
 * hr_mlx_tape_hold:
 * @self: a tape
 * @elements: elements of a weight
 *
 * Names an array that is there anyway, so that a kernel can read it.
 *
 * Returns: the number of the buffer, which takes nothing
 */
guint
hr_mlx_tape_hold (HrMlxTape *self,
                  guint64    elements)
{
  return hr_mlx_tape_make (self, 0, elements);
}

/*
 * hr_mlx_tape_drop:
 * @self: a tape
 * @buffer: a buffer, or %HR_MLX_NO_BUFFER
 *
 * Lets a buffer go; it is freed when no command buffer retains it.
 */
void
hr_mlx_tape_drop (HrMlxTape *self,
                  guint      buffer)
{
  HrMlxBuffer *dropped;

  if (buffer == HR_MLX_NO_BUFFER)
    return;
  dropped = get_buffer (self, buffer);
  if (--dropped->n_holders > 0)
    return;

  self->bytes -= dropped->bytes;
  g_array_append_val (self->unused, buffer);
}

/*
 * hr_mlx_tape_is_donated:
 * @self: a tape
 * @buffer: a buffer that only the next kernel needs
 *
 * Checks whether its result can have this buffer (array::is_donatable of mlx/array.h).
 *
 * Returns: whether it can
 */
gboolean
hr_mlx_tape_is_donated (HrMlxTape *self,
                        guint      buffer)
{
  return get_buffer (self, buffer)->n_holders == 1;
}

static void
count (HrMlxTape *self,
       guint      index)
{
  HrMlxBuffer *buffer = get_buffer (self, index);

  if (buffer->serial == self->serial)
    return;
  buffer->serial = self->serial;
  self->elements += buffer->elements;
}

static void
finish_oldest (HrMlxTape *self)
{
  GArray *retained = g_ptr_array_index (self->in_flight, 0);

  for (guint i = 0; i < retained->len; i++)
    hr_mlx_tape_drop (self, g_array_index (retained, guint, i));
  g_ptr_array_remove_index (self->in_flight, 0);
}

static void
commit (HrMlxTape *self)
{
  g_ptr_array_add (self->in_flight, self->open);
  self->open = g_array_new (FALSE, FALSE, sizeof (guint));
  self->elements = 0;
  self->n_operations = 0;
  self->serial++;
}

/*
 * hr_mlx_tape_run:
 * @self: a tape
 * @inputs: (array length=n_inputs): what a kernel reads
 * @n_inputs: how many there are
 * @output: what it writes, which may be one of @inputs
 *
 * Writes a kernel into the open command buffer.
 */
void
hr_mlx_tape_run (HrMlxTape   *self,
                 const guint *inputs,
                 guint        n_inputs,
                 guint        output)
{
  count (self, output);
  for (guint i = 0; i < n_inputs; i++)
    {
      count (self, inputs[i]);
      if (inputs[i] == output)
        continue;
      get_buffer (self, inputs[i])->n_holders++;
      g_array_append_val (self->open, inputs[i]);
    }
  self->n_operations++;

  if (self->n_operations <= self->max_operations && self->elements < self->max_elements + (1 << 20))
    return;
  commit (self);
  if (self->in_flight->len > MAX_ACTIVE_TASKS)
    finish_oldest (self);
}

/*
 * hr_mlx_tape_wait:
 * @self: a tape
 *
 * Waits for the GPU, which has run everything then.
 */
void
hr_mlx_tape_wait (HrMlxTape *self)
{
  commit (self);
  while (self->in_flight->len > 0)
    finish_oldest (self);
}
