/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-liger.h"

#include <string.h>

/*
 * What Liger-Kernel puts in the place of norms, gated activations and rotations: functions of one kernel each, with
 * derivatives that write over what they read (linkedin/Liger-Kernel, src/liger_kernel/ops, as of August 2026).
 */

/*
 * MODEL_TYPE_TO_APPLY_LIGER_FN of liger_kernel/transformers/monkey_patch.py, but for models that see and hear. The
 * kernels are known of those whose layers are attention and a dense feed-forward block with one gate. The classes of
 * their norms (liger_kernel/transformers/rms_norm.py) say whether these work in place; what their functions take by
 * default says which loss it is.
 */
#define FUSED HR_LOSS_IMPLEMENTATION_LIGER_FUSED_LINEAR_CROSS_ENTROPY
#define IN_PLACE HR_LOSS_IMPLEMENTATION_LIGER_CROSS_ENTROPY

static const HrLiger known[] = {
  { "exaone4", FALSE, TRUE, FUSED },
  { "falcon_h1", FALSE, FALSE, FUSED },
  { "gemma", TRUE, FALSE, FUSED },
  { "gemma2", TRUE, TRUE, FUSED },
  { "gemma3_text", TRUE, TRUE, FUSED },
  { "glm4", FALSE, FALSE, FUSED },
  { "gpt_oss", FALSE, FALSE, FUSED },
  { "granite", TRUE, FALSE, IN_PLACE },
  { "hunyuan_v1_dense", FALSE, FALSE, FUSED },
  { "hunyuan_v1_moe", FALSE, FALSE, FUSED },
  { "llama", TRUE, FALSE, FUSED },
  { "ministral", TRUE, FALSE, FUSED },
  { "mistral", TRUE, FALSE, FUSED },
  { "mixtral", FALSE, FALSE, FUSED },
  { "nemotron", FALSE, FALSE, FUSED },
  { "olmo2", TRUE, TRUE, FUSED },
  { "olmo3", TRUE, TRUE, FUSED },
  { "phi3", TRUE, FALSE, FUSED },
  { "qwen2", TRUE, FALSE, FUSED },
  { "qwen3", TRUE, FALSE, FUSED },
  { "qwen3_moe", FALSE, FALSE, FUSED },
  { "qwen3_next", FALSE, FALSE, FUSED },
  { "smollm3", TRUE, FALSE, FUSED },
};

/*
 * Where a model is patched that has been built, each apply_liger_kernel_to_… names the norms of a layer one by one; of
 * these types it names none of the queries and keys. Where a class is patched before, all norms are of it.
 */
static const HrLiger of_instances[] = {
  { "olmo2", TRUE, TRUE, FUSED, TRUE },
  { "olmo3", TRUE, TRUE, FUSED, TRUE },
  { "qwen3", TRUE, FALSE, FUSED, TRUE },
};

/*
 * hr_liger_find:
 * @model_type: a type of models
 *
 * Finds what Liger-Kernel does to models of a type.
 *
 * Returns: (nullable) (transfer none): what, or %NULL if nothing that is known
 */
const HrLiger *
hr_liger_find (const char *model_type)
{
  for (guint i = 0; model_type != NULL && i < G_N_ELEMENTS (known); i++)
    {
      if (g_str_equal (known[i].model_type, model_type))
        return &known[i];
    }

  return NULL;
}

/*
 * hr_liger_get_of_instance:
 * @self: what Liger-Kernel does to the models of a type
 *
 * Finds what it does to a model that has been built, as `use_liger_kernel` of transformers' and TRL's trainers has it
 * (apply_liger_kernel of transformers/integrations/liger.py).
 *
 * Returns: (transfer none): what
 */
const HrLiger *
hr_liger_get_of_instance (const HrLiger *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (of_instances); i++)
    {
      if (g_str_equal (of_instances[i].model_type, self->model_type))
        return &of_instances[i];
    }

  return self;
}

/*
 * hr_liger_dup_model_types:
 * @has_kernels: whether all kernels have to be known
 *
 * Lists the types of models that it is known for.
 *
 * Returns: (transfer full): their names, with commas between them
 */
char *
hr_liger_dup_model_types (gboolean has_kernels)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      if (known[i].has_kernels || !has_kernels)
        g_string_append_printf (names, "%s%s", names->len == 0 ? "" : ", ", known[i].model_type);
    }

  return g_string_free (g_steal_pointer (&names), FALSE);
}

/* Streaming multiprocessors, each of which adds up a gradient of the weight of its own; as an H100 has them. */
#define N_MULTIPROCESSORS 132

/* rms_norm_backward of ops/rms_norm.py: the gradient of the weight comes whether or not it is wanted. */
static void
backward_norm (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  HrValue weight = node->inputs[1];
  HrValue parts = HR_SHAPE (HR_ELEMENT_FLOAT32, weight.symbols[0]);
  HrValue sum;

  parts.count = N_MULTIPROCESSORS;
  parts = hr_op_make_gradient (replay, "_rms_norm_backward_kernel", parts);
  if (replay->liger->new_gradients)
    gradients[0] = hr_op_make_gradient (replay, "zeros_like", gradient);
  else
    gradients[0] = hr_op_view_gradient (replay, gradient, gradient);
  gradients[0].is_view = TRUE;
  sum = hr_op_make_gradient (replay, "sum", HR_SHAPE (HR_ELEMENT_FLOAT32, weight.symbols[0]));
  gradients[1] = sum;
  if (weight.element != HR_ELEMENT_FLOAT32)
    {
      gradients[1] = hr_op_make_gradient (replay, "_to_copy", HR_SHAPE (weight.element, weight.symbols[0]));
      hr_replay_drop (replay, sum);
    }
  hr_replay_drop (replay, parts);
}

/*
 * hr_liger_norm:
 * @replay: a tape
 * @x: the input, which the caller holds
 * @weight: what it is scaled by
 *
 * LigerRMSNormFunction of ops/rms_norm.py: of each row the reciprocal deviation is kept, in fp32, and the input.
 *
 * Returns: the result
 */
HrValue
hr_liger_norm (HrReplay *replay,
               HrValue   x,
               HrValue   weight)
{
  const HrValue inputs[] = { x, weight };
  HrValue rows = x;
  HrValue result, deviation;

  rows.n_symbols--;
  rows.element = HR_ELEMENT_FLOAT32;
  result = hr_op_like (replay, "_rms_norm_forward_kernel", "hidden_states", x);
  deviation = hr_op_like (replay, "_rms_norm_forward_kernel", "RSTD", rows);
  if (hr_autograd_record (replay, &result, backward_norm, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (replay, result, x);
      hr_autograd_save (replay, result, weight);
      hr_autograd_save (replay, result, deviation);
    }
  hr_replay_drop (replay, deviation);

  return result;
}

/* swiglu_backward of ops/swiglu.py, geglu_backward of ops/geglu.py: written over what was kept. */
static void
backward_gate (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  (void) gradient;

  for (guint i = 0; i < 2; i++)
    gradients[i] = hr_op_view_gradient (replay, node->saved[i], node->saved[i]);
}

/* Halves of one buffer are copied, as `ensure_contiguous` of ops/utils.py has it. */
static HrValue
make_contiguous (HrReplay   *replay,
                 HrValue     x,
                 const char *name,
                 gboolean    is_part)
{
  return is_part ? hr_op_like (replay, "clone", name, hr_value_detach (x)) : hr_replay_hold (replay, x);
}

/*
 * hr_liger_gate:
 * @replay: a tape
 * @gate: what the function of the activation is applied to, which the caller holds
 * @up: what that is multiplied by, likewise
 *
 * LigerSiLUMulFunction of ops/swiglu.py, LigerGELUMulFunction of ops/geglu.py.
 *
 * Returns: the product
 */
HrValue
hr_liger_gate (HrReplay *replay,
               HrValue   gate,
               HrValue   up)
{
  const HrValue inputs[] = { gate, up };
  gboolean are_parts = gate.storage == up.storage;
  HrValue read[2];
  HrValue result;

  read[0] = make_contiguous (replay, gate, "gate", are_parts);
  read[1] = make_contiguous (replay, up, "up", are_parts);
  result = hr_op_like (replay, "_swiglu_forward_kernel", "act(gate)·up", hr_value_detach (read[0]));
  if (hr_autograd_record (replay, &result, backward_gate, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (replay, result, read[0]);
      hr_autograd_save (replay, result, read[1]);
    }
  hr_replay_drop (replay, read[1]);
  hr_replay_drop (replay, read[0]);

  return result;
}

static void
turn_back (HrReplay     *replay,
           const HrNode *node,
           HrValue      *gradients,
           gboolean      copies_query,
           gboolean      copies_key)
{
  const gboolean copies[] = { copies_query, copies_key };

  for (guint i = 0; i < G_N_ELEMENTS (copies); i++)
    {
      HrValue incoming = hr_node_get_incoming (node, i);

      if (incoming.storage < 0)
        continue;
      gradients[i] = copies[i] ? hr_op_make_gradient (replay, "clone", incoming)
                               : hr_op_view_gradient (replay, incoming, incoming);
      gradients[i].is_view = TRUE;
    }
}

/* rope_backward of ops/rope.py: over the gradients that come, where in these tokens come first in memory. */
static void
backward_rotate (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  (void) gradient;

  turn_back (replay, node, gradients, FALSE, FALSE);
}

/* The sum over the heads that keys were repeated for has heads first. */
static void
backward_rotate_repeated (HrReplay     *replay,
                          const HrNode *node,
                          HrValue       gradient,
                          HrValue      *gradients)
{
  (void) gradient;

  turn_back (replay, node, gradients, FALSE, TRUE);
}

/* So do the products of eager attention. */
static void
backward_rotate_products (HrReplay     *replay,
                          const HrNode *node,
                          HrValue       gradient,
                          HrValue      *gradients)
{
  (void) gradient;

  turn_back (replay, node, gradients, TRUE, TRUE);
}

static HrBackward
choose_backward (HrReplay        *replay,
                 const HrForward *forward)
{
  if (forward->attention == HR_ATTENTION_IMPLEMENTATION_EAGER ||
      forward->attention == HR_ATTENTION_IMPLEMENTATION_SDPA_MATH)
    return backward_rotate_products;

  return forward->mask.storage >= 0 && replay->symbols[HR_SYMBOL_KEY_HEADS] != replay->symbols[HR_SYMBOL_HEADS]
           ? backward_rotate_repeated
           : backward_rotate;
}

/*
 * hr_liger_rotate:
 * @replay: a tape
 * @forward: the pass, with sines and cosines
 * @query: (inout): the queries
 * @key: (inout): the keys
 *
 * LigerRopeFunction of ops/rope.py: both are turned in place, where they do not lie in one buffer with the values.
 */
void
hr_liger_rotate (HrReplay        *replay,
                 const HrForward *forward,
                 HrValue         *query,
                 HrValue         *key)
{
  const HrValue inputs[] = { *query, *key };
  gboolean are_parts = query->storage == key->storage;
  HrValue turned[2];

  turned[0] = make_contiguous (replay, *query, "q_embed", are_parts);
  turned[1] = make_contiguous (replay, *key, "k_embed", are_parts);
  if (hr_autograd_record (replay, &turned[0], choose_backward (replay, forward), inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (replay, turned[0], forward->cos);
      hr_autograd_save (replay, turned[0], forward->sin);
      turned[1].node = turned[0].node;
      turned[1].result = 1;
    }
  hr_replay_assign (replay, query, turned[0]);
  hr_replay_assign (replay, key, turned[1]);
}
