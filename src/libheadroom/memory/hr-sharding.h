/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"
#include "hr-replay.h"
#include "hr-trainable.h"

G_BEGIN_DECLS

#define HR_SHARDED_MAX_PARAMETERS 24

/* What is gathered at once: the table of tokens, a layer, the last norm with the head, which a tied table joins. */
typedef enum
{
  HR_SHARDED_EMBEDDING,
  HR_SHARDED_LAYER,
  HR_SHARDED_HEAD,
  HR_N_SHARDED_GROUPS,
} HrShardedGroup;

/**
 * HrSharding:
 * @is_sharded: whether parameters are sharded at all
 * @element: what they are held in
 * @is_tied: whether the table of tokens is gathered with the head
 * @n_elements: how many parameters a group has
 * @n_cast: how many are copied besides at the moment at which most are, while a group is gathered
 * @is_flat: whether those of a group are one parameter (FullyShardedDataParallel), so that all around the layers is one
 *   group
 * @is_offloaded: whether they wait on the host
 *
 * Parameters that fully_shard or FullyShardedDataParallel gathers in 16 bits, group by group, on one device.
 */
struct _HrSharding
{
  gboolean is_sharded;
  HrElement element;
  gboolean is_tied;
  guint64 n_elements[HR_N_SHARDED_GROUPS];
  guint64 n_cast[HR_N_SHARDED_GROUPS];
  gboolean is_flat;
  gboolean is_offloaded;

  /*< private >*/
  HrShardedGroup current;
  HrValue weights[HR_N_SHARDED_GROUPS];
  HrValue gradients[HR_N_SHARDED_GROUPS][HR_SHARDED_MAX_PARAMETERS];
  guint n_gradients[HR_N_SHARDED_GROUPS];
  HrValue reduced;
  HrValue ahead;       /* the copies of the layer that is differentiated next */
};

void     hr_sharding_init         (HrSharding     *self,
                                   HrModel        *model,
                                   HrElement       element);
gboolean hr_sharding_init_flat    (HrSharding     *self,
                                   HrModel        *model,
                                   HrElement       element);
HrTrainables *hr_sharding_list_flat (const HrSharding *self,
                                     guint             n_layers);
void     hr_sharding_begin        (HrSharding     *self,
                                   HrReplay       *replay);
void     hr_sharding_gather       (HrReplay       *replay,
                                   HrShardedGroup  group);
void     hr_sharding_let_go       (HrReplay       *replay,
                                   HrShardedGroup  group);
void     hr_sharding_gather_ahead (HrReplay       *replay,
                                   gboolean        is_first);
void     hr_sharding_leave        (HrReplay       *replay,
                                   HrValue        *output);
void     hr_sharding_enter        (HrReplay       *replay,
                                   HrShardedGroup  group);
void     hr_sharding_take         (HrReplay       *replay,
                                   HrValue         gradient);
void     hr_sharding_reduce       (HrReplay       *replay,
                                   HrShardedGroup  group);
void     hr_sharding_end          (HrReplay       *replay);

G_END_DECLS
