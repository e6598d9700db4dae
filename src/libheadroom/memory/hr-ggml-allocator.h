/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The addresses of a buffer that ggml plans before it asks a device for it. */
typedef struct _HrGgmlAllocator HrGgmlAllocator;

HrGgmlAllocator *hr_ggml_allocator_new      (guint64                alignment) G_GNUC_WARN_UNUSED_RESULT;
void             hr_ggml_allocator_free     (HrGgmlAllocator       *self);
guint64          hr_ggml_allocator_align    (const HrGgmlAllocator *self,
                                             guint64                bytes);
guint64          hr_ggml_allocator_take     (HrGgmlAllocator       *self,
                                             guint64                bytes);
void             hr_ggml_allocator_return   (HrGgmlAllocator       *self,
                                             guint64                offset,
                                             guint64                bytes);
guint64          hr_ggml_allocator_get_size (const HrGgmlAllocator *self);
HrGgmlAllocator *hr_ggml_allocator_copy     (const HrGgmlAllocator *self) G_GNUC_WARN_UNUSED_RESULT;
gboolean         hr_ggml_allocator_equal    (const HrGgmlAllocator *self,
                                             const HrGgmlAllocator *other);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGgmlAllocator, hr_ggml_allocator_free)

G_END_DECLS
