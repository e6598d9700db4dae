/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-optimizer-private.h"

/*
 * Optimizers that step a parameter in the backward pass: a hook on the next parameter finds the gradient, uses it and
 * lets it go before it takes its own.
 */

static HrValue
make_fp32 (HrReplay   *replay,
           const char *operation,
           const char *name,
           HrValue     like)
{
  like.storage = -1;
  like.node = HR_NO_NODE;
  like.is_view = FALSE;
  like.element = HR_ELEMENT_FLOAT32;

  return hr_replay_make (replay, operation, name, HR_COMPONENT_TEMPORARY, like);
}

/* grad_fp32 = p.grad.to (torch.float32); p.grad = None */
static HrValue
take_gradient (HrReplay *replay,
               HrValue   gradient)
{
  HrValue copy;

  if (gradient.element == HR_ELEMENT_FLOAT32)
    return gradient;

  copy = make_fp32 (replay, "_to_copy", "grad_fp32", gradient);
  hr_replay_drop (replay, gradient);

  return copy;
}

static HrValue
convert_parameter (HrReplay *replay,
                   HrValue   like)
{
  if (like.element == HR_ELEMENT_FLOAT32)
    return HR_NO_VALUE;

  return make_fp32 (replay, "_to_copy", "p_fp32", like);
}

/*
 * hr_optimizer_fuse_lomo:
 * @replay: a tape
 * @gradient: (transfer full): the gradient of a parameter
 *
 * Lomo.fuse_update.
 */
void
hr_optimizer_fuse_lomo (HrReplay *replay,
                        HrValue   gradient)
{
  HrValue like = gradient;
  HrValue gradient32 = take_gradient (replay, gradient);

  hr_replay_drop (replay, convert_parameter (replay, like));
  hr_replay_drop (replay, gradient32);
}

/* _approx_sq_grad: the product of a factor for each row and one for each column. */
static void
approximate (HrReplay *replay,
             HrValue  *update,
             HrValue   like)
{
  HrValue rows = like, columns = like;

  if (like.n_symbols < 2)
    {
      hr_replay_assign (replay, update, make_fp32 (replay, "mul", "update", like));
      return;
    }

  rows.n_symbols = columns.n_symbols = 1;
  rows.symbols[0] = like.symbols[1];
  columns.count = columns.divisor = 1;
  rows = make_fp32 (replay, "rsqrt", "r_factor", rows);
  columns = make_fp32 (replay, "rsqrt", "c_factor", columns);
  hr_replay_assign (replay, update, make_fp32 (replay, "mul", "update", like));
  hr_replay_drop (replay, columns);
  hr_replay_drop (replay, rows);
}

/*
 * hr_optimizer_fuse_adalomo:
 * @replay: a tape
 * @gradient: (transfer full): the gradient of a parameter
 *
 * AdaLomo.fuse_update: the square, the product of the factors, and the parameter in fp32.
 */
void
hr_optimizer_fuse_adalomo (HrReplay *replay,
                           HrValue   gradient)
{
  HrValue like = gradient;
  HrValue gradient32 = take_gradient (replay, gradient);
  HrValue power = make_fp32 (replay, "pow", "grad_fp32**2", like);
  HrValue update = make_fp32 (replay, "add", "update", like);

  hr_replay_drop (replay, power);
  approximate (replay, &update, like);
  hr_replay_drop (replay, convert_parameter (replay, like));
  hr_replay_drop (replay, update);
  hr_replay_drop (replay, gradient32);
}
