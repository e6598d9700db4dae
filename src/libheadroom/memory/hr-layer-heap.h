/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

/*
 * What a layer in a step of training asks of a heap, forwards and back, so that others that do the same need not be
 * replayed. The tape knows the layer once: it holds the blocks of the one that is differentiated first.
 */
typedef struct _HrLayerHeap HrLayerHeap;

HrLayerHeap *hr_layer_heap_new             (void) G_GNUC_WARN_UNUSED_RESULT;
void         hr_layer_heap_free            (HrLayerHeap *self);
void         hr_layer_heap_begin           (HrLayerHeap *self,
                                            HrReplay    *replay,
                                            HrValue      input);
gboolean     hr_layer_heap_end             (HrLayerHeap *self,
                                            HrReplay    *replay,
                                            HrValue      output);
void         hr_layer_heap_repeat          (HrLayerHeap *self,
                                            HrReplay    *replay,
                                            HrValue      hidden,
                                            guint        count);
void         hr_layer_heap_begin_backward  (HrLayerHeap *self,
                                            HrReplay    *replay,
                                            HrValue      gradient);
void         hr_layer_heap_end_backward    (HrLayerHeap *self,
                                            HrReplay    *replay,
                                            HrValue      gradient);
void         hr_layer_heap_repeat_backward (HrLayerHeap *self,
                                            HrReplay    *replay,
                                            HrValue      gradient,
                                            guint        count);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLayerHeap, hr_layer_heap_free)

G_END_DECLS
