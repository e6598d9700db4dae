/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"
#include "hr-operator-sequence.h"
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
  guint64 *symbols = replay->symbols;
  gboolean has_bias = convolution->has_bias;
  HrValue masked = hr_replay_hold (replay, x);
  HrValue projected, transposed, parts[3], input, padded, convolved, result;

  symbols[HR_SYMBOL_KERNEL] = convolution->conv_kernel;
  symbols[HR_SYMBOL_CONVOLUTION] = symbols[HR_SYMBOL_SEQUENCE] + convolution->conv_kernel - 1;
  hr_live_parameters_call (replay);
  replay->sentence = N_("in the short convolution, while its input is projected and convolved");
  if (forward->masked && symbols[HR_SYMBOL_BATCH] > 1 && symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_mask_tokens (replay, &masked);
  projected = hr_op_linear (replay, masked, HR_MODULE_PROJECTION, "BCx", HR_SYMBOL_HIDDEN, 3, has_bias);
  hr_replay_drop (replay, masked);
  transposed = hr_op_transpose (replay, projected, projected);
  hr_op_chunk (replay, transposed, 3, parts);
  hr_replay_drop (replay, transposed);
  hr_replay_drop (replay, projected);
  input = hr_op_binary (replay, HR_BINARY_MUL, "Bx", parts[0], parts[2]);
  convolved = hr_replay_convolution (replay, forward, input, HR_SYMBOL_HIDDEN, has_bias, HR_CONVOLVED_ALONE,
                                     &padded);
  hr_replay_drop (replay, padded);
  result = hr_op_binary (replay, HR_BINARY_MUL, "y", parts[1], convolved);
  replay->sentence = N_("in the short convolution, in its output projection");
  hr_replay_assign (replay, &result,
                    hr_op_linear (replay, result, HR_MODULE_OUTPUT, "y", HR_SYMBOL_HIDDEN, 1, has_bias));
  hr_live_parameters_leave (replay, &result);
  hr_replay_drop (replay, convolved);
  hr_replay_drop (replay, input);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_drop (replay, parts[i]);

  return result;
}
