/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* torch's caching allocator: what it takes from the driver for the blocks that it is asked for. */
typedef struct _HrCachingAllocator HrCachingAllocator;

HrCachingAllocator *hr_caching_allocator_new           (void) G_GNUC_WARN_UNUSED_RESULT;
void                hr_caching_allocator_free          (HrCachingAllocator       *self);
guint32             hr_caching_allocator_allocate      (HrCachingAllocator       *self,
                                                        guint64                   bytes);
void                hr_caching_allocator_release       (HrCachingAllocator       *self,
                                                        guint32                   block);
guint64             hr_caching_allocator_get_allocated (const HrCachingAllocator *self);
guint64             hr_caching_allocator_get_peak      (const HrCachingAllocator *self);
guint64             hr_caching_allocator_get_reserved  (const HrCachingAllocator *self);
gboolean            hr_caching_allocator_is_small_request (guint64                bytes);
gboolean            hr_caching_allocator_is_small      (const HrCachingAllocator *self,
                                                        guint32                   block);
guint64             hr_caching_allocator_hash_small    (const HrCachingAllocator *self,
                                                        guint32                   block);
guint64             hr_caching_allocator_hash_free     (const HrCachingAllocator *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrCachingAllocator, hr_caching_allocator_free)

G_END_DECLS
