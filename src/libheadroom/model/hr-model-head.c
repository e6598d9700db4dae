/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-model-head.h"

#include "hr-block.h"

/*
 * hr_model_writes_text:
 * @self: a model
 *
 * Whether a model generates text. A classifier, or a model without a head, has read a batch when it has gone through it
 * once.
 *
 * Returns: whether it does
 */
gboolean
hr_model_writes_text (HrModel *self)
{
  const HrChain *head = hr_model_get_head (self);

  for (guint i = 0; i < head->n_blocks; i++)
    {
      if (head->blocks[i].kind == HR_BLOCK_HEAD && !head->blocks[i].head.every_token)
        return TRUE;
    }

  return FALSE;
}
