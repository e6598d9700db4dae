/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-gguf-mixture.h"

#include <string.h>

#include "hr-ggml-type.h"

/*
 * A file type of llama.cpp is a mixture: its quantizer gives some tensors more bits than others. The rules are those
 * of src/llama-quant.cpp at 007dbbf3 (tensor_allows_quantization, llama_tensor_get_type, tensor_type_fallback), the
 * numbers of file types those of enum llama_ftype in include/llama.h. Types that are meant to be made with an
 * importance matrix, which are those that begin with IQ, are taken to have been made with one.
 */

/* Numbers of enum ggml_type. */
typedef enum
{
  F32 = 0, F16 = 1, Q4_0 = 2, Q4_1 = 3, Q5_0 = 6, Q5_1 = 7, Q8_0 = 8, Q2_K = 10, Q3_K = 11, Q4_K = 12, Q5_K = 13,
  Q6_K = 14, IQ2_XXS = 16, IQ2_XS = 17, IQ3_XXS = 18, IQ1_S = 19, IQ4_NL = 20, IQ3_S = 21, IQ2_S = 22, IQ4_XS = 23,
  IQ1_M = 29, BF16 = 30, TQ1_0 = 34, TQ2_0 = 35, MXFP4 = 39, NVFP4 = 40, Q1_0 = 41, Q2_0 = 42,
} Type;

/* The number of a file type, and the type of the tensors that no rule is for. */
static const struct
{
  gint8 file_type;
  guint8 type;
} file_types[HR_N_QUANTIZATIONS] = {
  [HR_QUANTIZATION_F32] = { 0, F32 },
  [HR_QUANTIZATION_F16] = { 1, F16 },
  [HR_QUANTIZATION_Q4_0] = { 2, Q4_0 },
  [HR_QUANTIZATION_Q4_1] = { 3, Q4_1 },
  [HR_QUANTIZATION_Q8_0] = { 7, Q8_0 },
  [HR_QUANTIZATION_Q5_0] = { 8, Q5_0 },
  [HR_QUANTIZATION_Q5_1] = { 9, Q5_1 },
  [HR_QUANTIZATION_Q2_K] = { 10, Q2_K },
  [HR_QUANTIZATION_Q3_K_S] = { 11, Q3_K },
  [HR_QUANTIZATION_Q3_K_M] = { 12, Q3_K },
  [HR_QUANTIZATION_Q3_K_L] = { 13, Q3_K },
  [HR_QUANTIZATION_Q4_K_S] = { 14, Q4_K },
  [HR_QUANTIZATION_Q4_K_M] = { 15, Q4_K },
  [HR_QUANTIZATION_Q5_K_S] = { 16, Q5_K },
  [HR_QUANTIZATION_Q5_K_M] = { 17, Q5_K },
  [HR_QUANTIZATION_Q6_K] = { 18, Q6_K },
  [HR_QUANTIZATION_IQ2_XXS] = { 19, IQ2_XXS },
  [HR_QUANTIZATION_IQ2_XS] = { 20, IQ2_XS },
  [HR_QUANTIZATION_Q2_K_S] = { 21, Q2_K },
  [HR_QUANTIZATION_IQ3_XS] = { 22, IQ3_S },
  [HR_QUANTIZATION_IQ3_XXS] = { 23, IQ3_XXS },
  [HR_QUANTIZATION_IQ1_S] = { 24, IQ1_S },
  [HR_QUANTIZATION_IQ4_NL] = { 25, IQ4_NL },
  [HR_QUANTIZATION_IQ3_S] = { 26, IQ3_S },
  [HR_QUANTIZATION_IQ3_M] = { 27, IQ3_S },
  [HR_QUANTIZATION_IQ2_S] = { 28, IQ2_XS },
  [HR_QUANTIZATION_IQ2_M] = { 29, IQ2_S },
  [HR_QUANTIZATION_IQ4_XS] = { 30, IQ4_XS },
  [HR_QUANTIZATION_IQ1_M] = { 31, IQ1_M },
  [HR_QUANTIZATION_BF16] = { 32, BF16 },
  [HR_QUANTIZATION_TQ1_0] = { 36, TQ1_0 },
  [HR_QUANTIZATION_TQ2_0] = { 37, TQ2_0 },
  [HR_QUANTIZATION_MXFP4_MOE] = { 38, MXFP4 },
  [HR_QUANTIZATION_NVFP4_GGUF] = { 39, NVFP4 },
  [HR_QUANTIZATION_Q1_0] = { 40, Q1_0 },
  [HR_QUANTIZATION_Q2_0] = { 41, Q2_0 },
};

/* What the quantizer tells apart. */
typedef enum
{
  PLAIN,          /* never quantized: fp32 */
  TOWER,          /* in a file of its own, in fp16 */
  TOKENS,
  OUTPUT,
  QUERY,
  KEY,
  VALUE,
  FUSED,          /* queries, keys and values in one tensor */
  SPLIT,          /* the same, but a file has them one by one */
  FUSED_GATED,    /* those of a gated delta rule, and a gate that a file has apart */
  LATENT,         /* keys and values from their latent */
  ATTENTION_OUTPUT,
  UP,             /* and gate */
  DOWN,
  OTHER,
} Category;

typedef struct
{
  guint8 type;
  guint64 n_bytes;
} Entry;

struct _HrGgufMixture
{
  GPtrArray *rows;    /* of GArray of Entry, one for each layer that has the tensor, or one */
  GArray *n_items;    /* of guint: tensors of a layer that share an entry */
  guint head;         /* the row of a head that is tied to the embeddings and that the file has nevertheless */
};

#define NO_HEAD G_MAXUINT

/* What the rules ask for. */
typedef struct
{
  HrModel *model;
  HrGgufTypes *types;
  HrQuantization quantization;
  gboolean is_tied;
  gboolean is_falcon;
  gboolean is_70b;
  guint n_layers;
  guint64 n_experts;
  guint64 n_heads_per_group;
  guint64 query_rows;
  guint64 key_rows;
  guint64 gate_rows;      /* of a gated delta rule */
  guint n_values;
  guint i_value;
  guint i_down;
  guint i_perceptron;     /* layers before this one that have a perceptron */
} State;

static gboolean
is_one_of (const char         *word,
           const char * const *words)
{
  return g_strv_contains (words, word);
}

/* "q_proj" of "model.layers.{}.self_attn.q_proj.weight"; "down_proj" of "…experts.down_proj". */
static char *
dup_leaf (const char *pattern)
{
  g_auto (GStrv) words = g_strsplit (pattern, ".", -1);
  guint n_words = g_strv_length (words);
  guint last = n_words - 1;

  if (n_words > 1 && g_str_equal (words[last], "weight"))
    last--;

  return g_strdup (words[last]);
}

static Category
get_attention_category (const char *leaf)
{
  static const char * const queries[] = { "q_proj", "query", "q", "wq", NULL };
  static const char * const keys[] = { "k_proj", "key", "k", "wk", NULL };
  static const char * const values[] = { "v_proj", "value", "v", "wv", NULL };
  static const char * const fused[] = {
    "qkv_proj", "query_key_value", "c_attn", "Wqkv", "qkv", "attn_qkv", NULL,
  };
  static const char * const split[] = { "W_pack", "wqkv", NULL };
  static const char * const latents[] = { "kv_b_proj", NULL };
  static const char * const outputs[] = {
    "o_proj", "out_proj", "dense", "c_proj", "wo", "attn_out", "attention.output", NULL,
  };
  static const struct
  {
    const char * const *words;
    Category category;
  } kinds[] = {
    { queries, QUERY }, { keys, KEY }, { values, VALUE }, { fused, FUSED }, { split, SPLIT }, { latents, LATENT },
    { outputs, ATTENTION_OUTPUT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (is_one_of (leaf, kinds[i].words))
        return kinds[i].category;
    }

  return OTHER;
}

static Category
get_mlp_category (const HrTensor *tensor,
                  const char     *leaf)
{
  static const char * const down[] = {
    "down_proj", "c_proj", "fc2", "dense_4h_to_h", "fc_out", "output_linear", "linear_2", "wo", NULL,
  };

  /* One row is no matrix: the gate of the shared experts. */
  if (tensor->shape[tensor->n_dimensions - 2] == 1)
    return PLAIN;
  if (is_one_of (leaf, down) || tensor->module == HR_MODULE_DOWN || tensor->module == HR_MODULE_EXPERT_DOWN)
    return DOWN;

  return UP;
}

static Category
get_category (const HrTensor *tensor)
{
  g_autofree char *leaf = NULL;

  if (!hr_part_is_text (tensor->part))
    return TOWER;
  if (tensor->n_dimensions < 2)
    return PLAIN;

  leaf = dup_leaf (tensor->pattern);
  switch (tensor->role)
    {
    case HR_TENSOR_ROLE_EMBEDDING:
      return strstr (leaf, "pos") != NULL || g_str_equal (leaf, "wpe") ? PLAIN : TOKENS;

    case HR_TENSOR_ROLE_OUTPUT:
      return OUTPUT;

    case HR_TENSOR_ROLE_EXPERT:
      return get_mlp_category (tensor, leaf);

    case HR_TENSOR_ROLE_LINEAR:
      if (tensor->part == HR_PART_ATTENTION)
        return get_attention_category (leaf);
      if (tensor->module == HR_MODULE_QUERY_KEY_VALUE)
        return FUSED;
      if (g_str_equal (leaf, "in_proj_qkvz"))
        return FUSED_GATED;
      return tensor->part == HR_PART_MLP ? get_mlp_category (tensor, leaf) : OTHER;

    case HR_TENSOR_ROLE_NORM:
    case HR_TENSOR_ROLE_BIAS:
    case HR_TENSOR_ROLE_CONVOLUTION:
    case HR_TENSOR_ROLE_ROUTER:
    case HR_TENSOR_ROLE_PARAMETER:
    default:
      return PLAIN;
    }
}

static gboolean
is_value_like (Category category)
{
  return category == VALUE || category == FUSED || category == SPLIT || category == FUSED_GATED || category == LATENT;
}

/* The first and the last eighth, and of those between every third. */
static gboolean
has_more_bits (guint i,
               guint n)
{
  return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

static gboolean
is_among (HrQuantization        quantization,
          const HrQuantization *list,
          guint                 n)
{
  for (guint i = 0; i < n; i++)
    {
      if (list[i] == quantization)
        return TRUE;
    }

  return FALSE;
}

#define IS_AMONG(quantization, ...) \
  is_among (quantization, (const HrQuantization[]) { __VA_ARGS__ }, \
            G_N_ELEMENTS (((const HrQuantization[]) { __VA_ARGS__ })))

/* The head, and the embeddings where they are the head too. */
static Type
get_output_type (const State *state,
                 Type         type,
                 guint64      row_elements)
{
  if (state->quantization == HR_QUANTIZATION_MXFP4_MOE || state->is_falcon ||
      row_elements % hr_ggml_type_get (type)->block_size != 0)
    return Q8_0;
  if (IS_AMONG (state->quantization, HR_QUANTIZATION_IQ2_XXS, HR_QUANTIZATION_IQ2_XS, HR_QUANTIZATION_IQ3_XXS,
                HR_QUANTIZATION_IQ1_S, HR_QUANTIZATION_IQ2_S, HR_QUANTIZATION_IQ2_M, HR_QUANTIZATION_IQ1_M))
    return Q5_K;

  return type == Q8_0 ? Q8_0 : Q6_K;
}

static Type
get_embedding_type (const State *state,
                    Type         type)
{
  switch ((guint) state->quantization)
    {
    case HR_QUANTIZATION_IQ2_XXS:
    case HR_QUANTIZATION_IQ2_XS:
    case HR_QUANTIZATION_IQ1_S:
    case HR_QUANTIZATION_IQ1_M:
      return Q2_K;

    case HR_QUANTIZATION_IQ2_S:
    case HR_QUANTIZATION_IQ2_M:
    case HR_QUANTIZATION_IQ3_XXS:
      return IQ3_S;

    case HR_QUANTIZATION_TQ1_0:
    case HR_QUANTIZATION_TQ2_0:
    case HR_QUANTIZATION_Q2_0:
      return Q4_K;

    default:
      return type;
    }
}

/* The file types below two and a half bits have rules of their own. */
static Type
get_smallest_type (State    *state,
                   Type      type,
                   Category  category)
{
  gboolean is_larger = IS_AMONG (state->quantization, HR_QUANTIZATION_IQ2_S, HR_QUANTIZATION_IQ2_M);
  gboolean is_one_bit = IS_AMONG (state->quantization, HR_QUANTIZATION_IQ1_S, HR_QUANTIZATION_IQ1_M);

  if (is_value_like (category))
    {
      if (state->n_heads_per_group >= 4 || state->n_experts >= 4)
        return Q4_K;
      return is_larger ? IQ3_S : Q2_K;
    }
  if (category == KEY && state->n_experts == 8)
    return Q4_K;
  if (category == DOWN)
    return state->i_down++ < state->n_layers / 8 ? (is_larger ? IQ3_S : Q2_K) : type;
  if (category == ATTENTION_OUTPUT)
    {
      if (state->n_experts == 8)
        return Q5_K;
      if (is_one_bit)
        return IQ2_XXS;
      return is_larger ? IQ3_S : type;
    }

  return type;
}

static Type
get_value_type (State *state,
                Type   type)
{
  gboolean is_grouped = state->n_heads_per_group >= 4;
  guint i = state->i_value++;

  switch ((guint) state->quantization)
    {
    case HR_QUANTIZATION_Q2_K:
      type = is_grouped ? Q4_K : Q3_K;
      break;

    case HR_QUANTIZATION_Q2_K_S:
    case HR_QUANTIZATION_IQ3_XS:
    case HR_QUANTIZATION_IQ3_S:
      type = is_grouped ? Q4_K : type;
      break;

    case HR_QUANTIZATION_IQ3_XXS:
      type = is_grouped ? Q4_K : IQ3_XXS;
      break;

    case HR_QUANTIZATION_IQ3_M:
      type = Q4_K;
      break;

    case HR_QUANTIZATION_Q3_K_M:
      type = i < 2 ? Q5_K : Q4_K;
      break;

    case HR_QUANTIZATION_Q3_K_L:
      type = Q5_K;
      break;

    case HR_QUANTIZATION_IQ4_NL:
    case HR_QUANTIZATION_IQ4_XS:
      type = is_grouped ? Q5_K : type;
      break;

    case HR_QUANTIZATION_Q4_K_M:
    case HR_QUANTIZATION_Q5_K_M:
      type = has_more_bits (i, state->n_values) ? Q6_K : type;
      break;

    case HR_QUANTIZATION_Q4_K_S:
      type = i < 4 ? Q5_K : type;
      break;

    default:
      break;
    }

  if (state->is_70b && (type == Q3_K || type == Q4_K))
    type = Q5_K;

  return state->n_experts == 8 ? Q8_0 : type;
}

static Type
get_query_or_key_type (const State *state,
                       Type         type,
                       Category     category)
{
  if (category == KEY && state->n_experts == 8)
    return Q8_0;

  switch ((guint) state->quantization)
    {
    case HR_QUANTIZATION_IQ3_XS:
      return IQ3_XXS;

    case HR_QUANTIZATION_IQ3_XXS:
      return IQ2_S;

    default:
      return type;
    }
}

static Type
get_down_type (const State *state,
               Type         type,
               guint        layer)
{
  guint n = state->n_layers;

  switch ((guint) state->quantization)
    {
    case HR_QUANTIZATION_Q2_K:
      return Q3_K;

    case HR_QUANTIZATION_Q2_K_S:
      return layer < n / 8 ? Q4_K : type;

    case HR_QUANTIZATION_Q3_K_M:
      if (layer < n / 16)
        return Q5_K;
      return !state->is_falcon || has_more_bits (layer, n) ? Q4_K : Q3_K;

    case HR_QUANTIZATION_IQ3_M:
      return layer < n / 8 || (state->n_experts == 8 && has_more_bits (layer, n)) ? Q4_K : type;

    case HR_QUANTIZATION_Q3_K_L:
      return state->is_falcon ? Q4_K : Q5_K;

    case HR_QUANTIZATION_Q4_K_M:
      if (state->is_falcon)
        return layer < n / 16 ? Q6_K : has_more_bits (layer, n) ? Q5_K : Q4_K;
      return has_more_bits (layer, n) ? Q6_K : type;

    case HR_QUANTIZATION_Q5_K_M:
      return has_more_bits (layer, n) ? Q6_K : type;

    case HR_QUANTIZATION_Q4_K_S:
      return !state->is_falcon && layer < n / 8 ? Q5_K : type;

    default:
      return type;
    }
}

static Type
get_attention_output_type (const State *state,
                           Type         type)
{
  if (state->is_falcon)
    return state->quantization == HR_QUANTIZATION_Q3_K_L ? Q4_K : type;

  if (state->n_experts == 8)
    return IS_AMONG (state->quantization, HR_QUANTIZATION_Q2_K, HR_QUANTIZATION_IQ3_XS, HR_QUANTIZATION_IQ3_XXS,
                     HR_QUANTIZATION_Q3_K_S, HR_QUANTIZATION_Q3_K_M, HR_QUANTIZATION_IQ4_NL, HR_QUANTIZATION_Q4_K_S,
                     HR_QUANTIZATION_Q4_K_M, HR_QUANTIZATION_IQ3_S, HR_QUANTIZATION_IQ3_M, HR_QUANTIZATION_IQ4_XS)
             ? Q5_K : type;

  switch ((guint) state->quantization)
    {
    case HR_QUANTIZATION_Q2_K:
      return Q3_K;

    case HR_QUANTIZATION_IQ3_XXS:
      return IQ3_S;

    case HR_QUANTIZATION_Q3_K_M:
    case HR_QUANTIZATION_IQ3_M:
      return Q4_K;

    case HR_QUANTIZATION_Q3_K_L:
      return Q5_K;

    default:
      return type;
    }
}

static gboolean
is_below_three_bits (HrQuantization quantization)
{
  return IS_AMONG (quantization, HR_QUANTIZATION_IQ2_XXS, HR_QUANTIZATION_IQ2_XS, HR_QUANTIZATION_IQ1_S,
                   HR_QUANTIZATION_IQ2_S, HR_QUANTIZATION_IQ2_M, HR_QUANTIZATION_IQ1_M);
}

/* Of a mixture the quantizer takes the number of the layer, otherwise it counts (layer_info). */
static guint
get_perceptron (const State *state,
                guint        layer)
{
  return state->n_experts > 1 ? layer : state->i_perceptron;
}

static Type
get_mixed_type (State    *state,
                Type      type,
                Category  category,
                guint     layer,
                guint64   row_elements,
                gboolean  is_expert)
{
  if (category == OUTPUT || (category == TOKENS && state->is_tied))
    return get_output_type (state, type, row_elements);
  if (state->quantization == HR_QUANTIZATION_MXFP4_MOE)
    return is_expert ? MXFP4 : Q8_0;
  if (category == TOKENS)
    return get_embedding_type (state, type);
  if (is_below_three_bits (state->quantization))
    return get_smallest_type (state, type, category);
  if (is_value_like (category))
    return get_value_type (state, type);

  switch (category)
    {
    case QUERY:
    case KEY:
      return get_query_or_key_type (state, type, category);

    case DOWN:
      return get_down_type (state, type, get_perceptron (state, layer));

    case ATTENTION_OUTPUT:
      return get_attention_output_type (state, type);

    case UP:
      layer = get_perceptron (state, layer);
      return state->quantization == HR_QUANTIZATION_IQ3_XS && layer >= state->n_layers / 8 &&
             layer < 7 * state->n_layers / 8 ? IQ3_XXS : type;

    case PLAIN:
    case TOWER:
    case TOKENS:
    case OUTPUT:
    case VALUE:
    case FUSED:
    case SPLIT:
    case FUSED_GATED:
    case LATENT:
    case OTHER:
    default:
      return type;
    }
}

/* What takes the place of a type whose blocks do not fit into a row. */
static Type
fit_to_row (Type    type,
            guint64 row_elements)
{
  if (row_elements % hr_ggml_type_get (type)->block_size == 0)
    return type;

  switch ((guint) type)
    {
    case IQ1_S:
    case IQ1_M:
    case IQ2_XXS:
    case IQ2_XS:
    case IQ2_S:
    case IQ3_XXS:
    case IQ3_S:
    case IQ4_XS:
      type = IQ4_NL;
      break;

    case Q2_0:
    case Q2_K:
    case Q3_K:
    case TQ1_0:
    case TQ2_0:
      type = Q4_0;
      break;

    case Q4_K:
      type = Q5_0;
      break;

    case Q5_K:
      type = Q5_1;
      break;

    case Q6_K:
      type = Q8_0;
      break;

    default:
      type = F16;
      break;
    }

  return row_elements % hr_ggml_type_get (type)->block_size == 0 ? type : F16;
}

static gboolean
is_quantized_type (Type type)
{
  return type != F32 && type != F16 && type != BF16;
}

static Type
choose_type (State          *state,
             const HrTensor *tensor,
             Category        category,
             guint           layer,
             guint64         row_elements)
{
  Type type = file_types[state->quantization].type;
  guint given;

  if (category == PLAIN)
    return F32;
  if (category == TOWER)
    return F16;
  if (state->types != NULL && hr_gguf_types_find (state->types, state->model, tensor, layer, &given))
    return fit_to_row (given, row_elements);
  if (!is_quantized_type (type))
    return type;

  return fit_to_row (get_mixed_type (state, type, category, layer, row_elements, tensor->n_experts > 0), row_elements);
}

static guint64
get_bytes (Type    type,
           guint64 row_elements,
           guint64 n_elements)
{
  guint64 n_bytes = 0;

  return hr_ggml_type_get_bytes (hr_ggml_type_get (type), row_elements, n_elements, &n_bytes) ? n_bytes : G_MAXUINT64;
}

/* Parts of a tensor that a file has one by one. */
static void
add_parts (State          *state,
           const HrTensor *tensor,
           const Category *categories,
           const guint64  *rows,
           guint           n_parts,
           guint           layer,
           guint64         in_features,
           Entry          *entry)
{
  for (guint i = 0; i < n_parts; i++)
    {
      entry->type = choose_type (state, tensor, categories[i], layer, in_features);
      entry->n_bytes += get_bytes (entry->type, in_features, rows[i] * in_features);
    }
}

/* One of the tensors that share an entry; a file has the experts of a layer in one. */
static void
add_entry (State          *state,
           const HrTensor *tensor,
           Category        category,
           guint           layer,
           GArray         *entries)
{
  Entry entry = { .type = F32 };
  guint64 n_matrices = 1;
  guint64 out_features = 1;
  guint64 in_features = 1;

  if (tensor->n_dimensions >= 2)
    hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);

  if (category == SPLIT && state->query_rows + 2 * state->key_rows == out_features)
    {
      static const Category parts[] = { QUERY, KEY, VALUE };
      const guint64 rows[] = { state->query_rows, state->key_rows, state->key_rows };

      add_parts (state, tensor, parts, rows, G_N_ELEMENTS (parts), layer, in_features, &entry);
    }
  else if (category == FUSED_GATED && state->gate_rows < out_features)
    {
      static const Category parts[] = { FUSED, OTHER };
      const guint64 rows[] = { out_features - state->gate_rows, state->gate_rows };

      add_parts (state, tensor, parts, rows, G_N_ELEMENTS (parts), layer, in_features, &entry);
    }
  else if (category == TOWER && tensor->n_dimensions < 2)
    entry.n_bytes = get_bytes (F32, 1, tensor->n_elements);
  else
    {
      entry.type = choose_type (state, tensor, category, layer, in_features);
      entry.n_bytes = get_bytes (entry.type, in_features, tensor->n_elements);
    }

  g_array_append_val (entries, entry);
}

/*
 * Heads of queries for each of keys and values, as the quantizer sees it: where a file says of each layer how many
 * there are, those of the first one, which may have none (llama_hparams::n_gqa).
 */
static guint64
count_heads_per_group (HrModel *model,
                       guint64  n_heads,
                       guint64  n_key_value_heads)
{
  const HrStack *stack = hr_model_find_stack (model, HR_STACK_DECODER);
  const HrSublayer *first = stack != NULL && stack->n_layers > 0
                              ? &stack->layer_classes[stack->layer_class_of[0]].sublayers[0] : NULL;

  for (guint i = 0; first != NULL && first->n_branches == 1 && i < first->branches[0].n_blocks; i++)
    {
      HrBlockKind kind = first->branches[0].blocks[i].kind;

      if (kind == HR_BLOCK_MAMBA || kind == HR_BLOCK_MAMBA2 || kind == HR_BLOCK_SHORT_CONVOLUTION)
        return 0;
    }

  return n_key_value_heads > 0 ? n_heads / n_key_value_heads : 1;
}

/* Whether a tensor that is in no layer is given a type by its name. */
static gboolean
is_given (HrGgufTypes    *types,
          HrModel        *model,
          const HrTensor *tensor)
{
  guint type;

  return types != NULL && hr_gguf_types_find (types, model, tensor, 0, &type);
}

static void
init_state (State          *state,
            HrModel        *model,
            HrQuantization  quantization,
            HrGgufTypes    *types,
            const Category *categories)
{
  const char *model_type = hr_model_get_model_type (model);
  guint64 n_heads = 0;
  guint64 n_key_value_heads = 0;
  guint64 head_dim = 0;
  guint64 n_layers = 0;
  guint64 n_gates = 0;
  guint64 gate_dim = 0;

  hr_model_get_hyper_parameter (model, "num_attention_heads", &n_heads);
  hr_model_get_hyper_parameter (model, "num_key_value_heads", &n_key_value_heads);
  hr_model_get_hyper_parameter (model, "head_dim", &head_dim);
  hr_model_get_hyper_parameter (model, "num_hidden_layers", &n_layers);
  hr_model_get_hyper_parameter (model, "linear_num_value_heads", &n_gates);
  hr_model_get_hyper_parameter (model, "linear_value_head_dim", &gate_dim);

  *state = (State) {
    .model = model,
    .types = types,
    .quantization = quantization,
    .is_tied = TRUE,
    .is_falcon = g_strcmp0 (model_type, "falcon") == 0,
    .n_layers = n_layers,
    .n_heads_per_group = count_heads_per_group (model, n_heads, n_key_value_heads),
    .query_rows = n_heads * head_dim,
    .key_rows = n_key_value_heads * head_dim,
    .gate_rows = n_gates * gate_dim,
  };
  /* 80 layers are what llama.cpp takes for a 70B model of these. */
  state->is_70b = n_layers == 80 && (g_strcmp0 (model_type, "qwen2") == 0 ||
                                     (g_strcmp0 (model_type, "llama") == 0 && n_key_value_heads != n_heads));

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (categories[i] == OUTPUT && (tensor->tied_to == NULL || is_given (types, model, tensor)))
        state->is_tied = FALSE;
      if (is_value_like (categories[i]))
        state->n_values += MAX (tensor->n_layers, 1);
      state->n_experts = MAX (state->n_experts, tensor->n_experts);
    }
}

/* In the order in which the quantizer sees them, which is by layer: it counts. */
static void
fill (HrGgufMixture  *self,
      HrModel        *model,
      State          *state,
      const Category *categories)
{
  guint n_tensors = hr_model_get_n_tensors (model);
  gboolean is_left = TRUE;

  for (guint i = 0; i < n_tensors; i++)
    {
      if (hr_model_get_tensor (model, i)->n_layers == 0)
        add_entry (state, hr_model_get_tensor (model, i), categories[i], 0, g_ptr_array_index (self->rows, i));
    }

  for (guint layer = 0; is_left; layer++)
    {
      gboolean has_perceptron = FALSE;

      is_left = FALSE;
      for (guint i = 0; i < n_tensors; i++)
        {
          const HrTensor *tensor = hr_model_get_tensor (model, i);
          GArray *entries = g_ptr_array_index (self->rows, i);

          if (entries->len >= tensor->n_layers)
            continue;
          is_left = TRUE;
          if (tensor->layers[entries->len] != layer)
            continue;
          add_entry (state, tensor, categories[i], layer, entries);
          has_perceptron = has_perceptron || categories[i] == DOWN;
        }
      state->i_perceptron += has_perceptron;
    }
}

/*
 * hr_gguf_mixture_new:
 * @model: a model
 * @quantization: a file type of llama.cpp
 * @types: (nullable): types that tensors are given by their names
 *
 * Finds the type of each tensor. A head that is given one is in the file even where it is tied to the embeddings.
 *
 * Returns: (transfer full): the types
 */
HrGgufMixture *
hr_gguf_mixture_new (HrModel        *model,
                     HrQuantization  quantization,
                     HrGgufTypes    *types)
{
  HrGgufMixture *self = g_new0 (HrGgufMixture, 1);
  guint n_tensors = hr_model_get_n_tensors (model);
  g_autofree Category *categories = g_new (Category, n_tensors);
  State state;

  g_assert (hr_quantization_is_gguf (quantization));

  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  self->n_items = g_array_new (FALSE, FALSE, sizeof (guint));
  self->head = NO_HEAD;
  for (guint i = 0; i < n_tensors; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      guint n_items = hr_tensor_get_copies_of_layer (tensor);

      categories[i] = get_category (tensor);
      if (categories[i] == OUTPUT && tensor->tied_to != NULL && is_given (types, model, tensor))
        self->head = i;
      g_ptr_array_add (self->rows, g_array_new (FALSE, FALSE, sizeof (Entry)));
      g_array_append_val (self->n_items, n_items);
    }

  init_state (&state, model, quantization, types, categories);
  fill (self, model, &state, categories);

  return self;
}

void
hr_gguf_mixture_free (HrGgufMixture *self)
{
  g_return_if_fail (self != NULL);

  g_ptr_array_unref (self->rows);
  g_array_unref (self->n_items);
  g_free (self);
}

static const Entry *
get_entry (HrGgufMixture *self,
           guint          row,
           guint          copy)
{
  GArray *entries = g_ptr_array_index (self->rows, row);

  return &g_array_index (entries, Entry, copy / g_array_index (self->n_items, guint, row));
}

/* What a tensor takes in the file. */
guint64
hr_gguf_mixture_get_bytes (HrGgufMixture *self,
                           guint          row,
                           guint          copy)
{
  g_return_val_if_fail (self != NULL, 0);

  return get_entry (self, row, copy)->n_bytes;
}

/* Finds the row of a head that is tied to the embeddings and that the file has nevertheless. */
gboolean
hr_gguf_mixture_find_head (HrGgufMixture *self,
                           guint         *row)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (self->head != NO_HEAD)
    *row = self->head;

  return self->head != NO_HEAD;
}

/* The type of a tensor, such as `Q6_K`. */
const char *
hr_gguf_mixture_get_type (HrGgufMixture *self,
                          guint          row,
                          guint          copy)
{
  g_return_val_if_fail (self != NULL, NULL);

  return hr_ggml_type_get (get_entry (self, row, copy)->type)->name;
}

/* What an element takes in the type that a file type gives to tensors that no rule is for. */
double
hr_gguf_mixture_get_bits (HrQuantization quantization)
{
  const HrGgmlType *type;

  g_return_val_if_fail (hr_quantization_is_gguf (quantization), 0);

  type = hr_ggml_type_get (file_types[quantization].type);

  return type->block_bytes * 8.0 / type->block_size;
}

/* The format that the number of a file type stands for, as `general.file_type` has it. */
gboolean
hr_gguf_mixture_from_file_type (double          file_type,
                                HrQuantization *quantization)
{
  for (HrQuantization i = 0; i < HR_N_QUANTIZATIONS; i++)
    {
      if (!hr_quantization_is_gguf (i) || file_types[i].file_type != file_type)
        continue;
      *quantization = i;
      return TRUE;
    }

  return FALSE;
}

/*
 * The file type of a file that is mostly of a type: where several are, the one that llama.cpp takes such a file for,
 * the medium one (llama_model_loader in src/llama-model-loader.cpp, which counts tensors, of which most are norms).
 */
gboolean
hr_gguf_mixture_from_type (const char     *type,
                           HrQuantization *quantization)
{
  gboolean is_found = FALSE;

  for (HrQuantization i = 0; i < HR_N_QUANTIZATIONS; i++)
    {
      if (!hr_quantization_is_gguf (i) || !g_str_equal (hr_ggml_type_get (file_types[i].type)->name, type))
        continue;
      if (!is_found || g_str_has_suffix (hr_quantization_get_name (i), "_m"))
        *quantization = i;
      is_found = TRUE;
    }

  return is_found;
}
