/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-component.h"

G_BEGIN_DECLS

typedef struct _HrHeap HrHeap;
typedef struct _HrHeapScript HrHeapScript;

/* A block of a heap; 0 stands for none. */
typedef guint32 HrHeapBlock;

#define HR_NO_BLOCK 0
#define HR_ANY_SIZE G_MAXUINT64

/* Products run in a thread of their own on the way back; each thread has a workspace of the matrix library. */
typedef enum
{
  HR_HEAP_THREAD_FORWARD,
  HR_HEAP_THREAD_BACKWARD,
  HR_N_HEAP_THREADS,
} HrHeapThread;

HrHeap      *hr_heap_new             (guint64        workspace_bytes) G_GNUC_WARN_UNUSED_RESULT;
void         hr_heap_free            (HrHeap        *self);
HrHeapBlock  hr_heap_take            (HrHeap        *self,
                                      guint64        bytes);
void         hr_heap_give            (HrHeap        *self,
                                      HrHeapBlock    block);
void         hr_heap_leave           (HrHeap        *self,
                                      HrHeapBlock    block,
                                      HrComponentId  component,
                                      guint64        bytes);
HrHeapBlock  hr_heap_adopt           (HrHeap        *self,
                                      HrComponentId  component,
                                      guint64        bytes);
void         hr_heap_give_first_left (HrHeap        *self,
                                      HrComponentId  component);
void         hr_heap_give_left       (HrHeap        *self,
                                      HrComponentId  component);
void         hr_heap_multiply        (HrHeap        *self,
                                      HrHeapThread   thread);
void         hr_heap_set_script      (HrHeap        *self,
                                      HrHeapScript  *script);
void         hr_heap_set_recording   (HrHeap        *self,
                                      gboolean       is_recording);
void         hr_heap_repeat          (HrHeap        *self,
                                      guint          count);
gboolean     hr_heap_is_recording    (const HrHeap  *self);
gboolean     hr_heap_is_small        (const HrHeap  *self,
                                      HrHeapBlock    block);
guint64      hr_heap_hash_small      (const HrHeap  *self,
                                      HrHeapBlock    block);
guint64      hr_heap_get_reserved    (const HrHeap  *self);
guint64      hr_heap_get_peak        (const HrHeap  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrHeap, hr_heap_free)

G_END_DECLS
