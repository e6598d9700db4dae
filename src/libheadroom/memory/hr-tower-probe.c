/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-operator-select.h"
#include "hr-replay-blocks.h"
#include "hr-tower.h"

/*
 * A head that attends with one vector to all that a tower has made of a picture (SiglipMultiheadAttentionPoolingHead of
 * modeling_siglip.py, Phi4MultimodalVisionMultiheadAttentionPoolingHead of modeling_phi4_multimodal.py). What a decoder
 * reads is made before it, so that nothing of it is used; it runs all the same.
 */

typedef struct
{
  const HrBlock *probe;
  const HrBlock *weight;
  const HrBlock *bias;
  const HrBlock *output;
  const HrBlock *norm;
  const HrBlock *mlp;
} Head;

/* In the order of the file: probe, in_proj_weight, in_proj_bias, out_proj, layernorm, mlp. */
static gboolean
find_head (const HrChain *chain,
           Head          *head)
{
  for (guint i = 0; i + 5 < chain->n_blocks; i++)
    {
      const HrBlock *blocks = &chain->blocks[i];

      if (blocks[0].kind != HR_BLOCK_PARAMETER || blocks[1].kind != HR_BLOCK_PARAMETER ||
          blocks[2].kind != HR_BLOCK_PARAMETER || blocks[3].kind != HR_BLOCK_LINEAR ||
          blocks[4].kind != HR_BLOCK_NORM || blocks[5].kind != HR_BLOCK_MLP)
        continue;

      *head = (Head) { &blocks[0], &blocks[1], &blocks[2], &blocks[3], &blocks[4], &blocks[5] };

      return TRUE;
    }

  return FALSE;
}

/*
 * hr_tower_has_probe:
 * @stack: a tower
 *
 * Returns: whether such a head follows its layers
 */
gboolean
hr_tower_has_probe (const HrStack *stack)
{
  Head head;

  return find_head (&stack->final, &head);
}

/* `torch.zeros_like (mask, dtype=…).masked_fill_ (mask, float ("-inf"))` of `~attention_mask` (_canonical_mask). */
static HrValue
make_mask (HrReplay *replay,
           HrElement element,
           HrValue  *hidden)
{
  *hidden = hr_op_like (replay, "bitwise_not", "key_padding_mask",
                        HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));

  return hr_op_like (replay, "zeros_like", "key_padding_mask",
                     HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
}

/* A part of the packed matrix and of its bias: autocast does not cache the copies of views. */
static HrValue
take_part (HrReplay      *replay,
           const HrBlock *block,
           HrValue        shape,
           guint          count)
{
  HrValue part;

  shape.count = count;
  replay->block = block->path;
  part = hr_autograd_parameter (replay, shape);
  part.is_trained = FALSE;

  return part;
}

/*
 * Keys and values of all positions, side by side and then one behind the other (_in_projection_packed). What has the
 * batch behind the sequence is copied to be seen as rows, and the bias added to the product
 * (aten/src/ATen/native/Linear.cpp).
 */
static HrValue
project_keys (HrReplay   *replay,
              const Head *head,
              HrValue     x)
{
  HrValue weight = take_part (replay, head->weight, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN,
                                                              HR_SYMBOL_HIDDEN), 2);
  HrValue bias = take_part (replay, head->bias, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN), 2);
  gboolean is_turned = replay->symbols[HR_SYMBOL_BATCH] > 1;
  HrValue low = hr_op_cast_down (replay, x);
  HrValue shape = low;
  HrValue turned, addend, both;

  shape.count = 2;
  if (is_turned)
    {
      addend = hr_op_cast_parameter (replay, bias);
      turned = hr_op_copy (replay, "key", low, hr_value_detach (low));
      both = hr_op_linear_by (replay, turned, "kv_proj", weight, HR_NO_VALUE, shape);
      hr_replay_drop (replay, turned);
      hr_replay_assign (replay, &both, hr_op_binary (replay, HR_BINARY_ADD, "kv_proj", both, addend));
      hr_op_drop_cast (replay, bias, addend, FALSE);
    }
  else
    {
      both = hr_op_linear_by (replay, low, "kv_proj", weight, bias, shape);
    }
  hr_replay_drop (replay, low);
  hr_replay_assign (replay, &both, hr_op_copy (replay, "kv_proj", both, hr_value_detach (both)));

  return both;
}

static HrValue
project_query (HrReplay   *replay,
               const Head *head,
               HrValue     probe)
{
  HrElement element = replay->parameter_dtype;
  HrValue weight = take_part (replay, head->weight, HR_SHAPE (element, HR_SYMBOL_HIDDEN, HR_SYMBOL_HIDDEN), 1);
  HrValue bias = take_part (replay, head->bias, HR_SHAPE (element, HR_SYMBOL_HIDDEN), 1);

  return hr_op_linear_by (replay, probe, "q", weight, bias, hr_value_detach (probe));
}

/*
 * `torch.baddbmm (attn_mask, q_scaled, k.transpose (…))` and its softmax, then the product with the values
 * (multi_head_attention_forward of torch/nn/functional.py, with need_weights).
 */
static HrValue
attend (HrReplay   *replay,
        const Head *head,
        HrValue     x,
        gboolean    has_mask)
{
  HrValue row = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN);
  HrValue scores = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE);
  HrValue averages = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue hidden = HR_NO_VALUE, mask = HR_NO_VALUE, spread = HR_NO_VALUE;
  HrValue probe, query, both, scaled, weights, output;

  replay->block = head->probe->path;
  probe = hr_op_repeat (replay, "probe",
                        hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN)),
                        HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN));
  if (has_mask)
    mask = make_mask (replay, probe.element, &hidden);
  query = project_query (replay, head, probe);
  both = project_keys (replay, head, x);
  if (has_mask)
    {
      scores.element = mask.element;
      spread = hr_op_like (replay, "clone", "key_padding_mask", scores);
    }
  scaled = hr_op_unary (replay, HR_UNARY_MUL, "q_scaled", query);
  scores.element = scaled.element;
  weights = hr_op_matmul (replay, "attn_output_weights", scaled, both, scores);
  hr_replay_assign (replay, &weights, hr_op_softmax (replay, "attn_output_weights", weights, weights.element));
  output = hr_op_matmul (replay, "attn_output", weights, both, row);
  hr_replay_drop (replay, both);
  replay->block = head->output->path;
  hr_replay_assign (replay, &output, hr_tower_run_linear (replay, output, head->output, HR_SYMBOL_HIDDEN));
  averages.element = weights.element;
  hr_replay_drop (replay, hr_op_like (replay, "mean", "attn_output_weights", averages));
  hr_replay_drop (replay, weights);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, query);
  hr_replay_drop (replay, spread);
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, probe);

  return output;
}

/*
 * hr_tower_run_probe:
 * @stack: a tower with such a head
 * @replay: a tape
 * @x: what its last norm has made
 * @has_mask: whether it is told which positions are padding
 *
 * Runs the head.
 *
 * Returns: a vector for each picture
 */
HrValue
hr_tower_run_probe (const HrStack *stack,
                    HrReplay      *replay,
                    HrValue        x,
                    gboolean       has_mask)
{
  HrValue residual, result;
  Head head;

  if (!find_head (&stack->final, &head))
    return HR_NO_VALUE;

  residual = attend (replay, &head, x, has_mask);
  replay->block = head.norm->path;
  result = hr_replay_norm (replay, residual, &head.norm->norm);
  replay->block = head.mlp->path;
  replay->symbols[HR_SYMBOL_INTERMEDIATE] = head.mlp->mlp.intermediate_size;
  hr_replay_assign (replay, &result, hr_replay_mlp (replay, &result, &head.mlp->mlp));
  hr_replay_assign (replay, &result, hr_op_binary (replay, HR_BINARY_ADD, "hidden_state", residual, result));
  hr_replay_drop (replay, residual);

  return result;
}
