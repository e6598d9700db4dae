/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-heap.h"

G_BEGIN_DECLS

/*
 * What a layer asks of a heap, so that others of its class can ask for the same without being replayed. It is handed
 * one block, the input of the layer, and leaves one, its output; what it takes besides it gives back, or leaves in the
 * books.
 */
HrHeapScript *hr_heap_script_new        (void) G_GNUC_WARN_UNUSED_RESULT;
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
                                         HrHeapBlock         input,
                                         HrHeapBlock         output);
HrHeapBlock   hr_heap_script_run        (const HrHeapScript *self,
                                         HrHeap             *heap,
                                         HrHeapBlock         input,
                                         guint               count);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrHeapScript, hr_heap_script_free)

G_END_DECLS
