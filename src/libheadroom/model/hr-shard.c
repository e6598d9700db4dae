/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-shard.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "hr-error.h"
#include "hr-model-builder.h"

/*
 * megatron/core/tensor_parallel/layers.py: a ColumnParallelLinear has some of the outputs of its matrix, and of its
 * bias; a RowParallelLinear some of the inputs, and a whole bias; a VocabParallelEmbedding some of the rows. What else
 * there is, each rank has whole.
 */

/* A block of the model, and what the rank has of it. */
typedef struct
{
  const HrBlock *whole;
  const HrBlock *part;
} Divided;

/* What has been divided so far, by the paths of the blocks of the whole model. */
typedef struct
{
  const HrShard *shard;
  const char *name;
  GHashTable *blocks;
  GError **error;
} Division;

static gboolean
check_divides_by (const Division *division,
                  const char     *what,
                  guint64         number,
                  const char     *setting,
                  guint64         n_ranks)
{
  g_autofree char *found = NULL;
  g_autofree char *divisor = NULL;

  if (number % n_ranks == 0)
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, number);
  divisor = g_strdup_printf ("%" G_GUINT64_FORMAT, n_ranks);
  g_set_error (division->error, HR_ERROR, HR_ERROR_VALUE,
               /* Translators: the places are names of a model, of one of its sizes, of a setting, and two numbers. */
               _("“%s”: expected %s that %s divides; found %s and %s"),
               division->name, what, setting, found, divisor);

  return FALSE;
}

static gboolean
check_divides (const Division *division,
               const char     *what,
               guint64         number)
{
  return check_divides_by (division, what, number, "tensor-parallel", division->shard->tensor);
}

static guint64
pad_vocabulary (const HrShard *shard,
                guint64        vocab_size)
{
  guint64 multiple = shard->vocabulary_multiple;

  return (vocab_size + multiple - 1) / multiple * multiple;
}

/* The rows that a rank has of a table of tokens, after padding. */
guint64
hr_shard_divide_vocabulary (const HrShard *shard,
                            guint64        vocab_size)
{
  return pad_vocabulary (shard, vocab_size) / shard->tensor;
}

static gboolean
divide_vocabulary (const Division *division,
                   guint64        *vocab_size)
{
  if (!check_divides (division, "vocab_size", pad_vocabulary (division->shard, *vocab_size)))
    return FALSE;

  *vocab_size = hr_shard_divide_vocabulary (division->shard, *vocab_size);

  return TRUE;
}

/*
 * Where there are more ranks than heads of keys and values, each has one of them (SelfAttention of
 * megatron/core/transformer/attention.py).
 */
static guint64
divide_key_value_heads (const HrShard *shard,
                        guint64        num_key_value_heads)
{
  return MAX (1, num_key_value_heads / shard->tensor);
}

static gboolean
divide_attention (const Division *division,
                  HrAttention    *attention)
{
  guint64 n_groups = attention->num_key_value_heads;

  if (!check_divides (division, "num_attention_heads", attention->num_attention_heads) ||
      ((division->shard->divides_groups || division->shard->tensor % n_groups != 0) &&
       !check_divides (division, "num_key_value_heads", n_groups)))
    return FALSE;

  attention->num_attention_heads /= division->shard->tensor;
  attention->num_key_value_heads = divide_key_value_heads (division->shard, n_groups);
  attention->cached_heads = divide_key_value_heads (division->shard, attention->cached_heads);

  return TRUE;
}

/* How many ranks share the shared experts of a layer. */
static guint64
get_shared_ranks (const HrShard *shard)
{
  return shard->copies_shared ? 1 : shard->tensor;
}

/* How many of the experts of a layer the rank has. */
static guint64
count_held (const HrShard *shard,
            guint64        num_experts)
{
  guint64 n_ranks = MAX (shard->expert, 1);

  return num_experts / n_ranks + (shard->expert_rank < num_experts % n_ranks);
}

/*
 * Routed experts are divided among ranks one by one, and each of them among others (MoELayer and TEGroupedMLP in
 * megatron/core/transformer/moe); the shared ones as a perceptron is. The router is whole.
 */
static gboolean
divide_mixture (const Division *division,
                HrMixture      *mixture)
{
  guint64 n_expert = MAX (division->shard->expert, 1);
  guint64 n_tensor = MAX (division->shard->expert_tensor, 1);

  if ((!division->shard->divides_unevenly &&
       !check_divides_by (division, "num_experts", mixture->num_experts, "expert-parallel", n_expert)) ||
      !check_divides_by (division, "moe_intermediate_size", mixture->intermediate_size, "expert-tensor-parallel",
                         n_tensor) ||
      (!division->shard->copies_shared &&
       !check_divides (division, "shared_expert_intermediate_size", mixture->shared_intermediate_size)))
    return FALSE;

  mixture->num_held_experts = count_held (division->shard, mixture->num_experts);
  mixture->intermediate_size /= n_tensor;
  mixture->shared_intermediate_size /= get_shared_ranks (division->shard);

  return TRUE;
}

/*
 * Heads of a state space are divided with what is computed for each of them. Where groups of heads share B and C and
 * there are fewer groups than ranks, each rank has those of its heads (extra_groups_for_head_shards of
 * vllm/model_executor/layers/mamba/mamba_utils.py).
 */
static gboolean
divide_mamba2 (const Division *division,
               HrMamba2       *mamba2)
{
  guint64 n_ranks = division->shard->tensor;

  if (!check_divides (division, "mamba_num_heads", mamba2->num_heads) ||
      (n_ranks % mamba2->n_groups != 0 && !check_divides (division, "n_groups", mamba2->n_groups)))
    return FALSE;

  mamba2->num_heads /= n_ranks;
  mamba2->intermediate_size /= n_ranks;
  mamba2->n_groups = MAX (1, mamba2->n_groups / n_ranks);

  return TRUE;
}

static gboolean
divide_gated_delta (const Division *division,
                    HrGatedDelta   *delta)
{
  if (!check_divides (division, "linear_num_key_heads", delta->num_key_heads) ||
      !check_divides (division, "linear_num_value_heads", delta->num_value_heads))
    return FALSE;

  delta->num_key_heads /= division->shard->tensor;
  delta->num_value_heads /= division->shard->tensor;

  return TRUE;
}

/* What each rank has of heads, and of the groups of them whose outputs are made smaller together. */
static gboolean
divide_compressed_attention (const Division         *division,
                             HrCompressedAttention  *attention)
{
  guint64 n_ranks = division->shard->tensor;

  if (!check_divides (division, "num_attention_heads", attention->num_attention_heads) ||
      !check_divides (division, "o_groups", attention->output_groups))
    return FALSE;

  attention->num_attention_heads /= n_ranks;
  attention->output_groups /= n_ranks;

  return TRUE;
}

static gboolean
divide_linear (const Division *division,
               HrLinear       *linear)
{
  guint64 *size = linear->divided == HR_LINEAR_INPUTS ? &linear->in_features : &linear->out_features;

  if (linear->divided == HR_LINEAR_WHOLE)
    return TRUE;
  if (!check_divides (division, linear->divided == HR_LINEAR_INPUTS ? "in-features" : "out-features", *size))
    return FALSE;

  *size /= division->shard->tensor;

  return TRUE;
}

static gboolean
divide_channels (const Division *division,
                 guint64        *channels)
{
  if (!check_divides (division, "channels", *channels))
    return FALSE;

  *channels /= division->shard->tensor;

  return TRUE;
}

static gboolean
divide_block (const Division *division,
              HrBlock        *block)
{
  if (division->shard->plan != NULL)
    return hr_parallel_plan_divide_block (division->shard->plan, division->name, block, division->error);

  switch ((guint) block->kind)
    {
    case HR_BLOCK_ATTENTION:
      return divide_attention (division, &block->attention);

    case HR_BLOCK_MLP:
      if (!check_divides (division, "intermediate_size", block->mlp.intermediate_size))
        return FALSE;
      block->mlp.intermediate_size /= division->shard->tensor;
      return TRUE;

    case HR_BLOCK_MIXTURE:
      return divide_mixture (division, &block->mixture);

    case HR_BLOCK_MAMBA:
      return divide_channels (division, &block->mamba.intermediate_size);

    case HR_BLOCK_MAMBA2:
      return divide_mamba2 (division, &block->mamba2);

    case HR_BLOCK_GATED_DELTA:
      return divide_gated_delta (division, &block->gated_delta);

    case HR_BLOCK_SHORT_CONVOLUTION:
      return divide_channels (division, &block->short_convolution.hidden_size);

    case HR_BLOCK_COMPRESSED_ATTENTION:
      return divide_compressed_attention (division, &block->compressed);

    case HR_BLOCK_LINEAR:
      return divide_linear (division, &block->linear);

    case HR_BLOCK_TOKEN_EMBEDDING:
      return divide_vocabulary (division, &block->token_embedding.vocab_size);

    case HR_BLOCK_HEAD:
      return divide_vocabulary (division, &block->head.vocab_size);

    default:
      return TRUE;
    }
}

static gboolean
copy_chain (const Division *division,
            const HrChain  *chain,
            HrChain        *copy)
{
  *copy = (HrChain) { g_new0 (HrBlock, chain->n_blocks), chain->n_blocks };
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      copy->blocks[i] = chain->blocks[i];
      copy->blocks[i].path = g_strdup (chain->blocks[i].path);
      g_hash_table_insert (division->blocks, chain->blocks[i].path,
                           g_memdup2 (&(Divided) { &chain->blocks[i], &copy->blocks[i] }, sizeof (Divided)));
    }
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (!divide_block (division, &copy->blocks[i]))
        return FALSE;
    }

  return TRUE;
}

static gboolean
copy_sublayer (const Division    *division,
               const HrSublayer  *sublayer,
               HrSublayer        *copy)
{
  *copy = *sublayer;
  copy->shared = copy->after = (HrChain) { 0 };
  copy->branches = g_new0 (HrChain, sublayer->n_branches);
  if (!copy_chain (division, &sublayer->shared, &copy->shared) ||
      !copy_chain (division, &sublayer->after, &copy->after))
    return FALSE;

  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      if (!copy_chain (division, &sublayer->branches[i], &copy->branches[i]))
        return FALSE;
    }

  return TRUE;
}

static gboolean
copy_layer_class (const Division      *division,
                  const HrLayerClass  *layer_class,
                  HrLayerClass        *copy)
{
  *copy = (HrLayerClass) {
    .sublayers = g_new0 (HrSublayer, layer_class->n_sublayers), .n_sublayers = layer_class->n_sublayers,
    .skipped = layer_class->skipped,
  };
  for (guint i = 0; i < layer_class->n_sublayers; i++)
    {
      if (!copy_sublayer (division, &layer_class->sublayers[i], &copy->sublayers[i]))
        return FALSE;
    }

  return TRUE;
}

/* Which of the decoder's layers a layer of the stage is. */
static guint
get_layer (const HrShard *shard,
           guint          layer)
{
  return shard->layers != NULL ? shard->layers[layer] : shard->first_layer + layer;
}

/* The layers of the stage, of those classes that it has any of. */
static gboolean
copy_layers (const Division *division,
             const HrStack  *stack,
             HrStack        *copy)
{
  const HrShard *shard = division->shard;
  g_autofree guint *places = g_new (guint, stack->n_layer_classes);

  for (guint i = 0; i < stack->n_layer_classes; i++)
    places[i] = G_MAXUINT;
  copy->n_layers = shard->n_layers;
  copy->layer_class_of = g_new (guint, copy->n_layers);
  copy->layer_classes = g_new0 (HrLayerClass, stack->n_layer_classes);
  for (guint i = 0; i < copy->n_layers; i++)
    {
      guint klass = stack->layer_class_of[get_layer (shard, i)];

      if (places[klass] == G_MAXUINT)
        {
          places[klass] = copy->n_layer_classes++;
          if (!copy_layer_class (division, &stack->layer_classes[klass], &copy->layer_classes[places[klass]]))
            return FALSE;
        }
      copy->layer_class_of[i] = places[klass];
      copy->layer_classes[places[klass]].n_layers++;
    }

  return TRUE;
}

static gboolean
copy_stack (const Division *division,
            const HrStack  *stack,
            HrModelParts   *parts)
{
  HrStack *copy = g_new0 (HrStack, 1);

  *copy = *stack;
  copy->id = g_strdup (stack->id);
  copy->embeddings = copy->final = (HrChain) { 0 };
  copy->hands_on = NULL;
  copy->n_layer_classes = 0;
  copy->layer_class_of = NULL;
  copy->layer_classes = NULL;
  g_ptr_array_add (parts->stacks, copy);

  return (!division->shard->has_embedding || copy_chain (division, &stack->embeddings, &copy->embeddings)) &&
         copy_layers (division, stack, copy) &&
         (!division->shard->has_head || copy_chain (division, &stack->final, &copy->final));
}

/* What keeps a state of a sequence. */
static gboolean
has_state (const HrBlock *block)
{
  return block->kind == HR_BLOCK_MAMBA || block->kind == HR_BLOCK_MAMBA2 || block->kind == HR_BLOCK_GATED_DELTA ||
         block->kind == HR_BLOCK_SHORT_CONVOLUTION;
}

/*
 * All that is of channels or heads is divided, which is the rows of each tensor but for what reads them; norms of a
 * whole head are not.
 */
static int
find_divided_state (const HrTensor *tensor,
                    const HrBlock  *block)
{
  if (tensor->role == HR_TENSOR_ROLE_NORM)
    return block->kind == HR_BLOCK_MAMBA2 ? 0 : -1;
  if (tensor->module == HR_MODULE_OUTPUT || tensor->module == HR_MODULE_SELECTION)
    return tensor->n_dimensions == 2 ? 1 : -1;

  return 0;
}

/* All layers of a tower, each of which is divided as those of the decoder are, unless each rank has it whole. */
static gboolean
copy_tower (const Division *division,
            const HrStack  *stack,
            HrModelParts   *parts)
{
  HrShard whole = *division->shard;
  Division tower = *division;
  HrStack *copy;

  whole.first_layer = 0;
  whole.n_layers = stack->n_layers;
  whole.layers = NULL;
  if (whole.copies_towers)
    whole.tensor = 1;
  whole.has_embedding = whole.has_head = TRUE;
  tower.shard = &whole;
  if (!copy_stack (&tower, stack, parts))
    return FALSE;

  copy = g_ptr_array_index (parts->stacks, parts->stacks->len - 1);
  if (stack->hands_on != NULL)
    copy->hands_on = g_memdup2 (stack->hands_on, stack->n_layers * sizeof (gboolean));

  return TRUE;
}

/* Which dimension of a tensor is divided; -1: none is. */
static int
find_divided (const HrTensor *tensor,
              const HrBlock  *block)
{
  gboolean is_matrix = tensor->n_dimensions == 2;
  int outputs = is_matrix && tensor->is_transposed ? 1 : 0;

  if (has_state (block))
    return find_divided_state (tensor, block);
  if (block->kind == HR_BLOCK_LINEAR)
    return block->linear.divided == HR_LINEAR_WHOLE ? -1
           : block->linear.divided == HR_LINEAR_INPUTS ? 1 : 0;
  if (tensor->role == HR_TENSOR_ROLE_NORM)
    return -1;
  if (block->kind == HR_BLOCK_TOKEN_EMBEDDING || block->kind == HR_BLOCK_HEAD)
    return 0;

  switch ((guint) tensor->module)
    {
    case HR_MODULE_QUERY:
    case HR_MODULE_KEY:
    case HR_MODULE_VALUE:
    case HR_MODULE_KEY_VALUE:
    case HR_MODULE_QUERY_KEY_VALUE:
    case HR_MODULE_QUERY_EXPANSION:
    case HR_MODULE_EXPANSION:
    case HR_MODULE_GATE:
    case HR_MODULE_UP:
    case HR_MODULE_GATE_UP:
      return outputs;

    case HR_MODULE_OUTPUT:
    case HR_MODULE_DOWN:
      return is_matrix ? 1 - outputs : -1;

    default:
      return -1;
    }
}

/* Rows of which some are of groups that ranks share: those of the projection, and of the convolution. */
static guint64
divide_mamba2_size (const HrTensor *tensor,
                    const HrMamba2 *whole,
                    const HrMamba2 *part,
                    guint64         size)
{
  guint64 shared = 2 * whole->n_groups * whole->state_size;

  if (tensor->module != HR_MODULE_PROJECTION && size != whole->intermediate_size + shared)
    return size / (whole->num_heads / part->num_heads);

  return (size - shared) / (whole->num_heads / part->num_heads) + 2 * part->n_groups * part->state_size;
}

/* Of keys and values each rank has at least one head. */
static guint64
divide_size (const Division *division,
             const HrTensor *tensor,
             const HrBlock  *block,
             guint64         size)
{
  const HrAttention *attention = &block->attention;
  guint64 n_left;

  if (block->kind == HR_BLOCK_TOKEN_EMBEDDING || block->kind == HR_BLOCK_HEAD)
    return hr_shard_divide_vocabulary (division->shard, size);
  if (block->kind == HR_BLOCK_MIXTURE)
    return size / get_shared_ranks (division->shard);
  if (block->kind != HR_BLOCK_ATTENTION)
    return size / division->shard->tensor;

  n_left = divide_key_value_heads (division->shard, attention->num_key_value_heads);
  switch ((guint) tensor->module)
    {
    case HR_MODULE_KEY:
    case HR_MODULE_VALUE:
    case HR_MODULE_KEY_VALUE:
      return size / attention->num_key_value_heads * n_left;

    case HR_MODULE_QUERY_KEY_VALUE:
      return size / (attention->num_attention_heads + 2 * attention->num_key_value_heads) *
             (attention->num_attention_heads / division->shard->tensor + 2 * n_left);

    default:
      return size / division->shard->tensor;
    }
}

static gboolean
is_of_experts (const HrTensor *tensor)
{
  return tensor->module == HR_MODULE_EXPERT_GATE || tensor->module == HR_MODULE_EXPERT_UP ||
         tensor->module == HR_MODULE_EXPERT_GATE_UP || tensor->module == HR_MODULE_EXPERT_DOWN;
}

/* Tensors of one expert, of experts one below the other, or with experts as the first of three dimensions. */
static void
divide_expert_tensor (const HrShard *shard,
                      guint64        num_experts,
                      HrTensor      *tensor)
{
  guint64 n_held = count_held (shard, num_experts);
  guint64 n_tensor = MAX (shard->expert_tensor, 1);
  gboolean is_down = tensor->module == HR_MODULE_EXPERT_DOWN;
  guint outputs = tensor->n_dimensions - 2;

  if (tensor->n_items > 0)
    tensor->n_items = n_held;
  else
    tensor->shape[0] = tensor->shape[0] / num_experts * n_held;
  if (tensor->role == HR_TENSOR_ROLE_BIAS)
    {
      tensor->shape[tensor->n_dimensions - 1] /= is_down ? 1 : n_tensor;
      return;
    }
  if (tensor->n_items == 0 && tensor->n_dimensions == 2)
    {
      tensor->shape[0] /= n_tensor;
      return;
    }

  tensor->shape[is_down != (tensor->is_transposed && tensor->n_dimensions == 3) ? outputs + 1 : outputs] /= n_tensor;
}

/* Stages are of the decoder; what sees and hears is before all of them. */
static gboolean
is_of_tower (const HrShard  *shard,
             const HrTensor *tensor)
{
  return tensor->stack != HR_TENSOR_NO_STACK && tensor->stack != shard->stack;
}

static void
take_layers (const HrShard  *shard,
             const HrTensor *tensor,
             HrTensor       *copy)
{
  copy->layers = g_new (guint, MAX (tensor->n_layers, 1));
  copy->n_layers = 0;
  if (is_of_tower (shard, tensor))
    {
      copy->n_layers = tensor->n_layers;
      memcpy (copy->layers, tensor->layers, tensor->n_layers * sizeof (guint));
      return;
    }
  for (guint i = 0; i < tensor->n_layers; i++)
    {
      for (guint j = 0; j < shard->n_layers; j++)
        {
          if (tensor->layers[i] == get_layer (shard, j))
            copy->layers[copy->n_layers++] = j;
        }
    }
}

/* Adds what the rank has of a tensor. A head that is tied to a table that another stage has is a copy of it. */
static void
copy_tensor (const Division *division,
             const HrTensor *tensor,
             HrModelParts   *parts)
{
  const Divided *block = g_hash_table_lookup (division->blocks, tensor->block);
  g_autoptr (HrTensor) copy = NULL;
  int divided;

  if (block == NULL)
    return;

  copy = g_memdup2 (tensor, sizeof *tensor);
  copy->pattern = g_strdup (tensor->pattern);
  copy->tied_to = division->shard->has_embedding ? g_strdup (tensor->tied_to) : NULL;
  copy->block = block->part->path;
  copy->layers = NULL;
  if (tensor->n_layers > 0)
    {
      take_layers (division->shard, tensor, copy);
      if (copy->n_layers == 0)
        return;
    }

  divided = division->shard->plan == NULL && !(division->shard->copies_towers && is_of_tower (division->shard, tensor))
            ? find_divided (tensor, block->whole) : -1;
  if (division->shard->plan != NULL)
    hr_parallel_plan_divide_tensor (division->shard->plan, tensor, copy);
  if (division->shard->plan == NULL && is_of_experts (tensor))
    divide_expert_tensor (division->shard, block->whole->mixture.num_experts, copy);
  else if (divided >= 0)
    copy->shape[divided] = block->whole->kind == HR_BLOCK_MAMBA2
                             ? divide_mamba2_size (tensor, &block->whole->mamba2, &block->part->mamba2,
                                                   tensor->shape[divided])
                             : divide_size (division, tensor, block->whole, tensor->shape[divided]);
  copy->n_elements = 1;
  for (guint i = 0; i < copy->n_dimensions; i++)
    copy->n_elements *= copy->shape[i];
  g_ptr_array_add (parts->tensors, g_steal_pointer (&copy));
}

static void
add_tensor (HrModelParts *parts,
            guint         stack,
            guint         prediction,
            const char   *name,
            HrTensorRole  role,
            guint64       n_rows,
            guint64       n_columns)
{
  HrTensor *tensor = g_new0 (HrTensor, 1);

  tensor->pattern = g_strdup_printf ("mtp.layers.%u.%s", prediction, name);
  tensor->n_dimensions = n_columns > 0 ? 2 : 1;
  tensor->shape[0] = n_rows;
  tensor->shape[1] = n_columns;
  tensor->n_elements = n_rows * MAX (n_columns, 1);
  tensor->stack = stack;
  tensor->role = role;
  tensor->part = role == HR_TENSOR_ROLE_LINEAR ? HR_PART_OTHER : HR_PART_NORM;
  g_ptr_array_add (parts->tensors, tensor);
}

static const HrBlock *
find_norm (const HrChain *chain)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == HR_BLOCK_NORM)
        return &chain->blocks[i];
    }

  return NULL;
}

/*
 * MultiTokenPredictionLayer of megatron/core/transformer/multi_token_prediction.py, beside its layer: a norm of the
 * tokens, one of what the layer before has made, a matrix for both, of which each rank has some rows, and a last norm.
 */
static void
add_prediction (const HrShard      *self,
                const HrModelParts *whole,
                guint               prediction,
                HrModelParts       *parts)
{
  static const char * const norms[] = { "enorm", "hnorm", "final_layernorm" };
  const HrStack *stack = g_ptr_array_index (whole->stacks, self->stack);
  const HrBlock *norm = find_norm (&stack->final);
  guint64 size = norm != NULL ? norm->norm.size : 0;

  for (guint i = 0; i < G_N_ELEMENTS (norms) && norm != NULL; i++)
    {
      g_autofree char *weight = g_strdup_printf ("%s.weight", norms[i]);
      g_autofree char *bias = g_strdup_printf ("%s.bias", norms[i]);

      add_tensor (parts, self->stack, prediction, weight, HR_TENSOR_ROLE_NORM, size, 0);
      if (norm->norm.has_bias)
        add_tensor (parts, self->stack, prediction, bias, HR_TENSOR_ROLE_NORM, size, 0);
    }
  if (norm != NULL)
    add_tensor (parts, self->stack, prediction, "eh_proj.weight", HR_TENSOR_ROLE_LINEAR, size / self->tensor, 2 * size);
}

static void
untie_head (HrChain *head)
{
  for (guint i = 0; i < head->n_blocks; i++)
    {
      if (head->blocks[i].kind == HR_BLOCK_HEAD)
        head->blocks[i].head.tied = FALSE;
    }
}

/*
 * hr_shard_divide:
 * @self: what the rank has
 * @whole: the parts of a model
 * @name: the name of the model
 * @parts: (out): what the rank has of them
 * @error: return location for an error
 *
 * Takes the parts of a model apart. @parts are to be cleared in either case.
 *
 * Returns: whether its sizes can be divided
 */
gboolean
hr_shard_divide (const HrShard       *self,
                 const HrModelParts  *whole,
                 const char          *name,
                 HrModelParts        *parts,
                 GError             **error)
{
  g_autoptr (GHashTable) blocks = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  const Division division = { self, name, blocks, error };

  hr_model_parts_init (parts);
  parts->buffer_bytes = whole->buffer_bytes;
  parts->counted_only = whole->counted_only;
  parts->served_by = g_strdupv (whole->served_by);
  g_array_append_vals (parts->cast_buffers, whole->cast_buffers->data, whole->cast_buffers->len);
  for (guint i = 0; i < whole->stacks->len; i++)
    {
      const HrStack *stack = g_ptr_array_index (whole->stacks, i);

      if (!(i == self->stack ? copy_stack (&division, stack, parts) : copy_tower (&division, stack, parts)))
        return FALSE;
    }
  if (self->has_head && !copy_chain (&division, &whole->head, &parts->head))
    return FALSE;

  if (!self->has_embedding)
    untie_head (&parts->head);
  for (guint i = 0; i < whole->tensors->len; i++)
    copy_tensor (&division, g_ptr_array_index (whole->tensors, i), parts);
  for (guint i = 0; i < self->n_predictions; i++)
    add_prediction (self, whole, i, parts);

  return TRUE;
}

/* Returns: the place of a layer among those of a row; their number if it is not among them */
static guint
find_layer (const HrTensor *tensor,
            guint           layer)
{
  guint i = 0;

  while (i < tensor->n_layers && tensor->layers[i] != layer)
    i++;

  return i;
}

/*
 * hr_shard_is_part:
 * @self: what the rank has
 * @whole: a row of tensors of the model
 * @part: a row of what the rank has
 *
 * Tells rows apart that are called alike, as those of layers of several classes are.
 *
 * Returns: whether @part is of @whole
 */
gboolean
hr_shard_is_part (const HrShard  *self,
                  const HrTensor *whole,
                  const HrTensor *part)
{
  guint first = part->n_layers == 0 ? 0
                : is_of_tower (self, part) ? part->layers[0] : get_layer (self, part->layers[0]);

  return strcmp (whole->pattern, part->pattern) == 0 &&
         (part->n_layers == 0 || find_layer (whole, first) < whole->n_layers);
}

/*
 * hr_shard_list_copies:
 * @self: what the rank has
 * @whole: a tensor of the model
 * @part: what the rank has of it
 * @n_copies: (out): how many tensors @part stands for
 *
 * Lists which of the tensors that a row of the model stands for the rank has, or has a share of. Of experts these are
 * the first: which a rank has makes no difference to their sizes.
 *
 * Returns: (transfer full) (array length=n_copies): the tensors
 */
guint *
hr_shard_list_copies (const HrShard  *self,
                      const HrTensor *whole,
                      const HrTensor *part,
                      guint          *n_copies)
{
  guint *copies = g_new (guint, hr_tensor_get_copies (part));
  guint n_whole = hr_tensor_get_copies_of_layer (whole);
  guint n_part = hr_tensor_get_copies_of_layer (part);

  *n_copies = hr_tensor_get_copies (part);
  for (guint i = 0; i < *n_copies; i++)
    {
      guint layer = part->n_layers > 0 ? part->layers[i / n_part] : 0;

      if (!is_of_tower (self, part))
        layer = get_layer (self, layer);
      copies[i] = (part->n_layers > 0 ? find_layer (whole, layer) : 0) * n_whole + i % n_part;
    }

  return copies;
}
