/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-blocks.h"

/*
 * The gated convolution of LFM2 as transformers computes it with torch alone (transformers/models/lfm2/
 * modeling_lfm2.py, Lfm2ShortConv.slow_forward).
 */

/*
 * hr_replay_short_convolution:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @convolution: the block
 *
 * A gated convolution.
 *
 * Returns: the result
 */
HrValue
hr_replay_short_convolution (HrReplay                 *replay,
                             HrForward                *forward,
                             HrValue                   x,
                             const HrShortConvolution *convolution)
{
  HrValue tokens = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  guint64 *symbols = replay->symbols;
  HrValue masked, projected, input, padded, convolved, result;

  symbols[HR_SYMBOL_KERNEL] = convolution->conv_kernel;
  symbols[HR_SYMBOL_CONVOLUTION] = symbols[HR_SYMBOL_SEQUENCE] + convolution->conv_kernel - 1;
  replay->sentence = N_("in the short convolution, while its input is projected and convolved");
  masked = forward->masked && symbols[HR_SYMBOL_BATCH] > 1 && symbols[HR_SYMBOL_SEQUENCE] > 1
             ? hr_op_like (replay, "mul", "x", tokens)
             : HR_NO_VALUE;
  projected = hr_op_linear (replay, x, HR_MODULE_PROJECTION, "BCx", HR_SYMBOL_HIDDEN, 3, FALSE);
  hr_replay_drop (replay, masked);
  input = hr_op_like (replay, "mul", "Bx", tokens);
  convolved = hr_replay_plain_convolution (replay, forward, HR_SYMBOL_HIDDEN, &padded);
  hr_replay_drop (replay, padded);
  result = hr_op_like (replay, "mul", "y", tokens);
  replay->sentence = N_("in the short convolution, in its output projection");
  hr_replay_assign (replay, &result, hr_op_linear (replay, result, HR_MODULE_OUTPUT, "y", HR_SYMBOL_HIDDEN, 1, FALSE));
  hr_replay_drop (replay, convolved);
  hr_replay_drop (replay, input);
  hr_replay_drop (replay, projected);

  return result;
}
