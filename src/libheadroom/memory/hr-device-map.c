/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-device-map.h"

#include <string.h>

/*
 * How accelerate spreads a model over devices for device_map="auto" (accelerate/utils/modeling.py,
 * get_balanced_memory and infer_auto_device_map): modules are put on one device after the other, in their order, until
 * the device has its share; a layer is never split; a head that is tied to the embeddings goes with them.
 */

/* The part of the free memory that transformers lets accelerate use. */
#define USABLE_PERCENT 90

/* What is added to the even share: the largest layer, and a quarter more. */
#define BUFFER_QUARTERS 5

/* What another stack than the decoder holds: a tower, a projector. */
typedef struct
{
  HrWeights around;   /* all that is not in its layers */
  HrWeights *layers;
  guint n_layers;
} OtherStack;

typedef struct
{
  HrWeights embeddings;
  HrWeights *layers;
  HrWeights norm;
  HrWeights head;
  gboolean tied;
  OtherStack *others;
  guint n_others;
  guint decoder;      /* the decoder's index among the stacks; those before it are placed first */
} Modules;

static void
add_weights (HrWeights       *self,
             const HrWeights *other)
{
  self->bytes += other->bytes;
  self->quantized_elements += other->quantized_elements;
  self->quantized_rows += other->quantized_rows;
  self->quantized_columns += other->quantized_columns;
  self->quantized_matrices += other->quantized_matrices;
  self->other_elements += other->other_elements;
  self->kept_elements += other->kept_elements;
}

static gboolean
is_embedding (const HrTensor *tensor)
{
  return tensor->part == HR_PART_EMBEDDING || tensor->role == HR_TENSOR_ROLE_EMBEDDING;
}

static void
modules_init (Modules       *self,
              HrModel       *model,
              const HrStack *decoder)
{
  *self = (Modules) {
    .layers = g_new0 (HrWeights, decoder->n_layers),
    .n_others = hr_model_get_n_stacks (model),
  };
  self->others = g_new0 (OtherStack, self->n_others);

  for (guint i = 0; i < self->n_others; i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      if (stack == decoder)
        self->decoder = i;
      else
        self->others[i].n_layers = stack->n_layers;
      self->others[i].layers = g_new0 (HrWeights, self->others[i].n_layers);
    }
}

static void
modules_clear (Modules *self)
{
  for (guint i = 0; i < self->n_others; i++)
    g_free (self->others[i].layers);
  g_free (self->others);
  g_free (self->layers);
}

/* The module of a tensor that is in no layer. */
static HrWeights *
get_module (Modules        *self,
            const HrTensor *tensor)
{
  if (tensor->stack != self->decoder && tensor->stack < self->n_others)
    return &self->others[tensor->stack].around;
  if (tensor->part == HR_PART_OUTPUT)
    return &self->head;

  return is_embedding (tensor) ? &self->embeddings : &self->norm;
}

static void
measure_modules (Modules               *modules,
                 const HrWeightStorage *storage,
                 guint                  n_layers)
{
  HrModel *model = storage->model;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      guint n_copies = hr_tensor_get_copies_of_layer (tensor);
      gboolean is_other = tensor->stack != modules->decoder && tensor->stack < modules->n_others;
      HrWeights *layers = is_other ? modules->others[tensor->stack].layers : modules->layers;
      guint n_known = is_other ? modules->others[tensor->stack].n_layers : n_layers;

      for (guint j = 0; j < tensor->n_layers; j++)
        {
          if (tensor->layers[j] < n_known)
            hr_weights_add_tensor (&layers[tensor->layers[j]], storage, i, j * n_copies, n_copies);
        }
      if (tensor->n_layers > 0)
        continue;

      hr_weights_add_tensor (get_module (modules, tensor), storage, i, 0, 1);
      if (tensor->tied_to != NULL && tensor->role == HR_TENSOR_ROLE_OUTPUT)
        modules->tied = TRUE;
    }
}

static guint64
get_largest_layer (const Modules *modules,
                   guint          n_layers)
{
  guint64 largest = 0;

  for (guint i = 0; i < n_layers; i++)
    largest = MAX (largest, modules->layers[i].bytes);
  for (guint i = 0; i < modules->n_others; i++)
    {
      for (guint j = 0; j < modules->others[i].n_layers; j++)
        largest = MAX (largest, modules->others[i].layers[j].bytes);
    }

  return largest;
}

static guint64
get_total (const Modules *modules,
           guint          n_layers)
{
  guint64 total = modules->embeddings.bytes + modules->norm.bytes + modules->head.bytes;

  for (guint i = 0; i < n_layers; i++)
    total += modules->layers[i].bytes;
  for (guint i = 0; i < modules->n_others; i++)
    {
      total += modules->others[i].around.bytes;
      for (guint j = 0; j < modules->others[i].n_layers; j++)
        total += modules->others[i].layers[j].bytes;
    }

  return total;
}

/* The share of all devices but the last: an even part, and room for a layer. */
static guint64
get_share (const Modules *modules,
           guint          n_layers,
           guint          n_devices,
           guint64        device_memory)
{
  guint64 room = get_largest_layer (modules, n_layers) * BUFFER_QUARTERS / 4;
  guint64 share = get_total (modules, n_layers) / n_devices + room;

  return device_memory > 0 ? MIN (share, device_memory / 100 * USABLE_PERCENT) : share;
}

typedef struct
{
  HrDeviceShare *shares;
  guint n_devices;
  guint current;
  guint64 share;
  guint64 last_share;
  guint64 reserved;
} Filling;

/*
 * Puts a module on the device that is being filled, or on the next one that has room. On the first device room is kept
 * for the largest module of those that are left, should it have to come from the computer's memory.
 */
static HrDeviceShare *
place (Filling         *filling,
       const HrWeights *module)
{
  for (; filling->current < filling->n_devices; filling->current++)
    {
      gboolean is_last = filling->current == filling->n_devices - 1;
      guint64 room = is_last ? filling->last_share : filling->share;

      if (filling->current == 0)
        room -= MIN (room, filling->reserved);
      if (filling->shares[filling->current].weights.bytes + module->bytes <= room)
        break;
    }

  if (filling->current == filling->n_devices)
    return NULL;

  add_weights (&filling->shares[filling->current].weights, module);

  return &filling->shares[filling->current];
}

/* A tower, layer by layer; its forward pass moves what it needs to where its layers are. */
static gboolean
place_other (Filling          *filling,
             const OtherStack *other)
{
  if (other->around.bytes > 0 && place (filling, &other->around) == NULL)
    return FALSE;

  for (guint i = 0; i < other->n_layers; i++)
    {
      if (place (filling, &other->layers[i]) == NULL)
        return FALSE;
    }

  return TRUE;
}

static gboolean
place_others (Filling       *filling,
              const Modules *modules,
              gboolean       before)
{
  for (guint i = before ? 0 : modules->decoder + 1; i < (before ? modules->decoder : modules->n_others); i++)
    {
      if (!place_other (filling, &modules->others[i]))
        return FALSE;
    }

  return TRUE;
}

static gboolean
place_all (Filling       *filling,
           const Modules *modules,
           guint          n_layers)
{
  guint64 largest = MAX (get_largest_layer (modules, n_layers), modules->head.bytes);
  HrDeviceShare *share;

  filling->reserved = MAX (largest, modules->embeddings.bytes);
  if (!place_others (filling, modules, TRUE))
    return FALSE;
  share = place (filling, &modules->embeddings);
  if (share == NULL)
    return FALSE;
  filling->reserved = largest;
  share->has_embeddings = TRUE;
  share->has_head = modules->tied;

  for (guint i = 0; i < n_layers; i++)
    {
      share = place (filling, &modules->layers[i]);
      if (share == NULL)
        return FALSE;
      if (share->n_layers++ == 0)
        share->first_layer = i;
    }

  share = place (filling, &modules->norm);
  if (share == NULL)
    return FALSE;
  share->has_norm = TRUE;
  if (!place_others (filling, modules, FALSE))
    return FALSE;
  if (modules->tied)
    return TRUE;

  share = place (filling, &modules->head);
  if (share != NULL)
    share->has_head = TRUE;

  return share != NULL;
}

/*
 * hr_device_map_divide:
 * @storage: how the tensors of a model are stored
 * @stack: its decoder
 * @device_memory: the memory of each device; 0: no limit
 * @shares: (out) (array length=n_devices): what each device holds
 * @n_devices: how many devices there are
 *
 * Spreads a model over devices of a kind.
 *
 * Returns: whether all of it found a place; accelerate would put the rest in the computer's memory
 */
gboolean
hr_device_map_divide (const HrWeightStorage *storage,
                      const HrStack         *stack,
                      guint64                device_memory,
                      HrDeviceShare         *shares,
                      guint                  n_devices)
{
  Filling filling = { .shares = shares, .n_devices = n_devices };
  Modules modules;
  gboolean success;

  memset (shares, 0, sizeof *shares * n_devices);
  modules_init (&modules, storage->model, stack);
  measure_modules (&modules, storage, stack->n_layers);
  filling.share = get_share (&modules, stack->n_layers, n_devices, device_memory);
  filling.last_share = device_memory > 0 ? device_memory / 100 * USABLE_PERCENT : G_MAXUINT64;
  success = place_all (&filling, &modules, stack->n_layers);
  modules_clear (&modules);

  return success;
}
