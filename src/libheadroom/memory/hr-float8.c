/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-float8.h"

#include "hr-framework.h"
#include "hr-model-private.h"
#include "hr-pass.h"

/*
 * Which linear layers torchao.float8 replaces (swap_linear_layers of torchao/float8/float8_linear_utils.py), or
 * Transformer Engine's (convert_model of accelerate/utils/transformer_engine.py).
 */

/* torch._scaled_mm multiplies no other sizes, nor does Transformer Engine. */
#define MULTIPLE 16

/* DelayedScaling.amax_history_len, and the quantizers of a module in the forward and in the backward pass. */
#define HISTORY_LENGTH 1024
#define N_FORWARD      3
#define N_BACKWARD     2

/* A linear layer, in each layer of the stack that has its block. */
typedef struct
{
  const char *block;
  HrModule module;
} Converted;

struct _HrFloat8
{
  HrFp8Recipe recipe;
  gboolean pads;
  gboolean is_by_engine;
  GArray *converted;       /* of Converted */
  Converted skipped;       /* that of the first layer is left as it is */
  guint64 n_converted;
  guint64 n_others;
};

static gboolean
is_linear (const HrTensor *tensor)
{
  return (tensor->role == HR_TENSOR_ROLE_LINEAR && !tensor->is_transposed) || tensor->role == HR_TENSOR_ROLE_OUTPUT;
}

/* The output head is the last module of a model. */
static gboolean
can_be_converted (const HrFloat8 *self,
                  const HrTensor *tensor)
{
  guint64 n_matrices, out_features, in_features;

  if (tensor->role == HR_TENSOR_ROLE_OUTPUT && !self->is_by_engine)
    return FALSE;

  hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);

  return in_features % MULTIPLE == 0 && out_features % MULTIPLE == 0;
}

static void
take_tensor (HrFloat8       *self,
             const HrTensor *tensor,
             gboolean        is_first,
             gboolean        skips_first)
{
  guint64 n_copies = hr_tensor_get_copies (tensor);
  Converted converted = { tensor->block, tensor->module };

  if (!can_be_converted (self, tensor))
    {
      self->n_others += n_copies;
      return;
    }

  self->n_converted += n_copies;
  if (is_first && skips_first)
    {
      self->skipped = converted;
      self->n_converted--;
      self->n_others++;
    }
  g_array_append_val (self->converted, converted);
}

static void
find_layers (HrFloat8 *self,
             HrModel  *model,
             gboolean  skips_first)
{
  gboolean is_first = TRUE, has_head = FALSE;

  self->converted = g_array_new (FALSE, FALSE, sizeof (Converted));
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (!is_linear (tensor))
        continue;

      take_tensor (self, tensor, is_first, skips_first);
      is_first = FALSE;
      has_head = has_head || tensor->role == HR_TENSOR_ROLE_OUTPUT;
    }

  /* A head that shares its matrix with the embedding is a linear layer all the same. */
  if (!has_head && hr_chain_find_block (hr_model_get_head (model), HR_BLOCK_HEAD) != NULL)
    self->n_others++;
}

/*
 * hr_float8_new:
 * @model: a model
 * @recipe: how factors are cast
 * @skips_first: whether its first linear layer is left as it is, as accelerate does (convert_model_to_fp8_ao of
 *   accelerate/utils/ao.py); the last is the output head, which is in any case (the filter of torchao/float8/README.md)
 * @pads: whether factors are padded to whole sixteens, and copied where they are that long
 *
 * Finds the linear layers whose products torchao computes in fp8.
 *
 * Returns: (transfer full): these
 */
HrFloat8 *
hr_float8_new (HrModel     *model,
               HrFp8Recipe  recipe,
               gboolean     skips_first,
               gboolean     pads)
{
  HrFloat8 *self = g_new0 (HrFloat8, 1);

  self->recipe = recipe;
  self->pads = pads;
  find_layers (self, model, skips_first);

  return self;
}

/*
 * hr_float8_new_for_engine:
 * @model: a model
 * @recipe: how factors are cast
 *
 * Finds the linear layers whose products Transformer Engine computes in fp8: all of them, the output head as well.
 *
 * Returns: (transfer full): these
 */
HrFloat8 *
hr_float8_new_for_engine (HrModel     *model,
                          HrFp8Recipe  recipe)
{
  HrFloat8 *self = g_new0 (HrFloat8, 1);

  self->recipe = recipe;
  self->is_by_engine = TRUE;
  find_layers (self, model, FALSE);

  return self;
}

void
hr_float8_free (HrFloat8 *self)
{
  g_return_if_fail (self != NULL);

  g_array_unref (self->converted);
  g_free (self);
}

HrFp8Recipe
hr_float8_get_recipe (const HrFloat8 *self)
{
  return self->recipe;
}

gboolean
hr_float8_get_pads (const HrFloat8 *self)
{
  return self->pads;
}

/* Whether Transformer Engine's layers compute, and not torchao's. */
gboolean
hr_float8_is_by_engine (const HrFloat8 *self)
{
  return self->is_by_engine;
}

/*
 * hr_float8_get_state_bytes:
 * @self: what computes in fp8
 *
 * What Transformer Engine holds beside the parameters: the workspace of its products, and with delayed scaling the
 * scales and the histories of largest values of each module (DelayedScalingRecipeState of
 * transformer_engine/pytorch/quantization.py).
 *
 * Returns: the size in bytes
 */
guint64
hr_float8_get_state_bytes (const HrFloat8 *self)
{
  guint64 module = 0;

  if (!self->is_by_engine)
    return 0;
  if (self->recipe == HR_FP8_RECIPE_DELAYED)
    module = hr_ledger_round (N_FORWARD * sizeof (float)) + hr_ledger_round (N_BACKWARD * sizeof (float)) +
             hr_ledger_round (HISTORY_LENGTH * N_FORWARD * sizeof (float)) +
             hr_ledger_round (HISTORY_LENGTH * N_BACKWARD * sizeof (float));

  return hr_ledger_round (HR_ENGINE_WORKSPACE_BYTES_HOPPER) + self->n_converted * module;
}

/* How many linear layers compute in fp8. */
guint64
hr_float8_get_n_converted (const HrFloat8 *self)
{
  return self->n_converted;
}

/* How many do not. */
guint64
hr_float8_get_n_others (const HrFloat8 *self)
{
  return self->n_others;
}

/*
 * hr_float8_converts:
 * @self: (nullable): what computes in fp8
 * @block: the path of the block that runs: the very string that the block has
 * @module: which of its modules
 * @layer: the index of the layer, -1 outside of the layers
 *
 * Returns: whether the module computes in fp8
 */
gboolean
hr_float8_converts (const HrFloat8 *self,
                    const char     *block,
                    HrModule        module,
                    int             layer)
{
  if (self == NULL || (layer <= 0 && self->skipped.block == block && self->skipped.module == module))
    return FALSE;

  for (guint i = 0; i < self->converted->len; i++)
    {
      const Converted *converted = &g_array_index (self->converted, Converted, i);

      if (converted->block == block && converted->module == module)
        return TRUE;
    }

  return FALSE;
}
