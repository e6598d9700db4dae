/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-tuning.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-model-private.h"
#include "hr-pass.h"

/* As many inner widths as there are symbols for. */
#define MAX_RANKS (HR_SYMBOL_ADAPTER_RANK_LAST - HR_SYMBOL_ADAPTER_RANK + 1)
#define MAX_SIZES (HR_SYMBOL_ADAPTER_SIZE_LAST - HR_SYMBOL_ADAPTER_SIZE + 1)

struct _HrTuning
{
  HrTrainables *trainables;
  GArray *modules;          /* of HrTunedModule */
  guint *group_of;          /* for each layer; NULL if all are alike */
  guint n_layers;
  HrElement element;        /* what is added is held in it */
  gboolean has_dropout;
  gboolean has_parameters;  /* whether parameters are adapted that are no modules */
  guint64 ranks[MAX_RANKS];
  guint n_ranks;
  guint64 sizes[MAX_SIZES];
  guint n_sizes;
  guint64 kept_by_loss;     /* of a loss that what is added has itself */
  guint64 kept_casts;       /* the same under autocast, beside it */
  guint64 waiting_bytes;    /* gradients of that loss */
  guint64 frozen_bytes;     /* of what is added and not trained */
  guint first_layer;        /* from which on the layers of the decoder are trained whole */
  GHashTable *frozen;       /* blocks that are not trained, where all others are; or NULL */
  GHashTable *differentiated; /* (nullable): those of frozen parts that a gradient flows to all the same */
  guint64 n_copied;         /* parameters that a trained copy stands for */
  gboolean trains_biases;
  gboolean has_bottlenecks; /* whether adapters of the first rank follow attention and perceptrons */
  HrPromptKind prompt;
  guint64 n_virtual_tokens;
  guint64 prefix_size;      /* keys and values of a virtual token, of all layers */
};

/* A target of an adapter, before it is known whether all layers have it. */
typedef struct
{
  const HrTensor *tensor;
  HrTunedBy by;
  HrSymbol rank;
  HrKronecker kronecker;
  guint copy;
} Target;

typedef struct
{
  HrTuning *tuning;
  HrModel *model;
  HrElement model_element;  /* what the model is held in */
  HrTunedBy by;
  const char * const *feedforward; /* names of the modules whose input (IA)³ scales */
  GArray *targets;          /* of Target */
  const HrTensor *visited;  /* the tensor whose copies come by */
  guint first_row;          /* the first row of what is trained beside it */
  guint row;                /* the one that the next parameter is added to, if it is of its kind */
  guint first_copy;         /* the first of the copies that have come by at once */
  guint n_copies;           /* how many these are */
  guint64 most_inputs;      /* of a target */
  guint64 most_outputs;
  guint64 factor;           /* that factors of a Kronecker product are made near to; 0 for the square root */
  gboolean decomposes_both; /* whether the first of them may be a product as well as the second */
  gboolean too_many_ranks;
  gboolean too_many_sizes;
  gboolean is_idle;         /* whether what is added next gets no gradient */
  gboolean is_of_images;    /* whether it gets one with images only */
  const HrTensor *refused;  /* a target that PEFT does not adapt so */
  const HrTensor *unknown;  /* a target whose adapter is not replayed */
} Builder;

void
hr_tuning_free (HrTuning *self)
{
  g_return_if_fail (self != NULL);

  hr_trainables_free (self->trainables);
  g_array_unref (self->modules);
  g_clear_pointer (&self->frozen, g_hash_table_unref);
  g_clear_pointer (&self->differentiated, g_hash_table_unref);
  g_free (self->group_of);
  g_free (self);
}

/* The index of a value among few, to which it is added if there is room. */
static guint
find_or_add (guint64  *values,
             guint    *n_values,
             guint     capacity,
             guint64   value,
             gboolean *too_many)
{
  for (guint i = 0; i < *n_values; i++)
    {
      if (values[i] == value)
        return i;
    }

  if (*n_values == capacity)
    {
      *too_many = TRUE;
      return 0;
    }

  values[*n_values] = value;

  return (*n_values)++;
}

static HrSymbol
get_rank_symbol (Builder *builder,
                 guint64  rank)
{
  HrTuning *self = builder->tuning;

  return HR_SYMBOL_ADAPTER_RANK + find_or_add (self->ranks, &self->n_ranks, MAX_RANKS, rank, &builder->too_many_ranks);
}

/* A parameter that a method adds to a module, of one dimension if @columns is 0. */
static void
add_parameter (Builder        *builder,
               const HrTensor *tensor,
               guint64         rows,
               guint64         columns,
               gboolean        is_trained)
{
  HrTrainable trainable = {
    .shape = { rows, columns }, .n_dimensions = columns > 0 ? 2 : 1, .n_elements = rows * MAX (columns, 1),
    .copies = builder->n_copies, .element = builder->tuning->element, .module = tensor->module, .is_added = TRUE,
    .role = tensor->role == HR_TENSOR_ROLE_EMBEDDING ? HR_TENSOR_ROLE_PARAMETER : tensor->role,
    .is_unreached = builder->is_idle, .is_of_images = builder->is_of_images,
    .stack = hr_trainable_get_stack_role (builder->model, tensor), .beside = tensor,
    .first_copy = builder->first_copy, .heard = hr_trainable_get_hearing (builder->model, tensor),
  };

  if (!is_trained)
    builder->tuning->frozen_bytes += builder->n_copies * hr_trainable_get_bytes (&trainable);
  else if (!hr_trainables_add_to (builder->tuning->trainables, builder->row++, &trainable))
    hr_trainables_add (builder->tuning->trainables, &trainable);
}

/* What is trained beside all copies of a tensor is a row for each parameter; layers take turns in them. */
static void
begin_visit (Builder               *builder,
             const HrAdapterTarget *target)
{
  if (target->tensor != builder->visited)
    builder->first_row = hr_trainables_get_n_items (builder->tuning->trainables);
  builder->visited = target->tensor;
  builder->row = builder->first_row;
  builder->first_copy = target->copy;
  builder->n_copies = target->n_copies;
}

/* Each copy is a target of its own, as those of other layers may be treated otherwise. */
static void
append_targets (Builder *builder,
                Target  *found)
{
  for (guint i = 0; i < builder->n_copies; i++, found->copy++)
    g_array_append_val (builder->targets, *found);
}

static gboolean
is_block_of_chain (const HrChain  *chain,
                   const HrTensor *tensor,
                   HrBlockKind     kind)
{
  const HrBlock *block = hr_chain_find_block (chain, kind);

  return block != NULL && block->path == tensor->block;
}

/* The table in which the decoder of a model without an encoder looks its tokens up. */
static gboolean
is_table (const Builder  *builder,
          const HrTensor *tensor)
{
  const HrStack *stack = hr_model_find_stack (builder->model, HR_STACK_DECODER);

  return stack != NULL && hr_model_find_stack (builder->model, HR_STACK_ENCODER) == NULL &&
         is_block_of_chain (&stack->embeddings, tensor, HR_BLOCK_TOKEN_EMBEDDING);
}

/* Whether a norm is a block, and no part of one. */
static gboolean
is_own_block (const HrTensor *tensor)
{
  const char *rest = g_str_has_prefix (tensor->pattern, tensor->block) ? tensor->pattern + strlen (tensor->block) : "";

  return g_str_equal (rest, ".weight") || g_str_equal (rest, ".bias");
}

/* Whether a tensor is of a module that can be trained whole: the replay asks there. */
static gboolean
can_be_copied (const Builder  *builder,
               const HrTensor *tensor)
{
  switch ((guint) tensor->role)
    {
    case HR_TENSOR_ROLE_LINEAR:
    case HR_TENSOR_ROLE_BIAS:
    case HR_TENSOR_ROLE_OUTPUT:
      return TRUE;

    case HR_TENSOR_ROLE_NORM:
      return is_own_block (tensor);

    case HR_TENSOR_ROLE_EMBEDDING:
      return is_table (builder, tensor);

    default:
      return FALSE;
    }
}

static gboolean
can_be_adapted (const Builder  *builder,
                const HrTensor *tensor)
{
  switch ((guint) tensor->role)
    {
    case HR_TENSOR_ROLE_LINEAR:
      return TRUE;

    case HR_TENSOR_ROLE_OUTPUT:
      return builder->by != HR_TUNED_BY_IA3;

    case HR_TENSOR_ROLE_EMBEDDING:
      return builder->by == HR_TUNED_BY_LORA && is_table (builder, tensor);

    default:
      return FALSE;
    }
}

/* A copy of the tensor, in the type of the model (ModulesToSaveWrapper.update in peft/utils/other.py). */
static void
add_copy (Builder        *builder,
          const HrTensor *tensor)
{
  HrTrainable trainable = {
    .n_dimensions = tensor->n_dimensions, .n_elements = tensor->n_elements, .copies = 1,
    .element = hr_trainable_get_element (tensor, builder->model_element), .role = tensor->role,
    .module = tensor->module, .is_added = TRUE, .is_unreached = builder->is_idle, .is_of_images = builder->is_of_images,
    .stack = hr_trainable_get_stack_role (builder->model, tensor),
    .heard = hr_trainable_get_hearing (builder->model, tensor),
  };

  for (guint i = 0; i < tensor->n_dimensions; i++)
    trainable.shape[i] = tensor->shape[i];
  hr_trainables_add (builder->tuning->trainables, &trainable);
  builder->tuning->n_copied += tensor->n_elements;
}

/* Factors for each expert, side by side in two matrices (ParamWrapper.update_layer in peft/tuners/lora/layer.py). */
static void
add_expert_factors (Builder               *builder,
                    const HrAdapterTarget *target)
{
  Target found = {
    .tensor = target->tensor, .copy = target->copy, .by = builder->by,
    .rank = get_rank_symbol (builder, target->rank),
  };
  guint64 rows = target->rank * target->n_experts;

  builder->is_idle = target->tensor->role == HR_TENSOR_ROLE_ROUTER &&
                     _hr_model_get_adapter_rules (builder->model)->idle_router;
  add_parameter (builder, target->tensor, rows, target->in_features, builder->by != HR_TUNED_BY_LORA_FA);
  add_parameter (builder, target->tensor, target->out_features, rows, TRUE);
  builder->tuning->has_parameters = TRUE;
  if (!builder->is_idle)
    g_array_append_val (builder->targets, found);
  builder->is_idle = FALSE;
}

static gboolean
has_expert_factors (const Builder         *builder,
                    const HrAdapterTarget *target)
{
  return target->kind == HR_ADAPTER_TARGET_PARAMETER && target->n_experts > 0 &&
         (builder->by == HR_TUNED_BY_LORA || builder->by == HR_TUNED_BY_LORA_FA);
}

/* peft/tuners/ia3/model.py, _check_target_module_feedforward: the module's name ends with one of the names. */
static gboolean
is_feedforward (const Builder  *builder,
                const HrTensor *tensor)
{
  for (guint i = 0; builder->feedforward != NULL && builder->feedforward[i] != NULL; i++)
    {
      g_autofree char *name = g_strconcat (builder->feedforward[i], ".weight", NULL);

      if (builder->feedforward[i][0] != '\0' && g_str_has_suffix (tensor->pattern, name))
        return TRUE;
    }

  return FALSE;
}

/* peft/tuners/adalora/layer.py, AdaLoraLayer.update_layer: the number of ranks is trained as well, as it happens. */
static void
add_singular_values (Builder               *builder,
                     const HrAdapterTarget *target)
{
  HrTuning *self = builder->tuning;
  guint64 bytes = hr_element_get_bytes (self->element);
  guint64 sizes[] = { target->rank * target->in_features, target->out_features * target->rank };

  add_parameter (builder, target->tensor, target->rank, 1, TRUE);
  add_parameter (builder, target->tensor, target->rank, target->in_features, TRUE);
  add_parameter (builder, target->tensor, target->out_features, target->rank, TRUE);
  add_parameter (builder, target->tensor, 1, 0, TRUE);

  /* torch.norm (p @ p.T - I, p="fro") of both factors: AdaLoraModel.forward in peft/tuners/adalora/model.py. */
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      self->kept_by_loss +=
        target->n_copies * (hr_ledger_round (target->rank * target->rank * bytes) + hr_ledger_round (bytes));
      self->kept_casts += target->n_copies * 2 * hr_ledger_round (sizes[i] * sizeof (guint16));
      self->waiting_bytes += target->n_copies * hr_ledger_round (sizes[i] * bytes);
    }
}

/* Two numbers whose product is @dimension, the first not larger (factorization in peft/tuners/lokr/layer.py). */
static void
factorize (guint64  dimension,
           guint64  factor,
           guint64 *small,
           guint64 *large)
{
  guint64 m = 1, n = dimension, length = 1 + dimension;

  if (factor > 0 && dimension % factor == 0)
    {
      *small = factor;
      *large = dimension / factor;
      return;
    }

  while (m < n)
    {
      guint64 next = m + 1;

      while (dimension % next != 0)
        next++;
      if (next + dimension / next > length || next > (factor > 0 ? factor : dimension))
        break;
      m = next;
      n = dimension / next;
    }
  *small = MIN (m, n);
  *large = MAX (m, n);
}

static HrSymbol
get_size_symbol (Builder *builder,
                 guint64  size)
{
  HrTuning *self = builder->tuning;

  return HR_SYMBOL_ADAPTER_SIZE + find_or_add (self->sizes, &self->n_sizes, MAX_SIZES, size, &builder->too_many_sizes);
}

/* A factor is a product where the rank is small beside it: LoKrLayer.update_layer. */
static void
add_kronecker (Builder               *builder,
               const HrAdapterTarget *target,
               HrKronecker           *kronecker)
{
  guint64 rows[2], columns[2];

  factorize (target->out_features, builder->factor, &rows[0], &rows[1]);
  factorize (target->in_features, builder->factor, &columns[0], &columns[1]);
  for (guint i = 0; i < 2; i++)
    {
      kronecker->rows[i] = get_size_symbol (builder, rows[i]);
      kronecker->columns[i] = get_size_symbol (builder, columns[i]);
      kronecker->is_product[i] = (i == 1 || builder->decomposes_both) &&
                                 2 * target->rank < MAX (rows[i], columns[i]);
      if (!kronecker->is_product[i])
        {
          add_parameter (builder, target->tensor, rows[i], columns[i], TRUE);
          continue;
        }
      add_parameter (builder, target->tensor, rows[i], target->rank, TRUE);
      add_parameter (builder, target->tensor, target->rank, columns[i], TRUE);
    }
}

/* What methods other than LoRA and its kin add; whether the method is one of them. */
static gboolean
add_further (Builder               *builder,
             const HrAdapterTarget *target,
             Target                *found)
{
  switch ((guint) builder->by)
    {
    case HR_TUNED_BY_ADALORA:
      add_singular_values (builder, target);
      return TRUE;

    case HR_TUNED_BY_LOHA:
      for (guint i = 0; i < 2; i++)
        {
          add_parameter (builder, target->tensor, target->out_features, target->rank, TRUE);
          add_parameter (builder, target->tensor, target->rank, target->in_features, TRUE);
        }
      return TRUE;

    case HR_TUNED_BY_LOKR:
      add_kronecker (builder, target, &found->kronecker);
      return TRUE;

    default:
      return FALSE;
    }
}

static void
visit_alike (Builder               *builder,
             const HrAdapterTarget *target)
{
  Target found = { .tensor = target->tensor, .copy = target->copy, .by = builder->by };

  begin_visit (builder, target);
  if (target->kind == HR_ADAPTER_TARGET_WHOLE && can_be_copied (builder, target->tensor))
    {
      found.by = HR_TUNED_WHOLE;
      add_copy (builder, target->tensor);
      append_targets (builder, &found);
      return;
    }

  if (has_expert_factors (builder, target))
    {
      add_expert_factors (builder, target);
      return;
    }

  /* LycorisTuner._create_new_module in peft/tuners/lycoris_utils.py */
  if ((builder->by == HR_TUNED_BY_LOHA || builder->by == HR_TUNED_BY_LOKR) && target->tensor->is_transposed)
    {
      builder->refused = target->tensor;
      return;
    }

  if (target->kind != HR_ADAPTER_TARGET_FACTORS || !can_be_adapted (builder, target->tensor))
    {
      builder->unknown = target->tensor;
      return;
    }

  if (builder->by == HR_TUNED_BY_IA3)
    {
      found.by = is_feedforward (builder, target->tensor) ? HR_TUNED_BY_IA3_INPUT : HR_TUNED_BY_IA3;
      add_parameter (builder, target->tensor,
                     found.by == HR_TUNED_BY_IA3 ? target->out_features : target->in_features, 0, TRUE);
      append_targets (builder, &found);
      return;
    }

  found.rank = get_rank_symbol (builder, target->rank);
  if (add_further (builder, target, &found))
    {
      append_targets (builder, &found);
      return;
    }

  builder->most_inputs = MAX (builder->most_inputs, target->in_features);
  builder->most_outputs = MAX (builder->most_outputs, target->out_features);
  if (builder->by == HR_TUNED_BY_VERA)
    {
      add_parameter (builder, target->tensor, target->rank, 0, TRUE);
      add_parameter (builder, target->tensor, target->out_features, 0, TRUE);
      append_targets (builder, &found);
      return;
    }

  add_parameter (builder, target->tensor, target->rank, target->in_features, builder->by != HR_TUNED_BY_LORA_FA);
  add_parameter (builder, target->tensor, target->out_features, target->rank, TRUE);
  if (builder->by == HR_TUNED_BY_DORA)
    add_parameter (builder, target->tensor, target->out_features, 0, TRUE);
  append_targets (builder, &found);
}

/* How many of the copies of a target text alone passes by, or does not, as it does or does not the first of them. */
static guint
count_alike (const Builder         *builder,
             const HrAdapterTarget *target)
{
  gboolean is_passed_by = hr_trainable_is_passed_by (builder->model, target->tensor, target->copy);
  guint n = 1;

  while (n < target->n_copies &&
         hr_trainable_is_passed_by (builder->model, target->tensor, target->copy + n) == is_passed_by)
    n++;

  return n;
}

static void
visit_read (Builder               *builder,
            const HrAdapterTarget *target)
{
  HrAdapterTarget rest = *target;

  while (rest.n_copies > 0)
    {
      HrAdapterTarget part = rest;

      part.n_copies = count_alike (builder, &rest);
      rest.copy += part.n_copies;
      rest.n_copies -= part.n_copies;
      builder->is_of_images = hr_trainable_is_passed_by (builder->model, part.tensor, part.copy);
      visit_alike (builder, &part);
      builder->is_of_images = FALSE;
    }
}

/* What is added to layers of a tower that nothing is read of gets no gradient. */
static void
visit (const HrAdapterTarget *target,
       gpointer               user_data)
{
  Builder *builder = user_data;
  HrAdapterTarget part = *target;
  guint n_read = 0;

  while (n_read < target->n_copies &&
         !hr_trainable_is_unread (builder->model, target->tensor, target->copy + n_read))
    n_read++;

  part.n_copies = n_read;
  if (n_read > 0)
    visit_read (builder, &part);
  if (n_read == target->n_copies)
    return;

  part.copy += n_read;
  part.n_copies = target->n_copies - n_read;
  builder->is_idle = TRUE;
  builder->visited = NULL;
  visit_alike (builder, &part);
  builder->visited = NULL;
  builder->is_idle = FALSE;
}

/* Whether all layers that have the tensor are tuned alike: @n targets from @first on are of it. */
static gboolean
is_uniform (const Target *first,
            guint         n)
{
  for (guint i = 1; i < n; i++)
    {
      if (first[i].rank != first->rank || first[i].by != first->by)
        return FALSE;
    }

  return n == (first->tensor->n_items > 0 ? first->tensor->n_layers : hr_tensor_get_copies (first->tensor));
}

static guint
count_same (const Builder *builder,
            guint          first)
{
  const Target *targets = (const Target *) builder->targets->data;
  guint n = 1;

  while (first + n < builder->targets->len && targets[first + n].tensor == targets[first].tensor)
    n++;

  return n;
}

static void
add_module (Builder      *builder,
            const Target *target,
            int           group)
{
  HrTunedModule module = {
    .block = target->tensor->block, .module = target->tensor->module, .group = group, .by = target->by,
    .rank = target->rank, .kronecker = target->kronecker,
  };

  for (guint i = 0; i < builder->tuning->modules->len; i++)
    {
      const HrTunedModule *other = &g_array_index (builder->tuning->modules, HrTunedModule, i);

      if (other->block == module.block && other->module == module.module && other->group == group)
        return;
    }

  g_array_append_val (builder->tuning->modules, module);
}

/* Layers are of one group if the same is done to them; what is done is summed up in a number for each. */
static void
number_groups (HrTuning      *self,
               const guint64 *sums)
{
  guint n_groups = 0;

  self->group_of = g_new0 (guint, self->n_layers);
  for (guint i = 0; i < self->n_layers; i++)
    {
      guint j = 0;

      while (j < i && sums[j] != sums[i])
        j++;
      self->group_of[i] = j < i ? self->group_of[j] : n_groups++;
    }
}

static void
find_groups (Builder *builder)
{
  HrTuning *self = builder->tuning;
  const Target *targets = (const Target *) builder->targets->data;
  g_autofree guint64 *sums = g_new0 (guint64, self->n_layers);
  gboolean differ = FALSE;
  guint n;

  for (guint i = 0; i < builder->targets->len; i += n)
    {
      n = count_same (builder, i);
      if (targets[i].tensor->n_layers == 0 || is_uniform (&targets[i], n))
        continue;
      differ = TRUE;
      for (guint j = i; j < i + n; j++)
        {
          guint64 *sum = &sums[targets[j].tensor->layers[targets[j].copy]];

          *sum = *sum * 1000003 + i * HR_N_SYMBOLS + targets[j].rank + 1;
        }
    }

  if (differ)
    number_groups (self, sums);
}

static void
add_modules (Builder *builder)
{
  const Target *targets = (const Target *) builder->targets->data;
  guint n;

  for (guint i = 0; i < builder->targets->len; i += n)
    {
      n = count_same (builder, i);
      if (targets[i].tensor->n_layers == 0 || is_uniform (&targets[i], n))
        {
          add_module (builder, &targets[i], -1);
          continue;
        }
      for (guint j = i; j < i + n; j++)
        add_module (builder, &targets[j], builder->tuning->group_of[targets[j].tensor->layers[targets[j].copy]]);
    }
}

static guint
count_layers (HrModel *model)
{
  guint n_layers = 0;

  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    n_layers = MAX (n_layers, hr_model_get_stack (model, i)->n_layers);

  return n_layers;
}

/* The factors that all modules share are as large as the largest of them asks for (peft/tuners/vera/model.py). */
static void
add_shared (Builder *builder)
{
  HrTuning *self = builder->tuning;
  guint64 n_bytes = self->ranks[0] * sizeof (float);

  self->frozen_bytes += hr_ledger_round (n_bytes * builder->most_inputs) +
                        hr_ledger_round (n_bytes * builder->most_outputs);
}

static gboolean
build (Builder    *builder,
       HrAdapter  *adapter,
       HrModel    *model,
       GError    **error)
{
  if (!hr_adapter_visit_targets (adapter, model, visit, builder, error))
    return FALSE;

  if (builder->refused != NULL)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a tensor. */
                            N_("expected linear layers, as PEFT has neither LoHa nor LoKr for the Conv1D of "
                               "transformers; found %s"),
                            builder->refused->pattern);
      return FALSE;
    }
  if (builder->unknown != NULL)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a tensor. */
                            N_("expected linear layers, heads or embeddings of tokens, as adapters of experts, "
                               "routers, other embeddings and single rows are not replayed; found %s"),
                            builder->unknown->pattern);
      return FALSE;
    }
  if (builder->too_many_ranks)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("expected at most four different ranks, as a LoRA with more is not replayed"));
      return FALSE;
    }

  if (builder->too_many_sizes)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("expected at most sixteen different sizes of factors, as a LoKr with more is not "
                               "replayed"));
      return FALSE;
    }

  if (builder->by == HR_TUNED_BY_VERA)
    add_shared (builder);
  find_groups (builder);
  add_modules (builder);

  return TRUE;
}

static HrTuning *
tuning_new (HrModel   *model,
            HrElement  element)
{
  HrTuning *self = g_new0 (HrTuning, 1);

  self->trainables = hr_trainables_new ();
  self->modules = g_array_new (FALSE, FALSE, sizeof (HrTunedModule));
  self->n_layers = count_layers (model);
  self->element = element;
  self->first_layer = G_MAXUINT;

  return self;
}

/* A tuning of the modules that an adapter is for; what becomes of them stands in @builder. */
static HrTuning *
tuning_new_for_targets (Builder     builder,
                        HrAdapter  *adapter,
                        HrElement   element,
                        GError    **error)
{
  g_autoptr (HrTuning) self = tuning_new (builder.model, element);
  g_autoptr (GArray) targets = g_array_new (FALSE, FALSE, sizeof (Target));

  builder.tuning = self;
  builder.targets = targets;
  if (!build (&builder, adapter, builder.model, error))
    return NULL;

  return g_steal_pointer (&self);
}

/*
 * hr_tuning_new_for_adapter:
 * @adapter: an adapter
 * @by: what it does to its targets
 * @model: the model that it belongs to
 * @model_element: what that is held in
 * @element: what is added to it is held in
 * @error: return location for an error
 *
 * Finds out what an adapter does to the modules of a model.
 *
 * Returns: (transfer full) (nullable): the tuning, or %NULL with @error set
 */
HrTuning *
hr_tuning_new_for_adapter (HrAdapter  *adapter,
                           HrTunedBy   by,
                           HrModel    *model,
                           HrElement   model_element,
                           HrElement   element,
                           GError    **error)
{
  const Builder builder = { .model = model, .model_element = model_element, .by = by };

  g_return_val_if_fail (adapter != NULL, NULL);
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);

  return tuning_new_for_targets (builder, adapter, element, error);
}

/*
 * hr_tuning_new_for_kronecker:
 * @adapter: an adapter
 * @factor: what one size of each pair of factors is made near to; 0 for the square root
 * @decomposes_both: whether both factors may be products, and not the second alone
 * @model: the model that it belongs to
 * @model_element: what that is held in
 * @element: what is added to it is held in
 * @error: return location for an error
 *
 * Finds out what a LoKr does to the modules of a model (Yeh et al., arXiv:2309.14859; peft/tuners/lokr/layer.py).
 *
 * Returns: (transfer full) (nullable): the tuning, or %NULL with @error set
 */
HrTuning *
hr_tuning_new_for_kronecker (HrAdapter  *adapter,
                             guint64     factor,
                             gboolean    decomposes_both,
                             HrModel    *model,
                             HrElement   model_element,
                             HrElement   element,
                             GError    **error)
{
  const Builder builder = {
    .model = model, .model_element = model_element, .by = HR_TUNED_BY_LOKR, .factor = factor,
    .decomposes_both = decomposes_both,
  };

  g_return_val_if_fail (adapter != NULL, NULL);
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);

  return tuning_new_for_targets (builder, adapter, element, error);
}

/*
 * hr_tuning_new_for_ia3:
 * @adapter: the modules that are scaled
 * @feedforward: names with commas between them: those of the modules whose input is scaled
 * @model: the model that they are in
 * @model_element: what that is held in
 * @element: what the vectors are held in
 * @error: return location for an error
 *
 * Finds out what (IA)³ does to the modules of a model (Liu et al., arXiv:2205.05638; peft/tuners/ia3/layer.py).
 *
 * Returns: (transfer full) (nullable): the tuning, or %NULL with @error set
 */
HrTuning *
hr_tuning_new_for_ia3 (HrAdapter   *adapter,
                       const char  *feedforward,
                       HrModel     *model,
                       HrElement    model_element,
                       HrElement    element,
                       GError     **error)
{
  g_auto (GStrv) names = g_strsplit (feedforward, ",", -1);
  const Builder builder = {
    .model = model, .model_element = model_element, .by = HR_TUNED_BY_IA3,
    .feedforward = (const char * const *) names,
  };

  g_return_val_if_fail (adapter != NULL, NULL);
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);

  return tuning_new_for_targets (builder, adapter, element, error);
}

typedef struct
{
  guint stack;
  guint first_layer;
} Layers;

static guint
choose_layers (const HrTensor *tensor,
               gpointer        user_data)
{
  const Layers *layers = user_data;
  guint n = 0;

  for (guint i = 0; tensor->stack == layers->stack && i < tensor->n_layers; i++)
    n += tensor->layers[i] >= layers->first_layer;

  return n;
}

static guint
choose_biases (const HrTensor *tensor,
               gpointer        user_data)
{
  return g_str_has_suffix (tensor->pattern, "bias") ? MAX (tensor->n_layers, 1) : 0;
}

/*
 * hr_tuning_new_for_layers:
 * @model: a model
 * @element: what it is loaded in
 * @n_layers: how many layers at the end of the decoder are trained
 *
 * Trains the last layers of a model; embeddings, the final norm and the head are frozen as the other layers are
 * (LLaMA-Factory, src/llamafactory/model/adapter.py, _setup_freeze_tuning).
 *
 * Returns: (transfer full): the tuning
 */
HrTuning *
hr_tuning_new_for_layers (HrModel   *model,
                          HrElement  element,
                          guint64    n_layers)
{
  HrTuning *self = tuning_new (model, element);
  const HrStack *decoder = hr_model_find_stack (model, HR_STACK_DECODER);
  Layers layers = { 0 };

  g_return_val_if_fail (HR_IS_MODEL (model), self);

  if (decoder == NULL)
    return self;

  self->n_layers = decoder->n_layers;
  self->first_layer = self->n_layers - MIN (self->n_layers, n_layers);
  self->group_of = g_new0 (guint, self->n_layers);
  for (guint i = self->first_layer; i < self->n_layers; i++)
    self->group_of[i] = 1;
  layers.first_layer = self->first_layer;
  while (hr_model_get_stack (model, layers.stack) != decoder)
    layers.stack++;
  hr_trainables_add_model (self->trainables, model, element, choose_layers, &layers);

  return self;
}

/*
 * What the language model reads is made by stacks of their own, or by stacks of a tower without layers behind those
 * that have them (the mergers of Qwen2-VL).
 */
static HrStackRole
get_role (HrModel        *model,
          const HrTensor *tensor)
{
  HrStackRole role = hr_trainable_get_stack_role (model, tensor);
  const HrStack *stack;

  if (role != HR_STACK_VISION && role != HR_STACK_AUDIO)
    return role;

  stack = hr_model_get_stack (model, tensor->stack);

  return stack != hr_model_find_stack (model, role) && stack->n_layers == 0 ? HR_STACK_PROJECTOR : role;
}

/* Whether parameters of a part of the model are frozen. */
static gboolean
is_frozen (HrFrozenParts parts,
           HrStackRole   role)
{
  gboolean is_tower = role == HR_STACK_VISION || role == HR_STACK_AUDIO;

  switch (parts)
    {
    case HR_FROZEN_PARTS_TOWERS:
      return is_tower;

    case HR_FROZEN_PARTS_TOWERS_AND_PROJECTORS:
      return is_tower || role == HR_STACK_PROJECTOR;

    case HR_FROZEN_PARTS_ALL_BUT_PROJECTORS:
      return role != HR_STACK_PROJECTOR;

    case HR_FROZEN_PARTS_NONE:
    default:
      return FALSE;
    }
}

/* All copies of a tensor, if its block is not frozen. */
static guint
choose_rest (const HrTensor *tensor,
             gpointer        user_data)
{
  return g_hash_table_contains (user_data, tensor->block) ? 0 : MAX (tensor->n_layers, 1);
}

static guint
choose_frozen (const HrTensor *tensor,
               gpointer        user_data)
{
  return g_hash_table_contains (user_data, tensor->block) ? MAX (tensor->n_layers, 1) : 0;
}

/*
 * hr_tuning_list_frozen:
 * @self: (nullable): a tuning that adds matrices, or freezes parts of a model
 * @model: the model
 * @element: what it is loaded in
 *
 * Returns: (transfer full): the parameters of the model that are not trained
 */
HrTrainables *
hr_tuning_list_frozen (const HrTuning *self,
                       HrModel        *model,
                       HrElement       element)
{
  HrTrainables *list;

  if (hr_tuning_get_added_bytes (self) > 0)
    return hr_trainables_new_for_model (model, element);

  list = hr_trainables_new ();
  if (self != NULL && self->frozen != NULL)
    hr_trainables_add_model (list, model, element, choose_frozen, self->frozen);

  return list;
}

/*
 * hr_tuning_new_for_parts:
 * @model: a model
 * @element: what it is loaded in
 * @parts: what of it is frozen
 *
 * Trains a model but for some of its parts (freeze_vision_tower and freeze_multi_modal_projector of LLaMA-Factory,
 * src/llamafactory/model/model_utils/visual.py; the first stage of LLaVA trains its projector alone).
 *
 * Returns: (transfer full): the tuning, which trains nothing if all is frozen
 */
HrTuning *
hr_tuning_new_for_parts (HrModel       *model,
                         HrElement      element,
                         HrFrozenParts  parts)
{
  HrTuning *self = tuning_new (model, element);

  g_return_val_if_fail (HR_IS_MODEL (model), self);

  self->frozen = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (is_frozen (parts, get_role (model, tensor)))
        g_hash_table_add (self->frozen, (gpointer) tensor->block);
    }
  hr_trainables_add_model (self->trainables, model, element, choose_rest, self->frozen);

  return self;
}

/*
 * hr_tuning_new_for_biases:
 * @model: a model
 * @element: what it is loaded in
 *
 * Trains the biases of a model, those of its norms included (BitFit, Ben Zaken et al., arXiv:2106.10199).
 *
 * Returns: (transfer full): the tuning, which trains nothing if there are no biases
 */
HrTuning *
hr_tuning_new_for_biases (HrModel   *model,
                          HrElement  element)
{
  HrTuning *self = tuning_new (model, element);

  g_return_val_if_fail (HR_IS_MODEL (model), self);

  self->trains_biases = TRUE;
  hr_trainables_add_model (self->trainables, model, element, choose_biases, NULL);

  return self;
}

static void
add_added (HrTuning *self,
           guint64   rows,
           guint64   columns,
           guint64   copies)
{
  HrTrainable trainable = {
    .shape = { rows, columns }, .n_dimensions = columns > 0 ? 2 : 1, .n_elements = rows * MAX (columns, 1),
    .copies = copies, .element = self->element, .role = HR_TENSOR_ROLE_PARAMETER, .is_added = TRUE,
  };

  hr_trainables_add (self->trainables, &trainable);
}

/*
 * hr_tuning_new_for_prompt:
 * @model: a model
 * @element: what is added to it is held in
 * @kind: how the tokens are made
 * @n_tokens: how many there are, at least 1
 *
 * Puts trained tokens before each sequence: peft/tuners/prompt_tuning/model.py, PromptEmbedding, and
 * peft/tuners/p_tuning/model.py, PromptEncoder, whose perceptron is as wide as the model where nothing is said.
 *
 * Returns: (transfer full): the tuning
 */
HrTuning *
hr_tuning_new_for_prompt (HrModel      *model,
                          HrElement     element,
                          HrPromptKind  kind,
                          guint64       n_tokens)
{
  HrTuning *self = tuning_new (model, element);
  guint64 hidden = 0;

  g_return_val_if_fail (HR_IS_MODEL (model), self);
  g_return_val_if_fail (n_tokens > 0, self);

  for (guint i = 0; hidden == 0 && i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->role == HR_TENSOR_ROLE_EMBEDDING && hr_trainable_is_reached (model, tensor))
        hidden = tensor->shape[1];
    }
  self->prompt = kind;
  self->n_virtual_tokens = n_tokens;
  add_added (self, n_tokens, hidden, 1);
  if (kind == HR_PROMPT_ENCODED)
    {
      add_added (self, hidden, hidden, 3);
      add_added (self, hidden, 0, 3);
    }

  return self;
}

/*
 * hr_tuning_new_for_prefix:
 * @model: a model without an encoder, whose layers all have attention of one shape
 * @element: what is added to it is held in
 * @n_tokens: how many tokens there are, at least 1
 *
 * Trains keys and values that each layer finds in its cache: peft/tuners/prefix_tuning/model.py, PrefixEncoder, without
 * a projection.
 *
 * Returns: (transfer full): the tuning
 */
HrTuning *
hr_tuning_new_for_prefix (HrModel   *model,
                          HrElement  element,
                          guint64    n_tokens)
{
  HrTuning *self = tuning_new (model, element);
  const HrStack *stack = hr_model_find_stack (model, HR_STACK_DECODER);
  const HrAttention *attention = stack != NULL ? hr_layer_class_get_attention (&stack->layer_classes[0]) : NULL;

  g_return_val_if_fail (attention != NULL, self);
  g_return_val_if_fail (n_tokens > 0, self);

  self->prompt = HR_PROMPT_PREFIX;
  self->n_virtual_tokens = n_tokens;
  self->prefix_size = 2 * stack->n_layers * attention->cached_heads * attention->head_dim;
  add_added (self, n_tokens, self->prefix_size, 1);

  return self;
}

/*
 * hr_tuning_new_for_bottlenecks:
 * @model: a model of one stack, whose layers are attention and perceptrons
 * @element: what is added to it is held in
 * @reduction_factor: how many times narrower adapters are than the model, at least 1
 *
 * Puts an adapter behind each attention and each perceptron: DoubleSeqBnConfig of
 * src/adapters/configuration/adapter_config.py in AdapterHub's adapters; BottleneckLayer.add_adapter says how wide they
 * are.
 *
 * Returns: (transfer full): the tuning
 */
HrTuning *
hr_tuning_new_for_bottlenecks (HrModel   *model,
                               HrElement  element,
                               guint64    reduction_factor)
{
  HrTuning *self = tuning_new (model, element);
  const HrStack *stack = hr_model_find_stack (model, HR_STACK_DECODER);
  const HrAttention *attention = stack != NULL ? hr_layer_class_get_attention (&stack->layer_classes[0]) : NULL;
  guint64 hidden, width;

  g_return_val_if_fail (attention != NULL && reduction_factor > 0, self);

  hidden = attention->hidden_size;
  width = MAX (hidden / reduction_factor, 1);
  self->has_bottlenecks = TRUE;
  self->ranks[self->n_ranks++] = width;
  add_added (self, width, hidden, 2 * stack->n_layers);
  add_added (self, width, 0, 2 * stack->n_layers);
  add_added (self, hidden, width, 2 * stack->n_layers);
  add_added (self, hidden, 0, 2 * stack->n_layers);

  return self;
}

/*
 * hr_tuning_get_bottleneck:
 * @self: (nullable): a tuning
 *
 * Returns: what stands for the width of adapters behind attention and perceptrons; %HR_SYMBOL_ONE without such
 */
HrSymbol
hr_tuning_get_bottleneck (const HrTuning *self)
{
  return self != NULL && self->has_bottlenecks ? HR_SYMBOL_ADAPTER_RANK : HR_SYMBOL_ONE;
}

/* How the tokens are made that come before each sequence. */
HrPromptKind
hr_tuning_get_prompt (const HrTuning *self)
{
  return self != NULL ? self->prompt : HR_PROMPT_NONE;
}

/* How many tokens come before each sequence. */
guint64
hr_tuning_get_n_virtual (const HrTuning *self)
{
  return self != NULL ? self->n_virtual_tokens : 0;
}

/* How many of them are part of it, as embeddings. */
guint64
hr_tuning_get_n_embedded (const HrTuning *self)
{
  return hr_tuning_get_prompt (self) == HR_PROMPT_PREFIX ? 0 : hr_tuning_get_n_virtual (self);
}

/* How many of them are in the cache of each layer. */
guint64
hr_tuning_get_n_cached (const HrTuning *self)
{
  return hr_tuning_get_n_virtual (self) - hr_tuning_get_n_embedded (self);
}

/* Whether the model's own parameters of a layer are trained, or with -1 those outside of the layers. */
gboolean
hr_tuning_trains_layer (const HrTuning *self,
                        int             layer)
{
  return self == NULL || self->frozen != NULL || (layer >= 0 && (guint) layer >= self->first_layer);
}

/* Whether all biases of the model are. */
gboolean
hr_tuning_trains_biases (const HrTuning *self)
{
  return self == NULL || self->frozen != NULL || self->trains_biases;
}

/*
 * hr_tuning_freezes:
 * @self: (nullable): a tuning, or %NULL if all of the model is trained
 * @block: (nullable): the path of a block
 *
 * Returns: whether the parameters of the block are frozen where those of others are trained
 */
gboolean
hr_tuning_freezes (const HrTuning *self,
                   const char     *block)
{
  return self != NULL && self->frozen != NULL && g_hash_table_contains (self->frozen, block);
}

/*
 * hr_tuning_differentiate_root:
 * @self: a tuning that freezes parts of a model
 * @is_layered: (scope call): whether a tensor is of layers
 * @model: the model
 *
 * Has a gradient flow to what is frozen around the layers as well, where it is one parameter with what is trained.
 */
void
hr_tuning_differentiate_root (HrTuning      *self,
                              HrLayeredFunc  is_layered,
                              HrModel       *model)
{
  g_return_if_fail (self->frozen != NULL && self->differentiated == NULL);

  self->differentiated = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (!is_layered (model, tensor) && g_hash_table_remove (self->frozen, tensor->block))
        g_hash_table_add (self->differentiated, (gpointer) tensor->block);
    }
}

/*
 * hr_tuning_freezes_any:
 * @self: (nullable): a tuning, or %NULL if all of the model is trained
 *
 * Returns: whether parts of the model are frozen where others are trained
 */
gboolean
hr_tuning_freezes_any (const HrTuning *self)
{
  return self != NULL && self->frozen != NULL;
}

/*
 * hr_tuning_steps:
 * @self: (nullable): a tuning, or %NULL if all of the model is trained
 * @block: the path of a block
 *
 * Returns: whether no part that is frozen has the block
 */
gboolean
hr_tuning_steps (const HrTuning *self,
                 const char     *block)
{
  return !hr_tuning_freezes (self, block) &&
         (self == NULL || self->differentiated == NULL || !g_hash_table_contains (self->differentiated, block));
}

/* What a symbol of an inner width, or of the size of a factor, stands for. */
guint64
hr_tuning_get_size (const HrTuning *self,
                    HrSymbol        symbol)
{
  if (symbol >= HR_SYMBOL_ADAPTER_SIZE && symbol < HR_SYMBOL_ADAPTER_SIZE + self->n_sizes)
    return self->sizes[symbol - HR_SYMBOL_ADAPTER_SIZE];

  g_return_val_if_fail (symbol >= HR_SYMBOL_ADAPTER_RANK && symbol < HR_SYMBOL_ADAPTER_RANK + self->n_ranks, 0);

  return self->ranks[symbol - HR_SYMBOL_ADAPTER_RANK];
}

/*
 * hr_tuning_choose_trained:
 * @self: (nullable): a tuning, or %NULL if all of the model is trained
 * @replay: a tape
 * @layer: the index of the layer that runs next, -1 outside of the layers
 *
 * Says which of the model's own parameters are trained.
 */
void
hr_tuning_choose_trained (const HrTuning *self,
                          HrReplay       *replay,
                          int             layer)
{
  replay->trains_weights = hr_tuning_trains_layer (self, layer);
  replay->trains_biases = replay->trains_weights || hr_tuning_trains_biases (self);
}

/*
 * hr_tuning_hold_importance:
 * @self: a tuning of AdaLoRA
 *
 * Says that the training loop lets ranks be allocated (update_and_allocate): how important each element is, smoothed,
 * and how certain that is, are held for each that is trained but for the numbers of ranks (RankAllocator.update_ipt in
 * peft/tuners/adalora/layer.py).
 */
void
hr_tuning_hold_importance (HrTuning *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < hr_trainables_get_n_items (self->trainables); i++)
    {
      const HrTrainable *trainable = hr_trainables_get_item (self->trainables, i);

      if (trainable->is_added && trainable->n_dimensions == 2)
        self->frozen_bytes += 3 * trainable->copies * hr_trainable_get_bytes (trainable);
    }
}

/* What is kept of a loss that what is added to the model has itself. */
guint64
hr_tuning_get_kept_by_loss (const HrTuning *self,
                            HrElement       autocast)
{
  if (self == NULL)
    return 0;

  return self->kept_by_loss + (autocast != HR_ELEMENT_NONE ? self->kept_casts : 0);
}

/*
 * Gradients of that loss, which are there before those of the layers come: they wait in the engine, which adds the
 * others into them.
 */
guint64
hr_tuning_get_waiting_bytes (const HrTuning *self)
{
  return self != NULL ? self->waiting_bytes : 0;
}

/*
 * hr_tuning_get_added_bytes:
 * @self: (nullable): a tuning
 *
 * Returns: what the parameters take that are added to the model
 */
guint64
hr_tuning_get_added_bytes (const HrTuning *self)
{
  return self == NULL ? 0 : self->frozen_bytes + hr_trainables_get_bytes (self->trainables, TRUE);
}

/*
 * hr_tuning_get_trainables:
 * @self: a tuning
 *
 * Returns: (transfer none): the parameters that are trained
 */
const HrTrainables *
hr_tuning_get_trainables (const HrTuning *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->trainables;
}

/* What is added to the model is held in. */
HrElement
hr_tuning_get_element (const HrTuning *self)
{
  return self->element;
}

/* Whether the input of what is added goes through a dropout. */
gboolean
hr_tuning_has_dropout (const HrTuning *self)
{
  return self->has_dropout;
}

/* Whether something is added to parameters of experts, and not to modules only. */
gboolean
hr_tuning_has_parameters (const HrTuning *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->has_parameters;
}

void
hr_tuning_set_dropout (HrTuning *self,
                       gboolean  has_dropout)
{
  g_return_if_fail (self != NULL);

  self->has_dropout = has_dropout;
}

/*
 * hr_tuning_get_group:
 * @self: (nullable): a tuning
 * @layer: the index of a layer, -1 outside of the layers
 *
 * Gets the group of a layer: layers of a class that are in one group are tuned alike.
 *
 * Returns: the number of the group
 */
guint
hr_tuning_get_group (const HrTuning *self,
                     int             layer)
{
  if (self == NULL || self->group_of == NULL || layer < 0 || (guint) layer >= self->n_layers)
    return 0;

  return self->group_of[layer];
}

/* Says what the symbols of inner widths stand for. */
void
hr_tuning_set_symbols (const HrTuning *self,
                       HrReplay       *replay)
{
  replay->symbols[HR_SYMBOL_VIRTUAL] = hr_tuning_get_n_virtual (self);
  replay->symbols[HR_SYMBOL_PREFIX] = self != NULL ? self->prefix_size : 0;
  for (guint i = 0; self != NULL && i < self->n_ranks; i++)
    replay->symbols[HR_SYMBOL_ADAPTER_RANK + i] = self->ranks[i];
  for (guint i = 0; self != NULL && i < self->n_sizes; i++)
    replay->symbols[HR_SYMBOL_ADAPTER_SIZE + i] = self->sizes[i];
}

/*
 * hr_tuning_find:
 * @self: (nullable): a tuning
 * @block: the path of the block that runs
 * @module: one of its modules
 * @layer: the index of the layer that runs, -1 outside of the layers
 *
 * Looks up what is done to a module.
 *
 * Returns: (transfer none) (nullable): what is done, or %NULL for nothing
 */
const HrTunedModule *
hr_tuning_find (const HrTuning *self,
                const char     *block,
                HrModule        module,
                int             layer)
{
  int group = hr_tuning_get_group (self, layer);

  if (self == NULL)
    return NULL;

  for (guint i = 0; i < self->modules->len; i++)
    {
      const HrTunedModule *tuned = &g_array_index (self->modules, HrTunedModule, i);

      if (tuned->block == block && tuned->module == module && (tuned->group < 0 || tuned->group == group))
        return tuned;
    }

  return NULL;
}

/*
 * hr_tuning_get_n_copied:
 * @self: (nullable): a tuning
 *
 * Returns: how many parameters of the model there are of modules whose copies are trained in their place
 */
guint64
hr_tuning_get_n_copied (const HrTuning *self)
{
  return self != NULL ? self->n_copied : 0;
}

/*
 * hr_tuning_is_whole:
 * @self: (nullable): a tuning
 * @block: the path of a block
 * @module: one of its modules
 * @layer: the index of its layer, -1 outside of the layers
 *
 * Returns: whether a copy of the module is trained in its place
 */
gboolean
hr_tuning_is_whole (const HrTuning *self,
                    const char     *block,
                    HrModule        module,
                    int             layer)
{
  const HrTunedModule *tuned = hr_tuning_find (self, block, module, layer);

  return tuned != NULL && tuned->by == HR_TUNED_WHOLE;
}
