/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  HR_CHECKPOINTING_NONE,
  HR_CHECKPOINTING_FULL,       /* layers are computed anew in the backward pass */
  HR_CHECKPOINTING_REENTRANT,  /* by a backward pass within the backward pass */
  HR_CHECKPOINTING_OPERATORS,  /* but for what operators made that take long */
  HR_CHECKPOINTING_ATTENTION,  /* nothing but the attention is, from queries, keys and values to its output */
} HrCheckpointingKind;

/**
 * HrCheckpointing:
 * @kind: what is computed anew
 * @every: of how many layers it is the last in which that is so; 0 or 1 if it is so in each
 * @first: how many layers from the first on it is so in; 0 if it is so in all
 * @group: how many layers in a row are computed anew at once; 0 or 1: each by itself
 * @is_divided: whether what goes into them is divided among the ranks that share a layer
 *
 * What is computed anew in the backward pass, and in which layers.
 */
typedef struct
{
  HrCheckpointingKind kind;
  guint64 every;
  guint64 first;
  guint64 group;
  gboolean is_divided;
} HrCheckpointing;

HrCheckpointingKind hr_checkpointing_get_kind          (const HrCheckpointing *self,
                                                        guint                  layer);
gboolean            hr_checkpointing_recomputes        (const HrCheckpointing *self,
                                                        guint                  layer);
gboolean            hr_checkpointing_keeps_input       (const HrCheckpointing *self,
                                                        guint                  layer);
gboolean            hr_checkpointing_recomputes_layers (const HrCheckpointing *self);

G_END_DECLS
