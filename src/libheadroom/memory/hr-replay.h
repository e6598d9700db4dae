/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-dtype.h"
#include "hr-heap.h"
#include "hr-kernels.h"
#include "hr-ledger.h"
#include "hr-parallel-plan.h"
#include "hr-quantization.h"
#include "hr-timeline.h"

G_BEGIN_DECLS

/*
 * A job's allocations, replayed. Functions that mirror the framework's modelling code call operators; an operator
 * makes its result and its temporaries on the tape, and the functions let go of a value where the variable that holds
 * it goes. Sizes are products of symbols, so that what is alive at a moment can be written down as a formula and as
 * numbers.
 */

typedef enum
{
  HR_SYMBOL_ONE,            /* 1 */
  HR_SYMBOL_BATCH,          /* B: sequences in the batch, beams included */
  HR_SYMBOL_SEQUENCE,       /* S: tokens of a sequence that are computed now */
  HR_SYMBOL_SEQUENCE_SHARE, /* S_r: those of them that a rank has between the matrices of a layer */
  HR_SYMBOL_CONTEXT,        /* C: tokens of a sequence that are attended to */
  HR_SYMBOL_CONTEXT_PADDED, /* the same, rounded up to what the kernel's mask is aligned to */
  HR_SYMBOL_HIDDEN,         /* h */
  HR_SYMBOL_EMBEDDING,      /* p: width of an embedding that is projected to h */
  HR_SYMBOL_INTERMEDIATE,   /* i */
  HR_SYMBOL_QUERY,          /* q = H * d */
  HR_SYMBOL_KEY,            /* k = K * d */
  HR_SYMBOL_CACHED,         /* as k, for the heads that are cached */
  HR_SYMBOL_FUSED,          /* q, k and v as one matrix makes them */
  HR_SYMBOL_HEADS,          /* H */
  HR_SYMBOL_KEY_HEADS,      /* K */
  HR_SYMBOL_HEAD,           /* d */
  HR_SYMBOL_HEAD_ALLOCATED, /* ⌈d⌉: elements of a parameter of d, and what the allocator adds to it */
  HR_SYMBOL_QUERY_ROTARY,   /* H * r */
  HR_SYMBOL_KEY_ROTARY,     /* K * r */
  HR_SYMBOL_ROTARY,         /* r: rotated part of a head */
  HR_SYMBOL_TABLE,          /* P: rows of a table of sines and cosines */
  HR_SYMBOL_VALUE,          /* v = H * value_head_dim, where heads of values have a size of their own */
  HR_SYMBOL_KEY_VALUE,      /* v_k = K * value_head_dim, likewise */
  HR_SYMBOL_QUERY_LATENT,   /* c_q: what queries are expanded from */
  HR_SYMBOL_LATENT,         /* c: what keys and values are expanded from */
  HR_SYMBOL_LATENT_JOINED,  /* c and the rotated key */
  HR_SYMBOL_EXPANDED,       /* keys but for their rotated part, and values */
  HR_SYMBOL_CONTEXT_SINK,   /* C + 1: with the sink */
  HR_SYMBOL_INDEX_HEADS,    /* H_x: heads of an indexer */
  HR_SYMBOL_INDEX_HEAD,     /* d_x */
  HR_SYMBOL_INDEX,          /* H_x * d_x */
  HR_SYMBOL_INDEX_ROTARY,   /* H_x * r */
  HR_SYMBOL_SELECTED,       /* k_x: keys that it chooses for a query */
  HR_SYMBOL_TOP_K,          /* t: experts of a token */
  HR_SYMBOL_EXPERTS,        /* E */
  HR_SYMBOL_EXPERTS_HELD,   /* E_r: those of them that a rank has */
  HR_SYMBOL_ROUTED,         /* R_t: pairs of a rank's tokens and their experts */
  HR_SYMBOL_DISPATCHED,     /* R_e: pairs that come to a rank's experts */
  HR_SYMBOL_GATHERED_TOKENS, /* T_g: tokens of all ranks that share experts */
  HR_SYMBOL_EXPERT,         /* m: the width inside an expert */
  HR_SYMBOL_EXPERT_LATENT,  /* c_m: the width of what goes into an expert, where it is not h */
  HR_SYMBOL_PER_EXPERT,     /* tokens of an expert, if all are chosen alike */
  HR_SYMBOL_VOCABULARY,     /* V */
  HR_SYMBOL_SEQUENCE_32,    /* S, rounded up to what a kernel works on at once */
  HR_SYMBOL_SEQUENCE_128,
  HR_SYMBOL_HEAD_ROUNDED,   /* d, likewise */
  HR_SYMBOL_HEAD_8,         /* d, padded to what a kernel reads at once */
  HR_SYMBOL_EXAMPLE_STARTS, /* n_e + 1: where examples start in a row that is packed of them, and where the last ends */
  HR_SYMBOL_STARTS,         /* B + 1: where sequences start in a row of all of them, and where the last ends */
  HR_SYMBOL_LABELS,         /* S + 1: labels, padded by one */
  HR_SYMBOL_POSITIONS,      /* P: rows of a table of positions */
  HR_SYMBOL_MIXER,          /* m_s: channels of a state-space mixer */
  HR_SYMBOL_MIXER_HEADS,    /* H_s */
  HR_SYMBOL_MIXER_KEY,      /* k_s: the width of the keys of a linear attention */
  HR_SYMBOL_MIXER_KEYS,     /* the same, for each of H_s heads */
  HR_SYMBOL_GROUPS,         /* g_s: groups of heads with the same B and C */
  HR_SYMBOL_GROUP,          /* channels of a group */
  HR_SYMBOL_STATE,          /* n_s: size of the state of a channel */
  HR_SYMBOL_RANK,           /* r_s: rank of the time step's projection */
  HR_SYMBOL_OWN_RANK,       /* r_o: rank of adapters that the model itself has */
  HR_SYMBOL_SELECTION,      /* time step, B and C as one matrix makes them */
  HR_SYMBOL_PROJECTED,      /* everything that goes into such a mixer, as one matrix makes it */
  HR_SYMBOL_CONVOLVED,      /* channels of its convolution */
  HR_SYMBOL_KERNEL,         /* w_s: tokens that the convolution sees */
  HR_SYMBOL_CONVOLUTION,    /* tokens that the convolution makes */
  HR_SYMBOL_EARLIER,        /* S − 1: tokens before the last */
  HR_SYMBOL_CHUNK,          /* c_s: tokens of a chunk */
  HR_SYMBOL_CHUNKED,        /* S, rounded up to whole chunks */
  HR_SYMBOL_CHUNKS,         /* how many chunks */
  HR_SYMBOL_BOUNDARIES,     /* one more than chunks */
  HR_SYMBOL_OTHERS,         /* steps of a loop that do as another does */
  HR_SYMBOL_STEP_KEPT,      /* bytes that such a step keeps for the backward pass */
  HR_SYMBOL_ROWS_KEPT,      /* bytes that the rows of triangles keep, but for the last */
  HR_SYMBOL_SOURCE,         /* N: positions that the encoder makes */
  HR_SYMBOL_TARGET,         /* tokens of a sequence so far */
  HR_SYMBOL_CLASSES,        /* Y: labels of a classifier */
  HR_SYMBOL_TYPES,          /* t_e: sentences of a pair that embeddings tell apart */
  HR_SYMBOL_BUCKETS,        /* b: distances that have a bias of their own */
  HR_SYMBOL_KEPT,           /* elements that a state holds of a sequence */
  HR_SYMBOL_VIRTUAL,        /* v: trained tokens before each sequence */
  HR_SYMBOL_TEXT,           /* S − v: tokens that come as numbers */
  HR_SYMBOL_PREFIX,         /* 2·L·k: the keys and values of a virtual token, of all layers */
  HR_SYMBOL_COMPLETION,     /* S_c: tokens whose probabilities are wanted */
  HR_SYMBOL_SCORED,         /* S_c + 1: tokens whose logits are computed for that */
  HR_SYMBOL_PAIRS,          /* B/2: pairs of answers */
  HR_SYMBOL_PREFIXED,       /* v + S: tokens, and virtual ones before them */
  HR_SYMBOL_EMBEDDING_SHARD, /* p_e: parameters of the table of tokens, where fully_shard gathers it */
  HR_SYMBOL_EMBEDDING_PART, /* ⌈p_e/N_d⌉: those of them that one of N_d ranks holds */
  HR_SYMBOL_EMBEDDING_GATHERED, /* those of all of these, with what pads them */
  HR_SYMBOL_EMBEDDING_CAST, /* those of them that are copied besides */
  HR_SYMBOL_LAYER_SHARD,    /* p_l: likewise of a layer */
  HR_SYMBOL_LAYER_PART,
  HR_SYMBOL_LAYER_GATHERED,
  HR_SYMBOL_LAYER_CAST,
  HR_SYMBOL_HEAD_SHARD,     /* p_o: of the head and the last norm */
  HR_SYMBOL_HEAD_PART,
  HR_SYMBOL_HEAD_GATHERED,
  HR_SYMBOL_HEAD_CAST,
  HR_SYMBOL_UNIT_SHARD,     /* p_u: of a matrix that a method of fine-tuning adds */
  HR_SYMBOL_UNIT_PART,
  HR_SYMBOL_UNIT_GATHERED,
  HR_SYMBOL_UNIT_CAST,
  HR_SYMBOL_ROOT_SHARD,     /* p_r: of what the root gathers, which is in no other group */
  HR_SYMBOL_ROOT_PART,
  HR_SYMBOL_ROOT_GATHERED,
  HR_SYMBOL_ROOT_CAST,
  HR_SYMBOL_REACHED_SHARD,  /* p_t: those of them that get a gradient */
  HR_SYMBOL_REACHED_PART,
  HR_SYMBOL_REACHED_GATHERED,
  HR_SYMBOL_REACHED_CAST,
  HR_SYMBOL_PIXELS,         /* p_v: numbers of a patch, or of a window of frames, as they come to a tower */
  HR_SYMBOL_PATCHES,        /* N_p: patches of a picture */
  HR_SYMBOL_PICTURE,        /* p_i: numbers of a picture, or of a sound, as it comes to a tower */
  HR_SYMBOL_HEARD,          /* N_h: frames of a spectrogram that are of sounds */
  HR_SYMBOL_SUBSAMPLED,     /* N_1: frames and bins of sounds that the first convolution leaves of them */
  HR_SYMBOL_SUBSAMPLED_TWICE, /* N_2: those that the second does */
  HR_SYMBOL_CHANNELS,       /* c: channels of these convolutions */
  HR_SYMBOL_FRAMES,         /* N_f: those of all chunks of them, with what pads these */
  HR_SYMBOL_SEEN,           /* N_v: vectors that a tower and its projector hand to the decoder */
  HR_SYMBOL_SEEN_EACH,      /* N_e: those of them that are put into one sequence */
  HR_SYMBOL_QUERIES,        /* N_q: queries of a resampler, as many as it makes vectors of a picture */
  HR_SYMBOL_QUERY_HEADS,    /* H_q: their heads */
  HR_SYMBOL_MERGED,         /* h_m: the width of patches that are merged */
  HR_SYMBOL_PROJECTOR,      /* h_p: the width inside a projector */
  HR_SYMBOL_TEXT_HIDDEN,    /* h_t: the width of what a projector makes */
  HR_SYMBOL_ONE_CHUNK,      /* patches that attend to each other, of the first of several such */
  HR_SYMBOL_MORE_CHUNKS,    /* those of all others */
  HR_SYMBOL_ONE_CHUNK_32,   /* rounded up to what a kernel works on at once */
  HR_SYMBOL_ONE_CHUNK_128,
  HR_SYMBOL_CHUNK_SUMS,     /* logarithms of sums of all others, and what the allocator adds to them */
  HR_SYMBOL_CHUNK_STATES,   /* random states of all others, likewise */
  HR_SYMBOL_TILES_SEEN,     /* vectors of all pieces of a picture, each made of a tile or of the whole */
  HR_SYMBOL_TILED,          /* those of its tiles */
  HR_SYMBOL_CUT,            /* those of them that are left when borders are cut off */
  HR_SYMBOL_MAPPED,         /* and when they are made fewer */
  HR_SYMBOL_MAP_ROWS,       /* the rows of these */
  HR_SYMBOL_MAP_ENDED,      /* the same, with an end for each row */
  HR_SYMBOL_PACKED,         /* all that comes of a picture */
  HR_SYMBOL_LOSS_CHUNK,     /* c_l: tokens whose logits are computed at once for the loss */
  HR_SYMBOL_LAST_LOSS_CHUNK, /* those of the last chunk */
  HR_SYMBOL_LOOKED_UP,      /* rows that are looked up in a table */
  HR_SYMBOL_TOKENS_16,      /* tokens, rounded up to whole sixteens */
  HR_SYMBOL_SEGMENTS,       /* rows of the table that these can be */
  HR_SYMBOL_LARGEST,        /* w: elements of the largest matrix that is expanded into a buffer */
  HR_SYMBOL_RELOADED,       /* elements of a buffer for what comes back from the host */
  HR_SYMBOL_LOSS_POOL,      /* bytes of all that is computed of a chunk of tokens for the loss */
  HR_SYMBOL_PARTIAL_SEGMENTS, /* sums of at most ten gradients that a kernel makes of each of them */
  HR_SYMBOL_TOKEN_BLOCKS,   /* blocks of 128 tokens that a kernel works on at once */
  HR_SYMBOL_VOCABULARY_BLOCKS, /* likewise of the vocabulary */
  HR_SYMBOL_WIDTH_BLOCKS,   /* blocks of 64 elements of a hidden state */
  HR_SYMBOL_VOCABULARY_CHUNK, /* V_l: entries of the vocabulary whose logits are computed at once */
  HR_SYMBOL_MICRO_BATCHES,  /* micro-batches of a step */
  HR_SYMBOL_ROLLOUT,        /* N_r: answers of a rollout */
  HR_SYMBOL_ANSWERED,       /* N_a: those that are there already */
  HR_SYMBOL_ANSWERS,        /* A: answers that lie in one row */
  HR_SYMBOL_ADAPTER_RANK,   /* r: the inner width of what a method of fine-tuning adds to a module */
  HR_SYMBOL_ADAPTER_RANK_2, /* likewise, where there are several */
  HR_SYMBOL_ADAPTER_RANK_3,
  HR_SYMBOL_ADAPTER_RANK_LAST,
  HR_SYMBOL_ADAPTER_SIZE,   /* the first of the sizes of factors whose Kronecker product is added to a module */
  HR_SYMBOL_ADAPTER_SIZE_LAST = HR_SYMBOL_ADAPTER_SIZE + 15,
  HR_N_SYMBOLS,
} HrSymbol;

typedef enum
{
  HR_ELEMENT_BOOL,
  HR_ELEMENT_INT8,
  HR_ELEMENT_FLOAT8,
  HR_ELEMENT_INT32,
  HR_ELEMENT_INT64,
  HR_ELEMENT_FLOAT16,
  HR_ELEMENT_BFLOAT16,
  HR_ELEMENT_FLOAT32,
  HR_ELEMENT_FLOAT64,
  HR_ELEMENT_NONE,
} HrElement;

#define HR_VALUE_MAX_SYMBOLS 5

/**
 * HrValue:
 * @storage: the index of its storage, -1 for no value
 * @element: the type of an element
 * @n_symbols: how many of @symbols are used
 * @symbols: the sizes whose product, with @count / @divisor, is the number of elements
 * @count: a constant factor
 * @divisor: a constant divisor
 * @heads_first: whether heads come before tokens in memory, [B, H, S, d], and not [B, S, H, d]
 * @expanded: whether it is a view that shows one head as many; what is made of it has them all
 * @is_trained: whether it is a parameter that is trained
 * @is_view: whether it is a gradient that the engine holds by a view, and so does not add into
 * @result: which of the results of its node it is
 * @node: what it was made by, in the graph that is recorded; %HR_NO_NODE if no gradient flows to it
 *
 * A tensor, as a variable holds it: a view of a storage.
 */
typedef struct
{
  gint16 storage;
  guint8 element;
  guint8 n_symbols;
  guint8 symbols[HR_VALUE_MAX_SYMBOLS];
  guint8 count;
  guint8 divisor;
  guint8 heads_first;
  guint8 expanded;
  guint8 is_trained;
  guint8 is_view;
  guint8 result;
  gint16 node;
} HrValue;

typedef struct _HrGraph HrGraph;
typedef struct _HrOperatorCache HrOperatorCache;
typedef struct _HrTuning HrTuning;
typedef struct _HrSharding HrSharding;
typedef struct _HrReduction HrReduction;
typedef struct _HrLiveParameters HrLiveParameters;
typedef struct _HrKeptLayers HrKeptLayers;
typedef struct _HrReplay HrReplay;
typedef struct _HrLiger HrLiger;
typedef struct _HrFloat8 HrFloat8;

/**
 * HrFusedStep:
 * @replay: a tape
 * @gradient: (transfer full): the gradient of a parameter
 *
 * Steps a parameter in the backward pass, and lets its gradient go.
 */
typedef void (*HrFusedStep) (HrReplay *replay,
                             HrValue   gradient);

#define HR_NO_NODE (-1)

typedef struct
{
  HrValue shape;
  guint32 references;
  HrComponentId component;
  guint64 bytes;
  const char *name;
  guint n_before;     /* tensors that had been made when it was */
  HrHeapBlock block;  /* where it lies, if the heap is replayed */
  HrGrowth growth;    /* of its size with the length of sequences */
  guint kept_by;      /* one more than the index of the layer that keeps it for the backward pass; 0 for none */
} HrStorage;

/**
 * HrMoment:
 * @level: what is held
 * @storages: what is on the tape; the memory is that of a tape, until something else is noted there, or a copy
 * @n_storages: the length of @storages
 * @symbols: what the symbols stand for
 * @element: what the model computes in
 * @block: the path of the module that runs, with `{}` where the index of the layer stands
 * @layer: the index of the layer, -1 outside of the layers
 * @replayed_layer: that of the layer that was replayed, where others repeat it
 * @operation: the operator that runs
 * @sentence: half a sentence that says what is alive, a message id
 *
 * The moment at which most is held.
 */
typedef struct
{
  HrLevel level;
  HrStorage *storages;
  guint n_storages;
  guint64 symbols[HR_N_SYMBOLS];
  HrElement element;
  const char *block;
  int layer;
  int replayed_layer;
  const char *operation;
  const char *sentence;
} HrMoment;

/**
 * HrStretch:
 * @before: the level before
 * @after: the level after
 * @moment: the highest moment within
 * @n_made: tensors that had been made before
 * @kernels_before: what had been run before, where it is counted
 * @kernels_after: and when it ended
 *
 * What a stretch of work does to the memory, so that it can be repeated without replaying it. Who repeats it when
 * others have been recorded has hr_stretch_keep() keep it.
 */
typedef struct
{
  HrLevel before;
  HrLevel after;
  HrMoment moment;
  guint n_made;
  HrKernels kernels_before;
  HrKernels kernels_after;
} HrStretch;

/**
 * HrUpcast:
 * @HR_UPCAST_NONE: nothing
 * @HR_UPCAST_NORMS: norms
 * @HR_UPCAST_REST: all but embeddings and heads by the names that TRL knows
 *
 * What of 16 bits is cast to fp32 beside quantized matrices, before a model is trained.
 */
typedef enum
{
  HR_UPCAST_NONE,
  HR_UPCAST_NORMS,
  HR_UPCAST_REST,
} HrUpcast;

/*
 * Whose layers are replayed: those of transformers, Megatron-LM's by one of its two specifications, torchtitan's, or
 * Unsloth's.
 */
typedef enum
{
  HR_LAYER_CODE_TRANSFORMERS,
  HR_LAYER_CODE_MEGATRON_LOCAL,
  HR_LAYER_CODE_MEGATRON_TE,
  HR_LAYER_CODE_TORCHTITAN,
  HR_LAYER_CODE_UNSLOTH,
} HrLayerCode;

/**
 * HrExpertRanks:
 * @expert: how many ranks share the experts of a layer
 * @tensor: how many share each expert
 * @capacity_factor: how many times its share of the tokens an expert takes at the most; 0: all that come
 * @pads_to_capacity: whether it takes as many in any case
 * @groups_products: whether the matrices of all experts of a rank are multiplied at once
 * @gathers: whether all tokens come to all of these ranks, and not only those that they are for
 *
 * How Megatron-LM divides mixtures of experts, and sends tokens to them.
 */
typedef struct
{
  guint64 expert;
  guint64 tensor;
  double capacity_factor;
  gboolean pads_to_capacity;
  gboolean groups_products;
  gboolean gathers;
} HrExpertRanks;

#define HR_REPLAY_MAX_INPUTS 12
#define HR_REPLAY_N_RESTS 2

/* As many tensors as values have numbers for. */
#define HR_REPLAY_MAX_STORAGES (G_MAXINT16 + 1)

/* How many tensors there is room for in a tape itself: there are seldom more, but where all layers are on it. */
#define HR_REPLAY_OWN_STORAGES 192

/**
 * HrInputTensors:
 * @count: how many tensors
 * @bytes: what each of them has, before the allocator rounds it up
 *
 * Tensors of a batch that are alike.
 */
typedef struct
{
  guint64 count;
  guint64 bytes;
} HrInputTensors;

/**
 * HrReplay:
 * @ledger: the books
 * @storages: the tape: what is alive; those with no reference are free
 * @n_storages: how many of @storages have been used so far
 * @symbols: what the symbols stand for now
 * @dtype: what the model computes in
 * @parameter_dtype: what its parameters are held in
 * @upcast: which of its parameters are held in fp32 nevertheless
 * @quantized_dtype: what quantized matrices are expanded to, and multiplied in
 * @autocast: what torch.autocast computes products in, or %HR_ELEMENT_NONE without it
 * @layer_code: whose layers are replayed
 * @divides_layers: whether ranks share each layer
 * @divides_sequence: whether what stands between the matrices of a layer is divided by tokens
 * @context_ring: how many ranks that share each sequence hand keys and values round; 0 or 1: none do
 * @context_exchange: among how many of these, beside, tokens are exchanged for heads; 0 or 1: none are
 * @experts: (nullable): how Megatron-LM divides mixtures of experts
 * @gathered: a buffer that stays, into which tokens of all ranks come that share experts, or none
 * @plan: (nullable): how transformers divides the modules among ranks of which this is one
 * @liger: (nullable): what Liger-Kernel has put in the place of the layers' functions
 * @float8: (nullable): which linear layers cast the factors of their products to fp8, and how
 * @offloads: whether what is kept for the backward pass is moved to the host
 * @offloads_inputs: whether what goes into layers that are computed anew waits on the host
 * @reloaded: a buffer that stays, into which it is brought back, or none
 * @received: a buffer that stays, in which what a stage of a pipeline receives comes, or none
 * @received_gradient: another, for the gradient of what it has sent
 * @compiles: whether what is kept for the backward pass is what torch.compile keeps
 * @shared_uses: (nullable): the parameters that the function which runs uses more than once
 * @keeps_casts: whether autocast's cache holds the parameters that it has cast, though nothing else does
 * @tuning: (nullable): what a method of fine-tuning does to modules
 * @switched_off: (nullable): the same while its adapters are switched off, as far as functions ask for it
 * @inputs_need_gradients: whether gradients flow to embedded tokens, though the table is not trained
 * @component: what operators make their results for
 * @graph: (nullable): where operators are recorded, so that gradients can flow back
 * @operator_cache: (nullable): where what some operators make is kept, or taken from
 * @training: whether dropout is on
 * @drops_nothing: whether the trainer has set its probability to 0
 * @trains_weights: whether the model's own parameters need gradients
 * @recomputes: whether layers are computed anew in the backward pass
 * @trains_biases: whether its biases do
 * @splits_backward: whether the backward pass makes the gradients of inputs alone, and those of weights come later
 * @has_gradients: whether parameters have a gradient already, so that new ones are added into it
 * @adds_gradients_up: whether gradients are added into a buffer of their own as soon as they come
 * @sharding: (nullable): how parameters are gathered and gradients reduced
 * @sharded_rest: what a forward pass without gradients has left gathered of what is around the layers, for the next one
 * @has_sharded_layers: whether it has left the layers gathered as well
 * @reduction: (nullable): the buckets that gradients go through
 * @live: (nullable): which parameters are gathered, where modules are, one by one
 * @live_of_reference: (nullable): likewise those of the model as it was at the start, where that is one of its own
 * @fused_step: (nullable): what steps a parameter as soon as the gradient of the next is there
 * @tower: (nullable): the tower that runs, or is differentiated
 * @returned: what the model's function returns beside its result, of images and videos
 * @waiting: the gradient that waits for it
 * @quantization: how the weights of linear layers are stored
 * @expands_anew: whether GPTQ's kernel expands a matrix once more to differentiate, and keeps nothing
 * @splits_outliers: whether LLM.int8() holds features of large values apart
 * @sorts_no_rows: whether the gradient of a table is made without buffers, as it is of tensors that have no memory
 * @block: the path of the module that runs
 * @layer: the index of the layer that runs, -1 outside of the layers
 * @sentence: half a sentence that says what is alive at its worst
 * @n_made: tensors that were made so far
 * @n_needed: how many of these there were when the last was kept for a backward pass
 * @make_limit: after how many nothing is made any more, as the rest of the work is not done
 * @stretch: the stretch that is being recorded
 * @has_open_moment: whether the tape is as it was at the highest moment of @stretch, which has not been copied yet
 * @peak: the highest moment so far
 * @timeline: (nullable): where the stretches are written down
 * @copies_received: whether what a stage of a pipeline has received is copied before it runs, and once more to run
 * @is_rehearsal: whether moments are left out, where no more than the levels between stretches is asked for
 * @is_for_sizes: whether what is on the tape at the highest moments is not asked for, but how much that is
 * @kept_layers: (nullable): where it is written down what layers keep for the backward pass
 * @heap: (nullable): the heap, which every layer asks for all that it makes
 * @repeats_on_heap: whether layers that do the same ask for what the first of them has asked for; when that turns out
 *   not to hold, it is %FALSE from then on, and what is on the heap means nothing
 * @kernels: (nullable) (array fixed-size=HR_N_PHASES): where it is counted what each phase runs
 * @inputs: what is read, as far as hr_replay_add_inputs() has brought it
 * @n_inputs: how many of @inputs there are
 */
struct _HrReplay
{
  HrLedger ledger;
  HrStorage *storages;
  guint n_storages;
  guint64 symbols[HR_N_SYMBOLS];
  HrElement dtype;
  HrElement parameter_dtype;
  HrUpcast upcast;
  HrElement quantized_dtype;
  HrElement autocast;
  HrLayerCode layer_code;
  gboolean divides_layers;
  gboolean divides_sequence;
  guint context_ring;
  guint context_exchange;
  const HrExpertRanks *experts;
  HrValue gathered;
  const HrParallelPlan *plan;
  const HrLiger *liger;
  const HrFloat8 *float8;
  gboolean offloads;
  gboolean offloads_inputs;
  HrValue reloaded;
  HrValue received;
  HrValue received_gradient;
  gboolean compiles;
  struct _HrSharedUses *shared_uses;
  gboolean keeps_casts;
  const HrTuning *tuning;
  const HrTuning *switched_off;
  gboolean inputs_need_gradients;
  HrComponentId component;
  HrGraph *graph;
  HrOperatorCache *operator_cache;
  gboolean training;
  gboolean drops_nothing;
  gboolean trains_weights;
  gboolean recomputes;
  gboolean trains_biases;
  gboolean splits_backward;
  gboolean has_gradients;
  gboolean adds_gradients_up;
  HrSharding *sharding;
  HrValue sharded_rest[HR_REPLAY_N_RESTS];
  gboolean has_sharded_layers;
  HrReduction *reduction;
  HrLiveParameters *live;
  HrLiveParameters *live_of_reference;
  HrFusedStep fused_step;
  HrValue waiting;
  const struct _HrTower *tower;
  HrValue returned[2];
  HrQuantization quantization;
  gboolean expands_anew;
  gboolean splits_outliers;
  gboolean sorts_no_rows;
  const char *block;
  int layer;
  const char *sentence;
  guint n_made;
  guint n_needed;
  guint make_limit;
  HrStretch *stretch;
  gboolean has_open_moment;
  HrTimeline *timeline;
  gboolean copies_received;
  gboolean is_rehearsal;
  gboolean is_for_sizes;
  HrKeptLayers *kept_layers;
  HrHeap *heap;
  gboolean repeats_on_heap;
  HrKernels *kernels;

  HrInputTensors inputs[HR_REPLAY_MAX_INPUTS];
  guint n_inputs;

  /*< private >*/
  guint capacity;
  HrStorage *noted;     /* what was on the tape at the highest moment of @stretch */
  guint noted_capacity;
  guint peak_capacity;
  guint first_free;     /* no word of @used before this one has a bit that is not set */

  /* What is large comes last: a tape on which nothing has been made is copied without it. */
  HrMoment peak;
  HrStorage own_storages[HR_REPLAY_OWN_STORAGES];
  HrStorage own_noted[HR_REPLAY_OWN_STORAGES];
  HrStorage own_peak[HR_REPLAY_OWN_STORAGES];
  guint64 used[HR_REPLAY_MAX_STORAGES / 64];  /* a bit for each of the first @n_storages, the others mean nothing */
};

void        hr_replay_init          (HrReplay       *self,
                                     HrElement       dtype,
                                     HrQuantization  quantization);
HrReplay *  hr_replay_copy_empty    (const HrReplay *self);
void        hr_replay_append_start  (const HrReplay *self,
                                     GByteArray     *bytes);
void        hr_replay_clear         (HrReplay       *self);
void        hr_replay_free          (HrReplay       *self);
void        hr_replay_begin         (HrReplay       *self,
                                     HrStretch      *stretch,
                                     const char     *block,
                                     int             layer);
void        hr_replay_end           (HrReplay       *self);
void        hr_replay_repeat        (HrReplay       *self,
                                     const HrStretch *stretch,
                                     int             layer,
                                     int             step,
                                     guint           count);
void        hr_stretch_keep         (HrStretch      *self);
void        hr_stretch_clear        (HrStretch      *self);
void        hr_replay_add_inputs    (HrReplay       *self,
                                     guint64         count,
                                     guint64         bytes);
void        hr_replay_rest          (HrReplay       *self,
                                     const char     *sentence);
void        hr_replay_limit         (HrReplay       *self,
                                     guint           n_makes);
HrValue     hr_replay_make          (HrReplay       *self,
                                     const char     *operation,
                                     const char     *name,
                                     HrComponentId   component,
                                     HrValue         shape);
HrValue     hr_replay_make_elements (HrReplay       *self,
                                     const char     *operation,
                                     const char     *name,
                                     HrComponentId   component,
                                     HrElement       element,
                                     guint64         n_elements);
HrValue     hr_replay_make_bytes    (HrReplay       *self,
                                     const char     *operation,
                                     const char     *name,
                                     HrComponentId   component,
                                     guint64         bytes);
HrValue     hr_replay_make_others   (HrReplay       *self,
                                     HrValue         like);
HrValue     hr_replay_adopt         (HrReplay       *self,
                                     const char     *name,
                                     HrComponentId   component,
                                     guint64         bytes);
void        hr_replay_leave         (HrReplay       *self,
                                     HrValue         value);
HrValue     hr_replay_hold          (HrReplay       *self,
                                     HrValue         value);
void        hr_replay_drop          (HrReplay       *self,
                                     HrValue         value);
void        hr_replay_remove        (HrReplay       *self,
                                     HrComponentId   component,
                                     guint64         bytes);
void        hr_replay_drop_casts    (HrReplay       *self);
void        hr_replay_assign        (HrReplay       *self,
                                     HrValue        *variable,
                                     HrValue         value);
void        hr_replay_reassign_component (HrReplay      *self,
                                          HrValue        value,
                                          HrComponentId  component);
guint64     hr_replay_get_bytes     (HrReplay       *self,
                                     HrValue         value);
guint64     hr_value_get_elements   (HrValue         value,
                                     const guint64  *symbols);
HrGrowth    hr_value_get_growth     (HrValue         value,
                                     const guint64  *symbols);

guint       hr_element_get_bytes    (HrElement       element);
HrElement   hr_element_promote      (HrElement       a,
                                     HrElement       b);
HrElement   hr_element_widen        (HrElement       element);
const char *hr_symbol_get_name      (HrSymbol        symbol);

void        hr_replay_rename        (HrReplay       *self,
                                     HrValue         value,
                                     const char     *name);

#define HR_NO_VALUE ((HrValue) { .storage = -1, .node = HR_NO_NODE, .divisor = 1 })

/* The shape of a value: the type of an element and the symbols whose product is their number. */
#define HR_SHAPE(element_, ...) \
  ((HrValue) { .storage = -1, .node = HR_NO_NODE, .element = (element_), .count = 1, .divisor = 1, \
               .n_symbols = sizeof ((guint8[]) { __VA_ARGS__ }), .symbols = { __VA_ARGS__ } })

void        hr_replay_note_reduced  (HrReplay       *self,
                                     HrValue         x);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrReplay, hr_replay_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrReplay, hr_replay_free)

/* An operator through which no gradient flows. */
HrValue     hr_op_like              (HrReplay       *self,
                                     const char     *operation,
                                     const char     *name,
                                     HrValue         like);

G_END_DECLS
