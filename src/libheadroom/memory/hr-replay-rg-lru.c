/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-sequence.h"
#include "hr-replay-blocks.h"

/*
 * The recurrent block of RecurrentGemma (transformers/models/recurrent_gemma/modeling_recurrent_gemma.py,
 * RecurrentGemmaRecurrentBlock.forward): its states are attributes of the modules, made anew for every prompt.
 */

#define OWN(...) HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, __VA_ARGS__)

static HrValue
make (HrReplay   *replay,
      const char *operation,
      const char *name,
      HrValue     shape)
{
  return hr_op_like (replay, operation, name, shape);
}

/* What the convolution still needs, and the state in fp32: zeros first, what the prompt leaves afterwards. */
static void
keep_states (HrReplay  *replay,
             HrForward *forward)
{
  if (!forward->use_cache || forward->conv_state.storage >= 0)
    return;

  forward->conv_state = hr_replay_make (replay, "constant_pad_nd", "conv1d_state", HR_COMPONENT_KV_CACHE,
                                        OWN (HR_SYMBOL_MIXER, HR_SYMBOL_KERNEL));
  hr_replay_keep_state (replay, forward, &forward->recurrent_state, "recurrent_states", OWN (HR_SYMBOL_MIXER));
}

static HrValue
convolve (HrReplay  *replay,
          HrForward *forward)
{
  HrValue row = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  HrValue products, result;

  if (forward->conv_state.storage >= 0)
    {
      products = make (replay, "mul", "conv_state · weight", OWN (HR_SYMBOL_MIXER, HR_SYMBOL_CONVOLUTION));
      result = make (replay, "sum", "x_branch", row);
      hr_replay_drop (replay, products);
      hr_replay_assign (replay, &result, make (replay, "add", "x_branch", row));
      return result;
    }

  keep_states (replay, forward);
  products = hr_replay_make (replay, "contiguous", "input", HR_COMPONENT_TEMPORARY, row);
  result = make (replay, "convolution", "x_branch", OWN (HR_SYMBOL_CONVOLUTION, HR_SYMBOL_MIXER));
  hr_replay_drop (replay, products);

  return result;
}

/* torch.sigmoid (baddbmm (bias, x, weight)), its heads put beside each other again; @res is bound to the product. */
static HrValue
make_gate (HrReplay   *replay,
           const char *name,
           HrValue    *res)
{
  HrValue row = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  HrValue joined, result;

  hr_replay_assign (replay, res, make (replay, "baddbmm", "res", row));
  joined = make (replay, "clone", name, row);
  result = make (replay, "sigmoid", name, row);
  hr_replay_drop (replay, joined);

  return result;
}

/* RecurrentGemmaRglru.forward */
static HrValue
recur (HrReplay *replay)
{
  HrValue row = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  HrValue state = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_MIXER);
  HrValue reset = make (replay, "eq", "reset", HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_SEQUENCE));
  HrValue res = HR_NO_VALUE;
  HrValue input, recurrent, logarithm, square, gated, multiplier, normalized, kept, step, next, result;

  input = make_gate (replay, "input_gate", &res);
  recurrent = make_gate (replay, "recurrent_gate", &res);
  square = make (replay, "mul", "−8·recurrent_gate", row);
  logarithm = make (replay, "mul", "log_recurrent_gate", row);
  hr_replay_drop (replay, square);
  hr_replay_assign (replay, &recurrent, make (replay, "exp", "recurrent_gate", row));
  square = make (replay, "mul", "2·log_recurrent_gate", row);
  hr_replay_assign (replay, &square, make (replay, "exp", "a_square", row));
  gated = make (replay, "mul", "gated_inputs", row);
  multiplier = make (replay, "rsub", "1 − a_square", row);
  hr_replay_assign (replay, &multiplier, make (replay, "sqrt", "multiplier", row));
  normalized = make (replay, "mul", "~reset·multiplier", row);
  hr_replay_assign (replay, &multiplier, make (replay, "add", "multiplier", row));
  hr_replay_drop (replay, normalized);
  normalized = make (replay, "mul", "normalized_x", row);

  replay->sentence = N_("in the recurrent unit, while one token after the other changes the state");
  kept = make (replay, "mul", "recurrent_gate", row);
  result = make (replay, "zeros_like", "contextualized_states", row);
  step = make (replay, "_to_copy", "recurrent_gate[:, t]", state);
  next = make (replay, "mul", "recurrent_states", state);
  hr_replay_drop (replay, step);
  hr_replay_drop (replay, next);
  hr_replay_drop (replay, kept);
  hr_replay_drop (replay, normalized);
  hr_replay_drop (replay, multiplier);
  hr_replay_drop (replay, gated);
  hr_replay_drop (replay, square);
  hr_replay_drop (replay, logarithm);
  hr_replay_drop (replay, recurrent);
  hr_replay_drop (replay, res);
  hr_replay_drop (replay, input);
  hr_replay_drop (replay, reset);

  return result;
}

/*
 * hr_replay_rg_lru:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @lru: the block
 *
 * A block with a gated linear recurrent unit.
 *
 * Returns: the result
 */
HrValue
hr_replay_rg_lru (HrReplay      *replay,
                  HrForward     *forward,
                  HrValue        x,
                  const HrRgLru *lru)
{
  guint64 *symbols = replay->symbols;
  HrValue gate, branch, result;

  symbols[HR_SYMBOL_MIXER] = lru->lru_width;
  symbols[HR_SYMBOL_KERNEL] = lru->conv_kernel - 1;
  symbols[HR_SYMBOL_CONVOLUTION] = symbols[HR_SYMBOL_SEQUENCE] + lru->conv_kernel - 1;

  replay->sentence = N_("in the recurrent unit, while its input is projected and convolved");
  gate = hr_op_linear (replay, x, HR_MODULE_OUTPUT_GATE, "y_branch", HR_SYMBOL_MIXER, 1, TRUE);
  hr_replay_assign (replay, &gate, hr_replay_activation (replay, gate, lru->activation));
  branch = hr_op_linear (replay, x, HR_MODULE_PROJECTION, "x_branch", HR_SYMBOL_MIXER, 1, TRUE);
  hr_replay_assign (replay, &branch, convolve (replay, forward));
  replay->sentence = N_("in the recurrent unit, while its gates are computed");
  hr_replay_assign (replay, &branch, recur (replay));
  replay->sentence = N_("in the recurrent unit, in its output projection");
  result = hr_op_like (replay, "mul", "hidden_states", gate);
  hr_replay_assign (replay, &result,
                    hr_op_linear (replay, result, HR_MODULE_OUTPUT, "hidden_states", HR_SYMBOL_HIDDEN, 1, TRUE));
  hr_replay_drop (replay, branch);
  hr_replay_drop (replay, gate);

  return result;
}
