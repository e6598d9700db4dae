/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-tensor.h"

G_BEGIN_DECLS

/*
 * What a model computes, as far as memory can tell: a model is stacks (one for a decoder; towers, an encoder and a
 * decoder for others), a stack is layers, a layer is a chain of sublayers with a residual connection around each, a
 * sublayer is one or more parallel branches, a branch is a chain of blocks.
 *
 * Architecture files describe this; the model floor builds it from a config, together with the tensors of each block;
 * the memory floor replays it. A size of 0 means that the thing is not there.
 */

typedef enum
{
  HR_BLOCK_TOKEN_EMBEDDING,
  HR_BLOCK_POSITION_EMBEDDING,
  HR_BLOCK_TYPE_EMBEDDING,
  HR_BLOCK_PARAMETER,
  HR_BLOCK_CONVOLUTION,
  HR_BLOCK_ACTIVATION,
  HR_BLOCK_REGROUPING,
  HR_BLOCK_LINEAR,
  HR_BLOCK_NORM,
  HR_BLOCK_ATTENTION,
  HR_BLOCK_MLP,
  HR_BLOCK_MIXTURE,
  HR_BLOCK_MAMBA,
  HR_BLOCK_MAMBA2,
  HR_BLOCK_GATED_DELTA,
  HR_BLOCK_LIGHTNING_ATTENTION,
  HR_BLOCK_SHORT_CONVOLUTION,
  HR_BLOCK_RG_LRU,
  HR_BLOCK_STATE,
  HR_BLOCK_COMPRESSED_ATTENTION,
  HR_BLOCK_HEAD,
} HrBlockKind;

typedef enum
{
  HR_NORM_RMS,              /* the input is cast to fp32, normalised, cast back, scaled (Llama) */
  HR_NORM_RMS_FP32_SCALE,   /* likewise, scaled by 1 + weight in fp32 before the cast back (Gemma) */
  HR_NORM_RMS_FP32_WEIGHT,  /* likewise, scaled by the weight in fp32 before the cast back (OLMo 2) */
  HR_NORM_RMS_LATE_CAST,    /* the product is fp32 as the input's reciprocal is, then cast and scaled (T5) */
  HR_NORM_RMS_UNWEIGHTED,   /* likewise, not scaled (Llama 4's queries and keys) */
  HR_NORM_RMS_FP32_CAST,    /* likewise, scaled by a copy of the weight in fp32 (Helium) */
  HR_NORM_RMS_FP32_POWER,   /* likewise, by the mean to the power of −½, and perhaps not scaled (Gemma 4) */
  HR_NORM_LAYER,            /* torch's fused layer norm */
  HR_NORM_LAYER_1P,         /* the same, scaled by 1 + weight (Nemotron) */
  HR_NORM_LAYER_FP32,       /* the same in fp32, then cast back (OLMo) */
  HR_NORM_LAYER_COMPOSITE,  /* mean and variance as operations of their own in fp32 (Cohere) */
} HrNormKind;

typedef enum
{
  HR_ACTIVATION_SILU,
  HR_ACTIVATION_GELU,           /* torch's fused gelu, exact or tanh */
  HR_ACTIVATION_GELU_NEW,       /* tanh approximation spelt out in operations (transformers' gelu_new) */
  HR_ACTIVATION_GELU_BLOOM,     /* Bloom's own spelling of the same */
  HR_ACTIVATION_GELU_FAST,
  HR_ACTIVATION_QUICK_GELU,
  HR_ACTIVATION_RELU,
  HR_ACTIVATION_RELU2,
  HR_ACTIVATION_TANH,
  HR_ACTIVATION_XIELU,          /* two polynomials by the sign, with two trained numbers (Apertus) */
} HrActivation;

typedef enum
{
  HR_POSITION_NONE,
  HR_POSITION_ROTARY,              /* x * cos + rotate_half (x) * sin, halves */
  HR_POSITION_ROTARY_INTERLEAVED,  /* pairs, computed in fp32 (Cohere) */
  HR_POSITION_ROTARY_FP32,         /* halves, by cosines and sines that stay in fp32 (OLMo) */
  HR_POSITION_ROTARY_PAIRS,        /* pairs, by angles that each layer spreads to them (GLM) */
  HR_POSITION_ROTARY_FP32_PAIRS,   /* pairs, likewise; what is rotated is cast as well (ERNIE) */
  HR_POSITION_ROTARY_SECTIONS,     /* halves, by angles of three axes that each layer joins (Qwen2-VL) */
  HR_POSITION_ROTARY_CAST,         /* halves, what is rotated is cast for each of the two products (ModernBERT) */
  HR_POSITION_ROTARY_COMPLEX,      /* pairs as complex numbers of fp32 (DeepSeek V2) */
  HR_POSITION_ROTARY_TABLE,        /* pairs, by a table of sines and cosines that each layer has (GPT-J) */
  HR_POSITION_ROTARY_HALVES,       /* the two halves by themselves, then joined (GPT-OSS) */
  HR_POSITION_ALIBI,
  HR_POSITION_LEARNED,             /* added to the embeddings, nothing in the attention */
} HrPosition;

typedef enum
{
  HR_PROJECTION_SEPARATE,     /* q_proj, k_proj, v_proj */
  HR_PROJECTION_FUSED,        /* one matrix, split by slicing: q, then k, then v (Phi-3) */
  HR_PROJECTION_FUSED_HEADS,  /* one matrix, q, k and v side by side in each head (GPT-NeoX, Bloom) */
  HR_PROJECTION_KEY_VALUE,    /* one matrix for the queries, one for keys and values (TeleChat) */
  HR_PROJECTION_FUSED_GROUPS, /* one matrix, grouped: the queries of a group, its key, its value (Falcon) */
  HR_PROJECTION_CONV1D,       /* one matrix stored [in, out], split into three (GPT-2) */
} HrProjection;

/* Where the part of a head that is not rotated, which may be empty, joins the rest again. */
typedef enum
{
  HR_ROTARY_WHOLE,            /* the code rotates whole heads, there is nothing to join (Llama) */
  HR_ROTARY_JOINED_EACH,      /* in the rotation, the query before the key is rotated (Phi-3) */
  HR_ROTARY_JOINED_AFTER,     /* in the rotation, after both are rotated (GPT-NeoX, SmolLM3's kin) */
  HR_ROTARY_JOINED_OUTSIDE,   /* by the attention, whose variables keep the parts (Phi, StableLM) */
} HrRotaryJoin;

typedef enum
{
  HR_QK_NORM_NONE,
  HR_QK_NORM_HEAD,      /* one weight of head_dim for all heads (Qwen3) */
  HR_QK_NORM_FULL,      /* one weight over all heads together (OLMo 2) */
  HR_QK_NORM_PER_HEAD,  /* a row of weights for each head (Cohere) */
  HR_QK_NORM_LIST,      /* a module of its own for each head (StableLM) */
} HrQkNorm;

/* When queries and keys are normalised. */
typedef enum
{
  HR_QK_NORM_AT_PROJECTION,      /* each in one expression with its projection (Qwen3) */
  HR_QK_NORM_AFTER_PROJECTIONS,  /* when all three are projected (Cohere) */
  HR_QK_NORM_AFTER_ROTATION,     /* when they are rotated (Hunyuan) */
  HR_QK_NORM_EACH_IN_TURN,       /* queries before anything else is projected, keys behind the values (Mllama) */
  HR_QK_NORM_BEFORE_ROTATION,    /* queries are rotated as well before anything else is projected (Gemma 4) */
} HrQkNormPlace;

/* A factor of the queries that depends on their positions. */
typedef enum
{
  HR_POSITION_SCALE_NONE,
  HR_POSITION_SCALE_DTYPE,       /* cast before the product (Ministral 3) */
  HR_POSITION_SCALE_FP32,        /* a product in fp32, cast afterwards (Llama 4) */
} HrPositionScale;

/* What the output of the heads is multiplied by before the last projection. */
typedef enum
{
  HR_OUTPUT_GATE_NONE,
  HR_OUTPUT_GATE_QUERY,          /* the sigmoid of a half of what the matrix of the queries makes (Qwen3-Next) */
  HR_OUTPUT_GATE_FULL,           /* the sigmoid of a projection as wide as the queries, made with them (AFMoE) */
  HR_OUTPUT_GATE_HEADS,          /* the softplus of a number for each head, made afterwards in fp32 (Laguna) */
} HrOutputGate;

/* Which of transformers' code paths computes the attention. */
typedef enum
{
  HR_ATTENTION_INTERFACE,  /* ALL_ATTENTION_FUNCTIONS: eager, sdpa, flash */
  HR_ATTENTION_BLOOM,      /* baddbmm and softmax, whatever was asked for */
  HR_ATTENTION_FALCON,     /* its own sdpa and eager branches, always with a mask */
  HR_ATTENTION_REPEATING,  /* its own sdpa and eager branches, which repeat keys and values for each head (Nemotron) */
  HR_ATTENTION_MPT,        /* fp32 biases of positions, whatever was asked for */
  HR_ATTENTION_GPT_J,      /* all in fp32, whatever was asked for */
  HR_ATTENTION_CODEGEN,    /* likewise, from a matrix that was cut for four devices */
  HR_ATTENTION_GPT_NEO,    /* likewise, with a causal mask that each layer has */
  HR_ATTENTION_MVP,        /* queries, keys and values put heads first; no name for the weights outside */
  HR_ATTENTION_XGLM,       /* sums of scores and mask kept above the least number, whatever was asked for */
  HR_ATTENTION_CTRL,       /* each step in a variable of its own, whatever was asked for */
  HR_ATTENTION_BAICHUAN,   /* scores and biases kept above the least number, whatever was asked for (Baichuan 13B) */
  HR_ATTENTION_UNKNOWN,    /* its tensors are known, what it makes of them is not */
  HR_ATTENTION_VISION,     /* of patches in a row, image by image or window by window (Qwen2-VL) */
  HR_ATTENTION_T5,         /* scores to which a bias of positions is added, whatever was asked for */
  HR_ATTENTION_DISENTANGLED, /* contents and distances have queries and keys of their own (DeBERTa V2) */
  HR_ATTENTION_UMT5,       /* likewise, with a bias of each layer's own */
} HrAttentionPath;

/* How the matrices of experts are stored. */
typedef enum
{
  HR_EXPERTS_SEPARATE,     /* three matrices for each expert (Mixtral, Qwen, DeepSeek) */
  HR_EXPERTS_FUSED,        /* gate and up of all experts in one tensor, [experts, in, out] (GPT-OSS, Llama 4) */
  HR_EXPERTS_FUSED_LINEAR, /* the same, [experts, out, in] (Granite) */
  HR_EXPERTS_STACKED,      /* three matrices, the rows of all experts one below the other (DBRX) */
  HR_EXPERTS_JOINED,       /* three tensors of the matrices of all experts, [experts, out, in] (Step 3.5) */
} HrExpertsLayout;

/* How the tensors of gate and up become one. */
typedef enum
{
  HR_EXPERT_GATE_PLAIN,    /* act (gate) * up */
  HR_EXPERT_GATE_CLAMPED,  /* both clamped, (up + 1) * gate * sigmoid (alpha * gate) (GPT-OSS) */
  HR_EXPERT_GATE_NONE,     /* there is no gate, neither in the shared experts: act (up) (Nemotron-H) */
  HR_EXPERT_GATE_LIMITED,  /* both clamped, act (gate) * up (DeepSeek V4) */
} HrExpertGate;

/* How the code goes through the experts. */
typedef enum
{
  HR_EXPERTS_GROUPED,      /* all at once, tokens sorted by expert: transformers' own choice on CUDA */
  HR_EXPERTS_LISTS,        /* one after the other over sorted tokens, their results joined (JetMoE, Granite) */
  HR_EXPERTS_DENSE,        /* every token through every expert, weighted before (Llama 4) */
  HR_EXPERTS_LOOP,         /* one after the other, each with the tokens that chose it (DBRX) */
} HrExpertsPath;

/* What a router makes of its logits. */
typedef enum
{
  HR_ROUTER_SOFTMAX,       /* in fp32 (Mixtral, Qwen) */
  HR_ROUTER_SOFTMAX_PLAIN, /* in the dtype of the logits (GPT-OSS, Mistral 4) */
  HR_ROUTER_SIGMOID,       /* DeepSeek V3 */
} HrRouterScores;

/* How it chooses experts. */
typedef enum
{
  HR_ROUTER_HIGHEST,       /* those of the highest scores (Mixtral, Qwen) */
  HR_ROUTER_BIASED,        /* those of the highest sums of scores and a bias (ERNIE, MiniMax M2) */
  HR_ROUTER_GROUPS,        /* likewise, of the best groups of experts (DeepSeek V3) */
} HrRouterChoice;

/* How the scores of the chosen ones are divided by their sum. */
typedef enum
{
  HR_ROUTER_NORM_NONE,
  HR_ROUTER_NORM_IN_PLACE, /* Mixtral, Qwen, DeepSeek V3 */
  HR_ROUTER_NORM_APART,    /* AFMoE */
  HR_ROUTER_NORM_CLAMPED,  /* by a sum that is kept above a constant (ERNIE) */
} HrRouterNorm;

typedef struct
{
  guint64 vocab_size;
  guint64 hidden_size;
  gboolean scaled;      /* multiplied by a constant after the look-up (Gemma, Granite) */
  gboolean scaled_outside; /* by the model that has the module, not by the module (Granite) */
  gboolean has_dropout; /* of the embeddings, positions included, in training (GPT-2) */
  gboolean tied;        /* the tensor of another embedding, the path to which begins at the stack (T5, BART) */
} HrTokenEmbedding;

/* Whether the decoder's function makes a mask of ones where none comes with the batch. */
typedef enum
{
  HR_ONES_NONE,
  HR_ONES_PASSING,      /* the mask that comes of it takes its place (BartDecoder) */
  HR_ONES_HELD,         /* a variable holds it until the function ends (MBartDecoder) */
} HrOnes;

typedef struct
{
  guint64 n_positions;  /* rows of the table, offset included */
  guint64 hidden_size;
  gboolean is_fixed;    /* a table of sines that is no parameter (XGLM) */
  gboolean is_frozen;   /* a parameter that is never trained (Marian, Whisper's encoder) */
  gboolean per_sequence; /* looked up for each sequence of the batch, not once for all (OPT) */
  gboolean is_temporary; /* no variable holds what is looked up, once it is added (XGLM) */
  gboolean has_offset;  /* rows before the first position, which an addition passes by (BART) */
  gboolean replaces_ids; /* the variable of the positions holds it (MBartDecoder) */
  HrOnes ones;
} HrPositionEmbedding;

/* What tells the two sentences of a pair apart (BERT). */
typedef struct
{
  guint64 n_types;
  guint64 hidden_size;
} HrTypeEmbedding;

typedef struct
{
  guint64 sizes[HR_TENSOR_MAX_DIMENSIONS];
  guint n_dimensions;
} HrShape;

/* What a tower does with a tensor that stands by itself. */
typedef enum
{
  HR_PARAMETER_UNKNOWN,
  HR_PARAMETER_CLASS,         /* it comes before the patches of each picture */
  HR_PARAMETER_POSITIONS,     /* it is added to them */
  HR_PARAMETER_NEWLINE,       /* it ends a row of the tiles of a picture */
  HR_PARAMETER_SCALE,         /* what a branch of a layer makes is multiplied by it */
  HR_PARAMETER_GATE,          /* likewise, by its tanh (Mllama) */
  HR_PARAMETER_GATE_INLINE,   /* likewise, in one expression with the residual (Mllama) */
  HR_PARAMETER_GATE_ROWS,     /* likewise, once the rows that see nothing are zeros (Mllama) */
  HR_PARAMETER_LATENTS,       /* it goes into the layers, which attend to what a tower has seen (Idefics 2) */
} HrParameterUse;

/* A tensor that stands by itself: the embedding of a class, a table of positions, the scale of a layer. */
typedef struct
{
  HrShape shape;
  HrParameterUse use;
  int part;             /* the #HrPart that the architecture file names */
} HrParameterTensor;

/* A convolution over one, two or three dimensions: the embedding of patches, the front of an audio encoder. */
typedef struct
{
  guint64 in_channels;
  guint64 out_channels;
  guint64 groups;       /* channels of different groups do not mix; as many as there are channels: each by itself */
  HrShape kernel;
  HrShape stride;       /* without dimensions: that of the kernel, whose windows do not overlap */
  guint64 padding;      /* zeros on each side */
  gboolean has_bias;
  gboolean activated;   /* followed by @activation */
  HrActivation activation;
} HrConvolution;

typedef struct
{
  HrActivation activation;
  gboolean gated;       /* of the second half of its input, by which the first is multiplied */
} HrActivationBlock;

/* Squares of patches that become one vector each, as wide as all of them together. */
typedef struct
{
  guint64 side;         /* patches of a side */
  guint64 copies;       /* how often they are copied for it, the last time in their new order */
  gboolean averages;    /* pairs of positions of a sound become their average */
  gboolean turned;      /* rows and columns are exchanged in what comes of it, which a linear layer copies */
  gboolean unfolds;     /* image by image, by a convolution's view of it, and all joined then (Mistral 3) */
} HrRegrouping;

/* What ranks of an engine share of a linear layer of its own. */
typedef enum
{
  HR_LINEAR_WHOLE,
  HR_LINEAR_OUTPUTS,
  HR_LINEAR_INPUTS,
} HrLinearDivision;

/* A linear layer of its own: the projections around OPT-350m's layers. */
typedef struct
{
  guint64 in_features;
  guint64 out_features;
  gboolean has_bias;
  gboolean pooled;      /* of one token of each sequence (BERT's pooler) */
  int part;             /* the #HrPart that the architecture file names */
  gboolean has_input_dropout; /* of what it reads, in training */
  HrLinearDivision divided;   /* where ranks share a layer */
} HrLinear;

typedef struct
{
  HrNormKind kind;
  guint64 size;
  gboolean has_weight;
  gboolean has_bias;
  gboolean per_head;    /* a row of weights for each head */
  gboolean is_list;     /* a norm of its own for each head */
  gboolean has_dropout; /* of what it makes, in training (T5's last) */
  gboolean is_of_source; /* of what the layer attends to, for it alone (Idefics 2's resampler) */
} HrNorm;

typedef struct
{
  guint64 hidden_size;
  guint64 num_attention_heads;
  guint64 num_key_value_heads;
  guint64 head_dim;
  HrProjection projection;
  HrPosition position;
  guint64 rotary_dim;        /* how many of head_dim are rotated */
  HrRotaryJoin rotary_join;
  gboolean rotary_apart;     /* queries and keys of a tower each have cosines and sines made anew (Qwen2.5-Omni) */
  gboolean rotary_axes;      /* angles of three axes are made, of which one is put together (Qwen3-VL) */
  gboolean rotary_each;      /* each sequence of a batch has angles of its own (ModernBERT's decoder) */
  gboolean own_rotary;       /* sliding layers have angles of their own, beside those of the others (Gemma 3) */
  HrQkNorm qk_norm;
  HrNormKind qk_norm_kind;
  HrQkNormPlace qk_norm_place;
  gboolean qk_norm_has_bias;
  guint64 output_size;       /* of the last projection; 0: hidden_size (Zamba) */
  gboolean has_query_bias;
  gboolean has_key_bias;
  gboolean has_value_bias;
  gboolean has_output_bias;
  guint64 sliding_window;    /* tokens a query sees, in an encoder those on each side; 0: all of them */
  guint64 cached_heads;      /* heads that transformers keeps in its cache: not num_key_value_heads in Falcon */
  guint64 table_positions;   /* rows of the layer's table of sines and cosines; 0: there is none */
  gboolean plain_softmax;    /* a softmax in the dtype of the scores (GPT-2) */
  gboolean casts_weights;    /* weights are cast to the type of the values, which autocast makes narrower (GPT-2) */
  gboolean has_output_norm;  /* of what the heads made, before the last projection (BitNet) */
  HrNormKind output_norm_kind;
  gboolean chunked;          /* the window is a chunk, which begins where the one before ends (Llama 4) */
  gboolean softcap;          /* attention logits through tanh */
  gboolean clip_qkv;         /* projections clamped (OLMo) */
  gboolean output_apart;     /* the output's projection is in the module of the norm that follows (BERT) */
  gboolean contiguous_heads; /* heads are put before tokens in memory (Whisper) */
  gboolean is_cross;         /* keys and values are projected from what the encoder made, once */
  gboolean joins_source;     /* keys and values are projected from both, one behind the other (Idefics 2) */
  guint64 source_size;       /* the width of what the encoder made; 0: as wide as the decoder */
  guint64 source_positions;  /* how many positions that is, whatever the prompt; 0: as many as the prompt has tokens */
  guint64 relative_span;     /* distances that have a row of a table each, in either direction (DeBERTa); 0: none */
  gboolean relative_logarithm; /* longer distances share a row with others like them */
  gboolean content_to_position; /* scores of contents with the positions of keys */
  gboolean position_to_content; /* and of positions with the contents of keys */
  gboolean own_position_projections; /* by matrices of their own, not by those of queries and keys */
  guint64 relative_buckets;  /* rows of a table of biases by distance (T5); 0: none of its own */
  gboolean reuses_cache;     /* keys and values are those of an earlier layer (Gemma 3n) */
  guint64 adapter_rank;      /* of the adapters that are added to queries, keys and values (Zamba 2); 0: none are */
  gboolean stores_key_value; /* the model's function holds them as they are until it returns (Gemma 4) */
  gboolean cached_whole;     /* a dynamic cache keeps all tokens, whatever the window is (Gemma 4) */
  gboolean unused_key_value; /* there are matrices for them in such a layer nonetheless */
  gboolean has_shared_key_value; /* what an earlier layer has projected, cached once more (Hunyuan Large) */
  gboolean value_is_key;     /* values are the projected keys, there is no matrix for them (Gemma 4) */
  gboolean value_norm;       /* values are normalised as the heads of keys are, without a weight (Gemma 4) */
  gboolean stable_softmax;   /* the highest score is subtracted, as where there are sinks (MiMo-V2-Flash) */
  gboolean scaled_value;     /* the values are multiplied by a constant (MiMo-V2-Flash) */
  gboolean scaled_query;     /* the query is multiplied by the scale before the product (OPT) */
  HrPositionScale position_scale;
  HrOutputGate output_gate;
  gboolean has_dropout;      /* of the attention weights, in training */
  gboolean has_output_dropout; /* of what the output projection makes, in training (GPT-2) */
  gboolean has_sinks;        /* a further logit of each head that takes weight and gives nothing (GPT-OSS) */
  gboolean rotates_pairs;    /* pairs are put apart before they are rotated as halves (DeepSeek V3) */
  guint64 latent_size;       /* of what keys and values are expanded from, the rotated part left out; 0: no latent */
  guint64 query_latent_size; /* of what queries are expanded from; 0: they are projected in one step */
  guint64 index_num_heads;   /* of an indexer that scores keys for each query; 0: none (DeepSeek V3.2) */
  guint64 index_head_dim;    /* of its heads, and of the key that it keeps of each token */
  guint64 index_topk;        /* keys that a query attends to, by this layer's indexer or an earlier one's; 0: all */
  gboolean shares_index;     /* the choice is handed on to the next layer (GLM-5) */
  guint64 value_head_dim;    /* of the values, where keys and values have heads of different sizes; 0: head_dim */
  HrAttentionPath path;
} HrAttention;

typedef struct
{
  guint64 hidden_size;
  guint64 intermediate_size;
  gboolean gated;
  gboolean fused_gate_up;    /* gate and up are one matrix (Phi-3) */
  gboolean conv1d;           /* matrices stored [in, out] (GPT-2) */
  gboolean has_bias;
  gboolean has_down_bias;    /* of the last matrix alone (TeleChat) */
  gboolean has_inner_norm;   /* of the product, before the last matrix (BitNet) */
  HrNormKind inner_norm_kind;
  gboolean has_inner_dropout;  /* of what the activation makes, in training (T5, BART) */
  gboolean has_output_dropout; /* of what the last matrix makes, in training (GPT-2) */
  gboolean keeps_inner;      /* a variable holds what its last matrix reads until the norm behind it is done (BERT) */
  gboolean inlined;          /* in the layer's own function, which lets its input go after the first matrix (OPT) */
  gboolean activated_inline; /* likewise, after the activation of what that has made (BART) */
  gboolean bias_apart;       /* biases are added to what the matrices make (Falcon) */
  gboolean fp32_down;        /* a model that is loaded in float16 keeps its last matrix in fp32 (T5) */
  guint64 adapter_rank;      /* of the adapter that is added to gate and up in one matrix (Zamba 2); 0: none is */
  HrActivation activation;
} HrMlp;

/* A mixture of experts: a router chooses a few of the experts for each token; shared experts see all tokens. */
typedef struct
{
  guint64 hidden_size;
  guint64 intermediate_size;        /* of one expert */
  guint64 num_experts;
  guint64 num_held_experts;         /* of which a rank has some; 0: all of them */
  guint64 num_experts_per_tok;
  guint64 shared_intermediate_size; /* of the shared experts together; 0: none */
  guint64 latent_size;              /* of what the routed experts compute in; 0: hidden_size (Nemotron-H) */
  HrExpertsLayout layout;
  HrExpertGate gate;
  HrExpertsPath path;
  HrRouterScores scores;
  HrRouterChoice choice;
  HrRouterNorm scores_norm;
  gboolean scores_scaled;           /* the scores of the chosen ones are multiplied by a constant (DeepSeek) */
  gboolean scores_weighted;         /* they are multiplied by a parameter of each expert (Gemma 4) */
  gboolean router_norm;             /* what the router reads is normalised and scaled first (Gemma 4) */
  HrActivation activation;
  guint64 num_jitters;              /* how often the input is multiplied by noise, in training (Phi-3.5 MoE) */
  guint64 num_zero_experts;         /* that the router may choose as well, and that return their input (LongCat) */
  guint64 router_parameter_rows;    /* of the trained tensor beside the router; 0: it has one dimension */
  gboolean has_bias;                /* of the experts */
  gboolean has_output_dropout;      /* of what all of them make (Megatron-LM) */
  gboolean has_output_bias;         /* of all experts together (JetMoE) */
  gboolean has_shared_bias;
  gboolean shared_fused;            /* gate and up of the shared experts are one matrix */
  gboolean has_router_bias;
  gboolean router_kept_fp32;        /* its tensors are loaded in fp32, whatever the model's dtype is (ERNIE) */
  gboolean has_shared_gate;         /* the shared experts' output is weighted (Qwen 2) */
  gboolean shared_first;            /* the shared experts come before the routed ones (Qwen 2, ERNIE) */
  gboolean fp32_router;             /* the router computes in fp32 (DeepSeek) */
  gboolean fp32_logits;             /* what the router computes is cast to fp32 (Laguna) */
  gboolean fp32_scores;             /* experts' outputs are weighted in fp32 (Mixtral, DeepSeek) */
  gboolean softmax_after;           /* the scores are those of the chosen ones only (GPT-OSS) */
  gboolean output_scaled;           /* the experts' outputs are multiplied by a constant (Laguna) */
  gboolean fp32_sum;                /* shared and routed outputs are added in fp32 (HY 3) */
  gboolean sum_scaled;              /* their sum is multiplied by a constant (Cohere 2) */
} HrMixture;

/* What normalises the time step, B and C of a Mamba mixer. */
typedef enum
{
  HR_MAMBA_NORM_NONE,
  HR_MAMBA_NORM_PLAIN,       /* RMS norms without weights (Falcon-Mamba) */
  HR_MAMBA_NORM_WEIGHTED,    /* RMS norms with weights (Jamba) */
} HrMambaNorm;

/* Which variables of a mixer's function hold what: as those of Mamba do, or Jamba. */
typedef enum
{
  HR_MAMBA_PATH_MAMBA,
  HR_MAMBA_PATH_JAMBA,       /* what is kept for the convolution is bound to the cache's own tensor */
} HrMambaPath;

/* A selective state space whose state is a row for each channel (Mamba). */
typedef struct
{
  guint64 hidden_size;
  guint64 intermediate_size; /* channels */
  guint64 state_size;
  guint64 conv_kernel;
  guint64 time_step_rank;
  gboolean has_bias;
  gboolean has_conv_bias;
  gboolean drops_full_mask;  /* a mask of ones does not reach it (Jamba) */
  HrMambaNorm norm;
  HrMambaPath path;
} HrMamba;

/* What becomes of a Mamba 2 mixer's result and its gate. */
typedef enum
{
  HR_MAMBA2_NORM_GATED,      /* times silu (gate), then an RMS norm (Mamba 2) */
  HR_MAMBA2_NORM_GROUPED,    /* the same, each group of heads by itself (Zamba 2, Nemotron-H) */
  HR_MAMBA2_NORM_FALCON,     /* each group by itself, weighted in fp32, the gate before or after (Falcon-H1) */
  HR_MAMBA2_NORM_NONE,       /* times silu (gate), no norm (Falcon-H1) */
} HrMamba2Norm;

/* Likewise. */
typedef enum
{
  HR_MAMBA2_PATH_MAMBA2,
  HR_MAMBA2_PATH_BAMBA,      /* as Jamba’s, and the masked input is masked twice and held */
  HR_MAMBA2_PATH_ZAMBA2,     /* the same; what is convolved is not, a batch of one is masked, the state is copied */
} HrMamba2Path;

/* A state space whose state is a matrix for each head, computed by chunks of tokens (Mamba 2). */
typedef struct
{
  guint64 hidden_size;
  guint64 intermediate_size; /* heads times their size */
  guint64 num_heads;
  guint64 head_dim;
  guint64 n_groups;          /* heads of a group share B and C */
  guint64 state_size;
  guint64 conv_kernel;
  guint64 chunk_size;
  gboolean has_bias;
  gboolean has_conv_bias;
  gboolean drops_full_mask;  /* a mask of ones does not reach it (Nemotron-H) */
  gboolean scaled;           /* input and projection are multiplied by constants (Falcon-H1) */
  gboolean fp32_state;       /* engines keep its state in fp32, as the config says (Nemotron 3) */
  HrMamba2Norm norm;
  HrMamba2Path path;
} HrMamba2;

/* A linear attention whose state is a matrix for each head that decays by a constant (MiniMax-Text). */
typedef struct
{
  guint64 hidden_size;
  guint64 num_attention_heads;
  guint64 head_dim;
  guint64 block_size;        /* tokens that are computed together */
} HrLightningAttention;

/* A gated linear recurrent unit behind a convolution (RecurrentGemma). */
typedef struct
{
  guint64 hidden_size;
  guint64 lru_width;
  guint64 num_heads;         /* blocks of the gates' matrices */
  guint64 conv_kernel;
  HrActivation activation;
} HrRgLru;

/* A gated convolution over a few tokens (LFM2). */
typedef struct
{
  guint64 hidden_size;
  guint64 conv_kernel;
  gboolean has_bias;
} HrShortConvolution;

typedef enum
{
  HR_DELTA_PROJECTION_FUSED,     /* queries, keys, values and gate by one matrix, both rates by another (Qwen3-Next) */
  HR_DELTA_PROJECTION_JOINED,    /* queries, keys and values by one matrix, the others by one each (Qwen3.5) */
  HR_DELTA_PROJECTION_SEPARATE,  /* a matrix for each, convolutions for queries, keys and values (OLMo Hybrid) */
} HrDeltaProjection;

/* A linear attention whose state is a matrix for each head, which every token corrects (gated delta rule). */
typedef struct
{
  guint64 hidden_size;
  guint64 num_key_heads;
  guint64 num_value_heads;       /* a multiple of the above */
  guint64 key_head_dim;
  guint64 value_head_dim;
  guint64 conv_kernel;
  HrDeltaProjection projection;
  gboolean negative_eigenvalues; /* the rate is doubled (OLMo Hybrid) */
  gboolean fp32_state;           /* engines keep its state in fp32, as the config says (Qwen3.5) */
} HrGatedDelta;

typedef struct
{
  guint64 hidden_size;
  guint64 vocab_size;
  gboolean has_bias;
  gboolean tied;
  gboolean pooled;           /* of one token of each sequence: a classifier */
  gboolean scaled_input;     /* the hidden state is multiplied by a constant first (T5) */
  gboolean adds_bias;        /* a buffer is added to the logits (BART) */
  gboolean in_fp32;          /* logits cast to fp32 by the model's own function (Mamba) */
  gboolean all_logits;       /* its class computes them for all of a prompt, whatever is asked for (Qwen2-Audio) */
  gboolean softcap;          /* logits through tanh (Gemma 2) */
  gboolean softcap_inline;   /* in one expression, until whose end the logits are held (RecurrentGemma) */
  gboolean scaled;           /* logits multiplied or divided by a constant (Cohere, Granite) */
  gboolean normalized;       /* the first call replaces its matrix by one whose rows have a length of 1 (Baichuan 2) */
  gboolean every_token;      /* whatever is asked for: a classifier's */
  gboolean has_input_dropout; /* of what it reads, in training: a classifier's */
  gboolean is_of_last;       /* the scores of each last token count (LlamaForSequenceClassification) */
  gboolean is_span;          /* its two numbers of a token say whether an answer begins or ends there */
  gboolean shifts_logits;    /* its class casts them to fp32 by itself and shifts a copy in its own loss (Gemma 3) */
  gboolean uncached_loss;    /* its class turns the cache off where it is given labels (BART) */
  gboolean is_inner;         /* of a class inside, whose function has returned when the loss is computed (Llama 4) */
  gboolean holds_embeds;     /* its class embeds and joins what the decoder reads, and holds it until it returns */
  gboolean unshifted_loss;   /* its class compares each token's logits with the token's own label (BartForCausalLM) */
  gboolean plain_loss;       /* its class shifts the logits in its own loss, in their dtype (ModernBERT's decoder) */
  gboolean causal_loss;      /* the loss is that of the next token, though layers see all tokens (BertLMHeadModel) */
  gboolean masked_loss;      /* likewise, and picks those that a mask of the batch lets through (Qwen2-Audio) */
  gboolean fp32_loss;        /* the loss casts the logits to fp32 (ModernBERT), as that of every decoder does */
} HrHead;

/**
 * HrBlockState:
 * @conv: elements of what a convolution still needs of the tokens that have gone
 * @recurrent: elements of the state that stands for all of them
 * @fp32: whether that state is kept in fp32, whatever the model computes in
 * @per_token: elements that are kept of each token beside keys and values, on the average
 *
 * What a block keeps of a sequence, however long it is.
 */
typedef struct
{
  guint64 conv;
  guint64 recurrent;
  gboolean fp32;
  guint64 per_token;
} HrBlockState;

/**
 * HrCompressedAttention:
 * @num_attention_heads: heads of queries
 * @head_dim: the size of each, and of the one head of keys that are values as well
 * @query_latent_size: what queries are expanded from
 * @output_groups: groups of heads whose outputs one matrix each makes smaller
 * @output_latent_size: how small
 * @sliding_window: tokens that are seen as they are
 * @rate: how many tokens become one; 0: the layer sees its window alone
 * @overlaps: whether each of these is made of the tokens of two stretches
 * @index_num_heads: heads of the indexer that chooses among them; 0: there is none
 * @index_head_dim: the size of each
 * @index_topk: how many it chooses
 * @streams: hidden states that go through the layers side by side (hyper-connections)
 *
 * What the attention of a layer is like that sees a window of tokens as they are, and those before it compressed
 * (DeepSeek-V4). Its tensors are listed one by one.
 */
typedef struct
{
  guint64 num_attention_heads;
  guint64 head_dim;
  guint64 query_latent_size;
  guint64 output_groups;
  guint64 output_latent_size;
  guint64 sliding_window;
  guint64 rate;
  gboolean overlaps;
  guint64 index_num_heads;
  guint64 index_head_dim;
  guint64 index_topk;
  guint64 streams;
} HrCompressedAttention;

/**
 * HrBlock:
 * @kind: which of the members of the union holds
 * @path: the module's name, with `{}` where the index of the layer stands
 */
typedef struct
{
  HrBlockKind kind;
  char *path;
  union
  {
    HrTokenEmbedding token_embedding;
    HrPositionEmbedding position_embedding;
    HrTypeEmbedding type_embedding;
    HrParameterTensor parameter;
    HrConvolution convolution;
    HrActivationBlock activation;
    HrRegrouping regrouping;
    HrLinear linear;
    HrNorm norm;
    HrAttention attention;
    HrMlp mlp;
    HrMixture mixture;
    HrMamba mamba;
    HrMamba2 mamba2;
    HrGatedDelta gated_delta;
    HrLightningAttention lightning_attention;
    HrShortConvolution short_convolution;
    HrRgLru rg_lru;
    HrBlockState state;
    HrCompressedAttention compressed;
    HrHead head;
  };
} HrBlock;

typedef struct
{
  HrBlock *blocks;
  guint n_blocks;
} HrChain;

/**
 * HrSublayer:
 * @shared: what is computed once, before the branches: the one norm of parallel attention and MLP (Phi, Cohere)
 * @branches: what is computed from the same input and added up
 * @after: what follows the addition: the norm of BERT and BART
 * @residual: whether the input of the sublayer is added as well
 * @residual_fp32: whether what is added to is fp32, and cast to the model's dtype before the norm (Mamba)
 * @residual_scaled: whether the branch is multiplied by a constant before the addition (Granite)
 * @norms_first: whether the norms of all branches are computed before the branches, and held until the layer ends
 *   (Falcon)
 * @keeps_input: whether a variable of the layer holds the normalised input until the layer ends (StableLM)
 * @keeps_output: whether a variable of the layer holds the branch's output until the layer ends (GPT-2, StableLM)
 * @keeps_norm: whether a variable holds the normalised input until the sum is made (T5)
 * @keeps_sum: whether a variable of the layer holds the sum until the layer ends (T5)
 * @keeps_branch: whether the branch's output, and what its last matrix reads, are held until @after is done (BERT)
 * @joins_embeddings: whether the first of two branches reads the input beside the embeddings, ends with a linear
 *   layer, and is added to what the second one reads (Zamba 2)
 * @routes_input: whether the second of three branches is a norm, a mixture whose router reads the input of the
 *   sublayer, and a norm, and the third one reads the sum of the two before (Gemma 4)
 * @scaled_in_place: whether what comes of it is multiplied by a number, in place (Gemma 4)
 */
typedef struct
{
  HrChain shared;
  HrChain *branches;
  guint n_branches;
  HrChain after;
  gboolean residual;
  gboolean residual_fp32;
  gboolean residual_scaled;
  gboolean norms_first;
  gboolean keeps_input;
  gboolean keeps_output;
  gboolean keeps_norm;
  gboolean keeps_sum;
  gboolean keeps_branch;
  gboolean joins_embeddings;
  gboolean routes_input;
  gboolean scaled_in_place;
} HrSublayer;

/* Layers that are computed alike and hold tensors of the same shapes. */
typedef struct
{
  HrSublayer *sublayers;
  guint n_sublayers;
  HrSublayer *skipped_sublayers; /* they have tensors and are not computed: cross attention without an encoder (BART) */
  guint n_skipped_sublayers;
  guint n_layers;             /* layers of this class */
  gboolean skipped;           /* a prompt of text alone passes them by: cross attention to images (Mllama) */
} HrLayerClass;

/* What a stack is for; the others come before the decoder, which reads what they make. */
typedef enum
{
  HR_STACK_DECODER,           /* causal: it keeps a cache and generates tokens */
  HR_STACK_ENCODER,           /* of text or speech, in both directions */
  HR_STACK_VISION,
  HR_STACK_AUDIO,
  HR_STACK_PROJECTOR,         /* makes of what a tower sees or hears what the decoder reads */
  HR_STACK_SPEECH,            /* comes behind the decoder and speaks */
  HR_N_STACK_ROLES,
} HrStackRole;

/* Which of transformers' code paths runs a tower, and makes of its output what the decoder reads. */
typedef enum
{
  HR_TOWER_UNKNOWN,
  HR_TOWER_QWEN_VL,           /* all patches in a row, of images of any size, merged by a perceptron */
  HR_TOWER_PIXTRAL,           /* likewise, with a mask so that each image attends to itself (Pixtral) */
  HR_TOWER_PADDED,            /* pictures padded to one size, with a mask of what is none of it (Idefics 3) */
  HR_TOWER_VIT,               /* pictures of one size, a batch of them (CLIP, SigLIP) */
  HR_TOWER_WHISPER,           /* sounds of one length, a batch of them (Whisper's encoder) */
  HR_TOWER_CHUNKED,           /* sounds of any length, in chunks that attend to themselves (Qwen2.5-Omni) */
  HR_TOWER_TILES,             /* tiles of a picture in a row, with a mask of those that pad it (Mllama) */
  HR_TOWER_AGAIN,             /* layers that go on with what another tower has made of these (Mllama) */
  HR_TOWER_UNFOLDED,          /* pictures of one size, in the dtype of the model, unfolded into patches (Llama 4) */
  HR_TOWER_CROPS,             /* pictures laid out on crops, padded and put together again (Phi-4-multimodal) */
  HR_TOWER_RESAMPLER,         /* latents that attend to what another tower has seen (Idefics 2) */
  HR_TOWER_SLICES,            /* rows of patches of a picture or a part of one, padded to the longest (MiniCPM-V) */
  HR_TOWER_ROWS,              /* likewise, through the tower of Idefics 2, which sees what pads them (MiniCPM-V 2.5) */
  HR_TOWER_CONFORMER,         /* sounds padded to the longest, with a mask that is trained (Phi-4-multimodal) */
} HrTowerPath;

/* Which of them makes of what a tower has seen or heard what the decoder reads. */
typedef enum
{
  HR_PROJECTOR_UNKNOWN,
  HR_PROJECTOR_LLAVA,         /* a perceptron over an inner layer of the tower, pictures joined afterwards */
  HR_PROJECTOR_LINEAR,        /* a linear layer (PaliGemma) */
  HR_PROJECTOR_POOLING,       /* averages of squares of patches, a norm and a matrix (Gemma 3) */
  HR_PROJECTOR_MERGER,        /* a norm, then a perceptron of one expression (Qwen3-VL) */
  HR_PROJECTOR_PACKED,        /* as LLaVA's, then tiles put together again, with an end for each row (LLaVA-NeXT) */
  HR_PROJECTOR_CHAIN,         /* its blocks, one after the other (InternVL) */
  HR_PROJECTOR_QWEN2_AUDIO,   /* likewise, of sounds with a mask of what pads them, of which the rest is picked then */
  HR_PROJECTOR_VOXTRAL,       /* likewise, of sounds without a mask, all of them (Voxtral) */
  HR_PROJECTOR_QUERIES,       /* queries that attend to each picture once (MiniCPM-V) */
} HrProjectorPath;

/* How what was seen is put among the text. */
typedef enum
{
  HR_JOIN_SCATTER,            /* in the dtype of the text, by masked_scatter */
  HR_JOIN_INSIDE,             /* likewise, where it is cast by the function that does so (Idefics 3) */
  HR_JOIN_CROSS,              /* not at all: layers of the decoder attend to it (Mllama) */
  HR_JOIN_BLOCKS,             /* block by block into zeros, from which those of its tokens are taken (SmolVLM) */
  HR_JOIN_PUT,                /* by index_put, while all that was made for it is held (Phi-4-multimodal) */
  HR_JOIN_IN_PLACE,           /* into the embeddings themselves, sequence by sequence, by scatter_ (MiniCPM-V) */
} HrJoinPath;

/* When a projector of sounds is called, where there is one of its own for sounds beside images (Phi-4-multimodal). */
typedef enum
{
  HR_HEARD_ANYHOW,
  HR_HEARD_ALONE,
  HR_HEARD_BESIDE_IMAGES,
} HrHearing;

/* What a projector that puts tiles of pictures together does with frames of videos. */
typedef enum
{
  HR_FRAMES_UNKNOWN,
  HR_FRAMES_RESIZED,          /* projected, made fewer by interpolation, each video with an end (LLaVA-OneVision) */
  HR_FRAMES_AVERAGED,         /* averages of squares of patches, then projected (LLaVA-NeXT-Video) */
} HrFramesPath;

/* Which of the variables of a stack's embeddings stay while the layers run. */
typedef enum
{
  HR_EMBEDS_INSIDE,           /* those of the function that runs the layers (T5, BART) */
  HR_EMBEDS_APART,            /* the result of a module of their own (BERT) */
  HR_EMBEDS_NARROW,           /* likewise, before it is projected to the width of the layers (ALBERT) */
} HrEmbeds;

typedef struct
{
  char *id;                   /* "decoder" */
  HrStackRole role;
  HrChain embeddings;
  HrEmbeds embeds;
  gboolean is_included;       /* another model's function embeds the tokens and calls this one's */
  HrTowerPath tower;          /* of a vision or audio tower how it runs */
  gboolean *hands_on;         /* (nullable) of a tower for each layer whether what it makes goes to the decoder too */
  gboolean keeps_outputs;     /* of a tower whether the model holds all that it returns while the decoder runs */
  gboolean is_never_recomputed; /* of a tower whether checkpointing passes its layers by, which are plain modules */
  gboolean hooks_embeddings;  /* of a tower whether transformers knows its input embeddings (_input_embed_layer) */
  HrProjectorPath projector;  /* of a projector how it runs */
  guint64 feature_layer;      /* of both after how many layers what is read is made; 0: after the tower's last norm */
  gboolean drops_class;       /* of a projector whether it leaves the class token away */
  gboolean keeps_pixels;      /* of a projector whether pixels in the dtype of the model stay until it has run */
  HrHearing heard;            /* of a projector of sounds when it is called */
  HrFramesPath frames;        /* of a projector how it makes fewer vectors of frames of videos */
  HrJoinPath joins;           /* of a projector how what it makes is put among the text */
  gboolean masks_both;        /* of a projector whether a mask of videos is made beside that of images, and kept */
  gboolean has_block_mask;    /* of a projector whether tokens of a picture see each other, in the decoder (Gemma 3) */
  HrLayerClass *layer_classes;
  guint n_layer_classes;
  guint *layer_class_of;      /* for each layer the index of its class */
  guint n_layers;
  guint n_repeats;            /* how many layers in a row have the same tensors (ALBERT), or 1 */
  gboolean keeps_layers;      /* the inputs of all layers are returned, and held until then (RecurrentGemma) */
  gboolean keeps_past;        /* the cache is a tuple of tensors that stay until the step ends (Baichuan 13B) */
  guint64 mask_window;        /* of a mask that is made whether or not a layer has a window (Qwen2-MoE); 0: none is */
  HrChain final;              /* what follows the last layer: the final norm */
} HrStack;

gboolean hr_block_get_state           (const HrBlock     *self,
                                       HrBlockState      *state);
gboolean hr_attention_is_always_eager (const HrAttention *self);
gboolean hr_attention_is_relative     (const HrAttention *self);
void     hr_chain_clear               (HrChain           *self);
gboolean hr_stack_role_from_name      (const char        *name,
                                       HrStackRole       *role);
void     hr_stack_free                (HrStack           *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrStack, hr_stack_free)

G_END_DECLS
