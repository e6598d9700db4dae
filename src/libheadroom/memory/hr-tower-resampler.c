/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-tower.h"

/*
 * Latents that go through layers which attend to what another tower has seen, and are what the decoder reads
 * (Idefics2Connector and Idefics2PerceiverResampler of modeling_idefics2.py).
 */

enum
{
  GATE,
  UP,
  DOWN,
};

/* `self.down_proj (self.act_fn (self.gate_proj (x)) * self.up_proj (x))` (Idefics2MLP). */
static HrValue
project (HrReplay      *replay,
         HrValue        x,
         const HrChain *chain)
{
  HrValue gate = hr_tower_run_linear (replay, x, &chain->blocks[GATE], HR_SYMBOL_PROJECTOR);
  HrValue up, product, result;

  hr_replay_assign (replay, &gate, hr_op_unary (replay, HR_UNARY_SILU, "act_fn(…)", gate));
  up = hr_tower_run_linear (replay, x, &chain->blocks[UP], HR_SYMBOL_PROJECTOR);
  product = hr_op_binary (replay, HR_BINARY_MUL, "act_fn(…)·up", gate, up);
  hr_replay_drop (replay, up);
  hr_replay_drop (replay, gate);
  result = hr_tower_run_linear (replay, product, &chain->blocks[DOWN], HR_SYMBOL_HIDDEN);
  hr_replay_drop (replay, product);

  return result;
}

/*
 * `torch.cat ([attention_mask, latent_attention_mask], dim=-1)`: ones for the latents behind what is said of patches,
 * whose place the mask for the layers takes, or none.
 */
static void
make_mask (const HrInference *self,
           HrReplay          *replay,
           HrPass            *pass)
{
  gboolean is_eager = self->attention == HR_ATTENTION_IMPLEMENTATION_EAGER;
  HrValue joined;

  replay->sentence = N_("while the attention mask is made");
  hr_pass_set_context (replay, self->source_length + self->tower->sequence);
  pass->beside[pass->n_beside++] = hr_op_like (replay, "ones", "latent_attention_mask",
                                               HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  joined = hr_op_like (replay, "cat", "attention_mask",
                       HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
  if (is_eager || g_array_index (self->tower->inner, HrTower, 0).is_padded)
    pass->full_mask = hr_replay_padding_mask (replay, is_eager);
  hr_replay_drop (replay, joined);
}

static HrValue
expand_latents (HrReplay      *replay,
                const HrBlock *block)
{
  HrValue latents;

  replay->block = block->path;
  latents = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));

  return hr_op_expand (replay, latents, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE,
                                                  HR_SYMBOL_HIDDEN));
}

/*
 * hr_tower_embed_resampler:
 * @self: the pass of a resampler
 * @replay: a tape
 * @pass: the variables of its function
 *
 * Has the other tower see, and what comes before the layers.
 */
void
hr_tower_embed_resampler (const HrInference *self,
                          HrReplay          *replay,
                          HrPass            *pass)
{
  const HrChain *embeddings = &self->stack->embeddings;
  HrGraph *graph = replay->graph;
  HrValue seen = hr_pass_see_across (self, replay, pass);
  HrValue context = HR_SHAPE (seen.element, HR_SYMBOL_BATCH, HR_SYMBOL_SOURCE, HR_SYMBOL_MERGED);

  replay->sentence = N_("while what was seen is projected for the language model");
  replay->symbols[HR_SYMBOL_MERGED] = embeddings->blocks[GATE].linear.in_features;
  context.storage = seen.storage;
  context.node = seen.node;
  pass->forward.source = pass->joins[0].joined = project (replay, context, embeddings);
  replay->graph = graph;
  pass->hidden = expand_latents (replay, hr_tower_find_parameter (embeddings, HR_PARAMETER_LATENTS));
  make_mask (self, replay, pass);
}

/*
 * hr_tower_finish_resampler:
 * @self: the pass of a resampler
 * @replay: a tape
 * @pass: the variables of its function
 *
 * The last norm, and what is held of what the other tower has seen goes.
 */
void
hr_tower_finish_resampler (const HrInference *self,
                           HrReplay          *replay,
                           HrPass            *pass)
{
  const HrBlock *norm = hr_chain_find_block (&self->stack->final, HR_BLOCK_NORM);
  HrJoin *join = &pass->joins[0];
  HrStretch stretch;
  HrValue view;

  hr_replay_begin (replay, &stretch, norm->path, -1);
  replay->sentence = N_("while what was seen is projected for the language model");
  hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
  hr_replay_drop (replay, pass->full_mask);
  while (pass->n_beside > 0)
    hr_replay_drop (replay, pass->beside[--pass->n_beside]);
  hr_replay_assign (replay, &pass->forward.source, HR_NO_VALUE);
  hr_replay_drop (replay, hr_value_detach (join->seen));
  for (guint i = 0; i < join->n_outputs; i++)
    hr_replay_drop (replay, join->outputs[i]);
  hr_replay_drop (replay, pass->weights);
  replay->symbols[HR_SYMBOL_TEXT_HIDDEN] = replay->symbols[HR_SYMBOL_HIDDEN];
  view = hr_op_view (replay, pass->hidden, HR_SHAPE (pass->hidden.element, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN));
  hr_replay_assign (replay, &pass->hidden, view);
  hr_replay_rename (replay, pass->hidden, "image_features");
  hr_replay_end (replay);
}
