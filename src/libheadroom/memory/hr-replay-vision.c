/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-attention-private.h"

/*
 * The attention of a tower that gets the patches of all its images in a row (VisionAttention of modeling_qwen2_vl.py,
 * Qwen2_5_VLVisionAttention, Qwen3VLVisionAttention): one matrix makes queries, keys and values, these are rotated in
 * fp32, then each image, each frame or each window attends to itself, by a call of its own, and the results are joined.
 *
 * The first such piece is replayed by itself, since its derivative is the last to run; all others are replayed
 * together, as their sum.
 */

#define KERNEL_ROWS 32

static guint64
round_elements (guint64 n,
                guint64 bytes)
{
  return hr_ledger_round (n * bytes) / bytes;
}

static gboolean
takes_flash (HrReplay        *replay,
             const HrForward *forward,
             HrValue          query)
{
  return forward->attention == HR_ATTENTION_IMPLEMENTATION_SDPA && hr_element_get_bytes (query.element) == 2 &&
         replay->symbols[HR_SYMBOL_HEAD] <= 256;
}

/* The efficient kernel has rows of a multiple of 32 for its sums, and makes none where no gradient is asked for. */
static guint64
count_sums (HrReplay *replay,
            guint64   length,
            gboolean  flash)
{
  guint64 rows = flash ? length : (length + KERNEL_ROWS - 1) / KERNEL_ROWS * KERNEL_ROWS;

  if (!flash && replay->graph == NULL)
    return 0;

  return round_elements (replay->symbols[HR_SYMBOL_HEADS] * rows, sizeof (float));
}

static void
set_chunk_symbols (HrReplay     *replay,
                   const GArray *chunks,
                   gboolean      flash)
{
  guint64 *symbols = replay->symbols;
  guint64 first = g_array_index (chunks, HrChunk, 0).length;
  guint64 sums = 0;
  guint64 n = 0;

  for (guint i = 0; i < chunks->len; i++)
    {
      const HrChunk *chunk = &g_array_index (chunks, HrChunk, i);
      guint64 count = i == 0 ? chunk->count - 1 : chunk->count;

      n += count;
      sums += count * count_sums (replay, chunk->length, flash);
    }

  symbols[HR_SYMBOL_ONE_CHUNK] = first;
  symbols[HR_SYMBOL_ONE_CHUNK_32] = (first + 31) / 32 * 32;
  symbols[HR_SYMBOL_ONE_CHUNK_128] = (first + 127) / 128 * 128;
  symbols[HR_SYMBOL_MORE_CHUNKS] = symbols[HR_SYMBOL_SEQUENCE] - first;
  symbols[HR_SYMBOL_CHUNK_SUMS] = sums;
  symbols[HR_SYMBOL_CHUNK_STATES] = 2 * n * round_elements (1, sizeof (gint64));
}

/* What a call keeps beside its inputs, and what comes of it. */
typedef struct
{
  HrValue output;
  HrValue sums;
  HrValue states;
} Called;

static HrValue
make_if_any (HrReplay   *replay,
             const char *operation,
             const char *name,
             HrValue     shape)
{
  return hr_value_get_elements (shape, replay->symbols) > 0 ? hr_op_like (replay, operation, name, shape)
                                                            : HR_NO_VALUE;
}

/* All pieces but the first. */
static Called
call_on_others (HrReplay   *replay,
                const char *operation,
                HrValue     query)
{
  Called called;

  called.output = make_if_any (replay, operation, "attn_outputs",
                               HR_SHAPE (query.element, HR_SYMBOL_MORE_CHUNKS, HR_SYMBOL_QUERY));
  called.sums = make_if_any (replay, operation, "logsumexp", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_CHUNK_SUMS));
  called.states = make_if_any (replay, operation, "philox states", HR_SHAPE (HR_ELEMENT_INT64,
                                                                             HR_SYMBOL_CHUNK_STATES));

  return called;
}

static Called
call_on_first (HrReplay   *replay,
               const char *operation,
               HrValue     query,
               gboolean    flash)
{
  HrSymbol rows = flash ? HR_SYMBOL_ONE_CHUNK : HR_SYMBOL_ONE_CHUNK_32;
  HrValue states = HR_SHAPE (HR_ELEMENT_INT64);
  Called called;

  called.output = hr_op_like (replay, operation, "attn_outputs[0]",
                              HR_SHAPE (query.element, HR_SYMBOL_ONE_CHUNK, HR_SYMBOL_QUERY));
  called.sums = HR_NO_VALUE;
  if (flash || replay->graph != NULL)
    called.sums = hr_op_like (replay, operation, "logsumexp",
                              HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_HEADS, rows));
  /* Two states of 512 bytes. */
  states.count = 2 * 512 / sizeof (gint64);
  called.states = hr_op_like (replay, operation, "philox state", states);

  return called;
}

/* _scaled_dot_product_flash_attention_backward, _scaled_dot_product_efficient_attention_backward of the last call. */
static void
make_workspace (HrReplay   *replay,
                const char *operation,
                HrElement   element,
                gboolean    flash)
{
  HrValue sums, accumulated = HR_NO_VALUE;

  replay->symbols[HR_SYMBOL_HEAD_ROUNDED] = (replay->symbols[HR_SYMBOL_HEAD] + 31) / 32 * 32;
  sums = hr_op_like (replay, operation, "softmax_d",
                     HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_HEADS, flash ? HR_SYMBOL_ONE_CHUNK_128
                                                                         : HR_SYMBOL_ONE_CHUNK));
  if (flash)
    accumulated = hr_op_like (replay, operation, "dq_accum",
                              HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_HEADS, HR_SYMBOL_ONE_CHUNK_128,
                                        HR_SYMBOL_HEAD_ROUNDED));
  else if (hr_element_get_bytes (element) == 2)
    accumulated = hr_op_like (replay, operation, "dq_accum",
                              HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_ONE_CHUNK, HR_SYMBOL_QUERY));
  hr_replay_drop (replay, accumulated);
  hr_replay_drop (replay, sums);
}

/* What the calls on the other pieces have kept goes as each has run. */
static void
drop_others (HrReplay     *replay,
             const HrNode *node)
{
  HrNode *self = (HrNode *) node;

  for (guint i = 0; i < self->n_saved; i++)
    {
      if (self->saved[i].symbols[0] != HR_SYMBOL_MORE_CHUNKS && self->saved[i].symbols[0] != HR_SYMBOL_CHUNK_SUMS &&
          self->saved[i].symbols[0] != HR_SYMBOL_CHUNK_STATES)
        continue;
      hr_replay_drop (replay, self->saved[i]);
      self->saved[i] = HR_NO_VALUE;
    }
}

static void
differentiate (HrReplay     *replay,
               const HrNode *node,
               HrValue      *gradients,
               const char   *operation,
               gboolean      flash)
{
  HrElement element = node->inputs[0].element;

  drop_others (replay, node);
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (hr_value_needs_gradient (node->inputs[i]))
        gradients[i] = hr_op_make_gradient (replay, operation, hr_value_detach (node->inputs[i]));
    }
  make_workspace (replay, operation, element, flash);
}

static void
backward_flash (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  differentiate (replay, node, gradients, "_scaled_dot_product_flash_attention_backward", TRUE);
}

static void
backward_efficient (HrReplay     *replay,
                    const HrNode *node,
                    HrValue       gradient,
                    HrValue      *gradients)
{
  differentiate (replay, node, gradients, "_scaled_dot_product_efficient_attention_backward", FALSE);
}

/* torch.split along the patches: views, whose gradients are joined again. */
static HrValue
split (HrReplay *replay,
       HrValue   x)
{
  HrValue view = hr_op_view (replay, x, x);

  hr_op_record (replay, &view, HR_GRADIENT_LIKE_INPUT, "cat", &x, 1);

  return view;
}

/* Each piece by a call of its own; torch.cat joins what they made, and a variable holds it beside the result. */
static HrValue
attend (HrReplay        *replay,
        const HrForward *forward,
        const HrValue   *parts,
        HrValue         *held)
{
  gboolean flash = takes_flash (replay, forward, parts[0]);
  const char *operation = flash ? "_scaled_dot_product_flash_attention" : "_scaled_dot_product_efficient_attention";
  Called first, others;
  HrValue joined;

  set_chunk_symbols (replay, forward->chunks, flash);
  replay->sentence = N_("in the attention, in its kernel");
  first = call_on_first (replay, operation, parts[0], flash);
  others = call_on_others (replay, operation, parts[0]);
  held[0] = first.output;
  held[1] = others.output;

  joined = hr_op_like (replay, "cat", "attn_output", HR_SHAPE (parts[0].element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_QUERY));
  if (hr_autograd_record (replay, &joined, flash ? backward_flash : backward_efficient, parts, 3))
    {
      const HrValue saved[] = { parts[0], parts[1], parts[2], first.output, first.sums, first.states, others.output,
                                others.sums, others.states };

      for (guint i = 0; i < G_N_ELEMENTS (saved); i++)
        hr_autograd_save (replay, joined, saved[i]);
    }
  hr_replay_drop (replay, others.states);
  hr_replay_drop (replay, others.sums);
  hr_replay_drop (replay, first.states);
  hr_replay_drop (replay, first.sums);

  return joined;
}

/* reshape (…, 3, heads, -1).permute (1, 0, 2, 3).unbind (0): views; their gradients are stacked, then put in order. */
static void
split_fused (HrReplay *replay,
             HrValue   fused,
             HrValue  *parts)
{
  HrValue view = hr_op_view (replay, fused, fused);

  hr_op_record (replay, &view, HR_GRADIENT_LIKE_INPUT, "clone", &fused, 1);
  hr_op_chunk (replay, view, 3, parts);
  hr_replay_drop (replay, view);
  for (guint i = 0; i < 3; i++)
    {
      parts[i].symbols[parts[i].n_symbols - 1] = i == 0 ? HR_SYMBOL_QUERY : HR_SYMBOL_KEY;
      parts[i].count = 1;
      parts[i].divisor = 1;
    }
}

static void
project (HrReplay             *replay,
         HrValue               x,
         const HrAttention    *attention,
         HrAttentionVariables *variables)
{
  HrValue fused, parts[3];

  if (attention->projection == HR_PROJECTION_SEPARATE)
    {
      variables->query = hr_op_linear (replay, x, HR_MODULE_QUERY, "query_states", HR_SYMBOL_QUERY, 1,
                                       attention->has_query_bias);
      variables->key = hr_op_linear (replay, x, HR_MODULE_KEY, "key_states", HR_SYMBOL_KEY, 1,
                                     attention->has_key_bias);
      variables->value = hr_op_linear (replay, x, HR_MODULE_VALUE, "value_states", HR_SYMBOL_KEY, 1,
                                       attention->has_value_bias);
      return;
    }

  fused = hr_op_linear (replay, x, HR_MODULE_QUERY_KEY_VALUE, "qkv", HR_SYMBOL_FUSED, 1, attention->has_query_bias);
  split_fused (replay, fused, parts);
  hr_replay_drop (replay, fused);
  variables->query = parts[0];
  variables->key = parts[1];
  variables->value = parts[2];
}

/* Angles of half a head, of which a copy takes the place, for both halves. */
static HrValue
repeat_angles (HrReplay   *replay,
               const char *name)
{
  HrValue angles = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HEAD);
  HrValue half = angles;

  half.divisor = 2;
  hr_replay_assign (replay, &half, hr_op_like (replay, name, name, half));
  hr_replay_assign (replay, &half, hr_op_like (replay, "repeat", name, angles));

  return half;
}

/* apply_rotary_pos_emb_vision() of modeling_qwen2_5_omni.py, of queries or of keys. */
static void
rotate_apart (HrReplay   *replay,
              HrValue    *x,
              const char *name)
{
  HrValue cast = hr_op_cast (replay, *x, HR_ELEMENT_FLOAT32);
  HrValue cosines = repeat_angles (replay, "cos");
  HrValue sines = repeat_angles (replay, "sin");
  HrValue output = hr_replay_rotate (replay, cast, cosines, sines, name);

  hr_replay_assign (replay, &output, hr_op_cast (replay, output, x->element));
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);
  hr_replay_drop (replay, cast);
  hr_replay_assign (replay, x, output);
}

/* apply_rotary_pos_emb_vision() of modeling_qwen2_5_vl.py: cosines and sines of 16 bits are cast in each layer. */
static void
rotate_in_fp32 (HrReplay             *replay,
                const HrForward      *forward,
                HrAttentionVariables *variables)
{
  HrForward wide = *forward;

  wide.cos = hr_op_cast (replay, forward->cos, HR_ELEMENT_FLOAT32);
  wide.sin = hr_op_cast (replay, forward->sin, HR_ELEMENT_FLOAT32);
  hr_attention_rotate_in_fp32 (replay, &wide, variables);
  hr_replay_drop (replay, wide.sin);
  hr_replay_drop (replay, wide.cos);
}

/*
 * hr_replay_vision_attention:
 * @replay: a tape
 * @forward: the pass, with what attends to itself
 * @x: patches in a row, which the caller holds
 * @attention: the block
 *
 * A module of attention in a tower.
 *
 * Returns: what the module returns
 */
HrAttentionResult
hr_replay_vision_attention (HrReplay          *replay,
                            HrForward         *forward,
                            HrValue            x,
                            const HrAttention *attention)
{
  HrAttentionVariables variables = { .gate = HR_NO_VALUE };
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue parts[3], held[2];

  replay->sentence = N_("in the attention, while queries, keys and values are projected");
  project (replay, x, attention, &variables);
  replay->sentence = N_("in the attention, while queries and keys are rotated");
  if (attention->rotary_apart)
    {
      rotate_apart (replay, &variables.query, "query_states");
      rotate_apart (replay, &variables.key, "key_states");
    }
  else if (attention->position == HR_POSITION_ROTARY_FP32)
    rotate_in_fp32 (replay, forward, &variables);

  parts[0] = hr_op_cast_down (replay, variables.query);
  parts[1] = hr_op_cast_down (replay, variables.key);
  parts[2] = hr_op_cast_down (replay, variables.value);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_assign (replay, &parts[i], split (replay, parts[i]));
  result.output = attend (replay, forward, parts, held);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_drop (replay, parts[i]);

  replay->sentence = N_("in the attention, in its output projection");
  hr_replay_assign (replay, &result.output,
                    hr_op_linear (replay, result.output, HR_MODULE_OUTPUT, "proj(…)", HR_SYMBOL_HIDDEN, 1,
                                  attention->has_output_bias));
  hr_replay_drop (replay, held[1]);
  hr_replay_drop (replay, held[0]);
  hr_attention_drop_variables (replay, &variables);

  return result;
}
