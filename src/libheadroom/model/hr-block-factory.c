/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static const HrChoice norm_kinds[] = {
  { "rms", HR_NORM_RMS },
  { "rms-fp32-scale", HR_NORM_RMS_FP32_SCALE },
  { "rms-fp32-weight", HR_NORM_RMS_FP32_WEIGHT },
  { "rms-late-cast", HR_NORM_RMS_LATE_CAST },
  { "rms-unweighted", HR_NORM_RMS_UNWEIGHTED },
  { "rms-fp32-cast", HR_NORM_RMS_FP32_CAST },
  { "rms-fp32-power", HR_NORM_RMS_FP32_POWER },
  { "layer", HR_NORM_LAYER },
  { "layer-1p", HR_NORM_LAYER_1P },
  { "layer-fp32", HR_NORM_LAYER_FP32 },
  { "layer-composite", HR_NORM_LAYER_COMPOSITE },
  { NULL }
};

/* The names of transformers' ACT2FN. Those that torch computes in one operation take the same memory as silu. */
const HrChoice hr_block_activations[] = {
  { "silu", HR_ACTIVATION_SILU },
  { "swish", HR_ACTIVATION_SILU },
  { "mish", HR_ACTIVATION_SILU },
  { "tanh", HR_ACTIVATION_TANH },
  { "sigmoid", HR_ACTIVATION_SILU },
  { "leaky_relu", HR_ACTIVATION_SILU },
  { "relu6", HR_ACTIVATION_SILU },
  { "gelu", HR_ACTIVATION_GELU },
  { "gelu_pytorch_tanh", HR_ACTIVATION_GELU },
  { "gelu_new", HR_ACTIVATION_GELU_NEW },
  { "gelu_bloom", HR_ACTIVATION_GELU_BLOOM },
  { "gelu_fast", HR_ACTIVATION_GELU_FAST },
  { "quick_gelu", HR_ACTIVATION_QUICK_GELU },
  { "relu", HR_ACTIVATION_RELU },
  { "relu2", HR_ACTIVATION_RELU2 },
  { "xielu", HR_ACTIVATION_XIELU },
  { NULL }
};

/* What a tensor counts as, where its place does not tell. */
const HrChoice hr_block_parts[] = {
  { "embedding", HR_PART_EMBEDDING },
  { "attention", HR_PART_ATTENTION },
  { "mlp", HR_PART_MLP },
  { "state-space", HR_PART_STATE_SPACE },
  { "norm", HR_PART_NORM },
  { "other", HR_PART_OTHER },
  { NULL }
};

const HrChoice hr_block_positions[] = {
  { "none", HR_POSITION_NONE },
  { "rotary", HR_POSITION_ROTARY },
  { "rotary-interleaved", HR_POSITION_ROTARY_INTERLEAVED },
  { "rotary-fp32", HR_POSITION_ROTARY_FP32 },
  { "rotary-cast", HR_POSITION_ROTARY_CAST },
  { "rotary-sections", HR_POSITION_ROTARY_SECTIONS },
  { "rotary-pairs", HR_POSITION_ROTARY_PAIRS },
  { "rotary-fp32-pairs", HR_POSITION_ROTARY_FP32_PAIRS },
  { "rotary-complex", HR_POSITION_ROTARY_COMPLEX },
  { "rotary-halves", HR_POSITION_ROTARY_HALVES },
  { "rotary-table", HR_POSITION_ROTARY_TABLE },
  { "alibi", HR_POSITION_ALIBI },
  { "learned", HR_POSITION_LEARNED },
  { NULL }
};

static const HrChoice rotary_joins[] = {
  { "whole", HR_ROTARY_WHOLE },
  { "each", HR_ROTARY_JOINED_EACH },
  { "after", HR_ROTARY_JOINED_AFTER },
  { "outside", HR_ROTARY_JOINED_OUTSIDE },
  { NULL }
};

static const HrChoice projections[] = {
  { "separate", HR_PROJECTION_SEPARATE },
  { "fused", HR_PROJECTION_FUSED },
  { "fused-heads", HR_PROJECTION_FUSED_HEADS },
  { "fused-groups", HR_PROJECTION_FUSED_GROUPS },
  { "query-key-value", HR_PROJECTION_KEY_VALUE },
  { "conv1d", HR_PROJECTION_CONV1D },
  { NULL }
};

static const HrChoice qk_norms[] = {
  { "none", HR_QK_NORM_NONE },
  { "head", HR_QK_NORM_HEAD },
  { "full", HR_QK_NORM_FULL },
  { "per-head", HR_QK_NORM_PER_HEAD },
  { "list", HR_QK_NORM_LIST },
  { NULL }
};

static const HrChoice qk_norm_places[] = {
  { "at-projection", HR_QK_NORM_AT_PROJECTION },
  { "after-projections", HR_QK_NORM_AFTER_PROJECTIONS },
  { "after-rotation", HR_QK_NORM_AFTER_ROTATION },
  { "each-in-turn", HR_QK_NORM_EACH_IN_TURN },
  { "before-rotation", HR_QK_NORM_BEFORE_ROTATION },
  { NULL }
};

const HrChoice hr_block_position_scales[] = {
  { "none", HR_POSITION_SCALE_NONE },
  { "dtype", HR_POSITION_SCALE_DTYPE },
  { "fp32", HR_POSITION_SCALE_FP32 },
  { NULL }
};

static const HrChoice output_gates[] = {
  { "none", HR_OUTPUT_GATE_NONE },
  { "query", HR_OUTPUT_GATE_QUERY },
  { "full", HR_OUTPUT_GATE_FULL },
  { "heads", HR_OUTPUT_GATE_HEADS },
  { NULL }
};

static const HrChoice attention_paths[] = {
  { "interface", HR_ATTENTION_INTERFACE },
  { "bloom", HR_ATTENTION_BLOOM },
  { "falcon", HR_ATTENTION_FALCON },
  { "repeating", HR_ATTENTION_REPEATING },
  { "mpt", HR_ATTENTION_MPT },
  { "gpt-j", HR_ATTENTION_GPT_J },
  { "codegen", HR_ATTENTION_CODEGEN },
  { "gpt-neo", HR_ATTENTION_GPT_NEO },
  { "xglm", HR_ATTENTION_XGLM },
  { "mvp", HR_ATTENTION_MVP },
  { "ctrl", HR_ATTENTION_CTRL },
  { "baichuan", HR_ATTENTION_BAICHUAN },
  { "t5", HR_ATTENTION_T5 },
  { "umt5", HR_ATTENTION_UMT5 },
  { "disentangled", HR_ATTENTION_DISENTANGLED },
  { "vision", HR_ATTENTION_VISION },
  { "unknown", HR_ATTENTION_UNKNOWN },
  { NULL }
};

static const HrChoice ones[] = {
  { "none", HR_ONES_NONE },
  { "passing", HR_ONES_PASSING },
  { "held", HR_ONES_HELD },
  { NULL }
};

static const HrParameter token_embedding_parameters[] = {
  COUNT ("vocab-size", token_embedding.vocab_size),
  COUNT ("hidden-size", token_embedding.hidden_size),
  BOOLEAN ("scaled", token_embedding.scaled),
  BOOLEAN ("scaled-outside", token_embedding.scaled_outside),
  BOOLEAN ("dropout", token_embedding.has_dropout),
  BOOLEAN ("tied", token_embedding.tied),
  { NULL }
};

static const HrParameter position_embedding_parameters[] = {
  COUNT ("positions", position_embedding.n_positions),
  COUNT ("hidden-size", position_embedding.hidden_size),
  BOOLEAN ("per-sequence", position_embedding.per_sequence),
  BOOLEAN ("fixed", position_embedding.is_fixed),
  BOOLEAN ("frozen", position_embedding.is_frozen),
  BOOLEAN ("temporary", position_embedding.is_temporary),
  BOOLEAN ("offset", position_embedding.has_offset),
  BOOLEAN ("replaces-ids", position_embedding.replaces_ids),
  CHOICE ("ones", position_embedding.ones, ones),
  { NULL }
};

static const HrChoice linear_divisions[] = {
  { "none", HR_LINEAR_WHOLE },
  { "outputs", HR_LINEAR_OUTPUTS },
  { "inputs", HR_LINEAR_INPUTS },
  { NULL },
};

static const HrParameter linear_parameters[] = {
  COUNT ("in-features", linear.in_features),
  COUNT ("out-features", linear.out_features),
  BOOLEAN ("bias", linear.has_bias),
  BOOLEAN ("pooled", linear.pooled),
  CHOICE ("part", linear.part, hr_block_parts),
  BOOLEAN ("input-dropout", linear.has_input_dropout),
  CHOICE ("divided", linear.divided, linear_divisions),
  { NULL }
};

static const HrParameter norm_parameters[] = {
  CHOICE ("kind", norm.kind, norm_kinds),
  COUNT ("size", norm.size),
  BOOLEAN ("weight", norm.has_weight),
  BOOLEAN ("bias", norm.has_bias),
  BOOLEAN ("dropout", norm.has_dropout),
  BOOLEAN ("of-source", norm.is_of_source),
  { NULL }
};

static const HrParameter attention_parameters[] = {
  COUNT ("hidden-size", attention.hidden_size),
  COUNT ("num-attention-heads", attention.num_attention_heads),
  COUNT ("num-key-value-heads", attention.num_key_value_heads),
  COUNT ("head-dim", attention.head_dim),
  CHOICE ("projection", attention.projection, projections),
  CHOICE ("position", attention.position, hr_block_positions),
  SIZE ("rotary-dim", attention.rotary_dim),
  CHOICE ("rotary-join", attention.rotary_join, rotary_joins),
  BOOLEAN ("rotary-axes", attention.rotary_axes),
  BOOLEAN ("rotary-apart", attention.rotary_apart),
  BOOLEAN ("rotary-each", attention.rotary_each),
  BOOLEAN ("own-rotary", attention.own_rotary),
  CHOICE ("qk-norm", attention.qk_norm, qk_norms),
  CHOICE ("qk-norm-kind", attention.qk_norm_kind, norm_kinds),
  CHOICE ("qk-norm-place", attention.qk_norm_place, qk_norm_places),
  BOOLEAN ("qk-norm-bias", attention.qk_norm_has_bias),
  BOOLEAN ("query-bias", attention.has_query_bias),
  BOOLEAN ("key-bias", attention.has_key_bias),
  BOOLEAN ("value-bias", attention.has_value_bias),
  BOOLEAN ("output-bias", attention.has_output_bias),
  SIZE ("sliding-window", attention.sliding_window),
  SIZE ("cached-heads", attention.cached_heads),
  SIZE ("table-positions", attention.table_positions),
  BOOLEAN ("plain-softmax", attention.plain_softmax),
  BOOLEAN ("casts-weights", attention.casts_weights),
  BOOLEAN ("output-norm", attention.has_output_norm),
  CHOICE ("output-norm-kind", attention.output_norm_kind, norm_kinds),
  BOOLEAN ("chunked", attention.chunked),
  BOOLEAN ("softcap", attention.softcap),
  BOOLEAN ("clip-qkv", attention.clip_qkv),
  BOOLEAN ("output-apart", attention.output_apart),
  BOOLEAN ("contiguous-heads", attention.contiguous_heads),
  BOOLEAN ("cross", attention.is_cross),
  BOOLEAN ("joins-source", attention.joins_source),
  SIZE ("source-size", attention.source_size),
  SIZE ("output-size", attention.output_size),
  SIZE ("value-head-dim", attention.value_head_dim),
  SIZE ("source-positions", attention.source_positions),
  SIZE ("relative-buckets", attention.relative_buckets),
  SIZE ("relative-span", attention.relative_span),
  BOOLEAN ("relative-logarithm", attention.relative_logarithm),
  BOOLEAN ("content-to-position", attention.content_to_position),
  BOOLEAN ("position-to-content", attention.position_to_content),
  BOOLEAN ("own-position-projections", attention.own_position_projections),
  BOOLEAN ("scaled-query", attention.scaled_query),
  BOOLEAN ("scaled-value", attention.scaled_value),
  BOOLEAN ("stable-softmax", attention.stable_softmax),
  CHOICE ("position-scale", attention.position_scale, hr_block_position_scales),
  CHOICE ("output-gate", attention.output_gate, output_gates),
  BOOLEAN ("reuses-cache", attention.reuses_cache),
  BOOLEAN ("unused-key-value", attention.unused_key_value),
  BOOLEAN ("shared-key-value", attention.has_shared_key_value),
  BOOLEAN ("value-from-key", attention.value_is_key),
  BOOLEAN ("value-norm", attention.value_norm),
  BOOLEAN ("stores-key-value", attention.stores_key_value),
  BOOLEAN ("cached-whole", attention.cached_whole),
  BOOLEAN ("dropout", attention.has_dropout),
  BOOLEAN ("output-dropout", attention.has_output_dropout),
  BOOLEAN ("sinks", attention.has_sinks),
  SIZE ("adapter-rank", attention.adapter_rank),
  CHOICE ("code-path", attention.path, attention_paths),
  { NULL }
};

static const HrParameter mlp_parameters[] = {
  COUNT ("hidden-size", mlp.hidden_size),
  COUNT ("intermediate-size", mlp.intermediate_size),
  BOOLEAN ("gated", mlp.gated),
  BOOLEAN ("fused-gate-up", mlp.fused_gate_up),
  BOOLEAN ("conv1d", mlp.conv1d),
  BOOLEAN ("bias", mlp.has_bias),
  BOOLEAN ("down-bias", mlp.has_down_bias),
  BOOLEAN ("inner-norm", mlp.has_inner_norm),
  CHOICE ("inner-norm-kind", mlp.inner_norm_kind, norm_kinds),
  BOOLEAN ("inner-dropout", mlp.has_inner_dropout),
  BOOLEAN ("output-dropout", mlp.has_output_dropout),
  BOOLEAN ("keeps-inner", mlp.keeps_inner),
  BOOLEAN ("inlined", mlp.inlined),
  BOOLEAN ("activated-inline", mlp.activated_inline),
  BOOLEAN ("bias-apart", mlp.bias_apart),
  BOOLEAN ("fp32-down", mlp.fp32_down),
  SIZE ("adapter-rank", mlp.adapter_rank),
  CHOICE ("activation", mlp.activation, hr_block_activations),
  { NULL }
};

static const HrParameter head_parameters[] = {
  COUNT ("hidden-size", head.hidden_size),
  COUNT ("vocab-size", head.vocab_size),
  BOOLEAN ("bias", head.has_bias),
  BOOLEAN ("tied", head.tied),
  BOOLEAN ("pooled", head.pooled),
  BOOLEAN ("scaled-input", head.scaled_input),
  BOOLEAN ("adds-bias", head.adds_bias),
  BOOLEAN ("in-fp32", head.in_fp32),
  BOOLEAN ("softcap", head.softcap),
  BOOLEAN ("softcap-inline", head.softcap_inline),
  BOOLEAN ("scaled", head.scaled),
  BOOLEAN ("normalized", head.normalized),
  BOOLEAN ("every-token", head.every_token),
  BOOLEAN ("all-logits", head.all_logits),
  BOOLEAN ("input-dropout", head.has_input_dropout),
  BOOLEAN ("span", head.is_span),
  BOOLEAN ("fp32-loss", head.fp32_loss),
  BOOLEAN ("last-token", head.is_of_last),
  BOOLEAN ("shifts-logits", head.shifts_logits),
  BOOLEAN ("uncached-loss", head.uncached_loss),
  BOOLEAN ("plain-loss", head.plain_loss),
  BOOLEAN ("masked-loss", head.masked_loss),
  BOOLEAN ("causal-loss", head.causal_loss),
  BOOLEAN ("unshifted-loss", head.unshifted_loss),
  BOOLEAN ("holds-embeds", head.holds_embeds),
  BOOLEAN ("inner", head.is_inner),
  { NULL }
};

static const char * const no_names[] = { NULL };

static const char * const attention_names[] = {
  "query", "q_proj", "key", "k_proj", "value", "v_proj", "fused", "qkv_proj", "key-value", "key_value",
  "output", "o_proj",
  "query-norm", "q_norm", "key-norm", "k_norm", "output-norm", "attn_sub_norm",
  "relative-bias", "relative_attention_bias",
  "position-key", "pos_key_proj", "position-query", "pos_query_proj",
  "gate", "gate_proj", "sinks", "sinks", NULL,
};

static const char * const mlp_names[] = {
  "gate", "gate_proj", "up", "up_proj", "fused", "gate_up_proj", "down", "down_proj",
  "inner-norm", "ffn_sub_norm", "activation", "act_fn", NULL,
};

static const char * const head_names[] = { "tied-to", "model.embed_tokens.weight", "bias-tied-to", "", NULL };

static const char * const token_embedding_names[] = {
  "tied-to", "shared.weight", "table", "weight", NULL,
};

const char *
hr_block_get_module_name (HrJson             *description,
                          const char * const *names,
                          const char         *key)
{
  HrJson *given = hr_json_get_member (description, "names");
  const char *name = NULL;

  if (given != NULL && hr_json_get_string (given, key, &name, NULL) && name != NULL)
    return name;

  for (guint i = 0; names[i] != NULL; i += 2)
    {
      if (g_str_equal (names[i], key))
        return names[i + 1];
    }

  g_assert_not_reached ();
}

gboolean
hr_block_set_too_large_error (const HrBlockContext  *context,
                              const char            *path,
                              GError               **error)
{
  /* Translators: the name of a part of a model, such as "model.layers.{}.mlp". */
  hr_scope_set_error (context->scope, error, HR_ERROR_TOO_LARGE, _("%s: expected sizes whose product can be counted"),
                      path);

  return FALSE;
}

/*
 * hr_block_dup_place:
 * @context: where a block is
 * @path: a module's name in the architecture's own class
 *
 * Makes the name that a module has in the whole model.
 *
 * Returns: (transfer full): the name
 */
char *
hr_block_dup_place (const HrBlockContext *context,
                    const char           *path)
{
  if (context->outer_path == NULL)
    return g_strdup (path);

  if (context->drops_base)
    {
      path += strcspn (path, ".");
      path += path[0] != '\0' ? 1 : 0;
    }

  return g_strconcat (context->outer_path, context->outer_path[0] != '\0' && path[0] != '\0' ? "." : "", path, NULL);
}

/* Adds a row. */
static gboolean
add_row (const HrBlockContext *context,
         const char           *module,
         char                 *pattern,
         HrPart                part,
         HrTensorRole          role,
         const guint64        *shape,
         guint                 n_dimensions,
         GError              **error)
{
  g_autoptr (HrTensor) tensor = g_new0 (HrTensor, 1);

  tensor->pattern = pattern;
  tensor->n_dimensions = n_dimensions;
  tensor->n_elements = 1;
  tensor->part = context->role_part < HR_N_PARTS ? context->role_part : part;
  tensor->role = role;
  tensor->stack = context->stack;
  for (guint i = 0; i < n_dimensions; i++)
    {
      tensor->shape[i] = shape[i];
      if (!g_uint64_checked_mul (&tensor->n_elements, tensor->n_elements, shape[i]))
        return hr_block_set_too_large_error (context, module, error);
    }

  if (context->n_layers > 0)
    {
      tensor->layers = g_memdup2 (context->layers, context->n_layers * sizeof (guint));
      tensor->n_layers = context->n_layers;
    }

  g_ptr_array_add (context->tensors, g_steal_pointer (&tensor));

  return TRUE;
}

/* Adds a row; a dimension of 0 ends the shape. */
gboolean
hr_block_add_tensor (const HrBlockContext *context,
                     const char           *module,
                     const char           *submodule,
                     const char           *parameter,
                     HrPart                part,
                     HrTensorRole          role,
                     guint64               first_size,
                     guint64               second_size,
                     GError              **error)
{
  const guint64 shape[] = { first_size, second_size };
  char *pattern = submodule != NULL ? g_strjoin (".", module, submodule, parameter, NULL)
                                    : g_strjoin (".", module, parameter, NULL);

  return add_row (context, module, pattern, part, role, shape, second_size > 0 ? 2 : 1, error);
}

/* Adds a row of any number of dimensions; without @parameter, @module is the whole name. */
gboolean
hr_block_add_shape (const HrBlockContext *context,
                    const char           *module,
                    const char           *parameter,
                    HrPart                part,
                    HrTensorRole          role,
                    const guint64        *shape,
                    guint                 n_dimensions,
                    GError              **error)
{
  char *pattern = parameter != NULL ? g_strjoin (".", module, parameter, NULL) : g_strdup (module);

  return add_row (context, module, pattern, part, role, shape, n_dimensions, error);
}

/* Says which of the block's modules the row belongs to that was added last. */
void
hr_block_set_module (const HrBlockContext *context,
                     HrModule              kind)
{
  HrTensor *tensor = g_ptr_array_index (context->tensors, context->tensors->len - 1);

  tensor->module = kind;
}

/* The matrix of a linear layer and its bias. */
gboolean
hr_block_add_linear (const HrBlockContext *context,
                     const char           *module,
                     const char           *submodule,
                     HrModule              kind,
                     HrPart                part,
                     guint64               out_features,
                     guint64               in_features,
                     gboolean              has_bias,
                     gboolean              is_conv1d,
                     GError              **error)
{
  HrTensor *tensor;

  if (!hr_block_add_tensor (context, module, submodule, "weight", part, HR_TENSOR_ROLE_LINEAR,
                            is_conv1d ? in_features : out_features, is_conv1d ? out_features : in_features, error))
    return FALSE;

  tensor = g_ptr_array_index (context->tensors, context->tensors->len - 1);
  tensor->is_transposed = is_conv1d;
  hr_block_set_module (context, kind);
  if (!has_bias)
    return TRUE;
  if (!hr_block_add_tensor (context, module, submodule, "bias", part, HR_TENSOR_ROLE_BIAS, out_features, 0, error))
    return FALSE;

  hr_block_set_module (context, kind);

  return TRUE;
}

/* The kernel of a depthwise convolution over the tokens, and its bias. */
gboolean
hr_block_add_convolution (const HrBlockContext *context,
                          const HrBlock        *block,
                          const char           *module,
                          guint64               channels,
                          guint64               kernel_size,
                          gboolean              has_bias,
                          GError              **error)
{
  HrTensor *kernel;

  if (!hr_block_add_tensor (context, block->path, module, "weight", HR_PART_STATE_SPACE, HR_TENSOR_ROLE_CONVOLUTION,
                            channels, kernel_size, error))
    return FALSE;

  kernel = g_ptr_array_index (context->tensors, context->tensors->len - 1);
  kernel->n_dimensions = 3;
  kernel->shape[1] = 1;
  kernel->shape[2] = kernel_size;

  return !has_bias || hr_block_add_tensor (context, block->path, module, "bias", HR_PART_STATE_SPACE,
                                           HR_TENSOR_ROLE_BIAS, channels, 0, error);
}

static gboolean
build_token_embedding (const HrBlockContext *context,
                       HrJson               *description,
                       HrBlock              *block,
                       GError              **error)
{
  const HrTokenEmbedding *embedding = &block->token_embedding;
  const char *table = hr_block_get_module_name (description, token_embedding_names, "table");
  HrTensor *weight;

  if (!hr_block_add_tensor (context, block->path, NULL, table, HR_PART_EMBEDDING, HR_TENSOR_ROLE_EMBEDDING,
                            embedding->vocab_size, embedding->hidden_size, error))
    return FALSE;

  weight = g_ptr_array_index (context->tensors, context->tensors->len - 1);
  if (embedding->tied)
    weight->tied_to = g_strconcat (context->prefix, context->prefix[0] != '\0' ? "." : "",
                                   hr_block_get_module_name (description, token_embedding_names, "tied-to"), NULL);

  return TRUE;
}

static gboolean
build_position_embedding (const HrBlockContext *context,
                          HrJson               *description,
                          HrBlock              *block,
                          GError              **error)
{
  const HrPositionEmbedding *embedding = &block->position_embedding;
  HrTensor *weight;

  if (embedding->is_fixed)
    return TRUE;
  if (!hr_block_add_tensor (context, block->path, NULL, "weight", HR_PART_EMBEDDING, HR_TENSOR_ROLE_EMBEDDING,
                            embedding->n_positions, embedding->hidden_size, error))
    return FALSE;

  weight = g_ptr_array_index (context->tensors, context->tensors->len - 1);
  weight->is_of_positions = TRUE;
  weight->is_frozen = embedding->is_frozen;

  return TRUE;
}

static gboolean
build_linear (const HrBlockContext *context,
              HrJson               *description,
              HrBlock              *block,
              GError              **error)
{
  const HrLinear *linear = &block->linear;
  HrPart part = context->part == HR_PART_NORM ? HR_PART_OTHER : context->part;

  if (hr_json_get_member (description, "part") != NULL)
    part = linear->part;

  return hr_block_add_linear (context, block->path, NULL, HR_MODULE_SELF, part, linear->out_features,
                              linear->in_features, linear->has_bias, FALSE, error);
}

static gboolean
build_norm (const HrBlockContext *context,
            HrJson               *description,
            HrBlock              *block,
            GError              **error)
{
  const HrNorm *norm = &block->norm;

  return (!norm->has_weight || hr_block_add_tensor (context, block->path, NULL, "weight", context->part,
                                                    HR_TENSOR_ROLE_NORM, norm->size, 0, error)) &&
         (!norm->has_bias || hr_block_add_tensor (context, block->path, NULL, "bias", context->part,
                                                  HR_TENSOR_ROLE_NORM, norm->size, 0, error));
}

/* The norm of the queries or of the keys, over @n_heads heads. */
static gboolean
add_head_norm (const HrBlockContext *context,
               HrJson               *description,
               HrBlock              *block,
               const char           *key,
               guint64               n_heads,
               GError              **error)
{
  const HrAttention *attention = &block->attention;
  const char *name = hr_block_get_module_name (description, attention_names, key);
  gboolean is_row = attention->qk_norm == HR_QK_NORM_PER_HEAD;
  guint n_modules = attention->qk_norm == HR_QK_NORM_LIST ? n_heads : 1;
  guint64 first_size;

  if (attention->qk_norm == HR_QK_NORM_FULL)
    first_size = n_heads * attention->head_dim;
  else
    first_size = is_row ? n_heads : attention->head_dim;

  for (guint i = 0; i < n_modules; i++)
    {
      g_autofree char *module = attention->qk_norm == HR_QK_NORM_LIST ? g_strdup_printf ("%s.norms.%u", name, i)
                                                                      : g_strdup (name);

      if (!hr_block_add_tensor (context, block->path, module, "weight", HR_PART_NORM, HR_TENSOR_ROLE_NORM,
                                first_size, is_row ? attention->head_dim : 0, error))
        return FALSE;
      if (attention->qk_norm_has_bias &&
          !hr_block_add_tensor (context, block->path, module, "bias", HR_PART_NORM, HR_TENSOR_ROLE_NORM,
                                first_size, is_row ? attention->head_dim : 0, error))
        return FALSE;
    }

  return TRUE;
}

/* Whether there are tensors for the keys, if perhaps for nothing. */
static gboolean
has_keys (const HrAttention *attention)
{
  return !attention->reuses_cache || attention->unused_key_value;
}

static gboolean
add_projections (const HrBlockContext *context,
                 HrJson               *description,
                 HrBlock              *block,
                 guint64               query_size,
                 guint64               key_size,
                 guint64               value_size,
                 GError              **error)
{
  const HrAttention *attention = &block->attention;
  gboolean is_conv1d = attention->projection == HR_PROJECTION_CONV1D;
  guint64 source_size = attention->source_size > 0 ? attention->source_size : attention->hidden_size;

  if (attention->projection == HR_PROJECTION_KEY_VALUE)
    return hr_block_add_linear (context, block->path,
                                hr_block_get_module_name (description, attention_names, "query"), HR_MODULE_QUERY,
                                HR_PART_ATTENTION, query_size, attention->hidden_size, attention->has_query_bias,
                                FALSE, error) &&
           hr_block_add_linear (context, block->path,
                                hr_block_get_module_name (description, attention_names, "key-value"),
                                HR_MODULE_KEY_VALUE, HR_PART_ATTENTION, key_size + value_size, attention->hidden_size,
                                attention->has_key_bias, FALSE, error);

  if (attention->projection != HR_PROJECTION_SEPARATE)
    return hr_block_add_linear (context, block->path,
                                hr_block_get_module_name (description, attention_names, "fused"),
                                HR_MODULE_QUERY_KEY_VALUE, HR_PART_ATTENTION, query_size + key_size + value_size,
                                attention->hidden_size, attention->has_query_bias, is_conv1d, error);

  if (!hr_block_add_linear (context, block->path, hr_block_get_module_name (description, attention_names, "query"),
                            HR_MODULE_QUERY, HR_PART_ATTENTION,
                            attention->output_gate == HR_OUTPUT_GATE_QUERY ? 2 * query_size : query_size,
                            attention->hidden_size, attention->has_query_bias, FALSE, error))
    return FALSE;
  if (!has_keys (attention) || attention->has_shared_key_value)
    return TRUE;

  return hr_block_add_linear (context, block->path, hr_block_get_module_name (description, attention_names, "key"),
                              HR_MODULE_KEY, HR_PART_ATTENTION, key_size, source_size, attention->has_key_bias,
                              FALSE, error) &&
         (attention->value_is_key ||
          hr_block_add_linear (context, block->path, hr_block_get_module_name (description, attention_names, "value"),
                               HR_MODULE_VALUE, HR_PART_ATTENTION, value_size, source_size, attention->has_value_bias,
                               FALSE, error));
}

static gboolean
check_heads (HrScope           *scope,
             const HrAttention *attention,
             GError           **error)
{
  if (attention->num_attention_heads % attention->num_key_value_heads != 0)
    {
      g_autofree char *heads = g_strdup_printf ("%" G_GUINT64_FORMAT, attention->num_attention_heads);
      g_autofree char *key_value_heads = g_strdup_printf ("%" G_GUINT64_FORMAT, attention->num_key_value_heads);

      hr_scope_set_error (scope, error, HR_ERROR_VALUE,
                          _("num_key_value_heads: expected a divisor of num_attention_heads, which is %s, found %s"),
                          heads, key_value_heads);
      return FALSE;
    }
  if (attention->rotary_dim > attention->head_dim || attention->rotary_dim % 2 != 0)
    {
      g_autofree char *rotary_dim = g_strdup_printf ("%" G_GUINT64_FORMAT, attention->rotary_dim);
      g_autofree char *head_dim = g_strdup_printf ("%" G_GUINT64_FORMAT, attention->head_dim);

      hr_scope_set_error (scope, error, HR_ERROR_VALUE,
                          _("the rotary dimension: expected an even number up to head_dim, which is %s, found %s"),
                          head_dim, rotary_dim);
      return FALSE;
    }

  return TRUE;
}

/* DeBERTa: the keys and queries of distances, where they are not made by the matrices of contents. */
static gboolean
add_position_projections (const HrBlockContext *context,
                          HrJson               *description,
                          HrBlock              *block,
                          guint64               size,
                          GError              **error)
{
  const HrAttention *attention = &block->attention;

  if (!attention->own_position_projections)
    return TRUE;

  return (!attention->content_to_position ||
          hr_block_add_linear (context, block->path,
                               hr_block_get_module_name (description, attention_names, "position-key"),
                               HR_MODULE_POSITION_KEY, HR_PART_ATTENTION, size, attention->hidden_size, TRUE, FALSE,
                               error)) &&
         (!attention->position_to_content ||
          hr_block_add_linear (context, block->path,
                               hr_block_get_module_name (description, attention_names, "position-query"),
                               HR_MODULE_POSITION_QUERY, HR_PART_ATTENTION, size, attention->hidden_size, TRUE, FALSE,
                               error));
}

static gboolean
build_attention (const HrBlockContext *context,
                 HrJson               *description,
                 HrBlock              *block,
                 GError              **error)
{
  HrAttention *attention = &block->attention;
  guint64 value_head_dim = attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;
  guint64 output_size = attention->output_size > 0 ? attention->output_size : attention->hidden_size;
  guint64 query_size, key_size, value_size, mixed_size, fused_size;

  if (!check_heads (context->scope, attention, error))
    return FALSE;
  if (!g_uint64_checked_mul (&query_size, attention->num_attention_heads, attention->head_dim) ||
      !g_uint64_checked_mul (&key_size, attention->num_key_value_heads, attention->head_dim) ||
      !g_uint64_checked_mul (&value_size, attention->num_key_value_heads, value_head_dim) ||
      !g_uint64_checked_mul (&mixed_size, attention->num_attention_heads, value_head_dim) ||
      !g_uint64_checked_mul (&fused_size, MAX (query_size, mixed_size), 3))
    return hr_block_set_too_large_error (context, block->path, error);

  if (attention->cached_heads == 0)
    attention->cached_heads = attention->num_key_value_heads;
  if (attention->has_sinks &&
      !hr_block_add_tensor (context, block->path, NULL,
                            hr_block_get_module_name (description, attention_names, "sinks"), HR_PART_ATTENTION,
                            HR_TENSOR_ROLE_PARAMETER, attention->num_attention_heads, 0, error))
    return FALSE;

  if (attention->relative_buckets > 0 &&
      !hr_block_add_tensor (context, block->path,
                            hr_block_get_module_name (description, attention_names, "relative-bias"), "weight",
                            HR_PART_ATTENTION, HR_TENSOR_ROLE_EMBEDDING, attention->relative_buckets,
                            attention->num_attention_heads, error))
    return FALSE;

  if (!add_projections (context, description, block, query_size, key_size, value_size, error) ||
      !add_position_projections (context, description, block, query_size, error) ||
      !hr_block_add_linear (context, block->path, hr_block_get_module_name (description, attention_names, "output"),
                            HR_MODULE_OUTPUT, HR_PART_ATTENTION, output_size, mixed_size,
                            attention->has_output_bias, attention->projection == HR_PROJECTION_CONV1D, error))
    return FALSE;

  if (attention->output_gate != HR_OUTPUT_GATE_NONE && attention->output_gate != HR_OUTPUT_GATE_QUERY &&
      !hr_block_add_linear (context, block->path, hr_block_get_module_name (description, attention_names, "gate"),
                            HR_MODULE_OUTPUT_GATE, HR_PART_ATTENTION,
                            attention->output_gate == HR_OUTPUT_GATE_FULL ? mixed_size : attention->num_attention_heads,
                            attention->hidden_size, FALSE, FALSE, error))
    return FALSE;

  if (attention->has_output_norm &&
      !hr_block_add_tensor (context, block->path,
                            hr_block_get_module_name (description, attention_names, "output-norm"), "weight",
                            HR_PART_NORM, HR_TENSOR_ROLE_NORM, mixed_size, 0, error))
    return FALSE;

  return attention->qk_norm == HR_QK_NORM_NONE || attention->qk_norm_kind == HR_NORM_RMS_UNWEIGHTED ||
         (add_head_norm (context, description, block, "query-norm", attention->num_attention_heads, error) &&
          (!has_keys (attention) ||
           add_head_norm (context, description, block, "key-norm", attention->num_key_value_heads, error)));
}

/* The two numbers that XIELUActivation trains. */
static gboolean
add_xielu (const HrBlockContext *context,
           HrJson               *description,
           HrBlock              *block,
           GError              **error)
{
  const char *name = hr_block_get_module_name (description, mlp_names, "activation");

  return hr_block_add_tensor (context, block->path, name, "alpha_p", HR_PART_MLP, HR_TENSOR_ROLE_PARAMETER, 1, 0,
                              error) &&
         hr_block_add_tensor (context, block->path, name, "alpha_n", HR_PART_MLP, HR_TENSOR_ROLE_PARAMETER, 1, 0,
                              error);
}

static void
keep_from_float16 (const HrBlockContext *context)
{
  HrTensor *tensor = g_ptr_array_index (context->tensors, context->tensors->len - 1);

  tensor->kept_from_float16 = TRUE;
}

static gboolean
build_mlp (const HrBlockContext *context,
           HrJson               *description,
           HrBlock              *block,
           GError              **error)
{
  const HrMlp *mlp = &block->mlp;
  const char *up = hr_block_get_module_name (description, mlp_names, mlp->fused_gate_up ? "fused" : "up");
  guint64 up_size;

  if (!g_uint64_checked_mul (&up_size, mlp->intermediate_size, mlp->fused_gate_up ? 2 : 1))
    return hr_block_set_too_large_error (context, block->path, error);

  if (mlp->gated && !mlp->fused_gate_up &&
      !hr_block_add_linear (context, block->path, hr_block_get_module_name (description, mlp_names, "gate"),
                            HR_MODULE_GATE, HR_PART_MLP,
                            mlp->intermediate_size, mlp->hidden_size, mlp->has_bias, mlp->conv1d, error))
    return FALSE;

  if (mlp->has_inner_norm &&
      !hr_block_add_tensor (context, block->path, hr_block_get_module_name (description, mlp_names, "inner-norm"),
                            "weight", HR_PART_NORM, HR_TENSOR_ROLE_NORM, mlp->intermediate_size, 0, error))
    return FALSE;
  if (mlp->activation == HR_ACTIVATION_XIELU && !add_xielu (context, description, block, error))
    return FALSE;

  if (!hr_block_add_linear (context, block->path, up, mlp->fused_gate_up ? HR_MODULE_GATE_UP : HR_MODULE_UP,
                            HR_PART_MLP, up_size, mlp->hidden_size, mlp->has_bias, mlp->conv1d, error) ||
      !hr_block_add_linear (context, block->path, hr_block_get_module_name (description, mlp_names, "down"),
                            HR_MODULE_DOWN, HR_PART_MLP,
                            mlp->hidden_size, mlp->intermediate_size, mlp->has_bias || mlp->has_down_bias,
                            mlp->conv1d, error))
    return FALSE;

  if (mlp->fp32_down)
    keep_from_float16 (context);

  return TRUE;
}

static gboolean
build_head (const HrBlockContext *context,
            HrJson               *description,
            HrBlock              *block,
            GError              **error)
{
  const HrHead *head = &block->head;
  const char *bias_tied_to = hr_block_get_module_name (description, head_names, "bias-tied-to");
  HrTensor *weight;

  if (!hr_block_add_tensor (context, block->path, NULL, "weight", HR_PART_OUTPUT, HR_TENSOR_ROLE_OUTPUT,
                            head->vocab_size, head->hidden_size, error))
    return FALSE;

  weight = g_ptr_array_index (context->tensors, context->tensors->len - 1);
  if (head->tied)
    weight->tied_to = hr_block_dup_place (context, hr_block_get_module_name (description, head_names, "tied-to"));

  if (!head->has_bias)
    return TRUE;
  if (!hr_block_add_tensor (context, block->path, NULL, "bias", HR_PART_OUTPUT, HR_TENSOR_ROLE_BIAS, head->vocab_size,
                            0, error))
    return FALSE;

  weight = g_ptr_array_index (context->tensors, context->tensors->len - 1);
  if (bias_tied_to[0] != '\0')
    weight->tied_to = hr_block_dup_place (context, bias_tied_to);

  return TRUE;
}

static const HrBlockClass block_classes[] = {
  { "token-embedding", HR_BLOCK_TOKEN_EMBEDDING, token_embedding_parameters, token_embedding_names,
    build_token_embedding },
  { "position-embedding", HR_BLOCK_POSITION_EMBEDDING, position_embedding_parameters, no_names,
    build_position_embedding },
  { "linear", HR_BLOCK_LINEAR, linear_parameters, no_names, build_linear },
  { "norm", HR_BLOCK_NORM, norm_parameters, no_names, build_norm },
  { "attention", HR_BLOCK_ATTENTION, attention_parameters, attention_names, build_attention },
  { "mlp", HR_BLOCK_MLP, mlp_parameters, mlp_names, build_mlp },
  { "head", HR_BLOCK_HEAD, head_parameters, head_names, build_head },
};

/* Those that have a file of their own. */
static const HrBlockClass * const further_classes[] = {
  &hr_block_class_activation,
  &hr_block_class_gated_delta,
  &hr_block_class_lightning_attention,
  &hr_block_class_regrouping,
  &hr_block_class_rg_lru,
  &hr_block_class_short_convolution,
  &hr_block_class_state,
  &hr_block_class_compressed_attention,
  &hr_block_class_convolution,
  &hr_block_class_latent_attention,
  &hr_block_class_mamba,
  &hr_block_class_mamba2,
  &hr_block_class_mixture,
  &hr_block_class_parameter,
  &hr_block_class_type_embedding,
};

static gboolean
read_choice (HrScope         *scope,
             HrJson          *expression,
             const HrChoice  *choices,
             int             *value,
             GError         **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *found = NULL;
  HrValue result;

  if (!hr_scope_evaluate (scope, expression, &result, error))
    return FALSE;

  for (guint i = 0; choices[i].name != NULL; i++)
    {
      if (result.type == HR_VALUE_STRING && g_str_equal (choices[i].name, result.string))
        {
          *value = choices[i].value;
          return TRUE;
        }
      g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", choices[i].name);
    }

  found = hr_value_to_string (&result);
  hr_scope_set_error (scope, error, HR_ERROR_UNSUPPORTED, _("%s: expected one of %s, found %s"),
                      hr_scope_get_name (scope, expression, hr_json_get_key (expression)), names->str, found);

  return FALSE;
}

static gboolean
set_zero_error (HrScope     *scope,
                HrJson      *expression,
                const char  *otherwise,
                GError     **error)
{
  hr_scope_set_error (scope, error, HR_ERROR_VALUE, _("%s: expected a whole number of at least 1, found 0"),
                      hr_scope_get_name (scope, expression, otherwise));

  return FALSE;
}

static gboolean
read_shape (HrScope  *scope,
            HrJson   *expressions,
            HrShape  *shape,
            GError  **error)
{
  if (!hr_json_check_type (expressions, HR_JSON_ARRAY, error))
    return FALSE;
  if (hr_json_get_length (expressions) > HR_TENSOR_MAX_DIMENSIONS)
    {
      hr_json_set_error (expressions, HR_ERROR_SCHEMA, _("fewer dimensions"), error);
      return FALSE;
    }

  shape->n_dimensions = hr_json_get_length (expressions);
  for (guint i = 0; i < shape->n_dimensions; i++)
    {
      HrJson *expression = hr_json_get_element (expressions, i);

      if (!hr_scope_evaluate_size (scope, expression, &shape->sizes[i], error))
        return FALSE;
      if (shape->sizes[i] == 0)
        return set_zero_error (scope, expression, hr_json_get_key (expressions), error);
    }

  return TRUE;
}

static gboolean
read_parameter (HrScope           *scope,
                HrJson            *description,
                const HrParameter *parameter,
                HrBlock           *block,
                GError           **error)
{
  HrJson *expression = hr_json_get_member (description, parameter->name);
  guint64 *size;

  if (expression == NULL && parameter->type != PARAMETER_COUNT)
    return TRUE;
  if (expression == NULL)
    return hr_json_require_member (description, parameter->name, error) != NULL;

  switch (parameter->type)
    {
    case PARAMETER_BOOLEAN:
      return hr_scope_evaluate_boolean (scope, expression, G_STRUCT_MEMBER_P (block, parameter->offset), error);

    case PARAMETER_CHOICE:
      return read_choice (scope, expression, parameter->choices, G_STRUCT_MEMBER_P (block, parameter->offset), error);

    case PARAMETER_SIZE:
    case PARAMETER_COUNT:
      size = G_STRUCT_MEMBER_P (block, parameter->offset);
      if (!hr_scope_evaluate_size (scope, expression, size, error))
        return FALSE;
      return *size > 0 || parameter->type == PARAMETER_SIZE ||
             set_zero_error (scope, expression, parameter->name, error);

    case PARAMETER_SHAPE:
      return read_shape (scope, expression, G_STRUCT_MEMBER_P (block, parameter->offset), error);

    default:
      g_assert_not_reached ();
    }
}

static const HrBlockClass *
find_class (HrJson  *description,
            GError **error)
{
  HrJson *member = hr_json_require_member (description, "block", error);
  const char *name;

  if (member == NULL || !hr_json_read_string (member, &name, error))
    return NULL;

  for (guint i = 0; i < G_N_ELEMENTS (block_classes); i++)
    {
      if (g_str_equal (block_classes[i].name, name))
        return &block_classes[i];
    }
  for (guint i = 0; i < G_N_ELEMENTS (further_classes); i++)
    {
      if (g_str_equal (further_classes[i]->name, name))
        return further_classes[i];
    }

  hr_json_set_error (member, HR_ERROR_UNKNOWN_NAME, _("the name of a block"), error);

  return NULL;
}

static gboolean
check_description (HrJson              *description,
                   const HrBlockClass  *klass,
                   GError             **error)
{
  g_autoptr (GPtrArray) members = g_ptr_array_new ();
  g_autoptr (GPtrArray) renamed = g_ptr_array_new ();
  HrJson *names = NULL;

  g_ptr_array_add (members, (gpointer) "block");
  g_ptr_array_add (members, (gpointer) "path");
  g_ptr_array_add (members, (gpointer) "if");
  g_ptr_array_add (members, (gpointer) "items");
  g_ptr_array_add (members, (gpointer) "tied-layer");
  g_ptr_array_add (members, (gpointer) "names");
  for (guint i = 0; klass->parameters[i].name != NULL; i++)
    g_ptr_array_add (members, (gpointer) klass->parameters[i].name);
  g_ptr_array_add (members, NULL);

  for (guint i = 0; klass->names[i] != NULL; i += 2)
    g_ptr_array_add (renamed, (gpointer) klass->names[i]);
  g_ptr_array_add (renamed, NULL);

  return hr_json_check_members (description, (const char * const *) members->pdata, error) &&
         hr_json_get_object (description, "names", &names, error) &&
         (names == NULL || hr_json_check_members (names, (const char * const *) renamed->pdata, error));
}

/* The name of a block that is there several times has "[]" for the number of each. */
static char *
dup_numbered_path (HrScope    *scope,
                   const char *path)
{
  const char *place = strstr (path, "[]");
  guint item;

  if (place == NULL || !hr_scope_get_item (scope, &item))
    return g_strdup (path);

  return g_strdup_printf ("%.*s%u%s", (int) (place - path), path, item, place + 2);
}

/* Tensors of one layer may be those of another (Zamba): the block says of which; that layer has its own. */
static gboolean
tie_to_layer (const HrBlockContext  *context,
              HrJson                *description,
              guint                  first,
              GError               **error)
{
  HrJson *expression = hr_json_get_member (description, "tied-layer");
  HrValue layer;

  if (expression == NULL)
    return TRUE;
  if (!hr_scope_evaluate (context->scope, expression, &layer, error))
    return FALSE;
  if (layer.type != HR_VALUE_INTEGER)
    {
      hr_json_set_error (expression, HR_ERROR_SCHEMA, _("an expression that is the number of a layer"), error);
      return FALSE;
    }
  if (context->n_layers > 0 && context->layers[0] == layer.integer)
    return TRUE;

  for (guint i = first; i < context->tensors->len; i++)
    {
      HrTensor *tensor = g_ptr_array_index (context->tensors, i);
      const char *place = strstr (tensor->pattern, "{}");

      if (place != NULL)
        tensor->tied_to = g_strdup_printf ("%.*s%" G_GINT64_FORMAT "%s", (int) (place - tensor->pattern),
                                           tensor->pattern, layer.integer, place + 2);
    }

  return TRUE;
}

/*
 * hr_block_factory_build:
 * @context: where the block is
 * @description: the block as the architecture file has it
 * @block: (out caller-allocates): the block; its path is to be freed also after an error
 * @error: return location for an error
 *
 * Builds a block, and adds the rows of its tensors.
 */
gboolean
hr_block_factory_build (const HrBlockContext  *context,
                        HrJson                *description,
                        HrBlock               *block,
                        GError               **error)
{
  const HrBlockClass *klass;
  const char *path = NULL;
  g_autofree char *numbered = NULL;
  HrJson *member;
  guint first;

  *block = (HrBlock) { 0 };

  klass = find_class (description, error);
  if (klass == NULL || !check_description (description, klass, error))
    return FALSE;

  member = hr_json_require_member (description, "path", error);
  if (member == NULL || !hr_json_read_string (member, &path, error))
    return FALSE;

  block->kind = klass->kind;
  numbered = dup_numbered_path (context->scope, path);
  block->path = g_strconcat (context->prefix, context->prefix[0] != '\0' && path[0] != '\0' ? "." : "", numbered, NULL);
  if (klass->kind == HR_BLOCK_NORM)
    block->norm.has_weight = TRUE;

  for (guint i = 0; klass->parameters[i].name != NULL; i++)
    {
      if (!read_parameter (context->scope, description, &klass->parameters[i], block, error))
        return FALSE;
    }

  first = context->tensors->len;
  if (!klass->build (context, description, block, error) || !tie_to_layer (context, description, first, error))
    return FALSE;

  for (guint i = first; i < context->tensors->len; i++)
    ((HrTensor *) g_ptr_array_index (context->tensors, i))->block = block->path;

  return TRUE;
}
