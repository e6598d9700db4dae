/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-anatomy-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-inference-job.h"
#include "hr-job-private.h"
#include "hr-weight-storage.h"

/**
 * HrAnatomy:
 *
 * What a model is made of, in numbers and in the user's language: its parts, layers and tensors, how its parameters and
 * its cache add up.
 *
 * The sizes are those of a job: in the dtype and the quantization that it loads, for its batch and its context.
 */
struct _HrAnatomy
{
  GObject parent_instance;

  HrModel *model;
  HrWeightStorage storage;
  HrDtype cache_dtype;
  gboolean as_stored;         /* whether the job leaves the weights as they are stored */
  guint64 n_tokens;
  guint64 n_source_tokens;
  guint64 n_sequences;
  guint64 n_bytes;
  guint64 n_bytes_of_part[HR_N_PARTS];
  guint64 n_active_of_part[HR_N_PARTS];
  GArray *tensors;            /* of Place, in the order of the layers */
  GPtrArray *blocks;          /* of HrAnatomyBlock */
  HrAnatomyTable *tables[HR_N_ANATOMY_SECTIONS];
};

G_DEFINE_FINAL_TYPE (HrAnatomy, hr_anatomy, G_TYPE_OBJECT)

/* Where a tensor stands: @group counts what lies in layers side by side, and each tensor outside of them. */
typedef struct
{
  guint group;
  guint layer;
  guint index;
  guint copy;
} Place;

static void
hr_anatomy_block_free (HrAnatomyBlock *self)
{
  g_array_unref (self->rows);
  g_free (self);
}

static void
hr_anatomy_finalize (GObject *object)
{
  HrAnatomy *self = HR_ANATOMY (object);

  for (guint i = 0; i < HR_N_ANATOMY_SECTIONS; i++)
    g_clear_pointer (&self->tables[i], hr_anatomy_table_free);
  g_clear_pointer (&self->blocks, g_ptr_array_unref);
  g_clear_pointer (&self->tensors, g_array_unref);
  hr_weight_storage_clear (&self->storage);
  g_clear_object (&self->model);

  G_OBJECT_CLASS (hr_anatomy_parent_class)->finalize (object);
}

static void
hr_anatomy_class_init (HrAnatomyClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hr_anatomy_finalize;
}

static void
hr_anatomy_init (HrAnatomy *self)
{
  self->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_anatomy_block_free);
}

static void
read_job (HrAnatomy *self,
          HrJob     *job)
{
  g_autoptr (HrJob) fallback = HR_IS_INFERENCE_JOB (job) ? g_object_ref (job) : hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrJob) resolved = hr_job_resolve (job != NULL ? job : fallback, self->model);
  g_autoptr (HrJob) resolved_fallback = hr_job_resolve (fallback, self->model);
  HrInferenceJob *inference = HR_INFERENCE_JOB (resolved_fallback);
  g_autoptr (HrGgufTypes) types = NULL;
  gboolean has_encoder = hr_model_find_stack (self->model, HR_STACK_ENCODER) != NULL &&
                         hr_model_find_stack (self->model, HR_STACK_DECODER) != NULL;

  hr_gguf_types_read (hr_inference_job_get_tensor_types (inference), &types, NULL);
  hr_weight_storage_init (&self->storage, self->model, hr_job_get_dtype (resolved), hr_job_get_quantization (resolved),
                          types);
  self->cache_dtype = hr_inference_job_get_kv_cache_dtype (inference);
  if (self->cache_dtype == HR_DTYPE_AUTO)
    self->cache_dtype = self->storage.dtype;
  self->n_source_tokens = hr_inference_job_get_prompt_length (inference);
  /* Behind an encoder, which reads the prompt, a decoder begins with one token (generate(), decoder_start_token_id). */
  self->n_tokens = hr_inference_job_get_output_length (inference) +
                   (has_encoder ? 1 : hr_inference_job_get_prompt_length (inference));
  self->n_sequences = hr_inference_job_get_batch_size (inference) * hr_inference_job_get_beams (inference);
  self->as_stored = hr_model_get_stored_bytes (self->model) > 0 &&
                    (job == NULL || (hr_job_get_dtype (job) == HR_DTYPE_AUTO &&
                                     hr_job_get_quantization (job) == HR_QUANTIZATION_AUTO));
}

/* The type of the tensor whose storage this one shares. */
static const char *
get_type_of_storage (HrAnatomy  *self,
                     const char *name)
{
  for (guint i = 0; i < hr_model_get_n_tensors (self->model); i++)
    {
      const char *type;

      if (!g_str_equal (hr_model_get_tensor (self->model, i)->pattern, name))
        continue;

      hr_anatomy_get_tensor_bytes (self, i, 0, &type);
      return type;
    }

  return hr_dtype_get_name (self->storage.dtype);
}

static void
add_tensor (HrAnatomy *self,
            guint      index)
{
  const HrTensor *tensor = hr_model_get_tensor (self->model, index);
  guint64 n_copies = hr_tensor_get_copies (tensor);
  guint64 n_active = tensor->n_elements * n_copies;
  guint64 n_bytes = 0;

  if (tensor->tied_to != NULL)
    return;

  /* Layers of a class may be stored in different formats. */
  if (self->as_stored || self->storage.quantization != HR_QUANTIZATION_NONE)
    for (guint copy = 0; copy < n_copies; copy++)
      n_bytes += hr_anatomy_get_tensor_bytes (self, index, copy, NULL);
  else
    n_bytes = n_copies * hr_anatomy_get_tensor_bytes (self, index, 0, NULL);

  if (tensor->n_experts > 0)
    n_active = n_active / tensor->n_experts * tensor->n_active_experts;

  self->n_bytes += n_bytes;
  self->n_bytes_of_part[tensor->part] += n_bytes;
  self->n_active_of_part[tensor->part] += n_active;
}

static void
add_chain (HrAnatomy          *self,
           const HrChain      *chain,
           guint               stack_index,
           const HrStack      *stack,
           const HrLayerClass *klass,
           guint               class_index)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      HrAnatomyBlock *block = g_new0 (HrAnatomyBlock, 1);

      block->block = &chain->blocks[i];
      block->stack_index = stack_index;
      block->stack = stack;
      block->klass = klass;
      block->class_index = class_index;
      block->rows = g_array_new (FALSE, FALSE, sizeof (guint));
      g_ptr_array_add (self->blocks, block);
    }
}

static void
collect_blocks (HrAnatomy *self)
{
  for (guint i = 0; i < hr_model_get_n_stacks (self->model); i++)
    {
      const HrStack *stack = hr_model_get_stack (self->model, i);

      add_chain (self, &stack->embeddings, i, stack, NULL, 0);
      for (guint j = 0; j < stack->n_layer_classes; j++)
        {
          const HrLayerClass *klass = &stack->layer_classes[j];

          for (guint k = 0; k < klass->n_sublayers; k++)
            {
              add_chain (self, &klass->sublayers[k].shared, i, stack, klass, j);
              for (guint branch = 0; branch < klass->sublayers[k].n_branches; branch++)
                add_chain (self, &klass->sublayers[k].branches[branch], i, stack, klass, j);
              add_chain (self, &klass->sublayers[k].after, i, stack, klass, j);
            }
        }
      add_chain (self, &stack->final, i, stack, NULL, 0);
    }

  add_chain (self, hr_model_get_head (self->model), HR_TENSOR_NO_STACK, NULL, NULL, 0);
}

static guint
get_first_layer (const HrStack *stack,
                 guint          class_index)
{
  guint layer = 0;

  while (layer < stack->n_layers && stack->layer_class_of[layer] != class_index)
    layer++;

  return layer;
}

/* How many characters of a tensor's name are its block's: 0 if it is not of that block. */
static gsize
match_block (const HrAnatomyBlock *block,
             const HrTensor       *tensor)
{
  const char *path = block->block->path;
  gsize length = strlen (path);

  if (tensor->stack != block->stack_index)
    return 0;
  if (block->klass == NULL
      ? tensor->n_layers > 0
      : tensor->n_layers != block->klass->n_layers ||
        tensor->layers[0] != get_first_layer (block->stack, block->class_index))
    return 0;

  /* A parameter that stands by itself has the name of its block. */
  return strncmp (tensor->pattern, path, length) == 0 &&
         (tensor->pattern[length] == '.' || tensor->pattern[length] == '\0') ? length : 0;
}

/* A block may lie in the module of another one (OPT's feed-forward is the layer itself): the longest name wins. */
static void
assign_tensor (HrAnatomy *self,
               guint      index)
{
  const HrTensor *tensor = hr_model_get_tensor (self->model, index);
  HrAnatomyBlock *owner = NULL;
  gsize longest = 0;
  guint64 n_elements, n_copies;

  for (guint i = 0; i < self->blocks->len; i++)
    {
      HrAnatomyBlock *block = g_ptr_array_index (self->blocks, i);
      gsize length = match_block (block, tensor);

      if (length > longest)
        {
          longest = length;
          owner = block;
        }
    }

  if (owner == NULL)
    return;

  g_array_append_val (owner->rows, index);
  if (tensor->tied_to != NULL)
    return;

  n_copies = hr_tensor_get_copies_of_layer (tensor);
  n_elements = n_copies * tensor->n_elements;
  owner->n_parameters += n_elements;
  owner->n_active += tensor->n_experts > 0 ? n_elements / tensor->n_experts * tensor->n_active_experts : n_elements;
  owner->n_bytes += n_copies * hr_anatomy_get_tensor_bytes (self, index, 0, NULL);
}

static int
compare_places (gconstpointer a,
                gconstpointer b)
{
  const Place *first = a;
  const Place *second = b;

  if (first->group != second->group)
    return first->group < second->group ? -1 : 1;
  if (first->layer != second->layer)
    return first->layer < second->layer ? -1 : 1;
  if (first->index != second->index)
    return first->index < second->index ? -1 : 1;

  return (first->copy > second->copy) - (first->copy < second->copy);
}

/* Layer by layer, as torch lists them: the rows of a model hold a tensor of every layer. */
static void
order_tensors (HrAnatomy *self)
{
  const HrTensor *previous = NULL;
  guint group = 0;

  self->tensors = g_array_new (FALSE, FALSE, sizeof (Place));
  for (guint i = 0; i < hr_model_get_n_tensors (self->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (self->model, i);
      guint64 n_copies = hr_tensor_get_copies (tensor);
      guint64 of_layer = hr_tensor_get_copies_of_layer (tensor);

      if (previous != NULL &&
          (tensor->n_layers == 0 || previous->n_layers == 0 || tensor->stack != previous->stack))
        group++;
      for (guint copy = 0; copy < n_copies; copy++)
        {
          Place place = { group, tensor->n_layers > 0 ? tensor->layers[copy / of_layer] : 0, i, copy };

          g_array_append_val (self->tensors, place);
        }
      previous = tensor;
    }

  g_array_sort (self->tensors, compare_places);
}

/**
 * hr_anatomy_new:
 * @model: a model
 * @job: (nullable): what it is loaded for; %NULL for inference as it is without settings
 *
 * Looks into a model.
 *
 * Returns: (transfer full): what it is made of
 */
HrAnatomy *
hr_anatomy_new (HrModel *model,
                HrJob   *job)
{
  HrAnatomy *self;

  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (job == NULL || HR_IS_JOB (job), NULL);

  self = g_object_new (HR_TYPE_ANATOMY, NULL);
  self->model = g_object_ref (model);
  read_job (self, job);

  collect_blocks (self);
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      add_tensor (self, i);
      assign_tensor (self, i);
    }
  order_tensors (self);

  return self;
}

/**
 * hr_anatomy_get_model:
 * @self: an anatomy
 *
 * Gets the model.
 *
 * Returns: (transfer none): the model
 */
HrModel *
hr_anatomy_get_model (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);

  return self->model;
}

/**
 * hr_anatomy_get_dtype:
 * @self: an anatomy
 *
 * Gets what parameters are loaded in, where they are not quantized.
 *
 * Returns: the dtype
 */
HrDtype
hr_anatomy_get_dtype (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), HR_DTYPE_AUTO);

  return self->storage.dtype;
}

/**
 * hr_anatomy_get_quantization:
 * @self: an anatomy
 *
 * Gets how matrices are quantized.
 *
 * Returns: the format, %HR_QUANTIZATION_NONE if they are not
 */
HrQuantization
hr_anatomy_get_quantization (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), HR_QUANTIZATION_NONE);

  return self->storage.quantization;
}

/**
 * hr_anatomy_get_cache_dtype:
 * @self: an anatomy
 *
 * Gets what keys and values are kept in.
 *
 * Returns: the dtype
 */
HrDtype
hr_anatomy_get_cache_dtype (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), HR_DTYPE_AUTO);

  return self->cache_dtype;
}

/**
 * hr_anatomy_is_as_stored:
 * @self: an anatomy
 *
 * Tells whether the sizes are those that the tensors have in the files they were read from.
 *
 * Returns: whether they are
 */
gboolean
hr_anatomy_is_as_stored (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), FALSE);

  return self->as_stored;
}

/* The length of the prompt, which an encoder reads where there is one. */
guint64
hr_anatomy_get_n_source_tokens (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), 0);

  return self->n_source_tokens;
}

/**
 * hr_anatomy_get_n_tokens:
 * @self: an anatomy
 *
 * Gets the length of a sequence of the job as the decoder keeps it: prompt and answer together; behind an encoder the
 * answer, and the token that it begins with.
 *
 * Returns: the number of tokens
 */
guint64
hr_anatomy_get_n_tokens (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), 0);

  return self->n_tokens;
}

/**
 * hr_anatomy_get_n_sequences:
 * @self: an anatomy
 *
 * Gets how many sequences the job computes at once, beams included.
 *
 * Returns: the number of sequences
 */
guint64
hr_anatomy_get_n_sequences (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), 0);

  return self->n_sequences;
}

/**
 * hr_anatomy_get_n_bytes:
 * @self: an anatomy
 *
 * Gets what all tensors take; one that is tied to another takes nothing.
 *
 * Returns: the size in bytes
 */
guint64
hr_anatomy_get_n_bytes (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), 0);

  return self->n_bytes;
}

/**
 * hr_anatomy_get_n_bytes_of_part:
 * @self: an anatomy
 * @part: a part of the model
 *
 * Gets what the tensors of a part take.
 *
 * Returns: the size in bytes
 */
guint64
hr_anatomy_get_n_bytes_of_part (HrAnatomy *self,
                                HrPart     part)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), 0);
  g_return_val_if_fail (part < HR_N_PARTS, 0);

  return self->n_bytes_of_part[part];
}

/**
 * hr_anatomy_get_n_active_of_part:
 * @self: an anatomy
 * @part: a part of the model
 *
 * Gets the parameters of a part that a token passes.
 *
 * Returns: the number of parameters
 */
guint64
hr_anatomy_get_n_active_of_part (HrAnatomy *self,
                                 HrPart     part)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), 0);
  g_return_val_if_fail (part < HR_N_PARTS, 0);

  return self->n_active_of_part[part];
}

/**
 * hr_anatomy_get_n_all_tensors:
 * @self: an anatomy
 *
 * Counts the tensors by their names, those of all layers and experts.
 *
 * Returns: the number of tensors
 */
guint
hr_anatomy_get_n_all_tensors (HrAnatomy *self)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), 0);

  return self->tensors->len;
}

/**
 * hr_anatomy_get_tensor: (skip)
 * @self: an anatomy
 * @position: which tensor, below hr_anatomy_get_n_all_tensors()
 * @index: (out): the row of the model's tensors that it is in
 * @copy: (out): which of the tensors that the row stands for
 *
 * Finds a tensor by its place in the list of all, which goes layer by layer.
 */
void
hr_anatomy_get_tensor (HrAnatomy *self,
                       guint      position,
                       guint     *index,
                       guint     *copy)
{
  const Place *place;

  g_return_if_fail (HR_IS_ANATOMY (self));
  g_return_if_fail (position < self->tensors->len);

  place = &g_array_index (self->tensors, Place, position);
  *index = place->index;
  *copy = place->copy;
}

/**
 * hr_anatomy_get_tensor_bytes: (skip)
 * @self: an anatomy
 * @index: a row of the model's tensors
 * @copy: which of the tensors that the row stands for
 * @type: (out) (optional) (transfer none): what the tensor's elements are
 *
 * Gets what a tensor takes: as it is stored, if the weights were read and the job leaves them so, else as it is loaded.
 * What a quantized matrix takes includes its scales.
 *
 * Returns: the size in bytes; 0 for a tensor that is tied to another one
 */
guint64
hr_anatomy_get_tensor_bytes (HrAnatomy   *self,
                             guint        index,
                             guint        copy,
                             const char **type)
{
  const HrTensor *tensor;
  guint64 bytes;

  g_return_val_if_fail (HR_IS_ANATOMY (self), 0);

  tensor = hr_model_get_tensor (self->model, index);
  if (self->as_stored && hr_model_get_stored (self->model, index, copy, type, &bytes, NULL))
    return tensor->tied_to == NULL ? bytes : 0;

  if (tensor->tied_to != NULL)
    {
      if (type != NULL)
        *type = get_type_of_storage (self, tensor->tied_to);
      return 0;
    }

  if (hr_weight_storage_get_bytes (&self->storage, index, copy, &bytes))
    {
      if (type != NULL)
        *type = hr_weight_storage_get_type (&self->storage, index, copy);
      return bytes;
    }

  if (type != NULL)
    *type = hr_dtype_get_name (self->storage.dtype);

  return hr_dtype_get_bytes (self->storage.dtype, tensor->n_elements);
}

/*
 * hr_anatomy_list_pieces:
 * @self: an anatomy
 * @index: a row of the model's tensors
 * @copy: which of the tensors that the row stands for
 * @pieces: (out) (array length=HR_MATRIX_MAX_PIECES): what stands for it
 *
 * Lists the tensors that stand for one that is quantized.
 *
 * Returns: how many there are; 0 if it is not
 */
guint
hr_anatomy_list_pieces (HrAnatomy     *self,
                        guint          index,
                        guint          copy,
                        HrMatrixPiece *pieces)
{
  g_return_val_if_fail (HR_IS_ANATOMY (self), 0);

  return hr_model_get_tensor (self->model, index)->tied_to == NULL
           ? hr_weight_storage_list_pieces (&self->storage, index, copy, pieces) : 0;
}

/* Of HrAnatomyBlock: all blocks, in the order in which a token passes them. */
GPtrArray *
hr_anatomy_get_blocks (HrAnatomy *self)
{
  return self->blocks;
}

/**
 * hr_anatomy_get_table: (skip)
 * @self: an anatomy
 * @section: which table
 *
 * Gets a table, in the language of the moment in which it is first asked for.
 *
 * Returns: (transfer none) (nullable): the table, or %NULL if the model has nothing to show in it
 */
HrAnatomyTable *
hr_anatomy_get_table (HrAnatomy        *self,
                      HrAnatomySection  section)
{
  static HrAnatomyTable *(* const creators[]) (HrAnatomy *) = {
    [HR_ANATOMY_SECTION_SUMMARY] = hr_anatomy_create_summary,
    [HR_ANATOMY_SECTION_PARTS] = hr_anatomy_create_parts,
    [HR_ANATOMY_SECTION_LAYERS] = hr_anatomy_create_layers,
    [HR_ANATOMY_SECTION_EXPANSION] = hr_anatomy_create_expansion,
    [HR_ANATOMY_SECTION_RULES] = hr_anatomy_create_rules,
    [HR_ANATOMY_SECTION_CACHE] = hr_anatomy_create_cache,
    [HR_ANATOMY_SECTION_HEADS] = hr_anatomy_create_heads,
    [HR_ANATOMY_SECTION_KEYS] = hr_anatomy_create_keys,
    [HR_ANATOMY_SECTION_FEED_FORWARD] = hr_anatomy_create_feed_forward,
  };

  G_STATIC_ASSERT (G_N_ELEMENTS (creators) == HR_N_ANATOMY_SECTIONS);

  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);
  g_return_val_if_fail (section < HR_N_ANATOMY_SECTIONS, NULL);

  if (self->tables[section] == NULL)
    self->tables[section] = creators[section] (self);

  return self->tables[section] != NULL && self->tables[section]->rows->len > 0 ? self->tables[section] : NULL;
}
