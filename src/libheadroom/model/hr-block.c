/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-block.h"

/* Frees what a chain holds, not the chain itself. */
void
hr_chain_clear (HrChain *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < self->n_blocks; i++)
    g_free (self->blocks[i].path);
  g_clear_pointer (&self->blocks, g_free);
  self->n_blocks = 0;
}

static void
clear_layer_class (HrLayerClass *self)
{
  for (guint i = 0; i < self->n_sublayers; i++)
    {
      HrSublayer *sublayer = &self->sublayers[i];

      hr_chain_clear (&sublayer->shared);
      for (guint j = 0; j < sublayer->n_branches; j++)
        hr_chain_clear (&sublayer->branches[j]);
      g_free (sublayer->branches);
    }
  g_free (self->sublayers);
}

void
hr_stack_free (HrStack *self)
{
  g_return_if_fail (self != NULL);

  hr_chain_clear (&self->embeddings);
  for (guint i = 0; i < self->n_layer_classes; i++)
    clear_layer_class (&self->layer_classes[i]);
  g_free (self->layer_classes);
  g_free (self->layer_class_of);
  hr_chain_clear (&self->final);
  g_free (self->id);
  g_free (self);
}
