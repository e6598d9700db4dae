/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _HrFreeBlocks HrFreeBlocks;

/* What an allocator tells of a free block: where it lies, and by what number it is known. */
typedef struct
{
  guint64 address;
  guint32 block;
} HrFreeBlock;

/*
 * Calls @func for each, in the order of sizes, then of addresses.
 */
typedef void (*HrFreeBlockFunc) (guint64            size,
                                 const HrFreeBlock *block,
                                 gpointer           user_data);

HrFreeBlocks *hr_free_blocks_new         (void) G_GNUC_WARN_UNUSED_RESULT;
void          hr_free_blocks_free        (HrFreeBlocks       *self);
void          hr_free_blocks_add         (HrFreeBlocks       *self,
                                          guint64             size,
                                          HrFreeBlock         block);
void          hr_free_blocks_remove      (HrFreeBlocks       *self,
                                          guint64             size,
                                          guint64             address);
void          hr_free_blocks_change      (HrFreeBlocks       *self,
                                          guint64             size,
                                          guint64             address,
                                          guint64             new_size,
                                          HrFreeBlock         block);
gboolean      hr_free_blocks_find_best   (HrFreeBlocks       *self,
                                          guint64             size,
                                          guint              *position,
                                          guint32            *block);
void          hr_free_blocks_take_best   (HrFreeBlocks       *self,
                                          guint               position);
void          hr_free_blocks_change_best (HrFreeBlocks       *self,
                                          guint               position,
                                          guint64             new_size,
                                          HrFreeBlock         block);
void          hr_free_blocks_foreach     (const HrFreeBlocks *self,
                                          HrFreeBlockFunc     func,
                                          gpointer            user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrFreeBlocks, hr_free_blocks_free)

G_END_DECLS
