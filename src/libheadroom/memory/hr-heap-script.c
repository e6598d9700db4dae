/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-heap-script.h"

#include "hr-caching-allocator.h"

/*
 * What a layer asks for, which others like it ask for as well. Small blocks lie in segments of their own. Where a layer
 * leaves the free ones among them as an earlier one has found them, those that follow do as the layers in between: only
 * their requests for large blocks, which the cache grows by, have to be made.
 */

/* After how many layers, at most, small blocks are looked for where they were: what one hands on takes turns. */
#define MAX_PERIOD 4

/* The block that goes into a layer, among those that it is handed. */
#define INPUT 0

typedef enum
{
  REQUEST_TAKE,
  REQUEST_ADOPT,
  REQUEST_GIVE,
  REQUEST_LEAVE,
} RequestKind;

typedef struct
{
  guint64 bytes;
  guint32 slot;           /* which of those that the layer is handed, takes or adopts */
  guint8 kind;
  guint8 component;
  guint8 is_small;        /* whether it is for a small block that the layer has for itself */
} Request;

struct _HrHeapScript
{
  GArray *requests;       /* of Request */
  GArray *held;           /* of HrHeapHeld: what the layer has so far, and in the end what it keeps */
  guint n_handed;
  guint n_slots;
  guint output;
  gboolean is_cyclic;     /* whether small blocks may be left out, as none stays but the output */
  gboolean is_spoilt;
};

static void
hold (HrHeapScript *self,
      HrHeapBlock   block)
{
  HrHeapHeld held = { block, self->n_slots++ };

  if (block != HR_NO_BLOCK)
    g_array_append_val (self->held, held);
}

/*
 * hr_heap_script_new:
 * @handed: (array length=n_handed): the blocks that the layer is handed, its input first
 * @n_handed: how many there are
 *
 * Begins a script.
 *
 * Returns: (transfer full): the script
 */
HrHeapScript *
hr_heap_script_new (const HrHeapBlock *handed,
                    guint              n_handed)
{
  HrHeapScript *self = g_new0 (HrHeapScript, 1);

  self->requests = g_array_new (FALSE, FALSE, sizeof (Request));
  self->held = g_array_new (FALSE, FALSE, sizeof (HrHeapHeld));
  self->n_handed = n_handed;
  for (guint i = 0; i < n_handed; i++)
    hold (self, handed[i]);

  return self;
}

void
hr_heap_script_free (HrHeapScript *self)
{
  g_return_if_fail (self != NULL);

  g_array_unref (self->requests);
  g_array_unref (self->held);
  g_free (self);
}

static void
note (HrHeapScript  *self,
      RequestKind    kind,
      HrComponentId  component,
      guint64        bytes,
      guint          slot)
{
  Request request = { bytes, slot, kind, component, FALSE };

  g_array_append_val (self->requests, request);
}

/* What the layer lets go of: the newest first, as functions do. */
static guint
let_go (HrHeapScript *self,
        HrHeapBlock   block)
{
  for (guint i = self->held->len; i-- > 0; )
    {
      HrHeapHeld held = g_array_index (self->held, HrHeapHeld, i);

      if (held.block != block)
        continue;

      g_array_remove_index_fast (self->held, i);
      return held.slot;
    }

  self->is_spoilt = TRUE;

  return INPUT;
}

void
hr_heap_script_note_take (HrHeapScript *self,
                          HrHeapBlock   block,
                          guint64       bytes)
{
  note (self, REQUEST_TAKE, 0, bytes, self->n_slots);
  hold (self, block);
}

void
hr_heap_script_note_adopt (HrHeapScript  *self,
                           HrHeapBlock    block,
                           HrComponentId  component,
                           guint64        bytes)
{
  note (self, REQUEST_ADOPT, component, bytes, self->n_slots);
  hold (self, block);
  self->is_spoilt |= block == HR_NO_BLOCK;
}

void
hr_heap_script_note_give (HrHeapScript *self,
                          HrHeapBlock   block)
{
  guint slot = let_go (self, block);

  note (self, REQUEST_GIVE, 0, 0, slot);
}

void
hr_heap_script_note_leave (HrHeapScript  *self,
                           HrHeapBlock    block,
                           HrComponentId  component,
                           guint64        bytes)
{
  guint slot = let_go (self, block);

  note (self, REQUEST_LEAVE, component, bytes, slot);
}

/*
 * hr_heap_script_spoil:
 * @self: a script that is written
 *
 * Says that the layer does something that a script does not hold.
 */
void
hr_heap_script_spoil (HrHeapScript *self)
{
  self->is_spoilt = TRUE;
}

static gboolean
is_own (const HrHeapScript *self,
        const Request      *request)
{
  return request->slot >= self->n_handed;
}

/*
 * Marks the requests for small blocks that come and go with the layer, but for those that it adopts. Returns whether
 * these are all that it makes of such blocks, with what it hands on.
 */
static gboolean
mark_small (HrHeapScript *self)
{
  g_autofree gboolean *is_small = g_new0 (gboolean, self->n_slots);
  gboolean is_cyclic = TRUE, has_begun = FALSE;

  for (guint i = 0; i < self->requests->len; i++)
    {
      Request *request = &g_array_index (self->requests, Request, i);

      if (request->kind == REQUEST_TAKE)
        is_small[request->slot] = hr_caching_allocator_is_small_request (request->bytes);
      request->is_small = is_own (self, request) && is_small[request->slot];
      /* What is adopted is to be known before anything is left out. */
      is_cyclic &= request->kind != REQUEST_ADOPT || !has_begun;
      is_cyclic &= request->kind != REQUEST_LEAVE || (is_own (self, request) && !request->is_small);
      has_begun |= request->kind != REQUEST_ADOPT;
    }

  return is_cyclic;
}

/*
 * hr_heap_script_end:
 * @self: a script that is written
 * @output: the block that the layer hands on
 *
 * Ends a script.
 *
 * Returns: whether others can run it: the layer has let go of no block but its own and those that it was handed, and
 *   hands on one of these
 */
gboolean
hr_heap_script_end (HrHeapScript *self,
                    HrHeapBlock   output)
{
  if (self->is_spoilt || output == HR_NO_BLOCK)
    return FALSE;

  self->output = let_go (self, output);
  self->is_cyclic = mark_small (self);

  return !self->is_spoilt;
}

/*
 * hr_heap_script_get_n_slots:
 * @self: a script that has ended
 *
 * Returns: how many blocks a layer is handed, takes and adopts
 */
guint
hr_heap_script_get_n_slots (const HrHeapScript *self)
{
  return self->n_slots;
}

/*
 * hr_heap_script_get_n_kept:
 * @self: a script that has ended
 *
 * Returns: how many blocks the layer keeps, beside its output
 */
guint
hr_heap_script_get_n_kept (const HrHeapScript *self)
{
  return self->held->len;
}

/*
 * hr_heap_script_get_kept:
 * @self: a script that has ended
 * @index: which of the blocks that the layer keeps
 *
 * Returns: a block that the layer which the script was written of keeps
 */
HrHeapHeld
hr_heap_script_get_kept (const HrHeapScript *self,
                         guint               index)
{
  return g_array_index (self->held, HrHeapHeld, index);
}

/*
 * Asks for what a layer asks for, or for large blocks alone if @is_short. Returns FALSE if it has asked for all, as
 * something that it has adopted is small.
 */
static gboolean
run (const HrHeapScript *self,
     HrHeap             *heap,
     HrHeapBlock        *slots,
     gboolean            is_short)
{
  gboolean has_small_input = is_short && hr_heap_is_small (heap, slots[INPUT]);

  for (guint i = 0; i < self->requests->len; i++)
    {
      const Request *request = &g_array_index (self->requests, Request, i);
      HrHeapBlock *block = &slots[request->slot];

      if (is_short && (is_own (self, request) ? request->is_small : has_small_input))
        continue;

      switch ((RequestKind) request->kind)
        {
        case REQUEST_TAKE:
          *block = hr_heap_take (heap, request->bytes);
          break;

        case REQUEST_ADOPT:
          *block = hr_heap_adopt (heap, request->component, request->bytes);
          is_short = is_short && !hr_heap_is_small (heap, *block);
          break;

        case REQUEST_GIVE:
          hr_heap_give (heap, *block);
          break;

        case REQUEST_LEAVE:
        default:
          hr_heap_leave (heap, *block, request->component, request->bytes);
          break;
        }
    }

  if (!(is_short && has_small_input))
    slots[INPUT] = slots[self->output];

  return is_short;
}

/* How many layers ago small blocks were as they are now, 0 if they were not; notes what they are like. */
static guint
find_period (guint64 *marks,
             guint    n_marks,
             guint64  mark)
{
  guint period = 0;

  for (guint i = 1; i <= MIN (n_marks, MAX_PERIOD) && period == 0; i++)
    period = marks[(n_marks - i) % MAX_PERIOD] == mark ? i : 0;
  marks[n_marks % MAX_PERIOD] = mark;

  return period;
}

/*
 * hr_heap_script_run:
 * @self: a script of a layer that is handed nothing but its input, and keeps nothing
 * @heap: a heap
 * @input: the block that the first layer is handed
 * @count: how many layers run it
 *
 * Asks for what layers in a row ask for. While requests are recorded, none is left out.
 *
 * Returns: the block that the last hands on
 */
HrHeapBlock
hr_heap_script_run (const HrHeapScript *self,
                    HrHeap             *heap,
                    HrHeapBlock         input,
                    guint               count)
{
  g_autofree HrHeapBlock *slots = g_new (HrHeapBlock, self->n_slots);
  gboolean is_cyclic = self->is_cyclic && !hr_heap_is_recording (heap);
  guint64 marks[MAX_PERIOD];
  guint n_marks = 0;

  slots[INPUT] = input;
  while (count > 0)
    {
      guint period = is_cyclic ? find_period (marks, n_marks++, hr_heap_hash_small (heap, slots[INPUT])) : 0;
      gboolean was_small;

      for (guint n = period > 0 ? count / period * period : 0; n > 0 && is_cyclic; n--, count--)
        is_cyclic = run (self, heap, slots, TRUE);
      if (count == 0)
        break;

      was_small = hr_heap_is_small (heap, slots[INPUT]);
      run (self, heap, slots, FALSE);
      is_cyclic = is_cyclic && hr_heap_is_small (heap, slots[INPUT]) == was_small;
      count--;
    }

  return slots[INPUT];
}

/*
 * hr_heap_script_run_once:
 * @self: a script that others can run
 * @heap: a heap
 * @slots: (inout) (array): room for as many blocks as there are slots, of which those that the layer is handed come
 *   first
 *
 * Asks for what a layer asks for. What it keeps is then in the slots.
 *
 * Returns: the block that it hands on
 */
HrHeapBlock
hr_heap_script_run_once (const HrHeapScript *self,
                         HrHeap             *heap,
                         HrHeapBlock        *slots)
{
  HrHeapBlock input = slots[INPUT];
  HrHeapBlock output;

  run (self, heap, slots, FALSE);
  output = slots[INPUT];
  slots[INPUT] = input;

  return output;
}
