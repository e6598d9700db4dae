/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

/*
 * What torch's autograd keeps of a forward pass, and what its engine makes of it in the backward pass
 * (torch/csrc/autograd/engine.cpp, tools/autograd/derivatives.yaml). Operators record a node for each result that needs
 * a gradient; a node holds what its derivative needs, and hands a gradient to each of its inputs.
 */

/* Of Mllama's stacked states: the last layer's, and eight before it. */
#define HR_NODE_MAX_INPUTS 9
#define HR_NODE_MAX_RESULTS 4
#define HR_NODE_MAX_SAVED 32
#define HR_GRAPH_MAX_NODES 4096
#define HR_NODE_MAX_ROOTS  6

typedef struct _HrNode HrNode;

/**
 * HrBackward:
 * @replay: a tape
 * @node: what is differentiated
 * @gradient: the gradient of its result, of the first where it has several
 * @gradients: (out): the gradients of its inputs; none at first
 *
 * The derivative of an operator. It makes what the framework's makes; a gradient that is handed on as it is, is held
 * once more.
 */
typedef void (*HrBackward) (HrReplay     *replay,
                            const HrNode *node,
                            HrValue       gradient,
                            HrValue      *gradients);

typedef enum
{
  HR_NODE_OPERATOR,
  HR_NODE_PARAMETER,   /* a parameter that is trained: its gradient stays until the optimizer has used it */
  HR_NODE_BOUNDARY,    /* what came from outside: its gradient is handed out */
} HrNodeKind;

/**
 * HrNodeRoots:
 * @values: the tensors
 * @n_before: how many tensors had been made before each, so that it is known whether it is still there
 * @kept: what of these is kept for the derivative, in the place of what is in @saved with no more than its shape
 *
 * What the result of a node is computed from by compiled kernels, if that is cheaper to keep than the result.
 */
typedef struct
{
  HrValue values[HR_NODE_MAX_ROOTS];
  guint n_before[HR_NODE_MAX_ROOTS];
  HrValue kept[HR_NODE_MAX_ROOTS];
} HrNodeRoots;

/**
 * HrNode:
 * @kind: what it stands for
 * @backward: the derivative of an operator
 * @operation: (nullable): the operator that the derivative runs, where many have the same
 * @block: the path of the module that ran
 * @inputs: the inputs; those with a node need a gradient
 * @n_inputs: how many
 * @saved: what the derivative needs
 * @n_saved: how many
 * @saved_room: for how many there is room
 * @offloaded: which of these wait on the host, as bits; of them only the shape is here
 * @needs_saved: whether it needs any, though perhaps nothing is held for it
 * @is_fused: whether a compiled kernel runs it and its derivative together with others
 * @roots: (nullable): what its result is computed from by such kernels; there is none where nothing is compiled
 * @n_roots: how many, 0 if the result itself is what others are computed from
 * @n_kept: how many of its own roots' places are taken by what is kept
 * @pending: how many uses of a parameter have not handed it their gradient yet
 * @module: which module it is a hook of, where parameters are gathered for modules
 * @is_waiting: whether a parameter's gradient from elsewhere waits for it, in the books
 * @has_gradient: whether some has arrived
 * @is_way: whether gradients reach a boundary through it
 * @captured: what has arrived, where gradients of weights come later
 * @n_captured: of how many of its results
 * @n_incoming: to how many of its results gradients can have come
 * @incoming: for each of these the sum of those that have
 *
 * An operator of the forward pass, or what a gradient ends in.
 */
struct _HrNode
{
  HrBackward backward;
  const char *operation;
  const char *block;
  HrValue *inputs;
  HrValue *saved;
  HrNodeRoots *roots;
  HrValue *captured;
  guint offloaded;
  guint pending;
  guint module;
  guint8 kind;
  guint8 n_inputs;
  guint8 n_saved;
  guint8 saved_room;
  guint8 n_roots;
  guint8 n_kept;
  guint8 n_incoming;
  guint8 needs_saved;
  guint8 is_fused;
  guint8 is_waiting;
  guint8 has_gradient;
  guint8 is_way;
  guint8 n_captured;
  HrValue incoming[HR_NODE_MAX_RESULTS];
};

#define HR_GRAPH_MAX_REGIONS 4

/**
 * HrRecompute:
 * @replay: a tape, on which a new graph is recorded
 * @data: what was given with it
 *
 * Runs a part of the forward pass anew.
 */
typedef void (*HrRecompute) (HrReplay *replay,
                             gpointer  data);

/**
 * HrRegion:
 * @first: the first of its nodes
 * @end: the first node after it
 * @recompute: what runs it anew
 * @release: what lets @data go
 * @data: what that needs
 * @is_recomputed: whether it has been computed anew
 *
 * A part of the forward pass of which nothing is kept but what goes into it.
 */
typedef struct
{
  guint first;
  guint end;
  HrRecompute recompute;
  HrRecompute release;
  gpointer data;
  gboolean is_recomputed;
} HrRegion;

typedef struct _HrGraphChunk HrGraphChunk;

/**
 * HrGraph:
 * @only_counts: whether nothing is held for the backward pass, as it is computed anew
 * @holds_nothing: whether functions put nothing away, as they run without gradients and will be run again
 * @is_recomputed: whether what the backward pass needs was computed anew
 * @nodes: in the order in which they were recorded, which is the reverse of that in which the engine runs them
 * @n_nodes: how many
 * @capacity: for how many there is room
 * @chunks: where nodes have their inputs and what they save, the newest first
 * @regions: parts that are computed anew in the backward pass
 * @n_regions: how many
 * @held: (nullable): what functions have put away in their contexts, each once
 *
 * What was recorded of a stretch of the forward pass.
 */
struct _HrGraph
{
  gboolean only_counts;
  gboolean holds_nothing;
  gboolean is_recomputed;
  HrNode *nodes;
  guint n_nodes;
  guint capacity;
  HrGraphChunk *chunks;
  HrRegion regions[HR_GRAPH_MAX_REGIONS];
  guint n_regions;
  GArray *held;
};

#define HR_SHARED_USES_MAX 64

/**
 * HrSharedUses:
 * @module: the module that runs
 * @ordinal: which of its parameters it uses next
 * @parameters: what has been used
 * @casts: what autocast has made of them
 * @modules: the module of each
 * @ordinals: which of its parameters each is
 * @n_parameters: how many
 *
 * The parameters that a function uses, where it calls some of its modules more than once: each is one node of the
 * graph, and autocast casts it once (DeBERTa, ALBERT).
 */
typedef struct _HrSharedUses
{
  guint module;
  guint ordinal;
  HrValue parameters[HR_SHARED_USES_MAX];
  HrValue casts[HR_SHARED_USES_MAX];
  guint modules[HR_SHARED_USES_MAX];
  guint ordinals[HR_SHARED_USES_MAX];
  guint n_parameters;
} HrSharedUses;

gboolean hr_value_needs_gradient   (HrValue          value);
HrValue  hr_node_get_incoming      (const HrNode    *self,
                                    guint            result);
HrValue  hr_autograd_parameter     (HrReplay        *replay,
                                    HrValue          shape);
HrValue  hr_autograd_bias         (HrReplay        *replay,
                                    HrValue          shape);
HrValue  hr_autograd_added        (HrReplay        *replay,
                                    HrValue          shape);
HrValue  hr_autograd_waiting       (HrReplay        *replay,
                                    HrValue          parameter);
HrValue  hr_autograd_boundary      (HrReplay        *replay,
                                    HrValue          value);
gboolean hr_autograd_record        (HrReplay        *replay,
                                    HrValue         *result,
                                    HrBackward       backward,
                                    const HrValue   *inputs,
                                    guint            n_inputs);
void     hr_autograd_save          (HrReplay        *replay,
                                    HrValue          result,
                                    HrValue          saved);
void     hr_autograd_let_go        (HrReplay        *replay,
                                    const HrNode    *node,
                                    HrValue          value);
void     hr_autograd_hold          (HrReplay        *replay,
                                    HrValue          value);
void     hr_autograd_step_waiting (HrReplay         *replay);
void     hr_shared_uses_enter      (HrSharedUses     *self,
                                    guint             module);
HrValue *hr_shared_uses_find_cast  (HrSharedUses     *self,
                                    HrValue           parameter);
void     hr_autograd_forget        (HrReplay        *replay,
                                    guint            first,
                                    guint            end);
HrRegion *hr_autograd_begin_region (HrReplay         *replay);
void     hr_autograd_end_region    (HrReplay         *replay,
                                    HrRegion         *region,
                                    HrRecompute       recompute,
                                    HrRecompute       release,
                                    gpointer          data);
HrValue  hr_value_detach           (HrValue          value);
HrValue  hr_op_like_detached       (HrReplay        *self,
                                    const char      *operation,
                                    const char      *name,
                                    HrValue          like);

HrGraph *hr_graph_new              (void) G_GNUC_WARN_UNUSED_RESULT;
void     hr_graph_free             (HrGraph         *self);
void     hr_graph_forget           (HrGraph         *self,
                                    HrReplay        *replay);
void     hr_graph_deliver          (HrGraph         *self,
                                    HrReplay        *replay,
                                    HrValue          target,
                                    HrValue          gradient);
void     hr_graph_run_backward     (HrGraph         *self,
                                    HrReplay        *replay);
void     hr_graph_run_inputs       (HrGraph         *self,
                                    HrReplay        *replay);
void     hr_graph_run_weights      (HrGraph         *self,
                                    HrReplay        *replay,
                                    gboolean         vectors_come_last,
                                    HrValue         *last);
void     hr_graph_release_unreached (HrGraph        *self,
                                    HrReplay        *replay);
void     hr_graph_run_until_saved  (HrGraph         *self,
                                    HrReplay        *replay);
void     hr_graph_take_saved       (HrGraph         *self,
                                    HrGraph         *from);
void     hr_graph_retain           (HrGraph         *self,
                                    HrReplay        *replay,
                                    HrValue          result,
                                    GArray          *values);
GArray  *hr_graph_take_held        (HrGraph         *self) G_GNUC_WARN_UNUSED_RESULT;
HrValue  hr_graph_take_gradient    (HrGraph         *self,
                                    HrValue          boundary);
void     hr_graph_clear            (HrGraph         *self,
                                    HrReplay        *replay);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGraph, hr_graph_free)

G_END_DECLS
