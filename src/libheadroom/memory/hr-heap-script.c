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

/* The block that a layer is handed, among those that it takes. */
#define INPUT G_MAXUINT32

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
  guint32 taken;          /* which of those that the layer takes or adopts, or its input */
  guint8 kind;
  guint8 component;
  guint8 is_small;        /* whether it is for a small block that the layer has for itself */
} Request;

/* A block that the layer has, while the script is written. */
typedef struct
{
  HrHeapBlock block;
  guint32 taken;
} Held;

struct _HrHeapScript
{
  GArray *requests;       /* of Request */
  GArray *held;           /* of Held */
  guint n_taken;
  guint32 output;
  gboolean is_cyclic;     /* whether small blocks may be left out, as none stays but the output */
  HrHeapBlock given;      /* what was not taken by the layer, and is given back or left by it */
  gboolean is_spoilt;
};

/*
 * hr_heap_script_new:
 *
 * Makes an empty script.
 *
 * Returns: (transfer full): the script
 */
HrHeapScript *
hr_heap_script_new (void)
{
  HrHeapScript *self = g_new0 (HrHeapScript, 1);

  self->requests = g_array_new (FALSE, FALSE, sizeof (Request));
  self->held = g_array_new (FALSE, FALSE, sizeof (Held));

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
      guint32        taken)
{
  Request request = { bytes, taken, kind, component, FALSE };

  g_array_append_val (self->requests, request);
}

static void
hold (HrHeapScript *self,
      HrHeapBlock   block)
{
  Held held = { block, self->n_taken++ };

  g_array_append_val (self->held, held);
}

/* What the layer lets go of: the newest first, as functions do. */
static guint32
let_go (HrHeapScript *self,
        HrHeapBlock   block)
{
  for (guint i = self->held->len; i-- > 0; )
    {
      const Held *held = &g_array_index (self->held, Held, i);
      guint32 taken = held->taken;

      if (held->block != block)
        continue;

      g_array_remove_index_fast (self->held, i);
      return taken;
    }

  self->is_spoilt |= self->given != HR_NO_BLOCK;
  self->given = block;

  return INPUT;
}

void
hr_heap_script_note_take (HrHeapScript *self,
                          HrHeapBlock   block,
                          guint64       bytes)
{
  note (self, REQUEST_TAKE, 0, bytes, self->n_taken);
  hold (self, block);
}

void
hr_heap_script_note_adopt (HrHeapScript  *self,
                           HrHeapBlock    block,
                           HrComponentId  component,
                           guint64        bytes)
{
  note (self, REQUEST_ADOPT, component, bytes, self->n_taken);
  if (block != HR_NO_BLOCK)
    hold (self, block);
  else
    self->is_spoilt = TRUE;
}

void
hr_heap_script_note_give (HrHeapScript *self,
                          HrHeapBlock   block)
{
  guint32 taken = let_go (self, block);

  note (self, REQUEST_GIVE, 0, 0, taken);
}

void
hr_heap_script_note_leave (HrHeapScript  *self,
                           HrHeapBlock    block,
                           HrComponentId  component,
                           guint64        bytes)
{
  guint32 taken = let_go (self, block);

  note (self, REQUEST_LEAVE, component, bytes, taken);
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
is_own (const Request *request)
{
  return request->taken != INPUT;
}

/*
 * Marks the requests for small blocks that come and go with the layer, but for those that it adopts. Returns whether
 * these are all that it makes of such blocks, with what it hands on.
 */
static gboolean
mark_small (HrHeapScript *self)
{
  g_autofree gboolean *is_small = g_new0 (gboolean, self->n_taken);
  gboolean is_cyclic = TRUE, has_begun = FALSE;

  for (guint i = 0; i < self->requests->len; i++)
    {
      Request *request = &g_array_index (self->requests, Request, i);

      if (request->kind == REQUEST_TAKE)
        is_small[request->taken] = hr_caching_allocator_is_small_request (request->bytes);
      request->is_small = is_own (request) && is_small[request->taken];
      /* What is adopted is to be known before anything is left out. */
      is_cyclic &= request->kind != REQUEST_ADOPT || !has_begun;
      is_cyclic &= request->kind != REQUEST_LEAVE || (is_own (request) && !request->is_small);
      has_begun |= request->kind != REQUEST_ADOPT;
    }

  return is_cyclic;
}

/*
 * hr_heap_script_end:
 * @self: a script that is written
 * @input: the block that the layer was handed
 * @output: the block that it hands on
 *
 * Ends a script.
 *
 * Returns: whether others can run it: the layer has let go of no block but its own and its input, if of that, and has
 *   kept none but its output
 */
gboolean
hr_heap_script_end (HrHeapScript *self,
                    HrHeapBlock   input,
                    HrHeapBlock   output)
{
  gboolean passes_on = self->held->len == 0 && self->given == HR_NO_BLOCK && output == input;
  gboolean makes = self->held->len == 1 && self->given == input && input != HR_NO_BLOCK &&
                   g_array_index (self->held, Held, 0).block == output;

  self->output = makes ? g_array_index (self->held, Held, 0).taken : INPUT;
  self->is_cyclic = mark_small (self);

  return !self->is_spoilt && (passes_on || makes);
}

/*
 * Asks for what a layer asks for, or for large blocks alone if @is_short. Returns FALSE if it has asked for all, as
 * something that it has adopted is small.
 */
static gboolean
run (const HrHeapScript *self,
     HrHeap             *heap,
     HrHeapBlock        *input,
     HrHeapBlock        *taken,
     gboolean            is_short)
{
  gboolean has_small_input = hr_heap_is_small (heap, *input);

  for (guint i = 0; i < self->requests->len; i++)
    {
      const Request *request = &g_array_index (self->requests, Request, i);
      HrHeapBlock block;

      if (is_short && (is_own (request) ? request->is_small : has_small_input))
        continue;

      block = is_own (request) && request->kind >= REQUEST_GIVE ? taken[request->taken] : *input;
      switch ((RequestKind) request->kind)
        {
        case REQUEST_TAKE:
          taken[request->taken] = hr_heap_take (heap, request->bytes);
          break;

        case REQUEST_ADOPT:
          taken[request->taken] = hr_heap_adopt (heap, request->component, request->bytes);
          is_short = is_short && !hr_heap_is_small (heap, taken[request->taken]);
          break;

        case REQUEST_GIVE:
          hr_heap_give (heap, block);
          break;

        case REQUEST_LEAVE:
        default:
          hr_heap_leave (heap, block, request->component, request->bytes);
          break;
        }
    }

  if (self->output != INPUT && !(is_short && has_small_input))
    *input = taken[self->output];

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
 * @self: a script that others can run
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
  g_autofree HrHeapBlock *taken = g_new (HrHeapBlock, self->n_taken);
  gboolean is_cyclic = self->is_cyclic && input != HR_NO_BLOCK && !hr_heap_is_recording (heap);
  guint64 marks[MAX_PERIOD];
  guint n_marks = 0;

  while (count > 0)
    {
      guint period = is_cyclic ? find_period (marks, n_marks++, hr_heap_hash_small (heap, input)) : 0;
      gboolean was_small;

      for (guint n = period > 0 ? count / period * period : 0; n > 0 && is_cyclic; n--, count--)
        is_cyclic = run (self, heap, &input, taken, TRUE);
      if (count == 0)
        break;

      was_small = hr_heap_is_small (heap, input);
      run (self, heap, &input, taken, FALSE);
      is_cyclic = is_cyclic && hr_heap_is_small (heap, input) == was_small;
      count--;
    }

  return input;
}
