/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-flop-pass.h"

/*
 * What methods of fine-tuning multiply beside the matrices of the model, as PEFT's layers do (hr-replay-adapter and
 * hr-replay-prompt in memory have what these take).
 */

/* A product of what is trained with what is trained, or with what a gradient flows to. */
static guint64
multiply (HrFlopWalk *self,
          guint64     rows,
          guint64     size,
          gboolean    flow,
          gboolean    is_trained)
{
  guint64 n = hr_flop_walk_multiply (self, HR_FLOP_PART_ADAPTERS, rows, size);

  hr_flop_walk_derive (self, HR_FLOP_PART_ADAPTERS, n, flow, is_trained);
  hr_flop_walk_note_skipped (self, HR_FLOP_PART_ADAPTERS, n);

  return n;
}

/* lora_B (lora_A (x)): PEFT's Linear.forward of peft/tuners/lora/layer.py; VeRA's are frozen, with vectors between. */
static void
run_factors (HrFlopWalk          *self,
             const HrTunedModule *tuned,
             guint64              rows,
             guint64              out_features,
             guint64              in_features,
             gboolean             flow)
{
  guint64 rank = hr_tuning_get_size (self->pass->tuning, tuned->rank);
  gboolean is_frozen = tuned->by == HR_TUNED_BY_VERA;
  gboolean is_first_frozen = is_frozen || tuned->by == HR_TUNED_BY_LORA_FA;

  multiply (self, rows, rank * in_features, flow, !is_first_frozen);
  multiply (self, rows, out_features * rank, flow || tuned->by != HR_TUNED_BY_LORA_FA, !is_frozen);
  /* What comes of it is multiplied by a trained vector, whose gradient needs it. */
  self->saves_last = is_frozen || tuned->by == HR_TUNED_BY_DORA;
  hr_flop_count_move (self->count, HR_FLOP_PART_ADAPTERS, rows, in_features + 2 * rank + out_features);
}

/*
 * DoraLinearLayer.forward of peft/tuners/lora/dora.py: the factors are multiplied by a unit matrix, which no gradient
 * flows through, to measure what they add; and what the model's own matrix makes is made again of an input that went
 * through a dropout.
 */
static void
run_dora (HrFlopWalk          *self,
          const HrTunedModule *tuned,
          guint64              rows,
          guint64              out_features,
          guint64              in_features,
          gboolean             flow)
{
  guint64 rank = hr_tuning_get_size (self->pass->tuning, tuned->rank);

  multiply (self, in_features, in_features * rank, FALSE, FALSE);
  multiply (self, in_features, rank * out_features, FALSE, FALSE);
  if (hr_tuning_has_dropout (self->pass->tuning))
    {
      multiply (self, rows, in_features * out_features, flow, FALSE);
      hr_flop_count_move (self->count, HR_FLOP_PART_ADAPTERS, rows, in_features + out_features);
    }
  run_factors (self, tuned, rows, out_features, in_features, flow);
}

/* ((w1a @ w1b) * (w2a @ w2b)): HadaWeight of peft/tuners/loha/layer.py, whose backward multiplies both again. */
static void
make_hadamard (HrFlopWalk          *self,
               const HrTunedModule *tuned,
               guint64              n_matrices,
               guint64              out_features,
               guint64              in_features)
{
  guint64 rank = hr_tuning_get_size (self->pass->tuning, tuned->rank);

  for (guint i = 0; i < 2; i++)
    {
      guint64 n = multiply (self, n_matrices * out_features, rank * in_features, TRUE, TRUE);

      hr_flop_count_sum (self->count, &self->count->parts[HR_FLOP_PART_ADAPTERS].recomputed, n);
    }
}

/* torch.kron (w1, w2) of peft/tuners/lokr/layer.py, which is made number by number; a factor may be a product. */
static void
make_kronecker (HrFlopWalk          *self,
                const HrTunedModule *tuned,
                guint64              n_matrices)
{
  const HrTuning *tuning = self->pass->tuning;

  for (guint i = 0; i < G_N_ELEMENTS (tuned->kronecker.is_product); i++)
    {
      if (tuned->kronecker.is_product[i])
        multiply (self, n_matrices * hr_tuning_get_size (tuning, tuned->kronecker.rows[i]),
                  hr_tuning_get_size (tuning, tuned->rank) * hr_tuning_get_size (tuning, tuned->kronecker.columns[i]),
                  TRUE, TRUE);
    }
}

/* F.linear (x, delta_weight): LoHaLayer.forward and LoKrLayer.forward. */
static void
run_delta (HrFlopWalk          *self,
           const HrTunedModule *tuned,
           guint64              rows,
           guint64              n_matrices,
           guint64              out_features,
           guint64              in_features,
           gboolean             flow)
{
  if (tuned->by == HR_TUNED_BY_LOHA)
    make_hadamard (self, tuned, n_matrices, out_features, in_features);
  else
    make_kronecker (self, tuned, n_matrices);

  multiply (self, rows * n_matrices, out_features * in_features, flow, TRUE);
  hr_flop_count_move (self->count, HR_FLOP_PART_ADAPTERS, rows * n_matrices, out_features + in_features);
}

/*
 * hr_flop_walk_run_adapter:
 * @self: a walk
 * @tuned: what is done to a linear layer
 * @rows: rows that go through it
 * @n_matrices: how many matrices it has
 * @out_features: the width of what each makes
 * @in_features: of what each reads
 * @flow: whether a gradient flows to what it reads
 *
 * Runs what a method of fine-tuning adds to a linear layer.
 */
void
hr_flop_walk_run_adapter (HrFlopWalk          *self,
                          const HrTunedModule *tuned,
                          guint64              rows,
                          guint64              n_matrices,
                          guint64              out_features,
                          guint64              in_features,
                          gboolean             flow)
{
  switch (tuned->by)
    {
    case HR_TUNED_BY_LORA:
    case HR_TUNED_BY_LORA_FA:
    case HR_TUNED_BY_ADALORA:
    case HR_TUNED_BY_VERA:
      run_factors (self, tuned, rows * n_matrices, out_features, in_features, flow);
      break;

    case HR_TUNED_BY_DORA:
      run_dora (self, tuned, rows * n_matrices, out_features, in_features, flow);
      break;

    case HR_TUNED_BY_LOHA:
    case HR_TUNED_BY_LOKR:
      run_delta (self, tuned, rows, n_matrices, out_features, in_features, flow);
      break;

    case HR_TUNED_BY_IA3:
    case HR_TUNED_BY_IA3_INPUT:
    case HR_TUNED_WHOLE:
    default:
      break;
    }
}

/*
 * hr_flop_walk_run_embedding:
 * @self: a walk
 * @block: a table of tokens
 * @flow: whether a gradient flows to what it makes without an adapter
 *
 * Looks tokens up, which computes nothing; a LoRA multiplies what it has looked up in its first factor by the second:
 * Embedding.forward of peft/tuners/lora/layer.py.
 *
 * Returns: whether a gradient flows to what it makes
 */
gboolean
hr_flop_walk_run_embedding (HrFlopWalk    *self,
                            const HrBlock *block,
                            gboolean       flow)
{
  const HrTunedModule *tuned = hr_tuning_find (self->pass->tuning, block->path, HR_MODULE_SELF, self->layer);
  guint64 rows = self->batch * self->sequence;
  guint64 rank;

  if ((!self->pass->trains && !self->pass->is_adapted) || tuned == NULL || tuned->by != HR_TUNED_BY_LORA)
    return flow;

  rank = hr_tuning_get_size (self->pass->tuning, tuned->rank);
  multiply (self, rows, rank * block->token_embedding.hidden_size, TRUE, TRUE);
  hr_flop_count_move (self->count, HR_FLOP_PART_ADAPTERS, rows, rank + block->token_embedding.hidden_size);

  return self->pass->trains;
}

/*
 * hr_flop_walk_run_prompt:
 * @self: a walk
 *
 * Three layers as wide as the model make virtual tokens, once for all sequences: PromptEncoder of
 * peft/tuners/p_tuning/model.py. What they read is trained as well.
 */
void
hr_flop_walk_run_prompt (HrFlopWalk *self)
{
  const HrTuning *tuning = self->pass->tuning;
  guint64 width = 0;

  if ((!self->pass->trains && !self->pass->is_adapted) || tuning == NULL ||
      hr_tuning_get_prompt (tuning) != HR_PROMPT_ENCODED)
    return;

  hr_model_get_hyper_parameter (self->pass->model, "hidden_size", &width);
  for (guint i = 0; i < 3; i++)
    multiply (self, hr_tuning_get_n_virtual (tuning), width * width, TRUE, TRUE);
}

/*
 * hr_flop_walk_run_own_adapter:
 * @self: a walk
 * @part: what computes
 * @rank: its inner width, 0 for none
 * @in_features: the width of what it reads
 * @out_features: of what it makes
 *
 * Runs an adapter that the model itself has.
 */
void
hr_flop_walk_run_own_adapter (HrFlopWalk *self,
                              HrFlopPart  part,
                              const HrBlock *block,
                              guint64     rank,
                              guint64     in_features,
                              guint64     out_features)
{
  guint64 rows = self->batch * self->sequence;
  gboolean trains = hr_flop_walk_trains_layer (self, block);

  self->own_rank = rank;
  if (rank > 0)
    hr_flop_walk_derive (self, part, hr_flop_walk_multiply (self, part, rows, rank * (in_features + out_features)),
                         trains, trains);
}
