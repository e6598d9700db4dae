/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-heap.h"

G_BEGIN_DECLS

/**
 * HrHeapHeld:
 * @block: the block
 * @slot: its place among those that the layer is handed, takes and adopts
 *
 * A block that a layer has.
 */
typedef struct
{
  HrHeapBlock block;
  guint slot;
} HrHeapHeld;

/*
 * What a layer asks of a heap, so that others of its class can ask for the same without being replayed. It is handed
 * blocks, of which the first is its input, and hands one on, its output; what it takes besides it gives back, keeps, or
 * leaves in the books.
 */
HrHeapScript *hr_heap_script_new        (const HrHeapBlock  *handed,
                                         guint               n_handed) G_GNUC_WARN_UNUSED_RESULT;
void          hr_heap_script_free       (HrHeapScript       *self);
void          hr_heap_script_note_take  (HrHeapScript       *self,
                                         HrHeapBlock         block,
                                         guint64             bytes);
void          hr_heap_script_note_adopt (HrHeapScript       *self,
                                         HrHeapBlock         block,
                                         HrComponentId       component,
                                         guint64             bytes);
void          hr_heap_script_note_give  (HrHeapScript       *self,
                                         HrHeapBlock         block);
void          hr_heap_script_note_leave (HrHeapScript       *self,
                                         HrHeapBlock         block,
                                         HrComponentId       component,
                                         guint64             bytes);
void          hr_heap_script_spoil      (HrHeapScript       *self);
gboolean      hr_heap_script_end        (HrHeapScript       *self,
                                         HrHeapBlock         output);
guint         hr_heap_script_get_n_slots (const HrHeapScript *self);
guint         hr_heap_script_get_n_kept (const HrHeapScript *self);
HrHeapHeld    hr_heap_script_get_kept   (const HrHeapScript *self,
                                         guint               index);
HrHeapBlock   hr_heap_script_run        (const HrHeapScript *self,
                                         HrHeap             *heap,
                                         HrHeapBlock         input,
                                         guint               count);
HrHeapBlock   hr_heap_script_run_once   (const HrHeapScript *self,
                                         HrHeap             *heap,
                                         HrHeapBlock        *slots);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrHeapScript, hr_heap_script_free)

G_END_DECLS
