/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-layout-parts.h"

#include <math.h>
#include <string.h>

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-model-private.h"
#include "hr-precision-recipe.h"

/*
 * The memory of a rank as a sum of parts, each of which is worked out once, so that a layout takes no longer than a few
 * additions. Parameters are counted tensor by tensor from the model that a rank has (hr-shard). What a layer keeps and
 * what exists for a moment is written down from the functions of Megatron-LM's layers with Transformer Engine:
 *
 * - norms, attention, perceptron and loss as hr-replay-megatron replays them, of which Korthikanti et al.
 *   (arXiv:2205.05198, section 4 and table 2) count the same tensors but for what fused attention and gates keep;
 * - attention over a sequence that is divided as transformer_engine/pytorch/attention/dot_product_attention/
 *   context_parallel.py has it (AttnFuncWithCPAndKVP2P): a buffer of keys and values, and an output, for each rank;
 * - latent attention after megatron/core/transformer/multi_latent_attention.py (MLASelfAttention);
 * - experts after megatron/core/transformer/moe (MoEAlltoAllTokenDispatcher, TEGroupedMLP, SharedExpertMLP), for tokens
 *   that are spread evenly (DeepSeek-V3, arXiv:2412.19437, section 2.1.2, balances them so); ranks that share a layer
 *   have experts of their own (--expert-tensor-parallel-size 1);
 * - ZeRO by what it divides (Rajbhandari et al., arXiv:1910.02054, section 5): optimizer states, gradients, parameters.
 *   Where gradients or parameters are divided, two layers' are there whole, one that runs and one on its way
 *   (megatron/core/distributed/fsdp).
 */

#define FP32_BYTES 4
#define N_LAYERS_GATHERED 2
#define INPUT_BYTES 16          /* the ids of a token and of the one that it shall predict */
#define VOCABULARY_MULTIPLE 128
#define INDEX_BYTES 8
#define FEW_ROWS 3072
#define ROWS_PER_SUM 10

/* What ranks have of the parameters, where so many share a layer. */
typedef struct
{
  gboolean is_there;
  double *dense;                /* of a layer of each class */
  double *experts;              /* likewise, those of all routed experts */
  double embedding;
  double final;                 /* what follows the layers, the head left out */
  double head;
  gboolean is_tied;
} Share;

struct _HrLayoutParts
{
  guint n_layers;
  guint n_classes;
  guint *class_of;
  HrLayerSizes *layers;
  Share *shares;                /* by how many ranks share a layer */
  guint max_tensor;
  guint64 n_experts;
  gboolean groups_products;
  guint n_loss_copies;          /* of the logits in fp32 */
  guint64 n_deferred;           /* micro-batches whose gradient of the head's matrix waits */
  guint64 n_tokens;
  HrModelSizes model;
  guint optimizer_bytes;        /* master weights and states of a parameter */
};

/* Layers of a norm and an attention, a norm and a perceptron or experts. */
static const HrBlock *
find_block (const HrLayerClass *klass,
            HrBlockKind         kind)
{
  const HrBlock *found = NULL;

  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      for (guint j = 0; j < klass->sublayers[i].n_branches; j++)
        {
          const HrChain *chain = &klass->sublayers[i].branches[j];

          for (guint k = 0; k < chain->n_blocks; k++)
            {
              if (chain->blocks[k].kind == kind)
                found = &chain->blocks[k];
            }
        }
    }

  return found;
}

static gboolean
knows_class (const HrLayerClass *klass)
{
  const HrBlock *attention = find_block (klass, HR_BLOCK_ATTENTION);

  return !klass->skipped && klass->n_sublayers == 2 && attention != NULL && !attention->attention.is_cross &&
         attention->attention.index_num_heads == 0 &&
         (find_block (klass, HR_BLOCK_MLP) != NULL || find_block (klass, HR_BLOCK_MIXTURE) != NULL);
}

static gboolean
check_model (HrModel  *model,
             GError  **error)
{
  const HrStack *stack;
  gboolean is_known = hr_model_get_n_stacks (model) == 1;

  if (!hr_model_check_can_be_estimated (model, error))
    return FALSE;

  stack = hr_model_get_stack (model, 0);
  is_known = is_known && stack->role == HR_STACK_DECODER;
  for (guint i = 0; i < stack->n_layer_classes && is_known; i++)
    is_known = knows_class (&stack->layer_classes[i]);
  if (is_known)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("“%s”: expected a decoder alone, whose layers are attention to all tokens before and a "
                           "perceptron or experts, as layouts of others are not known; found others"),
                        hr_model_get_name (model));

  return FALSE;
}

static void
take_attention (HrLayerSizes      *self,
                const HrAttention *attention)
{
  double values = attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;

  self->hidden = attention->hidden_size;
  self->heads = attention->num_attention_heads;
  self->groups = attention->num_key_value_heads;
  self->query = self->heads * attention->head_dim;
  self->key = (double) attention->num_key_value_heads * attention->head_dim;
  self->value = attention->num_key_value_heads * values;
  self->context = self->heads * values;
  self->mask = attention->has_output_dropout;
  self->rotated = attention->position != HR_POSITION_LEARNED ? attention->rotary_dim : 0;
  self->window = attention->sliding_window;
  if (attention->qk_norm != HR_QK_NORM_NONE)
    self->head_statistics = attention->qk_norm_kind == HR_NORM_LAYER ? 2 : 1;
  if (attention->latent_size > 0)
    self->latent = attention->latent_size + attention->query_latent_size + attention->rotary_dim;
}

/*
 * hr_megatron_mixture: the scores of all experts in fp32, where a softmax is one of all of them, or sigmoids are taken;
 * the order of all pairs of a token and an expert, up to those that are chosen, which is kept whole; of those that are
 * chosen their indices, their rows and their weights, and what norms these.
 */
static double
count_router (const HrMixture *mixture,
              double           element)
{
  gboolean is_sigmoid = mixture->scores == HR_ROUTER_SIGMOID;
  gboolean is_before = !is_sigmoid && !mixture->softmax_after && mixture->scores_norm == HR_ROUTER_NORM_NONE;
  double logit = mixture->fp32_router ? FP32_BYTES : element;
  double chosen = 2 * INDEX_BYTES + logit + (is_before ? 0 : FP32_BYTES);

  return mixture->num_experts * (INDEX_BYTES + (is_sigmoid || is_before ? FP32_BYTES : 0)) +
         mixture->num_experts_per_tok * chosen + (is_sigmoid ? FP32_BYTES : 0);
}

static void
take_layer (HrLayerSizes       *self,
            const HrLayerClass *klass,
            double              element)
{
  const HrBlock *norm = find_block (klass, HR_BLOCK_NORM);
  const HrBlock *perceptron = find_block (klass, HR_BLOCK_MLP);
  const HrBlock *mixture = find_block (klass, HR_BLOCK_MIXTURE);

  take_attention (self, &find_block (klass, HR_BLOCK_ATTENTION)->attention);
  self->norm_statistics = norm != NULL && norm->norm.kind == HR_NORM_LAYER ? 2 : 1;
  if (mixture == NULL)
    {
      self->inner = perceptron->mlp.intermediate_size;
      self->n_inner = perceptron->mlp.gated ? 2 : 1;
      return;
    }

  self->inner = mixture->mixture.shared_intermediate_size;
  self->n_inner = mixture->mixture.gate == HR_EXPERT_GATE_NONE ? 1 : 2;
  self->experts = mixture->mixture.num_experts;
  self->active = mixture->mixture.num_experts_per_tok;
  self->expert_inner = mixture->mixture.intermediate_size;
  self->router = count_router (&mixture->mixture, element);
}

/* Adds a row of the model that a rank has, to what it is of. */
static void
add_tensor (HrLayoutParts  *self,
            const HrStack  *stack,
            const HrTensor *tensor,
            Share          *share)
{
  double elements = (double) tensor->n_elements * hr_tensor_get_copies_of_layer (tensor);

  if (tensor->n_layers == 0 && tensor->stack == HR_TENSOR_NO_STACK)
    {
      share->head += elements;
      share->is_tied |= tensor->tied_to != NULL;
    }
  else if (tensor->n_layers == 0 && tensor->part == HR_PART_EMBEDDING)
    share->embedding += elements;
  else if (tensor->n_layers == 0)
    share->final += elements;

  for (guint i = 0; i < tensor->n_layers; i++)
    {
      guint klass = stack->layer_class_of[tensor->layers[i]];
      double *sums = tensor->n_experts > 0 ? share->experts : share->dense;

      sums[klass] += elements / stack->layer_classes[klass].n_layers;
    }
}

/* What matrices compute for a token; of experts those that it is sent to. */
static void
add_operations (HrLayoutParts  *self,
                const HrStack  *stack,
                const HrTensor *tensor)
{
  double operations = 2.0 * tensor->n_elements * hr_tensor_get_copies_of_layer (tensor);

  if (tensor->role != HR_TENSOR_ROLE_LINEAR && tensor->role != HR_TENSOR_ROLE_EXPERT &&
      tensor->role != HR_TENSOR_ROLE_ROUTER)
    return;

  for (guint i = 0; i < tensor->n_layers; i++)
    {
      guint klass = stack->layer_class_of[tensor->layers[i]];
      double each = operations / stack->layer_classes[klass].n_layers;

      if (tensor->n_experts > 0)
        self->layers[klass].expert_matrices += each * tensor->n_active_experts / tensor->n_experts;
      else
        self->layers[klass].matrices += each;
    }
}

static gboolean
take_share (HrLayoutParts  *self,
            HrModel        *model,
            guint           tensor,
            GError        **error)
{
  const HrStack *stack = hr_model_get_stack (model, 0);
  const HrShard shard = {
    .tensor = tensor, .vocabulary_multiple = VOCABULARY_MULTIPLE * tensor, .n_layers = stack->n_layers,
    .has_embedding = TRUE, .has_head = TRUE,
  };
  g_autoptr (HrModel) part = _hr_model_new_shard (model, &shard, error);
  Share *share = &self->shares[tensor];

  if (part == NULL)
    return FALSE;

  share->is_there = TRUE;
  share->dense = g_new0 (double, self->n_classes);
  share->experts = g_new0 (double, self->n_classes);
  for (guint i = 0; i < hr_model_get_n_tensors (part); i++)
    add_tensor (self, stack, hr_model_get_tensor (part, i), share);
  for (guint i = 0; tensor == 1 && i < hr_model_get_n_tensors (model); i++)
    add_operations (self, stack, hr_model_get_tensor (model, i));

  return TRUE;
}

/* What the recipe and the optimizer hold of a parameter. */
static gboolean
take_precision (HrLayoutParts  *self,
                HrModel        *model,
                HrTrainingJob  *job,
                GError        **error)
{
  g_autoptr (HrJob) copy = hr_job_copy (HR_JOB (job));
  HrTrainingJob *resolved = HR_TRAINING_JOB (copy);
  HrOptimizerKind optimizer = hr_training_job_get_optimizer (job);
  g_autofree char *name = hr_job_get_as_string (HR_JOB (job), "optimizer");
  gboolean has_master;
  HrDtype dtype;
  guint n_states;

  if (!hr_precision_recipe_apply (resolved, model, error))
    return FALSE;

  /* What others keep of a part of a matrix is not what they keep of all of it. */
  if (optimizer == HR_OPTIMIZER_KIND_ADAMW || optimizer == HR_OPTIMIZER_KIND_ADAM)
    n_states = 2;
  else if (optimizer == HR_OPTIMIZER_KIND_SGD_MOMENTUM || optimizer == HR_OPTIMIZER_KIND_LION)
    n_states = 1;
  else if (optimizer == HR_OPTIMIZER_KIND_SGD)
    n_states = 0;
  else
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("optimizer: expected adamw, adam, sgd, sgd-momentum or lion, as what others keep of a "
                               "part of a matrix is not known; found %s"), name);
      return FALSE;
    }

  dtype = hr_job_get_dtype (copy) != HR_DTYPE_AUTO ? hr_job_get_dtype (copy) : hr_model_get_dtype (model);
  if (dtype == HR_DTYPE_AUTO)
    dtype = HR_DTYPE_FLOAT32;
  self->model.element = hr_dtype_get_bits (dtype) / 8;
  has_master = hr_training_job_get_master_dtype (resolved) == HR_MASTER_DTYPE_FLOAT32;
  self->model.gradient = self->model.element;
  if (hr_training_job_get_gradient_dtype (resolved) == HR_GRADIENT_DTYPE_FLOAT32)
    self->model.gradient = FP32_BYTES;
  else if (hr_training_job_get_gradient_dtype (resolved) == HR_GRADIENT_DTYPE_BOTH)
    self->model.gradient += FP32_BYTES;
  self->optimizer_bytes = (has_master ? FP32_BYTES : 0) + n_states * (has_master ? FP32_BYTES : self->model.element);

  return TRUE;
}

static gboolean
check_job (HrTrainingJob  *job,
           GError        **error)
{
  HrAttentionImplementation attention = hr_job_get_attention (HR_JOB (job));
  g_autofree char *found = hr_job_get_as_string (HR_JOB (job), "attention");
  g_autofree char *predictions = hr_job_get_as_string (HR_JOB (job), "mtp-num-layers");

  if (hr_training_job_get_mtp_num_layers (job) > 0)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("mtp-num-layers: expected 0, as layouts are planned without layers that predict tokens "
                               "further on; found %s"), predictions);
      return FALSE;
    }
  if (attention != HR_ATTENTION_IMPLEMENTATION_EAGER && attention != HR_ATTENTION_IMPLEMENTATION_SDPA_MATH)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("attention: expected sdpa or flash, as layouts are planned with attention in one kernel; "
                           "found %s"), found);

  return FALSE;
}

/*
 * hr_layout_parts_new:
 * @model: a model
 * @job: a job of training
 * @max_tensor: how many ranks may share a layer at the most
 * @error: return location for an error
 *
 * Takes a model and a job apart.
 *
 * Returns: (transfer full): the parts, or %NULL with @error set where layouts of such a job are not known
 */
HrLayoutParts *
hr_layout_parts_new (HrModel        *model,
                     HrTrainingJob  *job,
                     guint           max_tensor,
                     GError        **error)
{
  g_autoptr (HrLayoutParts) self = NULL;
  const HrStack *stack;

  if (!check_model (model, error) || !check_job (job, error))
    return NULL;

  self = g_new0 (HrLayoutParts, 1);
  stack = hr_model_get_stack (model, 0);
  self->n_layers = stack->n_layers;
  self->n_classes = stack->n_layer_classes;
  self->class_of = g_memdup2 (stack->layer_class_of, sizeof *stack->layer_class_of * stack->n_layers);
  self->layers = g_new0 (HrLayerSizes, self->n_classes);
  self->n_tokens = hr_training_job_get_sequence_length (job);
  if (!take_precision (self, model, job, error))
    return NULL;
  for (guint i = 0; i < self->n_classes; i++)
    {
      take_layer (&self->layers[i], &stack->layer_classes[i], self->model.element);
      self->n_experts = MAX (self->n_experts, self->layers[i].experts);
    }
  self->n_loss_copies =
    hr_training_job_get_loss_implementation (job) == HR_LOSS_IMPLEMENTATION_MEGATRON_FUSED ? 2 : 1;
  self->n_deferred = hr_training_job_get_deferred_head_gradients (job);
  self->groups_products = self->n_experts > 0 && hr_training_job_get_moe_grouped_gemm (job);

  self->max_tensor = MIN (max_tensor, self->layers[0].heads);
  self->shares = g_new0 (Share, self->max_tensor + 1);
  if (!take_share (self, model, 1, error))
    return NULL;
  for (guint i = 2; i <= self->max_tensor; i++)
    {
      if ((guint) self->layers[0].heads % i == 0)
        take_share (self, model, i, NULL);
    }

  self->model.hidden = self->layers[0].hidden;
  self->model.vocabulary = self->shares[1].head / self->layers[0].hidden;

  return g_steal_pointer (&self);
}

void
hr_layout_parts_free (HrLayoutParts *self)
{
  for (guint i = 0; self->shares != NULL && i <= self->max_tensor; i++)
    {
      g_free (self->shares[i].dense);
      g_free (self->shares[i].experts);
    }
  g_free (self->shares);
  g_free (self->layers);
  g_free (self->class_of);
  g_free (self);
}

/* Returns: whether so many ranks can share a layer */
gboolean
hr_layout_parts_has_tensor (const HrLayoutParts *self,
                            guint                tensor)
{
  return tensor <= self->max_tensor && self->shares[tensor].is_there;
}

guint
hr_layout_parts_get_n_layers (const HrLayoutParts *self)
{
  return self->n_layers;
}

guint
hr_layout_parts_get_n_classes (const HrLayoutParts *self)
{
  return self->n_classes;
}

/* Returns: how many ranks can share a layer at the most */
guint
hr_layout_parts_get_max_tensor (const HrLayoutParts *self)
{
  return self->max_tensor;
}

/* Returns: (transfer full): how the layers are divided into stages, of which each part has as many */
HrDivision *
hr_layout_parts_divide (const HrLayoutParts *self,
                        const HrLayout      *layout)
{
  return hr_division_new (layout, self->class_of, self->n_layers, self->n_classes);
}

/*
 * Returns: operations of a token’s attention itself in the forward pass: it attends to half of a sequence on the
 * average, or to a window; the kernel leaves the others out
 */
double
hr_layout_parts_get_attention (const HrLayoutParts *self,
                               const HrLayerSizes  *sizes)
{
  double seen = self->n_tokens / 2.0;

  if (sizes->window > 0)
    seen = fmin (seen, sizes->window);

  return 2 * seen * (sizes->query + sizes->context);
}

/* Returns: operations of a forward pass for a token, those of attention to half of a sequence included */
double
hr_layout_parts_get_operations (const HrLayoutParts *self)
{
  double operations = 2.0 * self->model.vocabulary * self->model.hidden;

  for (guint i = 0; i < self->n_layers; i++)
    {
      const HrLayerSizes *layer = &self->layers[self->class_of[i]];

      operations += layer->matrices + layer->expert_matrices + hr_layout_parts_get_attention (self, layer);
    }

  return operations;
}

/* Returns: how many routed experts a layer has, or 0 */
guint64
hr_layout_parts_get_n_experts (const HrLayoutParts *self)
{
  return self->n_experts;
}

/* Returns: whether the matrices of all experts of a rank are multiplied at once */
gboolean
hr_layout_parts_groups_products (const HrLayoutParts *self)
{
  return self->groups_products;
}

/* Returns: whether ranks that share a sequence can exchange its tokens for the heads that a rank has of each layer */
gboolean
hr_layout_parts_can_exchange (const HrLayoutParts *self,
                              const HrLayout      *layout)
{
  if (layout->context % layout->exchange != 0)
    return FALSE;

  for (guint i = 0; i < self->n_classes && layout->exchange > 1; i++)
    {
      guint64 n_heads = self->layers[i].heads / layout->tensor;
      guint64 n_groups = MAX (1, (guint64) self->layers[i].groups / layout->tensor);

      if (n_heads % layout->exchange != 0 || n_groups % layout->exchange != 0)
        return FALSE;
    }

  return TRUE;
}

/* Returns: how many tokens a sequence has */
guint64
hr_layout_parts_get_n_tokens (const HrLayoutParts *self)
{
  return self->n_tokens;
}

const HrLayerSizes *
hr_layout_parts_get_layer (const HrLayoutParts *self,
                           guint                klass)
{
  return &self->layers[klass];
}

const HrModelSizes *
hr_layout_parts_get_model (const HrLayoutParts *self)
{
  return &self->model;
}

/*
 * hr_layout_parts_get_parameters:
 * @self: the parts
 * @layout: a layout
 * @counts: how many layers of each class the stage has
 * @stage: the stage
 * @sizes: (out): the parameters
 *
 * Counts the parameters of a rank of a stage.
 */
void
hr_layout_parts_get_parameters (const HrLayoutParts *self,
                                const HrLayout      *layout,
                                const guint         *counts,
                                guint                stage,
                                HrStageSizes        *sizes)
{
  const Share *share = &self->shares[layout->tensor];

  *sizes = (HrStageSizes) { 0 };
  for (guint i = 0; i < self->n_classes; i++)
    {
      sizes->dense += counts[i] * share->dense[i];
      sizes->experts += counts[i] * share->experts[i] / layout->expert;
    }
  if (stage == 0)
    sizes->dense += share->embedding;
  if (stage + 1 == layout->pipeline)
    {
      sizes->dense += share->final;
      if (stage > 0 || !share->is_tied)
        sizes->dense += share->head;
    }
}

/* What a layer keeps of the tokens of a micro-batch, and what it takes at the most beside what all layers keep. */
typedef struct
{
  double kept;
  double passing;
} LayerBytes;

/* What each rank has of what lies between the matrices. */
typedef struct
{
  const HrLayerSizes *sizes;
  double element;
  double between;       /* ranks that divide what lies between the matrices */
  double tensor;
  double groups;        /* ranks that divide the heads of keys and values, of which each has one at least */
  double context;
  double ring;          /* ranks that a sequence goes round; the others exchange its tokens for heads */
  double held;          /* experts of a rank */
  gboolean sends;       /* whether tokens are sent among ranks that share experts */
  double exchange;
  gboolean is_batched;  /* whether there are several sequences */
} Sharing;

/* Of a token: what goes into a norm and comes out of it, and its statistics. */
static double
count_norm (const Sharing *self)
{
  return (2 * self->element * self->sizes->hidden + FP32_BYTES * self->sizes->norm_statistics) / self->between;
}

/*
 * Queries and keys are rotated into tensors of their own, where positions rotate them, while the values are a view of
 * what the one matrix has made. Where a sequence is shared what has gone round is kept instead, of one sequence only if
 * it is not computed anew; and a copy of the result with the tokens first, where there are several sequences (of the
 * values too, where it is computed anew) or heads have been exchanged. A latent attention turns queries in place, and
 * joins the parts of keys into new ones, beside which what they are joined of is not kept.
 */
static double
count_attention (const Sharing *self,
                 gboolean       computes_anew)
{
  const HrLayerSizes *sizes = self->sizes;
  double query = sizes->query / self->tensor;
  double key = sizes->key / self->groups, value = sizes->value / self->groups;
  double mixed = query + key + value;
  double rotated = sizes->rotated > 0 ? query + key : 0;
  gboolean goes_round = self->context > 1 && (self->is_batched || !computes_anew);
  double heads = goes_round ? mixed : rotated + mixed;
  double latents = 0;

  if (sizes->latent > 0)
    {
      heads = mixed;
      latents = 2 * self->element * sizes->latent / self->between;
    }
  /* What norms of heads read is copied out of the one matrix. */
  if (sizes->head_statistics > 0)
    heads += query + key;
  if (self->context > 1 && (self->is_batched || (self->exchange > 1 && !computes_anew)))
    heads += sizes->context / self->tensor + (computes_anew ? value : 0);

  return count_norm (self) + latents + self->element * (heads + sizes->context / self->tensor) +
         FP32_BYTES * sizes->head_statistics * (sizes->heads / self->tensor + sizes->groups / self->groups) +
         (computes_anew ? 0 : FP32_BYTES * sizes->heads / self->tensor) + sizes->mask * sizes->hidden / self->between;
}

/* What goes into the activation and what comes out of it. */
static double
count_inner (const Sharing *self)
{
  return self->element * (self->sizes->n_inner + 1) * self->sizes->inner / self->tensor;
}

/* Tokens as often as they are sent, and what experts make of them. */
static double
count_sent (const Sharing *self)
{
  const HrLayerSizes *sizes = self->sizes;

  return self->element * sizes->active * (sizes->hidden + (sizes->n_inner + 1) * sizes->expert_inner) / self->between;
}

/* Beside them what choosing experts keeps. */
static double
count_experts (const Sharing *self)
{
  return count_sent (self) + self->sizes->router / self->between;
}

/* What lies between the matrices is gathered where ranks divide it. */
static double
count_gathered (const Sharing *self)
{
  return self->between > 1 ? self->element * self->sizes->hidden : 0;
}

/*
 * What the backward pass of the perceptron takes beside what all layers keep. While its last matrix is differentiated:
 * a copy of the gradient of that, the gradients of what came out, gathered, and of what went in. While the activation
 * is: its gradient and that of its input beside its input, but its result is not there any more. While the first matrix
 * is: a copy of its gradient, what it read, gathered anew, and what goes back.
 */
static double
count_perceptron_passing (const Sharing *self,
                          double         n_tokens)
{
  const HrLayerSizes *sizes = self->sizes;
  double residual = self->element * sizes->hidden / self->between;
  double inner = self->element * sizes->inner / self->tensor;
  double last = inner * sizes->hidden + n_tokens * (residual + inner + count_gathered (self));
  double activation = n_tokens * (residual + sizes->n_inner * inner);
  double first = sizes->n_inner * inner * sizes->hidden +
                 n_tokens * (residual + 2 * count_gathered (self) - inner +
                             (self->between > 1 ? residual : self->element * sizes->hidden));

  return fmax (last, fmax (activation, first));
}

/*
 * Likewise, of experts, whose tokens are there as often as they are sent, and twice while they are, or while those of a
 * rank's experts are put together; of shared ones what goes back as well.
 */
static double
count_experts_passing (const Sharing *self,
                       double         n_tokens)
{
  const HrLayerSizes *sizes = self->sizes;
  double residual = self->element * sizes->hidden / self->between;
  double inner = self->element * sizes->active * sizes->expert_inner / self->between;
  double sent = self->element * sizes->active * sizes->hidden / self->between;
  double copy = self->element * sizes->n_inner * sizes->expert_inner * sizes->hidden * self->held;
  double moved = self->sends ? 2 * (residual + sent) : self->held > 1 ? residual + 2 * sent : 0;

  return fmax (n_tokens * fmax (residual + sizes->n_inner * inner, moved),
               copy + n_tokens * (2 * residual + sent - inner));
}

/*
 * Of an expert that reads all tokens, which is differentiated after the others: nothing is kept for them any more, and
 * what goes back from them waits.
 */
static double
count_shared_passing (const Sharing *self,
                      double         n_tokens)
{
  double residual = self->element * self->sizes->hidden / self->between;

  if (self->sizes->inner == 0)
    return 0;

  return count_perceptron_passing (self, n_tokens) + n_tokens * (residual - count_sent (self));
}

/* The forward pass of a ring holds a buffer of keys and values and an output of each of its ranks. */
static double
count_ring (const Sharing *self)
{
  const HrLayerSizes *sizes = self->sizes;

  return self->ring > 1
           ? self->ring * (self->element * (sizes->key + sizes->value) / self->groups +
                              (self->element * sizes->context + FP32_BYTES * sizes->heads) / self->tensor)
           : 0;
}

static void
count_layer (const HrLayoutParts *self,
             const HrLayoutStep  *step,
             guint                klass,
             double               n_tokens,
             LayerBytes          *bytes)
{
  const HrLayout *layout = &step->layout;
  const HrLayerSizes *sizes = &self->layers[klass];
  const Sharing sharing = {
    .sizes = sizes, .element = self->model.element, .between = layout->divides_sequence ? layout->tensor : 1,
    .tensor = layout->tensor, .groups = MIN (layout->tensor, sizes->groups), .context = layout->context,
    .ring = layout->context / MAX (layout->exchange, 1), .exchange = layout->exchange,
    .held = sizes->experts / layout->expert, .sends = layout->expert > 1,
    .is_batched = step->micro_batch > 1,
  };
  gboolean is_full = step->checkpointing == HR_GRADIENT_CHECKPOINTING_FULL;
  double attention = count_attention (&sharing, step->checkpointing == HR_GRADIENT_CHECKPOINTING_SELECTIVE);
  double perceptron = count_norm (&sharing) + count_inner (&sharing) +
                      sizes->mask * sizes->hidden / sharing.between +
                      (sizes->experts > 0 ? count_experts (&sharing) : 0);
  double all = attention + perceptron;

  bytes->kept = n_tokens * (is_full ? sharing.element * sizes->hidden / sharing.between : all);
  bytes->passing = sizes->experts > 0 ? fmax (count_experts_passing (&sharing, n_tokens),
                                              count_shared_passing (&sharing, n_tokens))
                                      : count_perceptron_passing (&sharing, n_tokens);
  if (is_full)
    bytes->passing += n_tokens * (all + sharing.element * sizes->hidden / sharing.between) - bytes->kept;

  /* A ring is at its highest while its layer is computed, of which nothing else is kept yet. */
  bytes->passing = fmax (bytes->passing, n_tokens * count_ring (&sharing));
}

/*
 * The copy of the logits in fp32 which becomes their gradient, beside them or that gradient in their type, and where
 * the loss is compiled (hr_megatron_loss) another in fp32; or the gradient, what the output layer reads and what goes
 * back from it, and a copy of the gradient of its matrix.
 */
static double
count_loss (const HrLayoutParts *self,
            const HrLayout      *layout,
            double               n_tokens)
{
  double hidden = self->model.hidden, element = self->model.element;
  double between = layout->divides_sequence ? layout->tensor : 1;
  double words = self->shares[layout->tensor].head / hidden;
  double norm = n_tokens * (2 * element * hidden + FP32_BYTES) / between;
  double in_loss = n_tokens * words * (element + self->n_loss_copies * FP32_BYTES);
  double back = between > 1 ? 2 + 1 / between : 1;
  double in_head = element * (n_tokens * (words + back * hidden) + words * hidden);

  return norm + fmax (in_loss, in_head);
}

/* The parameters that a rank has of the layer that has most, gathered from those that have the same. */
static double
count_largest_layer (const HrLayoutParts *self,
                     const HrLayout      *layout)
{
  const Share *share = &self->shares[layout->tensor];
  double largest = 0;

  for (guint i = 0; i < self->n_classes; i++)
    largest = fmax (largest, share->dense[i] + share->experts[i] / layout->expert);

  return largest;
}

/* Parameters, gradients and states of the optimizer, as ZeRO divides them. */
static double
count_states (const HrLayoutParts *self,
              const HrLayout      *layout,
              const HrStageSizes  *sizes)
{
  guint64 n_same = hr_layout_count_sharers (layout);
  double same = layout->zero_stage > 0 ? n_same : 1;
  double same_experts = layout->zero_stage > 0 ? (double) n_same * layout->tensor / layout->expert : 1;
  double whole = 0, bytes;
  double divided = self->optimizer_bytes;

  if (layout->zero_stage >= 2)
    divided += self->model.gradient;
  else
    whole += self->model.gradient;
  if (layout->zero_stage >= 3)
    divided += self->model.element;
  else
    whole += self->model.element;

  bytes = (sizes->dense + sizes->experts) * whole + divided * (sizes->dense / same + sizes->experts / same_experts);
  if (layout->zero_stage >= 2)
    bytes += N_LAYERS_GATHERED * count_largest_layer (self, layout) *
             (self->model.gradient + (layout->zero_stage >= 3 ? self->model.element : 0));

  return bytes;
}

/*
 * hr_layout_parts_get_stepped_bytes:
 * @self: the parts
 * @layout: a layout
 * @sizes: the parameters of a rank
 *
 * Counts what the optimizer reads and writes: gradients and parameters once, its states and master weights twice.
 *
 * Returns: the bytes
 */
double
hr_layout_parts_get_stepped_bytes (const HrLayoutParts *self,
                                   const HrLayout      *layout,
                                   const HrStageSizes  *sizes)
{
  guint64 n_same = layout->zero_stage > 0 ? hr_layout_count_sharers (layout) : 1;
  double n_same_experts = layout->zero_stage > 0 ? (double) n_same * layout->tensor / layout->expert : 1;

  return (sizes->dense / n_same + sizes->experts / n_same_experts) *
         (2 * self->optimizer_bytes + self->model.gradient + self->model.element);
}

/*
 * When a micro-batch has gone back through all layers of the first stage: a copy of the gradient of the table, and the
 * gradients of what was looked up, of which many are summed up ten by ten in fp32
 * (aten/src/ATen/native/cuda/EmbeddingBackwardKernel.cu).
 */
static double
count_embedding (const HrLayoutParts *self,
                 const HrLayout      *layout,
                 double               n_tokens)
{
  double words = self->shares[layout->tensor].embedding / self->model.hidden;
  double sums = n_tokens > FEW_ROWS ? n_tokens / ROWS_PER_SUM + fmin (n_tokens, words) : 0;

  return self->model.element * (self->shares[layout->tensor].embedding + n_tokens * self->model.hidden) +
         FP32_BYTES * sums * self->model.hidden;
}

/* What positions rotate heads by, in fp32, which each pass of a part makes anew and keeps. */
static double
count_angles (const HrLayoutParts *self,
              const HrLayout      *layout)
{
  return FP32_BYTES * self->layers[0].rotated * self->n_tokens / layout->context;
}

/*
 * How many layers a stage keeps what the backward pass needs of, each for one micro-batch. Where the embedding counts
 * as a layer, the first part of the first stage has one less than others.
 */
static double
count_layers_in_flight (const HrLayout *layout,
                        guint           n_layers,
                        guint           stage,
                        guint64         n_micro_batches)
{
  double n = hr_layout_count_in_flight (layout, stage, n_micro_batches);

  if (layout->counts_embedding && stage == 0)
    return n * (n_layers + 1) / layout->parts - hr_layout_count_first_in_flight (layout, stage, n_micro_batches);

  return n * n_layers / layout->parts;
}

/* The mask of the dropout behind the embedding, for each micro-batch of the first part. */
static double
count_mask (const HrLayoutParts *self,
            const HrLayoutStep  *step,
            double               n_tokens)
{
  const HrLayout *layout = &step->layout;

  return self->layers[0].mask * self->model.hidden * n_tokens / (layout->divides_sequence ? layout->tensor : 1) *
         hr_layout_count_first_in_flight (layout, 0, step->n_micro_batches);
}

/* What the last stage keeps of micro-batches whose gradient of the head's matrix waits (run_micro_batches). */
static double
count_deferred (const HrLayoutParts *self,
                const HrLayoutStep  *step,
                double               n_tokens)
{
  const HrLayout *layout = &step->layout;
  guint64 n = MIN (self->n_deferred, step->n_micro_batches - 1);
  double between = layout->divides_sequence ? layout->tensor : 1;

  if (layout->pipeline == 1)
    return 0;

  return n * n_tokens * self->model.element *
         (self->shares[layout->tensor].head / self->model.hidden + self->model.hidden / between);
}

static double
count_stage (const HrLayoutParts *self,
             const HrLayoutStep  *step,
             const guint         *counts,
             guint                stage)
{
  const HrLayout *layout = &step->layout;
  double n_tokens = (double) step->micro_batch * self->n_tokens / layout->context;
  double kept = 0, passing = 0, in_flight;
  guint64 n_in_flight;
  guint n_layers = 0;
  HrStageSizes sizes;

  hr_layout_parts_get_parameters (self, layout, counts, stage, &sizes);
  for (guint i = 0; i < self->n_classes; i++)
    {
      LayerBytes layer;

      if (counts[i] == 0)
        continue;
      count_layer (self, step, i, n_tokens, &layer);
      n_layers += counts[i];
      kept += counts[i] * layer.kept;
      passing = fmax (passing, layer.passing);
    }
  n_in_flight = hr_layout_count_in_flight (layout, stage, step->n_micro_batches);
  in_flight = kept / n_layers * count_layers_in_flight (layout, n_layers, stage, step->n_micro_batches) +
              n_in_flight * count_angles (self, layout);
  if (stage + 1 == layout->pipeline)
    {
      passing = fmax (passing, count_loss (self, layout, n_tokens));
      in_flight += count_deferred (self, step, n_tokens);
    }
  if (stage == 0)
    {
      passing = fmax (passing, count_embedding (self, layout, n_tokens) - in_flight / n_in_flight);
      in_flight += count_mask (self, step, n_tokens);
    }

  return count_states (self, layout, &sizes) + in_flight + passing +
         INPUT_BYTES * n_tokens * step->n_micro_batches;
}

/*
 * hr_layout_parts_get_peak:
 * @self: the parts
 * @step: a layout
 * @division: what its stages have
 * @stage: (out): the stage that takes most
 *
 * Adds up what the rank that takes most holds at its peak, beside what the driver takes.
 *
 * Returns: the bytes
 */
guint64
hr_layout_parts_get_peak (const HrLayoutParts *self,
                          const HrLayoutStep  *step,
                          const HrDivision    *division,
                          guint               *stage)
{
  double most = -1;

  for (guint i = 0; i < division->n_stages; i++)
    {
      const guint *counts = hr_division_get_counts (division, self->n_classes, i);
      double bytes = count_stage (self, step, counts, division->stages[i]);

      if (bytes <= most)
        continue;
      most = bytes;
      *stage = division->stages[i];
    }

  return most < (double) G_MAXINT64 ? (guint64) most : G_MAXINT64;
}
