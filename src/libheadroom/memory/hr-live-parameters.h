/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

/**
 * HrLeafOrder:
 * @HR_LEAF_ORDER_READ: as they are read: what is shared by all tokens where it comes first, the router, the experts
 * @HR_LEAF_ORDER_EXPERTS: the experts before all that is read before them
 * @HR_LEAF_ORDER_ROUTER: the router and the experts before all that is read before them
 *
 * In which order the class of a mixture makes its parameters.
 */
typedef enum
{
  HR_LEAF_ORDER_READ,
  HR_LEAF_ORDER_EXPERTS,
  HR_LEAF_ORDER_ROUTER,
} HrLeafOrder;

/**
 * HrLiveSettings:
 * @is_used: whether parameters are gathered so at all
 * @n_ranks: how many ranks share each parameter
 * @prefetch_elements: how many parameters are gathered ahead at once (stage3_prefetch_bucket_size)
 * @max_elements: from how many gathered parameters on none is gathered ahead (stage3_max_live_parameters)
 * @reuse_elements: among how many that come next one is looked for before it is let go of (stage3_max_reuse_distance)
 * @persistent_elements: how many a parameter has at the most that stays gathered (stage3_param_persistence_threshold)
 * @is_offloaded: whether the parts wait on the host
 * @n_secondary_ranks: how many ranks share a second copy, which is made when a parameter is let go of and stays to the
 *   end of the step (zero_hpz_partition_size); 0 or 1: there is none
 * @n_wrappers: how many modules stand around the model (PEFT’s)
 * @has_leaves: whether all of a mixture of experts is gathered at once
 * @leaf_order: in which order it has its parameters then
 * @reads_router: whether a mixture reads the matrix of its router, and does not call it
 * @is_quantized: whether parameters are gathered as integers of eight bits (zero_quantized_weights)
 *
 * How DeepSpeed's third stage gathers parameters.
 */
typedef struct
{
  gboolean is_used;
  guint64 n_ranks;
  guint64 prefetch_elements;
  guint64 max_elements;
  guint64 reuse_elements;
  guint64 persistent_elements;
  gboolean is_offloaded;
  guint64 n_secondary_ranks;
  guint n_wrappers;
  gboolean has_leaves;
  HrLeafOrder leaf_order;
  gboolean reads_router;
  gboolean is_quantized;
} HrLiveSettings;

/* Layers of a stack, of which a model may have several. */
#define HR_LIVE_MAX_LAYERS 1024

HrLiveParameters *hr_live_parameters_new         (const HrLiveSettings *settings,
                                                  HrComponentId         component);
void              hr_live_parameters_free        (HrLiveParameters     *self);
void              hr_live_parameters_reset       (HrLiveParameters     *self);
void              hr_live_parameters_forget      (HrLiveParameters     *self);
void              hr_live_parameters_begin       (HrReplay             *replay);
void              hr_live_parameters_begin_layer (HrReplay             *replay,
                                                  guint                 layer,
                                                  gboolean              is_recomputing);
void              hr_live_parameters_end_layer   (HrReplay             *replay);
void              hr_live_parameters_enter       (HrReplay             *replay,
                                                  HrValue              *x,
                                                  HrValue               weight,
                                                  HrValue               bias);
guint             hr_live_parameters_enter_module (HrReplay            *replay,
                                                  HrValue             **inputs,
                                                  guint                 n_inputs,
                                                  const HrValue        *shapes,
                                                  guint                 n_shapes);
HrValue           hr_live_parameters_lend        (HrReplay             *replay,
                                                  guint                 index,
                                                  HrValue               weight);
void              hr_live_parameters_enter_mixture (HrReplay           *replay,
                                                    HrValue            *x,
                                                    HrValue             bias);
gboolean          hr_live_parameters_reads_router (HrReplay            *replay);
gboolean          hr_live_parameters_hold        (HrReplay             *replay,
                                                  HrValue               gradient);
void              hr_live_parameters_enter_table (HrReplay             *replay,
                                                  HrValue              *x);
void              hr_live_parameters_call        (HrReplay             *replay);
void              hr_live_parameters_call_around (HrReplay             *replay);
void              hr_live_parameters_set_adding  (HrReplay             *replay,
                                                  gboolean              is_adding);
void              hr_live_parameters_leave       (HrReplay             *replay,
                                                  HrValue              *output);
void              hr_live_parameters_end         (HrReplay             *replay);
void              hr_live_parameters_gather_all  (HrReplay             *replay);
void              hr_live_parameters_gather_each (HrReplay             *replay);
void              hr_live_parameters_release_all (HrReplay             *replay,
                                                  gboolean              forgets_order);
void              hr_live_parameters_let_go      (HrReplay             *replay);
void              hr_live_parameters_end_step    (HrReplay             *replay);
guint64           hr_live_parameters_count       (const HrLiveParameters *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLiveParameters, hr_live_parameters_free)

G_END_DECLS
