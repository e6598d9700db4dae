/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"
#include "hr-model.h"
#include "hr-replay.h"
#include "hr-sharding.h"
#include "hr-trainable.h"
#include "hr-weight-storage.h"

G_BEGIN_DECLS

#define HR_SHARDED_MAX_PARAMETERS 96
#define HR_SHARDED_MAX_SIZES 16
#define HR_SHARDED_MAX_STACKS 12
#define HR_SHARDED_MAX_GIVEN 4

/*
 * What is gathered at once: the table of tokens, a layer, the last norm with the head, which a tied table joins; a
 * matrix that a method of fine-tuning adds, or what of a layer gets a gradient; all that is beside these, and what of
 * that gets one.
 */
typedef enum
{
  HR_SHARDED_EMBEDDING,
  HR_SHARDED_LAYER,
  HR_SHARDED_HEAD,
  HR_SHARDED_UNIT,
  HR_SHARDED_ROOT,
  HR_SHARDED_REACHED,
  HR_N_SHARDED_GROUPS,
} HrShardedGroup;

/* A number of parameters of a group: all, those of a rank with what pads them, or these of all ranks. */
typedef enum
{
  HR_SHARDED_ALL,
  HR_SHARDED_PART,
  HR_SHARDED_GATHERED,
  HR_SHARDED_CAST,
  HR_N_SHARDED_SIZES,
} HrShardedSize;

/**
 * HrShardedLayer:
 * @n_elements: how many parameters it has
 * @n_part: how many of these a rank holds, with what pads them
 * @gradient_bytes: what gradients take whole, where parameters are divided by rows
 * @n_reduced: of how many of these parameters there are gradients, and where a method of fine-tuning adds matrices, of
 *   how many of those
 * @n_reduced_part: how many of these a rank holds, with what pads them
 * @is_passed_by: whether a batch does not run it
 *
 * A layer, which is a group.
 */
typedef struct
{
  guint64 n_elements;
  guint64 n_part;
  guint64 gradient_bytes;
  guint64 n_reduced;
  guint64 n_reduced_part;
  gboolean is_passed_by;
} HrShardedLayer;

/**
 * HrShardedStack:
 * @stack: a stack whose layers are gathered one by one
 * @n_layers: how many it has with parameters of their own
 * @layers: these, of which those of a class have as many parameters
 * @is_frozen: whether none of them is trained, where others are
 * @n_reached: how many layers get a gradient, where parameters are divided by rows
 * @n_unreached: how many run and get none
 *
 * Layers of a decoder or of a tower.
 */
typedef struct
{
  const HrStack *stack;
  guint n_layers;
  HrShardedLayer *layers;
  gboolean is_frozen;
  guint n_reached;
  guint n_unreached;
} HrShardedStack;

/**
 * HrShardedUnits:
 * @n: how many there are
 * @last: the shape of the last
 *
 * Matrices in a layer that are gathered each by itself.
 */
typedef struct
{
  guint n;
  HrValue last;
} HrShardedUnits;

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
 * @n_ranks: how many ranks share them
 * @has_replicas: whether several groups of @n_ranks each hold all parameters; what is reduced among them is held to the
 *   end of the backward pass, where gradients are cast behind that
 * @n_part: how many parameters of a group each of these holds, with what pads them
 * @n_largest: how many parameters the largest of them has, with what pads it
 * @is_aligned: whether each parameter begins at a multiple of 16 bytes, and what pads all to the number of ranks is
 *   among them, as views of the parameters stay what is trained (use_orig_params)
 * @is_whole: whether all of the model is one group, as fully_shard makes it of a model alone
 * @stays_gathered: whether they are gathered once, and let go of when their gradients are there
 * @holds_rest: whether what is around the layers is there all the time, as no backward pass comes that it goes with,
 *   and what else stays gathered
 * @gathers_ahead: when the group that comes next in the backward pass is gathered
 * @gathered_element: what they are gathered in
 * @reduced_element: what gradients are reduced in
 * @is_mixed: whether these two are a policy for all of them, whatever they are held in
 * @reduces_each: whether the gradients of each micro-batch are reduced into flat parameters by themselves
 * @waits: whether gradients stay whole until the last micro-batch of a step has been differentiated (no_sync)
 * @gradient_bytes: what the gradients of a group take then
 * @has_units: whether matrices that a method of fine-tuning adds are what is trained, each gathered by itself
 * @frozen_element: what all others are held in, where there are such, and @element else
 * @unit_bytes: what a rank has of the matrices that are added
 * @whole_bytes: what each rank has whole beside them: scales of quantized matrices
 * @held_bytes: what a rank holds of what the model is loaded with, where parameters are divided by rows
 * @merge_bytes: the most that a rank takes while such matrices are merged into a module, to be handed on
 * @adds_matrices: whether such matrices are gathered with the layer that they are in, as fully_shard does it
 * @is_norm_of_root: whether the last norm is gathered with all that is beside the groups, from the beginning of a
 *   micro-batch to its end
 * @is_head_of_root: whether the head is, as one that scores sequences, and the norm is gathered alone
 * @embeds_last: whether tokens are embedded behind what towers see
 * @is_staged: whether they are those of a stage of a pipeline, which are whole from when it runs first until its
 *   gradients are reduced, behind all micro-batches
 * @has_embedding: whether the stage has the table of tokens
 * @has_head: whether it has the last norm and the head
 * @n_sizes: how many parameters a group has
 * @sizes: how many elements each has, in the order of the modules
 * @n_stacks: how many stacks have layers that are gathered
 * @stacks: these, that of the text first
 *
 * Parameters that fully_shard or FullyShardedDataParallel gathers, group by group.
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
  guint64 n_ranks;
  gboolean has_replicas;
  guint64 n_part[HR_N_SHARDED_GROUPS];
  guint64 n_largest;
  gboolean is_aligned;
  gboolean is_whole;
  gboolean stays_gathered;
  gboolean holds_rest;
  HrBackwardPrefetch gathers_ahead;
  HrElement gathered_element;
  HrElement reduced_element;
  gboolean is_mixed;
  gboolean reduces_each;
  gboolean waits;
  guint64 gradient_bytes[HR_N_SHARDED_GROUPS];
  gboolean has_units;
  HrElement frozen_element;
  guint64 unit_bytes;
  guint64 whole_bytes;
  guint64 held_bytes;
  guint64 merge_bytes;
  gboolean adds_matrices;
  gboolean is_norm_of_root;
  gboolean is_head_of_root;
  gboolean embeds_last;
  gboolean is_staged;
  gboolean has_embedding;
  gboolean has_head;
  guint n_sizes[HR_N_SHARDED_GROUPS];
  guint64 sizes[HR_N_SHARDED_GROUPS][HR_SHARDED_MAX_SIZES];
  guint n_stacks;
  HrShardedStack stacks[HR_SHARDED_MAX_STACKS];

  /*< private >*/
  const HrStack *stack;    /* whose layers %HR_SHARDED_LAYER stands for, or none of several */
  guint layer;             /* the one of them that it stands for */
  gboolean is_frozen;      /* whether that is of layers that are not trained */
  const HrStack *behind;   /* that is differentiated when the stack has been */
  HrShardedGroup current;
  HrValue weights[HR_N_SHARDED_GROUPS];
  HrValue gradients[HR_N_SHARDED_GROUPS][HR_SHARDED_MAX_PARAMETERS];
  guint n_gradients[HR_N_SHARDED_GROUPS];
  HrValue reduced;
  HrValue ahead;       /* the copies of the layer that is differentiated next, or what they are gathered in */
  HrValue unused;      /* what was gathered of a layer that gets no gradient, to the end */
  HrValue given[HR_SHARDED_MAX_GIVEN];  /* copies of what the model was called with */
  guint n_given;
  gboolean is_backward;
  gboolean is_summoned; /* whether what is around the layers is there in what it is held in */
  gboolean has_layers; /* whether a forward pass has left the layers gathered */
  gboolean is_first;   /* whether no layer is before the one that is differentiated */
  HrShardedUnits units;    /* those of the layer that runs, so far */
  HrValue chosen;          /* the one that %HR_SHARDED_UNIT stands for */
  HrValue before;          /* the one before that which is differentiated, in its layer */
  HrValue unit_ahead;      /* the one that is differentiated next */
  HrValue open;            /* the last, where its derivative has set off that the layer is computed anew */
  guint n_units;           /* how many the layer has that is differentiated */
  guint n_unit_makes;      /* how many tensors gathering one makes */
  gboolean is_recomputing;
  gboolean is_last;    /* of the micro-batches of a step, behind which gradients are reduced */
  guint64 n_layers;        /* that are reduced among replicas */
  gboolean gathers;        /* whether the stage has not run before */
  gboolean has_sums;       /* whether gradients have been added up in the data type that they are reduced in */
};

void     hr_sharding_init         (HrSharding     *self,
                                   HrModel        *model,
                                   HrElement       element,
                                   HrElement       gathered_element,
                                   guint64         n_ranks);
void     hr_sharding_begin        (HrSharding     *self,
                                   HrReplay       *replay,
                                   gboolean        is_last);
void     hr_sharding_take_rest    (HrReplay       *replay);
void     hr_sharding_leave_rest   (HrReplay       *replay);
void     hr_sharding_resume       (HrSharding     *self,
                                   HrReplay       *replay);
void     hr_sharding_gather       (HrReplay       *replay,
                                   HrShardedGroup  group);
void     hr_sharding_gather_root  (HrReplay       *replay,
                                   HrShardedGroup  group);
void     hr_sharding_gather_behind (HrReplay      *replay);
void     hr_sharding_let_go       (HrReplay       *replay,
                                   HrShardedGroup  group);
HrValue  hr_sharding_cast_given   (HrReplay       *replay,
                                   const char     *name,
                                   HrValue         shape);
gboolean hr_sharding_casts_input  (const HrReplay *replay,
                                   HrValue         input);
HrValue  hr_sharding_cast_input   (HrReplay       *replay,
                                   HrValue         input);
void     hr_sharding_enter        (HrReplay       *replay,
                                   HrShardedGroup  group);
void     hr_sharding_take         (HrReplay       *replay,
                                   HrValue         gradient);
void     hr_sharding_reduce       (HrReplay       *replay,
                                   HrShardedGroup  group);
void     hr_sharding_gather_next  (HrReplay       *replay,
                                   gboolean        is_first);
void     hr_sharding_end_forward  (HrReplay       *replay,
                                   HrValue        *output);
void     hr_sharding_return       (HrReplay       *replay);
void     hr_sharding_end          (HrReplay       *replay);
HrTrainables *hr_sharding_list_parts (const HrSharding   *self,
                                      const HrTrainables *parameters);

gboolean hr_sharding_has_root     (const HrSharding *self);
HrShardedGroup hr_sharding_find_group (const HrSharding *self,
                                       HrShardedGroup    group);
guint64  hr_sharding_count_part   (const HrSharding *self,
                                   guint64           rows,
                                   guint64           n_elements);
HrValue  hr_sharding_gather_parts (HrReplay       *replay,
                                   HrShardedGroup  group);
HrValue  hr_sharding_unshard      (HrReplay       *replay,
                                   HrShardedGroup  group);
HrSymbol hr_sharding_get_symbol   (HrShardedGroup  group,
                                   HrShardedSize   size);
void     hr_sharding_set_symbols  (const HrSharding *self,
                                   HrReplay         *replay,
                                   HrShardedGroup    group);

G_END_DECLS
