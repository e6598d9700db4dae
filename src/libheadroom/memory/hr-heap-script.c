/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-heap-script.h"

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
  Request request = { bytes, taken, kind, component };

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

  return !self->is_spoilt && (passes_on || makes);
}

/*
 * hr_heap_script_run:
 * @self: a script that others can run
 * @heap: a heap
 * @input: the block that the layer is handed
 *
 * Asks for what a layer asks for.
 *
 * Returns: the block that it hands on
 */
HrHeapBlock
hr_heap_script_run (const HrHeapScript *self,
                    HrHeap             *heap,
                    HrHeapBlock         input)
{
  g_autofree HrHeapBlock *taken = g_new (HrHeapBlock, self->n_taken);

  for (guint i = 0; i < self->requests->len; i++)
    {
      const Request *request = &g_array_index (self->requests, Request, i);
      HrHeapBlock block = request->taken != INPUT && request->kind >= REQUEST_GIVE ? taken[request->taken] : input;

      switch ((RequestKind) request->kind)
        {
        case REQUEST_TAKE:
          taken[request->taken] = hr_heap_take (heap, request->bytes);
          break;

        case REQUEST_ADOPT:
          taken[request->taken] = hr_heap_adopt (heap, request->component, request->bytes);
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

  return self->output != INPUT ? taken[self->output] : input;
}
