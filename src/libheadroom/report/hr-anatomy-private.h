/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-anatomy.h"
#include "hr-matrix-format.h"

G_BEGIN_DECLS

/**
 * HrAnatomyBlock:
 * @block: the block
 * @stack_index: the index of @stack; for the head the number of stacks
 * @stack: the stack it is in; %NULL for the head
 * @klass: the class of its layers; %NULL outside the layers
 * @class_index: the index of @klass in @stack
 * @rows: (element-type guint): the indices of its tensors among those of the model
 * @n_parameters: its parameters in one layer, tied ones left out
 * @n_active: of these, those that a token passes
 * @n_bytes: what they take in one layer
 *
 * A block and the tensors that it made.
 */
typedef struct
{
  const HrBlock *block;
  guint stack_index;
  const HrStack *stack;
  const HrLayerClass *klass;
  guint class_index;
  GArray *rows;
  guint64 n_parameters;
  guint64 n_active;
  guint64 n_bytes;
} HrAnatomyBlock;

GPtrArray      *hr_anatomy_get_blocks           (HrAnatomy            *self);
gboolean        hr_anatomy_keeps_cache          (const HrAnatomyBlock *block);
guint64         hr_anatomy_get_n_source_tokens  (HrAnatomy            *self);
char           *hr_anatomy_dup_class_label      (HrAnatomy            *self,
                                                 const HrStack        *stack,
                                                 guint                 class_index);
char           *hr_anatomy_block_dup_label      (const HrBlock        *block);
char           *hr_anatomy_block_dup_note       (const HrBlock        *block);
void            hr_anatomy_describe_tensor      (HrAnatomy            *self,
                                                 const HrBlock        *block,
                                                 const HrTensor       *tensor,
                                                 char                **formula,
                                                 char                **substitution);
gboolean        hr_anatomy_find_feed_forward    (HrAnatomy            *self,
                                                 guint64              *hidden_size,
                                                 guint64              *intermediate_size,
                                                 gboolean             *gated,
                                                 guint64              *n_parameters);

HrAnatomyTable *hr_anatomy_create_summary       (HrAnatomy            *self);
HrAnatomyTable *hr_anatomy_create_parts         (HrAnatomy            *self);
HrAnatomyTable *hr_anatomy_create_layers        (HrAnatomy            *self);
HrAnatomyTable *hr_anatomy_create_expansion     (HrAnatomy            *self);
HrAnatomyTable *hr_anatomy_create_rules         (HrAnatomy            *self);
HrAnatomyTable *hr_anatomy_create_cache         (HrAnatomy            *self);
HrAnatomyTable *hr_anatomy_create_heads         (HrAnatomy            *self);
HrAnatomyTable *hr_anatomy_create_keys          (HrAnatomy            *self);
HrAnatomyTable *hr_anatomy_create_feed_forward  (HrAnatomy            *self);

guint hr_anatomy_list_pieces (HrAnatomy     *self,
                              guint          index,
                              guint          copy,
                              HrMatrixPiece *pieces);

G_END_DECLS
